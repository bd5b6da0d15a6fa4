/*
 * `usher plugin`: what files offer, and what a configuration would load. No code of a plugin runs but usher_plugin() and what a library
 * does by itself when it is loaded; with --open, plugins are also started and closed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/config.h"
#include "base/log.h"
#include "base/mem.h"
#include "plugin/host.h"
#include "json/write.h"

static void print_json(const struct us_plugin *plugin) {
  struct us_buf out;
  struct us_json_writer w;
  us_buf_init(&out, 64 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_member(&w, "name", us_str_c(plugin->abi.name));
  us_json_member(&w, "version", us_str_c(plugin->abi.version));
  us_json_member_i64(&w, "priority", plugin->priority);
  us_json_member_i64(&w, "abiMajor", plugin->abi.abi_major);
  us_json_member_i64(&w, "abiMinor", plugin->abi.abi_minor);
  us_json_name(&w, "quick");
  us_json_bool(&w, (plugin->abi.flags & USHER_QUICK) != 0);
  us_json_name(&w, "process");
  us_json_bool(&w, plugin->child != NULL);
  us_json_name(&w, "reloads");
  us_json_bool(&w, plugin->reloads);
  us_json_name(&w, "delivers");
  us_json_bool(&w, plugin->delivers);
  us_json_member(&w, "file", plugin->path);
  us_json_name(&w, "methods");
  us_json_open(&w, '[');
  for (int hook = 0; hook < US_HOOK_COUNT; hook++)
    if (us_plugin_has(plugin, hook))
      us_json_c(&w, us_hook_name(hook));
  us_json_close(&w, ']');
  us_json_close(&w, '}');
  printf("%.*s", US_STR_ARG(us_buf_str(&out)));
  us_buf_done(&out);
}

static void print_text(const struct us_plugin *plugin) {
  printf("%s %s\n  file      %.*s\n  priority  %" PRId64 "\n  abi       %u.%u%s%s%s%s\n", plugin->abi.name,
         plugin->abi.version, US_STR_ARG(plugin->path), plugin->priority, plugin->abi.abi_major, plugin->abi.abi_minor,
         plugin->abi.flags & USHER_QUICK ? ", quick" : "", plugin->reloads ? ", reloads" : "",
         plugin->delivers ? ", delivers" : "", plugin->child ? ", in a process of its own" : "");
  for (int hook = 0; hook < US_HOOK_COUNT; hook++)
    if (us_plugin_has(plugin, hook))
      printf("  method    %s\n", us_hook_name(hook));
}

static void print_all(const struct us_plugins *plugins, bool is_json) {
  if (is_json)
    printf("[");
  for (size_t i = 0; plugins && i < plugins->n; i++) {
    if (is_json && i > 0)
      printf(",");
    if (is_json)
      print_json(&plugins->v[i]);
    else
      print_text(&plugins->v[i]);
  }
  if (is_json)
    printf("]\n");
}

/* What it would load, in the order of calling; opened: what each has use for, and what open() refuses. */
static int look(struct us_cx *cx, const struct us_plugin_options *options, bool opens, bool is_one, bool is_json) {
  struct us_plugins *plugins = NULL;
  us_log_setup(US_LOG_WARN, US_LOG_LOGFMT, 2); /* what a plugin says about its start, if it is not all well */
  us_host_set_clock(&us_clock_system);
  if (us_plugins_load(cx, options, opens, &plugins) != US_OK)
    return us_command_failed(cx);
  if (is_one && is_json) {
    print_json(&plugins->v[0]);
    printf("\n");
  } else {
    print_all(plugins, is_json);
  }
  us_plugins_free(plugins);
  return 0;
}

static int check(struct us_cx *cx, const char *file, bool opens, bool is_json) {
  struct us_plugin_entry entry = {.path = us_str_c(file), .config = US_STR("{}")};
  struct us_plugin_options options = {.entries = &entry, .count = 1};
  return look(cx, &options, opens, true, is_json);
}

static int list(struct us_cx *cx, const char *file, bool opens, bool is_json) {
  struct us_config config;
  struct us_app_options options;
  if (us_config_read(cx, file, &config) != US_OK || us_config_options(cx, file, &config, &options) != US_OK)
    return us_command_failed(cx);
  return look(cx, &options.plugins, opens, false, is_json);
}

static int run(const struct us_command *command, const struct us_arguments *arguments, const char *config, bool opens,
               bool is_json) {
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .now_ms = us_clock_now_ms(&us_clock_system)};
  bool is_list = arguments->n > 0 && strcmp(arguments->v[0], "list") == 0;
  bool is_check = arguments->n > 0 && strcmp(arguments->v[0], "check") == 0;
  int code = 1;
  if (!is_list && !is_check)
    code = us_command_misused(command, "say `list --config FILE` or `check FILE`");
  else if (is_list && (config == NULL || arguments->n != 1))
    code = us_command_misused(command, "list takes --config FILE and nothing else");
  else if (is_check && (config != NULL || arguments->n != 2))
    code = us_command_misused(command, "check takes one FILE");
  else if (cx.mem != NULL)
    code = is_list ? list(&cx, config, opens, is_json) : check(&cx, arguments->v[1], opens, is_json);
  us_mem_free(cx.mem);
  return code;
}

int us_cmd_plugin(const struct us_command *command, int argc, char **argv) {
  const char *config = NULL;
  bool opens = false, is_json = false;
  struct us_arguments arguments;
  const struct us_option options[] = {
      {"config", "FILE", "list: the configuration of the server", &config, NULL},
      {"open", NULL, "start the plugins as the server does, and close them again", NULL, &opens},
      {"json", NULL, "print JSON instead of text", NULL, &is_json},
  };
  int code = us_options_parse(command, options, 3, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return run(command, &arguments, config, opens, is_json);
}
