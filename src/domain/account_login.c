/*
 * Passwords: see us_account_login() in account.h. Guessing is slowed down twice, by account and by address; the account's count
 * goes with a success, the address's only loses the attempts that succeeded, because many people share one.
 */
#include "base/mem.h"
#include "crypto/password.h"
#include "domain/account.h"
#include "domain/throttle.h"

struct attempt {
  struct us_throttle_key account, address;
};

static enum us_code slow_down(struct us_cx *cx, int wait_s) {
  (void)us_fail_plain(cx, US_E_SLOW_DOWN);
  cx->err.retry_after_s = wait_s;
  return US_E_SLOW_DOWN;
}

/* May it be tried at all? Asked on the loop, so that a flood of guesses does not fill the pool. */
static enum us_code ask(struct us_cx *cx, const struct us_settings *s, const struct attempt *a) {
  struct us_throttle *t = cx->svc->throttle;
  int by_account = us_throttle_wait_s(t, &a->account, s->failures_per_account, cx->now_ms);
  int by_address = us_throttle_wait_s(t, &a->address, s->failures_per_address, cx->now_ms);
  int wait_s = by_account > by_address ? by_account : by_address;
  return wait_s > 0 ? slow_down(cx, wait_s) : US_OK;
}

static enum us_code take(struct us_cx *cx, const struct us_settings *s, const struct attempt *a) {
  struct us_throttle *t = cx->svc->throttle;
  int wait_s = us_throttle_take(t, &a->account, s->failures_per_account, s->failures_window_s, cx->now_ms);
  if (wait_s > 0)
    return slow_down(cx, wait_s);
  wait_s = us_throttle_take(t, &a->address, s->failures_per_address, s->failures_window_s, cx->now_ms);
  if (wait_s == 0)
    return US_OK;
  us_throttle_give_back(t, &a->account);
  return slow_down(cx, wait_s);
}

/* An attempt that was cut short by a failure of ours is not the caller's failure. */
static void take_back(struct us_cx *cx, const struct attempt *a) {
  us_throttle_give_back(cx->svc->throttle, &a->account);
  us_throttle_give_back(cx->svc->throttle, &a->address);
}

enum us_code us_account_login(struct us_cx *cx, const struct us_realm *realm, struct us_str name,
                              struct us_str password, struct us_str address, bool may_block,
                              struct us_account *ret_account) {
  struct us_str key = us_str_fold(cx->mem, name);
  if (key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  struct attempt attempt = {
      .account = us_throttle_key(cx->svc->throttle, US_THROTTLE_ACCOUNT, realm->id, key),
      .address = us_throttle_key(cx->svc->throttle, US_THROTTLE_ADDRESS, realm->id, address),
  };
  US_TRY(ask(cx, &realm->settings, &attempt));
  if (!may_block)
    return us_fail_plain(cx, US_E_TO_POOL);
  US_TRY(take(cx, &realm->settings, &attempt));

  struct us_account account = {0};
  enum us_code code = us_account_by_name(cx, realm->id, name, &account);
  if (code != US_OK && code != US_E_NOT_FOUND) {
    take_back(cx, &attempt);
    return code;
  }
  bool is_right = false;
  if (code == US_OK)
    is_right = us_password_verify(password, account.password_hash) && account.is_active;
  else
    us_password_burn(password); /* nobody of that name: the same time */
  if (!is_right)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  us_throttle_forget(cx->svc->throttle, &attempt.account);
  us_throttle_give_back(cx->svc->throttle, &attempt.address);
  *ret_account = account;
  return US_OK;
}
