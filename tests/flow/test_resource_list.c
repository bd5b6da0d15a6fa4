/* The list of ids at /uma/resource_set when it is long: whole, in pages, or refused (ADR 16). */
#include "flow/uma.h"

#include "base/mem.h"
#include "store/sql.h"

struct fill {
  int64_t first, count;
  size_t bytes; /* of an id */
};
static enum us_code fill_step(struct us_cx *cx, void *self) {
  static const char SQL[] =
      "WITH RECURSIVE n(i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < $1 + $2 - 1) "
      "INSERT INTO resource (id, uuid, realm_id, owner_id, rs_ref, scopes, rev, access_rev, created_ms, modified_ms, "
      "description) "
      "SELECT n.i, n.i || $3, a.realm_id, a.id, c.id, '[\"x\"]', 1, 1, 1, 1, '{}' FROM n, account a, client c "
      "WHERE a.name = 'alice' AND c.realm_id = a.realm_id AND c.client_id = '" RS1 "'";
  const struct fill *fill = self;
  char *rest = us_mem_zalloc(cx->mem, fill->bytes);
  assert_non_null(rest);
  memset(rest, 'x', fill->bytes - 1);
  return us_sql_run(cx, NULL, SQL, "iic", fill->first, fill->count, rest);
}
static void fill(struct us_world *w, struct fill fill) {
  assert_int_equal(us_world_transact(w, fill_step, &fill), US_OK);
}
static size_t ids_in(struct us_reply r) {
  assert_status(r, 200);
  return json_array_size(r.json);
}

/* Each id once, in the order of registration, until there is no next. */
static void a_list_is_walked_in_pages(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  fill(w, (struct fill){1001, 1203, 8});
  struct us_reply r = us_with_pat(w, "GET", SETS, pat, NULL);
  assert_int_equal(ids_in(r), 1203);
  assert_null(us_reply_header(&r, "Link"));
  const char *target = SETS "?_pageSize=601";
  size_t seen = 0;
  while (target != NULL) {
    r = us_with_pat(w, "GET", target, pat, NULL);
    size_t n = ids_in(r);
    for (size_t i = 0; i < n; i++, seen++)
      assert_int_equal(atoll(json_string_value(json_array_get(r.json, i))), 1001 + seen);
    const char *link = us_reply_header(&r, "Link");
    target = NULL;
    if (link != NULL) {
      const char *query = strchr(link, '?'), *end = strstr(link, ">; rel=\"next\"");
      assert_memory_equal(link, "<" WORLD_BASE "/uma/realms/root/realms/alpha/resource_set?",
                          strlen("<" WORLD_BASE "/uma/realms/root/realms/alpha/resource_set?"));
      assert_non_null(end);
      target = us_text(w, SETS "%.*s", (int)(end - query), query);
    }
  }
  assert_int_equal(seen, 1203);
  /* A page that ends where the list does has no next. */
  r = us_with_pat(w, "GET", SETS "?_pageSize=1203", pat, NULL);
  assert_int_equal(ids_in(r), 1203);
  assert_null(us_reply_header(&r, "Link"));
  r = us_with_pat(w, "GET", SETS "?_pageSize=1202", pat, NULL);
  assert_non_null(us_reply_header(&r, "Link"));
}

static void a_page_is_of_ones_own_resources(void **state) {
  struct us_world *w = *state;
  fill(w, (struct fill){1001, 3, 8});
  assert_int_equal(ids_in(us_with_pat(w, "GET", SETS "?_pageSize=2", us_pat(w, "bob", RS1), NULL)), 0);
  assert_int_equal(
      ids_in(us_with_pat(w, "GET", SETS "?_pageSize=2&_pagedResultsCookie=1001", us_pat(w, "alice", RS2), NULL)), 0);
  assert_int_equal(
      ids_in(us_with_pat(w, "GET", SETS "?_pageSize=9&_pagedResultsCookie=1002", us_pat(w, "alice", RS1), NULL)), 1);
}

static void what_is_no_page_is_refused(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *const bad[] = {"_pageSize=0",      "_pageSize=-1",          "_pageSize=x",
                             "_pageSize=100001", "_pagedResultsCookie=1", "_pageSize=1&_pagedResultsCookie=x"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct us_reply r = us_with_pat(w, "GET", us_text(w, SETS "?%s", bad[i]), pat, NULL);
    assert_error(r, 400, "invalid_request");
  }
  assert_int_equal(ids_in(us_with_pat(w, "GET", SETS "?_pageSize=100000", pat, NULL)), 0);
}

/* 8 MiB: ids of a thousand bytes. */
static void a_list_that_is_longer_than_an_answer_is_no_half_list(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  fill(w, (struct fill){10001, 8200, 996});
  struct us_reply r = us_with_pat(w, "GET", SETS, pat, NULL);
  assert_status(r, 200);
  assert_true(r.body_bytes > 8000000);
  fill(w, (struct fill){20001, 300, 996});
  r = us_with_pat(w, "GET", SETS, pat, NULL);
  assert_error(r, 400, "invalid_request");
  assert_string_equal(us_reply_str(&r, "error_description"),
                      "There are more resources than one answer holds: ask with _pageSize");
  assert_int_equal(ids_in(us_with_pat(w, "GET", SETS "?_pageSize=500&_pagedResultsCookie=18000", pat, NULL)), 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_list_is_walked_in_pages),
      STORY(a_page_is_of_ones_own_resources),
      STORY(what_is_no_page_is_refused),
      STORY(a_list_that_is_longer_than_an_answer_is_no_half_list),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
