/*
 * Request memory over talloc. Every allocation carries a hidden head of 16 bytes in front:
 *
 *   talloc chunk -> | root pointer | size, secret? | bytes handed out ...
 *
 * so that the root, and with it the count against the limit, is one load away from any context. (Asking talloc for the
 * top parent walks the tree; talloc's own limit is deprecated.) Head and talloc's header are counted too: else many tiny
 * allocations would hold several times the limit.
 *
 * Sanitizer builds make the root without a pool, so that each object is a malloc of its own and overruns show.
 */
#include "base/mem.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>
#include <talloc.h>

struct us_mem_root;
struct us_mem_head {
  struct us_mem_root *root;
  size_t bytes : 62;
  size_t is_secret : 1;
  size_t is_root : 1;
};
static_assert(sizeof(struct us_mem_head) == 16, "the head must keep talloc's alignment of 16");

/* An object that talloc did not make; all of a root are in one list, newest first, so that us_mem_release() finds them. */
struct us_mem_owned {
  struct us_mem_root *root;
  struct us_mem_owned *prev;
  struct us_mem_owned *next;
  void *object;
  void (*destroy)(void *object);
};

struct us_mem_root {
  void *pool; /* what talloc_free() must be given; NULL: the root itself */
  size_t used;
  size_t max;
  struct us_mem_owned *owned;
  bool is_spent;
  alignas(16) struct us_mem_head head; /* must be last: the context handed out points right behind it */
};

/* What an allocation costs beside its bytes: our head and talloc's header. */
#define US_MEM_TALLOC_HEADER_BYTES 96
#define US_MEM_MAX_BYTES (SIZE_MAX >> 8)

static struct us_mem_head *us_mem_head(const void *context) {
  return (struct us_mem_head *)(uintptr_t)context - 1;
}

/* The talloc chunk whose children the allocations of this context are. */
static void *us_mem_chunk(struct us_mem_head *head) {
  return head->is_root ? (void *)head->root : (void *)head;
}

void *us_mem_root_new(size_t pool_bytes, size_t max_bytes) {
#ifdef USHER_SANITIZED
  (void)pool_bytes;
  void *pool = NULL;
  struct us_mem_root *root = talloc_size(NULL, sizeof *root);
#else
  void *pool = talloc_pool(NULL, pool_bytes);
  if (!pool)
    return NULL;
  struct us_mem_root *root = talloc_size(pool, sizeof *root);
#endif
  if (!root) {
    talloc_free(pool);
    return NULL;
  }
  *root = (struct us_mem_root){.pool = pool, .max = max_bytes, .head = {.root = root, .is_root = 1}};
  return root + 1;
}

void us_mem_free(void *context) {
  if (!context)
    return;
  struct us_mem_head *head = us_mem_head(context);
  struct us_mem_root *root = head->root;
  if (head->is_root) {
    talloc_free(root->pool ? root->pool : root);
    return;
  }
  size_t held = talloc_total_size(head) + talloc_total_blocks(head) * US_MEM_TALLOC_HEADER_BYTES;
  talloc_free(head);
  root->used -= held;
}

/* Counts `bytes` more, or says that the root may not have them. */
static bool us_mem_charge(struct us_mem_root *root, size_t bytes) {
  if (bytes > root->max || root->used > root->max - bytes) {
    root->is_spent = true;
    return false;
  }
  root->used += bytes;
  return true;
}

static void *us_mem_refund(struct us_mem_root *root, size_t bytes) {
  root->used -= bytes;
  root->is_spent = true;
  return NULL;
}

/* A chunk below the context's, `bytes` of talloc memory, counted. */
static void *us_mem_chunk_new(struct us_mem_head *parent, size_t bytes) {
  size_t cost = bytes + US_MEM_TALLOC_HEADER_BYTES;
  if (!us_mem_charge(parent->root, cost))
    return NULL;
  void *chunk = talloc_size(us_mem_chunk(parent), bytes);
  return chunk ? chunk : us_mem_refund(parent->root, cost);
}

static struct us_mem_head *us_mem_alloc_head(void *context, size_t bytes) {
  struct us_mem_head *parent = us_mem_head(context);
  if (bytes > US_MEM_MAX_BYTES) {
    parent->root->is_spent = true;
    return NULL;
  }
  struct us_mem_head *head = us_mem_chunk_new(parent, sizeof *head + bytes);
  if (head)
    *head = (struct us_mem_head){.root = parent->root, .bytes = bytes};
  return head;
}

