/* Interactive claims gathering: see claims.h. */
#include "domain/claims.h"

#include "domain/pkce.h"
#include "domain/settings.h"
#include "domain/ticket.h"

bool us_claims_session_ok(const struct us_realm *realm, const struct us_login *login) {
  struct us_str journey = us_settings_claims_journey(&realm->settings);
  bool is_of_realm = login->session.realm_id == realm->id && login->account.realm_id == realm->id;
  return is_of_realm && (!journey.p || us_str_eq(journey, login->session.journey)); /* Q31 */
}

enum us_code us_claims_redirect_uri(struct us_cx *cx, const struct us_client *client, struct us_str asked_for,
                                    struct us_str *ret_uri) {
  if (asked_for.p && us_strs_has(client->claims_redirect_uris, asked_for)) {
    *ret_uri = asked_for;
    return US_OK;
  }
  if (asked_for.p)
    return us_fail(cx, US_E_INVALID_REQUEST, "The claims_redirect_uri is not registered for this client");
  if (client->claims_redirect_uris.n != 1)
    return us_fail(cx, US_E_INVALID_REQUEST, "Missing parameters: claims_redirect_uri");
  *ret_uri = client->claims_redirect_uris.v[0];
  return US_OK;
}

enum us_code us_claims_challenge(struct us_cx *cx, struct us_claims_request *in, struct us_str challenge,
                                 struct us_str method) {
  in->challenge = (struct us_ticket_challenge){.text = challenge};
  if (challenge.p || method.p)
    return us_pkce_check_challenge(cx, in->realm, in->client, challenge, method, &in->challenge.method);
  in->challenge.is_required = us_pkce_is_required(in->realm, in->client);
  return US_OK;
}

enum us_code us_claims_ticket_ok(struct us_cx *cx, const struct us_claims_request *in) {
  enum us_code code = us_ticket_is_known(cx, in->realm, in->ticket);
  return code == US_E_NOT_FOUND ? us_error_detail(cx, "the ticket is unknown") : code;
}

static enum us_code claim(struct us_cx *cx, const struct us_claims_request *in, struct us_ticket *ret_ticket) {
  enum us_code code = us_ticket_claim(cx, in->realm, in->ticket, in->client->ref, &in->challenge, ret_ticket);
  if (code == US_E_NOT_FOUND)
    return us_error_detail(cx, "the ticket is unknown, expired or used, or comes without its code_challenge");
  if (code != US_E_CONFLICT)
    return code;
  US_TRY(us_ticket_end_process(cx, in->realm, ret_ticket, in->client->client_id));
  us_fail_plain(cx, US_E_NOT_FOUND);
  return us_error_detail(cx, "the ticket belongs to another client; RPTs of process %lld revoked",
                         (long long)ret_ticket->tid);
}

static enum us_code succeed(struct us_cx *cx, const struct us_claims_request *in, struct us_ticket *ticket,
                            enum us_ticket_state state, struct us_handle *ret_next) {
  enum us_code code = us_ticket_succeed(cx, in->realm, ticket, state, ret_next);
  if (code != US_E_REQUEST_DENIED)
    return code;
  US_TRY(us_ticket_discard(cx, ticket));
  us_fail_plain(cx, US_E_NOT_FOUND);
  return us_error_detail(cx, "the process has gone on for too long");
}

enum us_code us_claims_show(struct us_cx *cx, const struct us_claims_request *in) {
  struct us_ticket ticket;
  return claim(cx, in, &ticket);
}

enum us_code us_claims_postpone(struct us_cx *cx, const struct us_claims_request *in, struct us_handle *ret_next) {
  struct us_ticket ticket;
  US_TRY(claim(cx, in, &ticket));
  return succeed(cx, in, &ticket, US_TICKET_CLAIMS, ret_next);
}

enum us_code us_claims_allow(struct us_cx *cx, const struct us_claims_request *in, const struct us_account *party,
                             bool wants_pct, struct us_handle *ret_next) {
  struct us_ticket ticket;
  US_TRY(claim(cx, in, &ticket));
  ticket.party_id = party->id;
  ticket.gathered_id = us_next_id(cx);
  ticket.wants_pct = wants_pct;
  return succeed(cx, in, &ticket, US_TICKET_OPEN, ret_next);
}

enum us_code us_claims_deny(struct us_cx *cx, const struct us_claims_request *in) {
  struct us_ticket ticket;
  US_TRY(claim(cx, in, &ticket));
  return us_ticket_discard(cx, &ticket);
}
