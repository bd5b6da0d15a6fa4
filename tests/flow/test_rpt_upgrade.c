/* The `rpt` parameter: what an old RPT carries into a new one (protocol contract 6.6; G 3.3.5.1). */
#include "flow/uma.h"

struct given {
  const char *pat, *album, *photo, *bob, *old;
};
/* bob may view album and photo; he holds an RPT for album. */
static struct given give(struct us_world *w) {
  struct given g = {us_pat(w, "alice", RS1), NULL, NULL, us_id_token(w, "bob", C1), NULL};
  g.album = us_register(w, g.pat, ALBUM);
  g.photo = us_register(w, g.pat, PHOTO);
  us_share(w, "alice", g.album, "bob", "[\"view\",\"edit\"]");
  us_share(w, "alice", g.photo, "bob", "[\"view\"]");
  g.old = rpt_of(us_grant(w, C1, ask_for(w, g.pat, g.album, "[\"view\"]"), g.bob, NULL));
  return g;
}

static struct us_reply upgrade(struct us_world *w, const struct given *g, const char *id, const char *scopes,
                               const char *rpt) {
  return us_grant(w, C1, ask_for(w, g->pat, id, scopes), g->bob, us_text(w, "&rpt=%s", us_enc(w, rpt)));
}

static void is_plain(struct us_reply r) {
  assert_status(r, 200);
  assert_null(json_object_get(r.json, "upgraded"));
}

/* UG-37 UG-39 */
static void permissions_are_carried_over_and_the_old_rpt_ends(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  struct us_reply r = upgrade(w, &g, g.photo, "[\"view\"]", g.old);
  assert_status(r, 200);
  assert_true(json_is_true(json_object_get(r.json, "upgraded")));
  assert_holds(w, g.pat, rpt_of(r), "%s:view|%s:view", g.album, g.photo);
  assert_inactive(us_introspect(w, g.pat, g.old));
}

static void scopes_of_one_resource_are_joined(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  struct us_reply r = upgrade(w, &g, g.album, "[\"edit\"]", g.old);
  assert_true(json_is_true(json_object_get(r.json, "upgraded")));
  assert_holds(w, g.pat, rpt_of(r), "%s:edit view", g.album);
}

/* UG-17 */
static void an_expired_rpt_may_be_upgraded(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "accessTokenLifetime", "60");
  struct given g = give(w);
  us_world_set(w, "accessTokenLifetime", "3600");
  us_world_advance_ms(w, 61 * 1000);
  g.pat = us_pat(w, "alice", RS1);
  assert_inactive(us_introspect(w, g.pat, g.old));
  struct us_reply r = upgrade(w, &g, g.photo, "[\"view\"]", g.old);
  assert_true(json_is_true(json_object_get(r.json, "upgraded")));
  assert_holds(w, g.pat, rpt_of(r), "%s:view|%s:view", g.album, g.photo);
}

/* UG-17 UG-38 */
static void an_unknown_value_neither_breaks_nor_widens(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  const char *values[] = {"garbage", g.pat, g.bob, us_text(w, "%.37s%c", g.old, g.old[37] == 'A' ? 'Q' : 'A'),
                          us_text(w, "%sAA", g.old)};
  for (size_t i = 0; i < 5; i++) {
    struct us_reply r = upgrade(w, &g, g.photo, "[\"view\"]", values[i]);
    is_plain(r);
    assert_holds(w, g.pat, rpt_of(r), "%s:view", g.photo);
  }
  assert_holds(w, g.pat, g.old, "%s:view", g.album);
}

