/*
 * The words of every refusal of a field table, in the two manners of json/field.h: plain ("name[1]: must be a string")
 * and the lineage's ("<what> Attribute, 'name', must be a String."). Nothing of the input gets into them but through
 * us_field_quote(), which the plain manner needs for names it does not know.
 */
#include <stdio.h>
#include <string.h>

#include "json/field_in.h"

#define US_FIELD_PATH_BYTES 256

struct us_field_kind_words {
  const char *plain;
  const char *lineage;
};

static const struct us_field_kind_words us_field_words[] = {
    [US_FIELD_STRING] = {"must be a string", "must be a String"},
    [US_FIELD_URI] = {"must be a valid URI", "must be a valid URI"},
    [US_FIELD_INT] = {"must be an integer", "must be an Integer"},
    [US_FIELD_BOOL] = {"must be true or false", "must be a Boolean"},
    [US_FIELD_STRINGS] = {"must be an array of strings", "must be an array of Strings"},
    [US_FIELD_ENUM] = {"must be a string", "must be a String"},
    [US_FIELD_TABLE] = {"must be an object", "must be an Object"},
    [US_FIELD_TABLES] = {"must be an array", "must be an array"},
    [US_FIELD_JSON] = {"must be valid JSON", "must be valid JSON"},
};

const char *us_field_quote(struct us_str s, char ret_text[US_FIELD_QUOTE_BYTES]) {
  size_t n = s.n < US_FIELD_QUOTE_BYTES ? s.n : US_FIELD_QUOTE_BYTES - 1;
  for (size_t i = 0; i < n; i++) {
    char c = s.p[i];
    ret_text[i] = c >= ' ' && c <= '~' && c != '"' && c != '\'' && c != '\\' ? c : '?';
  }
  ret_text[n] = '\0';
  return ret_text;
}

/* Adds "name" or ".name" or "[3]" for the node and all above it; returns the length so far. */
static size_t us_field_path(const struct us_field_at *at, char *text, size_t n) {
  if (!at)
    return n;
  n = us_field_path(at->up, text, n);
  int more;
  if (at->name)
    more = snprintf(text + n, US_FIELD_PATH_BYTES - n, "%s%s", n > 0 ? "." : "", at->name);
  else
    more = snprintf(text + n, US_FIELD_PATH_BYTES - n, "[%zu]", at->index);
  n += more > 0 ? (size_t)more : 0;
  return n < US_FIELD_PATH_BYTES ? n : US_FIELD_PATH_BYTES - 1;
}

static enum us_code us_field_code(const struct us_field_table *table, const struct us_field *field) {
  if (field && field->code != US_OK)
    return field->code;
  return table->code != US_OK ? table->code : US_E_INVALID_REQUEST;
}

const struct us_yaml_line *us_yaml_line_find(const struct us_yaml_lines *lines, const struct us_field_at *at) {
  for (size_t i = 0; at && i < lines->n; i++) {
    const struct us_yaml_line *line = &lines->v[i];
    if (line->container != at->container)
      continue;
    if (at->name ? line->key && strcmp(line->key, at->name) == 0 : !line->key && line->index == at->index)
      return line;
  }
  return NULL;
}

void us_field_say_where(const struct us_field_in *in, const struct us_field_at *at) {
  if (!in->lines || !in->cx->err.text.p)
    return;
  /* A missing member has no line of its own: what it is missing from has. */
  const struct us_yaml_line *line = NULL;
  for (; at && !line; at = at->up)
    line = us_yaml_line_find(in->lines, at);
  struct us_str text = us_str_fmt(in->cx->mem, "%s:%zu: %.*s", in->lines->file_name,
                                  line ? line->line : in->lines->first_line, US_STR_ARG(in->cx->err.text));
  if (text.p)
    in->cx->err.text = text;
}

static enum us_code us_field_say(const struct us_field_row *row, const char *words) {
  enum us_code code = us_field_code(row->table, row->field);
  if (row->table->what) {
    const char *attribute = row->field->flags & US_FIELD_REQUIRED        ? "Required attribute"
                            : row->field->flags & US_FIELD_OPTIONAL_WORD ? "Optional attribute"
                                                                         : "Attribute";
    us_fail(row->in->cx, code, "%s %s, '%s', %s.", row->table->what, attribute, row->field->name, words);
  } else {
    char path[US_FIELD_PATH_BYTES];
    us_field_path(row->at, path, 0);
    us_fail(row->in->cx, code, "%s: %s", path, words);
  }
  us_field_say_where(row->in, row->at);
  return code;
}

enum us_code us_field_refuse(const struct us_field_row *row, const char *words) {
  return us_field_say(row, words);
}

enum us_code us_field_refuse_kind(const struct us_field_row *row) {
  const struct us_field_kind_words *words = &us_field_words[row->field->kind];
  if (row->table->what)
    return us_field_say(row, words->lineage);
  /* An element of a list of strings is itself a string. */
  bool is_element = row->at && !row->at->name;
  return us_field_say(row, is_element ? us_field_words[US_FIELD_STRING].plain : words->plain);
}

enum us_code us_field_refuse_missing(const struct us_field_row *row) {
  enum us_code code = us_field_code(row->table, row->field);
  if (row->table->what)
    us_fail(row->in->cx, code, "%s Missing required attribute, '%s'.", row->table->what, row->field->name);
  else {
    char path[US_FIELD_PATH_BYTES];
    us_field_path(row->at, path, 0);
    us_fail(row->in->cx, code, "%s: is required", path);
  }
  us_field_say_where(row->in, row->at);
  return code;
}

enum us_code us_field_refuse_unknown(const struct us_field_row *row, struct us_str name) {
  char quoted[US_FIELD_QUOTE_BYTES];
  us_field_quote(name, quoted);
  struct us_field_at shown = *row->at;
  shown.name = quoted;
  enum us_code code = us_field_code(row->table, NULL);
  char path[US_FIELD_PATH_BYTES];
  us_field_path(&shown, path, 0);
  us_fail(row->in->cx, code, "%s: is not a known name", path);
  us_field_say_where(row->in, row->at);
  return code;
}

enum us_code us_field_refuse_shape(const struct us_field_in *in, const struct us_field_table *table,
                                   const struct us_field_at *at) {
  enum us_code code = us_field_code(table, NULL);
  char path[US_FIELD_PATH_BYTES];
  if (table->what)
    us_fail(in->cx, code, "%s", table->what);
  else if (us_field_path(at, path, 0) > 0)
    us_fail(in->cx, code, "%s: must be an object", path);
  else
    us_fail(in->cx, code, "The provided content is not a JSON object");
  us_field_say_where(in, at);
  return code;
}
