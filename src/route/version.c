/* Versions of Common REST: see version.h. */
#include "route/version.h"

#include <string.h>

struct version {
  uint64_t major, minor;
};
#define MAJORS_MAX 5
/* Which resource versions a path serves, by the beginning of its pattern; the last row that fits serves. A requested version is
 * served when the major is equal and the minor not newer. */
static const struct {
  const char *pattern;
  struct version oldest;
  struct version v[MAJORS_MAX + 1]; /* the newest minor of each major */
} served[] = {
    {"", {1, 0}, {{1, 0}}},
    {"users", {1, 0}, {{1, 9}, {2, 9}, {3, 9}, {4, 9}, {5, 9}}}, /* helper actions: any */
    {"users/", {1, 0}, {{1, 0}}},
    {"serverinfo", {1, 0}, {{1, 9}, {2, 0}}},
    {"authenticate", {1, 2}, {{1, 2}, {2, 1}}},
    {"sessions", {1, 0}, {{1, 9}, {2, 9}, {3, 9}, {4, 9}, {5, 1}}},
};

static bool parse_version(struct us_str text, struct version *ret) {
  const char *dot = memchr(text.p, '.', text.n);
  struct us_str major = {text.p, dot ? (size_t)(dot - text.p) : text.n};
  struct us_str minor = dot ? (struct us_str){dot + 1, text.n - major.n - 1} : US_STR("0");
  return us_str_to_u64(major, 1000, &ret->major) && us_str_to_u64(minor, 1000, &ret->minor);
}

static struct us_str trim(struct us_str s) {
  while (s.n > 0 && s.p[0] == ' ')
    s = (struct us_str){s.p + 1, s.n - 1};
  while (s.n > 0 && s.p[s.n - 1] == ' ')
    s.n--;
  return s;
}

static enum us_code check_protocol(struct us_cx *cx, struct version v, int *ret_protocol) {
  if (v.major != 1 && v.major != 2)
    return us_fail(cx, US_E_INVALID_REQUEST, "Unsupported major version: %d.%d", (int)v.major, (int)v.minor);
  if (v.minor > (v.major == 1 ? 0u : 2u))
    return us_fail(cx, US_E_INVALID_REQUEST, "Unsupported minor version: %d.%d", (int)v.major, (int)v.minor);
  *ret_protocol = (int)(v.major * 10 + v.minor);
  return US_OK;
}

static enum us_code check_resource(struct us_call *call, struct version wanted, bool is_given, struct version *ret) {
  size_t row = 0;
  for (size_t i = 1; i < sizeof(served) / sizeof(served[0]); i++) {
    if (strncmp(call->route->pattern, served[i].pattern, strlen(served[i].pattern)) == 0)
      row = i;
  }
  const struct version *v = served[row].v;
  if (!is_given && call->realm->settings.api_version_default == US_API_VERSION_NONE)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "No requested version specified and behavior set to NONE.");
  if (!is_given && call->realm->settings.api_version_default == US_API_VERSION_OLDEST) {
    *ret = served[row].oldest;
    return US_OK;
  }
  for (size_t i = 0; v[i].major != 0; i++) {
    *ret = v[i]; /* none given: the latest */
    if (is_given && v[i].major == wanted.major && wanted.minor <= v[i].minor) {
      *ret = wanted;
      return US_OK;
    }
  }
  if (!is_given)
    return US_OK;
  return us_fail(&call->cx, US_E_NOT_FOUND,
                 "Accept-API-Version: Requested version \"%d.%d\" does not match any routes.", (int)wanted.major,
                 (int)wanted.minor);
}

enum us_code us_version_check(struct us_call *call, struct us_str *ret_content_version) {
  struct us_cx *cx = &call->cx;
  struct us_str header = us_http_header(call->request, "accept-api-version");
  struct us_strs parts = {NULL, 0};
  struct version wanted = {0, 0}, resource = {1, 0};
  bool has_resource = false, has_protocol = false;
  call->crest_protocol = 21;
  if (us_http_header_count(call->request, "accept-api-version") > 1)
    return us_fail(cx, US_E_INVALID_REQUEST, "Accept-API-Version cannot be read");
  if (header.p != NULL && (!us_str_split(cx->mem, header, ',', 2, &parts) || parts.n == 0))
    return us_fail(cx, US_E_INVALID_REQUEST, "Accept-API-Version cannot be read");
  for (size_t i = 0; i < parts.n; i++) {
    struct us_str part = trim(parts.v[i]);
    const char *equals = memchr(part.p, '=', part.n);
    struct us_str name = {part.p, equals ? (size_t)(equals - part.p) : part.n};
    struct version v;
    if (equals == NULL || !parse_version((struct us_str){equals + 1, part.n - name.n - 1}, &v))
      return us_fail(cx, US_E_INVALID_REQUEST, "Accept-API-Version cannot be read");
    if (us_str_eq_c(name, "protocol") && !has_protocol) {
      has_protocol = true;
      US_TRY(check_protocol(cx, v, &call->crest_protocol));
    } else if (us_str_eq_c(name, "resource") && !has_resource) {
      wanted = v;
      has_resource = true;
    } else {
      return us_fail(cx, US_E_INVALID_REQUEST, "Accept-API-Version cannot be read");
    }
  }
  US_TRY(check_resource(call, wanted, has_resource, &resource));
  *ret_content_version = us_str_fmt(cx->mem, "protocol=%d.%d,resource=%d.%d", call->crest_protocol / 10,
                                    call->crest_protocol % 10, (int)resource.major, (int)resource.minor);
  return US_OK;
}
