/*
 * Who may do what: protocol contract 10. Pure code over the facts of decide.h.
 *
 * Three steps, each a function below: one scope of one resource (10.3), one resource with all its wanted scopes (10.1,
 * 10.5), and the whole request by the table of 10.4. Default is deny: what no rule grants is refused.
 *
 * Beside yes or no a share says until when it holds. A grant that rests on several shares holds as long as the longest of
 * them; a permission with several scopes is good until the first of them ends.
 */
#include "policy/decide.h"

#include "base/mem.h"

#define NEVER_ENDS INT64_MAX

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

/* Until when does one condition hold for this client at this time? 0: it does not. */
static int64_t condition_holds_until(const struct us_condition *condition, const struct us_facts *facts) {
  switch (condition->kind) {
  case US_CONDITION_EXPIRATION:
    return condition->date_s > facts->now_s ? condition->date_s : 0;
  case US_CONDITION_CLIENT_ID:
    return us_strs_has(condition->client_ids, facts->client_id) ? NEVER_ENDS : 0;
  }
  return 0; /* a kind this version does not know: deny (UG-28) */
}

/* The same for all conditions of a share: AND ends with the first of them, OR with the last. None: always. */
static int64_t share_holds_until(const struct us_share *share, const struct us_facts *facts) {
  const struct us_conditions *conditions = &share->conditions;
  if (conditions->n == 0)
    return NEVER_ENDS;
  int64_t until = conditions->any ? 0 : NEVER_ENDS;
  for (size_t i = 0; i < conditions->n; i++) {
    int64_t one = condition_holds_until(&conditions->v[i], facts);
    bool is_better = conditions->any ? one > until : one < until;
    until = is_better ? one : until;
  }
  return until;
}

/* 10.3, and until when. An absent scope asks for the resource without scopes (10.5): any active share will do. */
static enum us_reason decide_scope(const struct us_facts *facts, struct us_str scope, int64_t *ret_until) {
  *ret_until = NEVER_ENDS;
  if (scope.p != NULL && !us_strs_has(facts->available_scopes, scope))
    return US_REASON_NOT_REGISTERED;
  if (facts->party_is_owner && facts->owner_implicit_consent)
    return US_REASON_OWNER;
  enum us_reason reason = US_REASON_NO_SHARE;
  int64_t until = 0;
  for (size_t i = 0; i < facts->share_count; i++) {
    const struct us_share *share = &facts->shares[i];
    if (scope.p != NULL && !us_strs_has(share->scopes, scope))
      continue;
    int64_t one = share_holds_until(share, facts);
    if (one > until)
      until = one;
    reason = until > 0 ? US_REASON_SHARED : US_REASON_CONDITION;
  }
  *ret_until = until;
  return reason;
}

enum us_reason us_policy_scope(const struct us_facts *facts, struct us_str scope) {
  int64_t until;
  return decide_scope(facts, scope, &until);
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

static void earliest(int64_t *until, int64_t one) {
  if (one < *until)
    *until = one;
}

static void assess_scope(struct us_wanted *wanted, struct us_str scope, struct tally *tally, int64_t *until) {
  int64_t one;
  tally->pairs++;
  if (!us_reason_grants(decide_scope(&wanted->facts, scope, &one))) {
    wanted->missing.v[wanted->missing.n++] = scope;
    return;
  }
  wanted->granted.v[wanted->granted.n++] = scope;
  tally->passed++;
  earliest(until, one);
}

/* 10.5: a ticket resource with no scopes, to which the client adds none, is judged as a whole. */
static void assess_bare(struct us_wanted *wanted, struct tally *tally, int64_t *until) {
  int64_t one;
  tally->pairs++;
  wanted->is_granted = us_reason_grants(decide_scope(&wanted->facts, US_STR_ABSENT, &one));
  if (!wanted->is_granted)
    return;
  tally->passed++;
  earliest(until, one);
}

/* One resource: RequestedScopes(r) = TicketScopes(r) U (requested n AvailableScopes(r)), 10.1. */
static bool assess_resource(void *mem, struct us_wanted *wanted, struct tally *ticket, struct tally *request,
                            struct tally *bare) {
  struct us_strs of_ticket = us_strs_unique(mem, wanted->ticket_scopes);
  struct us_strs offered = us_strs_intersect(mem, wanted->requested_scopes, wanted->facts.available_scopes);
  struct us_strs of_request = us_strs_minus(mem, offered, of_ticket);
  size_t room = of_ticket.n + of_request.n;
  wanted->granted = (struct us_strs){US_NEW_ARRAY(mem, struct us_str, room), 0};
  wanted->missing = (struct us_strs){US_NEW_ARRAY(mem, struct us_str, room), 0};
  if (!of_ticket.v || !offered.v || !of_request.v || !wanted->granted.v || !wanted->missing.v)
    return false;

  int64_t until = NEVER_ENDS;
  for (size_t i = 0; i < of_ticket.n; i++)
    assess_scope(wanted, of_ticket.v[i], ticket, &until);
  for (size_t i = 0; i < of_request.n; i++)
    assess_scope(wanted, of_request.v[i], request, &until);
  wanted->is_granted = wanted->granted.n > 0;
  if (room == 0)
    assess_bare(wanted, bare, &until);
  wanted->not_after_s = until == NEVER_ENDS ? 0 : until;
  return true;
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
  struct tally ticket = {0}, request = {0}, bare = {0};
  for (size_t i = 0; i < count; i++)
    if (!assess_resource(mem, &wanted[i], &ticket, &request, &bare))
      return false;

  struct us_decision decision = {.ticket = match_of(&ticket), .request = match_of(&request)};
  bool is_all_bare = decision.ticket == US_MATCH_EMPTY && decision.request == US_MATCH_EMPTY;
  int needs = is_all_bare ? bare_needs(&bare) : cell_needs[decision.ticket][decision.request];
  decision.issue = (needs & ~rpt_conditions) == 0;
  *ret_decision = decision;
  return true;
}
