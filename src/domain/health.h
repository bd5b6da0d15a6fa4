/* Does the store answer? For health checks. */
#ifndef USHER_DOMAIN_HEALTH_H
#define USHER_DOMAIN_HEALTH_H

#include "base/cx.h"

/* Within the read transaction of the call. US_E_STORE or US_E_UNAVAILABLE when it does not. */
enum us_code us_store_answers(struct us_cx *cx) US_MUST_CHECK;

#endif
