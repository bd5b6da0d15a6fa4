/*
 * /users/{user}/uma/pendingrequests: what others asked the owner for (REST contract f). {user} is the resource owner; a request
 * of anybody else's is not there (404). Approving grants exactly what the body says, or what was asked for.
 */
#include "domain/pending.h"

#include "base/mem.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/pending_view.h"
#include "endpoint/crest/policy_view.h"
#include "endpoint/crest/request.h"
#include "endpoint/crest/shape.h"

static enum us_code find(struct us_call *call, struct us_pending *ret_pending) {
  enum us_code code = us_pending_find(&call->cx, call->user.id, call->params[1], ret_pending);
  if (code != US_E_NOT_FOUND)
    return code;
  return us_fail(&call->cx, code, "Pending request, %.*s, not found", US_STR_ARG(call->params[1]));
}

/* The request of an action. */
static enum us_code find_to(struct us_call *call, const char *verb, struct us_pending *ret_pending) {
  enum us_code code = us_pending_find(&call->cx, call->user.id, call->params[1], ret_pending);
  return us_pending_failed(&call->cx, code, call->params[1], verb);
}

enum us_code us_ep_pending_read(struct us_call *call) {
  struct us_pending pending;
  struct us_shape shape;
  struct us_shaping shaping;
  struct us_json_writer w;
  bool is_same = false;
  US_TRY(us_shape_read(call, &shape));
  US_TRY(find(call, &pending));
  US_TRY(us_crest_check_read(call, pending.rev, &is_same));
  if (is_same) {
    us_answer_empty(call, 304);
    us_answer_etag(call, pending.rev, false);
    return US_OK;
  }
  us_answer_json(call, 200, &w);
  us_answer_etag(call, pending.rev, false);
  us_pending_write(us_shape_begin(&shaping, &shape, &w), &pending, us_rev_text(&call->cx, pending.rev));
  US_TRY(us_shape_end(&call->cx, &shaping));
  return US_OK;
}

struct approval {
  struct us_strs scopes;
};
static const struct us_field approval_fields[] = {
    {.name = "scopes",
     .kind = US_FIELD_STRINGS,
     .offset = offsetof(struct approval, scopes),
     .flags = US_FIELD_NOT_EMPTY | US_FIELD_UNIQUE,
     .max = 256,
     .item_max = 255},
};
static const struct us_field_table approval_table = {.size = sizeof(struct approval), US_FIELDS(approval_fields)};

static enum us_code answer_done(struct us_call *call, enum us_code code) {
  struct us_json_writer w;
  US_TRY(code);
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_close(&w, '}');
  return US_OK;
}

enum us_code us_ep_pending_approve(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct approval approval = {0};
  struct us_pending pending;
  json_t *object;
  US_TRY(us_crest_action_body(call, &object));
  US_TRY(us_field_from_json(cx, &approval_table, object, &approval));
  US_TRY(find_to(call, "approved", &pending));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_crest_check_if_match(call, pending.rev));
  return answer_done(call, us_pending_approve(cx, call->realm, &call->user, &pending, approval.scopes));
}

enum us_code us_ep_pending_deny(struct us_call *call) {
  struct us_pending pending;
  json_t *object;
  US_TRY(us_crest_action_body(call, &object));
  US_TRY(find_to(call, "denied", &pending));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_crest_check_if_match(call, pending.rev));
  return answer_done(call, us_pending_deny(&call->cx, &pending));
}

/* {"ID":{"scopes":[...]}, ...}: the lineage's form of approveAll. */
static enum us_code read_choices(struct us_cx *cx, const json_t *object, struct us_pending_choices *ret_choices) {
  struct us_pending_choices choices = {.v = US_NEW_ARRAY(cx->mem, struct us_pending_choice, json_object_size(object))};
  if (choices.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (void *at = json_object_iter((json_t *)object); at != NULL; at = json_object_iter_next((json_t *)object, at)) {
    struct approval approval = {0};
    struct us_str uuid = us_str_dup(cx->mem, us_str_c(json_object_iter_key(at)));
    const json_t *value = json_object_iter_value(at);
    if (uuid.p == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    if (!json_is_object(value))
      return us_fail(cx, US_E_INVALID_REQUEST, "%.*s: must be an object", US_STR_ARG(us_error_safe(cx, uuid)));
    US_TRY(us_field_from_json(cx, &approval_table, value, &approval));
    choices.v[choices.n++] = (struct us_pending_choice){uuid, approval.scopes};
  }
  *ret_choices = choices;
  return US_OK;
}

/* A top-level list `scopes` is the documented form: the same for every request. */
static enum us_code read_approvals(struct us_cx *cx, const json_t *object, struct us_pending_choices *ret_choices) {
  struct approval approval = {0};
  if (!json_is_array(json_object_get(object, "scopes")))
    return read_choices(cx, object, ret_choices);
  US_TRY(us_field_from_json(cx, &approval_table, object, &approval));
  *ret_choices = (struct us_pending_choices){.scopes = approval.scopes};
  return US_OK;
}

enum us_code us_ep_pending_approve_all(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_pending_choices choices;
  json_t *object;
  US_TRY(us_crest_action_body(call, &object));
  US_TRY(read_approvals(cx, object, &choices));
  US_TRY(us_crest_refuse_if_none_match(call));
  return answer_done(call, us_pending_approve_all(cx, call->realm, &call->user, &choices));
}

enum us_code us_ep_pending_deny_all(struct us_call *call) {
  json_t *object;
  US_TRY(us_crest_action_body(call, &object));
  US_TRY(us_crest_refuse_if_none_match(call));
  return answer_done(call, us_pending_deny_all(&call->cx, &call->user));
}
