/* Signing keys that get their successors by themselves (realm setting keyRotationDays). Called by app/cleanup.c. */
#ifndef USHER_APP_KEY_ROTATION_H
#define USHER_APP_KEY_ROTATION_H

#include "domain/services.h"

/* Looks at the realms; *ret_jwk: a new private key for the first one whose time is up, made here (slow); absent: none. */
struct us_key_rotation {
  int64_t realm_id, token_s, replaces;
  struct us_str jwk;
};
enum us_code us_key_rotation_prepare(struct us_cx *cx, struct us_key_rotation *ret_rotation) US_MUST_CHECK;
/* Write step. When another process was faster nothing happens. */
enum us_code us_key_rotation_run(struct us_cx *cx, const struct us_key_rotation *rotation) US_MUST_CHECK;

#endif
