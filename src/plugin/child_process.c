/* The process of a plugin that has one of its own, and the thread that minds it: see child_process.h. */
#include "plugin/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "plugin/host.h"

const char *_Atomic us_child_program = "/proc/self/exe";

int64_t us_child_until(int64_t ms) {
  return us_monotonic_us() + ms * 1000;
}

/* ---- Starting ---- */

/* The server's environment without what is the server's own business. NULL: no memory. */
static char **environment(void) {
  extern char **environ;
  size_t n = 0, kept = 0;
  while (environ[n])
    n++;
  char **list = calloc(n + 1, sizeof(*list));
  for (size_t i = 0; list && i < n; i++)
    if (strncmp(environ[i], "USHER_", 6) != 0)
      list[kept++] = environ[i];
  return list;
}

/* Standard input is empty, standard output goes to the log's standard error, and of other files only the lanes are there. */
static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, const int fds[US_CHILD_LANES]) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  failed |= posix_spawn_file_actions_adddup2(actions, 2, 1);
  for (int i = 0; i < US_CHILD_LANES; i++)
    failed |= posix_spawn_file_actions_adddup2(actions, fds[i], US_CHILD_FD + i);
  failed |= posix_spawn_file_actions_addclosefrom_np(actions, US_CHILD_FD + US_CHILD_LANES);
  failed |= posix_spawnattr_setsigmask(attributes, &none);
  failed |= posix_spawnattr_setsigdefault(attributes, &all);
  failed |= posix_spawnattr_setpgroup(attributes, 0);
  failed |=
      posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  return failed;
}

static void close_all(int fds[US_CHILD_LANES]) {
  for (int i = 0; i < US_CHILD_LANES; i++) {
    if (fds[i] >= 0)
      close(fds[i]);
    fds[i] = -1;
  }
}

/* Socket pairs. The child's ends have numbers that dup2() does not close on the way. */
static bool open_lanes(int ours[US_CHILD_LANES], int theirs[US_CHILD_LANES]) {
  bool has_all = true;
  for (int i = 0; i < US_CHILD_LANES; i++) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
      has_all = false;
      continue;
    }
    ours[i] = pair[0];
    theirs[i] = fcntl(pair[1], F_DUPFD_CLOEXEC, US_CHILD_FD + US_CHILD_LANES);
    close(pair[1]);
    has_all &= theirs[i] >= 0;
  }
  return has_all;
}

