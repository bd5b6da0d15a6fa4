/* Why somebody may do something, or not: POST uma/policies?_action=evaluate (design 6, ours). */
#include "flow/crest.h"

#include "domain/account.h"
#include "domain/group.h"
#include "domain/snapshot.h"

#define EVALUATE "users/%s/uma/policies?_action=evaluate"
#define IN_2031 "{\"type\":\"Expiration\",\"expirationDate\":1938263100}"
#define IN_1970 "{\"type\":\"Expiration\",\"expirationDate\":1}"
#define FOR_CLIENT "{\"type\":\"ClientId\",\"clientIds\":[\"UMA-Client\"]}"

static const char *id, *alice;

static struct us_world *lake_trip(void **state) {
  struct us_world *w = *state;
  id = us_register(w, us_pat(w, "alice", RS1),
                   "{\"name\":\"Lake\",\"resource_scopes\":[\"view\",\"edit\",\"download\"]}");
  alice = us_sso(w, "alice");
  return w;
}
static void share(struct us_world *w, const char *sharer, const char *permissions, const char *extra) {
  const char *url = us_text(w, ALPHA_JSON "users/%s/uma/policies/%s", sharer, id);
  struct us_reply r = us_with_sso(w, "PUT", url, us_sso(w, sharer), NULL, policy_body(w, id, permissions, extra));
  if (r.status != 200)
    assert_status(r, 201);
}
static struct us_reply ask_as(struct us_world *w, const char *user, const char *sso, const char *subject,
                              const char *scopes, const char *extra) {
  return us_with_sso(
      w, "POST", us_text(w, ALPHA_JSON EVALUATE, user), sso, NULL,
      us_text(w, "{\"policyId\":\"%s\",\"subject\":\"%s\",\"scopes\":%s%s}", id, subject, scopes, extra));
}
static struct us_reply ask(struct us_world *w, const char *subject, const char *scopes, const char *extra) {
  return ask_as(w, "alice", alice, subject, scopes, extra);
}
/* A step of a path in the answer; `hash` is that of the subject. `more` begins with a comma. */
static const char *step(struct us_world *w, const char *sharer, const char *subject, const char *hash,
                        const char *more) {
  return us_text(w, "{\"sharer\":\"%s\",\"subject\":\"%s\",\"entry\":\"Lake - %s - %s-%s\"%s}", sharer, subject, sharer,
                 id, hash, more);
}

static void a_share_is_shown_with_its_scopes(void **state) {
  struct us_world *w = lake_trip(state);
  share(w, "alice", TO_BOB("[\"view\",\"edit\"]"), NULL);
  assert_body(ask(w, "bob", "[\"edit\",\"download\",\"view\",\"print\",\"view\"]", ""), 200,
              us_text(w,
                      "{\"granted\":[\"edit\",\"view\"],\"denied\":[{\"scope\":\"download\",\"reason\":\"no share\"},"
                      "{\"scope\":\"print\",\"reason\":\"scope not registered\"}],\"trace\":["
                      "{\"scopes\":[\"edit\",\"view\"],\"reason\":\"shared\",\"path\":[%s]},"
                      "{\"scopes\":[\"download\"],\"reason\":\"no share\",\"path\":[]},"
                      "{\"scopes\":[\"print\"],\"reason\":\"scope not registered\",\"path\":[]}]}",
                      step(w, "alice", "bob", "97717", "")));
  assert_body(ask(w, "BOB", "[\"edit\"]", ""), 200, ask(w, "bob", "[\"edit\"]", "").body);
  assert_body(ask(w, "nobody", "[\"view\"]", ""), 200,
              "{\"granted\":[],\"denied\":[{\"scope\":\"view\",\"reason\":\"no share\"}],"
              "\"trace\":[{\"scopes\":[\"view\"],\"reason\":\"no share\",\"path\":[]}]}");
}

static void who_is_not_known_yet_is_judged_by_name(void **state) {
  struct us_world *w = lake_trip(state);
  share(w, "alice", "[{\"subject\":\"Zoe\",\"scopes\":[\"view\"]}]", NULL);
  struct us_reply r = ask(w, "zoe", "[\"view\"]", "");
  assert_non_null(strstr(r.body, "\"granted\":[\"view\"]"));
  assert_non_null(strstr(r.body, "\"subject\":\"Zoe\""));
}

