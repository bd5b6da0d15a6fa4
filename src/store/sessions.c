/* Rows of SSO sessions and of login steps that were passed: see sessions.h. */
#include "store/sessions.h"

static const struct us_column session_columns[] = {
    {US_COLUMN_I64, offsetof(struct us_session_row, session.id)},
    {US_COLUMN_TEXT, offsetof(struct us_session_row, digest)},
    {US_COLUMN_I64, offsetof(struct us_session_row, session.realm_id)},
    {US_COLUMN_I64, offsetof(struct us_session_row, session.account_id)},
    {US_COLUMN_I64, offsetof(struct us_session_row, session.created_ms)},
    {US_COLUMN_I64, offsetof(struct us_session_row, session.touched_ms)},
    {US_COLUMN_I64, offsetof(struct us_session_row, session.expires_ms)},
    {US_COLUMN_TEXT, offsetof(struct us_session_row, session.journey)},
    {US_COLUMN_I64, offsetof(struct us_session_row, account.id)},
    {US_COLUMN_I64, offsetof(struct us_session_row, account.realm_id)},
    {US_COLUMN_TEXT, offsetof(struct us_session_row, account.name)},
    {US_COLUMN_TEXT, offsetof(struct us_session_row, account.name_key)},
    {US_COLUMN_TEXT, offsetof(struct us_session_row, account.mail)},
    {US_COLUMN_TEXT, offsetof(struct us_session_row, account.given_name)},
    {US_COLUMN_TEXT, offsetof(struct us_session_row, account.family_name)},
    {US_COLUMN_TEXT, offsetof(struct us_session_row, account.locale)},
    {US_COLUMN_BOOL, offsetof(struct us_session_row, account.is_active)},
    {US_COLUMN_BOOL, offsetof(struct us_session_row, account.is_admin)},
    {US_COLUMN_I64, offsetof(struct us_session_row, account.rev)},
    {US_COLUMN_I64, offsetof(struct us_session_row, account.access_rev)},
    {US_COLUMN_TEXT, offsetof(struct us_session_row, realm_path)},
};
#define SESSION_COLUMNS(digest)                                                                                        \
  "s.id, " digest ", s.realm_id, s.account_id, s.created_ms, s.touched_ms, s.expires_ms, s.journey,"                   \
  " a.id, a.realm_id, a.name, a.name_key, a.mail, a.given_name, a.family_name, a.locale, a.is_active, a.is_admin,"     \
  " a.rev, a.access_rev, r.path"
#define SESSION_TABLES " session s JOIN account a ON a.id = s.account_id JOIN realm r ON r.id = s.realm_id"

static const char SQL_FIND[] = "SELECT " SESSION_COLUMNS("s.digest") " FROM" SESSION_TABLES " WHERE s.id = $1";

enum us_code us_sessions_find(struct us_cx *cx, int64_t id, struct us_session_row *ret_row) {
  return us_sql_one(cx, session_columns, US_COLUMN_COUNT(session_columns), ret_row, SQL_FIND, "i", id);
}

static const char SQL_INSERT[] =
    "INSERT INTO session (id, digest, realm_id, account_id, created_ms, touched_ms, expires_ms, journey)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

enum us_code us_sessions_insert(struct us_cx *cx, const struct us_session *s, struct us_str digest) {
  return us_sql_run(cx, NULL, SQL_INSERT, "itiiiiit", s->id, digest, s->realm_id, s->account_id, s->created_ms,
                    s->touched_ms, s->expires_ms, s->journey);
}

static const char SQL_DELETE[] = "DELETE FROM session WHERE id = $1";

enum us_code us_sessions_delete(struct us_cx *cx, int64_t id) {
  return us_sql_run(cx, NULL, SQL_DELETE, "i", id);
}

static const char SQL_DELETE_IN[] = "DELETE FROM session WHERE id = $1 AND (realm_id = $2 OR $2 = 0)";

enum us_code us_sessions_delete_in(struct us_cx *cx, int64_t id, int64_t realm_id, int64_t *ret_rows) {
  return us_sql_run(cx, ret_rows, SQL_DELETE_IN, "ii", id, realm_id);
}

