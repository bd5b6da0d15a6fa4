/* PKCE (RFC 7636): the published pairs, the bounds, the alphabet, who must use it, and every way to get around it. */
#include "../crypto/fixture.h"

#include "domain/pkce.h"
#include "domain/settings.h"

static struct us_realm realm;
static const struct us_client confidential = {.secret_hash = {"x", 1}};
static const struct us_client public = {.is_public = true};

static int up(void **state) {
  if (fixture_setup(state) != 0)
    return -1;
  struct us_cx *cx = *state;
  realm = (struct us_realm){0};
  return us_settings_init(cx->mem, &realm.settings) ? 0 : -1;
}

static void refuse(struct us_cx *cx, enum us_code wanted, enum us_code got, const char *text) {
  assert_int_equal(got, wanted);
  if (text != NULL)
    fixture_assert_str(cx->err.text, text);
  us_error_clear(cx);
}

#define INVALID_REQUEST(cx, call, text) refuse((cx), US_E_INVALID_REQUEST, (call), (text))
#define INVALID_GRANT(cx, call) refuse((cx), US_E_INVALID_GRANT, (call), NULL)

static enum us_code check(struct us_cx *cx, const struct us_client *client, struct us_str challenge, const char *method,
                          struct us_str *ret_method) {
  return us_pkce_check_challenge(cx, &realm, client, challenge, us_str_c(method), ret_method);
}

static struct us_str repeat(struct us_cx *cx, size_t n, const char *last) {
  char *text = us_mem_alloc(cx->mem, n);
  memset(text, 'a', n);
  memcpy(text + n - strlen(last), last, strlen(last));
  return (struct us_str){text, n};
}

/* PK-01, protocol contract 6.7 */
static void the_published_pairs_match(void **state) {
  static const char *const files[] = {"rfc7636-b.json", "protocol-contract-6.7.json"};
  struct us_cx *cx = *state;
  for (size_t i = 0; i < 2; i++) {
    struct us_str verifier = fixture_vector(cx, files[i], "code_verifier");
    struct us_str challenge = fixture_vector(cx, files[i], "code_challenge"), method;
    assert_int_equal(check(cx, &public, challenge, "S256", &method), US_OK);
    fixture_assert_str(method, "S256");
    assert_int_equal(us_pkce_verify(cx, challenge, method, verifier), US_OK);
    INVALID_GRANT(cx, us_pkce_verify(cx, challenge, US_STR("plain"), verifier));
    INVALID_GRANT(cx, us_pkce_verify(cx, verifier, method, verifier));
    INVALID_GRANT(cx, us_pkce_verify(cx, challenge, method, challenge));
  }
}

/* Wherever the difference stands. */
static void one_changed_character_is_refused(void **state) {
  struct us_cx *cx = *state;
  struct us_str verifier = fixture_vector(cx, "rfc7636-b.json", "code_verifier");
  struct us_str challenge = fixture_vector(cx, "rfc7636-b.json", "code_challenge");
  for (size_t i = 0; i < challenge.n; i++) {
    char *text = us_mem_copy(cx->mem, challenge.p, challenge.n);
    text[i] = text[i] == 'A' ? 'B' : 'A';
    INVALID_GRANT(cx, us_pkce_verify(cx, (struct us_str){text, challenge.n}, US_STR("S256"), verifier));
  }
  INVALID_GRANT(cx, us_pkce_verify(cx, (struct us_str){challenge.p, challenge.n - 1}, US_STR("S256"), verifier));
}

/* PK-06 */
static void lengths_have_bounds(void **state) {
  struct us_cx *cx = *state;
  struct us_str method, good[] = {repeat(cx, 43, ""), repeat(cx, 128, "")};
  struct us_str bad[] = {repeat(cx, 42, ""), repeat(cx, 129, ""), US_STR("a")};
  realm.settings.allow_plain_pkce = true;
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(check(cx, &public, good[i], "S256", &method), US_OK);
    assert_int_equal(check(cx, &public, good[i], "plain", &method), US_OK);
    assert_int_equal(us_pkce_verify(cx, good[i], method, good[i]), US_OK);
  }
  for (size_t i = 0; i < 3; i++) {
    INVALID_REQUEST(cx, check(cx, &public, bad[i], "S256", &method),
                    "A code_challenge has 43 to 128 unreserved characters");
    INVALID_REQUEST(cx, check(cx, &public, bad[i], "plain", &method), NULL);
    INVALID_GRANT(cx, us_pkce_verify(cx, bad[i], US_STR("plain"), bad[i])); /* equal, but no verifier */
  }
}

static void only_unreserved_characters_count(void **state) {
  struct us_cx *cx = *state;
  struct us_str method;
  realm.settings.allow_plain_pkce = true;
  struct us_str all = US_STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");
  assert_int_equal(check(cx, &public, all, "plain", &method), US_OK);
  assert_int_equal(us_pkce_verify(cx, all, method, all), US_OK);
  static const char *const others[] = {"+",  "/",  "=",    " ",        "%", "!", "*", "\"",
                                       "\\", "\n", "\x7f", "\xc3\xa4", "@", "[", "`", "{"};
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    struct us_str text = repeat(cx, 50, others[i]);
    INVALID_REQUEST(cx, check(cx, &public, text, "S256", &method), NULL);
    INVALID_GRANT(cx, us_pkce_verify(cx, text, US_STR("plain"), text));
  }
  struct us_str with_nul = repeat(cx, 50, "b");
  ((char *)(uintptr_t)with_nul.p)[7] = '\0';
  INVALID_REQUEST(cx, check(cx, &public, with_nul, "S256", &method), NULL);
  INVALID_GRANT(cx, us_pkce_verify(cx, with_nul, US_STR("plain"), with_nul));
}

