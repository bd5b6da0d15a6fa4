/*
 * /json/sessions (REST contract b.4), what is done with one session, and who am I (b.7). A body may name another session than the
 * caller's by its token; that is for administrators. What needs no token is in sessions_admin.c.
 */
#include "domain/session.h"

#include "base/mem.h"
#include "domain/account.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/login.h"
#include "endpoint/crest/request.h"
#include "endpoint/crest/session_view.h"
#include "json/json.h"

#define TOKEN_MAX_BYTES 1024

struct body {
  struct us_str token_id;
};
static const struct us_field body_fields[] = {
    {.name = "tokenId",
     .kind = US_FIELD_STRING,
     .offset = offsetof(struct body, token_id),
     .flags = US_FIELD_SECRET,
     .max = TOKEN_MAX_BYTES},
};
static const struct us_field_table body_table = {.size = sizeof(struct body), US_FIELDS(body_fields)};

/* The token of the body, absent when it names none. */
static enum us_code read_token(struct us_call *call, struct us_str *ret_token) {
  struct body body = {0};
  json_t *object;
  US_TRY(us_crest_action_body(call, &object));
  US_TRY(us_field_from_json(&call->cx, &body_table, object, &body));
  *ret_token = body.token_id.n > 0 ? body.token_id : US_STR_ABSENT;
  return US_OK;
}

static bool is_own(const struct us_call *call, const struct us_login *login) {
  return call->caller.kind == US_CALLER_SESSION && call->caller.login.session.id == login->session.id;
}

static bool may_handle(const struct us_call *call, const struct us_login *login) {
  return is_own(call, login) || us_session_may_manage(call, login->session.realm_id);
}

/* The session an action is about: of the body's token, else the caller's own. */
static enum us_code find_target(struct us_call *call, struct us_login *ret_login) {
  struct us_cx *cx = &call->cx;
  struct us_str token;
  US_TRY(read_token(call, &token));
  *ret_login = call->caller.login;
  if (token.p == NULL)
    return US_OK;
  enum us_code code = us_session_find(cx, token, ret_login);
  if (code == US_E_NOT_FOUND)
    return us_fail_plain(cx, US_E_NO_SESSION);
  US_TRY(code);
  return may_handle(call, ret_login) ? US_OK : us_fail_plain(cx, US_E_FORBIDDEN);
}

/* Looking at one's session is not using it: with the caller's copy counted as fresh, no note moves its last access (b.4). */
static void leave_idle(struct us_call *call, const struct us_login *target) {
  if (is_own(call, target))
    call->caller.login.session.touched_ms = call->cx.now_ms;
}

static enum us_code answer_info(struct us_call *call, const struct us_login *login) {
  struct us_cx *cx = &call->cx;
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_session_write_who(cx, &w, login);
  us_session_write_times(cx, &w, &login->session);
  us_json_name(&w, "properties");
  us_json_open(&w, '{');
  us_json_member(&w, "AMCtxId", us_session_name(cx, &login->session));
  us_json_close(&w, '}');
  us_json_close(&w, '}');
  return US_OK;
}

enum us_code us_ep_session_info(struct us_call *call) {
  struct us_login login;
  US_TRY(find_target(call, &login));
  leave_idle(call, &login);
  return answer_info(call, &login);
}

/* Actions that reset the idle timer: written down before it is said, unless it was within the last minute (b.3). */

enum us_code us_ep_session_use_prepare(struct us_call *call) {
  struct us_login *target = US_NEW(call->cx.mem, struct us_login);
  if (target == NULL)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  call->state = target;
  US_TRY(find_target(call, target));
  call->needs_no_write = !us_session_wants_touch(&target->session, call->cx.now_ms);
  leave_idle(call, target); /* `run` does it */
  return US_OK;
}

enum us_code us_ep_session_use(struct us_call *call) {
  const struct us_login *target = call->state;
  return us_session_apply_touch(&call->cx, target->session.id, call->cx.now_ms);
}

