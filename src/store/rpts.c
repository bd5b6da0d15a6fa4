/*
 * Tables rpt and rpt_permission. Introspection, the busiest thing a resource server does here, reads everything it needs
 * in us_rpts_live(): six primary keys, no list. Scopes of the resource are looked at only when its access_rev moved.
 */
#include "store/rpts.h"

#include "base/mem.h"
#include "json/json.h"

static const char SQL_INSERT[] =
    "INSERT INTO rpt (id, digest, realm_id, owner_id, rs_ref, client_ref, party_id, tid, issued_s, expires_s) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
static const char SQL_INSERT_PERMISSION[] = "INSERT INTO rpt_permission (rpt_id, resource_id, uuid, scopes, "
                                            "access_rev, expires_s) VALUES ($1, $2, $3, $4, $5, $6)";
enum us_code us_rpts_insert(struct us_cx *cx, const struct us_rpt *rpt, const char *digest) {
  US_TRY(us_sql_run(cx, NULL, SQL_INSERT, "iciiiiiiii", rpt->id, digest, rpt->realm_id, rpt->owner_id, rpt->rs_ref,
                    rpt->client_ref, rpt->party_id, rpt->tid, rpt->issued_s, rpt->expires_s));
  for (size_t i = 0; i < rpt->permissions.n; i++) {
    const struct us_permission *permission = &rpt->permissions.v[i];
    struct us_str scopes = us_json_from_strs(cx->mem, permission->scopes);
    if (!scopes.p)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    US_TRY(us_sql_run(cx, NULL, SQL_INSERT_PERMISSION, "iittii", rpt->id, permission->resource_id, permission->uuid,
                      scopes, permission->access_rev, permission->expires_s));
  }
  return US_OK;
}

enum {
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
  LIVE_RS_CLIENT_ID,
  LIVE_OWNER_NAME,
  LIVE_RESOURCE_ID,
  LIVE_UUID,
  LIVE_SCOPES,
  LIVE_REV,
  LIVE_PERMISSION_EXPIRES,
  LIVE_CURRENT_REV,
  LIVE_CURRENT_SCOPES,
};
static const char SQL_LIVE[] =
    "SELECT rpt.digest, rpt.owner_id, rpt.rs_ref, rpt.client_ref, rpt.party_id, rpt.tid, rpt.issued_s, rpt.expires_s, "
    "client.client_id, client.is_active, party.name, party.is_active, rs.client_id, owner.name, "
    "p.resource_id, p.uuid, p.scopes, p.access_rev, p.expires_s, resource.access_rev, resource.scopes "
    "FROM rpt LEFT JOIN client ON client.id = rpt.client_ref LEFT JOIN account party ON party.id = rpt.party_id "
    "LEFT JOIN client rs ON rs.id = rpt.rs_ref LEFT JOIN account owner ON owner.id = rpt.owner_id "
    "LEFT JOIN rpt_permission p ON p.rpt_id = rpt.id LEFT JOIN resource ON resource.id = p.resource_id "
    "WHERE rpt.id = $1 AND rpt.realm_id = $2";

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
  };
  row->client_id = us_sql_text(rows, LIVE_CLIENT_ID);
  row->party_name = us_sql_text(rows, LIVE_PARTY_NAME);
  row->rs_client_id = us_sql_text(rows, LIVE_RS_CLIENT_ID);
  row->owner_name = us_sql_text(rows, LIVE_OWNER_NAME);
  row->is_active = us_sql_i64(rows, LIVE_CLIENT_ACTIVE) == 1 && us_sql_i64(rows, LIVE_PARTY_ACTIVE) == 1 &&
                   !us_sql_is_null(rows, LIVE_OWNER_NAME) && !us_sql_is_null(rows, LIVE_RS_CLIENT_ID);
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
  if (us_sql_is_null(rows, LIVE_RESOURCE_ID))
    return US_OK;
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
  if (p->current_rev != 0 && p->current_rev != p->permission.access_rev)
    p->current_scopes = us_sql_text(rows, LIVE_CURRENT_SCOPES);
  return us_json_to_strs(cx, us_sql_text(rows, LIVE_SCOPES), &p->permission.scopes);
}

enum us_code us_rpts_live(struct us_cx *cx, int64_t id, int64_t realm_id, struct us_rpt_row *ret_row) {
  struct us_rpt_row row = {0};
  struct us_rows rows;
  enum us_code code = US_OK;
  US_TRY(us_sql_open(cx, &rows, SQL_LIVE, "ii", id, realm_id));
  while (code == US_OK && us_sql_next(&rows)) {
    if (!row.digest.p)
      read_head(&rows, id, realm_id, &row);
    code = read_permission(&rows, &row);
  }
  enum us_code closed = us_sql_close(&rows);
  if (code != US_OK)
    return code;
  US_TRY(closed);
  if (!row.digest.p)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  *ret_row = row;
  return US_OK;
}

static const char SQL_FIND[] =
    "SELECT rpt.owner_id, rpt.rs_ref, rpt.client_ref, rpt.party_id, rpt.tid, rpt.issued_s, rpt.expires_s, "
    "p.resource_id, "
    "p.uuid, p.scopes, p.access_rev, p.expires_s FROM rpt LEFT JOIN rpt_permission p ON p.rpt_id = rpt.id "
    "WHERE rpt.id = $1 AND rpt.digest = $2 AND rpt.realm_id = $3";
