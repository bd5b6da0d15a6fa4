/* Query parameters and the result envelope: see query.h. */
#include "endpoint/crest/query.h"

#include <string.h>

#define INT_MAX_VALUE INT64_C(2147483647) /* the lineage's integers */

/* Names compare without case (a.8), so repeats are looked for without case too. */
static enum us_code check_repeats(struct us_call *call) {
  for (size_t i = 0; i < call->query.n; i++) {
    for (size_t k = 0; k < i; k++) {
      if (us_str_eq_nocase(call->query.v[i].name, call->query.v[k].name))
        return us_fail(&call->cx, US_E_INVALID_REQUEST,
                       "Multiple values provided for the single-valued request parameter '%.*s'",
                       US_STR_ARG(us_error_safe(&call->cx, call->query.v[i].name)));
    }
  }
  return US_OK;
}

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

static enum us_code read_total_policy(struct us_call *call, struct us_query *query) {
  struct us_str text = us_params_get_nocase(&call->query, "_totalPagedResultsPolicy");
  query->wants_total = us_str_eq_nocase(text, US_STR("EXACT")) || us_str_eq_nocase(text, US_STR("ESTIMATE"));
  if (text.p == NULL || query->wants_total || us_str_eq_nocase(text, US_STR("NONE")))
    return US_OK;
  return us_fail(&call->cx, US_E_INVALID_REQUEST,
                 "The value '%.*s' for parameter '_totalPagedResultsPolicy' must be NONE, ESTIMATE or EXACT",
                 US_STR_ARG(us_error_safe(&call->cx, text)));
}

static enum us_code read_paging(struct us_call *call, struct us_query *query) {
  struct us_str cookie = us_params_get_nocase(&call->query, "_pagedResultsCookie");
  US_TRY(read_int(call, "_pageSize", &query->page_size));
  US_TRY(read_int(call, "_pagedResultsOffset", &query->offset));
  if (cookie.n > 0) /* none is given out, so this cannot be one of ours */
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "The value for parameter '_pagedResultsCookie' is not valid here");
  if (query->page_size == 0 || query->page_size > US_QUERY_PAGE_MAX)
    query->page_size = US_QUERY_PAGE_MAX;
  return US_OK;
}

static enum us_code read_sort_keys(struct us_call *call, struct us_query *query) {
  struct us_cx *cx = &call->cx;
  struct us_str text = us_params_get_nocase(&call->query, "_sortKeys");
  struct us_strs parts;
  if (text.n == 0)
    return US_OK;
  if (!us_str_split(cx->mem, text, ',', US_QUERY_SORT_KEYS_MAX, &parts))
    return us_fail(cx, US_E_INVALID_REQUEST, "The parameter '_sortKeys' has more than %d keys", US_QUERY_SORT_KEYS_MAX);
  for (size_t i = 0; i < parts.n; i++) {
    struct us_str part = parts.v[i];
    struct us_sort_key key = {.descending = part.p[0] == '-'};
    if (part.p[0] == '-' || part.p[0] == '+' ||
        part.p[0] == ' ') /* a plus sign that was not encoded reads as a blank */
      part = (struct us_str){part.p + 1, part.n - 1};
    if (part.n > 0 && part.p[0] == '/')
      part = (struct us_str){part.p + 1, part.n - 1};
    if (part.n == 0)
      return us_fail(cx, US_E_INVALID_REQUEST, "The value '%.*s' for parameter '_sortKeys' could not be parsed",
                     US_STR_ARG(us_error_safe(cx, text)));
    key.field = part;
    query->keys[query->key_count++] = key;
  }
  return US_OK;
}

/* Which of the three ways to query; only filters are served here. */
static enum us_code check_kind(struct us_call *call, struct us_str collection) {
  struct us_cx *cx = &call->cx;
  bool has_filter = us_params_get_nocase(&call->query, "_queryFilter").p != NULL;
  bool has_id = us_params_get_nocase(&call->query, "_queryId").p != NULL;
  bool has_expression = us_params_get_nocase(&call->query, "_queryExpression").p != NULL;
  if (has_filter + has_id + has_expression > 1)
    return us_fail(cx, US_E_INVALID_REQUEST, "The parameters %s and %s are mutually exclusive",
                   has_id ? "_queryId" : "_queryExpression", has_filter ? "_queryFilter" : "_queryExpression");
  if (has_id || has_expression)
    return us_fail(cx, US_E_NOT_IMPLEMENTED, "Only query filter is supported.");
  if (!has_filter)
    return us_fail(cx, US_E_INVALID_REQUEST, "The resource collection %.*s cannot be read", US_STR_ARG(collection));
  return US_OK;
}

enum us_code us_query_read(struct us_call *call, struct us_str collection, struct us_query *ret_query) {
  *ret_query = (struct us_query){0};
  US_TRY(check_repeats(call));
  US_TRY(check_kind(call, collection));
  US_TRY(read_paging(call, ret_query));
  US_TRY(read_total_policy(call, ret_query));
  US_TRY(read_sort_keys(call, ret_query));
  US_TRY(us_shape_read(call, &ret_query->shape));
  return us_filter_parse(&call->cx, us_params_get_nocase(&call->query, "_queryFilter"), &ret_query->filter);
}

static enum us_code query_error_code(const struct us_call *call) {
  return call->realm->settings.crest_errors_rfc ? US_E_INVALID_REQUEST : US_E_DOCUMENTED_500;
}

enum us_code us_query_refuse_field(struct us_call *call, const struct us_filter *comparison) {
  return us_fail(&call->cx, query_error_code(call), "'/%.*s' not queryable",
                 US_STR_ARG(us_error_safe(&call->cx, comparison->field)));
}

enum us_code us_query_refuse_operator(struct us_call *call, const struct us_filter *comparison) {
  return us_fail(&call->cx, query_error_code(call), "'%.*s' not supported",
                 US_STR_ARG(us_error_safe(&call->cx, comparison->op_text)));
}

enum us_code us_query_refuse_sort(struct us_call *call, const struct us_sort_key *key) {
  return us_fail(&call->cx, US_E_INVALID_REQUEST, "'%.*s' not sortable",
                 US_STR_ARG(us_error_safe(&call->cx, key->field)));
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

void us_query_close(struct us_call *call, struct us_json_writer *w, const struct us_query *query, int64_t written,
                    int64_t matched) {
  int64_t remaining = matched - query->offset - written;
  us_json_close(w, ']');
  us_json_name(w, "resultCount");
  us_json_i64(w, written);
  us_json_name(w, "pagedResultsCookie");
  us_json_null(w);
  if (call->crest_protocol >= 20) { /* protocol 1 has four members only (a.10) */
    us_json_name(w, "totalPagedResultsPolicy");
    us_json_c(w, query->wants_total ? "EXACT" : "NONE");
    us_json_member_i64(w, "totalPagedResults", query->wants_total ? matched : -1);
  }
  us_json_member_i64(w, "remainingPagedResults", remaining > 0 ? remaining : 0);
  us_json_close(w, '}');
  us_shape_finish(call, &query->shape);
}
