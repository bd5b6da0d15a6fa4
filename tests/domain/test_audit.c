/*
 * The history as a chain: whatever is done to its rows with plain SQL shows, and what the program does to them does not.
 * What stands in it is told by tests/flow/test_audit_history.c.
 */
#include "flow/flow.h"

#include "base/mem.h"
#include "domain/audit.h"
#include "domain/snapshot.h"
#include "store/sql.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

/* ---- steps ---- */

static int64_t realm_id(struct us_world *w, const char *path) {
  const struct us_snapshot *snapshot = us_snapshot_ref(us_world_services(w)->snapshots);
  const struct us_realm *realm = us_snapshot_realm(snapshot, us_str_c(path));
  assert_non_null(realm);
  int64_t id = realm->id;
  us_snapshot_unref(snapshot);
  return id;
}

struct adding {
  int64_t realm_id;
  size_t count;
  bool fails;
};
static enum us_code add_step(struct us_cx *cx, void *self) {
  const struct adding *a = self;
  struct us_audit events[256];
  for (size_t i = 0; i < a->count; i++)
    events[i] = (struct us_audit){.kind = US_AUDIT_REQUESTED,
                                  .account_id = 7,
                                  .resource_uuid = US_STR("uuid"),
                                  .resource_name = us_str_fmt(cx->mem, "lake %zu", i),
                                  .party_name = US_STR("bob")};
  US_TRY(us_audit_add(cx, a->realm_id, events, a->count));
  return a->fails ? us_fail_plain(cx, US_E_CONFLICT) : US_OK;
}
static void add(struct us_world *w, const char *realm, size_t count) {
  struct adding a = {.realm_id = realm_id(w, realm), .count = count};
  assert_int_equal(us_world_transact(w, add_step, &a), US_OK);
}

static enum us_code sql_step(struct us_cx *cx, void *self) {
  return us_sql_run(cx, NULL, self, "");
}
/* What somebody with the file in hand does. `sql` is a constant. */
static void tamper(struct us_world *w, const char *sql) {
  assert_int_equal(us_world_transact(w, sql_step, (void *)sql), US_OK);
}

static enum us_code verify_step(struct us_cx *cx, void *self) {
  return us_audit_verify(cx, self);
}
static struct us_audit_walk verified(struct us_world *w, const char *realm) {
  struct us_audit_walk walk = {.realm_id = realm_id(w, realm)};
  while (!walk.is_done)
    assert_int_equal(us_world_transact(w, verify_step, &walk), US_OK);
  return walk;
}
#define assert_fits(w, realm, lines) us_assert_fits((w), (realm), (lines), __FILE__, __LINE__)
static void us_assert_fits(struct us_world *w, const char *realm, int64_t lines, const char *file, int line) {
  struct us_audit_walk walk = verified(w, realm);
  if (walk.flaw != US_AUDIT_FITS)
    print_error("line %lld %s\n", (long long)walk.flaw_id, us_audit_flaw_text(walk.flaw));
  _assert_int_equal(walk.flaw, US_AUDIT_FITS, file, line);
  _assert_int_equal((unsigned long)walk.count, (unsigned long)lines, file, line);
}
#define assert_broken(w, flaw, id) us_assert_broken((w), (flaw), (id), __FILE__, __LINE__)
static void us_assert_broken(struct us_world *w, enum us_audit_flaw flaw, int64_t id, const char *file, int line) {
  struct us_audit_walk walk = verified(w, "/alpha");
  if (walk.flaw != flaw || walk.flaw_id != id)
    print_error("line %lld %s\n", (long long)walk.flaw_id, us_audit_flaw_text(walk.flaw));
  _assert_int_equal(walk.flaw, flaw, file, line);
  _assert_int_equal((unsigned long)walk.flaw_id, (unsigned long)id, file, line);
}

static enum us_code clean_step(struct us_cx *cx, void *self) {
  int64_t *rows = self;
  return us_audit_clean_up(cx, *rows, rows);
}
static int64_t cleaned(struct us_world *w, int64_t max) {
  int64_t rows = max;
  assert_int_equal(us_world_transact(w, clean_step, &rows), US_OK);
  return rows;
}

