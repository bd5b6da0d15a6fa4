/*
 * Rows that go because something else went (protocol contract 11.3), removed in bounded portions; and the notes (rows of `meta`
 * whose key begins with "doomed:") that say what is left to remove, so that a restart forgets nothing.
 */
#ifndef USHER_STORE_CASCADES_H
#define USHER_STORE_CASCADES_H

#include "store/sql.h"

/* Ids, at most `max` of them (the array's length). */
enum us_code us_cascade_rows_owned(struct us_cx *cx, int64_t owner_id, size_t max, int64_t *ret_ids,
                                   size_t *ret_n) US_MUST_CHECK;
/* Resources of a resource server among the `window` rows behind *cursor that are older than `before_id`; moves *cursor to the
 * last row looked at. *ret_end: there is nothing behind it. */
enum us_code us_cascade_rows_of_rs(struct us_cx *cx, int64_t rs_ref, int64_t before_id, int64_t window, int64_t *cursor,
                                   size_t max, int64_t *ret_ids, size_t *ret_n, bool *ret_end) US_MUST_CHECK;
/* Likewise those of a realm of which somebody shares something. */
enum us_code us_cascade_rows_in_realm(struct us_cx *cx, int64_t realm_id, int64_t window, int64_t *cursor, size_t max,
                                      int64_t *ret_ids, size_t *ret_n, bool *ret_end) US_MUST_CHECK;
enum us_code us_cascade_rows_accounts(struct us_cx *cx, int64_t realm_id, size_t max, int64_t *ret_ids,
                                      size_t *ret_n) US_MUST_CHECK;

/* Resources of which `sharer` shares something, in the order of their ids / which some share names `subject_key` of. */
enum us_code us_cascade_rows_shared(struct us_cx *cx, int64_t sharer_id, size_t max, int64_t *ret_ids,
                                    size_t *ret_n) US_MUST_CHECK;
enum us_code us_cascade_rows_naming(struct us_cx *cx, int64_t realm_id, struct us_str subject_key, size_t max,
                                    int64_t *ret_ids, size_t *ret_n) US_MUST_CHECK;
/* Of the first `window` resources behind `after` of which `sharer` shares something, those which somebody shares with `subject_key`:
 * `window` is the array's length. *ret_last is the last one looked at, 0 when that was the end. */
enum us_code us_cascade_rows_shared_with(struct us_cx *cx, int64_t sharer_id, struct us_str subject_key, int64_t after,
                                         size_t window, int64_t *ret_ids, size_t *ret_n,
                                         int64_t *ret_last) US_MUST_CHECK;
/* RPTs on the first `max` resources of which `sharer` shares something are decided anew. */
enum us_code us_cascade_touch_shared(struct us_cx *cx, int64_t sharer_id, int64_t max) US_MUST_CHECK;

/* What one sharer shares of one resource / all shares of it that name `subject_key`. */
enum us_code us_cascade_drop_policy(struct us_cx *cx, int64_t resource_id, int64_t sharer_id) US_MUST_CHECK;
enum us_code us_cascade_drop_subject(struct us_cx *cx, int64_t resource_id, struct us_str subject_key) US_MUST_CHECK;

/* Each removes at most `max` of something and says how many are gone. */
enum us_code us_cascade_drop_policies_of_resource(struct us_cx *cx, int64_t resource_id) US_MUST_CHECK;
enum us_code us_cascade_drop_pending_of_party(struct us_cx *cx, int64_t party_id, int64_t max,
                                              int64_t *ret_n) US_MUST_CHECK;
enum us_code us_cascade_drop_labels(struct us_cx *cx, int64_t owner_id, int64_t max, int64_t *ret_n) US_MUST_CHECK;
enum us_code us_cascade_drop_sessions(struct us_cx *cx, int64_t account_id, int64_t max, int64_t *ret_n) US_MUST_CHECK;
enum us_code us_cascade_drop_pcts(struct us_cx *cx, int64_t account_id, int64_t max, int64_t *ret_n) US_MUST_CHECK;
enum us_code us_cascade_drop_consents(struct us_cx *cx, int64_t account_id, int64_t max, int64_t *ret_n) US_MUST_CHECK;
enum us_code us_cascade_drop_clients(struct us_cx *cx, int64_t realm_id, int64_t max, int64_t *ret_n) US_MUST_CHECK;

/* Notes. Put replaces. The first one in order: US_E_NOT_FOUND (an answer) when nothing is left to do. */
enum us_code us_cascade_note_put(struct us_cx *cx, struct us_str key, struct us_str value) US_MUST_CHECK;
enum us_code us_cascade_note_delete(struct us_cx *cx, struct us_str key) US_MUST_CHECK;
enum us_code us_cascade_note_has(struct us_cx *cx, struct us_str key, bool *ret_has) US_MUST_CHECK;
enum us_code us_cascade_note_first(struct us_cx *cx, struct us_str *ret_key, struct us_str *ret_value) US_MUST_CHECK;

#endif
