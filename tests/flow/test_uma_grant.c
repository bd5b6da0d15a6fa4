/* The UMA grant that succeeds, and how much it gives (protocol contract 6.4, 10). */
#include "flow/uma.h"

/* Tickets for two resources. */
static const char *ask_two(struct us_world *w, const char *pat, const char *a, const char *a_scopes, const char *b,
                           const char *b_scopes) {
  return us_ask(
      w, pat,
      us_text(w, "[{\"resource_id\":\"%s\",\"resource_scopes\":%s},{\"resource_id\":\"%s\",\"resource_scopes\":%s}]", a,
              a_scopes, b, b_scopes));
}

/* UG-23 UG-29 UG-30 */
static void what_is_shared_is_granted_exactly(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM), *photo = us_register(w, pat, PHOTO);
  us_share(w, "alice", album, "bob", "[\"view\",\"edit\",\"download\"]");
  us_share(w, "alice", photo, "bob", "[\"print\"]");
  const char *ticket = ask_two(w, pat, album, "[\"edit\",\"view\"]", photo, "[\"print\"]");
  struct us_reply r = us_grant(w, C1, ticket, us_id_token(w, "bob", C1), NULL);
  assert_status(r, 200);
  assert_string_equal(us_reply_header(&r, "Content-Type"), "application/json;charset=UTF-8");
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  assert_string_equal(us_reply_header(&r, "Pragma"), "no-cache");
  assert_string_equal(us_reply_str(&r, "token_type"), "Bearer");
  assert_int_equal(us_reply_int(&r, "expires_in"), 3600);
  assert_int_equal(json_object_size(r.json), 3); /* no scope, no upgraded, no refresh_token, no ticket */
  assert_holds(w, pat, rpt_of(r), "%s:edit view|%s:print", album, photo);

  ticket = ask_for(w, pat, album, "[\"view\"]");
  r = us_grant(w, C1, ticket, us_id_token(w, "bob", C1), "&scope=download");
  assert_null(json_object_get(r.json, "scope"));
  assert_holds(w, pat, rpt_of(r), "%s:view download", album);
}

/* UG-07 */
static void the_grant_type_and_names_are_case_sensitive(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM);
  us_share(w, "alice", album, "bob", "[\"view\"]");
  const char *ticket = ask_for(w, pat, album, "[\"view\"]"), *claims = us_id_token(w, "bob", C1);
  const char *rest = us_text(w, "%s&client_id=" C1 "&client_secret=mySecret", ticket);
  const char *type = "Content-Type: application/x-www-form-urlencoded";
  expect_error(us_send(w, "POST", TOKEN, type,
                       us_text(w, "grant_type=urn:ietf:params:oauth:grant-type:Uma-ticket&ticket=%s", rest)),
               400, "unsupported_grant_type");
  expect_error(us_send(w, "POST", TOKEN, type,
                       us_text(w, "grant_type=urn:ietf:params:oauth:grant-type:uma-ticket&Ticket=%s", rest)),
               400, "invalid_request");
  assert_holds(w, pat, rpt_of(us_grant(w, C1, ticket, claims, NULL)), "%s:view", album); /* it was still usable */
}

/* UG-12 */
static void public_and_confidential_clients_use_it(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM);
  const char *ticket = ask_for(w, pat, album, "[\"view\"]");
  const char *type = "Content-Type: application/x-www-form-urlencoded";
  const char *form = us_text(w, "grant_type=urn:ietf:params:oauth:grant-type:uma-ticket&ticket=%s&client_id=", ticket);
  struct us_reply r = us_send(w, "POST", TOKEN, type, us_text(w, "%s" C1, form));
  assert_error(r, 400, "invalid_client");
  r = us_send(w, "POST", TOKEN, type,
              us_text(w, "grant_type=urn:ietf:params:oauth:grant-type:uma-ticket&ticket=%s", ticket));
  assert_error(r, 400, "invalid_client");
  r = us_send(w, "POST", TOKEN, type, us_text(w, "%sPublic-Client", form));
  assert_error(r, 403, "need_info"); /* processed */
  r = us_send(w, "POST", TOKEN, us_text(w, "%s\nAuthorization: Basic VU1BLUNsaWVudDpteVNlY3JldA==", type),
              us_text(w, "grant_type=urn:ietf:params:oauth:grant-type:uma-ticket&ticket=%s",
                      ask_for(w, pat, album, "[\"view\"]")));
  assert_error(r, 403, "need_info");
}

