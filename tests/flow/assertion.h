/* Words of the stories about assertions and certificates of clients: keys, tokens signed by hand, certificates. */
#ifndef USHER_FLOW_ASSERTION_H
#define USHER_FLOW_ASSERTION_H

#include "flow/oauth.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "crypto/cert.h"
#include "crypto/digest.h"
#include "domain/client_auth.h"
#include "domain/token.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* Pairs that all stories of a program share: making RSA ones takes long. */
enum pair { EC_1, EC_2, RSA_1, RSA_SHORT, PAIRS };
static EVP_PKEY *pairs[PAIRS];
static inline EVP_PKEY *pair_of(enum pair which) {
  if (!pairs[which])
    pairs[which] = which == RSA_1 ? EVP_RSA_gen(2048) : which == RSA_SHORT ? EVP_RSA_gen(1024) : EVP_EC_gen("P-256");
  assert_non_null(pairs[which]);
  return pairs[which];
}

static inline const char *b64(struct us_world *w, const void *bytes, size_t n) {
  char *room = malloc(4 * ((n + 2) / 3) + 1);
  us_base64url_encode(bytes, n, room);
  const char *text = us_text(w, "%s", room);
  free(room);
  return text;
}
static inline const char *number_of(struct us_world *w, EVP_PKEY *pkey, const char *name, int width) {
  uint8_t bytes[512];
  BIGNUM *number = NULL;
  assert_int_equal(EVP_PKEY_get_bn_param(pkey, name, &number), 1);
  int n = width ? BN_bn2binpad(number, bytes, width) : BN_bn2bin(number, bytes);
  BN_free(number);
  assert_true(n > 0);
  return b64(w, bytes, (size_t)n);
}
/* The public key; `more` are further members, each behind a comma. */
static inline const char *jwk(struct us_world *w, enum pair which, const char *more) {
  EVP_PKEY *pkey = pair_of(which);
  if (EVP_PKEY_is_a(pkey, "RSA"))
    return us_text(w, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}", number_of(w, pkey, OSSL_PKEY_PARAM_RSA_N, 0),
                   number_of(w, pkey, OSSL_PKEY_PARAM_RSA_E, 0), more);
  return us_text(w, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"%s}",
                 number_of(w, pkey, OSSL_PKEY_PARAM_EC_PUB_X, 32), number_of(w, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, 32),
                 more);
}
static inline const char *jwks(struct us_world *w, enum pair which, const char *kid) {
  return us_text(w, "{\"keys\":[%s]}", jwk(w, which, kid ? us_text(w, ",\"kid\":\"%s\"", kid) : ""));
}

/* Signs two parts as they stand; for EC as ES256 wants it, or as OpenSSL makes it (`as_der`). */
static inline const char *signed_by(struct us_world *w, enum pair which, const char *head, const char *body,
                                    bool as_der) {
  const char *input = us_text(w, "%s.%s", head, body);
  uint8_t sig[1024], raw[64];
  size_t n = sizeof(sig);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, pair_of(which), NULL), 1);
  assert_int_equal(EVP_DigestSign(ctx, sig, &n, (const uint8_t *)input, strlen(input)), 1);
  EVP_MD_CTX_free(ctx);
  if (which <= EC_2 && !as_der) {
    const uint8_t *at = sig;
    ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &at, (long)n);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(numbers), raw, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(numbers), raw + 32, 32), 32);
    ECDSA_SIG_free(numbers);
    return us_text(w, "%s.%s", input, b64(w, raw, 64));
  }
  return us_text(w, "%s.%s", input, b64(w, sig, n));
}
static inline const char *jwt(struct us_world *w, enum pair which, const char *head, const char *claims) {
  return signed_by(w, which, b64(w, head, strlen(head)), b64(w, claims, strlen(claims)), false);
}
static inline const char *hs256(struct us_world *w, struct us_str secret, const char *head, const char *claims) {
  const char *input = us_text(w, "%s.%s", b64(w, head, strlen(head)), b64(w, claims, strlen(claims)));
  uint8_t mac[US_SHA256_BYTES];
  us_hmac_sha256(secret, us_str_c(input), mac);
  return us_text(w, "%s.%s", input, b64(w, mac, sizeof(mac)));
}

