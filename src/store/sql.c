/*
 * The front of all SQL: finds the prepared statement by the address of its text, turns the letters into values, and
 * reads rows. It knows no database; store/backend.h is the border.
 *
 * A statement that is open already (a reader inside a reader of the same text) gets a twin, prepared once and kept.
 */
#include "store/sql.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/backend.h"

uint32_t us_sql_text_check(const char *sql) {
  uint32_t h = 2166136261u; /* FNV-1a */
  for (; *sql; sql++)
    h = (h ^ (unsigned char)*sql) * 16777619u;
  return h;
}

enum us_code us_sql_prepare(struct us_cx *cx, struct us_db *db, const char *sql, struct us_statement **ret_statement) {
  struct us_statement *statement;
  US_TRY(db->backend->prepare(cx, db, sql, &statement));
  statement->db = db;
  statement->sql = sql;
  statement->check = us_sql_text_check(sql);
  statement->is_kept = true;
  *ret_statement = statement;
  return US_OK;
}

static enum us_code find_statement(struct us_cx *cx, struct us_db *db, const char *sql,
                                   struct us_statement **ret_statement) {
  struct us_statement *first = NULL;
  HASH_FIND_PTR(db->statements, &sql, first);
  if (!first) {
    US_TRY(us_sql_prepare(cx, db, sql, &first));
    HASH_ADD_PTR(db->statements, sql, first);
    if (!first->hh.tbl) {
      db->backend->finalize(first);
      return us_fail(cx, US_E_STORE, "the store is out of memory");
    }
    *ret_statement = first;
    return US_OK;
  }
  /* The text of a statement must be a static constant: another text at the same address would run the wrong SQL. */
  assert(first->check == us_sql_text_check(sql));
  size_t count = 0;
  for (struct us_statement *s = first; s; s = s->twin, count++) {
    if (!s->is_open) {
      *ret_statement = s;
      return US_OK;
    }
  }
  if (count >= US_SQL_NESTING_MAX) {
    us_fail(cx, US_E_INTERNAL, "a statement is open too many times");
    return us_error_detail(cx, "open %zu times: %.200s", count, sql);
  }
  struct us_statement *twin;
  US_TRY(us_sql_prepare(cx, db, sql, &twin));
  twin->twin = first->twin;
  first->twin = twin;
  *ret_statement = twin;
  return US_OK;
}

enum us_code us_sql_values(struct us_cx *cx, const char *sql, const char *letters, va_list *args,
                           struct us_value *values, size_t *ret_count) {
  size_t n = 0;
  for (; letters[n]; n++) {
    if (n == US_SQL_PARAMETERS_MAX) {
      us_fail(cx, US_E_INTERNAL, "a statement has too many parameters");
      return us_error_detail(cx, "more than %d: %.200s", US_SQL_PARAMETERS_MAX, sql);
    }
    struct us_value *value = &values[n];
    *value = (struct us_value){.kind = US_VALUE_NULL};
    switch (letters[n]) {
    case 'i':
      value->kind = US_VALUE_I64;
      value->i64 = va_arg(*args, int64_t);
      break;
    case 't':
      value->text = va_arg(*args, struct us_str);
      value->kind = value->text.p ? US_VALUE_TEXT : US_VALUE_NULL;
      break;
    case 'c':
      value->text = us_str_c(va_arg(*args, const char *));
      value->kind = value->text.p ? US_VALUE_TEXT : US_VALUE_NULL;
      break;
    case 'n':
      break;
    default:
      us_fail(cx, US_E_INTERNAL, "a parameter letter is unknown");
      return us_error_detail(cx, "'%c' in \"%s\": %.200s", letters[n], letters, sql);
    }
  }
  *ret_count = n;
  return US_OK;
}

void us_db_note_failure(struct us_db *db) {
  db->has_failed = true;
  if (db->mode == US_DB_WRITING && !db->backend->in_transaction(db))
    db->lost = true;
}

/* A connection that can be used. */
enum us_code us_sql_check_connection(struct us_cx *cx) {
  assert(cx->db);
  if (!cx->db)
    return us_fail(cx, US_E_INTERNAL, "a statement without a connection");
  /* What ran now would commit by itself, outside of the transaction that its author believes in. */
  if (cx->db->lost)
    return us_fail(cx, US_E_STORE, "the database has ended the transaction");
  return US_OK;
}

enum us_code us_sql_start(struct us_cx *cx, struct us_rows *rows, struct us_statement *statement,
                          const struct us_value *values, size_t count) {
  struct us_db *db = statement->db;
  assert(statement->parameters == count);
  if (statement->parameters != count) {
    us_fail(cx, US_E_INTERNAL, "a statement got the wrong number of parameters");
    return us_error_detail(cx, "%zu for %zu: %.200s", count, statement->parameters, statement->sql);
  }
  enum us_code code = db->backend->start(cx, statement, values, count);
  if (code != US_OK) {
    db->backend->reset(statement);
    us_db_note_failure(db);
    return code;
  }
  statement->is_open = true;
  DL_PREPEND(db->open, statement);
  rows->statement = statement;
  rows->done = false;
  return US_OK;
}

static enum us_code open_with(struct us_cx *cx, struct us_rows *rows, const char *sql, const char *letters,
                              va_list *args) {
  *rows = (struct us_rows){.cx = cx, .done = true};
  struct us_value values[US_SQL_PARAMETERS_MAX];
  size_t count = 0;
  struct us_statement *statement = NULL;
  rows->code = us_sql_check_connection(cx);
  if (rows->code == US_OK)
    rows->code = us_sql_values(cx, sql, letters, args, values, &count);
  if (rows->code != US_OK)
    return rows->code;
  rows->code = find_statement(cx, cx->db, sql, &statement);
  if (rows->code != US_OK) {
    us_db_note_failure(cx->db);
    return rows->code;
  }
  return rows->code = us_sql_start(cx, rows, statement, values, count);
}

