/* OAuth clients: look-up, registration by the command line, authentication (protocol contract 1.7). */
#ifndef USHER_DOMAIN_CLIENT_H
#define USHER_DOMAIN_CLIENT_H

#include "domain/services.h"

#define US_CLIENT_ID_MAX 255 /* bytes, printable ASCII */

enum us_code us_client_by_id(struct us_cx *cx, int64_t realm_id, struct us_str client_id,
                             struct us_client *ret_client) US_MUST_CHECK;
enum us_code us_client_by_ref(struct us_cx *cx, int64_t ref, struct us_client *ret_client) US_MUST_CHECK;
enum us_code us_client_create(struct us_cx *cx, int64_t realm_id, const struct us_client *in,
                              int64_t *ret_ref) US_MUST_CHECK; /* bumps config_rev */
enum us_code us_client_update(struct us_cx *cx, const struct us_client *in) US_MUST_CHECK;
enum us_code us_client_delete(struct us_cx *cx, const struct us_client *client,
                              const struct us_realm *realm) US_MUST_CHECK; /* cascade 11.3, 9.1 */
/* One page of a realm's clients by client_id behind `after` ("" = from the start), at most `limit`. */
enum us_code us_client_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                            struct us_client **ret_clients, size_t *ret_count) US_MUST_CHECK;
/* us_client_may_use_grant: protocol contract 3.1 (unauthorized_client) */
bool us_client_may_use_grant(const struct us_client *client, const char *grant);

/* What a request says about its client: the Authorization header and the form members. */
struct us_client_credentials {
  struct us_str authorization; /* header value, absent without */
  struct us_str client_id, client_secret, client_assertion, client_assertion_type;
  struct us_str address;
};
/* Authenticates; the client is active and of the realm. Failures: US_E_INVALID_REQUEST (two credentials), US_E_INVALID_CLIENT
 * (status 401 + Basic challenge when a header was used: err.status is set), US_E_SLOW_DOWN, US_E_TO_POOL when the secret is not
 * remembered and !may_block. Unknown client and wrong secret take the same time. */
enum us_code us_client_authenticate(struct us_cx *cx, const struct us_realm *realm,
                                    const struct us_client_credentials *in, bool may_block,
                                    struct us_client *ret_client) US_MUST_CHECK;

#endif