static const struct us_list_field list_fields[] = {
    {.name = "username", .kind = US_LIST_NAME, .ops = US_LIST_EQ, .sql = "a.name_key"},
    {.name = "realm", .kind = US_LIST_TEXT, .ops = US_LIST_EQ, .sql = "r.path"},
};
const struct us_list us_sessions_list = {
    .fields = list_fields, .field_count = sizeof(list_fields) / sizeof(list_fields[0]), .refusal = US_LIST_REFUSE_400};

/* By index session_account; an account has no more than sessionsPerUser. */
static const struct us_list_source of_account = {
    .columns = SESSION_COLUMNS("''"),
    .from = SESSION_TABLES " WHERE s.account_id = $1 AND s.expires_ms > $2 AND s.touched_ms > $3",
    .tie = "s.id",
};

struct page {
  us_session_see_fn see;
  void *self;
};
static bool see(struct us_cx *cx, void *self, struct us_rows *rows) {
  struct page *page = self;
  struct us_session_row row;
  (void)cx;
  us_sql_read(rows, session_columns, US_COLUMN_COUNT(session_columns), &row);
  return page->see(rows->cx, page->self, &row);
}

enum us_code us_sessions_page(struct us_cx *cx, int64_t account_id, int64_t idle_since_ms,
                              const struct us_list_query *query, us_session_see_fn see_row, void *self,
                              struct us_list_end *ret_end) {
  struct page page = {see_row, self};
  return us_list_run(cx, query, &of_account, see, &page, ret_end, "iii", account_id, cx->now_ms, idle_since_ms);
}

static const char SQL_TOUCH[] = "UPDATE session SET touched_ms = $2 WHERE id = $1 AND touched_ms < $2";

enum us_code us_sessions_touch(struct us_cx *cx, int64_t id, int64_t touched_ms) {
  return us_sql_run(cx, NULL, SQL_TOUCH, "ii", id, touched_ms);
}

static const char SQL_DELETE_DEAD[] =
    "DELETE FROM session WHERE account_id = $1 AND (expires_ms <= $2 OR touched_ms <= $3)";

enum us_code us_sessions_delete_dead(struct us_cx *cx, int64_t account_id, int64_t now_ms, int64_t idle_since_ms) {
  return us_sql_run(cx, NULL, SQL_DELETE_DEAD, "iii", account_id, now_ms, idle_since_ms);
}

static const char SQL_DELETE_OF_ACCOUNT[] = "DELETE FROM session WHERE account_id = $1";

enum us_code us_sessions_delete_of_account(struct us_cx *cx, int64_t account_id, int64_t *ret_rows) {
  return us_sql_run(cx, ret_rows, SQL_DELETE_OF_ACCOUNT, "i", account_id);
}

/* Those behind the newest `keep`: where they begin is counted off in the index. */
static const char SQL_DELETE_OLDEST[] =
    "DELETE FROM session WHERE account_id = $1 AND id <= COALESCE((SELECT id FROM session WHERE account_id = $1"
    " ORDER BY id DESC LIMIT 1 OFFSET $2), 0)";

enum us_code us_sessions_delete_oldest(struct us_cx *cx, int64_t account_id, int64_t keep) {
  return us_sql_run(cx, NULL, SQL_DELETE_OLDEST, "ii", account_id, keep);
}

static const char SQL_SPEND[] = "INSERT INTO login_spent (id) VALUES ($1) ON CONFLICT (id) DO NOTHING";

enum us_code us_login_row_spend(struct us_cx *cx, int64_t id) {
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, SQL_SPEND, "i", id));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_NOT_FOUND);
}

static const char SQL_IS_SPENT[] = "SELECT id FROM login_spent WHERE id = $1";

enum us_code us_login_row_is_spent(struct us_cx *cx, int64_t id, bool *ret_is_spent) {
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, SQL_IS_SPENT, "i", id));
  bool is_spent = us_sql_next(&rows);
  US_TRY(us_sql_close(&rows));
  *ret_is_spent = is_spent;
  return US_OK;
}

/* LIMIT is US_LOGIN_SWEEP: each step that is passed clears away more old ones than it adds. */
static const char SQL_SPENT_SWEEP[] =
    "DELETE FROM login_spent WHERE id IN (SELECT id FROM login_spent WHERE id < $1 ORDER BY id LIMIT 256)";

enum us_code us_login_rows_sweep(struct us_cx *cx, int64_t below_id) {
  return us_sql_run(cx, NULL, SQL_SPENT_SWEEP, "i", below_id);
}
