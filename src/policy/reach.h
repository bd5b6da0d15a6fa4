/*
 * Which scopes reach the requesting party along the grants, until when, and by which grants (REST i.2). What decide.c and
 * activity.c have in common.
 *
 * Up to 64 scopes are followed at once, one bit each, so that the cost is that of walking the graph once, whatever the number of
 * scopes and paths. Grants are let in by how long they hold, the longest first: the moment at which a scope reaches the party is
 * then the answer to "until when". A grant that does not hold now comes last; what arrives with it lacks only its conditions.
 */
#ifndef USHER_POLICY_REACH_H
#define USHER_POLICY_REACH_H

#include "policy/decide.h"

#define US_REACH_SCOPES_MAX 64
#define US_REACH_ANY_MAX 1024 /* scopes that a resource and its grants may have between them, when any will do */
#define US_REACH_NEVER_ENDS INT64_MAX

/* How a grant holds now. */
struct us_hold {
  int64_t until_s; /* 0: it does not */
  int64_t uses;    /* it holds by a condition MaxUses of so many; 0: without */
};
struct us_reach {
  const struct us_facts *facts;
  size_t node_count;
  struct us_hold *holds;    /* of each grant */
  uint32_t *by_hold;        /* grants, those that hold longest first */
  uint32_t *grants_of;      /* grants by their `from`, then as in by_hold; those of node n begin at first_grant[n] */
  uint32_t *first_grant;    /* node_count + 1 */
  uint32_t *memberships_of; /* memberships by their name */
  uint32_t *first_membership;
  /* of the run */
  uint64_t *masks;           /* of each grant: which of the scopes it has */
  uint64_t *arrived, *fresh; /* of each node: scopes that reached it; of them, those not yet sent on */
  uint32_t *enabled;         /* of each node: how many of its grants are in */
  uint32_t *queue;           /* nodes with fresh scopes, in a ring; each once */
  size_t queue_begin, queue_count;
  uint32_t *parents; /* of each node and scope: by what it came, a grant or, behind those, a membership */
  size_t scopes_max, scope_count;
  uint64_t reached;                     /* scopes that came to the party at all */
  int64_t until_s[US_REACH_SCOPES_MAX]; /* of those: until when; 0: by grants that do not hold */
};
/* `scopes_max`: of one run, at most US_REACH_SCOPES_MAX; 0: nobody will ask for paths. Memory is taken from `mem`; false when there is none. */
bool us_reach_init(struct us_reach *reach, void *mem, const struct us_facts *facts, size_t scopes_max);
/* Follows these scopes; may be called again for others. */
void us_reach_run(struct us_reach *reach, const struct us_str *scopes, size_t scope_count);
/* The order in which scopes are looked up. */
int us_reach_compare(struct us_str a, struct us_str b);
/* All scopes that anything was shared with, in no particular order. False when out of memory. */
bool us_reach_scopes(void *mem, const struct us_facts *facts, struct us_strs *ret_scopes);
/* The grants by which scope number `scope` of the last run came, from the party back to the owner. Room for grant_count. */
size_t us_reach_path(const struct us_reach *reach, size_t scope, uint32_t *ret_grants);

#endif
