/*
 * HTTP/2 on a connection: see http/h2.h for the protocol and http/conn.h for the connection. Each stream has an exchange,
 * as a request of HTTP/1 has.
 *
 * Turns: what a connection has to say goes out when the turn ends, the answers of all its streams in one write. It hands
 * over a few requests an iteration of the loop and then lets the others have theirs: a hundred streams wait for each other,
 * not everybody for them.
 *
 * Deadlines: a stream has those of its body and of its answer; the connection that of a head (whose frames nothing may
 * come between), of a write, and when it has no stream the one of being idle.
 */
#include "http/conn.h"
#include "http/h2.h"

#include <string.h>

#define US_H2_OUT_BYTES (64 * 1024) /* frames made at once */
#define US_H2_OUT_ROUNDS 4          /* writes in one turn; the next waits until the socket has room again */

/* What http/h2.c asks of its owner. */

static void *us_h2_begin_exchange(void *self, struct us_h2_stream *stream) {
  struct us_exchange *x = us_exchange_new(self);
  if (!x)
    return NULL;
  x->stream = stream;
  stream->user = x;
  stream->request = &x->pub.request;
  return x->pub.mem;
}

static void us_h2_set_wait(void *self, struct us_h2_stream *stream, enum us_h2_wait wait) {
  struct us_conn *conn = self;
  if (wait == US_H2_WAITS_NOT)
    us_wait_clear(&conn->loop->waits, &stream->wait);
  else
    us_loop_wait(conn->loop, &stream->wait, wait == US_H2_WAITS_BODY ? US_WAIT_STREAM_BODY : US_WAIT_STREAM_ANSWER);
}

static void us_h2_drop_exchange(void *self, struct us_h2_stream *stream) {
  (void)self;
  us_exchange_forget(stream->user);
}

/* Ready streams that wait for the next iteration of the loop. */

static void us_h2_link_more(struct us_conn *conn) {
  struct us_loop *loop = conn->loop;
  if (conn->is_more)
    return;
  conn->is_more = true;
  conn->prev_more = NULL;
  conn->next_more = loop->more;
  if (conn->next_more)
    conn->next_more->prev_more = conn;
  loop->more = conn;
  us_loop_run_again(loop);
}

static void us_h2_unlink_more(struct us_conn *conn) {
  if (!conn->is_more)
    return;
  conn->is_more = false;
  *(conn->prev_more ? &conn->prev_more->next_more : &conn->loop->more) = conn->next_more;
  if (conn->next_more)
    conn->next_more->prev_more = conn->prev_more;
}

/* The end. */

void us_conn_h2_drop(struct us_conn *conn) {
  struct us_h2 *h2 = conn->h2;
  us_h2_unlink_more(conn);
  conn->h2 = NULL;
  us_h2_free(h2);
}

/* The connection ends for a reason that the client is told, and what is under way with it. */
static void us_conn_h2_end(struct us_conn *conn, uint32_t code) {
  char goodbye[US_H2_GOAWAY_BYTES];
  us_h2_goodbye(conn->h2, code, goodbye);
  conn->loop->broken++;
  us_conn_h2_drop(conn);
  us_wait_clear(&conn->loop->waits, &conn->wait);
  us_conn_send(conn, (struct us_str){goodbye, sizeof goodbye}, US_STR_ABSENT);
  conn->closes = true;
  us_conn_after_answer(conn);
}

/* After anything has happened: ends what is over, or sets the deadline that the connection has now. */
static void us_conn_h2_settle(struct us_conn *conn) {
  if (!conn->h2)
    return;
  uint32_t code;
  if (us_h2_has_failed(conn->h2, &code)) {
    us_conn_h2_end(conn, code);
    return;
  }
  bool is_idle = us_h2_streams(conn->h2) == 0;
  bool has_sent_all = us_conn_has_sent_all(conn) && !us_h2_wants_write(conn->h2);
  if (has_sent_all && us_h2_is_over(conn->h2)) {
    us_conn_h2_drop(conn);
    us_conn_linger(conn);
    return;
  }
  if (has_sent_all && is_idle && conn->has_eof) {
    us_conn_close(conn);
    return;
  }
  enum us_wait_kind kind = conn->is_writing             ? US_WAIT_ANSWER
                           : us_h2_is_in_head(conn->h2) ? US_WAIT_HEAD
                           : is_idle                    ? US_WAIT_IDLE
                                                        : US_WAIT_NONE;
  if (kind == US_WAIT_NONE)
    us_wait_clear(&conn->loop->waits, &conn->wait);
  else if (kind != conn->wait.kind)
    us_loop_wait(conn->loop, &conn->wait, kind);
  if (us_h2_has_next(conn->h2))
    us_h2_link_more(conn);
}

/* Requests. */

static void us_h2_send_refusal(struct us_conn *conn, struct us_exchange *x, int status, const char *reason) {
  struct us_loop *loop = conn->loop;
  struct us_http_response *response = &x->pub.response;
  loop->refused++;
  us_answer_refuse(response, &loop->edge->options, status, reason, x->pub.request.target);
  response->close = false; /* nothing is in doubt about where the next request begins */
  us_conn_h2_answer(x);
}

