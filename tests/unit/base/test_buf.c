/* base/buf.h: growth, the maximum, and that a failed buffer stays failed. */
#include "../unit.h"
#include "base/buf.h"

static void holds_what_was_added(void **state) {
  (void)state;
  struct us_buf b;
  us_buf_init(&b, 1000);
  assert_str(us_buf_str(&b), "");
  us_buf_add_c(&b, "a");
  us_buf_add_char(&b, '-');
  us_buf_add_i64(&b, INT64_MIN);
  us_buf_add_char(&b, ' ');
  us_buf_add_i64(&b, 0);
  us_buf_add_char(&b, ' ');
  us_buf_add_i64(&b, INT64_MAX);
  us_buf_add_str(&b, US_STR_ABSENT);
  us_buf_addf(&b, " %s=%d", "x", 7);
  assert_true(us_buf_ok(&b));
  assert_str(us_buf_str(&b), "a--9223372036854775808 0 9223372036854775807 x=7");
  assert_int_equal(b.p[b.n], '\0');
  us_buf_done(&b);
}

static void takes_its_maximum_and_not_a_byte_more(void **state) {
  (void)state;
  char bytes[301];
  memset(bytes, 'x', sizeof bytes);
  struct us_buf b;
  us_buf_init(&b, 300);
  us_buf_add(&b, bytes, 300);
  assert_true(us_buf_ok(&b));
  assert_int_equal(b.n, 300);
  us_buf_add_char(&b, 'y');
  assert_false(us_buf_ok(&b));
  us_buf_done(&b);

  us_buf_init(&b, 300);
  us_buf_add(&b, bytes, 301);
  assert_false(us_buf_ok(&b));
  us_buf_done(&b);
}

static void drops_everything_after_a_failure(void **state) {
  (void)state;
  struct us_buf b;
  us_buf_init(&b, 4);
  us_buf_add_c(&b, "ab");
  us_buf_add_c(&b, "cde");
  us_buf_add_c(&b, "f");
  us_buf_addf(&b, "%d", 1);
  assert_false(us_buf_ok(&b));
  assert_str(us_buf_str(&b), "ab");
  us_buf_reset(&b);
  assert_true(us_buf_ok(&b));
  us_buf_addf(&b, "%s", "wxyz");
  assert_true(us_buf_ok(&b));
  assert_str(us_buf_str(&b), "wxyz");
  us_buf_done(&b);
}

static void formatted_text_obeys_the_maximum(void **state) {
  (void)state;
  struct us_buf b;
  us_buf_init(&b, 5);
  us_buf_addf(&b, "%s", "12345");
  assert_true(us_buf_ok(&b));
  us_buf_addf(&b, "%s", "6");
  assert_false(us_buf_ok(&b));
  us_buf_done(&b);
}

static void drops_its_front(void **state) {
  (void)state;
  struct us_buf b;
  us_buf_init(&b, 100);
  us_buf_drop_front(&b, 3);
  us_buf_add_c(&b, "hello world");
  us_buf_drop_front(&b, 6);
  assert_str(us_buf_str(&b), "world");
  us_buf_drop_front(&b, 99);
  assert_str(us_buf_str(&b), "");
  us_buf_done(&b);
  us_buf_done(&b);
}

static void text_of_html_holds_no_markup(void **state) {
  (void)state;
  struct us_buf b;
  us_buf_init(&b, 4096);
  us_buf_add_html(&b, US_STR("<a href=\"x\" title='y'>R&D</a> \xc3\xa4"), false);
  assert_str(us_buf_str(&b), "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;R&amp;D&lt;/a&gt; \xc3\xa4");
  us_buf_reset(&b);
  us_buf_add_html(&b, (struct us_str){"a\0b\n\x7f", 5}, true);
  assert_str(us_buf_str(&b), "a\xEF\xBF\xBD"
                             "b\n\xEF\xBF\xBD");
  us_buf_reset(&b);
  us_buf_add_html(&b, US_STR("\t\r\n"), false);
  assert_str(us_buf_str(&b), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  us_buf_done(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holds_what_was_added),
      cmocka_unit_test(takes_its_maximum_and_not_a_byte_more),
      cmocka_unit_test(drops_everything_after_a_failure),
      cmocka_unit_test(formatted_text_obeys_the_maximum),
      cmocka_unit_test(drops_its_front),
      cmocka_unit_test(text_of_html_holds_no_markup),
  };
  return UNIT_RUN(tests);
}
