/*
 * Every place that takes a JWT from outside, against every trick of group JW (flow/jose.h): claim tokens at the UMA grant, ID token
 * hints at the authorization endpoint, assertions of clients, software statements.
 */
#include "flow/jose.h"

#include "domain/realm.h"
#include "flow/authorize.h"
#include "flow/registration.h"

#define FORMAT "http://openid.net/specs/openid-connect-core-1_0.html#IDToken"
#define SIGNER "signs"
#define VENDOR "https://vendor.example"

static size_t add(struct jose_member *out, size_t n, const char *name, const char *json) {
  assert_true(n < JOSE_MEMBERS_MAX);
  out[n] = (struct jose_member){name, json};
  return n + 1;
}
static const char *quoted(struct us_world *w, const char *text) {
  return us_text(w, "\"%s\"", text);
}
static const char *seconds(struct us_world *w, int64_t from_now) {
  return us_text(w, "%lld", (long long)(now_s(w) + from_now));
}
static void nobody_counts(struct us_world *w) {
  static const char *const limits[] = {"failedPasswordsPerAccount", "failedPasswordsPerAddress",
                                       "registrationsPerAddress", "registrationsPerRealm"};
  for (size_t i = 0; i < 4; i++)
    us_world_set(w, limits[i], "0");
}

/* Refused as a parameter already: no UTF-8 (the one such byte of the tricks), or longer than it may be. */
static bool is_no_parameter(const char *compact, struct us_reply r) {
  if (strchr(compact, 0xc3)) {
    assert_error(r, 400, "invalid_request");
    return true;
  }
  return strlen(compact) > US_JWS_MAX_BYTES && (r.status == 413 || r.status == 400);
}

/* ---- ID tokens: the realm's own keys, here made by us so that we can sign with them ---- */

static const char *private_jwk(struct us_world *w, enum pair which, const char *kid) {
  static const char *const rsa[][2] = {{"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
                                       {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
                                       {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};
  const char *more = us_text(w, ",\"kid\":\"%s\"", kid);
  if (which != RSA_1)
    return jwk(w, which,
               us_text(w, "%s,\"d\":\"%s\"", more, number_of(w, pair_of(which), OSSL_PKEY_PARAM_PRIV_KEY, 32)));
  for (size_t i = 0; i < sizeof(rsa) / sizeof(rsa[0]); i++)
    more = us_text(w, "%s,\"%s\":\"%s\"", more, rsa[i][0], number_of(w, pair_of(which), rsa[i][1], 0));
  return jwk(w, which, more);
}

struct key_step {
  struct us_world *w;
  const char *realm, *jwk;
};
static enum us_code key_step(struct us_cx *cx, void *self) {
  const struct key_step *step = self;
  const struct us_snapshot *snapshot = us_snapshot_ref(us_world_services(step->w)->snapshots);
  enum us_code code =
      us_realm_rotate_key(cx, us_snapshot_realm(snapshot, us_str_c(step->realm)), us_str_c(step->jwk), 0);
  us_snapshot_unref(snapshot);
  return code;
}
static void give_key(struct us_world *w, const char *realm, enum pair which, const char *kid) {
  struct key_step step = {w, realm, private_jwk(w, which, kid)};
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, key_step, &step), US_OK);
}
static void realm_keys(struct us_world *w) {
  give_key(w, "/alpha", EC_1, "k1");
  give_key(w, "/alpha", RSA_1, "r1");
  give_key(w, "/", EC_2, "k2");
}

static const char *pat, *album, *session;
static size_t id_token_claims(struct us_world *w, struct jose_member *out) {
  size_t n = add(out, 0, "iss", quoted(w, ALPHA_ISSUER));
  n = add(out, n, "sub", quoted(w, "bob"));
  n = add(out, n, "aud", quoted(w, C1));
  n = add(out, n, "exp", seconds(w, 3600));
  n = add(out, n, "iat", seconds(w, 0));
  n = add(out, n, "jti", quoted(w, us_jti(w, "bob")));
  return add(out, n, "tokenName", quoted(w, "id_token"));
}

static void claim_token_set_up(struct us_world *w) {
  realm_keys(w);
  pat = us_pat(w, "alice", RS1);
  album = us_register(w, pat, "{\"name\":\"album\",\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", album, "bob", "[\"view\"]");
}
/* Contract 6.3: flawed claims are none at all, and there is a next try. */
static bool claim_token_takes(struct us_world *w, const char *compact) {
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album));
  struct us_reply r = token(w, C1,
                            us_text(w, "grant_type=%s&ticket=%s&claim_token_format=%s&claim_token=%s",
                                    us_enc(w, UMA_GRANT), ticket, us_enc(w, FORMAT), us_enc(w, compact)));
  if (r.status == 200)
    return true;
  if (!is_no_parameter(compact, r))
    assert_error(r, 403, "need_info");
  return false;
}

