/* What goes along when an account, a client or a realm goes (protocol contract 11.3), at once and in portions. */
#include "flow/oauth.h"

#include "crypto/key.h"
#include "domain/cascade.h"
#include "domain/realm.h"
#include "domain/sweep.h"
#include "domain/token.h"
#include "store/db.h"

#define SETS ALPHA_UMA "resource_set"

static int64_t count_all(struct us_world *w, const char *sql) {
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .now_ms = us_world_now_ms(w)};
  int64_t n = -1;
  assert_int_equal(us_db_begin_read(&cx, us_world_db(w)), US_OK);
  assert_int_equal(us_sql_one(&cx, columns, 1, &n, sql, ""), US_OK);
  us_db_end_read(&cx, us_world_db(w));
  us_mem_free(cx.mem);
  return n;
}
static const char ALL_RESOURCES[] = "SELECT COUNT(*) FROM resource";
static const char ALL_POLICIES[] = "SELECT COUNT(*) FROM policy";
static const char ALL_PERMISSIONS[] = "SELECT COUNT(*) FROM permission";
static const char ALL_NOTES[] = "SELECT COUNT(*) FROM meta WHERE key LIKE 'doomed:%'";

static enum us_code clean_up_step(struct us_cx *cx, void *self) {
  int64_t *rows = self;
  bool more = false;
  US_TRY(us_sweep_expired(cx, 1000, rows));
  US_TRY(us_cascade_continue(cx, &more));
  *rows = more ? 1000 : *rows;
  return US_OK;
}
/* Runs the clean-up until there is nothing left to do; returns how often. */
static int clean_up(struct us_world *w) {
  int64_t rows = 1000;
  int rounds = 0;
  for (; rows >= 1000; rounds++) {
    assert_true(rounds < 1000);
    assert_int_equal(us_world_transact(w, clean_up_step, &rows), US_OK);
  }
  return rounds;
}

static void register_many(struct us_world *w, const char *pat, int n) {
  for (int i = 0; i < n; i++)
    us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
}

static void an_owner_takes_everything_along(void **state) {
  struct us_world *w = *state;
  struct us_reply issued = password(w, "alice", RS1, "uma_protection");
  const char *pat = take(issued, "access_token"), *bobs = us_pat(w, "bob", RS1);
  const char *album = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  us_register(w, bobs, "{\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\"]");
  const char *sso = us_sso(w, "alice");
  delete_account(w, "alice");
  expect_error(us_with_pat(w, "GET", SETS, pat, NULL), 401, "invalid_token");
  expect_error(refresh(w, RS1, us_reply_str(&issued, "refresh_token"), NULL), 400, "invalid_grant");
  expect_error(password(w, "alice", RS1, "uma_protection"), 400, "invalid_grant");
  expect_status(us_with_sso(w, "GET", ALPHA_JSON "users/alice/uma/policies?_queryFilter=true", sso, NULL, NULL), 401);
  assert_int_equal(count_all(w, ALL_RESOURCES), 1); /* bob's */
  assert_int_equal(count_all(w, ALL_POLICIES), 0);
  assert_int_equal(count_all(w, ALL_PERMISSIONS), 0);
  assert_int_equal(count_all(w, ALL_NOTES), 0);
}

static enum us_code create_account_step(struct us_cx *cx, void *self) {
  struct change_step *step = self;
  char hash[US_PASSWORD_HASH_BYTES];
  int64_t id;
  assert_int_equal(us_password_hash(cx, US_STR("Ch4ng31t"), hash), US_OK);
  struct us_account_new in = {.name = us_str_c(step->id), .password_hash = us_str_c(hash)};
  return us_account_create(cx, alpha(step->w)->id, &in, &id);
}
static enum us_code create_account(struct us_world *w, const char *name) {
  struct change_step step = {w, name, NULL};
  us_world_advance_ms(w, 1);
  return us_world_transact(w, create_account_step, &step);
}

/* Who comes after somebody of the same name inherits nothing. */
static void a_requesting_party_takes_its_shares_along(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *album = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\"]");
  const char *body = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album);
  const char *bob = us_id_token(w, "bob", C1);
  const char *rpt = take(us_grant(w, C1, us_ask(w, pat, body), bob, NULL), "access_token");
  delete_account(w, "bob");
  assert_false(is_active(us_introspect(w, pat, rpt)));
  expect_error(us_grant(w, C1, us_ask(w, pat, body), bob, NULL), 403, "need_info");
  assert_int_equal(count_all(w, ALL_POLICIES), 0); /* it named nobody else */
  assert_int_equal(create_account(w, "Bob"), US_OK);
  expect_error(us_grant(w, C1, us_ask(w, pat, body), us_id_token(w, "bob", C1), NULL), 403, "request_submitted");
  assert_false(is_active(us_introspect(w, pat, rpt)));
}