static void the_owner_needs_no_share(void **state) {
  struct us_world *w = lake_trip(state);
  assert_body(
      ask(w, "alice", "[\"view\"]", ""), 200,
      "{\"granted\":[\"view\"],\"denied\":[],\"trace\":[{\"scopes\":[\"view\"],\"reason\":\"owner\",\"path\":[]}]}");
  us_world_set(w, "grantResourceOwnerImplicitConsent", "false");
  assert_non_null(strstr(ask(w, "alice", "[\"view\"]", "").body, "\"granted\":[]"));
}

static void a_condition_is_shown_and_whether_it_holds(void **state) {
  struct us_world *w = lake_trip(state);
  const char *holds = "{\"type\":\"AND\",\"conditions\":[" IN_2031 "," FOR_CLIENT "]}";
  share(w, "alice", TO_BOB("[\"view\"]"), ",\"conditions\":[" IN_2031 "," FOR_CLIENT "]");
  struct us_reply r = ask(w, "bob", "[\"view\"]", ",\"clientId\":\"UMA-Client\"");
  assert_body(r, 200,
              us_text(w,
                      "{\"granted\":[\"view\"],\"denied\":[],\"trace\":[{\"scopes\":[\"view\"],\"reason\":\"shared\","
                      "\"until\":1938263100,\"path\":[%s]}]}",
                      step(w, "alice", "bob", "97717", us_text(w, ",\"condition\":%s,\"holds\":[true,true]", holds))));
  assert_body(ask(w, "bob", "[\"view\"]", ",\"clientId\":\"UMA-Client-2\""), 200,
              us_text(w,
                      "{\"granted\":[],\"denied\":[{\"scope\":\"view\",\"reason\":\"condition not met\"}],"
                      "\"trace\":[{\"scopes\":[\"view\"],\"reason\":\"condition not met\",\"path\":[%s]}]}",
                      step(w, "alice", "bob", "97717", us_text(w, ",\"condition\":%s,\"holds\":[true,false]", holds))));
  /* nobody asks: what is said about clients does not count */
  assert_non_null(strstr(ask(w, "bob", "[\"view\"]", "").body, "\"granted\":[\"view\"]"));
  us_world_advance_ms(w, 1938263100000 - us_world_now_ms(w));
  alice = us_sso(w, "alice");
  r = ask(w, "bob", "[\"view\"]", ",\"clientId\":\"UMA-Client\"");
  assert_non_null(strstr(r.body, "\"granted\":[]"));
  assert_non_null(strstr(r.body, "\"holds\":[false,true]"));
}

static void a_path_is_told_from_the_owner_to_the_party(void **state) {
  struct us_world *w = lake_trip(state);
  share(w, "alice", TO_BOB("[\"view\",\"edit\"]"), NULL);
  share(w, "bob", "[{\"subject\":\"carol\",\"scopes\":[\"view\"]}]", NULL);
  assert_body(ask(w, "carol", "[\"view\",\"edit\"]", ""), 200,
              us_text(w,
                      "{\"granted\":[\"view\"],\"denied\":[{\"scope\":\"edit\",\"reason\":\"no share\"}],\"trace\":["
                      "{\"scopes\":[\"view\"],\"reason\":\"shared\",\"path\":[%s,%s]},"
                      "{\"scopes\":[\"edit\"],\"reason\":\"no share\",\"path\":[]}]}",
                      step(w, "alice", "bob", "97717", ""), step(w, "bob", "carol", "94431409", "")));
  share(w, "alice", TO_BOB("[\"view\"]"), ",\"conditions\":[" IN_1970 "]");
  struct us_reply r = ask(w, "carol", "[\"view\"]", "");
  assert_non_null(strstr(r.body, "{\"scope\":\"view\",\"reason\":\"condition not met\"}"));
  assert_non_null(strstr(r.body, step(w, "bob", "carol", "94431409", ""))); /* the path that would do */
  assert_non_null(strstr(r.body, "\"holds\":[false]"));
}

