/*
 * ID tokens coming back as claim tokens (protocol contract 6.3): one flaw at a time, and none gets through. The tokens are
 * signed with the realm's own keys, so that it is the claims that are looked at. Group JW of the conformance list, where it is
 * about claims; crypto/test_jws.c is about signatures and headers.
 */
#include "flow/oauth.h"

#include <inttypes.h>

#include "crypto/digest.h"
#include "crypto/jws.h"
#include "domain/claim_cache.h"
#include "domain/id_token.h"
#include "domain/realm.h"
#include "store/db.h"

static struct us_cx new_cx(struct us_world *w) {
  return (struct us_cx){
      .mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w), .now_ms = us_world_now_ms(w)};
}

/* The name behind it, or NULL when it is no claim token for this client. */
static const char *name_in_realm(struct us_world *w, const struct us_realm *realm, const char *client,
                                 const char *compact) {
  struct us_cx cx = new_cx(w);
  struct us_claim_token token;
  enum us_code code = us_claim_token_verify(&cx, realm, us_str_c(client), us_str_c(compact), &token);
  const char *copy = NULL;
  if (code == US_OK)
    copy = us_text(w, "%.*s", US_STR_ARG(token.name));
  else if (code != US_E_NOT_FOUND || cx.err.text.p != NULL)
    fail_msg("%s: %.*s", us_code_name(code), US_STR_ARG(cx.err.text));
  us_mem_free(cx.mem);
  return copy;
}
static const char *name_of(struct us_world *w, const char *client, const char *compact) {
  return name_in_realm(w, alpha(w), client, compact);
}

static const char *sign_with(struct us_world *w, const struct us_key *key, const char *typ, const char *claims) {
  struct us_cx cx = new_cx(w);
  struct us_str compact = US_STR_ABSENT;
  assert_int_equal(us_jws_sign(&cx, key, typ, us_str_c(claims), &compact), US_OK);
  const char *copy = us_text(w, "%.*s", US_STR_ARG(compact));
  us_mem_free(cx.mem);
  return copy;
}
static const struct us_key *alpha_key(struct us_world *w, enum us_alg alg) {
  const struct us_realm *realm = alpha(w);
  for (size_t i = 0; i < realm->key_count; i++) {
    if (realm->keys[i].is_active && us_key_alg(realm->keys[i].key) == alg)
      return realm->keys[i].key;
  }
  fail_msg("no key");
  return NULL;
}

/* The claims of a good token of bob's for C1, as a template with one member replaced, added or taken away. */
struct member {
  const char *name, *json;
};
static const char *claims_text(struct us_world *w, const char *name, const char *json) {
  int64_t now_s = us_world_now_ms(w) / 1000;
  const struct member good[] = {
      {"iss", "\"" ALPHA_ISSUER "\""},
      {"sub", "\"bob\""},
      {"aud", "\"" C1 "\""},
      {"azp", "\"" C1 "\""},
      {"exp", us_text(w, "%" PRId64, now_s + 3600)},
      {"iat", us_text(w, "%" PRId64, now_s)},
      {"jti", us_text(w, "\"%s\"", us_jti(w, "bob"))},
      {"tokenName", "\"id_token\""},
  };
  const char *text = "";
  bool is_there = false;
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    bool is_it = name && strcmp(name, good[i].name) == 0;
    const char *value = is_it ? json : good[i].json;
    is_there |= is_it;
    if (value)
      text = us_text(w, "%s%s\"%s\":%s", text, *text ? "," : "", good[i].name, value);
  }
  if (name && !is_there)
    text = us_text(w, "%s,\"%s\":%s", text, name, json);
  return us_text(w, "{%s}", text);
}
static const char *with(struct us_world *w, const char *name, const char *json) {
  return name_of(w, C1, sign_with(w, alpha_key(w, US_ALG_ES256), "JWT", claims_text(w, name, json)));
}

static void a_good_token_names_the_party(void **state) {
  struct us_world *w = *state;
  assert_string_equal(name_of(w, C1, us_id_token(w, "bob", C1)), "bob");
  assert_string_equal(with(w, NULL, NULL), "bob");
  assert_string_equal(with(w, "sub", "\"(usr!bob)\""), "bob"); /* Q22 */
  assert_string_equal(with(w, "nonce", "\"x\""), "bob");
}

