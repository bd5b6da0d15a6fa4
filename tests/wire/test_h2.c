/* HTTP/2: requests and answers, by ALPN and with prior knowledge. Limits and floods are in test_h2_limits.c. */
#include "wire_h2.h"

#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static struct wire_options options(void) {
  struct wire_options o = wire_defaults();
  o.h2 = US_HTTP_H2_PLAIN;
  return o;
}
static void start(void) {
  struct wire_options o = options();
  wire_start(&o);
}
static void start_and_connect(struct h2_client *c, void **state) {
  start();
  h2_connect(c, wire_is_tls(state));
}

static void must_contain(const struct h2_stream *s, const char *text) {
  if (!s->body.n || !strstr(s->body.p, text))
    fail_msg("'%s' is not in '%.*s'", text, US_STR_ARG(us_buf_str(&s->body)));
}

static void request_is_understood_and_answered(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_head(&c, 1, H2_END_STREAM, H2_GET("/a/b?c=d") "x-test|one\nauthorization|Bearer x\n");
  struct h2_stream *s = h2_await(&c, 1);
  assert_int_equal(s->status, 200);
  static const char *const lines[] = {"method=GET\nknown=1\npath=/a/b\nquery=?c=d\nhost=usher.test\npeer=127.0.0.1\n",
                                      "headers=3\nauthorization=Bearer x\nx-test=one\n", "h2=1\n", "bytes=0\n"};
  for (size_t i = 0; i < 4; i++)
    must_contain(s, lines[i]);
  must_contain(s, wire_is_tls(state) ? "tls=1\n" : "tls=0\n");
  assert_string_equal(h2_header(s, "content-type"), "text/plain");
  assert_int_equal(atoi(h2_header(s, "content-length")), s->body.n);
  assert_int_equal(strlen(h2_header(s, "date")), strlen("Sun, 06 Nov 1994 08:49:37 GMT"));
  assert_null(h2_header(s, "connection"));
  for (const char *at = s->head.p; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) /* RFC 9113 8.2 */
    for (const char *name = at; *name && *name != ' '; name++)
      assert_false(*name >= 'A' && *name <= 'Z');
  h2_close(&c);
}

static void alpn_chooses_what_both_speak(void **state) {
  (void)state;
  static const struct {
    enum us_http_h2 h2;
    const char *offer, *chosen; /* NULL: no handshake */
  } cases[] = {
      {US_HTTP_H2_TLS, "\x02h2\x08http/1.1", "h2"},
      {US_HTTP_H2_TLS, "\x08http/1.1\x02h2", "h2"},
      {US_HTTP_H2_TLS, "\x08http/1.1", "http/1.1"},
      {US_HTTP_H2_TLS, "\x02h2", "h2"},
      {US_HTTP_H2_TLS, "\x03h2c", NULL},
      {US_HTTP_H2_OFF, "\x02h2\x08http/1.1", "http/1.1"},
      {US_HTTP_H2_OFF, "\x02h2", NULL},
      {US_HTTP_H2_TLS, "", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct wire_options o = options();
    o.h2 = cases[i].h2;
    wire_start(&o);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    const char *offer = cases[i].offer;
    if (*offer)
      SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)offer, (unsigned)strlen(offer));
    struct wire_client client = {.fd = wire_connect_socket(NULL, wire_port(true))};
    us_buf_init(&client.got, 1 << 20);
    bool is_good = wire_try_handshake(&client, ctx);
    assert_int_equal(is_good, cases[i].chosen != NULL);
    if (is_good) {
      const unsigned char *name = NULL;
      unsigned n = 0;
      SSL_get0_alpn_selected(client.ssl, &name, &n);
      assert_int_equal(n, strlen(cases[i].chosen));
      assert_memory_equal(n ? (const char *)name : "", cases[i].chosen, n);
    }
    wire_close(&client);
    SSL_CTX_free(ctx);
    wire_stop(0);
  }
}

static void prior_knowledge_needs_the_key(void **state) {
  (void)state;
  static const enum us_http_h2 without[] = {US_HTTP_H2_OFF, US_HTTP_H2_TLS};
  for (size_t i = 0; i < 2; i++) {
    struct wire_options o = options();
    o.h2 = without[i];
    wire_start(&o);
    wire_expect_refusal(false, US_H2_PREFACE, US_H2_PREFACE_BYTES, 400);
    wire_stop(0);
  }
}

/* TLS: without ALPN it is HTTP/1, whatever the first bytes look like. */
static void tls_without_alpn_is_http_1(void **state) {
  (void)state;
  start();
  wire_expect_refusal(true, US_H2_PREFACE, US_H2_PREFACE_BYTES, 400);
  assert_int_equal(wire_status(true, "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n"), 200);
}

static void send_slowly(struct wire_client *client, const char *text, size_t n) {
  for (size_t i = 0; i < n; i++) {
    wire_send(client, text + i, 1);
    poll(NULL, 0, 2);
  }
}

static void preface_may_come_byte_by_byte(void **state) {
  struct h2_client c;
  start();
  h2_connect_bare(&c, wire_is_tls(state), NULL);
  send_slowly(&c.conn, US_H2_PREFACE, US_H2_PREFACE_BYTES);
  send_slowly(&c.conn, "\0\0\0\4\0\0\0\0\0", 9);
  h2_get(&c, 1, "/");
  h2_expect(&c, 1, 200);
  h2_close(&c);
}

