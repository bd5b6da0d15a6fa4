/*
 * What a database must bring to be a store: one struct of functions. store/sql.c and store/db.c are the front that the
 * rest of the tree talks to; a backend (store/sqlite.c) never sees letters, struct tables or the writer. A backend whose
 * struct has a hole is refused before its first call (us_backend_check).
 *
 * A backend embeds struct us_db and struct us_statement as the first member of its own types; the front owns their
 * fields. Functions that can fail record the error in cx (US_E_UNAVAILABLE when the database was busy past its time,
 * else US_E_STORE) with the database's words as detail.
 */
#ifndef USHER_STORE_BACKEND_H
#define USHER_STORE_BACKEND_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* The key of a statement is a pointer: one multiplication spreads it. Out of memory leaves hh.tbl NULL (store/sql.c). */
#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, length, hash) ((hash) = us_statement_hash((key), (length)))
static inline unsigned us_statement_hash(const void *key, size_t length);
#include <uthash.h>

#include "store/db.h"

/* The most parameters of one statement: a filter of 256 comparisons, and room for what stands around it (store/list.c). */
#define US_SQL_PARAMETERS_MAX 320
/* The most statements of one text that may be open at once on a connection: a reader inside a reader of itself. */
#define US_SQL_NESTING_MAX 16
/* Composed statements that a connection keeps prepared, the least recently used goes first; and up to which length. Longer ones
 * are prepared for one use: what a caller makes us remember is bounded. */
#define US_SQL_COMPOSED_MAX 64
#define US_SQL_COMPOSED_MAX_BYTES 4096

enum us_value_kind { US_VALUE_NULL, US_VALUE_I64, US_VALUE_TEXT };
struct us_value {
  enum us_value_kind kind;
  int64_t i64;
  struct us_str text; /* lives until the statement is reset */
};

enum us_db_mode { US_DB_IDLE, US_DB_READING, US_DB_WRITING };
enum us_db_verb {
  US_DB_BEGIN_READ,
  US_DB_BEGIN_WRITE, /* takes the write lock now, waits for it no longer than busy_ms */
  US_DB_COMMIT,      /* when it fails the transaction is over and will not come back after a crash, as far as can be */
  US_DB_ROLLBACK,    /* without a transaction: nothing */
  US_DB_SAVEPOINT,
  US_DB_RELEASE,
  US_DB_ROLLBACK_TO, /* and releases it */
  US_DB_VERB_COUNT
};

struct us_db {
  const struct us_backend *backend;
  struct us_statement *statements;                    /* by address of their text */
  struct us_statement *open;                          /* those between us_sql_open and us_sql_close */
  struct us_statement *composed[US_SQL_COMPOSED_MAX]; /* by their text, the latest used first (store/composed.c) */
  size_t composed_count;
  enum us_db_mode mode;
  bool lost; /* the database ended the write transaction by itself: nothing more runs until it is rolled back */
  struct us_commits *commits; /* may be NULL */
  bool keeps_snapshots;       /* from read to read */
  uint64_t commits_seen;      /* counted before the snapshot that is kept was taken */
  unsigned snapshot_reads;    /* 0: no snapshot is kept */
  struct us_seen *seen;       /* store/seen.h; NULL: this connection remembers nothing */
  int64_t rights_rev;         /* as the snapshot has it; 0: not asked yet */
  bool has_failed;            /* a statement of this read failed: its snapshot may be gone and is not kept */
};

struct us_statement {
  struct us_db *db;
  const char *sql;                  /* the key: this very pointer */
  uint32_t check;                   /* debug builds: digest of the text, to catch a pointer that was used twice */
  size_t parameters;                /* the text uses $1 to $parameters */
  bool is_open;                     /* between us_sql_open and us_sql_close */
  bool is_kept;                     /* false: composed for one use, goes when it is closed */
  char *own_sql;                    /* composed: the text, freed with the statement; else NULL */
  struct us_statement *twin;        /* another of the same text */
  struct us_statement *prev, *next; /* in us_db.open */
  UT_hash_handle hh;
};

