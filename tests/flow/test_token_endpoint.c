/* The token endpoint (protocol contract 3.1): what each grant gives, and what it refuses. */
#include "flow/oauth.h"

#include "crypto/digest.h"
#include "domain/scope.h"

static const char *const token_members[] = {"access_token", "refresh_token", "scope",
                                            "token_type",   "expires_in",    "id_token"};

/* Only members that the contract names. */
static void assert_members(struct us_reply r, const char *absent) {
  const char *name;
  json_t *value;
  json_object_foreach(r.json, name, value) {
    bool is_known = false;
    for (size_t i = 0; i < sizeof(token_members) / sizeof(token_members[0]); i++)
      is_known |= strcmp(name, token_members[i]) == 0;
    assert_true(is_known);
  }
  assert_null(json_object_get(r.json, absent));
}

/* OA-20 */
static void password_grant_gives_a_pat(void **state) {
  struct us_world *w = *state;
  struct us_reply r = password(w, "alice", RS1, "uma_protection");
  assert_status(r, 200);
  assert_members(r, "id_token");
  assert_string_equal(us_reply_str(&r, "token_type"), "Bearer");
  assert_string_equal(us_reply_str(&r, "scope"), "uma_protection");
  assert_int_equal(us_reply_int(&r, "expires_in"), 3600);
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  assert_string_equal(us_reply_header(&r, "Pragma"), "no-cache");
  assert_string_equal(us_reply_header(&r, "Content-Type"), "application/json;charset=UTF-8");
  struct us_reply seen = us_introspect(w, us_reply_str(&r, "access_token"), us_reply_str(&r, "access_token"));
  assert_int_equal(us_reply_int(&seen, "exp") - us_world_now_ms(w) / 1000, 3600);
}

static void user_names_have_no_case(void **state) {
  struct us_world *w = *state;
  struct us_reply r = password(w, "ALICE", RS1, "uma_protection");
  const char *pat = take(r, "access_token");
  struct us_reply seen = us_introspect(w, pat, pat);
  assert_string_equal(us_reply_str(&seen, "sub"), "alice");
}

static void missing_parameters_are_named(void **state) {
  struct us_world *w = *state;
  struct us_reply r = token(w, RS1, "scope=openid");
  assert_error(r, 400, "invalid_request");
  assert_string_equal(description(r), "Missing parameters: grant_type");
  r = token(w, RS1, "grant_type=password&scope=openid");
  assert_error(r, 400, "invalid_request");
  assert_string_equal(description(r), "Missing parameters: username password");
  r = token(w, RS1, "grant_type=password&scope=openid&username=alice");
  assert_string_equal(description(r), "Missing parameters: password");
  r = token(w, RS1, "grant_type=refresh_token");
  assert_error(r, 400, "invalid_request");
  assert_string_equal(description(r), "Missing parameters: refresh_token");
}

/* OA-05 */
static void an_empty_parameter_was_not_sent(void **state) {
  struct us_world *w = *state;
  struct us_reply r = token(w, RS1, "grant_type=&scope=openid");
  assert_string_equal(description(r), "Missing parameters: grant_type");
  r = password(w, "alice", RS1, "");
  assert_error(r, 400, "invalid_scope");
  assert_string_equal(description(r), "No scope requested and no default scope configured");
  r = token(w, RS1, "grant_type=password&username=&password=Ch4ng31t&scope=openid");
  assert_string_equal(description(r), "Missing parameters: username");
}

/* OA-03 */
static void only_forms_are_read(void **state) {
  struct us_world *w = *state;
  const char *body =
      "grant_type=password&username=alice&password=Ch4ng31t&scope=openid&client_id=" RS1 "&client_secret=mySecret";
  struct us_reply r = us_send(w, "POST", TOKEN, "Content-Type: application/json", "{\"grant_type\":\"password\"}");
  assert_error(r, 400, "invalid_request");
  assert_string_equal(description(r), "Invalid Content Type");
  r = us_send(w, "POST", TOKEN, NULL, body);
  assert_error(r, 400, "invalid_request");
  assert_string_equal(description(r), "Invalid Content Type");
  expect_status(us_send(w, "POST", TOKEN, FORM_TYPE ";charset=UTF-8", body), 200);
}

/* OA-04: each parameter twice, with the same and another value, and once in the query besides. */
static void no_parameter_may_come_twice(void **state) {
  struct us_world *w = *state;
  static const char *const names[] = {"grant_type", "scope", "username", "password", "client_id", "client_secret", "x"};
  const char *good =
      "grant_type=password&username=alice&password=Ch4ng31t&scope=openid&client_id=" RS1 "&client_secret=mySecret";
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    expect_error(send_form(w, TOKEN, NULL, us_text(w, "%s&%s=1&%s=1", good, names[i], names[i])), 400,
                 "invalid_request");
    if (strcmp(names[i], "x") != 0)
      expect_error(send_form(w, us_text(w, TOKEN "?%s=1", names[i]), NULL, good), 400, "invalid_request");
  }
  expect_status(send_form(w, TOKEN, NULL, us_text(w, "%s&x=1", good)), 200);
}

