/* Registered clients: see client.h. Authentication is client_auth.c. */
#include "domain/client.h"

#include <string.h>

#include "crypto/key.h"
#include "domain/cascade.h"
#include "domain/client_auth.h"
#include "domain/scope.h"
#include "domain/snapshot.h"
#include "domain/token.h"
#include "store/clients.h"
#include "store/consents.h"
#include "json/field.h"

#define US_CLIENT_LIST_MAX 256
#define US_REDIRECT_URI_MAX 2048
#define US_CLIENT_CODE_MAX_S 600 /* RFC 6749 4.1.2 */

/* SB-06: the password grant is for clients that an administrator gives it to; client_credentials, with which a client speaks in its
 * own name, for those that somebody vouches for. */
const struct us_grant_type us_grant_types[] = {
    {"authorization_code", US_GRANT_FOR_ALL},
    {"refresh_token", US_GRANT_FOR_ALL},
    {"urn:ietf:params:oauth:grant-type:uma-ticket", US_GRANT_FOR_ALL},
    {"client_credentials", US_GRANT_BY_TOKEN},
    {"password", US_GRANT_BY_ADMIN},
};
const size_t us_grant_type_count = sizeof(us_grant_types) / sizeof(us_grant_types[0]);

const struct us_grant_type *us_grant_type_find(struct us_str name) {
  for (size_t i = 0; i < us_grant_type_count; i++) {
    if (us_str_eq_c(name, us_grant_types[i].name))
      return &us_grant_types[i];
  }
  return NULL;
}

enum us_code us_client_by_id(struct us_cx *cx, int64_t realm_id, struct us_str client_id,
                             struct us_client *ret_client) {
  if (client_id.n == 0 || client_id.n > US_CLIENT_ID_MAX)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  return us_client_row_by_id(cx, realm_id, client_id, ret_client);
}

enum us_code us_client_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                            struct us_client **ret_clients, size_t *ret_count) {
  return us_client_rows_page(cx, realm_id, after, limit, ret_clients, ret_count);
}

enum us_code us_client_by_ref(struct us_cx *cx, int64_t ref, struct us_client *ret_client) {
  return us_client_row_by_ref(cx, ref, ret_client);
}

bool us_client_may_use_grant(const struct us_client *client, const char *grant) {
  return us_strs_has(client->grants, us_str_c(grant));
}

static bool is_loopback(struct us_str rest) {
  static const char *const hosts[] = {"127.0.0.1", "[::1]", "localhost"};
  size_t n = 0;
  while (n < rest.n && strchr("/?", rest.p[n]) == NULL)
    n++;
  for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
    size_t host = strlen(hosts[i]);
    if (n >= host && us_str_eq_nocase((struct us_str){rest.p, host}, us_str_c(hosts[i])) &&
        (n == host || rest.p[host] == ':'))
      return true;
  }
  return false;
}

/* RFC 3986 3.2.1. "http://localhost:x@evil.example/" leads to evil.example, whatever stands in front. */
static bool names_user(struct us_str rest) {
  size_t n = strcspn(rest.p + 2, "/?");
  return memchr(rest.p + 2, '@', n) != NULL;
}

static bool has_good_port(struct us_str rest) {
  struct us_str host, port, authority = {rest.p + 2, strcspn(rest.p + 2, "/?")};
  return us_uri_split_authority(authority, &host, &port) && host.n > 0 && us_uri_port_ok(port);
}

/* RFC 6749 3.1.2 and RFC 9700 2.6 (OA-12, SB-02): absolute, no fragment; https, or http to the machine itself, or a private
 * scheme in the reverse-domain form of RFC 8252 7.1. That leaves javascript:, data: and file: out. */
