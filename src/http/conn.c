/* The life of a connection: see http/conn.h. */
#include "http/conn.h"

#include "base/log.h"
#include "http/h2.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that may wait: what is allowed to, and what one read may bring on top. */
static size_t us_conn_in_max(const struct us_conn *conn) {
  return conn->loop->edge->options.limits.pipelined_bytes + 2 * US_LOOP_INPUT_BYTES;
}

/* The end. */

static void us_conn_free(struct us_conn *conn) {
  us_buf_done(&conn->in);
  us_buf_done(&conn->out);
  us_buf_done(&conn->writing);
  us_parser_free(conn->parser);
  us_tls_free(conn->tls);
  free(conn);
}

static void us_on_closed(uv_handle_t *handle) {
  struct us_conn *conn = handle->data;
  struct us_loop *loop = conn->loop;
  if (conn->prev)
    conn->prev->next = conn->next;
  else
    loop->conns = conn->next;
  if (conn->next)
    conn->next->prev = conn->prev;
  if (conn->is_counted)
    us_quota_give_back(loop->edge->quota, &conn->peer, conn->is_proxy);
  if (conn->is_turned_away)
    loop->turned_away--;
  loop->open--;
  us_conn_free(conn);
  us_loop_end_if_idle(loop);
}

void us_conn_link_unsent(struct us_conn *conn) {
  struct us_loop *loop = conn->loop;
  if (conn->is_unsent)
    return;
  conn->is_unsent = true;
  conn->prev_unsent = NULL;
  conn->next_unsent = loop->unsent;
  if (conn->next_unsent)
    conn->next_unsent->prev_unsent = conn;
  loop->unsent = conn;
  if (loop->unsent_count++ == 0)
    loop->unsent_since_ns = uv_hrtime();
}

static void us_conn_unlink_unsent(struct us_conn *conn) {
  struct us_loop *loop = conn->loop;
  if (!conn->is_unsent)
    return;
  conn->is_unsent = false;
  if (conn->prev_unsent)
    conn->prev_unsent->next_unsent = conn->next_unsent;
  else
    loop->unsent = conn->next_unsent;
  if (conn->next_unsent)
    conn->next_unsent->prev_unsent = conn->prev_unsent;
  loop->unsent_count--;
}

/* True when the connection is to be closed now. */
static bool us_conn_retire(struct us_conn *conn) {
  if (conn->state == US_CONN_CLOSED)
    return false;
  conn->state = US_CONN_CLOSED;
  us_conn_unlink_unsent(conn);
  us_wait_clear(&conn->loop->waits, &conn->wait);
  us_conn_forget_exchange(conn);
  if (conn->h2)
    us_conn_h2_drop(conn);
  return true;
}

void us_conn_close(struct us_conn *conn) {
  if (us_conn_retire(conn))
    uv_close((uv_handle_t *)&conn->tcp, us_on_closed);
}

/* Without waiting for the other side to take what the kernel still holds for it. */
static void us_conn_reset(struct us_conn *conn) {
  if (us_conn_retire(conn) && uv_tcp_close_reset(&conn->tcp, us_on_closed) != 0)
    uv_close((uv_handle_t *)&conn->tcp, us_on_closed);
}

/* Bytes out. */

bool us_conn_has_sent_all(const struct us_conn *conn) {
  return !conn->is_writing && conn->out.n == 0;
}

static void us_on_written(uv_write_t *write, int status);

/* Hands what waits to libuv. */
static void us_conn_write_on(struct us_conn *conn) {
  conn->writing = conn->out;
  us_buf_init(&conn->out, US_CONN_OUT_MAX);
  conn->is_writing = true;
  conn->write.data = conn;
  uv_buf_t buf = uv_buf_init(conn->writing.p, (unsigned)conn->writing.n);
  if (uv_write(&conn->write, (uv_stream_t *)&conn->tcp, &buf, 1, us_on_written) == 0)
    return;
  conn->is_writing = false;
  us_conn_close(conn);
}

static void us_on_written(uv_write_t *write, int status) {
  struct us_conn *conn = write->data;
  conn->is_writing = false;
  us_buf_done(&conn->writing);
  if (conn->state == US_CONN_CLOSED)
    return;
  if (status < 0) {
    us_conn_close(conn);
    return;
  }
  if (conn->out.n)
    us_conn_write_on(conn);
  else if (conn->state == US_CONN_ANSWERING)
    us_conn_answered(conn);
  else if (conn->h2)
    us_conn_flush(conn);
}

