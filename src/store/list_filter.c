/*
 * Filters as SQL (list_filter.h). Every piece of text is ours: from the collection's table, or below. What a caller wrote is a
 * parameter.
 *
 * Negations are pushed down to the comparisons, so that a comparison with a missing value (NULL) is plainly false, and its
 * negation true: AND and OR of such are right without more.
 *
 * A parser's stack is small: SQLite's takes about thirty brackets inside one another, the contract's filters 256. So the outer
 * levels are AND, OR and brackets, and what is deeper is arithmetic: & and | have one precedence and go from left to right on
 * every database, and when of each level the heaviest part stands first, without brackets, the others nest no deeper than
 * the logarithm of their number:
 *
 *   a AND (b OR (c AND (d OR e)))     becomes     d | e & c | b & a     (each CASE WHEN d THEN 1 ELSE 0 END)
 */
#include "store/list_filter.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

#define PLAIN_LEVELS 6

struct put {
  struct us_cx *cx;
  struct us_list_sql *sql;
  const struct us_list *list;
  bool has_failed; /* a filter that was not checked against its list */
};

static unsigned parameter(struct us_list_sql *sql, struct us_value value) {
  if (sql->count == US_SQL_PARAMETERS_MAX) {
    sql->text->failed = true;
    return 0;
  }
  sql->values[sql->count++] = value;
  return (unsigned)sql->count;
}

unsigned us_list_text_parameter(struct us_list_sql *sql, struct us_str text) {
  return parameter(sql, (struct us_value){.kind = US_VALUE_TEXT, .text = text});
}

unsigned us_list_i64_parameter(struct us_list_sql *sql, int64_t number) {
  return parameter(sql, (struct us_value){.kind = US_VALUE_I64, .i64 = number});
}

/* A whole decimal number with or without a minus; false when it is none or does not fit. */
static bool read_i64(struct us_str text, int64_t *ret_number) {
  bool is_negative = text.n > 1 && text.p[0] == '-';
  struct us_str digits = is_negative ? (struct us_str){text.p + 1, text.n - 1} : text;
  uint64_t value = 0;
  if (!us_str_to_u64(digits, INT64_MAX, &value))
    return false;
  *ret_number = is_negative ? -(int64_t)value : (int64_t)value;
  return true;
}

int64_t us_list_mark_number(struct us_str text) {
  int64_t number = 0;
  (void)read_i64(text, &number);
  return number;
}

static const char *const signs[] = {
    [US_OP_EQ] = "=", [US_OP_LT] = "<", [US_OP_LE] = "<=", [US_OP_GT] = ">", [US_OP_GE] = ">="};

static void put_nothing(struct put *put) {
  us_buf_add_c(put->sql->text, "FALSE");
}

static void put_present(struct put *put, const char *sql) {
  us_buf_addf(put->sql->text, "%s IS NOT NULL", sql);
}

/* Portable ways to say "contains" and "starts with" that know no wildcards. */
static void put_text(struct put *put, const char *sql, const struct us_filter *f, struct us_str value) {
  struct us_buf *text = put->sql->text;
  if (f->op == US_OP_CO && value.n == 0) { /* replace() leaves everything as it is */
    put_present(put, sql);
    return;
  }
  unsigned n = us_list_text_parameter(put->sql, value);
  switch (f->op) {
  case US_OP_CO:
    us_buf_addf(text, "replace(%s, $%u, '') <> %s", sql, n, sql);
    break;
  case US_OP_SW:
    us_buf_addf(text, "substr(%s, 1, length($%u)) = $%u", sql, n, n);
    break;
  default:
    us_buf_addf(text, "%s %s $%u", sql, signs[f->op], n);
  }
}

/* A whole number against any: the sign that holds for the next whole one. False when the answer does not depend on the row;
 * *ret_always is it then. */
static bool round_number(const struct us_filter *f, int64_t *ret_number, bool *ret_always) {
  bool wants_less = f->op == US_OP_LT || f->op == US_OP_LE;
  double whole = f->op == US_OP_LT || f->op == US_OP_GE ? ceil(f->number) : floor(f->number);
  *ret_always = false;
  if (read_i64(f->text, ret_number))
    return true;
  if (f->op == US_OP_EQ && whole != f->number)
    return false;
  if (whole >= 0x1p63 || whole < -0x1p63) {
    *ret_always = f->op != US_OP_EQ && wants_less == (whole > 0);
    return false;
  }
  *ret_number = (int64_t)whole;
  return true;
}

