/* Numbered texts: see intern.h. */
#include "domain/intern.h"

#include "base/mem.h"
#include "crypto/table.h"

#define FIRST_ROOM 64 /* a power of two; twice as many slots, so that at least half of them are empty */
#define BLOCK_BYTES (16 * 1024)

void us_intern_init(struct us_intern *intern, void *mem) {
  *intern = (struct us_intern){.mem = mem};
}

/* The slot in which the text is, or would be. */
static uint32_t slot_of(const struct us_intern *intern, struct us_str text) {
  uint32_t slot = us_table_hash(text.p, text.n) & (intern->slot_count - 1);
  while (intern->slots[slot] != 0 && !us_str_eq(intern->texts[intern->slots[slot] - 1], text))
    slot = (slot + 1) & (intern->slot_count - 1);
  return slot;
}

static bool grow(struct us_intern *intern) {
  uint32_t room = intern->room == 0 ? FIRST_ROOM : intern->room * 2;
  if (room > UINT32_MAX / 4)
    return false;
  struct us_str *texts =
      us_mem_grow(intern->mem, intern->texts, intern->room * sizeof(*texts), (size_t)room * sizeof(*texts));
  uint32_t *slots = US_NEW_ARRAY(intern->mem, uint32_t, (size_t)room * 2);
  if (texts != NULL)
    intern->texts = texts;
  if (texts == NULL || slots == NULL)
    return false;
  intern->slots = slots; /* the old ones stay until the memory goes: half as many */
  intern->slot_count = room * 2;
  intern->room = room;
  for (uint32_t i = 0; i < intern->count; i++)
    intern->slots[slot_of(intern, intern->texts[i])] = i + 1;
  return true;
}

/* Texts stand one behind the other in blocks: most are shorter than what an allocation costs. */
static struct us_str copy(struct us_intern *intern, struct us_str text) {
  if (text.n > BLOCK_BYTES / 4)
    return us_str_dup(intern->mem, text);
  if (text.n > intern->block_left || intern->block == NULL) {
    intern->block = us_mem_alloc(intern->mem, BLOCK_BYTES);
    intern->block_left = intern->block != NULL ? BLOCK_BYTES : 0;
  }
  if (intern->block == NULL)
    return US_STR_ABSENT;
  struct us_str kept = {intern->block, text.n};
  if (text.n > 0)
    memcpy(intern->block, text.p, text.n);
  intern->block += text.n;
  intern->block_left -= text.n;
  return kept;
}

uint32_t us_intern_put(struct us_intern *intern, struct us_str text) {
  if (intern->count == intern->room && !grow(intern))
    return US_INTERN_NONE;
  uint32_t slot = slot_of(intern, text);
  if (intern->slots[slot] != 0)
    return intern->slots[slot] - 1;
  struct us_str kept = copy(intern, text);
  if (kept.p == NULL)
    return US_INTERN_NONE;
  intern->texts[intern->count] = kept;
  intern->bytes += text.n;
  intern->slots[slot] = ++intern->count;
  return intern->count - 1;
}

uint32_t us_intern_find(const struct us_intern *intern, struct us_str text) {
  if (intern->count == 0)
    return US_INTERN_NONE;
  uint32_t slot = slot_of(intern, text);
  return intern->slots[slot] != 0 ? intern->slots[slot] - 1 : US_INTERN_NONE;
}
