/* Rows of SSO sessions and of login steps that were passed. Rules live in domain/session.c and domain/login.c. */
#ifndef USHER_STORE_SESSIONS_H
#define USHER_STORE_SESSIONS_H

#include "model/model.h"
#include "store/list.h"

/* A session with the account it belongs to, read in one statement. */
struct us_session_row {
  struct us_session session;
  struct us_str digest;
  struct us_account account;
  struct us_str realm_path;
};
/* US_E_NOT_FOUND (an answer) when there is no such row, or its account or realm is gone. */
enum us_code us_sessions_find(struct us_cx *cx, int64_t id, struct us_session_row *ret_row) US_MUST_CHECK;
enum us_code us_sessions_insert(struct us_cx *cx, const struct us_session *session, struct us_str digest) US_MUST_CHECK;
enum us_code us_sessions_delete(struct us_cx *cx, int64_t id) US_MUST_CHECK;
/* Of this realm; 0: of any. */
enum us_code us_sessions_delete_in(struct us_cx *cx, int64_t id, int64_t realm_id, int64_t *ret_rows) US_MUST_CHECK;
/* A page of the account's sessions that are neither expired now nor untouched since `idle_since_ms`; without their digests. `cx`
 * and texts of `see` live for one call. */
extern const struct us_list us_sessions_list; /* username, realm: eq only */
typedef bool (*us_session_see_fn)(struct us_cx *cx, void *self, const struct us_session_row *row);
enum us_code us_sessions_page(struct us_cx *cx, int64_t account_id, int64_t idle_since_ms,
                              const struct us_list_query *query, us_session_see_fn see, void *self,
                              struct us_list_end *ret_end) US_MUST_CHECK;
/* Moves the last access forward, never back. */
enum us_code us_sessions_touch(struct us_cx *cx, int64_t id, int64_t touched_ms) US_MUST_CHECK;
/* Removes the account's sessions that ended: expired at `now_ms`, or not touched since `idle_since_ms`. */
enum us_code us_sessions_delete_dead(struct us_cx *cx, int64_t account_id, int64_t now_ms,
                                     int64_t idle_since_ms) US_MUST_CHECK;

enum us_code us_sessions_delete_of_account(struct us_cx *cx, int64_t account_id, int64_t *ret_rows) US_MUST_CHECK;
/* Keeps the newest `keep` of the account. */
enum us_code us_sessions_delete_oldest(struct us_cx *cx, int64_t account_id, int64_t keep) US_MUST_CHECK;

/* Steps of a login that were passed (table login_spent). US_E_NOT_FOUND when it was passed before. */
enum us_code us_login_row_spend(struct us_cx *cx, int64_t id) US_MUST_CHECK;
enum us_code us_login_row_is_spent(struct us_cx *cx, int64_t id, bool *ret_is_spent) US_MUST_CHECK;
/* Removes at most US_LOGIN_SWEEP of those with ids below `below_id`. */
#define US_LOGIN_SWEEP 256
enum us_code us_login_rows_sweep(struct us_cx *cx, int64_t below_id) US_MUST_CHECK;

#endif
