/*
 * The frames that a client sends on a connection of HTTP/2, seen by their nine-byte heads alone (RFC 9113 4.1) and counted:
 * requests that are reset (CVE-2023-44487) and frames that bring no part of a request, in intervals. nghttp2 passes over some
 * of them without a word, and bounds others by what they cost its memory only.
 *
 * What a client needs for its work is free: each request, and each DATA frame of an answer, lets it send a few.
 */
#ifndef USHER_HTTP_H2_COUNT_H
#define USHER_HTTP_H2_COUNT_H

#include "http/server.h"

#define US_H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" /* RFC 9113 3.4 */
#define US_H2_PREFACE_BYTES 24
#define US_H2_FRAME_HEAD_BYTES 9
#define US_H2_FREE_A_REQUEST 8 /* frames without use */
#define US_H2_FREE_A_DATA 4    /* the client has to open its windows */

struct us_h2_count {
  const struct us_http_limits *limits;
  size_t preface_n; /* bytes of the preface so far */
  unsigned char head[US_H2_FRAME_HEAD_BYTES];
  size_t head_n;
  size_t payload_left;
  bool is_in_block; /* of a head: its last frame has not come */
  int32_t last_id;  /* of the streams that the client began */
  int64_t interval_end_ms;
  size_t resets, frames; /* in this interval */
  size_t free_frames;
};

/* How many of the bytes are of the frame that is coming (or of the preface). *ret_begins: its head is complete with them; it
 * has to be noted then, before anything is done with it. */
size_t us_h2_count_scan(struct us_h2_count *count, const char *bytes, size_t n, bool *ret_begins);
int32_t us_h2_count_stream(const struct us_h2_count *count); /* of the frame that is coming */
/* `is_known`: its stream is a request that is still there. False: there were too many. */
bool us_h2_count_note(struct us_h2_count *count, bool is_known, int64_t now_ms);
void us_h2_count_useless(struct us_h2_count *count); /* one more, whatever its kind */
void us_h2_count_give(struct us_h2_count *count, size_t frames);
bool us_h2_count_is_in_head(const struct us_h2_count *count); /* the head of a request has come in part */

#endif
