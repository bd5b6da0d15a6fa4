/* Sessions and who am I (REST contract b.3, b.4, b.7). */
#include "flow/crest.h"

#include "domain/session.h"

#define MINUTE 60000

static struct us_reply act(struct us_world *w, const char *action, const char *token, const char *body) {
  return us_send(w, "POST", us_text(w, SESSIONS "%s", action),
                 token ? us_text(w, "iPlanetDirectoryPro: %s\nAccept-API-Version: resource=4.0", token)
                       : "Accept-API-Version: resource=4.0",
                 body);
}
static const char *naming(struct us_world *w, const char *token) {
  return us_text(w, "{\"tokenId\":\"%s\"}", token);
}
/* Looks without using it. */
static bool is_valid(struct us_world *w, const char *token) {
  struct us_reply r = act(w, "validate&refresh=false", NULL, naming(w, token));
  assert_status(r, 200);
  return json_is_true(json_object_get(r.json, "valid"));
}

static void information_says_who_and_until_when(void **state) {
  struct us_world *w = *state;
  struct us_reply r = act(w, "getSessionInfo", us_sso(w, "alice"), "{}");
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "username"), "alice");
  assert_string_equal(us_reply_str(&r, "universalId"), "id=alice,ou=user,o=alpha,ou=services,dc=usher");
  assert_string_equal(us_reply_str(&r, "realm"), "/alpha");
  assert_string_equal(us_reply_str(&r, "latestAccessTime"), "2031-05-03T18:40:00Z");
  assert_string_equal(us_reply_str(&r, "maxIdleExpirationTime"), "2031-05-03T19:10:00Z");
  assert_string_equal(us_reply_str(&r, "maxSessionExpirationTime"), "2031-05-03T20:40:00Z");
  assert_true(json_is_string(json_object_get(json_object_get(r.json, "properties"), "AMCtxId")));
}

static void information_needs_a_session_of_ones_own(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  assert_rest(act(w, "getSessionInfo", NULL, "{}"), 401, "Access Denied");
  assert_rest(act(w, "getSessionInfo", "made-up", "{}"), 401, "Access Denied");
  assert_rest(act(w, "getSessionInfo", NULL, naming(w, alice)), 401, "Access Denied");
}

static void others_sessions_are_for_administrators(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice"), *bob = us_sso(w, "bob"), *admin = us_sso(w, "amAdmin");
  struct us_reply r = act(w, "getSessionInfo", admin, naming(w, alice));
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "username"), "alice");
  assert_reply(act(w, "getSessionInfo", alice, naming(w, alice)), 200);
  assert_rest(act(w, "getSessionInfo", bob, naming(w, alice)), 403, "Forbidden");
  assert_rest(act(w, "logout", bob, naming(w, alice)), 403, "Forbidden");
  assert_true(is_valid(w, alice));
  assert_rest(act(w, "getSessionInfo", admin, naming(w, "made-up")), 401, "Access Denied");
  assert_body(act(w, "logout", admin, naming(w, alice)), 200, "{\"result\":\"Successfully logged out\"}");
  assert_false(is_valid(w, alice));
  assert_true(is_valid(w, admin));
}

static void validate_needs_no_session_of_ones_own(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  struct us_reply r = act(w, "validate", NULL, naming(w, alice));
  assert_status(r, 200);
  assert_true(json_is_true(json_object_get(r.json, "valid")));
  assert_string_equal(us_reply_str(&r, "uid"), "alice");
  assert_string_equal(us_reply_str(&r, "realm"), "/alpha");
  assert_string_not_equal(us_reply_str(&r, "sessionUid"), "");
  assert_body(act(w, "validate", NULL, naming(w, "made-up")), 200, "{\"valid\":false}");
  assert_body(act(w, "validate", NULL, NULL), 200, "{\"valid\":false}");
  assert_body(act(w, "validate", alice, naming(w, "made-up")), 200, "{\"valid\":false}");
}

