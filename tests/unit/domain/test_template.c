/* Texts of mails: the choice by language, what is escaped, what files may say. */
#include "../unit.h"

#include <stdio.h>

#include "domain/notice.h"
#include "domain/template.h"

#define CREATED "UmaPendingRequestCreationEmail"
#define APPROVED "UmaPendingRequestApprovalEmail"
#define HEAD "Subject: s\n\n"

static struct us_cx *cx;
static struct us_templates *set;

static int up(void **state) {
  cx = unit_cx_new(US_MEM_REQUEST_MAX_BYTES);
  set = us_templates_new();
  assert_non_null(set);
  return 0;
}
static int down(void **state) {
  us_templates_free(set);
  unit_cx_free(cx);
  return 0;
}

static enum us_code add(const char *name, const char *text) {
  us_error_clear(cx);
  return us_templates_add(cx, set, unit_str(name), unit_str(text));
}
static void assert_refused(const char *name, struct us_str text, const char *says) {
  us_error_clear(cx);
  assert_int_equal(us_templates_add(cx, set, unit_str(name), text), US_E_INVALID_REQUEST);
  if (strstr(cx->err.text.p, says) == NULL)
    fail_msg("'%.*s' instead of '%s'", US_STR_ARG(cx->err.text), says);
}
static const char *subject(int kind, const char *first, const char *second) {
  struct us_str locales[] = {unit_str(first), unit_str(second)};
  return us_str_cdup(cx->mem, us_templates_find(set, kind, locales, 2)->subject);
}

static struct us_str expanded(const struct us_template *template, const struct us_template_arguments *arguments) {
  struct us_buf out;
  us_buf_init(&out, 1024 * 1024);
  us_template_expand(template, arguments, &out);
  assert_true(us_buf_ok(&out));
  struct us_str text = us_str_dup(cx->mem, us_buf_str(&out));
  us_buf_done(&out);
  return text;
}
static struct us_str own(const char *html, const struct us_template_arguments *arguments) {
  assert_int_equal(add(CREATED ".xx.html", us_str_fmt(cx->mem, HEAD "%s", html).p), US_OK);
  struct us_str locale = US_STR("xx");
  return expanded(us_templates_find(set, US_NOTICE_PENDING_CREATED, &locale, 1), arguments);
}

/* REST l.1: the subjects of the contract */
static void english_and_german_are_built_in(void **state) {
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "en", NULL), "New Pending Request");
  assert_string_equal(subject(US_NOTICE_PENDING_APPROVED, "en", NULL), "Pending Request Approved");
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "de", NULL), "Neue offene Anfrage");
  assert_string_equal(subject(US_NOTICE_PENDING_APPROVED, "de", NULL), "Anfrage genehmigt");
  assert_null(us_templates_find(set, 99, NULL, 0));
}

static void the_first_language_that_is_spoken_is_taken(void **state) {
  assert_int_equal(add(CREATED ".de-CH.html", "Subject: schweizerisch\n\nx"), US_OK);
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "de-CH", "en"), "schweizerisch");
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "DE-ch", "en"), "schweizerisch");
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "de-CH-1901", "en"), "schweizerisch");
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "de-AT", "en"), "Neue offene Anfrage");
  assert_string_equal(subject(US_NOTICE_PENDING_APPROVED, "de-CH", "en"), "Anfrage genehmigt");
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "fr", "de"), "Neue offene Anfrage");
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, NULL, "de"), "Neue offene Anfrage");
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "", ""), "New Pending Request");
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "fr", "it"), "New Pending Request");
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "d", "deutsch"), "New Pending Request");
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "-", "--"), "New Pending Request");
}

static void every_argument_is_escaped(void **state) {
  struct us_template_arguments hostile;
  for (size_t i = 0; i < US_TEMPLATE_ARGUMENTS_MAX; i++)
    hostile.v[i] = us_str_fmt(cx->mem, "<script>%zu&\"'</script>{%zu}{link}", i, (i + 1) % 5);
  hostile.link = US_STR("\" onclick=\"a('b')&c=<d>");
  assert_str(own("[{0}|{1}|{2}|{3}|{4}|{link}]", &hostile), "[&lt;script&gt;0&amp;&quot;&#39;&lt;/script&gt;{1}{link}|"
                                                            "&lt;script&gt;1&amp;&quot;&#39;&lt;/script&gt;{2}{link}|"
                                                            "&lt;script&gt;2&amp;&quot;&#39;&lt;/script&gt;{3}{link}|"
                                                            "&lt;script&gt;3&amp;&quot;&#39;&lt;/script&gt;{4}{link}|"
                                                            "&lt;script&gt;4&amp;&quot;&#39;&lt;/script&gt;{0}{link}|"
                                                            "&quot; onclick=&quot;a(&#39;b&#39;)&amp;c=&lt;d&gt;]");
  /* The built-in ones have no other way for an argument to come in. */
  for (int kind = US_NOTICE_PENDING_CREATED; kind <= US_NOTICE_PENDING_APPROVED; kind++) {
    const char *const locales[] = {"en", "de"};
    for (size_t i = 0; i < 2; i++) {
      struct us_str locale = unit_str(locales[i]);
      struct us_str text = expanded(us_templates_find(set, kind, &locale, 1), &hostile);
      assert_null(strstr(text.p, "<script"));
      assert_null(strstr(text.p, "onclick=\""));
      assert_non_null(strstr(text.p, "&lt;script&gt;0"));
      assert_non_null(strstr(text.p, "&lt;script&gt;1"));
      assert_non_null(strstr(text.p, "&lt;script&gt;2"));
    }
  }
}

