/*
 * SSO sessions (REST contract b.3): issue at login, find, touch, end. How somebody logs in is login.h and
 * account.h.
 *
 * A session ends at its maximum lifetime (settings sessionMax), when it was idle for too long (sessionIdle), when its account
 * goes or is switched off, and at logout. The last access is kept to a minute only (US_SESSION_TOUCH_MS), so that reading does
 * not write.
 */
#ifndef USHER_DOMAIN_SESSION_H
#define USHER_DOMAIN_SESSION_H

#include "crypto/handle.h"
#include "domain/services.h"
#include "model/list.h"

#define US_SESSION_TOUCH_MS (60 * 1000) /* REST b.3: updated at most every 60 s */

/* A live session by its text, with its account (active), in one statement. US_E_NOT_FOUND without text otherwise. */
struct us_login {
  struct us_session session;
  struct us_account account;
  struct us_str realm_path;
  bool is_super; /* administrator of the top-level realm */
};
enum us_code us_session_find(struct us_cx *cx, struct us_str text, struct us_login *ret_login) US_MUST_CHECK;
/* Write step: a new session, of somebody who logged in by `journey`; *ret_handle holds the token for the caller. Sessions of the account that ended are removed,
 * and its oldest when there are more than sessionsPerUser. */
enum us_code us_session_create(struct us_cx *cx, const struct us_realm *realm, const struct us_account *account,
                               struct us_str journey, struct us_handle *ret_handle) US_MUST_CHECK;
enum us_code us_session_end(struct us_cx *cx, int64_t session_id) US_MUST_CHECK;

/* Is the stored last access old enough to be written again? */
bool us_session_wants_touch(const struct us_session *session, int64_t now_ms);
/* Applies the note; never moves the last access back, and wakes no session that ended. */
enum us_code us_session_apply_touch(struct us_cx *cx, int64_t session_id, int64_t touched_ms) US_MUST_CHECK;
/* When it would end if nobody used it from its last access on. */
int64_t us_session_idle_end_ms(struct us_cx *cx, const struct us_session *session);
/* How long sessions of this realm may be idle; 0 when it is gone. */
int64_t us_session_idle_ms(struct us_cx *cx, int64_t realm_id);

/* Write steps for administrators: one session by its row, in this realm (0: any); all of an account. */
enum us_code us_session_end_in(struct us_cx *cx, int64_t session_id, int64_t realm_id, bool *ret_ended) US_MUST_CHECK;
enum us_code us_session_end_of(struct us_cx *cx, int64_t account_id) US_MUST_CHECK;

/* Queries: sessions are found by their user, so a filter must demand username and realm. False when it does not. */
extern const struct us_list us_sessions_list;
bool us_session_asks_for(const struct us_list_query *query, struct us_str *ret_user, struct us_str *ret_realm);
/* Live sessions of the account. `cx` of `seen` lives for one call. False ends the page. */
typedef bool (*us_session_seen_fn)(struct us_cx *cx, void *self, const struct us_login *login);
enum us_code us_session_page(struct us_cx *cx, const struct us_account *account, const struct us_list_query *query,
                             us_session_seen_fn seen, void *self, struct us_list_end *ret_end) US_MUST_CHECK;

#endif
