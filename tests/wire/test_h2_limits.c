/* HTTP/2: every limit at the limit and one past it, floods, deadlines, and frames that break the rules. */
#include "wire_h2.h"

#include "http/h2.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#define SHORT_MS 300
#define LONG_MS 60000

static struct wire_options options(void) {
  struct wire_options o = wire_defaults();
  o.h2 = US_HTTP_H2_PLAIN;
  o.limits.head_ms = o.limits.body_ms = o.limits.idle_ms = o.limits.answer_ms = LONG_MS;
  o.limits.h2_interval_ms = LONG_MS;
  return o;
}

/* The connection ends with this code, and so do all that it has left behind. */
static void expect_end(struct h2_client *c, int code) {
  int got = h2_read_to_end(c);
  if (got != code)
    fail_msg("GOAWAY %d instead of %d", got, code);
  h2_close(c);
  for (int i = 0; i < 500 && us_http_server_counters(wire_http()).open; i++)
    poll(NULL, 0, 10);
  assert_int_equal(us_http_server_counters(wire_http()).open, 0);
}
static void expect_calm(struct h2_client *c) {
  expect_end(c, H2_ENHANCE_YOUR_CALM);
}
static void expect_alive(struct h2_client *c, int32_t id) {
  h2_get(c, id, "/");
  h2_expect(c, id, 200);
  assert_int_equal(c->goaways, 0);
}

/* Sizes of requests. */

static void get_of_target(struct h2_client *c, int32_t id, size_t n) {
  char *path = wire_repeat('a', n);
  path[0] = '/';
  h2_get(c, id, path);
  free(path);
}

/* HT-06 */
static void target_may_have_its_limit_and_not_a_byte_more(void **state) {
  struct wire_options o = options();
  o.limits.target_bytes = 300;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  get_of_target(&c, 1, 300);
  h2_expect(&c, 1, 200);
  get_of_target(&c, 3, 301);
  h2_expect(&c, 3, 414);
  get_of_target(&c, 5, 10000);
  h2_expect(&c, 5, 414);
  expect_alive(&c, 7);
  h2_close(&c);
}

/* A head that counts just so many bytes: RFC 9113 6.5.2, 32 and its text for each field. */
static void get_of_list(struct h2_client *c, int32_t id, size_t bytes) {
  static const char fixed[] = ":methodGET:schemehttps:authorityusher.test:path/x-fill";
  char *fill = wire_repeat('x', bytes - (sizeof fixed - 1) - 5 * 32);
  char *lines = wire_format(H2_GET("/") "x-fill|%s\n", fill);
  struct us_buf b;
  us_buf_init(&b, 1 << 20);
  h2_pack_lines(&b, lines);
  size_t frame = 16384, at = 0;
  for (; at < b.n; at += frame) {
    size_t n = b.n - at < frame ? b.n - at : frame;
    int end = at + n == b.n ? H2_END_HEADERS : 0;
    h2_frame(c, at ? H2_CONTINUATION : H2_HEADERS, end | (at ? 0 : H2_END_STREAM), id, b.p + at, n);
  }
  us_buf_done(&b);
  free(lines);
  free(fill);
}

/* HT-06 */
static void head_may_have_its_limit_and_not_a_byte_more(void **state) {
  struct wire_options o = options();
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  get_of_list(&c, 1, o.limits.head_bytes);
  h2_expect(&c, 1, 200);
  get_of_list(&c, 3, o.limits.head_bytes + 1);
  h2_expect(&c, 3, 431);
  expect_alive(&c, 5);
  h2_close(&c);
}

static void get_of_headers(struct h2_client *c, int32_t id, size_t count) {
  struct us_buf b;
  us_buf_init(&b, 1 << 20);
  us_buf_add_c(&b, H2_GET("/"));
  for (size_t i = 1; i < count; i++) /* :authority is one, as Host is */
    us_buf_addf(&b, "x-%zu|%zu\n", i, i);
  h2_head(c, id, H2_END_STREAM, b.p);
  us_buf_done(&b);
}

/* HT-06 */
static void headers_may_be_a_hundred_and_not_one_more(void **state) {
  struct wire_options o = options();
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  get_of_headers(&c, 1, 100);
  h2_expect(&c, 1, 200);
  get_of_headers(&c, 3, 101);
  h2_expect(&c, 3, 400);
  expect_alive(&c, 5);
  h2_close(&c);
}

static void post(struct h2_client *c, int32_t id, size_t bytes, const char *lines) {
  char *body = wire_repeat('b', bytes);
  h2_head(c, id, 0, lines);
  for (size_t at = 0; at < bytes; at += 16384) {
    size_t n = bytes - at < 16384 ? bytes - at : 16384;
    h2_frame(c, H2_DATA, at + n == bytes ? H2_END_STREAM : 0, id, body + at, n);
  }
  free(body);
}

/* HT-05 */
static void body_may_have_its_limit_and_not_a_byte_more(void **state) {
  struct wire_options o = options();
  o.limits.body_bytes = 40000; /* below the window, which would be in the way */
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  post(&c, 1, 40000, H2_POST("/"));
  h2_expect(&c, 1, 200);
  assert_non_null(strstr(h2_stream(&c, 1)->body.p, "bytes=40000\n"));
  post(&c, 3, 40001, H2_POST("/"));
  h2_expect(&c, 3, 413);
  h2_head(&c, 5, 0, H2_POST("/") "content-length|40001\n");
  h2_expect(&c, 5, 413);
  post(&c, 7, 40000, H2_POST("/") "content-length|40000\n");
  h2_expect(&c, 7, 200);
  h2_close(&c);
}

