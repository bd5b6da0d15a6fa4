/* Rows of pending requests and denials: see pending.h. */
#include "store/pending.h"

#include "base/mem.h"

static const char SQL_INSERT[] =
    "INSERT INTO pending_request (id, uuid, realm_id, owner_id, resource_id, party_id, scopes, created_ms, rev)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

enum us_code us_pendings_insert(struct us_cx *cx, const struct us_pending_row *row) {
  return us_sql_run(cx, NULL, SQL_INSERT, "itiiiitii", row->id, row->uuid, row->realm_id, row->owner_id,
                    row->resource_id, row->party_id, row->scopes, row->created_ms, row->rev);
}

static const struct us_column columns[] = {
    {US_COLUMN_I64, offsetof(struct us_pending_row, id)},
    {US_COLUMN_TEXT, offsetof(struct us_pending_row, uuid)},
    {US_COLUMN_I64, offsetof(struct us_pending_row, realm_id)},
    {US_COLUMN_I64, offsetof(struct us_pending_row, owner_id)},
    {US_COLUMN_I64, offsetof(struct us_pending_row, resource_id)},
    {US_COLUMN_I64, offsetof(struct us_pending_row, party_id)},
    {US_COLUMN_TEXT, offsetof(struct us_pending_row, scopes)},
    {US_COLUMN_I64, offsetof(struct us_pending_row, created_ms)},
    {US_COLUMN_I64, offsetof(struct us_pending_row, rev)},
    {US_COLUMN_TEXT, offsetof(struct us_pending_row, party_name)},
    {US_COLUMN_TEXT, offsetof(struct us_pending_row, party_key)},
    {US_COLUMN_TEXT, offsetof(struct us_pending_row, resource_name)},
    {US_COLUMN_TEXT, offsetof(struct us_pending_row, resource_uuid)},
};
#define SELECT_PENDING "SELECT " US_PENDINGS_COLUMNS " FROM " US_PENDINGS_TABLES " "
static const char SQL_FIND[] = SELECT_PENDING "WHERE q.uuid = $1 AND q.owner_id = $2";

enum us_code us_pendings_find(struct us_cx *cx, int64_t owner_id, struct us_str uuid, struct us_pending_row *ret_row) {
  return us_sql_one(cx, columns, US_COLUMN_COUNT(columns), ret_row, SQL_FIND, "ti", uuid, owner_id);
}

static const struct us_column one_i64[] = {{US_COLUMN_I64, 0}};
static const char SQL_TAKE[] = "DELETE FROM pending_request WHERE id = $1 RETURNING id";

enum us_code us_pendings_take(struct us_cx *cx, int64_t id) {
  int64_t taken = 0;
  return us_sql_one(cx, one_i64, 1, &taken, SQL_TAKE, "i", id);
}

void us_pendings_read(struct us_rows *rows, struct us_pending_row *ret_row) {
  us_sql_read(rows, columns, US_COLUMN_COUNT(columns), ret_row);
}

static enum us_code each(struct us_rows *rows, us_pending_fn seen, void *self) {
  bool wants_more = true;
  while (wants_more && us_sql_next(rows)) {
    struct us_pending_row row;
    us_pendings_read(rows, &row);
    wants_more = seen(self, &row);
  }
  return us_sql_close(rows);
}

static const char SQL_OF_PARTY[] =
    SELECT_PENDING "WHERE q.resource_id = $1 AND q.party_id = $2 AND q.owner_id = $3 ORDER BY q.id";

enum us_code us_pendings_of_party(struct us_cx *cx, int64_t resource_id, int64_t owner_id, int64_t party_id,
                                  us_pending_fn seen, void *self) {
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, SQL_OF_PARTY, "iii", resource_id, party_id, owner_id));
  return each(&rows, seen, self);
}

static const char SQL_RESOURCES[] =
    "SELECT DISTINCT resource_id FROM pending_request WHERE owner_id = $1 ORDER BY resource_id LIMIT $2";

enum us_code us_pendings_resources(struct us_cx *cx, int64_t owner_id, size_t max, int64_t *ret_ids, size_t *ret_n) {
  struct us_rows rows;
  size_t n = 0;
  US_TRY(us_sql_open(cx, &rows, SQL_RESOURCES, "ii", owner_id, (int64_t)max));
  while (n < max && us_sql_next(&rows))
    ret_ids[n++] = us_sql_i64(&rows, 0);
  *ret_n = n;
  return us_sql_close(&rows);
}

/* By the resource, and not by going over all that the owner has: hence the sum. */
static const char SQL_OF_RESOURCE[] =
    SELECT_PENDING "WHERE q.resource_id = $1 AND q.owner_id + 0 = $2 AND q.id > $3 ORDER BY q.id LIMIT $4";

enum us_code us_pendings_of_resource(struct us_cx *cx, int64_t owner_id, int64_t resource_id, int64_t after,
                                     int64_t max, us_pending_fn seen, void *self) {
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, SQL_OF_RESOURCE, "iiii", resource_id, owner_id, after, max));
  return each(&rows, seen, self);
}

