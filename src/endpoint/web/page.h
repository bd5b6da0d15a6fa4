/*
 * Server-rendered pages: login, consent, claims gathering, what went wrong. They work without JavaScript; one look, one way of
 * escaping, one set of headers (SB-08 to SB-10: strict CSP, no framing, no referrer, nothing from other sites).
 *
 *   struct us_page page;
 *   us_page_open(call, 200, US_WORD_CONSENT_TITLE, &page);
 *   us_page_text(&page, US_WORD_CONSENT_ASKS, client_name);      <p>, %s of the word's text replaced
 *   us_page_form(&page, US_STR_ABSENT, redirect_uri);            POST to this URL; it may lead to that URI
 *   us_page_hidden(&page, "csrf", us_csrf_token(call));
 *   us_page_button(&page, "decision", "allow", US_WORD_ALLOW, true);
 *   us_page_end(&page);                                          closes the innermost of form, list, section
 *   us_page_close(&page);
 *
 * Every text that is given is escaped; words are ours, in the language of the request. What does not fit into memory shows in
 * us_page_close().
 */
#ifndef USHER_ENDPOINT_WEB_PAGE_H
#define USHER_ENDPOINT_WEB_PAGE_H

#include "endpoint/call.h"

/* All texts, each in every language: endpoint/web/words.def. */
enum us_word {
#define US_WORD(name, english, german) US_WORD_##name,
#include "endpoint/web/words.def"
#undef US_WORD
  US_WORD_COUNT
};
enum us_lang { US_LANG_EN, US_LANG_DE, US_LANG_COUNT };

#define US_PAGE_DEPTH_MAX 8
struct us_page {
  struct us_call *call;
  struct us_buf *out; /* the body of the answer */
  enum us_lang lang;
  const char *open[US_PAGE_DEPTH_MAX]; /* end tags that are due */
  unsigned depth;
  bool has_alert;
  struct us_str
      form_target; /* origin that the forms of the page may lead to besides us (CSP form-action); absent: none */
};

/* The language of a request: `ui_locales` or `locale` of the query, else Accept-Language, else the realm's, else English. */
enum us_lang us_page_lang(struct us_call *call);
const char *us_lang_tag(enum us_lang lang); /* "en" */
const char *us_word_text(enum us_lang lang, enum us_word word);
/* "de", when a parameter of the query asked for a language that there is; absent otherwise. Our own links and forms carry it on. */
struct us_str us_page_asked_locale(struct us_call *call);

void us_page_open(struct us_call *call, int status, enum us_word title, struct us_page *ret_page);
enum us_code us_page_close(struct us_page *page) US_MUST_CHECK;   /* headers too; US_E_NO_MEMORY, US_E_TOO_LARGE */
void us_page_text(struct us_page *page, enum us_word word, ...);  /* <p>; as many struct us_str as the text has %s */
void us_page_alert(struct us_page *page, enum us_word word, ...); /* the same, as role="alert": what went wrong */
/* <ul>; each item a text of our own or from outside. */
void us_page_list(struct us_page *page);
void us_page_item(struct us_page *page, struct us_str text);
void us_page_item_word(struct us_page *page, enum us_word word);
void us_page_item_scope(struct us_page *page, struct us_str scope); /* what it means, where it is one of ours */
/* A part with a heading from outside; ended by us_page_end(). */
void us_page_section(struct us_page *page, struct us_str title);
/* A POST form. `action` absent: this very URL without its query, but for the language. `leads_to`: a URI outside that the answer will redirect to. */
void us_page_form(struct us_page *page, struct us_str action, struct us_str leads_to);
void us_page_hidden(struct us_page *page, const char *name, struct us_str value); /* absent: left out */
struct us_page_input {
  const char *name, *type, *autocomplete; /* "username", "text", "username" */
  const char *inputmode;                  /* NULL without */
  enum us_word label;
  struct us_str value;
  bool has_focus, is_wrong;
};
void us_page_input(struct us_page *page, const struct us_page_input *input); /* with its <label> */
void us_page_checkbox(struct us_page *page, const char *name, const char *value, enum us_word label);
void us_page_button(struct us_page *page, const char *name, const char *value, enum us_word label, bool is_main);
void us_page_link(struct us_page *page, struct us_str url, enum us_word label);
void us_page_end(struct us_page *page);

/* An error as a page; never redirects. Called by route/ for rows of style US_STYLE_PAGE, unless the request's Accept would rather have
 * JSON. `text` says what went wrong, absent: nothing in particular. */
void us_page_error(struct us_call *call, int status, struct us_str text);
bool us_page_is_unwanted(struct us_call *call); /* Accept prefers application/json to text/html */

/* Forged requests (protocol contract 3.2, 7.4; SB-20). What a form carries is the SHA-256 of the session's token in lower-case hex;
 * accepted are that, the same in base64url, and the token itself, all in constant time. Absent / false without a session. */
struct us_str us_csrf_token(struct us_call *call);
bool us_csrf_ok(struct us_call *call, struct us_str shown);

/* Where a browser without a session goes: BASE/XUI/?realm=...&goto=URL. `journey` absent: the realm's own; `force`: also with a
 * session (prompt=login). `url` is one of ours. */
struct us_str us_login_page_url(struct us_call *call, struct us_str journey, bool force, struct us_str url);

#endif