static void us_conn_h2_hand_over(struct us_conn *conn) {
  struct us_loop *loop = conn->loop;
  struct us_h2_stream *stream;
  if (conn->handed_in != loop->iteration) {
    conn->handed_in = loop->iteration;
    conn->handed = 0;
  }
  while (conn->handed < US_H2_HANDED_AT_ONCE && (stream = us_h2_next(conn->h2))) {
    struct us_exchange *x = stream->user;
    const char *reason = stream->reason;
    int status = stream->status ? stream->status : us_exchange_tell_peer(x, &reason);
    conn->handed++;
    if (status)
      us_h2_send_refusal(conn, x, status, reason);
    else
      us_exchange_hand_over(x);
  }
}

/* To be called from the top of a callback: hands over what is ready, and has the rest sent when the turn ends. */
static void us_conn_h2_attend(struct us_conn *conn) {
  us_conn_h2_hand_over(conn);
  if (us_h2_wants_write(conn->h2))
    us_conn_link_unsent(conn);
  us_conn_h2_settle(conn);
}

void us_conn_h2_go_on(struct us_loop *loop) {
  struct us_conn *conn = loop->more;
  loop->more = NULL;
  struct us_conn *first = conn;
  for (; conn; conn = conn->next_more)
    conn->is_more = false;
  while (first) {
    conn = first;
    first = conn->next_more;
    us_conn_h2_attend(conn);
  }
}

bool us_conn_h2_begin(struct us_conn *conn) {
  const struct us_h2_hooks hooks = {
      .self = conn, .begin = us_h2_begin_exchange, .wait = us_h2_set_wait, .drop = us_h2_drop_exchange};
  conn->h2 = us_h2_new(&conn->loop->edge->options.limits, &hooks, conn->h2_bytes);
  if (!conn->h2) {
    us_conn_close(conn);
    return false;
  }
  us_parser_free(conn->parser);
  conn->parser = NULL;
  us_conn_h2_attend(conn);
  return conn->h2 != NULL;
}

void us_conn_h2_take(struct us_conn *conn, const char *bytes, size_t n) {
  us_h2_feed(conn->h2, bytes, n, us_loop_now(conn->loop));
  us_conn_h2_attend(conn);
}

/* Answers. */

void us_conn_h2_answer(struct us_exchange *x) {
  struct us_conn *conn = x->conn;
  struct us_loop *loop = x->pub.loop;
  struct us_http_response *response = &x->pub.response;
  bool closes = response->close;
  if (!us_buf_ok(&response->body) || !us_h2_fits(response))
    us_answer_failed(loop, response);
  us_h2_answer(conn->h2, x->stream, response, us_date_now(&loop->date), x->pub.request.method == US_METHOD_HEAD);
  if (closes)
    us_h2_shut_down(conn->h2);
  us_exchange_free(x);
  us_conn_link_unsent(conn); /* which also looks after a failure */
}

/* False when it has failed. */
static bool us_conn_h2_fill(struct us_conn *conn) {
  struct us_buf *frames = conn->tls ? &conn->loop->frames : &conn->out;
  us_h2_fill(conn->h2, frames, US_H2_OUT_BYTES);
  bool is_good = us_buf_ok(frames);
  if (conn->tls) {
    is_good = is_good && us_tls_write(conn->tls, frames->p, frames->n, &conn->out) && us_buf_ok(&conn->out);
    us_buf_reset(frames);
  }
  return is_good;
}

void us_conn_h2_flush(struct us_conn *conn) {
  bool was_writing = conn->is_writing;
  for (unsigned round = 0; !conn->is_writing; round++) {
    if (!us_conn_h2_fill(conn)) {
      us_conn_close(conn);
      return;
    }
    if (conn->out.n == 0)
      break;
    if (!us_conn_push(conn, round < US_H2_OUT_ROUNDS))
      break;
  }
  if (conn->state == US_CONN_CLOSED)
    return;
  if (conn->is_writing && !was_writing) /* from now on: the client has taken something */
    us_loop_wait(conn->loop, &conn->wait, US_WAIT_ANSWER);
  us_conn_h2_settle(conn);
}

/* Deadlines. */

static struct us_h2_stream *us_h2_stream_of_wait(struct us_wait *wait) {
  return (struct us_h2_stream *)((char *)wait - offsetof(struct us_h2_stream, wait));
}

void us_conn_h2_stream_expired(struct us_wait *wait, enum us_wait_kind kind) {
  struct us_h2_stream *stream = us_h2_stream_of_wait(wait);
  struct us_conn *conn = stream->self;
  if (kind == US_WAIT_STREAM_BODY)
    us_h2_refuse(conn->h2, stream, 408, "The request took too long to arrive");
  else
    us_h2_cancel(conn->h2, stream, US_H2_CANCEL);
  us_conn_h2_attend(conn);
}

void us_conn_h2_expired(struct us_conn *conn, enum us_wait_kind kind) {
  if (kind == US_WAIT_HEAD) {
    us_conn_h2_end(conn, US_H2_ENHANCE_YOUR_CALM);
    return;
  }
  us_h2_finish(conn->h2);
  us_conn_h2_attend(conn);
}

void us_conn_h2_stop(struct us_conn *conn) {
  us_h2_shut_down(conn->h2);
  us_conn_h2_attend(conn);
}

bool us_conn_h2_is_busy(const struct us_conn *conn) {
  return us_h2_streams(conn->h2) > 0 || !us_conn_has_sent_all(conn);
}
