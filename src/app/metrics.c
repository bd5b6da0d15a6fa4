/* Metrics: see metrics.h. Names and units follow the conventions of Prometheus; docs/operations.md says what to look at. */
#include "app/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "domain/notice.h"
#include "plugin/child.h"
#include "plugin/runner.h"
#include "store/outbox.h"

struct us_metrics {
  struct us_metrics_of of;
  struct us_http_server *http;
};

/* ---- The page ---- */

void us_metrics_put(struct us_buf *out, const char *format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  us_buf_add(out, line, n < 0 ? 0 : (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void us_metrics_head(struct us_buf *out, const char *name, const char *type, const char *help) {
  us_metrics_put(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct us_buf *out, const char *name, const char *type, const char *help, uint64_t value) {
  us_metrics_head(out, name, type, help);
  us_metrics_put(out, "%s %" PRIu64 "\n", name, value);
}

static void write_edge(struct us_buf *out, const struct us_metrics_of *of) {
  struct us_http_counters http = us_http_server_counters(of->http);
  one(out, "usher_http_connections_accepted_total", "counter", "Connections that were accepted.", http.accepted);
  one(out, "usher_http_accept_failures_total", "counter", "Connections that could not be accepted: no files are left.",
      http.not_accepted);
  one(out, "usher_http_connections_refused_total", "counter", "Connections beyond a limit.", http.turned_away);
  one(out, "usher_http_connections_broken_total", "counter",
      "HTTP/2 connections that were ended for breaking the rules.", http.broken);
  one(out, "usher_http_connections_open", "gauge", "Connections that are open.", http.open);
  one(out, "usher_http_requests_total", "counter", "Requests that came in whole.", http.requests);
  one(out, "usher_http_requests_refused_total", "counter",
      "Requests that came to no route: malformed, too large or too late.", http.refused);
  us_meters_write(of->meters, of->meter_count, out);
}

static void write_inside(struct us_buf *out, const struct us_metrics_of *of) {
  struct us_writer_counters writer = us_writer_counters(of->writer);
  one(out, "usher_writer_batches_total", "counter", "Transactions that were committed.", writer.batches);
  one(out, "usher_writer_failed_batches_total", "counter", "Transactions that could not be committed.",
      writer.failed_batches);
  one(out, "usher_writer_steps_total", "counter", "Write steps of requests.", writer.steps);
  one(out, "usher_writer_failed_steps_total", "counter", "Write steps that left nothing.", writer.failed_steps);
  one(out, "usher_writer_queue", "gauge", "Write steps that wait.", writer.queued);
  one(out, "usher_pool_queue", "gauge", "Requests that wait for a worker thread.", us_pool_queued(of->pool));
  one(out, "usher_swept_rows_total", "counter", "Rows that had expired and were taken away.", of->svc->swept);
}

/* What goes out by the outbox. */
static void write_outbox(struct us_buf *out, const struct us_services *svc) {
  static const char *const channels[] = {[US_OUTBOX_MAIL] = "mail", [US_OUTBOX_PLUGIN] = "plugin"};
  static const char *const ends[] = {
      [US_NOTICE_GONE] = "gone", [US_NOTICE_LATER] = "later", [US_NOTICE_FAILED] = "failed"};
  one(out, "usher_notices_total", "counter", "Mails that were put into the outbox.", svc->notices);
  one(out, "usher_events_total", "counter", "Events for plugins that were put into the outbox.", svc->events);
  us_metrics_head(out, "usher_outbox_tries_total", "counter", "Tries of mails and events by what came of them.");
  for (size_t c = 0; c < sizeof(channels) / sizeof(channels[0]); c++)
    for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++)
      if (ends[e] != NULL)
        us_metrics_put(out, "usher_outbox_tries_total{channel=\"%s\",end=\"%s\"} %" PRIu64 "\n", channels[c], ends[e],
                       (uint64_t)svc->outbox_ends[c][e]);
}

/* A counter of every method of every plugin. */
struct hook_metric {
  const char *name, *help;
  size_t offset; /* in us_hook_counters */
};
#define AT(member) offsetof(struct us_hook_counters, member)
static const struct hook_metric hook_metrics[] = {
    {"usher_plugin_calls_total", "Calls of methods of plugins.", AT(calls)},
    {"usher_plugin_vetoes_total", "Calls that said no.", AT(vetoes)},
    {"usher_plugin_failures_total", "Calls that failed.", AT(failures)},
    {"usher_plugin_late_total", "Calls that were given up at their deadline.", AT(late)},
    {"usher_plugin_seconds_total", "Time that calls took.", AT(microseconds)},
};

static void write_hooks(struct us_buf *out, struct us_plugins *plugins, const struct hook_metric *metric) {
  bool are_seconds = metric->offset == AT(microseconds);
  us_metrics_head(out, metric->name, "counter", metric->help);
  for (size_t i = 0; i < plugins->n; i++) {
    const struct us_plugin *plugin = &plugins->v[i];
    for (int hook = 0; hook < US_HOOK_COUNT; hook++) {
      if (!us_plugin_has(plugin, (enum us_hook)hook))
        continue;
      const char *counters = (const char *)&plugin->counters[hook];
      uint64_t value = *(const _Atomic uint64_t *)(const void *)(counters + metric->offset);
      us_metrics_put(out, "%s{plugin=\"%s\",method=\"%s\"} ", metric->name, plugin->abi.name,
                     us_hook_name((enum us_hook)hook));
      if (are_seconds)
        us_metrics_put(out, "%" PRIu64 ".%06" PRIu64 "\n", value / 1000000, value % 1000000);
      else
        us_metrics_put(out, "%" PRIu64 "\n", value);
    }
  }
}

static bool has_processes(const struct us_plugins *plugins) {
  for (size_t i = 0; i < plugins->n; i++)
    if (plugins->v[i].child != NULL)
      return true;
  return false;
}

/* Plugins in processes of their own. */
static void write_processes(struct us_buf *out, const struct us_plugins *plugins) {
  if (!has_processes(plugins))
    return;
  us_metrics_head(out, "usher_plugin_process_up", "gauge", "1 while the process of the plugin can be asked.");
  for (size_t i = 0; i < plugins->n; i++)
    if (plugins->v[i].child != NULL)
      us_metrics_put(out, "usher_plugin_process_up{plugin=\"%s\"} %d\n", plugins->v[i].abi.name,
                     us_child_is_up(plugins->v[i].child));
  us_metrics_head(out, "usher_plugin_process_starts_total", "counter",
                  "How often the process of the plugin was started.");
  for (size_t i = 0; i < plugins->n; i++)
    if (plugins->v[i].child != NULL)
      us_metrics_put(out, "usher_plugin_process_starts_total{plugin=\"%s\"} %" PRIu64 "\n", plugins->v[i].abi.name,
                     us_child_starts(plugins->v[i].child));
}

static void write_plugins(struct us_buf *out, struct us_plugins *plugins) {
  if (plugins == NULL)
    return;
  for (size_t i = 0; i < sizeof(hook_metrics) / sizeof(hook_metrics[0]); i++)
    write_hooks(out, plugins, &hook_metrics[i]);
  write_processes(out, plugins);
  struct us_hook_runner_counters runner = us_hook_runner_counters(plugins->runner);
  one(out, "usher_plugin_asking", "gauge", "Requests that wait for plugins.", runner.asking);
  one(out, "usher_plugin_telling", "gauge", "Deeds that plugins are still to be told of.", runner.telling);
  one(out, "usher_plugin_dropped_total", "counter", "Deeds that plugins were not told of for lack of room.",
      runner.dropped);
}

/* The second number of /proc/self/statm: pages. */
static uint64_t resident_bytes(void) {
  char text[128];
  uint64_t pages = 0;
  FILE *in = fopen("/proc/self/statm", "re");
  if (in == NULL)
    return 0;
  size_t n = fread(text, 1, sizeof(text), in);
  fclose(in);
  const char *blank = memchr(text, ' ', n);
  size_t left = blank != NULL ? n - (size_t)(blank + 1 - text) : 0;
  const char *end = blank != NULL ? memchr(blank + 1, ' ', left) : NULL;
  if (end == NULL || !us_str_to_u64((struct us_str){blank + 1, (size_t)(end - blank - 1)}, UINT64_MAX / 65536, &pages))
    return 0;
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_files(void) {
  uint64_t n = 0;
  DIR *dir = opendir("/proc/self/fd");
  if (dir == NULL)
    return 0;
  while (readdir(dir) != NULL)
    n++;
  closedir(dir);
  return n > 3 ? n - 3 : 0; /* ".", ".." and the folder itself */
}

static void write_process(struct us_buf *out, int64_t started_s) {
  struct rusage used = {0};
  getrusage(RUSAGE_SELF, &used);
  int64_t us =
      (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
  us_metrics_head(out, "usher_build_info", "gauge", "Always 1; the version is a label.");
  us_metrics_put(out, "usher_build_info{version=\"%s\"} 1\n", USHER_VERSION);
  one(out, "process_start_time_seconds", "gauge", "When it was started, of 1970.", (uint64_t)started_s);
  one(out, "process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes());
  us_metrics_head(out, "process_cpu_seconds_total", "counter", "Processor time.");
  us_metrics_put(out, "process_cpu_seconds_total %" PRId64 ".%06" PRId64 "\n", us / 1000000, us % 1000000);
  one(out, "process_open_fds", "gauge", "Open files.", open_files());
}

void us_metrics_write(const struct us_metrics_of *of, struct us_buf *out) {
  write_process(out, of->started_s);
  write_edge(out, of);
  write_inside(out, of);
  write_outbox(out, of->svc);
  write_plugins(out, of->svc->plugins);
}

/* ---- The listener ---- */

static void answer(void *self, struct us_http_exchange *exchange) {
  struct us_metrics *metrics = self;
  struct us_http_response *response = &exchange->response;
  bool is_get = exchange->request.method == US_METHOD_GET || exchange->request.method == US_METHOD_HEAD;
  bool is_here = us_str_eq(exchange->request.path, US_STR("/metrics"));
  response->status = !is_here ? 404 : is_get ? 200 : 405;
  if (is_here && !is_get)
    us_http_response_header(response, "Allow", US_STR("GET"));
  if (response->status == 200) {
    us_metrics_write(&metrics->of, &response->body);
    us_http_response_header(response, "Content-Type", US_STR("text/plain; version=0.0.4; charset=utf-8"));
  }
  if (!us_buf_ok(&response->body)) {
    us_buf_reset(&response->body);
    response->status = 503;
  }
  us_http_exchange_reply(exchange);
}

struct us_metrics *us_metrics_start(const struct us_http_listener *listener, const struct us_metrics_of *of,
                                    char *ret_reason, size_t reason_bytes) {
  struct us_metrics *metrics = calloc(1, sizeof(*metrics));
  struct us_http_limits limits = us_http_limits_default;
  snprintf(ret_reason, reason_bytes, "there is no memory");
  if (metrics == NULL)
    return NULL;
  limits.connections = US_METRICS_CONNECTIONS;
  limits.connections_per_addr = US_METRICS_CONNECTIONS;
  metrics->of = *of;
  struct us_http_options options = {
      .listeners = listener,
      .listener_count = 1,
      .limits = limits,
      .h2 = US_HTTP_H2_OFF,
      .loops = 1,
      .on_request = answer,
      .self = metrics,
  };
  if (us_http_server_start(&options, &metrics->http, ret_reason, reason_bytes) == 0)
    return metrics;
  free(metrics);
  return NULL;
}

uint16_t us_metrics_port(const struct us_metrics *metrics) {
  return us_http_server_port(metrics->http, 0);
}

void us_metrics_stop(struct us_metrics *metrics) {
  if (metrics == NULL)
    return;
  us_http_server_stop(metrics->http, 0);
  us_http_server_free(metrics->http);
  free(metrics);
}
