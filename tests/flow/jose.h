/*
 * Every trick that is known to be played on a place that takes a JWT (group JW of the conformance list), once, for all such places. A
 * place says how it comes to trust keys, what good claims are and how a token is shown to it:
 *
 *   static const struct jose_place place = {.name = "client assertion", .set_up = ..., .claims = ..., .takes = ...};
 *   jose_header(w, &place);          and so on, each in a world in which place.set_up(w) has run
 *
 * Each group of tricks shows good tokens first and last, made by the same hand, so that a flawed one is refused for its flaw. Tokens
 * are well signed wherever the signature is not the point.
 */
#ifndef USHER_FLOW_JOSE_H
#define USHER_FLOW_JOSE_H

#include "flow/assertion.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/jws.h"

struct jose_member {
  const char *name, *json;
};
#define JOSE_MEMBERS_MAX 16
struct jose_place {
  const char *name;
  /* Makes the place trust EC_1 as "k1" and RSA_1 as "r1", and a neighbour (another realm, client or issuer) EC_2 as "k2". No
   * throttle may count. */
  void (*set_up)(struct us_world *w);
  /* Has the place trust the keys of this JWK set and no other; NULL: its keys do not come from outside. */
  void (*trust)(struct us_world *w, const char *jwks);
  size_t (*claims)(struct us_world *w, struct jose_member *out); /* good ones, fresh each time */
  /* Shows the token. False: refused, and it fails the test by itself when not in the way in which the place refuses. */
  bool (*takes)(struct us_world *w, const char *token);
  bool wants_kid;       /* a header without one is refused, though one key would fit */
  bool is_lenient;      /* exp and aud may be missing */
  int64_t leeway_s;     /* after exp: the last second in which it is taken; -1: the second before */
  size_t longest;       /* bytes of a token; 0: the way to the place is narrower than JWS */
  const char *good_typ; /* besides JWT; NULL: none */
  bool takes_any_sub;   /* whoever it names, there or not */
};

/* ---- Making tokens ---- */

#define JOSE_EC "{\"alg\":\"ES256\",\"kid\":\"k1\"}"
#define JOSE_RSA "{\"alg\":\"RS256\",\"kid\":\"r1\"}"

/* Good claims with one member replaced, added or (NULL) left out; as text, so that JSON may be what no library would write. */
static inline const char *jose_claims(struct us_world *w, const struct jose_place *place, const char *name,
                                      const char *json) {
  struct jose_member members[JOSE_MEMBERS_MAX];
  size_t n = place->claims(w, members);
  const char *text = "";
  bool is_there = name == NULL;
  for (size_t i = 0; i < n; i++) {
    bool is_it = name && strcmp(name, members[i].name) == 0;
    const char *value = is_it ? json : members[i].json;
    is_there |= is_it;
    if (value)
      text = us_text(w, "%s%s\"%s\":%s", text, *text ? "," : "", members[i].name, value);
  }
  if (!is_there && json)
    text = us_text(w, "%s,\"%s\":%s", text, name, json);
  return us_text(w, "{%s}", text);
}
static inline const char *jose_good_claims(struct us_world *w, const struct jose_place *place) {
  return jose_claims(w, place, NULL, NULL);
}
/* The JSON of a good member; NULL: good claims have none of this name. */
static inline const char *jose_member(struct us_world *w, const struct jose_place *place, const char *name) {
  struct jose_member members[JOSE_MEMBERS_MAX];
  size_t n = place->claims(w, members);
  for (size_t i = 0; i < n; i++) {
    if (strcmp(members[i].name, name) == 0)
      return members[i].json;
  }
  return NULL;
}
static inline const char *jose_by_head(struct us_world *w, const struct jose_place *place, enum pair which,
                                       const char *head) {
  return jwt(w, which, head, jose_good_claims(w, place));
}
static inline const char *jose_with(struct us_world *w, const struct jose_place *place, const char *name,
                                    const char *json) {
  return jwt(w, EC_1, JOSE_EC, jose_claims(w, place, name, json));
}
static inline const char *jose_body(struct us_world *w, const struct jose_place *place) {
  const char *claims = jose_good_claims(w, place);
  return b64(w, claims, strlen(claims));
}

static inline void jose_takes(struct us_world *w, const struct jose_place *place, const char *token, const char *what) {
  if (!place->takes(w, token))
    fail_msg("%s: refused, though it is good (%s): %s", place->name, what, token);
}
static inline void jose_refuses(struct us_world *w, const struct jose_place *place, const char *token,
                                const char *what) {
  if (place->takes(w, token))
    fail_msg("%s: taken in spite of: %s", place->name, what);
}
static inline void jose_is_fine_otherwise(struct us_world *w, const struct jose_place *place) {
  jose_takes(w, place, jose_by_head(w, place, EC_1, JOSE_EC), "ES256");
  jose_takes(w, place, jose_by_head(w, place, RSA_1, JOSE_RSA), "RS256");
}
static inline void jose_refuses_heads(struct us_world *w, const struct jose_place *place, const char *const *heads,
                                      size_t n) {
  for (size_t i = 0; i < n; i++)
    jose_refuses(w, place, jose_by_head(w, place, EC_1, heads[i]), heads[i]);
}
#define JOSE_REFUSES_HEADS(w, place, heads)                                                                            \
  jose_refuses_heads((w), (place), (heads), sizeof(heads) / sizeof((heads)[0]))

