/*
 * Compact JWS from outside, against the keys of RFC 7515 A.2 and A.3, so that the two published tokens among the seeds
 * reach the claims. Whatever comes in, verification ends without a fault, and what it lets through is an object.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/jws.h"

#define RSA_KEY                                                                                                        \
  "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJ" \
  "rcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdb" \
  "BYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGN" \
  "j8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"}"
#define P256_KEY                                                                                                       \
  "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                           \
  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct us_key *keys[2];

static void setup(void) {
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES)};
  if (us_crypto_setup() != 0 || cx.mem == NULL || us_key_load(&cx, US_STR(RSA_KEY), &keys[0]) != US_OK ||
      us_key_load(&cx, US_STR(P256_KEY), &keys[1]) != US_OK)
    abort();
  us_mem_free(cx.mem);
}

static const struct us_key *key_of(void *self, enum us_alg alg, struct us_str kid) {
  (void)self;
  (void)kid;
  return alg == US_ALG_RS256 ? keys[0] : keys[1];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (keys[0] == NULL)
    setup();
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES)};
  struct us_str claims = US_STR_ABSENT;
  struct us_str typ = US_STR_ABSENT;
  if (cx.mem == NULL)
    abort();
  if (us_jws_verify(&cx, (struct us_str){(const char *)data, size}, key_of, NULL, &claims, &typ) == US_OK &&
      (claims.p == NULL || claims.n < 2))
    abort();
  us_mem_free(cx.mem);
  return 0;
}