/* Behind what waits already; on the network at the end of the turn. */
static void us_conn_defer(struct us_conn *conn, struct us_str a, struct us_str b) {
  us_buf_reserve(&conn->out, a.n + b.n);
  us_buf_add_str(&conn->out, a);
  us_buf_add_str(&conn->out, b);
  if (!us_buf_ok(&conn->out))
    us_conn_close(conn);
  else
    us_conn_link_unsent(conn);
}

bool us_conn_push(struct us_conn *conn, bool may_try) {
  uv_buf_t buf = uv_buf_init(conn->out.p, (unsigned)conn->out.n);
  int code = may_try ? uv_try_write((uv_stream_t *)&conn->tcp, &buf, 1) : UV_EAGAIN;
  if (code < 0 && code != UV_EAGAIN) {
    us_conn_close(conn);
    return false;
  }
  size_t sent = code < 0 ? 0 : (size_t)code;
  if (sent == conn->out.n) {
    us_buf_done(&conn->out);
    return true;
  }
  us_buf_drop_front(&conn->out, sent);
  us_conn_write_on(conn);
  return false;
}

void us_conn_flush(struct us_conn *conn) {
  us_conn_unlink_unsent(conn);
  if (conn->h2) {
    us_conn_h2_flush(conn);
    return;
  }
  if (conn->is_writing || conn->out.n == 0)
    return;
  if (us_conn_push(conn, true)) {
    if (conn->state == US_CONN_ANSWERING)
      us_conn_answered(conn);
  } else if (conn->state == US_CONN_ANSWERING)
    us_loop_wait(conn->loop, &conn->wait, US_WAIT_ANSWER);
}

/* What is large mostly fits into the socket at once: one system call, nothing copied. What does not fit is copied and waits. */
static void us_conn_send_raw(struct us_conn *conn, struct us_str a, struct us_str b, bool may_wait) {
  size_t sent = 0;
  if (may_wait && !conn->is_writing && a.n + b.n <= US_CONN_DEFER_MAX) {
    us_conn_defer(conn, a, b);
    return;
  }
  if (us_conn_has_sent_all(conn)) {
    uv_buf_t bufs[2] = {uv_buf_init((char *)(uintptr_t)a.p, (unsigned)a.n),
                        uv_buf_init((char *)(uintptr_t)b.p, (unsigned)b.n)};
    int code = uv_try_write((uv_stream_t *)&conn->tcp, bufs, b.n ? 2 : 1);
    if (code < 0 && code != UV_EAGAIN) {
      us_conn_close(conn);
      return;
    }
    sent = code < 0 ? 0 : (size_t)code;
    if (sent == a.n + b.n)
      return;
  }
  size_t sent_a = sent < a.n ? sent : a.n;
  us_buf_add(&conn->out, a.p + sent_a, a.n - sent_a);
  if (b.n)
    us_buf_add(&conn->out, b.p + (sent - sent_a), b.n - (sent - sent_a));
  if (!us_buf_ok(&conn->out))
    us_conn_close(conn);
  else if (!conn->is_writing)
    us_conn_write_on(conn);
}

/* Sends what TLS has written into the loop's buffer. To be called before anything else may run. */
static void us_conn_flush_cipher(struct us_conn *conn, bool may_wait) {
  struct us_buf *cipher = &conn->loop->cipher;
  if (!us_buf_ok(cipher))
    us_conn_close(conn);
  else if (cipher->n && conn->state != US_CONN_CLOSED)
    us_conn_send_raw(conn, us_buf_str(cipher), US_STR_ABSENT, may_wait);
  us_buf_reset(cipher);
  if (cipher->room > US_LOOP_INPUT_BYTES)
    us_buf_done(cipher);
}

static void us_conn_send_tls(struct us_conn *conn, struct us_str head, struct us_str body, bool may_wait) {
  struct us_buf *cipher = &conn->loop->cipher;
  assert(cipher->n == 0);
  if (!us_tls_write(conn->tls, head.p, head.n, cipher) || !us_tls_write(conn->tls, body.p, body.n, cipher)) {
    us_buf_reset(cipher);
    us_conn_close(conn);
    return;
  }
  us_conn_flush_cipher(conn, may_wait);
}

