/*
 * Secrets at rest: texts that must be had back in clear (private keys, TOTP secrets, secrets of client_secret_jwt) are stored
 * sealed under a key of the configuration (`storeKeyFile`), which is not in the store. XChaCha20-Poly1305 of libsodium; the place
 * where a text belongs ("signing_key:17") is authenticated along, so that rows cannot be exchanged.
 */
#ifndef USHER_CRYPTO_BOX_H
#define USHER_CRYPTO_BOX_H

#include "base/cx.h"

struct us_box; /* immutable; used from several threads */

/* From 32 raw bytes or their base64 (43 or 44 characters). US_E_INVALID_REQUEST otherwise. */
enum us_code us_box_new(struct us_cx *cx, struct us_str key, struct us_box **ret_box) US_MUST_CHECK;
void us_box_free(struct us_box *box); /* wipes; accepts NULL */
/* "usher:1:KEYID:BASE64URL". Without a box (NULL) the text as it is. */
enum us_code us_box_seal(struct us_cx *cx, const struct us_box *box, const char *place, struct us_str text,
                         struct us_str *ret_sealed) US_MUST_CHECK;
/* A text that was never sealed comes back as it is. US_E_STORE with a reason when it was sealed under another key, for another
 * place, or there is no box. *ret_text is a secret (base/mem.h). */
enum us_code us_box_open(struct us_cx *cx, const struct us_box *box, const char *place, struct us_str sealed,
                         struct us_str *ret_text) US_MUST_CHECK;
bool us_box_is_sealed(struct us_str text);
bool us_box_is_of(const struct us_box *box, struct us_str text); /* sealed under this key */

#endif
