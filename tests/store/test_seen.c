/* Snapshots that reads share (store/db.h, `commits`), and the tokens that are remembered under rights_rev (store/seen.h). */
#include <sqlite3.h>
#include <stdio.h>

#include "base/mem.h"
#include "store/backend.h"
#include "store/consents.h"
#include "store/seen.h"
#include "store_fixture.h"

#define REALM 1
#define NOW_S 1000000

struct seen {
  struct store *s;
  struct us_commits commits;
  struct us_db *writer; /* counts */
  struct us_db *reader; /* shares and remembers */
  struct us_cx *other;  /* of the writer */
};

static struct seen open_both(struct store *s, struct us_commits *commits) {
  struct seen t = {.s = s, .other = store_cx_new()};
  struct us_db_options writer = {.url = s->url, .commits = commits};
  struct us_db_options reader = {.url = s->url, .read_only = true, .commits = commits};
  assert_code(us_db_open(t.other, &writer, &t.writer), US_OK);
  assert_code(us_db_open(s->cx, &reader, &t.reader), US_OK);
  s->cx->now_ms = INT64_C(1000) * NOW_S;
  return t;
}

static void close_both(struct seen *t) {
  us_db_close(t->reader);
  us_db_close(t->writer);
  store_cx_free(t->other);
}

/* ---- Snapshots ---- */

static void reads_share_a_snapshot_until_a_commit_is_counted(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct seen t = open_both(s, &commits);
  assert_int_equal(store_count(s->cx, t.reader), 0);
  store_exec(t.other, s->db, "INSERT INTO item (id, n) VALUES (1, 1)"); /* not counted: another process */
  assert_int_equal(store_count(s->cx, t.reader), 0);
  store_exec(t.other, t.writer, "INSERT INTO item (id, n) VALUES (2, 1)");
  assert_int_equal(store_count(s->cx, t.reader), 2);
  store_exec(t.other, t.writer, "UPDATE item SET n = 7 WHERE id = 1");
  assert_int_equal(store_item_n(s->cx, t.reader, 1), 7);
  close_both(&t);
}

static void the_end_of_a_turn_ends_the_snapshot(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct seen t = open_both(s, &commits);
  assert_int_equal(store_count(s->cx, t.reader), 0);
  store_exec(t.other, s->db, "INSERT INTO item (id, n) VALUES (1, 1)");
  us_db_end_turn(s->cx, t.reader);
  assert_false(t.reader->backend->in_transaction(t.reader));
  us_db_end_turn(s->cx, t.reader); /* nothing to end */
  assert_int_equal(store_count(s->cx, t.reader), 1);
  close_both(&t);
}

static void a_snapshot_is_shared_by_so_many_reads_and_not_one_more(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct seen t = open_both(s, &commits);
  assert_int_equal(store_count(s->cx, t.reader), 0);
  store_exec(t.other, s->db, "INSERT INTO item (id, n) VALUES (1, 1)");
  for (int i = 1; i < US_DB_SNAPSHOT_READS; i++)
    assert_int_equal(store_count(s->cx, t.reader), 0);
  assert_int_equal(store_count(s->cx, t.reader), 1);
  close_both(&t);
}

static void a_rolled_back_transaction_is_not_counted(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct seen t = open_both(s, &commits);
  assert_code(us_db_begin_write(t.other, t.writer), US_OK);
  us_db_rollback(t.other, t.writer);
  assert_int_equal(commits.n, 0);
  store_exec(t.other, t.writer, "INSERT INTO item (id, n) VALUES (1, 1)");
  assert_int_equal(commits.n, 1);
  close_both(&t);
}

static void a_read_whose_statement_failed_shares_with_nobody(void **state) {
  struct store *s = *state;
  static const char SQL_OVERFLOW[] = "SELECT sum(n) FROM item";
  struct us_commits commits = {0};
  struct seen t = open_both(s, &commits);
  struct us_rows rows;
  store_exec(t.other, t.writer, "INSERT INTO item (id, n) VALUES (1, 9223372036854775807), (2, 1)");
  assert_code(us_db_begin_read(s->cx, t.reader), US_OK);
  assert_code(us_sql_open(s->cx, &rows, SQL_OVERFLOW, ""), US_OK);
  assert_false(us_sql_next(&rows));
  assert_code(us_sql_close(&rows), US_E_STORE);
  us_db_end_read(s->cx, t.reader);
  assert_false(t.reader->backend->in_transaction(t.reader));
  close_both(&t);
}

