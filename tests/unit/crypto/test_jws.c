/*
 * Compact JWS: the published examples, our own round trip, and group JW of the conformance list, row by row. Tokens
 * that must be refused are signed well (unless the signature is the point), so that only the flaw in question can be
 * the reason; the same builder's tokens without the flaw are accepted, here or in the same test.
 */
#include "tokens.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

/* What works. */

/* RFC 7515 A.2 and A.3. */
static void published_examples_verify(void **state) {
  struct us_cx *cx = *state;
  static const char *const files[] = {"rfc7515-a2.json", "rfc7515-a3.json"};
  for (size_t i = 0; i < 2; i++) {
    struct us_key *key = NULL;
    struct us_str claims = US_STR_ABSENT;
    struct us_str typ = US_STR("untouched");
    assert_int_equal(us_key_load(cx, fixture_vector(cx, files[i], "jwk"), &key), US_OK);
    struct resolver r = {.always = key};
    assert_int_equal(us_jws_verify(cx, fixture_vector(cx, files[i], "compact"), careless, &r, &claims, &typ), US_OK);
    fixture_assert_str(claims, fixture_vector(cx, files[i], "claims").p);
    assert_null(typ.p);
    us_key_free(key);
  }
}

static void what_we_sign_we_verify(void **state) {
  struct us_cx *cx = *state;
  const struct signer *signers[] = {&rsa, &ec};
  for (size_t i = 0; i < 2; i++) {
    struct resolver r = {0};
    struct us_str compact = US_STR_ABSENT;
    struct us_str claims = US_STR_ABSENT;
    struct us_str typ = US_STR_ABSENT;
    assert_int_equal(us_jws_sign(cx, signers[i]->key, "at+jwt", US_STR(CLAIMS), &compact), US_OK);
    assert_int_equal(strlen(compact.p), compact.n);
    assert_int_equal(us_jws_verify(cx, compact, careful, &r, &claims, &typ), US_OK);
    fixture_assert_str(claims, CLAIMS);
    fixture_assert_str(typ, "at+jwt");
    fixture_assert_str(us_key_kid(signers[i]->key), r.kid);
  }
}

static void the_header_names_alg_kid_and_typ(void **state) {
  struct us_cx *cx = *state;
  struct us_str compact = US_STR_ABSENT;
  char head[512];
  char expected[512];
  size_t n = 0;
  assert_int_equal(us_jws_sign(cx, ec.key, "JWT", US_STR(CLAIMS), &compact), US_OK);
  struct us_str part = {compact.p, strcspn(compact.p, ".")};
  assert_true(us_base64url_decode(part, head, sizeof(head), &n));
  snprintf(expected, sizeof(expected), "{\"alg\":\"ES256\",\"kid\":\"%.*s\",\"typ\":\"JWT\"}",
           US_STR_ARG(us_key_kid(ec.key)));
  fixture_assert_str(((struct us_str){head, n}), expected);
}

/* An independent eye: OpenSSL alone accepts what libcjose signed. */
static void openssl_accepts_our_signatures(void **state) {
  struct us_cx *cx = *state;
  struct us_str compact = US_STR_ABSENT;
  char sig[256];
  size_t n = 0;
  assert_int_equal(us_jws_sign(cx, rsa.key, NULL, US_STR(CLAIMS), &compact), US_OK);
  const char *dot = strrchr(compact.p, '.');
  assert_true(us_base64url_decode(us_str_c(dot + 1), sig, sizeof(sig), &n));
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  assert_int_equal(EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, rsa.pkey, NULL), 1);
  assert_int_equal(EVP_DigestVerify(ctx, (uint8_t *)sig, n, (const uint8_t *)compact.p, (size_t)(dot - compact.p)), 1);
  EVP_MD_CTX_free(ctx);
}

static void tokens_by_openssl_are_accepted(void **state) {
  struct us_cx *cx = *state;
  assert_accepted(cx, token(cx, &rsa, "", CLAIMS));
  assert_accepted(cx, token(cx, &ec, "", CLAIMS));
  assert_accepted(cx, token(cx, &ec, ",\"typ\":\"JWT\",\"cty\":\"json\",\"unknown\":[1]", CLAIMS));
  assert_accepted(cx, token(cx, &ec, "", "{}"));
  assert_accepted(cx, token(cx, &ec, "", " {\"sub\" : \"bob\"}\r\n"));
}

