/*
 * The claims interaction endpoint (protocol contract 7), where the browser of the requesting party is. GET shows who asks for what and
 * records nothing about the person; only the form behind it does. Client and redirection URI are looked at first, and what is wrong with
 * them is said on a page of ours; everything else that is wrong goes back to the client (7.2, UG-66, Q32). The rules are in
 * domain/claims.h.
 */
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "domain/claims.h"
#include "domain/client.h"
#include "domain/redirect_uri.h"
#include "domain/settings.h"
#include "endpoint/crest/login.h"
#include "endpoint/oauth/authorize.h"
#include "endpoint/uma/uma.h"
#include "endpoint/web/page.h"
#include "endpoint/web/redirect.h"

#define STATE_MAX_BYTES 4096
#define URI_MAX_BYTES 2048 /* more than a registered one can have */

struct claims_form {
  struct us_str client_id, ticket, claims_redirect_uri, state, code_challenge, code_challenge_method;
  struct us_str ui_locales;                   /* for the page */
  struct us_str csrf, decision, save_consent; /* POST only */
};
#define ROW(member, flag, most)                                                                                        \
  {                                                                                                                    \
    .name = #member, .kind = US_FIELD_STRING, .offset = offsetof(struct claims_form, member), .flags = flag,           \
    .max = most                                                                                                        \
  }
static const struct us_field fields[] = {
    ROW(client_id, 0, US_CLIENT_ID_MAX),
    ROW(ticket, US_FIELD_SECRET, 4096),
    ROW(claims_redirect_uri, 0, URI_MAX_BYTES),
    ROW(state, 0, STATE_MAX_BYTES),
    ROW(code_challenge, 0, 255),
    ROW(code_challenge_method, 0, 255),
    ROW(ui_locales, 0, 255),
    ROW(csrf, US_FIELD_SECRET, 255),
    ROW(decision, 0, 255),
    ROW(save_consent, 0, 255),
};
const struct us_field_table us_claims_table = {.size = sizeof(struct claims_form), US_FIELDS(fields)};

/* What the steps hand on to each other. */
struct claims {
  struct us_claims_request in;
  struct us_client client;
  struct us_str redirect_uri;
  bool may_speak;    /* there is a session that says who the requesting party is */
  const char *error; /* for the client; NULL: none */
  struct us_handle next;
};

static bool has_form(const struct us_call *call) {
  const struct us_str form = US_STR("application/x-www-form-urlencoded");
  struct us_str type = us_http_header(call->request, "content-type");
  return call->request->body.n > 0 && type.n >= form.n && us_str_eq_nocase((struct us_str){type.p, form.n}, form);
}

/* Q30: a GET with a form in its body, as the product's sample has it; the query wins. */
static enum us_code add_body(struct us_call *call) {
  struct claims_form *form = call->input;
  if (call->method != US_METHOD_GET || !has_form(call))
    return US_OK;
  struct claims_form *more = US_NEW(call->cx.mem, struct claims_form);
  if (!more)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  US_TRY(us_field_from_form(&call->cx, &us_claims_table, call->request->body, more));
  for (size_t i = 0; i < us_claims_table.n; i++) {
    size_t offset = us_claims_table.fields[i].offset;
    struct us_str *mine = (struct us_str *)(void *)((char *)form + offset);
    if (!mine->p)
      *mine = *(const struct us_str *)(const void *)((const char *)more + offset);
  }
  return US_OK;
}

/* 7.2 step 1. */
static enum us_code find_client(struct us_call *call, struct claims *c) {
  struct us_cx *cx = &call->cx;
  const struct claims_form *form = call->input;
  if (!form->client_id.p)
    return us_fail(cx, US_E_INVALID_REQUEST, "Missing parameters: client_id");
  enum us_code code = us_client_by_id(cx, call->realm->id, form->client_id, &c->client);
  if (code == US_E_NOT_FOUND || (code == US_OK && !c->client.is_active))
    return us_fail(cx, US_E_INVALID_REQUEST, "The client is not known");
  US_TRY(code);
  US_TRY(us_claims_redirect_uri(cx, &c->client, form->claims_redirect_uri, &c->redirect_uri));
  return form->ticket.p ? US_OK : us_fail(cx, US_E_INVALID_REQUEST, "Missing parameters: ticket");
}

static bool is_allowed(const struct claims_form *form) {
  return us_str_eq_c(form->decision, "allow");
}

