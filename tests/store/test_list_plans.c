/*
 * How the lists are found: no table is scanned, and where an index has the order, nothing is sorted. The store has no
 * statistics, as in production, so the plan is the same however full it is.
 */
#include "plan.h"
#include "store/audit.h"
#include "store/pending_list.h"
#include "store/policies_list.h"

static const char *policies_plan(struct us_cx *cx, struct us_list_query query) {
  struct us_list_end end;
  int64_t ids[10];
  query.list = &us_policies_list;
  query.page_size = 10;
  assert_code(us_policies_page(cx, 7, &query, ids, &end), US_OK);
  return plan_of(cx, 0);
}

static void policies_go_by_their_sharer(void **state) {
  struct us_cx *cx = begin(state);
  struct us_list_mark mark = {.values = {US_STR("n")}, .tie = 5};
  struct us_filter *server = compare(cx, &us_policies_list, "resourceServer", "rs");
  assert_plan(policies_plan(cx, (struct us_list_query){.filter = &all}), "policy_sharer (sharer_id=?)", false);
  assert_plan(policies_plan(cx, (struct us_list_query){.filter = &all, .after = &mark}),
              "policy_sharer (sharer_id=? AND resource_id>?)", false);
  assert_plan(policies_plan(cx, (struct us_list_query){.filter = server}), "policy_sharer (sharer_id=?)", false);
  for (unsigned i = 0; i < 2; i++) /* by policyId and by name */
    assert_plan(policies_plan(
                    cx, (struct us_list_query){.filter = &all, .after = &mark, .key_count = 1, .keys = {{i, i == 1}}}),
                "policy_sharer (sharer_id=?)", true);
}

static void policies_with_a_subject_go_by_permissions(void **state) {
  struct us_cx *cx = begin(state);
  struct us_list_mark mark = {.tie = 5};
  struct us_filter *bob = compare(cx, &us_policies_list, "permissions/subject", "Bob");
  struct us_filter *server = compare(cx, &us_policies_list, "resourceServer", "rs");
  static const char index[] = "permission_sharer (sharer_id=? AND subject_key=?)";
  assert_plan(policies_plan(cx, (struct us_list_query){.filter = bob}), index, false);
  assert_plan(policies_plan(cx, (struct us_list_query){.filter = bob, .after = &mark}),
              "permission_sharer (sharer_id=? AND subject_key=? AND policy_id>?)", false);
  assert_plan(policies_plan(cx, (struct us_list_query){.filter = join(cx, US_FILTER_AND, server, bob)}), index, false);
}

static void other_filters_of_subjects_seek_once_a_policy(void **state) {
  struct us_cx *cx = begin(state);
  struct us_filter *bob = compare(cx, &us_policies_list, "permissions/subject", "bob");
  struct us_filter *carol = compare(cx, &us_policies_list, "permissions/subject", "carol");
  struct us_filter *either = join(cx, US_FILTER_OR, bob, carol);
  const char *plan = policies_plan(cx, (struct us_list_query){.filter = either});
  assert_plan(plan, "policy_sharer (sharer_id=?)", false);
  assert_plan(plan, "permission_1 (policy_id=? AND subject_key=?)", false);
  struct us_filter none = {.kind = US_FILTER_NOT, .first = either};
  assert_plan(policies_plan(cx, (struct us_list_query){.filter = &none}), "policy_sharer (sharer_id=?)", false);
}

static bool see(struct us_cx *scratch, void *self, const struct us_pending_row *row) {
  return true;
}

static const char *pending_plan(struct us_cx *cx, struct us_list_query query) {
  struct us_list_end end;
  query.list = &us_pendings_list;
  query.page_size = 10;
  assert_code(us_pendings_page(cx, 7, &query, see, NULL, &end), US_OK);
  return plan_of(cx, 0);
}

static void pending_requests_go_by_their_owner(void **state) {
  struct us_cx *cx = begin(state);
  struct us_list_mark mark = {.values = {US_STR("n")}, .tie = 5};
  assert_plan(pending_plan(cx, (struct us_list_query){.filter = &all}), "pending_owner (owner_id=?)", false);
  assert_plan(pending_plan(cx, (struct us_list_query){.filter = &all, .after = &mark}),
              "pending_owner (owner_id=? AND id>?)", false);
  static const char *const names[] = {"user", "resource", "permissions"};
  for (unsigned i = 0; i < 3; i++)
    assert_plan(pending_plan(cx, (struct us_list_query){.filter = compare(cx, &us_pendings_list, names[i], "x")}),
                "pending_owner (owner_id=?)", false);
  for (unsigned i = 0; i < us_pendings_list.field_count; i++)
    assert_plan(
        pending_plan(cx, (struct us_list_query){.filter = &all, .after = &mark, .key_count = 1, .keys = {{i, true}}}),
        "pending_owner (owner_id=?)", true);
}

