/* Groups of a realm: see group.h. */
#include "domain/group.h"

#include "base/mem.h"
#include "domain/account.h"
#include "domain/cascade.h"
#include "domain/subject.h"
#include "store/groups.h"

static struct us_group as_group(const struct us_group_row *row) {
  return (struct us_group){.id = row->id, .realm_id = row->realm_id, .name = row->name, .name_key = row->name_key};
}

enum us_code us_group_by_name(struct us_cx *cx, int64_t realm_id, struct us_str name, struct us_group *ret_group) {
  struct us_group_row row = {0};
  if (name.n == 0 || name.n > US_GROUP_NAME_MAX_BYTES)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  struct us_str key = us_str_fold(cx->mem, name);
  if (key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_groups_by_name(cx, realm_id, key, &row));
  *ret_group = as_group(&row);
  return US_OK;
}

enum us_code us_group_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                           struct us_group **ret_groups, size_t *ret_count) {
  struct us_group_row *rows;
  size_t n = 0;
  US_TRY(us_groups_page(cx, realm_id, after, limit, &rows, &n));
  struct us_group *groups = US_NEW_ARRAY(cx->mem, struct us_group, n + 1);
  if (groups == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < n; i++)
    groups[i] = as_group(&rows[i]);
  *ret_groups = groups;
  *ret_count = n;
  return US_OK;
}

enum us_code us_group_members(struct us_cx *cx, int64_t group_id, struct us_str after, int64_t limit,
                              struct us_account **ret_accounts, size_t *ret_count) {
  return us_groups_members(cx, group_id, after, limit, ret_accounts, ret_count);
}

enum us_code us_group_create(struct us_cx *cx, int64_t realm_id, struct us_str name, int64_t *ret_id) {
  const char *flaw = us_account_flaw_of_name(name);
  if (flaw == NULL && name.n > US_GROUP_NAME_MAX_BYTES)
    flaw = "is longer than 249 bytes";
  if (flaw != NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "The group name %s", flaw);
  struct us_group_row row = {
      .id = us_next_id(cx), .realm_id = realm_id, .name = name, .name_key = us_str_fold(cx->mem, name)};
  if (row.name_key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  bool is_leaving = false;
  US_TRY(us_cascade_holds_group(cx, realm_id, row.name_key, &is_leaving));
  if (is_leaving)
    return us_fail(cx, US_E_CONFLICT, "The shares with a deleted group of this name are still being removed");
  US_TRY(us_groups_insert(cx, &row));
  *ret_id = row.id;
  return US_OK;
}

enum us_code us_group_delete(struct us_cx *cx, const struct us_group *group) {
  US_TRY(us_groups_delete(cx, group->id)); /* from here on nobody is in it */
  return us_cascade_group(cx, group);
}

/* Who is in the group has changed by one. */
static enum us_code moved(struct us_cx *cx, const struct us_group *group, int64_t account_id) {
  struct us_str key = us_subject_group_key(cx->mem, group->name);
  if (key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_groups_touch_account(cx, account_id));
  return us_cascade_member(cx, account_id, key);
}

enum us_code us_group_add(struct us_cx *cx, const struct us_group *group, int64_t account_id) {
  int64_t count = 0;
  US_TRY(us_groups_add(cx, group->id, account_id));
  US_TRY(us_groups_count_of(cx, account_id, &count));
  if (count > US_GROUPS_OF_ACCOUNT_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "A user can be in %d groups at most", US_GROUPS_OF_ACCOUNT_MAX);
  return moved(cx, group, account_id);
}

enum us_code us_group_remove(struct us_cx *cx, const struct us_group *group, int64_t account_id) {
  US_TRY(us_groups_remove(cx, group->id, account_id));
  return moved(cx, group, account_id);
}
