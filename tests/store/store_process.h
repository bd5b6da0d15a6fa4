/* A second process beside the test: runs a function, talks by two pipes, and is killed or waited for. */
#ifndef USHER_TESTS_STORE_PROCESS_H
#define USHER_TESTS_STORE_PROCESS_H

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/unit.h"

struct store_process {
  pid_t pid;
  int from; /* the parent reads what the child tells */
  int to;   /* the child reads what the parent tells */
};

/* In the child `from` and `to` are its own ends: it writes to `from` and reads from `to`. It must not use cmocka's
 * assertions: it says how it went by its exit code. */
typedef int (*store_process_fn)(struct store_process *self, void *argument);

static inline struct store_process store_process_start(store_process_fn run, void *argument) {
  int up[2], down[2];
  assert_int_equal(pipe(up), 0);
  assert_int_equal(pipe(down), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    close(up[0]);
    close(down[1]);
    struct store_process self = {.pid = getpid(), .from = up[1], .to = down[0]};
    _exit(run(&self, argument));
  }
  close(up[1]);
  close(down[0]);
  return (struct store_process){.pid = pid, .from = up[0], .to = down[1]};
}

/* One byte either way; false when the other side is gone. */
static inline bool store_process_say(int fd) {
  return write(fd, "x", 1) == 1;
}
static inline bool store_process_hear(int fd) {
  char c;
  return read(fd, &c, 1) == 1;
}

/* Its exit code, or minus the signal. */
static inline int store_process_end(struct store_process *p) {
  close(p->to);
  close(p->from);
  int status = 0;
  assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#endif
