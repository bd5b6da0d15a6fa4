/*
 * /json/authenticate (REST contract b.1, b.2): by headers in one go, or by callbacks: a first answer asks for name and password,
 * the caller sends it back filled in. Where the realm asks for a second factor another step asks for a one-time code.
 *
 *   prepare   reads headers or body, checks the password (on the pool) or the code
 *   run       passes the step, uses the code up; ends the session that a browser's cookie names, makes a new one: a new session
 *             id at every login. Skipped when there is nothing to write: a login that begins or fails leaves no trace
 *   finish    answers
 *
 * Who is wrong in any way is told "Login failure" and nothing else.
 */
#include "domain/session.h"

#include <string.h>

#include "base/mem.h"
#include "domain/account.h"
#include "domain/login.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/login.h"
#include "endpoint/crest/request.h"
#include "json/json.h"

/* What the request is. */
enum form { FORM_BEGIN, FORM_HEADERS, FORM_CALLBACKS, FORM_SESSION };
struct login {
  enum form form;
  bool no_session;
  struct us_str journey;
  struct us_str success_url, failure_url; /* failure: absent unless asked for */
  struct us_str user, password, code;
  struct us_login_step step; /* CALLBACKS: that the caller is at */
  struct us_login_step next; /* stage 0: he is through */
  struct us_str auth_id;     /* CALLBACKS: as sent; then of `next` */
  struct us_account account;
  int64_t code_step;       /* of the code that was right; 0: none was asked for */
  struct us_handle handle; /* run: of the session */
};

static enum us_code login_failure(struct us_call *call) {
  struct login *login = call->state;
  struct us_cx *cx = &call->cx;
  enum us_code code = us_fail(cx, US_E_NO_SESSION, "Login failure");
  if (login->failure_url.p != NULL)
    cx->err.extra = us_login_failure_member(cx, login->failure_url);
  return code;
}

static enum us_code timed_out(struct us_call *call) {
  return us_fail(&call->cx, US_E_NO_SESSION, "Session has timed out");
}

static bool param_is_true(struct us_call *call, const char *name) {
  return us_str_eq_c(us_params_get(&call->query, name), "true");
}

/* The value of an input of the callbacks, by name. */
static struct us_str input_value(const json_t *callbacks, const char *name) {
  for (size_t i = 0; i < json_array_size(callbacks); i++) {
    const json_t *inputs = json_object_get(json_array_get(callbacks, i), "input");
    for (size_t k = 0; k < json_array_size(inputs); k++) {
      const json_t *input = json_array_get(inputs, k);
      const char *found = json_string_value(json_object_get(input, "name"));
      if (found == NULL || strcmp(found, name) != 0)
        continue;
      const json_t *value = json_object_get(input, "value");
      return (struct us_str){json_string_value(value), json_string_length(value)};
    }
  }
  return US_STR_ABSENT;
}

static struct us_str secret_copy(struct us_cx *cx, struct us_str text) {
  char *copy = us_mem_secret(cx->mem, text.n + 1);
  if (copy == NULL)
    return US_STR_ABSENT;
  if (text.n > 0)
    memcpy(copy, text.p, text.n);
  copy[text.n] = '\0';
  return (struct us_str){copy, text.n};
}

