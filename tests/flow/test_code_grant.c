/* The grant authorization_code (protocol contract 3.1, RFC 6749 4.1.3; OA-15 to OA-17): what a code gives, once, and to whom. */
#include "flow/authorize.h"
#include "flow/people.h"

#include "crypto/handle.h"
#include "domain/code.h"
#include "domain/consent.h"

#define PAT_RS1 "response_type=code&client_id=" RS1 "&redirect_uri=" RS1_BACK "&scope=uma_protection&state=s"
#define WIDE_C1                                                                                                        \
  "response_type=code&client_id=" C1 "&redirect_uri=" C1_BACK "&scope=openid%20profile%20view&state=s&nonce=n-0S6%20%" \
  "26"

static json_t *claims_of(const char *jwt) {
  const char *payload = strchr(jwt, '.') + 1;
  char text[4096];
  size_t n = 0;
  assert_true(us_base64url_decode((struct us_str){payload, strcspn(payload, ".")}, text, sizeof(text) - 1, &n));
  json_t *claims = json_loadb(text, n, 0, NULL);
  assert_non_null(claims);
  return claims;
}
static const char *claim(json_t *claims, const char *name) {
  const char *value = json_string_value(json_object_get(claims, name));
  return value ? value : "";
}

/* UF-09, UF-11: a PAT, owned by the person, and a refresh token for when she is away. */
static void a_code_gives_a_pat(void **state) {
  struct us_world *w = *state;
  struct us_reply r = exchange(w, RS1, allowed_code(w, us_sso(w, "alice"), PAT_RS1), RS1_BACK, NULL);
  const char *pat = take(r, "access_token");
  assert_string_equal(us_reply_str(&r, "token_type"), "Bearer");
  assert_string_equal(us_reply_str(&r, "scope"), "uma_protection");
  assert_int_equal(us_reply_int(&r, "expires_in"), 3600);
  assert_null(json_object_get(r.json, "id_token"));
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  struct us_reply seen = look(w, RS1, pat);
  assert_string_equal(us_reply_str(&seen, "sub"), "alice");
  struct us_reply again = refresh(w, RS1, take(r, "refresh_token"), NULL);
  us_register(w, take(again, "access_token"), "{\"resource_scopes\":[\"view\"]}");
}

/* OC-08 */
static void openid_comes_with_an_id_token(void **state) {
  struct us_world *w = *state;
  const char *bob = us_sso(w, "bob");
  int64_t login_s = us_world_now_ms(w) / 1000;
  us_world_advance_ms(w, 7000);
  struct us_reply r = exchange(w, C1, allowed_code(w, bob, WIDE_C1), C1_BACK, NULL);
  json_t *claims = claims_of(take(r, "id_token"));
  uint8_t digest[US_SHA256_BYTES];
  char half[32];
  us_sha256(us_str_c(us_reply_str(&r, "access_token")), digest);
  us_base64url_encode(digest, 16, half);
  assert_string_equal(claim(claims, "iss"), ALPHA_ISSUER);
  assert_string_equal(claim(claims, "sub"), "bob");
  assert_string_equal(claim(claims, "aud"), C1);
  assert_string_equal(claim(claims, "azp"), C1);
  assert_string_equal(claim(claims, "nonce"), "n-0S6 &");
  assert_string_equal(claim(claims, "at_hash"), half);
  assert_int_equal(json_integer_value(json_object_get(claims, "auth_time")), login_s);
  assert_int_equal(json_integer_value(json_object_get(claims, "iat")), login_s + 7);
  json_decref(claims);
  /* Without a nonce there is none; and it is a claim token like any other. */
  r = exchange(w, C1, allowed_code(w, bob, REQUEST_C1), C1_BACK, NULL);
  claims = claims_of(take(r, "id_token"));
  assert_null(json_object_get(claims, "nonce"));
  json_decref(claims);
  const char *pat = us_pat(w, "alice", RS1);
  const char *album = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\"]");
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album));
  expect_status(us_grant(w, C1, ticket, us_reply_str(&r, "id_token"), NULL), 200);
}

static void parameters_that_are_missing_are_named(void **state) {
  struct us_world *w = *state;
  struct us_reply r = token(w, C1, "grant_type=authorization_code");
  assert_error(r, 400, "invalid_request");
  assert_string_equal(description(r), "Missing parameters: code");
  expect_error(token(w, C1, "grant_type=authorization_code&code="), 400, "invalid_request");
  const char *code = allowed_code(w, us_sso(w, "alice"), REQUEST_C1);
  expect_error(send_form(w, us_text(w, TOKEN "?code=%s", code), NULL,
                         "grant_type=authorization_code&client_secret=mySecret&client_id=" C1),
               400, "invalid_request"); /* OA-08 */
  expect_status(exchange(w, C1, code, C1_BACK, NULL), 200);
}

