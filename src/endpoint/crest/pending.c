/*
 * /users/{user}/uma/pendingrequests: what others asked the owner for (REST contract f). {user} is the resource owner; a request
 * of anybody else's is not there (404). Approving grants exactly what the body says, or what was asked for.
 */
#include "domain/pending.h"

#include "endpoint/crest/crest.h"
#include "endpoint/crest/pending_view.h"
#include "endpoint/crest/policy_view.h"
#include "endpoint/crest/request.h"
#include "endpoint/crest/shape.h"

static enum us_code not_found(struct us_call *call) {
  return us_fail(&call->cx, US_E_NOT_FOUND, "Pending request, %.*s, not found", US_STR_ARG(call->params[1]));
}

static enum us_code find(struct us_call *call, struct us_pending *ret_pending) {
  enum us_code code = us_pending_find(&call->cx, call->user.id, call->params[1], ret_pending);
  return code == US_E_NOT_FOUND ? not_found(call) : code;
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
  us_shape_finish(call, &shape);
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
  if (code == US_E_NOT_FOUND) /* somebody was faster */
    return not_found(call);
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
  US_TRY(find(call, &pending));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_crest_check_if_match(call, pending.rev));
  return answer_done(call, us_pending_approve(cx, &pending, approval.scopes));
}

enum us_code us_ep_pending_deny(struct us_call *call) {
  struct us_pending pending;
  json_t *object;
  US_TRY(us_crest_action_body(call, &object));
  US_TRY(find(call, &pending));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_crest_check_if_match(call, pending.rev));
  return answer_done(call, us_pending_deny(&call->cx, &pending));
}
