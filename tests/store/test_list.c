/*
 * store/list.h: what the engine finds is what a plain evaluation of the filter in C finds, in the order of a plain sort; pages
 * join without a gap or a repeat; nothing of a filter becomes SQL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/backend.h"
#include "store/list.h"
#include "store_fixture.h"
#include "json/filter.h"

#define ALL_OPS (US_LIST_TEXT_OPS | US_LIST_ORDER_OPS)
enum { UUID, NAME, N, FLAG, TAGS, PART, ONLY_SORTED };
static const struct us_list_field fields[] = {
    [UUID] = {"uuid", US_LIST_TEXT, ALL_OPS, .sql = "t.uuid", .order = "t.uuid"},
    [NAME] = {"name", US_LIST_NAME, ALL_OPS, .sql = "t.name_key", .order = "COALESCE(t.name_key, '')"},
    [N] = {"n", US_LIST_NUMBER, ALL_OPS, .sql = "t.n", .order = "t.n"},
    [FLAG] = {"flag", US_LIST_BOOL, ALL_OPS, .sql = "t.flag", .order = "t.flag"},
    [TAGS] = {"tags", US_LIST_TEXT, ALL_OPS, .elements = "t.tags"},
    [PART] = {"parts/name", US_LIST_NAME, ALL_OPS, .sql = "p.name_key",
              .wrap = "EXISTS (SELECT 1 FROM part p WHERE p.thing_id = t.id AND @)"},
    [ONLY_SORTED] = {"id", US_LIST_NUMBER, 0, .order = "t.id"},
};
static const struct us_list list = {.fields = fields, .field_count = sizeof fields / sizeof fields[0]};
static const struct us_list_source source = {
    .columns = "t.id, COALESCE(t.name, ', ')",
    .from = "thing t WHERE t.owner = $1",
    .tie = "t.id",
};

#define THINGS 120
#define PARTS 3
struct thing {
  int64_t id, n;
  bool flag;
  const char *uuid, *name, *tags[PARTS], *parts[PARTS]; /* NULL: none */
};
static struct thing things[THINGS];

/* What names and values are made of: few, so that they meet; among them all that is special to SQL, LIKE, JSON or filters. */
static const char *const words[] = {
    "a",    "A",  "b",    "ab",       "aB", "Ab", "%", "_", "'", "''",   "\"",   "\\",  "a%b",      "a_b",
    "' OR", "$1", "x'--", "\xC3\xA9", "?",  "1",  "",  "é", "É", "null", "TRUE", "aab", "b\"a\\'a", "\xF0\x9F\x8E\xAB"};
#define WORDS (sizeof words / sizeof words[0])

static unsigned seed;
static unsigned dice(unsigned n) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % n;
}
static const char *word(void) {
  return words[dice(WORDS)];
}

static struct us_str fold(struct us_cx *cx, const char *text) {
  return text ? us_str_fold(cx->mem, us_str_c(text)) : US_STR_ABSENT;
}

static void put_json(struct us_buf *b, const char *text) {
  us_buf_add_char(b, '"');
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      us_buf_add_char(b, '\\');
    us_buf_add_char(b, *text);
  }
  us_buf_add_char(b, '"');
}

static enum us_code insert_thing(struct us_cx *cx, const struct thing *t) {
  static const char SQL[] = "INSERT INTO thing (id, owner, uuid, name, name_key, n, flag, tags)"
                            " VALUES ($1, 7, $2, $3, $4, $5, $6, $7)";
  static const char SQL_PART[] = "INSERT INTO part (thing_id, name_key) VALUES ($1, $2)";
  struct us_buf tags;
  us_buf_init(&tags, 1000);
  us_buf_add_char(&tags, '[');
  for (size_t i = 0; i < PARTS && t->tags[i]; i++) {
    us_buf_add_c(&tags, i ? "," : "");
    put_json(&tags, t->tags[i]);
  }
  us_buf_add_char(&tags, ']');
  enum us_code code = us_sql_run(cx, NULL, SQL, "icctiit", t->id, t->uuid, t->name, fold(cx, t->name), t->n,
                                 (int64_t)t->flag, us_buf_str(&tags));
  us_buf_done(&tags);
  for (size_t i = 0; i < PARTS && t->parts[i] && code == US_OK; i++)
    code = us_sql_run(cx, NULL, SQL_PART, "it", t->id, fold(cx, t->parts[i]));
  return code;
}

