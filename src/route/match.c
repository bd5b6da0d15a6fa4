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
  size_t
      slashed; /* the segment that holds a slash (%2F), only ever a label id (design 6); US_PATH_SEGMENTS_MAX: none */
};

/* Splits and decodes. False: no row can match, and only what stands before the bad segment is in the path. An invalid encoding
 * has been refused by the edge already. */
static bool split(struct us_cx *cx, struct us_str raw, struct path *ret_path) {
  ret_path->n = 0;
  ret_path->slashed = US_PATH_SEGMENTS_MAX;
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
    bool is_slashed = memchr(decoded.p, '/', decoded.n) != NULL;
    if ((is_slashed && ret_path->slashed < US_PATH_SEGMENTS_MAX) || !us_str_is_utf8(decoded))
      return false;
    if (is_slashed)
      ret_path->slashed = ret_path->n;
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
      if (path->slashed < path->n)
        return false;
      struct us_strs rest = {NULL, 0};
      rest.n = path->n > at ? path->n - at : 0;
      rest.v = (struct us_str *)path->v + at;
      params[param] = us_strs_join(cx->mem, rest, "/");
      return true;
    }
    if (at == path->n)
      return false;
    if (p[0] == '{') {
      struct us_str name = {p, n}; /* ids of labels, and of entries, which begin with the name of a resource (ADR 15) */
      bool takes_slash = us_str_eq(name, US_STR("{label}")) || us_str_eq(name, US_STR("{policyName}"));
      if (param == US_CALL_PARAMS_MAX || (at == path->slashed && !takes_slash))
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

/* What callers a rule of /users/{user} knows besides the user; 0 for other rules. */
enum { OWNER = 4, ADMIN = 1, PAT = 2 };
static const unsigned owner_rules[] = {
    [US_AUTH_OWNER] = OWNER,
    [US_AUTH_OWNER_OR_ADMIN] = OWNER | ADMIN,
    [US_AUTH_OWNER_OR_PAT] = OWNER | PAT,
    [US_AUTH_OWNER_ADMIN_OR_PAT] = OWNER | ADMIN | PAT,
};
static const enum us_auth session_rules[] = {US_AUTH_NONE, US_AUTH_SESSION_OPTIONAL, US_AUTH_SESSION};

/* The rule that lets in whom one of the two lets in. They stand at one path, so they are of one kind. */
static enum us_auth wider(enum us_auth a, enum us_auth b) {
  unsigned bits = a < sizeof(owner_rules) / sizeof(owner_rules[0]) && b < sizeof(owner_rules) / sizeof(owner_rules[0])
                      ? owner_rules[a] | owner_rules[b]
                      : 0;
  for (size_t i = 0; bits != 0 && i < sizeof(owner_rules) / sizeof(owner_rules[0]); i++) {
    if (owner_rules[i] == bits)
      return (enum us_auth)i;
  }
  for (size_t i = 0; i < sizeof(session_rules) / sizeof(session_rules[0]); i++) {
    if (a == session_rules[i] || b == session_rules[i])
      return session_rules[i];
  }
  return a;
}

/* All rows of a service against path[from..]: the row, or why there is none. */
static void find_row(struct us_cx *cx, struct us_str action, const struct path *path, size_t from,
                     struct us_matched *m) {
  m->result = US_MATCH_NO_PATH;
  m->allow = 0;
  if (path->slashed < from) /* no realm has a slash in its name, and two names joined by one are none either */
    return;
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *row = &us_routes[i];
    struct us_str params[US_CALL_PARAMS_MAX] = {{NULL, 0}};
    if (row->service != m->service || !fits(cx, row->pattern, path, from, params))
      continue;
    m->allow |= (unsigned)row->method;
    if (m->result == US_MATCH_NO_PATH) {
      m->result = US_MATCH_NO_METHOD;
      m->route = row;
      m->auth = row->auth;
      memcpy(m->params, params, sizeof(params));
    }
    m->auth = wider(m->auth, row->auth);
    if (row->method != m->method)
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
    m->auth = row->auth;
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

/* REST contract a.2: the header counts on POST only, and on this side only. */
static void read_method(const struct us_http_request *request, struct us_matched *m) {
  struct us_str wanted = us_http_header(request, "x-http-method-override");
  m->method = request->method;
  m->method_text = request->method_text;
  if (m->service == US_SERVICE_JSON && m->method == US_METHOD_POST && wanted.n > 0) {
    m->method = us_method_parse(wanted);
    m->method_text = wanted;
  }
  if (m->method == US_METHOD_HEAD)
    m->method = US_METHOD_GET;
}

static void match_in_service(struct us_cx *cx, const struct us_http_request *request, const struct us_params *query,
                             const struct path *path, size_t from, struct us_matched *m, bool *ret_bad_realm) {
  read_method(request, m);
  struct us_str action = m->service == US_SERVICE_JSON ? us_params_get_nocase(query, "_action") : US_STR_ABSENT;
  size_t eaten = realm_of_hierarchy(cx, path, from, &m->realm_path, ret_bad_realm);
  if (m->service == US_SERVICE_JSON)
    m->tail = us_strs_join(
        cx->mem, (struct us_strs){(struct us_str *)(uintptr_t)path->v + from + eaten, path->n - from - eaten}, "/");
  m->names_realm = true;
  if (eaten > 0) {
    find_row(cx, action, path, from + eaten, m);
    return;
  }
  struct us_str by_query = us_params_get(query, "realm");
  m->realm_path = by_query.p != NULL ? realm_of_query(cx, by_query) : US_STR("/");
  m->names_realm = by_query.p != NULL;
  find_row(cx, action, path, from, m);
  if (m->result != US_MATCH_NO_PATH || m->service == US_SERVICE_JSON || m->service == US_SERVICE_ORIGIN)
    return;
  /* Legacy form: bare sub-realm segments before the endpoint (protocol contract 1.1). The first split that fits wins. */
  struct us_str realm = US_STR("");
  for (size_t i = from; i + 1 < path->n; i++) {
    realm = us_str_fmt(cx->mem, "%.*s/%.*s", US_STR_ARG(realm), US_STR_ARG(path->v[i]));
    find_row(cx, action, path, i + 1, m);
    if (m->result != US_MATCH_NO_PATH) {
      m->realm_path = realm;
      m->names_realm = true;
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

/* Without the port. */
static struct us_str host_name(struct us_str host) {
  if (host.p == NULL) /* HTTP/1.0 needs none */
    return US_STR("");
  const char *colon = memrchr(host.p, ':', host.n);
  const char *bracket = memrchr(host.p, ']', host.n); /* of an IPv6 address */
  return colon != NULL && (bracket == NULL || colon > bracket) ? (struct us_str){host.p, (size_t)(colon - host.p)}
                                                               : host;
}

/* A host may stand for a realm (REST contract a.1): the first by path that has it among its aliases. */
static void realm_of_host(const struct us_snapshot *snapshot, struct us_str host, struct us_matched *m) {
  struct us_str name = host_name(host);
  for (size_t i = 0; name.n > 0 && i < us_snapshot_count(snapshot); i++) {
    const struct us_realm *realm = us_snapshot_at(snapshot, i);
    for (size_t k = 0; k < realm->settings.dns_aliases.n; k++) {
      if (us_str_eq_nocase(realm->settings.dns_aliases.v[k], name)) {
        m->realm_path = realm->path;
        return;
      }
    }
  }
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
    if (!m->names_realm)
      realm_of_host(snapshot, request->host, m);
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
