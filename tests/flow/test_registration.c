/* Clients register themselves (RFC 7591): who may, what they get, how often. What they may say is test_registration_metadata.c. */
#include "flow/registration.h"

#include "crypto/digest.h"
#include "domain/throttle.h"

/* DR-01, DR-02 */
static void a_registration_answers_with_all_that_is_stored(void **state) {
  struct us_world *w = *state;
  struct us_reply r = sign_up(w, with_more(w, "\"client_name\":\"Shelf\",\"contacts\":[\"ops@app.example\"],\"x\":1"));
  uint8_t secret[64];
  size_t n = 0;
  assert_string_equal(us_reply_header(&r, "Content-Type"), "application/json;charset=UTF-8");
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  assert_string_equal(us_reply_header(&r, "Pragma"), "no-cache");
  assert_int_equal(strlen(us_reply_str(&r, "client_id")), 36);
  assert_true(us_base64url_decode(us_str_c(us_reply_str(&r, "client_secret")), secret, sizeof(secret), &n));
  assert_int_equal(n, 32);
  assert_int_equal(us_reply_int(&r, "client_secret_expires_at"), 0);
  assert_int_equal(us_reply_int(&r, "client_id_issued_at"), us_world_now_ms(w) / 1000);
  assert_string_equal(us_reply_str(&r, "registration_client_uri"),
                      us_text(w, ALPHA_ISSUER "/register?client_id=%s", us_reply_str(&r, "client_id")));
  assert_string_equal(us_reply_str(&r, "client_name"), "Shelf");
  assert_string_equal(list_text(w, &r, "redirect_uris"), "[\"" REDIRECT "\"]");
  assert_string_equal(list_text(w, &r, "grant_types"), "[\"authorization_code\"]");
  assert_string_equal(list_text(w, &r, "response_types"), "[\"code\"]");
  assert_string_equal(list_text(w, &r, "contacts"), "[\"ops@app.example\"]");
  assert_string_equal(us_reply_str(&r, "token_endpoint_auth_method"), "client_secret_basic");
  assert_string_equal(us_reply_str(&r, "id_token_signed_response_alg"), "RS256");
  assert_string_equal(us_reply_str(&r, "application_type"), "web");
  assert_string_equal(us_reply_str(&r, "subject_type"), "public");
  assert_string_equal(us_reply_str(&r, "scope"), "openid");
  assert_false(has_member(&r, "x")); /* RFC 7591 2: what is not understood is ignored */
}

/* SB-16, DR-01: the server chooses, each time anew. */
static void the_server_chooses_id_and_secret(void **state) {
  struct us_world *w = *state;
  const char *body =
      with_more(w, "\"client_id\":\"alice\",\"client_secret\":\"mine\",\"registration_access_token\":\"t\"");
  struct us_reply a = sign_up(w, body), b = sign_up(w, body);
  static const char *const fresh[] = {"client_id", "client_secret", "registration_access_token"};
  for (size_t i = 0; i < 3; i++)
    assert_string_not_equal(us_reply_str(&a, fresh[i]), us_reply_str(&b, fresh[i]));
  assert_string_not_equal(us_reply_str(&a, "client_id"), "alice");
  assert_string_not_equal(us_reply_str(&a, "client_secret"), "mine");
}

static struct us_reply ask_by_basic(struct us_world *w, const struct us_reply *client, const char *form) {
  return send_form(w, TOKEN, basic(w, us_reply_str(client, "client_id"), us_reply_str(client, "client_secret")), form);
}

/* The registered client works: with the UMA grant, from a ticket to an RPT. */
static void a_registered_client_is_a_client(void **state) {
  struct us_world *w = *state;
  struct us_reply r = sign_up(w, "{\"grant_types\":[\"" UMA_GRANT "\"],\"scope\":\"openid view\"}");
  assert_false(has_member(&r, "redirect_uris")); /* it follows no redirect */
  assert_string_equal(list_text(w, &r, "response_types"), "[]");
  const char *pat = us_pat(w, "alice", RS1);
  const char *album = us_register(w, pat, "{\"name\":\"album\",\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\"]");
  us_world_set(w, "claimTokenAudienceRequired", "false");
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album));
  const char *form =
      us_text(w, "grant_type=" UMA_GRANT "&ticket=%s&claim_token=%s&claim_token_format=%s", ticket,
              us_id_token(w, "bob", C1), us_enc(w, "http://openid.net/specs/openid-connect-core-1_0.html#IDToken"));
  expect_status(ask_by_basic(w, &r, form), 200);
  struct us_reply wrong = send_form(w, TOKEN, basic(w, us_reply_str(&r, "client_id"), "nope"), form);
  assert_error(wrong, 401, "invalid_client");
}

