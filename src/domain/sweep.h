/* Clean-up of whatever has expired: sessions, tickets, RPTs, tokens, used assertions. Called by app/cleanup.c now and then. */
#ifndef USHER_DOMAIN_SWEEP_H
#define USHER_DOMAIN_SWEEP_H

#include "domain/services.h"

/* Write step: of each kind at most max_rows. *ret_rows >= max_rows: there is more to do right away. */
enum us_code us_sweep_expired(struct us_cx *cx, int64_t max_rows, int64_t *ret_rows) US_MUST_CHECK;

#endif
