/* Signing keys of a realm, seen from outside: the key set, ID tokens verified by it, rotation (protocol contract 8.4, 8.6). */
#include "domain/id_token.h"
#include "flow/oauth.h"

#include "app/key_rotation.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "domain/realm.h"
#include "domain/signing_key.h"

#define KEYS ALPHA_OAUTH "connect/jwk_uri"

static struct us_cx new_cx(struct us_world *w) {
  return (struct us_cx){
      .mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w), .now_ms = us_world_now_ms(w)};
}

static json_t *key_by_kid(struct us_world *w, struct us_str kid) {
  struct us_reply r = us_send(w, "GET", KEYS, NULL, NULL);
  size_t i;
  json_t *key;
  assert_status(r, 200);
  json_array_foreach(json_object_get(r.json, "keys"), i, key) {
    if (us_str_eq_c(kid, json_string_value(json_object_get(key, "kid"))))
      return key;
  }
  return NULL;
}

/* Verifies with nothing but what the key set shows, as any client would. */
struct outside {
  struct us_world *w;
  struct us_cx *cx;
  struct us_key *key;
};
static const struct us_key *key_from_set(void *self, enum us_alg alg, struct us_str kid) {
  struct outside *o = self;
  json_t *jwk = key_by_kid(o->w, kid);
  if (jwk == NULL || strcmp(json_string_value(json_object_get(jwk, "alg")), us_alg_name(alg)) != 0)
    return NULL;
  char *text = json_dumps(jwk, JSON_COMPACT);
  assert_int_equal(us_key_load(o->cx, us_str_c(text), &o->key), US_OK);
  free(text);
  return o->key;
}
/* The claims, or NULL when it does not verify. Free with json_decref(). */
static json_t *verify_outside(struct us_world *w, const char *compact) {
  struct us_cx cx = new_cx(w);
  struct outside o = {w, &cx, NULL};
  struct us_str text, typ;
  json_t *claims = NULL;
  if (us_jws_verify(&cx, us_str_c(compact), key_from_set, &o, &text, &typ) == US_OK) {
    assert_true(us_str_eq_c(typ, "JWT"));
    claims = json_loadb(text.p, text.n, 0, NULL);
  }
  us_key_free(o.key);
  us_mem_free(cx.mem);
  return claims;
}
static const char *kid_of(struct us_world *w, const char *compact) {
  char header[1024];
  size_t n = 0;
  assert_true(us_base64url_decode((struct us_str){compact, (size_t)(strchr(compact, '.') - compact)}, header,
                                  sizeof(header) - 1, &n));
  json_t *json = json_loadb(header, n, 0, NULL);
  const char *kid = us_text(w, "%s", json_string_value(json_object_get(json, "kid")));
  json_decref(json);
  return kid;
}

/* JW-18 */
static void the_set_has_public_members_only(void **state) {
  struct us_world *w = *state;
  static const char *const needed[] = {"kty", "kid", "use", "alg"};
  static const char *const secret[] = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"};
  struct us_reply r = us_send(w, "GET", KEYS, NULL, NULL);
  size_t i;
  json_t *key;
  assert_status(r, 200);
  assert_string_equal(us_reply_header(&r, "Content-Type"), "application/json;charset=UTF-8");
  assert_int_equal(json_array_size(json_object_get(r.json, "keys")), 2);
  json_array_foreach(json_object_get(r.json, "keys"), i, key) {
    for (size_t m = 0; m < sizeof(needed) / sizeof(needed[0]); m++)
      assert_true(json_string_length(json_object_get(key, needed[m])) > 0);
    for (size_t m = 0; m < sizeof(secret) / sizeof(secret[0]); m++)
      assert_null(json_object_get(key, secret[m]));
    assert_string_equal(json_string_value(json_object_get(key, "use")), "sig");
  }
  struct us_reply root = us_send(w, "GET", "/am/oauth2/connect/jwk_uri", NULL, NULL);
  assert_string_not_equal(root.body, r.body); /* each realm its own */
}

