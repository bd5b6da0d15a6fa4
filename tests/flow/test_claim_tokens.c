/* Pushed claim tokens: which ones make somebody the requesting party (protocol contract 6.1, 6.3). A flaw is need_info, never more. */
#include "crypto/jws.h"
#include "domain/account.h"
#include "domain/snapshot.h"
#include "flow/uma.h"

#define IDT "http://openid.net/specs/openid-connect-core-1_0.html#IDToken"

struct scene {
  const char *pat, *album;
};
/* Everybody of the story may view the album, so only the claims decide. */
static struct scene begin(struct us_world *w) {
  struct scene s = {us_pat(w, "alice", RS1), NULL};
  s.album = us_register(w, s.pat, ALBUM);
  us_share(w, "alice", s.album, "bob", "[\"view\"]");
  return s;
}

static struct us_reply push(struct us_world *w, const struct scene *s, const char *client, const char *token,
                            const char *format) {
  return us_grant(w, client, ask_for(w, s->pat, s->album, "[\"view\"]"), NULL,
                  us_text(w, "&claim_token=%s&claim_token_format=%s", us_enc(w, token), us_enc(w, format)));
}
static void is_useless(struct us_world *w, const struct scene *s, const char *token) {
  successor(push(w, s, C1, token, IDT), 403, "need_info");
}

struct signing {
  const char *claims;
  enum us_alg alg;
  struct us_key *key; /* NULL: the realm's */
  const char *realm;
  const char *ret_token;
  struct us_world *w;
};
static void sign(struct signing *s) {
  struct us_services *svc = us_world_services(s->w);
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20), .svc = svc, .now_ms = us_world_now_ms(s->w)};
  const struct us_snapshot *snapshot = us_snapshot_ref(svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm(snapshot, us_str_c(s->realm));
  const struct us_key *key = s->key;
  for (size_t i = 0; !key && i < realm->key_count; i++)
    if (us_key_alg(realm->keys[i].key) == s->alg)
      key = realm->keys[i].key;
  struct us_str compact;
  assert_int_equal(us_jws_sign(&cx, key, "JWT", us_str_c(s->claims), &compact), US_OK);
  s->ret_token = us_text(s->w, "%.*s", US_STR_ARG(compact));
  us_snapshot_unref(snapshot);
  us_mem_free(cx.mem);
}

/* bob's claims for C1, with one of them replaced; NULL: left out. Signed by the realm with ES256. */
static const char *token_with(struct us_world *w, const char *name, json_t *value) {
  int64_t now_s = us_world_now_ms(w) / 1000;
  json_t *claims = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I}", "tokenName", "id_token", "jti", us_jti(w, "bob"),
                             "iss", ALPHA_ISSUER, "sub", "bob", "aud", C1, "azp", C1, "exp", (json_int_t)now_s + 600,
                             "iat", (json_int_t)now_s);
  if (name && value)
    json_object_set_new(claims, name, value);
  else if (name)
    json_object_del(claims, name);
  char *text = json_dumps(claims, JSON_COMPACT);
  struct signing s = {.claims = text, .alg = US_ALG_ES256, .realm = "/alpha", .w = w};
  sign(&s);
  free(text);
  json_decref(claims);
  return s.ret_token;
}

/* UG-10 OC-01 */
static void three_spellings_of_the_format_are_accepted(void **state) {
  struct us_world *w = *state;
  struct scene s = begin(w);
  const char *bob = us_id_token(w, "bob", C1);
  static const char *const good[] = {IDT, "https://openid.net/specs/openid-connect-core-1_0.html#IDToken",
                                     "http://openid.net/specs/openid-connect-core-1_0.html#HybridIDToken"};
  for (size_t i = 0; i < 3; i++)
    rpt_of(push(w, &s, C1, bob, good[i]));
  static const char *const bad[] = {"urn:ietf:params:oauth:token-type:jwt", "idtoken",
                                    "http://openid.net/specs/openid-connect-core-1_0.html#idtoken",
                                    "http://openid.net/specs/openid-connect-core-1_0.html#IDToken "};
  for (size_t i = 0; i < 4; i++)
    successor(push(w, &s, C1, bob, bad[i]), 403, "need_info");
}

