/*
 * Tables label and resource_label. Labels of a resource are written eight at a time: a list of values with a fixed number of
 * parameters is the form that both databases read alike, and NULL names fill the last batch up.
 */
#include "store/labels.h"

#include <stddef.h>

#include "base/mem.h"
#include "store/list.h"

#define US_LABELS_MAX_READ                                                                                             \
  256 /* more than any resource can have; the limit on input is in endpoint/uma/resource_set.c */

static const char SQL_OF_RESOURCE[] =
    "SELECT label.name FROM resource_label JOIN label ON label.id = resource_label.label_id "
    "WHERE resource_label.resource_id = $1 AND resource_label.owner_id = $2 AND label.kind = 1 ORDER BY label.id "
    "LIMIT $3";
enum us_code us_labels_of_resource(struct us_cx *cx, int64_t resource_id, int64_t owner_id, struct us_strs *ret_names) {
  struct us_strs names = {US_NEW_ARRAY(cx->mem, struct us_str, US_LABELS_MAX_READ), 0};
  if (!names.v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, SQL_OF_RESOURCE, "iii", resource_id, owner_id, (int64_t)US_LABELS_MAX_READ));
  while (names.n < US_LABELS_MAX_READ && us_sql_next(&rows))
    names.v[names.n++] = us_sql_text(&rows, 0);
  US_TRY(us_sql_close(&rows));
  *ret_names = names;
  return US_OK;
}

#define CELL(id, name) "(CAST(" id " AS bigint), CAST(" name " AS text))"
#define BATCH                                                                                                          \
  "WITH wanted (id, name) AS (VALUES " CELL("$3", "$4") ", " CELL("$5", "$6") ", " CELL("$7", "$8") ", " CELL(         \
      "$9", "$10") ", " CELL("$11", "$12") ", " CELL("$13", "$14") ", " CELL("$15", "$16") ", " CELL("$17",            \
                                                                                                     "$18") ") "
#define BATCH_LETTERS                                                                                                  \
  "ititititititit"                                                                                                     \
  "it"
#define BATCH_VALUES                                                                                                   \
  ids[0], names[0], ids[1], names[1], ids[2], names[2], ids[3], names[3], ids[4], names[4], ids[5], names[5], ids[6],  \
      names[6], ids[7], names[7]

static const char SQL_CREATE[] =
    "INSERT INTO label (id, owner_id, kind, rs_ref, uuid, name, rev) " BATCH
    "SELECT id, CAST($1 AS bigint), 1, CAST($2 AS bigint), NULL, name, 1 FROM wanted WHERE name IS NOT NULL "
    "ON CONFLICT (owner_id, kind, rs_ref, name) DO NOTHING";
static const char SQL_LINK[] =
    "INSERT INTO resource_label (resource_id, owner_id, label_id) " BATCH
    "SELECT CAST($19 AS bigint), label.owner_id, label.id FROM wanted JOIN label ON label.name = wanted.name "
    "WHERE label.owner_id = $1 AND label.kind = 1 AND label.rs_ref = $2 "
    "ON CONFLICT (resource_id, owner_id, label_id) DO NOTHING";
enum us_code us_labels_attach(struct us_cx *cx, int64_t resource_id, int64_t owner_id, int64_t rs_ref,
                              const int64_t ids[US_LABELS_BATCH], const struct us_str names[US_LABELS_BATCH]) {
  US_TRY(us_sql_run(cx, NULL, SQL_CREATE, "ii" BATCH_LETTERS, owner_id, rs_ref, BATCH_VALUES));
  return us_sql_run(cx, NULL, SQL_LINK, "ii" BATCH_LETTERS "i", owner_id, rs_ref, BATCH_VALUES, resource_id);
}

/* First the labels that only this resource uses, then its links: to SYSTEM labels and to those just gone. All of them belong to the
 * resource's owner. */
static const char SQL_SWEEP[] =
    "DELETE FROM label WHERE kind = 1 AND id IN (SELECT label_id FROM resource_label WHERE resource_id = $1 AND "
    "owner_id = $2) "
    "AND NOT EXISTS (SELECT 1 FROM resource_label other WHERE other.label_id = label.id AND other.resource_id <> $1)";
