/* Logging in (REST contract b.1 to b.3). */
#include "flow/crest.h"

#define FIND_COOKIE(reply) us_reply_header((reply), "Set-Cookie")

static void right_password_gives_a_token_and_a_cookie(void **state) {
  struct us_world *w = *state;
  struct us_reply r = log_in(w, "alice", "Ch4ng31t");
  assert_status(r, 200);
  const char *token = us_reply_str(&r, "tokenId");
  assert_true(strlen(token) >= 38);
  assert_string_equal(us_reply_str(&r, "successUrl"), "/am/console");
  assert_string_equal(us_reply_str(&r, "realm"), "/alpha");
  assert_string_equal(FIND_COOKIE(&r), us_text(w, "iPlanetDirectoryPro=%s; Path=/; HttpOnly; SameSite=Lax", token));
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  assert_reply(us_send(w, "POST", SESSIONS "getSessionInfo", us_text(w, "iPlanetDirectoryPro: %s", token), "{}"), 200);
}

/* SB-20 */
static void cookie_is_secure_where_the_server_is(void **state) {
  struct us_world *w = *state;
  us_world_services(w)->secure_cookies = true;
  struct us_reply r = log_in(w, "alice", "Ch4ng31t");
  assert_non_null(strstr(FIND_COOKIE(&r), "; Secure"));
}

static void names_compare_without_case(void **state) {
  struct us_world *w = *state;
  struct us_reply r = log_in(w, "ALICE", "Ch4ng31t");
  assert_status(r, 200);
  r = us_send(w, "POST", SESSIONS "validate", us_text(w, "iPlanetDirectoryPro: %s", us_reply_str(&r, "tokenId")), NULL);
  assert_string_equal(us_reply_str(&r, "uid"), "alice");
}

static void encoded_words_are_decoded(void **state) {
  struct us_world *w = *state;
  assert_reply(log_in(w, "=?UTF-8?B?YWxpY2U=?=", "=?utf-8?b?Q2g0bmczMXQ=?="), 200);
  assert_reply(log_in(w, "=?UTF-8?B?YWxp?= =?UTF-8?B?Y2U=?=", "Ch4ng31t"), 200); /* blanks between words are none */
  assert_rest(log_in(w, "alice", "=?UTF-8?B?AAAA?="), 401, "Login failure");     /* NUL */
  assert_rest(log_in(w, "alice", "=?UTF-8?B?//79?="), 401, "Login failure");     /* no UTF-8 */
  assert_rest(log_in(w, "alice", "=?UTF-8?Q?Ch4ng31t?="), 401, "Login failure"); /* taken as it stands */
  assert_rest(log_in(w, "alice", "=?UTF-8?B?Q2g0bmczMXQ"), 401, "Login failure");
}

static void every_way_to_be_wrong_has_one_answer(void **state) {
  struct us_world *w = *state;
  assert_rest(log_in(w, "alice", "wrong"), 401, "Login failure");
  assert_rest(log_in(w, "nobody", "Ch4ng31t"), 401, "Login failure");
  assert_rest(log_in(w, "amAdmin", "Ch4ng31t"), 401, "Login failure"); /* of another realm */
  assert_rest(login_with(w, "", "X-OpenAM-Username: alice", "{}"), 401, "Login failure");
  assert_rest(login_with(w, "", "X-OpenAM-Password: Ch4ng31t", "{}"), 401, "Login failure");
  struct us_reply r = log_in(w, "alice", "wrong");
  assert_null(FIND_COOKIE(&r));
}

/* SB-20 */
static void too_many_wrong_passwords_must_wait(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 10; i++)
    assert_rest(log_in(w, "alice", "wrong"), 401, "Login failure");
  struct us_reply r = log_in(w, "alice", "Ch4ng31t");
  assert_status(r, 429);
  assert_int_equal(us_reply_int(&r, "code"), 429);
  assert_true(atoi(us_reply_header(&r, "Retry-After")) > 0);
  assert_reply(log_in(w, "bob", "Ch4ng31t"), 200);
  us_world_advance_ms(w, 5 * 60 * 1000 + 1000);
  assert_reply(log_in(w, "alice", "Ch4ng31t"), 200);
}