/* Carol is in the group family. */
static enum us_code make_family(struct us_cx *cx, void *self) {
  static const char *const names[] = {"family", "neighbours"};
  const struct us_realm *realm = self;
  struct us_account carol;
  struct us_group group;
  US_TRY(us_account_by_name(cx, realm->id, US_STR("carol"), &carol));
  for (size_t i = 0; i < 2; i++) {
    US_TRY(us_group_create(cx, realm->id, us_str_c(names[i]), &group.id));
    US_TRY(us_group_by_name(cx, realm->id, us_str_c(names[i]), &group));
  }
  US_TRY(us_group_by_name(cx, realm->id, US_STR("family"), &group));
  return us_group_add(cx, &group, carol.id);
}
static void family(struct us_world *w) {
  const struct us_snapshot *snapshot = us_snapshot_ref(us_world_services(w)->snapshots);
  const struct us_realm *realm = us_snapshot_realm(snapshot, US_STR("/alpha"));
  assert_int_equal(us_world_transact(w, make_family, (void *)realm), US_OK);
  us_snapshot_unref(snapshot);
}

static void groups_are_seen_through(void **state) {
  struct us_world *w = lake_trip(state);
  family(w);
  share(w, "alice", "[{\"subject\":\"group:family\",\"scopes\":[\"view\"]}]", NULL);
  struct us_reply r = ask(w, "carol", "[\"view\"]", "");
  assert_non_null(strstr(r.body, "\"granted\":[\"view\"]"));
  assert_non_null(strstr(r.body, "\"subject\":\"group:family\""));
  assert_non_null(strstr(ask(w, "group:Family", "[\"view\"]", "").body, "\"granted\":[\"view\"]"));
  assert_non_null(strstr(ask(w, "group:neighbours", "[\"view\"]", "").body, "\"granted\":[]"));
  assert_non_null(strstr(ask(w, "bob", "[\"view\"]", "").body, "\"granted\":[]"));
}

/* A sharer who does not own the resource asks about the own policy. */
static void a_sharer_is_told_of_the_own_shares_only(void **state) {
  struct us_world *w = lake_trip(state);
  share(w, "alice",
        "[{\"subject\":\"bob\",\"scopes\":[\"view\",\"edit\"]},{\"subject\":\"carol\",\"scopes\":[\"edit\"]}]", NULL);
  share(w, "bob", "[{\"subject\":\"carol\",\"scopes\":[\"view\"]}]", NULL);
  const char *bob = us_sso(w, "bob"), *admin = us_sso(w, "amAdmin");
  struct us_reply r = ask_as(w, "bob", bob, "carol", "[\"view\",\"edit\",\"print\"]", "");
  assert_body(r, 200,
              us_text(w,
                      "{\"granted\":[\"view\"],\"denied\":[{\"scope\":\"edit\",\"reason\":\"no share\"},"
                      "{\"scope\":\"print\",\"reason\":\"scope not registered\"}],\"trace\":["
                      "{\"scopes\":[\"view\"],\"reason\":\"shared\",\"path\":[{\"hidden\":true},%s]},"
                      "{\"scopes\":[\"edit\"],\"reason\":\"no share\",\"path\":[]},"
                      "{\"scopes\":[\"print\"],\"reason\":\"scope not registered\",\"path\":[]}]}",
                      step(w, "bob", "carol", "94431409", "")));
  assert_body(ask_as(w, "bob", admin, "carol", "[\"view\",\"edit\",\"print\"]", ""), 200, r.body);
  /* of alice's share with dave bob learns nothing, whether there is one or not */
  const char *before = ask_as(w, "bob", bob, "dave", "[\"view\"]", "").body;
  share(w, "alice",
        "[{\"subject\":\"bob\",\"scopes\":[\"view\",\"edit\"]},{\"subject\":\"dave\",\"scopes\":[\"view\"]}]", NULL);
  assert_body(ask_as(w, "bob", bob, "dave", "[\"view\"]", ""), 200, before);
  /* the own right */
  assert_non_null(strstr(ask_as(w, "bob", bob, "bob", "[\"view\"]", "").body, "\"granted\":[\"view\"]"));
  /* a condition on what bob has is alice's, but that it fails is the reason */
  share(w, "alice", TO_BOB("[\"view\"]"), ",\"conditions\":[" IN_1970 "]");
  r = ask_as(w, "bob", bob, "carol", "[\"view\"]", "");
  assert_non_null(strstr(r.body, "{\"scope\":\"view\",\"reason\":\"condition not met\"}"));
  assert_null(strstr(r.body, "Expiration"));
}

