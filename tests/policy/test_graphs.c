/*
 * Random graphs of grants against a reference that is too plain to be wrong: edges from person to person, looked at again and again
 * until nothing changes (REST contract i.2). Cycles, several paths, groups, conditions, more scopes than one run follows, people
 * who are gone. Then graphs as large as the store lets them become, which must not take long.
 *
 * The seed is printed when something differs; run with it as argument to see it again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/unit.h"
#include "policy/decide.h"

#define PEOPLE 9 /* owner, party, others */
#define GROUPS 3
#define SCOPES_MAX 90
#define GRANTS_MAX 40
#define NOW_S 1000
#define NEVER INT64_MAX

static uint64_t seed;
static uint32_t next_random(void) {
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(seed >> 33);
}
static size_t below(size_t n) {
  return next_random() % n;
}
static bool chance(size_t percent) {
  return below(100) < percent;
}

/* A grant as the reference knows it: to a person, or to all members of a group. */
struct edge {
  uint32_t from;
  int to; /* a person; PEOPLE + g: a group */
  bool has[SCOPES_MAX];
  int64_t until;
  bool is_limited; /* by MaxUses */
};
struct story {
  size_t scope_count, grant_count;
  struct us_str scopes[SCOPES_MAX];
  struct edge edges[GRANTS_MAX];
  bool member[GROUPS][PEOPLE];
  struct us_grant grants[GRANTS_MAX];
  struct us_membership memberships[GROUPS * PEOPLE];
  struct us_facts facts;
};

static struct us_condition condition(struct us_cx *cx, const struct story *s, const struct us_grant *grant,
                                     int64_t *ret_until) {
  struct us_condition c = {.kind = 1 + (int)below(4)};
  c.date_s = NOW_S - 5 + (int64_t)below(10);
  c.uses = 1 + (int64_t)below(3);
  static struct us_str one[] = {{"C1", 2}}, other[] = {{"C2", 2}};
  c.client_ids = (struct us_strs){chance(60) ? one : other, 1};
  bool holds = false;
  (void)cx;
  if (c.kind == US_CONDITION_EXPIRATION)
    holds = c.date_s > NOW_S;
  else if (c.kind == US_CONDITION_NOT_BEFORE)
    holds = c.date_s <= NOW_S;
  else if (c.kind == US_CONDITION_CLIENT_ID)
    holds = s->facts.client_id.p == NULL || c.client_ids.v == one;
  else
    holds = grant->used < c.uses;
  *ret_until = !holds ? 0 : c.kind == US_CONDITION_EXPIRATION ? c.date_s : NEVER;
  return c;
}

static void add_conditions(struct us_cx *cx, const struct story *s, struct us_grant *grant, struct edge *edge) {
  size_t n = chance(60) ? 0 : 1 + below(2);
  grant->used = (int64_t)below(3);
  grant->conditions = (struct us_conditions){.any = chance(40), .v = US_NEW_ARRAY(cx->mem, struct us_condition, n)};
  edge->until = n == 0 || !grant->conditions.any ? NEVER : 0;
  for (size_t i = 0; i < n; i++) {
    int64_t until;
    grant->conditions.v[grant->conditions.n++] = condition(cx, s, grant, &until);
    bool is_better = grant->conditions.any ? until > edge->until : until < edge->until;
    edge->until = is_better ? until : edge->until;
  }
}

