/* Permissions of one resource as grants: see grants.h. */
#include "store/grants.h"

#include <stddef.h>

#include "base/mem.h"

/* Scratch memory of a walk: renewed when a row leaves more than SCRATCH_RENEW_BYTES in it. */
#define SCRATCH_POOL_BYTES (32 * 1024)
#define SCRATCH_RENEW_BYTES (64 * 1024)
#define SCRATCH_MAX_BYTES US_MEM_REQUEST_MAX_BYTES

struct walk {
  struct us_cx *cx;
  struct us_cx inner; /* with the scratch memory */
  struct us_rows rows;
  bool is_open;
};

static enum us_code renew_scratch(struct walk *walk) {
  if (walk->inner.mem != NULL && us_mem_used(walk->inner.mem) < SCRATCH_RENEW_BYTES)
    return US_OK;
  us_mem_free(walk->inner.mem);
  walk->inner.mem = us_mem_root_new(SCRATCH_POOL_BYTES, SCRATCH_MAX_BYTES);
  return walk->inner.mem != NULL ? US_OK : us_fail_plain(walk->cx, US_E_NO_MEMORY);
}

/* An error of the scratch context in the caller's: its texts go with the memory. */
static enum us_code take_error(const struct walk *walk, enum us_code code) {
  struct us_cx *cx = walk->cx;
  us_fail_plain(cx, code);
  cx->err.text = us_str_dup(cx->mem, walk->inner.err.text);
  cx->err.detail = us_str_dup(cx->mem, walk->inner.err.detail);
  cx->err.retry_after_s = walk->inner.err.retry_after_s;
  return code;
}

static enum us_code walk_begin(struct walk *walk, struct us_cx *cx, const char *sql, int64_t resource_id) {
  *walk = (struct walk){.cx = cx, .inner = {.now_ms = cx->now_ms, .db = cx->db, .svc = cx->svc}};
  US_TRY(renew_scratch(walk));
  enum us_code code = us_sql_open(&walk->inner, &walk->rows, sql, "i", resource_id);
  walk->is_open = code == US_OK;
  return code == US_OK ? US_OK : take_error(walk, code);
}

/* False at the end, and when something failed: walk_end() says which. */
static bool walk_next(struct walk *walk, enum us_code *code) {
  if (*code == US_OK)
    *code = renew_scratch(walk);
  return *code == US_OK && us_sql_next(&walk->rows);
}

/* Has the row been read whole? */
static enum us_code walk_check(const struct walk *walk) {
  return us_mem_is_spent(walk->inner.mem) ? us_fail_plain(walk->cx, US_E_NO_MEMORY) : US_OK;
}

static enum us_code walk_end(struct walk *walk, enum us_code code) {
  if (walk->is_open) {
    enum us_code closed = us_sql_close(&walk->rows);
    if (code == US_OK && closed != US_OK)
      code = take_error(walk, closed);
  }
  us_mem_free(walk->inner.mem);
  return code;
}

#define ROW(member) offsetof(struct us_grant_row, member)
static const struct us_column to_columns[] = {
    {US_COLUMN_I64, ROW(id)},          {US_COLUMN_I64, ROW(sharer_id)}, {US_COLUMN_TEXT, ROW(active_scopes)},
    {US_COLUMN_TEXT, ROW(conditions)}, {US_COLUMN_I64, ROW(used)},
};
/* Membership is looked up as it is now. An absent key is NULL and equals nothing. */
static const char SQL_TO[] = "SELECT id, sharer_id, active_scopes, conditions, used FROM permission"
                             " WHERE resource_id = $1 AND subject_key = $2 AND is_active = 1 UNION ALL"
                             " SELECT q.id, q.sharer_id, q.active_scopes, q.conditions, q.used FROM group_member m"
                             " JOIN user_group g ON g.id = m.group_id JOIN permission q ON q.resource_id = $1"
                             " AND q.subject_key = 'group:' || g.name_key WHERE m.account_id = $3 AND q.is_active = 1";

