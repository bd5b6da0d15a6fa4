/* What a changed password and a switched-off account end: everything that spoke for the person before. */
#include "domain/cascade.h"
#include "flow/people.h"

#define TOKEN ALPHA_OAUTH "access_token"
#define CLIENT_IS "&client_id=" RS1 "&client_secret=mySecret"

/* The same password, set anew: what counts is that it was set. */
static enum us_code change_password(struct us_cx *cx, struct us_account *account) {
  return us_account_set_password(cx, account->id, account->password_hash);
}
static enum us_code switch_off(struct us_cx *cx, struct us_account *account) {
  return us_account_set_active(cx, account, false);
}
static enum us_code switch_on(struct us_cx *cx, struct us_account *account) {
  return us_account_set_active(cx, account, true);
}

static struct us_reply post_form(struct us_world *w, const char *target, const char *text) {
  return us_send(w, "POST", target, "Content-Type: application/x-www-form-urlencoded", text);
}
static struct us_reply refresh(struct us_world *w, const char *text) {
  return post_form(w, TOKEN, us_text(w, "grant_type=refresh_token&refresh_token=%s" CLIENT_IS, text));
}
static bool lives_in_client_eyes(struct us_world *w, const char *text) {
  struct us_reply r = post_form(w, ALPHA_OAUTH "introspect", us_text(w, "token=%s" CLIENT_IS, text));
  assert_status(r, 200);
  return json_is_true(json_object_get(r.json, "active"));
}
static bool is_valid(struct us_world *w, const char *token) {
  struct us_reply r =
      us_send(w, "POST", SESSIONS "validate&refresh=false", NULL, us_text(w, "{\"tokenId\":\"%s\"}", token));
  assert_status(r, 200);
  return json_is_true(json_object_get(r.json, "valid"));
}
static bool rpt_is_active(struct us_world *w, const char *pat, const char *rpt) {
  struct us_reply r = us_introspect(w, pat, rpt);
  assert_status(r, 200);
  return json_is_true(json_object_get(r.json, "active"));
}

/* What speaks for alice. */
struct voices {
  const char *session, *pat, *refresh_token;
};
static struct voices voices_of_alice(struct us_world *w) {
  struct us_reply r =
      post_form(w, TOKEN, "grant_type=password&username=alice&password=Ch4ng31t&scope=uma_protection" CLIENT_IS);
  assert_status(r, 200);
  return (struct voices){us_sso(w, "alice"), us_reply_str(&r, "access_token"), us_reply_str(&r, "refresh_token")};
}
static void all_speak(struct us_world *w, struct voices v) {
  assert_true(is_valid(w, v.session));
  assert_reply(us_with_pat(w, "GET", ALPHA_UMA "resource_set", v.pat, NULL), 200);
  assert_true(lives_in_client_eyes(w, v.pat));
  assert_true(lives_in_client_eyes(w, v.refresh_token));
}
static void none_speaks(struct us_world *w, struct voices v) {
  assert_false(is_valid(w, v.session));
  assert_reply(us_with_pat(w, "GET", ALPHA_UMA "resource_set", v.pat, NULL), 401);
  assert_false(lives_in_client_eyes(w, v.pat));
  assert_false(lives_in_client_eyes(w, v.refresh_token));
  struct us_reply r = refresh(w, v.refresh_token);
  assert_error(r, 400, "invalid_grant");
}

static void a_changed_password_ends_sessions_and_tokens(void **state) {
  struct us_world *w = *state;
  struct voices before = voices_of_alice(w);
  const char *bob = us_sso(w, "bob"), *id = us_register(w, before.pat, ALBUM);
  all_speak(w, before);
  change_person(w, "alice", change_password);
  none_speaks(w, before);
  assert_true(is_valid(w, bob));
  us_world_advance_ms(w, 1);
  struct voices after = voices_of_alice(w);
  all_speak(w, after);
  none_speaks(w, before);
  assert_reply(us_with_pat(w, "GET", us_text(w, ALPHA_UMA "resource_set/%s", id), after.pat, NULL), 200);
}

