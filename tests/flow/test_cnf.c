/*
 * RPTs and PCTs that are bound to a certificate (protocol contract 6.8, RFC 8705): by cnf_key, by the certificate of the connection, and
 * because the client is registered so.
 */
#include "flow/claims.h"

/* tests/vectors/protocol-contract-6.8.json. No such text has a character that the two alphabets
 * write in different ways. */
#define THUMBPRINT "mcwjrMOEKrZF4iEsDwBN5bySi9NhVRZKnE18o3f6uZ8"
#define CNF_KEY "eyJ4NXQjUzI1NiI6Im1jd2pyTU9FS3JaRjRpRXNEd0JONWJ5U2k5TmhWUlpLbkUxOG8zZjZ1WjgifQ=="
#define CNF "&cnf_key=eyJ4NXQjUzI1NiI6Im1jd2pyTU9FS3JaRjRpRXNEd0JONWJ5U2k5TmhWUlpLbkUxOG8zZjZ1WjgifQ%3D%3D"
/* Of another certificate: the thumbprint of nothing. */
#define OTHER "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
#define OTHER_CNF "&cnf_key=eyJ4NXQjUzI1NiI6IjQ3REVRcGo4SEJTYS1fVEltVy01SkNldVFlUmttNU5NcEpXWkczaFN1RlUifQ"

/* What introspection says the token is bound to; "" when to nothing. */
static const char *bound_to(struct us_world *w, const char *pat, const char *rpt) {
  struct us_reply r = us_introspect(w, pat, rpt);
  assert_status(r, 200);
  assert_true(json_is_true(json_object_get(r.json, "active")));
  json_t *cnf = json_object_get(r.json, "cnf");
  if (cnf == NULL)
    return "";
  assert_int_equal(json_object_size(cnf), 1);
  return json_string_value(json_object_get(cnf, "x5t#S256"));
}
static const char *pct_of_bob(struct us_world *w, const struct gallery *g, const char *extra) {
  struct us_reply r = us_grant(w, C1, gathered(w, g->bob, fresh_ticket(w, g), "&save_consent=on"), NULL, extra);
  rpt_of(r);
  return us_reply_str(&r, "pct");
}
static struct us_reply grant_with(struct us_world *w, const struct gallery *g, const char *pct, const char *extra) {
  return us_grant(w, C1, fresh_ticket(w, g), NULL, us_text(w, "&pct=%s%s", us_enc(w, pct), extra));
}

/* With pushed claim tokens as well. */
static void an_rpt_is_bound_to_the_key_that_was_named(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM), *bob = us_id_token(w, "bob", C1);
  us_share(w, "alice", album, "bob", "[\"view\"]");
  static const char *const forms[] = {CNF_KEY,
                                      "eyJ4NXQjUzI1NiI6Im1jd2pyTU9FS3JaRjRpRXNEd0JONWJ5U2k5TmhWUlpLbkUxOG8zZjZ1WjgifQ"};
  for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
    const char *ticket = ask_for(w, pat, album, "[\"view\"]");
    const char *rpt = rpt_of(us_grant(w, C1, ticket, bob, us_text(w, "&cnf_key=%s", us_enc(w, forms[i]))));
    assert_string_equal(bound_to(w, pat, rpt), THUMBPRINT);
  }
  assert_string_equal(bound_to(w, pat, rpt_of(us_grant(w, C1, ask_for(w, pat, album, "[\"view\"]"), bob, NULL))), "");
}

/* Blanks around it are JSON too; the whole has a limit. */
static void a_cnf_key_may_be_so_long(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = gathered(w, g.bob, fresh_ticket(w, &g), NULL), *json = "{\"x5t#S256\":\"" THUMBPRINT "\"}";
  for (int bytes = 771; bytes >= 768; bytes -= 3) { /* 1,028 and 1,024 characters */
    char text[800], encoded[1100];
    snprintf(text, sizeof(text), "%*s", bytes, json);
    us_base64url_encode(text, (size_t)bytes, encoded);
    struct us_reply r = us_grant(w, C1, ticket, NULL, us_text(w, "&cnf_key=%s", encoded));
    if (bytes > 768)
      assert_error(r, 400, "invalid_request");
    else
      assert_string_equal(bound_to(w, g.pat, rpt_of(r)), THUMBPRINT);
  }
}

/* 6.2: malformed is step 4, and the ticket lives; a conflict is step 8, and it is spent. */
static void what_the_connection_shows_takes_precedence(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = gathered(w, g.bob, fresh_ticket(w, &g), NULL);
  us_world_show_certificate(w, OTHER);
  expect_error(us_grant(w, C1, ticket, NULL, "&cnf_key=x"), 400, "invalid_request");
  struct us_reply r = us_grant(w, C1, ticket, NULL, CNF);
  assert_error(r, 400, "invalid_request");
  assert_string_equal(us_reply_str(&r, "error_description"), "Invalid cnf_key parameter");
  assert_null(json_object_get(r.json, "ticket"));
  expect_error(us_grant(w, C1, ticket, NULL, OTHER_CNF), 400, "invalid_grant");
  ticket = gathered(w, g.bob, fresh_ticket(w, &g), NULL);
  assert_string_equal(bound_to(w, g.pat, rpt_of(us_grant(w, C1, ticket, NULL, OTHER_CNF))), OTHER);
}

