/* Audit history: see audit.h. */
#include "domain/audit.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "domain/snapshot.h"
#include "store/audit.h"

const char *us_audit_kind_text(int64_t kind) {
  switch (kind) {
#define US_AUDIT_KIND(symbol, number, type, place)                                                                     \
  case US_AUDIT_##symbol:                                                                                              \
    return type;
#include "model/audit_kinds.def"
#undef US_AUDIT_KIND
  default:
    return "Unknown";
  }
}

const char *us_audit_flaw_text(enum us_audit_flaw flaw) {
  static const char *const texts[] = {
      [US_AUDIT_FITS] = "fits",           [US_AUDIT_CHANGED] = "was changed",   [US_AUDIT_MISSING] = "is missing",
      [US_AUDIT_INSERTED] = "was put in", [US_AUDIT_NO_CHAIN] = "has no chain",
  };
  return texts[flaw];
}

/* What a hash is over: a name for this form, then each member with its length before it, numbers as eight bytes. No two lines
 * have the same bytes. */
#define FORM "usher-audit-1"
#define TEXTS 5
#define NUMBERS 5
#define LENGTH_BYTES 8

static char *put_number(char *at, uint64_t number) {
  for (int i = 0; i < LENGTH_BYTES; i++)
    at[i] = (char)(number >> (8 * (LENGTH_BYTES - 1 - i)));
  return at + LENGTH_BYTES;
}

static enum us_code hash_line(struct us_cx *cx, struct us_str before, const struct us_audit_row *row,
                              char ret_hash[US_SHA256_TEXT_BYTES]) {
  const struct us_str texts[TEXTS] = {US_STR(FORM), before, row->resource_uuid, row->resource_name, row->party_name};
  const int64_t numbers[NUMBERS] = {row->realm_id, row->id, row->account_id, row->kind, row->event_ms};
  size_t n = (TEXTS + NUMBERS) * LENGTH_BYTES;
  for (size_t i = 0; i < TEXTS; i++)
    n += texts[i].n;
  char *bytes = us_mem_alloc(cx->mem, n), *at = bytes;
  if (bytes == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < TEXTS; i++) {
    at = put_number(at, texts[i].n);
    if (texts[i].n > 0)
      memcpy(at, texts[i].p, texts[i].n);
    at += texts[i].n;
  }
  for (size_t i = 0; i < NUMBERS; i++)
    at = put_number(at, (uint64_t)numbers[i]);
  us_sha256_text((struct us_str){bytes, n}, ret_hash);
  return US_OK;
}

static struct us_str never_absent(struct us_str text) {
  return text.p == NULL ? US_STR("") : text;
}

enum us_code us_audit_add(struct us_cx *cx, int64_t realm_id, const struct us_audit *events, size_t count) {
  if (count == 0)
    return US_OK;
  struct us_audit_row *rows = US_NEW_ARRAY(cx->mem, struct us_audit_row, count);
  char(*hashes)[US_SHA256_TEXT_BYTES] = us_mem_array(cx->mem, count, US_SHA256_TEXT_BYTES);
  struct us_str before;
  int64_t last_id = 0;
  if (rows == NULL || hashes == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_audit_rows_take(cx, realm_id, (int64_t)count, &last_id, &before));
  for (size_t i = 0; i < count; i++) {
    rows[i] = (struct us_audit_row){
        .realm_id = realm_id,
        .id = last_id - (int64_t)(count - 1 - i),
        .account_id = events[i].account_id,
        .kind = events[i].kind,
        .resource_uuid = never_absent(events[i].resource_uuid),
        .resource_name = never_absent(events[i].resource_name),
        .party_name = never_absent(events[i].party_name),
        .event_ms = cx->now_ms,
    };
    US_TRY(hash_line(cx, before, &rows[i], hashes[i]));
    before = rows[i].hash = (struct us_str){hashes[i], US_SHA256_TEXT_BYTES - 1};
  }
  US_TRY(us_audit_rows_insert(cx, rows, count));
  return us_audit_rows_end(cx, realm_id, before);
}

