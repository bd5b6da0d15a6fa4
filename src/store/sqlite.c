/*
 * The SQLite backend: statements, transactions, checkpoints. Each connection is used by one thread at a time, so SQLite
 * takes no mutex of its own (SQLITE_OPEN_NOMUTEX). Opening and its refusals are in sqlite_open.c.
 */
#include "store/sqlite.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

/* PASSIVE from here, again after as many pages more: about 4 MB of 4 KiB pages. */
#define CHECKPOINT_PAGES 1000
/* TRUNCATE past 64 MB: only reached when readers kept the log from starting over. */
#define CHECKPOINT_TRUNCATE_PAGES (64 * 1024 * 1024 / 4096)

struct sqlite_statement {
  struct us_statement head;
  sqlite3_stmt *stmt;
  bool is_change;   /* INSERT, UPDATE, DELETE: sqlite3_changes() is about it */
  uint16_t index[]; /* of $n, as SQLite counts; [0] is not used */
};

static struct us_sqlite *of_db(struct us_db *db) {
  return (struct us_sqlite *)db;
}

static struct sqlite_statement *of_statement(struct us_statement *statement) {
  return (struct sqlite_statement *)statement;
}

enum us_code us_sqlite_fail(struct us_cx *cx, struct us_sqlite *s, int rc, const char *doing) {
  int primary = rc & 0xff;
  if (primary == SQLITE_INTERRUPT) {
    us_fail(cx, US_E_TOO_LONG, "The query takes too long: ask for less");
  } else if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
    us_fail(cx, US_E_UNAVAILABLE, "the store is busy");
    cx->err.retry_after_s = 1;
  } else {
    us_fail(cx, US_E_STORE, "the store failed");
  }
  return us_error_detail(cx, "sqlite: %s (%d): %.200s", sqlite3_errmsg(s->handle), rc, doing);
}

static bool takes(struct us_str url) {
  if (us_str_starts(url, US_STR("sqlite:")))
    return true;
  /* A bare path; "word:..." before any slash is an address of another kind. */
  const char *colon = memchr(url.p, ':', url.n);
  const char *slash = memchr(url.p, '/', url.n);
  return !colon || (slash && slash < colon);
}

enum us_code us_sqlite_pragma(struct us_cx *cx, struct us_sqlite *s, const char *sql, int *ret_value) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(s->handle, sql, -1, &stmt, NULL);
  if (rc != SQLITE_OK)
    return us_sqlite_fail(cx, s, rc, sql);
  rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW)
    *ret_value = sqlite3_column_int(stmt, 0);
  int end = sqlite3_finalize(stmt);
  if (rc != SQLITE_ROW)
    return us_sqlite_fail(cx, s, end != SQLITE_OK ? end : SQLITE_ERROR, sql);
  return US_OK;
}

static enum us_code schema_version(struct us_cx *cx, struct us_db *db, int *ret_version) {
  US_TRY(us_sqlite_pragma(cx, of_db(db), "PRAGMA user_version", ret_version));
  of_db(db)->schema_version = *ret_version;
  return US_OK;
}

