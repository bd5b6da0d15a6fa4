/*
 * What plugins hand in. The first byte picks the way: frames of a process that has one (child.h), its answer to an ask, or edits of
 * handles, one to a line with a tab between pointer and value. Whatever is taken leaves identities and what is not to be written as they
 * were, and texts, lists and grants in their shapes.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "fuzz.h"
#include "plugin/child.h"
#include "plugin/host.h"

#define RESOURCE                                                                                                       \
  "{\"_id\":\"r\",\"owner\":\"alice\",\"name\":\"album\",\"resource_scopes\":[\"view\"],\"uri\":\"https://a.example/"  \
  "\"}"
#define POLICY                                                                                                         \
  "{\"policyId\":\"r\",\"owner\":\"alice\",\"name\":\"album\",\"permissions\":[{\"subject\":\"bob\",\"scopes\":["      \
  "\"view\"]}]}"

static void ask_of(struct us_ask *ask, enum us_hook hook) {
  bool is_query = hook == US_HOOK_BEFORE_QUERY_RESOURCE_SETS, is_policy = hook >= US_HOOK_BEFORE_RESOURCE_SHARED;
  *ask =
      (struct us_ask){.hook = hook, .doc_count = is_query ? 0 : 2, .word = US_STR("alice"), .filter = US_STR("true")};
  for (size_t i = 0; i < ask->doc_count; i++) {
    us_doc_init(&ask->docs[i], is_policy ? US_DOC_POLICY : US_DOC_RESOURCE, i == 1);
    ask->docs[i].text = is_policy ? US_STR(POLICY) : US_STR(RESOURCE);
  }
}

/* ---- A second reader ---- */

static bool is_text(const json_t *tree, const char *name, const char *wanted) {
  const char *text = json_string_value(json_object_get(tree, name));
  return text && strcmp(text, wanted) == 0;
}

static bool is_texts(const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++)
    if (!json_is_string(json_array_get(list, i)))
      return false;
  return json_is_array(list);
}

static void check_doc(struct us_doc *doc, void *mem) {
  bool is_policy = doc->magic == US_DOC_POLICY;
  json_t *tree = us_doc_tree(doc, mem), *before = json_loads(is_policy ? POLICY : RESOURCE, 0, NULL);
  fuzz_must(tree && before);
  fuzz_must(is_text(tree, is_policy ? "policyId" : "_id", "r") && is_text(tree, "owner", "alice"));
  if (!doc->is_writable)
    fuzz_must(json_equal(tree, before));
  if (is_policy) {
    const json_t *grants = json_object_get(tree, "permissions");
    fuzz_must(json_is_array(grants) && is_text(tree, "name", "album"));
    for (size_t i = 0; i < json_array_size(grants); i++)
      fuzz_must(json_is_string(json_object_get(json_array_get(grants, i), "subject")) &&
                is_texts(json_object_get(json_array_get(grants, i), "scopes")));
  } else {
    const json_t *name = json_object_get(tree, "name");
    fuzz_must((!name || json_is_string(name)) && is_texts(json_object_get(tree, "resource_scopes")));
  }
  json_decref(before);
}

/* ---- The three ways ---- */

static void read_frames(void *mem, const uint8_t *data, size_t size) {
  int pair[2];
  struct us_str text;
  fuzz_must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  fuzz_must(size == 0 || write(pair[0], data, size) == (ssize_t)size);
  close(pair[0]);
  while (us_frame_receive(pair[1], us_monotonic_us() + 1000000, &text)) {
    json_t *tree = json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
    struct us_ask ask = {0}, again = {0};
    if (us_ask_from_json(tree, mem, &ask)) {
      json_t *back = us_ask_to_json(&ask, mem);
      fuzz_must(back && us_ask_from_json(back, mem, &again));
      fuzz_must(again.hook == ask.hook && again.doc_count == ask.doc_count && again.requested.n == ask.requested.n);
      json_decref(back);
    }
    us_ask_done(&ask);
    us_ask_done(&again);
    json_decref(tree);
    free((char *)(uintptr_t)text.p);
  }
  close(pair[1]);
}

static void take_answer(void *mem, const uint8_t *data, size_t size) {
  struct us_ask ask;
  json_t *tree = size > 0 ? json_loadb((const char *)data + 1, size - 1, JSON_ALLOW_NUL, NULL) : NULL;
  if (!tree)
    return;
  ask_of(&ask, (enum us_hook)(data[0] % US_HOOK_COUNT));
  ask.error = (struct usher_error){.magic = US_ERROR_MAGIC, .mem = mem};
  int code = us_ask_take_result(&ask, tree, mem);
  fuzz_must(code == USHER_OK || code == USHER_VETO || code == USHER_FAIL);
  for (size_t i = 0; i < ask.doc_count; i++)
    check_doc(&ask.docs[i], mem);
  if (code == USHER_OK && ask.doc_count == 0)
    fuzz_must(us_handle_filter_parse((struct usher_str){ask.filter.p, ask.filter.n}) ||
              ask.hook != US_HOOK_BEFORE_QUERY_RESOURCE_SETS);
  us_ask_done(&ask);
  json_decref(tree);
}

static void edit(void *mem, char *lines) {
  struct us_doc docs[4];
  for (int i = 0; i < 4; i++) {
    us_doc_init(&docs[i], i < 2 ? US_DOC_RESOURCE : US_DOC_POLICY, i % 2 == 0);
    docs[i].text = i < 2 ? US_STR(RESOURCE) : US_STR(POLICY);
  }
  char *rest = NULL;
  for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    char *value = strchr(line, '\t');
    if (value)
      *value++ = '\0';
    for (int i = 0; i < 4; i++) {
      int code = i < 2 ? us_handle_resource_set((struct usher_resource *)&docs[i], line, value)
                       : us_handle_policy_set((struct usher_policy *)&docs[i], line, value);
      fuzz_must(code == USHER_OK || code == USHER_FAIL);
      (void)(i < 2 ? us_handle_resource_get((struct usher_resource *)&docs[i], line)
                   : us_handle_policy_get((struct usher_policy *)&docs[i], line));
    }
  }
  for (int i = 0; i < 4; i++) {
    check_doc(&docs[i], mem);
    us_doc_done(&docs[i]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > 16384)
    return 0;
  void *mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  char *lines = malloc(size);
  struct us_plugin plugin = {.abi = {.name = "fuzz"}, .config = US_STR("{}")};
  struct us_scope scope;
  fuzz_must(mem && lines);
  memcpy(lines, data + 1, size - 1);
  lines[size - 1] = '\0';
  us_log_setup(US_LOG_OFF, US_LOG_LOGFMT, 2);
  us_scope_enter(&scope, &plugin, INT64_MAX, mem);
  if (data[0] % 3 == 0)
    read_frames(mem, data + 1, size - 1);
  else if (data[0] % 3 == 1)
    take_answer(mem, data + 1, size - 1);
  else
    edit(mem, lines);
  us_scope_leave(&scope);
  free(lines);
  us_mem_free(mem);
  return 0;
}
