/* Rows of persisted claims tokens: see pcts.h. */
#include "store/pcts.h"

#include <stddef.h>

#define AT(member) offsetof(struct us_pct, member)
static const struct us_column pct_columns[] = {
    {US_COLUMN_I64, AT(id)},         {US_COLUMN_I64, AT(realm_id)}, {US_COLUMN_I64, AT(client_ref)},
    {US_COLUMN_I64, AT(account_id)}, {US_COLUMN_I64, AT(issued_s)}, {US_COLUMN_I64, AT(expires_s)},
    {US_COLUMN_TEXT, AT(cnf)},
};

static const char SQL_INSERT[] =
    "INSERT INTO pct (id, digest, realm_id, client_ref, account_id, issued_s, expires_s, cnf)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
enum us_code us_pcts_insert(struct us_cx *cx, const struct us_pct *p, const char *digest) {
  return us_sql_run(cx, NULL, SQL_INSERT, "iciiiiit", p->id, digest, p->realm_id, p->client_ref, p->account_id,
                    p->issued_s, p->expires_s, p->cnf);
}

static const char SQL_FIND[] = "SELECT id, realm_id, client_ref, account_id, issued_s, expires_s, cnf FROM pct"
                               " WHERE id = $1 AND digest = $2 AND realm_id = $3";
enum us_code us_pcts_find(struct us_cx *cx, int64_t id, const char *digest, int64_t realm_id, struct us_pct *ret_pct) {
  return us_sql_one(cx, pct_columns, US_COLUMN_COUNT(pct_columns), ret_pct, SQL_FIND, "ici", id, digest, realm_id);
}

static const char SQL_DELETE[] = "DELETE FROM pct WHERE id = $1";
enum us_code us_pcts_delete(struct us_cx *cx, int64_t id) {
  return us_sql_run(cx, NULL, SQL_DELETE, "i", id);
}

/* By index pct_account; those of one person at one client are few. */
static const char SQL_DELETE_OLDEST[] =
    "DELETE FROM pct WHERE account_id = $1 AND client_ref = $2 AND id <= COALESCE((SELECT id FROM pct"
    " WHERE account_id = $1 AND client_ref = $2 ORDER BY id DESC LIMIT 1 OFFSET $3), 0)";
enum us_code us_pcts_delete_oldest(struct us_cx *cx, int64_t account_id, int64_t client_ref, int64_t keep) {
  return us_sql_run(cx, NULL, SQL_DELETE_OLDEST, "iii", account_id, client_ref, keep);
}
