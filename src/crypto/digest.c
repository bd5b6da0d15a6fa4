/*
 * SHA-256, HMAC-SHA-256, base64 and comparison in constant time.
 *
 * OpenSSL 3 looks an algorithm up by name each time it is not handed a fetched one, which costs more than hashing a
 * handle. So both algorithms are fetched once per process, and each thread keeps one context of each, made at its first
 * use and freed when the thread ends. Base64 is libsodium's: it takes constant time and refuses non-canonical text.
 */
#include "crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

struct thread_contexts {
  EVP_MD_CTX *md;
  EVP_MAC_CTX *mac;
};

static EVP_MD *fetched_sha256;
static EVP_MAC *fetched_hmac;
static pthread_key_t at_thread_exit;
static bool is_set_up;
static _Thread_local struct thread_contexts *mine;

/* Hashing fails only when memory runs out or us_crypto_setup() was forgotten. Neither leaves anything to go on with:
 * a handle without its digest could be found by nobody, or by everybody. */
static _Noreturn void give_up(const char *what) {
  us_log(US_LOG_ERROR, "crypto_failed", "%s failed; giving up", what);
  abort();
}

static void contexts_free(void *contexts) {
  struct thread_contexts *c = contexts;
  if (c == NULL)
    return;
  EVP_MD_CTX_free(c->md);
  EVP_MAC_CTX_free(c->mac);
  free(c);
  mine = NULL;
}

static struct thread_contexts *contexts_new(void) {
  struct thread_contexts *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return NULL;

  /* The digest of the MAC is named here and not at each us_hmac_sha256(), because naming it is a look-up. */
  char name[] = "SHA256";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
  c->md = EVP_MD_CTX_new();
  c->mac = EVP_MAC_CTX_new(fetched_hmac);
  if (c->md == NULL || c->mac == NULL || EVP_DigestInit_ex2(c->md, fetched_sha256, NULL) != 1 ||
      EVP_MAC_CTX_set_params(c->mac, params) != 1 || pthread_setspecific(at_thread_exit, c) != 0) {
    contexts_free(c);
    return NULL;
  }
  return c;
}

static struct thread_contexts *contexts(void) {
  if (mine != NULL)
    return mine;
  if (!is_set_up)
    give_up("us_crypto_setup");
  mine = contexts_new();
  if (mine == NULL)
    give_up("a digest context");
  return mine;
}

int us_crypto_setup(void) {
  if (is_set_up)
    return 0;
  if (sodium_init() < 0)
    return -1;
  if (pthread_key_create(&at_thread_exit, contexts_free) != 0)
    return -1;
  fetched_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  fetched_hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  is_set_up = true;
  if (fetched_sha256 == NULL || fetched_hmac == NULL) {
    us_crypto_done();
    return -1;
  }
  return 0;
}

void us_crypto_done(void) {
  if (!is_set_up)
    return;
  contexts_free(mine);
  pthread_key_delete(at_thread_exit);
  EVP_MD_free(fetched_sha256);
  EVP_MAC_free(fetched_hmac);
  fetched_sha256 = NULL;
  fetched_hmac = NULL;
  is_set_up = false;
}

void us_sha256(struct us_str in, uint8_t ret_digest[US_SHA256_BYTES]) {
  EVP_MD_CTX *md = contexts()->md;
  /* A NULL algorithm starts anew with the one the context already has. */
  if (EVP_DigestInit_ex2(md, NULL, NULL) != 1 || EVP_DigestUpdate(md, in.p, in.n) != 1 ||
      EVP_DigestFinal_ex(md, ret_digest, NULL) != 1)
    give_up("SHA-256");
}

/* By table, as a digest is no secret: whoever learns one cannot go back to the handle. */
void us_sha256_text(struct us_str in, char ret_text[US_SHA256_TEXT_BYTES]) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint8_t digest[US_SHA256_BYTES + 1];
  char *to = ret_text;
  us_sha256(in, digest);
  digest[US_SHA256_BYTES] = 0;
  for (size_t i = 0; i < sizeof(digest); i += 3) {
    uint32_t bits = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | digest[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6)
      *to++ = alphabet[bits >> shift & 63];
  }
  ret_text[US_SHA256_TEXT_BYTES - 1] = '\0'; /* over the character of the byte that is none */
}

void us_sha256_hex(struct us_str in, char ret_text[65]) {
  uint8_t digest[US_SHA256_BYTES];
  us_sha256(in, digest);
  sodium_bin2hex(ret_text, 65, digest, sizeof(digest));
}

void us_hmac_sha256(struct us_str key, struct us_str in, uint8_t ret_mac[US_SHA256_BYTES]) {
  static const unsigned char no_key[US_SHA256_BYTES];
  EVP_MAC_CTX *mac = contexts()->mac;
  /* A NULL key would mean "the one before", so an absent key is given as an empty one. */
  const unsigned char *key_bytes = key.p != NULL ? (const unsigned char *)key.p : no_key;
  size_t n = 0;
  if (EVP_MAC_init(mac, key_bytes, key.n, NULL) != 1 || EVP_MAC_update(mac, (const unsigned char *)in.p, in.n) != 1 ||
      EVP_MAC_final(mac, ret_mac, &n, US_SHA256_BYTES) != 1 || n != US_SHA256_BYTES)
    give_up("HMAC-SHA-256");
  /* The context lives as long as the thread; the caller's key must not. */
  if (EVP_MAC_init(mac, no_key, sizeof(no_key), NULL) != 1)
    give_up("HMAC-SHA-256");
}

bool us_equal_ct(const void *a, const void *b, size_t n) {
  return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

bool us_str_equal_ct(struct us_str a, struct us_str b) {
  return a.n == b.n && us_equal_ct(a.p, b.p, a.n);
}

size_t us_base64url_encode(const void *bytes, size_t n, char *ret_text) {
  size_t room = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  sodium_bin2base64(ret_text, room, bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return room - 1;
}

struct us_str us_base64url(void *mem, const void *bytes, size_t n) {
  if (n > SIZE_MAX / 4 * 3 - 4)
    return US_STR_ABSENT;
  char *text = us_mem_alloc(mem, 4 * ((n + 2) / 3) + 1);
  if (text == NULL)
    return US_STR_ABSENT;
  size_t text_n = us_base64url_encode(bytes, n, text);
  return (struct us_str){text, text_n};
}

/* libsodium 1.0.18 compares characters as signed int and so takes some bytes above 0x7f for letters. */
static bool is_ascii(struct us_str text) {
  unsigned char all = 0;
  for (size_t i = 0; i < text.n; i++)
    all |= (unsigned char)text.p[i];
  return all < 0x80;
}

static bool decode(struct us_str text, int variant, void *ret_bytes, size_t room, size_t *ret_n) {
  if (text.p == NULL || !is_ascii(text))
    return false;
  size_t n = 0;
  /* Without `ignore` and `b64_end` anything after the last good character is an error. */
  if (sodium_base642bin(ret_bytes, room, text.p, text.n, NULL, &n, NULL, variant) != 0)
    return false;
  *ret_n = n;
  return true;
}

bool us_base64url_decode(struct us_str text, void *ret_bytes, size_t room, size_t *ret_n) {
  return decode(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING, ret_bytes, room, ret_n);
}

bool us_base64_decode(struct us_str text, void *ret_bytes, size_t room, size_t *ret_n) {
  bool is_padded = text.n > 0 && text.p[text.n - 1] == '=';
  int variant = is_padded ? sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
  return decode(text, variant, ret_bytes, room, ret_n);
}
