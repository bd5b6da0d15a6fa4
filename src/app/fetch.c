/*
 * Fetching keys: see fetch.h. The thread owns the transfers and the multi handle; under the lock are the list of flights, the jobs
 * that wait for each, and what is new.
 */
#include "app/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#include "app/mail_send.h"
#include "base/inside.h"
#include "base/log.h"
#include "base/thread.h"
#include "domain/outside_url.h"
#include "http/address.h"

#define POLL_MS 1000

/* One transfer, and who waits for it. */
struct flight {
  struct us_fetcher *fetcher;
  int64_t client_ref, rev;
  char *url;
  bool host_is_allowed; /* although it may be inside */
  bool was_inside;      /* the name led to an address that is refused */
  CURL *curl;           /* NULL: not begun */
  size_t head_bytes;
  size_t n;
  char *body;
  struct us_fetch_job *jobs;
  struct flight *prev, *next;
};
struct us_fetcher {
  struct us_services *svc;
  char *ca_file;
  CURLM *multi;
  struct curl_slist *headers;
  pthread_t thread;
  pthread_mutex_t lock;
  struct flight *flights;
  size_t flight_count, waiting;
  bool has_thread, is_stopping;
};

/* ---- What libcurl asks ---- */

/* The one place that decides where a connection may go. */
static curl_socket_t open_socket(void *self, curlsocktype purpose, struct curl_sockaddr *to) {
  struct flight *f = self;
  struct us_address address;
  if (purpose != CURLSOCKTYPE_IPCXN || !us_address_of_sockaddr(&to->addr, &address))
    return CURL_SOCKET_BAD;
  if (!f->host_is_allowed && !us_address_is_public(address.bytes) &&
      !us_outside_allows_address(&f->fetcher->svc->outside, address.bytes)) {
    f->was_inside = true;
    return CURL_SOCKET_BAD;
  }
  return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Another number of bytes than was given ends the transfer. */
static size_t take_body(char *bytes, size_t size, size_t n, void *self) {
  struct flight *f = self;
  n *= size;
  if (n > US_FETCH_MAX_BYTES - f->n)
    return 0;
  memcpy(f->body + f->n, bytes, n);
  f->n += n;
  return n;
}

static size_t take_head(char *line, size_t size, size_t n, void *self) {
  struct flight *f = self;
  (void)line;
  n *= size;
  f->head_bytes += n;
  return f->head_bytes > US_FETCH_HEAD_MAX_BYTES ? 0 : n;
}

/* ---- What libcurl is told ---- */

static void set_rules(CURL *curl, const struct us_fetcher *fetcher) {
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* not that of the environment either */
  curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  if (fetcher->ca_file != NULL) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, fetcher->ca_file);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* it alone */
  }
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "usher");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fetcher->headers);
  /* A connection a transfer: its address is looked at each time. */
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(curl, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
}

static void set_limits(CURL *curl) {
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)US_FETCH_TIMEOUT_MS);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)US_FETCH_TIMEOUT_MS);
  curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)US_FETCH_MAX_BYTES);
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* a name that resolves slowly must not be waited for */
}

static void set_callbacks(CURL *curl, struct flight *f) {
  curl_easy_setopt(curl, CURLOPT_PRIVATE, f);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, f);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, f);
}

static bool begin(struct us_fetcher *fetcher, struct flight *f) {
  f->body = malloc(US_FETCH_MAX_BYTES);
  f->curl = f->body != NULL ? curl_easy_init() : NULL;
  if (f->curl == NULL || curl_easy_setopt(f->curl, CURLOPT_URL, f->url) != CURLE_OK)
    return false;
  set_rules(f->curl, fetcher);
  set_limits(f->curl);
  set_callbacks(f->curl, f);
  return curl_multi_add_handle(fetcher->multi, f->curl) == CURLM_OK;
}

/* ---- What came of it ---- */

static void tell(const struct flight *f, const char *why) {
  struct us_log_line line;
  us_log_begin(&line, US_LOG_WARN, "fetch");
  us_log_str(&line, "url",
             (struct us_str){f->url, strcspn(f->url, "?")}); /* a query may hold what is not for the log */
  us_log_c(&line, "text", f->was_inside ? "the name leads to an inside address" : why);
  us_log_end(&line);
}

/* Takes the flight out of the list, says what came, and lets everybody go on. The thread's, or of a flight that never began. */
static void land(struct us_fetcher *fetcher, struct flight *f, struct us_str body) {
  us_client_keys_fetched(fetcher->svc, f->client_ref, f->rev, body);
  pthread_mutex_lock(&fetcher->lock);
  struct us_fetch_job *job = f->jobs, *next;
  DL_DELETE(fetcher->flights, f);
  fetcher->flight_count--;
  for (struct us_fetch_job *j = job; j != NULL; j = j->next)
    fetcher->waiting--;
  pthread_mutex_unlock(&fetcher->lock);
  if (f->curl != NULL) {
    curl_multi_remove_handle(fetcher->multi, f->curl);
    curl_easy_cleanup(f->curl);
  }
  free(f->body);
  free(f->url);
  free(f);
  for (; job != NULL; job = next) {
    next = job->next;
    job->done(job);
  }
}

static void finish(struct us_fetcher *fetcher, CURL *curl, CURLcode code) {
  struct flight *f = NULL;
  long status = 0;
  char text[64];
  curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&f);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  bool is_good = code == CURLE_OK && status == 200 && f->n > 0;
  snprintf(text, sizeof(text), "it answered %ld", status);
  if (!is_good)
    tell(f, code != CURLE_OK ? curl_easy_strerror(code) : text);
  land(fetcher, f, is_good ? (struct us_str){f->body, f->n} : US_STR_ABSENT);
}

