/*
 * All requests of an owner at once (REST contract f.4): see pending.h. Both work in portions, in memory of their own that goes
 * with each, inside the one transaction of the call.
 *
 * Approval goes resource by resource, so that a policy is changed once however many asked for it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "domain/audit.h"
#include "domain/extension.h"
#include "domain/pending.h"
#include "domain/resource.h"
#include "domain/share.h"
#include "store/pending.h"

#define PORTION 128 /* requests */
#define PORTION_POOL_BYTES (64 * 1024)

/* In memory of its own. */
static enum us_code run_apart(struct us_cx *cx, us_step_apart_fn step, void *self) {
  return us_cx_apart(cx, PORTION_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES, step, self);
}

struct portion {
  struct us_pending v[PORTION];
  size_t n;
  struct us_cx *cx;
  enum us_code code;
};

static bool collect(void *self, const struct us_pending_row *row) {
  struct portion *portion = self;
  portion->code = us_pending_of_row(portion->cx, row, &portion->v[portion->n]);
  return portion->code == US_OK && ++portion->n < PORTION;
}

static struct us_audit audit_event(enum us_audit_kind kind, const struct us_pending *pending) {
  return (struct us_audit){
      .kind = kind,
      .account_id = pending->owner_id,
      .resource_uuid = pending->resource_uuid,
      .resource_name = pending->resource_name,
      .party_name = pending->party_name,
  };
}

static enum us_code check_number(struct us_cx *cx, int64_t owner_id) {
  int64_t open = 0;
  US_TRY(us_pendings_count_owner(cx, owner_id, US_PENDING_ALL_MAX + 1, &open));
  if (open > US_PENDING_ALL_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "More than %d requests are open", US_PENDING_ALL_MAX);
  return US_OK;
}

/* ---- approval ---- */

struct approval {
  const struct us_realm *realm;
  const struct us_account *owner;
  const struct us_pending_choices *choices;
  int64_t resource_id;
  int64_t after; /* where the portion begins */
  bool has_more;
};

static int compare_choices(const void *a, const void *b) {
  struct us_str x = ((const struct us_pending_choice *)a)->uuid, y = ((const struct us_pending_choice *)b)->uuid;
  size_t n = x.n < y.n ? x.n : y.n;
  int order = n > 0 ? memcmp(x.p, y.p, n) : 0;
  return order != 0 ? order : (x.n > y.n) - (x.n < y.n);
}

/* What the request is given; an empty list: it stays open. */
static struct us_strs chosen(struct us_cx *cx, const struct approval *a, const struct us_pending *pending,
                             struct us_strs allowed) {
  const struct us_pending_choices *choices = a->choices;
  if (choices->scopes.v != NULL)
    return us_strs_intersect(cx->mem, choices->scopes, allowed);
  const struct us_pending_choice key = {.uuid = pending->uuid};
  const struct us_pending_choice *choice =
      choices->n > 0 ? bsearch(&key, choices->v, choices->n, sizeof(key), compare_choices) : NULL;
  return choice != NULL && choice->scopes.v != NULL ? choice->scopes : pending->scopes;
}

/* The requests of a portion that are granted something, and that nobody else was faster with. */
struct granted {
  struct us_share_grant grants[PORTION];
  struct us_audit events[PORTION];
  struct us_notice notices[PORTION];
  size_t n;
};

static enum us_code take_granted(struct us_cx *cx, const struct approval *a, const struct portion *portion,
                                 struct us_strs allowed, struct granted *granted) {
  for (size_t i = 0; i < portion->n; i++) {
    const struct us_pending *pending = &portion->v[i];
    struct us_strs scopes = chosen(cx, a, pending, allowed);
    if (us_mem_is_spent(cx->mem)) /* an empty set for lack of memory must not read as "none" */
      return us_fail_plain(cx, US_E_NO_MEMORY);
    if (scopes.n == 0)
      continue;
    struct us_str subject = US_STR_ABSENT;
    enum us_code code = us_pending_subject(cx, a->realm, pending, &subject);
    if (code == US_OK && subject.p == NULL) /* no share can mean the party now: it stays open */
      continue;
    if (code == US_OK)
      code = us_pendings_take(cx, pending->id);
    if (code == US_E_NOT_FOUND) {
      us_error_clear(cx);
      continue;
    }
    US_TRY(code);
    granted->grants[granted->n] = (struct us_share_grant){subject, scopes};
    granted->events[granted->n] = audit_event(US_AUDIT_APPROVED, pending);
    granted->notices[granted->n++] = us_pending_approval_notice(a->owner, pending, scopes);
  }
  return US_OK;
}

static enum us_code grant(struct us_cx *cx, const struct approval *a, const struct us_resource *resource,
                          const struct granted *granted) {
  if (granted->n == 0)
    return US_OK;
  US_TRY(us_policy_grant(cx, resource, a->owner->id, granted->grants, granted->n));
  US_TRY(us_audit_add(cx, a->owner->realm_id, granted->events, granted->n));
  for (size_t i = 0; i < granted->n; i++)
    US_TRY(us_notice_add(cx, a->realm, &granted->notices[i]));
  return US_OK;
}

