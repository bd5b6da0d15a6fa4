/* A realm that asks for a second factor (RFC 6238), and codes for it. */
#ifndef USHER_FLOW_TOTP_H
#define USHER_FLOW_TOTP_H

#include "flow/flow.h"

#include "crypto/totp.h"
#include "domain/account.h"
#include "domain/snapshot.h"

#define SECRET "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
#define STEP_MS (US_TOTP_STEP_S * 1000)

struct person {
  const char *name, *secret;
  struct us_account account;
};
static inline enum us_code find_step(struct us_cx *cx, void *self) {
  struct person *p = self;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  int64_t realm_id = us_snapshot_realm(snapshot, US_STR("/alpha"))->id;
  us_snapshot_unref(snapshot);
  return us_account_by_name(cx, realm_id, us_str_c(p->name), &p->account);
}
static inline enum us_code enroll_step(struct us_cx *cx, void *self) {
  struct person *p = self;
  US_TRY(find_step(cx, p));
  return us_account_enroll(cx, p->account.id, us_str_c(p->secret));
}
static inline void enroll(struct us_world *w, const char *name, const char *secret) {
  struct person p = {.name = name, .secret = secret};
  assert_int_equal(us_world_transact(w, enroll_step, &p), US_OK);
}

/* A realm that asks, with alice enrolled. */
static inline struct us_world *strict_world(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "secondFactorRequired", "true");
  enroll(w, "alice", SECRET);
  return w;
}

/* The code of now and some steps more or less. */
static inline const char *code(struct us_world *w, int steps) {
  char text[US_TOTP_DIGITS + 1];
  assert_true(us_totp_code(US_STR(SECRET), us_world_now_ms(w) / STEP_MS + steps, text));
  return us_text(w, "%s", text);
}
static inline const char *wrong_code(struct us_world *w) {
  const char *text = "000000";
  for (int i = -2; i <= 2; i++)
    text = strcmp(code(w, i), text) == 0 ? "111111" : text;
  return text;
}

#endif
