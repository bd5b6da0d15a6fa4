/* Ending every share with one person at once: POST uma/policies?_action=stopSharingWith (ours). */
#include "flow/crest.h"

#include "base/mem.h"
#include "domain/entry.h"
#include "store/sql.h"

#define STOP POLICIES "?_action=stopSharingWith"

static const char *pat, *alice, *bob;

static struct us_world *people(void **state) {
  struct us_world *w = *state;
  pat = us_pat(w, "alice", RS1);
  alice = us_sso(w, "alice");
  bob = us_sso(w, "bob");
  return w;
}
static const char *shared(struct us_world *w, const char *permissions) {
  const char *id = us_register(w, pat, "{\"resource_scopes\":[\"view\",\"edit\"]}");
  assert_reply(put_policy(w, alice, id, NULL, permissions, NULL), 201);
  return id;
}
static struct us_reply stop(struct us_world *w, const char *subject) {
  return us_with_sso(w, "POST", STOP, alice, NULL, us_text(w, "{\"subject\":\"%s\"}", subject));
}
static const char *permissions_of(struct us_world *w, const char *id) {
  struct us_reply r = get_policy(w, alice, id);
  char *text = json_dumps(json_object_get(r.json, "permissions"), JSON_COMPACT | JSON_ENCODE_ANY);
  const char *copy = us_text(w, "%s", text ? text : "(none)");
  free(text);
  return copy;
}
#define TO_CAROL "[{\"subject\":\"carol\",\"scopes\":[\"edit\"]}]"
#define TO_BOTH "[{\"subject\":\"Bob\",\"scopes\":[\"view\"]},{\"subject\":\"carol\",\"scopes\":[\"edit\"]}]"

static void all_shares_with_one_person_end(void **state) {
  struct us_world *w = people(state);
  const char *alone = shared(w, TO_BOB("[\"view\"]")), *both = shared(w, TO_BOTH), *carols = shared(w, TO_CAROL);
  struct us_reply before = get_policy(w, alice, both), untouched = get_policy(w, alice, carols);
  assert_body(stop(w, "bOB"), 200, "{\"stopped\":2}");
  assert_rest(get_policy(w, alice, alone), 404, us_text(w, "UMA Policy not found, %s", alone));
  assert_string_equal(permissions_of(w, both), TO_CAROL);
  struct us_reply after = get_policy(w, alice, both);
  assert_string_not_equal(us_reply_str(&before, "_rev"), us_reply_str(&after, "_rev"));
  assert_body(get_policy(w, alice, carols), 200, untouched.body);
  assert_body(stop(w, "bob"), 200, "{\"stopped\":0}");
  assert_body(stop(w, "nobody at all"), 200, "{\"stopped\":0}");
}

static void conditions_of_the_others_stay(void **state) {
  struct us_world *w = people(state);
  const char *id = us_register(w, pat, "{\"resource_scopes\":[\"view\",\"edit\"]}");
  assert_reply(put_policy(w, alice, id, NULL, TO_BOTH,
                          ",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":1938263100}]"),
               201);
  assert_body(stop(w, "bob"), 200, "{\"stopped\":1}");
  struct us_reply r = get_policy(w, alice, id);
  assert_int_equal(json_array_size(json_object_get(r.json, "conditions")), 1);
}

static void groups_are_subjects_too(void **state) {
  struct us_world *w = people(state);
  const char *id =
      shared(w, "[{\"subject\":\"group:Family\",\"scopes\":[\"view\"]},{\"subject\":\"bob\",\"scopes\":[\"view\"]}]");
  assert_body(stop(w, "family"), 200, "{\"stopped\":0}");
  assert_body(stop(w, "group:family"), 200, "{\"stopped\":1}");
  assert_string_equal(permissions_of(w, id), TO_BOB("[\"view\"]"));
}

static const char *rpt_of(struct us_world *w, const char *user, const char *id) {
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", id));
  struct us_reply r = us_grant(w, "UMA-Client", ticket, us_id_token(w, user, "UMA-Client"), NULL);
  assert_status(r, 200);
  return us_reply_str(&r, "access_token");
}

