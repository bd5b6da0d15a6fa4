/*
 * JSON out: a small writer into a buffer, for answers. It puts the commas; the caller opens and closes. Strings are
 * escaped (control characters, quotes, backslash; UTF-8 passes through). Misuse (a value where a name is due) is an
 * assert; lack of room shows in us_buf_ok().
 *
 *   us_json_open(w, '{'); us_json_name(w, "_id"); us_json_str(w, id); us_json_close(w, '}');
 */
#ifndef USHER_JSON_WRITE_H
#define USHER_JSON_WRITE_H

#include "base/buf.h"

#define US_JSON_WRITE_MAX_DEPTH 32
struct us_json_writer {
  struct us_buf *out;
  unsigned depth;
  bool need_comma;
  bool has_name;    /* a name was written and waits for its value */
  uint32_t objects; /* bit d - 1: the bracket open at depth d is '{' */
};

void us_json_writer_init(struct us_json_writer *w, struct us_buf *out);
void us_json_open(struct us_json_writer *w, char bracket);  /* '{' or '[' */
void us_json_close(struct us_json_writer *w, char bracket); /* '}' or ']' */
void us_json_name(struct us_json_writer *w, const char *name);
void us_json_name_str(struct us_json_writer *w, struct us_str name);
void us_json_str(struct us_json_writer *w, struct us_str value);
void us_json_c(struct us_json_writer *w, const char *value);
void us_json_i64(struct us_json_writer *w, int64_t value);
void us_json_bool(struct us_json_writer *w, bool value);
void us_json_null(struct us_json_writer *w);
void us_json_raw(struct us_json_writer *w, struct us_str json); /* text that is JSON already */
void us_json_strs(struct us_json_writer *w, struct us_strs set);
/* name and value in one, skipped when the value is absent */
void us_json_member(struct us_json_writer *w, const char *name, struct us_str value);
void us_json_member_i64(struct us_json_writer *w, const char *name, int64_t value);

#endif