static enum us_code insert_things(struct us_cx *cx, void *self) {
  for (size_t i = 0; i < THINGS; i++)
    US_TRY(insert_thing(cx, &things[i]));
  return US_OK;
}

/* Random rows of owner 7, and one of somebody else's that must never be seen. */
static struct us_cx *fill(void **state) {
  struct store *s = *state;
  seed = 4711;
  for (size_t i = 0; i < THINGS; i++) {
    struct thing *t = &things[i];
    *t = (struct thing){.id = (int64_t)(i * 7 % THINGS) + 1, .n = dice(5) - 2, .flag = dice(2)};
    t->uuid = word();
    t->name = dice(5) ? word() : NULL;
    for (unsigned k = 0, n = dice(PARTS + 1); k < n; k++)
      t->tags[k] = word();
    for (unsigned k = 0, n = dice(PARTS + 1); k < n; k++)
      t->parts[k] = word();
  }
  store_exec(s->cx, s->db,
             "CREATE TABLE thing (id BIGINT PRIMARY KEY, owner BIGINT NOT NULL, uuid TEXT NOT NULL,"
             " name TEXT, name_key TEXT, n BIGINT NOT NULL, flag SMALLINT NOT NULL, tags TEXT NOT NULL)");
  store_exec(s->cx, s->db, "CREATE TABLE part (thing_id BIGINT NOT NULL, name_key TEXT NOT NULL)");
  store_exec(s->cx, s->db, "INSERT INTO thing VALUES (5000, 8, 'a', 'a', 'a', 1, 1, '[\"a\"]')");
  assert_code(us_db_transact(s->cx, s->db, insert_things, NULL), US_OK);
  s->cx->db = s->db;
  return s->cx;
}

/* Give back what a question used. */
static void fresh(struct us_cx *cx) {
  us_mem_free(cx->mem);
  cx->mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  assert_non_null(cx->mem);
}

static enum us_code find_field(struct us_cx *cx, void *self, struct us_filter *comparison) {
  for (unsigned i = 0; i < list.field_count; i++) {
    if (us_str_eq_c(comparison->field, fields[i].name))
      comparison->slot = i;
  }
  return US_OK;
}

static struct us_filter *parse(struct us_cx *cx, const char *text) {
  struct us_filter *filter = NULL;
  enum us_code code = us_filter_parse(cx, us_str_c(text), &filter);
  if (code != US_OK)
    print_error("%s: %.*s\n", text, US_STR_ARG(cx->err.text));
  assert_code(code, US_OK);
  assert_code(us_filter_check(cx, filter, find_field, NULL), US_OK);
  return filter;
}

static bool any(const struct us_filter *f, const char *const texts[PARTS], bool folded) {
  for (size_t i = 0; i < PARTS && texts[i]; i++) {
    if (us_filter_text_holds(f, us_str_c(texts[i]), folded))
      return true;
  }
  return false;
}

static bool holds(void *self, const struct us_filter *f) {
  const struct thing *t = self;
  switch (f->slot) {
  case UUID:
    return us_filter_text_holds(f, us_str_c(t->uuid), false);
  case NAME:
    return us_filter_text_holds(f, us_str_c(t->name), true);
  case N:
    return us_filter_number_holds(f, t->n);
  case FLAG:
    return f->op == US_OP_PR || (f->op == US_OP_EQ && f->value_kind == US_FILTER_BOOLEAN && f->truth == t->flag);
  case TAGS:
    return any(f, t->tags, false);
  default:
    return any(f, t->parts, true);
  }
}

/* The order of a query, in plain C. */
static const struct us_list_query *sorting;
static struct us_cx *sorting_cx;

static int compare_text(struct us_str a, struct us_str b) {
  size_t n = a.n < b.n ? a.n : b.n;
  int sign = n ? memcmp(a.p, b.p, n) : 0;
  return sign ? sign : a.n < b.n ? -1 : a.n > b.n;
}

static int compare_number(int64_t a, int64_t b) {
  return a < b ? -1 : a > b;
}

