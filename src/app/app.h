/*
 * A whole server in a process: services, store, writer, pool, HTTP edge, put together in order and taken apart in reverse.
 * `serve` and `demo` fill the options; tests over real sockets too.
 */
#ifndef USHER_APP_APP_H
#define USHER_APP_APP_H

#include "app/mailer.h"
#include "base/log.h"
#include "domain/services.h"
#include "http/server.h"
#include "plugin/load.h"

struct us_app_options {
  const char *store_url;
  const char *store_key_file; /* NULL: `store.key` beside the store, if there is one */
  const char *base_url;       /* NULL: http(s)://host:port + context_path of the first listener */
  const char *context_path;   /* NULL: "/am" */
  const char *cookie_name;    /* NULL: "iPlanetDirectoryPro" */
  const char *default_realm;  /* NULL: "/" */
  const struct us_http_listener *listeners;
  size_t listener_count;
  const struct us_http_tls *tls;
  struct us_http_limits limits;
  enum us_http_h2 h2;
  const char *const *trusted_proxies;
  const char *client_cert_header; /* lower case; NULL: proxies tell no certificates */
  const char *client_ca_file;     /* authorities of clients' certificates; NULL: none */
  unsigned loops;                 /* 0: one a core */
  unsigned pool_threads;          /* 0: one a core, at least 2 */
  size_t pool_queue;              /* 0: 1024 */
  int64_t pool_per_address;       /* 0: US_POOL_PER_ADDRESS */
  size_t writer_queue;            /* 0: 4096 */
  int cache_kib;                  /* page cache of each connection; 0: 8192 */
  bool log_requests;
  const struct us_mail_options *mail; /* NULL: no mails are sent */
  struct us_strs fetch_allow; /* hosts and addresses that URLs of clients may lead to although they are inside */
  const char *fetch_ca_file;  /* NULL: the system's authorities */
  struct us_plugin_options plugins;
  const struct us_http_listener *metrics; /* NULL: none are shown */
};
struct us_app;

/* Starts and returns when it answers. On failure cx->err.text is one line an operator can act on. */
enum us_code us_app_start(struct us_cx *cx, const struct us_app_options *options,
                          struct us_app **ret_app) US_MUST_CHECK;
const char *us_app_base_url(const struct us_app *app);
uint16_t us_app_port(const struct us_app *app, size_t listener);
uint16_t us_app_metrics_port(const struct us_app *app); /* 0: there is none */
/* Certificates for new connections, and the authorities of clients' certificates. False: says why, and all stays as it was. */
bool us_app_reload_tls(struct us_app *app, const struct us_http_tls *tls, const char *client_ca_file, char *ret_reason,
                       size_t reason_bytes);
/* Plugins that can take a new configuration get it. */
void us_app_reload_plugins(struct us_app *app, const struct us_plugin_options *plugins);
/* Stops accepting, drains the writer, answers what is in flight, closes the store. */
void us_app_stop(struct us_app *app, int64_t grace_ms);

/* Services without a server: the command line, the demo's world, tests. Free with us_services_free(). */
struct us_services *us_services_new(const struct us_clock *clock, const char *base_url, const char *context_path,
                                    const char *cookie_name, const char *default_realm);
void us_services_free(struct us_services *svc);

#endif
