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
#define US_JWS_MAC_SECRET_MIN_BYTES 32 /* RFC 7518 3.2: as long as the hash */

/* Signs `claims` (JSON text) with header {"alg","kid","typ"}. */
enum us_code us_jws_sign(struct us_cx *cx, const struct us_key *key, const char *typ, struct us_str claims,
                         struct us_str *ret_compact) US_MUST_CHECK;

/* Finds the verifying key for a header: by kid and alg among those the caller trusts; NULL when none fits. */
typedef const struct us_key *(*us_jws_key_fn)(void *self, enum us_alg alg, struct us_str kid);
/* Verifies, and gives the claims as an object (cx->mem owns it) and the header's typ. Any flaw is US_E_INVALID_TOKEN
 * with a detail for the log; nothing is fetched. */
enum us_code us_jws_verify(struct us_cx *cx, struct us_str compact, us_jws_key_fn key_of, void *self,
                           struct us_str *ret_claims_json, struct us_str *ret_typ) US_MUST_CHECK;

/* HS256 and nothing else, under a secret that both sides have: for assertions of client_secret_jwt alone. Flaws as above. */
enum us_code us_jws_verify_mac(struct us_cx *cx, struct us_str compact, struct us_str secret,
                               struct us_str *ret_claims_json, struct us_str *ret_typ) US_MUST_CHECK;

/* What a token says about itself, its signature not looked at: good for finding out whose keys to try, and for nothing else. */
struct us_jws_said {
  enum us_alg alg; /* US_ALG_NONE: HS256 */
  bool is_mac;
  struct us_str kid, typ; /* absent without */
  struct us_str claims_json;
};
enum us_code us_jws_peek(struct us_cx *cx, struct us_str compact, struct us_jws_said *ret_said) US_MUST_CHECK;

#endif
