/* What the UMA grant refuses, in which order, and what happens to the ticket (protocol contract 6.2, 6.5, 6.7, 6.8). */
#include "domain/pending.h"
#include "flow/uma.h"

#define IDT_FORMAT "&claim_token_format=http%%3A%%2F%%2Fopenid.net%%2Fspecs%%2Fopenid-connect-core-1_0.html%%23IDToken"

/* One resource of alice's, one policy: bob may view it. */
struct album {
  const char *pat, *id, *bob;
};
static struct album shared_album(struct us_world *w) {
  struct album a = {us_pat(w, "alice", RS1), NULL, us_id_token(w, "bob", C1)};
  a.id = us_register(w, a.pat, ALBUM);
  us_share(w, "alice", a.id, "bob", "[\"view\"]");
  return a;
}

static void no_ticket_in(struct us_reply r, int status, const char *error) {
  assert_error(r, status, error);
  assert_null(json_object_get(r.json, "ticket"));
  assert_null(json_object_get(r.json, "access_token"));
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
}

static struct us_reply post(struct us_world *w, const char *form) {
  return us_send(
      w, "POST", TOKEN, "Content-Type: application/x-www-form-urlencoded",
      us_text(w, "grant_type=urn:ietf:params:oauth:grant-type:uma-ticket&client_id=" C1 "&client_secret=mySecret%s",
              form));
}

/* UG-08 */
static void a_ticket_is_needed(void **state) {
  struct us_world *w = *state;
  struct us_reply r = post(w, "");
  assert_error(r, 400, "invalid_request");
  assert_string_equal(us_reply_str(&r, "error_description"), "Missing parameters: ticket");
  no_ticket_in(post(w, "&ticket="), 400, "invalid_request");
  no_ticket_in(post(w, "&ticket=a&ticket=b"), 400, "invalid_request");
}

/* UG-09 UG-76: syntax is looked at before the ticket. */
static void a_claim_token_and_its_format_come_together(void **state) {
  struct us_world *w = *state;
  struct album a = shared_album(w);
  const char *ticket = ask_for(w, a.pat, a.id, "[\"view\"]");
  no_ticket_in(us_grant(w, C1, ticket, NULL, us_text(w, "&claim_token=%s", a.bob)), 400, "invalid_request");
  no_ticket_in(us_grant(w, C1, ticket, NULL, us_text(w, IDT_FORMAT)), 400, "invalid_request");
  no_ticket_in(us_grant(w, C1, ticket, NULL, us_text(w, "&claim_token=%s&claim_token_format=", a.bob)), 400,
               "invalid_request");
  rpt_of(us_grant(w, C1, ticket, a.bob, NULL));
}

/* UG-41 */
static void a_ticket_that_is_unknown_expired_or_used_is_invalid_grant(void **state) {
  struct us_world *w = *state;
  struct album a = shared_album(w);
  struct us_reply r = us_grant(w, C1, "nonsense", a.bob, NULL);
  no_ticket_in(r, 400, "invalid_grant");
  assert_string_equal(us_reply_str(&r, "error_description"), INVALID_GRANT_TEXT);
  const char *used = ask_for(w, a.pat, a.id, "[\"view\"]");
  rpt_of(us_grant(w, C1, used, a.bob, NULL));
  no_ticket_in(us_grant(w, C1, used, a.bob, NULL), 400, "invalid_grant");
  const char *old = ask_for(w, a.pat, a.id, "[\"view\"]");
  us_world_advance_ms(w, 119 * 1000);
  const char *alive = ask_for(w, a.pat, a.id, "[\"view\"]");
  us_world_advance_ms(w, 1000);
  no_ticket_in(us_grant(w, C1, old, a.bob, NULL), 400, "invalid_grant");
  rpt_of(us_grant(w, C1, alive, a.bob, NULL));
  /* A ticket of this realm is unknown in another. */
  const char *foreign = ask_for(w, a.pat, a.id, "[\"view\"]");
  r = us_send(w, "POST", "/am/oauth2/realms/root/access_token", "Content-Type: application/x-www-form-urlencoded",
              us_text(w,
                      "grant_type=urn:ietf:params:oauth:grant-type:uma-ticket&client_id=" C1
                      "&client_secret=mySecret&ticket=%s",
                      foreign));
  no_ticket_in(r, 400, "invalid_client");
  rpt_of(us_grant(w, C1, foreign, a.bob, NULL));
}

