/* The filter grammar of REST contract a.9: what is read, what is refused, at the limits and one past them. */
#include "../unit.h"

#include "json/filter.h"

static struct us_filter *parsed(struct us_cx *cx, const char *text) {
  struct us_filter *filter = NULL;
  enum us_code code = us_filter_parse(cx, us_str_c(text), &filter);
  if (code != US_OK)
    fail_msg("'%s' was refused: %.*s", text, US_STR_ARG(cx->err.text));
  return filter;
}

static void refused(struct us_cx *cx, const char *text) {
  struct us_filter *filter = NULL;
  if (us_filter_parse(cx, us_str_c(text), &filter) != US_E_INVALID_REQUEST)
    fail_msg("'%s' was not refused", text);
  us_error_clear(cx);
}

/* The tree with every bracket written out. */
static struct us_str shown(struct us_cx *cx, const struct us_filter *f) {
  struct us_str out = US_STR("");
  switch (f->kind) {
  case US_FILTER_TRUE:
    return US_STR("true");
  case US_FILTER_FALSE:
    return US_STR("false");
  case US_FILTER_COMPARE:
    if (f->op == US_OP_PR)
      return us_str_fmt(cx->mem, "%.*s pr", US_STR_ARG(f->field));
    out = f->value_kind == US_FILTER_STRING ? us_str_fmt(cx->mem, "\"%.*s\"", US_STR_ARG(f->text)) : f->text;
    return us_str_fmt(cx->mem, "%.*s %d %.*s", US_STR_ARG(f->field), f->op, US_STR_ARG(out));
  case US_FILTER_NOT:
    return us_str_fmt(cx->mem, "!%.*s", US_STR_ARG(shown(cx, f->first)));
  default:
    for (const struct us_filter *part = f->first; part; part = part->next)
      out = us_str_fmt(cx->mem, "%.*s%s%.*s", US_STR_ARG(out),
                       part == f->first          ? ""
                       : f->kind == US_FILTER_OR ? "|"
                                                 : "&",
                       US_STR_ARG(shown(cx, part)));
    return us_str_fmt(cx->mem, "(%.*s)", US_STR_ARG(out));
  }
}

static void reads_as(struct us_cx *cx, const char *text, const char *tree) {
  assert_str(shown(cx, parsed(cx, text)), tree);
}

static void and_binds_tighter_than_or(void **state) {
  struct us_cx *cx = *state;
  reads_as(cx, "a eq 1 or b eq 2 and c eq 3", "(a 0 1|(b 0 2&c 0 3))");
  reads_as(cx, "(a eq 1 or b eq 2) and c eq 3", "((a 0 1|b 0 2)&c 0 3)");
  reads_as(cx, "true OR false oR true", "(true|false|true)");
  reads_as(cx, "!a pr and b pr", "(!a pr&b pr)");
  reads_as(cx, "! ( a pr And b pr )", "!(a pr&b pr)");
  reads_as(cx, "!!true", "!!true");
}

static void pointers_lose_their_leading_slash_only(void **state) {
  struct us_cx *cx = *state;
  reads_as(cx, "/permissions/subject EQ 'bob'", "permissions/subject 0 \"bob\"");
  reads_as(cx, "  permissions/subject\teq \"bob\"\r\n", "permissions/subject 0 \"bob\"");
  reads_as(cx, "//a eq 1", "/a 0 1");
}

static void every_operator_is_known_and_others_are_kept(void **state) {
  static const char *const names[] = {"eq", "CO", "sw", "Lt", "le", "gt", "gE"};
  struct us_cx *cx = *state;
  for (int i = 0; i < 7; i++)
    assert_int_equal(parsed(cx, us_str_fmt(cx->mem, "a %s 1", names[i]).p)->op, i);
  struct us_filter *other = parsed(cx, "a near.By_2 'x'");
  assert_int_equal(other->op, US_OP_OTHER);
  assert_str(other->op_text, "near.By_2");
}

static void values_are_strings_numbers_and_truths(void **state) {
  struct us_cx *cx = *state;
  assert_str(parsed(cx, "a eq \"q\\\"b\\\\ \\u00e9\\ud83d\\ude00\\n'\"")->text, "q\"b\\ \xC3\xA9\xF0\x9F\x98\x80\n'");
  assert_str(parsed(cx, "a eq 'it\\'s'")->text, "it's");
  assert_str(parsed(cx, "a eq ''")->text, "");
  assert_true(parsed(cx, "a eq -1.5e2")->number == -150.0);
  assert_int_equal(parsed(cx, "a eq 0")->value_kind, US_FILTER_NUMBER);
  assert_true(parsed(cx, "a eq TRUE")->truth);
  assert_false(parsed(cx, "a eq false")->truth);
}

