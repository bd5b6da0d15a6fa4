/* Which scopes of which grants are active: us_policy_activity() of decide.h. The walk is reach.c's. */
#include <string.h>

#include "base/mem.h"
#include "policy/reach.h"

/* One bit a scope of the resource, the same for all sets. */
struct activity {
  struct us_strs scopes; /* of the resource, sorted */
  size_t words;          /* of a set */
  uint64_t *active;      /* a set for each grant */
  struct us_strs kept_room, active_room;
};

static void insert(struct us_strs *sorted, struct us_str scope) {
  size_t at = sorted->n++;
  for (; at > 0 && us_reach_compare(sorted->v[at - 1], scope) > 0; at--)
    sorted->v[at] = sorted->v[at - 1];
  sorted->v[at] = scope;
}

/* The place of a scope, or -1. */
static ptrdiff_t place_of(struct us_strs sorted, struct us_str scope) {
  size_t begin = 0, end = sorted.n;
  while (begin < end) {
    size_t middle = begin + (end - begin) / 2;
    int order = us_reach_compare(sorted.v[middle], scope);
    if (order == 0)
      return (ptrdiff_t)middle;
    if (order < 0)
      begin = middle + 1;
    else
      end = middle;
  }
  return -1;
}

static bool begin_activity(struct activity *a, void *mem, const struct us_facts *facts) {
  size_t most = 0;
  for (size_t i = 0; i < facts->grant_count; i++)
    most = facts->grants[i].scopes.n > most ? facts->grants[i].scopes.n : most;
  a->scopes.v = US_NEW_ARRAY(mem, struct us_str, facts->available_scopes.n + 1);
  a->kept_room.v = US_NEW_ARRAY(mem, struct us_str, most + 1);
  a->active_room.v = US_NEW_ARRAY(mem, struct us_str, most + 1);
  a->words = (facts->available_scopes.n + 63) / 64;
  a->active = us_mem_array(mem, facts->grant_count * a->words + 1, sizeof(uint64_t));
  if (us_mem_is_spent(mem))
    return false;
  for (size_t i = 0; i < facts->available_scopes.n; i++)
    insert(&a->scopes, facts->available_scopes.v[i]);
  return true;
}

/* Sixty-four scopes at a time: what came to whoever gave a grant is what the grant may pass on. */
static void fill(struct activity *a, struct us_reach *reach) {
  for (size_t word = 0; word < a->words; word++) {
    size_t begin = word * 64, left = a->scopes.n - begin;
    us_reach_run(reach, a->scopes.v + begin, left < 64 ? left : 64);
    for (size_t i = 0; i < reach->facts->grant_count; i++)
      a->active[i * a->words + word] = reach->masks[i] & reach->arrived[reach->facts->grants[i].from];
  }
}

static void split(struct activity *a, const struct us_facts *facts, size_t grant, struct us_strs *kept,
                  struct us_strs *active) {
  struct us_strs has = facts->grants[grant].scopes;
  const uint64_t *bits = &a->active[grant * a->words];
  *kept = (struct us_strs){a->kept_room.v, 0};
  *active = (struct us_strs){a->active_room.v, 0};
  for (size_t i = 0; i < has.n; i++) {
    ptrdiff_t place = place_of(a->scopes, has.v[i]);
    if (place < 0)
      continue;
    kept->v[kept->n++] = has.v[i];
    if ((bits[place / 64] >> (place % 64) & 1) != 0)
      active->v[active->n++] = has.v[i];
  }
}

bool us_policy_activity(void *mem, const struct us_facts *facts, us_policy_activity_fn each, void *self) {
  struct activity a = {0};
  struct us_reach reach;
  if (!us_reach_init(&reach, mem, facts, 0) || !begin_activity(&a, mem, facts))
    return false;
  fill(&a, &reach);
  for (size_t i = 0; i < facts->grant_count; i++) {
    struct us_strs kept, active;
    split(&a, facts, i, &kept, &active);
    if (!each(self, i, kept, active))
      break;
  }
  return true;
}
