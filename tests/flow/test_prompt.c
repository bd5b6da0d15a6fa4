/* How a client says what its person is to be asked: prompt, max_age, id_token_hint (OIDC Core 3.1.2.1; OC-10, OC-11, SB-19). */
#include "flow/authorize.h"

static const char *remembered(struct us_world *w, const char *sso, const char *request) {
  return code_of(w, submit(w, sso, request, us_text(w, "&csrf=%s&decision=allow&save_consent=on", csrf_of(w, sso))));
}

/* OC-10 */
static void none_never_shows_a_page(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  const char *location = assert_sent_error(w, visit(w, NULL, REQUEST_C1 "&prompt=none"), C1_BACK, "login_required");
  assert_string_equal(param_of(w, location, "state"), "s-1");
  assert_sent_error(w, visit(w, us_text(w, "%s", "dead"), REQUEST_C1 "&prompt=none"), C1_BACK, "login_required");
  assert_sent_error(w, submit(w, NULL, REQUEST_C1, "&prompt=none"), C1_BACK, "login_required");
  assert_sent_error(w, visit(w, alice, REQUEST_C1 "&prompt=none"), C1_BACK, "consent_required");
  remembered(w, alice, REQUEST_C1);
  location = assert_sent(w, visit(w, alice, REQUEST_C1 "&prompt=none"), C1_BACK);
  assert_non_null(param_of(w, location, "code"));
  /* The client's own mistakes are told before anybody's session matters. */
  assert_sent_error(w, visit(w, NULL, "response_type=code&scope=fly&prompt=none&client_id=" C1), C1_BACK,
                    "invalid_scope");
  assert_page_error(visit(w, NULL, "response_type=code&scope=openid&prompt=none&client_id=nobody"), 400);
}

static void none_stands_alone(void **state) {
  struct us_world *w = *state;
  static const char *const mixed[] = {"none%20login", "login%20none", "none%20consent", "select_account%20none",
                                      "none%20dance"};
  const char *alice = us_sso(w, "alice");
  for (size_t i = 0; i < sizeof(mixed) / sizeof(mixed[0]); i++) {
    assert_sent_error(w, visit(w, alice, us_text(w, REQUEST_C1 "&prompt=%s", mixed[i])), C1_BACK, "invalid_request");
    assert_sent_error(w, visit(w, NULL, us_text(w, REQUEST_C1 "&prompt=%s", mixed[i])), C1_BACK, "invalid_request");
  }
  expect_status(visit(w, alice, REQUEST_C1 "&prompt="), 200); /* OA-05 */
}

/* OC-10: login asks always; once. */
static void login_always_asks_again(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  remembered(w, alice, REQUEST_C1);
  struct us_reply r = visit(w, alice, REQUEST_C1 "&prompt=login");
  const char *back = assert_login(w, r);
  assert_string_equal(param_of(w, us_reply_header(&r, "Location"), "ForceAuth"), "true");
  assert_null(param_of(w, back, "prompt"));
  us_world_advance_ms(w, 60 * 1000);
  const char *fresh = us_sso(w, "alice");
  const char *location = assert_sent(w, visit_url(w, fresh, back), C1_BACK);
  assert_non_null(param_of(w, location, "code"));
  /* The other words stay. */
  back = assert_login(w, visit(w, alice, REQUEST_C1 "&prompt=consent%20login"));
  assert_string_equal(param_of(w, back, "prompt"), "consent");
  expect_status(visit_url(w, fresh, back), 200);
  /* A decision does not stand in for the login. */
  assert_login(w, decide(w, alice, REQUEST_C1 "&prompt=login", "allow"));
}

static int64_t auth_time_of(struct us_world *w, struct us_reply r) {
  const char *id_token = take(r, "id_token");
  const char *payload = strchr(id_token, '.') + 1;
  char text[4096];
  size_t n = 0;
  assert_true(us_base64url_decode((struct us_str){payload, strcspn(payload, ".")}, text, sizeof(text) - 1, &n));
  json_t *claims = json_loadb(text, n, 0, NULL);
  int64_t auth_time = json_integer_value(json_object_get(claims, "auth_time"));
  json_decref(claims);
  (void)w;
  return auth_time;
}

