/*
 * The JSON writer of answers. It keeps one bit a level (object or array), so that misuse stops a debug build at the line
 * that made it instead of at the client.
 */
#include "json/write.h"

#include <assert.h>
#include <string.h>

void us_json_writer_init(struct us_json_writer *w, struct us_buf *out) {
  *w = (struct us_json_writer){.out = out};
}

__attribute__((unused)) /* without assertions */ static bool us_json_in_object(const struct us_json_writer *w) {
  return w->depth > 0 && (w->objects >> (w->depth - 1) & 1);
}

/* Before each value: the comma, where one is due, and the check that a value may stand here. */
static void us_json_before_value(struct us_json_writer *w) {
  assert(us_json_in_object(w) == w->has_name);
  assert(w->depth > 0 || !w->need_comma); /* one value at the top */
  if (w->need_comma)
    us_buf_add_char(w->out, ',');
  w->need_comma = true;
  w->has_name = false;
}

void us_json_open(struct us_json_writer *w, char bracket) {
  assert(bracket == '{' || bracket == '[');
  assert(w->depth < US_JSON_WRITE_MAX_DEPTH);
  us_json_before_value(w);
  us_buf_add_char(w->out, bracket);
  uint32_t bit = UINT32_C(1) << (w->depth++ & 31);
  w->objects = bracket == '{' ? w->objects | bit : w->objects & ~bit;
  w->need_comma = false;
}

void us_json_close(struct us_json_writer *w, char bracket) {
  assert(w->depth > 0 && !w->has_name);
  assert(bracket == (us_json_in_object(w) ? '}' : ']'));
  us_buf_add_char(w->out, bracket);
  w->depth--;
  w->need_comma = true;
}

/* Bytes that cannot stand for themselves in a string: controls, quote, backslash. DEL may, but hides in terminals. */
static bool us_json_must_escape(unsigned char c) {
  return c < 0x20 || c == '"' || c == '\\' || c == 0x7F;
}

static void us_json_add_escape(struct us_buf *out, unsigned char c) {
  static const char hex[] = "0123456789abcdef";
  char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
  switch (c) {
  case '"':
  case '\\':
    text[1] = (char)c;
    break;
  case '\n':
    text[1] = 'n';
    break;
  case '\r':
    text[1] = 'r';
    break;
  case '\t':
    text[1] = 't';
    break;
  default:
    us_buf_add(out, text, 6);
    return;
  }
  us_buf_add(out, text, 2);
}

static void us_json_add_string(struct us_buf *out, struct us_str s) {
  us_buf_add_char(out, '"');
  size_t start = 0;
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (!us_json_must_escape(c))
      continue;
    us_buf_add(out, s.p + start, i - start);
    us_json_add_escape(out, c);
    start = i + 1;
  }
  if (s.n > start)
    us_buf_add(out, s.p + start, s.n - start);
  us_buf_add_char(out, '"');
}

void us_json_name_str(struct us_json_writer *w, struct us_str name) {
  assert(us_json_in_object(w) && !w->has_name);
  if (w->need_comma)
    us_buf_add_char(w->out, ',');
  us_json_add_string(w->out, name);
  us_buf_add_char(w->out, ':');
  w->need_comma = false;
  w->has_name = true;
}

void us_json_name(struct us_json_writer *w, const char *name) {
  us_json_name_str(w, us_str_c(name));
}

void us_json_str(struct us_json_writer *w, struct us_str value) {
  if (!value.p) {
    us_json_null(w);
    return;
  }
  us_json_before_value(w);
  us_json_add_string(w->out, value);
}

void us_json_c(struct us_json_writer *w, const char *value) {
  us_json_str(w, us_str_c(value));
}

void us_json_i64(struct us_json_writer *w, int64_t value) {
  us_json_before_value(w);
  us_buf_add_i64(w->out, value);
}

void us_json_bool(struct us_json_writer *w, bool value) {
  us_json_raw(w, value ? US_STR("true") : US_STR("false"));
}

void us_json_null(struct us_json_writer *w) {
  us_json_raw(w, US_STR("null"));
}

void us_json_raw(struct us_json_writer *w, struct us_str json) {
  us_json_before_value(w);
  us_buf_add_str(w->out, json);
}

void us_json_strs(struct us_json_writer *w, struct us_strs set) {
  us_json_open(w, '[');
  for (size_t i = 0; i < set.n; i++)
    us_json_str(w, set.v[i]);
  us_json_close(w, ']');
}

void us_json_member(struct us_json_writer *w, const char *name, struct us_str value) {
  if (!value.p)
    return;
  us_json_name(w, name);
  us_json_str(w, value);
}

void us_json_member_i64(struct us_json_writer *w, const char *name, int64_t value) {
  us_json_name(w, name);
  us_json_i64(w, value);
}
