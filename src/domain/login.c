/* Steps of a login by callbacks: see login.h. */
#include "domain/login.h"

#include <inttypes.h>

#include "domain/seal.h"
#include "store/sessions.h"
#include "json/field.h"
#include "json/json.h"

#define PURPOSE "authId"

/* What is sealed. Whoever reads it learns row numbers and a time, which open nothing. */
#define NUMBER(text, member)                                                                                           \
  {                                                                                                                    \
    .name = (text), .kind = US_FIELD_INT, .offset = offsetof(struct us_login_step, member), .max = INT64_MAX,          \
    .flags = US_FIELD_REQUIRED                                                                                         \
  }
static const struct us_field step_fields[] = {
    NUMBER("id", id),          NUMBER("realm", realm_id),  NUMBER("stage", stage),
    NUMBER("acc", account_id), NUMBER("rev", account_rev), NUMBER("exp", expires_ms),
};
static const struct us_field_table step_table = {
    .size = sizeof(struct us_login_step), US_FIELDS(step_fields), .code = US_E_INTERNAL};

struct us_login_step us_login_begin(struct us_cx *cx, const struct us_realm *realm, enum us_login_stage stage,
                                    const struct us_account *account) {
  return (struct us_login_step){
      .id = us_next_id(cx),
      .realm_id = realm->id,
      .stage = stage,
      .account_id = account ? account->id : 0,
      .account_rev = account ? account->rev : 0,
      .expires_ms = cx->now_ms + US_LOGIN_STEP_MS,
  };
}

enum us_code us_login_seal(struct us_cx *cx, const struct us_login_step *step, struct us_str *ret_text) {
  struct us_str payload =
      us_str_fmt(cx->mem,
                 "{\"id\":%" PRId64 ",\"realm\":%" PRId64 ",\"stage\":%" PRId64 ",\"acc\":%" PRId64 ",\"rev\":%" PRId64
                 ",\"exp\":%" PRId64 "}",
                 step->id, step->realm_id, step->stage, step->account_id, step->account_rev, step->expires_ms);
  return payload.p ? us_seal(cx, PURPOSE, payload, ret_text) : us_fail_plain(cx, US_E_NO_MEMORY);
}

enum us_code us_login_open(struct us_cx *cx, const struct us_realm *realm, struct us_str text,
                           struct us_login_step *ret_step) {
  struct us_login_step step = {0};
  struct us_str payload;
  json_t *object;
  bool is_spent = false;
  US_TRY(us_unseal(cx, PURPOSE, text, &payload));
  US_TRY(us_json_parse(cx, payload, US_E_INTERNAL, &object));
  enum us_code code = us_field_from_json(cx, &step_table, object, &step);
  us_json_drop(cx, object);
  US_TRY(code);
  if (step.realm_id != realm->id || step.expires_ms <= cx->now_ms)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  US_TRY(us_login_row_is_spent(cx, step.id, &is_spent)); /* us_login_pass() decides; this spares the work before it */
  if (is_spent)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  *ret_step = step;
  return US_OK;
}

enum us_code us_login_pass(struct us_cx *cx, const struct us_login_step *step) {
  /* Ids are ordered by time and never older than their step, so what has expired lies at the front of the table. */
  US_TRY(us_login_rows_sweep(cx, us_id_first_at(cx->now_ms - US_LOGIN_STEP_MS)));
  return us_login_row_spend(cx, step->id);
}
