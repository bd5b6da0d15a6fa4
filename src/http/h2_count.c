/* Counting frames: see http/h2_count.h. */
#include "http/h2_count.h"

enum { US_FRAME_DATA = 0x0, US_FRAME_HEADERS = 0x1, US_FRAME_RST_STREAM = 0x3, US_FRAME_CONTINUATION = 0x9 };
enum { US_FLAG_END_STREAM = 0x1, US_FLAG_END_HEADERS = 0x4, US_FLAG_PADDED = 0x8 };
enum { US_AT_TYPE = 3, US_AT_FLAGS = 4, US_AT_STREAM = 5 };

int32_t us_h2_count_stream(const struct us_h2_count *c) {
  const unsigned char *at = c->head + US_AT_STREAM;
  return (int32_t)((uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]);
}

static bool us_is_useless(const struct us_h2_count *c, bool is_known) {
  unsigned char flags = c->head[US_AT_FLAGS];
  switch (c->head[US_AT_TYPE]) {
  case US_FRAME_HEADERS:
    return !is_known && us_h2_count_stream(c) <= c->last_id;
  case US_FRAME_CONTINUATION:
    return c->payload_left == 0;
  case US_FRAME_DATA:
    /* Padding is nothing but bytes, and may be all that a frame has. */
    return !is_known || ((c->payload_left == 0 || (flags & US_FLAG_PADDED)) && !(flags & US_FLAG_END_STREAM));
  default:
    return true;
  }
}

void us_h2_count_useless(struct us_h2_count *c) {
  if (c->free_frames)
    c->free_frames--;
  else
    c->frames++;
}

void us_h2_count_give(struct us_h2_count *c, size_t frames) {
  size_t max = c->limits->h2_frames;
  c->free_frames = frames < max && c->free_frames < max - frames ? c->free_frames + frames : max;
}

bool us_h2_count_note(struct us_h2_count *c, bool is_known, int64_t now_ms) {
  unsigned char type = c->head[US_AT_TYPE];
  int32_t id = us_h2_count_stream(c);
  if (now_ms >= c->interval_end_ms) {
    c->interval_end_ms = now_ms + c->limits->h2_interval_ms;
    c->resets = c->frames = 0;
  }
  if (type == US_FRAME_RST_STREAM)
    c->resets++;
  else if (us_is_useless(c, is_known))
    us_h2_count_useless(c);
  if (type == US_FRAME_HEADERS || type == US_FRAME_CONTINUATION)
    c->is_in_block = !(c->head[US_AT_FLAGS] & US_FLAG_END_HEADERS);
  if (type == US_FRAME_HEADERS && id > c->last_id)
    c->last_id = id;
  return c->resets <= c->limits->h2_resets && c->frames <= c->limits->h2_frames;
}

size_t us_h2_count_scan(struct us_h2_count *c, const char *bytes, size_t n, bool *ret_begins) {
  *ret_begins = false;
  if (c->preface_n < US_H2_PREFACE_BYTES) {
    size_t left = US_H2_PREFACE_BYTES - c->preface_n;
    size_t part = n < left ? n : left;
    c->preface_n += part;
    return part;
  }
  size_t used = 0;
  if (c->payload_left == 0) {
    while (used < n && c->head_n < sizeof c->head)
      c->head[c->head_n++] = (unsigned char)bytes[used++];
    if (c->head_n < sizeof c->head)
      return used;
    c->head_n = 0;
    c->payload_left = (size_t)c->head[0] << 16 | (size_t)c->head[1] << 8 | c->head[2];
    *ret_begins = true;
    return used;
  }
  size_t part = n < c->payload_left ? n : c->payload_left;
  c->payload_left -= part;
  return part;
}

bool us_h2_count_is_in_head(const struct us_h2_count *c) {
  unsigned char type = c->head[US_AT_TYPE];
  return c->is_in_block || (c->payload_left && (type == US_FRAME_HEADERS || type == US_FRAME_CONTINUATION));
}
