/* Rows of SSO sessions and login states: see sessions.h. */
#include "store/sessions.h"

static const struct us_column session_columns[] = {
    {US_COLUMN_I64, offsetof(struct us_session_row, session.id)},
    {US_COLUMN_TEXT, offsetof(struct us_session_row, digest)},
    {US_COLUMN_I64, offsetof(struct us_session_row, session.realm_id)},
    {US_COLUMN_I64, offsetof(struct us_session_row, session.account_id)},
    {US_COLUMN_I64, offsetof(struct us_session_row, session.created_ms)},
    {US_COLUMN_I64, offsetof(struct us_session_row, session.touched_ms)},
    {US_COLUMN_I64, offsetof(struct us_session_row, session.expires_ms)},
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
static const char SQL_FIND[] =
    "SELECT s.id, s.digest, s.realm_id, s.account_id, s.created_ms, s.touched_ms, s.expires_ms,"
    " a.id, a.realm_id, a.name, a.name_key, a.mail, a.given_name, a.family_name, a.locale, a.is_active,"
    " a.is_admin, a.rev, a.access_rev, r.path"
    " FROM session s JOIN account a ON a.id = s.account_id JOIN realm r ON r.id = s.realm_id"
    " WHERE s.id = $1";

enum us_code us_sessions_find(struct us_cx *cx, int64_t id, struct us_session_row *ret_row) {
  return us_sql_one(cx, session_columns, US_COLUMN_COUNT(session_columns), ret_row, SQL_FIND, "i", id);
}

static const char SQL_INSERT[] =
    "INSERT INTO session (id, digest, realm_id, account_id, created_ms, touched_ms, expires_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7)";

enum us_code us_sessions_insert(struct us_cx *cx, const struct us_session *s, struct us_str digest) {
  return us_sql_run(cx, NULL, SQL_INSERT, "itiiiii", s->id, digest, s->realm_id, s->account_id, s->created_ms,
                    s->touched_ms, s->expires_ms);
}

static const char SQL_DELETE[] = "DELETE FROM session WHERE id = $1";

enum us_code us_sessions_delete(struct us_cx *cx, int64_t id) {
  return us_sql_run(cx, NULL, SQL_DELETE, "i", id);
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

static const char SQL_STATE_INSERT[] =
    "INSERT INTO login_state (id, digest, realm_id, expires_ms) VALUES ($1, $2, $3, $4)";

static const char SQL_SWEEP[] =
    "DELETE FROM session WHERE id IN (SELECT id FROM session ORDER BY id LIMIT $2) AND expires_ms <= $1";

enum us_code us_sessions_sweep(struct us_cx *cx, int64_t now_ms, int64_t limit, int64_t *ret_rows) {
  return us_sql_run(cx, ret_rows, SQL_SWEEP, "ii", now_ms, limit);
}

enum us_code us_login_states_insert(struct us_cx *cx, int64_t id, struct us_str digest, int64_t realm_id,
                                    int64_t expires_ms) {
  return us_sql_run(cx, NULL, SQL_STATE_INSERT, "itii", id, digest, realm_id, expires_ms);
}

static const struct us_column text_column[] = {{US_COLUMN_TEXT, 0}};
static const char SQL_STATE_FIND[] =
    "SELECT digest FROM login_state WHERE id = $1 AND realm_id = $2 AND expires_ms > $3";

enum us_code us_login_states_find(struct us_cx *cx, int64_t id, int64_t realm_id, int64_t now_ms,
                                  struct us_str *ret_digest) {
  return us_sql_one(cx, text_column, 1, ret_digest, SQL_STATE_FIND, "iii", id, realm_id, now_ms);
}

static const char SQL_STATE_TAKE[] =
    "DELETE FROM login_state WHERE id = $1 AND digest = $2 AND realm_id = $3 AND expires_ms > $4 RETURNING id";

enum us_code us_login_states_take(struct us_cx *cx, int64_t id, struct us_str digest, int64_t realm_id,
                                  int64_t now_ms) {
  static const struct us_column id_column[] = {{US_COLUMN_I64, 0}};
  int64_t taken = 0;
  return us_sql_one(cx, id_column, 1, &taken, SQL_STATE_TAKE, "itii", id, digest, realm_id, now_ms);
}

/* LIMIT is US_LOGIN_STATES_SWEEP: each new state clears away more old ones than it adds. */
static const char SQL_STATE_SWEEP[] =
    "DELETE FROM login_state WHERE id IN (SELECT id FROM login_state WHERE id < $1 ORDER BY id LIMIT 256)";

enum us_code us_login_states_delete_below(struct us_cx *cx, int64_t id) {
  return us_sql_run(cx, NULL, SQL_STATE_SWEEP, "i", id);
}
