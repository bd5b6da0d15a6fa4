/*
 * Answers of endpoints: status, headers and a JSON writer on the response's buffer. What is the same for all answers
 * (content type, nosniff, cache headers) is added by route/pipeline.c; errors are rendered by route/render.c.
 */
#include "endpoint/call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define US_ERROR_TEXT_MAX 200

void us_answer_json(struct us_call *call, int status, struct us_json_writer *ret_writer) {
  us_answer_empty(call, status);
  us_json_writer_init(ret_writer, &call->response->body);
}

void us_answer_empty(struct us_call *call, int status) {
  struct us_http_response *response = call->response;
  response->status = status;
  response->header_count = 0;
  us_buf_reset(&response->body);
}

void us_answer_header(struct us_call *call, const char *name, struct us_str value) {
  us_http_response_header(call->response, name, value);
}

void us_answer_etag(struct us_call *call, int64_t rev, bool is_weak) {
  us_answer_header(call, "ETag", us_str_fmt(call->cx.mem, is_weak ? "W/\"%" PRId64 "\"" : "\"%" PRId64 "\"", rev));
}

struct us_str us_error_safe(struct us_cx *cx, struct us_str text) {
  size_t n = text.n < US_ERROR_TEXT_MAX ? text.n : US_ERROR_TEXT_MAX;
  char *copy = us_mem_alloc(cx->mem, n + 1);
  if (copy == NULL)
    return US_STR("");
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)text.p[i];
    bool is_allowed = c >= 0x20 && c <= 0x7e && c != '"' && c != '\\'; /* RFC 6749 5.2: %x20-21 / %x23-5B / %x5D-7E */
    copy[i] = is_allowed ? (char)c : '?';
  }
  copy[n] = '\0';
  return (struct us_str){copy, n};
}

struct us_str us_call_header_list(struct us_call *call, const char *name) {
  const struct us_http_request *request = call->request;
  struct us_str list = us_http_header(request, name);
  if (us_http_header_count(request, name) <= 1)
    return list;
  list = US_STR_ABSENT;
  for (size_t i = 0; i < request->header_count; i++) {
    if (!us_str_eq_c(request->headers[i].name, name))
      continue;
    struct us_str line = request->headers[i].value;
    list = list.p == NULL ? line : us_str_fmt(call->cx.mem, "%.*s, %.*s", US_STR_ARG(list), US_STR_ARG(line));
  }
  return list;
}

/* One entity tag: weak or strong, quoted or bare (REST contract a.6). */
static bool tag_is(struct us_str tag, struct us_str rev) {
  while (tag.n > 0 && (tag.p[0] == ' ' || tag.p[0] == '\t'))
    tag = (struct us_str){tag.p + 1, tag.n - 1};
  while (tag.n > 0 && (tag.p[tag.n - 1] == ' ' || tag.p[tag.n - 1] == '\t'))
    tag.n--;
  if (us_str_eq(tag, US_STR("*")))
    return true;
  if (us_str_starts(tag, US_STR("W/")))
    tag = (struct us_str){tag.p + 2, tag.n - 2};
  if (tag.n >= 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"')
    tag = (struct us_str){tag.p + 1, tag.n - 2};
  return us_str_eq(tag, rev);
}

bool us_etag_matches(struct us_str header, int64_t rev) {
  char digits[24];
  int n = snprintf(digits, sizeof(digits), "%" PRId64, rev);
  struct us_str wanted = {digits, (size_t)n};
  size_t start = 0;
  for (size_t i = 0; i <= header.n; i++) {
    if (i < header.n && header.p[i] != ',')
      continue;
    if (tag_is((struct us_str){header.p + start, i - start}, wanted))
      return true;
    start = i + 1;
  }
  return false;
}
