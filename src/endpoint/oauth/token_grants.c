/*
 * The grants of RFC 6749 at the token endpoint (protocol contract 3.1): password, authorization_code, refresh_token, client_credentials. Checks and
 * passwords in prepare, tokens in run, the ID token and the answer in finish.
 */
#include "endpoint/oauth/oauth.h"

#include "base/mem.h"
#include "domain/account.h"
#include "domain/code.h"
#include "domain/id_token.h"
#include "domain/scope.h"
#include "domain/token.h"

struct grant_state {
  struct us_strs scopes;
  struct us_account account; /* password: who logged in */
  struct us_issued issued;   /* run writes it anew each time */
};

static enum us_code new_state(struct us_call *call, struct grant_state **ret_state) {
  struct grant_state *state = US_NEW(call->cx.mem, struct grant_state);
  if (state == NULL)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  call->state = state;
  *ret_state = state;
  return US_OK;
}

/* Contract 3.1: an ID token comes with `openid` when there is an owner; it is the claim token of the UMA grant. */
static enum us_code sign_id_token(struct us_call *call, const struct us_issued *issued, struct us_str *ret_id_token) {
  *ret_id_token = US_STR_ABSENT;
  if (issued->account.id == 0 || !us_strs_has(issued->scopes, US_STR(US_SCOPE_OPENID)))
    return US_OK;
  struct us_id_token_claims claims = {
      .account = &issued->account,
      .client_id = call->caller.client.client_id,
      .alg = call->caller.client.id_token_alg,
      .nonce = issued->nonce,
      .access_token = {issued->access.text, issued->access.n},
      .auth_time_s = issued->auth_time_s,
      .issued_id = issued->access_id,
  };
  return us_id_token_issue(&call->cx, call->realm, &claims, us_call_may_block(call), ret_id_token);
}

static enum us_code finish(struct us_call *call) {
  const struct grant_state *state = call->state;
  const struct us_issued *issued = &state->issued;
  struct us_str id_token;
  struct us_json_writer w;
  US_TRY(sign_id_token(call, issued, &id_token));
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "access_token", (struct us_str){issued->access.text, issued->access.n});
  if (issued->refresh.n > 0)
    us_json_member(&w, "refresh_token", (struct us_str){issued->refresh.text, issued->refresh.n});
  us_json_member(&w, "scope", us_strs_join(call->cx.mem, issued->scopes, " "));
  us_json_member(&w, "id_token", id_token);
  us_json_member(&w, "token_type", US_STR("Bearer"));
  us_json_member_i64(&w, "expires_in", issued->access_token_s);
  us_json_close(&w, '}');
  return US_OK;
}

static enum us_code issue(struct us_call *call, const char *grant_type, const struct us_account *account) {
  struct grant_state *state = call->state;
  struct us_token_issue in = {
      .realm = call->realm,
      .client = &call->caller.client,
      .account = account,
      .grant_type = grant_type,
      .scopes = state->scopes,
      .auth_time_s = us_cx_now_s(&call->cx),
  };
  return us_token_issue(&call->cx, &in, &state->issued);
}

/* Password: the documented way to a PAT (design 6). */

static enum us_code password_prepare(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  const struct us_token_request *in = call->input;
  struct grant_state *state = NULL;
  bool no_name = in->username.n == 0, no_password = in->password.n == 0;
  if (no_name || no_password)
    return us_fail(cx, US_E_INVALID_REQUEST, "Missing parameters:%s%s", no_name ? " username" : "",
                   no_password ? " password" : "");
  if (call->realm->settings.second_factor) /* the product's answer to a journey that asks for more than a password */
    return us_fail(cx, US_E_DOCUMENTED_500, "The realm asks for a second factor, which the password grant cannot give");
  US_TRY(new_state(call, &state));
  US_TRY(us_scope_resolve(cx, call->realm, &call->caller.client, in->scope, &state->scopes));
  enum us_code code = us_account_login(cx, call->realm, in->username, in->password, call->request->peer_group,
                                       us_call_may_block(call), &state->account);
  return code == US_E_NOT_FOUND ? us_fail_plain(cx, US_E_INVALID_GRANT) : code;
}

static enum us_code password_run(struct us_call *call) {
  struct grant_state *state = call->state;
  return issue(call, us_grant_password.type, &state->account);
}

const struct us_grant us_grant_password = {"password", password_prepare, password_run, finish};

/* Authorization code. A scope parameter is not looked at: the scope comes from the code (Q10). */

static enum us_code code_prepare(struct us_call *call) {
  const struct us_token_request *in = call->input;
  struct grant_state *state = NULL;
  if (in->code.n == 0)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "Missing parameters: code");
  return new_state(call, &state);
}

static enum us_code code_run(struct us_call *call) {
  const struct us_token_request *in = call->input;
  struct grant_state *state = call->state;
  const struct us_code_exchange exchange = {
      .realm = call->realm,
      .client = &call->caller.client,
      .code = in->code,
      .redirect_uri = in->redirect_uri,
      .code_verifier = in->code_verifier,
  };
  return us_code_exchange(&call->cx, &exchange, &state->issued);
}

const struct us_grant us_grant_code = {"authorization_code", code_prepare, code_run, finish};

/* Refresh. */

static enum us_code refresh_prepare(struct us_call *call) {
  const struct us_token_request *in = call->input;
  struct grant_state *state = NULL;
  if (in->refresh_token.n == 0)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "Missing parameters: refresh_token");
  return new_state(call, &state);
}

static enum us_code refresh_run(struct us_call *call) {
  const struct us_token_request *in = call->input;
  struct grant_state *state = call->state;
  return us_token_refresh(&call->cx, call->realm, &call->caller.client, in->refresh_token, in->scope, &state->issued);
}

const struct us_grant us_grant_refresh = {"refresh_token", refresh_prepare, refresh_run, finish};

/* Client credentials: for the client itself. There is no owner, so it can never be a PAT (contract 3.1, Q6). */

static enum us_code client_credentials_prepare(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  const struct us_token_request *in = call->input;
  struct us_str uma = US_STR(US_SCOPE_UMA);
  struct us_strs asked;
  struct grant_state *state = NULL;
  US_TRY(new_state(call, &state));
  US_TRY(us_scope_parse(cx, in->scope, &asked));
  if (us_strs_has(asked, uma))
    return us_fail(cx, US_E_INVALID_SCOPE, "uma_protection is not available with the client_credentials grant");
  US_TRY(us_scope_resolve(cx, call->realm, &call->caller.client, in->scope, &state->scopes));
  state->scopes = us_strs_minus(cx->mem, state->scopes, (struct us_strs){&uma, 1}); /* defaults may hold it */
  if (state->scopes.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (state->scopes.n == 0)
    return us_fail(cx, US_E_INVALID_SCOPE, "No scope requested and no default scope configured");
  return US_OK;
}

static enum us_code client_credentials_run(struct us_call *call) {
  return issue(call, us_grant_client_credentials.type, NULL);
}

const struct us_grant us_grant_client_credentials = {"client_credentials", client_credentials_prepare,
                                                     client_credentials_run, finish};
