/*
 * The one place that decides access. Pure: facts in, decision and its reasons out; no store, no plugin, no clock inside.
 * Rules: protocol contract 10.3 (one scope of one resource), 10.4 (the whole request); REST contract i.2 (who may what through
 * whom).
 *
 * What has been shared of a resource is a graph. People are nodes; a grant is an edge from who shares to who is meant, with the
 * scopes it lets through and the conditions under which it does. A share may also mean a group: then it ends in a node for that
 * name, and memberships lead on to its members.
 *
 *   alice (owner) --see,annotate--> bob --see--> group:family ==> carol (party)
 *
 * A scope may be given when there is a path from the owner to the requesting party on which every grant has the scope and holds.
 * It then lasts as long as the path that lasts longest; a path lasts until the first of its grants ends.
 */
#ifndef USHER_POLICY_DECIDE_H
#define USHER_POLICY_DECIDE_H

#include "model/model.h"

enum us_reason {
  US_REASON_OWNER = 1,      /* the requesting party is the owner, implicit consent is on */
  US_REASON_SHARED,         /* a path of shares grants it */
  US_REASON_NO_SHARE,       /* nobody shared it with this party, or not with a right to do so */
  US_REASON_CONDITION,      /* there is a path, but a condition on it does not hold */
  US_REASON_NOT_REGISTERED, /* the resource does not have this scope (any more) */
};
const char *us_reason_text(enum us_reason reason);

/* Memory that the decision about one resource may take for the largest graph there can be (domain/graph.h), beside the request's. */
#define US_POLICY_SCRATCH_MAX_BYTES (32 * 1024 * 1024)

/* Nodes are numbers below node_count. The requesting party is node 1 even when it is the owner who asks. */
enum { US_NODE_OWNER = 0, US_NODE_PARTY = 1 };
struct us_grant {
  int64_t id; /* of its permission */
  uint32_t from, to;
  struct us_strs scopes;
  struct us_conditions conditions;
  int64_t used; /* RPTs that relied on it so far */
};
struct us_membership {
  uint32_t name, member; /* node of the name, node of the person */
};

/* What is known about one resource of the request. */
struct us_facts {
  struct us_strs available_scopes; /* registered now */
  bool party_is_owner;
  bool owner_implicit_consent;
  const struct us_grant *grants;
  size_t grant_count;
  const struct us_membership *memberships;
  size_t membership_count;
  size_t node_count; /* less than 2 counts as 2 */
  int64_t now_s;
  /* The client that asks. Absent: nobody does, the right to share on is judged; a condition on clients does not count then. */
  struct us_str client_id;
  bool is_recheck;       /* of a permission that was given: it uses nothing up, and lives on what it has used */
  struct us_ids counted; /* then: the grants of which it has used up a use */
};

/* May this scope be given, and why? For a permission without scopes pass an absent scope (10.5): then any scope will do. */
struct us_verdict {
  enum us_reason reason;
  int64_t until_s; /* granted: when the path ends; 0: never */
  /* SHARED: the grants relied on, from the owner to the party. CONDITION: a path that would do if its conditions held. */
  const struct us_grant **path;
  size_t path_count;
};
/* False when out of memory. */
bool us_policy_scope(void *mem, const struct us_facts *facts, struct us_str scope, struct us_verdict *ret_verdict);
static inline bool us_reason_grants(enum us_reason reason) {
  return reason == US_REASON_OWNER || reason == US_REASON_SHARED;
}
/* Until when a condition of a grant holds: 0, it does not; INT64_MAX, it has no end. For explaining a verdict. */
int64_t us_policy_condition_until(const struct us_facts *facts, const struct us_grant *grant,
                                  const struct us_condition *condition);

/* A grant that a decision relies on. */
struct us_reliance {
  int64_t grant_id;
  int64_t uses; /* how often it may be used in all (MaxUses): whoever issues counts it; 0: as often as wanted */
};
/* One resource of the request as the decision needs it. */
struct us_wanted {
  struct us_facts facts;
  struct us_strs ticket_scopes; /* TicketScopes(r) */
  struct us_strs
      requested_scopes; /* RegisteredScopes n RequestedScopes, before the intersection with available_scopes */
  /* out, allocated by us_policy_decide from `mem` */
  struct us_strs granted;     /* CandidateGrantedScopes(r) */
  struct us_strs missing;     /* RequestedScopes(r) minus granted */
  bool is_granted;            /* goes into the RPT (10.4, 10.5) */
  int64_t not_after_s;        /* when the first of the granted scopes ends; 0 = none does */
  struct us_reliance *relied; /* each grant once, in the order of facts.grants */
  size_t relied_count;
};
enum us_match { US_MATCH_EMPTY, US_MATCH_ALL, US_MATCH_PARTIAL, US_MATCH_NONE };
struct us_decision {
  bool issue;
  enum us_match ticket, request; /* the cell of table 10.4 */
};
/* Classifies and decides by table 10.4. `rpt_conditions` is the realm's grantRptConditions. False when out of memory. */
bool us_policy_decide(void *mem, struct us_wanted *wanted, size_t count, int rpt_conditions,
                      struct us_decision *ret_decision);

/*
 * What is stored of the graph (REST i.2, i.3): of each grant the scopes that the resource still has, and of these the active ones, to
 * which whoever gave it has a right. Conditions have no part in it. The least fixpoint: grants in a circle do not keep each other
 * alive.
 */
typedef bool (*us_policy_activity_fn)(void *self, size_t grant, struct us_strs kept, struct us_strs active);
/* Calls `each` for every grant in order; the sets are gone when it returns; false stops. False when out of memory. Node 1 is nobody:
 * what it gives is not active. */
bool us_policy_activity(void *mem, const struct us_facts *facts, us_policy_activity_fn each, void *self);

#endif