static const char *flaw_of_uri(struct us_str uri) {
  if (uri.n == 0 || uri.n > US_REDIRECT_URI_MAX || !us_uri_reference_ok(uri))
    return "is not a URI";
  if (memchr(uri.p, '#', uri.n) != NULL)
    return "has a fragment";
  const char *colon = memchr(uri.p, ':', uri.n);
  const char *first_other = uri.p + strcspn(uri.p, "/?:");
  if (colon == NULL || colon != first_other)
    return "is not absolute";
  struct us_str scheme = {uri.p, (size_t)(colon - uri.p)};
  struct us_str rest = {colon + 1, uri.n - scheme.n - 1};
  bool has_authority = us_str_starts(rest, US_STR("//")) && rest.n > 2 && rest.p[2] != '/';
  if (has_authority && names_user(rest))
    return "names a user";
  if (has_authority && !has_good_port(rest))
    return "has no such host or port";
  if (us_str_eq_nocase(scheme, US_STR("https")))
    return has_authority ? NULL : "names no host";
  if (us_str_eq_nocase(scheme, US_STR("http")))
    return has_authority && is_loopback((struct us_str){rest.p + 2, rest.n - 2}) ? NULL : "is http to another machine";
  return memchr(scheme.p, '.', scheme.n) != NULL ? NULL : "has a scheme that is not allowed";
}

