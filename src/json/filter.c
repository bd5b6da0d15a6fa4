/* The filter parser and walker: see filter.h. Recursive descent; a level of the text is one bracket or one negation. */
#include "json/filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NUMBER_MAX_BYTES 40
#define QUOTED_MAX_BYTES 256 /* of the filter, in the refusal */

struct parser {
  struct us_cx *cx;
  struct us_str text;
  size_t at;
  unsigned depth, terms;
  bool no_memory;
};

static struct us_filter *parse_or(struct parser *p);

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c) {
  return !is_blank(c) && c != '(' && c != ')' && c != '"' && c != '\'' && c != '!';
}

static void skip_blanks(struct parser *p) {
  while (p->at < p->text.n && is_blank(p->text.p[p->at]))
    p->at++;
}

static bool at_char(struct parser *p, char c) {
  skip_blanks(p);
  return p->at < p->text.n && p->text.p[p->at] == c;
}

/* The word that comes next, without taking it; empty at a bracket, a quote or the end. */
static struct us_str peek_word(struct parser *p) {
  skip_blanks(p);
  size_t end = p->at;
  while (end < p->text.n && is_word(p->text.p[end]))
    end++;
  return (struct us_str){p->text.p + p->at, end - p->at};
}

static bool take_keyword(struct parser *p, const char *keyword) {
  struct us_str word = peek_word(p);
  if (!us_str_eq_nocase(word, us_str_c(keyword)))
    return false;
  p->at += word.n;
  return true;
}

static struct us_filter *node(struct parser *p, int kind) {
  struct us_filter *f = US_NEW(p->cx->mem, struct us_filter);
  if (f == NULL) {
    p->no_memory = true;
    return NULL;
  }
  f->kind = kind;
  return f;
}

static struct us_filter *term(struct parser *p, int kind) {
  return ++p->terms > US_FILTER_MAX_TERMS ? NULL : node(p, kind);
}

static const struct {
  const char *name;
  int op;
} operators[] = {{"eq", US_OP_EQ}, {"co", US_OP_CO}, {"sw", US_OP_SW}, {"lt", US_OP_LT},
                 {"le", US_OP_LE}, {"gt", US_OP_GT}, {"ge", US_OP_GE}, {"pr", US_OP_PR}};

static bool take_operator(struct parser *p, struct us_filter *f) {
  struct us_str word = peek_word(p);
  if (word.n == 0)
    return false;
  for (size_t i = 0; i < word.n; i++) { /* ExtendedOp = [A-Za-z_0-9.]+ */
    char c = word.p[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_letter && c != '_' && c != '.')
      return false;
  }
  p->at += word.n;
  f->op = US_OP_OTHER;
  f->op_text = word;
  for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
    if (us_str_eq_nocase(word, us_str_c(operators[i].name)))
      f->op = operators[i].op;
  }
  return true;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* JSON's number grammar. */
static bool is_number(struct us_str s) {
  size_t i = s.n > 0 && s.p[0] == '-' ? 1 : 0;
  size_t digits = i;
  while (i < s.n && is_digit(s.p[i]))
    i++;
  if (i == digits || (s.p[digits] == '0' && i - digits > 1))
    return false;
  if (i < s.n && s.p[i] == '.') {
    digits = ++i;
    while (i < s.n && is_digit(s.p[i]))
      i++;
    if (i == digits)
      return false;
  }
  if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
    i++;
    if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
      i++;
    digits = i;
    while (i < s.n && is_digit(s.p[i]))
      i++;
    if (i == digits)
      return false;
  }
  return i == s.n;
}

static int hex4(const char *p) {
  int value = 0;
  for (int i = 0; i < 4; i++) {
    char c = p[i];
    int digit = is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

static size_t put_utf8(char *out, unsigned c) {
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  if (c < 0x800) {
    out[0] = (char)(0xC0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3F));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = (char)(0xE0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 0x3F));
    out[2] = (char)(0x80 | (c & 0x3F));
    return 3;
  }
  out[0] = (char)(0xF0 | c >> 18);
  out[1] = (char)(0x80 | (c >> 12 & 0x3F));
  out[2] = (char)(0x80 | (c >> 6 & 0x3F));
  out[3] = (char)(0x80 | (c & 0x3F));
  return 4;
}

/* The four digits behind \u, with those of a second half. Returns bytes taken; 0 for what is no character. */
static size_t unescape_u(struct us_str s, char *out, size_t *ret_n) {
  int high = s.n >= 4 ? hex4(s.p) : -1;
  if (high <= 0 || (high >= 0xDC00 && high <= 0xDFFF))
    return 0;
  if (high < 0xD800 || high > 0xDFFF) {
    *ret_n = put_utf8(out, (unsigned)high);
    return 4;
  }
  int low = s.n >= 10 && s.p[4] == '\\' && s.p[5] == 'u' ? hex4(s.p + 6) : -1;
  if (low < 0xDC00 || low > 0xDFFF)
    return 0;
  *ret_n = put_utf8(out, 0x10000u + ((unsigned)(high - 0xD800) << 10) + (unsigned)(low - 0xDC00));
  return 10;
}

