/* Deadlines of connections: see http/wait.h. */
#include "http/wait.h"

#include <stddef.h>

void us_wait_clear(struct us_waits *waits, struct us_wait *wait) {
  if (wait->kind == US_WAIT_NONE)
    return;
  if (wait->prev)
    wait->prev->next = wait->next;
  else
    waits->queue[wait->kind].first = wait->next;
  if (wait->next)
    wait->next->prev = wait->prev;
  else
    waits->queue[wait->kind].last = wait->prev;
  *wait = (struct us_wait){0};
}

void us_wait_set(struct us_waits *waits, struct us_wait *wait, enum us_wait_kind kind, int64_t now_ms) {
  us_wait_clear(waits, wait);
  struct us_wait *last = waits->queue[kind].last;
  *wait = (struct us_wait){.prev = last, .deadline_ms = now_ms + waits->queue[kind].duration_ms, .kind = kind};
  if (last)
    last->next = wait;
  else
    waits->queue[kind].first = wait;
  waits->queue[kind].last = wait;
}

struct us_wait *us_wait_take_expired(struct us_waits *waits, int64_t now_ms, enum us_wait_kind *ret_kind) {
  for (int kind = US_WAIT_NONE + 1; kind < US_WAIT_KINDS; kind++) {
    struct us_wait *first = waits->queue[kind].first;
    if (!first || first->deadline_ms > now_ms)
      continue;
    *ret_kind = first->kind;
    us_wait_clear(waits, first);
    return first;
  }
  return NULL;
}

int64_t us_wait_next_ms(const struct us_waits *waits) {
  int64_t next = -1;
  for (int kind = US_WAIT_NONE + 1; kind < US_WAIT_KINDS; kind++) {
    const struct us_wait *first = waits->queue[kind].first;
    if (first && (next < 0 || first->deadline_ms < next))
      next = first->deadline_ms;
  }
  return next;
}
