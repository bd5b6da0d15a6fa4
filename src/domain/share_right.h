/* May somebody share a resource, and with which scopes (REST contract i.1)? share_write.c asks before anything is written. */
#ifndef USHER_DOMAIN_SHARE_RIGHT_H
#define USHER_DOMAIN_SHARE_RIGHT_H

#include "domain/share.h"

/* US_E_FORBIDDEN, without text, when not. The owner always may. Others need a right now to each scope that they do not already
 * share with that subject, and the realm's resharingMode must allow them; so who lost access can still take back (c.5). `old` is the
 * policy as it stands, NULL when a first one is made: that takes some right in any case. */
enum us_code us_share_check_right(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                                  const struct us_share_wish *wish, const struct us_policy *old) US_MUST_CHECK;

#endif
