/* What a resource server learns of an RPT, live (protocol contract 8.1, 8.2). */
#include "flow/uma.h"

struct given {
  const char *pat, *album, *photo, *bob, *rpt;
};
/* bob holds album:{view,edit} and photo:{view}. */
static struct given give(struct us_world *w) {
  struct given g = {us_pat(w, "alice", RS1), NULL, NULL, us_id_token(w, "bob", C1), NULL};
  g.album = us_register(w, g.pat, ALBUM);
  g.photo = us_register(w, g.pat, PHOTO);
  us_share(w, "alice", g.album, "bob", "[\"view\",\"edit\",\"download\"]");
  us_share(w, "alice", g.photo, "bob", "[\"view\"]");
  const char *ticket = us_ask(w, g.pat,
                              us_text(w,
                                      "[{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\",\"edit\"]},"
                                      "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}]",
                                      g.album, g.photo));
  g.rpt = rpt_of(us_grant(w, C1, ticket, g.bob, NULL));
  return g;
}

/* UF-45 UF-46 UF-47 UF-48 */
static void the_answer_has_permissions_and_no_scope(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  struct us_reply r = us_introspect(w, g.pat, g.rpt);
  assert_status(r, 200);
  int64_t exp = us_world_now_ms(w) / 1000 + 3600;
  assert_true(json_is_true(json_object_get(r.json, "active")));
  assert_null(json_object_get(r.json, "scope"));
  assert_string_equal(us_reply_str(&r, "iss"), ALPHA_ISSUER);
  assert_string_equal(us_reply_str(&r, "token_type"), "access_token");
  assert_int_equal(us_reply_int(&r, "exp"), exp);
  json_t *permissions = json_object_get(r.json, "permissions");
  assert_int_equal(json_array_size(permissions), 2);
  for (size_t i = 0; i < 2; i++) {
    json_t *permission = json_array_get(permissions, i);
    assert_true(json_is_string(json_object_get(permission, "resource_id")));
    assert_true(json_is_array(json_object_get(permission, "resource_scopes")));
    assert_int_equal(json_integer_value(json_object_get(permission, "exp")), exp);
    assert_int_equal(json_object_size(permission), 3);
  }
  assert_holds(w, g.pat, g.rpt, "%s:view edit|%s:view", g.album, g.photo);
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
}

static void who_stands_behind_it_is_told_by_setting(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  struct us_reply r = us_introspect(w, g.pat, g.rpt);
  assert_string_equal(us_reply_str(&r, "sub"), "bob");
  assert_string_equal(us_reply_str(&r, "client_id"), C1);
  us_world_set(w, "introspectRptIdentity", "false");
  r = us_introspect(w, g.pat, g.rpt);
  assert_null(json_object_get(r.json, "sub"));
  assert_null(json_object_get(r.json, "client_id"));
}

/* UF-50 SB-14 */
static void only_its_owner_at_its_resource_server_sees_it(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  assert_inactive(us_introspect(w, us_pat(w, "bob", RS1), g.rpt));
  assert_inactive(us_introspect(w, us_pat(w, "alice", RS2), g.rpt));
  const char *type = "Content-Type: application/x-www-form-urlencoded";
  struct us_reply r = us_send(w, "POST", ALPHA_OAUTH "introspect", type,
                              us_text(w, "token=%s&client_id=" RS1 "&client_secret=mySecret", g.rpt));
  assert_true(json_is_true(json_object_get(r.json, "active")));
  assert_int_equal(json_array_size(json_object_get(r.json, "permissions")), 2);
  assert_inactive(us_send(w, "POST", ALPHA_OAUTH "introspect", type,
                          us_text(w, "token=%s&client_id=" RS2 "&client_secret=mySecret", g.rpt)));
  assert_inactive(us_send(w, "POST", ALPHA_OAUTH "introspect", type,
                          us_text(w, "token=%s&client_id=" C1 "&client_secret=mySecret", g.rpt)));
}

/* UF-49 */
static void an_expired_rpt_is_inactive_and_nothing_more(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "accessTokenLifetime", "7200");
  const char *pat = us_pat(w, "alice", RS1);
  us_world_set(w, "accessTokenLifetime", "3600");
  struct given g = give(w);
  us_world_advance_ms(w, 3599 * 1000);
  assert_holds(w, pat, g.rpt, "%s:view edit|%s:view", g.album, g.photo);
  us_world_advance_ms(w, 1000);
  assert_inactive(us_introspect(w, pat, g.rpt));
}

static void an_altered_rpt_is_inactive(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  char *copy = strdup(g.rpt);
  copy[20] = copy[20] == 'A' ? 'B' : 'A';
  assert_inactive(us_introspect(w, g.pat, copy));
  free(copy);
  assert_inactive(us_introspect(w, g.pat, "nonsense"));
}

