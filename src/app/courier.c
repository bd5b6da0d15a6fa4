/* The one who hands events to plugins: see courier.h. */
#include "app/courier.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "domain/event.h"
#include "plugin/hooks.h"
#include "store/outbox.h"

struct us_courier {
  struct us_services *svc;
  struct us_writer *writer;
  uint16_t node;
  pthread_t thread;
  uint64_t seen_events; /* the writer's thread only */

  pthread_mutex_t lock; /* for the next three */
  pthread_cond_t changed;
  bool is_woken, is_stopping;

  /* The courier's thread only, and the writer's while it runs the job. */
  struct us_write_job job;
  struct us_cx cx;
  bool has_released, has_claim;
  struct us_event_claim claim;
  struct us_notice_outcome outcome; /* end 0: nothing to settle */
  int64_t next_due_ms;
};

/* ---- The step in the store ---- */

static struct us_courier *of_job(struct us_write_job *job) {
  return (struct us_courier *)((char *)job - offsetof(struct us_courier, job));
}

static enum us_code run(struct us_write_job *job) {
  struct us_courier *c = of_job(job);
  struct us_cx *cx = job->cx;
  c->has_claim = false;
  if (!c->has_released)
    US_TRY(us_event_release(cx, c->node));
  if (c->outcome.end != 0)
    US_TRY(us_notice_settle(cx, c->node, &c->outcome));
  enum us_code code = us_event_claim(cx, c->node, cx->now_ms + US_COURIER_CLAIM_MS, &c->claim);
  c->has_claim = code == US_OK;
  if (code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  return us_event_next_due(cx, &c->next_due_ms);
}

/* Waits for its commit. What it read lives until the next step. */
static enum us_code step(struct us_courier *c) {
  us_mem_free(c->cx.mem);
  c->cx = (struct us_cx){
      .mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = c->svc, .now_ms = us_clock_now_ms(c->svc->clock)};
  c->job = (struct us_write_job){.cx = &c->cx, .run = run};
  if (c->cx.mem == NULL)
    return US_E_NO_MEMORY;
  US_TRY(us_writer_run(c->writer, &c->job));
  c->has_released = true;
  if (c->outcome.end != 0)
    c->svc->outbox_ends[US_OUTBOX_PLUGIN][c->outcome.end]++;
  c->outcome.end = 0;
  return US_OK;
}

/* ---- An event ---- */

static int64_t pause_after(int64_t tries) {
  int64_t ms = US_COURIER_RETRY_MS;
  for (int64_t i = 1; i < tries && ms < US_COURIER_RETRY_MAX_MS; i++)
    ms *= 2;
  return ms < US_COURIER_RETRY_MAX_MS ? ms : US_COURIER_RETRY_MAX_MS;
}

static void say(const struct us_courier *c, enum us_log_level level, const char *event) {
  struct us_log_line line;
  us_log_begin(&line, level, event);
  us_log_str(&line, "plugin", c->claim.plugin);
  us_log_i64(&line, "id", c->claim.id);
  us_log_i64(&line, "try", c->claim.tries);
  us_log_end(&line);
}

static void deliver(struct us_courier *c) {
  c->outcome = (struct us_notice_outcome){.end = US_NOTICE_GONE, .id = c->claim.id, .tries = c->claim.tries};
  if (us_hooks_deliver(c->svc->plugins, c->claim.plugin, c->claim.event) == USHER_OK)
    return;
  bool is_last = c->claim.tries >= US_COURIER_TRIES;
  c->outcome.end = is_last ? US_NOTICE_FAILED : US_NOTICE_LATER;
  c->outcome.due_ms = us_clock_now_ms(c->svc->clock) + pause_after(c->claim.tries);
  c->outcome.error = US_STR("the plugin did not take it, or is not loaded");
  say(c, is_last ? US_LOG_ERROR : US_LOG_WARN, is_last ? "event_failed" : "event_later");
}

/* ---- The thread ---- */

static bool is_stopping(struct us_courier *c) {
  pthread_mutex_lock(&c->lock);
  bool is = c->is_stopping;
  c->is_woken = false;
  pthread_mutex_unlock(&c->lock);
  return is;
}

static void wait_ms(struct us_courier *c, int64_t ms) {
  int64_t until_us = us_monotonic_us() + ms * 1000;
  pthread_mutex_lock(&c->lock);
  while (!c->is_woken && !c->is_stopping && us_cond_wait(&c->changed, &c->lock, until_us))
    continue;
  pthread_mutex_unlock(&c->lock);
}

static int64_t until_due(const struct us_courier *c) {
  int64_t ms = c->next_due_ms - us_clock_now_ms(c->svc->clock);
  if (c->next_due_ms == INT64_MAX || ms > US_COURIER_LOOK_MS)
    return US_COURIER_LOOK_MS;
  return ms > 0 ? ms : 0;
}

/* What was taken is settled before it ends, unless the store does not answer. */
static void *loop(void *self) {
  struct us_courier *c = self;
  for (;;) {
    bool stops = is_stopping(c);
    if (stops && c->outcome.end == 0)
      break;
    enum us_code code = step(c);
    if (code != US_OK && stops)
      break;
    if (code != US_OK)
      wait_ms(c, US_COURIER_RETRY_MS);
    else if (c->has_claim && !stops)
      deliver(c);
    else if (c->has_claim) /* claimed while settling: it is due again when the next process with this number starts */
      break;
    else
      wait_ms(c, until_due(c));
  }
  return NULL;
}

/* ---- Its life ---- */

struct us_courier *us_courier_start(struct us_services *svc, struct us_writer *writer, uint16_t node) {
  struct us_courier *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return NULL;
  c->svc = svc;
  c->writer = writer;
  c->node = node;
  pthread_mutex_init(&c->lock, NULL);
  us_cond_init(&c->changed);
  if (us_thread_start(&c->thread, "us-courier", loop, c) == 0)
    return c;
  us_courier_free(c);
  return NULL;
}

void us_courier_look(struct us_courier *c) {
  if (c == NULL || c->svc->events == c->seen_events)
    return;
  c->seen_events = c->svc->events;
  pthread_mutex_lock(&c->lock);
  c->is_woken = true;
  pthread_cond_broadcast(&c->changed);
  pthread_mutex_unlock(&c->lock);
}

void us_courier_join(struct us_courier *c) {
  if (c == NULL)
    return;
  pthread_mutex_lock(&c->lock);
  c->is_stopping = true;
  pthread_cond_broadcast(&c->changed);
  pthread_mutex_unlock(&c->lock);
  pthread_join(c->thread, NULL);
}

void us_courier_free(struct us_courier *c) {
  if (c == NULL)
    return;
  pthread_cond_destroy(&c->changed);
  pthread_mutex_destroy(&c->lock);
  us_mem_free(c->cx.mem);
  free(c);
}
