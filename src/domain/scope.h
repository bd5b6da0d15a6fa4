/* OAuth scopes of a token request (RFC 6749 3.3, protocol contract 3.1). Resource scopes of UMA have rules of their own. */
#ifndef USHER_DOMAIN_SCOPE_H
#define USHER_DOMAIN_SCOPE_H

#include "domain/services.h"

#define US_SCOPE_MAX 256       /* scopes in one request, or of one client */
#define US_SCOPE_TOKEN_MAX 255 /* bytes of one */

/* %x21 / %x23-5B / %x5D-7E, at least one, at most US_SCOPE_TOKEN_MAX. */
bool us_scope_token_ok(struct us_str scope);
/* The parameter taken apart, without repeats; absent gives an empty set. US_E_INVALID_SCOPE for bad characters or too many. */
enum us_code us_scope_parse(struct us_cx *cx, struct us_str text, struct us_strs *ret_scopes) US_MUST_CHECK;
/* What a client gets that asks for `text`: all of it or US_E_INVALID_SCOPE; its defaults when it asks for nothing. */
enum us_code us_scope_resolve(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                              struct us_str text, struct us_strs *ret_scopes) US_MUST_CHECK;

#endif