/* ---- The thread ---- */

static struct flight *next_new(struct us_fetcher *fetcher) {
  struct flight *f;
  pthread_mutex_lock(&fetcher->lock);
  DL_FOREACH(fetcher->flights, f) {
    if (f->curl == NULL)
      break;
  }
  pthread_mutex_unlock(&fetcher->lock);
  return f;
}

static bool must_stop(struct us_fetcher *fetcher) {
  pthread_mutex_lock(&fetcher->lock);
  bool is_stopping = fetcher->is_stopping;
  pthread_mutex_unlock(&fetcher->lock);
  return is_stopping;
}

static void *run(void *self) {
  struct us_fetcher *fetcher = self;
  while (!must_stop(fetcher)) {
    struct flight *f;
    int running = 0, left = 0;
    while ((f = next_new(fetcher)) != NULL) {
      if (!begin(fetcher, f))
        land(fetcher, f, US_STR_ABSENT);
    }
    curl_multi_perform(fetcher->multi, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(fetcher->multi, &left)) != NULL;) {
      if (m->msg == CURLMSG_DONE)
        finish(fetcher, m->easy_handle, m->data.result);
    }
    curl_multi_poll(fetcher->multi, NULL, 0, POLL_MS, NULL);
  }
  while (fetcher->flights != NULL)
    land(fetcher, fetcher->flights, US_STR_ABSENT);
  return NULL;
}

/* With the lock held: the thread when there is work for the first time. */
static bool start_thread(struct us_fetcher *fetcher) {
  if (!fetcher->has_thread)
    fetcher->has_thread = us_thread_start(&fetcher->thread, "us-fetch", run, fetcher) == 0;
  return fetcher->has_thread;
}

/* ---- Jobs ---- */

static struct flight *find(struct us_fetcher *fetcher, const struct us_keys_wanted *wanted) {
  struct flight *f;
  DL_FOREACH(fetcher->flights, f) {
    if (f->client_ref == wanted->client_ref && f->rev == wanted->rev)
      return f;
  }
  return NULL;
}

static struct flight *add(struct us_fetcher *fetcher, const struct us_keys_wanted *wanted) {
  struct flight *f = fetcher->flight_count < US_FETCH_TRANSFERS_MAX ? calloc(1, sizeof(*f)) : NULL;
  if (f == NULL)
    return NULL;
  f->fetcher = fetcher;
  f->client_ref = wanted->client_ref;
  f->rev = wanted->rev;
  f->url = strndup(wanted->url.p, wanted->url.n);
  if (f->url == NULL) {
    free(f);
    return NULL;
  }
  f->host_is_allowed = us_outside_allows_host(&fetcher->svc->outside, us_outside_url_host(wanted->url));
  DL_APPEND(fetcher->flights, f);
  fetcher->flight_count++;
  return f;
}

bool us_fetcher_ask(struct us_fetcher *fetcher, struct us_fetch_job *job) {
  bool has_room = true;
  pthread_mutex_lock(&fetcher->lock);
  struct flight *f = find(fetcher, job->wanted);
  bool is_over = f == NULL && !job->wanted->may_start; /* the one to join has just landed */
  if (!is_over) {
    has_room = !fetcher->is_stopping && fetcher->waiting < US_FETCH_WAITING_MAX && start_thread(fetcher);
    if (has_room && f == NULL)
      f = add(fetcher, job->wanted);
    has_room = has_room && f != NULL;
  }
  if (!is_over && has_room) {
    job->next = f->jobs;
    f->jobs = job;
    fetcher->waiting++;
  }
  pthread_mutex_unlock(&fetcher->lock);
  if (is_over)
    job->done(job);
  else if (has_room)
    curl_multi_wakeup(fetcher->multi);
  return has_room;
}

/* ---- Life ---- */

struct us_fetcher *us_fetcher_new(const struct us_fetch_options *options) {
  struct us_fetcher *fetcher = us_mail_setup() ? calloc(1, sizeof(*fetcher)) : NULL; /* that is libcurl's set-up */
  if (fetcher == NULL)
    return NULL;
  pthread_mutex_init(&fetcher->lock, NULL);
  fetcher->svc = options->svc;
  fetcher->ca_file = options->ca_file != NULL ? strdup(options->ca_file) : NULL;
  fetcher->multi = curl_multi_init();
  fetcher->headers = curl_slist_append(NULL, "Accept: application/jwk-set+json, application/json");
  if (fetcher->multi != NULL && fetcher->headers != NULL && (fetcher->ca_file != NULL || options->ca_file == NULL))
    return fetcher;
  us_fetcher_free(fetcher);
  return NULL;
}

void us_fetcher_free(struct us_fetcher *fetcher) {
  if (fetcher == NULL)
    return;
  pthread_mutex_lock(&fetcher->lock);
  fetcher->is_stopping = true;
  pthread_mutex_unlock(&fetcher->lock);
  if (fetcher->has_thread) {
    curl_multi_wakeup(fetcher->multi);
    pthread_join(fetcher->thread, NULL);
  }
  curl_multi_cleanup(fetcher->multi);
  curl_slist_free_all(fetcher->headers);
  pthread_mutex_destroy(&fetcher->lock);
  free(fetcher->ca_file);
  free(fetcher);
}
