/* The client side of the wire tests: see wire.h. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t wire_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int wire_connect_socket(const char *from, uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  struct sockaddr_in address = {.sin_family = AF_INET};
  if (from) {
    assert_int_equal(inet_pton(AF_INET, from, &address.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  }
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  address.sin_port = htons(port);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct timeval patience = {.tv_sec = WIRE_PATIENCE_MS / 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return fd;
}

bool wire_try_handshake(struct wire_client *client, void *ssl_ctx) {
  signal(SIGPIPE,
         SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL; the server's threads block the signal by themselves */
  ERR_clear_error();
  SSL *ssl = SSL_new(ssl_ctx);
  assert_non_null(ssl);
  assert_int_equal(SSL_set_fd(ssl, client->fd), 1);
  client->ssl = ssl;
  return SSL_connect(ssl) == 1;
}

void wire_connect(struct wire_client *client, bool is_tls) {
  *client = (struct wire_client){.fd = wire_connect_socket(NULL, wire_port(is_tls))};
  us_buf_init(&client->got, 64 * 1024 * 1024);
  if (!is_tls)
    return;
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  assert_non_null(ctx);
  assert_true(wire_try_handshake(client, ctx));
  SSL_CTX_free(ctx);
}

static bool try_send(struct wire_client *client, const char *bytes, size_t n) {
  while (n) {
    ssize_t sent = client->ssl ? SSL_write(client->ssl, bytes, (int)n) : send(client->fd, bytes, n, MSG_NOSIGNAL);
    if (sent <= 0)
      return false;
    bytes += sent;
    n -= (size_t)sent;
  }
  return true;
}

void wire_send(struct wire_client *client, const void *bytes, size_t n) {
  /* A refusal may come, and the server hang up, before everything is sent: what was answered is what counts. */
  (void)try_send(client, bytes, n);
}
void wire_send_c(struct wire_client *client, const char *text) {
  wire_send(client, text, strlen(text));
}
bool wire_try_send(struct wire_client *client, const char *text) {
  return try_send(client, text, strlen(text));
}

void wire_end_sending(struct wire_client *client) {
  if (client->ssl)
    SSL_shutdown(client->ssl);
  shutdown(client->fd, SHUT_WR);
}

bool wire_read_some(struct wire_client *client) {
  char room[16384];
  if (client->end != WIRE_OPEN)
    return false;
  errno = 0;
  ssize_t n;
  if (client->ssl) {
    ERR_clear_error();
    n = SSL_read(client->ssl, room, sizeof room);
    int error = n > 0 ? 0 : SSL_get_error(client->ssl, (int)n);
    if (error == SSL_ERROR_ZERO_RETURN)
      n = 0;
    else if (error == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
      n = 0;
  } else {
    n = recv(client->fd, room, sizeof room, 0);
  }
  if (n > 0) {
    us_buf_add(&client->got, room, (size_t)n);
    assert_true(us_buf_ok(&client->got));
    return true;
  }
  client->end = n == 0 ? WIRE_CLOSED : errno == EAGAIN || errno == EWOULDBLOCK ? WIRE_SILENT : WIRE_RESET;
  return false;
}

enum wire_end wire_read_to_end(struct wire_client *client) {
  while (wire_read_some(client))
    ;
  return client->end;
}

static size_t end_of_head(const struct us_buf *b) {
  const char *end = b->n ? memmem(b->p, b->n, "\r\n\r\n", 4) : NULL;
  return end ? (size_t)(end - b->p) + 4 : 0;
}

const char *wire_header(const struct wire_answer *answer, const char *name) {
  static char value[70000];
  size_t n = strlen(name);
  const char *line = answer->head.p;
  const char *end = line + answer->head.n;
  while (line < end) {
    const char *stop = memmem(line, (size_t)(end - line), "\r\n", 2);
    if (!stop)
      break;
    size_t length = (size_t)(stop - line);
    if (length > n + 2 && strncasecmp(line, name, n) == 0 && line[n] == ':') {
      snprintf(value, sizeof value, "%.*s", (int)(length - n - 2), line + n + 2);
      return value;
    }
    line = stop + 2;
  }
  return NULL;
}

void wire_read_answer(struct wire_client *client, bool to_head, struct wire_answer *ret_answer) {
  *ret_answer = (struct wire_answer){0};
  while (end_of_head(&client->got) == 0 && wire_read_some(client))
    ;
  size_t head = end_of_head(&client->got);
  if (head == 0)
    print_error("no answer: end %d after '%.*s'\n", client->end, US_STR_ARG(us_buf_str(&client->got)));
  assert_true(head > 0);
  ret_answer->head = (struct us_str){client->got.p, head};
  assert_int_equal(sscanf(client->got.p, "HTTP/1.1 %d ", &ret_answer->status), 1);
  const char *length = wire_header(ret_answer, "Content-Length");
  size_t body = length && !to_head ? strtoul(length, NULL, 10) : 0;
  while (client->got.n < head + body && wire_read_some(client))
    ;
  assert_true(client->got.n >= head + body);
  us_buf_init(&ret_answer->text, head + body);
  us_buf_add(&ret_answer->text, client->got.p, head + body);
  ret_answer->head = (struct us_str){ret_answer->text.p, head};
  ret_answer->body = (struct us_str){ret_answer->text.p + head, body};
  us_buf_drop_front(&client->got, head + body);
}

void wire_answer_done(struct wire_answer *answer) {
  us_buf_done(&answer->text);
}

void wire_close(struct wire_client *client) {
  SSL_free(client->ssl);
  close(client->fd);
  us_buf_done(&client->got);
}

int wire_status(bool is_tls, const char *request) {
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, is_tls);
  wire_send_c(&client, request);
  wire_read_answer(&client, strncmp(request, "HEAD ", 5) == 0, &answer);
  wire_close(&client);
  wire_answer_done(&answer);
  return answer.status;
}

void wire_check_refusal(bool is_tls, const char *request, size_t n, int status, const char *file, int line) {
  struct wire_client client;
  struct wire_answer answer;
  wire_connect(&client, is_tls);
  wire_send(&client, request, n);
  wire_read_answer(&client, false, &answer);
  enum wire_end end = wire_read_to_end(&client);
  const char *connection = wire_header(&answer, "Connection");
  bool is_closed = end == WIRE_CLOSED && client.got.n == 0 && connection && strcmp(connection, "close") == 0;
  const char *sniff = wire_header(&answer, "X-Content-Type-Options");
  bool is_good = answer.status == status && is_closed && sniff && strcmp(sniff, "nosniff") == 0 && answer.body.n > 0;
  if (!is_good)
    print_error("%d instead of %d, end %d, '%.*s' behind it, for '%.*s'\n", answer.status, status, end,
                US_STR_ARG(us_buf_str(&client.got)), n < 300 ? (int)n : 300, request);
  wire_close(&client);
  wire_answer_done(&answer);
  if (!is_good)
    _fail(file, line);
}

char *wire_repeat(char c, size_t n) {
  char *text = malloc(n + 1);
  assert_non_null(text);
  memset(text, c, n);
  text[n] = '\0';
  return text;
}

char *wire_format(const char *format, ...) {
  va_list args;
  char *text = NULL;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  assert_true(n >= 0);
  return text;
}
