/* Secrets at rest: see box.h. "usher:1:" and the key's name, the nonce and the cipher text as base64url. */
#include "crypto/box.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/random.h"

#define KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define NAME_BYTES 6 /* of the key's digest: 8 characters */
#define NAME_CHARS 8
#define PREFIX "usher:1:"
#define TEXT_MAX_BYTES (256 * 1024) /* far above the longest key or set of names that is sealed */

_Static_assert(KEY_BYTES == 32, "the key file has 32 bytes");

struct us_box {
  uint8_t key[KEY_BYTES];
  char name[NAME_CHARS + 1]; /* says under which key a text was sealed */
};

/* 32 bytes as they are, or their base64 with white space behind it, as editors leave it. */
static bool read_key(struct us_str text, uint8_t ret_key[KEY_BYTES]) {
  uint8_t room[KEY_BYTES + 1];
  size_t n = 0;
  if (text.n == KEY_BYTES) {
    memcpy(ret_key, text.p, KEY_BYTES);
    return true;
  }
  while (text.n > 0 && strchr(" \t\r\n", text.p[text.n - 1]) != NULL)
    text.n--;
  bool is_key = (text.n == 43 || text.n == 44) &&
                (us_base64_decode(text, room, sizeof(room), &n) || us_base64url_decode(text, room, sizeof(room), &n)) &&
                n == KEY_BYTES;
  if (is_key)
    memcpy(ret_key, room, KEY_BYTES);
  sodium_memzero(room, sizeof(room));
  return is_key;
}

enum us_code us_box_new(struct us_cx *cx, struct us_str key, struct us_box **ret_box) {
  uint8_t digest[US_SHA256_BYTES];
  struct us_box *box = sodium_init() >= 0 ? calloc(1, sizeof(*box)) : NULL;
  if (box == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (!read_key(key, box->key)) {
    us_box_free(box);
    return us_fail(cx, US_E_INVALID_REQUEST, "a store key has 32 bytes, as they are or as base64");
  }
  us_sha256((struct us_str){(const char *)box->key, KEY_BYTES}, digest);
  us_base64url_encode(digest, NAME_BYTES, box->name);
  *ret_box = box;
  return US_OK;
}

void us_box_free(struct us_box *box) {
  if (box == NULL)
    return;
  sodium_memzero(box, sizeof(*box));
  free(box);
}

bool us_box_is_sealed(struct us_str text) {
  return us_str_starts(text, US_STR(PREFIX));
}

enum us_code us_box_seal(struct us_cx *cx, const struct us_box *box, const char *place, struct us_str text,
                         struct us_str *ret_sealed) {
  if (box == NULL) {
    *ret_sealed = text;
    return US_OK;
  }
  size_t n = NONCE_BYTES + text.n + TAG_BYTES;
  uint8_t *bytes = text.n <= TEXT_MAX_BYTES ? us_mem_alloc(cx->mem, n) : NULL;
  if (bytes == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  us_random(bytes, NONCE_BYTES);
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + NONCE_BYTES, NULL, (const uint8_t *)text.p, text.n,
                                             (const uint8_t *)place, strlen(place), NULL, bytes, box->key);
  *ret_sealed = us_str_fmt(cx->mem, PREFIX "%s:%.*s", box->name, US_STR_ARG(us_base64url(cx->mem, bytes, n)));
  return ret_sealed->p != NULL ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

/* Behind "usher:1:NAME:"; false when there is none. */
static bool take_apart(struct us_str sealed, struct us_str *ret_name, struct us_str *ret_rest) {
  size_t head = sizeof(PREFIX) - 1 + NAME_CHARS + 1;
  if (sealed.n <= head || sealed.p[head - 1] != ':')
    return false;
  *ret_name = (struct us_str){sealed.p + sizeof(PREFIX) - 1, NAME_CHARS};
  *ret_rest = (struct us_str){sealed.p + head, sealed.n - head};
  return true;
}

enum us_code us_box_open(struct us_cx *cx, const struct us_box *box, const char *place, struct us_str sealed,
                         struct us_str *ret_text) {
  struct us_str name, rest;
  size_t n = 0;
  if (!us_box_is_sealed(sealed)) {
    *ret_text = sealed;
    return US_OK;
  }
  if (box == NULL)
    return us_fail(cx, US_E_STORE, "a secret in the store is sealed, and no store key is configured");
  if (!take_apart(sealed, &name, &rest) || rest.n > 2 * TEXT_MAX_BYTES)
    return us_fail(cx, US_E_STORE, "a sealed secret in the store is damaged");
  if (!us_str_eq_c(name, box->name))
    return us_fail(cx, US_E_STORE, "a secret in the store is sealed under another store key");
  uint8_t *bytes = us_mem_alloc(cx->mem, rest.n);
  char *text = us_mem_secret(cx->mem, rest.n + 1);
  if (bytes == NULL || text == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (!us_base64url_decode(rest, bytes, rest.n, &n) || n < NONCE_BYTES + TAG_BYTES ||
      crypto_aead_xchacha20poly1305_ietf_decrypt((uint8_t *)text, NULL, NULL, bytes + NONCE_BYTES, n - NONCE_BYTES,
                                                 (const uint8_t *)place, strlen(place), bytes, box->key) != 0)
    return us_fail(cx, US_E_STORE, "a sealed secret in the store is damaged, or not where it belongs");
  text[n - NONCE_BYTES - TAG_BYTES] = '\0';
  *ret_text = (struct us_str){text, n - NONCE_BYTES - TAG_BYTES};
  return US_OK;
}

bool us_box_is_of(const struct us_box *box, struct us_str text) {
  struct us_str name, rest;
  return us_box_is_sealed(text) && take_apart(text, &name, &rest) && us_str_eq_c(name, box->name);
}
