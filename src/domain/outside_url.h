/*
 * URLs that clients register and that the server itself will ask (jwks_uri, sector_identifier_uri), or put before people (logo_uri):
 * one rule for all of them. What a name resolves to is looked at again when it is asked (app/fetch.h).
 */
#ifndef USHER_DOMAIN_OUTSIDE_URL_H
#define USHER_DOMAIN_OUTSIDE_URL_H

#include "domain/services.h"

#define US_OUTSIDE_URL_MAX 2048

/* Why this URL is not to be asked, as in "must be https"; NULL: nothing against it. `outside` may be NULL: no inside host is allowed. */
const char *us_outside_url_flaw(const struct us_outside *outside, struct us_str url);
/* The host of a URL that has no flaw, without brackets. */
struct us_str us_outside_url_host(struct us_str url);
/* Does the operator allow this host although it may be inside? Names without regard to case. */
bool us_outside_allows_host(const struct us_outside *outside, struct us_str host);
bool us_outside_allows_address(const struct us_outside *outside, const uint8_t address[16]);

#endif
