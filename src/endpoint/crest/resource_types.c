/*
 * /json/resourcetypes (REST contract h): views over resources. For administrators, and for the resource server by its PAT, which
 * reaches those of its own resources. None is created or deleted here: they come and go with their resources.
 */
#include "domain/resource_type.h"

#include "base/mem.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/policy_view.h"
#include "endpoint/crest/query.h"
#include "endpoint/crest/request.h"
#include "json/json.h"

static void write_type(struct us_cx *cx, struct us_json_writer *w, const struct us_resource_type *type) {
  us_json_open(w, '{');
  us_json_member(w, "_id", type->uuid);
  us_json_member(w, "_rev", us_rev_text(cx, type->rev));
  us_json_member(w, "uuid", type->uuid);
  us_json_member(w, "name", type->name);
  us_json_member(w, "description", type->description);
  us_json_name(w, "patterns");
  us_json_open(w, '[');
  us_json_c(w, US_TYPE_PATTERN);
  us_json_close(w, ']');
  us_json_name(w, "actions");
  us_json_open(w, '{');
  for (size_t i = 0; i < type->actions.n; i++) {
    us_json_name_str(w, type->actions.v[i]);
    us_json_bool(w, !us_strs_has(type->denied, type->actions.v[i]));
  }
  us_json_close(w, '}');
  us_json_member(w, "createdBy", type->created_by);
  us_json_member_i64(w, "creationDate", type->created_ms);
  us_json_member(w, "lastModifiedBy", type->modified_by);
  us_json_member_i64(w, "lastModifiedDate", type->modified_ms);
  us_json_close(w, '}');
}

static enum us_code answer_type(struct us_call *call, const struct us_resource_type *type) {
  struct us_shape shape;
  struct us_shaping shaping;
  struct us_json_writer w;
  US_TRY(us_shape_read(call, &shape));
  us_answer_json(call, 200, &w);
  us_answer_etag(call, type->rev, false);
  write_type(&call->cx, us_shape_begin(&shaping, &shape, &w), type);
  US_TRY(us_shape_end(&call->cx, &shaping));
  return US_OK;
}

/* h.4 (a): a PAT reaches the types of the resources that its owner has at its client. */
static enum us_code find(struct us_call *call, struct us_resource_type *ret_type) {
  US_TRY(us_resource_type_find(&call->cx, call->realm, call->params[0], ret_type));
  const struct us_token *pat = &call->caller.pat.token;
  bool is_others = ret_type->owner_id != pat->account_id || ret_type->rs_ref != pat->client_ref;
  return call->caller.kind == US_CALLER_PAT && is_others ? us_fail_plain(&call->cx, US_E_FORBIDDEN) : US_OK;
}

enum us_code us_ep_resource_type_read(struct us_call *call) {
  struct us_resource_type type;
  bool is_same = false;
  US_TRY(find(call, &type));
  US_TRY(us_crest_check_read(call, type.rev, &is_same));
  if (!is_same)
    return answer_type(call, &type);
  us_answer_empty(call, 304);
  us_answer_etag(call, type.rev, false);
  return US_OK;
}

enum us_code us_ep_resource_type_delete(struct us_call *call) {
  struct us_resource_type type;
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(find(call, &type));
  US_TRY(us_crest_check_if_match(call, type.rev));
  return us_fail(&call->cx, US_E_CONFLICT,
                 "Unable to remove resource type %.*s because it is referenced in the policy model.",
                 US_STR_ARG(type.uuid));
}

struct writing {
  struct us_json_writer w;
  const struct us_shape *shape;
  enum us_code code;
};

static bool write_item(struct us_cx *cx, void *self, const struct us_resource_type *type) {
  struct writing *writing = self;
  struct us_shaping shaping;
  write_type(cx, us_shape_begin(&shaping, writing->shape, &writing->w), type);
  writing->code = us_shape_end(cx, &shaping);
  return writing->code == US_OK && us_query_has_room(&writing->w);
}

enum us_code us_ep_resource_type_query(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_query query;
  struct us_list_end end;
  const struct us_access *pat = call->caller.kind == US_CALLER_PAT ? &call->caller.pat : NULL;
  US_TRY(us_query_read(call, US_STR("resourcetypes"), &us_resource_types_list, &query));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  struct writing writing = {.shape = &query.shape, .code = US_OK};
  us_query_open(call, &writing.w);
  US_TRY(us_resource_type_query(cx, call->realm, pat, &query.list, write_item, &writing, &end));
  if (writing.code != US_OK)
    return us_fail_plain(cx, writing.code);
  return us_query_close(call, &writing.w, &query, &end);
}