static void anything_else_is_refused(void **state) {
  static const char *const bad[] = {"",
                                    " ",
                                    "a",
                                    "a eq",
                                    "a eq bob",
                                    "eq",
                                    "a eq 1 b eq 2",
                                    "a eq 1 and",
                                    "and a pr",
                                    "(a pr",
                                    "a pr)",
                                    "()",
                                    "!",
                                    "a eq 'x",
                                    "a eq \"x'",
                                    "a eq 'x\\",
                                    "a eq 01",
                                    "a eq 1.",
                                    "a eq .5",
                                    "a eq 1e",
                                    "a eq +1",
                                    "a eq -",
                                    "a e! 1",
                                    "/ eq 1",
                                    "a eq null",
                                    "a eq NaN",
                                    "a eq 0x1",
                                    "'a' eq 1",
                                    "a eq '\\u12'",
                                    "a eq '\\ud800'",
                                    "a eq '\\u0000'",
                                    "a eq '\\udc00\\ud800'",
                                    "true true",
                                    "true and or false",
                                    "a (eq) 1",
                                    "a pr 1",
                                    "a eq '\\",
                                    "a eq 'x''y'"};
  struct us_cx *cx = *state;
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    refused(cx, bad[i]);
}

static const char *repeated(struct us_cx *cx, const char *head, size_t heads, const char *middle, const char *tail,
                            size_t tails) {
  size_t n = strlen(head) * heads + strlen(middle) + strlen(tail) * tails;
  char *text = us_mem_alloc(cx->mem, n + 1), *at = text;
  assert_non_null(text);
  for (size_t i = 0; i < heads; i++)
    at = stpcpy(at, head);
  at = stpcpy(at, middle);
  for (size_t i = 0; i < tails; i++)
    at = stpcpy(at, tail);
  return text;
}

static void depth_has_a_limit(void **state) {
  struct us_cx *cx = *state;
  parsed(cx, repeated(cx, "(", US_FILTER_MAX_DEPTH, "true", ")", US_FILTER_MAX_DEPTH));
  refused(cx, repeated(cx, "(", US_FILTER_MAX_DEPTH + 1, "true", ")", US_FILTER_MAX_DEPTH + 1));
  parsed(cx, repeated(cx, "!", US_FILTER_MAX_DEPTH, "true", "", 0));
  refused(cx, repeated(cx, "!", US_FILTER_MAX_DEPTH + 1, "true", "", 0));
  refused(cx, repeated(cx, "!(", US_FILTER_MAX_BYTES / 2, "", "", 0));
  parsed(cx, "((true) and (true)) or ((true) and (true))"); /* brackets side by side are not deep */
}

static void comparisons_have_a_limit(void **state) {
  struct us_cx *cx = *state;
  parsed(cx, repeated(cx, "a pr or ", US_FILTER_MAX_TERMS - 1, "a pr", "", 0));
  refused(cx, repeated(cx, "a pr or ", US_FILTER_MAX_TERMS, "a pr", "", 0));
}

static void length_has_a_limit(void **state) {
  struct us_cx *cx = *state;
  parsed(cx, repeated(cx, " ", US_FILTER_MAX_BYTES - 4, "true", "", 0));
  refused(cx, repeated(cx, " ", US_FILTER_MAX_BYTES - 3, "true", "", 0));
}

static void many_long_strings_stay_within_the_memory_of_a_request(void **state) {
  struct us_cx *cx = *state;
  size_t before = us_mem_used(cx->mem);
  parsed(cx, repeated(cx, "a eq 'x' or ", US_FILTER_MAX_TERMS - 1, "a eq 'x'", " ", 60000));
  assert_true(us_mem_used(cx->mem) - before < 256 * 1024);
}

static void refusal_quotes_the_value_and_no_half_character(void **state) {
  struct us_cx *cx = *state;
  struct us_filter *filter;
  assert_int_equal(us_filter_parse(cx, US_STR("a eq"), &filter), US_E_INVALID_REQUEST);
  assert_str(cx->err.text, "The value 'a eq' for parameter '_queryFilter' could not be parsed as a valid query filter");
  const char *longer = repeated(cx, "\xC3\xA9", 400, "", "", 0);
  assert_int_equal(us_filter_parse(cx, us_str_c(longer), &filter), US_E_INVALID_REQUEST);
  assert_true(us_str_is_utf8(cx->err.text));
  assert_true(cx->err.text.n < 400);
}

