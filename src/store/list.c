/*
 * Pages of lists: see list.h. The filter becomes SQL in store/list_filter.c; this file puts the statement around it, runs it,
 * and counts what is behind the page.
 */
#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/list_filter.h"

#define TEXT_MAX_BYTES (512 * 1024) /* of a statement: 256 comparisons, each in the longest of pieces */
/* Scratch memory of rows: renewed when it holds more than SCRATCH_RENEW_BYTES behind a row. */
#define SCRATCH_POOL_BYTES (32 * 1024)
#define SCRATCH_RENEW_BYTES (64 * 1024)
#define SCRATCH_MAX_BYTES US_MEM_REQUEST_MAX_BYTES
_Static_assert(US_LIST_FROM_MAX + US_FILTER_MAX_TERMS + US_LIST_KEYS_MAX + 1 + 2 <= US_SQL_PARAMETERS_MAX,
               "the largest question has room");

struct run {
  struct us_cx *cx;
  const struct us_list_query *query;
  const struct us_list_source *source;
  struct us_list_sql where; /* " FROM ... WHERE ... AND (filter)": what every statement of this run begins with */
  bool tie_descending;
};

static const struct us_list_field *key_field(const struct run *run, size_t i) {
  return &run->query->list->fields[run->query->keys[i].field];
}

static bool is_descending(const struct run *run, size_t i) {
  return i < run->query->key_count ? run->query->keys[i].descending : run->tie_descending;
}

static const char *order_sql(const struct run *run, size_t i) {
  return i < run->query->key_count ? key_field(run, i)->order : run->source->tie;
}

/* " WHERE" of the run again, as the beginning of another statement. */
static void begin(struct us_list_sql *sql, const struct run *run, struct us_buf *text) {
  sql->text = text;
  sql->count = run->where.count;
  memcpy(sql->values, run->where.values, run->where.count * sizeof(sql->values[0]));
}

/* The parameter of a mark's value at place i of the order. */
static unsigned mark_parameter(struct us_list_sql *sql, const struct run *run, const struct us_list_mark *mark,
                               size_t i) {
  int64_t number = mark->tie;
  if (i < run->query->key_count) {
    int kind = key_field(run, i)->kind;
    if (kind == US_LIST_TEXT || kind == US_LIST_NAME)
      return us_list_text_parameter(sql, mark->values[i]);
    number = us_list_mark_number(mark->values[i]);
  }
  return us_list_i64_parameter(sql, number);
}

static bool is_one_direction(const struct run *run) {
  for (size_t i = 0; i < run->query->key_count; i++) {
    if (is_descending(run, i) != run->tie_descending)
      return false;
  }
  return true;
}

/* (a, b, tie) > ($5, $6, $7) */
static void put_row_value(struct us_list_sql *sql, const struct run *run, const struct us_list_mark *mark) {
  size_t n = run->query->key_count + 1;
  for (size_t i = 0; i < n; i++)
    us_buf_addf(sql->text, "%s%s", i == 0 ? " AND (" : ", ", order_sql(run, i));
  us_buf_add_c(sql->text, run->tie_descending ? ") < (" : ") > (");
  for (size_t i = 0; i < n; i++)
    us_buf_addf(sql->text, "%s$%u", i == 0 ? "" : ", ", mark_parameter(sql, run, mark, i));
  us_buf_add_char(sql->text, ')');
}

/* Keys of both directions: a >= $5 AND (a > $5 OR (b <= $6 AND (b < $6 OR (tie < $7)))). The first of each pair is true behind the
 * mark anyway; an index can begin there. */
static void put_mixed(struct us_list_sql *sql, const struct run *run, const struct us_list_mark *mark) {
  size_t n = run->query->key_count;
  us_buf_add_c(sql->text, " AND (");
  for (size_t i = 0; i < n; i++) {
    const char *key = order_sql(run, i), *sign = is_descending(run, i) ? "<" : ">";
    unsigned place = mark_parameter(sql, run, mark, i);
    us_buf_addf(sql->text, "%s %s= $%u AND (%s %s $%u OR (", key, sign, place, key, sign, place);
  }
  us_buf_addf(sql->text, "%s %s $%u", run->source->tie, run->tie_descending ? "<" : ">",
              mark_parameter(sql, run, mark, n));
  for (size_t i = 0; i < 2 * n + 1; i++)
    us_buf_add_char(sql->text, ')');
}

