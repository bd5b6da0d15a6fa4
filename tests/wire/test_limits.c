/* Every limit of the edge at the limit and one past it, over TCP and TLS. */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static bool tls_of(void **state) {
  return wire_is_tls(state);
}

/* The request, which is then freed, is answered with 200. */
static void expect_fine(bool is_tls, char *request) {
  assert_int_equal(wire_status(is_tls, request), 200);
  free(request);
}
static void expect_refused(bool is_tls, char *request, int status) {
  wire_expect_refusal(is_tls, request, strlen(request), status);
  free(request);
}

static char *with_target(size_t bytes) {
  char *rest = wire_repeat('a', bytes - 1);
  char *request = wire_format("GET /%s HTTP/1.1\r\n" WIRE_HOST "\r\n", rest);
  free(rest);
  return request;
}

/* HT-06 */
static void target_may_have_its_limit_and_not_a_byte_more(void **state) {
  struct wire_options options = wire_defaults();
  options.limits.target_bytes = 300;
  wire_start(&options);
  expect_fine(tls_of(state), with_target(300));
  expect_refused(tls_of(state), with_target(301), 414);
  expect_refused(tls_of(state), with_target(100000), 414);
}

/* A head of just so many bytes, from the method to the empty line. */
static char *with_head(size_t bytes) {
  static const char frame[] = "GET / HTTP/1.1\r\n" WIRE_HOST "X-Fill: \r\n\r\n";
  char *fill = wire_repeat('x', bytes - (sizeof frame - 1));
  char *request = wire_format("GET / HTTP/1.1\r\n" WIRE_HOST "X-Fill: %s\r\n\r\n", fill);
  free(fill);
  assert_int_equal(strlen(request), bytes);
  return request;
}

/* HT-06 */
static void head_may_have_its_limit_and_not_a_byte_more(void **state) {
  struct wire_options options = wire_defaults();
  wire_start(&options);
  expect_fine(tls_of(state), with_head(options.limits.head_bytes));
  expect_refused(tls_of(state), with_head(options.limits.head_bytes + 1), 431);
  expect_refused(tls_of(state), with_head(1000000), 431);
}

static void head_counts_the_empty_lines_before_it(void **state) {
  struct wire_options options = wire_defaults();
  wire_start(&options);
  char *lines = wire_repeat('\n', options.limits.head_bytes + 1);
  expect_refused(tls_of(state), lines, 431);
}

static char *with_headers(size_t count) {
  struct us_buf b;
  us_buf_init(&b, 1 << 20);
  us_buf_add_c(&b, "GET / HTTP/1.1\r\n" WIRE_HOST);
  for (size_t i = 1; i < count; i++)
    us_buf_addf(&b, "X-%zu: %zu\r\n", i, i);
  us_buf_add_c(&b, "\r\n");
  assert_true(us_buf_ok(&b));
  return b.p;
}

/* HT-06 */
static void headers_may_be_a_hundred_and_not_one_more(void **state) {
  struct wire_options options = wire_defaults();
  wire_start(&options);
  expect_fine(tls_of(state), with_headers(100));
  expect_refused(tls_of(state), with_headers(101), 400);
  expect_refused(tls_of(state), with_headers(10000), 400);
}

static char *with_body(size_t bytes, const char *head) {
  char *body = wire_repeat('b', bytes);
  char *request = wire_format("POST / HTTP/1.1\r\n" WIRE_HOST "%sContent-Length: %zu\r\n\r\n%s", head, bytes, body);
  free(body);
  return request;
}

/* HT-05 */
static void body_may_have_its_limit_and_not_a_byte_more(void **state) {
  struct wire_options options = wire_defaults();
  wire_start(&options);
  expect_fine(tls_of(state), with_body(options.limits.body_bytes, ""));
  expect_refused(tls_of(state), with_body(options.limits.body_bytes + 1, ""), 413);
}

