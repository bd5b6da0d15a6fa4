/* json/field.h: every kind, flag and limit of a row, in JSON and in forms, and the exact words of each refusal. */
#include <stdio.h>

#include "../unit.h"
#include "json/field.h"
#include "json/json.h"

enum color { RED = 3, BLUE = 5 };
static const struct us_enum_name color_names[] = {{"red", RED}, {"blue", BLUE}, {NULL, 0}};

struct rule {
  struct us_str subject;
  struct us_strs scopes;
};
static const struct us_field rule_fields[] = {
    {"subject", US_FIELD_STRING, offsetof(struct rule, subject), US_FIELD_REQUIRED, .max = 8},
    {"scopes", US_FIELD_STRINGS, offsetof(struct rule, scopes), US_FIELD_REQUIRED, .max = 3, .item_max = 6},
};
static const struct us_field_table plain_rule = {.size = sizeof(struct rule), US_FIELDS(rule_fields)};
static const struct us_field_table worded_rule = {
    .what = "Invalid UMA policy permission.", .size = sizeof(struct rule), US_FIELDS(rule_fields)};

struct thing {
  struct us_str name;
  struct us_str secret;
  struct us_str icon_uri;
  int64_t age;
  bool is_open;
  struct us_strs tags;
  enum color color;
  struct rule rule;
  struct us_field_list rules;
  json_t *any;
  json_t *others;
  bool has_age;
};
#define AT(member) offsetof(struct thing, member)

#define THING_ROWS(rule_table)                                                                                         \
  {"name", US_FIELD_STRING, AT(name), US_FIELD_NOT_EMPTY | US_FIELD_NO_CONTROLS, .max = 5},                            \
      {"secret", US_FIELD_STRING, AT(secret), US_FIELD_SECRET, .max = 100},                                            \
      {"icon_uri", US_FIELD_URI, AT(icon_uri), 0, .max = 30},                                                          \
      {"age", US_FIELD_INT, AT(age), 0, .min = -3, .max = 120, .seen_offset = AT(has_age)},                            \
      {"is_open", US_FIELD_BOOL, AT(is_open), .flags = 0},                                                             \
      {"tags",   US_FIELD_STRINGS, AT(tags), US_FIELD_OPTIONAL_WORD | US_FIELD_UNIQUE | US_FIELD_NO_EMPTY_ITEMS,       \
       .max = 3, .item_max = 4},                                                                                       \
      {"color", US_FIELD_ENUM, AT(color), 0, .names = color_names}, {"any", US_FIELD_JSON, AT(any), .flags = 0},       \
      {"rule", US_FIELD_TABLE, AT(rule), 0, .table = (rule_table)}, {                                                  \
    "permissions", US_FIELD_TABLES, AT(rules), 0, .max = 2, .table = (rule_table)                                      \
  }
static const struct us_field plain_fields[] = {THING_ROWS(&plain_rule)};
static const struct us_field worded_fields[] = {THING_ROWS(&worded_rule)};
static const struct us_field form_fields[] = {
    {"name", US_FIELD_STRING, AT(name), US_FIELD_REQUIRED, .max = 5, .code = US_E_INVALID_GRANT},
    {"secret", US_FIELD_STRING, AT(secret), US_FIELD_SECRET, .max = 100},
    {"icon_uri", US_FIELD_URI, AT(icon_uri), 0, .max = 30},
    {"age", US_FIELD_INT, AT(age), 0, .min = INT64_MIN, .max = INT64_MAX, .seen_offset = AT(has_age)},
    {"is_open", US_FIELD_BOOL, AT(is_open), .flags = 0},
    {"scope", US_FIELD_STRINGS, AT(tags), US_FIELD_UNIQUE | US_FIELD_NOT_EMPTY, .max = 3, .item_max = 4},
    {"color", US_FIELD_ENUM, AT(color), 0, .names = color_names},
    {"any", US_FIELD_JSON, AT(any), .flags = 0},
};

static enum us_code old_must_be_open(struct us_cx *cx, void *object) {
  struct thing *thing = object;
  if (thing->age > 100 && !thing->is_open)
    return us_fail(cx, US_E_CONFLICT, "old things are open");
  return US_OK;
}

