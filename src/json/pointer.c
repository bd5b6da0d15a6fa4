/* JSON pointers: see pointer.h. */
#include "json/pointer.h"

#include <string.h>

struct segment {
  char text[US_JSON_POINTER_MAX_BYTES];
  size_t n;
};

/* The segment at the start of *rest (behind its slash), unescaped; *rest goes on behind it. */
static bool take(struct us_str *rest, struct segment *ret_segment) {
  size_t i = 1, n = 0;
  if (rest->n == 0 || rest->p[0] != '/' || rest->n > US_JSON_POINTER_MAX_BYTES)
    return false;
  for (; i < rest->n && rest->p[i] != '/'; i++) {
    char c = rest->p[i];
    if (c == '~') {
      if (i + 1 == rest->n || (rest->p[i + 1] != '0' && rest->p[i + 1] != '1'))
        return false;
      c = rest->p[++i] == '0' ? '~' : '/';
    }
    ret_segment->text[n++] = c;
  }
  ret_segment->n = n;
  *rest = (struct us_str){rest->p + i, rest->n - i};
  return true;
}

/* *ret_index may be one past the last element. */
static bool index_of(const json_t *array, const struct segment *segment, size_t *ret_index) {
  uint64_t index;
  struct us_str text = {segment->text, segment->n};
  if (us_str_eq(text, US_STR("-"))) {
    *ret_index = json_array_size(array);
    return true;
  }
  if ((text.n > 1 && text.p[0] == '0') || !us_str_to_u64(text, json_array_size(array), &index))
    return false;
  *ret_index = (size_t)index;
  return true;
}

static json_t *member(json_t *value, const struct segment *segment) {
  size_t index;
  if (json_is_object(value))
    return json_object_getn(value, segment->text, segment->n);
  if (json_is_array(value) && index_of(value, segment, &index))
    return json_array_get(value, index);
  return NULL;
}

json_t *us_json_pointer_get(json_t *document, struct us_str pointer) {
  struct segment segment;
  while (document && pointer.n > 0) {
    if (!take(&pointer, &segment))
      return NULL;
    document = member(document, &segment);
  }
  return document;
}

static bool put(json_t *parent, const struct segment *segment, json_t *value) {
  size_t index;
  if (json_is_object(parent))
    return value ? json_object_setn_new(parent, segment->text, segment->n, value) == 0
                 : json_object_deln(parent, segment->text, segment->n) == 0;
  if (json_is_array(parent) && index_of(parent, segment, &index)) {
    if (!value)
      return json_array_remove(parent, index) == 0;
    return (index == json_array_size(parent) ? json_array_append_new(parent, value)
                                             : json_array_set_new(parent, index, value)) == 0;
  }
  json_decref(value);
  return false;
}

bool us_json_pointer_set(json_t *document, struct us_str pointer, json_t *value) {
  struct segment segment;
  while (document && take(&pointer, &segment)) {
    if (pointer.n == 0)
      return put(document, &segment, value);
    document = member(document, &segment);
  }
  json_decref(value);
  return false;
}
