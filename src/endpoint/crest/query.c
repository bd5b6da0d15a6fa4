/* Query parameters and the result envelope: see query.h. */
#include "endpoint/crest/query.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "domain/extension.h"
#include "domain/seal.h"
#include "endpoint/crest/cursor.h"

#define COOKIE_PURPOSE "pagedResultsCookie"
#define INT_MAX_VALUE INT64_C(2147483647) /* the lineage's integers */

static enum us_code read_int(struct us_call *call, const char *name, int64_t *ret_value) {
  struct us_str text = us_params_get_nocase(&call->query, name);
  struct us_str digits = text;
  uint64_t value = 0;
  if (text.p == NULL)
    return US_OK;
  bool is_negative = digits.n > 1 && digits.p[0] == '-';
  if (is_negative)
    digits = (struct us_str){digits.p + 1, digits.n - 1};
  if (!us_str_to_u64(digits, (uint64_t)INT_MAX_VALUE, &value))
    return us_fail(&call->cx, US_E_INVALID_REQUEST,
                   "The value '%.*s' for parameter '%s' could not be parsed as a valid integer",
                   US_STR_ARG(us_error_safe(&call->cx, text)), name);
  if (is_negative && value != 0)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "The value '%.*s' for parameter '%s' must not be negative",
                   US_STR_ARG(us_error_safe(&call->cx, text)), name);
  *ret_value = (int64_t)value;
  return US_OK;
}

static struct us_str parameter(const struct us_call *call, const char *name) {
  return us_params_get_nocase(&call->query, name);
}

static bool wants(const struct us_call *call, const char *name) {
  return us_str_eq_nocase(parameter(call, name), US_STR("true"));
}

static enum us_code read_total_policy(struct us_call *call, struct us_list_query *list) {
  struct us_str text = parameter(call, "_totalPagedResultsPolicy");
  list->wants_total = us_str_eq_nocase(text, US_STR("EXACT")) || us_str_eq_nocase(text, US_STR("ESTIMATE"));
  list->counts_only = call->crest_protocol >= 22 && wants(call, "_countOnly"); /* a.3 */
  if (text.p == NULL || list->wants_total || us_str_eq_nocase(text, US_STR("NONE")))
    return US_OK;
  return us_fail(&call->cx, US_E_INVALID_REQUEST,
                 "The value '%.*s' for parameter '_totalPagedResultsPolicy' must be NONE, ESTIMATE or EXACT",
                 US_STR_ARG(us_error_safe(&call->cx, text)));
}

static enum us_code read_paging(struct us_call *call, struct us_query *query) {
  struct us_list_query *list = &query->list;
  bool has_cookie = parameter(call, "_pagedResultsCookie").n > 0; /* an empty one: the first page */
  bool has_offset = parameter(call, "_pagedResultsOffset").p != NULL;
  US_TRY(read_int(call, "_pageSize", &list->page_size));
  US_TRY(read_int(call, "_pagedResultsOffset", &list->offset));
  if (has_cookie && has_offset)
    return us_fail(&call->cx, US_E_INVALID_REQUEST,
                   "The parameters _pagedResultsCookie and _pagedResultsOffset are mutually exclusive");
  if (has_cookie && list->page_size == 0)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "The parameter _pagedResultsCookie needs _pageSize");
  query->offers_cookie = list->page_size > 0 && !has_offset;
  if (list->page_size == 0 || list->page_size > US_QUERY_PAGE_MAX)
    list->page_size = US_QUERY_PAGE_MAX;
  return US_OK;
}

static const struct us_list_field *find_field(const struct us_list *list, struct us_str name) {
  for (size_t i = 0; i < list->field_count; i++) {
    if (us_str_eq_c(name, list->fields[i].name))
      return &list->fields[i];
  }
  return NULL;
}

/* A field that was a key before orders nothing any more. */
static bool is_key(const struct us_list_query *list, unsigned field) {
  for (size_t i = 0; i < list->key_count; i++) {
    if (list->keys[i].field == field)
      return true;
  }
  return false;
}

static enum us_code add_sort_key(struct us_cx *cx, struct us_list_query *list, struct us_str name, bool descending) {
  const struct us_list_field *field = find_field(list->list, name);
  if (field == NULL || field->order == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "'%.*s' not sortable", US_STR_ARG(us_error_safe(cx, name)));
  unsigned index = (unsigned)(field - list->list->fields);
  if (is_key(list, index))
    return US_OK;
  if (list->key_count == US_LIST_KEYS_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "The parameter '_sortKeys' has more than %d keys", US_LIST_KEYS_MAX);
  list->keys[list->key_count++] = (struct us_list_key){index, descending};
  return US_OK;
}

