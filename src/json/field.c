/*
 * Field tables over JSON objects and forms, and the soundness check of a table. The walk is in table order: the first
 * row that does not hold decides, whatever the order of the members in the text.
 */
#include "json/field.h"

#include <string.h>

#include "base/mem.h"
#include "json/field_in.h"
#include "json/json.h"

/* The text of a string; in a YAML file also of a scalar that looked like a number or a truth value. */
static bool us_field_text_of(const struct us_field_in *in, const struct us_field_at *at, const json_t *value,
                             struct us_str *ret_text) {
  if (json_is_string(value)) {
    *ret_text = (struct us_str){json_string_value(value), json_string_length(value)};
    return true;
  }
  const struct us_yaml_line *line = in->lines ? us_yaml_line_find(in->lines, at) : NULL;
  if (!line || !line->text.p)
    return false;
  *ret_text = line->text;
  return true;
}

static enum us_code us_field_from_string(const struct us_field_row *row, json_t *value) {
  struct us_str text;
  if (!us_field_text_of(row->in, row->at, value, &text))
    return us_field_refuse_kind(row);
  return row->field->kind == US_FIELD_ENUM ? us_field_put_enum(row, text) : us_field_put_string(row, text);
}

static enum us_code us_field_from_int(const struct us_field_row *row, json_t *value) {
  return json_is_integer(value) ? us_field_put_int(row, json_integer_value(value)) : us_field_refuse_kind(row);
}

static enum us_code us_field_from_bool(const struct us_field_row *row, json_t *value) {
  if (!json_is_boolean(value))
    return us_field_refuse_kind(row);
  *(bool *)us_field_slot(row) = json_is_true(value);
  us_field_mark_seen(row);
  return US_OK;
}

static enum us_code us_field_from_strings(const struct us_field_row *row, json_t *value) {
  if (!json_is_array(value))
    return us_field_refuse_kind(row);
  struct us_strs list;
  US_TRY(us_field_begin_strings(row, json_array_size(value), &list));
  size_t i;
  json_t *element;
  json_array_foreach(value, i, element) {
    struct us_field_at at = {.up = row->at, .container = value, .index = i};
    struct us_field_row item = *row;
    item.at = &at;
    struct us_str text;
    if (!us_field_text_of(row->in, &at, element, &text))
      return us_field_refuse_kind(&item);
    US_TRY(us_field_add_string(&item, &list, text));
  }
  *(struct us_strs *)us_field_slot(row) = list;
  us_field_mark_seen(row);
  return US_OK;
}

static enum us_code us_field_from_table(const struct us_field_row *row, json_t *value) {
  if (!json_is_object(value))
    return us_field_refuse_kind(row);
  US_TRY(us_field_decode(row->in, row->field->table, row->at, value, us_field_slot(row)));
  us_field_mark_seen(row);
  return US_OK;
}

static enum us_code us_field_from_tables(const struct us_field_row *row, json_t *value) {
  if (!json_is_array(value))
    return us_field_refuse_kind(row);
  /* The same limits and words as for a list of strings. */
  struct us_strs unused;
  US_TRY(us_field_begin_strings(row, json_array_size(value), &unused));
  const struct us_field_table *table = row->field->table;
  struct us_field_list list = {us_mem_array(row->in->cx->mem, json_array_size(value), table->size), 0};
  if (!list.v)
    return us_fail_plain(row->in->cx, US_E_NO_MEMORY);
  size_t i;
  json_t *element;
  json_array_foreach(value, i, element) {
    struct us_field_at at = {.up = row->at, .container = value, .index = i};
    US_TRY(us_field_decode(row->in, table, &at, element, (char *)list.v + i * table->size));
    list.n++;
  }
  *(struct us_field_list *)us_field_slot(row) = list;
  us_field_mark_seen(row);
  return US_OK;
}

