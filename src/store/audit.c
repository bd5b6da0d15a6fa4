/* Audit lines: see audit.h. */
#include "store/audit.h"

#include "base/buf.h"
#include "store/backend.h"
#include "store/list.h"

static const struct us_column one_i64[] = {{US_COLUMN_I64, 0}};

struct taken {
  int64_t last_id;
  struct us_str hash;
};
static const struct us_column taken_columns[] = {{US_COLUMN_I64, offsetof(struct taken, last_id)},
                                                 {US_COLUMN_TEXT, offsetof(struct taken, hash)}};
/* One statement that makes the chain when there is none, locks it, and counts on: what it returns is the row as it is under the
 * lock. */
static const char SQL_TAKE[] =
    "INSERT INTO audit_chain (realm_id, last_id, last_hash, removed_id, removed_hash) VALUES ($1, $2, '', 0, '')"
    " ON CONFLICT (realm_id) DO UPDATE SET last_id = audit_chain.last_id + excluded.last_id"
    " RETURNING last_id, last_hash";

enum us_code us_audit_rows_take(struct us_cx *cx, int64_t realm_id, int64_t count, int64_t *ret_last_id,
                                struct us_str *ret_hash) {
  struct taken taken = {0};
  US_TRY(us_sql_one(cx, taken_columns, US_COLUMN_COUNT(taken_columns), &taken, SQL_TAKE, "ii", realm_id, count));
  *ret_last_id = taken.last_id;
  *ret_hash = taken.hash;
  return US_OK;
}

/* The two lines of an ordinary grant have a text of their own; longer lists are put together from the same pieces. */
#define INSERT                                                                                                         \
  "INSERT INTO audit_event (realm_id, id, account_id, kind, resource_uuid, resource_name, party_name, event_ms, hash)" \
  " VALUES "
#define VALUES_PER_ROW 9
#define ROWS_PER_STATEMENT (US_SQL_PARAMETERS_MAX / VALUES_PER_ROW)
static const char SQL_INSERT[] = INSERT "($1, $2, $3, $4, $5, $6, $7, $8, $9)";
static const char SQL_INSERT_TWO[] =
    INSERT "($1, $2, $3, $4, $5, $6, $7, $8, $9), ($1, $10, $11, $12, $13, $14, $15, $16, $17)";
#define REST_OF_ROW(row)                                                                                               \
  (row).id, (row).account_id, (row).kind, (row).resource_uuid, (row).resource_name, (row).party_name, (row).event_ms,  \
      (row).hash

static struct us_value i64_value(int64_t number) {
  return (struct us_value){.kind = US_VALUE_I64, .i64 = number};
}
static struct us_value text_value(struct us_str text) {
  return (struct us_value){.kind = US_VALUE_TEXT, .text = text};
}

static size_t put_values(const struct us_audit_row *row, struct us_value *values) {
  const struct us_value all[VALUES_PER_ROW] = {
      i64_value(row->realm_id),       i64_value(row->id),
      i64_value(row->account_id),     i64_value(row->kind),
      text_value(row->resource_uuid), text_value(row->resource_name),
      text_value(row->party_name),    i64_value(row->event_ms),
      text_value(row->hash),
  };
  for (size_t i = 0; i < VALUES_PER_ROW; i++)
    values[i] = all[i];
  return VALUES_PER_ROW;
}

static enum us_code insert_many(struct us_cx *cx, const struct us_audit_row *rows, size_t count) {
  struct us_value values[ROWS_PER_STATEMENT * VALUES_PER_ROW];
  struct us_buf text;
  struct us_rows result;
  size_t n = 0;
  us_buf_init(&text, 16 * 1024);
  us_buf_add_c(&text, INSERT);
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 1; k <= VALUES_PER_ROW; k++)
      us_buf_addf(&text, "%s$%zu", k > 1 ? ", " : i > 0 ? "), (" : "(", n + k);
    n += put_values(&rows[i], values + n);
  }
  us_buf_add_char(&text, ')');
  enum us_code code = us_buf_ok(&text) ? us_sql_open_composed(cx, &result, us_buf_str(&text).p, values, n)
                                       : us_fail_plain(cx, US_E_NO_MEMORY);
  us_buf_done(&text);
  if (code != US_OK)
    return code;
  (void)us_sql_next(&result);
  return us_sql_close(&result);
}

enum us_code us_audit_rows_insert(struct us_cx *cx, const struct us_audit_row *rows, size_t count) {
  if (count == 1)
    return us_sql_run(cx, NULL, SQL_INSERT, "iiiitttit", rows[0].realm_id, REST_OF_ROW(rows[0]));
  if (count == 2)
    return us_sql_run(cx, NULL, SQL_INSERT_TWO, "iiiitttitiiitttit", rows[0].realm_id, REST_OF_ROW(rows[0]),
                      REST_OF_ROW(rows[1]));
  for (size_t i = 0; i < count; i += ROWS_PER_STATEMENT) {
    size_t left = count - i;
    US_TRY(insert_many(cx, rows + i, left < ROWS_PER_STATEMENT ? left : ROWS_PER_STATEMENT));
  }
  return US_OK;
}