static void logout_ends_the_session_and_clears_the_cookie(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice");
  struct us_reply r =
      us_send(w, "POST", SESSIONS "logout",
              us_text(w, "Cookie: iPlanetDirectoryPro=%s\nAccept-API-Version: resource=4.0", token), NULL);
  assert_body(r, 200, "{\"result\":\"Successfully logged out\"}");
  assert_string_equal(us_reply_header(&r, "Set-Cookie"),
                      "iPlanetDirectoryPro=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
  assert_false(is_valid(w, token));
  assert_rest(act(w, "getSessionInfo", token, "{}"), 401, "Access Denied");
  assert_body(act(w, "logout", token, NULL), 200, "{\"result\":\"Token has expired\"}");
  assert_rest(act(w, "logout", NULL, NULL), 401, "Access Denied");
}

static void logout_of_another_needs_a_session(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  assert_rest(act(w, "logout", NULL, naming(w, alice)), 401, "Access Denied");
  assert_rest(act(w, "logout", "made-up", naming(w, alice)), 401, "Access Denied");
  assert_true(is_valid(w, alice));
}

static void logout_leaves_other_sessions_of_the_user(void **state) {
  struct us_world *w = *state;
  const char *first = us_sso(w, "alice"), *second = us_sso(w, "alice");
  assert_reply(act(w, "logout", first, NULL), 200);
  assert_true(is_valid(w, second));
}

static void an_idle_session_ends(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice");
  us_world_advance_ms(w, 30 * MINUTE - 1);
  assert_true(is_valid(w, token));
  us_world_advance_ms(w, 1);
  assert_false(is_valid(w, token));
}

static void idle_and_longest_life_are_settings(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "sessionIdleTime", "120");
  const char *token = us_sso(w, "alice");
  us_world_advance_ms(w, 2 * MINUTE);
  assert_false(is_valid(w, token));
  us_world_set(w, "sessionIdleTime", "86400");
  us_world_set(w, "sessionMaxTime", "180");
  token = us_sso(w, "alice");
  us_world_advance_ms(w, 3 * MINUTE - 1);
  assert_true(is_valid(w, token));
  us_world_advance_ms(w, 1);
  assert_false(is_valid(w, token));
}

static struct us_login found;
static const char *found_token;
static enum us_code find_and_touch(struct us_cx *cx, void *self) {
  US_TRY(us_session_find(cx, us_str_c(found_token), &found));
  return us_session_apply_touch(cx, found.session.id, *(const int64_t *)self);
}

static void a_touched_session_lives_on_and_touches_go_forward(void **state) {
  struct us_world *w = *state;
  int64_t start = us_world_now_ms(w), later = start + 20 * MINUTE, earlier = start + MINUTE;
  found_token = us_sso(w, "alice");
  us_world_advance_ms(w, 20 * MINUTE);
  assert_int_equal(us_world_transact(w, find_and_touch, &later), US_OK);
  assert_false(us_session_wants_touch(&found.session, start + MINUTE - 1));
  assert_true(us_session_wants_touch(&found.session, start + MINUTE));
  us_world_advance_ms(w, 20 * MINUTE); /* 40 minutes after login */
  assert_true(is_valid(w, found_token));
  assert_int_equal(us_world_transact(w, find_and_touch, &earlier), US_OK);
  assert_true(is_valid(w, found_token));
}

static const char *latest_access(struct us_world *w, const char *token) {
  struct us_reply r = act(w, "getSessionInfo", us_sso(w, "amAdmin"), naming(w, token));
  assert_status(r, 200);
  return us_reply_str(&r, "latestAccessTime");
}

/* Which requests use a session, and which only look at it: after twenty minutes each, is its last access moved? */
static void using_a_session_moves_its_last_access(void **state) {
  struct us_world *w = *state;
  static const struct {
    const char *action;
    bool by_token; /* named in the body by nobody; else the caller's own */
    bool moves;
  } uses[] = {
      {"getSessionInfo", false, false},
      {"validate&refresh=false", false, false},
      {"validate&refresh=false", true, false},
      {"validate", false, true},
      {"validate", true, true},
      {"validate&refresh=true", true, true},
      {"refresh", false, true},
      {"getSessionInfoAndResetIdleTime", false, true},
  };
  us_world_set(w, "sessionMaxTime", "86400");
  for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
    const char *token = us_sso(w, "alice"), *before = latest_access(w, token);
    us_world_advance_ms(w, 20 * MINUTE);
    assert_reply(act(w, uses[i].action, uses[i].by_token ? NULL : token, uses[i].by_token ? naming(w, token) : "{}"),
                 200);
    bool has_moved = strcmp(latest_access(w, token), before) != 0;
    if (has_moved != uses[i].moves)
      fail_msg("%s: %s", uses[i].action, has_moved ? "moved" : "did not move");
  }
}

