/* ID tokens, out and back in as claim tokens: see id_token.h. What was verified once is remembered in claim_cache.c. */
#include "domain/id_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "domain/claim_cache.h"
#include "domain/jwt.h"
#include "domain/signing_key.h"
#include "json/json.h"
#include "json/write.h"

#define US_ID_TOKEN_CLAIMS_MAX (8 * 1024)

/* OIDC Core 3.1.3.6: the left half of the hash of the access token. */
static struct us_str at_hash(struct us_cx *cx, struct us_str access_token) {
  uint8_t digest[US_SHA256_BYTES];
  if (access_token.p == NULL)
    return US_STR_ABSENT;
  us_sha256(access_token, digest);
  return us_base64url(cx->mem, digest, sizeof(digest) / 2);
}

/* A number of an account that says nothing of it. */
static uint64_t mark_of(int64_t account_id) {
  char text[64];
  uint8_t digest[US_SHA256_BYTES];
  uint64_t mark = 0;
  int n = snprintf(text, sizeof(text), "account:%" PRId64, account_id);
  us_sha256((struct us_str){text, (size_t)n}, digest);
  for (size_t i = 0; i < sizeof(mark); i++)
    mark = mark << 8 | digest[i];
  return mark;
}

/* Eight bytes each: the id, which nothing else has, and the mark. */
void us_id_token_jti(int64_t issued_id, int64_t account_id, char ret_text[US_ID_TOKEN_JTI_BYTES]) {
  uint64_t numbers[2] = {(uint64_t)issued_id, mark_of(account_id)};
  uint8_t bytes[16];
  for (size_t i = 0; i < sizeof(bytes); i++)
    bytes[i] = (uint8_t)(numbers[i / 8] >> (8 * (7 - i % 8)));
  us_base64url_encode(bytes, sizeof(bytes), ret_text);
}

static bool parse_jti(struct us_str jti, struct us_claim_entry *ret_entry) {
  uint64_t numbers[2] = {0, 0};
  uint8_t bytes[16];
  size_t n = 0;
  if (!us_base64url_decode(jti, (char *)bytes, sizeof(bytes), &n) || n != sizeof(bytes) || bytes[0] & 0x80)
    return false;
  for (size_t i = 0; i < sizeof(bytes); i++)
    numbers[i / 8] = numbers[i / 8] << 8 | bytes[i];
  ret_entry->issued_id = (int64_t)numbers[0];
  ret_entry->mark = numbers[1];
  return true;
}

bool us_claim_token_is_of(const struct us_claim_token *token, const struct us_account *account) {
  return token->mark == mark_of(account->id);
}

static void write_claims(struct us_cx *cx, const struct us_realm *realm, const struct us_id_token_claims *claims,
                         struct us_buf *out) {
  struct us_json_writer w;
  char jti[US_ID_TOKEN_JTI_BYTES];
  int64_t now_s = us_cx_now_s(cx);
  us_id_token_jti(claims->issued_id, claims->account->id, jti);
  us_json_writer_init(&w, out);
  us_json_open(&w, '{');
  us_json_member(&w, "iss", realm->issuer);
  us_json_member(&w, "sub", claims->account->name);
  us_json_member(&w, "subname", claims->account->name);
  us_json_member(&w, "aud", claims->client_id);
  us_json_member(&w, "azp", claims->client_id);
  us_json_member_i64(&w, "exp", now_s + realm->settings.id_token_s);
  us_json_member_i64(&w, "iat", now_s);
  us_json_member(&w, "jti", us_str_c(jti));
  us_json_member_i64(&w, "auth_time", claims->auth_time_s);
  us_json_member(&w, "nonce", claims->nonce);
  us_json_member(&w, "at_hash", at_hash(cx, claims->access_token));
  us_json_member(&w, "realm", realm->path);
  us_json_member(&w, "tokenName", US_STR("id_token"));
  us_json_member(&w, "tokenType", US_STR("JWTToken"));
  us_json_close(&w, '}');
}

