/*
 * Persisted claims tokens (protocol contract 7.5, 6.3): given out on wish, good for their client only, for as long as the realm says,
 * and as long as the person stands by them. A PCT says who asks; what he may do is decided anew each time.
 */
#include "domain/pct.h"
#include "domain/sweep.h"
#include "flow/claims.h"

static const char *pct_param(struct us_world *w, const char *pct) {
  return us_text(w, "&pct=%s", us_enc(w, pct));
}
/* bob goes through the page and ticks the box: the PCT of C1. */
static const char *pct_of_bob(struct us_world *w, const struct gallery *g) {
  const char *ticket = gathered(w, g->bob, fresh_ticket(w, g), "&save_consent=on");
  struct us_reply r = us_grant(w, C1, ticket, NULL, NULL);
  rpt_of(r);
  assert_string_not_equal(us_reply_str(&r, "pct"), "");
  return us_reply_str(&r, "pct");
}
static struct us_reply grant_with(struct us_world *w, const struct gallery *g, const char *client, const char *pct) {
  return us_grant(w, client, fresh_ticket(w, g), NULL, pct_param(w, pct));
}
static void is_worth_nothing(struct us_world *w, const struct gallery *g, const char *client, const char *pct) {
  struct us_reply r = grant_with(w, g, client, pct);
  successor(r, 403, "need_info");
  assert_string_equal(us_reply_str(&r, "redirect_user"), CLAIMS_URL);
  assert_int_equal(json_object_size(r.json), 4);
}
static struct us_reply revoke(struct us_world *w, const char *client, const char *token, const char *extra) {
  return us_send(w, "POST", ALPHA_OAUTH "token/revoke", FORM_TYPE,
                 us_text(w, "token=%s&client_id=%s&client_secret=mySecret%s", us_enc(w, token), client, extra));
}
static int64_t pcts(struct us_world *w) {
  static const char sql[] = "SELECT COUNT(*) FROM pct";
  return us_count(w, sql);
}

/* UG-75 */
static void a_pct_comes_on_wish_only(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  static const char *const no_wish[] = {NULL, "&save_consent=off", "&save_consent=ON", "&save_consent="};
  for (size_t i = 0; i < sizeof(no_wish) / sizeof(no_wish[0]); i++) {
    struct us_reply r = us_grant(w, C1, gathered(w, g.bob, fresh_ticket(w, &g), no_wish[i]), NULL, NULL);
    rpt_of(r);
    assert_null(json_object_get(r.json, "pct"));
  }
  assert_int_equal(pcts(w), 0);
  pct_of_bob(w, &g);
  assert_int_equal(pcts(w), 1);
}

/* UG-14, Q35: for other resources and resource servers too, any number of times, and it is not given out anew. */
static void a_pct_says_who_asks_whatever_is_asked_for(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *pct = pct_of_bob(w, &g), *other = us_pat(w, "carol", RS2), *photo = us_register(w, other, PHOTO);
  us_share(w, "carol", photo, "bob", "[\"view\"]");
  for (int i = 0; i < 3; i++) {
    struct us_reply r = us_grant(w, C1, ask_for(w, other, photo, "[\"view\"]"), NULL, pct_param(w, pct));
    assert_holds(w, other, rpt_of(r), "%s:view", photo);
    assert_null(json_object_get(r.json, "pct"));
  }
  rpt_of(grant_with(w, &g, C1, pct));
  assert_int_equal(pcts(w), 1);
}

/* 7.5: claims, not permissions. */
static void a_pct_opens_nothing_by_itself(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *pct = pct_of_bob(w, &g);
  const char *edit = ask_for(w, g.pat, g.album, "[\"edit\"]");
  const char *next = successor(us_grant(w, C1, edit, NULL, pct_param(w, pct)), 403, "request_submitted");
  /* Nothing of it stays with the ticket: it is sent again with every request, like a claim token (Q53). */
  successor(us_grant(w, C1, next, NULL, NULL), 403, "need_info");
  expect_error(us_grant(w, C1, pct, NULL, NULL), 400, "invalid_grant"); /* nor is it a ticket */
  us_share(w, "alice", g.album, "carol", "[\"view\"]");                 /* instead of bob */
  successor(grant_with(w, &g, C1, pct), 403, "request_submitted");
}

/* UG-15, contract 13.9 */
static void a_pct_is_its_clients_own(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *pct = pct_of_bob(w, &g);
  is_worth_nothing(w, &g, C2, pct);
  is_worth_nothing(w, &g, C1, "garbage");
  is_worth_nothing(w, &g, C1, us_text(w, "%sA", pct));
  is_worth_nothing(w, &g, C1, us_sso(w, "bob")); /* a handle of another kind */
  rpt_of(grant_with(w, &g, C1, pct));
  /* The person whose it is sees which client came with it; the owner of the resource has no part in that. */
  struct us_reply r =
      us_with_sso(w, "GET", ALPHA_JSON "users/bob/uma/auditHistory?_queryFilter=true", g.bob, NULL, NULL);
  assert_status(r, 200);
  json_t *list = json_object_get(r.json, "result");
  assert_int_equal(json_array_size(list), 1);
  json_t *line = json_array_get(list, 0);
  assert_string_equal(json_string_value(json_object_get(line, "type")), "Pct_Misused");
  assert_string_equal(json_string_value(json_object_get(line, "requestingPartyId")), C2);
}

