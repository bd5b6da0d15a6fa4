/*
 * What people see at the authorization endpoint: who asks for what, in whose name, and where they will be taken. The form carries the
 * whole request; nothing is believed because the page had it.
 */
#include "domain/redirect_uri.h"
#include "endpoint/oauth/authorize.h"
#include "endpoint/web/page.h"
#include "endpoint/web/redirect.h"

/* max_age was looked at: who takes long to decide is not sent to the login page for it. */
static void write_form(struct us_call *call, const struct us_authorize *a, struct us_page *page) {
  struct us_redirect_param params[US_AUTHORIZE_PARAMS_MAX];
  size_t n = 0;
  us_authorize_params(call, false, params, &n);
  us_page_form(page, US_STR_ABSENT, a->redirect_uri);
  for (size_t i = 0; i < n; i++)
    us_page_hidden(page, params[i].name, params[i].value);
  us_page_hidden(page, "csrf", us_csrf_token(call));
  us_page_checkbox(page, "save_consent", "on", US_WORD_CONSENT_REMEMBER);
  us_page_button(page, "decision", "allow", US_WORD_ALLOW, true);
  us_page_button(page, "decision", "deny", US_WORD_DENY, false);
  us_page_end(page);
}

enum us_code us_authorize_ask(struct us_call *call, const struct us_authorize *a) {
  struct us_page page;
  us_page_open(call, 200, US_WORD_CONSENT_TITLE, &page);
  us_page_text(&page, US_WORD_CONSENT_ASKS, us_authorize_client_name(&call->cx, &a->client));
  if (a->client.registration_digest.p != NULL)
    us_page_alert(&page, US_WORD_CONSENT_REGISTERED_ITSELF);
  us_page_text(&page, US_WORD_CONSENT_ACCOUNT, a->account->name);
  us_page_link(&page, us_login_page_url(call, US_STR_ABSENT, true, us_authorize_url(call, true)),
               US_WORD_CONSENT_OTHER_ACCOUNT);
  us_page_text(&page, US_WORD_CONSENT_SCOPES);
  us_page_list(&page);
  for (size_t i = 0; i < a->scopes.n; i++)
    us_page_item_scope(&page, a->scopes.v[i]);
  us_page_end(&page);
  us_page_text(&page, US_WORD_CONSENT_LEADS_TO, us_redirect_uri_origin(a->redirect_uri));
  write_form(call, a, &page);
  us_page_text(&page, US_WORD_CONSENT_WITHDRAW);
  return us_page_close(&page);
}

enum us_code us_authorize_warn(struct us_call *call, const struct us_authorize *a, struct us_str url) {
  struct us_page page;
  us_page_open(call, 400, US_WORD_CONSENT_FLAW_TITLE, &page);
  us_page_alert(&page, US_WORD_CONSENT_FLAW, us_authorize_client_name(&call->cx, &a->client));
  us_page_text(&page, US_WORD_CONSENT_REGISTERED_ITSELF);
  us_page_text(&page, US_WORD_CONSENT_LEADS_TO, us_redirect_uri_origin(a->redirect_uri));
  us_page_link(&page, url, US_WORD_CONSENT_GO_ON);
  return us_page_close(&page);
}
