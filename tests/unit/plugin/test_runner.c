/* plugin/runner.h: bounds, and what is left of those that were given up. Plugins wait on a gate of the test. */
#include "../unit.h"

#include <pthread.h>
#include <time.h>

#include "base/log.h"
#include "plugin/host.h"
#include "plugin/runner.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int begun, told, done;

static int before(void *self, struct usher_resource *r, struct usher_error *e) {
  (void)self;
  (void)r;
  (void)e;
  begun++;
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return USHER_OK;
}
static void after(void *self, const struct usher_resource *r) {
  (void)self;
  (void)r;
  told++;
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
}

static struct us_plugin plugin;
static struct us_plugins plugins;

static int start(void **state) {
  (void)state;
  us_log_setup(US_LOG_OFF, US_LOG_LOGFMT, 2);
  plugin = (struct us_plugin){.abi = {.name = "gate"}, .config = US_STR("{}"), .deadline_ms = 30};
  plugin.abi.before_resource_registration = before;
  plugin.abi.after_resource_registration = after;
  pthread_rwlock_init(&plugin.is_running, NULL);
  us_plugin_index(&plugin, false);
  plugins = (struct us_plugins){.v = &plugin, .n = 1};
  us_plugins_index(&plugins);
  begun = told = done = 0;
  pthread_mutex_lock(&gate);
  return 0;
}

static int stop(void **state) {
  (void)state;
  bool has_ended = us_hook_runner_free(plugins.runner);
  pthread_rwlock_destroy(&plugin.is_running);
  return has_ended ? 0 : -1;
}

static struct us_hook_job *job_of(enum us_hook hook, size_t bytes) {
  struct us_hook_job *job = us_hook_job_new();
  assert_non_null(job);
  struct us_ask *ask = us_hook_job_add(job);
  assert_non_null(ask);
  ask->hook = hook;
  ask->doc_count = 1;
  us_doc_init(&ask->docs[0], US_DOC_RESOURCE, false);
  ask->docs[0].text = US_STR("{}");
  assert_non_null(us_mem_alloc(job->mem, bytes + 1));
  return job;
}

static void count_done(void *self) {
  (void)self;
  done++;
}

static bool ask(size_t bytes) {
  struct us_hook_job *job = job_of(US_HOOK_BEFORE_RESOURCE_REGISTRATION, bytes);
  bool has_room = us_hook_runner_ask(plugins.runner, job, count_done, NULL);
  us_hook_job_unref(job);
  return has_room;
}

static void wait_for(const _Atomic int *count, int n) {
  while (*count < n)
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Threads that do not come back do not make the server keep what nobody waits for. */
static void what_was_given_up_does_not_stay_in_the_queue(void **state) {
  (void)state;
  assert_non_null(plugins.runner = us_hook_runner_new(&plugins, 1, 4));
  assert_true(ask(0));
  wait_for(&begun, 1);
  wait_for(&done, 1);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 4; i++)
      assert_true(ask(0));
    assert_false(ask(0)); /* one past it */
    assert_int_equal(us_hook_runner_counters(plugins.runner).queued, 4);
    wait_for(&done, 1 + 4 * (round + 1));
    assert_int_equal(us_hook_runner_counters(plugins.runner).queued, 0);
    assert_int_equal(us_hook_runner_counters(plugins.runner).asking, 0);
  }
  pthread_mutex_unlock(&gate);
  assert_true(ask(0));
  wait_for(&done, 10);
  assert_int_equal(begun, 2);
}

static void asks_have_a_bound_in_bytes(void **state) {
  (void)state;
  plugin.deadline_ms = 60000;
  assert_non_null(plugins.runner = us_hook_runner_new(&plugins, 1, 1000));
  size_t quarter = US_HOOK_QUEUE_MAX_BYTES / 4 - 4096;
  for (int i = 0; i < 4; i++)
    assert_true(ask(quarter));
  assert_false(ask(quarter));
  assert_true(ask(0));
  pthread_mutex_unlock(&gate);
  wait_for(&done, 5);
  assert_true(ask(quarter));
  wait_for(&done, 6);
}

static void deeds_have_bounds_in_number_and_bytes(void **state) {
  (void)state;
  assert_non_null(plugins.runner = us_hook_runner_new(&plugins, 1, 0));
  us_hook_runner_tell(plugins.runner, job_of(US_HOOK_AFTER_RESOURCE_REGISTRATION, 0));
  wait_for(&told, 1);
  size_t quarter = US_HOOK_TELL_MAX_BYTES / 4 - 4096;
  for (int i = 0; i < 4; i++)
    us_hook_runner_tell(plugins.runner, job_of(US_HOOK_AFTER_RESOURCE_REGISTRATION, quarter));
  assert_int_equal(us_hook_runner_counters(plugins.runner).dropped, 0);
  us_hook_runner_tell(plugins.runner, job_of(US_HOOK_AFTER_RESOURCE_REGISTRATION, quarter));
  assert_int_equal(us_hook_runner_counters(plugins.runner).dropped, 1);
  pthread_mutex_unlock(&gate);
  wait_for(&told, 5);
  pthread_mutex_lock(&gate);
  us_hook_runner_tell(plugins.runner, job_of(US_HOOK_AFTER_RESOURCE_REGISTRATION, 0));
  wait_for(&told, 6);
  for (int i = 0; i < US_HOOK_TELL_MAX; i++)
    us_hook_runner_tell(plugins.runner, job_of(US_HOOK_AFTER_RESOURCE_REGISTRATION, 0));
  assert_int_equal(us_hook_runner_counters(plugins.runner).dropped, 1);
  us_hook_runner_tell(plugins.runner, job_of(US_HOOK_AFTER_RESOURCE_REGISTRATION, 0));
  assert_int_equal(us_hook_runner_counters(plugins.runner).dropped, 2);
  pthread_mutex_unlock(&gate);
  wait_for(&told, 6 + US_HOOK_TELL_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_was_given_up_does_not_stay_in_the_queue, start, stop),
      cmocka_unit_test_setup_teardown(asks_have_a_bound_in_bytes, start, stop),
      cmocka_unit_test_setup_teardown(deeds_have_bounds_in_number_and_bytes, start, stop),
  };
  return UNIT_RUN(tests);
}
