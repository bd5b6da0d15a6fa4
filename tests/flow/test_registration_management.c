/* What a registered client does with itself (RFC 7592): reading, replacing, ending; and that nobody else does. */
#include "flow/registration.h"

#include "crypto/handle.h"
#include "domain/registration.h"

#define NAMED "\"client_name\":\"Shelf\",\"logo_uri\":\"https://app.example/logo.png\",\"scope\":\"openid view\""

static const char *at_path(struct us_world *w, const struct us_reply *r) {
  return us_text(w, REGISTER "/%s", us_reply_str(r, "client_id"));
}

/* DR-07: both forms of the address show the same, without the secret. */
static void a_client_reads_what_it_registered(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, NAMED));
  const char *token = us_reply_str(&mine, "registration_access_token");
  struct us_reply r = manage(w, "GET", &mine, NULL);
  assert_status(r, 200);
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  assert_string_equal(us_reply_str(&r, "registration_access_token"), token);
  assert_string_equal(us_reply_str(&r, "registration_client_uri"), us_reply_str(&mine, "registration_client_uri"));
  assert_false(has_member(&r, "client_secret")); /* nobody has it but the client */
  assert_false(has_member(&r, "client_secret_expires_at"));
  json_object_del(mine.json, "client_secret");
  json_object_del(mine.json, "client_secret_expires_at");
  assert_true(json_equal(r.json, mine.json));
  assert_string_equal(us_with_pat(w, "GET", at_path(w, &mine), token, NULL).body, r.body);
  expect_status(us_with_pat(w, "HEAD", at_path(w, &mine), token, NULL), 200);
}

/* DR-07: one and the same refusal, whatever does not fit; and nothing changes by it. */
static void nobody_else_gets_at_it(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, NAMED)), other = sign_up(w, with_more(w, ""));
  const char *mine_token = us_reply_str(&mine, "registration_access_token");
  const char *last = mine_token + strlen(mine_token) - 1;
  const char *bad_tokens[] = {us_reply_str(&other, "registration_access_token"),
                              us_text(w, "%.*s%c", (int)(last - mine_token), mine_token, *last == 'A' ? 'B' : 'A'),
                              us_text(w, "%sA", mine_token),
                              us_reply_str(&mine, "client_secret"),
                              us_pat(w, "alice", RS1),
                              "x"};
  static const char *const methods[] = {"GET", "PUT", "DELETE"};
  const char *body = again(w, &mine, "");
  for (size_t m = 0; m < 3; m++) {
    const char *json = m == 1 ? body : NULL;
    for (size_t i = 0; i < sizeof(bad_tokens) / sizeof(bad_tokens[0]); i++) {
      struct us_reply r = us_with_pat(w, methods[m], own_url(w, &mine), bad_tokens[i], json);
      assert_error(r, 401, "invalid_token");
      assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), "Bearer realm=\"/alpha\", error=\"invalid_token\"");
    }
    struct us_reply r = us_send(w, methods[m], own_url(w, &mine), NULL, json);
    assert_error(r, 401, "invalid_token");
    assert_string_equal(us_reply_header(&r, "WWW-Authenticate"), "Bearer realm=\"/alpha\"");
    expect_error(us_send(w, methods[m], own_url(w, &mine),
                         basic(w, us_reply_str(&mine, "client_id"), us_reply_str(&mine, "client_secret")), json),
                 401, "invalid_token");
    expect_error(us_with_pat(w, methods[m], REGISTER "?client_id=nobody", mine_token, json), 401, "invalid_token");
    expect_error(us_with_pat(w, methods[m], REGISTER "/nobody", mine_token, json), 401, "invalid_token");
    expect_error(us_with_pat(w, methods[m], REGISTER "?client_id=" C1, mine_token, json), 401, "invalid_token");
    expect_error(us_with_pat(w, methods[m], REGISTER, mine_token, json), 400, "invalid_request");
  }
  struct us_reply r = manage(w, "GET", &mine, NULL);
  assert_string_equal(us_reply_str(&r, "client_name"), "Shelf");
}