static void random_story(struct us_cx *cx, struct story *s) {
  *s = (struct story){.scope_count = chance(15) ? 64 + below(SCOPES_MAX - 64) : 1 + below(5),
                      .grant_count = below(GRANTS_MAX)};
  s->facts.client_id = chance(80) ? US_STR("C1") : US_STR_ABSENT;
  for (size_t i = 0; i < s->scope_count; i++)
    s->scopes[i] = us_str_fmt(cx->mem, "scope%zu", i);
  for (size_t g = 0; g < GROUPS; g++)
    for (size_t p = 1; p < PEOPLE; p++)
      s->member[g][p] = chance(30);
  for (size_t i = 0; i < s->grant_count; i++) {
    struct edge *e = &s->edges[i];
    struct us_grant *grant = &s->grants[i];
    e->from = chance(25) ? US_NODE_OWNER : (uint32_t)below(PEOPLE);
    e->to = chance(20) ? PEOPLE + (int)below(GROUPS) : (int)below(PEOPLE);
    *grant = (struct us_grant){.id = 100 + (int64_t)i, .from = e->from, .to = (uint32_t)e->to};
    grant->scopes.v = US_NEW_ARRAY(cx->mem, struct us_str, s->scope_count + 1);
    for (size_t k = 0; k < s->scope_count; k++) {
      e->has[k] = chance(50);
      if (e->has[k])
        grant->scopes.v[grant->scopes.n++] = s->scopes[k];
    }
    add_conditions(cx, s, grant, e);
  }
  size_t n = 0;
  for (size_t g = 0; g < GROUPS; g++)
    for (size_t p = 0; p < PEOPLE; p++)
      if (s->member[g][p])
        s->memberships[n++] = (struct us_membership){(uint32_t)(PEOPLE + g), (uint32_t)p};
  s->facts.available_scopes = (struct us_strs){s->scopes, s->scope_count};
  s->facts.grants = s->grants;
  s->facts.grant_count = s->grant_count;
  s->facts.memberships = s->memberships;
  s->facts.membership_count = n;
  s->facts.node_count = PEOPLE + GROUPS;
  s->facts.now_s = NOW_S;
}

static bool leads_to(const struct story *s, const struct edge *e, int person) {
  return e->to < PEOPLE ? e->to == person : s->member[e->to - PEOPLE][person];
}

/* Until when each person may do a scope: the widest path. With `all` conditions do not count. */
static void reference(const struct story *s, size_t scope, bool all, int64_t best[PEOPLE]) {
  for (size_t p = 0; p < PEOPLE; p++)
    best[p] = 0;
  best[US_NODE_OWNER] = NEVER;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < s->grant_count; i++) {
      const struct edge *e = &s->edges[i];
      int64_t until = all ? NEVER : e->until;
      int64_t value = best[e->from] < until ? best[e->from] : until;
      for (int p = 1; p < PEOPLE; p++) {
        if (!e->has[scope] || !leads_to(s, e, p) || best[p] >= value)
          continue;
        best[p] = value;
        changed = true;
      }
    }
  }
}

static bool has_scope(struct us_strs set, struct us_str scope) {
  return us_strs_has(set, scope);
}

/* A path is what it claims to be: from the owner to the party, each step where the one before ended, all with the scope. */
static void check_path(const struct story *s, const struct us_verdict *v, size_t scope) {
  uint32_t at = US_NODE_OWNER;
  int64_t until = NEVER;
  assert_in_range(v->path_count, 1, s->grant_count);
  for (size_t i = 0; i < v->path_count; i++) {
    const struct us_grant *grant = v->path[i];
    size_t k = (size_t)(grant - s->grants);
    bool is_there = grant->from == at || (at >= PEOPLE && s->member[at - PEOPLE][grant->from]);
    assert_true(is_there);
    assert_true(s->edges[k].has[scope]);
    until = s->edges[k].until < until ? s->edges[k].until : until;
    at = grant->to;
  }
  assert_true(at == US_NODE_PARTY || (at >= PEOPLE && s->member[at - PEOPLE][US_NODE_PARTY]));
  if (v->reason == US_REASON_CONDITION)
    assert_int_equal(until, 0);
  else
    assert_int_equal(until == NEVER ? 0 : until, v->until_s);
}