/* UG-13 */
static void unknown_parameters_are_skipped(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM);
  us_share(w, "alice", album, "bob", "[\"view\"]");
  const char *ticket = ask_for(w, pat, album, "[\"view\"]");
  assert_holds(w, pat, rpt_of(us_grant(w, C1, ticket, us_id_token(w, "bob", C1), "&x_foo=1&pct=nonsense")), "%s:view",
               album);
}

/* UG-19 */
static void a_scope_the_client_is_not_registered_for_is_refused(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM);
  us_share(w, "alice", album, "bob", "[\"view\",\"edit\"]");
  const char *claims = us_id_token(w, "bob", C1);
  struct us_reply r = us_grant(w, C1, ask_for(w, pat, album, "[\"view\"]"), claims, "&scope=edit");
  assert_error(r, 400, "invalid_scope");
  assert_null(json_object_get(r.json, "ticket"));
  /* A scope of the ticket needs no registration. */
  assert_holds(w, pat, rpt_of(us_grant(w, C1, ask_for(w, pat, album, "[\"edit\"]"), claims, NULL)), "%s:edit", album);
}

/* UG-20 UG-21 */
static void a_requested_scope_joins_every_resource_that_offers_it(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM), *photo = us_register(w, pat, PHOTO);
  const char *memo = us_register(w, pat, "{\"name\":\"memo\",\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\",\"edit\",\"download\"]");
  us_share(w, "alice", photo, "bob", "[\"view\",\"print\",\"download\"]");
  us_share(w, "alice", memo, "bob", "[\"view\"]");
  const char *claims = us_id_token(w, "bob", C1);
  const char *rpt =
      rpt_of(us_grant(w, C1, ask_two(w, pat, album, "[\"edit\"]", photo, "[\"view\"]"), claims, "&scope=download"));
  assert_holds(w, pat, rpt, "%s:edit download|%s:view download", album, photo);
  rpt =
      rpt_of(us_grant(w, C1, ask_two(w, pat, album, "[\"view\"]", memo, "[\"view\"]"), claims, "&scope=download+view"));
  assert_holds(w, pat, rpt, "%s:view download|%s:view", album, memo);
}

/* UG-22 */
static void scopes_of_an_earlier_round_are_forgotten(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM);
  us_share(w, "alice", album, "bob", "[\"view\",\"download\"]");
  const char *next =
      successor(us_grant(w, C1, ask_for(w, pat, album, "[\"view\"]"), NULL, "&scope=download"), 403, "need_info");
  assert_holds(w, pat, rpt_of(us_grant(w, C1, next, us_id_token(w, "bob", C1), NULL)), "%s:view", album);
}

/* UG-24 */
static void a_partial_grant_is_decided_the_same_way_every_time(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM), *photo = us_register(w, pat, PHOTO);
  const char *claims = us_id_token(w, "bob", C1);
  us_share(w, "alice", photo, "bob", "[\"view\"]");
  for (int i = 0; i < 20; i++) {
    const char *ticket = ask_two(w, pat, album, "[\"view\"]", photo, "[\"view\",\"print\"]");
    assert_holds(w, pat, rpt_of(us_grant(w, C1, ticket, claims, NULL)), "%s:view", photo);
  }
  assert_int_equal(us_count(w, "SELECT COUNT(*) FROM pending_request"), 0); /* who got something asks for nothing */
  us_world_set(w, "grantRptConditions", "REQUEST_PARTIAL,REQUEST_NONE");
  for (int i = 0; i < 20; i++) {
    const char *ticket = ask_two(w, pat, album, "[\"view\"]", photo, "[\"view\",\"print\"]");
    successor(us_grant(w, C1, ticket, claims, NULL), 403, "request_submitted");
  }
}

