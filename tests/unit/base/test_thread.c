/* base/thread.h: whom signals reach, and waiting on the monotonic clock. */
#include "../unit.h"

#include <pthread.h>
#include <signal.h>

#include "base/clock.h"
#include "base/thread.h"

static void *look_at_signals(void *self) {
  sigset_t *blocked = self;
  pthread_sigmask(SIG_SETMASK, NULL, blocked);
  return NULL;
}

static void signals_do_not_reach_threads(void **state) {
  (void)state;
  static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1};
  sigset_t blocked, ours;
  pthread_t thread;
  sigemptyset(&blocked);
  assert_int_equal(us_thread_start(&thread, "test", look_at_signals, &blocked), 0);
  pthread_join(thread, NULL);
  pthread_sigmask(SIG_SETMASK, NULL, &ours);
  for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
    assert_int_equal(sigismember(&blocked, signals[i]), 1);
    assert_int_equal(sigismember(&ours, signals[i]), 0); /* whoever starts one keeps its own */
  }
}

struct shared {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool is_set;
};
static void *set(void *self) {
  struct shared *s = self;
  pthread_mutex_lock(&s->lock);
  s->is_set = true;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->lock);
  return NULL;
}

static void waiting_ends_by_a_signal_or_by_time(void **state) {
  (void)state;
  struct shared s = {.lock = PTHREAD_MUTEX_INITIALIZER};
  pthread_t thread;
  assert_int_equal(us_cond_init(&s.changed), 0);
  pthread_mutex_lock(&s.lock);
  int64_t until_us = us_monotonic_us() + 20000;
  while (us_cond_wait(&s.changed, &s.lock, until_us))
    continue;
  assert_true(us_monotonic_us() >= until_us);
  assert_false(us_cond_wait(&s.changed, &s.lock, until_us)); /* that has passed */
  assert_int_equal(us_thread_start(&thread, "test", set, &s), 0);
  while (!s.is_set)
    assert_true(us_cond_wait(&s.changed, &s.lock, us_monotonic_us() + 60000000));
  pthread_mutex_unlock(&s.lock);
  pthread_join(thread, NULL);
  pthread_cond_destroy(&s.changed);
  pthread_mutex_destroy(&s.lock);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(signals_do_not_reach_threads),
      cmocka_unit_test(waiting_ends_by_a_signal_or_by_time),
  };
  return UNIT_RUN(tests);
}
