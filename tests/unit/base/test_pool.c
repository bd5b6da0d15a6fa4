/* base/pool.h: order, bounds and draining. The jobs wait on a gate of the test, never on time. */
#include <pthread.h>

#include "../unit.h"
#include "base/pool.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t note_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t note_changed = PTHREAD_COND_INITIALIZER;
static int notes[64];
static int note_count;
static void *note_workers[64];
static int opened, closed;

struct job {
  struct us_pool_job base;
  int number;
  bool waits;
};

static void run_job(struct us_pool_job *base, void *worker) {
  struct job *job = (struct job *)base;
  pthread_mutex_lock(&note_lock);
  note_workers[note_count] = worker;
  notes[note_count++] = job->number;
  pthread_cond_broadcast(&note_changed);
  pthread_mutex_unlock(&note_lock);
  if (!job->waits)
    return;
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
}

static void wait_for_notes(int count) {
  pthread_mutex_lock(&note_lock);
  while (note_count < count)
    pthread_cond_wait(&note_changed, &note_lock);
  pthread_mutex_unlock(&note_lock);
}

static void *open_worker(void *self, unsigned index) {
  __atomic_add_fetch(&opened, 1, __ATOMIC_SEQ_CST);
  return (int *)self + index;
}

static void close_worker(void *self, void *worker) {
  assert_true((int *)worker >= (int *)self && (int *)worker < (int *)self + 8);
  __atomic_add_fetch(&closed, 1, __ATOMIC_SEQ_CST);
}

static int start(void **state) {
  (void)state;
  note_count = opened = closed = 0;
  return 0;
}

static void runs_in_order_of_arrival_and_refuses_when_full(void **state) {
  (void)state;
  struct us_pool *pool = us_pool_new(&(struct us_pool_options){.threads = 1, .max_queued = 3});
  assert_non_null(pool);
  struct job jobs[6];
  for (int i = 0; i < 6; i++)
    jobs[i] = (struct job){.base = {.run = run_job}, .number = i, .waits = i == 0};
  pthread_mutex_lock(&gate);
  assert_true(us_pool_submit(pool, &jobs[0].base));
  wait_for_notes(1); /* the worker has taken it and stands at the gate */
  for (int i = 1; i <= 3; i++)
    assert_true(us_pool_submit(pool, &jobs[i].base));
  assert_int_equal(us_pool_queued(pool), 3);
  assert_false(us_pool_submit(pool, &jobs[4].base));
  pthread_mutex_unlock(&gate);
  wait_for_notes(4);
  assert_true(us_pool_submit(pool, &jobs[5].base));
  us_pool_free(pool);
  static const int expected[] = {0, 1, 2, 3, 5};
  assert_int_equal(note_count, 5);
  assert_memory_equal(notes, expected, sizeof expected);
}

static void free_runs_what_is_queued(void **state) {
  (void)state;
  struct us_pool *pool = us_pool_new(&(struct us_pool_options){.threads = 1, .max_queued = 20});
  struct job jobs[20];
  pthread_mutex_lock(&gate);
  for (int i = 0; i < 20; i++) {
    jobs[i] = (struct job){.base = {.run = run_job}, .number = i, .waits = i == 0};
    assert_true(us_pool_submit(pool, &jobs[i].base));
  }
  pthread_mutex_unlock(&gate);
  us_pool_free(pool);
  assert_int_equal(note_count, 20);
  us_pool_free(NULL);
}

static void each_worker_has_its_own_value(void **state) {
  (void)state;
  int values[8];
  struct us_pool *pool = us_pool_new(&(struct us_pool_options){
      .threads = 2, .max_queued = 8, .open = open_worker, .close = close_worker, .self = values});
  struct job jobs[2];
  pthread_mutex_lock(&gate);
  for (int i = 0; i < 2; i++) {
    jobs[i] = (struct job){.base = {.run = run_job}, .number = i, .waits = true};
    assert_true(us_pool_submit(pool, &jobs[i].base));
  }
  wait_for_notes(2); /* both stand at the gate at once: two workers */
  pthread_mutex_unlock(&gate);
  us_pool_free(pool);
  assert_true(note_workers[0] != note_workers[1]);
  assert_int_equal(opened, 2);
  assert_int_equal(closed, 2);
}

static void no_threads_no_pool(void **state) {
  (void)state;
  assert_null(us_pool_new(&(struct us_pool_options){.threads = 0, .max_queued = 1}));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(runs_in_order_of_arrival_and_refuses_when_full, start),
      cmocka_unit_test_setup(free_runs_what_is_queued, start),
      cmocka_unit_test_setup(each_worker_has_its_own_value, start),
      cmocka_unit_test(no_threads_no_pool),
  };
  return UNIT_RUN(tests);
}