/* UG-42 */
static void a_scope_no_resource_offers_is_invalid_scope_and_spends_the_ticket(void **state) {
  struct us_world *w = *state;
  struct album a = shared_album(w);
  const char *ticket = ask_for(w, a.pat, a.id, "[\"view\"]");
  struct us_reply r = us_grant(w, C1, ticket, a.bob, "&scope=profile"); /* registered for the client, on no resource */
  no_ticket_in(r, 400, "invalid_scope");
  assert_string_equal(us_reply_str(&r, "error_description"), "The requested scope is invalid, unknown, or malformed.");
  no_ticket_in(us_grant(w, C1, ticket, a.bob, NULL), 400, "invalid_grant");
  ticket = ask_for(w, a.pat, a.id, "[\"view\"]");
  no_ticket_in(us_grant(w, C1, ticket, NULL, "&scope=view%22"), 400, "invalid_scope"); /* before need_info: step 8 */
  no_ticket_in(us_grant(w, C1, ticket, a.bob, NULL), 400, "invalid_grant");
}

/* UG-43 UG-45 */
static void need_info_says_what_is_needed(void **state) {
  struct us_world *w = *state;
  struct album a = shared_album(w);
  const char *ticket = ask_for(w, a.pat, a.id, "[\"view\"]");
  struct us_reply r = us_grant(w, C1, ticket, NULL, NULL);
  const char *next = successor(r, 403, "need_info");
  assert_string_not_equal(next, ticket);
  json_t *expected =
      json_pack("{s:s,s:s,s:s,s:[{s:s,s:s,s:s,s:[s],s:[s]}]}", "error", "need_info", "error_description",
                "Additional information is required to determine whether the client is authorized to access the "
                "requested resource.",
                "ticket", next, "required_claims", "name", "id_token", "friendly_name", "id_token", "claim_type",
                "urn:ietf:params:oauth:token-type:jwt", "claim_token_format",
                "http://openid.net/specs/openid-connect-core-1_0.html#IDToken", "issuer", ALPHA_ISSUER);
  assert_non_null(expected);
  if (!json_equal(expected, r.json))
    fail_msg("%s", r.body);
  json_decref(expected);
}

/* UG-25 UG-26 UG-49 */
static void without_a_policy_the_owner_is_asked(void **state) {
  struct us_world *w = *state;
  struct album a = shared_album(w);
  const char *ticket = ask_for(w, a.pat, a.id, "[\"view\"]"), *carol = us_id_token(w, "carol", C1);
  struct us_reply r = us_grant(w, C1, ticket, carol, NULL);
  assert_string_not_equal(successor(r, 403, "request_submitted"), ticket);
  assert_string_equal(
      us_reply_str(&r, "error_description"),
      "The client is not authorised to access the requested resource set. A request has been submitted to the "
      "resource owner requesting access to the resource");
  assert_int_equal(us_reply_int(&r, "interval"), 5);
  assert_int_equal(json_object_size(r.json), 4);
  static const char SQL_PENDING[] = "SELECT COUNT(*) FROM pending_request";
  assert_int_equal(us_count(w, SQL_PENDING), 1);
  /* Again: the one request covers it. */
  successor(us_grant(w, C1, ask_for(w, a.pat, a.id, "[\"view\"]"), carol, NULL), 403, "request_submitted");
  assert_int_equal(us_count(w, SQL_PENDING), 1);
  /* A policy with no permissions is no policy. */
  const char *lone = us_register(w, a.pat, PHOTO);
  successor(us_grant(w, C1, ask_for(w, a.pat, lone, "[\"view\"]"), a.bob, NULL), 403, "request_submitted");
}

/* UG-48 */
static void where_nobody_can_be_asked_it_is_denied(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "pendingRequestsEnabled", "false");
  struct album a = shared_album(w);
  const char *ticket = ask_for(w, a.pat, a.id, "[\"view\"]");
  struct us_reply r = us_grant(w, C1, ticket, us_id_token(w, "carol", C1), NULL);
  no_ticket_in(r, 403, "request_denied");
  assert_string_equal(us_reply_str(&r, "error_description"),
                      "The client is not authorised to access the requested resource set");
  assert_int_equal(json_object_size(r.json), 2);
  no_ticket_in(us_grant(w, C1, ticket, a.bob, NULL), 400, "invalid_grant");
}

