/*
 * A request as its parts come in, whichever protocol brings them: target, names and values, and the body, kept in the
 * request's memory under the size limits. http/parse.c fills one from HTTP/1, http/h2.c one a stream from HTTP/2.
 *
 * Everything is copied. Target, names and values lie in one block that grows: between calls only offsets and the slices
 * in `headers` point into it, and those are moved along.
 */
#ifndef USHER_HTTP_GATHER_H
#define USHER_HTTP_GATHER_H

#include "http/server.h"

struct us_gather {
  void *mem;
  struct us_http_request *request;
  const struct us_http_limits *limits;
  size_t hint; /* bytes at hand: how much memory is worth taking at once */
  char *text;  /* target, names and values, one behind the other */
  size_t text_n;
  size_t text_room;
  size_t target_at;
  size_t target_n;
  struct us_http_header *headers;
  size_t header_count;
  size_t header_room;
  char *body;
  size_t body_n;
  size_t body_room;
};

/* Each returns 0, or the HTTP status with which to refuse the request and *ret_reason. */
int us_gather_target(struct us_gather *g, const char *at, size_t n, const char **ret_reason); /* some more of it: 414 */
int us_gather_header(struct us_gather *g, const char **ret_reason); /* begins one, name empty and value absent: 400 */
int us_gather_body(struct us_gather *g, const char *at, size_t n, bool is_all, const char **ret_reason); /* 413 */
int us_gather_failed(const char **ret_reason); /* out of memory: 503 */
/* Room for n more bytes of text behind text_n; false when there is no memory. */
bool us_gather_grow(struct us_gather *g, size_t n);
static inline bool us_gather_room(struct us_gather *g, size_t n) {
  return n <= g->text_room - g->text_n || us_gather_grow(g, n);
}
static inline struct us_http_header *us_gather_last(struct us_gather *g) {
  return &g->headers[g->header_count - 1];
}
/* The value of the first header of that name; absent without. */
struct us_str us_gather_find(const struct us_gather *g, struct us_str name);
/* The head is complete: shows it in the request. There must be text, if only room for it. */
void us_gather_show_head(struct us_gather *g);
/* As much of the target as is known, so that a refusal can be written in the style of the path. */
void us_gather_show_target(struct us_gather *g);
void us_gather_show_body(struct us_gather *g);

#endif
