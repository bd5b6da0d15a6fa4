/* Realms, their settings and keys, as administration changes them. Every change bumps config_rev in its transaction. */
#ifndef USHER_DOMAIN_REALM_H
#define USHER_DOMAIN_REALM_H

#include "domain/services.h"

/* Write step. The parent must exist ("/" first). Keys are private JWKs made before (us_key_generate is slow). US_E_CONFLICT. */
enum us_code us_realm_create(struct us_cx *cx, struct us_str path, bool has_oauth, bool has_uma,
                             struct us_str rs256_jwk, struct us_str es256_jwk, int64_t *ret_id) US_MUST_CHECK;
enum us_code us_realm_delete(struct us_cx *cx, const struct us_realm *realm) US_MUST_CHECK;
/* Write step: another key for what signs with its algorithm, in `wait_s` seconds (domain/signing_key.h). */
enum us_code us_realm_rotate_key(struct us_cx *cx, const struct us_realm *realm, struct us_str private_jwk,
                                 int64_t wait_s) US_MUST_CHECK;
/* Settings by the names of protocol contract 9. The value is text as `usher settings set` takes it (true, 120, IMPLICIT,
 * a,b,c). US_E_INVALID_REQUEST names what is wrong; unknown names too. Retired names of the lineage are ignored with a
 * warning in the log. */
enum us_code us_setting_set(struct us_cx *cx, const struct us_realm *realm, struct us_str name,
                            struct us_str value) US_MUST_CHECK;
/* Walks all settings of a realm in table order: name, current value as text, default as text. */
typedef void (*us_setting_fn)(void *self, const char *name, struct us_str value, struct us_str default_value,
                              const char *meaning);
enum us_code us_settings_each(struct us_cx *cx, const struct us_realm *realm, us_setting_fn each,
                              void *self) US_MUST_CHECK;

#endif
