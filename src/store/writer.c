/*
 * The one who writes: group commit on a thread of its own (store/writer.h has the rules).
 *
 *   queue -> take a batch -> pass: BEGIN, notes, each step, COMMIT -> done() for each that is decided
 *                             ^                                          |
 *                             +-- those a broken transaction took along -+
 *
 * A pass decides at least one step, so the loop ends. Nothing is decided as success before a commit, and nothing as a
 * refusal either: a refusal may rest on what an earlier step of the same, uncommitted, transaction wrote.
 */
#include "store/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/backend.h"

#define DEFAULT_MAX_QUEUED 4096
#define DEFAULT_MAX_BATCH 64
#define DEFAULT_CACHE_KIB 4096
/* How often a writer without work looks whether somebody else has written. */
#define IDLE_LOOK_MS 250
/* Notes that wait; a note more is lost. */
#define NOTES_MAX 256
/* A step whose success was taken back this often is not tried again. */
#define RUNS_MAX 2
/* Somebody else commits again and again between our look and our lock: after this often the batch goes on. */
#define LOOKS_MAX 3
/* The writer's own memory is given back when it holds more. */
#define OWN_MEM_BYTES (64 * 1024)

/* A step of the batch at hand. */
struct slot {
  struct us_write_job *job;
  unsigned runs;
  bool is_decided; /* job->code is what the world will hear */
};

struct us_writer {
  struct us_writer_options options;
  struct us_cx cx; /* the writer's own: begin, commit, notes, lease */
  struct us_db *db;
  pthread_t thread;
  struct slot *slots; /* options.max_batch */
  int64_t data_version;
  int64_t leased_until_ms; /* 0: not renewed yet */
  int64_t renew_at_ms;
  bool is_lease_lost;
  bool is_careful; /* the batch at hand has a step that fails behind its first write: savepoints */

  pthread_mutex_t lock; /* for all below */
  pthread_cond_t wake;
  struct us_write_job *first;
  struct us_write_job **end;
  bool is_stopping;
  us_note_fn apply_note;
  struct us_note notes[NOTES_MAX];
  size_t note_count;
  struct us_writer_counters counters; /* with `queued` */
};

/* ---- Outcomes ---- */

static void decide(struct slot *slot, enum us_code code) {
  slot->job->code = code;
  slot->is_decided = true;
}

/* Decides a step by the writer's own error. */
static void decide_failed(struct slot *slot, const struct us_error *error) {
  struct us_cx *cx = slot->job->cx;
  us_fail(cx, error->code, "%.*s", US_STR_ARG(error->text));
  us_error_detail(cx, "%.*s", US_STR_ARG(error->detail));
  cx->err.retry_after_s = error->retry_after_s;
  decide(slot, error->code);
}

static void decide_all_failed(struct us_writer *w, size_t n, const struct us_error *error) {
  for (size_t i = 0; i < n; i++)
    if (!w->slots[i].is_decided)
      decide_failed(&w->slots[i], error);
}

/* Tells the decided ones, in order, and closes the gaps. Returns how many are left. */
static size_t answer_decided(struct us_writer *w, size_t n) {
  size_t left = 0, failed = 0, answered = 0;
  for (size_t i = 0; i < n; i++)
    if (w->slots[i].is_decided) {
      answered++;
      failed += w->slots[i].job->code != US_OK;
    }
  pthread_mutex_lock(&w->lock);
  w->counters.steps += answered;
  w->counters.failed_steps += failed;
  pthread_mutex_unlock(&w->lock);
  for (size_t i = 0; i < n; i++) {
    struct us_write_job *job = w->slots[i].job;
    if (w->slots[i].is_decided)
      job->done(job, job->code); /* from here on the job is not ours */
    else
      w->slots[left++] = w->slots[i];
  }
  if (answered > 0 && w->options.answered)
    w->options.answered(w->options.self);
  return left;
}

static void count_failed_batch(struct us_writer *w) {
  pthread_mutex_lock(&w->lock);
  w->counters.failed_batches++;
  pthread_mutex_unlock(&w->lock);
}

/* ---- What others wrote ---- */

static void tell_external_change(struct us_writer *w) {
  if (!w->options.on_external_change)
    return;
  w->cx.db = w->db;
  w->options.on_external_change(w->options.self, &w->cx);
  w->cx.db = NULL;
  us_db_close_statements(w->db);
}

