/*
 * A disk that is full or failing, in the middle of a batch of 64, and processes that are killed: after reopening, all
 * that was answered with success is there and nothing that was answered with failure.
 *
 * The writer runs in a child process; the answers go into shared memory, so that a crash cannot take them back.
 */
#include <semaphore.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include "base/log.h"
#include "fault_vfs.h"
#include "store/backend.h"
#include "store/writer.h"
#include "store_fixture.h"
#include "store_process.h"

#define BATCH 64

enum answer { NOT_ANSWERED, SUCCEEDED, FAILED };
struct shared {
  int64_t first_id;
  struct fault fault;
  size_t row_bytes;
  enum ending { CLOSES, CRASHES, CRASHES_AT_ONCE } ending; /* the last: without the step after the fault */
  /* What the child found. */
  int counted, fired;             /* operations since the batch began; faults while it ran */
  enum answer answers[BATCH + 1]; /* the last: a step after the fault */
};
static struct shared *shared;

struct task {
  struct us_write_job job;
  int index; /* -1: the gate */
};
static sem_t gate, gate_reached, answered;

static enum us_code run_task(struct us_write_job *job) {
  int index = ((struct task *)job)->index;
  if (index < 0) {
    sem_post(&gate_reached);
    sem_wait(&gate);
    return US_OK;
  }
  char *text = us_mem_alloc(job->cx->mem, shared->row_bytes + 1);
  if (!text)
    return us_fail_plain(job->cx, US_E_NO_MEMORY);
  memset(text, 'a' + index % 26, shared->row_bytes);
  text[shared->row_bytes] = '\0';
  return store_insert(job->cx, shared->first_id + index, text);
}

static void task_done(struct us_write_job *job, enum us_code code) {
  int index = ((struct task *)job)->index;
  if (index >= 0)
    shared->answers[index] = code == US_OK ? SUCCEEDED : FAILED;
  sem_post(&answered);
}

static struct task *task_new(int index) {
  struct task *t = calloc(1, sizeof *t);
  if (!t)
    abort();
  t->index = index;
  t->job = (struct us_write_job){.cx = store_cx_new(), .run = run_task, .done = task_done};
  return t;
}

static bool submit(struct us_writer *writer, struct task *task) {
  return us_writer_submit(writer, &task->job);
}

static void wait_for(int n) {
  for (int i = 0; i < n; i++)
    sem_wait(&answered);
}

static void crash(void) {
  (void)raise(SIGKILL);
}

/* One batch of 64 with the fault in it, then one more step. */
static int write_under_fault(struct store_process *self, void *argument) {
  struct store *s = argument;
  struct us_cx *cx = store_cx_new();
  struct us_writer *writer;
  static struct task *tasks[BATCH + 2];
  sem_init(&gate, 0, 0);
  sem_init(&gate_reached, 0, 0);
  sem_init(&answered, 0, 0);
  struct us_writer_options options = {.url = s->url, .vfs = FAULT_VFS, .cache_kib = 40};
  if (fault_vfs_register() != SQLITE_OK || us_writer_start(cx, &options, &writer) != US_OK)
    return 1;
  for (int i = 0; i < BATCH + 2; i++)
    tasks[i] = task_new(i <= BATCH ? i : -1);
  if (!submit(writer, tasks[BATCH + 1]))
    return 2;
  sem_wait(&gate_reached);
  for (int i = 0; i < BATCH; i++)
    if (!submit(writer, tasks[i]))
      return 3;
  fault_vfs_arm(shared->fault);
  sem_post(&gate);
  wait_for(BATCH + 1);
  shared->fired = fault_vfs_fired();
  shared->counted = fault_vfs_counted();
  if (shared->ending == CRASHES_AT_ONCE)
    crash();
  if (!submit(writer, tasks[BATCH]))
    return 4;
  wait_for(1);
  shared->counted = fault_vfs_counted();
  if (shared->ending == CRASHES)
    crash();
  us_writer_stop(writer);
  shared->counted = fault_vfs_counted();
  for (int i = 0; i < BATCH + 2; i++) {
    store_cx_free(tasks[i]->job.cx);
    free(tasks[i]);
  }
  store_cx_free(cx);
  return 0;
}

enum wanted { EXACT, NOTHING_LOST };

