/* Secrets of clients: see client_secret.h. */
#include "domain/client_secret.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/box.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "domain/client_auth.h"
#include "domain/secret.h"

#define SECRET_BYTES 32 /* DR-02: at least 16 */

static enum us_code hash(struct us_cx *cx, struct us_str secret, struct us_str *ret_hash) {
  char *text = us_mem_alloc(cx->mem, US_PASSWORD_HASH_BYTES);
  if (text == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_password_hash(cx, secret, text));
  *ret_hash = us_str_c(text);
  return US_OK;
}

static enum us_code make(struct us_cx *cx, struct us_str *ret_secret) {
  uint8_t bytes[SECRET_BYTES];
  char *text = us_mem_secret(cx->mem, 4 * ((SECRET_BYTES + 2) / 3) + 1);
  if (text == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  us_random(bytes, sizeof(bytes));
  size_t n = us_base64url_encode(bytes, sizeof(bytes), text);
  explicit_bzero(bytes, sizeof(bytes));
  *ret_secret = (struct us_str){text, n};
  return US_OK;
}

static enum us_code unseal(struct us_cx *cx, const struct us_client *client, struct us_str *ret_secret) {
  struct us_str place = us_str_fmt(cx->mem, "client:%lld", (long long)client->ref);
  if (place.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_box_open(cx, cx->svc->box, place.p, client->sealed_secret, ret_secret);
}

static bool has_what_it_needs(const struct us_client *client, enum us_auth_need need) {
  if (need == US_AUTH_NEEDS_SECRET)
    return client->secret_hash.n > 0;
  return need != US_AUTH_NEEDS_SEALED || client->sealed_secret.n > 0;
}

/* The secret to be stored anew: the given one, the one that was sealed (of a hash nothing comes back), or a new one. */
static enum us_code choose(struct us_cx *cx, const struct us_client *client, struct us_str given,
                           struct us_str *ret_secret, struct us_str *ret_made) {
  if (given.n > 0) {
    *ret_secret = given;
    return US_OK;
  }
  if (client->sealed_secret.n > 0)
    return unseal(cx, client, ret_secret);
  US_TRY(make(cx, ret_secret));
  *ret_made = *ret_secret;
  return US_OK;
}

enum us_code us_client_provide_secret(struct us_cx *cx, struct us_client *client, struct us_str given,
                                      struct us_str *ret_made) {
  enum us_auth_need need = us_auth_method_find(client->auth_method)->need;
  struct us_client before = *client;
  struct us_str secret = US_STR_ABSENT;
  *ret_made = US_STR_ABSENT;
  if (need != US_AUTH_NEEDS_SECRET)
    client->secret_hash = US_STR_ABSENT;
  if (need != US_AUTH_NEEDS_SEALED)
    client->sealed_secret = US_STR_ABSENT;
  if (given.n == 0 && has_what_it_needs(client, need))
    return US_OK;
  if (need != US_AUTH_NEEDS_SECRET && need != US_AUTH_NEEDS_SEALED)
    return US_OK;
  US_TRY(choose(cx, &before, given, &secret, ret_made));
  if (need == US_AUTH_NEEDS_SEALED)
    return us_client_seal_secret(cx, client, secret);
  return hash(cx, secret, &client->secret_hash);
}

enum us_code us_client_secret_is(struct us_cx *cx, const struct us_client *client, struct us_str secret, bool *ret_is) {
  struct us_str own = US_STR_ABSENT;
  bool is = false;
  if (client->sealed_secret.n > 0) {
    US_TRY(unseal(cx, client, &own));
    is = us_str_equal_ct(own, secret);
  } else if (client->secret_hash.n > 0) {
    is = us_secret_is_known(cx->svc->secrets, client->ref, client->rev, secret) ||
         us_password_verify(secret, client->secret_hash);
  }
  *ret_is = is;
  return US_OK;
}
