/* Realm, owner, resource server: what a PAT does not reach does not exist for it (protocol contract 1.6, 4, 5, 8.1.2). */
#include "domain/client.h"
#include "domain/snapshot.h"
#include "flow/uma.h"

/* UF-06 UF-07: reading, replacing and deleting somebody else's is a 404, and changes nothing. */
static void out_of_reach(struct us_world *w, const char *pat, const char *id) {
  const char *url = set_url(w, id), *text = us_text(w, "Resource set corresponding to id: %s not found", id);
  struct us_reply replies[] = {us_with_pat(w, "GET", url, pat, NULL), us_with_pat(w, "PUT", url, pat, PHOTO),
                               us_with_pat(w, "DELETE", url, pat, NULL)};
  for (size_t i = 0; i < 3; i++) {
    assert_error(replies[i], 404, "not_found");
    assert_string_equal(us_reply_str(&replies[i], "error_description"), text);
  }
  struct us_reply r = us_with_pat(w, "GET", SETS, pat, NULL);
  assert_string_equal(r.body, "[]");
  r = us_with_pat(w, "POST", PERM, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", id));
  assert_error(r, 400, "invalid_resource_id");
}

/* UF-06 UF-07 UF-40 */
static void another_owner_and_another_server_reach_nothing(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  struct us_reply before = us_with_pat(w, "GET", set_url(w, id), pat, NULL);
  out_of_reach(w, us_pat(w, "bob", RS1), id);
  out_of_reach(w, us_pat(w, "alice", RS2), id);
  struct us_reply after = us_with_pat(w, "GET", set_url(w, id), pat, NULL);
  assert_string_equal(after.body, before.body);
  assert_string_equal(us_reply_header(&after, "ETag"), us_reply_header(&before, "ETag"));
}

/* UF-40: a foreign id is answered exactly like an unknown one. */
static void foreign_and_unknown_look_the_same(void **state) {
  struct us_world *w = *state;
  const char *id = us_register(w, us_pat(w, "alice", RS1), ALBUM), *bob = us_pat(w, "bob", RS1);
  const char *unknown = "0192f3a0-0000-7000-8000-0000000000000";
  struct us_reply a =
      us_with_pat(w, "POST", PERM, bob, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", id));
  struct us_reply b =
      us_with_pat(w, "POST", PERM, bob, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", unknown));
  assert_error(a, 400, "invalid_resource_id");
  assert_int_equal(a.status, b.status);
  assert_int_equal(a.body_bytes, b.body_bytes);
  assert_string_equal(us_reply_str(&a, "error_description"), us_text(w, "Could not find Resource Set, %s", id));
  assert_string_equal(us_reply_str(&b, "error_description"), us_text(w, "Could not find Resource Set, %s", unknown));
}

/* UF-02 */
static void without_a_pat_nothing_is_said(void **state) {
  struct us_world *w = *state;
  const char *id = us_register(w, us_pat(w, "alice", RS1), ALBUM);
  const struct {
    const char *method, *url;
  } calls[] = {
      {"POST", SETS}, {"GET", SETS}, {"GET", set_url(w, id)}, {"PUT", set_url(w, id)}, {"DELETE", set_url(w, id)},
      {"POST", PERM}};
  for (size_t i = 0; i < 6; i++) {
    struct us_reply r = us_send(w, calls[i].method, calls[i].url, NULL, ALBUM);
    assert_error(r, 401, "invalid_token");
    assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), "Bearer realm=\"/alpha\"");
    /* Neither in the query nor in the body. */
    r = us_send(w, calls[i].method, us_text(w, "%s?access_token=%s", calls[i].url, us_pat(w, "alice", RS1)), NULL,
                ALBUM);
    assert_error(r, 401, "invalid_token");
  }
}

/* UF-03 */
static void dead_pats_are_refused_and_change_nothing(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  const char *revoked = us_pat(w, "alice", RS1);
  us_send(w, "POST", ALPHA_OAUTH "token/revoke", "Content-Type: application/x-www-form-urlencoded",
          us_text(w, "token=%s&client_id=" RS1 "&client_secret=mySecret", revoked));
  const char *bad[] = {"nonsense", revoked, us_text(w, "%.37s%c", pat, pat[37] == 'A' ? 'Q' : 'A'),
                       us_text(w, "%sx", pat)};
  for (size_t i = 0; i < 4; i++) {
    struct us_reply r = us_with_pat(w, "DELETE", set_url(w, id), bad[i], NULL);
    assert_error(r, 401, "invalid_token");
    assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), "Bearer realm=\"/alpha\", error=\"invalid_token\"");
  }
  expect_status(us_with_pat(w, "GET", set_url(w, id), pat, NULL), 200);
  us_world_advance_ms(w, 3600 * 1000);
  expect_error(us_with_pat(w, "DELETE", set_url(w, id), pat, NULL), 401, "invalid_token");
  expect_status(us_with_pat(w, "GET", set_url(w, id), us_pat(w, "alice", RS1), NULL), 200);
}

