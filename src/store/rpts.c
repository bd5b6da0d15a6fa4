/*
 * Tables rpt and rpt_permission. The first permission of an RPT stands in its own row, the others in rpt_permission, because most
 * have one only. Introspection, the busiest thing a resource server does here, reads what it needs in us_rpts_live(): for such an
 * RPT one statement and primary keys, no list. Scopes of the resource are looked at only when its access_rev moved.
 */
#include "store/rpts.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "json/json.h"

static const char SQL_INSERT[] =
    "INSERT INTO rpt (id, digest, realm_id, owner_id, rs_ref, client_ref, party_id, tid, issued_s, expires_s, more, "
    "resource_id, uuid, scopes, access_rev, permission_expires_s, party_rev, counted, cnf) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
static const char SQL_INSERT_PERMISSION[] = "INSERT INTO rpt_permission (rpt_id, resource_id, uuid, scopes, "
                                            "access_rev, expires_s) VALUES ($1, $2, $3, $4, $5, $6)";
/* The one of the oldest resource: read back they come in the order of their resources. */
static size_t first_of(const struct us_permissions *permissions) {
  size_t first = 0;
  for (size_t i = 1; i < permissions->n; i++)
    if (permissions->v[i].resource_id < permissions->v[first].resource_id)
      first = i;
  return first;
}

static enum us_code insert_more(struct us_cx *cx, const struct us_rpt *rpt, size_t first) {
  for (size_t i = 0; i < rpt->permissions.n; i++) {
    const struct us_permission *permission = &rpt->permissions.v[i];
    if (i == first)
      continue;
    struct us_str scopes = us_json_from_strs(cx->mem, permission->scopes);
    if (!scopes.p)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    US_TRY(us_sql_run(cx, NULL, SQL_INSERT_PERMISSION, "iittii", rpt->id, permission->resource_id, permission->uuid,
                      scopes, permission->access_rev, permission->expires_s));
  }
  return US_OK;
}

/* "17,4711": mostly nothing. */
#define ID_TEXT_BYTES 21
static struct us_str ids_text(struct us_cx *cx, struct us_ids ids) {
  if (ids.n == 0)
    return US_STR("");
  char *text = us_mem_alloc(cx->mem, ids.n * ID_TEXT_BYTES);
  size_t n = 0;
  if (!text)
    return US_STR_ABSENT;
  for (size_t i = 0; i < ids.n; i++)
    n += (size_t)sprintf(text + n, "%s%" PRId64, i > 0 ? "," : "", ids.v[i]);
  return (struct us_str){text, n};
}

static enum us_code read_ids(struct us_cx *cx, struct us_str text, struct us_ids *ret_ids) {
  struct us_strs parts = {NULL, 0};
  *ret_ids = (struct us_ids){NULL, 0};
  if (text.n == 0)
    return US_OK;
  if (!us_str_split(cx->mem, text, ',', text.n, &parts))
    return us_fail(cx, US_E_INTERNAL, "a stored list of ids is damaged");
  struct us_ids ids = {US_NEW_ARRAY(cx->mem, int64_t, parts.n), parts.n};
  if (!ids.v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < parts.n; i++) {
    uint64_t id = 0;
    if (!us_str_to_u64(parts.v[i], INT64_MAX, &id))
      return us_fail(cx, US_E_INTERNAL, "a stored list of ids is damaged");
    ids.v[i] = (int64_t)id;
  }
  *ret_ids = ids;
  return US_OK;
}

enum us_code us_rpts_insert(struct us_cx *cx, const struct us_rpt *rpt, const char *digest) {
  if (rpt->permissions.n == 0)
    return us_fail(cx, US_E_INTERNAL, "an RPT without a permission");
  size_t at = first_of(&rpt->permissions);
  const struct us_permission *first = &rpt->permissions.v[at];
  struct us_str scopes = us_json_from_strs(cx->mem, first->scopes);
  struct us_str counted = ids_text(cx, rpt->counted);
  if (!scopes.p || !counted.p)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_sql_run(cx, NULL, SQL_INSERT,
                    "iciiiiiiiiiittii"
                    "itt",
                    rpt->id, digest, rpt->realm_id, rpt->owner_id, rpt->rs_ref, rpt->client_ref, rpt->party_id,
                    rpt->tid, rpt->issued_s, rpt->expires_s, (int64_t)rpt->permissions.n - 1, first->resource_id,
                    first->uuid, scopes, first->access_rev, first->expires_s, rpt->party_rev, counted, rpt->cnf));
  return insert_more(cx, rpt, at);
}

