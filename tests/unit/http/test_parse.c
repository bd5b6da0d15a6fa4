/* http/parse.h: the same request in pieces of every size is the same request, and memory follows what has arrived. */
#include "../unit.h"
#include "http/parse.h"

#include <stdio.h>

static const char request_text[] =
    "\r\nPOST /a/b?c=d HTTP/1.1\r\nHost: usher.test\r\nX-Long-Name: some value \t\r\nEmpty:\r\n"
    "Transfer-Encoding: chunked\r\n\r\n4;ext=1\r\nbody\r\n6\r\n-parts\r\n0\r\nTrailer: x\r\n\r\n";

struct parsed {
  struct us_parser *parser;
  void *mem;
  struct us_http_request request;
  struct us_http_limits limits;
};

static int setup(void **state) {
  struct parsed *p = test_calloc(1, sizeof *p);
  p->parser = us_parser_new();
  p->mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  p->limits = us_http_limits_default;
  assert_true(p->parser && p->mem);
  us_parser_begin(p->parser, p->mem, &p->request, &p->limits);
  *state = p;
  return 0;
}

static int teardown(void **state) {
  struct parsed *p = *state;
  us_parser_free(p->parser);
  us_mem_free(p->mem);
  test_free(p);
  return 0;
}

/* Another request with the same parser, in fresh memory. */
static void again(struct parsed *p, size_t max_bytes) {
  us_mem_free(p->mem);
  p->mem = us_mem_root_new(0, max_bytes);
  assert_non_null(p->mem);
  us_parser_begin(p->parser, p->mem, &p->request, &p->limits);
}

/* Feeds in pieces; each from a block of its own, so that a slice kept into it would be seen. */
static enum us_parse_result feed(struct parsed *p, const char *bytes, size_t n, size_t piece, size_t *ret_used) {
  enum us_parse_result result = US_PARSE_MORE;
  *ret_used = 0;
  while (result == US_PARSE_MORE && *ret_used < n) {
    size_t part = n - *ret_used < piece ? n - *ret_used : piece;
    char *copy = test_malloc(part);
    memcpy(copy, bytes + *ret_used, part);
    size_t used = 0;
    result = us_parser_feed(p->parser, copy, part, &used);
    memset(copy, '#', part);
    test_free(copy);
    assert_true(used <= part && (result != US_PARSE_MORE || used == part));
    *ret_used += used;
  }
  return result;
}

static void request_in_pieces_of_any_size_is_the_same(void **state) {
  struct parsed *p = *state;
  static const char next[] = "GET / HTTP/1.1\r\n";
  char bytes[sizeof request_text + sizeof next];
  size_t n = (size_t)snprintf(bytes, sizeof bytes, "%s%s", request_text, next);
  for (size_t piece = 1; piece <= n; piece++) {
    size_t used;
    again(p, US_MEM_REQUEST_MAX_BYTES);
    assert_int_equal(feed(p, bytes, n, piece, &used), US_PARSE_COMPLETE);
    assert_int_equal(used, sizeof request_text - 1); /* the next one is left alone */
    struct us_http_request *r = &p->request;
    assert_int_equal(r->method, US_METHOD_POST);
    assert_str(r->method_text, "POST");
    assert_str(r->target, "/a/b?c=d");
    assert_str(r->path, "/a/b");
    assert_str(r->query, "c=d");
    assert_int_equal(r->header_count, 4);
    assert_str(r->host, "usher.test");
    assert_str(r->headers[1].name, "x-long-name");
    assert_str(r->headers[1].value, "some value");
    assert_str(us_http_header(r, "empty"), "");
    assert_str(r->body, "body-parts");
    assert_null(us_http_header(r, "trailer").p);
    assert_true(us_parser_keeps_alive(p->parser));
  }
}

static void refusal_does_not_depend_on_the_pieces(void **state) {
  struct parsed *p = *state;
  static const char *const bad[] = {"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
                                    "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\t\r\n\r\n",
                                    "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
                                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    size_t n = strlen(bad[i]), used;
    for (size_t piece = 1; piece <= n; piece++) {
      const char *reason = NULL;
      again(p, US_MEM_REQUEST_MAX_BYTES);
      assert_int_equal(feed(p, bad[i], n, piece, &used), US_PARSE_REFUSED);
      assert_int_equal(us_parser_refusal(p->parser, &reason), 400);
      assert_non_null(reason);
    }
  }
}

static void nothing_of_one_request_reaches_the_next(void **state) {
  struct parsed *p = *state;
  static const char first[] = "POST /1?q HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer x\r\nExpect: "
                              "100-continue\r\nContent-Length: 3\r\n\r\nabc";
  static const char second[] = "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n";
  size_t used;
  assert_int_equal(feed(p, first, sizeof first - 1, sizeof first, &used), US_PARSE_COMPLETE);
  assert_true(p->request.is_http10);
  assert_false(us_parser_keeps_alive(p->parser));
  assert_str(p->request.body, "abc");
  again(p, US_MEM_REQUEST_MAX_BYTES);
  assert_int_equal(feed(p, second, sizeof second - 1, sizeof second, &used), US_PARSE_COMPLETE);
  assert_false(p->request.is_http10);
  assert_true(us_parser_keeps_alive(p->parser));
  assert_int_equal(p->request.header_count, 1);
  assert_str(p->request.body, "");
  assert_null(p->request.query.p);
}