static int compare_key(const struct thing *a, const struct thing *b, unsigned field) {
  switch (field) {
  case UUID:
    return compare_text(us_str_c(a->uuid), us_str_c(b->uuid));
  case NAME:
    return compare_text(fold(sorting_cx, a->name ? a->name : ""), fold(sorting_cx, b->name ? b->name : ""));
  case N:
    return compare_number(a->n, b->n);
  case FLAG:
    return compare_number(a->flag, b->flag);
  default:
    return compare_number(a->id, b->id);
  }
}

static int compare_things(const void *x, const void *y) {
  const struct thing *a = *(const struct thing *const *)x, *b = *(const struct thing *const *)y;
  bool descending = false;
  for (size_t i = 0; i < sorting->key_count; i++) {
    descending = sorting->keys[i].descending;
    int sign = compare_key(a, b, sorting->keys[i].field);
    if (sign != 0)
      return descending ? -sign : sign;
  }
  return descending ? compare_number(b->id, a->id) : compare_number(a->id, b->id);
}

static size_t expect(struct us_cx *cx, const struct us_list_query *query, const struct thing **ret_things) {
  size_t n = 0;
  for (size_t i = 0; i < THINGS; i++) {
    if (us_filter_matches(query->filter, holds, &things[i]))
      ret_things[n++] = &things[i];
  }
  sorting = query;
  sorting_cx = cx;
  qsort(ret_things, n, sizeof *ret_things, compare_things);
  return n;
}

struct found {
  int64_t ids[THINGS + 1];
  size_t n;
  size_t stop_at; /* has no room behind this many; 0: always has */
};

static bool each(struct us_cx *cx, void *self, struct us_rows *rows) {
  struct found *found = self;
  assert_true(found->n <= THINGS);
  found->ids[found->n++] = us_sql_i64(rows, 0);
  assert_non_null(us_sql_text(rows, 1).p);
  return found->n != found->stop_at;
}

static void run(struct us_cx *cx, const struct us_list_query *query, struct found *found, struct us_list_end *ret_end) {
  enum us_code code = us_list_run(cx, query, &source, each, found, ret_end, "i", INT64_C(7));
  if (code != US_OK)
    print_error("%.*s %.*s\n", US_STR_ARG(cx->err.text), US_STR_ARG(cx->err.detail));
  assert_code(code, US_OK);
}

static bool same(const struct found *found, const struct thing **expected, size_t n) {
  for (size_t i = 0; i < n && i < found->n; i++) {
    if (found->ids[i] != expected[i]->id)
      return false;
  }
  return found->n == n;
}

/* All pages, each behind the mark of the one before. */
static void run_by_mark(struct us_cx *cx, struct us_list_query query, struct found *found, size_t matches) {
  struct us_list_mark mark;
  struct us_list_end end = {.remaining = 1};
  query.offset = 0;
  query.after = NULL;
  found->n = 0;
  while (end.remaining > 0) {
    run(cx, &query, found, &end);
    assert_int_equal(end.remaining, matches - found->n);
    assert_int_equal(end.total, query.wants_total ? (int64_t)matches : -1);
    mark = end.last;
    query.after = &mark;
  }
}

static void run_by_offset(struct us_cx *cx, struct us_list_query query, struct found *found, size_t matches) {
  struct us_list_end end = {.remaining = 1};
  query.offset = 0;
  found->n = 0;
  while (end.remaining > 0) {
    run(cx, &query, found, &end);
    query.offset += end.written;
    assert_int_equal(end.remaining, matches - found->n);
    assert_int_equal(end.total, query.wants_total ? (int64_t)matches : -1);
  }
}

static void check(struct us_cx *cx, struct us_list_query query, const char *text) {
  const struct thing *expected[THINGS];
  struct found found = {0};
  query.list = &list;
  query.filter = parse(cx, text);
  size_t n = expect(cx, &query, expected);
  run_by_mark(cx, query, &found, n);
  bool is_right = same(&found, expected, n);
  run_by_offset(cx, query, &found, n);
  is_right = is_right && same(&found, expected, n);
  if (!is_right)
    print_error("wrong for: %s\n", text);
  assert_true(is_right);
}

