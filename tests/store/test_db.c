/* store/db.h: snapshots, write transactions, what an opener is told, two processes on one store, node numbers. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/id.h"
#include "store/backend.h"
#include "store_fixture.h"
#include "store_process.h"

/* ---- Transactions ---- */

static const struct us_column one_number[] = {{US_COLUMN_I64, 0}};
static const char SQL_COUNT[] = "SELECT count(*) FROM item";

static int64_t count_now(struct us_cx *cx) {
  int64_t n = -1;
  assert_code(us_sql_one(cx, one_number, 1, &n, SQL_COUNT, ""), US_OK);
  return n;
}

static void a_reader_sees_one_snapshot(void **state) {
  struct store *s = *state;
  struct us_db *reader = store_open(s, s->cx, 0);
  assert_code(us_db_begin_read(s->cx, reader), US_OK);
  assert_ptr_equal(s->cx->db, reader);
  assert_int_equal(count_now(s->cx), 0);
  struct us_cx *other = store_cx_new();
  store_exec(other, s->db, "INSERT INTO item (id, n) VALUES (1, 1)");
  assert_int_equal(count_now(s->cx), 0);
  us_db_end_read(s->cx, reader);
  assert_null(s->cx->db);
  assert_int_equal(store_count(s->cx, reader), 1);
  store_cx_free(other);
  us_db_close(reader);
}

static void a_read_only_connection_changes_nothing(void **state) {
  struct store *s = *state;
  struct us_db *reader;
  assert_code(us_db_open(s->cx, &(struct us_db_options){.url = s->url, .read_only = true}, &reader), US_OK);
  assert_code(us_db_begin_read(s->cx, reader), US_OK);
  assert_code(store_insert(s->cx, 1, "x"), US_E_STORE);
  us_db_end_read(s->cx, reader);
  assert_int_equal(store_count(s->cx, reader), 0);
  us_db_close(reader);
}

struct step {
  int64_t id;
  enum us_code then;
  bool keeps_writes;
};

static enum us_code insert_then(struct us_cx *cx, void *self) {
  struct step *step = self;
  US_TRY(store_insert(cx, step->id, "x"));
  if (step->then == US_OK)
    return US_OK;
  us_fail(cx, step->then, "by rule");
  cx->err.keeps_writes = step->keeps_writes;
  return step->then;
}

static void transact_commits_success_and_kept_refusals_only(void **state) {
  struct store *s = *state;
  assert_code(us_db_transact(s->cx, s->db, insert_then, &(struct step){.id = 1}), US_OK);
  assert_code(us_db_transact(s->cx, s->db, insert_then, &(struct step){2, US_E_CONFLICT, false}), US_E_CONFLICT);
  assert_str(s->cx->err.text, "by rule");
  assert_code(us_db_transact(s->cx, s->db, insert_then, &(struct step){3, US_E_INVALID_GRANT, true}),
              US_E_INVALID_GRANT);
  assert_str(s->cx->err.text, "by rule");
  assert_true(store_has(s->cx, s->db, 1));
  assert_false(store_has(s->cx, s->db, 2));
  assert_true(store_has(s->cx, s->db, 3));
}

/* OR ROLLBACK makes SQLite end the whole transaction, as a full disk can. The step does not notice, and goes on. */
static enum us_code lose_and_go_on(struct us_cx *cx, void *self) {
  US_TRY(store_insert(cx, 10, "before"));
  static const char SQL[] = "INSERT OR ROLLBACK INTO item (id, n) VALUES (10, 1)";
  if (us_sql_run(cx, NULL, SQL, "") == US_OK)
    return US_E_INTERNAL;
  us_error_clear(cx);
  if (store_insert(cx, 11, "after") == US_OK)
    return US_E_INTERNAL;
  us_error_clear(cx);
  return US_OK;
}

static void nothing_runs_outside_of_a_transaction_that_was_lost(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  assert_code(us_db_transact(s->cx, s->db, lose_and_go_on, NULL), US_E_STORE);
  assert_int_equal(store_count(s->cx, s->db), 0);
  assert_code(us_db_transact(s->cx, s->db, insert_then, &(struct step){.id = 1}), US_OK);
}