static enum us_code count_step(struct us_cx *cx, void *self) {
  static const char SQL[] = "SELECT COUNT(*), COALESCE(MIN(id), 0) FROM audit_event";
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, SQL, ""));
  assert_true(us_sql_next(&rows));
  ((int64_t *)self)[0] = us_sql_i64(&rows, 0);
  ((int64_t *)self)[1] = us_sql_i64(&rows, 1);
  return us_sql_close(&rows);
}
static void assert_rows(struct us_world *w, int64_t count, int64_t first) {
  int64_t is[2];
  assert_int_equal(us_world_transact(w, count_step, is), US_OK);
  assert_int_equal(is[0], count);
  assert_int_equal(is[1], first);
}

/* ---- the chain ---- */

static void each_realm_has_a_chain_without_gaps(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 1);
  add(w, "/", 2);
  add(w, "/alpha", 2);
  add(w, "/alpha", 0);
  add(w, "/alpha", 100); /* more than one statement takes */
  assert_fits(w, "/alpha", 103);
  assert_fits(w, "/", 2);
  struct us_audit_walk walk = verified(w, "/alpha");
  assert_int_equal(walk.last_id, 103);
  assert_int_equal(strlen(walk.last_hash), 43);
}

static void a_step_that_fails_leaves_no_line_and_no_gap(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 2);
  struct adding a = {.realm_id = realm_id(w, "/alpha"), .count = 3, .fails = true};
  assert_int_equal(us_world_transact(w, add_step, &a), US_E_CONFLICT);
  add(w, "/alpha", 1);
  assert_fits(w, "/alpha", 3);
}

static void a_realm_without_history_fits(void **state) {
  assert_fits(*state, "/alpha", 0);
}

static void longer_chains_are_walked_in_portions(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 10; i++)
    add(w, "/alpha", US_AUDIT_PORTION / 5);
  struct us_audit_walk walk = {.realm_id = realm_id(w, "/alpha")};
  assert_int_equal(us_world_transact(w, verify_step, &walk), US_OK);
  assert_int_equal(walk.count, US_AUDIT_PORTION);
  assert_false(walk.is_done);
  add(w, "/alpha", 1); /* somebody goes on writing meanwhile */
  int portions = 1;
  for (; !walk.is_done; portions++)
    assert_int_equal(us_world_transact(w, verify_step, &walk), US_OK);
  assert_int_equal(walk.count, 2 * US_AUDIT_PORTION + 1);
  assert_int_equal(walk.flaw, US_AUDIT_FITS);
  assert_int_equal(portions, 3);
}

/* Every column of a line is under its hash. */
static void a_changed_line_shows(void **state) {
  static const char *const changes[] = {
      "UPDATE audit_event SET account_id = 8 WHERE id = 3",
      "UPDATE audit_event SET kind = 2 WHERE id = 3",
      "UPDATE audit_event SET resource_uuid = 'uuie' WHERE id = 3",
      "UPDATE audit_event SET resource_name = 'lake' WHERE id = 3",
      "UPDATE audit_event SET party_name = 'bob ' WHERE id = 3",
      "UPDATE audit_event SET event_ms = event_ms + 1 WHERE id = 3",
      "UPDATE audit_event SET hash = (SELECT hash FROM audit_event WHERE id = 4) WHERE id = 3",
      "UPDATE audit_event SET hash = '' WHERE id = 3",
      "UPDATE audit_event SET hash = hash || hash WHERE id = 3",
      /* the same bytes, cut elsewhere */
      "UPDATE audit_event SET resource_uuid = 'uuidl', resource_name = substr(resource_name, 2) WHERE id = 3",
  };
  struct us_world *w = *state;
  add(w, "/alpha", 5);
  tamper(w, "CREATE TABLE saved AS SELECT * FROM audit_event");
  for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
    tamper(w, changes[i]);
    assert_broken(w, US_AUDIT_CHANGED, 3);
    tamper(w, "DELETE FROM audit_event");
    tamper(w, "INSERT INTO audit_event SELECT * FROM saved");
    assert_fits(w, "/alpha", 5);
  }
}

