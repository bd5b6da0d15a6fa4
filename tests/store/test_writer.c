/* store/writer.h: one commit for many, each step by itself, nothing acknowledged before it is safe. */
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "store/backend.h"
#include "store/writer.h"
#include "store_fixture.h"
#include "store_process.h"

/* ---- Jobs: each has a context of its own, and the test waits for its answer ---- */

struct task {
  struct us_write_job job; /* first */
  struct us_cx *cx;
  int64_t id;
  enum us_code then; /* after its insert */
  bool keeps_writes;
  bool is_early;  /* `then` comes before the insert */
  bool breaks;    /* makes SQLite end the whole transaction */
  bool must_wait; /* for `gate`: what is submitted meanwhile becomes one batch */
  int runs;
  enum us_code answer;
  sem_t answered;
};

static sem_t gate, gate_reached;

static enum us_code run_task(struct us_write_job *job) {
  struct task *t = (struct task *)job;
  t->runs++;
  if (t->must_wait) {
    sem_post(&gate_reached);
    sem_wait(&gate);
    return US_OK;
  }
  if (t->is_early)
    return us_fail(t->cx, t->then, "by rule");
  US_TRY(store_insert(t->cx, t->id, "x"));
  static const char SQL_BREAK[] = "INSERT OR ROLLBACK INTO item (id, n) VALUES ($1, 1)";
  if (t->breaks)
    return us_sql_run(t->cx, NULL, SQL_BREAK, "i", t->id);
  if (t->then == US_OK)
    return US_OK;
  us_fail(t->cx, t->then, "by rule");
  t->cx->err.keeps_writes = t->keeps_writes;
  return t->then;
}

static void task_done(struct us_write_job *job, enum us_code code) {
  struct task *t = (struct task *)job;
  t->answer = code;
  sem_post(&t->answered);
}

static void task_init(struct task *t, int64_t id) {
  *t = (struct task){.job = {.run = run_task, .done = task_done}, .id = id, .cx = store_cx_new()};
  t->job.cx = t->cx;
  sem_init(&t->answered, 0, 0);
}

static enum us_code task_wait(struct task *t) {
  sem_wait(&t->answered);
  return t->answer;
}

static void task_free(struct task *t) {
  sem_destroy(&t->answered);
  store_cx_free(t->cx);
}

#define TASKS 64
static struct task tasks[TASKS];
static struct task gate_task;

static struct us_writer *start(struct store *s, struct us_writer_options options) {
  options.url = s->url;
  struct us_writer *writer = NULL;
  enum us_code code = us_writer_start(s->cx, &options, &writer);
  if (code != US_OK)
    print_error("%.*s\n", US_STR_ARG(s->cx->err.text));
  assert_code(code, US_OK);
  sem_init(&gate, 0, 0);
  sem_init(&gate_reached, 0, 0);
  task_init(&gate_task, 0);
  gate_task.must_wait = true;
  for (int i = 0; i < TASKS; i++)
    task_init(&tasks[i], i + 1);
  return writer;
}

static void stop(struct us_writer *writer) {
  us_writer_stop(writer);
  for (int i = 0; i < TASKS; i++)
    task_free(&tasks[i]);
  task_free(&gate_task);
}

static void close_gate(struct us_writer *writer) {
  assert_true(us_writer_submit(writer, &gate_task.job));
  sem_wait(&gate_reached);
}

/* Submits the first n tasks so that they are one batch, and waits for all. */
static void run_together(struct us_writer *writer, int n) {
  close_gate(writer);
  for (int i = 0; i < n; i++)
    assert_true(us_writer_submit(writer, &tasks[i].job));
  sem_post(&gate);
  assert_code(task_wait(&gate_task), US_OK);
  for (int i = 0; i < n; i++)
    task_wait(&tasks[i]);
}

/* ---- Batches ---- */

static void waiting_steps_share_one_commit(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){0});
  run_together(writer, TASKS);
  struct us_writer_counters counters = us_writer_counters(writer);
  assert_int_equal(counters.batches, 2); /* the gate's and theirs */
  assert_int_equal(counters.steps, TASKS + 1);
  assert_int_equal(counters.failed_steps, 0);
  assert_int_equal(counters.queued, 0);
  for (int i = 0; i < TASKS; i++)
    assert_code(tasks[i].answer, US_OK);
  assert_int_equal(store_count(s->cx, s->db), TASKS);
  stop(writer);
}

