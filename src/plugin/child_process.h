/* The process of a plugin that has one of its own: what child.c asks, and who brings it back. Of child*.c only. */
#ifndef USHER_PLUGIN_CHILD_PROCESS_H
#define USHER_PLUGIN_CHILD_PROCESS_H

#include <sys/types.h>

#include "plugin/child.h"

enum us_child_state { US_CHILD_DOWN, US_CHILD_STARTING, US_CHILD_UP };

struct us_child {
  pthread_mutex_t lock;   /* of what follows; held for a few instructions only */
  pthread_cond_t changed; /* the state, or that a lane is free */
  enum us_child_state state;
  bool is_stopping;
  pid_t pid;       /* 0: none runs */
  const char *why; /* it was killed; NULL: it was not */
  uint64_t starts;
  int64_t back_off_ms, next_start_us, started_us;
  struct {
    int fd;             /* the server's end; changes only while nobody is busy with it */
    bool is_busy;       /* somebody's, with one question */
    json_int_t last_id; /* of questions: an answer belongs to the one whose number it bears */
    bool was_sent;      /* the last question; false: the process had ended before */
  } lanes[US_CHILD_LANES];
  char *
      config; /* what it is opened with; NULL: not opened yet. Changes only while somebody is busy with the first lane */
  /* once and for all */
  char *path;
  char name[US_PLUGIN_NAME_MAX_BYTES + 1], version[128];
  json_t *hello;
  pthread_t minder;
  bool has_minder;
};

/* Starts a process: what it says first, or NULL. *child has it also when it says nothing. */
json_t *us_child_start(struct us_child *child);
/* One question, one answer, on a lane that is the caller's. NULL: no answer; the process is killed for it unless the question was at
 * fault. */
json_t *us_child_talk(struct us_child *child, enum us_child_lane lane, json_t *question, int64_t until_us);
/* What the plugin returned; USHER_FAIL for nonsense, or without an answer. */
int us_child_result(const json_t *answer);
/* `what`: "open" or "reload". What the plugin returned, or USHER_FAIL. */
int us_child_configure(struct us_child *child, const char *what, const char *config, struct us_child_use *ret_use);
/* From now on a thread brings it back. */
bool us_child_mind(struct us_child *child);
/* Kills what runs; `why` goes into the log. */
void us_child_kill(struct us_child *child, const char *why);
/* Behind a process that has ended or is to: leaves nothing of it. Called with the lock, waits until nobody talks to it any more. How it
 * ended, of waitpid(). */
int us_child_bury(struct us_child *child);
/* The pause before the next start, by the last one and how long the process lived. */
int64_t us_child_back_off_ms(int64_t last_ms, int64_t lived_ms);
int64_t us_child_until(int64_t ms); /* from now; of us_monotonic_us() */

#endif
