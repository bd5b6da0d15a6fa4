/* What was shared: see shares.h. Parameters: $1 the person, $2 the realm, $3 the person's subject key. */
#include "store/shares.h"

#include <stddef.h>

#include "store/list.h"

#define TEXT (US_LIST_OP(US_OP_EQ) | US_LIST_OP(US_OP_SW) | US_LIST_OP(US_OP_CO))
#define NUMBER (US_LIST_EQ | US_LIST_ORDER_OPS)
/* An expression about the resource of a row, whose id is `of`. */
#define RESOURCE(what, of) "(SELECT r." what " FROM resource r WHERE r.id = " of ")"
#define SERVER(of) "(SELECT c.client_id FROM resource r JOIN client c ON c.id = r.rs_ref WHERE r.id = " of ")"
#define OWNER(of) "(SELECT o.name_key FROM resource r JOIN account o ON o.id = r.owner_id WHERE r.id = " of ")"
#define ACCOUNT(id) "(SELECT a.name_key FROM account a WHERE a.id = " id ")"
#define SORTED(expression) "COALESCE(" expression ", '')"

/* The fields that all directions have; they differ in where a value stands. */
#define FIELDS(id, of, sharer, subject, scope_list, active, since)                                                     \
  {.name = "_id", .kind = US_LIST_TEXT, .ops = US_LIST_EQ, .sql = id},                                                 \
      {.name = "resourceId",                                                                                           \
       .kind = US_LIST_TEXT,                                                                                           \
       .ops = TEXT,                                                                                                    \
       .sql = RESOURCE("uuid", of),                                                                                    \
       .order = SORTED(RESOURCE("uuid", of))},                                                                         \
      {.name = "resourceName",                                                                                         \
       .kind = US_LIST_NAME,                                                                                           \
       .ops = TEXT,                                                                                                    \
       .sql = RESOURCE("name_key", of),                                                                                \
       .order = SORTED(RESOURCE("name_sort", of))},                                                                    \
      {.name = "resourceServer", .kind = US_LIST_TEXT, .ops = TEXT, .sql = SERVER(of), .order = SORTED(SERVER(of))},   \
      {.name = "owner", .kind = US_LIST_NAME, .ops = TEXT, .sql = OWNER(of), .order = SORTED(OWNER(of))},              \
      {.name = "sharer", .kind = US_LIST_NAME, .ops = TEXT, .sql = sharer, .order = SORTED(sharer)},                   \
      {.name = "subject", .kind = US_LIST_NAME, .ops = TEXT, .sql = subject, .order = SORTED(subject)},                \
      {.name = "scopes", .kind = US_LIST_TEXT, .ops = TEXT, .elements = scope_list},                                   \
      {.name = "active", .kind = US_LIST_BOOL, .ops = US_LIST_EQ, .sql = active, .order = active}, {                   \
    .name = "since", .kind = US_LIST_NUMBER, .ops = NUMBER, .sql = since, .order = since                               \
  }
#define GIVEN(scope_list)                                                                                              \
  FIELDS("CAST(p.id AS text)", "p.resource_id", ACCOUNT("p.sharer_id"), "p.subject_key", scope_list, "p.is_active",    \
         "p.created_ms")
#define ASKED                                                                                                          \
  FIELDS("w.uuid", "w.resource_id", ACCOUNT("w.owner_id"), ACCOUNT("w.party_id"), "w.scopes", "0", "w.created_ms")
static const struct us_list_field by_me_fields[] = {GIVEN("p.scopes")};
static const struct us_list_field with_me_fields[] = {GIVEN("p.active_scopes")};
static const struct us_list_field waiting_fields[] = {ASKED};
#define LIST(array)                                                                                                    \
  {                                                                                                                    \
    .fields = (array), .field_count = sizeof(array) / sizeof((array)[0]), .refusal = US_LIST_REFUSE_400,               \
    .takes_query_id = true                                                                                             \
  }
const struct us_list us_shares_lists[US_SHARES_DIRECTIONS] = {
    [US_SHARES_BY_ME] = LIST(by_me_fields),
    [US_SHARES_WITH_ME] = LIST(with_me_fields),
    [US_SHARES_WAITING] = LIST(waiting_fields),
};

