/* The part of the configuration about plugins: see config.h. Paths that are not absolute count from the file's folder. */
#include "app/config.h"

#include <string.h>

#include "base/mem.h"
#include "plugin/runner.h"
#include "json/json.h"

#define AT(member) offsetof(struct us_config, member)
#define IN_ENTRY(member) offsetof(struct us_config_plugin, member)
#define HOUR_MS (3600 * 1000)

static const struct us_field entry_fields[] = {
    {.name = "path",
     .kind = US_FIELD_STRING,
     .offset = IN_ENTRY(path),
     .flags = US_FIELD_REQUIRED | US_FIELD_NOT_EMPTY | US_FIELD_NO_CONTROLS,
     .max = 4096},
    {.name = "priority", .kind = US_FIELD_INT, .offset = IN_ENTRY(priority), .min = -1000000, .max = 1000000},
    {.name = "config", .kind = US_FIELD_JSON, .offset = IN_ENTRY(config), .max = US_PLUGIN_CONFIG_MAX_BYTES},
    {.name = "deadline_ms", .kind = US_FIELD_INT, .offset = IN_ENTRY(deadline_ms), .min = 1, .max = HOUR_MS},
    {.name = "process", .kind = US_FIELD_BOOL, .offset = IN_ENTRY(process)},
};
const struct us_field_table us_config_plugin_entry_table = {
    .size = sizeof(struct us_config_plugin), US_FIELDS(entry_fields), .refuse_unknown = true};

static const struct us_field plugin_fields[] = {
    {.name = "directory",
     .kind = US_FIELD_STRING,
     .offset = AT(plugin.directory),
     .flags = US_FIELD_NOT_EMPTY | US_FIELD_NO_CONTROLS,
     .max = 4096},
    {.name = "deadline_ms", .kind = US_FIELD_INT, .offset = AT(plugin.deadline_ms), .min = 1, .max = HOUR_MS},
    {.name = "threads", .kind = US_FIELD_INT, .offset = AT(plugin.threads), .min = 1, .max = 64},
    {.name = "queue", .kind = US_FIELD_INT, .offset = AT(plugin.queue), .min = 1, .max = 100000},
};
const struct us_field_table us_config_plugin_table = {
    .size = sizeof(struct us_config), US_FIELDS(plugin_fields), .refuse_unknown = true};

void us_config_plugins_defaults(struct us_config *config) {
  config->plugin.deadline_ms = US_HOOK_DEADLINE_MS;
  config->plugin.threads = US_HOOK_THREADS;
  config->plugin.queue = US_HOOK_QUEUE_MAX;
}

/* Beside the configuration file. */
static struct us_str place_of(struct us_cx *cx, const char *file, struct us_str path) {
  const char *slash = strrchr(file, '/');
  if (path.n == 0 || path.p[0] == '/' || slash == NULL)
    return path;
  return us_str_fmt(cx->mem, "%.*s/%.*s", (int)(slash - file), file, US_STR_ARG(path));
}

static enum us_code read_config(struct us_cx *cx, size_t i, json_t *config, struct us_str *ret_text) {
  *ret_text = US_STR("{}");
  if (config == NULL || json_is_null(config))
    return US_OK;
  if (!json_is_object(config))
    return us_fail(cx, US_E_INVALID_REQUEST, "plugins[%zu].config: must be a mapping", i);
  *ret_text = us_json_dump(cx, config);
  if (ret_text->p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (ret_text->n > US_PLUGIN_CONFIG_MAX_BYTES)
    return us_fail(cx, US_E_INVALID_REQUEST, "plugins[%zu].config: is larger than %d bytes", i,
                   US_PLUGIN_CONFIG_MAX_BYTES);
  return US_OK;
}

enum us_code us_config_plugins_options(struct us_cx *cx, const char *file, const struct us_config *config,
                                       struct us_plugin_options *ret_options) {
  const struct us_config_plugin *in = config->plugins.v;
  struct us_plugin_entry *entries = US_NEW_ARRAY(cx->mem, struct us_plugin_entry, config->plugins.n + 1);
  if (entries == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < config->plugins.n; i++) {
    entries[i] = (struct us_plugin_entry){.path = place_of(cx, file, in[i].path),
                                          .priority = in[i].priority,
                                          .deadline_ms = in[i].deadline_ms,
                                          .is_apart = in[i].process};
    US_TRY(read_config(cx, i, in[i].config, &entries[i].config));
  }
  *ret_options = (struct us_plugin_options){.entries = entries,
                                            .count = config->plugins.n,
                                            .directory = place_of(cx, file, config->plugin.directory),
                                            .deadline_ms = config->plugin.deadline_ms,
                                            .threads = (unsigned)config->plugin.threads,
                                            .queue = (size_t)config->plugin.queue};
  return us_mem_is_spent(cx->mem) ? us_fail_plain(cx, US_E_NO_MEMORY) : US_OK;
}
