/* Shared by the two files of the SQLite backend: sqlite.c (statements, transactions) and sqlite_open.c (opening). */
#ifndef USHER_STORE_SQLITE_H
#define USHER_STORE_SQLITE_H

#include <sqlite3.h>

#include "store/backend.h"

/* "UshA": what `file` and we know the file by. */
#define US_SQLITE_APPLICATION_ID 0x55736841

struct us_sqlite {
  struct us_db db; /* first: the front knows only this */
  sqlite3 *handle;
  sqlite3_stmt *verbs[US_DB_VERB_COUNT]; /* prepared when first used */
  sqlite3_stmt *version_pragma;          /* data_version */
  sqlite3_stmt *rights_bump;             /* rights_rev */
  bool has_changed_rights;               /* rows of token, client or account in this transaction */
  int64_t until_ns;                      /* of the thread's processor time: where a limit ends */
  int busy_ms;
  int schema_version;
  int wal_pages;     /* in the write-ahead log after our last commit */
  int checkpoint_at; /* pages at which the next checkpoint is due */
};

/* Records what SQLite said last; `doing` is the SQL or what was tried. */
enum us_code us_sqlite_fail(struct us_cx *cx, struct us_sqlite *s, int rc, const char *doing);
enum us_code us_sqlite_open(struct us_cx *cx, const struct us_db_options *options, bool create, struct us_db **ret_db);
void us_sqlite_close(struct us_db *db);
/* The one number a pragma answers. */
enum us_code us_sqlite_pragma(struct us_cx *cx, struct us_sqlite *s, const char *sql, int *ret_value);
int us_sqlite_on_commit(void *self, sqlite3 *handle, const char *name, int pages);

#endif
