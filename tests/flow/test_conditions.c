/* What sharing means for access: conditions, narrowing, withdrawing (REST contract c.5, c.8). */
#include "flow/crest.h"

#define C1 "UMA-Client"
#define C2 "UMA-Client-2"

struct album {
  struct us_world *w;
  const char *pat, *sso, *id;
};
static struct album shared(void **state, const char *scopes, const char *conditions) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  struct album a = {w, pat, us_sso(w, "alice"), us_register(w, pat, ALBUM)};
  assert_reply(
      put_policy(w, a.sso, a.id, NULL, us_text(w, "[{\"subject\":\"Bob\",\"scopes\":%s}]", scopes), conditions), 201);
  return a;
}
static struct us_reply ask(const struct album *a, const char *client, const char *scopes) {
  const char *ticket =
      us_ask(a->w, a->pat, us_text(a->w, "{\"resource_id\":\"%s\",\"resource_scopes\":%s}", a->id, scopes));
  return us_grant(a->w, client, ticket, us_id_token(a->w, "bob", client), NULL);
}
static const char *scopes_of(const struct album *a, const char *rpt) {
  struct us_reply r = us_introspect(a->w, a->pat, rpt);
  assert_status(r, 200);
  json_t *permission = json_array_get(json_object_get(r.json, "permissions"), 0);
  if (permission == NULL)
    return "";
  char *text = json_dumps(json_object_get(permission, "resource_scopes"), JSON_COMPACT);
  const char *copy = us_text(a->w, "%s", text ? text : "");
  free(text);
  return copy;
}
static const char *rpt_of(struct us_reply r) {
  assert_status(r, 200);
  return us_reply_str(&r, "access_token");
}
static const char *until(struct us_world *w, int64_t seconds) {
  return us_text(w, "{\"type\":\"Expiration\",\"expirationDate\":%lld}",
                 (long long)(us_world_now_ms(w) / 1000 + seconds));
}

static void an_expiration_ends_access(void **state) {
  struct album a = shared(state, "[\"view\"]", us_text(*state, ",\"conditions\":[%s]", until(*state, 60)));
  const char *rpt = rpt_of(ask(&a, C1, "[\"view\"]"));
  assert_string_equal(scopes_of(&a, rpt), "[\"view\"]");
  us_world_advance_ms(a.w, 59000);
  assert_string_equal(scopes_of(&a, rpt), "[\"view\"]");
  assert_reply(ask(&a, C1, "[\"view\"]"), 200);
  us_world_advance_ms(a.w, 1000);
  assert_string_equal(scopes_of(&a, rpt), "");
  assert_reply(ask(&a, C1, "[\"view\"]"), 403);
}

static void a_token_lives_no_longer_than_the_share(void **state) {
  struct album a = shared(state, "[\"view\"]", us_text(*state, ",\"conditions\":[%s]", until(*state, 60)));
  struct us_reply r = ask(&a, C1, "[\"view\"]");
  assert_status(r, 200);
  assert_int_equal(us_reply_int(&r, "expires_in"), 60);
}

static void a_share_for_one_client_is_for_no_other(void **state) {
  struct album a =
      shared(state, "[\"view\"]", ",\"conditions\":[{\"type\":\"ClientId\",\"clientIds\":[\"x\",\"" C2 "\"]}]");
  assert_reply(ask(&a, C1, "[\"view\"]"), 403);
  assert_reply(ask(&a, C2, "[\"view\"]"), 200);
}

static void all_conditions_of_and_must_hold_and_one_of_or(void **state) {
  const char *both =
      us_text(*state, "\"conditions\":[%s,{\"type\":\"ClientId\",\"clientId\":\"" C1 "\"}]", until(*state, 0));
  struct album a = shared(state, "[\"view\"]", us_text(*state, ",\"type\":\"AND\",%s", both));
  assert_reply(ask(&a, C1, "[\"view\"]"), 403); /* expired, right client */
  assert_reply(
      put_policy(a.w, a.sso, a.id, "If-Match: *", TO_BOB("[\"view\"]"), us_text(a.w, ",\"type\":\"OR\",%s", both)),
      200);
  assert_reply(ask(&a, C1, "[\"view\"]"), 200);
  assert_reply(ask(&a, C2, "[\"view\"]"), 403);
}

/* An owner passes without a share, so conditions on one are nothing to the owner; where the realm says that owners need shares too,
 * they bind as they bind anybody. */
