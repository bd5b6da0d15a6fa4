/*
 * Table ticket. us_tickets_spend() and us_tickets_claim() are the whole of "single use" (protocol contract 6.2 step 5, 7.2, 11.1):
 * one UPDATE with every condition in it; no row means unknown, expired, used, somebody else's, or that somebody was faster.
 */
#include "store/tickets.h"

#include <stddef.h>

#include "crypto/handle.h"

#define US_TICKETS_DIGEST_CHARS (US_SHA256_TEXT_BYTES - 1)

#define AT(member) offsetof(struct us_ticket_row, member)
static const struct us_column ticket_columns[] = {
    {US_COLUMN_I64, AT(ticket.tid)},
    {US_COLUMN_I64, AT(ticket.iteration)},
    {US_COLUMN_INT, AT(ticket.state)},
    {US_COLUMN_I64, AT(ticket.realm_id)},
    {US_COLUMN_I64, AT(ticket.owner_id)},
    {US_COLUMN_I64, AT(ticket.rs_ref)},
    {US_COLUMN_I64, AT(ticket.client_ref)},
    {US_COLUMN_TEXT, AT(permissions)},
    {US_COLUMN_TEXT, AT(ticket.pending_ids)},
    {US_COLUMN_I64, AT(ticket.created_s)},
    {US_COLUMN_I64, AT(ticket.expires_s)},
    {US_COLUMN_TEXT, AT(ticket.challenge)},
    {US_COLUMN_TEXT, AT(ticket.challenge_method)},
    {US_COLUMN_I64, AT(ticket.party_id)},
    {US_COLUMN_I64, AT(ticket.gathered_id)},
    {US_COLUMN_BOOL, AT(ticket.wants_pct)},
};

#define COLUMNS                                                                                                        \
  "id, iteration, state, realm_id, owner_id, rs_ref, client_ref, permissions, pending_ids, created_s, expires_s, "     \
  "challenge, challenge_method, party_id, gathered_id, wants_pct"

static const char SQL_INSERT[] = "INSERT INTO ticket (id, digest, iteration, state, realm_id, owner_id, rs_ref, "
                                 "client_ref, permissions, pending_ids, "
                                 "created_s, expires_s) VALUES ($1, $2, 0, 0, $3, $4, $5, NULL, $6, '[]', $7, $8)";
enum us_code us_tickets_insert(struct us_cx *cx, const struct us_ticket_row *row, const char *digest) {
  const struct us_ticket *ticket = &row->ticket;
  return us_sql_run(cx, NULL, SQL_INSERT, "iciiitii", ticket->tid, digest, ticket->realm_id, ticket->owner_id,
                    ticket->rs_ref, row->permissions, ticket->created_s, ticket->expires_s);
}

/* An owner or resource server that is gone takes its tickets along; their resources go in portions, which may take a while. */
static const char SQL_SPEND[] =
    "UPDATE ticket SET state = 2, client_ref = $4 WHERE id = $1 AND digest = $2 AND realm_id = $3 AND state = 0 "
    "AND expires_s > $5 AND (client_ref IS NULL OR client_ref = $4) "
    "AND EXISTS (SELECT 1 FROM account WHERE account.id = ticket.owner_id) "
    "AND EXISTS (SELECT 1 FROM client WHERE client.id = ticket.rs_ref) RETURNING " COLUMNS;
enum us_code us_tickets_spend(struct us_cx *cx, int64_t tid, const char *digest, int64_t realm_id, int64_t client_ref,
                              struct us_ticket_row *ret_row) {
  return us_sql_one(cx, ticket_columns, US_COLUMN_COUNT(ticket_columns), ret_row, SQL_SPEND, "iciii", tid, digest,
                    realm_id, client_ref, us_cx_now_s(cx));
}

/* A challenge that is there stays: whoever gets hold of a ticket on its way through the browser could put his own in its place. */
static const char SQL_CLAIM[] =
    "UPDATE ticket SET state = 1, client_ref = $4, challenge = COALESCE(challenge, $6), "
    "challenge_method = COALESCE(challenge_method, $7) WHERE id = $1 AND digest = $2 AND realm_id = $3 AND state < 2 "
    "AND expires_s > $5 AND (client_ref IS NULL OR client_ref = $4) "
    "AND (challenge IS NULL OR CAST($6 AS TEXT) IS NULL OR (challenge = $6 AND challenge_method = $7)) "
    "AND (challenge IS NOT NULL OR CAST($6 AS TEXT) IS NOT NULL OR $8 = 0) "
    "AND EXISTS (SELECT 1 FROM account WHERE account.id = ticket.owner_id) "
    "AND EXISTS (SELECT 1 FROM client WHERE client.id = ticket.rs_ref) RETURNING " COLUMNS;