/* Q10 */
static void the_scope_comes_from_the_code(void **state) {
  struct us_world *w = *state;
  struct us_reply r =
      exchange(w, C1, allowed_code(w, us_sso(w, "alice"), REQUEST_C1), C1_BACK, "&scope=openid%20profile%20fly");
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "scope"), "openid");
}

static void narrow_client(struct us_cx *cx, struct us_client *client) {
  client->scopes = words(cx->mem, "openid view");
}
static void strip_client(struct us_cx *cx, struct us_client *client) {
  client->scopes = words(cx->mem, "email");
}
static void scopes_that_a_client_lost_are_not_given(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  const char *first = allowed_code(w, alice, WIDE_C1), *second = allowed_code(w, alice, WIDE_C1);
  change_client(w, C1, narrow_client);
  struct us_reply r = exchange(w, C1, first, C1_BACK, NULL);
  assert_string_equal(us_reply_str(&r, "scope"), "openid view");
  change_client(w, C1, strip_client);
  expect_error(exchange(w, C1, second, C1_BACK, NULL), 400, "invalid_grant");
}

/* OA-15, OA-17: a code works once; again, and what came of it ends, whatever it became. */
static void a_code_works_once(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  const char *code = allowed_code(w, alice, REQUEST_C1);
  struct us_reply r = exchange(w, C1, code, C1_BACK, NULL);
  const char *access = take(r, "access_token");
  struct us_reply other = exchange(w, C1, allowed_code(w, alice, REQUEST_C1), C1_BACK, NULL);
  struct us_reply refreshed = refresh(w, C1, take(r, "refresh_token"), NULL);
  const char *later = take(refreshed, "access_token"), *later_refresh = take(refreshed, "refresh_token");
  assert_true(token_is_live(w, C1, access));
  assert_true(token_is_live(w, C1, later));
  r = exchange(w, C1, code, C1_BACK, NULL);
  assert_error(r, 400, "invalid_grant");
  assert_string_equal(description(r), INVALID_GRANT_TEXT);
  assert_false(token_is_live(w, C1, access));
  assert_false(token_is_live(w, C1, later));
  expect_error(refresh(w, C1, later_refresh, NULL), 400, "invalid_grant");
  expect_error(user_info(w, later), 401, "invalid_token");
  assert_true(token_is_live(w, C1, take(other, "access_token"))); /* of another authorization */
  expect_error(exchange(w, C1, code, C1_BACK, NULL), 400, "invalid_grant");
}

/* A used code is known for a day after it has expired. */
static void a_late_replay_counts_too(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "refreshTokenLifetime", "864000");
  const char *code = allowed_code(w, us_sso(w, "alice"), REQUEST_C1);
  struct us_reply r = exchange(w, C1, code, C1_BACK, NULL);
  us_world_advance_ms(w, INT64_C(20) * 3600 * 1000);
  struct us_reply replay = exchange(w, C1, code, C1_BACK, NULL);
  assert_error(replay, 400, "invalid_grant");
  expect_error(refresh(w, C1, take(r, "refresh_token"), NULL), 400, "invalid_grant");
}

/* To the second; the client's own life of a code before the realm's. */
static void short_codes(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->code_s = 10;
}
static void codes_expire(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  const char *in_time = allowed_code(w, alice, REQUEST_C1), *late = allowed_code(w, alice, REQUEST_C1);
  us_world_advance_ms(w, 119 * 1000);
  expect_status(exchange(w, C1, in_time, C1_BACK, NULL), 200);
  us_world_advance_ms(w, 1000);
  struct us_reply r = exchange(w, C1, late, C1_BACK, NULL);
  assert_error(r, 400, "invalid_grant");
  assert_string_equal(description(r), "Authorization code expired.");
  change_client(w, C1, short_codes);
  alice = us_sso(w, "alice");
  in_time = allowed_code(w, alice, REQUEST_C1), late = allowed_code(w, alice, REQUEST_C1);
  us_world_advance_ms(w, 9 * 1000);
  expect_status(exchange(w, C1, in_time, C1_BACK, NULL), 200);
  us_world_advance_ms(w, 1000);
  expect_error(exchange(w, C1, late, C1_BACK, NULL), 400, "invalid_grant");
}

