/*
 * Signing keys as JWK (RFC 7517), made by OpenSSL and kept in libcjose's form.
 *
 * Loading is where a key is judged, so that using it needs no more checks: the JWK is read by our strict parser, its
 * kty, alg, use and key_ops must fit signing, its numbers must be sound (EVP_PKEY_public_check), and a private key must
 * make a signature that its own public members accept. libcjose is handed decoded numbers, never text from outside: by
 * itself it would ignore x and y beside a d, and take any size.
 */
#include "crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "crypto/key_impl.h"
#include "crypto/random.h"
#include "json/json.h"

#define P256_BYTES 32
#define RSA_MAX_BYTES (US_KEY_RSA_MAX_BITS / 8)
#define KID_RANDOM_BYTES 16

/* A number out of a JWK, big-endian, in memory that is wiped when the context goes. */
struct number {
  uint8_t *p;
  size_t n;
};

/* What of a JWK may never be seen (RFC 7518 6.2.2, 6.3.2, 6.4). */
static const char *const secret_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

const char *us_alg_name(enum us_alg alg) {
  switch (alg) {
  case US_ALG_RS256:
    return "RS256";
  case US_ALG_ES256:
    return "ES256";
  case US_ALG_NONE:
    break;
  }
  return "none";
}

enum us_alg us_alg_parse(struct us_str name) {
  if (us_str_eq_c(name, "RS256"))
    return US_ALG_RS256;
  if (us_str_eq_c(name, "ES256"))
    return US_ALG_ES256;
  return US_ALG_NONE;
}

enum us_alg us_key_alg(const struct us_key *key) {
  return key->alg;
}
struct us_str us_key_kid(const struct us_key *key) {
  return key->kid;
}
struct us_str us_key_public_jwk(const struct us_key *key) {
  return key->public_jwk;
}

void us_key_free(struct us_key *key) {
  if (key == NULL)
    return;
  if (key->jwk != NULL)
    cjose_jwk_release(key->jwk);
  free((char *)key->kid.p);
  free((char *)key->public_jwk.p);
  free(key);
}

/* Generating. */

static EVP_PKEY *pkey_generate(enum us_alg alg) {
  if (alg == US_ALG_RS256)
    return EVP_RSA_gen(US_KEY_RSA_MIN_BITS);
  return EVP_EC_gen("P-256");
}

/* Adds ,"name":"number" to the text, the number in `width` bytes, or in as many as it needs when `width` is 0. */
static bool add_number(char *text, size_t room, const EVP_PKEY *pkey, const char *param, const char *name, int width) {
  uint8_t bytes[RSA_MAX_BYTES];
  char encoded[RSA_MAX_BYTES * 4 / 3 + 4];
  BIGNUM *number = NULL;
  bool ok = EVP_PKEY_get_bn_param(pkey, param, &number) == 1;
  if (ok) {
    int n = width != 0 ? width : BN_num_bytes(number);
    ok = n <= RSA_MAX_BYTES && BN_bn2binpad(number, bytes, n) == n;
    if (ok)
      us_base64url_encode(bytes, (size_t)n, encoded);
  }
  if (ok) {
    size_t at = strlen(text);
    int added = snprintf(text + at, room - at, ",\"%s\":\"%s\"", name, encoded);
    ok = added > 0 && (size_t)added < room - at;
  }
  BN_clear_free(number);
  OPENSSL_cleanse(bytes, sizeof(bytes));
  OPENSSL_cleanse(encoded, sizeof(encoded));
  return ok;
}

static bool add_rsa_numbers(char *text, size_t room, const EVP_PKEY *pkey) {
  return add_number(text, room, pkey, OSSL_PKEY_PARAM_RSA_N, "n", 0) &&
         add_number(text, room, pkey, OSSL_PKEY_PARAM_RSA_E, "e", 0) &&
         add_number(text, room, pkey, OSSL_PKEY_PARAM_RSA_D, "d", 0) &&
         add_number(text, room, pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, "p", 0) &&
         add_number(text, room, pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, "q", 0) &&
         add_number(text, room, pkey, OSSL_PKEY_PARAM_RSA_EXPONENT1, "dp", 0) &&
         add_number(text, room, pkey, OSSL_PKEY_PARAM_RSA_EXPONENT2, "dq", 0) &&
         add_number(text, room, pkey, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, "qi", 0);
}

