/* What is neither OAuth nor Common REST: health. */
#ifndef USHER_ENDPOINT_WEB_WEB_H
#define USHER_ENDPOINT_WEB_WEB_H

#include "endpoint/call.h"

enum us_code us_ep_health_live(struct us_call *call);
enum us_code us_ep_health_ready(struct us_call *call);

#endif
