/* An event loop with its listeners, job queue and deadlines: see http/loop.h. */
#include "http/loop.h"

#include "base/log.h"
#include "http/conn.h"
#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct us_conn *us_conn_of_wait(struct us_wait *wait) {
  return (struct us_conn *)((char *)wait - offsetof(struct us_conn, wait));
}

int64_t us_loop_now(const struct us_loop *loop) {
  return (int64_t)uv_now(&loop->uv);
}

void *us_loop_data(struct us_loop *loop) {
  return loop->data;
}
unsigned us_loop_index(const struct us_loop *loop) {
  return loop->index;
}

/* Deadlines. */

static void us_on_deadline(uv_timer_t *timer);

static void us_deadlines_arm(struct us_loop *loop) {
  int64_t next = us_wait_next_ms(&loop->waits);
  if (next < 0 || loop->is_ending)
    return;
  int64_t delay = next - us_loop_now(loop);
  /* The timer only sleeps until the earliest end; entries set or cleared meanwhile do not move it. */
  uv_timer_start(&loop->deadlines, us_on_deadline, delay > 0 ? (uint64_t)delay : 0, 0);
}

static void us_on_deadline(uv_timer_t *timer) {
  struct us_loop *loop = timer->data;
  enum us_wait_kind kind;
  struct us_wait *wait;
  while ((wait = us_wait_take_expired(&loop->waits, us_loop_now(loop), &kind)))
    if (kind == US_WAIT_STREAM_BODY || kind == US_WAIT_STREAM_ANSWER)
      us_conn_h2_stream_expired(wait, kind);
    else
      us_conn_expired(us_conn_of_wait(wait), kind);
  us_deadlines_arm(loop);
}

void us_loop_wait(struct us_loop *loop, struct us_wait *wait, enum us_wait_kind kind) {
  us_wait_set(&loop->waits, wait, kind, us_loop_now(loop));
  /* A timer that is set already may be too late only for a kind of shorter duration. */
  if (!uv_is_active((uv_handle_t *)&loop->deadlines) ||
      (int64_t)uv_timer_get_due_in(&loop->deadlines) > wait->deadline_ms - us_loop_now(loop))
    us_deadlines_arm(loop);
}

/* Jobs from other threads. */

bool us_loop_post_quietly(struct us_loop *loop, struct us_loop_job *job) {
  job->next = NULL;
  pthread_mutex_lock(&loop->jobs_lock);
  bool was_empty = loop->first_job == NULL;
  if (was_empty)
    loop->first_job = job;
  else
    loop->last_job->next = job;
  loop->last_job = job;
  pthread_mutex_unlock(&loop->jobs_lock);
  return was_empty;
}

void us_loop_wake(struct us_loop *loop) {
  pthread_mutex_lock(&loop->jobs_lock);
  if (!loop->is_closed)
    uv_async_send(&loop->wake);
  pthread_mutex_unlock(&loop->jobs_lock);
}

void us_loop_post(struct us_loop *loop, struct us_loop_job *job) {
  if (us_loop_post_quietly(loop, job))
    us_loop_wake(loop);
}

static struct us_loop_job *us_loop_take_jobs(struct us_loop *loop) {
  pthread_mutex_lock(&loop->jobs_lock);
  struct us_loop_job *job = loop->first_job;
  loop->first_job = loop->last_job = NULL;
  pthread_mutex_unlock(&loop->jobs_lock);
  return job;
}

static void us_on_wake(uv_async_t *wake) {
  struct us_loop *loop = wake->data;
  struct us_loop_job *job = us_loop_take_jobs(loop);
  while (job) {
    struct us_loop_job *next = job->next; /* the job may be gone after it has run */
    job->run(job, loop);
    us_loop_end_long_turn(loop);
    job = next;
  }
}

/* Turns. */

void us_loop_end_turn(struct us_loop *loop) {
  const struct us_http_options *options = &loop->edge->options;
  for (;;) {
    if (options->end_turn && loop->data)
      options->end_turn(options->self, loop->data);
    struct us_conn *conn = loop->unsent;
    if (!conn)
      return;
    /* Those that are there now: what they send may let them go on to requests that wait, which is a turn of its own. */
    for (size_t n = loop->unsent_count; n > 0 && (conn = loop->unsent); n--)
      us_conn_flush(conn);
  }
}

void us_loop_end_long_turn(struct us_loop *loop) {
  if (loop->unsent_count == 0)
    return;
  if (loop->unsent_count >= US_LOOP_UNSENT_MAX || uv_hrtime() - loop->unsent_since_ns >= loop->turn_ns)
    us_loop_end_turn(loop);
}

static void us_on_again(uv_idle_t *again) {
  struct us_loop *loop = again->data;
  uv_idle_stop(again);
  us_conn_h2_go_on(loop);
}

