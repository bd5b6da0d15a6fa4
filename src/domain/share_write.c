/*
 * Shares changed: the rules of REST contract c.3, c.5 and f.4 behind the look-ups. A line that does not change is not written,
 * so a policy with many subjects costs what changed, and "since when" of a share stays true.
 */
#include "base/mem.h"
#include "domain/account.h"
#include "domain/audit.h"
#include "domain/extension.h"
#include "domain/graph.h"
#include "domain/resource.h"
#include "domain/share.h"
#include "domain/share_entry.h"
#include "domain/share_right.h"
#include "store/policies.h"
#include "json/json.h"

static enum us_code check_scopes(struct us_cx *cx, const struct us_resource *resource, struct us_strs scopes) {
  struct us_strs defined;
  US_TRY(us_resource_policy_scopes(cx, resource, &defined));
  if (us_strs_contains_all(defined, scopes))
    return US_OK;
  struct us_strs unknown = us_strs_minus(cx->mem, scopes, defined);
  return us_fail(cx, US_E_INVALID_REQUEST,
                 "Defined Resource Set scopes, [%.*s], do not contain requested scopes, [%.*s]",
                 US_STR_ARG(us_strs_join(cx->mem, defined, ", ")), US_STR_ARG(us_strs_join(cx->mem, unknown, ", ")));
}