static void assert_claim(const json_t *claims, const char *name, const char *wanted) {
  assert_non_null(json_string_value(json_object_get(claims, name)));
  assert_string_equal(json_string_value(json_object_get(claims, name)), wanted);
}

/* OC-08, contract 8.6; `alg` is the client's. */
static void check_id_token(struct us_world *w, const char *client, const char *alg) {
  int64_t now_s = us_world_now_ms(w) / 1000;
  struct us_reply r = password(w, "BOB", client, "openid");
  const char *compact = take(r, "id_token"), *access = us_reply_str(&r, "access_token");
  assert_string_equal(json_string_value(json_object_get(key_by_kid(w, us_str_c(kid_of(w, compact))), "alg")), alg);
  json_t *claims = verify_outside(w, compact);
  assert_non_null(claims);
  assert_claim(claims, "iss", ALPHA_ISSUER);
  assert_claim(claims, "sub", "bob");
  assert_claim(claims, "subname", "bob");
  assert_claim(claims, "aud", client);
  assert_claim(claims, "azp", client);
  assert_claim(claims, "realm", "/alpha");
  assert_claim(claims, "tokenName", "id_token");
  assert_claim(claims, "tokenType", "JWTToken");
  assert_int_equal(json_integer_value(json_object_get(claims, "iat")), now_s);
  assert_int_equal(json_integer_value(json_object_get(claims, "exp")), now_s + 3600);
  assert_int_equal(json_integer_value(json_object_get(claims, "auth_time")), now_s);
  uint8_t digest[US_SHA256_BYTES];
  char half[US_SHA256_TEXT_BYTES];
  us_sha256(us_str_c(access), digest);
  us_base64url_encode(digest, sizeof(digest) / 2, half);
  assert_claim(claims, "at_hash", half);
  assert_int_equal(json_string_length(json_object_get(claims, "jti")), US_ID_TOKEN_JTI_BYTES - 1);
  json_decref(claims);
}

static void id_tokens_verify_by_the_set(void **state) {
  struct us_world *w = *state;
  create_client(w, (struct new_client){
                       .id = "curves", .secret = "mySecret", .grants = "password", .scopes = "openid", .alg = "ES256"});
  check_id_token(w, C1, "RS256");
  check_id_token(w, "curves", "ES256");
  us_world_set(w, "jwtTokenLifetime", "60");
  json_t *claims = verify_outside(w, us_id_token(w, "bob", C1));
  assert_int_equal(json_integer_value(json_object_get(claims, "exp")), us_world_now_ms(w) / 1000 + 60);
  json_decref(claims);
}

static void id_tokens_come_with_openid_only(void **state) {
  struct us_world *w = *state;
  assert_null(json_object_get(password(w, "bob", C1, "view").json, "id_token"));
}

struct rotation {
  struct us_world *w;
  enum us_alg alg;
  int64_t wait_s;
};
static enum us_code rotate_step(struct us_cx *cx, void *self) {
  const struct rotation *r = self;
  struct us_str jwk;
  assert_int_equal(us_key_generate(cx, r->alg, &jwk), US_OK);
  return us_realm_rotate_key(cx, alpha(r->w), jwk, r->wait_s);
}
static void rotate_in(struct us_world *w, enum us_alg alg, int64_t wait_s) {
  struct rotation r = {w, alg, wait_s};
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, rotate_step, &r), US_OK);
}

static void rotate(struct us_world *w, enum us_alg alg) {
  rotate_in(w, alg, 0);
}

