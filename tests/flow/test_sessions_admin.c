/* What is done with sessions without their tokens (REST contract b.4): list, end by handle, end by user. */
#include "flow/people.h"

#define QUERY(filter) ALPHA_JSON "sessions?_queryFilter=" filter
#define OF_ALICE "username+eq+%22alice%22+and+realm+eq+%22/alpha%22"

static struct us_reply act(struct us_world *w, const char *action, const char *sso, const char *body) {
  return us_with_sso(w, "POST", us_text(w, SESSIONS "%s", action), sso, NULL, body);
}
static bool is_valid(struct us_world *w, const char *token) {
  struct us_reply r =
      us_send(w, "POST", SESSIONS "validate&refresh=false", NULL, us_text(w, "{\"tokenId\":\"%s\"}", token));
  assert_status(r, 200);
  return json_is_true(json_object_get(r.json, "valid"));
}
/* The session's own name for itself. */
static const char *handle_of(struct us_world *w, const char *token) {
  struct us_reply r = act(w, "getSessionInfo", token, "{}");
  assert_status(r, 200);
  return us_text(w, "%s", json_string_value(json_object_get(json_object_get(r.json, "properties"), "AMCtxId")));
}

static void the_list_shows_who_and_until_when(void **state) {
  struct us_world *w = *state;
  const char *admin = us_sso(w, "amAdmin"), *handle = handle_of(w, us_sso(w, "alice"));
  us_sso(w, "bob");
  struct us_reply r = us_with_sso(w, "GET", QUERY(OF_ALICE), admin, NULL, NULL);
  assert_body(r, 200,
              us_text(w,
                      "{\"result\":[{\"_id\":\"%s\",\"username\":\"alice\","
                      "\"universalId\":\"id=alice,ou=user,o=alpha,ou=services,dc=usher\",\"realm\":\"/alpha\","
                      "\"sessionHandle\":\"%s\",\"latestAccessTime\":\"2031-05-03T18:40:00Z\","
                      "\"maxIdleExpirationTime\":\"2031-05-03T19:10:00Z\","
                      "\"maxSessionExpirationTime\":\"2031-05-03T20:40:00Z\"}],\"resultCount\":1,"
                      "\"pagedResultsCookie\":null,\"totalPagedResultsPolicy\":\"NONE\",\"totalPagedResults\":-1,"
                      "\"remainingPagedResults\":-1}",
                      handle, handle));
  r = us_with_sso(w, "GET", QUERY("realm+eq+%22/alpha%22+and+username+eq+%22ALICE%22&_fields=username"), admin, NULL,
                  NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
}

static void the_list_holds_live_sessions_only(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "sessionMaxTime", "2400");
  us_sso(w, "alice"); /* will be idle for too long */
  const char *used = us_sso(w, "alice");
  us_world_advance_ms(w, 20 * 60 * 1000);
  assert_reply(act(w, "refresh", used, "{}"), 200);
  us_world_advance_ms(w, 15 * 60 * 1000);
  const char *admin = us_sso(w, "amAdmin");
  struct us_reply r = us_with_sso(w, "GET", QUERY(OF_ALICE), admin, NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
  us_world_advance_ms(w, 5 * 60 * 1000 - 1);
  r = us_with_sso(w, "GET", QUERY(OF_ALICE), admin, NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
  us_world_advance_ms(w, 1); /* the longest life is over */
  r = us_with_sso(w, "GET", QUERY(OF_ALICE), admin, NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 0);
}

static void pages_go_on_by_cookie(void **state) {
  struct us_world *w = *state;
  const char *admin = us_sso(w, "amAdmin"), *cookie = "";
  size_t seen = 0;
  for (int i = 0; i < 5; i++)
    us_sso(w, "alice");
  do {
    struct us_reply r =
        us_with_sso(w, "GET", us_text(w, "%s&_pageSize=2&_pagedResultsCookie=%s", QUERY(OF_ALICE), us_enc(w, cookie)),
                    admin, NULL, NULL);
    assert_status(r, 200);
    seen += (size_t)us_reply_int(&r, "resultCount");
    cookie = us_reply_str(&r, "pagedResultsCookie");
  } while (cookie[0] != '\0' && seen < 10);
  assert_int_equal(seen, 5);
}

static void the_list_is_for_administrators_of_the_realm(void **state) {
  struct us_world *w = *state;
  add_realm(w, "/beta");
  add_person(w, "/beta", "keeper", true);
  add_person(w, "/alpha", "keeper", true);
  assert_rest(us_send(w, "GET", QUERY(OF_ALICE), NULL, NULL), 401, "Access Denied");
  assert_rest(us_with_sso(w, "GET", QUERY(OF_ALICE), us_sso(w, "alice"), NULL, NULL), 403, "Forbidden");
  const char *beta = sso_in(w, "/beta", "keeper"), *alpha = sso_in(w, "/alpha", "keeper");
  assert_rest(us_with_sso(w, "GET", QUERY(OF_ALICE), beta, NULL, NULL), 403, "Forbidden");
  assert_rest(us_with_sso(w, "GET", QUERY("username+eq+%22x%22+and+realm+eq+%22/nowhere%22"), alpha, NULL, NULL), 403,
              "Forbidden");
  assert_reply(us_with_sso(w, "GET", QUERY(OF_ALICE), alpha, NULL, NULL), 200);
  /* A realm in the filter that is asked for by the way does not widen anything. */
  assert_rest(us_with_sso(w, "GET",
                          QUERY("username+eq+%22alice%22+and+(realm+eq+%22/alpha%22+or+realm+eq+%22/beta%22)"), beta,
                          NULL, NULL),
              400, "The filter must name a user and a realm: username eq \"...\" and realm eq \"/...\"");
  struct us_reply r = us_with_sso(
      w, "GET", QUERY("realm+eq+%22/beta%22+and+realm+eq+%22/alpha%22+and+username+eq+%22alice%22"), beta, NULL, NULL);
  assert_status(r, 200);
  assert_int_equal(us_reply_int(&r, "resultCount"), 0);
}

static void a_filter_must_name_user_and_realm(void **state) {
  struct us_world *w = *state;
  const char *admin = us_sso(w, "amAdmin");
  static const char *const bad[] = {"true", "username+eq+%22alice%22", "realm+eq+%22/alpha%22",
                                    "!(username+eq+%22alice%22)+and+realm+eq+%22/alpha%22",
                                    "username+eq+%22alice%22+or+realm+eq+%22/alpha%22"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_rest(us_with_sso(w, "GET", us_text(w, QUERY("%s"), bad[i]), admin, NULL, NULL), 400,
                "The filter must name a user and a realm: username eq \"...\" and realm eq \"/...\"");
  assert_reply(us_with_sso(w, "GET", QUERY("username+co+%22alice%22+and+realm+eq+%22/alpha%22"), admin, NULL, NULL),
               400);
  assert_reply(us_with_sso(w, "GET", QUERY("digest+eq+%22x%22"), admin, NULL, NULL), 400);
  assert_rest(us_with_sso(w, "GET", ALPHA_JSON "sessions", admin, NULL, NULL), 400,
              "The resource collection sessions cannot be read");
  static const char *const nobody[] = {"username+eq+%22nobody%22+and+realm+eq+%22/alpha%22",
                                       "username+eq+%22alice%22+and+realm+eq+%22/nowhere%22",
                                       "username+eq+%22alice%22+and+username+eq+%22bob%22+and+realm+eq+%22/alpha%22"};
  us_sso(w, "alice");
  us_sso(w, "bob");
  for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
    struct us_reply r = us_with_sso(w, "GET", us_text(w, QUERY("%s"), nobody[i]), admin, NULL, NULL);
    assert_status(r, 200);
    assert_int_equal(us_reply_int(&r, "resultCount"), 0);
  }
}

static void handles_end_sessions_each_by_itself(void **state) {
  struct us_world *w = *state;
  const char *admin = us_sso(w, "amAdmin"), *alice = us_sso(w, "alice"), *other = us_sso(w, "alice");
  const char *handle = handle_of(w, alice);
  assert_body(act(w, "logoutByHandle", admin,
                  us_text(w, "{\"sessionHandles\":[\"%s\",\"made-up\",\"0000000000000001\",\"%s\"]}", handle, handle)),
              200, us_text(w, "{\"result\":{\"%s\":true,\"made-up\":false,\"0000000000000001\":false}}", handle));
  assert_false(is_valid(w, alice));
  assert_true(is_valid(w, other));
  assert_body(act(w, "logoutByHandle", admin, us_text(w, "{\"sessionHandles\":[\"%s\"]}", handle)), 200,
              us_text(w, "{\"result\":{\"%s\":false}}", handle));
}

/* Every element of the list is looked at, not the first only. */
static void handles_of_other_realms_are_unknown(void **state) {
  struct us_world *w = *state;
  add_realm(w, "/beta");
  add_person(w, "/beta", "keeper", true);
  const char *alice = us_sso(w, "alice"), *own = sso_in(w, "/beta", "keeper"), *admin = us_sso(w, "amAdmin");
  const char *mine = sso_in(w, "/beta", "keeper");
  const char *names[] = {handle_of(w, mine), handle_of(w, alice), handle_of(w, admin)};
  assert_body(act(w, "logoutByHandle", own,
                  us_text(w, "{\"sessionHandles\":[\"%s\",\"%s\",\"%s\"]}", names[0], names[1], names[2])),
              200, us_text(w, "{\"result\":{\"%s\":true,\"%s\":false,\"%s\":false}}", names[0], names[1], names[2]));
  assert_false(is_valid(w, mine));
  assert_true(is_valid(w, alice));
  assert_true(is_valid(w, admin));
}

static void handles_are_for_administrators(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice"), *second = us_sso(w, "alice"), *bob = us_sso(w, "bob");
  const char *body = us_text(w, "{\"sessionHandles\":[\"%s\"]}", handle_of(w, second));
  assert_rest(act(w, "logoutByHandle", bob, body), 403, "Forbidden");
  assert_rest(act(w, "logoutByHandle", alice, body), 403, "Forbidden"); /* his own go by logoutByUser */
  assert_rest(us_send(w, "POST", SESSIONS "logoutByHandle", NULL, body), 401, "Access Denied");
  assert_true(is_valid(w, second));
}

static const char *list_of(struct us_world *w, int n, int length) {
  const char *text = "{\"sessionHandles\":[";
  for (int i = 0; i < n; i++)
    text = us_text(w, "%s%s\"%0*d\"", text, i ? "," : "", length, i);
  return us_text(w, "%s]}", text);
}

static void lists_of_handles_have_limits(void **state) {
  struct us_world *w = *state;
  const char *admin = us_sso(w, "amAdmin");
  assert_reply(act(w, "logoutByHandle", admin, list_of(w, 256, 16)), 200);
  assert_reply(act(w, "logoutByHandle", admin, list_of(w, 257, 16)), 400);
  assert_reply(act(w, "logoutByHandle", admin, list_of(w, 1, 64)), 200);
  assert_reply(act(w, "logoutByHandle", admin, list_of(w, 1, 65)), 400);
  assert_body(act(w, "logoutByHandle", admin, "{\"sessionHandles\":[]}"), 200, "{\"result\":{}}");
  assert_reply(act(w, "logoutByHandle", admin, "{}"), 400);
  assert_reply(act(w, "logoutByHandle", admin, "{\"sessionHandles\":[7]}"), 400);
  assert_reply(act(w, "logoutByHandle", admin, "{\"sessionHandles\":\"x\"}"), 400);
}

static void a_user_ends_all_his_sessions(void **state) {
  struct us_world *w = *state;
  const char *first = us_sso(w, "alice"), *second = us_sso(w, "alice"), *bob = us_sso(w, "bob");
  struct us_reply r =
      us_send(w, "POST", SESSIONS "logoutByUser",
              us_text(w, "Cookie: iPlanetDirectoryPro=%s\nX-Requested-With: x", first), "{\"username\":\"Alice\"}");
  assert_body(r, 200, "{\"result\":true}");
  assert_string_equal(us_reply_header(&r, "Set-Cookie"),
                      "iPlanetDirectoryPro=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
  assert_false(is_valid(w, first));
  assert_false(is_valid(w, second));
  assert_true(is_valid(w, bob));
}

static void others_sessions_end_by_administrators_of_the_realm(void **state) {
  struct us_world *w = *state;
  add_realm(w, "/beta");
  add_person(w, "/beta", "keeper", true);
  add_person(w, "/beta", "alice", false);
  add_person(w, "/alpha", "keeper", true);
  const char *alice = us_sso(w, "alice"), *bob = us_sso(w, "bob");
  const char *namesake = sso_in(w, "/beta", "alice"), *stranger = sso_in(w, "/beta", "keeper");
  const char *body = "{\"username\":\"alice\"}";
  assert_rest(act(w, "logoutByUser", bob, body), 403, "Forbidden");
  assert_rest(act(w, "logoutByUser", namesake, body), 403, "Forbidden");
  assert_rest(act(w, "logoutByUser", stranger, body), 403, "Forbidden");
  assert_rest(act(w, "logoutByUser", bob, "{\"username\":\"nobody\"}"), 403, "Forbidden");
  assert_rest(us_send(w, "POST", SESSIONS "logoutByUser", NULL, body), 401, "Access Denied");
  assert_true(is_valid(w, alice));
  const char *keeper = sso_in(w, "/alpha", "keeper");
  assert_rest(act(w, "logoutByUser", keeper, "{\"username\":\"nobody\"}"), 404, "Not Found");
  assert_reply(act(w, "logoutByUser", keeper, "{}"), 400);
  assert_body(act(w, "logoutByUser", keeper, body), 200, "{\"result\":true}");
  assert_false(is_valid(w, alice));
  assert_true(is_valid(w, namesake));
  assert_true(is_valid(w, bob));
}

static void properties_are_not_offered(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  assert_rest(act(w, "getSessionProperties", alice, "{}"), 501, "Action getSessionProperties not supported");
  assert_rest(act(w, "updateSessionProperties", alice, "{}"), 501, "Action updateSessionProperties not supported");
}

/* What one user may keep is bounded: the oldest gives way. */
static void a_user_has_so_many_sessions_and_no_more(void **state) {
  struct us_world *w = *state;
  const char *bob = us_sso(w, "bob");
  us_world_set(w, "sessionsPerUser", "3");
  const char *tokens[4];
  for (int i = 0; i < 4; i++)
    tokens[i] = us_sso(w, "alice");
  assert_false(is_valid(w, tokens[0]));
  for (int i = 1; i < 4; i++)
    assert_true(is_valid(w, tokens[i]));
  assert_true(is_valid(w, bob));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(the_list_shows_who_and_until_when),
      STORY(the_list_holds_live_sessions_only),
      STORY(pages_go_on_by_cookie),
      STORY(the_list_is_for_administrators_of_the_realm),
      STORY(a_filter_must_name_user_and_realm),
      STORY(handles_end_sessions_each_by_itself),
      STORY(handles_of_other_realms_are_unknown),
      STORY(handles_are_for_administrators),
      STORY(lists_of_handles_have_limits),
      STORY(a_user_ends_all_his_sessions),
      STORY(others_sessions_end_by_administrators_of_the_realm),
      STORY(properties_are_not_offered),
      STORY(a_user_has_so_many_sessions_and_no_more),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
