/*
 * A connection of HTTP/2: see http/h2.h. The only file that knows nghttp2.
 *
 * Two eyes watch the frames: nghttp2, and a count of our own (http/h2_count.h). Bytes go to nghttp2 frame by frame, so that
 * each is judged by what the ones before it have left.
 *
 * nghttp2's checks of HTTP are off: a bad request gets the answer that HTTP/1 gives, from the same code (h2_request.c).
 */
#include "http/h2.h"

#include "base/mem.h"
#include "http/answer.h"
#include "http/h2_request.h"

#include <assert.h>
#include <malloc.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_H2_FIELDS_MAX (US_HTTP_RESPONSE_HEADERS_MAX + 3) /* and :status, date, content-length */

struct us_h2 {
  nghttp2_session *session;
  struct us_http_limits limits;
  struct us_h2_hooks hooks;
  struct us_h2_stream *streams;
  struct us_h2_stream *first_ready, *last_ready;
  size_t open, orphans;
  size_t memory;       /* nghttp2's, streams', requests' until they are answered, answers' */
  size_t library;      /* of it, nghttp2's */
  size_t answer_bytes; /* of it, answers that have not gone out */
  struct us_h2_count count;
  bool has_begun; /* the client's SETTINGS have come */

  int64_t now_ms;
  struct us_buf *out; /* during us_h2_fill() */
  size_t out_enough;
  bool is_shutting;  /* the client is being told that the end will come */
  bool is_finishing; /* the last word is to be said with what goes out next */
  bool is_finished;  /* it has been */
  bool has_failed;
  uint32_t code;
};

static void us_h2_fail(struct us_h2 *h2, uint32_t code) {
  if (h2->has_failed)
    return;
  h2->has_failed = true;
  h2->code = code;
}

/* What all connections of the process hold: a connection's own sum is small against what many of them could ask for. */
static _Atomic size_t us_h2_total;

static void us_h2_take(struct us_h2 *h2, size_t n) {
  h2->memory += n;
  us_h2_total += n;
}
static void us_h2_give_back(struct us_h2 *h2, size_t n) {
  h2->memory -= n;
  us_h2_total -= n;
}

/* Memory of nghttp2: counted, and bounded whatever else fails to. */

static void *us_h2_note_memory(struct us_h2 *h2, void *block) {
  size_t n = malloc_usable_size(block); /* 0 for NULL */
  h2->library += n;
  us_h2_take(h2, n);
  return block;
}
static void us_h2_forget_memory(struct us_h2 *h2, size_t n) {
  h2->library -= n;
  us_h2_give_back(h2, n);
}
static bool us_h2_may_have(const struct us_h2 *h2, size_t n) {
  size_t max = h2->limits.h2_memory_bytes;
  return n <= max && h2->library <= max - n;
}
static void *us_h2_malloc(size_t n, void *self) {
  return us_h2_may_have(self, n) ? us_h2_note_memory(self, malloc(n)) : NULL;
}
static void *us_h2_calloc(size_t count, size_t n, void *self) {
  return us_h2_may_have(self, count * n) ? us_h2_note_memory(self, calloc(count, n)) : NULL;
}
static void us_h2_free_block(void *block, void *self) {
  us_h2_forget_memory(self, malloc_usable_size(block));
  free(block);
}
static void *us_h2_realloc(void *block, size_t n, void *self) {
  struct us_h2 *h2 = self;
  size_t before = malloc_usable_size(block);
  void *grown = us_h2_may_have(h2, n) ? realloc(block, n) : NULL;
  if (!grown)
    return NULL;
  us_h2_forget_memory(h2, before);
  return us_h2_note_memory(h2, grown);
}

/* Streams. */

static void us_h2_count(struct us_h2 *h2, struct us_h2_stream *s, size_t bytes) {
  us_h2_give_back(h2, s->counted);
  us_h2_take(h2, bytes);
  s->counted = bytes;
}

