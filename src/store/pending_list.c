/*
 * The list of pending requests: see pending_list.h. An owner has a bounded number open (domain/pending.h), so orders other than
 * by age are sorted in the database. A request whose resource or party is gone counts as gone: inner joins.
 */
#include "store/pending_list.h"

#define TEXT_OPS (US_LIST_TEXT_OPS | US_LIST_ORDER_OPS)
static const struct us_list_field fields[] = {
    {"_id", US_LIST_TEXT, TEXT_OPS, .sql = "q.uuid", .order = "q.uuid"},
    {"user", US_LIST_NAME, TEXT_OPS, .sql = "a.name_key", .order = "a.name_key"},
    {"resource", US_LIST_NAME, TEXT_OPS, .sql = "NULLIF(r.name_key, '')", .order = "r.name_sort"},
    {"permissions", US_LIST_TEXT, TEXT_OPS, .elements = "q.scopes", .order = "q.scopes"},
    {"when", US_LIST_NUMBER, TEXT_OPS, .sql = "q.created_ms", .order = "q.created_ms"},
};
const struct us_list us_pendings_list = {
    .fields = fields, .field_count = sizeof(fields) / sizeof(fields[0]), .refusal = US_LIST_REFUSE_500};

static const struct us_list_source of_owner = {
    .columns = US_PENDINGS_COLUMNS,
    .from = US_PENDINGS_TABLES " WHERE q.owner_id = $1",
    .tie = "q.id",
};

struct page {
  us_pending_row_fn seen;
  void *self;
};

static bool each(struct us_cx *cx, void *self, struct us_rows *rows) {
  const struct page *page = self;
  struct us_pending_row row;
  us_pendings_read(rows, &row);
  return page->seen(rows->cx, page->self, &row);
}

enum us_code us_pendings_page(struct us_cx *cx, int64_t owner_id, const struct us_list_query *query,
                              us_pending_row_fn seen, void *self, struct us_list_end *ret_end) {
  struct page page = {.seen = seen, .self = self};
  return us_list_run(cx, query, &of_owner, each, &page, ret_end, "i", owner_id);
}
