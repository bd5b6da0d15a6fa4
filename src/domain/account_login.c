/*
 * Passwords and one-time codes: see us_account_login() and us_account_check_code() in account.h. Guessing is slowed down three times: for an account from one address, for an
 * account from everywhere, and for an address over all accounts. A stranger who guesses pauses himself, not the owner; only
 * guesses from many addresses reach the second, ten times larger limit. The account's counts go with a success, the address's only
 * loses the attempts that succeeded, because many people share one.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/box.h"
#include "crypto/password.h"
#include "crypto/totp.h"
#include "domain/account.h"
#include "domain/throttle.h"
#include "store/accounts.h"

#define US_FAILURES_EVERYWHERE_FACTOR 10

enum { HERE, EVERYWHERE, ADDRESS, COUNTS };
struct attempt {
  struct us_throttle_key keys[COUNTS];
  int64_t limits[COUNTS]; /* 0: not counted */
};

static enum us_code make_attempt(struct us_cx *cx, const struct us_realm *realm, struct us_str name_key,
                                 struct us_str address, struct attempt *ret_attempt) {
  struct us_throttle *t = cx->svc->throttle;
  struct us_str here = us_str_fmt(cx->mem, "%.*s\n%.*s", US_STR_ARG(name_key), US_STR_ARG(address));
  if (here.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_attempt = (struct attempt){
      .keys = {[HERE] = us_throttle_key(t, US_THROTTLE_ACCOUNT_AT_ADDRESS, realm->id, here),
               [EVERYWHERE] = us_throttle_key(t, US_THROTTLE_ACCOUNT, realm->id, name_key),
               [ADDRESS] = us_throttle_key(t, US_THROTTLE_ADDRESS, realm->id, address)},
      .limits = {[HERE] = realm->settings.failures_per_account,
                 [EVERYWHERE] = realm->settings.failures_per_account * US_FAILURES_EVERYWHERE_FACTOR,
                 [ADDRESS] = realm->settings.failures_per_address},
  };
  return US_OK;
}

static enum us_code slow_down(struct us_cx *cx, int wait_s) {
  (void)us_fail_plain(cx, US_E_SLOW_DOWN);
  cx->err.retry_after_s = wait_s;
  return US_E_SLOW_DOWN;
}

/* May it be tried at all? Asked on the loop, so that a flood of guesses does not fill the pool. */
static enum us_code ask(struct us_cx *cx, const struct attempt *a) {
  int longest = 0;
  for (int i = 0; i < COUNTS; i++) {
    int wait_s = us_throttle_wait_s(cx->svc->throttle, &a->keys[i], a->limits[i], cx->now_ms);
    longest = wait_s > longest ? wait_s : longest;
  }
  return longest > 0 ? slow_down(cx, longest) : US_OK;
}

/* Gives back the first `n` counts: an attempt that was refused, or cut short by a failure of ours, is not the caller's failure. */
static void take_back(struct us_cx *cx, const struct attempt *a, int n) {
  for (int i = 0; i < n; i++)
    us_throttle_give_back(cx->svc->throttle, &a->keys[i]);
}

static enum us_code take(struct us_cx *cx, const struct us_settings *s, const struct attempt *a) {
  for (int i = 0; i < COUNTS; i++) {
    int wait_s = us_throttle_take(cx->svc->throttle, &a->keys[i], a->limits[i], s->failures_window_s, cx->now_ms);
    if (wait_s == 0)
      continue;
    take_back(cx, a, i);
    return slow_down(cx, wait_s);
  }
  return US_OK;
}

enum us_code us_account_login(struct us_cx *cx, const struct us_realm *realm, struct us_str name,
                              struct us_str password, struct us_str address, bool may_block,
                              struct us_account *ret_account) {
  struct us_str key = us_str_fold(cx->mem, name);
  if (key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  struct attempt attempt;
  US_TRY(make_attempt(cx, realm, key, address, &attempt));
  US_TRY(ask(cx, &attempt));
  if (!may_block)
    return us_fail_plain(cx, US_E_TO_POOL);
  US_TRY(take(cx, &realm->settings, &attempt));

  struct us_account account = {0};
  enum us_code code = us_account_by_name(cx, realm->id, name, &account);
  if (code != US_OK && code != US_E_NOT_FOUND) {
    take_back(cx, &attempt, COUNTS);
    return code;
  }
  bool is_right = false;
  if (code == US_OK)
    is_right = us_password_verify(password, account.password_hash) && account.is_active &&
               (account.has_totp || !realm->settings.second_factor);
  else
    us_password_burn(password); /* nobody of that name: the same time */
  if (!is_right)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  us_throttle_forget(cx->svc->throttle, &attempt.keys[HERE]);
  us_throttle_forget(cx->svc->throttle, &attempt.keys[EVERYWHERE]);
  us_throttle_give_back(cx->svc->throttle, &attempt.keys[ADDRESS]);
  *ret_account = account;
  return US_OK;
}

/* Who guesses codes has the password, so nobody else is locked out when the account waits; and the address counts as ever. */
static enum us_code make_code_attempt(struct us_cx *cx, const struct us_realm *realm, const struct us_account *account,
                                      struct us_str address, struct attempt *ret_attempt) {
  struct us_throttle *t = cx->svc->throttle;
  *ret_attempt = (struct attempt){
      .keys = {[HERE] = us_throttle_key(t, US_THROTTLE_CODE, realm->id, account->name_key),
               [ADDRESS] = us_throttle_key(t, US_THROTTLE_ADDRESS, realm->id, address)},
      .limits = {[HERE] = realm->settings.failures_per_account, [ADDRESS] = realm->settings.failures_per_address},
  };
  return take(cx, &realm->settings, ret_attempt);
}

static const char *totp_place(struct us_cx *cx, int64_t account_id) {
  struct us_str place = us_str_fmt(cx->mem, US_ACCOUNT_TOTP_PLACE "%lld", (long long)account_id);
  return place.p != NULL ? place.p : "";
}

enum us_code us_account_check_code(struct us_cx *cx, const struct us_realm *realm, const struct us_account *account,
                                   struct us_str code, struct us_str address, int64_t *ret_step) {
  struct us_totp_row row = {0};
  struct attempt attempt;
  int64_t step = 0;
  US_TRY(make_code_attempt(cx, realm, account, address, &attempt));
  enum us_code found = us_account_row_totp(cx, account->id, &row);
  if (found != US_OK && found != US_E_NOT_FOUND)
    take_back(cx, &attempt, COUNTS);
  US_TRY(found);
  struct us_str secret;
  US_TRY(us_box_open(cx, cx->svc->box, totp_place(cx, account->id), row.secret, &secret));
  bool is_right = us_totp_find_step(secret, code, us_cx_now_s(cx), &step) && step > row.last_step;
  explicit_bzero((char *)(uintptr_t)secret.p, secret.n); /* our copy */
  if (!is_right)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  us_throttle_forget(cx->svc->throttle, &attempt.keys[HERE]);
  us_throttle_give_back(cx->svc->throttle, &attempt.keys[ADDRESS]);
  *ret_step = step;
  return US_OK;
}

enum us_code us_account_use_code(struct us_cx *cx, int64_t id, int64_t step) {
  return us_account_row_use_step(cx, id, step);
}

enum us_code us_account_enroll(struct us_cx *cx, int64_t id, struct us_str secret) {
  struct us_str sealed = US_STR_ABSENT;
  if (secret.p != NULL)
    US_TRY(us_box_seal(cx, cx->svc->box, totp_place(cx, id), secret, &sealed));
  return us_account_row_set_totp(cx, id, sealed);
}

enum us_code us_account_still(struct us_cx *cx, const struct us_account *account) {
  bool is_current = false;
  US_TRY(us_account_row_is_current(cx, account->id, account->rev, &is_current));
  return is_current ? US_OK : us_fail_plain(cx, US_E_STALE);
}
