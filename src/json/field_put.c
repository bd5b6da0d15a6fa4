/*
 * One value against its row: size, range, characters, then a copy into the struct. JSON, forms and YAML all end here, so
 * that a limit holds whichever way the value came.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "json/field_in.h"
#include "json/json.h"

#define US_FIELD_WORDS_BYTES 256

static bool us_field_has_controls(struct us_str s) {
  for (size_t i = 0; i < s.n; i++)
    if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
      return true;
  return false;
}

static bool us_field_copy(const struct us_field_row *row, struct us_str s, struct us_str *ret_copy) {
  if (!(row->field->flags & US_FIELD_SECRET)) {
    *ret_copy = us_str_dup(row->in->cx->mem, s);
    return ret_copy->p != NULL;
  }
  char *copy = us_mem_secret(row->in->cx->mem, s.n + 1);
  if (!copy)
    return false;
  memcpy(copy, s.p, s.n);
  copy[s.n] = '\0';
  *ret_copy = (struct us_str){copy, s.n};
  return true;
}

/* The checks that a string and a member of a list share, then the copy. */
static enum us_code us_field_take_string(const struct us_field_row *row, struct us_str s, int64_t max_bytes,
                                         unsigned empty_flag, struct us_str *ret_copy) {
  if (max_bytes <= 0 || s.n > (uint64_t)max_bytes) {
    char words[US_FIELD_WORDS_BYTES];
    snprintf(words, sizeof words, "must be at most %" PRId64 " bytes long", max_bytes);
    return us_field_refuse(row, words);
  }
  if (s.n == 0 && (row->field->flags & empty_flag))
    return us_field_refuse(row, "must not be empty");
  if ((row->field->flags & US_FIELD_NO_CONTROLS) && us_field_has_controls(s))
    return us_field_refuse(row, "must not contain control characters");
  if (row->field->kind == US_FIELD_URI && !us_uri_reference_ok(s))
    return us_field_refuse_kind(row);
  if (!us_field_copy(row, s, ret_copy))
    return us_fail_plain(row->in->cx, US_E_NO_MEMORY);
  return US_OK;
}

enum us_code us_field_put_string(const struct us_field_row *row, struct us_str s) {
  US_TRY(us_field_take_string(row, s, row->field->max, US_FIELD_NOT_EMPTY, us_field_slot(row)));
  us_field_mark_seen(row);
  return US_OK;
}

enum us_code us_field_put_int(const struct us_field_row *row, int64_t value) {
  if (value < row->field->min || value > row->field->max) {
    char words[US_FIELD_WORDS_BYTES];
    snprintf(words, sizeof words, "must be from %" PRId64 " to %" PRId64, row->field->min, row->field->max);
    return us_field_refuse(row, words);
  }
  *(int64_t *)us_field_slot(row) = value;
  us_field_mark_seen(row);
  return US_OK;
}

enum us_code us_field_put_enum(const struct us_field_row *row, struct us_str s) {
  char words[US_FIELD_WORDS_BYTES] = "must be one of";
  size_t n = strlen(words);
  for (const struct us_enum_name *name = row->field->names; name->name; name++) {
    if (us_str_eq_c(s, name->name)) {
      *(int *)us_field_slot(row) = name->value;
      us_field_mark_seen(row);
      return US_OK;
    }
    int more = snprintf(words + n, sizeof words - n, "%s %s", name == row->field->names ? "" : ",", name->name);
    n = more > 0 && (size_t)more < sizeof words - n ? n + (size_t)more : sizeof words - 1;
  }
  return us_field_refuse(row, words);
}

enum us_code us_field_put_json(const struct us_field_row *row, json_t *value) {
  if (!us_json_own(row->in->cx, json_incref(value)))
    return us_fail_plain(row->in->cx, US_E_NO_MEMORY);
  *(json_t **)us_field_slot(row) = value;
  us_field_mark_seen(row);
  return US_OK;
}