static void hint_set_up(struct us_world *w) {
  realm_keys(w);
  session = us_sso(w, "alice");
}
/* OIDC Core 3.1.2.1: the client means bob, and alice is here. A hint that says nothing is none: then it is consent that is missing. */
static bool hint_takes(struct us_world *w, const char *compact) {
  struct us_reply r = visit(w, session, us_text(w, REQUEST_C1 "&prompt=none&id_token_hint=%s", us_enc(w, compact)));
  const char *location = us_reply_header(&r, "Location"), *error = location ? param_of(w, location, "error") : NULL;
  if (!error) { /* nothing was sent back: the request was none */
    assert_status(r, 400);
    return false;
  }
  if (strcmp(error, "consent_required") != 0 && strlen(compact) <= US_JWS_MAX_BYTES)
    assert_string_equal(error, "login_required");
  return strcmp(error, "login_required") == 0;
}

/* ---- Assertions of clients ---- */

static void assertion_set_up(struct us_world *w) {
  nobody_counts(w);
  private_key_client(
      w, SIGNER, us_text(w, "{\"keys\":[%s,%s]}", jwk(w, EC_1, ",\"kid\":\"k1\""), jwk(w, RSA_1, ",\"kid\":\"r1\"")));
  private_key_client(w, "neighbour", jwks(w, EC_2, "k2"));
}
static const char *next_set;
static void take_next_set(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->jwks = us_str_c(next_set);
}
static void assertion_trust(struct us_world *w, const char *set) {
  next_set = set;
  change_client(w, SIGNER, take_next_set);
}
static size_t assertion_claims(struct us_world *w, struct jose_member *out) {
  static unsigned jti;
  size_t n = add(out, 0, "iss", quoted(w, SIGNER));
  n = add(out, n, "sub", quoted(w, SIGNER));
  n = add(out, n, "aud", quoted(w, ALPHA_ISSUER));
  n = add(out, n, "exp", seconds(w, 60));
  n = add(out, n, "iat", seconds(w, 0));
  return add(out, n, "jti", us_text(w, "\"%u\"", ++jti));
}
/* Contract 1.7: one and the same answer, whatever was wrong. */
static bool assertion_takes(struct us_world *w, const char *compact) {
  struct us_reply r = show(w, TOKEN, compact, GRANT);
  if (r.status == 200)
    return true;
  if (is_no_parameter(compact, r))
    return false;
  assert_error(r, 400, "invalid_client");
  assert_string_equal(description(r), "Client authentication failed");
  return false;
}

/* ---- Software statements ---- */

static void statement_trust(struct us_world *w, const char *set) {
  us_world_set(w, "softwareStatementIssuers",
               us_text(w, "{\"" VENDOR "\":%s,\"https://neighbour.example\":%s}", set, jwks(w, EC_2, "k2")));
}
static void statement_set_up(struct us_world *w) {
  nobody_counts(w);
  statement_trust(w,
                  us_text(w, "{\"keys\":[%s,%s]}", jwk(w, EC_1, ",\"kid\":\"k1\""), jwk(w, RSA_1, ",\"kid\":\"r1\"")));
}
static size_t statement_claims(struct us_world *w, struct jose_member *out) {
  size_t n = add(out, 0, "iss", quoted(w, VENDOR));
  n = add(out, n, "aud", quoted(w, ALPHA_ISSUER));
  n = add(out, n, "exp", seconds(w, 60));
  n = add(out, n, "iat", seconds(w, 0));
  return add(out, n, "redirect_uris", "[\"https://vendor.example/cb\"]");
}
static bool statement_takes(struct us_world *w, const char *compact) {
  json_t *text = json_stringn_nocheck(compact, strlen(compact));
  char *quoted_text = json_dumps(text, JSON_ENCODE_ANY);
  struct us_reply r = try_more(w, us_text(w, "\"token_endpoint_auth_method\":\"none\",\"software_statement\":%s",
                                          quoted_text ? quoted_text : "\"\xff\""));
  free(quoted_text);
  json_decref(text);
  if (r.status == 201)
    return true;
  if (is_no_parameter(compact, r))
    return false;
  assert_status(r, 400);
  const char *error = us_reply_str(&r, "error");
  bool is_unapproved = strcmp(error, "unapproved_software_statement") == 0; /* nobody known says to have said it */
  if (!is_unapproved && strcmp(error, "invalid_software_statement") != 0)
    assert_string_equal(error, "invalid_client_metadata"); /* not even text that might be one */
  return false;
}

/* ---- All of it ---- */

