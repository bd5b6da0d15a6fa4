/*
 * Keys: what is generated can be loaded, and what is unfit is refused when it is loaded (JW-04, JW-16, JW-18). The .c
 * file is included so that pairs of any size can be written as JWK.
 */
#include "crypto/key.c"

#include "fixture.h"

/* An RSA and an EC pair as private JWK text, made once, because RSA takes its time. */
static char rsa_jwk[US_KEY_MAX_JWK_BYTES];
static char ec_jwk[US_KEY_MAX_JWK_BYTES];

static json_t *parsed(const char *jwk) {
  json_t *object = json_loads(jwk, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(object);
  return object;
}

/* The public half of a private JWK, to be changed by a test. */
static json_t *public_of(const char *jwk) {
  json_t *object = parsed(jwk);
  for (size_t i = 0; i < sizeof(secret_members) / sizeof(secret_members[0]); i++)
    json_object_del(object, secret_members[i]);
  return object;
}

/* Takes the object. */
static enum us_code try_load(struct us_cx *cx, json_t *object, struct us_key **ret_key) {
  char *text = json_dumps(object, JSON_COMPACT);
  assert_non_null(text);
  enum us_code code = us_key_load(cx, us_str_c(text), ret_key);
  free(text);
  json_decref(object);
  return code;
}

static void assert_loads(struct us_cx *cx, json_t *object) {
  struct us_key *key = NULL;
  enum us_code code = try_load(cx, object, &key);
  if (code != US_OK)
    fail_msg("refused: %.*s", US_STR_ARG(cx->err.text));
  assert_non_null(key);
  us_key_free(key);
}

/* Refused, with a text that names the member, and with nothing left for the TLS code to stumble over. */
static void assert_refused(struct us_cx *cx, json_t *object, const char *member) {
  struct us_key *key = NULL;
  char quoted[32];
  assert_int_equal(try_load(cx, object, &key), US_E_INVALID_REQUEST);
  assert_null(key);
  snprintf(quoted, sizeof(quoted), "'%s'", member);
  if (cx->err.text.p == NULL || strstr(cx->err.text.p, quoted) == NULL)
    fail_msg("expected a text about %s, got: %.*s", quoted, US_STR_ARG(cx->err.text));
  assert_int_equal(ERR_peek_error(), 0);
  us_error_clear(cx);
}

static json_t *with(json_t *object, const char *member, const char *value) {
  assert_int_equal(json_object_set_new(object, member, json_string(value)), 0);
  return object;
}

static json_t *with_json(json_t *object, const char *member, const char *value) {
  json_t *parsed_value = json_loads(value, JSON_DECODE_ANY, NULL);
  assert_non_null(parsed_value);
  assert_int_equal(json_object_set_new(object, member, parsed_value), 0);
  return object;
}

static json_t *without(json_t *object, const char *member) {
  assert_int_equal(json_object_del(object, member), 0);
  return object;
}

static json_t *with_bytes(json_t *object, const char *member, const uint8_t *bytes, size_t n) {
  char text[2048];
  assert_true(n < 1500);
  us_base64url_encode(bytes, n, text);
  return with(object, member, text);
}

static void names_of_algorithms_are_exact(void **state) {
  (void)state;
  assert_int_equal(us_alg_parse(US_STR("RS256")), US_ALG_RS256);
  assert_int_equal(us_alg_parse(US_STR("ES256")), US_ALG_ES256);
  static const char *const others[] = {"",     "rs256", "RS256 ", "RS25",  "RS2566",
                                       "none", "HS256", "PS256",  "ES384", "EdDSA"};
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    assert_int_equal(us_alg_parse(us_str_c(others[i])), US_ALG_NONE);
  assert_int_equal(us_alg_parse(US_STR_ABSENT), US_ALG_NONE);
  assert_string_equal(us_alg_name(US_ALG_RS256), "RS256");
  assert_string_equal(us_alg_name(US_ALG_ES256), "ES256");
  assert_string_equal(us_alg_name(US_ALG_NONE), "none");
}

static void a_generated_key_can_be_loaded(void **state) {
  struct us_cx *cx = *state;
  static const struct {
    const char *jwk;
    enum us_alg alg;
  } cases[] = {{rsa_jwk, US_ALG_RS256}, {ec_jwk, US_ALG_ES256}};
  for (size_t i = 0; i < 2; i++) {
    struct us_key *key = NULL;
    json_t *jwk = parsed(cases[i].jwk);
    assert_int_equal(us_key_load(cx, us_str_c(cases[i].jwk), &key), US_OK);
    assert_int_equal(us_key_alg(key), cases[i].alg);
    fixture_assert_str(us_key_kid(key), json_string_value(json_object_get(jwk, "kid")));
    assert_int_equal(us_key_kid(key).n, 22); /* 128 bits */
    us_key_free(key);
    json_decref(jwk);
  }
}

static void two_generated_keys_share_nothing(void **state) {
  struct us_cx *cx = *state;
  static const char *const members[] = {"kid", "x", "y", "d"};
  struct us_str a = US_STR_ABSENT;
  struct us_str b = US_STR_ABSENT;
  assert_int_equal(us_key_generate(cx, US_ALG_ES256, &a), US_OK);
  assert_int_equal(us_key_generate(cx, US_ALG_ES256, &b), US_OK);
  json_t *jwk_a = parsed(a.p);
  json_t *jwk_b = parsed(b.p);
  for (size_t i = 0; i < 4; i++)
    assert_false(json_equal(json_object_get(jwk_a, members[i]), json_object_get(jwk_b, members[i])));
  json_decref(jwk_a);
  json_decref(jwk_b);
}

static void only_the_offered_algorithms_are_generated(void **state) {
  struct us_cx *cx = *state;
  struct us_str jwk = US_STR_ABSENT;
  assert_int_equal(us_key_generate(cx, US_ALG_NONE, &jwk), US_E_INVALID_REQUEST);
  assert_null(jwk.p);
}

static void a_key_outlives_the_context_it_was_loaded_in(void **state) {
  (void)state;
  struct us_cx cx;
  struct us_key *key = NULL;
  fixture_cx_init(&cx);
  assert_int_equal(us_key_load(&cx, us_str_c(ec_jwk), &key), US_OK);
  us_mem_free(cx.mem);
  json_t *jwk = parsed(us_key_public_jwk(key).p);
  fixture_assert_str(us_key_kid(key), json_string_value(json_object_get(jwk, "kid")));
  json_decref(jwk);
  us_key_free(key);
  us_key_free(NULL);
}

/* JW-18. */
static void the_public_jwk_has_public_members_only(void **state) {
  struct us_cx *cx = *state;
  static const char *const jwks[] = {rsa_jwk, ec_jwk};
  static const char *const members[][8] = {{"kty", "kid", "use", "alg", "n", "e", NULL},
                                           {"kty", "kid", "use", "alg", "crv", "x", "y", NULL}};
  for (size_t i = 0; i < 2; i++) {
    struct us_key *key = NULL;
    json_t *given = parsed(jwks[i]);
    assert_int_equal(us_key_load(cx, us_str_c(jwks[i]), &key), US_OK);
    json_t *shown = parsed(us_key_public_jwk(key).p);
    size_t n = 0;
    const char *name;
    json_t *value;
    json_object_foreach(shown, name, value) {
      assert_non_null(members[i][n]);
      assert_string_equal(name, members[i][n]);
      assert_true(json_equal(value, json_object_get(given, name)));
      n++;
    }
    assert_null(members[i][n]);
    /* What JWKS shows can itself be loaded. */
    assert_loads(cx, shown);
    us_key_free(key);
    json_decref(given);
  }
}

static void a_public_key_of_somebody_else_may_be_bare(void **state) {
  struct us_cx *cx = *state;
  struct us_key *key = NULL;
  assert_int_equal(us_key_load(cx, fixture_vector(cx, "rfc7515-a2.json", "jwk"), &key), US_OK);
  assert_null(us_key_kid(key).p);
  assert_int_equal(us_key_alg(key), US_ALG_RS256);
  assert_null(strstr(us_key_public_jwk(key).p, "kid"));
  us_key_free(key);
  assert_int_equal(us_key_load(cx, fixture_vector(cx, "rfc7515-a3.json", "jwk"), &key), US_OK);
  assert_int_equal(us_key_alg(key), US_ALG_ES256);
  us_key_free(key);
}

/* JW-04: RFC 7517 4.1-4.4. */
static void kty_alg_and_use_must_fit(void **state) {
  struct us_cx *cx = *state;
  assert_refused(cx, without(public_of(rsa_jwk), "kty"), "kty");
  assert_refused(cx, with(public_of(rsa_jwk), "kty", "rsa"), "kty");
  assert_refused(cx, with(public_of(rsa_jwk), "kty", "oct"), "kty");
  assert_refused(cx, with_json(public_of(rsa_jwk), "kty", "1"), "kty");
  assert_refused(cx, with(with(public_of(ec_jwk), "kty", "OKP"), "crv", "Ed25519"), "kty");
  assert_refused(cx, with(public_of(rsa_jwk), "alg", "ES256"), "alg");
  assert_refused(cx, with(public_of(ec_jwk), "alg", "RS256"), "alg");
  assert_refused(cx, with(public_of(rsa_jwk), "alg", "PS256"), "alg");
  assert_refused(cx, with(public_of(rsa_jwk), "alg", "RSA-OAEP"), "alg");
  assert_refused(cx, with(public_of(rsa_jwk), "alg", "none"), "alg");
  assert_refused(cx, with_json(public_of(rsa_jwk), "alg", "null"), "alg");
  assert_refused(cx, with(public_of(rsa_jwk), "use", "enc"), "use");
  assert_refused(cx, with(public_of(rsa_jwk), "use", ""), "use");
  assert_refused(cx, with_json(public_of(rsa_jwk), "use", "[\"sig\"]"), "use");
  assert_loads(cx, without(without(public_of(rsa_jwk), "alg"), "use"));
  assert_loads(cx, without(without(parsed(ec_jwk), "alg"), "use"));
}

static void key_ops_must_fit(void **state) {
  struct us_cx *cx = *state;
  assert_loads(cx, with_json(public_of(ec_jwk), "key_ops", "[\"verify\"]"));
  assert_loads(cx, with_json(parsed(ec_jwk), "key_ops", "[\"sign\"]"));
  assert_loads(cx, with_json(parsed(ec_jwk), "key_ops", "[\"verify\",\"sign\"]"));
  static const char *const unfit_for_both[] = {"[]",
                                               "[\"encrypt\"]",
                                               "[\"sign\",\"verify\",\"deriveKey\"]",
                                               "\"verify\"",
                                               "[\"Sign\"]",
                                               "[\"verify\",\"verify\",\"sign\"]",
                                               "[1]",
                                               "[\"sign\",\"sign\",\"verify\"]"};
  for (size_t i = 0; i < sizeof(unfit_for_both) / sizeof(unfit_for_both[0]); i++) {
    assert_refused(cx, with_json(public_of(ec_jwk), "key_ops", unfit_for_both[i]), "key_ops");
    assert_refused(cx, with_json(parsed(ec_jwk), "key_ops", unfit_for_both[i]), "key_ops");
  }
  assert_refused(cx, with_json(public_of(ec_jwk), "key_ops", "[\"sign\"]"), "key_ops");
  assert_refused(cx, with_json(parsed(ec_jwk), "key_ops", "[\"verify\"]"), "key_ops");
}

static void the_kid_is_a_short_string(void **state) {
  struct us_cx *cx = *state;
  char kid[US_JWS_MAX_KID_BYTES + 2] = {0};
  memset(kid, 'k', US_JWS_MAX_KID_BYTES);
  assert_loads(cx, with(public_of(ec_jwk), "kid", kid));
  kid[US_JWS_MAX_KID_BYTES] = 'k';
  assert_refused(cx, with(public_of(ec_jwk), "kid", kid), "kid");
  assert_refused(cx, with(public_of(ec_jwk), "kid", ""), "kid");
  assert_refused(cx, with_json(public_of(ec_jwk), "kid", "7"), "kid");
  assert_loads(cx, without(public_of(ec_jwk), "kid"));
  assert_refused(cx, without(parsed(ec_jwk), "kid"), "kid");
}

/* JW-16: RFC 7518 3.3. */
static void rsa_under_2048_bits_is_refused(void **state) {
  struct us_cx *cx = *state;
  static const unsigned sizes[] = {1024, 2047};
  for (size_t i = 0; i < 2; i++) {
    char text[US_KEY_MAX_JWK_BYTES];
    EVP_PKEY *small = EVP_RSA_gen(sizes[i]);
    assert_non_null(small);
    assert_true(write_private_jwk(text, sizeof(text), small, US_ALG_RS256));
    EVP_PKEY_free(small);
    assert_refused(cx, public_of(text), "n");
    assert_refused(cx, parsed(text), "n");
  }
}

/* A number like the product of two primes, as far as a check can tell in reasonable time: odd, without small factors.
 * Generating a true pair of this size would take a minute. */
static json_t *rsa_of_bits(size_t bits) {
  uint8_t bytes[US_KEY_RSA_MAX_BITS / 8 + 1] = {0};
  for (int attempt = 0; attempt < 1000; attempt++) {
    size_t n = (bits + 7) / 8;
    us_random(bytes, n);
    bytes[0] = bits % 8 != 0 ? 1 : bytes[0] | 0x80;
    bytes[n - 1] |= 1;
    struct number number = {bytes, n};
    struct number e = {(uint8_t[]){1, 0, 1}, 3};
    if (rsa_is_sound(&number, &e))
      return with_bytes(public_of(rsa_jwk), "n", bytes, n);
    ERR_clear_error();
  }
  fail_msg("no number of %zu bits was found", bits);
  return NULL;
}

static void rsa_over_8192_bits_is_refused(void **state) {
  struct us_cx *cx = *state;
  assert_loads(cx, rsa_of_bits(US_KEY_RSA_MAX_BITS));
  assert_refused(cx, rsa_of_bits(US_KEY_RSA_MAX_BITS + 1), "n");
}

static void rsa_numbers_must_be_sound(void **state) {
  struct us_cx *cx = *state;
  uint8_t even[256];
  memset(even, 0xfe, sizeof(even));
  assert_refused(cx, with_bytes(public_of(rsa_jwk), "n", even, sizeof(even)), "n");
  even[255] = 0xff; /* now a multiple of 3 */
  assert_refused(cx, with_bytes(public_of(rsa_jwk), "n", even, sizeof(even)), "n");
  assert_refused(cx, with(public_of(rsa_jwk), "e", "AQ"), "n");                              /* 1 */
  assert_refused(cx, with(public_of(rsa_jwk), "e", "AQAA"), "n");                            /* 65536 */
  assert_refused(cx, with_bytes(public_of(rsa_jwk), "e", (uint8_t[5]){1, [4] = 1}, 5), "e"); /* 33 bits */
  assert_loads(cx, with_bytes(public_of(rsa_jwk), "e", (uint8_t[4]){0xff, [3] = 1}, 4));     /* the limit */
  assert_refused(cx, with(public_of(rsa_jwk), "e", ""), "e");
  assert_refused(cx, with(public_of(rsa_jwk), "e", "AA"), "e");
  assert_refused(cx, with(public_of(rsa_jwk), "e", "AAEAAQ"), "e"); /* RFC 7518 2: no leading zero */
  assert_refused(cx, with(public_of(rsa_jwk), "e", "AQAB="), "e");
  assert_refused(cx, with_json(public_of(rsa_jwk), "e", "65537"), "e");
  assert_refused(cx, without(public_of(rsa_jwk), "e"), "e");
  assert_refused(cx, without(public_of(rsa_jwk), "n"), "n");
}

static void a_private_rsa_key_must_be_whole_and_of_one_pair(void **state) {
  struct us_cx *cx = *state;
  static const char *const members[] = {"p", "q", "dp", "dq", "qi"};
  for (size_t i = 0; i < 5; i++)
    assert_refused(cx, without(parsed(rsa_jwk), members[i]), members[i]);
  assert_refused(cx, with_json(parsed(rsa_jwk), "oth", "[]"), "oth");
  assert_refused(cx, with_json(parsed(rsa_jwk), "d", "5"), "d");

  /* The public half of another pair beside it. */
  json_t *mixed = parsed(rsa_jwk);
  json_t *other = json_loads(fixture_vector(cx, "rfc7515-a2.json", "jwk").p, 0, NULL);
  json_object_set(mixed, "n", json_object_get(other, "n"));
  json_decref(other);
  assert_refused(cx, mixed, "d");
}

/* JW-16, and RFC 7518 6.2.1: P-256 only, full width, on the curve. */
static void points_off_the_curve_are_refused(void **state) {
  struct us_cx *cx = *state;
  uint8_t bytes[33] = {0};
  size_t n = 0;
  json_t *jwk = public_of(ec_jwk);
  assert_true(us_base64url_decode(string_member(jwk, "y"), bytes, 32, &n));
  bytes[31] ^= 1;
  assert_refused(cx, with_bytes(jwk, "y", bytes, 32), "x");

  static const uint8_t zeros[32];
  static const uint8_t field_prime[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    1,    [20] = 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,        0xff};
  assert_refused(cx, with_bytes(with_bytes(public_of(ec_jwk), "x", zeros, 32), "y", zeros, 32), "x");
  assert_refused(cx, with_bytes(public_of(ec_jwk), "x", field_prime, 32), "x");
  /* The private form must not hide a bad point: libcjose alone would compute its own. */
  assert_refused(cx, with_bytes(parsed(ec_jwk), "x", zeros, 32), "x");
}

static void other_curves_and_widths_are_refused(void **state) {
  struct us_cx *cx = *state;
  uint8_t bytes[33] = {1};
  static const char *const curves[] = {"P-384", "P-521", "p-256", "secp256k1", "prime256v1", ""};
  for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
    assert_refused(cx, with(public_of(ec_jwk), "crv", curves[i]), "crv");
  assert_refused(cx, without(public_of(ec_jwk), "crv"), "crv");
  assert_refused(cx, without(public_of(ec_jwk), "x"), "x");
  assert_refused(cx, without(public_of(ec_jwk), "y"), "y");
  assert_refused(cx, with_bytes(public_of(ec_jwk), "x", bytes, 31), "x");
  assert_refused(cx, with_bytes(public_of(ec_jwk), "x", bytes, 33), "x");
  assert_refused(cx, with_bytes(public_of(ec_jwk), "y", bytes, 31), "y");
}

static void a_private_ec_key_must_be_of_one_pair(void **state) {
  struct us_cx *cx = *state;
  uint8_t d[33] = {0};
  d[31] = 2;
  assert_refused(cx, with_bytes(parsed(ec_jwk), "d", d, 32), "d");
  assert_refused(cx, with_bytes(parsed(ec_jwk), "d", d, 31), "d");
  assert_refused(cx, with_bytes(parsed(ec_jwk), "d", d, 33), "d");
  d[31] = 0;
  assert_refused(cx, with_bytes(parsed(ec_jwk), "d", d, 32), "d");
  memset(d, 0xff, sizeof(d));
  assert_refused(cx, with_bytes(parsed(ec_jwk), "d", d, 32), "d");
}

static void text_that_is_no_object_is_refused(void **state) {
  struct us_cx *cx = *state;
  static const char *const cases[] = {"",     "[]", "\"key\"", "{", "{\"kty\":\"EC\",\"kty\":\"EC\"}", "\xef\xbb\xbf{}",
                                      "[] []"};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct us_key *key = NULL;
    assert_int_equal(us_key_load(cx, us_str_c(cases[i]), &key), US_E_INVALID_REQUEST);
    assert_null(key);
  }
  struct us_key *key = NULL;
  assert_int_equal(us_key_load(cx, US_STR_ABSENT, &key), US_E_INVALID_REQUEST);
}