/* OA-23, OA-24 */
static void unknown_and_forbidden_grants_have_their_own_errors(void **state) {
  struct us_world *w = *state;
  struct us_reply r = token(w, C1, "grant_type=foo");
  assert_error(r, 400, "unsupported_grant_type");
  assert_string_equal(description(r), "Grant type is not supported: foo");
  expect_error(token(w, C1, "grant_type=Authorization_code&code=x"), 400, "unsupported_grant_type");
  r = token(w, C1, "grant_type=%22%0D%0A%5C%C3%A9x");
  assert_error(r, 400, "unsupported_grant_type");
  for (const char *c = description(r); *c; c++)
    assert_true(*c >= 0x20 && *c <= 0x7e && *c != '"' && *c != '\\');
  expect_error(token(w, C1, "grant_type=client_credentials&scope=openid"), 400, "unauthorized_client");
}

/* SB-06 */
static void a_fresh_client_has_no_password_grant(void **state) {
  struct us_world *w = *state;
  create_client(w, (struct new_client){.id = "fresh", .secret = "mySecret", .scopes = "openid"});
  expect_error(password(w, "alice", "fresh", "openid"), 400, "unauthorized_client");
}

/* SB-21: the same words for everything that is wrong with a password. */
static void wrong_credentials_look_alike(void **state) {
  struct us_world *w = *state;
  struct us_reply wrong = token(w, RS1, "grant_type=password&username=alice&password=nope&scope=openid");
  struct us_reply nobody = token(w, RS1, "grant_type=password&username=nobody&password=nope&scope=openid");
  assert_error(wrong, 400, "invalid_grant");
  assert_string_equal(description(wrong), INVALID_GRANT_TEXT);
  assert_string_equal(nobody.body, wrong.body);
  switch_off_account(w, "carol");
  struct us_reply off = password(w, "carol", RS1, "openid");
  assert_int_equal(off.status, 400);
  assert_string_equal(off.body, wrong.body);
}

/* OA-18, OA-19 */
static void scopes_are_all_granted_or_refused(void **state) {
  struct us_world *w = *state;
  struct us_reply r = password(w, "alice", RS1, "uma_protection+x");
  assert_error(r, 400, "invalid_scope");
  assert_string_equal(description(r), "Unknown/invalid scope(s): [x]");
  static const char *const bad[] = {"a%22b", "a%5Cb", "a%0Ab", "openid%09profile", "%C3%A9"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    expect_error(password(w, "alice", RS1, bad[i]), 400, "invalid_scope");
  r = password(w, "alice", C1, "view+openid++view+openid+");
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "scope"), "view openid");
}

static void scope_parameters_have_limits(void **state) {
  struct us_world *w = *state;
  const char *list = "s0", *longest = "";
  for (int i = 1; i < US_SCOPE_MAX; i++)
    list = us_text(w, "%s+s%d", list, i);
  for (int i = 0; i < US_SCOPE_TOKEN_MAX; i++)
    longest = us_text(w, "%sx", longest);
  struct us_reply r = password(w, "alice", C1, list);
  assert_string_equal(description(r), "Unknown/invalid scope(s): [s0]");
  r = password(w, "alice", C1, us_text(w, "%s+one-more", list));
  assert_error(r, 400, "invalid_scope");
  assert_string_equal(description(r), "A request may name 256 scopes at most");
  r = password(w, "alice", C1, longest);
  assert_non_null(strstr(description(r), "Unknown/invalid"));
  r = password(w, "alice", C1, us_text(w, "%sx", longest));
  assert_error(r, 400, "invalid_scope");
  assert_null(strstr(description(r), "Unknown/invalid"));
}

static void defaults_come_when_nothing_is_asked_for(void **state) {
  struct us_world *w = *state;
  create_client(w, (struct new_client){.id = "own",
                                       .secret = "mySecret",
                                       .grants = "password",
                                       .scopes = "openid view edit",
                                       .default_scopes = "view edit"});
  create_client(w, (struct new_client){.id = "realms", .secret = "mySecret", .grants = "password", .scopes = "edit"});
  us_world_set(w, "defaultScopes", "openid,edit");
  struct us_reply r = token(w, "own", "grant_type=password&username=bob&password=Ch4ng31t");
  assert_string_equal(take(r, "scope"), "view edit");
  r = token(w, "realms", "grant_type=password&username=bob&password=Ch4ng31t");
  assert_string_equal(take(r, "scope"), "edit");
}

static void a_realm_may_restrict_scopes(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "supportedScopes", "openid,uma_protection");
  expect_error(password(w, "bob", C1, "openid+view"), 400, "invalid_scope");
  expect_status(password(w, "bob", C1, "openid"), 200);
}

