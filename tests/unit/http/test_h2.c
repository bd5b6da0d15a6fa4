/* HTTP/2 without a socket: frames found in any pieces, what is counted, and memory that comes back. */
#include "../unit.h"

#include "base/mem.h"
#include "http/h2.h"

#include <stdlib.h>

/* Counting frames. */

static void scan_in_pieces(struct us_h2_count *count, const char *bytes, size_t n, size_t piece, int *ret_frames) {
  *ret_frames = 0;
  for (size_t at = 0; at < n;) {
    bool begins;
    size_t part = n - at < piece ? n - at : piece;
    size_t used = us_h2_count_scan(count, bytes + at, part, &begins);
    assert_in_range(used, 1, part);
    *ret_frames += begins;
    if (begins)
      us_h2_count_note(count, false, 0);
    at += used;
  }
}

static void frames_are_found_in_any_pieces(void **state) {
  (void)state;
  static const char bytes[] = US_H2_PREFACE "\0\0\0\4\0\0\0\0\0"    /* SETTINGS */
                                            "\0\0\3\1\4\0\0\0\1abc" /* HEADERS */
                                            "\0\0\0\0\0\0\0\0\1"    /* DATA without any */
                                            "\0\0\2\1\0\0\0\0\3de"; /* HEADERS, not all of a head */
  for (size_t piece = 1; piece < sizeof bytes; piece++) {
    struct us_h2_count count = {.limits = &us_http_limits_default};
    int frames;
    scan_in_pieces(&count, bytes, sizeof bytes - 1, piece, &frames);
    assert_int_equal(frames, 4);
    assert_int_equal(count.last_id, 3);
    assert_int_equal(count.frames, 2);
    assert_true(us_h2_count_is_in_head(&count));
  }
}

/* Notes one frame with this head, of no length but `n`. */
static bool note(struct us_h2_count *count, int type, int flags, int id, int n, bool is_known, int64_t now_ms) {
  const unsigned char head[] = {0, 0, (unsigned char)n, (unsigned char)type, (unsigned char)flags, 0,
                                0, 0, (unsigned char)id};
  bool begins;
  assert_int_equal(us_h2_count_scan(count, (const char *)head, sizeof head, &begins), sizeof head);
  assert_true(begins);
  bool is_within = us_h2_count_note(count, is_known, now_ms);
  count->payload_left = 0;
  return is_within;
}

static struct us_h2_count count_of(const struct us_http_limits *limits) {
  return (struct us_h2_count){.limits = limits, .preface_n = US_H2_PREFACE_BYTES};
}

static void requests_and_their_bodies_are_of_use(void **state) {
  (void)state;
  struct us_h2_count count = count_of(&us_http_limits_default);
  note(&count, 1, 5, 1, 10, false, 0); /* HEADERS of a new stream */
  note(&count, 0, 0, 1, 10, true, 0);  /* DATA */
  note(&count, 0, 1, 1, 0, true, 0);   /* its end */
  note(&count, 1, 5, 3, 10, false, 0);
  note(&count, 1, 5, 3, 10, true, 0); /* trailers */
  assert_int_equal(count.frames, 0);
  note(&count, 1, 5, 1, 10, false, 0); /* HEADERS of one that is gone */
  note(&count, 0, 0, 1, 10, false, 0);
  note(&count, 0, 0, 3, 0, true, 0);  /* DATA without any, and no end */
  note(&count, 0, 8, 3, 10, true, 0); /* padded */
  note(&count, 9, 0, 3, 0, true, 0);  /* CONTINUATION of nothing */
  note(&count, 6, 0, 0, 8, false, 0); /* PING */
  note(&count, 99, 0, 0, 8, false, 0);
  assert_int_equal(count.frames, 7);
}

