/* The configuration: see config.h. */
#include "app/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "domain/pool_share.h"
#include "http/address.h"

#define US_CONFIG_FILE_MAX (256 * 1024)
#define AT(member) offsetof(struct us_config, member)
#define TEXT(name_, at, max_)                                                                                          \
  { .name = name_, .kind = US_FIELD_STRING, .offset = at, .flags = US_FIELD_NOT_EMPTY, .max = max_ }
#define NUMBER(name_, at, min_, max_)                                                                                  \
  { .name = name_, .kind = US_FIELD_INT, .offset = at, .min = min_, .max = max_ }
#define YES_NO(name_, at)                                                                                              \
  { .name = name_, .kind = US_FIELD_BOOL, .offset = at }
#define DAY_MS (24 * 3600 * 1000)

static const struct us_enum_name level_names[] = {{"debug", US_LOG_DEBUG}, {"info", US_LOG_INFO}, {"warn", US_LOG_WARN},
                                                  {"error", US_LOG_ERROR}, {"off", US_LOG_OFF},   {NULL, 0}};
static const struct us_enum_name format_names[] = {{"logfmt", US_LOG_LOGFMT}, {"json", US_LOG_JSON}, {NULL, 0}};

static const struct us_field listener_fields[] = {
    {.name = "address",
     .kind = US_FIELD_STRING,
     .offset = offsetof(struct us_config_listener, address),
     .flags = US_FIELD_REQUIRED,
     .max = 64},
    {.name = "port",
     .kind = US_FIELD_INT,
     .offset = offsetof(struct us_config_listener, port),
     .flags = US_FIELD_REQUIRED,
     .min = 0,
     .max = 65535},
    YES_NO("tls", offsetof(struct us_config_listener, tls)),
};
static const struct us_field_table listener_table = {
    .size = sizeof(struct us_config_listener), US_FIELDS(listener_fields), .refuse_unknown = true};

/* Nested tables stand inline in struct us_config: their rows count offsets from its beginning, so `offset` of the group is 0. */
static const struct us_field tls_fields[] = {
    TEXT("certificate", AT(tls.certificate), 4096),
    TEXT("key", AT(tls.key), 4096),
    YES_NO("ask_client_certificate", AT(tls.ask_client_certificate)),
};
static const struct us_field_table tls_table = {
    .size = sizeof(struct us_config), US_FIELDS(tls_fields), .refuse_unknown = true};

static const struct us_field log_fields[] = {
    {.name = "level", .kind = US_FIELD_ENUM, .offset = AT(log.level), .names = level_names, .max = 16},
    {.name = "format", .kind = US_FIELD_ENUM, .offset = AT(log.format), .names = format_names, .max = 16},
    YES_NO("requests", AT(log.requests)),
};
static const struct us_field_table log_table = {
    .size = sizeof(struct us_config), US_FIELDS(log_fields), .refuse_unknown = true};

static const struct us_field http_fields[] = {
    NUMBER("target_bytes", AT(http.target_bytes), 256, 65536),
    NUMBER("head_bytes", AT(http.head_bytes), 1024, 1024 * 1024),
    NUMBER("header_count", AT(http.header_count), 8, 1000),
    NUMBER("body_bytes", AT(http.body_bytes), 1024, 1024 * 1024),
    NUMBER("connections", AT(http.connections), 1, 1000000),
    NUMBER("connections_per_address", AT(http.connections_per_address), 1, 1000000),
    NUMBER("pipelined_bytes", AT(http.pipelined_bytes), 4096, 16 * 1024 * 1024),
    NUMBER("head_ms", AT(http.head_ms), 100, DAY_MS),
    NUMBER("body_ms", AT(http.body_ms), 100, DAY_MS),
    NUMBER("idle_ms", AT(http.idle_ms), 100, DAY_MS),
    NUMBER("answer_ms", AT(http.answer_ms), 100, DAY_MS),
    YES_NO("h2", AT(http.h2)),
    YES_NO("h2c", AT(http.h2c)),
    NUMBER("h2_streams", AT(http.h2_streams), 1, 1000),
    NUMBER("h2_memory_bytes", AT(http.h2_memory_bytes), 256 * 1024, 1024 * 1024 * 1024),
    NUMBER("h2_bytes_per_address", AT(http.h2_bytes_per_address), 256 * 1024, INT64_C(1024) * 1024 * 1024 * 1024),
    NUMBER("h2_total_bytes", AT(http.h2_total_bytes), 1024 * 1024, INT64_C(1024) * 1024 * 1024 * 1024),
    NUMBER("h2_resets", AT(http.h2_resets), 1, 1000000),
    NUMBER("h2_frames", AT(http.h2_frames), 100, 1000000),
    NUMBER("h2_interval_ms", AT(http.h2_interval_ms), 100, DAY_MS),
};
static const struct us_field_table http_table = {
    .size = sizeof(struct us_config), US_FIELDS(http_fields), .refuse_unknown = true};

