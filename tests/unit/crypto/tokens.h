/*
 * Tokens made by hand, for the tests of jws.c: two pairs, an OpenSSL of its own to sign with, whatever the header says,
 * and the four things a test says of a token. key.c is included for its way of writing an OpenSSL pair as JWK.
 */
#ifndef USHER_TEST_CRYPTO_TOKENS_H
#define USHER_TEST_CRYPTO_TOKENS_H

#include "crypto/key.c"

#include <openssl/ecdsa.h>

#include "crypto/jws.h"
#include "fixture.h"

#define CLAIMS "{\"iss\":\"https://idp.example\",\"sub\":\"bob\"}"

struct signer {
  enum us_alg alg;
  EVP_PKEY *pkey;
  struct us_key *key;
  char private_jwk[US_KEY_MAX_JWK_BYTES];
};

static struct signer rsa = {.alg = US_ALG_RS256};
static struct signer ec = {.alg = US_ALG_ES256};

/* Resolvers. The careful one is what the domain does; the careless one tests that jws.c checks for itself. */
struct resolver {
  const struct us_key *always;
  unsigned calls;
  char kid[US_JWS_MAX_KID_BYTES + 1];
};

static const struct us_key *careful(void *self, enum us_alg alg, struct us_str kid) {
  struct resolver *r = self;
  r->calls++;
  snprintf(r->kid, sizeof(r->kid), "%.*s", US_STR_ARG(kid));
  const struct us_key *keys[] = {rsa.key, ec.key};
  for (size_t i = 0; i < 2; i++)
    if (us_key_alg(keys[i]) == alg && us_str_eq(us_key_kid(keys[i]), kid))
      return keys[i];
  return NULL;
}

static const struct us_key *careless(void *self, enum us_alg alg, struct us_str kid) {
  struct resolver *r = self;
  (void)alg;
  (void)kid;
  r->calls++;
  return r->always;
}

/* Building tokens by hand. */

static struct us_str b64(struct us_cx *cx, struct us_str bytes) {
  struct us_str text = us_base64url(cx->mem, bytes.p, bytes.n);
  assert_non_null(text.p);
  return text;
}

static struct us_str raw_of_der(struct us_cx *cx, const uint8_t *der, size_t n) {
  ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
  uint8_t *raw = us_mem_alloc(cx->mem, 64);
  assert_non_null(sig);
  assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32), 32);
  assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32), 32);
  ECDSA_SIG_free(sig);
  return (struct us_str){(char *)raw, 64};
}

/* A signature over `input` by OpenSSL itself, as DER for EC. */
static struct us_str sign_bytes(struct us_cx *cx, const struct signer *s, const char *md, int rsa_padding,
                                struct us_str input) {
  uint8_t *sig = us_mem_alloc(cx->mem, 512);
  size_t n = 512;
  EVP_PKEY_CTX *how = NULL;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  assert_non_null(ctx);
  assert_int_equal(EVP_DigestSignInit_ex(ctx, &how, md, NULL, NULL, s->pkey, NULL), 1);
  if (rsa_padding != 0)
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(how, rsa_padding), 1);
  assert_int_equal(EVP_DigestSign(ctx, sig, &n, (const uint8_t *)input.p, input.n), 1);
  EVP_MD_CTX_free(ctx);
  return (struct us_str){(char *)sig, n};
}

static struct us_str signature(struct us_cx *cx, const struct signer *s, struct us_str input) {
  struct us_str sig = sign_bytes(cx, s, "SHA256", 0, input);
  return s->alg == US_ALG_ES256 ? raw_of_der(cx, (const uint8_t *)sig.p, sig.n) : sig;
}

/* Signs two parts as they stand, however odd their text. */
static struct us_str token_of_parts(struct us_cx *cx, const struct signer *s, struct us_str head, struct us_str body) {
  struct us_str input = us_str_fmt(cx->mem, "%.*s.%.*s", US_STR_ARG(head), US_STR_ARG(body));
  struct us_str sig = b64(cx, signature(cx, s, input));
  return us_str_fmt(cx->mem, "%.*s.%.*s", US_STR_ARG(input), US_STR_ARG(sig));
}

static struct us_str token_of_bytes(struct us_cx *cx, const struct signer *s, struct us_str head, struct us_str body) {
  return token_of_parts(cx, s, b64(cx, head), b64(cx, body));
}

/* A well-signed token whose header has `more` members after alg and kid. */
static struct us_str token(struct us_cx *cx, const struct signer *s, const char *more, const char *claims) {
  struct us_str kid = us_key_kid(s->key);
  struct us_str head =
      us_str_fmt(cx->mem, "{\"alg\":\"%s\",\"kid\":\"%.*s\"%s}", us_alg_name(s->alg), US_STR_ARG(kid), more);
  return token_of_bytes(cx, s, head, us_str_c(claims));
}

/* What verification says. */

static enum us_code verify_with(struct us_cx *cx, struct us_str compact, us_jws_key_fn key_of, struct resolver *r) {
  struct us_str claims = US_STR("untouched");
  struct us_str typ = US_STR("untouched");
  us_error_clear(cx);
  enum us_code code = us_jws_verify(cx, compact, key_of, r, &claims, &typ);
  if (code == US_OK) {
    assert_true(claims.p[0] == '{' || claims.p[0] == ' ');
    return code;
  }
  fixture_assert_str(claims, "untouched");
  fixture_assert_str(typ, "untouched");
  assert_int_equal(cx->err.code, code);
  /* The reason is for the log; the caller learns the standard text only. */
  assert_null(cx->err.text.p);
  assert_non_null(cx->err.detail.p);
  assert_int_equal(ERR_peek_error(), 0);
  return code;
}

static void assert_accepted(struct us_cx *cx, struct us_str compact) {
  struct resolver r = {0};
  if (verify_with(cx, compact, careful, &r) != US_OK)
    fail_msg("refused (%.*s): %.*s", US_STR_ARG(cx->err.detail), US_STR_ARG(compact));
  assert_int_equal(r.calls, 1);
}

static void assert_refused(struct us_cx *cx, struct us_str compact) {
  struct resolver r = {0};
  if (verify_with(cx, compact, careful, &r) != US_E_INVALID_TOKEN)
    fail_msg("accepted: %.*s", US_STR_ARG(compact));
}

/* Refused, and before a key was even looked for. */
static void assert_refused_early(struct us_cx *cx, struct us_str compact) {
  struct resolver r = {.always = ec.key};
  if (verify_with(cx, compact, careless, &r) != US_E_INVALID_TOKEN)
    fail_msg("accepted: %.*s", US_STR_ARG(compact));
  assert_int_equal(r.calls, 0);
}

static void make_signer(struct us_cx *cx, struct signer *s) {
  s->pkey = pkey_generate(s->alg);
  assert_non_null(s->pkey);
  assert_true(write_private_jwk(s->private_jwk, sizeof(s->private_jwk), s->pkey, s->alg));
  assert_int_equal(us_key_load(cx, us_str_c(s->private_jwk), &s->key), US_OK);
}

static int make_signers(void **state) {
  struct us_cx cx;
  (void)state;
  fixture_cx_init(&cx);
  make_signer(&cx, &rsa);
  make_signer(&cx, &ec);
  us_mem_free(cx.mem);
  return 0;
}

static int free_signers(void **state) {
  (void)state;
  struct signer *signers[] = {&rsa, &ec};
  for (size_t i = 0; i < 2; i++) {
    EVP_PKEY_free(signers[i]->pkey);
    us_key_free(signers[i]->key);
  }
  return 0;
}

#endif