/* UG-05: each format that is taken stands in the metadata, and each that stands there is taken. */
static void formats_can_be_learnt_from_the_metadata(void **state) {
  struct us_world *w = *state;
  struct scene s = begin(w);
  const char *bob = us_id_token(w, "bob", C1);
  struct us_reply r = us_send(w, "GET", "/am/uma/realms/root/realms/alpha/.well-known/uma2-configuration", NULL, NULL);
  json_t *formats = json_object_get(r.json, "claim_token_formats_supported");
  assert_int_equal(json_array_size(formats), 3);
  assert_string_equal(json_string_value(json_array_get(formats, 0)), IDT); /* the one that need_info names */
  size_t i;
  json_t *format;
  json_array_foreach(formats, i, format) rpt_of(push(w, &s, C1, bob, json_string_value(format)));
  us_world_set(w, "interactiveClaimsGatheringEnabled", "true"); /* then none is taken */
  r = us_send(w, "GET", "/am/uma/realms/root/realms/alpha/.well-known/uma2-configuration", NULL, NULL);
  assert_null(json_object_get(r.json, "claim_token_formats_supported"));
  successor(push(w, &s, C1, bob, IDT), 403, "need_info");
}

/* UG-10 UG-11: what is no compact JWS. */
static void malformed_tokens_are_no_claims(void **state) {
  struct us_world *w = *state;
  struct scene s = begin(w);
  const char *bob = us_id_token(w, "bob", C1);
  is_useless(w, &s, "nonsense");
  is_useless(w, &s, "a.b.c");
  is_useless(w, &s, us_text(w, "%s+", bob));
  is_useless(w, &s, us_text(w, "%s/", bob));
  is_useless(w, &s, us_text(w, "%s=", bob));
  is_useless(w, &s, us_text(w, " %s", bob));
  is_useless(w, &s, us_text(w, "%s.x", bob));
  is_useless(w, &s, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJib2IifQ.");
  is_useless(w, &s, s.pat);
  rpt_of(push(w, &s, C1, bob, IDT));
}

/* UG-11 UG-46 OC-02: signature, issuer, times, subject. */
static void flawed_claims_are_no_claims(void **state) {
  struct us_world *w = *state;
  struct scene s = begin(w);
  json_int_t now_s = us_world_now_ms(w) / 1000;
  rpt_of(push(w, &s, C1, token_with(w, NULL, NULL), IDT));
  is_useless(w, &s, token_with(w, "iss", json_string(WORLD_BASE "/oauth2")));
  is_useless(w, &s, token_with(w, "iss", json_string(ALPHA_ISSUER "/")));
  is_useless(w, &s, token_with(w, "iss", NULL));
  is_useless(w, &s, token_with(w, "exp", json_integer(now_s - 61)));
  is_useless(w, &s, token_with(w, "exp", NULL));
  is_useless(w, &s, token_with(w, "nbf", json_integer(now_s + 120)));
  is_useless(w, &s, token_with(w, "iat", json_integer(now_s + 120)));
  is_useless(w, &s, token_with(w, "sub", json_string("nobody")));
  is_useless(w, &s, token_with(w, "sub", json_string("")));
  is_useless(w, &s, token_with(w, "sub", NULL));
}

/* UG-83 UG-82 OC-02 OC-03: whoever it was not made for cannot use it. */
static void the_audience_is_the_presenting_client(void **state) {
  struct us_world *w = *state;
  struct scene s = begin(w);
  successor(push(w, &s, C2, us_id_token(w, "bob", C1), IDT), 403, "need_info");
  rpt_of(push(w, &s, C2, us_id_token(w, "bob", C2), IDT));
  is_useless(w, &s, token_with(w, "aud", NULL));
  us_world_set(w, "claimTokenAudienceRequired", "false"); /* Q21 */
  rpt_of(push(w, &s, C2, us_id_token(w, "bob", C1), IDT));
}

/* UG-46 UG-82 OC-02: a key that only calls itself the realm's, and the key of another realm. */
static void only_the_realms_keys_count(void **state) {
  struct us_world *w = *state;
  struct scene s = begin(w);
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20), .svc = us_world_services(w)};
  struct us_str jwk;
  int64_t now_s = us_world_now_ms(w) / 1000;
  const char *claims = us_text(w,
                               "{\"tokenName\":\"id_token\",\"iss\":\"" ALPHA_ISSUER "\",\"sub\":\"bob\",\"aud\":\"" C1
                               "\",\"azp\":\"" C1 "\",\"exp\":%lld,\"iat\":%lld,\"jti\":\"%s\"}",
                               (long long)now_s + 600, (long long)now_s, us_jti(w, "bob"));
  struct signing forged = {.claims = claims, .alg = US_ALG_ES256, .realm = "/alpha", .w = w};
  assert_int_equal(us_key_generate(&cx, US_ALG_ES256, &jwk), US_OK);
  assert_int_equal(us_key_load(&cx, jwk, &forged.key), US_OK);
  sign(&forged);
  is_useless(w, &s, forged.ret_token);
  us_key_free(forged.key);
  us_mem_free(cx.mem);
  struct signing foreign = {.claims = claims, .alg = US_ALG_ES256, .realm = "/", .w = w};
  sign(&foreign);
  is_useless(w, &s, foreign.ret_token);
  struct signing own = {.claims = claims, .alg = US_ALG_RS256, .realm = "/alpha", .w = w};
  sign(&own);
  rpt_of(push(w, &s, C1, own.ret_token, IDT));
}

