/*
 * /json/users/{user}/uma/shares: everything that is shared, in one list (design 6, ours). It shows; what it shows is changed by the
 * policies and pending requests that it comes from.
 */
#include "domain/shares.h"

#include <string.h>

#include "base/mem.h"
#include "domain/set.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/query.h"
#include "endpoint/crest/request.h"

/* Stored as {"type":"AND","conditions":[...]}; shown as two members, also when there are none. */
static void write_conditions(struct us_json_writer *w, struct us_str text) {
  static const char and_head[] = "{\"type\":\"AND\",\"conditions\":", or_head[] = "{\"type\":\"OR\",\"conditions\":";
  bool is_or = us_str_starts(text, us_str_c(or_head));
  size_t head = (is_or ? sizeof(or_head) : sizeof(and_head)) - 1;
  us_json_name(w, "type");
  us_json_c(w, is_or ? "OR" : "AND");
  us_json_name(w, "conditions");
  us_json_raw(w, text.n > head ? (struct us_str){text.p + head, text.n - head - 1} : US_STR("[]"));
}

static void write_shared(struct us_json_writer *w, struct us_str direction, const struct us_shared *shared) {
  us_json_open(w, '{');
  us_json_member(w, "_id", shared->id);
  us_json_member(w, "direction", direction);
  us_json_member(w, "resourceId", shared->resource_id);
  us_json_member(w, "resourceName", shared->resource_name);
  us_json_member(w, "resourceServer", shared->resource_server);
  us_json_member(w, "owner", shared->owner);
  us_json_member(w, "sharer", shared->sharer);
  us_json_member(w, "subject", shared->subject);
  us_json_name(w, "scopes");
  us_json_strs(w, shared->scopes);
  if (shared->inactive.n > 0 && shared->is_active) { /* a part of it was lost on the way */
    us_json_name(w, "inactiveScopes");
    us_json_strs(w, shared->inactive);
  }
  write_conditions(w, shared->conditions);
  us_json_member_i64(w, "since", shared->since_ms);
  us_json_name(w, "until");
  if (shared->until_ms == 0)
    us_json_null(w);
  else
    us_json_i64(w, shared->until_ms);
  us_json_name(w, "active");
  us_json_bool(w, shared->is_active);
  us_json_close(w, '}');
}

struct writing {
  struct us_json_writer w;
  const struct us_shape *shape;
  struct us_str direction;
  enum us_code code;
};

static bool write_item(struct us_cx *cx, void *self, const struct us_shared *shared) {
  struct writing *writing = self;
  struct us_shaping shaping;
  write_shared(us_shape_begin(&shaping, writing->shape, &writing->w), writing->direction, shared);
  writing->code = us_shape_end(cx, &shaping);
  return writing->code == US_OK && us_query_has_room(&writing->w);
}

/* `direction` is question enough: without a filter everything in it is meant. */
static enum us_code add_filter(struct us_call *call) {
  static const char *const asked[] = {"_queryFilter", "_queryId", "_queryExpression"};
  for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
    if (us_params_get_nocase(&call->query, asked[i]).p != NULL)
      return US_OK;
  }
  struct us_param *params = US_NEW_ARRAY(call->cx.mem, struct us_param, call->query.n + 1);
  if (params == NULL)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  memcpy(params, call->query.v, call->query.n * sizeof(params[0]));
  params[call->query.n] = (struct us_param){US_STR("_queryFilter"), US_STR("true")};
  call->query = (struct us_params){params, call->query.n + 1};
  return US_OK;
}

enum us_code us_ep_shares_query(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_str name = us_params_get(&call->query, "direction");
  enum us_direction direction;
  struct us_viewer viewer;
  struct us_query query;
  struct us_list_end end;
  if (!us_direction_parse(name, &direction))
    return us_fail(cx, US_E_INVALID_REQUEST, "The parameter 'direction' must be byMe, withMe or waiting");
  US_TRY(add_filter(call));
  /* The direction belongs to the question that a cookie is bound to. */
  struct us_str collection =
      us_str_fmt(cx->mem, "users/%.*s/uma/shares?direction=%.*s", US_STR_ARG(call->params[0]), US_STR_ARG(name));
  US_TRY(us_query_read(call, collection, us_direction_list(direction), &query));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_viewer_of(cx, call->realm, &call->user, &viewer));
  struct writing writing = {.shape = &query.shape, .direction = name, .code = US_OK};
  us_query_open(call, &writing.w);
  US_TRY(us_shares_query(cx, &viewer, direction, &query.list, write_item, &writing, &end));
  if (writing.code != US_OK)
    return us_fail_plain(cx, writing.code);
  return us_query_close(call, &writing.w, &query, &end);
}