static void a_batch_has_a_limit(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){.max_batch = 8});
  run_together(writer, 8);
  assert_int_equal(us_writer_counters(writer).batches, 2);
  stop(writer);
  writer = start(s, (struct us_writer_options){.max_batch = 8});
  for (int i = 0; i < 9; i++)
    tasks[i].id = 100 + i;
  run_together(writer, 9);
  assert_int_equal(us_writer_counters(writer).batches, 3);
  stop(writer);
}

static void the_queue_has_a_limit(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){.max_queued = 3});
  close_gate(writer);
  assert_true(us_writer_submit(writer, &tasks[0].job));
  assert_true(us_writer_submit(writer, &tasks[1].job));
  assert_true(us_writer_submit(writer, &tasks[2].job));
  assert_int_equal(us_writer_counters(writer).queued, 3);
  assert_false(us_writer_submit(writer, &tasks[3].job));
  sem_post(&gate);
  for (int i = 0; i < 3; i++)
    assert_code(task_wait(&tasks[i]), US_OK);
  assert_true(us_writer_submit(writer, &tasks[3].job));
  assert_code(task_wait(&tasks[3]), US_OK);
  stop(writer);
}

static void a_step_that_fails_takes_nobody_along(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){0});
  tasks[1].then = US_E_CONFLICT;
  tasks[3].id = tasks[0].id; /* a broken constraint */
  run_together(writer, 6);
  for (int i = 0; i < 6; i++) {
    enum us_code expected = i == 1 ? US_E_CONFLICT : i == 3 ? US_E_STORE : US_OK;
    assert_code(tasks[i].answer, expected);
    assert_int_equal(tasks[i].runs,
                     i < 2 ? 2 : 1); /* from the beginning, with savepoints, when the second one failed */
    if (i != 3)
      assert_int_equal(store_has(s->cx, s->db, i + 1), expected == US_OK);
  }
  assert_str(tasks[1].cx->err.text, "by rule");
  assert_code(tasks[1].cx->err.code, US_E_CONFLICT);
  assert_int_equal(us_writer_counters(writer).failed_steps, 2);
  assert_int_equal(us_writer_counters(writer).batches, 2);
  stop(writer);
}

static void a_refusal_before_the_first_write_costs_nobody_a_second_run(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){0});
  tasks[1].then = US_E_CONFLICT;
  tasks[1].is_early = true;
  tasks[2].id = tasks[0].id; /* the statement fails, and has undone itself */
  run_together(writer, 4);
  static const enum us_code expected[4] = {US_OK, US_E_CONFLICT, US_E_STORE, US_OK};
  for (int i = 0; i < 4; i++) {
    assert_code(tasks[i].answer, expected[i]);
    assert_int_equal(tasks[i].runs, 1);
  }
  assert_true(store_has(s->cx, s->db, 1));
  assert_true(store_has(s->cx, s->db, 4));
  assert_int_equal(store_count(s->cx, s->db), 2);
  stop(writer);
}

/* Every place in a batch, first and last too. */
static void whoever_fails_behind_its_write_leaves_nothing(void **state) {
  struct store *s = *state;
  for (int failing = 0; failing < 5; failing++) {
    store_exec(s->cx, s->db, "DELETE FROM item WHERE id > 0");
    struct us_writer *writer = start(s, (struct us_writer_options){0});
    tasks[failing].then = US_E_CONFLICT;
    tasks[(failing + 1) % 5].then = US_E_INVALID_GRANT;
    tasks[(failing + 1) % 5].keeps_writes = true;
    run_together(writer, 5);
    for (int i = 0; i < 5; i++)
      assert_int_equal(store_has(s->cx, s->db, i + 1), i != failing);
    assert_int_equal(us_writer_counters(writer).steps, 6);
    stop(writer);
  }
}

static void a_refusal_may_keep_its_writes(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){0});
  tasks[0].then = US_E_INVALID_GRANT;
  tasks[0].keeps_writes = true;
  tasks[1].then = US_E_INVALID_GRANT;
  run_together(writer, 3);
  assert_code(tasks[0].answer, US_E_INVALID_GRANT);
  assert_code(tasks[1].answer, US_E_INVALID_GRANT);
  assert_true(tasks[0].cx->err.keeps_writes);
  assert_true(store_has(s->cx, s->db, 1));
  assert_false(store_has(s->cx, s->db, 2));
  assert_true(store_has(s->cx, s->db, 3));
  stop(writer);
}

