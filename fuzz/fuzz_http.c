/*
 * Bytes of a connection from anybody, up to one request: method, llhttp, the checks, the limits. Beyond not crashing: in
 * pieces it is the same request as at once, and what was accepted keeps the promises of http/message.h and http/check.h.
 * The first byte of the input is the size of the pieces.
 */
#include <string.h>

#include "base/mem.h"
#include "http/address.h"
#include "http_promises.h"

struct outcome {
  enum us_parse_result result;
  size_t used;
  void *mem;
  struct us_http_request request;
};

/* Each piece is a block of its own size, so that a read past it, or a slice kept into it, shows. */
static void parse(const uint8_t *data, size_t size, size_t piece, struct outcome *ret_outcome) {
  struct outcome *o = ret_outcome;
  struct us_parser *parser = us_parser_new();
  *o = (struct outcome){.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES)};
  fuzz_must(parser && o->mem);
  us_parser_begin(parser, o->mem, &o->request, &us_http_limits_default);
  while (o->result == US_PARSE_MORE && o->used < size) {
    size_t part = size - o->used < piece ? size - o->used : piece, used = 0;
    char *copy = malloc(part);
    fuzz_must(copy);
    memcpy(copy, data + o->used, part);
    o->result = us_parser_feed(parser, copy, part, &used);
    free(copy);
    fuzz_must(used <= part && (o->result != US_PARSE_MORE || used == part));
    o->used += used;
  }
  const char *reason = NULL;
  int status = us_parser_refusal(parser, &reason);
  fuzz_must((status >= 400) == (o->result == US_PARSE_REFUSED) && (status == 0) == (reason == NULL));
  us_parser_free(parser);
}

static void use_request(const struct us_http_request *r) {
  struct us_address proxy, client;
  char text[US_ADDRESS_TEXT_BYTES];
  fuzz_must(us_address_parse(US_STR("10.0.0.1"), &proxy));
  struct us_proxies proxies = {&proxy, 1};
  client = us_proxies_client(&proxies, &proxy, r);
  us_address_format(&client, text);
  fuzz_must(text[0] != '\0');
  struct us_str cookie = us_http_cookie(r, "a");
  fuzz_must(!cookie.p || !memchr(cookie.p, ';', cookie.n));
}

static void check_same(const struct us_http_request *a, const struct us_http_request *b) {
  fuzz_must(a->header_count == b->header_count && us_str_eq(a->body, b->body) && us_str_eq(a->target, b->target));
  fuzz_must(us_str_eq(a->method_text, b->method_text) && a->is_http10 == b->is_http10);
  for (size_t i = 0; i < a->header_count; i++)
    fuzz_must(us_str_eq(a->headers[i].name, b->headers[i].name) && us_str_eq(a->headers[i].value, b->headers[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || size > 30000) /* larger ones meet limits at places that depend on the pieces */
    return 0;
  struct outcome whole, pieces;
  parse(data + 1, size - 1, size, &whole);
  parse(data + 1, size - 1, (size_t)data[0] + 1, &pieces);
  fuzz_must(whole.result == pieces.result);
  if (whole.result == US_PARSE_COMPLETE) {
    fuzz_must(whole.used == pieces.used);
    check_same(&whole.request, &pieces.request);
    fuzz_check_http_request(&whole.request, &us_http_limits_default);
    use_request(&whole.request);
  }
  us_mem_free(whole.mem);
  us_mem_free(pieces.mem);
  return 0;
}
