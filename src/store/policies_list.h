/* The list of what one person shares (REST contract c.7), by store/list.h. */
#ifndef USHER_STORE_POLICIES_LIST_H
#define USHER_STORE_POLICIES_LIST_H

#include "store/list.h"

extern const struct us_list us_policies_list;

/* Ids of one page in their order; ret_ids has room for query->page_size. Their lines are read in batches afterwards
 * (us_policies_batch). */
enum us_code us_policies_page(struct us_cx *cx, int64_t sharer_id, const struct us_list_query *query, int64_t *ret_ids,
                              struct us_list_end *ret_end) US_MUST_CHECK;

#endif