enum us_code us_ep_session_info_finish(struct us_call *call) {
  struct us_login login = *(struct us_login *)call->state;
  if (!call->needs_no_write)
    login.session.touched_ms = call->cx.now_ms;
  return answer_info(call, &login);
}

enum us_code us_ep_session_refresh_finish(struct us_call *call) {
  const struct us_login *login = call->state;
  int64_t idle_ms = us_session_idle_ms(&call->cx, login->session.realm_id), now_ms = call->cx.now_ms;
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "uid", login->account.name);
  us_json_member(&w, "realm", login->realm_path);
  us_json_member_i64(&w, "idletime", (now_ms - login->session.touched_ms) / 1000); /* until now, seconds */
  us_json_member_i64(&w, "maxidletime", idle_ms / 60000);
  us_json_member_i64(&w, "maxsessiontime", (login->session.expires_ms - login->session.created_ms) / 60000);
  us_json_member_i64(&w, "maxtime", (login->session.expires_ms - now_ms) / 1000); /* what is left, seconds */
  us_json_close(&w, '}');
  return US_OK;
}

enum us_code us_ep_session_validate(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_login login = call->caller.login;
  struct us_json_writer w;
  struct us_str token;
  enum us_code code = call->caller.kind == US_CALLER_SESSION ? US_OK : US_E_NOT_FOUND;
  US_TRY(read_token(call, &token));
  if (token.p != NULL)
    code = us_session_find(cx, token, &login);
  if (code != US_OK && code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  if (code == US_OK && us_str_eq_c(us_params_get_nocase(&call->query, "refresh"), "false"))
    leave_idle(call, &login);
  else if (code == US_OK)
    call->used_session = login.session;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_name(&w, "valid");
  us_json_bool(&w, code == US_OK);
  if (code == US_OK) {
    us_json_member(&w, "sessionUid", us_session_name(cx, &login.session));
    us_json_member(&w, "uid", login.account.name);
    us_json_member(&w, "realm", login.realm_path);
  }
  us_json_close(&w, '}');
  return US_OK;
}

static enum us_code answer_logout(struct us_call *call, const char *result, bool removes_cookie) {
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  if (removes_cookie)
    us_answer_header(call, "Set-Cookie", us_login_cookie_removal(&call->cx));
  us_json_open(&w, '{');
  us_json_member(&w, "result", us_str_c(result));
  us_json_close(&w, '}');
  return US_OK;
}

enum us_code us_ep_session_logout(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_str token, own = us_crest_token(call);
  struct us_login login;
  bool has_cookie = us_http_cookie(call->request, cx->svc->cookie_name.p).p != NULL;
  US_TRY(read_token(call, &token));
  bool is_mine = token.p == NULL || us_str_eq(token, own);
  if (token.p == NULL)
    token = own;
  if (token.n == 0)
    return us_fail_plain(cx, US_E_NO_SESSION);
  enum us_code code = us_session_find(cx, token, &login);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    return answer_logout(call, "Token has expired", is_mine && has_cookie);
  }
  US_TRY(code);
  if (call->caller.kind != US_CALLER_SESSION)
    return us_fail_plain(cx, US_E_NO_SESSION);
  if (!may_handle(call, &login))
    return us_fail_plain(cx, US_E_FORBIDDEN);
  US_TRY(us_session_end(cx, login.session.id));
  return answer_logout(call, "Successfully logged out", is_mine && has_cookie);
}

enum us_code us_ep_id_from_session(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  const struct us_login *login = &call->caller.login;
  struct us_str context = cx->svc->context_path;
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "id", login->account.name);
  us_json_member(&w, "realm", login->realm_path);
  us_json_member(&w, "dn", us_account_universal_id(cx, login->realm_path, login->account.name));
  us_json_member(&w, "successURL", us_str_fmt(cx->mem, "%.*s/console", US_STR_ARG(context)));
  us_json_member(
      &w, "fullLoginURL",
      us_str_fmt(cx->mem, "%.*s/XUI/?realm=%.*s#login/", US_STR_ARG(context), US_STR_ARG(login->realm_path)));
  us_json_close(&w, '}');
  return US_OK;
}
