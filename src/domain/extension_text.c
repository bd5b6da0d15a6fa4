/*
 * What plugins read of things (REST contract j.1, j.4): see extension_in.h. Trees, then text: members of the server's own stand above
 * those of a description that a resource server wrote, whatever names that uses.
 */
#include "domain/extension_in.h"

#include "base/mem.h"
#include "domain/account.h"
#include "domain/label.h"
#include "store/policies.h"
#include "store/resources.h"
#include "json/json.h"

/* Text of a tree, whose reference goes; absent without one. */
static struct us_str text_of(struct us_cx *cx, void *mem, json_t *tree) {
  struct us_cx there = *cx;
  there.mem = mem;
  struct us_str text = tree != NULL ? us_json_dump(&there, tree) : US_STR_ABSENT;
  json_decref(tree);
  return text;
}

/* Absent texts are no members. False: no memory. */
static bool put(json_t *object, const char *name, struct us_str text) {
  return text.p == NULL || json_object_set_new(object, name, json_stringn(text.p, text.n)) == 0;
}

static bool put_list(json_t *object, const char *name, struct us_strs set) {
  return json_object_set_new(object, name, us_json_array_of(set)) == 0;
}

static const struct us_realm *realm_of(const struct us_cx *cx) {
  return cx->extension->realm;
}

/* A name behind an id; "" when it is gone. False: the store failed. */
static bool name_of(struct us_cx *cx, int64_t account_id, struct us_str *ret_name) {
  struct us_account account = {.name = US_STR("")};
  enum us_code code = us_account_by_id(cx, account_id, &account);
  if (code != US_OK && code != US_E_NOT_FOUND)
    return false;
  us_error_clear(cx);
  *ret_name = account.name;
  return true;
}

static json_t *resource_tree(struct us_resource_view *view) {
  struct us_cx *cx = view->cx;
  struct us_resource row = *view->resource;
  struct us_str owner, client_id;
  struct us_strs labels = view->labels;
  if (view->is_partial && us_resources_by_id(cx, row.id, &row) != US_OK)
    return NULL;
  if (!view->has_labels && us_label_names(cx, &row, &labels) != US_OK)
    return NULL;
  if (!name_of(cx, row.owner_id, &owner) || us_policies_server_name(cx, row.rs_ref, &client_id) != US_OK)
    return NULL;
  struct us_str description = view->description.p != NULL ? view->description : row.description;
  json_t *tree = json_loadb(description.p, description.n, 0, NULL);
  bool is_whole = json_is_object(tree) && put(tree, "_id", row.uuid) && put(tree, "realm", realm_of(cx)->path) &&
                  put(tree, "client_id", client_id) && put(tree, "owner", owner) && put_list(tree, "labels", labels) &&
                  put(tree, "policy_uri", us_resource_policy_uri(cx, realm_of(cx), row.uuid));
  if (is_whole)
    return tree;
  json_decref(tree);
  return NULL;
}

struct us_str us_resource_view_text(void *self, void *mem) {
  struct us_resource_view *view = self;
  return text_of(view->cx, mem, resource_tree(view));
}

static json_t *grants_of(const struct us_policy_view *view) {
  json_t *grants = json_array();
  for (size_t i = 0; grants != NULL && i < view->share_count; i++) {
    json_t *grant = json_object();
    bool is_whole = grant != NULL && put(grant, "subject", view->shares[i].subject) &&
                    put_list(grant, "scopes", view->shares[i].scopes);
    if (!is_whole)
      json_decref(grant);
    if (is_whole && json_array_append_new(grants, grant) == 0)
      continue;
    json_decref(grants);
    grants = NULL;
  }
  return grants;
}

