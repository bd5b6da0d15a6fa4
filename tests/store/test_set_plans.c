/* How resource sets, labels and resource types are found: by what the person has, never over the resources of a realm. */
#include "plan.h"
#include "store/labels.h"
#include "store/resource_types.h"
#include "store/sets.h"
#include "store/shares.h"

static const struct us_viewer viewer = {.realm_id = 1, .account_id = 7, .subject_key = {"alice", 5}};

static const char *sets_plan(struct us_cx *cx, enum us_sets_where where, struct us_list_query query) {
  struct us_list_end end;
  int64_t ids[10];
  query.list = &us_sets_list;
  query.page_size = 10;
  assert_code(us_sets_page(cx, &viewer, where, 9, &query, ids, &end), US_OK);
  return plan_of(cx, 0);
}

/* Keys: name, then resourceServer and so on, as fields stand in us_sets_list. */
static struct us_list_query by_name(struct us_filter *filter, const struct us_list_mark *after) {
  return (struct us_list_query){.filter = filter, .after = after, .key_count = 1, .keys = {{0, false}}};
}

static void own_sets_come_out_of_the_index_by_name(void **state) {
  struct us_cx *cx = begin(state);
  struct us_list_mark mark = {.values = {US_STR("n")}, .tie = 5};
  assert_plan(sets_plan(cx, US_SETS_OWNED, by_name(&all, NULL)), "resource_by_name (owner_id=?)", false);
  const char *behind = sets_plan(cx, US_SETS_OWNED, by_name(&all, &mark));
  assert_plan(behind, "resource_by_name (owner_id=? AND name_sort>?)", false);
  for (unsigned i = 0; i < 6; i++) { /* whatever is asked, the place stays; the rest is a seek a row */
    struct us_filter *filter = compare(cx, &us_sets_list, us_sets_list.fields[i].name, "4");
    assert_plan(sets_plan(cx, US_SETS_OWNED, by_name(filter, NULL)), "resource_by_name (owner_id=?)", false);
  }
}

/* In that index alone: the resources themselves may lie anywhere. */
static void shared_sets_are_gathered_by_the_viewers_keys(void **state) {
  struct us_cx *cx = begin(state);
  struct us_list_mark mark = {.values = {US_STR("n")}, .tie = 5};
  const enum us_sets_where wheres[] = {US_SETS_SHARED, US_SETS_ALL};
  for (size_t i = 0; i < 2; i++) {
    for (size_t k = 0; k < 2; k++) {
      const char *plan = sets_plan(cx, wheres[i], by_name(&all, k ? &mark : NULL));
      assert_plan(plan, "COVERING INDEX permission_subject (realm_id=? AND subject_key=? AND is_active=?", true);
      assert_plan(plan, "group_member_account (account_id=?)", true);
      assert_null(strstr(plan, "resource_realm"));
    }
  }
  assert_null(strstr(sets_plan(cx, US_SETS_SHARED, by_name(&all, NULL)), "resource"));
  assert_plan(sets_plan(cx, US_SETS_ALL, by_name(&all, NULL)), "COVERING INDEX resource_by_name (owner_id=?)", true);
  for (unsigned i = 0; i < 6; i++) { /* whatever is asked: a seek a row */
    struct us_filter *filter = compare(cx, &us_sets_list, us_sets_list.fields[i].name, "4");
    assert_plan(sets_plan(cx, US_SETS_SHARED, by_name(filter, NULL)), "permission_subject", true);
  }
}

static void labelled_sets_are_gathered_by_the_label(void **state) {
  struct us_cx *cx = begin(state);
  const char *plan = sets_plan(cx, US_SETS_LABELLED, by_name(&all, NULL));
  assert_plan(plan, "resource_label_label (label_id=?)", true);
  assert_plan(plan, "permission_decide (resource_id=? AND subject_key=?)", true);
}

static bool see_label(struct us_cx *cx, void *self, const struct us_label_row *row) {
  return true;
}
static void labels_come_out_of_their_index(void **state) {
  struct us_cx *cx = begin(state);
  struct us_list_query query = {.page_size = 10};
  struct us_list_end end;
  assert_code(us_labels_list(cx, 7, &query, see_label, NULL, &end), US_OK);
  assert_plan(plan_of(cx, 0), "label_1 (owner_id=?)", false);
}

static bool see_type(struct us_cx *cx, void *self, const struct us_resource_type_row *row) {
  return true;
}
static const char *types_plan(struct us_cx *cx, struct us_resource_types_space space, struct us_filter *filter) {
  struct us_list_query query = {
      .list = &us_resource_types_list, .page_size = 10, .filter = filter, .key_count = 1, .keys = {{1, false}}};
  struct us_list_end end;
  assert_code(us_resource_types_list_page(cx, &space, &query, see_type, NULL, &end), US_OK);
  return plan_of(cx, 0);
}
static void types_of_a_realm_come_out_of_the_index_by_name(void **state) {
  struct us_cx *cx = begin(state);
  struct us_resource_types_space realm = {.realm_id = 1}, owner = {.realm_id = 1, .owner_id = 7, .rs_ref = 3};
  assert_plan(types_plan(cx, realm, &all), "resource_realm (realm_id=?)", false);
  assert_plan(types_plan(cx, realm, compare(cx, &us_resource_types_list, "uuid", "x")), "resource_1 (uuid=?)", false);
  assert_plan(types_plan(cx, owner, &all), "resource_by_name (owner_id=?)", false);
}

static const char *shares_plan(struct us_cx *cx, enum us_shares_direction direction, struct us_filter *filter) {
  struct us_list_query query = {.list = &us_shares_lists[direction], .page_size = 10, .filter = filter};
  struct us_list_end end;
  int64_t ids[10];
  assert_code(us_shares_page(cx, &viewer, direction, &query, ids, &end), US_OK);
  return plan_of(cx, 0);
}
static void shares_go_by_who_gives_and_who_gets(void **state) {
  struct us_cx *cx = begin(state);
  const struct us_list *list = &us_shares_lists[US_SHARES_BY_ME];
  assert_plan(shares_plan(cx, US_SHARES_BY_ME, &all), "USING COVERING INDEX permission_", true);
  assert_plan(shares_plan(cx, US_SHARES_BY_ME, compare(cx, list, "subject", "bob")),
              "permission_sharer (sharer_id=? AND subject_key=?)", true);
  assert_plan(shares_plan(cx, US_SHARES_WITH_ME, &all),
              "COVERING INDEX permission_subject (realm_id=? AND subject_key=? AND is_active=?)", true);
  assert_plan(shares_plan(cx, US_SHARES_WAITING, &all), "pending_owner (owner_id=?)", false);
  for (unsigned d = 0; d < US_SHARES_DIRECTIONS; d++) {
    for (size_t i = 0; i < us_shares_lists[d].field_count; i++)
      assert_false(scans(shares_plan(cx, d, compare(cx, &us_shares_lists[d], us_shares_lists[d].fields[i].name, "1"))));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(own_sets_come_out_of_the_index_by_name),
      STORE_TEST(shared_sets_are_gathered_by_the_viewers_keys),
      STORE_TEST(labelled_sets_are_gathered_by_the_label),
      STORE_TEST(labels_come_out_of_their_index),
      STORE_TEST(types_of_a_realm_come_out_of_the_index_by_name),
      STORE_TEST(shares_go_by_who_gives_and_who_gets),
  };
  return STORE_RUN(tests);
}