/* REST contract i.3: labels, and requests of either side. */
static void a_person_takes_labels_and_requests_along(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *bobs = us_pat(w, "bob", RS1);
  const char *album = us_register(w, pat, "{\"resource_scopes\":[\"view\",\"edit\"],\"labels\":[\"Holiday\"]}");
  const char *boat = us_register(w, bobs, "{\"resource_scopes\":[\"view\"],\"labels\":[\"Sea\"]}");
  static const char ALL_LABELS[] = "SELECT COUNT(*) FROM label", ALL_LINKS[] = "SELECT COUNT(*) FROM resource_label";
  static const char ALL_REQUESTS[] = "SELECT COUNT(*) FROM pending_request";
  us_share(w, "alice", album, "bob", "[\"view\"]");
  expect_status(us_with_sso(w, "POST", ALPHA_JSON "users/bob/oauth2/resources/labels", us_sso(w, "bob"), NULL,
                            us_text(w, "{\"name\":\"mine\",\"type\":\"USER\",\"resourceSetIDs\":[\"%s\"]}", album)),
                201);
  const struct {
    const char *pat, *id, *scope, *user;
  } asks[] = {{pat, album, "edit", "bob"}, {bobs, boat, "view", "carol"}, {pat, album, "view", "carol"}};
  for (size_t i = 0; i < 3; i++) {
    const char *body = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"%s\"]}", asks[i].id, asks[i].scope);
    expect_error(us_grant(w, C1, us_ask(w, asks[i].pat, body), us_id_token(w, asks[i].user, C1), NULL), 403,
                 "request_submitted");
  }
  assert_int_equal(count_all(w, ALL_LABELS), 3);
  assert_int_equal(count_all(w, ALL_LINKS), 3);
  delete_account(w, "bob");
  assert_int_equal(count_all(w, ALL_LABELS), 1); /* alice's */
  assert_int_equal(count_all(w, ALL_LINKS), 1);
  assert_int_equal(count_all(w, ALL_REQUESTS), 1); /* carol's to alice */
  assert_int_equal(count_all(w, ALL_NOTES), 0);
}

/* More than one portion: the rest is noted, and done by the clean-up; the name is not given out before. */
static void long_deletions_go_on_in_portions(void **state) {
  struct us_world *w = *state;
  int n = 2 * US_CASCADE_RESOURCES + 1;
  register_many(w, us_pat(w, "alice", RS1), n);
  delete_account(w, "alice");
  assert_int_equal(count_all(w, ALL_RESOURCES), n - US_CASCADE_RESOURCES);
  assert_int_equal(count_all(w, ALL_NOTES), 1);
  assert_int_equal(create_account(w, "alice"), US_E_CONFLICT);
  assert_true(clean_up(w) >= 2);
  assert_int_equal(count_all(w, ALL_RESOURCES), 0);
  assert_int_equal(count_all(w, ALL_NOTES), 0);
  assert_int_equal(create_account(w, "alice"), US_OK);
}

static void a_portion_that_fits_leaves_no_note(void **state) {
  struct us_world *w = *state;
  register_many(w, us_pat(w, "alice", RS1), US_CASCADE_RESOURCES - 1);
  delete_account(w, "alice");
  assert_int_equal(count_all(w, ALL_RESOURCES), 0);
  assert_int_equal(count_all(w, ALL_NOTES), 0);
}

static void a_client_takes_its_tokens_along(void **state) {
  struct us_world *w = *state;
  struct us_reply issued = password(w, "bob", C1, "openid");
  const char *pat = us_pat(w, "alice", RS1);
  const char *album = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\"]");
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album));
  const char *rpt = take(us_grant(w, C1, ticket, us_id_token(w, "bob", C1), NULL), "access_token");
  create_client(w, (struct new_client){.id = "gateway", .secret = "mySecret", .scopes = "am-introspect-all-tokens"});
  assert_true(is_active(look(w, "gateway", take(issued, "access_token"))));
  delete_client(w, C1);
  assert_false(is_active(look(w, "gateway", us_reply_str(&issued, "access_token"))));
  assert_false(is_active(look(w, "gateway", us_reply_str(&issued, "refresh_token"))));
  assert_false(is_active(us_introspect(w, pat, rpt)));
  expect_error(refresh(w, C1, us_reply_str(&issued, "refresh_token"), NULL), 400, "invalid_client");
  assert_int_equal(count_all(w, ALL_RESOURCES), 1); /* it was no resource server */
}