static void what_begins_like_the_preface_is_http_1(void **state) {
  (void)state;
  start();
  static const struct {
    const char *request;
    int status;
    const char *line;
  } cases[] = {{"GET /get HTTP/1.1\r\n" WIRE_HOST "\r\n", 200, "method=GET\n"},
               {"POST /post HTTP/1.1\r\n" WIRE_HOST "Content-Length: 2\r\n\r\nhi", 200, "body=hi\n"},
               {"PROPFIND /p HTTP/1.1\r\n" WIRE_HOST "\r\n", 200, "method=PROPFIND\n"},
               {"PRI /pri HTTP/1.1\r\n" WIRE_HOST "\r\n", 200, "method=PRI\nknown=0\npath=/pri\n"},
               {"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", 400, "{"},
               {"PRI * HTTP/1.1\r\n" WIRE_HOST "\r\n", 400, "{"}};
  for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
    struct wire_client client;
    struct wire_answer answer;
    const char *request = cases[i / 2].request;
    wire_connect(&client, false);
    if (i % 2)
      send_slowly(&client, request, strlen(request));
    else
      wire_send_c(&client, request);
    wire_read_answer(&client, false, &answer);
    assert_int_equal(answer.status, cases[i / 2].status);
    assert_non_null(strstr(answer.body.p, cases[i / 2].line));
    wire_answer_done(&answer);
    wire_close(&client);
  }
}