static bool wants_deletions(struct us_cx *cx, int64_t realm_id) {
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm_by_id(snapshot, realm_id);
  bool wants = realm == NULL || realm->settings.audit_deletions;
  us_snapshot_unref(snapshot);
  return wants;
}

enum us_code us_audit_policy(struct us_cx *cx, enum us_audit_kind kind, const struct us_resource *resource,
                             int64_t sharer_id) {
  const struct us_audit event = {.kind = kind,
                                 .account_id = sharer_id,
                                 .resource_uuid = resource->uuid,
                                 .resource_name = resource->name,
                                 .party_name = cx->actor};
  if (kind == US_AUDIT_POLICY_DELETED && !wants_deletions(cx, resource->realm_id))
    return US_OK;
  return us_audit_add(cx, resource->realm_id, &event, 1);
}

struct page {
  us_audit_line_fn each;
  void *self;
};

static bool see_line(struct us_cx *cx, void *self, const struct us_audit_row *row) {
  const struct page *page = self;
  const struct us_audit_line line = {
      .id = row->id,
      .event_ms = row->event_ms,
      .kind = row->kind,
      .resource_uuid = row->resource_uuid,
      .resource_name = row->resource_name,
      .party_name = row->party_name,
  };
  (void)cx;
  return page->each(page->self, &line);
}

enum us_code us_audit_page(struct us_cx *cx, const struct us_account *account, const struct us_list_query *query,
                           us_audit_line_fn each, void *self, struct us_list_end *ret_end) {
  struct page page = {.each = each, .self = self};
  return us_audit_rows_page(cx, account->realm_id, account->id, query, see_line, &page, ret_end);
}

/* ---- verification ---- */

/* A portion has memory of its own: lines of any length and number are walked along in the same room. */
#define PORTION_POOL_BYTES (256 * 1024)
#define PORTION_MAX_BYTES (32 * 1024 * 1024)

struct portion {
  struct us_cx *cx;
  struct us_audit_walk *walk;
  struct us_audit_ends ends;
  int64_t seen;
  enum us_code code;
};

static bool end_walk(struct us_audit_walk *walk, enum us_audit_flaw flaw, int64_t id) {
  walk->flaw = flaw;
  walk->flaw_id = id;
  walk->is_done = true;
  return false;
}

static struct us_str last_hash(const struct us_audit_walk *walk) {
  return us_str_c(walk->last_hash);
}

static void set_last(struct us_audit_walk *walk, int64_t id, struct us_str hash) {
  size_t n =
      hash.n < sizeof(walk->last_hash) ? hash.n : 0; /* one of another length is none of ours, and fits nothing */
  walk->last_id = id;
  memcpy(walk->last_hash, n > 0 ? hash.p : "", n);
  walk->last_hash[n] = '\0';
}

static bool see_row(void *self, const struct us_audit_row *row) {
  struct portion *portion = self;
  struct us_audit_walk *walk = portion->walk;
  char hash[US_SHA256_TEXT_BYTES];
  portion->seen++;
  if (row->id <= walk->last_id)
    return end_walk(walk, US_AUDIT_INSERTED, row->id);
  if (walk->last_id == portion->ends.last_id)
    return end_walk(walk, US_AUDIT_INSERTED, row->id);
  if (row->id != walk->last_id + 1)
    return end_walk(walk, US_AUDIT_MISSING, walk->last_id + 1);
  portion->code = hash_line(portion->cx, last_hash(walk), row, hash);
  if (portion->code != US_OK)
    return false;
  if (!us_str_eq_c(row->hash, hash))
    return end_walk(walk, US_AUDIT_CHANGED, row->id);
  set_last(walk, row->id, row->hash);
  if (walk->first_ms == 0)
    walk->first_ms = row->event_ms;
  walk->count++;
  return true;
}

static bool see_orphan(void *self, const struct us_audit_row *row) {
  return end_walk(self, US_AUDIT_NO_CHAIN, row->id);
}

