/* The refresh grant (protocol contract 3.1): one use, one client, never more than was agreed. */
#include "flow/oauth.h"

#include "crypto/digest.h"

static const char *new_refresh(struct us_world *w, const char *user, const char *client, const char *scope) {
  return take(password(w, user, client, scope), "refresh_token");
}

static void a_refresh_gives_new_tokens(void **state) {
  struct us_world *w = *state;
  struct us_reply first = password(w, "alice", RS1, "uma_protection");
  const char *old = take(first, "refresh_token");
  us_world_advance_ms(w, 10000);
  struct us_reply r = refresh(w, RS1, old, NULL);
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "access_token"), us_reply_str(&first, "access_token"));
  assert_string_not_equal(take(r, "refresh_token"), old);
  assert_string_equal(us_reply_str(&r, "scope"), "uma_protection");
  assert_int_equal(us_reply_int(&r, "expires_in"), 3600);
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  expect_status(refresh(w, RS1, us_reply_str(&r, "refresh_token"), NULL), 200);
}

/* SB-13: a refreshed PAT speaks for the same owner at the same resource server. */
static void a_refreshed_pat_keeps_owner_and_client(void **state) {
  struct us_world *w = *state;
  const char *pat = take(refresh(w, RS1, new_refresh(w, "alice", RS1, "uma_protection"), NULL), "access_token");
  struct us_reply seen = us_introspect(w, pat, pat);
  assert_string_equal(us_reply_str(&seen, "sub"), "alice");
  assert_string_equal(us_reply_str(&seen, "client_id"), RS1);
  expect_status(us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL), 200);
}

/* SB-11: an old one that comes back ends the family, and the end is kept although the answer is a refusal. */
static void reuse_ends_the_whole_family(void **state) {
  struct us_world *w = *state;
  struct us_reply first = password(w, "alice", RS1, "uma_protection");
  const char *r1 = take(first, "refresh_token"), *pat1 = us_reply_str(&first, "access_token");
  struct us_reply second = refresh(w, RS1, r1, NULL);
  const char *r2 = take(second, "refresh_token"), *pat2 = us_reply_str(&second, "access_token");
  const char *other = us_pat(w, "alice", RS1);
  struct us_reply r = refresh(w, RS1, r1, NULL);
  assert_error(r, 400, "invalid_grant");
  assert_string_equal(description(r), INVALID_GRANT_TEXT);
  expect_error(refresh(w, RS1, r2, NULL), 400, "invalid_grant");
  assert_false(is_active(look(w, RS1, pat1)));
  assert_false(is_active(look(w, RS1, pat2)));
  assert_true(is_active(look(w, RS1, other))); /* another authorization of the same people */
}

/* OA-22 */
static void only_its_client_may_use_it(void **state) {
  struct us_world *w = *state;
  const char *text = new_refresh(w, "bob", C1, "openid view");
  expect_error(refresh(w, C2, text, NULL), 400, "invalid_grant");
  expect_status(refresh(w, C1, text, NULL), 200); /* the attempt did no harm */
}

/* OA-22 */
static void scope_may_shrink_and_never_grow(void **state) {
  struct us_world *w = *state;
  const char *text = new_refresh(w, "bob", C1, "openid+view");
  expect_error(refresh(w, C1, text, "&scope=openid+view+download"), 400, "invalid_scope");
  expect_error(refresh(w, C1, text, "&scope=download"), 400, "invalid_scope");
  expect_error(refresh(w, C1, text, "&scope=a%22b"), 400, "invalid_scope");
  struct us_reply r = refresh(w, C1, text, "&scope=view"); /* a refused scope does not spend the token */
  assert_string_equal(take(r, "scope"), "view");
  assert_null(json_object_get(r.json, "id_token"));
  r = refresh(w, C1, us_reply_str(&r, "refresh_token"), NULL); /* RFC 6749 6: the new one has the scope of the old */
  assert_string_equal(take(r, "scope"), "openid view");
}

static void what_is_no_refresh_token_is_refused(void **state) {
  struct us_world *w = *state;
  const char *longest = "";
  for (int i = 0; i < 64; i++)
    longest = us_text(w, "%s%s", longest, "0123456789012345678901234567890123456789012345678901234567890123");
  struct us_reply first = password(w, "alice", RS1, "uma_protection");
  expect_error(refresh(w, RS1, us_reply_str(&first, "access_token"), NULL), 400, "invalid_grant");
  expect_error(refresh(w, RS1, "x", NULL), 400, "invalid_grant");
  expect_error(refresh(w, RS1, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL), 400, "invalid_grant");
  assert_int_equal(strlen(longest), 4096);
  expect_error(refresh(w, RS1, longest, NULL), 400, "invalid_grant");
  expect_error(refresh(w, RS1, us_text(w, "%sx", longest), NULL), 400, "invalid_request");
}

/* The id alone finds the row; only the whole handle opens it, and a guess spends nothing. */
static void the_secret_part_counts(void **state) {
  struct us_world *w = *state;
  const char *text = new_refresh(w, "alice", RS1, "uma_protection");
  char *wrong = (char *)(uintptr_t)us_text(w, "%s", text);
  wrong[20] = wrong[20] == 'A' ? 'B' : 'A';
  expect_error(refresh(w, RS1, wrong, NULL), 400, "invalid_grant");
  expect_status(refresh(w, RS1, text, NULL), 200);
}

static void refresh_tokens_expire(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "refreshTokenLifetime", "100");
  const char *a = new_refresh(w, "alice", RS1, "uma_protection"), *b = new_refresh(w, "bob", RS1, "uma_protection");
  us_world_advance_ms(w, 99000);
  expect_status(refresh(w, RS1, a, NULL), 200);
  us_world_advance_ms(w, 1000);
  expect_error(refresh(w, RS1, b, NULL), 400, "invalid_grant");
}

