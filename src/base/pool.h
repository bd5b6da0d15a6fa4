/*
 * A bounded pool of worker threads for what is too slow for an event loop: argon2, RSA signatures, hooks. Jobs run in
 * order of arrival. The queue has a maximum; us_pool_submit() says false when it is full and the caller answers 503.
 * Each worker has its own `worker` value (a database connection), made by `open` on its thread and given to every job.
 */
#ifndef USHER_BASE_POOL_H
#define USHER_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct us_pool;
struct us_pool_job {
  void (*run)(struct us_pool_job *job, void *worker);
  struct us_pool_job *next; /* owned by the pool while queued */
};
struct us_pool_options {
  unsigned threads;
  size_t max_queued;
  void *(*open)(void *self, unsigned index); /* may be NULL */
  void (*close)(void *self, void *worker);
  void *self;
};
struct us_pool *us_pool_new(const struct us_pool_options *options); /* NULL: no threads to be had */
bool us_pool_submit(struct us_pool *pool, struct us_pool_job *job);
size_t us_pool_queued(struct us_pool *pool);
void us_pool_free(struct us_pool *pool); /* runs what is queued, then joins; accepts NULL */

#endif
