/*
 * The inside of a key, for key.c and jws.c only.
 *
 * A key is used by several threads at once without a lock. That holds because libcjose's sign and verify only read the
 * cjose_jwk_t: they never touch its `retained` count (a plain integer, so nobody here retains or releases a key but
 * us_key_load() and us_key_free()), and the RSA and EC_KEY inside are OpenSSL objects whose lazily made parts
 * (Montgomery form, blinding) OpenSSL guards with the object's own lock. Read in libcjose's jws.c and jwk.c; the thread
 * sanitizer sees our side only. tests/unit/crypto/test_jws_limits.c signs and verifies with one key in several threads.
 */
#ifndef USHER_CRYPTO_KEY_IMPL_H
#define USHER_CRYPTO_KEY_IMPL_H

#include <cjose/cjose.h>

#include "crypto/key.h"

struct us_key {
  enum us_alg alg;
  bool is_private;
  size_t signature_bytes; /* the one length a signature by this key has (RFC 7518 3.3, 3.4) */
  cjose_jwk_t *jwk;
  struct us_str kid;        /* absent when an outside key has none; malloc */
  struct us_str public_jwk; /* malloc */
};

#endif
