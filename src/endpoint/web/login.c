/*
 * The login page: GET shows it, POST logs in (docs/adr/0020). Where the browser goes on to, the flow and the language stand in the
 * query of both; the form holds what is typed, and what ties it to this browser.
 *
 * Nobody may be logged in by another site (RFC 9700 4.7.1): a cookie of random bits comes with the page, the form carries its digest, and
 * a POST needs both; else the page comes again, with 403 and nothing of what the form held. Behind the password, where the realm asks for
 * a code, the form carries the sealed step of domain/login.h.
 *
 *   prepare   the form's token; the password (on the pool) or the code; where the form may lead
 *   run       the session, when all was right; skipped when there is nothing to write
 *   finish    on to `goto`, or the page again
 */
#include "endpoint/web/login.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "domain/account.h"
#include "domain/client.h"
#include "endpoint/crest/login.h"
#include "endpoint/web/page.h"
#include "endpoint/web/redirect.h"

#define TOKEN_BYTES 16
#define NAME_MAX_BYTES 1024
#define STEP_MAX_BYTES 4096

struct login_form {
  struct us_str login_csrf, username, password, step, code;
};
#define AT(member) offsetof(struct login_form, member)
static const struct us_field fields[] = {
    {.name = "login_csrf", .kind = US_FIELD_STRING, .offset = AT(login_csrf), .flags = US_FIELD_SECRET, .max = 255},
    {.name = "username", .kind = US_FIELD_STRING, .offset = AT(username), .max = NAME_MAX_BYTES},
    {.name = "password",
     .kind = US_FIELD_STRING,
     .offset = AT(password),
     .flags = US_FIELD_SECRET,
     .max = US_PASSWORD_MAX_BYTES},
    {.name = "step", .kind = US_FIELD_STRING, .offset = AT(step), .flags = US_FIELD_SECRET, .max = STEP_MAX_BYTES},
    {.name = "code", .kind = US_FIELD_STRING, .offset = AT(code), .flags = US_FIELD_SECRET, .max = 255},
};
const struct us_field_table us_login_page_table = {.size = sizeof(struct login_form), US_FIELDS(fields)};

enum flaw { FLAW_NONE, FLAW_FOREIGN, FLAW_PASSWORD, FLAW_CODE, FLAW_TIMED_OUT };
static const struct {
  int status;
  enum us_word word;
} flaws[] = {[FLAW_FOREIGN] = {403, US_WORD_LOGIN_FOREIGN},
             [FLAW_PASSWORD] = {401, US_WORD_LOGIN_FAILED},
             [FLAW_CODE] = {401, US_WORD_LOGIN_CODE_FAILED},
             [FLAW_TIMED_OUT] = {401, US_WORD_LOGIN_TIMED_OUT}};
struct login {
  struct us_str journey;
  struct us_str wanted,
      leads_to;   /* `goto`, when it is allowed; what a form on the way there ends at, when that is not here */
  enum flaw flaw; /* the page comes again and says so */
  struct us_login_step step; /* code: that the person is at */
  struct us_str next;        /* sealed, when a code is asked for */
  struct us_account account;
  int64_t code_step;
  struct us_handle handle;
};

/* ---- The token that ties the form to this browser ---- */

static const char *cookie_name(const struct us_call *call) {
  return call->cx.svc->secure_cookies ? "__Host-usher-login" : "usher-login";
}

static struct us_str browser_token(const struct us_call *call) {
  struct us_str token = us_http_cookie(call->request, cookie_name(call));
  return token.n == 2 * TOKEN_BYTES ? token : US_STR_ABSENT;
}

static struct us_str digest_of(struct us_call *call, struct us_str token) {
  char hex[2 * US_SHA256_BYTES + 1];
  us_sha256_hex(us_str_fmt(call->cx.mem, "login:%.*s", US_STR_ARG(token)), hex);
  return us_str_dup(call->cx.mem, us_str_c(hex));
}