/* HT-05 */
static void body_too_large_is_refused_by_its_length_alone(void **state) {
  struct wire_options options = wire_defaults();
  wire_start(&options);
  static const char head[] = "POST / HTTP/1.1\r\n" WIRE_HOST "Content-Length: 10000000000\r\n\r\n";
  wire_expect_refusal(tls_of(state), head, sizeof head - 1, 413);
}

/* `bytes` of body in chunks of `each`; `size_line` makes "3" or "3;ext" of the size. The last chunk is not sent. */
static void add_chunks(struct us_buf *b, size_t bytes, size_t each, const char *extension) {
  while (bytes) {
    size_t n = bytes < each ? bytes : each;
    char *chunk = wire_repeat('c', n);
    us_buf_addf(b, "%zx%s\r\n%s\r\n", n, extension, chunk);
    free(chunk);
    bytes -= n;
  }
  assert_true(us_buf_ok(b));
}

static char *chunked(size_t bytes, size_t each, const char *extension, const char *end) {
  struct us_buf b;
  us_buf_init(&b, 16 << 20);
  us_buf_add_c(&b, "POST / HTTP/1.1\r\n" WIRE_HOST "Transfer-Encoding: chunked\r\n\r\n");
  add_chunks(&b, bytes, each, extension);
  us_buf_add_c(&b, end);
  return b.p;
}

/* HT-05 */
static void chunked_body_is_counted_as_it_comes(void **state) {
  struct wire_options options = wire_defaults();
  wire_start(&options);
  size_t limit = options.limits.body_bytes;
  expect_fine(tls_of(state), chunked(limit, 1000, "", "0\r\n\r\n"));
  expect_refused(tls_of(state), chunked(limit + 1, 1000, "", ""), 413); /* before the last chunk is seen */
  expect_fine(tls_of(state), chunked(limit, 1, "", "0\r\n\r\n"));
}

static void framing_of_chunks_is_counted_too(void **state) {
  struct wire_options options = wire_defaults();
  wire_start(&options);
  char *extension = wire_repeat('e', 20000);
  extension[0] = ';';
  expect_fine(tls_of(state), chunked(1, 1, extension, "0\r\n\r\n"));
  expect_refused(tls_of(state), chunked(3, 1, extension, ""), 413);
  char *trailer = wire_format("0\r\nX-Trailer: %s\r\n\r\n", extension);
  expect_fine(tls_of(state), chunked(1, 1, "", trailer));
  char *trailers = wire_format("0\r\nA: %s\r\nB: %s", extension, extension);
  expect_refused(tls_of(state), chunked(1, 1, "", trailers), 413);
  free(extension);
  free(trailer);
  free(trailers);
}

static void open_many(struct wire_client *clients, size_t n, bool is_tls) {
  for (size_t i = 0; i < n; i++)
    wire_connect(&clients[i], is_tls);
}
static void close_many(struct wire_client *clients, size_t n) {
  for (size_t i = 0; i < n; i++)
    wire_close(&clients[i]);
}

/* One connection more than there may be. */
static void expect_turned_away(bool is_tls, const char *from) {
  struct wire_client client = {.fd = wire_connect_socket(from, wire_port(is_tls))};
  us_buf_init(&client.got, 1 << 20);
  if (!is_tls) {
    struct wire_answer answer;
    wire_read_answer(&client, false, &answer);
    assert_int_equal(answer.status, 503);
    assert_non_null(wire_header(&answer, "Retry-After"));
    wire_answer_done(&answer);
  }
  assert_int_equal(wire_read_to_end(&client), WIRE_CLOSED);
  wire_close(&client);
}

static int status_from(const char *from) {
  struct wire_client client = {.fd = wire_connect_socket(from, wire_port(false))};
  us_buf_init(&client.got, 1 << 20);
  struct wire_answer answer;
  wire_send_c(&client, "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n");
  wire_read_answer(&client, false, &answer);
  wire_answer_done(&answer);
  wire_close(&client);
  return answer.status;
}

