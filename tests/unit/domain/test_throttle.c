/* Counting failures in windows of time, bounded, from several threads. */
#include "../unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "crypto/digest.h"
#include "domain/throttle.h"

#define WINDOW_S 300

static int up(void **state) {
  assert_int_equal(us_crypto_setup(), 0);
  *state = us_throttle_new(1024);
  assert_non_null(*state);
  return 0;
}
static int down(void **state) {
  us_throttle_free(*state);
  return 0;
}

static struct us_throttle_key key(struct us_throttle *t, const char *name) {
  return us_throttle_key(t, US_THROTTLE_ACCOUNT, 1, unit_str(name));
}

static void the_limit_is_the_last_one_allowed(void **state) {
  struct us_throttle *t = *state;
  struct us_throttle_key k = key(t, "alice");
  for (int i = 0; i < 10; i++) {
    assert_int_equal(us_throttle_wait_s(t, &k, 10, 0), 0);
    assert_int_equal(us_throttle_take(t, &k, 10, WINDOW_S, 0), 0);
  }
  assert_int_equal(us_throttle_wait_s(t, &k, 10, 0), 300);
  assert_int_equal(us_throttle_take(t, &k, 10, WINDOW_S, 0), 300);
}

/* The window begins with the first failure and ends when it was due, whatever was tried meanwhile. */
static void the_window_does_not_grow(void **state) {
  struct us_throttle *t = *state;
  struct us_throttle_key k = key(t, "alice");
  assert_int_equal(us_throttle_take(t, &k, 1, WINDOW_S, 1000), 0);
  assert_int_equal(us_throttle_take(t, &k, 1, WINDOW_S, 1000), 300);
  assert_int_equal(us_throttle_take(t, &k, 1, WINDOW_S, 151000), 150);
  assert_int_equal(us_throttle_take(t, &k, 1, WINDOW_S, 300999), 1);
  assert_int_equal(us_throttle_take(t, &k, 1, WINDOW_S, 301000), 0);
  assert_int_equal(us_throttle_take(t, &k, 1, WINDOW_S, 301000), 300);
}

static void what_is_given_back_was_not_counted(void **state) {
  struct us_throttle *t = *state;
  struct us_throttle_key k = key(t, "alice");
  for (int i = 0; i < 100; i++) {
    assert_int_equal(us_throttle_take(t, &k, 2, WINDOW_S, 0), 0);
    us_throttle_give_back(t, &k);
  }
  assert_int_equal(us_throttle_count(t), 0);
  us_throttle_take(t, &k, 2, WINDOW_S, 0);
  us_throttle_take(t, &k, 2, WINDOW_S, 0);
  us_throttle_give_back(t, &k);
  assert_int_equal(us_throttle_take(t, &k, 2, WINDOW_S, 0), 0);
  assert_int_not_equal(us_throttle_take(t, &k, 2, WINDOW_S, 0), 0);
  us_throttle_forget(t, &k);
  assert_int_equal(us_throttle_wait_s(t, &k, 2, 0), 0);
  us_throttle_give_back(t, &k); /* of nothing: harmless */
  us_throttle_forget(t, &k);
}

static void keys_tell_kind_realm_and_name_apart(void **state) {
  struct us_throttle *t = *state;
  struct us_throttle_key keys[] = {
      us_throttle_key(t, US_THROTTLE_ACCOUNT, 1, US_STR("a")), us_throttle_key(t, US_THROTTLE_ADDRESS, 1, US_STR("a")),
      us_throttle_key(t, US_THROTTLE_ACCOUNT, 2, US_STR("a")), us_throttle_key(t, US_THROTTLE_ACCOUNT, 1, US_STR("A")),
      us_throttle_key(t, US_THROTTLE_ACCOUNT, 1, US_STR("")),
  };
  for (size_t i = 0; i < 5; i++) {
    for (size_t j = 0; j < i; j++)
      assert_memory_not_equal(&keys[i], &keys[j], sizeof(keys[i]));
  }
  struct us_throttle_key again = us_throttle_key(t, US_THROTTLE_ACCOUNT, 1, US_STR("a"));
  assert_memory_equal(&again, &keys[0], sizeof(again));
  struct us_throttle *other = us_throttle_new(16); /* the key is the process's own */
  struct us_throttle_key foreign = us_throttle_key(other, US_THROTTLE_ACCOUNT, 1, US_STR("a"));
  assert_memory_not_equal(&foreign, &keys[0], sizeof(foreign));
  us_throttle_free(other);
}

static void no_limit_counts_nothing(void **state) {
  struct us_throttle *t = *state;
  struct us_throttle_key k = key(t, "alice");
  for (int i = 0; i < 100; i++)
    assert_int_equal(us_throttle_take(t, &k, 0, WINDOW_S, 0), 0);
  assert_int_equal(us_throttle_count(t), 0);
}

/* Past the maximum the oldest window goes, not the newest and not everything. */
static void it_is_bounded(void **state) {
  struct us_throttle *t = *state;
  char name[32];
  for (int i = 0; i < 20000; i++) {
    snprintf(name, sizeof(name), "user%d", i);
    struct us_throttle_key k = key(t, name);
    assert_int_equal(us_throttle_take(t, &k, 1, WINDOW_S, i), 0);
    assert_true(us_throttle_count(t) <= 1024);
  }
  assert_int_equal(us_throttle_count(t), 1024);
  struct us_throttle_key last = key(t, "user19999"), first = key(t, "user0");
  assert_int_not_equal(us_throttle_wait_s(t, &last, 1, 20000), 0);
  assert_int_equal(us_throttle_wait_s(t, &first, 1, 20000), 0);
}

static void closed_windows_are_forgotten(void **state) {
  struct us_throttle *t = *state;
  struct us_throttle_key k = key(t, "alice");
  us_throttle_take(t, &k, 5, WINDOW_S, 0);
  assert_int_equal(us_throttle_count(t), 1);
  assert_int_equal(us_throttle_wait_s(t, &k, 5, 300000), 0);
  assert_int_equal(us_throttle_count(t), 0);
}

struct crowd {
  struct us_throttle *t;
  atomic_int allowed;
};
static void *guess(void *self) {
  struct crowd *crowd = self;
  struct us_throttle_key k = key(crowd->t, "alice");
  for (int i = 0; i < 1000; i++)
    atomic_fetch_add(&crowd->allowed, us_throttle_take(crowd->t, &k, 10, WINDOW_S, 0) == 0);
  return NULL;
}
/* A hundred guesses at once are counted one by one. */
static void guesses_at_once_do_not_slip_through(void **state) {
  struct crowd crowd = {.t = *state};
  pthread_t threads[4];
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, guess, &crowd), 0);
  for (size_t i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(atomic_load(&crowd.allowed), 10);
}

int main(void) {
#define WITH(test) cmocka_unit_test_setup_teardown(test, up, down)
  const struct CMUnitTest tests[] = {
      WITH(the_limit_is_the_last_one_allowed),
      WITH(the_window_does_not_grow),
      WITH(what_is_given_back_was_not_counted),
      WITH(keys_tell_kind_realm_and_name_apart),
      WITH(no_limit_counts_nothing),
      WITH(it_is_bounded),
      WITH(closed_windows_are_forgotten),
      WITH(guesses_at_once_do_not_slip_through),
  };
  return UNIT_RUN(tests);
}
