/* Credentials of a request: see credential.h. */
#include "route/credential.h"

#include "base/mem.h"

#include "domain/account.h"
#include "domain/client_auth.h"
#include "domain/registration.h"
#include "domain/session.h"
#include "domain/token.h"
#include "domain/userinfo.h"

static struct us_str session_header(const struct us_call *call) {
  const struct us_http_request *request = call->request;
  for (size_t i = 0; i < request->header_count; i++) {
    if (us_str_eq_nocase(request->headers[i].name, call->cx.svc->cookie_name))
      return request->headers[i].value;
  }
  return US_STR_ABSENT;
}

enum us_code us_csrf_check(struct us_call *call) {
  const struct us_http_request *request = call->request;
  if (!call->realm->settings.csrf_filter || (request->method & (US_METHOD_GET | US_METHOD_HEAD | US_METHOD_OPTIONS)))
    return US_OK;
  struct us_str cookie = us_http_cookie(request, call->cx.svc->cookie_name.p);
  if (cookie.p == NULL ||
      session_header(call).p != NULL) /* a token in the header wins, and only a page of ours can send it */
    return US_OK;
  if (us_http_header(request, "x-requested-with").p != NULL || us_http_header(request, "accept-api-version").p != NULL)
    return US_OK;
  return us_fail_plain(&call->cx, US_E_FORBIDDEN);
}

/* Fills caller.login when a live session came along; US_OK also without one. */
static enum us_code find_session(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_str text = session_header(call);
  bool by_cookie = false;
  if (text.p == NULL) {
    text = us_http_cookie(call->request, cx->svc->cookie_name.p);
    by_cookie = true;
  }
  if (text.n == 0)
    return US_OK;
  enum us_code code = us_session_find(cx, text, &call->caller.login);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    return US_OK;
  }
  US_TRY(code);
  call->caller.kind = US_CALLER_SESSION;
  call->cx.actor = call->caller.login.account.name;
  call->caller.by_cookie = by_cookie;
  call->caller.session_token = text;
  return US_OK;
}

static enum us_code check_pat(struct us_call *call) {
  US_TRY(us_pat_check(&call->cx, call->realm, us_http_header(call->request, "authorization"), &call->caller.pat));
  call->caller.kind = US_CALLER_PAT;
  return US_OK;
}

static bool has_form(const struct us_http_request *request) {
  struct us_str form = US_STR("application/x-www-form-urlencoded");
  struct us_str type = us_http_header(request, "content-type");
  return request->method == US_METHOD_POST && request->body.n > 0 && type.n >= form.n &&
         us_str_eq_nocase((struct us_str){type.p, form.n}, form);
}

/* Where a bearer token may stand (RFC 6750 2): in the header; in the form of a POST; in the query only where the realm puts up with
 * tokens there (OA-08). In one of them (OA-25). */
static enum us_code find_bearer(struct us_call *call, struct us_str *ret_authorization) {
  struct us_cx *cx = &call->cx;
  struct us_str header = us_http_header(call->request, "authorization");
  struct us_str by_query = us_params_get(&call->query, "access_token"), by_form = US_STR_ABSENT;
  struct us_params form;
  if (has_form(call->request)) {
    US_TRY(us_form_parse(cx, call->request->body, &form));
    by_form = us_params_get(&form, "access_token");
  }
  if (by_query.n > 0 && header.n > 0)
    return us_fail(cx, US_E_INVALID_REQUEST, "Access Token cannot be provided in both query and header");
  if (by_form.n > 0 && (header.n > 0 || by_query.n > 0))
    return us_fail(cx, US_E_INVALID_REQUEST, "Access Token cannot be provided in more than one way");
  if (by_form.n == 0 && call->realm->settings.introspect_query_token && call->route->auth == US_AUTH_BEARER)
    by_form = by_query;
  *ret_authorization = by_form.n > 0 ? us_str_fmt(cx->mem, "Bearer %.*s", US_STR_ARG(by_form)) : header;
  return US_OK;
}

