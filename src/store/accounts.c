/* Rows of `account`: see accounts.h. */
#include "store/accounts.h"

#include "base/mem.h"

#define ACCOUNT_COLUMNS                                                                                                \
  "id, realm_id, name, name_key, password_hash, mail, given_name, family_name, locale, is_active, is_admin, rev, "     \
  "access_rev, valid_from, created_ms, CASE WHEN totp_secret IS NULL THEN 0 ELSE 1 END"

static const struct us_column account_columns[] = {
    {US_COLUMN_I64, offsetof(struct us_account, id)},
    {US_COLUMN_I64, offsetof(struct us_account, realm_id)},
    {US_COLUMN_TEXT, offsetof(struct us_account, name)},
    {US_COLUMN_TEXT, offsetof(struct us_account, name_key)},
    {US_COLUMN_TEXT, offsetof(struct us_account, password_hash)},
    {US_COLUMN_TEXT, offsetof(struct us_account, mail)},
    {US_COLUMN_TEXT, offsetof(struct us_account, given_name)},
    {US_COLUMN_TEXT, offsetof(struct us_account, family_name)},
    {US_COLUMN_TEXT, offsetof(struct us_account, locale)},
    {US_COLUMN_BOOL, offsetof(struct us_account, is_active)},
    {US_COLUMN_BOOL, offsetof(struct us_account, is_admin)},
    {US_COLUMN_I64, offsetof(struct us_account, rev)},
    {US_COLUMN_I64, offsetof(struct us_account, access_rev)},
    {US_COLUMN_I64, offsetof(struct us_account, valid_from)},
    {US_COLUMN_I64, offsetof(struct us_account, created_ms)},
    {US_COLUMN_BOOL, offsetof(struct us_account, has_totp)},
};

enum us_code us_account_row_by_name(struct us_cx *cx, int64_t realm_id, struct us_str name_key,
                                    struct us_account *ret_account) {
  static const char sql[] = "SELECT " ACCOUNT_COLUMNS " FROM account WHERE realm_id = $1 AND name_key = $2";
  return us_sql_one(cx, account_columns, US_COLUMN_COUNT(account_columns), ret_account, sql, "it", realm_id, name_key);
}

enum us_code us_account_row_by_id(struct us_cx *cx, int64_t id, struct us_account *ret_account) {
  static const char sql[] = "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id = $1";
  return us_sql_one(cx, account_columns, US_COLUMN_COUNT(account_columns), ret_account, sql, "i", id);
}

enum us_code us_account_rows_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                                  struct us_account **ret_accounts, size_t *ret_count) {
  static const char sql[] =
      "SELECT " ACCOUNT_COLUMNS " FROM account WHERE realm_id = $1 AND name_key > $2 ORDER BY name_key LIMIT $3";
  struct us_account *page = us_mem_array(cx->mem, (size_t)limit, sizeof(*page));
  struct us_rows rows;
  size_t n = 0;
  if (page == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_sql_open(cx, &rows, sql, "iti", realm_id, after, limit));
  while (n < (size_t)limit && us_sql_next(&rows))
    us_sql_read(&rows, account_columns, US_COLUMN_COUNT(account_columns), &page[n++]);
  US_TRY(us_sql_close(&rows));
  *ret_accounts = page;
  *ret_count = n;
  return US_OK;
}

enum us_code us_account_row_insert(struct us_cx *cx, const struct us_account *a) {
  static const char sql[] =
      "INSERT INTO account (id, realm_id, name, name_key, password_hash, mail, given_name, family_name, locale,"
      " is_active, is_admin, rev, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
      " ON CONFLICT (realm_id, name_key) DO NOTHING";
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, sql, "iitttttttiiii", a->id, a->realm_id, a->name, a->name_key, a->password_hash,
                    a->mail, a->given_name, a->family_name, a->locale, (int64_t)a->is_active, (int64_t)a->is_admin,
                    a->rev, cx->now_ms));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_CONFLICT);
}

static enum us_code must_change(struct us_cx *cx, int64_t changed) {
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_NOT_FOUND);
}

enum us_code us_account_row_update(struct us_cx *cx, const struct us_account *a) {
  static const char sql[] =
      "UPDATE account SET mail = $2, given_name = $3, family_name = $4, locale = $5, rev = rev + 1"
      " WHERE id = $1";
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, sql, "itttt", a->id, a->mail, a->given_name, a->family_name, a->locale));
  return must_change(cx, changed);
}

enum us_code us_account_row_set_password(struct us_cx *cx, int64_t id, struct us_str password_hash,
                                         int64_t valid_from) {
  static const char sql[] = "UPDATE account SET password_hash = $2, valid_from = $3, rev = rev + 1 WHERE id = $1";
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, sql, "iti", id, password_hash, valid_from));
  return must_change(cx, changed);
}

enum us_code us_account_row_set_active(struct us_cx *cx, int64_t id, bool is_active, int64_t valid_from) {
  static const char sql[] = "UPDATE account SET is_active = $2, valid_from = $3, rev = rev + 1 WHERE id = $1";
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, sql, "iii", id, (int64_t)is_active, valid_from));
  return must_change(cx, changed);
}

enum us_code us_account_row_set_totp(struct us_cx *cx, int64_t id, struct us_str secret) {
  static const char sql[] = "UPDATE account SET totp_secret = $2, totp_step = 0, rev = rev + 1 WHERE id = $1";
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, sql, "it", id, secret));
  return must_change(cx, changed);
}

enum us_code us_account_row_totp(struct us_cx *cx, int64_t id, struct us_totp_row *ret_row) {
  static const char sql[] = "SELECT totp_secret, totp_step FROM account WHERE id = $1 AND totp_secret IS NOT NULL";
  static const struct us_column columns[] = {
      {US_COLUMN_TEXT, offsetof(struct us_totp_row, secret)},
      {US_COLUMN_I64, offsetof(struct us_totp_row, last_step)},
  };
  return us_sql_one(cx, columns, US_COLUMN_COUNT(columns), ret_row, sql, "i", id);
}

enum us_code us_account_row_use_step(struct us_cx *cx, int64_t id, int64_t step) {
  static const char sql[] = "UPDATE account SET totp_step = $2 WHERE id = $1 AND totp_step < $2";
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, sql, "ii", id, step));
  return must_change(cx, changed);
}

enum us_code us_account_row_delete(struct us_cx *cx, int64_t id) {
  static const char sql[] = "DELETE FROM account WHERE id = $1";
  return us_sql_run(cx, NULL, sql, "i", id);
}

enum us_code us_account_row_is_current(struct us_cx *cx, int64_t id, int64_t rev, bool *ret_is_current) {
  static const char sql[] = "SELECT 1 FROM account WHERE id = $1 AND rev = $2 AND is_active = 1";
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, sql, "ii", id, rev));
  bool is_current = us_sql_next(&rows);
  US_TRY(us_sql_close(&rows));
  *ret_is_current = is_current;
  return US_OK;
}