static void us_conn_send_either(struct us_conn *conn, struct us_str head, struct us_str body, bool may_wait) {
  if (conn->state == US_CONN_CLOSED)
    return;
  if (conn->tls)
    us_conn_send_tls(conn, head, body, may_wait);
  else
    us_conn_send_raw(conn, head, body, may_wait);
}

void us_conn_send(struct us_conn *conn, struct us_str head, struct us_str body) {
  us_conn_send_either(conn, head, body, false);
}
void us_conn_send_answer(struct us_conn *conn, struct us_str head, struct us_str body) {
  us_conn_send_either(conn, head, body, true);
}

static void us_on_shut(uv_shutdown_t *shutdown, int status) {
  struct us_conn *conn = shutdown->data;
  if (conn->state != US_CONN_CLOSED && (status < 0 || conn->has_eof))
    us_conn_close(conn);
}

static void us_conn_start_reading(struct us_conn *conn);

void us_conn_linger(struct us_conn *conn) {
  if (conn->tls) {
    us_tls_say_goodbye(conn->tls, &conn->loop->cipher);
    us_conn_flush_cipher(conn, false);
  }
  if (conn->state == US_CONN_CLOSED)
    return;
  conn->state = US_CONN_LINGER;
  us_buf_done(&conn->in);
  us_loop_wait(conn->loop, &conn->wait, US_WAIT_LINGER);
  conn->shutdown.data = conn;
  if (uv_shutdown(&conn->shutdown, (uv_stream_t *)&conn->tcp, us_on_shut) != 0) {
    us_conn_close(conn);
    return;
  }
  us_conn_start_reading(conn);
}

/* Bytes in. */

static void us_conn_pause_if_full(struct us_conn *conn) {
  if (conn->is_paused || conn->in.n < conn->loop->edge->options.limits.pipelined_bytes)
    return;
  conn->is_paused = true;
  uv_read_stop((uv_stream_t *)&conn->tcp);
}

static void us_conn_keep(struct us_conn *conn, const char *bytes, size_t n) {
  us_buf_add(&conn->in, bytes, n);
  if (!us_buf_ok(&conn->in))
    us_conn_close(conn);
  else
    us_conn_pause_if_full(conn);
}

/* RFC 9113 3.3: a client that knows begins with the preface. What only looks like its beginning goes to HTTP/1. */
static void us_conn_take_plain(struct us_conn *conn, const char *bytes, size_t n);
static void us_conn_take_first(struct us_conn *conn, const char *bytes, size_t n) {
  size_t at = 0, before = conn->preface_n;
  while (at < n && conn->preface_n < US_H2_PREFACE_BYTES && bytes[at] == US_H2_PREFACE[conn->preface_n]) {
    at++;
    conn->preface_n++;
  }
  if (at == n && conn->preface_n < US_H2_PREFACE_BYTES) {
    if (before == 0)
      us_loop_wait(conn->loop, &conn->wait, US_WAIT_HEAD);
    return;
  }
  conn->may_be_h2 = false;
  if (conn->preface_n == US_H2_PREFACE_BYTES && !us_conn_h2_begin(conn))
    return;
  us_conn_take_plain(conn, US_H2_PREFACE, conn->preface_n == US_H2_PREFACE_BYTES ? US_H2_PREFACE_BYTES : before);
  if (conn->preface_n < US_H2_PREFACE_BYTES)
    at = 0;
  if (at < n)
    us_conn_take_plain(conn, bytes + at, n - at);
}

static void us_conn_take_plain(struct us_conn *conn, const char *bytes, size_t n) {
  if (conn->h2) {
    us_conn_h2_take(conn, bytes, n);
    return;
  }
  if (conn->may_be_h2) {
    us_conn_take_first(conn, bytes, n);
    return;
  }
  size_t used = 0;
  if (conn->state == US_CONN_READY)
    used = us_conn_consume(conn, bytes, n);
  if (used < n && (conn->state == US_CONN_BUSY || conn->state == US_CONN_ANSWERING))
    us_conn_keep(conn, bytes + used, n - used);
}

/* The other side has ended its stream. What it has asked for is still answered. */
static void us_conn_end_of_input(struct us_conn *conn) {
  conn->has_eof = true;
  if (conn->h2 && us_conn_h2_is_busy(conn))
    return;
  if (conn->state == US_CONN_READY || (conn->state == US_CONN_LINGER && us_conn_has_sent_all(conn)))
    us_conn_close(conn);
}