static const char SQL_END[] = "UPDATE audit_chain SET last_hash = $2 WHERE realm_id = $1";

enum us_code us_audit_rows_end(struct us_cx *cx, int64_t realm_id, struct us_str hash) {
  return us_sql_run(cx, NULL, SQL_END, "it", realm_id, hash);
}

static const struct us_column ends_columns[] = {
    {US_COLUMN_I64, offsetof(struct us_audit_ends, last_id)},
    {US_COLUMN_TEXT, offsetof(struct us_audit_ends, last_hash)},
    {US_COLUMN_I64, offsetof(struct us_audit_ends, removed_id)},
    {US_COLUMN_TEXT, offsetof(struct us_audit_ends, removed_hash)},
};
static const char SQL_ENDS[] =
    "SELECT last_id, last_hash, removed_id, removed_hash FROM audit_chain WHERE realm_id = $1";

enum us_code us_audit_rows_ends(struct us_cx *cx, int64_t realm_id, struct us_audit_ends *ret_ends) {
  return us_sql_one(cx, ends_columns, US_COLUMN_COUNT(ends_columns), ret_ends, SQL_ENDS, "i", realm_id);
}

#define AT(member) offsetof(struct us_audit_row, member)
static const struct us_column row_columns[] = {
    {US_COLUMN_I64, AT(realm_id)},       {US_COLUMN_I64, AT(id)},
    {US_COLUMN_I64, AT(account_id)},     {US_COLUMN_I64, AT(kind)},
    {US_COLUMN_TEXT, AT(resource_uuid)}, {US_COLUMN_TEXT, AT(resource_name)},
    {US_COLUMN_TEXT, AT(party_name)},    {US_COLUMN_I64, AT(event_ms)},
    {US_COLUMN_TEXT, AT(hash)},
};
#define COLUMNS                                                                                                        \
  "e.realm_id, e.id, e.account_id, e.kind, e.resource_uuid, e.resource_name, e.party_name, e.event_ms, e.hash"
static const char SQL_FROM[] =
    "SELECT " COLUMNS " FROM audit_event e WHERE e.realm_id = $1 AND e.id >= $2 ORDER BY e.id LIMIT $3";

enum us_code us_audit_rows_from(struct us_cx *cx, int64_t realm_id, int64_t from, int64_t max, us_audit_row_fn seen,
                                void *self) {
  struct us_rows rows;
  bool wants_more = true;
  US_TRY(us_sql_open(cx, &rows, SQL_FROM, "iii", realm_id, from, max));
  while (wants_more && us_sql_next(&rows)) {
    struct us_audit_row row;
    us_sql_read(&rows, row_columns, US_COLUMN_COUNT(row_columns), &row);
    wants_more = seen(self, &row);
  }
  return us_sql_close(&rows);
}

static const char SQL_NEXT_REALM[] =
    "SELECT COALESCE(MIN(realm_id), 0) FROM (SELECT MIN(realm_id) AS realm_id FROM audit_chain WHERE realm_id > $1"
    " UNION ALL SELECT MIN(realm_id) FROM audit_event WHERE realm_id > $1) AS realms";

enum us_code us_audit_rows_next_realm(struct us_cx *cx, int64_t after, int64_t *ret_realm_id) {
  return us_sql_one(cx, one_i64, 1, ret_realm_id, SQL_NEXT_REALM, "i", after);
}

static const char SQL_LOST_REALM[] = "SELECT COALESCE(MIN(realm_id), 0) FROM audit_chain"
                                     " WHERE NOT EXISTS (SELECT 1 FROM realm WHERE realm.id = audit_chain.realm_id)";

enum us_code us_audit_rows_lost_realm(struct us_cx *cx, int64_t *ret_realm_id) {
  return us_sql_one(cx, one_i64, 1, ret_realm_id, SQL_LOST_REALM, "");
}

static const char SQL_OLD[] = "SELECT id, event_ms, hash FROM audit_event WHERE realm_id = $1 ORDER BY id LIMIT $2";

enum us_code us_audit_rows_old(struct us_cx *cx, int64_t realm_id, int64_t before_ms, int64_t max, int64_t *ret_last_id,
                               struct us_str *ret_hash, int64_t *ret_count) {
  struct us_rows rows;
  int64_t count = 0;
  US_TRY(us_sql_open(cx, &rows, SQL_OLD, "ii", realm_id, max));
  while (us_sql_next(&rows) && us_sql_i64(&rows, 1) < before_ms) {
    *ret_last_id = us_sql_i64(&rows, 0);
    *ret_hash = us_sql_text(&rows, 2);
    count++;
  }
  *ret_count = count;
  return us_sql_close(&rows);
}

