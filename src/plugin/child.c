/* The server's side of a plugin in a process of its own: see child.h. */
#include "plugin/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "plugin/host.h"
#include "plugin/load.h"
#include "json/json.h"

const char *us_child_program = "/proc/self/exe";

struct us_child {
  pthread_mutex_t lock;
  pthread_cond_t free;
  bool is_busy;        /* one question at a time */
  char *path, *config; /* config NULL: not opened yet */
  char name[US_PLUGIN_NAME_MAX_BYTES + 1], version[128];
  pid_t pid; /* 0: none runs */
  int fd;
  int64_t back_off_ms, next_start_us, started_us;
  json_int_t last_id; /* of questions: an answer belongs to the one whose number it bears */
};

/* ---- The process ---- */

/* The server's environment without what is the server's own business. */
static char **environment(void *mem) {
  extern char **environ;
  size_t n = 0, kept = 0;
  while (environ[n])
    n++;
  char **list = us_mem_array(mem, n + 1, sizeof(*list));
  for (size_t i = 0; list && i < n; i++)
    if (strncmp(environ[i], "USHER_", 6) != 0)
      list[kept++] = environ[i];
  return list;
}

/* Standard input is empty, standard output goes to the log's standard error, and of other files only the socket is there. */
static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int fd) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  failed |= posix_spawn_file_actions_adddup2(actions, 2, 1);
  failed |= posix_spawn_file_actions_adddup2(actions, fd, US_CHILD_FD);
  failed |= posix_spawn_file_actions_addclosefrom_np(actions, US_CHILD_FD + 1);
  failed |= posix_spawnattr_setsigmask(attributes, &none);
  failed |= posix_spawnattr_setsigdefault(attributes, &all);
  failed |= posix_spawnattr_setpgroup(attributes, 0);
  failed |=
      posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  return failed;
}

static bool spawn(struct us_child *child, void *mem) {
  int pair[2];
  char command[] = US_CHILD_COMMAND, program[] = "usher", *argv[] = {program, command, child->path, NULL};
  char **env = environment(mem);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (!env || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return false;
  /* a number that dup2() does not close on the way */
  int own = fcntl(pair[1], F_DUPFD_CLOEXEC, US_CHILD_FD + 1);
  close(pair[1]);
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  bool is_done = own >= 0 && prepare(&actions, &attributes, own) == 0 &&
                 posix_spawn(&child->pid, us_child_program, &actions, &attributes, argv, env) == 0;
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (own >= 0)
    close(own);
  if (!is_done) {
    close(pair[0]);
    child->pid = 0;
    return false;
  }
  child->fd = pair[0];
  child->started_us = us_monotonic_us();
  return true;
}

/* Ends the process, by force; how it ended otherwise goes into the log. */
static void end(struct us_child *child, const char *why) {
  int status = 0;
  if (child->pid == 0)
    return;
  close(child->fd);
  child->fd = -1;
  pid_t gone = waitpid(child->pid, &status, WNOHANG);
  if (gone != child->pid) {
    kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
      continue;
  }
  child->pid = 0;
  if (!why)
    return;
  int64_t now_us = us_monotonic_us();
  bool was_good = now_us - child->started_us > US_CHILD_GOOD_MS * INT64_C(1000);
  child->back_off_ms = was_good || child->back_off_ms == 0 ? US_CHILD_BACK_OFF_MS : 2 * child->back_off_ms;
  if (child->back_off_ms > US_CHILD_BACK_OFF_MAX_MS)
    child->back_off_ms = US_CHILD_BACK_OFF_MAX_MS;
  child->next_start_us = now_us + child->back_off_ms * 1000;
  us_log(US_LOG_ERROR, "plugin", "%s: its process %s (%s %d); started anew in %lld ms at the earliest", child->name,
         why, WIFSIGNALED(status) ? "signal" : "exit code",
         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), (long long)child->back_off_ms);
}

/* ---- Questions ---- */

static void take_log(struct us_child *child, const json_t *line) {
  struct us_plugin named = {.abi = {.name = child->name}};
  struct us_scope scope;
  us_scope_enter(&scope, &named, INT64_MAX, NULL);
  us_host()->log((int)json_integer_value(json_object_get(line, "log")),
                 json_string_value(json_object_get(line, "text")));
  us_scope_leave(&scope);
}

