/* Rows of `realm`, `setting` and `signing_key`: see realms.h. */
#include "store/realms.h"

#include "base/mem.h"

enum us_code us_config_rev_read(struct us_cx *cx, int64_t *ret_rev) {
  static const char sql[] = "SELECT CAST(value AS bigint) FROM meta WHERE key = 'config_rev'";
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  return us_sql_one(cx, columns, 1, ret_rev, sql, "");
}

enum us_code us_config_rev_bump(struct us_cx *cx) {
  static const char sql[] = "UPDATE meta SET value = CAST(CAST(value AS bigint) + 1 AS text) WHERE key = 'config_rev'";
  return us_sql_run(cx, NULL, sql, "");
}

enum us_code us_store_key_row(struct us_cx *cx, struct us_str *ret_key) {
  static const char sql[] = "SELECT value FROM meta WHERE key = 'store_key'";
  static const struct us_column columns[] = {{US_COLUMN_TEXT, 0}};
  return us_sql_one(cx, columns, 1, ret_key, sql, "");
}

enum us_code us_store_key_row_put(struct us_cx *cx, struct us_str key) {
  static const char sql[] = "INSERT INTO meta (key, value) VALUES ('store_key', $1) ON CONFLICT (key) DO NOTHING";
  return us_sql_run(cx, NULL, sql, "t", key);
}

/* A list that doubles in the request's memory. */
struct list {
  void *v;
  size_t n, room, each;
};
static void *list_add(struct us_cx *cx, struct list *list) {
  if (list->n == list->room) {
    size_t room = list->room ? list->room * 2 : 16;
    void *grown = list->v ? us_mem_grow(cx->mem, list->v, list->room * list->each, room * list->each)
                          : us_mem_array(cx->mem, room, list->each);
    if (grown == NULL)
      return NULL;
    list->v = grown;
    list->room = room;
  }
  return (char *)list->v + list->n++ * list->each;
}

static enum us_code read_all(struct us_cx *cx, const char *sql, const struct us_column *columns, size_t count,
                             size_t each, void **ret_v, size_t *ret_n) {
  struct list list = {.each = each};
  struct us_rows rows;
  bool is_full = false;
  US_TRY(us_sql_open(cx, &rows, sql, ""));
  while (!is_full && us_sql_next(&rows)) {
    void *row = list_add(cx, &list);
    is_full = row == NULL;
    if (!is_full)
      us_sql_read(&rows, columns, count, row);
  }
  US_TRY(us_sql_close(&rows));
  if (is_full)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_v = list.v;
  *ret_n = list.n;
  return US_OK;
}

static const struct us_column realm_columns[] = {
    {US_COLUMN_I64, offsetof(struct us_realm_row, id)},
    {US_COLUMN_TEXT, offsetof(struct us_realm_row, path)},
    {US_COLUMN_BOOL, offsetof(struct us_realm_row, has_oauth)},
    {US_COLUMN_BOOL, offsetof(struct us_realm_row, has_uma)},
};

enum us_code us_realm_rows(struct us_cx *cx, struct us_realm_row **ret_rows, size_t *ret_n) {
  static const char sql[] = "SELECT id, path, has_oauth, has_uma FROM realm ORDER BY path";
  void *v = NULL;
  US_TRY(read_all(cx, sql, realm_columns, US_COLUMN_COUNT(realm_columns), sizeof(**ret_rows), &v, ret_n));
  *ret_rows = v;
  return US_OK;
}

enum us_code us_setting_rows(struct us_cx *cx, struct us_setting_row **ret_rows, size_t *ret_n) {
  static const char sql[] = "SELECT realm_id, name, value FROM setting ORDER BY realm_id, name";
  static const struct us_column columns[] = {
      {US_COLUMN_I64, offsetof(struct us_setting_row, realm_id)},
      {US_COLUMN_TEXT, offsetof(struct us_setting_row, name)},
      {US_COLUMN_TEXT, offsetof(struct us_setting_row, value)},
  };
  void *v = NULL;
  US_TRY(read_all(cx, sql, columns, US_COLUMN_COUNT(columns), sizeof(**ret_rows), &v, ret_n));
  *ret_rows = v;
  return US_OK;
}

enum us_code us_signing_key_rows(struct us_cx *cx, struct us_signing_key_row **ret_rows, size_t *ret_n) {
  static const char sql[] = "SELECT id, realm_id, alg, jwk, active, created_ms, starts_ms, retired_ms, token_s"
                            " FROM signing_key ORDER BY realm_id, id";
  static const struct us_column columns[] = {
      {US_COLUMN_I64, offsetof(struct us_signing_key_row, id)},
      {US_COLUMN_I64, offsetof(struct us_signing_key_row, realm_id)},
      {US_COLUMN_TEXT, offsetof(struct us_signing_key_row, alg)},
      {US_COLUMN_TEXT, offsetof(struct us_signing_key_row, jwk)},
      {US_COLUMN_BOOL, offsetof(struct us_signing_key_row, is_active)},
      {US_COLUMN_I64, offsetof(struct us_signing_key_row, created_ms)},
      {US_COLUMN_I64, offsetof(struct us_signing_key_row, starts_ms)},
      {US_COLUMN_I64, offsetof(struct us_signing_key_row, retired_ms)},
      {US_COLUMN_I64, offsetof(struct us_signing_key_row, token_s)},
  };
  void *v = NULL;
  US_TRY(read_all(cx, sql, columns, US_COLUMN_COUNT(columns), sizeof(**ret_rows), &v, ret_n));
  *ret_rows = v;
  return US_OK;
}

