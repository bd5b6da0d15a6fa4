/* store/sql.h: parameters, rows, the statements that are kept, and what comes out when something goes wrong. */
#include <limits.h>
#include <stdio.h>

#include "store/backend.h"
#include "store_fixture.h"

struct item {
  int64_t id;
  struct us_str name;
  int n;
  bool is_large;
};
static const struct us_column item_columns[] = {
    {US_COLUMN_I64, offsetof(struct item, id)},
    {US_COLUMN_TEXT, offsetof(struct item, name)},
    {US_COLUMN_INT, offsetof(struct item, n)},
    {US_COLUMN_BOOL, offsetof(struct item, is_large)},
};
static const char SQL_ITEM[] = "SELECT id, name, n, CASE WHEN n > 100 THEN 1 ELSE 0 END FROM item WHERE id = $1";

/* Statements outside of a transaction, each by itself: enough for these tests. */
static struct us_cx *begin(void **state) {
  struct store *s = *state;
  s->cx->db = s->db;
  return s->cx;
}

static enum us_code find(struct us_cx *cx, int64_t id, struct item *ret_item) {
  return us_sql_one(cx, item_columns, US_COLUMN_COUNT(item_columns), ret_item, SQL_ITEM, "i", id);
}

static void parameters_go_by_number_not_by_place(void **state) {
  struct us_cx *cx = begin(state);
  static const char SQL[] = "INSERT INTO item (name, n, id) VALUES ($3, $1, $2)";
  assert_code(us_sql_run(cx, NULL, SQL, "iit", INT64_C(5), INT64_C(9), US_STR("nine")), US_OK);
  struct item item;
  assert_code(find(cx, 9, &item), US_OK);
  assert_str(item.name, "nine");
  assert_int_equal(item.n, 5);
}

static void a_parameter_may_be_used_twice(void **state) {
  struct us_cx *cx = begin(state);
  assert_code(store_insert(cx, 21, "x"), US_OK);
  struct item item;
  assert_code(find(cx, 21, &item), US_OK);
  assert_int_equal(item.n, 42);
}

static void more_than_nine_parameters(void **state) {
  struct us_cx *cx = begin(state);
  static const char SQL[] = "SELECT $11 - $10, $1 || $2, $3 + $4 + $5 + $6 + $7 + $8 + $9";
  struct us_rows rows;
  assert_code(us_sql_open(cx, &rows, SQL, "cciiiiiiiii", "a", "b", INT64_C(1), INT64_C(1), INT64_C(1), INT64_C(1),
                          INT64_C(1), INT64_C(1), INT64_C(1), INT64_C(10), INT64_C(110)),
              US_OK);
  assert_true(us_sql_next(&rows));
  assert_int_equal(us_sql_i64(&rows, 0), 100);
  assert_str(us_sql_text(&rows, 1), "ab");
  assert_int_equal(us_sql_i64(&rows, 2), 7);
  assert_code(us_sql_close(&rows), US_OK);
}

static void absent_is_null_and_empty_is_empty(void **state) {
  struct us_cx *cx = begin(state);
  static const char SQL[] = "SELECT $1, $2, $3, $4, $5";
  struct us_rows rows;
  assert_code(us_sql_open(cx, &rows, SQL, "tctcn", US_STR_ABSENT, (const char *)NULL, US_STR(""), ""), US_OK);
  assert_true(us_sql_next(&rows));
  assert_true(us_sql_is_null(&rows, 0));
  assert_true(us_sql_is_null(&rows, 1));
  assert_null(us_sql_text(&rows, 0).p);
  assert_int_equal(us_sql_i64(&rows, 0), 0);
  assert_false(us_sql_is_null(&rows, 2));
  assert_str(us_sql_text(&rows, 2), "");
  assert_str(us_sql_text(&rows, 3), "");
  assert_true(us_sql_is_null(&rows, 4));
  assert_false(us_sql_next(&rows));
  assert_code(us_sql_close(&rows), US_OK);
}

static void numbers_keep_all_64_bits(void **state) {
  struct us_cx *cx = begin(state);
  static const char SQL[] = "SELECT $1, $2";
  struct us_rows rows;
  assert_code(us_sql_open(cx, &rows, SQL, "ii", INT64_MIN, INT64_MAX), US_OK);
  assert_true(us_sql_next(&rows));
  assert_true(us_sql_i64(&rows, 0) == INT64_MIN);
  assert_true(us_sql_i64(&rows, 1) == INT64_MAX);
  assert_code(us_sql_close(&rows), US_OK);
}

