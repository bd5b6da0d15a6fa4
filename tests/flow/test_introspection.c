/* Introspection of access and refresh tokens, and who may see what (protocol contract 8.1, RFC 7662). */
#include "flow/oauth.h"

#define INACTIVE "{\"active\":false}"

static struct us_reply look_by_get(struct us_world *w, const char *pat, const char *text) {
  return us_send(w, "GET", us_text(w, INTROSPECT "?token=%s", us_enc(w, text)),
                 us_text(w, "Authorization: Bearer %s", pat), NULL);
}

/* TI-05 */
static void a_pat_shows_scope_and_no_permissions(void **state) {
  struct us_world *w = *state;
  int64_t now_s = us_world_now_ms(w) / 1000;
  const char *pat = us_pat(w, "alice", RS1);
  us_world_advance_ms(w, 60000);
  struct us_reply r = us_introspect(w, pat, pat); /* a PAT counts as its client (Q39) */
  assert_true(is_active(r));
  static const char *const wanted[][2] = {
      {"scope", "uma_protection"}, {"realm", "/alpha"},      {"client_id", RS1}, {"user_id", "alice"},
      {"username", "alice"},       {"token_type", "Bearer"}, {"sub", "alice"},   {"subname", "alice"},
      {"iss", ALPHA_ISSUER},
  };
  for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
    assert_string_equal(us_reply_str(&r, wanted[i][0]), wanted[i][1]);
  assert_int_equal(us_reply_int(&r, "exp"), now_s + 3600);
  assert_int_equal(us_reply_int(&r, "iat"), now_s);
  assert_int_equal(us_reply_int(&r, "expires_in"), 3540);
  assert_null(json_object_get(r.json, "permissions"));
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
}

/* TI-07: GET is for PATs, and gives the same answer. */
static void get_and_post_agree(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  struct us_reply post = us_introspect(w, pat, pat), get = look_by_get(w, pat, pat);
  assert_status(get, 200);
  assert_string_equal(get.body, post.body);
  assert_string_equal(us_reply_header(&get, "Cache-Control"), "no-store");
}

/* Q36: a client asks by query only where the realm allows it. */
static void get_is_for_clients_only_when_allowed(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *target = us_text(w, INTROSPECT "?token=%s", us_enc(w, pat));
  const char *basic =
      "Authorization: Basic VU1BLVJlc291cmNlLVNlcnZlcjpteVNlY3JldA=="; /* UMA-Resource-Server:mySecret */
  struct us_reply r = us_send(w, "GET", target, basic, NULL);
  assert_error(r, 405, "method_not_allowed");
  us_world_set(w, "introspectQueryParameterAllowed", "true");
  r = us_send(w, "GET", target, basic, NULL);
  assert_true(is_active(r));
  r = us_send(w, "GET", target, "Authorization: Basic VU1BLVJlc291cmNlLVNlcnZlcjp3cm9uZw==", NULL);
  assert_error(r, 401, "invalid_client");
}

static void a_refresh_token_says_what_it_is(void **state) {
  struct us_world *w = *state;
  struct us_reply first = password(w, "bob", C1, "openid");
  struct us_reply r = look(w, C1, take(first, "refresh_token"));
  assert_true(is_active(r));
  assert_string_equal(us_reply_str(&r, "token_type"), "refresh_token");
  assert_string_equal(us_reply_str(&r, "sub"), "bob");
  expect_status(refresh(w, C1, us_reply_str(&first, "refresh_token"), NULL), 200);
  r = look(w, C1, us_reply_str(&first, "refresh_token")); /* used */
  assert_string_equal(r.body, INACTIVE);
}

/* TI-03, TI-04: the same bytes whatever is the matter with it. */
static void inactive_says_nothing_more(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *revoked = us_pat(w, "bob", RS1), *foreign = us_pat(w, "alice", RS2);
  expect_status(as_client(w, REVOKE, RS1, us_text(w, "token=%s", revoked)), 200);
  us_world_set(w, "accessTokenLifetime", "2");
  const char *expired = us_pat(w, "carol", RS1);
  us_world_advance_ms(w, 2000);
  const char *const texts[] = {revoked,
                               foreign,
                               expired,
                               "x",
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                               "\xc3\xa9 \"",
                               us_id_token(w, "bob", C1)};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    struct us_reply by_pat = us_introspect(w, pat, texts[i]), by_client = look(w, RS1, texts[i]);
    assert_status(by_pat, 200);
    assert_string_equal(by_pat.body, INACTIVE);
    assert_status(by_client, 200);
    assert_string_equal(by_client.body, INACTIVE);
  }
}