/* True when others have committed since the last look. */
static bool has_changed(struct us_writer *w) {
  int64_t version = us_db_data_version(&w->cx, w->db);
  bool changed = version != w->data_version;
  w->data_version = version;
  return changed;
}

/* Begins with caches that know all that is committed: the look is taken inside the transaction, where nobody else can
 * write any more. When it finds something the transaction ends, since the callback reads outside of one. */
static enum us_code begin_batch(struct us_writer *w) {
  for (int looks = 0;; looks++) {
    US_TRY(us_db_begin_write(&w->cx, w->db));
    if (!has_changed(w) || looks == LOOKS_MAX)
      return US_OK;
    us_db_rollback(&w->cx, w->db);
    tell_external_change(w);
  }
}

/* ---- The node lease ---- */

/* False: this process must not write, as its ids may collide with another's. */
static bool renew_lease(struct us_writer *w) {
  if (w->options.node == 0)
    return true;
  int64_t now = us_clock_now_ms(w->options.clock);
  if (w->is_lease_lost || (now < w->renew_at_ms && now < w->leased_until_ms))
    return !w->is_lease_lost;
  w->cx.now_ms = now;
  int64_t last_id = 0;
  if (w->options.ids) {
    int64_t last = w->options.ids->last;
    /* base/id.h: milliseconds and counter, without the node between them. */
    last_id = last > 0 ? last << 9 | 0xfff : 0;
  }
  enum us_code code = us_node_renew(&w->cx, w->db, w->options.node, last_id, &w->leased_until_ms);
  if (code == US_OK) {
    w->renew_at_ms = now + US_NODE_RENEW_MS;
    return true;
  }
  if (code == US_E_CONFLICT) {
    w->is_lease_lost = true;
    us_log(US_LOG_ERROR, "node_lease_lost", "another process has taken node %d: restart this one", w->options.node);
    return false;
  }
  return now < w->leased_until_ms; /* the store is busy or broken: try again before the next batch */
}

/* ---- A pass ---- */

/* Notes are small writes that may be lost: one that fails is dropped, and when it ends the transaction all are. */
static enum us_code apply_notes(struct us_writer *w, const struct us_note *notes, size_t n, us_note_fn apply) {
  const struct us_backend *backend = w->db->backend;
  w->cx.db = w->db;
  enum us_code outcome = US_OK;
  for (size_t i = 0; i < n && outcome == US_OK; i++) {
    outcome = backend->transaction(&w->cx, w->db, US_DB_SAVEPOINT);
    if (outcome != US_OK)
      break;
    enum us_code code = apply(&w->cx, &notes[i]);
    us_db_close_statements(w->db);
    if (!us_db_is_whole(w->db)) {
      outcome = US_E_STORE;
      break;
    }
    outcome = backend->transaction(&w->cx, w->db, code == US_OK ? US_DB_RELEASE : US_DB_ROLLBACK_TO);
  }
  w->cx.db = NULL;
  return outcome;
}

/* Begins and applies the notes. A transaction that notes have broken is begun again without them. */
static enum us_code begin_with_notes(struct us_writer *w) {
  US_TRY(begin_batch(w));
  struct us_note notes[NOTES_MAX];
  pthread_mutex_lock(&w->lock);
  size_t n = w->apply_note ? w->note_count : 0;
  us_note_fn apply = w->apply_note;
  if (n > 0) {
    memcpy(notes, w->notes, n * sizeof notes[0]);
    w->note_count = 0;
  }
  pthread_mutex_unlock(&w->lock);
  if (n == 0)
    return US_OK;
  w->cx.now_ms = us_clock_now_ms(w->options.clock);
  if (apply_notes(w, notes, n, apply) == US_OK)
    return US_OK;
  us_db_rollback(&w->cx, w->db);
  return begin_batch(w);
}

/* The step broke the transaction: it answers 503, with its own words when it has some. */
static void decide_broken(struct slot *slot) {
  struct us_cx *cx = slot->job->cx;
  if (cx->err.code != US_E_STORE && cx->err.code != US_E_UNAVAILABLE)
    us_fail(cx, US_E_STORE, "the database has ended the transaction");
  cx->err.keeps_writes = false;
  decide(slot, cx->err.code);
}

enum step_end {
  STEP_RAN,
  STEP_BROKE, /* the whole transaction; the step has been decided */
  STEP_LEFT,  /* failed, and what it wrote is still there: only without a savepoint */
};