static void text_outlives_its_row(void **state) {
  struct us_cx *cx = begin(state);
  assert_code(store_insert(cx, 1, "first"), US_OK);
  assert_code(store_insert(cx, 2, "second"), US_OK);
  static const char SQL[] = "SELECT name FROM item ORDER BY id";
  struct us_rows rows;
  assert_code(us_sql_open(cx, &rows, SQL, ""), US_OK);
  assert_true(us_sql_next(&rows));
  struct us_str first = us_sql_text(&rows, 0);
  assert_true(us_sql_next(&rows));
  struct us_str second = us_sql_text(&rows, 0);
  assert_false(us_sql_next(&rows));
  assert_false(us_sql_next(&rows));
  assert_code(us_sql_close(&rows), US_OK);
  assert_str(first, "first");
  assert_str(second, "second");
}

static void a_row_becomes_a_struct(void **state) {
  struct us_cx *cx = begin(state);
  assert_code(store_insert(cx, 70, NULL), US_OK);
  struct item item = {.name = US_STR("left over")};
  assert_code(find(cx, 70, &item), US_OK);
  assert_int_equal(item.id, 70);
  assert_null(item.name.p);
  assert_int_equal(item.n, 140);
  assert_true(item.is_large);
}

static void a_number_too_large_for_an_int_is_no_smaller_number(void **state) {
  struct us_cx *cx = begin(state);
  static const char SQL[] = "INSERT INTO item (id, n) VALUES ($1, $2)";
  assert_code(us_sql_run(cx, NULL, SQL, "ii", INT64_C(1), (int64_t)INT_MAX), US_OK);
  assert_code(us_sql_run(cx, NULL, SQL, "ii", INT64_C(2), (int64_t)INT_MAX + 1), US_OK);
  assert_code(us_sql_run(cx, NULL, SQL, "ii", INT64_C(3), (int64_t)INT_MIN - 1), US_OK);
  struct item item;
  assert_code(find(cx, 1, &item), US_OK);
  assert_int_equal(item.n, INT_MAX);
  assert_code(find(cx, 2, &item), US_E_STORE);
  assert_code(find(cx, 3, &item), US_E_STORE);
}

static void no_row_is_an_answer_without_text(void **state) {
  struct us_cx *cx = begin(state);
  struct item item;
  assert_code(find(cx, 404, &item), US_E_NOT_FOUND);
  assert_code(cx->err.code, US_E_NOT_FOUND);
  assert_null(cx->err.text.p);
  assert_null(cx->err.detail.p);
}

static void a_reader_may_stop_early(void **state) {
  struct us_cx *cx = begin(state);
  for (int64_t id = 1; id <= 5; id++)
    assert_code(store_insert(cx, id, "x"), US_OK);
  static const char SQL[] = "SELECT id FROM item ORDER BY id";
  for (int round = 0; round < 2; round++) {
    struct us_rows rows;
    assert_code(us_sql_open(cx, &rows, SQL, ""), US_OK);
    assert_true(us_sql_next(&rows));
    assert_int_equal(us_sql_i64(&rows, 0), 1);
    assert_code(us_sql_close(&rows), US_OK);
    assert_false(us_sql_next(&rows));
    assert_code(us_sql_close(&rows), US_OK);
  }
  assert_null(cx->db->open);
}

static void run_counts_the_rows_it_changed(void **state) {
  struct us_cx *cx = begin(state);
  for (int64_t id = 1; id <= 5; id++)
    assert_code(store_insert(cx, id, "x"), US_OK);
  int64_t changed = -1;
  static const char SQL[] = "UPDATE item SET n = 0 WHERE id > $1";
  assert_code(us_sql_run(cx, &changed, SQL, "i", INT64_C(2)), US_OK);
  assert_int_equal(changed, 3);
  assert_code(us_sql_run(cx, &changed, SQL, "i", INT64_C(5)), US_OK);
  assert_int_equal(changed, 0);
  static const char SQL_TAKEN[] = "INSERT INTO item (id, n) VALUES ($1, 1) ON CONFLICT (id) DO NOTHING";
  assert_code(us_sql_run(cx, &changed, SQL_TAKEN, "i", INT64_C(5)), US_OK);
  assert_int_equal(changed, 0);
}

