/* Threads for plugins: see runner.h. One lock, held for a few instructions only. */
#include "plugin/runner.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "plugin/host.h"

#define WATCH_MS 20 /* how exactly deadlines are kept */
#define THREADS_MAX 64

enum state { QUEUED, RUNNING, DONE, LATE };

struct queue {
  struct us_hook_job *first, **end;
  size_t n, bytes;
};

struct us_hook_runner {
  struct us_plugins *plugins;
  pthread_mutex_t lock;
  pthread_cond_t asked, told, watched, idle;
  struct queue asks, deeds;
  struct us_hook_job *waiting; /* asks that somebody waits for, queued or running */
  size_t waiting_count, waiting_bytes, queue_max;
  bool is_stopping, is_telling;
  unsigned threads_alive;
  uint64_t dropped;
  pthread_t threads[THREADS_MAX + 2];
  unsigned thread_count;
};

/* ---- jobs ---- */

struct us_hook_job *us_hook_job_new(void) {
  void *mem = us_mem_root_new(0, US_HOOK_JOB_MEM_MAX_BYTES);
  struct us_hook_job *job = calloc(1, sizeof(*job));
  if (!mem || !job) {
    us_mem_free(mem);
    free(job);
    return NULL;
  }
  job->mem = mem;
  job->refs = 1;
  return job;
}

struct us_ask *us_hook_job_add(struct us_hook_job *job) {
  if (job->n == job->room) {
    size_t room = job->room ? 2 * job->room : 4;
    struct us_ask **asks = us_mem_grow(job->mem, job->asks, job->room * sizeof(asks[0]), room * sizeof(asks[0]));
    if (!asks)
      return NULL;
    job->asks = asks;
    job->room = room;
  }
  struct us_ask *ask = US_NEW(job->mem, struct us_ask);
  if (ask)
    job->asks[job->n++] = ask;
  return ask;
}

void us_hook_job_unref(struct us_hook_job *job) {
  if (!job || atomic_fetch_sub(&job->refs, 1) > 1)
    return;
  for (size_t i = 0; i < job->n; i++)
    us_ask_done(job->asks[i]);
  us_mem_free(job->mem);
  free(job);
}

void us_hook_job_run(struct us_plugins *plugins, struct us_hook_job *job) {
  for (size_t i = 0; i < job->n; i++) {
    us_hooks_ask(plugins, job->asks[i], job->mem, &job->watch);
    if (job->asks[i]->verdict != US_VERDICT_OK && !us_hook_is_after(job->asks[i]->hook))
      return;
  }
}

bool us_hook_job_is_late(const struct us_hook_job *job) {
  return job->state == LATE;
}

/* ---- queues ---- */

static void put(struct queue *queue, struct us_hook_job *job) {
  job->next = NULL;
  *queue->end = job;
  queue->end = &job->next;
  queue->n++;
  queue->bytes += job->bytes;
}

static struct us_hook_job *take(struct queue *queue) {
  struct us_hook_job *job = queue->first;
  if (!job)
    return NULL;
  queue->first = job->next;
  if (!queue->first)
    queue->end = &queue->first;
  queue->n--;
  queue->bytes -= job->bytes;
  return job;
}

/* Wherever it stands; who has waited longest stands first. */
static void take_out(struct queue *queue, const struct us_hook_job *job) {
  struct us_hook_job **at = &queue->first;
  while (*at != job)
    at = &(*at)->next;
  *at = job->next;
  if (!*at)
    queue->end = at;
  queue->n--;
  queue->bytes -= job->bytes;
}

static void link_waiting(struct us_hook_runner *r, struct us_hook_job *job) {
  job->before = NULL;
  job->behind = r->waiting;
  if (r->waiting)
    r->waiting->before = job;
  r->waiting = job;
  r->waiting_count++;
  r->waiting_bytes += job->bytes;
}

static void unlink_waiting(struct us_hook_runner *r, struct us_hook_job *job) {
  *(job->before ? &job->before->behind : &r->waiting) = job->behind;
  if (job->behind)
    job->behind->before = job->before;
  r->waiting_count--;
  r->waiting_bytes -= job->bytes;
}

/* ---- threads ---- */

static void end_thread(struct us_hook_runner *r) {
  r->threads_alive--;
  pthread_cond_broadcast(&r->idle);
  pthread_mutex_unlock(&r->lock);
}