static const char SQL_UNLINK_SYSTEM[] =
    "DELETE FROM resource_label WHERE resource_id = $1 AND owner_id = $2 "
    "AND NOT EXISTS (SELECT 1 FROM label WHERE label.id = resource_label.label_id AND label.kind <> 1)";
enum us_code us_labels_detach_system(struct us_cx *cx, int64_t resource_id, int64_t owner_id) {
  US_TRY(us_sql_run(cx, NULL, SQL_SWEEP, "ii", resource_id, owner_id));
  return us_sql_run(cx, NULL, SQL_UNLINK_SYSTEM, "ii", resource_id, owner_id);
}

static const char SQL_SWEEP_ALL[] =
    "DELETE FROM label WHERE kind = 1 AND id IN (SELECT label_id FROM resource_label WHERE resource_id = $1) "
    "AND NOT EXISTS (SELECT 1 FROM resource_label other WHERE other.label_id = label.id AND other.resource_id <> $1)";
static const char SQL_UNLINK_ALL[] = "DELETE FROM resource_label WHERE resource_id = $1";
enum us_code us_labels_detach_all(struct us_cx *cx, int64_t resource_id) {
  US_TRY(us_sql_run(cx, NULL, SQL_SWEEP_ALL, "i", resource_id));
  return us_sql_run(cx, NULL, SQL_UNLINK_ALL, "i", resource_id);
}

#define AT(member) offsetof(struct us_label_row, member)
#define ROW "SELECT l.id, l.owner_id, l.kind, l.rs_ref, l.uuid, l.name, l.rev, "
static const struct us_column row_columns[] = {
    {US_COLUMN_I64, AT(id)},     {US_COLUMN_I64, AT(owner_id)},   {US_COLUMN_INT, AT(kind)},
    {US_COLUMN_I64, AT(rs_ref)}, {US_COLUMN_TEXT, AT(uuid)},      {US_COLUMN_TEXT, AT(name)},
    {US_COLUMN_I64, AT(rev)},    {US_COLUMN_TEXT, AT(client_id)}, {US_COLUMN_TEXT, AT(client_name)},
};

/* Changes nothing; on SQLite the one writer is the lock already. */
static const char SQL_LOCK_OWNER[] = "UPDATE account SET rev = rev WHERE id = $1";
enum us_code us_labels_lock_owner(struct us_cx *cx, int64_t owner_id) {
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, SQL_LOCK_OWNER, "i", owner_id));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_NOT_FOUND);
}

static const char SQL_COUNT_PRIVATE[] =
    "SELECT COUNT(*) FROM (SELECT 1 FROM label WHERE owner_id = $1 AND kind IN (2, 3) LIMIT $2) AS counted";
enum us_code us_labels_count_private(struct us_cx *cx, int64_t owner_id, int64_t max, int64_t *ret_count) {
  static const struct us_column count_column[] = {{US_COLUMN_I64, 0}};
  return us_sql_one(cx, count_column, 1, ret_count, SQL_COUNT_PRIVATE, "ii", owner_id, max);
}

static const char SQL_INSERT[] = "INSERT INTO label (id, owner_id, kind, rs_ref, uuid, name, rev) "
                                 "VALUES ($1, $2, $3, $4, $5, $6, $7) "
                                 "ON CONFLICT (owner_id, kind, rs_ref, name) DO NOTHING";
enum us_code us_labels_insert(struct us_cx *cx, const struct us_label_row *row) {
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, SQL_INSERT, "iiiitti", row->id, row->owner_id, (int64_t)row->kind, row->rs_ref,
                    row->uuid, row->name, row->rev));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_CONFLICT);
}

static const char SQL_BY_UUID[] = ROW "NULL, NULL FROM label l WHERE l.uuid = $1 AND l.owner_id = $2";
enum us_code us_labels_by_uuid(struct us_cx *cx, int64_t owner_id, struct us_str uuid, struct us_label_row *ret_row) {
  return us_sql_one(cx, row_columns, US_COLUMN_COUNT(row_columns), ret_row, SQL_BY_UUID, "ti", uuid, owner_id);
}

