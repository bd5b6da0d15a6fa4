/* OAuth scopes: see scope.h. */
#include "domain/scope.h"

bool us_scope_token_ok(struct us_str scope) {
  if (scope.n == 0 || scope.n > US_SCOPE_TOKEN_MAX)
    return false;
  for (size_t i = 0; i < scope.n; i++) {
    unsigned char c = (unsigned char)scope.p[i];
    if (c < 0x21 || c > 0x7e || c == '"' || c == '\\')
      return false;
  }
  return true;
}

static enum us_code refuse(struct us_cx *cx, struct us_str scope) {
  /* The name is quoted only when it is one: whatever else was sent stays out of the answer (OA-24). */
  if (!us_scope_token_ok(scope))
    return us_fail(cx, US_E_INVALID_SCOPE, "The requested scope is invalid, unknown, or malformed.");
  return us_fail(cx, US_E_INVALID_SCOPE, "Unknown/invalid scope(s): [%.*s]", US_STR_ARG(scope));
}

enum us_code us_scope_parse(struct us_cx *cx, struct us_str text, struct us_strs *ret_scopes) {
  struct us_strs parts = {NULL, 0};
  if (!us_str_split(cx->mem, text.p ? text : US_STR(""), ' ', US_SCOPE_MAX, &parts))
    return us_fail(cx, US_E_INVALID_SCOPE, "A request may name %d scopes at most", US_SCOPE_MAX);
  for (size_t i = 0; i < parts.n; i++) {
    if (!us_scope_token_ok(parts.v[i]))
      return refuse(cx, parts.v[i]);
  }
  struct us_strs scopes = us_strs_unique(cx->mem, parts);
  if (scopes.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_scopes = scopes;
  return US_OK;
}

static bool is_offered(const struct us_realm *realm, const struct us_client *client, struct us_str scope) {
  const struct us_strs *supported = &realm->settings.supported_scopes;
  return us_strs_has(client->scopes, scope) && (supported->n == 0 || us_strs_has(*supported, scope));
}

/* The client's own defaults, else the realm's as far as the client is registered for them. */
static enum us_code defaults(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                             struct us_strs *ret_scopes) {
  struct us_strs from = client->default_scopes.n > 0 ? client->default_scopes : realm->settings.default_scopes;
  struct us_strs scopes = us_strs_intersect(cx->mem, from, client->scopes);
  if (scopes.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (scopes.n == 0)
    return us_fail(cx, US_E_INVALID_SCOPE, "No scope requested and no default scope configured");
  *ret_scopes = scopes;
  return US_OK;
}

enum us_code us_scope_resolve(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                              struct us_str text, struct us_strs *ret_scopes) {
  struct us_strs asked;
  US_TRY(us_scope_parse(cx, text, &asked));
  if (asked.n == 0)
    return defaults(cx, realm, client, ret_scopes);
  for (size_t i = 0; i < asked.n; i++) {
    if (!is_offered(realm, client, asked.v[i]))
      return refuse(cx, asked.v[i]);
  }
  *ret_scopes = asked;
  return US_OK;
}