/* A client that an administrator made has no such token, whatever is sent. */
static enum us_code forge_step(struct us_cx *cx, void *self) {
  struct us_handle *ret_handle = self;
  struct us_client client;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  assert_int_equal(us_client_by_id(cx, us_snapshot_realm(snapshot, US_STR("/alpha"))->id, US_STR(C1), &client), US_OK);
  us_snapshot_unref(snapshot);
  us_handle_mint(client.ref, 0, ret_handle);
  return US_OK;
}
static void other_clients_are_not_managed_this_way(void **state) {
  struct us_world *w = *state;
  struct us_handle handle;
  assert_int_equal(us_world_transact(w, forge_step, &handle), US_OK);
  expect_error(us_with_pat(w, "GET", REGISTER "?client_id=" C1, handle.text, NULL), 401, "invalid_token");
}

/* DR-08 */
static void a_put_replaces_everything(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, NAMED ",\"client_name#de\":\"Regal\",\"contacts\":[\"a\"],"
                                                       "\"claims_redirect_uris\":[\"https://app.example/claims\"]"));
  us_world_advance_ms(w, 5000);
  struct us_reply r = manage(w, "PUT", &mine,
                             us_text(w,
                                     "{\"client_id\":\"%s\",\"redirect_uris\":[\"https://app.example/new\"],"
                                     "\"client_name\":\"Shelf 2\"}",
                                     us_reply_str(&mine, "client_id")));
  assert_status(r, 200);
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  assert_string_equal(us_reply_str(&r, "client_id"), us_reply_str(&mine, "client_id"));
  assert_int_equal(us_reply_int(&r, "client_id_issued_at"), us_reply_int(&mine, "client_id_issued_at"));
  assert_string_equal(us_reply_str(&r, "client_name"), "Shelf 2");
  assert_string_equal(list_text(w, &r, "redirect_uris"), "[\"https://app.example/new\"]");
  assert_string_equal(us_reply_str(&r, "scope"), "openid");
  static const char *const gone[] = {"logo_uri", "client_name#de", "contacts", "claims_redirect_uris"};
  for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
    assert_false(has_member(&r, gone[i]));
  assert_string_equal(manage(w, "GET", &mine, NULL).body, r.body);
  const char *token = us_reply_str(&mine, "registration_access_token");
  r = us_with_pat(w, "PUT", at_path(w, &mine), token, again(w, &mine, "\"client_name\":\"Shelf 3\""));
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "client_name"), "Shelf 3");
  /* null and an empty text say the same as nothing */
  r = manage(w, "PUT", &mine, again(w, &mine, "\"client_name\":null,\"logo_uri\":\"\",\"tos_uri\":\"\""));
  assert_status(r, 200);
  assert_false(has_member(&r, "client_name"));
  assert_false(has_member(&r, "logo_uri"));
}

static struct us_reply authenticate(struct us_world *w, const struct us_reply *client, const char *secret) {
  return send_form(w, REVOKE, basic(w, us_reply_str(client, "client_id"), secret), "token=x");
}

/* DR-08: id, secret and token stay what they are; a request that says otherwise is refused. */
static void a_put_rotates_nothing(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, ""));
  const char *secret = us_reply_str(&mine, "client_secret");
  struct us_reply r = manage(w, "PUT", &mine, again(w, &mine, NAMED));
  assert_status(r, 200);
  assert_false(has_member(&r, "client_secret"));
  assert_string_equal(us_reply_str(&r, "registration_access_token"), us_reply_str(&mine, "registration_access_token"));
  expect_status(authenticate(w, &mine, secret), 200);
  expect_status(manage(w, "PUT", &mine, again(w, &mine, us_text(w, "\"client_secret\":\"%s\"", secret))), 200);
  expect_status(
      manage(w, "PUT", &mine, again(w, &mine, "\"token_endpoint_auth_method\":\"client_secret_post\"," NAMED)), 200);
  expect_status(authenticate(w, &mine, secret), 200);
  r = manage(w, "PUT", &mine, again(w, &mine, "\"client_secret\":\"another\""));
  assert_error(r, 400, "invalid_client_metadata");
  assert_string_equal(description(r), "client_secret: cannot become another");
  r = manage(w, "PUT", &mine, us_text(w, "{\"client_id\":\"alice\",\"redirect_uris\":[\"" REDIRECT "\"]}"));
  assert_error(r, 400, "invalid_client_metadata");
  assert_string_equal(description(r), "client_id: cannot become another");
  r = manage(w, "PUT", &mine, with_more(w, ""));
  assert_error(r, 400, "invalid_client_metadata");
  assert_string_equal(description(r), "client_id: is required");
  r = manage(w, "GET", &mine, NULL);
  assert_string_equal(us_reply_str(&r, "client_name"), "Shelf"); /* as before what was refused */
  expect_status(authenticate(w, &mine, secret), 200);
}

