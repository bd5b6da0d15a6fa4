/*
 * Claim tokens that were verified once, by SHA-256 of everything the verdict rests on: the token itself, realm, issuer, audience
 * rule, presenting client. Bounded: past the maximum the longest unused one is forgotten. domain/id_token.c decides whether a
 * remembered verdict still holds.
 */
#ifndef USHER_DOMAIN_CLAIM_CACHE_H
#define USHER_DOMAIN_CLAIM_CACHE_H

#include "crypto/digest.h"
#include "domain/id_token.h"

#define US_CLAIM_NAME_MAX 255
struct us_claim_key {
  uint8_t bytes[US_SHA256_BYTES];
};
struct us_claim_entry {
  int64_t exp_s;
  int64_t key_id; /* the key that verified it */
  int64_t issued_id;
  uint64_t mark; /* both: struct us_claim_token */
  size_t name_n;
  char name[US_CLAIM_NAME_MAX]; /* of the requesting party */
};
void us_claim_key(int64_t realm_id, bool checks_audience, struct us_str issuer, struct us_str client_id,
                  struct us_str compact, struct us_claim_key *ret_key);
bool us_claim_cache_find(struct us_claim_cache *cache, const struct us_claim_key *key,
                         struct us_claim_entry *ret_entry);
void us_claim_cache_put(struct us_claim_cache *cache, const struct us_claim_key *key,
                        const struct us_claim_entry *entry);
size_t us_claim_cache_count(struct us_claim_cache *cache);

#endif