/* Random filters. */
static void put_value(struct us_buf *b) {
  static const char *const others[] = {"true",
                                       "false",
                                       "0",
                                       "1",
                                       "-1",
                                       "1.5",
                                       "-0.5",
                                       "2e0",
                                       "1e300",
                                       "-1e300",
                                       "1e999",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "99999999999999999999"};
  if (dice(3) == 0)
    us_buf_add_c(b, others[dice(sizeof others / sizeof others[0])]);
  else
    put_json(b, word());
}

static void put_comparison(struct us_buf *b) {
  static const char *const ops[] = {"eq", "co", "sw", "lt", "le", "gt", "ge", "EQ"};
  const char *field = fields[dice(ONLY_SORTED)].name;
  if (dice(12) == 0)
    us_buf_addf(b, "%s pr", field);
  else if (dice(20) == 0)
    us_buf_add_c(b, dice(2) ? "true" : "false");
  else {
    us_buf_addf(b, "/%s %s ", field, ops[dice(8)]);
    put_value(b);
  }
}

static void put_filter(struct us_buf *b, unsigned depth) {
  unsigned kind = depth == 0 ? 0 : dice(5);
  if (kind <= 1) {
    put_comparison(b);
    return;
  }
  if (kind == 2) {
    us_buf_add_c(b, "! (");
    put_filter(b, depth - 1);
    us_buf_add_char(b, ')');
    return;
  }
  for (unsigned i = 0, n = 2 + dice(3); i < n; i++) {
    us_buf_add_c(b, i == 0 ? "" : kind == 3 ? " and " : " OR ");
    us_buf_add_char(b, '(');
    put_filter(b, depth - 1);
    us_buf_add_char(b, ')');
  }
}

static struct us_list_query random_query(void) {
  static const unsigned sortable[] = {UUID, NAME, N, FLAG, ONLY_SORTED};
  struct us_list_query query = {.page_size = 1 + dice(40), .wants_total = dice(2), .key_count = dice(4)};
  for (size_t i = 0; i < query.key_count; i++)
    query.keys[i] = (struct us_list_key){sortable[dice(5)], dice(2)};
  return query;
}

static void random_filters_find_what_a_plain_evaluation_finds(void **state) {
  struct us_cx *cx = fill(state);
  for (unsigned i = 0; i < 400; i++) {
    struct us_buf text;
    us_buf_init(&text, 64 * 1024);
    seed = i;
    put_filter(&text, i % 9);
    check(cx, random_query(), us_buf_str(&text).p);
    us_buf_done(&text);
    fresh(cx);
  }
}

static void every_operator_on_every_field_with_every_word(void **state) {
  static const char *const ops[] = {"eq", "co", "sw", "lt", "le", "gt", "ge"};
  struct us_cx *cx = fill(state);
  struct us_list_query query = {.page_size = 1000};
  for (size_t field = 0; field < ONLY_SORTED; field++) {
    for (size_t op = 0; op < 7; op++) {
      for (size_t w = 0; w < WORDS; w++) {
        struct us_buf text;
        us_buf_init(&text, 1000);
        us_buf_addf(&text, "%s %s ", fields[field].name, ops[op]);
        put_json(&text, words[w]);
        check(cx, query, us_buf_str(&text).p);
        us_buf_done(&text);
      }
      fresh(cx);
    }
  }
}

static void a_value_that_is_missing_matches_nothing_and_its_negation_everything(void **state) {
  struct us_cx *cx = fill(state);
  struct us_list_query query = {.page_size = 1000};
  const struct thing *expected[THINGS];
  query.filter = parse(cx, "!(name pr)");
  assert_true(expect(cx, &query, expected) > 0);
  check(cx, query, "!(name pr)");
  check(cx, query, "name co \"\"");
  check(cx, query, "! name co \"\"");
  check(cx, query, "! (name eq \"a\" and ! name sw \"b\")");
  check(cx, query, "! tags eq \"a\"");
  check(cx, query, "! parts/name pr");
}

static void an_operator_that_is_not_served_matches_nothing(void **state) {
  struct us_cx *cx = fill(state);
  struct us_list_field narrow_fields[sizeof fields / sizeof fields[0]];
  memcpy(narrow_fields, fields, sizeof fields);
  narrow_fields[NAME].ops = US_LIST_EQ;
  const struct us_list narrow = {.fields = narrow_fields, .field_count = list.field_count};
  struct us_list_query query = {.list = &narrow, .page_size = 1000, .filter = parse(cx, "name co \"\"")};
  struct found found = {0};
  struct us_list_end end;
  run(cx, &query, &found, &end);
  assert_int_equal(found.n, 0);
  query.filter = parse(cx, "uuid extended.op \"a\"");
  run(cx, &query, &found, &end);
  assert_int_equal(found.n, 0);
}

