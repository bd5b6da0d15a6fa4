/*
 * What every request must pass, once: matching, realm, CSRF, versions, credentials, body, then the steps of the route, then
 * the rendering of errors. The pipeline is a small machine without threads of its own: us_call_advance() runs everything that
 * may run where the call is now, and says where it must go next. app/dispatch.c moves calls between loops, pool and writer;
 * tests move them by hand, in one thread.
 */
#ifndef USHER_ROUTE_PIPELINE_H
#define USHER_ROUTE_PIPELINE_H

#include "route/route.h"

enum us_place {
  US_PLACE_LOOP,   /* needs a reader's connection, must not block */
  US_PLACE_POOL,   /* needs a reader's connection, may block */
  US_PLACE_FETCH,  /* call->proof->wanted: keys of the client must be fetched; then LOOP again */
  US_PLACE_HOOKS,  /* plugins must be asked: us_call_ask(), then us_call_asked(), then LOOP again */
  US_PLACE_WRITER, /* a write step */
  US_PLACE_ANSWER, /* done: the response is complete */
};

/* Begins a call; what it holds goes with `mem`. NULL when there is none. `routes` is us_routes but for mutation tests. The response is initialised by the caller. */
struct us_call *us_call_new(void *mem, struct us_services *svc, const struct us_http_request *request,
                            struct us_http_response *response);
/* Runs at LOOP or POOL with that place's connection. Returns the next place (never LOOP). */
enum us_place us_call_advance(struct us_call *call, enum us_place here, struct us_db *db);
/* Answered: sessions whose last access is to be written down, as notes that may be lost (REST b.3). Returns how many. */
size_t us_call_used_sessions(const struct us_call *call, int64_t ret_ids[2]);
/* The fetcher has no room. */
void us_call_give_up_fetch(struct us_call *call);
/* Has plugins asked; done(self) is called once, on some thread, perhaps before this returns, and us_call_asked() must follow. False: the
 * address has as many calls that wait as it may, or the threads of plugins have no room; us_call_refuse() must follow. */
bool us_call_ask(struct us_call *call, void (*done)(void *self), void *self) US_MUST_CHECK;
void us_call_asked(struct us_call *call);
/* The write step, called by the writer (cx.db set); its code is the writer's verdict. */
enum us_code us_call_write(struct us_call *call);
/* After the writer's verdict: sets what follows. Returns LOOP (what is left to run), HOOKS or ANSWER. */
enum us_place us_call_written(struct us_call *call, enum us_code code);
/* The place asked for has no room (queue full): makes it a 503 with Retry-After. */
void us_call_refuse(struct us_call *call, enum us_code code);
/* Body for refusals of the HTTP edge, in the style of the path (http/server.h render_refusal). */
void us_render_refusal(struct us_services *svc, int status, const char *reason, struct us_str target,
                       struct us_http_response *response);

/* Mutation tests: replaces the handlers of a route by one that answers 200 {}. Returns false when there is no such route. */
bool us_routes_break(const char *name);

#endif
