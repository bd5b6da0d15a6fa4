/* Sharing on (REST contract i): the worked example, the graph of the lineage's own test, who may share what, what breaks when a link does. */
#include "flow/graph.h"

#include "domain/cascade.h"

/* i.4, all six steps. */
static void the_worked_example(void **state) {
  struct scene s = scene_with(*state, TRIP);
  add_person(s.w, "/alpha", "erin", false);
  /* 1 */
  shares_with(&s, "alice", "bob:see,annotate", NULL);
  shares_with(&s, "bob", "carol:see,annotate", NULL);
  shares_with(&s, "carol", "dave:see", NULL);
  const char *carols = may(&s, "carol", "see"), *notes = may(&s, "carol", "annotate"), *daves = may(&s, "dave", "see");
  may_not(&s, "dave", "annotate");
  assert_active(&s, "bob", "carol", "[\"see\",\"annotate\"]");
  assert_active(&s, "carol", "dave", "[\"see\"]");
  /* 2 */
  shares_with(&s, "alice", "bob:see", NULL);
  assert_active(&s, "bob", "carol", "[\"see\"]");
  assert_active(&s, "carol", "dave", "[\"see\"]");
  assert_string_equal(holds(&s, notes), "");
  assert_string_equal(holds(&s, carols), "see");
  may_not(&s, "carol", "annotate");
  /* 3 */
  unshares(&s, "alice");
  assert_active(&s, "bob", "carol", "[]");
  assert_active(&s, "carol", "dave", "[]");
  assert_string_equal(holds(&s, carols), "");
  assert_string_equal(holds(&s, daves), "");
  may_not(&s, "carol", "see");
  may_not(&s, "dave", "see");
  struct us_reply bobs = us_with_sso(s.w, "GET", policy_of(&s, "bob"), sso_of(&s, "bob"), NULL, NULL);
  assert_status(bobs, 200);
  assert_non_null(strstr(bobs.body, "[{\"subject\":\"carol\",\"scopes\":[\"see\",\"annotate\"]}]"));
  /* 4 */
  shares_with(&s, "alice", "bob:see,annotate", NULL);
  assert_active(&s, "bob", "carol", "[\"see\",\"annotate\"]");
  assert_active(&s, "carol", "dave", "[\"see\"]");
  may(&s, "carol", "annotate");
  may(&s, "dave", "see");
  /* 5 */
  shares_with(&s, "alice", "bob:see,annotate erin:see", NULL);
  shares_with(&s, "erin", "carol:see", NULL);
  daves = may(&s, "dave", "see");
  shares_with(&s, "alice", "erin:see", NULL);
  assert_active(&s, "bob", "carol", "[]");
  assert_active(&s, "erin", "carol", "[\"see\"]");
  assert_active(&s, "carol", "dave", "[\"see\"]");
  assert_string_equal(holds(&s, daves), "see");
  may(&s, "carol", "see");
  may_not(&s, "carol", "annotate");
  /* 6 */
  unshares(&s, "erin");
  unshares(&s, "bob");
  shares_with(&s, "alice", "bob:see,annotate", NULL);
  assert_active(&s, "bob", "carol", "-");
  assert_active(&s, "carol", "dave", "[]");
  may_not(&s, "carol", "see");
}

/* i.5 */
static void the_graph_of_the_lineage_is_active_throughout(void **state) {
  struct scene s = scene_with(*state, "{\"name\":\"plan\",\"resource_scopes\":[\"VIEW\",\"EDIT\",\"DELETE\"]}");
  add_person(s.w, "/alpha", "charlie", false);
  add_person(s.w, "/alpha", "ed", false);
  shares_with(&s, "alice", "bob:EDIT charlie:VIEW dave:VIEW,DELETE", NULL);
  shares_with(&s, "dave", "ed:VIEW,DELETE", NULL);
  shares_with(&s, "charlie", "ed:VIEW", NULL);
  shares_with(&s, "ed", "bob:DELETE", NULL);
  shares_with(&s, "bob", "charlie:EDIT,DELETE", NULL);
  assert_active(&s, "alice", "bob", "[\"EDIT\"]");
  assert_active(&s, "alice", "charlie", "[\"VIEW\"]");
  assert_active(&s, "alice", "dave", "[\"VIEW\",\"DELETE\"]");
  assert_active(&s, "dave", "ed", "[\"VIEW\",\"DELETE\"]");
  assert_active(&s, "charlie", "ed", "[\"VIEW\"]");
  assert_active(&s, "ed", "bob", "[\"DELETE\"]");
  assert_active(&s, "bob", "charlie", "[\"EDIT\",\"DELETE\"]");
  may(&s, "charlie", "DELETE"); /* alice, dave, ed, bob */
  may_not(&s, "dave", "EDIT");
  shares_with(&s, "alice", "bob:EDIT charlie:VIEW",
              NULL); /* dave has nothing: DELETE is gone for everybody behind him */
  assert_active(&s, "dave", "ed", "[]");
  assert_active(&s, "ed", "bob", "[]");
  assert_active(&s, "bob", "charlie", "[\"EDIT\"]");
  assert_active(&s, "charlie", "ed", "[\"VIEW\"]");
}

