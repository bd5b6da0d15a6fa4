/* Access and refresh tokens: issue, find, refresh, revoke, clean up. RPTs live in domain/rpt.h. */
#ifndef USHER_DOMAIN_TOKEN_H
#define USHER_DOMAIN_TOKEN_H

#include "crypto/handle.h"
#include "domain/services.h"

/* A live access token of this realm by its text, in one statement with its client and owner. US_E_NOT_FOUND (no text) when
 * unknown, expired, of another realm, of a deleted or inactive client or owner. The caller decides what that means. */
enum us_code us_access_find(struct us_cx *cx, const struct us_realm *realm, struct us_str text,
                            struct us_access *ret_access) US_MUST_CHECK;
/* The Bearer rules of protocol contract 1.6 for a PAT: US_E_NO_TOKEN, US_E_INVALID_TOKEN, US_E_INSUFFICIENT_SCOPE. */
enum us_code us_pat_check(struct us_cx *cx, const struct us_realm *realm, struct us_str authorization,
                          struct us_access *ret_pat) US_MUST_CHECK;
#define US_SCOPE_UMA "uma_protection"

#endif
