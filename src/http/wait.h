/*
 * Deadlines of connections. Every kind has one constant duration, so the entries of a kind, appended as they begin, stand
 * in the order in which they end: setting and clearing are a few pointers, and one timer a loop looks at the first of each
 * kind. No heap, no system call a request. Time is the event loop's (monotonic milliseconds), handed in by the caller.
 */
#ifndef USHER_HTTP_WAIT_H
#define USHER_HTTP_WAIT_H

#include <stdint.h>

enum us_wait_kind {
  US_WAIT_NONE,
  US_WAIT_IDLE,        /* for the first byte of a request */
  US_WAIT_HEAD,        /* from the first byte of a request (or of a TLS handshake) to the end of its head */
  US_WAIT_BODY,        /* to the end of its body */
  US_WAIT_ANSWER,      /* for the other side to take the answer */
  US_WAIT_LINGER,      /* for the other side to close after our last answer */
  US_WAIT_STREAM_BODY, /* of one stream of HTTP/2, to the end of its body */
  US_WAIT_STREAM_ANSWER,
  US_WAIT_KINDS,
};

struct us_wait { /* part of a connection, or of a stream */
  struct us_wait *prev, *next;
  int64_t deadline_ms;
  enum us_wait_kind kind;
};
struct us_waits { /* part of a loop */
  struct {
    int64_t duration_ms;
    struct us_wait *first, *last;
  } queue[US_WAIT_KINDS];
};

void us_wait_set(struct us_waits *waits, struct us_wait *wait, enum us_wait_kind kind, int64_t now_ms);
void us_wait_clear(struct us_waits *waits, struct us_wait *wait);
/* Takes out one whose deadline has come (its kind goes to *ret_kind); NULL when there is none. */
struct us_wait *us_wait_take_expired(struct us_waits *waits, int64_t now_ms, enum us_wait_kind *ret_kind);
/* When to look again; -1 when nothing waits. */
int64_t us_wait_next_ms(const struct us_waits *waits);

#endif