/* UG-18 UG-38: one owner, one party, one client, one resource server; never merged across. */
static void nothing_is_merged_across_parties(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  const char *extra = us_text(w, "&rpt=%s", g.old);

  const char *carols_pat = us_pat(w, "carol", RS1), *carols = us_register(w, carols_pat, ALBUM); /* another owner */
  us_share(w, "carol", carols, "bob", "[\"view\"]");
  struct us_reply r = us_grant(w, C1, ask_for(w, carols_pat, carols, "[\"view\"]"), g.bob, extra);
  is_plain(r);
  assert_holds(w, carols_pat, rpt_of(r), "%s:view", carols);

  us_share(w, "alice", g.photo, "dave", "[\"view\"]"); /* another requesting party */
  r = us_grant(w, C1, ask_for(w, g.pat, g.photo, "[\"view\"]"), us_id_token(w, "dave", C1), extra);
  is_plain(r);
  assert_holds(w, g.pat, rpt_of(r), "%s:view", g.photo);

  us_share(w, "alice", g.photo, "bob", "[\"view\"]"); /* another client */
  r = us_grant(w, C2, ask_for(w, g.pat, g.photo, "[\"view\"]"), us_id_token(w, "bob", C2), extra);
  is_plain(r);
  assert_holds(w, g.pat, rpt_of(r), "%s:view", g.photo);

  const char *pat2 = us_pat(w, "alice", RS2), *there = us_register(w, pat2, ALBUM); /* another resource server */
  us_share(w, "alice", there, "bob", "[\"view\"]");
  r = us_grant(w, C1, ask_for(w, pat2, there, "[\"view\"]"), g.bob, extra);
  is_plain(r);
  assert_holds(w, pat2, rpt_of(r), "%s:view", there);

  assert_holds(w, g.pat, g.old, "%s:view", g.album); /* and the old one lives on */
}

/* UG-40 */
static void what_was_withdrawn_does_not_come_back(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  us_share(w, "alice", g.album, "carol", "[\"view\"]");
  struct us_reply r = upgrade(w, &g, g.photo, "[\"view\"]", g.old);
  is_plain(r); /* nothing was carried over */
  assert_holds(w, g.pat, rpt_of(r), "%s:view", g.photo);
  assert_inactive(us_introspect(w, g.pat, g.old));
}

/* UG-40 */
static void what_is_gone_does_not_come_back(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  us_with_pat(w, "DELETE", set_url(w, g.album), g.pat, NULL);
  struct us_reply r = upgrade(w, &g, g.photo, "[\"view\"]", g.old);
  is_plain(r);
  assert_holds(w, g.pat, rpt_of(r), "%s:view", g.photo);
}

static void a_refused_request_leaves_the_old_rpt_alone(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  successor(upgrade(w, &g, g.photo, "[\"print\"]", g.old), 403, "request_submitted");
  expect_error(us_grant(w, C1, ask_for(w, g.pat, g.photo, "[\"view\"]"), NULL, us_text(w, "&rpt=%s", g.old)), 403,
               "need_info");
  assert_holds(w, g.pat, g.old, "%s:view", g.album);
}

/* UG-36 */
static void twenty_upgrades_are_twenty_upgrades(void **state) {
  struct us_world *w = *state;
  struct given g = give(w);
  const char *rpt = g.old;
  for (int i = 0; i < 20; i++) {
    struct us_reply r = upgrade(w, &g, g.photo, "[\"view\"]", rpt);
    assert_true(json_is_true(json_object_get(r.json, "upgraded")));
    rpt = rpt_of(r);
  }
  struct us_reply r = us_introspect(w, g.pat, rpt);
  assert_int_equal(json_array_size(json_object_get(r.json, "permissions")), 2);
}

/* At most US_RPT_PERMISSIONS_MAX (200) permissions in one RPT: what is asked for now comes first. */
static void an_rpt_does_not_grow_without_end(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *alice = us_id_token(w, "alice", C1), *rpt = NULL;
  static const size_t expected[] = {100, 200, 200};
  for (size_t round = 0; round < 3; round++) {
    const char *body = "";
    for (int i = 0; i < 100; i++)
      body = us_text(w, "%s%s{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", body, i ? "," : "",
                     us_register(w, pat, "{\"resource_scopes\":[\"view\"]}"));
    const char *ticket = us_ask(w, pat, us_text(w, "[%s]", body));
    rpt = rpt_of(us_grant(w, C1, ticket, alice, rpt ? us_text(w, "&rpt=%s", rpt) : NULL));
    struct us_reply r = us_introspect(w, pat, rpt);
    assert_int_equal(json_array_size(json_object_get(r.json, "permissions")), expected[round]);
  }
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(permissions_are_carried_over_and_the_old_rpt_ends),
      STORY(scopes_of_one_resource_are_joined),
      STORY(an_expired_rpt_may_be_upgraded),
      STORY(an_unknown_value_neither_breaks_nor_widens),
      STORY(nothing_is_merged_across_parties),
      STORY(what_was_withdrawn_does_not_come_back),
      STORY(what_is_gone_does_not_come_back),
      STORY(a_refused_request_leaves_the_old_rpt_alone),
      STORY(twenty_upgrades_are_twenty_upgrades),
      STORY(an_rpt_does_not_grow_without_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
