/*
 * Queries of the owner's side: parameters (REST contract a.8), paging cookies, and the envelope of results (a.10). How a
 * collection is queried:
 *
 *   US_TRY(us_query_read(call, path, list, &query));                 everything that can be wrong with a question
 *   us_query_open(call, &w);
 *   us_json_writer *item = us_shape_begin(&shaping, &query.shape, &w);     per item, from `each` of the domain's list function,
 *   ... US_TRY(us_shape_end(cx, &shaping));                                which says false when us_query_has_room(&w) does
 *   US_TRY(us_query_close(call, &w, &query, &end));
 *
 * with domain functions that take &query.list and give a struct us_list_end. The list (model/list.h) says which fields and
 * operators there are and how others are refused, so no collection checks any of that itself.
 *
 * No list is ever held whole. A page has at most US_QUERY_PAGE_MAX items and ends early when the answer has grown past
 * US_QUERY_BYTES_MAX; remainingPagedResults says exactly how many items follow, so that the caller goes on with the cookie or
 * with _pagedResultsOffset. That also bounds what the contract calls "all" (no _pageSize).
 */
#ifndef USHER_ENDPOINT_CREST_QUERY_H
#define USHER_ENDPOINT_CREST_QUERY_H

#include "crypto/digest.h"
#include "endpoint/call.h"
#include "endpoint/crest/shape.h"
#include "model/list.h"
#include "json/filter.h"

#define US_QUERY_PAGE_MAX 1000
#define US_QUERY_BYTES_MAX (4 * 1024 * 1024)
#define US_QUERY_SORT_KEYS_MAX 8 /* as sent; those that differ: US_LIST_KEYS_MAX */

struct us_query {
  struct us_list_query list;           /* for the domain; its filter is `true` for _queryId=* */
  bool is_query_id;                    /* asked by _queryId=* and not by a filter */
  bool offers_cookie;                  /* _pageSize was given and no offset (design 6) */
  struct us_list_mark after;           /* of the cookie */
  char question[US_SHA256_TEXT_BYTES]; /* what a cookie is bound to: collection, people, filter, order */
  struct us_shape shape;               /* of each item */
};
/* Reads and checks all parameters. `collection` is its path, for messages. */
enum us_code us_query_read(struct us_call *call, struct us_str collection, const struct us_list *list,
                           struct us_query *ret_query) US_MUST_CHECK;

/* The envelope: open, items, close. */
void us_query_open(struct us_call *call, struct us_json_writer *ret_writer);
bool us_query_has_room(const struct us_json_writer *w);
enum us_code us_query_close(struct us_call *call, struct us_json_writer *w, const struct us_query *query,
                            const struct us_list_end *end) US_MUST_CHECK;

#endif
