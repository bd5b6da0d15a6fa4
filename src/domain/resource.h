/*
 * Registered resources (protocol contract 4). A resource server reaches them with a PAT, and the PAT says all there is to
 * say about whose they are: realm, owner, client. What is outside of that space does not exist for it (Q12).
 */
#ifndef USHER_DOMAIN_RESOURCE_H
#define USHER_DOMAIN_RESOURCE_H

#include "domain/services.h"

/* Any resource of the realm by the id clients see. US_E_NOT_FOUND without text. For code that checks rights itself. */
enum us_code us_resource_by_uuid(struct us_cx *cx, int64_t realm_id, struct us_str uuid,
                                 struct us_resource *ret_resource) US_MUST_CHECK;
enum us_code us_resource_by_id(struct us_cx *cx, int64_t id, struct us_resource *ret_resource) US_MUST_CHECK;
/* UPDATE resource SET access_rev = access_rev + 1: first statement of every write that touches its grants (design 2). */
enum us_code us_resource_touch_access(struct us_cx *cx, int64_t resource_id) US_MUST_CHECK;
/* Removes it with policies, pending requests, labels; tickets and RPT permissions on it are dead by its absence (11.3). */
enum us_code us_resource_remove(struct us_cx *cx, int64_t resource_id) US_MUST_CHECK;
/* The scopes that a policy on it may name: its own and the actions of its resource type that are true (REST h.1). */
enum us_code us_resource_policy_scopes(struct us_cx *cx, const struct us_resource *resource,
                                       struct us_strs *ret_scopes) US_MUST_CHECK;

/* What clients call the row `id`, a resource or label (base/id.h). Absent when out of memory. */
struct us_str us_resource_new_uuid(struct us_cx *cx, int64_t id);

/* A description that passed the checks of protocol contract 4.1. */
#define US_RESOURCE_SCOPES_MAX 256
#define US_RESOURCE_SCOPE_MAX_BYTES 255
#define US_RESOURCE_LABELS_MAX 64
#define US_RESOURCE_STRING_MAX_BYTES 2048
struct us_resource_input {
  int64_t id; /* of a new one, with its uuid: us_resource_input_new(); of no meaning in an update */
  struct us_str uuid;
  struct us_strs scopes;
  struct us_strs labels;
  struct us_str name, type, icon_uri; /* absent when not given */
  struct us_str about;                /* ditto: the member "description" */
  struct us_str description;          /* the whole of it, JSON: what a read gives back */
};
/* Gives it the id that the new resource will have: once, for a write step may run again. US_E_NO_MEMORY. */
enum us_code us_resource_input_new(struct us_cx *cx, struct us_resource_input *in) US_MUST_CHECK;
/* Write step, 4.3. A name that is taken: US_E_INVALID_REQUEST with the contract's text. */
enum us_code us_resource_register(struct us_cx *cx, const struct us_access *pat, const struct us_resource_input *in,
                                  struct us_resource *ret_resource) US_MUST_CHECK;
/* One of this PAT's resources. US_E_NOT_FOUND with the text of 4.8. */
enum us_code us_resource_find(struct us_cx *cx, const struct us_access *pat, struct us_str uuid,
                              struct us_resource *ret_resource) US_MUST_CHECK;
/* Write step, 4.5: everything the description does not say is gone. *resource is what us_resource_find() gave; its rev moves. */
enum us_code us_resource_replace(struct us_cx *cx, struct us_resource *resource,
                                 const struct us_resource_input *in) US_MUST_CHECK;
/* Ids of this PAT's resources behind *cursor (0 at first), at most `max` of US_RESOURCE_PAGE at a time; *cursor moves on. An empty page
 * is the end. */
#define US_RESOURCE_PAGE 500
enum us_code us_resource_list(struct us_cx *cx, const struct us_access *pat, int64_t *cursor, int64_t max,
                              struct us_strs *ret_uuids) US_MUST_CHECK;
/* Where its owner shares it: BASE/XUI/?realm=/alpha#uma/share/<id>. */
struct us_str us_resource_policy_uri(struct us_cx *cx, const struct us_realm *realm, struct us_str uuid);

#endif
