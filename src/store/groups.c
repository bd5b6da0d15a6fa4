/* Rows of `user_group` and `group_member`: see groups.h. */
#include "store/groups.h"

#include <stddef.h>

#include "base/mem.h"

static const struct us_column group_columns[] = {
    {US_COLUMN_I64, offsetof(struct us_group_row, id)},
    {US_COLUMN_I64, offsetof(struct us_group_row, realm_id)},
    {US_COLUMN_TEXT, offsetof(struct us_group_row, name)},
    {US_COLUMN_TEXT, offsetof(struct us_group_row, name_key)},
};
#define GROUP_COLUMNS US_COLUMN_COUNT(group_columns)
#define SELECT_GROUP "SELECT id, realm_id, name, name_key FROM user_group "

enum us_code us_groups_by_name(struct us_cx *cx, int64_t realm_id, struct us_str name_key,
                               struct us_group_row *ret_row) {
  static const char sql[] = SELECT_GROUP "WHERE realm_id = $1 AND name_key = $2";
  return us_sql_one(cx, group_columns, GROUP_COLUMNS, ret_row, sql, "it", realm_id, name_key);
}

enum us_code us_groups_first(struct us_cx *cx, int64_t realm_id, struct us_group_row *ret_row) {
  static const char sql[] = SELECT_GROUP "WHERE realm_id = $1 ORDER BY name_key LIMIT 1";
  return us_sql_one(cx, group_columns, GROUP_COLUMNS, ret_row, sql, "i", realm_id);
}

enum us_code us_groups_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                            struct us_group_row **ret_rows, size_t *ret_count) {
  static const char sql[] = SELECT_GROUP "WHERE realm_id = $1 AND name_key > $2 ORDER BY name_key LIMIT $3";
  struct us_group_row *page = US_NEW_ARRAY(cx->mem, struct us_group_row, (size_t)limit);
  struct us_rows rows;
  size_t n = 0;
  if (page == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_sql_open(cx, &rows, sql, "iti", realm_id, after, limit));
  while (n < (size_t)limit && us_sql_next(&rows))
    us_sql_read(&rows, group_columns, GROUP_COLUMNS, &page[n++]);
  US_TRY(us_sql_close(&rows));
  *ret_rows = page;
  *ret_count = n;
  return US_OK;
}

enum us_code us_groups_members(struct us_cx *cx, int64_t group_id, struct us_str after, int64_t limit,
                               struct us_account **ret_accounts, size_t *ret_count) {
  static const char sql[] = "SELECT a.id, a.name, a.name_key FROM group_member m JOIN account a ON a.id = m.account_id"
                            " WHERE m.group_id = $1 AND a.name_key > $2 ORDER BY a.name_key LIMIT $3";
  static const struct us_column columns[] = {
      {US_COLUMN_I64, offsetof(struct us_account, id)},
      {US_COLUMN_TEXT, offsetof(struct us_account, name)},
      {US_COLUMN_TEXT, offsetof(struct us_account, name_key)},
  };
  struct us_account *page = US_NEW_ARRAY(cx->mem, struct us_account, (size_t)limit);
  struct us_rows rows;
  size_t n = 0;
  if (page == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_sql_open(cx, &rows, sql, "iti", group_id, after, limit));
  while (n < (size_t)limit && us_sql_next(&rows))
    us_sql_read(&rows, columns, US_COLUMN_COUNT(columns), &page[n++]);
  US_TRY(us_sql_close(&rows));
  *ret_accounts = page;
  *ret_count = n;
  return US_OK;
}

enum us_code us_groups_insert(struct us_cx *cx, const struct us_group_row *row) {
  static const char sql[] = "INSERT INTO user_group (id, realm_id, name, name_key, created_ms)"
                            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (realm_id, name_key) DO NOTHING";
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, sql, "iitti", row->id, row->realm_id, row->name, row->name_key, cx->now_ms));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_CONFLICT);
}

enum us_code us_groups_delete(struct us_cx *cx, int64_t id) {
  static const char sql[] = "DELETE FROM user_group WHERE id = $1";
  return us_sql_run(cx, NULL, sql, "i", id);
}

enum us_code us_groups_add(struct us_cx *cx, int64_t group_id, int64_t account_id) {
  static const char sql[] = "INSERT INTO group_member (group_id, account_id) VALUES ($1, $2)"
                            " ON CONFLICT (group_id, account_id) DO NOTHING";
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, sql, "ii", group_id, account_id));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_CONFLICT);
}

enum us_code us_groups_remove(struct us_cx *cx, int64_t group_id, int64_t account_id) {
  static const char sql[] = "DELETE FROM group_member WHERE group_id = $1 AND account_id = $2";
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, sql, "ii", group_id, account_id));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_NOT_FOUND);
}

enum us_code us_groups_count_of(struct us_cx *cx, int64_t account_id, int64_t *ret_count) {
  static const char sql[] = "SELECT COUNT(*) FROM group_member WHERE account_id = $1";
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  return us_sql_one(cx, columns, 1, ret_count, sql, "i", account_id);
}

enum us_code us_groups_touch_account(struct us_cx *cx, int64_t account_id) {
  static const char sql[] = "UPDATE account SET access_rev = access_rev + 1 WHERE id = $1";
  return us_sql_run(cx, NULL, sql, "i", account_id);
}

enum us_code us_groups_empty(struct us_cx *cx, int64_t group_id, int64_t max, int64_t *ret_n) {
#define SOME_MEMBERS "(SELECT account_id FROM group_member WHERE group_id = $1 ORDER BY account_id LIMIT $2)"
  static const char sql_touch[] = "UPDATE account SET access_rev = access_rev + 1 WHERE id IN " SOME_MEMBERS;
  static const char sql[] = "DELETE FROM group_member WHERE group_id = $1 AND account_id IN " SOME_MEMBERS;
#undef SOME_MEMBERS
  US_TRY(us_sql_run(cx, NULL, sql_touch, "ii", group_id, max));
  return us_sql_run(cx, ret_n, sql, "ii", group_id, max);
}

enum us_code us_groups_leave_all(struct us_cx *cx, int64_t account_id, int64_t max, int64_t *ret_n) {
  static const char sql[] = "DELETE FROM group_member WHERE account_id = $1 AND group_id IN"
                            " (SELECT group_id FROM group_member WHERE account_id = $1 ORDER BY group_id LIMIT $2)";
  return us_sql_run(cx, ret_n, sql, "ii", account_id, max);
}