/* REST b.3: at most every sixty seconds */
static void the_last_access_is_kept_to_a_minute(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice"), *before = latest_access(w, token);
  us_world_advance_ms(w, MINUTE - 1);
  assert_reply(act(w, "validate", token, "{}"), 200);
  assert_reply(act(w, "refresh", token, "{}"), 200);
  struct us_reply r = act(w, "getSessionInfoAndResetIdleTime", token, "{}");
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "latestAccessTime"), before);
  assert_string_equal(latest_access(w, token), before);
  us_world_advance_ms(w, 1);
  r = act(w, "getSessionInfoAndResetIdleTime", token, "{}");
  assert_string_equal(us_reply_str(&r, "latestAccessTime"), "2031-05-03T18:41:00Z");
  assert_string_equal(us_reply_str(&r, "maxIdleExpirationTime"), "2031-05-03T19:11:00Z");
  assert_string_equal(latest_access(w, token), "2031-05-03T18:41:00Z");
}

static void refresh_says_how_long_it_lasts(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice");
  us_world_advance_ms(w, 10 * MINUTE);
  assert_body(act(w, "refresh", token, "{}"), 200,
              "{\"uid\":\"alice\",\"realm\":\"/alpha\",\"idletime\":600,\"maxidletime\":30,\"maxsessiontime\":120,"
              "\"maxtime\":6600}");
  us_world_advance_ms(w, 25 * MINUTE); /* 35 minutes after login */
  assert_true(is_valid(w, token));
  us_world_advance_ms(w, 5 * MINUTE);
  assert_false(is_valid(w, token));
  assert_rest(act(w, "refresh", token, "{}"), 401, "Access Denied");
}

static void no_use_prolongs_the_longest_life(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice");
  for (int i = 0; i < 5; i++) {
    us_world_advance_ms(w, 20 * MINUTE);
    assert_reply(act(w, "refresh", token, "{}"), 200);
  }
  us_world_advance_ms(w, 20 * MINUTE - 1);
  assert_true(is_valid(w, token));
  us_world_advance_ms(w, 1);
  assert_false(is_valid(w, token));
}

/* Using another's session: as looking at it, for administrators. */
static void others_sessions_are_refreshed_by_administrators(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice"), *bob = us_sso(w, "bob"), *admin = us_sso(w, "amAdmin");
  static const char *const actions[] = {"refresh", "getSessionInfoAndResetIdleTime"};
  us_world_advance_ms(w, 10 * MINUTE);
  for (size_t i = 0; i < 2; i++) {
    assert_rest(act(w, actions[i], bob, naming(w, alice)), 403, "Forbidden");
    assert_rest(act(w, actions[i], NULL, naming(w, alice)), 401, "Access Denied");
    assert_rest(act(w, actions[i], NULL, NULL), 401, "Access Denied");
    assert_rest(act(w, actions[i], admin, naming(w, "made-up")), 401, "Access Denied");
  }
  assert_string_equal(latest_access(w, alice), "2031-05-03T18:40:00Z");
  struct us_reply r = act(w, "refresh", admin, naming(w, alice));
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "uid"), "alice");
  assert_string_equal(latest_access(w, alice), "2031-05-03T18:50:00Z");
}

static enum us_code count_sessions(struct us_cx *cx, void *self) {
  static const char SQL[] = "SELECT COUNT(*) FROM session";
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  return us_sql_one(cx, columns, 1, self, SQL, "");
}

static void a_login_clears_away_dead_sessions_of_the_user(void **state) {
  struct us_world *w = *state;
  int64_t count = 0;
  for (int i = 0; i < 4; i++)
    us_sso(w, "alice");
  us_world_advance_ms(w, 31 * MINUTE);
  us_sso(w, "alice");
  assert_int_equal(us_world_transact(w, count_sessions, &count), US_OK);
  assert_int_equal(count, 1);
}

static enum us_code switch_off(struct us_cx *cx, void *self) {
  static const char SQL[] = "UPDATE account SET is_active = 0 WHERE name = 'alice'";
  return us_sql_run(cx, NULL, SQL, "");
}

static void a_session_ends_with_its_account(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice");
  assert_int_equal(us_world_transact(w, switch_off, NULL), US_OK);
  assert_false(is_valid(w, token));
}

static void the_header_wins_over_the_cookie(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice"), *bob = us_sso(w, "bob");
  struct us_reply r =
      us_send(w, "POST", SESSIONS "getSessionInfo",
              us_text(w, "IPLANETDIRECTORYPRO: %s\nCookie: x=1; iPlanetDirectoryPro=%s", alice, bob), "{}");
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "username"), "alice");
}