static enum step_end run_step(struct us_writer *w, struct slot *slot, bool in_savepoint) {
  struct us_write_job *job = slot->job;
  const struct us_backend *backend = w->db->backend;
  us_error_clear(job->cx);
  if (in_savepoint && backend->transaction(job->cx, w->db, US_DB_SAVEPOINT) != US_OK) {
    decide_broken(slot);
    return STEP_BROKE;
  }
  int64_t changes = backend->total_changes(w->db);
  slot->runs++;
  job->cx->db = w->db;
  job->code = job->run(job);
  job->cx->db = NULL;
  us_db_close_statements(w->db);
  if (!us_db_is_whole(w->db)) {
    decide_broken(slot);
    return STEP_BROKE;
  }
  bool keeps = job->code == US_OK || job->cx->err.keeps_writes;
  if (!in_savepoint)
    return keeps || backend->total_changes(w->db) == changes ? STEP_RAN : STEP_LEFT;
  /* Not with the step's cx: its error must stay. */
  if (backend->transaction(&w->cx, w->db, keeps ? US_DB_RELEASE : US_DB_ROLLBACK_TO) != US_OK) {
    decide_failed(slot, &w->cx.err);
    return STEP_BROKE;
  }
  return STEP_RAN;
}

/* After slot `broken` broke the transaction: what ran before it was taken back and may run once more. */
static void end_broken_pass(struct us_writer *w, size_t broken) {
  us_db_rollback(&w->cx, w->db);
  count_failed_batch(w);
  us_fail(&w->cx, US_E_STORE, "the database has ended the transaction");
  for (size_t i = 0; i < broken; i++)
    if (!w->slots[i].is_decided && w->slots[i].runs >= RUNS_MAX)
      decide_failed(&w->slots[i], &w->cx.err);
}

/* *ret_broken is the last one that ran. */
static enum step_end run_steps(struct us_writer *w, size_t n, size_t *ret_broken) {
  for (size_t i = 0; i < n; i++) {
    enum step_end end = run_step(w, &w->slots[i], w->is_careful);
    *ret_broken = i;
    if (end != STEP_RAN)
      return end;
  }
  return STEP_RAN;
}

/* Once more from the beginning, with savepoints: nothing of the first try is left, and it does not count as a run. */
static bool begin_again(struct us_writer *w, size_t n) {
  us_db_rollback(&w->cx, w->db);
  for (size_t i = 0; i < n; i++)
    w->slots[i].runs = 0;
  return begin_with_notes(w) == US_OK;
}

/* False when no transaction could begin: the store is locked, or gone. */
static bool run_pass(struct us_writer *w, size_t n) {
  size_t broken = 0;
  bool has_begun = begin_with_notes(w) == US_OK;
  enum step_end end = has_begun ? run_steps(w, n, &broken) : STEP_RAN;
  if (end == STEP_LEFT) {
    w->is_careful = true;
    has_begun = begin_again(w, n);
    end = has_begun ? run_steps(w, n, &broken) : STEP_RAN;
  }
  if (!has_begun) {
    count_failed_batch(w);
    decide_all_failed(w, n, &w->cx.err);
    return false;
  }
  if (end == STEP_BROKE) {
    end_broken_pass(w, broken);
    return true;
  }
  if (us_db_commit(&w->cx, w->db) != US_OK) {
    count_failed_batch(w);
    decide_all_failed(w, n, &w->cx.err);
    return true;
  }
  for (size_t i = 0; i < n; i++)
    decide(&w->slots[i], w->slots[i].job->code);
  pthread_mutex_lock(&w->lock);
  w->counters.batches++;
  pthread_mutex_unlock(&w->lock);
  return true;
}

/* ---- The thread ---- */

/* Moves up to `most` waiting steps into the slots. Called with the lock held. */
static size_t take_steps(struct us_writer *w, size_t most) {
  size_t n = 0;
  for (; w->first && n < most && n < w->options.max_batch; n++) {
    w->slots[n] = (struct slot){.job = w->first};
    w->first = w->first->next;
  }
  if (!w->first)
    w->end = &w->first;
  w->counters.queued -= n;
  return n;
}

/* Who waited behind a batch that could not begin has waited as long as the store was given: another wait of two seconds a
 * batch would hold the last of a long queue for minutes. The slots are empty; w->cx.err says why. */