static enum us_code (*const us_field_decoders[])(const struct us_field_row *row, json_t *value) = {
    [US_FIELD_STRING] = us_field_from_string,   [US_FIELD_URI] = us_field_from_string,
    [US_FIELD_INT] = us_field_from_int,         [US_FIELD_BOOL] = us_field_from_bool,
    [US_FIELD_STRINGS] = us_field_from_strings, [US_FIELD_ENUM] = us_field_from_string,
    [US_FIELD_TABLE] = us_field_from_table,     [US_FIELD_TABLES] = us_field_from_tables,
    [US_FIELD_JSON] = us_field_put_json,
};

static bool us_field_table_names(const struct us_field_table *table, const char *name) {
  for (size_t i = 0; i < table->n; i++)
    if (strcmp(table->fields[i].name, name) == 0)
      return true;
  return false;
}

/* Into the member of the struct that collects what no row names; the collection is made at the first one. */
static enum us_code us_field_keep(struct us_cx *cx, const struct us_field_table *table, void *object, const char *name,
                                  json_t *value) {
  json_t **slot = (json_t **)((char *)object + table->unknown_offset);
  if (!*slot)
    *slot = us_json_own(cx, json_object());
  if (!*slot || json_object_set(*slot, name, value) != 0)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return US_OK;
}

static enum us_code us_field_others(const struct us_field_in *in, const struct us_field_table *table,
                                    const struct us_field_at *up, const json_t *value, void *object) {
  if (!table->keep_unknown && !table->refuse_unknown)
    return US_OK;
  const char *name;
  json_t *member;
  json_object_foreach((json_t *)(uintptr_t)value, name, member) {
    if (us_field_table_names(table, name))
      continue;
    if (table->refuse_unknown) {
      struct us_field_at at = {.up = up, .container = value, .name = name};
      struct us_field_row row = {in, table, NULL, &at, object};
      return us_field_refuse_unknown(&row, us_str_c(name));
    }
    US_TRY(us_field_keep(in->cx, table, object, name, member));
  }
  return US_OK;
}

enum us_code us_field_decode(const struct us_field_in *in, const struct us_field_table *table,
                             const struct us_field_at *up, const json_t *value, void *object) {
  if (!json_is_object(value))
    return us_field_refuse_shape(in, table, up);
  for (size_t i = 0; i < table->n; i++) {
    const struct us_field *field = &table->fields[i];
    struct us_field_at at = {.up = up, .container = value, .name = field->name};
    struct us_field_row row = {in, table, field, &at, object};
    json_t *member = json_object_get(value, field->name);
    bool is_there = member && !json_is_null(member);
    if (!is_there && (field->flags & US_FIELD_REQUIRED))
      return us_field_refuse_missing(&row);
    if (is_there)
      US_TRY(us_field_decoders[field->kind](&row, member));
  }
  US_TRY(us_field_others(in, table, up, value, object));
  return us_field_run_check(in, table, up, object);
}

enum us_code us_field_from_json(struct us_cx *cx, const struct us_field_table *table, const json_t *value,
                                void *object) {
  struct us_field_in in = {.cx = cx};
  return us_field_decode(&in, table, NULL, value, object);
}

static enum us_code us_field_form_others(const struct us_field_in *in, const struct us_field_table *table,
                                         const struct us_params *params, void *object) {
  if (!table->keep_unknown && !table->refuse_unknown)
    return US_OK;
  for (size_t i = 0; i < params->n; i++) {
    const struct us_param *param = &params->v[i];
    if (us_field_table_names(table, param->name.p))
      continue;
    if (table->refuse_unknown) {
      struct us_field_at at = {.name = param->name.p};
      struct us_field_row row = {in, table, NULL, &at, object};
      return us_field_refuse_unknown(&row, param->name);
    }
    json_t *text = us_json_own(in->cx, json_stringn(param->value.p, param->value.n));
    if (!text)
      return us_fail_plain(in->cx, US_E_NO_MEMORY);
    US_TRY(us_field_keep(in->cx, table, object, param->name.p, text));
  }
  return US_OK;
}