static bool add_ec_numbers(char *text, size_t room, const EVP_PKEY *pkey) {
  return add_number(text, room, pkey, OSSL_PKEY_PARAM_EC_PUB_X, "x", P256_BYTES) &&
         add_number(text, room, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, "y", P256_BYTES) &&
         add_number(text, room, pkey, OSSL_PKEY_PARAM_PRIV_KEY, "d", P256_BYTES);
}

/* Nothing in the text needs escaping: names are ours and the rest is base64url. */
static bool write_private_jwk(char *text, size_t room, const EVP_PKEY *pkey, enum us_alg alg) {
  uint8_t random[KID_RANDOM_BYTES];
  char kid[KID_RANDOM_BYTES * 4 / 3 + 4];
  us_random(random, sizeof(random));
  us_base64url_encode(random, sizeof(random), kid);

  bool is_rsa = alg == US_ALG_RS256;
  int n = snprintf(text, room, "{\"kty\":\"%s\",\"kid\":\"%s\",\"use\":\"sig\",\"alg\":\"%s\"%s", is_rsa ? "RSA" : "EC",
                   kid, us_alg_name(alg), is_rsa ? "" : ",\"crv\":\"P-256\"");
  if (n < 0 || (size_t)n >= room)
    return false;
  if (!(is_rsa ? add_rsa_numbers(text, room, pkey) : add_ec_numbers(text, room, pkey)))
    return false;
  size_t at = strlen(text);
  if (at + 2 > room)
    return false;
  memcpy(text + at, "}", 2);
  return true;
}

enum us_code us_key_generate(struct us_cx *cx, enum us_alg alg, struct us_str *ret_private_jwk) {
  if (alg != US_ALG_RS256 && alg != US_ALG_ES256)
    return us_fail(cx, US_E_INVALID_REQUEST, "keys are made for RS256 and ES256 only");
  char *text = us_mem_secret(cx->mem, US_KEY_MAX_JWK_BYTES);
  if (text == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);

  EVP_PKEY *pkey = pkey_generate(alg);
  bool ok = pkey != NULL && write_private_jwk(text, US_KEY_MAX_JWK_BYTES, pkey, alg);
  EVP_PKEY_free(pkey);
  if (!ok) {
    ERR_clear_error();
    us_fail_plain(cx, US_E_INTERNAL);
    return us_error_detail(cx, "an %s key could not be generated", us_alg_name(alg));
  }
  *ret_private_jwk = us_str_c(text);
  return US_OK;
}

/* Loading: the members that say what the key is for. */

static struct us_str string_member(const json_t *jwk, const char *name) {
  const json_t *value = json_object_get(jwk, name);
  if (!json_is_string(value))
    return US_STR_ABSENT;
  return (struct us_str){json_string_value(value), json_string_length(value)};
}

static enum us_code unfit(struct us_cx *cx, const char *member, const char *rule) {
  return us_fail(cx, US_E_INVALID_REQUEST, "key: '%s' %s", member, rule);
}

/* RFC 7517 4.3: the operations must be those of a signing key, without repeats. */
static enum us_code check_key_ops(struct us_cx *cx, const json_t *jwk) {
  const json_t *ops = json_object_get(jwk, "key_ops");
  if (ops == NULL)
    return US_OK;
  if (!json_is_array(ops))
    return unfit(cx, "key_ops", "must be an array");

  size_t signs = 0;
  size_t verifies = 0;
  for (size_t i = 0; i < json_array_size(ops); i++) {
    const char *op = json_string_value(json_array_get(ops, i));
    if (op != NULL && strcmp(op, "sign") == 0)
      signs++;
    else if (op != NULL && strcmp(op, "verify") == 0)
      verifies++;
    else
      return unfit(cx, "key_ops", "may hold sign and verify only");
  }
  bool is_private = json_object_get(jwk, "d") != NULL;
  if (signs > 1 || verifies > 1 || (is_private ? signs : verifies) == 0)
    return unfit(cx, "key_ops", "must name the key's operation once");
  return US_OK;
}

