/*
 * One connection: inside of http/ only. conn.c is its life (bytes in, bytes out, deadlines, close), exchange.c is what is
 * said on it (requests, answers, refusals), and conn_h2.c the same when it speaks HTTP/2: then it stays READY, and has its
 * requests and answers in `h2`.
 *
 *            request complete            reply                  written out
 *   READY ---------------------> BUSY ---------> ANSWERING ---------------------> READY, or LINGER when it closes
 *     | refusal                                     ^
 *     +---------------------------------------------+            LINGER --other side closed, or deadline--> CLOSED
 *
 * Bytes that arrive when it is not READY wait in `in`; past the limit reading pauses.
 */
#ifndef USHER_HTTP_CONN_H
#define USHER_HTTP_CONN_H

#include "http/loop.h"
#include "http/parse.h"

/* After the last answer, so much is still read and thrown away: closing with unread bytes would reset the connection, and
 * the other side would lose the answer. */
#define US_LINGER_BYTES (256 * 1024)
#define US_LINGER_MS 2000
/* So many connections a loop, of those that are past the limit, may wait to be told so; the others are closed at once. */
/* Answers of the largest size, their head, and what TLS adds to them. */
#define US_CONN_DEFER_MAX (16 * 1024) /* answers up to this size wait for the end of the turn */
#define US_H2_HANDED_AT_ONCE 16       /* requests of one connection with HTTP/2 in an iteration of the loop */
#define US_CONN_OUT_MAX (US_HTTP_RESPONSE_BODY_MAX + US_HTTP_HEAD_MAX + 1024 * 1024)

enum us_conn_state { US_CONN_READY, US_CONN_BUSY, US_CONN_ANSWERING, US_CONN_LINGER, US_CONN_CLOSED };

struct us_h2;
struct us_h2_stream;
struct us_conn {
  uv_tcp_t tcp;
  struct us_loop *loop;
  struct us_conn *prev, *next;
  struct us_conn *prev_unsent, *next_unsent;
  struct us_wait wait;
  enum us_conn_state state;
  struct us_parser *parser;     /* of HTTP/1; NULL when it speaks HTTP/2 */
  struct us_h2 *h2;             /* NULL: HTTP/1 */
  struct us_exchange *exchange; /* being read (READY) or being answered (BUSY) */
  struct us_tls *tls;
  struct us_buf in;      /* plain bytes that wait for their turn */
  struct us_buf out;     /* bytes for the network that wait for `writing` */
  struct us_buf writing; /* owned by libuv until on_written */
  uv_write_t write;
  uv_shutdown_t shutdown;
  struct us_conn *prev_more, *next_more;
  uint64_t handed_in; /* the iteration in which `handed` requests were handed over */
  size_t handed;
  struct us_address peer;
  char peer_text[US_ADDRESS_TEXT_BYTES];
  size_t lingered;
  size_t preface_n; /* bytes so far that HTTP/2 begins with */
  bool may_be_h2;   /* plain, and nothing has come that HTTP/2 does not begin with */
  bool is_more;     /* in the loop's list of those with more requests */
  bool is_writing;
  bool is_unsent;    /* in the loop's list: `out` goes at the end of the turn */
  bool is_paused;    /* not reading: too much waits */
  bool is_consuming; /* us_conn_consume() is at work further up the stack */
  bool has_eof;      /* the other side sends no more */
  bool closes;       /* after the answer that is going out */
  bool said_continue;
  bool is_proxy; /* a trusted one */
  bool is_counted;
  _Atomic size_t *h2_bytes; /* of the address, while it is counted; or NULL */
  bool is_turned_away;      /* past the limit of connections: only here to be told so */
};

void us_conn_accept(struct us_loop_listener *listener);
void us_conn_expired(struct us_conn *conn, enum us_wait_kind kind);
void us_conn_close(struct us_conn *conn);
/* Plain bytes to the other side, through TLS when there is one. A failure closes the connection. */
void us_conn_send(struct us_conn *conn, struct us_str head, struct us_str body);
bool us_conn_has_sent_all(const struct us_conn *conn);
/* The same for an answer, which may wait for the end of the turn: us_conn_flush() then sends it. */
void us_conn_send_answer(struct us_conn *conn, struct us_str head, struct us_str body);
void us_conn_flush(struct us_conn *conn);
void us_conn_link_unsent(struct us_conn *conn); /* has it flushed at the end of the turn */
/* Sends `out`, at once as far as the socket takes it; true: all of it. Else the rest is on its way, or it has closed. */
bool us_conn_push(struct us_conn *conn, bool may_try);
void us_conn_linger(struct us_conn *conn); /* say that nothing more will come, wait for the other side to close */
/* READY again: goes on with the bytes that wait. */
void us_conn_resume(struct us_conn *conn);

/* exchange.c */
struct us_exchange {
  struct us_http_exchange pub; /* first: what the handler sees */
  struct us_conn *conn;        /* NULL: gone */
  struct us_h2_stream *stream; /* NULL: HTTP/1 */
  struct us_exchange *prev, *next;
  char peer_text[US_ADDRESS_TEXT_BYTES];
  char group_text[US_ADDRESS_TEXT_BYTES];
  bool is_with_handler;
};
struct us_exchange *us_exchange_new(struct us_conn *conn); /* NULL: no memory */
void us_exchange_free(struct us_exchange *x);
void us_exchange_forget(struct us_exchange *x); /* nobody waits for it; one with the handler lives on */
/* Who asks; 0, or the status with which the request is refused. */
int us_exchange_tell_peer(struct us_exchange *x, const char **ret_reason);
void us_exchange_hand_over(struct us_exchange *x); /* may be answered and gone when it returns */
/* Turns an answer that cannot be sent (too large, or the machine is out of memory) into one that can. */
void us_answer_failed(struct us_loop *loop, struct us_http_response *response);
/* Parses and hands over for as long as the connection is READY; returns how many bytes were used. */
size_t us_conn_consume(struct us_conn *conn, const char *bytes, size_t n);
void us_conn_refuse(struct us_conn *conn, int status, const char *reason);
void us_conn_after_answer(
    struct us_conn *conn);                   /* it has gone out, or waits for the end of the turn, or is on its way */
void us_conn_answered(struct us_conn *conn); /* it has gone out */
void us_conn_forget_exchange(struct us_conn *conn); /* the connection has gone; an exchange with the handler lives on */
void us_exchanges_drop(struct us_loop *loop);       /* frees what will never be answered */

/* conn_h2.c */
bool us_conn_h2_begin(struct us_conn *conn); /* false: it has closed */
void us_conn_h2_take(struct us_conn *conn, const char *bytes, size_t n);
void us_conn_h2_answer(struct us_exchange *x); /* and frees it */
void us_conn_h2_flush(struct us_conn *conn);
void us_conn_h2_go_on(struct us_loop *loop); /* with those in `more` */
void us_conn_h2_expired(struct us_conn *conn, enum us_wait_kind kind);
void us_conn_h2_stream_expired(struct us_wait *wait, enum us_wait_kind kind);
void us_conn_h2_stop(struct us_conn *conn); /* when what is under way has been answered */
void us_conn_h2_drop(struct us_conn *conn); /* the connection has gone */
bool us_conn_h2_is_busy(const struct us_conn *conn);

#endif