/* JW-01, JW-02, JW-05: a changed token is none; twice, because verdicts are remembered. */
static void a_changed_token_is_none(void **state) {
  struct us_world *w = *state;
  const char *good = us_id_token(w, "bob", C1);
  assert_string_equal(name_of(w, C1, good), "bob");
  for (int round = 0; round < 2; round++) {
    char *bad = (char *)(uintptr_t)us_text(w, "%s", good);
    char *payload = strchr(bad, '.') + 10;
    *payload = *payload == 'A' ? 'B' : 'A';
    assert_null(name_of(w, C1, bad));
    assert_null(name_of(w, C1, us_text(w, "%s=", good)));
    assert_null(name_of(w, C1, us_text(w, "%s.x", good)));
    assert_null(name_of(w, C1, us_text(w, "%.*s.", (int)(strrchr(good, '.') - good), good)));
    assert_null(name_of(w, C1, "eyJhbGciOiJub25lIn0.e30."));
    assert_null(name_of(w, C1, ""));
    assert_null(name_of(w, C1, "x"));
  }
  assert_string_equal(name_of(w, C1, good), "bob");
}

/* JW-11 */
static void the_issuer_is_compared_to_the_letter(void **state) {
  struct us_world *w = *state;
  assert_null(with(w, "iss", "\"" ALPHA_ISSUER "/\""));
  assert_null(with(w, "iss", "\"" WORLD_BASE "/oauth2\""));
  assert_null(with(w, "iss", "\"" WORLD_BASE "/oauth2/realms/root/realms/Alpha\""));
  assert_null(with(w, "iss", NULL));
  assert_null(with(w, "iss", "[\"" ALPHA_ISSUER "\"]"));
}

/* JW-11: the key of one realm does not vouch for another. */
static void another_realms_key_does_not_count(void **state) {
  struct us_world *w = *state;
  const struct us_snapshot *snapshot = us_snapshot_ref(us_world_services(w)->snapshots);
  const struct us_realm *root = us_snapshot_realm(snapshot, US_STR("/"));
  assert_null(name_of(w, C1, sign_with(w, root->keys[0].key, "JWT", claims_text(w, NULL, NULL))));
  assert_null(name_in_realm(w, root, C1, us_id_token(w, "bob", C1)));
  us_snapshot_unref(snapshot);
}

/* JW-12, OC-03 */
static void it_must_be_meant_for_the_client_that_brings_it(void **state) {
  struct us_world *w = *state;
  const char *good = us_id_token(w, "bob", C1);
  assert_string_equal(name_of(w, C1, good), "bob");
  assert_null(name_of(w, C2, good)); /* nor from the memory of the first */
  assert_string_equal(with(w, "azp", NULL), "bob");
  assert_string_equal(with(w, "aud", "[\"" C1 "\"]"), "bob");
  assert_string_equal(with(w, "aud", "[\"" C1 "\",\"other\"]"), "bob"); /* azp is the client */
  assert_string_equal(with(w, "aud", "\"other\""), "bob");              /* ditto */
  assert_null(with(w, "aud", NULL));
  assert_null(with(w, "aud", "[]"));
  assert_null(with(w, "aud", "[[\"" C1 "\"]]"));
  assert_null(with(w, "aud", "{\"" C1 "\":1}"));
  assert_null(with(w, "azp", "[\"" C1 "\"]"));
  assert_null(with(w, "azp", "1"));
  const char *alone = us_text(w,
                              "{\"iss\":\"" ALPHA_ISSUER "\",\"sub\":\"bob\",\"exp\":%" PRId64
                              ",\"tokenName\":\"id_token\",\"jti\":\"%s\",\"aud\":%%s%%s}",
                              us_world_now_ms(w) / 1000 + 60, us_jti(w, "bob"));
  static const char *const others[][2] = {
      {"\"UMA-Clien\"", ""},
      {"\"UMA-Client-\"", ""},
      {"\"uma-client\"", ""},
      {"[\"UMA-Client\",\"other\"]", ""},
      {"[\"UMA-Client\",\"other\"]", ",\"azp\":\"other\""},
      {"\"other\"", ",\"azp\":\"another\""},
  };
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    char text[1024];
    const char *before = strstr(alone, "%s");
    snprintf(text, sizeof(text), "%.*s%s%s}", (int)(before - alone), alone, others[i][0], others[i][1]);
    assert_null(name_of(w, C1, sign_with(w, alpha_key(w, US_ALG_ES256), "JWT", text)));
  }
}

static void a_realm_may_relax_the_audience(void **state) {
  struct us_world *w = *state;
  const char *good = us_id_token(w, "bob", C1);
  assert_null(name_of(w, C2, good));
  us_world_set(w, "claimTokenAudienceRequired", "false");
  assert_string_equal(name_of(w, C2, good), "bob");
  us_world_set(w, "claimTokenAudienceRequired", "true");
  assert_null(name_of(w, C2, good)); /* the relaxed verdict is not remembered for the strict rule */
}

