/*
 * The one place that decides access. Pure: facts in, decision and its reasons out; no store, no plugin, no clock inside.
 * Rules: protocol contract 10.3 (one scope of one resource), 10.4 (the whole request).
 */
#ifndef USHER_POLICY_DECIDE_H
#define USHER_POLICY_DECIDE_H

#include "model/model.h"

enum us_reason {
  US_REASON_OWNER = 1,      /* the requesting party is the owner, implicit consent is on */
  US_REASON_SHARED,         /* a share grants it */
  US_REASON_NO_SHARE,       /* nobody shared it with this party */
  US_REASON_CONDITION,      /* shared, but a condition does not hold */
  US_REASON_NOT_REGISTERED, /* the resource does not have this scope (any more) */
};
const char *us_reason_text(enum us_reason reason);

/* What is known about one resource of the request. */
struct us_facts {
  struct us_strs available_scopes; /* registered now */
  bool party_is_owner;
  bool owner_implicit_consent;
  const struct us_share *shares; /* active shares with this party as subject */
  size_t share_count;
  int64_t now_s;
  struct us_str client_id; /* the client that asks */
};
/* May this scope be given? For a permission without scopes pass an absent scope (10.5). */
enum us_reason us_policy_scope(const struct us_facts *facts, struct us_str scope);
static inline bool us_reason_grants(enum us_reason reason) {
  return reason == US_REASON_OWNER || reason == US_REASON_SHARED;
}

/* One resource of the request as the decision needs it. */
struct us_wanted {
  struct us_facts facts;
  struct us_strs ticket_scopes; /* TicketScopes(r) */
  struct us_strs
      requested_scopes; /* RegisteredScopes n RequestedScopes, before the intersection with available_scopes */
  /* out, allocated by us_policy_decide from `mem` */
  struct us_strs granted; /* CandidateGrantedScopes(r) */
  struct us_strs missing; /* RequestedScopes(r) minus granted */
  bool is_granted;        /* goes into the RPT (10.4, 10.5) */
  int64_t not_after_s;    /* earliest binding Expiration among the shares relied on; 0 = none */
};
enum us_match { US_MATCH_EMPTY, US_MATCH_ALL, US_MATCH_PARTIAL, US_MATCH_NONE };
struct us_decision {
  bool issue;
  enum us_match ticket, request; /* the cell of table 10.4 */
};
/* Classifies and decides by table 10.4. `rpt_conditions` is the realm's grantRptConditions. False when out of memory. */
bool us_policy_decide(void *mem, struct us_wanted *wanted, size_t count, int rpt_conditions,
                      struct us_decision *ret_decision);

#endif
