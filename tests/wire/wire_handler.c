/* The echoing handler: see wire.h. */
#include "wire_handler.h"

#include "base/mem.h"

#include <string.h>

/* The number behind a prefix of the path. */
static bool number_behind(const struct us_http_request *request, struct us_str prefix, uint64_t *ret_number) {
  if (!us_str_starts(request->path, prefix))
    return false;
  struct us_str rest = {request->path.p + prefix.n, request->path.n - prefix.n};
  return us_str_to_u64(rest, 1 << 30, ret_number);
}

static void add_line(struct us_buf *b, const char *name, struct us_str value) {
  us_buf_addf(b, "%s=%.*s\n", name, US_STR_ARG(value));
}

static void describe(struct us_http_exchange *exchange) {
  const struct us_http_request *r = &exchange->request;
  struct us_buf *b = &exchange->response.body;
  us_http_response_header(&exchange->response, "Content-Type", US_STR("text/plain"));
  add_line(b, "method", r->method_text);
  us_buf_addf(b, "known=%d\n", r->method != US_METHOD_OTHER);
  add_line(b, "path", r->path);
  us_buf_addf(b, "query=%s%.*s\n", r->query.p ? "?" : "", US_STR_ARG(r->query));
  add_line(b, "host", r->host);
  add_line(b, "peer", r->peer);
  add_line(b, "group", r->peer_group);
  add_line(b, "cert", r->client_cert);
  us_buf_addf(b, "tls=%d\nheaders=%zu\n", r->is_tls, r->header_count);
  add_line(b, "authorization", us_http_header(r, "authorization"));
  add_line(b, "x-test", us_http_header(r, "x-test"));
  add_line(b, "cookie", us_http_header(r, "cookie"));
  us_buf_addf(b, "h2=%d\n", r->is_http2);
  us_buf_addf(b, "bytes=%zu\n", r->body.n);
  add_line(b, "body", r->body.n <= 4096 ? r->body : US_STR("(long)"));
}

void wire_echo(struct us_http_exchange *exchange) {
  const struct us_http_request *r = &exchange->request;
  struct us_http_response *response = &exchange->response;
  uint64_t n;
  if (number_behind(r, US_STR("/status/"), &n)) {
    response->status = (int)n;
    us_buf_addf(&response->body, "body of %d", (int)n);
  } else if (number_behind(r, US_STR("/large/"), &n)) {
    char block[4096];
    memset(block, 'x', sizeof block);
    for (; n >= sizeof block; n -= sizeof block)
      us_buf_add(&response->body, block, sizeof block);
    us_buf_add(&response->body, block, n);
  } else if (number_behind(r, US_STR("/head/"), &n)) {
    char *value = us_mem_alloc(exchange->mem, n);
    if (value)
      us_http_response_header(response, "X-Large", (struct us_str){memset(value, 'x', n), n});
  } else {
    response->close = us_str_eq(r->path, US_STR("/close"));
    describe(exchange);
  }
}
