/* Webhooks (plugins/webhook): decisions that an endpoint makes, signed, with both ways to fail; events are told by tests/e2e. */
#include "flow/plugin_files.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "crypto/digest.h"

#define WEBHOOK "plugins/webhook/webhook.so"
#define SECRET "0123456789abcdef0123"

/* An endpoint with one thread: answers every request with the same text, and keeps the last one. */
static struct {
  int fd;
  uint16_t port;
  pthread_t thread;
  pthread_mutex_t lock;
  const char *answer; /* the whole of it; NULL: never one */
  char request[65536];
  unsigned count;
} endpoint = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void serve_one(int fd) {
  static char text[65536];
  size_t n = 0, wanted = SIZE_MAX;
  while (n < wanted && n < sizeof(text) - 1) {
    ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
    if (got <= 0)
      return;
    n += (size_t)got;
    text[n] = '\0';
    const char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length:");
    if (end && length)
      wanted = (size_t)(end + 4 - text) + strtoul(length + 15, NULL, 10);
  }
  pthread_mutex_lock(&endpoint.lock);
  memcpy(endpoint.request, text, n + 1);
  endpoint.count++;
  const char *answer = endpoint.answer;
  pthread_mutex_unlock(&endpoint.lock);
  if (answer)
    (void)!write(fd, answer, strlen(answer));
  else
    poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 2000); /* until the other side has had enough */
}
static void *serve(void *self) {
  for (;;) {
    int fd = accept(endpoint.fd, NULL, NULL);
    if (fd < 0)
      return NULL;
    serve_one(fd);
    close(fd);
  }
}

static void answer_with(struct us_world *w, int status, const char *body) {
  pthread_mutex_lock(&endpoint.lock);
  endpoint.answer =
      body ? us_text(
                 w,
                 "HTTP/1.1 %d X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                 status, strlen(body), body)
           : NULL;
  pthread_mutex_unlock(&endpoint.lock);
}

static int endpoint_setup(void **state) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof(address);
  endpoint.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  endpoint.count = 0;
  if (bind(endpoint.fd, (struct sockaddr *)&address, n) != 0 || listen(endpoint.fd, 8) != 0 ||
      getsockname(endpoint.fd, (struct sockaddr *)&address, &n) != 0)
    return -1;
  endpoint.port = ntohs(address.sin_port);
  return pthread_create(&endpoint.thread, NULL, serve, NULL) == 0 ? files_setup(state) : -1;
}
static int endpoint_teardown(void **state) {
  shutdown(endpoint.fd, SHUT_RDWR);
  close(endpoint.fd);
  pthread_join(endpoint.thread, NULL);
  return files_teardown(state);
}
#define WEBHOOK_STORY(test) cmocka_unit_test_setup_teardown(test, endpoint_setup, endpoint_teardown)

static const char *secret_file(struct us_world *w, const char *secret, mode_t mode) {
  const char *path = us_text(w, "/tmp/usher-webhook-%d.secret", (int)getpid());
  unlink(path);
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  fputs(secret, out);
  assert_int_equal(fclose(out), 0);
  chmod(path, mode);
  return path;
}

static void load_webhook(struct us_world *w, const char *more) {
  const char *secret = secret_file(w, SECRET "\n", 0600);
  load_file(w, WEBHOOK,
            us_text(w,
                    "{\"url\":\"http://127.0.0.1:%u/hook\",\"secret_file\":\"%s\",\"timeout_ms\":300,"
                    "\"decisions\":[\"beforeAuthorization\",\"beforeResourceShared\"]%s}",
                    endpoint.port, secret, more));
  unlink(secret);
}

/* HMAC of "t.body" under the secret, as the receiver computes it. */
static void assert_signed(struct us_world *w) {
  char *body = strstr(endpoint.request, "\r\n\r\n") + 4, *header = strstr(endpoint.request, "X-Usher-Signature: t=");
  uint8_t mac[US_SHA256_BYTES];
  char hex[65], stamp[32];
  assert_non_null(header);
  header += strlen("X-Usher-Signature: t=");
  snprintf(stamp, sizeof(stamp), "%.*s", (int)strcspn(header, ","), header);
  us_hmac_sha256(US_STR(SECRET), us_str_c(us_text(w, "%s.%s", stamp, body)), mac);
  for (size_t i = 0; i < sizeof(mac); i++)
    snprintf(hex + 2 * i, 3, "%02x", mac[i]);
  const char *signature = strstr(header, ",v1=") + 4;
  if (strncmp(signature, hex, 64) != 0 || signature[64] != '\r')
    fail_msg("%s\nbut %s", endpoint.request, hex);
}

static void an_endpoint_decides(void **state) {
  struct us_world *w = *state;
  load_webhook(w, "");
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM), *sso = us_sso(w, "alice");
  answer_with(w, 200, "{\"allow\":false,\"status\":409,\"message\":\"not now\",\"detail\":{\"a\":1}}");
  assert_rest(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 409, "not now");
  assert_signed(w);
  assert_non_null(strstr(endpoint.request, "\"decision\":\"beforeResourceShared\""));
  assert_non_null(strstr(endpoint.request, "\"sharer\":\"alice\""));
  answer_with(w, 200, "{\"allow\":true}");
  expect_status(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 201);
  rpt_of(us_grant(w, C1, ask_for(w, pat, id, "[\"view\"]"), us_id_token(w, "bob", C1), NULL));
  assert_signed(w);
  assert_non_null(strstr(endpoint.request, "\"requestedScope\":[\"view\"]"));
  answer_with(w, 200, "{\"allow\":false,\"error\":\"blocked\"}");
  expect_error(us_grant(w, C1, ask_for(w, pat, id, "[\"view\"]"), us_id_token(w, "bob", C1), NULL), 403, "blocked");
}

