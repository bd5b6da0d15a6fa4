/* Starting (ports, addresses, what cannot work), several loops, and stopping with requests in flight. */
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n";
static const char park[] = "GET /park HTTP/1.1\r\n" WIRE_HOST "\r\n";

static void start(unsigned loops) {
  struct wire_options options = wire_defaults();
  options.loops = loops;
  wire_start(&options);
}

static void all_loops_share_one_port_and_answer(void **state) {
  start(4);
  assert_int_equal(wire_loops_open(), 4);
  for (int i = 0; i < 100; i++)
    assert_int_equal(wire_status(wire_is_tls(state), request), 200);
  struct us_http_counters counters = us_http_server_counters(wire_http());
  assert_int_equal(counters.accepted, 100);
  assert_int_equal(counters.requests, 100);
  assert_int_equal(counters.refused, 0);
}

static void loop_that_cannot_open_stops_the_start(void **state) {
  (void)state;
  struct wire_options options = wire_defaults();
  options.loops = 3;
  options.cannot_open_loops = true;
  assert_null(wire_start(&options)); /* which checks the reason, and that the other loops were closed again */
}

static void on_request(void *self, struct us_http_exchange *exchange) {
  (void)self;
  us_http_exchange_reply(exchange);
}

/* Options that would work, but for what the test changes. */
static struct us_http_options options_for(const struct us_http_listener *listener) {
  return (struct us_http_options){.listeners = listener,
                                  .listener_count = 1,
                                  .limits = us_http_limits_default,
                                  .loops = 2,
                                  .on_request = on_request};
}

static void expect_no_start(const struct us_http_options *options, const char *why) {
  char reason[256] = "";
  assert_int_equal(wire_start_fails(options, reason, sizeof reason), -1);
  if (!strstr(reason, why))
    print_error("'%s' does not say '%s'\n", reason, why);
  assert_non_null(strstr(reason, why));
}

static void what_cannot_start_says_why(void **state) {
  (void)state;
  static const char *const bad_proxies[] = {"10.0.0.1", "proxy.test", NULL};
  struct us_http_listener name = {"localhost", 0, false}, fine = {"127.0.0.1", 0, false}, tls = {"127.0.0.1", 0, true};
  struct us_http_listener foreign = {"192.0.2.1", 0, false};
  struct us_http_options options = options_for(&name);
  expect_no_start(&options, "'localhost': not an address");
  options = options_for(&foreign);
  expect_no_start(&options, "192.0.2.1");
  options = options_for(&tls);
  expect_no_start(&options, "needs a certificate");
  struct us_http_tls bad = {wire_certificate(0), wire_key(1), false};
  options.tls = &bad;
  expect_no_start(&options, "key");
  options = options_for(&fine);
  options.trusted_proxies = bad_proxies;
  expect_no_start(&options, "'proxy.test' is not an address");
}

/* SO_REUSEPORT alone would let the second server take half of the first one's connections. */
static void port_in_use_is_not_shared_with_another_server(void **state) {
  (void)state;
  start(2);
  struct us_http_listener taken = {"127.0.0.1", wire_port(false), false};
  struct us_http_options options = options_for(&taken);
  expect_no_start(&options, "in use");
  assert_int_equal(wire_status(false, request), 200);
}

static void port_is_free_again_after_a_stop(void **state) {
  (void)state;
  start(2);
  struct us_http_listener again = {"127.0.0.1", wire_port(false), false};
  assert_int_equal(wire_status(false, request), 200);
  wire_stop(1000);
  struct us_http_options options = options_for(&again);
  struct us_http_server *http = NULL;
  char reason[256];
  assert_int_equal(us_http_server_start(&options, &http, reason, sizeof reason), 0);
  assert_int_equal(us_http_server_port(http, 0), again.port);
  assert_int_equal(us_http_server_port(http, 1), 0);
  us_http_server_stop(http, 0);
  us_http_server_stop(http, 0); /* a second time changes nothing */
  us_http_server_free(http);
}