/* What a client reads, it can send back as it is (RFC 7592 2.2). */
static void what_was_read_can_be_put_back(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, NAMED ",\"client_name#de\":\"Regal\",\"software_id\":\"s\""));
  char *text = json_dumps(mine.json, JSON_COMPACT);
  struct us_reply r = manage(w, "PUT", &mine, us_text(w, "%s", text));
  free(text);
  assert_status(r, 200);
  json_object_del(mine.json, "client_secret");
  json_object_del(mine.json, "client_secret_expires_at");
  assert_true(json_equal(r.json, mine.json));
}

/* DR-08: validated like a registration, and nothing of what is refused is kept. */
static void a_put_is_validated_like_a_registration(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, NAMED));
  static const struct {
    const char *more, *error;
  } bad[] = {{"\"claims_redirect_uris\":[\"http://evil.example/\"]", "invalid_redirect_uri"},
             {"\"grant_types\":[\"authorization_code\",\"password\"]", "invalid_client_metadata"},
             {"\"grant_types\":[\"client_credentials\"]", "invalid_client_metadata"},
             {"\"response_types\":[\"token\"]", "invalid_client_metadata"},
             {"\"logo_uri\":\"https://169.254.169.254/\"", "invalid_client_metadata"},
             {"\"contacts\":\"x\"", "invalid_client_metadata"},
             {"\"software_statement\":\"a.b.c\"", "invalid_software_statement"}};
  struct us_reply before = manage(w, "GET", &mine, NULL);
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    expect_error(manage(w, "PUT", &mine, again(w, &mine, bad[i].more)), 400, bad[i].error);
  expect_error(manage(w, "PUT", &mine, "[]"), 400, "invalid_client_metadata");
  assert_string_equal(manage(w, "GET", &mine, NULL).body, before.body);
}

/* Secrets follow the method: none without one, a new one where there was none. */
static void a_method_that_needs_a_secret_brings_one(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, ""));
  const char *first = us_reply_str(&mine, "client_secret");
  struct us_reply r = manage(w, "PUT", &mine, again(w, &mine, "\"token_endpoint_auth_method\":\"none\""));
  assert_status(r, 200);
  assert_false(has_member(&r, "client_secret"));
  expect_status(authenticate(w, &mine, first), 401);
  expect_error(manage(w, "PUT", &mine, again(w, &mine, us_text(w, "\"client_secret\":\"%s\"", first))), 400,
               "invalid_client_metadata");
  r = manage(w, "PUT", &mine, again(w, &mine, ""));
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "client_secret"), "");
  assert_string_not_equal(us_reply_str(&r, "client_secret"), first);
  assert_int_equal(us_reply_int(&r, "client_secret_expires_at"), 0);
  expect_status(authenticate(w, &mine, us_reply_str(&r, "client_secret")), 200);
}

