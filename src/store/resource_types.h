/* Resource types (REST contract h): rows of table resource, seen from their other side. */
#ifndef USHER_STORE_RESOURCE_TYPES_H
#define USHER_STORE_RESOURCE_TYPES_H

#include "model/list.h"
#include "model/model.h"
#include "store/sql.h"

#define US_RESOURCE_TYPES_DESCRIPTION                                                                                  \
  "Dynamically created resource type for the UMA resource set. Used to find all Policy Engine Policies that make up "  \
  "an UMA Policy"

struct us_resource_type_row {
  int64_t id, owner_id, rs_ref, rev, created_ms, modified_ms;
  struct us_str uuid, name, scopes; /* of the resource */
  struct us_str actions, denied, description;
  struct us_str owner_name;
  struct us_str modifier_name, modifier_realm; /* absent: its owner, or somebody who has gone */
};
/* US_E_NOT_FOUND (an answer). */
enum us_code us_resource_types_find(struct us_cx *cx, int64_t realm_id, struct us_str uuid,
                                    struct us_resource_type_row *ret_row) US_MUST_CHECK;

extern const struct us_list us_resource_types_list;
/* With an owner: only those of that owner at that resource server. Rows come with the cx of their own memory. */
struct us_resource_types_space {
  int64_t realm_id, owner_id, rs_ref;
};
typedef bool (*us_resource_type_row_fn)(struct us_cx *cx, void *self, const struct us_resource_type_row *row);
enum us_code us_resource_types_list_page(struct us_cx *cx, const struct us_resource_types_space *space,
                                         const struct us_list_query *query, us_resource_type_row_fn each, void *self,
                                         struct us_list_end *ret_end) US_MUST_CHECK;

#endif
