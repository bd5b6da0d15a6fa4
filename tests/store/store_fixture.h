/*
 * A fresh store for each test, once per database: a test program lists its tests and calls STORE_RUN, which runs the list
 * for every row of store_backends. The store has the program's own schema and a table of the tests':
 *
 *   item (id BIGINT PRIMARY KEY, name TEXT, n BIGINT NOT NULL)
 */
#ifndef USHER_TESTS_STORE_FIXTURE_H
#define USHER_TESTS_STORE_FIXTURE_H

#include "../unit/unit.h"
#include "store/db.h"

struct store_backend {
  const char *name;
  bool is_sqlite; /* tests about files ask */
};
extern const struct store_backend store_backends[];
extern const size_t store_backend_count;

struct store {
  const struct store_backend *backend;
  struct us_cx *cx;
  struct us_db *db;
  char dir[64];
  char path[96]; /* SQLite: the file */
  char url[128];
};

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_setup, store_teardown)
/* Without a schema, without a connection. */
#define STORE_TEST_BARE(test) cmocka_unit_test_setup_teardown(test, store_setup_bare, store_teardown)
/* For tests about files, or that use SQLite's own ways to break things. */
#define STORE_SQLITE_ONLY(s)                                                                                           \
  do {                                                                                                                 \
    if (!(s)->backend->is_sqlite) {                                                                                    \
      print_message("# only for sqlite\n");                                                                            \
      return;                                                                                                          \
    }                                                                                                                  \
  } while (0)
#define STORE_RUN(tests) store_run((tests), sizeof(tests) / sizeof((tests)[0]))
int store_run(const struct CMUnitTest *tests, size_t count);
int store_setup(void **state);
int store_setup_bare(void **state);
int store_teardown(void **state);

/* The context of another thread or process. */
struct us_cx *store_cx_new(void);
void store_cx_free(struct us_cx *cx);
/* Opens the store once more; the test fails when it cannot. */
struct us_db *store_open(struct store *s, struct us_cx *cx, int busy_ms);
/* The program's own schema and the table item. */
void store_fill(struct us_cx *cx, const char *url, const char *vfs);

enum us_code store_insert(struct us_cx *cx, int64_t id, const char *name);
/* One read transaction each; -1 when there is no such item. */
int64_t store_item_n(struct us_cx *cx, struct us_db *db, int64_t id);
bool store_has(struct us_cx *cx, struct us_db *db, int64_t id);
int64_t store_count(struct us_cx *cx, struct us_db *db);
/* A statement in a write transaction of its own; the test fails when it does. */
void store_exec(struct us_cx *cx, struct us_db *db, const char *sql);

#define assert_code(code, expected) assert_string_equal(us_code_name(code), us_code_name(expected))
/* One line that has `words` in it. */
void store_assert_says(struct us_str text, const char *words);

#endif
