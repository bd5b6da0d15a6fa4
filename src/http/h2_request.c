/* The rules of a request in HTTP/2: see http/h2_request.h. */
#include "http/h2_request.h"

#include "base/mem.h"
#include "http/check.h"
#include "http/parse.h"

#include <string.h>

#define US_H2_FIELD_BYTES 32 /* RFC 9113 6.5.2: what a field counts beyond its text */

void us_h2_request_refuse(struct us_h2_stream *s, int status, const char *reason) {
  if (s->status)
    return;
  s->status = status;
  s->reason = reason;
}
static void us_h2_out_of_memory(struct us_h2_stream *s) {
  const char *reason = NULL;
  int status = us_gather_failed(&reason);
  us_h2_request_refuse(s, status, reason);
}

/* The head. */

static void us_h2_add_text(struct us_h2_stream *s, struct us_str text) {
  if (text.n)
    memcpy(s->gather.text + s->gather.text_n, text.p, text.n);
  s->gather.text_n += text.n;
}

static void us_h2_keep_field(struct us_h2_stream *s, struct us_str name, struct us_str value) {
  struct us_gather *g = &s->gather;
  const char *reason = NULL;
  int status = us_gather_header(g, &reason);
  if (status) {
    us_h2_request_refuse(s, status, reason);
    return;
  }
  if (!us_gather_room(g, name.n + value.n + 1)) { /* and one, so that a value without bytes is there too */
    us_h2_out_of_memory(s);
    return;
  }
  struct us_http_header *header = us_gather_last(g);
  header->name = (struct us_str){g->text + g->text_n, name.n};
  us_h2_add_text(s, name);
  header->value = (struct us_str){g->text + g->text_n, value.n};
  us_h2_add_text(s, value);
}

/* RFC 9113 8.2.3: the pieces are one field with "; " between them. They come one behind the other, so that the first grows
 * in place; when something has come between, it moves to the end first, which a request may do a few times only. */
static void us_h2_add_cookie(struct us_h2_stream *s, struct us_str value) {
  struct us_gather *g = &s->gather;
  if (!s->cookie) {
    us_h2_keep_field(s, US_STR("cookie"), value);
    s->cookie = g->header_count;
    return;
  }
  struct us_http_header *cookie = &g->headers[s->cookie - 1];
  if (!us_gather_room(g, cookie->value.n + 2 + value.n)) {
    us_h2_out_of_memory(s);
    return;
  }
  if (cookie->value.p + cookie->value.n != g->text + g->text_n) {
    if (++s->cookie_moves > US_H2_COOKIE_MOVES) {
      us_h2_request_refuse(s, 400, "The cookies are scattered among other headers");
      return;
    }
    struct us_str before = cookie->value;
    cookie->value.p = g->text + g->text_n;
    us_h2_add_text(s, before);
  }
  us_h2_add_text(s, US_STR("; "));
  us_h2_add_text(s, value);
  cookie->value.n += 2 + value.n;
}

static void us_h2_set_method(struct us_h2_stream *s, struct us_str value) {
  if (value.n == 0 || value.n > US_HTTP_METHOD_BYTES) {
    us_h2_request_refuse(s, 400, value.n ? "The method is too long" : "The method is missing");
    return;
  }
  for (size_t i = 0; i < value.n; i++)
    if (!us_http_is_token_char(value.p[i])) {
      us_h2_request_refuse(s, 400, "The method has a bad character");
      return;
    }
  char *method = us_mem_copy(s->gather.mem, value.p, value.n);
  if (!method) {
    us_h2_out_of_memory(s);
    return;
  }
  s->request->method_text = (struct us_str){method, value.n};
  s->request->method = us_method_parse(s->request->method_text);
}

static void us_h2_set_target(struct us_h2_stream *s, struct us_str value) {
  const char *reason = NULL;
  s->gather.target_at = s->gather.text_n;
  int status = us_gather_target(&s->gather, value.p, value.n, &reason);
  if (status)
    us_h2_request_refuse(s, status, reason);
}

static void us_h2_set_pseudo(struct us_h2_stream *s, struct us_str name, struct us_str value) {
  bool *has = us_str_eq(name, US_STR(":method"))      ? &s->has_method
              : us_str_eq(name, US_STR(":scheme"))    ? &s->has_scheme
              : us_str_eq(name, US_STR(":path"))      ? &s->has_path
              : us_str_eq(name, US_STR(":authority")) ? &s->has_authority
                                                      : NULL;
  if (!has || *has || s->has_field) { /* RFC 9113 8.3 */
    us_h2_request_refuse(s, 400,
                         !has   ? "A pseudo-header is not known"
                         : *has ? "A pseudo-header occurs twice"
                                : "A pseudo-header follows a header");
    return;
  }
  *has = true;
  if (has == &s->has_method)
    us_h2_set_method(s, value);
  else if (has == &s->has_path)
    us_h2_set_target(s, value);
  else if (has == &s->has_authority)
    us_h2_keep_field(s, US_STR("host"), value);
  else if (!us_str_eq_nocase(value, US_STR("https")) && !us_str_eq_nocase(value, US_STR("http")))
    us_h2_request_refuse(s, 400, "The scheme is neither https nor http");
}