/* A browser that has one keeps it: several login pages may be open. *ret_cookie: to be set; absent: it is there. */
static struct us_str form_token(struct us_call *call, struct us_str *ret_cookie) {
  char hex[2 * TOKEN_BYTES + 1];
  uint8_t random[TOKEN_BYTES];
  struct us_str token = browser_token(call);
  *ret_cookie = US_STR_ABSENT;
  if (token.p == NULL) {
    us_random(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++) {
      hex[2 * i] = "0123456789abcdef"[random[i] >> 4];
      hex[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
    }
    hex[2 * TOKEN_BYTES] = '\0';
    token = us_str_dup(call->cx.mem, us_str_c(hex));
    *ret_cookie = us_str_fmt(call->cx.mem, "%s=%s; Path=/; HttpOnly; SameSite=Lax%s", cookie_name(call), hex,
                             call->cx.svc->secure_cookies ? "; Secure" : "");
  }
  return digest_of(call, token);
}

/* Browsers that say where a request comes from are believed when it was another site; Origin would not help, as pages without
 * referrer send "null". */
static bool is_of_this_browser(struct us_call *call, struct us_str shown) {
  struct us_str token = browser_token(call), site = us_http_header(call->request, "sec-fetch-site");
  if (us_str_eq_c(site, "cross-site") || us_str_eq_c(site, "same-site"))
    return false;
  return token.p != NULL && us_str_equal_ct(shown, digest_of(call, token));
}

/* ---- The page ---- */

static bool is_forced(struct us_call *call) {
  return us_str_eq_c(us_params_get(&call->query, "ForceAuth"), "true");
}

/* The URI of the client that the page in `goto` speaks of: the browser follows the form there. Whether it is the client's own is looked at
 * there, not here. */
static enum us_code client_uri(struct us_call *call, struct us_str page, struct us_str *ret_uri) {
  struct us_cx *cx = &call->cx;
  struct us_client client;
  struct us_params params = {0};
  const char *query = memchr(page.p, '?', page.n);
  if (query == NULL)
    return US_OK;
  enum us_code code = us_form_parse(cx, (struct us_str){query + 1, page.n - (size_t)(query + 1 - page.p)}, &params);
  if (code != US_OK) {
    us_error_clear(cx); /* that page will say so */
    return US_OK;
  }
  bool is_claims = memmem(page.p, (size_t)(query - page.p), "/claims_gathering", 17) != NULL;
  struct us_str uri = us_params_get(&params, is_claims ? "claims_redirect_uri" : "redirect_uri");
  if (uri.p != NULL) {
    *ret_uri = us_uri_reference_ok(uri) ? uri : US_STR_ABSENT;
    return US_OK;
  }
  code = us_client_by_id(cx, call->realm->id, us_params_get(&params, "client_id"), &client);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    return US_OK;
  }
  US_TRY(code);
  struct us_strs registered = is_claims ? client.claims_redirect_uris : client.redirect_uris;
  *ret_uri = registered.n == 1 ? registered.v[0] : US_STR_ABSENT;
  return US_OK;
}

/* Where a login leads: here, to a place that the realm allows, or by a page of ours to a client. */
static enum us_code find_target(struct us_call *call, struct login *login) {
  struct us_str wanted = us_params_get(&call->query, "goto");
  if (!us_login_goto_ok(call->cx.svc, &call->realm->settings, wanted))
    return US_OK;
  login->wanted = wanted;
  if (!us_goto_leaves(call, wanted))
    return client_uri(call, wanted, &login->leads_to);
  login->leads_to = wanted;
  return US_OK;
}

static void ask_for_password(struct us_page *page, const struct login *login, struct us_str username) {
  bool is_wrong = login->flaw == FLAW_PASSWORD;
  us_page_input(page, &(struct us_page_input){.name = "username",
                                              .type = "text",
                                              .autocomplete = "username",
                                              .label = US_WORD_LOGIN_NAME,
                                              .value = username,
                                              .has_focus = username.n == 0,
                                              .is_wrong = is_wrong});
  us_page_input(page, &(struct us_page_input){.name = "password",
                                              .type = "password",
                                              .autocomplete = "current-password",
                                              .label = US_WORD_LOGIN_PASSWORD,
                                              .has_focus = username.n > 0,
                                              .is_wrong = is_wrong});
}

static void ask_for_code(struct us_page *page, const struct login *login) {
  us_page_hidden(page, "step", login->next);
  us_page_input(page, &(struct us_page_input){.name = "code",
                                              .type = "text",
                                              .autocomplete = "one-time-code",
                                              .inputmode = "numeric",
                                              .label = US_WORD_LOGIN_CODE,
                                              .has_focus = true,
                                              .is_wrong = login->flaw == FLAW_CODE});
}

static enum us_code show(struct us_call *call, const struct login *login, struct us_str username) {
  struct us_page page;
  struct us_str cookie, token = form_token(call, &cookie);
  us_page_open(call, login->flaw == FLAW_NONE ? 200 : flaws[login->flaw].status, US_WORD_SIGN_IN, &page);
  if (login->flaw != FLAW_NONE)
    us_page_alert(&page, flaws[login->flaw].word);
  us_page_form(&page, call->request->target, login->leads_to);
  us_page_hidden(&page, "login_csrf", token);
  if (login->next.p != NULL)
    ask_for_code(&page, login);
  else
    ask_for_password(&page, login, username);
  us_page_button(&page, NULL, NULL, US_WORD_SIGN_IN, true);
  us_page_end(&page);
  US_TRY(us_page_close(&page));
  if (cookie.p != NULL)
    us_answer_header(call, "Set-Cookie", cookie);
  return US_OK;
}

