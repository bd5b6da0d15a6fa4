/*
 * Sealed texts: what we hand out and want back unchanged, without keeping it. A sealed text is a JWS in compact form, HS256
 * with one fixed header, under a key derived from the store's own for one purpose; so it survives a restart, is the same for
 * all nodes, and what was sealed for one purpose opens for no other. It is signed, not encrypted: its holder can read it.
 *
 * A seal says only that it is ours. Whether it has expired, was used or is for this realm is the payload's business.
 */
#ifndef USHER_DOMAIN_SEAL_H
#define USHER_DOMAIN_SEAL_H

#include "domain/services.h"

#define US_SEAL_PAYLOAD_MAX 2048
#define US_SEAL_TEXT_MAX 3072

/* `purpose` is a constant of ours, "authId". The payload is a JSON object. */
enum us_code us_seal(struct us_cx *cx, const char *purpose, struct us_str payload,
                     struct us_str *ret_text) US_MUST_CHECK;
/* US_E_NOT_FOUND (an answer) when it is none of ours. */
enum us_code us_unseal(struct us_cx *cx, const char *purpose, struct us_str text,
                       struct us_str *ret_payload) US_MUST_CHECK;

#endif
