/* The list of requests that wait for one owner (REST contract f.3), by store/list.h. */
#ifndef USHER_STORE_PENDING_LIST_H
#define USHER_STORE_PENDING_LIST_H

#include "store/list.h"
#include "store/pending.h"

extern const struct us_list us_pendings_list;

/* `seen` is given each of a page; row and scratch->mem are gone when it returns. False: the page is full. */
typedef bool (*us_pending_row_fn)(struct us_cx *scratch, void *self, const struct us_pending_row *row);
enum us_code us_pendings_page(struct us_cx *cx, int64_t owner_id, const struct us_list_query *query,
                              us_pending_row_fn seen, void *self, struct us_list_end *ret_end) US_MUST_CHECK;

#endif
