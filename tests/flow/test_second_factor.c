/* Logging in where the realm asks for a second factor (REST contract b.2, RFC 6238). */
#include "flow/callbacks.h"
#include "flow/totp.h"

/* The answer to alice's right password. */
static struct us_reply past_password(struct us_world *w) {
  struct us_reply r = log_in(w, "alice", "Ch4ng31t");
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "stage"), "OATH2");
  return r;
}

static void a_right_password_leads_to_the_code(void **state) {
  struct us_world *w = strict_world(state);
  struct us_reply r = past_password(w);
  json_t *expected =
      json_loads("[{\"type\":\"PasswordCallback\",\"output\":[{\"name\":\"prompt\",\"value\":\"One Time Password\"}],"
                 "\"input\":[{\"name\":\"IDToken1\",\"value\":\"\"}],\"_id\":0}]",
                 0, NULL);
  assert_true(json_equal(json_object_get(r.json, "callbacks"), expected));
  json_decref(expected);
  assert_null(json_object_get(r.json, "tokenId"));
  assert_null(us_reply_header(&r, "Set-Cookie"));
  assert_int_equal(spent(w), 0);
  r = send_back(w, filled(w, &r, code(w, 0), NULL));
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "tokenId"), "");
  assert_non_null(us_reply_header(&r, "Set-Cookie"));
}

static void callbacks_go_from_name_to_code(void **state) {
  struct us_world *w = strict_world(state);
  struct us_reply first = ask(w);
  const char *body = filled(w, &first, "alice", "Ch4ng31t");
  struct us_reply second = send_back(w, body);
  assert_status(second, 200);
  assert_string_equal(us_reply_str(&second, "stage"), "OATH2");
  assert_int_equal(spent(w), 1);
  assert_rest(send_back(w, body), 401, "Session has timed out"); /* the step was passed */
  body = filled(w, &second, code(w, 0), NULL);
  assert_reply(send_back(w, body), 200);
  assert_rest(send_back(w, body), 401, "Session has timed out");
}

static void a_wrong_password_leads_nowhere(void **state) {
  struct us_world *w = strict_world(state);
  assert_rest(log_in(w, "alice", "wrong"), 401, "Login failure");
  struct us_reply r = ask(w);
  assert_rest(send_back(w, filled(w, &r, "alice", "wrong")), 401, "Login failure");
}

static void a_code_counts_once(void **state) {
  struct us_world *w = strict_world(state);
  struct us_reply first = past_password(w), second = past_password(w);
  const char *now = code(w, 0);
  assert_reply(send_back(w, filled(w, &first, now, NULL)), 200);
  assert_rest(send_back(w, filled(w, &second, now, NULL)), 401, "Login failure");
  assert_rest(send_back(w, filled(w, &second, code(w, -1), NULL)), 401, "Login failure"); /* older than the last */
  assert_reply(send_back(w, filled(w, &second, code(w, 1), NULL)), 200);
}

static enum us_code use_twice(struct us_cx *cx, void *self) {
  struct person p = {.name = "alice"};
  enum us_code *codes = self;
  US_TRY(find_step(cx, &p));
  codes[0] = us_account_use_code(cx, p.account.id, 7);
  codes[1] = us_account_use_code(cx, p.account.id, 7);
  us_error_clear(cx);
  return US_OK;
}
static void of_two_at_once_with_one_code_one_passes(void **state) {
  struct us_world *w = strict_world(state);
  enum us_code codes[2];
  assert_int_equal(us_world_transact(w, use_twice, codes), US_OK);
  assert_int_equal(codes[0], US_OK);
  assert_int_equal(codes[1], US_E_NOT_FOUND);
}

static void a_code_is_good_a_step_early_and_a_step_late(void **state) {
  struct us_world *w = strict_world(state);
  struct us_reply r = past_password(w);
  assert_rest(send_back(w, filled(w, &r, code(w, -2), NULL)), 401, "Login failure");
  assert_rest(send_back(w, filled(w, &r, code(w, 2), NULL)), 401, "Login failure");
  assert_reply(send_back(w, filled(w, &r, code(w, -1), NULL)), 200);
  r = past_password(w);
  assert_reply(send_back(w, filled(w, &r, code(w, 1), NULL)), 200);
}

static void what_is_no_code_fails(void **state) {
  struct us_world *w = strict_world(state);
  struct us_reply r = past_password(w);
  static const char *const texts[] = {"", "1", "abcdef", "Ch4ng31t", "0000000"};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    assert_rest(send_back(w, filled(w, &r, texts[i], NULL)), 401, "Login failure");
  assert_rest(send_back(w, us_text(w, "{\"authId\":\"%s\"}", us_reply_str(&r, "authId"))), 401, "Login failure");
}

