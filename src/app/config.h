/*
 * The configuration of a process: one YAML file, each key also as environment variable (USHER_ and the path of the key in
 * capitals: USHER_LOG_LEVEL is log.level). Decoded by the same field tables as requests; unknown keys are refused with their
 * line. docs/config.md documents every row.
 */
#ifndef USHER_APP_CONFIG_H
#define USHER_APP_CONFIG_H

#include "app/app.h"
#include "json/field.h"

struct us_config_listener {
  struct us_str address;
  int64_t port;
  bool tls;
};
struct us_config_plugin {
  struct us_str path;
  int64_t priority, deadline_ms /* 0: plugin.deadline_ms */;
  json_t *config;
  bool process;
};
struct us_config {
  struct us_field_list listen; /* of struct us_config_listener */
  struct us_str store, store_key_file, base_url, context_path, cookie_name, default_realm;
  struct us_strs trusted_proxies;
  struct us_str client_cert_header, client_ca_file;
  struct {
    struct us_strs allow;
    struct us_str ca_file;
  } fetch;
  int64_t loops, pool_threads, pool_queue, pool_per_address, writer_queue, cache_kib, stop_grace_ms;
  struct {
    struct us_str certificate, key;
    bool ask_client_certificate;
  } tls;
  struct {
    int level, format;
    bool requests;
  } log;
  struct {
    int64_t target_bytes, head_bytes, header_count, body_bytes, connections, connections_per_address, pipelined_bytes;
    int64_t head_ms, body_ms, idle_ms, answer_ms;
    bool h2, h2c;
    int64_t h2_streams, h2_memory_bytes, h2_bytes_per_address, h2_total_bytes, h2_resets, h2_frames, h2_interval_ms;
  } http;
  struct us_config_smtp {
    struct us_str host, user, password, from, ca_file, mail_attribute, templates; /* no host: no mails */
    int tls;                                                                      /* enum us_mail_tls */
    int64_t port /* 0: the usual one */, timeout_ms, retry_ms, tries;
  } smtp;
  struct {
    struct us_str address;
    int64_t port; /* -1: no metrics are shown */
  } metrics;
  struct us_field_list plugins; /* of struct us_config_plugin */
  struct {
    struct us_str directory;
    int64_t deadline_ms, threads, queue;
  } plugin;
};

/* Reads file and environment and checks what belongs together. Text of cx->err says what is wrong, and where. */
enum us_code us_config_read(struct us_cx *cx, const char *file, struct us_config *ret_config) US_MUST_CHECK;
/* As options of the server; everything in cx->mem. */
enum us_code us_config_options(struct us_cx *cx, const char *file, const struct us_config *config,
                               struct us_app_options *ret_options) US_MUST_CHECK;
bool us_address_is_loopback(struct us_str address);

/* The part about mails (app/config_smtp.c): its fields lie in struct us_config; defaults; rules; as options, NULL without a host. */
extern const struct us_field_table us_config_smtp_table;
void us_config_smtp_defaults(struct us_config *config);
enum us_code us_config_smtp_check(struct us_cx *cx, const struct us_config *config) US_MUST_CHECK;
enum us_code us_config_smtp_options(struct us_cx *cx, const struct us_config *config,
                                    const struct us_mail_options **ret_options) US_MUST_CHECK;

/* The part about plugins (app/config_plugins.c). `file`: of the configuration. */
extern const struct us_field_table us_config_plugin_table, us_config_plugin_entry_table;
void us_config_plugins_defaults(struct us_config *config);
enum us_code us_config_plugins_options(struct us_cx *cx, const char *file, const struct us_config *config,
                                       struct us_plugin_options *ret_options) US_MUST_CHECK;

#endif
