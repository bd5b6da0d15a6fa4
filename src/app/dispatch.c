/*
 * Moves calls between threads: see dispatch.h. A call belongs to one thread at a time and changes hands only through the
 * queues of loop, pool and writer. A full queue is a 503 with Retry-After. One log line a request, written here.
 *
 *   loop --advance--> pool --advance--> writer --done--> loop --advance (finish)--> [pool] --> answer on the loop
 *
 * From loop, pool or writer a call may go to the threads of plugins first, and then to the loop again.
 *
 * What a turn of a loop has for the writer goes there at once, when the turn ends; and the writer wakes a loop once a batch.
 */
#include "app/dispatch.h"

#include "base/log.h"
#include "base/mem.h"
#include "domain/extension.h"
#include "domain/session.h"

#include <stdlib.h>

struct flight {
  struct us_dispatch *dispatch;
  struct us_http_exchange *exchange;
  struct us_call *call;
  enum us_place place;
  int64_t began_us; /* monotonic */
  struct us_pool_job pool_job;
  struct us_write_job write_job;
  struct us_loop_job loop_job;
  struct us_fetch_job fetch_job;
};

static struct flight *flight_of_pool(struct us_pool_job *job) {
  return (struct flight *)((char *)job - offsetof(struct flight, pool_job));
}
static struct flight *flight_of_write(struct us_write_job *job) {
  return (struct flight *)((char *)job - offsetof(struct flight, write_job));
}
static struct flight *flight_of_loop(struct us_loop_job *job) {
  return (struct flight *)((char *)job - offsetof(struct flight, loop_job));
}

static struct flight *flight_of_fetch(struct us_fetch_job *job) {
  return (struct flight *)((char *)job - offsetof(struct flight, fetch_job));
}

#define TRANSACTION_ID_MAX_BYTES 100
/* What the caller calls the request (REST contract a.4), cut to a length that a line bears. */
static struct us_str transaction_id(const struct us_http_request *request) {
  struct us_str id = us_http_header(request, "x-forgerock-transactionid");
  return (struct us_str){id.p, id.n < TRANSACTION_ID_MAX_BYTES ? id.n : TRANSACTION_ID_MAX_BYTES};
}

/* SB-21: names and numbers only. The path may hold ids, never credentials (they are refused in the query); the query is not
 * logged. */
static void log_request(const struct flight *f, int64_t took_us) {
  const struct us_call *call = f->call;
  int status = f->exchange->response.status;
  const struct us_error *error = &call->cx.err;
  enum us_log_level level = status >= 500 ? (enum us_log_level)us_code_log_level(error->code) : US_LOG_INFO;
  if (!us_log_wants(level) || (!f->dispatch->log_requests && level == US_LOG_INFO))
    return;
  struct us_log_line line;
  us_log_begin(&line, level, "request");
  us_log_str(&line, "method", call->request->method_text);
  us_log_c(&line, "route", call->route ? call->route->name : "none");
  us_log_str(&line, "path", call->request->path);
  if (call->request->is_http2)
    us_log_c(&line, "protocol", "h2");
  us_log_i64(&line, "status", status);
  us_log_i64(&line, "ms", took_us / 1000);
  us_log_str(&line, "peer", call->request->peer);
  us_log_str(&line, "transaction", transaction_id(call->request));
  if (call->caller.kind == US_CALLER_PAT || call->caller.kind == US_CALLER_BEARER)
    us_log_str(&line, "client", call->caller.pat.client_id);
  if (call->caller.kind == US_CALLER_CLIENT)
    us_log_str(&line, "client", call->caller.client.client_id);
  if (call->caller.kind == US_CALLER_SESSION)
    us_log_str(&line, "user", call->caller.login.account.name);
  if (error->code != US_OK) {
    us_log_c(&line, "error", us_code_name(error->code));
    us_log_str(&line, "text", error->text);
    us_log_str(&line, "detail", error->detail);
  }
  us_log_end(&line);
}

static void touch_sessions(const struct flight *f) {
  int64_t ids[2];
  size_t n = us_call_used_sessions(f->call, ids);
  for (size_t i = 0; i < n; i++)
    us_writer_note(f->dispatch->writer, (struct us_note){1, ids[i], f->call->cx.now_ms});
}

static void answer(struct flight *f) {
  struct us_http_exchange *exchange = f->exchange;
  int64_t took_us = us_monotonic_us() - f->began_us;
  us_meter_count(f->dispatch->meters[us_loop_index(exchange->loop)], f->call->route, exchange->response.status,
                 took_us);
  log_request(f, took_us);
  touch_sessions(f);
  us_http_exchange_reply(exchange); /* frees the memory of f */
}

static enum us_code write_step(struct us_write_job *job) {
  return us_call_write(flight_of_write(job)->call);
}

static void write_done(struct us_write_job *job, enum us_code code) {
  struct flight *f = flight_of_write(job);
  struct us_dispatch *dispatch = f->dispatch;
  struct us_loop *loop = f->exchange->loop;
  f->place = us_call_written(f->call, code);
  if (!us_loop_post_quietly(loop, &f->loop_job)) /* from here on the flight is the loop's */
    return;
  if (dispatch->asleep_count < US_DISPATCH_ASLEEP_MAX)
    dispatch->asleep[dispatch->asleep_count++] = loop;
  else
    us_loop_wake(loop);
}

void us_dispatch_answered(struct us_dispatch *dispatch) {
  for (size_t i = 0; i < dispatch->asleep_count; i++)
    us_loop_wake(dispatch->asleep[i]);
  dispatch->asleep_count = 0;
}

