/*
 * The log: one line an event, logfmt or JSON, to standard error. A line is written with one write(2). Values are
 * escaped; a secret has no way in: there is no "%s" for tokens, callers log ids and names only (SB-21).
 * Code below the router logs at debug level only; a failed request is one line, written at the top.
 */
#ifndef USHER_BASE_LOG_H
#define USHER_BASE_LOG_H

#include "base/str.h"

enum us_log_level { US_LOG_DEBUG, US_LOG_INFO, US_LOG_WARN, US_LOG_ERROR, US_LOG_OFF };
enum us_log_format { US_LOG_LOGFMT, US_LOG_JSON };

void us_log_setup(enum us_log_level level, enum us_log_format format, int fd);
/* For a process that is to write as this one does. */
struct us_log_now {
  enum us_log_level level;
  enum us_log_format format;
};
struct us_log_now us_log_now(void);
bool us_log_wants(enum us_log_level level);
bool us_log_level_parse(struct us_str name, enum us_log_level *ret_level);

struct us_log_line; /* built on the caller's stack by US_LOG_BEGIN */
struct us_log_line {
  enum us_log_level level;
  size_t n;
  char text[2048]; /* longer lines are cut, with "..." */
  enum us_log_format format;
  bool is_cut; /* no more is added */
};
void us_log_begin(struct us_log_line *line, enum us_log_level level, const char *event);
void us_log_str(struct us_log_line *line, const char *key, struct us_str value);
void us_log_c(struct us_log_line *line, const char *key, const char *value);
void us_log_i64(struct us_log_line *line, const char *key, int64_t value);
void us_log_end(struct us_log_line *line);
/* One event with a sentence: us_log(US_LOG_INFO, "ready", "listening on %s", addr) */
void us_log(enum us_log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