static const struct us_field_table plain = {
    .size = sizeof(struct thing), US_FIELDS(plain_fields), .check = old_must_be_open};
static const struct us_field_table keeping = {
    .size = sizeof(struct thing), US_FIELDS(plain_fields), .keep_unknown = true, .unknown_offset = AT(others)};
static const struct us_field_table refusing = {
    .size = sizeof(struct thing), US_FIELDS(plain_fields), .refuse_unknown = true, .code = US_E_FORBIDDEN};
static const struct us_field_table worded = {
    .what = "Invalid Thing.", .size = sizeof(struct thing), US_FIELDS(worded_fields)};
static const struct us_field_table form = {.size = sizeof(struct thing), US_FIELDS(form_fields)};

static enum us_code decode(struct us_cx *cx, const struct us_field_table *table, const char *text,
                           struct thing *thing) {
  json_t *value;
  assert_int_equal(us_json_parse(cx, unit_str(text), US_E_INTERNAL, &value), US_OK);
  enum us_code code = us_field_from_json(cx, table, value, thing);
  us_json_drop(cx, value); /* what was decoded must not need it any more */
  return code;
}

static struct thing decoded(struct us_cx *cx, const struct us_field_table *table, const char *text) {
  struct thing thing = {.age = 42};
  if (decode(cx, table, text, &thing) != US_OK)
    fail_msg("%s: %s", text, cx->err.text.p);
  return thing;
}

static void assert_says(struct us_cx *cx, const struct us_field_table *table, const char *text, const char *message) {
  struct thing thing = {0};
  enum us_code expected = table->code ? table->code : US_E_INVALID_REQUEST;
  assert_int_equal(decode(cx, table, text, &thing), expected);
  assert_str(cx->err.text, message);
}

static void decodes_every_kind(void **state) {
  struct us_cx *cx = *state;
  struct thing t =
      decoded(cx, &plain,
              "{\"name\":\"n\",\"secret\":\"s\\n\",\"icon_uri\":\"http://h/i\",\"age\":-3,\"is_open\":true,"
              "\"tags\":[\"b\",\"a\",\"b\"],\"color\":\"blue\",\"any\":[1,{\"x\":2}],"
              "\"rule\":{\"subject\":\"bob\",\"scopes\":[]},"
              "\"permissions\":[{\"subject\":\"al\",\"scopes\":[\"v\"]},{\"subject\":\"ca\",\"scopes\":[]}]}");
  assert_str(t.name, "n");
  assert_str(t.secret, "s\n");
  assert_str(t.icon_uri, "http://h/i");
  assert_int_equal(t.age, -3);
  assert_true(t.has_age);
  assert_true(t.is_open);
  assert_str(us_strs_join(cx->mem, t.tags, ","), "b,a");
  assert_int_equal(t.color, BLUE);
  assert_str(us_json_dump(cx, t.any), "[1,{\"x\":2}]");
  assert_str(t.rule.subject, "bob");
  assert_int_equal(t.rules.n, 2);
  const struct rule *rules = t.rules.v;
  assert_str(rules[0].scopes.v[0], "v");
  assert_str(rules[1].subject, "ca");
  assert_int_equal(rules[1].scopes.n, 0);
}

static void absent_and_null_leave_the_default(void **state) {
  struct us_cx *cx = *state;
  struct thing t = decoded(cx, &plain, "{\"name\":null,\"age\":null,\"permissions\":null,\"rule\":null}");
  assert_null(t.name.p);
  assert_int_equal(t.age, 42);
  assert_false(t.has_age);
  assert_null(t.tags.v);
  assert_null(t.rules.v);
}

