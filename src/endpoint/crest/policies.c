/*
 * /users/{user}/uma/policies: what a user shares of one resource (REST contract c.1 to c.6, c.8). The id of a policy is the id of
 * its resource. Order of checks: a.12, for creates c.3. Queries stand in policies_query.c.
 */
#include "base/mem.h"
#include "domain/confusable.h"
#include "domain/resource.h"
#include "domain/share_input.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/policy_view.h"
#include "endpoint/crest/request.h"
#include "endpoint/crest/shape.h"
#include "json/json.h"

#define POLICY_ID_MAX_BYTES 1024

struct head {
  struct us_str policy_id;
};
static const struct us_field head_fields[] = {
    {.name = "policyId",
     .kind = US_FIELD_STRING,
     .offset = offsetof(struct head, policy_id),
     .flags = US_FIELD_REQUIRED,
     .max = POLICY_ID_MAX_BYTES},
};
static const struct us_field_table head_table = {
    .what = "Invalid UMA policy.", .size = sizeof(struct head), US_FIELDS(head_fields)};

/* The policy a request is about, as far as it was found. */
struct target {
  struct us_resource resource;
  struct us_policy policy;
  bool has_policy;
};

static enum us_code not_found(struct us_call *call, struct us_str id) {
  return us_fail(&call->cx, US_E_NOT_FOUND, "UMA Policy not found, %.*s", US_STR_ARG(id));
}

/* US_E_NOT_FOUND without text also for a PAT whose client did not register the resource: for it, it does not exist (c.3). */
static enum us_code find_resource(struct us_call *call, struct us_str uuid, struct us_resource *ret_resource) {
  struct us_cx *cx = &call->cx;
  struct us_resource resource;
  US_TRY(us_resource_by_uuid(cx, call->realm->id, uuid, &resource));
  if (call->caller.kind == US_CALLER_PAT && resource.rs_ref != call->caller.pat.token.client_ref)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  *ret_resource = resource;
  return US_OK;
}

/* The policy of {user}; sets has_policy. */
static enum us_code find_policy(struct us_call *call, struct target *target) {
  enum us_code code = us_policy_find(&call->cx, target->resource.id, call->user.id, &target->policy);
  target->has_policy = code == US_OK;
  if (code != US_E_NOT_FOUND)
    return code;
  us_error_clear(&call->cx);
  return US_OK;
}

/* For reading, updating, deleting: both, or 404. */
static enum us_code find_both(struct us_call *call, struct us_str uuid, struct target *ret_target) {
  enum us_code code = find_resource(call, uuid, &ret_target->resource);
  if (code == US_E_NOT_FOUND)
    return not_found(call, uuid);
  US_TRY(code);
  US_TRY(find_policy(call, ret_target));
  return ret_target->has_policy ? US_OK : not_found(call, uuid);
}

static enum us_code read_head(struct us_call *call, const json_t *object, struct us_str url_id, struct us_str *ret_id) {
  struct head head = {0};
  US_TRY(us_field_from_json(&call->cx, &head_table, object, &head));
  if (url_id.p != NULL && !us_str_eq(head.policy_id, url_id))
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "Policy ID does not match policy ID in the body.");
  *ret_id = head.policy_id;
  return US_OK;
}

static struct us_str location(struct us_call *call, struct us_str id) {
  struct us_cx *cx = &call->cx;
  return us_str_fmt(cx->mem, "%.*s/users/%.*s/uma/policies/%.*s", US_STR_ARG(call->realm->json_url),
                    US_STR_ARG(us_percent_encode(cx->mem, call->user.name)),
                    US_STR_ARG(us_percent_encode(cx->mem, id)));
}

/* Only _id and _rev (c.2). */
static enum us_code answer_created(struct us_call *call, const struct us_resource *resource,
                                   const struct us_policy *policy) {
  struct us_shape shape;
  struct us_shaping shaping;
  struct us_json_writer w;
  US_TRY(us_shape_read(call, &shape));
  us_answer_json(call, 201, &w);
  us_answer_header(call, "Location", location(call, resource->uuid));
  us_answer_etag(call, policy->rev, false);
  struct us_json_writer *object = us_shape_begin(&shaping, &shape, &w);
  us_json_open(object, '{');
  us_json_member(object, "_id", resource->uuid);
  us_json_member(object, "_rev", us_rev_text(&call->cx, policy->rev));
  us_json_close(object, '}');
  US_TRY(us_shape_end(&call->cx, &shaping));
  return US_OK;
}

static enum us_code answer_policy(struct us_call *call, const struct target *target, unsigned what) {
  struct us_policy_text text;
  struct us_shape shape;
  struct us_shaping shaping;
  struct us_json_writer w;
  US_TRY(us_shape_read(call, &shape));
  US_TRY(us_policy_as_text(&call->cx, &target->policy, &target->resource, &text));
  us_answer_json(call, 200, &w);
  us_answer_etag(call, target->policy.rev, false);
  us_policy_write(us_shape_begin(&shaping, &shape, &w), &text, what | US_POLICY_WITH_REV);
  US_TRY(us_shape_end(&call->cx, &shaping));
  return US_OK;
}

