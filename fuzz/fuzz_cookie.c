/*
 * The text of a paging cookie, behind its seal. Only what this question made is taken, and what is taken is written again as the
 * same place.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/crest/cursor.h"
#include "fuzz.h"

#define QUESTION "yes"
#define COOKIE_MAX_BYTES (64 * 1024)

static void check_again(struct us_cx *cx, const struct us_list_mark *mark, size_t keys) {
  struct us_list_mark again;
  struct us_str text = us_cursor_write(cx, QUESTION, mark, keys, COOKIE_MAX_BYTES);
  if (!text.p) /* escapes made it longer than a cookie may be */
    return;
  fuzz_must(us_cursor_read(cx, text, QUESTION, keys, &again) == US_OK);
  fuzz_must(again.tie == mark->tie);
  for (size_t i = 0; i < keys; i++)
    fuzz_must(us_str_eq(again.values[i], mark->values[i]));
  fuzz_must(us_cursor_read(cx, text, "no", keys, &again) == US_E_NOT_FOUND);
  fuzz_must(us_cursor_read(cx, text, QUESTION, keys + 1, &again) == US_E_NOT_FOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES)};
  struct us_str text = {(const char *)data, size};
  size_t taken = 0;
  for (size_t keys = 0; keys <= US_LIST_KEYS_MAX + 1; keys++) {
    struct us_list_mark mark;
    if (us_cursor_read(&cx, text, QUESTION, keys, &mark) != US_OK)
      continue;
    fuzz_must(keys <= US_LIST_KEYS_MAX);
    taken++;
    check_again(&cx, &mark, keys);
  }
  fuzz_must(taken <= 1); /* it has one number of keys */
  us_mem_free(cx.mem);
  return 0;
}
