/* Clients that authenticate by signed assertions: private_key_jwt and client_secret_jwt (protocol contract 1.7, RFC 7523). */
#include "flow/assertion.h"

#include "crypto/box.h"
#include "domain/client_assertion.h"
#include "domain/sweep.h"

#define HEAD_EC "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"JWT\"}"
#define HEAD_RSA "{\"alg\":\"RS256\",\"kid\":\"r1\"}"
#define ID "signs"

static const char *claims(struct us_world *w) {
  return claims_of(w, ID, ALPHA_ISSUER);
}
static struct us_reply token_by(struct us_world *w, const char *assertion) {
  return show(w, TOKEN, assertion, GRANT);
}
static void make_client(struct us_world *w) {
  private_key_client(w, ID,
                     us_text(w, "{\"keys\":[%s,%s]}", jwk(w, EC_1, ",\"kid\":\"k1\",\"use\":\"sig\""),
                             jwk(w, RSA_1, ",\"kid\":\"r1\",\"alg\":\"RS256\"")));
}
/* What is refused below is refused for its flaw. Also ends a pause that earlier refusals began. */
static void is_fine_otherwise(struct us_world *w) {
  us_world_advance_ms(w, 301 * 1000);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
}

/* One and the same answer, whatever was wrong. */
#define assert_refused(reply) check_refused((reply), __FILE__, __LINE__)
static void check_refused(struct us_reply r, const char *file, int line) {
  us_assert_error(&r, 400, "invalid_client", file, line);
  _assert_string_equal(description(r), "Client authentication failed", file, line);
  assert_null(us_reply_header(&r, "WWW-Authenticate"));
}

/* SB-18: issuer, token endpoint, or the endpoint that was called; alone or among others; signed by either kind of key. */
static void a_good_assertion_shows_who_the_client_is(void **state) {
  struct us_world *w = *state;
  make_client(w);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  expect_status(token_by(w, jwt(w, RSA_1, HEAD_RSA, claims(w))), 200);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims_of(w, ID, ALPHA_ISSUER "/access_token"))), 200);
  const char *several = us_text(w, "[\"https://other.example\",\"%s\"]", ALPHA_ISSUER);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, with(w, claims(w), "aud", several))), 200);
  expect_status(show(w, TOKEN, jwt(w, EC_1, HEAD_EC, claims(w)), GRANT "&client_id=" ID), 200);
  /* Introspection only reads, revocation writes; both take their own URL, and the others. */
  expect_status(show(w, INTROSPECT, jwt(w, EC_1, HEAD_EC, claims_of(w, ID, ALPHA_ISSUER "/introspect")), "token=x"),
                200);
  expect_status(show(w, INTROSPECT, jwt(w, EC_1, HEAD_EC, claims(w)), "token=x"), 200);
  expect_status(show(w, REVOKE, jwt(w, EC_1, HEAD_EC, claims_of(w, ID, ALPHA_ISSUER "/token/revoke")), "token=x"), 200);
  expect_status(show(w, REVOKE, jwt(w, EC_1, HEAD_EC, claims_of(w, ID, ALPHA_ISSUER "/access_token")), "token=x"), 200);
  /* The URL of another endpoint that was not called is no audience. */
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, claims_of(w, ID, ALPHA_ISSUER "/introspect"))));
}

/* SB-18, JW-10, JW-11, JW-12 */
static void every_claim_is_asked_for(void **state) {
  struct us_world *w = *state;
  make_client(w);
  long long now = (long long)now_s(w);
  const char *number = us_text(w, "%lld", now);
  static const char issuer[] = "\"" ALPHA_ISSUER "\"";
  const struct {
    const char *member, *value;
  } flaws[] = {
      {"iss", NULL},
      {"iss", "\"other\""},
      {"iss", "\"Signs\""},
      {"iss", issuer},
      {"sub", NULL},
      {"sub", "\"\""},
      {"sub", "\"" RS1 "\""},
      {"sub", "[\"" ID "\"]"},
      {"aud", NULL},
      {"aud", "\"\""},
      {"aud", "[]"},
      {"aud", "\"https://other.example\""},
      {"aud", "\"" ALPHA_ISSUER "/\""},
      {"aud", "\"" WORLD_BASE "/oauth2\""},
      {"aud", "\"" ALPHA_ISSUER "/authorize\""},
      {"aud", us_text(w, "[[%s]]", issuer)},
      {"aud", us_text(w, "{\"a\":%s}", issuer)},
      {"aud", us_text(w, "[%s,1]", issuer)},
      {"exp", NULL},
      {"exp", number},
      {"exp", us_text(w, "%lld", now - 1)},
      {"exp", us_text(w, "\"%lld\"", now + 60)},
      {"exp", us_text(w, "%lld", now + 601)},
      {"exp", us_text(w, "%lld000", now)},
      {"exp", "-1"},
      {"exp", "1e300"},
      {"nbf", us_text(w, "%lld", now + 61)},
      {"nbf", us_text(w, "\"%lld\"", now)},
      {"iat", us_text(w, "%lld", now + 61)},
      {"iat", "null"},
      {"jti", NULL},
      {"jti", "\"\""},
      {"jti", "7"},
      {"jti", us_text(w, "\"%01025d\"", 7)},
  };
  for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
    us_world_come_from(w, us_text(w, "198.51.100.%zu", i), us_text(w, "198.51.100.%zu", i));
    struct us_reply r = token_by(w, jwt(w, EC_1, HEAD_EC, with(w, claims(w), flaws[i].member, flaws[i].value)));
    if (r.status != 400)
      print_error("%s = %s\n", flaws[i].member, flaws[i].value ? flaws[i].value : "(none)");
    assert_refused(r);
  }
  const struct {
    const char *member, *value;
  } limits[] = {
      {"exp", us_text(w, "%lld", now + 1)},   {"exp", us_text(w, "%lld", now + 600)},
      {"exp", us_text(w, "%lld.5", now + 1)}, {"nbf", us_text(w, "%lld", now + 60)},
      {"iat", us_text(w, "%lld", now + 60)},  {"iat", NULL},
      {"jti", us_text(w, "\"%01024d\"", 7)},  {"unknown", "{\"a\":[1]}"},
  };
  for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
    expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, with(w, claims(w), limits[i].member, limits[i].value))), 200);
}