/* The worked example of protocol contract 10.6, on the wire. */
static void shelf_and_books(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *shelf = us_register(w, pat, "{\"resource_scopes\":[\"look\",\"sort\",\"download\"]}");
  const char *book1 = us_register(w, pat, "{\"resource_scopes\":[\"look\",\"download\",\"view\"]}");
  const char *book2 = us_register(w, pat, "{\"resource_scopes\":[\"look\",\"download\",\"mark\"]}");
  const char *body = us_text(w,
                             "[{\"resource_id\":\"%s\",\"resource_scopes\":[\"sort\"]},{\"resource_id\":\"%s\","
                             "\"resource_scopes\":[\"look\"]},"
                             "{\"resource_id\":\"%s\",\"resource_scopes\":[\"look\"]}]",
                             shelf, book1, book2);
  us_share(w, "alice", book1, "bob", "[\"look\"]");
  const char *claims = us_id_token(w, "bob", C1);
  assert_holds(w, pat, rpt_of(us_grant(w, C1, us_ask(w, pat, body), claims, "&scope=download")), "%s:look", book1);
  expect_error(us_grant(w, C1, us_ask(w, pat, body), claims, "&scope=profile"), 400, "invalid_scope"); /* burn */
  expect_error(us_grant(w, C1, us_ask(w, pat, body), claims, "&scope=mark"), 400, "invalid_scope");

  us_world_set(w, "grantRptConditions", "REQUEST_PARTIAL,TICKET_PARTIAL");
  successor(us_grant(w, C1, us_ask(w, pat, body), claims, "&scope=download"), 403, "request_submitted");
  static const char SQL_MISSING[] = "SELECT COUNT(*) FROM pending_request WHERE scopes IN "
                                    "('[\"sort\",\"download\"]', '[\"download\"]', '[\"look\",\"download\"]')";
  static const char SQL_ALL[] = "SELECT COUNT(*) FROM pending_request";
  assert_int_equal(us_count(w, SQL_MISSING), 3);
  assert_int_equal(us_count(w, SQL_ALL), 3);
}

static void the_owner_needs_no_policy_unless_the_realm_says_so(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM), *claims = us_id_token(w, "alice", C1);
  assert_holds(w, pat, rpt_of(us_grant(w, C1, ask_for(w, pat, album, "[\"view\"]"), claims, "&scope=download")),
               "%s:view download", album);
  assert_holds(w, pat, rpt_of(us_grant(w, C1, ask_for(w, pat, album, "[]"), claims, NULL)), "%s:", album);
  us_world_set(w, "grantResourceOwnerImplicitConsent", "false");
  successor(us_grant(w, C1, ask_for(w, pat, album, "[\"view\"]"), claims, NULL), 403, "request_submitted");
}

/* UG-27 */
static void a_permission_without_scopes_is_no_free_pass(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM);
  us_share(w, "alice", album, "bob", "[\"edit\"]");
  static const char SQL_PENDING[] = "SELECT COUNT(*) FROM pending_request";
  struct us_reply r = us_grant(w, C1, ask_for(w, pat, album, "[]"), us_id_token(w, "carol", C1), NULL);
  assert_error(r, 403, "request_denied"); /* there is nothing the owner could be asked for */
  assert_int_equal(us_count(w, SQL_PENDING), 0);
  const char *rpt = rpt_of(us_grant(w, C1, ask_for(w, pat, album, "[]"), us_id_token(w, "bob", C1), NULL));
  r = us_introspect(w, pat, rpt);
  json_t *scopes = json_object_get(json_array_get(json_object_get(r.json, "permissions"), 0), "resource_scopes");
  assert_true(json_is_array(scopes));
  assert_int_equal(json_array_size(scopes), 0);
}

