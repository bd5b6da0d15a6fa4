/*
 * Table resource. The unique index (owner_id, rs_ref, name) is what keeps names apart; inserting asks it by ON CONFLICT, so
 * that two at once cannot both succeed.
 */
#include "store/resources.h"

#include <stddef.h>

#include "base/id.h"
#include "base/mem.h"
#include "json/json.h"

struct resource_row {
  struct us_resource resource;
  struct us_str scopes;
};
#define AT(member) offsetof(struct resource_row, member)

static const struct us_column whole_columns[] = {
    {US_COLUMN_I64, AT(resource.id)},
    {US_COLUMN_TEXT, AT(resource.uuid)},
    {US_COLUMN_I64, AT(resource.realm_id)},
    {US_COLUMN_I64, AT(resource.owner_id)},
    {US_COLUMN_I64, AT(resource.rs_ref)},
    {US_COLUMN_TEXT, AT(resource.name)},
    {US_COLUMN_TEXT, AT(resource.type)},
    {US_COLUMN_TEXT, AT(resource.icon_uri)},
    {US_COLUMN_TEXT, AT(resource.description)},
    {US_COLUMN_TEXT, AT(scopes)},
    {US_COLUMN_I64, AT(resource.rev)},
    {US_COLUMN_I64, AT(resource.access_rev)},
    {US_COLUMN_I64, AT(resource.created_ms)},
    {US_COLUMN_I64, AT(resource.modified_ms)},
    {US_COLUMN_TEXT, AT(resource.type_actions)},
    {US_COLUMN_TEXT, AT(resource.type_description)},
    {US_COLUMN_I64, AT(resource.type_modifier)},
    {US_COLUMN_TEXT, AT(resource.about)},
    {US_COLUMN_TEXT, AT(resource.type_denied)},
};
#define WHOLE                                                                                                          \
  "SELECT id, uuid, realm_id, owner_id, rs_ref, name, type, icon_uri, description, scopes, rev, access_rev, "          \
  "created_ms, modified_ms, type_actions, type_description, type_modifier, about, type_denied FROM resource "

static const struct us_column access_columns[] = {
    {US_COLUMN_I64, AT(resource.id)},         {US_COLUMN_TEXT, AT(resource.uuid)},
    {US_COLUMN_I64, AT(resource.realm_id)},   {US_COLUMN_I64, AT(resource.owner_id)},
    {US_COLUMN_I64, AT(resource.rs_ref)},     {US_COLUMN_TEXT, AT(scopes)},
    {US_COLUMN_I64, AT(resource.access_rev)}, {US_COLUMN_TEXT, AT(resource.name)},
};
#define ACCESS "SELECT id, uuid, realm_id, owner_id, rs_ref, scopes, access_rev, name FROM resource "
/* A uuid of ours carries the id of its row (base/id.h): found by the primary key. $5 is that id. */
#define IN_SPACE "WHERE uuid = $1 AND realm_id = $2 AND owner_id = $3 AND rs_ref = $4"
#define AND_ID " AND id = $5"

/* The scopes column is a JSON array; everything else is the row as it stands. */
static enum us_code finish_row(struct us_cx *cx, struct resource_row *row, struct us_resource *ret_resource) {
  US_TRY(us_json_to_strs(cx, row->scopes, &row->resource.scopes));
  *ret_resource = row->resource;
  return US_OK;
}

/* `sql[0]` asks by the id too, `sql[1]` does not: for a uuid of another make. */
static enum us_code find_in_space(struct us_cx *cx, const struct us_column *columns, size_t column_count,
                                  const char *const sql[2], struct us_resource_space space, struct us_str uuid,
                                  struct us_resource *ret_resource) {
  struct resource_row row = {0};
  int64_t id = us_uuid7_id(uuid);
  enum us_code code = US_E_NOT_FOUND;
  if (id > 0)
    code = us_sql_one(cx, columns, column_count, &row, sql[0], "tiiii", uuid, space.realm_id, space.owner_id,
                      space.rs_ref, id);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    code =
        us_sql_one(cx, columns, column_count, &row, sql[1], "tiii", uuid, space.realm_id, space.owner_id, space.rs_ref);
  }
  US_TRY(code);
  return finish_row(cx, &row, ret_resource);
}

