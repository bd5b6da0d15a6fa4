/* PKCE for tickets (protocol contract 6.7, 9.3, Q27): a challenge at the claims endpoint, its verifier at the token endpoint. */
#include "flow/claims.h"

#define RIGHT "&code_verifier=" VERIFIER
#define WRONG "&code_verifier=ush3r-ticket-verifier_0123456789~abcdefghijklM"
#define CHALLENGE_AS_VERIFIER "&code_verifier=" CHALLENGE
#define OTHER_CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" /* RFC 7636 B */
#define PUBLIC "Public-Client"

/* A ticket that bob has said who he is for, with the challenge. */
static const char *challenged(struct us_world *w, const struct gallery *g) {
  const char *ticket = fresh_ticket(w, g);
  expect_status(visit(w, g->bob, c1_query(w, ticket, WITH_CHALLENGE)), 200);
  return ticket_for_client(w, press(w, g->bob, ticket, "allow", WITH_CHALLENGE));
}
static void is_spent(struct us_world *w, const char *ticket) {
  expect_error(us_grant(w, C1, ticket, NULL, RIGHT), 400, "invalid_grant");
}

static void the_right_verifier_opens(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = challenged(w, &g);
  assert_holds(w, g.pat, rpt_of(us_grant(w, C1, ticket, NULL, RIGHT)), "%s:view", g.album);
  is_spent(w, ticket);
}

/* Absent and wrong differ in the error; the ticket is consumed both times. */
static void a_missing_or_wrong_verifier_spends_the_ticket(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = challenged(w, &g);
  struct us_reply r = us_grant(w, C1, ticket, NULL, NULL);
  assert_error(r, 400, "invalid_request");
  assert_string_equal(us_reply_str(&r, "error_description"), "code_verifier parameter required");
  assert_null(json_object_get(r.json, "ticket"));
  is_spent(w, ticket);
  static const char *const wrong[] = {WRONG, "&code_verifier=short", CHALLENGE_AS_VERIFIER};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    ticket = challenged(w, &g);
    r = us_grant(w, C1, ticket, NULL, wrong[i]);
    assert_error(r, 400, "invalid_grant");
    assert_null(json_object_get(r.json, "ticket"));
    is_spent(w, ticket);
  }
}

/* Downgrade: somebody takes the challenge out, and the client's verifier betrays it. */
static void a_verifier_for_a_ticket_without_a_challenge_is_refused(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = gathered(w, g.bob, fresh_ticket(w, &g), NULL);
  expect_error(us_grant(w, C1, ticket, NULL, RIGHT), 400, "invalid_grant");
  is_spent(w, ticket);
}

/* Downgrade: once a challenge has come with a ticket, no later presentation takes it away or puts another in its place. */
static void a_challenge_that_is_there_stays(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g);
  expect_status(visit(w, g.bob, c1_query(w, ticket, WITH_CHALLENGE)), 200);
  const char *other = c1_query(w, ticket, "&code_challenge=" OTHER_CHALLENGE "&code_challenge_method=S256");
  assert_sent_back(w, visit(w, g.bob, other), C1_BACK, "invalid_request");
  assert_sent_back(w, visit(w, NULL, other), C1_BACK, "invalid_request");
  assert_sent_back(w,
                   press(w, g.bob, ticket, "allow", "&code_challenge=" OTHER_CHALLENGE "&code_challenge_method=S256"),
                   C1_BACK, "invalid_request");
  /* Left out it is still asked for. */
  expect_status(visit(w, g.bob, c1_query(w, ticket, "")), 200);
  ticket = ticket_for_client(w, press(w, g.bob, ticket, "allow", NULL));
  expect_error(us_grant(w, C1, ticket, NULL, NULL), 400, "invalid_request");
  /* Who has caught the ticket on its way back gets no further by presenting it once more. */
  ticket = challenged(w, &g);
  assert_sent_back(
      w, visit(w, NULL, c1_query(w, ticket, "&code_challenge=" OTHER_CHALLENGE "&code_challenge_method=S256")), C1_BACK,
      "invalid_request");
  rpt_of(us_grant(w, C1, ticket, NULL, RIGHT));
}

/* Q27: through the login page, and from need_info to need_info. */
static void the_challenge_goes_along_with_every_successor(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *url = location(visit(w, NULL, c1_query(w, fresh_ticket(w, &g), WITH_CHALLENGE)));
  const char *ticket = param_of(w, param_of(w, url, "goto"), "ticket");
  assert_string_equal(param_of(w, param_of(w, url, "goto"), "code_challenge"), CHALLENGE);
  assert_string_equal(param_of(w, param_of(w, url, "goto"), "code_challenge_method"), "S256");
  ticket = ticket_for_client(w, press(w, us_sso(w, "carol"), ticket, "allow", NULL));
  ticket = successor(us_grant(w, C1, ticket, NULL, RIGHT), 403, "request_submitted"); /* carol may nothing */
  ticket = successor(us_grant(w, C1, ticket, NULL, RIGHT), 403, "request_submitted");
  expect_error(us_grant(w, C1, ticket, NULL, NULL), 400, "invalid_request");
}

