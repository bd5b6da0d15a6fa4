/* Pending requests: see pending.h. */
#include "domain/pending.h"

#include "base/mem.h"
#include "crypto/random.h"
#include "domain/account.h"
#include "domain/audit.h"
#include "domain/resource.h"
#include "domain/share.h"
#include "domain/subject.h"
#include "store/pending.h"
#include "json/json.h"

/* Does one that is open already ask for all of it? */
struct covering {
  struct us_cx *cx;
  struct us_strs scopes;
  int64_t found;
  enum us_code code;
};

static bool see_covering(void *self, const struct us_pending_row *row) {
  struct covering *covering = self;
  struct us_strs asked;
  covering->code = us_json_to_strs(covering->cx, row->scopes, &asked);
  if (covering->code != US_OK)
    return false;
  if (us_strs_contains_all(asked, covering->scopes))
    covering->found = row->id;
  return covering->found == 0;
}

static enum us_code check_room(struct us_cx *cx, const struct us_settings *settings, int64_t owner_id,
                               int64_t party_id) {
  int64_t open = 0;
  US_TRY(us_pendings_count_party(cx, party_id, settings->pending_per_party, &open));
  if (open >= settings->pending_per_party)
    return us_fail(cx, US_E_REQUEST_DENIED, "The requesting party has too many open requests");
  US_TRY(us_pendings_count_owner(cx, owner_id, settings->pending_per_owner, &open));
  if (open >= settings->pending_per_owner)
    return us_fail(cx, US_E_REQUEST_DENIED, "The resource owner has too many open requests");
  return US_OK;
}

static enum us_code insert(struct us_cx *cx, const struct us_realm *realm, const struct us_pending_wish *wish,
                           int64_t *ret_id) {
  uint8_t random16[16];
  char uuid[US_UUID_BYTES];
  us_random(random16, sizeof(random16));
  us_uuid7_format(cx->now_ms, random16, uuid);
  struct us_pending_row row = {
      .id = us_next_id(cx),
      .uuid = us_str_c(uuid),
      .realm_id = realm->id,
      .owner_id = wish->resource->owner_id,
      .resource_id = wish->resource->id,
      .party_id = wish->party->id,
      .scopes = us_json_from_strs(cx->mem, wish->scopes),
      .created_ms = cx->now_ms,
      .rev = 1,
  };
  const struct us_notice notice = {
      .kind = US_NOTICE_PENDING_CREATED,
      .realm_id = realm->id,
      .account_id = row.owner_id,
      .event = row.uuid,
      .other_name = wish->party->name,
      .resource_name = wish->resource->name,
      .scopes = wish->scopes,
  };
  if (row.scopes.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_pendings_insert(cx, &row));
  US_TRY(us_notice_add(cx, realm, &notice));
  *ret_id = row.id;
  return US_OK;
}

enum us_code us_pending_file(struct us_cx *cx, const struct us_realm *realm, const struct us_pending_wish *wish,
                             int64_t *ret_id, bool *ret_is_new) {
  const struct us_resource *resource = wish->resource;
  struct covering covering = {.cx = cx, .scopes = wish->scopes, .code = US_OK};
  US_TRY(us_pendings_of_party(cx, resource->id, resource->owner_id, wish->party->id, see_covering, &covering));
  US_TRY(covering.code);
  *ret_is_new = covering.found == 0;
  if (covering.found != 0) {
    *ret_id = covering.found;
    return US_OK;
  }
  US_TRY(check_room(cx, &realm->settings, resource->owner_id, wish->party->id));
  return insert(cx, realm, wish, ret_id);
}

enum us_code us_pending_any_denied(struct us_cx *cx, struct us_str ids, bool *ret_denied) {
  json_t *list = NULL;
  *ret_denied = false;
  if (ids.n == 0 || us_str_eq(ids, US_STR("[]")))
    return US_OK;
  US_TRY(us_json_parse(cx, ids, US_E_INTERNAL, &list)); /* our own text */
  size_t n = json_array_size(list);
  enum us_code code = US_OK;
  for (size_t i = 0; i < n && code == US_OK && !*ret_denied; i += US_DENIALS_BATCH) {
    int64_t batch[US_DENIALS_BATCH] = {0};
    for (size_t k = 0; k < US_DENIALS_BATCH && i + k < n; k++)
      batch[k] = json_integer_value(json_array_get(list, i + k));
    code = us_denials_any(cx, batch, us_cx_now_s(cx), ret_denied);
  }
  us_json_drop(cx, list);
  return code;
}

