/*
 * Passwords and client secrets: argon2id by libsodium (t=2, m=19 MiB), as its own "$argon2id$..." text. About 17 ms a
 * call: never on an event loop, never on the writer. us_password_burn() spends the same time for somebody unknown.
 */
#ifndef USHER_CRYPTO_PASSWORD_H
#define USHER_CRYPTO_PASSWORD_H

#include "base/cx.h"

#define US_PASSWORD_MAX_BYTES 1024
#define US_PASSWORD_HASH_BYTES 128

/* `ret_hash` gets the text. US_E_UNAVAILABLE when 19 MiB are not to be had; US_E_INVALID_REQUEST past the maximum. */
enum us_code us_password_hash(struct us_cx *cx, struct us_str password,
                              char ret_hash[US_PASSWORD_HASH_BYTES]) US_MUST_CHECK;
/* True when it matches. False also for a hash that cannot be read. */
bool us_password_verify(struct us_str password, struct us_str hash);
void us_password_burn(struct us_str password);

#endif