/* The window of a stream and of the connection is opened again as a body is read: all of 64 KiB, many times. */
static void windows_open_again_as_bodies_are_read(void **state) {
  struct wire_options o = options();
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  for (int i = 0; i < 10; i++) {
    int32_t id = 2 * i + 1;
    post(&c, id, 60000, H2_POST("/"));
    h2_expect(&c, id, 200);
  }
  h2_close(&c);
}

static void trailers_count_as_head(void **state) {
  struct wire_options o = options();
  o.limits.head_bytes = 1024;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  char *fill = wire_repeat('x', 1024);
  char *lines = wire_format("x-t|%s\n", fill);
  h2_head(&c, 1, 0, H2_POST("/"));
  h2_head(&c, 1, H2_END_STREAM, lines);
  h2_expect(&c, 1, 431);
  free(lines);
  free(fill);
  h2_close(&c);
}

/* Streams. */

static void streams_at_once_have_a_limit(void **state) {
  struct wire_options o = options();
  o.limits.h2_streams = 3;
  wire_start(&o);
  struct h2_client c;
  h2_connect_bare(&c, wire_is_tls(state), NULL);
  wire_send_c(&c.conn, US_H2_PREFACE);
  h2_frame(&c, H2_SETTINGS, 0, 0, NULL, 0);
  for (int32_t id = 1; id <= 5; id += 2)
    h2_get(&c, id, "/park");
  wire_await_parked(3);
  h2_get(&c, 7, "/"); /* before it has acknowledged our SETTINGS: it cannot know */
  assert_int_equal(h2_await(&c, 7)->reset, H2_REFUSED_STREAM);
  wire_release(1);
  h2_expect(&c, 1, 200);
  expect_alive(&c, 9); /* there is room again */
  h2_await_ping(&c);
  h2_get(&c, 11, "/park");
  wire_await_parked(3);
  h2_get(&c, 13, "/"); /* now it knows, and breaks its word */
  while (h2_read(&c))
    ;
  assert_int_equal(c.goaway, H2_PROTOCOL_ERROR);
  assert_int_equal(us_http_server_counters(wire_http()).requests, 5);
  wire_release(3);
  h2_close(&c);
}

/* CVE-2023-44487: what was reset and still runs keeps its place. */
static void reset_requests_keep_their_places_while_they_run(void **state) {
  struct wire_options o = options();
  o.limits.h2_streams = 3;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  for (int32_t id = 1; id <= 5; id += 2)
    h2_get(&c, id, "/park");
  wire_await_parked(3);
  for (int32_t id = 1; id <= 5; id += 2)
    h2_reset(&c, id, H2_CANCEL);
  for (int32_t id = 7; id < 27; id += 2) {
    h2_get(&c, id, "/park");
    assert_int_equal(h2_await(&c, id)->reset, H2_REFUSED_STREAM);
  }
  assert_int_equal(wire_parked(), 3);
  assert_int_equal(us_http_server_counters(wire_http()).requests, 3);
  wire_release(1);
  h2_await_ping(&c); /* the answer was dropped, and its place is free */
  for (int tries = 0; tries < 100; tries++) {
    h2_get(&c, 27 + 2 * tries, "/status/201");
    if (h2_await(&c, 27 + 2 * tries)->status == 201)
      break;
    assert_true(tries < 99);
    poll(NULL, 0, 10);
  }
  wire_release(2);
  h2_close(&c);
}

static void refused_streams_are_counted(void **state) {
  struct wire_options o = options();
  o.limits.h2_streams = 1;
  o.limits.h2_frames = 100;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  h2_get(&c, 1, "/park");
  wire_await_parked(1);
  h2_reset(&c, 1, H2_CANCEL);
  for (int32_t id = 3; id < 1000; id += 2)
    h2_get(&c, id, "/park");
  expect_calm(&c);
  assert_int_equal(us_http_server_counters(wire_http()).requests, 1);
  wire_release(1);
}

/* CVE-2023-44487, again: however quickly they are answered. */
static void resets_have_a_limit(void **state) {
  struct wire_options o = options();
  o.limits.h2_resets = 20;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  int32_t id = 1;
  for (int i = 0; i < 20; i++, id += 2) {
    h2_get(&c, id, "/");
    h2_reset(&c, id, H2_CANCEL);
  }
  expect_alive(&c, id);
  h2_get(&c, id + 2, "/");
  h2_reset(&c, id + 2, H2_CANCEL);
  expect_calm(&c);
}

static void resets_are_counted_anew_in_each_interval(void **state) {
  struct wire_options o = options();
  o.limits.h2_resets = 5;
  o.limits.h2_interval_ms = 200;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  int32_t id = 1;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 5; i++, id += 2) {
      h2_get(&c, id, "/");
      h2_reset(&c, id, H2_CANCEL);
    }
    h2_await_ping(&c);
    poll(NULL, 0, 250);
  }
  expect_alive(&c, id);
  h2_close(&c);
}