/* OA-16: what was sent to authorize is repeated; a mistake uses the code up. */
static void a_code_belongs_to_its_redirection_uri(void **state) {
  struct us_world *w = *state;
  static const char *const others[] = {NULL, C2_BACK, "http://127.0.0.1:9/cb/", "http://127.0.0.1:10/cb", "x"};
  const char *alice = us_sso(w, "alice");
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    const char *code = allowed_code(w, alice, REQUEST_C1);
    expect_error(exchange(w, C1, code, others[i], NULL), 400, "invalid_grant");
    expect_error(exchange(w, C1, code, C1_BACK, NULL), 400, "invalid_grant");
  }
  const char *bare = "response_type=code&scope=openid&client_id=" C1;
  expect_status(exchange(w, C1, allowed_code(w, alice, bare), NULL, NULL), 200);
  expect_status(exchange(w, C1, allowed_code(w, alice, bare), C1_BACK, NULL), 200);
  expect_error(exchange(w, C1, allowed_code(w, alice, bare), C2_BACK, NULL), 400, "invalid_grant");
}

/* OA-16, docs/adr/0021: another client's use ends the code, and nothing else. */
static void a_code_belongs_to_its_client(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  const char *code = allowed_code(w, alice, REQUEST_C1);
  expect_error(exchange(w, C2, code, C1_BACK, NULL), 400, "invalid_grant");
  expect_error(exchange(w, C1, code, C1_BACK, NULL), 400, "invalid_grant"); /* it is out in the world */
  code = allowed_code(w, alice, REQUEST_C1);
  struct us_reply r = exchange(w, C1, code, C1_BACK, NULL);
  expect_error(exchange(w, C2, code, C1_BACK, NULL), 400, "invalid_grant");
  assert_true(token_is_live(w, C1, take(r, "access_token"))); /* nobody ends what another has */
  expect_error(exchange_public(w, code, VERIFIER), 400, "invalid_grant");
  assert_true(token_is_live(w, C1, take(r, "access_token")));
  /* Who is no client at all does not even get that far. */
  code = allowed_code(w, alice, REQUEST_C1);
  expect_error(send_form(w, TOKEN, NULL, us_text(w, CODE_GRANT "&client_id=" C1 "&client_secret=wrong", code)), 400,
               "invalid_client");
  expect_error(send_form(w, TOKEN, NULL, us_text(w, CODE_GRANT "&client_id=" C1, code)), 400, "invalid_client");
  expect_status(exchange(w, C1, code, C1_BACK, NULL), 200);
}

static void a_code_belongs_to_its_realm(void **state) {
  struct us_world *w = *state;
  const char *code = allowed_code(w, us_sso(w, "alice"), REQUEST_C1);
  add_realm(w, "/beta");
  expect_error(as_client(w, "/am/oauth2/realms/root/access_token", C1, us_text(w, CODE_GRANT, code)), 400,
               "invalid_client");
  expect_error(as_client(w, "/am/oauth2/realms/root/realms/beta/access_token", C1, us_text(w, CODE_GRANT, code)), 400,
               "invalid_client");
  expect_status(exchange(w, C1, code, C1_BACK, NULL), 200);
}

/* SB-15, PK-07 */
static void altered_codes_are_unknown(void **state) {
  struct us_world *w = *state;
  const char *code = allowed_code(w, us_sso(w, "alice"), REQUEST_C1);
  for (size_t i = 0; code[i] != '\0'; i++) {
    const char *altered = us_text(w, "%.*s%c%s", (int)i, code, code[i] == 'A' ? 'B' : 'A', code + i + 1);
    expect_error(exchange(w, C1, altered, C1_BACK, NULL), 400, "invalid_grant");
  }
  expect_error(exchange(w, C1, us_text(w, "%sA", code), C1_BACK, NULL), 400, "invalid_grant");
  expect_error(exchange(w, C1, us_text(w, "%.*s", (int)strlen(code) - 1, code), C1_BACK, NULL), 400, "invalid_grant");
  expect_error(exchange(w, C1, us_text(w, "%04096d", 0), C1_BACK, NULL), 400, "invalid_grant");
  expect_status(exchange(w, C1, code, C1_BACK, NULL), 200); /* guesses do not spend it */
}

/* A code is no token of another kind, and no other is a code. */
static void kinds_are_not_mixed_up(void **state) {
  struct us_world *w = *state;
  const char *code = allowed_code(w, us_sso(w, "alice"), REQUEST_C1);
  assert_false(token_is_live(w, C1, code));
  expect_error(refresh(w, C1, code, NULL), 400, "invalid_grant");
  expect_error(user_info(w, code), 401, "invalid_token");
  struct us_reply r = exchange(w, C1, code, C1_BACK, NULL);
  expect_error(exchange(w, C1, take(r, "refresh_token"), C1_BACK, NULL), 400, "invalid_grant");
  expect_error(exchange(w, C1, take(r, "access_token"), C1_BACK, NULL), 400, "invalid_grant");
}

