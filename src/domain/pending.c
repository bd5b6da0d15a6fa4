/* Pending requests: see pending.h. */
#include "domain/pending.h"

#include "base/mem.h"
#include "crypto/random.h"
#include "domain/resource.h"
#include "domain/share.h"
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

static enum us_code check_room(struct us_cx *cx, int64_t owner_id, int64_t party_id) {
  int64_t open = 0;
  US_TRY(us_pendings_count_party(cx, party_id, US_PENDING_MAX_PER_PARTY, &open));
  if (open >= US_PENDING_MAX_PER_PARTY)
    return us_fail(cx, US_E_REQUEST_DENIED, "The requesting party has too many open requests");
  US_TRY(us_pendings_count_owner(cx, owner_id, US_PENDING_MAX_PER_OWNER, &open));
  if (open >= US_PENDING_MAX_PER_OWNER)
    return us_fail(cx, US_E_REQUEST_DENIED, "The resource owner has too many open requests");
  return US_OK;
}

enum us_code us_pending_file(struct us_cx *cx, const struct us_realm *realm, int64_t resource_id, int64_t owner_id,
                             int64_t party_id, struct us_strs scopes, int64_t *ret_id) {
  struct covering covering = {.cx = cx, .scopes = scopes, .code = US_OK};
  US_TRY(us_pendings_of_party(cx, resource_id, owner_id, party_id, see_covering, &covering));
  US_TRY(covering.code);
  if (covering.found != 0) {
    *ret_id = covering.found;
    return US_OK;
  }
  US_TRY(check_room(cx, owner_id, party_id));
  uint8_t random16[16];
  char uuid[US_UUID_BYTES];
  us_random(random16, sizeof(random16));
  us_uuid7_format(cx->now_ms, random16, uuid);
  struct us_pending_row row = {
      .id = us_next_id(cx),
      .uuid = us_str_c(uuid),
      .realm_id = realm->id,
      .owner_id = owner_id,
      .resource_id = resource_id,
      .party_id = party_id,
      .scopes = us_json_from_strs(cx->mem, scopes),
      .created_ms = cx->now_ms,
      .rev = 1,
  };
  if (row.scopes.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_pendings_insert(cx, &row));
  *ret_id = row.id;
  return US_OK;
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
  };
  return us_json_to_strs(cx, row->scopes, &ret_pending->scopes);
}

enum us_code us_pending_find(struct us_cx *cx, int64_t owner_id, struct us_str uuid, struct us_pending *ret_pending) {
  struct us_pending_row row;
  US_TRY(us_pendings_find(cx, owner_id, uuid, &row));
  return us_pending_of_row(cx, &row, ret_pending);
}

enum us_code us_pending_approve(struct us_cx *cx, const struct us_pending *pending, struct us_strs scopes) {
  struct us_resource resource;
  US_TRY(us_resource_by_id(cx, pending->resource_id, &resource));
  US_TRY(us_resource_touch_access(cx, resource.id));
  US_TRY(us_pendings_take(cx, pending->id));
  return us_policy_grant(cx, &resource, pending->owner_id, pending->party_name,
                         scopes.v == NULL ? pending->scopes : scopes);
}

enum us_code us_pending_deny(struct us_cx *cx, const struct us_pending *pending) {
  US_TRY(us_pendings_take(cx, pending->id));
  US_TRY(us_denials_sweep(cx, us_cx_now_s(cx)));
  return us_denials_insert(cx, pending->id, us_cx_now_s(cx) + US_DENIAL_S);
}
