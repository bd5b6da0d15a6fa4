/* The facts of a decision: see access.h. */
#include "domain/access.h"

#include "base/mem.h"
#include "domain/account.h"
#include "domain/graph.h"
#include "domain/share.h"
#include "domain/subject.h"
#include "store/grants.h"
#include "json/json.h"

/* What the owner gave to the party: no more than one grant by each of its keys. */
struct given {
  int64_t owner_id;
  struct us_grant *grants;
  size_t count;
  bool has_others; /* somebody else gave something too: the graph has to be looked at */
};

static enum us_code see_grant(struct us_cx *cx, void *self, const struct us_grant_row *row, bool *ret_more) {
  struct given *given = self;
  given->has_others = row->sharer_id != given->owner_id;
  *ret_more = !given->has_others;
  if (given->has_others)
    return US_OK;
  given->grants = us_mem_grow(cx->mem, given->grants, given->count * sizeof(*given->grants),
                              (given->count + 1) * sizeof(*given->grants));
  if (given->grants == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  struct us_grant *grant = &given->grants[given->count++];
  *grant = (struct us_grant){.id = row->id, .from = US_NODE_OWNER, .to = US_NODE_PARTY, .used = row->used};
  US_TRY(us_json_to_strs(cx, row->active_scopes, &grant->scopes));
  return us_conditions_parse(cx, row->conditions, &grant->conditions);
}

/* The party's row: as the caller has it, or read when the realm's settings make its name by something else than its user name. */
static enum us_code find_party(struct us_cx *cx, const struct us_access_request *request,
                               struct us_account *ret_party) {
  *ret_party = (struct us_account){.id = request->party_id, .name = request->party_name};
  if (request->realm->settings.username_attribute.n == 0)
    return US_OK;
  enum us_code code = us_account_by_id(cx, request->party_id, ret_party);
  if (code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx); /* gone meanwhile: nothing means it */
  *ret_party = (struct us_account){.id = request->party_id};
  return US_OK;
}

static enum us_code load_grants(struct us_cx *cx, const struct us_access_request *request,
                                const struct us_resource *resource, struct us_facts *facts) {
  struct given given = {.owner_id = resource->owner_id};
  struct us_account party;
  struct us_str key;
  struct us_strs keys;
  US_TRY(find_party(cx, request, &party));
  US_TRY(us_subject_own_key(cx, &request->realm->settings, &party, &key));
  US_TRY(us_grants_to(cx, resource->id, key, request->party_id, see_grant, &given));
  facts->grants = given.grants;
  facts->grant_count = given.count;
  if (!given.has_others)
    return US_OK;
  US_TRY(us_subject_keys(cx, &request->realm->settings, &party, &keys));
  return us_graph_facts(cx, request, resource, keys, facts);
}

enum us_code us_access_facts(struct us_cx *cx, const struct us_access_request *request,
                             const struct us_resource *resource, struct us_facts *ret_facts) {
  struct us_facts facts = {
      .available_scopes = resource->scopes,
      .party_is_owner = request->party_id == resource->owner_id,
      .owner_implicit_consent = request->realm->settings.owner_implicit_consent,
      .now_s = us_cx_now_s(cx),
      .client_id = request->client_id,
  };
  bool is_settled = facts.party_is_owner && facts.owner_implicit_consent; /* no share can add to that */
  if (!is_settled)
    US_TRY(load_grants(cx, request, resource, &facts));
  *ret_facts = facts;
  return US_OK;
}

static bool relies_on(const struct us_wanted *wanted, struct us_ids counted) {
  for (size_t i = 0; i < wanted->relied_count; i++) {
    for (size_t k = 0; k < counted.n; k++) {
      if (wanted->relied[i].grant_id == counted.v[k])
        return true;
    }
  }
  return false;
}

enum us_code us_access_recheck(struct us_cx *cx, const struct us_access_request *request,
                               const struct us_resource *resource, struct us_permission *permission, bool *ret_passes,
                               bool *ret_counted) {
  struct us_wanted wanted = {.ticket_scopes = permission->scopes};
  struct us_decision decision;
  US_TRY(us_access_facts(cx, request, resource, &wanted.facts));
  wanted.facts.is_recheck = true;
  wanted.facts.counted = request->counted;
  if (!us_policy_decide(cx->mem, &wanted, 1, US_RPT_TICKET_PARTIAL, &decision))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  permission->scopes = wanted.granted;
  permission->access_rev = resource->access_rev;
  if (wanted.not_after_s != 0 && wanted.not_after_s < permission->expires_s)
    permission->expires_s = wanted.not_after_s;
  *ret_passes = wanted.is_granted;
  if (ret_counted != NULL)
    *ret_counted = relies_on(&wanted, request->counted);
  return US_OK;
}