static struct us_db *witness;
static bool seen_early, seen_at_answer;

static enum us_code run_watched(struct us_write_job *job) {
  struct us_cx *cx = store_cx_new();
  enum us_code code = run_task(job);
  seen_early = store_has(cx, witness, ((struct task *)job)->id);
  store_cx_free(cx);
  return code;
}

static void done_watched(struct us_write_job *job, enum us_code code) {
  struct us_cx *cx = store_cx_new();
  seen_at_answer = store_has(cx, witness, ((struct task *)job)->id);
  store_cx_free(cx);
  task_done(job, code);
}

static void nothing_is_answered_before_it_is_committed(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){0});
  witness = s->db; /* only the writer's thread uses it until the answer */
  tasks[0].job.run = run_watched;
  tasks[0].job.done = done_watched;
  assert_true(us_writer_submit(writer, &tasks[0].job));
  assert_code(task_wait(&tasks[0]), US_OK);
  assert_false(seen_early);
  assert_true(seen_at_answer);
  stop(writer);
}

/* ---- A transaction that the database ends ---- */

static void a_broken_transaction_is_run_again_without_the_one_that_broke_it(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  struct us_writer *writer = start(s, (struct us_writer_options){0});
  tasks[1].then = US_E_CONFLICT;
  tasks[2].breaks = true;
  run_together(writer, 5);
  static const enum us_code expected[5] = {US_OK, US_E_CONFLICT, US_E_STORE, US_OK, US_OK};
  static const int runs[5] = {3, 3, 1, 1, 1}; /* the first time without savepoints */
  for (int i = 0; i < 5; i++) {
    assert_code(tasks[i].answer, expected[i]);
    assert_int_equal(tasks[i].runs, runs[i]);
    assert_int_equal(store_has(s->cx, s->db, i + 1), expected[i] == US_OK);
  }
  assert_int_equal(us_writer_counters(writer).failed_batches, 1);
  stop(writer);
}

static void a_step_is_run_again_only_once(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  struct us_writer *writer = start(s, (struct us_writer_options){0});
  tasks[1].breaks = tasks[3].breaks = true;
  run_together(writer, 5);
  /* 1 ran in both broken transactions; 3 in the second and the third; 5 in the third. */
  static const enum us_code expected[5] = {US_E_STORE, US_E_STORE, US_OK, US_E_STORE, US_OK};
  static const int runs[5] = {2, 1, 2, 1, 1};
  for (int i = 0; i < 5; i++) {
    assert_code(tasks[i].answer, expected[i]);
    assert_code(tasks[i].answer, tasks[i].answer == US_OK ? US_OK : tasks[i].cx->err.code);
    assert_int_equal(tasks[i].runs, runs[i]);
    assert_int_equal(store_has(s->cx, s->db, i + 1), expected[i] == US_OK);
  }
  stop(writer);
}

/* ---- Others beside us ---- */

