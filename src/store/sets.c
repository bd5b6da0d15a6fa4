/* Resources as a person sees them: see sets.h. Parameters: $1 the person, $2 the realm, $3 the person's subject key. */
#include "store/sets.h"

#include <stddef.h>
#include <string.h>

#include "store/list.h"

/* The person's subject keys as rows. Seeks in an index follow, one a key. */
#define KEYS                                                                                                           \
  "(SELECT CAST($3 AS text) UNION ALL SELECT 'group:' || g.name_key FROM group_member m "                              \
  "JOIN user_group g ON g.id = m.group_id WHERE m.account_id = $1)"
/* What belongs to an account that is gone is gone, even before it was tidied away. */
#define HAS_OWNER "EXISTS (SELECT 1 FROM account o WHERE o.id = r.owner_id)"
/* By the resource's own grants: the realm is left out, or the planner would go through all that reaches the person each time. */
#define IS_VISIBLE                                                                                                     \
  "(r.owner_id = $1 OR (EXISTS (SELECT 1 FROM permission p WHERE p.resource_id = r.id AND p.is_active = 1 "            \
  "AND p.subject_key IN " KEYS ") AND " HAS_OWNER "))"

static const char SQL_VISIBLE[] =
    "WITH wanted (uuid) AS (VALUES (CAST($4 AS text)), (CAST($5 AS text)), (CAST($6 AS text)), (CAST($7 AS text)), "
    "(CAST($8 AS text)), (CAST($9 AS text)), (CAST($10 AS text)), (CAST($11 AS text))) "
    "SELECT r.id, r.uuid FROM wanted JOIN resource r ON r.uuid = wanted.uuid WHERE r.realm_id = $2 AND " IS_VISIBLE;
enum us_code us_sets_visible(struct us_cx *cx, const struct us_viewer *viewer,
                             const struct us_str uuids[US_SETS_VISIBLE_MAX], int64_t ret_ids[US_SETS_VISIBLE_MAX]) {
  struct us_rows rows;
  memset(ret_ids, 0, US_SETS_VISIBLE_MAX * sizeof(ret_ids[0]));
  US_TRY(us_sql_open(cx, &rows, SQL_VISIBLE,
                     "iit"
                     "tttttttt",
                     viewer->account_id, viewer->realm_id, viewer->subject_key, uuids[0], uuids[1], uuids[2], uuids[3],
                     uuids[4], uuids[5], uuids[6], uuids[7]));
  while (us_sql_next(&rows)) {
    int64_t id = us_sql_i64(&rows, 0);
    struct us_str uuid = us_sql_text(&rows, 1);
    for (size_t i = 0; i < US_SETS_VISIBLE_MAX; i++) {
      if (uuids[i].p != NULL && us_str_eq(uuids[i], uuid))
        ret_ids[i] = id;
    }
  }
  return us_sql_close(&rows);
}

#define NAME_OPS (US_LIST_OP(US_OP_EQ) | US_LIST_OP(US_OP_SW) | US_LIST_OP(US_OP_CO))
#define OWNER "(SELECT o.name_key FROM account o WHERE o.id = r.owner_id)"
#define OWN_SHARES                                                                                                     \
  "EXISTS (SELECT 1 FROM policy q JOIN permission p ON p.policy_id = q.id "                                            \
  "WHERE q.resource_id = r.id AND q.sharer_id = $1 AND @)"