/* ---- JW-01, JW-02: the algorithms are those of the trusted keys ---- */

static inline const char *jose_rsa_signed(struct us_world *w, const char *head, const char *body, const char *md,
                                          int padding) {
  const char *input = us_text(w, "%s.%s", b64(w, head, strlen(head)), body);
  uint8_t sig[1024];
  size_t n = sizeof(sig);
  EVP_PKEY_CTX *how = NULL;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  assert_int_equal(EVP_DigestSignInit_ex(ctx, &how, md, NULL, NULL, pair_of(RSA_1), NULL), 1);
  assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(how, padding), 1);
  assert_int_equal(EVP_DigestSign(ctx, sig, &n, (const uint8_t *)input, strlen(input)), 1);
  EVP_MD_CTX_free(ctx);
  return us_text(w, "%s.%s", input, b64(w, sig, n));
}

static inline void jose_algorithms(struct us_world *w, const struct jose_place *place) {
  jose_is_fine_otherwise(w, place);
  static const char *const heads[] = {
      "{\"kid\":\"k1\"}",
      "{\"alg\":\"\",\"kid\":\"k1\"}",
      "{\"alg\":null,\"kid\":\"k1\"}",
      "{\"alg\":256,\"kid\":\"k1\"}",
      "{\"alg\":[\"ES256\"],\"kid\":\"k1\"}",
      "{\"alg\":\"es256\",\"kid\":\"k1\"}",
      "{\"alg\":\"ES256 \",\"kid\":\"k1\"}",
      "{\"alg\":\"ES256\\u0000\",\"kid\":\"k1\"}",
      "{\"Alg\":\"ES256\",\"kid\":\"k1\"}",
      "{\"alg\":\"ES256K\",\"kid\":\"k1\"}",
      "{\"alg\":\"ES384\",\"kid\":\"k1\"}",
      "{\"alg\":\"ES512\",\"kid\":\"k1\"}",
      "{\"alg\":\"EdDSA\",\"kid\":\"k1\"}",
      "{\"alg\":\"none\",\"kid\":\"k1\"}",
  };
  JOSE_REFUSES_HEADS(w, place, heads);
  static const struct {
    const char *alg, *md;
    int padding;
  } signed_well[] = {{"PS256", "SHA256", RSA_PKCS1_PSS_PADDING}, {"RS384", "SHA384", RSA_PKCS1_PADDING},
                     {"RS512", "SHA512", RSA_PKCS1_PADDING},     {"RS1", "SHA1", RSA_PKCS1_PADDING},
                     {"RS256", "SHA256", RSA_PKCS1_PSS_PADDING}, {"RS256", "SHA1", RSA_PKCS1_PADDING},
                     {"RS256", "SHA512", RSA_PKCS1_PADDING}};
  for (size_t i = 0; i < sizeof(signed_well) / sizeof(signed_well[0]); i++) {
    const char *head = us_text(w, "{\"alg\":\"%s\",\"kid\":\"r1\"}", signed_well[i].alg);
    const char *token = jose_rsa_signed(w, head, jose_body(w, place), signed_well[i].md, signed_well[i].padding);
    jose_refuses(w, place, token, us_text(w, "%s by %s", head, signed_well[i].md));
  }
  static const char *const spellings[] = {"none", "None", "NONE", "nOnE", "none "};
  for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
    for (int has_kid = 0; has_kid < 2; has_kid++) {
      const char *head = us_text(w, "{\"alg\":\"%s\"%s}", spellings[i], has_kid ? ",\"kid\":\"k1\"" : "");
      const char *input = us_text(w, "%s.%s", b64(w, head, strlen(head)), jose_body(w, place));
      jose_refuses(w, place, input, us_text(w, "%s, two parts", head));
      jose_refuses(w, place, us_text(w, "%s.", input), us_text(w, "%s, no signature", head));
      jose_refuses(w, place, us_text(w, "%s.AA", input), us_text(w, "%s, some signature", head));
    }
  }
  const char *good = jose_by_head(w, place, EC_1, JOSE_EC);
  jose_refuses(w, place, us_text(w, "%.*s.", (int)(strrchr(good, '.') - good), good), "an empty signature");
  jose_is_fine_otherwise(w, place);
}

/* ---- JW-03: a public key is no secret ---- */

static inline void jose_mac_by(struct us_world *w, const struct jose_place *place, const void *secret, size_t n,
                               const char *kid, const char *what) {
  struct us_str text = {secret, n};
  const char *head = us_text(w, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kid);
  jose_refuses(w, place, hs256(w, text, head, jose_good_claims(w, place)), us_text(w, "HS256 by %s of %s", what, kid));
  jose_refuses(w, place, hs256(w, text, "{\"alg\":\"HS256\"}", jose_good_claims(w, place)), what);
}
static inline void jose_public_keys(struct us_world *w, const struct jose_place *place) {
  jose_is_fine_otherwise(w, place);
  static const enum pair which[] = {RSA_1, EC_1};
  static const char *const kids[] = {"r1", "k1"};
  for (size_t i = 0; i < 2; i++) {
    EVP_PKEY *pkey = pair_of(which[i]);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    uint8_t *der = NULL, *bare = NULL;
    assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
    long pem_n = BIO_get_mem_data(bio, &pem);
    int der_n = i2d_PUBKEY(pkey, &der), bare_n = i2d_PublicKey(pkey, &bare);
    assert_true(pem_n > 0 && der_n > 0 && bare_n > 0);
    jose_mac_by(w, place, pem, (size_t)pem_n, kids[i], "the PEM text");
    jose_mac_by(w, place, pem, (size_t)pem_n - 1, kids[i], "the PEM text without its last newline");
    jose_mac_by(w, place, der, (size_t)der_n, kids[i], "the DER bytes");
    jose_mac_by(w, place, bare, (size_t)bare_n, kids[i], "the bare bytes");
    const char *plain = jwk(w, which[i], "");
    const char *whole =
        jwk(w, which[i], us_text(w, ",\"kid\":\"%s\",\"alg\":\"%s\",\"use\":\"sig\"", kids[i], i ? "ES256" : "RS256"));
    jose_mac_by(w, place, plain, strlen(plain), kids[i], "the JWK text");
    jose_mac_by(w, place, whole, strlen(whole), kids[i], "the JWK text with kid, alg and use");
    jose_mac_by(w, place, kids[i], 2, kids[i], "the kid");
    jose_mac_by(w, place, "", 0, kids[i], "nothing");
    OPENSSL_free(der);
    OPENSSL_free(bare);
    BIO_free(bio);
  }
  jose_is_fine_otherwise(w, place);
}