/* Guessing costs what guessing of passwords costs; knowing the password takes nothing off the count. */
static void guessing_codes_is_slowed_down(void **state) {
  struct us_world *w = strict_world(state);
  struct us_reply r = past_password(w);
  for (int i = 0; i < 10; i++) {
    us_world_come_from(w, us_text(w, "192.0.2.%d", i), us_text(w, "192.0.2.%d", i)); /* from wherever */
    r = past_password(w);
    assert_rest(send_back(w, filled(w, &r, wrong_code(w), NULL)), 401, "Login failure");
  }
  struct us_reply slow = send_back(w, filled(w, &r, code(w, 0), NULL));
  assert_status(slow, 429);
  assert_true(atoi(us_reply_header(&slow, "Retry-After")) > 0);
  us_world_advance_ms(w, 5 * 60 * 1000 + 1000);
  r = past_password(w);
  assert_reply(send_back(w, filled(w, &r, code(w, 0), NULL)), 200);
}

static void who_has_no_secret_fails_as_with_a_wrong_password(void **state) {
  struct us_world *w = strict_world(state);
  struct us_reply right = log_in(w, "bob", "Ch4ng31t"), wrong = log_in(w, "bob", "wrong");
  assert_rest(right, 401, "Login failure");
  assert_string_equal(right.body, wrong.body);
  for (int i = 0; i < 8; i++) /* nor does the count of failures tell */
    assert_rest(log_in(w, "bob", "Ch4ng31t"), 401, "Login failure");
  assert_reply(log_in(w, "bob", "Ch4ng31t"), 429);
}

static enum us_code change_password(struct us_cx *cx, void *self) {
  struct person *p = self;
  US_TRY(find_step(cx, p));
  return us_account_set_password(cx, p->account.id, p->account.password_hash);
}
static enum us_code switch_off(struct us_cx *cx, void *self) {
  struct person *p = self;
  US_TRY(find_step(cx, p));
  return us_account_set_active(cx, &p->account, false);
}

static void what_happens_to_the_account_meanwhile_counts(void **state) {
  struct us_world *w = strict_world(state);
  struct person alice = {.name = "alice"};
  struct us_reply r = past_password(w);
  assert_int_equal(us_world_transact(w, change_password, &alice), US_OK);
  assert_rest(send_back(w, filled(w, &r, code(w, 0), NULL)), 401, "Session has timed out");
  r = past_password(w);
  assert_int_equal(us_world_transact(w, switch_off, &alice), US_OK);
  assert_rest(send_back(w, filled(w, &r, code(w, 0), NULL)), 401, "Session has timed out");
}

static void taking_the_secret_away_ends_the_login(void **state) {
  struct us_world *w = strict_world(state);
  struct us_reply r = past_password(w);
  enroll(w, "alice", NULL);
  assert_rest(send_back(w, filled(w, &r, code(w, 0), NULL)), 401, "Session has timed out");
  assert_rest(log_in(w, "alice", "Ch4ng31t"), 401, "Login failure");
}

static void a_new_secret_replaces_the_old(void **state) {
  struct us_world *w = strict_world(state);
  enroll(w, "alice", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
  struct us_reply r = past_password(w);
  assert_rest(send_back(w, filled(w, &r, code(w, 0), NULL)), 401, "Login failure");
}

static void the_step_behind_the_password_is_of_its_realm_and_time(void **state) {
  struct us_world *w = strict_world(state);
  struct us_reply r = past_password(w);
  const char *body = filled(w, &r, code(w, 0), NULL);
  assert_rest(us_send(w, "POST", "/am/json/realms/root/authenticate", "Content-Type: application/json", body), 401,
              "Session has timed out");
  us_world_advance_ms(w, 5 * 60 * 1000);
  assert_rest(send_back(w, filled(w, &r, code(w, 0), NULL)), 401, "Session has timed out");
}

static void no_session_takes_the_code_too(void **state) {
  struct us_world *w = strict_world(state);
  struct us_reply r = login_with(w, "?noSession=true", "X-OpenAM-Username: alice\nX-OpenAM-Password: Ch4ng31t", "");
  assert_string_equal(us_reply_str(&r, "stage"), "OATH2");
  const char *body = filled(w, &r, code(w, 0), NULL);
  assert_body(login_with(w, "?noSession=true", "X: y", body), 200,
              "{\"message\":\"Authentication Successful\",\"successUrl\":\"/am/console\"}");
  r = past_password(w);
  assert_rest(send_back(w, filled(w, &r, code(w, 0), NULL)), 401, "Login failure"); /* it was used */
}

static void realms_that_do_not_ask_do_not_ask(void **state) {
  struct us_world *w = *state;
  enroll(w, "alice", SECRET);
  struct us_reply r = log_in(w, "alice", "Ch4ng31t");
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "tokenId"), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_right_password_leads_to_the_code),
      STORY(callbacks_go_from_name_to_code),
      STORY(a_wrong_password_leads_nowhere),
      STORY(a_code_counts_once),
      STORY(of_two_at_once_with_one_code_one_passes),
      STORY(a_code_is_good_a_step_early_and_a_step_late),
      STORY(what_is_no_code_fails),
      STORY(guessing_codes_is_slowed_down),
      STORY(who_has_no_secret_fails_as_with_a_wrong_password),
      STORY(what_happens_to_the_account_meanwhile_counts),
      STORY(taking_the_secret_away_ends_the_login),
      STORY(a_new_secret_replaces_the_old),
      STORY(the_step_behind_the_password_is_of_its_realm_and_time),
      STORY(no_session_takes_the_code_too),
      STORY(realms_that_do_not_ask_do_not_ask),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
