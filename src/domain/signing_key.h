/*
 * The keys that sign ID tokens of a realm, one of each algorithm at a time (protocol contract 8.4, JW-19). A key is published from the
 * moment it is made; it signs from `starts_ms` on, until its successor starts; it verifies until everything it signed is dead.
 *
 *   made ---- published ----> starts ---- signs ----> retired ---- verifies ----> gone
 *
 * Private keys lie in the store sealed for their row (crypto/box.h).
 */
#ifndef USHER_DOMAIN_SIGNING_KEY_H
#define USHER_DOMAIN_SIGNING_KEY_H

#include "crypto/key.h"
#include "domain/services.h"

#define US_SIGNING_KEY_SKEW_S 60 /* clocks of those who verify */
#define US_JWKS_MAX_AGE_S                                                                                              \
  300 /* how long others may keep a JWK set; a key is published at least so long before it signs when time allows */
#define US_SIGNING_KEY_WAIT_MAX_S (30 * 24 * 3600) /* between publishing and signing */

/* What signs with `alg` now; NULL: nothing does. */
const struct us_key *us_signing_key_now(struct us_cx *cx, const struct us_realm *realm, enum us_alg alg);
bool us_signing_key_signs(struct us_cx *cx, const struct us_realm_key *key);
bool us_signing_key_verifies(struct us_cx *cx, const struct us_realm_key *key);

/* Write step: `private_jwk` takes the place of what signs with its algorithm, in `wait_s` seconds. `replaces`: only if that is still the
 * newest one; 0: whatever is. US_E_CONFLICT without text: it is not, somebody was faster. US_E_INVALID_REQUEST: no private key, or
 * not for `wanted` (US_ALG_NONE: any). */
struct us_signing_key_new {
  int64_t realm_id, token_s; /* the realm's ID token life */
  struct us_str private_jwk;
  enum us_alg wanted;
  int64_t wait_s, replaces;
};
enum us_code us_signing_key_add(struct us_cx *cx, const struct us_signing_key_new *in) US_MUST_CHECK;
/* From a row: sealed text in, key out (crypto/key.h: freed by us_key_free). */
enum us_code us_signing_key_open(struct us_cx *cx, int64_t id, struct us_str sealed,
                                 struct us_key **ret_key) US_MUST_CHECK;
#define US_SIGNING_KEY_PLACE "signing_key:" /* and the row's id: what its key is sealed for */

/* A key of the realm whose time is up by keyRotationDays; NULL: none. */
const struct us_realm_key *us_signing_key_due(struct us_cx *cx, const struct us_realm *realm);
/* Write step of the clean-up: forgets keys of which nothing is alive any more. */
enum us_code us_signing_keys_clean_up(struct us_cx *cx, bool *ret_changed) US_MUST_CHECK;

#endif