static void us_conn_take_cipher(struct us_conn *conn, const char *bytes, size_t n) {
  struct us_loop *loop = conn->loop;
  if (!us_tls_is_established(conn->tls) && conn->wait.kind == US_WAIT_IDLE)
    us_loop_wait(loop, &conn->wait, US_WAIT_HEAD); /* a handshake must not be slower than a head */
  us_tls_feed(conn->tls, bytes, n);
  while (conn->state != US_CONN_CLOSED && conn->state != US_CONN_LINGER) {
    bool was_established = us_tls_is_established(conn->tls);
    assert(loop->cipher.n == 0);
    int got = us_tls_read(conn->tls, loop->plain, sizeof loop->plain, &loop->cipher);
    us_conn_flush_cipher(conn, false);
    if (conn->state == US_CONN_CLOSED)
      return;
    if (!was_established && us_tls_is_established(conn->tls)) {
      us_loop_wait(loop, &conn->wait, US_WAIT_IDLE);
      if (us_tls_speaks_h2(conn->tls) && !us_conn_h2_begin(conn))
        return;
    }
    if (got > 0) {
      us_conn_take_plain(conn, loop->plain, (size_t)got);
      continue;
    }
    if (got == US_TLS_FAILED)
      us_conn_close(conn);
    else if (got == US_TLS_END)
      us_conn_end_of_input(conn);
    return;
  }
}

static void us_conn_take_lingering(struct us_conn *conn, size_t n) {
  conn->lingered += n;
  if (conn->lingered > US_LINGER_BYTES)
    us_conn_close(conn);
}

static void us_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct us_conn *conn = stream->data;
  if (n == 0 || conn->state == US_CONN_CLOSED)
    return;
  if (n == UV_EOF)
    us_conn_end_of_input(conn);
  else if (n < 0)
    us_conn_close(conn);
  else if (conn->state == US_CONN_LINGER)
    us_conn_take_lingering(conn, (size_t)n);
  else if (conn->tls)
    us_conn_take_cipher(conn, buf->base, (size_t)n);
  else
    us_conn_take_plain(conn, buf->base, (size_t)n);
  us_loop_end_long_turn(stream->loop->data);
}

/* All connections of a loop read into one buffer: an idle connection holds none. */
static void us_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf) {
  (void)suggested;
  struct us_conn *conn = handle->data;
  size_t room = sizeof conn->loop->input;
  if (conn->state == US_CONN_BUSY || conn->state == US_CONN_ANSWERING) {
    size_t max = conn->loop->edge->options.limits.pipelined_bytes;
    size_t left = conn->in.n < max ? max - conn->in.n : 1;
    room = left < room ? left : room;
  }
  *ret_buf = uv_buf_init(conn->loop->input, (unsigned)room);
}

static void us_conn_start_reading(struct us_conn *conn) {
  conn->is_paused = false;
  if (conn->has_eof)
    return;
  int code = uv_read_start((uv_stream_t *)&conn->tcp, us_on_alloc, us_on_read);
  if (code != 0 && code != UV_EALREADY)
    us_conn_close(conn);
}

void us_conn_resume(struct us_conn *conn) {
  if (conn->is_consuming) /* the loop in us_conn_consume() goes on by itself */
    return;
  if (conn->in.n) {
    size_t used = us_conn_consume(conn, conn->in.p, conn->in.n);
    us_buf_drop_front(&conn->in, used);
    if (conn->in.n == 0)
      us_buf_done(&conn->in);
  }
  if (conn->state == US_CONN_READY && conn->has_eof) {
    us_conn_close(conn);
    return;
  }
  bool is_open = conn->state != US_CONN_CLOSED && conn->state != US_CONN_LINGER;
  if (is_open && conn->is_paused && conn->in.n < conn->loop->edge->options.limits.pipelined_bytes)
    us_conn_start_reading(conn);
}

/* Deadlines. */

void us_conn_expired(struct us_conn *conn, enum us_wait_kind kind) {
  if (conn->h2 && (kind == US_WAIT_HEAD || kind == US_WAIT_IDLE)) {
    us_conn_h2_expired(conn, kind);
    return;
  }
  switch (kind) {
  case US_WAIT_HEAD:
  case US_WAIT_BODY:
    if (conn->tls && !us_tls_is_established(conn->tls))
      us_conn_close(conn);
    else
      us_conn_refuse(conn, 408, "The request took too long to arrive");
    return;
  case US_WAIT_ANSWER:
    us_conn_reset(conn);
    return;
  default:
    us_conn_close(conn);
    return;
  }
}

