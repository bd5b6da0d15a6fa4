/*
 * /json/sessions (REST contract b.4) and who am I (b.7). A body may name another session by its token; that is for its owner's
 * own session, or for administrators.
 */
#include "domain/session.h"

#include <inttypes.h>

#include "base/clock.h"
#include "domain/account.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/login.h"
#include "endpoint/crest/request.h"
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

/* May the caller handle this session? Its own, or as an administrator of its realm. */
static bool may_handle(const struct us_call *call, const struct us_login *login) {
  const struct us_login *own = &call->caller.login;
  if (call->caller.kind != US_CALLER_SESSION)
    return false;
  if (own->session.id == login->session.id || own->is_super)
    return true;
  return own->account.is_admin && own->account.realm_id == login->session.realm_id;
}

/* A name for a session that is no secret: the id of its row. */
static struct us_str session_name(struct us_cx *cx, const struct us_session *session) {
  return us_str_fmt(cx->mem, "%016" PRIx64, (uint64_t)session->id);
}

static void write_time(struct us_json_writer *w, const char *name, int64_t ms) {
  char text[US_TIME_ISO_BYTES];
  us_time_iso_s(ms, text);
  us_json_member(w, name, us_str_c(text));
}

static struct us_str universal_id(struct us_call *call, const struct us_login *login) {
  return us_account_universal_id(&call->cx, login->realm_path, login->account.name);
}

/* Looking at a session is not using it: with the caller's copy counted as fresh, no note moves its last access (b.4). */
static void leave_idle(struct us_call *call) {
  call->caller.login.session.touched_ms = call->cx.now_ms;
}

static enum us_code answer_info(struct us_call *call, const struct us_login *login) {
  struct us_cx *cx = &call->cx;
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "username", login->account.name);
  us_json_member(&w, "universalId", universal_id(call, login));
  us_json_member(&w, "realm", login->realm_path);
  write_time(&w, "latestAccessTime", login->session.touched_ms);
  write_time(&w, "maxIdleExpirationTime", us_session_idle_end_ms(cx, &login->session));
  write_time(&w, "maxSessionExpirationTime", login->session.expires_ms);
  us_json_name(&w, "properties");
  us_json_open(&w, '{');
  us_json_member(&w, "AMCtxId", session_name(cx, &login->session));
  us_json_close(&w, '}');
  us_json_close(&w, '}');
  return US_OK;
}

enum us_code us_ep_session_info(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_login login;
  struct us_str token;
  US_TRY(read_token(call, &token));
  login = call->caller.login;
  leave_idle(call);
  if (token.p == NULL)
    return answer_info(call, &login);
  enum us_code code = us_session_find(cx, token, &login);
  if (code == US_E_NOT_FOUND)
    return us_fail_plain(cx, US_E_NO_SESSION);
  US_TRY(code);
  return may_handle(call, &login) ? answer_info(call, &login) : us_fail_plain(cx, US_E_FORBIDDEN);
}

enum us_code us_ep_session_validate(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_login login = call->caller.login;
  struct us_json_writer w;
  struct us_str token;
  enum us_code code = call->caller.kind == US_CALLER_SESSION ? US_OK : US_E_NOT_FOUND;
  US_TRY(read_token(call, &token));
  if (us_str_eq_c(us_params_get_nocase(&call->query, "refresh"), "false"))
    leave_idle(call);
  if (token.p != NULL)
    code = us_session_find(cx, token, &login);
  if (code != US_OK && code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_name(&w, "valid");
  us_json_bool(&w, code == US_OK);
  if (code == US_OK) {
    us_json_member(&w, "sessionUid", session_name(cx, &login.session));
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
  bool is_own = token.p == NULL || us_str_eq(token, own);
  if (token.p == NULL)
    token = own;
  if (token.n == 0)
    return us_fail_plain(cx, US_E_NO_SESSION);
  enum us_code code = us_session_find(cx, token, &login);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    return answer_logout(call, "Token has expired", is_own && has_cookie);
  }
  US_TRY(code);
  if (call->caller.kind != US_CALLER_SESSION)
    return us_fail_plain(cx, US_E_NO_SESSION);
  if (!may_handle(call, &login))
    return us_fail_plain(cx, US_E_FORBIDDEN);
  US_TRY(us_session_end(cx, login.session.id));
  return answer_logout(call, "Successfully logged out", is_own && has_cookie);
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
  us_json_member(&w, "dn", universal_id(call, login));
  us_json_member(&w, "successURL", us_str_fmt(cx->mem, "%.*s/console", US_STR_ARG(context)));
  us_json_member(
      &w, "fullLoginURL",
      us_str_fmt(cx->mem, "%.*s/XUI/?realm=%.*s#login/", US_STR_ARG(context), US_STR_ARG(login->realm_path)));
  us_json_close(&w, '}');
  return US_OK;
}
