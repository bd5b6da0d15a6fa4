/* Which files are loaded, in which order, and with which sentence others are refused (REST contract j.4; plugin/load.h). */
#include "flow/plugin_files.h"

#include <sys/stat.h>

static struct us_cx *cx_new(void) {
  struct us_cx *cx = calloc(1, sizeof(*cx));
  assert_non_null(cx);
  cx->mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES);
  return cx;
}
static void cx_free(struct us_cx *cx) {
  us_mem_free(cx->mem);
  free(cx);
}

static void assert_refused(const char *path, const char *why) {
  struct us_cx *cx = cx_new();
  struct us_plugin plugin;
  assert_int_equal(us_plugin_open_file(cx, us_str_c(path), &plugin), US_E_INVALID_REQUEST);
  if (!strstr(cx->err.text.p, why) || !strstr(cx->err.text.p, path) || strstr(cx->err.text.p, "/proc/"))
    fail_msg("wanted '%s', got '%s'", why, cx->err.text.p);
  assert_null(plugin.library);
  cx_free(cx);
}

static void each_flaw_has_its_sentence(void **state) {
  struct us_world *w = *state;
  static const char *const flaws[] = {
      [1] = "is made for ABI 2, and this server has ABI 1",
      [2] = "needs ABI 1.1, and this server has 1.0",
      [3] = "its descriptor has",
      [5] = "has no name",
      [6] = "has no name",
      [7] = "has no version",
      [8] = "lacks the required member open",
      [10] = "lacks the required member close",
      [11] = "has flags that this server does not know",
      [12] = "usher_plugin() returns no descriptor",
      [13] = "does not export the function usher_plugin",
  };
  for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++)
    if (flaws[i])
      assert_refused(built(w, us_text(w, "tests/plugins/flawed-%zu.so", i)), flaws[i]);
  assert_refused("/tmp/usher-nowhere.so", "cannot be read: No such file");
  assert_refused("/tmp", "is not a regular file");
  assert_refused("/etc/passwd", "cannot be loaded: ");
}

static void a_file_that_others_may_write_is_refused(void **state) {
  struct us_world *w = *state;
  const char *folder = temporary_folder(w), *path = copy_of(w, "plugins/naming.so", folder, "a.so");
  static const mode_t modes[] = {0775, 0757, 0777};
  for (size_t i = 0; i < 3; i++) {
    chmod(path, modes[i]);
    assert_refused(path, "may be written by others than its owner");
  }
  chmod(path, 0755);
  if (geteuid() == 0) {
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_refused(path, "belongs neither to root nor to the user who runs the server");
  }
  unlink(path);
  rmdir(folder);
}

/* Who may write the folder may put another file in the place of this one, or a link to one. */
static void a_folder_that_others_may_write_is_refused(void **state) {
  struct us_world *w = *state;
  const char *folder = temporary_folder(w), *path = copy_of(w, "plugins/naming.so", folder, "a.so"),
             *links = temporary_folder(w), *link = us_text(w, "%s/b.so", links),
             *why = us_text(w, "its folder %s may be written by others than its owner; chmod go-w it", folder),
             *why_link = us_text(w, "its folder %s may be written by others", links),
             *whose = us_text(w, "its folder %s belongs neither to root nor to the user who runs the server", folder);
  struct us_plugin plugin;
  static const mode_t modes[] = {0775, 0757, 0777};
  assert_int_equal(symlink(path, link), 0);
  for (size_t i = 0; i < 3; i++) {
    chmod(folder, modes[i]);
    assert_refused(path, why);
    assert_refused(link, why);
    chmod(folder, 0700);
    chmod(links, modes[i]);
    assert_refused(link, why_link);
    chmod(links, 0700);
  }
  if (geteuid() == 0) {
    assert_int_equal(chown(folder, 65534, 65534), 0);
    assert_refused(path, whose);
    assert_int_equal(chown(folder, 0, 0), 0);
  }
  struct us_cx *cx = cx_new();
  chmod(links, 01777); /* as /tmp: files stay their owners' */
  assert_int_equal(us_plugin_open_file(cx, us_str_c(link), &plugin), US_OK);
  us_plugin_close_file(&plugin);
  cx_free(cx);
  unlink(link);
  unlink(path);
  rmdir(links);
  rmdir(folder);
}

