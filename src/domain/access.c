/* The facts of a decision: see access.h. */
#include "domain/access.h"

#include "base/mem.h"
#include "domain/share.h"

enum us_code us_access_facts(struct us_cx *cx, const struct us_access_request *request,
                             const struct us_resource *resource, struct us_facts *ret_facts) {
  struct us_facts facts = {
      .available_scopes = resource->scopes,
      .party_is_owner = request->party_id == resource->owner_id,
      .owner_implicit_consent = request->realm->settings.owner_implicit_consent,
      .now_s = us_cx_now_s(cx),
      .client_id = request->client_id,
  };
  struct us_share *shares = NULL;
  size_t count = 0;
  bool is_settled = facts.party_is_owner && facts.owner_implicit_consent; /* no share can add to that */
  if (!is_settled) {
    struct us_str key = us_str_fold(cx->mem, request->party_name);
    if (!key.p)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    US_TRY(us_share_facts(cx, resource->id, resource->owner_id, key, &shares, &count));
  }
  struct us_grant *grants = US_NEW_ARRAY(cx->mem, struct us_grant, count);
  if (grants == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < count; i++)
    grants[i] = (struct us_grant){.id = shares[i].id,
                                  .from = US_NODE_OWNER,
                                  .to = US_NODE_PARTY,
                                  .scopes = shares[i].scopes,
                                  .conditions = shares[i].conditions,
                                  .used = shares[i].used};
  facts.grants = grants;
  facts.grant_count = count;
  *ret_facts = facts;
  return US_OK;
}

enum us_code us_access_recheck(struct us_cx *cx, const struct us_access_request *request,
                               const struct us_resource *resource, struct us_permission *permission, bool *ret_passes) {
  struct us_wanted wanted = {.ticket_scopes = permission->scopes};
  struct us_decision decision;
  US_TRY(us_access_facts(cx, request, resource, &wanted.facts));
  if (!us_policy_decide(cx->mem, &wanted, 1, US_RPT_TICKET_PARTIAL, &decision))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  permission->scopes = wanted.granted;
  permission->access_rev = resource->access_rev;
  if (wanted.not_after_s != 0 && wanted.not_after_s < permission->expires_s)
    permission->expires_s = wanted.not_after_s;
  *ret_passes = wanted.is_granted;
  return US_OK;
}
