/* Words of the stories about plugins that are files: where the build put them, and loading them into the world. */
#ifndef USHER_FLOW_PLUGIN_FILES_H
#define USHER_FLOW_PLUGIN_FILES_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "flow/plugins.h"
#include "plugin/load.h"

/* A file of the build: this program is BUILD/tests/flow/X. */
static inline const char *built(struct us_world *w, const char *path) {
  char self[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
  assert_true(n > 0);
  for (int i = 0; i < 3; i++) {
    while (self[n - 1] != '/')
      n--;
    n--;
  }
  return us_text(w, "%.*s/%s", (int)n, self, path);
}

/* Copies a file of the build, to do something to it. */
static inline const char *copy_of(struct us_world *w, const char *path, const char *folder, const char *name) {
  const char *to = us_text(w, "%s/%s", folder, name);
  FILE *in = fopen(built(w, path), "rb"), *out = fopen(to, "wb");
  char bytes[65536];
  size_t n;
  assert_true(in && out);
  while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
    assert_int_equal(fwrite(bytes, 1, n, out), n);
  fclose(in);
  assert_int_equal(fclose(out), 0);
  chmod(to, 0755);
  return to;
}
static inline const char *temporary_folder(struct us_world *w) {
  char folder[] = "/tmp/usher-plugins-XXXXXX";
  assert_non_null(mkdtemp(folder));
  return us_text(w, "%s", folder);
}

static struct us_plugins *from_files;
static inline enum us_code try_file(struct us_world *w, const char *path, const char *config, struct us_cx *cx) {
  struct us_plugin_entry entry = {.path = us_str_c(built(w, path)), .config = us_str_c(us_text(w, "%s", config))};
  struct us_plugin_options options = {.entries = &entry, .count = 1};
  return us_plugins_load(cx, &options, true, &from_files);
}
/* Loads one for the world; plugins_done() must follow. */
static inline void load_file(struct us_world *w, const char *path, const char *config) {
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
  if (try_file(w, path, config, &cx) != US_OK)
    fail_msg("%.*s", US_STR_ARG(cx.err.text));
  us_mem_free(cx.mem);
  host = us_host();
  us_world_services(w)->plugins = from_files;
}
static inline int files_setup(void **state) {
  from_files = NULL;
  *state = us_world_new();
  return 0;
}
static inline int files_teardown(void **state) {
  us_plugins_free(from_files);
  us_world_free(*state);
  return 0;
}
#define FILE_STORY(test) cmocka_unit_test_setup_teardown(test, files_setup, files_teardown)

/* Until all deeds are told. */
static inline void wait_told(void) {
  while (us_hook_runner_counters(from_files->runner).telling > 0)
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

/* The log from here on goes into a file; log_taken() is what it holds, and ends that. */
static FILE *log_file;
static inline void log_take(void) {
  log_file = tmpfile();
  assert_non_null(log_file);
  us_log_setup(US_LOG_INFO, US_LOG_LOGFMT, fileno(log_file));
}
static inline const char *log_taken(struct us_world *w) {
  char text[16384];
  us_log_setup(US_LOG_OFF, US_LOG_LOGFMT, 2);
  rewind(log_file);
  text[fread(text, 1, sizeof(text) - 1, log_file)] = '\0';
  fclose(log_file);
  return us_text(w, "%s", text);
}

#endif
