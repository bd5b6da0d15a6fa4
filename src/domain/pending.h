/* Pending requests (REST contract f): filed by the UMA grant, approved or denied by the owner. */
#ifndef USHER_DOMAIN_PENDING_H
#define USHER_DOMAIN_PENDING_H

#include "domain/services.h"

/* Files one for `scopes` of a resource, unless one of the same (resource, owner, party) covers them already; either way *ret_id
 * is the request that stands for it. US_E_REQUEST_DENIED when the party or the owner has too many open (design 6). */
#define US_PENDING_MAX_PER_PARTY 1000
#define US_PENDING_MAX_PER_OWNER 10000
enum us_code us_pending_file(struct us_cx *cx, const struct us_realm *realm, int64_t resource_id, int64_t owner_id,
                             int64_t party_id, struct us_strs scopes, int64_t *ret_id) US_MUST_CHECK;
/* Has the owner denied one of these requests? `ids` is a JSON array of numbers as tickets keep it. */
enum us_code us_pending_any_denied(struct us_cx *cx, struct us_str ids, bool *ret_denied) US_MUST_CHECK;

#endif
