/* Assertions that were used: each counts once, they are counted off, and what expired goes, with its counts. */
#include "plan.h"

/* The statements are constants of this file. */
#include "../../src/store/assertions.c"

static enum us_spend spend(struct us_cx *cx, int64_t client, const char *digest, int64_t expires_s) {
  enum us_spend ret = US_SPEND_FULL;
  assert_code(us_assertion_row_spend(cx, client, digest, expires_s, 3, 5, &ret), US_OK);
  return ret;
}
static int64_t live(struct us_cx *cx, int64_t client) {
  static const char sql[] = "SELECT live FROM assertion_count WHERE client_ref = $1";
  struct us_rows rows;
  assert_code(us_sql_open(cx, &rows, sql, "i", client), US_OK);
  int64_t n = us_sql_next(&rows) ? us_sql_i64(&rows, 0) : -1;
  assert_code(us_sql_close(&rows), US_OK);
  return n;
}

static enum us_code spends(struct us_cx *cx, void *self) {
  (void)self;
  assert_int_equal(spend(cx, 7, "a", 100), US_SPEND_FIRST);
  assert_int_equal(spend(cx, 7, "a", 200), US_SPEND_AGAIN);
  assert_int_equal(spend(cx, 8, "a", 100), US_SPEND_FIRST); /* another client's */
  assert_int_equal(spend(cx, 7, "b", 100), US_SPEND_FIRST);
  assert_int_equal(spend(cx, 7, "c", 300), US_SPEND_FIRST);
  assert_int_equal(live(cx, 7), 3);
  assert_int_equal(live(cx, 8), 1);
  assert_int_equal(live(cx, IN_ALL), 4);
  assert_int_equal(spend(cx, 7, "a", 100), US_SPEND_AGAIN); /* said before that there is no room */
  return US_OK;
}
static enum us_code is_full(struct us_cx *cx, void *self) {
  const int64_t *client = self;
  assert_int_equal(spend(cx, *client, "x", 100), US_SPEND_FULL);
  return US_E_SLOW_DOWN; /* which takes back what was written */
}
static enum us_code sweeps(struct us_cx *cx, void *self) {
  int64_t n = 0;
  (void)self;
  assert_code(us_assertion_rows_sweep(cx, 100, 1000, &n), US_OK);
  assert_int_equal(n, 0); /* not before its second is over */
  assert_code(us_assertion_rows_sweep(cx, 101, 2, &n), US_OK);
  assert_int_equal(n, 2);
  assert_int_equal(live(cx, IN_ALL), 3);
  assert_code(us_assertion_rows_sweep(cx, 101, 1000, &n), US_OK);
  assert_int_equal(n, 1);
  assert_int_equal(live(cx, 7), 1);
  assert_int_equal(live(cx, 8), -1); /* nothing of it stays */
  assert_int_equal(live(cx, 9), 1);
  assert_int_equal(live(cx, IN_ALL), 2);
  assert_int_equal(spend(cx, 7, "c", 300), US_SPEND_AGAIN);
  assert_code(us_assertion_rows_sweep(cx, 301, 1000, &n), US_OK);
  assert_int_equal(live(cx, IN_ALL), -1);
  assert_int_equal(spend(cx, 7, "c", 600), US_SPEND_FIRST);
  return US_OK;
}
static enum us_code of_another(struct us_cx *cx, void *self) {
  (void)self;
  assert_int_equal(spend(cx, 9, "a", 250), US_SPEND_FIRST);
  return US_OK;
}

static void each_counts_once_and_is_counted(void **state) {
  struct store *s = *state;
  int64_t full = 7, other = 10;
  assert_code(us_db_transact(s->cx, s->db, spends, NULL), US_OK);
  assert_code(us_db_transact(s->cx, s->db, is_full, &full), US_E_SLOW_DOWN);
  assert_code(us_db_transact(s->cx, s->db, of_another, NULL), US_OK); /* the fifth of all */
  assert_code(us_db_transact(s->cx, s->db, is_full, &other), US_E_SLOW_DOWN);
  assert_code(us_db_transact(s->cx, s->db, sweeps, NULL), US_OK);
}

static void what_expired_is_found_by_an_index(void **state) {
  struct us_cx *cx = begin(state);
  assert_plan(plan_of_text(cx, SQL_DELETE_EXPIRED), "assertion_expiry (expires_s<?)", false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(each_counts_once_and_is_counted),
      STORE_TEST(what_expired_is_found_by_an_index),
  };
  return STORE_RUN(tests);
}