/* RFC 9113 8.3.1: when both are there they must say the same, and then it is one. */
static void us_h2_add_host(struct us_h2_stream *s, struct us_str value) {
  if (!s->has_authority) {
    us_h2_keep_field(s, US_STR("host"), value);
    return;
  }
  struct us_str authority = us_gather_find(&s->gather, US_STR("host"));
  if (!us_str_eq_nocase(authority, value))
    us_h2_request_refuse(s, 400, "Host and :authority differ");
}

void us_h2_request_field(struct us_h2_stream *s, struct us_str name, struct us_str value) {
  s->list_bytes += name.n + value.n + US_H2_FIELD_BYTES;
  if (s->list_bytes > s->gather.limits->head_bytes)
    us_h2_request_refuse(s, 431, "The request head is too large");
  if (s->status)
    return;
  const char *reason = NULL;
  int status = us_http_check_h2_field(name, value, &reason);
  if (status) {
    us_h2_request_refuse(s, status, reason);
    return;
  }
  if (name.p[0] == ':') {
    us_h2_set_pseudo(s, name, value);
    return;
  }
  s->has_field = true;
  if (us_str_eq(name, US_STR("host")))
    us_h2_add_host(s, value);
  else if (us_str_eq(name, US_STR("cookie")))
    us_h2_add_cookie(s, value);
  else
    us_h2_keep_field(s, name, value);
}

/* Read and dropped, as in HTTP/1. They count as head, or there would be no end of them. */
void us_h2_request_trailer(struct us_h2_stream *s, struct us_str name, size_t value_n) {
  s->list_bytes += name.n + value_n + US_H2_FIELD_BYTES;
  if (s->list_bytes > s->gather.limits->head_bytes)
    us_h2_request_refuse(s, 431, "The request head is too large");
  else if (name.n == 0 || name.p[0] == ':') /* RFC 9113 8.1 */
    us_h2_request_refuse(s, 400, "A trailer has no name, or that of a pseudo-header");
}

static int us_h2_check(struct us_h2_stream *s, const char **ret_reason) {
  const struct us_http_request *request = s->request;
  const struct us_http_limits *limits = s->gather.limits;
  *ret_reason = !s->has_method ? "The method is missing" : "The scheme is missing";
  if (!s->has_method || !s->has_scheme)
    return 400;
  int status = us_http_check_target(request->target, ret_reason);
  if (status == 0)
    status = us_http_check_head(request, 1, 1, limits, ret_reason);
  if (status)
    return status;
  struct us_str length = us_http_header(request, "content-length");
  s->has_length = us_str_to_u64(length, UINT64_MAX, &s->length); /* check_head has seen that it is a number */
  *ret_reason = "The request body is too large";
  return s->has_length && s->length > limits->body_bytes ? 413 : 0;
}

void us_h2_request_head(struct us_h2_stream *s) {
  struct us_gather *g = &s->gather;
  s->has_head = true;
  if (!us_gather_room(g, 1)) {
    us_h2_out_of_memory(s);
    return;
  }
  us_gather_show_head(g);
  s->request->body = (struct us_str){"", 0};
  s->request->is_http2 = true;
  const char *reason = NULL;
  int status = s->status ? 0 : us_h2_check(s, &reason);
  if (status)
    us_h2_request_refuse(s, status, reason);
  s->request->host = us_http_header(s->request, "host");
}

bool us_h2_request_wants_continue(const struct us_h2_stream *s) {
  return us_http_header(s->request, "expect").p && !(s->has_length && s->length == 0);
}

/* The body. */

/* RFC 9113 8.1.1: a request whose Content-Length is not the length of its body is malformed. */
#define US_H2_OTHER_LENGTH "Content-Length is not the length of the body"

void us_h2_request_data(struct us_h2_stream *s, const char *bytes, size_t n) {
  struct us_gather *g = &s->gather;
  const char *reason = NULL;
  int status = us_gather_body(g, bytes, n, s->has_length && g->body_n + n == s->length, &reason);
  if (status)
    us_h2_request_refuse(s, status, reason);
  else if (s->has_length && g->body_n > s->length)
    us_h2_request_refuse(s, 400, US_H2_OTHER_LENGTH);
}

void us_h2_request_end(struct us_h2_stream *s) {
  if (s->has_length && s->gather.body_n != s->length)
    us_h2_request_refuse(s, 400, US_H2_OTHER_LENGTH);
  us_gather_show_body(&s->gather);
}
