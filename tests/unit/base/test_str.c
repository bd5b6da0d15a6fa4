/* base/str.h: slices, UTF-8, numbers and sets. */
#include "../unit.h"
#include "base/str.h"

static void compares_by_length_and_bytes(void **state) {
  (void)state;
  assert_true(us_str_eq(US_STR("ab"), US_STR("ab")));
  assert_false(us_str_eq(US_STR("ab"), US_STR("abc")));
  assert_false(us_str_eq(US_STR("ab"), US_STR("aB")));
  assert_true(us_str_eq(US_STR_ABSENT, US_STR("")));
  assert_true(us_str_eq_nocase(US_STR("_pageSIZE"), US_STR("_PageSize")));
  assert_false(us_str_eq_nocase(US_STR("["), US_STR("{")));
  assert_false(us_str_eq_nocase(US_STR("a"), US_STR("ab")));
  assert_true(us_str_starts(US_STR("abc"), US_STR("ab")));
  assert_true(us_str_starts(US_STR("abc"), US_STR("")));
  assert_false(us_str_starts(US_STR("a"), US_STR("ab")));
  assert_true(us_str_has_nul((struct us_str){"a\0b", 3}));
  assert_false(us_str_has_nul(US_STR("ab")));
  assert_null(us_str_c(NULL).p);
}

static void blank_is_whitespace_or_nothing(void **state) {
  assert_true(us_str_is_blank(US_STR("")));
  assert_true(us_str_is_blank(US_STR_ABSENT));
  assert_true(us_str_is_blank(US_STR(" \t\r\n ")));
  assert_false(us_str_is_blank(US_STR(" a ")));
  assert_false(us_str_is_blank(US_STR("  \v")));
  assert_false(us_str_is_blank((struct us_str){" \0", 2}));
}