/* What is loaded is the file that was opened, not one that was loaded before and did not go. */
static void a_library_that_stays_does_not_take_the_place_of_the_next(void **state) {
  struct us_world *w = *state;
  struct us_cx *cx = cx_new();
  struct us_plugin plugin;
  assert_int_equal(us_plugin_open_file(cx, us_str_c(built(w, "tests/plugins/stays.so")), &plugin), US_OK);
  assert_string_equal(plugin.abi.name, "flawed");
  us_plugin_close_file(&plugin);
  assert_int_equal(us_plugin_open_file(cx, us_str_c(built(w, "plugins/naming.so")), &plugin), US_OK);
  assert_string_not_equal(plugin.abi.name, "flawed");
  us_plugin_close_file(&plugin);
  cx_free(cx);
}

/* A plugin that is older than the last members of the descriptor: these are absent, not read from behind it. */
static void an_older_descriptor_is_taken(void **state) {
  struct us_world *w = *state;
  struct us_cx *cx = cx_new();
  struct us_plugin plugin;
  assert_int_equal(us_plugin_open_file(cx, us_str_c(built(w, "tests/plugins/flawed-4.so")), &plugin), US_OK);
  assert_int_equal(plugin.abi.flags, 0);
  assert_null(plugin.abi.reload);
  assert_false(plugin.reloads);
  us_plugin_close_file(&plugin);
  /* a size that ends within a member: that one is absent as a whole */
  assert_int_equal(us_plugin_open_file(cx, us_str_c(built(w, "tests/plugins/flawed-15.so")), &plugin), US_OK);
  assert_int_equal(plugin.abi.flags, USHER_QUICK);
  assert_null(plugin.abi.reload);
  us_plugin_close_file(&plugin);
  assert_int_equal(us_plugin_open_file(cx, us_str_c(built(w, "tests/plugins/flawed-0.so")), &plugin), US_OK);
  assert_int_equal(plugin.abi.flags, USHER_QUICK);
  assert_true(plugin.reloads);
  us_plugin_close_file(&plugin);
  cx_free(cx);
}

static enum us_code try_all(struct us_cx *cx, const struct us_plugin_entry *entries, size_t n, const char *directory) {
  struct us_plugin_options options = {.entries = entries, .count = n, .directory = us_str_c(directory)};
  us_plugins_free(from_files);
  from_files = NULL;
  return us_plugins_load(cx, &options, true, &from_files);
}

static void assert_order(struct us_world *w, const char *names) {
  const char *text = "";
  for (size_t i = 0; i < from_files->n; i++)
    text = us_text(w, "%s%s ", text, from_files->v[i].abi.name);
  assert_string_equal(text, names);
}

/* By priority, then by name; the directory counts as priority 0, and a file that is named too is loaded once. */
static void they_are_called_by_priority_and_name(void **state) {
  struct us_world *w = *state;
  const char *folder = temporary_folder(w), *naming = copy_of(w, "plugins/naming.so", folder, "z.so"),
             *wild = copy_of(w, "tests/plugins/wild.so", folder, "a.so"),
             *other = us_text(w, "%s/not-a-plugin.txt", folder);
  struct us_plugin_entry entries[] = {
      {.path = us_str_c(built(w, "tests/plugins/flawed-0.so")), .priority = 1, .config = US_STR("{}")},
      {.path = us_str_c(naming), .priority = 2, .config = US_STR("{}")},
  };
  fclose(fopen(other, "w"));
  struct us_cx *cx = cx_new();
  assert_int_equal(try_all(cx, entries, 2, folder), US_OK);
  assert_order(w, "wild flawed naming ");
  entries[1].priority = 0;
  assert_int_equal(try_all(cx, entries, 2, folder), US_OK);
  assert_order(w, "naming wild flawed ");
  entries[0].priority = -1;
  assert_int_equal(try_all(cx, entries, 2, NULL), US_OK);
  assert_order(w, "flawed naming ");
  assert_int_equal(try_all(cx, entries, 0, NULL), US_OK);
  assert_null(from_files);
  assert_int_equal(try_all(cx, entries, 0, "/nowhere"), US_E_INVALID_REQUEST);
  assert_non_null(strstr(cx->err.text.p, "plugin.directory: /nowhere cannot be read"));
  cx_free(cx);
  unlink(naming);
  unlink(wild);
  unlink(other);
  rmdir(folder);
}

