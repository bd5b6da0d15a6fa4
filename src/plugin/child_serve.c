/* The child's side of a plugin in a process of its own: see child.h. It has a thread a lane, one plugin, and the server's own host. */
#include "plugin/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "plugin/host.h"
#include "plugin/load.h"

struct serving {
  struct us_plugins plugins;
  struct us_plugin plugin;
  char *config;
  bool is_open;
};

static bool answer(int fd, json_t *tree) {
  char *text = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
  json_decref(tree);
  bool is_sent = text && us_frame_send(fd, us_str_c(text), INT64_MAX);
  free(text);
  return is_sent;
}

static json_t *hello_of(const struct us_plugin *plugin) {
  return json_pack("{s:s, s:s, s:i, s:i, s:I, s:b, s:b}", "name", plugin->abi.name, "version", plugin->abi.version,
                   "major", plugin->abi.abi_major, "minor", plugin->abi.abi_minor, "methods",
                   (json_int_t)plugin->methods, "reloads", plugin->abi.reload != NULL, "delivers",
                   plugin->abi.deliver != NULL);
}

/* open and reload alike */
static json_t *configure(struct serving *s, const json_t *question, bool is_reload) {
  char *config = strdup(json_string_value(json_object_get(question, "config")));
  struct us_str before = s->plugin.config;
  if (!config)
    return json_pack("{s:i}", "result", USHER_FAIL);
  pthread_rwlock_wrlock(&s->plugin.is_running); /* the server has seen to it that nothing runs; not every lane knows */
  s->plugin.config = us_str_c(config);
  int code = us_plugin_configure(&s->plugin, is_reload);
  if (code == USHER_OK) {
    free(s->config);
    s->config = config;
    s->is_open = true;
    us_plugins_index(&s->plugins);
  } else {
    s->plugin.config = before;
    free(config);
  }
  pthread_rwlock_unlock(&s->plugin.is_running);
  if (code != USHER_OK)
    return json_pack("{s:i}", "result", code);
  return json_pack("{s:i, s:I, s:I}", "result", USHER_OK, "methods", (json_int_t)s->plugin.methods, "events",
                   (json_int_t)s->plugin.events);
}

static json_t *ask(struct serving *s, const json_t *question) {
  void *mem = us_mem_root_new(0, US_SCOPE_MEM_MAX_BYTES);
  struct us_hook_watch watch = {0};
  struct us_ask ask = {0};
  json_t *result = NULL;
  /* a file that was replaced since may lack the method: then nobody was asked */
  if (mem && us_ask_from_json(question, mem, &ask) && us_plugin_has(&s->plugin, ask.hook)) {
    if (!us_hook_is_after(ask.hook)) /* these come one by one */
      s->plugin.deadline_ms = json_integer_value(json_object_get(question, "left_ms"));
    us_hooks_ask(&s->plugins, &ask, mem, &watch);
    result = us_ask_result_to_json(&ask, mem);
  }
  us_ask_done(&ask);
  us_mem_free(mem);
  return result;
}

static json_t *deliver(struct serving *s, const json_t *question) {
  const json_t *event = json_object_get(question, "event");
  struct us_scope scope;
  pthread_rwlock_rdlock(&s->plugin.is_running);
  us_scope_enter(&scope, &s->plugin, INT64_MAX, NULL);
  int code =
      s->plugin.abi.deliver(s->plugin.self, (struct usher_str){json_string_value(event), json_string_length(event)});
  us_scope_leave(&scope);
  pthread_rwlock_unlock(&s->plugin.is_running);
  return json_pack("{s:i}", "result", code);
}

static json_t *close_plugin(struct serving *s) {
  struct us_scope scope;
  us_scope_enter(&scope, &s->plugin, INT64_MAX, NULL);
  if (s->is_open)
    s->plugin.abi.close(s->plugin.self);
  us_scope_leave(&scope);
  s->is_open = false;
  return json_pack("{s:i}", "result", USHER_OK);
}

static json_t *serve(struct serving *s, const json_t *question) {
  const char *what = json_string_value(json_object_get(question, "do"));
  if (what && strcmp(what, "ask") == 0)
    return ask(s, question);
  if (what && strcmp(what, "deliver") == 0)
    return deliver(s, question);
  if (what && strcmp(what, "open") == 0)
    return configure(s, question, false);
  if (what && strcmp(what, "reload") == 0)
    return configure(s, question, true);
  if (what && strcmp(what, "close") == 0)
    return close_plugin(s);
  return NULL;
}