static void utf8_is_that_of_rfc_3629(void **state) {
  (void)state;
  static const char *const good[] = {"",
                                     "plain text that is longer than eight",
                                     "\x7F",
                                     "\xC2\x80",
                                     "\xDF\xBF",
                                     "\xE0\xA0\x80",
                                     "\xED\x9F\xBF",
                                     "\xEE\x80\x80",
                                     "\xEF\xBF\xBF",
                                     "\xF0\x90\x80\x80",
                                     "\xF4\x8F\xBF\xBF",
                                     "1234567\xC3\xA9"};
  static const char *const bad[] = {"\x80",         "\xC0\x80",         "\xC1\xBF",         "\xC2",
                                    "\xE0\x9F\xBF", "\xED\xA0\x80",     "\xED\xBF\xBF",     "\xE2\x82",
                                    "\xE2\x28\xA1", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                                    "\xFF",         "\xF0\x90\x80",     "12345678\xC3",     "1234567\xC3"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_true(us_str_is_utf8(unit_str(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_false(us_str_is_utf8(unit_str(bad[i])));
  assert_int_equal(us_str_utf8_char(US_STR("\xE2\x82\xAC.")), 3);
  assert_int_equal(us_str_utf8_char(US_STR_ABSENT), 0);
}

static void copies_end_with_nul(void **state) {
  struct us_cx *cx = *state;
  struct us_str copy = us_str_dup(cx->mem, (struct us_str){"abcdef", 3});
  assert_string_equal(copy.p, "abc");
  assert_null(us_str_dup(cx->mem, US_STR_ABSENT).p);
  assert_non_null(us_str_dup(cx->mem, US_STR("")).p);
  assert_string_equal(us_str_cdup(cx->mem, US_STR_ABSENT), "");
  assert_str(us_str_fold(cx->mem, US_STR("AbZ-[\xC3\x89")), "abz-[\xC3\x89");
}

static void formats_short_and_long(void **state) {
  struct us_cx *cx = *state;
  char text[601];
  memset(text, 'x', 600);
  text[600] = '\0';
  assert_str(us_str_fmt(cx->mem, "%d-%s", 5, "a"), "5-a");
  for (int n = 254; n < 259; n++) {
    struct us_str s = us_str_fmt(cx->mem, "%.*s", n, text);
    assert_int_equal(s.n, n);
    assert_int_equal(strlen(s.p), n);
  }
}

static void splits_and_counts(void **state) {
  struct us_cx *cx = *state;
  struct us_strs parts;
  assert_true(us_str_split(cx->mem, US_STR("  a bc   d "), ' ', 3, &parts));
  assert_int_equal(parts.n, 3);
  assert_str(parts.v[1], "bc");
  assert_str(us_strs_join(cx->mem, parts, ", "), "a, bc, d");
  assert_false(us_str_split(cx->mem, US_STR("a b c d"), ' ', 3, &parts));
  assert_true(us_str_split(cx->mem, US_STR("   "), ' ', 0, &parts));
  assert_int_equal(parts.n, 0);
  assert_str(us_strs_join(cx->mem, parts, ", "), "");
  assert_true(us_str_split(cx->mem, US_STR_ABSENT, ' ', 1, &parts));
  assert_int_equal(parts.n, 0);
}

static void reads_whole_numbers_only(void **state) {
  (void)state;
  uint64_t n = 0;
  assert_true(us_str_to_u64(US_STR("0"), 0, &n));
  assert_true(us_str_to_u64(US_STR("18446744073709551615"), UINT64_MAX, &n));
  assert_true(n == UINT64_MAX);
  assert_true(us_str_to_u64(US_STR("0010"), 10, &n));
  assert_int_equal(n, 10);
  static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1x", "18446744073709551616", "99999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_false(us_str_to_u64(unit_str(bad[i]), UINT64_MAX, &n));
  assert_true(us_str_to_u64(US_STR("10"), 10, &n));
  assert_false(us_str_to_u64(US_STR("11"), 10, &n));
}

static struct us_strs set_of(struct us_cx *cx, const char *words) {
  struct us_strs set;
  assert_true(us_str_split(cx->mem, unit_str(words), ' ', 100, &set));
  return set;
}

static void assert_set(struct us_cx *cx, struct us_strs set, const char *words) {
  assert_str(us_strs_join(cx->mem, set, " "), words);
}

static void sets_keep_order_and_drop_repeats(void **state) {
  struct us_cx *cx = *state;
  struct us_strs a = set_of(cx, "c a b a"), b = set_of(cx, "b d b c"), none = {NULL, 0};
  assert_set(cx, us_strs_unique(cx->mem, a), "c a b");
  assert_set(cx, us_strs_union(cx->mem, a, b), "c a b d");
  assert_set(cx, us_strs_intersect(cx->mem, a, b), "c b");
  assert_set(cx, us_strs_minus(cx->mem, a, b), "a");
  assert_set(cx, us_strs_minus(cx->mem, a, none), "c a b");
  assert_set(cx, us_strs_union(cx->mem, none, none), "");
  assert_true(us_strs_has(a, US_STR("b")));
  assert_false(us_strs_has(a, US_STR("B")));
  assert_true(us_strs_contains_all(a, set_of(cx, "b a")));
  assert_false(us_strs_contains_all(a, b));
  assert_true(us_strs_contains_all(none, none));
}

static void an_empty_result_can_be_told_from_no_memory(void **state) {
  struct us_cx *cx = *state;
  struct us_strs a = set_of(cx, "a b");
  assert_non_null(us_strs_minus(cx->mem, a, a).v);
  assert_false(us_mem_is_spent(cx->mem));
  void *poor = us_mem_root_new(0, 1);
  assert_null(us_strs_minus(poor, a, a).v);
  assert_null(us_strs_union(poor, a, a).v);
  assert_null(us_strs_join(poor, a, " ").p);
  assert_null(us_str_fmt(poor, "%s", "x").p);
  assert_null(us_str_cdup(poor, US_STR("x")));
  assert_true(us_mem_is_spent(poor));
  us_mem_free(poor);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(compares_by_length_and_bytes),
      cmocka_unit_test(blank_is_whitespace_or_nothing),
      cmocka_unit_test(utf8_is_that_of_rfc_3629),
      UNIT_WITH_CX(copies_end_with_nul),
      UNIT_WITH_CX(formats_short_and_long),
      UNIT_WITH_CX(splits_and_counts),
      cmocka_unit_test(reads_whole_numbers_only),
      UNIT_WITH_CX(sets_keep_order_and_drop_repeats),
      UNIT_WITH_CX(an_empty_result_can_be_told_from_no_memory),
  };
  return UNIT_RUN(tests);
}
