/* Shares of the worker pool: see pool_share.h. */
#include "domain/pool_share.h"

#include <stdatomic.h>
#include <string.h>

#include "domain/throttle.h"

int64_t us_pool_share_of(int64_t wanted, size_t queue) {
  int64_t quarter = queue >= 4 ? (int64_t)(queue / 4) : 1;
  return wanted < quarter ? wanted : quarter;
}

bool us_pool_share_take(struct us_services *svc, struct us_str peer_group, unsigned *ret_slot) {
  struct us_throttle_key key = us_throttle_key(svc->throttle, US_THROTTLE_POOL, 0, peer_group);
  uint32_t number;
  memcpy(&number, key.bytes, sizeof(number));
  *ret_slot = number % US_POOL_SLOTS;
  if (atomic_fetch_add(&svc->pool_jobs[*ret_slot], 1) < svc->pool_per_address)
    return true;
  us_pool_share_give(svc, *ret_slot);
  return false;
}

void us_pool_share_give(struct us_services *svc, unsigned slot) {
  atomic_fetch_sub(&svc->pool_jobs[slot], 1);
}
