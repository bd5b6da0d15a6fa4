/*
 * The HTTP edge: one libuv loop a thread, each with its own SO_REUSEPORT listening sockets, llhttp behind http/check.c,
 * OpenSSL by memory BIOs. It knows bytes, connections and limits, and nothing of OAuth.
 *
 * A complete request becomes an exchange with memory of its own (base/mem.h root) and is handed to `on_request` on the
 * loop's thread. The owner answers, now or later, by us_http_exchange_reply() on that same thread; us_loop_post()
 * brings work back there from any other. Exactly one reply an exchange. When the client has gone the exchange stays
 * valid, and the reply is dropped. Pipelined requests are handed over one at a time, in order.
 *
 * A loop works in turns: it takes what is ready, then sends the answers that came of it (small ones; large ones go at once), then
 * waits. Sent one by one, each would wake a client that then works against us for the core or the cache.
 */
#ifndef USHER_HTTP_SERVER_H
#define USHER_HTTP_SERVER_H

#include "http/message.h"

struct us_loop;
struct us_http_server;

struct us_http_exchange {
  void *mem; /* talloc root: freed by the edge after the reply */
  struct us_http_request request;
  struct us_http_response response;
  struct us_loop *loop;
  void *user; /* the handler's own */
};
void us_http_exchange_reply(struct us_http_exchange *exchange);

struct us_loop_job {
  void (*run)(struct us_loop_job *job, struct us_loop *loop);
  struct us_loop_job *next; /* owned by the loop while queued */
};
void us_loop_post(struct us_loop *loop, struct us_loop_job *job); /* any thread; never fails */
/* The same for many in a row: posted quietly the loop may sleep on; true says that it wants to be woken, once, afterwards. */
bool us_loop_post_quietly(struct us_loop *loop, struct us_loop_job *job);
void us_loop_wake(struct us_loop *loop);
void *us_loop_data(struct us_loop *loop); /* what `open_loop` returned */
unsigned us_loop_index(const struct us_loop *loop);

/* Limits with their defaults; each is a setting of the configuration and has tests at the limit and one past it. */
#define US_TURNED_AWAY_MAX 64
struct us_http_limits {
  size_t target_bytes;         /* 8 KiB: 414 */
  size_t head_bytes;           /* 32 KiB: 431 */
  size_t header_count;         /* 100: 400 */
  size_t body_bytes;           /* 64 KiB: 413 */
  size_t connections;          /* 10,000 in all: refused with 503 and closed */
  size_t connections_per_addr; /* 1,000 an address (trusted proxies exempt): 503 and closed */
  size_t pipelined_bytes;      /* 64 KiB of waiting input a connection: reading pauses */
  int64_t head_ms;             /* 10 s from the first byte to the end of the head: 408 and closed */
  int64_t body_ms;             /* 30 s for the body */
  int64_t idle_ms;             /* 60 s without a request */
  int64_t answer_ms;           /* 30 s for writing the answer out */
  /* HTTP/2, each of a connection. */
  size_t h2_streams;       /* 100 requests at once, with those that were reset and still run */
  size_t h2_memory_bytes;  /* 16 MiB for requests and for answers that wait */
  size_t h2_address_bytes; /* 64 MiB, the same for all connections of an address (trusted proxies exempt) */
  size_t h2_total_bytes;   /* 256 MiB, the same for all connections together: further streams are refused */
  size_t h2_resets;        /* 200 requests reset in an interval */
  size_t h2_frames;        /* 1,000 frames in an interval that bring no part of a request */
  int64_t h2_interval_ms;  /* 10 s */
  size_t turned_away; /* connections past the limit that a loop holds while they are told so; 0: US_TURNED_AWAY_MAX */
};
extern const struct us_http_limits us_http_limits_default;

struct us_http_listener {
  const char *host; /* an address, not a name */
  uint16_t port;    /* 0: a free one, the same for all loops */
  bool is_tls;
};
struct us_http_tls {
  const char *certificate_file; /* PEM chain */
  const char *key_file;
  bool ask_client_certificate; /* asked for, never demanded; not verified against a CA here */
};
enum us_http_h2 {
  US_HTTP_H2_OFF,
  US_HTTP_H2_TLS,  /* by ALPN */
  US_HTTP_H2_PLAIN /* and with prior knowledge over plain TCP, for proxies in front */
};
#define US_HTTP_TURN_US 2000
struct us_http_options {
  const struct us_http_listener *listeners;
  size_t listener_count;
  const struct us_http_tls *tls; /* needed when a listener has is_tls */
  struct us_http_limits limits;
  enum us_http_h2 h2;
  unsigned loops;  /* threads */
  int64_t turn_us; /* an answer does not wait longer for the end of its turn; 0: US_HTTP_TURN_US; < 0: not at all */
  const char *const *trusted_proxies; /* addresses, NULL-terminated; X-Forwarded-For counts only from them */
  const char
      *client_cert_header; /* in which they tell the client's certificate (http/client_cert.h); NULL: they do not */
  void (*on_request)(void *self, struct us_http_exchange *exchange);
  /* Refusals made by the edge itself get their body here: fill response->body and content type for `status`. May be NULL
   * (a plain JSON {"error":"invalid_request"}). */
  void (*render_refusal)(void *self, int status, const char *reason, struct us_str target,
                         struct us_http_response *response);
  void *(*open_loop)(void *self,
                     unsigned index); /* on the loop's thread, before the first request; NULL = cannot start */
  void (*close_loop)(void *self, void *loop_data);
  /* The loop has done all that was ready and is about to send the answers of it; nothing runs for it before this returns. What
   * the requests of a turn share (a snapshot of the store, a batch of writes) ends here. May reply. May be NULL. */
  void (*end_turn)(void *self, void *loop_data);
  void *self;
};
struct us_http_counters { /* totals since start, for /metrics */
  uint64_t accepted, requests, open;
  uint64_t not_accepted; /* errors of accept(), for lack of files first of all */
  uint64_t refused;      /* requests that came to no handler */
  uint64_t turned_away;  /* connections beyond a limit */
  uint64_t broken;       /* HTTP/2 connections that were ended for breaking the rules */
};

/* Binds, starts the threads and returns when all of them answer; or says why not in *ret_reason (static or errbuf). */
int us_http_server_start(const struct us_http_options *options, struct us_http_server **ret_server, char *ret_reason,
                         size_t reason_bytes);
uint16_t us_http_server_port(const struct us_http_server *server, size_t listener);
int us_http_server_reload_tls(struct us_http_server *server, const struct us_http_tls *tls, char *ret_reason,
                              size_t reason_bytes);
struct us_http_counters us_http_server_counters(struct us_http_server *server);
/* Stops accepting, lets requests in flight be answered (at most grace_ms), closes, joins the threads. */
void us_http_server_stop(struct us_http_server *server, int64_t grace_ms);
void us_http_server_free(struct us_http_server *server);

#endif
