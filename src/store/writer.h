/*
 * The one who writes: a thread with its own connection that takes all waiting write steps, runs each in one
 * BEGIN IMMEDIATE transaction, commits once, and only then lets the answers go (group commit, design 2).
 *
 * - A step that fails leaves nothing; the others of the batch are not touched. A refusal with cx->err.keeps_writes keeps what it
 *   wrote. Most steps succeed, and most refusals come before anything was written, so a batch is first run without savepoints (each
 *   copies the pages that its step writes); when a step does fail behind its first write the whole is rolled back and run
 *   again, each step in a savepoint.
 * - After any failing statement the writer looks whether the database ended the whole transaction
 *   (sqlite3_get_autocommit): then the batch stops; steps that had succeeded in it are run again in a new batch, in order,
 *   once; the step that broke it answers 503.
 * - A failed COMMIT fails every step of the batch with US_E_STORE. Nothing is acknowledged before its commit.
 * - `run` gets cx->db set; it may run more than once, so it must write its results anew each time. `done` is called on the
 *   writer's thread after the outcome is certain, with the step's code: it must only hand the request on.
 * - Nothing slow runs here. The writer checkpoints (PASSIVE by size, TRUNCATE past 64 MB), renews the node lease, applies
 *   notes, and calls `on_external_change` when data_version moved (before a batch and every 250 ms).
 */
#ifndef USHER_STORE_WRITER_H
#define USHER_STORE_WRITER_H

#include "store/db.h"

struct us_writer;
struct us_write_job {
  struct us_cx *cx;
  enum us_code (*run)(struct us_write_job *job);
  void (*done)(struct us_write_job *job, enum us_code code);
  struct us_write_job *next; /* owned by the writer while queued */
  enum us_code code;         /* the writer's own, as the next */
  void *waiter;
};
struct us_writer_options {
  const char *url;
  size_t max_queued; /* default 4096; more is refused at submit */
  size_t max_batch;  /* default 64 */
  void (*on_external_change)(void *self,
                             struct us_cx *cx); /* on the writer's thread, outside a transaction, cx->db set */
  void *self;
  uint16_t node;                /* lease to renew; 0 = none */
  const struct us_clock *clock; /* NULL: system */
  struct us_idgen *ids;         /* whose high-water mark is stored with the lease; may be NULL */
  int busy_ms;                  /* 0 = default, as in us_db_options */
  int cache_kib;                /* 0 = default */
  const char *vfs;              /* as in us_db_options */
  struct us_commits *commits;   /* counted up after each commit, before any done(); may be NULL */
  void (*answered)(void *self); /* on the writer's thread, after the done() of several jobs in a row; may be NULL */
};
enum us_code us_writer_start(struct us_cx *cx, const struct us_writer_options *options,
                             struct us_writer **ret_writer) US_MUST_CHECK;
bool us_writer_submit(struct us_writer *writer,
                      struct us_write_job *job); /* any thread; false: queue full or stopping */
/* The same for jobs linked by `next`, which then share a batch as far as its size allows. Returns the first of those that have no room;
 * NULL: all are queued. */
struct us_write_job *us_writer_submit_all(struct us_writer *writer, struct us_write_job *first) US_MUST_CHECK;
/* Submits one and waits for its outcome: for threads that have nothing else to do. `done` is set here. */
enum us_code us_writer_run(struct us_writer *writer, struct us_write_job *job) US_MUST_CHECK;
/* A note (a session was touched): bounded, may be lost. Runs as a small write in the next batch. */
struct us_note {
  int64_t kind, key, value;
};
typedef enum us_code (*us_note_fn)(struct us_cx *cx, const struct us_note *note);
void us_writer_set_note_handler(struct us_writer *writer, us_note_fn apply);
void us_writer_note(struct us_writer *writer, struct us_note note);
struct us_writer_counters {
  uint64_t batches, steps, failed_steps, failed_batches;
  size_t queued;
};
struct us_writer_counters us_writer_counters(struct us_writer *writer);
void us_writer_stop(struct us_writer *writer); /* drains, commits, answers, joins, frees; accepts NULL */

#endif
