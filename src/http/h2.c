/*
 * A connection of HTTP/2: see http/h2.h. This and h2_events.c are the only files that know nghttp2.
 *
 * Two eyes watch the frames: nghttp2, and a count of our own (http/h2_count.h). Bytes go to nghttp2 frame by frame, so that
 * each is judged by what the ones before it have left.
 *
 * nghttp2's checks of HTTP are off: a bad request gets the answer that HTTP/1 gives, from the same code (h2_request.c).
 */
#include "http/h2_in.h"

#include "http/answer.h"
#include "http/h2_request.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_H2_FIELDS_MAX (US_HTTP_RESPONSE_HEADERS_MAX + 3) /* and :status, date, content-length */

/* Beginning and end. */

static nghttp2_option *us_h2_option_new(const struct us_http_limits *limits) {
  nghttp2_option *o = NULL;
  if (nghttp2_option_new(&o) != 0)
    return NULL;
  nghttp2_option_set_no_http_messaging(o, 1);
  nghttp2_option_set_no_closed_streams(o, 1);
  nghttp2_option_set_max_outbound_ack(o, US_H2_UNSENT_ACKS);
  nghttp2_option_set_max_continuations(o, US_H2_CONTINUATIONS);
  nghttp2_option_set_max_send_header_block_length(o, 2 * US_HTTP_HEAD_MAX); /* us_h2_fits() is what counts */
  /* Ours comes first, and says what it was: the library's own goodbye would be INTERNAL_ERROR. */
  uint64_t a_second = 2 * limits->h2_resets * (1 + 1000 / (uint64_t)limits->h2_interval_ms);
  nghttp2_option_set_stream_reset_rate_limit(o, a_second, a_second);
  return o;
}

static bool us_h2_start(struct us_h2 *h2) {
  nghttp2_session_callbacks *callbacks = us_h2_callbacks_new();
  nghttp2_option *option = us_h2_option_new(&h2->limits);
  nghttp2_mem mem = {&h2->memory, us_h2_malloc, us_h2_free_block, us_h2_calloc, us_h2_realloc};
  bool is_good = callbacks && option && nghttp2_session_server_new3(&h2->session, callbacks, h2, option, &mem) == 0;
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  if (!is_good)
    return false;
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)h2->limits.h2_streams},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)h2->limits.head_bytes},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}, /* RFC 9218 2.1: no tree of priorities to be grown by others */
  };
  return nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof settings[0]) == 0;
}

struct us_h2 *us_h2_new(const struct us_http_limits *limits, const struct us_h2_hooks *hooks,
                        _Atomic size_t *address_bytes) {
  struct us_h2 *h2 = calloc(1, sizeof *h2);
  if (!h2)
    return NULL;
  h2->limits = *limits;
  h2->hooks = *hooks;
  h2->count.limits = &h2->limits;
  h2->memory = (struct us_h2_memory){.limits = &h2->limits, .of_address = address_bytes};
  if (us_h2_start(h2))
    return h2;
  us_h2_free(h2);
  return NULL;
}

void us_h2_free(struct us_h2 *h2) {
  if (!h2)
    return;
  while (h2->streams) {
    struct us_h2_stream *s = h2->streams;
    if (s->phase != US_H2_ANSWERING)
      h2->hooks.drop(h2->hooks.self, s);
    us_h2_free_stream(h2, s);
  }
  nghttp2_session_del(h2->session);
  assert(h2->memory.bytes == 0 && h2->open == 0 && h2->orphans == 0 && h2->answer_bytes == 0);
  free(h2);
}

/* Bytes in. */

static uint32_t us_h2_code_of(ssize_t error) {
  switch (error) {
  case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
    return NGHTTP2_PROTOCOL_ERROR;
  case NGHTTP2_ERR_FLOODED:
  case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
    return NGHTTP2_ENHANCE_YOUR_CALM;
  default:
    return NGHTTP2_INTERNAL_ERROR;
  }
}

static bool us_h2_note_frame(struct us_h2 *h2) {
  bool is_known = us_h2_find(h2, us_h2_count_stream(&h2->count)) != NULL;
  return us_h2_count_note(&h2->count, is_known, h2->now_ms);
}

