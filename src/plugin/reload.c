/* A new configuration for plugins that run: see load.h. */
#include "plugin/load.h"

#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "plugin/child.h"
#include "plugin/host.h"
#include "plugin/runner.h"

static const struct us_plugin_entry *find_entry(const struct us_plugin_options *options, struct us_str path) {
  for (size_t i = 0; i < options->count; i++)
    if (us_str_eq(options->entries[i].path, path))
      return &options->entries[i];
  return NULL;
}

/* A method that hangs must not hold up whoever reloads: that is who also waits for the signal to stop. */
static bool hold_methods(struct us_plugin *plugin) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += US_HOOK_STOP_MS / 1000;
  return pthread_rwlock_timedwrlock(&plugin->is_running, &until) == 0;
}

/* The new text is there before the methods are held up. */
static void reload(void *mem, struct us_plugin *plugin, struct us_str config) {
  struct us_str copy = us_str_dup(mem, config), before = plugin->config;
  if (!copy.p) {
    us_log(US_LOG_ERROR, "plugin", "%s goes on as it was: no memory", plugin->abi.name);
    return;
  }
  if (!hold_methods(plugin)) {
    us_log(US_LOG_ERROR, "plugin", "%s goes on as it was: a method of it does not come back", plugin->abi.name);
    us_mem_free((void *)(uintptr_t)copy.p);
    return;
  }
  plugin->config = copy;
  int result = us_plugin_configure(plugin, true);
  if (result != USHER_OK)
    plugin->config = before;
  pthread_rwlock_unlock(&plugin->is_running);
  if (result == USHER_OK)
    us_log(US_LOG_INFO, "plugin", "%s took its configuration anew", plugin->abi.name);
  else
    us_log(US_LOG_ERROR, "plugin", "%s goes on as it was: reload returned %d", plugin->abi.name, result);
  us_mem_free((void *)(uintptr_t)(result == USHER_OK ? before.p : copy.p));
}

/* What waits for the next start is said, or somebody would rely on it. */
static void say_unchanged(const struct us_plugin *plugin, const struct us_plugin_entry *entry,
                          const struct us_plugin_options *options) {
  if (!entry) {
    if (options->directory.n == 0 || !us_str_starts(plugin->path, options->directory))
      us_log(US_LOG_WARN, "plugin", "%s goes on, although it is not named any more: until the next start",
             plugin->abi.name);
    return;
  }
  if (!plugin->reloads && !us_str_eq(plugin->config, entry->config))
    us_log(US_LOG_WARN, "plugin",
           "%s goes on as it was: it does not reload, and its new configuration waits for a start", plugin->abi.name);
  if (plugin->priority != entry->priority || plugin->deadline_ms != us_plugin_deadline_ms(entry, options) ||
      (plugin->child != NULL) != entry->is_apart)
    us_log(US_LOG_WARN, "plugin", "%s: its priority, deadline_ms and process change with the next start",
           plugin->abi.name);
}

static void say_new(const struct us_plugins *plugins, const struct us_plugin_options *options) {
  for (size_t i = 0; i < options->count; i++) {
    bool is_loaded = false;
    for (size_t k = 0; plugins && k < plugins->n; k++)
      is_loaded = is_loaded || us_str_eq(plugins->v[k].path, options->entries[i].path);
    if (!is_loaded)
      us_log(US_LOG_WARN, "plugin", "%.*s is not loaded: plugins come with a start",
             US_STR_ARG(options->entries[i].path));
  }
}

void us_plugins_reload(struct us_plugins *plugins, const struct us_plugin_options *options) {
  for (size_t i = 0; plugins && i < plugins->n; i++) {
    struct us_plugin *plugin = &plugins->v[i];
    const struct us_plugin_entry *entry = find_entry(options, plugin->path);
    say_unchanged(plugin, entry, options);
    if (plugin->reloads)
      reload(plugins->mem, plugin, entry ? entry->config : plugin->config);
  }
  say_new(plugins, options);
  if (plugins)
    us_plugins_index(plugins);
}