/* As fast as it goes, with the limits that users have: little is done before the end. */
static void reset_flood_ends_early(void **state) {
  struct wire_options o = options();
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  struct us_buf b;
  us_buf_init(&b, 1 << 20);
  h2_pack_lines(&b, H2_GET("/park"));
  for (int32_t id = 1; id < 20001; id += 2) {
    h2_frame(&c, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, id, b.p, b.n);
    h2_reset(&c, id, H2_CANCEL);
  }
  us_buf_done(&b);
  while (h2_read(&c))
    ;
  assert_int_not_equal(c.conn.end, WIRE_SILENT);
  assert_in_range(us_http_server_counters(wire_http()).requests, 0, 100);
  h2_close(&c);
  wire_release(wire_parked());
}

/* Memory. */

/* Bodies that do not end are kept; past the sum of the connection one more is refused, and room is there again afterwards. */
static void requests_of_a_connection_share_a_sum(void **state) {
  struct wire_options o = options();
  o.limits.h2_memory_bytes = 512 * 1024;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  char *body = wire_repeat('b', 16000);
  int refused = 0, kept = 0;
  int32_t id = 1;
  for (; id < 200 && !refused; id += 2) {
    h2_head(&c, id, 0, H2_POST("/"));
    for (int i = 0; i < 3; i++)
      h2_frame(&c, H2_DATA, 0, id, body, 16000);
    h2_await_ping(&c);
    h2_await_ping(&c);
    refused = h2_stream(&c, id)->status == 503 || h2_stream(&c, id)->reset == H2_REFUSED_STREAM;
    kept += !refused;
  }
  free(body);
  assert_in_range(kept, 4, 11);
  assert_int_equal(c.goaways, 0);
  for (int i = 0; i < kept; i++) /* those that had begun are none the worse */
    h2_frame(&c, H2_DATA, H2_END_STREAM, 2 * i + 1, NULL, 0);
  for (int i = 0; i < kept; i++)
    h2_expect(&c, 2 * i + 1, 200);
  post(&c, id, 48000, H2_POST("/"));
  h2_expect(&c, id, 200);
  h2_close(&c);
}

/* Answers that the client does not take: requests wait behind them, and none is begun that would have no room. */
static void answers_that_wait_hold_back_further_requests(void **state) {
  struct wire_options o = options();
  o.limits.h2_memory_bytes = 1024 * 1024;
  wire_start(&o);
  struct h2_client c;
  h2_connect_bare(&c, wire_is_tls(state), NULL);
  wire_send_c(&c.conn, US_H2_PREFACE);
  h2_set(&c, 4, 0);
  for (int i = 0; i < 40; i++)
    h2_get(&c, 2 * i + 1, "/large/100000");
  h2_await_ping(&c);
  h2_await_ping(&c);
  uint64_t begun = us_http_server_counters(wire_http()).requests;
  assert_in_range(begun, 4, 16);
  h2_open_window(&c, 0, 10000000);
  h2_set(&c, 4, 200000);
  int answered = 0;
  for (int i = 0; i < 40; i++) {
    struct h2_stream *s = h2_await(&c, 2 * i + 1);
    answered += s->status == 200 && s->body.n == 100000 && s->has_ended;
    if (s->reset >= 0) /* refused before anything was done */
      assert_int_equal(s->reset, H2_REFUSED_STREAM);
  }
  assert_in_range(answered, 16, 40);
  assert_int_equal(us_http_server_counters(wire_http()).requests, answered);
  h2_close(&c);
}

/* In one turn more can be answered than the sum allows: those that it has no room for are reset. */
static void answers_past_the_sum_are_reset(void **state) {
  struct wire_options o = options();
  o.limits.h2_memory_bytes = 512 * 1024;
  wire_start(&o);
  struct h2_client c;
  h2_connect_bare(&c, wire_is_tls(state), NULL);
  wire_send_c(&c.conn, US_H2_PREFACE);
  h2_set(&c, 4, 0);
  h2_get(&c, 1, "/large/4000000"); /* alone it may be of any size */
  h2_await_ping(&c);
  h2_await_ping(&c);
  assert_int_equal(h2_stream(&c, 1)->status, 200);
  h2_reset(&c, 1, H2_CANCEL);
  for (int i = 1; i <= 4; i++)
    h2_get(&c, 2 * i + 1, "/large/200000");
  for (int i = 0; i < 3; i++)
    h2_await_ping(&c);
  int reset = 0, waiting = 0;
  for (int i = 1; i <= 4; i++) {
    reset += h2_stream(&c, 2 * i + 1)->reset == H2_ENHANCE_YOUR_CALM;
    waiting += h2_stream(&c, 2 * i + 1)->status == 200;
  }
  assert_in_range(reset, 1, 3);
  assert_in_range(waiting, 1, 3);
  h2_get(&c, 1001, "/status/204"); /* a small one has room */
  h2_expect(&c, 1001, 204);
  h2_close(&c);
}

/* CONTINUATION: CVE-2024-28182. */

