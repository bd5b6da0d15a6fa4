/* Revocation (protocol contract 8.2, RFC 7009). */
#include "flow/oauth.h"

#include "store/sql.h"

static struct us_reply revoke(struct us_world *w, const char *client, const char *text, const char *hint) {
  return as_client(w, REVOKE, client,
                   us_text(w, "token=%s%s%s", us_enc(w, text), hint ? "&token_type_hint=" : "", hint ? hint : ""));
}

/* Bob's RPT for a resource of alice's. */
static const char *new_rpt(struct us_world *w, const char *pat) {
  const char *id = us_register(w, pat, us_text(w, "{\"resource_scopes\":[\"view\"]}"));
  us_share(w, "alice", id, "bob", "[\"view\"]");
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", id));
  return take(us_grant(w, C1, ticket, us_id_token(w, "bob", C1), NULL), "access_token");
}

/* TR-01 */
static void a_token_must_be_named(void **state) {
  struct us_world *w = *state;
  struct us_reply r = as_client(w, REVOKE, C1, "x=y");
  assert_error(r, 400, "invalid_request");
  assert_string_equal(description(r), "Missing parameter: token");
  expect_error(as_client(w, REVOKE, C1, "token="), 400, "invalid_request");
  expect_error(us_send(w, "GET", REVOKE "?token=x", NULL, NULL), 405, "method_not_allowed");
}

/* TR-02 */
static void clients_authenticate_as_at_the_token_endpoint(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *form = us_text(w, "token=%s", pat);
  expect_error(send_form(w, REVOKE, basic(w, RS1, "nope"), form), 401, "invalid_client");
  expect_error(send_form(w, REVOKE, NULL, us_text(w, "%s&client_id=" RS1 "&client_secret=nope", form)), 400,
               "invalid_client");
  expect_error(send_form(w, REVOKE, NULL, form), 400, "invalid_client");
  assert_true(is_active(look(w, RS1, pat)));
  expect_status(send_form(w, REVOKE, basic(w, RS1, "mySecret"), form), 200);
  assert_false(is_active(look(w, RS1, pat)));
}

/* TR-04, TR-07 */
static void a_revoked_token_is_dead_at_once(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  expect_status(us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL), 200);
  for (int i = 0; i < 2; i++) { /* a second time is a success too */
    struct us_reply r = revoke(w, RS1, pat, NULL);
    assert_status(r, 200);
    assert_string_equal(r.body, "{}");
    expect_error(us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL), 401, "invalid_token");
  }
}

/* TR-04 */
static void unknown_tokens_are_a_success(void **state) {
  struct us_world *w = *state;
  static const char *const texts[] = {"x", "a.b.c", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "\xc3\xa9\"\\"};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    struct us_reply r = revoke(w, C1, texts[i], NULL);
    assert_status(r, 200);
    assert_string_equal(r.body, "{}");
  }
}

/* TR-03 */
static void nobody_revokes_for_another(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *rpt = new_rpt(w, pat);
  struct us_reply first = password(w, "bob", C1, "openid");
  expect_error(revoke(w, C2, rpt, NULL), 400, "invalid_grant");
  expect_error(revoke(w, C2, us_reply_str(&first, "access_token"), NULL), 400, "invalid_grant");
  expect_error(revoke(w, C2, us_reply_str(&first, "refresh_token"), NULL), 400, "invalid_grant");
  assert_true(is_active(us_introspect(w, pat, rpt)));
  assert_true(is_active(look(w, C1, us_reply_str(&first, "access_token"))));
  assert_true(is_active(look(w, C1, us_reply_str(&first, "refresh_token"))));
}

/* TR-05 */
static void hints_do_not_matter(void **state) {
  struct us_world *w = *state;
  static const char *const hints[] = {"refresh_token", "access_token", "requesting_party_token", "pct", "foo"};
  const char *pat = us_pat(w, "alice", RS1);
  for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
    const char *rpt = new_rpt(w, pat), *text = us_pat(w, "carol", RS1);
    expect_status(revoke(w, C1, rpt, hints[i]), 200);
    assert_false(is_active(us_introspect(w, pat, rpt)));
    expect_status(revoke(w, RS1, text, hints[i]), 200);
    assert_false(is_active(look(w, RS1, text)));
  }
}