enum us_code us_id_token_issue(struct us_cx *cx, const struct us_realm *realm, const struct us_id_token_claims *claims,
                               bool may_block, struct us_str *ret_compact) {
  enum us_alg alg = us_alg_parse(claims->alg);
  const struct us_key *key = us_signing_key_now(cx, realm, alg);
  struct us_buf text;
  if (alg == US_ALG_NONE || key == NULL)
    return us_fail(cx, US_E_INTERNAL, "the realm has no key for the client's ID token algorithm");
  if (alg == US_ALG_RS256 && !may_block) /* an RSA signature takes a millisecond */
    return us_fail_plain(cx, US_E_TO_POOL);
  us_buf_init(&text, US_ID_TOKEN_CLAIMS_MAX);
  write_claims(cx, realm, claims, &text);
  enum us_code code = us_buf_ok(&text) ? us_jws_sign(cx, key, "JWT", us_buf_str(&text), ret_compact)
                                       : us_fail(cx, US_E_INTERNAL, "the claims of the ID token are too long");
  us_buf_done(&text);
  return code;
}

const char *const us_claim_token_formats[] = {
    "http://openid.net/specs/openid-connect-core-1_0.html#IDToken",
    "https://openid.net/specs/openid-connect-core-1_0.html#IDToken",
    "http://openid.net/specs/openid-connect-core-1_0.html#HybridIDToken",
    NULL,
};

bool us_claim_token_format_ok(struct us_str format) {
  for (const char *const *known = us_claim_token_formats; *known != NULL; known++) {
    if (us_str_eq_c(format, *known))
      return true;
  }
  return false;
}

/* To the grant a flawed claim token is no claims at all; what was wrong is for the log. */
static enum us_code flaw(struct us_cx *cx, const char *detail) {
  us_fail_plain(cx, US_E_NOT_FOUND);
  us_error_detail(cx, "claim token: %s", detail);
  return US_E_NOT_FOUND;
}

struct key_search {
  struct us_cx *cx;
  const struct us_realm *realm;
  int64_t found_id;
};

/* Only the realm's own keys are trusted; the header just picks among them (JW-01, JW-08, JW-09). */
static const struct us_key *find_key(void *self, enum us_alg alg, struct us_str kid) {
  struct key_search *search = self;
  for (size_t i = 0; i < search->realm->key_count; i++) {
    const struct us_realm_key *key = &search->realm->keys[i];
    if (us_key_alg(key->key) != alg || !us_str_eq(us_key_kid(key->key), kid) ||
        !us_signing_key_verifies(search->cx, key))
      continue;
    search->found_id = key->id;
    return key->key;
  }
  return NULL;
}

/* Contract 6.3 and OC-03: aud contains the presenting client or azp equals it; with several audiences azp must. */
static const char *flaw_of_audience(const json_t *claims, const struct us_settings *settings, struct us_str client_id) {
  const json_t *azp_value = json_object_get(claims, "azp");
  struct us_str azp = us_jwt_text(claims, "azp");
  size_t n = 0;
  bool has_client = false;
  if (!us_jwt_audience(json_object_get(claims, "aud"), (struct us_strs){&client_id, 1}, &n, &has_client))
    return "aud is missing or malformed";
  if (azp_value != NULL && azp.p == NULL)
    return "azp is no string";
  if (!settings->claim_token_audience) /* Q21: relaxed by the realm */
    return NULL;
  bool is_party = us_str_eq(azp, client_id);
  if (n > 1)
    return is_party ? NULL : "several audiences and another authorized party";
  return has_client || is_party ? NULL : "meant for another client";
}

/* JW-13: an ID token and nothing else. Ours say so themselves; typ says "JWT" or nothing. */
static const char *flaw_of_kind(const json_t *claims, struct us_str typ) {
  if (typ.p != NULL && typ.n > 0 && !us_str_eq_nocase(typ, US_STR("JWT")))
    return "its typ is not JWT";
  if (!us_str_eq_c(us_jwt_text(claims, "tokenName"), "id_token"))
    return "not an ID token";
  return NULL;
}

