/* store/migrate.h: numbered steps, each whole or not at all, over rows that were there before. */
#include <stdio.h>

#include "store/migrate.h"
#include "store_fixture.h"
#include "store_process.h"

#define SET(rows) (&(struct us_migrations){(rows), sizeof(rows) / sizeof((rows)[0])})

#define FIRST                                                                                                          \
  {                                                                                                                    \
    "001_first", "CREATE TABLE meta (key @TEXTKEY@ PRIMARY KEY, value TEXT NOT NULL);"                                 \
                 "CREATE TABLE thing (id @ID@, name @TEXTKEY@ NOT NULL);"                                              \
                 "CREATE TABLE pair (a BIGINT NOT NULL, b BIGINT NOT NULL, PRIMARY KEY (a, b)) @CLUSTERED@;"           \
                 "INSERT INTO thing (id, name) VALUES (1, 'a;b''c -- d');"                                             \
  }
static const struct us_migration one_step[] = {FIRST};
static const struct us_migration two_steps[] = {
    FIRST, {"002_colour", "ALTER TABLE thing ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'; DELETE FROM pair"}};
static const struct us_migration broken_second[] = {
    FIRST, {"002_broken", "DELETE FROM thing; CREATE TABLE extra (id @ID@); INSERT INTO nowhere VALUES (1)"}};
static const struct us_migration unknown_placeholder[] = {FIRST, {"002_odd", "CREATE TABLE extra (id @BLOB@)"}};
static const struct us_migration lone_at[] = {FIRST, {"002_at", "INSERT INTO thing VALUES (2, 'a@b')"}};

static enum us_code migrate(struct store *s, const struct us_migrations *set) {
  return us_db_migrate_with(s->cx, &(struct us_db_options){.url = s->url, .migrations = set, .busy_ms = 5000});
}

static struct us_db *open_set(struct store *s, const struct us_migrations *set) {
  struct us_db *db = NULL;
  assert_code(us_db_open(s->cx, &(struct us_db_options){.url = s->url, .migrations = set}, &db), US_OK);
  return db;
}

static struct us_str ask(struct store *s, const struct us_migrations *set, const char *sql) {
  static const struct us_column text[] = {{US_COLUMN_TEXT, 0}};
  struct us_db *db = open_set(s, set);
  struct us_str value = US_STR_ABSENT;
  assert_code(us_db_begin_read(s->cx, db), US_OK);
  enum us_code code = us_sql_one(s->cx, text, 1, &value, sql, "");
  us_db_end_read(s->cx, db);
  us_db_close(db);
  assert_true(code == US_OK || code == US_E_NOT_FOUND);
  return value;
}

static const char SQL_VERSION[] = "SELECT value FROM meta WHERE key = 'schema_version'";
static const char SQL_NAME[] = "SELECT name FROM thing WHERE id = 1";

static void a_fresh_store_gets_all_steps(void **state) {
  struct store *s = *state;
  assert_code(migrate(s, SET(two_steps)), US_OK);
  assert_str(ask(s, SET(two_steps), SQL_VERSION), "2");
  assert_str(ask(s, SET(two_steps), SQL_NAME), "a;b'c -- d");
}

static void a_step_runs_once(void **state) {
  struct store *s = *state;
  assert_code(migrate(s, SET(one_step)), US_OK);
  assert_code(migrate(s, SET(one_step)), US_OK);
  assert_str(ask(s, SET(one_step), SQL_VERSION), "1");
}

static void rows_from_before_are_kept(void **state) {
  struct store *s = *state;
  assert_code(migrate(s, SET(one_step)), US_OK);
  struct us_db *db = open_set(s, SET(one_step));
  store_exec(s->cx, db, "INSERT INTO thing (id, name) VALUES (2, 'old')");
  us_db_close(db);
  assert_code(migrate(s, SET(two_steps)), US_OK);
  static const char SQL[] = "SELECT name || ' ' || colour FROM thing WHERE id = 2";
  assert_str(ask(s, SET(two_steps), SQL), "old grey");
}

static void a_step_that_fails_leaves_nothing_of_itself(void **state) {
  struct store *s = *state;
  assert_code(migrate(s, SET(broken_second)), US_E_STORE);
  store_assert_says(s->cx->err.detail, "002_broken");
  store_assert_says(s->cx->err.detail, "nowhere");
  assert_str(ask(s, SET(one_step), SQL_VERSION), "1");
  assert_str(ask(s, SET(one_step), SQL_NAME), "a;b'c -- d");
  static const char SQL[] = "SELECT name FROM sqlite_master WHERE name = 'extra'";
  if (s->backend->is_sqlite)
    assert_null(ask(s, SET(one_step), SQL).p);
  assert_code(migrate(s, SET(two_steps)), US_OK);
}

