/*
 * /uma/permission_request: a resource server asks for a permission ticket (protocol contract 5). One object or an array of
 * them; entries are checked in order and the first that does not hold decides. All of that happens before the write, which is one
 * INSERT: whatever a ticket names is looked at again when it is redeemed.
 */
#include "endpoint/uma/uma.h"

#include "base/mem.h"
#include "domain/resource.h"
#include "domain/ticket.h"
#include "json/json.h"

struct entry {
  struct us_str resource_id;
  struct us_strs resource_scopes;
};
static const struct us_field entry_fields[] = {
    {.name = "resource_id",
     .kind = US_FIELD_STRING,
     .offset = offsetof(struct entry, resource_id),
     .flags = US_FIELD_REQUIRED,
     .max = US_RESOURCE_STRING_MAX_BYTES,
     .code = US_E_INVALID_RESOURCE_ID},
    {.name = "resource_scopes",
     .kind = US_FIELD_STRINGS,
     .offset = offsetof(struct entry, resource_scopes),
     .flags = US_FIELD_REQUIRED | US_FIELD_UNIQUE,
     .max = US_RESOURCE_SCOPES_MAX,
     .item_max = US_RESOURCE_SCOPE_MAX_BYTES,
     .code = US_E_INVALID_SCOPE},
};
#define WHAT "Invalid Permission Request."
static const struct us_field_table entry_table = {.what = WHAT, .size = sizeof(struct entry), US_FIELDS(entry_fields)};

static enum us_code add_entry(struct us_call *call, const json_t *value, struct us_permissions *permissions) {
  struct entry entry = {0};
  US_TRY(us_field_from_json(&call->cx, &entry_table, value, &entry));
  return us_ticket_want(&call->cx, &call->caller.pat, entry.resource_id, entry.resource_scopes, permissions);
}

static enum us_code add_entries(struct us_call *call, const json_t *document, struct us_permissions *permissions) {
  if (json_is_object(document))
    return add_entry(call, document, permissions);
  size_t count = json_array_size(document); /* 0 for what is no array */
  if (count == 0)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, WHAT);
  if (count > US_TICKET_ENTRIES_MAX)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, WHAT " At most %d entries.", US_TICKET_ENTRIES_MAX);
  for (size_t i = 0; i < count; i++)
    US_TRY(add_entry(call, json_array_get(document, i), permissions));
  return US_OK;
}

enum us_code us_ep_permission_prepare(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_permissions permissions = {US_NEW_ARRAY(cx->mem, struct us_permission, US_TICKET_ENTRIES_MAX), 0};
  struct us_str *text = US_NEW(cx->mem, struct us_str);
  json_t *document;
  if (!permissions.v || !text)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_json_parse(cx, call->request->body, US_E_INVALID_REQUEST, &document));
  enum us_code code = add_entries(call, document, &permissions);
  us_json_drop(cx, document);
  US_TRY(code);
  call->state = text;
  return us_ticket_permissions_text(cx, &permissions, text);
}

enum us_code us_ep_permission_request(struct us_call *call) {
  const struct us_str *permissions = call->state;
  struct us_handle ticket;
  US_TRY(us_ticket_issue(&call->cx, call->realm, &call->caller.pat, *permissions, &ticket));
  struct us_json_writer w;
  us_answer_json(call, 201, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "ticket", (struct us_str){ticket.text, ticket.n});
  us_json_close(&w, '}');
  return US_OK;
}
