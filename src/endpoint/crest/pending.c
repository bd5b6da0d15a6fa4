/*
 * /users/{user}/uma/pendingrequests: what others asked the owner for (REST contract f). {user} is the resource owner; a request
 * of anybody else's is not there (404). Approving grants exactly what the body says, or what was asked for.
 */
#include "domain/pending.h"

#include "endpoint/crest/crest.h"
#include "endpoint/crest/policy_view.h"
#include "endpoint/crest/query.h"
#include "endpoint/crest/request.h"

static enum us_code not_found(struct us_call *call) {
  return us_fail(&call->cx, US_E_NOT_FOUND, "Pending request, %.*s, not found", US_STR_ARG(call->params[1]));
}

static enum us_code find(struct us_call *call, struct us_pending *ret_pending) {
  enum us_code code = us_pending_find(&call->cx, call->user.id, call->params[1], ret_pending);
  return code == US_E_NOT_FOUND ? not_found(call) : code;
}

static void write_pending(struct us_json_writer *w, const struct us_pending *pending, struct us_str rev) {
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
  write_pending(us_shape_begin(&shaping, &shape, &w), &pending, us_rev_text(&call->cx, pending.rev));
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

/* The fields of f.1, for filters and sorting. Names of people and resources compare without case, ids and scopes with (a.9). */
static const struct {
  const char *name;
  int key;
} fields[] = {
    {"_id", US_PENDING_BY_ID},
    {"user", US_PENDING_BY_USER},
    {"resource", US_PENDING_BY_RESOURCE},
    {"permissions", US_PENDING_BY_PERMISSIONS},
    {"when", US_PENDING_BY_WHEN},
};

static int key_of(struct us_str field) {
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
    if (us_str_eq_c(field, fields[i].name))
      return fields[i].key;
  }
  return US_PENDING_UNSORTED;
}

struct search {
  struct us_call *call;
  struct us_query query;
  struct us_pending_order order[US_PENDING_KEYS_MAX];
  const struct us_pending *seen;
  struct us_json_writer w;
  int64_t matched, written;
  enum us_code code;
  bool is_full;
  bool only_page; /* everything matches: stop when the page is full, the rest is counted by index */
};

static enum us_code check_comparison(struct us_cx *cx, void *self, struct us_filter *comparison) {
  const struct search *search = self;
  (void)cx;
  comparison->slot = (unsigned)key_of(comparison->field);
  if (comparison->slot == US_PENDING_UNSORTED)
    return us_query_refuse_field(search->call, comparison);
  return comparison->op == US_OP_OTHER ? us_query_refuse_operator(search->call, comparison) : US_OK;
}

/* A pointer that lands on an array matches when any element does. */
static bool any_scope_holds(const struct us_filter *comparison, struct us_strs scopes) {
  for (size_t i = 0; i < scopes.n; i++) {
    if (us_filter_text_holds(comparison, scopes.v[i], false))
      return true;
  }
  return false;
}

static bool comparison_holds(void *self, const struct us_filter *comparison) {
  const struct us_pending *pending = ((const struct search *)self)->seen;
  switch (comparison->slot) {
  case US_PENDING_BY_ID:
    return us_filter_text_holds(comparison, pending->uuid, false);
  case US_PENDING_BY_USER:
    return us_filter_text_holds(comparison, pending->party_name, true);
  case US_PENDING_BY_RESOURCE:
    return us_filter_text_holds(comparison, pending->resource_name, true);
  case US_PENDING_BY_WHEN:
    return us_filter_number_holds(comparison, pending->created_ms);
  default:
    return any_scope_holds(comparison, pending->scopes);
  }
}

/* Items of the page are written as they come by, so nothing is kept. */
static bool see(void *self, const struct us_pending *pending) {
  struct search *search = self;
  search->seen = pending;
  if (!us_filter_matches(search->query.filter, comparison_holds, search))
    return true;
  int64_t place = search->matched++ - search->query.offset;
  if (place >= 0 && place < search->query.page_size && !search->is_full) {
    struct us_shaping shaping;
    write_pending(us_shape_begin(&shaping, &search->query.shape, &search->w), pending, US_STR_ABSENT);
    search->code = us_shape_end(&search->call->cx, &shaping);
    search->written++;
    search->is_full = search->code != US_OK || !us_query_has_room(&search->w);
  }
  return !search->only_page || (place + 1 < search->query.page_size && !search->is_full);
}

static enum us_code read_order(struct search *search) {
  size_t n = search->query.key_count;
  for (size_t i = 0; i < n; i++) {
    const struct us_sort_key *key = &search->query.keys[i];
    int wanted = key_of(key->field);
    if (wanted == US_PENDING_UNSORTED)
      return us_query_refuse_sort(search->call, key);
    if (i >= US_PENDING_KEYS_MAX)
      return us_fail(&search->call->cx, US_E_INVALID_REQUEST, "The parameter '_sortKeys' has more than %d keys",
                     US_PENDING_KEYS_MAX);
    search->order[i] = (struct us_pending_order){.key = wanted, .descending = key->descending};
  }
  return US_OK;
}

enum us_code us_ep_pending_query(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct search search = {.call = call, .code = US_OK};
  US_TRY(us_query_read(call, us_str_fmt(cx->mem, "users/%.*s/uma/pendingrequests", US_STR_ARG(call->params[0])),
                       &search.query));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_filter_check(cx, search.query.filter, check_comparison, &search));
  US_TRY(read_order(&search));
  int always = us_filter_constant(search.query.filter);
  search.only_page = always == 1;
  us_query_open(call, &search.w);
  if (always != 0)
    US_TRY(us_pending_scan(cx, call->user.id, search.order, see, &search));
  US_TRY(search.code);
  if (always == 1)
    US_TRY(us_pending_count(cx, call->user.id, &search.matched));
  us_query_close(call, &search.w, &search.query, search.written, search.matched);
  return US_OK;
}
