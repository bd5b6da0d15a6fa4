/*
 * Requesting party tokens: the UMA grant (protocol contract 6), what a resource server may learn of an RPT (8.1), and
 * revocation.
 */
#ifndef USHER_DOMAIN_RPT_H
#define USHER_DOMAIN_RPT_H

#include "crypto/handle.h"
#include "domain/services.h"

#define US_RPT_PROCESSES_MAX 64    /* that one RPT holds the permissions of: it is upgraded no further */
#define US_RPT_COUNTED_MAX 256     /* shares of which one RPT uses up a use (MaxUses) */
#define US_RPT_PERMISSIONS_MAX 200 /* of one RPT: a whole ticket, and as many carried over by upgrading */

/* Who is the requesting party (6.3)? The active account behind a claim token; US_E_NOT_FOUND without text: no usable claims,
 * whatever the reason, or the realm gathers claims interactively: then no claim token is looked at, and us_rpt_grant() finds out.
 * Reads only. */
enum us_code us_rpt_party(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                          struct us_str claim_token, struct us_str claim_token_format,
                          struct us_account *ret_party) US_MUST_CHECK;

/* A request of the UMA grant, past its syntax. Members that were not sent are absent. */
struct us_rpt_request {
  struct us_str ticket, scope, code_verifier, rpt, pct;
  struct us_str cnf_key; /* the thumbprint in it (6.8), base64url */
  const struct us_client *client;
  const struct us_account *party; /* NULL: no usable claims were pushed */
};
struct us_rpt_grant {
  struct us_handle handle; /* the RPT itself */
  struct us_handle pct;    /* n == 0: none */
  int64_t expires_in_s;
  bool is_upgraded;
};
/* Before the ticket is touched: a client whose tokens are bound to certificates (RFC 8705 3.4) must show one, or name it by `cnf_key`.
 * US_E_INVALID_REQUEST otherwise. */
enum us_code us_rpt_check_binding(struct us_cx *cx, const struct us_client *client,
                                  struct us_str cnf_key) US_MUST_CHECK;
/* Write step: steps 5 to 11 of 6.2. Refusals from step 6 on keep their writes: the ticket is dead. US_E_NEED_INFO and
 * US_E_REQUEST_SUBMITTED carry the successor ticket in err.extra. */
enum us_code us_rpt_grant(struct us_cx *cx, const struct us_realm *realm, const struct us_rpt_request *in,
                          struct us_rpt_grant *ret_grant) US_MUST_CHECK;

/* What introspection shows. `rpt.permissions` are those that hold now. */
struct us_rpt_view {
  bool active;
  struct us_rpt rpt;
  struct us_str client_id, party_name;
};
/* By its text, for a PAT (its resource server and its owner) or a client (its resource server). US_E_NOT_FOUND without text: not an
 * RPT of this realm, or not to be seen by this caller. Expired, or nothing left of it: US_OK and not active. */
enum us_code us_rpt_introspect(struct us_cx *cx, const struct us_realm *realm, struct us_str token_text,
                               const struct us_access *pat_or_null, const struct us_client *client_or_null,
                               struct us_rpt_view *ret_view) US_MUST_CHECK;
/* Is it an RPT of this realm that has not ended, whoever asks? */
enum us_code us_rpt_is_live(struct us_cx *cx, const struct us_realm *realm, struct us_str token_text,
                            bool *ret_is_live) US_MUST_CHECK;
/* Write step. US_E_NOT_FOUND without text: not an RPT; US_E_INVALID_GRANT: another client's. */
enum us_code us_rpt_revoke(struct us_cx *cx, const struct us_realm *realm, struct us_str token_text,
                           const struct us_client *client) US_MUST_CHECK;

#endif
