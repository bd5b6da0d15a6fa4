/* Names that look like others: what they look like, and which look like nothing else. */
#include "../unit.h"

/* The table is a constant of this file. */
#include "../../../src/domain/confusable.c"

static void the_table_is_in_order(void **state) {
  char to;
  (void)state;
  for (size_t i = 1; i < sizeof(pairs) / sizeof(pairs[0]); i++)
    assert_true(pairs[i - 1].from < pairs[i].from);
  for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
    assert_true(find_pair(pairs[i].from, &to));
    assert_int_equal(to, pairs[i].to);
  }
}

static void look_alikes_are_found(void **state) {
  struct us_cx *cx = *state;
  static const char *const cases[][2] = {
      {"\xd0\xb0lice", "alice"}, /* a Cyrillic a */
      {"b\xce\xbf"
       "b",
       "bob"},                                         /* a Greek o */
      {"\xd1\x81\xd0\xb0r\xd0\xbel", "carol"},         /* several */
      {"da\xe2\x80\x8bve", "dave"},                    /* a blank of no width */
      {"\xef\xbd\x81\xef\xbd\x8c\xef\xbd\x8c", "all"}, /* wide letters */
      {"\xef\xbc\x81\xef\xbd\x9e", "!~"},              /* the ends of that block */
      {"\xef\xbb\xbf", ""},                            /* nothing to be seen at all */
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    assert_str(us_name_looks_like(cx->mem, unit_str(cases[i][0])), cases[i][1]);
}

static void other_names_are_what_they_look_like(void **state) {
  struct us_cx *cx = *state;
  static const char *const names[] = {
      "alice",
      "",
      "group:family",
      "J\xc3\xbcrgen",
      "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", /* Ivan: its I and v are its own */
      "\xef\xbc\x80",
      "\xef\xbd\x9f", /* one past the ends */
      "\xf0\x9f\x8e\x9f",
      "b\xff",
      "a\xd0",
  };
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    assert_null(us_name_looks_like(cx->mem, unit_str(names[i])).p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT_WITH_CX(the_table_is_in_order),
      UNIT_WITH_CX(look_alikes_are_found),
      UNIT_WITH_CX(other_names_are_what_they_look_like),
  };
  return UNIT_RUN(tests);
}