/* ---- JW-04, JW-11, JW-16: the key must fit, and be the right one's ---- */

static inline void jose_keys(struct us_world *w, const struct jose_place *place) {
  jose_is_fine_otherwise(w, place);
  static const struct {
    enum pair by;
    const char *head, *what;
  } mixed[] = {
      {EC_1, "{\"alg\":\"RS256\",\"kid\":\"k1\"}", "RS256 with an EC key"},
      {EC_1, "{\"alg\":\"RS256\",\"kid\":\"r1\"}", "RS256 signed by an EC key"},
      {EC_1, "{\"alg\":\"ES256\",\"kid\":\"r1\"}", "ES256 under the kid of an RSA key"},
      {RSA_1, "{\"alg\":\"ES256\",\"kid\":\"r1\"}", "ES256 with an RSA key"},
      {RSA_1, "{\"alg\":\"ES256\",\"kid\":\"k1\"}", "ES256 signed by an RSA key"},
      {RSA_1, "{\"alg\":\"RS256\",\"kid\":\"k1\"}", "RS256 under the kid of an EC key"},
      {EC_2, "{\"alg\":\"ES256\",\"kid\":\"k2\"}", "the neighbour's key"},
      {EC_2, "{\"alg\":\"ES256\",\"kid\":\"k1\"}", "the neighbour's key under our kid"},
      {EC_1, "{\"alg\":\"ES256\",\"kid\":\"k2\"}", "our key under the neighbour's kid"},
      {RSA_SHORT, JOSE_RSA, "a key that nobody trusts"},
  };
  for (size_t i = 0; i < sizeof(mixed) / sizeof(mixed[0]); i++)
    jose_refuses(w, place, jose_by_head(w, place, mixed[i].by, mixed[i].head), mixed[i].what);
  jose_is_fine_otherwise(w, place);
}
/* A set of keys from outside: those that do not fit are not there. */
static inline void jose_unfit_keys(struct us_world *w, const struct jose_place *place) {
  if (!place->trust)
    return;
  EVP_PKEY *ec = pair_of(EC_1);
  const char *x = number_of(w, ec, OSSL_PKEY_PARAM_EC_PUB_X, 32), *y = number_of(w, ec, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
  const char *other_y = number_of(w, pair_of(EC_2), OSSL_PKEY_PARAM_EC_PUB_Y, 32);
  const char *modulus = number_of(w, pair_of(RSA_1), OSSL_PKEY_PARAM_RSA_N, 0);
#define JOSE_POINT(crv, x, y)                                                                                          \
  us_text(w, "{\"kty\":\"EC\",\"kid\":\"k1\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", (crv), (x), (y))
  const struct {
    enum pair by;
    const char *key, *what;
  } unfit[] = {
      {EC_1, jwk(w, EC_1, ",\"kid\":\"k1\",\"use\":\"enc\""), "use enc"},
      {EC_1, jwk(w, EC_1, ",\"kid\":\"k1\",\"use\":1"), "use 1"},
      {EC_1, jwk(w, EC_1, ",\"kid\":\"k1\",\"key_ops\":[\"encrypt\"]"), "key_ops encrypt"},
      {EC_1, jwk(w, EC_1, ",\"kid\":\"k1\",\"key_ops\":[]"), "key_ops nothing"},
      {EC_1, jwk(w, EC_1, ",\"kid\":\"k1\",\"alg\":\"RS256\""), "alg of another kind"},
      {EC_1, jwk(w, EC_1, ",\"kid\":\"k1\",\"alg\":\"ECDH-ES\""), "alg for encryption"},
      {EC_1, JOSE_POINT("P-256", x, other_y), "a point off the curve"},
      {EC_1, JOSE_POINT("P-256", y, x), "a point turned round"},
      {EC_1, JOSE_POINT("P-384", x, y), "another curve"},
      {EC_1, JOSE_POINT("P-256", us_text(w, "AA%s", x), y), "a coordinate that is too long"},
      {EC_1, us_text(w, "{\"kty\":\"EC\",\"kid\":\"k1\",\"crv\":\"P-256\",\"x\":\"%s\"}", x), "no y"},
      {RSA_1, us_text(w, "{\"kty\":\"RSA\",\"kid\":\"r1\",\"n\":\"%s\",\"e\":\"AQ\"}", modulus), "e = 1"},
      {RSA_1, us_text(w, "{\"kty\":\"RSA\",\"kid\":\"r1\",\"n\":\"%s\",\"e\":\"AQAA\"}", modulus), "an even e"},
      {RSA_1, jwk(w, RSA_1, ",\"kid\":\"r1\",\"use\":\"enc\""), "use enc"},
      {RSA_1, jwk(w, RSA_1, ",\"kid\":\"r1\",\"alg\":\"PS256\""), "alg PS256"},
      {RSA_SHORT, jwk(w, RSA_SHORT, ",\"kid\":\"r1\""), "RSA of 1024 bits"},
      {EC_1, "{\"kty\":\"OKP\",\"kid\":\"k1\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", "another kty"},
  };
  for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
    place->trust(w, us_text(w, "{\"keys\":[%s,%s]}", unfit[i].key, jwk(w, EC_2, ",\"kid\":\"spare\"")));
    jose_refuses(w, place, jose_by_head(w, place, unfit[i].by, unfit[i].by == EC_1 ? JOSE_EC : JOSE_RSA),
                 unfit[i].what);
  }
  place->trust(w, us_text(w, "{\"keys\":[%s,%s,%s]}", jwk(w, RSA_SHORT, ",\"kid\":\"r1\""),
                          jwk(w, EC_1, ",\"kid\":\"k1\",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"alg\":\"ES256\""),
                          jwk(w, RSA_1, ",\"kid\":\"r1\"")));
  jose_is_fine_otherwise(w, place); /* and they do no harm to those that fit */
}

