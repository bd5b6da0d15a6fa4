/*
 * POST /users/{user}/uma/policies?_action=evaluate {"policyId","subject","scopes","clientId"?}: may somebody do this, and why, or why
 * not? {user} owns the resource or shares it. Nothing is written by it: no use is counted, no history line is made.
 */
#include "endpoint/crest/crest.h"
#include "endpoint/crest/explanation.h"
#include "endpoint/crest/request.h"

struct question {
  struct us_str policy_id, subject, client_id;
  struct us_strs scopes;
};
static const struct us_field question_fields[] = {
    {.name = "policyId",
     .kind = US_FIELD_STRING,
     .offset = offsetof(struct question, policy_id),
     .flags = US_FIELD_REQUIRED | US_FIELD_NOT_EMPTY,
     .max = 1024},
    {.name = "subject",
     .kind = US_FIELD_STRING,
     .offset = offsetof(struct question, subject),
     .flags = US_FIELD_REQUIRED | US_FIELD_NOT_EMPTY | US_FIELD_NO_CONTROLS,
     .max = 255},
    {.name = "scopes",
     .kind = US_FIELD_STRINGS,
     .offset = offsetof(struct question, scopes),
     .flags = US_FIELD_REQUIRED | US_FIELD_NOT_EMPTY | US_FIELD_UNIQUE,
     .max = US_EXPLAIN_SCOPES_MAX,
     .item_max = 255},
    {.name = "clientId",
     .kind = US_FIELD_STRING,
     .offset = offsetof(struct question, client_id),
     .flags = US_FIELD_NOT_EMPTY,
     .max = 255},
};
static const struct us_field_table question_table = {.size = sizeof(struct question), US_FIELDS(question_fields)};

static void write_step(struct us_json_writer *w, const struct us_explain_step *step) {
  us_json_open(w, '{');
  if (step->sharer.p == NULL) { /* somebody else's, of which the sharer who asks is not told */
    us_json_name(w, "hidden");
    us_json_bool(w, true);
  }
  us_json_member(w, "sharer", step->sharer);
  us_json_member(w, "subject", step->subject);
  us_json_member(w, "entry", step->entry);
  if (step->conditions.n > 0) {
    us_json_name(w, "condition");
    us_json_raw(w, step->conditions);
    us_json_name(w, "holds");
    us_json_open(w, '[');
    for (size_t i = 0; i < step->condition_count; i++)
      us_json_bool(w, step->holds[i]);
    us_json_close(w, ']');
  }
  us_json_close(w, '}');
}

static void write_trace(struct us_json_writer *w, const struct us_explain_trace *trace, size_t *room) {
  size_t n = trace->path_count < *room ? trace->path_count : *room;
  *room -= n;
  us_json_open(w, '{');
  us_json_name(w, "scopes");
  us_json_strs(w, trace->scopes);
  us_json_name(w, "reason");
  us_json_c(w, us_reason_text(trace->reason));
  if (trace->until_s != 0)
    us_json_member_i64(w, "until", trace->until_s);
  us_json_name(w, "path");
  us_json_open(w, '[');
  for (size_t i = 0; i < n; i++)
    write_step(w, trace->path[i]);
  us_json_close(w, ']');
  if (n < trace->path_count)
    us_json_member_i64(w, "omitted", (int64_t)(trace->path_count - n));
  us_json_close(w, '}');
}

void us_explanation_write(struct us_json_writer *w, const struct us_explanation *explanation) {
  size_t room = US_EXPLANATION_STEPS_MAX;
  us_json_open(w, '{');
  us_json_name(w, "granted");
  us_json_strs(w, explanation->granted);
  us_json_name(w, "denied");
  us_json_open(w, '[');
  for (size_t i = 0; i < explanation->denied.n; i++) {
    us_json_open(w, '{');
    us_json_member(w, "scope", explanation->denied.v[i]);
    us_json_name(w, "reason");
    us_json_c(w, us_reason_text(explanation->denied_reasons[i]));
    us_json_close(w, '}');
  }
  us_json_close(w, ']');
  us_json_name(w, "trace");
  us_json_open(w, '[');
  for (size_t i = 0; i < explanation->trace_count; i++)
    write_trace(w, &explanation->traces[i], &room);
  us_json_close(w, ']');
  us_json_close(w, '}');
}

enum us_code us_ep_policy_evaluate(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct question question = {0};
  struct us_explanation explanation;
  struct us_json_writer w;
  json_t *object;
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_crest_action_body(call, &object));
  US_TRY(us_field_from_json(cx, &question_table, object, &question));
  struct us_explain_request request = {
      .realm = call->realm,
      .resource_uuid = question.policy_id,
      .sharer_id = call->user.id,
      .subject = question.subject,
      .scopes = question.scopes,
      .client_id = question.client_id,
  };
  enum us_code code = us_explain(cx, &request, &explanation);
  if (code == US_E_NOT_FOUND)
    return us_fail(cx, US_E_NOT_FOUND, "UMA Policy not found, %.*s", US_STR_ARG(question.policy_id));
  US_TRY(code);
  us_answer_json(call, 200, &w);
  us_explanation_write(&w, &explanation);
  return US_OK;
}
