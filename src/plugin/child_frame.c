/* Frames, and asks as JSON: see child.h. */
#include "plugin/child.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "plugin/host.h"
#include "json/json.h"

/* ---- Frames ---- */

static bool wait_for(int fd, short events, int64_t until_us) {
  for (;;) {
    int64_t left_us = until_us == INT64_MAX ? INT64_MAX : until_us - us_monotonic_us();
    if (left_us <= 0)
      return false;
    struct pollfd p = {.fd = fd, .events = events};
    int n = poll(&p, 1, left_us / 1000 > 60000 ? 60000 : (int)(left_us / 1000) + 1);
    if (n > 0)
      return true;
    if (n < 0 && errno != EINTR)
      return false;
  }
}

static bool send_all(int fd, const char *bytes, size_t n, int64_t until_us) {
  while (n > 0) {
    ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
      return false;
    if (sent < 0 && !wait_for(fd, POLLOUT, until_us))
      return false;
    if (sent > 0) {
      bytes += sent;
      n -= (size_t)sent;
    }
  }
  return true;
}

static bool receive_all(int fd, char *bytes, size_t n, int64_t until_us) {
  while (n > 0) {
    ssize_t got = recv(fd, bytes, n, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
      return false;
    if (got < 0 && !wait_for(fd, POLLIN, until_us))
      return false;
    if (got > 0) {
      bytes += got;
      n -= (size_t)got;
    }
  }
  return true;
}

bool us_frame_send(int fd, struct us_str text, int64_t until_us) {
  if (text.n == 0 || text.n > US_CHILD_FRAME_MAX_BYTES)
    return false;
  const uint8_t head[4] = {(uint8_t)text.n, (uint8_t)(text.n >> 8), (uint8_t)(text.n >> 16), (uint8_t)(text.n >> 24)};
  return send_all(fd, (const char *)head, sizeof(head), until_us) && send_all(fd, text.p, text.n, until_us);
}

bool us_frame_receive(int fd, int64_t until_us, struct us_str *ret_text) {
  uint8_t head[4];
  if (!receive_all(fd, (char *)head, sizeof(head), until_us))
    return false;
  size_t n = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
  if (n == 0 || n > US_CHILD_FRAME_MAX_BYTES)
    return false;
  char *text = malloc(n + 1);
  if (!text || !receive_all(fd, text, n, until_us)) {
    free(text);
    return false;
  }
  text[n] = '\0';
  *ret_text = (struct us_str){text, n};
  return true;
}

/* ---- Asks ---- */

static json_t *text_json(struct us_str text) {
  return text.p ? json_stringn(text.p, text.n) : json_null();
}

/* Members are set one by one: whatever is missing fails the whole. */
static bool put(json_t *object, const char *name, json_t *value) {
  return json_object_set_new(object, name, value) == 0;
}

static json_t *docs_json(struct us_ask *ask, void *mem) {
  json_t *docs = json_array();
  for (size_t i = 0; docs && i < ask->doc_count; i++) {
    json_t *doc = json_object();
    bool is_whole = doc && put(doc, "kind", json_integer(ask->docs[i].magic)) &&
                    put(doc, "writable", json_boolean(ask->docs[i].is_writable)) &&
                    put(doc, "value", json_incref(us_doc_tree(&ask->docs[i], mem)));
    if (!is_whole || json_array_append(docs, doc) != 0) {
      json_decref(docs);
      docs = NULL;
    }
    json_decref(doc);
  }
  return docs;
}

json_t *us_ask_to_json(struct us_ask *ask, void *mem) {
  json_t *tree = json_object();
  bool is_whole = tree && put(tree, "do", json_string("ask")) && put(tree, "hook", json_integer(ask->hook)) &&
                  put(tree, "docs", docs_json(ask, mem)) && put(tree, "requested", us_json_array_of(ask->requested)) &&
                  put(tree, "granted", us_json_array_of(ask->granted)) && put(tree, "word", text_json(ask->word)) &&
                  put(tree, "filter", text_json(ask->filter));
  if (is_whole)
    return tree;
  json_decref(tree);
  return NULL;
}

static struct us_str text_of(const json_t *value, void *mem) {
  struct us_str text = {json_string_value(value), json_string_length(value)};
  return us_str_dup(mem, text);
}

static bool texts_of(const json_t *list, void *mem, struct us_strs *ret_set) {
  struct us_strs set = {US_NEW_ARRAY(mem, struct us_str, json_array_size(list) + 1), json_array_size(list)};
  for (size_t i = 0; set.v && i < set.n; i++) {
    set.v[i] = text_of(json_array_get(list, i), mem);
    if (!set.v[i].p)
      return false;
  }
  *ret_set = set;
  return set.v != NULL;
}

static bool doc_of(const json_t *tree, void *mem, struct us_doc *ret_doc) {
  json_t *value = json_object_get(tree, "value");
  us_doc_init(ret_doc, (enum us_doc_kind)json_integer_value(json_object_get(tree, "kind")),
              json_is_true(json_object_get(tree, "writable")));
  struct us_cx cx = {.mem = mem};
  ret_doc->text = json_is_object(value) ? us_json_dump(&cx, value) : US_STR_ABSENT;
  return ret_doc->text.p != NULL;
}

bool us_ask_from_json(const json_t *tree, void *mem, struct us_ask *ret_ask) {
  json_int_t hook = json_integer_value(json_object_get(tree, "hook"));
  const json_t *docs = json_object_get(tree, "docs");
  *ret_ask = (struct us_ask){.hook = (enum us_hook)hook,
                             .word = text_of(json_object_get(tree, "word"), mem),
                             .filter = text_of(json_object_get(tree, "filter"), mem)};
  if (hook < 0 || hook >= US_HOOK_COUNT || json_array_size(docs) > US_ASK_DOCS_MAX)
    return false;
  for (size_t i = 0; i < json_array_size(docs); i++, ret_ask->doc_count++)
    if (!doc_of(json_array_get(docs, i), mem, &ret_ask->docs[i]))
      return false;
  return texts_of(json_object_get(tree, "requested"), mem, &ret_ask->requested) &&
         texts_of(json_object_get(tree, "granted"), mem, &ret_ask->granted);
}

static json_t *error_json(const struct usher_error *e) {
  json_t *error = json_object();
  bool is_whole = error && put(error, "status", json_integer(e->status)) && put(error, "error", text_json(e->error)) &&
                  put(error, "message", text_json(e->text)) && put(error, "detail", text_json(e->detail));
  if (is_whole)
    return error;
  json_decref(error);
  return NULL;
}

static json_t *edits_json(struct us_ask *ask, void *mem) {
  json_t *docs = json_array();
  for (size_t i = 0; docs && i < ask->doc_count; i++) {
    json_t *doc = ask->docs[i].edits > 0 ? json_incref(us_doc_tree(&ask->docs[i], mem)) : json_null();
    if (json_array_append_new(docs, doc) == 0)
      continue;
    json_decref(docs);
    docs = NULL;
  }
  return docs;
}

json_t *us_ask_result_to_json(struct us_ask *ask, void *mem) {
  json_t *tree = json_object();
  int code = ask->verdict == US_VERDICT_OK ? USHER_OK : ask->verdict == US_VERDICT_VETO ? USHER_VETO : USHER_FAIL;
  bool is_whole = tree && put(tree, "verdict", json_integer(code)) && put(tree, "docs", edits_json(ask, mem)) &&
                  put(tree, "filter", text_json(ask->filter)) && put(tree, "error", error_json(&ask->error));
  if (is_whole)
    return tree;
  json_decref(tree);
  return NULL;
}

/* Each writable member that differs is set as a plugin would set it. */
static bool take_edits(struct us_doc *doc, const json_t *edited, void *mem) {
  static const char *const members[] = {"name",        "type",      "description", "uri", "icon_uri", "resource_scopes",
                                        "permissions", "conditions"};
  json_t *tree = us_doc_tree(doc, mem);
  bool is_resource = doc->magic == US_DOC_RESOURCE;
  for (size_t i = 0; tree && i < sizeof(members) / sizeof(members[0]); i++) {
    json_t *now = json_object_get(tree, members[i]), *then = json_object_get(edited, members[i]);
    bool is_policys = strcmp(members[i], "type") == 0 || i >= 6;
    if (json_equal(now, then) || (!now && !then) || (is_resource ? i >= 6 : !is_policys))
      continue;
    struct us_str pointer = us_str_fmt(mem, "/%s", members[i]);
    char *text = then ? json_dumps(then, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    int code = USHER_FAIL;
    if (pointer.p && (text || !then))
      code = is_resource ? us_handle_resource_set((struct usher_resource *)doc, pointer.p, text ? text : "null")
                         : us_handle_policy_set((struct usher_policy *)doc, pointer.p, text ? text : "null");
    free(text);
    if (code != USHER_OK)
      return false;
  }
  return tree != NULL;
}

static void take_error(struct usher_error *e, const json_t *error) {
  us_handle_error_set(
      e, (int)json_integer_value(json_object_get(error, "status")), json_string_value(json_object_get(error, "error")),
      json_string_value(json_object_get(error, "message")), json_string_value(json_object_get(error, "detail")));
}

int us_ask_take_result(struct us_ask *ask, const json_t *tree, void *mem) {
  const json_t *verdict = json_object_get(tree, "verdict"), *docs = json_object_get(tree, "docs");
  if (!json_is_integer(verdict) || json_array_size(docs) != ask->doc_count)
    return USHER_FAIL;
  if (json_integer_value(verdict) == USHER_VETO) {
    take_error(&ask->error, json_object_get(tree, "error"));
    return USHER_VETO;
  }
  if (json_integer_value(verdict) != USHER_OK)
    return USHER_FAIL;
  for (size_t i = 0; i < ask->doc_count; i++) {
    const json_t *edited = json_array_get(docs, i);
    if (json_is_object(edited) && ask->docs[i].is_writable && !take_edits(&ask->docs[i], edited, mem))
      return USHER_FAIL;
  }
  if (ask->hook != US_HOOK_BEFORE_QUERY_RESOURCE_SETS)
    return USHER_OK;
  struct us_str filter = text_of(json_object_get(tree, "filter"), mem);
  if (!filter.p || !us_handle_filter_parse((struct usher_str){filter.p, filter.n}))
    return USHER_FAIL;
  ask->filter = filter;
  return USHER_OK;
}
