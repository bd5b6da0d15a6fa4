/*
 * Node numbers: each process that makes ids leases one in the store, so that no two make the same id (base/id.h).
 *
 * The row's high_water is a promise ahead of time: while a lease runs it lies above every id its holder can make before
 * the lease ends, so that a holder that was killed needs no last word. A release puts the true mark in its place.
 */
#include "store/db.h"

#include "base/id.h"

#define ID_TIME_SHIFT 21 /* node and counter, below the milliseconds */

/* Above all ids of `ms`, of any node. */
static int64_t id_ceiling(int64_t ms) {
  int64_t since = ms - US_ID_EPOCH_MS;
  return since <= 0 ? 0 : (since << ID_TIME_SHIFT) | ((INT64_C(1) << ID_TIME_SHIFT) - 1);
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* The mark that covers a lease from now on: the clock's time, or the ids' own when they have run ahead of it. */
static int64_t mark_of_lease(int64_t now_ms, int64_t last_id) {
  int64_t from = larger(now_ms, last_id > 0 ? us_id_time_ms(last_id) : 0);
  return id_ceiling(from + US_NODE_LEASE_MS);
}

struct lease {
  int64_t node;
  int64_t high_water; /* before this lease */
};

static const char SQL_NODES[] = "SELECT id, leased_until_ms, high_water FROM node ORDER BY id";

/* The lowest number that has no row or whose lease has run out. */
static enum us_code find_free(struct us_cx *cx, struct lease *ret_lease) {
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, SQL_NODES, ""));
  struct lease lease = {.node = 1};
  while (us_sql_next(&rows)) {
    int64_t id = us_sql_i64(&rows, 0);
    if (id < lease.node)
      continue;
    if (id > lease.node)
      break; /* a gap */
    if (us_sql_i64(&rows, 1) < cx->now_ms) {
      lease.high_water = us_sql_i64(&rows, 2);
      break;
    }
    lease.node = id + 1;
  }
  US_TRY(us_sql_close(&rows));
  if (lease.node > US_ID_NODE_MAX)
    return us_fail(cx, US_E_UNAVAILABLE, "all %d node numbers of the store are taken by other processes",
                   US_ID_NODE_MAX);
  *ret_lease = lease;
  return US_OK;
}

static const char SQL_TAKE[] = "INSERT INTO node (id, leased_until_ms, high_water) VALUES ($1, $2, $3) "
                               "ON CONFLICT (id) DO UPDATE SET leased_until_ms = excluded.leased_until_ms, "
                               "high_water = excluded.high_water";

static enum us_code lease_step(struct us_cx *cx, void *self) {
  struct lease *lease = self;
  US_TRY(find_free(cx, lease));
  int64_t mark = larger(lease->high_water, mark_of_lease(cx->now_ms, lease->high_water));
  return us_sql_run(cx, NULL, SQL_TAKE, "iii", lease->node, cx->now_ms + US_NODE_LEASE_MS, mark);
}

enum us_code us_node_lease(struct us_cx *cx, struct us_db *db, uint16_t *ret_node, int64_t *ret_high_water) {
  struct lease lease;
  US_TRY(us_db_transact(cx, db, lease_step, &lease));
  *ret_node = (uint16_t)lease.node;
  *ret_high_water = lease.high_water;
  return US_OK;
}

struct release {
  int64_t node;
  int64_t high_water;
};

static const char SQL_RELEASE[] = "UPDATE node SET leased_until_ms = 0, high_water = $2 WHERE id = $1";

static enum us_code release_step(struct us_cx *cx, void *self) {
  const struct release *release = self;
  return us_sql_run(cx, NULL, SQL_RELEASE, "ii", release->node, release->high_water);
}

enum us_code us_node_release(struct us_cx *cx, struct us_db *db, uint16_t node, int64_t high_water) {
  struct release release = {.node = node, .high_water = high_water};
  return us_db_transact(cx, db, release_step, &release);
}

struct renewal {
  int64_t node;
  int64_t last_id;
  int64_t leased_until_ms; /* as the holder knows it, 0 = not yet; then the new end */
};

struct node_row {
  int64_t leased_until_ms;
  int64_t high_water;
};
static const struct us_column node_columns[] = {
    {US_COLUMN_I64, offsetof(struct node_row, leased_until_ms)},
    {US_COLUMN_I64, offsetof(struct node_row, high_water)},
};
static const char SQL_NODE[] = "SELECT leased_until_ms, high_water FROM node WHERE id = $1";
static const char SQL_RENEW[] = "UPDATE node SET leased_until_ms = $2, high_water = $3 WHERE id = $1";

static enum us_code renew_step(struct us_cx *cx, void *self) {
  struct renewal *renewal = self;
  struct node_row row;
  enum us_code code = us_sql_one(cx, node_columns, US_COLUMN_COUNT(node_columns), &row, SQL_NODE, "i", renewal->node);
  if (code == US_E_NOT_FOUND)
    return us_fail(cx, US_E_CONFLICT, "node %d is not leased", (int)renewal->node);
  US_TRY(code);
  if (renewal->leased_until_ms != 0 && row.leased_until_ms != renewal->leased_until_ms)
    return us_fail(cx, US_E_CONFLICT, "node %d was taken by another process", (int)renewal->node);
  renewal->leased_until_ms = cx->now_ms + US_NODE_LEASE_MS;
  int64_t mark = larger(row.high_water, mark_of_lease(cx->now_ms, renewal->last_id));
  return us_sql_run(cx, NULL, SQL_RENEW, "iii", renewal->node, renewal->leased_until_ms, mark);
}

enum us_code us_node_renew(struct us_cx *cx, struct us_db *db, uint16_t node, int64_t last_id,
                           int64_t *leased_until_ms) {
  struct renewal renewal = {.node = node, .last_id = last_id, .leased_until_ms = *leased_until_ms};
  US_TRY(us_db_transact(cx, db, renew_step, &renewal));
  *leased_until_ms = renewal.leased_until_ms;
  return US_OK;
}