static void put_number(struct put *put, const char *sql, const struct us_filter *f) {
  int64_t number = 0;
  bool is_always = false;
  if (round_number(f, &number, &is_always))
    us_buf_addf(put->sql->text, "%s %s $%u", sql, signs[f->op], us_list_i64_parameter(put->sql, number));
  else if (is_always)
    put_present(put, sql);
  else
    put_nothing(put);
}

static bool is_order(int op) {
  return op == US_OP_EQ || op == US_OP_LT || op == US_OP_LE || op == US_OP_GT || op == US_OP_GE;
}

/* A value of another type than the field's equals nothing; nothing is contained in a number. */
static bool can_match(const struct us_list_field *field, const struct us_filter *f) {
  if (f->op == US_OP_OTHER || (field->ops & US_LIST_OP(f->op)) == 0)
    return false;
  if (f->op == US_OP_PR)
    return true;
  switch (field->kind) {
  case US_LIST_NUMBER:
    return f->value_kind == US_FILTER_NUMBER && is_order(f->op);
  case US_LIST_BOOL:
    return f->value_kind == US_FILTER_BOOLEAN && f->op == US_OP_EQ;
  default:
    return f->value_kind == US_FILTER_STRING;
  }
}

static void put_value(struct put *put, const struct us_list_field *field, const char *sql, const struct us_filter *f) {
  if (f->op == US_OP_PR) {
    put_present(put, sql);
    return;
  }
  switch (field->kind) {
  case US_LIST_TEXT:
    put_text(put, sql, f, f->text);
    break;
  case US_LIST_NAME:
    put_text(put, sql, f, us_str_fold(put->cx->mem, f->text));
    break;
  case US_LIST_NUMBER:
    put_number(put, sql, f);
    break;
  case US_LIST_BOOL:
    us_buf_addf(put->sql->text, "%s = $%u", sql, us_list_i64_parameter(put->sql, f->truth));
    break;
  }
}

/* The text before the '@' of a piece; what follows it is returned. */
static const char *put_before(struct put *put, const char *piece) {
  const char *at = strchr(piece, '@');
  us_buf_add(put->sql->text, piece, at ? (size_t)(at - piece) : strlen(piece));
  return at ? at + 1 : "";
}

static void put_comparison(struct put *put, const struct us_filter *f, bool negated) {
  struct us_buf *text = put->sql->text;
  const struct us_list_field *field = f->slot < put->list->field_count ? &put->list->fields[f->slot] : NULL;
  if (field == NULL || (field->ops != 0 && field->sql == NULL && field->elements == NULL)) {
    put->has_failed = true;
    return;
  }
  if (!can_match(field, f)) {
    us_buf_add_c(text, negated ? "TRUE" : "FALSE");
    return;
  }
  us_buf_add_c(text, negated ? "(" : "");
  const char *behind_wrap = field->wrap ? put_before(put, field->wrap) : "";
  if (field->elements != NULL) {
    us_buf_add_c(text, "EXISTS (SELECT 1 FROM ");
    const char *behind = put_before(put, put->sql->backend->elements);
    us_buf_addf(text, "%s%s WHERE ", field->elements, behind);
    put_value(put, field, "e.value", f);
    us_buf_add_char(text, ')');
  } else {
    put_value(put, field, field->sql, f);
  }
  us_buf_add_c(text, behind_wrap);
  us_buf_add_c(text, negated ? ") IS NOT TRUE" : "");
}

/* Through negations to what is below them. */
static const struct us_filter *below_not(const struct us_filter *f, bool *negated) {
  for (; f->kind == US_FILTER_NOT; f = f->first)
    *negated = !*negated;
  return f;
}

static bool is_leaf(const struct us_filter *f) {
  return f->kind != US_FILTER_AND && f->kind != US_FILTER_OR;
}

static size_t weight(const struct us_filter *f) {
  size_t sum = is_leaf(f) && f->kind != US_FILTER_NOT;
  for (const struct us_filter *part = f->first; part != NULL; part = part->next)
    sum += weight(part);
  return sum;
}