static void head_in_pieces(struct h2_client *c, int32_t id, int continuations, bool ends) {
  struct us_buf b;
  us_buf_init(&b, 1 << 16);
  h2_pack_lines(&b, H2_GET("/"));
  h2_frame(c, H2_HEADERS, H2_END_STREAM, id, b.p, 1);
  for (int i = 1; i <= continuations; i++) {
    bool is_last = i == continuations;
    h2_frame(c, H2_CONTINUATION, is_last && ends ? H2_END_HEADERS : 0, id, b.p + i, is_last ? b.n - (size_t)i : 1);
  }
  us_buf_done(&b);
}

static void continuations_have_a_limit(void **state) {
  struct wire_options o = options();
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  head_in_pieces(&c, 1, US_H2_CONTINUATIONS, true);
  h2_expect(&c, 1, 200);
  head_in_pieces(&c, 3, US_H2_CONTINUATIONS + 1, true);
  expect_calm(&c);
}

static void continuation_flood_ends_the_connection(void **state) {
  static const size_t sizes[] = {0, 16384};
  for (size_t i = 0; i < 2; i++) {
    struct wire_options o = options();
    wire_start(&o);
    struct h2_client c;
    h2_connect(&c, wire_is_tls(state));
    char *block = wire_repeat('\x82', 16384); /* :method: GET, a byte each */
    h2_frame(&c, H2_HEADERS, H2_END_STREAM, 1, "\x82", 1);
    for (int n = 0; n < 1000; n++)
      h2_frame(&c, H2_CONTINUATION, 0, 1, block, sizes[i]);
    while (h2_read(&c))
      ;
    assert_int_not_equal(c.conn.end, WIRE_SILENT);
    assert_int_equal(us_http_server_counters(wire_http()).requests, 0);
    free(block);
    h2_close(&c);
    wire_stop(0);
  }
}

/* HPACK. */

/* A field of 4,000 bytes goes into the table once, and is named by one byte each time after that. */
static void send_bomb(struct h2_client *c, int32_t id, size_t times) {
  struct us_buf b;
  us_buf_init(&b, 1 << 20);
  h2_pack_lines(&b, H2_GET("/"));
  char *value = wire_repeat('x', 3900);
  us_buf_add_char(&b, 0x40); /* literal with incremental indexing, new name */
  us_buf_add_char(&b, 6);
  us_buf_add_c(&b, "x-bomb");
  us_buf_add(&b, "\x7f\xbd\x1d", 3); /* 127 + 61 + 29 * 128 = 3,900 */
  us_buf_add(&b, value, 3900);
  for (size_t i = 0; i < times; i++)
    us_buf_add_char(&b, (char)(0x80 | 62));
  h2_frame(c, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, id, b.p, b.n);
  us_buf_done(&b);
  free(value);
}

static void bombs_of_hpack_do_not_go_off(void **state) {
  struct wire_options o = options();
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  send_bomb(&c, 1, 5);
  h2_expect(&c, 1, 200);
  send_bomb(&c, 3, 20); /* past the limit: the answer says so */
  h2_expect(&c, 3, 431);
  expect_alive(&c, 5);
  send_bomb(&c, 7, 10000); /* nobody does that by mistake */
  expect_calm(&c);
}

static void tables_of_hpack_have_their_limit(void **state) {
  static const struct {
    const char *block;
    size_t n;
    int code; /* -1: fine */
  } cases[] = {
      {"\x3f\xe1\x1f", 3, -1},                   /* a table of 4,096 */
      {"\x3f\xe2\x1f", 3, H2_COMPRESSION_ERROR}, /* of 4,097 */
      {"\x3f\xff\xff\xff\xff\x0f", 6, H2_COMPRESSION_ERROR},
      {"\x80", 1, H2_COMPRESSION_ERROR}, /* index 0 */
      {"\xfe", 1, H2_COMPRESSION_ERROR}, /* an entry that is not there */
      {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10, H2_COMPRESSION_ERROR},
      {"\x00\x82\xff\xff\x01x", 6, H2_COMPRESSION_ERROR}, /* Huffman code without an end */
      {"\x00\x7f\xff\xff\xff\xff\xff\x7f", 8, H2_COMPRESSION_ERROR},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct wire_options o = options();
    wire_start(&o);
    struct h2_client c;
    h2_connect(&c, wire_is_tls(state));
    struct us_buf b;
    us_buf_init(&b, 1 << 16);
    us_buf_add(&b, cases[i].block, cases[i].n);
    h2_pack_lines(&b, H2_GET("/"));
    h2_frame(&c, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 1, b.p, b.n);
    us_buf_done(&b);
    if (cases[i].code < 0) {
      h2_expect(&c, 1, 200);
      h2_close(&c);
    } else {
      expect_end(&c, cases[i].code);
    }
    wire_stop(0);
  }
}

/* The client's table may be as large as it likes: ours is not. It is in our hands what we put into it. */
static void giant_table_of_the_client_is_not_used(void **state) {
  struct wire_options o = options();
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  h2_set(&c, 1, 0xffffffff);
  h2_get(&c, 1, "/");
  h2_expect(&c, 1, 200);
  expect_alive(&c, 3);
  h2_close(&c);
}

/* Floods: as many frames as the limit says, and one more. */