static void us_h2_unlink_ready(struct us_h2 *h2, struct us_h2_stream *s) {
  *(s->prev_ready ? &s->prev_ready->next_ready : &h2->first_ready) = s->next_ready;
  *(s->next_ready ? &s->next_ready->prev_ready : &h2->last_ready) = s->prev_ready;
  s->prev_ready = s->next_ready = NULL;
}

static void us_h2_make_ready(struct us_h2 *h2, struct us_h2_stream *s) {
  s->phase = US_H2_READY;
  h2->hooks.wait(h2->hooks.self, s, US_H2_WAITS_NOT);
  s->prev_ready = h2->last_ready;
  *(s->prev_ready ? &s->prev_ready->next_ready : &h2->first_ready) = s;
  h2->last_ready = s;
}

static void us_h2_free_stream(struct us_h2 *h2, struct us_h2_stream *s) {
  h2->hooks.wait(h2->hooks.self, s, US_H2_WAITS_NOT);
  if (s->phase == US_H2_READY)
    us_h2_unlink_ready(h2, s);
  if (s->phase == US_H2_ANSWERING)
    h2->answer_bytes -= s->counted;
  *(s->phase == US_H2_ORPHAN ? &h2->orphans : &h2->open) -= 1;
  *(s->prev ? &s->prev->next : &h2->streams) = s->next;
  if (s->next)
    s->next->prev = s->prev;
  us_h2_count(h2, s, 0);
  us_buf_done(&s->body);
  us_h2_free_block(s, h2);
}

static struct us_h2_stream *us_h2_find(struct us_h2 *h2, int32_t id) {
  return id ? nghttp2_session_get_stream_user_data(h2->session, id) : NULL;
}

static bool us_h2_may_begin(const struct us_h2 *h2) {
  return !h2->is_finished && h2->open + h2->orphans < h2->limits.h2_streams &&
         h2->memory + US_H2_STREAM_BYTES <= h2->limits.h2_memory_bytes &&
         us_h2_total + US_H2_STREAM_BYTES <= h2->limits.h2_total_bytes;
}

static struct us_h2_stream *us_h2_begin_stream(struct us_h2 *h2, int32_t id) {
  struct us_h2_stream *s = us_h2_may_begin(h2) ? us_h2_calloc(1, sizeof *s, h2) : NULL;
  if (!s)
    return NULL;
  s->id = id;
  s->self = h2->hooks.self;
  us_buf_init(&s->body, US_HTTP_RESPONSE_BODY_MAX);
  s->gather.mem = h2->hooks.begin(h2->hooks.self, s);
  if (!s->gather.mem) {
    us_h2_free_block(s, h2);
    return NULL;
  }
  *s->request = (struct us_http_request){0};
  s->gather.request = s->request;
  s->gather.limits = &h2->limits;
  s->next = h2->streams;
  if (s->next)
    s->next->prev = s;
  h2->streams = s;
  h2->open++;
  return s;
}

/* Memory of a request counts as it grows; one that grows past the sum is refused with what it has. */
static void us_h2_count_request(struct us_h2 *h2, struct us_h2_stream *s) {
  us_h2_count(h2, s, us_mem_used(s->gather.mem));
  if (h2->memory > h2->limits.h2_memory_bytes)
    us_h2_request_refuse(s, 503, "The connection has too much to do at once");
  else if (us_h2_total > h2->limits.h2_total_bytes)
    us_h2_request_refuse(s, 503, "The server has too much to do at once");
}

/* What nghttp2 tells. */

