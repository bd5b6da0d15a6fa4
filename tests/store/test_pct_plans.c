/* How persisted claims tokens are found: by their key, and those of one person at one client by an index. */
#include "plan.h"

/* The statements are constants of this file. */
#include "../../src/store/pcts.c"

static void one_is_found_by_its_key(void **state) {
  struct us_cx *cx = begin(state);
  assert_plan(plan_of_text(cx, SQL_FIND), "SEARCH pct USING INTEGER PRIMARY KEY (rowid=?)", false);
  assert_plan(plan_of_text(cx, SQL_DELETE), "SEARCH pct USING INTEGER PRIMARY KEY (rowid=?)", false);
}

static void those_of_a_person_at_a_client_are_counted_off_in_the_index(void **state) {
  struct us_cx *cx = begin(state);
  assert_plan(plan_of_text(cx, SQL_DELETE_OLDEST), "USING COVERING INDEX pct_account (account_id=? AND client_ref=?)",
              false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(one_is_found_by_its_key),
      STORE_TEST(those_of_a_person_at_a_client_are_counted_off_in_the_index),
  };
  return STORE_RUN(tests);
}
