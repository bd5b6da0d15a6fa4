/* Pages: what comes from outside stays text in every slot, what was opened is closed, and a page that did not fit is none. */
#include "../unit.h"

#include "domain/token.h"
#include "endpoint/web/page.h"

/* Everything that could end a text, a value or a tag; line ends, NUL and DEL; other scripts as they are. */
#define HOSTILE "</p>\"'><b a=1>&amp;\r\n\t\x7f\xC3\xA4"
#define HARMLESS                                                                                                       \
  "&lt;/p&gt;&quot;&#39;&gt;&lt;b a=1&gt;&amp;amp;\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xC3\xA4"

struct fixture {
  struct us_cx *cx;
  struct us_services svc;
  struct us_http_request request;
  struct us_http_response response;
  struct us_call call;
  struct us_page page;
};

static int setup(void **state) {
  struct us_cx *cx = unit_cx_new(US_MEM_REQUEST_MAX_BYTES);
  struct fixture *f = us_mem_zalloc(cx->mem, sizeof(struct fixture));
  assert_non_null(f);
  f->cx = cx;
  f->svc.context_path = US_STR("/am");
  f->request.path = US_STR("/am/XUI/");
  f->call = (struct us_call){.cx = *cx, .request = &f->request, .response = &f->response, .method = US_METHOD_GET};
  f->call.cx.svc = &f->svc;
  us_http_response_init(&f->response);
  *state = f;
  return 0;
}
static int teardown(void **state) {
  struct fixture *f = *state;
  us_http_response_done(&f->response);
  unit_cx_free(f->cx);
  return 0;
}
#define WITH_PAGE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* What the body of <main> is behind its heading. */
static const char *main_of(struct fixture *f) {
  assert_int_equal(us_page_close(&f->page), US_OK);
  const char *text = us_str_cdup(f->call.cx.mem, us_buf_str(&f->response.body));
  const char *start = strstr(text, "</h1>\n"), *end = strstr(text, "</main>");
  assert_non_null(start);
  assert_non_null(end);
  assert_string_equal(end, "</main></body></html>\n");
  start += strlen("</h1>\n");
  return us_str_cdup(f->call.cx.mem, (struct us_str){start, (size_t)(end - start)});
}
static struct us_page *open_page(struct fixture *f) {
  us_page_open(&f->call, 200, US_WORD_SIGN_IN, &f->page);
  return &f->page;
}
static struct us_str header(const struct fixture *f, const char *name) {
  for (size_t i = 0; i < f->response.header_count; i++) {
    if (us_str_eq_c(f->response.headers[i].name, name))
      return f->response.headers[i].value;
  }
  return US_STR_ABSENT;
}

static void texts(struct us_page *page) {
  us_page_text(page, US_WORD_CONSENT_ASKS, US_STR(HOSTILE));
}
static void alerts(struct us_page *page) {
  us_page_alert(page, US_WORD_CONSENT_FLAW, US_STR(HOSTILE));
}
static void items(struct us_page *page) {
  us_page_item(page, US_STR(HOSTILE));
}
static void scopes(struct us_page *page) {
  us_page_item_scope(page, US_STR(HOSTILE));
}
static void sections(struct us_page *page) {
  us_page_section(page, US_STR(HOSTILE));
}
static void actions(struct us_page *page) {
  us_page_form(page, US_STR(HOSTILE), US_STR_ABSENT);
}
static void hidden_values(struct us_page *page) {
  us_page_hidden(page, "state", US_STR(HOSTILE));
}
static void input_values(struct us_page *page) {
  us_page_input(page, &(struct us_page_input){
                          .name = "username", .type = "text", .label = US_WORD_LOGIN_NAME, .value = US_STR(HOSTILE)});
}
static void links(struct us_page *page) {
  us_page_link(page, US_STR(HOSTILE), US_WORD_ACCOUNT_BACK);
}

