/* Logging in by headers (REST contract b.1, b.3). */
#include "flow/crest.h"

#include <time.h>

#include "store/sql.h"

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

static void login_flows_are_named_whole_or_not_at_all(void **state) {
  struct us_world *w = *state;
  const char *who = "X-OpenAM-Username: alice\nX-OpenAM-Password: Ch4ng31t";
  assert_reply(login_with(w, "?authIndexType=service&authIndexValue=ldapService", who, ""), 200);
  assert_reply(login_with(w, "?authIndexType=service", who, ""), 400);
  assert_reply(login_with(w, "?authIndexValue=ldapService", who, ""), 400);
  assert_reply(login_with(w, "?authIndexType=service&authIndexValue=unknown", who, ""), 400);
  assert_reply(login_with(w, "?authIndexType=module&authIndexValue=ldapService", who, ""), 400);
}

/* b.1: the name's case is part of it */
static void force_auth_is_spelled_so_and_not_otherwise(void **state) {
  struct us_world *w = *state;
  const char *header = us_text(w, "iPlanetDirectoryPro: %s", us_sso(w, "alice"));
  static const char *const others[] = {"?forceauth=true", "?FORCEAUTH=true",  "?ForceAuth=1",
                                       "?ForceAuth=TRUE", "?ForceAuth=false", "?ForceAuth"};
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    struct us_reply r = login_with(w, others[i], header, "{}");
    assert_status(r, 200);
    assert_null(json_object_get(r.json, "authId"));
  }
}

static void a_session_to_upgrade_is_not_looked_at(void **state) {
  struct us_world *w = *state;
  const char *bob = us_sso(w, "bob");
  struct us_reply r = login_with(w, us_text(w, "?sessionUpgradeSSOTokenId=%s", bob),
                                 "X-OpenAM-Username: alice\nX-OpenAM-Password: Ch4ng31t", "{}");
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "tokenId"), "");
  assert_string_not_equal(us_reply_str(&r, "tokenId"), bob);
  r = us_send(w, "POST", SESSIONS "validate", us_text(w, "iPlanetDirectoryPro: %s", bob), NULL);
  assert_string_equal(us_reply_str(&r, "uid"), "bob");
}

static enum us_code switch_dave_off(struct us_cx *cx, void *self) {
  static const char SQL[] = "UPDATE account SET is_active = 0 WHERE name = 'dave'";
  return us_sql_run(cx, NULL, SQL, "");
}

/* Processor time of this thread in ms, of some logins that fail. */
static double cost_of_failing(struct us_world *w, const char *user, const char *password) {
  struct timespec start, end;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
  for (int i = 0; i < 4; i++)
    assert_rest(log_in(w, user, password), 401, "Login failure");
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
  return (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
}

/* Whoever fails, for whatever reason, has waited for one password to be checked. */
static void all_failures_take_the_same_work(void **state) {
  struct us_world *w = *state;
  assert_int_equal(us_world_transact(w, switch_dave_off, NULL), US_OK);
  double wrong = cost_of_failing(w, "alice", "wrong");
  const double others[] = {cost_of_failing(w, "nobody", "wrong"), cost_of_failing(w, "dave", "Ch4ng31t"),
                           cost_of_failing(w, "dave", "wrong")};
  for (size_t i = 0; i < 3; i++) { /* a factor of three leaves room for a busy machine */
    assert_true(others[i] > wrong / 3);
    assert_true(others[i] < wrong * 3);
  }
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
      STORY(login_flows_are_named_whole_or_not_at_all),
      STORY(force_auth_is_spelled_so_and_not_otherwise),
      STORY(a_session_to_upgrade_is_not_looked_at),
      STORY(all_failures_take_the_same_work),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
