/* Answers: framing, HEAD, statuses without a body, keep-alive, Expect, order, size, refusals in the handler's style. */
#include "http/loop.h"
#include "wire.h"

#include <stdlib.h>
#include <time.h>

static void start(void) {
  struct wire_options options = wire_defaults();
  wire_start(&options);
}

/* Sends a request and reads its answer on a connection that stays open. */
static void ask(struct wire_client *client, const char *request, struct wire_answer *ret_answer) {
  wire_send_c(client, request);
  wire_read_answer(client, strncmp(request, "HEAD ", 5) == 0, ret_answer);
}

/* HT-25 */
static void answer_has_date_length_and_the_handlers_headers(void **state) {
  start();
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  ask(&client, "POST /a%20b?c=d&e HTTP/1.1\r\n" WIRE_HOST "X-Test:  two  blanks \r\nContent-Length: 5\r\n\r\nhello",
      &answer);
  assert_int_equal(answer.status, 200);
  assert_string_equal(wire_header(&answer, "Content-Type"), "text/plain");
  assert_null(wire_header(&answer, "Connection"));
  struct tm tm;
  const char *end = strptime(wire_header(&answer, "Date"), "%a, %d %b %Y %H:%M:%S GMT", &tm);
  assert_true(end && *end == '\0');
  assert_true(labs((long)(timegm(&tm) - time(NULL))) <= 2);
  char *expected =
      wire_format("method=POST\nknown=1\npath=/a%%20b\nquery=?c=d&e\nhost=usher.test\npeer=127.0.0.1\ngroup=127.0.0.1\n"
                  "cert=\ntls=%d\nheaders=3\nauthorization=\nx-test=two  blanks\ncookie=\nh2=0\nbytes=5\nbody=hello\n",
                  wire_is_tls(state));
  assert_str(answer.body, expected);
  free(expected);
  wire_answer_done(&answer);
  wire_close(&client);
}

/* HT-02 */
static void head_gets_the_length_without_the_body(void **state) {
  start();
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  ask(&client, "HEAD /status/200 HTTP/1.1\r\n" WIRE_HOST "\r\n", &answer);
  assert_string_equal(wire_header(&answer, "Content-Length"), "11");
  wire_answer_done(&answer);
  ask(&client, "GET /status/200 HTTP/1.1\r\n" WIRE_HOST "\r\n", &answer); /* read where it ought to be */
  assert_str(answer.body, "body of 200");
  wire_answer_done(&answer);
  wire_close(&client);
}

static void no_content_and_not_modified_have_no_body(void **state) {
  start();
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  static const int statuses[] = {204, 304};
  for (size_t i = 0; i < 2; i++) {
    char *request = wire_format("GET /status/%d HTTP/1.1\r\n" WIRE_HOST "\r\n", statuses[i]);
    ask(&client, request, &answer);
    assert_int_equal(answer.status, statuses[i]);
    assert_null(wire_header(&answer, "Content-Length"));
    wire_answer_done(&answer);
    free(request);
  }
  ask(&client, "GET /status/404 HTTP/1.1\r\n" WIRE_HOST "\r\n", &answer);
  assert_str(answer.body, "body of 404");
  wire_answer_done(&answer);
  wire_close(&client);
}

/* HT-01: which methods a path has is for the router to say. */
static void all_methods_reach_the_handler(void **state) {
  start();
  static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", "get"};
  struct wire_client client;
  wire_connect(&client, wire_is_tls(state));
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    struct wire_answer answer;
    char *request = wire_format("%s / HTTP/1.1\r\n" WIRE_HOST "\r\n", methods[i]);
    char *expected = wire_format("method=%s\nknown=%d\n", methods[i], i < 6);
    ask(&client, request, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(us_str_starts(answer.body, us_str_c(expected)));
    wire_answer_done(&answer);
    free(request);
    free(expected);
  }
  wire_close(&client);
}

static void old_clients_are_told_that_the_connection_stays(void **state) {
  start();
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  ask(&client, "GET / HTTP/1.0\r\n" WIRE_HOST "Connection: keep-alive\r\n\r\n", &answer);
  assert_string_equal(wire_header(&answer, "Connection"), "keep-alive");
  wire_answer_done(&answer);
  ask(&client, "GET / HTTP/1.0\r\n" WIRE_HOST "\r\n", &answer);
  assert_string_equal(wire_header(&answer, "Connection"), "close");
  wire_answer_done(&answer);
  assert_int_equal(wire_read_to_end(&client), WIRE_CLOSED);
  wire_close(&client);
}

