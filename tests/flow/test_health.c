/* Health (design 4). */
#include "flow/crest.h"

static void process_and_store_answer(void **state) {
  struct us_world *w = *state;
  assert_body(us_send(w, "GET", "/am/json/health/live", NULL, NULL), 200, "{\"status\":\"live\"}");
  assert_body(us_send(w, "GET", "/am/json/health/ready", NULL, NULL), 200, "{\"status\":\"ready\"}");
}

static enum us_code lose_meta(struct us_cx *cx, void *self) {
  static const char SQL[] = "DELETE FROM meta WHERE key = 'config_rev'";
  return us_sql_run(cx, NULL, SQL, "");
}

static void a_store_that_is_broken_is_not_ready_but_the_process_lives(void **state) {
  struct us_world *w = *state;
  struct us_cx cx = {.mem = NULL};
  cx.svc = us_world_services(w);
  assert_int_equal(us_db_transact(&cx, us_world_db(w), lose_meta, NULL), US_OK);
  struct us_reply r = us_send(w, "GET", "/am/json/health/ready", NULL, NULL);
  assert_status(r, 503);
  assert_non_null(us_reply_header(&r, "Retry-After"));
  assert_null(strstr(r.body, "meta")); /* what is wrong is for the log */
  assert_body(us_send(w, "GET", "/am/json/health/live", NULL, NULL), 200, "{\"status\":\"live\"}");
}

static void health_is_not_kept_by_caches(void **state) {
  struct us_reply r = us_send(*state, "GET", "/am/json/health/ready", NULL, NULL);
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(process_and_store_answer),
      STORY(a_store_that_is_broken_is_not_ready_but_the_process_lives),
      STORY(health_is_not_kept_by_caches),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
