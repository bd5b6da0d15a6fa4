/*
 * Inside of json/field.h, shared by its files only: what one decoding knows about itself, where it stands, and the steps
 * that JSON, forms and YAML have in common.
 *
 *   field.c      walks a table over a JSON object
 *   field_put.c  checks one value against its row and stores it
 *   field_say.c  words every refusal
 *   form.c       forms and percent-encoding; yaml.c turns a YAML document into JSON values plus lines
 */
#ifndef USHER_JSON_FIELD_IN_H
#define USHER_JSON_FIELD_IN_H

#include "json/field.h"

/* Where a value stood in a YAML file, found again by its container and key (or index). */
struct us_yaml_line {
  const json_t *container;
  const char *key; /* NULL: an element */
  size_t index;
  size_t line;
  struct us_str text; /* the scalar as written, when it was read as a number or a truth value; absent otherwise */
};
struct us_yaml_lines {
  const char *file_name;
  struct us_yaml_line *v;
  size_t n;
  size_t room;
  size_t first_line;
};

struct us_field_in {
  struct us_cx *cx;
  const struct us_yaml_lines *lines; /* NULL: not from a file */
};

/* A member or an element, linked to what it lies in: the path is only spelled out when something is refused. */
struct us_field_at {
  const struct us_field_at *up; /* NULL: a member of the whole document */
  const json_t *container;      /* NULL in forms */
  const char *name;             /* NULL: an element */
  size_t index;
};

const struct us_yaml_line *us_yaml_line_find(const struct us_yaml_lines *lines, const struct us_field_at *at);

/* A table over a JSON object; `at` is NULL for the whole document. */
enum us_code us_field_decode(const struct us_field_in *in, const struct us_field_table *table,
                             const struct us_field_at *at, const json_t *value, void *object) US_MUST_CHECK;

/* One row of a table being decoded into an object. */
struct us_field_row {
  const struct us_field_in *in;
  const struct us_field_table *table;
  const struct us_field *field;
  const struct us_field_at *at;
  void *object;
};
static inline void *us_field_slot(const struct us_field_row *row) {
  return (char *)row->object + row->field->offset;
}
static inline void us_field_mark_seen(const struct us_field_row *row) {
  if (row->field->seen_offset)
    *(bool *)((char *)row->object + row->field->seen_offset) = true;
}

enum us_code us_field_put_string(const struct us_field_row *row, struct us_str s) US_MUST_CHECK;
enum us_code us_field_put_int(const struct us_field_row *row, int64_t value) US_MUST_CHECK;
enum us_code us_field_put_enum(const struct us_field_row *row, struct us_str s) US_MUST_CHECK;
enum us_code us_field_put_json(const struct us_field_row *row, json_t *value) US_MUST_CHECK;
/* A list is begun with its number of members, then filled; `item` stands at the member. */
enum us_code us_field_begin_strings(const struct us_field_row *row, size_t n, struct us_strs *ret_list) US_MUST_CHECK;
enum us_code us_field_add_string(const struct us_field_row *item, struct us_strs *list, struct us_str s) US_MUST_CHECK;
/* Any kind that one text can hold, as forms and plain YAML scalars spell it. */
enum us_code us_field_put_text(const struct us_field_row *row, struct us_str text) US_MUST_CHECK;
enum us_code us_field_run_check(const struct us_field_in *in, const struct us_field_table *table,
                                const struct us_field_at *at, void *object) US_MUST_CHECK;

/* A refusal in the table's manner; `words` begin with "must". */
enum us_code us_field_refuse(const struct us_field_row *row, const char *words);
enum us_code us_field_refuse_kind(const struct us_field_row *row); /* "must be a String" */
enum us_code us_field_refuse_missing(const struct us_field_row *row);
enum us_code us_field_refuse_unknown(const struct us_field_row *row, struct us_str name);
enum us_code us_field_refuse_shape(const struct us_field_in *in, const struct us_field_table *table,
                                   const struct us_field_at *at); /* not an object */
/* Puts "file:line: " before the text of cx->err, when there is a file. */
void us_field_say_where(const struct us_field_in *in, const struct us_field_at *at);

/* Something of the input for a message: printable ASCII without quotes and backslash, cut short (OA-24). */
#define US_FIELD_QUOTE_BYTES 65
const char *us_field_quote(struct us_str s, char ret_text[US_FIELD_QUOTE_BYTES]);

#endif