static int hold_the_lock(struct store_process *self, void *argument) {
  struct store *s = argument;
  sqlite3 *handle;
  if (sqlite3_open(s->path, &handle) != SQLITE_OK ||
      sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
    return 1;
  store_process_say(self->from);
  store_process_hear(self->to);
  if (sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
    return 2;
  return sqlite3_close(handle);
}

static void when_another_process_writes_too_long_all_of_the_batch_come_again(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  us_db_close(s->db);
  s->db = NULL;
  struct store_process p = store_process_start(hold_the_lock, s);
  assert_true(store_process_hear(p.from));
  struct us_writer *writer = start(s, (struct us_writer_options){.busy_ms = 40});
  for (int i = 0; i < 5; i++)
    assert_true(us_writer_submit(writer, &tasks[i].job));
  for (int i = 0; i < 5; i++) {
    assert_code(task_wait(&tasks[i]), US_E_UNAVAILABLE);
    assert_code(tasks[i].cx->err.code, US_E_UNAVAILABLE);
    assert_int_equal(tasks[i].cx->err.retry_after_s, 1);
    assert_int_equal(tasks[i].runs, 0);
  }
  store_process_say(p.to);
  assert_int_equal(store_process_end(&p), 0);
  assert_true(us_writer_submit(writer, &tasks[0].job));
  assert_code(task_wait(&tasks[0]), US_OK);
  stop(writer);
}

/* Otherwise the last of a long queue would wait the store's two seconds once a batch. */
static void who_waits_behind_a_locked_store_waits_once(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  us_db_close(s->db);
  s->db = NULL;
  struct store_process p = store_process_start(hold_the_lock, s);
  assert_true(store_process_hear(p.from));
  struct us_writer *writer = start(s, (struct us_writer_options){.busy_ms = 300, .max_batch = 2});
  for (int i = 0; i < TASKS; i++)
    assert_true(us_writer_submit(writer, &tasks[i].job));
  for (int i = 0; i < TASKS; i++)
    assert_code(task_wait(&tasks[i]), US_E_UNAVAILABLE);
  assert_true(us_writer_counters(writer).failed_batches < TASKS / 4); /* not one for every two of them */
  store_process_say(p.to);
  assert_int_equal(store_process_end(&p), 0);
  assert_true(us_writer_submit(writer, &tasks[0].job));
  assert_code(task_wait(&tasks[0]), US_OK);
  stop(writer);
}

static _Atomic int changes;
static sem_t change_seen;

static void note_change(void *self, struct us_cx *cx) {
  assert_ptr_equal(self, &changes);
  assert_non_null(cx->db);
  changes++;
  sem_post(&change_seen);
}

static void what_others_write_is_told_before_the_next_step(void **state) {
  struct store *s = *state;
  sem_init(&change_seen, 0, 0);
  changes = 0;
  struct us_writer *writer = start(s, (struct us_writer_options){.on_external_change = note_change, .self = &changes});
  assert_true(us_writer_submit(writer, &tasks[0].job));
  assert_code(task_wait(&tasks[0]), US_OK);
  assert_int_equal(changes, 0); /* its own commits are no news */
  /* The gate's pass has begun, and has looked, before the change: only the next pass can see it. */
  close_gate(writer);
  assert_true(us_writer_submit(writer, &tasks[1].job));
  sem_post(&gate);
  task_wait(&tasks[1]);
  assert_int_equal(changes, 0);
  store_exec(s->cx, s->db, "INSERT INTO item (id, n) VALUES (1000, 1)");
  assert_true(us_writer_submit(writer, &tasks[2].job));
  assert_code(task_wait(&tasks[2]), US_OK);
  assert_int_equal(changes, 1);
  stop(writer);
}

static void what_others_write_is_told_without_any_step(void **state) {
  struct store *s = *state;
  sem_init(&change_seen, 0, 0);
  struct us_writer *writer = start(s, (struct us_writer_options){.on_external_change = note_change, .self = &changes});
  store_exec(s->cx, s->db, "INSERT INTO item (id, n) VALUES (1000, 1)");
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 10;
  assert_int_equal(sem_timedwait(&change_seen, &deadline), 0);
  stop(writer);
}

/* ---- The lease ---- */

static void the_writer_keeps_the_lease_and_stops_when_it_is_lost(void **state) {
  struct store *s = *state;
  struct us_clock_fake fake = {.now_ms = s->cx->now_ms};
  struct us_clock clock = us_clock_fake_as_clock(&fake);
  uint16_t node, second;
  int64_t mark;
  assert_code(us_node_lease(s->cx, s->db, &node, &mark), US_OK);
  struct us_idgen ids;
  us_idgen_init(&ids, node, mark);
  struct us_writer *writer = start(s, (struct us_writer_options){.node = node, .clock = &clock, .ids = &ids});
  int64_t ahead = us_idgen_next(&ids, s->cx->now_ms + 86400 * 1000);
  for (int i = 0; i < 4; i++) {
    fake.now_ms += US_NODE_RENEW_MS;
    assert_true(us_writer_submit(writer, &tasks[i].job));
    assert_code(task_wait(&tasks[i]), US_OK);
  }
  s->cx->now_ms = fake.now_ms; /* 80 s on: without a renewal the lease would have run out */
  assert_code(us_node_lease(s->cx, s->db, &second, &mark), US_OK);
  assert_int_not_equal(second, node);
  /* Another process, whose clock is an hour on, takes the number; the writer's own clock says that all is well. */
  s->cx->now_ms += 3600 * 1000;
  assert_code(us_node_lease(s->cx, s->db, &second, &mark), US_OK);
  assert_int_equal(second, node);
  assert_true(mark > ahead);
  fake.now_ms += US_NODE_RENEW_MS;
  assert_true(us_writer_submit(writer, &tasks[4].job));
  assert_code(task_wait(&tasks[4]), US_E_STORE);
  store_assert_says(tasks[4].cx->err.text, "lost its node number");
  assert_int_equal(tasks[4].runs, 0);
  stop(writer);
}

/* ---- Notes ---- */

static enum us_code apply_note(struct us_cx *cx, const struct us_note *note) {
  static const char SQL[] = "INSERT INTO item (id, name, n) VALUES ($1, 'note', $2)";
  US_TRY(us_sql_run(cx, NULL, SQL, "ii", note->key, note->value));
  return note->kind == 2 ? us_fail(cx, US_E_CONFLICT, "no") : US_OK;
}

static void notes_ride_with_the_next_batch(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){0});
  us_writer_set_note_handler(writer, apply_note);
  close_gate(writer);
  us_writer_note(writer, (struct us_note){1, 500, 1});
  us_writer_note(writer, (struct us_note){1, 501, 2});
  us_writer_note(writer, (struct us_note){1, 500, 3}); /* in place of the first */
  us_writer_note(writer, (struct us_note){2, 502, 4}); /* fails */
  us_writer_note(writer, (struct us_note){1, 503, 5});
  us_writer_submit(writer, &tasks[0].job);
  sem_post(&gate);
  assert_code(task_wait(&tasks[0]), US_OK);
  assert_int_equal(store_item_n(s->cx, s->db, 500), 3);
  assert_int_equal(store_item_n(s->cx, s->db, 501), 2);
  assert_false(store_has(s->cx, s->db, 502));
  assert_int_equal(store_item_n(s->cx, s->db, 503), 5);
  stop(writer);
}