/* PK-05: a missing method means plain. */
static void plain_needs_the_realms_leave(void **state) {
  struct us_cx *cx = *state;
  struct us_str text = repeat(cx, 43, ""), method = US_STR_ABSENT;
  INVALID_REQUEST(cx, check(cx, &public, text, "plain", &method), "The code_challenge_method must be S256");
  INVALID_REQUEST(cx, check(cx, &public, text, NULL, &method), "The code_challenge_method must be S256");
  INVALID_REQUEST(cx, check(cx, &public, text, "", &method), "The code_challenge_method must be S256");
  assert_null(method.p);
  realm.settings.allow_plain_pkce = true;
  assert_int_equal(check(cx, &public, text, NULL, &method), US_OK);
  fixture_assert_str(method, "plain");
}

static void unknown_methods_are_refused(void **state) {
  static const char *const others[] = {"S512", "s256", "S256 ", "PLAIN", "none", "S25", "S2566"};
  struct us_cx *cx = *state;
  struct us_str text = repeat(cx, 43, ""), method;
  realm.settings.allow_plain_pkce = true;
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    INVALID_REQUEST(cx, check(cx, &public, text, others[i], &method), "Unknown code_challenge_method");
    INVALID_GRANT(cx, us_pkce_verify(cx, text, us_str_c(others[i]), text));
  }
  INVALID_GRANT(cx, us_pkce_verify(cx, text, US_STR_ABSENT, text)); /* a row without a method is damaged, not plain */
}

static void a_method_alone_is_refused(void **state) {
  struct us_cx *cx = *state;
  struct us_str method;
  realm.settings.code_verifier_enforced = US_VERIFIER_OFF;
  INVALID_REQUEST(cx, check(cx, &confidential, US_STR_ABSENT, "S256", &method), "Missing parameter, 'code_challenge'");
  INVALID_REQUEST(cx, check(cx, &confidential, US_STR(""), "plain", &method), "Missing parameter, 'code_challenge'");
}

/* PK-02, contract 9.3 */
static void the_realm_says_who_must(void **state) {
  static const struct {
    int rule;
    bool public, confidential;
  } rules[] = {{US_VERIFIER_OFF, false, false},
               {US_VERIFIER_ALL, true, true},
               {US_VERIFIER_PUBLIC, true, false},
               {US_VERIFIER_PASSWORDLESS, true, false}};
  struct us_cx *cx = *state;
  assert_int_equal(realm.settings.code_verifier_enforced, US_VERIFIER_PUBLIC); /* Q46 */
  for (size_t i = 0; i < 4; i++) {
    realm.settings.code_verifier_enforced = rules[i].rule;
    const struct us_client *clients[] = {&public, &confidential};
    const bool must[] = {rules[i].public, rules[i].confidential};
    for (size_t c = 0; c < 2; c++) {
      struct us_str method = US_STR("old");
      assert_int_equal(us_pkce_is_required(&realm, clients[c]), must[c]);
      enum us_code code = check(cx, clients[c], US_STR_ABSENT, NULL, &method);
      if (must[c]) {
        INVALID_REQUEST(cx, code, "Missing parameter, 'code_challenge'");
        continue;
      }
      assert_int_equal(code, US_OK);
      assert_null(method.p);
    }
  }
}

/* PK-03, PK-04 */
static void challenge_and_verifier_go_together(void **state) {
  struct us_cx *cx = *state;
  struct us_str verifier = fixture_vector(cx, "rfc7636-b.json", "code_verifier");
  struct us_str challenge = fixture_vector(cx, "rfc7636-b.json", "code_challenge");
  INVALID_REQUEST(cx, us_pkce_verify(cx, challenge, US_STR("S256"), US_STR_ABSENT), "code_verifier parameter required");
  INVALID_REQUEST(cx, us_pkce_verify(cx, challenge, US_STR("S256"), US_STR("")), "code_verifier parameter required");
  INVALID_GRANT(cx, us_pkce_verify(cx, US_STR_ABSENT, US_STR_ABSENT, verifier));
  assert_int_equal(us_pkce_verify(cx, US_STR_ABSENT, US_STR_ABSENT, US_STR_ABSENT), US_OK);
}

int main(void) {
#define WITH(test) cmocka_unit_test_setup_teardown(test, up, fixture_teardown)
  const struct CMUnitTest tests[] = {
      WITH(the_published_pairs_match),
      WITH(one_changed_character_is_refused),
      WITH(lengths_have_bounds),
      WITH(only_unreserved_characters_count),
      WITH(plain_needs_the_realms_leave),
      WITH(unknown_methods_are_refused),
      WITH(a_method_alone_is_refused),
      WITH(the_realm_says_who_must),
      WITH(challenge_and_verifier_go_together),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