static void two_lines_that_changed_places_show(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 5);
  tamper(w, "UPDATE audit_event SET id = -2 WHERE id = 2");
  tamper(w, "UPDATE audit_event SET id = 2 WHERE id = 3");
  tamper(w, "UPDATE audit_event SET id = 3 WHERE id = -2");
  assert_broken(w, US_AUDIT_CHANGED, 2);
}

static void a_missing_line_shows(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 5);
  tamper(w, "DELETE FROM audit_event WHERE id = 3");
  assert_broken(w, US_AUDIT_MISSING, 3);
  /* also when the others close up */
  tamper(w, "UPDATE audit_event SET id = 3 WHERE id = 4");
  tamper(w, "UPDATE audit_event SET id = 4 WHERE id = 5");
  tamper(w, "UPDATE audit_chain SET last_id = 4 WHERE last_id = 5");
  assert_broken(w, US_AUDIT_CHANGED, 3);
}

static void the_first_and_the_last_line_show_when_they_are_missing(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 5);
  tamper(w, "CREATE TABLE saved AS SELECT * FROM audit_event");
  tamper(w, "DELETE FROM audit_event WHERE id = 1");
  assert_broken(w, US_AUDIT_MISSING, 1);
  tamper(w, "INSERT INTO audit_event SELECT * FROM saved WHERE id = 1");
  tamper(w, "DELETE FROM audit_event WHERE id = 5");
  assert_broken(w, US_AUDIT_MISSING, 5);
  tamper(w, "UPDATE audit_chain SET last_id = 4 WHERE last_id = 5"); /* the hash of its end still says so */
  assert_broken(w, US_AUDIT_CHANGED, 4);
  tamper(w, "DELETE FROM audit_event");
  tamper(w, "UPDATE audit_chain SET last_id = 5 WHERE last_id = 4");
  assert_broken(w, US_AUDIT_MISSING, 1);
}

static void an_inserted_line_shows(void **state) {
  static const char *const places[] = {
      "INSERT INTO audit_event SELECT realm_id, 0, account_id, kind, resource_uuid, resource_name, party_name, "
      "event_ms,"
      " hash FROM audit_event WHERE id = 1",
      "INSERT INTO audit_event SELECT realm_id, -9223372036854775807 - 1, account_id, kind, resource_uuid, "
      "resource_name,"
      " party_name, event_ms, hash FROM audit_event WHERE id = 1",
      "INSERT INTO audit_event SELECT realm_id, 6, account_id, kind, resource_uuid, resource_name, party_name, "
      "event_ms,"
      " hash FROM audit_event WHERE id = 5",
      "INSERT INTO audit_event SELECT realm_id, 8, account_id, kind, resource_uuid, resource_name, party_name, "
      "event_ms,"
      " hash FROM audit_event WHERE id = 5",
  };
  static const int64_t ids[] = {0, INT64_MIN, 6, 8};
  struct us_world *w = *state;
  add(w, "/alpha", 5);
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    tamper(w, places[i]);
    assert_broken(w, US_AUDIT_INSERTED, ids[i]);
    tamper(w, "DELETE FROM audit_event WHERE id NOT BETWEEN 1 AND 5");
    assert_fits(w, "/alpha", 5);
  }
}

static void the_next_line_stands_on_what_the_chain_says_and_shows_a_lie(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 2);
  tamper(w, "UPDATE audit_chain SET last_hash = 'x'");
  assert_broken(w, US_AUDIT_CHANGED, 2);
  add(w, "/alpha", 1);
  assert_broken(w, US_AUDIT_CHANGED, 3);
}

static void lines_without_a_chain_show(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 3);
  tamper(w, "DELETE FROM audit_chain");
  assert_broken(w, US_AUDIT_NO_CHAIN, 1);
}