/* Reads until the answer comes; lines of the log come in between. NULL: the child is at its end. */
static json_t *receive(struct us_child *child, int64_t until_us) {
  for (;;) {
    struct us_str text;
    if (!us_frame_receive(child->fd, until_us, &text))
      return NULL;
    json_t *tree = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    free((char *)(uintptr_t)text.p);
    if (!json_is_object(tree)) {
      json_decref(tree);
      return NULL;
    }
    if (!json_object_get(tree, "log"))
      return tree;
    take_log(child, tree);
    json_decref(tree);
  }
}

/* `question`: its reference goes. NULL: no answer, and the process is at its end. */
static json_t *talk(struct us_child *child, json_t *question, int64_t until_us) {
  json_object_set_new(question, "id", json_integer(++child->last_id));
  char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;
  json_decref(question);
  if (!text || strlen(text) > US_CHILD_FRAME_MAX_BYTES) { /* the question is at fault, not the process */
    free(text);
    return NULL;
  }
  bool is_sent = us_frame_send(child->fd, us_str_c(text), until_us);
  free(text);
  json_t *answer = is_sent ? receive(child, until_us) : NULL;
  if (answer &&
      json_integer_value(json_object_get(answer, "id")) != child->last_id) { /* of no question, or of another */
    json_decref(answer);
    answer = NULL;
  }
  if (!answer)
    end(child, us_monotonic_us() >= until_us ? "did not answer in time" : "ended, or talked nonsense");
  return answer;
}

static int result_of(const json_t *answer) {
  const json_t *code = json_object_get(answer, "result");
  return json_is_integer(code) ? (int)json_integer_value(code) : USHER_FAIL;
}

static int64_t until_ms(int64_t ms) {
  return us_monotonic_us() + ms * 1000;
}

static int configure(struct us_child *child, const char *what, const char *config, struct us_child_use *ret_use) {
  json_t *question = json_pack("{s:s, s:s}", "do", what, "config", config);
  json_t *answer = talk(child, question, until_ms(US_CHILD_START_MS));
  int code = result_of(answer);
  if (code == USHER_OK)
    *ret_use = (struct us_child_use){(uint32_t)json_integer_value(json_object_get(answer, "methods")),
                                     (uint32_t)json_integer_value(json_object_get(answer, "events"))};
  json_decref(answer);
  return code;
}

/* Starts it anew when it is time; false: it is down. */
static bool is_up(struct us_child *child) {
  struct us_child_use use;
  void *mem = NULL;
  if (child->pid != 0)
    return true;
  if (us_monotonic_us() < child->next_start_us || !(mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES)))
    return false;
  bool is_there = spawn(child, mem);
  us_mem_free(mem);
  if (!is_there)
    return false;
  json_t *hello = receive(child, until_ms(US_CHILD_START_MS));
  is_there = hello && !json_object_get(hello, "refused");
  json_decref(hello);
  if (is_there && configure(child, "open", child->config, &use) == USHER_OK) {
    us_log(US_LOG_INFO, "plugin", "%s: its process was started anew", child->name);
    return true;
  }
  end(child, "does not start");
  return false;
}

/* A turn at it; false: not until then. */
static bool begin_until(struct us_child *child, int64_t until_us) {
  struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
  int timeout = 0;
  pthread_mutex_lock(&child->lock);
  while (child->is_busy && timeout == 0)
    timeout = pthread_cond_timedwait(&child->free, &child->lock, &until);
  bool is_mine = !child->is_busy;
  child->is_busy = true; /* somebody's in either case */
  pthread_mutex_unlock(&child->lock);
  return is_mine;
}

static void finish(struct us_child *child) {
  pthread_mutex_lock(&child->lock);
  child->is_busy = false;
  pthread_cond_signal(&child->free);
  pthread_mutex_unlock(&child->lock);
}

static int64_t left_ms_of(int64_t until_us) {
  int64_t left_us = until_us - us_monotonic_us();
  return left_us > 0 ? left_us / 1000 : 0;
}

int us_child_ask(struct us_child *child, struct us_ask *ask, void *mem, int64_t until_us) {
  if (until_us == INT64_MAX)
    until_us = until_ms(US_CHILD_AFTER_MS);
  json_t *question = us_ask_to_json(ask, mem);
  if (!question || json_object_set_new(question, "left_ms", json_integer(left_ms_of(until_us))) != 0 ||
      !begin_until(child, until_us)) {
    json_decref(question);
    return USHER_FAIL;
  }
  json_t *answer = is_up(child) ? talk(child, json_incref(question), until_us) : NULL;
  finish(child);
  int code = answer ? us_ask_take_result(ask, answer, mem) : USHER_FAIL;
  json_decref(answer);
  json_decref(question);
  return code;
}