static void a_public_client_has_no_secret(void **state) {
  struct us_world *w = *state;
  struct us_reply r = sign_up(w, with_more(w, "\"token_endpoint_auth_method\":\"none\""));
  assert_false(has_member(&r, "client_secret"));
  assert_false(has_member(&r, "client_secret_expires_at"));
  expect_status(send_form(w, REVOKE, NULL, us_text(w, "token=x&client_id=%s", us_reply_str(&r, "client_id"))), 200);
}

/* SB-06, OA-23 */
static void the_password_grant_is_not_to_be_had(void **state) {
  struct us_world *w = *state;
  struct us_reply r = sign_up(w, with_more(w, ""));
  expect_error(ask_by_basic(w, &r, "grant_type=password&username=alice&password=Ch4ng31t"), 400, "unauthorized_client");
  expect_error(ask_by_basic(w, &r, "grant_type=client_credentials"), 400, "unauthorized_client");
  expect_error(try_more(w, "\"grant_types\":[\"authorization_code\",\"password\"]"), 400, "invalid_client_metadata");
  expect_error(try_more(w, "\"grant_types\":[\"authorization_code\",\"client_credentials\"]"), 400,
               "invalid_client_metadata");
  const char *initial = initial_token(w, DCR_SCOPE);
  expect_error(post_json(w, initial, "{\"grant_types\":[\"password\"]}"), 400, "invalid_client_metadata");
  struct us_reply vouched = post_json(w, initial, "{\"grant_types\":[\"client_credentials\"],\"scope\":\"view\"}");
  assert_status(vouched, 201);
  expect_status(ask_by_basic(w, &vouched, "grant_type=client_credentials&scope=view"), 200);
}

/* DR-05: scopes that mean power over others are not given by asking. */
static void reserved_scopes_are_not_granted(void **state) {
  struct us_world *w = *state;
  const char *all =
      "\"scope\":\"uma_protection openid am-introspect-all-tokens am-introspect-all-tokens-any-realm " DCR_SCOPE
      " view\"";
  struct us_reply r = try_more(w, all);
  assert_status(r, 201);
  assert_string_equal(us_reply_str(&r, "scope"), "openid view");
  r = post_json(w, initial_token(w, DCR_SCOPE), with_more(w, all));
  assert_string_equal(us_reply_str(&r, "scope"), "openid view");
  us_world_set(w, "registrationScopes", "uma_protection");
  r = try_more(w, all);
  assert_string_equal(us_reply_str(&r, "scope"), "uma_protection openid view");
  us_world_set(w, "supportedScopes", "openid");
  r = try_more(w, all);
  assert_string_equal(us_reply_str(&r, "scope"), "openid");
  us_world_set(w, "registrationScopes", "");
  us_world_set(w, "supportedScopes", "openid,uma_protection,email");
  us_world_set(w, "defaultScopes", "email,uma_protection");
  r = try_more(w, "");
  assert_string_equal(us_reply_str(&r, "scope"), "email");
  r = try_more(w, "\"scope\":\"uma_protection\"");
  assert_status(r, 201);
  assert_false(has_member(&r, "scope"));
}