static const struct us_field fetch_fields[] = {
    {.name = "allow", .kind = US_FIELD_STRINGS, .offset = AT(fetch.allow), .max = 64, .item_max = 253},
    TEXT("ca_file", AT(fetch.ca_file), 4096),
};
static const struct us_field_table fetch_table = {
    .size = sizeof(struct us_config), US_FIELDS(fetch_fields), .refuse_unknown = true};

static const struct us_field metrics_fields[] = {
    TEXT("address", AT(metrics.address), 64),
    NUMBER("port", AT(metrics.port), 0, 65535),
};
static const struct us_field_table metrics_table = {
    .size = sizeof(struct us_config), US_FIELDS(metrics_fields), .refuse_unknown = true};

static const struct us_field config_fields[] = {
    {.name = "listen", .kind = US_FIELD_TABLES, .offset = AT(listen), .max = 16, .table = &listener_table},
    TEXT("store", AT(store), 4096),
    TEXT("store_key_file", AT(store_key_file), 4096),
    TEXT("base_url", AT(base_url), 2048),
    TEXT("context_path", AT(context_path), 256),
    TEXT("cookie_name", AT(cookie_name), 64),
    TEXT("default_realm", AT(default_realm), 1024),
    {.name = "trusted_proxies", .kind = US_FIELD_STRINGS, .offset = AT(trusted_proxies), .max = 64, .item_max = 64},
    TEXT("client_cert_header", AT(client_cert_header), 64),
    TEXT("client_ca_file", AT(client_ca_file), 4096),
    NUMBER("loops", AT(loops), 0, 64),
    NUMBER("pool_threads", AT(pool_threads), 0, 64),
    NUMBER("pool_queue", AT(pool_queue), 1, 1000000),
    NUMBER("pool_per_address", AT(pool_per_address), 1, 1000000),
    NUMBER("writer_queue", AT(writer_queue), 64, 1000000),
    NUMBER("cache_kib", AT(cache_kib), 64, 16 * 1024 * 1024),
    NUMBER("stop_grace_ms", AT(stop_grace_ms), 0, 3600 * 1000),
    {.name = "tls", .kind = US_FIELD_TABLE, .offset = 0, .max = 1, .table = &tls_table},
    {.name = "log", .kind = US_FIELD_TABLE, .offset = 0, .max = 1, .table = &log_table},
    {.name = "http", .kind = US_FIELD_TABLE, .offset = 0, .max = 1, .table = &http_table},
    {.name = "fetch", .kind = US_FIELD_TABLE, .offset = 0, .max = 1, .table = &fetch_table},
    {.name = "smtp", .kind = US_FIELD_TABLE, .offset = 0, .max = 1, .table = &us_config_smtp_table},
    {.name = "metrics", .kind = US_FIELD_TABLE, .offset = 0, .max = 1, .table = &metrics_table},
    {.name = "plugins",
     .kind = US_FIELD_TABLES,
     .offset = AT(plugins),
     .max = US_PLUGINS_MAX,
     .table = &us_config_plugin_entry_table},
    {.name = "plugin", .kind = US_FIELD_TABLE, .offset = 0, .max = 1, .table = &us_config_plugin_table},
};
static const struct us_field_table config_table = {
    .size = sizeof(struct us_config), US_FIELDS(config_fields), .refuse_unknown = true};