static void texts_from_outside_stay_texts(void **state) {
  static const struct {
    void (*write)(struct us_page *page);
    const char *html;
  } slots[] = {
      {texts, "<p><bdi>" HARMLESS "</bdi> asks for access in your name.</p>\n"},
      {alerts, "<p class=\"alert\" role=\"alert\" id=\"alert\"><bdi>" HARMLESS
               "</bdi> asked for something that it cannot have.</p>\n"},
      {items, "<li><bdi>" HARMLESS "</bdi></li>\n"},
      {scopes, "<li><bdi>" HARMLESS "</bdi></li>\n"},
      {sections, "<section>\n<h2><bdi>" HARMLESS "</bdi></h2>\n</section>\n"},
      {actions, "<form method=\"post\" action=\"" HARMLESS "\">\n</form>\n"},
      {hidden_values, "<input type=\"hidden\" name=\"state\" value=\"" HARMLESS "\">\n"},
      {input_values,
       "<div class=\"field\"><label for=\"username\">User name</label><input required id=\"username\" "
       "name=\"username\" type=\"text\" value=\"" HARMLESS "\" autocapitalize=\"none\" spellcheck=\"false\"></div>\n"},
      {links, "<p><a href=\"" HARMLESS "\">Back to your account</a></p>\n"},
  };
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
    slots[i].write(open_page(f));
    assert_string_equal(main_of(f), slots[i].html);
  }
}

static void a_nul_is_no_end(void **state) {
  struct fixture *f = *state;
  us_page_item(open_page(f), US_STR("a\0<b>"));
  assert_string_equal(main_of(f), "<li><bdi>a\xEF\xBF\xBD&lt;b&gt;</bdi></li>\n");
}

/* A text from outside that looks like a gap of ours is none. */
static void gaps_are_filled_once(void **state) {
  struct fixture *f = *state;
  us_page_text(open_page(f), US_WORD_CONSENT_ASKS, US_STR("%s%n"));
  assert_string_equal(main_of(f), "<p><bdi>%s%n</bdi> asks for access in your name.</p>\n");
}

static void reasons_of_errors_stay_texts(void **state) {
  struct fixture *f = *state;
  us_page_error(&f->call, 400, US_STR(HOSTILE));
  const char *text = us_str_cdup(f->call.cx.mem, us_buf_str(&f->response.body));
  assert_int_equal(f->response.status, 400);
  assert_non_null(strstr(text, HARMLESS));
  assert_null(strstr(text, "<b a"));
}

/* Our own texts: all there in every language, as many gaps in each, and no markup. */
static void words_are_whole(void **state) {
  (void)state;
  for (int word = 0; word < US_WORD_COUNT; word++) {
    int gaps[US_LANG_COUNT] = {0};
    for (int lang = 0; lang < US_LANG_COUNT; lang++) {
      const char *text = us_word_text((enum us_lang)lang, (enum us_word)word);
      assert_non_null(text);
      assert_true(text[0] != '\0');
      assert_null(strpbrk(text, "<>&\""));
      assert_true(us_str_is_utf8(us_str_c(text)));
      for (const char *at = text; (at = strchr(at, '%')) != NULL; at++) {
        assert_int_equal(at[1], 's');
        gaps[lang]++;
      }
      assert_int_equal(gaps[lang], gaps[0]);
    }
  }
}

static void what_was_opened_is_closed(void **state) {
  struct fixture *f = *state;
  struct us_page *page = open_page(f);
  us_page_section(page, US_STR("a"));
  us_page_list(page);
  us_page_item(page, US_STR("b"));
  us_page_end(page);
  us_page_form(page, US_STR("/c"), US_STR_ABSENT);
  assert_string_equal(main_of(f), "<section>\n<h2><bdi>a</bdi></h2>\n<ul>\n<li><bdi>b</bdi></li>\n</ul>\n"
                                  "<form method=\"post\" action=\"/c\">\n</form>\n</section>\n");
}

