/* Client authentication (protocol contract 1.7) at the endpoints that ask for it. */
#include "flow/oauth.h"

#define GRANT "grant_type=client_credentials&scope=openid"
#define REALM_CHALLENGE "Basic realm=\"/alpha\""

/* The right credentials get a token: what is refused below is refused for its flaw. */
static void is_fine_otherwise(struct us_world *w) {
  struct us_reply r = send_form(w, TOKEN, basic(w, RS1, "mySecret"), GRANT);
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "access_token"), "");
}

static void both_secret_methods_work(void **state) {
  struct us_world *w = *state;
  expect_status(send_form(w, TOKEN, basic(w, RS1, "mySecret"), GRANT), 200);
  expect_status(send_form(w, TOKEN, NULL, GRANT "&client_id=" RS1 "&client_secret=mySecret"), 200);
  /* The id may be repeated in the form: an 8.1 sample sends exactly that. */
  expect_status(send_form(w, TOKEN, basic(w, RS1, "mySecret"), GRANT "&client_id=" RS1), 200);
}

/* OA-06 */
static void basic_is_form_decoded_after_base64(void **state) {
  struct us_world *w = *state;
  is_fine_otherwise(w);
  create_client(w, (struct new_client){
                       .id = "a b:c", .secret = "p%+\xc3\xa9", .grants = "client_credentials", .scopes = "openid"});
  expect_status(send_form(w, TOKEN, basic_raw(w, "a+b%3Ac:p%25%2B%C3%A9"), GRANT), 200);
  expect_status(send_form(w, TOKEN, basic_raw(w, "a%20b%3ac:p%25%2b%c3%a9"), GRANT), 200);
  expect_status(send_form(w, TOKEN, us_text(w, "authorization: bASIC %s", base64(w, "a+b%3Ac:p%25%2B%C3%A9")), GRANT),
                200);
  expect_error(send_form(w, TOKEN, basic_raw(w, "a b:c:p%25%2B%C3%A9"), GRANT), 401, "invalid_client");
  expect_error(send_form(w, TOKEN, basic_raw(w, "a+b%3Ac:p%+%C3%A9"), GRANT), 401, "invalid_client");
}

/* OA-06 */
static void malformed_basic_is_invalid_client(void **state) {
  struct us_world *w = *state;
  static const char *const headers[] = {
      "Authorization: Basic",
      "Authorization: Basic ",
      "Authorization: Basic !!!!",
      "Authorization: Basic bm9jb2xvbg==" /* no colon */,
      "Authorization: Basic Ong=" /* :x */,
      "Authorization: Bearer abc",
      "Authorization: Digest x=y",
      "Authorization: Basic VU1B\xc3\xa9",
  };
  for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
    struct us_reply r = send_form(w, TOKEN, headers[i], GRANT);
    assert_error(r, 401, "invalid_client");
    assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), REALM_CHALLENGE);
  }
}

/* OA-07 */
static void one_method_and_no_more(void **state) {
  struct us_world *w = *state;
  is_fine_otherwise(w);
  const char *header = basic(w, RS1, "mySecret");
  struct us_reply r = send_form(w, TOKEN, header, GRANT "&client_secret=mySecret");
  assert_error(r, 400, "invalid_request");
  assert_string_equal(description(r), "Client authentication failed");
  expect_error(send_form(w, TOKEN, header, GRANT "&client_id=" RS1 "&client_secret=mySecret"), 400, "invalid_request");
  expect_error(send_form(w, TOKEN, header, GRANT "&client_id=" RS2), 400, "invalid_request");
  expect_error(send_form(w, TOKEN, header, GRANT "&client_assertion=a.b.c"), 400, "invalid_request");
  expect_error(send_form(w, TOKEN, NULL, GRANT "&client_id=" RS1 "&client_secret=mySecret&client_assertion=a.b.c"), 400,
               "invalid_request");
}

/* OA-08 */
static void credentials_do_not_belong_into_the_url(void **state) {
  struct us_world *w = *state;
  static const char *const paths[] = {TOKEN, INTROSPECT, REVOKE};
  for (size_t i = 0; i < 3; i++) {
    expect_error(send_form(w, us_text(w, "%s?client_secret=mySecret&client_id=" RS1, paths[i]), NULL, GRANT "&token=x"),
                 400, "invalid_request");
    expect_error(send_form(w, us_text(w, "%s?client_secret=mySecret", paths[i]), NULL, GRANT "&token=x&client_id=" RS1),
                 400, "invalid_request");
  }
  const char *pat = us_pat(w, "alice", RS1);
  expect_error(us_send(w, "GET", us_text(w, ALPHA_UMA "resource_set?access_token=%s", pat), NULL, NULL), 401,
               "invalid_token");
}