static void set_defaults(struct us_config *c) {
  const struct us_http_limits *l = &us_http_limits_default;
  memset(c, 0, sizeof(*c));
  c->store = US_STR("sqlite:usher.db");
  c->context_path = US_STR("/am");
  c->cookie_name = US_STR("iPlanetDirectoryPro");
  c->default_realm = US_STR("/");
  c->pool_queue = 1024;
  c->pool_per_address = US_POOL_PER_ADDRESS;
  c->writer_queue = 4096;
  c->cache_kib = 8192;
  c->stop_grace_ms = 10000;
  c->log.level = US_LOG_INFO;
  c->log.format = US_LOG_LOGFMT;
  c->log.requests = true;
  c->http.target_bytes = (int64_t)l->target_bytes;
  c->http.head_bytes = (int64_t)l->head_bytes;
  c->http.header_count = (int64_t)l->header_count;
  c->http.body_bytes = (int64_t)l->body_bytes;
  c->http.connections = (int64_t)l->connections;
  c->http.connections_per_address = (int64_t)l->connections_per_addr;
  c->http.pipelined_bytes = (int64_t)l->pipelined_bytes;
  c->http.head_ms = l->head_ms;
  c->http.body_ms = l->body_ms;
  c->http.idle_ms = l->idle_ms;
  c->http.answer_ms = l->answer_ms;
  c->http.h2 = true;
  c->http.h2_streams = (int64_t)l->h2_streams;
  c->http.h2_memory_bytes = (int64_t)l->h2_memory_bytes;
  c->http.h2_bytes_per_address = (int64_t)l->h2_address_bytes;
  c->http.h2_total_bytes = (int64_t)l->h2_total_bytes;
  c->http.h2_resets = (int64_t)l->h2_resets;
  c->http.h2_frames = (int64_t)l->h2_frames;
  c->http.h2_interval_ms = l->h2_interval_ms;
  c->metrics.address = US_STR("127.0.0.1");
  c->metrics.port = -1;
  us_config_smtp_defaults(c);
  us_config_plugins_defaults(c);
}