static void a_public_key_verifies_and_cannot_sign(void **state) {
  struct us_cx *cx = *state;
  struct us_key *public_key = NULL;
  struct us_str compact = US_STR_ABSENT;
  assert_int_equal(us_key_load(cx, us_key_public_jwk(ec.key), &public_key), US_OK);
  struct resolver r = {.always = public_key};
  assert_int_equal(verify_with(cx, token(cx, &ec, "", CLAIMS), careless, &r), US_OK);
  assert_int_equal(us_jws_sign(cx, public_key, "JWT", US_STR(CLAIMS), &compact), US_E_INTERNAL);
  assert_null(compact.p);
  us_key_free(public_key);
}

static void a_key_without_kid_verifies_tokens_without_one(void **state) {
  struct us_cx *cx = *state;
  struct us_key *bare = NULL;
  json_t *jwk = json_loads(us_key_public_jwk(ec.key).p, 0, NULL);
  json_object_del(jwk, "kid");
  char *text = json_dumps(jwk, JSON_COMPACT);
  assert_int_equal(us_key_load(cx, us_str_c(text), &bare), US_OK);
  struct resolver r = {.always = bare};
  struct us_str compact = token_of_bytes(cx, &ec, US_STR("{\"alg\":\"ES256\"}"), US_STR(CLAIMS));
  assert_int_equal(verify_with(cx, compact, careless, &r), US_OK);
  us_key_free(bare);
  free(text);
  json_decref(jwk);
}

/* JW-01, JW-02, JW-03. */

static void other_algorithms_are_refused_though_well_signed(void **state) {
  struct us_cx *cx = *state;
  static const struct {
    const char *alg;
    const char *md;
    int padding;
  } cases[] = {{"PS256", "SHA256", RSA_PKCS1_PSS_PADDING},
               {"RS384", "SHA384", RSA_PKCS1_PADDING},
               {"RS512", "SHA512", RSA_PKCS1_PADDING}};
  for (size_t i = 0; i < 3; i++) {
    struct us_str head = us_str_fmt(cx->mem, "{\"alg\":\"%s\"}", cases[i].alg);
    struct us_str input = us_str_fmt(cx->mem, "%s.%s", b64(cx, head).p, b64(cx, US_STR(CLAIMS)).p);
    struct us_str sig = b64(cx, sign_bytes(cx, &rsa, cases[i].md, cases[i].padding, input));
    assert_refused_early(cx, us_str_fmt(cx->mem, "%s.%s", input.p, sig.p));
  }
}

static void alg_must_be_spelled_exactly_and_be_there(void **state) {
  struct us_cx *cx = *state;
  static const char *const heads[] = {
      "{}",
      "{\"alg\":\"\"}",
      "{\"alg\":\"es256\"}",
      "{\"alg\":\"ES256 \"}",
      "{\"alg\":\"ES384\"}",
      "{\"alg\":\"EdDSA\"}",
      "{\"alg\":null}",
      "{\"alg\":256}",
      "{\"alg\":[\"ES256\"]}",
      "{\"Alg\":\"ES256\"}",
      "{\"alg\":\"ES256\\u0000\"}",
  };
  for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
    assert_refused_early(cx, token_of_bytes(cx, &ec, us_str_c(heads[i]), US_STR(CLAIMS)));
}

static void none_is_refused_in_any_spelling(void **state) {
  struct us_cx *cx = *state;
  static const char *const spellings[] = {"none", "None", "NONE", "nOnE"};
  for (size_t i = 0; i < 4; i++) {
    struct us_str head = us_str_fmt(cx->mem, "{\"alg\":\"%s\"}", spellings[i]);
    struct us_str input = us_str_fmt(cx->mem, "%s.%s", b64(cx, head).p, b64(cx, US_STR(CLAIMS)).p);
    assert_refused_early(cx, us_str_fmt(cx->mem, "%s.", input.p));
    assert_refused_early(cx, us_str_fmt(cx->mem, "%s.AA", input.p));
    assert_refused_early(cx, input);
    assert_refused_early(cx, token_of_bytes(cx, &ec, head, US_STR(CLAIMS)));
  }
}

