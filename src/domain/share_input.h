/* A policy as a request writes it (REST contract c.1, c.3): permissions, type and conditions. */
#ifndef USHER_DOMAIN_SHARE_INPUT_H
#define USHER_DOMAIN_SHARE_INPUT_H

#include <jansson.h>

#include "domain/share.h"

/* US_E_INVALID_REQUEST with the texts of c.3. Room for one share more than there are. */
enum us_code us_share_wish_read(struct us_cx *cx, const json_t *object, struct us_share_wish *ret_wish) US_MUST_CHECK;

#endif