static enum us_code read_file(struct us_cx *cx, const char *file, struct us_str *ret_text) {
  FILE *in = fopen(file, "re");
  if (in == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "%s: cannot be read: %s", file, strerror(errno));
  char *text = us_mem_alloc(cx->mem, US_CONFIG_FILE_MAX + 1);
  size_t n = text ? fread(text, 1, US_CONFIG_FILE_MAX + 1, in) : 0;
  int error = ferror(in) ? errno : 0;
  fclose(in);
  if (text == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (error != 0)
    return us_fail(cx, US_E_INVALID_REQUEST, "%s: cannot be read: %s", file, strerror(error));
  if (n > US_CONFIG_FILE_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "%s: is larger than %d bytes", file, US_CONFIG_FILE_MAX);
  *ret_text = (struct us_str){text, n};
  return US_OK;
}

/* One variable through the form decoder, so that it fails with the words of its row and the name it was given by. */
static enum us_code read_variable(struct us_cx *cx, const struct us_field_table *table, const struct us_field *field,
                                  const char *name, struct us_config *config) {
  const char *value = getenv(name);
  if (value == NULL)
    return US_OK;
  struct us_str encoded = us_percent_encode(cx->mem, us_str_c(value));
  struct us_str text = us_str_fmt(cx->mem, "%s=%.*s", field->name, US_STR_ARG(encoded));
  if (encoded.p == NULL || text.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  enum us_code code = us_field_from_form(cx, table, text, config);
  if (code == US_E_INVALID_REQUEST)
    return us_fail(cx, code, "environment %s: %.*s", name, US_STR_ARG(cx->err.text));
  return code;
}

/* USHER_HTTP_HEAD_MS and so on: what is no list of tables. */
static enum us_code read_environment(struct us_cx *cx, const struct us_field_table *table, const char *prefix,
                                     struct us_config *config) {
  for (size_t i = 0; i < table->n; i++) {
    const struct us_field *f = &table->fields[i];
    char name[96];
    int n = snprintf(name, sizeof(name), "%s_%s", prefix, f->name);
    for (int k = 0; k < n && k < (int)sizeof(name) - 1; k++)
      name[k] = (char)toupper((unsigned char)name[k]);
    if (f->kind == US_FIELD_TABLE)
      US_TRY(read_environment(cx, f->table, name, config));
    else if (f->kind != US_FIELD_TABLES)
      US_TRY(read_variable(cx, table, f, name, config));
  }
  return US_OK;
}

bool us_address_is_loopback(struct us_str address) {
  struct us_address parsed, v6;
  if (!us_address_parse(address, &parsed) || !us_address_parse(US_STR("::1"), &v6))
    return false;
  static const uint8_t v4[13] = {[10] = 0xff, [11] = 0xff, [12] = 127}; /* ::ffff:127.0.0.0/104 */
  return us_address_eq(&parsed, &v6) || memcmp(parsed.bytes, v4, sizeof(v4)) == 0;
}

static enum us_code check_listener(struct us_cx *cx, const struct us_config *c, size_t i) {
  const struct us_config_listener *listener = (const struct us_config_listener *)c->listen.v + i;
  struct us_str address = listener->address;
  struct us_address parsed;
  if (!us_address_parse(address, &parsed))
    return us_fail(cx, US_E_INVALID_REQUEST, "listen[%zu]: %.*s is not an IP address", i, US_STR_ARG(address));
  if (listener->tls && c->tls.certificate.p == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "listen[%zu]: tls needs tls.certificate and tls.key", i);
  if (us_address_is_loopback(address))
    return US_OK;
  if (c->base_url.p == NULL) /* design 6 */
    return us_fail(
        cx, US_E_INVALID_REQUEST,
        "listen[%zu]: %.*s is a public address; say under which URL people reach it: base_url: https://HOST/am", i,
        US_STR_ARG(address));
  if (!listener->tls && c->trusted_proxies.n == 0) /* UF-01 */
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "listen[%zu]: plain HTTP on %.*s would carry tokens in clear; set tls: true, or name the proxy that "
                   "ends TLS in trusted_proxies",
                   i, US_STR_ARG(address));
  return US_OK;
}

static bool ends_with_slash(struct us_str s) {
  return s.n > 0 && s.p[s.n - 1] == '/';
}

static enum us_code check_urls(struct us_cx *cx, const struct us_config *c) {
  struct us_str url = c->base_url, path = c->context_path;
  if (url.p != NULL && !us_str_starts(url, US_STR("http://")) && !us_str_starts(url, US_STR("https://")))
    return us_fail(cx, US_E_INVALID_REQUEST, "base_url: must begin with http:// or https://");
  if (url.p != NULL && ends_with_slash(url))
    return us_fail(cx, US_E_INVALID_REQUEST, "base_url: must not end with a slash");
  if (path.p[0] != '/' || ends_with_slash(path))
    return us_fail(cx, US_E_INVALID_REQUEST, "context_path: must begin with a slash and not end with one");
  return US_OK;
}

static enum us_code check_file(struct us_cx *cx, const char *key, struct us_str name) {
  const char *file = us_str_cdup(cx->mem, name);
  FILE *in = file ? fopen(file, "re") : NULL;
  if (in == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "%s: %s cannot be read: %s", key, file ? file : "", strerror(errno));
  fclose(in);
  return US_OK;
}

/* RFC 9110 5.1: a token. What else every request carries would be read as a certificate, and refused. */
static bool is_header_name(struct us_str name) {
  static const char *const taken[] = {"authorization",  "host",         "cookie",
                                      "content-length", "content-type", "connection"};
  for (size_t i = 0; i < name.n; i++) {
    if (!isalnum((unsigned char)name.p[i]) && strchr("!#$%&'*+-.^_`|~", name.p[i]) == NULL)
      return false;
  }
  for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
    if (us_str_eq_nocase(name, us_str_c(taken[i])))
      return false;
  }
  return name.n > 0;
}

static bool sees_certificates(const struct us_config *c) {
  bool by_tls = false;
  for (size_t i = 0; i < c->listen.n; i++)
    by_tls |= ((const struct us_config_listener *)c->listen.v)[i].tls && c->tls.ask_client_certificate;
  return by_tls || c->client_cert_header.p != NULL;
}