static enum us_code read_callbacks(struct us_call *call, const json_t *object, struct login *login) {
  struct us_cx *cx = &call->cx;
  const json_t *auth_id = json_object_get(object, "authId");
  const json_t *callbacks = json_object_get(object, "callbacks");
  if (!json_is_string(auth_id))
    return us_fail(cx, US_E_INVALID_REQUEST, "authId must be a String");
  login->form = FORM_CALLBACKS;
  login->auth_id = us_str_dup(cx->mem, (struct us_str){json_string_value(auth_id), json_string_length(auth_id)});
  login->code = secret_copy(cx, input_value(callbacks, "IDToken1")); /* or the name: the step says which */
  login->user = login->code;
  login->password = secret_copy(cx, input_value(callbacks, "IDToken2"));
  if (login->auth_id.p == NULL || login->password.p == NULL || login->code.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return US_OK;
}

/* Which form this request has. */
static enum us_code read_form(struct us_call *call, struct login *login) {
  struct us_cx *cx = &call->cx;
  struct us_str user = us_http_header(call->request, "x-openam-username");
  struct us_str password = us_http_header(call->request, "x-openam-password");
  json_t *object;
  US_TRY(us_crest_action_body(call, &object));
  if (json_object_get(object, "authId") != NULL) {
    enum us_code code = read_callbacks(call, object, login);
    us_json_drop(cx, object); /* it holds the password */
    return code;
  }
  if (call->realm->settings.zero_page_login && (user.p != NULL || password.p != NULL)) {
    login->form = FORM_HEADERS;
    US_TRY(us_login_header_text(cx, user, &login->user));
    return us_login_header_text(cx, password, &login->password);
  }
  bool has_session = call->caller.kind == US_CALLER_SESSION && call->caller.login.account.realm_id == call->realm->id;
  login->form = has_session && !param_is_true(call, "ForceAuth") ? FORM_SESSION : FORM_BEGIN;
  return US_OK;
}

/* Sets out what is asked for next. */
static enum us_code ask_for(struct us_call *call, enum us_login_stage stage) {
  struct login *login = call->state;
  login->next = us_login_begin(&call->cx, call->realm, stage, stage == US_LOGIN_CODE ? &login->account : NULL);
  return us_login_seal(&call->cx, &login->next, &login->auth_id);
}

static enum us_code check_password(struct us_call *call, struct login *login) {
  struct us_cx *cx = &call->cx;
  struct us_str user = login->user.p != NULL ? login->user : US_STR("");
  enum us_code code = us_account_login(cx, call->realm, user, login->password, call->request->peer_group,
                                       us_call_may_block(call), &login->account);
  if (code == US_E_NOT_FOUND)
    return login_failure(call);
  US_TRY(code);
  return call->realm->settings.second_factor ? ask_for(call, US_LOGIN_CODE) : US_OK;
}

static enum us_code check_code(struct us_call *call, struct login *login) {
  enum us_code code = us_login_check_code(call, &login->step, login->code, &login->account, &login->code_step);
  if (code == US_E_STALE)
    return timed_out(call);
  return code == US_E_NOT_FOUND ? login_failure(call) : code;
}

static enum us_code go_on(struct us_call *call, struct login *login) {
  enum us_code code = us_login_open(&call->cx, call->realm, login->auth_id, &login->step);
  if (code == US_E_NOT_FOUND) /* no password is looked at for a step that is none */
    return timed_out(call);
  US_TRY(code);
  return login->step.stage == US_LOGIN_CODE ? check_code(call, login) : check_password(call, login);
}

enum us_code us_ep_authenticate_prepare(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct login *login = US_NEW(cx->mem, struct login);
  if (login == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  call->state = login;
  US_TRY(us_login_journey(call, &login->journey));
  US_TRY(read_form(call, login));
  login->no_session = param_is_true(call, "noSession");
  login->success_url = us_login_goto(cx, &call->realm->settings, us_params_get(&call->query, "goto"));
  login->failure_url = us_login_goto_on_fail(cx, &call->realm->settings, us_params_get(&call->query, "gotoOnFail"));
  if (login->form == FORM_BEGIN)
    US_TRY(ask_for(call, US_LOGIN_PASSWORD));
  if (login->form == FORM_HEADERS)
    US_TRY(check_password(call, login));
  if (login->form == FORM_CALLBACKS)
    US_TRY(go_on(call, login));
  bool is_asking = login->next.stage != 0;
  call->needs_no_write = login->form == FORM_SESSION || (is_asking && login->form != FORM_CALLBACKS);
  return US_OK;
}

/* The write step of a caller who is through. */
static enum us_code let_in(struct us_call *call, struct login *login) {
  enum us_code code = us_login_use_code(call, &login->account, login->code_step);
  if (code == US_E_NOT_FOUND)
    return login_failure(call);
  US_TRY(code);
  return login->no_session ? US_OK : us_login_enter(call, &login->account, login->journey, &login->handle);
}

enum us_code us_ep_authenticate_run(struct us_call *call) {
  struct login *login = call->state;
  if (login->form == FORM_CALLBACKS) {
    enum us_code code = us_login_pass(&call->cx, &login->step);
    if (code == US_E_NOT_FOUND) /* somebody was faster */
      return timed_out(call);
    US_TRY(code);
  }
  return login->next.stage != 0 ? US_OK : let_in(call, login);
}

static enum us_code answer_no_session(struct us_call *call, const struct login *login) {
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "message", US_STR("Authentication Successful"));
  us_json_member(&w, "successUrl", login->success_url);
  us_json_close(&w, '}');
  return US_OK;
}

enum us_code us_ep_authenticate_finish(struct us_call *call) {
  struct login *login = call->state;
  struct us_json_writer w;
  if (login->next.stage != 0)
    return us_login_answer_callbacks(call, &login->next, login->auth_id);
  if (login->no_session)
    return answer_no_session(call, login);
  /* To a caller who has a session the token is told in the HttpOnly cookie only (b.1). */
  bool tells_token = call->caller.kind != US_CALLER_SESSION;
  us_answer_json(call, 200, &w);
  if (login->form != FORM_SESSION)
    us_answer_header(call, "Set-Cookie",
                     us_login_cookie(&call->cx, (struct us_str){login->handle.text, login->handle.n}));
  us_json_open(&w, '{');
  us_json_name(&w, "tokenId");
  us_json_str(&w, tells_token ? (struct us_str){login->handle.text, login->handle.n} : US_STR(""));
  us_json_member(&w, "successUrl", login->success_url);
  us_json_member(&w, "realm", call->realm->path);
  us_json_close(&w, '}');
  return US_OK;
}