static const char SQL_WINDOW[] = "SELECT COALESCE(MAX(id), 0), COUNT(*) FROM (SELECT id FROM pending_request"
                                 " WHERE owner_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS part";

enum us_code us_pendings_window(struct us_cx *cx, int64_t owner_id, int64_t after, int64_t max, int64_t *ret_last,
                                int64_t *ret_count) {
  static const struct us_column two[] = {{US_COLUMN_I64, 0}, {US_COLUMN_I64, sizeof(int64_t)}};
  int64_t end[2] = {0};
  US_TRY(us_sql_one(cx, two, 2, end, SQL_WINDOW, "iii", owner_id, after, max));
  *ret_last = end[0];
  *ret_count = end[1];
  return US_OK;
}

static const char SQL_TAKE_WINDOW[] =
    "DELETE FROM pending_request WHERE owner_id = $1 AND id > $2 AND id <= $3 RETURNING id, uuid, realm_id, owner_id,"
    " resource_id, party_id, scopes, created_ms, rev, (SELECT a.name FROM account a WHERE a.id = party_id),"
    " (SELECT a.name_key FROM account a WHERE a.id = party_id), (SELECT r.name FROM resource r WHERE r.id = "
    "resource_id),"
    " (SELECT r.uuid FROM resource r WHERE r.id = resource_id)";

enum us_code us_pendings_take_window(struct us_cx *cx, int64_t owner_id, int64_t after, int64_t last,
                                     us_pending_fn seen, void *self) {
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, SQL_TAKE_WINDOW, "iii", owner_id, after, last));
  return each(&rows, seen, self);
}

static const char SQL_COUNT_PARTY[] =
    "SELECT COUNT(*) FROM (SELECT 1 FROM pending_request WHERE party_id = $1 LIMIT $2) AS q";

enum us_code us_pendings_count_party(struct us_cx *cx, int64_t party_id, int64_t max, int64_t *ret_count) {
  return us_sql_one(cx, one_i64, 1, ret_count, SQL_COUNT_PARTY, "ii", party_id, max);
}

static const char SQL_COUNT_OWNER[] =
    "SELECT COUNT(*) FROM (SELECT 1 FROM pending_request WHERE owner_id = $1 LIMIT $2) AS q";

enum us_code us_pendings_count_owner(struct us_cx *cx, int64_t owner_id, int64_t max, int64_t *ret_count) {
  return us_sql_one(cx, one_i64, 1, ret_count, SQL_COUNT_OWNER, "ii", owner_id, max);
}

static const char SQL_DENY[] = "INSERT INTO denial (pending_id, expires_s) VALUES ($1, $2)"
                               " ON CONFLICT (pending_id) DO UPDATE SET expires_s = excluded.expires_s";

enum us_code us_denials_insert(struct us_cx *cx, int64_t pending_id, int64_t expires_s) {
  return us_sql_run(cx, NULL, SQL_DENY, "ii", pending_id, expires_s);
}

static const char SQL_DENY_WINDOW[] =
    "INSERT INTO denial (pending_id, expires_s) SELECT id, CAST($4 AS bigint) FROM pending_request"
    " WHERE owner_id = $1 AND id > $2 AND id <= $3"
    " ON CONFLICT (pending_id) DO UPDATE SET expires_s = excluded.expires_s";

enum us_code us_denials_insert_window(struct us_cx *cx, int64_t owner_id, int64_t after, int64_t last,
                                      int64_t expires_s) {
  return us_sql_run(cx, NULL, SQL_DENY_WINDOW, "iiii", owner_id, after, last, expires_s);
}

static const char SQL_DENIED[] =
    "SELECT COUNT(*) FROM denial WHERE expires_s > $1 AND pending_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
    " $13, $14, $15, $16, $17)";

enum us_code us_denials_any(struct us_cx *cx, const int64_t ids[US_DENIALS_BATCH], int64_t now_s, bool *ret_denied) {
  int64_t count = 0;
  const int64_t *i = ids;
  US_TRY(us_sql_one(cx, one_i64, 1, &count, SQL_DENIED, "iiiiiiiiiiiiiiiii", now_s, i[0], i[1], i[2], i[3], i[4], i[5],
                    i[6], i[7], i[8], i[9], i[10], i[11], i[12], i[13], i[14], i[15]));
  *ret_denied = count > 0;
  return US_OK;
}

/* LIMIT is US_DENIALS_SWEEP. */
static const char SQL_SWEEP[] = "DELETE FROM denial WHERE pending_id IN (SELECT pending_id FROM denial"
                                " WHERE expires_s <= $1 ORDER BY pending_id LIMIT 64)";

enum us_code us_denials_sweep(struct us_cx *cx, int64_t now_s) {
  return us_sql_run(cx, NULL, SQL_SWEEP, "i", now_s);
}
