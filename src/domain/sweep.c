/* Clean-up of expired rows: see sweep.h; the walk itself is store/sweep.c. */
#include "domain/sweep.h"

#include <stdatomic.h>

#include "domain/snapshot.h"
#include "store/assertions.h"

#define DAY_S 86400
#define ASSERTION_KEPT_S 60 /* behind its expiry: a node whose clock is behind must not take it again */

/* Seconds that a row stays after it has expired. An expired RPT may still be upgraded (protocol contract 6.6), a used code that
 * comes again ends its grant: for a day. */
static const int64_t kept_s[US_SWEEP_COUNT] = {
    [US_SWEEP_TICKET] = 1, [US_SWEEP_RPT] = DAY_S + 1, [US_SWEEP_CODE] = DAY_S + 1};

/* Tickets come fast and live shortly. Those that cannot have expired are not looked at, or the walk would spend its time on
 * them while expired ones gather behind it. */
static int64_t shortest_ticket_s(struct us_cx *cx) {
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  size_t realms = us_snapshot_count(snapshot);
  int64_t shortest = realms > 0 ? INT64_MAX : 0;
  for (size_t i = 0; i < realms; i++) {
    int64_t life_s = us_snapshot_at(snapshot, i)->settings.permission_ticket_s;
    shortest = life_s < shortest ? life_s : shortest;
  }
  us_snapshot_unref(snapshot);
  return shortest;
}

static enum us_code sweep(struct us_cx *cx, enum us_sweep what, int64_t max_rows, int64_t *ret_rows) {
  int64_t before_s = us_cx_now_s(cx) - kept_s[what], deleted = 0;
  int64_t younger_s = before_s + 1 - (what == US_SWEEP_TICKET ? shortest_ticket_s(cx) : 0);
  int64_t before = what == US_SWEEP_SESSION ? cx->now_ms : before_s;
  int64_t cursor = atomic_load(&cx->svc->sweeps[what]);
  US_TRY(us_sweep_rows(cx, what, us_id_first_at(younger_s * 1000), before, max_rows, &cursor, &deleted));
  atomic_store(&cx->svc->sweeps[what], cursor);
  /* Where some had expired, the next stretch is looked at right away. */
  *ret_rows = deleted > 0 && cursor != 0 ? max_rows : deleted;
  return US_OK;
}

enum us_code us_sweep_expired(struct us_cx *cx, int64_t max_rows, int64_t *ret_rows) {
  int64_t most = 0;
  US_TRY(us_assertion_rows_sweep(cx, us_cx_now_s(cx) - ASSERTION_KEPT_S, max_rows, &most));
  for (int what = 0; what < US_SWEEP_COUNT; what++) {
    int64_t rows = 0;
    US_TRY(sweep(cx, (enum us_sweep)what, max_rows, &rows));
    most = rows > most ? rows : most;
  }
  *ret_rows = most;
  return US_OK;
}