/* ---- JW-05, JW-17: the form of the whole, and of a signature ---- */

/* The same bytes under another last character: unused bits that are not zero. */
static inline const char *jose_odd_tail(struct us_world *w, const char *part) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t n = strlen(part);
  assert_true(n % 4 != 0);
  return us_text(w, "%.*s%c", (int)n - 1, part, alphabet[strchr(alphabet, part[n - 1]) - alphabet + 1]);
}
/* A JSON text with blanks behind it, until its base64url has a tail. */
static inline const char *jose_tailed(struct us_world *w, const char *json) {
  while (strlen(json) % 3 == 0)
    json = us_text(w, "%s ", json);
  return b64(w, json, strlen(json));
}

static inline void jose_form(struct us_world *w, const struct jose_place *place) {
  jose_is_fine_otherwise(w, place);
  const char *good = jose_by_head(w, place, EC_1, JOSE_EC);
  static const char *const texts[] = {".", "..", "...", "....", "a", "a.b", "a.b.c", ".a.b", "a..b", "a.b.", "%00"};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    jose_refuses(w, place, texts[i], texts[i]);
  static const char *const around[][2] = {
      {"", "."},  {".", ""}, {"", ".AAAA"}, {"", ".AAAA.AAAA"}, /* five: encrypted */
      {"", "\n"}, {" ", ""}, {"", " "},     {"\xef\xbb\xbf", ""}, {"", ","}, {"\t", ""}, {"", "\r\n"}, {"Bearer ", ""}};
  for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
    jose_refuses(w, place, us_text(w, "%s%s%s", around[i][0], good, around[i][1]), "something around it");
  static const char *const odd[] = {"=", "==", "\n", " ", "+", "/", "+A==", "\xc3", "\x01", "%3D"};
  const char *head = b64(w, JOSE_EC, strlen(JOSE_EC));
  for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
    const char *parts[][2] = {{us_text(w, "%s%s", head, odd[i]), jose_body(w, place)},
                              {us_text(w, "%s%s", odd[i], head), jose_body(w, place)},
                              {head, us_text(w, "%s%s", jose_body(w, place), odd[i])},
                              {head, us_text(w, "%s%s", odd[i], jose_body(w, place))}};
    for (size_t j = 0; j < 4; j++)
      jose_refuses(w, place, signed_by(w, EC_1, parts[j][0], parts[j][1], false), us_text(w, "'%s' in it", odd[i]));
    jose_refuses(w, place, us_text(w, "%s%s", good, odd[i]), us_text(w, "'%s' behind it", odd[i]));
  }
  const char *tailed = jose_tailed(w, JOSE_EC), *body = jose_tailed(w, jose_good_claims(w, place));
  jose_refuses(w, place, signed_by(w, EC_1, jose_odd_tail(w, tailed), body, false), "unused bits in the header");
  jose_refuses(w, place, signed_by(w, EC_1, tailed, jose_odd_tail(w, body), false), "unused bits in the claims");
  jose_refuses(w, place, jose_odd_tail(w, signed_by(w, EC_1, tailed, body, false)), "unused bits in the signature");
  jose_takes(w, place, signed_by(w, EC_1, tailed, body, false), "tails of the usual kind");
  /* A signature is over these very parts. */
  const char *sig = strrchr(good, '.') + 1, *other = jose_by_head(w, place, EC_1, JOSE_EC);
  jose_refuses(w, place,
               us_text(w, "%s.%s.%s", head,
                       b64(w, jose_claims(w, place, "x", "1"), strlen(jose_claims(w, place, "x", "1"))), sig),
               "other claims");
  jose_refuses(w, place, us_text(w, "%s.%s", b64(w, " " JOSE_EC, strlen(JOSE_EC) + 1), strchr(other, '.') + 1),
               "another header");
  jose_is_fine_otherwise(w, place);
}

