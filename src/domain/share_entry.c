/* Names of entries: see share_entry.h. */
#include "domain/share_entry.h"

/* The character at the start of valid UTF-8 of `n` bytes. */
static uint32_t decode(const unsigned char *p, size_t n) {
  static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  uint32_t character = p[0] & first_bits[n];
  for (size_t i = 1; i < n; i++)
    character = character << 6 | (p[i] & 0x3f);
  return character;
}

static void add_unit(uint32_t *hash, uint32_t unit) {
  *hash = *hash * 31 + unit;
}

int32_t us_share_entry_hash(struct us_str text) {
  uint32_t hash = 0;
  while (text.n > 0) {
    size_t n = us_str_utf8_char(text);
    bool is_valid = n > 0; /* texts from JSON are; a stray byte counts as itself */
    uint32_t character = is_valid ? decode((const unsigned char *)text.p, n) : (unsigned char)text.p[0];
    n = is_valid ? n : 1;
    if (character >= 0x10000) { /* a pair of surrogates */
      add_unit(&hash, 0xd800 + ((character - 0x10000) >> 10));
      add_unit(&hash, 0xdc00 + ((character - 0x10000) & 0x3ff));
    } else {
      add_unit(&hash, character);
    }
    text = (struct us_str){text.p + n, text.n - n};
  }
  return (int32_t)hash;
}

/* Which of the names that collide with `base` is `name`? 1: the first, which has nothing added; 0: it does not collide. */
static uint64_t place_of(struct us_str name, struct us_str base) {
  uint64_t place = 0;
  if (us_str_eq(name, base))
    return 1;
  if (!us_str_starts(name, base) || name.p[base.n] != '-')
    return 0;
  struct us_str added = {name.p + base.n + 1, name.n - base.n - 1};
  return us_str_to_u64(added, UINT32_MAX, &place) ? place : 0;
}

struct us_str us_share_entry_name(struct us_cx *cx, const struct us_resource *resource, struct us_str sharer_name,
                                  struct us_str subject, struct us_strs taken) {
  uint64_t last = 0;
  struct us_str name = resource->name.n > 0 ? resource->name : resource->uuid;
  struct us_str base = us_str_fmt(cx->mem, "%.*s - %.*s - %.*s-%d", US_STR_ARG(name), US_STR_ARG(sharer_name),
                                  US_STR_ARG(resource->uuid), (int)us_share_entry_hash(subject));
  if (base.p == NULL)
    return base;
  for (size_t i = 0; i < taken.n; i++) {
    uint64_t place = place_of(taken.v[i], base);
    last = place > last ? place : last;
  }
  return last == 0 ? base : us_str_fmt(cx->mem, "%.*s-%u", US_STR_ARG(base), (unsigned)last + 1);
}
