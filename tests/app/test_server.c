/*
 * The whole server with its real threads in this process: loops, pool and writer, reached over sockets by several clients at
 * once. Runs under ThreadSanitizer too. What single requests answer is tested by the flow tests; here it is what happens
 * between threads: races for a ticket, clients that go away, a stop under load.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/app.h"
#include "app/demo_world.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "domain/snapshot.h"
#include "testlib/world.h"

#define CLIENTS 8
#define ROUNDS 40
#define ANSWER_MAX 65536

struct server {
  char folder[64];
  char url[96];
  struct us_cx cx;
  struct us_app *app;
};

static void must(const struct us_cx *cx, enum us_code code) {
  if (code != US_OK)
    fail_msg("%s: %.*s (%.*s)", us_code_name(code), US_STR_ARG(cx->err.text), US_STR_ARG(cx->err.detail));
}

static void make_world(struct server *s) {
  struct us_db_options options = {.url = s->url, .busy_ms = 2000};
  struct us_db *db = NULL;
  s->cx.svc = us_services_new(&us_clock_system, WORLD_BASE, NULL, NULL, NULL);
  us_idgen_init(&s->cx.svc->ids, 1, 0);
  must(&s->cx, us_db_migrate(&s->cx, s->url));
  must(&s->cx, us_db_open(&s->cx, &options, &db));
  must(&s->cx, us_demo_world_create(&s->cx, db, 0));
  us_db_close(db);
  us_services_free(s->cx.svc);
  s->cx.svc = NULL;
}

static int server_up(void **state) {
  struct server *s = calloc(1, sizeof(*s));
  assert_int_equal(us_crypto_setup(), 0);
  strcpy(s->folder, "/tmp/usher-server-XXXXXX");
  assert_non_null(mkdtemp(s->folder));
  snprintf(s->url, sizeof(s->url), "sqlite:%s/usher.db", s->folder);
  s->cx.mem = us_mem_root_new(0, 64u * 1024 * 1024);
  s->cx.now_ms = us_clock_now_ms(&us_clock_system);
  make_world(s);
  struct us_http_listener listener = {.host = "127.0.0.1", .port = 0};
  struct us_app_options options = {.store_url = s->url,
                                   .listeners = &listener,
                                   .listener_count = 1,
                                   .limits = us_http_limits_default,
                                   .loops = 2,
                                   .pool_threads = 2};
  must(&s->cx, us_app_start(&s->cx, &options, &s->app));
  *state = s;
  return 0;
}

static int server_down(void **state) {
  struct server *s = *state;
  static const char *const endings[] = {"", "-wal", "-shm"};
  us_app_stop(s->app, 5000);
  for (size_t i = 0; i < 3; i++) {
    char name[128];
    snprintf(name, sizeof(name), "%s/usher.db%s", s->folder, endings[i]);
    unlink(name);
  }
  rmdir(s->folder);
  us_mem_free(s->cx.mem);
  free(s);
  return 0;
}

/* ---- a blocking client of one connection ---- */

struct answer {
  int status;
  char body[ANSWER_MAX];
};