static enum us_code read_sort_keys(struct us_call *call, struct us_list_query *list) {
  struct us_cx *cx = &call->cx;
  struct us_str text = parameter(call, "_sortKeys");
  struct us_strs parts = {0};
  if (text.n > 0 && !us_str_split(cx->mem, text, ',', US_QUERY_SORT_KEYS_MAX, &parts))
    return us_fail(cx, US_E_INVALID_REQUEST, "The parameter '_sortKeys' has more than %d keys", US_QUERY_SORT_KEYS_MAX);
  for (size_t i = 0; i < parts.n; i++) {
    struct us_str part = parts.v[i];
    bool descending = part.p[0] == '-';
    if (descending || part.p[0] == '+' || part.p[0] == ' ') /* a plus sign that was not encoded reads as a blank */
      part = (struct us_str){part.p + 1, part.n - 1};
    if (part.n > 0 && part.p[0] == '/')
      part = (struct us_str){part.p + 1, part.n - 1};
    if (part.n == 0)
      return us_fail(cx, US_E_INVALID_REQUEST, "The value '%.*s' for parameter '_sortKeys' could not be parsed",
                     US_STR_ARG(us_error_safe(cx, text)));
    US_TRY(add_sort_key(cx, list, part, descending));
  }
  if (list->key_count == 0 && list->list->newest_first != NULL)
    US_TRY(add_sort_key(cx, list, us_str_c(list->list->newest_first), true));
  return list->list->last_key == NULL ? US_OK : add_sort_key(cx, list, us_str_c(list->list->last_key), false);
}

/* Which of the three ways to query: _queryFilter everywhere, _queryId=* where the list knows it. */
static enum us_code check_kind(struct us_call *call, struct us_str collection, struct us_query *query) {
  struct us_cx *cx = &call->cx;
  struct us_str id = parameter(call, "_queryId");
  bool has_filter = parameter(call, "_queryFilter").p != NULL;
  bool has_expression = parameter(call, "_queryExpression").p != NULL;
  bool takes_id = query->list.list->takes_query_id;
  if (has_filter + (id.p != NULL) + has_expression > 1)
    return us_fail(cx, US_E_INVALID_REQUEST, "The parameters %s and %s are mutually exclusive",
                   id.p != NULL ? "_queryId" : "_queryExpression", has_filter ? "_queryFilter" : "_queryExpression");
  if (has_expression || (id.p != NULL && !takes_id))
    return us_fail(cx, US_E_NOT_IMPLEMENTED, "Only query filter is supported.");
  if (id.p == NULL && !has_filter)
    return us_fail(cx, US_E_INVALID_REQUEST, "The resource collection %.*s cannot be read", US_STR_ARG(collection));
  query->is_query_id = id.p != NULL;
  if (query->is_query_id && !us_str_eq(id, US_STR("*")))
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid query");
  return US_OK;
}

/* Errors about fields and operators, as the product documents them: a 500 that shows its text, 400 where the realm asks for it
 * (crestQueryErrors=rfc), or a 501. */
static enum us_code refusal_of(const struct us_call *call, const struct us_list *list) {
  switch (list->refusal) {
  case US_LIST_REFUSE_501:
    return US_E_NOT_IMPLEMENTED;
  case US_LIST_REFUSE_400:
    return US_E_INVALID_REQUEST;
  case US_LIST_REFUSE_500:
    break;
  }
  return call->realm->settings.crest_errors_rfc ? US_E_INVALID_REQUEST : US_E_DOCUMENTED_500;
}

struct checking {
  const struct us_call *call;
  const struct us_list *list;
};

static enum us_code check_comparison(struct us_cx *cx, void *self, struct us_filter *comparison) {
  const struct checking *checking = self;
  const struct us_list *list = checking->list;
  const struct us_list_field *field = find_field(list, comparison->field);
  if (field == NULL || field->ops == 0)
    return us_fail(cx, refusal_of(checking->call, list), "'/%.*s' not queryable",
                   US_STR_ARG(us_error_safe(cx, comparison->field)));
  if (comparison->op == US_OP_OTHER || (field->ops & US_LIST_OP(comparison->op)) == 0)
    return us_fail(cx, refusal_of(checking->call, list), "'%.*s' not supported",
                   US_STR_ARG(us_error_safe(cx, comparison->op_text)));
  comparison->slot = (unsigned)(field - list->fields);
  return US_OK;
}

static enum us_code parse_filter(struct us_cx *cx, struct us_str text, struct checking *checking,
                                 struct us_filter **ret_filter) {
  US_TRY(us_filter_parse(cx, text, ret_filter));
  return us_filter_check(cx, *ret_filter, check_comparison, checking);
}

static enum us_code read_filter(struct us_call *call, struct us_query *query) {
  struct us_cx *cx = &call->cx;
  struct checking checking = {call, query->list.list};
  struct us_str text = query->is_query_id ? US_STR("true") : parameter(call, "_queryFilter");
  bool is_edited = false;
  US_TRY(parse_filter(cx, text, &checking, &query->list.filter));
  if (query->is_query_id || !query->list.list->asks_plugins)
    return US_OK;
  US_TRY(us_extension_before_query(cx, call->user.name, &text, &is_edited));
  if (is_edited && parse_filter(cx, text, &checking, &query->list.filter) != US_OK)
    return us_extension_invalid(cx, "filter");
  return US_OK;
}