/* The server counts connections in and out a moment later: waits until it has just n. */
static void await_open(uint64_t n) {
  int64_t end = wire_now_ms() + WIRE_PATIENCE_MS;
  while (us_http_server_counters(wire_http()).open != n && wire_now_ms() < end)
    poll(NULL, 0, 1);
  assert_int_equal(us_http_server_counters(wire_http()).open, n);
}

/* HT-24 */
static void connections_in_all_are_limited(void **state) {
  struct wire_options options = wire_defaults();
  options.limits.connections = 5;
  options.loops = 2;
  wire_start(&options);
  struct wire_client clients[5];
  open_many(clients, 5, tls_of(state));
  await_open(5);
  expect_turned_away(tls_of(state), NULL);
  expect_turned_away(tls_of(state), "127.0.0.2");
  assert_true(us_http_server_counters(wire_http()).turned_away >= 2);
  close_many(clients, 5);
  await_open(0);
  assert_int_equal(wire_status(tls_of(state), "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n"), 200);
}

/* HT-24 */
static void connections_of_an_address_are_limited(void **state) {
  struct wire_options options = wire_defaults();
  options.limits.connections_per_addr = 3;
  wire_start(&options);
  struct wire_client clients[3];
  open_many(clients, 3, tls_of(state));
  expect_turned_away(tls_of(state), NULL);
  assert_int_equal(status_from("127.0.0.2"), 200); /* another address still may */
  close_many(clients, 3);
}

static void trusted_proxies_count_only_in_all(void **state) {
  static const char *const proxies[] = {"127.0.0.9", NULL};
  struct wire_options options = wire_defaults();
  options.limits.connections_per_addr = 1;
  options.trusted_proxies = proxies;
  wire_start(&options);
  int first = wire_connect_socket("127.0.0.9", wire_port(tls_of(state)));
  assert_int_equal(status_from("127.0.0.9"), 200);
  await_open(1);
  int stranger = wire_connect_socket("127.0.0.8", wire_port(tls_of(state)));
  await_open(2);
  expect_turned_away(tls_of(state), "127.0.0.8");
  close(first);
  close(stranger);
}

/* ---- Without files ---- */

#define HOARD 4096
static int hoard[HOARD];
static _Atomic bool hoards;

/* Takes every file there is, as soon as there is one: also those that others keep in reserve and give away for a moment. */
static void *take_all_files(void *unused) {
  size_t n = 0;
  while (hoards) {
    int fd = n < HOARD ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0)
      hoard[n++] = fd;
  }
  while (n > 0)
    close(hoard[--n]);
  return unused;
}

static uint64_t not_accepted(void) {
  return us_http_server_counters(wire_http()).not_accepted;
}

/* Whoever comes while there are no files waits; the loop does not turn in circles over it, serves whom it has, and goes on when there are
 * files again. */