/* ---- Tokens ---- */

static const char SQL_PEOPLE[] =
    "INSERT INTO account (id, realm_id, name, name_key, password_hash, is_active, is_admin, rev, created_ms) "
    "VALUES (7, 1, 'alice', 'alice', '', 1, 0, 1, 0)";
static const char SQL_CLIENT[] =
    "INSERT INTO client (id, realm_id, client_id, is_public, is_active, auth_method, grants, scopes, default_scopes, "
    "redirect_uris, claims_redirect_uris, id_token_alg, access_token_s, refresh_token_s, rev, created_ms) "
    "VALUES (8, 1, 'rs', 1, 1, 'none', '[]', '[\"uma_protection\"]', '[]', '[]', '[]', 'RS256', 0, 0, 1, 0)";

static enum us_code add_token(struct us_cx *cx, void *self) {
  struct us_str scope = US_STR("uma_protection");
  struct us_token token = {.id = *(int64_t *)self,
                           .kind = US_TOKEN_ACCESS,
                           .realm_id = REALM,
                           .client_ref = 8,
                           .account_id = 7,
                           .grant_id = *(int64_t *)self,
                           .grant_type = US_STR("password"),
                           .scopes = {&scope, 1},
                           .issued_s = NOW_S,
                           .expires_s = NOW_S + 60};
  return us_token_row_insert(cx, &token, "digest");
}

static void add(struct seen *t, int64_t id) {
  assert_code(us_db_transact(t->other, t->writer, add_token, &id), US_OK);
}

static struct seen open_with_people(struct store *s, struct us_commits *commits) {
  struct seen t = open_both(s, commits);
  store_exec(t.other, t.writer, SQL_PEOPLE);
  store_exec(t.other, t.writer, SQL_CLIENT);
  return t;
}

static enum us_code find(struct seen *t, int64_t id, int kind, int64_t realm_id, struct us_access_row *ret_row) {
  struct us_cx *cx = t->s->cx;
  us_error_clear(cx);
  assert_code(us_db_begin_read(cx, t->reader), US_OK);
  enum us_code code = us_token_row_live(cx, id, kind, realm_id, ret_row);
  us_db_end_read(cx, t->reader);
  return code;
}

static bool is_live(struct seen *t, int64_t id) {
  struct us_access_row row = {0};
  enum us_code code = find(t, id, US_TOKEN_ACCESS, REALM, &row);
  if (code == US_OK) {
    assert_str(row.digest, "digest");
    assert_str(row.access.owner_name, "alice");
    assert_str(row.access.client_id, "rs");
    assert_int_equal(row.access.token.id, id);
    assert_int_equal(row.access.token.scopes.n, 1);
  } else {
    assert_code(code, US_E_NOT_FOUND);
  }
  return code == US_OK;
}

/* Remembered: found although the row is not to be had any more, as long as nobody has counted up. */
static bool is_remembered(struct seen *t, int64_t id) {
  struct us_cx *cx = t->s->cx;
  assert_code(us_db_begin_read(cx, t->reader), US_OK);
  struct us_seen *seen = us_seen_of(cx);
  bool found = seen && us_seen_find(cx, seen, id) != NULL;
  us_db_end_read(cx, t->reader);
  return found;
}

static void a_live_token_is_remembered_as_it_was_read(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct seen t = open_with_people(s, &commits);
  add(&t, 100);
  assert_false(is_remembered(&t, 100));
  assert_true(is_live(&t, 100));
  assert_true(is_remembered(&t, 100));
  assert_true(is_live(&t, 100));
  close_both(&t);
}

static void what_is_not_live_is_not_remembered(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct seen t = open_with_people(s, &commits);
  assert_false(is_live(&t, 100));
  assert_false(is_remembered(&t, 100));
  add(&t, 100); /* an insert does not count up: the earlier no must not last */
  assert_true(is_live(&t, 100));
  close_both(&t);
}

