/*
 * /users/{user}/uma/auditHistory: what happened to somebody's resources (REST contract g), as a query or as the action
 * getHistory, which takes the same parameters. Nobody writes or removes lines here.
 */
#include "domain/audit.h"

#include "endpoint/crest/crest.h"
#include "endpoint/crest/policy_view.h"
#include "endpoint/crest/query.h"
#include "endpoint/crest/request.h"

struct writing {
  struct us_cx *cx;
  const struct us_shape *shape;
  struct us_json_writer w;
  enum us_code code;
};

static void write_line(struct us_cx *cx, struct us_json_writer *w, const struct us_audit_line *line) {
  us_json_open(w, '{');
  us_json_member(w, "_id", us_rev_text(cx, line->id)); /* a number in decimal, too */
  us_json_member(w, "resourceSetId", line->resource_uuid);
  us_json_member(w, "resourceSetName", line->resource_name);
  us_json_member(w, "requestingPartyId", line->party_name);
  us_json_member(w, "type", us_str_c(us_audit_kind_text(line->kind)));
  us_json_member_i64(w, "eventTime", line->event_ms);
  us_json_close(w, '}');
}

static bool write_item(void *self, const struct us_audit_line *line) {
  struct writing *writing = self;
  struct us_shaping shaping;
  write_line(writing->cx, us_shape_begin(&shaping, writing->shape, &writing->w), line);
  writing->code = us_shape_end(writing->cx, &shaping);
  return writing->code == US_OK && us_query_has_room(&writing->w);
}

enum us_code us_ep_audit_query(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_query query;
  struct us_list_end end;
  struct writing writing = {.cx = cx, .shape = &query.shape, .code = US_OK};
  US_TRY(us_query_read(call, us_str_fmt(cx->mem, "users/%.*s/uma/auditHistory", US_STR_ARG(call->params[0])),
                       &us_audit_list, &query));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  us_query_open(call, &writing.w);
  US_TRY(us_audit_page(cx, &call->user, &query.list, write_item, &writing, &end));
  US_TRY(writing.code);
  return us_query_close(call, &writing.w, &query, &end);
}

enum us_code us_ep_audit_get_history(struct us_call *call) {
  json_t *object;
  US_TRY(us_crest_action_body(call, &object)); /* says nothing, but must be one */
  return us_ep_audit_query(call);
}
