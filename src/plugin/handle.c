/* Handles: see handle.h. */
#include "plugin/handle.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "plugin/host.h"
#include "json/filter.h"
#include "json/json.h"
#include "json/pointer.h"

_Static_assert(sizeof(struct usher_str) == sizeof(struct us_str), "one layout: texts cross without being copied");

#define VALUE_MAX_BYTES (256 * 1024) /* of one value that a plugin sets */

void us_doc_init(struct us_doc *doc, enum us_doc_kind kind, bool is_writable) {
  *doc = (struct us_doc){.magic = kind, .is_writable = is_writable};
}

bool us_doc_fill(struct us_doc *doc, void *mem) {
  if (!doc->text.p && doc->fill)
    doc->text = doc->fill(doc->self, mem);
  return doc->text.p != NULL;
}

json_t *us_doc_tree(struct us_doc *doc, void *mem) {
  if (!doc->json && us_doc_fill(doc, mem))
    doc->json = json_loadb(doc->text.p, doc->text.n, 0, NULL);
  return doc->json;
}

/* Any JSON value as text in `mem`. */
static struct us_str dump(const json_t *value, void *mem) {
  size_t n = json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
  char *text = n > 0 ? us_mem_alloc(mem, n + 1) : NULL;
  if (!text)
    return US_STR_ABSENT;
  json_dumpb(value, text, n, JSON_COMPACT | JSON_ENCODE_ANY);
  text[n] = '\0';
  return (struct us_str){text, n};
}

struct us_str us_doc_text(struct us_doc *doc, void *mem) {
  if (doc->edits > 0)
    return dump(doc->json, mem);
  return us_doc_fill(doc, mem) ? doc->text : US_STR_ABSENT;
}

void us_doc_done(struct us_doc *doc) {
  json_decref(doc->json);
  doc->json = NULL;
  doc->magic = 0;
}

/* The document behind a handle; NULL, and a line in the log, when it is none (any more). */
static struct us_doc *open_handle(const void *handle, uint32_t magic, const char *what) {
  struct us_doc *doc = (struct us_doc *)handle; /* const is the plugin's promise; trees are made behind it */
  if (doc && doc->magic == magic)
    return doc;
  us_host()->log(USHER_LOG_ERROR, what);
  return NULL;
}

static struct usher_str get(const void *handle, uint32_t magic, const char *pointer) {
  struct us_doc *doc = open_handle(handle, magic, "a handle was used that is of another kind or whose call is over");
  void *mem = doc ? us_scope_mem() : NULL;
  json_t *tree = mem ? us_doc_tree(doc, mem) : NULL;
  json_t *value = pointer ? us_json_pointer_get(tree, us_str_c(pointer)) : NULL;
  struct us_str text = value ? dump(value, mem) : US_STR_ABSENT;
  return text.p ? (struct usher_str){text.p, text.n} : (struct usher_str){"", 0};
}

struct usher_str us_handle_resource_get(const struct usher_resource *r, const char *pointer) {
  return get(r, US_DOC_RESOURCE, pointer);
}
struct usher_str us_handle_policy_get(const struct usher_policy *p, const char *pointer) {
  return get(p, US_DOC_POLICY, pointer);
}
struct usher_str us_handle_ticket_get(const struct usher_ticket *t, const char *pointer) {
  return get(t, US_DOC_TICKET, pointer);
}
struct usher_str us_handle_party_get(const struct usher_party *party, const char *pointer) {
  return get(party, US_DOC_PARTY, pointer);
}

/* What may be written, and what the whole member must then be. */
enum shape { SHAPE_TEXT, SHAPE_TEXTS, SHAPE_GRANTS, SHAPE_OBJECTS };
struct member {
  const char *name;
  enum shape shape;
  bool is_optional;
};
static const struct member resource_members[] = {
    {"name", SHAPE_TEXT, true}, {"type", SHAPE_TEXT, true},     {"description", SHAPE_TEXT, true},
    {"uri", SHAPE_TEXT, true},  {"icon_uri", SHAPE_TEXT, true}, {"resource_scopes", SHAPE_TEXTS, false},
};
static const struct member policy_members[] = {
    {"permissions", SHAPE_GRANTS, false},
    {"type", SHAPE_TEXT, true},
    {"conditions", SHAPE_OBJECTS, true},
};

static bool is_texts(const json_t *value) {
  for (size_t i = 0; i < json_array_size(value); i++)
    if (!json_is_string(json_array_get(value, i)))
      return false;
  return json_is_array(value);
}