static void an_empty_signature_is_refused(void **state) {
  struct us_cx *cx = *state;
  struct us_str good = token(cx, &ec, "", CLAIMS);
  assert_accepted(cx, good);
  assert_refused(cx, (struct us_str){good.p, (size_t)(strrchr(good.p, '.') - good.p) + 1});
}

static struct us_str hs256_token(struct us_cx *cx, const void *secret, size_t n) {
  struct us_str kid = us_key_kid(rsa.key);
  struct us_str head = us_str_fmt(cx->mem, "{\"alg\":\"HS256\",\"kid\":\"%.*s\"}", US_STR_ARG(kid));
  struct us_str input = us_str_fmt(cx->mem, "%s.%s", b64(cx, head).p, b64(cx, US_STR(CLAIMS)).p);
  uint8_t mac[US_SHA256_BYTES];
  us_hmac_sha256((struct us_str){secret, n}, input, mac);
  return us_str_fmt(cx->mem, "%s.%s", input.p, b64(cx, (struct us_str){(char *)mac, sizeof(mac)}).p);
}

/* JW-03: RFC 8725 2.1. */
static void a_public_key_is_no_hmac_secret(void **state) {
  struct us_cx *cx = *state;
  struct resolver r = {.always = rsa.key};
  char *pem = NULL;
  uint8_t *der = NULL;
  BIO *bio = BIO_new(BIO_s_mem());
  assert_int_equal(PEM_write_bio_PUBKEY(bio, rsa.pkey), 1);
  long pem_n = BIO_get_mem_data(bio, &pem);
  int der_n = i2d_PUBKEY(rsa.pkey, &der);
  assert_true(pem_n > 0 && der_n > 0);
  struct us_str jwk = us_key_public_jwk(rsa.key);
  assert_int_equal(verify_with(cx, hs256_token(cx, pem, (size_t)pem_n), careless, &r), US_E_INVALID_TOKEN);
  assert_int_equal(verify_with(cx, hs256_token(cx, pem, (size_t)pem_n - 1), careless, &r), US_E_INVALID_TOKEN);
  assert_int_equal(verify_with(cx, hs256_token(cx, der, (size_t)der_n), careless, &r), US_E_INVALID_TOKEN);
  assert_int_equal(verify_with(cx, hs256_token(cx, jwk.p, jwk.n), careless, &r), US_E_INVALID_TOKEN);
  assert_int_equal(r.calls, 0);
  OPENSSL_free(der);
  BIO_free(bio);
}

/* JW-04. */
/* libcjose has a check of its own; the detail tells that ours came first. */
static void assert_key_refused(struct us_cx *cx, struct us_str compact, const struct us_key *key) {
  struct resolver r = {.always = key};
  assert_int_equal(verify_with(cx, compact, careless, &r), US_E_INVALID_TOKEN);
  assert_non_null(strstr(cx->err.detail.p, "no trusted key"));
}

static void alg_and_key_must_be_of_one_type(void **state) {
  struct us_cx *cx = *state;
  assert_key_refused(cx, token(cx, &rsa, "", CLAIMS), ec.key);
  assert_key_refused(cx, token(cx, &ec, "", CLAIMS), rsa.key);
  assert_key_refused(cx, token_of_bytes(cx, &ec, US_STR("{\"alg\":\"RS256\"}"), US_STR(CLAIMS)), ec.key);
  assert_key_refused(cx, token_of_bytes(cx, &rsa, US_STR("{\"alg\":\"ES256\"}"), US_STR(CLAIMS)), rsa.key);
}

