/*
 * Resource types (REST contract h): what the lineage keeps beside each resource, and what is a view over the resource here. All
 * that is stored of a type is its map of actions, once it was changed, and its description. The rest follows from the resource.
 *
 *   actions of the type       {"see":true,"erase":true}      a PUT here replaces the map
 *   scopes of the resource    ["see"]                        an update there adds and removes its own; "erase" survives
 *   valid in a policy         see, erase                     us_resource_policy_scopes() (domain/resource.h)
 */
#ifndef USHER_DOMAIN_RESOURCE_TYPE_H
#define USHER_DOMAIN_RESOURCE_TYPE_H

#include "domain/services.h"

#define US_TYPE_ACTIONS_MAX 256      /* in one PUT; the map may grow by the scopes of the resource */
#define US_TYPE_ACTION_MAX_BYTES 255 /* of a name: what a scope may have */
#define US_TYPE_DESCRIPTION_MAX_BYTES 2048
#define US_TYPE_PATTERN "uma://-*-"

struct us_type_action {
  struct us_str name;
  bool is_allowed;
};
struct us_type_actions {
  struct us_type_action *v;
  size_t n;
};
/* The map as it counts: without one of its own a type has the resource's scopes, all true. */
enum us_code us_resource_type_actions(struct us_cx *cx, const struct us_resource *resource,
                                      struct us_type_actions *ret_actions) US_MUST_CHECK;
/* Names of the actions that are true. */
enum us_code us_resource_type_allowed(struct us_cx *cx, const struct us_resource *resource,
                                      struct us_strs *ret_names) US_MUST_CHECK;
/* The map as it is to be stored once the resource has these scopes. `resource` is as it was before. */
enum us_code us_resource_type_follow(struct us_cx *cx, const struct us_resource *resource, struct us_strs scopes,
                                     struct us_str *ret_map) US_MUST_CHECK;

#endif
