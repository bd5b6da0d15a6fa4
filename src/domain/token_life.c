/* How long tokens live and who may look: introspection, revocation, clean-up. See token.h. */
#include <stdatomic.h>

#include "domain/cascade.h"
#include "domain/token.h"
#include "store/tokens.h"

#define US_SWEEP_WINDOW 10000 /* rows looked at in one clean-up */

/* Contract 8.1.2: the client it was issued to; clients that hold one of the two scopes for it. */
static enum us_code find_visible(struct us_cx *cx, const struct us_realm *realm, int64_t id, const char *digest,
                                 int kind, int64_t client_ref, struct us_strs client_scopes,
                                 struct us_access *ret_access) {
  bool sees_realms = us_strs_has(client_scopes, US_STR(US_SCOPE_SEES_ALL_REALMS));
  bool sees_all = sees_realms || us_strs_has(client_scopes, US_STR(US_SCOPE_SEES_ALL));
  struct us_access_row row = {0};
  US_TRY(us_token_row_live(cx, id, kind, sees_realms ? 0 : realm->id, &row));
  bool is_visible = sees_all || row.access.token.client_ref == client_ref;
  if (!us_handle_matches(digest, row.digest) || !is_visible)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  row.access.client_has_uma = us_strs_has(row.access.client_scopes, US_STR(US_SCOPE_UMA));
  *ret_access = row.access;
  return US_OK;
}

enum us_code us_token_introspect(struct us_cx *cx, const struct us_realm *realm, struct us_str text, struct us_str hint,
                                 int64_t client_ref, struct us_strs client_scopes, struct us_access *ret_access) {
  int kinds[2] = {US_TOKEN_ACCESS, US_TOKEN_REFRESH};
  int64_t id = 0;
  uint16_t iteration = 0;
  char digest[US_SHA256_TEXT_BYTES];
  if (!us_handle_parse(text, &id, &iteration, digest))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  if (us_str_eq_c(hint, "refresh_token")) {
    kinds[0] = US_TOKEN_REFRESH;
    kinds[1] = US_TOKEN_ACCESS;
  }
  enum us_code code = find_visible(cx, realm, id, digest, kinds[0], client_ref, client_scopes, ret_access);
  if (code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  return find_visible(cx, realm, id, digest, kinds[1], client_ref, client_scopes, ret_access);
}

enum us_code us_token_revoke(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                             struct us_str text) {
  int64_t id = 0;
  uint16_t iteration = 0;
  char digest[US_SHA256_TEXT_BYTES];
  struct us_token_row row = {0};
  if (!us_handle_parse(text, &id, &iteration, digest))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  US_TRY(us_token_row_by_id(cx, id, &row));
  if (!us_handle_matches(digest, row.digest) || row.token.realm_id != realm->id)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  if (row.token.client_ref != client->ref)
    return us_fail_plain(cx, US_E_INVALID_GRANT);
  return row.token.kind == US_TOKEN_REFRESH ? us_token_row_delete_grant(cx, row.token.grant_id)
                                            : us_token_row_delete(cx, id);
}

enum us_code us_token_clean_up(struct us_cx *cx, int64_t max_rows, int64_t *ret_rows) {
  int64_t cursor = atomic_load(&cx->svc->token_sweep), deleted = 0;
  bool more = false;
  US_TRY(us_token_row_sweep(cx, &cursor, US_SWEEP_WINDOW, max_rows, &deleted));
  US_TRY(us_cascade_continue(cx, &more));
  atomic_store(&cx->svc->token_sweep, cursor);
  more |= deleted > 0 && cursor != 0; /* where some had expired, the next window is looked at right away */
  *ret_rows = more && deleted < max_rows ? max_rows : deleted;
  return US_OK;
}
