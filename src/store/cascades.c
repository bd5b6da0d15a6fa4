/* Removal in bounded portions: see cascades.h. */
#include "store/cascades.h"

static enum us_code read_ids(struct us_cx *cx, struct us_rows *rows, size_t max, int64_t *ret_ids, size_t *ret_n) {
  size_t n = 0;
  while (n < max && us_sql_next(rows))
    ret_ids[n++] = us_sql_i64(rows, 0);
  US_TRY(us_sql_close(rows));
  *ret_n = n;
  return US_OK;
}

enum us_code us_cascade_rows_owned(struct us_cx *cx, int64_t owner_id, size_t max, int64_t *ret_ids, size_t *ret_n) {
  static const char sql[] = "SELECT id FROM resource WHERE owner_id = $1 ORDER BY rs_ref, id LIMIT $2";
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, sql, "ii", owner_id, (int64_t)max));
  return read_ids(cx, &rows, max, ret_ids, ret_n);
}

/* `sql_ids` picks among the rows of the window by $3. */
static enum us_code rows_of_window(struct us_cx *cx, const char *sql_ids, int64_t which, int64_t before_id,
                                   int64_t window, int64_t *cursor, size_t max, int64_t *ret_ids, size_t *ret_n,
                                   bool *ret_end) {
  static const char sql_window[] = "SELECT COALESCE(MAX(id), 0), COUNT(*) FROM"
                                   " (SELECT id FROM resource WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) AS part";
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}, {US_COLUMN_I64, sizeof(int64_t)}};
  int64_t end[2] = {0}; /* last id, count */
  struct us_rows rows;
  US_TRY(us_sql_one(cx, columns, 2, end, sql_window, "iii", *cursor, before_id, window));
  US_TRY(us_sql_open(cx, &rows, sql_ids, "iiii", *cursor, end[0], which, (int64_t)max));
  US_TRY(read_ids(cx, &rows, max, ret_ids, ret_n));
  bool is_cut = *ret_n == max; /* more of this window may be left */
  *cursor = is_cut ? ret_ids[max - 1] : end[0];
  *ret_end = !is_cut && end[1] < window;
  return US_OK;
}

enum us_code us_cascade_rows_of_rs(struct us_cx *cx, int64_t rs_ref, int64_t before_id, int64_t window, int64_t *cursor,
                                   size_t max, int64_t *ret_ids, size_t *ret_n, bool *ret_end) {
  static const char sql[] = "SELECT id FROM resource WHERE id > $1 AND id <= $2 AND rs_ref = $3 ORDER BY id LIMIT $4";
  return rows_of_window(cx, sql, rs_ref, before_id, window, cursor, max, ret_ids, ret_n, ret_end);
}

enum us_code us_cascade_rows_in_realm(struct us_cx *cx, int64_t realm_id, int64_t window, int64_t *cursor, size_t max,
                                      int64_t *ret_ids, size_t *ret_n, bool *ret_end) {
  static const char sql[] = "SELECT id FROM resource WHERE id > $1 AND id <= $2 AND realm_id = $3"
                            " AND EXISTS (SELECT 1 FROM policy WHERE policy.resource_id = resource.id)"
                            " ORDER BY id LIMIT $4";
  return rows_of_window(cx, sql, realm_id, INT64_MAX, window, cursor, max, ret_ids, ret_n, ret_end);
}

enum us_code us_cascade_rows_accounts(struct us_cx *cx, int64_t realm_id, size_t max, int64_t *ret_ids, size_t *ret_n) {
  static const char sql[] = "SELECT id FROM account WHERE realm_id = $1 ORDER BY name_key LIMIT $2";
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, sql, "ii", realm_id, (int64_t)max));
  return read_ids(cx, &rows, max, ret_ids, ret_n);
}

enum us_code us_cascade_rows_shared(struct us_cx *cx, int64_t sharer_id, size_t max, int64_t *ret_ids, size_t *ret_n) {
  static const char sql[] = "SELECT resource_id FROM policy WHERE sharer_id = $1 ORDER BY resource_id LIMIT $2";
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, sql, "ii", sharer_id, (int64_t)max));
  return read_ids(cx, &rows, max, ret_ids, ret_n);
}