/* TI-06 */
static void a_hint_changes_nothing(void **state) {
  struct us_world *w = *state;
  static const char *const hints[] = {"access_token", "refresh_token", "requesting_party_token", "foo", ""};
  struct us_reply first = password(w, "bob", C1, "openid");
  const char *texts[] = {take(first, "access_token"), take(first, "refresh_token"), "x"};
  for (size_t t = 0; t < 3; t++) {
    struct us_reply plain = look(w, C1, texts[t]);
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
      struct us_reply r = as_client(w, INTROSPECT, C1, us_text(w, "token=%s&token_type_hint=%s", texts[t], hints[i]));
      assert_status(r, 200);
      assert_string_equal(r.body, plain.body);
    }
  }
}

/* TI-01 */
static void a_token_must_be_named_in_a_form(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *bearer = us_text(w, "Authorization: Bearer %s", pat);
  struct us_reply r = as_client(w, INTROSPECT, RS1, "x=y");
  assert_error(r, 400, "invalid_request");
  assert_string_equal(description(r), "Missing parameter: token");
  expect_error(send_form(w, INTROSPECT, bearer, "token="), 400, "invalid_request");
  expect_error(us_send(w, "GET", INTROSPECT, bearer, NULL), 400, "invalid_request");
  r = us_send(w, "POST", INTROSPECT, us_text(w, "Content-Type: application/json\nAuthorization: Bearer %s", pat),
              us_text(w, "{\"token\":\"%s\"}", pat));
  assert_error(r, 400, "invalid_request");
  expect_error(send_form(w, INTROSPECT, bearer, us_text(w, "token=%s&token=%s", pat, pat)), 400, "invalid_request");
}

/* TI-02 */
static void callers_must_be_known(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *form = us_text(w, "token=%s", pat);
  expect_error(send_form(w, INTROSPECT, NULL, form), 400, "invalid_client");
  expect_error(send_form(w, INTROSPECT, basic(w, RS1, "nope"), form), 401, "invalid_client");
  struct us_reply r = send_form(w, INTROSPECT, "Authorization: Bearer nope", form);
  assert_error(r, 401, "invalid_token");
  assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), "Bearer realm=\"/alpha\", error=\"invalid_token\"");
  const char *no_pat = take(password(w, "bob", C1, "openid"), "access_token");
  r = send_form(w, INTROSPECT, us_text(w, "Authorization: Bearer %s", no_pat), form);
  assert_error(r, 403, "insufficient_scope");
  assert_string_equal(us_reply_header(&r, "WWW-Authenticate"),
                      "Bearer realm=\"/alpha\", error=\"insufficient_scope\", scope=\"uma_protection\"");
}

/* OA-25 */
static void credentials_come_in_one_way_only(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *bearer = us_text(w, "Authorization: Bearer %s", pat);
  const char *form = us_text(w, "token=%s", pat);
  expect_status(send_form(w, INTROSPECT, bearer, form), 200);
  expect_error(send_form(w, INTROSPECT, bearer, us_text(w, "%s&access_token=%s", form, pat)), 400, "invalid_request");
  expect_error(send_form(w, INTROSPECT, bearer, us_text(w, "%s&client_id=" RS1 "&client_secret=mySecret", form)), 400,
               "invalid_request");
  expect_error(us_send(w, "GET", us_text(w, INTROSPECT "?%s&access_token=%s", form, pat), bearer, NULL), 400,
               "invalid_request");
  expect_error(send_form(w, us_text(w, INTROSPECT "?access_token=%s", pat), NULL, form), 400, "invalid_request");
}

/* 8.1.2 */
static void tokens_are_shown_to_their_client_only(void **state) {
  struct us_world *w = *state;
  const char *bobs = take(password(w, "bob", C1, "openid"), "access_token");
  assert_true(is_active(look(w, C1, bobs)));
  assert_false(is_active(look(w, C2, bobs)));
  assert_false(is_active(us_introspect(w, us_pat(w, "bob", RS1), bobs)));
}

static void some_clients_see_all_of_a_realm(void **state) {
  struct us_world *w = *state;
  create_client(w, (struct new_client){.id = "gateway", .secret = "mySecret", .scopes = "am-introspect-all-tokens"});
  struct us_reply first = password(w, "bob", C1, "openid");
  struct us_reply r = look(w, "gateway", take(first, "access_token"));
  assert_true(is_active(r));
  assert_string_equal(us_reply_str(&r, "client_id"), C1);
  assert_true(is_active(look(w, "gateway", take(first, "refresh_token"))));
}

