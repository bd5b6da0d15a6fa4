/*
 * Conditions on shares (REST contract c.8): from a request, to the store, back from the store. Both documented spellings are
 * accepted; one canonical text is stored, and the same text is sent, so equal conditions compare as equal texts:
 *
 *   {"type":"AND","conditions":[{"type":"Expiration","expirationDate":1938263100},{"type":"ClientId","clientIds":["app1"]}]}
 */
#include <string.h>

#include "base/mem.h"
#include "domain/share.h"
#include "json/json.h"
#include "json/write.h"

#define CONDITION "Invalid UMA policy condition."
#define TEXT_MAX_BYTES (128 * 1024) /* a body is 64 KiB; escapes may double it */

static enum us_code refuse_number(struct us_cx *cx, const char *member, const char *of_what) {
  return us_fail(cx, US_E_INVALID_REQUEST, CONDITION " '%s' must be a number of %s.", member, of_what);
}

static enum us_code refuse_clients(struct us_cx *cx) {
  return us_fail(cx, US_E_INVALID_REQUEST, CONDITION " 'clientIds' must be an array of Strings.");
}

static struct us_str json_str(const json_t *value) {
  return (struct us_str){json_string_value(value), json_string_length(value)};
}

/* A whole number; one documented page writes it as a decimal string. */
static bool read_number(const json_t *value, int64_t max, int64_t *ret_number) {
  uint64_t number = 0;
  if (json_is_string(value)) {
    if (!us_str_to_u64(json_str(value), (uint64_t)max, &number))
      return false;
    *ret_number = (int64_t)number;
    return true;
  }
  *ret_number = json_integer_value(value);
  return json_is_integer(value) && *ret_number >= 0 && *ret_number <= max;
}

static enum us_code read_expiration(struct us_cx *cx, const json_t *object, struct us_condition *condition) {
  if (!read_number(json_object_get(object, "expirationDate"), US_CONDITION_DATE_MAX_S, &condition->date_s))
    return refuse_number(cx, "expirationDate", "seconds");
  return US_OK;
}

static enum us_code read_not_before(struct us_cx *cx, const json_t *object, struct us_condition *condition) {
  if (!read_number(json_object_get(object, "date"), US_CONDITION_DATE_MAX_S, &condition->date_s))
    return refuse_number(cx, "date", "seconds");
  return US_OK;
}

static enum us_code read_max_uses(struct us_cx *cx, const json_t *object, struct us_condition *condition) {
  if (!read_number(json_object_get(object, "uses"), US_CONDITION_USES_MAX, &condition->uses) || condition->uses == 0)
    return refuse_number(cx, "uses", "times, 1 or more");
  return US_OK;
}

/* Client ids go into one piece of memory: a stored list may be long, and an allocation costs more than an id. */
struct client_list {
  struct us_strs ids;
  char *bytes;
};

static size_t client_bytes(const json_t *list, const json_t *single) {
  size_t bytes = json_string_length(single);
  for (size_t i = 0; i < json_array_size(list); i++)
    bytes += json_string_length(json_array_get(list, i));
  return bytes;
}

static enum us_code add_client(struct us_cx *cx, const json_t *value, struct client_list *list) {
  if (!json_is_string(value))
    return refuse_clients(cx);
  struct us_str id = json_str(value);
  if (id.n > 0)
    memcpy(list->bytes, id.p, id.n);
  list->ids.v[list->ids.n++] = (struct us_str){list->bytes, id.n};
  list->bytes += id.n;
  return US_OK;
}

