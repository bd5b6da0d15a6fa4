/* Policies read from the store: see share.h. */
#include "domain/share.h"

#include "base/mem.h"
#include "store/policies.h"
#include "json/json.h"

static enum us_code fill(struct us_cx *cx, const struct us_permission_row *row, struct us_share *share) {
  *share = (struct us_share){
      .id = row->id,
      .subject = row->subject,
      .subject_key = row->subject_key,
      .used = row->used,
      .entry_name = row->entry_name,
      .created_ms = row->created_ms,
      .modified_ms = row->modified_ms,
  };
  US_TRY(us_json_to_strs(cx, row->scopes, &share->scopes));
  US_TRY(us_json_to_strs(cx, row->active_scopes, &share->active_scopes));
  return us_conditions_parse(cx, row->conditions, &share->conditions);
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
