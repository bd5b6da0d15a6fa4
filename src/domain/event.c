/* Events for plugins: see event.h. The key of a row is the plugin's name, a blank, and the event's id. */
#include "domain/event.h"

#include <stdatomic.h>
#include <string.h>

#include "store/outbox.h"

enum us_code us_event_add(struct us_cx *cx, int64_t realm_id, struct us_str plugin, struct us_str event_id,
                          struct us_str event) {
  struct us_outbox_row row = {
      .id = us_next_id(cx),
      .realm_id = realm_id,
      .channel = US_OUTBOX_PLUGIN,
      .event_key = us_str_fmt(cx->mem, "%.*s %.*s", US_STR_ARG(plugin), US_STR_ARG(event_id)),
      .body = event,
      .created_ms = cx->now_ms,
      .due_ms = cx->now_ms,
  };
  if (row.event_key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_outbox_insert(cx, &row));
  atomic_fetch_add(&cx->svc->events, 1); /* as `notices` */
  return US_OK;
}

enum us_code us_event_claim(struct us_cx *cx, int64_t node, int64_t until_ms, struct us_event_claim *ret_claim) {
  struct us_outbox_row row;
  US_TRY(us_outbox_claim(cx, US_OUTBOX_PLUGIN, node, until_ms, &row));
  const char *blank = memchr(row.event_key.p, ' ', row.event_key.n);
  size_t n = blank != NULL ? (size_t)(blank - row.event_key.p) : row.event_key.n;
  *ret_claim =
      (struct us_event_claim){.id = row.id, .tries = row.tries, .plugin = {row.event_key.p, n}, .event = row.body};
  return US_OK;
}

enum us_code us_event_release(struct us_cx *cx, int64_t node) {
  return us_outbox_release_node(cx, US_OUTBOX_PLUGIN, node);
}

enum us_code us_event_next_due(struct us_cx *cx, int64_t *ret_due_ms) {
  return us_outbox_next_due(cx, US_OUTBOX_PLUGIN, ret_due_ms);
}