static void put_behind(struct us_list_sql *sql, const struct run *run, const struct us_list_mark *mark) {
  if (is_one_direction(run))
    put_row_value(sql, run, mark);
  else
    put_mixed(sql, run, mark);
}

static void put_order(struct us_list_sql *sql, const struct run *run) {
  for (size_t i = 0; i <= run->query->key_count; i++)
    us_buf_addf(sql->text, "%s%s%s", i == 0 ? " ORDER BY " : ", ", order_sql(run, i),
                is_descending(run, i) ? " DESC" : "");
}

/* How many expressions stand in a list of select columns. */
static int count_columns(const char *columns) {
  int count = 1, depth = 0;
  bool is_quoted = false;
  for (; *columns; columns++) {
    if (*columns == '\'')
      is_quoted = !is_quoted;
    else if (!is_quoted && *columns == '(')
      depth++;
    else if (!is_quoted && *columns == ')')
      depth--;
    else if (!is_quoted && *columns == ',' && depth == 0)
      count++;
  }
  return count;
}

/* An error of the scratch context, in the caller's: texts of the first go with its memory. */
static enum us_code take_error(struct us_cx *cx, const struct us_cx *inner, enum us_code code) {
  us_fail_plain(cx, code);
  cx->err.text = us_str_dup(cx->mem, inner->err.text);
  cx->err.detail = us_str_dup(cx->mem, inner->err.detail);
  cx->err.retry_after_s = inner->err.retry_after_s;
  return code;
}

static enum us_code renew_scratch(struct us_cx *inner) {
  if (inner->mem != NULL && us_mem_used(inner->mem) < SCRATCH_RENEW_BYTES)
    return US_OK;
  us_mem_free(inner->mem);
  inner->mem = us_mem_root_new(SCRATCH_POOL_BYTES, SCRATCH_MAX_BYTES);
  return inner->mem != NULL ? US_OK : US_E_NO_MEMORY;
}

/* The mark of the row that `rows` stands on. */
static void read_mark(const struct run *run, struct us_rows *rows, struct us_list_mark *ret_mark) {
  int column = count_columns(run->source->columns);
  for (size_t i = 0; i < run->query->key_count; i++)
    ret_mark->values[i] = us_str_dup(run->cx->mem, us_sql_text(rows, column++));
  ret_mark->tie = us_sql_i64(rows, column);
}

/* Rows to `each` until the page is full; *ret_more when there is a row behind it. */
static enum us_code read_rows(const struct run *run, struct us_rows *rows, us_list_each_fn each, void *self,
                              struct us_list_end *end, bool *ret_more) {
  bool has_room = true;
  while (has_room && us_sql_next(rows)) {
    has_room = each(run->cx, self, rows);
    has_room = ++end->written < run->query->page_size && has_room;
    if (!has_room)
      read_mark(run, rows, &end->last);
    if (us_mem_is_spent(rows->cx->mem) || us_mem_is_spent(run->cx->mem))
      return us_fail_plain(rows->cx, US_E_NO_MEMORY);
    if (renew_scratch(rows->cx) != US_OK)
      return US_E_NO_MEMORY;
  }
  *ret_more = us_sql_next(rows);
  return US_OK;
}

static enum us_code read_page(const struct run *run, struct us_list_sql *sql, us_list_each_fn each, void *self,
                              struct us_list_end *end, bool *ret_more) {
  struct us_cx *cx = run->cx;
  struct us_cx inner = {.now_ms = cx->now_ms, .db = cx->db, .svc = cx->svc};
  struct us_rows rows;
  if (renew_scratch(&inner) != US_OK)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  enum us_code code = us_sql_open_composed(&inner, &rows, us_buf_str(sql->text).p, sql->values, sql->count);
  if (code == US_OK) {
    code = read_rows(run, &rows, each, self, end, ret_more);
    enum us_code closed = us_sql_close(&rows);
    code = code != US_OK ? code : closed;
  }
  if (code != US_OK)
    code = take_error(cx, &inner, code);
  us_mem_free(inner.mem);
  return code;
}