static void *ask_thread(void *self) {
  struct us_hook_runner *r = self;
  pthread_mutex_lock(&r->lock);
  for (;;) {
    struct us_hook_job *job = take(&r->asks);
    if (!job && r->is_stopping)
      break;
    if (!job) {
      pthread_cond_wait(&r->asked, &r->lock);
      continue;
    }
    job->state = RUNNING;
    pthread_mutex_unlock(&r->lock);
    us_hook_job_run(r->plugins, job);
    pthread_mutex_lock(&r->lock);
    bool is_in_time = job->state == RUNNING;
    if (is_in_time) {
      job->state = DONE;
      unlink_waiting(r, job);
    }
    pthread_mutex_unlock(&r->lock);
    if (is_in_time)
      job->done(job->self);
    us_hook_job_unref(job);
    pthread_mutex_lock(&r->lock);
  }
  end_thread(r);
  return NULL;
}

static void *tell_thread(void *self) {
  struct us_hook_runner *r = self;
  pthread_mutex_lock(&r->lock);
  for (;;) {
    struct us_hook_job *job = take(&r->deeds);
    if (!job && r->is_stopping)
      break;
    if (!job) {
      pthread_cond_wait(&r->told, &r->lock);
      continue;
    }
    r->is_telling = true;
    pthread_mutex_unlock(&r->lock);
    us_hook_job_run(r->plugins, job);
    us_hook_job_unref(job);
    pthread_mutex_lock(&r->lock);
    r->is_telling = false;
  }
  end_thread(r);
  return NULL;
}

static void say_late(struct us_hook_job *job) {
  struct us_plugin *plugin = job->watch.plugin;
  struct us_log_line line;
  enum us_hook hook = (enum us_hook)(plugin ? job->watch.hook : (int)job->asks[0]->hook);
  if (plugin)
    atomic_fetch_add_explicit(&plugin->counters[hook].late, 1, memory_order_relaxed);
  us_log_begin(&line, US_LOG_ERROR, "plugin");
  us_log_c(&line, "plugin", plugin ? plugin->abi.name : "none");
  us_log_c(&line, "hook", us_hook_name(hook));
  us_log_c(&line, "msg",
           plugin ? "did not answer before its deadline" : "no thread for plugins was free before the deadline");
  us_log_end(&line);
}

/* Gives up one that is late; called and returns with the lock. False: none is. */
static bool give_one_up(struct us_hook_runner *r) {
  int64_t now_us = us_monotonic_us();
  for (struct us_hook_job *job = r->waiting; job; job = job->behind) {
    if (job->watch.until_us > now_us)
      continue;
    if (job->state == QUEUED) /* its reference is ours now */
      take_out(&r->asks, job);
    else
      atomic_fetch_add(&job->refs, 1);
    job->state = LATE;
    unlink_waiting(r, job);
    pthread_mutex_unlock(&r->lock);
    say_late(job);
    job->done(job->self);
    us_hook_job_unref(job);
    pthread_mutex_lock(&r->lock);
    return true;
  }
  return false;
}

static void *watch_thread(void *self) {
  struct us_hook_runner *r = self;
  pthread_mutex_lock(&r->lock);
  while (!r->is_stopping || r->waiting) {
    if (!r->waiting) {
      pthread_cond_wait(&r->watched, &r->lock);
      continue;
    }
    (void)us_cond_wait(&r->watched, &r->lock, us_monotonic_us() + WATCH_MS * 1000);
    while (give_one_up(r))
      continue;
  }
  end_thread(r);
  return NULL;
}

/* ---- the runner ---- */

static bool begin_thread(struct us_hook_runner *r, const char *name, void *(*run)(void *)) {
  r->threads_alive++;
  if (us_thread_start(&r->threads[r->thread_count], name, run, r) == 0) {
    r->thread_count++;
    return true;
  }
  r->threads_alive--;
  return false;
}

static void free_runner(struct us_hook_runner *r) {
  pthread_cond_destroy(&r->asked);
  pthread_cond_destroy(&r->told);
  pthread_cond_destroy(&r->watched);
  pthread_cond_destroy(&r->idle);
  pthread_mutex_destroy(&r->lock);
  free(r);
}

