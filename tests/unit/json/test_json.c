/* json/json.h: RFC 8259 and no more (HT-16 to HT-20), limits at the limit and one past it, clean messages (OA-24). */
#include <stdio.h>

#include "../unit.h"
#include "base/buf.h"
#include "json/json.h"

static enum us_code parse(struct us_cx *cx, struct us_str text, json_t **ret_value) {
  return us_json_parse(cx, text, US_E_INVALID_REQUEST, ret_value);
}

static void assert_refused(struct us_cx *cx, struct us_str text, const char *why) {
  json_t *value = NULL;
  assert_int_equal(parse(cx, text, &value), US_E_INVALID_REQUEST);
  assert_null(value);
  if (!strstr(cx->err.text.p, why)) {
    print_error("'%s' should say '%s'\n", cx->err.text.p, why);
    fail();
  }
  for (size_t i = 0; i < cx->err.text.n; i++)
    assert_true(cx->err.text.p[i] >= ' ' && cx->err.text.p[i] <= '~' && !strchr("\"\\", cx->err.text.p[i]));
}

static void assert_taken(struct us_cx *cx, struct us_str text) {
  json_t *value = NULL;
  if (parse(cx, text, &value) != US_OK)
    print_error("%s\n", cx->err.text.p);
  assert_non_null(value);
}