static void counts_end_with_their_interval(void **state) {
  (void)state;
  struct us_http_limits limits = us_http_limits_default;
  limits.h2_resets = 3;
  limits.h2_frames = 5;
  limits.h2_interval_ms = 1000;
  struct us_h2_count count = count_of(&limits);
  for (int i = 0; i < 3; i++)
    assert_true(note(&count, 3, 0, 1, 4, true, 100));
  assert_false(note(&count, 3, 0, 1, 4, true, 1099));
  assert_true(note(&count, 3, 0, 1, 4, true, 1100));
  for (int i = 0; i < 5; i++)
    assert_true(note(&count, 6, 0, 0, 8, false, 1200));
  assert_false(note(&count, 6, 0, 0, 8, false, 1200));
  us_h2_count_give(&count, 2);
  count.frames = 5;
  assert_true(note(&count, 6, 0, 0, 8, false, 1200));
  assert_true(note(&count, 6, 0, 0, 8, false, 1200));
  assert_false(note(&count, 6, 0, 0, 8, false, 1200));
  us_h2_count_give(&count, 1000000); /* no more than the limit itself can be saved up */
  assert_int_equal(count.free_frames, 5);
}

/* A connection. */

struct side {
  struct us_h2 *h2;
  struct us_http_limits limits;
  size_t begun, dropped;
  size_t memory_at_begin;
  struct us_http_request requests[256];
  void *mem[256];
  struct us_buf out;
};

static void *begin(void *self, struct us_h2_stream *stream) {
  struct side *side = self;
  size_t i = (size_t)stream->id / 2 % 256;
  side->memory_at_begin = us_h2_memory(side->h2);
  side->mem[i] = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  stream->request = &side->requests[i];
  stream->user = side->mem[i];
  side->begun++;
  return side->mem[i];
}
static void wait(void *self, struct us_h2_stream *stream, enum us_h2_wait wait) {
  (void)self;
  (void)stream;
  (void)wait;
}
static void drop(void *self, struct us_h2_stream *stream) {
  struct side *side = self;
  us_mem_free(stream->user);
  side->dropped++;
}

static _Atomic size_t *address_bytes; /* of sides that are opened now */

static void open_side(struct side *side, const struct us_http_limits *limits) {
  *side = (struct side){.limits = *limits};
  us_buf_init(&side->out, 64 << 20);
  const struct us_h2_hooks hooks = {.self = side, .begin = begin, .wait = wait, .drop = drop};
  side->h2 = us_h2_new(&side->limits, &hooks, address_bytes);
  assert_non_null(side->h2);
  static const char greeting[] =
      US_H2_PREFACE "\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0"; /* SETTINGS, and ours acknowledged */
  us_h2_fill(side->h2, &side->out, 65536);
  us_h2_feed(side->h2, greeting, sizeof greeting - 1, 0);
  us_h2_fill(side->h2, &side->out, 65536);
  us_buf_reset(&side->out);
}
static void close_side(struct side *side) {
  us_h2_free(side->h2); /* asserts that it has nothing left */
  us_buf_done(&side->out);
}

/* "POST / https" by the static table and :authority. */
static void post(struct side *side, int id, bool ends) {
  char frame[] = "\0\0\xb\1\4\0\0\0\0\x83\x84\x87\x41\6a.test";
  frame[4] = ends ? 5 : 4;
  frame[7] = (char)(id >> 8);
  frame[8] = (char)id;
  us_h2_feed(side->h2, frame, sizeof frame - 1, 0);
}
static void data(struct side *side, int id, size_t n, bool ends) {
  char *frame = calloc(1, n + 9);
  assert_non_null(frame);
  frame[1] = (char)(n >> 8);
  frame[2] = (char)n;
  frame[4] = ends;
  frame[7] = (char)(id >> 8);
  frame[8] = (char)id;
  us_h2_feed(side->h2, frame, n + 9, 0);
  free(frame);
}
static void answer(struct side *side, struct us_h2_stream *stream, size_t n) {
  struct us_http_response response;
  void *mem = stream->user;
  us_http_response_init(&response);
  response.status = stream->status ? stream->status : 200;
  us_buf_reserve(&response.body, n + 1);
  for (size_t i = 0; i < n; i++)
    us_buf_add_char(&response.body, 'x');
  us_h2_answer(side->h2, stream, &response, US_STR("Sun, 06 Nov 1994 08:49:37 GMT"), false);
  us_http_response_done(&response);
  us_mem_free(mem);
}
static void send_all(struct side *side) {
  us_h2_fill(side->h2, &side->out, 64 << 20);
  us_buf_reset(&side->out);
}