/* 7.3. Looked at before the ticket, so that a forged form does nothing at all. */
static enum us_code check_decision(struct us_call *call) {
  const struct claims_form *form = call->input;
  if (!form->decision.p)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "Missing parameters: decision");
  if (!is_allowed(form) && !us_str_eq_c(form->decision, "deny"))
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "The decision must be allow or deny");
  if (!us_csrf_ok(call, form->csrf))
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "The form does not belong to this session");
  return US_OK;
}

/* Goes back to the client. The reason stays in cx->err, for the log line. */
static enum us_code send_back(struct claims *c, const char *error) {
  c->error = error;
  return US_OK;
}

/* This very page, with the ticket that is good now. */
static struct us_str page_url(struct us_call *call, struct us_str ticket) {
  const struct claims_form *form = call->input;
  const struct us_redirect_param params[] = {
      {"client_id", form->client_id},
      {"ticket", ticket},
      {"claims_redirect_uri", form->claims_redirect_uri},
      {"state", form->state},
      {"code_challenge", form->code_challenge},
      {"code_challenge_method", form->code_challenge_method},
      {"ui_locales", form->ui_locales},
  };
  struct us_str here = us_str_fmt(call->cx.mem, "%.*s/claims_gathering", US_STR_ARG(call->realm->uma_url));
  return us_redirect_uri(&call->cx, here, params, sizeof(params) / sizeof(params[0]));
}

/* A page that the login page could not lead back to (its `goto` has a limit) must not cost the ticket. */
static bool fits_login(struct us_call *call) {
  char longest[US_HANDLE_TEXT_BYTES - 1];
  memset(longest, 'x', sizeof(longest));
  struct us_str url = page_url(call, (struct us_str){longest, sizeof(longest)});
  return url.p && url.n <= US_LOGIN_GOTO_MAX_BYTES;
}

/* 7.2 step 2, as far as it can be seen without touching the ticket: US_E_INVALID_REQUEST or US_E_NOT_FOUND for the client. */
static enum us_code check_request(struct us_call *call, struct claims *c) {
  struct us_cx *cx = &call->cx;
  const struct claims_form *form = call->input;
  c->in = (struct us_claims_request){.realm = call->realm, .client = &c->client, .ticket = form->ticket};
  US_TRY(us_claims_challenge(cx, &c->in, form->code_challenge, form->code_challenge_method));
  if (!c->may_speak && !fits_login(call))
    return us_fail(cx, US_E_INVALID_REQUEST, "The request is too long to come back from the login page");
  return us_claims_ticket_ok(cx, &c->in);
}

enum us_code us_ep_claims_prepare(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct claims *c = US_NEW(cx->mem, struct claims);
  if (!c)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  call->state = c;
  c->may_speak = call->caller.kind == US_CALLER_SESSION && us_claims_session_ok(call->realm, &call->caller.login);
  if (call->method == US_METHOD_POST && !c->may_speak)
    return us_fail_plain(cx, US_E_NO_SESSION);
  US_TRY(add_body(call));
  US_TRY(find_client(call, c));
  if (call->method == US_METHOD_POST)
    US_TRY(check_decision(call));
  enum us_code code = check_request(call, c);
  if (code != US_E_INVALID_REQUEST && code != US_E_NOT_FOUND)
    return code;
  call->needs_no_write = true;
  return send_back(c, "invalid_request");
}

static enum us_code run(struct us_call *call, struct claims *c) {
  const struct claims_form *form = call->input;
  if (call->method == US_METHOD_GET)
    return c->may_speak ? us_claims_show(&call->cx, &c->in) : us_claims_postpone(&call->cx, &c->in, &c->next);
  if (is_allowed(form))
    return us_claims_allow(&call->cx, &c->in, &call->caller.login.account, us_str_eq_c(form->save_consent, "on"),
                           &c->next);
  return us_claims_deny(&call->cx, &c->in);
}

enum us_code us_ep_claims_run(struct us_call *call) {
  struct claims *c = call->state;
  enum us_code code = run(call, c);
  c->error = NULL;
  if (code == US_E_NOT_FOUND)
    return send_back(c, "invalid_request"); /* Q32; and another client's process that was ended is committed */
  if (code == US_OK && call->method == US_METHOD_POST && !is_allowed(call->input))
    return send_back(c, "access_denied");
  return code;
}

/* 7.2 step 3. A session of another journey or realm would lead straight back here: then the page asks all the same. */
static enum us_code send_to_login(struct us_call *call, const struct claims *c) {
  struct us_str back = page_url(call, (struct us_str){c->next.text, c->next.n});
  struct us_str login = us_login_page_url(call, us_settings_claims_journey(&call->realm->settings),
                                          call->caller.kind == US_CALLER_SESSION, back);
  if (!back.p || !login.p)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  return us_answer_redirect(call, login, NULL, 0);
}

