/*
 * The description of a resource as a resource server sends it (protocol contract 4.1): checked, and as it is stored. It is kept as it
 * came, members we do not know included; what the server owns (_id, user_access_policy_uri) and what is kept elsewhere (labels) is
 * taken out of it.
 */
#ifndef USHER_DOMAIN_RESOURCE_INPUT_H
#define USHER_DOMAIN_RESOURCE_INPUT_H

#include <jansson.h>

#include "domain/resource.h"

/* Changes `document`: what is not kept is taken out. US_E_INVALID_REQUEST with the texts of 4.8. The id of *ret_input is 0. */
enum us_code us_resource_input_read(struct us_cx *cx, json_t *document,
                                    struct us_resource_input *ret_input) US_MUST_CHECK;

#endif
