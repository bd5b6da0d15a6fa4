/*
 * Handles: what a client holds of a ticket, token, code or session.
 *
 *   bytes   | 8: row id, big-endian, sign 0 | 2: iteration, big-endian, only when it is not 0 | 20: random |
 *   text    base64url of that: 38 characters, or 40 with an iteration
 *
 * An iteration of 0 is left out, so each (id, iteration) has one form only. The length of the text tells the two forms
 * apart, and everything of another length is refused before it is decoded or hashed.
 */
#include "crypto/handle.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

#include "crypto/random.h"

#define ID_BYTES 8
#define ITERATION_BYTES 2
#define PLAIN_BYTES (ID_BYTES + US_HANDLE_SECRET_BYTES)
#define TICKET_BYTES (PLAIN_BYTES + ITERATION_BYTES)
#define PLAIN_CHARS 38
#define TICKET_CHARS 40

static_assert((PLAIN_BYTES * 4 + 2) / 3 == PLAIN_CHARS, "length of a handle's text");
static_assert((TICKET_BYTES * 4 + 2) / 3 == TICKET_CHARS, "length of a ticket handle's text");
static_assert(TICKET_CHARS < US_HANDLE_TEXT_BYTES, "room for any handle");

void us_handle_mint(int64_t id, uint16_t iteration, struct us_handle *ret_handle) {
  assert(id >= 0);
  uint8_t raw[TICKET_BYTES];
  size_t n = 0;
  for (int shift = 56; shift >= 0; shift -= 8)
    raw[n++] = (uint8_t)((uint64_t)id >> shift);
  if (iteration != 0) {
    raw[n++] = (uint8_t)(iteration >> 8);
    raw[n++] = (uint8_t)iteration;
  }
  us_random(raw + n, US_HANDLE_SECRET_BYTES);
  n += US_HANDLE_SECRET_BYTES;

  memset(ret_handle, 0, sizeof(*ret_handle));
  ret_handle->n = us_base64url_encode(raw, n, ret_handle->text);
  us_sha256_text((struct us_str){ret_handle->text, ret_handle->n}, ret_handle->digest);
  OPENSSL_cleanse(raw, sizeof(raw));
}

bool us_handle_parse(struct us_str text, int64_t *ret_id, uint16_t *ret_iteration,
                     char ret_digest[US_SHA256_TEXT_BYTES]) {
  if (text.n != PLAIN_CHARS && text.n != TICKET_CHARS)
    return false;

  uint8_t raw[TICKET_BYTES];
  size_t n = 0;
  uint64_t id = 0;
  uint16_t iteration = 0;
  bool is_ours = us_base64url_decode(text, raw, sizeof(raw), &n);
  if (is_ours) {
    for (size_t i = 0; i < ID_BYTES; i++)
      id = id << 8 | raw[i];
    if (n == TICKET_BYTES)
      iteration = (uint16_t)(raw[ID_BYTES] << 8 | raw[ID_BYTES + 1]);
    is_ours = id <= INT64_MAX && (n == PLAIN_BYTES || iteration != 0);
  }
  OPENSSL_cleanse(raw, sizeof(raw));
  if (!is_ours)
    return false;

  *ret_id = (int64_t)id;
  *ret_iteration = iteration;
  us_sha256_text(text, ret_digest);
  return true;
}

bool us_handle_matches(const char digest[US_SHA256_TEXT_BYTES], struct us_str stored_digest) {
  return us_str_equal_ct((struct us_str){digest, US_SHA256_TEXT_BYTES - 1}, stored_digest);
}