static void put_leaf(struct put *put, const struct us_filter *f, bool negated) {
  if (f->kind == US_FILTER_COMPARE)
    put_comparison(put, f, negated);
  else
    us_buf_add_c(put->sql->text, (f->kind == US_FILTER_TRUE) != negated ? "TRUE" : "FALSE");
}

static void put_bits(struct put *put, const struct us_filter *f, bool negated) {
  struct us_buf *text = put->sql->text;
  const struct us_filter *heaviest = NULL;
  size_t most = 0;
  f = below_not(f, &negated);
  if (is_leaf(f)) {
    us_buf_add_c(text, "CASE WHEN ");
    put_leaf(put, f, negated);
    us_buf_add_c(text, " THEN 1 ELSE 0 END");
    return;
  }
  for (const struct us_filter *part = f->first; part != NULL; part = part->next) {
    size_t n = weight(part);
    if (n > most) {
      most = n;
      heaviest = part;
    }
  }
  put_bits(put, heaviest, negated);
  const char *joint = (f->kind == US_FILTER_AND) != negated ? " & (" : " | (";
  for (const struct us_filter *part = f->first; part != NULL; part = part->next) {
    if (part == heaviest)
      continue;
    us_buf_add_c(text, joint);
    put_bits(put, part, negated);
    us_buf_add_char(text, ')');
  }
}

static void put_filter(struct put *put, const struct us_filter *f, bool negated, unsigned level) {
  struct us_buf *text = put->sql->text;
  f = below_not(f, &negated);
  if (is_leaf(f)) {
    put_leaf(put, f, negated);
    return;
  }
  us_buf_add_char(text, '(');
  if (level == PLAIN_LEVELS) {
    put_bits(put, f, negated);
    us_buf_add_c(text, ") = 1");
    return;
  }
  const char *joint = (f->kind == US_FILTER_AND) != negated ? " AND " : " OR ";
  for (const struct us_filter *part = f->first; part != NULL; part = part->next) {
    us_buf_add_c(text, part == f->first ? "" : joint);
    put_filter(put, part, negated, level + 1);
  }
  us_buf_add_char(text, ')');
}

enum us_code us_list_put_filter(struct us_cx *cx, struct us_list_sql *sql, const struct us_list *list,
                                const struct us_filter *filter) {
  struct put put = {.cx = cx, .sql = sql, .list = list};
  if (filter->kind == US_FILTER_TRUE)
    return US_OK;
  us_buf_add_c(sql->text, " AND ");
  put_filter(&put, filter, false, 0);
  if (us_mem_is_spent(cx->mem))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return put.has_failed ? us_fail(cx, US_E_INTERNAL, "a filter was not checked against its list") : US_OK;
}

struct demand {
  const char *field;
  struct us_str text; /* absent: any */
  bool fold, negated;
};

static bool is_demanded(const struct demand *demand, const struct us_filter *f) {
  if (f->op != US_OP_EQ || f->value_kind != US_FILTER_STRING || !us_str_eq_c(f->field, demand->field))
    return false;
  if (demand->text.p == NULL)
    return true;
  return demand->fold ? us_str_eq_nocase(f->text, demand->text) : us_str_eq(f->text, demand->text);
}

/* `holds`: what the filter must come to for the whole to be true. All parts of an AND must be true for it to be true, all of an OR
 * false for it to be false; of the rest nothing is known. */
static const struct us_filter *find_demand(const struct us_filter *f, bool holds, const struct demand *demand) {
  const struct us_filter *found = NULL;
  switch (f->kind) {
  case US_FILTER_COMPARE:
    return holds != demand->negated && is_demanded(demand, f) ? f : NULL;
  case US_FILTER_NOT:
    return find_demand(f->first, !holds, demand);
  case US_FILTER_AND:
  case US_FILTER_OR:
    if (holds != (f->kind == US_FILTER_AND))
      return NULL;
    for (const struct us_filter *part = f->first; part != NULL && found == NULL; part = part->next)
      found = find_demand(part, holds, demand);
    return found;
  default:
    return NULL;
  }
}

const struct us_filter *us_filter_demanded(const struct us_filter *filter, const char *field, bool negated) {
  return find_demand(filter, true, &(struct demand){.field = field, .negated = negated});
}

bool us_filter_demands(const struct us_filter *filter, const char *field, struct us_str text, bool fold, bool negated) {
  return find_demand(filter, true, &(struct demand){.field = field, .text = text, .fold = fold, .negated = negated}) !=
         NULL;
}
