/* A whole server: see app.h. */
#include "app/app.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/cleanup.h"
#include "app/courier.h"
#include "app/dispatch.h"
#include "app/metrics.h"
#include "app/store_key.h"
#include "base/mem.h"
#include "crypto/box.h"
#include "domain/client_assertion.h"
#include "domain/id_token.h"
#include "domain/pool_share.h"
#include "domain/secret.h"
#include "domain/session.h"
#include "domain/snapshot.h"
#include "domain/throttle.h"
#include "plugin/host.h"
#include "store/db.h"

#define US_SECRETS_REMEMBERED 4096
#define US_CLAIMS_REMEMBERED 65536
#define US_CLIENT_KEYS_REMEMBERED 4096
#define US_THROTTLE_ENTRIES 65536
#define US_NOTE_SESSION_TOUCHED 1

struct us_app {
  struct us_services *svc;
  struct us_dispatch dispatch;
  size_t meter_count;
  struct us_commits commits;
  struct us_http_server *http;
  struct us_cleanup *cleanup;
  struct us_metrics *metrics;         /* NULL: none are shown */
  struct us_courier *_Atomic courier; /* NULL: no plugin takes events */
  struct us_mailer *mailer;           /* NULL: no mails are sent. Made before the writer, which looks at it */
  void *mem;                          /* of lists that live as long as it */
  char *store_url;
  char *base_url;
  char *client_cert_header;
  int cache_kib;
  uint16_t node;
  bool has_node;
};

struct us_services *us_services_new(const struct us_clock *clock, const char *base_url, const char *context_path,
                                    const char *cookie_name, const char *default_realm) {
  struct us_services *svc = calloc(1, sizeof(*svc));
  if (svc == NULL)
    return NULL;
  svc->clock = clock;
  svc->context_path = us_str_c(context_path ? context_path : "/am");
  svc->cookie_name = us_str_c(cookie_name ? cookie_name : "iPlanetDirectoryPro");
  svc->default_realm = us_str_c(default_realm ? default_realm : "/");
  svc->long_lists_max = 1;
  svc->pool_per_address = US_POOL_PER_ADDRESS;
  svc->base_url = us_str_c(base_url);
  svc->secure_cookies = base_url != NULL && strncmp(base_url, "https:", 6) == 0;
  us_idgen_init(&svc->ids, 0, 0);
  svc->snapshots = us_snapshot_box_new();
  svc->throttle = us_throttle_new(US_THROTTLE_ENTRIES);
  svc->secrets = us_secret_cache_new(US_SECRETS_REMEMBERED);
  svc->claims = us_claim_cache_new(US_CLAIMS_REMEMBERED);
  svc->client_keys = us_client_keys_new(US_CLIENT_KEYS_REMEMBERED);
  svc->assertions_max = US_ASSERTIONS_MAX;
  if (svc->snapshots && svc->throttle && svc->secrets && svc->claims && svc->client_keys)
    return svc;
  us_services_free(svc);
  return NULL;
}

void us_services_free(struct us_services *svc) {
  if (svc == NULL)
    return;
  us_box_free((struct us_box *)(uintptr_t)svc->box);
  us_cert_trust_free(svc->authorities);
  us_client_keys_free(svc->client_keys);
  us_claim_cache_free(svc->claims);
  us_secret_cache_free(svc->secrets);
  us_throttle_free(svc->throttle);
  us_snapshot_box_free(svc->snapshots);
  free(svc);
}

/* A reader's connection for a loop or a pool thread. */
static struct us_db *open_reader(struct us_app *app, unsigned index, struct us_commits *commits) {
  struct us_cx cx = {
      .mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = app->svc, .now_ms = us_clock_now_ms(app->svc->clock)};
  struct us_db_options options = {
      .url = app->store_url, .read_only = true, .busy_ms = 2000, .cache_kib = app->cache_kib, .commits = commits};
  struct us_db *db = NULL;
  if (cx.mem == NULL || us_db_open(&cx, &options, &db) != US_OK) {
    us_log(US_LOG_ERROR, "store", "reader %u: %.*s", index, US_STR_ARG(cx.err.text));
    db = NULL;
  }
  us_mem_free(cx.mem);
  return db;
}

