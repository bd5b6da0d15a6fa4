/*
 * Removal of rows that have expired, from tables whose ids are time-ordered (base/id.h). None of them has an index by expiry,
 * which every insert would pay for: they are walked in circles by id instead, a stretch a call.
 */
#ifndef USHER_STORE_SWEEP_H
#define USHER_STORE_SWEEP_H

#include "store/sql.h"

enum us_sweep {
  US_SWEEP_SESSION,
  US_SWEEP_TICKET,
  US_SWEEP_RPT,
  US_SWEEP_TOKEN,
  US_SWEEP_CODE,
  US_SWEEP_PCT,
  US_SWEEP_COUNT
};
#define US_SWEEP_WINDOW 10000 /* rows looked at in one call */

/* Looks at most at US_SWEEP_WINDOW rows behind *cursor with ids below `younger`, and deletes those that expired at `before`
 * (seconds; milliseconds for sessions), at most `max_rows`. *cursor becomes where the next call goes on; 0: at the start. */
enum us_code us_sweep_rows(struct us_cx *cx, enum us_sweep what, int64_t younger, int64_t before, int64_t max_rows,
                           int64_t *cursor, int64_t *ret_deleted) US_MUST_CHECK;

#endif