/* What an administrator gave stays, and is not lost by silence; nothing else is to be won. */
static void promote(struct us_cx *cx, struct us_client *client) {
  client->scopes = words(cx->mem, "openid uma_protection");
  client->default_scopes = words(cx->mem, "openid");
  client->grants = words(cx->mem, "authorization_code password");
  client->access_token_s = 77;
  client->implies_consent = true;
}
static void what_an_administrator_gave_stays(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, ""));
  change_client(w, us_reply_str(&mine, "client_id"), promote);
  struct us_reply r = manage(w, "GET", &mine, NULL);
  assert_string_equal(us_reply_str(&r, "scope"), "openid uma_protection");
  r = manage(w, "PUT", &mine,
             again(w, &mine, "\"scope\":\"view\",\"grant_types\":[\"authorization_code\",\"password\"]"));
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "scope"), "view uma_protection");
  const char *form = "grant_type=password&username=alice&password=Ch4ng31t&scope=uma_protection";
  const char *header = basic(w, us_reply_str(&mine, "client_id"), us_reply_str(&mine, "client_secret"));
  r = send_form(w, TOKEN, header, form);
  assert_status(r, 200);
  assert_int_equal(us_reply_int(&r, "expires_in"), 77);
  expect_status(manage(w, "PUT", &mine, again(w, &mine, "")), 200); /* gives the grant away */
  expect_error(send_form(w, TOKEN, header, form), 400, "unauthorized_client");
  expect_error(manage(w, "PUT", &mine, again(w, &mine, "\"grant_types\":[\"password\"]")), 400,
               "invalid_client_metadata");
}

/* Two changes that were prepared at once: the second is not written over the first, but prepared again. */
struct two {
  struct us_registration a, b;
  const char *id;
  struct us_world *w;
};
static enum us_code prepare_both(struct us_cx *cx, void *self) {
  struct two *t = self;
  struct us_registration *both[] = {&t->a, &t->b};
  struct us_client client;
  assert_int_equal(us_client_by_id(cx, alpha(t->w)->id, us_str_c(t->id), &client), US_OK);
  for (int i = 0; i < 2; i++) {
    json_t *document = json_pack("{s:s, s:[s], s:s}", "client_id", t->id, "redirect_uris", REDIRECT, "client_name",
                                 i ? "second" : "first");
    assert_int_equal(us_registration_renew(cx, alpha(t->w), &client, document, both[i]), US_OK);
    json_decref(document);
  }
  assert_int_equal(us_registration_replace(cx, &t->a), US_OK);
  assert_int_equal(us_registration_replace(cx, &t->b), US_E_STALE);
  us_error_clear(cx);
  return US_OK;
}
static void changes_at_once_do_not_overwrite_each_other(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, ""));
  struct two t = {.id = us_reply_str(&mine, "client_id"), .w = w};
  assert_int_equal(us_world_transact(w, prepare_both, &t), US_OK);
  struct us_reply r = manage(w, "GET", &mine, NULL);
  assert_string_equal(us_reply_str(&r, "client_name"), "first");
}

static void switch_off(struct us_cx *cx, struct us_client *client) {
  client->is_active = false;
}
static void a_client_that_is_switched_off_stays_off(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, ""));
  change_client(w, us_reply_str(&mine, "client_id"), switch_off);
  expect_error(manage(w, "GET", &mine, NULL), 401, "invalid_token");
  expect_error(manage(w, "PUT", &mine, again(w, &mine, "")), 401, "invalid_token");
  expect_error(manage(w, "DELETE", &mine, NULL), 401, "invalid_token");
  expect_status(authenticate(w, &mine, us_reply_str(&mine, "client_secret")), 401);
}