enum us_code us_pending_of_row(struct us_cx *cx, const struct us_pending_row *row, struct us_pending *ret_pending) {
  *ret_pending = (struct us_pending){
      .id = row->id,
      .uuid = row->uuid,
      .realm_id = row->realm_id,
      .owner_id = row->owner_id,
      .resource_id = row->resource_id,
      .party_id = row->party_id,
      .created_ms = row->created_ms,
      .rev = row->rev,
      .party_name = row->party_name,
      .resource_name = row->resource_name,
      .resource_uuid = row->resource_uuid,
  };
  return us_json_to_strs(cx, row->scopes, &ret_pending->scopes);
}

enum us_code us_pending_find(struct us_cx *cx, int64_t owner_id, struct us_str uuid, struct us_pending *ret_pending) {
  struct us_pending_row row;
  US_TRY(us_pendings_find(cx, owner_id, uuid, &row));
  return us_pending_of_row(cx, &row, ret_pending);
}

/* Store trouble is 503 and may be tried again; a policy's 400 and 403 pass unchanged (f.4). */
static bool passes_unchanged(enum us_code code) {
  int status = us_code_status(code);
  return status == 400 || status == 403 || status == 503;
}

enum us_code us_pending_failed(struct us_cx *cx, enum us_code code, struct us_str uuid, const char *verb) {
  if (code == US_OK || passes_unchanged(code))
    return code;
  if (code == US_E_NOT_FOUND) /* somebody was faster */
    return us_fail(cx, code, "Pending request, %.*s, not found", US_STR_ARG(uuid));
  struct us_str detail = cx->err.detail.p ? cx->err.detail : cx->err.text;
  us_fail(cx, US_E_DOCUMENTED_500, "Failed to mark pending request, %.*s, as %s", US_STR_ARG(uuid), verb);
  return us_error_detail(cx, "%.*s", US_STR_ARG(detail));
}

struct us_notice us_pending_approval_notice(const struct us_account *owner, const struct us_pending *pending,
                                            struct us_strs scopes) {
  return (struct us_notice){
      .kind = US_NOTICE_PENDING_APPROVED,
      .realm_id = pending->realm_id,
      .account_id = pending->party_id,
      .event = pending->uuid,
      .other_name = owner->name,
      .resource_name = pending->resource_name,
      .scopes = scopes,
  };
}

static enum us_code audit(struct us_cx *cx, enum us_audit_kind kind, const struct us_pending *pending) {
  const struct us_audit event = {
      .kind = kind,
      .account_id = pending->owner_id,
      .resource_uuid = pending->resource_uuid,
      .resource_name = pending->resource_name,
      .party_name = pending->party_name,
  };
  return us_audit_add(cx, pending->realm_id, &event, 1);
}

enum us_code us_pending_subject(struct us_cx *cx, const struct us_realm *realm, const struct us_pending *pending,
                                struct us_str *ret_subject) {
  struct us_account party = {.name = pending->party_name};
  if (realm->settings.username_attribute.n > 0)
    US_TRY(us_account_by_id(cx, pending->party_id, &party));
  *ret_subject = us_subject_own_name(&realm->settings, &party);
  return US_OK;
}

static enum us_code approve(struct us_cx *cx, const struct us_realm *realm, const struct us_account *owner,
                            const struct us_pending *pending, struct us_strs scopes) {
  struct us_share_grant grant = {.scopes = scopes};
  const struct us_notice notice = us_pending_approval_notice(owner, pending, scopes);
  struct us_resource resource;
  US_TRY(us_resource_by_id(cx, pending->resource_id, &resource));
  US_TRY(us_resource_touch_access(cx, resource.id));
  US_TRY(us_pending_subject(cx, realm, pending, &grant.subject));
  if (grant.subject.p == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "Nothing can be shared with the requesting party now: it has no %.*s",
                   US_STR_ARG(realm->settings.username_attribute));
  US_TRY(us_pendings_take(cx, pending->id));
  US_TRY(us_policy_grant(cx, &resource, pending->owner_id, &grant, 1));
  US_TRY(audit(cx, US_AUDIT_APPROVED, pending));
  return us_notice_add(cx, realm, &notice);
}

enum us_code us_pending_approve(struct us_cx *cx, const struct us_realm *realm, const struct us_account *owner,
                                const struct us_pending *pending, struct us_strs scopes) {
  enum us_code code = approve(cx, realm, owner, pending, scopes.v == NULL ? pending->scopes : scopes);
  return us_pending_failed(cx, code, pending->uuid, "approved");
}

static enum us_code deny(struct us_cx *cx, const struct us_pending *pending) {
  US_TRY(us_pendings_take(cx, pending->id));
  US_TRY(us_denials_sweep(cx, us_cx_now_s(cx)));
  US_TRY(us_denials_insert(cx, pending->id, us_cx_now_s(cx) + US_DENIAL_S));
  return audit(cx, US_AUDIT_REQUEST_DENIED, pending);
}

enum us_code us_pending_deny(struct us_cx *cx, const struct us_pending *pending) {
  return us_pending_failed(cx, deny(cx, pending), pending->uuid, "denied");
}