enum us_code us_cascade_rows_naming(struct us_cx *cx, int64_t realm_id, struct us_str subject_key, size_t max,
                                    int64_t *ret_ids, size_t *ret_n) {
  static const char sql[] =
      "SELECT DISTINCT resource_id FROM permission WHERE realm_id = $1 AND subject_key = $2 LIMIT $3";
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, sql, "iti", realm_id, subject_key, (int64_t)max));
  return read_ids(cx, &rows, max, ret_ids, ret_n);
}

enum us_code us_cascade_rows_shared_with(struct us_cx *cx, int64_t sharer_id, struct us_str subject_key, int64_t after,
                                         size_t window, int64_t *ret_ids, size_t *ret_n, int64_t *ret_last) {
  static const char sql[] =
      "SELECT p.resource_id, CASE WHEN EXISTS (SELECT 1 FROM permission q WHERE q.resource_id = p.resource_id"
      " AND q.subject_key = $2) THEN 1 ELSE 0 END FROM policy p WHERE p.sharer_id = $1 AND p.resource_id > $3"
      " ORDER BY p.resource_id LIMIT $4";
  struct us_rows rows;
  size_t seen = 0;
  int64_t last = 0;
  *ret_n = 0;
  US_TRY(us_sql_open(cx, &rows, sql, "itii", sharer_id, subject_key, after, (int64_t)window));
  for (; seen < window && us_sql_next(&rows); seen++) {
    last = us_sql_i64(&rows, 0);
    if (us_sql_i64(&rows, 1) == 1)
      ret_ids[(*ret_n)++] = last;
  }
  US_TRY(us_sql_close(&rows));
  *ret_last = seen < window ? 0 : last;
  return US_OK;
}

enum us_code us_cascade_touch_shared(struct us_cx *cx, int64_t sharer_id, int64_t max) {
  static const char sql[] = "UPDATE resource SET access_rev = access_rev + 1 WHERE id IN"
                            " (SELECT resource_id FROM policy WHERE sharer_id = $1 ORDER BY resource_id LIMIT $2)";
  return us_sql_run(cx, NULL, sql, "ii", sharer_id, max);
}

enum us_code us_cascade_drop_policy(struct us_cx *cx, int64_t resource_id, int64_t sharer_id) {
  static const char sql_permissions[] =
      "DELETE FROM permission WHERE policy_id IN (SELECT id FROM policy WHERE resource_id = $1 AND sharer_id = $2)";
  static const char sql_policy[] = "DELETE FROM policy WHERE resource_id = $1 AND sharer_id = $2";
  US_TRY(us_sql_run(cx, NULL, sql_permissions, "ii", resource_id, sharer_id));
  return us_sql_run(cx, NULL, sql_policy, "ii", resource_id, sharer_id);
}

enum us_code us_cascade_drop_subject(struct us_cx *cx, int64_t resource_id, struct us_str subject_key) {
  /* A policy that names nobody else goes too; of the others the revision moves. */
#define NAMING "(SELECT policy_id FROM permission WHERE resource_id = $1 AND subject_key = $2)"
  static const char sql_policies[] =
      "DELETE FROM policy WHERE id IN " NAMING
      " AND NOT EXISTS (SELECT 1 FROM permission p WHERE p.policy_id = policy.id AND p.subject_key <> $2)";
  static const char sql_revs[] =
      "UPDATE policy SET rev = (SELECT access_rev FROM resource WHERE resource.id = policy.resource_id)"
      " WHERE id IN " NAMING;
#undef NAMING
  static const char sql_permissions[] = "DELETE FROM permission WHERE resource_id = $1 AND subject_key = $2";
  US_TRY(us_sql_run(cx, NULL, sql_policies, "it", resource_id, subject_key));
  US_TRY(us_sql_run(cx, NULL, sql_revs, "it", resource_id, subject_key));
  return us_sql_run(cx, NULL, sql_permissions, "it", resource_id, subject_key);
}

enum us_code us_cascade_drop_policies_of_resource(struct us_cx *cx, int64_t resource_id) {
  static const char sql_touch[] = "UPDATE resource SET access_rev = access_rev + 1 WHERE id = $1";
  static const char sql_permissions[] = "DELETE FROM permission WHERE resource_id = $1";
  static const char sql_policies[] = "DELETE FROM policy WHERE resource_id = $1";
  US_TRY(us_sql_run(cx, NULL, sql_touch, "i", resource_id));
  US_TRY(us_sql_run(cx, NULL, sql_permissions, "i", resource_id));
  return us_sql_run(cx, NULL, sql_policies, "i", resource_id);
}

