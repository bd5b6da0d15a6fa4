/*
 * Connections and transactions, whatever the database: picks the backend by the URL, refuses stores of another schema,
 * and keeps each connection in one of three modes (idle, reading, writing), so that a statement which the database
 * threw out of its transaction cannot go on by itself.
 */
#include "store/db.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "store/backend.h"
#include "store/migrate.h"
#include "store/seen.h"

static const struct us_backend *const backends[] = {&us_backend_sqlite};

struct required_function {
  const char *name;
  size_t offset;
};
#define REQUIRED(member)                                                                                               \
  { #member, offsetof(struct us_backend, member) }
static const struct required_function required_functions[] = {
    REQUIRED(takes),
    REQUIRED(open),
    REQUIRED(close),
    REQUIRED(schema_version),
    REQUIRED(set_schema_version),
    REQUIRED(script),
    REQUIRED(prepare),
    REQUIRED(finalize),
    REQUIRED(start),
    REQUIRED(step),
    REQUIRED(reset),
    REQUIRED(changed),
    REQUIRED(column_i64),
    REQUIRED(column_is_null),
    REQUIRED(column_text),
    REQUIRED(transaction),
    REQUIRED(in_transaction),
    REQUIRED(total_changes),
    REQUIRED(data_version),
    REQUIRED(limit),
    REQUIRED(maintain),
};

enum us_code us_backend_check(struct us_cx *cx, const struct us_backend *backend) {
  if (!backend->name || !backend->placeholders || !backend->elements)
    return us_fail(cx, US_E_INTERNAL, "a store backend has no name, no placeholders or no elements");
  for (size_t i = 0; i < sizeof required_functions / sizeof required_functions[0]; i++) {
    void (*function)(void);
    memcpy(&function, (const char *)backend + required_functions[i].offset, sizeof function);
    if (!function)
      return us_fail(cx, US_E_INTERNAL, "store backend '%s' has no function '%s'", backend->name,
                     required_functions[i].name);
  }
  return US_OK;
}

enum us_code us_backend_for_url(struct us_cx *cx, const char *url, const struct us_backend **ret_backend) {
  struct us_str s = us_str_c(url);
  if (s.n == 0)
    return us_fail(cx, US_E_STORE, "no store is named: give sqlite:PATH");
  for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
    if (!backends[i]->takes(s))
      continue;
    US_TRY(us_backend_check(cx, backends[i]));
    *ret_backend = backends[i];
    return US_OK;
  }
  const char *colon = strchr(url, ':');
  return us_fail(cx, US_E_STORE, "no store backend takes '%.*s:' addresses: give sqlite:PATH",
                 (int)(colon ? colon - url : 0), url);
}

enum us_code us_db_open_raw(struct us_cx *cx, const struct us_db_options *options, bool create, struct us_db **ret_db) {
  const struct us_backend *backend;
  US_TRY(us_backend_for_url(cx, options->url, &backend));
  struct us_db_options wanted = *options;
  if (wanted.busy_ms <= 0)
    wanted.busy_ms = 2000;
  US_TRY(backend->open(cx, &wanted, create, ret_db));
  (*ret_db)->commits = options->commits;
  (*ret_db)->keeps_snapshots = options->commits && options->read_only;
  if ((*ret_db)->keeps_snapshots) /* without memory for it the tokens are read each time */
    (*ret_db)->seen = us_seen_new();
  return US_OK;
}

static enum us_code check_schema(struct us_cx *cx, struct us_db *db, const struct us_db_options *options) {
  const struct us_migrations *set = options->migrations ? options->migrations : &us_migrations_own;
  int version;
  US_TRY(db->backend->schema_version(cx, db, &version));
  if (version > (int)set->n)
    return us_fail(cx, US_E_STORE, "store '%s' was written by a newer version (schema %d, this program knows %zu)",
                   options->url, version, set->n);
  if (version < (int)set->n)
    return us_fail(cx, US_E_STORE, "store '%s' has schema %d and must be migrated to %zu first", options->url, version,
                   set->n);
  return US_OK;
}

enum us_code us_db_open(struct us_cx *cx, const struct us_db_options *options, struct us_db **ret_db) {
  struct us_db *db;
  US_TRY(us_db_open_raw(cx, options, false, &db));
  enum us_code code = check_schema(cx, db, options);
  if (code != US_OK) {
    us_db_close(db);
    return code;
  }
  *ret_db = db;
  return US_OK;
}

void us_db_close(struct us_db *db) {
  if (!db)
    return;
  us_db_close_statements(db);
  us_db_forget_statements(db);
  us_seen_free(db->seen);
  db->backend->close(db);
}

