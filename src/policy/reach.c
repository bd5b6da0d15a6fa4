/* Following scopes along grants: see reach.h. */
#include "policy/reach.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Which of two ways to hold is the better one to rely on? Longer first; of equals the one that uses nothing up. */
static bool is_better(struct us_hold a, struct us_hold b) {
  return a.until_s != b.until_s ? a.until_s > b.until_s : a.uses == 0 && b.uses != 0;
}

/* A permission that was given once has its use; of grants that it did not use it gets none later. */
static bool has_use(const struct us_facts *facts, const struct us_grant *grant, int64_t uses) {
  if (!facts->is_recheck)
    return grant->used < uses;
  for (size_t i = 0; i < facts->counted.n; i++) {
    if (facts->counted.v[i] == grant->id)
      return true;
  }
  return false;
}

int64_t us_policy_condition_until(const struct us_facts *facts, const struct us_grant *grant,
                                  const struct us_condition *condition) {
  switch (condition->kind) {
  case US_CONDITION_EXPIRATION:
    return condition->date_s > facts->now_s ? condition->date_s : 0;
  case US_CONDITION_NOT_BEFORE:
    return condition->date_s <= facts->now_s ? US_REACH_NEVER_ENDS : 0;
  case US_CONDITION_CLIENT_ID:
    if (facts->client_id.p == NULL)
      return US_REACH_NEVER_ENDS;
    return us_strs_has(condition->client_ids, facts->client_id) ? US_REACH_NEVER_ENDS : 0;
  case US_CONDITION_MAX_USES:
    return has_use(facts, grant, condition->uses) ? US_REACH_NEVER_ENDS : 0;
  }
  return 0; /* a kind this version does not know: deny (UG-28) */
}

/* All conditions of a grant: AND ends with the first of them, OR with the last. None: always. Of several limits on uses AND has the
 * lowest; in an OR one of them is relied on. */
static struct us_hold hold_of(const struct us_facts *facts, const struct us_grant *grant) {
  const struct us_conditions *conditions = &grant->conditions;
  struct us_hold all = {US_REACH_NEVER_ENDS, 0}, any = {0, 0};
  for (size_t i = 0; i < conditions->n; i++) {
    const struct us_condition *condition = &conditions->v[i];
    bool is_counted = condition->kind == US_CONDITION_MAX_USES && !facts->is_recheck;
    struct us_hold one = {us_policy_condition_until(facts, grant, condition), is_counted ? condition->uses : 0};
    if (is_better(one, any))
      any = one;
    if (one.until_s < all.until_s)
      all.until_s = one.until_s;
    if (is_counted && (all.uses == 0 || one.uses < all.uses))
      all.uses = one.uses;
  }
  return conditions->n > 0 && conditions->any ? any : all;
}

struct ranked {
  struct us_hold hold;
  uint32_t grant;
};

static int compare_ranked(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  if (is_better(x->hold, y->hold))
    return -1;
  if (is_better(y->hold, x->hold))
    return 1;
  return x->grant < y->grant ? -1 : x->grant > y->grant;
}

static bool is_same_hold(struct us_hold a, struct us_hold b) {
  return !is_better(a, b) && !is_better(b, a);
}

static bool rank_grants(struct us_reach *reach, void *mem) {
  size_t n = reach->facts->grant_count;
  struct ranked *ranked = US_NEW_ARRAY(mem, struct ranked, n + 1);
  bool is_ranked = true; /* mostly no grant has conditions */
  if (ranked == NULL)
    return false;
  for (size_t i = 0; i < n; i++) {
    reach->holds[i] = hold_of(reach->facts, &reach->facts->grants[i]);
    ranked[i] = (struct ranked){reach->holds[i], (uint32_t)i};
    is_ranked = is_ranked && (i == 0 || !is_better(ranked[i].hold, ranked[i - 1].hold));
  }
  if (!is_ranked)
    qsort(ranked, n, sizeof(*ranked), compare_ranked);
  for (size_t i = 0; i < n; i++)
    reach->by_hold[i] = ranked[i].grant;
  return true;
}

/* Turns counts in first[node + 1] into beginnings. */
static void add_up(uint32_t *first, size_t node_count) {
  for (size_t i = 0; i < node_count; i++)
    first[i + 1] += first[i];
}

/* first[node] was moved to the end of its part by filling: back to the beginning. */
static void step_back(uint32_t *first, size_t node_count) {
  for (size_t i = node_count; i > 0; i--)
    first[i] = first[i - 1];
  first[0] = 0;
}

static void sort_by_node(struct us_reach *reach) {
  const struct us_facts *facts = reach->facts;
  for (size_t i = 0; i < facts->grant_count; i++)
    reach->first_grant[facts->grants[i].from + 1]++;
  for (size_t i = 0; i < facts->membership_count; i++)
    reach->first_membership[facts->memberships[i].name + 1]++;
  add_up(reach->first_grant, reach->node_count);
  add_up(reach->first_membership, reach->node_count);
  for (size_t i = 0; i < facts->grant_count; i++) {
    uint32_t grant = reach->by_hold[i];
    reach->grants_of[reach->first_grant[facts->grants[grant].from]++] = grant;
  }
  for (size_t i = 0; i < facts->membership_count; i++)
    reach->memberships_of[reach->first_membership[facts->memberships[i].name]++] = (uint32_t)i;
  step_back(reach->first_grant, reach->node_count);
  step_back(reach->first_membership, reach->node_count);
}

