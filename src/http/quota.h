/*
 * How many connections there are, in all and by address, over all loops. One lock: it is taken when a connection begins
 * and when it ends, never for a request.
 */
#ifndef USHER_HTTP_QUOTA_H
#define USHER_HTTP_QUOTA_H

#include "http/address.h"

struct us_quota;
struct us_quota *us_quota_new(size_t connections, size_t connections_per_address);
void us_quota_free(struct us_quota *quota); /* accepts NULL */
/* Counts one more; false when there are too many already (then nothing is counted). `is_exempt`: a trusted proxy stands
 * for many people and counts only in the total. *ret_h2_bytes is where the address counts what its connections hold (h2_memory.h), good until
 * it is given back; NULL for who is exempt. */
bool us_quota_take(struct us_quota *quota, const struct us_address *address, bool is_exempt,
                   _Atomic size_t **ret_h2_bytes);
void us_quota_give_back(struct us_quota *quota, const struct us_address *address, bool is_exempt);

#endif