/* The columns of a permission and of its resource as it is now, at the beginning of both statements below. */
enum {
  LIVE_RESOURCE_ID,
  LIVE_UUID,
  LIVE_SCOPES,
  LIVE_REV,
  LIVE_PERMISSION_EXPIRES,
  LIVE_CURRENT_REV,
  LIVE_CURRENT_SCOPES,
  LIVE_MORE,
  LIVE_DIGEST,
  LIVE_OWNER_ID,
  LIVE_RS_REF,
  LIVE_CLIENT_REF,
  LIVE_PARTY_ID,
  LIVE_TID,
  LIVE_ISSUED,
  LIVE_EXPIRES,
  LIVE_CLIENT_ID,
  LIVE_CLIENT_ACTIVE,
  LIVE_PARTY_NAME,
  LIVE_PARTY_ACTIVE,
  LIVE_PARTY_REV,
  LIVE_CURRENT_PARTY_REV,
  LIVE_COUNTED,
  LIVE_CNF,
};
static const char SQL_LIVE[] =
    "SELECT rpt.resource_id, rpt.uuid, rpt.scopes, rpt.access_rev, rpt.permission_expires_s, resource.access_rev, "
    "resource.scopes, rpt.more, "
    "rpt.digest, rpt.owner_id, rpt.rs_ref, rpt.client_ref, rpt.party_id, rpt.tid, rpt.issued_s, rpt.expires_s, "
    "client.client_id, client.is_active, party.name, "
    "CASE WHEN rpt.id >= party.valid_from THEN party.is_active ELSE 0 END, rpt.party_rev, party.access_rev, "
    "rpt.counted, rpt.cnf "
    "FROM rpt LEFT JOIN client ON client.id = rpt.client_ref LEFT JOIN account party ON party.id = rpt.party_id "
    "LEFT JOIN resource ON resource.id = rpt.resource_id WHERE rpt.id = $1 AND rpt.realm_id = $2";
static const char SQL_LIVE_MORE[] =
    "SELECT p.resource_id, p.uuid, p.scopes, p.access_rev, p.expires_s, resource.access_rev, resource.scopes "
    "FROM rpt_permission p LEFT JOIN resource ON resource.id = p.resource_id WHERE p.rpt_id = $1 "
    "ORDER BY p.resource_id";

static void read_head(struct us_rows *rows, int64_t id, int64_t realm_id, struct us_rpt_row *row) {
  row->digest = us_sql_text(rows, LIVE_DIGEST);
  row->rpt = (struct us_rpt){
      .id = id,
      .realm_id = realm_id,
      .owner_id = us_sql_i64(rows, LIVE_OWNER_ID),
      .rs_ref = us_sql_i64(rows, LIVE_RS_REF),
      .client_ref = us_sql_i64(rows, LIVE_CLIENT_REF),
      .party_id = us_sql_i64(rows, LIVE_PARTY_ID),
      .tid = us_sql_i64(rows, LIVE_TID),
      .issued_s = us_sql_i64(rows, LIVE_ISSUED),
      .expires_s = us_sql_i64(rows, LIVE_EXPIRES),
      .party_rev = us_sql_i64(rows, LIVE_PARTY_REV),
      .cnf = us_sql_text(rows, LIVE_CNF),
  };
  row->current_party_rev = us_sql_i64(rows, LIVE_CURRENT_PARTY_REV);
  row->client_id = us_sql_text(rows, LIVE_CLIENT_ID);
  row->party_name = us_sql_text(rows, LIVE_PARTY_NAME);
  row->is_active = us_sql_i64(rows, LIVE_CLIENT_ACTIVE) == 1 && us_sql_i64(rows, LIVE_PARTY_ACTIVE) == 1;
}

/* A list with room for one more: doubles, because the number of rows is not known before. NULL: out of memory. */
static void *with_room(struct us_cx *cx, void *v, size_t n, size_t bytes_each) {
  if (v && (n & (n - 1)) != 0)
    return v;
  size_t room = n ? n * 2 : 1;
  return us_mem_grow(cx->mem, v, n * bytes_each, room * bytes_each);
}