/* Fills in keys, collapses repeated scopes, drops shares without scopes (c.5), refuses a subject that comes twice. */
static enum us_code tidy(struct us_cx *cx, struct us_share_wish *wish) {
  size_t kept = 0;
  for (size_t i = 0; i < wish->share_count; i++) {
    struct us_share share = wish->shares[i];
    share.subject_key = us_str_fold(cx->mem, share.subject);
    share.scopes = us_strs_unique(cx->mem, share.scopes);
    if (share.subject_key.p == NULL || share.scopes.v == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    for (size_t k = 0; k < i; k++) { /* also against those that are dropped: at most 256 */
      if (us_str_eq_nocase(wish->shares[k].subject, share.subject))
        return us_fail(cx, US_E_INVALID_REQUEST, "Duplicate subject, '%.*s'", US_STR_ARG(share.subject));
    }
    wish->shares[i] = share;
  }
  for (size_t i = 0; i < wish->share_count; i++) {
    if (wish->shares[i].scopes.n > 0)
      wish->shares[kept++] = wish->shares[i];
  }
  wish->share_count = kept;
  return US_OK;
}

static enum us_code fail_empty(struct us_cx *cx) {
  return us_fail(cx, US_E_INVALID_REQUEST, "Invalid UMA policy. Required attribute, 'permissions', must not be empty.");
}

static enum us_code check_wish(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                               struct us_share_wish *wish, const struct us_policy *old) {
  US_TRY(us_share_check_right(cx, resource, sharer_id, wish, old));
  for (size_t i = 0; i < wish->share_count; i++)
    US_TRY(check_scopes(cx, resource, wish->shares[i].scopes));
  return tidy(cx, wish);
}

static const struct us_share *find_share(const struct us_policy *policy, struct us_str subject_key) {
  for (size_t i = 0; i < policy->share_count; i++) {
    if (us_str_eq(policy->shares[i].subject_key, subject_key))
      return &policy->shares[i];
  }
  return NULL;
}

/* Conditions of the body go to every share; without any in the body, those of a subject that stays are kept: losing an expiry
 * silently would widen access (c.8). `old` is NULL on create. */
static void spread_conditions(struct us_share_wish *wish, const struct us_policy *old) {
  for (size_t i = 0; !wish->has_own_conditions && i < wish->share_count; i++) {
    struct us_share *share = &wish->shares[i];
    const struct us_share *before = old == NULL ? NULL : find_share(old, share->subject_key);
    if (wish->has_conditions)
      share->conditions = wish->conditions;
    else
      share->conditions = before == NULL ? (struct us_conditions){0} : before->conditions;
  }
}

static enum us_code make_lines(struct us_cx *cx, const struct us_share *shares, size_t count,
                               struct us_permission_row **ret_lines) {
  struct us_permission_row *lines = US_NEW_ARRAY(cx->mem, struct us_permission_row, count + 1);
  size_t bytes = 0;
  if (lines == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < count; i++) {
    lines[i] = (struct us_permission_row){
        .position = (int64_t)i,
        .subject = shares[i].subject,
        .subject_key = shares[i].subject_key,
        .scopes = us_json_from_strs(cx->mem, shares[i].scopes),
        .conditions = us_conditions_text(cx, &shares[i].conditions),
    };
    if (lines[i].scopes.p == NULL || lines[i].conditions.p == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    bytes += lines[i].scopes.n + lines[i].conditions.n;
  }
  if (count > US_SHARE_SUBJECTS_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid UMA policy. More than %d permissions.", US_SHARE_SUBJECTS_MAX);
  if (bytes > US_SHARE_MAX_BYTES)
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid UMA policy. Scopes and conditions are larger than %d bytes.",
                   US_SHARE_MAX_BYTES);
  *ret_lines = lines;
  return US_OK;
}

static bool line_is_same(const struct us_permission_row *a, const struct us_permission_row *b) {
  return a->position == b->position && us_str_eq(a->subject, b->subject) && us_str_eq(a->scopes, b->scopes) &&
         us_str_eq(a->conditions, b->conditions);
}

static const struct us_permission_row *find_line(const struct us_permission_row *lines, size_t count,
                                                 struct us_str subject_key) {
  for (size_t i = 0; i < count; i++) {
    if (us_str_eq(lines[i].subject_key, subject_key))
      return &lines[i];
  }
  return NULL;
}

/* Gives those of `lines` that are new their names at users/{user}/policies; the others keep theirs. */
static enum us_code name_lines(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                               struct us_permission_row *lines, size_t count, const struct us_permission_row *old,
                               size_t old_count) {
  struct us_account sharer = {0};
  struct us_strs taken = {US_NEW_ARRAY(cx->mem, struct us_str, old_count + count + 1), 0};
  if (taken.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < old_count; i++)
    taken.v[taken.n++] = old[i].entry_name;
  for (size_t i = 0; i < count; i++) {
    const struct us_permission_row *before = find_line(old, old_count, lines[i].subject_key);
    lines[i].entry_name = before == NULL ? US_STR_ABSENT : before->entry_name;
    if (before != NULL)
      continue;
    if (sharer.id == 0)
      US_TRY(us_account_by_id(cx, sharer_id, &sharer));
    lines[i].entry_name = us_share_entry_name(cx, resource, sharer.name, lines[i].subject, taken);
    if (lines[i].entry_name.p == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    taken.v[taken.n++] = lines[i].entry_name;
  }
  return US_OK;
}

/* Makes the stored lines of a policy what `lines` says. At most 256 of each; only differences are written. */
static enum us_code store_lines(struct us_cx *cx, const struct us_resource *resource,
                                const struct us_policy_row *policy, struct us_permission_row *lines, size_t count) {
  struct us_permission_row *old;
  size_t old_count;
  US_TRY(us_policies_lines(cx, policy->id, &old, &old_count));
  US_TRY(name_lines(cx, resource, policy->sharer_id, lines, count, old, old_count));
  for (size_t i = 0; i < old_count; i++) {
    if (find_line(lines, count, old[i].subject_key) == NULL)
      US_TRY(us_policies_delete_line(cx, old[i].id));
  }
  for (size_t i = 0; i < count; i++) {
    const struct us_permission_row *before = find_line(old, old_count, lines[i].subject_key);
    if (before != NULL && line_is_same(before, &lines[i]))
      continue;
    lines[i].id = us_next_id(cx); /* not used where the subject is there already */
    US_TRY(us_policies_put_line(cx, policy, &lines[i], cx->now_ms));
  }
  return US_OK;
}

/* What is active follows. Others than the owner may only share while there is room. */
static enum us_code settle(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id) {
  struct us_graph_size size;
  US_TRY(us_graph_refresh(cx, resource, US_GRAPH_GRANTS, &size));
  if (sharer_id != resource->owner_id && us_graph_is_too_large(&size))
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "Invalid UMA policy. Others than its owner share this resource too much already: at most %d "
                   "permissions, %d bytes, %d bytes of different texts.",
                   US_GRAPH_GRANTS_MAX, US_GRAPH_MAX_BYTES, US_GRAPH_TEXTS_MAX_BYTES);
  return US_OK;
}

/* A policy is known by its resource server's client id and the resource, as the lineage words it (c.6). */
static enum us_code refuse_existing(struct us_cx *cx, const struct us_resource *resource) {
  struct us_str client_id;
  US_TRY(us_policies_server_name(cx, resource->rs_ref, &client_id));
  return us_fail(cx, US_E_CONFLICT, "Policy already exists for Resource Server, %.*s, Resource Set, %.*s",
                 US_STR_ARG(client_id), US_STR_ARG(resource->uuid));
}

static struct us_policy as_policy(const struct us_policy_row *row, const struct us_share_wish *wish) {
  return (struct us_policy){
      .id = row->id,
      .realm_id = row->realm_id,
      .resource_id = row->resource_id,
      .sharer_id = row->sharer_id,
      .rev = row->rev,
      .created_ms = row->created_ms,
      .modified_ms = row->modified_ms,
      .shares = wish->shares,
      .share_count = wish->share_count,
  };
}

/* What is to be written: checked, with its conditions, agreed to by plugins (REST contract j.2: 7, 9), and checked again when they edited it.
 * `old` is NULL on create. */
static enum us_code settle_wish(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                                const struct us_policy *old, struct us_share_wish *wish,
                                struct us_permission_row **ret_lines) {
  bool is_edited;
  US_TRY(check_wish(cx, resource, sharer_id, wish, old));
  spread_conditions(wish, old);
  US_TRY(make_lines(cx, wish->shares, wish->share_count, ret_lines));
  if (wish->share_count == 0 && old == NULL)
    return fail_empty(cx);
  US_TRY(us_extension_before_shared(cx, resource, sharer_id, old, wish, &is_edited));
  if (!is_edited)
    return US_OK;
  enum us_code code = check_wish(cx, resource, sharer_id, wish, old);
  if (code == US_OK)
    spread_conditions(wish, old);
  if (code == US_OK)
    code = make_lines(cx, wish->shares, wish->share_count, ret_lines);
  if (code == US_OK && wish->share_count == 0 && old == NULL)
    code = fail_empty(cx);
  return code == US_OK ? US_OK : us_extension_invalid(cx, "policy");
}

enum us_code us_policy_create(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                              struct us_share_wish *wish, struct us_policy *ret_policy) {
  struct us_permission_row *lines;
  struct us_policy_row row = {
      .id = us_next_id(cx),
      .realm_id = resource->realm_id,
      .resource_id = resource->id,
      .sharer_id = sharer_id,
      .created_ms = cx->now_ms,
      .modified_ms = cx->now_ms,
  };
  US_TRY(settle_wish(cx, resource, sharer_id, NULL, wish, &lines));
  enum us_code code = us_policies_insert(cx, &row, &row.rev);
  if (code == US_E_NOT_FOUND) { /* nothing inserted: there is one already */
    us_error_clear(cx);
    return refuse_existing(cx, resource);
  }
  US_TRY(code);
  US_TRY(store_lines(cx, resource, &row, lines, wish->share_count));
  US_TRY(settle(cx, resource, sharer_id));
  *ret_policy = as_policy(&row, wish);
  US_TRY(us_audit_policy(cx, US_AUDIT_POLICY_CREATED, resource, sharer_id));
  return us_extension_after_shared(cx, resource, ret_policy);
}

enum us_code us_policy_replace(struct us_cx *cx, const struct us_resource *resource, const struct us_policy *policy,
                               struct us_share_wish *wish, struct us_policy *ret_policy) {
  struct us_permission_row *lines;
  struct us_policy_row row = {
      .id = policy->id,
      .realm_id = policy->realm_id,
      .resource_id = policy->resource_id,
      .sharer_id = policy->sharer_id,
      .created_ms = policy->created_ms,
      .modified_ms = cx->now_ms,
  };
  US_TRY(settle_wish(cx, resource, policy->sharer_id, policy, wish, &lines));
  US_TRY(us_policies_bump(cx, policy->id, cx->now_ms, &row.rev));
  if (wish->share_count == 0)
    US_TRY(us_policies_delete(cx, policy->id));
  else
    US_TRY(store_lines(cx, resource, &row, lines, wish->share_count));
  US_TRY(settle(cx, resource, policy->sharer_id));
  *ret_policy = as_policy(&row, wish);
  return us_audit_policy(cx, wish->share_count > 0 ? US_AUDIT_POLICY_UPDATED : US_AUDIT_POLICY_DELETED, resource,
                         policy->sharer_id);
}

/* Adds one grant to shares; the array has room. */
static bool grow(void *mem, struct us_share *shares, size_t *count, const struct us_share_grant *grant) {
  struct us_str key = us_str_fold(mem, grant->subject);
  for (size_t i = 0; i < *count; i++) {
    if (!us_str_eq(shares[i].subject_key, key))
      continue;
    shares[i].scopes = us_strs_union(mem, shares[i].scopes, grant->scopes);
    return shares[i].scopes.v != NULL;
  }
  shares[(*count)++] = (struct us_share){.subject = grant->subject, .subject_key = key, .scopes = grant->scopes};
  return key.p != NULL;
}

/* The policy as a wish, grown by the grants. */
static enum us_code grown(struct us_cx *cx, const struct us_policy *policy, const struct us_share_grant *grants,
                          size_t count, struct us_share_wish *ret_wish) {
  struct us_share *shares = US_NEW_ARRAY(cx->mem, struct us_share, policy->share_count + count);
  size_t n = policy->share_count;
  if (shares == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < n; i++)
    shares[i] = policy->shares[i];
  for (size_t i = 0; i < count; i++) {
    if (!grow(cx->mem, shares, &n, &grants[i]))
      return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  *ret_wish = (struct us_share_wish){.shares = shares, .share_count = n};
  return US_OK;
}

enum us_code us_policy_grant(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                             const struct us_share_grant *grants, size_t count) {
  struct us_share_wish wish = {0};
  struct us_policy policy = {0}, result;
  struct us_strs defined;
  for (size_t i = 0; i < count; i++) /* before the union: old scopes the resource lost meanwhile are no obstacle */
    US_TRY(check_scopes(cx, resource, grants[i].scopes));
  enum us_code code = us_policy_find(cx, resource->id, sharer_id, &policy);
  if (code != US_OK && code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  US_TRY(grown(cx, &policy, grants, count, &wish));
  US_TRY(us_resource_policy_scopes(cx, resource, &defined));
  for (size_t i = 0; i < wish.share_count; i++)
    wish.shares[i].scopes = us_strs_intersect(cx->mem, wish.shares[i].scopes, defined);
  if (us_mem_is_spent(cx->mem)) /* an empty set for lack of memory must not read as "nothing left" */
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return code == US_OK ? us_policy_replace(cx, resource, &policy, &wish, &result)
                       : us_policy_create(cx, resource, sharer_id, &wish, &result);
}

enum us_code us_policy_remove(struct us_cx *cx, const struct us_policy *policy) {
  struct us_resource resource;
  enum us_code code = us_resource_by_id(cx, policy->resource_id, &resource);
  if (code == US_OK)
    US_TRY(us_extension_on_deletion(cx, &resource, policy));
  US_TRY(us_policies_delete(cx, policy->id));
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    return US_OK;
  }
  US_TRY(code);
  US_TRY(settle(cx, &resource, resource.owner_id)); /* there is always room for less */
  return us_audit_policy(cx, US_AUDIT_POLICY_DELETED, &resource, policy->sharer_id);
}