/* One round of everything: requests that end, that are refused, that are reset at each stage, bodies, answers of any size. */
static void one_round(struct side *side, int *id) {
  for (int i = 0; i < 20; i++, *id += 2) {
    post(side, *id, i % 4 == 0);
    if (i % 4 != 0)
      data(side, *id, 1000, i % 4 == 1);
    if (i % 4 == 3) {
      char reset[] = "\0\0\4\3\0\0\0\0\0\0\0\0\x8";
      reset[7] = (char)(*id >> 8);
      reset[8] = (char)*id;
      us_h2_feed(side->h2, reset, sizeof reset - 1, 0);
    }
    struct us_h2_stream *stream = us_h2_next(side->h2);
    if (stream)
      answer(side, stream, (size_t)i * 100);
    if (i % 4 == 2)
      data(side, *id, 1000, true);
    while ((stream = us_h2_next(side->h2)))
      answer(side, stream, 10);
    send_all(side);
    static const char open[] = "\0\0\4\x8\0\0\0\0\0\0\0\x40\0";
    us_h2_feed(side->h2, open, sizeof open - 1, 0);
  }
}

static void memory_comes_back_when_streams_end(void **state) {
  (void)state;
  struct us_http_limits limits = us_http_limits_default;
  limits.h2_resets = limits.h2_frames = 100000;
  struct side side;
  int id = 1;
  uint32_t code;
  open_side(&side, &limits);
  for (int i = 0; i < 10; i++)
    one_round(&side, &id); /* the tables of HPACK have what they will have */
  size_t before = us_h2_memory(side.h2);
  assert_in_range(before, 1, 128 * 1024);
  for (int i = 0; i < 50; i++)
    one_round(&side, &id);
  assert_false(us_h2_has_failed(side.h2, &code));
  assert_int_equal(us_h2_streams(side.h2), 0);
  assert_int_equal(us_h2_memory(side.h2), before);
  assert_int_equal(side.begun, 60 * 20);
  assert_int_equal(side.dropped, 60 * 5);
  close_side(&side);
}

static void memory_comes_back_when_the_connection_goes(void **state) {
  (void)state;
  struct side side;
  open_side(&side, &us_http_limits_default);
  for (int id = 1; id < 40; id += 2) { /* reading, ready, taken, reset while taken, answered and not sent */
    post(&side, id, id % 3 == 0);
    if (id % 3 != 0)
      data(&side, id, 100, id % 3 == 1);
  }
  struct us_h2_stream *taken = us_h2_next(side.h2), *orphan = us_h2_next(side.h2), *answered = us_h2_next(side.h2);
  assert_true(taken && orphan && answered);
  char reset[] = "\0\0\4\3\0\0\0\0\0\0\0\0\x8";
  reset[8] = (char)orphan->id;
  us_h2_feed(side.h2, reset, sizeof reset - 1, 0);
  assert_int_equal(orphan->phase, US_H2_ORPHAN);
  answer(&side, answered, 100000);
  close_side(&side);
  assert_int_equal(side.begun, 20);
  assert_int_equal(side.dropped, 19);
}

