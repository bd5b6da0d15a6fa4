/*
 * Queries of policies (REST contract c.7): resourceServer and permissions/subject with eq, combined by AND, OR, ! and brackets.
 *
 * The filter's comparisons become places: up to eight subjects and eight resource servers. The scan hands over each policy of
 * the user as bits (names subject 3, is at server 0), the filter is evaluated here, and only the ids of one page are kept. A
 * filter that is true for everything is not scanned to its end: the rest is counted by index.
 */
#include "base/mem.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/policy_view.h"
#include "endpoint/crest/query.h"
#include "endpoint/crest/request.h"

struct search {
  struct us_call *call;
  struct us_policy_scan scan;
  struct us_query query;
  unsigned subjects, servers; /* bits of the policy that is looked at */
  int64_t *ids;               /* of the page */
  size_t id_count;
  int64_t matched;
  bool only_page; /* everything matches: stop when the page is full */
};

/* Gives a comparison its place; comparisons of the same value share one. */
static enum us_code take_place(struct us_cx *cx, struct us_str *places, size_t count, struct us_filter *comparison,
                               bool fold) {
  for (size_t i = 0; i < count; i++) {
    bool is_same = fold ? us_str_eq_nocase(places[i], comparison->text) : us_str_eq(places[i], comparison->text);
    if (places[i].p != NULL && !is_same)
      continue;
    places[i] = comparison->text;
    comparison->slot = (unsigned)i;
    return US_OK;
  }
  return us_fail(cx, US_E_INVALID_REQUEST, "The filter compares '%.*s' with more than %d values",
                 US_STR_ARG(us_error_safe(cx, comparison->field)), (int)count);
}

static bool is_subject(const struct us_filter *comparison) {
  return us_str_eq(comparison->field, US_STR("permissions/subject"));
}

static enum us_code check_comparison(struct us_cx *cx, void *self, struct us_filter *comparison) {
  struct search *search = self;
  bool is_server = us_str_eq(comparison->field, US_STR("resourceServer"));
  if (!is_server && !is_subject(comparison))
    return us_query_refuse_field(search->call, comparison);
  if (comparison->op != US_OP_EQ)
    return us_query_refuse_operator(search->call, comparison);
  if (comparison->value_kind != US_FILTER_STRING) /* equals no text */
    return US_OK;
  if (is_server)
    return take_place(cx, search->scan.servers, US_POLICY_SCAN_SERVERS_MAX, comparison, false);
  return take_place(cx, search->scan.subjects, US_POLICY_SCAN_SUBJECTS_MAX, comparison, true);
}

static bool comparison_holds(void *self, const struct us_filter *comparison) {
  const struct search *search = self;
  if (comparison->value_kind != US_FILTER_STRING)
    return false;
  unsigned bits = is_subject(comparison) ? search->subjects : search->servers;
  return (bits >> comparison->slot & 1) != 0;
}

static bool see(void *self, int64_t policy_id, unsigned subjects, unsigned servers) {
  struct search *search = self;
  search->subjects = subjects;
  search->servers = servers;
  if (!us_filter_matches(search->query.filter, comparison_holds, search))
    return true;
  int64_t place = search->matched++ - search->query.offset;
  if (place >= 0 && place < search->query.page_size)
    search->ids[search->id_count++] = policy_id;
  return !search->only_page || place + 1 < search->query.page_size;
}

/* policyId names a policy alone, so keys behind it order nothing; behind name only policyId does (c.7). */
static enum us_code read_order(struct search *search) {
  struct us_policy_scan *scan = &search->scan;
  bool is_settled = false;
  for (size_t i = 0; i < search->query.key_count; i++) {
    const struct us_sort_key *key = &search->query.keys[i];
    bool is_id = us_str_eq(key->field, US_STR("policyId"));
    if (!is_id && !us_str_eq(key->field, US_STR("name")))
      return us_query_refuse_sort(search->call, key);
    if (is_settled)
      continue;
    if (scan->sort == US_POLICY_UNSORTED) {
      scan->sort = is_id ? US_POLICY_SORT_ID : US_POLICY_SORT_NAME;
      scan->descending = key->descending;
    } else if (is_id) {
      scan->id_descending = key->descending;
    }
    is_settled = is_id;
  }
  return US_OK;
}

static enum us_code run(struct search *search) {
  struct us_cx *cx = &search->call->cx;
  int always = us_filter_constant(search->query.filter);
  if (always == 0)
    return US_OK;
  search->only_page = always == 1;
  US_TRY(us_policy_scan(cx, &search->scan));
  return always == 1 ? us_policy_count(cx, search->scan.sharer_id, &search->matched) : US_OK;
}

struct writing {
  struct us_cx *cx;
  const struct us_shape *shape;
  struct us_json_writer w;
  int64_t written;
  enum us_code code;
};

static bool write_item(void *self, const struct us_policy_text *policy) {
  struct writing *writing = self;
  struct us_shaping shaping;
  us_policy_write(us_shape_begin(&shaping, writing->shape, &writing->w), policy,
                  US_POLICY_WITH_NAME); /* no _rev in queries (c.2) */
  writing->code = us_shape_end(writing->cx, &shaping);
  writing->written++;
  return writing->code == US_OK && us_query_has_room(&writing->w);
}

enum us_code us_ep_policy_query(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct search search = {.call = call};
  struct writing writing = {.cx = cx, .shape = &search.query.shape, .code = US_OK};
  US_TRY(
      us_query_read(call, us_str_fmt(cx->mem, "users/%.*s/uma/policies", US_STR_ARG(call->params[0])), &search.query));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  search.scan.realm_id = call->realm->id;
  search.scan.sharer_id = call->user.id;
  search.scan.seen = see;
  search.scan.self = &search;
  US_TRY(us_filter_check(cx, search.query.filter, check_comparison, &search));
  US_TRY(read_order(&search));
  search.ids = US_NEW_ARRAY(cx->mem, int64_t, (size_t)search.query.page_size);
  if (search.ids == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(run(&search));
  us_query_open(call, &writing.w);
  US_TRY(us_policy_texts(cx, search.ids, search.id_count, write_item, &writing));
  US_TRY(writing.code);
  us_query_close(call, &writing.w, &search.query, writing.written, search.matched);
  return US_OK;
}