static void plain_words(void **state) {
  struct us_cx *cx = *state;
  assert_says(cx, &plain, "[]", "The provided content is not a JSON object");
  assert_says(cx, &plain, "{\"name\":1}", "name: must be a string");
  assert_says(cx, &plain, "{\"icon_uri\":\"a b\"}", "icon_uri: must be a valid URI");
  assert_says(cx, &plain, "{\"icon_uri\":7}", "icon_uri: must be a valid URI");
  assert_says(cx, &plain, "{\"age\":\"1\"}", "age: must be an integer");
  assert_says(cx, &plain, "{\"age\":1.0}", "age: must be an integer");
  assert_says(cx, &plain, "{\"is_open\":1}", "is_open: must be true or false");
  assert_says(cx, &plain, "{\"tags\":\"a\"}", "tags: must be an array of strings");
  assert_says(cx, &plain, "{\"tags\":[\"a\",null]}", "tags[1]: must be a string");
  assert_says(cx, &plain, "{\"tags\":[\"a\",\"\"]}", "tags[1]: must not be empty");
  assert_says(cx, &plain, "{\"color\":\"Red\"}", "color: must be one of red, blue");
  assert_says(cx, &plain, "{\"color\":5}", "color: must be a string");
  assert_says(cx, &plain, "{\"rule\":[]}", "rule: must be an object");
  assert_says(cx, &plain, "{\"rule\":{\"scopes\":[]}}", "rule.subject: is required");
  assert_says(cx, &plain, "{\"permissions\":{}}", "permissions: must be an array");
  assert_says(cx, &plain, "{\"permissions\":[1]}", "permissions[0]: must be an object");
  assert_says(cx, &plain,
              "{\"permissions\":[{\"subject\":\"a\",\"scopes\":[]},{\"subject\":\"a\",\"scopes\":[\"a\",1]}]}",
              "permissions[1].scopes[1]: must be a string");
  assert_says(cx, &plain, "{\"name\":\"\"}", "name: must not be empty");
  assert_says(cx, &plain, "{\"name\":\"a\\u001f\"}", "name: must not contain control characters");
  assert_says(cx, &plain, "{\"name\":\"\\u007f\"}", "name: must not contain control characters");
}

/* Protocol contract 4.8, 5.3; REST contract c.6. */
static void the_lineages_words(void **state) {
  struct us_cx *cx = *state;
  assert_says(cx, &worded, "7", "Invalid Thing.");
  assert_says(cx, &worded, "{\"name\":1}", "Invalid Thing. Attribute, 'name', must be a String.");
  assert_says(cx, &worded, "{\"icon_uri\":\"a b\"}", "Invalid Thing. Attribute, 'icon_uri', must be a valid URI.");
  assert_says(cx, &worded, "{\"tags\":[1]}", "Invalid Thing. Optional attribute, 'tags', must be an array of Strings.");
  assert_says(cx, &worded, "{\"tags\":7}", "Invalid Thing. Optional attribute, 'tags', must be an array of Strings.");
  assert_says(cx, &worded, "{\"age\":true}", "Invalid Thing. Attribute, 'age', must be an Integer.");
  assert_says(cx, &worded, "{\"is_open\":\"x\"}", "Invalid Thing. Attribute, 'is_open', must be a Boolean.");
  assert_says(cx, &worded, "{\"rule\":\"x\"}", "Invalid Thing. Attribute, 'rule', must be an Object.");
  assert_says(cx, &worded, "{\"permissions\":\"x\"}", "Invalid Thing. Attribute, 'permissions', must be an array.");
  assert_says(cx, &worded, "{\"permissions\":[[]]}", "Invalid UMA policy permission.");
  assert_says(cx, &worded, "{\"permissions\":[{\"scopes\":[]}]}",
              "Invalid UMA policy permission. Missing required attribute, 'subject'.");
  assert_says(cx, &worded, "{\"permissions\":[{\"subject\":null,\"scopes\":[]}]}",
              "Invalid UMA policy permission. Missing required attribute, 'subject'.");
  assert_says(cx, &worded, "{\"permissions\":[{\"subject\":1,\"scopes\":[]}]}",
              "Invalid UMA policy permission. Required attribute, 'subject', must be a String.");
  assert_says(cx, &worded, "{\"permissions\":[{\"subject\":\"a\",\"scopes\":[{}]}]}",
              "Invalid UMA policy permission. Required attribute, 'scopes', must be an array of Strings.");
  assert_says(cx, &worded, "{\"name\":\"123456\"}", "Invalid Thing. Attribute, 'name', must be at most 5 bytes long.");
}