struct update {
  struct us_resource_type_wish wish;
  struct us_str uuid, name;
  json_t *actions;
};
#define AT(member) offsetof(struct update, member)
static const struct us_field update_fields[] = {
    {.name = "uuid", .kind = US_FIELD_STRING, .offset = AT(uuid), .max = 255},
    {.name = "name", .kind = US_FIELD_STRING, .offset = AT(name), .max = 4096},
    {.name = "description",
     .kind = US_FIELD_STRING,
     .offset = AT(wish.description),
     .max = US_TYPE_DESCRIPTION_MAX_BYTES},
    {.name = "actions", .kind = US_FIELD_JSON, .offset = AT(actions), .max = US_TYPE_ACTIONS_MAX},
};
static const struct us_field_table update_table = {.size = sizeof(struct update), US_FIELDS(update_fields)};

static bool is_action_name(struct us_str name) {
  for (size_t i = 0; i < name.n; i++) {
    if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
      return false;
  }
  return name.n > 0 && name.n <= US_TYPE_ACTION_MAX_BYTES;
}

/* "actions": {"see": true}: replaces the map (h.4). */
static enum us_code read_actions(struct us_call *call, json_t *map, struct us_resource_type_wish *wish) {
  struct us_cx *cx = &call->cx;
  const char *key;
  json_t *value;
  size_t n = json_object_size(map);
  if (!json_is_object(map) || n > US_TYPE_ACTIONS_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "actions: must be an object of at most %d members", US_TYPE_ACTIONS_MAX);
  wish->has_actions = true;
  wish->actions.v = US_NEW_ARRAY(cx->mem, struct us_str, n + 1);
  wish->denied.v = US_NEW_ARRAY(cx->mem, struct us_str, n + 1);
  if (wish->actions.v == NULL || wish->denied.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  json_object_foreach(map, key, value) {
    struct us_str name = us_str_dup(cx->mem, us_str_c(key));
    if (name.p == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    if (!is_action_name(name))
      return us_fail(cx, US_E_INVALID_REQUEST, "actions: a name must have 1 to %d bytes and no control characters",
                     US_TYPE_ACTION_MAX_BYTES);
    if (!json_is_boolean(value))
      return us_fail(cx, US_E_INVALID_REQUEST, "actions.%.*s: must be true or false",
                     US_STR_ARG(us_error_safe(cx, name)));
    wish->actions.v[wish->actions.n++] = name;
    if (json_is_false(value))
      wish->denied.v[wish->denied.n++] = name;
  }
  return US_OK;
}

static enum us_code read_update(struct us_call *call, json_t *object, struct update *update) {
  struct us_cx *cx = &call->cx;
  US_TRY(us_field_from_json(cx, &update_table, object, update));
  if (update->uuid.p != NULL && !us_str_eq(update->uuid, call->params[0]))
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "Resource Type UUID specified in URL does not match UUID specified in JSON.");
  if (update->name.p != NULL && update->name.n == 0) /* any other is ignored: the name follows from the resource's */
    return us_fail(cx, US_E_INVALID_REQUEST, "Resource Type name must be specified.");
  return update->actions == NULL ? US_OK : read_actions(call, update->actions, &update->wish);
}

enum us_code us_ep_resource_type_prepare(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct update *update = US_NEW(cx->mem, struct update);
  json_t *object;
  if (update == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_crest_content(call, &object));
  enum us_code code = read_update(call, object, update);
  us_json_drop(cx, object); /* the request waits for the writer without it */
  call->state = update;
  return code;
}

/* If-None-Match: * asks for a new one, and there is none to be had. */
static enum us_code refuse_create(struct us_call *call) {
  struct us_resource_type type;
  US_TRY(find(call, &type));
  return us_fail(&call->cx, call->crest_protocol >= 20 ? US_E_PRECONDITION : US_E_CONFLICT,
                 "Resource Type %.*s already exists", US_STR_ARG(type.name));
}

enum us_code us_ep_resource_type_put(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  const struct update *update = call->state;
  bool is_pat = call->caller.kind == US_CALLER_PAT;
  int64_t modifier = is_pat ? call->caller.pat.token.account_id : call->caller.login.account.id;
  struct us_resource_type type;
  enum us_put put;
  US_TRY(us_crest_put_kind(call, &put));
  if (put == US_PUT_CREATE)
    return refuse_create(call);
  US_TRY(find(call, &type));
  US_TRY(us_crest_check_if_match(call, type.rev));
  US_TRY(us_resource_type_put(cx, &type, modifier, &update->wish));
  US_TRY(find(call, &type));
  return answer_type(call, &type);
}
