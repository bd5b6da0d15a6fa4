/* Sums of memory of HTTP/2: see http/h2_memory.h. */
#include "http/h2_memory.h"

#include "http/server.h"

#include <malloc.h>
#include <stdlib.h>

/* What all connections of the process hold. */
static _Atomic size_t us_h2_total;

void us_h2_memory_take(struct us_h2_memory *m, size_t n) {
  m->bytes += n;
  us_h2_total += n;
  if (m->of_address)
    *m->of_address += n;
}

void us_h2_memory_give_back(struct us_h2_memory *m, size_t n) {
  m->bytes -= n;
  us_h2_total -= n;
  if (m->of_address)
    *m->of_address -= n;
}

bool us_h2_memory_has_room(const struct us_h2_memory *m, size_t n) {
  const struct us_http_limits *limits = m->limits;
  return m->bytes + n <= limits->h2_memory_bytes && us_h2_total + n <= limits->h2_total_bytes &&
         (!m->of_address || *m->of_address + n <= limits->h2_address_bytes);
}

const char *us_h2_memory_excess(const struct us_h2_memory *m) {
  if (m->bytes > m->limits->h2_memory_bytes)
    return "The connection has too much to do at once";
  if (m->of_address && *m->of_address > m->limits->h2_address_bytes)
    return "Connections of this address have too much to do at once";
  return us_h2_total > m->limits->h2_total_bytes ? "The server has too much to do at once" : NULL;
}

/* ---- For nghttp2 ---- */

static void *us_h2_note(struct us_h2_memory *m, void *block) {
  size_t n = malloc_usable_size(block); /* 0 for NULL */
  m->library += n;
  us_h2_memory_take(m, n);
  return block;
}

static void us_h2_forget(struct us_h2_memory *m, size_t n) {
  m->library -= n;
  us_h2_memory_give_back(m, n);
}

static bool us_h2_may_have(const struct us_h2_memory *m, size_t n) {
  size_t max = m->limits->h2_memory_bytes;
  return n <= max && m->library <= max - n;
}

void *us_h2_malloc(size_t n, void *self) {
  return us_h2_may_have(self, n) ? us_h2_note(self, malloc(n)) : NULL;
}

void *us_h2_calloc(size_t count, size_t n, void *self) {
  return us_h2_may_have(self, count * n) ? us_h2_note(self, calloc(count, n)) : NULL;
}

void us_h2_free_block(void *block, void *self) {
  us_h2_forget(self, malloc_usable_size(block));
  free(block);
}

void *us_h2_realloc(void *block, size_t n, void *self) {
  struct us_h2_memory *m = self;
  size_t before = malloc_usable_size(block);
  void *grown = us_h2_may_have(m, n) ? realloc(block, n) : NULL;
  if (!grown)
    return NULL;
  us_h2_forget(m, before);
  return us_h2_note(m, grown);
}