enum us_code us_grants_to(struct us_cx *cx, int64_t resource_id, struct us_str subject_key, int64_t account_id,
                          us_grant_to_fn each, void *self) {
  struct us_rows rows;
  enum us_code code = US_OK;
  bool wants_more = true;
  US_TRY(us_sql_open(cx, &rows, SQL_TO, "iti", resource_id, subject_key, account_id));
  while (code == US_OK && wants_more && us_sql_next(&rows)) {
    struct us_grant_row row = {0};
    us_sql_read(&rows, to_columns, US_COLUMN_COUNT(to_columns), &row);
    code = us_mem_is_spent(cx->mem) ? us_fail_plain(cx, US_E_NO_MEMORY) : each(cx, self, &row, &wants_more);
  }
  enum us_code closed = us_sql_close(&rows);
  return code != US_OK ? code : closed;
}

static enum us_code walk_grants(struct us_cx *cx, const char *sql, const struct us_column *columns, size_t count,
                                int64_t resource_id, us_grant_row_fn each, void *self) {
  struct walk walk;
  enum us_code code = walk_begin(&walk, cx, sql, resource_id);
  while (walk_next(&walk, &code)) {
    struct us_grant_row row = {0};
    us_sql_read(&walk.rows, columns, count, &row);
    code = walk_check(&walk);
    if (code == US_OK)
      code = each(cx, self, &row);
  }
  return walk_end(&walk, code);
}

static const struct us_column active_columns[] = {
    {US_COLUMN_I64, ROW(id)},          {US_COLUMN_I64, ROW(sharer_id)}, {US_COLUMN_TEXT, ROW(active_scopes)},
    {US_COLUMN_TEXT, ROW(conditions)}, {US_COLUMN_I64, ROW(used)},      {US_COLUMN_TEXT, ROW(subject_key)},
};
static const char SQL_ACTIVE[] = "SELECT id, sharer_id, active_scopes, conditions, used, subject_key FROM permission"
                                 " WHERE resource_id = $1 AND is_active = 1";

enum us_code us_grants_active(struct us_cx *cx, int64_t resource_id, us_grant_row_fn each, void *self) {
  return walk_grants(cx, SQL_ACTIVE, active_columns, US_COLUMN_COUNT(active_columns), resource_id, each, self);
}

static const struct us_column all_columns[] = {
    {US_COLUMN_I64, ROW(id)},      {US_COLUMN_I64, ROW(policy_id)},      {US_COLUMN_I64, ROW(sharer_id)},
    {US_COLUMN_TEXT, ROW(scopes)}, {US_COLUMN_TEXT, ROW(active_scopes)}, {US_COLUMN_TEXT, ROW(conditions)},
    {US_COLUMN_I64, ROW(used)},    {US_COLUMN_TEXT, ROW(subject_key)},
};
static const char SQL_ALL[] = "SELECT id, policy_id, sharer_id, scopes, active_scopes, conditions, used, subject_key"
                              " FROM permission WHERE resource_id = $1";

enum us_code us_grants_all(struct us_cx *cx, int64_t resource_id, us_grant_row_fn each, void *self) {
  return walk_grants(cx, SQL_ALL, all_columns, US_COLUMN_COUNT(all_columns), resource_id, each, self);
}

static const struct us_column sharer_columns[] = {
    {US_COLUMN_I64, offsetof(struct us_account, id)},
    {US_COLUMN_TEXT, offsetof(struct us_account, name)},
    {US_COLUMN_TEXT, offsetof(struct us_account, mail)},
    {US_COLUMN_TEXT, offsetof(struct us_account, given_name)},
    {US_COLUMN_TEXT, offsetof(struct us_account, family_name)},
    {US_COLUMN_TEXT, offsetof(struct us_account, locale)},
};
static const char SQL_SHARERS[] = "SELECT a.id, a.name, a.mail, a.given_name, a.family_name, a.locale FROM policy p"
                                  " JOIN account a ON a.id = p.sharer_id WHERE p.resource_id = $1"
                                  " ORDER BY p.sharer_id";

enum us_code us_grants_sharers(struct us_cx *cx, int64_t resource_id, us_grant_sharer_fn each, void *self) {
  struct walk walk;
  enum us_code code = walk_begin(&walk, cx, SQL_SHARERS, resource_id);
  while (walk_next(&walk, &code)) {
    struct us_account sharer = {0};
    us_sql_read(&walk.rows, sharer_columns, US_COLUMN_COUNT(sharer_columns), &sharer);
    code = walk_check(&walk);
    if (code == US_OK)
      code = each(cx, self, &sharer);
  }
  return walk_end(&walk, code);
}

