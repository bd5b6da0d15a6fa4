/*
 * Proof key for code exchange (RFC 7636; protocol contract 3.1, 3.2, 6.7, 9.3): one set of rules for authorization codes and for
 * permission tickets.
 */
#ifndef USHER_DOMAIN_PKCE_H
#define USHER_DOMAIN_PKCE_H

#include "domain/services.h"

#define US_PKCE_MIN 43 /* characters of a challenge and of a verifier (RFC 7636 4.1, 4.2) */
#define US_PKCE_MAX 128

/* Must this client bring a challenge (`codeVerifierEnforced`)? */
bool us_pkce_is_required(const struct us_realm *realm, const struct us_client *client);
/* What a browser brought along. Both absent: fine unless `codeVerifierEnforced` says otherwise for this client. A method without
 * a challenge, an unknown one, `plain` (also the meaning of no method) where the realm does not allow it, and a challenge of wrong
 * length or characters are US_E_INVALID_REQUEST. *ret_method: "S256" or "plain", absent without a challenge. */
enum us_code us_pkce_check_challenge(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                                     struct us_str challenge, struct us_str method,
                                     struct us_str *ret_method) US_MUST_CHECK;
/* Where the token request comes: US_E_INVALID_REQUEST "code_verifier parameter required" when there is a challenge and no
 * verifier; US_E_INVALID_GRANT when it does not match, has wrong length or characters, or there is no challenge (downgrade).
 * Compared in constant time. */
enum us_code us_pkce_verify(struct us_cx *cx, struct us_str challenge, struct us_str method,
                            struct us_str verifier) US_MUST_CHECK;

#endif