static int dial(const struct server *s) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(us_app_port(s->app, 0)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval patience = {.tv_sec = 30};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  assert_true(fd >= 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  return fd;
}

static void put(int fd, const char *method, const char *target, const char *headers, const char *body) {
  static const char form[] = "%s %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s";
  char *text = NULL;
  int n = asprintf(&text, form, method, target, headers, strlen(body), body);
  assert_true(n > 0);
  assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
  free(text);
}

/* Reads one answer. Status 0: the connection ended first. */
static void get(int fd, struct answer *ret) {
  char text[ANSWER_MAX];
  size_t n = 0, want = 0;
  ret->status = 0;
  while (want == 0 || n < want) {
    ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
    if (got <= 0)
      return;
    n += (size_t)got;
    text[n] = '\0';
    const char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\ncontent-length:");
    if (end != NULL)
      want = (size_t)(end + 4 - text) + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
  }
  ret->status = atoi(text + 9);
  strcpy(ret->body, strstr(text, "\r\n\r\n") + 4);
}

/* One answer of several in a row: byte by byte up to the body, so that the next one stays where it is. */
static void get_one(int fd, struct answer *ret) {
  char head[4096];
  size_t n = 0;
  do {
    assert_true(n + 1 < sizeof(head) && recv(fd, head + n, 1, 0) == 1);
    head[++n] = '\0';
  } while (strstr(head, "\r\n\r\n") == NULL);
  const char *length = strcasestr(head, "\r\ncontent-length:");
  size_t want = length ? strtoul(length + 17, NULL, 10) : 0;
  assert_true(want < sizeof(ret->body));
  ret->status = atoi(head + 9);
  for (size_t got = 0; got < want;) {
    ssize_t more = recv(fd, ret->body + got, want - got, 0);
    assert_true(more > 0);
    got += (size_t)more;
  }
  ret->body[want] = '\0';
}

static void call(int fd, const char *method, const char *target, const char *headers, const char *body,
                 struct answer *ret) {
  put(fd, method, target, headers, body);
  get(fd, ret);
}

/* The value of a string member, good enough for our own answers. */
static void member(const struct answer *a, const char *name, char *ret_value, size_t room) {
  char key[64];
  snprintf(key, sizeof(key), "\"%s\":\"", name);
  const char *at = strstr(a->body, key);
  ret_value[0] = '\0';
  if (at == NULL)
    return;
  at += strlen(key);
  snprintf(ret_value, room, "%.*s", (int)strcspn(at, "\""), at);
}

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"

static void token(int fd, const char *user, const char *client, const char *scope, const char *name, char *ret,
                  size_t room) {
  char body[512];
  struct answer a;
  snprintf(body, sizeof(body),
           "grant_type=password&scope=%s&username=%s&password=Ch4ng31t&client_id=%s&client_secret=mySecret", scope,
           user, client);
  call(fd, "POST", ALPHA_OAUTH "access_token", FORM, body, &a);
  if (a.status != 200)
    fail_msg("%d %s", a.status, a.body);
  member(&a, name, ret, room);
}

/* ---- stories ---- */

struct race {
  const struct server *server;
  char pat[256], album[64], id_token[2048];
  char ticket[ROUNDS][64];
  atomic_int winners[ROUNDS];
  atomic_int losers[ROUNDS];
  pthread_barrier_t barrier;
};

static void *racer(void *self) {
  struct race *race = self;
  static const char form[] = "grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Auma-ticket&client_id=UMA-"
                             "Client&client_secret=mySecret"
                             "&claim_token_format=http%%3A%%2F%%2Fopenid.net%%2Fspecs%%2Fopenid-connect-core-1_0.html%%"
                             "23IDToken&ticket=%s&claim_token=%s";
  char body[4096];
  struct answer a;
  int fd = dial(race->server);
  for (int i = 0; i < ROUNDS; i++) {
    pthread_barrier_wait(&race->barrier);
    snprintf(body, sizeof(body), form, race->ticket[i], race->id_token);
    call(fd, "POST", ALPHA_OAUTH "access_token", FORM, body, &a);
    if (a.status == 200)
      race->winners[i]++;
    else if (a.status == 400 && strstr(a.body, "invalid_grant") != NULL)
      race->losers[i]++;
  }
  close(fd);
  return NULL;
}

static void share_album(struct server *s, int fd, struct race *race) {
  char headers[512], body[512], sso[256], target[256];
  struct answer a;
  token(fd, "alice", "UMA-Resource-Server", "uma_protection", "access_token", race->pat, sizeof(race->pat));
  token(fd, "bob", "UMA-Client", "openid", "id_token", race->id_token, sizeof(race->id_token));
  snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", race->pat);
  call(fd, "POST", ALPHA_UMA "resource_set", headers, "{\"resource_scopes\":[\"view\"]}", &a);
  assert_int_equal(a.status, 201);
  member(&a, "_id", race->album, sizeof(race->album));
  call(fd, "POST", ALPHA_JSON "authenticate",
       "Content-Type: application/json\r\nX-OpenAM-Username: alice\r\nX-OpenAM-Password: Ch4ng31t\r\n", "{}", &a);
  assert_int_equal(a.status, 200);
  member(&a, "tokenId", sso, sizeof(sso));
  snprintf(headers, sizeof(headers), "iPlanetDirectoryPro: %s\r\nContent-Type: application/json\r\n", sso);
  snprintf(target, sizeof(target), ALPHA_JSON "users/alice/uma/policies/%s", race->album);
  snprintf(body, sizeof(body), "{\"policyId\":\"%s\",\"permissions\":[{\"subject\":\"bob\",\"scopes\":[\"view\"]}]}",
           race->album);
  call(fd, "PUT", target, headers, body, &a);
  assert_int_equal(a.status, 201);
}

/* UG-77 */
static void eight_clients_race_for_each_ticket_and_one_wins(void **state) {
  struct server *s = *state;
  struct race *race = calloc(1, sizeof(*race));
  char headers[512], body[256];
  struct answer a;
  pthread_t threads[CLIENTS];
  int fd = dial(s);
  race->server = s;
  share_album(s, fd, race);
  snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", race->pat);
  snprintf(body, sizeof(body), "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", race->album);
  for (int i = 0; i < ROUNDS; i++) {
    call(fd, "POST", ALPHA_UMA "permission_request", headers, body, &a);
    assert_int_equal(a.status, 201);
    member(&a, "ticket", race->ticket[i], sizeof(race->ticket[i]));
  }
  pthread_barrier_init(&race->barrier, NULL, CLIENTS);
  for (int i = 0; i < CLIENTS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, racer, race), 0);
  for (int i = 0; i < CLIENTS; i++)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < ROUNDS; i++) {
    assert_int_equal(race->winners[i], 1);
    assert_int_equal(race->losers[i], CLIENTS - 1);
  }
  pthread_barrier_destroy(&race->barrier);
  close(fd);
  free(race);
}

