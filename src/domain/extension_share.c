/* Points about what owners share (7 to 10): see extension.h. */
#include "domain/extension_in.h"

#include "base/mem.h"
#include "domain/share_input.h"
#include "json/json.h"

static struct us_policy_view view_of(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                                     const struct us_share *shares, size_t count) {
  return (struct us_policy_view){
      .of = {.cx = cx, .resource = resource}, .sharer_id = sharer_id, .shares = shares, .share_count = count};
}

/* What a subject had before the edits; NULL: it is new. */
static const struct us_share *find_share(const struct us_share_wish *wish, struct us_str subject) {
  for (size_t i = 0; i < wish->share_count; i++)
    if (us_str_eq_nocase(wish->shares[i].subject, subject))
      return &wish->shares[i];
  return NULL;
}

/* Conditions that plugins left alone stay with their subjects; a subject that came in gets those that all have. */
static void keep_conditions(const struct us_share_wish *before, struct us_share_wish *wish) {
  for (size_t i = 0; i < wish->share_count; i++) {
    const struct us_share *share = find_share(before, wish->shares[i].subject);
    wish->shares[i].conditions = share != NULL ? share->conditions : wish->conditions;
  }
}

static enum us_code take_edits(struct us_cx *cx, struct us_doc *doc, struct us_share_wish *wish) {
  struct us_share_wish edited;
  json_t *document = us_doc_tree(doc, cx->mem);
  json_t *before = us_json_own(cx, json_loadb(doc->text.p, doc->text.n, 0, NULL));
  if (document == NULL || before == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  bool is_same = json_equal(json_object_get(document, "conditions"), json_object_get(before, "conditions")) &&
                 json_equal(json_object_get(document, "type"), json_object_get(before, "type"));
  is_same = is_same || (!json_object_get(document, "conditions") && !json_object_get(before, "conditions"));
  if (us_share_wish_read(cx, document, &edited) != US_OK)
    return us_extension_invalid(cx, "policy");
  if (is_same) {
    keep_conditions(wish, &edited);
    edited.has_own_conditions = true;
  } else {
    edited.has_conditions = true; /* also to none: that is what the plugin wrote */
  }
  *wish = edited;
  return US_OK;
}

enum us_code us_extension_before_shared(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                                        const struct us_policy *old, struct us_share_wish *wish, bool *ret_is_edited) {
  enum us_hook hook = old != NULL ? US_HOOK_BEFORE_RESOURCE_SHARED_MODIFICATION : US_HOOK_BEFORE_RESOURCE_SHARED;
  *ret_is_edited = false;
  if (!us_extension_has(cx, hook))
    return US_OK;
  struct us_policy_view view = view_of(cx, resource, sharer_id, wish->shares, wish->share_count), current;
  struct us_ask ask = {.hook = hook}, *answer;
  if (old != NULL) {
    current = view_of(cx, resource, sharer_id, old->shares, old->share_count);
    us_ask_add(&ask, US_DOC_POLICY, false, us_policy_view_text, &current);
  }
  us_ask_add(&ask, US_DOC_POLICY, true, us_policy_view_text, &view);
  enum us_code code = us_extension_consult(cx, &ask, &answer);
  struct us_doc *updated = &answer->docs[answer->doc_count - 1];
  *ret_is_edited = code == US_OK && updated->edits > 0;
  if (*ret_is_edited)
    code = take_edits(cx, updated, wish);
  us_ask_done(&ask);
  return code;
}

enum us_code us_extension_after_shared(struct us_cx *cx, const struct us_resource *resource,
                                       const struct us_policy *policy) {
  if (!us_extension_has(cx, US_HOOK_AFTER_RESOURCE_SHARED))
    return US_OK;
  struct us_policy_view view = view_of(cx, resource, policy->sharer_id, policy->shares, policy->share_count);
  struct us_ask ask = {.hook = US_HOOK_AFTER_RESOURCE_SHARED};
  us_ask_add(&ask, US_DOC_POLICY, false, us_policy_view_text, &view);
  return us_extension_tell(cx, &ask);
}

enum us_code us_extension_on_deletion(struct us_cx *cx, const struct us_resource *resource,
                                      const struct us_policy *policy) {
  if (!us_extension_has(cx, US_HOOK_ON_RESOURCE_SHARED_DELETION))
    return US_OK;
  struct us_policy_view view = view_of(cx, resource, policy->sharer_id, policy->shares, policy->share_count);
  struct us_ask ask = {.hook = US_HOOK_ON_RESOURCE_SHARED_DELETION}, *answer;
  us_ask_add(&ask, US_DOC_POLICY, false, us_policy_view_text, &view);
  enum us_code code = us_extension_consult(cx, &ask, &answer);
  us_ask_done(&ask);
  return code;
}