struct us_hook_runner *us_hook_runner_new(struct us_plugins *plugins, unsigned threads, size_t queue_max) {
  struct us_hook_runner *r = calloc(1, sizeof(*r));
  if (!r)
    return NULL;
  r->plugins = plugins;
  r->queue_max = queue_max ? queue_max : US_HOOK_QUEUE_MAX;
  r->asks.end = &r->asks.first;
  r->deeds.end = &r->deeds.first;
  pthread_mutex_init(&r->lock, NULL);
  us_cond_init(&r->asked);
  us_cond_init(&r->told);
  us_cond_init(&r->watched);
  us_cond_init(&r->idle);
  threads = threads ? threads : US_HOOK_THREADS;
  pthread_mutex_lock(&r->lock);
  bool has_all = begin_thread(r, "us-hook-watch", watch_thread) && begin_thread(r, "us-hook-tell", tell_thread);
  for (unsigned i = 0; has_all && i < threads && i < THREADS_MAX; i++)
    has_all = begin_thread(r, "us-hook", ask_thread);
  pthread_mutex_unlock(&r->lock);
  if (has_all)
    return r;
  us_hook_runner_free(r);
  return NULL;
}

bool us_hook_runner_ask(struct us_hook_runner *r, struct us_hook_job *job, void (*done)(void *self), void *self) {
  int64_t wait_ms = US_HOOK_DEADLINE_MS;
  for (size_t i = 0; i < r->plugins->n; i++)
    wait_ms = r->plugins->v[i].deadline_ms > wait_ms ? r->plugins->v[i].deadline_ms : wait_ms;
  job->watch.until_us = us_monotonic_us() + wait_ms * 1000; /* until a thread is free */
  job->done = done;
  job->self = self;
  job->state = QUEUED;
  job->bytes = us_mem_used(job->mem);
  pthread_mutex_lock(&r->lock);
  bool has_room = !r->is_stopping && r->waiting_count < r->queue_max &&
                  (r->waiting_count == 0 || r->waiting_bytes + job->bytes <= US_HOOK_QUEUE_MAX_BYTES);
  if (has_room) {
    atomic_fetch_add(&job->refs, 1);
    link_waiting(r, job);
    put(&r->asks, job);
    pthread_cond_signal(&r->asked);
    if (r->waiting_count == 1)
      pthread_cond_signal(&r->watched);
  }
  pthread_mutex_unlock(&r->lock);
  return has_room;
}

void us_hook_runner_tell(struct us_hook_runner *r, struct us_hook_job *job) {
  job->bytes = us_mem_used(job->mem);
  pthread_mutex_lock(&r->lock);
  bool has_room =
      r->deeds.n < US_HOOK_TELL_MAX && (r->deeds.n == 0 || r->deeds.bytes + job->bytes <= US_HOOK_TELL_MAX_BYTES);
  if (has_room) {
    put(&r->deeds, job);
    pthread_cond_signal(&r->told);
  } else {
    r->dropped++;
  }
  bool is_first = !has_room && r->dropped == 1;
  pthread_mutex_unlock(&r->lock);
  if (has_room)
    return;
  us_hook_job_unref(job);
  if (is_first)
    us_log(US_LOG_ERROR, "plugin",
           "too many deeds wait to be told to plugins: further ones are dropped, and counted in the metrics");
}

struct us_hook_runner_counters us_hook_runner_counters(struct us_hook_runner *r) {
  pthread_mutex_lock(&r->lock);
  struct us_hook_runner_counters counters = {
      .asking = r->waiting_count, .queued = r->asks.n, .telling = r->deeds.n + r->is_telling, .dropped = r->dropped};
  pthread_mutex_unlock(&r->lock);
  return counters;
}

bool us_hook_runner_free(struct us_hook_runner *r) {
  if (!r)
    return true;
  int64_t until_us = us_monotonic_us() + US_HOOK_STOP_MS * 1000;
  pthread_mutex_lock(&r->lock);
  r->is_stopping = true;
  pthread_cond_broadcast(&r->asked);
  pthread_cond_broadcast(&r->told);
  pthread_cond_broadcast(&r->watched);
  while (r->threads_alive > 0 && us_cond_wait(&r->idle, &r->lock, until_us))
    continue;
  bool has_ended = r->threads_alive == 0;
  size_t untold = r->deeds.n + r->is_telling;
  pthread_mutex_unlock(&r->lock);
  if (!has_ended) {
    us_log(US_LOG_ERROR, "plugin", "a plugin does not come back; %zu deeds were not told", untold);
    return false;
  }
  for (unsigned i = 0; i < r->thread_count; i++)
    pthread_join(r->threads[i], NULL);
  free_runner(r);
  return true;
}