/* OC-05: the issuer and its subject, whatever else is said of a person; an e-mail address is nobody. */
static void a_person_is_the_issuers_subject(void **state) {
  struct us_world *w = *state;
  struct scene s = begin(w);
  assert_holds(w, s.pat, rpt_of(push(w, &s, C1, token_with(w, "email", json_string("carol@example.com")), IDT)),
               "%s:view", s.album);
  is_useless(w, &s, token_with(w, "sub", json_string("bob@example.com")));
  is_useless(w, &s, token_with(w, "iss", json_string("https://other.example/am/oauth2")));
}

static void the_subject_may_be_wrapped_and_in_any_case(void **state) {
  struct us_world *w = *state;
  struct scene s = begin(w);
  rpt_of(push(w, &s, C1, token_with(w, "sub", json_string("(usr!bob)")), IDT)); /* Q22 */
  rpt_of(push(w, &s, C1, token_with(w, "sub", json_string("BOB")), IDT));
  is_useless(w, &s, token_with(w, "sub", json_string("(usr!bob")));
  is_useless(w, &s, token_with(w, "sub", json_string("(grp!bob)")));
}

/* UG-11 */
static void an_expired_id_token_is_no_claims(void **state) {
  struct us_world *w = *state;
  struct scene s = begin(w);
  const char *bob = us_id_token(w, "bob", C1);
  rpt_of(push(w, &s, C1, bob, IDT)); /* also remembers it */
  us_world_advance_ms(w, 3700 * 1000);
  s.pat = us_pat(w, "alice", RS1);
  is_useless(w, &s, bob);
}

static enum us_code remove_bob(struct us_cx *cx, void *self) {
  struct us_account account;
  US_TRY(us_account_by_name(cx, *(int64_t *)self, US_STR("bob"), &account));
  return us_account_delete(cx, &account);
}

/* The account is looked at each time, also when the token was verified before. */
static void a_deleted_account_is_nobody(void **state) {
  struct us_world *w = *state;
  struct scene s = begin(w);
  const char *bob = us_id_token(w, "bob", C1), *rpt = rpt_of(push(w, &s, C1, bob, IDT));
  assert_holds(w, s.pat, rpt, "%s:view", s.album);
  const struct us_snapshot *snapshot = us_snapshot_ref(us_world_services(w)->snapshots);
  int64_t realm_id = us_snapshot_realm(snapshot, US_STR("/alpha"))->id;
  us_snapshot_unref(snapshot);
  assert_int_equal(us_world_transact(w, remove_bob, &realm_id), US_OK);
  is_useless(w, &s, bob);
  assert_inactive(us_introspect(w, s.pat, rpt));
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(three_spellings_of_the_format_are_accepted),
      STORY(formats_can_be_learnt_from_the_metadata),
      STORY(malformed_tokens_are_no_claims),
      STORY(flawed_claims_are_no_claims),
      STORY(the_audience_is_the_presenting_client),
      STORY(only_the_realms_keys_count),
      STORY(a_person_is_the_issuers_subject),
      STORY(the_subject_may_be_wrapped_and_in_any_case),
      STORY(an_expired_id_token_is_no_claims),
      STORY(a_deleted_account_is_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
