/* Decisions explained: see explain.h. */
#include "domain/explain.h"

#include <string.h>

#include "base/mem.h"
#include "domain/access.h"
#include "domain/account.h"
#include "domain/graph.h"
#include "domain/resource.h"
#include "domain/subject.h"
#include "store/entries.h"
#include "store/policies.h"

/* What was found about one scope; the path as places in facts.grants. */
struct finding {
  enum us_reason reason;
  int64_t until_s;
  uint32_t *path;
  size_t path_count;
};

struct work {
  struct us_cx *cx;
  const struct us_explain_request *request;
  struct us_resource resource;
  struct us_facts facts;
  bool is_narrowed; /* to paths through `sharer`, a node; other people's steps are not told */
  bool is_self;     /* the sharer asks for the own right: every path leads there */
  bool has_sharer;  /* any share of the sharer's bears on the party at all */
  uint32_t sharer;  /* node */
  bool *is_own;     /* of each grant: the sharer made it */
  struct us_strs asked;
  struct finding *findings;       /* one a scope that was asked for */
  struct us_explain_step **steps; /* one a grant, where a path needs it */
};

static bool has_id(const struct us_permission_row *rows, size_t count, int64_t id) {
  for (size_t i = 0; i < count; i++) {
    if (rows[i].id == id)
      return true;
  }
  return false;
}

/* Which grants of the facts are the sharer's. */
static enum us_code mark_own(struct work *w, const struct us_policy_row *policy) {
  struct us_permission_row *lines;
  size_t count;
  US_TRY(us_policies_lines(w->cx, policy->id, &lines, &count));
  w->is_own = US_NEW_ARRAY(w->cx->mem, bool, w->facts.grant_count + 1);
  if (w->is_own == NULL)
    return us_fail_plain(w->cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < w->facts.grant_count; i++) {
    w->is_own[i] = has_id(lines, count, w->facts.grants[i].id);
    if (!w->is_own[i])
      continue;
    w->has_sharer = true;
    w->sharer = w->facts.grants[i].from;
  }
  return US_OK;
}

