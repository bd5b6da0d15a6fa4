/*
 * Connections, transactions of readers, schema. A store is named by a URL: "sqlite:PATH" (or a bare path) and later
 * "postgres://...". The backend is a struct of functions (store/backend.h), refused when incomplete.
 */
#ifndef USHER_STORE_DB_H
#define USHER_STORE_DB_H

#include "store/sql.h"

/* How often this process has committed: one counter for its writer, which counts before any answer to what it wrote goes out, and
 * for its readers. */
struct us_commits {
  _Atomic uint64_t n;
};
struct us_db_options {
  const char *url;
  bool read_only;
  int busy_ms;                            /* default 2000 */
  int cache_kib;                          /* page cache of this connection; 0 = default */
  const char *vfs;                        /* SQLite's file layer by name, for tests that make it fail; NULL = default */
  const struct us_migrations *migrations; /* the schema that is wanted; NULL = the program's own (store/migrate.h) */
  struct us_commits *commits;             /* read_only: keep snapshots as long as it stands still; else count it up */
};
/* Opens; the file must have been migrated (us_db_migrate) by this or another process. Reasons for refusal (unreadable, newer
 * schema, locked, not a database) come as text of cx->err, one line an operator can act on. */
enum us_code us_db_open(struct us_cx *cx, const struct us_db_options *options, struct us_db **ret_db) US_MUST_CHECK;
void us_db_close(struct us_db *db);

/* Brings the schema to this version, each numbered migration in one transaction; refuses a newer one. Creates the file 0600. */
enum us_code us_db_migrate(struct us_cx *cx, const char *url) US_MUST_CHECK;

/* A read transaction around the statements of a reader: one snapshot. cx->db = db inside. us_db_end_read asserts (debug) that no
 * statement is left open. */
enum us_code us_db_begin_read(struct us_cx *cx, struct us_db *db) US_MUST_CHECK;
void us_db_end_read(struct us_cx *cx, struct us_db *db);
/* A reader with `commits` shares one snapshot among the reads that follow each other until its owner says that the turn is over,
 * which he does before he waits for anything; at most US_DB_SNAPSHOT_READS. A read that begins after a commit was counted never gets
 * a snapshot from before it: what this process has acknowledged is seen at once. Others' commits are seen a turn later at most. */
#define US_DB_SNAPSHOT_READS 64
void us_db_end_turn(struct us_cx *cx, struct us_db *db);

/* For the command line, tests and start-up: one write transaction outside the writer, run through `step`; commits when it returns
 * US_OK (or a refusal that keeps_writes), else rolls back. */
typedef enum us_code (*us_db_step_fn)(struct us_cx *cx, void *self);
enum us_code us_db_transact(struct us_cx *cx, struct us_db *db, us_db_step_fn step, void *self) US_MUST_CHECK;

/* Nothing of values that were overwritten is left in the files of the store (free pages, log). Outside of transactions; takes a while. */
enum us_code us_db_scrub(struct us_cx *cx, struct us_db *db) US_MUST_CHECK;

/* Changes whenever another connection committed (SQLite: PRAGMA data_version). */
int64_t us_db_data_version(struct us_cx *cx, struct us_db *db);

/* A node number leased in the store for this process (table node), renewed by the writer; and the id high-water mark.
 * Numbers are 1 to US_ID_NODE_MAX; 0 means "none leased". The mark is above every id that the number's former holders can
 * have made, also those that ended without a release. US_E_UNAVAILABLE when all are taken. */
#define US_NODE_LEASE_MS 60000 /* for how long */
#define US_NODE_RENEW_MS 20000 /* how often the writer renews it */
enum us_code us_node_lease(struct us_cx *cx, struct us_db *db, uint16_t *ret_node,
                           int64_t *ret_high_water) US_MUST_CHECK;
enum us_code us_node_release(struct us_cx *cx, struct us_db *db, uint16_t node, int64_t high_water) US_MUST_CHECK;

/* Keeps the number until cx->now_ms + US_NODE_LEASE_MS. *leased_until_ms is what the holder last knew and gets the new
 * end; 0 = just take what the row says. `last_id`: the last id made, 0 = unknown. US_E_CONFLICT (an answer) when somebody
 * else has taken the number since. */
enum us_code us_node_renew(struct us_cx *cx, struct us_db *db, uint16_t node, int64_t last_id,
                           int64_t *leased_until_ms) US_MUST_CHECK;

#endif
