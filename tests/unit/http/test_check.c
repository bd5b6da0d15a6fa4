/* http/check.h: what is refused of a head that the parser has accepted, and what is not. */
#include "../unit.h"
#include "http/check.h"

#define HEADERS_MAX 8

/* Pairs of name and value, up to NULL. */
static struct us_http_request request_with(const char *const *pairs, struct us_http_header *room) {
  struct us_http_request request = {.headers = room};
  for (; pairs[0]; pairs += 2) {
    assert_true(request.header_count < HEADERS_MAX);
    room[request.header_count++] = (struct us_http_header){us_str_c(pairs[0]), us_str_c(pairs[1])};
  }
  return request;
}

static int check_version(const char *const *pairs, unsigned major, unsigned minor) {
  struct us_http_header room[HEADERS_MAX];
  struct us_http_request request = request_with(pairs, room);
  const char *reason = NULL;
  int status = us_http_check_head(&request, major, minor, &us_http_limits_default, &reason);
  assert_int_equal(reason != NULL, status != 0);
  return status;
}

#define CHECK(...) check_version((const char *const[]){__VA_ARGS__, NULL}, 1, 1)
#define HOST "host", "usher.test"

/* HT-08 */
static void host_must_be_there_once(void **state) {
  (void)state;
  assert_int_equal(CHECK(HOST), 0);
  assert_int_equal(CHECK("accept", "*/*"), 400);
  assert_int_equal(CHECK(HOST, HOST), 400);
  assert_int_equal(CHECK(HOST, "accept", "*/*", "host", "other.test"), 400);
  assert_int_equal(CHECK(HOST, "hosts", "other.test"), 0);
}

