/* base/clock.h: the calendar against the C library's, and the clock that tests move. */
#include <stdio.h>
#include <time.h>

#include "../unit.h"
#include "base/clock.h"

static void agrees_with_the_c_library(void **state) {
  (void)state;
  /* Every 9.7 days from 1900 to 2500, an odd number of milliseconds so that all fields move. */
  for (int64_t ms = INT64_C(-2208988800000); ms < INT64_C(16725225600000); ms += INT64_C(838861237)) {
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    time_t t = (time_t)seconds;
    struct tm tm;
    char expected[64], text[US_TIME_ISO_BYTES];
    assert_non_null(gmtime_r(&t, &tm));
    strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &tm);
    us_time_iso_s(ms, text);
    assert_string_equal(text, expected);
    snprintf(expected + 19, sizeof expected - 19, ".%03dZ", (int)(ms - seconds * 1000));
    us_time_iso_ms(ms, text);
    assert_string_equal(text, expected);
  }
}

static void knows_leap_days_and_the_edges(void **state) {
  (void)state;
  char text[US_TIME_ISO_BYTES];
  us_time_iso_ms(INT64_C(1930645230123), text);
  assert_string_equal(text, "2031-03-07T10:20:30.123Z");
  us_time_iso_s(INT64_C(951782400000), text);
  assert_string_equal(text, "2000-02-29T00:00:00Z");
  us_time_iso_ms(-1, text);
  assert_string_equal(text, "1969-12-31T23:59:59.999Z");
  us_time_iso_s(INT64_C(253402300799999), text);
  assert_string_equal(text, "9999-12-31T23:59:59Z");
}

static void fits_its_buffer_at_both_ends_of_time(void **state) {
  (void)state;
  char text[US_TIME_ISO_BYTES];
  us_time_iso_ms(INT64_MAX, text);
  assert_string_equal(text, "292278994-08-17T07:12:55.807Z");
  us_time_iso_ms(INT64_MIN, text);
  assert_string_equal(text, "-292275055-05-16T16:47:04.192Z");
}

static void system_clock_is_ours(void **state) {
  (void)state;
  int64_t before = (int64_t)time(NULL) * 1000 - 1000;
  int64_t now = us_clock_now_ms(&us_clock_system);
  assert_true(now >= before && now < before + 60000);
}

static void fake_clock_stands_until_moved(void **state) {
  (void)state;
  struct us_clock_fake fake = {1000};
  struct us_clock clock = us_clock_fake_as_clock(&fake);
  assert_int_equal(us_clock_now_ms(&clock), 1000);
  assert_int_equal(us_clock_now_ms(&clock), 1000);
  fake.now_ms += 500;
  assert_int_equal(us_clock_now_ms(&clock), 1500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_the_c_library),
      cmocka_unit_test(knows_leap_days_and_the_edges),
      cmocka_unit_test(fits_its_buffer_at_both_ends_of_time),
      cmocka_unit_test(system_clock_is_ours),
      cmocka_unit_test(fake_clock_stands_until_moved),
  };
  return UNIT_RUN(tests);
}
