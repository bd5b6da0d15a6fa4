/* Deadlines are of the whole part, not of each read: a client that trickles is cut off, and holds up nobody (HT-15). */
#include "wire.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHORT_MS 300
#define LONG_MS 60000

/* All deadlines long: each test shortens its own. */
static struct wire_options patient(void) {
  struct wire_options options = wire_defaults();
  options.limits.head_ms = options.limits.body_ms = options.limits.idle_ms = options.limits.answer_ms = LONG_MS;
  return options;
}

/* Sends one byte every 20 ms until the other side has something to say; returns the milliseconds since `began`. */
static int64_t trickle(struct wire_client *client, int64_t began, char c) {
  char text[2] = {c, '\0'};
  struct pollfd ready = {.fd = client->fd, .events = POLLIN};
  while (poll(&ready, 1, 20) == 0) {
    assert_true(wire_now_ms() - began < WIRE_PATIENCE_MS);
    if (!wire_try_send(client, text))
      break;
  }
  return wire_now_ms() - began;
}

static void expect_timeout_answer(struct wire_client *client) {
  struct wire_answer answer;
  wire_read_answer(client, false, &answer);
  assert_int_equal(answer.status, 408);
  assert_string_equal(wire_header(&answer, "Connection"), "close");
  wire_answer_done(&answer);
  assert_int_equal(wire_read_to_end(client), WIRE_CLOSED);
}

/* HT-15 */
static void head_that_trickles_is_cut_off(void **state) {
  struct wire_options options = patient();
  options.limits.head_ms = SHORT_MS;
  wire_start(&options);
  struct wire_client client;
  wire_connect(&client, wire_is_tls(state));
  if (client.ssl) { /* the tickets that follow the handshake would look like an answer */
    assert_int_equal(wire_status(true, "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n"), 200);
    wire_send_c(&client, "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n");
    struct wire_answer answer;
    wire_read_answer(&client, false, &answer);
    wire_answer_done(&answer);
  }
  int64_t began = wire_now_ms();
  wire_send_c(&client, "GET /");
  int64_t took = trickle(&client, began, 'a');
  assert_in_range(took, SHORT_MS - 20, SHORT_MS + 3000);
  expect_timeout_answer(&client);
  wire_close(&client);
}

/* HT-15 */
static void body_that_trickles_is_cut_off(void **state) {
  struct wire_options options = patient();
  options.limits.body_ms = SHORT_MS;
  wire_start(&options);
  struct wire_client client;
  wire_connect(&client, wire_is_tls(state));
  struct wire_answer answer;
  wire_send_c(&client, "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n");
  wire_read_answer(&client, false, &answer);
  wire_answer_done(&answer);
  int64_t began = wire_now_ms();
  wire_send_c(&client, "POST / HTTP/1.1\r\n" WIRE_HOST "Content-Length: 60000\r\n\r\n");
  int64_t took = trickle(&client, began, 'b');
  assert_in_range(took, SHORT_MS - 20, SHORT_MS + 3000);
  expect_timeout_answer(&client);
  wire_close(&client);
}

/* Head and body in time, though longer together than either may be. */
static void each_part_has_its_own_deadline(void **state) {
  struct wire_options options = patient();
  options.limits.head_ms = options.limits.body_ms = 1000;
  wire_start(&options);
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  wire_send_c(&client, "POST / HTTP/1.1\r\n" WIRE_HOST);
  poll(NULL, 0, 700);
  wire_send_c(&client, "Content-Length: 3\r\n\r\na");
  poll(NULL, 0, 700);
  wire_send_c(&client, "bc");
  wire_read_answer(&client, false, &answer);
  assert_int_equal(answer.status, 200);
  wire_answer_done(&answer);
  wire_close(&client);
}

/* HT-15 */
static void idle_connection_is_closed_without_a_word(void **state) {
  struct wire_options options = patient();
  options.limits.idle_ms = SHORT_MS;
  wire_start(&options);
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  wire_send_c(&client, "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n");
  wire_read_answer(&client, false, &answer);
  wire_answer_done(&answer);
  int64_t began = wire_now_ms();
  assert_int_equal(wire_read_to_end(&client), WIRE_CLOSED);
  assert_int_equal(client.got.n, 0);
  assert_in_range(wire_now_ms() - began, SHORT_MS - 20, SHORT_MS + 3000);
  wire_close(&client);
}