static bool is_objects(const json_t *value) {
  for (size_t i = 0; i < json_array_size(value); i++)
    if (!json_is_object(json_array_get(value, i)))
      return false;
  return json_is_array(value);
}

static bool is_grants(const json_t *value) {
  for (size_t i = 0; i < json_array_size(value); i++) {
    const json_t *grant = json_array_get(value, i);
    if (!json_is_string(json_object_get(grant, "subject")) || !is_texts(json_object_get(grant, "scopes")))
      return false;
  }
  return json_is_array(value);
}

static bool has_shape(const struct member *member, const json_t *value) {
  if (!value || json_is_null(value))
    return member->is_optional;
  switch (member->shape) {
  case SHAPE_TEXT:
    return json_is_string(value);
  case SHAPE_TEXTS:
    return is_texts(value);
  case SHAPE_GRANTS:
    return is_grants(value);
  case SHAPE_OBJECTS:
    return is_objects(value);
  }
  return false;
}

static const struct member *find_member(const struct us_doc *doc, struct us_str pointer) {
  bool is_resource = doc->magic == US_DOC_RESOURCE;
  const struct member *members = is_resource ? resource_members : policy_members;
  size_t count = is_resource ? sizeof(resource_members) / sizeof(resource_members[0])
                             : sizeof(policy_members) / sizeof(policy_members[0]);
  for (size_t i = 0; i < count; i++) {
    size_t n = strlen(members[i].name);
    if (pointer.n > n && memcmp(pointer.p + 1, members[i].name, n) == 0 &&
        (pointer.n == n + 1 || pointer.p[n + 1] == '/'))
      return &members[i];
  }
  return NULL;
}

/* Tries it on a copy of the member, so that a value of the wrong type leaves all as it was. `value` may be NULL: take away. */
static int edit(struct us_doc *doc, const struct member *member, json_t *tree, struct us_str pointer, json_t *value) {
  json_t *old = json_object_get(tree, member->name);
  json_t *root = json_object();
  bool fits = root && (!old || json_object_set_new(root, member->name, json_deep_copy(old)) == 0) &&
              us_json_pointer_set(root, pointer, json_incref(value)) &&
              has_shape(member, json_object_get(root, member->name));
  if (fits) {
    json_t *result = json_object_get(root, member->name);
    fits = result ? json_object_set(tree, member->name, result) == 0 : !old || json_object_del(tree, member->name) == 0;
  }
  json_decref(root);
  doc->edits += fits;
  return fits ? USHER_OK : USHER_FAIL;
}

