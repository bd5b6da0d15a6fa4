/*
 * Compact JWS (RFC 7515) in and out.
 *
 * libcjose does the signatures; everything that decides whether a token may be looked at at all is decided here first,
 * in this order: size, parts, alphabet, header, key, length of the signature. Claims are parsed only once the signature
 * holds. What libcjose 0.6.2 would let through by itself: any algorithm of the key's family, crit and b64, padding and
 * unused bits in base64url, repeated members, an ES256 signature of 65 bytes. What it would end the process for (an
 * assert in its base64 decoder): a '=' in some places.
 */
#include "crypto/jws.h"

#include <openssl/err.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/key_impl.h"
#include "json/json.h"

struct parts {
  struct us_str header;
  struct us_str payload;
  struct us_str signature;
};

struct header {
  enum us_alg alg;
  bool is_mac; /* HS256: alg is then US_ALG_NONE */
  struct us_str kid;
  struct us_str typ;
};

/* Members that make a token refused, whatever their value:
 * RFC 7515 4.1.11 crit (we understand no extension) and RFC 7797 b64; RFC 8725 3.10 keys and addresses in the header;
 * RFC 8725 3.3 and RFC 7516 4.1 whatever belongs to encrypted or compressed tokens. */
static const char *const refused_members[] = {"crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256",
                                              "zip",  "enc", "epk", "p2c", "p2s", "apu", "apv"};

/* The code is returned as a constant, so that a refusal does not hang on what the error machinery gives back. */
static enum us_code flaw(struct us_cx *cx, const char *detail) {
  us_fail_plain(cx, US_E_INVALID_TOKEN);
  us_error_detail(cx, "JWS: %s", detail);
  return US_E_INVALID_TOKEN;
}

/* RFC 7515 7.1: three parts, none empty. Five parts are an encrypted token (JW-14). */
static enum us_code split(struct us_cx *cx, struct us_str compact, struct parts *ret_parts) {
  const char *end = compact.p + compact.n;
  const char *first = memchr(compact.p, '.', compact.n);
  const char *second = first != NULL ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
  if (second == NULL || memchr(second + 1, '.', (size_t)(end - second - 1)) != NULL)
    return flaw(cx, "not three parts");
  struct parts parts = {{compact.p, (size_t)(first - compact.p)},
                        {first + 1, (size_t)(second - first - 1)},
                        {second + 1, (size_t)(end - second - 1)}};
  if (parts.header.n == 0 || parts.payload.n == 0 || parts.signature.n == 0)
    return flaw(cx, "an empty part");
  *ret_parts = parts;
  return US_OK;
}

static enum us_code decode(struct us_cx *cx, struct us_str part, struct us_str *ret_bytes) {
  size_t room = part.n / 4 * 3 + 3;
  char *bytes = us_mem_alloc(cx->mem, room);
  if (bytes == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  size_t n = 0;
  if (!us_base64url_decode(part, bytes, room, &n))
    return flaw(cx, "not canonical base64url");
  *ret_bytes = (struct us_str){bytes, n};
  return US_OK;
}

/* The parser writes for the author of a body; here its words are for the log. */
static enum us_code parse_object(struct us_cx *cx, struct us_str text, json_t **ret_object) {
  json_t *value = NULL;
  enum us_code code = us_json_parse(cx, text, US_E_INVALID_TOKEN, &value);
  if (code == US_E_INVALID_TOKEN) {
    struct us_str words = cx->err.text;
    us_fail_plain(cx, US_E_INVALID_TOKEN);
    us_error_detail(cx, "JWS: %.*s", US_STR_ARG(words));
    return US_E_INVALID_TOKEN;
  }
  if (code != US_OK)
    return code;
  if (!json_is_object(value)) {
    us_json_drop(cx, value);
    return flaw(cx, "not a JSON object");
  }
  *ret_object = value;
  return US_OK;
}

static bool is_text_or_missing(const json_t *value) {
  return value == NULL || json_is_string(value);
}

static struct us_str text_of(const json_t *value) {
  return value != NULL ? (struct us_str){json_string_value(value), json_string_length(value)} : US_STR_ABSENT;
}

/* RFC 7519 5.2: the media type of a nested JWT, short and whole. */
static bool is_nested(struct us_str cty) {
  return us_str_eq_nocase(cty, US_STR("JWT")) || us_str_eq_nocase(cty, US_STR("application/jwt"));
}

static enum us_code read_header(struct us_cx *cx, const json_t *object, struct header *ret_header) {
  for (size_t i = 0; i < sizeof(refused_members) / sizeof(refused_members[0]); i++)
    if (json_object_get(object, refused_members[i]) != NULL)
      return flaw(cx, refused_members[i]);