/* UG-86 */
static void narrowing_a_policy_takes_scopes_away_at_once(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  us_share(w, "alice", g.album, "bob", "[\"view\"]");
  assert_holds(w, g.pat, g.rpt, "%s:view|%s:view", g.album, g.photo);
  us_share(w, "alice", g.album, "carol", "[\"view\"]"); /* bob is no longer named */
  assert_holds(w, g.pat, g.rpt, "%s:view", g.photo);
  struct us_reply r = us_with_sso(w, "DELETE", us_text(w, ALPHA_JSON "users/alice/uma/policies/%s", g.photo),
                                  us_sso(w, "alice"), NULL, NULL);
  assert_status(r, 200);
  assert_inactive(us_introspect(w, g.pat, g.rpt));
  /* What comes back comes back: the RPT was narrowed, not changed. */
  us_share(w, "alice", g.album, "bob", "[\"view\",\"edit\",\"download\"]");
  assert_holds(w, g.pat, g.rpt, "%s:view edit", g.album);
}

static void a_realm_may_let_policies_act_on_new_rpts_only(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "revokeRptOnPolicyChange", "false");
  struct given g = give(w);
  us_share(w, "alice", g.album, "carol", "[\"view\"]");
  assert_holds(w, g.pat, g.rpt, "%s:view edit|%s:view", g.album, g.photo);
  us_with_pat(w, "PUT", set_url(w, g.album), g.pat, "{\"name\":\"album\",\"resource_scopes\":[\"view\"]}");
  assert_holds(w, g.pat, g.rpt, "%s:view|%s:view", g.album, g.photo); /* a scope that is gone is gone */
  us_with_pat(w, "DELETE", set_url(w, g.album), g.pat, NULL);
  assert_holds(w, g.pat, g.rpt, "%s:view", g.photo);
}

/* UF-27 */
static void a_scope_taken_from_the_resource_is_gone(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  us_with_pat(w, "PUT", set_url(w, g.album), g.pat, "{\"name\":\"album\",\"resource_scopes\":[\"view\",\"download\"]}");
  assert_holds(w, g.pat, g.rpt, "%s:view|%s:view", g.album, g.photo);
  us_with_pat(w, "PUT", set_url(w, g.album), g.pat, "{\"name\":\"album\",\"resource_scopes\":[\"download\"]}");
  assert_holds(w, g.pat, g.rpt, "%s:view", g.photo); /* download is shared, but was not asked for */
}

/* UF-29 */
static void a_deleted_resource_drops_out(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  us_with_pat(w, "DELETE", set_url(w, g.album), g.pat, NULL);
  assert_holds(w, g.pat, g.rpt, "%s:view", g.photo);
  us_with_pat(w, "DELETE", set_url(w, g.photo), g.pat, NULL);
  assert_inactive(us_introspect(w, g.pat, g.rpt));
}

/* An end put on a share after the RPT was given. */
static void a_share_that_ends_later_ends_the_permission(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  int64_t end_s = us_world_now_ms(w) / 1000 + 100;
  struct us_reply r = us_with_sso(
      w, "PUT", us_text(w, ALPHA_JSON "users/alice/uma/policies/%s", g.album), us_sso(w, "alice"), NULL,
      us_text(w,
              "{\"policyId\":\"%s\",\"permissions\":[{\"subject\":\"bob\",\"scopes\":[\"view\"]}],\"type\":\"AND\","
              "\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":%lld}]}",
              g.album, (long long)end_s));
  assert_status(r, 200);
  r = us_introspect(w, g.pat, g.rpt);
  json_t *first = json_array_get(json_object_get(r.json, "permissions"), 0);
  assert_int_equal(json_integer_value(json_object_get(first, "exp")), end_s);
  us_world_advance_ms(w, 100 * 1000);
  assert_holds(w, g.pat, g.rpt, "%s:view", g.photo);
}

/* 8.2 */
static void its_client_revokes_it_and_nobody_else(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  const char *type = "Content-Type: application/x-www-form-urlencoded";
  const char *form = us_text(w, "token=%s&client_secret=mySecret&client_id=", g.rpt);
  struct us_reply r = us_send(w, "POST", ALPHA_OAUTH "token/revoke", type, us_text(w, "%s" C2, form));
  assert_error(r, 400, "invalid_grant");
  assert_holds(w, g.pat, g.rpt, "%s:view edit|%s:view", g.album, g.photo);
  for (int i = 0; i < 2; i++) { /* the second time it is an unknown token, which is success too */
    r = us_send(w, "POST", ALPHA_OAUTH "token/revoke", type, us_text(w, "%s" C1, form));
    assert_status(r, 200);
    assert_string_equal(r.body, "{}");
    assert_inactive(us_introspect(w, g.pat, g.rpt));
  }
}

static void an_rpt_is_no_access_token(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  expect_error(us_with_pat(w, "GET", SETS, g.rpt, NULL), 401, "invalid_token");
  expect_error(us_introspect(w, g.rpt, g.rpt), 401, "invalid_token");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(the_answer_has_permissions_and_no_scope),
      STORY(who_stands_behind_it_is_told_by_setting),
      STORY(only_its_owner_at_its_resource_server_sees_it),
      STORY(an_expired_rpt_is_inactive_and_nothing_more),
      STORY(an_altered_rpt_is_inactive),
      STORY(narrowing_a_policy_takes_scopes_away_at_once),
      STORY(a_realm_may_let_policies_act_on_new_rpts_only),
      STORY(a_scope_taken_from_the_resource_is_gone),
      STORY(a_deleted_resource_drops_out),
      STORY(a_share_that_ends_later_ends_the_permission),
      STORY(its_client_revokes_it_and_nobody_else),
      STORY(an_rpt_is_no_access_token),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
