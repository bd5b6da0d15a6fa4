/*
 * Memory of a request: a talloc root of its own (talloc_pool(NULL, ...)) whose total is counted, so that a hostile
 * request runs out of its own memory and not of ours. Nothing here is shared between threads; the pool goes with the
 * request through the queues. Sanitizer builds allocate every object by itself, so that overruns show.
 *
 * Objects that talloc did not make (a json_t, an EVP_PKEY) are tied to the context at once with us_mem_own().
 */
#ifndef USHER_BASE_MEM_H
#define USHER_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#define US_MEM_REQUEST_POOL_BYTES (8 * 1024)        /* first block of a request */
#define US_MEM_REQUEST_MAX_BYTES (16 * 1024 * 1024) /* a request may hold no more than this */

/* A new root. NULL when out of memory. Free with us_mem_free(). */
void *us_mem_root_new(size_t pool_bytes, size_t max_bytes);
void us_mem_free(void *context); /* accepts NULL */
/* NULL when the limit of the root or the machine's memory is reached. Not zeroed / zeroed. Aligned for any type. */
void *us_mem_alloc(void *context, size_t bytes);
void *us_mem_zalloc(void *context, size_t bytes);
void *us_mem_array(void *context, size_t count, size_t bytes_each); /* zeroed; NULL on overflow */
void *us_mem_copy(void *context, const void *bytes, size_t n);
/* Grows to `bytes`, keeping the content; the old pointer is dead. */
void *us_mem_grow(void *context, void *old, size_t old_bytes, size_t bytes);
/* Calls destroy(object) when the context goes. Returns 0, or -1 after calling destroy at once (out of memory). */
int us_mem_own(void *context, void *object, void (*destroy)(void *object));
/* Destroys an owned object before its context goes; false when no such object is owned. */
bool us_mem_release(void *context, const void *object);
/* Memory for a secret: wiped when its context goes. */
void *us_mem_secret(void *context, size_t bytes);
size_t us_mem_used(const void *root); /* bytes counted against the limit, headers included */
/* True for ever once an allocation of this root was refused. Functions that return sets (base/str.h) cannot say so
 * themselves: whoever is about to commit or answer asks here. */
bool us_mem_is_spent(const void *context);

#define US_NEW(context, type) ((type *)us_mem_zalloc((context), sizeof(type)))
#define US_NEW_ARRAY(context, type, count) ((type *)us_mem_array((context), (count), sizeof(type)))

#endif
