/* Clean-up of expired rows: see cleanup.h. A thread that sleeps, and hands one job at a time to the writer. */
#include "app/cleanup.h"

#include <stdlib.h>

#include "app/key_rotation.h"
#include "base/mem.h"
#include "base/thread.h"
#include "domain/audit.h"
#include "domain/cascade.h"
#include "domain/notice.h"
#include "domain/signing_key.h"
#include "domain/sweep.h"

#define US_CLEANUP_ROWS 1000
#define US_CLEANUP_PAUSE_MS 5000
#define US_CLEANUP_GAP_MS 20 /* leaves room for requests between batches */

struct us_cleanup {
  struct us_services *svc;
  struct us_writer *writer;
  pthread_t thread;
  pthread_mutex_t lock; /* for waiting */
  pthread_cond_t changed;
  _Atomic bool is_stopping;
  bool has_more, has_changed_keys;
  int64_t swept;
  struct us_write_job job;
  struct us_cx cx;
  struct us_key_rotation rotation;
  us_cleanup_refresh_fn refresh;
  void *self;
};

static struct us_cleanup *of_job(struct us_write_job *job) {
  return (struct us_cleanup *)((char *)job - offsetof(struct us_cleanup, job));
}

static enum us_code run(struct us_write_job *job) {
  struct us_cleanup *c = of_job(job);
  int64_t expired = 0, notices = 0, lines = 0;
  bool more = false;
  US_TRY(us_sweep_expired(job->cx, US_CLEANUP_ROWS, &expired));
  US_TRY(us_cascade_continue(job->cx, &more));
  US_TRY(us_signing_keys_clean_up(job->cx, &c->has_changed_keys));
  US_TRY(us_notice_clean_up(job->cx, US_CLEANUP_ROWS, &notices));
  US_TRY(us_audit_clean_up(job->cx, US_CLEANUP_ROWS, &lines));
  c->swept = expired + notices + lines;
  c->has_more = more || expired >= US_CLEANUP_ROWS || notices >= US_CLEANUP_ROWS || lines >= US_CLEANUP_ROWS;
  return US_OK;
}

/* Has one job done and waits for it. */
static void submit(struct us_cleanup *c, enum us_code (*step)(struct us_write_job *job)) {
  c->job = (struct us_write_job){.cx = &c->cx, .run = step};
  if (us_writer_run(c->writer, &c->job) != US_OK) {
    c->has_more = false;
    c->swept = 0;
  }
}

static enum us_code rotate(struct us_write_job *job) {
  of_job(job)->has_changed_keys = true;
  return us_key_rotation_run(job->cx, &of_job(job)->rotation);
}

/* Making a key takes a while: on this thread. */
static void rotate_keys(struct us_cleanup *c) {
  if (us_key_rotation_prepare(&c->cx, &c->rotation) == US_OK && c->rotation.jwk.p != NULL && !c->is_stopping)
    submit(c, rotate);
}

static void one_round(struct us_cleanup *c) {
  c->cx = (struct us_cx){
      .mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = c->svc, .now_ms = us_clock_now_ms(c->svc->clock)};
  c->has_more = c->has_changed_keys = false;
  if (c->cx.mem == NULL)
    return;
  c->swept = 0;
  submit(c, run);
  c->svc->swept += (uint64_t)c->swept;
  if (!c->has_more)
    rotate_keys(c);
  if (c->has_changed_keys)
    c->refresh(c->self, &c->cx);
  us_mem_free(c->cx.mem);
}

static void *loop(void *self) {
  struct us_cleanup *c = self;
  while (!c->is_stopping) {
    int64_t until_us = us_monotonic_us() + (c->has_more ? US_CLEANUP_GAP_MS : US_CLEANUP_PAUSE_MS) * 1000;
    pthread_mutex_lock(&c->lock);
    while (!c->is_stopping && us_cond_wait(&c->changed, &c->lock, until_us))
      continue;
    pthread_mutex_unlock(&c->lock);
    if (!c->is_stopping)
      one_round(c);
  }
  return NULL;
}

struct us_cleanup *us_cleanup_start(struct us_services *svc, struct us_writer *writer, us_cleanup_refresh_fn refresh,
                                    void *self) {
  struct us_cleanup *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return NULL;
  c->svc = svc;
  c->writer = writer;
  c->refresh = refresh;
  c->self = self;
  pthread_mutex_init(&c->lock, NULL);
  us_cond_init(&c->changed);
  if (us_thread_start(&c->thread, "us-cleanup", loop, c) == 0)
    return c;
  pthread_cond_destroy(&c->changed);
  pthread_mutex_destroy(&c->lock);
  free(c);
  return NULL;
}

void us_cleanup_stop(struct us_cleanup *c) {
  if (c == NULL)
    return;
  pthread_mutex_lock(&c->lock);
  c->is_stopping = true;
  pthread_cond_signal(&c->changed);
  pthread_mutex_unlock(&c->lock);
  pthread_join(c->thread, NULL);
  pthread_cond_destroy(&c->changed);
  pthread_mutex_destroy(&c->lock);
  free(c);
}
