/*
 * A growing buffer, born with its maximum. Appending past the maximum (or out of memory) marks the buffer failed and
 * drops everything appended after; the writer checks once, at the end, with us_buf_ok(). Always NUL-terminated while
 * ok. Memory comes from malloc, because buffers outlive requests on connections; us_buf_done() gives it back.
 */
#ifndef USHER_BASE_BUF_H
#define USHER_BASE_BUF_H

#include "base/str.h"

struct us_buf {
  char *p;
  size_t n;
  size_t room;
  size_t max;
  bool failed;
};

void us_buf_init(struct us_buf *b, size_t max_bytes);
void us_buf_done(struct us_buf *b);
void us_buf_reset(struct us_buf *b); /* empty again; keeps memory */
void us_buf_reserve(struct us_buf *b,
                    size_t n); /* room for n more bytes at once, when it is known how many will come */
void us_buf_add(struct us_buf *b, const void *bytes, size_t n);
void us_buf_add_str(struct us_buf *b, struct us_str s);
/* For text of HTML and values in double quotes. Control characters become U+FFFD; `keeps_lines`: but tabs and line ends. */
void us_buf_add_html(struct us_buf *b, struct us_str text, bool keeps_lines);
void us_buf_add_c(struct us_buf *b, const char *c_string);
void us_buf_add_char(struct us_buf *b, char c);
void us_buf_add_i64(struct us_buf *b, int64_t value);
void us_buf_addf(struct us_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void us_buf_drop_front(struct us_buf *b, size_t n);
static inline bool us_buf_ok(const struct us_buf *b) {
  return !b->failed;
}
static inline struct us_str us_buf_str(const struct us_buf *b) {
  return (struct us_str){b->p ? b->p : "", b->n};
}

#endif
