/* Bodies, preconditions and the SSO token: see request.h. */
#include "endpoint/crest/request.h"

#include <string.h>

#include "json/json.h"
#include "json/write.h"

#define DETAIL_MAX_BYTES 1024
#define BODY_PROBLEM "The request could not be processed because "

/* "detail":"..." */
static struct us_str detail_of(struct us_cx *cx, struct us_str text) {
  struct us_buf b;
  struct us_json_writer w;
  us_buf_init(&b, DETAIL_MAX_BYTES);
  us_json_writer_init(&w, &b);
  us_json_str(&w, us_error_safe(cx, text));
  struct us_str detail =
      us_buf_ok(&b) ? us_str_fmt(cx->mem, "\"detail\":%.*s", US_STR_ARG(us_buf_str(&b))) : US_STR_ABSENT;
  us_buf_done(&b);
  return detail;
}

/* Common REST has words of its own for what json/ found; ours are the detail (a.7). */
static enum us_code refuse_json(struct us_cx *cx) {
  static const char trailing[] = "trailing data";
  struct us_str found = cx->err.text;
  bool is_trailing = found.p != NULL && memmem(found.p, found.n, trailing, sizeof(trailing) - 1) != NULL;
  if (is_trailing)
    (void)us_fail(cx, US_E_INVALID_REQUEST, BODY_PROBLEM "there is trailing data after the JSON content");
  else
    (void)us_fail(cx, US_E_INVALID_REQUEST, BODY_PROBLEM "the provided content is not valid JSON");
  cx->err.extra = detail_of(cx, found);
  return us_error_detail(cx, "%.*s", US_STR_ARG(found));
}

static enum us_code parse_object(struct us_call *call, json_t **ret_object) {
  struct us_cx *cx = &call->cx;
  enum us_code code = us_json_parse(cx, call->request->body, US_E_INVALID_REQUEST, ret_object);
  if (code == US_E_INVALID_REQUEST)
    return refuse_json(cx);
  US_TRY(code);
  if (!json_is_object(*ret_object))
    return us_fail(cx, US_E_INVALID_REQUEST, BODY_PROBLEM "the provided content is not a JSON object");
  return US_OK;
}

enum us_code us_crest_content(struct us_call *call, json_t **ret_object) {
  struct us_cx *cx = &call->cx;
  if (us_http_header(call->request, "content-type").n == 0) /* two blanks: the lineage's own words (a.4) */
    return us_fail(cx, US_E_INVALID_REQUEST, BODY_PROBLEM "the  content-type was not specified and is required");
  if (us_str_is_blank(call->request->body))
    return us_fail(cx, US_E_INVALID_REQUEST, BODY_PROBLEM "it did not contain any JSON content");
  return parse_object(call, ret_object);
}

enum us_code us_crest_action_body(struct us_call *call, json_t **ret_object) {
  if (!us_str_is_blank(call->request->body))
    return parse_object(call, ret_object);
  *ret_object = us_json_own(&call->cx, json_object());
  return *ret_object != NULL ? US_OK : us_fail_plain(&call->cx, US_E_NO_MEMORY);
}

static struct us_str if_match(struct us_call *call) {
  return us_call_header_list(call, "if-match");
}

static struct us_str if_none_match(struct us_call *call) {
  return us_call_header_list(call, "if-none-match");
}

enum us_code us_crest_put_kind(struct us_call *call, enum us_put *ret_put) {
  struct us_cx *cx = &call->cx;
  struct us_str none = if_none_match(call);
  if (none.p != NULL && if_match(call).p != NULL)
    return us_fail_plain(cx, US_E_PRECONDITION);
  if (none.p != NULL && !us_str_eq(none, US_STR("*")))
    return us_fail(cx, US_E_INVALID_REQUEST, "\"%.*s\" is not a supported value for If-None-Match on PUT",
                   US_STR_ARG(us_error_safe(cx, none)));
  if (none.p != NULL)
    *ret_put = US_PUT_CREATE;
  else if (if_match(call).p != NULL || call->crest_protocol < 20)
    *ret_put = US_PUT_UPDATE;
  else
    *ret_put = US_PUT_UPSERT;
  return US_OK;
}

enum us_code us_crest_check_if_match(struct us_call *call, int64_t rev) {
  struct us_str header = if_match(call);
  if (header.p == NULL || us_etag_matches(header, rev))
    return US_OK;
  return us_fail_plain(&call->cx, US_E_PRECONDITION);
}

static enum us_code refuse_header(struct us_call *call, const char *name) {
  return us_fail(&call->cx, US_E_PRECONDITION, "%s not supported for %s requests", name, us_method_name(call->method));
}

enum us_code us_crest_refuse_if_match(struct us_call *call) {
  return if_match(call).p == NULL ? US_OK : refuse_header(call, "If-Match");
}

enum us_code us_crest_refuse_if_none_match(struct us_call *call) {
  return if_none_match(call).p == NULL ? US_OK : refuse_header(call, "If-None-Match");
}

enum us_code us_crest_check_read(struct us_call *call, int64_t rev, bool *ret_same) {
  struct us_str none = if_none_match(call);
  US_TRY(us_crest_refuse_if_match(call));
  if (us_str_eq(none, US_STR("*")))
    return us_fail_plain(&call->cx, US_E_PRECONDITION);
  *ret_same = none.p != NULL && us_etag_matches(none, rev);
  return US_OK;
}

struct us_str us_crest_token(const struct us_call *call) {
  const struct us_http_request *request = call->request;
  for (size_t i = 0; i < request->header_count; i++) {
    if (us_str_eq_nocase(request->headers[i].name, call->cx.svc->cookie_name))
      return request->headers[i].value;
  }
  return us_http_cookie(request, call->cx.svc->cookie_name.p);
}
