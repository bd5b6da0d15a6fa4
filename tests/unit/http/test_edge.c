/* The small parts of the edge: deadlines (http/wait.h), connection counts (http/quota.h), addresses, heads of answers. */
#include "../unit.h"
#include "http/address.h"
#include "http/answer.h"
#include "http/quota.h"
#include "http/wait.h"

static struct us_address address(const char *text) {
  struct us_address a;
  assert_true(us_address_parse(us_str_c(text), &a));
  return a;
}

static void addresses_have_one_spelling(void **state) {
  (void)state;
  static const char *const pairs[][2] = {{"127.0.0.1", "127.0.0.1"},        {"127.0.0.1:80", "127.0.0.1"},
                                         {"::ffff:127.0.0.1", "127.0.0.1"}, {"[::ffff:7f00:1]:80", "127.0.0.1"},
                                         {"2001:DB8:0::1", "2001:db8::1"},  {"[::1]", "::1"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    char text[US_ADDRESS_TEXT_BYTES];
    struct us_address a = address(pairs[i][0]);
    us_address_format(&a, text);
    assert_string_equal(text, pairs[i][1]);
  }
  static const char *const bad[] = {"",       "a",  "1.2.3", "1.2.3.4.5", "1.2.3.4:", "1.2.3.4:a", "[1.2.3.4",
                                    "[::1]x", "[]", ":",     "::1%lo",    "1.2.3.4 ", "0x7f.0.0.1"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct us_address a;
    assert_false(us_address_parse(us_str_c(bad[i]), &a));
  }
  struct us_address a;
  assert_false(us_address_parse((struct us_str){"1.2.3.4\0", 8}, &a));
}

static void ipv6_connections_are_counted_by_network(void **state) {
  (void)state;
  struct us_address a = address("2001:db8:1:2:3:4:5:6"), b = address("2001:db8:1:2::"), c = address("2001:db8:1:3::");
  struct us_address d = address("192.0.2.1"), e = address("192.0.2.2");
  struct us_address ga = us_address_group(&a), gb = us_address_group(&b), gc = us_address_group(&c);
  assert_true(us_address_eq(&ga, &gb));
  assert_false(us_address_eq(&ga, &gc));
  struct us_address gd = us_address_group(&d), ge = us_address_group(&e);
  assert_false(us_address_eq(&gd, &ge));
}

static void quota_counts_in_all_and_by_address(void **state) {
  (void)state;
  _Atomic size_t *h2_bytes, *first;
  struct us_quota *quota = us_quota_new(4, 2);
  assert_non_null(quota);
  struct us_address a = address("192.0.2.1"), b = address("192.0.2.2"), proxy = address("192.0.2.9");
  assert_true(us_quota_take(quota, &a, false, &first));
  assert_true(us_quota_take(quota, &a, false, &h2_bytes));
  assert_non_null(first);
  assert_ptr_equal(first, h2_bytes);
  assert_false(us_quota_take(quota, &a, false, &h2_bytes)); /* two of an address, not three */
  assert_true(us_quota_take(quota, &b, false, &h2_bytes));
  assert_ptr_not_equal(first, h2_bytes);
  assert_true(us_quota_take(quota, &proxy, true, &h2_bytes));
  assert_null(h2_bytes);
  assert_false(us_quota_take(quota, &proxy, true, &h2_bytes)); /* four in all, not five, proxy or not */
  assert_false(us_quota_take(quota, &b, false, &h2_bytes));
  us_quota_give_back(quota, &a, false);
  assert_true(us_quota_take(quota, &proxy, true, &h2_bytes));
  us_quota_give_back(quota, &proxy, true);
  us_quota_give_back(quota, &a, false);
  assert_true(us_quota_take(quota, &a, false, &h2_bytes)); /* the refusals in between were not counted */
  us_quota_free(quota);
  us_quota_free(NULL);
}

static void deadlines_end_in_their_order(void **state) {
  (void)state;
  struct us_waits waits = {0};
  struct us_wait w[4] = {0};
  enum us_wait_kind kind = US_WAIT_NONE;
  waits.queue[US_WAIT_IDLE].duration_ms = 100;
  waits.queue[US_WAIT_HEAD].duration_ms = 10;
  assert_int_equal(us_wait_next_ms(&waits), -1);
  us_wait_set(&waits, &w[0], US_WAIT_IDLE, 1000);
  us_wait_set(&waits, &w[1], US_WAIT_IDLE, 1001);
  us_wait_set(&waits, &w[2], US_WAIT_IDLE, 1002);
  us_wait_set(&waits, &w[3], US_WAIT_HEAD, 1050);
  assert_int_equal(us_wait_next_ms(&waits), 1060);
  assert_null(us_wait_take_expired(&waits, 1059, &kind));
  assert_ptr_equal(us_wait_take_expired(&waits, 1060, &kind), &w[3]);
  assert_int_equal(kind, US_WAIT_HEAD);
  us_wait_set(&waits, &w[0], US_WAIT_IDLE, 1070); /* again: now the last */
  us_wait_clear(&waits, &w[1]);
  us_wait_clear(&waits, &w[1]);
  assert_int_equal(us_wait_next_ms(&waits), 1102);
  assert_ptr_equal(us_wait_take_expired(&waits, 2000, &kind), &w[2]);
  assert_ptr_equal(us_wait_take_expired(&waits, 2000, &kind), &w[0]);
  assert_int_equal(kind, US_WAIT_IDLE);
  assert_null(us_wait_take_expired(&waits, 2000, &kind));
  assert_int_equal(us_wait_next_ms(&waits), -1);
}

static void head_says_how_the_body_ends_and_what_becomes_of_the_connection(void **state) {
  (void)state;
  static const struct {
    int status;
    struct us_answer_facts facts;
    const char *expected;
    bool has_body;
  } rows[] = {
      {200, {0}, "HTTP/1.1 200 OK\r\nDate: x\r\nA: b\r\nContent-Length: 4\r\n\r\n", true},
      {200, {.is_head = true}, "HTTP/1.1 200 OK\r\nDate: x\r\nA: b\r\nContent-Length: 4\r\n\r\n", false},
      {204, {0}, "HTTP/1.1 204 No Content\r\nDate: x\r\nA: b\r\n\r\n", false},
      {304, {.closes = true}, "HTTP/1.1 304 Not Modified\r\nDate: x\r\nA: b\r\nConnection: close\r\n\r\n", false},
      {404,
       {.is_http10 = true},
       "HTTP/1.1 404 Not Found\r\nDate: x\r\nA: b\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\n",
       true},
      {404,
       {.is_http10 = true, .closes = true},
       "HTTP/1.1 404 Not Found\r\nDate: x\r\nA: b\r\nContent-Length: 4\r\nConnection: close\r\n\r\n",
       true},
  };
  struct us_http_response response;
  us_http_response_init(&response);
  us_http_response_header(&response, "A", US_STR("b"));
  us_buf_add_c(&response.body, "body");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct us_buf head;
    us_buf_init(&head, US_HTTP_HEAD_MAX);
    response.status = rows[i].status;
    assert_true(us_answer_head(&head, &response, US_STR("Date: x\r\n"), &rows[i].facts));
    assert_str(us_buf_str(&head), rows[i].expected);
    assert_int_equal(us_answer_has_body(&response, rows[i].facts.is_head), rows[i].has_body);
    us_buf_done(&head);
  }
  us_http_response_done(&response);
}