static void connection_without_a_first_request_is_closed(void **state) {
  struct wire_options options = patient();
  options.limits.idle_ms = SHORT_MS;
  wire_start(&options);
  struct wire_client client;
  wire_connect(&client, wire_is_tls(state));
  assert_int_equal(wire_read_to_end(&client), WIRE_CLOSED);
  wire_close(&client);
}

/* HT-15 */
static void handshake_that_trickles_is_cut_off(void **state) {
  (void)state;
  struct wire_options options = patient();
  options.limits.head_ms = SHORT_MS;
  wire_start(&options);
  struct wire_client client = {.fd = wire_connect_socket(NULL, wire_port(true))};
  us_buf_init(&client.got, 1 << 20);
  static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
  int64_t began = wire_now_ms();
  wire_send(&client, hello, sizeof hello - 1);
  int64_t took = trickle(&client, began, 'x');
  assert_in_range(took, SHORT_MS - 20, SHORT_MS + 3000);
  wire_close(&client);
}

static void waiting_for_the_handler_has_no_deadline(void **state) {
  struct wire_options options = patient();
  options.limits.head_ms = options.limits.body_ms = options.limits.idle_ms = options.limits.answer_ms = 50;
  wire_start(&options);
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  wire_send_c(&client, "GET /park HTTP/1.1\r\n" WIRE_HOST "\r\n");
  wire_await_parked(1);
  poll(NULL, 0, 300);
  wire_release(1);
  wire_read_answer(&client, false, &answer);
  assert_int_equal(answer.status, 200);
  wire_answer_done(&answer);
  wire_close(&client);
}

/* HT-15: the answer is larger than what the kernel's buffers take. */
static void client_that_does_not_read_is_cut_off(void **state) {
  struct wire_options options = patient();
  options.limits.answer_ms = SHORT_MS;
  wire_start(&options);
  struct wire_client client;
  wire_connect(&client, wire_is_tls(state));
  int small = 4096;
  setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  wire_send_c(&client, "GET /large/8000000 HTTP/1.1\r\n" WIRE_HOST "\r\n");
  int64_t end = wire_now_ms() + WIRE_PATIENCE_MS;
  while (us_http_server_counters(wire_http()).open > 0 && wire_now_ms() < end)
    poll(NULL, 0, 10);
  assert_int_equal(us_http_server_counters(wire_http()).open, 0);
  wire_close(&client);
}

/* HT-15 */
static void five_hundred_slow_clients_hold_up_nobody(void **state) {
  struct wire_options options = patient();
  wire_start(&options);
  enum { SLOW = 500 };
  static int slow[SLOW];
  for (int i = 0; i < SLOW; i++) {
    slow[i] = wire_connect_socket(NULL, wire_port(wire_is_tls(state)));
    assert_int_equal(send(slow[i], wire_is_tls(state) ? "\x16" : "G", 1, MSG_NOSIGNAL), 1);
  }
  int64_t began = wire_now_ms();
  assert_int_equal(wire_status(wire_is_tls(state), "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n"), 200);
  assert_true(wire_now_ms() - began < 1000);
  for (int i = 0; i < SLOW; i++)
    close(slow[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WIRE_BOTH(head_that_trickles_is_cut_off),
      WIRE_BOTH(body_that_trickles_is_cut_off),
      WIRE_BOTH(each_part_has_its_own_deadline),
      WIRE_BOTH(idle_connection_is_closed_without_a_word),
      WIRE_BOTH(connection_without_a_first_request_is_closed),
      WIRE_TEST(handshake_that_trickles_is_cut_off),
      WIRE_BOTH(waiting_for_the_handler_has_no_deadline),
      WIRE_BOTH(client_that_does_not_read_is_cut_off),
      WIRE_BOTH(five_hundred_slow_clients_hold_up_nobody),
  };
  return WIRE_RUN(tests);
}
