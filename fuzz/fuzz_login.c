/*
 * What a stranger sends before he is anybody: the first byte picks header words (RFC 2047) or a goto. Beyond not crashing:
 * decoded text is UTF-8 without NUL and not longer than what was sent; a goto that is accepted leads below our own
 * path or to what the realm allows.
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

/* What stands behind `prefix` when `place` begins with it as it is or, for hosts, in other case; NULL otherwise. */
static const char *behind(struct us_str place, const char *prefix) {
  size_t n = strlen(prefix);
  return place.n >= n && us_str_eq_nocase((struct us_str){place.p, n}, us_str_c(prefix)) ? place.p + n : NULL;
}

static void go(struct us_cx *cx, struct us_str in) {
  static struct us_str allowed[] = {{"https://app.example.net/home", 28}, {"https://app.example.net/below/*", 31}};
  static const char *const homes[] = {"http://127.0.0.1:8080/am", "/am", "https://app.example.net/home",
                                      "https://app.example.net/below/"};
  struct us_settings settings = {.valid_goto_urls = {allowed, 2}};
  struct us_str place = us_login_goto(cx, &settings, in);
  const char *end = place.p + place.n, *rest = NULL;
  size_t home = 0;
  for (; home < 4 && rest == NULL; home++)
    rest = behind(place, homes[home]);
  fuzz_must(rest != NULL);
  fuzz_must(rest == end || home == 4 || *rest == '?' || *rest == '#' || (*rest == '/' && home <= 2));
  fuzz_must(memchr(place.p, '\\', place.n) == NULL && memchr(place.p, '\n', place.n) == NULL);
  for (const char *p = rest; p + 1 < end && *p != '?' && *p != '#'; p++)
    fuzz_must(*p != '/' || (p[1] != '/' && p[1] != '.'));
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