static void a_filter_that_was_not_checked_is_refused(void **state) {
  struct us_cx *cx = fill(state);
  struct us_list_query query = {.list = &list, .page_size = 10, .filter = parse(cx, "name eq \"a\"")};
  struct found found = {0};
  struct us_list_end end;
  query.filter->slot = (unsigned)list.field_count;
  assert_code(us_list_run(cx, &query, &source, each, &found, &end, "i", INT64_C(7)), US_E_INTERNAL);
}

/* US_FILTER_MAX_DEPTH brackets around as many comparisons, and one of the other joint each time: nothing can be merged. */
static void put_comb(struct us_buf *b, bool deep_last, const char *comparison) {
  for (unsigned i = 0; i < US_FILTER_MAX_DEPTH - 1; i++) {
    if (deep_last)
      us_buf_addf(b, "%s %s (", comparison, i % 2 ? "and" : "or");
    else
      us_buf_add_char(b, '(');
  }
  us_buf_add_c(b, comparison);
  for (unsigned i = 0; i < US_FILTER_MAX_DEPTH - 1; i++) {
    if (deep_last)
      us_buf_add_char(b, ')');
    else
      us_buf_addf(b, ") %s %s", i % 2 ? "and" : "or", comparison);
  }
}

static void put_negations(struct us_buf *b, unsigned n, const char *comparison) {
  for (unsigned i = 0; i < n; i++)
    us_buf_add_c(b, "!");
  us_buf_add_c(b, comparison);
}

/* A full tree of 256 leaves, joints taking turns: the most brackets that the heaviest-first order needs. */
static void put_tree(struct us_buf *b, unsigned depth, const char *comparison) {
  if (depth == 0) {
    us_buf_add_c(b, comparison);
    return;
  }
  us_buf_add_char(b, '(');
  put_tree(b, depth - 1, comparison);
  us_buf_add_c(b, depth % 2 ? ") and ! (" : ") or (");
  put_tree(b, depth - 1, comparison);
  us_buf_add_char(b, ')');
}

static void the_deepest_and_the_longest_filters_run(void **state) {
  static const char *const comparisons[] = {"parts/name co \"a\"", "tags sw \"a\"", "! uuid eq \"b\"", "n lt 1"};
  struct us_cx *cx = fill(state);
  struct us_list_query query = {
      .page_size = 50, .wants_total = true, .key_count = 2, .keys = {{NAME, false}, {N, true}}};
  for (size_t c = 0; c < 4; c++) {
    for (unsigned shape = 0; shape < 5; shape++) {
      struct us_buf b;
      bool is_negation = comparisons[c][0] == '!';
      us_buf_init(&b, US_FILTER_MAX_BYTES);
      if (shape < 2 && !is_negation)
        put_comb(&b, shape == 0, comparisons[c]);
      else if (shape == 2)
        put_negations(&b, US_FILTER_MAX_DEPTH - 1, comparisons[c]);
      else if (shape == 3)
        put_tree(&b, 8, comparisons[c]);
      else
        for (unsigned i = 0; i < US_FILTER_MAX_TERMS; i++)
          us_buf_addf(&b, "%s%s", i ? " and " : "", comparisons[c]);
      check(cx, query, us_buf_str(&b).p);
      us_buf_done(&b);
      fresh(cx);
    }
  }
}

static void depth_that_alternates_is_evaluated_right(void **state) {
  struct us_cx *cx = fill(state);
  for (unsigned i = 0; i < 60; i++) {
    struct us_buf b;
    us_buf_init(&b, US_FILTER_MAX_BYTES);
    seed = 9000 + i;
    unsigned depth = 8 + dice(200);
    for (unsigned k = 0; k < depth; k++) {
      put_comparison(&b);
      us_buf_addf(&b, " %s %s(", dice(2) ? "and" : "or", dice(4) ? "" : "!");
    }
    put_filter(&b, 2);
    for (unsigned k = 0; k < depth; k++)
      us_buf_add_char(&b, ')');
    struct us_filter *filter;
    if (us_filter_parse(cx, us_buf_str(&b), &filter) == US_OK) /* negations count as depth too */
      check(cx, random_query(), us_buf_str(&b).p);
    us_buf_done(&b);
    fresh(cx);
  }
}

