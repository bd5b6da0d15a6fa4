/*
 * Who may do what: protocol contract 10. Pure code over the facts of decide.h.
 *
 * Three steps, each a part below: the scopes of one resource (10.3), one resource with all its wanted scopes (10.1, 10.5), and
 * the whole request by the table of 10.4. Default is deny: what no rule grants is refused.
 *
 * Beside yes or no a scope says until when it may be had, and a resource which grants were relied on. A permission with several
 * scopes is good until the first of them ends.
 */
#include "policy/decide.h"

#include "base/mem.h"
#include "policy/reach.h"

const char *us_reason_text(enum us_reason reason) {
  switch (reason) {
  case US_REASON_OWNER:
    return "owner";
  case US_REASON_SHARED:
    return "shared";
  case US_REASON_NO_SHARE:
    return "no share";
  case US_REASON_CONDITION:
    return "condition not met";
  case US_REASON_NOT_REGISTERED:
    return "scope not registered";
  }
  return "unknown";
}

/* 10.3 for the scopes of one resource. */
struct judge {
  const struct us_facts *facts;
  void *mem, *scratch; /* what the graph needs is in scratch */
  bool is_settled;     /* the owner passes, no grant is looked at */
  struct us_reach reach;
  bool *is_relied; /* of each grant: a granted scope relies on it */
  uint32_t *path;  /* room for one */
};

/* Graphs up to this size take their memory from the request; larger ones give it back at once. */
#define SMALL_GRAPH 64
#define SCRATCH_POOL_BYTES (64 * 1024)

static bool take_memory(struct judge *j, size_t scope_count) {
  size_t scopes_max = scope_count < US_REACH_SCOPES_MAX ? scope_count : US_REACH_SCOPES_MAX;
  size_t grants = j->facts->grant_count;
  if (j->facts->node_count + grants + j->facts->membership_count > SMALL_GRAPH)
    j->scratch = us_mem_root_new(SCRATCH_POOL_BYTES, US_POLICY_SCRATCH_MAX_BYTES);
  if (j->scratch == NULL)
    return false;
  j->is_relied = US_NEW_ARRAY(j->scratch, bool, grants + 1);
  j->path = US_NEW_ARRAY(j->scratch, uint32_t, grants + 1);
  return j->is_relied != NULL && j->path != NULL && us_reach_init(&j->reach, j->scratch, j->facts, scopes_max);
}

static bool judge_begin(struct judge *j, void *mem, const struct us_facts *facts, size_t scope_count) {
  *j = (struct judge){.facts = facts, .mem = mem, .scratch = mem};
  j->is_settled = facts->party_is_owner && facts->owner_implicit_consent;
  return j->is_settled || take_memory(j, scope_count);
}

static void judge_end(struct judge *j) {
  if (j->scratch != j->mem)
    us_mem_free(j->scratch);
}

static void rely_on_path(struct judge *j, size_t scope) {
  size_t n = us_reach_path(&j->reach, scope, j->path);
  for (size_t i = 0; i < n; i++)
    j->is_relied[j->path[i]] = true;
}

struct judged {
  enum us_reason reason;
  int64_t until_s;
};

/* One scope of the last run. */
static struct judged judged_of(const struct judge *j, size_t scope) {
  bool has_come = (j->reach.reached >> scope & 1) != 0;
  int64_t until_s = has_come ? j->reach.until_s[scope] : 0;
  if (!has_come)
    return (struct judged){US_REASON_NO_SHARE, 0};
  return (struct judged){until_s > 0 ? US_REASON_SHARED : US_REASON_CONDITION, until_s};
}

/* Judges `count` scopes that the resource has, a run of the graph for each 64, and relies on the paths of those granted. */
static void judge_scopes(struct judge *j, const struct us_str *scopes, size_t count, struct judged *out) {
  for (size_t begin = 0; begin < count; begin += US_REACH_SCOPES_MAX) {
    size_t n = count - begin < US_REACH_SCOPES_MAX ? count - begin : US_REACH_SCOPES_MAX;
    us_reach_run(&j->reach, scopes + begin, n);
    for (size_t i = 0; i < n; i++) {
      out[begin + i] = judged_of(j, i);
      if (out[begin + i].reason == US_REASON_SHARED)
        rely_on_path(j, i);
    }
  }
}

/* The scope among `scopes` that fares best: what is granted before what only lacks a condition, the longest first. Its path is
 * left in j->path. */
static struct judged judge_best(struct judge *j, struct us_strs scopes, size_t *ret_path_count) {
  struct judged best = {US_REASON_NO_SHARE, 0};
  *ret_path_count = 0;
  for (size_t begin = 0; begin < scopes.n; begin += US_REACH_SCOPES_MAX) {
    size_t n = scopes.n - begin < US_REACH_SCOPES_MAX ? scopes.n - begin : US_REACH_SCOPES_MAX;
    us_reach_run(&j->reach, scopes.v + begin, n);
    for (size_t i = 0; i < n; i++) {
      struct judged one = judged_of(j, i);
      bool is_better =
          one.reason != US_REASON_NO_SHARE && (best.reason == US_REASON_NO_SHARE || one.until_s > best.until_s);
      if (!is_better)
        continue;
      best = one;
      *ret_path_count = us_reach_path(&j->reach, i, j->path);
    }
  }
  return best;
}

