/* Server-rendered pages: see page.h. */
#include "endpoint/web/page.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "domain/redirect_uri.h"
#include "domain/token.h"
#include "endpoint/web/asset.h"

/* ---- Text ---- */

static void add_attribute(struct us_buf *out, const char *name, struct us_str value) {
  if (value.p == NULL)
    return;
  us_buf_addf(out, " %s=\"", name);
  us_buf_add_html(out, value, false);
  us_buf_add_char(out, '"');
}

/* Texts from outside stand in <bdi>: their direction and its marks reach no further. */
static void add_outside(struct us_buf *out, struct us_str text) {
  us_buf_add_c(out, "<bdi>");
  us_buf_add_html(out, text, false);
  us_buf_add_c(out, "</bdi>");
}

static void add_words(struct us_buf *out, const char *text, va_list *args) {
  for (const char *gap; (gap = strstr(text, "%s")) != NULL; text = gap + 2) {
    us_buf_add_html(out, (struct us_str){text, (size_t)(gap - text)}, false);
    add_outside(out, va_arg(*args, struct us_str));
  }
  us_buf_add_html(out, us_str_c(text), false);
}

static void add_word(struct us_page *page, enum us_word word) {
  us_buf_add_html(page->out, us_str_c(us_word_text(page->lang, word)), false);
}

/* ---- The frame ---- */

static void begin(struct us_page *page, const char *start, const char *end) {
  us_buf_add_c(page->out, start);
  assert(page->depth < US_PAGE_DEPTH_MAX);
  if (page->depth < US_PAGE_DEPTH_MAX)
    page->open[page->depth++] = end;
}

void us_page_end(struct us_page *page) {
  assert(page->depth > 0);
  if (page->depth > 0)
    us_buf_add_c(page->out, page->open[--page->depth]);
}

static void add_asset(struct us_page *page, const char *before, const struct us_asset *asset, const char *behind) {
  us_buf_add_c(page->out, before);
  us_buf_add_html(page->out, us_asset_path(&page->call->cx, asset), false);
  us_buf_add_c(page->out, behind);
}

void us_page_open(struct us_call *call, int status, enum us_word title, struct us_page *ret_page) {
  us_answer_empty(call, status);
  *ret_page = (struct us_page){.call = call, .out = &call->response->body, .lang = us_page_lang(call)};
  struct us_buf *out = ret_page->out;
  us_buf_addf(out, "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">", us_lang_tag(ret_page->lang));
  us_buf_add_c(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                    "<meta name=\"color-scheme\" content=\"light dark\"><title>");
  add_word(ret_page, title);
  us_buf_add_c(out, " \xC2\xB7 Usher</title>");
  add_asset(ret_page, "<link rel=\"stylesheet\" href=\"", &us_asset_style, "\">");
  add_asset(ret_page, "<link rel=\"icon\" type=\"image/svg+xml\" href=\"", &us_asset_logo, "\"></head>\n<body>");
  add_asset(ret_page, "<header><img class=\"logo\" alt=\"\" width=\"28\" height=\"28\" src=\"", &us_asset_logo,
            "\"><span class=\"brand\">Usher</span></header>\n<main>");
  us_buf_add_c(out, "<h1>");
  add_word(ret_page, title);
  us_buf_add_c(out, "</h1>\n");
}

/* Chromium holds form-action against redirects that answer a form as well. A URI without a host is named by its scheme, and so is one
 * whose host stands in brackets, for which CSP has no form. What could be more than a name of a host there is left out. */
static struct us_str target_source(struct us_page *page) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-+:/";
  struct us_str target = page->form_target;
  const char *colon = target.n > 0 ? memchr(target.p, ':', target.n) : NULL;
  if (colon == NULL && target.n > 0)
    target = us_str_fmt(page->call->cx.mem, "%.*s:", US_STR_ARG(target));
  else if (colon != NULL && memchr(target.p, '[', target.n) != NULL)
    target.n = (size_t)(colon - target.p) + 1;
  for (size_t i = 0; i < target.n; i++) {
    if (memchr(plain, target.p[i], sizeof(plain) - 1) == NULL)
      return US_STR("");
  }
  return target;
}

static struct us_str content_policy(struct us_page *page) {
  struct us_str target = target_source(page);
  return us_str_fmt(page->call->cx.mem,
                    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'%s%.*s; base-uri 'none'; "
                    "frame-ancestors 'none'",
                    target.n > 0 ? " " : "", US_STR_ARG(target));
}