static void a_page_that_is_full_early_goes_on_where_it_ended(void **state) {
  struct us_cx *cx = fill(state);
  struct us_list_query query = {
      .list = &list, .page_size = 50, .filter = parse(cx, "true"), .key_count = 1, .keys = {{NAME, true}}};
  const struct thing *expected[THINGS];
  struct found found = {.stop_at = 11};
  struct us_list_end end;
  expect(cx, &query, expected);
  run(cx, &query, &found, &end);
  assert_int_equal(end.written, 11);
  assert_int_equal(end.remaining, THINGS - 11);
  query.after = &end.last;
  found.stop_at = 12;
  struct us_list_mark mark = end.last;
  query.after = &mark;
  run(cx, &query, &found, &end);
  assert_int_equal(end.written, 1);
  assert_true(same(&found, expected, 12));
}

static void an_offset_behind_the_end_finds_nothing_and_knows_the_total(void **state) {
  struct us_cx *cx = fill(state);
  struct us_list_query query = {
      .list = &list, .page_size = 5, .filter = parse(cx, "true"), .offset = THINGS + 1, .wants_total = true};
  struct found found = {0};
  struct us_list_end end;
  run(cx, &query, &found, &end);
  assert_int_equal(end.written, 0);
  assert_int_equal(end.remaining, 0);
  assert_int_equal(end.total, THINGS);
  query.offset = THINGS - 5;
  run(cx, &query, &found, &end);
  assert_int_equal(end.written, 5);
  assert_int_equal(end.remaining, 0);
}

static void counting_alone_reads_no_row(void **state) {
  struct us_cx *cx = fill(state);
  struct us_list_query query = {
      .list = &list, .page_size = 5, .filter = parse(cx, "flag eq true"), .counts_only = true};
  const struct thing *expected[THINGS];
  struct found found = {0};
  struct us_list_end end;
  run(cx, &query, &found, &end);
  assert_int_equal(found.n, 0);
  assert_int_equal(end.total, expect(cx, &query, expected));
  assert_true(end.total > 0);
}

/* 20,000 bytes a row for 1,000 rows: more than a request may hold at once. */
static bool each_reads_much(struct us_cx *cx, void *self, struct us_rows *rows) {
  size_t *bytes = self;
  *bytes += us_sql_text(rows, 0).n;
  return true;
}

static void memory_of_rows_is_given_back_on_the_way(void **state) {
  struct us_cx *cx = fill(state);
  static const struct us_list_source wide = {
      .columns =
          "replace(substr('x', 1, 1), 'x', (SELECT group_concat(u.uuid || '0123456789012345678901234567890123456789"
          "0123456789012345678901234567890123456789') FROM thing u)) || t.uuid",
      .from = "thing t JOIN thing s ON s.owner = t.owner WHERE t.owner = $1",
      .tie = "t.id * 1000 + s.id",
  };
  struct us_list_query query = {.list = &list, .page_size = 4000, .filter = parse(cx, "true")};
  struct us_list_end end;
  size_t bytes = 0;
  assert_code(us_list_run(cx, &query, &wide, each_reads_much, &bytes, &end, "i", INT64_C(7)), US_OK);
  assert_int_equal(end.written, 4000);
  assert_true(bytes > 2 * US_MEM_REQUEST_MAX_BYTES);
  assert_true(us_mem_used(cx->mem) < 1024 * 1024);
}