/* i.2: a circle without the owner is nothing. */
static void circles_do_not_hold_themselves_up(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see", NULL);
  shares_with(&s, "bob", "carol:see", NULL);
  shares_with(&s, "carol", "bob:see dave:see", NULL);
  const char *bobs = may(&s, "bob", "see"), *daves = may(&s, "dave", "see");
  unshares(&s, "alice");
  assert_active(&s, "bob", "carol", "[]");
  assert_active(&s, "carol", "bob", "[]");
  assert_string_equal(holds(&s, bobs), "");
  assert_string_equal(holds(&s, daves), "");
  may_not(&s, "bob", "see");
}

/* i.1, c.3: the right to share comes before the scopes, and nothing is written. */
static void nobody_shares_more_than_they_have(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see", NULL);
  may_not_share(&s, "bob", "carol:see,annotate");
  may_not_share(&s, "bob", "carol:see dave:annotate");
  may_not_share(&s, "bob", "carol:erase"); /* no such scope: nobody has it */
  may_not_share(&s, "carol", "dave:see");  /* a stranger */
  may_not_share(&s, "carol", "");          /* who has nothing to say here */
  may_not_share(&s, "carol", "dave:");
  assert_active(&s, "bob", "carol", "-");
  assert_active(&s, "carol", "dave", "-");
  assert_rest(us_with_sso(s.w, "GET", policy_of(&s, "bob"), sso_of(&s, "bob"), NULL, NULL), 404,
              us_text(s.w, "UMA Policy not found, %s", s.id));
  assert_rest(shares_as(&s, "bob", NULL, "", NULL), 400,
              "Invalid UMA policy. Required attribute, 'permissions', must not be empty.");
  assert_rest(shares_as(&s, "alice", NULL, "bob:erase", NULL), 400,
              "Defined Resource Set scopes, [see, annotate, fetch], do not contain requested scopes, [erase]");
  shares_with(&s, "bob", "carol:see", NULL);
  may(&s, "carol", "see");
}

/* c.5, question 36: who lost access can take back and narrow, not add. */
static void who_lost_access_can_still_take_back(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see,annotate", NULL);
  shares_with(&s, "bob", "carol:see,annotate dave:see", NULL);
  unshares(&s, "alice");
  may_not_share(&s, "bob", "carol:see,annotate dave:see,annotate"); /* a new pair */
  may_not_share(&s, "bob", "carol:see alice:see");
  shares_with(&s, "bob", "carol:see dave:see", NULL);
  assert_active(&s, "bob", "carol", "[]");
  shares_with(&s, "bob", "carol:see", ",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":4000000000}]");
  may_not_share(&s, "bob", "carol:see,annotate"); /* what was taken back is new again */
  unshares(&s, "bob");
  assert_active(&s, "bob", "carol", "-");
}

static void with_resharing_off_only_the_owner_adds(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see,annotate", NULL);
  shares_with(&s, "bob", "carol:see,annotate", NULL);
  us_world_set(s.w, "resharingMode", "OFF");
  const char *carols = may(&s, "carol", "annotate"); /* what there is stays */
  may_not_share(&s, "bob", "carol:see,annotate dave:see");
  may_not_share(&s, "carol", "dave:see");
  shares_with(&s, "alice", "bob:see,annotate dave:see", NULL);
  shares_with(&s, "bob", "carol:see", NULL);
  assert_string_equal(holds(&s, carols), "");
  unshares(&s, "bob");
  may_not_share(&s, "bob", "carol:see");
  us_world_set(s.w, "resharingMode", "IMPLICIT");
  shares_with(&s, "bob", "carol:see", NULL);
}

