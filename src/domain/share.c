/* Shares read from the store: the facts of a decision (hot), and whole policies. See share.h. */
#include "domain/share.h"

#include "base/mem.h"
#include "store/policies.h"
#include "json/json.h"

static enum us_code fill(struct us_cx *cx, const struct us_permission_row *row, struct us_share *share) {
  *share = (struct us_share){.subject = row->subject, .subject_key = row->subject_key};
  US_TRY(us_json_to_strs(cx, row->scopes, &share->scopes));
  return us_conditions_parse(cx, row->conditions, &share->conditions);
}

enum us_code us_share_facts(struct us_cx *cx, int64_t resource_id, int64_t owner_id, struct us_str subject_key,
                            struct us_share **ret_shares, size_t *ret_count) {
  struct us_permission_row row;
  enum us_code code = us_policies_decide(cx, resource_id, owner_id, &subject_key, &row);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    *ret_shares = NULL;
    *ret_count = 0;
    return US_OK;
  }
  US_TRY(code);
  struct us_share *share = US_NEW(cx->mem, struct us_share);
  if (share == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(fill(cx, &row, share));
  *ret_shares = share;
  *ret_count = 1;
  return US_OK;
}

enum us_code us_policy_find(struct us_cx *cx, int64_t resource_id, int64_t sharer_id, struct us_policy *ret_policy) {
  struct us_policy_row row;
  struct us_permission_row *lines;
  size_t n;
  US_TRY(us_policies_find(cx, resource_id, sharer_id, &row));
  US_TRY(us_policies_lines(cx, row.id, &lines, &n));
  struct us_share *shares = US_NEW_ARRAY(cx->mem, struct us_share, n + 1);
  if (shares == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < n; i++)
    US_TRY(fill(cx, &lines[i], &shares[i]));
  *ret_policy = (struct us_policy){
      .id = row.id,
      .realm_id = row.realm_id,
      .resource_id = row.resource_id,
      .sharer_id = row.sharer_id,
      .rev = row.rev,
      .created_ms = row.created_ms,
      .modified_ms = row.modified_ms,
      .shares = shares,
      .share_count = n,
  };
  return US_OK;
}
