/*
 * The fetcher of clients' keys: its limits, one transfer for all who want the same, and that everybody is answered, whatever happens.
 * What it makes of servers is in tests/e2e/client_auth.test.mjs.
 */
#include "../unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/app.h"
#include "app/fetch.h"
#include "crypto/digest.h"

static struct us_services *svc;
static struct us_fetcher *fetcher;
static int silent; /* a listener that accepts and says nothing */
static char url[64];
static struct us_str allowed[1];

struct job {
  struct us_fetch_job pub;
  struct us_keys_wanted wanted;
};
static struct job jobs[US_FETCH_WAITING_MAX + 2];
static _Atomic unsigned done_count;

static void done(struct us_fetch_job *job) {
  (void)job;
  atomic_fetch_add(&done_count, 1);
}
static bool ask(size_t i, int64_t client, bool may_start) {
  jobs[i] = (struct job){.wanted = {.client_ref = client, .rev = 1, .url = us_str_c(url), .may_start = may_start}};
  jobs[i].pub = (struct us_fetch_job){.wanted = &jobs[i].wanted, .done = done};
  return us_fetcher_ask(fetcher, &jobs[i].pub);
}

static int up(void **state) {
  (void)state;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof(address);
  assert_int_equal(us_crypto_setup(), 0);
  silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(silent, (struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(listen(silent, 128), 0);
  assert_int_equal(getsockname(silent, (struct sockaddr *)&address, &n), 0);
  snprintf(url, sizeof(url), "https://127.0.0.1:%u/keys", ntohs(address.sin_port));
  svc = us_services_new(&us_clock_system, "http://127.0.0.1/am", NULL, NULL, NULL);
  assert_non_null(svc);
  allowed[0] = US_STR("127.0.0.1");
  svc->outside.allowed = (struct us_strs){allowed, 1};
  fetcher = us_fetcher_new(&(struct us_fetch_options){.svc = svc});
  assert_non_null(fetcher);
  atomic_store(&done_count, 0);
  return 0;
}
static int down(void **state) {
  (void)state;
  us_fetcher_free(fetcher);
  us_services_free(svc);
  close(silent);
  return 0;
}

static void so_many_transfers_run_at_once(void **state) {
  (void)state;
  for (int i = 0; i < US_FETCH_TRANSFERS_MAX; i++)
    assert_true(ask((size_t)i, i + 1, true));
  assert_false(ask(US_FETCH_TRANSFERS_MAX, 1000, true)); /* one more */
  assert_true(ask(US_FETCH_TRANSFERS_MAX, 1, true));     /* but who wants what is under way waits with the others */
  us_fetcher_free(fetcher);
  fetcher = NULL;
  assert_int_equal(done_count, US_FETCH_TRANSFERS_MAX + 1);
}

static void so_many_callers_wait(void **state) {
  (void)state;
  for (size_t i = 0; i < US_FETCH_WAITING_MAX; i++)
    assert_true(ask(i, 1, i == 0));
  assert_false(ask(US_FETCH_WAITING_MAX, 1, false));
  us_fetcher_free(fetcher);
  fetcher = NULL;
  assert_int_equal(done_count, US_FETCH_WAITING_MAX);
}

/* Whoever comes to join when it is over is told so at once, and starts nothing. */
static void a_transfer_that_is_over_is_not_begun_by_who_came_late(void **state) {
  (void)state;
  assert_true(ask(0, 1, false));
  assert_int_equal(done_count, 1);
}

/* The time is bounded, and with it everybody's waiting. */
static void a_silent_server_is_given_up(void **state) {
  (void)state;
  assert_true(ask(0, 1, true));
  for (int i = 0; i < 800 && done_count == 0; i++)
    usleep(10000);
  assert_int_equal(done_count, 1);
}

static void wants(struct us_cx *cx, const struct us_client *client, enum us_code code, bool may_start) {
  const struct us_jwk_set *set = NULL;
  struct us_keys_wanted wanted = {0};
  assert_int_equal(us_client_keys_get(cx, client, true, &set, &wanted), code);
  assert_int_equal(wanted.may_start, may_start);
}
/* Where there was no room nothing was fetched: the next one may try. Where one runs the others join. */
static void giving_up_ends_no_clients_turn(void **state) {
  (void)state;
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20), .svc = svc, .now_ms = us_clock_now_ms(&us_clock_system)};
  struct us_client client = {.ref = 7, .rev = 1, .jwks_uri = us_str_c(url)};
  struct us_keys_wanted first = {.client_ref = 7, .rev = 1, .may_start = true};
  wants(&cx, &client, US_E_TO_FETCH, true);
  wants(&cx, &client, US_E_TO_FETCH, false);
  us_client_keys_given_up(svc, &first);
  wants(&cx, &client, US_E_TO_FETCH, true);
  us_client_keys_fetched(svc, 7, 1, US_STR_ABSENT);
  wants(&cx, &client, US_E_NOT_FOUND, false);
  client.rev = 2; /* it changed, perhaps its URL; the pause stays */
  wants(&cx, &client, US_E_NOT_FOUND, false);
  us_mem_free(cx.mem);
}

/* Past the maximum the longest unused set goes; its client's is then looked at again. */
static void keys_that_are_remembered_are_bounded(void **state) {
  (void)state;
  static const char text[] =
      "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
      "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20), .svc = svc, .now_ms = us_clock_now_ms(&us_clock_system)};
  const struct us_jwk_set *set = NULL, *kept = NULL;
  us_client_keys_free(svc->client_keys);
  svc->client_keys = us_client_keys_new(6); /* an entry and a key each: three clients */
  struct us_client first = {.ref = 1, .rev = 1, .jwks = us_str_c(text)};
  assert_int_equal(us_client_keys_get(&cx, &first, false, &set, NULL), US_E_TO_POOL);
  assert_int_equal(us_client_keys_get(&cx, &first, true, &kept, NULL), US_OK);
  for (int64_t ref = 2; ref < 50; ref++) {
    struct us_client client = {.ref = ref, .rev = 1, .jwks = us_str_c(text)};
    assert_int_equal(us_client_keys_get(&cx, &client, true, &set, NULL), US_OK);
    assert_true(us_client_keys_count(svc->client_keys) <= 6);
    assert_int_equal(us_client_keys_get(&cx, &client, false, &set, NULL), US_OK);
  }
  assert_int_equal(us_jwk_set_count(kept), 1); /* a request that uses it holds it */
  assert_int_equal(us_client_keys_get(&cx, &first, false, &set, NULL), US_E_TO_POOL);
  us_mem_free(cx.mem);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest tests[] = {
      TEST(so_many_transfers_run_at_once),
      TEST(so_many_callers_wait),
      TEST(a_transfer_that_is_over_is_not_begun_by_who_came_late),
      TEST(a_silent_server_is_given_up),
      TEST(giving_up_ends_no_clients_turn),
      TEST(keys_that_are_remembered_are_bounded),
  };
  return UNIT_RUN(tests);
}