static void handler_may_close(void **state) {
  start();
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  ask(&client, "GET /close HTTP/1.1\r\n" WIRE_HOST "\r\nGET /next HTTP/1.1\r\n" WIRE_HOST "\r\n", &answer);
  assert_string_equal(wire_header(&answer, "Connection"), "close");
  wire_answer_done(&answer);
  assert_int_equal(wire_read_to_end(&client), WIRE_CLOSED);
  assert_int_equal(client.got.n, 0);
  wire_close(&client);
}

/* HT-13 */
static void continue_is_said_once_the_head_is_fine(void **state) {
  start();
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  for (int i = 0; i < 2; i++) {
    ask(&client, "PUT / HTTP/1.1\r\n" WIRE_HOST "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n", &answer);
    assert_int_equal(answer.status, 100);
    wire_answer_done(&answer);
    ask(&client, "abc", &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body.p, "body=abc\n"));
    wire_answer_done(&answer);
  }
  ask(&client, "PUT / HTTP/1.1\r\n" WIRE_HOST "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n", &answer);
  assert_int_equal(answer.status, 100);
  wire_answer_done(&answer);
  ask(&client, "1\r\nx\r\n0\r\n\r\n", &answer);
  assert_non_null(strstr(answer.body.p, "body=x\n"));
  wire_answer_done(&answer);
  wire_close(&client);
}