/* A PAT of the root realm, for the two stories below. */
static enum us_code root_client_step(struct us_cx *cx, void *self) {
  const char *const *scopes = self;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  char hash[US_PASSWORD_HASH_BYTES];
  int64_t ref;
  assert_int_equal(us_password_hash(cx, US_STR("mySecret"), hash), US_OK);
  struct us_client client = {.client_id = US_STR("root-client"),
                             .secret_hash = us_str_c(hash),
                             .is_active = true,
                             .grants = words(cx->mem, "client_credentials"),
                             .scopes = words(cx->mem, *scopes)};
  enum us_code code = us_client_create(cx, us_snapshot_realm(snapshot, US_STR("/"))->id, &client, &ref);
  us_snapshot_unref(snapshot);
  return code;
}
static const char *root_token(struct us_world *w, const char *scopes) {
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, root_client_step, &scopes), US_OK);
  return take(send_form(w, "/am/oauth2/realms/root/access_token", basic(w, "root-client", "mySecret"),
                        "grant_type=client_credentials&scope=view"),
              "access_token");
}

static void other_realms_stay_out_of_sight(void **state) {
  struct us_world *w = *state;
  const char *text = root_token(w, "view");
  create_client(w, (struct new_client){.id = "gateway", .secret = "mySecret", .scopes = "am-introspect-all-tokens"});
  assert_string_equal(look(w, "gateway", text).body, INACTIVE);
}

static void a_client_may_be_allowed_to_see_all_realms(void **state) {
  struct us_world *w = *state;
  const char *text = root_token(w, "view");
  create_client(
      w, (struct new_client){.id = "gateway", .secret = "mySecret", .scopes = "am-introspect-all-tokens-any-realm"});
  struct us_reply r = look(w, "gateway", text);
  assert_true(is_active(r));
  assert_string_equal(us_reply_str(&r, "realm"), "/");
  assert_string_equal(us_reply_str(&r, "iss"), WORLD_BASE "/oauth2"); /* of the token, not of the request */
}

static void lose_uma(struct us_cx *cx, struct us_client *client) {
  client->scopes = words(cx->mem, "openid");
}
/* Contract 1.6, the last row. */
static void a_pat_dies_when_its_client_is_no_resource_server(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  change_client(w, RS1, lose_uma);
  expect_error(us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL), 401, "invalid_token");
}

/* The shape of an RPT; what it holds is told in the UMA stories. */
static void identity_of_an_rpt_is_a_setting(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *id = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", id, "bob", "[\"view\"]");
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", id));
  const char *rpt = take(us_grant(w, C1, ticket, us_id_token(w, "bob", C1), NULL), "access_token");
  struct us_reply r = us_introspect(w, pat, rpt);
  assert_true(is_active(r));
  assert_string_equal(us_reply_str(&r, "token_type"), "access_token");
  assert_string_equal(us_reply_str(&r, "iss"), ALPHA_ISSUER);
  assert_string_equal(us_reply_str(&r, "sub"), "bob");
  assert_string_equal(us_reply_str(&r, "client_id"), C1);
  assert_true(json_is_integer(json_object_get(r.json, "iat")));
  assert_null(json_object_get(r.json, "scope"));
  json_t *permission = json_array_get(json_object_get(r.json, "permissions"), 0);
  assert_int_equal(json_integer_value(json_object_get(permission, "exp")), us_reply_int(&r, "exp"));
  us_world_set(w, "introspectRptIdentity", "false");
  r = us_introspect(w, pat, rpt);
  assert_true(is_active(r));
  assert_null(json_object_get(r.json, "sub"));
  assert_null(json_object_get(r.json, "client_id"));
  assert_null(json_object_get(r.json, "iat"));
  assert_int_equal(json_object_size(r.json), 5);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_pat_shows_scope_and_no_permissions),
      STORY(get_and_post_agree),
      STORY(get_is_for_clients_only_when_allowed),
      STORY(a_refresh_token_says_what_it_is),
      STORY(inactive_says_nothing_more),
      STORY(a_hint_changes_nothing),
      STORY(a_token_must_be_named_in_a_form),
      STORY(callers_must_be_known),
      STORY(credentials_come_in_one_way_only),
      STORY(tokens_are_shown_to_their_client_only),
      STORY(some_clients_see_all_of_a_realm),
      STORY(other_realms_stay_out_of_sight),
      STORY(a_client_may_be_allowed_to_see_all_realms),
      STORY(a_pat_dies_when_its_client_is_no_resource_server),
      STORY(identity_of_an_rpt_is_a_setting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