/* Rows of a list are r with at least id, owner_id and name_sort; the rest of a resource is there, or looked up. */
#define FIELDS(name_key, server, uuid)                                                                                 \
  {.name = "name", .kind = US_LIST_NAME, .ops = NAME_OPS, .sql = name_key, .order = "r.name_sort"},                    \
      {.name = "resourceServer",                                                                                       \
       .kind = US_LIST_TEXT,                                                                                           \
       .ops = NAME_OPS,                                                                                                \
       .sql = server,                                                                                                  \
       .order = "COALESCE(" server ", '')"},                                                                           \
      {.name = "resourceOwnerId",                                                                                      \
       .kind = US_LIST_NAME,                                                                                           \
       .ops = NAME_OPS,                                                                                                \
       .sql = OWNER,                                                                                                   \
       .order = "COALESCE(" OWNER ", '')"},                                                                            \
      {.name = "labels",                                                                                               \
       .kind = US_LIST_TEXT,                                                                                           \
       .ops = US_LIST_EQ,                                                                                              \
       .sql = "CAST(l.label_id AS text)",                                                                              \
       .wrap = "EXISTS (SELECT 1 FROM resource_label l WHERE l.resource_id = r.id AND l.owner_id = $1 AND @)"},        \
      {.name = "policy/permissions/subject",                                                                           \
       .kind = US_LIST_NAME,                                                                                           \
       .ops = NAME_OPS,                                                                                                \
       .sql = "p.subject_key",                                                                                         \
       .wrap = OWN_SHARES},                                                                                            \
      {.name = "sharedWith", .kind = US_LIST_NAME, .ops = NAME_OPS, .sql = "p.subject_key", .wrap = OWN_SHARES}, {     \
    .name = "_id", .kind = US_LIST_TEXT, .order = uuid                                                                 \
  }
static const struct us_list_field fields[] = {
    FIELDS("r.name_key", "(SELECT c.client_id FROM client c WHERE c.id = r.rs_ref)", "r.uuid")};
const struct us_list us_sets_list = {
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields[0]),
    .refusal = US_LIST_REFUSE_501,
    .takes_query_id = true,
    .asks_plugins = true,
    .last_key = "name", /* in an index: no page is sorted for want of an order */
};

/* What is shared is found in the index permission_subject alone, where it stands together: looking into each resource would cost a
 * page of the store each. (Measured with 1,000 shares among a million resources: 5 ms a page so, 0.9 ms without.) */
static const struct us_list_field gathered_fields[] = {
    FIELDS("(SELECT x.name_key FROM resource x WHERE x.id = r.id)",
           "(SELECT c.client_id FROM resource x JOIN client c ON c.id = x.rs_ref WHERE x.id = r.id)",
           "COALESCE((SELECT x.uuid FROM resource x WHERE x.id = r.id), '')")};
static const struct us_list gathered_list = {.fields = gathered_fields,
                                             .field_count = sizeof(gathered_fields) / sizeof(gathered_fields[0])};
_Static_assert(sizeof(fields) == sizeof(gathered_fields), "a filter's slots are good for both");
#define SHARED                                                                                                         \
  "SELECT p.resource_id AS id, p.owner_id AS owner_id, p.resource_sort AS name_sort FROM permission p "                \
  "WHERE p.realm_id = $2 AND p.is_active = 1 AND p.subject_key IN " KEYS " AND p.owner_id <> $1 "                      \
  "GROUP BY p.resource_sort, p.resource_id, p.owner_id"