/* HT-13 */
static void continue_is_not_said_to_what_is_refused_or_has_no_body(void **state) {
  start();
  bool is_tls = wire_is_tls(state);
  static const char large[] = "PUT / HTTP/1.1\r\n" WIRE_HOST "Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n";
  wire_expect_refusal(is_tls, large, sizeof large - 1, 413);
  static const char other[] = "PUT / HTTP/1.1\r\n" WIRE_HOST "Expect: tea\r\nContent-Length: 3\r\n\r\n";
  wire_expect_refusal(is_tls, other, sizeof other - 1, 417);
  static const char two[] =
      "PUT / HTTP/1.1\r\n" WIRE_HOST "Expect: tea\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  wire_expect_refusal(is_tls, two, sizeof two - 1, 417);
  static const char bad[] = "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  wire_expect_refusal(is_tls, bad, sizeof bad - 1, 400);
  assert_int_equal(wire_status(is_tls, "GET / HTTP/1.1\r\n" WIRE_HOST "Expect: 100-continue\r\n\r\n"), 200);
  /* RFC 9110 10.1.1: ignored from a 1.0 client, which would not know the 100. */
  assert_int_equal(
      wire_status(is_tls, "PUT / HTTP/1.0\r\n" WIRE_HOST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx"), 200);
}

/* HT-14 */
static void pipelined_requests_are_answered_in_order_and_apart(void **state) {
  start();
  struct wire_client client;
  wire_connect(&client, wire_is_tls(state));
  wire_send_c(&client,
              "GET /1 HTTP/1.1\r\n" WIRE_HOST "Authorization: Bearer one\r\n\r\n"
              "POST /2 HTTP/1.1\r\n" WIRE_HOST "Content-Length: 3\r\n\r\nabc"
              "HEAD /3 HTTP/1.1\r\n" WIRE_HOST "\r\n"
              "POST /4 HTTP/1.1\r\n" WIRE_HOST "Transfer-Encoding: chunked\r\nX-Test: four\r\n\r\n2\r\nde\r\n0\r\n\r\n"
              "GET /park HTTP/1.1\r\n" WIRE_HOST "\r\n"
              "GET /6 HTTP/1.1\r\n" WIRE_HOST "Authorization: Bearer six\r\n\r\n"
              "DELETE /7 HTTP/1.1\r\n" WIRE_HOST "\r\n"
              "GET /park HTTP/1.1\r\n" WIRE_HOST "\r\n"
              "GET /9 HTTP/1.1\r\n" WIRE_HOST "\r\n"
              "GET /10 HTTP/1.1\r\n" WIRE_HOST "Connection: close\r\n\r\n");
  static const char *const marks[] = {"path=/1\n*authorization=Bearer one\n",
                                      "path=/2\n*authorization=\n*body=abc\n",
                                      "",
                                      "path=/4\n*x-test=four\n*body=de\n",
                                      "path=/park\n*authorization=\n",
                                      "path=/6\n*authorization=Bearer six\n",
                                      "method=DELETE\n*authorization=\n*body=\n",
                                      "path=/park\n",
                                      "path=/9\n*x-test=\n",
                                      "path=/10\n"};
  for (size_t i = 0; i < 10; i++) {
    struct wire_answer answer;
    if (i == 4 || i == 7) {
      wire_await_parked(1);
      assert_int_equal(client.got.n, 0); /* nobody overtakes */
      wire_release(1);
    }
    wire_read_answer(&client, i == 2, &answer);
    assert_int_equal(answer.status, 200);
    char *mark = wire_format("%s", marks[i]);
    const char *at = answer.body.p;
    for (char *part = strtok(mark, "*"); part; part = strtok(NULL, "*")) {
      at = strstr(at, part);
      assert_non_null(at);
    }
    free(mark);
    wire_answer_done(&answer);
  }
  assert_int_equal(wire_read_to_end(&client), WIRE_CLOSED);
  wire_close(&client);
}

static void request_may_come_a_byte_at_a_time(void **state) {
  start();
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  static const char request[] =
      "POST /x?y HTTP/1.1\r\n" WIRE_HOST
      "X-Test: slow\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;e\r\nd\r\n0\r\nT: u\r\n\r\n";
  for (const char *p = request; *p; p++)
    wire_send(&client, p, 1);
  wire_read_answer(&client, false, &answer);
  assert_non_null(strstr(answer.body.p, "path=/x\nquery=?y\nhost=usher.test\n"));
  assert_non_null(strstr(answer.body.p, "headers=3\nauthorization=\nx-test=slow\ncookie=\nh2=0\nbytes=4\nbody=abcd\n"));
  wire_answer_done(&answer);
  wire_close(&client);
}

static void answer_of_the_largest_size_arrives_whole(void **state) {
  start();
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  char *request = wire_format("GET /large/%d HTTP/1.1\r\n" WIRE_HOST "\r\n", US_HTTP_RESPONSE_BODY_MAX);
  for (int i = 0; i < 2; i++) {
    ask(&client, request, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.n, US_HTTP_RESPONSE_BODY_MAX);
    for (size_t at = 0; at < answer.body.n; at += 997)
      assert_int_equal(answer.body.p[at], 'x');
    wire_answer_done(&answer);
  }
  free(request);
  wire_close(&client);
}

static void answer_that_cannot_be_made_is_a_500(void **state) {
  start();
  char *request = wire_format("GET /large/%d HTTP/1.1\r\n" WIRE_HOST "\r\n", US_HTTP_RESPONSE_BODY_MAX + 1);
  wire_expect_refusal(wire_is_tls(state), request, strlen(request), 500);
  free(request);
  static const char head[] = "GET /head/65536 HTTP/1.1\r\n" WIRE_HOST "\r\n";
  wire_expect_refusal(wire_is_tls(state), head, sizeof head - 1, 500);
  assert_int_equal(wire_status(wire_is_tls(state), "GET /head/60000 HTTP/1.1\r\n" WIRE_HOST "\r\n"), 200);
}

/* One turn: all that are released together are answered before any is sent, but for a turn that grows too long. */
static void turn_sends_its_answers_at_its_end_and_is_not_endless(void **state) {
  static const size_t sizes[] = {10, US_LOOP_UNSENT_MAX - 1, US_LOOP_UNSENT_MAX, US_LOOP_UNSENT_MAX + 1,
                                 2 * US_LOOP_UNSENT_MAX + 10};
  static struct wire_client clients[2 * US_LOOP_UNSENT_MAX + 10];
  struct wire_options options = wire_defaults();
  options.turn_us = INT64_C(60) * 1000 * 1000; /* longer than any test: the number of answers decides */
  wire_start(&options);
  size_t connected = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    for (; connected < sizes[i]; connected++)
      wire_connect(&clients[connected], wire_is_tls(state));
    for (size_t n = 0; n < sizes[i]; n++)
      wire_send_c(&clients[n], "GET /park HTTP/1.1\r\n" WIRE_HOST "\r\n");
    wire_await_parked(sizes[i]);
    wire_release_together(sizes[i]);
    for (size_t n = 0; n < sizes[i]; n++) {
      struct wire_answer answer;
      wire_read_answer(&clients[n], false, &answer);
      assert_int_equal(answer.status, 200);
      wire_answer_done(&answer);
    }
    assert_int_equal(wire_longest_turn(), sizes[i] < US_LOOP_UNSENT_MAX ? sizes[i] : US_LOOP_UNSENT_MAX);
  }
  for (size_t n = 0; n < connected; n++)
    wire_close(&clients[n]);
}

/* As above, where no answer may wait: each is a turn of its own. */
static void turn_that_has_lasted_its_time_sends_what_it_has(void **state) {
  static struct wire_client clients[10];
  struct wire_options options = wire_defaults();
  options.turn_us = -1;
  wire_start(&options);
  for (size_t n = 0; n < 10; n++) {
    wire_connect(&clients[n], wire_is_tls(state));
    wire_send_c(&clients[n], "GET /park HTTP/1.1\r\n" WIRE_HOST "\r\n");
  }
  wire_await_parked(10);
  wire_release_together(10);
  for (size_t n = 0; n < 10; n++) {
    struct wire_answer answer;
    wire_read_answer(&clients[n], false, &answer);
    assert_int_equal(answer.status, 200);
    wire_answer_done(&answer);
    wire_close(&clients[n]);
  }
  assert_int_equal(wire_longest_turn(), 1);
}

static void client_that_ends_its_side_is_still_answered(void **state) {
  (void)state; /* in TLS the goodbye is the client's last word, and OpenSSL's client then reads no more of it */
  start();
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, false);
  wire_send_c(&client, "GET /park HTTP/1.1\r\n" WIRE_HOST "\r\nGET /2 HTTP/1.1\r\n" WIRE_HOST "\r\n");
  wire_end_sending(&client);
  wire_await_parked(1);
  wire_release(1);
  for (int i = 0; i < 2; i++) {
    wire_read_answer(&client, false, &answer);
    assert_int_equal(answer.status, 200);
    wire_answer_done(&answer);
  }
  assert_int_equal(wire_read_to_end(&client), WIRE_CLOSED);
  wire_close(&client);
}

