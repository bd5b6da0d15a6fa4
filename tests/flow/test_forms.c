/* Forms: strict decoding, no repeats, empty means absent, nothing from the query (HT-21, OA-03, OA-04, OA-05, OA-08). */
#include "flow/flow.h"

static struct us_reply post(struct us_world *w, const char *target, const char *body) {
  return us_send(w, "POST", target, "Content-Type: application/x-www-form-urlencoded", body);
}
#define CLIENT "&client_id=UMA-Client&client_secret=mySecret"
#define TOKEN ALPHA_OAUTH "access_token"

/* HT-21 */
static void bad_encodings_are_invalid_request(void **state) {
  static const char *const bodies[] = {"grant_type=%" CLIENT,   "grant_type=%4" CLIENT,
                                       "grant_type=%GG" CLIENT, "grant_type=a%00" CLIENT,
                                       "grant_type=%ff" CLIENT, "x=%C0%80&grant_type=password" CLIENT};
  for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
    struct us_reply r = post(*state, TOKEN, bodies[i]);
    assert_error(r, 400, "invalid_request");
  }
}

/* The same request without the flaw: it was the flaw that was refused. */
static void is_fine_otherwise(struct us_world *w) {
  struct us_reply r = post(w, TOKEN, "grant_type=password&username=bob&password=Ch4ng31t&scope=openid" CLIENT);
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "access_token"), "");
}

/* OA-04 */
static void nothing_occurs_twice(void **state) {
  struct us_world *w = *state;
  static const char *const twice[] = {
      "grant_type=password&grant_type=password" CLIENT, "grant_type=password&scope=a&scope=b" CLIENT,
      "grant_type=password&x_foo=1&x_foo=1" CLIENT, "grant_type=password&client_id=UMA-Client" CLIENT};
  for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
    struct us_reply r = post(w, TOKEN, twice[i]);
    assert_error(r, 400, "invalid_request");
  }
  struct us_reply r =
      post(w, TOKEN "?grant_type=password", "grant_type=password&username=bob&password=Ch4ng31t&scope=openid" CLIENT);
  assert_error(r, 400, "invalid_request");
  is_fine_otherwise(w);
}

/* OA-08 */
static void credentials_do_not_count_in_the_uri(void **state) {
  struct us_world *w = *state;
  struct us_reply r = post(w, TOKEN "?client_id=UMA-Client&client_secret=mySecret",
                           "grant_type=password&username=bob&password=Ch4ng31t&scope=openid");
  assert_true(r.status == 400 || r.status == 401);
  const char *pat = us_pat(w, "alice", "UMA-Resource-Server");
  r = us_send(w, "GET", us_text(w, ALPHA_UMA "resource_set?access_token=%s", pat), NULL, NULL);
  assert_error(r, 401, "invalid_token");
}

/* OA-05 */
static void empty_counts_as_absent(void **state) {
  struct us_world *w = *state;
  struct us_reply r = post(w, TOKEN, "grant_type=" CLIENT);
  assert_error(r, 400, "invalid_request");
  assert_string_equal(us_reply_str(&r, "error_description"), "Missing parameters: grant_type");
  struct us_reply with = post(w, TOKEN, "grant_type=password&username=bob&password=Ch4ng31t&scope=" CLIENT);
  struct us_reply without = post(w, TOKEN, "grant_type=password&username=bob&password=Ch4ng31t" CLIENT);
  assert_int_equal(with.status, without.status);
  assert_string_equal(us_reply_str(&with, "error"), us_reply_str(&without, "error"));
}

/* OA-03 */
static void only_forms_are_read(void **state) {
  struct us_world *w = *state;
  struct us_reply r = us_send(w, "POST", TOKEN, "Content-Type: application/json", "{\"grant_type\":\"password\"}");
  assert_error(r, 400, "invalid_request");
  assert_string_equal(us_reply_str(&r, "error_description"), "Invalid Content Type");
  r = us_send(w, "POST", TOKEN, "Content-Type: application/x-www-form-urlencoded;charset=UTF-8",
              "grant_type=password&username=bob&password=Ch4ng31t&scope=openid" CLIENT);
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "access_token"), "");
}

static void too_many_parameters(void **state) {
  struct us_world *w = *state;
  char body[4096] = "grant_type=password&username=bob&password=Ch4ng31t&scope=openid" CLIENT; /* six */
  for (int i = 0; i < 122; i++)
    sprintf(body + strlen(body), "&x%d=1", i);
  struct us_reply r = post(w, TOKEN, body);
  assert_status(r, 200);
  strcat(body, "&y=1");
  r = post(w, TOKEN, body);
  assert_error(r, 400, "invalid_request");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(bad_encodings_are_invalid_request),
      STORY(nothing_occurs_twice),
      STORY(credentials_do_not_count_in_the_uri),
      STORY(empty_counts_as_absent),
      STORY(only_forms_are_read),
      STORY(too_many_parameters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
