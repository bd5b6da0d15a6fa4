/*
 * How requests end and how long they take, by route. Each loop has a meter of its own, which it alone writes: counting costs no lock and no
 * shared line of the cache; whoever reads adds up.
 */
#ifndef USHER_APP_METER_H
#define USHER_APP_METER_H

#include "base/buf.h"
#include "route/route.h"

struct us_meter;
struct us_meter *us_meter_new(void);        /* NULL: no memory */
void us_meter_free(struct us_meter *meter); /* accepts NULL */
/* On the loop's thread. `route`: NULL when there was none. `us`: microseconds from the whole request to its answer. */
void us_meter_count(struct us_meter *meter, const struct us_route *route, int status, int64_t us);
/* For Prometheus: answers by route and status, and a histogram by route. Any thread. */
void us_meters_write(struct us_meter *const *meters, size_t count, struct us_buf *out);

#endif
