/* The discovery documents (protocol contract 2): true, the same wherever they are asked for, and not led by headers. */
#include "flow/oauth.h"

#define UMA_PATH ".well-known/uma2-configuration"
#define OPENID_PATH ".well-known/openid-configuration"
#define OAUTH_PATH ".well-known/oauth-authorization-server"
static const char *const documents[] = {ALPHA_UMA UMA_PATH, ALPHA_OAUTH OPENID_PATH, ALPHA_OAUTH OAUTH_PATH};
#define DOCUMENTS (sizeof(documents) / sizeof(documents[0]))

static struct us_reply get(struct us_world *w, const char *target) {
  struct us_reply r = us_send(w, "GET", target, NULL, NULL);
  assert_status(r, 200);
  assert_true(json_is_object(r.json));
  return r;
}

static bool lists(struct us_reply r, const char *member, const char *value) {
  size_t i;
  json_t *item;
  json_array_foreach(json_object_get(r.json, member), i, item) {
    if (strcmp(json_string_value(item), value) == 0)
      return true;
  }
  return false;
}

static void uma_metadata_names_the_endpoints(void **state) {
  struct us_world *w = *state;
  struct us_reply r = get(w, documents[0]);
  static const char *const wanted[][2] = {
      {"issuer", ALPHA_ISSUER},
      {"token_endpoint", ALPHA_ISSUER "/access_token"},
      {"introspection_endpoint", ALPHA_ISSUER "/introspect"},
      {"revocation_endpoint", ALPHA_ISSUER "/token/revoke"},
      {"jwks_uri", ALPHA_ISSUER "/connect/jwk_uri"},
      {"resource_registration_endpoint", WORLD_BASE "/uma/realms/root/realms/alpha/resource_set"},
      {"permission_endpoint", WORLD_BASE "/uma/realms/root/realms/alpha/permission_request"},
  };
  for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
    assert_string_equal(us_reply_str(&r, wanted[i][0]), wanted[i][1]);
  assert_string_equal(us_reply_header(&r, "Content-Type"), "application/json;charset=UTF-8");
}

/* Q9: under /uma, under the issuer, and for every form of the realm: the same bytes. */
static void uma_metadata_is_the_same_everywhere(void **state) {
  struct us_world *w = *state;
  struct us_reply r = get(w, documents[0]);
  static const char *const places[] = {ALPHA_OAUTH UMA_PATH, "/am/uma/" UMA_PATH "?realm=/alpha",
                                       "/am/uma/alpha/" UMA_PATH, "/am/oauth2/alpha/" UMA_PATH};
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
    assert_string_equal(get(w, places[i]).body, r.body);
  struct us_reply root = get(w, "/am/uma/realms/root/" UMA_PATH);
  assert_string_equal(us_reply_str(&root, "issuer"), WORLD_BASE "/oauth2");
  assert_string_equal(us_reply_str(&root, "token_endpoint"), WORLD_BASE "/oauth2/access_token");
  assert_string_equal(us_reply_str(&root, "permission_endpoint"), WORLD_BASE "/uma/realms/root/permission_request");
  assert_string_equal(get(w, "/am/uma/" UMA_PATH).body, root.body);
  assert_string_equal(get(w, "/am/oauth2/" UMA_PATH).body, root.body);
  assert_string_equal(get(w, "/" UMA_PATH).body, root.body); /* the default realm at the origin */
}

/* MD-01: the issuer is what stands before the suffix; MD-03: and RFC 8414's own place. */
static void the_issuer_is_where_the_documents_are(void **state) {
  struct us_world *w = *state;
  static const char *const paths[] = {UMA_PATH, OPENID_PATH, OAUTH_PATH};
  static const char *const issuers[] = {"/am/oauth2/realms/root/realms/alpha", "/am/oauth2"};
  for (size_t i = 0; i < 2; i++) {
    const char *issuer = us_text(w, "http://127.0.0.1:8080%s", issuers[i]);
    for (size_t p = 0; p < 3; p++) {
      struct us_reply r = get(w, us_text(w, "%s/%s", issuers[i], paths[p]));
      assert_string_equal(us_reply_str(&r, "issuer"), issuer);
    }
    struct us_reply inserted = get(w, us_text(w, "/" OAUTH_PATH "%s", issuers[i]));
    assert_string_equal(us_reply_str(&inserted, "issuer"), issuer);
    assert_string_equal(inserted.body, get(w, us_text(w, "%s/" OAUTH_PATH, issuers[i])).body);
  }
}

/* MD-02 */
static void no_header_leads_it_astray(void **state) {
  struct us_world *w = *state;
  for (size_t i = 0; i < DOCUMENTS; i++) {
    struct us_reply plain = get(w, documents[i]);
    struct us_reply led =
        us_send(w, "GET", documents[i],
                "X-Forwarded-Host: evil.example\nX-Forwarded-Proto: https\nForwarded: host=evil.example", NULL);
    assert_status(led, 200);
    assert_string_equal(led.body, plain.body);
  }
}