static void rpts_are_dead_at_once(void **state) {
  struct us_world *w = people(state);
  const char *one = rpt_of(w, "bob", shared(w, TO_BOB("[\"view\"]"))), *two = rpt_of(w, "bob", shared(w, TO_BOTH));
  struct us_reply r = us_introspect(w, pat, one);
  assert_true(json_is_true(json_object_get(r.json, "active")));
  assert_body(stop(w, "bob"), 200, "{\"stopped\":2}");
  assert_body(us_introspect(w, pat, one), 200, "{\"active\":false}");
  assert_body(us_introspect(w, pat, two), 200, "{\"active\":false}");
}

static void what_was_shared_on_ends_with_it(void **state) {
  struct us_world *w = people(state);
  const char *id = shared(w, TO_BOB("[\"view\"]"));
  us_share(w, "bob", id, "carol", "[\"view\"]");
  const char *carols = rpt_of(w, "carol", id);
  assert_true(json_is_true(json_object_get(us_introspect(w, pat, carols).json, "active")));
  assert_body(stop(w, "bob"), 200, "{\"stopped\":1}");
  assert_body(us_introspect(w, pat, carols), 200, "{\"active\":false}");
  struct us_reply r =
      us_with_sso(w, "GET", ALPHA_JSON "users/bob/policies?_queryFilter=active+eq+false", bob, NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1); /* bob's own share is there, and does nothing */
  us_share(w, "alice", id, "bob", "[\"view\"]");
  rpt_of(w, "carol", id);
}

static void only_the_own_shares_end(void **state) {
  struct us_world *w = people(state);
  const char *mine = shared(w, TO_BOTH);
  const char *bobs = us_register(w, us_pat(w, "bob", RS1), "{\"resource_scopes\":[\"view\"]}");
  us_share(w, "bob", bobs, "carol", "[\"view\"]");
  assert_body(stop(w, "carol"), 200, "{\"stopped\":1}");
  assert_string_equal(permissions_of(w, mine), "[{\"subject\":\"Bob\",\"scopes\":[\"view\"]}]");
  assert_reply(us_with_sso(w, "GET", us_text(w, ALPHA_JSON "users/bob/uma/policies/%s", bobs), bob, NULL, NULL), 200);
}

static void only_the_owner_may(void **state) {
  struct us_world *w = people(state);
  const char *id = shared(w, TO_BOTH), *body = "{\"subject\":\"bob\"}";
  assert_reply(us_with_sso(w, "POST", STOP, bob, NULL, body), 403);
  assert_reply(us_with_sso(w, "POST", STOP, us_sso(w, "amAdmin"), NULL, body), 403);
  assert_reply(us_with_sso(w, "POST", STOP, "dead", NULL, body), 401);
  assert_reply(us_with_pat(w, "POST", STOP, pat, body), 401);
  assert_reply(us_with_sso(w, "POST", "/am/json/realms/root/users/alice/uma/policies?_action=stopSharingWith", alice,
                           NULL, body),
               403);
  assert_string_equal(permissions_of(w, id), TO_BOTH);
}

static void a_body_that_names_nobody_is_refused(void **state) {
  struct us_world *w = people(state);
  const char *longest = us_text(w, "%0255d", 0), *too_long = us_text(w, "%0256d", 0);
  const char *const bodies[] = {"{}",
                                "{\"subject\":null}",
                                "{\"subject\":\"\"}",
                                "{\"subject\":7}",
                                "{\"subject\":[\"bob\"]}",
                                "{\"subject\":\"a\\nb\"}",
                                "[]",
                                "{"};
  for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
    assert_reply(us_with_sso(w, "POST", STOP, alice, NULL, bodies[i]), 400);
  assert_reply(us_with_sso(w, "POST", STOP, alice, NULL, NULL), 400);
  assert_body(stop(w, longest), 200, "{\"stopped\":0}");
  assert_reply(stop(w, too_long), 400);
  assert_reply(us_with_sso(w, "POST", STOP, alice, "If-Match: *", "{\"subject\":\"bob\"}"), 412);
  assert_reply(us_with_sso(w, "POST", POLICIES "?_action=stopsharingwith", alice, NULL, "{\"subject\":\"bob\"}"), 501);
}