static void limits_hold_at_the_limit_and_one_past_it(void **state) {
  struct us_cx *cx = *state;
  decoded(cx, &plain, "{\"name\":\"12345\"}");
  assert_says(cx, &plain, "{\"name\":\"123456\"}", "name: must be at most 5 bytes long");
  decoded(cx, &plain, "{\"name\":\"1\\u00e9\\u00e9\"}");
  assert_says(cx, &plain, "{\"name\":\"12\\u00e9\\u00e9\"}", "name: must be at most 5 bytes long");
  decoded(cx, &plain, "{\"age\":120,\"is_open\":true}");
  assert_says(cx, &plain, "{\"age\":121}", "age: must be from -3 to 120");
  assert_says(cx, &plain, "{\"age\":-4}", "age: must be from -3 to 120");
  decoded(cx, &plain, "{\"tags\":[\"a\",\"b\",\"1234\"]}");
  assert_says(cx, &plain, "{\"tags\":[\"a\",\"b\",\"c\",\"d\"]}", "tags: must have at most 3 members");
  assert_says(cx, &plain, "{\"tags\":[\"a\",\"12345\"]}", "tags[1]: must be at most 4 bytes long");
  decoded(cx, &plain, "{\"permissions\":[{\"subject\":\"a\",\"scopes\":[]},{\"subject\":\"a\",\"scopes\":[]}]}");
  assert_says(cx, &plain, "{\"permissions\":[{},{},{}]}", "permissions: must have at most 2 members");
}

static void unknown_members_are_skipped_kept_or_refused(void **state) {
  struct us_cx *cx = *state;
  static const char text[] = "{\"x_foo\":{\"a\":[1]},\"name\":\"n\",\"name#fr\":\"m\",\"y\":null}";
  struct thing t = decoded(cx, &plain, text);
  assert_null(t.others);
  t = decoded(cx, &keeping, text);
  assert_str(us_json_dump(cx, t.others), "{\"x_foo\":{\"a\":[1]},\"name#fr\":\"m\",\"y\":null}");
  t = decoded(cx, &keeping, "{\"name\":\"n\"}");
  assert_null(t.others);
  assert_says(cx, &refusing, "{\"nmae\":1}", "nmae: is not a known name");
  assert_says(cx, &refusing, "{\"a\\\"\\u00e9\\n'\":1}", "a?????: is not a known name");
  decoded(cx, &refusing, "{\"name\":\"n\"}");
}

static void the_check_runs_last(void **state) {
  struct us_cx *cx = *state;
  struct thing t = {0};
  assert_int_equal(decode(cx, &plain, "{\"age\":101}", &t), US_E_CONFLICT);
  assert_str(cx->err.text, "old things are open");
  decoded(cx, &plain, "{\"age\":101,\"is_open\":true}");
}

static enum us_code from_form(struct us_cx *cx, const char *text, struct thing *thing) {
  return us_field_from_form(cx, &form, unit_str(text), thing);
}

static void forms_decode_by_the_same_rows(void **state) {
  struct us_cx *cx = *state;
  struct thing t = {0};
  assert_int_equal(from_form(cx,
                             "name=n&secret=p%26w&icon_uri=%2Fi&age=-5&is_open=true&scope=b++a+b&color=red&unknown=1"
                             "&any=%7B%22a%22%3A1%7D",
                             &t),
                   US_OK);
  assert_str(t.name, "n");
  assert_str(t.secret, "p&w");
  assert_str(t.icon_uri, "/i");
  assert_int_equal(t.age, -5);
  assert_true(t.has_age);
  assert_true(t.is_open);
  assert_str(us_strs_join(cx->mem, t.tags, ","), "b,a");
  assert_int_equal(t.color, RED);
  assert_str(us_json_dump(cx, t.any), "{\"a\":1}");
  assert_int_equal(from_form(cx, "name=n&age=9223372036854775807", &t), US_OK);
  assert_true(t.age == INT64_MAX);
  assert_int_equal(from_form(cx, "name=n&age=-9223372036854775808", &t), US_OK);
  assert_true(t.age == INT64_MIN);
}