static void bodies_are_objects_or_nothing(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice");
  assert_reply(act(w, "getSessionInfo", token, NULL), 200);
  assert_reply(act(w, "getSessionInfo", token, "{\"other\":1}"), 200);
  assert_reply(act(w, "getSessionInfo", token, "[]"), 400);
  assert_reply(act(w, "getSessionInfo", token, "{} {}"), 400);
  assert_reply(act(w, "getSessionInfo", token, "{\"tokenId\":1}"), 400);
  assert_reply(act(w, "validate", NULL, us_text(w, "{\"tokenId\":\"%01024d\"}", 0)), 200);
  assert_reply(act(w, "validate", NULL, us_text(w, "{\"tokenId\":\"%01025d\"}", 0)), 400);
}

static void unknown_actions_are_not_implemented(void **state) {
  struct us_world *w = *state;
  assert_rest(act(w, "fly", us_sso(w, "alice"), "{}"), 501, "Action fly not supported");
}

static void id_from_session_says_who_i_am(void **state) {
  struct us_world *w = *state;
  struct us_reply r = us_send(w, "POST", ALPHA_JSON "users?_action=idFromSession",
                              us_text(w, "iPlanetDirectoryPro: %s", us_sso(w, "alice")), NULL);
  assert_body(r, 200,
              "{\"id\":\"alice\",\"realm\":\"/alpha\",\"dn\":\"id=alice,ou=user,o=alpha,ou=services,dc=usher\","
              "\"successURL\":\"/am/console\",\"fullLoginURL\":\"/am/XUI/?realm=/alpha#login/\"}");
  assert_rest(us_send(w, "POST", ALPHA_JSON "users?_action=idFromSession", NULL, NULL), 401, "Access Denied");
}

static void server_information_needs_no_session(void **state) {
  struct us_world *w = *state;
  assert_body(us_send(w, "GET", ALPHA_JSON "serverinfo/*", NULL, NULL), 200,
              "{\"domains\":[],\"cookieName\":\"iPlanetDirectoryPro\",\"secureCookie\":false,\"lang\":\"en\","
              "\"realm\":\"/alpha\"}");
  assert_body(us_send(w, "GET", ALPHA_JSON "serverinfo/uma", NULL, NULL), 200,
              "{\"enabled\":true,\"resharingMode\":\"IMPLICIT\"}");
  us_world_set(w, "resharingMode", "OFF");
  assert_body(us_send(w, "GET", ALPHA_JSON "serverinfo/uma", NULL, NULL), 200,
              "{\"enabled\":true,\"resharingMode\":\"OFF\"}");
  assert_reply(us_send(w, "GET", ALPHA_JSON "serverinfo/other", NULL, NULL), 404);
  assert_body(us_send(w, "GET", ALPHA_JSON "serverinfo/*?_fields=realm,/lang", NULL, NULL), 200,
              "{\"realm\":\"/alpha\",\"lang\":\"en\"}");
  assert_reply(us_send(w, "GET", ALPHA_JSON "serverinfo/uma", "If-Match: *", NULL), 412);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(information_says_who_and_until_when),
      STORY(information_needs_a_session_of_ones_own),
      STORY(others_sessions_are_for_administrators),
      STORY(validate_needs_no_session_of_ones_own),
      STORY(logout_ends_the_session_and_clears_the_cookie),
      STORY(logout_of_another_needs_a_session),
      STORY(logout_leaves_other_sessions_of_the_user),
      STORY(an_idle_session_ends),
      STORY(idle_and_longest_life_are_settings),
      STORY(a_touched_session_lives_on_and_touches_go_forward),
      STORY(using_a_session_moves_its_last_access),
      STORY(the_last_access_is_kept_to_a_minute),
      STORY(refresh_says_how_long_it_lasts),
      STORY(no_use_prolongs_the_longest_life),
      STORY(others_sessions_are_refreshed_by_administrators),
      STORY(a_login_clears_away_dead_sessions_of_the_user),
      STORY(a_session_ends_with_its_account),
      STORY(the_header_wins_over_the_cookie),
      STORY(bodies_are_objects_or_nothing),
      STORY(unknown_actions_are_not_implemented),
      STORY(id_from_session_says_who_i_am),
      STORY(server_information_needs_no_session),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