static void conditions_bind_the_owner_where_owners_need_shares(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *sso = us_sso(w, "alice"), *id = us_register(w, pat, ALBUM);
  const char *permissions =
      "[{\"subject\":\"Alice\",\"scopes\":[\"view\"]},{\"subject\":\"bob\",\"scopes\":[\"edit\"]}]";
  assert_reply(put_policy(w, sso, id, NULL, permissions, us_text(w, ",\"conditions\":[%s]", until(w, 60))), 201);
#define AS_OWNER(scope)                                                                                                \
  us_grant(w, C1, us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"" scope "\"]}", id)),      \
           us_id_token(w, "alice", C1), NULL)
  struct us_reply r = AS_OWNER("view");
  assert_status(r, 200);
  assert_int_equal(us_reply_int(&r, "expires_in"), 3600);
  us_world_set(w, "grantResourceOwnerImplicitConsent", "false");
  for (int i = 0; i < 2; i++) { /* also when others share it on, and the whole graph is looked at */
    r = AS_OWNER("view");
    assert_status(r, 200);
    assert_int_equal(us_reply_int(&r, "expires_in"), 60);
    assert_reply(AS_OWNER("edit"), 403);
    us_share(w, "bob", id, "carol", "[\"edit\"]");
  }
  us_world_advance_ms(w, 60000);
  assert_reply(AS_OWNER("view"), 403);
  us_world_set(w, "grantResourceOwnerImplicitConsent", "true");
  assert_reply(AS_OWNER("view"), 200);
#undef AS_OWNER
}

static void an_update_without_conditions_does_not_lift_them(void **state) {
  struct album a = shared(state, "[\"view\"]", ",\"conditions\":[{\"type\":\"ClientId\",\"clientId\":\"" C2 "\"}]");
  assert_reply(put_policy(a.w, a.sso, a.id, "If-Match: *", TO_BOB("[\"view\",\"edit\"]"), NULL), 200);
  assert_reply(ask(&a, C1, "[\"edit\"]"), 403);
  assert_reply(put_policy(a.w, a.sso, a.id, "If-Match: *", TO_BOB("[\"view\"]"), ",\"conditions\":[]"), 200);
  assert_reply(ask(&a, C1, "[\"view\"]"), 200);
}

static void narrowing_shows_at_the_next_introspection(void **state) {
  struct album a = shared(state, "[\"view\",\"edit\"]", NULL);
  const char *rpt = rpt_of(ask(&a, C1, "[\"view\",\"edit\"]"));
  assert_string_equal(scopes_of(&a, rpt), "[\"view\",\"edit\"]");
  assert_reply(put_policy(a.w, a.sso, a.id, "If-Match: *", TO_BOB("[\"edit\"]"), NULL), 200);
  assert_string_equal(scopes_of(&a, rpt), "[\"edit\"]");
  assert_reply(put_policy(a.w, a.sso, a.id, "If-Match: *", "[{\"subject\":\"carol\",\"scopes\":[\"edit\"]}]", NULL),
               200);
  assert_string_equal(scopes_of(&a, rpt), "");
}

static void withdrawing_shows_at_the_next_introspection(void **state) {
  struct album a = shared(state, "[\"view\"]", NULL);
  const char *rpt = rpt_of(ask(&a, C1, "[\"view\"]"));
  assert_reply(us_with_sso(a.w, "DELETE", policy_url(a.w, a.id), a.sso, NULL, NULL), 200);
  assert_string_equal(scopes_of(&a, rpt), "");
}

static void a_share_is_for_its_subject_only(void **state) {
  struct album a = shared(state, "[\"view\"]", NULL);
  const char *ticket =
      us_ask(a.w, a.pat, us_text(a.w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", a.id));
  assert_reply(us_grant(a.w, C1, ticket, us_id_token(a.w, "carol", C1), NULL), 403);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(an_expiration_ends_access),
      STORY(a_token_lives_no_longer_than_the_share),
      STORY(a_share_for_one_client_is_for_no_other),
      STORY(all_conditions_of_and_must_hold_and_one_of_or),
      STORY(conditions_bind_the_owner_where_owners_need_shares),
      STORY(an_update_without_conditions_does_not_lift_them),
      STORY(narrowing_shows_at_the_next_introspection),
      STORY(withdrawing_shows_at_the_next_introspection),
      STORY(a_share_is_for_its_subject_only),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