static enum us_code walk_groups(struct us_cx *cx, const char *sql, int64_t id, us_grant_group_fn each, void *self) {
  struct walk walk;
  enum us_code code = walk_begin(&walk, cx, sql, id);
  while (walk_next(&walk, &code)) {
    int64_t account_id = us_sql_i64(&walk.rows, 0);
    struct us_str key = us_sql_text(&walk.rows, 1);
    code = walk_check(&walk);
    if (code == US_OK)
      code = each(cx, self, account_id, key);
  }
  return walk_end(&walk, code);
}

static const char SQL_GROUPS[] = "SELECT m.account_id, 'group:' || g.name_key FROM policy p"
                                 " JOIN group_member m ON m.account_id = p.sharer_id"
                                 " JOIN user_group g ON g.id = m.group_id WHERE p.resource_id = $1";

enum us_code us_grants_groups(struct us_cx *cx, int64_t resource_id, us_grant_group_fn each, void *self) {
  return walk_groups(cx, SQL_GROUPS, resource_id, each, self);
}

static const char SQL_GROUPS_OF[] = "SELECT m.account_id, 'group:' || g.name_key FROM group_member m"
                                    " JOIN user_group g ON g.id = m.group_id WHERE m.account_id = $1";

enum us_code us_grants_groups_of(struct us_cx *cx, int64_t account_id, us_grant_group_fn each, void *self) {
  return walk_groups(cx, SQL_GROUPS_OF, account_id, each, self);
}

static enum us_code exists(struct us_cx *cx, struct us_rows *rows, bool *ret_exists) {
  bool has = us_sql_next(rows);
  US_TRY(us_sql_close(rows));
  *ret_exists = has;
  return US_OK;
}

static const char SQL_HAS_OTHERS[] = "SELECT 1 FROM policy WHERE resource_id = $1 AND sharer_id <> $2 LIMIT 1";

enum us_code us_grants_has_others(struct us_cx *cx, int64_t resource_id, int64_t owner_id, bool *ret_has) {
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, SQL_HAS_OTHERS, "ii", resource_id, owner_id));
  return exists(cx, &rows, ret_has);
}

static const char SQL_SET_ACTIVE[] = "UPDATE permission SET active_scopes = $2, is_active = $3 WHERE id = $1";

enum us_code us_grants_set_active(struct us_cx *cx, int64_t id, struct us_str active_scopes, bool is_active) {
  return us_sql_run(cx, NULL, SQL_SET_ACTIVE, "iti", id, active_scopes, (int64_t)is_active);
}

static const char SQL_SET_SCOPES[] =
    "UPDATE permission SET scopes = $2, active_scopes = $3, is_active = $4 WHERE id = $1";
static const char SQL_MOVE_REV[] =
    "UPDATE policy SET rev = (SELECT access_rev FROM resource WHERE resource.id = policy.resource_id) WHERE id = $1";

enum us_code us_grants_set_scopes(struct us_cx *cx, const struct us_grant_row *row, struct us_str scopes,
                                  struct us_str active_scopes, bool is_active) {
  US_TRY(us_sql_run(cx, NULL, SQL_SET_SCOPES, "itti", row->id, scopes, active_scopes, (int64_t)is_active));
  return us_sql_run(cx, NULL, SQL_MOVE_REV, "i", row->policy_id);
}

static const char SQL_DELETE[] = "DELETE FROM permission WHERE id = $1";
static const char SQL_DELETE_EMPTY[] =
    "DELETE FROM policy WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM permission WHERE policy_id = $1)";

enum us_code us_grants_delete(struct us_cx *cx, const struct us_grant_row *row) {
  US_TRY(us_sql_run(cx, NULL, SQL_DELETE, "i", row->id));
  US_TRY(us_sql_run(cx, NULL, SQL_MOVE_REV, "i", row->policy_id));
  return us_sql_run(cx, NULL, SQL_DELETE_EMPTY, "i", row->policy_id);
}

static const char SQL_USE[] = "UPDATE permission SET used = used + 1 WHERE id = $1 AND used < $2";

enum us_code us_grants_use(struct us_cx *cx, int64_t id, int64_t uses) {
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, SQL_USE, "ii", id, uses));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_CONFLICT);
}

static const char SQL_UNUSE[] = "UPDATE permission SET used = used - 1 WHERE id = $1 AND used > 0";

enum us_code us_grants_unuse(struct us_cx *cx, int64_t id) {
  return us_sql_run(cx, NULL, SQL_UNUSE, "i", id);
}