static void data_version_moves_when_others_commit(void **state) {
  struct store *s = *state;
  struct us_db *other = store_open(s, s->cx, 0);
  int64_t before = us_db_data_version(s->cx, s->db);
  store_exec(s->cx, s->db, "INSERT INTO item (id, n) VALUES (1, 1)");
  assert_int_equal(us_db_data_version(s->cx, s->db), before);
  store_exec(s->cx, other, "INSERT INTO item (id, n) VALUES (2, 1)");
  int64_t after = us_db_data_version(s->cx, s->db);
  assert_int_not_equal(after, before);
  assert_int_equal(us_db_data_version(s->cx, s->db), after);
  us_db_close(other);
}

/* ---- Opening ---- */

static void assert_not_opened(struct store *s, const char *url, enum us_code code, const char *words) {
  struct us_db *db = NULL;
  us_error_clear(s->cx);
  assert_code(us_db_open(s->cx, &(struct us_db_options){.url = url, .busy_ms = 20}, &db), code);
  assert_null(db);
  store_assert_says(s->cx->err.text, words);
}

static void write_file(const char *path, const char *bytes, size_t n) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, n), n);
  close(fd);
}

static void addresses_of_no_backend_are_refused(void **state) {
  struct store *s = *state;
  assert_not_opened(s, NULL, US_E_STORE, "no store is named");
  assert_not_opened(s, "", US_E_STORE, "no store is named");
  assert_not_opened(s, "mysql://host/db", US_E_STORE, "'mysql:'");
  assert_not_opened(s, "sqlite:", US_E_STORE, "no store is named");
  assert_not_opened(s, ":memory:", US_E_STORE, "':'");
  assert_not_opened(s, "sqlite::memory:", US_E_STORE, "in memory");
}

static void what_is_no_store_is_refused_with_the_reason(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  assert_not_opened(s, s->url, US_E_STORE, "No such file or directory");
  assert_not_opened(s, s->dir, US_E_STORE, "is not a regular file");
  static char noise[5000];
  memset(noise, 'n', sizeof noise);
  write_file(s->path, noise, sizeof noise);
  assert_not_opened(s, s->url, US_E_STORE, "it is not a database");
  assert_code(us_db_migrate(s->cx, s->url), US_E_STORE);
  store_assert_says(s->cx->err.text, "it is not a database");
  write_file(s->path, "", 0);
  assert_not_opened(s, s->url, US_E_STORE, "must be migrated first");
}