static void check_scope(struct us_cx *cx, const struct story *s, size_t scope) {
  int64_t best[PEOPLE], any[PEOPLE];
  struct us_verdict v;
  reference(s, scope, false, best);
  reference(s, scope, true, any);
  assert_true(us_policy_scope(cx->mem, &s->facts, s->scopes[scope], &v));
  if (best[US_NODE_PARTY] > 0) {
    assert_int_equal(v.reason, US_REASON_SHARED);
    assert_int_equal(v.until_s, best[US_NODE_PARTY] == NEVER ? 0 : best[US_NODE_PARTY]);
    check_path(s, &v, scope);
  } else if (any[US_NODE_PARTY] > 0) {
    assert_int_equal(v.reason, US_REASON_CONDITION);
    check_path(s, &v, scope);
  } else {
    assert_int_equal(v.reason, US_REASON_NO_SHARE);
  }
}

/* The decision about all scopes at once is that about each; what it relied on is enough for what it granted. */
static void check_decision(struct us_cx *cx, const struct story *s) {
  struct us_wanted wanted = {.facts = s->facts,
                             .ticket_scopes = {(struct us_str *)(uintptr_t)s->scopes, s->scope_count}};
  struct us_decision decision;
  int64_t until = NEVER;
  size_t granted = 0;
  assert_true(us_policy_decide(cx->mem, &wanted, 1, 7, &decision));
  struct story relied = *s;
  for (size_t i = 0; i < relied.grant_count; i++) {
    bool is_relied = false;
    for (size_t k = 0; k < wanted.relied_count; k++)
      is_relied = is_relied || wanted.relied[k].grant_id == s->grants[i].id;
    if (!is_relied)
      memset(relied.edges[i].has, 0, sizeof(relied.edges[i].has));
  }
  for (size_t k = 0; k < s->scope_count; k++) {
    int64_t best[PEOPLE], best_relied[PEOPLE];
    reference(s, k, false, best);
    reference(&relied, k, false, best_relied);
    assert_int_equal(best_relied[US_NODE_PARTY],
                     best[US_NODE_PARTY] > 0 ? best[US_NODE_PARTY] : best_relied[US_NODE_PARTY]);
    assert_int_equal(has_scope(wanted.granted, s->scopes[k]), best[US_NODE_PARTY] > 0);
    assert_int_equal(has_scope(wanted.missing, s->scopes[k]), best[US_NODE_PARTY] == 0);
    if (best[US_NODE_PARTY] == 0)
      continue;
    granted++;
    until = best[US_NODE_PARTY] < until ? best[US_NODE_PARTY] : until;
  }
  assert_int_equal(wanted.granted.n, granted);
  assert_int_equal(decision.issue, granted > 0);
  if (granted > 0)
    assert_int_equal(wanted.not_after_s, until == NEVER ? 0 : until);
  if (granted == 0)
    assert_int_equal(wanted.relied_count, 0);
}

/* 10.5: any scope will do. */
static void check_bare(struct us_cx *cx, const struct story *s) {
  struct us_wanted wanted = {.facts = s->facts};
  struct us_decision decision;
  int64_t widest = 0;
  assert_true(us_policy_decide(cx->mem, &wanted, 1, 7, &decision));
  for (size_t k = 0; k < s->scope_count; k++) {
    int64_t best[PEOPLE];
    reference(s, k, false, best);
    widest = best[US_NODE_PARTY] > widest ? best[US_NODE_PARTY] : widest;
  }
  assert_int_equal(wanted.is_granted, widest > 0);
  if (widest > 0)
    assert_int_equal(wanted.not_after_s, widest == NEVER ? 0 : widest);
}

struct checking {
  const struct story *story;
  size_t next;
};
static bool see_activity(void *self, size_t grant, struct us_strs kept, struct us_strs active) {
  struct checking *c = self;
  const struct story *s = c->story;
  assert_int_equal(grant, c->next++);
  size_t available = s->facts.available_scopes.n; /* the last of them may be gone */
  for (size_t k = 0; k < s->scope_count; k++) {
    int64_t any[PEOPLE];
    bool has = s->edges[grant].has[k];
    reference(s, k, true, any);
    bool is_active = has && k < available && any[s->edges[grant].from] > 0 && s->edges[grant].from != US_NODE_PARTY;
    assert_int_equal(has_scope(kept, s->scopes[k]), has && k < available);
    assert_int_equal(has_scope(active, s->scopes[k]), is_active);
  }
  return true;
}

