/* Time. The wall clock can be replaced in tests; deadlines of connections use the event loop's monotonic time. */
#ifndef USHER_BASE_CLOCK_H
#define USHER_BASE_CLOCK_H

#include <stdint.h>

typedef int64_t (*us_clock_fn)(void *self);
struct us_clock {
  us_clock_fn now_ms; /* milliseconds since 1970 */
  void *self;
};

extern const struct us_clock us_clock_system;
int64_t us_clock_now_ms(const struct us_clock *clock);
/* For durations and deadlines: goes on whatever the wall clock is set to. */
int64_t us_monotonic_us(void);
/* A clock for tests that stands still until it is moved; may be read and moved from several threads. */
struct us_clock_fake {
  _Atomic int64_t now_ms;
};
struct us_clock us_clock_fake_as_clock(struct us_clock_fake *fake);

#define US_TIME_ISO_BYTES 32
/* "2031-05-04T10:20:30Z" / "2031-05-04T10:20:30.123Z" into a buffer of US_TIME_ISO_BYTES. */
void us_time_iso_s(int64_t ms, char *ret_text);
void us_time_iso_ms(int64_t ms, char *ret_text);

#endif
