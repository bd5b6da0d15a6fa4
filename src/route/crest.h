/* What every request of the /json side must pass behind its credentials: verb, action, parameters (REST contract a.2, a.8, a.12). */
#ifndef USHER_ROUTE_CREST_H
#define USHER_ROUTE_CREST_H

#include "route/match.h"

/* Is it Common REST? All of /json but for logging in and the health of the server. */
bool us_crest_is(const struct us_route *route);
/* Is the verb or the action known? 501, 405, or 400 where a collection was meant as an instance or the other way round. */
enum us_code us_crest_check_verb(struct us_call *call, const struct us_matched *matched) US_MUST_CHECK;
/* What is wrong with the query string whatever the endpoint is. */
enum us_code us_crest_check_parameters(struct us_call *call, const struct us_matched *matched) US_MUST_CHECK;

#endif
