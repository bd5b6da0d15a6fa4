/*
 * Requests, answers and refusals of a connection: see http/conn.h and http/server.h.
 *
 * An exchange has one memory root, made when the first byte of a request comes. While it is read the connection owns it;
 * with the handler it is in the loop's list, and knows its connection for as long as there is one.
 */
#include "base/mem.h"
#include "http/client_cert.h"
#include "http/conn.h"

#include <string.h>

struct us_exchange *us_exchange_new(struct us_conn *conn) {
  void *mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  struct us_exchange *x = mem ? us_mem_alloc(mem, sizeof *x) : NULL;
  if (!x) {
    us_mem_free(mem);
    return NULL;
  }
  x->pub.mem = mem;
  x->pub.loop = conn->loop;
  x->pub.user = NULL;
  x->conn = conn;
  x->stream = NULL;
  x->prev = x->next = NULL;
  x->is_with_handler = false;
  us_http_response_init(&x->pub.response);
  return x;
}

void us_exchange_free(struct us_exchange *x) {
  us_http_response_done(&x->pub.response);
  us_mem_free(x->pub.mem);
}

static void us_exchange_link(struct us_exchange *x) {
  struct us_loop *loop = x->pub.loop;
  x->is_with_handler = true;
  x->next = loop->exchanges;
  if (x->next)
    x->next->prev = x;
  loop->exchanges = x;
}

static void us_exchange_unlink(struct us_exchange *x) {
  if (x->prev)
    x->prev->next = x->next;
  else
    x->pub.loop->exchanges = x->next;
  if (x->next)
    x->next->prev = x->prev;
}

void us_exchange_forget(struct us_exchange *x) {
  if (x->is_with_handler) {
    x->conn = NULL;
    x->stream = NULL;
  } else {
    us_exchange_free(x);
  }
}

void us_conn_forget_exchange(struct us_conn *conn) {
  struct us_exchange *x = conn->exchange;
  conn->exchange = NULL;
  if (x)
    us_exchange_forget(x);
}

void us_exchanges_drop(struct us_loop *loop) {
  while (loop->exchanges) {
    struct us_exchange *x = loop->exchanges;
    us_exchange_unlink(x);
    us_exchange_free(x);
  }
}

/* Answers. */

void us_answer_failed(struct us_loop *loop, struct us_http_response *response) {
  us_http_response_done(response);
  us_http_response_init(response);
  us_answer_refuse(response, &loop->edge->options, 500, "The answer could not be made", US_STR_ABSENT);
}

static bool us_make_head(struct us_conn *conn, const struct us_http_response *response,
                         const struct us_answer_facts *facts) {
  struct us_loop *loop = conn->loop;
  us_buf_reset(&loop->head);
  return us_buf_ok(&response->body) && us_answer_head(&loop->head, response, us_date_line_now(&loop->date), facts);
}

static void us_conn_answer(struct us_conn *conn, const struct us_http_request *request,
                           struct us_http_response *response) {
  struct us_loop *loop = conn->loop;
  bool keeps = us_parser_keeps_alive(conn->parser) && !response->close && !loop->is_stopping &&
               !(conn->has_eof && conn->in.n == 0);
  struct us_answer_facts facts = {
      .is_head = request->method == US_METHOD_HEAD, .is_http10 = request->is_http10, .closes = !keeps};
  if (!us_make_head(conn, response, &facts)) {
    us_answer_failed(loop, response);
    facts.closes = true;
    if (!us_make_head(conn, response, &facts)) {
      us_conn_close(conn);
      return;
    }
  }
  conn->closes = facts.closes;
  struct us_str body = us_answer_has_body(response, facts.is_head) ? us_buf_str(&response->body) : US_STR_ABSENT;
  /* One TLS record, one segment, when it is small. */
  if (conn->tls && body.n && body.n < 4096) {
    us_buf_add_str(&loop->head, body);
    if (us_buf_ok(&loop->head)) /* else the head is as it was, and the body goes by itself */
      body = US_STR_ABSENT;
  }
  us_conn_send_answer(conn, us_buf_str(&loop->head), body);
}

void us_conn_after_answer(struct us_conn *conn) {
  if (conn->state == US_CONN_CLOSED)
    return;
  conn->state = US_CONN_ANSWERING;
  if (us_conn_has_sent_all(conn))
    us_conn_answered(conn);
  else if (!conn->is_unsent)
    us_loop_wait(conn->loop, &conn->wait, US_WAIT_ANSWER);
}

void us_conn_answered(struct us_conn *conn) {
  if (conn->closes || conn->loop->is_stopping) {
    us_conn_linger(conn);
    return;
  }
  conn->state = US_CONN_READY;
  us_loop_wait(conn->loop, &conn->wait, US_WAIT_IDLE);
  us_conn_resume(conn);
}