static void fail_waiting(struct us_writer *w) {
  pthread_mutex_lock(&w->lock);
  size_t left = w->counters.queued;
  pthread_mutex_unlock(&w->lock);
  while (left > 0) {
    pthread_mutex_lock(&w->lock);
    size_t n = take_steps(w, left);
    pthread_mutex_unlock(&w->lock);
    left -= n;
    decide_all_failed(w, n, &w->cx.err);
    (void)answer_decided(w, n);
  }
}

static void refresh_own_memory(struct us_writer *w) {
  us_error_clear(&w->cx);
  if (us_mem_used(w->cx.mem) < OWN_MEM_BYTES)
    return;
  void *mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  if (!mem)
    return;
  us_mem_free(w->cx.mem);
  w->cx.mem = mem;
}

static void run_batch(struct us_writer *w, size_t n) {
  if (!renew_lease(w)) {
    us_fail(&w->cx, US_E_STORE, "this process has lost its node number");
    decide_all_failed(w, n, &w->cx.err);
  }
  bool could_begin = true;
  w->is_careful = false;
  while ((n = answer_decided(w, n)) > 0)
    could_begin = run_pass(w, n);
  if (!could_begin)
    fail_waiting(w);
  w->db->backend->maintain(w->db);
  refresh_own_memory(w);
}

/* Without steps: looks for what others wrote, keeps the lease, applies notes. */
static void run_idle(struct us_writer *w, bool has_notes) {
  if (has_changed(w))
    tell_external_change(w);
  bool may_write = renew_lease(w);
  if (has_notes && may_write && begin_with_notes(w) == US_OK) {
    if (us_db_commit(&w->cx, w->db) != US_OK)
      count_failed_batch(w);
    w->db->backend->maintain(w->db);
  }
  refresh_own_memory(w);
}

/* Waits for steps, a stop, or the time of the next look; moves up to max_batch steps into the slots. */
static size_t take_batch(struct us_writer *w, bool *ret_has_notes, bool *ret_must_end) {
  pthread_mutex_lock(&w->lock);
  if (!w->first && !w->is_stopping) {
    int64_t until_us = us_monotonic_us() + IDLE_LOOK_MS * 1000;
    while (!w->first && !w->is_stopping && us_cond_wait(&w->wake, &w->lock, until_us)) {
    }
  }
  size_t n = take_steps(w, w->options.max_batch);
  *ret_has_notes = w->note_count > 0 && w->apply_note;
  *ret_must_end = w->is_stopping && n == 0;
  pthread_mutex_unlock(&w->lock);
  return n;
}

static void *writer_thread(void *self) {
  struct us_writer *w = self;
  bool must_end = false;
  while (!must_end) {
    bool has_notes;
    size_t n = take_batch(w, &has_notes, &must_end);
    if (n > 0)
      run_batch(w, n);
    else
      run_idle(w, has_notes);
  }
  return NULL;
}

/* ---- Its users' side ---- */

struct us_write_job *us_writer_submit_all(struct us_writer *w, struct us_write_job *first) {
  struct us_write_job *job = first;
  pthread_mutex_lock(&w->lock);
  bool was_empty = w->first == NULL;
  while (job && !w->is_stopping && w->counters.queued < w->options.max_queued) {
    struct us_write_job *next = job->next;
    job->next = NULL;
    *w->end = job;
    w->end = &job->next;
    w->counters.queued++;
    job = next;
  }
  pthread_mutex_unlock(&w->lock);
  if (was_empty && job != first)
    pthread_cond_signal(&w->wake);
  return job;
}

bool us_writer_submit(struct us_writer *w, struct us_write_job *job) {
  job->next = NULL;
  return us_writer_submit_all(w, job) == NULL;
}

/* ---- Of a thread that waits ---- */

struct waiter {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool is_done;
};

static void wake_waiter(struct us_write_job *job, enum us_code code) {
  struct waiter *waiter = job->waiter;
  (void)code; /* job->code */
  pthread_mutex_lock(&waiter->lock);
  waiter->is_done = true;
  pthread_cond_signal(&waiter->changed);
  pthread_mutex_unlock(&waiter->lock);
}