static const char SQL_MOVE_BEGINNING[] =
    "UPDATE audit_chain SET removed_id = $2, removed_hash = $3 WHERE realm_id = $1 AND removed_id < $2";
static const char SQL_REMOVE[] = "DELETE FROM audit_event WHERE realm_id = $1 AND id <= $2";

enum us_code us_audit_rows_remove(struct us_cx *cx, int64_t realm_id, int64_t last_id, struct us_str hash) {
  US_TRY(us_sql_run(cx, NULL, SQL_MOVE_BEGINNING, "iit", realm_id, last_id, hash));
  return us_sql_run(cx, NULL, SQL_REMOVE, "ii", realm_id, last_id);
}

static const char SQL_DROP_LINES[] = "DELETE FROM audit_event WHERE realm_id = $1 AND id IN"
                                     " (SELECT id FROM audit_event WHERE realm_id = $1 ORDER BY id LIMIT $2)";
static const char SQL_DROP_CHAIN[] = "DELETE FROM audit_chain WHERE realm_id = $1";

enum us_code us_audit_rows_drop(struct us_cx *cx, int64_t realm_id, int64_t max, int64_t *ret_count) {
  US_TRY(us_sql_run(cx, ret_count, SQL_DROP_LINES, "ii", realm_id, max));
  return *ret_count < max ? us_sql_run(cx, NULL, SQL_DROP_CHAIN, "i", realm_id) : US_OK;
}

/* Names compare without ASCII case: lower() of a @TEXTKEY@ column knows no other. The table keeps no folded copies, because
 * nobody looks for names outside of one person's lines. */
#define US_AUDIT_KIND(symbol, number, type, place) " WHEN " #number " THEN '" type "'"
static const char type_sql[] = "CASE e.kind"
#include "model/audit_kinds.def"
                               " END";
#undef US_AUDIT_KIND
#define US_AUDIT_KIND(symbol, number, type, place) " WHEN " #number " THEN '" place "'"
static const char type_order_sql[] = "CASE e.kind"
#include "model/audit_kinds.def"
                                     " ELSE 'z' END";
#undef US_AUDIT_KIND

#define TEXT_OPS (US_LIST_TEXT_OPS | US_LIST_ORDER_OPS)
static const struct us_list_field fields[] = {
    {"_id", US_LIST_TEXT, TEXT_OPS, .sql = "CAST(e.id AS text)", .order = "CAST(e.id AS text)"},
    {"resourceSetId", US_LIST_TEXT, TEXT_OPS, .sql = "e.resource_uuid", .order = "e.resource_uuid"},
    {"resourceSetName", US_LIST_NAME, TEXT_OPS, .sql = "NULLIF(lower(e.resource_name), '')",
     .order = "e.resource_name"},
    {"requestingPartyId", US_LIST_NAME, TEXT_OPS, .sql = "lower(e.party_name)", .order = "e.party_name"},
    {"type", US_LIST_TEXT, TEXT_OPS, .sql = type_sql, .order = type_order_sql},
    {"eventTime", US_LIST_NUMBER, TEXT_OPS, .sql = "e.event_ms", .order = "e.event_ms"},
};
const struct us_list us_audit_list = {.fields = fields,
                                      .field_count = sizeof(fields) / sizeof(fields[0]),
                                      .refusal = US_LIST_REFUSE_500,
                                      .newest_first = "eventTime"};

/* "+ 0": the realm is no way to find lines here. Its whole chain would be walked for an order that no index has. */
static const struct us_list_source of_account = {
    .columns = COLUMNS,
    .from = "audit_event e WHERE e.account_id = $1 AND e.realm_id + 0 = $2",
    .tie = "e.id",
    .tie_descending = true,
};

struct page {
  us_audit_page_fn each;
  void *self;
};

static bool each(struct us_cx *cx, void *self, struct us_rows *rows) {
  const struct page *page = self;
  struct us_audit_row row;
  us_sql_read(rows, row_columns, US_COLUMN_COUNT(row_columns), &row);
  return page->each(cx, page->self, &row);
}

enum us_code us_audit_rows_page(struct us_cx *cx, int64_t realm_id, int64_t account_id,
                                const struct us_list_query *query, us_audit_page_fn seen, void *self,
                                struct us_list_end *ret_end) {
  struct page page = {.each = seen, .self = self};
  return us_list_run(cx, query, &of_account, each, &page, ret_end, "ii", account_id, realm_id);
}
