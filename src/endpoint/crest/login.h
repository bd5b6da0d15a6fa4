/* Parts of logging in and out: the cookie, header values as RFC 2047 words, callbacks, and where `goto` may lead (REST contract
 * b.1, b.2). */
#ifndef USHER_ENDPOINT_CREST_LOGIN_H
#define USHER_ENDPOINT_CREST_LOGIN_H

#include "domain/login.h"
#include "endpoint/call.h"

#define US_LOGIN_GOTO_MAX_BYTES 4096 /* encoded once more it must fit into the target of a request */

/* Set-Cookie with the session's token / that removes it. */
struct us_str us_login_cookie(struct us_cx *cx, struct us_str token);
struct us_str us_login_cookie_removal(struct us_cx *cx);
/* A header's text: plain, or RFC 2047 words "=?UTF-8?B?...?=". The copy is wiped with the request. What is no UTF-8 text is
 * returned empty: it is nobody's name and no password. */
enum us_code us_login_header_text(struct us_cx *cx, struct us_str value, struct us_str *ret_text) US_MUST_CHECK;

/* Which flow authIndexType and authIndexValue name; the usual one without them. US_E_INVALID_REQUEST: half of them, or none that there
 * is: ldapService and Login are names of the one flow, and so is what the realm's claimsGatheringService says. */
#define US_LOGIN_JOURNEY "ldapService"
enum us_code us_login_journey(struct us_call *call, struct us_str *ret_journey) US_MUST_CHECK;
/* The code of a second step, whose first was passed as `step` says. US_E_NOT_FOUND without text: it is wrong. US_E_STALE: the
 * account is not as it was when the password was right. */
enum us_code us_login_check_code(struct us_call *call, const struct us_login_step *step, struct us_str code,
                                 struct us_account *ret_account, int64_t *ret_code_step) US_MUST_CHECK;
/* Write step of who is through: uses the code up (code_step 0: none was asked for), ends the session that the browser's cookie names,
 * and makes a new one: a new session id at every login. US_E_NOT_FOUND: somebody was faster with the same code. */
enum us_code us_login_use_code(struct us_call *call, const struct us_account *account, int64_t code_step) US_MUST_CHECK;
enum us_code us_login_enter(struct us_call *call, const struct us_account *account, struct us_str journey,
                            struct us_handle *ret_handle) US_MUST_CHECK;

/* The answer that asks for what the step is about, in the language of the parameter `locale`. */
enum us_code us_login_answer_callbacks(struct us_call *call, const struct us_login_step *step,
                                       struct us_str auth_id) US_MUST_CHECK;

/* May a browser be sent there? To Usher itself, below its context path, and to what the realm's setting validGotoUrls names
 * (SB-03). Pure; in login_goto.c. */
bool us_login_goto_ok(const struct us_services *svc, const struct us_settings *settings, struct us_str wanted);
/* `wanted` when it is allowed, else the default / else absent. */
struct us_str us_login_goto(struct us_cx *cx, const struct us_settings *settings, struct us_str wanted);
struct us_str us_login_goto_on_fail(struct us_cx *cx, const struct us_settings *settings, struct us_str wanted);
/* "failureUrl":"...", for the body of an error. */
struct us_str us_login_failure_member(struct us_cx *cx, struct us_str url);

#endif
