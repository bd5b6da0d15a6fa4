/*
 * What a connection of HTTP/2 holds: a sum of its own, and its part in those of its address and of the process. A connection's own sum is
 * small against what many of them could ask for, and one address may have many.
 */
#ifndef USHER_HTTP_H2_MEMORY_H
#define USHER_HTTP_H2_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct us_http_limits;

struct us_h2_memory {
  const struct us_http_limits *limits;
  _Atomic size_t
      *of_address; /* what all connections of the address hold; NULL: that counts for nobody (a trusted proxy) */
  size_t bytes;    /* nghttp2's, streams', requests' until they are answered, answers' */
  size_t library;  /* of it, nghttp2's */
};

void us_h2_memory_take(struct us_h2_memory *m, size_t n);
void us_h2_memory_give_back(struct us_h2_memory *m, size_t n);
/* For so many bytes more, in all three sums. */
bool us_h2_memory_has_room(const struct us_h2_memory *m, size_t n);
/* What a request is refused with when a sum is passed; NULL: none is. */
const char *us_h2_memory_excess(const struct us_h2_memory *m);

/* Memory for nghttp2 and for streams: counted by its true size, and bounded whatever else fails to. `self` is a struct us_h2_memory. */
void *us_h2_malloc(size_t n, void *self);
void *us_h2_calloc(size_t count, size_t n, void *self);
void *us_h2_realloc(void *block, size_t n, void *self);
void us_h2_free_block(void *block, void *self); /* accepts NULL */

#endif