static const char SQL_SYSTEM_BY_NAME[] =
    ROW "c.client_id, c.display_name FROM client c JOIN label l ON l.rs_ref = c.id "
        "WHERE c.realm_id = $1 AND c.client_id = $2 AND l.owner_id = $3 AND l.kind = 1 AND l.name = $4";
enum us_code us_labels_system_by_name(struct us_cx *cx, int64_t realm_id, int64_t owner_id, struct us_str client_id,
                                      struct us_str name, struct us_label_row *ret_row) {
  return us_sql_one(cx, row_columns, US_COLUMN_COUNT(row_columns), ret_row, SQL_SYSTEM_BY_NAME, "itit", realm_id,
                    client_id, owner_id, name);
}

static const char SQL_DELETE[] = "DELETE FROM label WHERE id = $1";
enum us_code us_labels_delete(struct us_cx *cx, int64_t id) {
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, SQL_DELETE, "i", id));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_NOT_FOUND);
}

static const char SQL_UNHANG[] = "DELETE FROM resource_label WHERE label_id = $1 AND resource_id IN "
                                 "(SELECT resource_id FROM resource_label WHERE label_id = $1 LIMIT $2)";
enum us_code us_labels_unhang(struct us_cx *cx, int64_t id, int64_t max, int64_t *ret_count) {
  return us_sql_run(cx, ret_count, SQL_UNHANG, "ii", id, max);
}

static const char SQL_HANG[] =
    "WITH wanted (id) AS (VALUES (CAST($2 AS bigint)), (CAST($3 AS bigint)), (CAST($4 AS bigint)), "
    "(CAST($5 AS bigint)), (CAST($6 AS bigint)), (CAST($7 AS bigint)), (CAST($8 AS bigint)), (CAST($9 AS bigint))) "
    "INSERT INTO resource_label (resource_id, owner_id, label_id) "
    "SELECT id, CAST($10 AS bigint), CAST($1 AS bigint) FROM wanted WHERE id <> 0 "
    "ON CONFLICT (resource_id, owner_id, label_id) DO NOTHING";
enum us_code us_labels_hang(struct us_cx *cx, int64_t owner_id, int64_t label_id, const int64_t ids[US_LABELS_BATCH]) {
  return us_sql_run(cx, NULL, SQL_HANG, "iiiiiiiiii", label_id, ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6],
                    ids[7], owner_id);
}

/* Private labels are bounded in number, SYSTEM ones are not: read backwards, the unique index gives the private ones first, so that
 * no answer is filled by the others alone. */
static const struct us_list_field order_fields[] = {
    {.name = "kind", .kind = US_LIST_NUMBER, .order = "l.kind"},
    {.name = "rs_ref", .kind = US_LIST_NUMBER, .order = "l.rs_ref"},
    {.name = "name", .kind = US_LIST_TEXT, .order = "l.name"},
};
static const struct us_list order_list = {.fields = order_fields, .field_count = 3};
static const struct us_list_source list_source = {
    .columns = "l.id, l.owner_id, l.kind, l.rs_ref, l.uuid, l.name, l.rev, c.client_id, c.display_name",
    .from = "label l LEFT JOIN client c ON c.id = l.rs_ref WHERE l.owner_id = $1",
    .tie = "l.id",
};

struct listing {
  us_label_row_fn each;
  void *self;
};

static bool see_row(struct us_cx *cx, void *self, struct us_rows *rows) {
  struct listing *listing = self;
  struct us_label_row row = {0};
  (void)cx; /* what is made of a row goes with the row */
  us_sql_read(rows, row_columns, US_COLUMN_COUNT(row_columns), &row);
  return listing->each(rows->cx, listing->self, &row);
}

enum us_code us_labels_list(struct us_cx *cx, int64_t owner_id, const struct us_list_query *query, us_label_row_fn each,
                            void *self, struct us_list_end *ret_end) {
  struct listing listing = {each, self};
  struct us_filter all = {.kind = US_FILTER_TRUE};
  struct us_list_query ordered = *query;
  ordered.list = &order_list;
  ordered.filter = &all;
  ordered.key_count = 3;
  for (unsigned i = 0; i < 3; i++)
    ordered.keys[i] = (struct us_list_key){.field = i, .descending = true};
  return us_list_run(cx, &ordered, &list_source, see_row, &listing, ret_end, "i", owner_id);
}