static const struct {
  const struct us_list *list;
  struct us_list_source source;
  const char *letters; /* of the parameters that its text names */
} places[] = {
    [US_SETS_ALL] = {&gathered_list,
                     {.columns = "r.id",
                      .from = "(SELECT o.id AS id, o.owner_id AS owner_id, o.name_sort AS name_sort FROM resource o "
                              "WHERE o.owner_id = $1 UNION ALL SELECT s.id, s.owner_id, s.name_sort FROM (" SHARED
                              ") s) r WHERE r.id > 0",
                      .tie = "r.id"},
                     "iit"},
    [US_SETS_OWNED] = {&us_sets_list,
                       {.columns = "r.id", .from = "resource r WHERE r.owner_id = $1", .tie = "r.id"},
                       "i"},
    [US_SETS_SHARED] = {&gathered_list,
                        {.columns = "r.id", .from = "(" SHARED ") r WHERE r.id > 0", .tie = "r.id"},
                        "iit"},
    /* The realm as a sum, so that no index of realms comes into question. */
    [US_SETS_LABELLED] = {&us_sets_list,
                          {.columns = "r.id",
                           .from = "resource r WHERE r.id IN (SELECT h.resource_id FROM resource_label h "
                                   "WHERE h.label_id = $4 AND h.owner_id = $1) AND r.realm_id + 0 = $2 AND " IS_VISIBLE,
                           .tie = "r.id"},
                          "iiti"},
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

enum us_code us_sets_page(struct us_cx *cx, const struct us_viewer *viewer, enum us_sets_where where, int64_t label_id,
                          const struct us_list_query *query, int64_t *ret_ids, struct us_list_end *ret_end) {
  struct page page = {.ids = ret_ids};
  struct us_list_query here = *query;
  here.list = places[where].list;
  return us_list_run(cx, &here, &places[where].source, take, &page, ret_end, places[where].letters, viewer->account_id,
                     viewer->realm_id, viewer->subject_key, label_id);
}

#define IDS_FROM(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                                                       \
  "($" #a ", $" #b ", $" #c ", $" #d ", $" #e ", $" #f ", $" #g ", $" #h ", $" #i ", $" #j ", $" #k ", $" #l ", $" #m  \
  ", $" #n ", $" #o ", $" #p ")"
#define IDS_BEHIND_1 IDS_FROM(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
#define IDS IDS_FROM(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
#define ID_LETTERS                                                                                                     \
  "iiiiiiii"                                                                                                           \
  "iiiiiiii"
#define ID_VALUES                                                                                                      \
  ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6], ids[7], ids[8], ids[9], ids[10], ids[11], ids[12], ids[13],  \
      ids[14], ids[15]

#define AT(member) offsetof(struct us_set_row, member)
static const struct us_column row_columns[] = {
    {US_COLUMN_I64, AT(id)},          {US_COLUMN_I64, AT(rev)},
    {US_COLUMN_I64, AT(owner_id)},    {US_COLUMN_TEXT, AT(uuid)},
    {US_COLUMN_TEXT, AT(name)},       {US_COLUMN_TEXT, AT(type)},
    {US_COLUMN_TEXT, AT(icon_uri)},   {US_COLUMN_TEXT, AT(about)},
    {US_COLUMN_TEXT, AT(scopes)},     {US_COLUMN_TEXT, AT(resource_server)},
    {US_COLUMN_TEXT, AT(owner_name)},
};
static const char SQL_ROWS[] =
    "SELECT r.id, r.rev, r.owner_id, r.uuid, r.name, r.type, r.icon_uri, r.about, r.scopes, c.client_id, o.name "
    "FROM resource r LEFT JOIN client c ON c.id = r.rs_ref LEFT JOIN account o ON o.id = r.owner_id "
    "WHERE r.id IN " IDS;
enum us_code us_sets_rows(struct us_cx *cx, const int64_t ids[US_SETS_BATCH], us_set_row_fn each, void *self) {
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, SQL_ROWS, ID_LETTERS, ID_VALUES));
  while (us_sql_next(&rows)) {
    struct us_set_row row = {0};
    us_sql_read(&rows, row_columns, US_COLUMN_COUNT(row_columns), &row);
    each(self, &row);
  }
  return us_sql_close(&rows);
}

static const char SQL_LABELS[] =
    "SELECT h.resource_id, l.id, l.kind, l.uuid, l.name, c.client_id FROM resource_label h "
    "JOIN label l ON l.id = h.label_id LEFT JOIN client c ON c.id = l.rs_ref "
    "WHERE h.owner_id = $1 AND h.resource_id IN " IDS_BEHIND_1 " ORDER BY h.resource_id, l.kind, l.id";
