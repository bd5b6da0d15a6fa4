/* Entries of permissions: see entries.h. */
#include "store/entries.h"

#define IS_PARTLY_ACTIVE "(q.is_active = 1 AND q.active_scopes <> q.scopes)"
#define NAME "q.entry_name || CASE WHEN h.is_rest = 1 THEN '" US_ENTRY_INACTIVE "' ELSE '' END"
#define IS_ACTIVE "CASE WHEN h.is_rest = 0 THEN q.is_active ELSE 0 END"
#define APPLICATION "LOWER(c.client_id)"

/* applicationName is lower case already (c.9), so it compares without. */
static const struct us_list_field fields[] = {
    {.name = "_id", .kind = US_LIST_TEXT, .ops = US_LIST_TEXT_OPS, .sql = "(" NAME ")", .order = "q.entry_name"},
    {.name = "name", .kind = US_LIST_TEXT, .ops = US_LIST_TEXT_OPS, .sql = "(" NAME ")", .order = "q.entry_name"},
    {.name = "applicationName",
     .kind = US_LIST_NAME,
     .ops = US_LIST_TEXT_OPS,
     .sql = APPLICATION,
     .order = "COALESCE(" APPLICATION ", '')"},
    {.name = "active", .kind = US_LIST_BOOL, .ops = US_LIST_EQ, .sql = "(" IS_ACTIVE ")", .order = "(" IS_ACTIVE ")"},
    {.name = "resourceTypeUuid", .kind = US_LIST_TEXT, .ops = US_LIST_TEXT_OPS, .sql = "r.uuid", .order = "r.uuid"},
    {.name = "subject/claimValue",
     .kind = US_LIST_NAME,
     .ops = US_LIST_TEXT_OPS,
     .sql = "q.subject_key",
     .order = "q.subject_key"},
    {.name = "createdBy", .kind = US_LIST_NAME, .ops = US_LIST_TEXT_OPS, .sql = "CAST($2 AS text)"},
    {.name = "creationDate", .kind = US_LIST_NUMBER, .order = "q.created_ms"},
    {.name = "lastModifiedDate", .kind = US_LIST_NUMBER, .order = "q.modified_ms"},
};
const struct us_list us_entries_list = {
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields[0]),
    .refusal = US_LIST_REFUSE_400,
    .last_key = "name",
};

#define COLUMNS                                                                                                        \
  "q.id, q.policy_id, q.resource_id, p.rev, q.created_ms, q.modified_ms, q.entry_name, r.uuid, c.client_id, "          \
  "q.subject, q.subject_key, q.scopes, q.active_scopes, q.conditions"
#define JOINED                                                                                                         \
  " JOIN policy p ON p.id = q.policy_id JOIN resource r ON r.id = q.resource_id LEFT JOIN client c ON c.id = r.rs_ref"
static const struct us_column columns[] = {
    {US_COLUMN_I64, offsetof(struct us_entry_row, permission_id)},
    {US_COLUMN_I64, offsetof(struct us_entry_row, policy_id)},
    {US_COLUMN_I64, offsetof(struct us_entry_row, resource_id)},
    {US_COLUMN_I64, offsetof(struct us_entry_row, rev)},
    {US_COLUMN_I64, offsetof(struct us_entry_row, created_ms)},
    {US_COLUMN_I64, offsetof(struct us_entry_row, modified_ms)},
    {US_COLUMN_TEXT, offsetof(struct us_entry_row, name)},
    {US_COLUMN_TEXT, offsetof(struct us_entry_row, uuid)},
    {US_COLUMN_TEXT, offsetof(struct us_entry_row, client_id)},
    {US_COLUMN_TEXT, offsetof(struct us_entry_row, subject)},
    {US_COLUMN_TEXT, offsetof(struct us_entry_row, subject_key)},
    {US_COLUMN_TEXT, offsetof(struct us_entry_row, scopes)},
    {US_COLUMN_TEXT, offsetof(struct us_entry_row, active_scopes)},
    {US_COLUMN_TEXT, offsetof(struct us_entry_row, conditions)},
    {US_COLUMN_BOOL, offsetof(struct us_entry_row, is_rest)},
};

void us_entries_read(struct us_rows *rows, struct us_entry_row *ret_row) {
  us_sql_read(rows, columns, US_COLUMN_COUNT(columns), ret_row);
}

/* Names differ within a sharer, so an order that ends with the name needs nothing behind it but the part: permission_entry gives
 * the order of the list as it is asked for mostly, and CROSS JOIN keeps the parts behind it. $2 is spoken of here so that it is
 * there also where no filter names it. */