/* The end of a read has nothing to lose: its failure must not replace the error of the work that it ends. */
static void end_quietly(struct us_cx *cx, struct us_db *db, enum us_db_verb verb) {
  struct us_cx quiet = {.mem = cx->mem, .now_ms = cx->now_ms};
  if (db->backend->transaction(&quiet, db, verb) != US_OK && verb != US_DB_ROLLBACK)
    end_quietly(cx, db, US_DB_ROLLBACK);
}

/* The count is read before the transaction begins, so the snapshot knows at least all that was counted: between the two it can
 * only learn more. Whoever was told of a commit asks after it was counted. */
static enum us_code take_snapshot(struct us_cx *cx, struct us_db *db) {
  uint64_t now = db->commits ? atomic_load(&db->commits->n) : 0;
  if (db->snapshot_reads > 0 && db->commits_seen == now && db->snapshot_reads < US_DB_SNAPSHOT_READS)
    return US_OK;
  us_db_end_turn(cx, db);
  db->commits_seen = now;
  db->rights_rev = 0;
  return db->backend->transaction(cx, db, US_DB_BEGIN_READ);
}

enum us_code us_db_begin_read(struct us_cx *cx, struct us_db *db) {
  assert(db->mode == US_DB_IDLE);
  US_TRY(take_snapshot(cx, db));
  db->snapshot_reads++;
  db->mode = US_DB_READING;
  db->has_failed = false;
  cx->db = db;
  return US_OK;
}

void us_db_end_read(struct us_cx *cx, struct us_db *db) {
  assert(db->mode == US_DB_READING);
  us_db_close_statements(db);
  db->mode = US_DB_IDLE;
  cx->db = NULL;
  if (!db->keeps_snapshots || db->has_failed)
    us_db_end_turn(cx, db);
}

void us_db_end_turn(struct us_cx *cx, struct us_db *db) {
  assert(db->mode == US_DB_IDLE);
  if (db->snapshot_reads == 0)
    return;
  db->snapshot_reads = 0;
  end_quietly(cx, db, US_DB_COMMIT);
}

enum us_code us_db_begin_write(struct us_cx *cx, struct us_db *db) {
  assert(db->mode == US_DB_IDLE && db->snapshot_reads == 0);
  US_TRY(db->backend->transaction(cx, db, US_DB_BEGIN_WRITE));
  db->mode = US_DB_WRITING;
  db->lost = false;
  return US_OK;
}

void us_db_rollback(struct us_cx *cx, struct us_db *db) {
  assert(db->mode == US_DB_WRITING);
  end_quietly(cx, db, US_DB_ROLLBACK);
  db->mode = US_DB_IDLE;
  db->lost = false;
}

bool us_db_is_whole(struct us_db *db) {
  us_db_note_failure(db);
  return !db->lost;
}

enum us_code us_db_commit(struct us_cx *cx, struct us_db *db) {
  assert(db->mode == US_DB_WRITING);
  enum us_code code = us_db_is_whole(db) ? db->backend->transaction(cx, db, US_DB_COMMIT)
                                         : us_fail(cx, US_E_STORE, "the database has ended the transaction");
  if (code != US_OK) {
    us_db_rollback(cx, db);
    return code;
  }
  db->mode = US_DB_IDLE;
  if (db->commits)
    atomic_fetch_add(&db->commits->n, 1);
  return US_OK;
}

enum us_code us_db_transact(struct us_cx *cx, struct us_db *db, us_db_step_fn step, void *self) {
  US_TRY(us_db_begin_write(cx, db));
  struct us_db *outer = cx->db;
  cx->db = db;
  us_error_clear(cx);
  enum us_code code = step(cx, self);
  cx->db = outer;
  us_db_close_statements(db);
  if (code != US_OK && !cx->err.keeps_writes) {
    us_db_rollback(cx, db);
    return code;
  }
  US_TRY(us_db_commit(cx, db));
  db->backend->maintain(db);
  return code;
}

int64_t us_db_data_version(struct us_cx *cx, struct us_db *db) {
  int64_t version = 0;
  if (db->backend->data_version(cx, db, &version) != US_OK)
    return 0; /* differs from any: the caller reads its caches anew */
  return version;
}

enum us_code us_db_scrub(struct us_cx *cx, struct us_db *db) {
  const char *script = db->backend->scrub;
  us_db_forget_statements(db); /* prepared ones would keep the file busy */
  return script != NULL ? db->backend->script(cx, db, script) : US_OK;
}
