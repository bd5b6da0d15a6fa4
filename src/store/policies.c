/* Rows of policies and permissions: see policies.h. */
#include "store/policies.h"

#include "base/mem.h"

static const struct us_column policy_columns[] = {
    {US_COLUMN_I64, offsetof(struct us_policy_row, id)},
    {US_COLUMN_I64, offsetof(struct us_policy_row, realm_id)},
    {US_COLUMN_I64, offsetof(struct us_policy_row, resource_id)},
    {US_COLUMN_I64, offsetof(struct us_policy_row, sharer_id)},
    {US_COLUMN_I64, offsetof(struct us_policy_row, rev)},
    {US_COLUMN_I64, offsetof(struct us_policy_row, created_ms)},
    {US_COLUMN_I64, offsetof(struct us_policy_row, modified_ms)},
};
static const char SQL_FIND[] = "SELECT id, realm_id, resource_id, sharer_id, rev, created_ms, modified_ms"
                               " FROM policy WHERE resource_id = $1 AND sharer_id = $2";

enum us_code us_policies_find(struct us_cx *cx, int64_t resource_id, int64_t sharer_id, struct us_policy_row *ret_row) {
  return us_sql_one(cx, policy_columns, US_COLUMN_COUNT(policy_columns), ret_row, SQL_FIND, "ii", resource_id,
                    sharer_id);
}

static const struct us_column one_i64[] = {{US_COLUMN_I64, 0}};
static const char SQL_INSERT[] =
    "INSERT INTO policy (id, realm_id, resource_id, sharer_id, rev, created_ms, modified_ms)"
    " SELECT $1, $2, r.id, $4, r.access_rev, $5, $6 FROM resource r WHERE r.id = $3"
    " ON CONFLICT (resource_id, sharer_id) DO NOTHING RETURNING rev";

enum us_code us_policies_insert(struct us_cx *cx, const struct us_policy_row *row, int64_t *ret_rev) {
  return us_sql_one(cx, one_i64, 1, ret_rev, SQL_INSERT, "iiiiii", row->id, row->realm_id, row->resource_id,
                    row->sharer_id, row->created_ms, row->modified_ms);
}

static const char SQL_BUMP[] =
    "UPDATE policy SET rev = (SELECT access_rev FROM resource WHERE resource.id = policy.resource_id), modified_ms = $2"
    " WHERE id = $1 RETURNING rev";

enum us_code us_policies_bump(struct us_cx *cx, int64_t id, int64_t modified_ms, int64_t *ret_rev) {
  return us_sql_one(cx, one_i64, 1, ret_rev, SQL_BUMP, "ii", id, modified_ms);
}

static const char SQL_DELETE_LINES[] = "DELETE FROM permission WHERE policy_id = $1";
static const char SQL_DELETE[] = "DELETE FROM policy WHERE id = $1";

enum us_code us_policies_delete(struct us_cx *cx, int64_t id) {
  US_TRY(us_sql_run(cx, NULL, SQL_DELETE_LINES, "i", id));
  return us_sql_run(cx, NULL, SQL_DELETE, "i", id);
}

static const struct us_column line_columns[] = {
    {US_COLUMN_I64, offsetof(struct us_permission_row, id)},
    {US_COLUMN_I64, offsetof(struct us_permission_row, position)},
    {US_COLUMN_TEXT, offsetof(struct us_permission_row, subject)},
    {US_COLUMN_TEXT, offsetof(struct us_permission_row, subject_key)},
    {US_COLUMN_TEXT, offsetof(struct us_permission_row, scopes)},
    {US_COLUMN_TEXT, offsetof(struct us_permission_row, conditions)},
    {US_COLUMN_TEXT, offsetof(struct us_permission_row, entry_name)},
    {US_COLUMN_TEXT, offsetof(struct us_permission_row, active_scopes)},
    {US_COLUMN_I64, offsetof(struct us_permission_row, used)},
    {US_COLUMN_I64, offsetof(struct us_permission_row, created_ms)},
    {US_COLUMN_I64, offsetof(struct us_permission_row, modified_ms)},
};
static const char SQL_LINES[] =
    "SELECT id, position, subject, subject_key, scopes, conditions, entry_name, active_scopes, used, created_ms,"
    " modified_ms FROM permission"
    " WHERE policy_id = $1 ORDER BY position, id LIMIT 256"; /* US_POLICIES_LINES_MAX */

enum us_code us_policies_lines(struct us_cx *cx, int64_t policy_id, struct us_permission_row **ret_rows,
                               size_t *ret_count) {
  struct us_rows rows;
  struct us_permission_row *list = US_NEW_ARRAY(cx->mem, struct us_permission_row, US_POLICIES_LINES_MAX);
  size_t n = 0;
  if (list == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_sql_open(cx, &rows, SQL_LINES, "i", policy_id));
  while (n < US_POLICIES_LINES_MAX && us_sql_next(&rows))
    us_sql_read(&rows, line_columns, US_COLUMN_COUNT(line_columns), &list[n++]);
  US_TRY(us_sql_close(&rows));
  if (us_mem_is_spent(cx->mem))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_rows = list;
  *ret_count = n;
  return US_OK;
}

