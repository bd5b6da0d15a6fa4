/*
 * Groups of a realm: a share may mean a whole group (subject "group:family"), and counts for whoever is in it at that moment.
 * Operators keep them by `usher group`.
 *
 * Somebody who comes or goes may gain or lose access at once: RPTs of that person are decided anew (account.access_rev), and what
 * the person has shared on of resources that name the group is recomputed, in portions when there is much of it (cascade.h).
 */
#ifndef USHER_DOMAIN_GROUP_H
#define USHER_DOMAIN_GROUP_H

#include "domain/services.h"

#define US_GROUP_NAME_MAX_BYTES 249 /* "group:" and a name are a subject */
#define US_GROUPS_OF_ACCOUNT_MAX 64 /* groups that one account may be in: a decision looks at each */

struct us_group {
  int64_t id, realm_id;
  struct us_str name, name_key;
};
/* By its name, without case. US_E_NOT_FOUND without text. */
enum us_code us_group_by_name(struct us_cx *cx, int64_t realm_id, struct us_str name,
                              struct us_group *ret_group) US_MUST_CHECK;
/* One page of a realm's groups by name_key behind `after` ("": from the start), of a group's members likewise. */
enum us_code us_group_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                           struct us_group **ret_groups, size_t *ret_count) US_MUST_CHECK;
enum us_code us_group_members(struct us_cx *cx, int64_t group_id, struct us_str after, int64_t limit,
                              struct us_account **ret_accounts, size_t *ret_count) US_MUST_CHECK;

/* Write steps. Create: US_E_INVALID_REQUEST for what is no name, US_E_CONFLICT when there is one of this name, or shares that mean
 * one that was deleted are still being removed. Add: US_E_CONFLICT, in it already, without text; US_E_INVALID_REQUEST, the account
 * is in US_GROUPS_OF_ACCOUNT_MAX groups. Remove: US_E_NOT_FOUND without text, not in it. */
enum us_code us_group_create(struct us_cx *cx, int64_t realm_id, struct us_str name, int64_t *ret_id) US_MUST_CHECK;
/* With the shares that mean it. */
enum us_code us_group_delete(struct us_cx *cx, const struct us_group *group) US_MUST_CHECK;
enum us_code us_group_add(struct us_cx *cx, const struct us_group *group, int64_t account_id) US_MUST_CHECK;
enum us_code us_group_remove(struct us_cx *cx, const struct us_group *group, int64_t account_id) US_MUST_CHECK;

#endif