static enum us_code check_bearer(struct us_call *call) {
  struct us_str authorization;
  struct us_caller *caller = &call->caller;
  US_TRY(find_bearer(call, &authorization));
  if (call->route->auth == US_AUTH_USERINFO)
    US_TRY(us_userinfo_check(&call->cx, call->realm, authorization, &caller->pat));
  else
    US_TRY(us_bearer_check(&call->cx, call->realm, authorization, US_STR_ABSENT, &caller->pat));
  (void)us_bearer_of(authorization, &caller->bearer);
  caller->kind = US_CALLER_BEARER;
  return US_OK;
}

/* Endpoints that clients authenticate at stand below the issuer, each under its pattern. */
static struct us_str endpoint_url(const struct us_call *call) {
  return us_str_fmt(call->cx.mem, "%.*s/%s", US_STR_ARG(call->realm->oauth_url), call->route->pattern);
}

static enum us_code check_client(struct us_call *call, const struct us_params *form) {
  struct us_client_credentials in = {
      .authorization = us_http_header(call->request, "authorization"),
      .client_id = us_params_get(form, "client_id"),
      .client_secret = us_params_get(form, "client_secret"),
      .client_assertion = us_params_get(form, "client_assertion"),
      .client_assertion_type = us_params_get(form, "client_assertion_type"),
      .certificate = call->request->certificate,
      .address = call->request->peer_group,
  };
  if (in.client_assertion.n > 0)
    in.endpoint_url = endpoint_url(call);
  struct us_client_proof proof = {0};
  enum us_code code = us_client_authenticate(&call->cx, call->realm, &in, us_call_may_block(call), &proof);
  call->proof = NULL;
  if (code == US_E_TO_FETCH || (code == US_OK && proof.use.digest[0] != '\0')) {
    call->proof = us_mem_copy(call->cx.mem, &proof, sizeof(proof));
    if (call->proof == NULL)
      return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  }
  US_TRY(code);
  call->caller.client = proof.client;
  call->caller.kind = US_CALLER_CLIENT;
  return US_OK;
}

static bool has_bearer(const struct us_call *call) {
  struct us_str authorization = us_http_header(call->request, "authorization");
  return authorization.n >= 7 && us_str_eq_nocase((struct us_str){authorization.p, 7}, US_STR("Bearer "));
}

/* Introspection (protocol contract 8.1.1, Q36): GET is for PATs; for clients only where the realm allows tokens in the query. */
static enum us_code check_introspector(struct us_call *call, const struct us_params *form) {
  bool is_query = call->route->body_kind == US_BODY_NONE;
  if (has_bearer(call) || (is_query && us_http_header(call->request, "authorization").p == NULL))
    return check_pat(call);
  if (!is_query)
    return check_client(call, form);
  if (!call->realm->settings.introspect_query_token)
    return us_fail(&call->cx, US_E_METHOD, "Required Method: POST found: GET");
  return check_client(call, &call->query);
}

static enum us_code refuse_user(struct us_call *call, const struct us_account *who, struct us_str realm_path) {
  struct us_cx *cx = &call->cx;
  return us_fail(cx, US_E_FORBIDDEN, "User, %.*s, not authorized.",
                 US_STR_ARG(us_account_universal_id(cx, realm_path, who->name)));
}

/* A PAT on the owner's side: it stands for its owner, at the resource server's own resources. */
static enum us_code check_rest_pat(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  enum us_code code = us_pat_check(cx, call->realm, us_http_header(call->request, "authorization"), &call->caller.pat);
  if (code == US_E_NO_TOKEN || code == US_E_INVALID_TOKEN) {
    us_error_clear(cx);
    return us_fail_plain(cx, US_E_NO_SESSION);
  }
  US_TRY(code);
  US_TRY(us_account_by_id(cx, call->caller.pat.token.account_id, &call->user));
  call->caller.kind = US_CALLER_PAT;
  call->cx.actor = call->user.name;
  return US_OK;
}

/* REST c.3 */
static enum us_code check_owner_pat(struct us_call *call) {
  US_TRY(check_rest_pat(call));
  if (!us_str_eq_nocase(call->user.name, call->params[0]))
    return refuse_user(call, &call->user, call->realm->path);
  call->caller.is_owner = true;
  return US_OK;
}