void us_http_exchange_reply(struct us_http_exchange *exchange) {
  struct us_exchange *x = (struct us_exchange *)exchange;
  struct us_loop *loop = exchange->loop;
  struct us_conn *conn = x->conn;
  us_exchange_unlink(x);
  if (x->stream) {
    us_conn_h2_answer(x);
    us_loop_end_if_idle(loop);
    return;
  }
  if (conn) {
    conn->exchange = NULL;
    us_conn_answer(conn, &exchange->request, &exchange->response);
  }
  us_exchange_free(x);
  if (conn)
    us_conn_after_answer(conn);
  us_loop_end_if_idle(loop);
}

void us_conn_refuse(struct us_conn *conn, int status, const char *reason) {
  struct us_exchange *x = conn->exchange;
  static const struct us_http_request nothing = {0};
  const struct us_http_request *request = x ? &x->pub.request : &nothing;
  struct us_http_response response;
  us_http_response_init(&response);
  us_wait_clear(&conn->loop->waits, &conn->wait);
  conn->loop->refused += !conn->is_turned_away; /* that is counted as a connection */
  us_answer_refuse(&response, &conn->loop->edge->options, status, reason, request->target);
  us_conn_answer(conn, request, &response);
  us_http_response_done(&response);
  us_conn_forget_exchange(conn);
  us_conn_after_answer(conn);
}

/* Requests. */

int us_exchange_tell_peer(struct us_exchange *x, const char **ret_reason) {
  struct us_conn *conn = x->conn;
  struct us_http_request *request = &x->pub.request;
  struct us_address client = conn->peer;
  if (conn->is_proxy) {
    client = us_proxies_client(&conn->loop->edge->proxies, &conn->peer, request);
    us_address_format(&client, x->peer_text);
  } else {
    memcpy(x->peer_text, conn->peer_text, sizeof x->peer_text);
  }
  request->peer = request->peer_group = us_str_c(x->peer_text);
  struct us_address group = us_address_group(&client);
  if (!us_address_eq(&group, &client)) {
    us_address_format(&group, x->group_text);
    request->peer_group = us_str_c(x->group_text);
  }
  request->is_tls = conn->tls != NULL;
  return us_client_cert_tell(request, x->pub.mem, &conn->loop->certs, conn->tls ? us_tls_client_cert(conn->tls) : NULL,
                             conn->is_proxy, conn->loop->edge->options.client_cert_header, ret_reason);
}

void us_exchange_hand_over(struct us_exchange *x) {
  struct us_loop *loop = x->pub.loop;
  us_exchange_link(x);
  loop->requests++;
  loop->edge->options.on_request(loop->edge->options.self, &x->pub);
}

static void us_conn_hand_over(struct us_conn *conn) {
  struct us_loop *loop = conn->loop;
  struct us_exchange *x = conn->exchange;
  us_wait_clear(&loop->waits, &conn->wait);
  const char *reason = NULL;
  int status = us_exchange_tell_peer(x, &reason);
  if (status) {
    us_conn_refuse(conn, status, reason);
    return;
  }
  conn->state = US_CONN_BUSY;
  us_exchange_hand_over(x);
}

/* The request is not complete: the deadline of its part runs, and the client may wait for a word. */
static void us_conn_wait_for_more(struct us_conn *conn) {
  if (us_parser_wants_continue(conn->parser) && !conn->said_continue) {
    conn->said_continue = true;
    us_conn_send(conn, US_STR("HTTP/1.1 100 Continue\r\n\r\n"), US_STR_ABSENT);
    if (conn->state == US_CONN_CLOSED)
      return;
  }
  enum us_wait_kind kind = us_parser_head_is_done(conn->parser) ? US_WAIT_BODY : US_WAIT_HEAD;
  if (conn->wait.kind != kind)
    us_loop_wait(conn->loop, &conn->wait, kind);
}

static size_t us_conn_feed(struct us_conn *conn, const char *bytes, size_t n) {
  if (!conn->exchange) {
    conn->said_continue = false;
    conn->exchange = us_exchange_new(conn);
    if (!conn->exchange) {
      us_conn_refuse(conn, 503, "The server is out of memory");
      return n;
    }
    us_parser_begin(conn->parser, conn->exchange->pub.mem, &conn->exchange->pub.request,
                    &conn->loop->edge->options.limits);
  }
  size_t used = 0;
  const char *reason = NULL;
  int status;
  switch (us_parser_feed(conn->parser, bytes, n, &used)) {
  case US_PARSE_COMPLETE:
    us_conn_hand_over(conn);
    return used;
  case US_PARSE_MORE:
    us_conn_wait_for_more(conn);
    return n;
  default:
    status = us_parser_refusal(conn->parser, &reason);
    us_conn_refuse(conn, status, reason);
    return n;
  }
}

size_t us_conn_consume(struct us_conn *conn, const char *bytes, size_t n) {
  size_t used = 0;
  conn->is_consuming = true;
  while (used < n && conn->state == US_CONN_READY)
    used += us_conn_feed(conn, bytes + used, n - used);
  conn->is_consuming = false;
  return used;
}