static void what_one_neither_owns_nor_shares_is_not_there(void **state) {
  struct us_world *w = lake_trip(state);
  const char *bob = us_sso(w, "bob"), *admin = us_sso(w, "amAdmin");
  const char *gone = us_text(w, "UMA Policy not found, %s", id);
  share(w, "alice", TO_BOB("[\"view\"]"), NULL);
  assert_rest(ask_as(w, "bob", bob, "carol", "[\"view\"]", ""), 404, gone); /* may see it, but shares nothing of it */
  assert_rest(ask_as(w, "carol", us_sso(w, "carol"), "bob", "[\"view\"]", ""), 404, gone);
  assert_rest(ask_as(w, "bob", admin, "carol", "[\"view\"]", ""), 404, gone);
  assert_reply(ask_as(w, "alice", admin, "bob", "[\"view\"]", ""), 200);
  assert_rest(us_with_sso(w, "POST", POLICIES "?_action=evaluate", alice, NULL,
                          "{\"policyId\":\"x\",\"subject\":\"bob\",\"scopes\":[\"view\"]}"),
              404, "UMA Policy not found, x");
  assert_reply(ask_as(w, "alice", bob, "carol", "[\"view\"]", ""), 403);
  assert_reply(ask_as(w, "nobody", bob, "carol", "[\"view\"]", ""), 403);
  assert_reply(ask_as(w, "nobody", admin, "carol", "[\"view\"]", ""), 404);
  assert_reply(ask_as(w, "alice", "dead", "carol", "[\"view\"]", ""), 401);
  /* alice's resource is not of the realm above */
  const char *above = us_text(w, "/am/json/realms/root/users/amAdmin/uma/policies?_action=evaluate");
  const char *body = us_text(w, "{\"policyId\":\"%s\",\"subject\":\"bob\",\"scopes\":[\"view\"]}", id);
  assert_rest(us_with_sso(w, "POST", above, admin, NULL, body), 404, gone);
}

static void what_is_asked_is_checked(void **state) {
  struct us_world *w = lake_trip(state);
  const char *scopes = "\"s0\"";
  for (int i = 1; i < 256; i++)
    scopes = us_text(w, "%s,\"s%d\"", scopes, i);
  assert_reply(ask(w, "bob", us_text(w, "[%s]", scopes), ""), 200);
  assert_reply(ask(w, "bob", us_text(w, "[%s,\"s256\"]", scopes), ""), 400);
  assert_reply(ask(w, us_text(w, "%0255d", 0), "[\"view\"]", ""), 200);
  assert_reply(ask(w, us_text(w, "%0256d", 0), "[\"view\"]", ""), 400);
  assert_reply(ask(w, "", "[\"view\"]", ""), 400);
  assert_reply(ask(w, "bob", "[]", ""), 400);
  assert_reply(ask(w, "bob", "\"view\"", ""), 400);
  assert_reply(ask(w, "bob", "[1]", ""), 400);
  assert_reply(ask(w, "bob", "[\"view\"]", ",\"clientId\":7"), 400);
  assert_reply(us_with_sso(w, "POST", POLICIES "?_action=evaluate", alice, NULL, "{}"), 400);
  assert_reply(us_with_sso(w, "POST", POLICIES "?_action=evaluate", alice, NULL, "[]"), 400);
  assert_reply(us_with_sso(w, "POST", POLICIES "?_action=evaluate", alice, "If-Match: 1", "{}"), 412);
}

static void nothing_is_written(void **state) {
  struct us_world *w = lake_trip(state);
  share(w, "alice", TO_BOB("[\"view\"]"), ",\"conditions\":[{\"type\":\"MaxUses\",\"uses\":1}]");
  struct us_reply before = get_policy(w, alice, id);
  for (int i = 0; i < 3; i++)
    assert_non_null(strstr(ask(w, "bob", "[\"view\"]", ",\"clientId\":\"UMA-Client\"").body, "\"granted\":[\"view\"]"));
  assert_body(get_policy(w, alice, id), 200, before.body);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_share_is_shown_with_its_scopes),
      STORY(who_is_not_known_yet_is_judged_by_name),
      STORY(the_owner_needs_no_share),
      STORY(a_condition_is_shown_and_whether_it_holds),
      STORY(a_path_is_told_from_the_owner_to_the_party),
      STORY(groups_are_seen_through),
      STORY(a_sharer_is_told_of_the_own_shares_only),
      STORY(what_one_neither_owns_nor_shares_is_not_there),
      STORY(what_is_asked_is_checked),
      STORY(nothing_is_written),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