/* DR-05: in a realm that is not open, an access token with the scope for it. */
static void a_closed_realm_asks_for_an_initial_access_token(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "allowDynamicRegistration", "false");
  const char *body = with_more(w, "");
  struct us_reply r = post_json(w, NULL, body);
  assert_error(r, 401, "invalid_token");
  assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), "Bearer realm=\"/alpha\"");
  r = post_json(w, "nope", body);
  assert_error(r, 401, "invalid_token");
  assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), "Bearer realm=\"/alpha\", error=\"invalid_token\"");
  const char *good = initial_token(w, DCR_SCOPE);
  const char *other = take(token(w, "registrar", "grant_type=client_credentials&scope=other"), "access_token");
  r = post_json(w, other, body);
  assert_error(r, 403, "insufficient_scope");
  assert_string_equal(us_reply_header(&r, "WWW-Authenticate"),
                      "Bearer realm=\"/alpha\", error=\"insufficient_scope\", scope=\"" DCR_SCOPE "\"");
  assert_string_equal(description(r), "The resource requested requires scope: " DCR_SCOPE);
  expect_error(post_json(w, us_pat(w, "alice", RS1), body), 403, "insufficient_scope");
  expect_status(post_json(w, good, body), 201);
  r = us_with_pat(w, "POST", "/am/oauth2/register", good, body); /* the top realm is another one */
  assert_error(r, 401, "invalid_token");
  us_world_advance_ms(w, 3599 * 1000);
  expect_status(post_json(w, good, body), 201);
  us_world_advance_ms(w, 1000);
  expect_error(post_json(w, good, body), 401, "invalid_token");
}

static void lose_scope(struct us_cx *cx, struct us_client *client) {
  client->scopes = words(cx->mem, "other");
}
static void an_initial_access_token_ends_with_the_right_of_its_client(void **state) {
  struct us_world *w = *state;
  const char *good = initial_token(w, DCR_SCOPE), *body = with_more(w, "");
  expect_status(post_json(w, good, body), 201);
  change_client(w, "registrar", lose_scope);
  expect_error(post_json(w, good, body), 401, "invalid_token");
  expect_status(post_json(w, NULL, body), 201); /* the realm is open */
}

/* MD-08 */
static bool metadata_names_it(struct us_world *w, const char *target, const char *member, const char *url) {
  struct us_reply r = us_send(w, "GET", target, NULL, NULL);
  assert_status(r, 200);
  if (has_member(&r, member))
    assert_string_equal(us_reply_str(&r, member), url);
  return has_member(&r, member);
}
static void the_endpoint_is_there_when_somebody_may_register(void **state) {
  struct us_world *w = *state;
  static const struct {
    const char *open, *scope;
    bool is_on;
  } cases[] = {{"true", DCR_SCOPE, true}, {"true", "", true}, {"false", DCR_SCOPE, true}, {"false", "", false}};
  struct us_reply mine = sign_up(w, with_more(w, ""));
  for (size_t i = 0; i < 4; i++) {
    us_world_set(w, "allowDynamicRegistration", cases[i].open);
    us_world_set(w, "dynamicClientRegistrationScope", cases[i].scope);
    const char *uma = ALPHA_UMA ".well-known/uma2-configuration";
    const char *url = ALPHA_ISSUER "/register";
    assert_int_equal(metadata_names_it(w, uma, "dynamic_client_endpoint", url), cases[i].is_on);
    assert_int_equal(metadata_names_it(w, uma, "registration_endpoint", url), cases[i].is_on);
    assert_int_equal(metadata_names_it(w, ALPHA_OAUTH ".well-known/openid-configuration", "registration_endpoint", url),
                     cases[i].is_on);
    assert_int_equal(
        metadata_names_it(w, ALPHA_OAUTH ".well-known/oauth-authorization-server", "registration_endpoint", url),
        cases[i].is_on);
    struct us_reply r = post_json(w, NULL, with_more(w, ""));
    assert_int_equal(r.status, strcmp(cases[i].open, "true") == 0 ? 201 : cases[i].is_on ? 401 : 404);
    assert_int_equal(manage(w, "GET", &mine, NULL).status, cases[i].is_on ? 200 : 404);
    assert_int_equal(us_send(w, "PATCH", REGISTER, NULL, NULL).status, cases[i].is_on ? 405 : 404);
  }
}