/* JW-10: at most 60 s of tolerance, to the second. */
static void dates_are_checked(void **state) {
  struct us_world *w = *state;
  assert_string_equal(name_of(w, C1, us_id_token(w, "bob", C1)), "bob"); /* one of our own is good */
  int64_t now_s = us_world_now_ms(w) / 1000;
  static const struct {
    const char *name;
    int64_t offset_s;
    bool is_good;
  } near[] = {{"exp", -60, true}, {"exp", -61, false}, {"nbf", 60, true},
              {"nbf", 61, false}, {"iat", 60, true},   {"iat", 61, false}};
  for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
    const char *name = with(w, near[i].name, us_text(w, "%" PRId64, now_s + near[i].offset_s));
    assert_int_equal(name != NULL, near[i].is_good);
  }
  assert_string_equal(with(w, "exp", us_text(w, "%" PRId64 ".5", now_s + 10)), "bob");
  static const char *const exp_flaws[] = {"\"4102444800\"", "-1",   "-0.5", "1e400", "1e300",
                                          "true",           "null", "[1]",  "{}"};
  for (size_t i = 0; i < sizeof(exp_flaws) / sizeof(exp_flaws[0]); i++)
    assert_null(with(w, "exp", exp_flaws[i]));
  assert_null(with(w, "exp", NULL));
  assert_null(with(w, "nbf", "\"0\""));
  assert_null(with(w, "iat", "-5"));
}

/* Remembered is the verdict, not the life. */
static void a_remembered_token_still_expires(void **state) {
  struct us_world *w = *state;
  const char *good = us_id_token(w, "bob", C1);
  for (int i = 0; i < 2; i++)
    assert_string_equal(name_of(w, C1, good), "bob");
  assert_int_equal(us_claim_cache_count(us_world_services(w)->claims), 1);
  us_world_advance_ms(w, 3660000);
  assert_string_equal(name_of(w, C1, good), "bob"); /* the tolerance's last second */
  us_world_advance_ms(w, 1000);
  assert_null(name_of(w, C1, good));
}

static enum us_code rotate_step(struct us_cx *cx, void *self) {
  struct us_str jwk;
  assert_int_equal(us_key_generate(cx, US_ALG_RS256, &jwk), US_OK);
  return us_realm_rotate_key(cx, alpha(self), jwk, 0);
}
static enum us_code drop_keys_step(struct us_cx *cx, void *self) {
  static const char sql[] = "DELETE FROM signing_key WHERE active = 0";
  enum us_code code = us_sql_run(cx, NULL, sql, "");
  return code == US_OK ? us_config_bump(cx) : code;
}
/* A key that was taken away (because it leaked, say) takes what it vouched for along, remembered or not. */
static void a_remembered_token_goes_with_its_key(void **state) {
  struct us_world *w = *state;
  const char *good = us_id_token(w, "bob", C1);
  assert_string_equal(name_of(w, C1, good), "bob");
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, rotate_step, w), US_OK);
  assert_string_equal(name_of(w, C1, good), "bob");
  assert_int_equal(us_world_transact(w, drop_keys_step, w), US_OK);
  assert_null(name_of(w, C1, good));
}

/* JW-13 */
static void only_id_tokens_are_claim_tokens(void **state) {
  struct us_world *w = *state;
  const struct us_key *key = alpha_key(w, US_ALG_RS256);
  static const char *const types[] = {"at+jwt", "application/at+jwt", "dpop+jwt", "logout+jwt", "JWS", "jwt+x"};
  for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
    assert_null(name_of(w, C1, sign_with(w, key, types[i], claims_text(w, NULL, NULL))));
  assert_string_equal(name_of(w, C1, sign_with(w, key, "jwt", claims_text(w, NULL, NULL))), "bob");
  assert_null(with(w, "tokenName", "\"access_token\""));
  assert_null(with(w, "tokenName", NULL));
  assert_null(name_of(w, C1, us_pat(w, "bob", RS1)));
}

/* Without it nobody could tell which account of the name is meant (ADR 30). */
static void a_token_says_which_account_it_is_of(void **state) {
  struct us_world *w = *state;
  const char *jti = us_jti(w, "bob");
  assert_string_equal(with(w, "jti", us_text(w, "\"%s\"", jti)), "bob");
  assert_null(with(w, "jti", NULL));
  const char *flaws[] = {"\"\"",
                         "\"x\"",
                         "7",
                         "null",
                         us_text(w, "[\"%s\"]", jti),
                         us_text(w, "\"%.21s\"", jti),
                         us_text(w, "\"%sA\"", jti),
                         us_text(w, "\"%sAA\"", jti),
                         us_text(w, "\"%s==\"", jti),
                         "\"_____________________w\"",  /* an id below 0 */
                         "\"AAAAAAAAAAAAAAAAAAAAAB\""}; /* unused bits */
  for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++)
    assert_null(with(w, "jti", flaws[i]));
}

