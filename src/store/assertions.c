/* Rows of `assertion` and `assertion_count`: see assertions.h. */
#include "store/assertions.h"

#include <stdlib.h>

#include "base/mem.h"

#define IN_ALL 0 /* assertion_count.client_ref of the sum */

static enum us_code count_one(struct us_cx *cx, int64_t client_ref, int64_t most, bool *ret_has_room) {
  static const char sql[] = "INSERT INTO assertion_count (client_ref, live) VALUES ($1, 1) ON CONFLICT (client_ref)"
                            " DO UPDATE SET live = assertion_count.live + 1 WHERE assertion_count.live < $2";
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, sql, "ii", client_ref, most));
  *ret_has_room = changed == 1;
  return US_OK;
}

enum us_code us_assertion_row_spend(struct us_cx *cx, int64_t client_ref, const char *digest, int64_t expires_s,
                                    int64_t max_per_client, int64_t max_in_all, enum us_spend *ret_spend) {
  static const char sql[] = "INSERT INTO assertion (client_ref, digest, expires_s) VALUES ($1, $2, $3)"
                            " ON CONFLICT (client_ref, digest) DO NOTHING";
  int64_t changed = 0;
  bool has_room = false;
  US_TRY(us_sql_run(cx, &changed, sql, "ici", client_ref, digest, expires_s));
  *ret_spend = US_SPEND_AGAIN;
  if (changed != 1)
    return US_OK;
  US_TRY(count_one(cx, client_ref, max_per_client, &has_room));
  if (has_room)
    US_TRY(count_one(cx, IN_ALL, max_in_all, &has_room));
  *ret_spend = has_room ? US_SPEND_FIRST : US_SPEND_FULL;
  return US_OK;
}

static enum us_code count_down(struct us_cx *cx, int64_t client_ref, int64_t fewer) {
  static const char sql[] = "UPDATE assertion_count SET live = live - $2 WHERE client_ref = $1";
  static const char sql_none[] = "DELETE FROM assertion_count WHERE client_ref = $1 AND live <= 0";
  US_TRY(us_sql_run(cx, NULL, sql, "ii", client_ref, fewer));
  return us_sql_run(cx, NULL, sql_none, "i", client_ref);
}

static const char SQL_DELETE_EXPIRED[] =
    "DELETE FROM assertion WHERE (client_ref, digest) IN"
    " (SELECT client_ref, digest FROM assertion WHERE expires_s < $1 ORDER BY expires_s LIMIT $2) RETURNING client_ref";

/* Whose they were, one entry a row. */
static enum us_code delete_expired(struct us_cx *cx, int64_t before_s, int64_t max_rows, int64_t *clients,
                                   size_t *ret_n) {
  struct us_rows rows;
  size_t n = 0;
  US_TRY(us_sql_open(cx, &rows, SQL_DELETE_EXPIRED, "ii", before_s, max_rows));
  while (us_sql_next(&rows) && n < (size_t)max_rows)
    clients[n++] = us_sql_i64(&rows, 0);
  US_TRY(us_sql_close(&rows));
  *ret_n = n;
  return US_OK;
}

static int by_number(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

enum us_code us_assertion_rows_sweep(struct us_cx *cx, int64_t before_s, int64_t max_rows, int64_t *ret_rows) {
  int64_t *clients = US_NEW_ARRAY(cx->mem, int64_t, (size_t)max_rows);
  size_t n = 0;
  if (clients == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(delete_expired(cx, before_s, max_rows, clients, &n));
  qsort(clients, n, sizeof(*clients), by_number);
  for (size_t i = 0, first = 0; i < n; i++) {
    if (i + 1 < n && clients[i + 1] == clients[i])
      continue;
    US_TRY(count_down(cx, clients[i], (int64_t)(i + 1 - first)));
    first = i + 1;
  }
  if (n > 0)
    US_TRY(count_down(cx, IN_ALL, (int64_t)n));
  *ret_rows = (int64_t)n;
  return US_OK;
}
