/* Moves calls between event loop, worker pool and writer (route/pipeline.h says where a call wants to be). */
#ifndef USHER_APP_DISPATCH_H
#define USHER_APP_DISPATCH_H

#include "base/pool.h"
#include "http/server.h"
#include "route/pipeline.h"
#include "store/writer.h"

struct us_dispatch {
  struct us_services *svc;
  struct us_pool *pool;
  struct us_writer *writer;
  bool log_requests;
};
/* http/server.h on_request; self is the us_dispatch. */
void us_dispatch_request(void *self, struct us_http_exchange *exchange);

#endif