static const char jose_p256_order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static inline void jose_signature_of(struct us_world *w, const struct jose_place *place, const char *token,
                                     const void *sig, size_t n, const char *what) {
  const char *encoded = n > 0 ? b64(w, sig, n) : "";
  jose_refuses(w, place, us_text(w, "%.*s.%s", (int)(strrchr(token, '.') - token), token, encoded), what);
}
static inline void jose_signatures(struct us_world *w, const struct jose_place *place) {
  uint8_t raw[256], bad[257], order[32];
  size_t n = 0;
  jose_is_fine_otherwise(w, place);
  BIGNUM *number = NULL;
  assert_true(BN_hex2bn(&number, jose_p256_order) > 0 && BN_bn2binpad(number, order, 32) == 32);
  BN_free(number);
  const char *good = jose_by_head(w, place, EC_1, JOSE_EC);
  assert_true(us_base64url_decode(us_str_c(strrchr(good, '.') + 1), (char *)raw, sizeof(raw), &n) && n == 64);
#define JOSE_SIG(bytes, what) jose_signature_of(w, place, good, bad, (bytes), (what))
  const char *head = b64(w, JOSE_EC, strlen(JOSE_EC));
  jose_refuses(w, place, signed_by(w, EC_1, head, jose_body(w, place), true), "DER");
  memcpy(bad, raw, 64);
  bad[64] = 0;
  JOSE_SIG(63, "63 bytes");
  JOSE_SIG(65, "65 bytes");
  JOSE_SIG(32, "32 bytes");
  memcpy(bad, raw + 1, 63);
  JOSE_SIG(63, "63 bytes, the first left out");
  bad[0] = 0;
  memcpy(bad + 1, raw, 64);
  JOSE_SIG(65, "65 bytes, a zero before");
  memcpy(bad, raw, 64);
  memcpy(bad + 64, raw, 64);
  JOSE_SIG(128, "twice");
  memset(bad, 0, 64);
  JOSE_SIG(64, "all zero");
  memset(bad, 0xff, 64);
  JOSE_SIG(64, "all ones");
  /* r, s or both as 0, as 1, as the order of the curve; and exchanged. */
  for (int which = 1; which <= 3; which++) {
    for (int value = 0; value < 3; value++) {
      uint8_t one[32] = {[31] = (uint8_t)value};
      const uint8_t *number_bytes = value == 2 ? order : one;
      memcpy(bad, which & 1 ? number_bytes : raw, 32);
      memcpy(bad + 32, which & 2 ? number_bytes : raw + 32, 32);
      JOSE_SIG(64, us_text(w, "r or s (%d) of value %d", which, value));
    }
  }
  memcpy(bad, raw + 32, 32);
  memcpy(bad + 32, raw, 32);
  JOSE_SIG(64, "r and s exchanged");

  good = jose_by_head(w, place, RSA_1, JOSE_RSA);
  assert_true(us_base64url_decode(us_str_c(strrchr(good, '.') + 1), (char *)raw, sizeof(raw), &n) && n == 256);
  memcpy(bad, raw, 256);
  bad[256] = 0;
  JOSE_SIG(255, "RSA, 255 bytes");
  JOSE_SIG(257, "RSA, 257 bytes");
  JOSE_SIG(64, "RSA, 64 bytes");
  bad[0] = 0;
  memcpy(bad + 1, raw, 256);
  JOSE_SIG(257, "RSA, a zero before");
  memset(bad, 0, 256);
  JOSE_SIG(256, "RSA, zero");
  bad[255] = 1;
  JOSE_SIG(256, "RSA, one");
  memset(bad, 0xff, 256);
  JOSE_SIG(256, "RSA, more than the modulus");
#undef JOSE_SIG
  jose_is_fine_otherwise(w, place);
}

/* ---- JW-06: JSON ---- */