/* PK-05, PK-06: what is no challenge goes back to the client, and the ticket is not touched. */
static void a_flawed_challenge_is_sent_back(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g);
  static const char *const flawed[] = {
      "&code_challenge=" CHALLENGE "&code_challenge_method=S512",
      "&code_challenge=" CHALLENGE "&code_challenge_method=s256",
      "&code_challenge=" CHALLENGE, /* plain, which the realm does not allow */
      "&code_challenge=" CHALLENGE "&code_challenge_method=plain",
      "&code_challenge_method=S256",
      "&code_challenge=tooshort&code_challenge_method=S256",
      "&code_challenge=" CHALLENGE "%2B&code_challenge_method=S256",
  };
  for (size_t i = 0; i < sizeof(flawed) / sizeof(flawed[0]); i++) {
    struct us_reply r = visit(w, g.bob, c1_query(w, ticket, us_text(w, "&state=s%s", flawed[i])));
    assert_sent_back(w, r, C1_BACK, "invalid_request");
    assert_string_equal(param_of(w, location(r), "state"), "s");
    assert_sent_back(w, press(w, g.bob, ticket, "allow", flawed[i]), C1_BACK, "invalid_request");
  }
  successor(us_grant(w, C1, ticket, NULL, NULL), 403, "need_info"); /* alive, and nobody's yet */
}

static void plain_works_where_the_realm_allows_it(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  us_world_set(w, "allowPlainPkce", "true");
  const char *ticket = fresh_ticket(w, &g);
  expect_status(visit(w, g.bob, c1_query(w, ticket, "&code_challenge=" VERIFIER)), 200);
  ticket = ticket_for_client(w, press(w, g.bob, ticket, "allow", "&code_challenge=" VERIFIER));
  rpt_of(us_grant(w, C1, ticket, NULL, RIGHT));
}

/* 9.3 codeVerifierEnforced, shared with codes. Q46: `public` by default. */
static struct us_reply of_public_client(struct us_world *w, const char *sso, const char *ticket, const char *extra) {
  return visit(w, sso, us_text(w, "client_id=" PUBLIC "&ticket=%s%s", us_enc(w, ticket), extra));
}
static struct us_reply grant_to_public_client(struct us_world *w, const char *ticket, const char *extra) {
  return us_send(w, "POST", TOKEN, FORM_TYPE,
                 us_text(w, "grant_type=%s&client_id=" PUBLIC "&ticket=%s%s",
                         us_enc(w, "urn:ietf:params:oauth:grant-type:uma-ticket"), us_enc(w, ticket), extra));
}
static void who_must_use_pkce_is_a_setting(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g);
  assert_sent_back(w, of_public_client(w, g.bob, ticket, ""), PUBLIC_BACK, "invalid_request");
  assert_sent_back(w, of_public_client(w, NULL, ticket, ""), PUBLIC_BACK, "invalid_request");
  assert_sent_back(w,
                   post_form(w, g.bob,
                             us_text(w, "client_id=" PUBLIC "&ticket=%s&csrf=%s&decision=allow", us_enc(w, ticket),
                                     csrf_of(w, g.bob))),
                   PUBLIC_BACK, "invalid_request");
  expect_status(of_public_client(w, g.bob, ticket, WITH_CHALLENGE), 200); /* it was not touched by that */
  struct us_reply r = post_form(
      w, g.bob,
      us_text(w, "client_id=" PUBLIC "&ticket=%s&csrf=%s&decision=allow", us_enc(w, ticket), csrf_of(w, g.bob)));
  ticket = param_of(w, location(r), "ticket");
  rpt_of(grant_to_public_client(w, ticket, RIGHT));
  /* Others need none, unless everybody does. */
  expect_status(visit(w, g.bob, c1_query(w, fresh_ticket(w, &g), "")), 200);
  us_world_set(w, "codeVerifierEnforced", "true");
  assert_sent_back(w, visit(w, g.bob, c1_query(w, fresh_ticket(w, &g), "")), C1_BACK, "invalid_request");
  rpt_of(us_grant(w, C1, challenged(w, &g), NULL, RIGHT));
  us_world_set(w, "codeVerifierEnforced", "false");
  expect_status(of_public_client(w, g.bob, fresh_ticket(w, &g), ""), 200);
}

/* Tickets that never went through a browser have none, whatever the setting says. */
static void pushed_claims_need_no_verifier(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  us_world_set(w, "interactiveClaimsGatheringEnabled", "false");
  us_world_set(w, "codeVerifierEnforced", "true");
  rpt_of(us_grant(w, C1, fresh_ticket(w, &g), us_id_token(w, "bob", C1), NULL));
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(the_right_verifier_opens),
      STORY(a_missing_or_wrong_verifier_spends_the_ticket),
      STORY(a_verifier_for_a_ticket_without_a_challenge_is_refused),
      STORY(a_challenge_that_is_there_stays),
      STORY(the_challenge_goes_along_with_every_successor),
      STORY(a_flawed_challenge_is_sent_back),
      STORY(plain_works_where_the_realm_allows_it),
      STORY(who_must_use_pkce_is_a_setting),
      STORY(pushed_claims_need_no_verifier),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
