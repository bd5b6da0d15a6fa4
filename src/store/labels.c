/*
 * Tables label and resource_label. Labels of a resource are written eight at a time: a list of values with a fixed number of
 * parameters is the form that both databases read alike, and NULL names fill the last batch up.
 */
#include "store/labels.h"

#include "base/mem.h"

#define US_LABELS_MAX_READ                                                                                             \
  256 /* more than any resource can have; the limit on input is in endpoint/uma/resource_set.c */

static const char SQL_OF_RESOURCE[] =
    "SELECT label.name FROM resource_label JOIN label ON label.id = resource_label.label_id "
    "WHERE resource_label.resource_id = $1 AND label.kind = 1 ORDER BY label.id LIMIT $2";
enum us_code us_labels_of_resource(struct us_cx *cx, int64_t resource_id, struct us_strs *ret_names) {
  struct us_strs names = {US_NEW_ARRAY(cx->mem, struct us_str, US_LABELS_MAX_READ), 0};
  if (!names.v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, SQL_OF_RESOURCE, "ii", resource_id, (int64_t)US_LABELS_MAX_READ));
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
    "INSERT INTO resource_label (resource_id, label_id) " BATCH
    "SELECT CAST($19 AS bigint), label.id FROM wanted JOIN label ON label.name = wanted.name "
    "WHERE label.owner_id = $1 AND label.kind = 1 AND label.rs_ref = $2 "
    "ON CONFLICT (resource_id, label_id) DO NOTHING";
enum us_code us_labels_attach(struct us_cx *cx, int64_t resource_id, int64_t owner_id, int64_t rs_ref,
                              const int64_t ids[US_LABELS_BATCH], const struct us_str names[US_LABELS_BATCH]) {
  US_TRY(us_sql_run(cx, NULL, SQL_CREATE, "ii" BATCH_LETTERS, owner_id, rs_ref, BATCH_VALUES));
  return us_sql_run(cx, NULL, SQL_LINK, "ii" BATCH_LETTERS "i", owner_id, rs_ref, BATCH_VALUES, resource_id);
}

/* First the labels that only this resource uses, then its links: to SYSTEM labels and to those just gone. */
static const char SQL_SWEEP[] =
    "DELETE FROM label WHERE kind = 1 AND id IN (SELECT label_id FROM resource_label WHERE resource_id = $1) "
    "AND NOT EXISTS (SELECT 1 FROM resource_label other WHERE other.label_id = label.id AND other.resource_id <> $1)";
static const char SQL_UNLINK_SYSTEM[] =
    "DELETE FROM resource_label WHERE resource_id = $1 "
    "AND NOT EXISTS (SELECT 1 FROM label WHERE label.id = resource_label.label_id AND label.kind <> 1)";
enum us_code us_labels_detach_system(struct us_cx *cx, int64_t resource_id) {
  US_TRY(us_sql_run(cx, NULL, SQL_SWEEP, "i", resource_id));
  return us_sql_run(cx, NULL, SQL_UNLINK_SYSTEM, "i", resource_id);
}

static const char SQL_UNLINK_ALL[] = "DELETE FROM resource_label WHERE resource_id = $1";
enum us_code us_labels_detach_all(struct us_cx *cx, int64_t resource_id) {
  US_TRY(us_sql_run(cx, NULL, SQL_SWEEP, "i", resource_id));
  return us_sql_run(cx, NULL, SQL_UNLINK_ALL, "i", resource_id);
}