/* A folder with one file too many is refused, not loaded in part; one with as many as there may be gets as far as its names. */
static void a_folder_of_too_many_is_refused(void **state) {
  struct us_world *w = *state;
  const char *folder = temporary_folder(w), *naming = built(w, "plugins/naming.so");
  struct us_plugin_entry entry = {.path = us_str_c(built(w, "tests/plugins/wild.so")), .config = US_STR("{}")};
  struct us_cx *cx = cx_new();
  for (int i = 0; i < US_PLUGINS_MAX; i++)
    assert_int_equal(symlink(naming, us_text(w, "%s/%d.so", folder, i)), 0);
  assert_int_equal(try_all(cx, NULL, 0, folder), US_E_INVALID_REQUEST);
  assert_non_null(strstr(cx->err.text.p, "is named naming, as "));
  assert_int_equal(try_all(cx, &entry, 1, folder), US_E_INVALID_REQUEST);
  assert_non_null(strstr(cx->err.text.p, "plugins: more than 64"));
  assert_int_equal(symlink(naming, us_text(w, "%s/one-more.so", folder)), 0);
  assert_int_equal(try_all(cx, NULL, 0, folder), US_E_INVALID_REQUEST);
  assert_non_null(strstr(cx->err.text.p, us_text(w, "plugin.directory: %s holds more than 64 plugins", folder)));
  for (int i = 0; i < US_PLUGINS_MAX; i++)
    unlink(us_text(w, "%s/%d.so", folder, i));
  unlink(us_text(w, "%s/one-more.so", folder));
  rmdir(folder);
  cx_free(cx);
}

static void no_two_share_a_name_and_one_that_fails_stops_all(void **state) {
  struct us_world *w = *state;
  struct us_plugin_entry entries[] = {
      {.path = us_str_c(built(w, "tests/plugins/flawed-0.so")), .config = US_STR("{}")},
      {.path = us_str_c(built(w, "tests/plugins/flawed-4.so")), .config = US_STR("{}")},
  };
  struct us_cx *cx = cx_new();
  assert_int_equal(try_all(cx, entries, 2, NULL), US_E_INVALID_REQUEST);
  assert_non_null(strstr(cx->err.text.p, "is named flawed, as "));
  entries[0].path = us_str_c(built(w, "plugins/naming.so"));
  entries[1].path = us_str_c(built(w, "tests/plugins/flawed-9.so"));
  entries[1].priority = 1;
  assert_int_equal(try_all(cx, entries, 2, NULL), US_E_INVALID_REQUEST);
  assert_non_null(strstr(cx->err.text.p, "third does not start: open returned 3"));
  assert_null(from_files);
  cx_free(cx);
}

static void assert_notes(const char *path, const char *wanted) {
  char text[256] = "";
  FILE *in = fopen(path, "r");
  assert_non_null(in);
  text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
  fclose(in);
  unlink(path);
  assert_string_equal(text, wanted);
}