/* The conditions that all have in common, as members; none when they differ. False: no memory. */
static bool put_conditions(struct us_cx *cx, json_t *policy, const struct us_policy_view *view) {
  struct us_str common = US_STR_ABSENT;
  for (size_t i = 0; i < view->share_count; i++) {
    struct us_str text = us_conditions_text(cx, &view->shares[i].conditions);
    if (text.p == NULL)
      return false;
    if (i > 0 && !us_str_eq(text, common))
      return true;
    common = text;
  }
  if (common.n == 0)
    return true;
  json_t *both = json_loadb(common.p, common.n, 0, NULL);
  bool is_whole = both != NULL && json_object_update(policy, both) == 0;
  json_decref(both);
  return is_whole;
}

static json_t *policy_tree(struct us_policy_view *view) {
  struct us_cx *cx = view->of.cx;
  struct us_str sharer;
  json_t *policy = json_object();
  bool is_whole = policy != NULL && name_of(cx, view->sharer_id, &sharer) &&
                  put(policy, "policyId", view->of.resource->uuid) && put(policy, "realm", realm_of(cx)->path) &&
                  put(policy, "sharer", sharer) && json_object_set_new(policy, "permissions", grants_of(view)) == 0 &&
                  put_conditions(cx, policy, view) &&
                  json_object_set_new(policy, "resource", resource_tree(&view->of)) == 0;
  if (is_whole)
    return policy;
  json_decref(policy);
  return NULL;
}

struct us_str us_policy_view_text(void *self, void *mem) {
  struct us_policy_view *view = self;
  return text_of(view->of.cx, mem, policy_tree(view));
}

/* `id` is the process of the ticket, not the secret that clients show. */
struct us_str us_ticket_view_text(void *self, void *mem) {
  const struct us_ticket_view *view = self;
  const struct us_extension_grant *grant = view->grant;
  struct us_cx *cx = view->cx;
  struct us_strs scopes = {0};
  struct us_str rs_client_id;
  for (size_t i = 0; i < grant->ticket->permissions.n; i++)
    if (grant->ticket->permissions.v[i].resource_id == grant->resource->id)
      scopes = grant->ticket->permissions.v[i].scopes;
  if (us_policies_server_name(cx, grant->resource->rs_ref, &rs_client_id) != US_OK)
    return US_STR_ABSENT;
  json_t *ticket = json_object();
  bool is_whole = ticket != NULL && put(ticket, "id", us_str_fmt(cx->mem, "%lld", (long long)grant->ticket->tid)) &&
                  put(ticket, "realm", realm_of(cx)->path) &&
                  json_object_set_new(ticket, "expires_at_ms", json_integer(grant->ticket->expires_s * 1000)) == 0 &&
                  put(ticket, "resource_id", grant->resource->uuid) && put_list(ticket, "scopes", scopes) &&
                  put(ticket, "rs_client_id", rs_client_id) && put(ticket, "client_id", grant->client_id);
  if (is_whole)
    return text_of(cx, mem, ticket);
  json_decref(ticket);
  return US_STR_ABSENT;
}

/* Claims by their names in OpenID Connect, as the server knows them of the account. */
static json_t *claims_of(const struct us_account *account) {
  json_t *claims = json_object();
  bool is_whole = claims != NULL && put(claims, "sub", account->name) &&
                  put(claims, "given_name", account->given_name) && put(claims, "family_name", account->family_name) &&
                  put(claims, "email", account->mail) && put(claims, "locale", account->locale);
  if (is_whole)
    return claims;
  json_decref(claims);
  return NULL;
}

struct us_str us_party_view_text(void *self, void *mem) {
  struct us_party_view *view = self;
  struct us_cx *cx = view->cx;
  struct us_account found;
  if (view->account == NULL && us_account_by_id(cx, view->id, &found) != US_OK)
    return US_STR_ABSENT;
  const struct us_account *account = view->account != NULL ? view->account : &found;
  struct us_str path = realm_of(cx)->path;
  json_t *party = json_object();
  bool is_whole = party != NULL && put(party, "name", account->name) &&
                  put(party, "universal_id", us_account_universal_id(cx, path, account->name)) &&
                  put(party, "realm", path) && json_object_set_new(party, "claims", claims_of(account)) == 0;
  if (is_whole)
    return text_of(cx, mem, party);
  json_decref(party);
  return US_STR_ABSENT;
}