static void braces_that_are_no_argument_stay(void **state) {
  struct us_template_arguments a = {.v = {US_STR("A"), US_STR("B")}, .link = US_STR("L")};
  assert_str(own("p{a:b}{}{{0}}{1{01}{ 0}{link {1}", &a), "p{a:b}{}{A}{1{01}{ 0}{link B");
  assert_str(own("{0}", &a), "A");
  assert_str(own("{0", &a), "{0");
  assert_str(own("{2}-{link}", &a), "-L"); /* an absent one is empty */
}

static void a_long_argument_is_cut_between_characters(void **state) {
  char text[US_TEMPLATE_ARGUMENT_MAX + 8];
  memset(text, 'a', sizeof(text));
  struct us_template_arguments a = {.v = {{text, US_TEMPLATE_ARGUMENT_MAX}}};
  assert_int_equal(own("{0}", &a).n, US_TEMPLATE_ARGUMENT_MAX);
  a.v[0].n = US_TEMPLATE_ARGUMENT_MAX + 1;
  struct us_str cut = own("{0}", &a);
  assert_int_equal(cut.n, US_TEMPLATE_ARGUMENT_MAX + 3);
  assert_string_equal(cut.p + US_TEMPLATE_ARGUMENT_MAX, "\xe2\x80\xa6");
  memcpy(text + US_TEMPLATE_ARGUMENT_MAX - 1, "\xc3\xa4", 2);
  cut = own("{0}", &a);
  assert_int_equal(cut.n, US_TEMPLATE_ARGUMENT_MAX - 1 + 3);
  assert_true(us_str_is_utf8(cut));
}

static void a_file_is_named_after_kind_and_language(void **state) {
  static const char *const bad[] = {
      "",
      CREATED,
      CREATED ".html",
      CREATED "..html",
      CREATED ".d.html",
      CREATED ".de",
      CREATED ".de.txt",
      CREATED ".de.html.bak",
      CREATED ".de_DE.html",
      CREATED ".-de.html",
      CREATED ".de-.html",
      CREATED ".de/../x.html",
      CREATED "s.de.html",
      "umapendingrequestcreationemail.de.html",
      CREATED ".abcdefgh-abcdefgh-abcdefgh-abcdefghi.html", /* 36 */
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_refused(bad[i], US_STR(HEAD "x"), "is not named like");
  assert_int_equal(add(CREATED ".abcdefgh-abcdefgh-abcdefgh-abcdefgh.html", HEAD "x"), US_OK);
  assert_int_equal(add(APPROVED ".pt-BR.html", HEAD "x"), US_OK);
}

#define T(literal)                                                                                                     \
  { (literal), sizeof(literal) - 1 }
static void a_file_has_a_subject_an_empty_line_and_a_text(void **state) {
  static const struct {
    struct us_str text;
    const char *says;
  } bad[] = {
      {T(""), "must begin with a line"},
      {T("<p>"), "must begin with a line"},
      {T("subject: s\n\nx"), "must begin with a line"},
      {T("Subject:\n\nx"), "must have a subject"},
      {T("Subject:   \n\nx"), "must have a subject"},
      {T("Subject: a\tb\n\nx"), "must have a subject"},
      {T("Subject: a\rBcc: b\n\nx"), "must have a subject"},
      {T("Subject: s\nBcc: b\n\nx"), "must have an empty line"},
      {T("Subject: s\n"), "has no text"},
      {T("Subject: s\n\n"), "has no text"},
      {T("Subject: s\n\n\xff"), "is not UTF-8"},
      {T("Subject: s\n\na\0b"), "is not UTF-8"},
      {T(HEAD "{5}"), "names an argument"},
      {T(HEAD "x{9}y"), "names an argument"},
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_refused(CREATED ".de.html", bad[i].text, bad[i].says);
  assert_refused(APPROVED ".de.html", US_STR(HEAD "{3}"), "names an argument");
  assert_refused(APPROVED ".de.html", US_STR(HEAD "{link}"), "names an argument");
  assert_int_equal(add(APPROVED ".de.html", HEAD "{2}"), US_OK);
  assert_int_equal(add(CREATED ".de.html", "Subject:  a \r\n\r\n{4}{link}\r\n"), US_OK);
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "de", NULL), "a ");
  char longest[260];
  for (int n = US_TEMPLATE_SUBJECT_MAX; n <= US_TEMPLATE_SUBJECT_MAX + 1; n++) {
    snprintf(longest, sizeof(longest), "Subject: %0*d\n\nx", n, 0);
    assert_int_equal(add(CREATED ".de.html", longest) == US_OK, n == US_TEMPLATE_SUBJECT_MAX);
  }
}

static void there_are_only_so_many(void **state) {
  char name[80];
  for (int i = 0; i < US_TEMPLATES_MAX - 4; i++) {
    snprintf(name, sizeof(name), CREATED ".x%d.html", i);
    assert_int_equal(add(name, HEAD "x"), US_OK);
  }
  assert_refused(CREATED ".yy.html", US_STR(HEAD "x"), "one too many");
  assert_int_equal(add(CREATED ".x0.html", "Subject: again\n\nx"), US_OK); /* in its own place */
  assert_string_equal(subject(US_NOTICE_PENDING_CREATED, "x0", NULL), "again");
}

#define WITH_SET(test) cmocka_unit_test_setup_teardown(test, up, down)
int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_SET(english_and_german_are_built_in),
      WITH_SET(the_first_language_that_is_spoken_is_taken),
      WITH_SET(every_argument_is_escaped),
      WITH_SET(braces_that_are_no_argument_stay),
      WITH_SET(a_long_argument_is_cut_between_characters),
      WITH_SET(a_file_is_named_after_kind_and_language),
      WITH_SET(a_file_has_a_subject_an_empty_line_and_a_text),
      WITH_SET(there_are_only_so_many),
  };
  return UNIT_RUN(tests);
}