enum us_code us_field_begin_strings(const struct us_field_row *row, size_t n, struct us_strs *ret_list) {
  if (row->field->max <= 0 || n > (uint64_t)row->field->max) {
    char words[US_FIELD_WORDS_BYTES];
    snprintf(words, sizeof words, "must have at most %" PRId64 " members", row->field->max);
    return us_field_refuse(row, words);
  }
  if (n == 0 && (row->field->flags & US_FIELD_NOT_EMPTY))
    return us_field_refuse(row, "must not be empty");
  *ret_list = (struct us_strs){us_mem_array(row->in->cx->mem, n, sizeof(struct us_str)), 0};
  if (!ret_list->v)
    return us_fail_plain(row->in->cx, US_E_NO_MEMORY);
  return US_OK;
}

enum us_code us_field_add_string(const struct us_field_row *item, struct us_strs *list, struct us_str s) {
  struct us_str copy;
  US_TRY(us_field_take_string(item, s, item->field->item_max, US_FIELD_NO_EMPTY_ITEMS, &copy));
  if (!(item->field->flags & US_FIELD_UNIQUE) || !us_strs_has(*list, copy))
    list->v[list->n++] = copy;
  return US_OK;
}

/* -?[0-9]+ within int64_t. */
static bool us_field_text_to_int(struct us_str text, int64_t *ret_value) {
  bool is_negative = text.n > 0 && text.p[0] == '-';
  struct us_str digits = {text.p + is_negative, text.n - is_negative};
  uint64_t value;
  if (!us_str_to_u64(digits, (uint64_t)INT64_MAX + is_negative, &value))
    return false;
  *ret_value = is_negative ? (int64_t)(0 - value) : (int64_t)value;
  return true;
}

static size_t us_field_count_words(struct us_str text) {
  size_t n = 0;
  for (size_t i = 0; i < text.n; i++)
    n += text.p[i] != ' ' && (i == 0 || text.p[i - 1] == ' ');
  return n;
}

/* A list as OAuth spells it in forms: words between blanks. */
static enum us_code us_field_put_words(const struct us_field_row *row, struct us_str text) {
  size_t n = us_field_count_words(text);
  struct us_strs list, words;
  US_TRY(us_field_begin_strings(row, n, &list));
  if (!us_str_split(row->in->cx->mem, text, ' ', n, &words))
    return us_fail_plain(row->in->cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < words.n; i++) {
    struct us_field_at at = {.up = row->at, .index = i};
    struct us_field_row item = *row;
    item.at = &at;
    US_TRY(us_field_add_string(&item, &list, words.v[i]));
  }
  *(struct us_strs *)us_field_slot(row) = list;
  us_field_mark_seen(row);
  return US_OK;
}

static enum us_code us_field_put_json_text(const struct us_field_row *row, struct us_str text) {
  json_t *value;
  struct us_cx *cx = row->in->cx;
  if (us_json_parse(cx, text, US_E_INVALID_REQUEST, &value) != US_OK)
    return cx->err.code == US_E_NO_MEMORY ? US_E_NO_MEMORY : us_field_refuse_kind(row);
  *(json_t **)us_field_slot(row) = value;
  us_field_mark_seen(row);
  return US_OK;
}

enum us_code us_field_put_text(const struct us_field_row *row, struct us_str text) {
  int64_t number;
  switch (row->field->kind) {
  case US_FIELD_STRING:
  case US_FIELD_URI:
    return us_field_put_string(row, text);
  case US_FIELD_INT:
    return us_field_text_to_int(text, &number) ? us_field_put_int(row, number) : us_field_refuse_kind(row);
  case US_FIELD_BOOL:
    if (!us_str_eq_c(text, "true") && !us_str_eq_c(text, "false"))
      return us_field_refuse_kind(row);
    *(bool *)us_field_slot(row) = us_str_eq_c(text, "true");
    us_field_mark_seen(row);
    return US_OK;
  case US_FIELD_STRINGS:
    return us_field_put_words(row, text);
  case US_FIELD_ENUM:
    return us_field_put_enum(row, text);
  case US_FIELD_JSON:
    return us_field_put_json_text(row, text);
  case US_FIELD_TABLE:
  case US_FIELD_TABLES:
    break;
  }
  /* A form has no way to spell an object. */
  return us_field_refuse_kind(row);
}

enum us_code us_field_run_check(const struct us_field_in *in, const struct us_field_table *table,
                                const struct us_field_at *at, void *object) {
  if (!table->check)
    return US_OK;
  enum us_code code = table->check(in->cx, object);
  if (code != US_OK)
    us_field_say_where(in, at);
  return code;
}