static inline unsigned us_statement_hash(const void *key, size_t length) {
  uintptr_t address;
  __builtin_memcpy(&address, key, length);
  return (unsigned)((uint64_t)address * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

enum us_step { US_STEP_ROW, US_STEP_DONE, US_STEP_FAILED };

/* @NAME@ in a migration becomes `text`. */
struct us_placeholder {
  const char *name;
  const char *text;
};

struct us_backend {
  const char *name;
  const struct us_placeholder *placeholders; /* ended by a NULL name */
  const char
      *scrub; /* script that leaves nothing of values that were overwritten; outside of transactions. NULL: none */
  const char *elements; /* the strings of a JSON array as a table `e` with column `value`; '@' stands for the array */

  bool (*takes)(struct us_str url);
  /* `create`: makes the store when there is none, for migrations. Refusals are one line in cx->err.text. */
  enum us_code (*open)(struct us_cx *cx, const struct us_db_options *options, bool create, struct us_db **ret_db);
  void (*close)(struct us_db *db); /* no statement is left */

  enum us_code (*schema_version)(struct us_cx *cx, struct us_db *db, int *ret_version); /* 0: empty */
  enum us_code (*set_schema_version)(struct us_cx *cx, struct us_db *db, int version);  /* in a transaction */
  enum us_code (*script)(struct us_cx *cx, struct us_db *db, const char *sql);          /* several statements */

  /* Fills `parameters`; the text must use all of $1 to $parameters. The front fills the rest. */
  enum us_code (*prepare)(struct us_cx *cx, struct us_db *db, const char *sql, struct us_statement **ret_statement);
  void (*finalize)(struct us_statement *statement);
  enum us_code (*start)(struct us_cx *cx, struct us_statement *statement, const struct us_value *values, size_t count);
  enum us_step (*step)(struct us_cx *cx, struct us_statement *statement);
  void (*reset)(struct us_statement *statement);
  int64_t (*changed)(struct us_statement *statement); /* rows, after US_STEP_DONE */

  int64_t (*column_i64)(struct us_statement *statement, int column);
  bool (*column_is_null)(struct us_statement *statement, int column);
  /* Absent for NULL; lives until the next step. False: the machine's memory is used up. */
  bool (*column_text)(struct us_statement *statement, int column, struct us_str *ret_text);

  enum us_code (*transaction)(struct us_cx *cx, struct us_db *db, enum us_db_verb verb);
  bool (*in_transaction)(struct us_db *db);
  int64_t (*total_changes)(struct us_db *db); /* rows that the connection has ever written, undone or not */
  enum us_code (*data_version)(struct us_cx *cx, struct us_db *db, int64_t *ret_version);
  /* From now on statements of this connection may use so much processor time of this thread, all together; what would use more fails
   * with US_E_TOO_LONG. 0: any. For reads only. */
  void (*limit)(struct us_db *db, int64_t ms);
  void (*maintain)(struct us_db *db); /* after commits of the writer: checkpoints when due */
};

extern const struct us_backend us_backend_sqlite;

/* US_E_INTERNAL, naming what is missing. */
enum us_code us_backend_check(struct us_cx *cx, const struct us_backend *backend) US_MUST_CHECK;
enum us_code us_backend_for_url(struct us_cx *cx, const char *url, const struct us_backend **ret_backend) US_MUST_CHECK;
/* Opens without asking for the schema version. */
enum us_code us_db_open_raw(struct us_cx *cx, const struct us_db_options *options, bool create,
                            struct us_db **ret_db) US_MUST_CHECK;

/* Write transactions, for the writer and us_db_transact. us_db_commit rolls back when it fails; us_db_rollback always
 * leaves the connection idle. */
enum us_code us_db_begin_write(struct us_cx *cx, struct us_db *db) US_MUST_CHECK;
enum us_code us_db_commit(struct us_cx *cx, struct us_db *db) US_MUST_CHECK;
void us_db_rollback(struct us_cx *cx, struct us_db *db);
/* True when the transaction that was begun is still there. */
bool us_db_is_whole(struct us_db *db);
/* Looks, after a failed statement, whether the database ended the transaction. */
void us_db_note_failure(struct us_db *db);
/* Resets what a step left open. Debug builds say which and stop: it is a mistake of ours. */
void us_db_close_statements(struct us_db *db);
/* A statement whose text is put together from fixed pieces (store/list.c): found by the text itself, which is copied. */
enum us_code us_sql_open_composed(struct us_cx *cx, struct us_rows *rows, const char *sql,
                                  const struct us_value *values, size_t count) US_MUST_CHECK;
/* Parameters by letters, for such a statement: at most US_SQL_PARAMETERS_MAX. */
enum us_code us_sql_values(struct us_cx *cx, const char *sql, const char *letters, va_list *args,
                           struct us_value *ret_values, size_t *ret_count) US_MUST_CHECK;
/* store/sql.c and store/composed.c to each other. */
enum us_code us_sql_check_connection(struct us_cx *cx) US_MUST_CHECK; /* there is one, and it can be used */
enum us_code us_sql_prepare(struct us_cx *cx, struct us_db *db, const char *sql,
                            struct us_statement **ret_statement) US_MUST_CHECK;
enum us_code us_sql_start(struct us_cx *cx, struct us_rows *rows, struct us_statement *statement,
                          const struct us_value *values, size_t count) US_MUST_CHECK;
uint32_t us_sql_text_check(const char *sql);
void us_sql_finalize(struct us_statement *statement);
/* Finalizes all that were prepared; none is open. */
void us_db_forget_statements(struct us_db *db);

#endif