static enum us_code read_found(struct us_rows *rows, struct us_rpt *rpt) {
  struct us_cx *cx = rows->cx;
  rpt->owner_id = us_sql_i64(rows, 0);
  rpt->rs_ref = us_sql_i64(rows, 1);
  rpt->client_ref = us_sql_i64(rows, 2);
  rpt->party_id = us_sql_i64(rows, 3);
  rpt->tid = us_sql_i64(rows, 4);
  rpt->issued_s = us_sql_i64(rows, 5);
  rpt->expires_s = us_sql_i64(rows, 6);
  if (us_sql_is_null(rows, 7))
    return US_OK;
  struct us_permission *v = with_room(cx, rpt->permissions.v, rpt->permissions.n, sizeof(*v));
  if (!v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  rpt->permissions.v = v;
  struct us_permission *p = &v[rpt->permissions.n++];
  *p = (struct us_permission){.resource_id = us_sql_i64(rows, 7),
                              .uuid = us_sql_text(rows, 8),
                              .access_rev = us_sql_i64(rows, 10),
                              .expires_s = us_sql_i64(rows, 11)};
  return us_json_to_strs(cx, us_sql_text(rows, 9), &p->scopes);
}

enum us_code us_rpts_find(struct us_cx *cx, int64_t id, const char *digest, int64_t realm_id, struct us_rpt *ret_rpt) {
  struct us_rpt rpt = {.realm_id = realm_id};
  struct us_rows rows;
  enum us_code code = US_OK;
  US_TRY(us_sql_open(cx, &rows, SQL_FIND, "ici", id, digest, realm_id));
  while (code == US_OK && us_sql_next(&rows)) {
    rpt.id = id;
    code = read_found(&rows, &rpt);
  }
  enum us_code closed = us_sql_close(&rows);
  if (code != US_OK)
    return code;
  US_TRY(closed);
  if (rpt.id == 0)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  *ret_rpt = rpt;
  return US_OK;
}

static const char SQL_DELETE_PERMISSIONS[] = "DELETE FROM rpt_permission WHERE rpt_id = $1";
static const char SQL_DELETE[] = "DELETE FROM rpt WHERE id = $1";
enum us_code us_rpts_delete(struct us_cx *cx, int64_t id) {
  US_TRY(us_sql_run(cx, NULL, SQL_DELETE_PERMISSIONS, "i", id));
  return us_sql_run(cx, NULL, SQL_DELETE, "i", id);
}

static const char SQL_DELETE_PERMISSIONS_BY_TID[] =
    "DELETE FROM rpt_permission WHERE rpt_id IN (SELECT id FROM rpt WHERE tid = $1)";
static const char SQL_DELETE_BY_TID[] = "DELETE FROM rpt WHERE tid = $1";
enum us_code us_rpts_delete_by_tid(struct us_cx *cx, int64_t tid) {
  US_TRY(us_sql_run(cx, NULL, SQL_DELETE_PERMISSIONS_BY_TID, "i", tid));
  return us_sql_run(cx, NULL, SQL_DELETE_BY_TID, "i", tid);
}

static const char SQL_BATCH[] = "SELECT COALESCE(MAX(id), 0), COUNT(*) FROM "
                                "(SELECT id FROM rpt WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) AS batch";
static const char SQL_DELETE_PERMISSIONS_EXPIRED[] =
    "DELETE FROM rpt_permission WHERE rpt_id IN (SELECT id FROM rpt WHERE id > $1 AND id <= $2 AND expires_s < $3)";
static const char SQL_DELETE_EXPIRED[] = "DELETE FROM rpt WHERE id > $1 AND id <= $2 AND expires_s < $3";
enum us_code us_rpts_delete_expired(struct us_cx *cx, int64_t after, int64_t older_than, int64_t before_s, int64_t max,
                                    int64_t *ret_deleted, int64_t *ret_last) {
  struct us_rows rows;
  int64_t last = 0, count = 0, deleted = 0;
  US_TRY(us_sql_open(cx, &rows, SQL_BATCH, "iii", after, older_than, max));
  if (us_sql_next(&rows)) {
    last = us_sql_i64(&rows, 0);
    count = us_sql_i64(&rows, 1);
  }
  US_TRY(us_sql_close(&rows));
  if (count > 0) {
    US_TRY(us_sql_run(cx, NULL, SQL_DELETE_PERMISSIONS_EXPIRED, "iii", after, last, before_s));
    US_TRY(us_sql_run(cx, &deleted, SQL_DELETE_EXPIRED, "iii", after, last, before_s));
  }
  *ret_deleted = deleted;
  *ret_last = count < max ? 0 : last;
  return US_OK;
}

static const char SQL_CURSOR[] = "SELECT CAST(value AS bigint) FROM meta WHERE key = 'rpt_clean_after'";
enum us_code us_rpts_cursor(struct us_cx *cx, int64_t *ret_after) {
  struct us_rows rows;
  int64_t after = 0;
  US_TRY(us_sql_open(cx, &rows, SQL_CURSOR, ""));
  if (us_sql_next(&rows))
    after = us_sql_i64(&rows, 0);
  US_TRY(us_sql_close(&rows));
  *ret_after = after;
  return US_OK;
}

static const char SQL_SET_CURSOR[] = "INSERT INTO meta (key, value) VALUES ('rpt_clean_after', CAST($1 AS text)) "
                                     "ON CONFLICT (key) DO UPDATE SET value = excluded.value";
enum us_code us_rpts_set_cursor(struct us_cx *cx, int64_t after) {
  return us_sql_run(cx, NULL, SQL_SET_CURSOR, "i", after);
}