static void single_use_is_one_statement(void **state) {
  struct us_cx *cx = begin(state);
  assert_code(store_insert(cx, 1, "ticket"), US_OK);
  static const char SQL[] = "DELETE FROM item WHERE id = $1 RETURNING id, name, n, 1";
  struct item item;
  assert_code(us_sql_one(cx, item_columns, 4, &item, SQL, "i", INT64_C(1)), US_OK);
  assert_str(item.name, "ticket");
  assert_code(us_sql_one(cx, item_columns, 4, &item, SQL, "i", INT64_C(1)), US_E_NOT_FOUND);
  assert_code(find(cx, 1, &item), US_E_NOT_FOUND);
}

static void statements_are_prepared_once(void **state) {
  struct us_cx *cx = begin(state);
  struct item item;
  (void)!find(cx, 1, &item);
  unsigned count = HASH_COUNT(cx->db->statements);
  for (int i = 0; i < 10; i++)
    assert_code(find(cx, i, &item), US_E_NOT_FOUND);
  assert_int_equal(HASH_COUNT(cx->db->statements), count);
}

/* Opens the same statement inside of itself, `depth` times. */
static enum us_code nest(struct us_cx *cx, int depth) {
  if (depth == 0)
    return US_OK;
  static const char SQL[] = "SELECT id FROM item WHERE id >= $1 ORDER BY id";
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, SQL, "i", (int64_t)depth));
  assert_true(us_sql_next(&rows));
  assert_int_equal(us_sql_i64(&rows, 0), depth);
  enum us_code code = nest(cx, depth - 1);
  if (code == US_OK) {
    assert_true(us_sql_next(&rows));
    assert_int_equal(us_sql_i64(&rows, 0), depth + 1);
  }
  enum us_code end = us_sql_close(&rows);
  return code != US_OK ? code : end;
}

static void a_reader_may_read_inside_itself_up_to_a_limit(void **state) {
  struct us_cx *cx = begin(state);
  for (int64_t id = 1; id <= US_SQL_NESTING_MAX + 2; id++)
    assert_code(store_insert(cx, id, "x"), US_OK);
  assert_code(nest(cx, 2), US_OK);
  assert_code(nest(cx, US_SQL_NESTING_MAX), US_OK);
  assert_code(nest(cx, US_SQL_NESTING_MAX + 1), US_E_INTERNAL);
  assert_null(cx->db->open);
  assert_code(nest(cx, US_SQL_NESTING_MAX), US_OK);
}

#define I INT64_C(1)
#define SIXTEEN I, I, I, I, I, I, I, I, I, I, I, I, I, I, I, I
#define EIGHTY SIXTEEN, SIXTEEN, SIXTEEN, SIXTEEN, SIXTEEN
#define IIII "iiiiiiiiiiiiiiii"
#define I_EIGHTY IIII IIII IIII IIII IIII
_Static_assert(US_SQL_PARAMETERS_MAX == 320, "four times eighty");

static void parameters_have_a_limit(void **state) {
  struct us_cx *cx = begin(state);
  static char sql[2000] = "SELECT 0";
  for (int i = 1; i <= US_SQL_PARAMETERS_MAX; i++)
    snprintf(sql + strlen(sql), sizeof sql - strlen(sql), "+$%d", i);
  int64_t sum = 0;
  static const struct us_column number[] = {{US_COLUMN_I64, 0}};
  assert_code(us_sql_one(cx, number, 1, &sum, sql, I_EIGHTY I_EIGHTY I_EIGHTY I_EIGHTY, EIGHTY, EIGHTY, EIGHTY, EIGHTY),
              US_OK);
  assert_int_equal(sum, US_SQL_PARAMETERS_MAX);
  assert_code(
      us_sql_one(cx, number, 1, &sum, sql, I_EIGHTY I_EIGHTY I_EIGHTY I_EIGHTY "i", EIGHTY, EIGHTY, EIGHTY, EIGHTY, I),
      US_E_INTERNAL);
}