/* 9.2 pctLifetime, UG-87: to the second. */
static void a_pct_lasts_as_long_as_the_realm_says(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  us_world_set(w, "pctLifetime", "100000");
  const char *pct = pct_of_bob(w, &g);
  us_world_advance_ms(w, 99999 * 1000);
  g.pat = us_pat(w, "alice", RS1);
  rpt_of(grant_with(w, &g, C1, pct));
  us_world_advance_ms(w, 1000);
  is_worth_nothing(w, &g, C1, pct);
}

static enum us_code clean_up(struct us_cx *cx, void *self) {
  return us_sweep_expired(cx, 100, self);
}
static void expired_pcts_are_cleaned_up(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  us_world_set(w, "pctLifetime", "60");
  pct_of_bob(w, &g);
  us_world_set(w, "pctLifetime", "120");
  const char *kept = pct_of_bob(w, &g);
  int64_t gone = 0;
  us_world_advance_ms(w, 61 * 1000);
  assert_int_equal(us_world_transact(w, clean_up, &gone), US_OK);
  assert_int_equal(pcts(w), 1);
  rpt_of(grant_with(w, &g, C1, kept));
}

/* UG-55, UG-88: with the hint, with another one, and without. */
static void a_client_gives_a_pct_back(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  static const char *const hints[] = {"&token_type_hint=pct", "&token_type_hint=refresh_token", ""};
  for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
    const char *pct = pct_of_bob(w, &g);
    expect_error(revoke(w, C2, pct, hints[i]), 400, "invalid_grant"); /* not for others to give back */
    rpt_of(grant_with(w, &g, C1, pct));
    struct us_reply r = revoke(w, C1, pct, hints[i]);
    assert_status(r, 200);
    assert_string_equal(r.body, "{}");
    is_worth_nothing(w, &g, C1, pct);
    assert_int_equal(pcts(w), 0);
    expect_status(revoke(w, C1, pct, hints[i]), 200); /* twice is fine */
  }
}

static void a_pct_ends_with_the_password_it_rests_on(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *pct = pct_of_bob(w, &g);
  change_account(w, "bob", set_password_anew);
  us_world_advance_ms(w, 1000);
  is_worth_nothing(w, &g, C1, pct);
}
static void a_pct_of_somebody_who_is_switched_off_is_ignored(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *pct = pct_of_bob(w, &g);
  change_account(w, "bob", switch_off);
  is_worth_nothing(w, &g, C1, pct);
}
static enum us_code delete_account(struct us_cx *cx, struct us_account *account) {
  return us_account_delete(cx, account);
}
static void a_pct_goes_with_the_person(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *pct = pct_of_bob(w, &g);
  change_account(w, "bob", delete_account);
  is_worth_nothing(w, &g, C1, pct);
  assert_int_equal(pcts(w), 0);
}

/* The client goes, and another one gets its name. */
static enum us_code replace_client(struct us_cx *cx, void *self) {
  (void)self;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm(snapshot, US_STR("/alpha"));
  struct us_client client;
  int64_t ref;
  enum us_code code = us_client_by_id(cx, realm->id, US_STR(C1), &client);
  if (code == US_OK)
    code = us_client_delete(cx, &client, realm);
  client.ref = 0; /* a new one */
  if (code == US_OK)
    code = us_client_create(cx, realm->id, &client, &ref);
  us_snapshot_unref(snapshot);
  return code;
}
static void a_pct_does_not_come_back_with_the_clients_name(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *pct = pct_of_bob(w, &g);
  us_world_advance_ms(w, 1000);
  assert_int_equal(us_world_transact(w, replace_client, NULL), US_OK);
  is_worth_nothing(w, &g, C1, pct);
  rpt_of(grant_with(w, &g, C1, pct_of_bob(w, &g)));
}

