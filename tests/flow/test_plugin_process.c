/* A plugin in a process of its own: it may crash, hang and talk nonsense, and the server goes on (plugin/child.h). */
#include "flow/plugin_files.h"

#include <signal.h>
#include <stdio.h>

#include "plugin/child.h"

#define WILD "tests/plugins/wild.so"
#define SETS_OF_ALICE ALPHA_JSON "users/alice/oauth2/resources/sets"

static enum us_code try_apart(struct us_world *w, const char *path, const char *config, int64_t deadline_ms,
                              struct us_cx *cx) {
  struct us_plugin_entry entry = {
      .path = us_str_c(path), .config = us_str_c(config), .deadline_ms = deadline_ms, .is_apart = true};
  struct us_plugin_options options = {.entries = &entry, .count = 1};
  us_child_program = built(w, "src/app/usher");
  return us_plugins_load(cx, &options, true, &from_files);
}

static void load_apart_from(struct us_world *w, const char *path, const char *config, int64_t deadline_ms) {
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
  if (try_apart(w, path, config, deadline_ms, &cx) != US_OK)
    fail_msg("%.*s", US_STR_ARG(cx.err.text));
  us_mem_free(cx.mem);
  us_world_services(w)->plugins = from_files;
}

static void load_apart(struct us_world *w, const char *config, int64_t deadline_ms) {
  load_apart_from(w, built(w, WILD), config, deadline_ms);
}

static struct us_reply post(struct us_world *w, const char *pat, const char *name) {
  return us_with_pat(w, "POST", SETS, pat,
                     us_text(w, "{\"name\":\"%s\",\"description\":\"d\",\"resource_scopes\":[\"view\"]}", name));
}

static void it_edits_and_vetoes_as_at_home(void **state) {
  struct us_world *w = *state;
  setenv("USHER_SECRET", "x", 1);
  load_apart(w, "{}", 0);
  assert_false(from_files->v[0].abi.flags & USHER_QUICK);
  const char *pat = us_pat(w, "alice", RS1);
  struct us_reply r = post(w, pat, "edit");
  assert_status(r, 201);
  const char *id = us_reply_str(&r, "_id");
  r = us_with_pat(w, "GET", set_url(w, id), pat, NULL);
  assert_string_equal(us_reply_str(&r, "name"), "edited");
  assert_null(json_object_get(r.json, "description"));
  assert_int_equal(json_array_size(json_object_get(r.json, "resource_scopes")), 2);
  r = post(w, pat, "veto");
  assert_error(r, 409, "taken");
  assert_string_equal(us_reply_str(&r, "error_description"), "wild says no");
  assert_int_equal(us_reply_int(&r, "a"), 1);
  static const char *const good[] = {"log", "left", "environment", "identity", "plain"};
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
    expect_status(post(w, pat, good[i]), 201);
  static const char *const bad[] = {"fail", "odd"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    expect_error(post(w, pat, bad[i]), 500, "server_error");
  us_share(w, "alice", id, "bob", "[\"print\"]");
  rpt_of(us_grant(w, C1, ask_for(w, pat, id, "[\"view\"]"), us_id_token(w, "carol", C1), NULL));
  r = us_with_sso(w, "GET", SETS_OF_ALICE "?_queryFilter=true&_fields=name", us_sso(w, "alice"), NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 2); /* edited and environment */
}

static const char *register_and_describe(struct us_world *w, const char *pat, const char *name) {
  struct us_reply r = post(w, pat, name);
  assert_status(r, 201);
  r = us_with_pat(w, "GET", set_url(w, us_reply_str(&r, "_id")), pat, NULL);
  return us_reply_str(&r, "description");
}

/* Each is an error of that call; others wait until the process is there again. */
static void what_it_does_to_itself_is_one_failed_call(void **state) {
  struct us_world *w = *state;
  load_apart(w, "{}", 20000);
  const char *pat = us_pat(w, "alice", RS1);
  static const char *const deaths[] = {"segv", "abort", "exit"};
  for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
    expect_error(post(w, pat, deaths[i]), 500, "server_error");
    us_register(w, pat, us_text(w, "{\"name\":\"after %zu\",\"resource_scopes\":[\"view\"]}", i));
  }
}

/* Longer than until its deadline no call waits: a rule that cannot be asked does not agree. */
static void while_it_is_down_calls_fail(void **state) {
  struct us_world *w = *state;
  load_apart(w, "{}", 60);
  const char *pat = us_pat(w, "alice", RS1);
  expect_error(post(w, pat, "exit"), 500, "server_error");
  expect_error(post(w, pat, "plain"), 500, "server_error");
  for (int i = 0; i < 200 && post(w, pat, us_text(w, "plain %d", i)).status != 201; i++)
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
  expect_status(post(w, pat, "plain"), 201);
}