static void assert_form_says(struct us_cx *cx, const char *text, enum us_code code, const char *message) {
  struct thing t = {0};
  assert_int_equal(from_form(cx, text, &t), code);
  assert_str(cx->err.text, message);
}

static void forms_refuse_with_the_same_words(void **state) {
  struct us_cx *cx = *state;
  assert_form_says(cx, "", US_E_INVALID_GRANT, "name: is required");
  assert_form_says(cx, "name=", US_E_INVALID_GRANT, "name: is required");
  assert_form_says(cx, "name=123456", US_E_INVALID_GRANT, "name: must be at most 5 bytes long");
  assert_form_says(cx, "name=n&age=1x", US_E_INVALID_REQUEST, "age: must be an integer");
  assert_form_says(cx, "name=n&age=+1", US_E_INVALID_REQUEST, "age: must be an integer");
  assert_form_says(cx, "name=n&age=-", US_E_INVALID_REQUEST, "age: must be an integer");
  assert_form_says(cx, "name=n&age=9223372036854775808", US_E_INVALID_REQUEST, "age: must be an integer");
  assert_form_says(cx, "name=n&age=-9223372036854775809", US_E_INVALID_REQUEST, "age: must be an integer");
  assert_form_says(cx, "name=n&is_open=1", US_E_INVALID_REQUEST, "is_open: must be true or false");
  assert_form_says(cx, "name=n&scope=a+b+c+d", US_E_INVALID_REQUEST, "scope: must have at most 3 members");
  assert_form_says(cx, "name=n&scope=a+12345", US_E_INVALID_REQUEST, "scope[1]: must be at most 4 bytes long");
  assert_form_says(cx, "name=n&scope=+", US_E_INVALID_REQUEST, "scope: must not be empty");
  assert_form_says(cx, "name=n&color=green", US_E_INVALID_REQUEST, "color: must be one of red, blue");
  assert_form_says(cx, "name=n&any=%7B", US_E_INVALID_REQUEST, "any: must be valid JSON");
  assert_form_says(cx, "name=n&x=1&x=2", US_E_INVALID_REQUEST,
                   "Multiple values provided for the single-valued request parameter 'x'");
}

static void empty_form_values_are_absent(void **state) {
  struct us_cx *cx = *state;
  struct thing t = {.age = 9};
  assert_int_equal(from_form(cx, "name=n&age=&is_open=&scope=&color=&icon_uri=&any=", &t), US_OK);
  assert_int_equal(t.age, 9);
  assert_false(t.has_age);
  assert_null(t.tags.v);
  assert_null(t.icon_uri.p);
}

static void forms_keep_or_refuse_unknown_parameters(void **state) {
  struct us_cx *cx = *state;
  struct thing t = {0};
  assert_int_equal(us_field_from_form(cx, &keeping, US_STR("name=n&x=1&y="), &t), US_OK);
  assert_str(us_json_dump(cx, t.others), "{\"x\":\"1\",\"y\":\"\"}");
  assert_int_equal(us_field_from_form(cx, &refusing, US_STR("name=n&x=1"), &t), US_E_FORBIDDEN);
  assert_str(cx->err.text, "x: is not a known name");
  /* An object has no form spelling. */
  assert_int_equal(us_field_from_form(cx, &plain, US_STR("rule=1"), &t), US_E_INVALID_REQUEST);
  assert_str(cx->err.text, "rule: must be an object");
}

