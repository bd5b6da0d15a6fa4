/*
 * Client secrets that were right once: argon2id costs 17 ms, too much for each request of a client. Remembered is
 * HMAC-SHA-256 under a key of this process, by client and its revision, so a changed secret is unknown at once and memory holds
 * nothing that would be of use elsewhere. Bounded; past the maximum the longest unused one is forgotten.
 */
#ifndef USHER_DOMAIN_SECRET_H
#define USHER_DOMAIN_SECRET_H

#include "base/str.h"

struct us_secret_cache;
struct us_secret_cache *us_secret_cache_new(size_t max_entries);
void us_secret_cache_free(struct us_secret_cache *cache); /* accepts NULL */
/* True when this secret was right for this revision of the client. Constant time in the secret. */
bool us_secret_is_known(struct us_secret_cache *cache, int64_t client_ref, int64_t rev, struct us_str secret);
/* Remembers a secret that was just verified. Does nothing when out of memory. */
void us_secret_remember(struct us_secret_cache *cache, int64_t client_ref, int64_t rev, struct us_str secret);
size_t us_secret_count(struct us_secret_cache *cache);

#endif