static enum us_code check_certificates(struct us_cx *cx, const struct us_config *c) {
  if (c->client_cert_header.p != NULL && !is_header_name(c->client_cert_header))
    return us_fail(cx, US_E_INVALID_REQUEST, "client_cert_header: must be the name of a header, such as Client-Cert");
  if (c->client_cert_header.p != NULL && c->trusted_proxies.n == 0)
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "client_cert_header: counts only from trusted_proxies, and there are none");
  if (c->client_ca_file.p == NULL)
    return US_OK;
  if (!sees_certificates(c))
    return us_fail(
        cx, US_E_INVALID_REQUEST,
        "client_ca_file: no certificate would be seen; set tls.ask_client_certificate or client_cert_header");
  return check_file(cx, "client_ca_file", c->client_ca_file);
}

static enum us_code check_fetch(struct us_cx *cx, const struct us_config *c) {
  for (size_t i = 0; i < c->fetch.allow.n; i++) {
    struct us_str host = c->fetch.allow.v[i];
    if (host.n == 0 || memchr(host.p, '/', host.n) != NULL || memchr(host.p, '[', host.n) != NULL)
      return us_fail(cx, US_E_INVALID_REQUEST, "fetch.allow: %.*s is neither a host nor an address", US_STR_ARG(host));
  }
  return c->fetch.ca_file.p != NULL ? check_file(cx, "fetch.ca_file", c->fetch.ca_file) : US_OK;
}

/* Whoever reaches them learns how busy the server is, and no secret; they go to networks of operators, unencrypted. */
static enum us_code check_metrics(struct us_cx *cx, const struct us_config *c) {
  struct us_address parsed;
  if (!us_address_parse(c->metrics.address, &parsed))
    return us_fail(cx, US_E_INVALID_REQUEST, "metrics.address: %.*s is not an IP address",
                   US_STR_ARG(c->metrics.address));
  return US_OK;
}

/* Rules between members, and of what no row can say. */
static enum us_code check(struct us_cx *cx, const struct us_config *c) {
  if (c->listen.n == 0)
    return us_fail(cx, US_E_INVALID_REQUEST, "listen: at least one {address, port} is needed");
  if ((c->tls.certificate.p == NULL) != (c->tls.key.p == NULL))
    return us_fail(cx, US_E_INVALID_REQUEST, "tls: certificate and key come together");
  if (c->http.h2c && !c->http.h2)
    return us_fail(cx, US_E_INVALID_REQUEST, "http: h2c needs h2");
  for (size_t i = 0; i < c->listen.n; i++)
    US_TRY(check_listener(cx, c, i));
  for (size_t i = 0; i < c->trusted_proxies.n; i++) {
    struct us_address parsed;
    struct us_str proxy = c->trusted_proxies.v[i];
    if (!us_address_parse(proxy, &parsed))
      return us_fail(cx, US_E_INVALID_REQUEST, "trusted_proxies: %.*s is not an IP address", US_STR_ARG(proxy));
  }
  US_TRY(check_metrics(cx, c));
  US_TRY(check_certificates(cx, c));
  US_TRY(check_fetch(cx, c));
  US_TRY(us_config_smtp_check(cx, c));
  return check_urls(cx, c);
}

enum us_code us_config_read(struct us_cx *cx, const char *file, struct us_config *ret_config) {
  struct us_str text = US_STR_ABSENT;
  set_defaults(ret_config);
  US_TRY(read_file(cx, file, &text));
  US_TRY(us_field_from_yaml(cx, &config_table, file, text, ret_config));
  US_TRY(read_environment(cx, &config_table, "USHER", ret_config));
  return check(cx, ret_config);
}