/* c.8: conditions hold along the whole path, at the moment of the decision; the stored state does not know them. */
static void conditions_bind_everybody_behind_them(void **state) {
  struct scene s = scene_with(*state, TRIP);
  int64_t now_s = us_world_now_ms(s.w) / 1000;
  const char *minute =
      us_text(s.w, ",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":%lld}]", (long long)now_s + 60);
  shares_with(&s, "alice", "bob:see", minute);
  shares_with(&s, "bob", "carol:see", NULL);
  struct us_reply r = asks(&s, "carol", "see");
  assert_status(r, 200);
  assert_in_range(us_reply_int(&r, "expires_in"), 50, 60); /* capped by the earliest end on the path */
  const char *rpt = us_reply_str(&r, "access_token");
  us_world_advance_ms(s.w, 61000);
  assert_string_equal(holds(&s, rpt), "");
  may_not(&s, "carol", "see");
  may_not_share(&s, "bob", "carol:see dave:see");
  assert_active(&s, "bob", "carol", "[\"see\"]");
}

static void a_token_lives_as_long_as_its_widest_path(void **state) {
  struct scene s = scene_with(*state, TRIP);
  int64_t now_s = us_world_now_ms(s.w) / 1000;
  const char *ends[] = {
      us_text(s.w, ",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":%lld}]", (long long)now_s + 100),
      us_text(s.w, ",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":%lld}]", (long long)now_s + 300)};
  shares_with(&s, "alice", "bob:see carol:see", NULL);
  shares_with(&s, "bob", "dave:see", ends[0]);
  struct us_reply r = asks(&s, "dave", "see");
  assert_in_range(us_reply_int(&r, "expires_in"), 90, 100);
  shares_with(&s, "carol", "dave:see", ends[1]);
  r = asks(&s, "dave", "see");
  assert_in_range(us_reply_int(&r, "expires_in"), 290, 300);
  const char *rpt = us_reply_str(&r, "access_token");
  unshares(&s, "carol"); /* the shorter way is left, and the token is as long as that */
  assert_string_equal(holds(&s, rpt), "see");
  r = us_introspect(s.w, s.pat, rpt);
  assert_in_range(json_integer_value(json_object_get(json_array_get(json_object_get(r.json, "permissions"), 0), "exp")),
                  now_s + 90, now_s + 100);
  us_world_advance_ms(s.w, 101000);
  assert_string_equal(holds(&s, rpt), "");
}

/* Design 6: nobody asks through a client when the right to share is judged. Whoever then asks does. */
static void a_client_condition_binds_tokens_and_not_the_right_to_share(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see", ",\"conditions\":[{\"type\":\"ClientId\",\"clientIds\":[\"" C2 "\"]}]");
  may_not(&s, "bob", "see");
  shares_with(&s, "bob", "carol:see", NULL);
  may_not(&s, "carol", "see");
  assert_reply(asks_through(&s, C2, "carol", "[\"see\"]", NULL), 200);
}

