/* Threads and waiting: signals are the main thread's, and deadlines are of the monotonic clock (base/clock.h). */
#ifndef USHER_BASE_THREAD_H
#define USHER_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A thread that no signal reaches; SIGPIPE stays pending there, and the write says EPIPE. `name`: of 15 bytes at most, for debuggers
 * and top. 0, or an error number. */
int us_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *self), void *self);

/* 0, or an error number. */
int us_cond_init(pthread_cond_t *cond);
/* Until it is signalled (or for no reason, as ever), or `until_us` of us_monotonic_us() has passed: then false. */
bool us_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us);

#endif
