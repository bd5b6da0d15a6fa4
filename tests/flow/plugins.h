/* Words of the stories about plugins: plugins that are part of the test, loaded without a file. */
#ifndef USHER_FLOW_PLUGINS_H
#define USHER_FLOW_PLUGINS_H

#include "flow/crest.h"
#undef PHOTO /* uma.h has another one */
#include "flow/uma.h"

#include "plugin/host.h"
#include "plugin/runner.h"

#define LOADED_MAX 4
static struct us_plugin loaded[LOADED_MAX];
static struct us_plugins plugins;
static const struct usher_host *host;

/* What plugins noted, in order: "name:method;name:method;" */
static char noted[8192];
static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER;
static inline void note_call(const char *what) {
  pthread_mutex_lock(&noting);
  size_t n = strlen(noted);
  snprintf(noted + n, sizeof(noted) - n, "%s;", what);
  pthread_mutex_unlock(&noting);
}

/* Loads a plugin for the world. The first call of a story begins anew. `flags`: 0 or USHER_QUICK. */
static inline struct us_plugin *load(struct us_world *w, struct usher_plugin abi, int64_t priority) {
  struct us_plugin *plugin = &loaded[plugins.n];
  assert_true(plugins.n < LOADED_MAX);
  host = us_host();
  *plugin =
      (struct us_plugin){.abi = abi, .priority = priority, .config = US_STR("{}"), .deadline_ms = US_HOOK_DEADLINE_MS};
  pthread_rwlock_init(&plugin->is_running, NULL);
  us_plugin_index(plugin, false);
  us_plugin_index(plugin, true);
  plugins.v = loaded;
  plugins.n++;
  us_plugins_index(&plugins);
  us_world_services(w)->plugins = &plugins;
  return plugin;
}

static inline int plugins_setup(void **state) {
  memset(loaded, 0, sizeof(loaded));
  memset(&plugins, 0, sizeof(plugins));
  noted[0] = '\0';
  *state = us_world_new();
  return 0;
}
static inline int plugins_teardown(void **state) {
  bool has_ended = us_hook_runner_free(plugins.runner);
  us_world_free(*state);
  for (size_t i = 0; i < plugins.n; i++)
    pthread_rwlock_destroy(&loaded[i].is_running);
  return has_ended ? 0 : -1;
}
#define PLUGIN_STORY(test) cmocka_unit_test_setup_teardown(test, plugins_setup, plugins_teardown)

/* Text of a JSON string at a pointer of a document; for comparing. */
static inline const char *text_at(struct usher_str json) {
  return host->json_text(json).p;
}

#endif
