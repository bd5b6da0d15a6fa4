/* `usher plugin`: what files offer, and what a configuration would load. Nothing is opened: no code of a plugin runs but usher_plugin(). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/config.h"
#include "base/mem.h"
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

static int check(struct us_cx *cx, const char *file, bool is_json) {
  struct us_plugin plugin;
  if (us_plugin_open_file(cx, us_str_c(file), &plugin) != US_OK)
    return us_command_failed(cx);
  if (is_json) {
    print_json(&plugin);
    printf("\n");
  } else {
    print_text(&plugin);
  }
  us_plugin_close_file(&plugin);
  return 0;
}

static int list(struct us_cx *cx, const char *file, bool is_json) {
  struct us_config config;
  struct us_app_options options;
  struct us_plugins *plugins = NULL;
  if (us_config_read(cx, file, &config) != US_OK || us_config_options(cx, file, &config, &options) != US_OK ||
      us_plugins_load(cx, &options.plugins, false, &plugins) != US_OK)
    return us_command_failed(cx);
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
  us_plugins_free(plugins);
  return 0;
}

static int run(const struct us_command *command, const struct us_arguments *arguments, const char *config,
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
    code = is_list ? list(&cx, config, is_json) : check(&cx, arguments->v[1], is_json);
  us_mem_free(cx.mem);
  return code;
}

int us_cmd_plugin(const struct us_command *command, int argc, char **argv) {
  const char *config = NULL;
  bool is_json = false;
  struct us_arguments arguments;
  const struct us_option options[] = {
      {"config", "FILE", "list: the configuration of the server", &config, NULL},
      {"json", NULL, "print JSON instead of text", NULL, &is_json},
  };
  int code = us_options_parse(command, options, 2, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return run(command, &arguments, config, is_json);
}