/* RFC 9113 3.1: the upgrade of RFC 7540 is gone, and was never here. */
static void there_is_no_upgrade(void **state) {
  start();
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  wire_send_c(&client,
              "GET / HTTP/1.1\r\n" WIRE_HOST
              "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
  wire_read_answer(&client, false, &answer);
  assert_int_equal(answer.status, 200);
  assert_null(wire_header(&answer, "Upgrade"));
  wire_answer_done(&answer);
  wire_close(&client);
}

static void settings_say_the_limits(void **state) {
  struct wire_options o = options();
  o.limits.h2_streams = 7;
  o.limits.head_bytes = 12345;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  h2_await_ping(&c);
  assert_int_equal(c.settings[3], 7);
  assert_int_equal(c.settings[6], 12345);
  assert_int_equal(c.settings[9], 1);
  assert_int_equal(c.settings_acks, 1);
  h2_close(&c);
}

static void streams_are_answered_as_they_are_ready(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_get(&c, 1, "/park");
  h2_get(&c, 3, "/status/201");
  h2_get(&c, 5, "/park");
  h2_get(&c, 7, "/status/202");
  h2_expect(&c, 7, 202);
  h2_expect(&c, 3, 201);
  assert_int_equal(h2_stream(&c, 1)->status, 0);
  wire_await_parked(2);
  wire_release(2);
  h2_expect(&c, 5, 200);
  h2_expect(&c, 1, 200);
  h2_close(&c);
}

static void head_and_empty_answers_have_no_body(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_head(&c, 1, H2_END_STREAM, ":method|HEAD\n:scheme|http\n:authority|usher.test\n:path|/large/5000\n");
  struct h2_stream *s = h2_await(&c, 1);
  assert_int_equal(s->status, 200);
  assert_string_equal(h2_header(s, "content-length"), "5000");
  assert_int_equal(s->body.n, 0);
  static const char *const paths[] = {"/status/204", "/status/304"};
  for (int i = 0; i < 2; i++) {
    h2_get(&c, 3 + 2 * i, paths[i]);
    s = h2_await(&c, 3 + 2 * i);
    assert_int_equal(s->status, i ? 304 : 204);
    assert_null(h2_header(s, "content-length"));
    assert_int_equal(s->body.n, 0);
  }
  h2_get(&c, 7, "/large/0");
  s = h2_await(&c, 7);
  assert_string_equal(h2_header(s, "content-length"), "0");
  h2_close(&c);
}

static void body_comes_in_pieces_with_or_without_a_length(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_head(&c, 1, 0, H2_POST("/"));
  h2_head(&c, 3, 0, H2_POST("/") "content-length|6\n");
  h2_data(&c, 1, 0, "abc");
  h2_data(&c, 3, 0, "uvw");
  h2_data(&c, 3, H2_END_STREAM, "xyz");
  h2_data(&c, 1, 0, "def");
  h2_data(&c, 1, H2_END_STREAM, "");
  h2_head(&c, 5, H2_END_STREAM, H2_POST("/") "content-length|0\n");
  h2_frame(&c, H2_HEADERS, H2_END_HEADERS, 7, NULL, 0); /* a head of nothing */
  h2_data(&c, 7, H2_END_STREAM, "x");
  must_contain(h2_await(&c, 3), "bytes=6\nbody=uvwxyz\n");
  must_contain(h2_await(&c, 1), "bytes=6\nbody=abcdef\n");
  must_contain(h2_await(&c, 5), "bytes=0\nbody=\n");
  h2_expect(&c, 7, 400);
  h2_close(&c);
}

/* Padding is no part of the body, nor of the head. */
static void padding_is_taken_off(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_head(&c, 1, 0, H2_POST("/") "content-length|3\n");
  h2_frame(&c, H2_DATA, H2_PADDED | H2_END_STREAM, 1, "\4abc\0\0\0\0", 8);
  must_contain(h2_await(&c, 1), "bytes=3\nbody=abc\n");
  h2_close(&c);
}

/* RFC 9113 8.1.1. What is wrong with a request, and the status and a word of the reason. The rest of the connection lives. */
static const struct {
  const char *lines;
  int status;
  const char *reason;
} bad_requests[] = {
    {":method|GET\n:scheme|https\n:path|/\n", 400, "Host is missing"},
    {H2_GET("/") "host|other.test\n", 400, "Host and :authority differ"},
    {H2_GET("/") "host|usher.test\nhost|other.test\n", 400, "differ"},
    {":method|GET\n:scheme|https\n:path|/\nhost|a\nhost|a\n", 400, "Host occurs twice"},
    {":method|GET\n:scheme|https\n:path|/\n:authority|bob@usher.test\n", 400, "not a host"},
    {":method|GET\n:scheme|https\n:path|/\n:authority|\n", 400, "not a host"},
    {":method|GET\n:scheme|https\n:path|/\n:authority|a,b\n", 400, "not a host"},
    {H2_GET("/") "authorization|Bearer a\nauthorization|Bearer b\n", 400, "Authorization occurs twice"},
    {H2_GET("/") "|x\n", 400, "no name"},
    {H2_GET("/") "X-Test|x\n", 400, "name of a header"},
    {H2_GET("/") "x test|x\n", 400, "name of a header"},
    {H2_GET("/") "x-t\xc3\xa9st|x\n", 400, "name of a header"},
    {H2_GET("/") "x:test|x\n", 400, "name of a header"},
    {H2_GET("/") "x-test|a\rb\n", 400, "bad character"},
    {H2_GET("/") "x-test|a\x01"
                 "b\n",
     400, "bad character"},
    {H2_GET("/") "x-test|\x7f\n", 400, "bad character"},
    {H2_GET("/") "x-test| a\n", 400, "blank"},
    {H2_GET("/") "x-test|a\t\n", 400, "blank"},
    {H2_GET("/") "connection|close\n", 400, "connections of HTTP/1"},
    {H2_GET("/") "keep-alive|1\n", 400, "connections of HTTP/1"},
    {H2_GET("/") "proxy-connection|close\n", 400, "connections of HTTP/1"},
    {H2_GET("/") "transfer-encoding|chunked\n", 400, "connections of HTTP/1"},
    {H2_GET("/") "upgrade|h2c\n", 400, "connections of HTTP/1"},
    {H2_GET("/") "te|gzip\n", 400, "connections of HTTP/1"},
    {H2_GET("/%zz"), 400, "percent-encoding"},
    {H2_GET("/%4"), 400, "percent-encoding"},
    {H2_GET("/%00"), 400, "%00"},
    {H2_GET("/#f"), 400, "fragment"},
    {H2_GET("/a b"), 400, "percent-encoded"},
    {H2_GET("/\xc3\xa9"), 400, "percent-encoded"},
    {H2_GET("x"), 400, "must be a path"},
    {H2_GET(""), 400, "must be a path"},
    {H2_GET("https://usher.test/"), 400, "must be a path"},
    {":method|OPTIONS\n:scheme|https\n:authority|a\n:path|*\n", 400, "must be a path"},
    {":method|GET\n:scheme|https\n:authority|a\n", 400, "must be a path"},
    {":method|CONNECT\n:authority|a:1\n", 400, "scheme is missing"},
    {":scheme|https\n:authority|a\n:path|/\n", 400, "method is missing"},
    {":method|\n:scheme|https\n:authority|a\n:path|/\n", 400, "method is missing"},
    {":method|G T\n:scheme|https\n:authority|a\n:path|/\n", 400, "method has a bad"},
    {":method|AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n:scheme|https\n:authority|a\n:path|/\n", 400, "method is too long"},
    {":method|GET\n:authority|a\n:path|/\n", 400, "scheme is missing"},
    {":method|GET\n:scheme|ftp\n:authority|a\n:path|/\n", 400, "scheme is neither"},
    {":method|GET\n" H2_GET("/"), 400, "occurs twice"},
    {H2_GET("/") ":path|/b\n", 400, "occurs twice"},
    {H2_GET("/") ":protocol|websocket\n", 400, "not known"},
    {H2_GET("/") ":status|200\n", 400, "not known"},
    {H2_GET("/") ":|x\n", 400, "not known"},
    {":method|GET\n:scheme|https\nx-test|1\n:authority|a\n:path|/\n", 400, "follows a header"},
    {H2_POST("/") "content-length|1x\n", 400, "not a number"},
    {H2_POST("/") "content-length|-1\n", 400, "not a number"},
    {H2_POST("/") "content-length|\n", 400, "not a number"},
    {H2_POST("/") "content-length|99999999999999999999999\n", 400, "not a number"},
    {H2_POST("/") "content-length|0\ncontent-length|0\n", 400, "occurs twice"},
    {H2_POST("/") "content-length|1\n", 400, "not the length"},
    {H2_POST("/") "content-length|10000000\n", 413, "too large"},
    {H2_GET("/") "expect|something\n", 417, "100-continue"},
};
#define BAD_REQUESTS (int)(sizeof bad_requests / sizeof bad_requests[0])

static void bad_request_gets_an_answer_and_the_connection_lives(void **state) {
  struct wire_options o = options();
  o.renders_refusals = true;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  for (int i = 0; i < BAD_REQUESTS; i++) {
    h2_head(&c, 4 * i + 1, H2_END_STREAM, bad_requests[i].lines);
    struct h2_stream *s = h2_await(&c, 4 * i + 1);
    if (s->status != bad_requests[i].status || !strstr(s->body.p ? s->body.p : "", bad_requests[i].reason))
      fail_msg("%d '%.*s' for '%s'", s->status, US_STR_ARG(us_buf_str(&s->body)), bad_requests[i].lines);
    assert_true(s->has_ended && s->reset < 0);
    h2_get(&c, 4 * i + 3, "/");
    h2_expect(&c, 4 * i + 3, 200);
  }
  assert_int_equal(c.goaways, 0);
  assert_int_equal(us_http_server_counters(wire_http()).refused, BAD_REQUESTS);
  assert_int_equal(us_http_server_counters(wire_http()).requests, BAD_REQUESTS);
  h2_close(&c);
}

/* A value with NUL cannot be written as above. */
static void nul_in_a_field_is_refused(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  static const struct {
    const char *name;
    size_t name_n;
    const char *value;
    size_t value_n;
  } cases[] = {{"x-test", 6, "a\0b", 3}, {"x\0y", 3, "a", 1}, {"x-test", 6, "a\nb", 3}, {"x-test", 6, "\0", 1}};
  for (int i = 0; i < 4; i++) {
    struct us_buf b;
    us_buf_init(&b, 1 << 16);
    h2_pack_lines(&b, H2_GET("/"));
    h2_pack(&b, cases[i].name, cases[i].name_n, cases[i].value, cases[i].value_n);
    h2_frame(&c, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 2 * i + 1, b.p, b.n);
    us_buf_done(&b);
    h2_expect(&c, 2 * i + 1, 400);
  }
  h2_close(&c);
}

static void refusals_have_the_shape_of_those_of_http_1(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_head(&c, 1, H2_END_STREAM, H2_GET("/%00"));
  struct h2_stream *s = h2_await(&c, 1);
  assert_int_equal(s->status, 400);
  assert_string_equal(s->body.p, "{\"error\":\"invalid_request\"}");
  assert_string_equal(h2_header(s, "content-type"), "application/json");
  assert_string_equal(h2_header(s, "x-content-type-options"), "nosniff");
  assert_string_equal(h2_header(s, "cache-control"), "no-store");
  assert_null(h2_header(s, "connection"));
  h2_close(&c);
}

static void refusal_is_written_in_the_style_of_the_target(void **state) {
  struct wire_options o = options();
  o.renders_refusals = true;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  h2_head(&c, 1, H2_END_STREAM, H2_GET("/json/x") "connection|close\n");
  must_contain(h2_await(&c, 1), "[/json/x]");
  h2_close(&c);
}

static void authority_is_the_host_and_may_be_said_twice_alike(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_head(&c, 1, H2_END_STREAM, H2_GET("/") "host|USHER.test\n");
  must_contain(h2_await(&c, 1), "host=usher.test\n");
  must_contain(h2_await(&c, 1), "headers=1\n");
  h2_head(&c, 3, H2_END_STREAM, ":method|GET\n:scheme|https\n:path|/\nhost|only.test:8443\n");
  must_contain(h2_await(&c, 3), "host=only.test:8443\n");
  h2_head(&c, 5, H2_END_STREAM, ":path|/late\n:authority|[::1]:1\n:scheme|HTTPS\n:method|BREW\n");
  must_contain(h2_await(&c, 5), "method=BREW\nknown=0\npath=/late\n");
  must_contain(h2_await(&c, 5), "host=[::1]:1\n");
  h2_head(&c, 7, H2_END_STREAM, H2_GET("/") "te|trailers\n");
  h2_expect(&c, 7, 200);
  h2_close(&c);
}

/* RFC 9113 8.2.3 */
static void pieces_of_cookies_are_joined(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_head(&c, 1, H2_END_STREAM, H2_GET("/") "cookie|a=1\ncookie|b=2\ncookie|c=3\nx-test|t\n");
  must_contain(h2_await(&c, 1), "cookie=a=1; b=2; c=3\n");
  must_contain(h2_await(&c, 1), "headers=3\n");
  h2_head(&c, 3, H2_END_STREAM, H2_GET("/") "cookie|a=1\nx-test|t\ncookie|b=2\nx-a|1\ncookie|c=3\n");
  must_contain(h2_await(&c, 3), "cookie=a=1; b=2; c=3\n");
  must_contain(h2_await(&c, 3), "x-test=t\n");
  struct us_buf b;
  for (int moves = 8; moves <= 9; moves++) { /* US_H2_COOKIE_MOVES and one more */
    us_buf_init(&b, 1 << 16);
    us_buf_add_c(&b, H2_GET("/") "cookie|k=0\n");
    for (int i = 1; i <= moves; i++)
      us_buf_addf(&b, "x-%d|1\ncookie|k=%d\n", i, i);
    h2_head(&c, 2 * moves + 1, H2_END_STREAM, b.p);
    h2_expect(&c, 2 * moves + 1, moves == 8 ? 200 : 400);
    us_buf_done(&b);
  }
  must_contain(h2_stream(&c, 17), "cookie=k=0; k=1; k=2; k=3; k=4; k=5; k=6; k=7; k=8\n");
  /* More pieces than headers may be are one header all the same. */
  us_buf_init(&b, 1 << 16);
  us_buf_add_c(&b, H2_GET("/"));
  for (int i = 0; i < 150; i++)
    us_buf_add_c(&b, "cookie|n=v\n");
  h2_head(&c, 21, H2_END_STREAM, b.p);
  must_contain(h2_await(&c, 21), "headers=2\n");
  us_buf_done(&b);
  h2_close(&c);
}

static void trailers_are_dropped(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_head(&c, 1, 0, H2_POST("/") "x-test|head\n");
  h2_data(&c, 1, 0, "body");
  h2_head(&c, 1, H2_END_STREAM, "x-test|trailer\nauthorization|Bearer x\n");
  must_contain(h2_await(&c, 1), "authorization=\nx-test=head\n");
  must_contain(h2_await(&c, 1), "headers=2\n");
  must_contain(h2_await(&c, 1), "body=body\n");
  h2_head(&c, 3, 0, H2_POST("/"));
  h2_head(&c, 3, 0, "x-test|not the end\n");
  h2_expect(&c, 3, 400);
  h2_head(&c, 5, 0, H2_POST("/"));
  h2_head(&c, 5, H2_END_STREAM, ":path|/other\n");
  h2_expect(&c, 5, 400);
  h2_head(&c, 7, 0, H2_POST("/") "content-length|3\n");
  h2_data(&c, 7, 0, "ab");
  h2_head(&c, 7, H2_END_STREAM, "x-test|t\n");
  h2_expect(&c, 7, 400);
  h2_close(&c);
}

static void who_waits_for_a_word_gets_it(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_head(&c, 1, 0, H2_POST("/") "expect|100-continue\ncontent-length|2\n");
  struct h2_stream *s = h2_stream(&c, 1);
  while (s->heads == 0)
    assert_true(h2_read(&c));
  assert_int_equal(s->status, 100);
  assert_false(s->has_ended);
  h2_data(&c, 1, H2_END_STREAM, "hi");
  must_contain(h2_await(&c, 1), "body=hi\n");
  assert_int_equal(s->status, 200);
  assert_int_equal(s->heads, 2);
  h2_head(&c, 3, H2_END_STREAM, H2_GET("/") "expect|100-continue\n"); /* nothing to wait for */
  assert_int_equal(h2_await(&c, 3)->heads, 1);
  h2_head(&c, 5, 0, H2_POST("/") "expect|100-continue\ncontent-length|10000000\n");
  h2_expect(&c, 5, 413);
  assert_int_equal(h2_stream(&c, 5)->heads, 1);
  h2_close(&c);
}

/* RFC 9113 8.1: the answer, then a reset without a fault; what of the body is on its way does no harm. */
static void answer_before_the_end_of_a_body_asks_to_stop(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_head(&c, 1, 0, H2_POST("/%00"));
  struct h2_stream *s = h2_stream(&c, 1);
  while (s->reset < 0)
    assert_true(h2_read(&c));
  assert_int_equal(s->status, 400);
  assert_true(s->has_ended && s->body.n > 0);
  assert_int_equal(s->reset, H2_NO_ERROR);
  for (int i = 0; i < 10; i++)
    h2_data(&c, 1, 0, "more and more");
  h2_get(&c, 3, "/");
  h2_expect(&c, 3, 200);
  assert_int_equal(c.goaways, 0);
  h2_close(&c);
}

static void length_that_is_not_that_of_the_body_is_refused(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_head(&c, 1, 0, H2_POST("/") "content-length|3\n");
  h2_data(&c, 1, H2_END_STREAM, "ab");
  h2_expect(&c, 1, 400);
  h2_head(&c, 3, 0, H2_POST("/") "content-length|3\n");
  h2_data(&c, 3, 0, "abcd"); /* not even the end is waited for */
  h2_expect(&c, 3, 400);
  h2_head(&c, 5, 0, H2_POST("/") "content-length|3\n");
  h2_data(&c, 5, H2_END_STREAM, "abc");
  h2_expect(&c, 5, 200);
  assert_int_equal(us_http_server_counters(wire_http()).requests, 1);
  h2_close(&c);
}

/* As the windows of the client allow, stream by stream and all together, and all of it in the end. */
static void large_answers_keep_to_the_windows(void **state) {
  struct h2_client c;
  enum { BIG = 300000 };
  start();
  h2_connect_bare(&c, wire_is_tls(state), NULL);
  wire_send_c(&c.conn, US_H2_PREFACE);
  h2_set(&c, 4, 1000); /* of each stream; the connection's is 65,535 */
  h2_get(&c, 1, "/large/300000");
  h2_get(&c, 3, "/large/300000");
  h2_await_ping(&c);
  h2_await_ping(&c);
  assert_int_equal(h2_stream(&c, 1)->body.n, 1000);
  assert_int_equal(h2_stream(&c, 3)->body.n, 1000);
  h2_open_window(&c, 1, BIG);
  h2_await_ping(&c); /* the acknowledgement overtakes what the window lets go */
  h2_await_ping(&c);
  assert_int_equal(h2_stream(&c, 1)->body.n, 65535 - 1000);
  h2_open_window(&c, 0, 2 * BIG);
  h2_expect(&c, 1, 200);
  assert_int_equal(h2_stream(&c, 1)->body.n, BIG);
  h2_open_window(&c, 3, BIG);
  h2_expect(&c, 3, 200);
  assert_int_equal(h2_stream(&c, 3)->body.n, BIG);
  h2_close(&c);
}

/* The largest answer there is, with windows that never close: in rounds, others in between. */
static void largest_answer_goes_out_whole(void **state) {
  struct h2_client c;
  start();
  h2_connect_bare(&c, wire_is_tls(state), NULL);
  wire_send_c(&c.conn, US_H2_PREFACE);
  h2_set(&c, 4, 0x7fffffff);
  h2_open_window(&c, 0, 0x7fffffff - 65535);
  char *path = wire_format("/large/%d", US_HTTP_RESPONSE_BODY_MAX);
  h2_get(&c, 1, path);
  free(path);
  struct h2_stream *s = h2_await(&c, 1);
  assert_int_equal(s->body.n, US_HTTP_RESPONSE_BODY_MAX);
  for (size_t i = 0; i < s->body.n; i++)
    if (s->body.p[i] != 'x')
      fail_msg("a wrong byte at %zu", i);
  path = wire_format("/large/%d", US_HTTP_RESPONSE_BODY_MAX + 1);
  h2_get(&c, 3, path);
  free(path);
  h2_expect(&c, 3, 500);
  h2_get(&c, 5, "/head/60000");
  while (!h2_stream(&c, 5)->has_ended) { /* its head is in several frames, which this client does not read */
    uint8_t frame[9];
    while (c.conn.got.n < sizeof frame)
      assert_true(wire_read_some(&c.conn));
    memcpy(frame, c.conn.got.p, sizeof frame);
    size_t n = (size_t)frame[0] << 16 | (size_t)frame[1] << 8 | frame[2];
    while (c.conn.got.n < n + sizeof frame)
      assert_true(wire_read_some(&c.conn));
    us_buf_drop_front(&c.conn.got, n + sizeof frame);
    h2_stream(&c, 5)->has_ended = frame[3] == H2_CONTINUATION && (frame[4] & H2_END_HEADERS);
  }
  h2_close(&c);
}

static void head_that_is_too_large_to_send_is_a_fault_of_ours(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_get(&c, 1, "/head/66000");
  h2_expect(&c, 1, 500);
  h2_get(&c, 3, "/");
  h2_expect(&c, 3, 200);
  h2_close(&c);
}

static void client_that_resets_is_answered_no_more(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_get(&c, 1, "/park");
  h2_head(&c, 3, 0, H2_POST("/"));
  wire_await_parked(1);
  h2_reset(&c, 1, H2_CANCEL);
  h2_reset(&c, 3, H2_CANCEL);
  h2_await_ping(&c);
  wire_release(1);
  h2_get(&c, 5, "/");
  h2_expect(&c, 5, 200);
  assert_int_equal(h2_stream(&c, 1)->status, 0);
  assert_int_equal(h2_stream(&c, 3)->status, 0);
  h2_close(&c);
}

static void answers_to_a_client_that_has_gone_are_dropped(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_get(&c, 1, "/park");
  h2_get(&c, 3, "/park");
  wire_await_parked(2);
  h2_close(&c);
  wire_release(2);
  for (int i = 0; i < 500 && us_http_server_counters(wire_http()).open; i++)
    poll(NULL, 0, 10);
  assert_int_equal(us_http_server_counters(wire_http()).open, 0);
}

static void client_that_ends_its_side_is_still_answered(void **state) {
  (void)state; /* as in test_answers.c: not in TLS */
  struct h2_client c;
  start();
  h2_connect(&c, false);
  h2_get(&c, 1, "/park");
  h2_get(&c, 3, "/status/201");
  wire_end_sending(&c.conn);
  h2_expect(&c, 3, 201);
  wire_await_parked(1);
  wire_release(1);
  h2_expect(&c, 1, 200);
  h2_read_to_end(&c);
  h2_close(&c);
}

/* RFC 9113 6.8: the client says that it will end; what it has asked for is answered, then the connection closes. */
static void goaway_of_the_client_closes_when_all_is_answered(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_get(&c, 1, "/park");
  wire_await_parked(1);
  h2_frame(&c, H2_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
  h2_await_ping(&c);
  wire_release(1);
  h2_expect(&c, 1, 200);
  h2_read_to_end(&c);
  h2_close(&c);
}

static void handler_may_close_the_connection(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_get(&c, 1, "/close");
  h2_expect(&c, 1, 200);
  assert_int_equal(h2_read_to_end(&c), H2_NO_ERROR);
  h2_close(&c);
}

/* The end of a server. */

static void *stop_server(void *self) {
  (void)self;
  us_http_server_stop(wire_http(), WIRE_PATIENCE_MS);
  return NULL;
}

static void stop_says_goodbye_and_answers_what_is_in_flight(void **state) {
  struct h2_client busy, idle;
  start();
  h2_connect(&idle, wire_is_tls(state));
  h2_get(&idle, 1, "/");
  h2_expect(&idle, 1, 200);
  h2_connect(&busy, wire_is_tls(state));
  h2_get(&busy, 1, "/park");
  wire_await_parked(1);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, stop_server, NULL), 0);
  assert_int_equal(h2_read_to_end(&idle), H2_NO_ERROR);
  assert_int_equal(idle.goaway_id, 1);
  h2_close(&idle);
  /* First it is only told, so that no request gets lost that is on its way. */
  while (!busy.goaways)
    assert_true(h2_read(&busy));
  assert_int_equal(busy.goaway, H2_NO_ERROR);
  assert_int_equal(busy.goaway_id, 0x7fffffff);
  h2_get(&busy, 3, "/status/201");
  h2_expect(&busy, 3, 201);
  wire_release(1);
  h2_expect(&busy, 1, 200);
  assert_int_equal(h2_read_to_end(&busy), H2_NO_ERROR);
  assert_int_equal(busy.goaways, 2);
  assert_int_equal(busy.goaway_id, 3);
  h2_close(&busy);
  pthread_join(thread, NULL);
}

