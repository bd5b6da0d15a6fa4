/* SB-15, SB-21: a reader of the store's files, or of the log, cannot use what he finds. */
#include "flow/flow.h"
#include "flow/totp.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/box.h"
#include "domain/at_rest.h"
#include "domain/snapshot.h"

static char *read_all(const char *name, size_t *ret_n) {
  FILE *in = fopen(name, "rb");
  if (in == NULL)
    return NULL;
  fseek(in, 0, SEEK_END);
  *ret_n = (size_t)ftell(in);
  rewind(in);
  char *text = malloc(*ret_n + 1);
  assert_int_equal(fread(text, 1, *ret_n, in), *ret_n);
  fclose(in);
  return text;
}

static void not_in(const char *file, const char *const *secrets, size_t count) {
  size_t n = 0;
  char *text = read_all(file, &n);
  if (text == NULL)
    return;
  for (size_t i = 0; i < count; i++) {
    if (memmem(text, n, secrets[i], strlen(secrets[i])) != NULL)
      fail_msg("secret %zu stands in %s", i, file);
  }
  free(text);
}

/* SB-15, SB-21 */
static void no_issued_value_is_in_store_or_log(void **state) {
  struct us_world *w = *state;
  char log_file[] = "/tmp/usher-log-XXXXXX";
  int fd = mkstemp(log_file);
  assert_true(fd >= 0);
  us_log_setup(US_LOG_DEBUG, US_LOG_LOGFMT, fd);
  const char *pat = us_pat(w, "alice", "UMA-Resource-Server"), *bob = us_id_token(w, "bob", "UMA-Client"),
             *sso = us_sso(w, "alice");
  const char *album = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  const char *first = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album));
  struct us_reply refused = us_grant(w, "UMA-Client", first, bob, NULL);
  assert_error(refused, 403, "request_submitted");
  const char *second = us_reply_str(&refused, "ticket");
  us_share(w, "alice", album, "bob", "[\"view\"]");
  struct us_reply granted = us_grant(w, "UMA-Client", second, bob, NULL);
  assert_status(granted, 200);
  const char *const secrets[] = {pat,        bob,       sso, first, second, us_reply_str(&granted, "access_token"),
                                 "Ch4ng31t", "mySecret"};
  size_t count = sizeof(secrets) / sizeof(secrets[0]);
  us_log_setup(US_LOG_OFF, US_LOG_LOGFMT, 2);
  close(fd);
  not_in(us_world_file(w), secrets, count);
  not_in(us_text(w, "%s-wal", us_world_file(w)), secrets, count);
  not_in(log_file, secrets, count);
  unlink(log_file);
}

#define STORE_KEY "0123456789abcdef0123456789ABCDEF"
#define OTHER_KEY "FEDCBA9876543210fedcba9876543210"

static enum us_code make_box(struct us_cx *cx, void *self) {
  struct us_box *box = NULL;
  US_TRY(us_box_new(cx, us_str_c(*(const char **)self), &box));
  us_box_free((struct us_box *)(uintptr_t)cx->svc->box);
  cx->svc->box = box;
  return US_OK;
}
static void have_key(struct us_world *w, const char *key) {
  assert_int_equal(us_world_transact(w, make_box, &key), US_OK);
}

static enum us_code seal_step(struct us_cx *cx, void *self) {
  return us_at_rest_seal(cx, self);
}
static int64_t seal_under(struct us_world *w, const struct us_box *old) {
  struct us_at_rest walk = {.old = old};
  while (!walk.is_done)
    assert_int_equal(us_world_transact(w, seal_step, &walk), US_OK);
  return walk.sealed;
}

/* What a reader of the table of keys would look for: the private number of one of them. */
static enum us_code find_private(struct us_cx *cx, void *self) {
  static const char sql[] = "SELECT jwk FROM signing_key WHERE alg = 'ES256' ORDER BY id LIMIT 1";
  static const struct us_column columns[] = {{US_COLUMN_TEXT, 0}};
  struct us_str jwk;
  char *copy = self;
  US_TRY(us_sql_one(cx, columns, 1, &jwk, sql, ""));
  const char *d = memmem(jwk.p, jwk.n, "\"d\":\"", 5);
  assert_non_null(d);
  snprintf(copy, 44, "%.43s", d + 5);
  return US_OK;
}
static enum us_code scrub(struct us_world *w) {
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
  enum us_code code = us_db_scrub(&cx, us_world_db(w));
  us_mem_free(cx.mem);
  return code;
}
static enum us_code refresh_step(struct us_cx *cx, void *self) {
  (void)self;
  return us_snapshot_refresh(cx, true);
}

/* SB-15 UG-88 */
static void a_reader_of_the_store_finds_no_private_key(void **state) {
  struct us_world *w = strict_world(state); /* alice has a secret for codes */
  char private_number[44] = "";
  assert_int_equal(us_world_transact(w, find_private, private_number), US_OK);
  const char *const secrets[] = {private_number, SECRET};
  have_key(w, STORE_KEY);
  assert_int_equal(seal_under(w, NULL), 6); /* two keys of two realms, one secret, the store's own */
  assert_int_equal(seal_under(w, NULL), 0);
  assert_int_equal(scrub(w), US_OK);
  not_in(us_world_file(w), secrets, 2);
  not_in(us_text(w, "%s-wal", us_world_file(w)), secrets, 2);
  assert_int_equal(us_world_transact(w, refresh_step, NULL), US_OK);
  us_world_set(w, "secondFactorRequired", "false");
  assert_string_not_equal(us_id_token(w, "bob", "UMA-Client"), "");
}

static void another_key_takes_over_only_with_the_old_one(void **state) {
  struct us_world *w = *state;
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES)};
  struct us_box *old = NULL;
  assert_int_equal(us_box_new(&cx, US_STR(STORE_KEY), &old), US_OK);
  have_key(w, STORE_KEY);
  assert_int_equal(seal_under(w, NULL), 5);
  have_key(w, OTHER_KEY);
  struct us_at_rest walk = {0};
  assert_int_equal(us_world_transact(w, seal_step, &walk), US_E_STORE);
  assert_int_equal(seal_under(w, old), 5);
  assert_int_equal(seal_under(w, old), 0);
  assert_int_equal(us_world_transact(w, refresh_step, NULL), US_OK);
  assert_string_not_equal(us_id_token(w, "bob", "UMA-Client"), "");
  us_box_free(old);
  us_mem_free(cx.mem);
}

/* What is enrolled or made under a key is sealed from the start. */
static void new_secrets_are_sealed_at_once(void **state) {
  struct us_world *w = *state;
  have_key(w, STORE_KEY);
  strict_world(state);
  assert_int_equal(seal_under(w, NULL), 5);
  struct us_reply r = us_send(w, "POST", ALPHA_JSON "authenticate",
                              "Content-Type: application/json\nAccept-API-Version: resource=2.0", "{}");
  assert_status(r, 200);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(no_issued_value_is_in_store_or_log), STORY(a_reader_of_the_store_finds_no_private_key),
      STORY(another_key_takes_over_only_with_the_old_one), STORY(new_secrets_are_sealed_at_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
