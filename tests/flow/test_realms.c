/* Realms in all URL forms of protocol contract 1.1 and REST contract a.1. */
#include "flow/flow.h"

#define META ".well-known/uma2-configuration"

static void issuer_is(struct us_world *w, const char *target, const char *issuer) {
  struct us_reply r = us_send(w, "GET", target, NULL, NULL);
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "issuer"), issuer);
}

#define ALPHA_ISSUER WORLD_BASE "/oauth2/realms/root/realms/alpha"
#define ROOT_ISSUER WORLD_BASE "/oauth2"

/* MD-01 */
static void every_form_names_the_same_realm(void **state) {
  struct us_world *w = *state;
  issuer_is(w, "/am/uma/realms/root/realms/alpha/" META, ALPHA_ISSUER);
  issuer_is(w, "/am/uma/realms/ROOT/realms/alpha/" META, ALPHA_ISSUER);
  issuer_is(w, "/am/uma/alpha/" META, ALPHA_ISSUER);
  issuer_is(w, "/am/uma/" META "?realm=/alpha", ALPHA_ISSUER);
  issuer_is(w, "/am/uma/" META "?realm=alpha", ALPHA_ISSUER);
  issuer_is(w, "/am/uma/" META "?realm=%2Falpha", ALPHA_ISSUER);
  issuer_is(w, "/am/uma/" META, ROOT_ISSUER);
  issuer_is(w, "/am/uma/realms/root/" META, ROOT_ISSUER);
  issuer_is(w, "/am/oauth2/realms/root/realms/alpha/" META, ALPHA_ISSUER);
}

static void path_beats_query(void **state) {
  issuer_is(*state, "/am/uma/realms/root/" META "?realm=/alpha", ROOT_ISSUER);
  issuer_is(*state, "/am/uma/alpha/" META "?realm=/", ALPHA_ISSUER);
}

static void unknown_realm(struct us_world *w, const char *target, const char *shown) {
  struct us_reply r = us_send(w, "GET", target, NULL, NULL);
  assert_status(r, 404);
  assert_int_equal(us_reply_int(&r, "code"), 404);
  assert_string_equal(us_reply_str(&r, "reason"), "Not Found");
  assert_string_equal(us_reply_str(&r, "message"), us_text(w, "Realm \"%s\" not found", shown));
}

static void unknown_realms_are_404_in_the_rest_shape(void **state) {
  unknown_realm(*state, "/am/uma/realms/root/realms/nope/" META, "/nope");
  unknown_realm(*state, "/am/uma/nope/" META, "/nope");
  unknown_realm(*state, "/am/uma/" META "?realm=/nope", "/nope");
  unknown_realm(*state, "/am/uma/realms/alpha/" META, "/alpha"); /* realms/x before realms/root */
  unknown_realm(*state, "/am/uma/realms/root/realms/alpha/realms/deep/" META, "/alpha/deep");
  unknown_realm(*state, "/am/json/realms/root/realms/nope/serverinfo/*", "/nope");
  unknown_realm(*state, "/am/uma/realms/root/realms/ALPHA/" META, "/ALPHA");
}

static void bare_segments_are_not_served_under_json(void **state) {
  struct us_reply r = us_send(*state, "GET", "/am/json/alpha/serverinfo/*", NULL, NULL);
  assert_status(r, 404);
}

static void one_trailing_slash_is_accepted(void **state) {
  issuer_is(*state, "/am/uma/realms/root/realms/alpha/" META "/", ALPHA_ISSUER);
  struct us_reply r = us_send(*state, "GET", "/am/uma/realms/root/realms/alpha/" META "//", NULL, NULL);
  assert_status(r, 404);
}

/* MD-02 */
static void a_host_header_decides_nothing(void **state) {
  struct us_world *w = *state;
  struct us_reply r =
      us_send(w, "GET", "/am/uma/alpha/" META, "X-Forwarded-Host: evil.example\nX-Forwarded-Proto: https", NULL);
  assert_string_equal(us_reply_str(&r, "issuer"), ALPHA_ISSUER);
  assert_null(strstr(r.body, "evil"));
}

/* UF-08 */
static void a_pat_counts_only_in_its_realm(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", "UMA-Resource-Server");
  struct us_reply r = us_with_pat(w, "GET", "/am/uma/realms/root/resource_set", pat, NULL);
  assert_error(r, 401, "invalid_token");
  r = us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL);
  assert_status(r, 200);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(every_form_names_the_same_realm),          STORY(path_beats_query),
      STORY(unknown_realms_are_404_in_the_rest_shape), STORY(bare_segments_are_not_served_under_json),
      STORY(one_trailing_slash_is_accepted),           STORY(a_host_header_decides_nothing),
      STORY(a_pat_counts_only_in_its_realm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
