/* Upgrading an RPT (protocol contract 6.6): see rpt_in.h. */
#include "domain/rpt_in.h"

#include "base/mem.h"
#include "crypto/handle.h"
#include "store/resources.h"

/* 6.6: adds to what was granted now; false when there is no room. */
static bool carry_over(struct us_cx *cx, struct us_permissions *permissions, const struct us_permission *old) {
  for (size_t i = 0; i < permissions->n; i++) {
    struct us_permission *same = &permissions->v[i];
    if (same->resource_id != old->resource_id)
      continue;
    if (us_strs_contains_all(same->scopes, old->scopes)) /* decided just now, until when too */
      return true;
    same->scopes = us_strs_union(cx->mem, same->scopes, old->scopes);
    if (old->expires_s < same->expires_s)
      same->expires_s = old->expires_s;
    return same->scopes.v != NULL;
  }
  if (permissions->n == US_RPT_PERMISSIONS_MAX)
    return false;
  permissions->v[permissions->n++] = *old;
  return true;
}

/* The RPT that the client wants upgraded; US_E_NOT_FOUND: ignore it (Q26). An RPT is one for (RqP, C, AS, RS, RO): never merged
 * across any of them (UG-18). */
static enum us_code find_upgradable(struct us_rpt_work *g, struct us_rpt *ret_rpt) {
  int64_t id;
  uint16_t iteration;
  char digest[US_SHA256_TEXT_BYTES];
  if (!g->in->rpt.p || !us_handle_parse(g->in->rpt, &id, &iteration, digest))
    return us_fail_plain(g->cx, US_E_NOT_FOUND);
  struct us_rpt rpt;
  US_TRY(us_rpts_find(g->cx, id, digest, g->realm->id, &rpt));
  bool is_same = rpt.client_ref == g->in->client->ref && rpt.party_id == g->party->id &&
                 rpt.owner_id == g->ticket.owner_id && rpt.rs_ref == g->ticket.rs_ref;
  bool is_in_right_hands = rpt.cnf.n == 0 || us_str_eq(rpt.cnf, us_rpt_proof(g)); /* RFC 8705 3 */
  if (!is_same || !is_in_right_hands)
    return us_fail_plain(g->cx, US_E_NOT_FOUND);
  *ret_rpt = rpt;
  return US_OK;
}

/* Tickets of processes that began earlier are forgotten. */
static int64_t oldest_tid(const struct us_rpt_work *g) {
  int64_t ticket_s = g->realm->settings.permission_ticket_s;
  int64_t kept_s = ticket_s > US_TICKET_PROCESS_MAX_S ? ticket_s : US_TICKET_PROCESS_MAX_S;
  return us_id_first_at(g->cx->now_ms - kept_s * 1000);
}

/* Permissions of the old RPT that still pass are carried over. It lives on the uses that it has used up, and so will the new one; a use
 * ends when the RPT would have that used it up, or one would be for ever. */
static enum us_code carry_all_over(struct us_rpt_work *g, const struct us_rpt *old, struct us_rpt *rpt,
                                   int64_t expires_s, bool *ret_any) {
  struct us_access_request request = us_rpt_access_request(g);
  enum us_code code;
  request.counted = old->counted;
  for (size_t i = 0; i < old->permissions.n; i++) {
    struct us_permission permission = old->permissions.v[i];
    struct us_resource resource;
    bool passes, is_counted;
    code = us_resources_access_by_id(g->cx, permission.resource_id, &resource);
    if (code == US_E_NOT_FOUND) {
      us_error_clear(g->cx);
      continue;
    }
    US_TRY(code);
    permission.expires_s = expires_s;
    US_TRY(us_access_recheck(g->cx, &request, &resource, &permission, &passes, &is_counted));
    if (is_counted && permission.expires_s > old->permissions.v[i].expires_s)
      permission.expires_s = old->permissions.v[i].expires_s;
    if (passes && permission.expires_s > us_cx_now_s(g->cx) && carry_over(g->cx, &rpt->permissions, &permission))
      *ret_any = true;
  }
  return US_OK;
}

/* The counted shares of both, each once. */
static enum us_code merge_counted(struct us_rpt_work *g, const struct us_rpt *old, struct us_rpt *rpt) {
  struct us_ids both = {US_NEW_ARRAY(g->cx->mem, int64_t, rpt->counted.n + old->counted.n), 0};
  if (!both.v)
    return us_fail_plain(g->cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < rpt->counted.n; i++)
    both.v[both.n++] = rpt->counted.v[i];
  for (size_t i = 0; i < old->counted.n && both.n < US_RPT_COUNTED_MAX; i++) {
    if (!us_rpt_has_id(both, old->counted.v[i]))
      both.v[both.n++] = old->counted.v[i];
  }
  rpt->counted = both;
  return US_OK;
}

/* 6.6: what the old RPT holds and still passes assessment goes into the new one; the old one is revoked. Whoever steals a ticket of
 * any process that is in it takes all of it along (G 5.5), so these are kept; with too many of them it is not upgraded. */
enum us_code us_rpt_upgrade(struct us_rpt_work *g, int64_t expires_s, struct us_rpt *rpt, bool *ret_is_upgraded) {
  struct us_rpt old = {0};
  int64_t merged = 0;
  *ret_is_upgraded = false;
  enum us_code code = find_upgradable(g, &old);
  if (code == US_OK)
    US_TRY(us_rpts_count_merged(g->cx, old.id, oldest_tid(g), &merged));
  if (code == US_E_NOT_FOUND || merged >= US_RPT_PROCESSES_MAX - 1) {
    us_error_clear(g->cx);
    return US_OK;
  }
  US_TRY(code);
  US_TRY(carry_all_over(g, &old, rpt, expires_s, ret_is_upgraded));
  if (*ret_is_upgraded) {
    US_TRY(merge_counted(g, &old, rpt));
    US_TRY(us_rpts_merge(g->cx, rpt->id, &old, oldest_tid(g)));
  }
  return us_rpts_delete(g->cx, old.id);
}