/* One escape behind its backslash. Returns bytes taken, 0 when it is none. An escape never gets longer. */
static size_t unescape(struct us_str s, char *out, size_t *ret_n) {
  static const char names[] = "bfnrt", bytes[] = "\b\f\n\r\t";
  *ret_n = 1;
  if (s.n == 0)
    return 0;
  if (s.p[0] == 'u') {
    size_t taken = unescape_u((struct us_str){s.p + 1, s.n - 1}, out, ret_n);
    return taken == 0 ? 0 : taken + 1;
  }
  const char *name = strchr(names, s.p[0]);
  *out = name != NULL && *name != '\0' ? bytes[name - names] : s.p[0];
  return 1;
}

/* Where the string that begins at `at` is closed; text.n when it is not. */
static size_t find_close(struct us_str text, size_t at, char quote) {
  while (at < text.n && text.p[at] != quote)
    at += text.p[at] == '\\' ? 2 : 1;
  return at < text.n ? at : text.n;
}

static bool take_string(struct parser *p, struct us_str *ret_text) {
  char quote = p->text.p[p->at++];
  size_t close = find_close(p->text, p->at, quote), n = 0;
  if (close == p->text.n)
    return false;
  char *out = us_mem_alloc(p->cx->mem, close - p->at + 1);
  if (out == NULL) {
    p->no_memory = true;
    return false;
  }
  while (p->at < close) {
    if (p->text.p[p->at] != '\\') {
      out[n++] = p->text.p[p->at++];
      continue;
    }
    size_t made = 0;
    size_t taken = unescape((struct us_str){p->text.p + p->at + 1, close - p->at - 1}, out + n, &made);
    if (taken == 0)
      return false;
    p->at += 1 + taken;
    n += made;
  }
  p->at++;
  out[n] = '\0';
  *ret_text = (struct us_str){out, n};
  return us_str_is_utf8(*ret_text); /* a backslash before half of a character */
}

static bool take_value(struct parser *p, struct us_filter *f) {
  if (at_char(p, '"') || at_char(p, '\'')) {
    f->value_kind = US_FILTER_STRING;
    return take_string(p, &f->text);
  }
  struct us_str word = peek_word(p);
  p->at += word.n;
  f->text = word;
  if (us_str_eq_nocase(word, US_STR("true")) || us_str_eq_nocase(word, US_STR("false"))) {
    f->value_kind = US_FILTER_BOOLEAN;
    f->truth = word.n == 4;
    return true;
  }
  if (word.n > NUMBER_MAX_BYTES || !is_number(word))
    return false;
  char digits[NUMBER_MAX_BYTES + 1];
  memcpy(digits, word.p, word.n);
  digits[word.n] = '\0';
  f->value_kind = US_FILTER_NUMBER;
  f->number = strtod(digits, NULL);
  return true;
}

static struct us_filter *parse_primary(struct parser *p) {
  if (at_char(p, '(')) {
    if (++p->depth > US_FILTER_MAX_DEPTH)
      return NULL;
    p->at++;
    struct us_filter *inner = parse_or(p);
    if (inner == NULL || !at_char(p, ')'))
      return NULL;
    p->at++;
    p->depth--;
    return inner;
  }
  struct us_str field = peek_word(p);
  if (field.n == 0)
    return NULL;
  p->at += field.n;
  if (us_str_eq_nocase(field, US_STR("true")))
    return term(p, US_FILTER_TRUE);
  if (us_str_eq_nocase(field, US_STR("false")))
    return term(p, US_FILTER_FALSE);
  struct us_filter *f = term(p, US_FILTER_COMPARE);
  if (f == NULL)
    return NULL;
  if (field.p[0] == '/')
    field = (struct us_str){field.p + 1, field.n - 1};
  f->field = field;
  if (field.n == 0 || !take_operator(p, f))
    return NULL;
  return f->op == US_OP_PR || take_value(p, f) ? f : NULL;
}

static struct us_filter *parse_not(struct parser *p) {
  if (!at_char(p, '!'))
    return parse_primary(p);
  if (++p->depth > US_FILTER_MAX_DEPTH)
    return NULL;
  p->at++;
  struct us_filter *f = node(p, US_FILTER_NOT);
  if (f == NULL || (f->first = parse_not(p)) == NULL)
    return NULL;
  p->depth--;
  return f;
}

/* `a and b and c` is one node with three children, so that depth of the tree is depth of the text. */
static struct us_filter *parse_chain(struct parser *p, const char *keyword, int kind,
                                     struct us_filter *(*parse_part)(struct parser *p)) {
  struct us_filter *first = parse_part(p);
  if (first == NULL || !take_keyword(p, keyword))
    return first;
  struct us_filter *chain = node(p, kind);
  struct us_filter *last = first;
  if (chain == NULL)
    return NULL;
  chain->first = first;
  do {
    last->next = parse_part(p);
    last = last->next;
  } while (last != NULL && take_keyword(p, keyword));
  return last == NULL ? NULL : chain;
}

static struct us_filter *parse_and(struct parser *p) {
  return parse_chain(p, "and", US_FILTER_AND, parse_not);
}