/* 0: it could not be started. */
static pid_t spawn(const char *path, const int theirs[US_CHILD_LANES]) {
  char command[] = US_CHILD_COMMAND, program[] = "usher", *file = strdup(path), **env = environment();
  char *argv[] = {program, command, file, NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  pid_t pid = 0;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  if (!file || !env || prepare(&actions, &attributes, theirs) != 0 ||
      posix_spawn(&pid, us_child_program, &actions, &attributes, argv, env) != 0)
    pid = 0;
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  free(file);
  free(env);
  return pid;
}

/* An object, or NULL. */
static json_t *receive(int fd, int64_t until_us) {
  struct us_str text;
  if (!us_frame_receive(fd, until_us, &text))
    return NULL;
  json_t *tree = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  free((char *)(uintptr_t)text.p);
  if (json_is_object(tree))
    return tree;
  json_decref(tree);
  return NULL;
}

json_t *us_child_start(struct us_child *child) {
  int ours[US_CHILD_LANES], theirs[US_CHILD_LANES];
  for (int i = 0; i < US_CHILD_LANES; i++)
    ours[i] = theirs[i] = -1;
  pid_t pid = open_lanes(ours, theirs) ? spawn(child->path, theirs) : 0;
  close_all(theirs);
  if (pid == 0)
    close_all(ours);
  pthread_mutex_lock(&child->lock);
  child->pid = pid;
  child->why = pid == 0 ? "cannot be started" : NULL;
  child->started_us = us_monotonic_us();
  child->starts += pid != 0;
  for (int i = 0; i < US_CHILD_LANES; i++)
    child->lanes[i].fd = ours[i];
  bool is_wanted = pid != 0 && !child->is_stopping;
  pthread_mutex_unlock(&child->lock);
  return is_wanted ? receive(ours[US_CHILD_ASKS], us_child_until(US_CHILD_START_MS)) : NULL;
}

/* ---- Ending ---- */

/* It, and what it started itself. */
static void kill_all(pid_t pid) {
  kill(-pid, SIGKILL);
  kill(pid, SIGKILL);
}

void us_child_kill(struct us_child *child, const char *why) {
  pthread_mutex_lock(&child->lock);
  if (child->pid != 0 && !child->why) {
    child->why = why;
    kill_all(child->pid);
  }
  child->state = US_CHILD_DOWN; /* nobody else begins with it, until there is another one */
  pthread_mutex_unlock(&child->lock);
}

int64_t us_child_back_off_ms(int64_t last_ms, int64_t lived_ms) {
  if (last_ms == 0 || lived_ms > US_CHILD_GOOD_MS)
    return US_CHILD_BACK_OFF_MS;
  return 2 * last_ms < US_CHILD_BACK_OFF_MAX_MS ? 2 * last_ms : US_CHILD_BACK_OFF_MAX_MS;
}

static bool is_busy(const struct us_child *child) {
  for (int i = 0; i < US_CHILD_LANES; i++)
    if (child->lanes[i].is_busy)
      return true;
  return false;
}

/* Who talks to it finds the end, also where somebody else still has the other one. */
int us_child_bury(struct us_child *child) {
  int status = 0;
  child->state = US_CHILD_DOWN;
  if (child->pid == 0)
    return status;
  kill_all(child->pid);
  while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
    continue;
  child->pid = 0;
  for (int i = 0; i < US_CHILD_LANES; i++)
    shutdown(child->lanes[i].fd, SHUT_RDWR);
  while (is_busy(child))
    pthread_cond_wait(&child->changed, &child->lock);
  for (int i = 0; i < US_CHILD_LANES; i++) {
    close(child->lanes[i].fd);
    child->lanes[i].fd = -1;
  }
  return status;
}

/* ---- Talking ---- */

/* What the plugin logs is written by its process as the server would. */
static bool put_log(json_t *question) {
  struct us_log_now now = us_log_now();
  return json_object_set_new(question, "log", json_pack("[i,i]", (int)now.level, (int)now.format)) == 0;
}

json_t *us_child_talk(struct us_child *child, enum us_child_lane lane, json_t *question, int64_t until_us) {
  int fd = child->lanes[lane].fd;
  json_int_t id = ++child->lanes[lane].last_id;
  bool is_whole = question && json_object_set_new(question, "id", json_integer(id)) == 0 && put_log(question);
  char *text = is_whole ? json_dumps(question, JSON_COMPACT) : NULL;
  child->lanes[lane].was_sent = true;
  if (!text || strlen(text) > US_CHILD_FRAME_MAX_BYTES) { /* the question is at fault, not the process */
    free(text);
    return NULL;
  }
  bool is_sent = child->lanes[lane].was_sent = us_frame_send(fd, us_str_c(text), until_us);
  free(text);
  json_t *answer = is_sent ? receive(fd, until_us) : NULL;
  if (answer && json_integer_value(json_object_get(answer, "id")) == id)
    return answer;
  json_decref(answer); /* of no question, or of another */
  us_child_kill(child, us_monotonic_us() >= until_us ? "did not answer in time" : "ended, or talked nonsense");
  return NULL;
}

int us_child_result(const json_t *answer) {
  const json_t *result = json_object_get(answer, "result");
  return json_is_integer(result) ? (int)json_integer_value(result) : USHER_FAIL;
}

int us_child_configure(struct us_child *child, const char *what, const char *config, struct us_child_use *ret_use) {
  json_t *question = json_pack("{s:s, s:s}", "do", what, "config", config);
  json_t *answer = us_child_talk(child, US_CHILD_ASKS, question, us_child_until(US_CHILD_START_MS));
  json_decref(question);
  int code = us_child_result(answer);
  if (code == USHER_OK)
    *ret_use = (struct us_child_use){(uint32_t)json_integer_value(json_object_get(answer, "methods")),
                                     (uint32_t)json_integer_value(json_object_get(answer, "events"))};
  json_decref(answer);
  return code;
}

/* ---- Minding ---- */

/* The file may have been replaced: what is called, and as what, was settled with the first. */
static bool is_same(const json_t *first, const json_t *hello) {
  static const char *const members[] = {"name", "major", "methods", "reloads", "delivers"};
  for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
    if (!json_equal(json_object_get(first, members[i]), json_object_get(hello, members[i])))
      return false;
  return true;
}

/* NULL: it is up. Or what is wrong. */
static const char *start_anew(struct us_child *child) {
  struct us_child_use use;
  json_t *hello = us_child_start(child);
  const char *wrong = !hello || json_object_get(hello, "refused") ? "does not start" : NULL;
  if (!wrong && !is_same(child->hello, hello))
    wrong =
        "is of another plugin: the file was replaced by one with other methods, and the server must be started anew";
  json_decref(hello);
  if (!wrong && us_child_configure(child, "open", child->config, &use) != USHER_OK)
    wrong = "does not open";
  return wrong;
}

/* With the lock, which it gives away for the log. */
static void say_ended(struct us_child *child, int status) {
  bool is_signal = WIFSIGNALED(status);
  const char *why = child->why ? child->why : "ended";
  int64_t pause_ms = child->back_off_ms;
  pthread_mutex_unlock(&child->lock);
  us_log(US_LOG_ERROR, "plugin", "%s: its process %s (%s %d); it is started anew in %lld ms", child->name, why,
         is_signal ? "signal" : "exit code", is_signal ? WTERMSIG(status) : WEXITSTATUS(status), (long long)pause_ms);
  pthread_mutex_lock(&child->lock);
}

/* Until the next start is due. False: the server has no more use for it. With the lock. */
static bool pause_start(struct us_child *child, int status) {
  int64_t now_us = us_monotonic_us();
  child->back_off_ms = us_child_back_off_ms(child->back_off_ms, (now_us - child->started_us) / 1000);
  child->next_start_us = now_us + child->back_off_ms * 1000;
  pthread_cond_broadcast(&child->changed); /* whoever cannot wait that long gives up */
  if (!child->is_stopping)
    say_ended(child, status);
  while (!child->is_stopping && us_cond_wait(&child->changed, &child->lock, child->next_start_us))
    continue;
  return !child->is_stopping;
}

static void *mind(void *self) {
  struct us_child *child = self;
  siginfo_t info;
  pthread_mutex_lock(&child->lock);
  for (;;) {
    pid_t pid = child->pid;
    pthread_mutex_unlock(&child->lock);
    while (pid != 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
      continue;
    pthread_mutex_lock(&child->lock);
    if (!pause_start(child, us_child_bury(child)))
      break;
    child->state = US_CHILD_STARTING;
    pthread_mutex_unlock(&child->lock);
    const char *wrong = start_anew(child);
    if (wrong)
      us_child_kill(child, wrong);
    else
      us_log(US_LOG_INFO, "plugin", "%s: its process was started anew", child->name);
    pthread_mutex_lock(&child->lock);
    child->state = wrong ? US_CHILD_DOWN : US_CHILD_UP;
    pthread_cond_broadcast(&child->changed);
  }
  pthread_mutex_unlock(&child->lock);
  return NULL;
}

bool us_child_mind(struct us_child *child) {
  child->state = US_CHILD_UP;
  child->next_start_us = 0; /* whoever finds it ended waits for what the minder says */
  child->has_minder = us_thread_start(&child->minder, "us-minder", mind, child) == 0;
  return child->has_minder;
}
