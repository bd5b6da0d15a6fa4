/*
 * What a stranger sends before he is anybody: the first byte picks header words (RFC 2047) or a goto. Beyond not crashing:
 * decoded text is UTF-8 without NUL and not longer than what was sent; a goto that is accepted leads below our own path.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/crest/login.h"
#include "fuzz.h"

static void header(struct us_cx *cx, struct us_str in) {
  struct us_str text;
  fuzz_must(us_login_header_text(cx, in, &text) == US_OK);
  fuzz_must(text.n <= in.n && us_str_is_utf8(text) && !us_str_has_nul(text));
}

static void go(struct us_cx *cx, struct us_str in) {
  static const char base[] = "http://127.0.0.1:8080";
  struct us_str place = us_login_goto(cx, in);
  struct us_str path = place;
  if (us_str_starts(place, US_STR(base)))
    path = (struct us_str){place.p + sizeof(base) - 1, place.n - (sizeof(base) - 1)};
  fuzz_must(us_str_starts(path, US_STR("/am")));
  fuzz_must(path.n == 3 || path.p[3] == '/' || path.p[3] == '?' || path.p[3] == '#');
  fuzz_must(memchr(place.p, '\\', place.n) == NULL && memchr(place.p, '\n', place.n) == NULL);
  for (size_t i = 0; i + 1 < path.n && path.p[i] != '?' && path.p[i] != '#'; i++)
    fuzz_must(path.p[i] != '/' || (path.p[i + 1] != '/' && path.p[i + 1] != '.'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct us_services svc = {.base_url = US_STR("http://127.0.0.1:8080/am"), .context_path = US_STR("/am")};
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES), .svc = &svc};
  if (size > 0) {
    struct us_str in = {(const char *)data + 1, size - 1};
    if (data[0] & 1)
      header(&cx, in);
    else
      go(&cx, in);
  }
  us_mem_free(cx.mem);
  return 0;
}