static void only_posts_of_json_are_heard(void **state) {
  struct us_world *w = *state;
  assert_reply(us_send(w, "GET", AUTHENTICATE, NULL, NULL), 405);
  assert_reply(us_send(w, "PUT", AUTHENTICATE, "Content-Type: application/json", "{}"), 405);
  assert_reply(us_send(w, "POST", AUTHENTICATE, "Content-Type: text/plain", "{}"), 415);
  assert_reply(us_send(w, "POST", AUTHENTICATE, NULL, NULL), 415);
  assert_rest(login_with(w, "", "Accept-API-Version: resource=2.1", "{"), 400,
              "The request could not be processed because the provided content is not valid JSON");
  assert_rest(login_with(w, "", "Accept-API-Version: resource=2.1", "[]"), 400,
              "The request could not be processed because the provided content is not a JSON object");
}

/* SB-20: a new session id at every login, and the one a browser was tricked into is replaced */
static void login_replaces_the_session_of_the_cookie(void **state) {
  struct us_world *w = *state;
  const char *old = us_sso(w, "bob");
  struct us_reply r = login_with(w, "",
                                 us_text(w,
                                         "Cookie: iPlanetDirectoryPro=%s\nX-Requested-With: x\n"
                                         "X-OpenAM-Username: alice\nX-OpenAM-Password: Ch4ng31t",
                                         old),
                                 "{}");
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "tokenId"), ""); /* whoever has a session finds the token in the cookie only */
  assert_non_null(strstr(FIND_COOKIE(&r), "iPlanetDirectoryPro="));
  assert_null(strstr(FIND_COOKIE(&r), old));
  assert_body(us_send(w, "POST", SESSIONS "validate", us_text(w, "iPlanetDirectoryPro: %s", old), NULL), 200,
              "{\"valid\":false}");
}

/* SB-20 */
static void a_planted_cookie_that_is_no_session_is_replaced(void **state) {
  struct us_world *w = *state;
  struct us_reply r = login_with(w, "",
                                 "Cookie: iPlanetDirectoryPro=planted\nX-Requested-With: x\n"
                                 "X-OpenAM-Username: alice\nX-OpenAM-Password: Ch4ng31t",
                                 "{}");
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "tokenId"), "planted");
  assert_string_not_equal(us_reply_str(&r, "tokenId"), "");
}

static void two_logins_have_two_sessions(void **state) {
  struct us_world *w = *state;
  const char *first = us_sso(w, "alice"), *second = us_sso(w, "alice");
  assert_string_not_equal(first, second);
  struct us_reply r = us_send(w, "POST", SESSIONS "validate", us_text(w, "iPlanetDirectoryPro: %s", first), NULL);
  assert_true(json_is_true(json_object_get(r.json, "valid")));
}

static void who_has_a_session_is_not_asked_again_unless_forced(void **state) {
  struct us_world *w = *state;
  const char *header = us_text(w, "iPlanetDirectoryPro: %s", us_sso(w, "alice"));
  struct us_reply r = login_with(w, "", header, "{}");
  assert_body(r, 200, "{\"tokenId\":\"\",\"successUrl\":\"/am/console\",\"realm\":\"/alpha\"}");
  assert_null(FIND_COOKIE(&r));
  r = login_with(w, "?ForceAuth=true", header, "{}");
  assert_string_not_equal(us_reply_str(&r, "authId"), "");
  r = us_send(w, "POST", "/am/json/realms/root/authenticate", us_text(w, "Content-Type: application/json\n%s", header),
              "{}");
  assert_string_not_equal(us_reply_str(&r, "authId"), ""); /* the session is one of another realm */
}

static void no_session_means_no_session(void **state) {
  struct us_world *w = *state;
  struct us_reply r = login_with(w, "?noSession=true", "X-OpenAM-Username: alice\nX-OpenAM-Password: Ch4ng31t", "");
  assert_body(r, 200, "{\"message\":\"Authentication Successful\",\"successUrl\":\"/am/console\"}");
  assert_null(FIND_COOKIE(&r));
  assert_rest(login_with(w, "?noSession=true", "X-OpenAM-Username: alice\nX-OpenAM-Password: no", ""), 401,
              "Login failure");
}

static const char *success_url(struct us_world *w, const char *wanted) {
  struct us_reply r = login_with(w, us_text(w, "?noSession=true&goto=%s", us_enc(w, wanted)),
                                 "X-OpenAM-Username: alice\nX-OpenAM-Password: Ch4ng31t", "");
  assert_status(r, 200);
  return us_reply_str(&r, "successUrl");
}