/* SB-12 */
static void unused_refresh_tokens_run_out(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "refreshIdleLifetime", "5");
  const char *text = new_refresh(w, "alice", RS1, "uma_protection");
  for (int i = 0; i < 3; i++) { /* each use begins a new term */
    us_world_advance_ms(w, 5000);
    text = take(refresh(w, RS1, text, NULL), "refresh_token");
  }
  us_world_advance_ms(w, 6000);
  expect_error(refresh(w, RS1, text, NULL), 400, "invalid_grant");
}

static void without_rotation_the_token_stays(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "issueRefreshTokenOnRefreshedToken", "false");
  const char *text = new_refresh(w, "alice", RS1, "uma_protection");
  for (int i = 0; i < 3; i++) {
    struct us_reply r = refresh(w, RS1, text, NULL);
    assert_status(r, 200);
    assert_null(json_object_get(r.json, "refresh_token"));
  }
}

/* SB-11 */
static void public_clients_always_rotate(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "issueRefreshTokenOnRefreshedToken", "false");
  create_client(w, (struct new_client){.id = "native", .grants = "password refresh_token", .scopes = "view"});
  struct us_reply r =
      send_form(w, TOKEN, NULL, "grant_type=password&username=bob&password=Ch4ng31t&scope=view&client_id=native");
  const char *r1 = take(r, "refresh_token");
  r = send_form(w, TOKEN, NULL, us_text(w, "grant_type=refresh_token&client_id=native&refresh_token=%s", r1));
  const char *r2 = take(r, "refresh_token");
  assert_string_not_equal(r1, r2);
  expect_error(send_form(w, TOKEN, NULL, us_text(w, "grant_type=refresh_token&client_id=native&refresh_token=%s", r1)),
               400, "invalid_grant");
  expect_error(send_form(w, TOKEN, NULL, us_text(w, "grant_type=refresh_token&client_id=native&refresh_token=%s", r2)),
               400, "invalid_grant");
}

static void refresh_tokens_come_only_where_they_can_be_used(void **state) {
  struct us_world *w = *state;
  create_client(w, (struct new_client){.id = "once", .secret = "mySecret", .grants = "password", .scopes = "view"});
  struct us_reply r = password(w, "bob", "once", "view");
  assert_status(r, 200);
  assert_null(json_object_get(r.json, "refresh_token"));
  us_world_set(w, "issueRefreshToken", "false");
  r = password(w, "alice", RS1, "uma_protection");
  assert_status(r, 200);
  assert_null(json_object_get(r.json, "refresh_token"));
}

static void lose_uma(struct us_cx *cx, struct us_client *client) {
  client->scopes = words(cx->mem, "openid");
}
/* Contract 1.6, SB-13: what the client is no longer registered for does not come back by refreshing. */
static void a_client_that_lost_a_scope_does_not_get_it_again(void **state) {
  struct us_world *w = *state;
  const char *both = new_refresh(w, "alice", RS1, "uma_protection+openid");
  const char *only = new_refresh(w, "alice", RS1, "uma_protection");
  change_client(w, RS1, lose_uma);
  assert_string_equal(take(refresh(w, RS1, both, NULL), "scope"), "openid");
  expect_error(refresh(w, RS1, only, NULL), 400, "invalid_scope");
}

static void owners_that_are_gone_end_it(void **state) {
  struct us_world *w = *state;
  const char *carol = new_refresh(w, "carol", C1, "openid"), *dave = new_refresh(w, "dave", C1, "openid");
  switch_off_account(w, "carol");
  delete_account(w, "dave");
  expect_error(refresh(w, C1, carol, NULL), 400, "invalid_grant");
  expect_error(refresh(w, C1, dave, NULL), 400, "invalid_grant");
}

/* The ID token of a refresh tells when the owner really logged in. */
static void auth_time_stays_that_of_the_login(void **state) {
  struct us_world *w = *state;
  int64_t login_s = us_world_now_ms(w) / 1000;
  const char *text = new_refresh(w, "bob", C1, "openid");
  us_world_advance_ms(w, 50000);
  const char *id_token = take(refresh(w, C1, text, NULL), "id_token");
  const char *payload = strchr(id_token, '.') + 1;
  char claims[4096];
  size_t n = 0;
  assert_true(us_base64url_decode((struct us_str){payload, (size_t)(strchr(payload, '.') - payload)}, claims,
                                  sizeof(claims) - 1, &n));
  claims[n] = '\0';
  json_t *json = json_loads(claims, 0, NULL);
  assert_int_equal(json_integer_value(json_object_get(json, "auth_time")), login_s);
  assert_int_equal(json_integer_value(json_object_get(json, "iat")), login_s + 50);
  json_decref(json);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_refresh_gives_new_tokens),
      STORY(a_refreshed_pat_keeps_owner_and_client),
      STORY(reuse_ends_the_whole_family),
      STORY(only_its_client_may_use_it),
      STORY(scope_may_shrink_and_never_grow),
      STORY(what_is_no_refresh_token_is_refused),
      STORY(the_secret_part_counts),
      STORY(refresh_tokens_expire),
      STORY(unused_refresh_tokens_run_out),
      STORY(without_rotation_the_token_stays),
      STORY(public_clients_always_rotate),
      STORY(refresh_tokens_come_only_where_they_can_be_used),
      STORY(a_client_that_lost_a_scope_does_not_get_it_again),
      STORY(owners_that_are_gone_end_it),
      STORY(auth_time_stays_that_of_the_login),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