/* Node 1 is nobody there: nothing may lead to it. */
static void check_activity(struct us_cx *cx, const struct story *s) {
  struct story nobody = *s;
  size_t n = 0;
  for (size_t i = 0; i < nobody.grant_count; i++)
    if (nobody.edges[i].to == US_NODE_PARTY) {
      nobody.edges[i].to = US_NODE_OWNER;
      nobody.grants[i].to = US_NODE_OWNER;
    }
  for (size_t g = 0; g < GROUPS; g++)
    nobody.member[g][US_NODE_PARTY] = false;
  for (size_t i = 0; i < s->facts.membership_count; i++)
    if (s->memberships[i].member != US_NODE_PARTY)
      nobody.memberships[n++] = s->memberships[i];
  nobody.facts.grants = nobody.grants;
  nobody.facts.memberships = nobody.memberships;
  nobody.facts.membership_count = n;
  nobody.facts.available_scopes.n = s->scope_count > 1 && chance(30) ? s->scope_count - 1 : s->scope_count;
  struct checking c = {&nobody, 0};
  assert_true(us_policy_activity(cx->mem, &nobody.facts, see_activity, &c));
  assert_int_equal(c.next, s->grant_count);
}

static void random_graphs_are_decided_as_the_reference_does(void **state) {
  (void)state;
  for (int round = 0; round < 4000; round++) {
    struct us_cx *cx = unit_cx_new(US_MEM_REQUEST_MAX_BYTES);
    static struct story s;
    random_story(cx, &s);
    for (size_t k = 0; k < s.scope_count; k += 1 + s.scope_count / 8)
      check_scope(cx, &s, k);
    check_decision(cx, &s);
    check_bare(cx, &s);
    check_activity(cx, &s);
    unit_cx_free(cx);
  }
}

/* Large ones: as many grants as a resource may have (domain/graph.h), in shapes that cost the most. */
#define LARGE 16384
static struct us_str one_scope[] = {{"view", 4}};
static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct large {
  struct us_grant *grants;
  struct us_condition *conditions;
  struct us_facts facts;
};
static struct large large_new(size_t grants, size_t nodes) {
  struct large l = {.grants = calloc(grants, sizeof(struct us_grant)),
                    .conditions = calloc(grants, sizeof(struct us_condition))};
  assert_non_null(l.grants);
  assert_non_null(l.conditions);
  for (size_t i = 0; i < grants; i++)
    l.grants[i] = (struct us_grant){.id = 1 + (int64_t)i, .scopes = {one_scope, 1}};
  l.facts = (struct us_facts){.available_scopes = {one_scope, 1},
                              .grants = l.grants,
                              .grant_count = grants,
                              .node_count = nodes,
                              .now_s = NOW_S,
                              .client_id = US_STR("C1")};
  return l;
}
static void large_free(struct large *l) {
  free(l->grants);
  free(l->conditions);
}

/* What the sanitizers allow for what takes a few milliseconds without them. */
#define SOON_US 2000000

static void decide_soon(struct us_facts *facts, bool granted, int64_t until) {
  struct us_cx *cx = unit_cx_new(US_MEM_REQUEST_MAX_BYTES);
  struct us_wanted wanted = {.facts = *facts, .ticket_scopes = {one_scope, 1}};
  struct us_decision decision;
  int64_t begin = now_us();
  assert_true(us_policy_decide(cx->mem, &wanted, 1, 0, &decision));
  int64_t took = now_us() - begin;
  print_message("# %zu grants, %zu nodes: %lld us\n", facts->grant_count, facts->node_count, (long long)took);
  assert_int_equal(decision.issue, granted);
  assert_int_equal(wanted.not_after_s, until);
  assert_true(took < SOON_US);
  unit_cx_free(cx);
}

