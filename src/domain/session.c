/* SSO sessions: see session.h. The token is a handle (crypto/handle.h); the store keeps its digest. */
#include "domain/session.h"

#include "domain/snapshot.h"
#include "store/sessions.h"

/* The session's own realm says how long it may be idle. A realm that is gone ends its sessions at once. */
static int64_t idle_ms(struct us_cx *cx, int64_t realm_id) {
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm_by_id(snapshot, realm_id);
  int64_t ms = realm == NULL ? 0 : realm->settings.session_idle_s * 1000;
  us_snapshot_unref(snapshot);
  return ms;
}

int64_t us_session_idle_end_ms(struct us_cx *cx, const struct us_session *session) {
  int64_t end = session->touched_ms + idle_ms(cx, session->realm_id);
  return end < session->expires_ms ? end : session->expires_ms;
}

static bool is_alive(struct us_cx *cx, const struct us_session_row *row) {
  if (!row->account.is_active || row->account.realm_id != row->session.realm_id)
    return false;
  return cx->now_ms < us_session_idle_end_ms(cx, &row->session);
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
  *ret_login = (struct us_login){
      .session = row.session,
      .account = row.account,
      .realm_path = row.realm_path,
      .is_super = row.account.is_admin && us_str_eq(row.realm_path, US_STR("/")),
  };
  return US_OK;
}

enum us_code us_session_create(struct us_cx *cx, const struct us_realm *realm, const struct us_account *account,
                               struct us_handle *ret_handle) {
  struct us_session session = {
      .id = us_next_id(cx),
      .realm_id = realm->id,
      .account_id = account->id,
      .created_ms = cx->now_ms,
      .touched_ms = cx->now_ms,
      .expires_ms = cx->now_ms + realm->settings.session_max_s * 1000,
  };
  US_TRY(us_sessions_delete_dead(cx, account->id, cx->now_ms, cx->now_ms - realm->settings.session_idle_s * 1000));
  US_TRY(us_sessions_delete_oldest(cx, account->id, realm->settings.sessions_per_user - 1));
  us_handle_mint(session.id, 0, ret_handle);
  return us_sessions_insert(cx, &session, us_str_c(ret_handle->digest));
}

enum us_code us_session_end(struct us_cx *cx, int64_t session_id) {
  return us_sessions_delete(cx, session_id);
}

enum us_code us_session_clean_up(struct us_cx *cx, int64_t max_rows, int64_t *ret_rows) {
  return us_sessions_sweep(cx, cx->now_ms, max_rows, ret_rows);
}

bool us_session_wants_touch(const struct us_session *session, int64_t now_ms) {
  return now_ms - session->touched_ms >= US_SESSION_TOUCH_MS;
}

enum us_code us_session_apply_touch(struct us_cx *cx, int64_t session_id, int64_t touched_ms) {
  return us_sessions_touch(cx, session_id, touched_ms);
}