/* *ret_value is NULL for null. False: no JSON. */
static bool read_value(const char *text, json_t **ret_value) {
  size_t n = text ? strnlen(text, VALUE_MAX_BYTES + 1) : 0;
  if (n == 0 || n > VALUE_MAX_BYTES)
    return false;
  json_t *value = json_loadb(text, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
  *ret_value = json_is_null(value) ? NULL : value;
  return value != NULL;
}

static int set(void *handle, uint32_t magic, const char *pointer, const char *value_json) {
  struct us_doc *doc =
      open_handle(handle, magic, "a handle was written to that is of another kind or whose call is over");
  void *mem = doc && pointer ? us_scope_mem() : NULL;
  json_t *tree = mem && doc->is_writable ? us_doc_tree(doc, mem) : NULL;
  const struct member *member = tree ? find_member(doc, us_str_c(pointer)) : NULL;
  json_t *value = NULL;
  if (!member || !read_value(value_json, &value))
    return USHER_FAIL;
  if (!value && !us_json_pointer_get(tree, us_str_c(pointer))) /* it is away already */
    return member->is_optional || strchr(pointer + 1, '/') ? USHER_OK : USHER_FAIL;
  int result = edit(doc, member, tree, us_str_c(pointer), value);
  json_decref(value);
  return result;
}

int us_handle_resource_set(struct usher_resource *r, const char *pointer, const char *value_json) {
  return set(r, US_DOC_RESOURCE, pointer, value_json);
}
int us_handle_policy_set(struct usher_policy *p, const char *pointer, const char *value_json) {
  return set(p, US_DOC_POLICY, pointer, value_json);
}

/* Subjects are compared as the server does it, without ASCII case. */
static bool is_subject(const json_t *grant, struct us_str subject) {
  const json_t *text = json_object_get(grant, "subject");
  return us_str_eq_nocase((struct us_str){json_string_value(text), json_string_length(text)}, subject);
}

static json_t *grant_of(struct us_str subject, struct usher_strs scopes) {
  json_t *grant = json_object();
  struct us_strs set = {(struct us_str *)(uintptr_t)scopes.v, scopes.n}; /* the same, as the server has it */
  bool is_whole = grant && json_object_set_new(grant, "subject", json_stringn(subject.p, subject.n)) == 0 &&
                  json_object_set_new(grant, "scopes", us_json_array_of(set)) == 0;
  if (is_whole)
    return grant;
  json_decref(grant);
  return NULL;
}

int us_handle_policy_grant(struct usher_policy *p, struct usher_str subject, struct usher_strs scopes) {
  struct us_doc *doc =
      open_handle(p, US_DOC_POLICY, "a handle was written to that is of another kind or whose call is over");
  void *mem = doc && doc->is_writable && subject.p ? us_scope_mem() : NULL;
  json_t *grants = mem ? json_object_get(us_doc_tree(doc, mem), "permissions") : NULL;
  struct us_str name = {subject.p, subject.n};
  size_t i = 0;
  if (!json_is_array(grants) || (scopes.n > 0 && !scopes.v))
    return USHER_FAIL;
  while (i < json_array_size(grants) && !is_subject(json_array_get(grants, i), name))
    i++;
  bool is_there = i < json_array_size(grants);
  json_t *grant = scopes.n > 0 ? grant_of(name, scopes) : NULL;
  if (scopes.n > 0 && !grant)
    return USHER_FAIL;
  int failed = 0;
  if (grant)
    failed = is_there ? json_array_set_new(grants, i, grant) : json_array_append_new(grants, grant);
  else if (is_there)
    failed = json_array_remove(grants, i);
  doc->edits += !failed;
  return failed ? USHER_FAIL : USHER_OK;
}

static const struct usher_filter *open_filter(const struct usher_filter *f) {
  if (f && f->magic == US_FILTER_MAGIC)
    return f;
  us_host()->log(USHER_LOG_ERROR, "a filter was used that is none, or whose call is over");
  return NULL;
}

static struct usher_filter *new_filter(struct us_str text) {
  void *mem = us_scope_mem();
  struct usher_filter *filter = mem && text.p ? US_NEW(mem, struct usher_filter) : NULL;
  if (filter)
    *filter = (struct usher_filter){US_FILTER_MAGIC, text};
  return filter;
}

struct usher_str us_handle_filter_text(const struct usher_filter *f) {
  const struct usher_filter *filter = open_filter(f);
  return filter ? us_scope_text(filter->text) : (struct usher_str){"", 0};
}

struct usher_filter *us_handle_filter_parse(struct usher_str text) {
  struct us_cx cx = {.mem = us_scope_mem()};
  struct us_str copy = cx.mem && text.p ? us_str_dup(cx.mem, (struct us_str){text.p, text.n}) : US_STR_ABSENT;
  struct us_filter *tree;
  if (!copy.p || us_filter_parse(&cx, copy, &tree) != US_OK)
    return NULL;
  return new_filter(copy);
}

struct usher_filter *us_handle_filter_and(const struct usher_filter *a, const struct usher_filter *b) {
  if (!open_filter(a) || !open_filter(b))
    return NULL;
  void *mem = us_scope_mem();
  struct us_str both =
      mem ? us_str_fmt(mem, "(%.*s) and (%.*s)", US_STR_ARG(a->text), US_STR_ARG(b->text)) : US_STR_ABSENT;
  return both.p ? us_handle_filter_parse((struct usher_str){both.p, both.n}) : NULL;
}

/* A copy of a text that a plugin gave, without what no header or body bears. */
static struct us_str copy_of(void *mem, const char *text) {
  struct us_str copy = us_str_dup(mem, us_str_c(text));
  return copy.p && us_str_is_utf8(copy) ? copy : US_STR_ABSENT;
}

void us_handle_error_set(struct usher_error *e, int http_status, const char *error, const char *message,
                         const char *detail_json) {
  json_t *detail = NULL;
  if (!e || e->magic != US_ERROR_MAGIC) {
    us_host()->log(USHER_LOG_ERROR, "an error was set that is none, or whose call is over");
    return;
  }
  e->status = http_status >= 400 && http_status <= 599 ? http_status : 0;
  e->error = copy_of(e->mem, error);
  e->text = copy_of(e->mem, message);
  e->detail = US_STR_ABSENT;
  if (detail_json && read_value(detail_json, &detail) && json_is_object(detail))
    e->detail = dump(detail, e->mem);
  else if (detail_json)
    us_host()->log(USHER_LOG_WARN, "the detail of an error is no JSON object, and was left out");
  json_decref(detail);
}
