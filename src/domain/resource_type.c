/* Resource types: see resource_type.h. */
#include "domain/resource_type.h"

#include "base/mem.h"
#include "domain/account.h"
#include "domain/graph.h"
#include "domain/resource.h"
#include "store/resource_types.h"
#include "store/resources.h"
#include "json/json.h"

#define USUAL_DESCRIPTION US_RESOURCE_TYPES_DESCRIPTION

enum us_code us_resource_type_allowed(struct us_cx *cx, const struct us_resource *resource, struct us_strs *ret_names) {
  struct us_strs actions, denied;
  if (resource->type_actions.n == 0) {
    *ret_names = resource->scopes;
    return US_OK;
  }
  US_TRY(us_json_to_strs(cx, resource->type_actions, &actions));
  US_TRY(us_json_to_strs(cx, resource->type_denied, &denied));
  *ret_names = us_strs_minus(cx->mem, actions, denied);
  return ret_names->v != NULL ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

/* Only what the update adds or takes away is touched: an action that somebody set to false stays so while its scope stays. */
enum us_code us_resource_type_follow(struct us_cx *cx, const struct us_resource *before, struct us_resource *after) {
  struct us_strs actions, denied;
  after->type_actions = US_STR("");
  after->type_denied = US_STR("[]");
  if (before->type_actions.n == 0)
    return US_OK;
  US_TRY(us_json_to_strs(cx, before->type_actions, &actions));
  US_TRY(us_json_to_strs(cx, before->type_denied, &denied));
  struct us_strs dropped = us_strs_minus(cx->mem, before->scopes, after->scopes);
  struct us_strs added = us_strs_minus(cx->mem, after->scopes, before->scopes);
  actions = us_strs_union(cx->mem, us_strs_minus(cx->mem, actions, dropped), added);
  denied = us_strs_minus(cx->mem, us_strs_minus(cx->mem, denied, dropped), added);
  after->type_actions = us_json_from_strs(cx->mem, actions);
  after->type_denied = us_json_from_strs(cx->mem, denied);
  if (us_mem_is_spent(cx->mem) || after->type_actions.p == NULL || after->type_denied.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return US_OK;
}

/* A row as it is shown. */
static enum us_code as_type(struct us_cx *cx, struct us_str realm_path, const struct us_resource_type_row *row,
                            struct us_resource_type *ret_type) {
  bool is_untouched = row->actions.n == 0;
  bool is_owners = row->modifier_name.p == NULL; /* also when the account that changed it last has gone */
  struct us_resource_type type = {
      .resource_id = row->id,
      .owner_id = row->owner_id,
      .rs_ref = row->rs_ref,
      .rev = row->rev,
      .created_ms = row->created_ms,
      .modified_ms = row->modified_ms,
      .uuid = row->uuid,
      .name = row->name.p == NULL ? row->uuid
                                  : us_str_fmt(cx->mem, "%.*s - %.*s", US_STR_ARG(row->name), US_STR_ARG(row->uuid)),
      .description = row->description.p == NULL ? US_STR(USUAL_DESCRIPTION) : row->description,
      .created_by = us_account_universal_id(cx, realm_path, row->owner_name),
  };
  type.modified_by = is_owners ? type.created_by : us_account_universal_id(cx, row->modifier_realm, row->modifier_name);
  US_TRY(us_json_to_strs(cx, is_untouched ? row->scopes : row->actions, &type.actions));
  US_TRY(us_json_to_strs(cx, row->denied, &type.denied));
  if (type.name.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_type = type;
  return US_OK;
}

enum us_code us_resource_type_find(struct us_cx *cx, const struct us_realm *realm, struct us_str uuid,
                                   struct us_resource_type *ret_type) {
  struct us_resource_type_row row = {0};
  enum us_code code = us_resource_types_find(cx, realm->id, uuid, &row);
  if (code == US_E_NOT_FOUND)
    return us_fail(cx, US_E_NOT_FOUND, "Resource Type %.*s does not exist in realm %.*s", US_STR_ARG(uuid),
                   US_STR_ARG(realm->path));
  US_TRY(code);
  return as_type(cx, realm->path, &row, ret_type);
}

enum us_code us_resource_type_put(struct us_cx *cx, const struct us_resource_type *type, int64_t modifier,
                                  const struct us_resource_type_wish *wish) {
  struct us_resource before, after;
  US_TRY(us_resource_by_id(cx, type->resource_id, &before));
  after = before;
  after.modified_ms = cx->now_ms;
  after.type_modifier = modifier;
  if (wish->description.p != NULL)
    after.type_description = wish->description;
  if (wish->has_actions) {
    after.type_actions = us_json_from_strs(cx->mem, wish->actions);
    after.type_denied = us_json_from_strs(cx->mem, wish->denied);
    if (after.type_actions.p == NULL || after.type_denied.p == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  enum us_code code = us_resources_update_type(cx, &after);
  if (code == US_E_NOT_FOUND) /* somebody else changed it since it was read */
    return us_fail_plain(cx, US_E_STALE);
  US_TRY(code);
  return us_graph_follow(cx, &before, &after);
}

struct listing {
  struct us_str realm_path;
  us_resource_type_fn each;
  void *self;
  enum us_code code;
};

static bool see_row(struct us_cx *cx, void *self, const struct us_resource_type_row *row) {
  struct listing *listing = self;
  struct us_resource_type type;
  listing->code = as_type(cx, listing->realm_path, row, &type);
  return listing->code == US_OK && listing->each(cx, listing->self, &type);
}

enum us_code us_resource_type_query(struct us_cx *cx, const struct us_realm *realm, const struct us_access *pat,
                                    const struct us_list_query *query, us_resource_type_fn each, void *self,
                                    struct us_list_end *ret_end) {
  struct listing listing = {realm->path, each, self, US_OK};
  struct us_resource_types_space space = {.realm_id = realm->id};
  if (pat != NULL) {
    space.owner_id = pat->token.account_id;
    space.rs_ref = pat->token.client_ref;
  }
  US_TRY(us_resource_types_list_page(cx, &space, query, see_row, &listing, ret_end));
  return listing.code == US_OK ? US_OK : us_fail_plain(cx, listing.code);
}
