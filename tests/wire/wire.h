/*
 * Raw sockets against a server in the same process: what the wire tests share.
 *
 * The server listens on a TCP and a TLS port of 127.0.0.1 with a handler that echoes (wire_server.c). A client is one
 * connection over either; its reads end by themselves after WIRE_PATIENCE_MS, so that a server that hangs is a failure
 * and not a hanging test. Tests that are to hold for both are listed with WIRE_BOTH().
 */
#ifndef USHER_TESTS_WIRE_H
#define USHER_TESTS_WIRE_H

#include "../unit/unit.h"
#include "base/buf.h"
#include "http/server.h"

#define WIRE_PATIENCE_MS 10000
#define WIRE_HOST "Host: usher.test\r\n"

/* The server. The handler answers by path:
 *   /status/N   status N, the body "body of N"
 *   /large/N    N bytes 'x' (N up to the largest body of an answer, and one more)
 *   /head/N     a header of N bytes
 *   /close      200, and says that the connection closes
 *   /park       nothing, until wire_release() is called
 *   others      200 and lines that say what was understood: see wire_server.c */
struct wire_options {
  int64_t turn_us; /* as in us_http_options */
  struct us_http_limits limits;
  enum us_http_h2 h2; /* off by default */
  unsigned loops;
  const char *const *trusted_proxies;
  bool asks_client_certificate;
  const char *client_cert_header;
  bool renders_refusals; /* body "refused N: reason [target]" */
  bool cannot_open_loops;
};
struct wire_server;
struct wire_options wire_defaults(void);
struct wire_server *wire_start(const struct wire_options *options); /* one at a time; wire_teardown() stops it */
void wire_stop(int64_t grace_ms);                                   /* and frees it */
struct us_http_server *wire_http(void);
const char *wire_certificate(unsigned which); /* file of a self-signed certificate, 0 or 1, and of its key */
const char *wire_key(unsigned which);
size_t wire_parked(void); /* exchanges that wait for wire_release() */
void wire_await_parked(size_t n);
void wire_release(size_t n);          /* answers the n that have waited longest, from another thread */
void wire_release_together(size_t n); /* the same, all in one turn of the loop (one loop only) */
size_t wire_longest_turn(void);       /* how many of them were answered at most before a turn ended */
size_t wire_most_in_turn(void);       /* how many requests came at most before a turn ended */
unsigned wire_loops_open(void);       /* open_loop minus close_loop */
int wire_start_fails(const struct us_http_options *options, char *ret_reason, size_t reason_bytes);
uint16_t wire_port(bool is_tls);

/* A client. */
enum wire_end { WIRE_OPEN, WIRE_CLOSED, WIRE_RESET, WIRE_SILENT };
struct wire_client {
  int fd;
  void *ssl;
  struct us_buf got; /* what was read and not yet taken */
  enum wire_end end;
};
struct wire_answer {
  int status;
  struct us_str head; /* with its last line break */
  struct us_str body;
  struct us_buf text; /* what both point into */
};
void wire_connect(struct wire_client *client, bool is_tls);
int wire_connect_socket(const char *from, uint16_t port); /* a bare TCP connection, from an address of 127/8 or NULL */
bool wire_try_handshake(struct wire_client *client, void *ssl_ctx); /* client->fd is connected */
void wire_send(struct wire_client *client, const void *bytes, size_t n);
void wire_send_c(struct wire_client *client, const char *text);
bool wire_try_send(struct wire_client *client, const char *text); /* false: the other side has closed */
void wire_end_sending(struct wire_client *client);
/* Reads one answer; `to_head`: it has no body whatever its Content-Length says. Fails the test when none comes. */
void wire_read_answer(struct wire_client *client, bool to_head, struct wire_answer *ret_answer);
bool wire_read_some(struct wire_client *client);            /* into client->got; false at an end of any kind */
enum wire_end wire_read_to_end(struct wire_client *client); /* the rest is in client->got */
void wire_close(struct wire_client *client);
void wire_answer_done(struct wire_answer *answer);
/* The value of a header, or NULL; static memory. */
const char *wire_header(const struct wire_answer *answer, const char *name);
int64_t wire_now_ms(void);

/* One request on a connection of its own. */
int wire_status(bool is_tls, const char *request);
/* The request must be answered with this status and the connection closed, with nothing behind the answer. */
#define wire_expect_refusal(is_tls, request, n, status)                                                                \
  wire_check_refusal((is_tls), (request), (n), (status), __FILE__, __LINE__)
void wire_check_refusal(bool is_tls, const char *request, size_t n, int status, const char *file, int line);
/* Zero-terminated, from malloc: `n` times c; what printf would print. */
char *wire_repeat(char c, size_t n);
char *wire_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Test lists. A test asks wire_is_tls(state). */
static inline bool wire_is_tls(void **state) {
  return *state != NULL;
}
int wire_teardown(void **state);
#define WIRE_TEST(test)                                                                                                \
  { #test, test, NULL, wire_teardown, NULL }
#define WIRE_BOTH(test)                                                                                                \
  {#test " (TCP)", test, NULL, wire_teardown, NULL}, {                                                                 \
#test " (TLS)", test, NULL, wire_teardown, (void *)1                                                               \
  }
int wire_group_setup(void **state);
int wire_group_teardown(void **state);
#define WIRE_RUN(tests)                                                                                                \
  (cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests(tests, wire_group_setup, wire_group_teardown))

#endif
