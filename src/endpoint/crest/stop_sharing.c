/*
 * POST /users/{user}/uma/policies?_action=stopSharingWith {"subject":"bob"}: ends every share of {user} with one person or group,
 * of all resources, in one transaction (issue: more than the original). What that person shared on is inactive from then on, and
 * introspection shows it at once, as after any other change of a policy.
 */
#include "domain/entry.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/request.h"

struct stop {
  struct us_str subject;
};
static const struct us_field stop_fields[] = {
    {.name = "subject",
     .kind = US_FIELD_STRING,
     .offset = offsetof(struct stop, subject),
     .flags = US_FIELD_REQUIRED | US_FIELD_NOT_EMPTY | US_FIELD_NO_CONTROLS,
     .max = US_SHARE_SUBJECT_MAX_BYTES},
};
static const struct us_field_table stop_table = {.size = sizeof(struct stop), US_FIELDS(stop_fields)};

enum us_code us_ep_policy_stop_sharing(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct stop stop = {0};
  struct us_json_writer w;
  int64_t count = 0;
  json_t *object;
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_crest_action_body(call, &object));
  US_TRY(us_field_from_json(cx, &stop_table, object, &stop));
  US_TRY(us_share_stop(cx, call->user.id, stop.subject, &count));
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_member_i64(&w, "stopped", count);
  us_json_close(&w, '}');
  return US_OK;
}