static const char SQL_BY_UUID[] = WHOLE "WHERE uuid = $1 AND realm_id = $2";
enum us_code us_resources_by_uuid(struct us_cx *cx, int64_t realm_id, struct us_str uuid,
                                  struct us_resource *ret_resource) {
  struct resource_row row = {0};
  US_TRY(us_sql_one(cx, whole_columns, US_COLUMN_COUNT(whole_columns), &row, SQL_BY_UUID, "ti", uuid, realm_id));
  return finish_row(cx, &row, ret_resource);
}

static const char SQL_BY_ID[] = WHOLE "WHERE id = $1";
enum us_code us_resources_by_id(struct us_cx *cx, int64_t id, struct us_resource *ret_resource) {
  struct resource_row row = {0};
  US_TRY(us_sql_one(cx, whole_columns, US_COLUMN_COUNT(whole_columns), &row, SQL_BY_ID, "i", id));
  return finish_row(cx, &row, ret_resource);
}

enum us_code us_resources_in_space(struct us_cx *cx, struct us_resource_space space, struct us_str uuid,
                                   struct us_resource *ret_resource) {
  static const char *const sql[2] = {WHOLE IN_SPACE AND_ID, WHOLE IN_SPACE};
  return find_in_space(cx, whole_columns, US_COLUMN_COUNT(whole_columns), sql, space, uuid, ret_resource);
}

enum us_code us_resources_access_in_space(struct us_cx *cx, struct us_resource_space space, struct us_str uuid,
                                          struct us_resource *ret_resource) {
  static const char *const sql[2] = {ACCESS IN_SPACE AND_ID, ACCESS IN_SPACE};
  return find_in_space(cx, access_columns, US_COLUMN_COUNT(access_columns), sql, space, uuid, ret_resource);
}

static const char SQL_ACCESS_BY_ID[] = ACCESS "WHERE id = $1";
enum us_code us_resources_access_by_id(struct us_cx *cx, int64_t id, struct us_resource *ret_resource) {
  struct resource_row row = {0};
  US_TRY(us_sql_one(cx, access_columns, US_COLUMN_COUNT(access_columns), &row, SQL_ACCESS_BY_ID, "i", id));
  return finish_row(cx, &row, ret_resource);
}

static const char SQL_LIST[] = "SELECT id, uuid FROM resource WHERE owner_id = $1 AND rs_ref = $2 AND id > $3 "
                               "AND realm_id = $4 ORDER BY id LIMIT $5";
enum us_code us_resources_list(struct us_cx *cx, struct us_resource_space space, int64_t after, int64_t max,
                               struct us_strs *ret_uuids, int64_t *ret_last) {
  struct us_strs uuids = {US_NEW_ARRAY(cx->mem, struct us_str, (size_t)max), 0};
  if (!uuids.v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  struct us_rows rows;
  int64_t last = after;
  US_TRY(us_sql_open(cx, &rows, SQL_LIST, "iiiii", space.owner_id, space.rs_ref, after, space.realm_id, max));
  while (uuids.n < (size_t)max && us_sql_next(&rows)) {
    last = us_sql_i64(&rows, 0);
    uuids.v[uuids.n++] = us_sql_text(&rows, 1);
  }
  US_TRY(us_sql_close(&rows));
  *ret_uuids = uuids;
  *ret_last = last;
  return US_OK;
}

static const char SQL_INSERT[] =
    "INSERT INTO resource (id, uuid, realm_id, owner_id, rs_ref, name, type, icon_uri, description, scopes, rev, "
    "access_rev, created_ms, modified_ms, name_sort, name_key, about) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, 1, $11, $11, COALESCE($6, ''), $12, $13) "
    "ON CONFLICT (owner_id, rs_ref, name) WHERE name IS NOT NULL DO NOTHING";
enum us_code us_resources_insert(struct us_cx *cx, const struct us_resource *row) {
  struct us_str scopes = us_json_from_strs(cx->mem, row->scopes);
  struct us_str name_key = us_str_fold(cx->mem, row->name.p ? row->name : US_STR(""));
  if (!scopes.p || !name_key.p)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, SQL_INSERT, "itiiitttttitt", row->id, row->uuid, row->realm_id, row->owner_id,
                    row->rs_ref, row->name, row->type, row->icon_uri, row->description, scopes, row->created_ms,
                    name_key, row->about));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_CONFLICT);
}

