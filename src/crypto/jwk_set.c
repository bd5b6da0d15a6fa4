/* Sets of public keys: see jwk_set.h. */
#include "crypto/jwk_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "json/json.h"

struct member {
  struct us_key *key;
  char thumbprint[US_SHA256_TEXT_BYTES];  /* of the key: RFC 7638 */
  char certificate[US_SHA256_TEXT_BYTES]; /* of the first of x5c; "" without */
};
struct us_jwk_set {
  size_t n;
  struct member v[US_JWK_SET_MAX_KEYS];
};

static const char *text_of(const json_t *jwk, const char *name) {
  const char *text = json_string_value(json_object_get(jwk, name));
  return text != NULL ? text : "";
}

/* RFC 7638 3. The key was loaded: its numbers are canonical text. */
static bool note_thumbprint(struct us_cx *cx, const json_t *jwk, struct member *member) {
  struct us_str text =
      us_key_alg(member->key) == US_ALG_RS256
          ? us_str_fmt(cx->mem, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", text_of(jwk, "e"), text_of(jwk, "n"))
          : us_str_fmt(cx->mem, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", text_of(jwk, "crv"),
                       text_of(jwk, "x"), text_of(jwk, "y"));
  if (text.p == NULL)
    return false;
  us_sha256_text(text, member->thumbprint);
  return true;
}

/* RFC 7517 4.7: the first certificate is of this very key. */
static bool note_certificate(struct us_cx *cx, const json_t *jwk, struct member *member) {
  const json_t *x5c = json_object_get(jwk, "x5c"), *first = json_array_get(x5c, 0);
  if (x5c == NULL)
    return true;
  struct us_str text = {json_string_value(first), json_string_length(first)};
  char *der = us_mem_alloc(cx->mem, US_CERT_MAX_BYTES);
  size_t n = 0;
  if (text.p == NULL || der == NULL || !us_base64_decode(text, der, US_CERT_MAX_BYTES, &n))
    return false;
  struct us_cert *cert = us_cert_new((struct us_str){der, n});
  bool is_its_own = cert != NULL && us_str_eq_c(us_cert_key_thumbprint(cert), member->thumbprint);
  if (is_its_own)
    memcpy(member->certificate, us_cert_thumbprint(cert).p, us_cert_thumbprint(cert).n + 1);
  us_cert_unref(cert);
  return is_its_own;
}

/* A key that cannot be used is passed over: false, and nothing is said. */
static bool load_member(struct us_cx *cx, const json_t *jwk, struct member *member) {
  struct us_str text = us_json_dump(cx, jwk);
  *member = (struct member){0};
  if (json_string_length(json_object_get(jwk, "n")) > (US_JWK_SET_RSA_MAX_BITS / 8 * 4 + 2) / 3)
    return false;
  if (text.p == NULL || us_key_load(cx, text, &member->key) != US_OK) {
    us_error_clear(cx);
    return false;
  }
  if (note_thumbprint(cx, jwk, member) && note_certificate(cx, jwk, member))
    return true;
  us_key_free(member->key);
  return false;
}

/* RFC 7517 9.2, RFC 7591 2: public keys. Whoever sends a private one has given it away, and should hear of it. */
static bool is_private(const json_t *jwk) {
  static const char *const secret[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
  for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
    if (json_object_get(jwk, secret[i]) != NULL)
      return true;
  }
  return false;
}

static enum us_code load(struct us_cx *cx, const json_t *object, struct us_jwk_set *set) {
  const json_t *keys = json_object_get(object, "keys"), *jwk;
  size_t i;
  if (!json_is_array(keys))
    return us_fail(cx, US_E_INVALID_REQUEST, "jwks: must be an object with an array 'keys'");
  if (json_array_size(keys) > US_JWK_SET_MAX_KEYS)
    return us_fail(cx, US_E_INVALID_REQUEST, "jwks: may have %d keys at most", US_JWK_SET_MAX_KEYS);
  json_array_foreach((json_t *)(uintptr_t)keys, i, jwk) {
    if (!json_is_object(jwk))
      return us_fail(cx, US_E_INVALID_REQUEST, "jwks: keys[%zu] must be an object", i);
    if (is_private(jwk))
      return us_fail(cx, US_E_INVALID_REQUEST, "jwks: keys[%zu] is not a public key", i);
    if (load_member(cx, jwk, &set->v[set->n]))
      set->n++;
  }
  return us_mem_is_spent(cx->mem) ? us_fail_plain(cx, US_E_NO_MEMORY) : US_OK;
}

enum us_code us_jwk_set_load(struct us_cx *cx, struct us_str text, struct us_jwk_set **ret_set) {
  json_t *object = NULL;
  if (text.n > US_JWK_SET_MAX_BYTES)
    return us_fail(cx, US_E_INVALID_REQUEST, "jwks: may have %d bytes at most", US_JWK_SET_MAX_BYTES);
  US_TRY(us_json_parse(cx, text, US_E_INVALID_REQUEST, &object));
  struct us_jwk_set *set = calloc(1, sizeof(*set));
  enum us_code code = set != NULL ? load(cx, object, set) : us_fail_plain(cx, US_E_NO_MEMORY);
  us_json_drop(cx, object);
  if (code != US_OK) {
    us_jwk_set_free(set);
    return code;
  }
  *ret_set = set;
  return US_OK;
}

void us_jwk_set_free(struct us_jwk_set *set) {
  for (size_t i = 0; set != NULL && i < set->n; i++)
    us_key_free(set->v[i].key);
  free(set);
}

size_t us_jwk_set_count(const struct us_jwk_set *set) {
  return set->n;
}

const struct us_key *us_jwk_set_find(const struct us_jwk_set *set, enum us_alg alg, struct us_str kid, size_t index) {
  for (size_t i = 0; i < set->n; i++) {
    const struct us_key *key = set->v[i].key;
    bool fits = us_key_alg(key) == alg && (kid.p == NULL || us_str_eq(us_key_kid(key), kid));
    if (fits && index-- == 0)
      return key;
  }
  return NULL;
}

bool us_jwk_set_has_certificate(const struct us_jwk_set *set, struct us_str thumbprint, struct us_str key_thumbprint) {
  for (size_t i = 0; i < set->n; i++) {
    const struct member *m = &set->v[i];
    if (m->certificate[0] ? us_str_eq_c(thumbprint, m->certificate) : us_str_eq_c(key_thumbprint, m->thumbprint))
      return true;
  }
  return false;
}
