/* The CSRF rule of REST contract a.5, for every write that a cookie could carry out. */
#include "flow/crest.h"

struct attempt {
  const char *method, *target, *body;
};
static const struct attempt attempts[] = {
    {"POST", AUTHENTICATE, "{}"},
    {"POST", SESSIONS "getSessionInfo", "{}"},
    {"POST", SESSIONS "validate", "{}"},
    {"POST", SESSIONS "getSessionInfoAndResetIdleTime", "{}"},
    {"POST", SESSIONS "refresh", "{}"},
    {"POST", SESSIONS "logoutByHandle", "{\"sessionHandles\":[]}"},
    {"POST", SESSIONS "logoutByUser", "{\"username\":\"alice\"}"},
    {"POST", SESSIONS "logout", "{}"},
    {"POST", ALPHA_JSON "users?_action=idFromSession", "{}"},
    {"POST", POLICIES "?_action=create", "{}"},
    {"PUT", POLICIES "/x", "{}"},
    {"DELETE", POLICIES "/x", NULL},
    {"POST", PENDING "/x?_action=approve", "{}"},
    {"POST", PENDING "/x?_action=deny", NULL},
};
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

static struct us_reply make(struct us_world *w, const struct attempt *a, const char *headers) {
  return us_send(w, a->method, a->target, us_text(w, "Content-Type: application/json\n%s", headers), a->body);
}

/* SB-20 */
static void a_cookie_alone_changes_nothing(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice");
  for (size_t i = 0; i < ATTEMPTS; i++) {
    struct us_reply r = make(w, &attempts[i], us_text(w, "Cookie: iPlanetDirectoryPro=%s", token));
    assert_rest(r, 403, "Forbidden");
  }
  struct us_reply r = us_send(w, "POST", SESSIONS "validate", us_text(w, "iPlanetDirectoryPro: %s", token), NULL);
  assert_true(json_is_true(json_object_get(r.json, "valid"))); /* the logout among them did nothing */
}

static void a_dead_cookie_is_refused_as_well(void **state) {
  struct us_world *w = *state;
  for (size_t i = 0; i < ATTEMPTS; i++)
    assert_rest(make(w, &attempts[i], "Cookie: iPlanetDirectoryPro=dead"), 403, "Forbidden");
}

static void a_header_that_a_foreign_page_cannot_send_opens_the_way(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice");
  for (size_t i = 0; i < ATTEMPTS; i++) {
    if (strstr(attempts[i].target, "logout"))
      continue;
    const char *cookie = us_text(w, "Cookie: iPlanetDirectoryPro=%s", token);
    struct us_reply r = make(w, &attempts[i], us_text(w, "%s\nX-Requested-With: XMLHttpRequest", cookie));
    assert_int_not_equal(r.status, 403);
    r = make(w, &attempts[i], us_text(w, "%s\nAccept-API-Version: protocol=2.1", cookie));
    assert_int_not_equal(r.status, 403);
  }
}

static void reading_and_header_tokens_are_free(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice");
  assert_reply(
      us_send(w, "GET", POLICIES "?_queryFilter=true", us_text(w, "Cookie: iPlanetDirectoryPro=%s", token), NULL), 200);
  assert_reply(us_send(w, "POST", SESSIONS "getSessionInfo", us_text(w, "iPlanetDirectoryPro: %s", token), "{}"), 200);
  assert_reply(us_send(w, "POST", SESSIONS "getSessionInfo",
                       us_text(w, "iPlanetDirectoryPro: %s\nCookie: iPlanetDirectoryPro=%s", token, token), "{}"),
               200);
  assert_rest(us_send(w, "POST", SESSIONS "getSessionInfo", NULL, "{}"), 401, "Access Denied");
}

static void a_refused_write_leaves_no_trace(void **state) {
  struct us_world *w = *state;
  const char *id = us_register(w, us_pat(w, "alice", RS1), ALBUM), *token = us_sso(w, "alice");
  struct us_reply r = us_send(w, "PUT", policy_url(w, id),
                              us_text(w, "Content-Type: application/json\nCookie: iPlanetDirectoryPro=%s", token),
                              policy_body(w, id, TO_BOB("[\"view\"]"), NULL));
  assert_rest(r, 403, "Forbidden");
  assert_reply(get_policy(w, token, id), 404);
}

static void the_rule_can_be_switched_off(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice");
  us_world_set(w, "csrfFilter", "false");
  assert_reply(us_send(w, "POST", SESSIONS "getSessionInfo", us_text(w, "Cookie: iPlanetDirectoryPro=%s", token), "{}"),
               200);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_cookie_alone_changes_nothing),
      STORY(a_dead_cookie_is_refused_as_well),
      STORY(a_header_that_a_foreign_page_cannot_send_opens_the_way),
      STORY(reading_and_header_tokens_are_free),
      STORY(a_refused_write_leaves_no_trace),
      STORY(the_rule_can_be_switched_off),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
