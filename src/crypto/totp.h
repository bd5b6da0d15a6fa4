/*
 * One-time passwords by time (RFC 6238: HMAC-SHA-1, six digits, steps of thirty seconds, which is what every authenticator app
 * speaks), by liboath. The secret is kept and shown in base32. A code is right in its own step and in one before and after; that
 * it counts only once is the caller's business, who keeps the step that was used last.
 */
#ifndef USHER_CRYPTO_TOTP_H
#define USHER_CRYPTO_TOTP_H

#include "base/str.h"

#define US_TOTP_DIGITS 6
#define US_TOTP_STEP_S 30
#define US_TOTP_WINDOW 1           /* steps before and after the present one */
#define US_TOTP_SECRET_BYTES 20    /* RFC 4226 4: as long as the digest */
#define US_TOTP_SECRET_TEXT 33     /* base32 of it and a NUL */
#define US_TOTP_SECRET_TEXT_MAX 64 /* longest base32 that is read */

void us_totp_secret_new(char ret_secret[US_TOTP_SECRET_TEXT]);
/* The code of a step. False when the secret is no base32 of a sensible length. */
bool us_totp_code(struct us_str secret, int64_t step, char ret_code[US_TOTP_DIGITS + 1]);
/* The step that the code belongs to, of those around `now_s`; false when there is none. Takes the same time whichever it is. */
bool us_totp_find_step(struct us_str secret, struct us_str code, int64_t now_s, int64_t *ret_step);
/* otpauth://totp/ISSUER:NAME?secret=...: what an app reads from a picture. Absent when out of memory. */
struct us_str us_totp_uri(void *mem, struct us_str issuer, struct us_str name, struct us_str secret);

#endif
