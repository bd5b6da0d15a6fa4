/*
 * Metrics: GET /metrics in the text format of Prometheus, on a listener of its own that shows nothing else (design 5). All of it are
 * counters and gauges that are there anyway: a scrape takes no lock of the hot paths and reads no row.
 */
#ifndef USHER_APP_METRICS_H
#define USHER_APP_METRICS_H

#include "app/meter.h"
#include "base/buf.h"
#include "base/pool.h"
#include "domain/services.h"
#include "http/server.h"
#include "store/writer.h"

#define US_METRICS_CONNECTIONS 16 /* at a time */

/* What is looked at; all of it outlives the listener. */
struct us_metrics_of {
  const struct us_services *svc;
  struct us_http_server *http;
  struct us_writer *writer;
  struct us_pool *pool;
  struct us_meter *const *meters;
  size_t meter_count;
  int64_t started_s; /* the process, of 1970 */
};
struct us_metrics;
/* NULL: *ret_reason says why. */
struct us_metrics *us_metrics_start(const struct us_http_listener *listener, const struct us_metrics_of *of,
                                    char *ret_reason, size_t reason_bytes);
uint16_t us_metrics_port(const struct us_metrics *metrics);
void us_metrics_stop(struct us_metrics *metrics); /* accepts NULL */
/* The page itself. */
void us_metrics_write(const struct us_metrics_of *of, struct us_buf *out);

/* For those who write parts of it: what stands before a metric's samples, and a line of up to 500 bytes. */
void us_metrics_head(struct us_buf *out, const char *name, const char *type, const char *help);
void us_metrics_put(struct us_buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