static bool is_a(void *self, const struct us_filter *comparison) {
  return us_str_eq(comparison->field, US_STR("a"));
}

static void trees_are_evaluated(void **state) {
  struct us_cx *cx = *state;
  static const struct {
    const char *text;
    bool holds;
    int constant;
  } cases[] = {
      {"true", true, 1},
      {"false", false, 0},
      {"!false", true, 1},
      {"a pr", true, -1},
      {"b pr", false, -1},
      {"a pr and b pr", false, -1},
      {"a pr or b pr", true, -1},
      {"!(a pr and b pr)", true, -1},
      {"a pr or true", true, 1},
      {"b pr and false", false, 0},
      {"b pr or false", false, -1},
      {"a pr and true", true, -1},
      {"!(b pr or true)", false, 0},
      {"true and (false or !false)", true, 1},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct us_filter *f = parsed(cx, cases[i].text);
    assert_int_equal(us_filter_matches(f, is_a, NULL), cases[i].holds);
    assert_int_equal(us_filter_constant(f), cases[i].constant);
  }
}

static bool text_holds(struct us_cx *cx, const char *filter, const char *text, bool fold) {
  return us_filter_text_holds(parsed(cx, filter), us_str_c(text), fold);
}

static void texts_compare(void **state) {
  struct us_cx *cx = *state;
  assert_true(text_holds(cx, "a eq 'Bob'", "bOB", true));
  assert_false(text_holds(cx, "a eq 'Bob'", "bOB", false));
  assert_true(text_holds(cx, "a sw 'Bo'", "Bob", false));
  assert_false(text_holds(cx, "a sw 'ob'", "Bob", false));
  assert_true(text_holds(cx, "a co 'ob'", "Bob", false));
  assert_true(text_holds(cx, "a co ''", "", false));
  assert_false(text_holds(cx, "a co 'Bobby'", "Bob", false));
  assert_true(text_holds(cx, "a lt 'b'", "a", false));
  assert_false(text_holds(cx, "a lt 'a'", "a", false));
  assert_true(text_holds(cx, "a le 'a'", "a", false));
  assert_true(text_holds(cx, "a gt 'a'", "ab", false));
  assert_true(text_holds(cx, "a ge 'a'", "a", false));
  assert_false(text_holds(cx, "a eq 1", "1", false)); /* a number is no text */
  assert_false(text_holds(cx, "a eq 'x'", NULL, false));
  assert_false(text_holds(cx, "a pr", NULL, false));
  assert_true(text_holds(cx, "a pr", "", false));
}

static void numbers_compare(void **state) {
  struct us_cx *cx = *state;
  assert_true(us_filter_number_holds(parsed(cx, "a gt 1935600000000"), 1935600000001));
  assert_false(us_filter_number_holds(parsed(cx, "a gt 1935600000001"), 1935600000001));
  assert_true(us_filter_number_holds(parsed(cx, "a eq 5"), 5));
  assert_true(us_filter_number_holds(parsed(cx, "a lt 5.5"), 5));
  assert_false(us_filter_number_holds(parsed(cx, "a eq '5'"), 5));
  assert_true(us_filter_number_holds(parsed(cx, "a pr"), 0));
}

static void a_short_memory_is_no_bad_filter(void **state) {
  struct us_cx *cx = unit_cx_new(4096);
  struct us_filter *filter;
  struct us_cx *roomy = *state;
  const char *text = repeated(roomy, "a pr or ", 200, "a pr", "", 0);
  assert_int_equal(us_filter_parse(cx, us_str_c(text), &filter), US_E_NO_MEMORY);
  unit_cx_free(cx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT_WITH_CX(and_binds_tighter_than_or),
      UNIT_WITH_CX(pointers_lose_their_leading_slash_only),
      UNIT_WITH_CX(every_operator_is_known_and_others_are_kept),
      UNIT_WITH_CX(values_are_strings_numbers_and_truths),
      UNIT_WITH_CX(anything_else_is_refused),
      UNIT_WITH_CX(depth_has_a_limit),
      UNIT_WITH_CX(comparisons_have_a_limit),
      UNIT_WITH_CX(length_has_a_limit),
      UNIT_WITH_CX(many_long_strings_stay_within_the_memory_of_a_request),
      UNIT_WITH_CX(refusal_quotes_the_value_and_no_half_character),
      UNIT_WITH_CX(trees_are_evaluated),
      UNIT_WITH_CX(texts_compare),
      UNIT_WITH_CX(numbers_compare),
      UNIT_WITH_CX(a_short_memory_is_no_bad_filter),
  };
  return UNIT_RUN(tests);
}