/* Setting warnOnConfusableUsernames: the first name that looks like another one. Shared it is all the same. */
static void warn_of_names(struct us_call *call, const struct us_share_wish *wish) {
  for (size_t i = 0; call->realm->settings.warn_confusable_usernames && i < wish->share_count; i++) {
    struct us_str other = us_name_looks_like(call->cx.mem, wish->shares[i].subject);
    if (other.p == NULL)
      continue;
    us_answer_header(call, "Warning",
                     us_str_fmt(call->cx.mem,
                                "199 - \"permissions[%zu]: the subject looks like %.*s and is another name\"", i,
                                US_STR_ARG(us_error_safe(&call->cx, other))));
    break;
  }
}

static enum us_code create(struct us_call *call, const json_t *object, struct target *target) {
  struct us_share_wish wish;
  struct us_policy policy;
  US_TRY(us_share_wish_read(&call->cx, object, &wish));
  US_TRY(us_policy_create(&call->cx, &target->resource, call->user.id, &wish, &policy));
  US_TRY(answer_created(call, &target->resource, &policy));
  warn_of_names(call, &wish);
  return US_OK;
}

/* Creates look for the resource only; that it is unknown is a 400 (c.3 step 3). Everything that changes grants touches the
 * resource before it reads them: that is the lock, and the revision for everybody. */
static enum us_code find_to_create(struct us_call *call, struct us_str uuid, struct target *ret_target) {
  struct us_cx *cx = &call->cx;
  enum us_code code = find_resource(call, uuid, &ret_target->resource);
  if (code == US_E_NOT_FOUND)
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid ResourceSet UID%.*s", US_STR_ARG(uuid));
  US_TRY(code);
  return us_resource_touch_access(cx, ret_target->resource.id);
}

static enum us_code find_to_update(struct us_call *call, struct us_str uuid, struct target *ret_target) {
  enum us_code code = find_resource(call, uuid, &ret_target->resource);
  if (code == US_E_NOT_FOUND)
    return not_found(call, uuid);
  US_TRY(code);
  US_TRY(us_resource_touch_access(&call->cx, ret_target->resource.id));
  US_TRY(find_policy(call, ret_target));
  return ret_target->has_policy ? US_OK : not_found(call, uuid);
}

static enum us_code update(struct us_call *call, const json_t *object, struct target *target) {
  struct us_share_wish wish;
  US_TRY(us_crest_check_if_match(call, target->policy.rev));
  US_TRY(us_share_wish_read(&call->cx, object, &wish));
  US_TRY(us_policy_replace(&call->cx, &target->resource, &target->policy, &wish, &target->policy));
  US_TRY(answer_policy(call, target, 0));
  warn_of_names(call, &wish);
  return US_OK;
}

static enum us_code put_create(struct us_call *call, const json_t *object, struct us_str id) {
  struct us_cx *cx = &call->cx;
  struct target target = {0};
  US_TRY(find_to_create(call, id, &target));
  enum us_code code = create(call, object, &target);
  if (code == US_E_CONFLICT && call->crest_protocol >= 20) /* a.6: 409 in protocol 1, 412 since */
    return us_fail(cx, US_E_PRECONDITION, "%.*s", US_STR_ARG(cx->err.text));
  return code;
}

static enum us_code put_upsert(struct us_call *call, const json_t *object, struct us_str id) {
  struct target target = {0};
  US_TRY(find_to_create(call, id, &target));
  US_TRY(find_policy(call, &target));
  return target.has_policy ? update(call, object, &target) : create(call, object, &target);
}

enum us_code us_ep_policy_put(struct us_call *call) {
  struct target target = {0};
  struct us_str id;
  enum us_put put;
  json_t *object;
  US_TRY(us_crest_content(call, &object));
  US_TRY(us_crest_put_kind(call, &put));
  US_TRY(read_head(call, object, call->params[1], &id));
  if (put == US_PUT_CREATE)
    return put_create(call, object, id);
  if (put == US_PUT_UPSERT)
    return put_upsert(call, object, id);
  US_TRY(find_to_update(call, id, &target));
  return update(call, object, &target);
}

enum us_code us_ep_policy_create(struct us_call *call) {
  struct target target = {0};
  struct us_str id;
  json_t *object;
  US_TRY(us_crest_content(call, &object));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(read_head(call, object, US_STR_ABSENT, &id));
  US_TRY(find_to_create(call, id, &target));
  return create(call, object, &target);
}

enum us_code us_ep_policy_read(struct us_call *call) {
  struct target target = {0};
  bool is_same = false;
  US_TRY(find_both(call, call->params[1], &target));
  US_TRY(us_crest_check_read(call, target.policy.rev, &is_same));
  if (!is_same)
    return answer_policy(call, &target, US_POLICY_WITH_NAME);
  us_answer_empty(call, 304);
  us_answer_etag(call, target.policy.rev, false);
  return US_OK;
}

enum us_code us_ep_policy_delete(struct us_call *call) {
  struct target target = {0};
  struct us_json_writer w;
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(find_to_update(call, call->params[1], &target));
  US_TRY(us_crest_check_if_match(call, target.policy.rev));
  US_TRY(us_policy_remove(&call->cx, &target.policy));
  us_answer_json(call, 200, &w); /* {} and not the object: as documented (c.2) */
  us_json_open(&w, '{');
  us_json_close(&w, '}');
  return US_OK;
}