/* RFC 9700 4.11.2 (SB-19): anybody can register a client and send people through us by a request that fails. Then the person says whether
 * to go there; who has pressed a button of ours has said so. */
static bool is_to_be_shown(const struct us_call *call, const struct claims *c) {
  return c->error && call->method == US_METHOD_GET && c->client.registration_digest.p;
}

static enum us_code answer_client(struct us_call *call, const struct claims *c) {
  const struct claims_form *form = call->input;
  const struct us_redirect_param params[] = {
      {"error", us_str_c(c->error)},
      {"ticket", c->error ? US_STR_ABSENT : (struct us_str){c->next.text, c->next.n}},
      {"state", form->state},
  };
  size_t count = sizeof(params) / sizeof(params[0]);
  if (!is_to_be_shown(call, c))
    return us_answer_redirect(call, c->redirect_uri, params, count);
  const struct us_authorize who = {.client = c->client, .redirect_uri = c->redirect_uri};
  return us_authorize_warn(call, &who, us_redirect_uri(&call->cx, c->redirect_uri, params, count));
}

/* "2031-05-10 08:00 UTC" */
static struct us_str date_text(struct us_cx *cx, int64_t at_s) {
  time_t at = (time_t)at_s;
  struct tm tm;
  char text[32];
  if (!gmtime_r(&at, &tm) || strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm) == 0)
    return US_STR_ABSENT;
  return us_str_dup(cx->mem, us_str_c(text));
}

static void write_form(struct us_call *call, const struct claims *c, struct us_page *page) {
  const struct claims_form *form = call->input;
  us_page_form(page, US_STR_ABSENT, c->redirect_uri);
  us_page_hidden(page, "client_id", form->client_id);
  us_page_hidden(page, "ticket", form->ticket);
  us_page_hidden(page, "claims_redirect_uri", form->claims_redirect_uri);
  us_page_hidden(page, "state", form->state);
  us_page_hidden(page, "code_challenge", form->code_challenge);
  us_page_hidden(page, "code_challenge_method", form->code_challenge_method);
  us_page_hidden(page, "ui_locales", form->ui_locales);
  us_page_hidden(page, "csrf", us_csrf_token(call));
  us_page_checkbox(page, "save_consent", "on", US_WORD_CLAIMS_REMEMBER);
  us_page_text(page, US_WORD_CLAIMS_REMEMBERED,
               date_text(&call->cx, us_cx_now_s(&call->cx) + call->realm->settings.pct_s));
  us_page_button(page, "decision", "allow", US_WORD_ALLOW, true);
  us_page_button(page, "decision", "deny", US_WORD_DENY, false);
  us_page_end(page);
}

/* 7.2 step 4: which client asks, as whom, what is told and what is kept (UG-72, UG-75). */
static enum us_code show_page(struct us_call *call, const struct claims *c) {
  struct us_page page;
  const struct claims_form *form = call->input;
  us_page_open(call, 200, US_WORD_CLAIMS_TITLE, &page);
  us_page_text(&page, US_WORD_CLAIMS_ASKS, us_authorize_client_name(&call->cx, &c->client));
  if (c->client.registration_digest.p)
    us_page_alert(&page, US_WORD_CONSENT_REGISTERED_ITSELF);
  us_page_text(&page, US_WORD_CONSENT_ACCOUNT, call->caller.login.account.name);
  us_page_link(
      &page,
      us_login_page_url(call, us_settings_claims_journey(&call->realm->settings), true, page_url(call, form->ticket)),
      US_WORD_CONSENT_OTHER_ACCOUNT);
  us_page_list(&page);
  us_page_item_word(&page, US_WORD_CLAIMS_DECIDED);
  us_page_item_word(&page, US_WORD_CLAIMS_TOLD);
  us_page_item_word(&page, US_WORD_CLAIMS_NOT_TOLD);
  us_page_item_word(&page, US_WORD_CLAIMS_KEPT);
  us_page_end(&page);
  us_page_text(&page, US_WORD_CONSENT_LEADS_TO, us_redirect_uri_origin(c->redirect_uri));
  write_form(call, c, &page);
  us_page_text(&page, US_WORD_CLAIMS_WITHDRAW);
  return us_page_close(&page);
}

enum us_code us_ep_claims_finish(struct us_call *call) {
  const struct claims *c = call->state;
  if (c->error || call->method == US_METHOD_POST)
    return answer_client(call, c);
  return c->may_speak ? show_page(call, c) : send_to_login(call, c);
}