/* HT-23 HT-24 */
static void refusals_are_json_that_nobody_sniffs(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *body;
  } rows[] = {{400, "{\"error\":\"invalid_request\"}"},
              {413, "{\"error\":\"invalid_request\"}"},
              {500, "{\"error\":\"server_error\"}"},
              {503, "{\"error\":\"temporarily_unavailable\"}"}};
  struct us_http_options options = {0};
  for (size_t i = 0; i < 4; i++) {
    struct us_http_response response;
    us_http_response_init(&response);
    us_answer_refuse(&response, &options, rows[i].status, "reason", US_STR("/target"));
    assert_int_equal(response.status, rows[i].status);
    assert_true(response.close);
    assert_str(us_buf_str(&response.body), rows[i].body);
    struct us_http_request as_request = {.headers = response.headers, .header_count = response.header_count};
    assert_str(us_http_header(&as_request, "X-Content-Type-Options"), "nosniff");
    assert_str(us_http_header(&as_request, "Content-Type"), "application/json");
    assert_int_equal(us_http_header(&as_request, "Retry-After").p != NULL, rows[i].status == 503);
    us_http_response_done(&response);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses_have_one_spelling),
      cmocka_unit_test(ipv6_connections_are_counted_by_network),
      cmocka_unit_test(quota_counts_in_all_and_by_address),
      cmocka_unit_test(deadlines_end_in_their_order),
      cmocka_unit_test(head_says_how_the_body_ends_and_what_becomes_of_the_connection),
      cmocka_unit_test(refusals_are_json_that_nobody_sniffs),
  };
  return UNIT_RUN(tests);
}