static void one_useless(struct h2_client *c, int kind) {
  switch (kind) {
  case 0:
    h2_ping(c);
    break;
  case 1:
    h2_frame(c, H2_PING, H2_ACK, 0, "12345678", 8);
    break;
  case 2:
    h2_frame(c, H2_SETTINGS, 0, 0, NULL, 0);
    break;
  case 3:
    h2_frame(c, H2_PRIORITY, 0, 999, "\0\0\0\1\0", 5);
    break;
  case 4:
    h2_open_window(c, 0, 1);
    break;
  case 5:
    h2_frame(c, H2_DATA, 0, 1, NULL, 0);
    break;
  case 6:
    h2_frame(c, H2_DATA, H2_PADDED, 1, "\3\0\0\0", 4);
    break;
  case 7:
    h2_frame(c, 0x20, 0, 0, "unknown", 7);
    break;
  case 8:
    h2_open_window(c, 1, 1);
    break;
  case 9:
    h2_frame(c, H2_PRIORITY, 0, 1, "\0\0\0\3\0", 5);
    break;
  case 10:
    h2_frame(c, 0x10, 0, 0, "\0\0\0\1u=1", 7); /* PRIORITY_UPDATE */
    break;
  default:
    h2_frame(c, 0x20, 0xff, 0x7fffffff, NULL, 0);
    break;
  }
}
#define KINDS 12

static void frames_without_use_have_a_limit(void **state) {
  for (int kind = 0; kind < KINDS; kind++) {
    struct wire_options o = options();
    o.limits.h2_frames = 50;
    wire_start(&o);
    struct h2_client c;
    h2_connect_bare(&c, wire_is_tls(state), NULL);
    wire_send_c(&c.conn, US_H2_PREFACE);
    h2_frame(&c, H2_SETTINGS, 0, 0, NULL, 0); /* the first of them */
    h2_head(&c, 1, 0, H2_POST("/"));          /* gives US_H2_FREE_A_REQUEST */
    int left = 50 - 1 + US_H2_FREE_A_REQUEST;
    left -= 1; /* the acknowledgement of our SETTINGS, which the first look below sends */
    left -= 2; /* and two PING */
    h2_await_ping(&c);
    for (int i = 0; i < left; i++)
      one_useless(&c, kind);
    h2_await_ping(&c);
    assert_int_equal(c.goaways, 0);
    one_useless(&c, kind);
    expect_calm(&c);
    wire_stop(0);
  }
}

/* Those that need to send them are not taken for a flood: a window opened for each frame of a long answer. */
static void windows_that_answers_need_are_free(void **state) {
  struct wire_options o = options();
  o.limits.h2_frames = 20;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  h2_get(&c, 1, "/large/3000000");
  struct h2_stream *s = h2_stream(&c, 1);
  size_t seen = 0;
  while (!s->has_ended) {
    assert_true(h2_read(&c));
    if (s->body.n > seen) {
      uint32_t more = (uint32_t)(s->body.n - seen);
      seen = s->body.n;
      h2_open_window(&c, 0, more);
      h2_open_window(&c, 1, more);
    }
  }
  assert_int_equal(s->body.n, 3000000);
  expect_alive(&c, 3);
  h2_close(&c);
}

/* What the client asks for and does not take: with the socket full, so many acknowledgements wait and not one more. */
static void acknowledgements_that_are_not_taken_have_a_limit(void **state) {
  struct wire_options o = options();
  o.limits.h2_frames = 1000000;
  wire_start(&o);
  struct h2_client c;
  h2_connect_bare(&c, wire_is_tls(state), NULL);
  wire_send_c(&c.conn, US_H2_PREFACE);
  h2_set(&c, 4, 0x7fffffff);
  h2_open_window(&c, 0, 0x7fffffff - 65535);
  h2_get(&c, 1, "/large/8000000");
  h2_get(&c, 3, "/large/8000000");
  poll(NULL, 0, 300); /* until its socket is full */
  for (int i = 0; i < 2 * US_H2_UNSENT_ACKS; i++)
    h2_ping(&c);
  poll(NULL, 0, 300);
  expect_calm(&c);
}

/* Frames on streams that are gone are passed over, up to the limit. */
static void frames_on_ended_streams_have_a_limit(void **state) {
  for (int kind = 0; kind < 2; kind++) {
    struct wire_options o = options();
    o.limits.h2_frames = 50;
    wire_start(&o);
    struct h2_client c;
    h2_connect(&c, wire_is_tls(state));
    h2_head(&c, 1, 0, H2_POST("/%00"));
    while (h2_stream(&c, 1)->reset < 0)
      assert_true(h2_read(&c));
    for (int i = 0; i < 20; i++)
      if (kind)
        h2_head(&c, 1, H2_END_STREAM, "x|y\n");
      else
        h2_data(&c, 1, 0, "late");
    expect_alive(&c, 3);
    for (int i = 0; i < 100; i++)
      if (kind)
        h2_head(&c, 1, H2_END_STREAM, "x|y\n");
      else
        h2_data(&c, 1, 0, "late");
    expect_calm(&c);
    wire_stop(0);
  }
}

/* Frames that break the rules. */

