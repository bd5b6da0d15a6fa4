/* How codes and consents are found, and that a code is used once, whoever asks. */
#include "plan.h"
#include "store/consents.h"

/* The statements are constants of this file. */
#include "../../src/store/codes.c"

static void codes_are_found_by_their_id(void **state) {
  struct us_cx *cx = begin(state);
  assert_plan(plan_of_text(cx, SQL_FIND), "SEARCH code USING INTEGER PRIMARY KEY (rowid=?)", false);
  assert_plan(plan_of_text(cx, SQL_USE), "SEARCH code USING INTEGER PRIMARY KEY (rowid=?)", false);
}

static bool see(struct us_cx *cx, void *self, const struct us_consent *consent) {
  (void)cx;
  (void)self;
  return consent != NULL;
}

static void consents_page_by_their_key(void **state) {
  static const struct us_list everything = {.fields = NULL, .field_count = 0};
  struct us_cx *cx = begin(state);
  struct us_list_mark mark = {.tie = 5};
  struct us_list_end end;
  struct us_list_query query = {.list = &everything, .filter = &all, .page_size = 10};
  assert_code(us_consents_page(cx, 7, &query, see, NULL, &end), US_OK);
  const char *plan = plan_of(cx, 0);
  assert_plan(plan, "SEARCH w USING PRIMARY KEY (account_id=?)", false);
  assert_plan(plan, "SEARCH c USING INTEGER PRIMARY KEY (rowid=?)", false);
  query.after = &mark;
  assert_code(us_consents_page(cx, 7, &query, see, NULL, &end), US_OK);
  assert_plan(plan_of(cx, 0), "SEARCH w USING PRIMARY KEY (account_id=? AND client_ref>?)", false);
}

static enum us_code add_code(struct us_cx *cx, void *self) {
  struct us_str scope = US_STR("openid");
  const struct us_code_grant code = {.id = *(int64_t *)self,
                                     .realm_id = 1,
                                     .client_ref = 2,
                                     .account_id = 3,
                                     .redirect_uri = US_STR("https://c.test/cb"),
                                     .uri_was_sent = true,
                                     .scopes = {&scope, 1},
                                     .auth_time_s = 4,
                                     .expires_s = 5};
  return us_codes_insert(cx, &code, "digest");
}

struct use {
  int64_t id, grant_id;
  bool was_first;
};
static enum us_code use_code(struct us_cx *cx, void *self) {
  struct use *use = self;
  return us_codes_use(cx, use->id, use->grant_id, &use->was_first);
}

/* OA-15: by two connections, each in a transaction of its own. */
static void a_code_is_used_once(void **state) {
  struct store *s = *state;
  struct us_cx *cx = s->cx;
  struct us_cx *other = store_cx_new();
  struct us_db_options options = {.url = s->url};
  struct us_db *second = NULL;
  int64_t id = 100;
  struct us_code_row row;
  struct use mine = {.id = 100, .grant_id = 7}, theirs = {.id = 100, .grant_id = 8}, none = {.id = 99, .grant_id = 9};
  assert_code(us_db_open(other, &options, &second), US_OK);
  assert_code(us_db_transact(cx, s->db, add_code, &id), US_OK);
  assert_code(us_db_transact(cx, s->db, use_code, &mine), US_OK);
  assert_code(us_db_transact(other, second, use_code, &theirs), US_OK);
  assert_code(us_db_transact(other, second, use_code, &none), US_OK);
  assert_true(mine.was_first);
  assert_false(theirs.was_first);
  assert_false(none.was_first);
  cx->db = s->db;
  assert_code(us_codes_find(cx, 100, &row), US_OK);
  assert_int_equal(row.code.grant_id, 7);
  assert_str(row.digest, "digest");
  assert_str(row.code.redirect_uri, "https://c.test/cb");
  assert_true(row.code.uri_was_sent);
  assert_null(row.code.challenge.p);
  assert_null(row.code.nonce.p);
  assert_int_equal(row.code.scopes.n, 1);
  assert_code(us_codes_find(cx, 99, &row), US_E_NOT_FOUND);
  us_db_close(second);
  store_cx_free(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(codes_are_found_by_their_id),
      STORE_TEST(consents_page_by_their_key),
      STORE_TEST(a_code_is_used_once),
  };
  return STORE_RUN(tests);
}
