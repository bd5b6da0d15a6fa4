/*
 * Texts numbered in the order in which they first came, so that a text which comes a thousand times is kept, and taken apart, once.
 * Hashed under the key of this process (crypto/table.h): nobody can choose texts that meet.
 */
#ifndef USHER_DOMAIN_INTERN_H
#define USHER_DOMAIN_INTERN_H

#include "base/str.h"

#define US_INTERN_NONE UINT32_MAX

struct us_intern {
  void *mem;
  struct us_str *texts; /* by number */
  uint32_t count, room;
  uint32_t *slots; /* number + 1 by hash, open addressing; 0: empty */
  uint32_t slot_count;
  size_t bytes; /* of all texts */
  char *block;  /* where the next texts go */
  size_t block_left;
};
void us_intern_init(struct us_intern *intern, void *mem);
/* The number of a text, which is copied when it is new. US_INTERN_NONE: out of memory. */
uint32_t us_intern_put(struct us_intern *intern, struct us_str text);
/* US_INTERN_NONE when it never came. */
uint32_t us_intern_find(const struct us_intern *intern, struct us_str text);

#endif