static void assert_refused(struct us_cx *cx, const char *sql, const char *letters, enum us_code expected) {
  struct us_rows rows;
  assert_code(us_sql_open(cx, &rows, sql, letters, I, I), expected);
  assert_code(cx->err.code, expected);
  assert_non_null(cx->err.detail.p);
  assert_false(us_sql_next(&rows));
  assert_code(us_sql_close(&rows), expected);
}

static void texts_that_are_no_statement_are_refused(void **state) {
  struct us_cx *cx = begin(state);
  assert_refused(cx, "SELEC 1", "", US_E_STORE);
  assert_refused(cx, "SELECT x FROM nowhere", "", US_E_STORE);
  assert_refused(cx, "SELECT 1; SELECT 2", "", US_E_INTERNAL);
  assert_refused(cx, "", "", US_E_INTERNAL);
  assert_refused(cx, "SELECT ?", "i", US_E_INTERNAL);
  assert_refused(cx, "SELECT $2", "i", US_E_INTERNAL);
  assert_refused(cx, "SELECT $0", "i", US_E_INTERNAL);
  assert_refused(cx, "SELECT $1, $3", "ii", US_E_INTERNAL);
  assert_refused(cx, "SELECT $1", "z", US_E_INTERNAL);
}

static void a_broken_constraint_is_an_error_of_the_store(void **state) {
  struct us_cx *cx = begin(state);
  assert_code(store_insert(cx, 1, "x"), US_OK);
  assert_code(store_insert(cx, 1, "x"), US_E_STORE);
  store_assert_says(cx->err.detail, "INSERT INTO item");
  assert_int_equal(us_code_status(cx->err.code), 503);
  assert_code(store_insert(cx, 2, "x"), US_OK);
}

static void a_request_runs_out_of_its_own_memory(void **state) {
  struct us_cx *cx = begin(state);
  static char large[20000];
  memset(large, 'x', sizeof large - 1);
  assert_code(store_insert(cx, 1, large), US_OK);
  struct us_cx small = {.mem = us_mem_root_new(0, 10000), .db = cx->db};
  assert_non_null(small.mem);
  struct item item;
  assert_code(find(&small, 1, &item), US_E_NO_MEMORY);
  us_mem_free(small.mem);
  assert_null(cx->db->open);
  assert_code(find(cx, 1, &item), US_OK);
  assert_int_equal(item.name.n, sizeof large - 1);
}

static void statements_follow_a_changed_schema(void **state) {
  struct us_cx *cx = begin(state);
  static const char SQL[] = "SELECT * FROM item WHERE id = $1";
  assert_code(store_insert(cx, 1, "x"), US_OK);
  struct us_rows rows;
  assert_code(us_sql_open(cx, &rows, SQL, "i", I), US_OK);
  assert_true(us_sql_next(&rows));
  assert_code(us_sql_close(&rows), US_OK);
  store_exec(cx, cx->db, "ALTER TABLE item ADD COLUMN more BIGINT NOT NULL DEFAULT 7");
  assert_code(us_sql_open(cx, &rows, SQL, "i", I), US_OK);
  assert_true(us_sql_next(&rows));
  assert_int_equal(us_sql_i64(&rows, 3), 7);
  assert_code(us_sql_close(&rows), US_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(parameters_go_by_number_not_by_place),
      STORE_TEST(a_parameter_may_be_used_twice),
      STORE_TEST(more_than_nine_parameters),
      STORE_TEST(absent_is_null_and_empty_is_empty),
      STORE_TEST(numbers_keep_all_64_bits),
      STORE_TEST(text_outlives_its_row),
      STORE_TEST(a_row_becomes_a_struct),
      STORE_TEST(a_number_too_large_for_an_int_is_no_smaller_number),
      STORE_TEST(no_row_is_an_answer_without_text),
      STORE_TEST(a_reader_may_stop_early),
      STORE_TEST(run_counts_the_rows_it_changed),
      STORE_TEST(single_use_is_one_statement),
      STORE_TEST(statements_are_prepared_once),
      STORE_TEST(a_reader_may_read_inside_itself_up_to_a_limit),
      STORE_TEST(parameters_have_a_limit),
      STORE_TEST(texts_that_are_no_statement_are_refused),
      STORE_TEST(a_broken_constraint_is_an_error_of_the_store),
      STORE_TEST(a_request_runs_out_of_its_own_memory),
      STORE_TEST(statements_follow_a_changed_schema),
  };
  return STORE_RUN(tests);
}