static inline const char *jose_utf16(struct us_world *w, const char *ascii, bool has_bom) {
  char wide[4096];
  size_t n = 0;
  assert_true(2 * strlen(ascii) + 2 <= sizeof(wide));
  if (has_bom) {
    wide[n++] = (char)0xff;
    wide[n++] = (char)0xfe;
  }
  for (; *ascii; ascii++) {
    wide[n++] = *ascii;
    wide[n++] = 0;
  }
  return b64(w, wide, n);
}
static inline void jose_json(struct us_world *w, const struct jose_place *place) {
  jose_is_fine_otherwise(w, place);
  static const char *const heads[] = {
      "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"k1\"}",
      "{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"k1\"}",
      "{\"alg\":\"ES256\",\"al\\u0067\":\"ES256\",\"kid\":\"k1\"}",
      "{\"alg\":\"ES256\",\"kid\":\"k2\",\"kid\":\"k1\"}",
      "\xef\xbb\xbf{\"alg\":\"ES256\",\"kid\":\"k1\"}",
      "[{\"alg\":\"ES256\",\"kid\":\"k1\"}]",
      "\"ES256\"",
      "null",
      "{\"alg\":\"ES256\",\"kid\":\"k1\"",
      "{\"alg\":\"ES256\",\"kid\":\"k1\"}{}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",}",
      "{'alg':'ES256','kid':'k1'}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"a\":\"\xff\"}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"a\":NaN}",
      "{\"alg\":\"ES256\",\"kid\":\"k1\",\"a\":1e400}",
      " ",
  };
  JOSE_REFUSES_HEADS(w, place, heads);
  const char *deep = "";
  for (int i = 0; i < 500; i++)
    deep = us_text(w, "%s[[[[[[[[", deep);
  jose_refuses(w, place, jose_by_head(w, place, EC_1, us_text(w, "{\"alg\":\"ES256\",\"kid\":\"k1\",\"a\":%s", deep)),
               "4,000 brackets");
  const char *claims = jose_good_claims(w, place), *head = b64(w, JOSE_EC, strlen(JOSE_EC));
  const char *first = us_text(w, "%.*s", (int)(strchr(claims, ',') - claims - 1), claims + 1); /* "iss":"..." */
  static const char *const ends[] = {"",
                                     ",}",
                                     ",\"a\":{\"b\":1,\"b\":2}}",
                                     ",\"a\":\"\xc3\x28\"}",
                                     ",\"a\":\"\\ud800\"}",
                                     ",\"a\":Infinity}",
                                     "}{}",
                                     "} x",
                                     "}\x01"};
  for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) /* in the place of the last bracket */
    jose_refuses(w, place, jwt(w, EC_1, JOSE_EC, us_text(w, "%.*s%s", (int)strlen(claims) - 1, claims, ends[i])),
                 ends[i]);
  const char *bad[] = {
      us_text(w, "{%s,%s", first, claims + 1),
      us_text(w, "{\"\\u00%02x%s,%s", first[1], first + 2, claims + 1), /* its name in other letters */
      us_text(w, "\xef\xbb\xbf%s", claims),
      us_text(w, "[%s]", claims),
      "\"claims\"",
      "null",
      " ",
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    jose_refuses(w, place, jwt(w, EC_1, JOSE_EC, bad[i]), bad[i]);
  for (int has_bom = 0; has_bom < 2; has_bom++) {
    jose_refuses(w, place, signed_by(w, EC_1, jose_utf16(w, JOSE_EC, has_bom), jose_body(w, place), false), "UTF-16");
    jose_refuses(w, place, signed_by(w, EC_1, head, jose_utf16(w, claims, has_bom), false), "claims in UTF-16");
  }
  jose_takes(w, place, jwt(w, EC_1, " " JOSE_EC "\r\n", us_text(w, "\n%s ", claims)), "blanks around objects");
  jose_is_fine_otherwise(w, place);
}

/* ---- JW-07, JW-08, JW-13, JW-14: what a header says changes nothing ---- */

static inline void jose_header(struct us_world *w, const struct jose_place *place) {
  jose_is_fine_otherwise(w, place);
  unsigned fetches = us_world_fetches(w);
  static const char *const members[] = {
      "\"crit\":[\"x\"],\"x\":1",
      "\"crit\":[\"x\"]",
      "\"crit\":[]",
      "\"crit\":[\"b64\"]",
      "\"crit\":[\"b64\"],\"b64\":true",
      "\"crit\":[\"b64\"],\"b64\":false",
      "\"crit\":[\"alg\"]",
      "\"crit\":\"exp\"",
      "\"crit\":null",
      "\"b64\":false",
      "\"b64\":true",
      "\"jku\":\"https://client.example/keys\"",
      "\"x5u\":\"https://client.example/cert\"",
      "\"x5c\":[\"AAAA\"]",
      "\"x5t\":\"AAAA\"",
      "\"x5t#S256\":\"AAAA\"",
      "\"cty\":\"JWT\"",
      "\"cty\":\"jwt\"",
      "\"cty\":\"application/jwt\"",
      "\"cty\":1",
      "\"zip\":\"DEF\"",
      "\"enc\":\"A128GCM\"",
      "\"epk\":{}",
      "\"p2c\":2147483647",
      "\"p2s\":\"AAAA\"",
      "\"apu\":\"AAAA\"",
      "\"apv\":\"AAAA\"",
      "\"typ\":\"at+jwt\"",
      "\"typ\":\"application/at+jwt\"",
      "\"typ\":\"dpop+jwt\"",
      "\"typ\":\"logout+jwt\"",
      "\"typ\":\"secevent+jwt\"",
      "\"typ\":\"oauth-authz-req+jwt\"",
      "\"typ\":\"x\"",
      "\"typ\":1",
      "\"typ\":null",
  };
  for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
    jose_refuses(w, place,
                 jose_by_head(w, place, EC_1, us_text(w, "{\"alg\":\"ES256\",\"kid\":\"k1\",%s}", members[i])),
                 members[i]);
  /* A token that brings its own key, under our kid, under its own, under none. */
  static const char *const kids[] = {",\"kid\":\"k1\"", ",\"kid\":\"mine\"", ""};
  for (size_t i = 0; i < 3; i++) {
    const char *head = us_text(w, "{\"alg\":\"ES256\"%s,\"jwk\":%s}", kids[i], jwk(w, EC_2, kids[i]));
    jose_refuses(w, place, jose_by_head(w, place, EC_2, head), head);
  }
  jose_refuses(
      w, place,
      jose_by_head(w, place, EC_1, us_text(w, "{\"alg\":\"ES256\",\"kid\":\"k1\",\"jwk\":%s}", jwk(w, EC_1, ""))),
      "jwk, even the right one");
  /* A nested one, and one that is encrypted by name. */
  const char *inner = jose_by_head(w, place, EC_1, JOSE_EC);
  jose_refuses(w, place, jwt(w, EC_1, "{\"alg\":\"ES256\",\"kid\":\"k1\",\"cty\":\"JWT\"}", inner), "nested");
  jose_refuses(w, place, jwt(w, EC_1, JOSE_EC, inner), "nested without saying so");
  static const char jwe[] = "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"zip\":\"DEF\"}";
  static const char pbes2[] =
      "{\"alg\":\"PBES2-HS256+A128KW\",\"enc\":\"A128GCM\",\"p2c\":2147483647,\"p2s\":\"AAAA\"}";
  jose_refuses(w, place, us_text(w, "%s..AAAA.AAAA.AAAA", b64(w, jwe, strlen(jwe))), "five parts");
  jose_refuses(w, place, us_text(w, "%s.AAAA.AAAA.AAAA.AAAA", b64(w, pbes2, strlen(pbes2))), "a billion rounds");
  assert_int_equal(us_world_fetches(w), fetches);
  jose_takes(w, place,
             jose_by_head(w, place, EC_1, "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"JWT\",\"other\":[{\"a\":1}]}"),
             "a member that says nothing to us");
  jose_takes(w, place, jose_by_head(w, place, EC_1, "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"jwt\"}"), "typ jwt");
  if (place->good_typ)
    jose_takes(
        w, place,
        jose_by_head(w, place, EC_1, us_text(w, "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"%s\"}", place->good_typ)),
        place->good_typ);
  jose_is_fine_otherwise(w, place);
}