enum us_code us_tickets_claim(struct us_cx *cx, int64_t tid, const char *digest, int64_t realm_id, int64_t client_ref,
                              const struct us_ticket_challenge *challenge, struct us_ticket_row *ret_row) {
  return us_sql_one(cx, ticket_columns, US_COLUMN_COUNT(ticket_columns), ret_row, SQL_CLAIM, "iciiitti", tid, digest,
                    realm_id, client_ref, us_cx_now_s(cx), challenge->text, challenge->method,
                    (int64_t)challenge->is_required);
}

struct bound {
  int64_t client_ref;
  struct us_str digest, used_digests;
};
#define BOUND(member) offsetof(struct bound, member)

/* `digests` is any number of them, one behind the other. */
static bool is_among(struct us_str digests, const char *digest) {
  bool is_there = false;
  for (size_t at = 0; at + US_TICKETS_DIGEST_CHARS <= digests.n; at += US_TICKETS_DIGEST_CHARS)
    is_there |= us_handle_matches(digest, (struct us_str){digests.p + at, US_TICKETS_DIGEST_CHARS});
  return is_there;
}

static const char SQL_BOUND_CLIENT[] =
    "SELECT client_ref, digest, used_digests FROM ticket WHERE id = $1 AND realm_id = $2";
enum us_code us_tickets_bound_client(struct us_cx *cx, int64_t tid, const char *digest, int64_t realm_id,
                                     int64_t *ret_client_ref) {
  static const struct us_column columns[] = {
      {US_COLUMN_I64, BOUND(client_ref)}, {US_COLUMN_TEXT, BOUND(digest)}, {US_COLUMN_TEXT, BOUND(used_digests)}};
  struct bound bound = {0};
  US_TRY(us_sql_one(cx, columns, US_COLUMN_COUNT(columns), &bound, SQL_BOUND_CLIENT, "ii", tid, realm_id));
  if (!is_among(bound.digest, digest) && !is_among(bound.used_digests, digest))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  *ret_client_ref = bound.client_ref;
  return US_OK;
}

/* The right-hand sides see the row as it was. A full list loses its second: the first stays, being the one that went from the
 * resource server to the client by way of a header. 43 and 688: US_TICKETS_DIGEST_CHARS, and US_TICKETS_USED_MAX times that. */
static const char SQL_ROTATE[] =
    "UPDATE ticket SET state = $6, iteration = $2, digest = $3, pending_ids = $4, expires_s = $5, party_id = $7, "
    "gathered_id = $8, wants_pct = $9, "
    "used_digests = CASE WHEN length(used_digests) < 688 THEN used_digests || digest "
    "ELSE substr(used_digests, 1, 43) || substr(used_digests, 87) || digest END WHERE id = $1";
_Static_assert(US_TICKETS_DIGEST_CHARS == 43 && US_TICKETS_USED_MAX * US_TICKETS_DIGEST_CHARS == 688, "SQL_ROTATE");
enum us_code us_tickets_rotate(struct us_cx *cx, const struct us_ticket *ticket, const char *digest) {
  return us_sql_run(cx, NULL, SQL_ROTATE, "iictiiiii", ticket->tid, ticket->iteration, digest, ticket->pending_ids,
                    ticket->expires_s, (int64_t)ticket->state, ticket->party_id, ticket->gathered_id,
                    (int64_t)ticket->wants_pct);
}

static const char SQL_KILL[] = "UPDATE ticket SET state = 2 WHERE id = $1 RETURNING " COLUMNS;
enum us_code us_tickets_kill(struct us_cx *cx, int64_t tid, struct us_ticket_row *ret_row) {
  return us_sql_one(cx, ticket_columns, US_COLUMN_COUNT(ticket_columns), ret_row, SQL_KILL, "i", tid);
}