static const struct jose_place places[] = {
    {.name = "claim token",
     .set_up = claim_token_set_up,
     .claims = id_token_claims,
     .takes = claim_token_takes,
     .wants_kid = true,
     .leeway_s = 60,
     .longest = US_JWS_MAX_BYTES},
    {.name = "ID token hint",
     .set_up = hint_set_up,
     .claims = id_token_claims,
     .takes = hint_takes,
     .takes_any_sub = true,
     .wants_kid = true,
     .leeway_s = 60},
    {.name = "client assertion",
     .set_up = assertion_set_up,
     .trust = assertion_trust,
     .claims = assertion_claims,
     .takes = assertion_takes,
     .leeway_s = -1,
     .longest = US_JWS_MAX_BYTES,
     .good_typ = "client-authentication+jwt"},
    {.name = "software statement",
     .set_up = statement_set_up,
     .trust = statement_trust,
     .claims = statement_claims,
     .takes = statement_takes,
     .is_lenient = true,
     .leeway_s = -1,
     .longest = US_JWS_MAX_BYTES},
};

/* JW-13: the same key may sign for all of them; what is good in one place is nothing in another. */
static void each_kind_has_its_place(void **state) {
  struct us_world *w = *state;
  size_t n = sizeof(places) / sizeof(places[0]);
  for (size_t i = 0; i < n; i++) {
    if (places[i].claims != id_token_claims || i == 0) /* the realm's keys once */
      places[i].set_up(w);
  }
  session = us_sso(w, "alice");
  for (size_t of = 0; of < n; of++) {
    for (size_t at = 0; at < n; at++) {
      const char *token = jose_by_head(w, &places[of], EC_1, JOSE_EC);
      bool is_kind = places[of].claims == places[at].claims;
      if (places[at].takes(w, token) != is_kind)
        fail_msg("what is a good %s is %s as %s", places[of].name, is_kind ? "refused" : "taken", places[at].name);
    }
  }
}

static void play(void (*tricks)(struct us_world *w, const struct jose_place *place)) {
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    struct us_world *w = us_world_new();
    places[i].set_up(w);
    tricks(w, &places[i]);
    us_world_free(w);
  }
}

/* JW-01, JW-02 */
static void only_the_algorithms_of_trusted_keys_count(void **state) {
  (void)state;
  play(jose_algorithms);
}
/* JW-03 */
static void a_public_key_is_no_secret_anywhere(void **state) {
  (void)state;
  play(jose_public_keys);
}
/* JW-04, JW-11 */
static void a_key_fits_its_algorithm_and_its_owner(void **state) {
  (void)state;
  play(jose_keys);
}
/* JW-04, JW-16 */
static void unfit_keys_from_outside_are_not_there(void **state) {
  (void)state;
  play(jose_unfit_keys);
}
/* JW-05 */
static void three_parts_of_canonical_base64url(void **state) {
  (void)state;
  play(jose_form);
}
/* JW-06 */
static void header_and_claims_are_json_objects(void **state) {
  (void)state;
  play(jose_json);
}
/* JW-07, JW-08, JW-13, JW-14 */
static void a_header_changes_no_rule_and_fetches_nothing(void **state) {
  (void)state;
  play(jose_header);
}
/* JW-09 */
static void a_kid_is_looked_up_and_nothing_else(void **state) {
  (void)state;
  play(jose_kids);
}
/* JW-10 */
static void dates_count_to_the_second(void **state) {
  (void)state;
  play(jose_dates);
}
/* JW-11, JW-12 */
static void issuer_subject_and_audience_are_exact(void **state) {
  (void)state;
  play(jose_parties);
}
/* JW-15 */
static void a_token_has_a_longest(void **state) {
  (void)state;
  play(jose_sizes);
}
/* JW-17 */
static void signatures_have_one_form(void **state) {
  (void)state;
  play(jose_signatures);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(each_kind_has_its_place),
      cmocka_unit_test(only_the_algorithms_of_trusted_keys_count),
      cmocka_unit_test(a_public_key_is_no_secret_anywhere),
      cmocka_unit_test(a_key_fits_its_algorithm_and_its_owner),
      cmocka_unit_test(unfit_keys_from_outside_are_not_there),
      cmocka_unit_test(three_parts_of_canonical_base64url),
      cmocka_unit_test(header_and_claims_are_json_objects),
      cmocka_unit_test(a_header_changes_no_rule_and_fetches_nothing),
      cmocka_unit_test(a_kid_is_looked_up_and_nothing_else),
      cmocka_unit_test(dates_count_to_the_second),
      cmocka_unit_test(issuer_subject_and_audience_are_exact),
      cmocka_unit_test(a_token_has_a_longest),
      cmocka_unit_test(signatures_have_one_form),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  for (size_t i = 0; i < PAIRS; i++)
    EVP_PKEY_free(pairs[i]);
  return failed;
}