static int us_h2_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
  struct us_h2 *h2 = self;
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
    return 0;
  int32_t id = frame->hd.stream_id;
  struct us_h2_stream *s = us_h2_begin_stream(h2, id);
  if (s) {
    us_h2_count_give(&h2->count, US_H2_FREE_A_REQUEST);
    return nghttp2_session_set_stream_user_data(session, id, s) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  /* RFC 9113 8.7: nothing has been done, it may be sent again. Not again and again at once. */
  us_h2_count_useless(&h2->count);
  if (nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* Answered by a reset of nghttp2's own, which costs the same: more streams than it lets in while ours are being reset. */
static int us_h2_on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int code, void *self) {
  (void)session;
  (void)frame;
  (void)code;
  us_h2_count_useless(&((struct us_h2 *)self)->count);
  return 0;
}

static int us_h2_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
                           const uint8_t *value, size_t value_n, uint8_t flags, void *self) {
  (void)session;
  (void)flags;
  struct us_h2 *h2 = self;
  struct us_h2_stream *s = us_h2_find(h2, frame->hd.stream_id);
  if (!s)
    return 0;
  struct us_str field = {(const char *)name, name_n};
  if (s->has_head)
    us_h2_request_trailer(s, field, value_n);
  else
    us_h2_request_field(s, field, (struct us_str){(const char *)value, value_n});
  if (s->list_bytes / US_H2_BOMB > h2->limits.head_bytes) { /* packed on purpose */
    us_h2_fail(h2, NGHTTP2_ENHANCE_YOUR_CALM);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  if (s->phase == US_H2_READING)
    us_h2_count_request(h2, s);
  return 0;
}

static int us_h2_say_continue(struct us_h2 *h2, int32_t id) {
  uint8_t name[] = ":status", value[] = "100";
  nghttp2_nv field = {.name = name, .value = value, .namelen = sizeof name - 1, .valuelen = sizeof value - 1};
  return nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE, id, NULL, &field, 1, NULL) == 0
             ? 0
             : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int us_h2_on_head(struct us_h2 *h2, struct us_h2_stream *s) {
  if (s->has_head && !s->has_ended) /* RFC 9113 8.1: a second one ends the request */
    us_h2_request_refuse(s, 400, "A second head does not end the request");
  if (s->has_head)
    return 0;
  us_h2_request_head(s);
  us_h2_count_request(h2, s);
  if (s->status || s->has_ended)
    return 0;
  h2->hooks.wait(h2->hooks.self, s, US_H2_WAITS_BODY);
  return us_h2_request_wants_continue(s) ? us_h2_say_continue(h2, s->id) : 0;
}

static int us_h2_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
  (void)session;
  struct us_h2 *h2 = self;
  if (frame->hd.type == NGHTTP2_SETTINGS)
    h2->has_begun = true;
  if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) && h2->is_shutting)
    us_h2_finish(h2);
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
    return 0;
  struct us_h2_stream *s = us_h2_find(h2, frame->hd.stream_id);
  if (!s)
    return 0;
  s->has_ended |= (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (s->phase != US_H2_READING)
    return 0;
  int code = frame->hd.type == NGHTTP2_HEADERS ? us_h2_on_head(h2, s) : 0;
  if (s->has_ended && !s->status)
    us_h2_request_end(s);
  if (s->has_ended || s->status)
    us_h2_make_ready(h2, s);
  return code;
}

static int us_h2_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t n,
                         void *self) {
  (void)session;
  (void)flags;
  struct us_h2 *h2 = self;
  struct us_h2_stream *s = us_h2_find(h2, id);
  if (!s || s->phase != US_H2_READING)
    return 0;
  us_h2_request_data(s, (const char *)bytes, n);
  us_h2_count_request(h2, s);
  if (s->status) /* the rest of it is not waited for */
    us_h2_make_ready(h2, s);
  return 0;
}

static int us_h2_on_close(nghttp2_session *session, int32_t id, uint32_t code, void *self) {
  (void)session;
  (void)code;
  struct us_h2 *h2 = self;
  struct us_h2_stream *s = us_h2_find(h2, id);
  if (!s)
    return 0;
  if (s->phase == US_H2_TAKEN) {
    s->phase = US_H2_ORPHAN;
    h2->open--;
    h2->orphans++;
    return 0;
  }
  if (s->phase != US_H2_ANSWERING)
    h2->hooks.drop(h2->hooks.self, s);
  us_h2_free_stream(h2, s);
  return 0;
}

