/*
 * How much of the worker pool one address may have at a time: what is slow (a password, a signature) is what a stranger can make the
 * server do most of. Addresses are counted in a table of fixed size, by a key that nobody outside knows; the few that fall together share.
 */
#ifndef USHER_DOMAIN_POOL_SHARE_H
#define USHER_DOMAIN_POOL_SHARE_H

#include "domain/services.h"

#define US_POOL_PER_ADDRESS                                                                                            \
  256 /* default: a resource server that begins asks much at once, before its secret is remembered */

/* What one address may have, of a pool with room for `queue` calls: `wanted`, but a quarter of the room at most. */
int64_t us_pool_share_of(int64_t wanted, size_t queue);
/* False: the address has as many as it may. Otherwise us_pool_share_give() must follow. */
bool us_pool_share_take(struct us_services *svc, struct us_str peer_group, unsigned *ret_slot);
void us_pool_share_give(struct us_services *svc, unsigned slot);

#endif