/* Nobody has to call for it to come back, and what it started itself goes with it. */
static void it_is_minded_while_nobody_asks(void **state) {
  struct us_world *w = *state;
  load_apart(w, "{}", 20000);
  const char *pat = us_pat(w, "alice", RS1), *other = register_and_describe(w, pat, "fork");
  const char *first = register_and_describe(w, pat, "pid");
  assert_int_equal(kill(atoi(first), SIGKILL), 0);
  for (int i = 0; i < 1000 && kill(atoi(first), 0) == 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  assert_int_not_equal(kill(atoi(first), 0), 0);
  assert_string_not_equal(register_and_describe(w, pat, "pid again"), first);
  char state_of_other = 'S';
  for (int i = 0; i < 1000 && state_of_other != 'Z'; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    FILE *stat = fopen(us_text(w, "/proc/%s/stat", other), "r");
    if (!stat || fscanf(stat, "%*d %*s %c", &state_of_other) != 1) /* NOLINT(cert-err34-c): a letter */
      state_of_other = 'Z';
    if (stat)
      fclose(stat);
  }
  assert_int_equal(state_of_other, 'Z'); /* or gone */
}

/* What is told afterwards neither holds up what is asked before nor does it take the answer along. */
static void deeds_are_told_on_a_lane_of_their_own(void **state) {
  struct us_world *w = *state;
  load_apart(w, "{}", 4000);
  const char *pat = us_pat(w, "alice", RS1);
  expect_status(post(w, pat, "slow after"), 201);
  expect_error(post(w, pat, "veto"), 409, "taken");
  assert_int_equal(us_hook_runner_counters(from_files->runner).telling, 1);
  expect_status(post(w, pat, "segv after"), 201);
  wait_told();
  const struct us_hook_counters *told = &from_files->v[0].counters[US_HOOK_AFTER_RESOURCE_REGISTRATION];
  assert_int_equal(told->calls, 2);
  assert_int_equal(told->failures, 1);
  expect_status(post(w, pat, "plain"), 201);
  wait_told();
  assert_int_equal(told->failures, 1);
}

/* What is called, and as what, was settled at the start. */
static void another_plugin_in_its_file_is_not_asked(void **state) {
  struct us_world *w = *state;
  const char *folder = temporary_folder(w), *path = copy_of(w, WILD, folder, "replaced.so");
  load_apart_from(w, path, "{}", 300);
  const char *pat = us_pat(w, "alice", RS1), *pid = register_and_describe(w, pat, "pid");
  assert_int_equal(unlink(path), 0);
  copy_of(w, "plugins/naming.so", folder, "replaced.so");
  assert_int_equal(kill(atoi(pid), SIGKILL), 0);
  for (int i = 0; i < 1000 && kill(atoi(pid), 0) == 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  for (int i = 0; i < 3; i++)
    expect_error(post(w, pat, "plain"), 500, "server_error");
  unlink(path);
  rmdir(folder);
}

/* As long as it cannot even be started it is tried less and less often, and comes back when it can. */
static void what_cannot_be_started_is_tried_again(void **state) {
  struct us_world *w = *state;
  load_apart(w, "{}", 100);
  const char *pat = us_pat(w, "alice", RS1), *pid = register_and_describe(w, pat, "pid");
  const char *program = us_child_program;
  us_child_program = "/nowhere";
  log_take();
  assert_int_equal(kill(atoi(pid), SIGKILL), 0);
  for (int i = 0; i < 6; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    expect_error(post(w, pat, us_text(w, "none %d", i)), 500, "server_error");
  }
  const char *log = log_taken(w);
  assert_non_null(strstr(log, "(signal 9); it is started anew in 100 ms"));
  assert_non_null(strstr(log, "its process cannot be started (exit code 0); it is started anew in "));
  us_child_program = program;
  for (int i = 0; i < 200 && post(w, pat, us_text(w, "some %d", i)).status != 201; i++)
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
  expect_status(post(w, pat, "plain"), 201);
}

/* Nobody gets what another call left on the socket: the process is ended. */
static void nonsense_is_one_failed_call(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  static const char *const kinds[] = {"huge", "nothing", "no json", "list", "wrong", "forged"};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    load_apart(w, "{}", 5000);
    expect_error(post(w, pat, kinds[i]), 500, "server_error");
    nanosleep(&(struct timespec){.tv_nsec = 120000000}, NULL);
    expect_error(post(w, pat, "veto"), 409, "taken");
    us_world_services(w)->plugins = NULL;
    us_plugins_free(from_files);
    from_files = NULL;
  }
}

static void its_own_threads_may_log(void **state) {
  struct us_world *w = *state;
  load_apart(w, "{\"chatty\":1}", 5000);
  const char *pat = us_pat(w, "alice", RS1);
  for (int i = 0; i < 50; i++)
    expect_error(post(w, pat, "veto"), 409, "taken");
}

/* Stopping and reloading are the server's to say. */
static void signals_to_all_processes_are_not_for_it(void **state) {
  struct us_world *w = *state;
  load_apart(w, "{}", 5000);
  expect_status(post(w, us_pat(w, "alice", RS1), "signals"), 201);
}

static void what_hangs_is_late(void **state) {
  struct us_world *w = *state;
  load_apart(w, "{}", 100);
  const char *pat = us_pat(w, "alice", RS1);
  expect_error(post(w, pat, "hang"), 500, "server_error");
  nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
  expect_status(post(w, pat, "plain"), 201);
}

static void what_does_not_start_is_said(void **state) {
  struct us_world *w = *state;
  static const char *const configs[] = {"{\"refuse\":1}", "{\"crash\":1}"};
  for (size_t i = 0; i < 2; i++) {
    struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
    assert_int_equal(try_apart(w, built(w, WILD), configs[i], 0, &cx), US_E_INVALID_REQUEST);
    assert_non_null(strstr(cx.err.text.p, "does not start"));
    us_mem_free(cx.mem);
  }
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
  struct us_plugin plugin;
  assert_int_equal(us_child_new(&cx, us_str_c(built(w, "tests/plugins/flawed-1.so")), &plugin), US_E_INVALID_REQUEST);
  assert_non_null(strstr(cx.err.text.p, "is made for ABI 2, and this server has ABI 1"));
  us_child_program = "/nowhere";
  assert_int_equal(us_child_new(&cx, us_str_c(built(w, WILD)), &plugin), US_E_INVALID_REQUEST);
  us_mem_free(cx.mem);
}

static void it_takes_a_new_configuration(void **state) {
  struct us_world *w = *state;
  load_apart(w, "{}", 0);
  static const char *const configs[] = {"{\"refuse\":1}", "{\"other\":1}"};
  for (size_t i = 0; i < 2; i++) {
    struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
    struct us_plugin_entry entry = {.path = us_str_c(built(w, WILD)), .config = us_str_c(configs[i]), .is_apart = true};
    struct us_plugin_options options = {.entries = &entry, .count = 1};
    us_plugins_reload(from_files, &options);
    assert_string_equal(from_files->v[0].config.p, i == 0 ? "{}" : configs[1]);
    us_mem_free(cx.mem);
    expect_status(post(w, us_pat(w, "alice", RS1), us_text(w, "plain%zu", i)), 201);
  }
}

/* Several at once: each gets its own answer. */
struct caller {
  pthread_t thread;
  unsigned number, failed;
};
static void *call_often(void *self) {
  struct caller *caller = self;
  for (int i = 0; i < 50; i++) {
    void *mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES);
    struct us_hook_watch watch = {0};
    struct us_ask ask = {.hook = US_HOOK_BEFORE_RESOURCE_REGISTRATION, .doc_count = 1};
    us_doc_init(&ask.docs[0], US_DOC_RESOURCE, true);
    ask.docs[0].text = us_str_fmt(mem, "{\"name\":\"%s\"}", caller->number % 2 ? "veto" : "plain");
    us_hooks_ask(from_files, &ask, mem, &watch);
    caller->failed += ask.verdict != (caller->number % 2 ? US_VERDICT_VETO : US_VERDICT_OK);
    us_ask_done(&ask);
    us_mem_free(mem);
  }
  return NULL;
}
static void callers_do_not_get_in_each_others_way(void **state) {
  struct us_world *w = *state;
  struct caller callers[4] = {0};
  load_apart(w, "{}", 20000);
  for (unsigned i = 0; i < 4; i++) {
    callers[i].number = i;
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
  }
  for (size_t i = 0; i < 4; i++) {
    pthread_join(callers[i].thread, NULL);
    assert_int_equal(callers[i].failed, 0);
  }
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      FILE_STORY(it_edits_and_vetoes_as_at_home),
      FILE_STORY(what_it_does_to_itself_is_one_failed_call),
      FILE_STORY(while_it_is_down_calls_fail),
      FILE_STORY(it_is_minded_while_nobody_asks),
      FILE_STORY(deeds_are_told_on_a_lane_of_their_own),
      FILE_STORY(another_plugin_in_its_file_is_not_asked),
      FILE_STORY(what_cannot_be_started_is_tried_again),
      FILE_STORY(nonsense_is_one_failed_call),
      FILE_STORY(its_own_threads_may_log),
      FILE_STORY(signals_to_all_processes_are_not_for_it),
      FILE_STORY(what_hangs_is_late),
      FILE_STORY(what_does_not_start_is_said),
      FILE_STORY(it_takes_a_new_configuration),
      FILE_STORY(callers_do_not_get_in_each_others_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