static enum us_code read_permission(struct us_rows *rows, struct us_rpt_row *row) {
  struct us_cx *cx = rows->cx;
  struct us_rpt_permission_row *v = with_room(cx, row->v, row->n, sizeof(*v));
  if (!v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  row->v = v;
  struct us_rpt_permission_row *p = &v[row->n++];
  *p = (struct us_rpt_permission_row){
      .permission = {.resource_id = us_sql_i64(rows, LIVE_RESOURCE_ID),
                     .uuid = us_sql_text(rows, LIVE_UUID),
                     .access_rev = us_sql_i64(rows, LIVE_REV),
                     .expires_s = us_sql_i64(rows, LIVE_PERMISSION_EXPIRES)},
      .current_rev = us_sql_i64(rows, LIVE_CURRENT_REV),
  };
  bool has_moved = p->current_rev != p->permission.access_rev || row->current_party_rev != row->rpt.party_rev;
  if (p->current_rev != 0 && has_moved)
    p->current_scopes = us_sql_text(rows, LIVE_CURRENT_SCOPES);
  return us_json_to_strs(cx, us_sql_text(rows, LIVE_SCOPES), &p->permission.scopes);
}

/* `code` is how reading them went. */
static enum us_code end_rows(struct us_rows *rows, enum us_code code) {
  enum us_code closed = us_sql_close(rows);
  return code != US_OK ? code : closed;
}

enum us_code us_rpts_live(struct us_cx *cx, int64_t id, int64_t realm_id, struct us_rpt_row *ret_row) {
  struct us_rpt_row row = {0};
  struct us_rows rows;
  enum us_code code = US_OK;
  int64_t more = 0;
  US_TRY(us_sql_open(cx, &rows, SQL_LIVE, "ii", id, realm_id));
  if (us_sql_next(&rows)) {
    read_head(&rows, id, realm_id, &row);
    more = us_sql_i64(&rows, LIVE_MORE);
    code = read_permission(&rows, &row);
    if (code == US_OK)
      code = read_ids(cx, us_sql_text(&rows, LIVE_COUNTED), &row.rpt.counted);
  }
  US_TRY(end_rows(&rows, code));
  if (!row.digest.p)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  if (more > 0) {
    US_TRY(us_sql_open(cx, &rows, SQL_LIVE_MORE, "i", id));
    while (code == US_OK && us_sql_next(&rows))
      code = read_permission(&rows, &row);
    US_TRY(end_rows(&rows, code));
  }
  *ret_row = row;
  return US_OK;
}

static const char SQL_FIND[] =
    "SELECT resource_id, uuid, scopes, access_rev, permission_expires_s, more, owner_id, rs_ref, client_ref, party_id, "
    "tid, issued_s, expires_s, counted, cnf FROM rpt WHERE id = $1 AND digest = $2 AND realm_id = $3";
static const char SQL_FIND_MORE[] =
    "SELECT resource_id, uuid, scopes, access_rev, expires_s FROM rpt_permission WHERE rpt_id = $1 "
    "ORDER BY resource_id";
static void read_found(struct us_rows *rows, struct us_rpt *rpt) {
  rpt->owner_id = us_sql_i64(rows, 6);
  rpt->rs_ref = us_sql_i64(rows, 7);
  rpt->client_ref = us_sql_i64(rows, 8);
  rpt->party_id = us_sql_i64(rows, 9);
  rpt->tid = us_sql_i64(rows, 10);
  rpt->issued_s = us_sql_i64(rows, 11);
  rpt->expires_s = us_sql_i64(rows, 12);
  rpt->cnf = us_sql_text(rows, 14);
}

static enum us_code read_found_permission(struct us_rows *rows, struct us_rpt *rpt) {
  struct us_cx *cx = rows->cx;
  struct us_permission *v = with_room(cx, rpt->permissions.v, rpt->permissions.n, sizeof(*v));
  if (!v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  rpt->permissions.v = v;
  struct us_permission *p = &v[rpt->permissions.n++];
  *p = (struct us_permission){.resource_id = us_sql_i64(rows, 0),
                              .uuid = us_sql_text(rows, 1),
                              .access_rev = us_sql_i64(rows, 3),
                              .expires_s = us_sql_i64(rows, 4)};
  return us_json_to_strs(cx, us_sql_text(rows, 2), &p->scopes);
}

enum us_code us_rpts_find(struct us_cx *cx, int64_t id, const char *digest, int64_t realm_id, struct us_rpt *ret_rpt) {
  struct us_rpt rpt = {.realm_id = realm_id};
  struct us_rows rows;
  enum us_code code = US_OK;
  int64_t more = 0;
  US_TRY(us_sql_open(cx, &rows, SQL_FIND, "ici", id, digest, realm_id));
  if (us_sql_next(&rows)) {
    rpt.id = id;
    read_found(&rows, &rpt);
    more = us_sql_i64(&rows, 5);
    code = read_found_permission(&rows, &rpt);
    if (code == US_OK)
      code = read_ids(cx, us_sql_text(&rows, 13), &rpt.counted);
  }
  US_TRY(end_rows(&rows, code));
  if (rpt.id == 0)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  if (more > 0) {
    US_TRY(us_sql_open(cx, &rows, SQL_FIND_MORE, "i", id));
    while (code == US_OK && us_sql_next(&rows))
      code = read_found_permission(&rows, &rpt);
    US_TRY(end_rows(&rows, code));
  }
  *ret_rpt = rpt;
  return US_OK;
}

static const char SQL_DELETE_PERMISSIONS[] = "DELETE FROM rpt_permission WHERE rpt_id = $1";
static const char SQL_DELETE_PROCESSES[] = "DELETE FROM rpt_process WHERE rpt_id = $1";
static const char SQL_DELETE[] = "DELETE FROM rpt WHERE id = $1";
enum us_code us_rpts_delete(struct us_cx *cx, int64_t id) {
  US_TRY(us_sql_run(cx, NULL, SQL_DELETE_PERMISSIONS, "i", id));
  US_TRY(us_sql_run(cx, NULL, SQL_DELETE_PROCESSES, "i", id));
  return us_sql_run(cx, NULL, SQL_DELETE, "i", id);
}

static const char SQL_COUNT_MERGED[] = "SELECT COUNT(*) FROM rpt_process WHERE rpt_id = $1 AND tid > $2";
enum us_code us_rpts_count_merged(struct us_cx *cx, int64_t id, int64_t after_tid, int64_t *ret_count) {
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  return us_sql_one(cx, columns, 1, ret_count, SQL_COUNT_MERGED, "ii", id, after_tid);
}

static const char SQL_MERGE[] = "INSERT INTO rpt_process (rpt_id, tid) SELECT CAST($1 AS bigint), tid FROM rpt_process "
                                "WHERE rpt_id = $2 AND tid > $3 UNION SELECT CAST($1 AS bigint), CAST($4 AS bigint)";
enum us_code us_rpts_merge(struct us_cx *cx, int64_t id, const struct us_rpt *old, int64_t after_tid) {
  return us_sql_run(cx, NULL, SQL_MERGE, "iiii", id, old->id, after_tid, old->tid);
}

#define OF_PROCESS "(SELECT id FROM rpt WHERE tid = $1 UNION SELECT rpt_id FROM rpt_process WHERE tid = $1)"
static const char SQL_DELETE_PERMISSIONS_BY_TID[] = "DELETE FROM rpt_permission WHERE rpt_id IN " OF_PROCESS;
static const char SQL_DELETE_BY_TID[] = "DELETE FROM rpt WHERE id IN " OF_PROCESS;
static const char SQL_DELETE_PROCESSES_BY_TID[] =
    "DELETE FROM rpt_process WHERE rpt_id IN (SELECT rpt_id FROM rpt_process WHERE tid = $1)";
enum us_code us_rpts_delete_by_tid(struct us_cx *cx, int64_t tid) {
  US_TRY(us_sql_run(cx, NULL, SQL_DELETE_PERMISSIONS_BY_TID, "i", tid));
  US_TRY(us_sql_run(cx, NULL, SQL_DELETE_BY_TID, "i", tid));
  return us_sql_run(cx, NULL, SQL_DELETE_PROCESSES_BY_TID, "i", tid);
}
