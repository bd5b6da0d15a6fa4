/*
 * The HTTP edge with an echoing handler and nothing else, for compare_corpus.mjs: listens on a free port of 127.0.0.1,
 * prints the port, and ends when its standard input does (so it never outlives the test that started it).
 */
#include "crypto/digest.h"
#include "wire_handler.h"

#include <stdio.h>
#include <unistd.h>

static void on_request(void *self, struct us_http_exchange *exchange) {
  (void)self;
  wire_echo(exchange);
  us_http_exchange_reply(exchange);
}

int main(void) {
  static const struct us_http_listener listener = {"127.0.0.1", 0, false};
  struct us_http_options options = {
      .listeners = &listener,
      .listener_count = 1,
      .limits = us_http_limits_default,
      .loops = 1,
      .on_request = on_request,
  };
  struct us_http_server *server;
  char reason[256] = "no crypto";
  if (us_crypto_setup() != 0 || us_http_server_start(&options, &server, reason, sizeof reason) != 0) {
    fprintf(stderr, "echo_server: %s\n", reason);
    return 1;
  }
  printf("%u\n", us_http_server_port(server, 0));
  fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0)
    ;
  us_http_server_stop(server, 1000);
  us_http_server_free(server);
  us_crypto_done();
  return 0;
}