static void how_long_an_assertion_may_live_is_a_setting(void **state) {
  struct us_world *w = *state;
  make_client(w);
  us_world_set(w, "clientAssertionMaxLifetime", "30");
  long long now = (long long)now_s(w);
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, with(w, claims(w), "exp", us_text(w, "%lld", now + 31)))));
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, with(w, claims(w), "exp", us_text(w, "%lld", now + 30)))), 200);
}

/* JW-01, JW-02, JW-04, JW-07, JW-08, JW-09, JW-13, JW-14: whatever the header says, the registered keys decide. */
static void the_header_decides_nothing(void **state) {
  struct us_world *w = *state;
  make_client(w);
  is_fine_otherwise(w);
  static const char *const heads[] = {
      "{\"alg\":\"none\"}",
      "{\"alg\":\"None\",\"kid\":\"k1\"}",
      "{\"alg\":\"nOnE\",\"kid\":\"k1\"}",
      "{\"kid\":\"k1\"}",
      "{\"alg\":[\"ES256\"],\"kid\":\"k1\"}",
      "{\"alg\":\"es256\",\"kid\":\"k1\"}",
      "{\"alg\":\"ES384\",\"kid\":\"k1\"}",
      "{\"alg\":\"HS256\",\"kid\":\"k1\"}",
      "{\"alg\":\"RS256\",\"kid\":\"k1\"}", /* the key's kind is another */
      "{\"alg\":\"ES256\",\"kid\":\"r1\"}",
      "{\"alg\":\"ES256\",\"kid\":\"k2\"}",
      "{\"alg\":\"ES256\",\"kid\":\"\"}",
      "{\"alg\":\"ES256\",\"kid\":1}",
      "{\"alg\":\"ES256\",\"kid\":\"../../dev/null\"}",
      "{\"alg\":\"ES256\",\"kid\":\"' OR 1=1\"}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"crit\":[\"x\"],\"x\":1}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"crit\":[]}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"crit\":[\"b64\"],\"b64\":true}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"jku\":\"https://client.example/keys\"}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"x5u\":\"https://client.example/cert\"}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"x5c\":[\"AAAA\"]}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"zip\":\"DEF\"}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"enc\":\"A128GCM\"}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"cty\":\"JWT\"}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"dpop+jwt\"}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"oauth-authz-req+jwt\"}",
      "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"k1\"}",
      "[\"ES256\"]",
      "\xef\xbb\xbf{\"alg\":\"ES256\",\"kid\":\"k1\"}",
      "",
  };
  for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
    us_world_come_from(w, us_text(w, "198.51.100.%zu", i), us_text(w, "198.51.100.%zu", i));
    struct us_reply r = token_by(w, jwt(w, EC_1, heads[i], claims(w)));
    if (r.status != 400)
      print_error("%s\n", heads[i]);
    assert_refused(r);
  }
  const char *own = us_text(w, "{\"alg\":\"ES256\",\"kid\":\"k1\",\"jwk\":%s}", jwk(w, EC_2, ""));
  assert_refused(token_by(w, jwt(w, EC_2, own, claims(w))));
  assert_int_equal(us_world_fetches(w), 0);
  static const char *const fine[] = {"{\"alg\":\"ES256\"}", "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"jwt\"}",
                                     "{\"alg\":\"ES256\",\"typ\":\"client-authentication+jwt\"}",
                                     "{\"alg\":\"ES256\",\"kid\":\"k1\",\"other\":{\"a\":1}}"};
  for (size_t i = 0; i < 4; i++)
    expect_status(token_by(w, jwt(w, EC_1, fine[i], claims(w))), 200);
}

/* JW-03: the texts of a public key are no secrets. */
static void a_public_key_is_no_secret(void **state) {
  struct us_world *w = *state;
  make_client(w);
  is_fine_otherwise(w);
  uint8_t der[1024], *at = der;
  int n = i2d_PUBKEY(pair_of(RSA_1), &at);
  assert_true(n > 0 && n < (int)sizeof(der));
  const char *text = jwk(w, RSA_1, ",\"kid\":\"r1\",\"alg\":\"RS256\"");
  static const char head[] = "{\"alg\":\"HS256\",\"kid\":\"r1\"}";
  assert_refused(token_by(w, hs256(w, us_str_c(text), head, claims(w))));
  assert_refused(token_by(w, hs256(w, (struct us_str){(char *)der, (size_t)n}, head, claims(w))));
  assert_refused(
      token_by(w, hs256(w, us_str_c(number_of(w, pair_of(RSA_1), OSSL_PKEY_PARAM_RSA_N, 0)), head, claims(w))));
}