/* The party: somebody who is known, or only a name that shares go by; one may share with people who come later (c.6). */
static enum us_code find_party(struct work *w, struct us_account *ret_party) {
  struct us_cx *cx = w->cx;
  enum us_code code = us_account_by_name(cx, w->request->realm->id, w->request->subject, ret_party);
  if (code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  *ret_party = (struct us_account){.name = w->request->subject};
  return US_OK;
}

/* Of somebody known the facts are those that the server decides by. Names alone, groups among them, are looked up in the graph; so
 * is what leads through a sharer, which a decision does not always have to know. */
static enum us_code load_facts(struct work *w, const struct us_account *party) {
  struct us_cx *cx = w->cx;
  const struct us_realm *realm = w->request->realm;
  struct us_access_request access = {
      .realm = realm, .party_id = party->id, .party_name = party->name, .client_id = w->request->client_id};
  struct us_strs keys = {US_NEW(cx->mem, struct us_str), 1};
  US_TRY(us_access_facts(cx, &access, &w->resource, &w->facts));
  bool is_settled = w->facts.party_is_owner && w->facts.owner_implicit_consent;
  if (is_settled || (party->id != 0 && !w->is_narrowed))
    return US_OK;
  if (party->id != 0)
    US_TRY(us_subject_keys(cx, &realm->settings, party, &keys));
  else if (keys.v != NULL)
    keys.v[0] = us_str_fold(cx->mem, party->name);
  if (us_mem_is_spent(cx->mem))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_graph_facts(cx, &access, &w->resource, keys, &w->facts);
}

static enum us_code gather(struct work *w) {
  struct us_cx *cx = w->cx;
  const struct us_explain_request *request = w->request;
  struct us_policy_row policy = {0};
  struct us_account party = {0};
  US_TRY(us_resource_by_uuid(cx, request->realm->id, request->resource_uuid, &w->resource));
  w->is_narrowed = request->sharer_id != 0 && request->sharer_id != w->resource.owner_id;
  if (w->is_narrowed)
    US_TRY(us_policies_find(cx, w->resource.id, request->sharer_id, &policy));
  US_TRY(find_party(w, &party));
  w->is_self = w->is_narrowed && party.id == request->sharer_id;
  US_TRY(load_facts(w, &party));
  w->asked = request->scopes.n > 0 ? us_strs_unique(cx->mem, request->scopes) : w->facts.available_scopes;
  w->findings = US_NEW_ARRAY(cx->mem, struct finding, w->asked.n + 1);
  w->steps = US_NEW_ARRAY(cx->mem, struct us_explain_step *, w->facts.grant_count + 1);
  if (w->asked.v == NULL || w->findings == NULL || w->steps == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return w->is_narrowed ? mark_own(w, &policy) : US_OK;
}

static uint32_t swapped(uint32_t node, uint32_t a, uint32_t b) {
  return node == a ? b : node == b ? a : node;
}

/* The same graph with two nodes exchanged: the way from the owner to the sharer, or from the sharer to the party, is then the way
 * that policy/ looks for. */
static enum us_code exchange(struct work *w, uint32_t a, uint32_t b, struct us_facts *ret_facts) {
  struct us_facts facts = w->facts;
  struct us_grant *grants = US_NEW_ARRAY(w->cx->mem, struct us_grant, facts.grant_count + 1);
  struct us_membership *memberships = US_NEW_ARRAY(w->cx->mem, struct us_membership, facts.membership_count + 1);
  if (grants == NULL || memberships == NULL)
    return us_fail_plain(w->cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < facts.grant_count; i++) {
    grants[i] = facts.grants[i];
    grants[i].from = swapped(grants[i].from, a, b);
    grants[i].to = swapped(grants[i].to, a, b);
  }
  for (size_t i = 0; i < facts.membership_count; i++) {
    memberships[i].name = swapped(facts.memberships[i].name, a, b);
    memberships[i].member = swapped(facts.memberships[i].member, a, b);
  }
  facts.grants = grants;
  facts.memberships = memberships;
  facts.party_is_owner = false;
  *ret_facts = facts;
  return US_OK;
}

/* Asks policy/ about one scope and adds what it says to `finding`. */
static enum us_code judge(struct work *w, const struct us_facts *facts, struct us_str scope, struct finding *finding) {
  struct us_verdict verdict;
  if (!us_policy_scope(w->cx->mem, facts, scope, &verdict))
    return us_fail_plain(w->cx, US_E_NO_MEMORY);
  uint32_t *path = US_NEW_ARRAY(w->cx->mem, uint32_t, finding->path_count + verdict.path_count + 1);
  if (path == NULL)
    return us_fail_plain(w->cx, US_E_NO_MEMORY);
  if (finding->path_count > 0)
    memcpy(path, finding->path, finding->path_count * sizeof(*path));
  for (size_t i = 0; i < verdict.path_count; i++)
    path[finding->path_count + i] = (uint32_t)(verdict.path[i] - facts->grants);
  finding->path = path;
  finding->path_count += verdict.path_count;
  bool ends_earlier = verdict.until_s != 0 && (finding->until_s == 0 || verdict.until_s < finding->until_s);
  finding->until_s = ends_earlier ? verdict.until_s : finding->until_s;
  finding->reason = verdict.reason;
  return US_OK;
}

/* The first half decides when it refuses for good; else the second; a condition that fails in either is the reason then. */
static enum us_code judge_both(struct work *w, const struct us_facts *to_sharer, const struct us_facts *from_sharer,
                               struct us_str scope, struct finding *finding) {
  US_TRY(judge(w, to_sharer, scope, finding));
  enum us_reason first = finding->reason;
  if (first != US_REASON_SHARED && first != US_REASON_CONDITION)
    return US_OK;
  US_TRY(judge(w, from_sharer, scope, finding));
  if (finding->reason == US_REASON_SHARED)
    finding->reason = first;
  if (finding->reason == US_REASON_NO_SHARE) /* half a way is none */
    finding->path_count = 0;
  return US_OK;
}

static enum us_code judge_narrowed(struct work *w) {
  struct us_facts to_sharer, from_sharer;
  US_TRY(exchange(w, US_NODE_PARTY, w->sharer, &to_sharer));
  US_TRY(exchange(w, US_NODE_OWNER, w->sharer, &from_sharer));
  for (size_t i = 0; i < w->asked.n; i++)
    US_TRY(judge_both(w, &to_sharer, &from_sharer, w->asked.v[i], &w->findings[i]));
  return US_OK;
}

/* Nothing of the sharer's policy leads to the party. */
static void judge_nothing(struct work *w) {
  for (size_t i = 0; i < w->asked.n; i++) {
    bool is_there = us_strs_has(w->facts.available_scopes, w->asked.v[i]);
    w->findings[i].reason = is_there ? US_REASON_NO_SHARE : US_REASON_NOT_REGISTERED;
  }
}

static enum us_code judge_all(struct work *w) {
  bool owner_passes = w->facts.party_is_owner && w->facts.owner_implicit_consent;
  bool is_through = w->is_narrowed && !w->is_self && !owner_passes;
  if (is_through && !w->has_sharer) {
    judge_nothing(w);
    return US_OK;
  }
  if (is_through)
    return judge_narrowed(w);
  for (size_t i = 0; i < w->asked.n; i++)
    US_TRY(judge(w, &w->facts, w->asked.v[i], &w->findings[i]));
  return US_OK;
}

/* Whether each condition of a grant holds now. */
static enum us_code weigh(struct work *w, const struct us_grant *grant, struct us_explain_step *step) {
  step->condition_count = grant->conditions.n;
  step->holds = US_NEW_ARRAY(w->cx->mem, bool, grant->conditions.n + 1);
  if (step->holds == NULL)
    return us_fail_plain(w->cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < grant->conditions.n; i++)
    step->holds[i] = us_policy_condition_until(&w->facts, grant, &grant->conditions.v[i]) > 0;
  return US_OK;
}

/* A step for each grant on some path. Of those that a sharer may not know of, an empty one stands there. */
static enum us_code make_steps(struct work *w, uint32_t *ret_wanted, size_t *ret_count) {
  size_t n = 0;
  for (size_t i = 0; i < w->asked.n; i++) {
    const struct finding *finding = &w->findings[i];
    for (size_t k = 0; k < finding->path_count; k++) {
      uint32_t place = finding->path[k];
      if (w->steps[place] != NULL)
        continue;
      w->steps[place] = US_NEW(w->cx->mem, struct us_explain_step);
      if (w->steps[place] == NULL)
        return us_fail_plain(w->cx, US_E_NO_MEMORY);
      if (w->is_narrowed && !w->is_own[place])
        continue;
      US_TRY(weigh(w, &w->facts.grants[place], w->steps[place]));
      ret_wanted[n++] = place;
    }
  }
  *ret_count = n;
  return US_OK;
}

static enum us_code read_steps(struct work *w) {
  uint32_t *wanted = US_NEW_ARRAY(w->cx->mem, uint32_t, w->facts.grant_count + 1);
  size_t count = 0;
  if (wanted == NULL)
    return us_fail_plain(w->cx, US_E_NO_MEMORY);
  US_TRY(make_steps(w, wanted, &count));
  for (size_t i = 0; i < count; i += US_ENTRIES_MAKERS) {
    struct us_entry_maker makers[US_ENTRIES_MAKERS] = {0};
    size_t n = count - i < US_ENTRIES_MAKERS ? count - i : US_ENTRIES_MAKERS;
    for (size_t k = 0; k < n; k++)
      makers[k].permission_id = w->facts.grants[wanted[i + k]].id;
    US_TRY(us_entries_makers(w->cx, makers));
    for (size_t k = 0; k < n; k++) {
      struct us_explain_step *step = w->steps[wanted[i + k]];
      step->sharer = makers[k].sharer;
      step->subject = makers[k].subject;
      step->entry = makers[k].name;
      step->conditions = makers[k].conditions;
    }
  }
  return US_OK;
}

static bool is_alike(const struct work *w, const struct us_explain_trace *trace, const struct finding *finding) {
  if (trace->reason != finding->reason || trace->until_s != finding->until_s ||
      trace->path_count != finding->path_count)
    return false;
  for (size_t i = 0; i < finding->path_count; i++) {
    if (trace->path[i] != w->steps[finding->path[i]])
      return false;
  }
  return true;
}

static enum us_code add_trace(struct work *w, const struct finding *finding, struct us_explanation *out,
                              struct us_explain_trace **ret_trace) {
  struct us_explain_trace *trace = &out->traces[out->trace_count++];
  *trace = (struct us_explain_trace){.reason = finding->reason, .until_s = finding->until_s};
  trace->scopes.v = US_NEW_ARRAY(w->cx->mem, struct us_str, w->asked.n + 1);
  trace->path = US_NEW_ARRAY(w->cx->mem, const struct us_explain_step *, finding->path_count + 1);
  if (trace->scopes.v == NULL || trace->path == NULL)
    return us_fail_plain(w->cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < finding->path_count; i++)
    trace->path[trace->path_count++] = w->steps[finding->path[i]];
  *ret_trace = trace;
  return US_OK;
}

/* Scopes of which the same was found share a trace: mostly all do. */
static enum us_code conclude(struct work *w, struct us_explanation *out) {
  for (size_t i = 0; i < w->asked.n; i++) {
    struct finding *finding = &w->findings[i];
    struct us_explain_trace *trace = NULL;
    if (!us_reason_grants(finding->reason))
      finding->until_s = 0;
    for (size_t k = 0; k < out->trace_count && trace == NULL; k++)
      trace = is_alike(w, &out->traces[k], finding) ? &out->traces[k] : NULL;
    if (trace == NULL)
      US_TRY(add_trace(w, finding, out, &trace));
    trace->scopes.v[trace->scopes.n++] = w->asked.v[i];
    if (us_reason_grants(finding->reason)) {
      out->granted.v[out->granted.n++] = w->asked.v[i];
    } else {
      out->denied_reasons[out->denied.n] = finding->reason;
      out->denied.v[out->denied.n++] = w->asked.v[i];
    }
  }
  return US_OK;
}

enum us_code us_explain(struct us_cx *cx, const struct us_explain_request *request,
                        struct us_explanation *ret_explanation) {
  struct work w = {.cx = cx, .request = request};
  struct us_explanation out = {0};
  US_TRY(gather(&w));
  out.granted.v = US_NEW_ARRAY(cx->mem, struct us_str, w.asked.n + 1);
  out.denied.v = US_NEW_ARRAY(cx->mem, struct us_str, w.asked.n + 1);
  out.denied_reasons = US_NEW_ARRAY(cx->mem, enum us_reason, w.asked.n + 1);
  out.traces = US_NEW_ARRAY(cx->mem, struct us_explain_trace, w.asked.n + 1);
  if (out.granted.v == NULL || out.denied.v == NULL || out.denied_reasons == NULL || out.traces == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(judge_all(&w));
  US_TRY(read_steps(&w));
  US_TRY(conclude(&w, &out));
  *ret_explanation = out;
  return US_OK;
}