static enum us_code script(struct us_cx *cx, struct us_db *db, const char *sql) {
  int rc = sqlite3_exec(of_db(db)->handle, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK ? US_OK : us_sqlite_fail(cx, of_db(db), rc, "script");
}

static enum us_code set_schema_version(struct us_cx *cx, struct us_db *db, int version) {
  char sql[120];
  snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;", US_SQLITE_APPLICATION_ID, version);
  US_TRY(script(cx, db, sql));
  of_db(db)->schema_version = version;
  return US_OK;
}

/* SQLite takes $1 for a name and numbers parameters as they come: finds out which index each $n has. */
static bool map_parameters(struct sqlite_statement *st) {
  int count = sqlite3_bind_parameter_count(st->stmt);
  for (int i = 1; i <= count; i++) {
    const char *name = sqlite3_bind_parameter_name(st->stmt, i);
    uint64_t n = 0;
    if (!name || name[0] != '$' || !us_str_to_u64(us_str_c(name + 1), (uint64_t)count, &n) || n == 0)
      return false;
    st->index[n] = (uint16_t)i;
  }
  for (int n = 1; n <= count; n++)
    if (st->index[n] == 0)
      return false;
  st->head.parameters = (size_t)count;
  return true;
}

static void finalize(struct us_statement *statement) {
  sqlite3_finalize(of_statement(statement)->stmt);
  free(statement);
}

static enum us_code prepare(struct us_cx *cx, struct us_db *db, const char *sql, struct us_statement **ret_statement) {
  struct us_sqlite *s = of_db(db);
  sqlite3_stmt *stmt = NULL;
  const char *tail = NULL;
  int rc = sqlite3_prepare_v3(s->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, &tail);
  if (rc != SQLITE_OK)
    return us_sqlite_fail(cx, s, rc, sql);
  size_t count = (size_t)sqlite3_bind_parameter_count(stmt); /* 0 for NULL */
  struct sqlite_statement *st =
      count <= US_SQL_PARAMETERS_MAX ? calloc(1, sizeof *st + (count + 1) * sizeof st->index[0]) : NULL;
  if (!st) {
    sqlite3_finalize(stmt);
    return count <= US_SQL_PARAMETERS_MAX ? us_fail(cx, US_E_STORE, "the store is out of memory")
                                          : us_fail(cx, US_E_INTERNAL, "a statement has too many parameters");
  }
  st->stmt = stmt;
  if (!st->stmt || (tail && tail[strspn(tail, " \t\r\n;")]) || !map_parameters(st)) {
    finalize(&st->head);
    us_fail(cx, US_E_INTERNAL, "a statement is not one statement with parameters $1, $2, ...");
    return us_error_detail(cx, "%.200s", sql);
  }
  st->is_change = !sqlite3_stmt_readonly(st->stmt);
  *ret_statement = &st->head;
  return US_OK;
}

static enum us_code start(struct us_cx *cx, struct us_statement *statement, const struct us_value *values,
                          size_t count) {
  struct sqlite_statement *st = of_statement(statement);
  for (size_t i = 0; i < count; i++) {
    const struct us_value *value = &values[i];
    int index = st->index[i + 1];
    int rc = SQLITE_OK;
    switch (value->kind) {
    case US_VALUE_NULL:
      rc = sqlite3_bind_null(st->stmt, index);
      break;
    case US_VALUE_I64:
      rc = sqlite3_bind_int64(st->stmt, index, value->i64);
      break;
    case US_VALUE_TEXT:
      rc = sqlite3_bind_text64(st->stmt, index, value->text.p, value->text.n, SQLITE_STATIC, SQLITE_UTF8);
      break;
    }
    if (rc != SQLITE_OK)
      return us_sqlite_fail(cx, of_db(statement->db), rc, statement->sql);
  }
  return US_OK;
}

static enum us_step step(struct us_cx *cx, struct us_statement *statement) {
  int rc = sqlite3_step(of_statement(statement)->stmt);
  if (rc == SQLITE_ROW)
    return US_STEP_ROW;
  if (rc == SQLITE_DONE)
    return US_STEP_DONE;
  us_sqlite_fail(cx, of_db(statement->db), rc, statement->sql);
  return US_STEP_FAILED;
}

static void reset(struct us_statement *statement) {
  /* Gives the code of a failed step once more; it has been told already. */
  (void)sqlite3_reset(of_statement(statement)->stmt);
}

static int64_t changed(struct us_statement *statement) {
  return of_statement(statement)->is_change ? sqlite3_changes64(of_db(statement->db)->handle) : 0;
}

static int64_t column_i64(struct us_statement *statement, int column) {
  return sqlite3_column_int64(of_statement(statement)->stmt, column);
}

static bool column_is_null(struct us_statement *statement, int column) {
  return sqlite3_column_type(of_statement(statement)->stmt, column) == SQLITE_NULL;
}

static bool column_text(struct us_statement *statement, int column, struct us_str *ret_text) {
  sqlite3_stmt *stmt = of_statement(statement)->stmt;
  const char *p = (const char *)sqlite3_column_text(stmt, column);
  if (!p) {
    *ret_text = US_STR_ABSENT;
    return sqlite3_column_type(stmt, column) == SQLITE_NULL;
  }
  *ret_text = (struct us_str){p, (size_t)sqlite3_column_bytes(stmt, column)};
  return true;
}

static const char *const verb_sql[US_DB_VERB_COUNT] = {
    [US_DB_BEGIN_READ] = "BEGIN",
    [US_DB_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [US_DB_COMMIT] = "COMMIT",
    [US_DB_ROLLBACK] = "ROLLBACK",
    [US_DB_SAVEPOINT] = "SAVEPOINT step",
    [US_DB_RELEASE] = "RELEASE step",
    [US_DB_ROLLBACK_TO] = "ROLLBACK TO step",
};

static enum us_code run_verb(struct us_cx *cx, struct us_sqlite *s, enum us_db_verb verb) {
  sqlite3_stmt **stmt = &s->verbs[verb];
  int rc = SQLITE_OK;
  if (!*stmt)
    rc = sqlite3_prepare_v3(s->handle, verb_sql[verb], -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_step(*stmt);
  enum us_code code = rc == SQLITE_DONE ? US_OK : us_sqlite_fail(cx, s, rc, verb_sql[verb]);
  (void)sqlite3_reset(*stmt);
  return code;
}

/* When the sync of a commit fails its frames may stand complete in the log, although SQLite has forgotten them. A crash
 * now would bring back what was answered with failure. The next commit starts at the same place and so destroys them:
 * make one at once, of nothing (the same schema number again). When the disk refuses this too, nobody can do more. */
static void overwrite_failed_commit(struct us_sqlite *s) {
  char sql[100];
  snprintf(sql, sizeof sql, "BEGIN IMMEDIATE; PRAGMA user_version = %d; COMMIT", s->schema_version);
  if (sqlite3_exec(s->handle, sql, NULL, NULL, NULL) != SQLITE_OK && !sqlite3_get_autocommit(s->handle))
    (void)sqlite3_exec(s->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* What loops remember of rights ends with this transaction (store/seen.h). */
static enum us_code bump_rights(struct us_cx *cx, struct us_sqlite *s) {
  static const char SQL_BUMP[] =
      "UPDATE meta SET value = CAST(CAST(value AS bigint) + 1 AS text) WHERE key = 'rights_rev'";
  int rc = SQLITE_OK;
  if (!s->has_changed_rights)
    return US_OK;
  if (!s->rights_bump)
    rc = sqlite3_prepare_v3(s->handle, SQL_BUMP, -1, SQLITE_PREPARE_PERSISTENT, &s->rights_bump, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_step(s->rights_bump);
  enum us_code code = rc == SQLITE_DONE ? US_OK : us_sqlite_fail(cx, s, rc, SQL_BUMP);
  (void)sqlite3_reset(s->rights_bump);
  return code;
}

static enum us_code commit(struct us_cx *cx, struct us_sqlite *s) {
  bool was_write = sqlite3_txn_state(s->handle, "main") == SQLITE_TXN_WRITE;
  enum us_code code = bump_rights(cx, s);
  if (code == US_OK)
    code = run_verb(cx, s, US_DB_COMMIT);
  if (code == US_OK)
    return US_OK;
  struct us_cx quiet = {.mem = cx->mem};
  if (!sqlite3_get_autocommit(s->handle))
    (void)run_verb(&quiet, s, US_DB_ROLLBACK);
  if (was_write && sqlite3_get_autocommit(s->handle))
    overwrite_failed_commit(s);
  return code;
}

static enum us_code transaction(struct us_cx *cx, struct us_db *db, enum us_db_verb verb) {
  struct us_sqlite *s = of_db(db);
  switch (verb) {
  case US_DB_BEGIN_WRITE:
    s->has_changed_rights = false;
    return run_verb(cx, s, verb);
  case US_DB_COMMIT:
    return commit(cx, s);
  case US_DB_ROLLBACK:
    return sqlite3_get_autocommit(s->handle) ? US_OK : run_verb(cx, s, US_DB_ROLLBACK);
  case US_DB_ROLLBACK_TO:
    US_TRY(run_verb(cx, s, US_DB_ROLLBACK_TO));
    return run_verb(cx, s, US_DB_RELEASE);
  default:
    return run_verb(cx, s, verb);
  }
}

static bool in_transaction(struct us_db *db) {
  return !sqlite3_get_autocommit(of_db(db)->handle);
}

static int64_t total_changes(struct us_db *db) {
  return sqlite3_total_changes64(of_db(db)->handle);
}

static enum us_code data_version(struct us_cx *cx, struct us_db *db, int64_t *ret_version) {
  struct us_sqlite *s = of_db(db);
  static const char SQL_DATA_VERSION[] = "PRAGMA data_version";
  int rc = SQLITE_OK;
  if (!s->version_pragma)
    rc = sqlite3_prepare_v3(s->handle, SQL_DATA_VERSION, -1, SQLITE_PREPARE_PERSISTENT, &s->version_pragma, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_step(s->version_pragma);
  enum us_code code = US_OK;
  if (rc == SQLITE_ROW)
    *ret_version = sqlite3_column_int64(s->version_pragma, 0);
  else
    code = us_sqlite_fail(cx, s, rc, SQL_DATA_VERSION);
  (void)sqlite3_reset(s->version_pragma);
  return code;
}

/* How many steps of SQLite's machine pass between two looks at the clock: some tens of microseconds. */
#define LIMIT_STEPS 1000

static int64_t thread_ns(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0)
    return 0;
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int is_over(void *self) {
  const struct us_sqlite *s = self;
  return thread_ns() >= s->until_ns;
}

static void limit(struct us_db *db, int64_t ms) {
  struct us_sqlite *s = of_db(db);
  if (ms > 0)
    s->until_ns = thread_ns() + ms * 1000000;
  sqlite3_progress_handler(s->handle, ms > 0 ? LIMIT_STEPS : 0, ms > 0 ? is_over : NULL, s);
}

int us_sqlite_on_commit(void *self, sqlite3 *handle, const char *name, int pages) {
  struct us_sqlite *s = self;
  if (pages < s->wal_pages)
    s->checkpoint_at = CHECKPOINT_PAGES; /* the log has started over */
  s->wal_pages = pages;
  return SQLITE_OK;
}

static void maintain(struct us_db *db) {
  struct us_sqlite *s = of_db(db);
  if (s->checkpoint_at < CHECKPOINT_PAGES)
    s->checkpoint_at = CHECKPOINT_PAGES;
  if (s->wal_pages < s->checkpoint_at)
    return;
  bool truncate = s->wal_pages > CHECKPOINT_TRUNCATE_PAGES;
  /* TRUNCATE would wait for readers as long as busy_ms, and all writers with it: try, and come again. */
  if (truncate)
    sqlite3_busy_timeout(s->handle, 0);
  int rc = sqlite3_wal_checkpoint_v2(s->handle, "main",
                                     truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  if (truncate)
    sqlite3_busy_timeout(s->handle, s->busy_ms);
  if (rc != SQLITE_OK && rc != SQLITE_BUSY)
    us_log(US_LOG_WARN, "checkpoint_failed", "%s (%d)", sqlite3_errmsg(s->handle), rc);
  s->checkpoint_at = s->wal_pages + CHECKPOINT_PAGES;
}

static const struct us_placeholder placeholders[] = {
    {"ID", "INTEGER PRIMARY KEY"},
    {"TEXTKEY", "TEXT"},
    {"CLUSTERED", "WITHOUT ROWID"},
    {NULL, NULL},
};

const struct us_backend us_backend_sqlite = {
    .name = "sqlite",
    .placeholders = placeholders,
    .elements = "json_each(@) AS e",
    .takes = takes,
    .open = us_sqlite_open,
    .close = us_sqlite_close,
    .schema_version = schema_version,
    .set_schema_version = set_schema_version,
    .script = script,
    .prepare = prepare,
    .finalize = finalize,
    .start = start,
    .step = step,
    .reset = reset,
    .changed = changed,
    .column_i64 = column_i64,
    .column_is_null = column_is_null,
    .column_text = column_text,
    .transaction = transaction,
    .in_transaction = in_transaction,
    .total_changes = total_changes,
    .data_version = data_version,
    .limit = limit,
    .maintain = maintain,
    .scrub = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);",
};
