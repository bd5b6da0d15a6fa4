/* What is told after a deed as an event: one JSON text (include/usher/plugin.h, deliver()). */
#include "domain/extension_in.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "domain/event.h"
#include "json/write.h"

#define EVENT_MAX_BYTES (4 * 1024 * 1024)

/* Names of the documents, as in the methods of the filters. */
static const char *const one_resource[] = {"resource"}, *const one_policy[] = {"policy"},
                         *const a_grant[] = {"ticket", "requestingParty", "resourceOwner"};
static const char *const *names_of(enum us_hook hook) {
  switch (hook) {
  case US_HOOK_AFTER_RESOURCE_REGISTRATION:
    return one_resource;
  case US_HOOK_AFTER_RESOURCE_SHARED:
    return one_policy;
  default:
    return a_grant;
  }
}

static void write_event(struct us_cx *cx, const struct us_ask *ask, struct us_str id, struct us_json_writer *w) {
  us_json_open(w, '{');
  us_json_member(w, "id", id);
  us_json_member(w, "event", us_str_c(us_hook_name(ask->hook)));
  us_json_member(w, "realm", cx->extension->realm->path);
  us_json_member_i64(w, "time_ms", cx->now_ms);
  for (size_t i = 0; i < ask->doc_count; i++) {
    us_json_name(w, names_of(ask->hook)[i]);
    us_json_raw(w, ask->docs[i].text);
  }
  if (ask->doc_count > 1) {
    us_json_name(w, "requestedScope");
    us_json_strs(w, ask->requested);
  }
  if (ask->hook == US_HOOK_AFTER_SUCCESSFUL_AUTHORIZATION) {
    us_json_name(w, "grantedScope");
    us_json_strs(w, ask->granted);
  }
  us_json_close(w, '}');
}

enum us_code us_extension_write_down(struct us_cx *cx, const struct us_ask *ask) {
  const struct us_plugins *plugins = cx->extension->plugins;
  struct us_buf text;
  struct us_json_writer w;
  struct us_str id = us_str_fmt(cx->mem, "%" PRId64, us_next_id(cx));
  us_buf_init(&text, EVENT_MAX_BYTES);
  us_json_writer_init(&w, &text);
  write_event(cx, ask, id, &w);
  enum us_code code = id.p != NULL && us_buf_ok(&text) ? US_OK : us_fail_plain(cx, US_E_UNAVAILABLE);
  for (size_t i = 0; code == US_OK && i < plugins->n; i++)
    if ((plugins->v[i].events & (1u << ask->hook)) != 0)
      code = us_event_add(cx, cx->extension->realm->id, us_str_c(plugins->v[i].abi.name), id, us_buf_str(&text));
  us_buf_done(&text);
  return code;
}
