/*
 * A set of somebody else's public keys (RFC 7517 5), as clients register them or publish them under their jwks_uri. Keys of kinds
 * that are not taken here, for other purposes, too weak or malformed are passed over, as the RFC asks for; what may not
 * be in such a set at all (private members) refuses the whole.
 */
#ifndef USHER_CRYPTO_JWK_SET_H
#define USHER_CRYPTO_JWK_SET_H

#include "crypto/key.h"

#define US_JWK_SET_MAX_BYTES (64 * 1024)
#define US_JWK_SET_MAX_KEYS 16       /* members, usable or not */
#define US_JWK_SET_RSA_MAX_BITS 4096 /* of a key of a set: looking at a longer one takes a tenth of a second */

struct us_jwk_set; /* immutable; may be used from several threads at once */

/* Not tied to cx: free with us_jwk_set_free(). US_E_INVALID_REQUEST with a text when it is no such set. A set without any usable key
 * is one. Takes milliseconds where there are RSA keys: not on an event loop. */
enum us_code us_jwk_set_load(struct us_cx *cx, struct us_str text, struct us_jwk_set **ret_set) US_MUST_CHECK;
void us_jwk_set_free(struct us_jwk_set *set); /* accepts NULL */
size_t us_jwk_set_count(const struct us_jwk_set *set);

/* The `index`-th (from 0) key for what a header says: of this algorithm, and of this kid when there is one. NULL: no more. */
const struct us_key *us_jwk_set_find(const struct us_jwk_set *set, enum us_alg alg, struct us_str kid, size_t index);
/* RFC 8705 2.2: is a certificate, told by its own thumbprint and its key's, one of the set? A key that was published with its
 * certificate (x5c) stands for that certificate and no other. */
bool us_jwk_set_has_certificate(const struct us_jwk_set *set, struct us_str thumbprint, struct us_str key_thumbprint);

#endif
