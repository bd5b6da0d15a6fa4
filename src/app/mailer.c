/* The one who sends mails: see mailer.h. */
#include "app/mailer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/mail_files.h"
#include "app/mail_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "domain/notice.h"
#include "store/outbox.h"

#define US_MAILER_STORE_PAUSE_MS 1000 /* a step failed: the store is busy or gone */
#define US_MAILER_STOP_MARGIN_MS 1000 /* libcurl asks once a second whether to stop */

struct us_mailer {
  struct us_mail_options options; /* texts are our own copies, in `mem` */
  void *mem;
  struct us_templates *templates;
  struct us_services *svc;
  struct us_writer *writer;
  uint16_t node;
  pthread_t thread;
  bool has_thread;
  uint64_t seen_notices;      /* the writer's thread only */
  _Atomic int64_t stop_at_ms; /* monotonic; 0: not stopping. Before that a running transfer may go on */

  pthread_mutex_t lock; /* for the next three */
  pthread_cond_t changed;
  bool is_woken, is_stopping;

  /* The mailer's thread only, and the writer's while it runs the job. */
  struct us_write_job job;
  struct us_cx cx;
  bool has_released, wants_claim, has_claim, store_failed;
  struct us_notice_claim claim;
  struct us_notice_outcome outcome; /* end 0: nothing to settle */
  char reason[US_MAIL_REASON_BYTES];
  int64_t next_due_ms;   /* wall clock */
  int64_t look_at_ms;    /* monotonic, like the next two */
  int64_t not_before_ms; /* end of the pause */
  int64_t pause_ms;      /* the last one; 0: the server was there */
};

static int64_t monotonic_ms(void) {
  return us_monotonic_us() / 1000;
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}
static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* ---- The step in the store ---- */

static struct us_mailer *of_job(struct us_write_job *job) {
  return (struct us_mailer *)((char *)job - offsetof(struct us_mailer, job));
}

static enum us_code run(struct us_write_job *job) {
  struct us_mailer *m = of_job(job);
  struct us_cx *cx = job->cx;
  m->has_claim = false;
  if (!m->has_released)
    US_TRY(us_notice_release(cx, m->node));
  if (m->outcome.end != 0)
    US_TRY(us_notice_settle(cx, m->node, &m->outcome));
  if (m->wants_claim) {
    int64_t until_ms = cx->now_ms + m->options.server.timeout_ms + US_MAILER_CLAIM_MARGIN_MS;
    enum us_code code = us_notice_claim(cx, m->node, until_ms, &m->claim);
    m->has_claim = code == US_OK;
    if (code == US_E_NOT_FOUND)
      us_error_clear(cx);
    else
      US_TRY(code);
  }
  return m->has_claim ? US_OK : us_notice_next_due(cx, &m->next_due_ms);
}

/* Waits for its commit. What it read lives until the next step. */
static enum us_code step(struct us_mailer *m, bool wants_claim) {
  us_mem_free(m->cx.mem);
  m->cx = (struct us_cx){
      .mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = m->svc, .now_ms = us_clock_now_ms(m->svc->clock)};
  m->wants_claim = wants_claim;
  m->job = (struct us_write_job){.cx = &m->cx, .run = run};
  if (m->cx.mem == NULL)
    return US_E_NO_MEMORY;
  US_TRY(us_writer_run(m->writer, &m->job));
  m->has_released = true;
  if (m->outcome.end != 0)
    m->svc->outbox_ends[US_OUTBOX_MAIL][m->outcome.end]++;
  m->outcome.end = 0;
  return US_OK;
}

/* ---- A mail ---- */

static void say(struct us_mailer *m, enum us_log_level level, const char *event, const char *reason) {
  struct us_log_line line;
  us_log_begin(&line, level, event);
  us_log_c(&line, "kind", us_notice_kind_text(m->claim.kind));
  us_log_i64(&line, "id", m->claim.id);
  us_log_i64(&line, "account", m->claim.account_id);
  us_log_i64(&line, "try", m->claim.tries);
  if (reason != NULL)
    us_log_c(&line, "reason", reason);
  us_log_end(&line);
}

static void end_as(struct us_mailer *m, enum us_notice_end end) {
  m->outcome =
      (struct us_notice_outcome){.end = end, .id = m->claim.id, .tries = m->claim.tries, .error = us_str_c(m->reason)};
}

/* Twice as long with each try. */
static int64_t pause_after(const struct us_mailer *m, int64_t tries) {
  int64_t ms = m->options.retry_ms;
  for (int64_t i = 1; i < tries && ms < US_MAILER_RETRY_MAX_MS; i++)
    ms *= 2;
  return smaller(ms, US_MAILER_RETRY_MAX_MS);
}

