/*
 * The one error of a piece of work, and the tables that come from base/error_codes.def. Recording an error must work
 * when the work has used up its memory, because that is one of the errors: then the text is absent and the renderer
 * falls back to the standard text of the code.
 */
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cx.h"
#include "base/log.h"
#include "base/mem.h"

struct us_code_row {
  const char *name;
  int status;
  const char *oauth;
  enum us_log_level level;
};

static const struct us_code_row us_code_rows[US_CODE_COUNT] = {
#define US_CODE(symbol, status, oauth, level) [US_##symbol] = {#symbol, status, oauth, US_LOG_##level},
#include "base/error_codes.def"
#undef US_CODE
};

static const struct us_code_row *us_code_row(enum us_code code) {
  return &us_code_rows[(unsigned)code < US_CODE_COUNT ? code : US_E_INTERNAL];
}

/* A longer text is cut here: nobody reads more, and the texts may quote what a stranger sent. */
#define US_ERROR_TEXT_BYTES 1024

/* Without the beginning of a character that the cut left at the end. */
static struct us_str us_error_end_whole(struct us_str s) {
  size_t lead = s.n;
  while (lead > 0 && s.n - lead < 3 && ((unsigned char)s.p[lead - 1] & 0xC0) == 0x80)
    lead--;
  if (lead == 0)
    return s;
  lead--;
  return us_str_utf8_char((struct us_str){s.p + lead, s.n - lead}) ? s : (struct us_str){s.p, lead};
}

__attribute__((format(printf, 2, 0))) static struct us_str us_error_format(struct us_cx *cx, const char *format,
                                                                           va_list args) {
  char text[US_ERROR_TEXT_BYTES];
  int n = vsnprintf(text, sizeof text, format, args);
  if (n < 0)
    return US_STR_ABSENT;
  struct us_str s = {text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1};
  if ((size_t)n >= sizeof text)
    s = us_error_end_whole(s);
  return us_str_dup(cx->mem, s);
}

enum us_code us_fail_plain(struct us_cx *cx, enum us_code code) {
  assert(code != US_OK && (unsigned)code < US_CODE_COUNT);
  if (code == US_OK)
    code = US_E_INTERNAL;
  cx->err = (struct us_error){.code = code};
  return code;
}

enum us_code us_fail(struct us_cx *cx, enum us_code code, const char *format, ...) {
  /* The text is made first: its arguments may come from the error that is being replaced. */
  va_list args;
  va_start(args, format);
  struct us_str text = us_error_format(cx, format, args);
  va_end(args);
  code = us_fail_plain(cx, code);
  cx->err.text = text;
  return code;
}

enum us_code us_error_detail(struct us_cx *cx, const char *format, ...) {
  va_list args;
  va_start(args, format);
  struct us_str detail = us_error_format(cx, format, args);
  va_end(args);
  if (cx->err.detail.p && detail.p)
    detail = us_str_fmt(cx->mem, "%.*s; %.*s", US_STR_ARG(cx->err.detail), US_STR_ARG(detail));
  if (detail.p)
    cx->err.detail = detail;
  return cx->err.code;
}

void us_error_clear(struct us_cx *cx) {
  cx->err = (struct us_error){.code = US_OK};
}

int us_code_status(enum us_code code) {
  return us_code_row(code)->status;
}

const char *us_code_oauth(enum us_code code) {
  return us_code_row(code)->oauth;
}

const char *us_code_name(enum us_code code) {
  return us_code_row(code)->name;
}

int us_code_log_level(enum us_code code) {
  return us_code_row(code)->level;
}

struct us_status_row {
  int status;
  const char *reason;
};

/* RFC 9110 15, RFC 6585; the 4xx and 5xx ones are also the `reason` of Common REST (REST contract a.11). */
static const struct us_status_row us_status_rows[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *us_status_reason(int status) {
  for (size_t i = 0; i < sizeof us_status_rows / sizeof us_status_rows[0]; i++)
    if (us_status_rows[i].status == status)
      return us_status_rows[i].reason;
  return "Unknown";
}