/* A policy with these conditions, written by its owner. */
static void share_when(struct us_world *w, const char *id, const char *type, const char *conditions) {
  const char *body =
      us_text(w,
              "{\"policyId\":\"%s\",\"permissions\":[{\"subject\":\"bob\",\"scopes\":[\"view\"]}],\"type\":\"%s\","
              "\"conditions\":[%s]}",
              id, type, conditions);
  struct us_reply r =
      us_with_sso(w, "PUT", us_text(w, ALPHA_JSON "users/alice/uma/policies/%s", id), us_sso(w, "alice"), NULL, body);
  assert_in_range(r.status, 200, 201);
}

/* UG-87 */
static void a_share_that_ends_shortens_the_rpt(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM), *photo = us_register(w, pat, PHOTO);
  const char *claims = us_id_token(w, "bob", C1);
  int64_t now_s = us_world_now_ms(w) / 1000;
  share_when(w, album, "AND", us_text(w, "{\"type\":\"Expiration\",\"expirationDate\":%lld}", (long long)now_s + 60));
  struct us_reply r = us_grant(w, C1, ask_for(w, pat, album, "[\"view\"]"), claims, NULL);
  assert_status(r, 200);
  assert_int_equal(us_reply_int(&r, "expires_in"), 60);
  const char *short_one = rpt_of(r);

  us_share(w, "alice", photo, "bob", "[\"view\"]");
  r = us_grant(w, C1, ask_two(w, pat, album, "[\"view\"]", photo, "[\"view\"]"), claims, NULL);
  assert_int_equal(us_reply_int(&r, "expires_in"), 3600);
  const char *long_one = rpt_of(r);
  us_world_advance_ms(w, 59 * 1000);
  assert_holds(w, pat, short_one, "%s:view", album);
  assert_holds(w, pat, long_one, "%s:view|%s:view", album, photo);
  us_world_advance_ms(w, 1000);
  assert_inactive(us_introspect(w, pat, short_one));
  assert_holds(w, pat, long_one, "%s:view", photo);
  successor(us_grant(w, C1, ask_for(w, pat, album, "[\"view\"]"), claims, NULL), 403, "request_submitted");
}

static void a_share_for_one_client_is_nothing_for_another(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM);
  share_when(w, album, "AND", "{\"type\":\"ClientId\",\"clientIds\":[\"" C2 "\"]}");
  successor(us_grant(w, C1, ask_for(w, pat, album, "[\"view\"]"), us_id_token(w, "bob", C1), NULL), 403,
            "request_submitted");
  rpt_of(us_grant(w, C2, ask_for(w, pat, album, "[\"view\"]"), us_id_token(w, "bob", C2), NULL));
}

/* UG-87: the life of an RPT is the access token's. */
static void an_rpt_lives_as_long_as_an_access_token(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "accessTokenLifetime", "77");
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM);
  struct us_reply r = us_grant(w, C1, ask_for(w, pat, album, "[\"view\"]"), us_id_token(w, "alice", C1), NULL);
  assert_int_equal(us_reply_int(&r, "expires_in"), 77);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(what_is_shared_is_granted_exactly),
      STORY(the_grant_type_and_names_are_case_sensitive),
      STORY(public_and_confidential_clients_use_it),
      STORY(unknown_parameters_are_skipped),
      STORY(a_scope_the_client_is_not_registered_for_is_refused),
      STORY(a_requested_scope_joins_every_resource_that_offers_it),
      STORY(scopes_of_an_earlier_round_are_forgotten),
      STORY(a_partial_grant_is_decided_the_same_way_every_time),
      STORY(shelf_and_books),
      STORY(the_owner_needs_no_policy_unless_the_realm_says_so),
      STORY(a_permission_without_scopes_is_no_free_pass),
      STORY(a_share_that_ends_shortens_the_rpt),
      STORY(a_share_for_one_client_is_nothing_for_another),
      STORY(an_rpt_lives_as_long_as_an_access_token),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