enum us_code us_page_close(struct us_page *page) {
  struct us_call *call = page->call;
  while (page->depth > 0)
    us_page_end(page);
  us_buf_add_c(page->out, "</main></body></html>\n");
  struct us_str policy = content_policy(page);
  if (!us_buf_ok(page->out) || policy.p == NULL)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  us_answer_header(call, "Content-Type", US_STR("text/html;charset=UTF-8"));
  us_answer_header(call, "Content-Language", us_str_c(us_lang_tag(page->lang)));
  us_answer_header(call, "Content-Security-Policy", policy);
  us_answer_header(call, "X-Frame-Options", US_STR("DENY"));
  us_answer_header(call, "Referrer-Policy", US_STR("no-referrer"));
  us_answer_header(call, "Cross-Origin-Opener-Policy", US_STR("same-origin"));
  return US_OK;
}

/* ---- Elements ---- */

void us_page_text(struct us_page *page, enum us_word word, ...) {
  va_list args;
  va_start(args, word);
  us_buf_add_c(page->out, "<p>");
  add_words(page->out, us_word_text(page->lang, word), &args);
  us_buf_add_c(page->out, "</p>\n");
  va_end(args);
}

/* The first one has the id that wrong inputs point to. */
void us_page_alert(struct us_page *page, enum us_word word, ...) {
  va_list args;
  va_start(args, word);
  us_buf_add_c(page->out, page->has_alert ? "<p class=\"alert\" role=\"alert\">"
                                          : "<p class=\"alert\" role=\"alert\" id=\"alert\">");
  add_words(page->out, us_word_text(page->lang, word), &args);
  us_buf_add_c(page->out, "</p>\n");
  page->has_alert = true;
  va_end(args);
}

void us_page_list(struct us_page *page) {
  begin(page, "<ul>\n", "</ul>\n");
}

void us_page_item(struct us_page *page, struct us_str text) {
  us_buf_add_c(page->out, "<li>");
  add_outside(page->out, text);
  us_buf_add_c(page->out, "</li>\n");
}

void us_page_item_word(struct us_page *page, enum us_word word) {
  us_buf_add_c(page->out, "<li>");
  add_word(page, word);
  us_buf_add_c(page->out, "</li>\n");
}

/* Scopes that have a meaning here; the others are the client's and the resource servers' words. */
static const struct {
  const char *scope;
  enum us_word word;
} known_scopes[] = {
    {US_SCOPE_OPENID, US_WORD_SCOPE_OPENID},
    {"profile", US_WORD_SCOPE_PROFILE},
    {"email", US_WORD_SCOPE_EMAIL},
    {US_SCOPE_UMA, US_WORD_SCOPE_UMA},
    {US_SCOPE_SEES_ALL, US_WORD_SCOPE_SEES_ALL},
    {US_SCOPE_SEES_ALL_REALMS, US_WORD_SCOPE_SEES_ALL_REALMS},
};

void us_page_item_scope(struct us_page *page, struct us_str scope) {
  for (size_t i = 0; i < sizeof(known_scopes) / sizeof(known_scopes[0]); i++) {
    if (us_str_eq_c(scope, known_scopes[i].scope)) {
      us_page_item_word(page, known_scopes[i].word);
      return;
    }
  }
  us_page_item(page, scope);
}

void us_page_section(struct us_page *page, struct us_str title) {
  begin(page, "<section>\n<h2>", "</section>\n");
  add_outside(page->out, title);
  us_buf_add_c(page->out, "</h2>\n");
}

void us_page_form(struct us_page *page, struct us_str action, struct us_str leads_to) {
  struct us_str locale = us_page_asked_locale(page->call);
  if (action.p == NULL) {
    struct us_str path = page->call->request->path;
    action =
        locale.n > 0 ? us_str_fmt(page->call->cx.mem, "%.*s?locale=%.*s", US_STR_ARG(path), US_STR_ARG(locale)) : path;
  }
  if (leads_to.n > 0)
    page->form_target = us_redirect_uri_origin(leads_to);
  us_buf_add_c(page->out, "<form method=\"post\"");
  add_attribute(page->out, "action", action);
  begin(page, ">\n", "</form>\n");
}