static void answer_to_a_client_that_has_gone_is_dropped(void **state) {
  start();
  struct wire_client client;
  wire_connect(&client, wire_is_tls(state));
  wire_send_c(&client, "GET /park HTTP/1.1\r\n" WIRE_HOST "\r\n");
  wire_await_parked(1);
  wire_close(&client);
  wire_release(1);
  assert_int_equal(wire_status(wire_is_tls(state), "GET / HTTP/1.1\r\n" WIRE_HOST "\r\n"), 200);
}

/* HT-23 */
static void refusals_are_written_in_the_handlers_style(void **state) {
  struct wire_options options = wire_defaults();
  options.renders_refusals = true;
  wire_start(&options);
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, wire_is_tls(state));
  ask(&client, "GET /json/x HTTP/1.1\r\n\r\n", &answer);
  assert_int_equal(answer.status, 400);
  assert_string_equal(wire_header(&answer, "Content-Type"), "text/plain");
  assert_string_equal(wire_header(&answer, "X-Content-Type-Options"), "nosniff");
  assert_str(answer.body, "refused 400: Host is missing [/json/x]");
  wire_answer_done(&answer);
  wire_close(&client);
}

/* The server reads on for a while after its refusal, or closing would reset the connection under the answer. */
static void refusal_reaches_a_client_that_is_still_sending(void **state) {
  start();
  char *body = wire_repeat('b', 200000);
  char *request = wire_format("POST / HTTP/1.1\r\n" WIRE_HOST "Content-Length: 200000\r\n\r\n%s", body);
  for (int i = 0; i < 20; i++)
    wire_expect_refusal(wire_is_tls(state), request, strlen(request), 413);
  free(request);
  free(body);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WIRE_BOTH(answer_has_date_length_and_the_handlers_headers),
      WIRE_BOTH(head_gets_the_length_without_the_body),
      WIRE_BOTH(no_content_and_not_modified_have_no_body),
      WIRE_BOTH(all_methods_reach_the_handler),
      WIRE_BOTH(old_clients_are_told_that_the_connection_stays),
      WIRE_BOTH(handler_may_close),
      WIRE_BOTH(continue_is_said_once_the_head_is_fine),
      WIRE_BOTH(continue_is_not_said_to_what_is_refused_or_has_no_body),
      WIRE_BOTH(pipelined_requests_are_answered_in_order_and_apart),
      WIRE_BOTH(request_may_come_a_byte_at_a_time),
      WIRE_BOTH(answer_of_the_largest_size_arrives_whole),
      WIRE_BOTH(answer_that_cannot_be_made_is_a_500),
      WIRE_BOTH(turn_sends_its_answers_at_its_end_and_is_not_endless),
      WIRE_BOTH(turn_that_has_lasted_its_time_sends_what_it_has),
      WIRE_TEST(client_that_ends_its_side_is_still_answered),
      WIRE_BOTH(answer_to_a_client_that_has_gone_is_dropped),
      WIRE_BOTH(refusals_are_written_in_the_handlers_style),
      WIRE_BOTH(refusal_reaches_a_client_that_is_still_sending),
  };
  return WIRE_RUN(tests);
}
