/* Who is at the other end: X-Forwarded-For counts from trusted proxies only, and from the right (SB-17). */
#include "wire.h"

#include <stdlib.h>

static const char *const proxies[] = {"127.0.0.9", "::ffff:10.0.0.1", "2001:db8::1", NULL};

static void start(const char *const *trusted) {
  struct wire_options options = wire_defaults();
  options.trusted_proxies = trusted;
  wire_start(&options);
}

/* The line that the handler is told, for a connection from this address with these headers. */
static void expect_line(const char *from, const char *headers, const char *name, const char *value) {
  struct wire_client client = {.fd = wire_connect_socket(from, wire_port(false))};
  us_buf_init(&client.got, 1 << 20);
  struct wire_answer answer;
  char *request = wire_format("GET / HTTP/1.1\r\n" WIRE_HOST "%s\r\n", headers);
  char *line = wire_format("\n%s=%s\n", name, value);
  wire_send_c(&client, request);
  wire_read_answer(&client, false, &answer);
  assert_int_equal(answer.status, 200);
  if (!strstr(answer.body.p, line))
    print_error("'%s' is not in '%s'\n", line, answer.body.p);
  assert_non_null(strstr(answer.body.p, line));
  wire_answer_done(&answer);
  wire_close(&client);
  free(request);
  free(line);
}

static void expect_peer(const char *from, const char *headers, const char *peer) {
  expect_line(from, headers, "peer", peer);
}

/* SB-17 */
static void forged_forwarding_headers_have_no_effect(void **state) {
  (void)state;
  start(proxies);
  expect_peer("127.0.0.2", "", "127.0.0.2");
  expect_peer("127.0.0.2", "X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.2");
  expect_peer("127.0.0.2", "Forwarded: for=192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n", "127.0.0.2");
}

/* SB-17 */
static void nobody_is_trusted_unless_listed(void **state) {
  (void)state;
  start(NULL);
  expect_peer("127.0.0.9", "X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.9");
}

/* SB-17 */
static void proxy_tells_the_client(void **state) {
  (void)state;
  start(proxies);
  expect_peer("127.0.0.9", "", "127.0.0.9");
  expect_peer("127.0.0.9", "X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7");
  expect_peer("127.0.0.9", "X-Forwarded-For: 192.0.2.7:4711\r\n", "192.0.2.7");
  expect_peer("127.0.0.9", "X-Forwarded-For: 2001:DB8:0:0::7\r\n", "2001:db8::7");
  expect_peer("127.0.0.9", "X-Forwarded-For: [2001:db8::7]:4711\r\n", "2001:db8::7");
  expect_peer("127.0.0.9", "X-Forwarded-For: ::ffff:192.0.2.7\r\n", "192.0.2.7");
}

/* SB-17: what stands left of the first stranger is only what that stranger said. */
static void the_rightmost_stranger_counts(void **state) {
  (void)state;
  start(proxies);
  expect_peer("127.0.0.9", "X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n", "192.0.2.7");
  expect_peer("127.0.0.9", "X-Forwarded-For: 198.51.100.1, 192.0.2.7 , 10.0.0.1,2001:db8::1\r\n", "192.0.2.7");
  expect_peer("127.0.0.9", "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7");
  expect_peer("127.0.0.9", "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 10.0.0.1\r\n", "198.51.100.1");
  expect_peer("127.0.0.9", "X-Forwarded-For: 10.0.0.1\r\n", "10.0.0.1");
}

/* SB-17 */
static void an_entry_that_is_no_address_ends_the_search(void **state) {
  (void)state;
  start(proxies);
  static const char *const bad[] = {"unknown",
                                    "",
                                    "300.1.1.1",
                                    "1.2.3.4:x",
                                    "1.2.3.4:65536",
                                    "[::1",
                                    "[::1]x",
                                    "fe80::1%eth0",
                                    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char *headers = wire_format("X-Forwarded-For: 192.0.2.7, %s\r\n", bad[i]);
    expect_peer("127.0.0.9", headers, "127.0.0.9");
    free(headers);
    headers = wire_format("X-Forwarded-For: 192.0.2.7, %s, 10.0.0.1\r\n", bad[i]);
    expect_peer("127.0.0.9", headers, "10.0.0.1");
    free(headers);
  }
}

/* SB-20: who has an IPv6 network has 2^64 addresses; failures are counted by the network. */
static void failures_of_an_ipv6_network_are_counted_together(void **state) {
  (void)state;
  start(proxies);
  expect_line("127.0.0.9", "", "group", "127.0.0.9");
  expect_line("127.0.0.9", "X-Forwarded-For: 192.0.2.7\r\n", "group", "192.0.2.7");
  expect_line("127.0.0.9", "X-Forwarded-For: ::ffff:192.0.2.7\r\n", "group", "192.0.2.7");
  expect_line("127.0.0.9", "X-Forwarded-For: 2001:db8:1:2:3:4:5:6\r\n", "group", "2001:db8:1:2::");
  expect_line("127.0.0.9", "X-Forwarded-For: 2001:db8:1:2::7\r\n", "group", "2001:db8:1:2::");
  expect_line("127.0.0.9", "X-Forwarded-For: 2001:db8:1:3::7\r\n", "group", "2001:db8:1:3::");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WIRE_TEST(forged_forwarding_headers_have_no_effect),
      WIRE_TEST(nobody_is_trusted_unless_listed),
      WIRE_TEST(proxy_tells_the_client),
      WIRE_TEST(the_rightmost_stranger_counts),
      WIRE_TEST(an_entry_that_is_no_address_ends_the_search),
      WIRE_TEST(failures_of_an_ipv6_network_are_counted_together),
  };
  return WIRE_RUN(tests);
}