void us_page_hidden(struct us_page *page, const char *name, struct us_str value) {
  if (value.p == NULL)
    return;
  us_buf_add_c(page->out, "<input type=\"hidden\"");
  add_attribute(page->out, "name", us_str_c(name));
  add_attribute(page->out, "value", value);
  us_buf_add_c(page->out, ">\n");
}

static struct us_str or_absent(const char *text) {
  return text != NULL ? us_str_c(text) : US_STR_ABSENT;
}

void us_page_input(struct us_page *page, const struct us_page_input *input) {
  struct us_buf *out = page->out;
  us_buf_addf(out, "<div class=\"field\"><label for=\"%s\">", input->name);
  add_word(page, input->label);
  us_buf_add_c(out, "</label><input required");
  add_attribute(out, "id", us_str_c(input->name));
  add_attribute(out, "name", us_str_c(input->name));
  add_attribute(out, "type", us_str_c(input->type));
  add_attribute(out, "autocomplete", or_absent(input->autocomplete));
  add_attribute(out, "inputmode", or_absent(input->inputmode));
  add_attribute(out, "value", input->value);
  if (strcmp(input->type, "text") == 0)
    us_buf_add_c(out, " autocapitalize=\"none\" spellcheck=\"false\"");
  if (input->is_wrong)
    us_buf_add_c(out, " aria-invalid=\"true\" aria-describedby=\"alert\"");
  us_buf_add_c(out, input->has_focus ? " autofocus></div>\n" : "></div>\n");
}

void us_page_checkbox(struct us_page *page, const char *name, const char *value, enum us_word label) {
  us_buf_add_c(page->out, "<label class=\"check\"><input type=\"checkbox\"");
  add_attribute(page->out, "name", us_str_c(name));
  add_attribute(page->out, "value", us_str_c(value));
  us_buf_add_c(page->out, "><span>");
  add_word(page, label);
  us_buf_add_c(page->out, "</span></label>\n");
}

void us_page_button(struct us_page *page, const char *name, const char *value, enum us_word label, bool is_main) {
  us_buf_add_c(page->out, is_main ? "<button class=\"main\" type=\"submit\"" : "<button type=\"submit\"");
  add_attribute(page->out, "name", or_absent(name));
  add_attribute(page->out, "value", or_absent(value));
  us_buf_add_char(page->out, '>');
  add_word(page, label);
  us_buf_add_c(page->out, "</button>\n");
}

void us_page_link(struct us_page *page, struct us_str url, enum us_word label) {
  if (url.p == NULL)
    return;
  us_buf_add_c(page->out, "<p><a");
  add_attribute(page->out, "href", url);
  us_buf_add_char(page->out, '>');
  add_word(page, label);
  us_buf_add_c(page->out, "</a></p>\n");
}

/* ---- Errors ---- */

static enum us_word title_of(int status) {
  switch (status) {
  case 401:
    return US_WORD_ERROR_SIGN_IN;
  case 403:
    return US_WORD_ERROR_FORBIDDEN;
  case 404:
    return US_WORD_ERROR_NOT_FOUND;
  case 429:
    return US_WORD_ERROR_SLOW_DOWN;
  case 503:
    return US_WORD_ERROR_BUSY;
  default:
    return status >= 500 ? US_WORD_ERROR_OURS : US_WORD_ERROR_REQUEST;
  }
}

/* Reasons are English, as in OAuth's errors (RFC 6749 4.1.2.1); WCAG 3.1.2 wants that said. */
static void add_reason(struct us_page *page, struct us_str text) {
  us_buf_add_c(page->out, "<p>");
  add_word(page, US_WORD_ERROR_REASON);
  us_buf_add_c(page->out, " <bdi lang=\"en\">");
  us_buf_add_html(page->out, text, false);
  us_buf_add_c(page->out, "</bdi></p>\n");
}

void us_page_error(struct us_call *call, int status, struct us_str text) {
  struct us_page page;
  enum us_word title = title_of(status);
  us_page_open(call, status, title, &page);
  us_page_alert(&page, status >= 500 || status == 429 ? US_WORD_ERROR_TRY_AGAIN : US_WORD_ERROR_NOTHING_DONE);
  if (text.n > 0)
    add_reason(&page, text);
  if (us_page_close(&page) != US_OK) { /* no memory for a page: the status says it */
    us_error_clear(&call->cx);
    us_answer_empty(call, status);
  }
}