/* "(usr!name)" or the bare name (Q22). */
static struct us_str bare_name(struct us_str sub) {
  struct us_str prefix = US_STR("(usr!");
  if (us_str_starts(sub, prefix) && sub.n > prefix.n + 1 && sub.p[sub.n - 1] == ')')
    return (struct us_str){sub.p + prefix.n, sub.n - prefix.n - 1};
  return sub;
}

static enum us_code read_claims(struct us_cx *cx, const struct us_realm *realm, struct us_str client_id,
                                const json_t *claims, struct us_str typ, struct us_claim_entry *ret_entry) {
  struct us_str sub = bare_name(us_jwt_text(claims, "sub"));
  const char *problem = flaw_of_kind(claims, typ);
  if (problem == NULL && !us_str_eq(us_jwt_text(claims, "iss"), realm->issuer)) /* JW-11: to the letter */
    problem = "another issuer";
  if (problem == NULL)
    problem = flaw_of_audience(claims, &realm->settings, client_id);
  if (problem == NULL)
    problem = us_jwt_flaw_of_dates(claims, us_cx_now_s(cx), US_CLOCK_SKEW_S, &ret_entry->exp_s);
  if (problem == NULL && (sub.n == 0 || sub.n > US_CLAIM_NAME_MAX))
    problem = "sub is missing, empty or too long";
  if (problem == NULL && !parse_jti(us_jwt_text(claims, "jti"), ret_entry))
    problem = "jti is missing or none of ours";
  if (problem != NULL)
    return flaw(cx, problem);
  memcpy(ret_entry->name, sub.p, sub.n);
  ret_entry->name_n = sub.n;
  return US_OK;
}

static enum us_code verify(struct us_cx *cx, const struct us_realm *realm, struct us_str client_id,
                           struct us_str compact, struct us_claim_entry *ret_entry) {
  struct key_search search = {.cx = cx, .realm = realm};
  struct us_str text, typ = US_STR_ABSENT;
  json_t *claims = NULL;
  enum us_code code = us_jws_verify(cx, compact, find_key, &search, &text, &typ);
  if (code == US_E_INVALID_TOKEN) {
    struct us_str detail = cx->err.detail;
    us_fail_plain(cx, US_E_NOT_FOUND);
    cx->err.detail = detail;
    return US_E_NOT_FOUND;
  }
  US_TRY(code);
  US_TRY(us_json_parse(cx, text, US_E_INTERNAL, &claims));
  code = read_claims(cx, realm, client_id, claims, typ, ret_entry);
  us_json_drop(cx, claims);
  ret_entry->key_id = search.found_id;
  return code;
}

/* A remembered token is good while it has not expired and its key still verifies. */
static bool is_still_good(struct us_cx *cx, const struct us_realm *realm, const struct us_claim_entry *entry) {
  if (us_cx_now_s(cx) > entry->exp_s + US_CLOCK_SKEW_S)
    return false;
  for (size_t i = 0; i < realm->key_count; i++) {
    if (realm->keys[i].id == entry->key_id)
      return us_signing_key_verifies(cx, &realm->keys[i]);
  }
  return false;
}

enum us_code us_claim_token_verify(struct us_cx *cx, const struct us_realm *realm, struct us_str client_id,
                                   struct us_str compact, struct us_claim_token *ret_token) {
  struct us_claim_key key;
  struct us_claim_entry entry = {0};
  if (compact.n == 0 || compact.n > US_JWS_MAX_BYTES) /* JW-15: before any work */
    return flaw(cx, "empty or too long");
  us_claim_key(realm->id, realm->settings.claim_token_audience, realm->issuer, client_id, compact, &key);
  if (!us_claim_cache_find(cx->svc->claims, &key, &entry) || !is_still_good(cx, realm, &entry)) {
    US_TRY(verify(cx, realm, client_id, compact, &entry));
    us_claim_cache_put(cx->svc->claims, &key, &entry);
  }
  struct us_str name = us_str_dup(cx->mem, (struct us_str){entry.name, entry.name_n});
  if (name.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_token = (struct us_claim_token){name, entry.issued_id, entry.mark};
  return US_OK;
}
