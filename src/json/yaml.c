/*
 * The configuration file: YAML by libyaml, turned into JSON values and a list of lines, then decoded by the same tables as
 * a body. Only the plain part of YAML is taken: one document, mappings with scalar keys, no anchors, aliases or tags.
 * Scalars without quotes follow the JSON schema of YAML 1.2 (null, true, false, whole and decimal numbers); where a
 * string is wanted the text as written is used, so that a password of digits needs no quotes.
 */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "json/field_in.h"
#include "json/json.h"

struct us_yaml {
  struct us_cx *cx;
  yaml_parser_t parser;
  struct us_yaml_lines lines;
  enum us_code code; /* of the table: what a refusal is recorded with */
  size_t nodes;
  unsigned depth;
};

static enum us_code us_yaml_fail(struct us_yaml *y, size_t line, const char *what) {
  return us_fail(y->cx, y->code, "%s:%zu: %s", y->lines.file_name, line, what);
}

static enum us_code us_yaml_no_memory(struct us_yaml *y) {
  return us_fail_plain(y->cx, US_E_NO_MEMORY);
}

static size_t us_yaml_event_line(const yaml_event_t *event) {
  return event->start_mark.line + 1;
}

/* The caller deletes the event. Its anchor or tag, if any, has been refused. */
static enum us_code us_yaml_next(struct us_yaml *y, yaml_event_t *event) {
  if (!yaml_parser_parse(&y->parser, event)) {
    if (y->parser.error == YAML_MEMORY_ERROR)
      return us_yaml_no_memory(y);
    return us_yaml_fail(y, y->parser.problem_mark.line + 1,
                        y->parser.problem ? y->parser.problem : "is not valid YAML");
  }
  const yaml_char_t *anchor = NULL, *tag = NULL;
  if (event->type == YAML_SCALAR_EVENT) {
    anchor = event->data.scalar.anchor;
    tag = event->data.scalar.tag;
  } else if (event->type == YAML_SEQUENCE_START_EVENT) {
    anchor = event->data.sequence_start.anchor;
    tag = event->data.sequence_start.tag;
  } else if (event->type == YAML_MAPPING_START_EVENT) {
    anchor = event->data.mapping_start.anchor;
    tag = event->data.mapping_start.tag;
  }
  if (!anchor && !tag && event->type != YAML_ALIAS_EVENT)
    return US_OK;
  size_t line = us_yaml_event_line(event);
  yaml_event_delete(event);
  return us_yaml_fail(y, line, "anchors, aliases and tags are not allowed");
}

static enum us_code us_yaml_note_line(struct us_yaml *y, const struct us_yaml_line *line) {
  if (y->lines.n == y->lines.room) {
    size_t room = y->lines.room ? 2 * y->lines.room : 64;
    void *grown = us_mem_grow(y->cx->mem, y->lines.v, y->lines.room * sizeof *line, room * sizeof *line);
    if (!grown)
      return us_yaml_no_memory(y);
    y->lines.v = grown;
    y->lines.room = room;
  }
  y->lines.v[y->lines.n++] = *line;
  return US_OK;
}

static bool us_yaml_is_one_of(struct us_str s, const char *a, const char *b, const char *c) {
  return us_str_eq_c(s, a) || us_str_eq_c(s, b) || us_str_eq_c(s, c);
}

/* A number of the JSON grammar becomes a number; what JSON has no form for (01, 0x1F, .5) stays text. */
static json_t *us_yaml_number(struct us_str s) {
  if (s.n == 0 || !(s.p[0] == '-' || (s.p[0] >= '0' && s.p[0] <= '9')))
    return NULL;
  json_t *value = json_loadb(s.p, s.n, JSON_DECODE_ANY, NULL);
  if (value && !json_is_number(value)) {
    json_decref(value);
    return NULL;
  }
  return value;
}

/* *ret_text is the scalar as written, when it did not become a string. */
static enum us_code us_yaml_scalar(struct us_yaml *y, const yaml_event_t *event, json_t **ret_value,
                                   struct us_str *ret_text) {
  struct us_str s = {(const char *)event->data.scalar.value, event->data.scalar.length};
  if (us_str_has_nul(s) || !us_str_is_utf8(s))
    return us_yaml_fail(y, us_yaml_event_line(event), "NUL character or invalid UTF-8");
  json_t *value = NULL;
  if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
    if (s.n == 0 || us_str_eq_c(s, "~") || us_yaml_is_one_of(s, "null", "Null", "NULL"))
      value = json_null();
    else if (us_yaml_is_one_of(s, "true", "True", "TRUE"))
      value = json_true();
    else if (us_yaml_is_one_of(s, "false", "False", "FALSE"))
      value = json_false();
    else
      value = us_yaml_number(s);
  }
  bool is_text = value == NULL;
  if (is_text)
    value = json_stringn(s.p, s.n);
  if (!value)
    return us_yaml_no_memory(y);
  if (!is_text && !json_is_null(value)) {
    *ret_text = us_str_dup(y->cx->mem, s);
    if (!ret_text->p) {
      json_decref(value);
      return us_yaml_no_memory(y);
    }
  }
  *ret_value = value;
  return US_OK;
}

static enum us_code us_yaml_node(struct us_yaml *y, const yaml_event_t *event, json_t **ret_value,
                                 struct us_str *ret_text);

