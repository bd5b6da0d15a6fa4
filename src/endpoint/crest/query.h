/*
 * Queries of the owner's side: parameters (REST contract a.8) and the envelope of results (a.10).
 *
 * No list is ever held whole. A page has at most US_QUERY_PAGE_MAX items and ends early when the answer has grown past
 * US_QUERY_BYTES_MAX; remainingPagedResults says exactly how many items follow, so that the caller goes on with
 * _pagedResultsOffset. That also bounds what the contract calls "all" (no _pageSize).
 */
#ifndef USHER_ENDPOINT_CREST_QUERY_H
#define USHER_ENDPOINT_CREST_QUERY_H

#include "endpoint/call.h"
#include "endpoint/crest/filter.h"
#include "endpoint/crest/shape.h"

#define US_QUERY_PAGE_MAX 1000
#define US_QUERY_BYTES_MAX (4 * 1024 * 1024)
#define US_QUERY_SORT_KEYS_MAX 8

struct us_sort_key {
  struct us_str field; /* without its leading slash */
  bool descending;
};
struct us_query {
  struct us_filter *filter;
  int64_t page_size; /* 1 .. US_QUERY_PAGE_MAX */
  int64_t offset;    /* items to skip */
  bool wants_total;
  struct us_sort_key keys[US_QUERY_SORT_KEYS_MAX];
  size_t key_count;
  struct us_shape shape; /* of each item */
};
/* Reads and checks all parameters. `collection` is its path, for messages. */
enum us_code us_query_read(struct us_call *call, struct us_str collection, struct us_query *ret_query) US_MUST_CHECK;

/* Errors about fields and operators of filters, as the product documents them: a 500 that shows its text, or 400 where the realm
 * asks for it (crestQueryErrors=rfc). */
enum us_code us_query_refuse_field(struct us_call *call, const struct us_filter *comparison);
enum us_code us_query_refuse_operator(struct us_call *call, const struct us_filter *comparison);
enum us_code us_query_refuse_sort(struct us_call *call, const struct us_sort_key *key);

/* The envelope: open, items, close. `written` items of `matched` in all. */
void us_query_open(struct us_call *call, struct us_json_writer *ret_writer);
bool us_query_has_room(const struct us_json_writer *w);
void us_query_close(struct us_call *call, struct us_json_writer *w, const struct us_query *query, int64_t written,
                    int64_t matched);

#endif
