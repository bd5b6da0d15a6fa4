/* Passwords. The .c file is included, because the hash that is burnt for nobody is its own affair. */
#include "crypto/password.c"

#include <time.h>

#include "fixture.h"

static struct us_str c_hash(const char hash[US_PASSWORD_HASH_BYTES]) {
  return us_str_c(hash);
}

static void a_password_matches_its_own_hash_only(void **state) {
  struct us_cx *cx = *state;
  char hash[US_PASSWORD_HASH_BYTES];
  assert_int_equal(us_password_hash(cx, US_STR("Ch4ng31t"), hash), US_OK);
  assert_true(us_str_starts(c_hash(hash), US_STR("$argon2id$v=19$m=19456,t=2,p=1$")));
  assert_true(us_password_verify(US_STR("Ch4ng31t"), c_hash(hash)));
  assert_false(us_password_verify(US_STR("ch4ng31t"), c_hash(hash)));
  assert_false(us_password_verify(US_STR("Ch4ng31t\0"), c_hash(hash)));
  assert_false(us_password_verify(US_STR(""), c_hash(hash)));
}

static void two_hashes_of_one_password_differ(void **state) {
  struct us_cx *cx = *state;
  char a[US_PASSWORD_HASH_BYTES];
  char b[US_PASSWORD_HASH_BYTES];
  assert_int_equal(us_password_hash(cx, US_STR("same"), a), US_OK);
  assert_int_equal(us_password_hash(cx, US_STR("same"), b), US_OK);
  assert_string_not_equal(a, b);
}

static void bytes_behind_a_nul_count(void **state) {
  struct us_cx *cx = *state;
  char hash[US_PASSWORD_HASH_BYTES];
  assert_int_equal(us_password_hash(cx, US_STR("one\0two"), hash), US_OK);
  assert_true(us_password_verify(US_STR("one\0two"), c_hash(hash)));
  assert_false(us_password_verify(US_STR("one"), c_hash(hash)));
  assert_false(us_password_verify(US_STR("one\0six"), c_hash(hash)));
}

static void an_empty_password_is_a_password(void **state) {
  struct us_cx *cx = *state;
  char hash[US_PASSWORD_HASH_BYTES];
  assert_int_equal(us_password_hash(cx, US_STR_ABSENT, hash), US_OK);
  assert_true(us_password_verify(US_STR(""), c_hash(hash)));
}

static void the_maximum_holds_and_one_more_is_refused(void **state) {
  struct us_cx *cx = *state;
  char hash[US_PASSWORD_HASH_BYTES] = "untouched";
  char longest[US_PASSWORD_MAX_BYTES + 1];
  memset(longest, 'p', sizeof(longest));
  struct us_str too_long = {longest, US_PASSWORD_MAX_BYTES + 1};
  assert_int_equal(us_password_hash(cx, too_long, hash), US_E_INVALID_REQUEST);
  assert_string_equal(hash, "untouched");
  assert_int_equal(us_password_hash(cx, (struct us_str){longest, US_PASSWORD_MAX_BYTES}, hash), US_OK);
  assert_true(us_password_verify((struct us_str){longest, US_PASSWORD_MAX_BYTES}, c_hash(hash)));
  assert_false(us_password_verify(too_long, c_hash(hash)));
}

static void a_hash_that_cannot_be_read_matches_nothing(void **state) {
  (void)state;
  char long_hash[US_PASSWORD_HASH_BYTES + 1];
  memset(long_hash, 'A', sizeof(long_hash));
  memcpy(long_hash, "$argon2id$", 10);
  const struct us_str cases[] = {
      US_STR_ABSENT,
      US_STR(""),
      US_STR("Ch4ng31t"),
      US_STR("$argon2id$"),
      US_STR("$argon2id$v=19$m=19456,t=2,p=1$"),
      US_STR("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$"),
      US_STR("$argon2id$v=19$m=0,t=0,p=0$c2FsdHNhbHRzYWx0c2FsdA$q0sV1n2m5b7yXc3hJ8kLw4eRt6uIo9pAz0SdFgHjKlY"),
      US_STR("$2b$12$abcdefghijklmnopqrstuuZ0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
      {long_hash, US_PASSWORD_HASH_BYTES - 1},
      {long_hash, US_PASSWORD_HASH_BYTES},
      {long_hash, US_PASSWORD_HASH_BYTES + 1},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    assert_false(us_password_verify(US_STR("Ch4ng31t"), cases[i]));
}

static void a_nul_in_the_hash_does_not_end_it(void **state) {
  struct us_cx *cx = *state;
  char hash[US_PASSWORD_HASH_BYTES];
  assert_int_equal(us_password_hash(cx, US_STR("Ch4ng31t"), hash), US_OK);
  struct us_str with_nul = {hash, strlen(hash) + 1};
  assert_false(us_password_verify(US_STR("Ch4ng31t"), with_nul));
}

/* The weaker siblings are never written by us, so they are not read either. */
static void argon2i_is_refused(void **state) {
  (void)state;
  char hash[crypto_pwhash_STRBYTES];
  assert_int_equal(crypto_pwhash_str_alg(hash, "x", 1, crypto_pwhash_argon2i_OPSLIMIT_MIN,
                                         crypto_pwhash_argon2i_MEMLIMIT_MIN, crypto_pwhash_ALG_ARGON2I13),
                   0);
  assert_int_equal(crypto_pwhash_str_verify(hash, "x", 1), 0);
  assert_false(us_password_verify(US_STR("x"), us_str_c(hash)));
}

static double cpu_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A hash that libsodium could not read would cost nothing and so give the unknown user away. */
static void burning_costs_what_verifying_costs(void **state) {
  struct us_cx *cx = *state;
  char hash[US_PASSWORD_HASH_BYTES];
  char nobodys[US_PASSWORD_HASH_BYTES] = {0};
  memcpy(nobodys, nobody, sizeof(nobody));
  assert_int_equal(crypto_pwhash_str_needs_rehash(nobodys, OPERATIONS, MEMORY_BYTES), 0);
  assert_int_equal(us_password_hash(cx, US_STR("Ch4ng31t"), hash), US_OK);
  assert_int_equal(crypto_pwhash_str_needs_rehash(hash, OPERATIONS, MEMORY_BYTES), 0);

  double start = cpu_ms();
  for (int i = 0; i < 4; i++)
    assert_false(us_password_verify(US_STR("wrong"), c_hash(hash)));
  double verified = cpu_ms();
  for (int i = 0; i < 4; i++)
    us_password_burn(US_STR("wrong"));
  double burnt = cpu_ms();
  /* Processor time of this thread alone; a factor of three leaves room for a busy machine. */
  assert_true(burnt - verified > (verified - start) / 3);
  assert_true(burnt - verified < (verified - start) * 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_password_matches_its_own_hash_only, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(two_hashes_of_one_password_differ, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(bytes_behind_a_nul_count, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(an_empty_password_is_a_password, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(the_maximum_holds_and_one_more_is_refused, fixture_setup, fixture_teardown),
      cmocka_unit_test(a_hash_that_cannot_be_read_matches_nothing),
      cmocka_unit_test_setup_teardown(a_nul_in_the_hash_does_not_end_it, fixture_setup, fixture_teardown),
      cmocka_unit_test(argon2i_is_refused),
      cmocka_unit_test_setup_teardown(burning_costs_what_verifying_costs, fixture_setup, fixture_teardown),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  if (us_crypto_setup() != 0)
    return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  us_crypto_done();
  return failed;
}