static enum us_code check_text(struct us_cx *cx, const struct us_buf *text) {
  return us_buf_ok(text) ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

static enum us_code page(const struct run *run, us_list_each_fn each, void *self, struct us_list_end *end,
                         bool *ret_more) {
  const struct us_list_query *query = run->query;
  struct us_list_sql sql;
  struct us_buf text;
  us_buf_init(&text, TEXT_MAX_BYTES);
  begin(&sql, run, &text);
  us_buf_addf(&text, "SELECT %s", run->source->columns);
  for (size_t i = 0; i <= query->key_count; i++)
    us_buf_addf(&text, ", %s", order_sql(run, i));
  us_buf_add_str(&text, us_buf_str(run->where.text));
  if (query->after != NULL)
    put_behind(&sql, run, query->after);
  put_order(&sql, run);
  us_buf_addf(&text, " LIMIT $%u", us_list_i64_parameter(&sql, query->page_size + 1)); /* one more: is there any? */
  us_buf_addf(&text, " OFFSET $%u", us_list_i64_parameter(&sql, query->offset));
  enum us_code code = check_text(run->cx, &text);
  if (code == US_OK)
    code = read_page(run, &sql, each, self, end, ret_more);
  us_buf_done(&text);
  return code;
}

/* Rows that match; behind `mark` when it is not NULL. */
static enum us_code count(const struct run *run, const struct us_list_mark *mark, int64_t *ret_count) {
  struct us_list_sql sql;
  struct us_buf text;
  struct us_rows rows;
  us_buf_init(&text, TEXT_MAX_BYTES);
  begin(&sql, run, &text);
  us_buf_add_c(&text, "SELECT COUNT(*)");
  us_buf_add_str(&text, us_buf_str(run->where.text));
  if (mark != NULL)
    put_behind(&sql, run, mark);
  enum us_code code = check_text(run->cx, &text);
  if (code == US_OK)
    code = us_sql_open_composed(run->cx, &rows, us_buf_str(&text).p, sql.values, sql.count);
  if (code == US_OK) {
    *ret_count = us_sql_next(&rows) ? us_sql_i64(&rows, 0) : 0;
    code = us_sql_close(&rows);
  }
  us_buf_done(&text);
  return code;
}

/* A total is known without counting when the end was seen; what remains, when the total is. */
static enum us_code count_rest(const struct run *run, bool has_more, struct us_list_end *end) {
  const struct us_list_query *query = run->query;
  bool knows_total = query->after == NULL && !has_more && (end->written > 0 || query->offset == 0);
  if (query->wants_total && knows_total)
    end->total = query->offset + end->written;
  else if (query->wants_total)
    US_TRY(count(run, NULL, &end->total));
  if (!has_more)
    return US_OK;
  if (query->wants_total && query->after == NULL)
    end->remaining = end->total - query->offset - end->written;
  else
    US_TRY(count(run, &end->last, &end->remaining));
  return US_OK;
}

static enum us_code run_all(struct run *run, us_list_each_fn each, void *self, struct us_list_end *ret_end,
                            const char *letters, va_list *args) {
  struct us_list_end end = {.total = -1};
  bool has_more = false;
  us_buf_addf(run->where.text, " FROM %s", run->source->from);
  US_TRY(us_sql_values(run->cx, run->source->from, letters, args, run->where.values, &run->where.count));
  if (run->where.count > US_LIST_FROM_MAX)
    return us_fail(run->cx, US_E_INTERNAL, "a list has too many parameters");
  US_TRY(us_list_put_filter(run->cx, &run->where, run->query->list, run->query->filter));
  US_TRY(check_text(run->cx, run->where.text));
  if (run->query->counts_only) {
    US_TRY(count(run, NULL, &end.total));
  } else {
    US_TRY(page(run, each, self, &end, &has_more));
    US_TRY(count_rest(run, has_more, &end));
  }
  *ret_end = end;
  return US_OK;
}

enum us_code us_list_run(struct us_cx *cx, const struct us_list_query *query, const struct us_list_source *source,
                         us_list_each_fn each, void *self, struct us_list_end *ret_end, const char *letters, ...) {
  struct us_buf where;
  struct run run = {.cx = cx, .query = query, .source = source, .where.text = &where};
  va_list args;
  run.tie_descending = query->key_count > 0 ? query->keys[query->key_count - 1].descending : source->tie_descending;
  us_buf_init(&where, TEXT_MAX_BYTES);
  run.where.backend = cx->db->backend;
  va_start(args, letters);
  cx->db->backend->limit(cx->db, cx->is_on_loop ? US_LIST_LOOP_MS : US_LIST_POOL_MS);
  enum us_code code = run_all(&run, each, self, ret_end, letters, &args);
  cx->db->backend->limit(cx->db, 0);
  va_end(args);
  us_buf_done(&where);
  return code == US_E_TOO_LONG && cx->is_on_loop ? us_fail_plain(cx, US_E_TO_POOL) : code;
}