static void a_placeholder_nobody_knows_is_a_mistake(void **state) {
  struct store *s = *state;
  assert_code(migrate(s, SET(unknown_placeholder)), US_E_INTERNAL);
  store_assert_says(s->cx->err.text, "@BLOB@");
  assert_code(migrate(s, SET(lone_at)), US_E_INTERNAL);
  assert_str(ask(s, SET(one_step), SQL_VERSION), "1");
}

static void keys_are_the_row_ids(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  assert_code(migrate(s, SET(one_step)), US_OK);
  static const char SQL_THING[] = "SELECT sql FROM sqlite_master WHERE name = 'thing'";
  static const char SQL_PAIR[] = "SELECT sql FROM sqlite_master WHERE name = 'pair'";
  store_assert_says(ask(s, SET(one_step), SQL_THING), "id INTEGER PRIMARY KEY");
  store_assert_says(ask(s, SET(one_step), SQL_PAIR), "WITHOUT ROWID");
}

static void a_newer_store_is_left_alone(void **state) {
  struct store *s = *state;
  assert_code(migrate(s, SET(two_steps)), US_OK);
  assert_code(migrate(s, SET(one_step)), US_E_STORE);
  store_assert_says(s->cx->err.text, "newer version (schema 2, this program knows 1)");
  assert_str(ask(s, SET(two_steps), SQL_VERSION), "2");
}

static void an_older_store_is_not_opened(void **state) {
  struct store *s = *state;
  assert_code(migrate(s, SET(one_step)), US_OK);
  struct us_db *db = NULL;
  assert_code(us_db_open(s->cx, &(struct us_db_options){.url = s->url, .migrations = SET(two_steps)}, &db), US_E_STORE);
  store_assert_says(s->cx->err.text, "has schema 1 and must be migrated to 2 first");
}

static int migrate_in_child(struct store_process *self, void *argument) {
  struct store *s = argument;
  store_process_hear(self->to);
  return migrate(s, SET(two_steps)) == US_OK ? 0 : 1;
}

static void two_processes_may_migrate_at_once(void **state) {
  struct store *s = *state;
  enum { PROCESSES = 4 };
  struct store_process p[PROCESSES];
  for (int i = 0; i < PROCESSES; i++)
    p[i] = store_process_start(migrate_in_child, s);
  for (int i = 0; i < PROCESSES; i++)
    store_process_say(p[i].to);
  for (int i = 0; i < PROCESSES; i++)
    assert_int_equal(store_process_end(&p[i]), 0);
  assert_str(ask(s, SET(two_steps), SQL_VERSION), "2");
}

static void the_programs_own_steps_are_built_in(void **state) {
  struct store *s = *state;
  assert_true(us_migrations_own.n >= 1);
  for (size_t i = 0; i < us_migrations_own.n; i++) {
    char number[24];
    snprintf(number, sizeof number, "%03zu_", i + 1);
    assert_memory_equal(us_migrations_own.v[i].name, number, 4);
  }
  assert_code(us_db_migrate(s->cx, s->url), US_OK);
  s->db = store_open(s, s->cx, 0);
  static const struct us_column number[] = {{US_COLUMN_I64, 0}};
  int64_t rev = -1;
  assert_code(us_db_begin_read(s->cx, s->db), US_OK);
  static const char SQL[] = "SELECT CAST(value AS bigint) FROM meta WHERE key = 'config_rev'";
  assert_code(us_sql_one(s->cx, number, 1, &rev, SQL, ""), US_OK);
  us_db_end_read(s->cx, s->db);
  assert_int_equal(rev, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST_BARE(a_fresh_store_gets_all_steps),
      STORE_TEST_BARE(a_step_runs_once),
      STORE_TEST_BARE(rows_from_before_are_kept),
      STORE_TEST_BARE(a_step_that_fails_leaves_nothing_of_itself),
      STORE_TEST_BARE(a_placeholder_nobody_knows_is_a_mistake),
      STORE_TEST_BARE(keys_are_the_row_ids),
      STORE_TEST_BARE(a_newer_store_is_left_alone),
      STORE_TEST_BARE(an_older_store_is_not_opened),
      STORE_TEST_BARE(two_processes_may_migrate_at_once),
      STORE_TEST_BARE(the_programs_own_steps_are_built_in),
  };
  return STORE_RUN(tests);
}