/* REST h.4 */
static enum us_code check_admin_or_pat(struct us_call *call) {
  US_TRY(find_session(call));
  if (call->caller.kind != US_CALLER_SESSION)
    return has_bearer(call) ? check_rest_pat(call) : us_fail_plain(&call->cx, US_E_NO_SESSION);
  struct us_login *login = &call->caller.login;
  call->caller.is_admin = login->is_super || (login->account.realm_id == call->realm->id && login->account.is_admin);
  return call->caller.is_admin ? US_OK : refuse_user(call, &login->account, login->realm_path);
}

/* /users/{user}/...: REST contract b.6. params[0] is the user of the URL. */
static enum us_code check_owner(struct us_call *call, bool pat_ok, bool admin_ok) {
  struct us_cx *cx = &call->cx;
  US_TRY(find_session(call));
  if (call->caller.kind != US_CALLER_SESSION) {
    if (pat_ok && has_bearer(call))
      return check_owner_pat(call);
    return us_fail_plain(cx, US_E_NO_SESSION);
  }
  struct us_login *login = &call->caller.login;
  bool same_realm = login->account.realm_id == call->realm->id;
  if (same_realm && us_str_eq_nocase(login->account.name, call->params[0])) {
    call->caller.is_owner = true;
    call->user = login->account;
    return US_OK;
  }
  call->caller.is_admin = login->is_super || (same_realm && login->account.is_admin);
  if (!call->caller.is_admin)
    return refuse_user(call, &login->account, login->realm_path);
  if (!admin_ok) {
    if (pat_ok) /* writing policies */
      return us_fail(cx, US_E_FORBIDDEN, "Only resource owner of resource set can create UMA policies for it.");
    return refuse_user(call, &login->account, login->realm_path);
  }
  enum us_code code = us_account_by_name(cx, call->realm->id, call->params[0], &call->user);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    return us_fail_plain(cx, US_E_NOT_FOUND);
  }
  return code;
}

static enum us_code check_registrar(struct us_call *call) {
  return us_registration_admit(&call->cx, call->realm, us_http_header(call->request, "authorization"),
                               &call->caller.registrar);
}

/* The client stands in the path, or, as the product writes it, in the query. */
static enum us_code check_registered(struct us_call *call) {
  struct us_str authorization = us_http_header(call->request, "authorization"), token;
  struct us_str id = call->params[0].p != NULL ? call->params[0] : us_params_get(&call->query, "client_id");
  if (id.n == 0 && us_bearer_of(authorization, &token))
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "Missing parameter: client_id");
  US_TRY(us_registration_find(&call->cx, call->realm, authorization, id, &call->caller.client));
  call->caller.kind = US_CALLER_CLIENT;
  return US_OK;
}

enum us_code us_credential_check(struct us_call *call, enum us_auth auth, const struct us_params *form) {
  switch (auth) {
  case US_AUTH_NONE:
    return US_OK;
  case US_AUTH_PAT:
    return check_pat(call);
  case US_AUTH_BEARER:
  case US_AUTH_USERINFO:
    return check_bearer(call);
  case US_AUTH_CLIENT:
    return check_client(call, form);
  case US_AUTH_PAT_OR_CLIENT:
    return check_introspector(call, form);
  case US_AUTH_SESSION_OPTIONAL:
    return find_session(call);
  case US_AUTH_SESSION:
    US_TRY(find_session(call));
    return call->caller.kind == US_CALLER_SESSION ? US_OK : us_fail_plain(&call->cx, US_E_NO_SESSION);
  case US_AUTH_OWNER:
    return check_owner(call, false, false);
  case US_AUTH_OWNER_OR_ADMIN:
    return check_owner(call, false, true);
  case US_AUTH_OWNER_OR_PAT:
    return check_owner(call, true, false);
  case US_AUTH_OWNER_ADMIN_OR_PAT:
    return check_owner(call, true, true);
  case US_AUTH_ADMIN_OR_PAT:
    return check_admin_or_pat(call);
  case US_AUTH_REGISTRAR:
    return check_registrar(call);
  case US_AUTH_REGISTERED:
    return check_registered(call);
  }
  return us_fail(&call->cx, US_E_INTERNAL, "route %s has no rule for its callers", call->route->name);
}
