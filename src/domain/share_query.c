/* Queries of policies: see the second half of share.h. */
#include <string.h>

#include "base/mem.h"
#include "domain/share.h"
#include "store/policies.h"

_Static_assert(US_POLICY_SCAN_SUBJECTS_MAX == US_POLICIES_SUBJECTS_MAX, "one bit a subject");
_Static_assert(US_POLICY_SCAN_SERVERS_MAX == US_POLICIES_SERVERS_MAX, "one reference a server");
_Static_assert(US_SHARE_SUBJECTS_MAX == US_POLICIES_LINES_MAX, "a policy is read whole");

/* Memory of one batch of policies: US_POLICIES_BATCH of them with US_SHARE_MAX_BYTES each, and as much again for names. */
#define BATCH_POOL_BYTES (32 * 1024)
#define BATCH_MAX_BYTES (16 * 1024 * 1024)

struct scan {
  const struct us_policy_scan *wanted;
  int64_t servers[US_POLICY_SCAN_SERVERS_MAX];
};

static bool see(void *self, int64_t policy_id, int64_t rs_ref, unsigned subjects) {
  const struct scan *scan = self;
  unsigned servers = 0;
  for (size_t i = 0; i < US_POLICY_SCAN_SERVERS_MAX; i++) {
    if (scan->servers[i] != 0 && scan->servers[i] == rs_ref)
      servers |= 1u << i;
  }
  return scan->wanted->seen(scan->wanted->self, policy_id, subjects, servers);
}

enum us_code us_policy_scan(struct us_cx *cx, const struct us_policy_scan *wanted) {
  struct scan scan = {.wanted = wanted};
  struct us_policies_scan rows = {.sharer_id = wanted->sharer_id, .seen = see, .self = &scan};
  rows.order = (struct us_policies_order){
      .key = wanted->sort == US_POLICY_SORT_ID     ? US_POLICIES_BY_UUID
             : wanted->sort == US_POLICY_SORT_NAME ? US_POLICIES_BY_NAME
                                                   : US_POLICIES_BY_NOTHING,
      .descending = wanted->descending,
      .uuid_descending = wanted->id_descending,
  };
  for (size_t i = 0; i < US_POLICY_SCAN_SUBJECTS_MAX; i++) {
    rows.subject_keys[i] = wanted->subjects[i].p ? us_str_fold(cx->mem, wanted->subjects[i]) : US_STR_ABSENT;
    if (wanted->subjects[i].p != NULL && rows.subject_keys[i].p == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  bool has_servers = false;
  for (size_t i = 0; i < US_POLICY_SCAN_SERVERS_MAX; i++)
    has_servers = has_servers || wanted->servers[i].p != NULL;
  if (has_servers)
    US_TRY(us_policies_servers(cx, wanted->realm_id, wanted->servers, scan.servers));
  return us_policies_scan(cx, &rows);
}

enum us_code us_policy_count(struct us_cx *cx, int64_t sharer_id, int64_t *ret_count) {
  return us_policies_count(cx, sharer_id, ret_count);
}

struct batch {
  struct us_policy_text policies[US_POLICIES_BATCH];
  size_t n;
};

/* Lines come ordered by policy: a new id begins a new one. */
static enum us_code add_line(struct us_cx *cx, void *self, const struct us_policy_line *line) {
  struct batch *batch = self;
  struct us_policy_text *policy = batch->n > 0 ? &batch->policies[batch->n - 1] : NULL;
  if (policy == NULL || policy->id != line->policy_id) {
    policy = &batch->policies[batch->n++];
    *policy = (struct us_policy_text){
        .id = line->policy_id,
        .rev = line->rev,
        .uuid = line->uuid,
        .name = line->name,
        .shares = US_NEW_ARRAY(cx->mem, struct us_share_text, US_SHARE_SUBJECTS_MAX),
    };
    if (policy->shares == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  if (policy->share_count < US_SHARE_SUBJECTS_MAX)
    policy->shares[policy->share_count++] = (struct us_share_text){
        .subject = line->line.subject,
        .scopes = line->line.scopes,
        .conditions = line->line.conditions,
    };
  return US_OK;
}

static const struct us_policy_text *find(const struct batch *batch, int64_t id) {
  for (size_t i = 0; i < batch->n; i++) {
    if (batch->policies[i].id == id)
      return &batch->policies[i];
  }
  return NULL;
}

/* One batch in scratch memory. *ret_more: `each` wants to go on. */
static enum us_code run_batch(struct us_cx *cx, void *scratch, const int64_t *ids, size_t count, us_policy_text_fn each,
                              void *self, bool *ret_more) {
  struct us_cx inner = {.mem = scratch, .now_ms = cx->now_ms, .db = cx->db, .svc = cx->svc};
  int64_t padded[US_POLICIES_BATCH] = {0};
  struct batch *batch = US_NEW(scratch, struct batch);
  memcpy(padded, ids, count * sizeof(*ids));
  enum us_code code =
      batch == NULL ? us_fail_plain(&inner, US_E_NO_MEMORY) : us_policies_batch(&inner, padded, add_line, batch);
  if (code != US_OK) { /* its texts go with the scratch memory */
    code = us_fail_plain(cx, code);
    us_error_detail(cx, "%.*s", US_STR_ARG(inner.err.detail));
    return code;
  }
  for (size_t i = 0; i < count && *ret_more; i++) {
    const struct us_policy_text *policy = find(batch, ids[i]);
    if (policy != NULL)
      *ret_more = each(self, policy);
  }
  return US_OK;
}

enum us_code us_policy_texts(struct us_cx *cx, const int64_t *ids, size_t count, us_policy_text_fn each, void *self) {
  bool wants_more = true;
  for (size_t i = 0; i < count && wants_more; i += US_POLICIES_BATCH) {
    void *scratch = us_mem_root_new(BATCH_POOL_BYTES, BATCH_MAX_BYTES);
    if (scratch == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    size_t n = count - i < US_POLICIES_BATCH ? count - i : US_POLICIES_BATCH;
    enum us_code code = run_batch(cx, scratch, ids + i, n, each, self, &wants_more);
    us_mem_free(scratch);
    US_TRY(code);
  }
  return US_OK;
}