/* The order of opening is that of calling; closing is the other way round, also when a later one does not start. */
static void they_are_closed_in_reverse_order(void **state) {
  struct us_world *w = *state;
  const char *folder = temporary_folder(w), *notes = us_text(w, "%s/notes", folder);
  struct us_plugin_entry entries[] = {
      {.path = us_str_c(built(w, "tests/plugins/flawed-14.so")), .priority = 2, .config = US_STR("{}")},
      {.path = us_str_c(built(w, "tests/plugins/flawed-0.so")), .priority = 1, .config = US_STR("{}")},
      {.path = us_str_c(built(w, "tests/plugins/flawed-9.so")), .priority = 3, .config = US_STR("{}")},
  };
  struct us_cx *cx = cx_new();
  setenv("USHER_TEST_NOTES", notes, 1);
  assert_int_equal(try_all(cx, entries, 2, NULL), US_OK);
  us_plugins_free(from_files);
  from_files = NULL;
  assert_notes(notes, "open flawed\nopen second\nclose second\nclose flawed\n");
  assert_int_equal(try_all(cx, entries, 3, NULL), US_E_INVALID_REQUEST);
  assert_notes(notes, "open flawed\nopen second\nopen third\nclose second\nclose flawed\n");
  unsetenv("USHER_TEST_NOTES");
  rmdir(folder);
  cx_free(cx);
}

static void reload_with(const char *config) {
  struct us_plugin_entry entry = {.path = from_files->v[0].path, .config = us_str_c(config)};
  struct us_plugin_options options = {.entries = &entry, .count = config ? 1 : 0};
  us_plugins_reload(from_files, &options);
}

/* What a reload does not change is said: nobody shall rely on what waits for the next start. */
static void what_waits_for_a_start_is_said(void **state) {
  struct us_world *w = *state;
  struct us_plugin_entry entries[] = {
      {.path = us_str_c(built(w, "tests/plugins/wild.so")), .config = US_STR("{}")},
      {.path = us_str_c(built(w, "plugins/naming.so")), .config = US_STR("{}"), .deadline_ms = 700},
      {.path = us_str_c(built(w, "plugins/owner_filter.so")), .config = US_STR("{}")},
  };
  struct us_plugin_options options = {.entries = entries, .count = 2, .deadline_ms = 300};
  struct us_cx *cx = cx_new();
  assert_int_equal(us_plugins_load(cx, &options, true, &from_files), US_OK);
  log_take();
  us_plugins_reload(from_files, &options);
  const char *log = log_taken(w);
  assert_null(strstr(log, "level=warn"));
  assert_non_null(strstr(log, "wild took its configuration anew"));
  struct us_plugin_entry before = entries[1];
  static const struct {
    const char *config;
    int64_t priority, deadline_ms;
    bool is_apart;
    const char *said;
  } rows[] = {
      {"{\"collapse\":true}", 0, 700, false, "naming goes on as it was: it does not reload"},
      {"{}", 1, 700, false, "naming: its priority, deadline_ms and process change with the next start"},
      {"{}", 0, 0, false, "naming: its priority, deadline_ms and process change with the next start"},
      {"{}", 0, 700, true, "naming: its priority, deadline_ms and process change with the next start"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    entries[1] = (struct us_plugin_entry){.path = before.path,
                                          .config = us_str_c(rows[i].config),
                                          .priority = rows[i].priority,
                                          .deadline_ms = rows[i].deadline_ms,
                                          .is_apart = rows[i].is_apart};
    log_take();
    us_plugins_reload(from_files, &options);
    if (!strstr(log = log_taken(w), rows[i].said))
      fail_msg("%s in: %s", rows[i].said, log);
  }
  entries[1] = before;
  options.count = 3;
  log_take();
  us_plugins_reload(from_files, &options);
  assert_non_null(strstr(log_taken(w), "owner_filter.so is not loaded: plugins come with a start"));
  options.count = 1;
  log_take();
  us_plugins_reload(from_files, &options);
  assert_non_null(strstr(log_taken(w), "naming goes on, although it is not named any more"));
  options.count = 1;
  log_take();
  us_plugins_reload(NULL, &options);
  assert_non_null(strstr(log_taken(w), "wild.so is not loaded"));
  cx_free(cx);
}

/* SIGHUP: what a plugin refuses leaves it as it was, and so does a configuration that no longer names it. */
static void a_configuration_is_taken_anew_or_kept(void **state) {
  load_file(*state, "tests/plugins/wild.so", "{\"a\":1}");
  const struct us_plugin *plugin = &from_files->v[0];
  reload_with("{\"a\":2}");
  assert_string_equal(plugin->config.p, "{\"a\":2}");
  reload_with("{\"refuse\":1}");
  assert_string_equal(plugin->config.p, "{\"a\":2}");
  reload_with(NULL);
  assert_string_equal(plugin->config.p, "{\"a\":2}");
}

/* What a plugin has no use for as it is configured is not called; it is asked again when that changes. */
static void it_says_itself_what_it_has_use_for(void **state) {
  load_file(*state, "tests/plugins/wild.so", "{}");
  assert_true(us_plugins_have(from_files, US_HOOK_BEFORE_RESOURCE_REGISTRATION));
  assert_true(us_plugins_have(from_files, US_HOOK_BEFORE_RESOURCE_SHARED));
  assert_false(us_plugins_have(from_files, US_HOOK_AFTER_RESOURCE_SHARED)); /* all it says, but it does not have it */
  reload_with("{\"only\":true}");
  assert_true(us_plugins_have(from_files, US_HOOK_BEFORE_RESOURCE_REGISTRATION));
  assert_false(us_plugins_have(from_files, US_HOOK_BEFORE_RESOURCE_SHARED));
  us_plugins_free(from_files);
  load_file(*state, "tests/plugins/wild.so", "{\"only\":true}");
  assert_false(us_plugins_have(from_files, US_HOOK_BEFORE_RESOURCE_SHARED));
  reload_with("{}");
  assert_true(us_plugins_have(from_files, US_HOOK_BEFORE_RESOURCE_SHARED));
}

struct caller {
  pthread_t thread;
  _Atomic bool is_done;
  _Atomic unsigned calls, failed;
};
static void *call_again_and_again(void *self) {
  struct caller *caller = self;
  while (!caller->is_done) {
    void *mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES);
    struct us_hook_watch watch = {0};
    struct us_ask ask = {.hook = US_HOOK_BEFORE_RESOURCE_REGISTRATION, .doc_count = 1};
    us_doc_init(&ask.docs[0], US_DOC_RESOURCE, true);
    ask.docs[0].text = US_STR("{\"name\":\"slow\"}");
    us_hooks_ask(from_files, &ask, mem, &watch);
    caller->failed += ask.verdict != US_VERDICT_OK;
    caller->calls++;
    us_ask_done(&ask);
    us_mem_free(mem);
  }
  return NULL;
}