/* Whoever shared: it is the owner who is asked. */
static void pending_requests_go_to_the_owner(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see", NULL);
  shares_with(&s, "bob", "carol:see", NULL);
  may_not(&s, "carol", "annotate");
  struct us_reply r = us_with_sso(s.w, "GET", PENDING "?_queryFilter=true", sso_of(&s, "alice"), NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
  r = us_with_sso(s.w, "GET", ALPHA_JSON "users/bob/uma/pendingrequests?_queryFilter=true", sso_of(&s, "bob"), NULL,
                  NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 0);
}

/* h.1: what the resource lost goes from every share, and does not come back with the scope. */
static void a_scope_that_is_taken_away_goes_from_every_share(void **state) {
  struct scene s = scene_with(*state, TRIP);
  const char *url = us_text(s.w, ALPHA_UMA "resource_set/%s", s.id);
  shares_with(&s, "alice", "bob:see,annotate dave:annotate", NULL);
  shares_with(&s, "bob", "carol:annotate,see", NULL);
  struct us_reply before = us_with_sso(s.w, "GET", policy_of(&s, "bob"), sso_of(&s, "bob"), NULL, NULL);
  assert_reply(us_with_pat(s.w, "PUT", url, s.pat, "{\"name\":\"Lake Trip\",\"resource_scopes\":[\"see\",\"fetch\"]}"),
               200);
  assert_active(&s, "alice", "bob", "[\"see\"]");
  assert_active(&s, "alice", "dave", "-");
  assert_active(&s, "bob", "carol", "[\"see\"]");
  struct us_reply r = us_with_sso(s.w, "GET", policy_of(&s, "bob"), sso_of(&s, "bob"), NULL, NULL);
  assert_non_null(strstr(r.body, "[{\"subject\":\"carol\",\"scopes\":[\"see\"]}]"));
  assert_string_not_equal(us_reply_header(&r, "ETag"), us_reply_header(&before, "ETag"));
  assert_reply(us_with_pat(s.w, "PUT", url, s.pat, TRIP), 200);
  may_not(&s, "carol", "annotate");
  may(&s, "carol", "see");
}

/* Who is deleted takes along what others had through them, at once. */
static enum us_code delete_now(struct us_cx *cx, struct us_account *account) {
  return us_account_delete(cx, account);
}
static void a_sharer_who_goes_takes_the_rest_along(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see dave:see", NULL);
  shares_with(&s, "bob", "carol:see", NULL);
  shares_with(&s, "carol", "dave:see bob:see", NULL);
  const char *carols = may(&s, "carol", "see"), *daves = may(&s, "dave", "see");
  change_person(s.w, "bob", delete_now);
  assert_string_equal(holds(&s, carols), "");
  assert_string_equal(holds(&s, daves), "see");
  assert_active(&s, "carol", "dave", "[]");
  assert_active(&s, "carol", "bob", "-");
  assert_active(&s, "alice", "bob", "-");
  may_not(&s, "carol", "see");
}

/* More of it than a portion is tidied later; what others had through them is over at once all the same. */
static void a_sharer_of_much_takes_all_of_it_along(void **state) {
  struct scene s = scene_with(*state, TRIP);
  for (int i = 0; i <= US_CASCADE_GRAPHS; i++) {
    if (i > 0)
      s.id = us_register(s.w, s.pat, us_text(s.w, "{\"name\":\"trip %d\",\"resource_scopes\":[\"see\"]}", i));
    shares_with(&s, "alice", "bob:see", NULL);
    shares_with(&s, "bob", "carol:see", NULL);
  }
  const char *last = may(&s, "carol", "see");
  change_person(s.w, "bob", delete_now);
  assert_string_equal(holds(&s, last), "");
  may_not(&s, "carol", "see");
}

/* Ids of others: another realm's resource does not exist here, somebody else's policy is not written. */
static void ids_of_others_open_nothing(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see", NULL);
  shares_with(&s, "bob", "carol:see", NULL);
  add_realm(s.w, "/north");
  add_person(s.w, "/north", "bob", false);
  const char *body =
      us_text(s.w, "{\"policyId\":\"%s\",\"permissions\":[{\"subject\":\"eve\",\"scopes\":[\"see\"]}]}", s.id);
  const char *north = sso_in(s.w, "/north", "bob");
  assert_rest(us_with_sso(s.w, "PUT", us_text(s.w, "%susers/bob/uma/policies/%s", json_url(s.w, "/north"), s.id), north,
                          NULL, body),
              400, us_text(s.w, "Invalid ResourceSet UID%s", s.id));
  assert_reply(us_with_sso(s.w, "PUT", policy_of(&s, "bob"), north, NULL, body), 403);
  assert_reply(us_with_sso(s.w, "PUT", policy_of(&s, "bob"), sso_of(&s, "carol"), NULL, body), 403);
  assert_reply(us_with_sso(s.w, "DELETE", policy_of(&s, "bob"), sso_of(&s, "alice"), NULL, NULL), 403);
  assert_active(&s, "bob", "carol", "[\"see\"]");
  assert_active(&s, "bob", "eve", "-");
}

static void two_who_write_at_once_do_not_lose_each_other(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see", NULL);
  struct us_reply made = shares_as(&s, "bob", "If-None-Match: *", "carol:see", NULL);
  assert_status(made, 201);
  const char *rev = us_text(s.w, "If-Match: \"%s\"", us_reply_str(&made, "_rev"));
  assert_reply(shares_as(&s, "bob", "If-None-Match: *", "dave:see", NULL), 412);
  assert_reply(shares_as(&s, "bob", rev, "carol:see dave:see", NULL), 200);
  assert_reply(shares_as(&s, "bob", rev, "carol:see", NULL), 412); /* stale */
  assert_active(&s, "bob", "dave", "[\"see\"]");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(the_worked_example),
      STORY(the_graph_of_the_lineage_is_active_throughout),
      STORY(circles_do_not_hold_themselves_up),
      STORY(nobody_shares_more_than_they_have),
      STORY(who_lost_access_can_still_take_back),
      STORY(with_resharing_off_only_the_owner_adds),
      STORY(conditions_bind_everybody_behind_them),
      STORY(a_token_lives_as_long_as_its_widest_path),
      STORY(a_client_condition_binds_tokens_and_not_the_right_to_share),
      STORY(pending_requests_go_to_the_owner),
      STORY(a_scope_that_is_taken_away_goes_from_every_share),
      STORY(a_sharer_who_goes_takes_the_rest_along),
      STORY(a_sharer_of_much_takes_all_of_it_along),
      STORY(ids_of_others_open_nothing),
      STORY(two_who_write_at_once_do_not_lose_each_other),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