static void another_key_of_the_type_does_not_verify(void **state) {
  struct us_cx *cx = *state;
  struct us_str jwk = US_STR_ABSENT;
  struct us_key *other = NULL;
  assert_int_equal(us_key_generate(cx, US_ALG_ES256, &jwk), US_OK);
  assert_int_equal(us_key_load(cx, jwk, &other), US_OK);
  struct resolver r = {.always = other};
  assert_int_equal(verify_with(cx, token(cx, &ec, "", CLAIMS), careless, &r), US_E_INVALID_TOKEN);
  us_key_free(other);
}

static void an_unknown_kid_is_refused(void **state) {
  struct us_cx *cx = *state;
  assert_refused(cx, token_of_bytes(cx, &ec, US_STR("{\"alg\":\"ES256\",\"kid\":\"x\"}"), US_STR(CLAIMS)));
  assert_refused(cx, token_of_bytes(cx, &ec, US_STR("{\"alg\":\"ES256\"}"), US_STR(CLAIMS)));
}

/* JW-05. */

static void any_number_of_parts_but_three_is_refused(void **state) {
  struct us_cx *cx = *state;
  struct us_str good = token(cx, &ec, "", CLAIMS);
  assert_accepted(cx, good);
  static const char *const texts[] = {"", ".", "..", "...", "....", "a", "a.b", ".a.b", "a..b", "a.b."};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    assert_refused_early(cx, us_str_c(texts[i]));
  assert_refused_early(cx, US_STR_ABSENT);
  assert_refused_early(cx, us_str_fmt(cx->mem, "%s.", good.p));
  assert_refused_early(cx, us_str_fmt(cx->mem, ".%s", good.p));
  assert_refused_early(cx, us_str_fmt(cx->mem, "%s.AAAA", good.p));
  /* JW-14: an encrypted token. */
  assert_refused_early(cx, us_str_fmt(cx->mem, "%s.AAAA.AAAA", good.p));
}

/* Each odd text in each part, the whole signed as it stands. */
static void foreign_characters_are_refused_in_every_part(void **state) {
  struct us_cx *cx = *state;
  static const char *const odd[] = {"=", "==", "\n", "\r\n", " ", "+", "/", "+A==", "\xc3", "\x01", "%3D", ","};
  struct us_str head = b64(cx, us_str_fmt(cx->mem, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", us_key_kid(ec.key).p));
  struct us_str body = b64(cx, US_STR(CLAIMS));
  assert_accepted(cx, token_of_parts(cx, &ec, head, body));
  for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
    assert_refused(cx, token_of_parts(cx, &ec, us_str_fmt(cx->mem, "%s%s", head.p, odd[i]), body));
    assert_refused(cx, token_of_parts(cx, &ec, us_str_fmt(cx->mem, "%s%s", odd[i], head.p), body));
    assert_refused(cx, token_of_parts(cx, &ec, head, us_str_fmt(cx->mem, "%s%s", body.p, odd[i])));
    assert_refused(cx, token_of_parts(cx, &ec, head, us_str_fmt(cx->mem, "%s%s", odd[i], body.p)));
    assert_refused(cx, us_str_fmt(cx->mem, "%s%s", token_of_parts(cx, &ec, head, body).p, odd[i]));
    assert_refused(cx, us_str_fmt(cx->mem, "%s%s", odd[i], token_of_parts(cx, &ec, head, body).p));
  }
}

/* libcjose's decoder ends the process (an assert) for a '=' in some places; found by fuzz/fuzz_jws.c. */
static void padding_is_refused_in_every_place(void **state) {
  struct us_cx *cx = *state;
  struct us_str good = token(cx, &ec, "", CLAIMS);
  assert_accepted(cx, good);
  for (size_t at = 0; at <= good.n; at++)
    for (int n = 1; n <= 4; n++)
      assert_refused(cx, us_str_fmt(cx->mem, "%.*s%.*s%s", (int)at, good.p, n, "====", good.p + at));
}

static void a_nul_behind_the_token_is_refused(void **state) {
  struct us_cx *cx = *state;
  struct us_str good = token(cx, &ec, "", CLAIMS);
  assert_accepted(cx, good);
  assert_refused(cx, (struct us_str){good.p, good.n + 1});
}

/* The same bytes under another last character: unused bits that are not zero. */
static struct us_str with_unused_bits(struct us_cx *cx, struct us_str part) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  struct us_str copy = us_str_dup(cx->mem, part);
  size_t value = (size_t)(strchr(alphabet, part.p[part.n - 1]) - alphabet);
  ((char *)copy.p)[part.n - 1] = alphabet[value + 1];
  return copy;
}