static enum us_code approve_portion(struct us_cx *cx, void *self) {
  struct approval *a = self;
  struct portion *portion = US_NEW(cx->mem, struct portion);
  struct granted *granted = US_NEW(cx->mem, struct granted);
  struct us_resource resource;
  struct us_strs allowed;
  if (portion == NULL || granted == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  portion->cx = cx;
  US_TRY(us_pendings_of_resource(cx, a->owner->id, a->resource_id, a->after, PORTION, collect, portion));
  if (portion->code != US_OK)
    return us_pending_failed(cx, portion->code, portion->v[portion->n].uuid, "approved");
  a->has_more = portion->n == PORTION;
  if (portion->n == 0) /* also when the resource is gone: its requests count as gone */
    return US_OK;
  a->after = portion->v[portion->n - 1].id;
  enum us_code code = us_resource_touch_access(cx, a->resource_id);
  if (code == US_OK)
    code = us_resource_by_id(cx, a->resource_id, &resource);
  if (code == US_OK)
    code = us_resource_policy_scopes(cx, &resource, &allowed);
  if (code == US_OK)
    code = take_granted(cx, a, portion, allowed, granted);
  if (code == US_OK)
    code = grant(cx, a, &resource, granted);
  return us_pending_failed(cx, code, portion->v[0].uuid, "approved");
}

static enum us_code check_choices(struct us_cx *cx, void *self) {
  const struct approval *a = self;
  for (size_t i = 0; i < a->choices->n; i++) {
    struct us_pending pending;
    enum us_code code = us_pending_find(cx, a->owner->id, a->choices->v[i].uuid, &pending);
    US_TRY(us_pending_failed(cx, code, a->choices->v[i].uuid, "approved"));
  }
  return US_OK;
}

enum us_code us_pending_approve_all(struct us_cx *cx, const struct us_realm *realm, const struct us_account *owner,
                                    struct us_pending_choices *choices) {
  struct approval a = {.realm = realm, .owner = owner, .choices = choices};
  int64_t *resources = US_NEW_ARRAY(cx->mem, int64_t, US_PENDING_ALL_MAX);
  size_t n = 0;
  if (resources == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (choices->n > 0)
    qsort(choices->v, choices->n, sizeof(choices->v[0]), compare_choices);
  US_TRY(run_apart(cx, check_choices, &a));
  US_TRY(check_number(cx, owner->id));
  US_TRY(us_pendings_resources(cx, owner->id, US_PENDING_ALL_MAX, resources, &n));
  for (size_t i = 0; i < n; i++) {
    a.resource_id = resources[i];
    a.after = 0;
    do /* plugins are asked about all of them at once */
      US_TRY(us_extension_go_on(cx, run_apart(cx, approve_portion, &a)));
    while (a.has_more);
  }
  return US_OK;
}

/* ---- denial ---- */

struct denial {
  const struct us_account *owner;
  int64_t after;
  bool has_more;
};

static enum us_code audit_denials(struct us_cx *cx, const struct denial *d, const struct portion *portion) {
  struct us_audit *events = US_NEW_ARRAY(cx->mem, struct us_audit, PORTION);
  size_t n = 0;
  if (events == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < portion->n; i++) {
    if (portion->v[i].party_name.p != NULL && portion->v[i].resource_uuid.p != NULL) /* else it was gone already */
      events[n++] = audit_event(US_AUDIT_REQUEST_DENIED, &portion->v[i]);
  }
  return us_audit_add(cx, d->owner->realm_id, events, n);
}

static enum us_code deny_portion(struct us_cx *cx, void *self) {
  struct denial *d = self;
  struct portion *portion = US_NEW(cx->mem, struct portion);
  int64_t last = 0, count = 0, owner_id = d->owner->id;
  if (portion == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  portion->cx = cx;
  US_TRY(us_pendings_window(cx, owner_id, d->after, PORTION, &last, &count));
  d->has_more = count == PORTION;
  if (count == 0)
    return US_OK;
  US_TRY(us_denials_insert_window(cx, owner_id, d->after, last, us_cx_now_s(cx) + US_DENIAL_S));
  US_TRY(us_pendings_take_window(cx, owner_id, d->after, last, collect, portion));
  d->after = last;
  if (portion->code != US_OK)
    return us_pending_failed(cx, portion->code, portion->v[portion->n].uuid, "denied");
  return audit_denials(cx, d, portion);
}

enum us_code us_pending_deny_all(struct us_cx *cx, const struct us_account *owner) {
  struct denial d = {.owner = owner};
  US_TRY(check_number(cx, owner->id));
  US_TRY(us_denials_sweep(cx, us_cx_now_s(cx)));
  do
    US_TRY(run_apart(cx, deny_portion, &d));
  while (d.has_more);
  return US_OK;
}