/* HT-08 */
static void host_must_be_a_name_or_an_address_and_maybe_a_port(void **state) {
  (void)state;
  static const char *const good[] = {"a",          "a.b-c.d_e", "127.0.0.1",  "127.0.0.1:0", "usher.test:65535",
                                     "USHER.Test", "[::1]",     "[::1]:8080", "a.",          "[2001:db8::192.0.2.1]:1"};
  static const char *const bad[] = {"",      " ",     "a b",  "a,b",      "a;b",    "a/b",    "a?b",   "a#b",
                                    "u@a",   "a:",    "a:b",  "a:65536",  "a:-1",   "a:+1",   "a:1:2", ":80",
                                    "::1",   "[]",    "[:]",  "[::1",     "[::1]a", "[::1]:", "[::g]", "a\xc3\xa4",
                                    "a%2eb", "\"a\"", "a\\b", "http://a", "a\t",    "[::1]80"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_int_equal(CHECK("host", good[i]), 0);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(CHECK("host", bad[i]), 400);
  char name[263];
  memset(name, 'a', sizeof name);
  name[261] = '\0';
  assert_int_equal(CHECK("host", name), 0);
  name[261] = 'a';
  name[262] = '\0';
  assert_int_equal(CHECK("host", name), 400);
}

static void host_with_nul_is_refused(void **state) {
  (void)state;
  struct us_http_header header = {US_STR("host"), {"a\0b", 3}};
  struct us_http_request request = {.headers = &header, .header_count = 1};
  const char *reason = NULL;
  assert_int_equal(us_http_check_head(&request, 1, 1, &us_http_limits_default, &reason), 400);
}

static void authorization_may_be_there_once(void **state) {
  (void)state;
  assert_int_equal(CHECK(HOST, "authorization", "Bearer a"), 0);
  assert_int_equal(CHECK(HOST, "authorization", "Bearer a", "authorization", "Bearer a"), 400);
  assert_int_equal(CHECK(HOST, "authorization", "", "authorization", ""), 400);
}

/* HT-12 */
static void empty_names_and_folded_values_are_refused(void **state) {
  (void)state;
  assert_int_equal(CHECK(HOST, "", "value"), 400);
  assert_int_equal(CHECK(HOST, "x", ""), 0);
  assert_int_equal(CHECK(HOST, "x", "a\r\n b"), 400);
  assert_int_equal(CHECK(HOST, "x", "a\n"), 400);
  assert_int_equal(CHECK(HOST, "x", "\ra"), 400);
}

/* HT-09 HT-11 */
static void transfer_encoding_is_one_chunked_or_nothing(void **state) {
  (void)state;
  assert_int_equal(CHECK(HOST, "transfer-encoding", "chunked"), 0);
  assert_int_equal(CHECK(HOST, "transfer-encoding", "CHUNKED"), 0);
  static const char *const bad[] = {"",         "gzip",     "gzip, chunked", "chunked, chunked", "chunked;q=1",
                                    "xchunked", "chunked ", "identity"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(CHECK(HOST, "transfer-encoding", bad[i]), 400);
  assert_int_equal(CHECK(HOST, "transfer-encoding", "chunked", "transfer-encoding", "chunked"), 400);
  assert_int_equal(CHECK(HOST, "transfer-encoding", "chunked", "content-length", "3"), 400);
  assert_int_equal(CHECK(HOST, "content-length", "3", "transfer-encoding", "chunked"), 400);
  const char *const in_1_0[] = {HOST, "transfer-encoding", "chunked", NULL};
  assert_int_equal(check_version(in_1_0, 1, 0), 400);
}

/* HT-10 */
static void content_length_is_one_number(void **state) {
  (void)state;
  static const char *const good[] = {"0", "5", "18446744073709551615"};
  static const char *const bad[] = {"", "-1", "+5", "5, 5", "0x10", "5 ", " 5", "18446744073709551616", "1e3", "5;"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_int_equal(CHECK(HOST, "content-length", good[i]), 0);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(CHECK(HOST, "content-length", bad[i]), 400);
  assert_int_equal(CHECK(HOST, "content-length", "5", "content-length", "5"), 400);
}

static void only_1_0_and_1_1_are_spoken(void **state) {
  (void)state;
  const char *const pairs[] = {HOST, NULL};
  assert_int_equal(check_version(pairs, 1, 0), 0);
  assert_int_equal(check_version(pairs, 1, 1), 0);
  assert_int_equal(check_version(pairs, 1, 2), 400);
  assert_int_equal(check_version(pairs, 0, 9), 400);
  assert_int_equal(check_version(pairs, 2, 0), 400);
  assert_int_equal(check_version(pairs, 2, 1), 400);
}

/* HT-06 */
static void headers_are_counted(void **state) {
  (void)state;
  struct us_http_header headers[4] = {{US_STR("host"), US_STR("a")}};
  for (size_t i = 1; i < 4; i++)
    headers[i] = (struct us_http_header){US_STR("x"), US_STR("y")};
  struct us_http_request request = {.headers = headers, .header_count = 3};
  struct us_http_limits limits = us_http_limits_default;
  limits.header_count = 3;
  const char *reason = NULL;
  assert_int_equal(us_http_check_head(&request, 1, 1, &limits, &reason), 0);
  request.header_count = 4;
  assert_int_equal(us_http_check_head(&request, 1, 1, &limits, &reason), 400);
}

/* HT-13 */
static void only_100_continue_may_be_expected(void **state) {
  (void)state;
  assert_int_equal(CHECK(HOST, "expect", "100-continue"), 0);
  assert_int_equal(CHECK(HOST, "expect", "100-CONTINUE"), 0);
  assert_int_equal(CHECK(HOST, "expect", ""), 417);
  assert_int_equal(CHECK(HOST, "expect", "100-continue, x"), 417);
  assert_int_equal(CHECK(HOST, "expect", "x", "expect", "100-continue"), 417);
  assert_int_equal(CHECK(HOST, "expect", "100-continue", "expect", "x"), 417);
  const char *const old[] = {HOST, "expect", "x", NULL};
  assert_int_equal(check_version(old, 1, 0), 0);
}

static int check_target(const char *target) {
  const char *reason = NULL;
  int status = us_http_check_target(us_str_c(target), &reason);
  assert_int_equal(reason != NULL, status != 0);
  return status;
}

/* HT-21 HT-22 */
static void target_is_a_path_with_good_escapes(void **state) {
  (void)state;
  static const char *const good[] = {"/",  "/a/b?c=d", "/%41%ff%2F", "/a?b=%7B&c={}|^`<>\"",
                                     "//", "/a?b?c",   "/%01",       "/%25"};
  static const char *const bad[] = {"",       "a",        "*",       "http://a/", "a:443",  "/a#b",
                                    "/#",     "/a b",     "/\t",     "/a\x01",    "/a\x7f", "/\xc3\xa4",
                                    "/%",     "/%4",      "/%4g",    "/%g4",      "/%%41",  "/%00",
                                    "/a%00b", "/a?b=%00", "/a?b=%0", "/a?b=#",    "?a=b",   "/a\r\nX: y"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_int_equal(check_target(good[i]), 0);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(check_target(bad[i]), 400);
  const char *reason = NULL;
  assert_int_equal(us_http_check_target((struct us_str){"/a\0b", 4}, &reason), 400);
  assert_int_equal(us_http_check_target((struct us_str){"/%41", 3}, &reason), 400); /* the slice ends inside */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(host_must_be_there_once),
      cmocka_unit_test(host_must_be_a_name_or_an_address_and_maybe_a_port),
      cmocka_unit_test(host_with_nul_is_refused),
      cmocka_unit_test(authorization_may_be_there_once),
      cmocka_unit_test(empty_names_and_folded_values_are_refused),
      cmocka_unit_test(transfer_encoding_is_one_chunked_or_nothing),
      cmocka_unit_test(content_length_is_one_number),
      cmocka_unit_test(only_1_0_and_1_1_are_spoken),
      cmocka_unit_test(headers_are_counted),
      cmocka_unit_test(only_100_continue_may_be_expected),
      cmocka_unit_test(target_is_a_path_with_good_escapes),
  };
  return UNIT_RUN(tests);
}