/* JW-05, JW-06, JW-15, JW-17 */
static void the_form_is_strict(void **state) {
  struct us_world *w = *state;
  make_client(w);
  is_fine_otherwise(w);
  const char *text = claims(w), *head = b64(w, HEAD_EC, strlen(HEAD_EC)), *body = b64(w, text, strlen(text));
  const char *good = signed_by(w, EC_1, head, body, false), *sig = strrchr(good, '.') + 1;
  const char *twice = us_text(w, "{\"sub\":\"x\",%s", text + 1);
  char zero[64] = {0}, longer[65];
  size_t n = 0;
  assert_true(us_base64url_decode(us_str_c(sig), longer, sizeof(longer), &n) && n == 64);
  longer[64] = 0;
  const char *bad[] = {
      us_text(w, "%s.%s", head, body),
      us_text(w, "%s.%s.", head, body),
      us_text(w, "%s.%s.%s", head, body, "AAAA"),
      us_text(w, "%s.x", good),
      us_text(w, "%s..%s", good, "x.y"),
      us_text(w, "%s=", good),
      us_text(w, "%s\n", good),
      us_text(w, " %s", good),
      us_text(w, "%s.%s.%s", head, b64(w, text, strlen(text) - 1), sig),
      us_text(w, "%s.%s.%s", head, b64(w, claims(w), strlen(text)), sig),
      signed_by(w, EC_1, head, body, true), /* DER */
      us_text(w, "%s.%s.%s", head, body, b64(w, longer, 63)),
      us_text(w, "%s.%s.%s", head, body, b64(w, longer, 65)),
      us_text(w, "%s.%s.%s", head, body, b64(w, zero, 64)),
      jwt(w, EC_2, HEAD_EC, claims(w)), /* another key, the same kid */
      jwt(w, EC_1, HEAD_EC, twice),
      jwt(w, EC_1, HEAD_EC, us_text(w, "[%s]", text)),
      jwt(w, EC_1, HEAD_EC, us_text(w, "\xef\xbb\xbf%s", text)),
      jwt(w, EC_1, HEAD_EC, us_text(w, "%s{}", text)),
      "a.b.c",
      "...",
      "x",
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    us_world_come_from(w, us_text(w, "198.51.100.%zu", i), us_text(w, "198.51.100.%zu", i));
    struct us_reply r = token_by(w, bad[i]);
    if (r.status != 400)
      print_error("%zu: %s\n", i, bad[i]);
    assert_refused(r);
  }
  expect_status(token_by(w, good), 200);
  char *large = malloc(20001);
  memset(large, 'a', 20000);
  large[20000] = '\0';
  assert_int_equal(token_by(w, large).status, 400);
  free(large);
}

/* SB-18: at the same endpoint, at another, as often as one likes. */
static void an_assertion_counts_once(void **state) {
  struct us_world *w = *state;
  make_client(w);
  const char *used = jwt(w, EC_1, HEAD_EC, claims(w)), *elsewhere = jwt(w, EC_1, HEAD_EC, claims(w));
  expect_status(token_by(w, used), 200);
  assert_refused(token_by(w, used));
  assert_refused(show(w, INTROSPECT, used, "token=x"));
  assert_refused(show(w, REVOKE, used, "token=x"));
  expect_status(show(w, INTROSPECT, elsewhere, "token=x"), 200);
  assert_refused(show(w, INTROSPECT, elsewhere, "token=x"));
  assert_refused(token_by(w, elsewhere));
  /* The same jti in another assertion, one that lives longer. */
  const char *text = claims(w), *longer = with(w, text, "exp", us_text(w, "%lld", (long long)now_s(w) + 500));
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, text)), 200);
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, longer)));
  /* Also one whose request failed for something else. */
  const char *failed = jwt(w, EC_1, HEAD_EC, claims(w));
  expect_error(show(w, TOKEN, failed, "grant_type=nonsense"), 400, "unsupported_grant_type");
  assert_refused(token_by(w, failed));
}

/* A jti is the client's own: another one may use the same. */
static void another_client_may_use_the_same_jti(void **state) {
  struct us_world *w = *state;
  make_client(w);
  private_key_client(w, "other", jwks(w, EC_2, "k1"));
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, with(w, claims(w), "jti", "\"same\""))), 200);
  expect_status(token_by(w, jwt(w, EC_2, HEAD_EC, with(w, claims_of(w, "other", ALPHA_ISSUER), "jti", "\"same\""))),
                200);
}

