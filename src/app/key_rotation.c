/* Signing keys that get their successors by themselves: see key_rotation.h. */
#include "app/key_rotation.h"

#include "base/log.h"
#include "domain/signing_key.h"
#include "domain/snapshot.h"

static enum us_code prepare_in(struct us_cx *cx, const struct us_snapshot *snapshot, struct us_key_rotation *rotation) {
  for (size_t i = 0; i < us_snapshot_count(snapshot); i++) {
    const struct us_realm *realm = us_snapshot_at(snapshot, i);
    const struct us_realm_key *key = us_signing_key_due(cx, realm);
    if (key == NULL)
      continue;
    rotation->realm_id = realm->id;
    rotation->token_s = realm->settings.id_token_s;
    rotation->replaces = key->id;
    us_log(US_LOG_INFO, "key_rotation", "realm %.*s gets a new %s key", US_STR_ARG(realm->path),
           us_alg_name(us_key_alg(key->key)));
    return us_key_generate(cx, us_key_alg(key->key), &rotation->jwk);
  }
  return US_OK;
}

enum us_code us_key_rotation_prepare(struct us_cx *cx, struct us_key_rotation *ret_rotation) {
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  *ret_rotation = (struct us_key_rotation){.jwk = US_STR_ABSENT};
  enum us_code code = prepare_in(cx, snapshot, ret_rotation);
  us_snapshot_unref(snapshot);
  return code;
}

/* Published first, for as long as others may keep the key set that they have. */
enum us_code us_key_rotation_run(struct us_cx *cx, const struct us_key_rotation *rotation) {
  struct us_signing_key_new key = {.realm_id = rotation->realm_id,
                                   .token_s = rotation->token_s,
                                   .private_jwk = rotation->jwk,
                                   .wait_s = US_JWKS_MAX_AGE_S,
                                   .replaces = rotation->replaces};
  return us_signing_key_add(cx, &key);
}
