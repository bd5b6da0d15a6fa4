/*
 * Keys from outside: a JWK set as a client registers or publishes it, and the same bytes as a single key. What is loaded is public where it
 * must be, and says the same again when it is loaded from what it says.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/jwk_set.h"
#include "fuzz.h"

static void check_key(struct us_cx *cx, const struct us_key *key) {
  static const char *const secret[] = {
      "\"d\":", "\"p\":", "\"q\":", "\"dp\":", "\"dq\":", "\"qi\":", "\"k\":", "\"oth\":"};
  struct us_str text = us_key_public_jwk(key);
  struct us_key *again = NULL;
  fuzz_must(us_key_alg(key) == US_ALG_RS256 || us_key_alg(key) == US_ALG_ES256);
  if (us_key_load(cx, text, &again) !=
      US_OK) { /* OpenSSL's look at a modulus throws dice: one that is none may pass once */
    fuzz_must(us_key_alg(key) == US_ALG_RS256);
    us_error_clear(cx);
    return;
  }
  fuzz_must(us_str_eq(us_key_public_jwk(again), text) && us_key_alg(again) == us_key_alg(key));
  fuzz_must(us_str_eq(us_key_kid(again), us_key_kid(key)));
  for (size_t i = 0; us_key_kid(key).p == NULL && i < sizeof(secret) / sizeof(secret[0]); i++)
    fuzz_must(memmem(text.p, text.n, secret[i], strlen(secret[i])) == NULL); /* a kid may read like anything */
  us_key_free(again);
}

static void check_set(struct us_cx *cx, const struct us_jwk_set *set) {
  static const enum us_alg algs[] = {US_ALG_RS256, US_ALG_ES256};
  size_t found = 0;
  fuzz_must(us_jwk_set_count(set) <= US_JWK_SET_MAX_KEYS);
  for (size_t i = 0; i < 2; i++) {
    const struct us_key *key = us_jwk_set_find(set, algs[i], US_STR_ABSENT, 0);
    for (size_t index = 0; key != NULL; key = us_jwk_set_find(set, algs[i], US_STR_ABSENT, ++index)) {
      fuzz_must(us_key_alg(key) == algs[i]);
      if (us_key_kid(key).p != NULL)
        fuzz_must(us_jwk_set_find(set, algs[i], us_key_kid(key), 0) != NULL);
      check_key(cx, key);
      found++;
    }
  }
  fuzz_must(found == us_jwk_set_count(set));
  fuzz_must(us_jwk_set_find(set, US_ALG_NONE, US_STR_ABSENT, 0) == NULL);
  fuzz_must(!us_jwk_set_has_certificate(set, US_STR("x"), US_STR("x")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool is_ready;
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES)};
  struct us_str text = {(const char *)data, size};
  struct us_jwk_set *set = NULL;
  struct us_key *key = NULL;
  fuzz_must(cx.mem != NULL && (is_ready || us_crypto_setup() == 0));
  is_ready = true;
  enum us_code code = us_jwk_set_load(&cx, text, &set);
  if (code == US_OK)
    check_set(&cx, set);
  else
    fuzz_must(code == US_E_NO_MEMORY || (code == US_E_INVALID_REQUEST && fuzz_is_clean(cx.err.text)));
  us_error_clear(&cx);
  us_jwk_set_free(set);
  code = us_key_load(&cx, text, &key);
  if (code == US_OK)
    check_key(&cx, key);
  else
    fuzz_must(code == US_E_NO_MEMORY || (code == US_E_INVALID_REQUEST && fuzz_is_clean(cx.err.text)));
  us_key_free(key);
  us_mem_free(cx.mem);
  return 0;
}
