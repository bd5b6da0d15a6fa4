/*
 * One call of an endpoint: the request, what the pipeline found out about it, and the answer being made. A row of the route
 * table names at most three steps, run in this order; data flows one way through `state`:
 *
 *   prepare   before; reads only. On the loop, or on the pool when it may block: it then returns us_call_to_pool(call) when
 *             !us_call_may_block(call) and is run again there.
 *   run       a read: in one read transaction on the loop. A write: inside a savepoint on the writer's thread (may run twice).
 *   finish    after commit: signing, notices. cx.db is NULL. May ask for the pool like prepare.
 *
 * A step returns US_OK or an error made by us_fail(); the pipeline renders it. Endpoints do not write error bodies.
 */
#ifndef USHER_ENDPOINT_CALL_H
#define USHER_ENDPOINT_CALL_H

#include "domain/client_auth.h"
#include "domain/registration.h"
#include "domain/services.h"
#include "domain/session.h"
#include "domain/snapshot.h"
#include "http/message.h"
#include "json/field.h"
#include "json/write.h"

struct us_route;
#define US_CALL_PARAMS_MAX 4

enum us_caller_kind { US_CALLER_NOBODY, US_CALLER_PAT, US_CALLER_BEARER, US_CALLER_CLIENT, US_CALLER_SESSION };
struct us_caller {
  enum us_caller_kind kind;
  struct us_access pat;        /* PAT, BEARER */
  struct us_str bearer;        /* BEARER: the token as it was sent */
  struct us_client client;     /* CLIENT */
  struct us_login login;       /* SESSION */
  struct us_str session_token; /* SESSION: as it was presented */
  enum us_registrar registrar; /* of a client: NOBODY, or came with an initial access token */
  bool by_cookie;              /* SESSION: the token came in the cookie */
  bool is_owner, is_admin;     /* SESSION under /users/{user}: REST contract b.6 */
};

struct us_call {
  struct us_cx cx; /* first: steps take the call, domain functions &call->cx */
  const struct us_route *route;
  const struct us_http_request *request;
  enum us_method method; /* what is asked for: the request's, or X-HTTP-Method-Override's; HEAD is GET */
  struct us_http_response *response;
  const struct us_snapshot *snapshot; /* held until the answer */
  const struct us_realm *realm;
  struct us_str params[US_CALL_PARAMS_MAX]; /* decoded, in the order of the pattern's {names} */
  struct us_params query; /* decoded query string; repeats refused on OAuth routes, per name in Common REST */
  void *input;            /* the decoded body, of route->body->size; NULL without a body table */
  struct us_caller caller;
  struct us_client_proof
      *proof; /* of a client, where something is to be done about it first: keys to be fetched, an assertion to be
                                    spent (route/pipeline.c) */
  struct us_account user;         /* routes under users/{user}: the account the URL names (owner sees own; admin any) */
  int crest_protocol;             /* Common REST protocol version times ten: 10, 20, 21 */
  void *state;                    /* the endpoint's, from prepare to finish */
  struct us_session used_session; /* whose last access moves, besides the caller's own; id 0: none */
  bool needs_no_write; /* set by the prepare step of a write: there is nothing to write, `finish` comes next */
  bool runs_again;     /* set by the run step of a write that takes several transactions: once more after this one */
  bool may_block;
};

static inline bool us_call_may_block(const struct us_call *call) {
  return call->may_block;
}
static inline enum us_code us_call_to_pool(struct us_call *call) {
  return us_fail_plain(&call->cx, US_E_TO_POOL);
}

/* Answers. Status and body writer; content type and cache headers follow the route's style. A step that runs twice starts over:
 * us_answer_json() resets what an earlier run wrote. */
void us_answer_json(struct us_call *call, int status, struct us_json_writer *ret_writer);
void us_answer_empty(struct us_call *call, int status);
void us_answer_header(struct us_call *call, const char *name, struct us_str value);
void us_answer_etag(struct us_call *call, int64_t rev, bool is_weak); /* W/"7" or "7" */

/* Text from outside for an error description: whatever RFC 6749 5.2 does not allow becomes '?', cut at 200 bytes (OA-24). */
struct us_str us_error_safe(struct us_cx *cx, struct us_str text);

/* A header whose value is a list: its lines joined (RFC 9110 5.3); absent when there is none. */
struct us_str us_call_header_list(struct us_call *call, const char *name);
/* Preconditions. Is `rev` among the entity tags of the header (weak comparison, quoted or bare, or *)? */
bool us_etag_matches(struct us_str header, int64_t rev);

#endif
