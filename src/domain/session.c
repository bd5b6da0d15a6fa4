/* SSO sessions: see session.h. The token is a handle (crypto/handle.h); the store keeps its digest. */
#include "domain/session.h"

#include "domain/snapshot.h"
#include "store/list.h"
#include "store/sessions.h"

/* The session's own realm says how long it may be idle. A realm that is gone ends its sessions at once. */
int64_t us_session_idle_ms(struct us_cx *cx, int64_t realm_id) {
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm_by_id(snapshot, realm_id);
  int64_t ms = realm == NULL ? 0 : realm->settings.session_idle_s * 1000;
  us_snapshot_unref(snapshot);
  return ms;
}

int64_t us_session_idle_end_ms(struct us_cx *cx, const struct us_session *session) {
  int64_t end = session->touched_ms + us_session_idle_ms(cx, session->realm_id);
  return end < session->expires_ms ? end : session->expires_ms;
}

static bool is_alive(struct us_cx *cx, const struct us_session_row *row) {
  if (!row->account.is_active || row->account.realm_id != row->session.realm_id)
    return false;
  return cx->now_ms < us_session_idle_end_ms(cx, &row->session);
}

static struct us_login login_of(const struct us_session_row *row) {
  return (struct us_login){
      .session = row->session,
      .account = row->account,
      .realm_path = row->realm_path,
      .is_super = row->account.is_admin && us_str_eq(row->realm_path, US_STR("/")),
  };
}

enum us_code us_session_find(struct us_cx *cx, struct us_str text, struct us_login *ret_login) {
  struct us_session_row row;
  char digest[US_SHA256_TEXT_BYTES];
  uint16_t iteration;
  int64_t id;
  if (!us_handle_parse(text, &id, &iteration, digest))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  US_TRY(us_sessions_find(cx, id, &row));
  if (!us_handle_matches(digest, row.digest) || !is_alive(cx, &row))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  *ret_login = login_of(&row);
  return US_OK;
}

enum us_code us_session_create(struct us_cx *cx, const struct us_realm *realm, const struct us_account *account,
                               struct us_str journey, struct us_handle *ret_handle) {
  struct us_session session = {
      .id = us_next_id(cx),
      .realm_id = realm->id,
      .account_id = account->id,
      .created_ms = cx->now_ms,
      .touched_ms = cx->now_ms,
      .expires_ms = cx->now_ms + realm->settings.session_max_s * 1000,
      .journey = journey,
  };
  US_TRY(us_sessions_delete_dead(cx, account->id, cx->now_ms, cx->now_ms - realm->settings.session_idle_s * 1000));
  US_TRY(us_sessions_delete_oldest(cx, account->id, realm->settings.sessions_per_user - 1));
  us_handle_mint(session.id, 0, ret_handle);
  return us_sessions_insert(cx, &session, us_str_c(ret_handle->digest));
}

enum us_code us_session_end(struct us_cx *cx, int64_t session_id) {
  return us_sessions_delete(cx, session_id);
}

enum us_code us_session_end_in(struct us_cx *cx, int64_t session_id, int64_t realm_id, bool *ret_ended) {
  int64_t rows = 0;
  US_TRY(us_sessions_delete_in(cx, session_id, realm_id, &rows));
  *ret_ended = rows > 0;
  return US_OK;
}

enum us_code us_session_end_of(struct us_cx *cx, int64_t account_id) {
  int64_t rows = 0;
  return us_sessions_delete_of_account(cx, account_id, &rows);
}

bool us_session_asks_for(const struct us_list_query *query, struct us_str *ret_user, struct us_str *ret_realm) {
  const struct us_filter *user = us_filter_demanded(query->filter, "username", false);
  const struct us_filter *realm = us_filter_demanded(query->filter, "realm", false);
  if (user == NULL || realm == NULL)
    return false;
  *ret_user = user->text;
  *ret_realm = realm->text;
  return true;
}

struct page {
  us_session_seen_fn seen;
  void *self;
};
static bool see_row(struct us_cx *scratch, void *self, const struct us_session_row *row) {
  struct page *page = self;
  struct us_login login = login_of(row);
  return page->seen(scratch, page->self, &login);
}

enum us_code us_session_page(struct us_cx *cx, const struct us_account *account, const struct us_list_query *query,
                             us_session_seen_fn seen, void *self, struct us_list_end *ret_end) {
  struct page page = {seen, self};
  int64_t idle_since_ms = cx->now_ms - us_session_idle_ms(cx, account->realm_id);
  return us_sessions_page(cx, account->id, idle_since_ms, query, see_row, &page, ret_end);
}

bool us_session_wants_touch(const struct us_session *session, int64_t now_ms) {
  return now_ms - session->touched_ms >= US_SESSION_TOUCH_MS;
}

enum us_code us_session_apply_touch(struct us_cx *cx, int64_t session_id, int64_t touched_ms) {
  return us_sessions_touch(cx, session_id, touched_ms);
}