static const char SQL_PUT_LINE[] =
    "INSERT INTO permission (id, policy_id, resource_id, sharer_id, realm_id, position, subject, subject_key, scopes,"
    " active_scopes, is_active, conditions, entry_name, created_ms, modified_ms, owner_id, resource_sort)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 1, $10, $12, $11, $11,"
    " COALESCE((SELECT r.owner_id FROM resource r WHERE r.id = $3), 0),"
    " COALESCE((SELECT r.name_sort FROM resource r WHERE r.id = $3), ''))"
    " ON CONFLICT (policy_id, subject_key) DO UPDATE SET position = excluded.position, subject = excluded.subject,"
    " scopes = excluded.scopes, active_scopes = excluded.active_scopes, is_active = excluded.is_active,"
    " conditions = excluded.conditions, modified_ms = excluded.modified_ms";

enum us_code us_policies_put_line(struct us_cx *cx, const struct us_policy_row *policy,
                                  const struct us_permission_row *line, int64_t now_ms) {
  return us_sql_run(cx, NULL, SQL_PUT_LINE, "iiiiiittttit", line->id, policy->id, policy->resource_id,
                    policy->sharer_id, policy->realm_id, line->position, line->subject, line->subject_key, line->scopes,
                    line->conditions, now_ms, line->entry_name);
}

static const char SQL_DELETE_LINE[] = "DELETE FROM permission WHERE id = $1";

enum us_code us_policies_delete_line(struct us_cx *cx, int64_t line_id) {
  return us_sql_run(cx, NULL, SQL_DELETE_LINE, "i", line_id);
}

static const struct us_column batch_columns[] = {
    {US_COLUMN_I64, offsetof(struct us_policy_line, policy_id)},
    {US_COLUMN_I64, offsetof(struct us_policy_line, rev)},
    {US_COLUMN_TEXT, offsetof(struct us_policy_line, uuid)},
    {US_COLUMN_TEXT, offsetof(struct us_policy_line, name)},
    {US_COLUMN_I64, offsetof(struct us_policy_line, line.id)},
    {US_COLUMN_I64, offsetof(struct us_policy_line, line.position)},
    {US_COLUMN_TEXT, offsetof(struct us_policy_line, line.subject)},
    {US_COLUMN_TEXT, offsetof(struct us_policy_line, line.subject_key)},
    {US_COLUMN_TEXT, offsetof(struct us_policy_line, line.scopes)},
    {US_COLUMN_TEXT, offsetof(struct us_policy_line, line.conditions)},
};
static const char SQL_BATCH[] =
    "SELECT p.id, p.rev, r.uuid, r.name, q.id, q.position, q.subject, q.subject_key, q.scopes, q.conditions"
    " FROM policy p JOIN resource r ON r.id = p.resource_id JOIN permission q ON q.policy_id = p.id"
    " WHERE p.id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,"
    " $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32) ORDER BY p.id, q.position, q.id";

enum us_code us_policies_batch(struct us_cx *cx, const int64_t ids[US_POLICIES_BATCH], us_policy_line_fn each,
                               void *self) {
  struct us_rows rows;
  const int64_t *i = ids;
  enum us_code code = US_OK;
  US_TRY(us_sql_open(cx, &rows, SQL_BATCH, "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii", i[0], i[1], i[2], i[3], i[4], i[5], i[6],
                     i[7], i[8], i[9], i[10], i[11], i[12], i[13], i[14], i[15], i[16], i[17], i[18], i[19], i[20],
                     i[21], i[22], i[23], i[24], i[25], i[26], i[27], i[28], i[29], i[30], i[31]));
  while (code == US_OK && us_sql_next(&rows)) {
    struct us_policy_line line;
    us_sql_read(&rows, batch_columns, US_COLUMN_COUNT(batch_columns), &line);
    code = us_mem_is_spent(cx->mem) ? us_fail_plain(cx, US_E_NO_MEMORY) : each(cx, self, &line);
  }
  enum us_code closed = us_sql_close(&rows);
  return code != US_OK ? code : closed;
}

static const char SQL_SERVER_NAME[] = "SELECT client_id FROM client WHERE id = $1";

enum us_code us_policies_server_name(struct us_cx *cx, int64_t rs_ref, struct us_str *ret_client_id) {
  static const struct us_column text_column[] = {{US_COLUMN_TEXT, 0}};
  enum us_code code = us_sql_one(cx, text_column, 1, ret_client_id, SQL_SERVER_NAME, "i", rs_ref);
  if (code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  *ret_client_id = US_STR("");
  return US_OK;
}