/* RFC 7517 4.1-4.4. An outside key may leave alg out (optional there); its type then says which of ours it is for. */
static enum us_code check_purpose(struct us_cx *cx, const json_t *jwk, enum us_alg *ret_alg) {
  struct us_str kty = string_member(jwk, "kty");
  enum us_alg alg = US_ALG_NONE;
  if (us_str_eq_c(kty, "RSA"))
    alg = US_ALG_RS256;
  if (us_str_eq_c(kty, "EC"))
    alg = US_ALG_ES256;
  if (alg == US_ALG_NONE)
    return unfit(cx, "kty", "must be RSA or EC");
  if (json_object_get(jwk, "alg") != NULL && us_alg_parse(string_member(jwk, "alg")) != alg)
    return unfit(cx, "alg", "must be RS256 for an RSA key and ES256 for an EC key");
  if (json_object_get(jwk, "use") != NULL && !us_str_eq_c(string_member(jwk, "use"), "sig"))
    return unfit(cx, "use", "must be sig");
  US_TRY(check_key_ops(cx, jwk));
  *ret_alg = alg;
  return US_OK;
}

/* A key of ours needs a kid, because JWKS shows it (JW-18); the public key of somebody else may have none. */
static enum us_code check_kid(struct us_cx *cx, const json_t *jwk) {
  const json_t *value = json_object_get(jwk, "kid");
  if (value == NULL && json_object_get(jwk, "d") == NULL)
    return US_OK;
  struct us_str kid = string_member(jwk, "kid");
  if (kid.p == NULL || kid.n == 0 || kid.n > US_JWS_MAX_KID_BYTES)
    return us_fail(cx, US_E_INVALID_REQUEST, "key: 'kid' must be a string of 1 to %d bytes", US_JWS_MAX_KID_BYTES);
  return US_OK;
}

/* Loading: the numbers. */

static enum us_code read_number(struct us_cx *cx, const json_t *jwk, const char *name, size_t max_bytes,
                                struct number *ret_number) {
  struct us_str text = string_member(jwk, name);
  if (text.p == NULL || text.n == 0)
    return unfit(cx, name, "is missing");
  if (text.n > (max_bytes * 4 + 2) / 3)
    return unfit(cx, name, "is too long");
  struct number number = {us_mem_secret(cx->mem, max_bytes), 0};
  if (number.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (!us_base64url_decode(text, number.p, max_bytes, &number.n))
    return unfit(cx, name, "must be base64url without padding");
  *ret_number = number;
  return US_OK;
}

/* RFC 7518 2, Base64urlUInt: as few bytes as the number needs. */
static enum us_code read_uint(struct us_cx *cx, const json_t *jwk, const char *name, size_t max_bytes,
                              struct number *ret_number) {
  struct number number = {NULL, 0};
  US_TRY(read_number(cx, jwk, name, max_bytes, &number));
  if (number.p[0] == 0)
    return unfit(cx, name, "must not begin with a zero byte");
  *ret_number = number;
  return US_OK;
}

/* RFC 7518 6.2.1.2, 6.2.2.1: the full width of the curve. */
static enum us_code read_p256(struct us_cx *cx, const json_t *jwk, const char *name, struct number *ret_number) {
  struct number number = {NULL, 0};
  US_TRY(read_number(cx, jwk, name, P256_BYTES, &number));
  if (number.n != P256_BYTES)
    return unfit(cx, name, "must have 32 bytes");
  *ret_number = number;
  return US_OK;
}

static bool public_key_is_sound(const char *type, OSSL_PARAM *params) {
  EVP_PKEY *pkey = NULL;
  EVP_PKEY_CTX *build = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
  EVP_PKEY_CTX *check = NULL;
  /* fromdata already refuses a point off the curve; the check adds the sizes, the order and the shape of n. */
  bool ok = build != NULL && EVP_PKEY_fromdata_init(build) == 1 &&
            EVP_PKEY_fromdata(build, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;
  if (ok) {
    check = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    ok = check != NULL && EVP_PKEY_public_check(check) == 1;
  }
  EVP_PKEY_CTX_free(check);
  EVP_PKEY_CTX_free(build);
  EVP_PKEY_free(pkey);
  return ok;
}

static bool rsa_is_sound(const struct number *n, const struct number *e) {
  BIGNUM *bn_n = BN_bin2bn(n->p, (int)n->n, NULL);
  BIGNUM *bn_e = BN_bin2bn(e->p, (int)e->n, NULL);
  OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
  OSSL_PARAM *params = NULL;
  if (bn_n != NULL && bn_e != NULL && build != NULL &&
      OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn_n) == 1 &&
      OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, bn_e) == 1)
    params = OSSL_PARAM_BLD_to_param(build);
  bool ok = params != NULL && public_key_is_sound("RSA", params);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(build);
  BN_free(bn_n);
  BN_free(bn_e);
  return ok;
}