/* SB-03 */
static void goto_stays_on_the_server(void **state) {
  static const char *const ours[] = {"/am/XUI/?realm=/alpha#uma/share/1", "/am", "/am?x=//y", WORLD_BASE "/oauth2/x"};
  static const char *const evil[] = {"https://evil.example/",
                                     "//evil.example/am",
                                     "/\\evil.example",
                                     "/am/..//evil.example",
                                     "/am/../evil",
                                     "/am//evil.example",
                                     "/am/%2e%2e/evil",
                                     "/am/%252e%252e/evil",
                                     "/am/%2F%2Fevil",
                                     "/am/\\evil",
                                     "/am/a\nb",
                                     "/am/ b",
                                     "/amx/",
                                     "javascript:alert(1)",
                                     WORLD_BASE ".evil.example/",
                                     WORLD_BASE "@evil.example/",
                                     "am/x",
                                     ""};
  struct us_world *w = *state;
  for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
    assert_string_equal(success_url(w, ours[i]), ours[i]);
  for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++)
    assert_string_equal(success_url(w, evil[i]), "/am/console");
}

static void goto_has_a_longest_length(void **state) {
  struct us_world *w = *state;
  const char *longest = us_text(w, "/am/%0*d", 2048 - 4, 0);
  assert_string_equal(success_url(w, longest), longest);
  assert_string_equal(success_url(w, us_text(w, "%s0", longest)), "/am/console");
}

static void login_flows_are_named_whole_or_not_at_all(void **state) {
  struct us_world *w = *state;
  const char *who = "X-OpenAM-Username: alice\nX-OpenAM-Password: Ch4ng31t";
  assert_reply(login_with(w, "?authIndexType=service&authIndexValue=ldapService", who, ""), 200);
  assert_reply(login_with(w, "?authIndexType=service", who, ""), 400);
  assert_reply(login_with(w, "?authIndexValue=ldapService", who, ""), 400);
  assert_reply(login_with(w, "?authIndexType=service&authIndexValue=unknown", who, ""), 400);
  assert_reply(login_with(w, "?authIndexType=module&authIndexValue=ldapService", who, ""), 400);
}

/* Fills in the callbacks of a first answer. */
static const char *filled(struct us_world *w, const struct us_reply *asked, const char *user, const char *password) {
  json_t *callbacks = json_object_get(asked->json, "callbacks");
  const char *const values[] = {user, password};
  for (size_t i = 0; i < 2; i++) {
    json_t *input = json_array_get(json_object_get(json_array_get(callbacks, i), "input"), 0);
    assert_int_equal(json_object_set_new(input, "value", json_string(values[i])), 0);
  }
  char *text = json_dumps(asked->json, JSON_COMPACT);
  const char *copy = us_text(w, "%s", text);
  free(text);
  return copy;
}

static struct us_reply ask(struct us_world *w) {
  struct us_reply r = login_with(w, "", "Accept-API-Version: resource=2.0, protocol=1.0", NULL);
  assert_status(r, 200);
  return r;
}

static void callbacks_ask_for_name_and_password(void **state) {
  struct us_reply r = ask(*state);
  json_t *callbacks = json_object_get(r.json, "callbacks");
  json_t *expected =
      json_loads("[{\"type\":\"NameCallback\",\"output\":[{\"name\":\"prompt\",\"value\":\"User Name\"}],"
                 "\"input\":[{\"name\":\"IDToken1\",\"value\":\"\"}],\"_id\":0},"
                 "{\"type\":\"PasswordCallback\",\"output\":[{\"name\":\"prompt\",\"value\":\"Password\"}],"
                 "\"input\":[{\"name\":\"IDToken2\",\"value\":\"\"}],\"_id\":1}]",
                 0, NULL);
  assert_true(json_equal(callbacks, expected));
  json_decref(expected);
  assert_true(strlen(us_reply_str(&r, "authId")) >= 38);
  assert_string_equal(us_reply_str(&r, "stage"), "DataStore1");
  assert_string_equal(us_reply_str(&r, "template"), "");
}

static void filled_callbacks_log_in(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  struct us_reply r = login_with(w, "", "X: y", filled(w, &asked, "alice", "Ch4ng31t"));
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "tokenId"), "");
  assert_non_null(FIND_COOKIE(&r));
}