static void a_jwk_has_a_maximum(void **state) {
  struct us_cx *cx = *state;
  struct us_key *key = NULL;
  char *text = malloc(US_KEY_MAX_JWK_BYTES + 1);
  assert_non_null(text);
  size_t n = strlen(ec_jwk);
  memcpy(text, ec_jwk, n);
  memset(text + n, ' ', US_KEY_MAX_JWK_BYTES + 1 - n);
  assert_int_equal(us_key_load(cx, (struct us_str){text, US_KEY_MAX_JWK_BYTES}, &key), US_OK);
  us_key_free(key);
  key = NULL;
  assert_int_equal(us_key_load(cx, (struct us_str){text, US_KEY_MAX_JWK_BYTES + 1}, &key), US_E_INVALID_REQUEST);
  assert_null(key);
  free(text);
}

static int make_pairs(void **state) {
  struct us_str jwk = US_STR_ABSENT;
  struct us_cx cx;
  (void)state;
  fixture_cx_init(&cx);
  assert_int_equal(us_key_generate(&cx, US_ALG_RS256, &jwk), US_OK);
  memcpy(rsa_jwk, jwk.p, jwk.n + 1);
  assert_int_equal(us_key_generate(&cx, US_ALG_ES256, &jwk), US_OK);
  memcpy(ec_jwk, jwk.p, jwk.n + 1);
  us_mem_free(cx.mem);
  return 0;
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_of_algorithms_are_exact),
      TEST(a_generated_key_can_be_loaded),
      TEST(two_generated_keys_share_nothing),
      TEST(only_the_offered_algorithms_are_generated),
      TEST(a_key_outlives_the_context_it_was_loaded_in),
      TEST(the_public_jwk_has_public_members_only),
      TEST(a_public_key_of_somebody_else_may_be_bare),
      TEST(kty_alg_and_use_must_fit),
      TEST(key_ops_must_fit),
      TEST(the_kid_is_a_short_string),
      TEST(rsa_under_2048_bits_is_refused),
      TEST(rsa_over_8192_bits_is_refused),
      TEST(rsa_numbers_must_be_sound),
      TEST(a_private_rsa_key_must_be_whole_and_of_one_pair),
      TEST(points_off_the_curve_are_refused),
      TEST(other_curves_and_widths_are_refused),
      TEST(a_private_ec_key_must_be_of_one_pair),
      TEST(text_that_is_no_object_is_refused),
      TEST(a_jwk_has_a_maximum),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  if (us_crypto_setup() != 0)
    return 1;
  int failed = cmocka_run_group_tests(tests, make_pairs, NULL);
  us_crypto_done();
  return failed;
}