static void unused_bits_must_be_zero_in_every_part(void **state) {
  struct us_cx *cx = *state;
  struct us_str head = us_str_fmt(cx->mem, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", us_key_kid(ec.key).p);
  while (head.n % 3 == 0)
    head = us_str_fmt(cx->mem, "%s ", head.p);
  struct us_str body = US_STR("{\"sub\":\"b\"} ");
  while (body.n % 3 == 0)
    body = us_str_fmt(cx->mem, "%s ", body.p);
  head = b64(cx, head);
  body = b64(cx, body);
  assert_true(head.n % 4 != 0 && body.n % 4 != 0);
  struct us_str good = token_of_parts(cx, &ec, head, body);
  assert_accepted(cx, good);
  assert_refused(cx, token_of_parts(cx, &ec, with_unused_bits(cx, head), body));
  assert_refused(cx, token_of_parts(cx, &ec, head, with_unused_bits(cx, body)));
  assert_refused(cx, with_unused_bits(cx, good));
  assert_refused(cx, with_unused_bits(cx, token(cx, &rsa, "", CLAIMS)));
}

static void a_changed_part_is_refused(void **state) {
  struct us_cx *cx = *state;
  const struct signer *signers[] = {&rsa, &ec};
  for (size_t i = 0; i < 2; i++) {
    struct us_str bob = token(cx, signers[i], "", "{\"sub\":\"bob\"}");
    struct us_str eve = token(cx, signers[i], "", "{\"sub\":\"eve\"}");
    struct us_str typed = token(cx, signers[i], ",\"typ\":\"x\"", "{\"sub\":\"bob\"}");
    struct parts {
      struct us_str head, body, sig;
    } p[3];
    struct us_str all[] = {bob, eve, typed};
    for (size_t j = 0; j < 3; j++) {
      struct us_strs v = {0};
      assert_true(us_str_split(cx->mem, all[j], '.', 3, &v));
      p[j] = (struct parts){v.v[0], v.v[1], v.v[2]};
      assert_accepted(cx, all[j]);
    }
#define JOIN(a, b, c) us_str_fmt(cx->mem, "%.*s.%.*s.%.*s", US_STR_ARG(a), US_STR_ARG(b), US_STR_ARG(c))
    assert_refused(cx, JOIN(p[0].head, p[1].body, p[0].sig));
    assert_refused(cx, JOIN(p[2].head, p[0].body, p[0].sig));
    assert_refused(cx, JOIN(p[0].head, p[0].body, p[1].sig));
#undef JOIN
  }
}

/* JW-06. */

static void repeated_members_are_refused(void **state) {
  struct us_cx *cx = *state;
  assert_refused_early(cx, token(cx, &ec, ",\"alg\":\"ES256\"", CLAIMS));
  assert_refused_early(cx, token(cx, &ec, ",\"alg\":\"none\"", CLAIMS));
  assert_refused_early(cx, token(cx, &ec, ",\"kid\":\"other\"", CLAIMS));
  assert_refused_early(cx, token(cx, &ec, ",\"al\\u0067\":\"ES256\"", CLAIMS));
  assert_refused(cx, token(cx, &ec, "", "{\"sub\":\"bob\",\"sub\":\"eve\"}"));
  assert_refused(cx, token(cx, &ec, "", "{\"sub\":\"bob\",\"s\\u0075b\":\"eve\"}"));
  assert_refused(cx, token(cx, &ec, "", "{\"a\":{\"b\":1,\"b\":2}}"));
}

static struct us_str utf16(struct us_cx *cx, struct us_str ascii, bool with_bom) {
  char *wide = us_mem_alloc(cx->mem, 2 * ascii.n + 2);
  size_t n = 0;
  if (with_bom) {
    wide[n++] = (char)0xff;
    wide[n++] = (char)0xfe;
  }
  for (size_t i = 0; i < ascii.n; i++) {
    wide[n++] = ascii.p[i];
    wide[n++] = 0;
  }
  return (struct us_str){wide, n};
}

static void text_that_is_no_utf8_object_is_refused(void **state) {
  struct us_cx *cx = *state;
  struct us_str head = us_str_fmt(cx->mem, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", us_key_kid(ec.key).p);
  struct us_str body = US_STR(CLAIMS);
  struct us_str bom_head = us_str_fmt(cx->mem, "\xef\xbb\xbf%s", head.p);
  assert_accepted(cx, token_of_bytes(cx, &ec, head, body));

  assert_refused_early(cx, token_of_bytes(cx, &ec, bom_head, body));
  assert_refused_early(cx, token_of_bytes(cx, &ec, utf16(cx, head, false), body));
  assert_refused_early(cx, token_of_bytes(cx, &ec, utf16(cx, head, true), body));
  static const char *const bad[] = {
      "[]", "[{\"alg\":\"ES256\"}]", "\"x\"", "null",    "1",          "true", "{", "{}{}", "{} x",
      "x",  "{\"a\":\"\xff\"}",      "{a:1}", "{'a':1}", "{\"a\":1,}", " "};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    assert_refused_early(cx, token_of_bytes(cx, &ec, us_str_c(bad[i]), body));
    assert_refused(cx, token_of_bytes(cx, &ec, head, us_str_c(bad[i])));
  }
  assert_refused(cx, token_of_bytes(cx, &ec, head, US_STR("\xef\xbb\xbf" CLAIMS)));
  assert_refused(cx, token_of_bytes(cx, &ec, head, utf16(cx, body, false)));
  assert_refused(cx, token_of_bytes(cx, &ec, head, utf16(cx, body, true)));
  assert_refused(cx, token_of_bytes(cx, &ec, head, US_STR(CLAIMS "\0")));
}

/* Claims are looked at only when the signature holds: a forger learns nothing of the parser and costs it nothing. */
static void claims_are_not_parsed_before_the_signature_holds(void **state) {
  struct us_cx *cx = *state;
  struct us_str odd = token(cx, &ec, "", "[]");
  assert_refused(cx, odd);
  assert_non_null(strstr(cx->err.detail.p, "object"));
  ((char *)odd.p)[odd.n - 10] = odd.p[odd.n - 10] == 'A' ? 'B' : 'A';
  assert_refused(cx, odd);
  assert_non_null(strstr(cx->err.detail.p, "signature"));
}

/* JW-07, JW-08, JW-14: RFC 7515 4.1.2-4.1.11, RFC 7797, RFC 8725 3.10. */
static void members_that_change_the_rules_are_refused(void **state) {
  struct us_cx *cx = *state;
  static const char *const members[] = {
      ",\"crit\":[\"x\"]",
      ",\"crit\":[\"x\"],\"x\":1",
      ",\"crit\":[]",
      ",\"crit\":[\"b64\"]",
      ",\"crit\":[\"b64\"],\"b64\":false",
      ",\"crit\":[\"alg\"]",
      ",\"crit\":\"exp\"",
      ",\"crit\":null",
      ",\"b64\":false",
      ",\"b64\":true",
      ",\"jku\":\"http://127.0.0.1:9/jwks\"",
      ",\"x5u\":\"http://127.0.0.1:9/chain\"",
      ",\"x5c\":[\"MIIB\"]",
      ",\"x5t\":\"AAAA\"",
      ",\"x5t#S256\":\"AAAA\"",
      ",\"zip\":\"DEF\"",
      ",\"enc\":\"A256GCM\"",
      ",\"epk\":{}",
      ",\"p2c\":2147483647",
      ",\"p2s\":\"AAAA\"",
      ",\"apu\":\"AAAA\"",
      ",\"apv\":\"AAAA\"",
      ",\"cty\":\"JWT\"",
      ",\"cty\":\"jwt\"",
      ",\"cty\":\"application/JWT\"",
      ",\"cty\":1",
      ",\"typ\":1",
      ",\"typ\":null",
  };
  for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
    assert_refused_early(cx, token(cx, &ec, members[i], CLAIMS));
  struct us_str jwk = us_str_fmt(cx->mem, ",\"jwk\":%s", us_key_public_jwk(ec.key).p);
  assert_refused_early(cx, token(cx, &ec, jwk.p, CLAIMS));
}

/* JW-09. */

static struct us_str token_with_kid(struct us_cx *cx, const char *kid_json) {
  return token_of_bytes(cx, &ec, us_str_fmt(cx->mem, "{\"alg\":\"ES256\",\"kid\":%s}", kid_json), US_STR(CLAIMS));
}

static void a_kid_is_looked_up_as_it_is_or_not_at_all(void **state) {
  struct us_cx *cx = *state;
  static const char *const kids[] = {"../../dev/null", "' OR 1=1", "http://127.0.0.1:9/"};
  for (size_t i = 0; i < 3; i++) {
    struct resolver r = {0};
    struct us_str compact = token_with_kid(cx, us_str_fmt(cx->mem, "\"%s\"", kids[i]).p);
    assert_int_equal(verify_with(cx, compact, careful, &r), US_E_INVALID_TOKEN);
    assert_int_equal(r.calls, 1);
    assert_string_equal(r.kid, kids[i]);
  }
  static const char *const wrong[] = {"1", "null", "[\"x\"]", "{}", "true", "\"a\\u0000b\""};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    assert_refused_early(cx, token_with_kid(cx, wrong[i]));
}

static void a_kid_has_a_maximum(void **state) {
  struct us_cx *cx = *state;
  static const size_t too_long[] = {US_JWS_MAX_KID_BYTES + 1, 10 * 1024};
  char *kid = us_mem_alloc(cx->mem, 10 * 1024 + 1);
  memset(kid, 'k', 10 * 1024);
  for (size_t i = 0; i < 2; i++)
    assert_refused_early(cx, token_with_kid(cx, us_str_fmt(cx->mem, "\"%.*s\"", (int)too_long[i], kid).p));
  struct resolver r = {.always = ec.key};
  struct us_str longest = token_with_kid(cx, us_str_fmt(cx->mem, "\"%.*s\"", US_JWS_MAX_KID_BYTES, kid).p);
  assert_int_equal(verify_with(cx, longest, careless, &r), US_OK);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
  const struct CMUnitTest tests[] = {
      TEST(published_examples_verify),
      TEST(what_we_sign_we_verify),
      TEST(the_header_names_alg_kid_and_typ),
      TEST(openssl_accepts_our_signatures),
      TEST(tokens_by_openssl_are_accepted),
      TEST(a_public_key_verifies_and_cannot_sign),
      TEST(a_key_without_kid_verifies_tokens_without_one),
      TEST(other_algorithms_are_refused_though_well_signed),
      TEST(alg_must_be_spelled_exactly_and_be_there),
      TEST(none_is_refused_in_any_spelling),
      TEST(an_empty_signature_is_refused),
      TEST(a_public_key_is_no_hmac_secret),
      TEST(alg_and_key_must_be_of_one_type),
      TEST(another_key_of_the_type_does_not_verify),
      TEST(an_unknown_kid_is_refused),
      TEST(any_number_of_parts_but_three_is_refused),
      TEST(foreign_characters_are_refused_in_every_part),
      TEST(padding_is_refused_in_every_place),
      TEST(a_nul_behind_the_token_is_refused),
      TEST(unused_bits_must_be_zero_in_every_part),
      TEST(a_changed_part_is_refused),
      TEST(repeated_members_are_refused),
      TEST(text_that_is_no_utf8_object_is_refused),
      TEST(claims_are_not_parsed_before_the_signature_holds),
      TEST(members_that_change_the_rules_are_refused),
      TEST(a_kid_is_looked_up_as_it_is_or_not_at_all),
      TEST(a_kid_has_a_maximum),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  if (us_crypto_setup() != 0)
    return 1;
  int failed = cmocka_run_group_tests(tests, make_signers, free_signers);
  us_crypto_done();
  return failed;
}
