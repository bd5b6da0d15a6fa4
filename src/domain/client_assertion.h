/*
 * Assertions by which a client shows who it is (RFC 7521, RFC 7523): a JWT about itself, signed by a key that it registered
 * (private_key_jwt) or by its secret (client_secret_jwt). docs/adr/0024 says what is asked of one, and why used ones stand in a table.
 */
#ifndef USHER_DOMAIN_CLIENT_ASSERTION_H
#define USHER_DOMAIN_CLIENT_ASSERTION_H

#include "domain/client_auth.h"

#define US_ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define US_ASSERTIONS_MAX                                                                                              \
  500000 /* live ones of all clients that are remembered; of one client: a setting of its realm */
#define US_ASSERTION_JTI_MAX 1024

struct us_jws_said;

/* What it says about itself: whose it would be. US_E_INVALID_CLIENT. */
enum us_code us_assertion_peek(struct us_cx *cx, struct us_str assertion, struct us_jws_said *ret_said,
                               struct us_str *ret_client_id) US_MUST_CHECK;
/* The keys that could have signed it, so that judging it needs to wait for nothing; NULL for a secret. US_E_INVALID_CLIENT, US_E_TO_POOL,
 * US_E_TO_FETCH. */
enum us_code us_assertion_keys(struct us_cx *cx, const struct us_client *client, const struct us_jws_said *said,
                               bool may_block, const struct us_jwk_set **ret_set,
                               struct us_keys_wanted *ret_wanted) US_MUST_CHECK;
/* US_E_INVALID_CLIENT with a detail for the log. */
enum us_code us_assertion_judge(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                                struct us_str assertion, struct us_str endpoint_url, const struct us_jws_said *said,
                                const struct us_jwk_set *set, struct us_assertion_use *ret_use) US_MUST_CHECK;

#endif