static void absent_values_leave_nothing(void **state) {
  struct fixture *f = *state;
  struct us_page *page = open_page(f);
  us_page_hidden(page, "state", US_STR_ABSENT);
  us_page_link(page, US_STR_ABSENT, US_WORD_ACCOUNT_BACK);
  assert_string_equal(main_of(f), "");
  us_page_hidden(open_page(f), "state", US_STR(""));
  assert_string_equal(main_of(f), "<input type=\"hidden\" name=\"state\" value=\"\">\n");
}

static void fields_say_what_is_wrong(void **state) {
  struct fixture *f = *state;
  struct us_page *page = open_page(f);
  us_page_alert(page, US_WORD_LOGIN_CODE_FAILED);
  us_page_alert(page, US_WORD_LOGIN_FAILED);
  us_page_input(page, &(struct us_page_input){.name = "code",
                                              .type = "text",
                                              .autocomplete = "one-time-code",
                                              .inputmode = "numeric",
                                              .label = US_WORD_LOGIN_CODE,
                                              .has_focus = true,
                                              .is_wrong = true});
  const char *html = main_of(f);
  const char *id = strstr(html, "id=\"alert\"");
  assert_non_null(id);
  assert_null(strstr(id + 1, "id=\"alert\"")); /* an id is there once */
  assert_non_null(strstr(html, "<label for=\"code\">"));
  assert_non_null(strstr(html, "<input required id=\"code\" name=\"code\" type=\"text\" autocomplete=\"one-time-code\" "
                               "inputmode=\"numeric\" autocapitalize=\"none\" spellcheck=\"false\" "
                               "aria-invalid=\"true\" aria-describedby=\"alert\" autofocus>"));
}

static void known_scopes_are_explained(void **state) {
  struct fixture *f = *state;
  us_page_item_scope(open_page(f), US_STR(US_SCOPE_OPENID));
  assert_non_null(strstr(main_of(f), "know who you are"));
  us_page_item_scope(open_page(f), US_STR("openid2"));
  assert_string_equal(main_of(f), "<li><bdi>openid2</bdi></li>\n");
}

/* CSP: a place is named by origin or scheme, and nothing that could be more than a name gets into the policy. */
static void forms_lead_to_one_place(void **state) {
  static const struct {
    const char *leads_to, *source;
  } rows[] = {{NULL, ""},
              {"https://photos.example:8443/cb?x=1#y", " https://photos.example:8443"},
              {"http://127.0.0.1:9/cb", " http://127.0.0.1:9"},
              {"http://[::1]:9/cb", " http:"},
              {"com.example.app:/cb", " com.example.app:"},
              {"com.example.app:cb?x", " com.example.app:"},
              {"https://a;script-src/", ""},
              {"https://a,b/", ""},
              {"https://*/", ""},
              {"https://*.example/", ""},
              {"https://u@h.example/", ""},
              {"https://a'b/", ""},
              {"'unsafe-inline':x", ""},
              {"https://a b/", ""}};
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    us_page_form(open_page(f), US_STR("/x"), us_str_c(rows[i].leads_to));
    (void)main_of(f);
    assert_str(header(f, "Content-Security-Policy"),
               us_str_cdup(f->call.cx.mem, us_str_fmt(f->call.cx.mem,
                                                      "default-src 'none'; style-src 'self'; img-src 'self'; "
                                                      "form-action 'self'%s; base-uri 'none'; frame-ancestors 'none'",
                                                      rows[i].source)));
  }
}

static void every_page_has_its_headers(void **state) {
  struct fixture *f = *state;
  (void)open_page(f);
  (void)main_of(f);
  assert_str(header(f, "Content-Type"), "text/html;charset=UTF-8");
  assert_str(header(f, "Content-Language"), "en");
  assert_str(header(f, "X-Frame-Options"), "DENY");
  assert_str(header(f, "Referrer-Policy"), "no-referrer");
  assert_str(header(f, "Cross-Origin-Opener-Policy"), "same-origin");
  us_http_response_header(&f->response, "X-Old", US_STR("1"));
  (void)open_page(f); /* a step that runs twice starts over */
  (void)main_of(f);
  assert_null(header(f, "X-Old").p);
}

