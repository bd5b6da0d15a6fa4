/*
 * Settings of the UMA and the OAuth2 provider (protocol contract 9.1 to 9.3). Each is seen to work on the wire, here or in the test that
 * is named:
 *
 *   permissionTicketLifetime             test_ticket_rotation, test_claims_gathering
 *   deletePoliciesOnDeleteRS, deleteResourceSetsOnDeleteRS          test_deletion
 *   pendingRequestsEnabled               test_uma_errors, test_pending
 *   emailResourceOwnerOnPendingRequestCreation, emailRequestingPartyOnPendingRequestApproval, userProfileLocaleAttribute
 *                                        tests/domain/test_notice.c, tests/e2e/mail.test.mjs
 *   grantResourceOwnerImplicitConsent    test_uma_grant, test_conditions
 *   resharingMode                        test_resharing
 *   grantRptConditions                   test_uma_grant
 *   usernameAttribute                    test_groups, test_sets
 *   warnOnConfusableUsernames            here
 *   interactiveClaimsGatheringEnabled    test_claims_errors, test_pct
 *   claimsGatheringService               test_claims_gathering; that it is not set is said in the log: here
 *   pctLifetime                          test_pct
 *   accessTokenLifetime, refreshTokenLifetime, jwtTokenLifetime     test_token_endpoint, test_refresh, test_jwks
 *   codeLifetime                         here
 *   issueRefreshToken, issueRefreshTokenOnRefreshedToken            test_refresh
 *   codeVerifierEnforced                 test_ticket_pkce for tickets, test_authorize for codes
 *   clientsCanSkipConsent                test_consent
 *   supportedScopes, defaultScopes       test_token_endpoint, test_discovery
 *   introspectQueryParameterAllowed      test_introspection
 *
 * Names that mean nothing any more are ignored with a warning (9.2): tests/unit/domain/test_settings.c, tests/e2e/commands.test.mjs.
 */
#include <unistd.h>

#include "base/log.h"
#include "flow/claims.h"

#define POLICY(w, id, subject)                                                                                         \
  us_text((w), "{\"policyId\":\"%s\",\"permissions\":[{\"subject\":\"%s\",\"scopes\":[\"view\"]}]}", (id), (subject))
#define CYRILLIC_BOB                                                                                                   \
  "b\xd0\xbe"                                                                                                          \
  "b"

/* 9.1 warnOnConfusableUsernames: it is said, and shared all the same. */
static void names_that_look_like_others_are_told(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *sso = us_sso(w, "alice"), *id = us_register(w, pat, ALBUM);
  const char *url = us_text(w, ALPHA_JSON "users/alice/uma/policies/%s", id);
  struct us_reply r = us_with_sso(w, "PUT", url, sso, "If-None-Match: *", POLICY(w, id, CYRILLIC_BOB));
  assert_status(r, 201);
  assert_null(us_reply_header(&r, "Warning")); /* off by default */
  us_world_set(w, "warnOnConfusableUsernames", "true");
  r = us_with_sso(w, "PUT", url, sso, "If-Match: *", POLICY(w, id, CYRILLIC_BOB));
  assert_status(r, 200);
  assert_string_equal(us_reply_header(&r, "Warning"),
                      "199 - \"permissions[0]: the subject looks like bob and is another name\"");
  assert_non_null(strstr(r.body, CYRILLIC_BOB));
  r = us_with_sso(w, "PUT", url, sso, "If-Match: *", POLICY(w, id, "bob"));
  assert_status(r, 200);
  assert_null(us_reply_header(&r, "Warning"));
  expect_status(us_with_sso(w, "DELETE", url, sso, NULL, NULL), 200);
  r = us_with_sso(w, "POST", ALPHA_JSON "users/alice/uma/policies?_action=create", sso, NULL,
                  POLICY(w, id, "\xd0\xb0\\\"lice")); /* what is quoted is made safe */
  assert_status(r, 201);
  assert_string_equal(us_reply_header(&r, "Warning"),
                      "199 - \"permissions[0]: the subject looks like a?lice and is another name\"");
}

/* What is written to the log while `name` is set to `value`. */
static const char *log_of(struct us_world *w, const char *name, const char *value) {
  char text[4096] = "";
  FILE *file = tmpfile();
  assert_non_null(file);
  us_log_setup(US_LOG_WARN, US_LOG_LOGFMT, fileno(file));
  us_world_set(w, name, value);
  us_log_setup(US_LOG_OFF, US_LOG_LOGFMT, 2);
  rewind(file);
  size_t n = fread(text, 1, sizeof(text) - 1, file);
  fclose(file);
  return us_text(w, "%.*s", (int)n, text);
}
/* Q31: once, when it comes to be so. */
static void that_any_session_will_do_is_logged(void **state) {
  static const char said[] = "interactiveClaimsGatheringEnabled without claimsGatheringService";
  struct us_world *w = *state;
  assert_non_null(strstr(log_of(w, "interactiveClaimsGatheringEnabled", "true"), said));
  assert_string_equal(log_of(w, "pctLifetime", "60"), "");
  assert_string_equal(log_of(w, "claimsGatheringService", "ldapService"), "");
  assert_non_null(strstr(log_of(w, "claimsGatheringService", "[Empty]"), said));
  assert_string_equal(log_of(w, "interactiveClaimsGatheringEnabled", "false"), "");
}

