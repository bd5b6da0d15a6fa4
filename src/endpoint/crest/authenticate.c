/*
 * /json/authenticate (REST contract b.1, b.2): by headers in one go, or by callbacks: a first answer asks for name and password,
 * the caller sends it back filled in.
 *
 *   prepare   reads headers or body and checks the password (on the pool)
 *   run       uses up the login state; ends the session that a browser's cookie names, makes a new one: a new session id at
 *             every login
 *   finish    answers
 *
 * Who is wrong in any way is told "Login failure" and nothing else. A login state is used up by a wrong password too.
 */
#include "domain/session.h"

#include <string.h>

#include "base/mem.h"
#include "domain/account.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/login.h"
#include "endpoint/crest/request.h"
#include "json/json.h"

enum form { FORM_ASK, FORM_HEADERS, FORM_CALLBACKS, FORM_SESSION };
struct login {
  enum form form;
  bool no_session;
  struct us_str success_url;
  struct us_str user, password;
  struct us_str auth_id; /* CALLBACKS */
  bool is_right;         /* the password */
  struct us_account account;
  struct us_handle handle; /* run: of the session, or of the login state */
};

static enum us_code login_failure(struct us_call *call) {
  return us_fail(&call->cx, US_E_NO_SESSION, "Login failure");
}

static enum us_code timed_out(struct us_call *call) {
  return us_fail(&call->cx, US_E_NO_SESSION, "Session has timed out");
}

static bool param_is_true(struct us_call *call, const char *name) {
  return us_str_eq_c(us_params_get(&call->query, name), "true");
}

/* Both or none; the one flow there is has two names in the lineage. */
static enum us_code check_flow(struct us_call *call) {
  struct us_str type = us_params_get(&call->query, "authIndexType");
  struct us_str value = us_params_get(&call->query, "authIndexValue");
  if (type.p == NULL && value.p == NULL)
    return US_OK;
  if (type.p == NULL || value.p == NULL)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "authIndexType and authIndexValue come together");
  if (us_str_eq_c(type, "service") && (us_str_eq_c(value, "ldapService") || us_str_eq_c(value, "Login")))
    return US_OK;
  return us_fail(&call->cx, US_E_INVALID_REQUEST, "There is no login flow of this authIndexType and authIndexValue");
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
  login->user = us_str_dup(cx->mem, input_value(callbacks, "IDToken1"));
  login->password = secret_copy(cx, input_value(callbacks, "IDToken2"));
  if (login->auth_id.p == NULL || login->password.p == NULL)
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
  if (user.p != NULL || password.p != NULL) {
    login->form = FORM_HEADERS;
    US_TRY(us_login_header_text(cx, user, &login->user));
    return us_login_header_text(cx, password, &login->password);
  }
  bool has_session = call->caller.kind == US_CALLER_SESSION && call->caller.login.account.realm_id == call->realm->id;
  login->form = has_session && !param_is_true(call, "ForceAuth") ? FORM_SESSION : FORM_ASK;
  return US_OK;
}

static enum us_code check_password(struct us_call *call, struct login *login) {
  struct us_cx *cx = &call->cx;
  struct us_str user = login->user.p != NULL ? login->user : US_STR("");
  enum us_code code = us_account_login(cx, call->realm, user, login->password, call->request->peer_group,
                                       us_call_may_block(call), &login->account);
  login->is_right = code == US_OK;
  if (code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  return US_OK;
}

enum us_code us_ep_authenticate_prepare(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct login *login = US_NEW(cx->mem, struct login);
  if (login == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  call->state = login;
  US_TRY(check_flow(call));
  US_TRY(read_form(call, login));
  login->no_session = param_is_true(call, "noSession");
  login->success_url = us_login_goto(cx, us_params_get(&call->query, "goto"));
  if (login->form == FORM_CALLBACKS) { /* no password is looked at for a state that is none */
    enum us_code code = us_login_state_find(cx, call->realm, login->auth_id);
    if (code == US_E_NOT_FOUND)
      return timed_out(call);
    US_TRY(code);
  }
  if (login->form == FORM_HEADERS || login->form == FORM_CALLBACKS)
    US_TRY(check_password(call, login));
  return US_OK;
}

enum us_code us_ep_authenticate_run(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct login *login = call->state;
  if (login->form == FORM_SESSION)
    return US_OK;
  if (login->form == FORM_ASK)
    return us_login_state_create(cx, call->realm, &login->handle);
  if (login->form == FORM_CALLBACKS) {
    enum us_code code = us_login_state_take(cx, call->realm, login->auth_id);
    if (code == US_E_NOT_FOUND) /* somebody was faster */
      return timed_out(call);
    US_TRY(code);
  }
  if (!login->is_right) {
    enum us_code code = login_failure(call);
    cx->err.keeps_writes = true; /* the login state stays used up */
    return code;
  }
  if (login->no_session)
    return US_OK;
  if (call->caller.kind == US_CALLER_SESSION && call->caller.by_cookie) /* the new cookie takes its place */
    US_TRY(us_session_end(cx, call->caller.login.session.id));
  return us_session_create(cx, call->realm, &login->account, &login->handle);
}

static void write_callback(struct us_json_writer *w, const char *type, const char *prompt, int number) {
  char name[16] = "IDToken1";
  name[7] = (char)('0' + number);
  us_json_open(w, '{');
  us_json_name(w, "type");
  us_json_c(w, type);
  us_json_name(w, "output");
  us_json_open(w, '[');
  us_json_open(w, '{');
  us_json_member(w, "name", US_STR("prompt"));
  us_json_member(w, "value", us_str_c(prompt));
  us_json_close(w, '}');
  us_json_close(w, ']');
  us_json_name(w, "input");
  us_json_open(w, '[');
  us_json_open(w, '{');
  us_json_member(w, "name", us_str_c(name));
  us_json_member(w, "value", US_STR(""));
  us_json_close(w, '}');
  us_json_close(w, ']');
  us_json_member_i64(w, "_id", number - 1);
  us_json_close(w, '}');
}

static enum us_code answer_ask(struct us_call *call, const struct login *login) {
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "authId", (struct us_str){login->handle.text, login->handle.n});
  us_json_member(&w, "template", US_STR(""));
  us_json_member(&w, "stage", US_STR("DataStore1"));
  us_json_member(&w, "header", US_STR("Sign in to Usher"));
  us_json_name(&w, "callbacks");
  us_json_open(&w, '[');
  write_callback(&w, "NameCallback", "User Name", 1);
  write_callback(&w, "PasswordCallback", "Password", 2);
  us_json_close(&w, ']');
  us_json_close(&w, '}');
  return US_OK;
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
  if (login->form == FORM_ASK)
    return answer_ask(call, login);
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