struct next {
  int64_t after, id;
};
static enum us_code next_step(struct us_cx *cx, void *self) {
  struct next *next = self;
  return us_audit_next_realm(cx, next->after, &next->id);
}
static void realms_with_lines_or_a_chain_are_found(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 1);
  add(w, "/", 1);
  int64_t root = realm_id(w, "/"), alpha = realm_id(w, "/alpha");
  int64_t low = root < alpha ? root : alpha, high = root < alpha ? alpha : root;
  tamper(w, "DELETE FROM audit_event WHERE realm_id = (SELECT MIN(realm_id) FROM audit_chain)");
  tamper(w, "DELETE FROM audit_chain WHERE realm_id = (SELECT MAX(realm_id) FROM audit_event)");
  struct next next = {0};
  assert_int_equal(us_world_transact(w, next_step, &next), US_OK);
  assert_int_equal(next.id, low);
  next.after = low;
  assert_int_equal(us_world_transact(w, next_step, &next), US_OK);
  assert_int_equal(next.id, high);
  next.after = high;
  assert_int_equal(us_world_transact(w, next_step, &next), US_OK);
  assert_int_equal(next.id, 0);
}

/* ---- retention ---- */

static void lines_stay_unless_the_realm_says_otherwise(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 3);
  us_world_advance_ms(w, 36500 * DAY_MS);
  assert_int_equal(cleaned(w, 1000), 0);
  assert_fits(w, "/alpha", 3);
}

static void retention_moves_the_beginning_and_nothing_shows(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 3);
  us_world_set(w, "auditRetentionDays", "2");
  us_world_advance_ms(w, DAY_MS);
  add(w, "/alpha", 2);
  us_world_advance_ms(w, DAY_MS); /* two days to the millisecond: not older yet */
  assert_int_equal(cleaned(w, 1000), 0);
  us_world_advance_ms(w, 1);
  assert_int_equal(cleaned(w, 2), 2); /* so many at a time */
  assert_rows(w, 3, 3);
  assert_fits(w, "/alpha", 3);
  assert_int_equal(cleaned(w, 1000), 1);
  assert_int_equal(cleaned(w, 1000), 0);
  assert_fits(w, "/alpha", 2);
  us_world_advance_ms(w, DAY_MS);
  assert_int_equal(cleaned(w, 1000), 2);
  assert_fits(w, "/alpha", 0);
  add(w, "/alpha", 1); /* numbers go on */
  assert_rows(w, 1, 6);
  assert_fits(w, "/alpha", 1);
}

/* Somebody who cuts the front off and says so in the chain, as retention does, is at least seen. */
static void what_is_removed_is_told(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 3);
  struct us_audit_walk walk = verified(w, "/alpha");
  int64_t first_ms = us_world_now_ms(w);
  assert_int_equal(walk.removed_id, 0);
  assert_int_equal(walk.first_ms, first_ms);
  us_world_advance_ms(w, 1234);
  add(w, "/alpha", 2);
  tamper(w, "UPDATE audit_chain SET removed_id = 3, removed_hash = (SELECT hash FROM audit_event WHERE id = 3)"
            " WHERE last_id = 5");
  tamper(w, "DELETE FROM audit_event WHERE id <= 3");
  walk = verified(w, "/alpha");
  assert_int_equal(walk.flaw, US_AUDIT_FITS);
  assert_int_equal(walk.count, 2);
  assert_int_equal(walk.removed_id, 3);
  assert_int_equal(walk.first_ms, first_ms + 1234);
  tamper(w, "UPDATE audit_chain SET removed_id = 5, removed_hash = (SELECT hash FROM audit_event WHERE id = 5)"
            " WHERE last_id = 5");
  tamper(w, "DELETE FROM audit_event");
  walk = verified(w, "/alpha");
  assert_int_equal(walk.flaw, US_AUDIT_FITS);
  assert_int_equal(walk.removed_id, 5);
  assert_int_equal(walk.first_ms, 0);
}

/* Retention that comes past a walk: what it tells is of the chain as it is. */
static void what_is_removed_meanwhile_is_told_too(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 6; i++)
    add(w, "/alpha", US_AUDIT_PORTION / 4);
  us_world_set(w, "auditRetentionDays", "1");
  us_world_advance_ms(w, DAY_MS + 1);
  add(w, "/alpha", 1);
  struct us_audit_walk walk = {.realm_id = realm_id(w, "/alpha")};
  assert_int_equal(us_world_transact(w, verify_step, &walk), US_OK);
  assert_false(walk.is_done);
  assert_int_equal(cleaned(w, 10000), US_AUDIT_PORTION * 6 / 4);
  while (!walk.is_done)
    assert_int_equal(us_world_transact(w, verify_step, &walk), US_OK);
  assert_int_equal(walk.flaw, US_AUDIT_FITS);
  assert_int_equal(walk.removed_id, US_AUDIT_PORTION * 6 / 4);
  assert_int_equal(walk.first_ms, us_world_now_ms(w));
}

