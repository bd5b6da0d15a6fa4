/* Moves calls between event loop, worker pool and writer (route/pipeline.h says where a call wants to be). */
#ifndef USHER_APP_DISPATCH_H
#define USHER_APP_DISPATCH_H

#include "base/pool.h"
#include "http/server.h"
#include "route/pipeline.h"
#include "store/db.h"
#include "store/writer.h"

struct us_dispatch {
  struct us_services *svc;
  struct us_pool *pool;
  struct us_writer *writer;
  struct us_db *(*worker_db)(void *worker); /* a pool worker's connection; NULL: the store cannot be opened now */
  bool log_requests;
};
/* http/server.h on_request; self is the us_dispatch. */
void us_dispatch_request(void *self, struct us_http_exchange *exchange);

#endif