static void try_later(struct us_mailer *m) {
  if (m->claim.tries >= m->options.tries) {
    end_as(m, US_NOTICE_FAILED);
    say(m, US_LOG_ERROR, "mail_failed", m->reason);
    return;
  }
  end_as(m, US_NOTICE_LATER);
  m->outcome.due_ms = us_clock_now_ms(m->svc->clock) + pause_after(m, m->claim.tries);
  say(m, US_LOG_WARN, "mail_later", m->reason);
}

static void pause_sending(struct us_mailer *m) {
  m->pause_ms = m->pause_ms == 0 ? US_MAILER_PAUSE_MS : smaller(m->pause_ms * 2, US_MAILER_PAUSE_MAX_MS);
  m->not_before_ms = monotonic_ms() + m->pause_ms;
}

static void conclude(struct us_mailer *m, enum us_mail_result result) {
  if (result != US_MAIL_UNREACHABLE && result != US_MAIL_ABANDONED)
    m->pause_ms = 0;
  switch (result) {
  case US_MAIL_SENT:
    end_as(m, US_NOTICE_GONE);
    say(m, US_LOG_INFO, "mail_sent", NULL);
    break;
  case US_MAIL_REFUSED:
    end_as(m, US_NOTICE_FAILED);
    say(m, US_LOG_ERROR, "mail_failed", m->reason);
    break;
  case US_MAIL_LATER:
    try_later(m);
    break;
  case US_MAIL_UNREACHABLE:
    pause_sending(m);
    try_later(m);
    break;
  case US_MAIL_ABANDONED:
    end_as(m, US_NOTICE_UNTOUCHED);
    break;
  }
}

static bool must_stop(void *self) {
  const struct us_mailer *m = self;
  int64_t at = m->stop_at_ms;
  return at != 0 && monotonic_ms() >= at - US_MAILER_STOP_MARGIN_MS;
}

static void send_notice(struct us_mailer *m, const struct us_notice_mail *notice) {
  struct us_buf text;
  struct us_mail mail = {
      .from = us_str_c(m->options.server.from),
      .to = notice->to,
      .subject = notice->subject,
      .html = notice->html,
      .locale = notice->locale,
      .message_id = notice->message_id,
      .date_ms = notice->date_ms,
  };
  us_buf_init(&text, US_MAIL_TEXT_MAX);
  us_mail_write(&mail, &text);
  if (us_buf_ok(&text)) {
    conclude(m, us_mail_send(&m->options.server, mail.to, us_buf_str(&text), must_stop, m, m->reason));
  } else {
    strcpy(m->reason, "there is no memory for it");
    try_later(m);
  }
  us_buf_done(&text);
}

/* Claimed: sends it, or finds that there is nobody to send it to. Leaves an outcome. */
static void deliver(struct us_mailer *m) {
  struct us_notice_mail notice;
  m->reason[0] = '\0';
  enum us_code code = us_notice_mail(&m->cx, m->templates, us_str_c(m->options.mail_attribute), &m->claim, &notice);
  if (code == US_E_NOT_FOUND || (code == US_OK && !us_mail_address_ok(notice.to))) {
    end_as(m, US_NOTICE_GONE);
    say(m, US_LOG_INFO, "mail_skipped", code == US_OK ? "the address is none" : "there is no address");
  } else if (code != US_OK) {
    snprintf(m->reason, sizeof(m->reason), "%.*s", US_STR_ARG(m->cx.err.text));
    try_later(m);
  } else {
    send_notice(m, &notice);
  }
}

/* ---- The thread ---- */

static bool is_stopping(struct us_mailer *m) {
  pthread_mutex_lock(&m->lock);
  bool is = m->is_stopping;
  m->is_woken = false;
  pthread_mutex_unlock(&m->lock);
  return is;
}

/* Until somebody wrote a notice, something is due, or the mailer is to stop. A pause is waited for whatever was written. */
static void wait_for_work(struct us_mailer *m) {
  pthread_mutex_lock(&m->lock);
  for (;;) {
    int64_t until = m->is_woken ? m->not_before_ms : larger(m->look_at_ms, m->not_before_ms);
    if (m->is_stopping || monotonic_ms() >= until)
      break;
    (void)us_cond_wait(&m->changed, &m->lock, until * 1000);
  }
  pthread_mutex_unlock(&m->lock);
}

static void look_again_in(struct us_mailer *m, int64_t ms) {
  m->look_at_ms = monotonic_ms() + larger(0, smaller(ms, US_MAILER_LOOK_MS));
}

/* The store does not answer: tells once, and again when it is over. */
static void note_store(struct us_mailer *m, enum us_code code) {
  bool failed = code != US_OK;
  if (failed && !m->store_failed)
    us_log(US_LOG_WARN, "mail", "the outbox cannot be written: %.*s", US_STR_ARG(m->cx.err.detail));
  m->store_failed = failed;
}

