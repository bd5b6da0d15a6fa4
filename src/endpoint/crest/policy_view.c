/* A policy as Common REST shows it: see policy_view.h. */
#include "endpoint/crest/policy_view.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "json/json.h"

struct us_str us_rev_text(struct us_cx *cx, int64_t rev) {
  return us_str_fmt(cx->mem, "%" PRId64, rev);
}

/* The conditions that all shares have in common; empty when they differ or there are none. */
static struct us_str common_conditions(const struct us_policy_text *policy) {
  if (policy->share_count == 0)
    return US_STR("");
  struct us_str first = policy->shares[0].conditions;
  for (size_t i = 1; i < policy->share_count; i++) {
    if (!us_str_eq(policy->shares[i].conditions, first))
      return US_STR("");
  }
  return first;
}

/* The stored text is {"type":"AND","conditions":[...]}: its members, without the braces, are members here. */
static void write_conditions(struct us_json_writer *w, struct us_str text) {
  static const char and_head[] = "{\"type\":\"AND\",\"conditions\":", or_head[] = "{\"type\":\"OR\",\"conditions\":";
  bool is_and = us_str_starts(text, us_str_c(and_head));
  size_t head = is_and ? sizeof(and_head) - 1 : sizeof(or_head) - 1;
  if (text.n <= head)
    return;
  us_json_name(w, "type");
  us_json_c(w, is_and ? "AND" : "OR");
  us_json_name(w, "conditions");
  us_json_raw(w, (struct us_str){text.p + head, text.n - head - 1});
}

static void write_shares(struct us_json_writer *w, const struct us_policy_text *policy) {
  us_json_name(w, "permissions");
  us_json_open(w, '[');
  for (size_t i = 0; i < policy->share_count; i++) {
    us_json_open(w, '{');
    us_json_member(w, "subject", policy->shares[i].subject);
    us_json_name(w, "scopes");
    us_json_raw(w, policy->shares[i].scopes);
    us_json_close(w, '}');
  }
  us_json_close(w, ']');
}

void us_policy_write(struct us_json_writer *w, const struct us_policy_text *policy, unsigned what) {
  us_json_open(w, '{');
  us_json_member(w, "_id", policy->uuid);
  if (what & US_POLICY_WITH_REV) {
    char rev[24];
    int n = snprintf(rev, sizeof(rev), "%" PRId64, policy->rev);
    us_json_member(w, "_rev", (struct us_str){rev, (size_t)n});
  }
  us_json_member(w, "policyId", policy->uuid);
  if (what & US_POLICY_WITH_NAME)
    us_json_member(w, "name", policy->name);
  write_conditions(w, common_conditions(policy));
  write_shares(w, policy);
  us_json_close(w, '}');
}

enum us_code us_policy_as_text(struct us_cx *cx, const struct us_policy *policy, const struct us_resource *resource,
                               struct us_policy_text *ret_text) {
  struct us_share_text *shares = US_NEW_ARRAY(cx->mem, struct us_share_text, policy->share_count + 1);
  if (shares == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < policy->share_count; i++) {
    const struct us_share *share = &policy->shares[i];
    shares[i] = (struct us_share_text){
        .subject = share->subject,
        .scopes = us_json_from_strs(cx->mem, share->scopes),
        .conditions = us_conditions_text(cx, &share->conditions),
    };
    if (shares[i].scopes.p == NULL || shares[i].conditions.p == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  *ret_text = (struct us_policy_text){
      .id = policy->id,
      .rev = policy->rev,
      .uuid = resource->uuid,
      .name = resource->name,
      .shares = shares,
      .share_count = policy->share_count,
  };
  return US_OK;
}