#define PARTS " CROSS JOIN (SELECT 0 AS is_rest UNION ALL SELECT 1) h"
#define SHOWN " AND CAST($2 AS text) IS NOT NULL AND (h.is_rest = 0 OR " IS_PARTLY_ACTIVE ")"
static const struct us_list_source source = {
    .columns = COLUMNS ", h.is_rest",
    .from = "permission q" PARTS JOINED " WHERE q.sharer_id = $1" SHOWN,
    .tie = "h.is_rest",
};
/* Those with one subject, $3, by permission_sharer; the plus sign keeps a database from walking through all of the sharer's. */
static const struct us_list_source source_of_subject = {
    .columns = COLUMNS ", h.is_rest",
    .from = "permission q" PARTS JOINED " WHERE +q.sharer_id = $1 AND q.id IN"
            " (SELECT s.id FROM permission s WHERE s.sharer_id = $1 AND s.subject_key = $3)" SHOWN,
    .tie = "h.is_rest",
};

enum us_code us_entries_query(struct us_cx *cx, int64_t sharer_id, struct us_str universal_id,
                              const struct us_list_query *query, us_list_each_fn each, void *self,
                              struct us_list_end *ret_end) {
  const struct us_filter *subject = us_filter_demanded(query->filter, "subject/claimValue", false);
  if (subject == NULL)
    return us_list_run(cx, query, &source, each, self, ret_end, "it", sharer_id, universal_id);
  struct us_str key = us_str_fold(cx->mem, subject->text);
  if (key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_list_run(cx, query, &source_of_subject, each, self, ret_end, "itt", sharer_id, universal_id, key);
}

static const char SQL_FIND[] = "SELECT " COLUMNS ", 0 FROM permission q" JOINED
                               " WHERE q.sharer_id = $1 AND q.entry_name = $2 ORDER BY q.id LIMIT 1";

enum us_code us_entries_find(struct us_cx *cx, int64_t sharer_id, struct us_str name, struct us_entry_row *ret_row) {
  return us_sql_one(cx, columns, US_COLUMN_COUNT(columns), ret_row, SQL_FIND, "it", sharer_id, name);
}

static const char SQL_WITH[] =
    "SELECT policy_id, resource_id FROM permission WHERE sharer_id = $1 AND subject_key = $2 AND policy_id > $3"
    " ORDER BY policy_id LIMIT 256"; /* US_ENTRIES_BATCH */

enum us_code us_entries_with(struct us_cx *cx, int64_t sharer_id, struct us_str subject_key, int64_t *after,
                             int64_t ret_resource_ids[US_ENTRIES_BATCH], size_t *ret_count) {
  struct us_rows rows;
  size_t n = 0;
  US_TRY(us_sql_open(cx, &rows, SQL_WITH, "iti", sharer_id, subject_key, *after));
  while (n < US_ENTRIES_BATCH && us_sql_next(&rows)) {
    *after = us_sql_i64(&rows, 0);
    ret_resource_ids[n++] = us_sql_i64(&rows, 1);
  }
  *ret_count = n;
  return us_sql_close(&rows);
}

static const char SQL_MAKERS[] =
    "SELECT q.id, a.name, q.subject, q.entry_name, q.conditions FROM permission q JOIN account a ON a.id = q.sharer_id"
    " WHERE q.id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,"
    " $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)";

enum us_code us_entries_makers(struct us_cx *cx, struct us_entry_maker makers[US_ENTRIES_MAKERS]) {
  struct us_rows rows;
  int64_t i[US_ENTRIES_MAKERS];
  for (size_t k = 0; k < US_ENTRIES_MAKERS; k++)
    i[k] = makers[k].permission_id;
  US_TRY(us_sql_open(cx, &rows, SQL_MAKERS, "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii", i[0], i[1], i[2], i[3], i[4], i[5],
                     i[6], i[7], i[8], i[9], i[10], i[11], i[12], i[13], i[14], i[15], i[16], i[17], i[18], i[19],
                     i[20], i[21], i[22], i[23], i[24], i[25], i[26], i[27], i[28], i[29], i[30], i[31]));
  while (us_sql_next(&rows)) {
    int64_t id = us_sql_i64(&rows, 0);
    for (size_t k = 0; k < US_ENTRIES_MAKERS; k++) {
      if (makers[k].permission_id != id)
        continue;
      makers[k].sharer = us_sql_text(&rows, 1);
      makers[k].subject = us_sql_text(&rows, 2);
      makers[k].name = us_sql_text(&rows, 3);
      makers[k].conditions = us_sql_text(&rows, 4);
    }
  }
  return us_sql_close(&rows);
}
