/*
 * Resource types (REST contract h): what the lineage keeps beside each resource, and what is a view over the resource here. All
 * that is stored of a type is its actions, once somebody changed them, and its description. The rest follows from the resource.
 *
 *   actions of the type       {"see":true,"erase":true}      a PUT here replaces the map
 *   scopes of the resource    ["see"]                        an update there adds and removes its own; "erase" survives
 *   valid in a policy         see, erase                     us_resource_policy_scopes() (domain/resource.h)
 */
#ifndef USHER_DOMAIN_RESOURCE_TYPE_H
#define USHER_DOMAIN_RESOURCE_TYPE_H

#include "domain/services.h"
#include "model/list.h"

#define US_TYPE_ACTIONS_MAX 256      /* in one PUT; the map may grow by the scopes of the resource */
#define US_TYPE_ACTION_MAX_BYTES 255 /* of a name: what a scope may have */
#define US_TYPE_DESCRIPTION_MAX_BYTES 2048
#define US_TYPE_PATTERN "uma://-*-"

/* Names of the actions that are true. */
enum us_code us_resource_type_allowed(struct us_cx *cx, const struct us_resource *resource,
                                      struct us_strs *ret_names) US_MUST_CHECK;
/* The actions as they are to be stored with an update of the resource's scopes: fills in those of `after`. */
enum us_code us_resource_type_follow(struct us_cx *cx, const struct us_resource *before,
                                     struct us_resource *after) US_MUST_CHECK;

struct us_resource_type {
  int64_t resource_id, owner_id, rs_ref, rev, created_ms, modified_ms;
  struct us_str uuid;
  struct us_str name; /* "{resource name} - {uuid}", or just the uuid */
  struct us_str description;
  struct us_strs actions, denied;        /* `denied`: those of them that are false */
  struct us_str created_by, modified_by; /* universal ids */
};
/* One of the realm. US_E_NOT_FOUND with the text of h.3. */
enum us_code us_resource_type_find(struct us_cx *cx, const struct us_realm *realm, struct us_str uuid,
                                   struct us_resource_type *ret_type) US_MUST_CHECK;
/* What a PUT changes. */
struct us_resource_type_wish {
  bool has_actions;
  struct us_strs actions, denied;
  struct us_str description; /* absent: stays */
};
/* Write step. `modifier` is the account that does it. What was shared and is valid in no policy any more goes from every share. */
enum us_code us_resource_type_put(struct us_cx *cx, const struct us_resource_type *type, int64_t modifier,
                                  const struct us_resource_type_wish *wish) US_MUST_CHECK;

/* A page of a realm's types, or with `pat` of those of its owner at its client. What `each` is given is gone when it returns. */
extern const struct us_list us_resource_types_list;
typedef bool (*us_resource_type_fn)(struct us_cx *cx, void *self, const struct us_resource_type *type);
enum us_code us_resource_type_query(struct us_cx *cx, const struct us_realm *realm, const struct us_access *pat,
                                    const struct us_list_query *query, us_resource_type_fn each, void *self,
                                    struct us_list_end *ret_end) US_MUST_CHECK;

#endif
