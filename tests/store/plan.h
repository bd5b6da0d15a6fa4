/*
 * Plans of statements, for tests that say how a list is found. The store has no statistics, as in production, so a plan is the same
 * however full it is.
 */
#ifndef USHER_TESTS_STORE_PLAN_H
#define USHER_TESTS_STORE_PLAN_H

#include <stdio.h>

#include "store/backend.h"
#include "store/list.h"
#include "store_fixture.h"

/* The plan of the statement that was composed `age` statements ago, one step a line. */
static inline const char *plan_of(struct us_cx *cx, size_t age) {
  struct us_value values[US_SQL_PARAMETERS_MAX] = {{.kind = US_VALUE_NULL}};
  struct us_rows rows;
  assert_true(age < cx->db->composed_count);
  const struct us_statement *statement = cx->db->composed[age];
  struct us_str sql = us_str_fmt(cx->mem, "EXPLAIN QUERY PLAN %s", statement->sql);
  struct us_str plan = US_STR("");
  assert_code(us_sql_open_composed(cx, &rows, sql.p, values, statement->parameters), US_OK);
  while (us_sql_next(&rows))
    plan = us_str_fmt(cx->mem, "%.*s%.*s\n", US_STR_ARG(plan), US_STR_ARG(us_sql_text(&rows, 3)));
  assert_code(us_sql_close(&rows), US_OK);
  return plan.p;
}

/* The plan of a statement that is a constant. */
static inline const char *plan_of_text(struct us_cx *cx, const char *sql) {
  struct us_value values[US_SQL_PARAMETERS_MAX] = {{.kind = US_VALUE_NULL}};
  struct us_str explain = us_str_fmt(cx->mem, "EXPLAIN QUERY PLAN %s", sql);
  struct us_str steps = US_STR("");
  struct us_rows rows;
  size_t count = 0;
  for (char parameter[8]; count < 8; count++) {
    snprintf(parameter, sizeof(parameter), "$%zu", count + 1);
    if (strstr(sql, parameter) == NULL)
      break;
  }
  assert_code(us_sql_open_composed(cx, &rows, explain.p, values, count), US_OK);
  while (us_sql_next(&rows))
    steps = us_str_fmt(cx->mem, "%.*s%.*s\n", US_STR_ARG(steps), US_STR_ARG(us_sql_text(&rows, 3)));
  assert_code(us_sql_close(&rows), US_OK);
  return steps.p != NULL ? steps.p : "";
}

/* Walking over the elements of a row's own JSON array is no scan of a table, nor is walking over constants or over what a subquery has
 * just found. */
static inline bool is_table(const char *plan, const char *scanned) {
  char made[64];
  int n = (int)strcspn(scanned, " \n");
  if (strncmp(scanned, "e VIRTUAL TABLE", 15) == 0 || strncmp(scanned, "CONSTANT ROW", 12) == 0)
    return false;
  for (size_t i = 0; i < 2; i++) {
    snprintf(made, sizeof(made), "%s %.*s\n", i ? "CO-ROUTINE" : "MATERIALIZE", n, scanned);
    if (strstr(plan, made) != NULL)
      return false;
  }
  return true;
}
static inline bool scans(const char *plan) {
  for (const char *p = strstr(plan, "SCAN "); p != NULL; p = strstr(p + 1, "SCAN ")) {
    if (is_table(plan, p + 5))
      return true;
  }
  return false;
}

#define assert_plan(plan, index, sorts) check_plan((plan), (index), (sorts), __FILE__, __LINE__)
static inline void check_plan(const char *plan, const char *index, bool sorts, const char *file, int line) {
  bool is_good = !scans(plan) && strstr(plan, index) != NULL && (strstr(plan, "TEMP B-TREE") != NULL) == sorts;
  if (is_good)
    return;
  print_error("wanted %s%s and no scan:\n%s", index, sorts ? ", sorted" : ", not sorted", plan == NULL ? "" : plan);
  _fail(file, line);
}

static inline struct us_filter *compare(struct us_cx *cx, const struct us_list *list, const char *field,
                                        const char *text) {
  struct us_filter *f = US_NEW(cx->mem, struct us_filter);
  assert_non_null(f);
  *f = (struct us_filter){.kind = US_FILTER_COMPARE, .op = US_OP_EQ, .field = us_str_c(field), .text = us_str_c(text)};
  while (strcmp(list->fields[f->slot].name, field) != 0)
    f->slot++;
  return f;
}

static inline struct us_filter *join(struct us_cx *cx, int kind, struct us_filter *a, struct us_filter *b) {
  struct us_filter *f = US_NEW(cx->mem, struct us_filter);
  assert_non_null(f);
  *f = (struct us_filter){.kind = kind, .first = a};
  a->next = b;
  return f;
}

static struct us_filter all __attribute__((unused)) = {.kind = US_FILTER_TRUE};

static inline struct us_cx *begin(void **state) {
  struct store *s = *state;
  s->cx->db = s->db;
  return s->cx;
}

#endif
