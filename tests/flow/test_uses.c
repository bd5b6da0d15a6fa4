/* Conditions of ours (design 6): NotBefore, and MaxUses, which counts RPTs. And what an RPT is worth when what it came from is not. */
#include "flow/graph.h"

static void refused(struct us_reply r, int status, const char *error) {
  assert_error(r, status, error);
}
#define USES(n) ",\"conditions\":[{\"type\":\"MaxUses\",\"uses\":" n "}]"

static void a_share_can_begin_later(void **state) {
  struct scene s = scene_with(*state, TRIP);
  int64_t now_s = us_world_now_ms(s.w) / 1000;
  shares_with(&s, "alice", "bob:see",
              us_text(s.w,
                      ",\"conditions\":[{\"type\":\"notbefore\",\"date\":\"%lld\"},{\"type\":\"Expiration\","
                      "\"expirationDate\":%lld}]",
                      (long long)now_s + 60, (long long)now_s + 120));
  may_not(&s, "bob", "see");
  us_world_advance_ms(s.w, 60000);
  struct us_reply r = asks(&s, "bob", "see");
  assert_status(r, 200);
  assert_in_range(us_reply_int(&r, "expires_in"), 50, 60);
  us_world_advance_ms(s.w, 60000);
  may_not(&s, "bob", "see");
}

static void our_conditions_are_kept_as_they_are_written(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see",
              ",\"type\":\"OR\",\"conditions\":[{\"type\":\"NOTBEFORE\",\"date\":\"17\"},{\"type\":\"maxUses\","
              "\"uses\":\"3\"}]");
  struct us_reply r = us_with_sso(s.w, "GET", policy_of(&s, "alice"), sso_of(&s, "alice"), NULL, NULL);
  assert_non_null(strstr(
      r.body,
      "\"type\":\"OR\",\"conditions\":[{\"type\":\"NotBefore\",\"date\":17},{\"type\":\"MaxUses\",\"uses\":3}]"));
}