enum us_code us_config_options(struct us_cx *cx, const char *file, const struct us_config *c,
                               struct us_app_options *ret_options) {
  const struct us_config_listener *in = c->listen.v;
  struct us_http_listener *listeners = US_NEW_ARRAY(cx->mem, struct us_http_listener, c->listen.n);
  struct us_http_tls *tls = US_NEW(cx->mem, struct us_http_tls);
  const char **proxies = US_NEW_ARRAY(cx->mem, const char *, c->trusted_proxies.n + 1);
  const struct us_mail_options *mail = NULL;
  if (listeners == NULL || tls == NULL || proxies == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < c->listen.n; i++)
    listeners[i] = (struct us_http_listener){us_str_cdup(cx->mem, in[i].address), (uint16_t)in[i].port, in[i].tls};
  for (size_t i = 0; i < c->trusted_proxies.n; i++)
    proxies[i] = us_str_cdup(cx->mem, c->trusted_proxies.v[i]);
  US_TRY(us_config_smtp_options(cx, c, &mail));
  bool has_tls = c->tls.certificate.p != NULL;
  if (has_tls)
    *tls = (struct us_http_tls){us_str_cdup(cx->mem, c->tls.certificate), us_str_cdup(cx->mem, c->tls.key),
                                c->tls.ask_client_certificate};
  *ret_options = (struct us_app_options){
      .store_url = us_str_cdup(cx->mem, c->store),
      .base_url = c->base_url.p ? us_str_cdup(cx->mem, c->base_url) : NULL,
      .context_path = us_str_cdup(cx->mem, c->context_path),
      .cookie_name = us_str_cdup(cx->mem, c->cookie_name),
      .default_realm = us_str_cdup(cx->mem, c->default_realm),
      .listeners = listeners,
      .listener_count = c->listen.n,
      .tls = has_tls ? tls : NULL,
      .limits = {.target_bytes = (size_t)c->http.target_bytes,
                 .head_bytes = (size_t)c->http.head_bytes,
                 .header_count = (size_t)c->http.header_count,
                 .body_bytes = (size_t)c->http.body_bytes,
                 .connections = (size_t)c->http.connections,
                 .connections_per_addr = (size_t)c->http.connections_per_address,
                 .pipelined_bytes = (size_t)c->http.pipelined_bytes,
                 .head_ms = c->http.head_ms,
                 .body_ms = c->http.body_ms,
                 .idle_ms = c->http.idle_ms,
                 .answer_ms = c->http.answer_ms,
                 .h2_streams = (size_t)c->http.h2_streams,
                 .h2_memory_bytes = (size_t)c->http.h2_memory_bytes,
                 .h2_address_bytes = (size_t)c->http.h2_bytes_per_address,
                 .h2_total_bytes = (size_t)c->http.h2_total_bytes,
                 .h2_resets = (size_t)c->http.h2_resets,
                 .h2_frames = (size_t)c->http.h2_frames,
                 .h2_interval_ms = c->http.h2_interval_ms},
      .h2 = !c->http.h2   ? US_HTTP_H2_OFF
            : c->http.h2c ? US_HTTP_H2_PLAIN
                          : US_HTTP_H2_TLS,
      .trusted_proxies = proxies,
      .client_cert_header = c->client_cert_header.p ? us_str_fold(cx->mem, c->client_cert_header).p : NULL,
      .store_key_file = c->store_key_file.p ? us_str_cdup(cx->mem, c->store_key_file) : NULL,
      .client_ca_file = c->client_ca_file.p ? us_str_cdup(cx->mem, c->client_ca_file) : NULL,
      .fetch_allow = c->fetch.allow,
      .fetch_ca_file = c->fetch.ca_file.p ? us_str_cdup(cx->mem, c->fetch.ca_file) : NULL,
      .loops = (unsigned)c->loops,
      .pool_threads = (unsigned)c->pool_threads,
      .pool_queue = (size_t)c->pool_queue,
      .pool_per_address = c->pool_per_address,
      .writer_queue = (size_t)c->writer_queue,
      .cache_kib = (int)c->cache_kib,
      .log_requests = c->log.requests,
      .mail = mail,
  };
  if (c->metrics.port >= 0) {
    struct us_http_listener *metrics = US_NEW(cx->mem, struct us_http_listener);
    if (metrics == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    *metrics = (struct us_http_listener){us_str_cdup(cx->mem, c->metrics.address), (uint16_t)c->metrics.port, false};
    ret_options->metrics = metrics;
  }
  return us_config_plugins_options(cx, file, c, &ret_options->plugins);
}
