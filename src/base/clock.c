/*
 * The wall clock, a clock for tests, and times as text. The calendar is computed here (days to civil date, proleptic
 * Gregorian, UTC) because gmtime_r() and strftime() cost more than the rest of a log line together.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static int64_t us_clock_system_now(void *self) {
  (void)self;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0)
    return 0;
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const struct us_clock us_clock_system = {us_clock_system_now, NULL};

int64_t us_clock_now_ms(const struct us_clock *clock) {
  return clock->now_ms(clock->self);
}

int64_t us_monotonic_us(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
    return 0;
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t us_clock_fake_now(void *self) {
  struct us_clock_fake *fake = self;
  return fake->now_ms;
}

struct us_clock us_clock_fake_as_clock(struct us_clock_fake *fake) {
  return (struct us_clock){us_clock_fake_now, fake};
}

/* Division that rounds down, so that times before 1970 work too. */
static int64_t us_floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

/* The civil date of a day number counted from 1970-01-01. Years begin in March here, so that the leap day is the last
 * day of a year and months have a regular length; 719468 days lie between 0000-03-01 and 1970-01-01. */
static void us_civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day) {
  days += 719468;
  int64_t era = us_floor_div(days, 146097);
  unsigned day_of_era = (unsigned)(days - era * 146097);
  unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  unsigned month = (5 * day_of_year + 2) / 153;
  *ret_day = day_of_year - (153 * month + 2) / 5 + 1;
  *ret_month = month < 10 ? month + 3 : month - 9;
  *ret_year = (int64_t)year_of_era + era * 400 + (*ret_month <= 2);
}

static char *us_two_digits(char *at, unsigned value) {
  at[0] = (char)('0' + value / 10);
  at[1] = (char)('0' + value % 10);
  return at + 2;
}

static void us_time_iso(int64_t ms, bool with_ms, char *ret_text) {
  int64_t seconds = us_floor_div(ms, 1000);
  unsigned millis = (unsigned)(ms - seconds * 1000);
  int64_t days = us_floor_div(seconds, 86400);
  unsigned of_day = (unsigned)(seconds - days * 86400);
  int64_t year;
  unsigned month, day;
  us_civil_from_days(days, &year, &month, &day);

  char *at = ret_text;
  if (year >= 0 && year <= 9999) {
    at = us_two_digits(at, (unsigned)year / 100);
    at = us_two_digits(at, (unsigned)year % 100);
  } else {
    /* Nine digits and a sign at most: the whole text stays below US_TIME_ISO_BYTES for every int64_t. */
    at += snprintf(at, 12, "%lld", (long long)year);
  }
  *at++ = '-';
  at = us_two_digits(at, month);
  *at++ = '-';
  at = us_two_digits(at, day);
  *at++ = 'T';
  at = us_two_digits(at, of_day / 3600);
  *at++ = ':';
  at = us_two_digits(at, of_day / 60 % 60);
  *at++ = ':';
  at = us_two_digits(at, of_day % 60);
  if (with_ms) {
    *at++ = '.';
    *at++ = (char)('0' + millis / 100);
    at = us_two_digits(at, millis % 100);
  }
  *at++ = 'Z';
  *at = '\0';
}

void us_time_iso_s(int64_t ms, char *ret_text) {
  us_time_iso(ms, false, ret_text);
}

void us_time_iso_ms(int64_t ms, char *ret_text) {
  us_time_iso(ms, true, ret_text);
}
