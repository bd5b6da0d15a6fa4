/* Who may look at a token, and who may end it: introspection, revocation. See token.h. */
#include "domain/token.h"

#include "store/tokens.h"

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