static void lose_code_grant(struct us_cx *cx, struct us_client *client) {
  client->grants = words(cx->mem, "password");
}
static void the_grant_must_be_the_clients(void **state) {
  struct us_world *w = *state;
  const char *code = allowed_code(w, us_sso(w, "alice"), REQUEST_C1);
  change_client(w, C1, lose_code_grant);
  expect_error(exchange(w, C1, code, C1_BACK, NULL), 400, "unauthorized_client");
}

/* Codes stand and fall with the account as tokens do. */
static enum us_code change_password(struct us_cx *cx, struct us_account *account) {
  return us_account_set_password(cx, account->id, account->password_hash);
}
static void a_code_needs_its_account_unchanged(void **state) {
  struct us_world *w = *state;
  const char *code = allowed_code(w, us_sso(w, "alice"), REQUEST_C1);
  change_person(w, "alice", change_password);
  expect_error(exchange(w, C1, code, C1_BACK, NULL), 400, "invalid_grant");
  us_world_advance_ms(w, 1);
  code = allowed_code(w, us_sso(w, "alice"), REQUEST_C1);
  expect_status(exchange(w, C1, code, C1_BACK, NULL), 200);
  code = allowed_code(w, us_sso(w, "alice"), REQUEST_C1);
  switch_off_account(w, "alice");
  expect_error(exchange(w, C1, code, C1_BACK, NULL), 400, "invalid_grant");
  code = allowed_code(w, us_sso(w, "bob"), REQUEST_C1);
  delete_account(w, "bob");
  expect_error(exchange(w, C1, code, C1_BACK, NULL), 400, "invalid_grant");
  code = allowed_code(w, us_sso(w, "carol"), REQUEST_C1);
  delete_client(w, C1);
  expect_error(exchange(w, C1, code, C1_BACK, NULL), 400, "invalid_client");
}

/* Two at once (OA-15): both have found the code unused; one statement tells them apart, and the second ends what the first got. */
struct race {
  struct us_world *w;
  const char *code;
  int wins;
};
static enum us_code race_step(struct us_cx *cx, void *self) {
  struct race *race = self;
  struct us_client client;
  struct us_issued issued;
  assert_int_equal(us_client_by_id(cx, alpha(race->w)->id, US_STR(C1), &client), US_OK);
  const struct us_code_exchange in = {
      .realm = alpha(race->w), .client = &client, .code = us_str_c(race->code), .redirect_uri = US_STR(C1_BACK)};
  for (int i = 0; i < 2; i++) {
    enum us_code code = us_code_exchange(cx, &in, &issued);
    race->wins += code == US_OK;
    if (code != US_OK) {
      assert_int_equal(code, US_E_INVALID_GRANT);
      assert_true(cx->err.keeps_writes);
    }
  }
  return US_OK;
}
static void of_two_at_once_one_wins(void **state) {
  struct us_world *w = *state;
  struct race race = {.w = w, .code = allowed_code(w, us_sso(w, "alice"), REQUEST_C1)};
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, race_step, &race), US_OK);
  assert_int_equal(race.wins, 1);
}

/* SB-15: the store holds nothing that could be presented. */
static bool file_has(struct us_world *w, const char *suffix, const char *text) {
  FILE *f = fopen(us_text(w, "%s%s", us_world_file(w), suffix), "rb");
  bool has = false;
  if (f == NULL)
    return false;
  fseek(f, 0, SEEK_END);
  size_t n = (size_t)ftell(f);
  rewind(f);
  char *bytes = malloc(n + 1);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, n, f), n);
  fclose(f);
  has = memmem(bytes, n, text, strlen(text)) != NULL;
  free(bytes);
  return has;
}
static void the_store_does_not_know_the_code(void **state) {
  struct us_world *w = *state;
  const char *code = allowed_code(w, us_sso(w, "alice"), WIDE_C1);
  assert_true(file_has(w, "", "n-0S6 &") || file_has(w, "-wal", "n-0S6 &")); /* the search does find things */
  assert_false(file_has(w, "", code) || file_has(w, "-wal", code));
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_code_gives_a_pat),
      STORY(openid_comes_with_an_id_token),
      STORY(parameters_that_are_missing_are_named),
      STORY(the_scope_comes_from_the_code),
      STORY(scopes_that_a_client_lost_are_not_given),
      STORY(a_code_works_once),
      STORY(a_late_replay_counts_too),
      STORY(codes_expire),
      STORY(a_code_belongs_to_its_redirection_uri),
      STORY(a_code_belongs_to_its_client),
      STORY(a_code_belongs_to_its_realm),
      STORY(altered_codes_are_unknown),
      STORY(kinds_are_not_mixed_up),
      STORY(the_grant_must_be_the_clients),
      STORY(a_code_needs_its_account_unchanged),
      STORY(of_two_at_once_one_wins),
      STORY(the_store_does_not_know_the_code),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