static void introspect(int fd, const char *pat, const char *rpt, struct answer *ret) {
  char headers[512], body[512];
  snprintf(headers, sizeof(headers), FORM "Authorization: Bearer %s\r\n", pat);
  snprintf(body, sizeof(body), "token=%s", rpt);
  call(fd, "POST", ALPHA_OAUTH "introspect", headers, body, ret);
}

static void get_rpt(int fd, const struct race *race, char *ret_rpt, size_t room) {
  char headers[512], body[4096], ticket[64];
  struct answer a;
  snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", race->pat);
  snprintf(body, sizeof(body), "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", race->album);
  call(fd, "POST", ALPHA_UMA "permission_request", headers, body, &a);
  member(&a, "ticket", ticket, sizeof(ticket));
  snprintf(body, sizeof(body),
           "grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Auma-ticket&client_id=UMA-Client&client_secret="
           "mySecret&claim_token_format=http%%3A%%2F%%2Fopenid.net%%2Fspecs%%2Fopenid-connect-core-1_0.html%%23IDToken&"
           "ticket=%s&claim_token=%s",
           ticket, race->id_token);
  call(fd, "POST", ALPHA_OAUTH "access_token", FORM, body, &a);
  assert_int_equal(a.status, 200);
  member(&a, "access_token", ret_rpt, room);
}

/* Keeps the loops in turns, so that revocations come while they have snapshots. */
struct asker {
  const struct server *server;
  char pat[256], rpt[256];
  atomic_bool is_stopping;
  atomic_int strange;
};
static void *asking_client(void *self) {
  struct asker *asker = self;
  struct answer a;
  int fd = dial(asker->server);
  while (!asker->is_stopping) {
    introspect(fd, asker->pat, asker->rpt, &a);
    if (a.status != 200 || strstr(a.body, "\"active\":true") == NULL)
      asker->strange++;
  }
  close(fd);
  return NULL;
}

#define CONNECTIONS 16 /* so many that both loops have some */

/* What was acknowledged is seen by every request that comes after, on whatever connection and loop. First the RPT, then the PAT itself,
 * which loops remember. */
