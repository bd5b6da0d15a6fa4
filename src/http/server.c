/* Starting, reloading, stopping: see http/server.h. What runs meanwhile is in loop.c. */
#include "base/thread.h"
#include "http/listen.h"
#include "http/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct us_http_limits us_http_limits_default = {
    .target_bytes = 8 * 1024,
    .head_bytes = 32 * 1024,
    .header_count = 100,
    .body_bytes = 64 * 1024,
    .connections = 10000,
    .connections_per_addr = 1000,
    .pipelined_bytes = 64 * 1024,
    .head_ms = 10 * 1000,
    .body_ms = 30 * 1000,
    .idle_ms = 60 * 1000,
    .answer_ms = 30 * 1000,
    .h2_streams = 100,
    .h2_memory_bytes = 16 * 1024 * 1024,
    .h2_address_bytes = 64 * 1024 * 1024,
    .h2_total_bytes = 256 * 1024 * 1024,
    .h2_resets = 200,
    .h2_frames = 1000,
    .h2_interval_ms = 10 * 1000,
};

struct us_http_thread {
  struct us_http_server *server;
  struct us_loop *loop;
  pthread_t thread;
  bool is_started;
  struct us_loop_job stop;
};

struct us_http_server {
  struct us_edge edge;
  struct us_http_thread *threads;
  unsigned count; /* loops that are made */
  uint16_t *ports;
  int64_t grace_ms;
  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t changed;
  unsigned ready;
  unsigned failed;
  char reason[256];
  bool may_run; /* all are ready: go on; or not: end */
  bool is_decided;
  bool is_stopped;
};

/* The thread of a loop. */

static void us_thread_report(struct us_http_server *server, const char *failure) {
  pthread_mutex_lock(&server->lock);
  if (failure) {
    server->failed++;
    if (!server->reason[0])
      snprintf(server->reason, sizeof server->reason, "%s", failure);
  } else {
    server->ready++;
  }
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->lock);
}

static bool us_thread_may_run(struct us_http_server *server) {
  pthread_mutex_lock(&server->lock);
  while (!server->is_decided)
    pthread_cond_wait(&server->changed, &server->lock);
  bool may_run = server->may_run;
  pthread_mutex_unlock(&server->lock);
  return may_run;
}

static void *us_thread_main(void *argument) {
  struct us_http_thread *thread = argument;
  struct us_http_server *server = thread->server;
  struct us_loop *loop = thread->loop;
  const struct us_http_options *options = &server->edge.options;
  if (options->open_loop && !(loop->data = options->open_loop(options->self, loop->index))) {
    us_thread_report(server, "a loop could not be opened");
  } else {
    int code = us_loop_listen(loop);
    us_thread_report(server, code == 0 ? NULL : uv_strerror(code));
  }
  if (!us_thread_may_run(server))
    us_loop_stop(loop, 0);
  us_loop_run(loop);
  if (loop->data && options->close_loop)
    options->close_loop(options->self, loop->data);
  return NULL;
}

static void us_thread_stop(struct us_loop_job *job, struct us_loop *loop) {
  struct us_http_thread *thread = (struct us_http_thread *)((char *)job - offsetof(struct us_http_thread, stop));
  us_loop_stop(loop, thread->server->grace_ms);
}

static bool us_http_thread_start(struct us_http_thread *thread) {
  thread->is_started = us_thread_start(&thread->thread, "us-loop", us_thread_main, thread) == 0;
  return thread->is_started;
}

/* Making the parts. */

static struct us_loop *us_loop_new(struct us_edge *edge, unsigned index) {
  size_t listeners = edge->options.listener_count;
  struct us_loop *loop = calloc(1, sizeof *loop);
  if (!loop)
    return NULL;
  loop->listeners = calloc(listeners, sizeof *loop->listeners);
  if (!loop->listeners || us_loop_init(loop, edge, index) != 0) {
    free(loop->listeners);
    free(loop);
    return NULL;
  }
  loop->listener_count = listeners;
  for (size_t i = 0; i < listeners; i++) {
    loop->listeners[i].fd = -1;
    loop->listeners[i].is_tls = edge->options.listeners[i].is_tls;
  }
  return loop;
}

