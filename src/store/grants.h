/*
 * Permissions of one resource as grants between people: what a decision and the activity of re-shares are made of (REST contract
 * i). Rows of table permission, seen by resource; policies.h sees the same rows by policy.
 *
 * Walks over many rows read each into scratch memory that is renewed on the way: a row's texts are gone when `each` returns.
 */
#ifndef USHER_STORE_GRANTS_H
#define USHER_STORE_GRANTS_H

#include "model/model.h"
#include "store/sql.h"

struct us_grant_row {
  int64_t id, policy_id, sharer_id;
  struct us_str subject_key;
  struct us_str scopes, active_scopes; /* JSON arrays */
  struct us_str conditions;            /* JSON object, or '' */
  int64_t used;
};
/* `self` stops a walk by an error of its own. */
typedef enum us_code (*us_grant_row_fn)(struct us_cx *cx, void *self, const struct us_grant_row *row);

/* The active ones whose subject is a person, by the key of its own (absent: none) or that of a group it is in. Hot: one seek in
 * permission_decide, and one a group. Rows stay in cx->mem; `subject_key`, `scopes` and `policy_id` are not read. *ret_more is false
 * when `each` wants no more. */
typedef enum us_code (*us_grant_to_fn)(struct us_cx *cx, void *self, const struct us_grant_row *row, bool *ret_more);
enum us_code us_grants_to(struct us_cx *cx, int64_t resource_id, struct us_str subject_key, int64_t account_id,
                          us_grant_to_fn each, void *self) US_MUST_CHECK;
/* All active ones of a resource, without `scopes` and `policy_id` / all there are. */
enum us_code us_grants_active(struct us_cx *cx, int64_t resource_id, us_grant_row_fn each, void *self) US_MUST_CHECK;
enum us_code us_grants_all(struct us_cx *cx, int64_t resource_id, us_grant_row_fn each, void *self) US_MUST_CHECK;

/* Who shares something of a resource, by account id: those whose account is still there, with what subjects may call them by. */
typedef enum us_code (*us_grant_sharer_fn)(struct us_cx *cx, void *self, const struct us_account *sharer);
enum us_code us_grants_sharers(struct us_cx *cx, int64_t resource_id, us_grant_sharer_fn each,
                               void *self) US_MUST_CHECK;
/* Each group that one of them is in: "group:" and its key. */
typedef enum us_code (*us_grant_group_fn)(struct us_cx *cx, void *self, int64_t account_id, struct us_str subject_key);
enum us_code us_grants_groups(struct us_cx *cx, int64_t resource_id, us_grant_group_fn each, void *self) US_MUST_CHECK;
/* The subject keys of the groups of one account. */
enum us_code us_grants_groups_of(struct us_cx *cx, int64_t account_id, us_grant_group_fn each,
                                 void *self) US_MUST_CHECK;
/* Does anybody but `owner_id` share it? */
enum us_code us_grants_has_others(struct us_cx *cx, int64_t resource_id, int64_t owner_id, bool *ret_has) US_MUST_CHECK;

/* What the recomputed graph says of a permission. */
enum us_code us_grants_set_active(struct us_cx *cx, int64_t id, struct us_str active_scopes,
                                  bool is_active) US_MUST_CHECK;
/* Scopes that the resource lost are gone from it too; its policy's revision moves to that of the resource. */
enum us_code us_grants_set_scopes(struct us_cx *cx, const struct us_grant_row *row, struct us_str scopes,
                                  struct us_str active_scopes, bool is_active) US_MUST_CHECK;
/* The same, nothing being left: the permission goes, and its policy when it was the last one. */
enum us_code us_grants_delete(struct us_cx *cx, const struct us_grant_row *row) US_MUST_CHECK;

/* Counts a use, one statement. US_E_CONFLICT, without text: all `uses` are used up, or the permission is gone. */
enum us_code us_grants_use(struct us_cx *cx, int64_t id, int64_t uses) US_MUST_CHECK;
/* Takes one back that came to nothing in this transaction. */
enum us_code us_grants_unuse(struct us_cx *cx, int64_t id) US_MUST_CHECK;

#endif