/* As the server's own does. */
static void take_log(const json_t *log) {
  us_log_setup((enum us_log_level)json_integer_value(json_array_get(log, 0)),
               (enum us_log_format)json_integer_value(json_array_get(log, 1)), STDERR_FILENO);
}

/* False: it was the last. */
static bool serve_one(struct serving *s, int fd) {
  struct us_str text;
  if (!us_frame_receive(fd, INT64_MAX, &text))
    return false;
  json_t *question = json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
  free((char *)(uintptr_t)text.p);
  take_log(json_object_get(question, "log"));
  json_t *result = serve(s, question);
  if (!result)
    result = json_pack("{s:i}", "result", USHER_FAIL);
  json_object_set(result, "id", json_object_get(question, "id"));
  const char *what = json_string_value(json_object_get(question, "do"));
  bool is_last = what && strcmp(what, "close") == 0;
  bool is_sent = answer(fd, result);
  json_decref(question);
  return is_sent && !is_last;
}

struct lane {
  struct serving *serving;
  int fd;
  pthread_t thread;
};

static void *serve_lane(void *self) {
  struct lane *lane = self;
  while (serve_one(lane->serving, lane->fd))
    continue;
  return NULL;
}

/* Until the server closes the plugin, or its end of the first lane. The others end with it. */
static void serve_lanes(struct serving *s) {
  struct lane lanes[US_CHILD_LANES];
  int n = 0;
  bool has_all = true;
  for (; n < US_CHILD_LANES && has_all; n += has_all) {
    lanes[n] = (struct lane){.serving = s, .fd = US_CHILD_FD + n};
    has_all = n == US_CHILD_ASKS || pthread_create(&lanes[n].thread, NULL, serve_lane, &lanes[n]) == 0;
  }
  if (has_all && answer(US_CHILD_FD, hello_of(&s->plugin)))
    serve_lane(&lanes[US_CHILD_ASKS]);
  while (--n > US_CHILD_ASKS) {
    shutdown(lanes[n].fd, SHUT_RDWR);
    pthread_join(lanes[n].thread, NULL);
  }
}

/* When the server is gone so is this, also in the middle of a method. PR_SET_PDEATHSIG would be about the one thread that started it. */
static void *watch_server(void *unused) {
  struct pollfd server = {.fd = US_CHILD_FD};
  while (poll(&server, 1, -1) < 0 && errno == EINTR)
    continue;
  _exit(unused != NULL);
}

/* It leaves no image of itself, which may hold what others trusted the server with. */
static bool settle_in(void) {
  /* Whoever stops or reloads the server may reach all of its processes; it is the server that says when this one ends. */
  static const int not_ours[] = {SIGTERM, SIGHUP, SIGINT, SIGPIPE};
  const struct rlimit none = {0, 0};
  for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
    signal(not_ours[i], SIG_IGN);
  for (int fd = US_CHILD_FD; fd < US_CHILD_FD + US_CHILD_LANES; fd++) /* not for what the plugin starts itself */
    fcntl(fd, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  setrlimit(RLIMIT_CORE, &none);
  pthread_t watch;
  return pthread_create(&watch, NULL, watch_server, NULL) == 0 && pthread_detach(watch) == 0;
}

int us_child_serve(const char *path) {
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES)};
  struct serving s = {.plugins = {.v = &s.plugin, .n = 1, .is_silent = true}};
  if (!cx.mem || !settle_in()) {
    us_mem_free(cx.mem);
    return 1;
  }
  if (us_plugin_open_file(&cx, us_str_c(path), &s.plugin) != US_OK) {
    answer(US_CHILD_FD, json_pack("{s:s%}", "refused", cx.err.text.p, cx.err.text.n));
    us_mem_free(cx.mem);
    return 1;
  }
  pthread_rwlock_init(&s.plugin.is_running, NULL);
  us_plugins_index(&s.plugins);
  serve_lanes(&s);
  us_plugin_close_file(&s.plugin);
  free(s.config);
  us_mem_free(cx.mem);
  return 0;
}