enum us_code us_sql_open(struct us_cx *cx, struct us_rows *rows, const char *sql, const char *letters, ...) {
  va_list args;
  va_start(args, letters);
  enum us_code code = open_with(cx, rows, sql, letters, &args);
  va_end(args);
  return code;
}

bool us_sql_next(struct us_rows *rows) {
  if (rows->done || rows->code != US_OK)
    return false;
  struct us_db *db = rows->statement->db;
  switch (db->backend->step(rows->cx, rows->statement)) {
  case US_STEP_ROW:
    return true;
  case US_STEP_DONE:
    rows->done = true;
    return false;
  case US_STEP_FAILED:
    break;
  }
  rows->code = rows->cx->err.code;
  us_db_note_failure(db);
  return false;
}

void us_sql_finalize(struct us_statement *statement) {
  char *own_sql = statement->own_sql;
  statement->db->backend->finalize(statement);
  free(own_sql);
}

static void close_statement(struct us_statement *statement) {
  struct us_db *db = statement->db;
  db->backend->reset(statement);
  statement->is_open = false;
  DL_DELETE(db->open, statement);
  if (!statement->is_kept)
    us_sql_finalize(statement);
}

enum us_code us_sql_close(struct us_rows *rows) {
  if (rows->statement)
    close_statement(rows->statement);
  rows->statement = NULL;
  rows->done = true;
  return rows->code;
}

void us_db_close_statements(struct us_db *db) {
  if (!db->open)
    return;
  us_log(US_LOG_ERROR, "statement_left_open", "%.200s", db->open->sql);
  assert(!"a statement was left open");
  while (db->open)
    close_statement(db->open);
}

void us_db_forget_statements(struct us_db *db) {
  assert(!db->open);
  struct us_statement *first, *tmp;
  HASH_ITER(hh, db->statements, first, tmp) {
    HASH_DEL(db->statements, first);
    while (first) {
      struct us_statement *twin = first->twin;
      db->backend->finalize(first);
      first = twin;
    }
  }
  while (db->composed_count > 0)
    us_sql_finalize(db->composed[--db->composed_count]);
}

int64_t us_sql_i64(struct us_rows *rows, int column) {
  return rows->statement->db->backend->column_i64(rows->statement, column);
}

bool us_sql_is_null(struct us_rows *rows, int column) {
  return rows->statement->db->backend->column_is_null(rows->statement, column);
}

struct us_str us_sql_text(struct us_rows *rows, int column) {
  struct us_str text = US_STR_ABSENT;
  if (!rows->statement->db->backend->column_text(rows->statement, column, &text)) {
    rows->code = us_fail(rows->cx, US_E_STORE, "the store is out of memory");
    return US_STR_ABSENT;
  }
  if (!text.p)
    return text;
  struct us_str copy = us_str_dup(rows->cx->mem, text);
  if (!copy.p)
    rows->code = us_fail(rows->cx, US_E_NO_MEMORY, "the request is out of memory");
  return copy;
}

/* A number that does not fit an int is a damaged row, not a smaller number. */
static int read_int(struct us_rows *rows, int column) {
  int64_t value = us_sql_i64(rows, column);
  if (value >= INT32_MIN && value <= INT32_MAX)
    return (int)value;
  rows->code = us_fail(rows->cx, US_E_STORE, "a stored number is out of range");
  us_error_detail(rows->cx, "column %d of: %.200s", column, rows->statement->sql);
  return 0;
}

void us_sql_read(struct us_rows *rows, const struct us_column *columns, size_t count, void *ret_row) {
  for (size_t i = 0; i < count; i++) {
    void *member = (char *)ret_row + columns[i].offset;
    int column = (int)i;
    switch (columns[i].kind) {
    case US_COLUMN_I64:
      *(int64_t *)member = us_sql_i64(rows, column);
      break;
    case US_COLUMN_INT:
      *(int *)member = read_int(rows, column);
      break;
    case US_COLUMN_BOOL:
      *(bool *)member = us_sql_i64(rows, column) != 0;
      break;
    case US_COLUMN_TEXT:
      *(struct us_str *)member = us_sql_text(rows, column);
      break;
    }
  }
}

enum us_code us_sql_one(struct us_cx *cx, const struct us_column *columns, size_t count, void *ret_row, const char *sql,
                        const char *letters, ...) {
  struct us_rows rows;
  va_list args;
  va_start(args, letters);
  enum us_code code = open_with(cx, &rows, sql, letters, &args);
  va_end(args);
  if (code != US_OK)
    return code;
  bool found = us_sql_next(&rows);
  if (found)
    us_sql_read(&rows, columns, count, ret_row);
  US_TRY(us_sql_close(&rows));
  return found ? US_OK : us_fail_plain(cx, US_E_NOT_FOUND);
}

enum us_code us_sql_run(struct us_cx *cx, int64_t *ret_changed, const char *sql, const char *letters, ...) {
  struct us_rows rows;
  va_list args;
  va_start(args, letters);
  enum us_code code = open_with(cx, &rows, sql, letters, &args);
  va_end(args);
  if (code != US_OK)
    return code;
  while (us_sql_next(&rows)) {
  }
  int64_t changed = rows.done ? rows.statement->db->backend->changed(rows.statement) : 0;
  US_TRY(us_sql_close(&rows));
  if (ret_changed)
    *ret_changed = changed;
  return US_OK;
}