/* Who asks. */

static void each_request_tells_its_own_client(void **state) {
  static const char *const proxies[] = {"127.0.0.9", NULL};
  struct wire_options o = options();
  o.trusted_proxies = proxies;
  wire_start(&o);
  struct h2_client c;
  h2_connect_bare(&c, wire_is_tls(state), "127.0.0.9");
  h2_greet(&c);
  h2_head(&c, 1, H2_END_STREAM, H2_GET("/") "x-forwarded-for|192.0.2.1\n");
  h2_head(&c, 3, H2_END_STREAM, H2_GET("/") "x-forwarded-for|192.0.2.7, 2001:db8::5\n");
  h2_head(&c, 5, H2_END_STREAM, H2_GET("/"));
  must_contain(h2_await(&c, 1), "peer=192.0.2.1\ngroup=192.0.2.1\n");
  must_contain(h2_await(&c, 3), "peer=2001:db8::5\ngroup=2001:db8::\n");
  must_contain(h2_await(&c, 5), "peer=127.0.0.9\n");
  h2_close(&c);
  h2_connect(&c, wire_is_tls(state)); /* from a stranger it has no meaning */
  h2_head(&c, 1, H2_END_STREAM, H2_GET("/") "x-forwarded-for|192.0.2.1\n");
  must_contain(h2_await(&c, 1), "peer=127.0.0.1\n");
  h2_close(&c);
}