void us_loop_run_again(struct us_loop *loop) {
  if (!loop->is_ending)
    uv_idle_start(&loop->again, us_on_again);
}

static void us_on_before_wait(uv_prepare_t *prepare) {
  struct us_loop *loop = prepare->data;
  us_loop_end_turn(loop);
  loop->iteration++;
}
static void us_on_after_wait(uv_check_t *check) {
  us_loop_end_turn(check->data);
}

/* Start. */

int us_loop_init(struct us_loop *loop, struct us_edge *edge, unsigned index) {
  loop->edge = edge;
  loop->index = index;
  int64_t turn_us = edge->options.turn_us ? edge->options.turn_us : US_HTTP_TURN_US;
  loop->turn_ns = turn_us > 0 ? (uint64_t)turn_us * 1000 : 0;
  const struct us_http_limits *limits = &edge->options.limits;
  loop->waits.queue[US_WAIT_IDLE].duration_ms = limits->idle_ms;
  loop->waits.queue[US_WAIT_HEAD].duration_ms = limits->head_ms;
  loop->waits.queue[US_WAIT_BODY].duration_ms = limits->body_ms;
  loop->waits.queue[US_WAIT_ANSWER].duration_ms = limits->answer_ms;
  loop->waits.queue[US_WAIT_LINGER].duration_ms = US_LINGER_MS;
  loop->waits.queue[US_WAIT_STREAM_BODY].duration_ms = limits->body_ms;
  loop->waits.queue[US_WAIT_STREAM_ANSWER].duration_ms = limits->answer_ms;
  us_buf_init(&loop->head, US_HTTP_HEAD_MAX);
  us_buf_init(&loop->cipher, US_CONN_OUT_MAX);
  us_buf_init(&loop->frames, US_CONN_OUT_MAX);
  loop->spare = calloc(1, sizeof *loop->spare);
  if (!loop->spare)
    return UV_ENOMEM;
  if (pthread_mutex_init(&loop->jobs_lock, NULL) != 0) {
    free(loop->spare);
    return UV_ENOMEM;
  }
  int code = uv_loop_init(&loop->uv);
  if (code == 0 && (code = uv_async_init(&loop->uv, &loop->wake, us_on_wake)) != 0)
    (void)uv_loop_close(&loop->uv);
  if (code != 0) {
    pthread_mutex_destroy(&loop->jobs_lock);
    free(loop->spare);
    return code;
  }
  uv_timer_init(&loop->uv, &loop->deadlines); /* none of these can fail */
  uv_timer_init(&loop->uv, &loop->grace);
  uv_timer_init(&loop->uv, &loop->resume);
  uv_prepare_init(&loop->uv, &loop->before_wait);
  uv_check_init(&loop->uv, &loop->after_wait);
  uv_idle_init(&loop->uv, &loop->again);
  loop->uv.data = loop->wake.data = loop->deadlines.data = loop->grace.data = loop->resume.data = loop;
  loop->before_wait.data = loop->after_wait.data = loop->again.data = loop;
  uv_prepare_start(&loop->before_wait, us_on_before_wait);
  uv_check_start(&loop->after_wait, us_on_after_wait);
  return 0;
}

#define US_LOOP_SAY_MS 1000
#define US_LOOP_PAUSE_MS 100

/* Said once in a while: without files for it the same connection is met again and again until there are. */
static void us_say_not_accepted(struct us_loop *loop, int status) {
  uint64_t now_ms = uv_now(&loop->uv);
  if (loop->not_accepted_ms != 0 && now_ms - loop->not_accepted_ms < US_LOOP_SAY_MS)
    return;
  loop->not_accepted_ms = now_ms;
  us_log(US_LOG_WARN, "accept", "a connection could not be accepted: %s", uv_strerror(status));
}

static void us_on_connection(uv_stream_t *stream, int status);

/* The handle has a copy of the socket, so that closing the one does not end the other. */
static int us_listener_open(struct us_loop_listener *listener) {
  int copy = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0)
    return uv_translate_sys_error(errno);
  int code = uv_tcp_init(&listener->loop->uv, &listener->tcp);
  if (code != 0) {
    close(copy);
    return code;
  }
  listener->is_open = true;
  listener->tcp.data = listener;
  code = uv_tcp_open(&listener->tcp, copy);
  if (code != 0) {
    close(copy);
    return code;
  }
  return uv_listen((uv_stream_t *)&listener->tcp, US_LOOP_BACKLOG, us_on_connection);
}

static void us_on_listener_closed(uv_handle_t *handle) {
  ((struct us_loop_listener *)handle->data)->is_closing = false;
}