struct spend {
  struct us_world *w;
  struct us_client_proof *proof;
};
static enum us_code spend_step(struct us_cx *cx, void *self) {
  const struct spend *spend = self;
  return us_client_spend(cx, alpha(spend->w), spend->proof);
}
static enum us_code authenticate_step(struct us_cx *cx, void *self) {
  const struct spend *spend = self;
  struct us_world *w = spend->w;
  struct us_client_credentials in = {.client_assertion =
                                         us_str_c(jwt(w, EC_1, HEAD_EC, with(w, claims(w), "jti", "\"twin\""))),
                                     .client_assertion_type = US_STR(ASSERTION_TYPE),
                                     .address = US_STR("192.0.2.1")};
  return us_client_authenticate(cx, alpha(w), &in, true, spend->proof);
}
/* Both are looked at before either is written down: the table decides. */
static void of_two_at_once_one_counts(void **state) {
  struct us_world *w = *state;
  make_client(w);
  struct us_client_proof one, two;
  struct spend first = {w, &one}, second = {w, &two};
  assert_int_equal(us_world_transact(w, authenticate_step, &first), US_OK);
  assert_int_equal(us_world_transact(w, authenticate_step, &second), US_OK);
  assert_int_equal(us_world_transact(w, spend_step, &first), US_OK);
  assert_int_equal(us_world_transact(w, spend_step, &second), US_E_INVALID_CLIENT);
}

static enum us_code sweep_step(struct us_cx *cx, void *self) {
  return us_sweep_expired(cx, 1000, self);
}
struct count {
  struct us_world *w;
  int64_t n;
};
static enum us_code count_step(struct us_cx *cx, void *self) {
  static const char sql[] = "SELECT COUNT(*) FROM assertion_count WHERE live > 0";
  struct count *count = self;
  struct us_rows rows;
  assert_int_equal(us_sql_open(cx, &rows, sql, ""), US_OK);
  assert_true(us_sql_next(&rows));
  count->n = us_sql_i64(&rows, 0);
  return us_sql_close(&rows);
}
static int64_t counters(struct us_world *w) {
  struct count count = {w, -1};
  assert_int_equal(us_world_transact(w, count_step, &count), US_OK);
  return count.n;
}

/* Full is refused: a live one is never forgotten. */
static void live_assertions_are_bounded(void **state) {
  struct us_world *w = *state;
  int64_t rows;
  make_client(w);
  private_key_client(w, "other", jwks(w, EC_2, "k1"));
  us_world_set(w, "clientAssertionsPerClient", "2");
  const char *first = jwt(w, EC_1, HEAD_EC, claims(w));
  expect_status(token_by(w, first), 200);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  struct us_reply full = token_by(w, jwt(w, EC_1, HEAD_EC, claims(w)));
  assert_error(full, 429, "slow_down");
  assert_non_null(us_reply_header(&full, "Retry-After"));
  assert_refused(token_by(w, first));
  expect_status(token_by(w, jwt(w, EC_2, HEAD_EC, claims_of(w, "other", ALPHA_ISSUER))), 200);
  /* All together. */
  us_world_services(w)->assertions_max = 3;
  us_world_set(w, "clientAssertionsPerClient", "100");
  expect_error(token_by(w, jwt(w, EC_2, HEAD_EC, claims_of(w, "other", ALPHA_ISSUER))), 429, "slow_down");
  /* What expired makes room, once it is cleaned away; nothing of it stays. */
  us_world_advance_ms(w, 120 * 1000);
  assert_int_equal(us_world_transact(w, sweep_step, &rows), US_OK);
  assert_int_equal(counters(w), 3);
  us_world_advance_ms(w, 1000);
  assert_int_equal(us_world_transact(w, sweep_step, &rows), US_OK);
  assert_int_equal(counters(w), 0);
  for (int i = 0; i < 3; i++)
    expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  expect_error(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 429, "slow_down");
}

/* Another client's key, another realm's client of the same name. */
static void keys_belong_to_one_client_of_one_realm(void **state) {
  struct us_world *w = *state;
  make_client(w);
  private_key_client(w, "other", jwks(w, EC_2, "k1"));
  struct assertion_client root = {
      .w = w, .id = ID, .realm = "/", .fill = fill_private_key, .more = jwks(w, EC_2, "k1")};
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, assertion_client_step, &root), US_OK);
  assert_refused(token_by(w, jwt(w, EC_2, HEAD_EC, claims(w))));
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, claims_of(w, "other", ALPHA_ISSUER))));
  /* The root realm's client with its own key, meant for this realm; and this realm's, meant for the root realm. */
  static const char root_token[] = "/am/oauth2/access_token";
  assert_refused(show(w, TOKEN, jwt(w, EC_2, HEAD_EC, claims_of(w, ID, WORLD_BASE "/oauth2")), GRANT));
  assert_refused(show(w, root_token, jwt(w, EC_1, HEAD_EC, claims(w)), GRANT));
  assert_refused(show(w, root_token, jwt(w, EC_2, HEAD_EC, claims(w)), GRANT));
  expect_status(show(w, root_token, jwt(w, EC_2, HEAD_EC, claims_of(w, ID, WORLD_BASE "/oauth2")), GRANT), 200);
}