static bool explain(struct judge *j, struct us_strs scopes, struct us_verdict *verdict) {
  size_t n = 0;
  struct judged best = judge_best(j, scopes, &n);
  verdict->reason = best.reason;
  verdict->until_s = best.until_s == US_REACH_NEVER_ENDS ? 0 : best.until_s;
  verdict->path = US_NEW_ARRAY(j->mem, const struct us_grant *, n + 1);
  if (verdict->path == NULL)
    return false;
  for (verdict->path_count = 0; verdict->path_count < n; verdict->path_count++)
    verdict->path[verdict->path_count] = &j->facts->grants[j->path[n - 1 - verdict->path_count]];
  return true;
}

bool us_policy_scope(void *mem, const struct us_facts *facts, struct us_str scope, struct us_verdict *ret_verdict) {
  struct us_strs asked = {&scope, 1};
  struct judge judge;
  *ret_verdict = (struct us_verdict){.reason = US_REASON_NO_SHARE};
  if (scope.p != NULL && !us_strs_has(facts->available_scopes, scope)) {
    ret_verdict->reason = US_REASON_NOT_REGISTERED;
    return true;
  }
  if (facts->party_is_owner && facts->owner_implicit_consent) {
    ret_verdict->reason = US_REASON_OWNER;
    return true;
  }
  if (scope.p == NULL && !us_reach_scopes(mem, facts, &asked))
    return false;
  bool is_done = judge_begin(&judge, mem, facts, asked.n) && explain(&judge, asked, ret_verdict);
  judge_end(&judge);
  return is_done;
}

/* How many pairs (resource, scope) there were, and how many passed. */
struct tally {
  size_t pairs, passed;
};

static enum us_match match_of(const struct tally *tally) {
  if (tally->pairs == 0)
    return US_MATCH_EMPTY;
  if (tally->passed == tally->pairs)
    return US_MATCH_ALL;
  return tally->passed == 0 ? US_MATCH_NONE : US_MATCH_PARTIAL;
}

/* One resource on its way through its assessment. */
struct assessment {
  struct judge judge;
  struct us_wanted *wanted;
  struct us_strs asked;   /* TicketScopes(r), then those that only the client asks for */
  struct judged *answers; /* one each */
  int64_t until_s;        /* of what was granted */
};

static void earliest(int64_t *until_s, int64_t one) {
  if (one < *until_s)
    *until_s = one;
}

static void add_up(struct assessment *a, size_t begin, size_t end, struct tally *tally) {
  struct us_wanted *wanted = a->wanted;
  for (size_t i = begin; i < end; i++) {
    tally->pairs++;
    if (!us_reason_grants(a->answers[i].reason)) {
      wanted->missing.v[wanted->missing.n++] = a->asked.v[i];
      continue;
    }
    wanted->granted.v[wanted->granted.n++] = a->asked.v[i];
    tally->passed++;
    earliest(&a->until_s, a->answers[i].until_s);
  }
}

/* Scopes that the resource does not have are settled, so is everything for an owner who passes; the others are judged together. */
static bool judge_asked(struct assessment *a, void *mem) {
  const struct us_facts *facts = &a->wanted->facts;
  size_t *places = US_NEW_ARRAY(mem, size_t, a->asked.n);
  struct us_str *open = US_NEW_ARRAY(mem, struct us_str, a->asked.n);
  struct judged *judged = US_NEW_ARRAY(mem, struct judged, a->asked.n);
  size_t n = 0;
  if (places == NULL || open == NULL || judged == NULL)
    return false;
  for (size_t i = 0; i < a->asked.n; i++) {
    a->answers[i] = (struct judged){US_REASON_OWNER, US_REACH_NEVER_ENDS};
    if (!us_strs_has(facts->available_scopes, a->asked.v[i])) {
      a->answers[i].reason = US_REASON_NOT_REGISTERED;
    } else if (!a->judge.is_settled) {
      places[n] = i;
      open[n++] = a->asked.v[i];
    }
  }
  judge_scopes(&a->judge, open, n, judged);
  for (size_t i = 0; i < n; i++)
    a->answers[places[i]] = judged[i];
  return true;
}

/* 10.5: a ticket resource with no scopes, to which the client adds none, is judged as a whole. */
static bool assess_bare(struct assessment *a, void *mem, struct tally *tally) {
  struct judged best = {US_REASON_OWNER, US_REACH_NEVER_ENDS};
  struct us_strs any;
  if (!a->judge.is_settled) {
    size_t n;
    if (!us_reach_scopes(mem, &a->wanted->facts, &any))
      return false;
    best = judge_best(&a->judge, any, &n);
    for (size_t i = 0; i < n && best.reason == US_REASON_SHARED; i++)
      a->judge.is_relied[a->judge.path[i]] = true;
  }
  tally->pairs++;
  a->wanted->is_granted = us_reason_grants(best.reason);
  if (!a->wanted->is_granted)
    return true;
  tally->passed++;
  earliest(&a->until_s, best.until_s);
  return true;
}

