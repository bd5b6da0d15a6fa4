/*
 * RPTs after their issue: introspection (protocol contract 8.1), revocation (8.2), cleaning up. See rpt.h.
 *
 * Introspection is live without deciding anew each time: a permission row carries the access_rev of its resource under which it
 * was decided, and the RPT that of the party's account, which moves when it comes into a group or leaves one. As long as both are
 * as they were nothing that bears on the decision has changed, and what time alone ends is in expires_s.
 */
#include "base/mem.h"
#include "domain/access.h"
#include "domain/account.h"
#include "domain/rpt.h"
#include "domain/ticket.h"
#include "store/rpts.h"
#include "store/tickets.h"
#include "json/json.h"

/* 8.1.2: the RPT's resource server; a PAT must be of the RPT's owner too. */
static bool may_see(const struct us_rpt *rpt, const struct us_access *pat, const struct us_client *client) {
  if (pat)
    return pat->token.client_ref == rpt->rs_ref && pat->token.account_id == rpt->owner_id;
  return client && client->ref == rpt->rs_ref;
}

/* 8.1.4, Q38. Something that bears on access to the resource has changed since: decide again. */
static enum us_code recheck(struct us_cx *cx, const struct us_access_request *request, const struct us_rpt *rpt,
                            struct us_rpt_permission_row *row, bool *ret_passes) {
  struct us_resource resource = {
      .id = row->permission.resource_id, .owner_id = rpt->owner_id, .access_rev = row->current_rev};
  US_TRY(us_json_to_strs(cx, row->current_scopes, &resource.scopes));
  if (request->realm->settings.revoke_rpt_on_policy_change)
    return us_access_recheck(cx, request, &resource, &row->permission, ret_passes, NULL);
  /* The realm lets policies act on new RPTs only; a scope that is no longer registered is gone for all of them. */
  bool was_bare = row->permission.scopes.n == 0;
  row->permission.scopes = us_strs_intersect(cx->mem, row->permission.scopes, resource.scopes);
  if (!row->permission.scopes.v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_passes = was_bare || row->permission.scopes.n > 0;
  return US_OK;
}

static enum us_code is_live(struct us_cx *cx, const struct us_access_request *request, const struct us_rpt *rpt,
                            struct us_rpt_permission_row *row, bool party_has_moved, bool *ret_live) {
  *ret_live = row->current_rev != 0; /* the resource is still there */
  bool has_moved = row->current_rev != row->permission.access_rev || party_has_moved;
  if (*ret_live && has_moved)
    US_TRY(recheck(cx, request, rpt, row, ret_live));
  if (row->permission.expires_s <= us_cx_now_s(cx)) /* UF-49: left out */
    *ret_live = false;
  return US_OK;
}

static enum us_code live_permissions(struct us_cx *cx, const struct us_realm *realm, struct us_rpt_row *row,
                                     struct us_permissions *ret_permissions) {
  struct us_access_request request = {.realm = realm,
                                      .party_id = row->rpt.party_id,
                                      .party_name = row->party_name,
                                      .client_id = row->client_id,
                                      .counted = row->rpt.counted};
  bool party_has_moved = row->current_party_rev != row->rpt.party_rev; /* into a group, or out of one */
  struct us_permissions live = {US_NEW_ARRAY(cx->mem, struct us_permission, row->n), 0};
  if (!live.v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < row->n; i++) {
    bool passes;
    US_TRY(is_live(cx, &request, &row->rpt, &row->v[i], party_has_moved, &passes));
    if (passes)
      live.v[live.n++] = row->v[i].permission;
  }
  *ret_permissions = live;
  return US_OK;
}

/* The resource server is who asks, so it is there. So is the owner when a PAT of his asks; for a client that is looked up. */
static enum us_code owner_exists(struct us_cx *cx, int64_t owner_id, bool *ret_exists) {
  struct us_account owner;
  enum us_code code = us_account_by_id(cx, owner_id, &owner);
  *ret_exists = code == US_OK;
  if (code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  return US_OK;
}

enum us_code us_rpt_introspect(struct us_cx *cx, const struct us_realm *realm, struct us_str token_text,
                               const struct us_access *pat_or_null, const struct us_client *client_or_null,
                               struct us_rpt_view *ret_view) {
  int64_t id;
  uint16_t iteration;
  char digest[US_SHA256_TEXT_BYTES];
  struct us_rpt_row row;
  if (!us_handle_parse(token_text, &id, &iteration, digest))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  US_TRY(us_rpts_live(cx, id, realm->id, &row));
  if (!us_handle_matches(digest, row.digest) || !may_see(&row.rpt, pat_or_null, client_or_null))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  struct us_rpt_view view = {
      .rpt = row.rpt,
      .client_id = row.client_id,
      .party_name = row.party_name,
  };
  bool has_owner = true;
  if (!pat_or_null)
    US_TRY(owner_exists(cx, row.rpt.owner_id, &has_owner));
  if (row.is_active && has_owner && row.rpt.expires_s > us_cx_now_s(cx)) {
    US_TRY(live_permissions(cx, realm, &row, &view.rpt.permissions));
    view.active = view.rpt.permissions.n > 0;
  }
  *ret_view = view;
  return US_OK;
}

enum us_code us_rpt_is_live(struct us_cx *cx, const struct us_realm *realm, struct us_str token_text,
                            bool *ret_is_live) {
  int64_t id;
  uint16_t iteration;
  char digest[US_SHA256_TEXT_BYTES];
  struct us_rpt rpt;
  *ret_is_live = false;
  if (!us_handle_parse(token_text, &id, &iteration, digest))
    return US_OK;
  enum us_code code = us_rpts_find(cx, id, digest, realm->id, &rpt);
  *ret_is_live = code == US_OK && rpt.expires_s > us_cx_now_s(cx);
  if (code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  return US_OK;
}

enum us_code us_rpt_revoke(struct us_cx *cx, const struct us_realm *realm, struct us_str token_text,
                           const struct us_client *client) {
  int64_t id;
  uint16_t iteration;
  char digest[US_SHA256_TEXT_BYTES];
  struct us_rpt rpt;
  if (!us_handle_parse(token_text, &id, &iteration, digest))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  US_TRY(us_rpts_find(cx, id, digest, realm->id, &rpt));
  if (rpt.client_ref != client->ref)
    return us_fail_plain(cx, US_E_INVALID_GRANT);
  return us_rpts_delete(cx, id);
}
