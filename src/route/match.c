/*
 * Matching of paths against the route table: see match.h. The table is small, so a row is compared segment by segment after
 * its service; that costs less than hashing a path would.
 */
#include "route/match.h"

#include <string.h>

#include "base/mem.h"

#define US_PATH_SEGMENTS_MAX 40 /* more lead nowhere */

struct path {
  struct us_str v[US_PATH_SEGMENTS_MAX];
  size_t n;
};

/* Splits and decodes. False: no row can match, and only what stands before the bad segment is in the path. An invalid encoding
 * has been refused by the edge already. */
static bool split(struct us_cx *cx, struct us_str raw, struct path *ret_path) {
  ret_path->n = 0;
  if (raw.n == 0 || raw.p[0] != '/')
    return false;
  size_t start = 1;
  for (size_t i = 1; i <= raw.n; i++) {
    if (i < raw.n && raw.p[i] != '/')
      continue;
    struct us_str segment = {raw.p + start, i - start};
    start = i + 1;
    if (segment.n == 0 && i == raw.n)
      break; /* one trailing slash is accepted */
    if (segment.n == 0 || ret_path->n == US_PATH_SEGMENTS_MAX)
      return false;
    struct us_str decoded = segment;
    if (memchr(segment.p, '%', segment.n) != NULL && !us_percent_decode(cx->mem, segment, false, &decoded))
      return false;
    if (us_str_eq_c(decoded, ".") || us_str_eq_c(decoded, ".."))
      return false;
    if (memchr(decoded.p, '/', decoded.n) != NULL || !us_str_is_utf8(decoded))
      return false; /* %2F is for label ids only (design 6), which no row has yet */
    ret_path->v[ret_path->n++] = decoded;
  }
  return ret_path->n > 0;
}

/* Does `pattern` fit path[from..]? Fills params in order of the {names}. "{name*}" takes the rest, joined by slashes. */
static bool fits(struct us_cx *cx, const char *pattern, const struct path *path, size_t from, struct us_str *params) {
  size_t at = from, param = 0;
  const char *p = pattern;
  while (*p != '\0') {
    const char *end = strchrnul(p, '/');
    size_t n = (size_t)(end - p);
    if (p[0] == '{' && n > 2 && end[-2] == '*') {
      struct us_strs rest = {NULL, 0};
      rest.n = path->n > at ? path->n - at : 0;
      rest.v = (struct us_str *)path->v + at;
      params[param] = us_strs_join(cx->mem, rest, "/");
      return true;
    }
    if (at == path->n)
      return false;
    if (p[0] == '{') {
      if (param == US_CALL_PARAMS_MAX)
        return false;
      params[param++] = path->v[at];
    } else if (!us_str_eq(path->v[at], (struct us_str){p, n})) {
      return false;
    }
    at++;
    p = *end == '/' ? end + 1 : end;
  }
  return at == path->n;
}

/* All rows of a service against path[from..]: the row, or why there is none. */
static void find_row(struct us_cx *cx, const struct us_http_request *request, struct us_str action,
                     const struct path *path, size_t from, struct us_matched *m) {
  enum us_method method = request->method == US_METHOD_HEAD ? US_METHOD_GET : request->method;
  m->result = US_MATCH_NO_PATH;
  m->allow = 0;
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *row = &us_routes[i];
    struct us_str params[US_CALL_PARAMS_MAX] = {{NULL, 0}};
    if (row->service != m->service || !fits(cx, row->pattern, path, from, params))
      continue;
    m->allow |= (unsigned)row->method;
    if (m->result == US_MATCH_NO_PATH) {
      m->result = US_MATCH_NO_METHOD;
      m->route = row;
    }
    if (row->method != method)
      continue;
    bool is_create = row->action != NULL && strcmp(row->action, "create") == 0;
    bool action_fits = row->action == NULL ? true
                       : is_create         ? action.p == NULL || us_str_eq_nocase(action, US_STR("create"))
                                           : us_str_eq_c(action, row->action);
    if (!action_fits) {
      m->result = US_MATCH_NO_ACTION;
      m->route = row;
      continue;
    }
    m->result = US_MATCHED;
    m->route = row;
    memcpy(m->params, params, sizeof(params));
    return;
  }
}