static void proxy_tells_the_certificate_of_each_request(void **state) {
  static const char *const proxies[] = {"127.0.0.9", NULL};
  struct wire_options o = options();
  o.trusted_proxies = proxies;
  o.client_cert_header = "client-cert";
  o.renders_refusals = true;
  wire_start(&o);
  struct h2_client c;
  h2_connect_bare(&c, wire_is_tls(state), "127.0.0.9");
  h2_greet(&c);
  h2_head(&c, 1, H2_END_STREAM, H2_GET("/") "client-cert|:bm9uZQ==:\n");
  h2_expect(&c, 1, 400);
  h2_head(&c, 3, H2_END_STREAM, H2_GET("/") "client-cert|:a:\nclient-cert|:a:\n");
  h2_expect(&c, 3, 400);
  h2_get(&c, 5, "/");
  must_contain(h2_await(&c, 5), "cert=\n");
  h2_close(&c);
}

static void certificate_of_the_connection_is_that_of_its_requests(void **state) {
  (void)state;
  struct wire_options o = options();
  o.asks_client_certificate = true;
  wire_start(&o);
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x02h2", 3);
  assert_int_equal(SSL_CTX_use_certificate_file(ctx, wire_certificate(1), SSL_FILETYPE_PEM), 1);
  assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, wire_key(1), SSL_FILETYPE_PEM), 1);
  struct h2_client c = {.conn = {.fd = wire_connect_socket(NULL, wire_port(true))}};
  us_buf_init(&c.conn.got, 1 << 20);
  assert_true(wire_try_handshake(&c.conn, ctx));
  h2_adopt(&c);
  h2_greet(&c);
  h2_get(&c, 1, "/");
  struct h2_stream *s = h2_await(&c, 1);
  const char *cert = strstr(s->body.p, "\ncert=");
  assert_non_null(cert);
  assert_int_equal(strcspn(cert + 6, "\n"), 43); /* SHA-256 in base64url */
  h2_close(&c);
  SSL_CTX_free(ctx);
}