/* OA-09: one and the same answer whatever was wrong; 401 names the scheme when a header was used. */
static void unknown_client_and_wrong_secret_look_alike(void **state) {
  struct us_world *w = *state;
  is_fine_otherwise(w);
  struct us_reply wrong = send_form(w, TOKEN, basic(w, RS1, "nope"), GRANT);
  struct us_reply nobody = send_form(w, TOKEN, basic(w, "nobody", "nope"), GRANT);
  assert_error(wrong, 401, "invalid_client");
  assert_string_equal(description(wrong), "Client authentication failed");
  assert_string_equal(us_reply_header(&wrong, "WWW-Authenticate"), REALM_CHALLENGE);
  assert_int_equal(nobody.status, 401);
  assert_string_equal(nobody.body, wrong.body);
  assert_string_equal(us_reply_header(&nobody, "WWW-Authenticate"), REALM_CHALLENGE);
  struct us_reply by_form = send_form(w, TOKEN, NULL, GRANT "&client_id=" RS1 "&client_secret=nope");
  assert_int_equal(by_form.status, 400);
  assert_string_equal(by_form.body, wrong.body);
  assert_null(us_reply_header(&by_form, "WWW-Authenticate"));
}

/* OA-10 */
static void an_id_alone_is_not_enough(void **state) {
  struct us_world *w = *state;
  is_fine_otherwise(w);
  expect_error(send_form(w, TOKEN, NULL, GRANT "&client_id=" RS1), 400, "invalid_client");
  expect_error(send_form(w, TOKEN, NULL, GRANT "&client_id=" RS1 "&client_secret="), 400, "invalid_client");
  expect_error(send_form(w, TOKEN, basic(w, RS1, ""), GRANT), 401, "invalid_client");
  expect_error(send_form(w, TOKEN, NULL, GRANT), 400, "invalid_client");
  expect_error(send_form(w, TOKEN, NULL, GRANT "&client_id=nobody"), 400, "invalid_client");
}

static void public_clients_show_their_id_only(void **state) {
  struct us_world *w = *state;
  expect_status(send_form(w, REVOKE, NULL, "token=x&client_id=" P1), 200);
  expect_status(send_form(w, REVOKE, basic(w, P1, ""), "token=x"), 200);
  expect_error(send_form(w, REVOKE, NULL, "token=x&client_id=" P1 "&client_secret=guess"), 400, "invalid_client");
  expect_error(send_form(w, REVOKE, basic(w, P1, "guess"), "token=x"), 401, "invalid_client");
}

static void a_strict_realm_wants_the_registered_method(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "strictClientAuthMethod", "true");
  expect_status(token(w, RS1, GRANT), 200); /* registered as client_secret_post */
  expect_error(send_form(w, TOKEN, basic(w, RS1, "mySecret"), GRANT), 401, "invalid_client");
}

static void switch_off(struct us_cx *cx, struct us_client *client) {
  client->is_active = false;
}
static void a_client_that_is_switched_off_is_nobody(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  change_client(w, RS1, switch_off);
  expect_error(token(w, RS1, GRANT), 400, "invalid_client");
  expect_error(us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL), 401, "invalid_token");
}

static void new_secret(struct us_cx *cx, struct us_client *client) {
  char hash[US_PASSWORD_HASH_BYTES];
  assert_int_equal(us_password_hash(cx, US_STR("another"), hash), US_OK);
  client->secret_hash = us_str_dup(cx->mem, us_str_c(hash));
}
static void a_changed_secret_ends_the_remembered_one(void **state) {
  struct us_world *w = *state;
  expect_status(token(w, RS1, GRANT), 200);
  change_client(w, RS1, new_secret);
  expect_error(token(w, RS1, GRANT), 400, "invalid_client");
  expect_status(send_form(w, TOKEN, basic(w, RS1, "another"), GRANT), 200);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(both_secret_methods_work),
      STORY(basic_is_form_decoded_after_base64),
      STORY(malformed_basic_is_invalid_client),
      STORY(one_method_and_no_more),
      STORY(credentials_do_not_belong_into_the_url),
      STORY(unknown_client_and_wrong_secret_look_alike),
      STORY(an_id_alone_is_not_enough),
      STORY(public_clients_show_their_id_only),
      STORY(a_strict_realm_wants_the_registered_method),
      STORY(a_client_that_is_switched_off_is_nobody),
      STORY(a_changed_secret_ends_the_remembered_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