struct fill {
  int64_t count;
};
/* So many open requests of bob's at carol's, straight into the table. */
static enum us_code fill(struct us_cx *cx, void *self) {
  static const char SQL_FILL[] =
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
      "INSERT INTO pending_request (id, uuid, realm_id, owner_id, resource_id, party_id, scopes, created_ms, rev) "
      "SELECT n.i, 'fill-' || n.i, bob.realm_id, carol.id, n.i, bob.id, '[\"view\"]', 0, 1 "
      "FROM n, account bob, account carol WHERE bob.name_key = 'bob' AND carol.name_key = 'carol'";
  return us_sql_run(cx, NULL, SQL_FILL, "i", ((struct fill *)self)->count);
}

/* Design 6: one past the limit is denied and stores nothing; the ticket is spent like with every denial. */
static void a_party_with_too_many_open_requests_is_denied(void **state) {
  static const char SQL_PENDING[] = "SELECT COUNT(*) FROM pending_request";
  struct us_world *w = *state;
  struct album a = shared_album(w);
  struct fill f = {4};
  us_world_set(w, "pendingRequestsPerRequestingParty", "5");
  assert_int_equal(us_world_transact(w, fill, &f), US_OK);
  const char *photo = us_register(w, a.pat, PHOTO);
  const char *two = us_ask(w, a.pat,
                           us_text(w,
                                   "[{\"resource_id\":\"%s\",\"resource_scopes\":[\"edit\"]},"
                                   "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}]",
                                   a.id, photo));
  successor(us_grant(w, C1, two, a.bob, NULL), 403, "request_submitted"); /* there was room for one of them */
  assert_int_equal(us_count(w, SQL_PENDING), 5);
  const char *ticket = ask_for(w, a.pat, photo, "[\"view\"]");
  struct us_reply r = us_grant(w, C1, ticket, a.bob, NULL);
  no_ticket_in(r, 403, "request_denied");
  assert_non_null(strstr(us_reply_str(&r, "error_description"), "too many"));
  assert_int_equal(us_count(w, SQL_PENDING), 5);
  no_ticket_in(us_grant(w, C1, ticket, a.bob, NULL), 400, "invalid_grant");
}

/* UG-51: a ticket comes with need_info and request_submitted, and with nothing else. */
static void no_other_answer_carries_a_ticket(void **state) {
  struct us_world *w = *state;
  struct album a = shared_album(w);
  struct us_reply r = us_grant(w, C1, ask_for(w, a.pat, a.id, "[\"view\"]"), a.bob, NULL);
  assert_status(r, 200);
  assert_null(json_object_get(r.json, "ticket"));
  no_ticket_in(us_grant(w, C1, "nonsense", a.bob, NULL), 400, "invalid_grant");
  no_ticket_in(us_grant(w, C1, ask_for(w, a.pat, a.id, "[\"view\"]"), a.bob, "&scope=none"), 400, "invalid_scope");
  no_ticket_in(us_grant(w, C1, ask_for(w, a.pat, a.id, "[\"view\"]"), a.bob, "&cnf_key=x"), 400, "invalid_request");
}

/* UG-52 */
static void client_errors_are_the_ordinary_ones(void **state) {
  struct us_world *w = *state;
  struct album a = shared_album(w);
  const char *ticket = ask_for(w, a.pat, a.id, "[\"view\"]");
  const char *type = "Content-Type: application/x-www-form-urlencoded";
  struct us_reply r = us_send(w, "POST", TOKEN, us_text(w, "%s\nAuthorization: Basic VU1BLUNsaWVudDp3cm9uZw==", type),
                              us_text(w, "grant_type=urn:ietf:params:oauth:grant-type:uma-ticket&ticket=%s", ticket));
  no_ticket_in(r, 401, "invalid_client");
  assert_non_null(strstr(us_reply_header(&r, "WWW-Authenticate"), "Basic"));
  no_ticket_in(us_grant(w, RS1, ticket, a.bob, NULL), 400, "unauthorized_client"); /* not registered for this grant */
  rpt_of(us_grant(w, C1, ticket, a.bob, NULL));                                    /* neither spent it (UG-76) */
}