static void a_chain_as_long_as_can_be(void **state) {
  (void)state;
  struct large l = large_new(LARGE, LARGE + 1);
  for (size_t i = 0; i < LARGE; i++) {
    l.grants[i].from = i == 0 ? US_NODE_OWNER : (uint32_t)(i + 1);
    l.grants[i].to = i + 1 == LARGE ? US_NODE_PARTY : (uint32_t)(i + 2);
  }
  decide_soon(&l.facts, true, 0);
  l.grants[LARGE / 2].scopes.n = 0;
  decide_soon(&l.facts, false, 0);
  large_free(&l);
}

/* Each link ends at another time, and each later one is let in first: every grant is a level of its own. */
static void a_chain_of_which_every_link_ends_at_another_time(void **state) {
  (void)state;
  struct large l = large_new(LARGE, LARGE + 1);
  for (size_t i = 0; i < LARGE; i++) {
    l.grants[i].from = i == 0 ? US_NODE_OWNER : (uint32_t)(i + 1);
    l.grants[i].to = i + 1 == LARGE ? US_NODE_PARTY : (uint32_t)(i + 2);
    l.conditions[i] = (struct us_condition){.kind = US_CONDITION_EXPIRATION, .date_s = NOW_S + 1 + (int64_t)i};
    l.grants[i].conditions = (struct us_conditions){.v = &l.conditions[i], .n = 1};
  }
  decide_soon(&l.facts, true, NOW_S + 1);
  large_free(&l);
}

/* Everybody shares with everybody they can. */
static void a_thicket(void **state) {
  (void)state;
  enum { SIDE = 128 };
  struct large l = large_new(SIDE * SIDE, 2 + SIDE);
  for (size_t i = 0; i < SIDE * SIDE; i++) {
    l.grants[i].from = (uint32_t)(2 + i / SIDE);
    l.grants[i].to = (uint32_t)(2 + i % SIDE);
  }
  decide_soon(&l.facts, false, 0);
  l.grants[0].from = US_NODE_OWNER;
  l.grants[0].to = 2 + SIDE - 1;
  l.grants[SIDE * SIDE - 2].to = US_NODE_PARTY;
  decide_soon(&l.facts, true, 0);
  large_free(&l);
}

static void a_graph_too_large_for_its_memory_is_no_decision(void **state) {
  (void)state;
  struct large l = large_new(4, 2);
  struct us_cx *cx = unit_cx_new(US_MEM_REQUEST_MAX_BYTES);
  struct us_wanted wanted = {.facts = l.facts, .ticket_scopes = {one_scope, 1}};
  struct us_decision decision = {.issue = false};
  wanted.facts.node_count = US_POLICY_SCRATCH_MAX_BYTES;
  for (size_t i = 0; i < 4; i++)
    l.grants[i].to = US_NODE_PARTY;
  assert_false(us_policy_decide(cx->mem, &wanted, 1, 7, &decision));
  assert_false(decision.issue);
  wanted.facts.node_count = 2;
  assert_true(us_policy_decide(cx->mem, &wanted, 1, 7, &decision));
  assert_true(decision.issue);
  unit_cx_free(cx);
  large_free(&l);
}

