/*
 * Table ticket. us_tickets_spend() is the whole of "single use" (protocol contract 6.2 step 5, 11.1): one UPDATE with every
 * condition in it; no row means unknown, expired, used, somebody else's, or that somebody was faster.
 */
#include "store/tickets.h"

#include <stddef.h>

#define AT(member) offsetof(struct us_ticket_row, member)
static const struct us_column ticket_columns[] = {
    {US_COLUMN_I64, AT(ticket.tid)},          {US_COLUMN_I64, AT(ticket.iteration)},
    {US_COLUMN_INT, AT(ticket.state)},        {US_COLUMN_I64, AT(ticket.realm_id)},
    {US_COLUMN_I64, AT(ticket.owner_id)},     {US_COLUMN_I64, AT(ticket.rs_ref)},
    {US_COLUMN_I64, AT(ticket.client_ref)},   {US_COLUMN_TEXT, AT(permissions)},
    {US_COLUMN_TEXT, AT(ticket.pending_ids)}, {US_COLUMN_I64, AT(ticket.created_s)},
    {US_COLUMN_I64, AT(ticket.expires_s)},
};

static const char SQL_INSERT[] = "INSERT INTO ticket (id, digest, iteration, state, realm_id, owner_id, rs_ref, "
                                 "client_ref, permissions, pending_ids, "
                                 "created_s, expires_s) VALUES ($1, $2, 0, 0, $3, $4, $5, NULL, $6, '[]', $7, $8)";
enum us_code us_tickets_insert(struct us_cx *cx, const struct us_ticket_row *row, const char *digest) {
  const struct us_ticket *ticket = &row->ticket;
  return us_sql_run(cx, NULL, SQL_INSERT, "iciiitii", ticket->tid, digest, ticket->realm_id, ticket->owner_id,
                    ticket->rs_ref, row->permissions, ticket->created_s, ticket->expires_s);
}

static const char SQL_SPEND[] =
    "UPDATE ticket SET state = 2, client_ref = $4 WHERE id = $1 AND digest = $2 AND realm_id = $3 AND state = 0 "
    "AND expires_s > $5 AND (client_ref IS NULL OR client_ref = $4) RETURNING id, iteration, state, realm_id, "
    "owner_id, "
    "rs_ref, client_ref, permissions, pending_ids, created_s, expires_s";
enum us_code us_tickets_spend(struct us_cx *cx, int64_t tid, const char *digest, int64_t realm_id, int64_t client_ref,
                              struct us_ticket_row *ret_row) {
  return us_sql_one(cx, ticket_columns, US_COLUMN_COUNT(ticket_columns), ret_row, SQL_SPEND, "iciii", tid, digest,
                    realm_id, client_ref, us_cx_now_s(cx));
}

static const char SQL_BOUND_CLIENT[] = "SELECT client_ref FROM ticket WHERE id = $1 AND digest = $2 AND realm_id = $3";
enum us_code us_tickets_bound_client(struct us_cx *cx, int64_t tid, const char *digest, int64_t realm_id,
                                     int64_t *ret_client_ref) {
  static const struct us_column column[] = {{US_COLUMN_I64, 0}};
  return us_sql_one(cx, column, 1, ret_client_ref, SQL_BOUND_CLIENT, "ici", tid, digest, realm_id);
}

static const char SQL_ROTATE[] =
    "UPDATE ticket SET state = 0, iteration = $2, digest = $3, pending_ids = $4, expires_s = $5 WHERE id = $1";
enum us_code us_tickets_rotate(struct us_cx *cx, const struct us_ticket *ticket, const char *digest) {
  return us_sql_run(cx, NULL, SQL_ROTATE, "iicti", ticket->tid, ticket->iteration, digest, ticket->pending_ids,
                    ticket->expires_s);
}

static const char SQL_KILL[] = "UPDATE ticket SET state = 2 WHERE id = $1";
enum us_code us_tickets_kill(struct us_cx *cx, int64_t tid) {
  return us_sql_run(cx, NULL, SQL_KILL, "i", tid);
}

static const char SQL_DELETE_EXPIRED[] =
    "DELETE FROM ticket WHERE id IN (SELECT id FROM ticket WHERE expires_s < $1 ORDER BY expires_s LIMIT $2)";
enum us_code us_tickets_delete_expired(struct us_cx *cx, int64_t before_s, int64_t max, int64_t *ret_deleted) {
  return us_sql_run(cx, ret_deleted, SQL_DELETE_EXPIRED, "ii", before_s, max);
}