/* JW-19 */
static void rotation_breaks_no_living_token(void **state) {
  struct us_world *w = *state;
  const char *old = us_id_token(w, "bob", C1);
  us_world_advance_ms(w, 10000);
  rotate(w, US_ALG_RS256);
  const char *fresh = us_id_token(w, "bob", C1);
  assert_string_not_equal(kid_of(w, old), kid_of(w, fresh));
  us_world_advance_ms(w, 3590000); /* the old token's last second */
  json_t *claims = verify_outside(w, old);
  assert_non_null(claims);
  json_decref(claims);
  us_world_advance_ms(w, 72000); /* nothing that the old key signed is alive: it goes, without another change */
  assert_null(verify_outside(w, old));
  assert_null(key_by_kid(w, us_str_c(kid_of(w, old))));
  assert_non_null(key_by_kid(w, us_str_c(kid_of(w, fresh))));
}

/* Those who keep the set for as long as they may know a key before it signs. */
static void a_key_may_be_published_before_it_signs(void **state) {
  struct us_world *w = *state;
  const char *before = kid_of(w, us_id_token(w, "bob", C1));
  size_t keys = json_array_size(json_object_get(us_send(w, "GET", KEYS, NULL, NULL).json, "keys"));
  rotate_in(w, US_ALG_RS256, 300);
  assert_int_equal(json_array_size(json_object_get(us_send(w, "GET", KEYS, NULL, NULL).json, "keys")), keys + 1);
  us_world_advance_ms(w, 299999);
  const char *last = us_id_token(w, "bob", C1);
  assert_string_equal(kid_of(w, last), before);
  us_world_advance_ms(w, 1);
  const char *fresh = us_id_token(w, "bob", C1);
  assert_string_not_equal(kid_of(w, fresh), before);
  us_world_advance_ms(w, 3600000);
  json_t *claims = verify_outside(w, last);
  assert_non_null(claims);
  json_decref(claims);
  us_world_advance_ms(w, 61000);
  assert_null(key_by_kid(w, us_str_c(before)));
}

/* A shorter life of tokens to come does not shorten that of tokens which are out. */
static void a_key_outlives_the_longest_token_that_it_signed(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "jwtTokenLifetime", "7200");
  const char *token = us_id_token(w, "bob", C1);
  us_world_set(w, "jwtTokenLifetime", "60");
  rotate(w, US_ALG_RS256);
  us_world_advance_ms(w, 7199000);
  json_t *claims = verify_outside(w, token);
  assert_non_null(claims);
  json_decref(claims);
  us_world_advance_ms(w, 62000);
  assert_null(key_by_kid(w, us_str_c(kid_of(w, token))));
}

static enum us_code clean_up_step(struct us_cx *cx, void *self) {
  return us_signing_keys_clean_up(cx, self);
}
static enum us_code count_step(struct us_cx *cx, void *self) {
  static const char sql[] = "SELECT COUNT(*) FROM signing_key";
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  return us_sql_one(cx, columns, 1, self, sql, "");
}
static int64_t count_keys(struct us_world *w) {
  int64_t n = 0;
  assert_int_equal(us_world_transact(w, count_step, &n), US_OK);
  return n;
}
static void dead_keys_are_forgotten(void **state) {
  struct us_world *w = *state;
  bool changed = true;
  int64_t before = count_keys(w);
  rotate(w, US_ALG_ES256);
  us_world_advance_ms(w, 3660000);
  assert_int_equal(us_world_transact(w, clean_up_step, &changed), US_OK);
  assert_false(changed);
  assert_int_equal(count_keys(w), before + 1);
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, clean_up_step, &changed), US_OK);
  assert_true(changed);
  assert_int_equal(count_keys(w), before);
}

