/* Where a browser may be sent back to at the authorization endpoint (RFC 6749 3.1.2, RFC 9700 2.1; docs/adr/0021). */
#ifndef USHER_DOMAIN_REDIRECT_URI_H
#define USHER_DOMAIN_REDIRECT_URI_H

#include "domain/services.h"

/* Equal byte for byte; the one exception is the port of an http URI of a loopback address (RFC 8252 7.3): 127.0.0.1 and [::1],
 * not "localhost" (8.3), which is a name that somebody else may answer to. */
bool us_redirect_uri_fits(struct us_str registered, struct us_str asked_for);
/* What was asked for, if it fits a registered one; the only registered one, if nothing was. US_E_INVALID_REQUEST otherwise: then
 * nobody is sent anywhere. */
enum us_code us_redirect_uri_choose(struct us_cx *cx, const struct us_client *client, struct us_str asked_for,
                                    struct us_str *ret_uri) US_MUST_CHECK;
/* Anything but https: on the device of the person any program may answer there (RFC 8252 8.6), so such a client is not known by it. */
bool us_redirect_uri_is_of_device(struct us_str uri);
/* "https://photos.example:8443", what is shown to people; the scheme alone for URIs without a host. */
struct us_str us_redirect_uri_origin(struct us_str uri);

#endif