static const char *code_of_alice(struct us_world *w, const char *sso) {
  struct us_reply r =
      us_send(w, "POST", ALPHA_OAUTH "authorize", us_text(w, FORM_TYPE "\n%s", cookie(w, sso)),
              us_text(w, "client_id=" C1 "&response_type=code&scope=openid&decision=allow&csrf=%s", csrf_of(w, sso)));
  const char *code = param_of(w, location(r), "code");
  assert_non_null(code);
  return code;
}
static struct us_reply exchange(struct us_world *w, const char *code) {
  return us_send(
      w, "POST", TOKEN, FORM_TYPE,
      us_text(w, "grant_type=authorization_code&code=%s&client_id=" C1 "&client_secret=mySecret", us_enc(w, code)));
}
/* 9.3 codeLifetime, and a client's own (9.4): to the second. */
static void half_as_long(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->code_s = 20;
}
static void a_code_lasts_as_long_as_the_realm_says(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "codeLifetime", "40");
  for (int64_t life_s = 40; life_s >= 20; life_s -= 20) {
    const char *sso = us_sso(w, "alice"), *used = code_of_alice(w, sso), *late = code_of_alice(w, sso);
    us_world_advance_ms(w, (life_s - 1) * 1000);
    expect_status(exchange(w, used), 200);
    us_world_advance_ms(w, 1000);
    expect_error(exchange(w, late), 400, "invalid_grant");
    change_client(w, C1, half_as_long);
  }
}

static int64_t active_for(struct us_world *w, const char *pat, const char *token) {
  struct us_reply r = us_introspect(w, pat, token);
  assert_status(r, 200);
  return us_reply_int(&r, "exp") - us_world_now_ms(w) / 1000;
}
/* UG-87: five lifetimes, each its own. */
static void lifetimes_are_set_one_by_one(void **state) {
  struct us_world *w = *state;
  static const char *const lives[][2] = {{"permissionTicketLifetime", "101"},
                                         {"accessTokenLifetime", "1003"},
                                         {"refreshTokenLifetime", "2005"},
                                         {"pctLifetime", "307"}};
  for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++)
    us_world_set(w, lives[i][0], lives[i][1]);
  struct gallery g = open_gallery(w);
  int64_t now_s = us_world_now_ms(w) / 1000;
  /* The permission: until the share ends. */
  const char *share =
      us_text(w,
              "{\"policyId\":\"%s\",\"permissions\":[{\"subject\":\"bob\",\"scopes\":[\"view\"]}],\"conditions\":"
              "[{\"type\":\"Expiration\",\"expirationDate\":%lld}]}",
              g.album, (long long)now_s + 809);
  expect_status(us_with_sso(w, "PUT", us_text(w, ALPHA_JSON "users/alice/uma/policies/%s", g.album), us_sso(w, "alice"),
                            "If-Match: *", share),
                200);
  struct us_reply r = us_grant(w, C1, gathered(w, g.bob, fresh_ticket(w, &g), "&save_consent=on"), NULL, NULL);
  const char *pct = us_reply_str(&r, "pct");
  assert_int_equal(active_for(w, g.pat, rpt_of(r)), 809);
  assert_int_equal(active_for(w, g.pat, g.pat), 1003);
  const char *own = ask_for(w, g.pat, us_register(w, g.pat, PHOTO), "[\"view\"]"), *alice = us_sso(w, "alice");
  assert_int_equal(active_for(w, g.pat, rpt_of(us_grant(w, C1, gathered(w, alice, own, NULL), NULL, NULL))), 1003);
  r = us_send(w, "POST", TOKEN, FORM_TYPE,
              "grant_type=password&username=alice&password=Ch4ng31t&scope=uma_protection&client_id=" RS1
              "&client_secret=mySecret");
  assert_int_equal(active_for(w, g.pat, us_reply_str(&r, "refresh_token")), 2005);
  /* The ticket and the PCT say nothing: they work until the last second, and then no more. */
  const char *tickets[] = {fresh_ticket(w, &g), fresh_ticket(w, &g)};
  for (int i = 0; i < 2; i++) {
    us_world_advance_ms(w, i == 0 ? 100 * 1000 : 1000);
    expect_error(us_grant(w, C1, tickets[i], NULL, NULL), i == 0 ? 403 : 400, i == 0 ? "need_info" : "invalid_grant");
  }
  for (int i = 0; i < 2; i++) {
    us_world_advance_ms(w, i == 0 ? (306 - 101) * 1000 : 1000);
    expect_status(us_grant(w, C1, fresh_ticket(w, &g), NULL, us_text(w, "&pct=%s", us_enc(w, pct))),
                  i == 0 ? 200 : 403);
  }
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(names_that_look_like_others_are_told),
      STORY(that_any_session_will_do_is_logged),
      STORY(a_code_lasts_as_long_as_the_realm_says),
      STORY(lifetimes_are_set_one_by_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
