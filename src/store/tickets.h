/* Rows of table ticket. A row is one authorization process; spending, binding and rotating are single statements. */
#ifndef USHER_STORE_TICKETS_H
#define USHER_STORE_TICKETS_H

#include "model/model.h"
#include "store/sql.h"

/* A ticket as it lies in the table: permissions are text. */
struct us_ticket_row {
  struct us_ticket ticket;
  struct us_str permissions; /* [[resource.id, uuid, [scope...]]...] */
};

enum us_code us_tickets_insert(struct us_cx *cx, const struct us_ticket_row *row, const char *digest) US_MUST_CHECK;
/* Kills the ticket and binds it to the client, if it is alive, has this digest and belongs to this client or to none yet.
 * US_E_NOT_FOUND: none such. */
enum us_code us_tickets_spend(struct us_cx *cx, int64_t tid, const char *digest, int64_t realm_id, int64_t client_ref,
                              struct us_ticket_row *ret_row) US_MUST_CHECK;
/* The same at the claims endpoint, as often as it likes: from then on the token endpoint does not take the ticket (state `claims`). A
 * challenge is kept when there was none. US_E_NOT_FOUND also for another challenge than was kept, and for none at all where one is
 * required. */
enum us_code us_tickets_claim(struct us_cx *cx, int64_t tid, const char *digest, int64_t realm_id, int64_t client_ref,
                              const struct us_ticket_challenge *challenge, struct us_ticket_row *ret_row) US_MUST_CHECK;
/* Whose is the process that this was a ticket of, dead or alive, the present one or an earlier one? 0 when bound to nobody;
 * US_E_NOT_FOUND when there is no such record. Of earlier ones the first and the latest are remembered, US_TICKETS_USED_MAX in
 * all: a process may go on for a day of polling. */
#define US_TICKETS_USED_MAX 16
enum us_code us_tickets_bound_client(struct us_cx *cx, int64_t tid, const char *digest, int64_t realm_id,
                                     int64_t *ret_client_ref) US_MUST_CHECK;
/* Brings a spent or claimed ticket back to life as its successor: state, iteration, pending requests, end, and what was gathered are
 * those of `ticket`. */
enum us_code us_tickets_rotate(struct us_cx *cx, const struct us_ticket *ticket, const char *digest) US_MUST_CHECK;
/* Gives back what it was; US_E_NOT_FOUND: there is none. */
enum us_code us_tickets_kill(struct us_cx *cx, int64_t tid, struct us_ticket_row *ret_row) US_MUST_CHECK;

#endif