static void a_line_taken_out_behind_the_beginning_shows(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 3);
  us_world_set(w, "auditRetentionDays", "1");
  us_world_advance_ms(w, DAY_MS + 1);
  add(w, "/alpha", 3);
  assert_int_equal(cleaned(w, 1000), 3);
  tamper(w, "CREATE TABLE saved AS SELECT * FROM audit_event");
  tamper(w, "DELETE FROM audit_event WHERE id = 4");
  assert_broken(w, US_AUDIT_MISSING, 4);
  tamper(w, "UPDATE audit_chain SET removed_id = 4 WHERE removed_id = 3");
  assert_broken(w, US_AUDIT_CHANGED, 5);
  tamper(w, "INSERT INTO audit_event SELECT * FROM saved WHERE id = 4");
  assert_broken(w, US_AUDIT_INSERTED, 4);
}

static void retention_may_overtake_a_walk(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 10; i++)
    add(w, "/alpha", US_AUDIT_PORTION / 4);
  us_world_set(w, "auditRetentionDays", "1");
  us_world_advance_ms(w, DAY_MS + 1);
  add(w, "/alpha", 5);
  struct us_audit_walk walk = {.realm_id = realm_id(w, "/alpha")};
  assert_int_equal(us_world_transact(w, verify_step, &walk), US_OK);
  assert_int_equal(cleaned(w, 2 * US_AUDIT_PORTION), 2 * US_AUDIT_PORTION);
  while (!walk.is_done)
    assert_int_equal(us_world_transact(w, verify_step, &walk), US_OK);
  assert_int_equal(walk.flaw, US_AUDIT_FITS);
  assert_int_equal(walk.count, US_AUDIT_PORTION + US_AUDIT_PORTION / 2 + 5);
}

static void each_realm_keeps_its_lines_for_its_own_time(void **state) {
  struct us_world *w = *state;
  add(w, "/", 2);
  add(w, "/alpha", 2);
  us_world_set(w, "auditRetentionDays", "1"); /* of /alpha */
  us_world_advance_ms(w, 2 * DAY_MS);
  assert_int_equal(cleaned(w, 1000), 2);
  assert_fits(w, "/", 2);
  assert_fits(w, "/alpha", 0);
}

static void the_history_of_a_realm_that_is_gone_goes_in_portions(void **state) {
  struct us_world *w = *state;
  add(w, "/alpha", 5);
  add(w, "/", 2);
  tamper(w, "DELETE FROM realm WHERE path = '/alpha'");
  assert_int_equal(cleaned(w, 3), 3);
  assert_rows(w, 4, 1);
  assert_int_equal(cleaned(w, 3), 2);
  assert_int_equal(cleaned(w, 3), 0);
  assert_rows(w, 2, 1);
  assert_fits(w, "/", 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(each_realm_has_a_chain_without_gaps),
      STORY(a_step_that_fails_leaves_no_line_and_no_gap),
      STORY(a_realm_without_history_fits),
      STORY(longer_chains_are_walked_in_portions),
      STORY(a_changed_line_shows),
      STORY(two_lines_that_changed_places_show),
      STORY(a_missing_line_shows),
      STORY(the_first_and_the_last_line_show_when_they_are_missing),
      STORY(an_inserted_line_shows),
      STORY(the_next_line_stands_on_what_the_chain_says_and_shows_a_lie),
      STORY(lines_without_a_chain_show),
      STORY(realms_with_lines_or_a_chain_are_found),
      STORY(lines_stay_unless_the_realm_says_otherwise),
      STORY(retention_moves_the_beginning_and_nothing_shows),
      STORY(what_is_removed_is_told),
      STORY(what_is_removed_meanwhile_is_told_too),
      STORY(a_line_taken_out_behind_the_beginning_shows),
      STORY(retention_may_overtake_a_walk),
      STORY(each_realm_keeps_its_lines_for_its_own_time),
      STORY(the_history_of_a_realm_that_is_gone_goes_in_portions),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
