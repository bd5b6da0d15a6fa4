/*
 * Passwords and client secrets: argon2id by libsodium, with the parameters of the OWASP cheat sheet that cost the least
 * memory (t=2, m=19 MiB, p=1). Callers run these on the worker pool; see the header.
 */
#include "crypto/password.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <string.h>

#define OPERATIONS 2ULL
#define MEMORY_BYTES ((size_t)19456 * 1024)

static_assert(US_PASSWORD_HASH_BYTES >= crypto_pwhash_STRBYTES, "room for libsodium's text");

/* Nobody's password: sixteen random bytes of salt and thirty-two of tag. It is a constant and not computed at
 * start, because the first burn would otherwise take twice as long as the others and so tell that the process is new.
 * Its parameters are the ones above, hence verifying against it costs what verifying a real one costs. */
static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$lrTPGTscvMfx7OlTubXzNg$"
                             "tvpu7zkEGZKCOOQlV1CX+OsrRRFMisRR6fjX7geb0Yw";

/* libsodium wants a pointer even for no bytes. */
static const char *bytes_of(struct us_str password) {
  return password.p != NULL ? password.p : "";
}

enum us_code us_password_hash(struct us_cx *cx, struct us_str password, char ret_hash[US_PASSWORD_HASH_BYTES]) {
  if (password.n > US_PASSWORD_MAX_BYTES)
    return us_fail(cx, US_E_INVALID_REQUEST, "a password may have %d bytes at most", US_PASSWORD_MAX_BYTES);

  char hash[crypto_pwhash_STRBYTES];
  int failed = crypto_pwhash_str_alg(hash, bytes_of(password), password.n, OPERATIONS, MEMORY_BYTES,
                                     crypto_pwhash_ALG_ARGON2ID13);
  if (failed) {
    us_fail_plain(cx, US_E_UNAVAILABLE);
    return us_error_detail(cx, "argon2id failed: %s", strerror(errno));
  }
  memset(ret_hash, 0, US_PASSWORD_HASH_BYTES);
  memcpy(ret_hash, hash, sizeof(hash));
  return US_OK;
}

bool us_password_verify(struct us_str password, struct us_str hash) {
  if (password.n > US_PASSWORD_MAX_BYTES || hash.p == NULL || hash.n >= crypto_pwhash_STRBYTES || us_str_has_nul(hash))
    return false;
  /* libsodium would also read the weaker argon2i, which we never write. */
  if (!us_str_starts(hash, US_STR(crypto_pwhash_argon2id_STRPREFIX)))
    return false;

  char c_hash[crypto_pwhash_STRBYTES] = {0};
  memcpy(c_hash, hash.p, hash.n);
  bool matches = crypto_pwhash_str_verify(c_hash, bytes_of(password), password.n) == 0;
  OPENSSL_cleanse(c_hash, sizeof(c_hash));
  return matches;
}

void us_password_burn(struct us_str password) {
  (void)us_password_verify(password, US_STR(nobody));
}