static const struct {
  int type, flags;
  int32_t id;
  const char *payload;
  size_t n;
  int code;
} bad_frames[] = {
    {H2_PING, 0, 0, "1234567", 7, H2_FRAME_SIZE_ERROR},
    {H2_PING, 0, 0, "123456789", 9, H2_FRAME_SIZE_ERROR},
    {H2_PING, 0, 1, "12345678", 8, H2_PROTOCOL_ERROR},
    {H2_SETTINGS, 0, 0, "\0\4\0", 3, H2_FRAME_SIZE_ERROR},
    {H2_SETTINGS, H2_ACK, 0, "\0\4\0\0\0\0", 6, H2_FRAME_SIZE_ERROR},
    {H2_SETTINGS, 0, 1, NULL, 0, H2_PROTOCOL_ERROR},
    {H2_SETTINGS, 0, 0, "\0\2\0\0\0\2", 6, H2_PROTOCOL_ERROR},       /* ENABLE_PUSH 2 */
    {H2_SETTINGS, 0, 0, "\0\4\x80\0\0\0", 6, H2_FLOW_CONTROL_ERROR}, /* a window of 2^31 */
    {H2_SETTINGS, 0, 0, "\0\5\0\0\0\1", 6, H2_PROTOCOL_ERROR},       /* frames of a byte */
    {H2_SETTINGS, H2_ACK, 0, NULL, 0, H2_PROTOCOL_ERROR},            /* of nothing (the second one) */
    {H2_WINDOW_UPDATE, 0, 0, "\0\0\0\0", 4, H2_PROTOCOL_ERROR},
    {H2_WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4, H2_FLOW_CONTROL_ERROR},
    {H2_WINDOW_UPDATE, 0, 0, "\0\0\1", 3, H2_FRAME_SIZE_ERROR},
    {H2_WINDOW_UPDATE, 0, 99, "\0\0\0\1", 4, H2_PROTOCOL_ERROR}, /* idle */
    {H2_RST_STREAM, 0, 99, "\0\0\0\0", 4, H2_PROTOCOL_ERROR},
    {H2_RST_STREAM, 0, 0, "\0\0\0\0", 4, H2_PROTOCOL_ERROR},
    {H2_RST_STREAM, 0, 1, "\0\0\0", 3, H2_FRAME_SIZE_ERROR},
    {H2_DATA, 0, 0, "x", 1, H2_PROTOCOL_ERROR},
    {H2_DATA, 0, 99, "x", 1, H2_PROTOCOL_ERROR},
    {H2_DATA, H2_PADDED, 1, "\x9x", 2, H2_PROTOCOL_ERROR}, /* more padding than frame */
    {H2_HEADERS, H2_END_HEADERS, 0, "\x82", 1, H2_PROTOCOL_ERROR},
    {H2_HEADERS, H2_END_HEADERS, 2, "\x82", 1, H2_PROTOCOL_ERROR}, /* ours */
    {H2_CONTINUATION, H2_END_HEADERS, 1, "\x82", 1, H2_PROTOCOL_ERROR},
    {H2_PUSH_PROMISE, H2_END_HEADERS, 1, "\0\0\0\2\x82", 5, H2_PROTOCOL_ERROR},
    {H2_GOAWAY, 0, 1, "\0\0\0\0\0\0\0\0", 8, H2_PROTOCOL_ERROR},
    {H2_GOAWAY, 0, 0, "\0\0\0\0", 4, H2_FRAME_SIZE_ERROR},
};

static void frames_that_break_the_rules_end_the_connection(void **state) {
  struct wire_options o = options();
  wire_start(&o);
  for (size_t i = 0; i < sizeof bad_frames / sizeof bad_frames[0]; i++) {
    struct h2_client c;
    h2_connect(&c, wire_is_tls(state));
    h2_head(&c, 1, 0, H2_POST("/"));
    h2_await_ping(&c);
    h2_frame(&c, bad_frames[i].type, bad_frames[i].flags, bad_frames[i].id, bad_frames[i].payload, bad_frames[i].n);
    int code = h2_read_to_end(&c);
    if (code != bad_frames[i].code)
      fail_msg("frame %zu: %d instead of %d", i, code, bad_frames[i].code);
    h2_close(&c);
  }
}

static void oversized_frames_end_the_connection(void **state) {
  static const int types[] = {H2_DATA, H2_HEADERS, H2_SETTINGS, H2_PING, 0x20};
  struct wire_options o = options();
  wire_start(&o);
  char *payload = wire_repeat('\0', 16385);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    struct h2_client c;
    h2_connect(&c, wire_is_tls(state));
    h2_head(&c, 1, 0, H2_POST("/"));
    h2_await_ping(&c);
    h2_frame(&c, types[i], 0, types[i] == H2_DATA ? 1 : types[i] == H2_HEADERS ? 3 : 0, payload, 16385);
    assert_int_equal(h2_read_to_end(&c), H2_FRAME_SIZE_ERROR);
    h2_close(&c);
  }
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  h2_head(&c, 1, 0, H2_POST("/"));
  h2_frame(&c, H2_DATA, H2_END_STREAM, 1, payload, 16384);
  h2_expect(&c, 1, 200);
  h2_close(&c);
  free(payload);
}

static void beginning_must_be_preface_and_settings(void **state) {
  struct wire_options o = options();
  wire_start(&o);
  struct h2_client c;
  h2_connect_bare(&c, wire_is_tls(state), NULL);
  wire_send_c(&c.conn, US_H2_PREFACE);
  h2_ping(&c);
  assert_int_equal(h2_read_to_end(&c), H2_PROTOCOL_ERROR);
  h2_close(&c);
  if (!wire_is_tls(state))
    return;
  h2_connect_bare(&c, true, NULL);
  wire_send_c(&c.conn, "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n");
  assert_int_equal(h2_read_to_end(&c), H2_PROTOCOL_ERROR);
  h2_close(&c);
}

