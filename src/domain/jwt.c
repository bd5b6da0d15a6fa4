/* Members of a JWT: see jwt.h. */
#include "domain/jwt.h"

struct us_str us_jwt_text(const json_t *object, const char *name) {
  const json_t *value = json_object_get(object, name);
  return json_is_string(value) ? (struct us_str){json_string_value(value), json_string_length(value)} : US_STR_ABSENT;
}

bool us_jwt_date(const json_t *value, int64_t *ret_s) {
  if (!json_is_number(value))
    return false;
  double number = json_number_value(value);
  if (!(number >= 0 && number <= 1e13))
    return false;
  *ret_s = json_is_integer(value) ? json_integer_value(value) : (int64_t)number; /* cuts the fraction off */
  return true;
}

const char *us_jwt_flaw_of_dates(const json_t *claims, int64_t now_s, int64_t leeway_s, int64_t *ret_exp_s) {
  static const char *const earlier[] = {"nbf", "iat"};
  int64_t at = 0;
  if (!us_jwt_date(json_object_get(claims, "exp"), ret_exp_s))
    return "exp is missing or no date";
  if (now_s > *ret_exp_s + leeway_s)
    return "expired";
  for (size_t i = 0; i < sizeof(earlier) / sizeof(earlier[0]); i++) {
    const json_t *value = json_object_get(claims, earlier[i]);
    if (value != NULL && !us_jwt_date(value, &at))
      return "nbf or iat is no date";
    if (value != NULL && at > now_s + US_CLOCK_SKEW_S)
      return "not yet valid";
  }
  return NULL;
}

bool us_jwt_audience(const json_t *aud, struct us_strs wanted, size_t *ret_n, bool *ret_has) {
  const json_t *item;
  size_t i;
  *ret_n = 0;
  *ret_has = false;
  if (json_is_string(aud)) {
    *ret_n = 1;
    *ret_has = us_strs_has(wanted, (struct us_str){json_string_value(aud), json_string_length(aud)});
    return true;
  }
  if (!json_is_array(aud) || json_array_size(aud) == 0)
    return false;
  json_array_foreach((json_t *)(uintptr_t)aud, i, item) {
    if (!json_is_string(item))
      return false;
    *ret_has |= us_strs_has(wanted, (struct us_str){json_string_value(item), json_string_length(item)});
  }
  *ret_n = json_array_size(aud);
  return true;
}