static void continue_is_wanted_between_head_and_body(void **state) {
  struct parsed *p = *state;
  static const char head[] = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  size_t used;
  assert_int_equal(feed(p, head, sizeof head - 2, sizeof head, &used), US_PARSE_MORE);
  assert_false(us_parser_head_is_done(p->parser));
  assert_false(us_parser_wants_continue(p->parser));
  assert_int_equal(feed(p, "\n", 1, 1, &used), US_PARSE_MORE);
  assert_true(us_parser_head_is_done(p->parser));
  assert_true(us_parser_wants_continue(p->parser));
  assert_int_equal(feed(p, "a", 1, 1, &used), US_PARSE_MORE);
  assert_false(us_parser_wants_continue(p->parser));
  assert_int_equal(feed(p, "b", 1, 1, &used), US_PARSE_COMPLETE);
}

/* A declared length alone must not take memory. */
static void memory_follows_the_bytes_that_have_come(void **state) {
  struct parsed *p = *state;
  static const char head[] = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n1";
  size_t used;
  assert_int_equal(feed(p, head, sizeof head - 1, sizeof head, &used), US_PARSE_MORE);
  assert_true(us_mem_used(p->mem) < 16 * 1024);
}

static void request_that_uses_up_its_memory_is_refused(void **state) {
  struct parsed *p = *state;
  const char *reason;
  for (size_t max = 64; max < 16384; max += 64) {
    size_t used;
    again(p, max);
    if (feed(p, request_text, sizeof request_text - 1, 7, &used) == US_PARSE_COMPLETE)
      continue;
    assert_int_equal(us_parser_refusal(p->parser, &reason), 503);
    assert_true(us_mem_is_spent(p->mem));
  }
  assert_str(p->request.body, "body-parts"); /* with the last maxima it has fitted */
}

static void refusal_tells_the_target_as_far_as_it_is_known(void **state) {
  struct parsed *p = *state;
  static const char head[] = "GET /json/x HTTP/1.1\r\n\r\n";
  size_t used;
  assert_int_equal(feed(p, head, sizeof head - 1, 3, &used), US_PARSE_REFUSED);
  assert_str(p->request.target, "/json/x");
  again(p, US_MEM_REQUEST_MAX_BYTES);
  assert_int_equal(feed(p, "G@T", 3, 3, &used), US_PARSE_REFUSED);
  assert_null(p->request.target.p);
  static const char long_head[] = "GET /json/much_too_long HTTP/1.1\r\n\r\n";
  p->limits.target_bytes = 10;
  for (size_t piece = 1; piece < sizeof long_head; piece++) {
    const char *reason = NULL;
    again(p, US_MEM_REQUEST_MAX_BYTES);
    assert_int_equal(feed(p, long_head, sizeof long_head - 1, piece, &used), US_PARSE_REFUSED);
    assert_int_equal(us_parser_refusal(p->parser, &reason), 414);
    assert_str(p->request.target, "/json/much");
  }
}

/* Head and body carry passwords and tokens. Each of the two is one block of memory, the target and the body at its beginning. */
struct watched {
  const char *bytes;
  size_t n;
  size_t left; /* bytes that were not zero when its memory went */
};
static void count_left(void *object) {
  struct watched *w = object;
  for (size_t i = 0; i < w->n; i++)
    w->left += w->bytes[i] != 0;
}

static void what_was_sent_is_wiped_with_the_request(void **state) {
  struct parsed *p = *state;
  static const char text[] =
      "POST /a?b=c HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\nContent-Length: 15\r\n\r\n"
      "password=SECRET";
  size_t used;
  assert_int_equal(feed(p, text, sizeof text - 1, 7, &used), US_PARSE_COMPLETE);
  struct watched head = {p->request.target.p, p->request.target.n, 0};
  struct watched body = {p->request.body.p, p->request.body.n, 0};
  assert_str(p->request.body, "password=SECRET");
  for (size_t i = 0; i < p->request.header_count; i++) { /* behind the target, in its block */
    const char *end = p->request.headers[i].value.p + p->request.headers[i].value.n;
    assert_true(end > head.bytes);
    head.n = (size_t)(end - head.bytes) > head.n ? (size_t)(end - head.bytes) : head.n;
  }
  assert_int_equal(us_mem_own((void *)(uintptr_t)head.bytes, &head, count_left), 0);
  assert_int_equal(us_mem_own((void *)(uintptr_t)body.bytes, &body, count_left), 0);
  again(p, US_MEM_REQUEST_MAX_BYTES);
  assert_true(head.n > 20);
  assert_int_equal(head.left, 0);
  assert_int_equal(body.left, 0);
}

#define PARSER_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      PARSER_TEST(request_in_pieces_of_any_size_is_the_same),
      PARSER_TEST(refusal_does_not_depend_on_the_pieces),
      PARSER_TEST(nothing_of_one_request_reaches_the_next),
      PARSER_TEST(continue_is_wanted_between_head_and_body),
      PARSER_TEST(memory_follows_the_bytes_that_have_come),
      PARSER_TEST(request_that_uses_up_its_memory_is_refused),
      PARSER_TEST(refusal_tells_the_target_as_far_as_it_is_known),
      PARSER_TEST(what_was_sent_is_wiped_with_the_request),
  };
  return UNIT_RUN(tests);
}
