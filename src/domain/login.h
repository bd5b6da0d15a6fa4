/*
 * Logging in by callbacks (REST contract b.2): what `authId` is. It is a sealed text (domain/seal.h) that carries the state of the
 * login: its id, the realm, which step comes next and, behind the password, who it is. Nothing is stored while a login begins or
 * fails, so that a stranger cannot fill the store; a step that is passed writes down its id, by one statement, and is passed once.
 *
 *   us_login_open(cx, realm, text, &step)          prepare: ours, of this realm, not too old, not passed yet
 *   ... the password or the code is right ...
 *   us_login_seal(cx, &next, &text)                another step comes
 *   us_login_pass(cx, &step)                       write step: US_E_NOT_FOUND when somebody was faster
 */
#ifndef USHER_DOMAIN_LOGIN_H
#define USHER_DOMAIN_LOGIN_H

#include "domain/services.h"

#define US_LOGIN_STEP_MS (5 * 60 * 1000) /* how long a login page may stay open */

enum us_login_stage { US_LOGIN_PASSWORD = 1, US_LOGIN_CODE = 2 };
struct us_login_step {
  int64_t id;
  int64_t realm_id;
  int64_t stage;                   /* enum us_login_stage: what is asked for */
  int64_t account_id, account_rev; /* CODE: whose password was right, and as it was then */
  int64_t expires_ms;
};
/* A step with an id and an end of its own. */
struct us_login_step us_login_begin(struct us_cx *cx, const struct us_realm *realm, enum us_login_stage stage,
                                    const struct us_account *account);
enum us_code us_login_seal(struct us_cx *cx, const struct us_login_step *step, struct us_str *ret_text) US_MUST_CHECK;
/* US_E_NOT_FOUND (an answer) when it cannot be gone on with, for whatever reason. */
enum us_code us_login_open(struct us_cx *cx, const struct us_realm *realm, struct us_str text,
                           struct us_login_step *ret_step) US_MUST_CHECK;
enum us_code us_login_pass(struct us_cx *cx, const struct us_login_step *step) US_MUST_CHECK;

#endif