static bool us_server_make_loops(struct us_http_server *server) {
  unsigned wanted = server->edge.options.loops;
  server->threads = calloc(wanted, sizeof *server->threads);
  if (!server->threads)
    return false;
  for (; server->count < wanted; server->count++) {
    struct us_http_thread *thread = &server->threads[server->count];
    thread->server = server;
    thread->stop.run = us_thread_stop;
    thread->loop = us_loop_new(&server->edge, server->count);
    if (!thread->loop)
      return false;
  }
  return true;
}

static bool us_server_open_sockets(struct us_http_server *server, char *ret_reason, size_t reason_bytes) {
  const struct us_http_options *options = &server->edge.options;
  int *fds = calloc(server->count, sizeof *fds);
  if (!fds) {
    snprintf(ret_reason, reason_bytes, "out of memory");
    return false;
  }
  bool is_good = true;
  for (size_t i = 0; i < options->listener_count && is_good; i++) {
    is_good =
        us_listen_open(&options->listeners[i], server->count, fds, &server->ports[i], ret_reason, reason_bytes) == 0;
    for (unsigned t = 0; t < server->count; t++)
      server->threads[t].loop->listeners[i].fd = fds[t];
  }
  free(fds);
  return is_good;
}

static bool us_server_wants_tls(const struct us_http_options *options) {
  for (size_t i = 0; i < options->listener_count; i++)
    if (options->listeners[i].is_tls)
      return true;
  return false;
}

static bool us_server_make_parts(struct us_http_server *server, char *ret_reason, size_t reason_bytes) {
  struct us_edge *edge = &server->edge;
  const struct us_http_options *options = &edge->options;
  const char *bad = NULL;
  snprintf(ret_reason, reason_bytes, "out of memory");
  if (!us_proxies_init(&edge->proxies, options->trusted_proxies, &bad)) {
    if (bad)
      snprintf(ret_reason, reason_bytes, "trusted proxy '%s' is not an address", bad);
    return false;
  }
  edge->quota = us_quota_new(options->limits.connections, options->limits.connections_per_addr);
  server->ports = calloc(options->listener_count, sizeof *server->ports);
  if (!edge->quota || !server->ports)
    return false;
  if (us_server_wants_tls(options)) {
    if (!options->tls) {
      snprintf(ret_reason, reason_bytes, "a TLS listener needs a certificate and a key");
      return false;
    }
    edge->tls = us_tls_context_new(options->tls, options->h2 != US_HTTP_H2_OFF, ret_reason, reason_bytes);
    if (!edge->tls)
      return false;
  }
  return us_server_make_loops(server) && us_server_open_sockets(server, ret_reason, reason_bytes);
}

static struct us_http_server *us_server_alloc(const struct us_http_options *options) {
  struct us_http_server *server = calloc(1, sizeof *server);
  if (!server)
    return NULL;
  if (pthread_mutex_init(&server->lock, NULL) != 0)
    goto no_lock;
  if (pthread_cond_init(&server->changed, NULL) != 0)
    goto no_cond;
  if (pthread_mutex_init(&server->edge.tls_lock, NULL) != 0)
    goto no_tls_lock;
  server->edge.options = *options;
  if (server->edge.options.loops == 0)
    server->edge.options.loops = 1;
  return server;
no_tls_lock:
  pthread_cond_destroy(&server->changed);
no_cond:
  pthread_mutex_destroy(&server->lock);
no_lock:
  free(server);
  return NULL;
}

/* Starts the threads, waits until each has said how it went, and tells all of them what to do. */
static bool us_server_run(struct us_http_server *server, char *ret_reason, size_t reason_bytes) {
  unsigned started = 0;
  while (started < server->count && us_http_thread_start(&server->threads[started]))
    started++;
  pthread_mutex_lock(&server->lock);
  while (server->ready + server->failed < started)
    pthread_cond_wait(&server->changed, &server->lock);
  if (started < server->count && !server->reason[0])
    snprintf(server->reason, sizeof server->reason, "a thread could not be started");
  server->may_run = started == server->count && server->failed == 0;
  server->is_decided = true;
  bool may_run = server->may_run;
  if (!may_run)
    snprintf(ret_reason, reason_bytes, "%s", server->reason);
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->lock);
  return may_run;
}