/* UPDATE has no ON CONFLICT: the name is looked for in the same statement. (On PostgreSQL two updates at the same moment meet at
 * the unique index; the later one fails as a store error and may be sent again.) */
static const char SQL_UPDATE[] =
    "UPDATE resource SET name = $2, type = $3, icon_uri = $4, description = $5, scopes = $6, modified_ms = $7, "
    "name_sort = COALESCE($2, ''), name_key = $9, type_actions = $10, type_denied = $12, about = $11, type_modifier = "
    "0, "
    "rev = rev + 1, access_rev = access_rev + CASE WHEN scopes = $6 THEN 0 ELSE 1 END "
    "WHERE id = $1 AND rev = $8 AND NOT EXISTS (SELECT 1 FROM resource other WHERE other.owner_id = resource.owner_id "
    "AND other.rs_ref = resource.rs_ref AND other.name = $2 AND other.id <> resource.id)";
/* Grants carry a copy of the name, for the index that lists go by. */
static const char SQL_RENAME_GRANTS[] =
    "UPDATE permission SET resource_sort = $2 WHERE resource_id = $1 AND resource_sort <> $2";
static const char SQL_HAS_REV[] = "SELECT id FROM resource WHERE id = $1 AND rev = $2";
enum us_code us_resources_update(struct us_cx *cx, const struct us_resource *row) {
  struct us_str scopes = us_json_from_strs(cx->mem, row->scopes);
  struct us_str name_key = us_str_fold(cx->mem, row->name.p ? row->name : US_STR(""));
  if (!scopes.p || !name_key.p)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, SQL_UPDATE,
                    "ittttti"
                    "itttt",
                    row->id, row->name, row->type, row->icon_uri, row->description, scopes, row->modified_ms, row->rev,
                    name_key, row->type_actions, row->about, row->type_denied));
  if (changed == 1)
    return us_sql_run(cx, NULL, SQL_RENAME_GRANTS, "it", row->id, row->name.p ? row->name : US_STR(""));
  int64_t id;
  static const struct us_column id_column[] = {{US_COLUMN_I64, 0}};
  US_TRY(us_sql_one(cx, id_column, 1, &id, SQL_HAS_REV, "ii", row->id, row->rev));
  return us_fail_plain(cx, US_E_CONFLICT);
}

static const char SQL_UPDATE_TYPE[] =
    "UPDATE resource SET type_actions = $2, type_denied = $7, type_description = $3, type_modifier = "
    "$4, modified_ms = $5, rev = rev + 1, "
    "access_rev = access_rev + 1 WHERE id = $1 AND rev = $6";
enum us_code us_resources_update_type(struct us_cx *cx, const struct us_resource *row) {
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, SQL_UPDATE_TYPE, "ittiiit", row->id, row->type_actions, row->type_description,
                    row->type_modifier, row->modified_ms, row->rev, row->type_denied));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_NOT_FOUND);
}

static const char SQL_TOUCH_ACCESS[] = "UPDATE resource SET access_rev = access_rev + 1 WHERE id = $1";
enum us_code us_resources_touch_access(struct us_cx *cx, int64_t id) {
  return us_sql_run(cx, NULL, SQL_TOUCH_ACCESS, "i", id);
}

static const char SQL_DELETE[] = "DELETE FROM resource WHERE id = $1";
enum us_code us_resources_delete(struct us_cx *cx, int64_t id, int64_t *ret_changed) {
  return us_sql_run(cx, ret_changed, SQL_DELETE, "i", id);
}

static const char SQL_DELETE_PERMISSIONS[] = "DELETE FROM permission WHERE resource_id = $1";
static const char SQL_DELETE_POLICIES[] = "DELETE FROM policy WHERE resource_id = $1";
static const char SQL_DELETE_PENDING[] = "DELETE FROM pending_request WHERE resource_id = $1";
enum us_code us_resources_delete_grants(struct us_cx *cx, int64_t id) {
  US_TRY(us_sql_run(cx, NULL, SQL_DELETE_PERMISSIONS, "i", id));
  US_TRY(us_sql_run(cx, NULL, SQL_DELETE_POLICIES, "i", id));
  return us_sql_run(cx, NULL, SQL_DELETE_PENDING, "i", id);
}
