/* Permissions one by one: see entry.h. */
#include "domain/entry.h"

#include "base/mem.h"
#include "domain/extension.h"
#include "domain/resource.h"
#include "store/entries.h"
#include "json/json.h"

#define STOP_POOL_BYTES (16 * 1024)
#define STOP_MAX_BYTES US_MEM_REQUEST_MAX_BYTES

/* `row` may live in other memory than the entry, and longer. */
static enum us_code fill(struct us_cx *cx, const struct us_entry_row *row, struct us_entry *ret_entry) {
  struct us_strs all, active;
  struct us_entry entry = {
      .resource_id = row->resource_id,
      .rev = row->rev,
      .created_ms = row->created_ms,
      .modified_ms = row->modified_ms,
      .name = row->name,
      .uuid = row->uuid,
      .application = us_str_fold(cx->mem, row->client_id.p != NULL ? row->client_id : US_STR("")),
      .subject = row->subject,
      .subject_key = row->subject_key,
      .conditions = row->conditions,
  };
  US_TRY(us_json_to_strs(cx, row->scopes, &all));
  US_TRY(us_json_to_strs(cx, row->active_scopes, &active));
  if (row->is_rest) {
    entry.name = us_str_fmt(cx->mem, "%.*s" US_ENTRY_INACTIVE, US_STR_ARG(row->name));
    entry.scopes = us_strs_minus(cx->mem, all, active);
  } else {
    entry.is_active = active.n > 0;
    entry.scopes = active.n > 0 ? us_strs_intersect(cx->mem, all, active) : all;
  }
  if (us_mem_is_spent(cx->mem))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_entry = entry;
  return US_OK;
}

static bool is_partly_active(const struct us_entry_row *row) {
  return !us_str_eq(row->scopes, row->active_scopes) && !us_str_eq(row->active_scopes, US_STR("[]"));
}

/* The row of a name with US_ENTRY_INACTIVE: there is such an entry only while a part of the permission is active. */
static enum us_code find_rest(struct us_cx *cx, int64_t sharer_id, struct us_str name, struct us_entry_row *ret_row) {
  struct us_str suffix = US_STR(US_ENTRY_INACTIVE);
  if (name.n <= suffix.n || !us_str_eq((struct us_str){name.p + name.n - suffix.n, suffix.n}, suffix))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  US_TRY(us_entries_find(cx, sharer_id, (struct us_str){name.p, name.n - suffix.n}, ret_row));
  ret_row->is_rest = is_partly_active(ret_row);
  return ret_row->is_rest ? US_OK : us_fail_plain(cx, US_E_NOT_FOUND);
}

enum us_code us_entry_find(struct us_cx *cx, int64_t sharer_id, struct us_str name, struct us_entry *ret_entry) {
  struct us_entry_row row = {0};
  enum us_code code = us_entries_find(cx, sharer_id, name, &row);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    code = find_rest(cx, sharer_id, name, &row);
  }
  US_TRY(code);
  return fill(cx, &row, ret_entry);
}

struct paging {
  us_entry_fn each;
  void *self;
  enum us_code code;
};

static bool see(struct us_cx *cx, void *self, struct us_rows *rows) {
  struct paging *paging = self;
  struct us_entry_row row;
  struct us_entry entry;
  us_entries_read(rows, &row);
  paging->code = fill(rows->cx, &row, &entry);
  if (paging->code != US_OK)
    return false;
  return paging->each(cx, paging->self, &entry);
}

enum us_code us_entry_page(struct us_cx *cx, const struct us_account *sharer, struct us_str universal_id,
                           const struct us_list_query *query, us_entry_fn each, void *self,
                           struct us_list_end *ret_end) {
  struct paging paging = {each, self, US_OK};
  struct us_str key = us_str_fold(cx->mem, universal_id);
  if (key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_entries_query(cx, sharer->id, key, query, see, &paging, ret_end));
  return paging.code == US_OK ? US_OK : us_fail_plain(cx, paging.code);
}