/* Every realm has its own clients, and its own choice. */
static void realms_do_not_share_clients(void **state) {
  struct us_world *w = *state;
  struct us_reply r = sign_up(w, with_more(w, ""));
  const char *top = us_text(w, "/am/oauth2/register?client_id=%s", us_reply_str(&r, "client_id"));
  expect_error(us_with_pat(w, "GET", top, us_reply_str(&r, "registration_access_token"), NULL), 401, "invalid_token");
  expect_status(us_send(w, "POST", "/am/oauth2/alpha/register", NULL, with_more(w, "")), 201);
  expect_status(us_send(w, "POST", "/am/oauth2/register?realm=/alpha", NULL, with_more(w, "")), 201);
}

/* DR-05: so many in so long, from an address and in the realm. */
static void registrations_of_an_address_are_limited(void **state) {
  struct us_world *w = *state;
  us_world_come_from(w, "192.0.2.1", "192.0.2.1");
  us_world_set(w, "registrationsPerAddress", "3");
  us_world_set(w, "registrationsWindow", "60");
  const char *body = with_more(w, "");
  for (int i = 0; i < 9; i++) /* what is refused at no cost is not counted */
    expect_error(post_json(w, NULL, "{\"redirect_uris\":[\"http://evil.example/\"]}"), 400, "invalid_redirect_uri");
  for (int i = 0; i < 3; i++)
    expect_status(post_json(w, NULL, body), 201);
  struct us_reply r = post_json(w, NULL, body);
  assert_error(r, 429, "slow_down");
  assert_string_equal(us_reply_header(&r, "Retry-After"), "60");
  us_world_come_from(w, "192.0.2.7", "192.0.2.7");
  expect_status(post_json(w, NULL, body), 201);
  us_world_come_from(w, "192.0.2.1", "192.0.2.1");
  us_world_advance_ms(w, 59999);
  expect_status(post_json(w, NULL, body), 429);
  us_world_advance_ms(w, 1);
  expect_status(post_json(w, NULL, body), 201);
}
static void registrations_of_a_realm_are_limited(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "registrationsPerRealm", "2");
  const char *body = with_more(w, "");
  for (int i = 0; i < 3; i++) {
    const char *address = us_text(w, "192.0.2.%d", i);
    us_world_come_from(w, address, address);
    assert_int_equal(post_json(w, NULL, body).status, i < 2 ? 201 : 429);
  }
  expect_status(us_send(w, "POST", "/am/oauth2/register", NULL, body), 201); /* in the top realm */
}
/* Keys and signatures cost something even when they are refused. */
static void what_costs_is_counted_though_it_is_refused(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "registrationsPerAddress", "1");
  expect_error(try_more(w, "\"jwks\":{\"keys\":[{\"kty\":\"EC\",\"d\":\"x\"}]}"), 400, "invalid_client_metadata");
  expect_status(try_more(w, ""), 429);
  us_world_advance_ms(w, 60000);
  expect_error(try_more(w, "\"software_statement\":\"a.b.c\""), 400, "invalid_software_statement");
  expect_status(try_more(w, ""), 429);
}

static void a_realm_has_so_many_registered_clients_and_no_more(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "registeredClientsMax", "2");
  struct us_reply one = try_more(w, ""), two = try_more(w, ""), three = try_more(w, "");
  assert_status(one, 201);
  assert_status(two, 201);
  assert_error(three, 403, "access_denied");
  assert_string_equal(description(three), "There are as many registered clients as this realm may have");
  expect_status(us_send(w, "POST", "/am/oauth2/register", NULL, with_more(w, "")), 201);
  expect_status(manage(w, "DELETE", &one, NULL), 204);
  expect_status(try_more(w, ""), 201);
  expect_status(try_more(w, ""), 403);
}

/* `generateRegistrationAccessTokens` off: nobody manages the client by HTTP, and it counts all the same. */
static void a_realm_may_give_no_registration_access_tokens(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "generateRegistrationAccessTokens", "false");
  us_world_set(w, "registeredClientsMax", "1");
  struct us_reply r = sign_up(w, with_more(w, ""));
  assert_false(has_member(&r, "registration_access_token"));
  assert_false(has_member(&r, "registration_client_uri"));
  expect_status(try_more(w, ""), 403);
  expect_error(us_with_pat(w, "GET", own_url(w, &r), "x", NULL), 401, "invalid_token");
}