static void switching_off_ends_them_for_good(void **state) {
  struct us_world *w = *state;
  struct voices before = voices_of_alice(w);
  change_person(w, "alice", switch_off);
  none_speaks(w, before);
  assert_rest(log_in(w, "alice", "Ch4ng31t"), 401, "Login failure");
  change_person(w, "alice", switch_on);
  none_speaks(w, before);
  us_world_advance_ms(w, 1);
  all_speak(w, voices_of_alice(w));
}

static void switching_on_who_is_on_ends_nothing(void **state) {
  struct us_world *w = *state;
  struct voices v = voices_of_alice(w);
  change_person(w, "alice", switch_on);
  all_speak(w, v);
}

/* The requesting party: what was pushed or issued in his name before counts no more either. */
static void a_party_speaks_anew_after_a_change(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  const char *wish = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", id);
  us_share(w, "alice", id, "bob", "[\"view\"]");
  const char *id_token = us_id_token(w, "bob", "UMA-Client");
  struct us_reply r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), id_token, NULL);
  assert_status(r, 200);
  const char *rpt = us_text(w, "%s", us_reply_str(&r, "access_token"));
  r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), id_token, NULL); /* it is remembered as verified */
  assert_status(r, 200);
  assert_true(rpt_is_active(w, pat, rpt));

  us_world_advance_ms(w, 2000);
  change_person(w, "bob", change_password);
  assert_false(rpt_is_active(w, pat, rpt));
  r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), id_token, NULL);
  assert_error(r, 403, "need_info");
  us_world_advance_ms(w, 1);
  id_token = us_id_token(w, "bob", "UMA-Client");
  r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), id_token, NULL);
  assert_status(r, 200);
  r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), id_token, NULL); /* and as it is remembered */
  assert_status(r, 200);
  assert_true(rpt_is_active(w, pat, us_reply_str(&r, "access_token")));
}

/* Ids have an order within a second, and within a millisecond: iat would not do. */
static void what_was_issued_just_before_a_change_does_not_count(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  const char *wish = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", id);
  us_share(w, "alice", id, "bob", "[\"view\"]");
  us_world_advance_ms(w, 1000 - us_world_now_ms(w) % 1000); /* all of it within one second */
  const char *before = us_id_token(w, "bob", "UMA-Client");
  struct us_reply r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), before, NULL);
  assert_status(r, 200);
  change_person(w, "bob", change_password);
  r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), before, NULL);
  assert_error(r, 403, "need_info");
  const char *after = us_id_token(w, "bob", "UMA-Client"); /* the clock has not moved since the change */
  r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), after, NULL);
  assert_status(r, 200);
}

static enum us_code drop_person(struct us_cx *cx, struct us_account *account) {
  bool more = true;
  US_TRY(us_account_delete(cx, account));
  while (more)
    US_TRY(us_cascade_continue(cx, &more));
  return US_OK;
}
/* OC-12, ADR 30: the name is the same, within the same second too; the person is not. */
static void a_new_account_of_the_name_is_another_person(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  const char *wish = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", id);
  us_world_advance_ms(w, 1000 - us_world_now_ms(w) % 1000);
  us_share(w, "alice", id, "bob", "[\"view\"]");
  const char *old = us_id_token(w, "bob", "UMA-Client"), *unseen = us_id_token(w, "bob", "UMA-Client");
  struct us_reply r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), old, NULL);
  assert_status(r, 200);
  change_person(w, "bob", drop_person);
  add_person(w, "/alpha", "bob", false);
  us_share(w, "alice", id, "bob", "[\"view\"]");
  r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), old, NULL); /* remembered as verified */
  assert_error(r, 403, "need_info");
  r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), unseen, NULL);
  assert_error(r, 403, "need_info");
  r = us_grant(w, "UMA-Client", us_ask(w, pat, wish), us_id_token(w, "bob", "UMA-Client"), NULL);
  assert_status(r, 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_changed_password_ends_sessions_and_tokens),
      STORY(switching_off_ends_them_for_good),
      STORY(switching_on_who_is_on_ends_nothing),
      STORY(a_party_speaks_anew_after_a_change),
      STORY(what_was_issued_just_before_a_change_does_not_count),
      STORY(a_new_account_of_the_name_is_another_person),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
