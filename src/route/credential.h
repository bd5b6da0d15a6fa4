/*
 * Who is calling: the one place that reads credentials of a request and fills call->caller, by the `auth` column of the route.
 * PAT: protocol contract 1.6. Client: 1.7. Session, owner, administrator: REST contract a.4, a.5, b.6.
 */
#ifndef USHER_ROUTE_CREDENTIAL_H
#define USHER_ROUTE_CREDENTIAL_H

#include "route/route.h"

/* `auth` is the row's, or, for a method that no row of the path has, the widest of the path. Needs a reader's connection. May return US_E_TO_POOL (a client secret that is not remembered). `form` is the decoded body of
 * form routes, for client authentication. */
enum us_code us_credential_check(struct us_call *call, enum us_auth auth, const struct us_params *form) US_MUST_CHECK;
/* REST contract a.5; runs before the API version and the session are looked at. */
enum us_code us_csrf_check(struct us_call *call) US_MUST_CHECK;

#endif