/* approveAll asks once for each resource: each time over all that are open would be square. */
static bool see_open(void *self, const struct us_pending_row *row) {
  return true;
}
static void requests_for_a_resource_go_by_it(void **state) {
  struct us_cx *cx = begin(state);
  assert_code(us_pendings_of_resource(cx, 7, 8, 9, 10, see_open, NULL), US_OK);
  const struct us_statement *statement = cx->db->statements;
  while (statement != NULL && strstr(statement->sql, "ORDER BY q.id LIMIT") == NULL)
    statement = statement->hh.next;
  assert_non_null(statement);
  struct us_rows rows;
  struct us_value values[US_SQL_PARAMETERS_MAX] = {{.kind = US_VALUE_NULL}};
  assert_code(us_sql_open_composed(cx, &rows, statement->sql, values, statement->parameters), US_OK);
  assert_code(us_sql_close(&rows), US_OK);
  assert_plan(plan_of(cx, 0), "pending_resource_age (resource_id=? AND id>?)", false);
}

static bool see_line(struct us_cx *scratch, void *self, const struct us_audit_row *row) {
  return true;
}

static const char *history_plan(struct us_cx *cx, struct us_list_query query) {
  struct us_list_end end;
  query.list = &us_audit_list;
  query.page_size = 10;
  assert_code(us_audit_rows_page(cx, 1, 7, &query, see_line, NULL, &end), US_OK);
  return plan_of(cx, 0);
}

/* Newest first, which is the order where none is asked for: histories are the longest of lists. */
static void a_history_goes_by_whose_it_is_and_time(void **state) {
  struct us_cx *cx = begin(state);
  struct us_list_mark mark = {.values = {US_STR("1000")}, .tie = 5};
  struct us_list_query newest = {.filter = &all, .key_count = 1};
  while (strcmp(us_audit_list.fields[newest.keys[0].field].name, us_audit_list.newest_first) != 0)
    newest.keys[0].field++;
  newest.keys[0].descending = true;
  assert_plan(history_plan(cx, newest), "audit_account (account_id=?)", false);
  newest.after = &mark;
  assert_plan(history_plan(cx, newest), "audit_account (account_id=? AND (event_ms,id)<(?,?))", false);
  newest.keys[0].descending = false;
  assert_plan(history_plan(cx, newest), "audit_account (account_id=? AND (event_ms,id)>(?,?))", false);
  newest.filter = compare(cx, &us_audit_list, "type", "Policy_Created");
  assert_plan(history_plan(cx, newest), "audit_account (account_id=? AND (event_ms,id)>(?,?))", false);
  for (newest.keys[0].field = 0; newest.keys[0].field < 5; newest.keys[0].field++)
    assert_plan(history_plan(cx, newest), "audit_account (account_id=?)", true);
}

/* What is behind a page is counted by the same index. */
static void counts_go_by_the_same_index(void **state) {
  struct us_cx *cx = begin(state);
  struct us_list_query query = {
      .list = &us_policies_list, .page_size = 1, .offset = 3, .filter = &all, .wants_total = true};
  struct us_list_end end;
  int64_t ids[1];
  assert_code(us_policies_page(cx, 7, &query, ids, &end), US_OK);
  assert_non_null(strstr(cx->db->composed[0]->sql, "COUNT(*)"));
  assert_plan(plan_of(cx, 0), "policy_sharer (sharer_id=?)", false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(policies_go_by_their_sharer),
      STORE_TEST(policies_with_a_subject_go_by_permissions),
      STORE_TEST(other_filters_of_subjects_seek_once_a_policy),
      STORE_TEST(pending_requests_go_by_their_owner),
      STORE_TEST(requests_for_a_resource_go_by_it),
      STORE_TEST(a_history_goes_by_whose_it_is_and_time),
      STORE_TEST(counts_go_by_the_same_index),
  };
  return STORE_RUN(tests);
}
