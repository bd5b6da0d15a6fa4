/*
 * Signing keys: RSA (RS256, 2048 bits or more) and P-256 (ES256). A key is refused when it is loaded, not when it is
 * used (JW-16): RSA under 2048 bits, points off the curve, other curves.
 */
#ifndef USHER_CRYPTO_KEY_H
#define USHER_CRYPTO_KEY_H

#include "base/cx.h"

#define US_KEY_RSA_MIN_BITS 2048
/* A longer key, or exponent, costs too much at each signature that it is to check. */
#define US_KEY_RSA_MAX_BITS 8192
#define US_KEY_RSA_MAX_EXPONENT_BYTES 4
#define US_KEY_MAX_JWK_BYTES (16 * 1024) /* text of a JWK */

enum us_alg { US_ALG_NONE = 0, US_ALG_RS256, US_ALG_ES256 };
const char *us_alg_name(enum us_alg alg);
enum us_alg us_alg_parse(struct us_str name); /* exact spelling; US_ALG_NONE for everything else */

struct us_key; /* immutable after loading; may be used from several threads at once */

/* A fresh pair as private JWK text (allocated from cx->mem as a secret) with a random kid. */
enum us_code us_key_generate(struct us_cx *cx, enum us_alg alg, struct us_str *ret_private_jwk) US_MUST_CHECK;
/* From private or public JWK text. Not tied to cx: free with us_key_free(). US_E_INVALID_REQUEST when unfit. */
enum us_code us_key_load(struct us_cx *cx, struct us_str jwk, struct us_key **ret_key) US_MUST_CHECK;
void us_key_free(struct us_key *key);
enum us_alg us_key_alg(const struct us_key *key);
struct us_str us_key_kid(const struct us_key *key);
/* The public members as JWKS shows them: kty, kid, use, alg, and n, e or crv, x, y (JW-18); lives as long as the key. A
 * private key has a kid always; the public key of somebody else may have none (then us_key_kid() is absent). */
struct us_str us_key_public_jwk(const struct us_key *key);

#endif
