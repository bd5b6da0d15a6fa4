/* Loading plugins: see load.h. */
#include "plugin/load.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "plugin/child.h"
#include "plugin/host.h"
#include "plugin/runner.h"

/* The plugins with their room. */
struct loaded {
  struct us_plugins plugins; /* first */
  struct us_plugin list[US_PLUGINS_MAX];
  bool is_started;
};

/* ---- One file ---- */

#define OWN_PATH_BYTES 64

/* What was opened, whatever lies under its name by now. */
static const char *own_path_of(int fd, char text[OWN_PATH_BYTES]) {
  snprintf(text, OWN_PATH_BYTES, "/proc/self/fd/%d", fd);
  return text;
}

static enum us_code refuse(struct us_cx *cx, struct us_str path, const char *why) {
  return us_fail(cx, US_E_INVALID_REQUEST, "plugin %.*s: %s", US_STR_ARG(path), why);
}

/* What a server runs must be nobody else's to change. NULL: it is not. */
static const char *why_unsafe(const struct stat *st) {
  bool keeps_files = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0; /* as /tmp does: each its owner's */
  if (st->st_uid != 0 && st->st_uid != geteuid())
    return "belongs neither to root nor to the user who runs the server";
  if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !keeps_files)
    return "may be written by others than its owner; chmod go-w it";
  return NULL;
}

/* Who may write a folder may put another file in the place of this one. `file`: as it is named, or where that leads by links. */
static enum us_code check_folder(struct us_cx *cx, struct us_str path, const char *file) {
  const char *slash = strrchr(file, '/');
  struct us_str folder =
      slash == NULL ? US_STR(".") : (struct us_str){file, slash == file ? 1 : (size_t)(slash - file)};
  const char *name = us_str_cdup(cx->mem, folder);
  struct stat st;
  if (!name)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  const char *why = stat(name, &st) == 0 ? why_unsafe(&st) : "cannot be looked at";
  return why ? us_fail(cx, US_E_INVALID_REQUEST, "plugin %.*s: its folder %s %s", US_STR_ARG(path), name, why) : US_OK;
}

static enum us_code check_file(struct us_cx *cx, struct us_str path, const char *name, int fd) {
  char own_path[OWN_PATH_BYTES], target[4096];
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return refuse(cx, path, "is not a regular file");
  const char *why = why_unsafe(&st);
  if (why)
    return refuse(cx, path, why);
  US_TRY(check_folder(cx, path, name));
  ssize_t n = readlink(own_path_of(fd, own_path), target, sizeof(target) - 1);
  if (n <= 0)
    return refuse(cx, path, "cannot be looked at");
  target[n] = '\0';
  return check_folder(cx, path, target);
}

/* *ret_fd stays open as long as the plugin is loaded: the library is known by that path, and no other must get it. */
static enum us_code open_checked(struct us_cx *cx, struct us_str path, int *ret_fd) {
  const char *name = us_str_cdup(cx->mem, path);
  if (!name)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return us_fail(cx, US_E_INVALID_REQUEST, "plugin %.*s: cannot be read: %s", US_STR_ARG(path), strerror(errno));
  enum us_code code = check_file(cx, path, name, fd);
  if (code == US_OK)
    *ret_fd = fd;
  else
    close(fd);
  return code;
}

#define SIZE_UP_TO(member) (offsetof(struct usher_plugin, member) + sizeof(((struct usher_plugin *)0)->member))

