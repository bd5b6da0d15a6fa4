/*
 * The facts of a decision, gathered: what resources there are now, what was shared with the requesting party. The decision itself
 * is us_policy_decide() (policy/decide.h).
 */
#ifndef USHER_DOMAIN_ACCESS_H
#define USHER_DOMAIN_ACCESS_H

#include "domain/services.h"
#include "policy/decide.h"

/* Who asks, for whom. */
struct us_access_request {
  const struct us_realm *realm;
  int64_t party_id;
  struct us_str party_name; /* any case */
  struct us_str client_id;  /* absent: the right to share is judged, no client asks */
  struct us_ids counted;    /* for us_access_recheck(): permissions of which the RPT used up a use */
};
/* Facts about one resource (at least id, owner_id and scopes must be filled in). */
enum us_code us_access_facts(struct us_cx *cx, const struct us_access_request *request,
                             const struct us_resource *resource, struct us_facts *ret_facts) US_MUST_CHECK;

/* Is a permission given once still good for this resource, and what is left of it? Narrows its scopes, moves access_rev to that of
 * the resource, brings expires_s forward where a condition ends earlier. False: nothing is left. *ret_counted (may be NULL): it rests
 * on one of request->counted. */
enum us_code us_access_recheck(struct us_cx *cx, const struct us_access_request *request,
                               const struct us_resource *resource, struct us_permission *permission, bool *ret_passes,
                               bool *ret_counted) US_MUST_CHECK;

#endif
