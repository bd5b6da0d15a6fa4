/* Assertions of clients: see client_assertion.h. */
#include "domain/client_assertion.h"

#include <string.h>

#include "crypto/box.h"
#include "crypto/jws.h"
#include "domain/jwt.h"
#include "store/assertions.h"
#include "json/json.h"

static enum us_code refuse(struct us_cx *cx, const char *why) {
  us_fail_plain(cx, US_E_INVALID_CLIENT);
  us_error_detail(cx, "client assertion: %s", why);
  return US_E_INVALID_CLIENT;
}

/* What the parsers and the signature check say is for the log; the caller hears what everybody hears. */
static enum us_code translate(struct us_cx *cx, enum us_code code) {
  if (code != US_E_INVALID_TOKEN && code != US_E_NOT_FOUND)
    return code;
  struct us_str detail = cx->err.detail;
  us_fail_plain(cx, US_E_INVALID_CLIENT);
  cx->err.detail = detail;
  return US_E_INVALID_CLIENT;
}

/* RFC 7523 3, 1 and 2b: for a client both are its id. */
enum us_code us_assertion_peek(struct us_cx *cx, struct us_str assertion, struct us_jws_said *ret_said,
                               struct us_str *ret_client_id) {
  json_t *claims = NULL;
  US_TRY(translate(cx, us_jws_peek(cx, assertion, ret_said)));
  US_TRY(us_json_parse(cx, ret_said->claims_json, US_E_INTERNAL, &claims));
  struct us_str iss = us_jwt_text(claims, "iss"), sub = us_jwt_text(claims, "sub");
  struct us_str id = us_str_dup(cx->mem, sub);
  bool is_about_itself = sub.n > 0 && us_str_eq(iss, sub);
  us_json_drop(cx, claims);
  if (!is_about_itself)
    return refuse(cx, "iss and sub are not one client");
  if (id.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_client_id = id;
  return US_OK;
}

/* JW-01: a client may have said which algorithm it signs with (RFC 7591, token_endpoint_auth_signing_alg). */
static enum us_code check_registered_alg(struct us_cx *cx, const struct us_client *client,
                                         const struct us_jws_said *said) {
  json_t *metadata = NULL;
  if (client->metadata.n <= 2) /* {} */
    return US_OK;
  US_TRY(us_json_parse(cx, client->metadata, US_E_INTERNAL, &metadata));
  struct us_str alg = us_jwt_text(metadata, "token_endpoint_auth_signing_alg");
  bool fits = alg.p == NULL || us_str_eq_c(alg, said->is_mac ? "HS256" : us_alg_name(said->alg));
  us_json_drop(cx, metadata);
  return fits ? US_OK : refuse(cx, "signed by another algorithm than the client registered");
}

enum us_code us_assertion_keys(struct us_cx *cx, const struct us_client *client, const struct us_jws_said *said,
                               bool may_block, const struct us_jwk_set **ret_set, struct us_keys_wanted *ret_wanted) {
  *ret_set = NULL;
  bool by_secret = us_str_eq_c(client->auth_method, "client_secret_jwt");
  if (by_secret != said->is_mac) /* JW-03 */
    return refuse(cx, "alg does not belong to the method that the client is registered with");
  US_TRY(check_registered_alg(cx, client, said));
  if (by_secret)
    return US_OK;
  US_TRY(translate(cx, us_client_keys_get(cx, client, may_block, ret_set, ret_wanted)));
  if (us_jwk_set_find(*ret_set, said->alg, said->kid, 0) != NULL)
    return US_OK;
  return translate(cx, us_client_keys_refresh(cx, client, ret_wanted));
}

struct candidate {
  const struct us_jwk_set *set;
  size_t index;
};
static const struct us_key *key_of(void *self, enum us_alg alg, struct us_str kid) {
  const struct candidate *candidate = self;
  return us_jwk_set_find(candidate->set, alg, kid, candidate->index);
}

/* Without a kid each key of the algorithm is tried; there are few. */
static enum us_code verify_by_keys(struct us_cx *cx, struct us_str assertion, const struct us_jws_said *said,
                                   const struct us_jwk_set *set, struct us_str *ret_claims, struct us_str *ret_typ) {
  struct candidate candidate = {set, 0};
  enum us_code code = US_E_INVALID_TOKEN;
  do {
    code = us_jws_verify(cx, assertion, key_of, &candidate, ret_claims, ret_typ);
  } while (code == US_E_INVALID_TOKEN && us_jwk_set_find(set, said->alg, said->kid, ++candidate.index) != NULL);
  return code;
}

static enum us_code verify_by_secret(struct us_cx *cx, const struct us_client *client, struct us_str assertion,
                                     struct us_str *ret_claims, struct us_str *ret_typ) {
  struct us_str place = us_str_fmt(cx->mem, "client:%lld", (long long)client->ref), secret = US_STR_ABSENT;
  if (place.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (client->sealed_secret.n == 0)
    return refuse(cx, "the client has no secret to check it by");
  US_TRY(us_box_open(cx, cx->svc->box, place.p, client->sealed_secret, &secret));
  return us_jws_verify_mac(cx, assertion, secret, ret_claims, ret_typ);
}

/* JW-13: what else a client may sign is not taken for an assertion. A type that says nothing is usual. */
static bool is_type_ok(struct us_str typ) {
  return typ.n == 0 || us_str_eq_nocase(typ, US_STR("JWT")) ||
         us_str_eq_nocase(typ, US_STR("client-authentication+jwt"));
}

/* RFC 7523 3, 3: the issuer identifier, the token endpoint, or the very endpoint that was called. */
static const char *flaw_of_audience(struct us_cx *cx, const struct us_realm *realm, struct us_str endpoint_url,
                                    const json_t *claims) {
  struct us_str token_endpoint = us_str_fmt(cx->mem, "%.*s/access_token", US_STR_ARG(realm->oauth_url));
  struct us_str wanted[3] = {realm->issuer, token_endpoint, endpoint_url};
  size_t n = 0;
  bool has = false;
  if (token_endpoint.p == NULL)
    return "out of memory";
  if (!us_jwt_audience(json_object_get(claims, "aud"), (struct us_strs){wanted, endpoint_url.p ? 3 : 2}, &n, &has))
    return "aud is missing or malformed";
  return has ? NULL : "aud does not name this server";
}

static const char *flaw_of(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                           struct us_str endpoint_url, const json_t *claims, struct us_assertion_use *use) {
  int64_t now_s = us_cx_now_s(cx);
  struct us_str jti = us_jwt_text(claims, "jti");
  if (!us_str_eq(us_jwt_text(claims, "iss"), client->client_id) ||
      !us_str_eq(us_jwt_text(claims, "sub"), client->client_id)) /* JW-11: to the letter */
    return "iss and sub are not this client";
  const char *flaw = flaw_of_audience(cx, realm, endpoint_url, claims);
  if (flaw == NULL)
    flaw = us_jwt_flaw_of_dates(claims, now_s, -1, &use->expires_s); /* exp is in the future, by our clock */
  if (flaw != NULL)
    return flaw;
  if (use->expires_s > now_s + realm->settings.client_assertion_s)
    return "exp lies too far ahead";
  if (jti.n == 0 || jti.n > US_ASSERTION_JTI_MAX)
    return "jti is missing or too long";
  us_sha256_text(jti, use->digest);
  return NULL;
}

enum us_code us_assertion_judge(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                                struct us_str assertion, struct us_str endpoint_url, const struct us_jws_said *said,
                                const struct us_jwk_set *set, struct us_assertion_use *ret_use) {
  struct us_str text = US_STR_ABSENT, typ = US_STR_ABSENT;
  struct us_assertion_use use = {0};
  json_t *claims = NULL;
  US_TRY(translate(cx, set != NULL ? verify_by_keys(cx, assertion, said, set, &text, &typ)
                                   : verify_by_secret(cx, client, assertion, &text, &typ)));
  if (!is_type_ok(typ))
    return refuse(cx, "its typ is that of another kind of token");
  US_TRY(us_json_parse(cx, text, US_E_INTERNAL, &claims));
  const char *flaw = flaw_of(cx, realm, client, endpoint_url, claims, &use);
  us_json_drop(cx, claims);
  if (flaw != NULL)
    return refuse(cx, flaw);
  *ret_use = use;
  return US_OK;
}

/* A repeated assertion is counted like a wrong secret: a stranger who has seen one must not make a write each time. */
static enum us_code refuse_repeated(struct us_cx *cx, const struct us_realm *realm,
                                    const struct us_assertion_use *use) {
  const struct us_settings *s = &realm->settings;
  struct us_throttle *t = cx->svc->throttle;
  (void)us_throttle_take(t, &use->repeats, s->failures_per_account, s->failures_window_s, cx->now_ms);
  (void)us_throttle_take(t, &use->address, s->failures_per_address, s->failures_window_s, cx->now_ms);
  return refuse(cx, "its jti was used before");
}

enum us_code us_client_spend(struct us_cx *cx, const struct us_realm *realm, const struct us_client_proof *proof) {
  enum us_spend spend = US_SPEND_FULL;
  if (proof->use.digest[0] == '\0')
    return US_OK;
  US_TRY(us_assertion_row_spend(cx, proof->client.ref, proof->use.digest, proof->use.expires_s,
                                realm->settings.client_assertions_max, cx->svc->assertions_max, &spend));
  if (spend == US_SPEND_FIRST)
    return US_OK;
  if (spend == US_SPEND_AGAIN)
    return refuse_repeated(cx, realm, &proof->use);
  us_fail_plain(cx, US_E_SLOW_DOWN);
  cx->err.retry_after_s = 5; /* the pause of the clean-up, which removes what has expired */
  us_error_detail(cx, "too many assertions of this client, or of all, are still valid");
  return US_E_SLOW_DOWN;
}