static void exec_raw(const char *path, const char *sql) {
  sqlite3 *handle;
  assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
  assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void a_database_of_another_program_is_left_alone(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  exec_raw(s->path, "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
  assert_not_opened(s, s->url, US_E_STORE, "another program");
  assert_code(us_db_migrate(s->cx, s->url), US_E_STORE);
  store_assert_says(s->cx->err.text, "another program");
  exec_raw(s->path, "PRAGMA application_id = 1");
  assert_not_opened(s, s->url, US_E_STORE, "another program");
  exec_raw(s->path, "UPDATE theirs SET a = 2");
}

static void a_store_of_another_schema_is_refused(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  exec_raw(s->path, "PRAGMA user_version = 900");
  assert_not_opened(s, s->url, US_E_STORE, "newer version (schema 900");
  assert_code(us_db_migrate(s->cx, s->url), US_E_STORE);
  store_assert_says(s->cx->err.text, "newer version (schema 900");
  exec_raw(s->path, "PRAGMA user_version = 0");
  assert_not_opened(s, s->url, US_E_STORE, "must be migrated to");
}

static void a_damaged_store_is_refused(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  us_db_close(s->db);
  s->db = NULL;
  int fd = open(s->path, O_WRONLY);
  assert_true(fd >= 0);
  char noise[3000];
  memset(noise, 'n', sizeof noise);
  assert_int_equal(pwrite(fd, noise, sizeof noise, 100), sizeof noise); /* the list of tables */
  close(fd);
  assert_not_opened(s, s->url, US_E_STORE, "is damaged");
}

/* Root may read everything: as somebody else. */
static int open_as_nobody(struct store_process *self, void *argument) {
  struct store *s = argument;
  enum { NOBODY = 65534 };
  if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
    return 1;
  struct us_db *db;
  if (us_db_open(s->cx, &(struct us_db_options){.url = s->url}, &db) != US_E_STORE)
    return 2;
  return us_str_eq(s->cx->err.text,
                   us_str_fmt(s->cx->mem, "store '%s' cannot be read and written: Permission denied", s->path))
             ? 0
             : 3;
}

static void a_store_without_permission_is_refused(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  us_db_close(s->db);
  s->db = NULL;
  assert_int_equal(chmod(s->dir, 0755), 0);
  assert_int_equal(chmod(s->path, 0400), 0);
  struct store_process p = store_process_start(open_as_nobody, s);
  assert_int_equal(store_process_end(&p), 0);
}

static int lock_whole_file(struct store_process *self, void *argument) {
  sqlite3 *handle;
  struct store *s = argument;
  if (sqlite3_open(s->path, &handle) != SQLITE_OK ||
      sqlite3_exec(handle, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL) != SQLITE_OK)
    return 1;
  store_process_say(self->from);
  store_process_hear(self->to);
  return sqlite3_close(handle);
}

static void a_store_that_another_process_has_locked_is_refused(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  us_db_close(s->db);
  s->db = NULL;
  struct store_process p = store_process_start(lock_whole_file, s);
  assert_true(store_process_hear(p.from));
  assert_not_opened(s, s->url, US_E_UNAVAILABLE, "is locked by another process");
  assert_int_equal(s->cx->err.retry_after_s, 1);
  store_process_say(p.to);
  assert_int_equal(store_process_end(&p), 0);
  us_db_close(store_open(s, s->cx, 0));
}

static void assert_private(const char *path, const char *suffix) {
  char name[200];
  snprintf(name, sizeof name, "%s%s", path, suffix);
  struct stat st;
  assert_int_equal(stat(name, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0600);
}

static void files_are_for_their_owner_only(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  mode_t before = umask(0);
  store_fill(s->cx, s->url, NULL);
  s->db = store_open(s, s->cx, 0);
  store_exec(s->cx, s->db, "INSERT INTO item (id, n) VALUES (1, 1)");
  umask(before);
  assert_private(s->path, "");
  assert_private(s->path, "-wal");
  assert_private(s->path, "-shm");
}

static void assert_pragma(struct us_cx *cx, const char *sql, int64_t expected) {
  int64_t value = -1;
  assert_code(us_sql_one(cx, one_number, 1, &value, sql, ""), US_OK);
  assert_int_equal(value, expected);
}

static void a_connection_is_set_up_to_lose_nothing(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  assert_code(us_db_begin_read(s->cx, s->db), US_OK);
  assert_pragma(s->cx, "PRAGMA synchronous", 2);
  assert_pragma(s->cx, "PRAGMA foreign_keys", 0);
  assert_pragma(s->cx, "PRAGMA temp_store", 2);
  assert_pragma(s->cx, "PRAGMA mmap_size", 0);
  assert_pragma(s->cx, "PRAGMA busy_timeout", 2000);
  assert_pragma(s->cx, "PRAGMA journal_size_limit", 16 * 1024 * 1024);
  assert_pragma(s->cx, "PRAGMA application_id", 0x55736841);
  assert_pragma(s->cx, "PRAGMA cache_size", -1024);
  assert_pragma(s->cx, "PRAGMA wal_autocheckpoint", 0);
  struct us_rows rows;
  static const char SQL[] = "PRAGMA journal_mode";
  assert_code(us_sql_open(s->cx, &rows, SQL, ""), US_OK);
  assert_true(us_sql_next(&rows));
  assert_str(us_sql_text(&rows, 0), "wal");
  assert_code(us_sql_close(&rows), US_OK);
  us_db_end_read(s->cx, s->db);
}

static void a_backend_with_a_hole_is_refused(void **state) {
  struct store *s = *state;
  assert_code(us_backend_check(s->cx, &us_backend_sqlite), US_OK);
  /* All functions stand behind the name and the placeholders. */
  size_t first = offsetof(struct us_backend, takes);
  for (size_t at = first; at < sizeof(struct us_backend); at += sizeof(void (*)(void))) {
    struct us_backend holed = us_backend_sqlite;
    memset((char *)&holed + at, 0, sizeof(void (*)(void)));
    assert_code(us_backend_check(s->cx, &holed), US_E_INTERNAL);
    store_assert_says(s->cx->err.text, "'sqlite' has no function '");
  }
  struct us_backend nameless = us_backend_sqlite;
  nameless.name = NULL;
  assert_code(us_backend_check(s->cx, &nameless), US_E_INTERNAL);
}

/* ---- Two processes ---- */

static enum us_code hold(struct us_cx *cx, void *argument) {
  struct store_process *self = argument;
  US_TRY(store_insert(cx, 1, "theirs"));
  store_process_say(self->from);
  store_process_hear(self->to);
  return US_OK;
}

static int hold_write_lock(struct store_process *self, void *argument) {
  struct store *s = argument;
  struct us_cx *cx = store_cx_new();
  struct us_db *db;
  if (us_db_open(cx, &(struct us_db_options){.url = s->url}, &db) != US_OK)
    return 1;
  enum us_code code = us_db_transact(cx, db, hold, self);
  us_db_close(db);
  store_cx_free(cx);
  return code == US_OK ? 0 : 2;
}

static void a_writer_that_waits_too_long_is_told_to_come_again(void **state) {
  struct store *s = *state;
  us_db_close(s->db);
  s->db = NULL;
  struct store_process p = store_process_start(hold_write_lock, s);
  assert_true(store_process_hear(p.from));
  struct us_db *db = store_open(s, s->cx, 30);
  assert_code(us_db_transact(s->cx, db, insert_then, &(struct step){.id = 2}), US_E_UNAVAILABLE);
  assert_int_equal(s->cx->err.retry_after_s, 1);
  assert_int_equal(store_count(s->cx, db), 0); /* readers do not wait */
  store_process_say(p.to);
  assert_int_equal(store_process_end(&p), 0);
  assert_code(us_db_transact(s->cx, db, insert_then, &(struct step){.id = 2}), US_OK);
  assert_int_equal(store_count(s->cx, db), 2);
  us_db_close(db);
}

/* ---- Node numbers ---- */

#define LEASES_EACH 20

static int lease_many(struct store_process *self, void *argument) {
  struct store *s = argument;
  struct us_cx *cx = store_cx_new();
  struct us_db *db;
  store_process_hear(self->to);
  if (us_db_open(cx, &(struct us_db_options){.url = s->url, .busy_ms = 10000}, &db) != US_OK)
    return 1;
  for (int i = 0; i < LEASES_EACH; i++) {
    uint16_t node;
    int64_t mark;
    if (us_node_lease(cx, db, &node, &mark) != US_OK || write(self->from, &node, sizeof node) != sizeof node)
      return 2;
  }
  us_db_close(db);
  store_cx_free(cx);
  return 0;
}

static void two_processes_never_get_the_same_node(void **state) {
  struct store *s = *state;
  us_db_close(s->db);
  s->db = NULL;
  struct store_process p[2] = {store_process_start(lease_many, s), store_process_start(lease_many, s)};
  store_process_say(p[0].to);
  store_process_say(p[1].to);
  bool seen[2 * LEASES_EACH + 1] = {false};
  for (int i = 0; i < 2 * LEASES_EACH; i++) {
    uint16_t node = 0;
    assert_int_equal(read(p[i % 2].from, &node, sizeof node), sizeof node);
    assert_in_range(node, 1, 2 * LEASES_EACH);
    assert_false(seen[node]);
    seen[node] = true;
  }
  assert_int_equal(store_process_end(&p[0]), 0);
  assert_int_equal(store_process_end(&p[1]), 0);
}

static uint16_t lease(struct store *s, int64_t *ret_mark) {
  uint16_t node = 0;
  assert_code(us_node_lease(s->cx, s->db, &node, ret_mark), US_OK);
  return node;
}

static void a_released_node_goes_on_above_its_last_id(void **state) {
  struct store *s = *state;
  int64_t mark;
  assert_int_equal(lease(s, &mark), 1);
  assert_int_equal(mark, 0);
  assert_int_equal(lease(s, &mark), 2);
  assert_code(us_node_release(s->cx, s->db, 1, 12345), US_OK);
  assert_int_equal(lease(s, &mark), 1);
  assert_int_equal(mark, 12345);
}

static void a_node_that_was_never_released_goes_on_above_all_it_can_have_made(void **state) {
  struct store *s = *state;
  int64_t mark;
  struct us_idgen ids;
  assert_int_equal(lease(s, &mark), 1);
  us_idgen_init(&ids, 1, mark);
  int64_t last_possible = us_idgen_next(&ids, s->cx->now_ms + US_NODE_LEASE_MS);
  s->cx->now_ms += US_NODE_LEASE_MS;
  assert_int_equal(lease(s, &mark), 2); /* the lease runs to its last millisecond */
  s->cx->now_ms += 1;
  assert_int_equal(lease(s, &mark), 1);
  assert_true(mark >= last_possible);
  us_idgen_init(&ids, 1, mark);
  assert_true(us_idgen_next(&ids, s->cx->now_ms - 3600 * 1000) > last_possible);
}

static void the_mark_covers_ids_that_ran_ahead_of_the_clock(void **state) {
  struct store *s = *state;
  int64_t mark, until = 0;
  assert_int_equal(lease(s, &mark), 1);
  struct us_idgen ids;
  us_idgen_init(&ids, 1, mark);
  int64_t ahead = us_idgen_next(&ids, s->cx->now_ms + 86400 * 1000);
  assert_code(us_node_renew(s->cx, s->db, 1, ahead, &until), US_OK);
  assert_int_equal(until, s->cx->now_ms + US_NODE_LEASE_MS);
  s->cx->now_ms = until + 1;
  assert_int_equal(lease(s, &mark), 1);
  assert_true(mark > ahead);
}

static void a_node_that_was_taken_is_not_renewed(void **state) {
  struct store *s = *state;
  int64_t mark, until = 0;
  assert_int_equal(lease(s, &mark), 1);
  assert_code(us_node_renew(s->cx, s->db, 1, 0, &until), US_OK);
  int64_t first_until = until;
  s->cx->now_ms += US_NODE_RENEW_MS;
  assert_code(us_node_renew(s->cx, s->db, 1, 0, &until), US_OK);
  assert_int_equal(until, first_until + US_NODE_RENEW_MS);
  s->cx->now_ms += US_NODE_LEASE_MS + 1;
  assert_int_equal(lease(s, &mark), 1);
  assert_code(us_node_renew(s->cx, s->db, 1, 0, &until), US_E_CONFLICT);
  assert_code(us_node_renew(s->cx, s->db, 77, 0, &until), US_E_CONFLICT);
}

static enum us_code take_all_but_one(struct us_cx *cx, void *self) {
  static const char SQL[] = "INSERT INTO node (id, leased_until_ms, high_water) VALUES ($1, $2, 0)";
  for (int64_t id = 1; id < US_ID_NODE_MAX; id++)
    US_TRY(us_sql_run(cx, NULL, SQL, "ii", id, cx->now_ms));
  return US_OK;
}

static void when_all_nodes_are_taken_nobody_gets_one(void **state) {
  struct store *s = *state;
  assert_code(us_db_transact(s->cx, s->db, take_all_but_one, NULL), US_OK);
  int64_t mark;
  assert_int_equal(lease(s, &mark), US_ID_NODE_MAX);
  uint16_t node;
  assert_code(us_node_lease(s->cx, s->db, &node, &mark), US_E_UNAVAILABLE);
  store_assert_says(s->cx->err.text, "all 511 node numbers");
  s->cx->now_ms += 1;
  assert_int_equal(lease(s, &mark), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(a_reader_sees_one_snapshot),
      STORE_TEST(a_read_only_connection_changes_nothing),
      STORE_TEST(transact_commits_success_and_kept_refusals_only),
      STORE_TEST(nothing_runs_outside_of_a_transaction_that_was_lost),
      STORE_TEST(data_version_moves_when_others_commit),
      STORE_TEST_BARE(addresses_of_no_backend_are_refused),
      STORE_TEST_BARE(what_is_no_store_is_refused_with_the_reason),
      STORE_TEST_BARE(a_database_of_another_program_is_left_alone),
      STORE_TEST(a_store_of_another_schema_is_refused),
      STORE_TEST(a_damaged_store_is_refused),
      STORE_TEST(a_store_without_permission_is_refused),
      STORE_TEST(a_store_that_another_process_has_locked_is_refused),
      STORE_TEST_BARE(files_are_for_their_owner_only),
      STORE_TEST(a_connection_is_set_up_to_lose_nothing),
      STORE_TEST(a_backend_with_a_hole_is_refused),
      STORE_TEST(a_writer_that_waits_too_long_is_told_to_come_again),
      STORE_TEST(two_processes_never_get_the_same_node),
      STORE_TEST(a_released_node_goes_on_above_its_last_id),
      STORE_TEST(a_node_that_was_never_released_goes_on_above_all_it_can_have_made),
      STORE_TEST(the_mark_covers_ids_that_ran_ahead_of_the_clock),
      STORE_TEST(a_node_that_was_taken_is_not_renewed),
      STORE_TEST(when_all_nodes_are_taken_nobody_gets_one),
  };
  return STORE_RUN(tests);
}
