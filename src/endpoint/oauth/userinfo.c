/*
 * What a token's bearer may know: of the person (userinfo, protocol contract 8.5, OIDC Core 5.3) and of the token itself (tokeninfo,
 * 8.3). The pipeline has looked at the token.
 */
#include "domain/userinfo.h"

#include "domain/account.h"
#include "endpoint/oauth/oauth.h"

enum us_code us_ep_userinfo(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  const struct us_token *token = &call->caller.pat.token;
  struct us_account account;
  struct us_json_writer w;
  enum us_code code = us_account_by_id(cx, token->account_id, &account);
  if (code == US_E_NOT_FOUND)
    return us_fail_plain(cx, US_E_INVALID_TOKEN);
  US_TRY(code);
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  for (size_t i = 0; i < us_userinfo_claim_count; i++)
    us_json_member(&w, us_userinfo_claims[i].name,
                   us_userinfo_value(cx, &us_userinfo_claims[i], &account, token->scopes));
  us_json_close(&w, '}');
  return US_OK;
}

static bool is_member(struct us_str name) {
  static const char *const members[] = {"access_token", "token_type", "expires_in", "scope",
                                        "client_id",    "grant_type", "realm"};
  for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
    if (us_str_eq_c(name, members[i]))
      return true;
  }
  return false;
}

/* Each scope is a member too; those with the name of another member are in the list only. */
enum us_code us_ep_tokeninfo(struct us_call *call) {
  const struct us_access *access = &call->caller.pat;
  const struct us_token *token = &access->token;
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "access_token", call->caller.bearer);
  us_json_member(&w, "token_type", US_STR("Bearer"));
  us_json_member_i64(&w, "expires_in", token->expires_s - us_cx_now_s(&call->cx));
  us_json_name(&w, "scope");
  us_json_strs(&w, token->scopes);
  us_json_member(&w, "client_id", access->client_id);
  us_json_member(&w, "grant_type", token->grant_type);
  us_json_member(&w, "realm", call->realm->path);
  for (size_t i = 0; i < token->scopes.n; i++) {
    if (is_member(token->scopes.v[i]))
      continue;
    us_json_name_str(&w, token->scopes.v[i]);
    us_json_str(&w, US_STR(""));
  }
  us_json_close(&w, '}');
  return US_OK;
}
