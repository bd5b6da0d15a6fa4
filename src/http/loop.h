/*
 * One event loop and what its connections share: inside of http/ only. Everything in it belongs to its thread but the job
 * queue (locked) and the counters (atomic).
 */
#ifndef USHER_HTTP_LOOP_H
#define USHER_HTTP_LOOP_H

#include "http/address.h"
#include "http/answer.h"
#include "http/client_cert.h"
#include "http/quota.h"
#include "http/server.h"
#include "http/tls.h"
#include "http/wait.h"

#include <pthread.h>
#include <uv.h>

#define US_LOOP_INPUT_BYTES (64 * 1024) /* one read takes at most this much */
#define US_LOOP_BACKLOG 1024
#define US_LOOP_UNSENT_MAX 64 /* answers of a turn that wait for its end; one more ends it */

/* What all loops share. */
struct us_edge {
  struct us_http_options options;
  struct us_proxies proxies;
  struct us_quota *quota;
  pthread_mutex_t tls_lock; /* taken for each new connection and by a reload */
  struct us_tls_context *tls;
};

struct us_loop_listener {
  uv_tcp_t tcp;
  struct us_loop *loop;
  int fd; /* of which the handle has a copy; it goes on listening while the handle is closed */
  bool is_tls;
  bool is_open; /* the handle is, and watches */
  bool is_closing;
  bool is_paused; /* until there are files again */
};

struct us_conn;
struct us_exchange;

struct us_loop {
  uv_loop_t uv;
  uv_async_t wake;
  uv_prepare_t before_wait; /* both end the turn: what timers did, what arrived */
  uv_check_t after_wait;
  uv_idle_t again; /* runs while `more` waits */
  uv_timer_t deadlines;
  uv_timer_t grace;
  uv_timer_t resume; /* listeners that were paused */
  struct us_edge *edge;
  unsigned index;
  void *data;
  struct us_loop_listener *listeners;
  size_t listener_count;

  pthread_mutex_t jobs_lock;
  struct us_loop_job *first_job, *last_job;
  bool is_closed; /* nobody will run jobs any more */

  struct us_waits waits;
  struct us_conn *conns;
  struct us_conn *unsent; /* those whose `out` waits for the end of the turn */
  size_t unsent_count;
  uint64_t unsent_since_ns; /* the first of them, by uv_hrtime() */
  uint64_t turn_ns;
  struct us_conn *more; /* those with requests of HTTP/2 for the next iteration */
  uint64_t iteration;
  struct us_exchange *exchanges; /* handed over and not answered */
  struct us_certs certs;
  struct us_conn *spare;    /* for turning a connection away when there is no memory */
  size_t turned_away;       /* connections past the limits that are being told so */
  uint64_t not_accepted_ms; /* uv_now() when it was last said that one could not be accepted; 0: never */
  bool is_stopping;
  bool is_ending;

  /* Working space of one operation at a time: empty whenever a handler or another connection runs. */
  char input[US_LOOP_INPUT_BYTES];
  char plain[US_TLS_RECORD_BYTES];
  struct us_buf head;
  struct us_buf cipher;
  struct us_buf frames; /* of HTTP/2, on their way into TLS */
  struct us_date_line date;

  _Atomic uint64_t accepted, not_accepted, refused, refused_connections, broken, requests,
      open; /* struct us_http_counters */
};

/* On the caller's thread: handles and memory. Takes the fds of the listeners over only when it succeeds. */
int us_loop_init(struct us_loop *loop, struct us_edge *edge, unsigned index);
int us_loop_listen(struct us_loop *loop); /* on the loop's thread */
void us_loop_run(struct us_loop *loop);   /* returns when it was stopped */
void us_loop_done(struct us_loop *loop);  /* after the thread has ended */
/* On the loop's thread: no new connections; ends when the last exchange is answered, or after grace_ms. */
void us_loop_stop(struct us_loop *loop, int64_t grace_ms);
void us_loop_end_if_idle(struct us_loop *loop); /* to be called when a connection or an exchange has gone */
int64_t us_loop_now(const struct us_loop *loop);
void us_loop_run_again(struct us_loop *loop); /* does not sleep before it has run us_conn_h2_go_on() */
void us_loop_wait(struct us_loop *loop, struct us_wait *wait, enum us_wait_kind kind);
/* Ends the turn (http/server.h): from the top of a callback only, since it may answer and go on with any connection. */
void us_loop_end_turn(struct us_loop *loop);
void us_loop_end_long_turn(struct us_loop *loop); /* the same, when enough answers wait */

#endif
