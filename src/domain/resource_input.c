/* Descriptions of resources: see resource_input.h. */
#include "domain/resource_input.h"

#include "base/mem.h"
#include "json/field.h"
#include "json/json.h"

/* What is decoded. */
struct body {
  struct us_resource_input input;
  struct us_str uri; /* checked here, kept in the description only */
};
#define AT(member) offsetof(struct body, member)

/* The order of the rows is the order in which flaws are told. Texts: protocol contract 4.8. */
static const struct us_field body_fields[] = {
    {.name = "resource_scopes",
     .kind = US_FIELD_STRINGS,
     .offset = AT(input.scopes),
     .flags = US_FIELD_REQUIRED | US_FIELD_UNIQUE | US_FIELD_NO_EMPTY_ITEMS | US_FIELD_NO_CONTROLS,
     .max = US_RESOURCE_SCOPES_MAX,
     .item_max = US_RESOURCE_SCOPE_MAX_BYTES},
    {.name = "name", .kind = US_FIELD_STRING, .offset = AT(input.name), .max = US_RESOURCE_STRING_MAX_BYTES},
    {.name = "description", .kind = US_FIELD_STRING, .offset = AT(input.about), .max = US_RESOURCE_STRING_MAX_BYTES},
    {.name = "type", .kind = US_FIELD_STRING, .offset = AT(input.type), .max = US_RESOURCE_STRING_MAX_BYTES},
    {.name = "icon_uri", .kind = US_FIELD_URI, .offset = AT(input.icon_uri), .max = US_RESOURCE_STRING_MAX_BYTES},
    {.name = "uri", .kind = US_FIELD_URI, .offset = AT(uri), .max = US_RESOURCE_STRING_MAX_BYTES},
    {.name = "labels",
     .kind = US_FIELD_STRINGS,
     .offset = AT(input.labels),
     .flags = US_FIELD_OPTIONAL_WORD | US_FIELD_UNIQUE | US_FIELD_NO_EMPTY_ITEMS | US_FIELD_NO_CONTROLS,
     .max = US_RESOURCE_LABELS_MAX,
     .item_max = US_RESOURCE_STRING_MAX_BYTES},
};
static const struct us_field_table body_table = {
    .what = "Invalid Resource Set Description.", .size = sizeof(struct body), US_FIELDS(body_fields)};

/* Takes out what is not part of the description: what the server owns, labels, and known members that were null. */
static void strip(json_t *description) {
  static const char *const not_kept[] = {"_id", "user_access_policy_uri", "labels"};
  static const char *const optional[] = {"name", "description", "type", "icon_uri", "uri"};
  for (size_t i = 0; i < sizeof(not_kept) / sizeof(not_kept[0]); i++)
    json_object_del(description, not_kept[i]);
  for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
    if (json_is_null(json_object_get(description, optional[i])))
      json_object_del(description, optional[i]);
}

/* The scopes as they count: without repeats. */
static int put_scopes(json_t *description, struct us_strs scopes) {
  return json_object_set_new(description, "resource_scopes", us_json_array_of(scopes));
}

enum us_code us_resource_input_read(struct us_cx *cx, json_t *document, struct us_resource_input *ret_input) {
  struct body body = {0};
  US_TRY(us_field_from_json(cx, &body_table, document, &body));
  strip(document);
  if (put_scopes(document, body.input.scopes) != 0)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  body.input.description = us_json_dump(cx, document);
  *ret_input = body.input;
  return body.input.description.p ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}
