/* SB-15, SB-21: a reader of the store's files, or of the log, cannot use what he finds. */
#include "flow/flow.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"

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

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {STORY(no_issued_value_is_in_store_or_log)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
