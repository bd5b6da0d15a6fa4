/*
 * Handles: what a client holds of a ticket, token, code or session. 8 bytes of row id and 20 random bytes (160 bits),
 * base64url, 38 characters. The row is found by its id and keeps only SHA-256 of the whole text, so that a reader of
 * the database cannot use what he finds (SB-15). A ticket's handle carries its iteration in two more bytes, left out
 * while it is 0.
 */
#ifndef USHER_CRYPTO_HANDLE_H
#define USHER_CRYPTO_HANDLE_H

#include "crypto/digest.h"

#define US_HANDLE_SECRET_BYTES 20
#define US_HANDLE_TEXT_BYTES 48 /* room for any handle with its NUL */

struct us_handle {
  char text[US_HANDLE_TEXT_BYTES]; /* NUL-terminated; the secret itself: never stored, never logged */
  size_t n;
  char digest[US_SHA256_TEXT_BYTES]; /* base64url SHA-256 of text: this is stored */
};

void us_handle_mint(int64_t id, uint16_t iteration, struct us_handle *ret_handle);
/* Takes a handle from outside apart; false when it cannot be one of ours (then it is unknown). Fills digest too. */
bool us_handle_parse(struct us_str text, int64_t *ret_id, uint16_t *ret_iteration,
                     char ret_digest[US_SHA256_TEXT_BYTES]);
/* Constant time. */
bool us_handle_matches(const char digest[US_SHA256_TEXT_BYTES], struct us_str stored_digest);

#endif
