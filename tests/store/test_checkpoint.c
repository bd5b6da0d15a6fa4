/* The writer's checkpoints: the write-ahead log stays small, also after a reader that stayed long. SQLite only. */
#include <semaphore.h>
#include <stdio.h>
#include <sys/stat.h>

#include "store/writer.h"
#include "store_fixture.h"

#define ROW_BYTES 100000
#define MIB (1024 * 1024)

struct large {
  struct us_write_job job;
  int64_t id;
  sem_t answered;
  enum us_code answer;
};

static enum us_code run_large(struct us_write_job *job) {
  static char text[ROW_BYTES + 1];
  memset(text, 'x', ROW_BYTES);
  return store_insert(job->cx, ((struct large *)job)->id, text);
}

static void large_done(struct us_write_job *job, enum us_code code) {
  struct large *l = (struct large *)job;
  l->answer = code;
  sem_post(&l->answered);
}

static int64_t next_id;

/* One commit each. */
static void write_rows(struct us_writer *writer, int rows) {
  struct us_cx *cx = store_cx_new();
  struct large l = {.job = {.cx = cx, .run = run_large, .done = large_done}};
  sem_init(&l.answered, 0, 0);
  for (int i = 0; i < rows; i++) {
    l.id = ++next_id;
    assert_true(us_writer_submit(writer, &l.job));
    sem_wait(&l.answered);
    assert_code(l.answer, US_OK);
  }
  sem_destroy(&l.answered);
  store_cx_free(cx);
}

static int64_t file_bytes(struct store *s, const char *suffix) {
  char name[200];
  snprintf(name, sizeof name, "%s%s", s->path, suffix);
  struct stat st;
  assert_int_equal(stat(name, &st), 0);
  return st.st_size;
}

/* busy_ms is so long that a writer which waited for a reader would never come back. */
static struct us_writer *start(struct store *s) {
  struct us_writer *writer;
  assert_code(us_writer_start(s->cx, &(struct us_writer_options){.url = s->url, .busy_ms = 600000}, &writer), US_OK);
  next_id = 0;
  return writer;
}

static void the_log_starts_over_at_four_megabytes(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  struct us_writer *writer = start(s);
  for (int i = 0; i < 15; i++) {
    write_rows(writer, 10);
    assert_true(file_bytes(s, "-wal") < 5 * MIB);
  }
  assert_true(file_bytes(s, "") > 8 * MIB); /* of 14 */
  us_writer_stop(writer);
}

static void a_reader_that_stays_is_neither_disturbed_nor_waited_for(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  struct us_writer *writer = start(s);
  write_rows(writer, 3);
  static const struct us_column number[] = {{US_COLUMN_I64, 0}};
  static const char SQL[] = "SELECT count(*) FROM item";
  int64_t n = 0;
  assert_code(us_db_begin_read(s->cx, s->db), US_OK);
  assert_code(us_sql_one(s->cx, number, 1, &n, SQL, ""), US_OK);
  assert_int_equal(n, 3);
  write_rows(writer, 720);
  assert_true(file_bytes(s, "-wal") > 64 * MIB); /* the reader's snapshot is in there */
  assert_code(us_sql_one(s->cx, number, 1, &n, SQL, ""), US_OK);
  assert_int_equal(n, 3);
  us_db_end_read(s->cx, s->db);
  write_rows(writer, 60);
  assert_true(file_bytes(s, "-wal") < 5 * MIB);
  assert_int_equal(store_count(s->cx, s->db), 783);
  us_writer_stop(writer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(the_log_starts_over_at_four_megabytes),
      STORE_TEST(a_reader_that_stays_is_neither_disturbed_nor_waited_for),
  };
  return STORE_RUN(tests);
}