static void without_files_the_loop_waits(void **state) {
  (void)state;
  struct rlimit before, few;
  struct wire_client held;
  int sockets[64];
  pthread_t thread;
  getrlimit(RLIMIT_NOFILE, &before);
  struct wire_options options = wire_defaults();
  options.loops = 1;
  wire_start(&options);
  wire_connect(&held, false);
  await_open(1);
  for (size_t i = 0; i < 64; i++)
    assert_true((sockets[i] = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
  few = before;
  few.rlim_cur = before.rlim_cur < 512 ? before.rlim_cur : 512;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  hoards = true;
  assert_int_equal(pthread_create(&thread, NULL, take_all_files, NULL), 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(wire_port(false))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int last = -1;
  for (int i = 0; i < 64 && not_accepted() == 0; i++) {
    assert_int_equal(connect(last = sockets[i], (struct sockaddr *)&to, sizeof(to)), 0);
    poll(NULL, 0, 20);
  }
  uint64_t errors = not_accepted();
  assert_true(errors > 0);
  poll(NULL, 0, 1000);
  assert_true(not_accepted() - errors <= 100); /* a loop that turns in circles has thousands */
  struct wire_answer answer;
  wire_send_c(&held, "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n");
  wire_read_answer(&held, false, &answer);
  assert_int_equal(answer.status, 200);
  wire_answer_done(&answer);
  hoards = false;
  pthread_join(thread, NULL);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  struct wire_client waited = {.fd = last};
  us_buf_init(&waited.got, 1 << 20);
  wire_send_c(&waited, "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n");
  wire_read_answer(&waited, false, &answer);
  assert_int_equal(answer.status, 200);
  wire_answer_done(&answer);
  wire_close(&waited);
  wire_close(&held);
  for (size_t i = 0; i < 64; i++)
    if (sockets[i] != last)
      close(sockets[i]);
  assert_int_equal(wire_status(false, "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n"), 200);
}

static void turning_away_many_leaves_nothing_behind(void **state) {
  struct wire_options options = wire_defaults();
  options.limits.connections = 0;
  wire_start(&options);
  for (int i = 0; i < 300; i++) {
    int fd = wire_connect_socket(NULL, wire_port(tls_of(state)));
    close(fd);
  }
  await_open(0);
  assert_int_equal(us_http_server_counters(wire_http()).requests, 0);
}

/* Sends as much as the server takes while its handler is busy; returns the bytes. */
static size_t send_until_it_blocks(struct wire_client *client, const char *request) {
  size_t n = strlen(request), sent = 0;
  for (;;) {
    struct pollfd ready = {.fd = client->fd, .events = POLLOUT};
    if (poll(&ready, 1, 500) == 0)
      return sent;
    ssize_t part = send(client->fd, request + sent % n, n - sent % n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (part < 0)
      assert_true(errno == EAGAIN);
    else
      sent += (size_t)part;
    assert_true(sent < (64 << 20)); /* or it would go on for ever */
  }
}

/* HT-14 */
static void waiting_input_is_bounded_and_nothing_of_it_is_lost(void **state) {
  (void)state;
  struct wire_options options = wire_defaults();
  wire_start(&options);
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, false);
  wire_send_c(&client, "GET /park HTTP/1.1\r\n" WIRE_HOST "\r\n");
  wire_await_parked(1);
  static const char request[] = "GET /p HTTP/1.1\r\n" WIRE_HOST "X-Test: a\r\n\r\n";
  size_t sent = send_until_it_blocks(&client, request); /* buffers of the kernel, and then no more is read */
  wire_release(1);
  size_t whole = sent / (sizeof request - 1);
  assert_true(whole > 1000);
  for (size_t i = 0; i < whole + 1; i++) {
    wire_read_answer(&client, false, &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body.p, i ? "path=/p\n" : "path=/park\n"));
    wire_answer_done(&answer);
  }
  wire_close(&client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WIRE_BOTH(target_may_have_its_limit_and_not_a_byte_more),
      WIRE_BOTH(head_may_have_its_limit_and_not_a_byte_more),
      WIRE_BOTH(head_counts_the_empty_lines_before_it),
      WIRE_BOTH(headers_may_be_a_hundred_and_not_one_more),
      WIRE_BOTH(body_may_have_its_limit_and_not_a_byte_more),
      WIRE_BOTH(body_too_large_is_refused_by_its_length_alone),
      WIRE_BOTH(chunked_body_is_counted_as_it_comes),
      WIRE_BOTH(framing_of_chunks_is_counted_too),
      WIRE_BOTH(connections_in_all_are_limited),
      WIRE_BOTH(connections_of_an_address_are_limited),
      WIRE_BOTH(trusted_proxies_count_only_in_all),
      WIRE_TEST(without_files_the_loop_waits),
      WIRE_BOTH(turning_away_many_leaves_nothing_behind),
      WIRE_TEST(waiting_input_is_bounded_and_nothing_of_it_is_lost),
  };
  return WIRE_RUN(tests);
}
