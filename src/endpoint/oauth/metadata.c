/*
 * The three discovery documents (protocol contract 2). They say what this server does and nothing else (MD-05 to MD-08):
 * grants come from the token endpoint's own table, algorithms from the realm's keys; what is not built is not named.
 */
#include "endpoint/oauth/oauth.h"

#include "crypto/key.h"
#include "domain/id_token.h"
#include "domain/signing_key.h"
#include "domain/userinfo.h"

static const char *const response_types[] = {"code", NULL};
static const char *const subject_types[] = {"public", NULL};
static const char *const response_modes[] = {"query", NULL};
/* Of ID tokens; user info has a table of its own, which begins with the two that both have. */
static const char *const claims[] = {"iss", "aud", "azp", "exp", "iat", "auth_time", "nonce", "at_hash", "realm", NULL};

static void member_url(struct us_call *call, struct us_json_writer *w, const char *name, struct us_str base,
                       const char *path) {
  us_json_member(w, name, us_str_fmt(call->cx.mem, "%.*s/%s", US_STR_ARG(base), path));
}

static void member_list(struct us_json_writer *w, const char *name, const char *const *list) {
  us_json_name(w, name);
  us_json_open(w, '[');
  for (; *list != NULL; list++)
    us_json_c(w, *list);
  us_json_close(w, ']');
}

static void member_bool(struct us_json_writer *w, const char *name, bool value) {
  us_json_name(w, name);
  us_json_bool(w, value);
}

static void member_grants(struct us_json_writer *w) {
  us_json_name(w, "grant_types_supported");
  us_json_open(w, '[');
  for (size_t i = 0; i < us_grant_count; i++)
    us_json_c(w, us_grants[i]->type);
  us_json_close(w, ']');
}

/* How clients authenticate at token, introspection and revocation endpoint alike: the table of domain/client_auth.c, without what
 * cannot work here. */
static void member_methods(struct us_call *call, struct us_json_writer *w, const char *methods,
                           const char *algorithms) {
  const struct us_services *svc = call->cx.svc;
  us_json_name(w, methods);
  us_json_open(w, '[');
  for (size_t i = 0; i < us_auth_method_count; i++) {
    if (us_auth_method_is_offered(svc, &us_auth_methods[i]))
      us_json_c(w, us_auth_methods[i].name);
  }
  us_json_close(w, ']');
  member_list(w, algorithms, us_assertion_algorithms(svc));
}

/* RFC 8414 2, of tickets too (protocol contract 2.1). */
static void member_challenges(struct us_call *call, struct us_json_writer *w) {
  us_json_name(w, "code_challenge_methods_supported");
  us_json_open(w, '[');
  us_json_c(w, "S256");
  if (call->realm->settings.allow_plain_pkce)
    us_json_c(w, "plain");
  us_json_close(w, ']');
}

static void member_claims(struct us_json_writer *w) {
  us_json_name(w, "claims_supported");
  us_json_open(w, '[');
  for (size_t i = 0; i < us_userinfo_claim_count; i++)
    us_json_c(w, us_userinfo_claims[i].name);
  for (const char *const *claim = claims; *claim != NULL; claim++)
    us_json_c(w, *claim);
  us_json_close(w, ']');
}

/* What all three share. */
static void write_server(struct us_call *call, struct us_json_writer *w) {
  struct us_str oauth = call->realm->oauth_url;
  us_json_member(w, "issuer", call->realm->issuer);
  member_url(call, w, "authorization_endpoint", oauth, "authorize");
  member_url(call, w, "token_endpoint", oauth, "access_token");
  member_url(call, w, "introspection_endpoint", oauth, "introspect");
  member_url(call, w, "revocation_endpoint", oauth, "token/revoke");
  member_url(call, w, "jwks_uri", oauth, "connect/jwk_uri");
  if (us_registration_is_on(call->realm))
    member_url(call, w, "registration_endpoint", oauth, "register");
  member_grants(w);
  member_list(w, "response_types_supported", response_types);
  member_list(w, "response_modes_supported", response_modes);
  member_challenges(call, w);
  member_bool(w, "authorization_response_iss_parameter_supported", true); /* RFC 9207 3 */
  member_methods(call, w, "token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported");
  member_methods(call, w, "introspection_endpoint_auth_methods_supported",
                 "introspection_endpoint_auth_signing_alg_values_supported");
  member_methods(call, w, "revocation_endpoint_auth_methods_supported",
                 "revocation_endpoint_auth_signing_alg_values_supported");
  if (call->cx.svc->sees_certificates) { /* RFC 8705 3.3 */
    member_bool(w, "tls_client_certificate_bound_access_tokens", true);
  }
}

/* Realms that restrict scopes name theirs; the others at least what has a meaning here. */
static void member_scopes(struct us_call *call, struct us_json_writer *w) {
  static struct us_str usual[] = {{"openid", 6}, {"profile", 7}, {"email", 5}, {"uma_protection", 14}};
  struct us_strs scopes = call->realm->settings.supported_scopes;
  us_json_name(w, "scopes_supported");
  us_json_strs(w, scopes.n > 0 ? scopes : (struct us_strs){usual, sizeof(usual) / sizeof(usual[0])});
}

static void member_algorithms(struct us_call *call, struct us_json_writer *w) {
  static const enum us_alg algs[] = {US_ALG_RS256, US_ALG_ES256};
  us_json_name(w, "id_token_signing_alg_values_supported");
  us_json_open(w, '[');
  for (size_t a = 0; a < sizeof(algs) / sizeof(algs[0]); a++) {
    if (us_signing_key_now(&call->cx, call->realm, algs[a]) != NULL)
      us_json_c(w, us_alg_name(algs[a]));
  }
  us_json_close(w, ']');
}

enum us_code us_ep_uma_metadata(struct us_call *call) {
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  write_server(call, &w);
  if (us_registration_is_on(call->realm)) /* the name of UMA 1.0, which the product's clients look for */
    member_url(call, &w, "dynamic_client_endpoint", call->realm->oauth_url, "register");
  member_url(call, &w, "resource_registration_endpoint", call->realm->uma_url, "resource_set");
  member_url(call, &w, "permission_endpoint", call->realm->uma_url, "permission_request");
  if (call->realm->settings.interactive_claims)
    member_url(call, &w, "claims_interaction_endpoint", call->realm->uma_url, "claims_gathering");
  else /* G 3.3.1: which formats are taken can be learnt; there, pushed claims are not looked at (protocol contract 6.3) */
    member_list(&w, "claim_token_formats_supported", us_claim_token_formats);
  us_json_close(&w, '}');
  return US_OK;
}

enum us_code us_ep_oauth_metadata(struct us_call *call) {
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  write_server(call, &w);
  member_scopes(call, &w);
  us_json_close(&w, '}');
  return US_OK;
}

enum us_code us_ep_openid_metadata(struct us_call *call) {
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  write_server(call, &w);
  member_scopes(call, &w);
  member_list(&w, "subject_types_supported", subject_types);
  member_algorithms(call, &w);
  member_url(call, &w, "userinfo_endpoint", call->realm->oauth_url, "userinfo");
  member_claims(&w);
  member_list(&w, "prompt_values_supported", us_prompt_values);
  member_bool(&w, "claims_parameter_supported", false);
  member_bool(&w, "request_parameter_supported", false);
  member_bool(&w, "request_uri_parameter_supported", false); /* OIDC Discovery 3: true when absent */
  us_json_member(&w, "version", US_STR("3.0"));
  us_json_close(&w, '}');
  return US_OK;
}