/* All that is due, one after the other. False: it is time to end. */
static bool work(struct us_mailer *m) {
  for (;;) {
    bool stops = is_stopping(m);
    if (stops && m->outcome.end == 0)
      return false;
    enum us_code code = step(m, !stops && monotonic_ms() >= m->not_before_ms);
    note_store(m, code);
    if (code != US_OK) {
      m->not_before_ms = larger(m->not_before_ms, monotonic_ms() + US_MAILER_STORE_PAUSE_MS);
      return !stops || !must_stop(m);
    }
    if (!m->has_claim) {
      int64_t now_ms = us_clock_now_ms(m->svc->clock);
      look_again_in(m, m->next_due_ms == INT64_MAX ? US_MAILER_LOOK_MS : m->next_due_ms - now_ms);
      return !stops;
    }
    deliver(m);
  }
}

/* While a sent mail is not settled the process holds on as long as it may. */
static void *loop(void *self) {
  struct us_mailer *m = self;
  while (work(m)) {
    if (m->outcome.end != 0 && is_stopping(m)) {
      struct timespec t = {.tv_nsec = 100 * 1000000};
      nanosleep(&t, NULL);
    } else {
      wait_for_work(m);
    }
  }
  if (m->outcome.end != 0)
    say(m, US_LOG_ERROR, "mail_not_settled", m->outcome.end == US_NOTICE_GONE ? "it may be sent again" : NULL);
  return NULL;
}

/* ---- Its life ---- */

static const char *copy(struct us_mailer *m, const char *text, bool *ok) {
  const char *made = text ? us_str_cdup(m->mem, us_str_c(text)) : NULL;
  *ok &= text == NULL || made != NULL;
  return made;
}

static bool copy_options(struct us_mailer *m, const struct us_mail_options *options) {
  bool ok = true;
  struct us_mail_server *s = &m->options.server;
  m->options = *options;
  s->host = copy(m, s->host, &ok);
  s->user = copy(m, s->user, &ok);
  s->password = copy(m, s->password, &ok);
  s->ca_file = copy(m, s->ca_file, &ok);
  s->from = copy(m, s->from, &ok);
  m->options.mail_attribute = copy(m, options->mail_attribute, &ok);
  m->options.templates = copy(m, options->templates, &ok);
  return ok;
}

enum us_code us_mailer_new(struct us_cx *cx, const struct us_mail_options *options, struct us_services *svc,
                           struct us_mailer **ret_mailer) {
  if (!us_mail_setup())
    return us_fail(cx, US_E_UNAVAILABLE, "libcurl cannot be used");
  struct us_mailer *m = calloc(1, sizeof(*m));
  if (m == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  pthread_mutex_init(&m->lock, NULL);
  us_cond_init(&m->changed);
  m->svc = svc;
  m->mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES);
  enum us_code code = m->mem && copy_options(m, options) ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
  if (code == US_OK)
    code = us_mail_files_load(cx, m->options.templates, &m->templates);
  if (code != US_OK) {
    us_mailer_free(m);
    return code;
  }
  svc->sends_mail = true;
  *ret_mailer = m;
  return US_OK;
}

bool us_mailer_start(struct us_mailer *m, struct us_writer *writer, uint16_t node) {
  m->writer = writer;
  m->node = node;
  m->has_thread = us_thread_start(&m->thread, "us-mailer", loop, m) == 0;
  return m->has_thread;
}

void us_mailer_look(struct us_mailer *m) {
  if (m == NULL || m->svc->notices == m->seen_notices)
    return;
  m->seen_notices = m->svc->notices;
  pthread_mutex_lock(&m->lock);
  m->is_woken = true;
  pthread_cond_broadcast(&m->changed);
  pthread_mutex_unlock(&m->lock);
}

void us_mailer_end(struct us_mailer *m, int64_t grace_ms) {
  if (m == NULL)
    return;
  pthread_mutex_lock(&m->lock);
  m->stop_at_ms = monotonic_ms() + grace_ms;
  m->is_stopping = true;
  pthread_cond_broadcast(&m->changed);
  pthread_mutex_unlock(&m->lock);
}

void us_mailer_join(struct us_mailer *m) {
  if (m != NULL && m->has_thread)
    pthread_join(m->thread, NULL);
}

void us_mailer_free(struct us_mailer *m) {
  if (m == NULL)
    return;
  pthread_cond_destroy(&m->changed);
  pthread_mutex_destroy(&m->lock);
  us_templates_free(m->templates);
  us_mem_free(m->cx.mem);
  us_mem_free(m->mem);
  free(m);
}
