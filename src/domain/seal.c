/* Sealed texts: see seal.h. */
#include "domain/seal.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "domain/snapshot.h"

#define HEADER "eyJhbGciOiJIUzI1NiJ9." /* {"alg":"HS256"}: compared, never read */
#define MAC_CHARS (US_SHA256_TEXT_BYTES - 1)

static_assert(sizeof(HEADER) + US_SEAL_PAYLOAD_MAX / 3 * 4 + 4 + 1 + MAC_CHARS <= US_SEAL_TEXT_MAX, "room for a text");

/* The MAC's text of "header.payload" under the purpose's own key. */
static enum us_code mac_of(struct us_cx *cx, const char *purpose, struct us_str signed_part,
                           char ret_text[US_SHA256_TEXT_BYTES]) {
  uint8_t key[US_SHA256_BYTES], mac[US_SHA256_BYTES];
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  struct us_str store_key = us_snapshot_store_key(snapshot);
  if (store_key.n > 0)
    us_hmac_sha256(store_key, us_str_c(purpose), key);
  us_snapshot_unref(snapshot);
  if (store_key.n == 0)
    return us_fail(cx, US_E_INTERNAL, "the store has no key to seal with: it has no realm yet");
  us_hmac_sha256((struct us_str){(const char *)key, sizeof(key)}, signed_part, mac);
  us_base64url_encode(mac, sizeof(mac), ret_text);
  explicit_bzero(key, sizeof(key));
  return US_OK;
}

enum us_code us_seal(struct us_cx *cx, const char *purpose, struct us_str payload, struct us_str *ret_text) {
  char mac[US_SHA256_TEXT_BYTES];
  assert(payload.n <= US_SEAL_PAYLOAD_MAX);
  struct us_str encoded = us_base64url(cx->mem, payload.p, payload.n);
  struct us_str signed_part = us_str_fmt(cx->mem, HEADER "%.*s", US_STR_ARG(encoded));
  if (encoded.p == NULL || signed_part.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(mac_of(cx, purpose, signed_part, mac));
  struct us_str text = us_str_fmt(cx->mem, "%.*s.%s", US_STR_ARG(signed_part), mac);
  if (text.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_text = text;
  return US_OK;
}

enum us_code us_unseal(struct us_cx *cx, const char *purpose, struct us_str text, struct us_str *ret_payload) {
  size_t head_n = sizeof(HEADER) - 1, n = 0;
  char mac[US_SHA256_TEXT_BYTES];
  if (text.n > US_SEAL_TEXT_MAX || text.n < head_n + 1 + MAC_CHARS || !us_str_starts(text, US_STR(HEADER)))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  struct us_str signed_part = {text.p, text.n - MAC_CHARS - 1};
  struct us_str claimed = {text.p + signed_part.n + 1, MAC_CHARS};
  struct us_str encoded = {text.p + head_n, signed_part.n - head_n};
  US_TRY(mac_of(cx, purpose, signed_part, mac));
  if (signed_part.p[signed_part.n] != '.' || !us_str_equal_ct((struct us_str){mac, MAC_CHARS}, claimed))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  char *payload = us_mem_alloc(cx->mem, encoded.n + 1);
  if (payload == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (!us_base64url_decode(encoded, payload, encoded.n, &n))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  payload[n] = '\0';
  *ret_payload = (struct us_str){payload, n};
  return US_OK;
}
