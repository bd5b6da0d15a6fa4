/* User info: see userinfo.h. */
#include "domain/userinfo.h"

#include "domain/rpt.h"
#include "domain/token.h"

#define FULL_NAME SIZE_MAX

const struct us_userinfo_claim us_userinfo_claims[] = {
    {"sub", NULL, offsetof(struct us_account, name)},
    {"subname", NULL, offsetof(struct us_account, name)},
    {"name", "profile", FULL_NAME},
    {"given_name", "profile", offsetof(struct us_account, given_name)},
    {"family_name", "profile", offsetof(struct us_account, family_name)},
    {"email", "email", offsetof(struct us_account, mail)},
};
const size_t us_userinfo_claim_count = sizeof(us_userinfo_claims) / sizeof(us_userinfo_claims[0]);

static enum us_code refuse_scope(struct us_cx *cx) {
  return us_fail(cx, US_E_INSUFFICIENT_SCOPE, "The resource requested requires scope: " US_SCOPE_OPENID);
}

enum us_code us_userinfo_check(struct us_cx *cx, const struct us_realm *realm, struct us_str authorization,
                               struct us_access *ret_access) {
  struct us_access access;
  struct us_str text;
  bool is_rpt = false;
  enum us_code code = us_bearer_check(cx, realm, authorization, US_STR(US_SCOPE_OPENID), &access);
  if (code == US_E_INVALID_TOKEN && us_bearer_of(authorization, &text)) {
    US_TRY(us_rpt_is_live(cx, realm, text, &is_rpt));
    return is_rpt ? refuse_scope(cx) : us_fail_plain(cx, US_E_INVALID_TOKEN);
  }
  US_TRY(code);
  if (access.token.account_id == 0) /* a client's own: there is nobody to tell about */
    return refuse_scope(cx);
  *ret_access = access;
  return US_OK;
}

/* "Alice Liddell", from what there is of it. */
static struct us_str full_name(struct us_cx *cx, const struct us_account *account) {
  if (account->given_name.n == 0 || account->family_name.n == 0)
    return account->given_name.n > 0 ? account->given_name : account->family_name;
  return us_str_fmt(cx->mem, "%.*s %.*s", US_STR_ARG(account->given_name), US_STR_ARG(account->family_name));
}

struct us_str us_userinfo_value(struct us_cx *cx, const struct us_userinfo_claim *claim,
                                const struct us_account *account, struct us_strs scopes) {
  if (claim->scope != NULL && !us_strs_has(scopes, us_str_c(claim->scope)))
    return US_STR_ABSENT;
  struct us_str value = claim->offset == FULL_NAME
                            ? full_name(cx, account)
                            : *(const struct us_str *)(const void *)((const char *)account + claim->offset);
  return value.n > 0 ? value : US_STR_ABSENT;
}
