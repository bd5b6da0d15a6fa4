/* Who may ask about a person by an access token of his, and what is told (OIDC Core 5.3, 5.4; protocol contract 8.5). */
#ifndef USHER_DOMAIN_USERINFO_H
#define USHER_DOMAIN_USERINFO_H

#include "domain/services.h"

/* A live access token with scope openid, of a person: US_E_NO_TOKEN, US_E_INVALID_TOKEN; US_E_INSUFFICIENT_SCOPE for other live ones,
 * RPTs and those of clients themselves too (OC-13). */
enum us_code us_userinfo_check(struct us_cx *cx, const struct us_realm *realm, struct us_str authorization,
                               struct us_access *ret_access) US_MUST_CHECK;

/* The claims there are, and by which scope they are told. */
struct us_userinfo_claim {
  const char *name;
  const char *scope; /* NULL: always */
  size_t offset;     /* in struct us_account; of `name` only the parts are there */
};
extern const struct us_userinfo_claim us_userinfo_claims[];
extern const size_t us_userinfo_claim_count;
/* Absent when the account has no value, or the scopes do not tell it. */
struct us_str us_userinfo_value(struct us_cx *cx, const struct us_userinfo_claim *claim,
                                const struct us_account *account, struct us_strs scopes);

#endif
