/* How clients that registered themselves are counted: by an index that holds nothing else. */
#include "plan.h"

/* The statement is a constant of this file. */
#include "../../src/store/clients.c"

static void registered_clients_are_counted_by_their_index(void **state) {
  struct us_cx *cx = begin(state);
  assert_plan(plan_of_text(cx, SQL_REGISTERED),
              "SEARCH client USING COVERING INDEX client_registered (realm_id=? AND registration_digest>?)", false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(registered_clients_are_counted_by_their_index),
  };
  return STORE_RUN(tests);
}
