/* Points about resources: registration (1, 2), permission requests (3), queries (11). See extension.h. */
#include "domain/extension_in.h"

#include "base/mem.h"
#include "domain/resource_input.h"
#include "json/json.h"

/* The description with the members that plugins may write as they are in the edited document; whatever else was in it stays. */
static enum us_code take_edits(struct us_cx *cx, struct us_doc *doc, struct us_resource_input *in) {
  static const char *const names[] = {"name", "type", "description", "uri", "icon_uri", "resource_scopes"};
  struct us_resource_input edited = {0};
  json_t *tree = us_json_own(cx, json_loadb(in->description.p, in->description.n, 0, NULL));
  json_t *document = us_doc_tree(doc, cx->mem);
  if (tree == NULL || document == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    json_t *value = json_object_get(document, names[i]);
    if (value == NULL)
      json_object_del(tree, names[i]);
    else if (json_object_set(tree, names[i], value) != 0)
      return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  if (us_resource_input_read(cx, tree, &edited) != US_OK)
    return us_extension_invalid(cx, "resource");
  edited.id = in->id;
  edited.uuid = in->uuid;
  edited.labels = in->labels;
  *in = edited;
  return US_OK;
}

enum us_code us_extension_before_registration(struct us_cx *cx, const struct us_resource *row,
                                              struct us_resource_input *in) {
  if (!us_extension_has(cx, US_HOOK_BEFORE_RESOURCE_REGISTRATION))
    return US_OK;
  struct us_resource_view view = {
      .cx = cx, .resource = row, .description = in->description, .labels = in->labels, .has_labels = true};
  struct us_ask ask = {.hook = US_HOOK_BEFORE_RESOURCE_REGISTRATION}, *answer;
  us_ask_add(&ask, US_DOC_RESOURCE, true, us_resource_view_text, &view);
  enum us_code code = us_extension_consult(cx, &ask, &answer);
  if (code == US_OK && answer->docs[0].edits > 0)
    code = take_edits(cx, &answer->docs[0], in);
  us_ask_done(&ask);
  return code;
}

enum us_code us_extension_after_registration(struct us_cx *cx, const struct us_resource *row) {
  if (!us_extension_has(cx, US_HOOK_AFTER_RESOURCE_REGISTRATION))
    return US_OK;
  struct us_resource_view view = {.cx = cx, .resource = row};
  struct us_ask ask = {.hook = US_HOOK_AFTER_RESOURCE_REGISTRATION};
  us_ask_add(&ask, US_DOC_RESOURCE, false, us_resource_view_text, &view);
  return us_extension_tell(cx, &ask);
}

enum us_code us_extension_on_permission_request(struct us_cx *cx, const struct us_access *pat,
                                                const struct us_resource *resource, struct us_strs scopes) {
  if (!us_extension_has(cx, US_HOOK_ON_PERMISSION_REQUEST))
    return US_OK;
  struct us_resource_view view = {.cx = cx, .resource = resource, .is_partial = true};
  struct us_ask ask = {.hook = US_HOOK_ON_PERMISSION_REQUEST, .requested = scopes, .word = pat->client_id}, *answer;
  us_ask_add(&ask, US_DOC_RESOURCE, false, us_resource_view_text, &view);
  enum us_code code = us_extension_consult(cx, &ask, &answer);
  us_ask_done(&ask);
  return code;
}

enum us_code us_extension_before_query(struct us_cx *cx, struct us_str user_name, struct us_str *filter,
                                       bool *ret_is_edited) {
  *ret_is_edited = false;
  if (!us_extension_has(cx, US_HOOK_BEFORE_QUERY_RESOURCE_SETS))
    return US_OK;
  struct us_ask ask = {.hook = US_HOOK_BEFORE_QUERY_RESOURCE_SETS, .word = user_name, .filter = *filter}, *answer;
  US_TRY(us_extension_consult(cx, &ask, &answer));
  *ret_is_edited = !us_str_eq(answer->filter, *filter);
  *filter = answer->filter;
  return US_OK;
}