static const char *applications(struct us_world *w, const char *sso) {
  struct us_reply r =
      us_with_sso(w, "GET", ALPHA_JSON "users/bob/oauth2/applications?_queryFilter=true", sso, NULL, NULL);
  assert_status(r, 200);
  return r.body;
}
/* UG-16, UG-88: whose it is sees it among what clients may do, and takes it back; what was gathered and not used yet goes along. */
static void a_person_takes_a_pct_back(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *no_pct = gathered(w, g.bob, fresh_ticket(w, &g), NULL);
  assert_null(strstr(applications(w, g.bob), C1));
  const char *pct = pct_of_bob(w, &g), *under_way = gathered(w, g.bob, fresh_ticket(w, &g), NULL);
  assert_non_null(strstr(applications(w, g.bob), "\"uma_claims\""));
  rpt_of(us_grant(w, C1, no_pct, NULL, NULL));
  us_world_advance_ms(w, 1000);
  expect_status(us_with_sso(w, "DELETE", ALPHA_JSON "users/bob/oauth2/applications/" C1, g.bob, NULL, NULL), 200);
  assert_null(strstr(applications(w, g.bob), C1));
  is_worth_nothing(w, &g, C1, pct);
  assert_int_equal(pcts(w), 0);
  successor(us_grant(w, C1, under_way, NULL, NULL), 403, "need_info");
  us_world_advance_ms(w, 1000);
  pct = pct_of_bob(w, &g); /* he may be asked again */
  rpt_of(grant_with(w, &g, C1, pct));
  us_world_advance_ms(w, 1000);
  const char *admin = us_sso(w, "amAdmin"); /* who believes that it was stolen */
  expect_status(us_with_sso(w, "DELETE", ALPHA_JSON "users/bob/oauth2/applications/" C1, admin, NULL, NULL), 200);
  is_worth_nothing(w, &g, C1, pct);
}

/* 6.3: with interactive gathering off nobody looks at it. */
static void without_interactive_gathering_a_pct_is_not_looked_at(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *pct = pct_of_bob(w, &g);
  us_world_set(w, "interactiveClaimsGatheringEnabled", "false");
  struct us_reply r = grant_with(w, &g, C1, pct);
  successor(r, 403, "need_info");
  assert_non_null(json_object_get(r.json, "required_claims"));
  assert_null(json_object_get(r.json, "redirect_user"));
  /* not even by somebody else's client */
  successor(grant_with(w, &g, C2, pct), 403, "need_info");
  static const char sql[] = "SELECT COUNT(*) FROM audit_event WHERE kind = 10";
  assert_int_equal(us_count(w, sql), 0);
  rpt_of(us_grant(w, C1, fresh_ticket(w, &g), us_id_token(w, "bob", C1), pct_param(w, pct)));
}

/* UG-32, UG-33, UG-34, UG-35, SB-15: handles, of which only digests are kept. */
static void pcts_are_random_and_say_nothing(void **state) {
  enum { N = 30 };
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *list[N];
  for (int i = 0; i < N; i++) {
    list[i] = pct_of_bob(w, &g);
    assert_int_equal(strlen(list[i]), 38); /* 8 bytes of id, 20 random ones */
    for (int k = 0; k < i; k++)
      assert_string_not_equal(list[k] + 11, list[i] + 11);
  }
  char digest[US_SHA256_TEXT_BYTES];
  us_sha256_text(us_str_c(list[N - 1]), digest);
  static const char sql[] = "SELECT COUNT(*) FROM pct WHERE length(digest) = 43";
  assert_int_equal(us_count(w, sql), N);
}

/* A limit with a name: the oldest one ends. */
static enum us_code fill(struct us_cx *cx, void *self) {
  static const char sql[] =
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
      "INSERT INTO pct (id, digest, realm_id, client_ref, account_id, issued_s, expires_s) "
      "SELECT pct.id + n.i, 'x', pct.realm_id, pct.client_ref, pct.account_id, pct.issued_s, pct.expires_s FROM pct, n";
  return us_sql_run(cx, NULL, sql, "i", *(int64_t *)self);
}
static void a_client_has_so_many_of_one_person(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *first = pct_of_bob(w, &g);
  int64_t more = US_PCT_PER_CLIENT_MAX - 2;
  assert_int_equal(us_world_transact(w, fill, &more), US_OK);
  us_world_advance_ms(w, 1000);
  pct_of_bob(w, &g); /* at the limit */
  assert_int_equal(pcts(w), US_PCT_PER_CLIENT_MAX);
  rpt_of(grant_with(w, &g, C1, first));
  const char *last = pct_of_bob(w, &g);
  assert_int_equal(pcts(w), US_PCT_PER_CLIENT_MAX);
  is_worth_nothing(w, &g, C1, first);
  rpt_of(grant_with(w, &g, C1, last));
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_pct_comes_on_wish_only),
      STORY(a_pct_says_who_asks_whatever_is_asked_for),
      STORY(a_pct_opens_nothing_by_itself),
      STORY(a_pct_is_its_clients_own),
      STORY(a_pct_lasts_as_long_as_the_realm_says),
      STORY(expired_pcts_are_cleaned_up),
      STORY(a_client_gives_a_pct_back),
      STORY(a_pct_ends_with_the_password_it_rests_on),
      STORY(a_pct_of_somebody_who_is_switched_off_is_ignored),
      STORY(a_pct_goes_with_the_person),
      STORY(a_pct_does_not_come_back_with_the_clients_name),
      STORY(a_person_takes_a_pct_back),
      STORY(without_interactive_gathering_a_pct_is_not_looked_at),
      STORY(pcts_are_random_and_say_nothing),
      STORY(a_client_has_so_many_of_one_person),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
