/*
 * Queries of policies: see the end of share.h. In two steps, so that no list is ever held whole: the list gives the ids of a
 * page (store/policies_list.c), then policies are read in batches, one statement a batch, into memory of their own.
 */
#include <string.h>

#include "base/mem.h"
#include "domain/share.h"
#include "store/policies.h"
#include "store/policies_list.h"

_Static_assert(US_SHARE_SUBJECTS_MAX == US_POLICIES_LINES_MAX, "a policy is read whole");

/* Memory of one batch of policies: US_POLICIES_BATCH of them with US_SHARE_MAX_BYTES each, and as much again for names. */
#define BATCH_POOL_BYTES (32 * 1024)
#define BATCH_MAX_BYTES (16 * 1024 * 1024)

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

struct reading {
  int64_t done, written; /* ids that were dealt with, policies that `each` took */
};

static const struct us_policy_text *find(const struct batch *batch, int64_t id) {
  for (size_t i = 0; i < batch->n; i++) {
    if (batch->policies[i].id == id)
      return &batch->policies[i];
  }
  return NULL;
}

/* One batch in scratch memory. *ret_more: `each` wants to go on. A policy whose last permission has just gone (a removal takes
 * several transactions) is passed over. */
static enum us_code run_batch(struct us_cx *cx, void *scratch, const int64_t *ids, size_t count, us_policy_text_fn each,
                              void *self, struct reading *reading, bool *ret_more) {
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
    *ret_more = policy == NULL || each(self, policy);
    reading->done++;
    reading->written += policy != NULL;
  }
  return US_OK;
}

/* Policies in the order of `ids` to `each`. */
static enum us_code read_texts(struct us_cx *cx, const int64_t *ids, size_t count, us_policy_text_fn each, void *self,
                               struct reading *reading) {
  bool wants_more = true;
  for (size_t i = 0; i < count && wants_more; i += US_POLICIES_BATCH) {
    void *scratch = us_mem_root_new(BATCH_POOL_BYTES, BATCH_MAX_BYTES);
    if (scratch == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    size_t n = count - i < US_POLICIES_BATCH ? count - i : US_POLICIES_BATCH;
    enum us_code code = run_batch(cx, scratch, ids + i, n, each, self, reading, &wants_more);
    us_mem_free(scratch);
    US_TRY(code);
  }
  return US_OK;
}

enum us_code us_policy_page(struct us_cx *cx, int64_t sharer_id, const struct us_list_query *query,
                            us_policy_text_fn each, void *self, struct us_list_end *ret_end) {
  struct reading reading = {0};
  int64_t *ids = US_NEW_ARRAY(cx->mem, int64_t, (size_t)query->page_size);
  if (ids == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_policies_page(cx, sharer_id, query, ids, ret_end));
  US_TRY(read_texts(cx, ids, (size_t)ret_end->written, each, self, &reading));
  if (reading.done < ret_end->written) {
    /* The page was full before its end: a page of just so many says where that is and what follows. */
    struct us_list_query shorter = *query;
    shorter.page_size = reading.done;
    US_TRY(us_policies_page(cx, sharer_id, &shorter, ids, ret_end));
  }
  ret_end->written = reading.written;
  return US_OK;
}
