/* Plugins in the configuration: what is named, where its file lies, and its own part as JSON text. */
#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/config.h"
#include "plugin/runner.h"

struct place {
  struct us_cx *cx;
  char folder[64], file[128];
};

static int up(void **state) {
  struct place *p = calloc(1, sizeof(*p));
  assert_non_null(p);
  p->cx = unit_cx_new(US_MEM_REQUEST_MAX_BYTES);
  strcpy(p->folder, "/tmp/usher-config-XXXXXX");
  assert_non_null(mkdtemp(p->folder));
  snprintf(p->file, sizeof(p->file), "%s/usher.yaml", p->folder);
  *state = p;
  return 0;
}
static int down(void **state) {
  struct place *p = *state;
  unlink(p->file);
  rmdir(p->folder);
  unit_cx_free(p->cx);
  free(p);
  return 0;
}
#define PLACE_TEST(test) cmocka_unit_test_setup_teardown(test, up, down)

static enum us_code read_text(struct place *p, const char *text, struct us_plugin_options *ret_options) {
  struct us_config config;
  struct us_app_options options = {0};
  FILE *out = fopen(p->file, "w");
  assert_non_null(out);
  fprintf(out, "listen: [{address: 127.0.0.1, port: 0}]\n%s", text);
  assert_int_equal(fclose(out), 0);
  us_error_clear(p->cx);
  enum us_code code = us_config_read(p->cx, p->file, &config);
  if (code == US_OK)
    code = us_config_options(p->cx, p->file, &config, &options);
  *ret_options = options.plugins;
  return code;
}

static struct us_plugin_options taken(struct place *p, const char *text) {
  struct us_plugin_options options;
  if (read_text(p, text, &options) != US_OK)
    fail_msg("%.*s", US_STR_ARG(p->cx->err.text));
  return options;
}

static void assert_refused(struct place *p, const char *text, const char *says) {
  struct us_plugin_options options;
  assert_int_equal(read_text(p, text, &options), US_E_INVALID_REQUEST);
  if (strstr(p->cx->err.text.p, says) == NULL)
    fail_msg("'%.*s' instead of '%s'", US_STR_ARG(p->cx->err.text), says);
}

static void without_a_word_about_plugins_there_are_none(void **state) {
  struct us_plugin_options options = taken(*state, "");
  assert_int_equal(options.count, 0);
  assert_int_equal(options.directory.n, 0);
  assert_int_equal(options.deadline_ms, US_HOOK_DEADLINE_MS);
  assert_int_equal(options.threads, US_HOOK_THREADS);
  assert_int_equal(options.queue, US_HOOK_QUEUE_MAX);
}

static void every_member_arrives(void **state) {
  struct us_plugin_options options = taken(*state, "plugins:\n"
                                                   "  - path: /a.so\n"
                                                   "  - path: /b.so\n"
                                                   "    priority: -7\n"
                                                   "    deadline_ms: 50\n"
                                                   "    process: true\n"
                                                   "    config: {words: [one, 2, true, null], deep: {er: '3'}}\n"
                                                   "  - path: /c.so\n"
                                                   "    config:\n"
                                                   "plugin: {directory: /d, deadline_ms: 9, threads: 3, queue: 17}\n");
  assert_int_equal(options.count, 3);
  const struct us_plugin_entry *entry = options.entries;
  assert_str(entry[0].path, "/a.so");
  assert_int_equal(entry[0].priority, 0);
  assert_int_equal(entry[0].deadline_ms, 0);
  assert_false(entry[0].is_apart);
  assert_str(entry[0].config, "{}");
  assert_str(entry[1].path, "/b.so");
  assert_int_equal(entry[1].priority, -7);
  assert_int_equal(entry[1].deadline_ms, 50);
  assert_true(entry[1].is_apart);
  assert_str(entry[1].config, "{\"words\":[\"one\",2,true,null],\"deep\":{\"er\":\"3\"}}");
  assert_str(entry[2].config, "{}");
  assert_str(options.directory, "/d");
  assert_int_equal(options.deadline_ms, 9);
  assert_int_equal(options.threads, 3);
  assert_int_equal(options.queue, 17);
}

/* So that a configuration and its plugins can be moved together, and `usher serve` may be called from anywhere. */
static void paths_count_from_the_file(void **state) {
  struct place *p = *state;
  char text[256];
  struct us_plugin_options options =
      taken(p, "plugins: [{path: a.so}, {path: ../b.so}, {path: /c.so}]\nplugin: {directory: more}\n");
  snprintf(text, sizeof(text), "%s/a.so", p->folder);
  assert_str(options.entries[0].path, text);
  snprintf(text, sizeof(text), "%s/../b.so", p->folder);
  assert_str(options.entries[1].path, text);
  assert_str(options.entries[2].path, "/c.so");
  snprintf(text, sizeof(text), "%s/more", p->folder);
  assert_str(options.directory, text);
}