enum us_code us_ep_login_page(struct us_call *call) {
  struct login login = {.flaw = FLAW_NONE};
  bool has_session = call->caller.kind == US_CALLER_SESSION && call->caller.login.account.realm_id == call->realm->id;
  US_TRY(us_login_journey(call, &login.journey));
  US_TRY(find_target(call, &login));
  if (has_session && !is_forced(call))
    return login.wanted.p != NULL ? us_answer_after_form(call, login.wanted) : us_account_page_show(call);
  return show(call, &login, US_STR_ABSENT);
}

/* ---- The form ---- */

static enum us_code ask_for_next(struct us_call *call, struct login *login) {
  struct us_login_step next = us_login_begin(&call->cx, call->realm, US_LOGIN_CODE, &login->account);
  return us_login_seal(&call->cx, &next, &login->next);
}

static enum us_code check_password(struct us_call *call, const struct login_form *form, struct login *login) {
  struct us_str name = form->username.p != NULL ? form->username : US_STR("");
  struct us_str password = form->password.p != NULL ? form->password : US_STR("");
  enum us_code code = us_account_login(&call->cx, call->realm, name, password, call->request->peer_group,
                                       us_call_may_block(call), &login->account);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(&call->cx);
    login->flaw = FLAW_PASSWORD;
    return US_OK;
  }
  US_TRY(code);
  return call->realm->settings.second_factor ? ask_for_next(call, login) : US_OK;
}

/* A wrong code costs nothing but the throttle's patience: the step stays good until it has expired. */
static enum us_code check_code(struct us_call *call, const struct login_form *form, struct login *login) {
  struct us_str typed = form->code.p != NULL ? form->code : US_STR("");
  enum us_code code = us_login_open(&call->cx, call->realm, form->step, &login->step);
  if (code == US_OK && login->step.stage != US_LOGIN_CODE)
    code = US_E_NOT_FOUND;
  if (code == US_OK)
    code = us_login_check_code(call, &login->step, typed, &login->account, &login->code_step);
  else if (code == US_E_NOT_FOUND)
    code = US_E_STALE;
  if (code != US_E_NOT_FOUND && code != US_E_STALE)
    return code;
  us_error_clear(&call->cx);
  login->flaw = code == US_E_NOT_FOUND ? FLAW_CODE : FLAW_TIMED_OUT;
  login->next = code == US_E_NOT_FOUND ? form->step : US_STR_ABSENT;
  return US_OK;
}

static enum us_code check_form(struct us_call *call, struct login *login) {
  const struct login_form *form = call->input;
  if (!is_of_this_browser(call, form->login_csrf)) {
    login->flaw = FLAW_FOREIGN;
    return US_OK;
  }
  return form->step.p != NULL ? check_code(call, form, login) : check_password(call, form, login);
}

enum us_code us_ep_login_page_prepare(struct us_call *call) {
  struct login *login = US_NEW(call->cx.mem, struct login);
  if (login == NULL)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  call->state = login;
  US_TRY(us_login_journey(call, &login->journey));
  US_TRY(check_form(call, login));
  call->needs_no_write = login->flaw != FLAW_NONE || login->next.p != NULL;
  return find_target(call, login);
}

enum us_code us_ep_login_page_run(struct us_call *call) {
  struct login *login = call->state;
  enum us_code code = US_OK;
  if (login->code_step > 0)
    code = us_login_pass(&call->cx, &login->step);
  if (code == US_OK)
    code = us_login_use_code(call, &login->account, login->code_step);
  if (code == US_E_NOT_FOUND) { /* somebody was faster with this step or this code */
    us_error_clear(&call->cx);
    login->flaw = FLAW_TIMED_OUT;
    return US_OK;
  }
  US_TRY(code);
  return us_login_enter(call, &login->account, login->journey, &login->handle);
}

enum us_code us_ep_login_page_finish(struct us_call *call) {
  const struct login *login = call->state;
  const struct login_form *form = call->input;
  if (login->flaw == FLAW_FOREIGN && us_page_is_unwanted(call))
    return us_fail_plain(&call->cx, US_E_FORBIDDEN);
  if (login->flaw != FLAW_NONE || login->next.p != NULL)
    return show(call, login, login->flaw == FLAW_FOREIGN ? US_STR_ABSENT : form->username);
  struct us_str wanted = login->wanted.p != NULL ? login->wanted : us_web_url(call, "");
  US_TRY(us_answer_after_form(call, wanted));
  us_answer_header(call, "Set-Cookie",
                   us_login_cookie(&call->cx, (struct us_str){login->handle.text, login->handle.n}));
  return US_OK;
}
