/*
 * SQL behind one door. A statement is a named constant next to the function that uses it; values are always parameters
 * ($1, $2, ...). One text runs on SQLite and PostgreSQL (c-style 8). Statements are prepared once a connection and kept,
 * found by the address of their text, so the text must be a static constant.
 *
 *   static const char SQL_FIND[] = "SELECT name, rev FROM resource WHERE realm_id = $1 AND uuid = $2";
 *   struct us_rows rows;
 *   US_TRY(us_sql_open(cx, &rows, SQL_FIND, "it", realm_id, uuid));
 *   while (us_sql_next(&rows)) { name = us_sql_text(&rows, 0); rev = us_sql_i64(&rows, 1); }
 *   US_TRY(us_sql_close(&rows));            the error of a failed step comes out here
 *
 * Parameter letters: i int64_t, t struct us_str (absent = NULL), c const char * (NULL = NULL), n NULL (no argument).
 * Text columns are copied into cx->mem. Every failure is US_E_STORE (503) with the database's words as detail; when the
 * database is busy past its time it is US_E_UNAVAILABLE.
 */
#ifndef USHER_STORE_SQL_H
#define USHER_STORE_SQL_H

#include "base/cx.h"

struct us_db;        /* one connection: one thread at a time */
struct us_statement; /* a prepared statement of the backend */

struct us_rows {
  struct us_cx *cx;
  struct us_statement *statement;
  enum us_code code;
  bool done;
};
enum us_code us_sql_open(struct us_cx *cx, struct us_rows *rows, const char *sql, const char *letters,
                         ...) US_MUST_CHECK;
bool us_sql_next(struct us_rows *rows);
enum us_code us_sql_close(struct us_rows *rows) US_MUST_CHECK; /* may be called before the last row */
int64_t us_sql_i64(struct us_rows *rows, int column);          /* NULL reads as 0 */
bool us_sql_is_null(struct us_rows *rows, int column);
struct us_str us_sql_text(struct us_rows *rows, int column); /* absent for NULL */

/* A row of a table as data: columns in select order to struct members. */
enum us_column_kind { US_COLUMN_I64, US_COLUMN_INT, US_COLUMN_BOOL, US_COLUMN_TEXT };
struct us_column {
  enum us_column_kind kind;
  size_t offset;
};
#define US_COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))
void us_sql_read(struct us_rows *rows, const struct us_column *columns, size_t count, void *ret_row);

/* The first row into *ret_row; US_E_NOT_FOUND (an answer, without text) when there is none. */
enum us_code us_sql_one(struct us_cx *cx, const struct us_column *columns, size_t count, void *ret_row, const char *sql,
                        const char *letters, ...) US_MUST_CHECK;
/* A change; *ret_changed (may be NULL) gets the number of rows. */
enum us_code us_sql_run(struct us_cx *cx, int64_t *ret_changed, const char *sql, const char *letters,
                        ...) US_MUST_CHECK;

#endif