void *us_mem_alloc(void *context, size_t bytes) {
  struct us_mem_head *head = us_mem_alloc_head(context, bytes);
  return head ? head + 1 : NULL;
}

void *us_mem_zalloc(void *context, size_t bytes) {
  void *p = us_mem_alloc(context, bytes);
  if (p)
    memset(p, 0, bytes);
  return p;
}

void *us_mem_array(void *context, size_t count, size_t bytes_each) {
  size_t bytes;
  if (__builtin_mul_overflow(count, bytes_each, &bytes))
    bytes = SIZE_MAX;
  return us_mem_zalloc(context, bytes);
}

void *us_mem_copy(void *context, const void *bytes, size_t n) {
  void *p = us_mem_alloc(context, n);
  if (p && n)
    memcpy(p, bytes, n);
  return p;
}

/* A secret may not be left behind where realloc moved it from: it gets new memory and the old is wiped. */
static void *us_mem_grow_secret(void *context, struct us_mem_head *old, size_t bytes) {
  void *p = us_mem_secret(context, bytes);
  if (!p)
    return NULL;
  memcpy(p, old + 1, old->bytes < bytes ? old->bytes : bytes);
  us_mem_free(old + 1);
  return p;
}

void *us_mem_grow(void *context, void *old, size_t old_bytes, size_t bytes) {
  if (!old)
    return us_mem_alloc(context, bytes);
  struct us_mem_head *head = us_mem_head(old);
  assert(old_bytes <= head->bytes);
  (void)old_bytes;
  if (bytes <= head->bytes)
    return old;
  if (bytes > US_MEM_MAX_BYTES) {
    head->root->is_spent = true;
    return NULL;
  }
  if (head->is_secret)
    return us_mem_grow_secret(context, head, bytes);
  struct us_mem_root *root = head->root;
  size_t more = bytes - head->bytes;
  if (!us_mem_charge(root, more))
    return NULL;
  struct us_mem_head *grown = talloc_realloc_size(us_mem_chunk(us_mem_head(context)), head, sizeof *head + bytes);
  if (!grown)
    return us_mem_refund(root, more);
  grown->bytes = bytes;
  return grown + 1;
}

static int us_mem_owned_destroy(struct us_mem_owned *owned) {
  if (owned->prev)
    owned->prev->next = owned->next;
  else
    owned->root->owned = owned->next;
  if (owned->next)
    owned->next->prev = owned->prev;
  owned->destroy(owned->object);
  return 0;
}

int us_mem_own(void *context, void *object, void (*destroy)(void *object)) {
  struct us_mem_head *parent = us_mem_head(context);
  struct us_mem_root *root = parent->root;
  struct us_mem_owned *owned = us_mem_chunk_new(parent, sizeof *owned);
  if (!owned) {
    destroy(object);
    return -1;
  }
  *owned = (struct us_mem_owned){.root = root, .next = root->owned, .object = object, .destroy = destroy};
  if (root->owned)
    root->owned->prev = owned;
  root->owned = owned;
  talloc_set_destructor(owned, us_mem_owned_destroy);
  return 0;
}

bool us_mem_release(void *context, const void *object) {
  struct us_mem_root *root = us_mem_head(context)->root;
  for (struct us_mem_owned *owned = root->owned; owned; owned = owned->next) {
    if (owned->object != object)
      continue;
    talloc_free(owned);
    root->used -= sizeof *owned + US_MEM_TALLOC_HEADER_BYTES;
    return true;
  }
  return false;
}

static int us_mem_wipe(struct us_mem_head *head) {
  explicit_bzero(head + 1, head->bytes);
  return 0;
}

void *us_mem_secret(void *context, size_t bytes) {
  struct us_mem_head *head = us_mem_alloc_head(context, bytes);
  if (!head)
    return NULL;
  head->is_secret = 1;
  talloc_set_destructor(head, us_mem_wipe);
  return head + 1;
}

size_t us_mem_used(const void *root) {
  return us_mem_head(root)->root->used;
}

bool us_mem_is_spent(const void *context) {
  return us_mem_head(context)->root->is_spent;
}
