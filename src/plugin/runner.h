/*
 * Threads for plugins. What stands before a deed is asked on a few threads, and whoever waits for it waits until the deadline of the
 * plugin that runs, not longer: a job that is late is given up, and what the thread still does with it is nobody's concern any more.
 * What comes after a deed is told on one thread of its own, in the order of the deeds; nobody waits for it.
 */
#ifndef USHER_PLUGIN_RUNNER_H
#define USHER_PLUGIN_RUNNER_H

#include "plugin/hooks.h"

#define US_HOOK_JOB_MEM_MAX_BYTES (64 * 1024 * 1024)
#define US_HOOK_THREADS 4                          /* default */
#define US_HOOK_QUEUE_MAX 1024                     /* default; asks beyond are a 503 */
#define US_HOOK_QUEUE_MAX_BYTES (64 * 1024 * 1024) /* of what is asked about, if it is more than one job; ditto */
#define US_HOOK_TELL_MAX 4096 /* deeds that wait to be told; beyond they are dropped, and the log says so */
#define US_HOOK_TELL_MAX_BYTES (64 * 1024 * 1024)
#define US_HOOK_STOP_MS 5000 /* how long the end waits for plugins */

/* Asks that go together, in memory of their own: a call that has given up does not take it along. Two owners at most. */
struct us_hook_job {
  void *mem;
  _Atomic int refs;
  struct us_ask **asks; /* in order; after the first that is not OK the others are not asked */
  size_t n, room;
  struct us_hook_watch watch;
  /* the runner's */
  int state;
  size_t bytes; /* that it held when it came */
  void (*done)(void *self);
  void *self;
  struct us_hook_job *next;            /* in the queue */
  struct us_hook_job *before, *behind; /* among those that somebody waits for */
};
struct us_hook_job *us_hook_job_new(void); /* NULL: no memory */
/* A new ask, all zero. NULL: no memory. */
struct us_ask *us_hook_job_add(struct us_hook_job *job);
void us_hook_job_unref(struct us_hook_job *job); /* accepts NULL */
/* Asks all on this thread. */
void us_hook_job_run(struct us_plugins *plugins, struct us_hook_job *job);
/* Behind done(): was it given up? Its asks must not be looked at then. */
bool us_hook_job_is_late(const struct us_hook_job *job);

struct us_hook_runner *us_hook_runner_new(struct us_plugins *plugins, unsigned threads, size_t queue_max);
/* done(self) is called once, on another thread, when all is asked or the deadline has passed. The caller keeps its reference. False: no
 * room, nothing will be called. */
bool us_hook_runner_ask(struct us_hook_runner *runner, struct us_hook_job *job, void (*done)(void *self), void *self);
/* Takes over the reference. */
void us_hook_runner_tell(struct us_hook_runner *runner, struct us_hook_job *job);
/* Tells what waits to be told, for US_HOOK_STOP_MS at most, and ends the threads. False: a plugin did not come back; it, and what it
 * uses, must not be freed. Accepts NULL. */
bool us_hook_runner_free(struct us_hook_runner *runner);
struct us_hook_runner_counters {
  size_t asking, telling; /* waiting or running */
  size_t queued;          /* asks that no thread has yet */
  uint64_t dropped;       /* deeds that nobody was told of */
};
struct us_hook_runner_counters us_hook_runner_counters(struct us_hook_runner *runner);

#endif
