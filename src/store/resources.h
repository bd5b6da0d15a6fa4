/* Rows of table resource. Thin statements, no rules: whoever calls has thought about owner and resource server. */
#ifndef USHER_STORE_RESOURCES_H
#define USHER_STORE_RESOURCES_H

#include "model/model.h"
#include "store/sql.h"

/* Whose resources: everything a PAT reaches (protocol contract 4). */
struct us_resource_space {
  int64_t realm_id, owner_id, rs_ref;
};

/* Whole rows; US_E_NOT_FOUND without text. */
enum us_code us_resources_by_uuid(struct us_cx *cx, int64_t realm_id, struct us_str uuid,
                                  struct us_resource *ret_resource) US_MUST_CHECK;
enum us_code us_resources_by_id(struct us_cx *cx, int64_t id, struct us_resource *ret_resource) US_MUST_CHECK;
enum us_code us_resources_in_space(struct us_cx *cx, struct us_resource_space space, struct us_str uuid,
                                   struct us_resource *ret_resource) US_MUST_CHECK;
/* Only id, uuid, whose it is, name, scopes and access_rev: for tickets and decisions, which never look at the description. */
enum us_code us_resources_access_in_space(struct us_cx *cx, struct us_resource_space space, struct us_str uuid,
                                          struct us_resource *ret_resource) US_MUST_CHECK;
enum us_code us_resources_access_by_id(struct us_cx *cx, int64_t id, struct us_resource *ret_resource) US_MUST_CHECK;

/* Ids that clients see, in order of registration, behind row `after` (0: from the start). *ret_last is the last row. */
enum us_code us_resources_list(struct us_cx *cx, struct us_resource_space space, int64_t after, int64_t max,
                               struct us_strs *ret_uuids, int64_t *ret_last) US_MUST_CHECK;

/* US_E_CONFLICT, without text: the name is taken in this space. */
enum us_code us_resources_insert(struct us_cx *cx, const struct us_resource *row) US_MUST_CHECK;
/* Replaces description, name, type, icon, scopes and type_actions of row->id; rev counts up, access_rev when the scopes changed. US_E_CONFLICT
 * as above; US_E_NOT_FOUND when the row has not revision row->rev any more. */
enum us_code us_resources_update(struct us_cx *cx, const struct us_resource *row) US_MUST_CHECK;
/* Replaces what belongs to the resource type (REST h); rev and access_rev count up. US_E_NOT_FOUND as above. */
enum us_code us_resources_update_type(struct us_cx *cx, const struct us_resource *row) US_MUST_CHECK;
enum us_code us_resources_touch_access(struct us_cx *cx, int64_t id) US_MUST_CHECK;
/* The row alone / what hangs on it: policies of every sharer and pending requests. */
enum us_code us_resources_delete(struct us_cx *cx, int64_t id, int64_t *ret_changed) US_MUST_CHECK;
enum us_code us_resources_delete_grants(struct us_cx *cx, int64_t id) US_MUST_CHECK;

#endif
