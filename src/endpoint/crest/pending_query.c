/* Queries of pending requests (REST contract f.3): any field of f.1 filters and sorts. */
#include "domain/pending.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/pending_view.h"
#include "endpoint/crest/query.h"
#include "endpoint/crest/request.h"

void us_pending_write(struct us_json_writer *w, const struct us_pending *pending, struct us_str rev) {
  us_json_open(w, '{');
  us_json_member(w, "_id", pending->uuid);
  us_json_member(w, "_rev", rev); /* on read only (f.1) */
  us_json_member(w, "user", pending->party_name);
  us_json_member(w, "resource", pending->resource_name);
  us_json_member_i64(w, "when", pending->created_ms);
  us_json_name(w, "permissions");
  us_json_strs(w, pending->scopes);
  us_json_close(w, '}');
}

struct writing {
  struct us_cx *cx;
  const struct us_shape *shape;
  struct us_json_writer w;
  enum us_code code;
};

/* Items are written as they come by, so nothing is kept. */
static bool write_item(void *self, const struct us_pending *pending) {
  struct writing *writing = self;
  struct us_shaping shaping;
  us_pending_write(us_shape_begin(&shaping, writing->shape, &writing->w), pending, US_STR_ABSENT);
  writing->code = us_shape_end(writing->cx, &shaping);
  return writing->code == US_OK && us_query_has_room(&writing->w);
}

enum us_code us_ep_pending_query(struct us_call *call) {
  struct us_query query;
  struct us_list_end end;
  struct writing writing = {.cx = &call->cx, .shape = &query.shape, .code = US_OK};
  US_TRY(us_query_read(call, us_str_fmt(call->cx.mem, "users/%.*s/uma/pendingrequests", US_STR_ARG(call->params[0])),
                       &us_pendings_list, &query));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  us_query_open(call, &writing.w);
  US_TRY(us_pending_page(&call->cx, call->user.id, &query.list, write_item, &writing, &end));
  US_TRY(writing.code);
  return us_query_close(call, &writing.w, &query, &end);
}
