/* The page of somebody who is signed in: who it is, which applications have access, and the way out. */
#include "domain/consent.h"
#include "domain/pct.h"
#include "domain/session.h"
#include "endpoint/crest/login.h"
#include "endpoint/web/login.h"
#include "endpoint/web/page.h"
#include "endpoint/web/redirect.h"

#define APPLICATIONS_MAX 100 /* shown at once; withdrawing brings up the rest */

struct account_form {
  struct us_str csrf, client_id;
};
static const struct us_field fields[] = {
    {.name = "csrf",
     .kind = US_FIELD_STRING,
     .offset = offsetof(struct account_form, csrf),
     .flags = US_FIELD_SECRET,
     .max = 255},
    {.name = "client_id", .kind = US_FIELD_STRING, .offset = offsetof(struct account_form, client_id), .max = 255},
};
const struct us_field_table us_account_form_table = {.size = sizeof(struct account_form), US_FIELDS(fields)};

struct us_str us_web_url(struct us_call *call, const char *page) {
  struct us_str locale = us_page_asked_locale(call);
  return us_str_fmt(call->cx.mem, "%.*s/XUI/%s?realm=%.*s%s%.*s", US_STR_ARG(call->cx.svc->context_path), page,
                    US_STR_ARG(call->realm->path), locale.n > 0 ? "&locale=" : "", US_STR_ARG(locale));
}

static bool has_session(const struct us_call *call) {
  return call->caller.kind == US_CALLER_SESSION && call->caller.login.account.realm_id == call->realm->id;
}

struct showing {
  struct us_page *page;
  size_t count;
};

static bool show_application(struct us_cx *cx, void *self, const struct us_consent *consent) {
  struct showing *showing = self;
  struct us_page *page = showing->page;
  (void)cx;
  us_page_section(page, consent->client_name.n > 0 ? consent->client_name : consent->client_id);
  us_page_list(page);
  for (size_t i = 0; i < consent->scopes.n; i++) {
    if (us_str_eq_c(consent->scopes.v[i], US_PCT_SCOPE))
      us_page_item_word(page, US_WORD_CLAIMS_ALLOWED);
    else
      us_page_item_scope(page, consent->scopes.v[i]);
  }
  us_page_end(page);
  us_page_form(page, us_web_url(page->call, "applications"), US_STR_ABSENT);
  us_page_hidden(page, "csrf", us_csrf_token(page->call));
  us_page_hidden(page, "client_id", consent->client_id);
  us_page_button(page, NULL, NULL, US_WORD_ACCOUNT_WITHDRAW, false);
  us_page_end(page);
  us_page_end(page);
  return ++showing->count < APPLICATIONS_MAX;
}

enum us_code us_account_page_show(struct us_call *call) {
  struct us_page page;
  struct showing showing = {.page = &page};
  struct us_list_query query = {.page_size = APPLICATIONS_MAX};
  struct us_list_end end;
  us_page_open(call, 200, US_WORD_ACCOUNT_TITLE, &page);
  us_page_text(&page, US_WORD_CONSENT_ACCOUNT, call->caller.login.account.name);
  us_page_text(&page, US_WORD_ACCOUNT_APPLICATIONS);
  US_TRY(us_consent_page(&call->cx, call->caller.login.account.id, &query, show_application, &showing, &end));
  if (showing.count == 0)
    us_page_text(&page, US_WORD_ACCOUNT_NO_APPLICATIONS);
  us_page_form(&page, us_web_url(call, "logout"), US_STR_ABSENT);
  us_page_hidden(&page, "csrf", us_csrf_token(call));
  us_page_button(&page, NULL, NULL, US_WORD_SIGN_OUT, false);
  us_page_end(&page);
  return us_page_close(&page);
}

static enum us_code check_form(struct us_call *call) {
  const struct account_form *form = call->input;
  if (us_csrf_ok(call, form->csrf))
    return US_OK;
  return us_fail(&call->cx, US_E_FORBIDDEN, "This form does not belong to your session.");
}

static struct us_str valid_goto(struct us_call *call) {
  struct us_str wanted = us_params_get(&call->query, "goto");
  return us_login_goto_ok(call->cx.svc, &call->realm->settings, wanted) ? wanted : US_STR_ABSENT;
}

/* Nobody is logged out by a link: GET asks. */
enum us_code us_ep_logout_page(struct us_call *call) {
  struct us_page page;
  struct us_str wanted = valid_goto(call);
  if (!has_session(call))
    return us_answer_after_form(call, us_web_url(call, ""));
  us_page_open(call, 200, US_WORD_SIGN_OUT, &page);
  us_page_text(&page, US_WORD_CONSENT_ACCOUNT, call->caller.login.account.name);
  us_page_form(&page, call->request->target, us_goto_leaves(call, wanted) ? wanted : US_STR_ABSENT);
  us_page_hidden(&page, "csrf", us_csrf_token(call));
  us_page_button(&page, NULL, NULL, US_WORD_SIGN_OUT, true);
  us_page_end(&page);
  us_page_link(&page, us_web_url(call, ""), US_WORD_ACCOUNT_BACK);
  return us_page_close(&page);
}

enum us_code us_ep_logout(struct us_call *call) {
  struct us_str wanted = valid_goto(call);
  if (call->caller.kind == US_CALLER_SESSION) {
    US_TRY(check_form(call));
    US_TRY(us_session_end(&call->cx, call->caller.login.session.id));
  }
  if (wanted.p == NULL)
    wanted = us_web_url(call, "");
  US_TRY(us_answer_after_form(call, wanted));
  us_answer_header(call, "Set-Cookie", us_login_cookie_removal(&call->cx));
  return US_OK;
}

enum us_code us_ep_withdraw(struct us_call *call) {
  const struct account_form *form = call->input;
  struct us_consent consent;
  if (!has_session(call))
    return us_answer_after_form(call, us_web_url(call, ""));
  US_TRY(check_form(call));
  enum us_code code = us_consent_find(&call->cx, call->realm, call->caller.login.account.id, form->client_id, &consent);
  if (code == US_OK)
    code = us_consent_withdraw(&call->cx, &consent);
  else if (code == US_E_NOT_FOUND) { /* it is gone already: what was wanted is the case */
    us_error_clear(&call->cx);
    code = US_OK;
  }
  US_TRY(code);
  return us_answer_after_form(call, us_web_url(call, ""));
}