/* Contract 9.1: the three combinations of what a resource server takes along. */
static void a_resource_server_takes_along_what_the_settings_say(void **state) {
  static const struct {
    const char *resources, *policies;
    int resources_left, policies_left;
  } rows[] = {{"true", "true", 1, 1}, {"false", "true", 2, 1}, {"false", "false", 2, 2}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct us_world *w = us_world_new();
    us_world_set(w, "deleteResourceSetsOnDeleteRS", rows[i].resources);
    us_world_set(w, "deletePoliciesOnDeleteRS", rows[i].policies);
    const char *pats[2] = {us_pat(w, "alice", RS1), us_pat(w, "alice", RS2)};
    for (size_t p = 0; p < 2; p++)
      us_share(w, "alice", us_register(w, pats[p], "{\"resource_scopes\":[\"view\"]}"), "bob", "[\"view\"]");
    delete_client(w, RS1);
    clean_up(w);
    assert_int_equal(count_all(w, ALL_RESOURCES), rows[i].resources_left);
    assert_int_equal(count_all(w, ALL_POLICIES), rows[i].policies_left);
    assert_int_equal(count_all(w, ALL_PERMISSIONS), rows[i].policies_left);
    expect_status(us_with_pat(w, "GET", SETS, pats[1], NULL), 200);
    us_world_free(w);
  }
}

static void lose_uma(struct us_cx *cx, struct us_client *client) {
  client->scopes = words(cx->mem, "openid");
}
static void regain_uma(struct us_cx *cx, struct us_client *client) {
  client->scopes = words(cx->mem, "openid uma_protection");
}
/* Losing uma_protection is the same trigger; what is registered after it came back stays, though the tidying is still on. */
static void losing_uma_protection_is_like_going(void **state) {
  struct us_world *w = *state;
  register_many(w, us_pat(w, "alice", RS1), 2 * US_CASCADE_RESOURCES + 1);
  change_client(w, RS1, lose_uma);
  assert_int_equal(count_all(w, ALL_NOTES), 1);
  change_client(w, RS1, regain_uma);
  us_world_advance_ms(w, 1);
  register_many(w, us_pat(w, "alice", RS1), 1);
  clean_up(w);
  assert_int_equal(count_all(w, ALL_RESOURCES), 1);
  assert_int_equal(count_all(w, ALL_NOTES), 0);
}

struct realm_step {
  struct us_world *w;
  const char *path;
  struct us_str rs256, es256;
};
static enum us_code create_realm_step(struct us_cx *cx, void *self) {
  struct realm_step *step = self;
  int64_t id;
  assert_int_equal(us_key_generate(cx, US_ALG_RS256, &step->rs256), US_OK);
  assert_int_equal(us_key_generate(cx, US_ALG_ES256, &step->es256), US_OK);
  return us_realm_create(cx, us_str_c(step->path), true, true, step->rs256, step->es256, &id);
}
static enum us_code create_realm(struct us_world *w, const char *path) {
  struct realm_step step = {.w = w, .path = path};
  us_world_advance_ms(w, 1);
  return us_world_transact(w, create_realm_step, &step);
}
static enum us_code delete_realm_step(struct us_cx *cx, void *self) {
  struct realm_step *step = self;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  enum us_code code = us_realm_delete(cx, us_snapshot_realm(snapshot, us_str_c(step->path)));
  us_snapshot_unref(snapshot);
  return code;
}
static enum us_code delete_realm(struct us_world *w, const char *path) {
  struct realm_step step = {.w = w, .path = path};
  return us_world_transact(w, delete_realm_step, &step);
}

static void a_realm_takes_its_people_along(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  us_share(w, "alice", us_register(w, pat, "{\"resource_scopes\":[\"view\"]}"), "bob", "[\"view\"]");
  assert_int_equal(delete_realm(w, "/alpha"), US_OK);
  struct us_reply r = us_with_pat(w, "GET", SETS, pat, NULL);
  assert_status(r, 404);
  assert_string_equal(us_reply_str(&r, "message"), "Realm \"/alpha\" not found");
  clean_up(w);
  assert_int_equal(count_all(w, ALL_RESOURCES), 0);
  assert_int_equal(count_all(w, ALL_POLICIES), 0);
  static const char accounts[] = "SELECT COUNT(*) FROM account", clients[] = "SELECT COUNT(*) FROM client";
  assert_int_equal(count_all(w, accounts), 1); /* amAdmin of "/" */
  assert_int_equal(count_all(w, clients), 0);
  assert_int_equal(count_all(w, ALL_NOTES), 0);
  assert_int_equal(create_realm(w, "/alpha"), US_OK); /* a new one inherits nothing */
  expect_error(us_with_pat(w, "GET", SETS, pat, NULL), 401, "invalid_token");
}

