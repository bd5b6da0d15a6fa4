/*
 * SHA-256, HMAC-SHA-256, base64url and comparison in constant time. Algorithms are fetched once per process
 * (us_crypto_setup) and contexts kept per thread, because fetching costs more than hashing a handle.
 */
#ifndef USHER_CRYPTO_DIGEST_H
#define USHER_CRYPTO_DIGEST_H

#include "base/str.h"

#define US_SHA256_BYTES 32
#define US_SHA256_TEXT_BYTES 44 /* 43 characters of base64url and a NUL */

/* Once, before any thread starts. Returns 0 or -1. us_crypto_done() at exit, for leak checks. */
int us_crypto_setup(void);
void us_crypto_done(void);

void us_sha256(struct us_str in, uint8_t ret_digest[US_SHA256_BYTES]);
/* base64url of SHA-256: the form in which the store keeps secrets of handles. */
void us_sha256_text(struct us_str in, char ret_text[US_SHA256_TEXT_BYTES]);
void us_sha256_hex(struct us_str in, char ret_text[65]);
void us_hmac_sha256(struct us_str key, struct us_str in, uint8_t ret_mac[US_SHA256_BYTES]);

bool us_equal_ct(const void *a, const void *b, size_t n);
bool us_str_equal_ct(struct us_str a, struct us_str b); /* lengths are not secret */

/* Unpadded, canonical: decoding refuses padding, other characters and non-zero unused bits. */
size_t us_base64url_encode(const void *bytes, size_t n,
                           char *ret_text); /* returns length; writes a NUL; room 4*((n+2)/3)+1 */
bool us_base64url_decode(struct us_str text, void *ret_bytes, size_t room, size_t *ret_n);
struct us_str us_base64url(void *mem, const void *bytes, size_t n);
/* Standard base64 for HTTP Basic: padding optional, nothing else tolerated. */
bool us_base64_decode(struct us_str text, void *ret_bytes, size_t room, size_t *ret_n);

#endif
