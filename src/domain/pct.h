/*
 * Persisted claims tokens (protocol contract 7.5): who the requesting party is, for one client, for as long as the realm says
 * (pctLifetime), when that person wanted it so while claims were gathered. A handle: it says nothing by itself. It gives a requesting
 * party and never access, and using it neither spends nor renews it (Q35).
 */
#ifndef USHER_DOMAIN_PCT_H
#define USHER_DOMAIN_PCT_H

#include "crypto/handle.h"
#include "domain/services.h"

/* So it is called among what a person lets a client do (domain/consent.h), where it is seen and taken back. */
#define US_PCT_SCOPE "uma_claims"
#define US_PCT_PER_CLIENT_MAX 100 /* of one person at one client; the oldest end */

/* Write step. `cnf`: thumbprint of the certificate it is bound to (6.8); absent: to none. */
enum us_code us_pct_issue(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                          int64_t account_id, struct us_str cnf, struct us_handle *ret_handle) US_MUST_CHECK;
/* Write step, for the line that a client's use of another client's PCT leaves in the history of whose it is. The person, active and with
 * the password of then. US_E_NOT_FOUND with a reason for the log: unknown, expired, of another realm or client, bound to another
 * certificate than `proof` (absent: none was shown), or the person does not stand by it any more. */
enum us_code us_pct_use(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                        struct us_str text, struct us_str proof, struct us_account *ret_party) US_MUST_CHECK;
/* Write step. US_E_NOT_FOUND without text: no such PCT; US_E_INVALID_GRANT: another client's. */
enum us_code us_pct_revoke(struct us_cx *cx, const struct us_realm *realm, struct us_str text,
                           const struct us_client *client) US_MUST_CHECK;

#endif
