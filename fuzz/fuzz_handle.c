/*
 * Handles from outside. A text that is taken apart must be the only text of its bytes: encoding them again gives the
 * same text, and its id and iteration are those of the bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/handle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (us_crypto_setup() != 0)
    abort();
  int64_t id = -1;
  uint16_t iteration = 0;
  char digest[US_SHA256_TEXT_BYTES];
  struct us_str text = {(const char *)data, size};
  if (!us_handle_parse(text, &id, &iteration, digest))
    return 0;

  uint8_t raw[32];
  char again[US_HANDLE_TEXT_BYTES];
  size_t n = 0;
  if (id < 0 || !us_base64url_decode(text, raw, sizeof(raw), &n) || us_base64url_encode(raw, n, again) != size ||
      memcmp(again, data, size) != 0 || raw[7] != (uint8_t)id || (n == 30) != (iteration != 0) || strlen(digest) != 43)
    abort();
  return 0;
}