void us_h2_feed(struct us_h2 *h2, const char *bytes, size_t n, int64_t now_ms) {
  h2->now_ms = now_ms;
  while (n && !h2->has_failed && nghttp2_session_want_read(h2->session)) {
    bool begins;
    size_t part = us_h2_count_scan(&h2->count, bytes, n, &begins);
    if (begins && !us_h2_note_frame(h2)) {
      us_h2_fail(h2, NGHTTP2_ENHANCE_YOUR_CALM);
      return;
    }
    ssize_t used = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes, part);
    if (used < 0)
      us_h2_fail(h2, us_h2_code_of(used));
    bytes += part;
    n -= part;
  }
}

bool us_h2_has_next(const struct us_h2 *h2) {
  return h2->first_ready && !h2->has_failed && h2->answer_bytes <= h2->limits.h2_memory_bytes / 2;
}

struct us_h2_stream *us_h2_next(struct us_h2 *h2) {
  if (!us_h2_has_next(h2))
    return NULL;
  struct us_h2_stream *s = h2->first_ready;
  us_h2_unlink_ready(h2, s);
  s->phase = US_H2_TAKEN;
  return s;
}

void us_h2_refuse(struct us_h2 *h2, struct us_h2_stream *s, int status, const char *reason) {
  us_h2_request_refuse(s, status, reason);
  us_h2_make_ready(h2, s);
}

/* Answers. */

bool us_h2_fits(const struct us_http_response *response) {
  size_t n = 256; /* :status, date, content-length */
  for (size_t i = 0; i < response->header_count; i++)
    n += strlen(response->headers[i].name.p) + response->headers[i].value.n + 32;
  return n <= US_HTTP_HEAD_MAX;
}

/* RFC 7541 7.1.3: what opens doors is not kept in tables, neither here nor at proxies. */
static bool us_h2_is_secret(struct us_str name) {
  return us_str_eq_nocase(name, US_STR("set-cookie")) || us_str_eq_nocase(name, US_STR("location"));
}

static nghttp2_nv us_h2_field(struct us_str name, struct us_str value) {
  return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.p,
                      .value = (uint8_t *)(uintptr_t)value.p,
                      .namelen = name.n,
                      .valuelen = value.n,
                      .flags = us_h2_is_secret(name) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE};
}

/* Names become lower-case in nghttp2, which copies names and values. */
static int us_h2_submit(struct us_h2 *h2, struct us_h2_stream *s, const struct us_http_response *response,
                        struct us_str date, bool has_length, bool has_body) {
  nghttp2_nv fields[US_H2_FIELDS_MAX];
  size_t n = 0;
  char status[16], length[24];
  snprintf(status, sizeof status, "%03d", response->status);
  snprintf(length, sizeof length, "%zu", response->body.n);
  fields[n++] = us_h2_field(US_STR(":status"), us_str_c(status));
  if (date.n)
    fields[n++] = us_h2_field(US_STR("date"), date);
  for (size_t i = 0; i < response->header_count; i++)
    fields[n++] = us_h2_field(response->headers[i].name, response->headers[i].value);
  if (has_length)
    fields[n++] = us_h2_field(US_STR("content-length"), us_str_c(length));
  nghttp2_data_provider provider = {.source.ptr = s, .read_callback = us_h2_plan_body};
  return nghttp2_submit_response(h2->session, s->id, fields, n, has_body ? &provider : NULL);
}

void us_h2_answer(struct us_h2 *h2, struct us_h2_stream *s, struct us_http_response *response, struct us_str date,
                  bool is_head) {
  s->request = NULL;
  s->user = NULL;
  us_h2_hold(h2, s, 0);
  if (s->phase == US_H2_ORPHAN) {
    us_h2_free_stream(h2, s);
    return;
  }
  s->phase = US_H2_ANSWERING;
  if (h2->has_failed)
    return;
  h2->hooks.wait(h2->hooks.self, s, US_H2_WAITS_SENT);
  bool has_body = us_answer_has_body(response, is_head) && response->body.n > 0;
  size_t bytes = has_body ? response->body.room : 0;
  /* One that alone waits may be of any size; together they may not be of more than the sum. */
  if (h2->answer_bytes && h2->memory.bytes + bytes > h2->limits.h2_memory_bytes) {
    us_h2_cancel(h2, s, US_H2_ENHANCE_YOUR_CALM);
    return;
  }
  int code = us_h2_submit(h2, s, response, date, us_answer_has_body(response, false), has_body);
  if (code != 0) {
    us_h2_fail(h2, us_h2_code_of(code));
    return;
  }
  if (!has_body)
    return;
  s->body = response->body;
  us_buf_init(&response->body, US_HTTP_RESPONSE_BODY_MAX);
  us_h2_hold(h2, s, bytes);
  h2->answer_bytes += bytes;
}