/* JW-13: what else is signed here is no assertion, and an assertion is nothing else. */
static void each_kind_of_token_has_its_place(void **state) {
  struct us_world *w = *state;
  make_client(w);
  const char *id_token = us_id_token(w, "bob", C1), *assertion = jwt(w, EC_1, HEAD_EC, claims(w));
  assert_refused(token_by(w, id_token));
  struct us_reply begun = us_send(w, "POST", "/am/json/realms/root/realms/alpha/authenticate",
                                  "Content-Type: application/json\nX-Requested-With: x", "");
  assert_string_not_equal(us_reply_str(&begun, "authId"), "");
  assert_refused(token_by(w, us_reply_str(&begun, "authId")));
  const char *pat = us_pat(w, "alice", RS1);
  const char *resource = us_register(w, pat, "{\"name\":\"A\",\"resource_scopes\":[\"view\"]}");
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", resource));
  struct us_reply granted = us_grant(w, C1, ticket, assertion, NULL);
  assert_error(granted, 403, "need_info");
  struct us_reply as_pat = us_with_pat(w, "GET", ALPHA_UMA "resource_set", assertion, NULL);
  assert_error(as_pat, 401, "invalid_token");
  expect_status(token_by(w, assertion), 200);
}

/* OA-26: a bad assertion costs a signature check; who sends many is paused, at his address, even with a good one. */
static void guesses_are_counted(void **state) {
  struct us_world *w = *state;
  make_client(w);
  us_world_set(w, "failedPasswordsPerAccount", "3");
  us_world_come_from(w, "198.51.100.1", "198.51.100.1");
  for (int i = 0; i < 3; i++)
    assert_refused(token_by(w, jwt(w, EC_2, HEAD_EC, claims(w))));
  struct us_reply paused = token_by(w, jwt(w, EC_1, HEAD_EC, claims(w)));
  assert_error(paused, 429, "slow_down");
  us_world_come_from(w, "198.51.100.2", "198.51.100.2");
  const char *seen = jwt(w, EC_1, HEAD_EC, claims(w));
  expect_status(token_by(w, seen), 200);
  /* Repeating one that somebody has seen is counted too. */
  us_world_come_from(w, "198.51.100.3", "198.51.100.3");
  for (int i = 0; i < 3; i++)
    assert_refused(token_by(w, seen));
  expect_error(token_by(w, seen), 429, "slow_down");
  us_world_advance_ms(w, 301 * 1000);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
}

/* OA-07, OA-10: one method, the registered one. */
static void the_registered_method_and_no_other(void **state) {
  struct us_world *w = *state;
  make_client(w);
  is_fine_otherwise(w);
  expect_error(send_form(w, TOKEN, NULL, GRANT "&client_id=" ID), 400, "invalid_client");
  expect_error(send_form(w, TOKEN, NULL, GRANT "&client_id=" ID "&client_secret=x"), 400, "invalid_client");
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, claims_of(w, RS1, ALPHA_ISSUER)))); /* has a secret */
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, claims_of(w, P1, ALPHA_ISSUER))));  /* is public */
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, claims_of(w, "nobody", ALPHA_ISSUER))));
  const char *good = jwt(w, EC_1, HEAD_EC, claims(w));
  struct us_reply other = show(w, TOKEN, good, GRANT "&client_id=" RS1);
  assert_error(other, 400, "invalid_request");
  expect_error(show(w, TOKEN, good, GRANT "&client_secret=x"), 400, "invalid_request");
  expect_error(
      send_form(w, TOKEN, basic(w, RS1, "mySecret"),
                us_text(w, GRANT "&client_assertion_type=%s&client_assertion=%s", us_enc(w, ASSERTION_TYPE), good)),
      400, "invalid_request");
  /* Half of it, or another type. */
  assert_refused(send_form(w, TOKEN, NULL, us_text(w, GRANT "&client_assertion=%s", good)));
  assert_refused(send_form(w, TOKEN, NULL, us_text(w, GRANT "&client_assertion_type=%s", us_enc(w, ASSERTION_TYPE))));
  assert_refused(send_form(w, TOKEN, NULL,
                           us_text(w, GRANT "&client_assertion_type=%s&client_assertion=%s",
                                   us_enc(w, "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), good)));
  expect_error(show(w, TOKEN "?client_assertion=x", good, GRANT), 400, "invalid_request");
  expect_status(token_by(w, good), 200); /* nothing of it was spent */
}

static void registered_alg(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->metadata = US_STR("{\"token_endpoint_auth_signing_alg\":\"RS256\"}");
}
/* JW-01 */
static void an_algorithm_that_was_registered_is_the_only_one(void **state) {
  struct us_world *w = *state;
  make_client(w);
  change_client(w, ID, registered_alg);
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))));
  expect_status(token_by(w, jwt(w, RSA_1, HEAD_RSA, claims(w))), 200);
}

