/*
 * Is a text a URI reference (RFC 3986 4.1)? By grammar only, on ASCII: which schemes or hosts are allowed is the business
 * of whoever uses the URI.
 */
#include <string.h>

#include "json/field.h"

static bool us_uri_is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool us_uri_is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool us_uri_is_hex(char c) {
  return us_uri_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Only unreserved, sub-delims, percent pairs and the characters of `more`. */
static bool us_uri_chars_ok(struct us_str s, const char *more) {
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    if (c == '%') {
      if (s.n - i < 3 || !us_uri_is_hex(s.p[i + 1]) || !us_uri_is_hex(s.p[i + 2]))
        return false;
      i += 2;
    } else if (!us_uri_is_alpha(c) && !us_uri_is_digit(c) && (c == '\0' || !strchr("-._~!$&'()*+,;=", c)) &&
               (c == '\0' || !strchr(more, c)))
      return false;
  }
  return true;
}

/* Takes off and returns what comes before the first of `ends`; the end character stays in *rest. */
static struct us_str us_uri_take(struct us_str *rest, const char *ends) {
  size_t n = 0;
  while (n < rest->n && (rest->p[n] == '\0' || !strchr(ends, rest->p[n])))
    n++;
  struct us_str taken = {rest->p, n};
  rest->p += n;
  rest->n -= n;
  return taken;
}

static void us_uri_skip(struct us_str *rest, size_t n) {
  rest->p += n;
  rest->n -= n;
}

static bool us_uri_scheme_ok(struct us_str s) {
  if (s.n == 0 || !us_uri_is_alpha(s.p[0]))
    return false;
  for (size_t i = 1; i < s.n; i++)
    if (!us_uri_is_alpha(s.p[i]) && !us_uri_is_digit(s.p[i]) && s.p[i] != '+' && s.p[i] != '-' && s.p[i] != '.')
      return false;
  return true;
}

/* "[" hex, colons and dots (or "v1.x") "]". */
static bool us_uri_ip_literal_ok(struct us_str s) {
  if (s.n < 2 || s.p[s.n - 1] != ']')
    return false;
  struct us_str inside = {s.p + 1, s.n - 2};
  if (inside.n > 0 && (inside.p[0] == 'v' || inside.p[0] == 'V'))
    return inside.n > 3 && us_uri_chars_ok(inside, ":") && !memchr(inside.p, '%', inside.n);
  for (size_t i = 0; i < inside.n; i++)
    if (!us_uri_is_hex(inside.p[i]) && inside.p[i] != ':' && inside.p[i] != '.')
      return false;
  return inside.n >= 2 && memchr(inside.p, ':', inside.n) != NULL;
}

static bool us_uri_authority_ok(struct us_str s) {
  const char *at = s.n ? memrchr(s.p, '@', s.n) : NULL;
  if (at) {
    struct us_str user = {s.p, (size_t)(at - s.p)};
    if (!us_uri_chars_ok(user, ":"))
      return false;
    us_uri_skip(&s, user.n + 1);
  }
  bool is_literal = s.n > 0 && s.p[0] == '[';
  struct us_str host = us_uri_take(&s, is_literal ? "]" : ":");
  if (is_literal && s.n > 0) {
    host.n++;
    us_uri_skip(&s, 1);
  }
  if (is_literal ? !us_uri_ip_literal_ok(host) : !us_uri_chars_ok(host, ""))
    return false;
  if (s.n == 0)
    return true;
  if (s.p[0] != ':')
    return false;
  for (size_t i = 1; i < s.n; i++)
    if (!us_uri_is_digit(s.p[i]))
      return false;
  return true;
}

bool us_uri_reference_ok(struct us_str s) {
  if (s.n == 0)
    return true; /* the reference to the document itself; also keeps an absent slice out of pointer arithmetic */
  struct us_str rest = s;
  struct us_str scheme = us_uri_take(&rest, ":/?#");
  if (rest.n > 0 && rest.p[0] == ':') {
    /* In a reference without scheme the first segment may hold no colon (4.2). */
    if (!us_uri_scheme_ok(scheme))
      return false;
    us_uri_skip(&rest, 1);
  } else
    rest = s;
  if (us_str_starts(rest, US_STR("//"))) {
    us_uri_skip(&rest, 2);
    if (!us_uri_authority_ok(us_uri_take(&rest, "/?#")))
      return false;
  }
  if (!us_uri_chars_ok(us_uri_take(&rest, "?#"), ":@/"))
    return false;
  if (rest.n > 0 && rest.p[0] == '?') {
    us_uri_skip(&rest, 1);
    if (!us_uri_chars_ok(us_uri_take(&rest, "#"), ":@/?"))
      return false;
  }
  if (rest.n == 0)
    return true;
  us_uri_skip(&rest, 1);
  return us_uri_chars_ok(rest, ":@/?");
}

bool us_uri_split_authority(struct us_str authority, struct us_str *ret_host, struct us_str *ret_port) {
  const char *end = authority.p + authority.n;
  if (authority.n > 0 && authority.p[0] == '[') {
    const char *close = memchr(authority.p, ']', authority.n);
    if (close == NULL || (close + 1 < end && close[1] != ':'))
      return false;
    *ret_host = (struct us_str){authority.p + 1, (size_t)(close - authority.p) - 1};
    *ret_port = close + 1 < end ? (struct us_str){close + 2, (size_t)(end - close) - 2} : US_STR_ABSENT;
    return true;
  }
  const char *colon = memchr(authority.p, ':', authority.n);
  *ret_host = (struct us_str){authority.p, colon != NULL ? (size_t)(colon - authority.p) : authority.n};
  *ret_port = colon != NULL ? (struct us_str){colon + 1, (size_t)(end - colon) - 1} : US_STR_ABSENT;
  return true;
}

bool us_uri_port_ok(struct us_str port) {
  uint64_t number = 0;
  return port.p == NULL || (us_str_to_u64(port, 65535, &number) && number > 0);
}
