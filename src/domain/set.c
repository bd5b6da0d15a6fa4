/*
 * Resource sets: see set.h. They are read some at a time, in memory of their own: resources, labels and shares of a batch with one
 * statement each.
 */
#include "domain/set.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "domain/extension.h"
#include "domain/label.h"
#include "domain/resource.h"
#include "domain/subject.h"
#include "store/list.h"
#include "store/sets.h"

#define BATCH_POOL_BYTES (32 * 1024)
#define BATCH_MAX_BYTES                                                                                                \
  (16 * 1024 * 1024) /* US_SETS_BATCH policies of US_SHARE_MAX_BYTES, and as much again for names */

/* Shares name a person by the account's name, or by the attribute that the realm chose (c.6); and by groups, which the store adds. */
enum us_code us_viewer_of(struct us_cx *cx, const struct us_realm *realm, const struct us_account *account,
                          struct us_viewer *ret_viewer) {
  *ret_viewer = (struct us_viewer){.realm_id = realm->id, .account_id = account->id, .name = account->name};
  return us_subject_own_key(cx, &realm->settings, account, &ret_viewer->subject_key);
}

struct batch {
  struct us_cx *cx; /* with the memory of the batch */
  int64_t ids[US_SETS_BATCH];
  struct us_set sets[US_SETS_BATCH]; /* in the order of ids; id 0: it has gone */
  size_t n;
};

static struct us_set *find_in(struct batch *batch, int64_t id) {
  for (size_t i = 0; i < batch->n; i++) {
    if (batch->ids[i] == id)
      return &batch->sets[i];
  }
  return NULL;
}

static void take_row(void *self, const struct us_set_row *row) {
  struct us_set *set = find_in(self, row->id);
  if (set == NULL ||
      row->owner_name.p == NULL) /* what belongs to an account that is gone is gone, tidied away or not */
    return;
  *set = (struct us_set){
      .id = row->id,
      .rev = row->rev,
      .uuid = row->uuid,
      .name = row->name,
      .type = row->type,
      .icon_uri = row->icon_uri,
      .about = row->about,
      .scopes = row->scopes,
      .resource_server = row->resource_server,
      .owner_name = row->owner_name,
  };
}

/* Both come in the order of resources, and lists grow by doubling. */
static bool grows(size_t n) {
  return (n & (n - 1)) == 0;
}