/* "realms/root/realms/a/realms/b": returns the number of segments eaten, 0 when the path does not begin so. */
static size_t realm_of_hierarchy(struct us_cx *cx, const struct path *path, size_t from, struct us_str *ret_realm,
                                 bool *ret_bad) {
  size_t at = from;
  struct us_str realm = US_STR("");
  *ret_bad = false;
  while (at + 1 < path->n && us_str_eq_c(path->v[at], "realms")) {
    struct us_str name = path->v[at + 1];
    if (at == from) {
      *ret_bad = !us_str_eq_nocase(name, US_STR("root")); /* realms/x before realms/root is an unknown realm */
      if (*ret_bad)
        realm = us_str_fmt(cx->mem, "/%.*s", US_STR_ARG(name));
    } else {
      realm = us_str_fmt(cx->mem, "%.*s/%.*s", US_STR_ARG(realm), US_STR_ARG(name));
    }
    at += 2;
  }
  if (at > from)
    *ret_realm = realm.n == 0 ? US_STR("/") : realm;
  return at - from;
}

/* Values "alpha", "/alpha" and "%2Falpha" are equal. */
static struct us_str realm_of_query(struct us_cx *cx, struct us_str value) {
  if (value.n == 0)
    return US_STR("/");
  return value.p[0] == '/' ? value : us_str_fmt(cx->mem, "/%.*s", US_STR_ARG(value));
}

static void match_in_service(struct us_cx *cx, const struct us_http_request *request, const struct us_params *query,
                             const struct path *path, size_t from, struct us_matched *m, bool *ret_bad_realm) {
  struct us_str action = m->service == US_SERVICE_JSON ? us_params_get_nocase(query, "_action") : US_STR_ABSENT;
  size_t eaten = realm_of_hierarchy(cx, path, from, &m->realm_path, ret_bad_realm);
  if (m->service == US_SERVICE_JSON)
    m->tail = us_strs_join(
        cx->mem, (struct us_strs){(struct us_str *)(uintptr_t)path->v + from + eaten, path->n - from - eaten}, "/");
  if (eaten > 0) {
    find_row(cx, request, action, path, from + eaten, m);
    return;
  }
  struct us_str by_query = us_params_get(query, "realm");
  m->realm_path = by_query.p != NULL ? realm_of_query(cx, by_query) : US_STR("/");
  find_row(cx, request, action, path, from, m);
  if (m->result != US_MATCH_NO_PATH || m->service == US_SERVICE_JSON || m->service == US_SERVICE_ORIGIN)
    return;
  /* Legacy form: bare sub-realm segments before the endpoint (protocol contract 1.1). The first split that fits wins. */
  struct us_str realm = US_STR("");
  for (size_t i = from; i + 1 < path->n; i++) {
    realm = us_str_fmt(cx->mem, "%.*s/%.*s", US_STR_ARG(realm), US_STR_ARG(path->v[i]));
    find_row(cx, request, action, path, i + 1, m);
    if (m->result != US_MATCH_NO_PATH) {
      m->realm_path = realm;
      return;
    }
  }
}

/* How many segments the context path has: "/am" is one. 0 with *ret_inside false when the path is outside. */
static size_t inside_context(const struct us_services *svc, const struct path *path, bool *ret_inside) {
  struct us_str context = svc->context_path;
  size_t at = 0, start = 1;
  *ret_inside = true;
  if (context.n <= 1)
    return 0;
  for (size_t i = 1; i <= context.n; i++) {
    if (i < context.n && context.p[i] != '/')
      continue;
    if (at == path->n || !us_str_eq(path->v[at], (struct us_str){context.p + start, i - start})) {
      *ret_inside = false;
      return 0;
    }
    at++;
    start = i + 1;
  }
  return at;
}