/* No answer, a late one, another status, a redirect, nonsense: closed, and a 500; or open, and as if nobody had been asked. */
static void fails_closed_or_open(void **state) {
  struct us_world *w = *state;
  static const struct {
    int status;
    const char *body;
  } bad[] = {
      {200, "{"}, {200, "{}"}, {200, "{\"allow\":\"yes\"}"}, {500, "{\"allow\":true}"}, {302, "{\"allow\":true}"},
      {0, NULL}};
  for (int is_open = 0; is_open < 2; is_open++) {
    if (is_open) {
      endpoint_teardown(state);
      endpoint_setup(state);
      w = *state;
    }
    load_webhook(w, is_open ? ",\"fail\":\"open\"" : ",\"fail\":\"closed\"");
    const char *pat = us_pat(w, "alice", RS1), *sso = us_sso(w, "alice");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      const char *id = us_register(w, pat, us_text(w, "{\"name\":\"%zu\",\"resource_scopes\":[\"view\"]}", i));
      answer_with(w, bad[i].status, bad[i].body);
      struct us_reply r = put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL);
      if (is_open)
        assert_status(r, 201);
      else
        assert_rest(r, 500, "Extension failed");
    }
  }
}

/* An endpoint that hangs is given up before the method is late itself: otherwise "open" would be closed. */
static void fails_in_time(void **state) {
  struct us_world *w = *state;
  const char *secret = secret_file(w, SECRET, 0600);
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
  const char *config = us_text(w,
                               "{\"url\":\"http://127.0.0.1:%u/\",\"secret_file\":\"%s\",\"fail\":\"open\","
                               "\"decisions\":[\"beforeResourceShared\"]}",
                               endpoint.port, secret);
  struct us_plugin_entry entry = {.path = us_str_c(built(w, WEBHOOK)), .config = us_str_c(config), .deadline_ms = 1500};
  struct us_plugin_options options = {.entries = &entry, .count = 1};
  assert_int_equal(us_plugins_load(&cx, &options, true, &from_files), US_OK);
  us_world_services(w)->plugins = from_files;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM), *sso = us_sso(w, "alice");
  answer_with(w, 0, NULL);
  expect_status(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 201);
  unlink(secret);
  us_mem_free(cx.mem);
}

static void bad_configurations_do_not_start(void **state) {
  struct us_world *w = *state;
  const char *secret = secret_file(w, SECRET, 0600);
  static const char *const urls[] = {"",
                                     "http://example.com/",
                                     "http://127.0.0.1.example.com/",
                                     "http://127.0.0.1:80@example.com/",
                                     "ftp://127.0.0.1/",
                                     "file:///etc/passwd"};
  static const char *const members[] = {
      "\"events\":[\"beforeAuthorization\"]", "\"decisions\":[\"afterResourceShared\"]",
      "\"decisions\":[\"onPermissionRequest\"]", "\"fail\":\"maybe\"", "\"timeout_ms\":0"};
  static const char *const others[] = {"\"decisions\":\"beforeAuthorization\"",
                                       "\"events\":\"afterResourceShared\"",
                                       "\"events\":[7]",
                                       "\"decision\":[\"beforeAuthorization\"]",
                                       "\"decisions\":[]",
                                       "\"decisions\":[\"beforeAuthorization\"],\"fail\":false",
                                       "\"decisions\":[\"beforeAuthorization\"],\"timeout_ms\":\"1\"",
                                       "\"decisions\":[\"beforeAuthorization\"],\"x\":1"};
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
  for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
    assert_int_equal(try_file(w, WEBHOOK, us_text(w, "{\"url\":\"%s\",\"secret_file\":\"%s\"}", urls[i], secret), &cx),
                     US_E_INVALID_REQUEST);
  for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
    assert_int_equal(
        try_file(w, WEBHOOK,
                 us_text(w, "{\"url\":\"https://h.example/\",\"secret_file\":\"%s\",%s}", secret, members[i]), &cx),
        US_E_INVALID_REQUEST);
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    if (try_file(w, WEBHOOK,
                 us_text(w, "{\"url\":\"https://h.example/\",\"secret_file\":\"%s\",%s}", secret, others[i]),
                 &cx) != US_E_INVALID_REQUEST)
      fail_msg("%s", others[i]);
  assert_int_equal(try_file(w, WEBHOOK,
                            us_text(w,
                                    "{\"url\":\"https://h.example/\",\"secret_file\":\"%s\","
                                    "\"events\":[\"afterResourceShared\"],\"ca_file\":\"/none\"}",
                                    secret),
                            &cx),
                   US_OK);
  us_plugins_free(from_files);
  from_files = NULL;
  static const struct {
    const char *text;
    mode_t mode;
  } secrets[] = {{"short", 0600}, {SECRET, 0644}, {SECRET, 0620}};
  for (size_t i = 0; i < 3; i++) {
    secret = secret_file(w, secrets[i].text, secrets[i].mode);
    assert_int_equal(
        try_file(w, WEBHOOK, us_text(w, "{\"url\":\"https://h.example/\",\"secret_file\":\"%s\"}", secret), &cx),
        US_E_INVALID_REQUEST);
  }
  unlink(secret);
  us_mem_free(cx.mem);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      WEBHOOK_STORY(an_endpoint_decides),
      WEBHOOK_STORY(fails_closed_or_open),
      WEBHOOK_STORY(fails_in_time),
      WEBHOOK_STORY(bad_configurations_do_not_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