enum us_code us_sets_labels(struct us_cx *cx, int64_t account_id, const int64_t ids[US_SETS_BATCH],
                            us_set_label_fn each, void *self) {
  struct us_rows rows;
  enum us_code code = US_OK;
  US_TRY(us_sql_open(cx, &rows, SQL_LABELS, "i" ID_LETTERS, account_id, ID_VALUES));
  while (code == US_OK && us_sql_next(&rows)) {
    struct us_label_row label = {
        .id = us_sql_i64(&rows, 1),
        .owner_id = account_id,
        .kind = (int)us_sql_i64(&rows, 2),
        .uuid = us_sql_text(&rows, 3),
        .name = us_sql_text(&rows, 4),
        .client_id = us_sql_text(&rows, 5),
    };
    code = each(cx, self, us_sql_i64(&rows, 0), &label);
  }
  enum us_code closed = us_sql_close(&rows);
  return code != US_OK ? code : closed;
}

static const char SQL_SHARES[] =
    "SELECT q.resource_id, q.rev, p.subject, p.scopes FROM policy q JOIN permission p ON p.policy_id = q.id "
    "WHERE q.sharer_id = $1 AND q.resource_id IN " IDS_BEHIND_1 " ORDER BY q.resource_id, p.position";
enum us_code us_sets_shares(struct us_cx *cx, int64_t account_id, const int64_t ids[US_SETS_BATCH],
                            us_set_share_fn each, void *self) {
  struct us_rows rows;
  enum us_code code = US_OK;
  US_TRY(us_sql_open(cx, &rows, SQL_SHARES, "i" ID_LETTERS, account_id, ID_VALUES));
  while (code == US_OK && us_sql_next(&rows)) {
    struct us_set_share share = {
        .resource_id = us_sql_i64(&rows, 0),
        .policy_rev = us_sql_i64(&rows, 1),
        .subject = us_sql_text(&rows, 2),
        .scopes = us_sql_text(&rows, 3),
    };
    code = each(cx, self, &share);
  }
  enum us_code closed = us_sql_close(&rows);
  return code != US_OK ? code : closed;
}

static const char SQL_CLEAR_LABELS[] =
    "DELETE FROM resource_label WHERE resource_id = $2 AND owner_id = $1 "
    "AND NOT EXISTS (SELECT 1 FROM label l WHERE l.id = resource_label.label_id AND l.kind = 1)";
enum us_code us_sets_clear_labels(struct us_cx *cx, int64_t account_id, int64_t resource_id) {
  return us_sql_run(cx, NULL, SQL_CLEAR_LABELS, "ii", account_id, resource_id);
}

/* By their ids, and not by going over all that the person has: hence the sums. */
static const char SQL_ADD_LABELS[] =
    "INSERT INTO resource_label (resource_id, owner_id, label_id) "
    "SELECT CAST($2 AS bigint), l.owner_id, l.id FROM label l "
    "WHERE l.id IN ($3, $4, $5, $6, $7, $8, $9, $10) AND l.owner_id + 0 = $1 AND l.kind + 0 > 1 "
    "ON CONFLICT (resource_id, owner_id, label_id) DO NOTHING";
enum us_code us_sets_add_labels(struct us_cx *cx, int64_t account_id, int64_t resource_id,
                                const int64_t ids[US_LABELS_BATCH], int64_t *ret_count) {
  return us_sql_run(cx, ret_count, SQL_ADD_LABELS,
                    "ii"
                    "iiiiiiii",
                    account_id, resource_id, ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6], ids[7]);
}

static const char SQL_POLICIES[] = "SELECT resource_id FROM policy WHERE sharer_id = $1 ORDER BY resource_id LIMIT $2";
enum us_code us_sets_policies(struct us_cx *cx, int64_t sharer_id, size_t max, int64_t *ret_resource_ids,
                              size_t *ret_count) {
  struct us_rows rows;
  size_t n = 0;
  US_TRY(us_sql_open(cx, &rows, SQL_POLICIES, "ii", sharer_id, (int64_t)max));
  while (n < max && us_sql_next(&rows))
    ret_resource_ids[n++] = us_sql_i64(&rows, 0);
  US_TRY(us_sql_close(&rows));
  *ret_count = n;
  return US_OK;
}