enum us_code us_cascade_drop_pending_of_party(struct us_cx *cx, int64_t party_id, int64_t max, int64_t *ret_n) {
  static const char sql[] = "DELETE FROM pending_request WHERE id IN"
                            " (SELECT id FROM pending_request WHERE party_id = $1 ORDER BY id LIMIT $2)";
  return us_sql_run(cx, ret_n, sql, "ii", party_id, max);
}

enum us_code us_cascade_drop_labels(struct us_cx *cx, int64_t owner_id, int64_t max, int64_t *ret_n) {
#define SOME_LABELS "(SELECT id FROM label WHERE owner_id = $1 ORDER BY kind, rs_ref, name LIMIT $2)"
  static const char sql_links[] = "DELETE FROM resource_label WHERE label_id IN " SOME_LABELS;
  static const char sql_labels[] = "DELETE FROM label WHERE id IN " SOME_LABELS;
#undef SOME_LABELS
  US_TRY(us_sql_run(cx, NULL, sql_links, "ii", owner_id, max));
  return us_sql_run(cx, ret_n, sql_labels, "ii", owner_id, max);
}

enum us_code us_cascade_drop_sessions(struct us_cx *cx, int64_t account_id, int64_t max, int64_t *ret_n) {
  static const char sql[] = "DELETE FROM session WHERE id IN"
                            " (SELECT id FROM session WHERE account_id = $1 ORDER BY id LIMIT $2)";
  return us_sql_run(cx, ret_n, sql, "ii", account_id, max);
}

enum us_code us_cascade_drop_pcts(struct us_cx *cx, int64_t account_id, int64_t max, int64_t *ret_n) {
  static const char sql[] =
      "DELETE FROM pct WHERE id IN (SELECT id FROM pct WHERE account_id = $1 ORDER BY client_ref, id LIMIT $2)";
  return us_sql_run(cx, ret_n, sql, "ii", account_id, max);
}

enum us_code us_cascade_drop_consents(struct us_cx *cx, int64_t account_id, int64_t max, int64_t *ret_n) {
  static const char sql[] = "DELETE FROM consent WHERE account_id = $1 AND client_ref IN"
                            " (SELECT client_ref FROM consent WHERE account_id = $1 ORDER BY client_ref LIMIT $2)";
  return us_sql_run(cx, ret_n, sql, "ii", account_id, max);
}

enum us_code us_cascade_drop_clients(struct us_cx *cx, int64_t realm_id, int64_t max, int64_t *ret_n) {
  static const char sql[] = "DELETE FROM client WHERE id IN"
                            " (SELECT id FROM client WHERE realm_id = $1 ORDER BY client_id LIMIT $2)";
  return us_sql_run(cx, ret_n, sql, "ii", realm_id, max);
}

enum us_code us_cascade_note_put(struct us_cx *cx, struct us_str key, struct us_str value) {
  static const char sql[] = "INSERT INTO meta (key, value) VALUES ($1, $2)"
                            " ON CONFLICT (key) DO UPDATE SET value = excluded.value";
  return us_sql_run(cx, NULL, sql, "tt", key, value);
}

enum us_code us_cascade_note_delete(struct us_cx *cx, struct us_str key) {
  static const char sql[] = "DELETE FROM meta WHERE key = $1";
  return us_sql_run(cx, NULL, sql, "t", key);
}

enum us_code us_cascade_note_has(struct us_cx *cx, struct us_str key, bool *ret_has) {
  static const char sql[] = "SELECT 1 FROM meta WHERE key = $1";
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, sql, "t", key));
  bool has = us_sql_next(&rows);
  US_TRY(us_sql_close(&rows));
  *ret_has = has;
  return US_OK;
}

enum us_code us_cascade_note_first(struct us_cx *cx, struct us_str *ret_key, struct us_str *ret_value) {
  /* ';' follows ':' in ASCII */
  static const char sql[] =
      "SELECT key, value FROM meta WHERE key >= 'doomed:' AND key < 'doomed;' ORDER BY key LIMIT 1";
  static const struct us_column columns[] = {{US_COLUMN_TEXT, 0}, {US_COLUMN_TEXT, sizeof(struct us_str)}};
  struct us_str row[2] = {US_STR_ABSENT, US_STR_ABSENT};
  US_TRY(us_sql_one(cx, columns, 2, row, sql, ""));
  *ret_key = row[0];
  *ret_value = row[1];
  return US_OK;
}
