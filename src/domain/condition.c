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

static enum us_code refuse_date(struct us_cx *cx) {
  return us_fail(cx, US_E_INVALID_REQUEST, CONDITION " 'expirationDate' must be a number of seconds.");
}

static enum us_code refuse_clients(struct us_cx *cx) {
  return us_fail(cx, US_E_INVALID_REQUEST, CONDITION " 'clientIds' must be an array of Strings.");
}

static struct us_str json_str(const json_t *value) {
  return (struct us_str){json_string_value(value), json_string_length(value)};
}

static enum us_code read_date(struct us_cx *cx, const json_t *object, struct us_condition *condition) {
  const json_t *value = json_object_get(object, "expirationDate");
  uint64_t seconds = 0;
  if (json_is_string(value)) { /* one documented page writes it as a decimal string */
    if (!us_str_to_u64(json_str(value), US_CONDITION_DATE_MAX_S, &seconds))
      return refuse_date(cx);
    condition->date_s = (int64_t)seconds;
    return US_OK;
  }
  if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > US_CONDITION_DATE_MAX_S)
    return refuse_date(cx);
  condition->date_s = json_integer_value(value);
  return US_OK;
}

static enum us_code add_client(struct us_cx *cx, const json_t *value, struct us_strs *ids) {
  if (!json_is_string(value))
    return refuse_clients(cx);
  ids->v[ids->n] = us_str_dup(cx->mem, json_str(value));
  if (ids->v[ids->n++].p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
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
  condition->client_ids.v = us_mem_alloc(cx->mem, (n + 1) * sizeof(struct us_str));
  if (condition->client_ids.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (list == NULL)
    return add_client(cx, single, &condition->client_ids);
  for (size_t i = 0; i < n; i++)
    US_TRY(add_client(cx, json_array_get(list, i), &condition->client_ids));
  return US_OK;
}

static enum us_code read_condition(struct us_cx *cx, const json_t *object, struct us_condition *condition) {
  struct us_str type = json_str(json_object_get(object, "type"));
  if (!json_is_object(object))
    return us_fail(cx, US_E_INVALID_REQUEST, CONDITION " Must be an Object.");
  if (type.p == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, CONDITION " Missing required attribute, 'type'.");
  if (us_str_eq_nocase(type, US_STR("Expiration"))) {
    condition->kind = US_CONDITION_EXPIRATION;
    return read_date(cx, object, condition);
  }
  if (us_str_eq_nocase(type, US_STR("ClientId"))) {
    condition->kind = US_CONDITION_CLIENT_ID;
    return read_clients(cx, object, condition);
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
  us_json_name(w, "type");
  if (condition->kind == US_CONDITION_EXPIRATION) {
    us_json_c(w, "Expiration");
    us_json_member_i64(w, "expirationDate", condition->date_s);
  } else {
    us_json_c(w, "ClientId");
    us_json_name(w, "clientIds");
    us_json_strs(w, condition->client_ids);
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