static bool begins_with(size_t memory_bytes, size_t *ret_memory_at_begin) {
  struct us_http_limits limits = us_http_limits_default;
  struct side side;
  limits.h2_memory_bytes = memory_bytes;
  open_side(&side, &limits);
  post(&side, 1, true);
  bool begins = side.begun == 1;
  *ret_memory_at_begin = side.memory_at_begin;
  close_side(&side);
  return begins;
}

/* With room for a stream it begins; with a byte less it does not. */
static void stream_begins_when_there_is_room_for_it(void **state) {
  (void)state;
  size_t memory = 0, low = 36 * 1024, high = 1024 * 1024, ignored;
  assert_true(begins_with(high, &memory));
  assert_false(begins_with(low, &ignored));
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (begins_with(middle, &ignored))
      high = middle;
    else
      low = middle;
  }
  assert_true(begins_with(high, &ignored));
  assert_false(begins_with(high - 1, &ignored));
  size_t own = sizeof(struct us_h2_stream);
  assert_in_range(high, memory - own - 64 + US_H2_STREAM_BYTES, memory - own + 64 + US_H2_STREAM_BYTES);
}

/* Begins streams with a part of a body until there is no room for more. */
static void fill_side(struct side *side) {
  for (int id = 1; id < 40; id += 2) {
    post(side, id, false);
    data(side, id, 16000, false);
    send_all(side);
  }
}

/* One more than all connections may hold together: refused, on whichever of them, until something has gone. */
static void streams_of_all_connections_share_a_sum(void **state) {
  (void)state;
  struct us_http_limits limits = us_http_limits_default;
  struct side one, other;
  open_side(&one, &limits);
  open_side(&other, &limits);
  size_t idle = us_h2_memory(one.h2) + us_h2_memory(other.h2);
  close_side(&other);
  close_side(&one);
  limits.h2_total_bytes = idle + 4 * US_H2_STREAM_BYTES;
  open_side(&one, &limits);
  open_side(&other, &limits);
  fill_side(&one);
  assert_in_range(one.begun, 1, 6);
  post(&other, 1, true);
  assert_int_equal(other.begun, 0);
  close_side(&one);
  post(&other, 3, true);
  assert_int_equal(other.begun, 1);
  close_side(&other);
}

/* Nor may one address take it all: its connections share a sum, and others do not feel it. */
static void streams_of_an_address_share_a_sum(void **state) {
  (void)state;
  struct us_http_limits limits = us_http_limits_default;
  _Atomic size_t of_one = 0, of_other = 0;
  struct side first, second, other, proxy;
  address_bytes = &of_one;
  open_side(&first, &limits);
  open_side(&second, &limits);
  size_t idle = us_h2_memory(first.h2) + us_h2_memory(second.h2);
  assert_int_equal(of_one, idle);
  close_side(&second);
  close_side(&first);
  assert_int_equal(of_one, 0);
  limits.h2_address_bytes = idle + 4 * US_H2_STREAM_BYTES;
  open_side(&first, &limits);
  open_side(&second, &limits);
  address_bytes = &of_other;
  open_side(&other, &limits);
  address_bytes = NULL;
  open_side(&proxy, &limits);
  fill_side(&first);
  assert_in_range(first.begun, 1, 6);
  post(&second, 1, true);
  assert_int_equal(second.begun, 0);
  post(&other, 1, true);
  assert_int_equal(other.begun, 1);
  fill_side(&proxy);
  assert_int_equal(proxy.begun, 20);
  close_side(&first);
  post(&second, 3, true);
  assert_int_equal(second.begun, 1);
  close_side(&second);
  close_side(&other);
  close_side(&proxy);
  assert_int_equal(of_one + of_other, 0);
}

