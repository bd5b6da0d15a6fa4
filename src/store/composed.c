/*
 * Statements whose text is put together from fixed pieces (store/list.c). The same question makes the same text, so a
 * connection keeps the latest used prepared, found by their text. It keeps few and short ones only: what is asked for decides
 * the text, and nobody may make us remember without bound.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/backend.h"

static void move_to_front(struct us_db *db, size_t i) {
  struct us_statement *statement = db->composed[i];
  memmove(&db->composed[1], &db->composed[0], i * sizeof(db->composed[0]));
  db->composed[0] = statement;
}

/* One that is open already (a reader inside a reader of the same text) is passed over: another is prepared beside it. */
static struct us_statement *find(struct us_db *db, const char *sql) {
  uint32_t check = us_sql_text_check(sql);
  for (size_t i = 0; i < db->composed_count; i++) {
    struct us_statement *statement = db->composed[i];
    if (statement->check != check || statement->is_open || strcmp(statement->sql, sql) != 0)
      continue;
    move_to_front(db, i);
    return statement;
  }
  return NULL;
}

/* Finalizes the one that was not used for longest; false when all are open. */
static bool make_room(struct us_db *db) {
  for (size_t i = db->composed_count; i-- > 0;) {
    if (db->composed[i]->is_open)
      continue;
    us_sql_finalize(db->composed[i]);
    memmove(&db->composed[i], &db->composed[i + 1], (db->composed_count - i - 1) * sizeof(db->composed[0]));
    db->composed_count--;
    return true;
  }
  return false;
}

static void keep(struct us_db *db, struct us_statement *statement) {
  statement->is_kept = strlen(statement->sql) <= US_SQL_COMPOSED_MAX_BYTES &&
                       (db->composed_count < US_SQL_COMPOSED_MAX || make_room(db));
  if (!statement->is_kept)
    return;
  db->composed[db->composed_count] = statement;
  move_to_front(db, db->composed_count++);
}

static enum us_code prepare(struct us_cx *cx, const char *sql, struct us_statement **ret_statement) {
  char *copy = strdup(sql);
  if (!copy)
    return us_fail(cx, US_E_STORE, "the store is out of memory");
  struct us_statement *statement = NULL;
  enum us_code code = us_sql_prepare(cx, cx->db, copy, &statement);
  if (code != US_OK) {
    free(copy);
    us_db_note_failure(cx->db);
    return code;
  }
  statement->own_sql = copy;
  keep(cx->db, statement);
  *ret_statement = statement;
  return US_OK;
}

enum us_code us_sql_open_composed(struct us_cx *cx, struct us_rows *rows, const char *sql,
                                  const struct us_value *values, size_t count) {
  *rows = (struct us_rows){.cx = cx, .done = true};
  rows->code = us_sql_check_connection(cx);
  if (rows->code != US_OK)
    return rows->code;
  struct us_statement *statement = find(cx->db, sql);
  if (!statement)
    rows->code = prepare(cx, sql, &statement);
  if (rows->code != US_OK)
    return rows->code;
  rows->code = us_sql_start(cx, rows, statement, values, count);
  if (rows->code != US_OK && !statement->is_kept)
    us_sql_finalize(statement);
  return rows->code;
}