/* The account that asks; with a PAT the one that it stands for. */
static int64_t asking_account(const struct us_call *call) {
  switch (call->caller.kind) {
  case US_CALLER_SESSION:
    return call->caller.login.account.id;
  case US_CALLER_PAT:
    return call->caller.pat.token.account_id;
  default:
    return 0;
  }
}

/* All that a page's place depends on, and who may ask for the next: lengths first, so that no two questions have one text. */
static enum us_code digest_question(struct us_call *call, struct us_str collection, struct us_query *query) {
  struct us_str filter = parameter(call, query->is_query_id ? "_queryId" : "_queryFilter");
  struct us_str keys = parameter(call, "_sortKeys");
  struct us_str text =
      us_str_fmt(call->cx.mem, "%zu:%.*s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%d,%zu:%.*s,%zu:%.*s", collection.n,
                 US_STR_ARG(collection), call->realm->id, call->user.id, asking_account(call), query->is_query_id,
                 filter.n, US_STR_ARG(filter), keys.n, US_STR_ARG(keys));
  if (text.p == NULL)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  us_sha256_text(text, query->question);
  return US_OK;
}

static enum us_code read_cookie(struct us_call *call, struct us_query *query) {
  struct us_cx *cx = &call->cx;
  struct us_str cookie = parameter(call, "_pagedResultsCookie");
  struct us_str text = US_STR_ABSENT;
  if (cookie.n == 0)
    return US_OK;
  enum us_code code = us_unseal(cx, COOKIE_PURPOSE, cookie, &text);
  if (code == US_OK)
    code = us_cursor_read(cx, text, query->question, query->list.key_count, &query->after);
  if (code == US_E_NOT_FOUND)
    return us_fail(cx, US_E_INVALID_REQUEST, "The value for parameter '_pagedResultsCookie' is not valid here");
  US_TRY(code);
  query->list.after = &query->after;
  return US_OK;
}

enum us_code us_query_read(struct us_call *call, struct us_str collection, const struct us_list *list,
                           struct us_query *ret_query) {
  *ret_query = (struct us_query){.list.list = list};
  US_TRY(check_kind(call, collection, ret_query));
  US_TRY(read_paging(call, ret_query));
  US_TRY(read_total_policy(call, &ret_query->list));
  US_TRY(us_shape_read(call, &ret_query->shape));
  US_TRY(read_filter(call, ret_query));
  US_TRY(read_sort_keys(call, &ret_query->list));
  US_TRY(digest_question(call, collection, ret_query));
  return read_cookie(call, ret_query);
}

void us_query_open(struct us_call *call, struct us_json_writer *ret_writer) {
  us_answer_json(call, 200, ret_writer);
  us_json_open(ret_writer, '{');
  us_json_name(ret_writer, "result");
  us_json_open(ret_writer, '[');
}

bool us_query_has_room(const struct us_json_writer *w) {
  return us_buf_str(w->out).n < US_QUERY_BYTES_MAX;
}

/* Absent: no cookie. Keys too long for one are paged by offset. */
static enum us_code make_cookie(struct us_call *call, const struct us_query *query, const struct us_list_end *end,
                                struct us_str *ret_cookie) {
  struct us_cx *cx = &call->cx;
  *ret_cookie = US_STR_ABSENT;
  if (!query->offers_cookie || end->remaining == 0)
    return US_OK;
  struct us_str text = us_cursor_write(cx, query->question, &end->last, query->list.key_count, US_SEAL_PAYLOAD_MAX);
  return text.p != NULL ? us_seal(cx, COOKIE_PURPOSE, text, ret_cookie) : US_OK;
}

enum us_code us_query_close(struct us_call *call, struct us_json_writer *w, const struct us_query *query,
                            const struct us_list_end *end) {
  struct us_str cookie;
  bool counts_only = query->list.counts_only;
  US_TRY(make_cookie(call, query, end, &cookie));
  us_json_close(w, ']');
  us_json_member_i64(w, "resultCount", counts_only ? end->total : end->written);
  us_json_name(w, "pagedResultsCookie");
  if (cookie.p != NULL)
    us_json_str(w, cookie);
  else
    us_json_null(w);
  if (call->crest_protocol >= 20) { /* protocol 1 has four members only (a.10) */
    us_json_name(w, "totalPagedResultsPolicy");
    us_json_c(w, query->list.wants_total || counts_only ? "EXACT" : "NONE");
    us_json_member_i64(w, "totalPagedResults", end->total);
  }
  us_json_member_i64(w, "remainingPagedResults", end->remaining);
  us_json_close(w, '}');
  return US_OK;
}