static void nothing_may_come_between_the_parts_of_a_head(void **state) {
  struct wire_options o = options();
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  h2_frame(&c, H2_HEADERS, H2_END_STREAM, 1, "\x82", 1);
  h2_ping(&c);
  assert_int_equal(h2_read_to_end(&c), H2_PROTOCOL_ERROR);
  h2_close(&c);
  h2_connect(&c, wire_is_tls(state));
  h2_frame(&c, H2_HEADERS, H2_END_STREAM, 1, "\x82", 1);
  h2_frame(&c, H2_CONTINUATION, H2_END_HEADERS, 3, "\x82", 1);
  assert_int_equal(h2_read_to_end(&c), H2_PROTOCOL_ERROR);
  h2_close(&c);
}

static void settings_of_many_entries_end_the_connection(void **state) {
  struct wire_options o = options();
  wire_start(&o);
  for (int n = 32; n <= 33; n++) {
    struct h2_client c;
    h2_connect(&c, wire_is_tls(state));
    char *payload = wire_repeat('\0', (size_t)n * 6);
    for (int i = 0; i < n; i++)
      payload[6 * i + 1] = (char)(0x20 + i);
    h2_frame(&c, H2_SETTINGS, 0, 0, payload, (size_t)n * 6);
    free(payload);
    if (n == 32) {
      expect_alive(&c, 1);
    } else {
      assert_int_equal(h2_read_to_end(&c), H2_ENHANCE_YOUR_CALM);
    }
    h2_close(&c);
  }
}

/* Deadlines. */

static void body_that_does_not_come_is_not_waited_for(void **state) {
  struct wire_options o = options();
  o.limits.body_ms = SHORT_MS;
  wire_start(&o);
  struct h2_client c;
  h2_connect(&c, wire_is_tls(state));
  h2_get(&c, 1, "/park");
  int64_t began = wire_now_ms();
  h2_head(&c, 3, 0, H2_POST("/"));
  struct h2_stream *s = h2_stream(&c, 3);
  while (s->reset < 0) {
    if (!h2_has_more(&c, 20)) {
      assert_true(wire_now_ms() - began < WIRE_PATIENCE_MS);
      h2_data(&c, 3, 0, "x"); /* it trickles: that does not help */
      continue;
    }
    assert_true(h2_read(&c));
  }
  assert_in_range(wire_now_ms() - began, SHORT_MS - 50, SHORT_MS + 3000);
  assert_int_equal(s->status, 408);
  assert_int_equal(s->reset, H2_NO_ERROR);
  wire_await_parked(1);
  wire_release(1);
  h2_expect(&c, 1, 200);
  expect_alive(&c, 5);
  h2_close(&c);
}

static void head_that_does_not_come_ends_the_connection(void **state) {
  struct wire_options o = options();
  o.limits.head_ms = SHORT_MS;
  wire_start(&o);
  for (int i = 0; i < 4; i++) {
    struct h2_client c;
    int64_t began = wire_now_ms();
    h2_connect_bare(&c, wire_is_tls(state), NULL);
    if (i == 0) {
      wire_send(&c.conn, US_H2_PREFACE, US_H2_PREFACE_BYTES);
      c.is_mute = true;
    } else {
      h2_greet(&c);
      h2_await_ping(&c);
    }
    if (i == 1) /* a head without an end */
      h2_frame(&c, H2_HEADERS, 0, 1, "\x82", 1);
    if (i == 2) /* half a frame of a head */
      wire_send(&c.conn, "\0\0\5\1\4\0\0\0\1\x82", 10);
    if (i == 3) { /* while another request is answered */
      h2_get(&c, 1, "/park");
      h2_frame(&c, H2_HEADERS, 0, 3, "\x82", 1);
    }
    assert_int_equal(h2_read_to_end(&c), H2_ENHANCE_YOUR_CALM);
    assert_in_range(wire_now_ms() - began, SHORT_MS - 50, SHORT_MS + 3000);
    h2_close(&c);
  }
  wire_release(wire_parked());
}

static void half_a_preface_is_not_waited_for(void **state) {
  (void)state;
  struct wire_options o = options();
  o.limits.head_ms = SHORT_MS;
  wire_start(&o);
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, false);
  wire_send_c(&client, "PRI * HT");
  wire_read_answer(&client, false, &answer);
  assert_int_equal(answer.status, 408);
  wire_answer_done(&answer);
  assert_int_equal(wire_read_to_end(&client), WIRE_CLOSED);
  wire_close(&client);
}

