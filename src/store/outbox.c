/* Rows of `outbox`: see outbox.h. */
#include "store/outbox.h"

#include "base/mem.h"

static const char SQL_INSERT[] =
    "INSERT INTO outbox (id, realm_id, channel, kind, event_key, account_id, body, created_ms, due_ms, tries, "
    "claimed_by)"
    " VALUES ($1, $2, $9, $3, $4, $5, $6, $7, $8, 0, 0) ON CONFLICT (event_key) DO NOTHING";

enum us_code us_outbox_insert(struct us_cx *cx, const struct us_outbox_row *row) {
  return us_sql_run(cx, NULL, SQL_INSERT, "iiititiii", row->id, row->realm_id, (int64_t)row->kind, row->event_key,
                    row->account_id, row->body, row->created_ms, row->due_ms, (int64_t)row->channel);
}

#define AT(member) offsetof(struct us_outbox_row, member)
static const struct us_column columns[] = {
    {US_COLUMN_I64, AT(id)},          {US_COLUMN_I64, AT(realm_id)},      {US_COLUMN_INT, AT(channel)},
    {US_COLUMN_INT, AT(kind)},        {US_COLUMN_TEXT, AT(event_key)},    {US_COLUMN_I64, AT(account_id)},
    {US_COLUMN_TEXT, AT(body)},       {US_COLUMN_I64, AT(created_ms)},    {US_COLUMN_I64, AT(due_ms)},
    {US_COLUMN_I64, AT(tries)},       {US_COLUMN_I64, AT(claimed_by)},    {US_COLUMN_BOOL, AT(is_failed)},
    {US_COLUMN_TEXT, AT(last_error)}, {US_COLUMN_TEXT, AT(account_name)}, {US_COLUMN_TEXT, AT(realm_path)},
};
#define OWN_COLUMNS (US_COLUMN_COUNT(columns) - 2)

/* The condition stands twice: where two claim at the same time, the one who waited for the other's row looks at it again. */
static const char SQL_CLAIM[] =
    "UPDATE outbox SET claimed_by = $1, due_ms = $2, tries = tries + 1 WHERE is_failed = 0 AND due_ms <= $3 AND id ="
    " (SELECT id FROM outbox WHERE channel = $4 AND is_failed = 0 AND due_ms <= $3 ORDER BY due_ms, id LIMIT 1)"
    " RETURNING id, realm_id, channel, kind, event_key, account_id, body, created_ms, due_ms, tries, claimed_by, "
    "is_failed,"
    " last_error";

enum us_code us_outbox_claim(struct us_cx *cx, enum us_outbox_channel channel, int64_t node, int64_t until_ms,
                             struct us_outbox_row *ret_row) {
  struct us_outbox_row row = {0};
  US_TRY(us_sql_one(cx, columns, OWN_COLUMNS, &row, SQL_CLAIM, "iiii", node, until_ms, cx->now_ms, (int64_t)channel));
  *ret_row = row;
  return US_OK;
}

static const char SQL_NEXT_DUE[] =
    "SELECT due_ms FROM outbox WHERE channel = $1 AND is_failed = 0 ORDER BY due_ms LIMIT 1";

enum us_code us_outbox_next_due(struct us_cx *cx, enum us_outbox_channel channel, int64_t *ret_due_ms) {
  struct us_rows rows;
  int64_t due_ms = INT64_MAX;
  US_TRY(us_sql_open(cx, &rows, SQL_NEXT_DUE, "i", (int64_t)channel));
  if (us_sql_next(&rows))
    due_ms = us_sql_i64(&rows, 0);
  US_TRY(us_sql_close(&rows));
  *ret_due_ms = due_ms;
  return US_OK;
}

static const char SQL_DELETE[] = "DELETE FROM outbox WHERE id = $1";

enum us_code us_outbox_delete(struct us_cx *cx, int64_t id) {
  return us_sql_run(cx, NULL, SQL_DELETE, "i", id);
}

static const char SQL_PUT_BACK[] = "UPDATE outbox SET claimed_by = 0, due_ms = $4, tries = $5, is_failed = $6,"
                                   " last_error = $7 WHERE id = $1 AND claimed_by = $2 AND tries = $3";

