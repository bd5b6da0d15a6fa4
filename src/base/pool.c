/*
 * A bounded pool of worker threads over pthreads. Jobs are linked through their own `next`, so queueing allocates
 * nothing and cannot fail for want of memory; the only refusal is "full" (or "stopping").
 */
#include "base/pool.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdlib.h>

struct us_pool_worker {
  struct us_pool *pool;
  unsigned index;
  pthread_t thread;
};

struct us_pool {
  struct us_pool_options options;
  pthread_mutex_t lock;
  pthread_cond_t work;
  struct us_pool_job *first;
  struct us_pool_job *last;
  size_t queued;
  bool is_stopping;
  unsigned started;
  struct us_pool_worker workers[];
};

/* The next job, or NULL when the pool stops and the queue is empty. */
static struct us_pool_job *us_pool_take(struct us_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  while (!pool->first && !pool->is_stopping)
    pthread_cond_wait(&pool->work, &pool->lock);
  struct us_pool_job *job = pool->first;
  if (job) {
    pool->first = job->next;
    if (!pool->first)
      pool->last = NULL;
    pool->queued--;
    job->next = NULL;
  }
  pthread_mutex_unlock(&pool->lock);
  return job;
}

static void *us_pool_run(void *argument) {
  struct us_pool_worker *self = argument;
  const struct us_pool_options *options = &self->pool->options;
  void *worker = options->open ? options->open(options->self, self->index) : NULL;
  for (struct us_pool_job *job; (job = us_pool_take(self->pool)) != NULL;)
    job->run(job, worker);
  if (options->close)
    options->close(options->self, worker);
  return NULL;
}

static bool us_pool_start(struct us_pool *pool) {
  for (; pool->started < pool->options.threads; pool->started++) {
    struct us_pool_worker *worker = &pool->workers[pool->started];
    *worker = (struct us_pool_worker){.pool = pool, .index = pool->started};
    if (us_thread_start(&worker->thread, "us-pool", us_pool_run, worker) != 0)
      break;
  }
  return pool->started == pool->options.threads;
}

struct us_pool *us_pool_new(const struct us_pool_options *options) {
  if (options->threads == 0)
    return NULL;
  struct us_pool *pool = calloc(1, sizeof *pool + options->threads * sizeof pool->workers[0]);
  if (!pool)
    return NULL;
  pool->options = *options;
  if (pthread_mutex_init(&pool->lock, NULL) != 0) {
    free(pool);
    return NULL;
  }
  if (pthread_cond_init(&pool->work, NULL) != 0) {
    pthread_mutex_destroy(&pool->lock);
    free(pool);
    return NULL;
  }
  if (!us_pool_start(pool)) {
    us_pool_free(pool);
    return NULL;
  }
  return pool;
}

bool us_pool_submit(struct us_pool *pool, struct us_pool_job *job) {
  pthread_mutex_lock(&pool->lock);
  bool has_room = !pool->is_stopping && pool->queued < pool->options.max_queued;
  if (has_room) {
    job->next = NULL;
    if (pool->last)
      pool->last->next = job;
    else
      pool->first = job;
    pool->last = job;
    pool->queued++;
    pthread_cond_signal(&pool->work);
  }
  pthread_mutex_unlock(&pool->lock);
  return has_room;
}

size_t us_pool_queued(struct us_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  size_t queued = pool->queued;
  pthread_mutex_unlock(&pool->lock);
  return queued;
}

void us_pool_free(struct us_pool *pool) {
  if (!pool)
    return;
  pthread_mutex_lock(&pool->lock);
  pool->is_stopping = true;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->lock);
  for (unsigned i = 0; i < pool->started; i++)
    pthread_join(pool->workers[i].thread, NULL);
  pthread_cond_destroy(&pool->work);
  pthread_mutex_destroy(&pool->lock);
  free(pool);
}