/* A connection with a certificate is no wish for a bound token: RFC 8705 leaves that to the client's registration. */
static void a_certificate_alone_binds_nothing(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  us_world_show_certificate(w, THUMBPRINT);
  const char *rpt = rpt_of(us_grant(w, C1, gathered(w, g.bob, fresh_ticket(w, &g), NULL), NULL, NULL));
  assert_string_equal(bound_to(w, g.pat, rpt), "");
}

static void bind_tokens(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->binds_tokens = true;
}
/* mTLSCertificateBoundAccessTokens */
static void a_client_that_binds_its_tokens_shows_a_certificate(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  change_client(w, C1, bind_tokens);
  const char *ticket = gathered(w, g.bob, fresh_ticket(w, &g), "&save_consent=on");
  expect_error(us_grant(w, C1, ticket, NULL, NULL), 400, "invalid_request"); /* the ticket is not touched */
  us_world_show_certificate(w, THUMBPRINT);
  struct us_reply r = us_grant(w, C1, ticket, NULL, NULL);
  const char *rpt = rpt_of(r), *pct = us_reply_str(&r, "pct");
  us_world_show_certificate(w, NULL);
  assert_string_equal(bound_to(w, g.pat, rpt), THUMBPRINT);
  /* or names it, where TLS ends elsewhere */
  ticket = gathered(w, g.bob, fresh_ticket(w, &g), NULL);
  assert_string_equal(bound_to(w, g.pat, rpt_of(us_grant(w, C1, ticket, NULL, OTHER_CNF))), OTHER);
  successor(grant_with(w, &g, pct, OTHER_CNF), 403, "need_info");
  rpt_of(grant_with(w, &g, pct, CNF));
}

/* Contract 13.9 */
static void a_bound_pct_is_ignored_without_its_key(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *pct = pct_of_bob(w, &g, CNF);
  successor(grant_with(w, &g, pct, ""), 403, "need_info");
  successor(grant_with(w, &g, pct, OTHER_CNF), 403, "need_info");
  assert_string_equal(bound_to(w, g.pat, rpt_of(grant_with(w, &g, pct, CNF))), THUMBPRINT);
  us_world_show_certificate(w, OTHER);
  successor(grant_with(w, &g, pct, ""), 403, "need_info");
  us_world_show_certificate(w, THUMBPRINT); /* the certificate itself is as good as its name */
  rpt_of(grant_with(w, &g, pct, ""));
}

static void an_unbound_pct_works_with_and_without_a_key(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *pct = pct_of_bob(w, &g, NULL);
  assert_string_equal(bound_to(w, g.pat, rpt_of(grant_with(w, &g, pct, ""))), "");
  assert_string_equal(bound_to(w, g.pat, rpt_of(grant_with(w, &g, pct, CNF))), THUMBPRINT);
}

/* 6.6 meets 6.8: who does not hold the key of an RPT gets nothing out of it. */
static void a_bound_rpt_is_upgraded_only_with_its_key(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *pct = pct_of_bob(w, &g, CNF);
  us_share(w, "alice", g.album, "bob", "[\"view\",\"edit\"]");
  const char *rpt = rpt_of(grant_with(w, &g, pct, CNF));
  const char *edit = ask_for(w, g.pat, g.album, "[\"edit\"]");
  const char *free_pct = pct_of_bob(w, &g, NULL);
  struct us_reply r = us_grant(w, C1, edit, NULL, us_text(w, "&pct=%s&rpt=%s", free_pct, rpt));
  assert_holds(w, g.pat, rpt_of(r), "%s:edit", g.album);
  assert_null(json_object_get(r.json, "upgraded"));
  assert_holds(w, g.pat, rpt, "%s:view", g.album);
  edit = ask_for(w, g.pat, g.album, "[\"edit\"]");
  r = us_grant(w, C1, edit, NULL, us_text(w, "&pct=%s&rpt=%s%s", pct, rpt, CNF));
  assert_holds(w, g.pat, rpt_of(r), "%s:edit view", g.album);
  assert_true(json_is_true(json_object_get(r.json, "upgraded")));
  assert_string_equal(bound_to(w, g.pat, us_reply_str(&r, "access_token")), THUMBPRINT);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(an_rpt_is_bound_to_the_key_that_was_named),          STORY(a_cnf_key_may_be_so_long),
      STORY(what_the_connection_shows_takes_precedence),         STORY(a_certificate_alone_binds_nothing),
      STORY(a_client_that_binds_its_tokens_shows_a_certificate), STORY(a_bound_pct_is_ignored_without_its_key),
      STORY(an_unbound_pct_works_with_and_without_a_key),        STORY(a_bound_rpt_is_upgraded_only_with_its_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
