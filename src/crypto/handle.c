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

/* Six bits of each character, plus one; 0 for what is none. libsodium's decoder takes constant time, which is a quarter of the work on a handle
 * and hides nothing here: the text is digested, and only the digests are compared, in constant time. */
static const uint8_t sextets[256] = {
#define S(c, v) [c] = (v) + 1
    S('A', 0),  S('B', 1),  S('C', 2),  S('D', 3),  S('E', 4),  S('F', 5),  S('G', 6),  S('H', 7),
    S('I', 8),  S('J', 9),  S('K', 10), S('L', 11), S('M', 12), S('N', 13), S('O', 14), S('P', 15),
    S('Q', 16), S('R', 17), S('S', 18), S('T', 19), S('U', 20), S('V', 21), S('W', 22), S('X', 23),
    S('Y', 24), S('Z', 25), S('a', 26), S('b', 27), S('c', 28), S('d', 29), S('e', 30), S('f', 31),
    S('g', 32), S('h', 33), S('i', 34), S('j', 35), S('k', 36), S('l', 37), S('m', 38), S('n', 39),
    S('o', 40), S('p', 41), S('q', 42), S('r', 43), S('s', 44), S('t', 45), S('u', 46), S('v', 47),
    S('w', 48), S('x', 49), S('y', 50), S('z', 51), S('0', 52), S('1', 53), S('2', 54), S('3', 55),
    S('4', 56), S('5', 57), S('6', 58), S('7', 59), S('8', 60), S('9', 61), S('-', 62), S('_', 63),
#undef S
};

/* Canonical only: the bits that are left over at the end are 0, so that each handle has one text. */
static bool decode(struct us_str text, uint8_t raw[TICKET_BYTES], size_t *ret_n) {
  uint32_t bits = 0;
  unsigned count = 0;
  size_t n = 0;
  for (size_t i = 0; i < text.n; i++) {
    uint8_t sextet = sextets[(unsigned char)text.p[i]];
    if (sextet == 0)
      return false;
    bits = bits << 6 | (uint32_t)(sextet - 1);
    count += 6;
    if (count >= 8) {
      count -= 8;
      raw[n++] = (uint8_t)(bits >> count);
    }
  }
  *ret_n = n;
  return (bits & ((1u << count) - 1)) == 0;
}

bool us_handle_parse(struct us_str text, int64_t *ret_id, uint16_t *ret_iteration,
                     char ret_digest[US_SHA256_TEXT_BYTES]) {
  if (text.n != PLAIN_CHARS && text.n != TICKET_CHARS)
    return false;

  uint8_t raw[TICKET_BYTES];
  size_t n = 0;
  uint64_t id = 0;
  uint16_t iteration = 0;
  bool is_ours = decode(text, raw, &n);
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