bool us_plugin_is_name(const char *name) {
  size_t n = name ? strlen(name) : 0;
  return n > 0 && n <= US_PLUGIN_NAME_MAX_BYTES &&
         strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

static enum us_code check_descriptor(struct us_cx *cx, struct us_str path, const struct usher_plugin *abi) {
  if (abi->abi_major != USHER_ABI_MAJOR)
    return us_fail(cx, US_E_INVALID_REQUEST, "plugin %.*s: is made for ABI %u, and this server has ABI %d",
                   US_STR_ARG(path), abi->abi_major, USHER_ABI_MAJOR);
  if (abi->abi_minor > USHER_ABI_MINOR)
    return us_fail(cx, US_E_INVALID_REQUEST, "plugin %.*s: needs ABI %u.%u, and this server has %d.%d",
                   US_STR_ARG(path), abi->abi_major, abi->abi_minor, USHER_ABI_MAJOR, USHER_ABI_MINOR);
  if (!us_plugin_is_name(abi->name))
    return refuse(cx, path, "has no name of 1 to 64 letters, digits, dots, underscores and hyphens");
  if (!abi->version || abi->version[0] == '\0')
    return refuse(cx, path, "has no version");
  if (!abi->open)
    return refuse(cx, path, "lacks the required member open");
  if (!abi->close)
    return refuse(cx, path, "lacks the required member close");
  if ((abi->flags & ~USHER_QUICK) != 0)
    return refuse(cx, path, "has flags that this server does not know");
  return US_OK;
}

/* What lies beyond the plugin's own size is absent, and so is a member of which only a part lies within it. */
static size_t whole_members(size_t size) {
  static const size_t ends[] = {SIZE_UP_TO(before_query_resource_sets), SIZE_UP_TO(flags), SIZE_UP_TO(reload),
                                SIZE_UP_TO(deliver), SIZE_UP_TO(methods)};
  size_t n = 0;
  for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
    n = ends[i] <= size ? ends[i] : n;
  return n;
}
_Static_assert(SIZE_UP_TO(methods) == sizeof(struct usher_plugin), "a new member has a row in whole_members()");

static enum us_code read_descriptor(struct us_cx *cx, struct us_plugin *plugin) {
  const struct usher_plugin *(*entry)(void) = NULL;
  void *symbol = dlsym(plugin->library, "usher_plugin");
  if (!symbol)
    return refuse(cx, plugin->path, "does not export the function usher_plugin");
  memcpy(&entry, &symbol, sizeof(entry));
  const struct usher_plugin *abi = entry();
  if (!abi)
    return refuse(cx, plugin->path, "usher_plugin() returns no descriptor");
  if (abi->size < SIZE_UP_TO(before_query_resource_sets))
    return us_fail(cx, US_E_INVALID_REQUEST, "plugin %.*s: its descriptor has %u bytes, and the least is %zu",
                   US_STR_ARG(plugin->path), abi->size, SIZE_UP_TO(before_query_resource_sets));
  memcpy(&plugin->abi, abi, whole_members(abi->size));
  US_TRY(check_descriptor(cx, plugin->path, &plugin->abi));
  us_plugin_index(plugin, false);
  return US_OK;
}

/* A library may refuse to go, as some in C++ do. It keeps its number then, for whoever is loaded under it next would get this one. */
static bool is_gone(int fd) {
  char own_path[OWN_PATH_BYTES];
  void *still = dlopen(own_path_of(fd, own_path), RTLD_NOW | RTLD_NOLOAD);
  if (still)
    dlclose(still);
  return !still;
}

void us_plugin_close_file(struct us_plugin *plugin) {
  us_child_free(plugin->child);
  plugin->child = NULL;
  if (plugin->library)
    dlclose(plugin->library);
  if (plugin->fd >= 0 && (!plugin->library || is_gone(plugin->fd)))
    close(plugin->fd);
  plugin->library = NULL;
  plugin->fd = -1;
}

/* What dlopen() says, without the path that it was given instead of the file's. */
static const char *why_not(const char *own_path) {
  const char *text = dlerror();
  size_t n = strlen(own_path);
  if (!text)
    return "for no reason that is known";
  return strncmp(text, own_path, n) == 0 && strncmp(text + n, ": ", 2) == 0 ? text + n + 2 : text;
}

enum us_code us_plugin_open_file(struct us_cx *cx, struct us_str path, struct us_plugin *ret_plugin) {
  char own_path[OWN_PATH_BYTES];
  *ret_plugin = (struct us_plugin){.path = path, .fd = -1, .config = US_STR("{}")};
  US_TRY(open_checked(cx, path, &ret_plugin->fd));
  ret_plugin->library = dlopen(own_path_of(ret_plugin->fd, own_path), RTLD_NOW | RTLD_LOCAL);
  enum us_code code = ret_plugin->library ? read_descriptor(cx, ret_plugin)
                                          : us_fail(cx, US_E_INVALID_REQUEST, "plugin %.*s: cannot be loaded: %s",
                                                    US_STR_ARG(path), why_not(own_path));
  if (code != US_OK)
    us_plugin_close_file(ret_plugin);
  return code;
}

/* ---- All of them ---- */

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_named(const struct us_plugin_options *options, struct us_str path) {
  struct stat a, b;
  char left[4096], right[4096];
  snprintf(left, sizeof(left), "%.*s", US_STR_ARG(path));
  for (size_t i = 0; i < options->count; i++) {
    snprintf(right, sizeof(right), "%.*s", US_STR_ARG(options->entries[i].path));
    if (stat(left, &a) == 0 && stat(right, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
      return true;
  }
  return false;
}

/* Names of the *.so in it, sorted. One more than can be loaded is enough to say so. */
static enum us_code read_directory(struct us_cx *cx, struct us_str directory, const char **names, size_t *ret_count) {
  const char *path = us_str_cdup(cx->mem, directory);
  DIR *dir = path ? opendir(path) : NULL;
  size_t n = 0;
  if (!path)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (!dir)
    return us_fail(cx, US_E_INVALID_REQUEST, "plugin.directory: %s cannot be read: %s", path, strerror(errno));
  for (struct dirent *file = readdir(dir); file && n <= US_PLUGINS_MAX; file = readdir(dir)) {
    size_t length = strlen(file->d_name);
    if (length > 3 && strcmp(file->d_name + length - 3, ".so") == 0)
      names[n++] = us_str_cdup(cx->mem, us_str_c(file->d_name));
  }
  closedir(dir);
  if (us_mem_is_spent(cx->mem))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (n > US_PLUGINS_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "plugin.directory: %s holds more than %d plugins", path, US_PLUGINS_MAX);
  qsort(names, n, sizeof(names[0]), compare_names);
  *ret_count = n;
  return US_OK;
}

/* The entries of the options, and behind them one for each file of the directory. */
static enum us_code collect(struct us_cx *cx, const struct us_plugin_options *options, struct us_plugin_entry *entries,
                            size_t *ret_count) {
  size_t n = options->count, files = 0;
  const char *names[US_PLUGINS_MAX + 1];
  if (n > US_PLUGINS_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "plugins: more than %d", US_PLUGINS_MAX);
  for (size_t i = 0; i < n; i++)
    entries[i] = options->entries[i];
  if (options->directory.n > 0)
    US_TRY(read_directory(cx, options->directory, names, &files));
  for (size_t i = 0; i < files; i++) {
    struct us_str path = us_str_fmt(cx->mem, "%.*s/%s", US_STR_ARG(options->directory), names[i]);
    if (!path.p)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    if (is_named(options, path))
      continue;
    if (n == US_PLUGINS_MAX)
      return us_fail(cx, US_E_INVALID_REQUEST, "plugins: more than %d", US_PLUGINS_MAX);
    entries[n++] = (struct us_plugin_entry){.path = path, .config = US_STR("{}")};
  }
  *ret_count = n;
  return US_OK;
}

static int compare_plugins(const void *left, const void *right) {
  const struct us_plugin *a = left, *b = right;
  if (a->priority != b->priority)
    return a->priority < b->priority ? -1 : 1;
  return strcmp(a->abi.name, b->abi.name);
}

static enum us_code check_names(struct us_cx *cx, const struct us_plugins *plugins) {
  for (size_t i = 0; i < plugins->n; i++)
    for (size_t k = 0; k < i; k++)
      if (strcmp(plugins->v[i].abi.name, plugins->v[k].abi.name) == 0)
        return us_fail(cx, US_E_INVALID_REQUEST, "plugin %.*s: is named %s, as %.*s is", US_STR_ARG(plugins->v[i].path),
                       plugins->v[i].abi.name, US_STR_ARG(plugins->v[k].path));
  return US_OK;
}

int64_t us_plugin_deadline_ms(const struct us_plugin_entry *entry, const struct us_plugin_options *options) {
  if (entry->deadline_ms > 0)
    return entry->deadline_ms;
  return options->deadline_ms > 0 ? options->deadline_ms : US_HOOK_DEADLINE_MS;
}

static enum us_code read_all(struct us_cx *cx, struct loaded *l, const struct us_plugin_options *options,
                             const struct us_plugin_entry *entries, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const struct us_plugin_entry *entry = &entries[i];
    struct us_plugin *plugin = &l->list[l->plugins.n];
    struct us_str path = us_str_dup(l->plugins.mem, entry->path);
    US_TRY(entry->is_apart ? us_child_new(cx, path, plugin) : us_plugin_open_file(cx, path, plugin));
    plugin->priority = entry->priority;
    plugin->config = us_str_dup(l->plugins.mem, entry->config);
    plugin->deadline_ms = us_plugin_deadline_ms(entry, options);
    l->plugins.n++;
    if (!plugin->config.p || us_mem_is_spent(l->plugins.mem))
      return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  qsort(l->list, l->plugins.n, sizeof(l->list[0]), compare_plugins);
  return check_names(cx, &l->plugins);
}

int us_plugin_configure(struct us_plugin *plugin, bool is_reload) {
  struct us_scope scope;
  struct us_child_use use = {plugin->methods, plugin->events};
  int result;
  if (plugin->child) {
    result = is_reload ? us_child_reload(plugin->child, plugin->config, &use)
                       : us_child_open(plugin->child, plugin->config, &use);
    plugin->methods = use.methods;
    plugin->events = use.events;
    return result;
  }
  us_scope_enter(&scope, plugin, INT64_MAX, NULL);
  result = is_reload ? plugin->abi.reload(plugin->self, plugin->config.p)
                     : plugin->abi.open(us_host(), plugin->config.p, &plugin->self);
  if (result == USHER_OK)
    us_plugin_index(plugin, true); /* asks the plugin */
  us_scope_leave(&scope);
  return result;
}

static enum us_code open_plugin(struct us_cx *cx, struct us_plugin *plugin) {
  int result = us_plugin_configure(plugin, false);
  if (result != USHER_OK)
    return us_fail(cx, US_E_INVALID_REQUEST, "plugin %.*s: %s does not start: open returned %d",
                   US_STR_ARG(plugin->path), plugin->abi.name, result);
  return US_OK;
}

/* Methods come one after the other without a gap where there is much to do: a reload waits for those that run, not for a gap. */
static void init_lock(pthread_rwlock_t *lock) {
  pthread_rwlockattr_t kind;
  pthread_rwlockattr_init(&kind);
  pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(lock, &kind);
  pthread_rwlockattr_destroy(&kind);
}

static enum us_code start(struct us_cx *cx, struct loaded *l, const struct us_plugin_options *options) {
  size_t opened = 0;
  enum us_code code = US_OK;
  for (; opened < l->plugins.n && code == US_OK; opened += code == US_OK) {
    init_lock(&l->list[opened].is_running);
    code = open_plugin(cx, &l->list[opened]);
    if (code != US_OK)
      pthread_rwlock_destroy(&l->list[opened].is_running);
  }
  us_plugins_index(&l->plugins);
  if (code == US_OK && l->plugins.n > 0) {
    l->plugins.runner = us_hook_runner_new(&l->plugins, options->threads, options->queue);
    if (!l->plugins.runner)
      code = us_fail(cx, US_E_UNAVAILABLE, "the threads for plugins cannot be started");
  }
  l->is_started = true;
  if (code == US_OK)
    return US_OK;
  for (size_t i = opened; i < l->plugins.n; i++) /* not open: nothing to close but the file */
    us_plugin_close_file(&l->list[i]);
  l->plugins.n = opened;
  return code;
}

static void say_loaded(const struct us_plugins *plugins) {
  for (size_t i = 0; i < plugins->n; i++)
    us_log(US_LOG_INFO, "plugin", "%s %s is loaded from %.*s", plugins->v[i].abi.name, plugins->v[i].abi.version,
           US_STR_ARG(plugins->v[i].path));
}

enum us_code us_plugins_load(struct us_cx *cx, const struct us_plugin_options *options, bool starts,
                             struct us_plugins **ret_plugins) {
  struct us_plugin_entry *entries = US_NEW_ARRAY(cx->mem, struct us_plugin_entry, US_PLUGINS_MAX);
  size_t count = 0;
  *ret_plugins = NULL;
  if (!entries)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(collect(cx, options, entries, &count));
  if (count == 0)
    return US_OK;
  struct loaded *l = calloc(1, sizeof(*l));
  if (l)
    l->plugins.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES);
  if (!l || !l->plugins.mem) {
    free(l);
    return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  l->plugins.v = l->list;
  enum us_code code = read_all(cx, l, options, entries, count);
  if (code == US_OK && starts)
    code = start(cx, l, options);
  if (code != US_OK) {
    us_plugins_free(&l->plugins);
    return code;
  }
  us_plugins_index(&l->plugins);
  if (starts)
    say_loaded(&l->plugins);
  *ret_plugins = &l->plugins;
  return US_OK;
}

static void close_plugin(struct us_plugin *plugin) {
  struct us_scope scope;
  us_scope_enter(&scope, plugin, INT64_MAX, NULL);
  if (!plugin->child) /* a process is told by us_child_free() */
    plugin->abi.close(plugin->self);
  us_scope_leave(&scope);
  pthread_rwlock_destroy(&plugin->is_running);
}

void us_plugins_free(struct us_plugins *plugins) {
  struct loaded *l = (struct loaded *)plugins;
  if (!l)
    return;
  if (!us_hook_runner_free(plugins->runner))
    return; /* a plugin is still at it: what it stands on stays */
  for (size_t i = plugins->n; i-- > 0;) {
    if (l->is_started)
      close_plugin(&l->list[i]);
    us_plugin_close_file(&l->list[i]);
  }
  us_mem_free(l->plugins.mem);
  free(l);
}
