/* What the bearer of a token may know: of the person (contract 8.5, OC-13) and of the token (8.3). */
#include "flow/authorize.h"
#include "flow/people.h"

#define TOKENINFO ALPHA_OAUTH "tokeninfo"

static const char *token_for(struct us_world *w, const char *user, const char *scope) {
  return take(password(w, user, C1, scope), "access_token");
}

static enum us_code name_alice(struct us_cx *cx, struct us_account *account) {
  const struct us_account_new in = {
      .mail = US_STR("alice@usher.test"), .given_name = US_STR("Alice"), .family_name = US_STR("Liddell")};
  return us_account_update(cx, account, &in);
}

static void claims_are_told_by_scope(void **state) {
  struct us_world *w = *state;
  change_person(w, "alice", name_alice);
  struct us_reply r = user_info(w, token_for(w, "alice", "openid"));
  assert_status(r, 200);
  assert_string_equal(r.body, "{\"sub\":\"alice\",\"subname\":\"alice\"}");
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  r = user_info(w, token_for(w, "alice", "openid%20profile"));
  assert_string_equal(r.body, "{\"sub\":\"alice\",\"subname\":\"alice\",\"name\":\"Alice Liddell\","
                              "\"given_name\":\"Alice\",\"family_name\":\"Liddell\"}");
  r = user_info(w, token_for(w, "alice", "openid%20email"));
  assert_string_equal(r.body, "{\"sub\":\"alice\",\"subname\":\"alice\",\"email\":\"alice@usher.test\"}");
}

static enum us_code name_bob(struct us_cx *cx, struct us_account *account) {
  const struct us_account_new in = {.mail = US_STR(""), .given_name = US_STR(""), .family_name = US_STR("Q")};
  return us_account_update(cx, account, &in);
}
static void what_there_is_not_is_left_out(void **state) {
  struct us_world *w = *state;
  change_person(w, "bob", name_bob);
  struct us_reply r = user_info(w, token_for(w, "bob", "openid%20profile%20email"));
  assert_string_equal(r.body, "{\"sub\":\"bob\",\"subname\":\"bob\",\"name\":\"Q\",\"family_name\":\"Q\"}");
}

/* OC-13: GET and POST; sub is that of the ID token. */
static void get_and_post_say_the_same(void **state) {
  struct us_world *w = *state;
  struct us_reply tokens = exchange(w, C1, allowed_code(w, us_sso(w, "alice"), REQUEST_C1), C1_BACK, NULL);
  const char *bearer = us_text(w, "Authorization: bearer %s", take(tokens, "access_token"));
  struct us_reply by_get = us_send(w, "GET", USERINFO, bearer, NULL);
  assert_string_equal(us_reply_str(&by_get, "sub"), "alice");
  struct us_reply r = us_send(w, "POST", USERINFO, bearer, "");
  assert_string_equal(r.body, by_get.body);
  r = us_send(w, "POST", USERINFO, us_text(w, FORM_TYPE "\n%s", bearer), "");
  assert_string_equal(r.body, by_get.body);
  r = send_form(w, USERINFO, NULL, us_text(w, "access_token=%s", take(tokens, "access_token"))); /* RFC 6750 2.2 */
  assert_string_equal(r.body, by_get.body);
  expect_status(us_send(w, "PUT", USERINFO, bearer, ""), 405);
}

/* RFC 6750 3 */
static void bad_tokens_are_refused_as_everywhere(void **state) {
  struct us_world *w = *state;
  struct us_reply r = us_send(w, "GET", USERINFO, NULL, NULL);
  assert_error(r, 401, "invalid_token");
  assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), "Bearer realm=\"/alpha\"");
  r = user_info(w, "nonsense");
  assert_error(r, 401, "invalid_token");
  assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), "Bearer realm=\"/alpha\", error=\"invalid_token\"");
  const char *old = token_for(w, "alice", "openid");
  us_world_advance_ms(w, 3600 * 1000);
  expect_error(user_info(w, old), 401, "invalid_token");
  const char *revoked = token_for(w, "alice", "openid");
  expect_status(as_client(w, REVOKE, C1, us_text(w, "token=%s", revoked)), 200);
  expect_error(user_info(w, revoked), 401, "invalid_token");
  struct us_reply tokens = password(w, "alice", C1, "openid");
  expect_error(user_info(w, take(tokens, "refresh_token")), 401, "invalid_token");
  expect_error(user_info(w, take(tokens, "id_token")), 401, "invalid_token");
  const char *live = take(tokens, "access_token");
  add_realm(w, "/beta");
  expect_error(us_send(w, "GET", "/am/oauth2/realms/root/realms/beta/userinfo",
                       us_text(w, "Authorization: Bearer %s", live), NULL),
               401, "invalid_token");
  expect_status(user_info(w, live), 200);
  delete_account(w, "alice");
  expect_error(user_info(w, live), 401, "invalid_token");
}

/* OC-13: RPT or PAT without openid. And clients by themselves are nobody. */
static void other_tokens_lack_the_scope(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  struct us_reply r = user_info(w, pat);
  assert_error(r, 403, "insufficient_scope");
  assert_string_equal(description(r), "The resource requested requires scope: openid");
  assert_string_equal(us_reply_header(&r, "WWW-Authenticate"),
                      "Bearer realm=\"/alpha\", error=\"insufficient_scope\", scope=\"openid\"");
  const char *album = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\"]");
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album));
  r = us_grant(w, C1, ticket, us_id_token(w, "bob", C1), NULL);
  const char *rpt = take(r, "access_token");
  expect_error(user_info(w, rpt), 403, "insufficient_scope");
  us_world_advance_ms(w, 3600 * 1000);
  expect_error(user_info(w, rpt), 401, "invalid_token");
  r = token(w, RS1, "grant_type=client_credentials&scope=openid");
  expect_error(user_info(w, take(r, "access_token")), 403, "insufficient_scope");
}