enum us_code us_outbox_put_back(struct us_cx *cx, int64_t node, int64_t claim, const struct us_outbox_row *row) {
  return us_sql_run(cx, NULL, SQL_PUT_BACK, "iiiiiit", row->id, node, claim, row->due_ms, row->tries,
                    (int64_t)row->is_failed, row->last_error);
}

static const char SQL_RELEASE_NODE[] =
    "UPDATE outbox SET claimed_by = 0, due_ms = $2 WHERE channel = $3 AND is_failed = 0 AND claimed_by = $1";

enum us_code us_outbox_release_node(struct us_cx *cx, enum us_outbox_channel channel, int64_t node) {
  return us_sql_run(cx, NULL, SQL_RELEASE_NODE, "iii", node, cx->now_ms, (int64_t)channel);
}

static const char SQL_PAGE[] =
    "SELECT o.id, o.realm_id, o.channel, o.kind, o.event_key, o.account_id, '', o.created_ms, o.due_ms, o.tries,"
    " o.claimed_by, o.is_failed, o.last_error, a.name, r.path FROM outbox o LEFT JOIN account a ON a.id = o.account_id"
    " LEFT JOIN realm r ON r.id = o.realm_id WHERE o.id > $1 ORDER BY o.id LIMIT $2";

enum us_code us_outbox_page(struct us_cx *cx, int64_t after, int64_t limit, struct us_outbox_row **ret_rows,
                            size_t *ret_n) {
  struct us_outbox_row *list = US_NEW_ARRAY(cx->mem, struct us_outbox_row, (size_t)limit);
  struct us_rows rows;
  size_t n = 0;
  if (list == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_sql_open(cx, &rows, SQL_PAGE, "ii", after, limit));
  while (us_sql_next(&rows))
    us_sql_read(&rows, columns, US_COLUMN_COUNT(columns), &list[n++]);
  US_TRY(us_sql_close(&rows));
  *ret_rows = list;
  *ret_n = n;
  return US_OK;
}

/* What is being sent: claimed, and the claim still holds. */
#define NOT_BEING_SENT(now) "(is_failed = 1 OR claimed_by = 0 OR due_ms <= " now ")"
static const char SQL_RETRY[] = "UPDATE outbox SET is_failed = 0, claimed_by = 0, tries = 0, due_ms = $2"
                                " WHERE id = $1 AND " NOT_BEING_SENT("$2");

/* A change of one row that must be there. */
static enum us_code one_row(struct us_cx *cx, const char *sql, int64_t id) {
  int64_t n = 0;
  US_TRY(us_sql_run(cx, &n, sql, "ii", id, cx->now_ms));
  return n == 0 ? us_fail_plain(cx, US_E_NOT_FOUND) : US_OK;
}

enum us_code us_outbox_retry(struct us_cx *cx, int64_t id) {
  return one_row(cx, SQL_RETRY, id);
}

static const char SQL_RETRY_FAILED[] =
    "UPDATE outbox SET is_failed = 0, claimed_by = 0, tries = 0, due_ms = $1"
    " WHERE id IN (SELECT id FROM outbox WHERE is_failed = 1 ORDER BY due_ms, id LIMIT $2)";

enum us_code us_outbox_retry_failed(struct us_cx *cx, int64_t max, int64_t *ret_n) {
  return us_sql_run(cx, ret_n, SQL_RETRY_FAILED, "ii", cx->now_ms, max);
}

static const char SQL_DROP[] = "DELETE FROM outbox WHERE id = $1 AND " NOT_BEING_SENT("$2");

enum us_code us_outbox_drop(struct us_cx *cx, int64_t id) {
  return one_row(cx, SQL_DROP, id);
}

static const char SQL_DROP_FAILED[] =
    "DELETE FROM outbox WHERE id IN"
    " (SELECT id FROM outbox WHERE is_failed = 1 AND due_ms < $1 ORDER BY due_ms, id LIMIT $2)";

enum us_code us_outbox_drop_failed(struct us_cx *cx, int64_t before_ms, int64_t max, int64_t *ret_n) {
  return us_sql_run(cx, ret_n, SQL_DROP_FAILED, "ii", before_ms, max);
}