/* ---- JW-09: a kid is looked up as it is ---- */

static inline void jose_kids(struct us_world *w, const struct jose_place *place) {
  jose_is_fine_otherwise(w, place);
  char long_kid[10 * 1024 + 1];
  memset(long_kid, 'k', sizeof(long_kid) - 1);
  long_kid[sizeof(long_kid) - 1] = '\0';
  const char *kids[] = {"\"\"",
                        "\"k\"",
                        "\"k1 \"",
                        "\"K1\"",
                        "\"k1\\u0000\"",
                        "\"k%\"",
                        "\"k_\"",
                        "\"../../dev/null\"",
                        "\"/dev/null\"",
                        "\"' OR 1=1 --\"",
                        "\"'; DROP TABLE signing_key; --\"",
                        "\"$(id)\"",
                        "\"|id\"",
                        "\"http://127.0.0.1:9/\"",
                        "1",
                        "0",
                        "null",
                        "true",
                        "[\"k1\"]",
                        "{\"a\":\"k1\"}",
                        us_text(w, "\"%.*s\"", US_JWS_MAX_KID_BYTES, long_kid),
                        us_text(w, "\"%.*s\"", US_JWS_MAX_KID_BYTES + 1, long_kid),
                        us_text(w, "\"%s\"", long_kid)};
  unsigned fetches = us_world_fetches(w);
  for (size_t i = 0; i < sizeof(kids) / sizeof(kids[0]); i++)
    jose_refuses(w, place, jose_by_head(w, place, EC_1, us_text(w, "{\"alg\":\"ES256\",\"kid\":%s}", kids[i])),
                 us_text(w, "kid %.60s", kids[i]));
  assert_int_equal(us_world_fetches(w), fetches);
  const char *bare = jose_by_head(w, place, EC_1, "{\"alg\":\"ES256\"}");
  if (place->wants_kid)
    jose_refuses(w, place, bare, "no kid");
  else
    jose_takes(w, place, bare, "no kid, and one key of its algorithm");
  jose_is_fine_otherwise(w, place);
}

/* ---- JW-10: dates, to the second ---- */

static inline void jose_dates(struct us_world *w, const struct jose_place *place) {
  jose_is_fine_otherwise(w, place);
  int64_t now = now_s(w);
  const struct {
    const char *name;
    int64_t last_s, step;
  } limits[] = {{"exp", now - place->leeway_s, -1}, {"nbf", now + 60, 1}, {"iat", now + 60, 1}};
  for (size_t i = 0; i < 3; i++) {
    const char *last = us_text(w, "%lld", (long long)limits[i].last_s);
    const char *past = us_text(w, "%lld", (long long)(limits[i].last_s + limits[i].step));
    jose_takes(w, place, jose_with(w, place, limits[i].name, last),
               us_text(w, "%s at its last second", limits[i].name));
    jose_refuses(w, place, jose_with(w, place, limits[i].name, past), us_text(w, "%s a second past", limits[i].name));
  }
  jose_takes(w, place, jose_with(w, place, "exp", us_text(w, "%lld.5", (long long)now + 10)), "a fraction");
  const char *text = us_text(w, "\"%lld\"", (long long)now + 10);
  const char *flaws[] = {text,
                         "-1",
                         "-0.5",
                         "1e400",
                         "-1e400",
                         "1e300",
                         "true",
                         "null",
                         "[1]",
                         "{}",
                         "\"\"",
                         "NaN",
                         "0x7fffffff",
                         "99999999999999999999",
                         us_text(w, "[%lld]", (long long)now + 10)};
  static const char *const names[] = {"exp", "nbf", "iat"};
  for (size_t i = 0; i < 3; i++) {
    for (size_t j = 0; j < sizeof(flaws) / sizeof(flaws[0]); j++)
      jose_refuses(w, place, jose_with(w, place, names[i], flaws[j]), us_text(w, "%s = %s", names[i], flaws[j]));
  }
  if (place->is_lenient)
    jose_takes(w, place, jose_with(w, place, "exp", NULL), "no exp");
  else
    jose_refuses(w, place, jose_with(w, place, "exp", NULL), "no exp");
  /* And the same token, as time goes by. */
  const char *token = jose_with(w, place, "exp", us_text(w, "%lld", (long long)now + 5));
  const char *twin = jose_with(w, place, "exp", us_text(w, "%lld", (long long)now + 5));
  us_world_advance_ms(w, (5 + place->leeway_s) * 1000);
  jose_takes(w, place, token, "its last second");
  us_world_advance_ms(w, 1000);
  jose_refuses(w, place, twin, "a second later");
  jose_refuses(w, place, token, "a second later, and seen before");
  jose_is_fine_otherwise(w, place);
}

