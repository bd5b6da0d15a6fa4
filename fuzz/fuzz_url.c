/*
 * URLs of clients: two lines, a registered one and one that is asked for. They fit when they are the same, or loopback ones that differ
 * in their port; what is shown to people is the front of it; what the server may ask itself leads outside; and a browser that is sent back
 * carries our parameters behind the client's own, whatever stands in them.
 */
#include <string.h>

#include "base/mem.h"
#include "domain/outside_url.h"
#include "domain/redirect_uri.h"
#include "endpoint/web/redirect.h"
#include "fuzz.h"
#include "json/field.h"

/* Without the digits behind "http://127.0.0.1:", and the colon. */
static struct us_str without_port(struct us_cx *cx, struct us_str uri) {
  static const char *const hosts[] = {"http://127.0.0.1", "http://[::1]"};
  for (size_t i = 0; i < 2; i++) {
    size_t n = strlen(hosts[i]), end = n;
    if (!us_str_starts(uri, us_str_c(hosts[i])))
      continue;
    if (end < uri.n && uri.p[end] == ':')
      for (end++; end < uri.n && uri.p[end] >= '0' && uri.p[end] <= '9';)
        end++;
    return us_str_fmt(cx->mem, "%s%.*s", hosts[i], (int)(uri.n - end), uri.p + end);
  }
  return US_STR_ABSENT;
}

static void check_fit(struct us_cx *cx, struct us_str a, struct us_str b) {
  bool fits = us_redirect_uri_fits(a, b);
  fuzz_must(fits == us_redirect_uri_fits(b, a) && us_redirect_uri_fits(a, a));
  if (us_str_eq(a, b) || !fits) {
    fuzz_must(fits || !us_str_eq(a, b));
    return;
  }
  struct us_str bare = without_port(cx, a);
  fuzz_must(bare.p != NULL && us_str_eq(bare, without_port(cx, b)));
}

static void check_origin(struct us_str uri) {
  struct us_str origin = us_redirect_uri_origin(uri);
  fuzz_must(us_str_starts(uri, origin));
  const char *slashes = origin.n > 0 ? memmem(origin.p, origin.n, "://", 3) : NULL;
  struct us_str host = slashes ? (struct us_str){slashes + 3, (size_t)(origin.p + origin.n - slashes) - 3} : US_STR("");
  for (size_t i = 0; i < host.n; i++)
    fuzz_must(host.p[i] != '/' && host.p[i] != '?' && host.p[i] != '#');
}

/* As a second reader sees it: four numbers of a network that is nobody's outside. */
static bool is_inside_quad(struct us_str host) {
  static const char *const fronts[] = {"0.", "10.", "127.", "169.254.", "192.168."};
  bool is_inside = false;
  for (size_t i = 0; i < host.n; i++)
    if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
      return false;
  for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++)
    is_inside |= us_str_starts(host, us_str_c(fronts[i]));
  return is_inside;
}

static void check_outside(struct us_str url) {
  struct us_str local = US_STR("inside.example");
  const struct us_outside open = {.allowed = {&local, 1}}, operator= {.is_operator = true};
  const char *flaw = us_outside_url_flaw(NULL, url);
  fuzz_must(flaw != NULL || us_outside_url_flaw(&open, url) == NULL);
  fuzz_must(flaw != NULL || us_outside_url_flaw(&operator, url) == NULL);
  if (flaw != NULL && us_outside_url_flaw(&operator, url) != NULL)
    return;
  struct us_str host = us_outside_url_host(url);
  fuzz_must(url.n <= US_OUTSIDE_URL_MAX && us_str_eq_nocase((struct us_str){url.p, 8}, US_STR("https://")));
  fuzz_must(us_uri_reference_ok(url) && memchr(url.p, '#', url.n) == NULL);
  fuzz_must(host.n > 0 && host.p >= url.p + 8 && host.p + host.n <= url.p + url.n);
  for (size_t i = 0; i < host.n; i++)
    fuzz_must(strchr("/@?#[]", host.p[i]) == NULL);
  if (flaw == NULL)
    fuzz_must(!us_str_eq_nocase(host, US_STR("localhost")) && !us_str_eq_nocase(host, US_STR("::1")) &&
              !is_inside_quad(host));
}

static void check_way_back(struct us_cx *cx, struct us_str uri, struct us_str value) {
  const struct us_redirect_param params[] = {{"code", US_STR("c")}, {"absent", US_STR_ABSENT}, {"state", value}};
  struct us_str text = us_redirect_uri(cx, uri, params, 3);
  struct us_params read;
  fuzz_must(text.p != NULL && us_str_starts(text, uri));
  struct us_str more = {text.p + uri.n, text.n - uri.n};
  for (size_t i = 0; i < more.n; i++)
    fuzz_must(more.p[i] > ' ' && more.p[i] < 0x7f && strchr("#\"'<>\\", more.p[i]) == NULL);
  if (more.p[0] == '?' || more.p[0] == '&')
    more = (struct us_str){more.p + 1, more.n - 1};
  if (!us_str_is_utf8(value) || us_str_has_nul(value)) /* such a one does not come in */
    return;
  fuzz_must(us_form_parse(cx, more, &read) == US_OK && read.n == 2);
  fuzz_must(us_str_eq(us_params_get(&read, "state"), value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES)};
  const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
  fuzz_must(cx.mem != NULL);
  if (end != NULL && size < 8192) {
    struct us_str a = {(const char *)data, (size_t)(end - data)};
    struct us_str b = {(const char *)end + 1, size - a.n - 1};
    check_fit(&cx, a, b);
    check_origin(a);
    check_outside(a);
    if (!us_str_has_nul(a))
      check_way_back(&cx, a, b);
  }
  us_mem_free(cx.mem);
  return 0;
}