static void a_revocation_is_seen_by_all_loops_at_once(void **state) {
  struct server *s = *state;
  struct race *race = calloc(1, sizeof(*race));
  struct asker asker = {.server = s};
  struct answer a;
  char rpt[256], pat[256], body[512];
  pthread_t threads[CLIENTS];
  int fds[CONNECTIONS];
  for (int i = 0; i < CONNECTIONS; i++)
    fds[i] = dial(s);
  race->server = s;
  share_album(s, fds[0], race);
  strcpy(asker.pat, race->pat);
  get_rpt(fds[0], race, asker.rpt, sizeof(asker.rpt));
  for (int i = 0; i < CLIENTS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, asking_client, &asker), 0);
  for (int round = 0; round < 20; round++) {
    int by = round % CONNECTIONS;
    get_rpt(fds[by], race, rpt, sizeof(rpt));
    token(fds[by], "alice", "UMA-Resource-Server", "uma_protection", "access_token", pat, sizeof(pat));
    for (int i = 0; i < CONNECTIONS; i++) {
      introspect(fds[i], pat, rpt, &a);
      assert_non_null(strstr(a.body, "\"active\":true"));
    }
    snprintf(body, sizeof(body), "token=%s&client_id=UMA-Client&client_secret=mySecret", rpt);
    call(fds[by], "POST", ALPHA_OAUTH "token/revoke", FORM, body, &a);
    assert_int_equal(a.status, 200);
    for (int i = 0; i < CONNECTIONS; i++) {
      introspect(fds[i], pat, rpt, &a);
      assert_string_equal(a.body, "{\"active\":false}");
    }
    snprintf(body, sizeof(body), "token=%s&client_id=UMA-Resource-Server&client_secret=mySecret", pat);
    call(fds[by], "POST", ALPHA_OAUTH "token/revoke", FORM, body, &a);
    assert_int_equal(a.status, 200);
    for (int i = 0; i < CONNECTIONS; i++) {
      introspect(fds[i], pat, rpt, &a);
      assert_int_equal(a.status, 401);
    }
  }
  asker.is_stopping = true;
  for (int i = 0; i < CLIENTS; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(asker.strange, 0);
  for (int i = 0; i < CONNECTIONS; i++)
    close(fds[i]);
  free(race);
}

static void put_introspection(int fd, const char *pat, const char *rpt) {
  char headers[512], body[512];
  snprintf(headers, sizeof(headers), FORM "Authorization: Bearer %s\r\n", pat);
  snprintf(body, sizeof(body), "token=%s", rpt);
  put(fd, "POST", ALPHA_OAUTH "introspect", headers, body);
}

/* Pipelined: what stands behind the revocation is answered after it, and by what it left. */
static void a_revocation_is_seen_by_what_is_pipelined_behind_it(void **state) {
  struct server *s = *state;
  struct race *race = calloc(1, sizeof(*race));
  struct answer a;
  char rpt[256], body[512];
  int fd = dial(s);
  race->server = s;
  share_album(s, fd, race);
  for (int round = 0; round < 20; round++) {
    get_rpt(fd, race, rpt, sizeof(rpt));
    snprintf(body, sizeof(body), "token=%s&client_id=UMA-Client&client_secret=mySecret", rpt);
    put_introspection(fd, race->pat, rpt);
    put(fd, "POST", ALPHA_OAUTH "token/revoke", FORM, body);
    put_introspection(fd, race->pat, rpt);
    get_one(fd, &a);
    assert_non_null(strstr(a.body, "\"active\":true"));
    get_one(fd, &a);
    assert_int_equal(a.status, 200);
    get_one(fd, &a);
    assert_string_equal(a.body, "{\"active\":false}");
  }
  close(fd);
  free(race);
}

/* Requests whose client does not wait for the answer: at the pool (a password), at the writer (a registration), on the loop. The
 * write happens all the same (design 2, stopping); the server is alive afterwards. */
