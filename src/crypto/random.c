/*
 * Random bytes from OpenSSL's generator. A process that cannot get randomness must not go on handing out tokens, so a
 * failure ends it here and no caller has to think about it.
 */
#include "crypto/random.h"

#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/log.h"

/* RAND_bytes() counts in int. */
#define US_RANDOM_CHUNK_BYTES ((size_t)1 << 20)

void us_random(void *ret_bytes, size_t n) {
  uint8_t *at = ret_bytes;
  while (n > 0) {
    size_t part = n < US_RANDOM_CHUNK_BYTES ? n : US_RANDOM_CHUNK_BYTES;
    if (RAND_bytes(at, (int)part) != 1) {
      us_log(US_LOG_ERROR, "no_randomness", "the random generator failed; giving up");
      abort();
    }
    at += part;
    n -= part;
  }
}