/* OA-21, SB-16: for the client itself, never a PAT. */
static void client_credentials_never_give_a_pat(void **state) {
  struct us_world *w = *state;
  struct us_reply r = token(w, RS1, "grant_type=client_credentials&scope=uma_protection");
  assert_error(r, 400, "invalid_scope");
  assert_string_equal(description(r), "uma_protection is not available with the client_credentials grant");
  expect_error(token(w, RS1, "grant_type=client_credentials&scope=openid+uma_protection"), 400, "invalid_scope");
  expect_error(token(w, RS1, "grant_type=client_credentials"), 400, "invalid_scope");
  r = token(w, RS1, "grant_type=client_credentials&scope=openid");
  assert_status(r, 200);
  assert_members(r, "refresh_token");
  assert_null(json_object_get(r.json, "id_token"));
  const char *text = us_reply_str(&r, "access_token");
  struct us_reply seen = look(w, RS1, text);
  assert_true(is_active(seen));
  assert_string_equal(us_reply_str(&seen, "sub"), "(age!" RS1 ")");
  assert_null(json_object_get(seen.json, "username"));
  expect_error(us_with_pat(w, "GET", ALPHA_UMA "resource_set", text, NULL), 403, "insufficient_scope");
}

static void defaults_of_client_credentials_leave_uma_protection_out(void **state) {
  struct us_world *w = *state;
  create_client(w, (struct new_client){.id = "both",
                                       .secret = "mySecret",
                                       .grants = "client_credentials",
                                       .scopes = "uma_protection view",
                                       .default_scopes = "uma_protection view"});
  create_client(w, (struct new_client){.id = "only",
                                       .secret = "mySecret",
                                       .grants = "client_credentials",
                                       .scopes = "uma_protection",
                                       .default_scopes = "uma_protection"});
  assert_string_equal(take(token(w, "both", "grant_type=client_credentials"), "scope"), "view");
  expect_error(token(w, "only", "grant_type=client_credentials"), 400, "invalid_scope");
}

/* OA-21 */
static void public_clients_have_no_client_credentials(void **state) {
  struct us_world *w = *state;
  struct us_reply r = send_form(w, TOKEN, NULL, "grant_type=client_credentials&scope=view&client_id=" P1);
  assert_error(r, 400, "unauthorized_client");
  assert_string_equal(description(r), "Public clients can't use client credentials grant.");
}

static void a_second_factor_ends_the_password_grant(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "secondFactorRequired", "true");
  struct us_reply r = password(w, "alice", RS1, "uma_protection");
  assert_error(r, 500, "server_error");
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
}

static void lifetimes_come_from_realm_and_client(void **state) {
  struct us_world *w = *state;
  create_client(
      w,
      (struct new_client){
          .id = "short", .secret = "mySecret", .grants = "password", .scopes = "uma_protection", .access_token_s = 7});
  us_world_set(w, "accessTokenLifetime", "20");
  struct us_reply shorter = password(w, "alice", "short", "uma_protection");
  struct us_reply realms = password(w, "alice", RS1, "uma_protection");
  assert_int_equal(us_reply_int(&shorter, "expires_in"), 7);
  assert_int_equal(us_reply_int(&realms, "expires_in"), 20);
  us_world_advance_ms(w, 6000);
  const char *pat = us_reply_str(&shorter, "access_token");
  expect_status(us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL), 200);
  us_world_advance_ms(w, 1000); /* to the second */
  expect_error(us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL), 401, "invalid_token");
}

static void tokens_are_of_their_realm(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  struct us_reply r = us_with_pat(w, "GET", "/am/uma/realms/root/resource_set", pat, NULL);
  assert_error(r, 401, "invalid_token");
  assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), "Bearer realm=\"/\", error=\"invalid_token\"");
  expect_error(send_form(w, "/am/oauth2/realms/root/access_token", NULL,
                         "grant_type=client_credentials&scope=openid&client_id=" RS1 "&client_secret=mySecret"),
               400, "invalid_client");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(password_grant_gives_a_pat),
      STORY(user_names_have_no_case),
      STORY(missing_parameters_are_named),
      STORY(an_empty_parameter_was_not_sent),
      STORY(only_forms_are_read),
      STORY(no_parameter_may_come_twice),
      STORY(unknown_and_forbidden_grants_have_their_own_errors),
      STORY(a_fresh_client_has_no_password_grant),
      STORY(wrong_credentials_look_alike),
      STORY(scopes_are_all_granted_or_refused),
      STORY(scope_parameters_have_limits),
      STORY(defaults_come_when_nothing_is_asked_for),
      STORY(a_realm_may_restrict_scopes),
      STORY(client_credentials_never_give_a_pat),
      STORY(defaults_of_client_credentials_leave_uma_protection_out),
      STORY(public_clients_have_no_client_credentials),
      STORY(a_second_factor_ends_the_password_grant),
      STORY(lifetimes_come_from_realm_and_client),
      STORY(tokens_are_of_their_realm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
