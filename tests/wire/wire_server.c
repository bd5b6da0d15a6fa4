/* The server of the wire tests, and its certificates: see wire.h. */
#include "wire.h"

#include "crypto/digest.h"
#include "wire_handler.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct wire_server {
  struct us_http_server *http;
  struct wire_options options;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct us_http_exchange *parked[256];
  size_t parked_n;
  unsigned loops_open;
  _Atomic size_t answered_in_turn, longest_turn;
  _Atomic size_t came_in_turn, most_in_turn;
};

static struct wire_server *server;
static char folder[64];
static char files[4][96]; /* certificate and key of 0, of 1 */

const char *wire_certificate(unsigned which) {
  return files[which * 2];
}
const char *wire_key(unsigned which) {
  return files[which * 2 + 1];
}

/* The names are those of a server on this machine; clients of these tests do not check them. */
static void make_certificate(unsigned which) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  assert_true(key && certificate);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), (long)which + 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_NAME *name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)(which ? "second" : "first"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, key);
  assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
  FILE *file = fopen(wire_certificate(which), "w");
  assert_non_null(file);
  assert_int_equal(PEM_write_X509(file, certificate), 1);
  fclose(file);
  file = fopen(wire_key(which), "w");
  assert_non_null(file);
  assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
  fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

int wire_group_setup(void **state) {
  (void)state;
  assert_int_equal(us_crypto_setup(), 0);
  strcpy(folder, "/tmp/usher-wire-XXXXXX");
  assert_non_null(mkdtemp(folder));
  static const char *const names[] = {"first.crt", "first.key", "second.crt", "second.key"};
  for (size_t i = 0; i < 4; i++)
    snprintf(files[i], sizeof files[i], "%s/%s", folder, names[i]);
  make_certificate(0);
  make_certificate(1);
  return 0;
}

int wire_group_teardown(void **state) {
  (void)state;
  for (size_t i = 0; i < 4; i++)
    unlink(files[i]);
  us_crypto_done();
  return rmdir(folder);
}

/* The handler. */

static void park(struct us_http_exchange *exchange) {
  pthread_mutex_lock(&server->lock);
  size_t room = sizeof server->parked / sizeof server->parked[0];
  bool is_parked = server->parked_n < room;
  if (is_parked)
    server->parked[server->parked_n++] = exchange;
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->lock);
  if (!is_parked)
    us_http_exchange_reply(exchange);
}

static void on_request(void *self, struct us_http_exchange *exchange) {
  (void)self;
  server->came_in_turn++;
  if (us_str_eq(exchange->request.path, US_STR("/park"))) {
    park(exchange);
    return;
  }
  wire_echo(exchange);
  us_http_exchange_reply(exchange);
}

static void render_refusal(void *self, int status, const char *reason, struct us_str target,
                           struct us_http_response *response) {
  (void)self;
  us_http_response_header(response, "Content-Type", US_STR("text/plain"));
  us_buf_addf(&response->body, "refused %d: %s [%.*s]", status, reason, US_STR_ARG(target));
}

static void count_loops(int more) {
  pthread_mutex_lock(&server->lock);
  server->loops_open += (unsigned)more;
  pthread_mutex_unlock(&server->lock);
}

static void *open_loop(void *self, unsigned index) {
  (void)self;
  if (server->options.cannot_open_loops && index == server->options.loops - 1)
    return NULL;
  count_loops(1);
  return server;
}

static void close_loop(void *self, void *data) {
  (void)self;
  assert_ptr_equal(data, server);
  count_loops(-1);
}

unsigned wire_loops_open(void) {
  return server->loops_open;
}

size_t wire_parked(void) {
  pthread_mutex_lock(&server->lock);
  size_t n = server->parked_n;
  pthread_mutex_unlock(&server->lock);
  return n;
}

void wire_await_parked(size_t n) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += WIRE_PATIENCE_MS / 1000;
  pthread_mutex_lock(&server->lock);
  int code = 0;
  while (server->parked_n < n && code == 0)
    code = pthread_cond_timedwait(&server->changed, &server->lock, &until);
  pthread_mutex_unlock(&server->lock);
  assert_int_equal(code, 0);
}

struct release {
  struct us_loop_job job;
  struct us_http_exchange *exchange;
};

static void answer_released(struct us_loop_job *job, struct us_loop *loop) {
  struct release *release = (struct release *)job;
  assert_ptr_equal(release->exchange->loop, loop);
  assert_ptr_equal(us_loop_data(loop), server);
  wire_echo(release->exchange);
  server->answered_in_turn++;
  us_http_exchange_reply(release->exchange); /* the job is in the exchange's memory: both are gone now */
}

