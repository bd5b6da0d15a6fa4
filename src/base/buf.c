/*
 * The growing buffer of base/buf.h. The block doubles until it reaches max + 1 bytes (the one is for the closing NUL), so
 * a stranger's input can never make it larger than its owner said at birth. Once it failed nothing more is added: a
 * half-written answer must not look whole.
 */
#include "base/buf.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_BUF_FIRST_BYTES 256

void us_buf_init(struct us_buf *b, size_t max_bytes) {
  assert(max_bytes < SIZE_MAX / 2);
  *b = (struct us_buf){.max = max_bytes};
}

void us_buf_done(struct us_buf *b) {
  free(b->p);
  *b = (struct us_buf){.max = b->max};
}

void us_buf_reset(struct us_buf *b) {
  b->n = 0;
  b->failed = false;
  if (b->p)
    b->p[0] = '\0';
}

/* Makes room for n more bytes and a NUL; false marks the buffer failed. */
static bool us_buf_make_room(struct us_buf *b, size_t n) {
  if (b->failed)
    return false;
  if (n > b->max - b->n) {
    b->failed = true;
    return false;
  }
  size_t needed = b->n + n + 1;
  if (needed <= b->room)
    return true;
  size_t room = b->room ? b->room : US_BUF_FIRST_BYTES;
  while (room < needed)
    room *= 2;
  if (room > b->max + 1)
    room = b->max + 1;
  char *p = realloc(b->p, room);
  if (!p) {
    b->failed = true;
    return false;
  }
  b->p = p;
  b->room = room;
  return true;
}

void us_buf_reserve(struct us_buf *b, size_t n) {
  (void)us_buf_make_room(b, n);
}

void us_buf_add(struct us_buf *b, const void *bytes, size_t n) {
  if (!us_buf_make_room(b, n))
    return;
  if (n)
    memcpy(b->p + b->n, bytes, n);
  b->n += n;
  b->p[b->n] = '\0';
}

void us_buf_add_str(struct us_buf *b, struct us_str s) {
  us_buf_add(b, s.p, s.n);
}

void us_buf_add_c(struct us_buf *b, const char *c_string) {
  us_buf_add(b, c_string, strlen(c_string));
}

void us_buf_add_char(struct us_buf *b, char c) {
  us_buf_add(b, &c, 1);
}

void us_buf_add_i64(struct us_buf *b, int64_t value) {
  char digits[24];
  size_t at = sizeof digits;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do {
    digits[--at] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (value < 0)
    digits[--at] = '-';
  us_buf_add(b, digits + at, sizeof digits - at);
}

void us_buf_addf(struct us_buf *b, const char *format, ...) {
  va_list args;
  va_start(args, format);
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n < 0)
    b->failed = true;
  else if (us_buf_make_room(b, (size_t)n)) {
    vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
    b->n += (size_t)n;
  }
  va_end(again);
}

void us_buf_drop_front(struct us_buf *b, size_t n) {
  if (n > b->n)
    n = b->n;
  if (n == 0)
    return;
  memmove(b->p, b->p + n, b->n - n);
  b->n -= n;
  b->p[b->n] = '\0';
}

void us_buf_add_html(struct us_buf *b, struct us_str text, bool keeps_lines) {
  for (size_t i = 0; i < text.n; i++) {
    char c = text.p[i];
    switch (c) {
    case '&':
      us_buf_add_c(b, "&amp;");
      break;
    case '<':
      us_buf_add_c(b, "&lt;");
      break;
    case '>':
      us_buf_add_c(b, "&gt;");
      break;
    case '"':
      us_buf_add_c(b, "&quot;");
      break;
    case '\'':
      us_buf_add_c(b, "&#39;");
      break;
    default:
      if (((unsigned char)c < 0x20 || c == 0x7f) && !(keeps_lines && (c == '\t' || c == '\r' || c == '\n')))
        us_buf_add_c(b, "\xEF\xBF\xBD");
      else
        us_buf_add_char(b, c);
    }
  }
}