/* More shares of alice with bob than a story makes by requests: rows as the store keeps them. */
struct many {
  int64_t account, from, to;
};
static enum us_code add_many(struct us_cx *cx, void *self) {
  static const char SQL_RESOURCE[] =
      "INSERT INTO resource (id, uuid, realm_id, owner_id, rs_ref, scopes, rev, access_rev, created_ms, modified_ms, "
      "description)"
      " SELECT $1, $2, a.realm_id, a.id, 1, '[\"view\"]', 1, 1, 1, 1, '{}' FROM account a WHERE a.name_key = 'alice'";
  static const char SQL_POLICY[] =
      "INSERT INTO policy (id, realm_id, resource_id, sharer_id, rev, created_ms, modified_ms)"
      " SELECT $1, a.realm_id, $1, a.id, 1, 1, 1 FROM account a WHERE a.name_key = 'alice'";
  static const char SQL_PERMISSION[] =
      "INSERT INTO permission (id, policy_id, resource_id, sharer_id, realm_id, position, subject, subject_key, scopes,"
      " active_scopes, is_active, conditions, created_ms, modified_ms)"
      " SELECT $1, $1, $1, a.id, a.realm_id, 0, 'bob', 'bob', '[\"view\"]', '[\"view\"]', 1, '', 1, 1 FROM account a"
      " WHERE a.name_key = 'alice'";
  struct many *many = self;
  for (int64_t i = many->from; i < many->to; i++) {
    int64_t id = 1000 + i;
    US_TRY(us_sql_run(cx, NULL, SQL_RESOURCE, "it", id, us_str_fmt(cx->mem, "r%d", (int)i)));
    US_TRY(us_sql_run(cx, NULL, SQL_POLICY, "i", id));
    US_TRY(us_sql_run(cx, NULL, SQL_PERMISSION, "i", id));
  }
  return US_OK;
}
static void add_shares(struct us_world *w, int64_t from, int64_t to) {
  struct many many = {.from = from, .to = to};
  assert_int_equal(us_world_transact(w, add_many, &many), US_OK);
}
static int64_t shares_left(struct us_world *w) {
  static const char SQL[] = "SELECT COUNT(*) FROM permission";
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20), .now_ms = us_world_now_ms(w)};
  int64_t n = -1;
  assert_int_equal(us_db_begin_read(&cx, us_world_db(w)), US_OK);
  assert_int_equal(us_sql_one(&cx, columns, 1, &n, SQL, ""), US_OK);
  us_db_end_read(&cx, us_world_db(w));
  us_mem_free(cx.mem);
  return n;
}

static void it_is_all_or_nothing_up_to_its_limit(void **state) {
  struct us_world *w = people(state);
  add_shares(w, 0, US_SHARE_STOP_MAX + 1);
  assert_rest(stop(w, "bob"), 400, us_text(w, "There are more than %d shares with this subject", US_SHARE_STOP_MAX));
  assert_int_equal(shares_left(w), US_SHARE_STOP_MAX + 1);
  assert_reply(us_with_sso(w, "DELETE", POLICIES "/r0", alice, NULL, NULL), 200);
  assert_body(stop(w, "bob"), 200, us_text(w, "{\"stopped\":%d}", US_SHARE_STOP_MAX));
  assert_int_equal(shares_left(w), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(all_shares_with_one_person_end),
      STORY(conditions_of_the_others_stay),
      STORY(groups_are_subjects_too),
      STORY(rpts_are_dead_at_once),
      STORY(what_was_shared_on_ends_with_it),
      STORY(only_the_own_shares_end),
      STORY(only_the_owner_may),
      STORY(a_body_that_names_nobody_is_refused),
      STORY(it_is_all_or_nothing_up_to_its_limit),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