/* The value behind a key (or the next element) and its line, into the container. */
static enum us_code us_yaml_member(struct us_yaml *y, json_t *container, const char *key, const yaml_event_t *event) {
  struct us_yaml_line line = {
      .container = container, .index = json_array_size(container), .line = us_yaml_event_line(event)};
  json_t *value;
  US_TRY(us_yaml_node(y, event, &value, &line.text));
  int failed = key ? json_object_set_new(container, key, value) : json_array_append_new(container, value);
  if (failed)
    return us_yaml_no_memory(y);
  if (key && !(line.key = us_str_cdup(y->cx->mem, us_str_c(key))))
    return us_yaml_no_memory(y);
  return us_yaml_note_line(y, &line);
}

static enum us_code us_yaml_pair(struct us_yaml *y, json_t *object, const yaml_event_t *key_event) {
  if (key_event->type != YAML_SCALAR_EVENT)
    return us_yaml_fail(y, us_yaml_event_line(key_event), "a key must be a plain word");
  struct us_str key = {(const char *)key_event->data.scalar.value, key_event->data.scalar.length};
  char quoted[US_FIELD_QUOTE_BYTES];
  if (us_str_has_nul(key) || !us_str_is_utf8(key))
    return us_yaml_fail(y, us_yaml_event_line(key_event), "NUL character or invalid UTF-8");
  if (json_object_get(object, key.p))
    return us_fail(y->cx, y->code, "%s:%zu: %s: is there twice", y->lines.file_name, us_yaml_event_line(key_event),
                   us_field_quote(key, quoted));
  yaml_event_t event;
  US_TRY(us_yaml_next(y, &event));
  enum us_code code = us_yaml_member(y, object, key.p, &event);
  yaml_event_delete(&event);
  return code;
}

/* Everything up to the end event of a mapping or sequence. */
static enum us_code us_yaml_fill(struct us_yaml *y, json_t *container) {
  for (;;) {
    yaml_event_t event;
    US_TRY(us_yaml_next(y, &event));
    bool is_end = event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT;
    enum us_code code = US_OK;
    if (!is_end && ++y->nodes > US_JSON_MAX_NODES)
      code = us_yaml_fail(y, us_yaml_event_line(&event), "too many members and elements");
    else if (!is_end)
      code =
          json_is_object(container) ? us_yaml_pair(y, container, &event) : us_yaml_member(y, container, NULL, &event);
    yaml_event_delete(&event);
    if (is_end || code != US_OK)
      return code;
  }
}

static enum us_code us_yaml_node(struct us_yaml *y, const yaml_event_t *event, json_t **ret_value,
                                 struct us_str *ret_text) {
  if (event->type == YAML_SCALAR_EVENT)
    return us_yaml_scalar(y, event, ret_value, ret_text);
  if (y->depth == US_JSON_MAX_DEPTH)
    return us_yaml_fail(y, us_yaml_event_line(event), "nested too deeply");
  json_t *container = event->type == YAML_MAPPING_START_EVENT ? json_object() : json_array();
  if (!container)
    return us_yaml_no_memory(y);
  y->depth++;
  enum us_code code = us_yaml_fill(y, container);
  y->depth--;
  if (code != US_OK) {
    json_decref(container);
    return code;
  }
  *ret_value = container;
  return US_OK;
}

/* Stream start, document start, one node, document end, stream end. An empty file is an empty mapping. */
static enum us_code us_yaml_document(struct us_yaml *y, json_t **ret_value) {
  json_t *value = NULL;
  for (;;) {
    yaml_event_t event;
    US_TRY(us_yaml_next(y, &event));
    yaml_event_type_t type = event.type;
    enum us_code code = US_OK;
    struct us_str text = US_STR_ABSENT;
    if (type == YAML_DOCUMENT_START_EVENT && value)
      code = us_yaml_fail(y, us_yaml_event_line(&event), "only one document is allowed");
    else if (type == YAML_SCALAR_EVENT || type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT) {
      y->lines.first_line = us_yaml_event_line(&event);
      code = us_yaml_node(y, &event, &value, &text);
      if (code == US_OK && !us_json_own(y->cx, value))
        code = us_yaml_no_memory(y);
    }
    yaml_event_delete(&event);
    US_TRY(code);
    if (type == YAML_STREAM_END_EVENT)
      break;
  }
  if (!value || json_is_null(value))
    value = us_json_own(y->cx, json_object());
  if (!value)
    return us_yaml_no_memory(y);
  *ret_value = value;
  return US_OK;
}

enum us_code us_field_from_yaml(struct us_cx *cx, const struct us_field_table *table, const char *file_name,
                                struct us_str text, void *object) {
  struct us_yaml y = {.cx = cx,
                      .lines = {.file_name = file_name, .first_line = 1},
                      .code = table->code != US_OK ? table->code : US_E_INVALID_REQUEST};
  if (text.n > US_YAML_MAX_BYTES)
    return us_fail(cx, y.code, "%s:1: must be at most %d bytes long", file_name, US_YAML_MAX_BYTES);
  if (!yaml_parser_initialize(&y.parser))
    return us_yaml_no_memory(&y);
  yaml_parser_set_encoding(&y.parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&y.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
  json_t *value = NULL;
  enum us_code code = us_yaml_document(&y, &value);
  yaml_parser_delete(&y.parser);
  US_TRY(code);
  struct us_field_in in = {.cx = cx, .lines = &y.lines};
  code = us_field_decode(&in, table, NULL, value, object);
  us_json_drop(cx, value);
  return code;
}