static struct us_filter *parse_or(struct parser *p) {
  return parse_chain(p, "or", US_FILTER_OR, parse_and);
}

static enum us_code refuse(struct us_cx *cx, struct us_str text) {
  struct us_str shown = {text.p, text.n < QUOTED_MAX_BYTES ? text.n : QUOTED_MAX_BYTES};
  while (shown.n > 0 && !us_str_is_utf8(shown)) /* not in the middle of a character */
    shown.n--;
  return us_fail(cx, US_E_INVALID_REQUEST,
                 "The value '%.*s' for parameter '_queryFilter' could not be parsed as a valid query filter",
                 US_STR_ARG(shown));
}

enum us_code us_filter_parse(struct us_cx *cx, struct us_str text, struct us_filter **ret_filter) {
  struct parser p = {.cx = cx, .text = text};
  if (text.n > US_FILTER_MAX_BYTES || us_str_has_nul(text))
    return refuse(cx, text);
  struct us_filter *filter = parse_or(&p);
  if (p.no_memory)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  skip_blanks(&p);
  if (filter == NULL || p.at != text.n)
    return refuse(cx, text);
  *ret_filter = filter;
  return US_OK;
}

enum us_code us_filter_check(struct us_cx *cx, struct us_filter *filter, us_filter_check_fn check, void *self) {
  if (filter->kind == US_FILTER_COMPARE)
    return check(cx, self, filter);
  for (struct us_filter *f = filter->first; f != NULL; f = f->next)
    US_TRY(us_filter_check(cx, f, check, self));
  return US_OK;
}

bool us_filter_matches(const struct us_filter *filter, us_filter_holds_fn holds, void *self) {
  switch (filter->kind) {
  case US_FILTER_COMPARE:
    return holds(self, filter);
  case US_FILTER_NOT:
    return !us_filter_matches(filter->first, holds, self);
  case US_FILTER_AND:
  case US_FILTER_OR:
    for (const struct us_filter *f = filter->first; f != NULL; f = f->next) {
      if (us_filter_matches(f, holds, self) == (filter->kind == US_FILTER_OR))
        return filter->kind == US_FILTER_OR;
    }
    return filter->kind == US_FILTER_AND;
  default:
    return filter->kind == US_FILTER_TRUE;
  }
}

int us_filter_constant(const struct us_filter *filter) {
  bool is_open = false;
  switch (filter->kind) {
  case US_FILTER_COMPARE:
    return -1;
  case US_FILTER_NOT: {
    int inner = us_filter_constant(filter->first);
    return inner < 0 ? -1 : !inner;
  }
  case US_FILTER_AND:
  case US_FILTER_OR:
    for (const struct us_filter *f = filter->first; f != NULL; f = f->next) {
      int part = us_filter_constant(f);
      if (part == (filter->kind == US_FILTER_OR))
        return part;
      is_open = is_open || part < 0;
    }
    return is_open ? -1 : filter->kind == US_FILTER_AND;
  default:
    return filter->kind == US_FILTER_TRUE;
  }
}

static int fold_byte(char c, bool fold) {
  return fold && c >= 'A' && c <= 'Z' ? c | 0x20 : (unsigned char)c;
}

static int compare_text(struct us_str a, struct us_str b, bool fold) {
  size_t n = a.n < b.n ? a.n : b.n;
  for (size_t i = 0; i < n; i++) {
    int x = fold_byte(a.p[i], fold), y = fold_byte(b.p[i], fold);
    if (x != y)
      return x < y ? -1 : 1;
  }
  return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

static bool order_holds(int op, int sign) {
  switch (op) {
  case US_OP_EQ:
    return sign == 0;
  case US_OP_LT:
    return sign < 0;
  case US_OP_LE:
    return sign <= 0;
  case US_OP_GT:
    return sign > 0;
  case US_OP_GE:
    return sign >= 0;
  default:
    return false;
  }
}

bool us_filter_text_holds(const struct us_filter *comparison, struct us_str text, bool fold) {
  struct us_str wanted = comparison->text;
  if (comparison->op == US_OP_PR)
    return text.p != NULL;
  if (text.p == NULL || comparison->value_kind != US_FILTER_STRING)
    return false;
  if (comparison->op != US_OP_CO && comparison->op != US_OP_SW)
    return order_holds(comparison->op, compare_text(text, wanted, fold));
  size_t last = comparison->op == US_OP_SW ? 0 : text.n >= wanted.n ? text.n - wanted.n : 0;
  for (size_t i = 0; i <= last && i + wanted.n <= text.n; i++) {
    if (compare_text((struct us_str){text.p + i, wanted.n}, wanted, fold) == 0)
      return true;
  }
  return false;
}

bool us_filter_number_holds(const struct us_filter *comparison, int64_t number) {
  if (comparison->op == US_OP_PR)
    return true;
  if (comparison->value_kind != US_FILTER_NUMBER)
    return false;
  double mine = (double)number; /* milliseconds since 1970 are exact in a double */
  return order_holds(comparison->op, mine < comparison->number ? -1 : mine > comparison->number);
}