/* Where some method runs at every moment, a reload still has its turn. */
static void a_busy_plugin_is_reloaded_too(void **state) {
  struct caller callers[4];
  load_file(*state, "tests/plugins/wild.so", "{}");
  memset(callers, 0, sizeof(callers));
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call_again_and_again, &callers[i]), 0);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL); /* never all at their end together */
  }
  while (callers[3].calls == 0)
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
  reload_with("{\"a\":2}");
  for (size_t i = 0; i < 4; i++)
    callers[i].is_done = true;
  for (size_t i = 0; i < 4; i++) {
    pthread_join(callers[i].thread, NULL);
    assert_int_equal(callers[i].failed, 0);
  }
  assert_string_equal(from_files->v[0].config.p, "{\"a\":2}");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      FILE_STORY(each_flaw_has_its_sentence),
      FILE_STORY(a_file_that_others_may_write_is_refused),
      FILE_STORY(a_folder_that_others_may_write_is_refused),
      FILE_STORY(a_library_that_stays_does_not_take_the_place_of_the_next),
      FILE_STORY(an_older_descriptor_is_taken),
      FILE_STORY(they_are_called_by_priority_and_name),
      FILE_STORY(a_folder_of_too_many_is_refused),
      FILE_STORY(no_two_share_a_name_and_one_that_fails_stops_all),
      FILE_STORY(they_are_closed_in_reverse_order),
      FILE_STORY(what_waits_for_a_start_is_said),
      FILE_STORY(a_configuration_is_taken_anew_or_kept),
      FILE_STORY(it_says_itself_what_it_has_use_for),
      FILE_STORY(a_busy_plugin_is_reloaded_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
