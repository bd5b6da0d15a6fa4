/*
 * Where `goto` may lead: see us_login_goto_ok() in login.h. A browser reads more into a text than a URL parser does (backslashes
 * as slashes, tabs as nothing, two slashes as another host), so nothing is repaired here: a text that is not plain is refused, and
 * what is plain is compared with what is allowed, scheme, host and path each by itself.
 */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "endpoint/crest/login.h"
#include "json/write.h"

/* No blanks, controls, backslashes or bytes that are no ASCII, anywhere. */
static bool is_plain(struct us_str text) {
  for (size_t i = 0; i < text.n; i++) {
    unsigned char c = (unsigned char)text.p[i];
    if (c <= ' ' || c >= 0x7F || c == '\\')
      return false;
  }
  return true;
}

/* Dots, slashes and backslashes that a later decoding would bring to life have no place in a path. */
static bool has_tricks(struct us_str path) {
  static const char *const tricks[] = {"//", "/.", "%2e", "%2f", "%5c", "%25", "%0", "%1", "%20", "%7f"};
  for (size_t i = 0; i < path.n; i++) {
    for (size_t k = 0; k < sizeof(tricks) / sizeof(tricks[0]); k++) {
      struct us_str trick = us_str_c(tricks[k]);
      if (path.n - i >= trick.n && us_str_eq_nocase((struct us_str){path.p + i, trick.n}, trick))
        return true;
    }
  }
  return false;
}

struct url {
  struct us_str origin; /* "https://host:port"; empty for a path */
  struct us_str path;   /* up to '?' or '#'; "/" when there is none */
};

/* False for what is neither an absolute http URL without user information nor a path that begins with one slash. */
static bool take_apart(struct us_str text, struct url *ret_url) {
  static const char *const schemes[] = {"https://", "http://"};
  size_t origin_n = 0, end;
  for (size_t i = 0; i < 2 && origin_n == 0; i++) {
    size_t n = strlen(schemes[i]);
    if (text.n > n && us_str_eq_nocase((struct us_str){text.p, n}, us_str_c(schemes[i])))
      origin_n = n;
  }
  if (origin_n > 0) {
    size_t host = origin_n;
    while (origin_n < text.n && strchr("/?#", text.p[origin_n]) == NULL) {
      if (text.p[origin_n] == '@' || text.p[origin_n] == '%')
        return false;
      origin_n++;
    }
    if (origin_n == host)
      return false;
  } else if (text.n == 0 || text.p[0] != '/' || (text.n > 1 && text.p[1] == '/')) {
    return false;
  }
  for (end = origin_n; end < text.n && text.p[end] != '?' && text.p[end] != '#'; end++) {
  }
  ret_url->origin = (struct us_str){text.p, origin_n};
  ret_url->path = end > origin_n ? (struct us_str){text.p + origin_n, end - origin_n} : US_STR("/");
  return true;
}

/* "/photos/" and all below for "/photos/" followed by a star; to the letter otherwise. */
static bool path_fits(struct us_str allowed, struct us_str path) {
  if (allowed.n >= 2 && allowed.p[allowed.n - 1] == '*' && allowed.p[allowed.n - 2] == '/')
    return us_str_starts(path, (struct us_str){allowed.p, allowed.n - 1});
  return us_str_eq(allowed, path);
}

static bool fits(struct us_str entry, const struct url *wanted) {
  struct url allowed;
  return is_plain(entry) && take_apart(entry, &allowed) && us_str_eq_nocase(allowed.origin, wanted->origin) &&
         path_fits(allowed.path, wanted->path);
}

/* Below `prefix`, which is the context path or the base URL that ends with it. */
static bool is_below(struct us_str prefix, struct us_str wanted) {
  return us_str_starts(wanted, prefix) && (wanted.n == prefix.n || strchr("/?#", wanted.p[prefix.n]) != NULL);
}

bool us_login_goto_ok(const struct us_services *svc, const struct us_settings *settings, struct us_str wanted) {
  struct url url;
  if (wanted.n == 0 || wanted.n > US_LOGIN_GOTO_MAX_BYTES || !is_plain(wanted) || !take_apart(wanted, &url) ||
      has_tricks(url.path))
    return false;
  if (is_below(svc->base_url, wanted) || is_below(svc->context_path, wanted))
    return true;
  for (size_t i = 0; i < settings->valid_goto_urls.n; i++) {
    if (fits(settings->valid_goto_urls.v[i], &url))
      return true;
  }
  return false;
}

struct us_str us_login_goto(struct us_cx *cx, const struct us_settings *settings, struct us_str wanted) {
  if (us_login_goto_ok(cx->svc, settings, wanted))
    return wanted;
  return us_str_fmt(cx->mem, "%.*s/console", US_STR_ARG(cx->svc->context_path));
}

struct us_str us_login_goto_on_fail(struct us_cx *cx, const struct us_settings *settings, struct us_str wanted) {
  return us_login_goto_ok(cx->svc, settings, wanted) ? wanted : US_STR_ABSENT;
}

/* A URL that was allowed is plain ASCII without backslashes; a quote is the one character to escape. */
struct us_str us_login_failure_member(struct us_cx *cx, struct us_str url) {
  struct us_buf text;
  struct us_json_writer w;
  us_buf_init(&text, 4 * US_LOGIN_GOTO_MAX_BYTES);
  us_json_writer_init(&w, &text);
  us_json_str(&w, url);
  struct us_str member = us_str_fmt(cx->mem, "\"failureUrl\":%.*s", US_STR_ARG(us_buf_str(&text)));
  us_buf_done(&text);
  return member;
}
