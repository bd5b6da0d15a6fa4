/*
 * Events for plugins that must not miss any (deliver() of include/usher/plugin.h): written into the outbox in the transaction of the
 * deed, one row for each such plugin, and handed over until the plugin takes them (app/courier.h).
 */
#ifndef USHER_DOMAIN_EVENT_H
#define USHER_DOMAIN_EVENT_H

#include "domain/notice.h"

struct us_event_claim {
  int64_t id, tries;
  struct us_str plugin; /* its name */
  struct us_str event;  /* JSON */
};
/* Write step. */
enum us_code us_event_add(struct us_cx *cx, int64_t realm_id, struct us_str plugin, struct us_str event_id,
                          struct us_str event) US_MUST_CHECK;
/* As us_notice_claim() and its like; settled by us_notice_settle(). */
enum us_code us_event_claim(struct us_cx *cx, int64_t node, int64_t until_ms,
                            struct us_event_claim *ret_claim) US_MUST_CHECK;
enum us_code us_event_release(struct us_cx *cx, int64_t node) US_MUST_CHECK;
enum us_code us_event_next_due(struct us_cx *cx, int64_t *ret_due_ms) US_MUST_CHECK;

#endif
