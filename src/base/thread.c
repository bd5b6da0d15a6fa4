/* Threads and waiting: see base/thread.h. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

int us_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *self), void *self) {
  sigset_t all, before;
  sigfillset(&all);
  int error = pthread_sigmask(SIG_SETMASK, &all, &before);
  if (error != 0)
    return error;
  error = pthread_create(ret_thread, NULL, run, self);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error == 0)
    (void)pthread_setname_np(*ret_thread, name);
  return error;
}

int us_cond_init(pthread_cond_t *cond) {
  pthread_condattr_t monotonic;
  int error = pthread_condattr_init(&monotonic);
  if (error != 0)
    return error;
  error = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  if (error == 0)
    error = pthread_cond_init(cond, &monotonic);
  pthread_condattr_destroy(&monotonic);
  return error;
}

bool us_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us) {
  struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
  return pthread_cond_timedwait(cond, lock, &until) != ETIMEDOUT;
}