static void the_environment_wins(void **state) {
  setenv("USHER_PLUGIN_DIRECTORY", "/elsewhere", 1);
  setenv("USHER_PLUGIN_DEADLINE_MS", "123", 1);
  setenv("USHER_PLUGIN_THREADS", "2", 1);
  setenv("USHER_PLUGIN_QUEUE", "5", 1);
  struct us_plugin_options options = taken(*state, "plugin: {directory: /d, deadline_ms: 9}\n");
  unsetenv("USHER_PLUGIN_DIRECTORY");
  unsetenv("USHER_PLUGIN_DEADLINE_MS");
  unsetenv("USHER_PLUGIN_THREADS");
  unsetenv("USHER_PLUGIN_QUEUE");
  assert_str(options.directory, "/elsewhere");
  assert_int_equal(options.deadline_ms, 123);
  assert_int_equal(options.threads, 2);
  assert_int_equal(options.queue, 5);
}

static void what_is_wrong_is_said(void **state) {
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"plugins: [{priority: 1}]\n", "plugins[0].path: is required"},
      {"plugins: [{path: ''}]\n", "plugins[0].path"},
      {"plugins: [{path: \"a\\tb.so\"}]\n", "plugins[0].path"},
      {"plugins: [{path: a.so}, {path: b.so, priorty: 1}]\n", "plugins[1].priorty"},
      {"plugins: [{path: a.so, priority: 1000001}]\n", "plugins[0].priority"},
      {"plugins: [{path: a.so, priority: -1000001}]\n", "plugins[0].priority"},
      {"plugins: [{path: a.so, deadline_ms: 0}]\n", "plugins[0].deadline_ms"},
      {"plugins: [{path: a.so, deadline_ms: 3600001}]\n", "plugins[0].deadline_ms"},
      {"plugins: [{path: a.so, process: maybe}]\n", "plugins[0].process"},
      {"plugins: [{path: a.so, config: [1]}]\n", "plugins[0].config: must be a mapping"},
      {"plugins: [{path: a.so}, {path: b.so, config: text}]\n", "plugins[1].config: must be a mapping"},
      {"plugins: a.so\n", "plugins"},
      {"plugin: {directory: ''}\n", "plugin.directory"},
      {"plugin: {folder: x}\n", "plugin.folder"},
      {"plugin: {deadline_ms: 0}\n", "plugin.deadline_ms"},
      {"plugin: {threads: 0}\n", "plugin.threads"},
      {"plugin: {threads: 65}\n", "plugin.threads"},
      {"plugin: {queue: 0}\n", "plugin.queue"},
      {"plugin: {queue: 100001}\n", "plugin.queue"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    assert_refused(*state, cases[i].text, cases[i].says);
}

/* 64 KiB of JSON text, and one byte more. */
static void a_plugins_own_part_has_a_limit(void **state) {
  static char text[US_PLUGIN_CONFIG_MAX_BYTES + 100];
  size_t n = US_PLUGIN_CONFIG_MAX_BYTES - strlen("{\"a\":\"\"}");
  int begin = snprintf(text, sizeof(text), "plugins: [{path: a.so, config: {a: '");
  memset(text + begin, 'x', n + 1);
  strcpy(text + begin + n, "'}}]\n");
  assert_int_equal(taken(*state, text).entries[0].config.n, US_PLUGIN_CONFIG_MAX_BYTES);
  text[begin + n] = 'x';
  strcpy(text + begin + n + 1, "'}}]\n");
  assert_refused(*state, text, "plugins[0].config: is larger than 65536 bytes");
}

static void there_are_at_most_64(void **state) {
  char text[4096] = "plugins:\n";
  for (int i = 0; i < US_PLUGINS_MAX; i++)
    strcat(text, "  - {path: a.so}\n");
  assert_int_equal(taken(*state, text).count, US_PLUGINS_MAX);
  strcat(text, "  - {path: a.so}\n");
  assert_refused(*state, text, "plugins: must have at most 64");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE_TEST(without_a_word_about_plugins_there_are_none),
      PLACE_TEST(every_member_arrives),
      PLACE_TEST(paths_count_from_the_file),
      PLACE_TEST(the_environment_wins),
      PLACE_TEST(what_is_wrong_is_said),
      PLACE_TEST(a_plugins_own_part_has_a_limit),
      PLACE_TEST(there_are_at_most_64),
  };
  return UNIT_RUN(tests);
}
