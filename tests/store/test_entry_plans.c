/* How the entries of a sharer are found: see test_list_plans.c. Their two parts are a table of two constant rows. */
#include "plan.h"
#include "store/entries.h"

#define IN_ORDER "SEARCH q USING INDEX permission_entry (sharer_id=?"
#define SORTS "TEMP B-TREE FOR ORDER BY" /* the whole; of one name's parts only it is FOR RIGHT PART */

static bool see(struct us_cx *cx, void *self, struct us_rows *rows) {
  return true;
}

static const char *plan(struct us_cx *cx, struct us_list_query query) {
  struct us_list_end end;
  query.list = &us_entries_list;
  query.page_size = 10;
  assert_code(us_entries_query(cx, 7, US_STR("id=alice"), &query, see, NULL, &end), US_OK);
  return plan_of(cx, 0);
}

/* The place of a field among the list's. */
static unsigned field(const char *name) {
  unsigned i = 0;
  while (strcmp(us_entries_list.fields[i].name, name) != 0)
    i++;
  return i;
}

static void assert_found(const char *steps, const char *search, bool sorts) {
  bool scans_rows =
      strstr(steps, "SCAN q") || strstr(steps, "SCAN p") || strstr(steps, "SCAN r") || strstr(steps, "SCAN s");
  if (scans_rows || strstr(steps, search) == NULL || (strstr(steps, SORTS) != NULL) != sorts)
    fail_msg("wanted %s%s, got:\n%s", search, sorts ? ", sorted" : "", steps);
}

static void the_order_by_name_is_that_of_an_index(void **state) {
  struct us_cx *cx = begin(state);
  struct us_list_mark mark = {.values = {US_STR("Lake")}, .tie = 0};
  struct us_list_query query = {.filter = &all, .key_count = 1, .keys = {{field("name"), false}}};
  assert_found(plan(cx, query), IN_ORDER ")", false);
  query.after = &mark;
  assert_found(plan(cx, query), IN_ORDER " AND entry_name>?)", false);
  query.keys[0].descending = true;
  assert_found(plan(cx, query), IN_ORDER " AND entry_name<?)", false);
}

static void other_orders_read_what_is_the_sharers(void **state) {
  struct us_cx *cx = begin(state);
  struct us_list_query query = {.filter = &all, .key_count = 2, .keys = {{0, true}, {field("name"), false}}};
  static const char *const names[] = {"active", "applicationName", "creationDate", "lastModifiedDate"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    query.keys[0].field = field(names[i]);
    assert_found(plan(cx, query), "SEARCH q USING INDEX permission_", true);
  }
  query.keys[0] = (struct us_list_key){field("subject/claimValue"), false};
  assert_found(plan(cx, query), "SEARCH q USING INDEX permission_sharer (sharer_id=?)", false);
}

static void one_subject_goes_by_its_own_index(void **state) {
  struct us_cx *cx = begin(state);
  struct us_filter *bob = compare(cx, &us_entries_list, "subject/claimValue", "Bob");
  struct us_list_query query = {.filter = bob, .key_count = 1, .keys = {{field("name"), false}}};
  static const char search[] = "permission_sharer (sharer_id=? AND subject_key=?)";
  assert_found(plan(cx, query), search, true);
  query.filter = join(cx, US_FILTER_AND, compare(cx, &us_entries_list, "applicationName", "rs"), bob);
  assert_found(plan(cx, query), search, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(the_order_by_name_is_that_of_an_index),
      STORE_TEST(other_orders_read_what_is_the_sharers),
      STORE_TEST(one_subject_goes_by_its_own_index),
  };
  return STORE_RUN(tests);
}