static void clients_that_go_away_harm_nobody(void **state) {
  struct server *s = *state;
  char pat[256], headers[512];
  struct answer a;
  int fd = dial(s);
  token(fd, "alice", "UMA-Resource-Server", "uma_protection", "access_token", pat, sizeof(pat));
  snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", pat);
  for (int i = 0; i < 60; i++) {
    int gone = dial(s);
    if (i % 3 == 0)
      put(gone, "POST", ALPHA_OAUTH "access_token", FORM,
          "grant_type=password&scope=openid&username=bob&password=Ch4ng31t&client_id=UMA-Client&client_secret="
          "mySecret");
    if (i % 3 == 1)
      put(gone, "POST", ALPHA_UMA "resource_set", headers, "{\"resource_scopes\":[\"view\"]}");
    if (i % 3 == 2)
      put(gone, "GET", ALPHA_UMA "resource_set", headers, "");
    struct linger reset = {.l_onoff = i % 2, .l_linger = 0}; /* every other one with RST */
    setsockopt(gone, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(gone);
  }
  call(fd, "POST", ALPHA_UMA "resource_set", headers, "{\"resource_scopes\":[\"view\"]}", &a);
  assert_int_equal(a.status, 201);
  call(fd, "GET", ALPHA_UMA "resource_set", headers, "", &a);
  assert_int_equal(a.status, 200);
  close(fd);
}

struct load {
  const struct server *server;
  char pat[256];
  atomic_bool is_stopping;
  atomic_int acknowledged, strange;
};
static void *writer_client(void *self) {
  struct load *load = self;
  char headers[512];
  struct answer a;
  int fd = dial(load->server);
  snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", load->pat);
  for (;;) {
    put(fd, "POST", ALPHA_UMA "resource_set", headers, "{\"resource_scopes\":[\"view\"]}");
    get(fd, &a);
    if (a.status == 201)
      load->acknowledged++;
    else if (a.status != 0 && a.status != 503)
      load->strange++;
    if (a.status == 0 || a.status == 503)
      break;
  }
  close(fd);
  return NULL;
}

/* Design 2, stopping: what is in flight is answered; what was answered is in the store. */
static void a_stop_under_load_answers_and_keeps_what_it_answered(void **state) {
  struct server *s = *state;
  struct load load = {.server = s};
  pthread_t threads[CLIENTS];
  int fd = dial(s);
  token(fd, "alice", "UMA-Resource-Server", "uma_protection", "access_token", load.pat, sizeof(load.pat));
  close(fd);
  for (int i = 0; i < CLIENTS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, writer_client, &load), 0);
  while (load.acknowledged < 200 && load.strange == 0)
    usleep(1000);
  us_app_stop(s->app, 5000);
  s->app = NULL;
  for (int i = 0; i < CLIENTS; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(load.strange, 0);
  struct us_db_options options = {.url = s->url, .busy_ms = 2000};
  struct us_db *db = NULL;
  struct us_rows rows;
  static const char sql[] = "SELECT count(*) FROM resource";
  must(&s->cx, us_db_open(&s->cx, &options, &db));
  must(&s->cx, us_db_begin_read(&s->cx, db));
  must(&s->cx, us_sql_open(&s->cx, &rows, sql, ""));
  assert_true(us_sql_next(&rows));
  int64_t stored = us_sql_i64(&rows, 0);
  must(&s->cx, us_sql_close(&rows));
  us_db_end_read(&s->cx, db);
  us_db_close(db);
  assert_true(stored >= load.acknowledged);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(eight_clients_race_for_each_ticket_and_one_wins, server_up, server_down),
      cmocka_unit_test_setup_teardown(a_revocation_is_seen_by_all_loops_at_once, server_up, server_down),
      cmocka_unit_test_setup_teardown(a_revocation_is_seen_by_what_is_pipelined_behind_it, server_up, server_down),
      cmocka_unit_test_setup_teardown(clients_that_go_away_harm_nobody, server_up, server_down),
      cmocka_unit_test_setup_teardown(a_stop_under_load_answers_and_keeps_what_it_answered, server_up, server_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