static void notes_are_bounded_and_written_at_the_end(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){0});
  close_gate(writer);
  for (int64_t i = 0; i < 257; i++)
    us_writer_note(writer, (struct us_note){1, 1000 + i, i});
  us_writer_set_note_handler(writer, apply_note);
  sem_post(&gate);
  task_wait(&gate_task);
  stop(writer);
  assert_int_equal(store_count(s->cx, s->db), 256);
  assert_true(store_has(s->cx, s->db, 1255));
  assert_false(store_has(s->cx, s->db, 1256));
}

static enum us_code break_note(struct us_cx *cx, const struct us_note *note) {
  static const char SQL[] = "INSERT OR ROLLBACK INTO item (id, n) VALUES (1, 1), (1, 1)";
  return us_sql_run(cx, NULL, SQL, "");
}

static void a_note_that_breaks_the_transaction_costs_no_step(void **state) {
  struct store *s = *state;
  STORE_SQLITE_ONLY(s);
  struct us_writer *writer = start(s, (struct us_writer_options){0});
  us_writer_set_note_handler(writer, break_note);
  close_gate(writer);
  us_writer_note(writer, (struct us_note){1, 1, 1});
  for (int i = 0; i < 3; i++)
    us_writer_submit(writer, &tasks[i].job);
  sem_post(&gate);
  for (int i = 0; i < 3; i++)
    assert_code(task_wait(&tasks[i]), US_OK);
  stop(writer);
  assert_int_equal(store_count(s->cx, s->db), 3);
}

/* ---- Many threads, and the end ---- */

#define SUBMITTERS 8
#define EACH 100

struct submitter {
  struct us_writer *writer;
  int64_t first_id;
  int ok;
};

static void *submit_many(void *argument) {
  struct submitter *self = argument;
  for (int i = 0; i < EACH; i++) {
    struct task t;
    task_init(&t, self->first_id + i);
    if (us_writer_submit(self->writer, &t.job) && task_wait(&t) == US_OK)
      self->ok++;
    us_writer_note(self->writer, (struct us_note){1, -(self->first_id + i), 1});
    task_free(&t);
  }
  return NULL;
}