  const json_t *kid = json_object_get(object, "kid");
  const json_t *typ = json_object_get(object, "typ");
  const json_t *cty = json_object_get(object, "cty");
  if (!is_text_or_missing(kid) || !is_text_or_missing(typ) || !is_text_or_missing(cty))
    return flaw(cx, "kid, typ or cty is not a string");
  if (json_string_length(kid) > US_JWS_MAX_KID_BYTES)
    return flaw(cx, "kid is too long");
  if (is_nested(text_of(cty)))
    return flaw(cx, "nested JWT");

  /* RFC 8725 3.1, 3.2: exact spelling of what we offer; "none" and all others end here. */
  const json_t *alg = json_object_get(object, "alg");
  struct us_str name = json_is_string(alg) ? text_of(alg) : US_STR_ABSENT;
  struct header header = {us_alg_parse(name), us_str_eq_c(name, "HS256"), US_STR_ABSENT, US_STR_ABSENT};
  if (header.alg == US_ALG_NONE && !header.is_mac)
    return flaw(cx, "alg is not offered");
  header.kid = us_str_dup(cx->mem, text_of(kid));
  header.typ = us_str_dup(cx->mem, text_of(typ));
  if ((kid != NULL && header.kid.p == NULL) || (typ != NULL && header.typ.p == NULL))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_header = header;
  return US_OK;
}

static enum us_code check_header(struct us_cx *cx, struct us_str part, struct header *ret_header) {
  struct us_str text = US_STR_ABSENT;
  json_t *object = NULL;
  US_TRY(decode(cx, part, &text));
  US_TRY(parse_object(cx, text, &object));
  enum us_code code = read_header(cx, object, ret_header);
  us_json_drop(cx, object);
  return code;
}

/* RFC 7518 3.3, 3.4: one length a key; DER and its like have others. */
static enum us_code check_signature_form(struct us_cx *cx, struct us_str part, const struct us_key *key) {
  struct us_str signature = US_STR_ABSENT;
  US_TRY(decode(cx, part, &signature));
  return signature.n == key->signature_bytes ? US_OK : flaw(cx, "signature of another length than the key's");
}

/* RFC 7518 3.2. */
static enum us_code check_mac(struct us_cx *cx, struct us_str compact, const struct parts *parts,
                              struct us_str secret) {
  struct us_str shown = US_STR_ABSENT;
  uint8_t mac[US_SHA256_BYTES];
  US_TRY(decode(cx, parts->signature, &shown));
  us_hmac_sha256(secret, (struct us_str){compact.p, parts->header.n + 1 + parts->payload.n}, mac);
  if (shown.n != sizeof(mac) || !us_equal_ct(shown.p, mac, sizeof(mac)))
    return flaw(cx, "the signature does not hold");
  return US_OK;
}

static enum us_code check_signature(struct us_cx *cx, struct us_str compact, const struct us_key *key) {
  cjose_err err = {.code = CJOSE_ERR_NONE};
  cjose_jws_t *jws = cjose_jws_import(compact.p, compact.n, &err);
  bool holds = jws != NULL && cjose_jws_verify(jws, key->jwk, &err);
  cjose_jws_release(jws);
  if (holds)
    return US_OK;
  /* What OpenSSL noted must not be found later by the TLS code of this thread. */
  ERR_clear_error();
  if (err.code == CJOSE_ERR_NO_MEMORY)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return flaw(cx, "the signature does not hold");
}

/* RFC 7519 4, 7.2: claims are one JSON object without repeated names (JW-06). */
static enum us_code check_claims(struct us_cx *cx, struct us_str text) {
  json_t *object = NULL;
  US_TRY(parse_object(cx, text, &object));
  us_json_drop(cx, object);
  return US_OK;
}

static enum us_code open_up(struct us_cx *cx, struct us_str compact, struct parts *ret_parts,
                            struct header *ret_header) {
  if (compact.p == NULL || compact.n > US_JWS_MAX_BYTES)
    return flaw(cx, "absent or too long");
  US_TRY(split(cx, compact, ret_parts));
  return check_header(cx, ret_parts->header, ret_header);
}

enum us_code us_jws_peek(struct us_cx *cx, struct us_str compact, struct us_jws_said *ret_said) {
  struct parts parts = {US_STR_ABSENT, US_STR_ABSENT, US_STR_ABSENT};
  struct header header = {0};
  struct us_str claims = US_STR_ABSENT;
  US_TRY(open_up(cx, compact, &parts, &header));
  US_TRY(decode(cx, parts.payload, &claims));
  US_TRY(check_claims(cx, claims));
  *ret_said = (struct us_jws_said){
      .alg = header.alg, .is_mac = header.is_mac, .kid = header.kid, .typ = header.typ, .claims_json = claims};
  return US_OK;
}

enum us_code us_jws_verify_mac(struct us_cx *cx, struct us_str compact, struct us_str secret,
                               struct us_str *ret_claims_json, struct us_str *ret_typ) {
  struct parts parts = {US_STR_ABSENT, US_STR_ABSENT, US_STR_ABSENT};
  struct header header = {0};
  struct us_str claims = US_STR_ABSENT;
  if (secret.n < US_JWS_MAC_SECRET_MIN_BYTES)
    return flaw(cx, "the secret is too short for HS256");
  US_TRY(open_up(cx, compact, &parts, &header));
  if (!header.is_mac)
    return flaw(cx, "its alg is not HS256");
  US_TRY(decode(cx, parts.payload, &claims));
  US_TRY(check_mac(cx, compact, &parts, secret));
  US_TRY(check_claims(cx, claims));
  *ret_claims_json = claims;
  *ret_typ = header.typ;
  return US_OK;
}

enum us_code us_jws_verify(struct us_cx *cx, struct us_str compact, us_jws_key_fn key_of, void *self,
                           struct us_str *ret_claims_json, struct us_str *ret_typ) {
  struct parts parts = {US_STR_ABSENT, US_STR_ABSENT, US_STR_ABSENT};
  struct header header = {0};
  struct us_str claims = US_STR_ABSENT;
  US_TRY(open_up(cx, compact, &parts, &header));
  if (header.is_mac) /* JW-03: a public key is no secret */
    return flaw(cx, "alg is not offered");
  const struct us_key *key = key_of(self, header.alg, header.kid);
  if (key == NULL || key->alg != header.alg)
    return flaw(cx, "no trusted key for its alg and kid");
  /* All three parts are decoded by us before libcjose sees one: some padding ends the process in its decoder. */
  US_TRY(check_signature_form(cx, parts.signature, key));
  US_TRY(decode(cx, parts.payload, &claims));
  US_TRY(check_signature(cx, compact, key));
  US_TRY(check_claims(cx, claims));
  *ret_claims_json = claims;
  *ret_typ = header.typ;
  return US_OK;
}

static cjose_header_t *new_header(const struct us_key *key, const char *typ) {
  cjose_header_t *header = cjose_header_new(NULL);
  if (header == NULL)
    return NULL;
  if (!cjose_header_set(header, CJOSE_HDR_ALG, us_alg_name(key->alg), NULL) ||
      (key->kid.p != NULL && !cjose_header_set(header, CJOSE_HDR_KID, key->kid.p, NULL)) ||
      (typ != NULL && !cjose_header_set(header, "typ", typ, NULL))) {
    cjose_header_release(header);
    return NULL;
  }
  return header;
}

static enum us_code write_compact(struct us_cx *cx, cjose_jws_t *jws, struct us_str *ret_compact) {
  const char *text = NULL;
  if (!cjose_jws_export(jws, &text, NULL) || text == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  size_t n = strlen(text);
  /* We would not take it back ourselves. */
  if (n > US_JWS_MAX_BYTES) {
    us_fail_plain(cx, US_E_INTERNAL);
    return us_error_detail(cx, "JWS: %zu bytes are too long to be sent out", n);
  }
  char *copy = us_mem_secret(cx->mem, n + 1);
  if (copy == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  memcpy(copy, text, n + 1);
  *ret_compact = (struct us_str){copy, n};
  return US_OK;
}

enum us_code us_jws_sign(struct us_cx *cx, const struct us_key *key, const char *typ, struct us_str claims,
                         struct us_str *ret_compact) {
  if (!key->is_private || claims.p == NULL || claims.n > US_JWS_MAX_BYTES) {
    us_fail_plain(cx, US_E_INTERNAL);
    return us_error_detail(cx, "JWS: %s", key->is_private ? "claims absent or too long" : "a public key cannot sign");
  }
  cjose_err err = {.code = CJOSE_ERR_NONE};
  cjose_header_t *header = new_header(key, typ);
  cjose_jws_t *jws =
      header != NULL ? cjose_jws_sign(key->jwk, header, (const uint8_t *)claims.p, claims.n, &err) : NULL;
  if (header != NULL)
    cjose_header_release(header);
  if (jws == NULL) {
    ERR_clear_error();
    us_fail_plain(cx, header == NULL || err.code == CJOSE_ERR_NO_MEMORY ? US_E_NO_MEMORY : US_E_INTERNAL);
    return us_error_detail(cx, "JWS: signing failed: %s", err.message != NULL ? err.message : "out of memory");
  }
  enum us_code code = write_compact(cx, jws, ret_compact);
  cjose_jws_release(jws);
  return code;
}