/* The beginning. */

static void us_on_spare_closed(uv_handle_t *handle) {
  struct us_loop *loop = handle->loop->data;
  handle->data = NULL;
  /* A listener that found the spare in use has stopped watching until its connection is taken. */
  for (size_t i = 0; i < loop->listener_count && !loop->is_stopping; i++)
    if (loop->listeners[i].is_open)
      us_conn_accept(&loop->listeners[i]);
}

/* No memory for a connection: it is accepted all the same, and closed, or the listener would hang on it for ever. */
static void us_conn_turn_away(struct us_loop_listener *listener) {
  struct us_loop *loop = listener->loop;
  uv_tcp_t *tcp = &loop->spare->tcp;
  if (tcp->data) /* in use */
    return;
  loop->refused_connections++;
  tcp->data = loop;
  if (uv_tcp_init(&loop->uv, tcp) != 0) {
    tcp->data = NULL;
    return;
  }
  (void)uv_accept((uv_stream_t *)&listener->tcp, (uv_stream_t *)tcp);
  uv_close((uv_handle_t *)tcp, us_on_spare_closed);
}

static struct us_conn *us_conn_new(struct us_loop_listener *listener) {
  struct us_edge *edge = listener->loop->edge;
  struct us_conn *conn = calloc(1, sizeof *conn);
  if (!conn)
    return NULL;
  conn->loop = listener->loop;
  us_buf_init(&conn->in, us_conn_in_max(conn));
  us_buf_init(&conn->out, US_CONN_OUT_MAX);
  conn->parser = us_parser_new();
  if (conn->parser && listener->is_tls) {
    pthread_mutex_lock(&edge->tls_lock);
    conn->tls = us_tls_new(edge->tls);
    pthread_mutex_unlock(&edge->tls_lock);
  }
  if (!conn->parser || (listener->is_tls && !conn->tls) || uv_tcp_init(&listener->loop->uv, &conn->tcp) != 0) {
    us_conn_free(conn);
    return NULL;
  }
  conn->tcp.data = conn;
  conn->may_be_h2 = !listener->is_tls && edge->options.h2 == US_HTTP_H2_PLAIN;
  return conn;
}

static bool us_conn_learn_peer(struct us_conn *conn) {
  struct sockaddr_storage peer;
  int n = sizeof peer;
  if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&peer, &n) != 0 ||
      !us_address_of_sockaddr((struct sockaddr *)&peer, &conn->peer))
    return false; /* gone already */
  us_address_format(&conn->peer, conn->peer_text);
  conn->is_proxy = us_proxies_have(&conn->loop->edge->proxies, &conn->peer);
  return true;
}

/* Too many connections: told so when that costs nothing (in TLS it would cost a handshake). */
static void us_conn_refuse_connection(struct us_conn *conn) {
  struct us_loop *loop = conn->loop;
  size_t told = loop->edge->options.limits.turned_away;
  loop->refused_connections++;
  if (conn->tls || loop->turned_away >= (told > 0 ? told : US_TURNED_AWAY_MAX)) {
    us_conn_close(conn);
    return;
  }
  conn->is_turned_away = true;
  loop->turned_away++;
  us_conn_refuse(conn, 503, "Too many connections");
}

void us_conn_accept(struct us_loop_listener *listener) {
  struct us_loop *loop = listener->loop;
  struct us_conn *conn = us_conn_new(listener);
  if (!conn) {
    us_conn_turn_away(listener);
    return;
  }
  conn->next = loop->conns;
  if (conn->next)
    conn->next->prev = conn;
  loop->conns = conn;
  loop->open++;
  if (uv_accept((uv_stream_t *)&listener->tcp, (uv_stream_t *)&conn->tcp) != 0 || !us_conn_learn_peer(conn)) {
    us_conn_close(conn);
    return;
  }
  loop->accepted++;
  uv_tcp_nodelay(&conn->tcp, 1); /* an answer is written whole: waiting for more would only delay it */
  conn->is_counted = us_quota_take(loop->edge->quota, &conn->peer, conn->is_proxy, &conn->h2_bytes);
  if (!conn->is_counted) {
    us_conn_refuse_connection(conn);
    return;
  }
  us_loop_wait(loop, &conn->wait, US_WAIT_IDLE);
  us_conn_start_reading(conn);
}