static void compare(struct store *s, enum wanted wanted) {
  struct us_db *db = store_open(s, s->cx, 0);
  int steps = shared->ending == CRASHES_AT_ONCE ? BATCH : BATCH + 1;
  for (int i = 0; i < steps; i++) {
    bool is_there = store_has(s->cx, db, shared->first_id + i);
    enum answer answer = shared->answers[i];
    assert_int_not_equal(answer, NOT_ANSWERED);
    bool fits = answer == SUCCEEDED ? is_there : !is_there || wanted == NOTHING_LOST;
    if (!fits)
      print_error("fault at %d: step %d was answered with %s and is %s\n", shared->fault.at, i,
                  answer == SUCCEEDED ? "success" : "failure", is_there ? "there" : "not there");
    assert_true(fits);
  }
  us_db_close(db);
}

static void run_once(struct store *s, struct fault fault, enum wanted wanted) {
  shared->first_id += 1000;
  shared->fault = fault;
  memset(shared->answers, 0, sizeof shared->answers);
  struct store_process p = store_process_start(write_under_fault, s);
  assert_int_equal(store_process_end(&p), shared->ending == CLOSES ? 0 : -SIGKILL);
  compare(s, wanted);
}

struct tally {
  int runs, all_failed, some_failed, none_failed;
};

static void count_run(struct tally *tally) {
  int failed = 0;
  for (int i = 0; i < BATCH; i++)
    failed += shared->answers[i] == FAILED;
  tally->runs++;
  tally->all_failed += failed == BATCH;
  tally->some_failed += failed > 0 && failed < BATCH;
  tally->none_failed += failed == 0;
}

/* Runs without a fault to learn how many operations there are, then with a fault at about `runs` of them; the last ones,
 * around the commit, all, and some beyond: the tree grows, so the number is not quite the same each time. */
#define AROUND_THE_END 8
static struct tally sweep(struct store *s, struct fault fault, enum wanted wanted, int runs) {
  struct tally tally = {0};
  int stride = 1, total = 0;
  for (int at = 0; at <= total + AROUND_THE_END; at += at > total - AROUND_THE_END ? 1 : stride) {
    fault.at = at;
    run_once(s, fault, wanted);
    if (at == 0) {
      total = shared->counted;
      assert_true(total > 20);
      stride = total > runs ? total / runs : 1;
      for (int i = 0; i < BATCH; i++)
        assert_int_equal(shared->answers[i], SUCCEEDED);
      continue;
    }
    if (shared->fired > 0 && shared->ending != CRASHES_AT_ONCE) /* a fault that passes leaves a writer that works */
      assert_int_equal(shared->answers[BATCH], fault.stays ? FAILED : SUCCEEDED);
    count_run(&tally);
  }
  return tally;
}

static struct store *begin(void **state, size_t row_bytes, enum ending ending) {
  struct store *s = *state;
  us_db_close(s->db); /* nothing is open across fork() */
  s->db = NULL;
  shared->row_bytes = row_bytes;
  shared->ending = ending;
  return s;
}

static void a_disk_full_for_a_moment(void **state) {
  struct store *s = begin(state, 3000, CLOSES);
  struct tally tally = sweep(s, (struct fault){.ops = FAULT_WRITES, .code = SQLITE_FULL}, EXACT, 40);
  assert_true(tally.all_failed + tally.some_failed > 0);
  assert_true(tally.some_failed + tally.none_failed > 0); /* the fault costs one step, or one batch, not more */
}

static void a_disk_full_for_a_moment_then_a_crash(void **state) {
  struct store *s = begin(state, 3000, CRASHES_AT_ONCE);
  struct tally tally = sweep(s, (struct fault){.ops = FAULT_WRITES, .code = SQLITE_FULL}, EXACT, 30);
  assert_true(tally.all_failed + tally.some_failed > 0);
}

static void a_disk_that_stays_full_then_a_crash(void **state) {
  struct store *s = begin(state, 3000, CRASHES);
  struct tally tally = sweep(s, (struct fault){.ops = FAULT_WRITES, .code = SQLITE_FULL, .stays = true}, EXACT, 30);
  assert_true(tally.all_failed > 0);
}

static void an_io_error(void **state) {
  struct store *s = begin(state, 3000, CLOSES);
  struct tally tally = sweep(s, (struct fault){.ops = FAULT_ALL, .code = SQLITE_IOERR}, EXACT, 40);
  assert_true(tally.all_failed + tally.some_failed > 0);
}

/* Among them: the sync of the commit fails, after its frames were written. They must not come back. */
static void an_io_error_then_a_crash(void **state) {
  struct store *s = begin(state, 3000, CRASHES_AT_ONCE);
  struct tally tally = sweep(s, (struct fault){.ops = FAULT_ALL, .code = SQLITE_IOERR_FSYNC}, EXACT, 40);
  assert_true(tally.all_failed > 0);
}

