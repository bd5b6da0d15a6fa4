/*
 * Rows of `assertion`: assertions by which clients showed who they are, by the digest of their jti, so that each counts once
 * (RFC 7523 3, 7). They are counted as they come and go, so that a limit costs no look over all of them.
 */
#ifndef USHER_STORE_ASSERTIONS_H
#define USHER_STORE_ASSERTIONS_H

#include "store/sql.h"

enum us_spend { US_SPEND_FIRST, US_SPEND_AGAIN, US_SPEND_FULL };

/* Write step, one statement decides who is first. FULL: this client, or all together, have as many as they may; the caller
 * then fails, which takes back what was written. */
enum us_code us_assertion_row_spend(struct us_cx *cx, int64_t client_ref, const char *digest, int64_t expires_s,
                                    int64_t max_per_client, int64_t max_in_all, enum us_spend *ret_spend) US_MUST_CHECK;
/* Write step: removes at most `max_rows` that expired before `before_s`. */
enum us_code us_assertion_rows_sweep(struct us_cx *cx, int64_t before_s, int64_t max_rows,
                                     int64_t *ret_rows) US_MUST_CHECK;

#endif
