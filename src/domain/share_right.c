/* The right to share: see share_right.h. What somebody may pass on is what the decision would give that person now. */
#include "domain/share_right.h"

#include "base/mem.h"
#include "domain/access.h"
#include "domain/account.h"
#include "domain/resource.h"
#include "domain/snapshot.h"

static struct us_strs stored_scopes(const struct us_policy *old, struct us_str subject) {
  for (size_t i = 0; old != NULL && i < old->share_count; i++) {
    if (us_str_eq_nocase(old->shares[i].subject, subject))
      return old->shares[i].scopes;
  }
  return (struct us_strs){NULL, 0};
}

/* Scopes of the pairs (subject, scope) that are not stored already. */
static enum us_code added_scopes(struct us_cx *cx, const struct us_share_wish *wish, const struct us_policy *old,
                                 struct us_strs *ret_added) {
  struct us_strs added = {NULL, 0};
  for (size_t i = 0; i < wish->share_count; i++) {
    struct us_strs more = us_strs_minus(cx->mem, wish->shares[i].scopes, stored_scopes(old, wish->shares[i].subject));
    added = us_strs_union(cx->mem, added, more);
  }
  if (us_mem_is_spent(cx->mem)) /* nothing for lack of memory must not read as "nothing to check" */
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_added = added;
  return US_OK;
}

/* No client asks here, so conditions on clients do not count; others do, all along the path. Without scopes: any right at all. */
static enum us_code has_right(struct us_cx *cx, const struct us_realm *realm, const struct us_resource *resource,
                              int64_t sharer_id, struct us_strs scopes, bool *ret_has) {
  struct us_account sharer;
  struct us_decision decision;
  US_TRY(us_account_by_id(cx, sharer_id, &sharer));
  const struct us_access_request request = {.realm = realm, .party_id = sharer.id, .party_name = sharer.name};
  struct us_wanted wanted = {.ticket_scopes = scopes};
  US_TRY(us_access_facts(cx, &request, resource, &wanted.facts));
  US_TRY(us_resource_policy_scopes(cx, resource, &wanted.facts.available_scopes));
  if (!us_policy_decide(cx->mem, &wanted, 1, 0, &decision))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_has = decision.issue; /* all of them, or of none something */
  return US_OK;
}

static enum us_code check(struct us_cx *cx, const struct us_realm *realm, const struct us_resource *resource,
                          int64_t sharer_id, struct us_strs added, bool is_new) {
  bool has = false;
  if (added.n == 0 && !is_new)
    return US_OK;
  if (realm == NULL || realm->settings.resharing != US_RESHARING_IMPLICIT)
    return us_fail_plain(cx, US_E_FORBIDDEN);
  enum us_code code = has_right(cx, realm, resource, sharer_id, added, &has);
  if (code == US_OK && has)
    return US_OK;
  return code == US_OK || code == US_E_NOT_FOUND ? us_fail_plain(cx, US_E_FORBIDDEN) : code;
}

enum us_code us_share_check_right(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                                  const struct us_share_wish *wish, const struct us_policy *old) {
  struct us_strs added;
  if (resource->owner_id == sharer_id)
    return US_OK;
  US_TRY(added_scopes(cx, wish, old, &added));
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm_by_id(snapshot, resource->realm_id);
  enum us_code code = check(cx, realm, resource, sharer_id, added, old == NULL);
  us_snapshot_unref(snapshot);
  return code;
}