/* MD-04 */
static void no_member_is_empty(void **state) {
  struct us_world *w = *state;
  for (size_t i = 0; i < DOCUMENTS; i++) {
    struct us_reply r = get(w, documents[i]);
    const char *name;
    json_t *value;
    assert_true(json_object_size(r.json) > 5);
    json_object_foreach(r.json, name, value) {
      assert_false(json_is_null(value));
      assert_false(json_is_array(value) && json_array_size(value) == 0);
      assert_false(json_is_string(value) && json_string_length(value) == 0);
    }
  }
  struct us_reply r = us_send(w, "GET", "/am/oauth2/realms/root/realms/nope/" OPENID_PATH, NULL, NULL);
  assert_status(r, 404);
  assert_string_equal(us_reply_str(&r, "message"), "Realm \"/nope\" not found");
}

/* MD-05: each grant that is listed is taken, each other one is not. */
static void grants_are_those_the_token_endpoint_takes(void **state) {
  struct us_world *w = *state;
  static const char *const all[] = {"urn:ietf:params:oauth:grant-type:uma-ticket",
                                    "authorization_code",
                                    "password",
                                    "refresh_token",
                                    "client_credentials",
                                    "implicit",
                                    "urn:ietf:params:oauth:grant-type:device_code",
                                    "urn:ietf:params:oauth:grant-type:jwt-bearer",
                                    "urn:ietf:params:oauth:grant-type:token-exchange",
                                    "urn:openid:params:grant-type:ciba"};
  for (size_t d = 0; d < DOCUMENTS; d++) {
    struct us_reply document = get(w, documents[d]);
    size_t listed = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
      struct us_reply r = token(w, C1, us_text(w, "grant_type=%s", us_enc(w, all[i])));
      bool is_taken = strcmp(us_reply_str(&r, "error"), "unsupported_grant_type") != 0;
      assert_int_equal(is_taken, lists(document, "grant_types_supported", all[i]));
      listed += is_taken;
    }
    assert_int_equal(json_array_size(json_object_get(document.json, "grant_types_supported")), listed);
    assert_true(lists(document, "grant_types_supported", all[0]));
  }
}

/* MD-06, and docs/adr/0010 */
static void response_types_never_hold_token(void **state) {
  struct us_world *w = *state;
  for (size_t i = 0; i < DOCUMENTS; i++) {
    json_t *types = json_object_get(get(w, documents[i]).json, "response_types_supported");
    assert_int_equal(json_array_size(types), 1);
    assert_string_equal(json_string_value(json_array_get(types, 0)), "code");
  }
}

/* MD-07: what is listed works, what is not is refused (test_client_auth.c, test_client_assertion.c and test_client_tls.c have the
 * details). This world has no store key and sees no certificates. */
static void authentication_methods_are_true(void **state) {
  struct us_world *w = *state;
  static const char *const endpoints[] = {"token", "introspection", "revocation"};
  for (size_t d = 0; d < DOCUMENTS; d++) {
    struct us_reply r = get(w, documents[d]);
    for (size_t i = 0; i < 3; i++) {
      const char *member = us_text(w, "%s_endpoint_auth_methods_supported", endpoints[i]);
      assert_int_equal(json_array_size(json_object_get(r.json, member)), 4);
      assert_true(lists(r, member, "client_secret_basic"));
      assert_true(lists(r, member, "client_secret_post"));
      assert_true(lists(r, member, "private_key_jwt"));
      assert_true(lists(r, member, "none"));
      member = us_text(w, "%s_endpoint_auth_signing_alg_values_supported", endpoints[i]);
      assert_int_equal(json_array_size(json_object_get(r.json, member)), 2);
      assert_true(lists(r, member, "RS256"));
      assert_true(lists(r, member, "ES256"));
    }
  }
}

/* MD-08: every URL answers, and nothing is named that is not there. */
static void every_named_endpoint_answers(void **state) {
  struct us_world *w = *state;
  for (size_t d = 0; d < DOCUMENTS; d++) {
    struct us_reply document = get(w, documents[d]);
    const char *name;
    json_t *value;
    size_t urls = 0;
    json_object_foreach(document.json, name, value) {
      size_t n = strlen(name);
      bool is_url = strcmp(name, "jwks_uri") == 0 || (n > 9 && strcmp(name + n - 9, "_endpoint") == 0);
      if (!is_url)
        continue;
      const char *target = json_string_value(value) + strlen("http://127.0.0.1:8080");
      struct us_reply r = us_send(w, "POST", target, FORM_TYPE, "");
      assert_int_not_equal(r.status, 404);
      assert_true(r.status < 500);
      urls++;
    }
    assert_true(urls >= 4); /* token, introspection, revocation, keys */
  }
}