/* JW-04, JW-16: keys that are unfit are not there. */
static void unfit_keys_are_passed_over(void **state) {
  struct us_world *w = *state;
  private_key_client(
      w, ID,
      us_text(w, "{\"keys\":[%s,%s,%s,%s,%s,{\"kty\":\"OKP\"}]}", jwk(w, EC_2, ",\"kid\":\"enc\",\"use\":\"enc\""),
              jwk(w, EC_2, ",\"kid\":\"alg\",\"alg\":\"ES384\""),
              jwk(w, EC_2, ",\"kid\":\"ops\",\"key_ops\":[\"encrypt\"]"), jwk(w, RSA_SHORT, ",\"kid\":\"short\""),
              jwk(w, EC_1, ",\"kid\":\"k1\",\"key_ops\":[\"verify\"]")));
  is_fine_otherwise(w);
  static const char *const kids[] = {"enc", "alg", "ops"};
  for (size_t i = 0; i < 3; i++)
    assert_refused(token_by(w, jwt(w, EC_2, us_text(w, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", kids[i]), claims(w))));
  assert_refused(token_by(w, jwt(w, RSA_SHORT, "{\"alg\":\"RS256\",\"kid\":\"short\"}", claims(w))));
}

struct keys_step {
  const char *set;
  char text[200];
};
static enum us_code check_keys_step(struct us_cx *cx, void *self) {
  struct keys_step *step = self;
  enum us_code code = us_client_check_keys(cx, us_str_c(step->set));
  snprintf(step->text, sizeof(step->text), "%.*s", US_STR_ARG(cx->err.text));
  return code;
}
static enum us_code check_set(struct us_world *w, const char *set) {
  struct keys_step step = {.set = set};
  return us_world_transact(w, check_keys_step, &step);
}
/* JW-16, JW-18: what may be registered. */
static void sets_of_keys_are_judged_when_they_are_registered(void **state) {
  struct us_world *w = *state;
  assert_int_equal(check_set(w, jwks(w, EC_1, NULL)), US_OK);
  assert_int_equal(check_set(w, jwks(w, RSA_1, "r")), US_OK);
  assert_int_equal(check_set(w, "{\"keys\":[]}"), US_E_INVALID_REQUEST);
  assert_int_equal(check_set(w, "{}"), US_E_INVALID_REQUEST);
  assert_int_equal(check_set(w, "[]"), US_E_INVALID_REQUEST);
  assert_int_equal(check_set(w, "{\"keys\":{}}"), US_E_INVALID_REQUEST);
  assert_int_equal(check_set(w, "{\"keys\":[1]}"), US_E_INVALID_REQUEST);
  assert_int_equal(check_set(w, jwks(w, RSA_SHORT, "r")), US_E_INVALID_REQUEST);
  assert_int_equal(check_set(w, us_text(w, "{\"keys\":[%s,%s]}", jwk(w, EC_1, ""), jwk(w, EC_2, ",\"d\":\"AAAA\""))),
                   US_E_INVALID_REQUEST);
  assert_int_equal(check_set(w, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"), US_E_INVALID_REQUEST);
  const char *many = jwk(w, EC_1, "");
  for (int i = 1; i < 16; i++)
    many = us_text(w, "%s,%s", many, jwk(w, EC_1, ""));
  assert_int_equal(check_set(w, us_text(w, "{\"keys\":[%s]}", many)), US_OK);
  assert_int_equal(check_set(w, us_text(w, "{\"keys\":[%s,%s]}", many, jwk(w, EC_1, ""))), US_E_INVALID_REQUEST);
}

static const char *next_set;
static void take_next_set(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->jwks = us_str_c(next_set);
}
static void changed_keys_count_at_once(void **state) {
  struct us_world *w = *state;
  make_client(w);
  is_fine_otherwise(w);
  next_set = jwks(w, EC_2, "k1");
  change_client(w, ID, take_next_set);
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))));
  expect_status(token_by(w, jwt(w, EC_2, HEAD_EC, claims(w))), 200);
}

/* ---- jwks_uri ---- */

#define URL "https://client.example/keys"
static void published_client(struct us_world *w) {
  assert_int_equal(try_client(w, ID, fill_jwks_uri, URL), US_OK);
}

static void published_keys_are_fetched_once(void **state) {
  struct us_world *w = *state;
  published_client(w);
  us_world_publish(w, jwks(w, EC_1, "k1"));
  for (int i = 0; i < 5; i++)
    expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  assert_int_equal(us_world_fetches(w), 1);
  us_world_advance_ms(w, 3599 * 1000);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  assert_int_equal(us_world_fetches(w), 1);
  us_world_advance_ms(w, 2 * 1000);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  assert_int_equal(us_world_fetches(w), 2);
}

/* JW-20 */
static void unknown_kids_fetch_once_in_a_while(void **state) {
  struct us_world *w = *state;
  published_client(w);
  us_world_set(w, "failedPasswordsPerAccount", "0");
  us_world_set(w, "failedPasswordsPerAddress", "0");
  us_world_publish(w, jwks(w, EC_1, "k1"));
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  us_world_advance_ms(w, 61 * 1000);
  assert_int_equal(us_world_fetches(w), 1);
  for (int i = 0; i < 1000; i++) {
    struct us_reply r = token_by(w, jwt(w, EC_1, us_text(w, "{\"alg\":\"ES256\",\"kid\":\"x%d\"}", i), claims(w)));
    assert_int_equal(r.status, 400);
  }
  assert_int_equal(us_world_fetches(w), 2);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
}

/* JW-19, JW-20: the client's new key counts as soon as the pause is over. */
static void a_client_may_change_its_published_keys(void **state) {
  struct us_world *w = *state;
  published_client(w);
  us_world_publish(w, jwks(w, EC_1, "k1"));
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  us_world_publish(w,
                   us_text(w, "{\"keys\":[%s,%s]}", jwk(w, EC_1, ",\"kid\":\"k1\""), jwk(w, EC_2, ",\"kid\":\"k2\"")));
  static const char second[] = "{\"alg\":\"ES256\",\"kid\":\"k2\"}";
  assert_refused(token_by(w, jwt(w, EC_2, second, claims(w))));
  us_world_advance_ms(w, 60 * 1000);
  expect_status(token_by(w, jwt(w, EC_2, second, claims(w))), 200);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  assert_int_equal(us_world_fetches(w), 2);
}

/* A server that is down, or answers nonsense, does not take the keys away that were there; for a day. */
static void old_keys_outlast_a_failure(void **state) {
  struct us_world *w = *state;
  published_client(w);
  us_world_publish(w, jwks(w, EC_1, "k1"));
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  us_world_publish(w, NULL);
  us_world_advance_ms(w, 7200 * 1000);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  us_world_publish(w, "<html>");
  us_world_advance_ms(w, 61 * 1000);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
  us_world_publish(w, NULL);
  us_world_advance_ms(w, 86400 * 1000);
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))));
}