/* A wish that leaves a policy as it is, and its share with one subject. */
static enum us_code begin_change(struct us_cx *cx, int64_t resource_id, int64_t sharer_id, struct us_str subject_key,
                                 struct us_resource *resource, struct us_policy *policy, struct us_share_wish *wish,
                                 struct us_share **ret_share) {
  US_TRY(us_resource_by_id(cx, resource_id, resource));
  US_TRY(us_policy_find(cx, resource_id, sharer_id, policy));
  *wish = (struct us_share_wish){.shares = US_NEW_ARRAY(cx->mem, struct us_share, policy->share_count + 1),
                                 .share_count = policy->share_count,
                                 .has_own_conditions = true};
  if (wish->shares == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_share = NULL;
  for (size_t i = 0; i < policy->share_count; i++) {
    wish->shares[i] = policy->shares[i];
    if (us_str_eq(policy->shares[i].subject_key, subject_key))
      *ret_share = &wish->shares[i];
  }
  return *ret_share != NULL ? US_OK : us_fail_plain(cx, US_E_NOT_FOUND);
}

enum us_code us_entry_set_conditions(struct us_cx *cx, int64_t sharer_id, const struct us_entry *entry,
                                     const struct us_conditions *conditions) {
  struct us_resource resource;
  struct us_policy policy, result;
  struct us_share_wish wish;
  struct us_share *share;
  US_TRY(begin_change(cx, entry->resource_id, sharer_id, entry->subject_key, &resource, &policy, &wish, &share));
  share->conditions = *conditions;
  return us_policy_replace(cx, &resource, &policy, &wish, &result);
}

/* Takes these scopes away from one subject of a policy; an absent set means all. */
static enum us_code take_back(struct us_cx *cx, int64_t resource_id, int64_t sharer_id, struct us_str subject_key,
                              struct us_strs scopes) {
  struct us_resource resource;
  struct us_policy policy, result;
  struct us_share_wish wish;
  struct us_share *share;
  US_TRY(begin_change(cx, resource_id, sharer_id, subject_key, &resource, &policy, &wish, &share));
  share->scopes = us_strs_minus(cx->mem, share->scopes, scopes.v != NULL ? scopes : share->scopes);
  if (share->scopes.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (policy.share_count == 1 && share->scopes.n == 0)
    return us_policy_remove(cx, &policy);
  return us_policy_replace(cx, &resource, &policy, &wish, &result); /* drops a share without scopes (c.5) */
}

enum us_code us_entry_remove(struct us_cx *cx, int64_t sharer_id, const struct us_entry *entry) {
  return take_back(cx, entry->resource_id, sharer_id, entry->subject_key, entry->scopes);
}

struct stop {
  int64_t resource_id, sharer_id;
  struct us_str subject_key;
};
static enum us_code stop_one(struct us_cx *cx, void *self) {
  const struct stop *stop = self;
  US_TRY(us_resource_touch_access(cx, stop->resource_id));
  return take_back(cx, stop->resource_id, stop->sharer_id, stop->subject_key, (struct us_strs){0});
}

/* In memory of its own; plugins are asked about all of them at once. */
static enum us_code stop_apart(struct us_cx *cx, struct stop *stop) {
  return us_extension_go_on(cx, us_cx_apart(cx, STOP_POOL_BYTES, STOP_MAX_BYTES, stop_one, stop));
}

enum us_code us_share_stop(struct us_cx *cx, int64_t sharer_id, struct us_str subject, int64_t *ret_count) {
  struct us_str key = us_str_fold(cx->mem, subject);
  int64_t after = 0, count = 0;
  int64_t resources[US_ENTRIES_BATCH];
  size_t n;
  if (key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  do {
    US_TRY(us_entries_with(cx, sharer_id, key, &after, resources, &n));
    for (size_t i = 0; i < n; i++) {
      if (++count > US_SHARE_STOP_MAX) /* nothing of what was done is kept */
        return us_fail(cx, US_E_INVALID_REQUEST, "There are more than %d shares with this subject", US_SHARE_STOP_MAX);
      struct stop stop = {resources[i], sharer_id, key};
      US_TRY(stop_apart(cx, &stop));
    }
  } while (n == US_ENTRIES_BATCH);
  *ret_count = count;
  return US_OK;
}