/* OC-11: judged by the time of the login, to the second. */
static void max_age_asks_again_when_exceeded(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  remembered(w, alice, REQUEST_C1);
  int64_t login_s = us_world_now_ms(w) / 1000;
  us_world_advance_ms(w, 10 * 1000);
  struct us_reply r = visit(w, alice, REQUEST_C1 "&max_age=10");
  r = exchange(w, C1, code_of(w, r), C1_BACK, NULL);
  assert_int_equal(auth_time_of(w, r), login_s);
  r = visit(w, alice, REQUEST_C1 "&max_age=9");
  const char *back = assert_login(w, r);
  assert_string_equal(param_of(w, us_reply_header(&r, "Location"), "ForceAuth"), "true");
  assert_string_equal(param_of(w, back, "max_age"), "9");
  assert_login(w, visit_url(w, alice, back)); /* by the old session nothing is gained */
  assert_login(w, decide(w, alice, REQUEST_C1 "&max_age=9", "allow"));
  assert_sent_error(w, visit(w, alice, REQUEST_C1 "&max_age=9&prompt=none"), C1_BACK, "login_required");
  const char *fresh = us_sso(w, "alice");
  login_s = us_world_now_ms(w) / 1000;
  r = exchange(w, C1, code_of(w, visit_url(w, fresh, back)), C1_BACK, NULL);
  assert_int_equal(auth_time_of(w, r), login_s);
  assert_sent(w, visit(w, alice, REQUEST_C1 "&max_age=3600"), C1_BACK);
}

/* 0 is the same as prompt=login, and must not go round in circles. */
static void max_age_zero_is_prompt_login(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  remembered(w, alice, REQUEST_C1);
  const char *back = assert_login(w, visit(w, alice, REQUEST_C1 "&max_age=0"));
  assert_null(param_of(w, back, "max_age"));
  const char *fresh = us_sso(w, "alice");
  us_world_advance_ms(w, 5000);
  assert_sent(w, visit_url(w, fresh, back), C1_BACK);
}

/* Who takes his time at the consent page is not sent to log in again. */
static void the_form_of_the_page_holds_no_max_age(void **state) {
  struct us_world *w = *state;
  struct us_reply r = visit(w, us_sso(w, "alice"), REQUEST_C1 "&max_age=1");
  assert_status(r, 200);
  assert_null(strstr(r.body, "name=\"max_age\""));
  assert_non_null(strstr(r.body, "name=\"state\" value=\"s-1\""));
}

static void a_hint_means_one_person(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  remembered(w, alice, REQUEST_C1);
  const char *of_alice = us_id_token(w, "alice", C1), *of_bob = us_id_token(w, "bob", C1);
  const char *of_c2 = us_id_token(w, "bob", C2);
  assert_sent(w, visit(w, alice, us_text(w, REQUEST_C1 "&prompt=none&id_token_hint=%s", of_alice)), C1_BACK);
  assert_sent_error(w, visit(w, alice, us_text(w, REQUEST_C1 "&prompt=none&id_token_hint=%s", of_bob)), C1_BACK,
                    "login_required");
  assert_sent_error(w, visit(w, alice, us_text(w, REQUEST_C1 "&id_token_hint=%s", of_bob)), C1_BACK, "login_required");
  /* One that is not this client's, or none at all, says nothing. */
  assert_sent(w, visit(w, alice, us_text(w, REQUEST_C1 "&id_token_hint=%s", of_c2)), C1_BACK);
  assert_sent(w, visit(w, alice, REQUEST_C1 "&id_token_hint=x.y.z"), C1_BACK);
}

/* Parameters that change nothing here. */
static void the_rest_is_put_up_with(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  remembered(w, alice, REQUEST_C1);
  assert_sent(w,
              visit(w, alice,
                    REQUEST_C1 "&response_mode=query&login_hint=bob&ui_locales=de%20en&display=popup&acr_values=2"
                               "&claims=%7B%7D&service=ldapService&csrf=x&decision=deny&save_consent=on&x_foo=1"),
              C1_BACK);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(none_never_shows_a_page),      STORY(none_stands_alone),
      STORY(login_always_asks_again),      STORY(max_age_asks_again_when_exceeded),
      STORY(max_age_zero_is_prompt_login), STORY(the_form_of_the_page_holds_no_max_age),
      STORY(a_hint_means_one_person),      STORY(the_rest_is_put_up_with),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