/* As is what grows on one connection while another one of the address has taken the room. */
static void a_body_past_the_sum_of_the_address_is_refused(void **state) {
  (void)state;
  struct us_http_limits limits = us_http_limits_default;
  _Atomic size_t of_one = 0;
  struct side first, second;
  address_bytes = &of_one;
  open_side(&first, &limits);
  open_side(&second, &limits);
  post(&second, 1, false);
  limits.h2_address_bytes = of_one + 8 * US_H2_STREAM_BYTES;
  close_side(&second);
  close_side(&first);
  open_side(&first, &limits);
  open_side(&second, &limits);
  post(&second, 1, false);
  fill_side(&first);
  for (int i = 0; i < 3; i++)
    data(&second, 1, 16000, false);
  struct us_h2_stream *stream = us_h2_next(second.h2);
  assert_non_null(stream);
  assert_int_equal(stream->status, 503);
  assert_non_null(strstr(stream->reason, "of this address"));
  answer(&second, stream, 10);
  close_side(&second);
  close_side(&first);
  assert_int_equal(of_one, 0);
  address_bytes = NULL;
}

/* A body that grows past the sum is refused as soon as it does. */
static void body_past_the_sum_is_refused(void **state) {
  (void)state;
  struct us_http_limits limits = us_http_limits_default;
  struct side side;
  limits.h2_memory_bytes = 200 * 1024;
  open_side(&side, &limits);
  size_t kept = 0;
  struct us_h2_stream *stream = NULL;
  for (int id = 1; id < 40 && !stream; id += 2) {
    post(&side, id, false);
    for (int i = 0; i < 3 && !stream; i++) {
      data(&side, id, 16000, false);
      send_all(&side); /* opens the windows */
      stream = us_h2_next(side.h2);
      kept += !stream;
    }
  }
  assert_non_null(stream);
  assert_int_equal(stream->status, 503);
  assert_in_range(kept, 5, 12);
  assert_in_range(us_h2_memory(side.h2), limits.h2_memory_bytes + 1, limits.h2_memory_bytes + 64 * 1024);
  answer(&side, stream, 10);
  assert_true(us_h2_memory(side.h2) <= limits.h2_memory_bytes);
  close_side(&side);
}

/* While more than half of the sum is answers that wait, no further request is handed out. */
static void requests_wait_for_answers_to_be_taken(void **state) {
  (void)state;
  struct us_http_limits limits = us_http_limits_default;
  struct side side;
  limits.h2_memory_bytes = 1024 * 1024;
  open_side(&side, &limits);
  for (int id = 1; id < 40; id += 2)
    post(&side, id, true);
  struct us_h2_stream *stream;
  int answered = 0;
  for (; (stream = us_h2_next(side.h2)); answered++)
    answer(&side, stream, 100 * 1024);
  assert_in_range(answered, 4, 6);
  assert_false(us_h2_has_next(side.h2));
  send_all(&side); /* as much as the window of the connection lets go: 65,535 of the first */
  static const char open[] = "\0\0\4\x8\0\0\0\0\0\x0f\xff\xff\xff" /* WINDOW_UPDATE */
                             "\0\0\4\x8\0\0\0\0\1\x0f\xff\xff\xff\0\0\4\x8\0\0\0\0\3\x0f\xff\xff\xff";
  us_h2_feed(side.h2, open, sizeof open - 1, 0);
  send_all(&side);
  assert_true(us_h2_has_next(side.h2));
  close_side(&side);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_are_found_in_any_pieces),
      cmocka_unit_test(requests_and_their_bodies_are_of_use),
      cmocka_unit_test(counts_end_with_their_interval),
      cmocka_unit_test(memory_comes_back_when_streams_end),
      cmocka_unit_test(memory_comes_back_when_the_connection_goes),
      cmocka_unit_test(stream_begins_when_there_is_room_for_it),
      cmocka_unit_test(streams_of_all_connections_share_a_sum),
      cmocka_unit_test(streams_of_an_address_share_a_sum),
      cmocka_unit_test(a_body_past_the_sum_of_the_address_is_refused),
      cmocka_unit_test(body_past_the_sum_is_refused),
      cmocka_unit_test(requests_wait_for_answers_to_be_taken),
  };
  return UNIT_RUN(tests);
}
