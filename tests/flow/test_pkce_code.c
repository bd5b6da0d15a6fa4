/* PKCE of authorization codes (RFC 7636, RFC 9700 2.1.1, 4.8; PK-01 to PK-07): every way around it. */
#include "flow/authorize.h"

#define BARE_C1 REQUEST_C1
#define WITH_C1 REQUEST_C1 WITH_CHALLENGE

static struct us_reply exchange_c1(struct us_world *w, const char *code, const char *verifier) {
  return exchange(w, C1, code, C1_BACK, verifier ? us_text(w, "&code_verifier=%s", us_enc(w, verifier)) : NULL);
}

/* PK-01 */
static void the_published_pair_works(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  expect_status(exchange_public(w, allowed_code(w, alice, REQUEST_P1), VERIFIER), 200);
  expect_status(exchange_c1(w, allowed_code(w, alice, WITH_C1), VERIFIER), 200);
}

/* PK-03: for confidential clients too; the code is used up. */
static void a_challenge_wants_its_verifier(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  static const char *const wrong[] = {CHALLENGE, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK",
                                      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX",
                                      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXkA", "x"};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    const char *code = allowed_code(w, alice, WITH_C1);
    struct us_reply r = exchange_c1(w, code, wrong[i]);
    assert_error(r, 400, "invalid_grant");
    assert_string_equal(description(r), INVALID_GRANT_TEXT);
    expect_error(exchange_c1(w, code, VERIFIER), 400, "invalid_grant");
    code = allowed_code(w, alice, REQUEST_P1);
    expect_error(exchange_public(w, code, wrong[i]), 400, "invalid_grant");
    expect_error(exchange_public(w, code, VERIFIER), 400, "invalid_grant");
  }
}

/* Contract 3.1, whatever the realm says now. */
static void a_missing_verifier_has_its_own_words(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  static const char *const rules[] = {"public", "false", "true", "passwordless"};
  for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
    const char *code = allowed_code(w, alice, WITH_C1);
    us_world_set(w, "codeVerifierEnforced", rules[i]);
    struct us_reply r = exchange_c1(w, code, NULL);
    assert_error(r, 400, "invalid_request");
    assert_string_equal(description(r), "code_verifier parameter required");
    expect_error(exchange_c1(w, code, VERIFIER), 400, "invalid_grant"); /* used up */
    expect_error(exchange_public(w, allowed_code(w, alice, REQUEST_P1), NULL), 400, "invalid_request");
  }
}

/* PK-04: somebody took the challenge out of the request. */
static void a_verifier_without_a_challenge_is_refused(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  const char *code = allowed_code(w, alice, BARE_C1);
  expect_error(exchange_c1(w, code, VERIFIER), 400, "invalid_grant");
  expect_error(exchange_c1(w, code, NULL), 400, "invalid_grant");
  us_world_set(w, "codeVerifierEnforced", "false");
  code = allowed_code(w, alice, "response_type=code&scope=openid&redirect_uri=" P1_BACK "&client_id=" P1);
  expect_error(exchange_public(w, code, VERIFIER), 400, "invalid_grant");
}

/* The realm has come to demand PKCE while the browser was on its way. */
static void codes_of_before_do_not_pass_the_rule(void **state) {
  struct us_world *w = *state;
  const char *code = allowed_code(w, us_sso(w, "alice"), BARE_C1);
  us_world_set(w, "codeVerifierEnforced", "true");
  expect_error(exchange_c1(w, code, NULL), 400, "invalid_grant");
}

/* PK-05: a challenge of one method is not met by the other; switching plain off later changes nothing of a code. */
static void methods_are_not_mixed_up(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  us_world_set(w, "allowPlainPkce", "true");
  expect_status(exchange_c1(w, allowed_code(w, alice, BARE_C1 "&code_challenge=" VERIFIER), VERIFIER), 200);
  expect_status(
      exchange_c1(w, allowed_code(w, alice, BARE_C1 "&code_challenge_method=plain&code_challenge=" VERIFIER), VERIFIER),
      200);
  expect_error(exchange_c1(w, allowed_code(w, alice, BARE_C1 "&code_challenge=" CHALLENGE), VERIFIER), 400,
               "invalid_grant");
  expect_error(
      exchange_c1(w, allowed_code(w, alice, BARE_C1 "&code_challenge_method=S256&code_challenge=" VERIFIER), VERIFIER),
      400, "invalid_grant");
}

/* PK-06 */
static void verifiers_have_43_to_128_characters(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  us_world_set(w, "allowPlainPkce", "true");
  const int good[] = {43, 128}, bad[] = {42, 129};
  for (size_t i = 0; i < 2; i++) {
    const char *text = us_text(w, "%0*d", good[i], 7);
    expect_status(exchange_c1(w, allowed_code(w, alice, us_text(w, BARE_C1 "&code_challenge=%s", text)), text), 200);
    text = us_text(w, "%0*d", bad[i], 7);
    assert_sent_error(w, visit(w, alice, us_text(w, BARE_C1 "&code_challenge=%s", text)), C1_BACK, "invalid_request");
    char digest[US_SHA256_TEXT_BYTES];
    us_sha256_text(us_str_c(text), digest);
    const char *code =
        allowed_code(w, alice, us_text(w, BARE_C1 "&code_challenge_method=S256&code_challenge=%s", digest));
    expect_error(exchange_c1(w, code, text), 400, "invalid_grant"); /* although the hash is right */
  }
  const char *plus = us_text(w, "%049d+", 7);
  assert_sent_error(w, visit(w, alice, us_text(w, BARE_C1 "&code_challenge=%s", us_enc(w, plus))), C1_BACK,
                    "invalid_request");
}

/* The challenge of one authorization says nothing about the next. */
static void each_code_has_its_own_challenge(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  const char *other = "ush3r-ticket-verifier_0123456789~abcdefghijklm"; /* protocol contract 6.7 */
  const char *first = allowed_code(w, alice, WITH_C1);
  const char *second = allowed_code(w, alice,
                                    BARE_C1 "&code_challenge_method=S256&code_challenge="
                                            "VJQw1Oalzayz03lNdyd7HUwdoaRBtD8740pg4AlAxyE");
  expect_error(exchange_c1(w, first, other), 400, "invalid_grant");
  expect_status(exchange_c1(w, second, other), 200);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(the_published_pair_works),
      STORY(a_challenge_wants_its_verifier),
      STORY(a_missing_verifier_has_its_own_words),
      STORY(a_verifier_without_a_challenge_is_refused),
      STORY(codes_of_before_do_not_pass_the_rule),
      STORY(methods_are_not_mixed_up),
      STORY(verifiers_have_43_to_128_characters),
      STORY(each_code_has_its_own_challenge),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
