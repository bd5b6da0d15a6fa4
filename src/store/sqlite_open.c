/*
 * Opening an SQLite store: the file is made 0600 before SQLite sees it (the -wal and -shm files take their mode from
 * it), looked at before it is trusted, and every refusal is one line that says what to do or look at.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_CACHE_KIB 1024
/* After it has started over, the log keeps no more disk than this. */
#define JOURNAL_SIZE_LIMIT (16 * 1024 * 1024)
/* A savepoint's copies stay in memory up to this size instead of going to a temporary file. */
#define STATEMENT_JOURNAL_SPILL (4 * 1024 * 1024)

static void configure_library(void) {
  /* One mutex for all allocations of the process, only to count them: no. */
  (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  /* A path is a path, also one that begins with "file:" or holds a "?". */
  (void)sqlite3_config(SQLITE_CONFIG_URI, 0);
  (void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, STATEMENT_JOURNAL_SPILL);
}

static const char *path_of(const char *url) {
  return strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url;
}

static enum us_code create_file(struct us_cx *cx, const char *path) {
  /* O_EXCL also because closing a descriptor of a file in use would drop SQLite's locks on it (POSIX). */
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0)
    (void)close(fd);
  if (fd < 0 && errno != EEXIST)
    return us_fail(cx, US_E_STORE, "store '%s' cannot be created: %s", path, strerror(errno));
  return US_OK;
}

static enum us_code check_file(struct us_cx *cx, const char *path, bool read_only) {
  struct stat st;
  if (stat(path, &st) != 0)
    return us_fail(cx, US_E_STORE, "store '%s' cannot be opened: %s", path, strerror(errno));
  if (!S_ISREG(st.st_mode))
    return us_fail(cx, US_E_STORE, "store '%s' is not a regular file", path);
  if (access(path, read_only ? R_OK : R_OK | W_OK) != 0)
    return us_fail(cx, US_E_STORE, "store '%s' cannot be %s: %s", path, read_only ? "read" : "read and written",
                   strerror(errno));
  return US_OK;
}

/* What SQLite said on the first look into the file, in an operator's words. */
static enum us_code refuse(struct us_cx *cx, struct us_sqlite *s, const char *path, int rc) {
  const char *words = s->handle ? sqlite3_errmsg(s->handle) : "out of memory";
  switch (rc & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    us_fail(cx, US_E_UNAVAILABLE, "store '%s' is locked by another process", path);
    cx->err.retry_after_s = 1;
    break;
  case SQLITE_NOTADB:
    us_fail(cx, US_E_STORE, "store '%s' is not an Usher store: it is not a database", path);
    break;
  case SQLITE_CORRUPT:
    us_fail(cx, US_E_STORE, "store '%s' is damaged: restore it from a copy", path);
    break;
  case SQLITE_READONLY:
    us_fail(cx, US_E_STORE, "store '%s' cannot be written: %s", path, words);
    break;
  case SQLITE_CANTOPEN: {
    int error = s->handle ? sqlite3_system_errno(s->handle) : 0;
    us_fail(cx, US_E_STORE, "store '%s' cannot be opened: %s (is its directory writable?)", path,
            error ? strerror(error) : words);
    break;
  }
  default:
    us_fail(cx, US_E_STORE, "store '%s' cannot be opened: %s", path, words);
  }
  return us_error_detail(cx, "sqlite: %s (%d)", words, rc);
}

