/* The text of paging cookies: see cursor.h. Numbers are strings, because JSON's lose digits. */
#include "endpoint/crest/cursor.h"

#include <inttypes.h>

#include "json/json.h"
#include "json/write.h"

struct us_str us_cursor_write(struct us_cx *cx, const char *question, const struct us_list_mark *mark, size_t key_count,
                              size_t max_bytes) {
  struct us_buf text;
  struct us_json_writer w;
  us_buf_init(&text, max_bytes);
  us_json_writer_init(&w, &text);
  us_json_open(&w, '{');
  us_json_name(&w, "q");
  us_json_c(&w, question);
  us_json_name(&w, "k");
  us_json_strs(&w, (struct us_strs){(struct us_str *)mark->values, key_count});
  us_json_name(&w, "t");
  us_json_str(&w, us_str_fmt(cx->mem, "%" PRId64, mark->tie));
  us_json_close(&w, '}');
  struct us_str copy = us_buf_ok(&text) ? us_str_dup(cx->mem, us_buf_str(&text)) : US_STR_ABSENT;
  us_buf_done(&text);
  return copy;
}

static struct us_str text_of(const json_t *value) {
  if (!json_is_string(value))
    return US_STR_ABSENT;
  return (struct us_str){json_string_value(value), json_string_length(value)};
}

static bool read_values(const json_t *array, size_t count, struct us_list_mark *mark) {
  if (!json_is_array(array) || json_array_size(array) != count || count > US_LIST_KEYS_MAX)
    return false;
  for (size_t i = 0; i < count; i++) {
    mark->values[i] = text_of(json_array_get(array, i));
    if (mark->values[i].p == NULL)
      return false;
  }
  return true;
}

static bool read_tie(struct us_str text, int64_t *ret_tie) {
  bool is_negative = text.n > 1 && text.p[0] == '-';
  struct us_str digits = is_negative ? (struct us_str){text.p + 1, text.n - 1} : text;
  uint64_t value = 0;
  if (!us_str_to_u64(digits, INT64_MAX, &value))
    return false;
  *ret_tie = is_negative ? -(int64_t)value : (int64_t)value;
  return true;
}

enum us_code us_cursor_read(struct us_cx *cx, struct us_str text, const char *question, size_t key_count,
                            struct us_list_mark *ret_mark) {
  struct us_list_mark mark = {.tie = 0};
  json_t *object = NULL;
  enum us_code code = us_json_parse(cx, text, US_E_NOT_FOUND, &object);
  if (code == US_E_NOT_FOUND)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  US_TRY(code);
  if (!json_is_object(object) || !us_str_eq_c(text_of(json_object_get(object, "q")), question) ||
      !read_values(json_object_get(object, "k"), key_count, &mark) ||
      !read_tie(text_of(json_object_get(object, "t")), &mark.tie))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  *ret_mark = mark;
  return US_OK;
}