enum us_code us_realm_row_by_path(struct us_cx *cx, struct us_str path, struct us_realm_row *ret_row) {
  static const char sql[] = "SELECT id, path, has_oauth, has_uma FROM realm WHERE path = $1";
  return us_sql_one(cx, realm_columns, US_COLUMN_COUNT(realm_columns), ret_row, sql, "t", path);
}

enum us_code us_realm_row_insert(struct us_cx *cx, const struct us_realm_row *row) {
  static const char sql[] = "INSERT INTO realm (id, path, has_oauth, has_uma, created_ms) VALUES ($1, $2, $3, $4, $5)"
                            " ON CONFLICT (path) DO NOTHING";
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, sql, "itiii", row->id, row->path, (int64_t)row->has_oauth, (int64_t)row->has_uma,
                    cx->now_ms));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_CONFLICT);
}

enum us_code us_realm_row_delete(struct us_cx *cx, int64_t id) {
  static const char sql_settings[] = "DELETE FROM setting WHERE realm_id = $1";
  static const char sql_keys[] = "DELETE FROM signing_key WHERE realm_id = $1";
  static const char sql_realm[] = "DELETE FROM realm WHERE id = $1";
  US_TRY(us_sql_run(cx, NULL, sql_settings, "i", id));
  US_TRY(us_sql_run(cx, NULL, sql_keys, "i", id));
  return us_sql_run(cx, NULL, sql_realm, "i", id);
}

enum us_code us_realm_row_has_children(struct us_cx *cx, struct us_str path, bool *ret_has) {
  /* '0' follows '/' in ASCII: everything that begins with "path/" lies between the two. */
  static const char sql[] = "SELECT 1 FROM realm WHERE path >= $1 AND path < $2 LIMIT 1";
  struct us_str from = us_str_fmt(cx->mem, "%.*s/", US_STR_ARG(path));
  struct us_str to = us_str_fmt(cx->mem, "%.*s0", US_STR_ARG(path));
  struct us_rows rows;
  if (from.p == NULL || to.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_sql_open(cx, &rows, sql, "tt", from, to));
  bool has = us_sql_next(&rows);
  US_TRY(us_sql_close(&rows));
  *ret_has = has;
  return US_OK;
}

enum us_code us_setting_row_put(struct us_cx *cx, int64_t realm_id, struct us_str name, struct us_str value) {
  static const char sql[] = "INSERT INTO setting (realm_id, name, value) VALUES ($1, $2, $3)"
                            " ON CONFLICT (realm_id, name) DO UPDATE SET value = excluded.value";
  return us_sql_run(cx, NULL, sql, "itt", realm_id, name, value);
}

enum us_code us_setting_row_delete(struct us_cx *cx, int64_t realm_id, struct us_str name) {
  static const char sql[] = "DELETE FROM setting WHERE realm_id = $1 AND name = $2";
  return us_sql_run(cx, NULL, sql, "it", realm_id, name);
}

enum us_code us_signing_key_row_insert(struct us_cx *cx, const struct us_signing_key_row *row) {
  static const char sql[] = "INSERT INTO signing_key (id, realm_id, alg, jwk, active, created_ms, starts_ms, token_s)"
                            " VALUES ($1, $2, $3, $4, 1, $5, $6, $7)";
  return us_sql_run(cx, NULL, sql, "iittiii", row->id, row->realm_id, row->alg, row->jwk, cx->now_ms, row->starts_ms,
                    row->token_s);
}

enum us_code us_signing_key_row_retire(struct us_cx *cx, int64_t realm_id, struct us_str alg, int64_t when_ms,
                                       int64_t *ret_id) {
  static const char sql[] = "UPDATE signing_key SET active = 0, retired_ms = $3"
                            " WHERE realm_id = $1 AND alg = $2 AND active = 1 RETURNING id";
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  *ret_id = 0;
  enum us_code code = us_sql_one(cx, columns, 1, ret_id, sql, "iti", realm_id, alg, when_ms);
  if (code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  return US_OK;
}

enum us_code us_signing_key_row_stretch(struct us_cx *cx, int64_t realm_id, int64_t token_s) {
  static const char sql[] = "UPDATE signing_key SET token_s = $2 WHERE realm_id = $1 AND token_s < $2"
                            " AND (retired_ms IS NULL OR retired_ms > $3)";
  return us_sql_run(cx, NULL, sql, "iii", realm_id, token_s, cx->now_ms);
}

enum us_code us_signing_key_row_forget(struct us_cx *cx, int64_t skew_s, int64_t *ret_rows) {
  static const char sql[] = "DELETE FROM signing_key WHERE active = 0 AND retired_ms + (token_s + $1) * 1000 < $2";
  return us_sql_run(cx, ret_rows, sql, "ii", skew_s, cx->now_ms);
}
