/*
 * Clients that register themselves (RFC 7591) and look after what they registered (RFC 7592). Which ways are open is the realm's
 * choice: to anybody, to who brings an access token with the scope for it (an initial access token), or to nobody; see
 * docs/adr/0025-dynamic-client-registration.md for what each may ask for.
 *
 * A registration access token is a handle of the client's row: it opens this one client, and the row keeps its digest.
 */
#ifndef USHER_DOMAIN_REGISTRATION_H
#define USHER_DOMAIN_REGISTRATION_H

#include "crypto/handle.h"
#include "domain/client_metadata.h"

struct us_registration {
  struct us_client client;
  struct us_str secret;   /* made just now, or absent; a secret (base/mem.h) */
  struct us_handle token; /* made just now; n == 0: none */
};

/* Is there any way to register? Else the endpoint is not there. */
bool us_registration_is_on(const struct us_realm *realm);
/* Who may register: US_E_NO_TOKEN, US_E_INVALID_TOKEN, US_E_INSUFFICIENT_SCOPE. */
enum us_code us_registration_admit(struct us_cx *cx, const struct us_realm *realm, struct us_str authorization,
                                   enum us_registrar *ret_registrar) US_MUST_CHECK;
/* The client of this id, for who holds its registration access token. US_E_NO_TOKEN, US_E_INVALID_TOKEN: unknown, switched off, not
 * registered this way, another's token; nobody learns which. */
enum us_code us_registration_find(struct us_cx *cx, const struct us_realm *realm, struct us_str authorization,
                                  struct us_str client_id, struct us_client *ret_client) US_MUST_CHECK;
/* Is it one that registered itself? */
bool us_client_registered_itself(const struct us_client *client);

/* Prepare steps, on the pool: signatures, keys and argon2. `document` is the request's body; it is changed. Errors of metadata:
 * US_E_INVALID_METADATA, US_E_INVALID_REDIRECT_URI, US_E_INVALID_STATEMENT, US_E_UNAPPROVED_STATEMENT; US_E_SLOW_DOWN: too many from
 * this address, in this realm, or by this client. Those that are refused at no cost are not counted. */
enum us_code us_registration_new(struct us_cx *cx, const struct us_realm *realm, enum us_registrar registrar,
                                 struct us_str address, json_t *document,
                                 struct us_registration *ret_registration) US_MUST_CHECK;
/* `client` as it was found; what it is now is read anew, so that the step may run again (US_E_STALE). */
enum us_code us_registration_renew(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                                   json_t *document, struct us_registration *ret_registration) US_MUST_CHECK;

/* Write steps. US_E_FORBIDDEN: the realm has as many as it may have. */
enum us_code us_registration_insert(struct us_cx *cx, const struct us_realm *realm,
                                    struct us_registration *registration) US_MUST_CHECK;
/* US_E_STALE: the client was changed since. */
enum us_code us_registration_replace(struct us_cx *cx, const struct us_registration *registration) US_MUST_CHECK;

/* Software statements (RFC 7591 2.3): what is claimed in `text` is put over what `document` says. */
enum us_code us_software_statement_apply(struct us_cx *cx, const struct us_realm *realm, struct us_str text,
                                         json_t *document) US_MUST_CHECK;

#endif