static void a_subject_is_a_name(void **state) {
  struct us_world *w = *state;
  const char *longest = "";
  for (int i = 0; i < US_CLAIM_NAME_MAX; i++)
    longest = us_text(w, "%sx", longest);
  assert_string_equal(with(w, "sub", us_text(w, "\"%s\"", longest)), longest);
  assert_null(with(w, "sub", us_text(w, "\"%sx\"", longest)));
  assert_null(with(w, "sub", "\"\""));
  assert_null(with(w, "sub", NULL));
  assert_null(with(w, "sub", "7"));
  assert_null(with(w, "sub", "[\"bob\"]"));
}

/* JW-06 */
static void repeated_claims_are_refused(void **state) {
  struct us_world *w = *state;
  const char *claims = claims_text(w, NULL, NULL);
  const char *twice = us_text(w, "{\"sub\":\"alice\",%s", claims + 1);
  assert_null(name_of(w, C1, sign_with(w, alpha_key(w, US_ALG_ES256), "JWT", twice)));
  assert_null(name_of(w, C1, sign_with(w, alpha_key(w, US_ALG_ES256), "JWT", "[]")));
}

/* JW-15 */
static void long_tokens_are_refused_before_any_work(void **state) {
  struct us_world *w = *state;
  char *text = malloc(1024 * 1024 + 1);
  memset(text, 'A', 1024 * 1024);
  text[1024 * 1024] = '\0';
  assert_null(name_of(w, C1, text));
  text[US_JWS_MAX_BYTES + 1] = '\0';
  assert_null(name_of(w, C1, text));
  free(text);
}

/* Contract 6.1 */
static void formats_are_three(void **state) {
  assert_true(us_claim_token_format_ok(US_STR("http://openid.net/specs/openid-connect-core-1_0.html#IDToken")));
  assert_true(us_claim_token_format_ok(US_STR("https://openid.net/specs/openid-connect-core-1_0.html#IDToken")));
  assert_true(us_claim_token_format_ok(US_STR("http://openid.net/specs/openid-connect-core-1_0.html#HybridIDToken")));
  assert_false(us_claim_token_format_ok(US_STR("http://openid.net/specs/openid-connect-core-1_0.html#idtoken")));
  assert_false(us_claim_token_format_ok(US_STR("urn:ietf:params:oauth:token-type:jwt")));
  assert_false(us_claim_token_format_ok(US_STR_ABSENT));
}

/* The memory is bounded: past its maximum the longest unused verdict goes. */
static void the_memory_is_bounded(void **state) {
  struct us_claim_cache *cache = us_claim_cache_new(64);
  struct us_claim_entry entry = {.exp_s = 1, .key_id = 2, .name_n = 3, .name = "bob"};
  struct us_claim_key key;
  for (int i = 0; i < 1000; i++) {
    us_claim_key(i, true, US_STR("iss"), US_STR("client"), US_STR("token"), &key);
    us_claim_cache_put(cache, &key, &entry);
    assert_true(us_claim_cache_count(cache) <= 64);
  }
  struct us_claim_entry found;
  assert_true(us_claim_cache_find(cache, &key, &found));
  assert_int_equal(found.exp_s, 1);
  assert_int_equal(found.key_id, 2);
  assert_memory_equal(found.name, "bob", 3);
  us_claim_key(0, true, US_STR("iss"), US_STR("client"), US_STR("token"), &key);
  assert_false(us_claim_cache_find(cache, &key, &found));
  us_claim_cache_free(cache);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_good_token_names_the_party),
      STORY(a_changed_token_is_none),
      STORY(the_issuer_is_compared_to_the_letter),
      STORY(another_realms_key_does_not_count),
      STORY(it_must_be_meant_for_the_client_that_brings_it),
      STORY(a_realm_may_relax_the_audience),
      STORY(dates_are_checked),
      STORY(a_remembered_token_still_expires),
      STORY(a_remembered_token_goes_with_its_key),
      STORY(only_id_tokens_are_claim_tokens),
      STORY(a_token_says_which_account_it_is_of),
      STORY(a_subject_is_a_name),
      STORY(repeated_claims_are_refused),
      STORY(long_tokens_are_refused_before_any_work),
      cmocka_unit_test(formats_are_three),
      cmocka_unit_test(the_memory_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
