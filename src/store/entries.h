/*
 * Permissions as the entries that users/{user}/policies shows (REST contract c.9): one a permission, two where only a part of its
 * scopes is active (i.3): the active part under the permission's name, the other under that name with US_ENTRY_INACTIVE behind it.
 */
#ifndef USHER_STORE_ENTRIES_H
#define USHER_STORE_ENTRIES_H

#include "store/list.h"

#define US_ENTRY_INACTIVE " (inactive)" /* a blank sorts before all that may follow a name otherwise */

struct us_entry_row {
  int64_t permission_id, policy_id, resource_id;
  int64_t rev; /* of the policy */
  int64_t created_ms, modified_ms;
  struct us_str name;      /* of the permission */
  struct us_str uuid;      /* of the resource */
  struct us_str client_id; /* of its resource server; absent when that is gone */
  struct us_str subject, subject_key;
  struct us_str scopes, active_scopes; /* JSON arrays */
  struct us_str conditions;
  bool is_rest; /* the inactive part of a permission that is partly active */
};
extern const struct us_list us_entries_list;
/* Entries of one sharer. `universal_id` is the sharer's, folded: what createdBy compares with. Rows are read by us_entries_read(). */
enum us_code us_entries_query(struct us_cx *cx, int64_t sharer_id, struct us_str universal_id,
                              const struct us_list_query *query, us_list_each_fn each, void *self,
                              struct us_list_end *ret_end) US_MUST_CHECK;
void us_entries_read(struct us_rows *rows, struct us_entry_row *ret_row);
/* The permission of this name: is_rest is false. US_E_NOT_FOUND (an answer) when the sharer has none. */
enum us_code us_entries_find(struct us_cx *cx, int64_t sharer_id, struct us_str name,
                             struct us_entry_row *ret_row) US_MUST_CHECK;

/* The resources of which a sharer shares with one subject, US_ENTRIES_BATCH at a time behind the policy *after (0 at first), which
 * moves on. Less of them than that is the end. */
#define US_ENTRIES_BATCH 256
enum us_code us_entries_with(struct us_cx *cx, int64_t sharer_id, struct us_str subject_key, int64_t *after,
                             int64_t ret_resource_ids[US_ENTRIES_BATCH], size_t *ret_count) US_MUST_CHECK;

/* Who made a permission, and for whom. Those of unknown ids stay as they are. */
#define US_ENTRIES_MAKERS 32
struct us_entry_maker {
  int64_t permission_id; /* in; 0: nothing is looked for */
  struct us_str sharer, subject, name, conditions;
};
enum us_code us_entries_makers(struct us_cx *cx, struct us_entry_maker makers[US_ENTRIES_MAKERS]) US_MUST_CHECK;

#endif
