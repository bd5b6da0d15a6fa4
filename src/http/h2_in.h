/* Inside of h2.c and h2_events.c. */
#ifndef USHER_HTTP_H2_IN_H
#define USHER_HTTP_H2_IN_H

#include "http/h2.h"
#include "http/h2_memory.h"

#include <nghttp2/nghttp2.h>

struct us_h2 {
  nghttp2_session *session;
  struct us_http_limits limits;
  struct us_h2_hooks hooks;
  struct us_h2_stream *streams;
  struct us_h2_stream *first_ready, *last_ready;
  size_t open, orphans;
  struct us_h2_memory memory;
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

void us_h2_fail(struct us_h2 *h2, uint32_t code); /* the first counts */

/* NULL: there is none, or it is gone. */
struct us_h2_stream *us_h2_find(struct us_h2 *h2, int32_t id);
/* So many bytes are the stream's from now on. */
void us_h2_hold(struct us_h2 *h2, struct us_h2_stream *s, size_t bytes);
void us_h2_make_ready(struct us_h2 *h2, struct us_h2_stream *s);
void us_h2_unlink_ready(struct us_h2 *h2, struct us_h2_stream *s);
void us_h2_free_stream(struct us_h2 *h2, struct us_h2_stream *s);

nghttp2_session_callbacks *us_h2_callbacks_new(void); /* NULL: no memory */
/* Of the data of an answer. */
ssize_t us_h2_plan_body(nghttp2_session *session, int32_t id, uint8_t *room, size_t n, uint32_t *flags,
                        nghttp2_data_source *source, void *self);

#endif
