/* What nghttp2 tells of a connection, and the streams that come and go by it: see http/h2_in.h. */
#include "http/h2_in.h"

#include "base/mem.h"
#include "http/h2_request.h"

void us_h2_fail(struct us_h2 *h2, uint32_t code) {
  if (h2->has_failed)
    return;
  h2->has_failed = true;
  h2->code = code;
}

/* Streams. */

void us_h2_hold(struct us_h2 *h2, struct us_h2_stream *s, size_t bytes) {
  us_h2_memory_give_back(&h2->memory, s->counted);
  us_h2_memory_take(&h2->memory, bytes);
  s->counted = bytes;
}

void us_h2_unlink_ready(struct us_h2 *h2, struct us_h2_stream *s) {
  *(s->prev_ready ? &s->prev_ready->next_ready : &h2->first_ready) = s->next_ready;
  *(s->next_ready ? &s->next_ready->prev_ready : &h2->last_ready) = s->prev_ready;
  s->prev_ready = s->next_ready = NULL;
}

void us_h2_make_ready(struct us_h2 *h2, struct us_h2_stream *s) {
  s->phase = US_H2_READY;
  h2->hooks.wait(h2->hooks.self, s, US_H2_WAITS_NOT);
  s->prev_ready = h2->last_ready;
  *(s->prev_ready ? &s->prev_ready->next_ready : &h2->first_ready) = s;
  h2->last_ready = s;
}

void us_h2_free_stream(struct us_h2 *h2, struct us_h2_stream *s) {
  h2->hooks.wait(h2->hooks.self, s, US_H2_WAITS_NOT);
  if (s->phase == US_H2_READY)
    us_h2_unlink_ready(h2, s);
  if (s->phase == US_H2_ANSWERING)
    h2->answer_bytes -= s->counted;
  *(s->phase == US_H2_ORPHAN ? &h2->orphans : &h2->open) -= 1;
  *(s->prev ? &s->prev->next : &h2->streams) = s->next;
  if (s->next)
    s->next->prev = s->prev;
  us_h2_hold(h2, s, 0);
  us_buf_done(&s->body);
  us_h2_free_block(s, &h2->memory);
}

struct us_h2_stream *us_h2_find(struct us_h2 *h2, int32_t id) {
  return id ? nghttp2_session_get_stream_user_data(h2->session, id) : NULL;
}

static bool us_h2_may_begin(const struct us_h2 *h2) {
  return !h2->is_finished && h2->open + h2->orphans < h2->limits.h2_streams &&
         us_h2_memory_has_room(&h2->memory, US_H2_STREAM_BYTES);
}

static struct us_h2_stream *us_h2_begin_stream(struct us_h2 *h2, int32_t id) {
  struct us_h2_stream *s = us_h2_may_begin(h2) ? us_h2_calloc(1, sizeof *s, &h2->memory) : NULL;
  if (!s)
    return NULL;
  s->id = id;
  s->self = h2->hooks.self;
  us_buf_init(&s->body, US_HTTP_RESPONSE_BODY_MAX);
  s->gather.mem = h2->hooks.begin(h2->hooks.self, s);
  if (!s->gather.mem) {
    us_h2_free_block(s, &h2->memory);
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

/* Memory of a request counts as it grows; one that grows past a sum is refused with what it has. */
static void us_h2_count_request(struct us_h2 *h2, struct us_h2_stream *s) {
  us_h2_hold(h2, s, us_mem_used(s->gather.mem));
  const char *excess = us_h2_memory_excess(&h2->memory);
  if (excess)
    us_h2_request_refuse(s, 503, excess);
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

ssize_t us_h2_plan_body(nghttp2_session *session, int32_t id, uint8_t *room, size_t n, uint32_t *flags,
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

nghttp2_session_callbacks *us_h2_callbacks_new(void) {
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
