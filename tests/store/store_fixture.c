/* The fixture of the store's tests: directories, contexts and the few statements that most of them need. */
#include "store_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "store/migrate.h"

const struct store_backend store_backends[] = {{"sqlite", true}};
const size_t store_backend_count = sizeof store_backends / sizeof store_backends[0];

int store_run(const struct CMUnitTest *tests, size_t count) {
  us_log_setup(US_LOG_OFF, US_LOG_LOGFMT, 2);
  cmocka_set_message_output(CM_OUTPUT_TAP);
  size_t total = count * store_backend_count;
  struct CMUnitTest *all = calloc(total, sizeof *all);
  char(*names)[200] = calloc(total, sizeof *names);
  if (!all || !names)
    abort();
  for (size_t i = 0; i < total; i++) {
    const struct store_backend *backend = &store_backends[i / count];
    all[i] = tests[i % count];
    all[i].initial_state = (void *)(uintptr_t)backend;
    snprintf(names[i], sizeof names[i], "%s: %s", backend->name, all[i].name);
    all[i].name = names[i];
  }
  int failed = _cmocka_run_group_tests("store", all, total, NULL, NULL);
  free(all);
  free(names);
  return failed;
}

struct us_cx *store_cx_new(void) {
  struct us_cx *cx = calloc(1, sizeof *cx);
  if (!cx)
    abort();
  cx->mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  cx->now_ms = INT64_C(1900000000000);
  if (!cx->mem)
    abort();
  return cx;
}

void store_cx_free(struct us_cx *cx) {
  us_mem_free(cx->mem);
  free(cx);
}

struct us_db *store_open(struct store *s, struct us_cx *cx, int busy_ms) {
  struct us_db *db = NULL;
  enum us_code code = us_db_open(cx, &(struct us_db_options){.url = s->url, .busy_ms = busy_ms}, &db);
  if (code != US_OK)
    print_error("open: %.*s (%.*s)\n", US_STR_ARG(cx->err.text), US_STR_ARG(cx->err.detail));
  assert_code(code, US_OK);
  return db;
}

static enum us_code exec_step(struct us_cx *cx, void *self) {
  return us_sql_run(cx, NULL, self, "");
}

void store_exec(struct us_cx *cx, struct us_db *db, const char *sql) {
  enum us_code code = us_db_transact(cx, db, exec_step, (void *)(uintptr_t)sql);
  if (code != US_OK)
    print_error("%s: %.*s\n", sql, US_STR_ARG(cx->err.detail));
  assert_code(code, US_OK);
}

void store_fill(struct us_cx *cx, const char *url, const char *vfs) {
  struct us_db_options options = {.url = url, .vfs = vfs};
  enum us_code code = us_db_migrate_with(cx, &options);
  if (code != US_OK)
    print_error("migrate: %.*s (%.*s)\n", US_STR_ARG(cx->err.text), US_STR_ARG(cx->err.detail));
  assert_code(code, US_OK);
  struct us_db *db;
  assert_code(us_db_open(cx, &options, &db), US_OK);
  store_exec(cx, db, "CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT, n BIGINT NOT NULL)");
  us_db_close(db);
}

int store_setup_bare(void **state) {
  struct store *s = calloc(1, sizeof *s);
  if (!s)
    return -1;
  s->backend = *state;
  s->cx = store_cx_new();
  snprintf(s->dir, sizeof s->dir, "/tmp/usher-store-XXXXXX");
  if (!mkdtemp(s->dir))
    return -1;
  snprintf(s->path, sizeof s->path, "%s/usher.db", s->dir);
  snprintf(s->url, sizeof s->url, "sqlite:%s", s->path);
  *state = s;
  return 0;
}

int store_setup(void **state) {
  if (store_setup_bare(state) != 0)
    return -1;
  struct store *s = *state;
  store_fill(s->cx, s->url, NULL);
  s->db = store_open(s, s->cx, 0);
  return 0;
}

static void remove_dir(const char *path) {
  DIR *dir = opendir(path);
  if (!dir)
    return;
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
      continue;
    if (unlinkat(dirfd(dir), entry->d_name, 0) != 0)
      (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
  }
  closedir(dir);
  (void)rmdir(path);
}

int store_teardown(void **state) {
  struct store *s = *state;
  us_db_close(s->db);
  store_cx_free(s->cx);
  remove_dir(s->dir);
  free(s);
  return 0;
}

static const char SQL_INSERT[] = "INSERT INTO item (id, name, n) VALUES ($1, $2, $1 * 2)";
enum us_code store_insert(struct us_cx *cx, int64_t id, const char *name) {
  return us_sql_run(cx, NULL, SQL_INSERT, "ic", id, name);
}

static const struct us_column one_number[] = {{US_COLUMN_I64, 0}};

static int64_t ask(struct us_cx *cx, struct us_db *db, const char *sql, int64_t id) {
  int64_t value = -1;
  assert_code(us_db_begin_read(cx, db), US_OK);
  enum us_code code = us_sql_one(cx, one_number, 1, &value, sql, "i", id);
  us_db_end_read(cx, db);
  if (code == US_E_NOT_FOUND)
    return -1;
  assert_code(code, US_OK);
  return value;
}

static const char SQL_N[] = "SELECT n FROM item WHERE id = $1";
int64_t store_item_n(struct us_cx *cx, struct us_db *db, int64_t id) {
  return ask(cx, db, SQL_N, id);
}

bool store_has(struct us_cx *cx, struct us_db *db, int64_t id) {
  return store_item_n(cx, db, id) != -1;
}

static const char SQL_COUNT[] = "SELECT count(*) FROM item WHERE id > $1";
int64_t store_count(struct us_cx *cx, struct us_db *db) {
  return ask(cx, db, SQL_COUNT, INT64_MIN);
}

void store_assert_says(struct us_str text, const char *words) {
  char copy[2048];
  snprintf(copy, sizeof copy, "%.*s", US_STR_ARG(text));
  if (strstr(copy, words) && !strchr(copy, '\n'))
    return;
  print_error("'%s' does not say '%s' in one line\n", copy, words);
  fail();
}