static void demands_are_found_where_they_must_hold(void **state) {
  struct us_cx *cx = fill(state);
  static const struct {
    const char *filter;
    bool plain, negated;
  } cases[] = {
      {"name eq \"Bob\"", true, false},
      {"name eq \"bob\"", true, false},
      {"name eq \"bobby\"", false, false},
      {"name co \"bob\"", false, false},
      {"uuid eq \"bob\"", false, false},
      {"name eq true", false, false},
      {"! name eq \"bob\"", false, true},
      {"! ! name eq \"bob\"", true, false},
      {"n eq 1 and (flag eq true and name eq \"bob\")", true, false},
      {"n eq 1 or name eq \"bob\"", false, false},
      {"! (n eq 1 or name eq \"bob\")", false, true},
      {"! (n eq 1 and name eq \"bob\")", false, false},
      {"! (n eq 1 or ! name eq \"bob\")", true, false},
      {"name eq \"alice\" and name eq \"bob\"", true, false},
      {"true", false, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct us_filter *filter = parse(cx, cases[i].filter);
    bool plain = us_filter_demands(filter, "name", US_STR("BOB"), true, false);
    bool negated = us_filter_demands(filter, "name", US_STR("BOB"), true, true);
    if (plain != cases[i].plain || negated != cases[i].negated)
      print_error("wrong for: %s\n", cases[i].filter);
    assert_int_equal(plain, cases[i].plain);
    assert_int_equal(negated, cases[i].negated);
    assert_true(!plain || us_filter_demanded(filter, "name", false) != NULL);
  }
  assert_false(us_filter_demands(parse(cx, "name eq \"Bob\""), "name", US_STR("bob"), false, false));
  assert_str(us_filter_demanded(parse(cx, "n eq 1 and name eq \"x\""), "name", false)->text, "x");
}

static void a_filter_with_a_nul_is_refused(void **state) {
  struct us_cx *cx = fill(state);
  struct us_filter *filter;
  assert_code(us_filter_parse(cx, US_STR("name eq \"a\0b\""), &filter), US_E_INVALID_REQUEST);
  assert_code(us_filter_parse(cx, US_STR("name eq \"a\\u0000b\""), &filter), US_E_INVALID_REQUEST);
}

/* Statements that are put together. */
static void the_same_question_is_prepared_once(void **state) {
  struct us_cx *cx = fill(state);
  struct us_list_query query = {.list = &list, .page_size = 500, .filter = parse(cx, "name eq \"a\"")};
  struct found found = {0};
  struct us_list_end end;
  run(cx, &query, &found, &end);
  assert_int_equal(cx->db->composed_count, 1);
  query.filter = parse(cx, "name eq \"another value\"");
  run(cx, &query, &found, &end);
  assert_int_equal(cx->db->composed_count, 1);
  query.filter = parse(cx, "name co \"a\"");
  run(cx, &query, &found, &end);
  assert_int_equal(cx->db->composed_count, 2);
}

static void open_text(struct us_cx *cx, struct us_rows *rows, const char *text) {
  assert_code(us_sql_open_composed(cx, rows, text, NULL, 0), US_OK);
  assert_true(us_sql_next(rows));
}

static bool is_kept(struct us_cx *cx, const char *text) {
  for (size_t i = 0; i < cx->db->composed_count; i++) {
    if (strcmp(cx->db->composed[i]->sql, text) == 0)
      return true;
  }
  return false;
}

static void few_composed_statements_are_kept_and_the_latest_used(void **state) {
  struct us_cx *cx = fill(state);
  struct us_rows rows;
  char text[64];
  for (int i = 0; i < US_SQL_COMPOSED_MAX + 1; i++) {
    snprintf(text, sizeof text, "SELECT %d", i);
    open_text(cx, &rows, text);
    assert_int_equal(us_sql_i64(&rows, 0), i);
    assert_code(us_sql_close(&rows), US_OK);
    open_text(cx, &rows, "SELECT 0"); /* stays in use */
    assert_code(us_sql_close(&rows), US_OK);
  }
  assert_int_equal(cx->db->composed_count, US_SQL_COMPOSED_MAX);
  assert_true(is_kept(cx, "SELECT 0"));
  assert_false(is_kept(cx, "SELECT 1"));
  assert_true(is_kept(cx, "SELECT 2"));
}

static void a_long_composed_statement_is_not_kept(void **state) {
  struct us_cx *cx = fill(state);
  struct us_rows rows;
  char text[US_SQL_COMPOSED_MAX_BYTES + 2];
  memset(text, ' ', sizeof text);
  memcpy(text, "SELECT 5", 8);
  text[US_SQL_COMPOSED_MAX_BYTES + 1] = '\0';
  open_text(cx, &rows, text);
  assert_int_equal(us_sql_i64(&rows, 0), 5);
  assert_code(us_sql_close(&rows), US_OK);
  assert_int_equal(cx->db->composed_count, 0);
  text[US_SQL_COMPOSED_MAX_BYTES] = '\0';
  open_text(cx, &rows, text);
  assert_code(us_sql_close(&rows), US_OK);
  assert_int_equal(cx->db->composed_count, 1);
}

static void a_composed_statement_may_be_open_twice(void **state) {
  struct us_cx *cx = fill(state);
  struct us_rows a, b;
  open_text(cx, &a, "SELECT 1 UNION ALL SELECT 2");
  open_text(cx, &b, "SELECT 1 UNION ALL SELECT 2");
  assert_true(us_sql_next(&a));
  assert_int_equal(us_sql_i64(&a, 0), 2);
  assert_int_equal(us_sql_i64(&b, 0), 1);
  assert_code(us_sql_close(&b), US_OK);
  assert_code(us_sql_close(&a), US_OK);
}

static void a_composed_statement_that_is_wrong_says_so(void **state) {
  struct us_cx *cx = fill(state);
  struct us_rows rows;
  assert_code(us_sql_open_composed(cx, &rows, "SELECT nothing FROM nowhere", NULL, 0), US_E_STORE);
  assert_code(us_sql_close(&rows), US_E_STORE);
  assert_int_equal(cx->db->composed_count, 0);
}

/* Ever more rows, none of which matches. */
static const struct us_list_source endless = {
    .columns = "r.i",
    .from =
        "(WITH RECURSIVE n (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT i FROM n) r "
        "WHERE r.i < 0",
    .tie = "r.i",
};
static bool see_nothing(struct us_cx *cx, void *self, struct us_rows *rows) {
  fail();
  return false;
}
static enum us_code ask_endless(struct us_cx *cx) {
  struct us_list_query query = {.list = &list, .filter = parse(cx, "true"), .page_size = 10};
  struct us_list_end end;
  return us_list_run(cx, &query, &endless, see_nothing, NULL, &end, "i", INT64_C(1));
}

static void a_list_may_not_take_for_ever(void **state) {
  struct us_cx *cx = fill(state);
  int64_t count = 0;
  static const char SQL_COUNT[] = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
                                  " SELECT COUNT(*) FROM n";
  static const struct us_column one[] = {{US_COLUMN_I64, 0}};
  alarm(60);
  assert_code(us_db_begin_read(cx, cx->db), US_OK);
  cx->is_on_loop = true;
  assert_code(ask_endless(cx), US_E_TO_POOL);
  cx->is_on_loop = false;
  assert_code(ask_endless(cx), US_E_TOO_LONG);
  assert_int_equal(us_code_status(cx->err.code), 400);
  assert_code(us_sql_one(cx, one, 1, &count, SQL_COUNT, ""), US_OK); /* the limit is over, and the read goes on */
  assert_int_equal(count, 100000);
  us_db_end_read(cx, cx->db);
  alarm(0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(random_filters_find_what_a_plain_evaluation_finds),
      STORE_TEST(every_operator_on_every_field_with_every_word),
      STORE_TEST(a_value_that_is_missing_matches_nothing_and_its_negation_everything),
      STORE_TEST(an_operator_that_is_not_served_matches_nothing),
      STORE_TEST(a_filter_that_was_not_checked_is_refused),
      STORE_TEST(the_deepest_and_the_longest_filters_run),
      STORE_TEST(depth_that_alternates_is_evaluated_right),
      STORE_TEST(a_page_that_is_full_early_goes_on_where_it_ended),
      STORE_TEST(an_offset_behind_the_end_finds_nothing_and_knows_the_total),
      STORE_TEST(counting_alone_reads_no_row),
      STORE_TEST(a_list_may_not_take_for_ever),
      STORE_TEST(memory_of_rows_is_given_back_on_the_way),
      STORE_TEST(demands_are_found_where_they_must_hold),
      STORE_TEST(a_filter_with_a_nul_is_refused),
      STORE_TEST(the_same_question_is_prepared_once),
      STORE_TEST(few_composed_statements_are_kept_and_the_latest_used),
      STORE_TEST(a_long_composed_statement_is_not_kept),
      STORE_TEST(a_composed_statement_may_be_open_twice),
      STORE_TEST(a_composed_statement_that_is_wrong_says_so),
  };
  return STORE_RUN(tests);
}
