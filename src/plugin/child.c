/* The server's side of a plugin in a process of its own: what is asked of it (child.h). The process itself: child_process.c. */
#include "plugin/child_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "plugin/host.h"
#include "plugin/load.h"

/* ---- Turns ---- */

/* A turn at a lane of a process that is up; waits for one that is started by `start_us` at the latest. False: not until `until_us`. */
static bool begin(struct us_child *child, enum us_child_lane lane, int64_t until_us, int64_t start_us) {
  bool is_mine = false, is_in_time = true;
  pthread_mutex_lock(&child->lock);
  for (;;) {
    is_mine = child->state == US_CHILD_UP && !child->is_stopping && !child->lanes[lane].is_busy;
    bool is_hopeless = child->is_stopping || (child->state == US_CHILD_DOWN && child->next_start_us >= start_us);
    if (is_mine || is_hopeless || !is_in_time)
      break;
    is_in_time = us_cond_wait(&child->changed, &child->lock, until_us);
  }
  child->lanes[lane].is_busy |= is_mine;
  pthread_mutex_unlock(&child->lock);
  return is_mine;
}

static void finish(struct us_child *child, enum us_child_lane lane) {
  pthread_mutex_lock(&child->lock);
  child->lanes[lane].is_busy = false;
  pthread_cond_broadcast(&child->changed);
  pthread_mutex_unlock(&child->lock);
}

/* ---- Questions ---- */

static int64_t left_ms_of(int64_t until_us) {
  int64_t left_us = until_us - us_monotonic_us();
  return left_us > 0 ? left_us / 1000 : 0;
}

/* Puts a question. To a process that had ended before and nobody had noticed, it is put again when the next one is there. */
static json_t *put(struct us_child *child, enum us_child_lane lane, json_t *question, int64_t until_us,
                   int64_t start_us) {
  json_t *answer = NULL;
  bool was_sent = question == NULL;
  for (int tries = 0; !was_sent && tries < US_CHILD_TRIES && begin(child, lane, until_us, start_us); tries++) {
    was_sent = json_object_set_new(question, "left_ms", json_integer(left_ms_of(until_us))) != 0;
    if (!was_sent) {
      answer = us_child_talk(child, lane, question, until_us);
      was_sent = child->lanes[lane].was_sent;
    }
    finish(child, lane);
  }
  json_decref(question);
  return answer;
}

int us_child_ask(struct us_child *child, struct us_ask *ask, void *mem, int64_t until_us) {
  bool is_deed = until_us == INT64_MAX; /* nobody waits for it */
  json_t *answer = is_deed ? put(child, US_CHILD_DEEDS, us_ask_to_json(ask, mem), us_child_until(US_CHILD_AFTER_MS),
                                 us_child_until(US_CHILD_PATIENCE_MS))
                           : put(child, US_CHILD_ASKS, us_ask_to_json(ask, mem), until_us, until_us);
  int code = answer ? us_ask_take_result(ask, answer, mem) : USHER_FAIL;
  json_decref(answer);
  return code;
}

int us_child_deliver(struct us_child *child, struct us_str event) {
  json_t *question = json_pack("{s:s, s:s%}", "do", "deliver", "event", event.p, event.n);
  json_t *answer =
      put(child, US_CHILD_EVENTS, question, us_child_until(US_CHILD_AFTER_MS), us_child_until(US_CHILD_PATIENCE_MS));
  int code = us_child_result(answer);
  json_decref(answer);
  return code;
}

bool us_child_is_up(struct us_child *child) {
  pthread_mutex_lock(&child->lock);
  bool is_up = child->state == US_CHILD_UP;
  pthread_mutex_unlock(&child->lock);
  return is_up;
}

uint64_t us_child_starts(struct us_child *child) {
  pthread_mutex_lock(&child->lock);
  uint64_t starts = child->starts;
  pthread_mutex_unlock(&child->lock);
  return starts;
}

/* ---- Configuration ---- */

int us_child_open(struct us_child *child, struct us_str config, struct us_child_use *ret_use) {
  child->config = strndup(config.p, config.n);
  int code = child->config ? us_child_configure(child, "open", child->config, ret_use) : USHER_FAIL;
  return code == USHER_OK && !us_child_mind(child) ? USHER_FAIL : code;
}

int us_child_reload(struct us_child *child, struct us_str config, struct us_child_use *ret_use) {
  int64_t until_us = us_child_until(US_CHILD_START_MS);
  char *copy = strndup(config.p, config.n);
  int code = USHER_FAIL;
  if (copy && begin(child, US_CHILD_ASKS, until_us, until_us)) {
    code = us_child_configure(child, "reload", copy, ret_use);
    if (code == USHER_OK) {
      char *before = child->config;
      child->config = copy;
      copy = before;
    }
    finish(child, US_CHILD_ASKS);
  }
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

static struct us_child *new_child(struct us_str path) {
  struct us_child *child = calloc(1, sizeof(*child));
  if (!child || !(child->path = strndup(path.p, path.n))) {
    free(child);
    return NULL;
  }
  pthread_mutex_init(&child->lock, NULL);
  us_cond_init(&child->changed);
  child->next_start_us = INT64_MAX; /* by nobody but us_child_open() */
  return child;
}

enum us_code us_child_new(struct us_cx *cx, struct us_str path, struct us_plugin *ret_plugin) {
  *ret_plugin = (struct us_plugin){.path = path, .fd = -1, .config = US_STR("{}")};
  struct us_child *child = new_child(path);
  if (!child)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  child->hello = us_child_start(child);
  enum us_code code = take_hello(cx, child, child->hello, ret_plugin);
  ret_plugin->child = child;
  if (code != US_OK) {
    us_child_free(child);
    ret_plugin->child = NULL;
  }
  return code;
}

/* It may close, and end by itself; a moment later it has ended in any case. */
static void say_close(struct us_child *child, int64_t until_us) {
  struct us_str nothing;
  json_t *question = json_pack("{s:s}", "do", "close");
  json_t *answer = us_child_talk(child, US_CHILD_ASKS, question, until_us);
  if (answer && us_frame_receive(child->lanes[US_CHILD_ASKS].fd, until_us, &nothing))
    free((char *)(uintptr_t)nothing.p);
  json_decref(answer);
  json_decref(question);
}

void us_child_free(struct us_child *child) {
  if (!child)
    return;
  int64_t until_us = us_child_until(US_CHILD_END_MS);
  bool is_up = begin(child, US_CHILD_ASKS, until_us, 0);
  pthread_mutex_lock(&child->lock);
  child->is_stopping = true;
  pthread_cond_broadcast(&child->changed);
  pthread_mutex_unlock(&child->lock);
  if (is_up) {
    say_close(child, until_us);
    finish(child, US_CHILD_ASKS);
  }
  us_child_kill(child, "is not wanted any more");
  if (child->has_minder)
    pthread_join(child->minder, NULL);
  pthread_mutex_lock(&child->lock);
  us_child_bury(child);
  pthread_mutex_unlock(&child->lock);
  pthread_cond_destroy(&child->changed);
  pthread_mutex_destroy(&child->lock);
  json_decref(child->hello);
  free(child->config);
  free(child->path);
  free(child);
}