enum us_code us_writer_run(struct us_writer *w, struct us_write_job *job) {
  struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  job->done = wake_waiter;
  job->waiter = &waiter;
  if (!us_writer_submit(w, job))
    return us_fail_plain(job->cx, US_E_UNAVAILABLE);
  pthread_mutex_lock(&waiter.lock);
  while (!waiter.is_done)
    pthread_cond_wait(&waiter.changed, &waiter.lock);
  pthread_mutex_unlock(&waiter.lock);
  pthread_cond_destroy(&waiter.changed);
  pthread_mutex_destroy(&waiter.lock);
  return job->code;
}

void us_writer_set_note_handler(struct us_writer *w, us_note_fn apply) {
  pthread_mutex_lock(&w->lock);
  w->apply_note = apply;
  pthread_mutex_unlock(&w->lock);
}

/* A later note about the same thing takes the place of the earlier one. */
static struct us_note *find_note(struct us_writer *w, struct us_note note) {
  for (size_t i = 0; i < w->note_count; i++)
    if (w->notes[i].kind == note.kind && w->notes[i].key == note.key)
      return &w->notes[i];
  return w->note_count < NOTES_MAX ? &w->notes[w->note_count++] : NULL;
}

void us_writer_note(struct us_writer *w, struct us_note note) {
  pthread_mutex_lock(&w->lock);
  struct us_note *place = find_note(w, note);
  if (place)
    *place = note;
  pthread_mutex_unlock(&w->lock);
}

struct us_writer_counters us_writer_counters(struct us_writer *w) {
  pthread_mutex_lock(&w->lock);
  struct us_writer_counters counters = w->counters;
  pthread_mutex_unlock(&w->lock);
  return counters;
}

/* ---- Its life ---- */

static void writer_free(struct us_writer *w) {
  us_db_close(w->db);
  us_mem_free(w->cx.mem);
  free(w->slots);
  free(w);
}

static enum us_code fill_writer(struct us_cx *cx, struct us_writer *w, const struct us_writer_options *options) {
  w->options = *options;
  if (w->options.max_queued == 0)
    w->options.max_queued = DEFAULT_MAX_QUEUED;
  if (w->options.max_batch == 0)
    w->options.max_batch = DEFAULT_MAX_BATCH;
  if (!w->options.clock)
    w->options.clock = &us_clock_system;
  w->end = &w->first;
  w->slots = calloc(w->options.max_batch, sizeof w->slots[0]);
  w->cx.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  w->cx.now_ms = us_clock_now_ms(w->options.clock);
  if (!w->slots || !w->cx.mem)
    return us_fail(cx, US_E_STORE, "the writer cannot start: out of memory");
  struct us_db_options db_options = {
      .url = options->url,
      .busy_ms = options->busy_ms,
      .cache_kib = options->cache_kib > 0 ? options->cache_kib : DEFAULT_CACHE_KIB,
      .vfs = options->vfs,
      .commits = options->commits,
  };
  US_TRY(us_db_open(cx, &db_options, &w->db));
  /* What others write from now on is a change; what stands there already has been read by whoever starts us. */
  w->data_version = us_db_data_version(&w->cx, w->db);
  return US_OK;
}

enum us_code us_writer_start(struct us_cx *cx, const struct us_writer_options *options, struct us_writer **ret_writer) {
  struct us_writer *w = calloc(1, sizeof *w);
  if (!w)
    return us_fail(cx, US_E_STORE, "the writer cannot start: out of memory");
  enum us_code code = fill_writer(cx, w, options);
  if (code != US_OK) {
    writer_free(w);
    return code;
  }
  int error = pthread_mutex_init(&w->lock, NULL);
  if (!error) {
    error = us_cond_init(&w->wake);
    if (!error) {
      error = us_thread_start(&w->thread, "us-writer", writer_thread, w);
      if (error)
        pthread_cond_destroy(&w->wake);
    }
    if (error)
      pthread_mutex_destroy(&w->lock);
  }
  if (error) {
    writer_free(w);
    return us_fail(cx, US_E_STORE, "the writer cannot start: %s", strerror(error));
  }
  *ret_writer = w;
  return US_OK;
}

void us_writer_stop(struct us_writer *w) {
  if (!w)
    return;
  pthread_mutex_lock(&w->lock);
  w->is_stopping = true;
  pthread_mutex_unlock(&w->lock);
  pthread_cond_signal(&w->wake);
  pthread_join(w->thread, NULL);
  pthread_cond_destroy(&w->wake);
  pthread_mutex_destroy(&w->lock);
  writer_free(w);
}