static void takes_the_grammar(void **state) {
  struct us_cx *cx = *state;
  static const char *const good[] = {"{}",
                                     "[]",
                                     " [1, -2, 3.5e-3, true, false, null] ",
                                     "\"\\u00e9\\ud83d\\ude00\\/\\b\\f\\n\"",
                                     "{\"a\":{\"a\":[[]]},\"b\":\"\"}",
                                     "0",
                                     "-0.0",
                                     "9223372036854775807",
                                     "-9223372036854775808",
                                     "1e308"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_taken(cx, unit_str(good[i]));
}

/* HT-18 */
static void refuses_all_other_grammar(void **state) {
  struct us_cx *cx = *state;
  static const char *const bad[] = {
      "{\"a\":1,}", "[1,]",  "[,1]",      "{'a':1}",   "NaN",       "[Infinity]", "01",    "+1",  ".5",   "1.",
      "1e",         "0x1F",  "/**/{}",    "// x\n{}",  "\"\t\"",    "\"\x01\"",   "{a:1}", "tru", "True", "\"a",
      "{\"a\"",     "[1 2]", "{\"a\" 1}", "\"\\x41\"", "\"\\u12\"", "]",          "-",     "   ", "{]"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_refused(cx, unit_str(bad[i]), "The provided content is not valid JSON: ");
  assert_refused(cx, US_STR(""), "it is empty");
  assert_refused(cx, US_STR_ABSENT, "it is empty");
  assert_refused(cx, US_STR("{} {}"), "trailing data");
  assert_refused(cx, US_STR("{}x"), "trailing data");
  assert_refused(cx, US_STR("{\"a\":"), "ends too early");
}

/* HT-16 */
static void refuses_bad_utf8_and_a_byte_order_mark(void **state) {
  struct us_cx *cx = *state;
  assert_refused(cx, US_STR("\"\xC0\x80\""), "invalid UTF-8");
  assert_refused(cx, US_STR("\"\xED\xA0\x80\""), "invalid UTF-8");
  assert_refused(cx, US_STR("\"\xFF\""), "invalid UTF-8");
  assert_refused(cx, US_STR("{\"\xE2\x82\":1}"), "invalid UTF-8");
  assert_refused(cx, US_STR("\xEF\xBB\xBF{}"), "byte order mark");
  assert_refused(cx, US_STR("\xFE\xFF\0{\0}"), "not valid JSON");
}

/* HT-17 */
static void refuses_repeated_names(void **state) {
  struct us_cx *cx = *state;
  assert_refused(cx, US_STR("{\"a\":1,\"a\":1}"), "repeated member name");
  assert_refused(cx, US_STR("{\"abc\":1,\"\\u0061bc\":2}"), "repeated member name");
  assert_refused(cx, US_STR("{\"x\":[{\"b\":{\"c\":1,\"d\":2,\"\\u0063\":3}}]}"), "repeated member name");
  assert_taken(cx, US_STR("{\"a\":{\"a\":1},\"A\":2}"));
}

/* HT-20 */
static void refuses_nul_and_lone_surrogates(void **state) {
  struct us_cx *cx = *state;
  assert_refused(cx, US_STR("\"a\\u0000b\""), "NUL character");
  assert_refused(cx, US_STR("{\"a\\u0000b\":1}"), "NUL character");
  assert_refused(cx, US_STR("{}\0"), "NUL character");
  assert_refused(cx, US_STR("\"a\0b\""), "not valid JSON");
  assert_refused(cx, US_STR("\"\\uD800\""), "not valid JSON");
  assert_refused(cx, US_STR("\"\\uDC00\\uD800\""), "not valid JSON");
  assert_refused(cx, US_STR("\"\\uD800x\""), "not valid JSON");
}

/* `open` n times, `inside`, `close` n times. */
static struct us_str nested(struct us_cx *cx, const char *open, const char *inside, const char *close, size_t n) {
  struct us_buf b;
  us_buf_init(&b, 1 << 20);
  for (size_t i = 0; i < n; i++)
    us_buf_add_c(&b, open);
  us_buf_add_c(&b, inside);
  for (size_t i = 0; i < n; i++)
    us_buf_add_c(&b, close);
  struct us_str text = us_str_dup(cx->mem, us_buf_str(&b));
  us_buf_done(&b);
  return text;
}

/* HT-19 */
static void depth_has_a_limit(void **state) {
  struct us_cx *cx = *state;
  assert_taken(cx, nested(cx, "[", "1", "]", US_JSON_MAX_DEPTH));
  assert_refused(cx, nested(cx, "[", "1", "]", US_JSON_MAX_DEPTH + 1), "nested too deeply");
  assert_taken(cx, nested(cx, "{\"a\":", "1", "}", US_JSON_MAX_DEPTH));
  assert_refused(cx, nested(cx, "{\"a\":", "1", "}", US_JSON_MAX_DEPTH + 1), "nested too deeply");
  assert_refused(cx, nested(cx, "[", "", "", 100000), "nested too deeply");
  /* Brackets in strings are not depth. */
  assert_taken(cx, nested(cx, "", "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[\"", "", 1));
}

static struct us_str array_of(struct us_cx *cx, size_t n) {
  struct us_buf b;
  us_buf_init(&b, 1 << 20);
  us_buf_add_char(&b, '[');
  for (size_t i = 0; i < n; i++)
    us_buf_add_c(&b, i ? " , 1" : "1");
  us_buf_add_char(&b, ']');
  struct us_str text = us_str_dup(cx->mem, us_buf_str(&b));
  us_buf_done(&b);
  return text;
}

static struct us_str object_of(struct us_cx *cx, size_t n) {
  struct us_buf b;
  us_buf_init(&b, 8 << 20);
  us_buf_add_char(&b, '{');
  for (size_t i = 0; i < n; i++)
    us_buf_addf(&b, "%s\"n%zu\":[]", i ? "," : "", i);
  us_buf_add_char(&b, '}');
  struct us_str text = us_str_dup(cx->mem, us_buf_str(&b));
  us_buf_done(&b);
  return text;
}

static void members_and_elements_have_a_limit(void **state) {
  struct us_cx *cx = *state;
  assert_taken(cx, array_of(cx, US_JSON_MAX_NODES));
  assert_refused(cx, array_of(cx, US_JSON_MAX_NODES + 1), "too many members and elements");
  assert_taken(cx, object_of(cx, US_JSON_MAX_NODES));
  assert_refused(cx, object_of(cx, US_JSON_MAX_NODES + 1), "too many members and elements");
  assert_refused(cx, object_of(cx, 200000), "too many members and elements");
}

static void numbers_have_a_range(void **state) {
  struct us_cx *cx = *state;
  assert_refused(cx, US_STR("1e999"), "number out of range");
  assert_refused(cx, US_STR("[-1e999]"), "number out of range");
  assert_refused(cx, US_STR("9223372036854775808"), "number out of range");
  assert_refused(cx, US_STR("-9223372036854775809"), "number out of range");
  char digits[130];
  memset(digits, '1', sizeof digits);
  digits[1] = '.';
  assert_taken(cx, (struct us_str){digits, 128});
  assert_refused(cx, (struct us_str){digits, 129}, "number too long");
  assert_refused(cx, nested(cx, "9", "", "", 500000), "number too long");
}

static void messages_say_where(void **state) {
  struct us_cx *cx = *state;
  assert_refused(cx, US_STR("{\n  \"a\": 1,\n  <script>\"\xC3\xA9\"\n}"), "line 3, byte ");
  assert_refused(cx, US_STR("[1,\n2\xEF"), "line 2");
}

static void the_code_is_the_callers(void **state) {
  struct us_cx *cx = *state;
  json_t *value;
  assert_int_equal(us_json_parse(cx, US_STR("{"), US_E_INVALID_TOKEN, &value), US_E_INVALID_TOKEN);
}

static void a_value_can_be_dropped_early(void **state) {
  struct us_cx *cx = *state;
  size_t before = us_mem_used(cx->mem);
  json_t *value;
  assert_int_equal(parse(cx, US_STR("{\"a\":[1,2]}"), &value), US_OK);
  assert_true(us_mem_used(cx->mem) > before);
  json_t *kept = us_json_own(cx, json_incref(json_object_get(value, "a")));
  us_json_drop(cx, value);
  us_json_drop(cx, NULL);
  assert_int_equal(json_array_size(kept), 2);
  us_json_drop(cx, kept);
  assert_int_equal(us_mem_used(cx->mem), before);
}

static void dumps_in_order_of_insertion(void **state) {
  struct us_cx *cx = *state;
  json_t *value;
  assert_int_equal(parse(cx, US_STR("{ \"z\" : 1, \"a\" : [ true, null, \"\\u00e9\\n\\\"\" ], \"m\": {} }"), &value),
                   US_OK);
  assert_str(us_json_dump(cx, value), "{\"z\":1,\"a\":[true,null,\"\xC3\xA9\\n\\\"\"],\"m\":{}}");
  assert_null(us_json_dump(cx, NULL).p);
}

static void no_memory_is_its_own_code(void **state) {
  (void)state;
  struct us_cx *cx = unit_cx_new(1);
  json_t *value = NULL;
  struct us_strs set;
  assert_int_equal(parse(cx, US_STR("{}"), &value), US_E_NO_MEMORY);
  assert_null(value);
  assert_int_equal(us_json_to_strs(cx, US_STR("[\"a\"]"), &set), US_E_NO_MEMORY);
  assert_int_equal(us_json_to_strs(cx, US_STR("[\"\\n\"]"), &set), US_E_NO_MEMORY);
  json_t *array = json_array();
  assert_null(us_json_dump(cx, array).p);
  json_decref(array);
  unit_cx_free(cx);
}

static void stored_lists_survive_the_round_trip(void **state) {
  struct us_cx *cx = *state;
  struct us_str members[] = {US_STR("view"), US_STR(""), US_STR("a,b]"), US_STR("\"q\\\n\x01\xC3\xA9")};
  for (size_t n = 0; n <= 4; n++) {
    struct us_strs set;
    struct us_str text = us_json_from_strs(cx->mem, (struct us_strs){members, n});
    assert_int_equal(us_json_to_strs(cx, text, &set), US_OK);
    assert_int_equal(set.n, n);
    for (size_t i = 0; i < n; i++) {
      assert_true(us_str_eq(set.v[i], members[i]));
      assert_int_equal(set.v[i].p[set.v[i].n], '\0');
    }
  }
  assert_str(us_json_from_strs(cx->mem, (struct us_strs){members, 2}), "[\"view\",\"\"]");
  struct us_strs set;
  assert_int_equal(us_json_to_strs(cx, US_STR(" [ \"a\" , \"b\" ] "), &set), US_OK);
  assert_str(us_strs_join(cx->mem, set, "+"), "a+b");
}

static void a_bad_stored_list_is_our_fault(void **state) {
  struct us_cx *cx = *state;
  static const char *const bad[] = {"",
                                    "[",
                                    "[\"a\"",
                                    "[\"a\",]",
                                    "[\"a\"]]",
                                    "[\"a\" \"b\"]",
                                    "[\"a\"x]",
                                    "[1]",
                                    "{\"a\":\"b\"}",
                                    "\"a\"",
                                    "null",
                                    "[,\"a\"]",
                                    "[\"a\",1]",
                                    "[\"a]",
                                    "]",
                                    "[\"a\"b\"]",
                                    "[\"\\u0000\"]"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct us_strs set;
    assert_int_equal(us_json_to_strs(cx, unit_str(bad[i]), &set), US_E_INTERNAL);
    assert_null(cx->err.text.p);
    assert_non_null(cx->err.detail.p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT_WITH_CX(takes_the_grammar),
      UNIT_WITH_CX(refuses_all_other_grammar),
      UNIT_WITH_CX(refuses_bad_utf8_and_a_byte_order_mark),
      UNIT_WITH_CX(refuses_repeated_names),
      UNIT_WITH_CX(refuses_nul_and_lone_surrogates),
      UNIT_WITH_CX(depth_has_a_limit),
      UNIT_WITH_CX(members_and_elements_have_a_limit),
      UNIT_WITH_CX(numbers_have_a_range),
      UNIT_WITH_CX(messages_say_where),
      UNIT_WITH_CX(the_code_is_the_callers),
      UNIT_WITH_CX(a_value_can_be_dropped_early),
      UNIT_WITH_CX(dumps_in_order_of_insertion),
      cmocka_unit_test(no_memory_is_its_own_code),
      UNIT_WITH_CX(stored_lists_survive_the_round_trip),
      UNIT_WITH_CX(a_bad_stored_list_is_our_fault),
  };
  return UNIT_RUN(tests);
}
