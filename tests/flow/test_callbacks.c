/* Logging in by callbacks (REST contract b.2): what is asked, and what an authId is good for. */
#include "flow/callbacks.h"

#include "domain/login.h"
#include "domain/snapshot.h"

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
  assert_true(strncmp(us_reply_str(&r, "authId"), "eyJhbGciOiJIUzI1NiJ9.", 21) == 0);
  assert_string_equal(us_reply_str(&r, "stage"), "DataStore1");
  assert_string_equal(us_reply_str(&r, "template"), "");
  assert_string_equal(us_reply_str(&r, "header"), "Sign in to Usher");
}

static const char *prompt_in(struct us_world *w, const char *locale) {
  struct us_reply r = login_with(w, us_text(w, "?locale=%s", locale), "X: y", NULL);
  assert_status(r, 200);
  json_t *output = json_object_get(json_array_get(json_object_get(r.json, "callbacks"), 1), "output");
  return json_string_value(json_object_get(json_array_get(output, 0), "value"));
}

static void locale_chooses_the_language(void **state) {
  struct us_world *w = *state;
  assert_string_equal(prompt_in(w, "de"), "Passwort");
  assert_string_equal(prompt_in(w, "de-CH"), "Passwort");
  assert_string_equal(prompt_in(w, "FR_be"), "Mot de passe");
  assert_string_equal(prompt_in(w, "den"), "Password");
  assert_string_equal(prompt_in(w, ""), "Password");
}

static void filled_callbacks_log_in(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  struct us_reply r = send_back(w, filled(w, &asked, "alice", "Ch4ng31t"));
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "tokenId"), "");
  assert_non_null(us_reply_header(&r, "Set-Cookie"));
}

static void a_login_is_passed_once(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  const char *body = filled(w, &asked, "alice", "Ch4ng31t");
  assert_reply(send_back(w, body), 200);
  assert_rest(send_back(w, body), 401, "Session has timed out");
}

/* Two who send the same at once: both find it unspent, and the write step lets one through. */
static const char *double_id;
static enum us_code pass_twice(struct us_cx *cx, void *self) {
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm(snapshot, US_STR("/alpha"));
  struct us_login_step first, second;
  enum us_code *codes = self;
  codes[0] = us_login_open(cx, realm, us_str_c(double_id), &first);
  codes[1] = us_login_open(cx, realm, us_str_c(double_id), &second);
  us_snapshot_unref(snapshot);
  codes[2] = us_login_pass(cx, &first);
  codes[3] = us_login_pass(cx, &second);
  return US_OK;
}

static void of_two_at_once_one_passes(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  enum us_code codes[4];
  double_id = us_reply_str(&asked, "authId");
  assert_int_equal(us_world_transact(w, pass_twice, codes), US_OK);
  assert_int_equal(codes[0], US_OK);
  assert_int_equal(codes[1], US_OK);
  assert_int_equal(codes[2], US_OK);
  assert_int_equal(codes[3], US_E_NOT_FOUND);
}

/* A stranger fills nothing: neither beginning nor failing is written down. */
static void what_only_begins_or_fails_leaves_no_row(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  for (int i = 0; i < 5; i++)
    assert_rest(send_back(w, filled(w, &asked, "alice", "wrong")), 401, "Login failure");
  assert_int_equal(spent(w), 0);
  assert_reply(send_back(w, filled(w, &asked, "alice", "Ch4ng31t")), 200); /* a slip is forgiven */
  assert_int_equal(spent(w), 1);
}

static void guessing_with_one_auth_id_is_slowed_down(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  for (int i = 0; i < 10; i++)
    assert_rest(send_back(w, filled(w, &asked, "alice", "wrong")), 401, "Login failure");
  assert_reply(send_back(w, filled(w, &asked, "alice", "Ch4ng31t")), 429);
}

static void a_login_page_may_stay_open_five_minutes(void **state) {
  struct us_world *w = *state;
  struct us_reply first = ask(w), second = ask(w);
  us_world_advance_ms(w, 5 * 60 * 1000 - 1);
  assert_reply(send_back(w, filled(w, &first, "alice", "Ch4ng31t")), 200);
  us_world_advance_ms(w, 1);
  assert_rest(send_back(w, filled(w, &second, "alice", "Ch4ng31t")), 401, "Session has timed out");
}