static void connections_are_counted_as_those_of_http_1(void **state) {
  struct wire_options o = options();
  o.limits.connections_per_addr = 1;
  wire_start(&o);
  struct h2_client first;
  h2_connect(&first, wire_is_tls(state));
  h2_get(&first, 1, "/");
  h2_expect(&first, 1, 200);
  struct wire_client second = {.fd = wire_connect_socket(NULL, wire_port(wire_is_tls(state)))};
  us_buf_init(&second.got, 1 << 20);
  assert_int_not_equal(wire_read_to_end(&second), WIRE_SILENT);
  wire_close(&second);
  h2_get(&first, 3, "/");
  h2_expect(&first, 3, 200);
  h2_close(&first);
}

/* Turns. */

static void answers_of_a_turn_go_out_together(void **state) {
  static struct h2_client clients[10];
  start();
  for (int i = 0; i < 10; i++) {
    h2_connect(&clients[i], wire_is_tls(state));
    for (int s = 0; s < 3; s++)
      h2_get(&clients[i], 2 * s + 1, "/park");
  }
  wire_await_parked(30);
  wire_release_together(30);
  for (int i = 0; i < 10; i++) {
    for (int s = 0; s < 3; s++)
      h2_expect(&clients[i], 2 * s + 1, 200);
    h2_close(&clients[i]);
  }
  assert_int_equal(wire_longest_turn(), 30);
}