/* A pool thread opens its connection by itself while the server starts: when that fails it is tried again with each call. */
struct worker {
  struct us_app *app;
  unsigned index;
  struct us_db *db;
};
static void *open_worker(void *self, unsigned index) {
  struct worker *worker = calloc(1, sizeof(*worker));
  if (worker == NULL)
    return NULL;
  *worker = (struct worker){self, index, open_reader(self, index, NULL)};
  return worker;
}
static struct us_db *worker_db(void *self) {
  struct worker *worker = self;
  if (worker == NULL)
    return NULL;
  if (worker->db == NULL)
    worker->db = open_reader(worker->app, worker->index, NULL);
  return worker->db;
}
static void close_worker(void *self, void *opened) {
  struct worker *worker = opened;
  (void)self;
  if (worker != NULL)
    us_db_close(worker->db);
  free(worker);
}

static void configuration_changed(void *self, struct us_cx *cx) {
  struct us_app *app = self;
  cx->svc = app->svc;
  if (us_snapshot_refresh(cx, false) != US_OK)
    us_log(US_LOG_ERROR, "config", "the changed configuration cannot be read: %.*s", US_STR_ARG(cx->err.detail));
}

static enum us_code apply_note(struct us_cx *cx, const struct us_note *note) {
  if (note->kind == US_NOTE_SESSION_TOUCHED)
    return us_session_apply_touch(cx, note->key, note->value);
  return US_OK;
}

static unsigned cores(void) {
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n < 1 ? 1 : n > 64 ? 64 : (unsigned)n;
}

static unsigned loop_count(const struct us_app_options *o) {
  return o->loops ? o->loops : cores();
}
static unsigned thread_count(const struct us_app_options *o) {
  return o->pool_threads ? o->pool_threads : cores() < 2 ? 2 : cores();
}

static void render_refusal(void *self, int status, const char *reason, struct us_str target,
                           struct us_http_response *response) {
  struct us_app *app = (struct us_app *)((char *)self - offsetof(struct us_app, dispatch));
  us_render_refusal(app->svc, status, reason, target, response);
}
static void *open_loop(void *self, unsigned index) {
  struct us_app *app = (struct us_app *)((char *)self - offsetof(struct us_app, dispatch));
  struct us_db *db = open_reader(app, index, &app->commits);
  return db ? us_lane_new(db) : NULL;
}
static void close_loop(void *self, void *lane) {
  (void)self;
  us_lane_free(lane);
}
static enum us_code make_meters(struct us_cx *cx, struct us_app *app, const struct us_app_options *o) {
  unsigned loops = loop_count(o);
  app->dispatch.meters = calloc(loops, sizeof(app->dispatch.meters[0]));
  bool has_all = app->dispatch.meters != NULL;
  for (; has_all && app->meter_count < loops; app->meter_count += has_all)
    has_all = (app->dispatch.meters[app->meter_count] = us_meter_new()) != NULL;
  return has_all ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}
static void free_meters(struct us_app *app) {
  while (app->meter_count > 0)
    us_meter_free(app->dispatch.meters[--app->meter_count]);
  free(app->dispatch.meters);
}

static void writer_answered(void *self) {
  struct us_app *app = self;
  us_dispatch_answered(&app->dispatch);
  us_mailer_look(app->mailer);
  us_courier_look(app->courier);
}

