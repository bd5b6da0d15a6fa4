/*
 * What was shared, in one list whichever way it came about (design 6): permissions that a person gave, permissions that reach the person,
 * requests that wait for the person. A page in two steps, as everywhere: ids by the list, then US_SHARES_BATCH items a statement.
 */
#ifndef USHER_STORE_SHARES_H
#define USHER_STORE_SHARES_H

#include "model/list.h"
#include "model/model.h"
#include "store/sql.h"

enum us_shares_direction { US_SHARES_BY_ME, US_SHARES_WITH_ME, US_SHARES_WAITING };
#define US_SHARES_DIRECTIONS 3
extern const struct us_list us_shares_lists[US_SHARES_DIRECTIONS];

/* Ids in order, room for query->page_size. */
enum us_code us_shares_page(struct us_cx *cx, const struct us_viewer *viewer, enum us_shares_direction direction,
                            const struct us_list_query *query, int64_t *ret_ids,
                            struct us_list_end *ret_end) US_MUST_CHECK;

struct us_share_row {
  int64_t id;
  struct us_str uuid; /* of a request; absent for permissions */
  struct us_str resource_uuid, resource_name, resource_server, owner_name;
  struct us_str sharer_name, subject;
  struct us_str scopes, active_scopes; /* JSON arrays; a request has none that are active */
  struct us_str conditions;            /* JSON object, or '' */
  bool is_active;
  int64_t created_ms;
};
#define US_SHARES_BATCH 16
/* Unused places of `ids` hold 0. In no particular order; what is gone, or whose owner is, is left out. */
typedef void (*us_share_row_fn)(void *self, const struct us_share_row *row);
enum us_code us_shares_rows(struct us_cx *cx, enum us_shares_direction direction, const int64_t ids[US_SHARES_BATCH],
                            us_share_row_fn each, void *self) US_MUST_CHECK;

#endif
