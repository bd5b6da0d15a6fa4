/* Resource types: see resource_types.h. */
#include "store/resource_types.h"

#include <stddef.h>

#include "store/list.h"

#define OPS (US_LIST_OP(US_OP_EQ) | US_LIST_OP(US_OP_CO) | US_LIST_OP(US_OP_SW))

/* The usual description and the one pattern are constants of ours, without quotes. */
static const struct us_list_field fields[] = {
    {.name = "uuid", .kind = US_LIST_TEXT, .ops = OPS, .sql = "r.uuid"},
    {.name = "name",
     .kind = US_LIST_NAME,
     .ops = OPS,
     .sql = "CASE WHEN r.name IS NULL THEN r.uuid ELSE r.name_key || ' - ' || r.uuid END",
     .order = "r.name_sort"},
    {.name = "description",
     .kind = US_LIST_TEXT,
     .ops = OPS,
     .sql = "COALESCE(r.type_description, '" US_RESOURCE_TYPES_DESCRIPTION "')"},
    {.name = "patterns", .kind = US_LIST_TEXT, .ops = OPS, .elements = "'[\"uma://-*-\"]'"},
    {.name = "actions",
     .kind = US_LIST_TEXT,
     .ops = OPS,
     .elements = "CASE WHEN r.type_actions = '' THEN r.scopes ELSE r.type_actions END"},
};
const struct us_list us_resource_types_list = {
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields[0]),
    .refusal = US_LIST_REFUSE_400,
    .last_key = "name", /* in an index */
};

#define AT(member) offsetof(struct us_resource_type_row, member)
static const struct us_column row_columns[] = {
    {US_COLUMN_I64, AT(id)},          {US_COLUMN_I64, AT(owner_id)},       {US_COLUMN_I64, AT(rs_ref)},
    {US_COLUMN_I64, AT(rev)},         {US_COLUMN_I64, AT(created_ms)},     {US_COLUMN_I64, AT(modified_ms)},
    {US_COLUMN_TEXT, AT(uuid)},       {US_COLUMN_TEXT, AT(name)},          {US_COLUMN_TEXT, AT(scopes)},
    {US_COLUMN_TEXT, AT(actions)},    {US_COLUMN_TEXT, AT(denied)},        {US_COLUMN_TEXT, AT(description)},
    {US_COLUMN_TEXT, AT(owner_name)}, {US_COLUMN_TEXT, AT(modifier_name)}, {US_COLUMN_TEXT, AT(modifier_realm)},
};
#define COLUMNS                                                                                                        \
  "r.id, r.owner_id, r.rs_ref, r.rev, r.created_ms, r.modified_ms, r.uuid, r.name, r.scopes, r.type_actions, "         \
  "r.type_denied, r.type_description, (SELECT o.name FROM account o WHERE o.id = r.owner_id), "                        \
  "(SELECT m.name FROM account m WHERE m.id = r.type_modifier), "                                                      \
  "(SELECT q.path FROM account m JOIN realm q ON q.id = m.realm_id WHERE m.id = r.type_modifier)"

static const char SQL_FIND[] = "SELECT " COLUMNS " FROM resource r WHERE r.uuid = $1 AND r.realm_id = $2 "
                               "AND EXISTS (SELECT 1 FROM account o WHERE o.id = r.owner_id)";
enum us_code us_resource_types_find(struct us_cx *cx, int64_t realm_id, struct us_str uuid,
                                    struct us_resource_type_row *ret_row) {
  return us_sql_one(cx, row_columns, US_COLUMN_COUNT(row_columns), ret_row, SQL_FIND, "ti", uuid, realm_id);
}

static const struct us_list_source of_realm = {
    .columns = COLUMNS, .from = "resource r WHERE r.realm_id = $1", .tie = "r.id"};
static const struct us_list_source of_owner = {
    .columns = COLUMNS, .from = "resource r WHERE r.owner_id = $1 AND r.rs_ref = $2", .tie = "r.id"};

struct listing {
  us_resource_type_row_fn each;
  void *self;
};

static bool see_row(struct us_cx *cx, void *self, struct us_rows *rows) {
  struct listing *listing = self;
  struct us_resource_type_row row = {0};
  (void)cx; /* what is made of a row goes with the row */
  us_sql_read(rows, row_columns, US_COLUMN_COUNT(row_columns), &row);
  return listing->each(rows->cx, listing->self, &row);
}

enum us_code us_resource_types_list_page(struct us_cx *cx, const struct us_resource_types_space *space,
                                         const struct us_list_query *query, us_resource_type_row_fn each, void *self,
                                         struct us_list_end *ret_end) {
  struct listing listing = {each, self};
  if (space->owner_id == 0)
    return us_list_run(cx, query, &of_realm, see_row, &listing, ret_end, "i", space->realm_id);
  return us_list_run(cx, query, &of_owner, see_row, &listing, ret_end, "ii", space->owner_id, space->rs_ref);
}
