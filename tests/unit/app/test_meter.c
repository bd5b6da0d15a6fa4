/* app/meter.h: what is counted where, and how it is written. */
#include "../unit.h"

#include "app/meter.h"

static const struct us_route *route_of(const char *name) {
  for (size_t i = 0; i < us_route_count; i++)
    if (strcmp(us_routes[i].name, name) == 0)
      return &us_routes[i];
  fail_msg("no route %s", name);
  return NULL;
}

static void assert_line(const struct us_buf *page, const char *line, bool is_there) {
  char wanted[256];
  snprintf(wanted, sizeof(wanted), "\n%s\n", line);
  bool is = memmem(page->p, page->n, wanted, strlen(wanted)) != NULL;
  if (is != is_there)
    fail_msg("%s %s:\n%.*s", is_there ? "lacks" : "has", line, (int)page->n, page->p);
}

#define READ "uma.resource_set.read"
static void loops_are_added_up(void **state) {
  (void)state;
  struct us_meter *meters[] = {us_meter_new(), us_meter_new()};
  struct us_buf page;
  us_buf_init(&page, 1 << 20);
  for (size_t i = 0; i < 2; i++) {
    assert_non_null(meters[i]);
    us_meter_count(meters[i], route_of(READ), 200, 500);      /* at the bound */
    us_meter_count(meters[i], route_of(READ), 200, 501);      /* one past it */
    us_meter_count(meters[i], route_of(READ), 404, 10000000); /* at the last */
    us_meter_count(meters[i], route_of(READ), 418, 10000001); /* a status that is not among ours */
    us_meter_count(meters[i], NULL, 404, -1);                 /* a clock that went back is no time at all */
  }
  us_meters_write(meters, 2, &page);
  assert_line(&page, "usher_http_answers_total{route=\"" READ "\",status=\"200\"} 4", true);
  assert_line(&page, "usher_http_answers_total{route=\"" READ "\",status=\"404\"} 2", true);
  assert_line(&page, "usher_http_answers_total{route=\"" READ "\",status=\"other\"} 2", true);
  assert_line(&page, "usher_http_answers_total{route=\"none\",status=\"404\"} 2", true);
  assert_line(&page, "usher_http_answer_seconds_bucket{route=\"" READ "\",le=\"0.0005\"} 2", true);
  assert_line(&page, "usher_http_answer_seconds_bucket{route=\"" READ "\",le=\"0.001\"} 4", true);
  assert_line(&page, "usher_http_answer_seconds_bucket{route=\"" READ "\",le=\"2.5\"} 4", true);
  assert_line(&page, "usher_http_answer_seconds_bucket{route=\"" READ "\",le=\"10\"} 6", true);
  assert_line(&page, "usher_http_answer_seconds_bucket{route=\"" READ "\",le=\"+Inf\"} 8", true);
  assert_line(&page, "usher_http_answer_seconds_sum{route=\"" READ "\"} 40.002004", true);
  assert_line(&page, "usher_http_answer_seconds_count{route=\"" READ "\"} 8", true);
  assert_line(&page, "usher_http_answer_seconds_sum{route=\"none\"} 0.000000", true);
  assert_null(memmem(page.p, page.n, "uma.resource_set.create", 23)); /* what was not asked for is not shown */
  us_buf_done(&page);
  for (size_t i = 0; i < 2; i++)
    us_meter_free(meters[i]);
}

/* Each route has a row of its own, the first and the last too. */
static void every_route_has_its_row(void **state) {
  (void)state;
  struct us_meter *meter = us_meter_new();
  struct us_buf page;
  assert_non_null(meter);
  us_buf_init(&page, 8 << 20);
  for (size_t i = 0; i < us_route_count; i++)
    for (size_t n = 0; n <= i; n++)
      us_meter_count(meter, &us_routes[i], 200, 1);
  us_meters_write(&meter, 1, &page);
  for (size_t i = 0; i < us_route_count; i++) {
    char line[256];
    snprintf(line, sizeof(line), "usher_http_answer_seconds_count{route=\"%s\"} %zu", us_routes[i].name, i + 1);
    assert_line(&page, line, true);
  }
  us_buf_done(&page);
  us_meter_free(meter);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loops_are_added_up),
      cmocka_unit_test(every_route_has_its_row),
  };
  return UNIT_RUN(tests);
}
