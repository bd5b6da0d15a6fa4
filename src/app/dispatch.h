/* Moves calls between event loop, worker pool, fetcher and writer (route/pipeline.h says where a call wants to be). */
#ifndef USHER_APP_DISPATCH_H
#define USHER_APP_DISPATCH_H

#include "app/fetch.h"
#include "app/meter.h"
#include "base/pool.h"
#include "http/server.h"
#include "route/pipeline.h"
#include "store/db.h"
#include "store/writer.h"

/* What a loop has of its own: its reading connection, and the write steps of a turn on their way to the writer. Handed over one by one
 * they would make batches of one where loop and writer share a core, and each would wake the writer. */
#define US_LANE_JOBS_MAX 64 /* one more does not wait for the end of the turn */
struct us_lane {
  struct us_cx cx; /* for the end of the turn */
  struct us_db *db;
  struct us_write_job *first, **end;
  size_t waiting;
};
/* Takes the connection over. NULL: out of memory; the connection is closed then. */
struct us_lane *us_lane_new(struct us_db *db);
void us_lane_free(struct us_lane *lane);

/* Loops that the writer has answered to and not woken yet: more are woken at once. */
#define US_DISPATCH_ASLEEP_MAX 64
struct us_dispatch {
  struct us_services *svc;
  struct us_pool *pool;
  struct us_writer *writer;
  struct us_fetcher *fetcher;
  struct us_db *(*worker_db)(void *worker); /* a pool worker's connection; NULL: the store cannot be opened now */
  bool log_requests;
  struct us_loop *asleep[US_DISPATCH_ASLEEP_MAX]; /* the writer's thread only */
  size_t asleep_count;
  struct us_meter **meters; /* one for each loop; for metrics */
};
/* http/server.h on_request and end_turn; self is the us_dispatch, a loop's data its us_lane. */
void us_dispatch_request(void *self, struct us_http_exchange *exchange);
void us_dispatch_end_turn(void *self, void *lane);
/* store/writer.h answered. */
void us_dispatch_answered(struct us_dispatch *dispatch);

#endif