/* Both are answered by an index alone. Nobody needs to be given what is his own. */
static const struct us_list_source sources[US_SHARES_DIRECTIONS] = {
    [US_SHARES_BY_ME] = {.columns = "p.id",
                         .from = "permission p WHERE p.sharer_id = $1",
                         .tie = "p.id",
                         .tie_descending = true},
    [US_SHARES_WITH_ME] = {.columns = "p.id",
                           .from = "permission p WHERE p.realm_id = $2 AND p.is_active = 1 AND p.subject_key IN "
                                   "(SELECT CAST($3 AS text) UNION ALL SELECT 'group:' || g.name_key "
                                   "FROM group_member m JOIN user_group g ON g.id = m.group_id "
                                   "WHERE m.account_id = $1) AND p.sharer_id <> $1 AND p.owner_id <> $1",
                           .tie = "p.id",
                           .tie_descending = true},
    [US_SHARES_WAITING] = {.columns = "w.id",
                           .from = "pending_request w WHERE w.owner_id = $1",
                           .tie = "w.id",
                           .tie_descending = true},
};

struct page {
  int64_t *ids;
  size_t n;
};

static bool take(struct us_cx *cx, void *self, struct us_rows *rows) {
  struct page *page = self;
  page->ids[page->n++] = us_sql_i64(rows, 0);
  return true;
}

enum us_code us_shares_page(struct us_cx *cx, const struct us_viewer *viewer, enum us_shares_direction direction,
                            const struct us_list_query *query, int64_t *ret_ids, struct us_list_end *ret_end) {
  static const char *const letters[US_SHARES_DIRECTIONS] = {"i", "iit", "i"};
  struct page page = {.ids = ret_ids};
  return us_list_run(cx, query, &sources[direction], take, &page, ret_end, letters[direction], viewer->account_id,
                     viewer->realm_id, viewer->subject_key);
}

#define AT(member) offsetof(struct us_share_row, member)
static const struct us_column row_columns[] = {
    {US_COLUMN_I64, AT(id)},
    {US_COLUMN_TEXT, AT(uuid)},
    {US_COLUMN_TEXT, AT(resource_uuid)},
    {US_COLUMN_TEXT, AT(resource_name)},
    {US_COLUMN_TEXT, AT(resource_server)},
    {US_COLUMN_TEXT, AT(owner_name)},
    {US_COLUMN_TEXT, AT(sharer_name)},
    {US_COLUMN_TEXT, AT(subject)},
    {US_COLUMN_TEXT, AT(scopes)},
    {US_COLUMN_TEXT, AT(active_scopes)},
    {US_COLUMN_TEXT, AT(conditions)},
    {US_COLUMN_BOOL, AT(is_active)},
    {US_COLUMN_I64, AT(created_ms)},
};
#define OF_RESOURCE "JOIN account o ON o.id = r.owner_id LEFT JOIN client c ON c.id = r.rs_ref "
#define IDS "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
static const char SQL_GIVEN[] =
    "SELECT p.id, NULL, r.uuid, r.name, c.client_id, o.name, s.name, p.subject, p.scopes, p.active_scopes, "
    "p.conditions, p.is_active, p.created_ms FROM permission p JOIN resource r ON r.id = p.resource_id " OF_RESOURCE
    "LEFT JOIN account s ON s.id = p.sharer_id WHERE p.id IN " IDS;
static const char SQL_ASKED[] =
    "SELECT w.id, w.uuid, r.uuid, r.name, c.client_id, o.name, o.name, s.name, w.scopes, '[]', '', 0, w.created_ms "
    "FROM pending_request w JOIN resource r ON r.id = w.resource_id " OF_RESOURCE
    "LEFT JOIN account s ON s.id = w.party_id WHERE w.id IN " IDS;
enum us_code us_shares_rows(struct us_cx *cx, enum us_shares_direction direction, const int64_t ids[US_SHARES_BATCH],
                            us_share_row_fn each, void *self) {
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, direction == US_SHARES_WAITING ? SQL_ASKED : SQL_GIVEN,
                     "iiiiiiii"
                     "iiiiiiii",
                     ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6], ids[7], ids[8], ids[9], ids[10], ids[11],
                     ids[12], ids[13], ids[14], ids[15]));
  while (us_sql_next(&rows)) {
    struct us_share_row row = {0};
    us_sql_read(&rows, row_columns, US_COLUMN_COUNT(row_columns), &row);
    each(self, &row);
  }
  return us_sql_close(&rows);
}