static void nothing_published_is_nobody(void **state) {
  struct us_world *w = *state;
  published_client(w);
  for (int i = 0; i < 5; i++)
    assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))));
  assert_int_equal(us_world_fetches(w), 1);
  us_world_publish(w, us_text(w, "{\"keys\":[%s]}", jwk(w, EC_1, ",\"kid\":\"k1\",\"d\":\"AAAA\"")));
  us_world_advance_ms(w, 61 * 1000);
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w)))); /* a private key gives the whole set away */
  us_world_publish(w, jwks(w, EC_1, "k1"));
  us_world_advance_ms(w, 61 * 1000);
  expect_status(token_by(w, jwt(w, EC_1, HEAD_EC, claims(w))), 200);
}

/* DR-10: URLs that lead inside are refused when they are registered. */
static void urls_that_lead_inside_are_not_registered(void **state) {
  struct us_world *w = *state;
  static const char *const bad[] = {
      "http://client.example/keys",
      "https://127.0.0.1/keys",
      "https://169.254.169.254/latest",
      "https://[::1]/keys",
      "https://[::ffff:10.0.0.1]/",
      "https://10.1.2.3:8443/",
      "https://localhost/keys",
      "https://a.localhost/keys",
      "https://user@client.example/",
      "https://client.example/#x",
      "https://192.168.1.1",
      "https:///keys",
      "https://client.example:0/",
      "https://client.example:x/",
      "https://2130706433/",
      "ftp://client.example/",
      "https://[fe80::1]/",
      "https://0.0.0.0/",
      "https://[64:ff9b::7f00:1]/",
      "https://[::]/",
      "https://[fd00::1]/",
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    if (try_client(w, us_text(w, "c%zu", i), fill_jwks_uri, bad[i]) != US_E_INVALID_METADATA)
      fail_msg("taken: %s", bad[i]);
  }
  static const char *const fine[] = {"https://client.example", "HTTPS://client.example:8443/a?b=c",
                                     "https://192.0.1.1/keys", "https://[2606:4700::1]/keys"};
  for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
    assert_int_equal(try_client(w, us_text(w, "f%zu", i), fill_jwks_uri, fine[i]), US_OK);
  struct us_str allowed[] = {US_STR("127.0.0.1"), US_STR("Keys.Inside")};
  us_world_services(w)->outside.allowed = (struct us_strs){allowed, 2};
  assert_int_equal(try_client(w, "a1", fill_jwks_uri, "https://127.0.0.1:9/keys"), US_OK);
  assert_int_equal(try_client(w, "a2", fill_jwks_uri, "https://keys.inside/keys"), US_OK);
  assert_int_equal(try_client(w, "a3", fill_jwks_uri, "https://127.0.0.2/keys"), US_E_INVALID_METADATA);
  us_world_services(w)->outside.allowed = (struct us_strs){NULL, 0};
  /* The command line takes inside hosts, and still nothing that is no such URL. */
  us_world_services(w)->outside.is_operator = true;
  assert_int_equal(try_client(w, "o1", fill_jwks_uri, "https://10.1.2.3/keys"), US_OK);
  assert_int_equal(try_client(w, "o2", fill_jwks_uri, "http://10.1.2.3/keys"), US_E_INVALID_METADATA);
  assert_int_equal(try_client(w, "o3", fill_jwks_uri, "https:///keys"), US_E_INVALID_METADATA);
}

/* ---- client_secret_jwt ---- */

#define SECRET "0123456789abcdef0123456789abcdef"
#define HEAD_MAC "{\"alg\":\"HS256\"}"
static void fill_secret(struct us_cx *cx, struct us_client *client, const void *secret) {
  client->auth_method = US_STR("client_secret_jwt");
  if (us_client_seal_secret(cx, client, us_str_c(secret)) != US_OK)
    client->sealed_secret = US_STR_ABSENT; /* without it the client is refused */
}
static void box_up(struct us_world *w, struct us_box **box) {
  struct us_cx cx = {.mem = us_mem_root_new(0, 65536), .svc = us_world_services(w)};
  assert_int_equal(us_box_new(&cx, US_STR("0123456789abcdef0123456789abcdef"), box), US_OK);
  us_mem_free(cx.mem);
  us_world_services(w)->box = *box;
}
static void box_down(struct us_world *w, struct us_box *box) {
  us_world_services(w)->box = NULL;
  us_box_free(box);
}

