/*
 * The public keys of clients (private_key_jwt, self_signed_tls_client_auth): parsed once a revision of the client, from what it
 * registered, or from its jwks_uri, where app/fetch.h fetches them when it is asked to.
 *
 * Nothing here waits. Who needs keys that are not at hand is told where to go: to the pool, because parsing takes milliseconds
 * (US_E_TO_POOL), or to the fetcher (US_E_TO_FETCH), which calls us_client_keys_fetched(), and then asks again. At most one fetch
 * a client runs at a time, the others join it; and at most one begins in US_CLIENT_KEYS_PAUSE_S, whoever asks (JW-20).
 *
 * Bounded by the number of keys; past it the longest unused set is forgotten. The pauses are kept by the throttle, so forgetting
 * does not shorten one.
 */
#ifndef USHER_DOMAIN_CLIENT_KEYS_H
#define USHER_DOMAIN_CLIENT_KEYS_H

#include "crypto/jwk_set.h"
#include "domain/services.h"

#define US_CLIENT_KEYS_PAUSE_S 60      /* between two fetches for one client */
#define US_CLIENT_KEYS_FRESH_S 3600    /* so old, they are fetched anew when they are needed */
#define US_CLIENT_KEYS_MAX_AGE_S 86400 /* so long they are still good where that fails */
#define US_CLIENT_KEYS_FETCH_MS 15000  /* longer than a fetch can take: app/fetch.h */

struct us_client_keys;
struct us_client_keys *us_client_keys_new(size_t max_keys);
void us_client_keys_free(struct us_client_keys *keys); /* accepts NULL */

/* What the fetcher is asked for. */
struct us_keys_wanted {
  int64_t client_ref, rev;
  struct us_str url; /* ends with a NUL */
  bool may_start;    /* else: join a fetch that runs, or ask again */
};

/* The set belongs to cx->mem. US_E_NOT_FOUND (an answer, with a detail): there are none to be had now. US_E_TO_FETCH: *ret_wanted. */
enum us_code us_client_keys_get(struct us_cx *cx, const struct us_client *client, bool may_block,
                                const struct us_jwk_set **ret_set, struct us_keys_wanted *ret_wanted) US_MUST_CHECK;
/* None of the set fits: newer ones may be there. US_E_TO_FETCH, or US_E_NOT_FOUND: there are no others, or it is too soon to look. */
enum us_code us_client_keys_refresh(struct us_cx *cx, const struct us_client *client,
                                    struct us_keys_wanted *ret_wanted) US_MUST_CHECK;

/* From the fetcher's thread, once for each fetch that ran: what came, or absent. */
void us_client_keys_fetched(struct us_services *svc, int64_t client_ref, int64_t rev, struct us_str body);
/* It was wanted and could not be begun. */
void us_client_keys_given_up(struct us_services *svc, const struct us_keys_wanted *wanted);
size_t us_client_keys_count(struct us_client_keys *keys); /* keys remembered */

#endif