int us_child_deliver(struct us_child *child, struct us_str event) {
  json_t *question = json_pack("{s:s, s:s%}", "do", "deliver", "event", event.p, event.n);
  int64_t until_us = until_ms(US_CHILD_AFTER_MS);
  json_t *answer = NULL;
  if (begin_until(child, until_us)) {
    answer = is_up(child) ? talk(child, json_incref(question), until_us) : NULL;
    finish(child);
  }
  int code = result_of(answer);
  json_decref(answer);
  json_decref(question);
  return code;
}

static bool keep_config(struct us_child *child, struct us_str config) {
  char *copy = strndup(config.p, config.n);
  if (!copy)
    return false;
  free(child->config);
  child->config = copy;
  return true;
}

int us_child_open(struct us_child *child, struct us_str config, struct us_child_use *ret_use) {
  if (!begin_until(child, until_ms(US_CHILD_START_MS)))
    return USHER_FAIL;
  int code = keep_config(child, config) ? configure(child, "open", child->config, ret_use) : USHER_FAIL;
  finish(child);
  return code;
}

/* One that is down takes the new configuration when it comes up. */
int us_child_reload(struct us_child *child, struct us_str config, struct us_child_use *ret_use) {
  if (!begin_until(child, until_ms(US_CHILD_START_MS)))
    return USHER_FAIL;
  char *copy = strndup(config.p, config.n);
  int code = copy && is_up(child) ? configure(child, "reload", copy, ret_use) : USHER_FAIL;
  if (code == USHER_OK && !keep_config(child, config))
    code = USHER_FAIL;
  finish(child);
  free(copy);
  return code;
}

/* ---- From the file to the first answer ---- */

static enum us_code take_hello(struct us_cx *cx, struct us_child *child, const json_t *hello,
                               struct us_plugin *plugin) {
  const char *refused = json_string_value(json_object_get(hello, "refused"));
  const char *name = json_string_value(json_object_get(hello, "name"));
  const char *version = json_string_value(json_object_get(hello, "version"));
  if (refused)
    return us_fail(cx, US_E_INVALID_REQUEST, "%s", refused);
  if (!us_plugin_is_name(name) || !version || version[0] == '\0')
    return us_fail(cx, US_E_INVALID_REQUEST, "plugin %s: its process does not start", child->path);
  snprintf(child->name, sizeof(child->name), "%s", name);
  snprintf(child->version, sizeof(child->version), "%s", version);
  plugin->abi.name = child->name;
  plugin->abi.version = child->version;
  plugin->abi.abi_major = (uint16_t)json_integer_value(json_object_get(hello, "major"));
  plugin->abi.abi_minor = (uint16_t)json_integer_value(json_object_get(hello, "minor"));
  plugin->methods = (uint32_t)json_integer_value(json_object_get(hello, "methods"));
  plugin->reloads = json_is_true(json_object_get(hello, "reloads"));
  plugin->delivers = json_is_true(json_object_get(hello, "delivers"));
  return US_OK;
}

enum us_code us_child_new(struct us_cx *cx, struct us_str path, struct us_plugin *ret_plugin) {
  *ret_plugin = (struct us_plugin){.path = path, .fd = -1, .config = US_STR("{}")};
  struct us_child *child = calloc(1, sizeof(*child));
  if (!child || !(child->path = strndup(path.p, path.n))) {
    free(child);
    return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  pthread_condattr_t monotonic;
  pthread_mutex_init(&child->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&child->free, &monotonic);
  pthread_condattr_destroy(&monotonic);
  child->fd = -1;
  json_t *hello = spawn(child, cx->mem) ? receive(child, until_ms(US_CHILD_START_MS)) : NULL;
  enum us_code code = take_hello(cx, child, hello, ret_plugin);
  json_decref(hello);
  ret_plugin->child = child;
  if (code != US_OK) {
    us_child_free(child);
    ret_plugin->child = NULL;
  }
  return code;
}

void us_child_free(struct us_child *child) {
  if (!child)
    return;
  if (child->pid != 0 && child->config) /* let it end by itself, if it does */
    json_decref(talk(child, json_pack("{s:s}", "do", "close"), until_ms(1000)));
  end(child, NULL);
  pthread_cond_destroy(&child->free);
  pthread_mutex_destroy(&child->lock);
  free(child->config);
  free(child->path);
  free(child);
}
