/*
 * Strict JSON in, behind jansson. A scan of one pass runs before the parser and counts what the parser would allocate
 * (depth, members, the length of numbers), so that a hostile body is refused for the price of reading it once. Texts of
 * errors are ours, made from jansson's error code and position: its own texts quote the input (OA-24).
 */
#include "json/json.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "json/write.h"

/* Longer than any number that means something: a double needs 25 characters, a 64-bit integer 20. */
#define US_JSON_MAX_NUMBER_BYTES 128
/* A dump may be no larger than what a request may hold. */
#define US_JSON_MAX_DUMP_BYTES US_MEM_REQUEST_MAX_BYTES

struct us_json_scan {
  size_t at; /* where it stopped */
  unsigned depth;
  unsigned nodes;
  bool is_first; /* right behind an opening bracket: the next value or name is a node that no comma announces */
};

/* The end of a string that starts at `at` (its opening quote); the end of the text when it does not end. */
static size_t us_json_skip_string(struct us_str text, size_t at) {
  for (at++; at < text.n && text.p[at] != '"'; at++)
    if (text.p[at] == '\\')
      at++;
  return at < text.n ? at : text.n;
}

static bool us_json_is_number_char(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* What is too much about the text, or NULL. Says nothing about grammar: that is the parser's business. */
static const char *us_json_scan(struct us_str text, struct us_json_scan *scan) {
  for (; scan->at < text.n; scan->at++) {
    char c = text.p[scan->at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
      continue;
    if (c == '\0')
      return "NUL character";
    if (c == ']' || c == '}') {
      scan->depth -= scan->depth > 0;
      scan->is_first = false;
      continue;
    }
    if (scan->is_first || c == ',')
      scan->nodes++;
    scan->is_first = false;
    if (scan->nodes > US_JSON_MAX_NODES)
      return "too many members and elements";
    if (c == '[' || c == '{') {
      if (++scan->depth > US_JSON_MAX_DEPTH)
        return "nested too deeply";
      scan->is_first = true;
    } else if (c == '"')
      scan->at = us_json_skip_string(text, scan->at);
    else if (us_json_is_number_char(c)) {
      size_t end = scan->at;
      while (end < text.n && us_json_is_number_char(text.p[end]))
        end++;
      if (end - scan->at > US_JSON_MAX_NUMBER_BYTES)
        return "number too long";
      scan->at = end - 1;
    }
  }
  return NULL;
}

static enum us_code us_json_fail_at(struct us_cx *cx, enum us_code code, struct us_str text, size_t at,
                                    const char *what) {
  size_t line = 1, line_start = 0;
  if (at > text.n)
    at = text.n;
  for (size_t i = 0; i < at; i++) {
    if (text.p[i] != '\n')
      continue;
    line++;
    line_start = i + 1;
  }
  return us_fail(cx, code, "The provided content is not valid JSON: %s (line %zu, byte %zu)", what, line,
                 at - line_start + 1);
}

static const char *us_json_error_words(const json_error_t *error) {
  switch (json_error_code(error)) {
  case json_error_premature_end_of_input:
    return "it ends too early";
  case json_error_end_of_input_expected:
    return "there is trailing data";
  case json_error_invalid_utf8:
    return "invalid UTF-8";
  case json_error_null_character:
  case json_error_null_byte_in_key:
    return "NUL character";
  case json_error_duplicate_key:
    return "repeated member name";
  case json_error_numeric_overflow:
    return "number out of range";
  case json_error_stack_overflow:
    return "nested too deeply";
  default:
    return "invalid syntax";
  }
}

static void us_json_destroy(void *value) {
  json_decref(value);
}

json_t *us_json_own(struct us_cx *cx, json_t *value) {
  if (!value || us_mem_own(cx->mem, value, us_json_destroy) != 0)
    return NULL;
  return value;
}

enum us_code us_json_parse(struct us_cx *cx, struct us_str text, enum us_code code, json_t **ret_value) {
  if (text.n == 0)
    return us_fail(cx, code, "The provided content is not valid JSON: it is empty");
  if (us_str_starts(text, US_STR("\xEF\xBB\xBF")))
    return us_json_fail_at(cx, code, text, 0, "byte order mark");
  struct us_json_scan scan = {0};
  const char *problem = us_json_scan(text, &scan);
  if (problem)
    return us_json_fail_at(cx, code, text, scan.at, problem);

  json_error_t error;
  json_t *value = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
  if (!value && json_error_code(&error) == json_error_out_of_memory)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (!value)
    return us_json_fail_at(cx, code, text, error.position > 0 ? (size_t)error.position : 0,
                           us_json_error_words(&error));
  if (!us_json_own(cx, value))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_value = value;
  return US_OK;
}

void us_json_drop(struct us_cx *cx, json_t *value) {
  if (value)
    us_mem_release(cx->mem, value);
}

static int us_json_dump_piece(const char *bytes, size_t n, void *data) {
  struct us_buf *out = data;
  us_buf_add(out, bytes, n);
  return us_buf_ok(out) ? 0 : -1;
}

struct us_str us_json_dump(struct us_cx *cx, const json_t *value) {
  struct us_buf out;
  us_buf_init(&out, US_JSON_MAX_DUMP_BYTES);
  struct us_str text = US_STR_ABSENT;
  if (json_dump_callback(value, us_json_dump_piece, &out, JSON_COMPACT | JSON_ENCODE_ANY) == 0 && us_buf_ok(&out))
    text = us_str_dup(cx->mem, us_buf_str(&out));
  us_buf_done(&out);
  return text;
}

static enum us_code us_json_stored_text_is_bad(struct us_cx *cx) {
  us_fail_plain(cx, US_E_INTERNAL);
  return us_error_detail(cx, "a stored list is not a JSON array of strings");
}

/* The list in the plain form in which we write it ourselves, ["a","b"] without escapes and blanks: taken apart where it
 * lies, each closing quote becoming a NUL. False when the text has another form. */
static bool us_json_split_plain_array(struct us_str copy, struct us_strs *list) {
  char *at = (char *)(uintptr_t)copy.p;
  const char *end = copy.p + copy.n;
  if (copy.n < 2 || *at++ != '[' || end[-1] != ']')
    return false;
  if (copy.n == 2)
    return true;
  do {
    if (*at++ != '"')
      return false;
    char *close = memchr(at, '"', (size_t)(end - at));
    if (!close)
      return false;
    list->v[list->n++] = (struct us_str){at, (size_t)(close - at)};
    *close = '\0';
    at = close + 1;
  } while (*at++ == ',');
  return at == end;
}

static enum us_code us_json_array_to_strs(struct us_cx *cx, struct us_str text, struct us_strs *ret_set) {
  json_t *value;
  if (us_json_parse(cx, text, US_E_INTERNAL, &value) != US_OK)
    return cx->err.code == US_E_NO_MEMORY ? US_E_NO_MEMORY : us_json_stored_text_is_bad(cx);
  if (!json_is_array(value))
    return us_json_stored_text_is_bad(cx);
  struct us_strs set = {us_mem_array(cx->mem, json_array_size(value), sizeof(struct us_str)), 0};
  if (!set.v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  size_t i;
  json_t *item;
  json_array_foreach(value, i, item) {
    if (!json_is_string(item))
      return us_json_stored_text_is_bad(cx);
    struct us_str s = us_str_dup(cx->mem, (struct us_str){json_string_value(item), json_string_length(item)});
    if (!s.p)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    set.v[set.n++] = s;
  }
  us_json_drop(cx, value);
  *ret_set = set;
  return US_OK;
}

enum us_code us_json_to_strs(struct us_cx *cx, struct us_str text, struct us_strs *ret_set) {
  if (text.n > 0 && !memchr(text.p, '\\', text.n) && !us_str_has_nul(text)) {
    size_t commas = 0;
    for (size_t i = 0; i < text.n; i++)
      commas += text.p[i] == ',';
    struct us_str copy = us_str_dup(cx->mem, text);
    struct us_strs set = {us_mem_array(cx->mem, commas + 1, sizeof(struct us_str)), 0};
    if (!copy.p || !set.v)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    if (us_json_split_plain_array(copy, &set)) {
      *ret_set = set;
      return US_OK;
    }
  }
  return us_json_array_to_strs(cx, text, ret_set);
}

struct us_str us_json_from_strs(void *mem, struct us_strs set) {
  struct us_buf out;
  us_buf_init(&out, US_JSON_MAX_DUMP_BYTES);
  struct us_json_writer w;
  us_json_writer_init(&w, &out);
  us_json_strs(&w, set);
  struct us_str text = us_buf_ok(&out) ? us_str_dup(mem, us_buf_str(&out)) : US_STR_ABSENT;
  us_buf_done(&out);
  return text;
}

json_t *us_json_array_of(struct us_strs set) {
  json_t *array = json_array();
  for (size_t i = 0; array != NULL && i < set.n; i++) {
    if (json_array_append_new(array, json_stringn(set.v[i].p, set.v[i].n)) == 0)
      continue;
    json_decref(array);
    array = NULL;
  }
  return array;
}