bool us_reach_init(struct us_reach *reach, void *mem, const struct us_facts *facts, size_t scopes_max) {
  size_t nodes = facts->node_count < 2 ? 2 : facts->node_count;
  *reach = (struct us_reach){.facts = facts, .node_count = nodes, .scopes_max = scopes_max};
  reach->holds = US_NEW_ARRAY(mem, struct us_hold, facts->grant_count + 1);
  reach->by_hold = US_NEW_ARRAY(mem, uint32_t, facts->grant_count + 1);
  reach->grants_of = US_NEW_ARRAY(mem, uint32_t, facts->grant_count + 1);
  reach->first_grant = US_NEW_ARRAY(mem, uint32_t, nodes + 1);
  reach->memberships_of = US_NEW_ARRAY(mem, uint32_t, facts->membership_count + 1);
  reach->first_membership = US_NEW_ARRAY(mem, uint32_t, nodes + 1);
  reach->masks = US_NEW_ARRAY(mem, uint64_t, facts->grant_count + 1);
  reach->arrived = US_NEW_ARRAY(mem, uint64_t, nodes);
  reach->fresh = US_NEW_ARRAY(mem, uint64_t, nodes);
  reach->enabled = US_NEW_ARRAY(mem, uint32_t, nodes);
  reach->queue = US_NEW_ARRAY(mem, uint32_t, nodes);
  reach->parents = scopes_max > 0 ? US_NEW_ARRAY(mem, uint32_t, nodes * scopes_max) : NULL;
  if (us_mem_is_spent(mem) || !rank_grants(reach, mem))
    return false;
  sort_by_node(reach);
  return true;
}

struct named_bit {
  struct us_str scope;
  uint64_t bit;
};

int us_reach_compare(struct us_str a, struct us_str b) {
  if (a.n != b.n)
    return a.n < b.n ? -1 : 1;
  return a.n == 0 ? 0 : memcmp(a.p, b.p, a.n);
}

static int compare_named(const void *a, const void *b) {
  return us_reach_compare(((const struct named_bit *)a)->scope, ((const struct named_bit *)b)->scope);
}

/* Into a sorted list with room for `max`; what is there already, or has no room, is left out. */
static void insert(struct us_strs *sorted, size_t max, struct us_str scope) {
  size_t begin = 0, end = sorted->n;
  while (begin < end) {
    size_t middle = begin + (end - begin) / 2;
    int order = us_reach_compare(sorted->v[middle], scope);
    if (order == 0)
      return;
    if (order < 0)
      begin = middle + 1;
    else
      end = middle;
  }
  if (sorted->n == max)
    return;
  memmove(&sorted->v[begin + 1], &sorted->v[begin], (sorted->n - begin) * sizeof(sorted->v[0]));
  sorted->v[begin] = scope;
  sorted->n++;
}

bool us_reach_scopes(void *mem, const struct us_facts *facts, struct us_strs *ret_scopes) {
  size_t most = 0;
  for (size_t i = 0; i < facts->grant_count && most < US_REACH_ANY_MAX; i++)
    most += facts->grants[i].scopes.n;
  size_t max = most < US_REACH_ANY_MAX ? most : US_REACH_ANY_MAX;
  struct us_strs all = {US_NEW_ARRAY(mem, struct us_str, max + 1), 0};
  if (all.v == NULL)
    return false;
  for (size_t i = 0; i < facts->grant_count; i++)
    for (size_t k = 0; k < facts->grants[i].scopes.n; k++)
      insert(&all, max, facts->grants[i].scopes.v[k]);
  *ret_scopes = all;
  return true;
}

/* Grants often have one list of scopes in common (the same v), whoever loads them sees to that: it is looked at once. */
#define LISTS_KEPT 256
struct known_list {
  struct us_strs list;
  uint64_t mask;
};

static uint64_t mask_of(const struct named_bit *named, size_t count, struct us_strs has) {
  uint64_t mask = 0;
  for (size_t i = 0; i < has.n; i++) {
    struct named_bit key = {has.v[i], 0};
    const struct named_bit *found = bsearch(&key, named, count, sizeof(named[0]), compare_named);
    mask |= found != NULL ? found->bit : 0;
  }
  return mask;
}

