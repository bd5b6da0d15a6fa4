/*
 * Software statements (RFC 7591 2.3, 3.1.1): JWTs in which somebody whom the realm trusts vouches for metadata. Whom it trusts, and
 * by which keys, is the setting softwareStatementIssuers. No such issuer: not approved. Anything else that is wrong: invalid.
 */
#include "crypto/jwk_set.h"
#include "crypto/jws.h"
#include "domain/jwt.h"
#include "domain/registration.h"
#include "json/json.h"

static enum us_code refuse(struct us_cx *cx, const char *why) {
  us_fail(cx, US_E_INVALID_STATEMENT, "The software statement is not valid");
  us_error_detail(cx, "software statement: %s", why);
  return US_E_INVALID_STATEMENT;
}

/* What the parsers say is for the log. */
static enum us_code translate(struct us_cx *cx, enum us_code code) {
  if (code != US_E_INVALID_TOKEN)
    return code;
  struct us_str detail = cx->err.detail;
  us_fail(cx, US_E_INVALID_STATEMENT, "The software statement is not valid");
  cx->err.detail = detail;
  return US_E_INVALID_STATEMENT;
}

/* The keys by which an issuer signs. US_E_UNAPPROVED_STATEMENT: it is none of those the realm trusts. */
static enum us_code keys_of(struct us_cx *cx, const struct us_realm *realm, struct us_str issuer,
                            struct us_jwk_set **ret_set) {
  json_t *issuers = NULL;
  struct us_str keys = US_STR_ABSENT;
  if (issuer.n > 0 && realm->settings.software_issuers.n > 0) {
    US_TRY(us_json_parse(cx, realm->settings.software_issuers, US_E_INTERNAL, &issuers));
    json_t *jwks = json_object_getn(issuers, issuer.p, issuer.n);
    if (jwks != NULL)
      keys = us_json_dump(cx, jwks);
    us_json_drop(cx, issuers);
  }
  if (keys.n == 0)
    return us_fail(cx, US_E_UNAPPROVED_STATEMENT, "The issuer of the software statement is not trusted here");
  enum us_code code = us_jwk_set_load(cx, keys, ret_set);
  if (code == US_E_INVALID_REQUEST) { /* ours to mend: the setting is wrong */
    us_fail_plain(cx, US_E_INTERNAL);
    us_error_detail(cx, "softwareStatementIssuers: the keys of an issuer are no JWK set");
    return US_E_INTERNAL;
  }
  return code;
}

struct candidate {
  const struct us_jwk_set *set;
  size_t index;
};
static const struct us_key *key_of(void *self, enum us_alg alg, struct us_str kid) {
  const struct candidate *candidate = self;
  return us_jwk_set_find(candidate->set, alg, kid, candidate->index);
}

/* JW-13: what else an issuer may sign is not taken for a statement. No type was ever registered for them. */
static bool is_type_ok(struct us_str typ) {
  return typ.n == 0 || us_str_eq_nocase(typ, US_STR("JWT"));
}

/* Without a kid each key of the algorithm is tried; there are few. */
static enum us_code verify(struct us_cx *cx, struct us_str text, const struct us_jws_said *said,
                           const struct us_jwk_set *set, struct us_str *ret_claims) {
  struct candidate candidate = {set, 0};
  struct us_str typ = US_STR_ABSENT;
  enum us_code code = US_E_INVALID_TOKEN;
  if (said->is_mac)
    return refuse(cx, "HS256 is not for statements");
  do {
    code = us_jws_verify(cx, text, key_of, &candidate, ret_claims, &typ);
  } while (code == US_E_INVALID_TOKEN && us_jwk_set_find(set, said->alg, said->kid, ++candidate.index) != NULL);
  if (code == US_OK && !is_type_ok(typ))
    return refuse(cx, "its typ is that of another kind of token");
  return translate(cx, code);
}

/* RFC 7519 4.1: statements need not end, and need not be for us alone; but one that is over, or for others, does not count. */
static const char *flaw_of(struct us_cx *cx, const struct us_realm *realm, const json_t *claims) {
  static const char *const dates[] = {"exp", "nbf", "iat"};
  int64_t now_s = us_cx_now_s(cx), at[3] = {INT64_MAX, 0, 0};
  struct us_str wanted[1] = {realm->issuer};
  const json_t *aud = json_object_get(claims, "aud");
  size_t n = 0;
  bool has = false;
  for (size_t i = 0; i < 3; i++) {
    const json_t *date = json_object_get(claims, dates[i]);
    if (date != NULL && !us_jwt_date(date, &at[i]))
      return "a date is malformed";
  }
  if (at[0] <= now_s)
    return "it has expired";
  if (at[1] > now_s + US_CLOCK_SKEW_S || at[2] > now_s + US_CLOCK_SKEW_S)
    return "it is of the future";
  if (aud != NULL && (!us_jwt_audience(aud, (struct us_strs){wanted, 1}, &n, &has) || !has))
    return "it is for others";
  return NULL;
}

/* `requiredSoftwareStatementAttestedAttributes`: what a client may not say by itself. */
static enum us_code check_attested(struct us_cx *cx, const struct us_realm *realm, const json_t *claims) {
  struct us_strs wanted = realm->settings.software_attested;
  for (size_t i = 0; i < wanted.n; i++) {
    if (json_object_getn(claims, wanted.v[i].p, wanted.v[i].n) == NULL)
      return us_fail(cx, US_E_INVALID_STATEMENT, "The software statement must say something of %.*s",
                     US_STR_ARG(wanted.v[i]));
  }
  return US_OK;
}

static enum us_code overlay(struct us_cx *cx, const json_t *claims, json_t *document) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)claims, name, value) {
    if (us_client_metadata_has(name) && json_object_set(document, name, value) != 0)
      return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  return US_OK;
}

static enum us_code apply_claims(struct us_cx *cx, const struct us_realm *realm, const json_t *claims,
                                 json_t *document) {
  const char *flaw = flaw_of(cx, realm, claims);
  if (flaw != NULL)
    return refuse(cx, flaw);
  US_TRY(check_attested(cx, realm, claims));
  return overlay(cx, claims, document);
}

enum us_code us_software_statement_apply(struct us_cx *cx, const struct us_realm *realm, struct us_str text,
                                         json_t *document) {
  struct us_jws_said said = {0};
  struct us_jwk_set *set = NULL;
  struct us_str claims_json = US_STR_ABSENT;
  json_t *claims = NULL;
  US_TRY(translate(cx, us_jws_peek(cx, text, &said)));
  US_TRY(us_json_parse(cx, said.claims_json, US_E_INVALID_STATEMENT, &claims));
  US_TRY(keys_of(cx, realm, us_jwt_text(claims, "iss"), &set));
  us_json_drop(cx, claims);
  enum us_code code = verify(cx, text, &said, set, &claims_json);
  us_jwk_set_free(set);
  US_TRY(code);
  US_TRY(us_json_parse(cx, claims_json, US_E_INVALID_STATEMENT, &claims));
  return apply_claims(cx, realm, claims, document);
}