static void a_login_state_serves_once(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  const char *body = filled(w, &asked, "alice", "Ch4ng31t");
  assert_reply(login_with(w, "", "X: y", body), 200);
  assert_rest(login_with(w, "", "X: y", body), 401, "Session has timed out");
}

static void a_wrong_password_uses_up_the_login_state(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  assert_rest(login_with(w, "", "X: y", filled(w, &asked, "alice", "wrong")), 401, "Login failure");
  assert_rest(login_with(w, "", "X: y", filled(w, &asked, "alice", "Ch4ng31t")), 401, "Session has timed out");
}

static void a_login_state_lasts_five_minutes(void **state) {
  struct us_world *w = *state;
  struct us_reply first = ask(w), second = ask(w);
  us_world_advance_ms(w, 5 * 60 * 1000 - 1);
  assert_reply(login_with(w, "", "X: y", filled(w, &first, "alice", "Ch4ng31t")), 200);
  us_world_advance_ms(w, 1);
  assert_rest(login_with(w, "", "X: y", filled(w, &second, "alice", "Ch4ng31t")), 401, "Session has timed out");
}

static void a_login_state_is_of_its_realm_and_cannot_be_made_up(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  const char *body = filled(w, &asked, "amAdmin", "Ch4ng31t");
  assert_rest(us_send(w, "POST", "/am/json/realms/root/authenticate", "Content-Type: application/json", body), 401,
              "Session has timed out");
  assert_int_equal(json_object_set_new(asked.json, "authId", json_string("made-up")), 0);
  assert_rest(login_with(w, "", "X: y", filled(w, &asked, "alice", "Ch4ng31t")), 401, "Session has timed out");
  struct us_reply r = ask(w);
  char *flipped = (char *)us_text(w, "%s", us_reply_str(&r, "authId"));
  flipped[20] = flipped[20] == 'A' ? 'B' : 'A';
  assert_int_equal(json_object_set_new(r.json, "authId", json_string(flipped)), 0);
  assert_rest(login_with(w, "", "X: y", filled(w, &r, "alice", "Ch4ng31t")), 401, "Session has timed out");
  assert_reply(login_with(w, "", "X: y", "{\"authId\":7}"), 400);
}

static void callbacks_without_values_fail(void **state) {
  struct us_world *w = *state;
  struct us_reply r = ask(w);
  const char *body = us_text(w, "{\"authId\":\"%s\"}", us_reply_str(&r, "authId"));
  assert_rest(login_with(w, "", "X: y", body), 401, "Login failure");
}

static enum us_code count_states(struct us_cx *cx, void *self) {
  static const char SQL[] = "SELECT COUNT(*) FROM login_state";
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  return us_sql_one(cx, columns, 1, self, SQL, "");
}

static void old_login_states_are_cleared_away(void **state) {
  struct us_world *w = *state;
  int64_t count = 0;
  for (int i = 0; i < 5; i++)
    ask(w);
  us_world_advance_ms(w, 5 * 60 * 1000 + 1);
  ask(w);
  assert_int_equal(us_world_transact(w, count_states, &count), US_OK);
  assert_int_equal(count, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(right_password_gives_a_token_and_a_cookie),
      STORY(cookie_is_secure_where_the_server_is),
      STORY(names_compare_without_case),
      STORY(encoded_words_are_decoded),
      STORY(every_way_to_be_wrong_has_one_answer),
      STORY(too_many_wrong_passwords_must_wait),
      STORY(only_posts_of_json_are_heard),
      STORY(login_replaces_the_session_of_the_cookie),
      STORY(a_planted_cookie_that_is_no_session_is_replaced),
      STORY(two_logins_have_two_sessions),
      STORY(who_has_a_session_is_not_asked_again_unless_forced),
      STORY(no_session_means_no_session),
      STORY(goto_stays_on_the_server),
      STORY(goto_has_a_longest_length),
      STORY(login_flows_are_named_whole_or_not_at_all),
      STORY(callbacks_ask_for_name_and_password),
      STORY(filled_callbacks_log_in),
      STORY(a_login_state_serves_once),
      STORY(a_wrong_password_uses_up_the_login_state),
      STORY(a_login_state_lasts_five_minutes),
      STORY(a_login_state_is_of_its_realm_and_cannot_be_made_up),
      STORY(callbacks_without_values_fail),
      STORY(old_login_states_are_cleared_away),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