/* OA-25, OA-08 */
static void a_token_comes_in_one_way(void **state) {
  struct us_world *w = *state;
  const char *live = token_for(w, "alice", "openid");
  const char *bearer = us_text(w, "Authorization: Bearer %s", live);
  expect_error(send_form(w, USERINFO, bearer, us_text(w, "access_token=%s", live)), 400, "invalid_request");
  expect_error(us_send(w, "GET", us_text(w, USERINFO "?access_token=%s", live), bearer, NULL), 400, "invalid_request");
  expect_error(us_send(w, "GET", us_text(w, USERINFO "?access_token=%s", live), NULL, NULL), 401, "invalid_token");
  us_world_set(w, "introspectQueryParameterAllowed", "true");
  expect_error(us_send(w, "GET", us_text(w, USERINFO "?access_token=%s", live), NULL, NULL), 401, "invalid_token");
  expect_error(
      us_send(w, "POST", us_text(w, USERINFO "?access_token=%s", live), FORM_TYPE, us_text(w, "access_token=%s", live)),
      400, "invalid_request");
}

/* 8.3 */
static struct us_reply token_info(struct us_world *w, const char *text) {
  return us_send(w, "GET", TOKENINFO, us_text(w, "Authorization: Bearer %s", text), NULL);
}
static void a_token_tells_about_itself(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  us_world_advance_ms(w, 100 * 1000);
  struct us_reply r = token_info(w, pat);
  assert_status(r, 200);
  assert_string_equal(r.body, us_text(w,
                                      "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":3500,"
                                      "\"scope\":[\"uma_protection\"],\"client_id\":\"" RS1
                                      "\",\"grant_type\":\"password\",\"realm\":\"/alpha\",\"uma_protection\":\"\"}",
                                      pat));
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  struct us_reply tokens = exchange(w, C1, allowed_code(w, us_sso(w, "alice"), REQUEST_C1), C1_BACK, NULL);
  r = token_info(w, take(tokens, "access_token"));
  assert_string_equal(us_reply_str(&r, "grant_type"), "authorization_code");
  assert_non_null(json_object_get(r.json, "openid"));
}

static void tokeninfo_refuses_what_is_no_access_token(void **state) {
  struct us_world *w = *state;
  struct us_reply tokens = password(w, "alice", C1, "openid");
  expect_error(us_send(w, "GET", TOKENINFO, NULL, NULL), 401, "invalid_token");
  expect_error(token_info(w, "nonsense"), 401, "invalid_token");
  expect_error(token_info(w, take(tokens, "refresh_token")), 401, "invalid_token");
  const char *pat = us_pat(w, "alice", RS1);
  const char *album = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\"]");
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album));
  struct us_reply rpt = us_grant(w, C1, ticket, us_id_token(w, "bob", C1), NULL);
  expect_error(token_info(w, take(rpt, "access_token")), 401, "invalid_token");
}

static void tokens_in_the_query_need_the_realms_leave(void **state) {
  struct us_world *w = *state;
  const char *live = token_for(w, "alice", "openid");
  const char *by_query = us_text(w, TOKENINFO "?access_token=%s", live);
  expect_error(us_send(w, "GET", by_query, NULL, NULL), 401, "invalid_token");
  struct us_reply r = us_send(w, "GET", by_query, us_text(w, "Authorization: Bearer %s", live), NULL);
  assert_error(r, 400, "invalid_request");
  assert_string_equal(description(r), "Access Token cannot be provided in both query and header");
  us_world_set(w, "introspectQueryParameterAllowed", "true");
  r = us_send(w, "GET", by_query, NULL, NULL);
  assert_string_equal(take(r, "access_token"), live);
  expect_error(us_send(w, "GET", TOKENINFO "?access_token=x", NULL, NULL), 401, "invalid_token");
}

/* A scope may be called what it likes; the object stays one. */
static void scopes_named_like_members_do_no_harm(void **state) {
  struct us_world *w = *state;
  create_client(w, (struct new_client){.id = "odd",
                                       .secret = "mySecret",
                                       .method = "client_secret_post",
                                       .grants = "client_credentials",
                                       .scopes = "client_id realm scope x",
                                       .alg = "RS256"});
  struct us_reply r = token(w, "odd", "grant_type=client_credentials&scope=client_id%20realm%20scope%20x");
  r = token_info(w, take(r, "access_token"));
  assert_status(r, 200);
  assert_non_null(r.json); /* repeated members are refused by who reads it */
  assert_string_equal(us_reply_str(&r, "client_id"), "odd");
  assert_string_equal(us_reply_str(&r, "realm"), "/alpha");
  assert_int_equal(json_array_size(json_object_get(r.json, "scope")), 4);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(claims_are_told_by_scope),
      STORY(what_there_is_not_is_left_out),
      STORY(get_and_post_say_the_same),
      STORY(bad_tokens_are_refused_as_everywhere),
      STORY(other_tokens_lack_the_scope),
      STORY(a_token_comes_in_one_way),
      STORY(a_token_tells_about_itself),
      STORY(tokeninfo_refuses_what_is_no_access_token),
      STORY(tokens_in_the_query_need_the_realms_leave),
      STORY(scopes_named_like_members_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