static enum us_code check_uris(struct us_cx *cx, const char *member, struct us_strs uris) {
  if (uris.n > US_CLIENT_LIST_MAX)
    return us_fail(cx, US_E_INVALID_REDIRECT_URI, "%s: may have %d members at most", member, US_CLIENT_LIST_MAX);
  for (size_t i = 0; i < uris.n; i++) {
    struct us_str uri = us_str_dup(cx->mem, uris.v[i]); /* with a NUL behind it */
    if (uri.p == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    const char *flaw = flaw_of_uri(uri);
    if (flaw != NULL)
      return us_fail(cx, US_E_INVALID_REDIRECT_URI, "%s[%zu]: %s", member, i, flaw);
  }
  return US_OK;
}

static enum us_code refuse(struct us_cx *cx, const char *text) {
  return us_fail(cx, US_E_INVALID_METADATA, "%s", text);
}

static enum us_code check_scopes(struct us_cx *cx, struct us_strs scopes) {
  if (scopes.n > US_SCOPE_MAX)
    return us_fail(cx, US_E_INVALID_METADATA, "scope: a client may have %d at most", US_SCOPE_MAX);
  for (size_t i = 0; i < scopes.n; i++) {
    if (!us_scope_token_ok(scopes.v[i]))
      return refuse(cx, "scope: has characters that OAuth scopes cannot have");
  }
  return US_OK;
}

static enum us_code check_grants(struct us_cx *cx, struct us_strs grants) {
  if (grants.n > US_CLIENT_LIST_MAX)
    return us_fail(cx, US_E_INVALID_METADATA, "grant_types: may have %d members at most", US_CLIENT_LIST_MAX);
  for (size_t i = 0; i < grants.n; i++) {
    if (us_grant_type_find(grants.v[i]) == NULL)
      return us_fail(cx, US_E_INVALID_METADATA, "grant_types[%zu]: is not offered here", i);
  }
  return US_OK;
}

/* Whatever is wrong with how it authenticates is a flaw of its metadata. */
static enum us_code check_auth(struct us_cx *cx, const struct us_client *client) {
  enum us_code code = us_client_auth_check(cx, client);
  if (code == US_OK)
    code = us_client_check_keys(cx, client->jwks);
  if (code != US_E_INVALID_REQUEST)
    return code;
  cx->err.code = US_E_INVALID_METADATA;
  return US_E_INVALID_METADATA;
}

/* RFC 6749 A.1: printable ASCII. A colon is fine, Basic carries it encoded. */
static const char *flaw_of_id(struct us_str id) {
  if (id.n == 0 || id.n > US_CLIENT_ID_MAX)
    return "must have 1 to 255 characters";
  for (size_t i = 0; i < id.n; i++) {
    if (id.p[i] < 0x20 || id.p[i] > 0x7e)
      return "must be printable ASCII";
  }
  return NULL;
}

enum us_code us_client_check(struct us_cx *cx, const struct us_client *in, struct us_client *ret_client) {
  struct us_client c = *in;
  if (c.auth_method.n == 0)
    c.auth_method = c.is_public ? US_STR("none") : US_STR("client_secret_basic");
  if (c.id_token_alg.n == 0)
    c.id_token_alg = US_STR("RS256");
  const char *flaw = flaw_of_id(c.client_id);
  if (flaw != NULL)
    return us_fail(cx, US_E_INVALID_METADATA, "client_id: %s", flaw);
  if (us_alg_parse(c.id_token_alg) == US_ALG_NONE)
    return refuse(cx, "id_token_signed_response_alg: must be RS256 or ES256");
  if (c.access_token_s < 0 || c.refresh_token_s < 0 || c.code_s < 0 || c.code_s > US_CLIENT_CODE_MAX_S)
    return refuse(cx, "A lifetime is not within its limits");
  US_TRY(check_grants(cx, c.grants));
  US_TRY(check_scopes(cx, c.scopes));
  US_TRY(check_scopes(cx, c.default_scopes));
  if (!us_strs_contains_all(c.scopes, c.default_scopes))
    return refuse(cx, "A default scope is not among the client's scopes");
  US_TRY(check_uris(cx, "redirect_uris", c.redirect_uris));
  US_TRY(check_uris(cx, "claims_redirect_uris", c.claims_redirect_uris));
  US_TRY(check_auth(cx, &c)); /* last: the others cost nothing */
  *ret_client = c;
  return US_OK;
}

enum us_code us_client_insert(struct us_cx *cx, int64_t realm_id, struct us_client *client) {
  if (client->ref == 0) /* else it was needed before, to seal a secret for its place */
    client->ref = us_next_id(cx);
  client->realm_id = realm_id;
  client->rev = 1;
  return us_client_row_insert(cx, client);
}

enum us_code us_client_create(struct us_cx *cx, int64_t realm_id, const struct us_client *in, int64_t *ret_ref) {
  struct us_client client;
  US_TRY(us_client_check(cx, in, &client));
  US_TRY(us_client_insert(cx, realm_id, &client));
  *ret_ref = client.ref;
  return US_OK;
}

static bool is_resource_server(const struct us_client *client) {
  return us_strs_has(client->scopes, US_STR(US_SCOPE_UMA));
}

static enum us_code lose_resources(struct us_cx *cx, const struct us_client *client) {
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm_by_id(snapshot, client->realm_id);
  enum us_code code = realm == NULL ? US_OK : us_cascade_resource_server(cx, realm, client->ref);
  us_snapshot_unref(snapshot);
  return code;
}

static bool same_set(struct us_strs a, struct us_strs b) {
  return us_strs_contains_all(a, b) && us_strs_contains_all(b, a);
}

enum us_code us_client_replace(struct us_cx *cx, const struct us_client *client) {
  struct us_client before = {0};
  enum us_code code = us_client_row_by_ref(cx, client->ref, &before);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    return us_fail_plain(cx, US_E_CONFLICT);
  }
  US_TRY(code);
  US_TRY(us_client_row_update(cx, client));
  if (!same_set(before.redirect_uris, client->redirect_uris)) /* people said yes to other places */
    US_TRY(us_consents_forget_remembered(cx, client->ref));
  return is_resource_server(&before) && !is_resource_server(client) ? lose_resources(cx, &before) : US_OK;
}

enum us_code us_client_update(struct us_cx *cx, const struct us_client *in) {
  struct us_client client;
  US_TRY(us_client_check(cx, in, &client));
  return us_client_replace(cx, &client);
}

enum us_code us_client_delete(struct us_cx *cx, const struct us_client *client, const struct us_realm *realm) {
  US_TRY(us_client_row_delete(cx, client->ref)); /* its tokens, tickets and RPTs are dead by its absence */
  /* One that is no resource server has none, or lost them when it ceased to be one: nobody looks through all resources for it. */
  return is_resource_server(client) ? us_cascade_resource_server(cx, realm, client->ref) : US_OK;
}