void us_h2_cancel(struct us_h2 *h2, struct us_h2_stream *s, uint32_t code) {
  h2->hooks.wait(h2->hooks.self, s, US_H2_WAITS_NOT);
  if (nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, s->id, code) != 0)
    us_h2_fail(h2, US_H2_INTERNAL_ERROR);
}

/* Bytes out. */

static void us_h2_fill_frames(struct us_h2 *h2, struct us_buf *out, size_t enough) {
  h2->out = out;
  h2->out_enough = enough;
  while (out->n < enough) {
    const uint8_t *bytes = NULL;
    ssize_t n = nghttp2_session_mem_send(h2->session, &bytes);
    if (n < 0)
      us_h2_fail(h2, us_h2_code_of(n));
    if (n <= 0)
      break;
    us_buf_add(out, bytes, (size_t)n);
  }
  h2->out = NULL;
}

/* With the last stream as it is now: what begins after this is refused. */
static void us_h2_say_last_word(struct us_h2 *h2) {
  int32_t last = nghttp2_session_get_last_proc_stream_id(h2->session);
  h2->is_finished = true;
  if (nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0) != 0)
    us_h2_fail(h2, US_H2_INTERNAL_ERROR);
}

static bool us_h2_has_last_word(const struct us_h2 *h2) {
  return !h2->is_finished && !h2->has_failed && (h2->is_finishing || (h2->is_shutting && h2->open == 0));
}

void us_h2_fill(struct us_h2 *h2, struct us_buf *out, size_t enough) {
  if (!us_h2_has_last_word(h2) && !h2->has_failed)
    us_h2_fill_frames(h2, out, enough);
  if (!us_h2_has_last_word(h2))
    return;
  us_h2_say_last_word(h2);
  us_h2_fill_frames(h2, out, enough);
}

bool us_h2_wants_write(struct us_h2 *h2) {
  return us_h2_has_last_word(h2) || nghttp2_session_want_write(h2->session) != 0;
}

/* The end. */

void us_h2_shut_down(struct us_h2 *h2) {
  if (h2->is_shutting || h2->has_failed)
    return;
  h2->is_shutting = true;
  if (h2->open > 0 && nghttp2_submit_shutdown_notice(h2->session) != 0)
    us_h2_fail(h2, US_H2_INTERNAL_ERROR);
}

void us_h2_finish(struct us_h2 *h2) {
  h2->is_finishing = true;
}

bool us_h2_is_over(struct us_h2 *h2) {
  return !nghttp2_session_want_read(h2->session) && !us_h2_wants_write(h2);
}

bool us_h2_has_failed(const struct us_h2 *h2, uint32_t *ret_code) {
  *ret_code = h2->code;
  return h2->has_failed;
}

/* RFC 9113 6.8. By hand: after a failure nghttp2 may only be freed. */
void us_h2_goodbye(const struct us_h2 *h2, uint32_t code, char ret_frame[US_H2_GOAWAY_BYTES]) {
  uint32_t last = (uint32_t)h2->count.last_id;
  const unsigned char frame[US_H2_GOAWAY_BYTES] = {
      [2] = 8,
      [3] = NGHTTP2_GOAWAY,
      [9] = (unsigned char)(last >> 24),
      [10] = (unsigned char)(last >> 16),
      [11] = (unsigned char)(last >> 8),
      [12] = (unsigned char)last,
      [13] = (unsigned char)(code >> 24),
      [14] = (unsigned char)(code >> 16),
      [15] = (unsigned char)(code >> 8),
      [16] = (unsigned char)code,
  };
  memcpy(ret_frame, frame, sizeof frame);
}

size_t us_h2_streams(const struct us_h2 *h2) {
  return h2->open;
}

bool us_h2_is_in_head(const struct us_h2 *h2) {
  return !h2->has_begun || us_h2_count_is_in_head(&h2->count);
}

size_t us_h2_memory(const struct us_h2 *h2) {
  return h2->memory.bytes;
}
