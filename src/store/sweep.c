/* Removal of expired rows: see sweep.h. */
#include "store/sweep.h"

#define CHILDREN_MAX 2

struct statements {
  const char *stretch; /* -> the last id of it, how many rows it has */
  const char *expired; /* -> the same of those to be deleted */
  const char *children[CHILDREN_MAX];
  const char *rows;
};

#define EXPIRED(column) " WHERE id > $1 AND id <= $2 AND " column " <= $3"
#define LAST "SELECT COALESCE(MAX(id), 0), COUNT(*) FROM (SELECT id FROM "
#define STATEMENTS(table, column)                                                                                      \
  .stretch = LAST table " WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) AS part",                                    \
  .expired = LAST table EXPIRED(column) " ORDER BY id LIMIT $4) AS part", .rows = "DELETE FROM " table EXPIRED(column)
#define CHILD(child, reference, table, column)                                                                         \
  "DELETE FROM " child " WHERE " reference " IN (SELECT id FROM " table EXPIRED(column) ")"

static const struct statements sweeps[US_SWEEP_COUNT] = {
    [US_SWEEP_SESSION] = {STATEMENTS("session", "expires_ms")},
    [US_SWEEP_TICKET] = {STATEMENTS("ticket", "expires_s")},
    [US_SWEEP_RPT] = {STATEMENTS("rpt", "expires_s"),
                      .children = {CHILD("rpt_permission", "rpt_id", "rpt", "expires_s"),
                                   CHILD("rpt_process", "rpt_id", "rpt", "expires_s")}},
    [US_SWEEP_TOKEN] = {STATEMENTS("token", "expires_s")},
    [US_SWEEP_CODE] = {STATEMENTS("code", "expires_s")},
    [US_SWEEP_PCT] = {STATEMENTS("pct", "expires_s")},
};

struct part {
  int64_t last_id, count;
};

static const struct us_column part_columns[] = {{US_COLUMN_I64, offsetof(struct part, last_id)},
                                                {US_COLUMN_I64, offsetof(struct part, count)}};

enum us_code us_sweep_rows(struct us_cx *cx, enum us_sweep what, int64_t younger, int64_t before, int64_t max_rows,
                           int64_t *cursor, int64_t *ret_deleted) {
  const struct statements *s = &sweeps[what];
  struct part stretch = {0}, expired = {0};
  *ret_deleted = 0;
  US_TRY(us_sql_one(cx, part_columns, US_COLUMN_COUNT(part_columns), &stretch, s->stretch, "iii", *cursor, younger,
                    (int64_t)US_SWEEP_WINDOW));
  if (stretch.count > 0)
    US_TRY(us_sql_one(cx, part_columns, US_COLUMN_COUNT(part_columns), &expired, s->expired, "iiii", *cursor,
                      stretch.last_id, before, max_rows));
  for (size_t i = 0; expired.count > 0 && i < CHILDREN_MAX && s->children[i] != NULL; i++)
    US_TRY(us_sql_run(cx, NULL, s->children[i], "iii", *cursor, expired.last_id, before));
  if (expired.count > 0)
    US_TRY(us_sql_run(cx, ret_deleted, s->rows, "iii", *cursor, expired.last_id, before));
  if (expired.count == max_rows)
    *cursor = expired.last_id; /* more may be left in this stretch */
  else
    *cursor = stretch.count < US_SWEEP_WINDOW ? 0 : stretch.last_id;
  return US_OK;
}
