/*
 * Compact JWS in and out, libcjose behind it. libcjose follows the token's own `alg` and accepts too much, so every
 * token is first looked at by us: size, three parts, canonical unpadded base64url, header by strict JSON without
 * duplicates, `alg` equal to the key's, none of crit, b64, jwk, jku, x5u, x5c, x5t, zip, none of what encrypted tokens
 * have, not cty "JWT" (group JW of the conformance list).
 */
#ifndef USHER_CRYPTO_JWS_H
#define USHER_CRYPTO_JWS_H

#include "crypto/key.h"

#define US_JWS_MAX_BYTES (16 * 1024)
#define US_JWS_MAX_KID_BYTES 128

/* Signs `claims` (JSON text) with header {"alg","kid","typ"}. */
enum us_code us_jws_sign(struct us_cx *cx, const struct us_key *key, const char *typ, struct us_str claims,
                         struct us_str *ret_compact) US_MUST_CHECK;

/* Finds the verifying key for a header: by kid and alg among those the caller trusts; NULL when none fits. */
typedef const struct us_key *(*us_jws_key_fn)(void *self, enum us_alg alg, struct us_str kid);
/* Verifies, and gives the claims as an object (cx->mem owns it) and the header's typ. Any flaw is US_E_INVALID_TOKEN
 * with a detail for the log; nothing is fetched. */
enum us_code us_jws_verify(struct us_cx *cx, struct us_str compact, us_jws_key_fn key_of, void *self,
                           struct us_str *ret_claims_json, struct us_str *ret_typ) US_MUST_CHECK;

#endif
