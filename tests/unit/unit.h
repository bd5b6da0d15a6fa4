/*
 * What every unit test needs: cmocka with the headers it wants before it, TAP output, a context of its own for each test
 * and checks of counted strings that print both sides.
 */
#ifndef USHER_TESTS_UNIT_H
#define USHER_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka comes after the four it needs. */
#include <cmocka.h>

#include "base/cx.h"
#include "base/mem.h"

#define UNIT_RUN(tests) (cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests(tests, NULL, NULL))
/* A test that gets a context as *state. */
#define UNIT_WITH_CX(test) cmocka_unit_test_setup_teardown(test, unit_cx_setup, unit_cx_teardown)

static inline struct us_cx *unit_cx_new(size_t max_bytes) {
  struct us_cx *cx = test_calloc(1, sizeof *cx);
  cx->mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, max_bytes);
  assert_non_null(cx->mem);
  return cx;
}

static inline void unit_cx_free(struct us_cx *cx) {
  us_mem_free(cx->mem);
  test_free(cx);
}

static inline int unit_cx_setup(void **state) {
  *state = unit_cx_new(US_MEM_REQUEST_MAX_BYTES);
  return 0;
}

static inline int unit_cx_teardown(void **state) {
  unit_cx_free(*state);
  return 0;
}

static inline struct us_str unit_str(const char *c_string) {
  return us_str_c(c_string);
}

#define assert_str(s, expected) unit_assert_str((s), (expected), __FILE__, __LINE__)
static inline void unit_assert_str(struct us_str s, const char *expected, const char *file, int line) {
  if (us_str_eq_c(s, expected) && s.p)
    return;
  print_error("'%.*s'%s instead of '%s'\n", US_STR_ARG(s), s.p ? "" : " (absent)", expected);
  _fail(file, line);
}

#endif