/* RFC 9113 8.1: an answer may come before the end of a request that need not be read; then the client is asked to stop. */
static int us_h2_on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
  struct us_h2 *h2 = self;
  if (frame->hd.type == NGHTTP2_DATA)
    us_h2_count_give(&h2->count, US_H2_FREE_A_DATA);
  /* Behind the notice, which it must not overtake: who has seen it has seen the notice. */
  if (frame->hd.type == NGHTTP2_GOAWAY && h2->is_shutting && !h2->is_finished)
    return nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, NULL);
  bool ends = (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
              (frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
  struct us_h2_stream *s = ends ? us_h2_find(h2, frame->hd.stream_id) : NULL;
  if (s && !s->has_ended)
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
  return 0;
}

static int us_h2_on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int code, void *self) {
  (void)code;
  (void)self;
  if (frame->hd.type == NGHTTP2_HEADERS)
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_INTERNAL_ERROR);
  return 0;
}

/* The body of an answer goes from the handler's buffer straight behind the head of its frame. */

static ssize_t us_h2_plan_body(nghttp2_session *session, int32_t id, uint8_t *room, size_t n, uint32_t *flags,
                               nghttp2_data_source *source, void *self) {
  (void)session;
  (void)id;
  (void)room;
  (void)self;
  const struct us_h2_stream *s = source->ptr;
  size_t left = s->body.n - s->body_sent;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (left <= n)
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)(left < n ? left : n);
}

static int us_h2_send_body(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t n,
                           nghttp2_data_source *source, void *self) {
  (void)session;
  (void)frame; /* padding is never asked for */
  struct us_h2 *h2 = self;
  struct us_h2_stream *s = source->ptr;
  if (h2->out->n >= h2->out_enough)
    return NGHTTP2_ERR_WOULDBLOCK;
  us_buf_add(h2->out, head, US_H2_FRAME_HEAD_BYTES);
  us_buf_add(h2->out, s->body.p + s->body_sent, n);
  s->body_sent += n;
  return us_buf_ok(h2->out) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* Beginning and end. */

static nghttp2_session_callbacks *us_h2_callbacks_new(void) {
  nghttp2_session_callbacks *c = NULL;
  if (nghttp2_session_callbacks_new(&c) != 0)
    return NULL;
  nghttp2_session_callbacks_set_on_begin_headers_callback(c, us_h2_on_begin_headers);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, us_h2_on_invalid_frame);
  nghttp2_session_callbacks_set_on_header_callback(c, us_h2_on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(c, us_h2_on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, us_h2_on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(c, us_h2_on_close);
  nghttp2_session_callbacks_set_on_frame_send_callback(c, us_h2_on_sent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(c, us_h2_on_not_sent);
  nghttp2_session_callbacks_set_send_data_callback(c, us_h2_send_body);
  return c;
}

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
  nghttp2_mem mem = {h2, us_h2_malloc, us_h2_free_block, us_h2_calloc, us_h2_realloc};
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

struct us_h2 *us_h2_new(const struct us_http_limits *limits, const struct us_h2_hooks *hooks) {
  struct us_h2 *h2 = calloc(1, sizeof *h2);
  if (!h2)
    return NULL;
  h2->limits = *limits;
  h2->hooks = *hooks;
  h2->count.limits = &h2->limits;
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
  assert(h2->memory == 0 && h2->open == 0 && h2->orphans == 0 && h2->answer_bytes == 0);
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
  us_h2_count(h2, s, 0);
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
  if (h2->answer_bytes && h2->memory + bytes > h2->limits.h2_memory_bytes) {
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
  us_h2_count(h2, s, bytes);
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
  return h2->memory;
}
