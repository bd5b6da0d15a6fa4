/* http/message.h: methods, headers, cookies, and that no header value can begin a line of its own. */
#include "../unit.h"

/* The source itself, as a release compiles it: there a mistake of a handler is not asserted about but must do no harm. */
#define NDEBUG
#include "http/message.c" /* NOLINT(bugprone-suspicious-include) */

static void methods_are_known_by_their_exact_name(void **state) {
  (void)state;
  static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
  for (size_t i = 0; i < 7; i++) {
    enum us_method method = us_method_parse(us_str_c(names[i]));
    assert_int_not_equal(method, US_METHOD_OTHER);
    assert_string_equal(us_method_name(method), names[i]);
    for (size_t j = 0; j < i; j++)
      assert_int_not_equal(method, us_method_parse(us_str_c(names[j])));
  }
  static const char *const strangers[] = {"get", "GETS", "GE", "", "TRACE", "FOO", "OTHER"};
  for (size_t i = 0; i < 7; i++)
    assert_int_equal(us_method_parse(us_str_c(strangers[i])), US_METHOD_OTHER);
  assert_int_equal(us_method_parse(US_STR_ABSENT), US_METHOD_OTHER);
  assert_string_equal(us_method_name(US_METHOD_OTHER), "OTHER");
}

static struct us_http_request with(const struct us_http_header *headers, size_t n) {
  return (struct us_http_request){.headers = headers, .header_count = n};
}

static void headers_are_found_by_name(void **state) {
  (void)state;
  const struct us_http_header headers[] = {
      {US_STR("accept"), US_STR("one")}, {US_STR("x"), US_STR("")}, {US_STR("accept"), US_STR("two")}};
  struct us_http_request request = with(headers, 3);
  assert_str(us_http_header(&request, "accept"), "one");
  assert_str(us_http_header(&request, "x"), "");
  assert_null(us_http_header(&request, "acc").p);
  assert_null(us_http_header(&request, "accepts").p);
  assert_int_equal(us_http_header_count(&request, "accept"), 2);
  assert_int_equal(us_http_header_count(&request, "y"), 0);
  request.header_count = 0;
  assert_null(us_http_header(&request, "accept").p);
}

static void cookies_are_found_by_their_exact_name(void **state) {
  (void)state;
  const struct us_http_header headers[] = {{US_STR("cookie"), US_STR("ab=1; a=2;b=3 ;  c = 4; d; =5; e=6=7; f=; a=8")},
                                           {US_STR("x"), US_STR("h=9")},
                                           {US_STR("cookie"), US_STR("g=\"10\"; a=11")}};
  struct us_http_request request = with(headers, 3);
  assert_str(us_http_cookie(&request, "ab"), "1");
  assert_str(us_http_cookie(&request, "a"), "2"); /* the first */
  assert_str(us_http_cookie(&request, "b"), "3");
  assert_str(us_http_cookie(&request, "e"), "6=7");
  assert_str(us_http_cookie(&request, "f"), "");
  assert_str(us_http_cookie(&request, "g"), "\"10\""); /* in the second header; quotes are part of the value */
  assert_null(us_http_cookie(&request, "d").p);
  assert_null(us_http_cookie(&request, "h").p);
  assert_null(us_http_cookie(&request, "A").p);
  assert_null(us_http_cookie(&request, "c").p); /* "c " is another name */
  request.header_count = 0;
  assert_null(us_http_cookie(&request, "a").p);
}

static void cookie_lines_of_any_shape_are_read_to_their_end(void **state) {
  (void)state;
  static const char *const lines[] = {"", ";", ";;;a=1", "a=1;", " ; a=1", "a", "a=1;a"};
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    const struct us_http_header header = {US_STR("cookie"), us_str_c(lines[i])};
    struct us_http_request request = with(&header, 1);
    assert_int_equal(us_http_cookie(&request, "a").p != NULL, strstr(lines[i], "a=1") != NULL);
  }
}

static void response_begins_empty_and_takes_headers(void **state) {
  (void)state;
  struct us_http_response response;
  us_http_response_init(&response);
  assert_int_equal(response.status, 200);
  assert_int_equal(response.header_count, 0);
  assert_false(response.close);
  us_http_response_header(&response, "Location", US_STR("/a\tb\x80"));
  us_http_response_header(&response, "X-Absent", US_STR_ABSENT); /* nothing to say */
  us_http_response_header(&response, "X-Empty", US_STR(""));
  assert_int_equal(response.header_count, 2);
  assert_str(response.headers[0].name, "Location");
  assert_str(response.headers[0].value, "/a\tb\x80");
  assert_str(response.headers[1].name, "X-Empty");
  us_http_response_done(&response);
  assert_int_equal(response.header_count, 0);
}

static void values_cannot_begin_a_line_of_their_own(void **state) {
  (void)state;
  struct us_http_response response;
  us_http_response_init(&response);
  static const struct us_str bad[] = {{"a\r\nX: y", 7}, {"a\n", 2},  {"\r", 1},
                                      {"a\0b", 3},      {"\x7f", 1}, {"\x1b[0m", 4}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    us_http_response_header(&response, "Location", bad[i]);
    assert_int_equal(response.header_count, 0);
  }
  us_http_response_done(&response);
}

static void headers_past_the_maximum_are_dropped(void **state) {
  (void)state;
  struct us_http_response response;
  us_http_response_init(&response);
  for (size_t i = 0; i < US_HTTP_RESPONSE_HEADERS_MAX; i++)
    us_http_response_header(&response, "X", US_STR("y"));
  assert_int_equal(response.header_count, US_HTTP_RESPONSE_HEADERS_MAX);
  us_http_response_header(&response, "X", US_STR("y"));
  assert_int_equal(response.header_count, US_HTTP_RESPONSE_HEADERS_MAX);
  us_http_response_done(&response);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(methods_are_known_by_their_exact_name),
      cmocka_unit_test(headers_are_found_by_name),
      cmocka_unit_test(cookies_are_found_by_their_exact_name),
      cmocka_unit_test(cookie_lines_of_any_shape_are_read_to_their_end),
      cmocka_unit_test(response_begins_empty_and_takes_headers),
      cmocka_unit_test(values_cannot_begin_a_line_of_their_own),
      cmocka_unit_test(headers_past_the_maximum_are_dropped),
  };
  return UNIT_RUN(tests);
}