/* UF-04 */
static void other_tokens_are_no_pats(void **state) {
  struct us_world *w = *state;
  struct us_reply r = us_send(w, "POST", TOKEN, "Content-Type: application/x-www-form-urlencoded",
                              "grant_type=password&username=alice&password=Ch4ng31t&scope=openid&client_id=" RS1
                              "&client_secret=mySecret");
  assert_status(r, 200);
  const char *token = us_reply_str(&r, "access_token");
  static const char *const urls[] = {SETS, PERM};
  for (size_t i = 0; i < 2; i++) {
    r = us_with_pat(w, "POST", urls[i], token, ALBUM);
    assert_error(r, 403, "insufficient_scope");
    assert_string_equal(us_reply_str(&r, "error_description"), "The resource requested requires scope: uma_protection");
    assert_string_equal(us_reply_header(&r, "WWW-Authenticate"),
                        "Bearer realm=\"/alpha\", error=\"insufficient_scope\", scope=\"uma_protection\"");
  }
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  const char *rpt = rpt_of(us_grant(w, C1, ask_for(w, pat, id, "[\"view\"]"), us_id_token(w, "alice", C1), NULL));
  expect_error(us_with_pat(w, "GET", SETS, rpt, NULL), 401, "invalid_token");
}

/* UF-05 */
static void the_scheme_is_case_insensitive(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  static const char *const schemes[] = {"bearer", "Bearer", "BEARER"};
  for (size_t i = 0; i < 3; i++)
    expect_status(us_send(w, "GET", SETS, us_text(w, "authorization: %s %s", schemes[i], pat), NULL), 200);
  expect_error(us_send(w, "GET", SETS, us_text(w, "authorization: Basic %s", pat), NULL), 401, "invalid_token");
}

static enum us_code twin_client(struct us_cx *cx, void *self) {
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  int64_t root = us_snapshot_realm(snapshot, US_STR("/"))->id,
          alpha = us_snapshot_realm(snapshot, US_STR("/alpha"))->id, ref;
  us_snapshot_unref(snapshot);
  struct us_client client;
  US_TRY(us_client_by_id(cx, alpha, us_str_c(self), &client));
  client.ref = 0; /* a row of its own */
  client.realm_id = root;
  return us_client_create(cx, root, &client, &ref);
}

/* UF-08 UG-41: the same client names in another realm of the same process. */
static void another_realm_knows_neither_pat_nor_ticket_nor_rpt(void **state) {
  struct us_world *w = *state;
  assert_int_equal(us_world_transact(w, twin_client, (void *)(uintptr_t)C1), US_OK);
  assert_int_equal(us_world_transact(w, twin_client, (void *)(uintptr_t)RS1), US_OK);
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  const char *ticket = ask_for(w, pat, id, "[\"view\"]");
  struct us_reply r = us_with_pat(w, "GET", us_text(w, "/am/uma/realms/root/resource_set/%s", id), pat, NULL);
  assert_error(r, 401, "invalid_token");
  assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), "Bearer realm=\"/\", error=\"invalid_token\"");
  expect_error(us_with_pat(w, "POST", "/am/uma/realms/root/permission_request", pat, "{}"), 401, "invalid_token");

  const char *form = "Content-Type: application/x-www-form-urlencoded";
  const char *client = "&client_id=" C1 "&client_secret=mySecret";
  r = us_send(w, "POST", "/am/oauth2/realms/root/access_token", form,
              us_text(w, "grant_type=urn:ietf:params:oauth:grant-type:uma-ticket&ticket=%s%s", ticket, client));
  assert_error(r, 400, "invalid_grant");
  const char *rpt = rpt_of(us_grant(w, C1, ticket, us_id_token(w, "alice", C1), NULL)); /* the ticket was not touched */

  assert_inactive(us_send(w, "POST", "/am/oauth2/realms/root/introspect", form,
                          us_text(w, "token=%s&client_id=" RS1 "&client_secret=mySecret", rpt)));
  expect_status(us_send(w, "POST", "/am/oauth2/realms/root/token/revoke", form, us_text(w, "token=%s%s", rpt, client)),
                200);
  assert_holds(w, pat, rpt, "%s:view", id); /* to the other realm it is an unknown token: success, nothing revoked */
}

static enum us_code change_client(struct us_cx *cx, void *self) {
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm(snapshot, US_STR("/alpha"));
  struct us_client client;
  enum us_code code = us_client_by_id(cx, realm->id, us_str_c(self), &client);
  client.is_active = false;
  if (code == US_OK)
    code = us_client_update(cx, &client);
  us_snapshot_unref(snapshot);
  return code;
}

static void a_disabled_client_has_neither_pat_nor_rpt(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  const char *rpt = rpt_of(us_grant(w, C1, ask_for(w, pat, id, "[\"view\"]"), us_id_token(w, "alice", C1), NULL));
  assert_int_equal(us_world_transact(w, change_client, (void *)(uintptr_t)C1), US_OK);
  assert_inactive(us_introspect(w, pat, rpt));
  assert_int_equal(us_world_transact(w, change_client, (void *)(uintptr_t)RS1), US_OK);
  expect_error(us_with_pat(w, "GET", SETS, pat, NULL), 401, "invalid_token");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(another_owner_and_another_server_reach_nothing),
      STORY(foreign_and_unknown_look_the_same),
      STORY(without_a_pat_nothing_is_said),
      STORY(dead_pats_are_refused_and_change_nothing),
      STORY(other_tokens_are_no_pats),
      STORY(the_scheme_is_case_insensitive),
      STORY(another_realm_knows_neither_pat_nor_ticket_nor_rpt),
      STORY(a_disabled_client_has_neither_pat_nor_rpt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