static bool point_is_sound(const struct number *x, const struct number *y) {
  char group[] = "P-256";
  uint8_t point[1 + 2 * P256_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
  memcpy(point + 1, x->p, P256_BYTES);
  memcpy(point + 1 + P256_BYTES, y->p, P256_BYTES);
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
                         OSSL_PARAM_construct_end()};
  return public_key_is_sound("EC", params);
}

static size_t bits_of(const struct number *number) {
  size_t bits = number->n * 8;
  for (uint8_t top = number->p[0]; bits > 0 && (top & 0x80) == 0; top = (uint8_t)(top << 1))
    bits--;
  return bits;
}

/* RFC 7518 3.3 (2048 bits at least) and 6.3. The upper bounds keep a stranger's key from being costly to use. */
static enum us_code load_rsa(struct us_cx *cx, const json_t *jwk, struct us_key *key, cjose_jwk_t **ret_public) {
  cjose_jwk_rsa_keyspec spec = {0};
  struct {
    const char *name;
    uint8_t **p;
    size_t *n;
  } const secrets[] = {{"d", &spec.d, &spec.dlen},    {"p", &spec.p, &spec.plen},    {"q", &spec.q, &spec.qlen},
                       {"dp", &spec.dp, &spec.dplen}, {"dq", &spec.dq, &spec.dqlen}, {"qi", &spec.qi, &spec.qilen}};
  struct number n = {NULL, 0};
  struct number e = {NULL, 0};
  US_TRY(read_uint(cx, jwk, "n", RSA_MAX_BYTES, &n));
  US_TRY(read_uint(cx, jwk, "e", US_KEY_RSA_MAX_EXPONENT_BYTES, &e));
  if (bits_of(&n) < US_KEY_RSA_MIN_BITS)
    return us_fail(cx, US_E_INVALID_REQUEST, "key: 'n' must have %d bits at least", US_KEY_RSA_MIN_BITS);
  if (!rsa_is_sound(&n, &e))
    return unfit(cx, "n", "and 'e' are not an RSA public key");

  spec.n = n.p;
  spec.nlen = n.n;
  spec.e = e.p;
  spec.elen = e.n;
  *ret_public = cjose_jwk_create_RSA_spec(&spec, NULL);
  if (*ret_public == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  key->signature_bytes = n.n;
  if (!key->is_private)
    return US_OK;

  /* RFC 7518 6.3.2.7: more than two primes; OpenSSL's low-level form is not fed with them here. */
  if (json_object_get(jwk, "oth") != NULL)
    return unfit(cx, "oth", "is not supported");
  for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
    struct number secret = {NULL, 0};
    US_TRY(read_uint(cx, jwk, secrets[i].name, n.n, &secret));
    *secrets[i].p = secret.p;
    *secrets[i].n = secret.n;
  }
  key->jwk = cjose_jwk_create_RSA_spec(&spec, NULL);
  return key->jwk != NULL ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

/* RFC 7518 6.2, for P-256 alone. */
static enum us_code load_ec(struct us_cx *cx, const json_t *jwk, struct us_key *key, cjose_jwk_t **ret_public) {
  if (!us_str_eq_c(string_member(jwk, "crv"), "P-256"))
    return unfit(cx, "crv", "must be P-256");
  struct number x = {NULL, 0};
  struct number y = {NULL, 0};
  US_TRY(read_p256(cx, jwk, "x", &x));
  US_TRY(read_p256(cx, jwk, "y", &y));
  if (!point_is_sound(&x, &y))
    return unfit(cx, "x", "and 'y' are not a point on the curve");