/* DR-09: the client, its tokens, the tickets and RPTs it got, and what it registered for its users. */
static void a_client_ends_itself(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, ""));
  const char *id = us_reply_str(&mine, "client_id");
  change_client(w, id, promote);
  const char *header = basic(w, id, us_reply_str(&mine, "client_secret"));
  const char *form = "grant_type=password&username=alice&password=Ch4ng31t&scope=uma_protection openid";
  const char *pat = take(send_form(w, TOKEN, header, form), "access_token");
  const char *album = us_register(w, pat, "{\"name\":\"album\",\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\"]");
  const char *body = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album);
  const char *rpt = take(us_grant(w, C1, us_ask(w, pat, body), us_id_token(w, "bob", C1), NULL), "access_token");
  const char *open_ticket = us_ask(w, pat, body);
  struct us_reply seen = us_introspect(w, pat, rpt);
  assert_true(is_active(seen));

  struct us_reply r = manage(w, "DELETE", &mine, NULL);
  assert_status(r, 204);
  assert_int_equal(r.body_bytes, 0);
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  expect_error(manage(w, "GET", &mine, NULL), 401, "invalid_token");
  expect_error(manage(w, "PUT", &mine, again(w, &mine, "")), 401, "invalid_token");
  expect_error(manage(w, "DELETE", &mine, NULL), 401, "invalid_token");
  expect_error(send_form(w, TOKEN, header, form), 401, "invalid_client");
  expect_error(us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL), 401, "invalid_token");
  assert_false(is_active(look(w, RS2, rpt)));
  expect_error(us_grant(w, C1, open_ticket, us_id_token(w, "bob", C1), NULL), 400, "invalid_grant");
}

/* A client that asked for access loses its RPTs. */
static void the_rpts_of_a_client_end_with_it(void **state) {
  struct us_world *w = *state;
  struct us_reply mine =
      sign_up(w, "{\"grant_types\":[\"" UMA_GRANT "\"],\"token_endpoint_auth_method\":\"client_secret_post\"}");
  us_world_set(w, "claimTokenAudienceRequired", "false");
  const char *pat = us_pat(w, "alice", RS1);
  const char *album = us_register(w, pat, "{\"name\":\"album\",\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\"]");
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album));
  const char *form = us_text(
      w, "grant_type=" UMA_GRANT "&ticket=%s&claim_token=%s&claim_token_format=%s&client_id=%s&client_secret=%s",
      ticket, us_id_token(w, "bob", C1), us_enc(w, "http://openid.net/specs/openid-connect-core-1_0.html#IDToken"),
      us_reply_str(&mine, "client_id"), us_reply_str(&mine, "client_secret"));
  const char *rpt = take(send_form(w, TOKEN, NULL, form), "access_token");
  assert_true(is_active(us_introspect(w, pat, rpt)));
  expect_status(us_with_pat(w, "DELETE", at_path(w, &mine), us_reply_str(&mine, "registration_access_token"), NULL),
                204);
  assert_false(is_active(us_introspect(w, pat, rpt)));
}

static void changes_of_a_client_are_limited(void **state) {
  struct us_world *w = *state;
  struct us_reply mine = sign_up(w, with_more(w, "")), other = sign_up(w, with_more(w, ""));
  us_world_set(w, "registrationsPerAddress", "2");
  for (int i = 0; i < 2; i++)
    expect_status(manage(w, "PUT", &mine, again(w, &mine, "")), 200);
  struct us_reply r = manage(w, "PUT", &mine, again(w, &mine, ""));
  assert_error(r, 429, "slow_down");
  assert_string_equal(us_reply_header(&r, "Retry-After"), "60");
  expect_status(manage(w, "GET", &mine, NULL), 200);
  expect_status(manage(w, "PUT", &other, again(w, &other, "")), 200);
  us_world_advance_ms(w, 60000);
  expect_status(manage(w, "PUT", &mine, again(w, &mine, "")), 200);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_client_reads_what_it_registered),
      STORY(nobody_else_gets_at_it),
      STORY(other_clients_are_not_managed_this_way),
      STORY(a_put_replaces_everything),
      STORY(a_put_rotates_nothing),
      STORY(what_was_read_can_be_put_back),
      STORY(a_put_is_validated_like_a_registration),
      STORY(a_method_that_needs_a_secret_brings_one),
      STORY(what_an_administrator_gave_stays),
      STORY(changes_at_once_do_not_overwrite_each_other),
      STORY(a_client_that_is_switched_off_stays_off),
      STORY(a_client_ends_itself),
      STORY(the_rpts_of_a_client_end_with_it),
      STORY(changes_of_a_client_are_limited),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
