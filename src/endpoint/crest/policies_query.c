/* Queries of policies (REST contract c.7): resourceServer and permissions/subject with eq, combined by AND, OR, ! and brackets. */
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

static bool write_item(void *self, const struct us_policy_text *policy) {
  struct writing *writing = self;
  struct us_shaping shaping;
  us_policy_write(us_shape_begin(&shaping, writing->shape, &writing->w), policy,
                  US_POLICY_WITH_NAME); /* no _rev in queries (c.2) */
  writing->code = us_shape_end(writing->cx, &shaping);
  return writing->code == US_OK && us_query_has_room(&writing->w);
}

enum us_code us_ep_policy_query(struct us_call *call) {
  struct us_query query;
  struct us_list_end end;
  struct writing writing = {.cx = &call->cx, .shape = &query.shape, .code = US_OK};
  US_TRY(us_query_read(call, us_str_fmt(call->cx.mem, "users/%.*s/uma/policies", US_STR_ARG(call->params[0])),
                       &us_policies_list, &query));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  us_query_open(call, &writing.w);
  US_TRY(us_policy_page(&call->cx, call->user.id, &query.list, write_item, &writing, &end));
  US_TRY(writing.code);
  return us_query_close(call, &writing.w, &query, &end);
}