/* ---- JW-11, JW-12: who says it, of whom, and to whom ---- */

static inline void jose_parties(struct us_world *w, const struct jose_place *place) {
  jose_is_fine_otherwise(w, place);
  static const char *const names[] = {"iss", "sub", "aud"};
  for (size_t i = 0; i < 3; i++) {
    const char *json = jose_member(w, place, names[i]);
    bool is_aud = i == 2;
    if (!json) /* says nothing there */
      continue;
    const char *bare = us_text(w, "%.*s", (int)strlen(json) - 2, json + 1);
    const char *last = bare + strlen(bare) - 1;
    const char *turned =
        i == 1 ? "" : us_text(w, "%.*s%c", (int)(last - bare), bare, *last ^ 0x20); /* names of people have no case */
    const char *flaws[] = {"\"\"",
                           "null",
                           "7",
                           "true",
                           "{}",
                           "[]",
                           "[[]]",
                           us_text(w, "\"%s\\u0000\"", bare),
                           us_text(w, "\"%s\\u0000x\"", bare),
                           us_text(w, "{\"a\":%s}", json),
                           us_text(w, "{%s:1}", json),
                           us_text(w, "[[%s]]", json),
                           us_text(w, "[%s,7]", json),
                           us_text(w, "[%s,null]", json)};
    for (size_t j = 0; j < sizeof(flaws) / sizeof(flaws[0]); j++)
      jose_refuses(w, place, jose_with(w, place, names[i], flaws[j]), us_text(w, "%s = %s", names[i], flaws[j]));
    const char *others[] = {"\"other\"",
                            us_text(w, "\"%s/\"", bare),
                            us_text(w, "\"%sx\"", bare),
                            us_text(w, "\" %s\"", bare),
                            us_text(w, "\"%s \"", bare),
                            us_text(w, "\"%.*s\"", (int)(last - bare), bare),
                            us_text(w, "\"%s\"", turned)};
    for (size_t j = 0; j < sizeof(others) / sizeof(others[0]) && !(i == 1 && place->takes_any_sub); j++)
      jose_refuses(w, place, jose_with(w, place, names[i], others[j]), us_text(w, "%s = %s", names[i], others[j]));
    const char *listed = jose_with(w, place, names[i], us_text(w, "[%s]", json));
    if (is_aud)
      jose_takes(w, place, listed, "aud as an array");
    else
      jose_refuses(w, place, listed, us_text(w, "%s as an array", names[i]));
    const char *without = jose_with(w, place, names[i], NULL);
    if (is_aud && place->is_lenient)
      jose_takes(w, place, without, "no aud");
    else
      jose_refuses(w, place, without, us_text(w, "no %s", names[i]));
  }
  jose_is_fine_otherwise(w, place);
}

/* ---- JW-15: size ---- */

/* A good token of exactly so many bytes: blanks behind the header and a long claim. */
static inline const char *jose_long(struct us_world *w, const struct jose_place *place, size_t wanted) {
  char *pad = malloc(wanted + 1);
  memset(pad, 'x', wanted);
  pad[wanted] = '\0';
  for (int blanks = 0; blanks < 4; blanks++) {
    const char *head = us_text(w, "%s%.*s", JOSE_EC, blanks, "   ");
    for (size_t n = wanted * 3 / 4 - strlen(jose_good_claims(w, place)) - strlen(head) - 200; n < wanted; n++) {
      const char *claims = jose_claims(w, place, "pad", us_text(w, "\"%.*s\"", (int)n, pad));
      size_t length = (strlen(head) * 4 + 2) / 3 + 1 + (strlen(claims) * 4 + 2) / 3 + 1 + 86;
      if (length < wanted)
        continue;
      if (length > wanted)
        break;
      free(pad);
      return jwt(w, EC_1, head, claims);
    }
  }
  fail_msg("no token of %zu bytes", wanted);
  return NULL;
}
static inline void jose_sizes(struct us_world *w, const struct jose_place *place) {
  jose_is_fine_otherwise(w, place);
  if (place->longest > 0) {
    const char *longest = jose_long(w, place, place->longest), *longer = jose_long(w, place, place->longest + 1);
    assert_int_equal(strlen(longest), place->longest);
    assert_int_equal(strlen(longer), place->longest + 1);
    jose_takes(w, place, longest, "as long as may be");
    jose_refuses(w, place, longer, "a byte too long");
  }
  char *text = malloc(1024 * 1024 + 1);
  memset(text, 'A', 1024 * 1024);
  text[1024 * 1024] = '\0';
  jose_refuses(w, place, text, "a megabyte");
  const char *good = jose_by_head(w, place, EC_1, JOSE_EC);
  memcpy(text, good, strlen(good) + 1);
  memset(text + strlen(good), 'A', 1024 * 1024 - strlen(good));
  jose_refuses(w, place, text, "a megabyte that begins well");
  free(text);
  jose_is_fine_otherwise(w, place);
}

#endif