  cjose_jwk_ec_keyspec spec = {.crv = CJOSE_JWK_EC_P_256, .x = x.p, .xlen = x.n, .y = y.p, .ylen = y.n};
  *ret_public = cjose_jwk_create_EC_spec(&spec, NULL);
  if (*ret_public == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  key->signature_bytes = 2 * P256_BYTES;
  if (!key->is_private)
    return US_OK;

  struct number d = {NULL, 0};
  US_TRY(read_p256(cx, jwk, "d", &d));
  spec.d = d.p;
  spec.dlen = d.n;
  key->jwk = cjose_jwk_create_EC_spec(&spec, NULL);
  return key->jwk != NULL ? US_OK : unfit(cx, "d", "does not belong to 'x' and 'y'");
}

/* One signature made and checked: the only proof that the private and the public members are of one pair which does not
 * depend on what a library chooses to look at. About 1 ms for RSA. */
static bool pair_belongs_together(const struct us_key *key, const cjose_jwk_t *public_half) {
  static const uint8_t message[] = "is this one pair?";
  cjose_header_t *header = cjose_header_new(NULL);
  bool ok = header != NULL && cjose_header_set(header, CJOSE_HDR_ALG, us_alg_name(key->alg), NULL);
  cjose_jws_t *jws = ok ? cjose_jws_sign(key->jwk, header, message, sizeof(message), NULL) : NULL;
  ok = jws != NULL && cjose_jws_verify(jws, public_half, NULL);
  cjose_jws_release(jws);
  if (header != NULL)
    cjose_header_release(header);
  return ok;
}

/* Loading: what the key remembers of its text. */

/* The members of JWKS in its order (JW-18). The numbers are copied as text, which was found to be canonical. */
static bool set_texts(struct us_key *key, const json_t *jwk) {
  const char *kid = json_string_value(json_object_get(jwk, "kid"));
  bool is_rsa = key->alg == US_ALG_RS256;
  json_t *shown = json_pack("{s:s, s:s*, s:s, s:s}", "kty", is_rsa ? "RSA" : "EC", "kid", kid, "use", "sig", "alg",
                            us_alg_name(key->alg));
  static const char *const rsa_members[] = {"n", "e", NULL};
  static const char *const ec_members[] = {"crv", "x", "y", NULL};
  bool ok = shown != NULL;
  for (const char *const *name = is_rsa ? rsa_members : ec_members; ok && *name != NULL; name++)
    ok = json_object_set(shown, *name, json_object_get(jwk, *name)) == 0;
  if (ok)
    key->public_jwk = us_str_c(json_dumps(shown, JSON_COMPACT));
  json_decref(shown);
  if (!ok || key->public_jwk.p == NULL)
    return false;
  if (kid != NULL)
    key->kid = us_str_c(strdup(kid));
  return kid == NULL || key->kid.p != NULL;
}

static enum us_code fill(struct us_cx *cx, const json_t *jwk, struct us_key *key, cjose_jwk_t **ret_public) {
  US_TRY(check_purpose(cx, jwk, &key->alg));
  US_TRY(check_kid(cx, jwk));
  key->is_private = json_object_get(jwk, "d") != NULL;
  if (key->alg == US_ALG_RS256)
    US_TRY(load_rsa(cx, jwk, key, ret_public));
  else
    US_TRY(load_ec(cx, jwk, key, ret_public));
  if (key->is_private && !pair_belongs_together(key, *ret_public))
    return unfit(cx, "d", "does not belong to the public members");
  if (!set_texts(key, jwk))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return US_OK;
}

static enum us_code load(struct us_cx *cx, const json_t *jwk, struct us_key **ret_key) {
  if (!json_is_object(jwk))
    return us_fail(cx, US_E_INVALID_REQUEST, "key: must be a JSON object");
  struct us_key *key = calloc(1, sizeof(*key));
  if (key == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);

  cjose_jwk_t *public_half = NULL;
  enum us_code code = fill(cx, jwk, key, &public_half);
  if (code == US_OK && !key->is_private) {
    key->jwk = public_half;
    public_half = NULL;
  }
  if (public_half != NULL)
    cjose_jwk_release(public_half);
  if (code != US_OK) {
    us_key_free(key);
    return code;
  }
  *ret_key = key;
  return US_OK;
}

/* jansson frees strings as they are, so the secret ones are overwritten first. Nobody reads them afterwards. */
static void wipe(const json_t *jwk) {
  for (size_t i = 0; i < sizeof(secret_members) / sizeof(secret_members[0]); i++) {
    struct us_str secret = string_member(jwk, secret_members[i]);
    if (secret.p != NULL)
      OPENSSL_cleanse((char *)secret.p, secret.n);
  }
}

enum us_code us_key_load(struct us_cx *cx, struct us_str jwk, struct us_key **ret_key) {
  if (jwk.p == NULL || jwk.n > US_KEY_MAX_JWK_BYTES)
    return us_fail(cx, US_E_INVALID_REQUEST, "key: a JWK may have %d bytes at most", US_KEY_MAX_JWK_BYTES);
  json_t *object = NULL;
  US_TRY(us_json_parse(cx, jwk, US_E_INVALID_REQUEST, &object));

  enum us_code code = load(cx, object, ret_key);
  wipe(object);
  us_json_drop(cx, object);
  /* What OpenSSL noted about a bad key must not be found later by the TLS code of this thread. */
  ERR_clear_error();
  return code;
}