/* UF-29 UG-41: one resource of the ticket is gone. */
static void a_ticket_dies_with_its_resource(void **state) {
  struct us_world *w = *state;
  struct album a = shared_album(w);
  const char *photo = us_register(w, a.pat, PHOTO);
  const char *ticket = us_ask(w, a.pat,
                              us_text(w,
                                      "[{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]},"
                                      "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}]",
                                      a.id, photo));
  us_with_pat(w, "DELETE", set_url(w, photo), a.pat, NULL);
  no_ticket_in(us_grant(w, C1, ticket, a.bob, NULL), 400, "invalid_grant");
}

/* UF-27: a ticket for a scope that was taken from the resource meanwhile. */
static void a_scope_that_is_gone_is_not_granted_and_not_asked_for(void **state) {
  struct us_world *w = *state;
  struct album a = shared_album(w);
  us_share(w, "alice", a.id, "bob", "[\"view\",\"edit\"]");
  const char *both = ask_for(w, a.pat, a.id, "[\"view\",\"edit\"]"), *gone = ask_for(w, a.pat, a.id, "[\"edit\"]");
  us_with_pat(w, "PUT", set_url(w, a.id), a.pat, "{\"name\":\"album\",\"resource_scopes\":[\"view\"]}");
  assert_holds(w, a.pat, rpt_of(us_grant(w, C1, both, a.bob, NULL)), "%s:view", a.id);
  no_ticket_in(us_grant(w, C1, gone, a.bob, NULL), 403, "request_denied"); /* there is nothing the owner could give */
}

/* Protocol contract 6.7: a verifier for a ticket without a challenge is a downgrade. */
static void a_verifier_without_a_challenge_is_invalid_grant(void **state) {
  struct us_world *w = *state;
  struct album a = shared_album(w);
  const char *ticket = ask_for(w, a.pat, a.id, "[\"view\"]");
  no_ticket_in(us_grant(w, C1, ticket, a.bob, "&code_verifier=ush3r-ticket-verifier_0123456789~abcdefghijklm"), 400,
               "invalid_grant");
  no_ticket_in(us_grant(w, C1, ticket, a.bob, NULL), 400, "invalid_grant");
}

/* Protocol contract 6.8: a jwk; two members; 31 bytes; no JSON; not base64; nothing in it. Good ones: test_cnf.c. */
static void a_malformed_cnf_key_is_refused_and_the_ticket_lives(void **state) {
  struct us_world *w = *state;
  struct album a = shared_album(w);
  const char *ticket = ask_for(w, a.pat, a.id, "[\"view\"]");
  static const char *const malformed[] = {
      "eyJqd2siOnt9fQ==",
      "eyJ4NXQjUzI1NiI6Im1jd2pyTU9FS3JaRjRpRXNEd0JONWJ5U2k5TmhWUlpLbkUxOG8zZjZ1WjgiLCJ4IjoxfQ==",
      "eyJ4NXQjUzI1NiI6Im1jd2pyTU9FS3JaRjRpRXNEd0JONWJ5U2k5TmhWUlpLbkUxOG8zZjZ1In0=",
      "bm9uZQ==",
      "***",
      "e30="};
  for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
    struct us_reply r = us_grant(w, C1, ticket, a.bob, us_text(w, "&cnf_key=%s", us_enc(w, malformed[i])));
    no_ticket_in(r, 400, "invalid_request");
    assert_string_equal(us_reply_str(&r, "error_description"), "Invalid cnf_key parameter");
  }
  rpt_of(us_grant(w, C1, ticket, a.bob, NULL));
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_ticket_is_needed),
      STORY(a_claim_token_and_its_format_come_together),
      STORY(a_ticket_that_is_unknown_expired_or_used_is_invalid_grant),
      STORY(a_scope_no_resource_offers_is_invalid_scope_and_spends_the_ticket),
      STORY(need_info_says_what_is_needed),
      STORY(without_a_policy_the_owner_is_asked),
      STORY(where_nobody_can_be_asked_it_is_denied),
      STORY(a_party_with_too_many_open_requests_is_denied),
      STORY(no_other_answer_carries_a_ticket),
      STORY(client_errors_are_the_ordinary_ones),
      STORY(a_ticket_dies_with_its_resource),
      STORY(a_scope_that_is_gone_is_not_granted_and_not_asked_for),
      STORY(a_verifier_without_a_challenge_is_invalid_grant),
      STORY(a_malformed_cnf_key_is_refused_and_the_ticket_lives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