static void a_remembered_token_still_is_of_its_kind_realm_and_time(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct us_access_row row;
  struct seen t = open_with_people(s, &commits);
  add(&t, 100);
  assert_true(is_live(&t, 100));
  assert_code(find(&t, 100, US_TOKEN_ACCESS, 0, &row), US_OK);
  assert_code(find(&t, 100, US_TOKEN_ACCESS, REALM + 1, &row), US_E_NOT_FOUND);
  assert_code(find(&t, 100, US_TOKEN_REFRESH, REALM, &row), US_E_NOT_FOUND);
  s->cx->now_ms = INT64_C(1000) * (NOW_S + 59);
  assert_true(is_live(&t, 100));
  s->cx->now_ms = INT64_C(1000) * (NOW_S + 60);
  assert_true(is_remembered(&t, 100));
  assert_false(is_live(&t, 100));
  close_both(&t);
}

/* Whatever ends a token ends what is remembered of it, in the next snapshot, whoever wrote it. */
static void what_ends_a_token_ends_the_memory_of_it(void **state) {
  struct store *s = *state;
  static const char *const endings[] = {
      "DELETE FROM token WHERE id = 100",          "DELETE FROM token WHERE grant_id = 100",
      "UPDATE token SET spent = 1 WHERE id = 100", "UPDATE account SET is_active = 0 WHERE id = 7",
      "DELETE FROM account WHERE id = 7",          "UPDATE client SET is_active = 0 WHERE id = 8",
      "DELETE FROM client WHERE id IN (SELECT 8)",
  };
  struct us_commits commits = {0};
  struct seen t = open_with_people(s, &commits);
  for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
    for (int by_us = 0; by_us < 2; by_us++) {
      store_exec(t.other, t.writer, "DELETE FROM token WHERE id > 0");
      store_exec(t.other, t.writer, "DELETE FROM account WHERE id > 0");
      store_exec(t.other, t.writer, "DELETE FROM client WHERE id > 0");
      store_exec(t.other, t.writer, SQL_PEOPLE);
      store_exec(t.other, t.writer, SQL_CLIENT);
      add(&t, 100);
      assert_true(is_live(&t, 100));
      assert_true(is_live(&t, 100));
      store_exec(t.other, by_us ? t.writer : s->db, endings[i]);
      if (!by_us)
        us_db_end_turn(s->cx, t.reader); /* the turn in which another process has written */
      if (is_live(&t, 100))
        fail_msg("alive after %s by %s", endings[i], by_us ? "our writer" : "another process");
    }
  }
  close_both(&t);
}

static enum us_code withdraw(struct us_cx *cx, void *self) {
  const struct us_consent consent = {
      .account_id = 7, .client_ref = 8, .realm_id = REALM, .valid_from = *(int64_t *)self};
  return us_consents_withdraw(cx, &consent);
}

/* A consent is no row that the memory watches; who takes one back sees to it. */
static void a_withdrawn_consent_ends_the_memory_of_its_tokens(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct seen t = open_with_people(s, &commits);
  int64_t valid_from = 101;
  add(&t, 100);
  assert_true(is_live(&t, 100));
  assert_true(is_remembered(&t, 100));
  assert_code(us_db_transact(t.other, t.writer, withdraw, &valid_from), US_OK);
  assert_false(is_live(&t, 100));
  add(&t, 101); /* what comes later is not meant */
  assert_true(is_live(&t, 101));
  close_both(&t);
}

static void a_name_that_changed_is_read_anew(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct us_access_row row;
  struct seen t = open_with_people(s, &commits);
  add(&t, 100);
  assert_true(is_live(&t, 100));
  store_exec(t.other, t.writer, "UPDATE client SET scopes = '[\"a\",\"b\"]' WHERE id = 8");
  assert_code(find(&t, 100, US_TOKEN_ACCESS, REALM, &row), US_OK);
  assert_int_equal(row.access.client_scopes.n, 2);
  close_both(&t);
}

static void other_writes_leave_the_memory_alone(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct seen t = open_with_people(s, &commits);
  add(&t, 100);
  assert_true(is_live(&t, 100));
  store_exec(t.other, t.writer, "INSERT INTO item (id, n) VALUES (1, 1)");
  store_exec(t.other, t.writer, "UPDATE item SET n = 2 WHERE id = 1");
  add(&t, 101);
  assert_true(is_remembered(&t, 100));
  assert_code(us_db_begin_write(t.other, t.writer), US_OK);
  t.other->db = t.writer;
  assert_code(us_token_row_delete(t.other, 100), US_OK);
  t.other->db = NULL;
  us_db_rollback(t.other, t.writer);
  assert_true(is_remembered(&t, 100));
  store_exec(t.other, t.writer, "UPDATE item SET n = 3 WHERE id = 1"); /* not with the count of what was rolled back */
  assert_true(is_remembered(&t, 100));
  close_both(&t);
}

