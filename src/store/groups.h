/* Rows of `user_group` and `group_member`. Thin: no rules here (domain/group.c has them). */
#ifndef USHER_STORE_GROUPS_H
#define USHER_STORE_GROUPS_H

#include "model/model.h"
#include "store/sql.h"

struct us_group_row {
  int64_t id, realm_id;
  struct us_str name, name_key;
};
/* US_E_NOT_FOUND (an answer) when there is none. */
enum us_code us_groups_by_name(struct us_cx *cx, int64_t realm_id, struct us_str name_key,
                               struct us_group_row *ret_row) US_MUST_CHECK;
/* Those of a realm whose name_key is above `after`, in its order, at most `limit`. */
enum us_code us_groups_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                            struct us_group_row **ret_rows, size_t *ret_count) US_MUST_CHECK;
/* Names of its members likewise: id, name and name_key of the accounts. */
enum us_code us_groups_members(struct us_cx *cx, int64_t group_id, struct us_str after, int64_t limit,
                               struct us_account **ret_accounts, size_t *ret_count) US_MUST_CHECK;
/* US_E_CONFLICT (an answer) when the name is taken. */
enum us_code us_groups_insert(struct us_cx *cx, const struct us_group_row *row) US_MUST_CHECK;
enum us_code us_groups_delete(struct us_cx *cx, int64_t id) US_MUST_CHECK;

/* US_E_CONFLICT (an answer): in it already. US_E_NOT_FOUND (an answer): not in it. */
enum us_code us_groups_add(struct us_cx *cx, int64_t group_id, int64_t account_id) US_MUST_CHECK;
enum us_code us_groups_remove(struct us_cx *cx, int64_t group_id, int64_t account_id) US_MUST_CHECK;
/* How many groups an account is in. */
enum us_code us_groups_count_of(struct us_cx *cx, int64_t account_id, int64_t *ret_count) US_MUST_CHECK;
/* RPTs of this person are decided anew. */
enum us_code us_groups_touch_account(struct us_cx *cx, int64_t account_id) US_MUST_CHECK;

/* At most `max` of them leave, and their access is decided anew; *ret_n are gone. */
enum us_code us_groups_empty(struct us_cx *cx, int64_t group_id, int64_t max, int64_t *ret_n) US_MUST_CHECK;
/* An account that is gone leaves at most `max` groups. */
enum us_code us_groups_leave_all(struct us_cx *cx, int64_t account_id, int64_t max, int64_t *ret_n) US_MUST_CHECK;
/* The first group of a realm that is being removed. US_E_NOT_FOUND (an answer) when there is none. */
enum us_code us_groups_first(struct us_cx *cx, int64_t realm_id, struct us_group_row *ret_row) US_MUST_CHECK;

#endif