static enum us_code read_clients(struct us_cx *cx, const json_t *object, struct us_condition *condition) {
  const json_t *list = json_object_get(object, "clientIds");
  const json_t *single = json_object_get(object, "clientId");
  size_t n = json_is_array(list) ? json_array_size(list) : 1;
  if (list == NULL ? !json_is_string(single) : !json_is_array(list))
    return refuse_clients(cx);
  if (n > US_CONDITION_CLIENTS_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, CONDITION " 'clientIds' has more than %d members.",
                   US_CONDITION_CLIENTS_MAX);
  struct client_list clients = {.ids.v = US_NEW_ARRAY(cx->mem, struct us_str, n + 1),
                                .bytes = us_mem_alloc(cx->mem, client_bytes(list, single) + 1)};
  if (clients.ids.v == NULL || clients.bytes == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (list == NULL)
    US_TRY(add_client(cx, single, &clients));
  for (size_t i = 0; list != NULL && i < n; i++)
    US_TRY(add_client(cx, json_array_get(list, i), &clients));
  condition->client_ids = clients.ids;
  return US_OK;
}

static void write_expiration(struct us_json_writer *w, const struct us_condition *condition) {
  us_json_member_i64(w, "expirationDate", condition->date_s);
}

static void write_not_before(struct us_json_writer *w, const struct us_condition *condition) {
  us_json_member_i64(w, "date", condition->date_s);
}

static void write_max_uses(struct us_json_writer *w, const struct us_condition *condition) {
  us_json_member_i64(w, "uses", condition->uses);
}

static void write_clients(struct us_json_writer *w, const struct us_condition *condition) {
  us_json_name(w, "clientIds");
  us_json_strs(w, condition->client_ids);
}

/* The kinds there are: c.8, and two of ours (design 6). Names are read in any case. */
static const struct {
  const char *name;
  int kind;
  enum us_code (*read)(struct us_cx *cx, const json_t *object, struct us_condition *condition);
  void (*write)(struct us_json_writer *w, const struct us_condition *condition);
} kinds[] = {
    {"Expiration", US_CONDITION_EXPIRATION, read_expiration, write_expiration},
    {"ClientId", US_CONDITION_CLIENT_ID, read_clients, write_clients},
    {"NotBefore", US_CONDITION_NOT_BEFORE, read_not_before, write_not_before},
    {"MaxUses", US_CONDITION_MAX_USES, read_max_uses, write_max_uses},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static enum us_code read_condition(struct us_cx *cx, const json_t *object, struct us_condition *condition) {
  struct us_str type = json_str(json_object_get(object, "type"));
  if (!json_is_object(object))
    return us_fail(cx, US_E_INVALID_REQUEST, CONDITION " Must be an Object.");
  if (type.p == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, CONDITION " Missing required attribute, 'type'.");
  for (size_t i = 0; i < KINDS; i++) {
    if (!us_str_eq_nocase(type, us_str_c(kinds[i].name)))
      continue;
    condition->kind = kinds[i].kind;
    return kinds[i].read(cx, object, condition);
  }
  /* Groups (AND, OR, NOT) inside are not accepted either. */
  struct us_str shown = {type.p, type.n < 64 ? type.n : 64};
  while (shown.n > 0 && !us_str_is_utf8(shown))
    shown.n--;
  return us_fail(cx, US_E_INVALID_REQUEST, CONDITION " Unknown type, '%.*s'.", US_STR_ARG(shown));
}

static enum us_code read_combinator(struct us_cx *cx, const json_t *type, bool *ret_any) {
  *ret_any = false; /* absent: AND */
  if (type == NULL || json_is_null(type))
    return US_OK;
  struct us_str text = json_str(type);
  *ret_any = us_str_eq_c(text, "OR");
  if (text.p == NULL || (!*ret_any && !us_str_eq_c(text, "AND")))
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid UMA policy. 'type' must be AND or OR.");
  return US_OK;
}

enum us_code us_conditions_from_json(struct us_cx *cx, const json_t *type, const json_t *conditions,
                                     struct us_conditions *ret_conditions) {
  struct us_conditions out = {0};
  US_TRY(read_combinator(cx, type, &out.any));
  *ret_conditions = out;
  if (conditions == NULL || json_is_null(conditions))
    return US_OK;
  if (!json_is_array(conditions))
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid UMA policy. Optional attribute, 'conditions', must be an array.");
  size_t n = json_array_size(conditions);
  if (n > US_CONDITIONS_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid UMA policy. 'conditions' has more than %d members.",
                   US_CONDITIONS_MAX);
  out.v = US_NEW_ARRAY(cx->mem, struct us_condition, n + 1);
  if (out.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < n; i++)
    US_TRY(read_condition(cx, json_array_get(conditions, i), &out.v[out.n++]));
  *ret_conditions = out;
  return US_OK;
}

enum us_code us_conditions_parse(struct us_cx *cx, struct us_str text, struct us_conditions *ret_conditions) {
  *ret_conditions = (struct us_conditions){0};
  if (text.n == 0)
    return US_OK;
  json_t *value = NULL;
  US_TRY(us_json_parse(cx, text, US_E_INTERNAL, &value)); /* our own text: anything wrong is damage */
  enum us_code code =
      us_conditions_from_json(cx, json_object_get(value, "type"), json_object_get(value, "conditions"), ret_conditions);
  us_json_drop(cx, value);
  if (code == US_E_INVALID_REQUEST)
    return us_fail(cx, US_E_INTERNAL, "stored conditions cannot be read");
  return code;
}

static void write_condition(struct us_json_writer *w, const struct us_condition *condition) {
  us_json_open(w, '{');
  for (size_t i = 0; i < KINDS; i++) {
    if (kinds[i].kind != condition->kind)
      continue;
    us_json_name(w, "type");
    us_json_c(w, kinds[i].name);
    kinds[i].write(w, condition);
  }
  us_json_close(w, '}');
}

struct us_str us_conditions_text(struct us_cx *cx, const struct us_conditions *conditions) {
  struct us_json_writer w;
  struct us_buf out;
  if (conditions->n == 0)
    return US_STR("");
  us_buf_init(&out, TEXT_MAX_BYTES);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_name(&w, "type");
  us_json_c(&w, conditions->any ? "OR" : "AND");
  us_json_name(&w, "conditions");
  us_json_open(&w, '[');
  for (size_t i = 0; i < conditions->n; i++)
    write_condition(&w, &conditions->v[i]);
  us_json_close(&w, ']');
  us_json_close(&w, '}');
  struct us_str text = us_buf_ok(&out) ? us_str_dup(cx->mem, us_buf_str(&out)) : US_STR_ABSENT;
  us_buf_done(&out);
  return text;
}