/* TR-06 */
static void a_refresh_token_takes_its_grant_along(void **state) {
  struct us_world *w = *state;
  struct us_reply first = password(w, "bob", C1, "openid");
  struct us_reply second = refresh(w, C1, take(first, "refresh_token"), NULL);
  const char *other = take(password(w, "bob", C1, "openid"), "access_token");
  expect_status(revoke(w, C1, take(second, "refresh_token"), NULL), 200);
  assert_false(is_active(look(w, C1, us_reply_str(&first, "access_token"))));
  assert_false(is_active(look(w, C1, us_reply_str(&second, "access_token"))));
  expect_error(refresh(w, C1, us_reply_str(&second, "refresh_token"), NULL), 400, "invalid_grant");
  assert_true(is_active(look(w, C1, other)));
}

static void an_access_token_goes_alone(void **state) {
  struct us_world *w = *state;
  struct us_reply first = password(w, "bob", C1, "openid");
  expect_status(revoke(w, C1, take(first, "access_token"), NULL), 200);
  assert_false(is_active(look(w, C1, us_reply_str(&first, "access_token"))));
  expect_status(refresh(w, C1, take(first, "refresh_token"), NULL), 200);
}

static void public_clients_revoke_with_their_id(void **state) {
  struct us_world *w = *state;
  create_client(w, (struct new_client){.id = "native", .grants = "password", .scopes = "view"});
  struct us_reply r =
      send_form(w, TOKEN, NULL, "grant_type=password&username=bob&password=Ch4ng31t&scope=view&client_id=native");
  const char *text = take(r, "access_token");
  assert_true(is_active(send_form(w, INTROSPECT, NULL, us_text(w, "client_id=native&token=%s", text))));
  expect_error(send_form(w, REVOKE, NULL, us_text(w, "client_id=" P1 "&token=%s", text)), 400, "invalid_grant");
  expect_status(send_form(w, REVOKE, NULL, us_text(w, "client_id=native&token=%s", text)), 200);
  assert_false(is_active(send_form(w, INTROSPECT, NULL, us_text(w, "client_id=native&token=%s", text))));
}

static void revoking_a_pat_leaves_the_resources(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *id = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  expect_status(revoke(w, RS1, pat, NULL), 200);
  expect_status(us_with_pat(w, "GET", us_text(w, ALPHA_UMA "resource_set/%s", id), us_pat(w, "alice", RS1), NULL), 200);
}

static void another_realm_does_not_reach_it(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  expect_error(
      send_form(w, "/am/oauth2/realms/root/token/revoke", basic(w, RS1, "mySecret"), us_text(w, "token=%s", pat)), 401,
      "invalid_client");
  assert_true(is_active(look(w, RS1, pat)));
}

static enum us_code damage_rpts(struct us_cx *cx, void *self) {
  (void)self;
  return us_sql_run(cx, NULL, "UPDATE rpt SET counted = 'x'", "");
}

/* Contract 8.2: a failure of ours has words of its own, and tells nothing else. */
static void what_cannot_be_read_is_a_500(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *rpt = new_rpt(w, pat);
  assert_int_equal(us_world_transact(w, damage_rpts, NULL), US_OK);
  struct us_reply r = revoke(w, C1, rpt, NULL);
  assert_error(r, 500, "server_error");
  assert_string_equal(description(r), "Failed to revoke access token");
  assert_int_equal(json_object_size(r.json), 2);
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  expect_status(revoke(w, RS1, pat, NULL), 200);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_token_must_be_named),
      STORY(clients_authenticate_as_at_the_token_endpoint),
      STORY(a_revoked_token_is_dead_at_once),
      STORY(unknown_tokens_are_a_success),
      STORY(nobody_revokes_for_another),
      STORY(hints_do_not_matter),
      STORY(a_refresh_token_takes_its_grant_along),
      STORY(an_access_token_goes_alone),
      STORY(public_clients_revoke_with_their_id),
      STORY(revoking_a_pat_leaves_the_resources),
      STORY(another_realm_does_not_reach_it),
      STORY(what_cannot_be_read_is_a_500),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