static void refuse(struct flight *f) {
  us_call_refuse(f->call, US_E_UNAVAILABLE);
  f->place = US_PLACE_ANSWER;
}

/* The keys came, or did not: the call looks again. Posted and never run at once: the job may be done before us_fetcher_ask() returns. */
static void fetch_done(struct us_fetch_job *job) {
  struct flight *f = flight_of_fetch(job);
  f->place = US_PLACE_LOOP;
  us_loop_post(f->exchange->loop, &f->loop_job);
}

/* As fetch_done: posted and never run at once. */
static void hooks_done(void *self) {
  struct flight *f = self;
  f->place = US_PLACE_LOOP;
  us_call_asked(f->call);
  us_loop_post(f->exchange->loop, &f->loop_job);
}

static bool ask_fetcher(struct flight *f) {
  f->fetch_job = (struct us_fetch_job){.wanted = &f->call->proof->wanted, .done = fetch_done};
  if (us_fetcher_ask(f->dispatch->fetcher, &f->fetch_job)) /* from here on the flight is the loop's */
    return true;
  us_call_give_up_fetch(f->call);
  f->place = US_PLACE_ANSWER;
  return false;
}

static void submit_turn(struct us_dispatch *dispatch, struct us_lane *lane) {
  struct us_write_job *job = lane->first;
  lane->first = NULL;
  lane->end = &lane->first;
  lane->waiting = 0;
  job = us_writer_submit_all(dispatch->writer, job);
  while (job) {
    struct us_write_job *next = job->next;
    refuse(flight_of_write(job));
    answer(flight_of_write(job));
    job = next;
  }
}

void us_dispatch_end_turn(void *self, void *data) {
  struct us_lane *lane = data;
  while (lane->waiting > 0)
    submit_turn(self, lane);
  us_db_end_turn(&lane->cx, lane->db);
}

static void join_turn(struct us_lane *lane, struct us_dispatch *dispatch, struct us_write_job *job) {
  job->next = NULL;
  *lane->end = job;
  lane->end = &job->next;
  if (++lane->waiting >= US_LANE_JOBS_MAX)
    submit_turn(dispatch, lane);
}

/* Hands the call to where it wants to go; false when it is done (f->place is then ANSWER). `lane`: of the loop that this runs on; NULL on
 * the pool. */
static bool hand_on(struct flight *f, struct us_lane *lane) {
  bool has_room = true;
  if (f->place == US_PLACE_FETCH)
    return ask_fetcher(f);
  if (f->place == US_PLACE_HOOKS)
    has_room = us_call_ask(f->call, hooks_done, f);
  else if (f->place == US_PLACE_POOL)
    has_room = us_pool_submit(f->dispatch->pool, &f->pool_job);
  else if (f->place == US_PLACE_WRITER && lane)
    join_turn(lane, f->dispatch, &f->write_job);
  else if (f->place == US_PLACE_WRITER)
    has_room = us_writer_submit(f->dispatch->writer, &f->write_job);
  else
    return false;
  if (!has_room)
    refuse(f);
  return has_room;
}

static void run_on_pool(struct us_pool_job *job, void *worker) {
  struct flight *f = flight_of_pool(job);
  struct us_db *db = f->dispatch->worker_db(worker);
  if (db == NULL)
    us_call_refuse(f->call, US_E_UNAVAILABLE);
  f->place = db ? us_call_advance(f->call, US_PLACE_POOL, db) : US_PLACE_ANSWER;
  if (!hand_on(f, NULL))
    us_loop_post(f->exchange->loop, &f->loop_job);
}

static void run_on_loop(struct us_loop_job *job, struct us_loop *loop) {
  struct flight *f = flight_of_loop(job);
  struct us_lane *lane = us_loop_data(loop);
  if (f->place == US_PLACE_LOOP)
    f->place = us_call_advance(f->call, US_PLACE_LOOP, lane->db);
  if (!hand_on(f, lane))
    answer(f);
}

struct us_lane *us_lane_new(struct us_db *db) {
  struct us_lane *lane = calloc(1, sizeof(*lane));
  void *mem = lane ? us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES) : NULL;
  if (mem == NULL) {
    us_db_close(db);
    free(lane);
    return NULL;
  }
  *lane = (struct us_lane){.cx = {.mem = mem}, .db = db, .end = &lane->first};
  return lane;
}

void us_lane_free(struct us_lane *lane) {
  if (lane == NULL)
    return;
  us_db_close(lane->db);
  us_mem_free(lane->cx.mem);
  free(lane);
}

void us_dispatch_request(void *self, struct us_http_exchange *exchange) {
  struct us_dispatch *dispatch = self;
  struct flight *f = US_NEW(exchange->mem, struct flight);
  struct us_call *call = f ? us_call_new(exchange->mem, dispatch->svc, &exchange->request, &exchange->response) : NULL;
  if (call == NULL) {
    us_render_refusal(dispatch->svc, 503, "The server is out of memory", exchange->request.target, &exchange->response);
    exchange->response.status = 503;
    us_http_exchange_reply(exchange);
    return;
  }
  f->dispatch = dispatch;
  f->exchange = exchange;
  f->call = call;
  f->began_us = us_monotonic_us();
  f->place = US_PLACE_LOOP;
  f->pool_job.run = run_on_pool;
  f->write_job.cx = &call->cx;
  f->write_job.run = write_step;
  f->write_job.done = write_done;
  f->loop_job.run = run_on_loop;
  run_on_loop(&f->loop_job, exchange->loop);
}