/* Store: schema, node lease, configuration; on a connection of its own that is closed again. */
static enum us_code open_store(struct us_cx *cx, struct us_app *app) {
  struct us_db_options options = {.url = app->store_url, .busy_ms = 2000};
  struct us_db *db = NULL;
  int64_t high_water = 0;
  US_TRY(us_db_migrate(cx, app->store_url));
  US_TRY(us_db_open(cx, &options, &db));
  cx->db = db;
  enum us_code code = us_node_lease(cx, db, &app->node, &high_water);
  if (code == US_OK) {
    app->has_node = true;
    us_idgen_init(&app->svc->ids, app->node, high_water);
    code = us_db_begin_read(cx, db);
  }
  if (code == US_OK) {
    code = us_snapshot_refresh(cx, true);
    us_db_end_read(cx, db);
  }
  cx->db = NULL;
  us_db_close(db);
  return code;
}

#define US_TURNED_AWAY_FEW 8 /* a loop, where there are few files */

/* Files that are not connections: three a connection to the store, sockets, pipes, three a plugin that may have a process of its own; and
 * those who are told that there is no room. */
static size_t other_files(const struct us_app_options *o, size_t turned_away) {
  return 64 + 8 * ((size_t)loop_count(o) + thread_count(o)) + loop_count(o) * turned_away + 3 * o->plugins.count;
}

/* Lets the process open as many files as it may, and takes no more connections than there are files for: the store must never
 * go without because strangers hold them all, and a loop that cannot accept has nothing left to do anything with. */
static void fit_connections(const struct us_app_options *o, struct us_http_limits *limits) {
  struct rlimit files;
  size_t wanted = limits->connections;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0)
    return;
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0 && getrlimit(RLIMIT_NOFILE, &files) != 0)
    return;
  if (files.rlim_cur == RLIM_INFINITY || wanted + other_files(o, US_TURNED_AWAY_MAX) <= files.rlim_cur)
    return;
  size_t own = other_files(o, US_TURNED_AWAY_FEW);
  size_t room = files.rlim_cur > own ? files.rlim_cur - own : 1;
  limits->turned_away = US_TURNED_AWAY_FEW;
  if (room >= wanted)
    return;
  limits->connections = room;
  us_log(US_LOG_WARN, "limits", "http.connections is %zu, but only %zu fit into the limit of open files (%zu)", wanted,
         room, (size_t)files.rlim_cur);
}

static enum us_code start_edge(struct us_cx *cx, struct us_app *app, const struct us_app_options *o) {
  char reason[256] = "";
  struct us_http_limits limits = o->limits;
  fit_connections(o, &limits);
  struct us_http_options http = {
      .listeners = o->listeners,
      .listener_count = o->listener_count,
      .tls = o->tls,
      .limits = limits,
      .h2 = o->h2,
      .loops = (unsigned)app->meter_count, /* as many as there are meters, whatever cores come and go meanwhile */
      .trusted_proxies = o->trusted_proxies,
      .client_cert_header = app->client_cert_header,
      .on_request = us_dispatch_request,
      .render_refusal = render_refusal,
      .open_loop = open_loop,
      .close_loop = close_loop,
      .end_turn = us_dispatch_end_turn,
      .self = &app->dispatch,
  };
  if (us_http_server_start(&http, &app->http, reason, sizeof(reason)) != 0)
    return us_fail(cx, US_E_UNAVAILABLE, "%s", reason);
  return US_OK;
}

static enum us_code read_configuration(struct us_app *app, struct us_cx *cx, bool force) {
  struct us_db *db = open_reader(app, 0, NULL);
  if (db == NULL)
    return us_fail(cx, US_E_STORE, "the store cannot be opened for reading");
  enum us_code code = us_db_begin_read(cx, db);
  if (code == US_OK) {
    code = us_snapshot_refresh(cx, force);
    us_db_end_read(cx, db);
  }
  us_db_close(db);
  return code;
}

/* What the clean-up has changed of it itself. */
static void configuration_written(void *self, struct us_cx *cx) {
  if (read_configuration(self, cx, false) != US_OK)
    us_log(US_LOG_ERROR, "config", "the changed configuration cannot be read: %.*s", US_STR_ARG(cx->err.detail));
}