static void malformed_ones_are_refused(void **state) {
  struct scene s = scene_with(*state, TRIP);
  static const struct {
    const char *condition, *text;
  } bad[] = {
      {"{\"type\":\"NotBefore\"}", "'date' must be a number of seconds."},
      {"{\"type\":\"NotBefore\",\"date\":-1}", "'date' must be a number of seconds."},
      {"{\"type\":\"NotBefore\",\"date\":1.5}", "'date' must be a number of seconds."},
      {"{\"type\":\"NotBefore\",\"date\":253402300800}", "'date' must be a number of seconds."},
      {"{\"type\":\"NotBefore\",\"expirationDate\":1}", "'date' must be a number of seconds."},
      {"{\"type\":\"MaxUses\"}", "'uses' must be a number of times, 1 or more."},
      {"{\"type\":\"MaxUses\",\"uses\":0}", "'uses' must be a number of times, 1 or more."},
      {"{\"type\":\"MaxUses\",\"uses\":\"0\"}", "'uses' must be a number of times, 1 or more."},
      {"{\"type\":\"MaxUses\",\"uses\":1000000001}", "'uses' must be a number of times, 1 or more."},
      {"{\"type\":\"MaxUses\",\"uses\":true}", "'uses' must be a number of times, 1 or more."},
      {"{\"type\":\"MaxUse\",\"uses\":1}", "Unknown type, 'MaxUse'."},
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_rest(shares_as(&s, "alice", NULL, "bob:see", us_text(s.w, ",\"conditions\":[%s]", bad[i].condition)), 400,
                us_text(s.w, "Invalid UMA policy condition. %s", bad[i].text));
}

static void each_token_is_a_use(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see", USES("2"));
  may_not(&s, "bob", "fetch"); /* a refusal uses nothing up */
  const char *first = may(&s, "bob", "see"), *second = may(&s, "bob", "see");
  may_not(&s, "bob", "see");
  assert_string_equal(holds(&s, first), "see");
  assert_string_equal(holds(&s, second), "see");
  shares_with(&s, "alice", "bob:see dave:see", NULL); /* something changed: decided anew, and still used up */
  assert_string_equal(holds(&s, first), "see");
  may_not(&s, "bob", "see");
  shares_with(&s, "alice", "bob:see dave:see", USES("3"));
  may(&s, "bob", "see");
  may_not(&s, "bob", "see");
  may(&s, "dave", "see"); /* each share has uses of its own */
  shares_with(&s, "alice", "dave:see", NULL);
  assert_string_equal(holds(&s, first), "");
  shares_with(&s, "alice", "bob:see", USES("1")); /* somebody who comes back begins anew */
  may(&s, "bob", "see");
}

static void a_token_for_several_scopes_is_one_use(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see,annotate,fetch", USES("1"));
  assert_reply(asks_through(&s, C1, "bob", "[\"see\",\"annotate\",\"fetch\"]", NULL), 200);
  may_not(&s, "bob", "see");
}

/* Every link of the path is used. */
static void links_are_used_up_by_those_behind_them(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see", USES("2"));
  shares_with(&s, "bob", "carol:see", USES("5"));
  const char *rpt = may(&s, "carol", "see");
  may(&s, "bob", "see");
  may_not(&s, "carol", "see");
  may_not(&s, "bob", "see");
  may_not_share(&s, "bob", "carol:see dave:see"); /* nothing left to share on */
  assert_string_equal(holds(&s, rpt), "see");
  unshares(&s, "bob");
  assert_string_equal(holds(&s, rpt), "");
}

/* A token does not live on the uses of others: when its own way ends, a share that was used up by another token does not hold it. */
static void a_token_lives_on_its_own_uses_only(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see dave:see", NULL);
  const char *free_one = may(&s, "bob", "see");
  shares_with(&s, "dave", "bob:see", USES("1"));
  shares_with(&s, "alice", "dave:see", NULL);
  assert_string_equal(holds(&s, free_one), "");
  const char *counted = may(&s, "bob", "see");
  assert_string_equal(holds(&s, free_one), "");
  assert_string_equal(holds(&s, counted), "see");
  may_not(&s, "bob", "see");
}

/* 6.6: what an upgraded token has used it keeps. */
static void an_upgrade_uses_nothing_up(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see", USES("1"));
  const char *old = may(&s, "bob", "see");
  shares_with(&s, "alice", "bob:see", USES("1"));
  shares_with(&s, "alice", "bob:see dave:fetch", NULL);
  us_world_advance_ms(s.w, 1);
  shares_with(&s, "dave", "bob:fetch", NULL);
  struct us_reply r = asks_through(&s, C1, "bob", "[\"fetch\"]", us_text(s.w, "&rpt=%s", old));
  assert_status(r, 200);
  assert_true(json_is_true(json_object_get(r.json, "upgraded")));
  const char *rpt = us_reply_str(&r, "access_token");
  assert_string_equal(holds(&s, rpt), "fetch see");
  shares_with(&s, "alice", "bob:see dave:fetch carol:see", NULL);
  assert_string_equal(holds(&s, rpt), "fetch see");
  assert_string_equal(holds(&s, old), "");
}

static int64_t seconds_left(struct scene *s, const char *rpt, const char *resource) {
  struct us_reply r = us_introspect(s->w, s->pat, rpt);
  json_t *permission;
  size_t i;
  json_array_foreach(json_object_get(r.json, "permissions"), i, permission) {
    if (strcmp(json_string_value(json_object_get(permission, "resource_id")), resource) == 0)
      return json_integer_value(json_object_get(permission, "exp")) - us_world_now_ms(s->w) / 1000;
  }
  return 0;
}
static const char *upgraded(struct scene *s, const char *resource, const char *rpt) {
  const char *ticket =
      us_ask(s->w, s->pat, us_text(s->w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"see\"]}", resource));
  struct us_reply r = us_grant(s->w, C1, ticket, us_id_token(s->w, "bob", C1), us_text(s->w, "&rpt=%s", rpt));
  assert_status(r, 200);
  return us_reply_str(&r, "access_token");
}

static void a_use_does_not_last_longer_by_upgrades(void **state) {
  struct scene s = scene_with(*state, TRIP);
  const char *trip = s.id;
  shares_with(&s, "alice", "bob:see", USES("1"));
  const char *rpt = may(&s, "bob", "see");
  int64_t whole = seconds_left(&s, rpt, trip);
  us_world_advance_ms(s.w, 1);
  s.id = us_register(s.w, s.pat, "{\"name\":\"free\",\"resource_scopes\":[\"see\"]}");
  shares_with(&s, "alice", "bob:see", NULL);
  for (int i = 1; i < 4; i++) {
    us_world_advance_ms(s.w, (whole - 10) * 250);
    rpt = upgraded(&s, s.id, rpt);
    assert_int_equal(seconds_left(&s, rpt, s.id), whole);
    assert_in_range(seconds_left(&s, rpt, trip), whole - (whole - 10) * i / 4 - 2, whole - (whole - 10) * i / 4 + 2);
  }
  us_world_advance_ms(s.w, whole * 500);
  s.pat = us_pat(s.w, "alice", RS1); /* it ended as well */
  assert_int_equal(seconds_left(&s, rpt, trip), 0);
  rpt = upgraded(&s, s.id, rpt);
  assert_int_equal(seconds_left(&s, rpt, trip), 0);
  assert_int_equal(seconds_left(&s, rpt, s.id), whole);
}

static void a_second_use_lasts_as_long_as_any(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see", USES("2"));
  const char *rpt = may(&s, "bob", "see");
  int64_t whole = seconds_left(&s, rpt, s.id);
  us_world_advance_ms(s.w, whole * 500);
  assert_int_equal(seconds_left(&s, upgraded(&s, s.id, rpt), s.id), whole);
  may_not(&s, "bob", "see");
}

/* 6.2 step 6, G 5.5: a stolen ticket takes along whatever came of its process, however often that was upgraded. */
static void a_stolen_ticket_takes_upgraded_tokens_along(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see,annotate,fetch", NULL);
  const char *scopes[] = {"see", "annotate", "fetch"};
  const char *tickets[3], *rpt = NULL;
  for (int stolen = 0; stolen < 3; stolen++) {
    rpt = NULL;
    for (int i = 0; i < 3; i++) {
      tickets[i] =
          us_ask(s.w, s.pat, us_text(s.w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"%s\"]}", s.id, scopes[i]));
      struct us_reply r =
          us_grant(s.w, C1, tickets[i], id_token_of(&s, "bob"), rpt ? us_text(s.w, "&rpt=%s", rpt) : NULL);
      assert_status(r, 200);
      assert_int_equal(json_is_true(json_object_get(r.json, "upgraded")), i > 0);
      rpt = us_reply_str(&r, "access_token");
      us_world_advance_ms(s.w, 1);
    }
    assert_string_equal(holds(&s, rpt), "fetch annotate see");
    refused(us_grant(s.w, C2, tickets[stolen], us_id_token(s.w, "bob", C2), NULL), 400, "invalid_grant");
    assert_string_equal(holds(&s, rpt), "");
  }
}

/* Until there are too many to remember: then a token is not upgraded any further. */
static void a_token_is_upgraded_so_often(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see,annotate", NULL);
  const char *rpt = may(&s, "bob", "annotate");
  for (int i = 0; i < 70; i++) {
    us_world_advance_ms(s.w, 1);
    struct us_reply r = asks_through(&s, C1, "bob", "[\"see\"]", us_text(s.w, "&rpt=%s", rpt));
    assert_status(r, 200);
    bool is_upgraded = json_is_true(json_object_get(r.json, "upgraded"));
    assert_int_equal(is_upgraded, i < 63);
    if (!is_upgraded) {
      assert_string_equal(holds(&s, us_reply_str(&r, "access_token")), "see");
      break;
    }
    rpt = us_reply_str(&r, "access_token");
  }
  assert_string_equal(holds(&s, rpt), "see annotate");
}

/* Whose name is given out again does not speak for who has it now. */
static enum us_code delete_now(struct us_cx *cx, struct us_account *account) {
  return us_account_delete(cx, account);
}
static void an_id_token_is_not_of_who_has_the_name_now(void **state) {
  struct scene s = scene_with(*state, TRIP);
  const char *old = us_id_token(s.w, "bob", C1);
  const char *verified = us_id_token(s.w, "bob", C1);
  shares_with(&s, "alice", "bob:see", NULL);
  may(&s, "bob", "see");
  change_person(s.w, "bob", delete_now);
  us_world_advance_ms(s.w, 1000);
  add_person(s.w, "/alpha", "bob", false);
  shares_with(&s, "alice", "bob:see dave:see", NULL);
  for (int i = 0; i < 2; i++) { /* also when it was verified before */
    const char *ticket =
        us_ask(s.w, s.pat, us_text(s.w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"see\"]}", s.id));
    refused(us_grant(s.w, C1, ticket, i == 0 ? old : verified, NULL), 403, "need_info");
  }
  s.persons[person(&s, "bob")].id_token = NULL;
  may(&s, "bob", "see");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_share_can_begin_later),
      STORY(our_conditions_are_kept_as_they_are_written),
      STORY(malformed_ones_are_refused),
      STORY(each_token_is_a_use),
      STORY(a_token_for_several_scopes_is_one_use),
      STORY(links_are_used_up_by_those_behind_them),
      STORY(a_token_lives_on_its_own_uses_only),
      STORY(an_upgrade_uses_nothing_up),
      STORY(a_use_does_not_last_longer_by_upgrades),
      STORY(a_second_use_lasts_as_long_as_any),
      STORY(a_stolen_ticket_takes_upgraded_tokens_along),
      STORY(a_token_is_upgraded_so_often),
      STORY(an_id_token_is_not_of_who_has_the_name_now),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
