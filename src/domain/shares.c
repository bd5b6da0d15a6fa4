/* Everything shared: see shares.h. */
#include "domain/shares.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "domain/share.h"
#include "store/shares.h"
#include "json/json.h"

_Static_assert((int)US_DIRECTION_BY_ME == (int)US_SHARES_BY_ME && (int)US_DIRECTION_WITH_ME == (int)US_SHARES_WITH_ME &&
                   (int)US_DIRECTION_WAITING == (int)US_SHARES_WAITING,
               "directions of the domain are directions of the store");

#define BATCH_POOL_BYTES (32 * 1024)
#define BATCH_MAX_BYTES (24 * 1024 * 1024) /* US_SHARES_BATCH lines of US_SHARE_MAX_BYTES, as texts and taken apart */

bool us_direction_parse(struct us_str name, enum us_direction *ret_direction) {
  static const char *const names[] = {"byMe", "withMe", "waiting"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (!us_str_eq_c(name, names[i]))
      continue;
    *ret_direction = (enum us_direction)i;
    return true;
  }
  return false;
}

const struct us_list *us_direction_list(enum us_direction direction) {
  return &us_shares_lists[direction];
}

/* When conditions end a share for certain: with AND the first expiry does, with OR the last, when there is nothing else to go by. */
static int64_t end_of(const struct us_conditions *conditions) {
  int64_t first = 0, last = 0;
  bool only_expiries = true;
  for (size_t i = 0; i < conditions->n; i++) {
    const struct us_condition *condition = &conditions->v[i];
    if (condition->kind != US_CONDITION_EXPIRATION) {
      only_expiries = false;
      continue;
    }
    first = first == 0 || condition->date_s < first ? condition->date_s : first;
    last = condition->date_s > last ? condition->date_s : last;
  }
  if (conditions->any)
    return only_expiries ? last : 0;
  return first;
}

static enum us_code as_shared(struct us_cx *cx, enum us_direction direction, const struct us_share_row *row,
                              struct us_shared *ret_shared) {
  struct us_strs scopes, active;
  struct us_conditions conditions;
  struct us_shared shared = {
      .id = row->uuid.p != NULL ? row->uuid : us_str_fmt(cx->mem, "%" PRId64, row->id),
      .resource_id = row->resource_uuid,
      .resource_name = row->resource_name,
      .resource_server = row->resource_server,
      .owner = row->owner_name,
      .sharer = row->sharer_name,
      .subject = row->subject,
      .conditions = row->conditions,
      .since_ms = row->created_ms,
      .is_active = row->is_active,
  };
  US_TRY(us_json_to_strs(cx, row->scopes, &scopes));
  US_TRY(us_json_to_strs(cx, row->active_scopes, &active));
  US_TRY(us_conditions_parse(cx, row->conditions, &conditions));
  shared.until_ms = end_of(&conditions) * 1000;
  shared.scopes = direction == US_DIRECTION_WITH_ME ? active : scopes;
  if (direction == US_DIRECTION_BY_ME)
    shared.inactive = us_strs_minus(cx->mem, scopes, active);
  if (shared.id.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_shared = shared;
  return US_OK;
}

struct batch {
  int64_t ids[US_SHARES_BATCH];
  struct us_share_row rows[US_SHARES_BATCH]; /* in the order of ids; id 0: it has gone */
};

static void take_row(void *self, const struct us_share_row *row) {
  struct batch *batch = self;
  for (size_t i = 0; i < US_SHARES_BATCH; i++) {
    if (batch->ids[i] == row->id)
      batch->rows[i] = *row;
  }
}

struct reading {
  enum us_direction direction;
  us_shared_fn each;
  void *self;
  int64_t done, written; /* ids that were dealt with, items that `each` took */
  bool wants_more;
};

static enum us_code hand_on(struct us_cx *cx, const struct us_share_row *row, struct reading *reading) {
  struct us_shared shared;
  US_TRY(as_shared(cx, reading->direction, row, &shared));
  reading->wants_more = reading->each(cx, reading->self, &shared);
  reading->written++;
  return US_OK;
}

static enum us_code read_batch(struct us_cx *cx, const int64_t *ids, size_t count, struct reading *reading) {
  struct batch *batch = US_NEW(cx->mem, struct batch);
  if (batch == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  memcpy(batch->ids, ids, count * sizeof(*ids));
  US_TRY(us_shares_rows(cx, (enum us_shares_direction)reading->direction, batch->ids, take_row, batch));
  for (size_t i = 0; i < count && reading->wants_more; i++) {
    if (batch->rows[i].id != 0)
      US_TRY(hand_on(cx, &batch->rows[i], reading));
    reading->done++;
  }
  return us_mem_is_spent(cx->mem) ? us_fail_plain(cx, US_E_NO_MEMORY) : US_OK;
}

/* Each batch in memory of its own. */
static enum us_code read_all(struct us_cx *cx, const int64_t *ids, size_t count, struct reading *reading) {
  for (size_t i = 0; i < count && reading->wants_more; i += US_SHARES_BATCH) {
    size_t n = count - i < US_SHARES_BATCH ? count - i : US_SHARES_BATCH;
    struct us_cx inner = {
        .mem = us_mem_root_new(BATCH_POOL_BYTES, BATCH_MAX_BYTES), .now_ms = cx->now_ms, .db = cx->db, .svc = cx->svc};
    if (inner.mem == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    enum us_code code = read_batch(&inner, ids + i, n, reading);
    if (code != US_OK) { /* its texts go with the memory of the batch */
      code = us_fail_plain(cx, code);
      us_error_detail(cx, "%.*s", US_STR_ARG(inner.err.detail));
    }
    us_mem_free(inner.mem);
    US_TRY(code);
  }
  return US_OK;
}

enum us_code us_shares_query(struct us_cx *cx, const struct us_viewer *viewer, enum us_direction direction,
                             const struct us_list_query *query, us_shared_fn each, void *self,
                             struct us_list_end *ret_end) {
  struct reading reading = {.direction = direction, .each = each, .self = self, .wants_more = true};
  enum us_shares_direction where = (enum us_shares_direction)direction;
  int64_t *ids = US_NEW_ARRAY(cx->mem, int64_t, (size_t)query->page_size);
  if (ids == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_shares_page(cx, viewer, where, query, ids, ret_end));
  US_TRY(read_all(cx, ids, (size_t)ret_end->written, &reading));
  if (reading.done < ret_end->written) {
    /* The answer was full before the page: a page of just so many says where that is and what follows. */
    struct us_list_query shorter = *query;
    shorter.page_size = reading.done;
    US_TRY(us_shares_page(cx, viewer, where, &shorter, ids, ret_end));
  }
  ret_end->written = reading.written;
  return US_OK;
}