/* When nothing can be written any more, what a failed sync left behind cannot be taken back. Nothing may be lost. */
static void a_disk_that_fails_for_good_then_a_crash(void **state) {
  struct store *s = begin(state, 3000, CRASHES);
  struct tally tally =
      sweep(s, (struct fault){.ops = FAULT_ALL, .code = SQLITE_IOERR, .stays = true}, NOTHING_LOST, 30);
  assert_true(tally.all_failed > 0);
}

/* Rows so large that the writer checkpoints after the batch: there the fault must cost nothing that was answered. */
static void an_io_error_in_a_checkpoint(void **state) {
  struct store *s = begin(state, 72000, CLOSES);
  struct fault fault = {.ops = FAULT_ALL, .code = SQLITE_IOERR};
  run_once(s, fault, EXACT);
  int total = shared->counted, tried = 0;
  assert_true(total > 3000); /* the log and the database */
  for (int at = total * 6 / 10; at < total; at += total / 25, tried++) {
    fault.at = at;
    run_once(s, fault, EXACT);
  }
  assert_true(tried > 5);
}

/* ---- SIGKILL under load ---- */

struct load_task {
  struct us_write_job job;
  int64_t id;
  int fd;
};
static _Atomic int64_t next_id;
static struct us_writer *load_writer;

static enum us_code run_load(struct us_write_job *job) {
  return store_insert(job->cx, ((struct load_task *)job)->id, "load");
}

/* Tells the parent, and asks for the next row at once. */
static void done_load(struct us_write_job *job, enum us_code code) {
  struct load_task *t = (struct load_task *)job;
  if (code != US_OK || write(t->fd, &t->id, sizeof t->id) != sizeof t->id)
    _exit(9);
  t->id = next_id++;
  if (!us_writer_submit(load_writer, job))
    _exit(8);
}

static int write_for_ever(struct store_process *self, void *argument) {
  struct store *s = argument;
  next_id = shared->first_id;
  if (us_writer_start(store_cx_new(), &(struct us_writer_options){.url = s->url}, &load_writer) != US_OK)
    return 1;
  for (int i = 0; i < BATCH; i++) {
    struct load_task *t = calloc(1, sizeof *t);
    if (!t)
      return 2;
    *t = (struct load_task){.job = {.cx = store_cx_new(), .run = run_load, .done = done_load}, .fd = self->from};
    t->id = next_id++;
    if (!us_writer_submit(load_writer, &t->job))
      return 3;
  }
  store_process_hear(self->to); /* never: it is killed */
  return 4;
}

static void what_was_acknowledged_survives_sigkill(void **state) {
  struct store *s = begin(state, 0, CLOSES);
  enum { ROUNDS = 6, MAX_IDS = 1000000 };
  int64_t *ids = calloc(MAX_IDS, sizeof *ids);
  assert_non_null(ids);
  for (int round = 0; round < ROUNDS; round++) {
    shared->first_id += 10 * MAX_IDS;
    struct store_process p = store_process_start(write_for_ever, s);
    /* Reads a different number of answers each round, then kills at once, wherever the child is. */
    size_t bytes = 0, enough = (size_t)(500 + round * 777) * sizeof *ids;
    ssize_t n = 1;
    bool is_killed = false;
    while (n > 0 && bytes < MAX_IDS * sizeof *ids) {
      n = read(p.from, (char *)ids + bytes, MAX_IDS * sizeof *ids - bytes);
      bytes += n > 0 ? (size_t)n : 0;
      if (!is_killed && bytes >= enough) {
        assert_int_equal(kill(p.pid, SIGKILL), 0);
        is_killed = true;
      }
    }
    assert_true(is_killed);
    assert_int_equal(store_process_end(&p), -SIGKILL);
    struct us_db *db = store_open(s, s->cx, 0);
    for (size_t i = 0; i < bytes / sizeof *ids; i++)
      assert_true(store_has(s->cx, db, ids[i]));
    us_db_close(db);
  }
  free(ids);
}

int main(void) {
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    return 1;
  const struct CMUnitTest tests[] = {
      STORE_TEST(a_disk_full_for_a_moment),
      STORE_TEST(a_disk_full_for_a_moment_then_a_crash),
      STORE_TEST(a_disk_that_stays_full_then_a_crash),
      STORE_TEST(an_io_error),
      STORE_TEST(an_io_error_then_a_crash),
      STORE_TEST(a_disk_that_fails_for_good_then_a_crash),
      STORE_TEST(an_io_error_in_a_checkpoint),
      STORE_TEST(what_was_acknowledged_survives_sigkill),
  };
  return STORE_RUN(tests);
}
