/* JSON pointers, with the examples of RFC 6901 5. */
#include "../unit.h"
#include "json/pointer.h"

static const char RFC[] =
    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,"
    "\" \":7,\"m~n\":8}";

static json_t *document(const char *text) {
  json_t *value = json_loads(text, 0, NULL);
  assert_non_null(value);
  return value;
}

static void finds_what_the_rfc_says(void **state) {
  (void)state;
  static const struct {
    const char *pointer;
    int number;
  } cases[] = {{"/", 0},     {"/a~1b", 1}, {"/c%d", 2}, {"/e^f", 3}, {"/g|h", 4},
               {"/i\\j", 5}, {"/k\"l", 6}, {"/ ", 7},   {"/m~0n", 8}};
  json_t *root = document(RFC);
  assert_ptr_equal(us_json_pointer_get(root, US_STR("")), root);
  assert_string_equal(json_string_value(us_json_pointer_get(root, US_STR("/foo/0"))), "bar");
  assert_int_equal(json_array_size(us_json_pointer_get(root, US_STR("/foo"))), 2);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    json_t *value = us_json_pointer_get(root, us_str_c(cases[i].pointer));
    if (!json_is_integer(value) || json_integer_value(value) != cases[i].number)
      fail_msg("%s", cases[i].pointer);
  }
  json_decref(root);
}

static void finds_nothing_elsewhere(void **state) {
  (void)state;
  static const char *const none[] = {"foo", "/foo/2", "/foo/00", "/foo/-",   "/foo/-1", "/foo/0/x",
                                     "/m~", "/m~2n",  "/bar",    "/foo/1e0", "//",      "/foo/18446744073709551616"};
  json_t *root = document(RFC);
  for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
    if (us_json_pointer_get(root, us_str_c(none[i])))
      fail_msg("%s", none[i]);
  assert_null(us_json_pointer_get(NULL, US_STR("")));
  json_decref(root);
}

static void bounds_the_text(void **state) {
  (void)state;
  char name[US_JSON_POINTER_MAX_BYTES + 2];
  json_t *root = json_object();
  memset(name, 'a', sizeof(name));
  name[0] = '/';
  assert_int_equal(json_object_setn_new(root, name + 1, US_JSON_POINTER_MAX_BYTES - 1, json_true()), 0);
  assert_int_equal(json_object_setn_new(root, name + 1, US_JSON_POINTER_MAX_BYTES, json_true()), 0);
  assert_non_null(us_json_pointer_get(root, (struct us_str){name, US_JSON_POINTER_MAX_BYTES}));
  assert_null(us_json_pointer_get(root, (struct us_str){name, US_JSON_POINTER_MAX_BYTES + 1}));
  json_decref(root);
}

static void sets_and_takes_away(void **state) {
  (void)state;
  json_t *root = document("{\"a\":{\"b\":[1,2]}}");
  assert_true(us_json_pointer_set(root, US_STR("/a/b/0"), json_integer(9)));
  assert_true(us_json_pointer_set(root, US_STR("/a/b/-"), json_integer(3)));
  assert_true(us_json_pointer_set(root, US_STR("/a/b/3"), json_integer(4)));
  assert_true(us_json_pointer_set(root, US_STR("/a/c"), json_string("x")));
  assert_true(us_json_pointer_set(root, US_STR("/a/b/1"), NULL));
  char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
  assert_string_equal(text, "{\"a\":{\"b\":[9,3,4],\"c\":\"x\"}}");
  free(text);
  assert_false(us_json_pointer_set(root, US_STR(""), json_integer(1)));
  assert_false(us_json_pointer_set(root, US_STR("/x/y"), json_integer(1)));
  assert_false(us_json_pointer_set(root, US_STR("/a/b/9"), json_integer(1)));
  assert_false(us_json_pointer_set(root, US_STR("/a/c/d"), json_integer(1)));
  assert_false(us_json_pointer_set(root, US_STR("/a/none"), NULL));
  assert_false(us_json_pointer_set(NULL, US_STR("/a"), json_integer(1)));
  json_decref(root);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_what_the_rfc_says),
      cmocka_unit_test(finds_nothing_elsewhere),
      cmocka_unit_test(bounds_the_text),
      cmocka_unit_test(sets_and_takes_away),
  };
  return UNIT_RUN(tests);
}
