/* Registered resources (protocol contract 4), always within (realm, owner, resource server). */
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

#endif