static enum us_code take_label(struct us_cx *cx, void *self, int64_t resource_id, const struct us_label_row *row) {
  struct us_set *set = find_in(self, resource_id);
  struct us_str id = row->uuid;
  if (set == NULL || set->id == 0)
    return US_OK;
  if (row->kind == US_LABEL_SYSTEM)
    id = us_str_fmt(cx->mem, "%.*s/%.*s", US_STR_ARG(row->client_id), US_STR_ARG(row->name));
  size_t n = set->labels.n;
  if (grows(n))
    set->labels.v =
        us_mem_grow(cx->mem, set->labels.v, n * sizeof(struct us_str), (n == 0 ? 1 : 2 * n) * sizeof(struct us_str));
  if (set->labels.v == NULL || id.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  set->labels.v[set->labels.n++] = id;
  return US_OK;
}

/* A revision for what one viewer sees: a change of description, own labels or own policy changes it, and nobody else's labels do.
 * Made, not stored: it says nothing but "the same". */
static void add_to_rev(struct us_set *set, int64_t number, struct us_str text) {
  char line[64];
  uint8_t digest[US_SHA256_BYTES];
  uint8_t both[2 * US_SHA256_BYTES];
  int n = snprintf(line, sizeof(line), "%" PRId64 ",%" PRId64, set->rev, number);
  us_sha256((struct us_str){line, (size_t)n}, both);
  us_sha256(text, both + US_SHA256_BYTES);
  us_sha256((struct us_str){(const char *)both, sizeof(both)}, digest);
  uint64_t rev = 0;
  for (size_t i = 0; i < 8; i++)
    rev = rev << 8 | digest[i];
  set->rev = (int64_t)(rev >> 1);
}

static enum us_code take_share(struct us_cx *cx, void *self, const struct us_set_share *share) {
  struct us_set *set = find_in(self, share->resource_id);
  if (set == NULL || set->id == 0)
    return US_OK;
  if (!set->has_policy)
    add_to_rev(set, share->policy_rev, US_STR("policy"));
  set->has_policy = true;
  size_t n = set->share_count, bytes = sizeof(struct us_share_text);
  if (grows(n))
    set->shares = us_mem_grow(cx->mem, set->shares, n * bytes, (n == 0 ? 1 : 2 * n) * bytes);
  if (set->shares == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  set->shares[set->share_count++] = (struct us_share_text){.subject = share->subject, .scopes = share->scopes};
  return US_OK;
}

static enum us_code read_batch(struct us_cx *cx, int64_t account_id, struct batch *batch, bool wants_policy) {
  batch->cx = cx;
  US_TRY(us_sets_rows(cx, batch->ids, take_row, batch));
  US_TRY(us_sets_labels(cx, account_id, batch->ids, take_label, batch));
  if (wants_policy)
    US_TRY(us_sets_shares(cx, account_id, batch->ids, take_share, batch));
  for (size_t i = 0; i < batch->n; i++) {
    for (size_t k = 0; k < batch->sets[i].labels.n; k++)
      add_to_rev(&batch->sets[i], 0, batch->sets[i].labels.v[k]);
  }
  return US_OK;
}

static enum us_code fail_unseen(struct us_cx *cx, struct us_str uuid) {
  return us_fail(cx, US_E_NOT_FOUND, "No resource set with id, %.*s, found.", US_STR_ARG(uuid));
}

enum us_code us_set_find(struct us_cx *cx, const struct us_viewer *viewer, struct us_str uuid, struct us_set *ret_set) {
  struct us_str uuids[US_SETS_VISIBLE_MAX] = {uuid};
  int64_t ids[US_SETS_VISIBLE_MAX];
  struct batch *batch = US_NEW(cx->mem, struct batch);
  if (batch == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_sets_visible(cx, viewer, uuids, ids));
  if (ids[0] == 0)
    return fail_unseen(cx, uuid);
  batch->n = 1;
  batch->ids[0] = ids[0];
  US_TRY(read_batch(cx, viewer->account_id, batch, true));
  if (batch->sets[0].id == 0)
    return fail_unseen(cx, uuid);
  *ret_set = batch->sets[0];
  return US_OK;
}

/* Comparisons of labels are with ids that the viewer knows; the store compares rows. */
static enum us_code resolve_labels(struct us_cx *cx, const struct us_viewer *viewer, struct us_filter *filter) {
  for (struct us_filter *child = filter->first; child != NULL; child = child->next)
    US_TRY(resolve_labels(cx, viewer, child));
  if (filter->kind != US_FILTER_COMPARE || !us_str_eq_c(filter->field, "labels"))
    return US_OK;
  struct us_label label = {0};
  enum us_code code = filter->value_kind == US_FILTER_STRING ? us_label_find(cx, viewer, filter->text, &label)
                                                             : us_fail_plain(cx, US_E_NOT_FOUND);
  if (code == US_E_NOT_FOUND)
    return us_fail(cx, US_E_INVALID_REQUEST, "Unknown Label ID.");
  US_TRY(code);
  filter->text = us_str_fmt(cx->mem, "%" PRId64, label.row);
  return filter->text.p != NULL ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

static enum us_sets_where where_to_look(const struct us_viewer *viewer, const struct us_filter *filter,
                                        int64_t *ret_label_id) {
  const struct us_filter *label = us_filter_demanded(filter, "labels", false);
  uint64_t id = 0;
  *ret_label_id = 0;
  if (label != NULL && us_str_to_u64(label->text, INT64_MAX, &id)) {
    *ret_label_id = (int64_t)id;
    return US_SETS_LABELLED;
  }
  if (us_filter_demands(filter, "resourceOwnerId", viewer->name, true, false))
    return US_SETS_OWNED;
  if (us_filter_demands(filter, "resourceOwnerId", viewer->name, true, true))
    return US_SETS_SHARED;
  return US_SETS_ALL;
}

struct reading {
  us_set_fn each;
  void *self;
  int64_t done, written; /* ids that were dealt with, sets that `each` took */
  bool wants_more;
};

static enum us_code run_batch(struct us_cx *cx, void *scratch, int64_t account_id, bool wants_policy,
                              const int64_t *ids, size_t count, struct reading *reading) {
  struct us_cx inner = {.mem = scratch, .now_ms = cx->now_ms, .db = cx->db, .svc = cx->svc};
  struct batch *batch = US_NEW(scratch, struct batch);
  if (batch == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  batch->n = count;
  memcpy(batch->ids, ids, count * sizeof(*ids));
  enum us_code code = read_batch(&inner, account_id, batch, wants_policy);
  if (code != US_OK) { /* its texts go with the scratch memory */
    code = us_fail_plain(cx, code);
    us_error_detail(cx, "%.*s", US_STR_ARG(inner.err.detail));
    return code;
  }
  for (size_t i = 0; i < count && reading->wants_more; i++) {
    bool is_there = batch->sets[i].id != 0;
    reading->wants_more = !is_there || reading->each(&inner, reading->self, &batch->sets[i]);
    reading->done++;
    reading->written += is_there;
  }
  return us_mem_is_spent(scratch) ? us_fail_plain(cx, US_E_NO_MEMORY) : US_OK;
}

static enum us_code read_sets(struct us_cx *cx, int64_t account_id, bool wants_policy, const int64_t *ids, size_t count,
                              struct reading *reading) {
  for (size_t i = 0; i < count && reading->wants_more; i += US_SETS_BATCH) {
    size_t n = count - i < US_SETS_BATCH ? count - i : US_SETS_BATCH;
    void *scratch = us_mem_root_new(BATCH_POOL_BYTES, BATCH_MAX_BYTES);
    if (scratch == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    enum us_code code = run_batch(cx, scratch, account_id, wants_policy, ids + i, n, reading);
    us_mem_free(scratch);
    US_TRY(code);
  }
  return US_OK;
}

enum us_code us_set_query(struct us_cx *cx, const struct us_viewer *viewer, const struct us_list_query *query,
                          bool wants_policy, us_set_fn each, void *self, struct us_list_end *ret_end) {
  struct reading reading = {.each = each, .self = self, .wants_more = true};
  int64_t label_id = 0;
  int64_t *ids = US_NEW_ARRAY(cx->mem, int64_t, (size_t)query->page_size);
  if (ids == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(resolve_labels(cx, viewer, query->filter));
  enum us_sets_where where = where_to_look(viewer, query->filter, &label_id);
  US_TRY(us_sets_page(cx, viewer, where, label_id, query, ids, ret_end));
  US_TRY(read_sets(cx, viewer->account_id, wants_policy, ids, (size_t)ret_end->written, &reading));
  if (reading.done < ret_end->written) {
    /* The answer was full before the page: a page of just so many says where that is and what follows. */
    struct us_list_query shorter = *query;
    shorter.page_size = reading.done;
    US_TRY(us_sets_page(cx, viewer, where, label_id, &shorter, ids, ret_end));
  }
  ret_end->written = query->counts_only ? 0 : reading.written;
  return US_OK;
}

enum us_code us_set_labels_find(struct us_cx *cx, const struct us_viewer *viewer, struct us_strs ids,
                                struct us_set_labels *ret_labels) {
  ret_labels->n = 0;
  for (size_t i = 0; i < ids.n; i++) {
    struct us_label label;
    US_TRY(us_label_find(cx, viewer, ids.v[i], &label));
    if (label.is_system)
      continue;
    if (ret_labels->n == US_SET_LABELS_MAX)
      return us_fail(cx, US_E_INVALID_REQUEST, "More than %d labels", US_SET_LABELS_MAX);
    ret_labels->rows[ret_labels->n++] = label.row;
  }
  return US_OK;
}

enum us_code us_set_labels_put(struct us_cx *cx, const struct us_viewer *viewer, int64_t resource_id,
                               const struct us_set_labels *labels) {
  US_TRY(us_sets_clear_labels(cx, viewer->account_id, resource_id));
  for (size_t start = 0; start < labels->n; start += US_LABELS_BATCH) {
    int64_t batch[US_LABELS_BATCH] = {0}, hung = 0;
    size_t n = labels->n - start < US_LABELS_BATCH ? labels->n - start : US_LABELS_BATCH;
    memcpy(batch, labels->rows + start, n * sizeof(batch[0]));
    US_TRY(us_sets_add_labels(cx, viewer->account_id, resource_id, batch, &hung));
    if (hung != (int64_t)n)
      return us_fail_plain(cx, US_E_STALE);
  }
  return US_OK;
}

static enum us_code remove_policy(struct us_cx *cx, int64_t account_id, int64_t resource_id) {
  struct us_policy policy;
  US_TRY(us_resource_touch_access(cx, resource_id));
  enum us_code code = us_policy_find(cx, resource_id, account_id, &policy);
  if (code == US_E_NOT_FOUND) { /* somebody was faster */
    us_error_clear(cx);
    return US_OK;
  }
  US_TRY(code);
  return us_policy_remove(cx, &policy);
}

/* What was read of a policy goes with it: a person may have thousands. */
static enum us_code revoke_one(struct us_cx *cx, int64_t account_id, int64_t resource_id) {
  void *whole = cx->mem, *scratch = us_mem_alloc(whole, 1);
  if (scratch == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  cx->mem = scratch;
  enum us_code code = remove_policy(cx, account_id, resource_id);
  cx->mem = whole;
  if (code == US_OK || code == US_E_TO_HOOKS) /* otherwise the error's text is in there */
    us_mem_free(scratch);
  return code;
}

enum us_code us_set_revoke_some(struct us_cx *cx, int64_t account_id, bool *ret_more) {
  int64_t ids[US_SET_REVOKE_MAX];
  size_t n = 0;
  US_TRY(us_sets_policies(cx, account_id, US_SET_REVOKE_MAX, ids, &n));
  for (size_t i = 0; i < n; i++)
    US_TRY(us_extension_go_on(cx, revoke_one(cx, account_id, ids[i])));
  *ret_more = n == US_SET_REVOKE_MAX;
  return US_OK;
}
