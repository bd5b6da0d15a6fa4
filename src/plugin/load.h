/*
 * Loading plugins: from what the configuration names and what lies in the plugin directory, to struct us_plugins in the order of
 * calling. What is wrong with a file is one sentence that names it, in cx->err.text.
 *
 * A plugin is code that runs as the server, so its file is held to what a server's own binary is: a regular file that belongs to root or
 * to the user who runs the server and that nobody else may write; nor may they write the folder in which it is named, or in which it
 * lies. What was checked is what is loaded: both happen to one open file. docs/adr/0032.
 */
#ifndef USHER_PLUGIN_LOAD_H
#define USHER_PLUGIN_LOAD_H

#include "plugin/hooks.h"

#define US_PLUGINS_MAX 64
#define US_PLUGIN_CONFIG_MAX_BYTES (64 * 1024)

struct us_plugin_entry {
  struct us_str path;
  int64_t priority;
  struct us_str config; /* JSON object as text */
  int64_t deadline_ms;  /* 0: that of the options */
  bool is_apart;        /* in a process of its own (child.h) */
};
struct us_plugin_options {
  const struct us_plugin_entry *entries;
  size_t count;
  struct us_str directory; /* every *.so in it that no entry names, with priority 0 and {}; absent: none */
  int64_t deadline_ms;     /* of each before method; 0: US_HOOK_DEADLINE_MS */
  unsigned threads;        /* 0: US_HOOK_THREADS */
  size_t queue;            /* 0: US_HOOK_QUEUE_MAX */
};

bool us_plugin_is_name(const char *name); /* NULL is none */
/* Opens a file far enough to read its descriptor: checked, copied, not open()ed. us_plugin_close_file() when done. */
enum us_code us_plugin_open_file(struct us_cx *cx, struct us_str path, struct us_plugin *ret_plugin) US_MUST_CHECK;
void us_plugin_close_file(struct us_plugin *plugin);

/* open() or reload() with plugin->config, here or in the plugin's own process: what it returned. Nothing else of the plugin may run. */
int us_plugin_configure(struct us_plugin *plugin, bool is_reload);

/* Loads and orders them all. `starts`: open() is called, and threads are started when there is something for them; otherwise only
 * descriptors are read (for listing). *ret_plugins is NULL when there are none. */
enum us_code us_plugins_load(struct us_cx *cx, const struct us_plugin_options *options, bool starts,
                             struct us_plugins **ret_plugins) US_MUST_CHECK;
/* Gives each plugin that has reload() its configuration of now; what is no longer named keeps the one it has. What a plugin does not take
 * is told in the log; it goes on as it was. Plugins that came or went, priorities and deadlines need a restart, which the log says too.
 * `plugins` may be NULL. */
void us_plugins_reload(struct us_plugins *plugins, const struct us_plugin_options *options);
/* Of each before method. */
int64_t us_plugin_deadline_ms(const struct us_plugin_entry *entry, const struct us_plugin_options *options);
/* Tells what waits to be told, then closes in reverse order. What hangs is left alone. Accepts NULL. */
void us_plugins_free(struct us_plugins *plugins);

#endif
