/* Keys that sign ID tokens: see signing_key.h. */
#include "domain/signing_key.h"

#include "crypto/box.h"
#include "crypto/jws.h"
#include "domain/snapshot.h"
#include "store/realms.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

bool us_signing_key_signs(struct us_cx *cx, const struct us_realm_key *key) {
  return key->starts_ms <= cx->now_ms && (key->retired_ms == 0 || cx->now_ms < key->retired_ms);
}

bool us_signing_key_verifies(struct us_cx *cx, const struct us_realm_key *key) {
  return key->verifies_until_s == 0 || key->verifies_until_s >= us_cx_now_s(cx);
}

const struct us_key *us_signing_key_now(struct us_cx *cx, const struct us_realm *realm, enum us_alg alg) {
  for (size_t i = 0; i < realm->key_count; i++) {
    if (us_key_alg(realm->keys[i].key) == alg && us_signing_key_signs(cx, &realm->keys[i]))
      return realm->keys[i].key;
  }
  return NULL;
}

static struct us_str place_of(struct us_cx *cx, int64_t id) {
  return us_str_fmt(cx->mem, US_SIGNING_KEY_PLACE "%lld", (long long)id);
}

/* Refuses what cannot be used before it is stored (JW-16). */
static enum us_code check(struct us_cx *cx, const struct us_signing_key_new *in, enum us_alg *ret_alg) {
  struct us_key *key = NULL;
  struct us_str trial;
  US_TRY(us_key_load(cx, in->private_jwk, &key));
  enum us_alg alg = us_key_alg(key);
  enum us_code code = us_jws_sign(cx, key, "JWT", US_STR("{}"), &trial); /* a public key cannot */
  us_key_free(key);
  if (code != US_OK)
    return us_fail(cx, US_E_INVALID_REQUEST, "The key cannot sign: it must be a private JWK");
  if (in->wanted != US_ALG_NONE && alg != in->wanted)
    return us_fail(cx, US_E_INVALID_REQUEST, "The key is not for %s", us_alg_name(in->wanted));
  *ret_alg = alg;
  return US_OK;
}

enum us_code us_signing_key_add(struct us_cx *cx, const struct us_signing_key_new *in) {
  enum us_alg alg = US_ALG_NONE;
  int64_t before = 0;
  US_TRY(check(cx, in, &alg));
  struct us_signing_key_row row = {
      .id = us_next_id(cx),
      .realm_id = in->realm_id,
      .alg = us_str_c(us_alg_name(alg)),
      .starts_ms = cx->now_ms + in->wait_s * 1000,
      .token_s = in->token_s,
  };
  struct us_str place = place_of(cx, row.id);
  if (place.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_box_seal(cx, cx->svc->box, place.p, in->private_jwk, &row.jwk));
  US_TRY(us_signing_key_row_retire(cx, in->realm_id, row.alg, row.starts_ms, &before));
  if (in->replaces != 0 && before != in->replaces)
    return us_fail_plain(cx, US_E_CONFLICT);
  US_TRY(us_signing_key_row_insert(cx, &row));
  return us_config_bump(cx);
}

enum us_code us_signing_key_open(struct us_cx *cx, int64_t id, struct us_str sealed, struct us_key **ret_key) {
  struct us_str jwk, place = place_of(cx, id);
  if (place.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_box_open(cx, cx->svc->box, place.p, sealed, &jwk));
  return us_key_load(cx, jwk, ret_key);
}

const struct us_realm_key *us_signing_key_due(struct us_cx *cx, const struct us_realm *realm) {
  int64_t days = realm->settings.key_rotation_days;
  for (size_t i = 0; days > 0 && i < realm->key_count; i++) {
    const struct us_realm_key *key = &realm->keys[i];
    if (key->is_active && cx->now_ms - key->created_ms >= days * DAY_MS)
      return key;
  }
  return NULL;
}

enum us_code us_signing_keys_clean_up(struct us_cx *cx, bool *ret_changed) {
  int64_t rows = 0;
  US_TRY(us_signing_key_row_forget(cx, US_SIGNING_KEY_SKEW_S, &rows));
  *ret_changed = rows > 0;
  return rows > 0 ? us_config_bump(cx) : US_OK;
}