static void us_server_join(struct us_http_server *server) {
  for (unsigned i = 0; i < server->count; i++)
    if (server->threads[i].is_started) {
      pthread_join(server->threads[i].thread, NULL);
      server->threads[i].is_started = false;
    }
  server->is_stopped = true;
}

int us_http_server_start(const struct us_http_options *options, struct us_http_server **ret_server, char *ret_reason,
                         size_t reason_bytes) {
  struct us_http_server *server = us_server_alloc(options);
  if (!server) {
    snprintf(ret_reason, reason_bytes, "out of memory");
    return -1;
  }
  if (!us_server_make_parts(server, ret_reason, reason_bytes) || !us_server_run(server, ret_reason, reason_bytes)) {
    us_server_join(server);
    us_http_server_free(server);
    return -1;
  }
  if (reason_bytes)
    ret_reason[0] = '\0';
  *ret_server = server;
  return 0;
}

uint16_t us_http_server_port(const struct us_http_server *server, size_t listener) {
  return listener < server->edge.options.listener_count ? server->ports[listener] : 0;
}

int us_http_server_reload_tls(struct us_http_server *server, const struct us_http_tls *tls, char *ret_reason,
                              size_t reason_bytes) {
  struct us_edge *edge = &server->edge;
  if (!edge->tls) {
    snprintf(ret_reason, reason_bytes, "there is no TLS listener");
    return -1;
  }
  struct us_tls_context *context =
      us_tls_context_new(tls, edge->options.h2 != US_HTTP_H2_OFF, ret_reason, reason_bytes);
  if (!context)
    return -1;
  pthread_mutex_lock(&edge->tls_lock);
  struct us_tls_context *before = edge->tls;
  edge->tls = context;
  pthread_mutex_unlock(&edge->tls_lock);
  us_tls_context_free(before); /* connections that have it keep it */
  return 0;
}

struct us_http_counters us_http_server_counters(struct us_http_server *server) {
  struct us_http_counters sum = {0};
  for (unsigned i = 0; i < server->count; i++) {
    const struct us_loop *loop = server->threads[i].loop;
    sum.accepted += loop->accepted;
    sum.not_accepted += loop->not_accepted;
    sum.refused += loop->refused;
    sum.turned_away += loop->refused_connections;
    sum.broken += loop->broken;
    sum.requests += loop->requests;
    sum.open += loop->open;
  }
  return sum;
}

void us_http_server_stop(struct us_http_server *server, int64_t grace_ms) {
  if (server->is_stopped)
    return;
  server->grace_ms = grace_ms;
  for (unsigned i = 0; i < server->count; i++)
    us_loop_post(server->threads[i].loop, &server->threads[i].stop);
  us_server_join(server);
}

static void us_loop_free(struct us_loop *loop) {
  for (size_t i = 0; i < loop->listener_count; i++)
    us_listen_close(&loop->listeners[i].fd, 1);
  us_loop_done(loop);
  free(loop->listeners);
  free(loop);
}

/* A loop whose thread never ran still has its handles: they are closed here. */
static void us_loop_unwind(struct us_loop *loop) {
  us_loop_stop(loop, 0);
  us_loop_run(loop);
}

void us_http_server_free(struct us_http_server *server) {
  if (!server)
    return;
  us_http_server_stop(server, 0);
  for (unsigned i = 0; i < server->count; i++) {
    if (!server->threads[i].loop->is_ending)
      us_loop_unwind(server->threads[i].loop);
    us_loop_free(server->threads[i].loop);
  }
  free(server->threads);
  free(server->ports);
  us_quota_free(server->edge.quota);
  us_proxies_done(&server->edge.proxies);
  us_tls_context_free(server->edge.tls);
  pthread_mutex_destroy(&server->edge.tls_lock);
  pthread_cond_destroy(&server->changed);
  pthread_mutex_destroy(&server->lock);
  free(server);
}
