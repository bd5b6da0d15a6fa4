/* The UMA endpoints (protocol contract 4, 5, 6), one file a message. */
#ifndef USHER_ENDPOINT_UMA_UMA_H
#define USHER_ENDPOINT_UMA_UMA_H

#include "endpoint/oauth/oauth.h"

/* Bodies are raw JSON, decoded by the endpoints' own tables in `prepare`: off the writer. */
enum us_code us_ep_resource_prepare(struct us_call *call); /* create and update */
enum us_code us_ep_resource_create(struct us_call *call);
enum us_code us_ep_resource_list(struct us_call *call);
enum us_code us_ep_resource_read(struct us_call *call);
enum us_code us_ep_resource_update(struct us_call *call);
enum us_code us_ep_resource_delete(struct us_call *call);
enum us_code us_ep_permission_prepare(struct us_call *call);
enum us_code us_ep_permission_request(struct us_call *call);

/* The claims interaction endpoint: GET and POST alike. */
extern const struct us_field_table us_claims_table;
enum us_code us_ep_claims_prepare(struct us_call *call);
enum us_code us_ep_claims_run(struct us_call *call);
enum us_code us_ep_claims_finish(struct us_call *call);

#endif