struct due {
  struct us_world *w;
  const struct us_realm_key *key;
};
static enum us_code due_step(struct us_cx *cx, void *self) {
  struct due *due = self;
  due->key = us_signing_key_due(cx, alpha(due->w));
  return US_OK;
}
static const struct us_realm_key *due_key(struct us_world *w) {
  struct due due = {.w = w};
  assert_int_equal(us_world_transact(w, due_step, &due), US_OK);
  return due.key;
}
static enum us_code succeed_step(struct us_cx *cx, void *self) {
  const struct us_key_rotation *rotation = self;
  return us_key_rotation_run(cx, rotation);
}
static enum us_code prepare_step(struct us_cx *cx, void *self) {
  return us_key_rotation_prepare(cx, self);
}
/* By the server itself, once, also when two of them see that it is time. */
static void keys_get_successors_by_themselves(void **state) {
  struct us_world *w = *state;
  struct us_key_rotation rotation;
  us_world_advance_ms(w, INT64_C(31) * 24 * 3600 * 1000);
  assert_null(due_key(w));
  us_world_set(w, "keyRotationDays", "32");
  assert_null(due_key(w));
  us_world_advance_ms(w, INT64_C(24) * 3600 * 1000);
  int64_t before = count_keys(w);
  for (int i = 0; i < 2; i++) { /* one of each algorithm */
    assert_non_null(due_key(w));
    const char *jwk;
    assert_int_equal(us_world_transact(w, prepare_step, &rotation), US_OK);
    jwk = us_text(w, "%.*s", US_STR_ARG(rotation.jwk));
    rotation.jwk = us_str_c(jwk);
    assert_int_equal(us_world_transact(w, succeed_step, &rotation), US_OK);
    assert_int_equal(us_world_transact(w, succeed_step, &rotation), US_E_CONFLICT);
  }
  assert_null(due_key(w));
  assert_int_equal(count_keys(w), before + 2);
}

static void the_set_may_be_kept_for_a_while(void **state) {
  struct us_world *w = *state;
  struct us_reply r = us_send(w, "GET", KEYS, NULL, NULL);
  assert_status(r, 200);
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "public, max-age=300");
  const char *tag = us_text(w, "If-None-Match: %s", us_reply_header(&r, "ETag"));
  r = us_send(w, "GET", KEYS, tag, NULL);
  assert_status(r, 304);
  assert_int_equal(r.body_bytes, 0);
  rotate(w, US_ALG_ES256);
  r = us_send(w, "GET", KEYS, tag, NULL);
  assert_status(r, 200);
}

static void rotating_one_algorithm_leaves_the_other(void **state) {
  struct us_world *w = *state;
  create_client(w, (struct new_client){
                       .id = "curves", .secret = "mySecret", .grants = "password", .scopes = "openid", .alg = "ES256"});
  const char *before = kid_of(w, us_id_token(w, "bob", "curves"));
  rotate(w, US_ALG_RS256);
  assert_string_equal(kid_of(w, us_id_token(w, "bob", "curves")), before);
}

static enum us_code public_key_step(struct us_cx *cx, void *self) {
  struct us_world *w = self;
  enum us_code code = us_realm_rotate_key(cx, alpha(w), us_key_public_jwk(alpha(w)->keys[0].key), 0);
  assert_true(us_str_eq_c(cx->err.text, "The key cannot sign: it must be a private JWK"));
  return code;
}
static enum us_code broken_key_step(struct us_cx *cx, void *self) {
  struct us_world *w = self;
  return us_realm_rotate_key(cx, alpha(w), US_STR("{\"kty\":\"RSA\"}"), 0);
}
/* JW-16: a key that cannot do its work is refused when it comes. */
static void unfit_keys_are_refused(void **state) {
  struct us_world *w = *state;
  assert_int_equal(us_world_transact(w, public_key_step, w), US_E_INVALID_REQUEST);
  assert_int_equal(us_world_transact(w, broken_key_step, w), US_E_INVALID_REQUEST);
  assert_string_not_equal(us_id_token(w, "bob", C1), "");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(the_set_has_public_members_only),
      STORY(id_tokens_verify_by_the_set),
      STORY(id_tokens_come_with_openid_only),
      STORY(rotation_breaks_no_living_token),
      STORY(rotating_one_algorithm_leaves_the_other),
      STORY(unfit_keys_are_refused),
      STORY(a_key_may_be_published_before_it_signs),
      STORY(a_key_outlives_the_longest_token_that_it_signed),
      STORY(dead_keys_are_forgotten),
      STORY(keys_get_successors_by_themselves),
      STORY(the_set_may_be_kept_for_a_while),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
