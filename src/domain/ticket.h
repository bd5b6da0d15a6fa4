/*
 * Permission tickets (protocol contract 5, 6.9, 7, 11.1). One row is one authorization process from the resource server's request
 * to its end; the string changes with each round, the `tid` stays:
 *
 *   issue --> open --spend--> dead --succeed--> open (iteration + 1) --spend--> dead ...
 *              |
 *              +--claim--> claims --claim--> claims ...      the browser of the requesting party is at it (Q33)
 *                            |
 *                            +--succeed--> claims (iteration + 1)   sent to log in
 *                            +--succeed--> open (iteration + 1)     has said who he is
 *                            +--discard--> dead
 *
 * The token endpoint takes open tickets, the claims endpoint open and claimed ones. Spending and claiming are one statement each and
 * bind the ticket to the client that presented it first.
 */
#ifndef USHER_DOMAIN_TICKET_H
#define USHER_DOMAIN_TICKET_H

#include "crypto/handle.h"
#include "domain/services.h"

#define US_TICKET_ENTRIES_MAX 100      /* entries of one permission request, protocol contract 5.1 */
#define US_TICKET_PROCESS_MAX_S 86400  /* no successor lives longer than this after the first issue (Q28) */
#define US_TICKET_ITERATIONS_MAX 20000 /* a day of polling every five seconds, and some more */
#define US_TICKET_PENDING_MAX 200      /* pending requests one process remembers */

/* Adds scopes of one of this PAT's resources to a list with room for US_TICKET_ENTRIES_MAX; a repeated resource is merged by
 * union. US_E_INVALID_RESOURCE_ID, US_E_INVALID_SCOPE with the texts of 5.3. */
enum us_code us_ticket_want(struct us_cx *cx, const struct us_access *pat, struct us_str uuid, struct us_strs scopes,
                            struct us_permissions *permissions) US_MUST_CHECK;
/* The list as a ticket keeps it; made outside of the write step. */
enum us_code us_ticket_permissions_text(struct us_cx *cx, const struct us_permissions *permissions,
                                        struct us_str *ret_text) US_MUST_CHECK;
/* Write step, one statement. */
enum us_code us_ticket_issue(struct us_cx *cx, const struct us_realm *realm, const struct us_access *pat,
                             struct us_str permissions_text, struct us_handle *ret_handle) US_MUST_CHECK;

/* Write step. Spends the ticket and binds it to the client. Expected: US_E_NOT_FOUND, unknown, expired, used or of another realm;
 * US_E_CONFLICT, it belongs to another client, dead or alive: it is dead now, and *ret_ticket says what it was. */
enum us_code us_ticket_spend(struct us_cx *cx, const struct us_realm *realm, struct us_str text, int64_t client_ref,
                             struct us_ticket *ret_ticket) US_MUST_CHECK;
/* Reads only. Is there a process that this is or was a ticket of? US_E_NOT_FOUND without text: no, and nobody need write to find out. */
enum us_code us_ticket_is_known(struct us_cx *cx, const struct us_realm *realm, struct us_str text) US_MUST_CHECK;
/* Write step. Claims the ticket for the claims endpoint. Expected: as above; US_E_NOT_FOUND also for another challenge than the ticket
 * has, and for none where one is required. */
enum us_code us_ticket_claim(struct us_cx *cx, const struct us_realm *realm, struct us_str text, int64_t client_ref,
                             const struct us_ticket_challenge *challenge, struct us_ticket *ret_ticket) US_MUST_CHECK;
/* Write step. The next ticket of one that was spent or claimed, with what the struct says of who was there (kept unless it was changed).
 * US_E_REQUEST_DENIED when the process has gone on for too long. */
enum us_code us_ticket_succeed(struct us_cx *cx, const struct us_realm *realm, struct us_ticket *ticket,
                               enum us_ticket_state state, struct us_handle *ret_handle) US_MUST_CHECK;
/* Write step. A claimed ticket is good for nothing any more. */
enum us_code us_ticket_discard(struct us_cx *cx, const struct us_ticket *ticket) US_MUST_CHECK;
/* Write step, after US_E_CONFLICT: whatever was obtained in the process is worth nothing any more (G 5.5), and its owner is told that
 * this client came with the ticket. */
enum us_code us_ticket_end_process(struct us_cx *cx, const struct us_realm *realm, const struct us_ticket *ticket,
                                   struct us_str client_id) US_MUST_CHECK;
/* Remembers a pending request that this process waits for; kept by us_ticket_succeed(). */
enum us_code us_ticket_add_pending(struct us_cx *cx, struct us_ticket *ticket, int64_t pending_id) US_MUST_CHECK;

#endif
