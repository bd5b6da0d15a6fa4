/*
 * The context of one piece of work: a request, a command of the command line, a test. It is handed down through every
 * layer, and belongs to one thread at a time; it changes hands only through a queue.
 *
 * `mem` is a talloc pool with a limit (base/mem.h). `db` is the connection of the step that runs now: the loop's or
 * worker's own for reads, the writer's inside a write step, NULL elsewhere. `svc` is what the process offers
 * (domain/services.h); base does not look inside.
 */
#ifndef USHER_BASE_CX_H
#define USHER_BASE_CX_H

#include "base/error.h"

struct us_db;
struct us_services;
struct us_extension;

struct us_cx {
  void *mem;
  struct us_error err;
  int64_t now_ms; /* wall clock, milliseconds since 1970, read once when the work began */
  struct us_db *db;
  struct us_services *svc;
  struct us_extension *extension; /* domain/extension.h: what plugins said to this request; NULL: there are none */
  bool is_on_loop;                /* an event loop waits for this step: what takes long says US_E_TO_POOL */
  struct us_str actor;       /* name of who authenticated; absent: nobody did. For audit only, never for decisions */
  struct us_str certificate; /* base64url SHA-256 of the certificate of who asks; absent without */
};

/* Runs a step in memory of its own, which goes when the step has ended: what is done many times needs no more than the largest of them. Its
 * error is brought along. */
typedef enum us_code (*us_step_apart_fn)(struct us_cx *cx, void *self);
enum us_code us_cx_apart(struct us_cx *cx, size_t pool_bytes, size_t max_bytes, us_step_apart_fn step,
                         void *self) US_MUST_CHECK;

static inline int64_t us_cx_now_s(const struct us_cx *cx) {
  return cx->now_ms / 1000;
}

#endif
