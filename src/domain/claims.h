/*
 * Interactive claims gathering (protocol contract 7): a requesting party says, at our own page, in whose name a client asks. What is
 * gathered is who the person is; it goes into the ticket of the process (domain/ticket.h), and when the person likes into a PCT
 * (domain/pct.h).
 *
 *   show      the page is shown: only this endpoint takes the ticket from now on (Q33)
 *   postpone  somebody has to log in first: the process goes on under a new ticket
 *   allow     the party is known: a new ticket for the client
 *   deny      the ticket is good for nothing any more
 *
 * All four are write steps and begin with one statement that claims the ticket. US_E_NOT_FOUND, with a reason for the log: it is not to
 * be had; when another client presented it the process is ended, and that must be committed.
 */
#ifndef USHER_DOMAIN_CLAIMS_H
#define USHER_DOMAIN_CLAIMS_H

#include "crypto/handle.h"
#include "domain/services.h"
#include "domain/session.h"

/* Does the session say who the requesting party is: a user of this realm, by the journey of claimsGatheringService if there is one? */
bool us_claims_session_ok(const struct us_realm *realm, const struct us_login *login);

/* Where the browser goes back to (G 3.3.2): what was asked for, if it is registered character by character; the only registered one,
 * if nothing was. US_E_INVALID_REQUEST otherwise. */
enum us_code us_claims_redirect_uri(struct us_cx *cx, const struct us_client *client, struct us_str asked_for,
                                    struct us_str *ret_uri) US_MUST_CHECK;

/* What a browser brought along. Strangers send made-up tickets, which must not keep the writer busy: us_claims_ticket_ok() reads only, and
 * what it refuses (US_E_NOT_FOUND, with a reason for the log) needs no step below. */
struct us_claims_request {
  const struct us_realm *realm;
  const struct us_client *client;
  struct us_str ticket;
  struct us_ticket_challenge challenge;
};
/* Fills `challenge`. US_E_INVALID_REQUEST as us_pkce_check_challenge(); a challenge that is missing is left to the steps below, because
 * the ticket may have one. */
enum us_code us_claims_challenge(struct us_cx *cx, struct us_claims_request *in, struct us_str challenge,
                                 struct us_str method) US_MUST_CHECK;

enum us_code us_claims_ticket_ok(struct us_cx *cx, const struct us_claims_request *in) US_MUST_CHECK;

enum us_code us_claims_show(struct us_cx *cx, const struct us_claims_request *in) US_MUST_CHECK;
enum us_code us_claims_postpone(struct us_cx *cx, const struct us_claims_request *in,
                                struct us_handle *ret_next) US_MUST_CHECK;
enum us_code us_claims_allow(struct us_cx *cx, const struct us_claims_request *in, const struct us_account *party,
                             bool wants_pct, struct us_handle *ret_next) US_MUST_CHECK;
enum us_code us_claims_deny(struct us_cx *cx, const struct us_claims_request *in) US_MUST_CHECK;

#endif