static bool service_of(struct us_str segment, enum us_service *ret_service) {
  static const struct {
    const char *segment;
    enum us_service service;
  } services[] = {
      {"oauth2", US_SERVICE_OAUTH}, {"uma", US_SERVICE_UMA}, {"json", US_SERVICE_JSON}, {"XUI", US_SERVICE_XUI}};
  for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
    if (us_str_eq_c(segment, services[i].segment)) {
      *ret_service = services[i].service;
      return true;
    }
  }
  return false;
}

/* RFC 8414 3: /.well-known/oauth-authorization-server + the issuer's path; the realm is read from that path. */
static void origin_realm(struct us_cx *cx, struct us_matched *m) {
  if (m->result != US_MATCHED || strchr(m->route->pattern, '{') == NULL)
    return;
  struct path issuer;
  bool is_inside = false, is_bad = false;
  enum us_service service;
  m->result = US_MATCH_NO_PATH;
  if (!split(cx, us_str_fmt(cx->mem, "/%.*s", US_STR_ARG(m->params[0])), &issuer))
    return;
  size_t at = inside_context(cx->svc, &issuer, &is_inside);
  if (!is_inside || at >= issuer.n || !service_of(issuer.v[at], &service) || service != US_SERVICE_OAUTH)
    return;
  m->realm_path = US_STR("/");
  at += 1 + realm_of_hierarchy(cx, &issuer, at + 1, &m->realm_path, &is_bad);
  if (at == issuer.n && !is_bad)
    m->result = US_MATCHED;
}

/* The top-level realm of a store that has none yet: no providers, no keys. */
static const struct us_realm before_any = {.path = {"/", 1}};

enum us_code us_route_match(struct us_cx *cx, const struct us_snapshot *snapshot, const struct us_http_request *request,
                            const struct us_params *query, struct us_matched *ret_matched) {
  struct us_matched *m = ret_matched;
  struct path path;
  bool is_inside = false, has_bad_realm = false;
  memset(m, 0, sizeof(*m));
  m->result = US_MATCH_NO_PATH;
  m->service = US_SERVICE_ORIGIN;
  m->realm_path = US_STR("/");
  bool is_path = split(cx, request->path, &path);
  size_t at = inside_context(cx->svc, &path, &is_inside);
  bool has_service = is_inside && at < path.n && service_of(path.v[at], &m->service);
  if (!is_path) /* the service says in which style that is told */
    return US_OK;
  if (has_service) {
    match_in_service(cx, request, query, &path, at + 1, m, &has_bad_realm);
  } else {
    match_in_service(cx, request, query, &path, 0, m, &has_bad_realm);
    if (us_params_get(query, "realm").p == NULL && cx->svc->default_realm.n > 0)
      m->realm_path = cx->svc->default_realm;
    origin_realm(cx, m);
  }
  if (m->result == US_MATCH_NO_PATH)
    return US_OK;
  m->realm = has_bad_realm ? NULL : us_snapshot_realm(snapshot, m->realm_path);
  if (m->realm == NULL && (m->route->flags & US_ROUTE_NO_REALM) && us_str_eq_c(m->realm_path, "/"))
    m->realm = &before_any; /* a fresh server is alive before its first realm is made */
  if (m->realm == NULL)
    m->result = US_MATCH_NO_REALM;
  return US_OK;
}

struct us_str us_allow_text(struct us_cx *cx, unsigned methods) {
  static const enum us_method order[] = {US_METHOD_GET, US_METHOD_POST, US_METHOD_PUT, US_METHOD_DELETE};
  struct us_str text = US_STR("");
  for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
    if (!(methods & (unsigned)order[i]))
      continue;
    const char *name = order[i] == US_METHOD_GET ? "GET, HEAD" : us_method_name(order[i]);
    text = us_str_fmt(cx->mem, "%.*s%s%s", US_STR_ARG(text), text.n ? ", " : "", name);
  }
  return text;
}
