/* Policies as requests write them: see share_input.h. */
#include "domain/share_input.h"

#include "base/mem.h"
#include "json/field.h"
#include "json/json.h"

struct line {
  struct us_str subject;
  struct us_strs scopes;
};
static const struct us_field line_fields[] = {
    {.name = "subject",
     .kind = US_FIELD_STRING,
     .offset = offsetof(struct line, subject),
     .flags = US_FIELD_REQUIRED | US_FIELD_NO_CONTROLS,
     .max = US_SHARE_SUBJECT_MAX_BYTES},
    {.name = "scopes",
     .kind = US_FIELD_STRINGS,
     .offset = offsetof(struct line, scopes),
     .flags = US_FIELD_REQUIRED,
     .max = US_SHARE_SCOPES_MAX,
     .item_max = US_SHARE_SCOPE_MAX_BYTES},
};
static const struct us_field_table line_table = {
    .what = "Invalid UMA policy permission.", .size = sizeof(struct line), US_FIELDS(line_fields)};

struct body {
  struct us_field_list permissions;
};
static const struct us_field body_fields[] = {
    {.name = "permissions",
     .kind = US_FIELD_TABLES,
     .offset = offsetof(struct body, permissions),
     .flags = US_FIELD_REQUIRED,
     .max = US_SHARE_SUBJECTS_MAX,
     .table = &line_table},
};
static const struct us_field_table body_table = {
    .what = "Invalid UMA policy.", .size = sizeof(struct body), US_FIELDS(body_fields)};

/* c.3 step 4: blank subjects are looked for in all permissions before the structure of any. */
static enum us_code check_subjects(struct us_cx *cx, const json_t *permissions) {
  for (size_t i = 0; i < json_array_size(permissions); i++) {
    const json_t *element = json_array_get(permissions, i);
    const json_t *subject = json_object_get(element, "subject");
    struct us_str text = {json_string_value(subject), json_string_length(subject)};
    if (json_is_string(subject) && us_str_is_blank(text))
      return us_fail(cx, US_E_INVALID_REQUEST, "Subject cannot be a blank string");
  }
  return US_OK;
}

static enum us_code check_elements(struct us_cx *cx, const json_t *permissions) {
  for (size_t i = 0; i < json_array_size(permissions); i++) {
    if (!json_is_object(json_array_get(permissions, i)))
      return us_fail(cx, US_E_INVALID_REQUEST, "Invalid UMA policy permission. Must be an Object.");
  }
  return US_OK;
}

enum us_code us_share_wish_read(struct us_cx *cx, const json_t *object, struct us_share_wish *ret_wish) {
  const json_t *permissions = json_object_get(object, "permissions");
  const json_t *conditions = json_object_get(object, "conditions");
  struct body body = {0};
  struct us_share_wish wish = {.has_conditions = conditions != NULL && !json_is_null(conditions)};
  US_TRY(check_subjects(cx, permissions));
  US_TRY(check_elements(cx, permissions));
  US_TRY(us_field_from_json(cx, &body_table, object, &body));
  US_TRY(us_conditions_from_json(cx, json_object_get(object, "type"), conditions, &wish.conditions));
  wish.shares = US_NEW_ARRAY(cx->mem, struct us_share, body.permissions.n + 1);
  if (wish.shares == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  const struct line *lines = body.permissions.v;
  for (; wish.share_count < body.permissions.n; wish.share_count++)
    wish.shares[wish.share_count] = (struct us_share){
        .subject = lines[wish.share_count].subject,
        .scopes = lines[wish.share_count].scopes,
    };
  *ret_wish = wish;
  return US_OK;
}