static void idle_connection_ends_whatever_it_pings(void **state) {
  struct wire_options o = options();
  o.limits.idle_ms = SHORT_MS;
  wire_start(&o);
  for (int pings = 0; pings < 2; pings++) {
    struct h2_client c;
    h2_connect(&c, wire_is_tls(state));
    h2_get(&c, 1, "/park"); /* this is not idle */
    wire_await_parked(1);
    poll(NULL, 0, 2 * SHORT_MS);
    wire_release(1);
    h2_expect(&c, 1, 200);
    int64_t began = wire_now_ms();
    while (c.goaway < 0 && wire_now_ms() - began < WIRE_PATIENCE_MS) {
      if (pings)
        h2_ping(&c);
      poll(NULL, 0, 20);
      while (c.goaway < 0 && h2_has_more(&c, 0) && h2_read(&c))
        ;
    }
    assert_in_range(wire_now_ms() - began, SHORT_MS - 50, SHORT_MS + 3000);
    assert_int_equal(h2_read_to_end(&c), H2_NO_ERROR);
    h2_close(&c);
  }
}

/* A window that never opens: that answer ends, the others do not wait for it. */
static void answer_that_is_not_taken_is_given_up(void **state) {
  struct wire_options o = options();
  o.limits.answer_ms = SHORT_MS;
  wire_start(&o);
  struct h2_client c;
  h2_connect_bare(&c, wire_is_tls(state), NULL);
  wire_send_c(&c.conn, US_H2_PREFACE);
  h2_set(&c, 4, 0);
  int64_t began = wire_now_ms();
  h2_get(&c, 1, "/large/100000");
  h2_get(&c, 3, "/status/204");
  h2_expect(&c, 3, 204);
  struct h2_stream *s = h2_await(&c, 1);
  assert_in_range(wire_now_ms() - began, SHORT_MS - 50, SHORT_MS + 3000);
  assert_int_equal(s->status, 200);
  assert_int_equal(s->body.n, 0);
  assert_int_equal(s->reset, H2_CANCEL);
  h2_get(&c, 5, "/status/204");
  h2_expect(&c, 5, 204);
  h2_close(&c);
}

/* A client that reads nothing at all, whatever else it sends. Either a write is stuck for too long, or both answers are given up before
 * the socket is full: then the connection is idle. */
static void client_that_reads_nothing_is_cut_off(void **state) {
  struct wire_options o = options();
  o.limits.answer_ms = o.limits.idle_ms = SHORT_MS;
  wire_start(&o);
  struct h2_client c;
  h2_connect_bare(&c, wire_is_tls(state), NULL);
  wire_send_c(&c.conn, US_H2_PREFACE);
  h2_set(&c, 4, 0x7fffffff);
  h2_open_window(&c, 0, 0x7fffffff - 65535);
  h2_get(&c, 1, "/large/8000000");
  h2_get(&c, 3, "/large/8000000");
  for (int i = 0; i < 500 && (i < 10 || us_http_server_counters(wire_http()).open); i++) {
    if (i % 10 == 5)
      h2_ping(&c);
    poll(NULL, 0, 20);
  }
  assert_int_equal(us_http_server_counters(wire_http()).open, 0);
  h2_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WIRE_BOTH(target_may_have_its_limit_and_not_a_byte_more),
      WIRE_BOTH(head_may_have_its_limit_and_not_a_byte_more),
      WIRE_BOTH(headers_may_be_a_hundred_and_not_one_more),
      WIRE_BOTH(body_may_have_its_limit_and_not_a_byte_more),
      WIRE_BOTH(windows_open_again_as_bodies_are_read),
      WIRE_BOTH(trailers_count_as_head),
      WIRE_BOTH(streams_at_once_have_a_limit),
      WIRE_BOTH(reset_requests_keep_their_places_while_they_run),
      WIRE_BOTH(refused_streams_are_counted),
      WIRE_BOTH(resets_have_a_limit),
      WIRE_BOTH(resets_are_counted_anew_in_each_interval),
      WIRE_BOTH(reset_flood_ends_early),
      WIRE_BOTH(requests_of_a_connection_share_a_sum),
      WIRE_BOTH(answers_that_wait_hold_back_further_requests),
      WIRE_BOTH(answers_past_the_sum_are_reset),
      WIRE_BOTH(continuations_have_a_limit),
      WIRE_BOTH(continuation_flood_ends_the_connection),
      WIRE_BOTH(bombs_of_hpack_do_not_go_off),
      WIRE_BOTH(tables_of_hpack_have_their_limit),
      WIRE_BOTH(giant_table_of_the_client_is_not_used),
      WIRE_BOTH(frames_without_use_have_a_limit),
      WIRE_BOTH(windows_that_answers_need_are_free),
      WIRE_BOTH(acknowledgements_that_are_not_taken_have_a_limit),
      WIRE_BOTH(frames_on_ended_streams_have_a_limit),
      WIRE_BOTH(frames_that_break_the_rules_end_the_connection),
      WIRE_BOTH(oversized_frames_end_the_connection),
      WIRE_BOTH(beginning_must_be_preface_and_settings),
      WIRE_BOTH(nothing_may_come_between_the_parts_of_a_head),
      WIRE_BOTH(settings_of_many_entries_end_the_connection),
      WIRE_BOTH(body_that_does_not_come_is_not_waited_for),
      WIRE_BOTH(head_that_does_not_come_ends_the_connection),
      WIRE_TEST(half_a_preface_is_not_waited_for),
      WIRE_BOTH(idle_connection_ends_whatever_it_pings),
      WIRE_BOTH(answer_that_is_not_taken_is_given_up),
      WIRE_BOTH(client_that_reads_nothing_is_cut_off),
  };
  return WIRE_RUN(tests);
}
