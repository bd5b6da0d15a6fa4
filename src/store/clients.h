/* Rows of `client`. Lists are JSON arrays in the row and slices in the struct. */
#ifndef USHER_STORE_CLIENTS_H
#define USHER_STORE_CLIENTS_H

#include "model/model.h"
#include "store/sql.h"

/* US_E_NOT_FOUND (an answer) when there is none. */
enum us_code us_client_row_by_id(struct us_cx *cx, int64_t realm_id, struct us_str client_id,
                                 struct us_client *ret_client) US_MUST_CHECK;
enum us_code us_client_row_by_ref(struct us_cx *cx, int64_t ref, struct us_client *ret_client) US_MUST_CHECK;
/* Those of a realm whose client_id is above `after`, in its order, at most `limit`. */
enum us_code us_client_rows_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                                 struct us_client **ret_clients, size_t *ret_count) US_MUST_CHECK;
/* How many there are that registered themselves; not counted past `most`. */
enum us_code us_client_rows_registered(struct us_cx *cx, int64_t realm_id, int64_t most,
                                       int64_t *ret_count) US_MUST_CHECK;
/* US_E_CONFLICT (an answer) when the client id is taken. */
enum us_code us_client_row_insert(struct us_cx *cx, const struct us_client *client) US_MUST_CHECK;
/* Writes everything but realm and client id over the row of `ref` with this `rev`, which grows by one. US_E_CONFLICT (an
 * answer) when there is no such row any more. */
enum us_code us_client_row_update(struct us_cx *cx, const struct us_client *client) US_MUST_CHECK;
enum us_code us_client_row_delete(struct us_cx *cx, int64_t ref) US_MUST_CHECK;
enum us_code us_client_row_is_current(struct us_cx *cx, int64_t ref, int64_t rev, bool *ret_is_current) US_MUST_CHECK;

#endif