static void set_masks(struct us_reach *reach, const struct us_str *scopes) {
  struct named_bit named[US_REACH_SCOPES_MAX];
  struct known_list lists[LISTS_KEPT];
  size_t grants = reach->facts->grant_count, kept = grants < LISTS_KEPT ? grants : LISTS_KEPT;
  memset(lists, 0, kept * sizeof(lists[0]));
  for (size_t i = 0; i < reach->scope_count; i++)
    named[i] = (struct named_bit){scopes[i], UINT64_C(1) << i};
  if (reach->scope_count > 1)
    qsort(named, reach->scope_count, sizeof(named[0]), compare_named);
  for (size_t i = 0; i < grants; i++) {
    struct us_strs has = reach->facts->grants[i].scopes;
    struct known_list *known = &lists[(uintptr_t)has.v / sizeof(struct us_str) % kept];
    if (known->list.v == NULL || known->list.v != has.v || known->list.n != has.n)
      *known = (struct known_list){has, mask_of(named, reach->scope_count, has)};
    reach->masks[i] = known->mask;
  }
}

/* Scopes come to a node; those that are new there are to be sent on. */
static void arrive(struct us_reach *reach, uint32_t node, uint64_t scopes, uint32_t parent) {
  uint64_t added = scopes & ~reach->arrived[node];
  if (added == 0)
    return;
  if (reach->fresh[node] == 0) { /* not in the queue */
    size_t end = reach->queue_begin + reach->queue_count++;
    reach->queue[end < reach->node_count ? end : end - reach->node_count] = node;
  }
  reach->arrived[node] |= added;
  reach->fresh[node] |= added;
  for (; added != 0 && reach->parents != NULL; added &= added - 1)
    reach->parents[node * reach->scopes_max + (size_t)__builtin_ctzll(added)] = parent;
}

static void follow(struct us_reach *reach, uint32_t grant, uint64_t scopes) {
  arrive(reach, reach->facts->grants[grant].to, scopes & reach->masks[grant], grant);
}

/* Sends scopes on, near nodes before far ones, so that paths are short. */
static void drain(struct us_reach *reach) {
  while (reach->queue_count > 0) {
    uint32_t node = reach->queue[reach->queue_begin];
    uint64_t scopes = reach->fresh[node];
    reach->queue_begin = reach->queue_begin + 1 < reach->node_count ? reach->queue_begin + 1 : 0;
    reach->queue_count--;
    reach->fresh[node] = 0;
    for (uint32_t i = 0; i < reach->enabled[node]; i++)
      follow(reach, reach->grants_of[reach->first_grant[node] + i], scopes);
    for (uint32_t i = reach->first_membership[node]; i < reach->first_membership[node + 1]; i++) {
      uint32_t membership = reach->memberships_of[i];
      arrive(reach, reach->facts->memberships[membership].member, scopes,
             (uint32_t)reach->facts->grant_count + membership);
    }
  }
}

/* Lets the grants from by_hold[begin] on in that hold alike; returns where the next ones begin. Who has waiting scopes sends them on
 * in drain(). */
static size_t let_in(struct us_reach *reach, size_t begin) {
  struct us_hold hold = reach->holds[reach->by_hold[begin]];
  size_t i = begin;
  for (; i < reach->facts->grant_count && is_same_hold(reach->holds[reach->by_hold[i]], hold); i++) {
    uint32_t grant = reach->by_hold[i], from = reach->facts->grants[grant].from;
    reach->enabled[from]++;
    follow(reach, grant, reach->arrived[from] & ~reach->fresh[from]);
  }
  return i;
}

static void note_arrivals(struct us_reach *reach, int64_t until_s) {
  uint64_t added = reach->arrived[US_NODE_PARTY] & ~reach->reached;
  reach->reached |= added;
  for (; added != 0; added &= added - 1)
    reach->until_s[__builtin_ctzll(added)] = until_s;
}

void us_reach_run(struct us_reach *reach, const struct us_str *scopes, size_t scope_count) {
  uint64_t all = scope_count == 64 ? UINT64_MAX : (UINT64_C(1) << scope_count) - 1;
  reach->scope_count = scope_count;
  reach->reached = 0;
  reach->queue_begin = reach->queue_count = 0;
  memset(reach->arrived, 0, reach->node_count * sizeof(*reach->arrived));
  memset(reach->fresh, 0, reach->node_count * sizeof(*reach->fresh));
  memset(reach->enabled, 0, reach->node_count * sizeof(*reach->enabled));
  set_masks(reach, scopes);
  reach->arrived[US_NODE_OWNER] = all; /* rights(o): what of it is registered the caller has looked at */
  for (size_t i = 0; i < reach->facts->grant_count && reach->reached != all;) {
    int64_t until_s = reach->holds[reach->by_hold[i]].until_s;
    i = let_in(reach, i);
    drain(reach);
    note_arrivals(reach, until_s);
  }
}

size_t us_reach_path(const struct us_reach *reach, size_t scope, uint32_t *ret_grants) {
  const struct us_facts *facts = reach->facts;
  size_t n = 0;
  for (uint32_t node = US_NODE_PARTY; node != US_NODE_OWNER;) {
    uint32_t parent = reach->parents[node * reach->scopes_max + scope];
    if (parent < facts->grant_count)
      ret_grants[n++] = parent;
    node =
        parent < facts->grant_count ? facts->grants[parent].from : facts->memberships[parent - facts->grant_count].name;
  }
  return n;
}
