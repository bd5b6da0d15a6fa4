/*
 * The log writer. A line grows in a fixed buffer on the caller's stack and leaves by one write(2), so that lines of
 * several threads and processes do not mix and logging works when memory is gone. What does not fit is cut with "..."
 * at the end of the last value, which keeps the line well-formed; space for that and for the closing is set aside.
 *
 *   time=2031-05-04T10:20:30.123Z level=info event=request status=200 path="/am/x y"
 *   {"time":"2031-05-04T10:20:30.123Z","level":"info","event":"request","status":200,"path":"/am/x y"}
 *
 * Control characters (C0, DEL and C1, which terminals obey too) are escaped, invalid UTF-8 is dropped.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define US_LOG_CUT_MARK "..."
/* Mark, closing quote, brace and line end. */
#define US_LOG_TAIL_BYTES (sizeof US_LOG_CUT_MARK - 1 + 3)
#define US_LOG_SENTENCE_BYTES 1024

static _Atomic int us_log_level_now = US_LOG_INFO;
static _Atomic int us_log_format_now = US_LOG_LOGFMT;
static _Atomic int us_log_fd = STDERR_FILENO;

static const char *const us_log_level_names[] = {"debug", "info", "warn", "error", "off"};

void us_log_setup(enum us_log_level level, enum us_log_format format, int fd) {
  us_log_level_now = (int)level;
  us_log_format_now = (int)format;
  us_log_fd = fd;
}

struct us_log_now us_log_now(void) {
  return (struct us_log_now){(enum us_log_level)us_log_level_now, (enum us_log_format)us_log_format_now};
}

bool us_log_wants(enum us_log_level level) {
  return level < US_LOG_OFF && (int)level >= us_log_level_now;
}

bool us_log_level_parse(struct us_str name, enum us_log_level *ret_level) {
  for (int i = US_LOG_DEBUG; i <= US_LOG_OFF; i++) {
    if (!us_str_eq_c(name, us_log_level_names[i]))
      continue;
    *ret_level = (enum us_log_level)i;
    return true;
  }
  return false;
}

/* Adds the bytes whole, or marks the line as cut and adds nothing. */
static bool us_log_put(struct us_log_line *line, const char *bytes, size_t n) {
  if (line->is_cut || n > sizeof line->text - US_LOG_TAIL_BYTES - line->n) {
    line->is_cut = true;
    return false;
  }
  memcpy(line->text + line->n, bytes, n);
  line->n += n;
  return true;
}

static bool us_log_put_c(struct us_log_line *line, const char *c_string) {
  return us_log_put(line, c_string, strlen(c_string));
}

/* Into the space set aside; callers add no more than US_LOG_TAIL_BYTES in all. */
static void us_log_put_tail(struct us_log_line *line, const char *c_string) {
  size_t n = strlen(c_string);
  memcpy(line->text + line->n, c_string, n);
  line->n += n;
}

/* The code point of a one or two byte character, which is all that can be a control character. */
static unsigned us_log_low_code_point(struct us_str s, size_t n) {
  const unsigned char *p = (const unsigned char *)s.p;
  if (n == 1)
    return p[0];
  return n == 2 ? (unsigned)(p[0] & 0x1F) << 6 | (p[1] & 0x3F) : 0xFFFF;
}

static bool us_log_put_escaped_char(struct us_log_line *line, struct us_str s, size_t n) {
  unsigned c = us_log_low_code_point(s, n);
  if (c == '"' || c == '\\') {
    char escaped[2] = {'\\', (char)c};
    return us_log_put(line, escaped, sizeof escaped);
  }
  if (c == '\n')
    return us_log_put(line, "\\n", 2);
  if (c == '\t')
    return us_log_put(line, "\\t", 2);
  if (c == '\r')
    return us_log_put(line, "\\r", 2);
  if (c >= 0x20 && (c < 0x7F || c > 0x9F))
    return us_log_put(line, s.p, n);
  char escaped[8];
  int length = snprintf(escaped, sizeof escaped, "\\u%04x", c);
  return us_log_put(line, escaped, (size_t)length);
}

static void us_log_put_escaped(struct us_log_line *line, struct us_str s) {
  while (s.n > 0) {
    size_t n = us_str_utf8_char(s);
    if (n > 0 && !us_log_put_escaped_char(line, s, n))
      return;
    if (n == 0)
      n = 1;
    s.p += n;
    s.n -= n;
  }
}