enum us_code us_field_from_form(struct us_cx *cx, const struct us_field_table *table, struct us_str text,
                                void *object) {
  struct us_params params;
  US_TRY(us_form_parse(cx, text, &params));
  struct us_field_in in = {.cx = cx};
  for (size_t i = 0; i < table->n; i++) {
    const struct us_field *field = &table->fields[i];
    struct us_field_at at = {.name = field->name};
    struct us_field_row row = {&in, table, field, &at, object};
    struct us_str value = us_params_get(&params, field->name);
    if (value.n == 0 && (field->flags & US_FIELD_REQUIRED))
      return us_field_refuse_missing(&row);
    if (value.n > 0)
      US_TRY(us_field_put_text(&row, value));
  }
  US_TRY(us_field_form_others(&in, table, &params, object));
  return us_field_run_check(&in, table, NULL, object);
}

static size_t us_field_slot_bytes(const struct us_field *field) {
  switch (field->kind) {
  case US_FIELD_STRING:
  case US_FIELD_URI:
    return sizeof(struct us_str);
  case US_FIELD_INT:
    return sizeof(int64_t);
  case US_FIELD_BOOL:
    return sizeof(bool);
  case US_FIELD_STRINGS:
    return sizeof(struct us_strs);
  case US_FIELD_ENUM:
    return sizeof(int);
  case US_FIELD_TABLE:
    return field->table ? field->table->size : 0;
  case US_FIELD_TABLES:
    return sizeof(struct us_field_list);
  case US_FIELD_JSON:
    return sizeof(json_t *);
  }
  return 0;
}

static const char *us_field_row_problem(const struct us_field_table *table, size_t i) {
  const struct us_field *field = &table->fields[i];
  if (!field->name || !*field->name)
    return "a row has no name";
  for (size_t j = 0; j < i; j++)
    if (strcmp(table->fields[j].name, field->name) == 0)
      return "two rows have one name";
  bool needs_max = field->kind != US_FIELD_BOOL && field->kind != US_FIELD_ENUM && field->kind != US_FIELD_TABLE &&
                   field->kind != US_FIELD_JSON;
  if (needs_max && (field->kind == US_FIELD_INT ? field->max == 0 || field->max < field->min : field->max <= 0))
    return "a row has no maximum";
  if (field->kind == US_FIELD_STRINGS && field->item_max <= 0)
    return "a list has no maximum for its members";
  if (field->kind == US_FIELD_ENUM && !field->names)
    return "an enum has no names";
  if ((field->kind == US_FIELD_TABLE || field->kind == US_FIELD_TABLES) && !field->table)
    return "a nested row has no table";
  size_t bytes = us_field_slot_bytes(field);
  if (bytes > table->size || field->offset > table->size - bytes || field->seen_offset >= table->size)
    return "a row lies outside of the struct";
  return NULL;
}

static const char *us_field_table_problem(const struct us_field_table *table, unsigned depth) {
  if (depth > US_JSON_MAX_DEPTH)
    return "tables are nested in a circle";
  if (table->size == 0 || (table->n > 0 && !table->fields))
    return "the table has no size or no rows";
  if (table->keep_unknown && (table->refuse_unknown || table->unknown_offset > table->size - sizeof(json_t *)))
    return "unknown members have no place";
  for (size_t i = 0; i < table->n; i++) {
    const char *problem = us_field_row_problem(table, i);
    if (!problem && table->fields[i].table)
      problem = us_field_table_problem(table->fields[i].table, depth + 1);
    if (problem)
      return problem;
  }
  return NULL;
}

bool us_field_table_check(const struct us_field_table *table, const char **ret_problem) {
  *ret_problem = us_field_table_problem(table, 1);
  return *ret_problem == NULL;
}