static enum us_code run(struct us_cx *cx, struct us_sqlite *s, const char *path, const char *sql) {
  int rc = sqlite3_exec(s->handle, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK ? US_OK : refuse(cx, s, path, rc);
}

static enum us_code ask(struct us_cx *cx, struct us_sqlite *s, const char *path, const char *sql, int *ret_value) {
  if (us_sqlite_pragma(cx, s, sql, ret_value) == US_OK)
    return US_OK;
  return refuse(cx, s, path, sqlite3_extended_errcode(s->handle));
}

struct identity {
  int application_id, tables;
};

static enum us_code read_identity(struct us_cx *cx, struct us_sqlite *s, const char *path,
                                  struct identity *ret_identity) {
  US_TRY(ask(cx, s, path, "PRAGMA application_id", &ret_identity->application_id));
  US_TRY(ask(cx, s, path, "PRAGMA user_version", &s->schema_version));
  return ask(cx, s, path, "SELECT count(*) FROM sqlite_master", &ret_identity->tables);
}

/* All in one snapshot: another process may be migrating the file right now. */
static enum us_code identify(struct us_cx *cx, struct us_sqlite *s, const char *path, bool create) {
  struct identity identity = {0};
  US_TRY(run(cx, s, path, "BEGIN"));
  enum us_code code = read_identity(cx, s, path, &identity);
  enum us_code ended = run(cx, s, path, code == US_OK ? "COMMIT" : "ROLLBACK");
  US_TRY(code);
  US_TRY(ended);
  int application_id = identity.application_id, tables = identity.tables;
  if (application_id == US_SQLITE_APPLICATION_ID)
    return US_OK;
  if (application_id != 0 || s->schema_version != 0 || tables != 0)
    return us_fail(cx, US_E_STORE, "store '%s' is not an Usher store: it is a database of another program", path);
  return create ? US_OK : us_fail(cx, US_E_STORE, "store '%s' is empty and must be migrated first", path);
}

static void pause_ms(long ms) {
  struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  (void)nanosleep(&t, NULL);
}

/* Turning a new file into WAL does not wait for locks as statements do: two programs that start at once would trip. */
static enum us_code use_wal(struct us_cx *cx, struct us_sqlite *s, const char *path) {
  enum { PAUSE_MS = 10 };
  int rc = SQLITE_OK;
  for (int waited = 0; waited <= s->busy_ms; waited += PAUSE_MS) {
    sqlite3_stmt *stmt = NULL;
    rc = sqlite3_prepare_v2(s->handle, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
      rc = sqlite3_step(stmt);
    const char *mode = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    bool is_wal = mode && strcmp(mode, "wal") == 0;
    int end = sqlite3_finalize(stmt);
    if (is_wal)
      return US_OK;
    if (rc == SQLITE_ROW)
      return us_fail(cx, US_E_STORE, "store '%s' lies where SQLite cannot use its write-ahead log (a network drive?)",
                     path);
    rc = end != SQLITE_OK ? end : rc;
    if ((rc & 0xff) != SQLITE_BUSY)
      break;
    pause_ms(PAUSE_MS);
  }
  return refuse(cx, s, path, rc);
}

/* For each row that is changed, in any statement. Not for a DELETE without WHERE: there is none. New rows end nothing. */
static void note_change(void *self, int operation, char const *database, char const *table, sqlite3_int64 rowid) {
  static const char *const names[] = {"token", "client", "account"};
  struct us_sqlite *s = self;
  (void)database;
  (void)rowid;
  for (size_t i = 0; operation != SQLITE_INSERT && i < sizeof names / sizeof names[0]; i++)
    if (strcmp(table, names[i]) == 0)
      s->has_changed_rights = true;
}

static enum us_code configure(struct us_cx *cx, struct us_sqlite *s, const char *path,
                              const struct us_db_options *options, bool create) {
  sqlite3_busy_timeout(s->handle, s->busy_ms);
  (void)sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  (void)sqlite3_db_config(s->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  (void)sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
  (void)sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
  US_TRY(identify(cx, s, path, create));
  char sql[400];
  snprintf(sql, sizeof sql,
           "PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;"
           "PRAGMA secure_delete = FAST; PRAGMA journal_size_limit = %d; PRAGMA cache_size = -%d;%s",
           JOURNAL_SIZE_LIMIT, options->cache_kib > 0 ? options->cache_kib : DEFAULT_CACHE_KIB,
           options->read_only ? "PRAGMA query_only = ON;" : "");
  US_TRY(run(cx, s, path, sql));
  if (!options->read_only)
    US_TRY(use_wal(cx, s, path));
  /* In place of SQLite's own checkpoints, which would run inside of our commits. */
  sqlite3_wal_hook(s->handle, us_sqlite_on_commit, s);
  sqlite3_update_hook(s->handle, note_change, s);
  return US_OK;
}

static enum us_code check_path(struct us_cx *cx, const char *path) {
  if (path[0] == '\0')
    return us_fail(cx, US_E_STORE, "no store is named: give sqlite:PATH");
  if (strcmp(path, ":memory:") == 0)
    return us_fail(cx, US_E_STORE, "a store in memory cannot be shared by its connections: give a path");
  return US_OK;
}

enum us_code us_sqlite_open(struct us_cx *cx, const struct us_db_options *options, bool create, struct us_db **ret_db) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, configure_library);
  const char *path = path_of(options->url);
  US_TRY(check_path(cx, path));
  if (create)
    US_TRY(create_file(cx, path));
  US_TRY(check_file(cx, path, options->read_only));

  struct us_sqlite *s = calloc(1, sizeof *s);
  if (!s)
    return us_fail(cx, US_E_STORE, "store '%s' cannot be opened: out of memory", path);
  s->db.backend = &us_backend_sqlite;
  s->busy_ms = options->busy_ms;
  /* Readers open for writing too: a write-ahead log wants its -shm file; query_only keeps them from changing rows. */
  int rc = sqlite3_open_v2(path, &s->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                           options->vfs);
  enum us_code code = rc == SQLITE_OK ? configure(cx, s, path, options, create) : refuse(cx, s, path, rc);
  if (code != US_OK) {
    us_sqlite_close(&s->db);
    return code;
  }
  *ret_db = &s->db;
  return US_OK;
}

void us_sqlite_close(struct us_db *db) {
  struct us_sqlite *s = (struct us_sqlite *)db;
  for (int verb = 0; verb < US_DB_VERB_COUNT; verb++)
    sqlite3_finalize(s->verbs[verb]);
  sqlite3_finalize(s->version_pragma);
  sqlite3_finalize(s->rights_bump);
  /* The _v2 form: should a statement be left, the connection goes with it instead of staying for ever. */
  (void)sqlite3_close_v2(s->handle);
  free(s);
}