static inline int64_t now_s(struct us_world *w) {
  return us_world_now_ms(w) / 1000;
}
/* Good claims of a client, with a jti of their own. */
static inline const char *claims_of(struct us_world *w, const char *client, const char *aud) {
  static unsigned n;
  return us_text(w, "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"exp\":%lld,\"iat\":%lld,\"jti\":\"j%u\"}", client,
                 client, aud, (long long)now_s(w) + 60, (long long)now_s(w), ++n);
}
/* The same with one member of another value (JSON), or without it (NULL). */
static inline const char *with(struct us_world *w, const char *claims, const char *member, const char *value) {
  json_t *object = json_loads(claims, 0, NULL);
  json_t *other = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
  assert_non_null(object);
  if (value) {
    assert_non_null(other);
    json_object_set_new(object, member, other);
  } else {
    json_object_del(object, member);
  }
  char *text = json_dumps(object, JSON_COMPACT);
  const char *copy = us_text(w, "%s", text);
  free(text);
  json_decref(object);
  return copy;
}

/* ---- Clients ---- */

/* A client for client_credentials, made by `fill` from one that has no method yet. */
struct assertion_client {
  struct us_world *w;
  const char *id, *realm;
  void (*fill)(struct us_cx *cx, struct us_client *client, const void *more);
  const void *more;
  enum us_code code;
  char text[256];
};
static inline enum us_code assertion_client_step(struct us_cx *cx, void *self) {
  struct assertion_client *step = self;
  const struct us_snapshot *snapshot = us_snapshot_ref(us_world_services(step->w)->snapshots);
  int64_t realm_id = us_snapshot_realm(snapshot, us_str_c(step->realm))->id, ref = 0;
  us_snapshot_unref(snapshot);
  struct us_client client = {.client_id = us_str_c(step->id),
                             .is_active = true,
                             .grants = words(cx->mem, "client_credentials"),
                             .scopes = words(cx->mem, "openid")};
  step->fill(cx, &client, step->more);
  step->code = us_client_create(cx, realm_id, &client, &ref);
  snprintf(step->text, sizeof(step->text), "%.*s", US_STR_ARG(cx->err.text));
  return step->code;
}
static inline enum us_code try_client(struct us_world *w, const char *id,
                                      void (*fill)(struct us_cx *cx, struct us_client *client, const void *more),
                                      const void *more) {
  struct assertion_client step = {.w = w, .id = id, .realm = "/alpha", .fill = fill, .more = more};
  us_world_advance_ms(w, 1);
  return us_world_transact(w, assertion_client_step, &step);
}
static inline void fill_private_key(struct us_cx *cx, struct us_client *client, const void *set) {
  (void)cx;
  client->auth_method = US_STR("private_key_jwt");
  client->jwks = us_str_c(set);
}
static inline void fill_jwks_uri(struct us_cx *cx, struct us_client *client, const void *url) {
  (void)cx;
  client->auth_method = US_STR("private_key_jwt");
  client->jwks_uri = us_str_c(url);
}
static inline void private_key_client(struct us_world *w, const char *id, const char *set) {
  assert_int_equal(try_client(w, id, fill_private_key, set), US_OK);
}

/* A form with an assertion. */
static inline struct us_reply show(struct us_world *w, const char *target, const char *assertion, const char *form) {
  return send_form(w, target, NULL,
                   us_text(w, "%s&client_assertion_type=%s&client_assertion=%s", form, us_enc(w, ASSERTION_TYPE),
                           us_enc(w, assertion)));
}
#define GRANT "grant_type=client_credentials&scope=openid"

#endif
