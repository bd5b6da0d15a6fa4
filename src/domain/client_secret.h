/*
 * Secrets of clients as they are kept: hashed by argon2id, or, for client_secret_jwt, sealed (crypto/box.h), because there the secret
 * itself is needed. All of it takes time: on the pool, or on the command line.
 */
#ifndef USHER_DOMAIN_CLIENT_SECRET_H
#define USHER_DOMAIN_CLIENT_SECRET_H

#include "domain/services.h"

#define US_CLIENT_SECRET_PLACE "client:" /* and the client's ref: what its secret is sealed for */

/* Gives the client what its authentication method asks for, and takes what it has no use for. `given` is the secret to be; absent: the
 * one it has stays where what is stored of it serves the method, else one is made of 256 random bits. *ret_made: that, once, as a
 * secret (base/mem.h); else absent. */
enum us_code us_client_provide_secret(struct us_cx *cx, struct us_client *client, struct us_str given,
                                      struct us_str *ret_made) US_MUST_CHECK;
/* Is this the client's secret? In constant time; no for clients that have none. */
enum us_code us_client_secret_is(struct us_cx *cx, const struct us_client *client, struct us_str secret,
                                 bool *ret_is) US_MUST_CHECK;

#endif
