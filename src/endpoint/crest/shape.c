/* _fields and _prettyPrint: see shape.h. */
#include "endpoint/crest/shape.h"

#include <jansson.h>
#include <string.h>

#define SEGMENT_MAX 512 /* of a pointer with escapes; the longest names of ours are scopes */

enum us_code us_shape_read(struct us_call *call, struct us_shape *ret_shape) {
  struct us_cx *cx = &call->cx;
  struct us_str fields = us_params_get_nocase(&call->query, "_fields");
  *ret_shape = (struct us_shape){
      .keeps_id = call->crest_protocol >= 20,
  };
  if (fields.n == 0)
    return US_OK;
  if (!us_str_split(cx->mem, fields, ',', US_SHAPE_FIELDS_MAX, &ret_shape->fields))
    return us_fail(cx, US_E_INVALID_REQUEST, "The parameter '_fields' has more than %d fields", US_SHAPE_FIELDS_MAX);
  return US_OK;
}

struct us_json_writer *us_shape_begin(struct us_shaping *shaping, const struct us_shape *shape,
                                      struct us_json_writer *out) {
  shaping->shape = shape;
  shaping->out = out;
  if (shape->fields.n == 0)
    return out;
  us_buf_init(&shaping->text, US_SHAPE_OBJECT_MAX_BYTES);
  us_json_writer_init(&shaping->inner, &shaping->text);
  return &shaping->inner;
}

/* A segment as a name: RFC 6901 writes '~' and '/' in it as "~0" and "~1". Names with neither are the segment itself. False: it is
 * no pointer, or names nothing that we have. */
static bool name_of(struct us_str segment, char room[SEGMENT_MAX], struct us_str *ret_name) {
  size_t n = 0;
  *ret_name = segment;
  if (segment.n == 0 || memchr(segment.p, '~', segment.n) == NULL)
    return true;
  for (size_t i = 0; i < segment.n; i++, n++) {
    if (n == SEGMENT_MAX)
      return false;
    room[n] = segment.p[i];
    if (room[n] != '~')
      continue;
    if (++i == segment.n || (segment.p[i] != '0' && segment.p[i] != '1'))
      return false;
    room[n] = segment.p[i] == '0' ? '~' : '/';
  }
  *ret_name = (struct us_str){room, n};
  return true;
}

static const json_t *step_into(const json_t *value, struct us_str segment) {
  uint64_t index = 0;
  if (json_is_array(value))
    return us_str_to_u64(segment, SIZE_MAX / 2, &index) ? json_array_get(value, (size_t)index) : NULL;
  return json_object_getn(value, segment.p, segment.n);
}

/* Follows a pointer; *ret_name is its last segment. NULL when it leads nowhere. */
static const json_t *follow(const json_t *value, struct us_str pointer, char room[SEGMENT_MAX],
                            struct us_str *ret_name) {
  size_t at = pointer.n > 0 && pointer.p[0] == '/' ? 1 : 0;
  while (value != NULL && at <= pointer.n) {
    const char *slash = memchr(pointer.p + at, '/', pointer.n - at);
    size_t n = slash ? (size_t)(slash - pointer.p) - at : pointer.n - at;
    bool is_name = name_of((struct us_str){pointer.p + at, n}, room, ret_name);
    value = is_name ? step_into(value, *ret_name) : NULL;
    at += n + 1;
  }
  return value;
}

/* Adds one value, unless its name is there already. */
static int pick(json_t *into, const json_t *from, struct us_str pointer) {
  char room[SEGMENT_MAX];
  struct us_str name = US_STR("");
  const json_t *value = follow(from, pointer, room, &name);
  if (value == NULL || json_object_getn(into, name.p, name.n) != NULL)
    return 0;
  return json_object_setn_new(into, name.p, name.n, json_deep_copy(value));
}

static int pick_all(const struct us_shape *shape, json_t *into, const json_t *from) {
  if (shape->keeps_id && (pick(into, from, US_STR("_id")) != 0 || pick(into, from, US_STR("_rev")) != 0))
    return -1;
  for (size_t i = 0; i < shape->fields.n; i++) {
    if (pick(into, from, shape->fields.v[i]) != 0)
      return -1;
  }
  return 0;
}

static int add_bytes(const char *bytes, size_t n, void *self) {
  us_buf_add(self, bytes, n);
  return us_buf_ok(self) ? 0 : -1;
}

enum us_code us_shape_end(struct us_cx *cx, struct us_shaping *shaping) {
  struct us_buf picked;
  if (shaping->shape->fields.n == 0)
    return US_OK;
  us_buf_init(&picked, US_SHAPE_OBJECT_MAX_BYTES);
  struct us_str text = us_buf_str(&shaping->text);
  json_t *whole = us_buf_ok(&shaping->text) ? json_loadb(text.p, text.n, 0, NULL) : NULL;
  json_t *chosen = json_object();
  bool is_done = whole != NULL && chosen != NULL && pick_all(shaping->shape, chosen, whole) == 0 &&
                 json_dump_callback(chosen, add_bytes, &picked, JSON_COMPACT) == 0;
  if (is_done)
    us_json_raw(shaping->out, us_buf_str(&picked));
  json_decref(chosen);
  json_decref(whole);
  us_buf_done(&picked);
  us_buf_done(&shaping->text);
  return is_done ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

static void new_line(struct us_buf *out, unsigned depth) {
  us_buf_add_char(out, '\n');
  for (unsigned i = 0; i < depth; i++)
    us_buf_add_c(out, "  ");
}

/* Our own compact JSON, so brackets match and strings are closed. */
static void indent(struct us_str json, struct us_buf *out) {
  unsigned depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.n; i++) {
    char c = json.p[i];
    bool opens = !in_string && (c == '{' || c == '['), closes = !in_string && (c == '}' || c == ']');
    if (c == '"')
      in_string = !in_string;
    if (closes && json.p[i - 1] != '{' && json.p[i - 1] != '[')
      new_line(out, depth - 1);
    us_buf_add_char(out, c);
    if (in_string && c == '\\' && i + 1 < json.n)
      us_buf_add_char(out, json.p[++i]);
    depth = opens ? depth + 1 : closes ? depth - 1 : depth;
    if ((opens && json.p[i + 1] != '}' && json.p[i + 1] != ']') || (!in_string && c == ','))
      new_line(out, depth);
    if (!in_string && c == ':')
      us_buf_add_char(out, ' ');
  }
}

static bool wants_pretty(const struct us_call *call) {
  return us_str_eq_nocase(us_params_get_nocase(&call->query, "_prettyPrint"), US_STR("true"));
}

void us_shape_pretty(struct us_call *call) {
  struct us_buf out;
  struct us_buf *body = &call->response->body;
  bool is_json = us_buf_ok(body) && body->n > 1 && (body->p[0] == '{' || body->p[0] == '[');
  if (!wants_pretty(call) || !is_json)
    return;
  us_buf_init(&out, US_HTTP_RESPONSE_BODY_MAX);
  indent(us_buf_str(body), &out);
  if (us_buf_ok(&out)) { /* otherwise it stays as it is: correct, only not pretty */
    us_buf_reset(body);
    us_buf_add_str(body, us_buf_str(&out));
  }
  us_buf_done(&out);
}