static bool list_relied(const struct judge *j, struct us_wanted *wanted) {
  size_t n = 0;
  wanted->relied = NULL;
  wanted->relied_count = 0;
  if (j->is_settled)
    return true;
  for (size_t i = 0; i < j->facts->grant_count; i++)
    n += j->is_relied[i];
  wanted->relied = US_NEW_ARRAY(j->mem, struct us_reliance, n + 1);
  if (wanted->relied == NULL)
    return false;
  for (size_t i = 0; i < j->facts->grant_count; i++) {
    if (j->is_relied[i])
      wanted->relied[wanted->relied_count++] = (struct us_reliance){j->facts->grants[i].id, j->reach.holds[i].uses};
  }
  return true;
}

struct tallies {
  struct tally ticket, request, bare;
};

static bool assess(struct assessment *a, void *mem, size_t ticket_count, struct tallies *tallies) {
  struct us_wanted *wanted = a->wanted;
  if (a->asked.n == 0)
    return assess_bare(a, mem, &tallies->bare) && list_relied(&a->judge, wanted);
  if (!judge_asked(a, mem))
    return false;
  add_up(a, 0, ticket_count, &tallies->ticket);
  add_up(a, ticket_count, a->asked.n, &tallies->request);
  wanted->is_granted = wanted->granted.n > 0;
  return list_relied(&a->judge, wanted);
}

/* One resource: RequestedScopes(r) = TicketScopes(r) U (requested n AvailableScopes(r)), 10.1. */
static bool assess_resource(void *mem, struct us_wanted *wanted, struct tallies *tallies) {
  struct us_strs of_ticket = us_strs_unique(mem, wanted->ticket_scopes);
  struct us_strs offered = us_strs_intersect(mem, wanted->requested_scopes, wanted->facts.available_scopes);
  struct assessment a = {.wanted = wanted, .until_s = US_REACH_NEVER_ENDS};
  a.asked = us_strs_union(mem, of_ticket, offered);
  a.answers = US_NEW_ARRAY(mem, struct judged, a.asked.n);
  wanted->granted = (struct us_strs){US_NEW_ARRAY(mem, struct us_str, a.asked.n), 0};
  wanted->missing = (struct us_strs){US_NEW_ARRAY(mem, struct us_str, a.asked.n), 0};
  wanted->is_granted = false;
  if (us_mem_is_spent(mem))
    return false;
  bool is_done = judge_begin(&a.judge, mem, &wanted->facts, a.asked.n > 0 ? a.asked.n : US_REACH_SCOPES_MAX) &&
                 assess(&a, mem, of_ticket.n, tallies);
  judge_end(&a.judge);
  wanted->not_after_s = a.until_s == US_REACH_NEVER_ENDS ? 0 : a.until_s;
  return is_done;
}

/* 10.4: what the realm's grantRptConditions must hold for a cell of the table. REFUSED is in no realm's set. */
#define REFUSED (1 << 16)
static const int cell_needs[4][4] = {
    /* ticket \ request   EMPTY, ALL, PARTIAL, NONE */
    [US_MATCH_EMPTY] = {REFUSED, 0, US_RPT_REQUEST_PARTIAL, REFUSED}, /* EMPTY, EMPTY: 10.5, below */
    [US_MATCH_ALL] = {0, 0, US_RPT_REQUEST_PARTIAL, US_RPT_REQUEST_NONE},
    [US_MATCH_PARTIAL] = {US_RPT_TICKET_PARTIAL, US_RPT_TICKET_PARTIAL, US_RPT_TICKET_PARTIAL | US_RPT_REQUEST_PARTIAL,
                          US_RPT_TICKET_PARTIAL | US_RPT_REQUEST_NONE},
    [US_MATCH_NONE] = {REFUSED, REFUSED, REFUSED, REFUSED},
};

/* A ticket of nothing but bare resources: they stand in for its scopes, so that some of several is TICKET_PARTIAL. */
static int bare_needs(const struct tally *bare) {
  switch (match_of(bare)) {
  case US_MATCH_ALL:
    return 0;
  case US_MATCH_PARTIAL:
    return US_RPT_TICKET_PARTIAL;
  case US_MATCH_EMPTY:
  case US_MATCH_NONE:
    break;
  }
  return REFUSED;
}

bool us_policy_decide(void *mem, struct us_wanted *wanted, size_t count, int rpt_conditions,
                      struct us_decision *ret_decision) {
  struct tallies tallies = {0};
  for (size_t i = 0; i < count; i++)
    if (!assess_resource(mem, &wanted[i], &tallies))
      return false;

  struct us_decision decision = {.ticket = match_of(&tallies.ticket), .request = match_of(&tallies.request)};
  bool is_all_bare = decision.ticket == US_MATCH_EMPTY && decision.request == US_MATCH_EMPTY;
  int needs = is_all_bare ? bare_needs(&tallies.bare) : cell_needs[decision.ticket][decision.request];
  decision.issue = (needs & ~rpt_conditions) == 0;
  *ret_decision = decision;
  return true;
}