static void realms_with_realms_below_stay(void **state) {
  struct us_world *w = *state;
  assert_int_equal(create_realm(w, "/alpha/beta"), US_OK);
  assert_int_equal(delete_realm(w, "/alpha"), US_E_CONFLICT);
  assert_int_equal(delete_realm(w, "/"), US_E_CONFLICT);
  assert_int_equal(delete_realm(w, "/alpha/beta"), US_OK);
  assert_int_equal(delete_realm(w, "/alpha"), US_OK);
}

static void realm_paths_are_checked(void **state) {
  struct us_world *w = *state;
  static const char *const bad[] = {"",          "alpha",   "//",     "/a/",       "/a//b", "/root",  "/alpha/Realms",
                                    "/alpha/..", "/al pha", "/a%2Fb", "/\xc3\xa9", "/x\"y", "/nope/b"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_int_equal(create_realm(w, bad[i]), US_E_INVALID_REQUEST);
  assert_int_equal(create_realm(w, "/alpha"), US_E_CONFLICT);
  assert_int_equal(create_realm(w, "/alpha/north-1.x_y~z"), US_OK);
}

static void user_names_are_checked(void **state) {
  struct us_world *w = *state;
  static const char *const bad[] = {"",     " a",   "a ",   "a/b",     "a,b",     "a=b",
                                    "a\"b", "a\\b", "a\tb", "(usr!a)", "Group:x", "a\xff"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_int_equal(create_account(w, bad[i]), US_E_INVALID_REQUEST);
  const char *longest = "";
  for (int i = 0; i < 255; i++)
    longest = us_text(w, "%sx", longest);
  assert_int_equal(create_account(w, longest), US_OK);
  assert_int_equal(create_account(w, us_text(w, "%sx", longest)), US_E_INVALID_REQUEST);
  assert_int_equal(create_account(w, "ALICE"), US_E_CONFLICT);
  assert_int_equal(create_account(w, "Zo\xc3\xab (home)"), US_OK);
}

/* Expired rows go, living ones stay, and a sweep has a bound. */
static void expired_tokens_are_swept(void **state) {
  struct us_world *w = *state;
  static const char tokens[] = "SELECT COUNT(*) FROM token";
  const char *living = us_pat(w, "alice", RS1);
  us_world_set(w, "accessTokenLifetime", "10");
  us_world_set(w, "issueRefreshToken", "false");
  for (int i = 0; i < 5; i++)
    us_pat(w, "alice", RS1);
  int64_t before = count_all(w, tokens), rows = 0;
  clean_up(w);
  assert_int_equal(count_all(w, tokens), before);
  us_world_advance_ms(w, 10000);
  clean_up(w);
  assert_int_equal(count_all(w, tokens), before - 5);
  expect_status(us_with_pat(w, "GET", SETS, living, NULL), 200);
  us_world_advance_ms(w, 604800000);
  assert_int_equal(us_world_transact(w, clean_up_step, &rows), US_OK);
  assert_int_equal(count_all(w, tokens), 0);
}

/* 11.3: at once, also while the owner's resources are still being removed. */
static void tickets_and_rpts_of_an_owner_do_not_outlive_the_account(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *bob = us_id_token(w, "bob", "UMA-Client");
  register_many(w, pat, US_CASCADE_RESOURCES); /* the first portion */
  const char *album = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\"]");
  const char *want = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album);
  struct us_reply granted = us_grant(w, "UMA-Client", us_ask(w, pat, want), bob, NULL);
  const char *rpt = take(granted, "access_token"), *ticket = us_ask(w, pat, want);
  const char *form = us_text(w, "client_id=" RS1 "&client_secret=mySecret&token=%s", rpt);
  struct us_reply r = send_form(w, ALPHA_OAUTH "introspect", NULL, form);
  assert_true(json_is_true(json_object_get(r.json, "active")));
  delete_account(w, "alice");
  assert_int_equal(count_all(w, ALL_RESOURCES), 1);
  r = send_form(w, ALPHA_OAUTH "introspect", NULL, form);
  assert_true(json_is_false(json_object_get(r.json, "active")));
  expect_error(us_grant(w, "UMA-Client", ticket, bob, NULL), 400, "invalid_grant");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(an_owner_takes_everything_along),
      STORY(a_requesting_party_takes_its_shares_along),
      STORY(tickets_and_rpts_of_an_owner_do_not_outlive_the_account),
      STORY(a_person_takes_labels_and_requests_along),
      STORY(long_deletions_go_on_in_portions),
      STORY(a_portion_that_fits_leaves_no_note),
      STORY(a_client_takes_its_tokens_along),
      cmocka_unit_test(a_resource_server_takes_along_what_the_settings_say),
      STORY(losing_uma_protection_is_like_going),
      STORY(a_realm_takes_its_people_along),
      STORY(realms_with_realms_below_stay),
      STORY(realm_paths_are_checked),
      STORY(user_names_are_checked),
      STORY(expired_tokens_are_swept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