static void secrets_never_show_in_messages(void **state) {
  struct us_cx *cx = *state;
  char text[300];
  snprintf(text, sizeof text, "{\"secret\":\"hunter2%0100d\"}", 0);
  struct thing t = {0};
  assert_int_equal(decode(cx, &plain, text, &t), US_E_INVALID_REQUEST);
  assert_null(strstr(cx->err.text.p, "hunter2"));
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  static const char text[] = "{\"name\":\"n\",\"secret\":\"s\",\"tags\":[\"a\",\"b\"],\"any\":[1],\"x\":1,"
                             "\"permissions\":[{\"subject\":\"al\",\"scopes\":[\"v\"]}]}";
  bool has_succeeded = false;
  unsigned failures = 0;
  for (size_t max = 1; !has_succeeded; max += 16) {
    struct us_cx *cx = unit_cx_new(max);
    json_t *value = json_loads(text, 0, NULL);
    struct thing t = {0};
    enum us_code code = us_field_from_json(cx, &keeping, value, &t);
    has_succeeded = code == US_OK;
    failures += !has_succeeded;
    assert_true(code == US_OK || code == US_E_NO_MEMORY);
    json_decref(value);
    unit_cx_free(cx);
    assert_true(max < 100000);
  }
  assert_true(failures > 10);
}

static void assert_unsound(struct us_field row, size_t size, const char *problem) {
  const struct us_field_table table = {.size = size, .fields = &row, .n = 1};
  const char *found = NULL;
  assert_false(us_field_table_check(&table, &found));
  assert_string_equal(found, problem);
}

static void the_table_check_finds_mistakes(void **state) {
  (void)state;
  const char *problem = "";
  const struct us_field_table *const sound[] = {&plain, &keeping, &refusing, &worded, &form};
  for (size_t i = 0; i < sizeof sound / sizeof sound[0]; i++) {
    if (!us_field_table_check(sound[i], &problem))
      fail_msg("table %zu: %s", i, problem);
    assert_null(problem);
  }
  assert_unsound((struct us_field){"a", US_FIELD_STRING, .flags = 0}, 16, "a row has no maximum");
  assert_unsound((struct us_field){"a", US_FIELD_INT, 0, .min = -5}, 16, "a row has no maximum");
  assert_unsound((struct us_field){"a", US_FIELD_TABLES, 0, .table = &plain}, 16, "a row has no maximum");
  assert_unsound((struct us_field){"a", US_FIELD_STRINGS, 0, .max = 1}, 16, "a list has no maximum for its members");
  assert_unsound((struct us_field){"a", US_FIELD_STRING, 1, .max = 1}, 16, "a row lies outside of the struct");
  assert_unsound((struct us_field){"a", US_FIELD_BOOL, 0, .seen_offset = 16}, 16, "a row lies outside of the struct");
  assert_unsound((struct us_field){"a", US_FIELD_ENUM, .flags = 0}, 16, "an enum has no names");
  assert_unsound((struct us_field){"a", US_FIELD_TABLE, .flags = 0}, 16, "a nested row has no table");
  assert_unsound((struct us_field){"", US_FIELD_BOOL, .flags = 0}, 16, "a row has no name");
  assert_unsound((struct us_field){"a", US_FIELD_BOOL, .flags = 0}, 0, "the table has no size or no rows");
  const struct us_field twice[] = {{"a", US_FIELD_BOOL, 0, .flags = 0}, {"a", US_FIELD_BOOL, 1, .flags = 0}};
  assert_false(us_field_table_check(&(struct us_field_table){.size = 8, US_FIELDS(twice)}, &problem));
  assert_string_equal(problem, "two rows have one name");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT_WITH_CX(decodes_every_kind),
      UNIT_WITH_CX(absent_and_null_leave_the_default),
      UNIT_WITH_CX(plain_words),
      UNIT_WITH_CX(the_lineages_words),
      UNIT_WITH_CX(limits_hold_at_the_limit_and_one_past_it),
      UNIT_WITH_CX(unknown_members_are_skipped_kept_or_refused),
      UNIT_WITH_CX(the_check_runs_last),
      UNIT_WITH_CX(forms_decode_by_the_same_rows),
      UNIT_WITH_CX(forms_refuse_with_the_same_words),
      UNIT_WITH_CX(empty_form_values_are_absent),
      UNIT_WITH_CX(forms_keep_or_refuse_unknown_parameters),
      UNIT_WITH_CX(secrets_never_show_in_messages),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(the_table_check_finds_mistakes),
  };
  return UNIT_RUN(tests);
}
