/*
 * Entries: the permissions of policies one by one, as users/{user}/policies shows them (REST contract c.9). An entry is a view;
 * what is changed through it is the policy it belongs to, by the same functions and with the same revision.
 *
 * A permission whose sharer has only a part of the right (i.3) shows as two entries: the active scopes under the permission's
 * name, the others under that name with " (inactive)" behind it. The two have one condition, as they are one permission; but
 * each can be removed without the other.
 */
#ifndef USHER_DOMAIN_ENTRY_H
#define USHER_DOMAIN_ENTRY_H

#include "domain/share.h"
#include "model/list.h"

struct us_entry {
  int64_t resource_id;
  int64_t rev; /* of the policy */
  int64_t created_ms, modified_ms;
  struct us_str name;        /* as shown */
  struct us_str uuid;        /* of the resource */
  struct us_str application; /* client id of its resource server, in lower case; "" when that client is gone */
  struct us_str subject, subject_key;
  struct us_strs scopes;
  struct us_str conditions; /* JSON object, or '' */
  bool is_active;
};
/* By its name among those of one sharer. US_E_NOT_FOUND without text. */
enum us_code us_entry_find(struct us_cx *cx, int64_t sharer_id, struct us_str name,
                           struct us_entry *ret_entry) US_MUST_CHECK;

/* A page of those of one sharer, asked for by the fields of us_entries_list. What `each` is given is gone when it returns; it says
 * false when the page is full. */
extern const struct us_list us_entries_list;
typedef bool (*us_entry_fn)(struct us_cx *cx, void *self, const struct us_entry *entry);
enum us_code us_entry_page(struct us_cx *cx, const struct us_account *sharer, struct us_str universal_id,
                           const struct us_list_query *query, us_entry_fn each, void *self,
                           struct us_list_end *ret_end) US_MUST_CHECK;

/* Write steps. The caller has called us_resource_touch_access() for the entry's resource before it found the entry. */
enum us_code us_entry_set_conditions(struct us_cx *cx, int64_t sharer_id, const struct us_entry *entry,
                                     const struct us_conditions *conditions) US_MUST_CHECK;
/* With the last one the policy goes. */
enum us_code us_entry_remove(struct us_cx *cx, int64_t sharer_id, const struct us_entry *entry) US_MUST_CHECK;

/* Write step: ends every share that this person has with one subject, of whatever resource. All or nothing: past
 * US_SHARE_STOP_MAX of them it is US_E_INVALID_REQUEST and none is ended, because the writer serves nobody else meanwhile.
 * Nobody has to be known by the subject's name. */
#define US_SHARE_STOP_MAX 10000
enum us_code us_share_stop(struct us_cx *cx, int64_t sharer_id, struct us_str subject,
                           int64_t *ret_count) US_MUST_CHECK;

#endif
