/* Accept-API-Version (REST contract a.3): protocol and resource versions of the /json side. */
#ifndef USHER_ROUTE_VERSION_H
#define USHER_ROUTE_VERSION_H

#include "route/route.h"

/* Reads the header, checks it against what the route serves, sets call->crest_protocol and *ret_content_version (the value of
 * Content-API-Version). 400 for a malformed or unsupported protocol, 404 for a resource version that is not served. */
enum us_code us_version_check(struct us_call *call, struct us_str *ret_content_version) US_MUST_CHECK;

#endif
