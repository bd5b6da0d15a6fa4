/*
 * The list of policies: see policies_list.h. It goes by the sharer's policies (index policy_sharer), or, where the filter demands
 * a subject, by the permissions that name it (index permission_sharer); either way in index order, one seek a row for the rest.
 */
#include "store/policies_list.h"

static const struct us_list_field fields[] = {
    {"policyId", US_LIST_TEXT, 0, .order = "r.uuid"},
    {"name", US_LIST_NAME, 0, .order = "r.name_sort"},
    {"resourceServer", US_LIST_TEXT, US_LIST_EQ, .sql = "c.client_id",
     .wrap = "EXISTS (SELECT 1 FROM client c WHERE c.id = r.rs_ref AND @)"},
    {"permissions/subject", US_LIST_NAME, US_LIST_EQ, .sql = "q.subject_key",
     .wrap = "EXISTS (SELECT 1 FROM permission q WHERE q.policy_id = p.id AND @)"},
};
const struct us_list us_policies_list = {
    .fields = fields, .field_count = sizeof(fields) / sizeof(fields[0]), .refusal = US_LIST_REFUSE_500};

static const struct us_list_source of_sharer = {
    .columns = "p.id",
    .from = "policy p JOIN resource r ON r.id = p.resource_id WHERE p.sharer_id = $1",
    .tie = "p.resource_id",
};
/* A policy names a subject once, so no policy comes twice. */
static const struct us_list_source of_subject = {
    .columns = "p.id",
    .from = "permission d JOIN policy p ON p.id = d.policy_id JOIN resource r ON r.id = p.resource_id"
            " WHERE d.sharer_id = $1 AND d.subject_key = $2",
    .tie = "d.policy_id",
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

enum us_code us_policies_page(struct us_cx *cx, int64_t sharer_id, const struct us_list_query *query, int64_t *ret_ids,
                              struct us_list_end *ret_end) {
  struct page page = {.ids = ret_ids};
  const struct us_filter *subject = us_filter_demanded(query->filter, "permissions/subject", false);
  if (subject == NULL)
    return us_list_run(cx, query, &of_sharer, take, &page, ret_end, "i", sharer_id);
  struct us_str key = us_str_fold(cx->mem, subject->text);
  if (key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_list_run(cx, query, &of_subject, take, &page, ret_end, "it", sharer_id, key);
}
