/* Columns that hold secrets: see secrets.h. */
#include "store/secrets.h"

#define ROWS(table, column)                                                                                            \
  "SELECT id, " column " FROM " table " WHERE id > $1 AND " column " IS NOT NULL ORDER BY id LIMIT $2"
#define PUT(table, column) "UPDATE " table " SET " column " = $2 WHERE id = $1 AND " column " = $3"

static const struct {
  const char *rows, *put;
} sql[US_SECRET_KINDS] = {
    [US_SECRET_SIGNING_KEY] = {ROWS("signing_key", "jwk"), PUT("signing_key", "jwk")},
    [US_SECRET_TOTP] = {ROWS("account", "totp_secret"), PUT("account", "totp_secret")},
    [US_SECRET_CLIENT] = {ROWS("client", "sealed_secret"), PUT("client", "sealed_secret")},
};

enum us_code us_secret_rows(struct us_cx *cx, enum us_secret_kind kind, int64_t after, int64_t max,
                            struct us_secret_row *ret_rows, size_t *ret_n) {
  static const struct us_column columns[] = {{US_COLUMN_I64, offsetof(struct us_secret_row, id)},
                                             {US_COLUMN_TEXT, offsetof(struct us_secret_row, text)}};
  struct us_rows rows;
  size_t n = 0;
  US_TRY(us_sql_open(cx, &rows, sql[kind].rows, "ii", after, max));
  while (n < (size_t)max && us_sql_next(&rows))
    us_sql_read(&rows, columns, US_COLUMN_COUNT(columns), &ret_rows[n++]);
  US_TRY(us_sql_close(&rows));
  *ret_n = n;
  return US_OK;
}

enum us_code us_secret_row_put(struct us_cx *cx, enum us_secret_kind kind, const struct us_secret_row *row,
                               struct us_str text) {
  return us_sql_run(cx, NULL, sql[kind].put, "itt", row->id, text, row->text);
}

enum us_code us_store_key_row_replace(struct us_cx *cx, struct us_str key) {
  static const char replace[] = "UPDATE meta SET value = $1 WHERE key = 'store_key'";
  return us_sql_run(cx, NULL, replace, "t", key);
}
