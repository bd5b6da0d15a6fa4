/* What the fuzz targets share: the entry point's prototype, a check that stops the fuzzer, and what a message may hold. */
#ifndef USHER_FUZZ_H
#define USHER_FUZZ_H

#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert(), also in release builds. */
#define fuzz_must(condition) ((condition) ? (void)0 : abort())

/* OA-24: printable ASCII without quotation mark and backslash. */
static inline bool fuzz_is_clean(struct us_str text) {
  for (size_t i = 0; i < text.n; i++)
    if (text.p[i] < ' ' || text.p[i] > '~' || text.p[i] == '"' || text.p[i] == '\\')
      return false;
  return text.n > 0;
}

#endif
