/*
 * Claims of well signed tokens: what stands in them is as strange as anything from outside. The first byte picks the place (claim token,
 * assertion of a client, software statement), the second the typ, the rest are the claims. Whatever is taken keeps the rules of its
 * place, as a second reader of the same JSON sees them.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/jwk_set.h"
#include "crypto/jws.h"
#include "domain/claim_cache.h"
#include "domain/client_assertion.h"
#include "domain/jwt.h"
#include "domain/registration.h"
#include "domain/settings.h"
#include "fuzz.h"
#include "json/json.h"

/* RFC 7515 A.3 */
#define PUBLIC                                                                                                         \
  "\"kty\":\"EC\",\"kid\":\"k\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","              \
  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define PRIVATE "{" PUBLIC ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}"
#define SET "{\"keys\":[{" PUBLIC "}]}"
#define ISSUER "https://as.example/am/oauth2"
#define CLIENT "client"
#define VENDOR "https://vendor.example"
#define NOW_S 2000000000

static struct us_key *key;
static struct us_jwk_set *set;
static struct us_services svc;
static struct us_realm_key realm_key;

static void setup(struct us_cx *cx) {
  fuzz_must(us_crypto_setup() == 0);
  fuzz_must(us_key_load(cx, US_STR(PRIVATE), &key) == US_OK && us_jwk_set_load(cx, US_STR(SET), &set) == US_OK);
  realm_key = (struct us_realm_key){.id = 1, .key = key, .is_active = true};
  svc.claims = us_claim_cache_new(16); /* so small that most are looked at */
  fuzz_must(svc.claims != NULL);
}

/* ---- The second reader ---- */

static bool is_text(const json_t *claims, const char *name, const char *value) {
  const char *is = json_string_value(json_object_get(claims, name));
  return is != NULL && strcmp(is, value) == 0;
}
static double number(const json_t *claims, const char *name, double otherwise) {
  const json_t *value = json_object_get(claims, name);
  return json_is_number(value) ? json_number_value(value) : otherwise;
}
static bool names(const json_t *aud, const char *wanted) {
  bool has = false;
  size_t i;
  json_t *item;
  if (json_is_string(aud))
    return strcmp(json_string_value(aud), wanted) == 0;
  json_array_foreach((json_t *)(uintptr_t)aud, i, item) {
    fuzz_must(json_is_string(item));
    has |= strcmp(json_string_value(item), wanted) == 0;
  }
  return has;
}
static void check_times(const json_t *claims) {
  fuzz_must(number(claims, "nbf", 0) < NOW_S + 61.0 && number(claims, "iat", 0) < NOW_S + 61.0);
  fuzz_must(number(claims, "nbf", 0) >= 0 && number(claims, "iat", 0) >= 0);
}

/* ---- The places ---- */

static void as_claim_token(struct us_cx *cx, const struct us_realm *realm, struct us_str compact,
                           const json_t *claims) {
  struct us_claim_token token, again;
  if (us_claim_token_verify(cx, realm, US_STR(CLIENT), compact, &token) != US_OK)
    return;
  const json_t *aud = json_object_get(claims, "aud"), *sub = json_object_get(claims, "sub");
  fuzz_must(is_text(claims, "iss", ISSUER) && is_text(claims, "tokenName", "id_token"));
  fuzz_must(names(aud, CLIENT) || is_text(claims, "azp", CLIENT));
  if (json_array_size(aud) > 1)
    fuzz_must(is_text(claims, "azp", CLIENT));
  fuzz_must(number(claims, "exp", -1) >= NOW_S - 60);
  fuzz_must(json_string_length(json_object_get(claims, "jti")) == US_ID_TOKEN_JTI_BYTES - 1 && token.issued_id >= 0);
  fuzz_must(token.name.n > 0 && token.name.n <= json_string_length(sub) && token.name.n <= US_CLAIM_NAME_MAX);
  check_times(claims);
  fuzz_must(us_claim_token_verify(cx, realm, US_STR(CLIENT), compact, &again) == US_OK); /* as it is remembered */
  fuzz_must(us_str_eq(again.name, token.name) && again.issued_id == token.issued_id && again.mark == token.mark);
  fuzz_must(realm->settings.claim_token_audience);
}

static void as_assertion(struct us_cx *cx, const struct us_realm *realm, struct us_str compact, const json_t *claims) {
  const struct us_client client = {.ref = 1, .client_id = US_STR(CLIENT), .auth_method = US_STR("private_key_jwt")};
  struct us_jws_said said;
  struct us_str id = US_STR_ABSENT;
  struct us_assertion_use use = {0};
  if (us_assertion_peek(cx, compact, &said, &id) != US_OK)
    return;
  enum us_code code = us_assertion_judge(cx, realm, &client, compact, US_STR(ISSUER "/introspect"), &said, set, &use);
  fuzz_must(code == US_OK || code == US_E_INVALID_CLIENT || code == US_E_NO_MEMORY);
  if (code != US_OK)
    return;
  const json_t *aud = json_object_get(claims, "aud");
  double exp = number(claims, "exp", -1);
  fuzz_must(us_str_eq_c(id, CLIENT) && is_text(claims, "iss", CLIENT) && is_text(claims, "sub", CLIENT));
  fuzz_must(names(aud, ISSUER) || names(aud, ISSUER "/access_token") || names(aud, ISSUER "/introspect"));
  fuzz_must(exp >= NOW_S + 1 && exp < NOW_S + (double)realm->settings.client_assertion_s + 1);
  fuzz_must(json_string_length(json_object_get(claims, "jti")) > 0 && use.digest[0] != '\0' && use.expires_s > NOW_S);
  check_times(claims);
}

static void as_statement(struct us_cx *cx, const struct us_realm *realm, struct us_str compact, const json_t *claims) {
  json_t *document = json_object();
  fuzz_must(document != NULL && json_object_set_new(document, "client_name", json_string("plain")) == 0);
  enum us_code code = us_software_statement_apply(cx, realm, compact, document);
  if (code == US_OK) {
    const json_t *aud = json_object_get(claims, "aud");
    fuzz_must(is_text(claims, "iss", VENDOR) && number(claims, "exp", NOW_S + 1) >= NOW_S + 1);
    fuzz_must(aud == NULL || names(aud, ISSUER));
    check_times(claims);
    const char *name;
    json_t *value;
    json_object_foreach(document, name, value)
        fuzz_must(us_client_metadata_has(name) && (strcmp(name, "client_name") == 0 || json_object_get(claims, name)));
  } else {
    fuzz_must(json_object_size(document) == 1); /* nothing of it was used */
    fuzz_must(code == US_E_INVALID_STATEMENT || code == US_E_UNAPPROVED_STATEMENT || code == US_E_NO_MEMORY);
  }
  json_decref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const types[] = {"JWT", NULL, "at+jwt", "client-authentication+jwt"};
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES),
                     .svc = &svc,
                     .now_ms = INT64_C(1000) * NOW_S};
  fuzz_must(cx.mem != NULL);
  if (key == NULL)
    setup(&cx);
  struct us_realm realm = {
      .id = 1, .issuer = US_STR(ISSUER), .oauth_url = US_STR(ISSUER), .keys = &realm_key, .key_count = 1};
  fuzz_must(us_settings_init(cx.mem, &realm.settings));
  realm.settings.software_issuers = US_STR("{\"" VENDOR "\":" SET "}");
  struct us_str compact;
  if (size > 2 && size <= 8192 &&
      us_jws_sign(&cx, key, types[data[1] % 4], (struct us_str){(const char *)data + 2, size - 2}, &compact) == US_OK) {
    json_t *claims = json_loadb((const char *)data + 2, size - 2, 0, NULL);
    if (data[0] % 3 == 0)
      as_claim_token(&cx, &realm, compact, claims);
    else if (data[0] % 3 == 1)
      as_assertion(&cx, &realm, compact, claims);
    else
      as_statement(&cx, &realm, compact, claims);
    json_decref(claims);
  }
  us_mem_free(cx.mem);
  return 0;
}
