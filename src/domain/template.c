/* Texts of mails: see template.h. */
#include "domain/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "domain/notice.h"
#include "domain/template_text.h"

#define US_TEMPLATES_MAX_BYTES (US_TEMPLATES_MAX * (US_TEMPLATE_FILE_MAX + 8 * 1024))
#define US_LOCALE_MAX 35 /* as an account's */

struct us_templates {
  void *mem;
  struct us_template list[US_TEMPLATES_MAX];
  size_t n;
};

/* Names as the contract has the keys of their subjects, and what may stand in their texts. */
static const struct kind {
  int kind;
  const char *name;
  size_t arguments;
  bool has_link;
} kinds[] = {
    {US_NOTICE_PENDING_CREATED, "UmaPendingRequestCreationEmail", 5, true},
    {US_NOTICE_PENDING_APPROVED, "UmaPendingRequestApprovalEmail", 3, false},
};

static struct us_str cut(struct us_str s, size_t from) {
  return (struct us_str){s.p + from, s.n - from};
}
static struct us_str front(struct us_str s, size_t n) {
  return (struct us_str){s.p, n};
}

/* ---- Placeholders ---- */

/* What stands at the beginning of `text`: 0 to 9 for {0} to {9}, LINK for {link}, NONE for anything else. */
enum { NONE = -1, LINK = 10 };
static int placeholder(struct us_str text, size_t *ret_bytes) {
  static const struct us_str link = {"{link}", 6};
  if (us_str_starts(text, link)) {
    *ret_bytes = link.n;
    return LINK;
  }
  if (text.n < 3 || text.p[0] != '{' || text.p[1] < '0' || text.p[1] > '9' || text.p[2] != '}')
    return NONE;
  *ret_bytes = 3;
  return text.p[1] - '0';
}

/* No longer than US_TEMPLATE_ARGUMENT_MAX, cut between characters. */
static void add_argument(struct us_buf *out, struct us_str text) {
  size_t n = text.n;
  if (n > US_TEMPLATE_ARGUMENT_MAX) {
    n = US_TEMPLATE_ARGUMENT_MAX;
    while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
      n--;
  }
  us_buf_add_html(out, front(text, n), true);
  if (n < text.n)
    us_buf_add_c(out, "\xe2\x80\xa6"); /* U+2026 */
}

void us_template_expand(const struct us_template *template, const struct us_template_arguments *arguments,
                        struct us_buf *out) {
  struct us_str html = template->html;
  size_t start = 0, bytes = 0;
  for (size_t i = 0; i < html.n;) {
    int which = placeholder(cut(html, i), &bytes);
    if (which == NONE) {
      i++;
      continue;
    }
    us_buf_add(out, html.p + start, i - start);
    add_argument(out, which == LINK ? arguments->link : arguments->v[which]);
    i += bytes;
    start = i;
  }
  us_buf_add(out, html.p + start, html.n - start);
}

/* ---- Files ---- */

/* Letters, digits and hyphens, as locales of accounts are. */
static bool is_locale(struct us_str s) {
  bool ok = s.n >= 2 && s.n <= US_LOCALE_MAX;
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    ok &= (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c == '-' && i > 0 && i + 1 < s.n);
  }
  return ok;
}

/* "UmaPendingRequestCreationEmail.de.html" */
static const struct kind *read_name(struct us_str name, struct us_str *ret_locale) {
  static const struct us_str ending = {".html", 5};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    size_t n = strlen(kinds[i].name);
    if (name.n <= n + 1 + ending.n || !us_str_starts(name, us_str_c(kinds[i].name)) || name.p[n] != '.' ||
        !us_str_eq(cut(name, name.n - ending.n), ending))
      continue;
    *ret_locale = front(cut(name, n + 1), name.n - n - 1 - ending.n);
    return is_locale(*ret_locale) ? &kinds[i] : NULL;
  }
  return NULL;
}

/* The next line of *text without its end. */
static struct us_str take_line(struct us_str *text) {
  const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
  size_t n = end ? (size_t)(end - text->p) : text->n;
  struct us_str line = front(*text, n);
  *text = cut(*text, end ? n + 1 : n);
  if (line.n > 0 && line.p[line.n - 1] == '\r')
    line.n--;
  return line;
}

static bool has_control(struct us_str s) {
  for (size_t i = 0; i < s.n; i++) {
    if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
      return true;
  }
  return false;
}