/* Where the claims endpoint sends a browser that nobody has logged in with. */
static int claims_status(struct us_world *w, const char *client, const char *ticket, const char *uri) {
  return us_send(w, "GET",
                 us_text(w, ALPHA_UMA "claims_gathering?client_id=%s&ticket=%s&claims_redirect_uri=%s", client,
                         us_enc(w, ticket), us_enc(w, uri)),
                 "Accept: text/html", NULL)
      .status;
}

/* UG-06: and the value then counts at the claims endpoint. */
static void claims_redirect_uris_are_registered(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "interactiveClaimsGatheringEnabled", "true");
  struct us_reply r =
      try_more(w, "\"claims_redirect_uris\":[\"https://app.example/claims\",\"https://app.example/c2\"]");
  assert_status(r, 201);
  assert_string_equal(list_text(w, &r, "claims_redirect_uris"),
                      "[\"https://app.example/claims\",\"https://app.example/c2\"]");
  const char *pat = us_pat(w, "alice", RS1), *id = us_reply_str(&r, "client_id");
  const char *album = us_register(w, pat, "{\"name\":\"album\",\"resource_scopes\":[\"view\"]}");
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album));
  assert_int_equal(claims_status(w, id, ticket, REDIRECT), 400); /* that one is for codes */
  assert_int_equal(claims_status(w, id, ticket, "https://app.example/claims/"), 400);
  assert_int_equal(claims_status(w, id, ticket, "https://app.example/c2"), 302);
}

/* SB-15, SB-21 */
static void the_store_has_no_secret_of_it(void **state) {
  struct us_world *w = *state;
  struct us_reply r = sign_up(w, with_more(w, ""));
  static const char *const secrets[] = {"client_secret", "registration_access_token"};
  const char *const files[] = {us_world_file(w), us_text(w, "%s-wal", us_world_file(w))};
  for (size_t f = 0; f < 2; f++) {
    FILE *file = fopen(files[f], "rb");
    if (file == NULL)
      continue;
    static char bytes[8 * 1024 * 1024];
    size_t n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    for (size_t i = 0; i < 2; i++)
      assert_null(memmem(bytes, n, us_reply_str(&r, secrets[i]), strlen(us_reply_str(&r, secrets[i]))));
  }
}

static void the_body_is_an_object_of_json(void **state) {
  struct us_world *w = *state;
  static const char *const bad[] = {"",
                                    "[]",
                                    "null",
                                    "\"x\"",
                                    "{",
                                    "{}x",
                                    ("{\"redirect_uris\":[\"" REDIRECT "\"],}"),
                                    ("redirect_uris=" REDIRECT),
                                    "{\"client_name\":\"a\",\"client_name\":\"b\"}"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct us_reply r = post_json(w, NULL, bad[i]);
    assert_int_equal(r.status, 400);
    assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  }
  expect_error(us_send(w, "POST", REGISTER, "Content-Type: multipart/form-data", "{}"), 415, "invalid_request");
  struct us_reply r = us_send(w, "PATCH", REGISTER, NULL, NULL);
  assert_status(r, 405);
  assert_string_equal(us_reply_header(&r, "Allow"), "GET, HEAD, POST, PUT, DELETE");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_registration_answers_with_all_that_is_stored),
      STORY(the_server_chooses_id_and_secret),
      STORY(a_registered_client_is_a_client),
      STORY(a_public_client_has_no_secret),
      STORY(the_password_grant_is_not_to_be_had),
      STORY(reserved_scopes_are_not_granted),
      STORY(a_closed_realm_asks_for_an_initial_access_token),
      STORY(an_initial_access_token_ends_with_the_right_of_its_client),
      STORY(the_endpoint_is_there_when_somebody_may_register),
      STORY(realms_do_not_share_clients),
      STORY(registrations_of_an_address_are_limited),
      STORY(registrations_of_a_realm_are_limited),
      STORY(what_costs_is_counted_though_it_is_refused),
      STORY(a_realm_has_so_many_registered_clients_and_no_more),
      STORY(a_realm_may_give_no_registration_access_tokens),
      STORY(claims_redirect_uris_are_registered),
      STORY(the_store_has_no_secret_of_it),
      STORY(the_body_is_an_object_of_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