/* MaxUses: what is used up is not there; a permission that was given lives on the uses it has, and on no others. */
static void uses_run_out_for_new_permissions_only(void **state) {
  struct us_cx *cx = *state;
  struct us_condition three = {.kind = US_CONDITION_MAX_USES, .uses = 3};
  struct us_grant grant = {.id = 7, .to = US_NODE_PARTY, .scopes = {one_scope, 1}, .conditions = {.v = &three, .n = 1}};
  struct us_facts facts = {.available_scopes = {one_scope, 1}, .grants = &grant, .grant_count = 1, .now_s = NOW_S};
  struct us_verdict v;
  int64_t seven[] = {7}, eight[] = {8};
  for (grant.used = 0; grant.used < 5; grant.used++) {
    facts.is_recheck = false;
    assert_true(us_policy_scope(cx->mem, &facts, one_scope[0], &v));
    assert_int_equal(v.reason, grant.used < 3 ? US_REASON_SHARED : US_REASON_CONDITION);
    facts.is_recheck = true;
    facts.counted = (struct us_ids){seven, 1};
    assert_true(us_policy_scope(cx->mem, &facts, one_scope[0], &v));
    assert_int_equal(v.reason, US_REASON_SHARED);
    facts.counted = (struct us_ids){eight, 1};
    assert_true(us_policy_scope(cx->mem, &facts, one_scope[0], &v));
    assert_int_equal(v.reason, US_REASON_CONDITION);
  }
}

/* Of two ways that last alike the one is taken that uses nothing up, whichever comes first. */
static void uses_are_spared_where_they_can_be(void **state) {
  struct us_cx *cx = *state;
  struct us_condition limit = {.kind = US_CONDITION_MAX_USES, .uses = 3};
  struct us_condition end = {.kind = US_CONDITION_EXPIRATION, .date_s = NOW_S + 10};
  for (int first = 0; first < 2; first++) {
    struct us_grant grants[2] = {{.id = 1, .to = US_NODE_PARTY, .scopes = {one_scope, 1}},
                                 {.id = 2, .to = US_NODE_PARTY, .scopes = {one_scope, 1}}};
    struct us_wanted wanted = {
        .facts = {.available_scopes = {one_scope, 1}, .grants = grants, .grant_count = 2, .now_s = NOW_S},
        .ticket_scopes = {one_scope, 1}};
    struct us_decision decision;
    grants[first].conditions = (struct us_conditions){.v = &limit, .n = 1};
    assert_true(us_policy_decide(cx->mem, &wanted, 1, 0, &decision));
    assert_int_equal(wanted.relied_count, 1);
    assert_int_equal(wanted.relied[0].grant_id, grants[1 - first].id);
    assert_int_equal(wanted.relied[0].uses, 0);
    grants[1 - first].conditions = (struct us_conditions){.v = &end, .n = 1}; /* the longer one, even so */
    assert_true(us_policy_decide(cx->mem, &wanted, 1, 0, &decision));
    assert_int_equal(wanted.relied_count, 1);
    assert_int_equal(wanted.relied[0].grant_id, grants[first].id);
    assert_int_equal(wanted.relied[0].uses, 3);
  }
}

static void the_shorter_of_two_paths_is_told(void **state) {
  struct us_cx *cx = *state;
  struct us_grant grants[] = {{.id = 1, .from = 0, .to = 2, .scopes = {one_scope, 1}},
                              {.id = 2, .from = 2, .to = 1, .scopes = {one_scope, 1}},
                              {.id = 3, .from = 0, .to = 1, .scopes = {one_scope, 1}}};
  struct us_facts facts = {.available_scopes = {one_scope, 1}, .grants = grants, .grant_count = 3, .node_count = 3};
  struct us_verdict v;
  assert_true(us_policy_scope(cx->mem, &facts, one_scope[0], &v));
  assert_int_equal(v.path_count, 1);
  assert_int_equal(v.path[0]->id, 3);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_graphs_are_decided_as_the_reference_does),
      cmocka_unit_test(a_chain_as_long_as_can_be),
      cmocka_unit_test(a_chain_of_which_every_link_ends_at_another_time),
      cmocka_unit_test(a_thicket),
      cmocka_unit_test(a_graph_too_large_for_its_memory_is_no_decision),
      UNIT_WITH_CX(uses_run_out_for_new_permissions_only),
      UNIT_WITH_CX(uses_are_spared_where_they_can_be),
      UNIT_WITH_CX(the_shorter_of_two_paths_is_told),
  };
  seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL);
  printf("# seed %llu\n", (unsigned long long)seed);
  return UNIT_RUN(tests);
}