/* A page that does not fit is an error, not the front half of one. */
static void a_page_that_does_not_fit_is_none(void **state) {
  struct fixture *f = *state;
  us_buf_done(&f->response.body);
  us_buf_init(&f->response.body, 1024);
  struct us_page *page = open_page(f);
  for (int i = 0; i < 100; i++)
    us_page_item(page, US_STR("0123456789"));
  assert_int_equal(us_page_close(page), US_E_NO_MEMORY);
  us_error_clear(&f->call.cx);
  us_buf_done(&f->response.body);
  us_buf_init(&f->response.body, 256);
  us_page_error(&f->call, 404, US_STR("x"));
  assert_int_equal(f->response.status, 404);
  assert_int_equal(f->response.body.n, 0);
  assert_int_equal(f->call.cx.err.code, US_OK);
}

/* RFC 9110 12.4.2, 12.5.4. */
static void languages_are_weighed(void **state) {
  static const struct {
    const char *list;
    enum us_lang lang;
  } rows[] = {{"de", US_LANG_DE},
              {"DE-at", US_LANG_DE},
              {"en;q=0.9,de;q=1.0", US_LANG_DE},
              {"en;q=0.001 , de ; q=0.002", US_LANG_DE},
              {"de;q=0.9, en", US_LANG_EN},
              {"de, en", US_LANG_DE},
              {"de;q=0", US_LANG_EN},
              {"de;q=0.0000", US_LANG_EN},
              {"de;q=1.1", US_LANG_EN},
              {"de;q=2", US_LANG_EN},
              {"de;q=x", US_LANG_EN},
              {"de;q=", US_LANG_EN},
              {"de;level=1;q=0.5", US_LANG_DE},
              {"deu", US_LANG_EN},
              {"*", US_LANG_EN},
              {";;;,,,=,q", US_LANG_EN},
              {"", US_LANG_EN}};
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const struct us_http_header line = {US_STR("accept-language"), us_str_c(rows[i].list)};
    f->request.headers = &line;
    f->request.header_count = 1;
    assert_int_equal(us_page_lang(&f->call), rows[i].lang);
  }
}

/* Entries behind the thirty-second are not looked at. */
static void long_lists_are_cut(void **state) {
  struct fixture *f = *state;
  char list[3 * 32 + 3];
  for (int before = 31; before <= 32; before++) {
    size_t n = 0;
    for (int i = 0; i < before; i++, n += 3)
      memcpy(list + n, "fr,", 3);
    memcpy(list + n, "de", 3);
    const struct us_http_header line = {US_STR("accept-language"), us_str_c(list)};
    f->request.headers = &line;
    f->request.header_count = 1;
    assert_int_equal(us_page_lang(&f->call), before == 31 ? US_LANG_DE : US_LANG_EN);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_PAGE(texts_from_outside_stay_texts), WITH_PAGE(a_nul_is_no_end),
      WITH_PAGE(gaps_are_filled_once),          WITH_PAGE(reasons_of_errors_stay_texts),
      cmocka_unit_test(words_are_whole),        WITH_PAGE(what_was_opened_is_closed),
      WITH_PAGE(absent_values_leave_nothing),   WITH_PAGE(fields_say_what_is_wrong),
      WITH_PAGE(known_scopes_are_explained),    WITH_PAGE(forms_lead_to_one_place),
      WITH_PAGE(every_page_has_its_headers),    WITH_PAGE(a_page_that_does_not_fit_is_none),
      WITH_PAGE(languages_are_weighed),         WITH_PAGE(long_lists_are_cut),
  };
  return UNIT_RUN(tests);
}
