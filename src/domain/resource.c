/* Registered resources: see resource.h. Protocol contract 4, cascade 11.3. */
#include "domain/resource.h"

#include "base/mem.h"
#include "crypto/random.h"
#include "domain/extension.h"
#include "domain/graph.h"
#include "domain/label.h"
#include "domain/resource_type.h"
#include "store/labels.h"
#include "store/resources.h"

static struct us_resource_space space_of(const struct us_access *pat) {
  return (struct us_resource_space){
      .realm_id = pat->token.realm_id, .owner_id = pat->token.account_id, .rs_ref = pat->token.client_ref};
}

enum us_code us_resource_by_uuid(struct us_cx *cx, int64_t realm_id, struct us_str uuid,
                                 struct us_resource *ret_resource) {
  return us_resources_by_uuid(cx, realm_id, uuid, ret_resource);
}

enum us_code us_resource_by_id(struct us_cx *cx, int64_t id, struct us_resource *ret_resource) {
  return us_resources_by_id(cx, id, ret_resource);
}

enum us_code us_resource_touch_access(struct us_cx *cx, int64_t resource_id) {
  return us_resources_touch_access(cx, resource_id);
}

enum us_code us_resource_policy_scopes(struct us_cx *cx, const struct us_resource *resource,
                                       struct us_strs *ret_scopes) {
  struct us_strs allowed;
  US_TRY(us_resource_type_allowed(cx, resource, &allowed));
  *ret_scopes = us_strs_union(cx->mem, resource->scopes, allowed);
  return ret_scopes->v ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

enum us_code us_resource_remove(struct us_cx *cx, int64_t resource_id) {
  /* The row goes first: on PostgreSQL that is the lock against a share or request written at the same moment. */
  US_TRY(us_resources_delete(cx, resource_id, NULL));
  US_TRY(us_resources_delete_grants(cx, resource_id));
  return us_labels_detach_all(cx, resource_id);
}

static enum us_code fail_taken(struct us_cx *cx, struct us_str name) {
  return us_fail(cx, US_E_INVALID_REQUEST, "A shared item with the name '%.*s' already exists", US_STR_ARG(name));
}

struct us_str us_resource_new_uuid(struct us_cx *cx, int64_t id) {
  uint8_t random16[16];
  char *text = us_mem_alloc(cx->mem, US_UUID_BYTES);
  if (!text)
    return US_STR_ABSENT;
  us_random(random16, sizeof(random16));
  us_uuid7_of_id(id, random16, text);
  return us_str_c(text);
}

enum us_code us_resource_input_new(struct us_cx *cx, struct us_resource_input *in) {
  in->id = us_next_id(cx);
  in->uuid = us_resource_new_uuid(cx, in->id);
  return in->uuid.p ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

static struct us_resource row_of(struct us_cx *cx, const struct us_access *pat, const struct us_resource_input *in) {
  return (struct us_resource){
      .id = in->id,
      .uuid = in->uuid,
      .realm_id = pat->token.realm_id,
      .owner_id = pat->token.account_id,
      .rs_ref = pat->token.client_ref,
      .name = in->name,
      .type = in->type,
      .icon_uri = in->icon_uri,
      .about = in->about,
      .description = in->description,
      .scopes = in->scopes,
      .rev = 1,
      .access_rev = 1,
      .created_ms = cx->now_ms,
      .modified_ms = cx->now_ms,
  };
}

enum us_code us_resource_register(struct us_cx *cx, const struct us_access *pat, const struct us_resource_input *in,
                                  struct us_resource *ret_resource) {
  struct us_resource_input edited = *in;
  struct us_resource row = row_of(cx, pat, in);
  US_TRY(us_extension_before_registration(cx, &row, &edited)); /* REST contract j.2, 1 */
  row = row_of(cx, pat, &edited);
  enum us_code code = us_resources_insert(cx, &row);
  if (code == US_E_CONFLICT)
    return fail_taken(cx, row.name);
  US_TRY(code);
  US_TRY(us_label_add_system(cx, &row, edited.labels));
  *ret_resource = row;
  return us_extension_after_registration(cx, &row);
}

enum us_code us_resource_find(struct us_cx *cx, const struct us_access *pat, struct us_str uuid,
                              struct us_resource *ret_resource) {
  enum us_code code = us_resources_in_space(cx, space_of(pat), uuid, ret_resource);
  if (code == US_E_NOT_FOUND)
    return us_fail(cx, US_E_NOT_FOUND, "Resource set corresponding to id: %.*s not found", US_STR_ARG(uuid));
  return code;
}

enum us_code us_resource_replace(struct us_cx *cx, struct us_resource *resource, const struct us_resource_input *in) {
  struct us_resource row = *resource;
  row.name = in->name;
  row.type = in->type;
  row.icon_uri = in->icon_uri;
  row.about = in->about;
  row.description = in->description;
  row.scopes = in->scopes;
  row.modified_ms = cx->now_ms;
  US_TRY(us_resource_type_follow(cx, resource, &row));
  enum us_code code = us_resources_update(cx, &row);
  if (code == US_E_CONFLICT)
    return fail_taken(cx, in->name);
  if (code == US_E_NOT_FOUND) /* somebody else changed it since it was read */
    return us_fail_plain(cx, US_E_STALE);
  US_TRY(code);
  US_TRY(us_graph_follow(cx, resource, &row));
  US_TRY(us_label_set_system(cx, &row, in->labels));
  row.rev++;
  *resource = row;
  return US_OK;
}

enum us_code us_resource_list(struct us_cx *cx, const struct us_access *pat, int64_t *cursor, int64_t max,
                              struct us_strs *ret_uuids) {
  return us_resources_list(cx, space_of(pat), *cursor, max < US_RESOURCE_PAGE ? max : US_RESOURCE_PAGE, ret_uuids,
                           cursor);
}

struct us_str us_resource_policy_uri(struct us_cx *cx, const struct us_realm *realm, struct us_str uuid) {
  return us_str_fmt(cx->mem, "%.*s/XUI/?realm=%.*s#uma/share/%.*s", US_STR_ARG(realm->base_url),
                    US_STR_ARG(realm->path), US_STR_ARG(uuid));
}