static void so_many_tokens_are_remembered_and_not_one_more(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct seen t = open_with_people(s, &commits);
  int remembered = 0;
  for (int64_t id = 1; id <= 3 * US_SEEN_TOKENS; id++)
    add(&t, id);
  for (int64_t id = 1; id <= 3 * US_SEEN_TOKENS; id++)
    assert_true(is_live(&t, id));
  for (int64_t id = 1; id <= 3 * US_SEEN_TOKENS; id++)
    remembered += is_remembered(&t, id);
  assert_true(remembered > US_SEEN_TOKENS / 2);
  assert_true(remembered <= US_SEEN_TOKENS);
  assert_true(is_live(&t, 1)); /* takes its place over again */
  assert_true(is_remembered(&t, 1));
  close_both(&t);
}

static void a_row_that_is_too_long_is_read_and_not_remembered(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct us_access_row row;
  struct seen t = open_with_people(s, &commits);
  char sql[US_SEEN_TOKEN_BYTES + 200], scope[US_SEEN_TOKEN_BYTES];
  memset(scope, 'x', sizeof(scope) - 1);
  scope[sizeof(scope) - 1] = '\0';
  snprintf(sql, sizeof(sql), "UPDATE client SET scopes = '[\"%s\"]' WHERE id = 8", scope);
  store_exec(t.other, t.writer, sql);
  add(&t, 100);
  assert_code(find(&t, 100, US_TOKEN_ACCESS, REALM, &row), US_OK);
  assert_str(row.access.client_scopes.v[0], scope);
  assert_false(is_remembered(&t, 100));
  close_both(&t);
}

/* A request keeps what it was lent, also when the place is taken and when the loop has ended. */
static void what_was_lent_outlives_the_memory(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct us_access_row row;
  struct seen t = open_with_people(s, &commits);
  struct us_cx *request = store_cx_new();
  request->now_ms = s->cx->now_ms;
  add(&t, 100);
  assert_code(us_db_begin_read(request, t.reader), US_OK);
  assert_code(us_token_row_live(request, 100, US_TOKEN_ACCESS, REALM, &row), US_OK);
  us_db_end_read(request, t.reader);
  store_exec(t.other, t.writer, "DELETE FROM token WHERE id = 100");
  add(&t, 100);
  assert_true(is_live(&t, 100));
  close_both(&t);
  assert_str(row.access.owner_name, "alice");
  assert_str(row.access.token.scopes.v[0], "uma_protection");
  store_cx_free(request);
}

/* A reader without the count, as the pool has them, and a writer remember nothing. */
static void others_remember_nothing(void **state) {
  struct store *s = *state;
  struct us_commits commits = {0};
  struct seen t = open_with_people(s, &commits);
  assert_code(us_db_begin_read(s->cx, s->db), US_OK);
  assert_null(us_seen_of(s->cx));
  us_db_end_read(s->cx, s->db);
  assert_null(t.writer->seen);
  close_both(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(reads_share_a_snapshot_until_a_commit_is_counted),
      STORE_TEST(the_end_of_a_turn_ends_the_snapshot),
      STORE_TEST(a_snapshot_is_shared_by_so_many_reads_and_not_one_more),
      STORE_TEST(a_rolled_back_transaction_is_not_counted),
      STORE_TEST(a_read_whose_statement_failed_shares_with_nobody),
      STORE_TEST(a_live_token_is_remembered_as_it_was_read),
      STORE_TEST(what_is_not_live_is_not_remembered),
      STORE_TEST(a_remembered_token_still_is_of_its_kind_realm_and_time),
      STORE_TEST(what_ends_a_token_ends_the_memory_of_it),
      STORE_TEST(a_withdrawn_consent_ends_the_memory_of_its_tokens),
      STORE_TEST(a_name_that_changed_is_read_anew),
      STORE_TEST(other_writes_leave_the_memory_alone),
      STORE_TEST(so_many_tokens_are_remembered_and_not_one_more),
      STORE_TEST(a_row_that_is_too_long_is_read_and_not_remembered),
      STORE_TEST(what_was_lent_outlives_the_memory),
      STORE_TEST(others_remember_nothing),
  };
  return STORE_RUN(tests);
}