static void what_is_not_built_is_not_named(void **state) {
  struct us_world *w = *state;
  static const char *const members[] = {"claims_interaction_endpoint",
                                        "pat_profiles_supported",
                                        "rpt_endpoint",
                                        "pushed_authorization_request_endpoint",
                                        "require_pushed_authorization_requests",
                                        "device_authorization_endpoint",
                                        "backchannel_authentication_endpoint",
                                        "dpop_signing_alg_values_supported",
                                        "check_session_iframe",
                                        "end_session_endpoint",
                                        "request_object_signing_alg_values_supported"};
  for (size_t d = 0; d < DOCUMENTS; d++) {
    struct us_reply r = get(w, documents[d]);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
      assert_null(json_object_get(r.json, members[i]));
  }
  struct us_reply uma = get(w, documents[0]), oauth = get(w, documents[2]);
  assert_null(json_object_get(uma.json, "userinfo_endpoint")); /* of OpenID Connect alone */
  assert_null(json_object_get(oauth.json, "userinfo_endpoint"));
  assert_null(json_object_get(oauth.json, "prompt_values_supported"));
}

/* SB-04, PK-01, PK-05, MD-06 */
static void the_authorization_endpoint_is_told(void **state) {
  struct us_world *w = *state;
  for (size_t d = 0; d < DOCUMENTS; d++) {
    struct us_reply r = get(w, documents[d]);
    assert_string_equal(us_reply_str(&r, "authorization_endpoint"), ALPHA_ISSUER "/authorize");
    assert_true(lists(r, "response_modes_supported", "query"));
    assert_int_equal(json_array_size(json_object_get(r.json, "response_modes_supported")), 1);
    assert_true(json_is_true(json_object_get(r.json, "authorization_response_iss_parameter_supported")));
    assert_true(lists(r, "grant_types_supported", "authorization_code"));
    assert_true(lists(r, "code_challenge_methods_supported", "S256"));
    assert_false(lists(r, "code_challenge_methods_supported", "plain"));
  }
  struct us_reply r = get(w, documents[1]);
  assert_string_equal(us_reply_str(&r, "userinfo_endpoint"), ALPHA_ISSUER "/userinfo");
  static const char *const prompts[] = {"none", "login", "consent", "select_account"};
  for (size_t i = 0; i < 4; i++)
    assert_true(lists(r, "prompt_values_supported", prompts[i]));
  static const char *const claims[] = {"sub",   "name",  "given_name", "family_name",
                                       "email", "nonce", "auth_time",  "iss"};
  for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
    assert_true(lists(r, "claims_supported", claims[i]));
  assert_true(lists(r, "scopes_supported", "profile"));
  us_world_set(w, "allowPlainPkce", "true");
  assert_true(lists(get(w, documents[2]), "code_challenge_methods_supported", "plain"));
}

/* OC-09 */
static void the_openid_document_tells_about_id_tokens(void **state) {
  struct us_world *w = *state;
  struct us_reply r = get(w, documents[1]);
  assert_true(lists(r, "id_token_signing_alg_values_supported", "RS256"));
  assert_true(lists(r, "id_token_signing_alg_values_supported", "ES256"));
  assert_true(lists(r, "subject_types_supported", "public"));
  assert_true(lists(r, "scopes_supported", "openid"));
  assert_true(lists(r, "scopes_supported", "uma_protection"));
  assert_true(json_is_false(json_object_get(r.json, "request_uri_parameter_supported")));
  assert_true(json_is_false(json_object_get(r.json, "request_parameter_supported")));
  assert_true(json_is_false(json_object_get(r.json, "claims_parameter_supported")));
  assert_string_equal(us_reply_str(&r, "version"), "3.0");
  struct us_reply oauth = get(w, documents[2]);
  assert_null(json_object_get(oauth.json, "subject_types_supported"));
  assert_null(json_object_get(oauth.json, "id_token_signing_alg_values_supported"));
  us_world_set(w, "supportedScopes", "openid,photos");
  assert_true(lists(get(w, documents[2]), "scopes_supported", "photos"));
  assert_false(lists(get(w, documents[2]), "scopes_supported", "uma_protection"));
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(uma_metadata_names_the_endpoints),
      STORY(uma_metadata_is_the_same_everywhere),
      STORY(the_issuer_is_where_the_documents_are),
      STORY(no_header_leads_it_astray),
      STORY(no_member_is_empty),
      STORY(the_authorization_endpoint_is_told),
      STORY(grants_are_those_the_token_endpoint_takes),
      STORY(response_types_never_hold_token),
      STORY(authentication_methods_are_true),
      STORY(every_named_endpoint_answers),
      STORY(what_is_not_built_is_not_named),
      STORY(the_openid_document_tells_about_id_tokens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
