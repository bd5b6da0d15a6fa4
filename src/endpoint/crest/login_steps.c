/* Steps that every way of logging in has: by /json/authenticate and by the login page. See login.h. */
#include "domain/account.h"
#include "domain/session.h"
#include "domain/settings.h"
#include "endpoint/crest/login.h"

enum us_code us_login_journey(struct us_call *call, struct us_str *ret_journey) {
  struct us_str type = us_params_get(&call->query, "authIndexType");
  struct us_str value = us_params_get(&call->query, "authIndexValue");
  *ret_journey = US_STR(US_LOGIN_JOURNEY);
  if (type.p == NULL && value.p == NULL)
    return US_OK;
  if (type.p == NULL || value.p == NULL)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "authIndexType and authIndexValue come together");
  struct us_str claims = us_settings_claims_journey(&call->realm->settings);
  bool is_known = us_str_eq_c(value, US_LOGIN_JOURNEY) || us_str_eq_c(value, "Login") ||
                  (claims.p != NULL && us_str_eq(value, claims));
  if (!us_str_eq_c(type, "service") || !is_known)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "There is no login flow of this authIndexType and authIndexValue");
  *ret_journey = value;
  return US_OK;
}

/* The password was right some minutes ago: is he still who he was? */
enum us_code us_login_check_code(struct us_call *call, const struct us_login_step *step, struct us_str code,
                                 struct us_account *ret_account, int64_t *ret_code_step) {
  struct us_cx *cx = &call->cx;
  enum us_code found = us_account_by_id(cx, step->account_id, ret_account);
  if (found != US_OK && found != US_E_NOT_FOUND)
    return found;
  if (found == US_E_NOT_FOUND || !ret_account->is_active || ret_account->rev != step->account_rev) {
    us_error_clear(cx);
    return us_fail_plain(cx, US_E_STALE);
  }
  return us_account_check_code(cx, call->realm, ret_account, code, call->request->peer_group, ret_code_step);
}

enum us_code us_login_use_code(struct us_call *call, const struct us_account *account, int64_t code_step) {
  US_TRY(us_account_still(&call->cx, account));
  return code_step > 0 ? us_account_use_code(&call->cx, account->id, code_step) : US_OK;
}

enum us_code us_login_enter(struct us_call *call, const struct us_account *account, struct us_str journey,
                            struct us_handle *ret_handle) {
  if (call->caller.kind == US_CALLER_SESSION && call->caller.by_cookie) /* the new cookie takes its place */
    US_TRY(us_session_end(&call->cx, call->caller.login.session.id));
  return us_session_create(&call->cx, call->realm, account, journey, ret_handle);
}