/* The end that was reached is the end that the chain says it has. */
static void check_end(struct us_audit_walk *walk, const struct us_audit_ends *ends) {
  walk->is_done = true;
  if (walk->last_id != ends->last_id)
    end_walk(walk, US_AUDIT_MISSING, walk->last_id + 1);
  else if (!us_str_eq(last_hash(walk), ends->last_hash))
    end_walk(walk, US_AUDIT_CHANGED, walk->last_id);
}

static enum us_code walk_on(struct us_cx *cx, void *self) {
  struct us_audit_walk *walk = self;
  struct portion portion = {.cx = cx, .walk = walk, .code = US_OK};
  int64_t from = walk->has_begun ? walk->last_id + 1 : INT64_MIN;
  enum us_code code = us_audit_rows_ends(cx, walk->realm_id, &portion.ends);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    walk->is_done = true;
    return us_audit_rows_from(cx, walk->realm_id, INT64_MIN, 1, see_orphan, walk);
  }
  US_TRY(code);
  if (!walk->has_begun || portion.ends.removed_id > walk->last_id) { /* also when retention has come past this place */
    set_last(walk, portion.ends.removed_id, portion.ends.removed_hash);
    walk->removed_id = portion.ends.removed_id;
    walk->first_ms = 0;
  }
  walk->has_begun = true;
  US_TRY(us_audit_rows_from(cx, walk->realm_id, from, US_AUDIT_PORTION, see_row, &portion));
  US_TRY(portion.code);
  if (!walk->is_done && portion.seen < US_AUDIT_PORTION)
    check_end(walk, &portion.ends);
  return US_OK;
}

enum us_code us_audit_verify(struct us_cx *cx, struct us_audit_walk *walk) {
  return us_cx_apart(cx, PORTION_POOL_BYTES, PORTION_MAX_BYTES, walk_on, walk);
}

enum us_code us_audit_next_realm(struct us_cx *cx, int64_t after, int64_t *ret_realm_id) {
  return us_audit_rows_next_realm(cx, after, ret_realm_id);
}

/* ---- retention ---- */

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

static enum us_code clean_realm(struct us_cx *cx, const struct us_realm *realm, int64_t max_rows, int64_t *ret_rows) {
  struct us_str hash = US_STR_ABSENT;
  int64_t days = realm->settings.audit_retention_days, last_id = 0;
  *ret_rows = 0;
  if (days == 0)
    return US_OK;
  US_TRY(us_audit_rows_old(cx, realm->id, cx->now_ms - days * DAY_MS, max_rows, &last_id, &hash, ret_rows));
  return *ret_rows > 0 ? us_audit_rows_remove(cx, realm->id, last_id, hash) : US_OK;
}

static enum us_code clean_realms(struct us_cx *cx, const struct us_snapshot *snapshot, int64_t max_rows,
                                 int64_t *rows) {
  for (size_t i = 0; i < us_snapshot_count(snapshot) && *rows < max_rows; i++) {
    int64_t n = 0;
    US_TRY(clean_realm(cx, us_snapshot_at(snapshot, i), max_rows - *rows, &n));
    *rows += n;
  }
  return US_OK;
}

/* Realms that are gone keep nothing: nobody can ask for it, and no setting says for how long. */
static enum us_code clean_lost(struct us_cx *cx, int64_t max_rows, int64_t *rows) {
  int64_t realm_id = 0, n = 0;
  if (*rows >= max_rows)
    return US_OK;
  US_TRY(us_audit_rows_lost_realm(cx, &realm_id));
  if (realm_id != 0)
    US_TRY(us_audit_rows_drop(cx, realm_id, max_rows - *rows, &n));
  *rows += n;
  return US_OK;
}

enum us_code us_audit_clean_up(struct us_cx *cx, int64_t max_rows, int64_t *ret_rows) {
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  int64_t rows = 0;
  enum us_code code = clean_realms(cx, snapshot, max_rows, &rows);
  us_snapshot_unref(snapshot);
  US_TRY(code);
  US_TRY(clean_lost(cx, max_rows, &rows));
  *ret_rows = rows;
  return US_OK;
}