/* How many answers had been made when a turn ended. On the loops' threads: counted with one loop only. */
static void end_turn(void *self, void *data) {
  (void)self;
  assert_ptr_equal(data, server);
  size_t n = atomic_exchange(&server->answered_in_turn, 0);
  if (n > server->longest_turn)
    server->longest_turn = n;
  n = atomic_exchange(&server->came_in_turn, 0);
  if (n > server->most_in_turn)
    server->most_in_turn = n;
}

size_t wire_most_in_turn(void) {
  return server->most_in_turn;
}

size_t wire_longest_turn(void) {
  return server->longest_turn;
}

static void release_parked(size_t n, bool quietly) {
  struct us_loop *asleep = NULL;
  for (; n; n--) {
    pthread_mutex_lock(&server->lock);
    struct us_http_exchange *exchange = server->parked_n ? server->parked[0] : NULL;
    if (exchange) {
      server->parked_n--;
      memmove(server->parked, server->parked + 1, server->parked_n * sizeof server->parked[0]);
    }
    pthread_mutex_unlock(&server->lock);
    assert_non_null(exchange);
    struct release *release = us_mem_alloc(exchange->mem, sizeof *release);
    assert_non_null(release);
    *release = (struct release){.job.run = answer_released, .exchange = exchange};
    struct us_loop *loop = exchange->loop; /* the exchange may be gone behind the post */
    if (!quietly)
      us_loop_post(loop, &release->job);
    else if (us_loop_post_quietly(loop, &release->job))
      asleep = loop;
  }
  if (asleep)
    us_loop_wake(asleep);
}

void wire_release(size_t n) {
  release_parked(n, false);
}
void wire_release_together(size_t n) {
  release_parked(n, true);
}

/* Start and stop. */

struct wire_options wire_defaults(void) {
  return (struct wire_options){.limits = us_http_limits_default, .loops = 1};
}

static struct wire_server *server_new(const struct wire_options *options) {
  assert_null(server);
  server = calloc(1, sizeof *server);
  assert_non_null(server);
  pthread_mutex_init(&server->lock, NULL);
  pthread_cond_init(&server->changed, NULL);
  server->options = *options;
  return server;
}

static void server_free(void) {
  pthread_cond_destroy(&server->changed);
  pthread_mutex_destroy(&server->lock);
  free(server);
  server = NULL;
}

struct wire_server *wire_start(const struct wire_options *o) {
  static const struct us_http_listener listeners[] = {{"127.0.0.1", 0, false}, {"127.0.0.1", 0, true}};
  struct us_http_tls tls = {wire_certificate(0), wire_key(0), o->asks_client_certificate};
  server_new(o);
  struct us_http_options options = {
      .listeners = listeners,
      .listener_count = 2,
      .tls = &tls,
      .limits = o->limits,
      .h2 = o->h2,
      .loops = o->loops,
      .turn_us = o->turn_us,
      .trusted_proxies = o->trusted_proxies,
      .client_cert_header = o->client_cert_header,
      .on_request = on_request,
      .render_refusal = o->renders_refusals ? render_refusal : NULL,
      .open_loop = open_loop,
      .close_loop = close_loop,
      .end_turn = end_turn,
  };
  char reason[256];
  if (us_http_server_start(&options, &server->http, reason, sizeof reason) == 0)
    return server;
  assert_true(o->cannot_open_loops);
  assert_string_equal(reason, "a loop could not be opened");
  assert_int_equal(wire_loops_open(), 0);
  server_free();
  return NULL;
}

int wire_start_fails(const struct us_http_options *options, char *ret_reason, size_t reason_bytes) {
  struct us_http_server *http = NULL;
  int code = us_http_server_start(options, &http, ret_reason, reason_bytes);
  if (code == 0)
    us_http_server_free(http);
  return code;
}

void wire_stop(int64_t grace_ms) {
  us_http_server_stop(server->http, grace_ms);
  assert_int_equal(wire_loops_open(), 0);
  us_http_server_free(server->http);
  server_free();
}

int wire_teardown(void **state) {
  (void)state;
  if (server)
    wire_stop(0);
  return 0;
}

struct us_http_server *wire_http(void) {
  return server->http;
}

uint16_t wire_port(bool is_tls) {
  return us_http_server_port(server->http, is_tls);
}