static void us_log_put_quoted(struct us_log_line *line, struct us_str s) {
  if (!us_log_put(line, "\"", 1))
    return;
  us_log_put_escaped(line, s);
  us_log_put_tail(line, line->is_cut ? US_LOG_CUT_MARK "\"" : "\"");
  /* A whole value may have ended inside the space set aside: then nothing can follow. */
  if (line->n > sizeof line->text - US_LOG_TAIL_BYTES)
    line->is_cut = true;
}

/* Needs no quotes in logfmt: printable ASCII without blank, quote, backslash and equals sign. */
static bool us_log_is_bare(struct us_str s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] <= ' ' || s.p[i] >= 0x7F || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '=')
      return false;
  return s.n > 0;
}

/* Separator, key and the sign before the value. A key that does not fit whole with a little of its value is left out. */
static bool us_log_put_key(struct us_log_line *line, const char *key) {
  size_t before = line->n;
  bool is_json = line->format == US_LOG_JSON;
  bool is_first = line->n == 0;
  bool fits;
  if (is_json)
    fits = us_log_put_c(line, is_first ? "{\"" : ",\"") && us_log_put_c(line, key) && us_log_put_c(line, "\":") &&
           line->n + 8 < sizeof line->text - US_LOG_TAIL_BYTES;
  else
    fits = (is_first || us_log_put(line, " ", 1)) && us_log_put_c(line, key) && us_log_put(line, "=", 1) &&
           line->n + 8 < sizeof line->text - US_LOG_TAIL_BYTES;
  if (!fits) {
    line->n = before;
    line->is_cut = true;
  }
  return fits;
}

static bool us_log_is_open(const struct us_log_line *line) {
  return !line->is_cut && line->level != US_LOG_OFF;
}

void us_log_begin(struct us_log_line *line, enum us_log_level level, const char *event) {
  line->n = 0;
  line->is_cut = false;
  line->format = (enum us_log_format)us_log_format_now;
  line->level = us_log_wants(level) ? level : US_LOG_OFF;
  if (line->level == US_LOG_OFF)
    return;
  char time[US_TIME_ISO_BYTES];
  us_time_iso_ms(us_clock_now_ms(&us_clock_system), time);
  us_log_c(line, "time", time);
  us_log_c(line, "level", us_log_level_names[level]);
  us_log_c(line, "event", event);
}

void us_log_str(struct us_log_line *line, const char *key, struct us_str value) {
  if (!value.p || !us_log_is_open(line) || !us_log_put_key(line, key))
    return;
  if (line->format == US_LOG_LOGFMT && us_log_is_bare(value) &&
      value.n <= sizeof line->text - US_LOG_TAIL_BYTES - line->n)
    us_log_put(line, value.p, value.n);
  else
    us_log_put_quoted(line, value);
}

void us_log_c(struct us_log_line *line, const char *key, const char *value) {
  us_log_str(line, key, us_str_c(value));
}

void us_log_i64(struct us_log_line *line, const char *key, int64_t value) {
  if (!us_log_is_open(line))
    return;
  char digits[24];
  int n = snprintf(digits, sizeof digits, "%lld", (long long)value);
  size_t before = line->n;
  if (!us_log_put_key(line, key))
    return;
  /* A number cut in two would be another number. */
  if (!us_log_put(line, digits, (size_t)n))
    line->n = before;
}

void us_log_end(struct us_log_line *line) {
  if (line->level == US_LOG_OFF || line->n == 0)
    return;
  us_log_put_tail(line, line->format == US_LOG_JSON ? "}\n" : "\n");
  /* A log that cannot be written has nowhere to say so. */
  ssize_t written;
  do {
    written = write(us_log_fd, line->text, line->n);
  } while (written < 0 && errno == EINTR);
  line->n = 0;
}

void us_log(enum us_log_level level, const char *event, const char *format, ...) {
  if (!us_log_wants(level))
    return;
  char sentence[US_LOG_SENTENCE_BYTES];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(sentence, sizeof sentence, format, args);
  va_end(args);
  struct us_log_line line;
  us_log_begin(&line, level, event);
  if (n >= 0)
    us_log_str(&line, "msg", (struct us_str){sentence, (size_t)n < sizeof sentence ? (size_t)n : sizeof sentence - 1});
  us_log_end(&line);
}
