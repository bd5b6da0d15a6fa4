/* How grants are found: by seeks only, however full the store is. */
#include "plan.h"

/* The statements are constants of these files. */
#include "../../src/store/grants.c"

static void assert_has(const char *steps, const char *step) {
  if (strstr(steps, step) != NULL)
    return;
  print_error("wanted %s in\n%s", step, steps == NULL ? "" : steps);
  fail();
}

/* The hot one: what a decision costs that needs no graph. */
static void grants_to_a_person_are_one_seek_and_one_a_group(void **state) {
  struct us_cx *cx = begin(state);
  const char *steps = plan_of_text(cx, SQL_TO);
  assert_plan(steps, "SEARCH permission USING INDEX permission_decide (resource_id=? AND subject_key=?)", false);
  assert_has(steps, "SEARCH m USING COVERING INDEX group_member_account (account_id=?)");
  assert_has(steps, "SEARCH g USING INTEGER PRIMARY KEY (rowid=?)");
  assert_has(steps, "SEARCH q USING INDEX permission_decide (resource_id=? AND subject_key=?)");
}

static void a_graph_is_read_by_its_resource(void **state) {
  struct us_cx *cx = begin(state);
  assert_plan(plan_of_text(cx, SQL_ACTIVE), "(resource_id=?)", false);
  assert_plan(plan_of_text(cx, SQL_ALL), "(resource_id=?)", false);
  assert_plan(plan_of_text(cx, SQL_SHARERS), "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)", false);
  assert_has(plan_of_text(cx, SQL_SHARERS), "(resource_id=?)");
  assert_plan(plan_of_text(cx, SQL_GROUPS), "SEARCH m USING COVERING INDEX group_member_account (account_id=?)", false);
  assert_plan(plan_of_text(cx, SQL_HAS_OTHERS), "(resource_id=?)", false);
}

static void changes_find_their_rows(void **state) {
  struct us_cx *cx = begin(state);
  static const char *const statements[] = {SQL_SET_ACTIVE,   SQL_SET_SCOPES, SQL_MOVE_REV, SQL_DELETE,
                                           SQL_DELETE_EMPTY, SQL_USE,        SQL_UNUSE};
  for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
    assert_plan(plan_of_text(cx, statements[i]), "USING INTEGER PRIMARY KEY (rowid=?)", false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(grants_to_a_person_are_one_seek_and_one_a_group),
      STORE_TEST(a_graph_is_read_by_its_resource),
      STORE_TEST(changes_find_their_rows),
  };
  return STORE_RUN(tests);
}