/* Reads the head and leaves *text at the HTML. Returns what is wrong, or NULL. */
static const char *read_head(struct us_str *text, struct us_str *ret_subject) {
  static const struct us_str word = {"Subject:", 8};
  if (text->n > US_TEMPLATE_FILE_MAX)
    return "is longer than 65536 bytes";
  if (us_str_has_nul(*text) || !us_str_is_utf8(*text))
    return "is not UTF-8 text";
  struct us_str subject = take_line(text);
  if (!us_str_starts(subject, word))
    return "must begin with a line 'Subject: ...'";
  subject = cut(subject, word.n);
  while (subject.n > 0 && subject.p[0] == ' ')
    subject = cut(subject, 1);
  if (subject.n == 0 || subject.n > US_TEMPLATE_SUBJECT_MAX || has_control(subject))
    return "must have a subject of 1 to 200 bytes without control characters";
  if (take_line(text).n != 0)
    return "must have an empty line behind its subject";
  if (text->n == 0)
    return "has no text";
  *ret_subject = subject;
  return NULL;
}

static const char *check_placeholders(const struct kind *kind, struct us_str html) {
  size_t bytes = 0;
  for (size_t i = 0; i < html.n; i++) {
    int which = placeholder(cut(html, i), &bytes);
    if (which == LINK ? !kind->has_link : which >= (int)kind->arguments)
      return "names an argument that mails of this kind do not have";
  }
  return NULL;
}

static struct us_template *slot_for(struct us_templates *t, int kind, struct us_str locale) {
  for (size_t i = 0; i < t->n; i++) {
    if (t->list[i].kind == kind && us_str_eq_nocase(t->list[i].locale, locale))
      return &t->list[i];
  }
  return t->n < US_TEMPLATES_MAX ? &t->list[t->n++] : NULL;
}

enum us_code us_templates_add(struct us_cx *cx, struct us_templates *t, struct us_str file_name, struct us_str text) {
  struct us_str locale, subject, html = text;
  const struct kind *kind = read_name(file_name, &locale);
  if (kind == NULL)
    return us_fail(
        cx, US_E_INVALID_REQUEST,
        "is not named like UmaPendingRequestCreationEmail.de.html or UmaPendingRequestApprovalEmail.de.html");
  const char *flaw = read_head(&html, &subject);
  if (flaw == NULL)
    flaw = check_placeholders(kind, html);
  if (flaw != NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "%s", flaw);
  struct us_template made = {
      .kind = kind->kind,
      .locale = us_str_dup(t->mem, locale),
      .subject = us_str_dup(t->mem, subject),
      .html = us_str_dup(t->mem, html),
  };
  if (made.locale.p == NULL || made.subject.p == NULL || made.html.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  struct us_template *slot = slot_for(t, made.kind, made.locale);
  if (slot == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "is one too many: there may be %d", US_TEMPLATES_MAX);
  *slot = made;
  return US_OK;
}

/* ---- Sets ---- */

struct us_templates *us_templates_new(void) {
  struct us_templates *t = calloc(1, sizeof(*t));
  if (t == NULL)
    return NULL;
  t->mem = us_mem_root_new(0, US_TEMPLATES_MAX_BYTES);
  struct us_cx cx = {.mem = t->mem};
  bool ok = t->mem != NULL;
  for (size_t i = 0; ok && i < sizeof(us_template_texts) / sizeof(us_template_texts[0]); i++)
    ok = us_templates_add(&cx, t, us_str_c(us_template_texts[i].file_name), us_str_c(us_template_texts[i].text)) ==
         US_OK;
  if (ok)
    return t;
  us_templates_free(t);
  return NULL;
}

void us_templates_free(struct us_templates *t) {
  if (t == NULL)
    return;
  us_mem_free(t->mem);
  free(t);
}

static const struct us_template *find_exact(const struct us_templates *t, int kind, struct us_str locale) {
  for (size_t i = 0; i < t->n; i++) {
    if (t->list[i].kind == kind && us_str_eq_nocase(t->list[i].locale, locale))
      return &t->list[i];
  }
  return NULL;
}

/* "de-CH" without its last part is "de"; without that, nothing. */
static struct us_str shorter(struct us_str locale) {
  while (locale.n > 0 && locale.p[locale.n - 1] != '-')
    locale.n--;
  if (locale.n > 0)
    locale.n--;
  return locale;
}

const struct us_template *us_templates_find(const struct us_templates *t, int kind, const struct us_str *locales,
                                            size_t n) {
  for (size_t i = 0; i < n; i++) {
    for (struct us_str locale = locales[i]; locale.n > 0; locale = shorter(locale)) {
      const struct us_template *found = find_exact(t, kind, locale);
      if (found != NULL)
        return found;
    }
  }
  return find_exact(t, kind, US_STR("en"));
}