static void an_auth_id_is_of_its_realm(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  const char *body = filled(w, &asked, "amAdmin", "Ch4ng31t");
  assert_rest(us_send(w, "POST", "/am/json/realms/root/authenticate", "Content-Type: application/json", body), 401,
              "Session has timed out");
}

static void an_auth_id_cannot_be_made_up_or_changed(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  const char *auth_id = us_text(w, "%s", us_reply_str(&asked, "authId"));
  static const char *const made_up[] = {"made-up", "", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"};
  for (size_t i = 0; i < sizeof(made_up) / sizeof(made_up[0]); i++) {
    assert_int_equal(json_object_set_new(asked.json, "authId", json_string(made_up[i])), 0);
    assert_rest(send_back(w, filled(w, &asked, "alice", "Ch4ng31t")), 401, "Session has timed out");
  }
  for (size_t i = 0; auth_id[i] != '\0'; i += 7) {
    char *flipped = (char *)us_text(w, "%s", auth_id);
    flipped[i] = flipped[i] == 'A' ? 'B' : 'A';
    assert_int_equal(json_object_set_new(asked.json, "authId", json_string(flipped)), 0);
    assert_rest(send_back(w, filled(w, &asked, "alice", "Ch4ng31t")), 401, "Session has timed out");
  }
  assert_reply(send_back(w, "{\"authId\":7}"), 400);
  assert_int_equal(json_object_set_new(asked.json, "authId", json_string(auth_id)), 0);
  assert_reply(send_back(w, filled(w, &asked, "alice", "Ch4ng31t")), 200);
}

static enum us_code reread(struct us_cx *cx, void *self) {
  (void)self;
  return us_snapshot_refresh(cx, true);
}
static void a_login_outlives_a_restart(void **state) {
  struct us_world *w = *state;
  struct us_reply asked = ask(w);
  assert_int_equal(us_world_transact(w, reread, NULL), US_OK);
  assert_reply(send_back(w, filled(w, &asked, "alice", "Ch4ng31t")), 200);
}

static void callbacks_without_values_fail(void **state) {
  struct us_world *w = *state;
  struct us_reply r = ask(w);
  assert_rest(send_back(w, us_text(w, "{\"authId\":\"%s\"}", us_reply_str(&r, "authId"))), 401, "Login failure");
  assert_rest(send_back(w, filled(w, &r, "alice", NULL)), 401, "Login failure");
  assert_rest(send_back(w, filled(w, &r, "", "Ch4ng31t")), 401, "Login failure");
}

static void passed_steps_are_forgotten_when_they_have_expired(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 3; i++) {
    struct us_reply asked = ask(w);
    assert_reply(send_back(w, filled(w, &asked, "alice", "Ch4ng31t")), 200);
  }
  assert_int_equal(spent(w), 3);
  us_world_advance_ms(w, 5 * 60 * 1000 + 1);
  struct us_reply asked = ask(w);
  assert_int_equal(spent(w), 3);
  assert_reply(send_back(w, filled(w, &asked, "alice", "Ch4ng31t")), 200);
  assert_int_equal(spent(w), 1);
}

/* Zero-page login is the realm's choice: without it the headers are not there. */
static void headers_are_ignored_where_the_realm_says_so(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "zeroPageLoginEnabled", "false");
  struct us_reply r = log_in(w, "alice", "Ch4ng31t");
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "authId"), "");
  assert_null(json_object_get(r.json, "tokenId"));
  r = log_in(w, "alice", "wrong");
  assert_status(r, 200);
  assert_reply(send_back(w, filled(w, &r, "alice", "Ch4ng31t")), 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(callbacks_ask_for_name_and_password),
      STORY(locale_chooses_the_language),
      STORY(filled_callbacks_log_in),
      STORY(a_login_is_passed_once),
      STORY(of_two_at_once_one_passes),
      STORY(what_only_begins_or_fails_leaves_no_row),
      STORY(guessing_with_one_auth_id_is_slowed_down),
      STORY(a_login_page_may_stay_open_five_minutes),
      STORY(an_auth_id_is_of_its_realm),
      STORY(an_auth_id_cannot_be_made_up_or_changed),
      STORY(a_login_outlives_a_restart),
      STORY(callbacks_without_values_fail),
      STORY(passed_steps_are_forgotten_when_they_have_expired),
      STORY(headers_are_ignored_where_the_realm_says_so),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