/* A connection with a hundred requests does not keep the loop: 16 (US_H2_HANDED_AT_ONCE), then somebody else's turn. */
static void many_requests_of_one_connection_are_many_turns(void **state) {
  struct h2_client c;
  start_and_connect(&c, state);
  h2_await_ping(&c);
  struct us_buf b;
  us_buf_init(&b, 1 << 20);
  for (int i = 0; i < 100; i++) {
    struct us_buf block;
    us_buf_init(&block, 1000);
    h2_pack_lines(&block, H2_GET("/"));
    unsigned char head[9] = {0, 0, (unsigned char)block.n,    H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 0,
                             0, 0, (unsigned char)(2 * i + 1)};
    us_buf_add(&b, head, sizeof head);
    us_buf_add_str(&b, us_buf_str(&block));
    us_buf_done(&block);
  }
  wire_send(&c.conn, b.p, b.n);
  us_buf_done(&b);
  for (int i = 0; i < 100; i++)
    h2_expect(&c, 2 * i + 1, 200);
  assert_in_range(wire_most_in_turn(), 2, 16);
  assert_int_equal(us_http_server_counters(wire_http()).requests, 100);
  h2_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WIRE_BOTH(request_is_understood_and_answered),
      WIRE_TEST(alpn_chooses_what_both_speak),
      WIRE_TEST(prior_knowledge_needs_the_key),
      WIRE_TEST(tls_without_alpn_is_http_1),
      WIRE_BOTH(preface_may_come_byte_by_byte),
      WIRE_TEST(what_begins_like_the_preface_is_http_1),
      WIRE_BOTH(there_is_no_upgrade),
      WIRE_BOTH(settings_say_the_limits),
      WIRE_BOTH(streams_are_answered_as_they_are_ready),
      WIRE_BOTH(head_and_empty_answers_have_no_body),
      WIRE_BOTH(body_comes_in_pieces_with_or_without_a_length),
      WIRE_BOTH(padding_is_taken_off),
      WIRE_BOTH(bad_request_gets_an_answer_and_the_connection_lives),
      WIRE_BOTH(nul_in_a_field_is_refused),
      WIRE_BOTH(refusals_have_the_shape_of_those_of_http_1),
      WIRE_BOTH(refusal_is_written_in_the_style_of_the_target),
      WIRE_BOTH(authority_is_the_host_and_may_be_said_twice_alike),
      WIRE_BOTH(pieces_of_cookies_are_joined),
      WIRE_BOTH(trailers_are_dropped),
      WIRE_BOTH(who_waits_for_a_word_gets_it),
      WIRE_BOTH(answer_before_the_end_of_a_body_asks_to_stop),
      WIRE_BOTH(length_that_is_not_that_of_the_body_is_refused),
      WIRE_BOTH(large_answers_keep_to_the_windows),
      WIRE_BOTH(largest_answer_goes_out_whole),
      WIRE_BOTH(head_that_is_too_large_to_send_is_a_fault_of_ours),
      WIRE_BOTH(client_that_resets_is_answered_no_more),
      WIRE_BOTH(answers_to_a_client_that_has_gone_are_dropped),
      WIRE_TEST(client_that_ends_its_side_is_still_answered),
      WIRE_BOTH(goaway_of_the_client_closes_when_all_is_answered),
      WIRE_BOTH(handler_may_close_the_connection),
      WIRE_BOTH(stop_says_goodbye_and_answers_what_is_in_flight),
      WIRE_BOTH(each_request_tells_its_own_client),
      WIRE_BOTH(proxy_tells_the_certificate_of_each_request),
      WIRE_TEST(certificate_of_the_connection_is_that_of_its_requests),
      WIRE_BOTH(connections_are_counted_as_those_of_http_1),
      WIRE_BOTH(answers_of_a_turn_go_out_together),
      WIRE_BOTH(many_requests_of_one_connection_are_many_turns),
  };
  return WIRE_RUN(tests);
}