static void a_shared_secret_signs_too(void **state) {
  struct us_world *w = *state;
  struct us_box *box = NULL;
  static const char id[] = "shares";
  assert_int_equal(try_client(w, id, fill_secret, SECRET), US_E_INVALID_METADATA); /* no store key, no such client */
  box_up(w, &box);
  assert_int_equal(try_client(w, id, fill_secret, "0123456789abcdef0123456789abcde"),
                   US_E_INVALID_METADATA); /* JW-16 */
  assert_int_equal(try_client(w, id, fill_secret, SECRET), US_OK);
  struct us_str secret = US_STR(SECRET);
  const char *good = hs256(w, secret, HEAD_MAC, claims_of(w, id, ALPHA_ISSUER));
  expect_status(token_by(w, good), 200);
  assert_refused(token_by(w, good));
  assert_refused(
      token_by(w, hs256(w, US_STR("another secret of thirty-two bytes"), HEAD_MAC, claims_of(w, id, ALPHA_ISSUER))));
  assert_refused(token_by(w, hs256(w, secret, "{\"alg\":\"HS512\"}", claims_of(w, id, ALPHA_ISSUER))));
  assert_refused(token_by(w, hs256(w, secret, "{\"alg\":\"none\"}", claims_of(w, id, ALPHA_ISSUER))));
  assert_refused(token_by(w, jwt(w, EC_1, HEAD_EC, claims_of(w, id, ALPHA_ISSUER))));
  us_world_advance_ms(w, 301 * 1000);
  assert_refused(token_by(w, hs256(w, secret, HEAD_MAC, with(w, claims_of(w, id, ALPHA_ISSUER), "aud", "\"x\""))));
  expect_error(send_form(w, TOKEN, basic(w, id, SECRET), GRANT), 401, "invalid_client");
  expect_error(send_form(w, TOKEN, NULL, us_text(w, GRANT "&client_id=%s&client_secret=%s", id, SECRET)), 400,
               "invalid_client");
  expect_status(token_by(w, hs256(w, secret, HEAD_MAC, claims_of(w, id, ALPHA_ISSUER))), 200);
  box_down(w, box);
}

/* MD-07: what the metadata say is what works. */
static void metadata_say_what_works(void **state) {
  struct us_world *w = *state;
  struct us_box *box = NULL;
  static const char *const documents[] = {ALPHA_OAUTH ".well-known/openid-configuration",
                                          ALPHA_OAUTH ".well-known/oauth-authorization-server",
                                          ALPHA_UMA ".well-known/uma2-configuration"};
  static const char *const endpoints[] = {"token", "introspection", "revocation"};
  for (int with_box = 0; with_box < 2; with_box++) {
    for (size_t d = 0; d < 3; d++) {
      struct us_reply r = us_send(w, "GET", documents[d], NULL, NULL);
      for (size_t e = 0; e < 3; e++) {
        json_t *methods = json_object_get(r.json, us_text(w, "%s_endpoint_auth_methods_supported", endpoints[e]));
        json_t *algs =
            json_object_get(r.json, us_text(w, "%s_endpoint_auth_signing_alg_values_supported", endpoints[e]));
        assert_int_equal(json_array_size(methods), with_box ? 5 : 4);
        assert_int_equal(json_array_size(algs), with_box ? 3 : 2);
        assert_string_equal(json_string_value(json_array_get(methods, 2)), "private_key_jwt");
        assert_string_equal(json_string_value(json_array_get(algs, 0)), "RS256");
        assert_string_equal(json_string_value(json_array_get(algs, 1)), "ES256");
      }
      assert_null(json_object_get(r.json, "tls_client_certificate_bound_access_tokens"));
    }
    if (!with_box)
      box_up(w, &box);
  }
  box_down(w, box);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_good_assertion_shows_who_the_client_is),
      STORY(every_claim_is_asked_for),
      STORY(how_long_an_assertion_may_live_is_a_setting),
      STORY(the_header_decides_nothing),
      STORY(a_public_key_is_no_secret),
      STORY(the_form_is_strict),
      STORY(an_assertion_counts_once),
      STORY(another_client_may_use_the_same_jti),
      STORY(of_two_at_once_one_counts),
      STORY(live_assertions_are_bounded),
      STORY(keys_belong_to_one_client_of_one_realm),
      STORY(each_kind_of_token_has_its_place),
      STORY(guesses_are_counted),
      STORY(the_registered_method_and_no_other),
      STORY(an_algorithm_that_was_registered_is_the_only_one),
      STORY(unfit_keys_are_passed_over),
      STORY(sets_of_keys_are_judged_when_they_are_registered),
      STORY(changed_keys_count_at_once),
      STORY(published_keys_are_fetched_once),
      STORY(unknown_kids_fetch_once_in_a_while),
      STORY(a_client_may_change_its_published_keys),
      STORY(old_keys_outlast_a_failure),
      STORY(nothing_published_is_nobody),
      STORY(urls_that_lead_inside_are_not_registered),
      STORY(a_shared_secret_signs_too),
      STORY(metadata_say_what_works),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