/* Without a configured value the listener's own address is the base, never a Host header (design 6). The port may be known only
 * after binding; then the URLs of the snapshot are made once more. */
static enum us_code settle_base_url(struct us_cx *cx, struct us_app *app, const struct us_app_options *o) {
  const struct us_http_listener *l = &o->listeners[0];
  char text[512];
  if (o->base_url == NULL) {
    bool is_v6 = strchr(l->host, ':') != NULL;
    snprintf(text, sizeof(text), "%s://%s%s%s:%u%s", l->is_tls ? "https" : "http", is_v6 ? "[" : "", l->host,
             is_v6 ? "]" : "", us_http_server_port(app->http, 0), o->context_path ? o->context_path : "/am");
    free(app->base_url);
    app->base_url = strdup(text);
    if (app->base_url == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  app->svc->base_url = us_str_c(app->base_url);
  app->svc->secure_cookies = strncmp(app->base_url, "https:", 6) == 0;
  return read_configuration(app, cx, true);
}

/* The list outlives the options. */
static enum us_code copy_allowed(struct us_cx *cx, struct us_app *app, struct us_strs allowed) {
  app->mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES);
  struct us_str *v = app->mem ? us_mem_array(app->mem, allowed.n + 1, sizeof(*v)) : NULL;
  for (size_t i = 0; v != NULL && i < allowed.n; i++)
    v[i] = us_str_dup(app->mem, allowed.v[i]);
  if (v == NULL || us_mem_is_spent(app->mem))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  app->svc->outside.allowed = (struct us_strs){v, allowed.n};
  return US_OK;
}

static bool asks_for_certificates(const struct us_app_options *o) {
  bool has_tls = false;
  for (size_t i = 0; i < o->listener_count; i++)
    has_tls |= o->listeners[i].is_tls;
  return has_tls && o->tls != NULL && o->tls->ask_client_certificate;
}

static enum us_code trust_certificates(struct us_cx *cx, struct us_app *app, const struct us_app_options *o) {
  char reason[256] = "";
  app->client_cert_header = o->client_cert_header ? strdup(o->client_cert_header) : NULL;
  if (o->client_cert_header != NULL && app->client_cert_header == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  app->svc->sees_certificates = o->client_cert_header != NULL || asks_for_certificates(o);
  if (o->client_ca_file == NULL)
    return US_OK;
  app->svc->authorities = us_cert_trust_new(o->client_ca_file, reason, sizeof(reason));
  return app->svc->authorities ? US_OK : us_fail(cx, US_E_INVALID_REQUEST, "client_ca_file: %s", reason);
}

/* A store that has sealed secrets does not open without their key: the snapshot could not be read. */
static enum us_code take_store_key(struct us_cx *cx, struct us_app *app, const struct us_app_options *o) {
  struct us_box *box = NULL;
  US_TRY(us_store_key_of(cx, o->store_key_file, o->store_url, &box));
  app->svc->box = box;
  return US_OK;
}

static enum us_code start_metrics(struct us_cx *cx, struct us_app *app, const struct us_app_options *o) {
  char reason[256] = "";
  const struct us_metrics_of of = {.svc = app->svc,
                                   .http = app->http,
                                   .writer = app->dispatch.writer,
                                   .pool = app->dispatch.pool,
                                   .meters = app->dispatch.meters,
                                   .meter_count = app->meter_count,
                                   .started_s = us_clock_now_ms(app->svc->clock) / 1000};
  if (o->metrics == NULL)
    return US_OK;
  app->metrics = us_metrics_start(o->metrics, &of, reason, sizeof(reason));
  if (app->metrics == NULL)
    return us_fail(cx, US_E_UNAVAILABLE, "metrics: %s", reason);
  us_log(US_LOG_INFO, "metrics", "http://%s:%u/metrics", o->metrics->host, us_metrics_port(app->metrics));
  return US_OK;
}

static enum us_code start_parts(struct us_cx *cx, struct us_app *app, const struct us_app_options *o) {
  US_TRY(take_store_key(cx, app, o));
  US_TRY(trust_certificates(cx, app, o));
  US_TRY(open_store(cx, app));
  if (app->svc->box == NULL)
    us_log(US_LOG_WARN, "store_key", "there is no store key: private keys lie in the store in the clear");
  if (o->mail != NULL)
    US_TRY(us_mailer_new(cx, o->mail, app->svc, &app->mailer));
  struct us_writer_options writer = {
      .url = app->store_url,
      .max_queued = o->writer_queue ? o->writer_queue : 4096,
      .max_batch = 64,
      .on_external_change = configuration_changed,
      .self = app,
      .node = app->node,
      .ids = &app->svc->ids,
      .clock = app->svc->clock,
      .commits = &app->commits,
      .answered = writer_answered,
  };
  US_TRY(us_writer_start(cx, &writer, &app->dispatch.writer));
  us_writer_set_note_handler(app->dispatch.writer, apply_note);
  struct us_pool_options pool = {.threads = thread_count(o),
                                 .max_queued = o->pool_queue ? o->pool_queue : 1024,
                                 .open = open_worker,
                                 .close = close_worker,
                                 .self = app};
  size_t room = o->plugins.queue > 0 && o->plugins.queue < pool.max_queued ? o->plugins.queue : pool.max_queued;
  app->svc->pool_per_address =
      us_pool_share_of(o->pool_per_address > 0 ? o->pool_per_address : US_POOL_PER_ADDRESS, room);
  app->svc->long_lists_max = pool.threads > 3 ? pool.threads / 2 : 1;
  app->dispatch.pool = us_pool_new(&pool);
  if (app->dispatch.pool == NULL)
    return us_fail(cx, US_E_UNAVAILABLE, "the worker threads cannot be started");
  US_TRY(copy_allowed(cx, app, o->fetch_allow));
  struct us_fetch_options fetch = {.svc = app->svc, .ca_file = o->fetch_ca_file};
  app->dispatch.fetcher = us_fetcher_new(&fetch);
  if (app->dispatch.fetcher == NULL)
    return us_fail(cx, US_E_UNAVAILABLE, "the fetcher of clients' keys cannot be set up");
  us_host_set_clock(app->svc->clock);
  US_TRY(us_plugins_load(cx, &o->plugins, true, &app->svc->plugins));
  US_TRY(make_meters(cx, app, o));
  US_TRY(start_edge(cx, app, o));
  US_TRY(settle_base_url(cx, app, o));
  US_TRY(start_metrics(cx, app, o));
  app->cleanup = us_cleanup_start(app->svc, app->dispatch.writer, configuration_written, app);
  if (app->cleanup == NULL)
    return us_fail(cx, US_E_UNAVAILABLE, "the clean-up thread cannot be started");
  if (app->svc->plugins != NULL && app->svc->plugins->delivers) {
    app->courier = us_courier_start(app->svc, app->dispatch.writer, app->node);
    if (app->courier == NULL)
      return us_fail(cx, US_E_UNAVAILABLE, "the thread that hands events to plugins cannot be started");
  }
  if (app->mailer != NULL && !us_mailer_start(app->mailer, app->dispatch.writer, app->node))
    return us_fail(cx, US_E_UNAVAILABLE, "the thread that sends mails cannot be started");
  return US_OK;
}

/* What a turn needs is free at its end and needed again in the next: given back to the system each time, it would be taken and cleared
 * anew, page by page. So much may stay, of what was in use once. */
#define US_APP_KEEP_BYTES (2 * 1024 * 1024)

enum us_code us_app_start(struct us_cx *cx, const struct us_app_options *options, struct us_app **ret_app) {
  (void)mallopt(M_TRIM_THRESHOLD, US_APP_KEEP_BYTES);
  struct us_app *app = calloc(1, sizeof(*app));
  if (app == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  app->store_url = strdup(options->store_url);
  app->base_url = strdup(options->base_url ? options->base_url : "http://127.0.0.1/am");
  app->cache_kib = options->cache_kib ? options->cache_kib : 8192;
  app->svc = us_services_new(&us_clock_system, app->base_url, options->context_path, options->cookie_name,
                             options->default_realm);
  app->dispatch.svc = app->svc;
  app->dispatch.worker_db = worker_db;
  app->dispatch.log_requests = options->log_requests;
  cx->svc = app->svc;
  enum us_code code =
      app->store_url && app->base_url && app->svc ? start_parts(cx, app, options) : us_fail_plain(cx, US_E_NO_MEMORY);
  if (code != US_OK) {
    cx->svc = NULL;
    us_app_stop(app, 0);
    return code;
  }
  *ret_app = app;
  return US_OK;
}

const char *us_app_base_url(const struct us_app *app) {
  return app->base_url;
}
uint16_t us_app_port(const struct us_app *app, size_t listener) {
  return us_http_server_port(app->http, listener);
}

uint16_t us_app_metrics_port(const struct us_app *app) {
  return app->metrics != NULL ? us_metrics_port(app->metrics) : 0;
}

bool us_app_reload_tls(struct us_app *app, const struct us_http_tls *tls, const char *client_ca_file, char *ret_reason,
                       size_t reason_bytes) {
  bool has_authorities = client_ca_file != NULL && app->svc->authorities != NULL;
  struct us_cert_trust *tried = has_authorities ? us_cert_trust_new(client_ca_file, ret_reason, reason_bytes) : NULL;
  if (has_authorities && tried == NULL)
    return false;
  us_cert_trust_free(tried);
  if (tls != NULL && us_http_server_reload_tls(app->http, tls, ret_reason, reason_bytes) != 0)
    return false;
  return !has_authorities || us_cert_trust_reload(app->svc->authorities, client_ca_file, ret_reason, reason_bytes);
}

void us_app_reload_plugins(struct us_app *app, const struct us_plugin_options *plugins) {
  us_plugins_reload(app->svc->plugins, plugins);
}

/* Gives the node number back with the highest id we made, so that no later owner of the number repeats one. */
static void release_node(struct us_app *app) {
  struct us_cx cx = {
      .mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = app->svc, .now_ms = us_clock_now_ms(app->svc->clock)};
  struct us_db_options options = {.url = app->store_url, .busy_ms = 2000};
  struct us_db *db = NULL;
  if (cx.mem != NULL && us_db_open(&cx, &options, &db) == US_OK) {
    cx.db = db;
    if (us_node_release(&cx, db, app->node, us_next_id(&cx)) != US_OK)
      us_log(US_LOG_WARN, "store", "the node lease was not given back: %.*s", US_STR_ARG(cx.err.detail));
    us_db_close(db);
  }
  us_mem_free(cx.mem);
}

void us_app_stop(struct us_app *app, int64_t grace_ms) {
  if (app == NULL)
    return;
  us_metrics_stop(app->metrics);
  us_cleanup_stop(app->cleanup);
  us_mailer_end(app->mailer, grace_ms); /* meanwhile the calls are answered */
  if (app->http != NULL)
    us_http_server_stop(app->http, grace_ms); /* in-flight calls still use pool, fetcher and writer */
  us_fetcher_free(app->dispatch.fetcher);
  us_pool_free(app->dispatch.pool);
  us_mailer_join(app->mailer);
  us_courier_join(app->courier);
  us_writer_stop(app->dispatch.writer);
  if (app->svc != NULL)
    us_plugins_free(app->svc->plugins); /* nobody asks them any more */
  us_mailer_free(app->mailer);
  us_courier_free(app->courier);
  us_http_server_free(app->http);
  if (app->has_node)
    release_node(app);
  us_services_free(app->svc);
  free_meters(app);
  us_mem_free(app->mem);
  free(app->base_url);
  free(app->client_cert_header);
  free(app->store_url);
  free(app);
}