static void ipv6_listens_beside_ipv4_on_one_port(void **state) {
  (void)state;
  start(1);
  struct us_http_listener both[2] = {{"0.0.0.0", 0, false}, {"::", 0, false}};
  struct us_http_options options = options_for(both);
  struct us_http_server *http = NULL;
  char reason[256];
  assert_int_equal(us_http_server_start(&options, &http, reason, sizeof reason), 0);
  both[1].port = us_http_server_port(http, 0);
  us_http_server_free(http);
  both[0].port = both[1].port;
  options.listener_count = 2;
  if (us_http_server_start(&options, &http, reason, sizeof reason) != 0) { /* a machine without IPv6 */
    assert_non_null(strstr(reason, "::"));
    skip();
  }
  struct sockaddr_in6 v6 = {
      .sin6_family = AF_INET6, .sin6_port = htons(both[1].port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd = socket(AF_INET6, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&v6, sizeof v6), 0);
  assert_true(send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0);
  char text[16] = "";
  assert_true(recv(fd, text, sizeof text - 1, 0) > 12);
  assert_memory_equal(text, "HTTP/1.1 200", 12);
  close(fd);
  us_http_server_free(http);
}

static void *stop_with_patience(void *unused) {
  wire_stop(WIRE_PATIENCE_MS);
  return unused;
}

static void stop_answers_what_is_in_flight_and_drops_what_is_idle(void **state) {
  start(2);
  struct wire_client idle, half, busy[3];
  struct wire_answer answer;
  wire_connect(&idle, wire_is_tls(state));
  wire_connect(&half, wire_is_tls(state));
  wire_send_c(&half, "POST / HTTP/1.1\r\n" WIRE_HOST "Content-Length: 5\r\n\r\nab");
  for (int i = 0; i < 3; i++) {
    wire_connect(&busy[i], wire_is_tls(state));
    wire_send_c(&busy[i], park);
  }
  wire_await_parked(3);
  int64_t began = wire_now_ms();
  pthread_t stopper;
  assert_int_equal(pthread_create(&stopper, NULL, stop_with_patience, NULL), 0);
  assert_int_equal(wire_read_to_end(&idle), WIRE_CLOSED);
  assert_int_not_equal(wire_read_to_end(&half), WIRE_SILENT);
  wire_release(3);
  for (int i = 0; i < 3; i++) {
    wire_read_answer(&busy[i], false, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(wire_header(&answer, "Connection"), "close");
    wire_answer_done(&answer);
    wire_close(&busy[i]);
  }
  assert_int_equal(pthread_join(stopper, NULL), 0);
  assert_true(wire_now_ms() - began < WIRE_PATIENCE_MS); /* it did not wait for its patience to end */
  wire_close(&idle);
  wire_close(&half);
}

static void stop_gives_up_after_its_grace(void **state) {
  start(1);
  struct wire_client busy;
  wire_connect(&busy, wire_is_tls(state));
  wire_send_c(&busy, park);
  wire_await_parked(1);
  us_http_server_stop(wire_http(), 200);
  assert_int_not_equal(wire_read_to_end(&busy), WIRE_SILENT);
  assert_int_equal(busy.got.n, 0);
  wire_release(1); /* too late, and without harm: the exchange is freed with the server */
  wire_close(&busy);
}

static void stop_waits_for_work_of_clients_that_have_gone(void **state) {
  start(1);
  struct wire_client busy;
  wire_connect(&busy, wire_is_tls(state));
  wire_send_c(&busy, park);
  wire_await_parked(1);
  wire_close(&busy);
  pthread_t stopper;
  assert_int_equal(pthread_create(&stopper, NULL, stop_with_patience, NULL), 0);
  poll(NULL, 0, 100);
  assert_int_equal(wire_loops_open(), 1);
  wire_release(1);
  assert_int_equal(pthread_join(stopper, NULL), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WIRE_BOTH(all_loops_share_one_port_and_answer),
      WIRE_TEST(loop_that_cannot_open_stops_the_start),
      WIRE_TEST(what_cannot_start_says_why),
      WIRE_TEST(port_in_use_is_not_shared_with_another_server),
      WIRE_TEST(port_is_free_again_after_a_stop),
      WIRE_TEST(ipv6_listens_beside_ipv4_on_one_port),
      WIRE_BOTH(stop_answers_what_is_in_flight_and_drops_what_is_idle),
      WIRE_BOTH(stop_gives_up_after_its_grace),
      WIRE_BOTH(stop_waits_for_work_of_clients_that_have_gone),
  };
  return WIRE_RUN(tests);
}
