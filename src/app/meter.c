/* Meters of requests: see meter.h. */
#include "app/meter.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "app/metrics.h"

/* Those that Usher answers with; another one counts as the last. */
static const int statuses[] = {200, 201, 204, 302, 303, 304, 400, 401, 403, 404, 405, 406,
                               409, 410, 412, 413, 414, 415, 429, 431, 500, 501, 503, 0};
/* Upper bounds of durations, in microseconds and as Prometheus writes seconds. */
static const struct {
  int64_t us;
  const char *text;
} bounds[] = {
    {500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},
    {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
    {1000000, "1"},   {2500000, "2.5"}, {10000000, "10"},
};
enum { STATUSES = sizeof(statuses) / sizeof(statuses[0]), BOUNDS = sizeof(bounds) / sizeof(bounds[0]) };

/* Of one route. Who writes is one thread, so adding is no read-modify-write; atomic for who reads. */
struct row {
  _Atomic uint64_t answers[STATUSES];
  _Atomic uint64_t durations[BOUNDS + 1]; /* by the smallest bound that holds; the last: none does */
  _Atomic uint64_t us;
};
struct us_meter {
  size_t rows; /* one for each route, and the last for no route */
  struct row row[];
};

struct us_meter *us_meter_new(void) {
  size_t rows = us_route_count + 1;
  struct us_meter *meter = calloc(1, sizeof(*meter) + rows * sizeof(meter->row[0]));
  if (meter != NULL)
    meter->rows = rows;
  return meter;
}

void us_meter_free(struct us_meter *meter) {
  free(meter);
}

static void add(_Atomic uint64_t *counter, uint64_t n) {
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

void us_meter_count(struct us_meter *meter, const struct us_route *route, int status, int64_t us) {
  struct row *row = &meter->row[route != NULL ? (size_t)(route - us_routes) : meter->rows - 1];
  size_t s = 0, d = 0;
  while (s < STATUSES - 1 && statuses[s] != status)
    s++;
  while (d < BOUNDS && us > bounds[d].us)
    d++;
  add(&row->answers[s], 1);
  add(&row->durations[d], 1);
  add(&row->us, us > 0 ? (uint64_t)us : 0);
}

/* ---- Reading ---- */

struct sums {
  uint64_t answers[STATUSES], durations[BOUNDS + 1], us, all;
};

static struct sums sums_of(struct us_meter *const *meters, size_t count, size_t r) {
  struct sums sums = {0};
  for (size_t m = 0; m < count; m++) {
    const struct row *row = &meters[m]->row[r];
    for (size_t i = 0; i < STATUSES; i++)
      sums.answers[i] += row->answers[i];
    for (size_t i = 0; i <= BOUNDS; i++)
      sums.durations[i] += row->durations[i];
    sums.us += row->us;
  }
  for (size_t i = 0; i <= BOUNDS; i++)
    sums.all += sums.durations[i];
  return sums;
}

static const char *name_of(size_t r) {
  return r < us_route_count ? us_routes[r].name : "none";
}

static void write_answers(const struct sums *sums, const char *route, struct us_buf *out) {
  for (size_t i = 0; i < STATUSES; i++)
    if (sums->answers[i] > 0 && statuses[i] > 0)
      us_metrics_put(out, "usher_http_answers_total{route=\"%s\",status=\"%d\"} %" PRIu64 "\n", route, statuses[i],
                     sums->answers[i]);
    else if (sums->answers[i] > 0)
      us_metrics_put(out, "usher_http_answers_total{route=\"%s\",status=\"other\"} %" PRIu64 "\n", route,
                     sums->answers[i]);
}

static void write_durations(const struct sums *sums, const char *route, struct us_buf *out) {
  uint64_t so_far = 0;
  for (size_t i = 0; i <= BOUNDS; i++) {
    so_far += sums->durations[i];
    us_metrics_put(out, "usher_http_answer_seconds_bucket{route=\"%s\",le=\"%s\"} %" PRIu64 "\n", route,
                   i < BOUNDS ? bounds[i].text : "+Inf", so_far);
  }
  us_metrics_put(out, "usher_http_answer_seconds_sum{route=\"%s\"} %" PRIu64 ".%06" PRIu64 "\n", route,
                 sums->us / 1000000, sums->us % 1000000);
  us_metrics_put(out, "usher_http_answer_seconds_count{route=\"%s\"} %" PRIu64 "\n", route, sums->all);
}

void us_meters_write(struct us_meter *const *meters, size_t count, struct us_buf *out) {
  us_metrics_head(out, "usher_http_answers_total", "counter", "Answers by route and status.");
  for (size_t r = 0; r <= us_route_count; r++) {
    struct sums sums = sums_of(meters, count, r);
    write_answers(&sums, name_of(r), out);
  }
  us_metrics_head(out, "usher_http_answer_seconds", "histogram", "Time from a whole request to its answer, by route.");
  for (size_t r = 0; r <= us_route_count; r++) {
    struct sums sums = sums_of(meters, count, r);
    if (sums.all > 0)
      write_durations(&sums, name_of(r), out);
  }
}