static void many_threads_submit_at_once(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){.max_batch = 16});
  us_writer_set_note_handler(writer, apply_note);
  pthread_t threads[SUBMITTERS];
  struct submitter submitters[SUBMITTERS];
  for (int i = 0; i < SUBMITTERS; i++) {
    submitters[i] = (struct submitter){.writer = writer, .first_id = 1000 * (i + 1)};
    assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &submitters[i]), 0);
  }
  for (int i = 0; i < SUBMITTERS; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(submitters[i].ok, EACH);
  }
  stop(writer);
  static const char SQL[] = "SELECT count(*) FROM item WHERE id > 0";
  static const struct us_column number[] = {{US_COLUMN_I64, 0}};
  int64_t n = 0;
  assert_code(us_db_begin_read(s->cx, s->db), US_OK);
  assert_code(us_sql_one(s->cx, number, 1, &n, SQL, ""), US_OK);
  us_db_end_read(s->cx, s->db);
  assert_int_equal(n, SUBMITTERS * EACH);
}

/* A thread that has nothing else to do waits for the commit itself, or hears at once that there is no room. */
static void whoever_waits_gets_the_outcome(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){.max_queued = 1});
  assert_code(us_writer_run(writer, &tasks[0].job), US_OK);
  assert_true(store_has(s->cx, s->db, 1));
  tasks[1].then = US_E_NOT_FOUND;
  assert_code(us_writer_run(writer, &tasks[1].job), US_E_NOT_FOUND);
  close_gate(writer);
  assert_true(us_writer_submit(writer, &tasks[2].job));
  assert_code(us_writer_run(writer, &tasks[3].job), US_E_UNAVAILABLE);
  assert_int_equal(tasks[3].runs, 0);
  sem_post(&gate);
  assert_code(task_wait(&tasks[2]), US_OK);
  stop(writer);
}

static void stop_writes_and_answers_what_is_queued(void **state) {
  struct store *s = *state;
  struct us_writer *writer = start(s, (struct us_writer_options){.max_batch = 4});
  close_gate(writer);
  for (int i = 0; i < TASKS; i++)
    assert_true(us_writer_submit(writer, &tasks[i].job));
  sem_post(&gate);
  us_writer_stop(writer);
  for (int i = 0; i < TASKS; i++) {
    assert_int_equal(sem_trywait(&tasks[i].answered), 0);
    assert_code(tasks[i].answer, US_OK);
    task_free(&tasks[i]);
  }
  task_free(&gate_task);
  us_writer_stop(NULL);
  assert_int_equal(store_count(s->cx, s->db), TASKS);
}

static void a_writer_without_a_store_does_not_start(void **state) {
  struct store *s = *state;
  struct us_writer *writer;
  assert_code(us_writer_start(s->cx, &(struct us_writer_options){.url = s->url}, &writer), US_E_STORE);
  store_assert_says(s->cx->err.text, "No such file");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(waiting_steps_share_one_commit),
      STORE_TEST(a_batch_has_a_limit),
      STORE_TEST(the_queue_has_a_limit),
      STORE_TEST(a_step_that_fails_takes_nobody_along),
      STORE_TEST(a_refusal_before_the_first_write_costs_nobody_a_second_run),
      STORE_TEST(whoever_fails_behind_its_write_leaves_nothing),
      STORE_TEST(a_refusal_may_keep_its_writes),
      STORE_TEST(nothing_is_answered_before_it_is_committed),
      STORE_TEST(a_broken_transaction_is_run_again_without_the_one_that_broke_it),
      STORE_TEST(a_step_is_run_again_only_once),
      STORE_TEST(when_another_process_writes_too_long_all_of_the_batch_come_again),
      STORE_TEST(who_waits_behind_a_locked_store_waits_once),
      STORE_TEST(what_others_write_is_told_before_the_next_step),
      STORE_TEST(what_others_write_is_told_without_any_step),
      STORE_TEST(the_writer_keeps_the_lease_and_stops_when_it_is_lost),
      STORE_TEST(notes_ride_with_the_next_batch),
      STORE_TEST(notes_are_bounded_and_written_at_the_end),
      STORE_TEST(a_note_that_breaks_the_transaction_costs_no_step),
      STORE_TEST(many_threads_submit_at_once),
      STORE_TEST(whoever_waits_gets_the_outcome),
      STORE_TEST(stop_writes_and_answers_what_is_queued),
      STORE_TEST_BARE(a_writer_without_a_store_does_not_start),
  };
  return STORE_RUN(tests);
}