static void us_listener_close(struct us_loop_listener *listener) {
  if (!listener->is_open)
    return;
  listener->is_open = false;
  listener->is_closing = true;
  uv_close((uv_handle_t *)&listener->tcp, us_on_listener_closed);
}

static void us_on_resume(uv_timer_t *timer);

static void us_listener_pause(struct us_loop_listener *listener) {
  struct us_loop *loop = listener->loop;
  if (loop->is_stopping)
    return;
  us_listener_close(listener);
  listener->is_paused = true;
  if (!uv_is_active((uv_handle_t *)&loop->resume))
    uv_timer_start(&loop->resume, us_on_resume, US_LOOP_PAUSE_MS, 0);
}

static void us_on_resume(uv_timer_t *timer) {
  struct us_loop *loop = timer->data;
  for (size_t i = 0; i < loop->listener_count && !loop->is_stopping; i++) {
    struct us_loop_listener *listener = &loop->listeners[i];
    if (!listener->is_paused)
      continue;
    listener->is_paused = listener->is_closing || us_listener_open(listener) != 0;
    if (listener->is_paused)
      us_listener_pause(listener);
  }
}

/* Without files for it a connection stays where it is, and the system goes on telling of it: who listens on would do nothing else. So
 * nobody does for a moment; whoever comes meanwhile waits in the system's queue. */
static void us_on_connection(uv_stream_t *stream, int status) {
  struct us_loop_listener *listener = stream->data;
  if (status == 0) {
    us_conn_accept(listener);
    return;
  }
  listener->loop->not_accepted++;
  us_say_not_accepted(listener->loop, status);
  if (status == UV_EMFILE || status == UV_ENFILE || status == UV_ENOBUFS || status == UV_ENOMEM)
    us_listener_pause(listener);
}

int us_loop_listen(struct us_loop *loop) {
  for (size_t i = 0; i < loop->listener_count; i++) {
    loop->listeners[i].loop = loop;
    int code = us_listener_open(&loop->listeners[i]);
    if (code != 0)
      return code;
  }
  return 0;
}

void us_loop_run(struct us_loop *loop) {
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  us_loop_end_turn(loop); /* of what ran after the handles that do it were closed */
}

/* End. */

static void us_loop_end(struct us_loop *loop) {
  loop->is_ending = true;
  pthread_mutex_lock(&loop->jobs_lock);
  loop->is_closed = true;
  uv_close((uv_handle_t *)&loop->wake, NULL);
  pthread_mutex_unlock(&loop->jobs_lock);
  uv_close((uv_handle_t *)&loop->deadlines, NULL);
  uv_close((uv_handle_t *)&loop->grace, NULL);
  uv_close((uv_handle_t *)&loop->resume, NULL);
  uv_close((uv_handle_t *)&loop->before_wait, NULL);
  uv_close((uv_handle_t *)&loop->after_wait, NULL);
  uv_close((uv_handle_t *)&loop->again, NULL);
}

void us_loop_end_if_idle(struct us_loop *loop) {
  if (loop->is_stopping && !loop->is_ending && !loop->conns && !loop->exchanges)
    us_loop_end(loop);
}

static void us_on_grace_over(uv_timer_t *timer) {
  struct us_loop *loop = timer->data;
  struct us_conn *next;
  for (struct us_conn *conn = loop->conns; conn; conn = next) {
    next = conn->next;
    us_conn_close(conn);
  }
  /* Exchanges that are still with the handler: their memory stays until us_loop_done(). */
  if (!loop->is_ending)
    us_loop_end(loop);
}

void us_loop_stop(struct us_loop *loop, int64_t grace_ms) {
  if (loop->is_stopping)
    return;
  loop->is_stopping = true;
  for (size_t i = 0; i < loop->listener_count; i++) {
    us_listener_close(&loop->listeners[i]);
    us_listen_close(&loop->listeners[i].fd, 1);
  }
  struct us_conn *next;
  for (struct us_conn *conn = loop->conns; conn; conn = next) {
    next = conn->next;
    /* Nothing has been promised to a connection that is idle or has sent half a request. */
    if (conn->h2)
      us_conn_h2_stop(conn);
    else if (conn->state == US_CONN_READY && us_conn_has_sent_all(conn))
      us_conn_close(conn);
  }
  uv_timer_start(&loop->grace, us_on_grace_over, grace_ms > 0 ? (uint64_t)grace_ms : 0, 0);
  us_loop_end_if_idle(loop);
}

void us_loop_done(struct us_loop *loop) {
  us_exchanges_drop(loop);
  us_certs_done(&loop->certs);
  free(loop->spare);
  us_buf_done(&loop->head);
  us_buf_done(&loop->cipher);
  us_buf_done(&loop->frames);
  (void)uv_loop_close(&loop->uv);
  pthread_mutex_destroy(&loop->jobs_lock);
}
