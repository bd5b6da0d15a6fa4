/* The host's table, and the scope of a call: see host.h. */
#include "plugin/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "plugin/handle.h"
#include "json/pointer.h"

static _Thread_local struct us_scope *scope; /* the call that runs on this thread */
static const struct us_clock *host_clock = &us_clock_system;

void us_host_set_clock(const struct us_clock *clock) {
  host_clock = clock;
}

void us_scope_enter(struct us_scope *s, const struct us_plugin *plugin, int64_t until_us, void *mem) {
  *s = (struct us_scope){
      .name = plugin->abi.name, .config = plugin->config, .until_us = until_us, .mem = mem, .outer = scope};
  scope = s;
}

void us_scope_leave(struct us_scope *s) {
  scope = s->outer;
  if (s->owns_mem)
    us_mem_free(s->mem);
}

void *us_scope_mem(void) {
  if (!scope)
    return NULL;
  if (!scope->mem) {
    scope->mem = us_mem_root_new(0, US_SCOPE_MEM_MAX_BYTES);
    scope->owns_mem = true;
  }
  return scope->mem;
}

static struct usher_str nothing(void) {
  return (struct usher_str){"", 0};
}

struct usher_str us_scope_text(struct us_str text) {
  void *mem = us_scope_mem();
  struct us_str copy = mem ? us_str_dup(mem, text) : US_STR_ABSENT;
  return copy.p ? (struct usher_str){copy.p, copy.n} : nothing();
}

static void host_log(int level, const char *text) {
  static const enum us_log_level levels[] = {US_LOG_ERROR, US_LOG_WARN, US_LOG_INFO, US_LOG_DEBUG};
  struct us_log_line line;
  enum us_log_level ours = level >= 0 && level <= USHER_LOG_DEBUG ? levels[level] : US_LOG_INFO;
  if (!text || !us_log_wants(ours))
    return;
  us_log_begin(&line, ours, "plugin");
  us_log_c(&line, "plugin", scope ? scope->name : "?");
  us_log_str(&line, "msg", (struct us_str){text, strnlen(text, US_PLUGIN_LOG_MAX_BYTES)});
  us_log_end(&line);
}

static int64_t host_now_ms(void) {
  return us_clock_now_ms(host_clock);
}

static int64_t host_left_ms(void) {
  if (!scope || scope->until_us == INT64_MAX)
    return INT64_MAX;
  int64_t left_us = scope->until_us - us_monotonic_us();
  return left_us > 0 ? left_us / 1000 : 0;
}

static json_t *parse(struct us_str text) {
  return text.p ? json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL) : NULL;
}

/* Text of a value that `tree` owns. */
static struct usher_str text_of(const json_t *value) {
  char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
  struct usher_str result = text ? us_scope_text(us_str_c(text)) : nothing();
  free(text);
  return result;
}

static struct usher_str value_at(struct us_str json, const char *pointer) {
  json_t *tree = pointer ? parse(json) : NULL;
  struct usher_str text = text_of(us_json_pointer_get(tree, us_str_c(pointer)));
  json_decref(tree);
  return text;
}

static struct usher_str host_config_get(const char *pointer) {
  return scope ? value_at(scope->config, pointer) : nothing();
}

static struct usher_str host_json_get(struct usher_str json, const char *pointer) {
  return value_at((struct us_str){json.p, json.n}, pointer);
}

static struct usher_str host_json_text(struct usher_str json) {
  json_t *value = parse((struct us_str){json.p, json.n});
  struct usher_str text = nothing();
  if (json_is_string(value))
    text = us_scope_text((struct us_str){json_string_value(value), json_string_length(value)});
  json_decref(value);
  return text;
}

static struct usher_str host_json_string(struct usher_str text) {
  json_t *value = text.p ? json_stringn(text.p, text.n) : NULL;
  struct usher_str json = text_of(value);
  json_decref(value);
  return json;
}

static void *host_alloc(size_t bytes) {
  void *mem = us_scope_mem();
  if (!mem || bytes > US_SCOPE_ALLOC_MAX_BYTES - scope->alloced)
    return NULL;
  scope->alloced += bytes;
  return us_mem_zalloc(mem, bytes > 0 ? bytes : 1);
}

static const struct usher_host table = {
    .size = sizeof(struct usher_host),
    .abi_major = USHER_ABI_MAJOR,
    .abi_minor = USHER_ABI_MINOR,
    .log = host_log,
    .error_set = us_handle_error_set,
    .resource_get = us_handle_resource_get,
    .policy_get = us_handle_policy_get,
    .ticket_get = us_handle_ticket_get,
    .party_get = us_handle_party_get,
    .resource_set = us_handle_resource_set,
    .policy_set = us_handle_policy_set,
    .policy_grant = us_handle_policy_grant,
    .filter_text = us_handle_filter_text,
    .filter_parse = us_handle_filter_parse,
    .filter_and = us_handle_filter_and,
    .now_ms = host_now_ms,
    .left_ms = host_left_ms,
    .config_get = host_config_get,
    .json_get = host_json_get,
    .json_text = host_json_text,
    .json_string = host_json_string,
    .alloc = host_alloc,
};

const struct usher_host *us_host(void) {
  return &table;
}
