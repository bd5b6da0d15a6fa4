/* Authorization codes: see code.h. */
#include "domain/code.h"

#include "domain/account.h"
#include "domain/consent.h"
#include "domain/pkce.h"
#include "store/accounts.h"
#include "store/clients.h"
#include "store/codes.h"
#include "store/tokens.h"

#define GRANT_TYPE "authorization_code"

/* What was read before the person was asked must not have changed while the call waited for the writer. */
static enum us_code check_current(struct us_cx *cx, const struct us_code_issue *in) {
  bool is_current = false;
  US_TRY(us_client_row_is_current(cx, in->client->ref, in->client->rev, &is_current));
  if (is_current)
    US_TRY(us_account_row_is_current(cx, in->account->id, in->account->rev, &is_current));
  return is_current ? US_OK : us_fail_plain(cx, US_E_STALE);
}

enum us_code us_code_issue(struct us_cx *cx, const struct us_code_issue *in, struct us_handle *ret_handle) {
  struct us_code_grant code = in->grant;
  int64_t life_s = in->client->code_s > 0 ? in->client->code_s : in->realm->settings.code_s;
  US_TRY(check_current(cx, in));
  code.id = us_next_id(cx);
  code.realm_id = in->realm->id;
  code.client_ref = in->client->ref;
  code.account_id = in->account->id;
  code.expires_s = us_cx_now_s(cx) + life_s;
  us_handle_mint(code.id, 0, ret_handle);
  return us_codes_insert(cx, &code, ret_handle->digest);
}

/* A code of this realm by its text, whatever its state. */
static enum us_code find(struct us_cx *cx, const struct us_code_exchange *in, struct us_code_grant *ret_code) {
  int64_t id;
  uint16_t iteration;
  char digest[US_SHA256_TEXT_BYTES];
  struct us_code_row row;
  if (!us_handle_parse(in->code, &id, &iteration, digest))
    return us_fail_plain(cx, US_E_INVALID_GRANT);
  enum us_code code = us_codes_find(cx, id, &row);
  if (code == US_E_NOT_FOUND)
    return us_fail_plain(cx, US_E_INVALID_GRANT);
  US_TRY(code);
  if (!us_handle_matches(digest, row.digest) || row.code.realm_id != in->realm->id)
    return us_fail_plain(cx, US_E_INVALID_GRANT);
  *ret_code = row.code;
  return US_OK;
}

static enum us_code refuse(struct us_cx *cx, const char *why) {
  (void)us_fail_plain(cx, US_E_INVALID_GRANT);
  return us_error_detail(cx, "authorization code: %s", why);
}

/* The code was used before. Its client lost an answer, or somebody else has the code and can pass for the client: nobody can tell, so
 * what came of it ends (RFC 6749 4.1.2). The row is read again, because the first use may have ended while this one waited. */
static enum us_code end_grant(struct us_cx *cx, int64_t id) {
  struct us_code_row row;
  US_TRY(us_codes_find(cx, id, &row));
  if (row.code.grant_id != US_CODE_WASTED)
    US_TRY(us_token_row_delete_grant(cx, row.code.grant_id));
  (void)refuse(cx, "presented again; what came of it is ended");
  cx->err.keeps_writes = true;
  return US_E_INVALID_GRANT;
}

/* The code has been shown and is worth nothing any more, although nothing comes of it. The error is told already. */
static enum us_code waste(struct us_cx *cx, int64_t id, struct us_error why) {
  bool was_first;
  US_TRY(us_codes_use(cx, id, US_CODE_WASTED, &was_first));
  if (!was_first)
    return end_grant(cx, id);
  cx->err = why;
  cx->err.keeps_writes = true;
  return why.code;
}

/* RFC 6749 4.1.3: repeated when it was sent; where it was not, it may be left out, or be the one that the browser was sent to. */
static bool uri_fits(const struct us_code_grant *code, struct us_str redirect_uri) {
  if (redirect_uri.n == 0)
    return !code->uri_was_sent;
  return us_str_eq(redirect_uri, code->redirect_uri);
}

static enum us_code find_owner(struct us_cx *cx, const struct us_code_grant *code, struct us_account *ret_account) {
  bool stands = false;
  enum us_code found = us_account_by_id(cx, code->account_id, ret_account);
  if (found == US_E_NOT_FOUND)
    return refuse(cx, "its account is gone");
  US_TRY(found);
  if (!ret_account->is_active || code->id < ret_account->valid_from)
    return refuse(cx, "its account has changed");
  US_TRY(us_consent_stands(cx, code->account_id, code->client_ref, code->id, &stands));
  return stands ? US_OK : refuse(cx, "its consent was withdrawn");
}

/* Everything about a code of this client that was not used yet. */
static enum us_code check(struct us_cx *cx, const struct us_code_exchange *in, const struct us_code_grant *code,
                          struct us_account *ret_account) {
  if (code->expires_s <= us_cx_now_s(cx))
    return us_fail(cx, US_E_INVALID_GRANT, "Authorization code expired.");
  if (!uri_fits(code, in->redirect_uri))
    return refuse(cx, "for another redirection URI");
  if (code->challenge.n == 0 && in->code_verifier.n == 0 && us_pkce_is_required(in->realm, in->client))
    return refuse(cx, "it has no challenge, and the client must use PKCE by now");
  US_TRY(us_pkce_verify(cx, code->challenge, code->challenge_method, in->code_verifier));
  return find_owner(cx, code, ret_account);
}

enum us_code us_code_exchange(struct us_cx *cx, const struct us_code_exchange *in, struct us_issued *ret_issued) {
  struct us_code_grant code = {0};
  struct us_account account = {0};
  bool was_first = false;
  US_TRY(find(cx, in, &code));
  if (code.client_ref != in->client->ref) {
    (void)refuse(cx, "presented by another client");
    if (code.grant_id != 0) /* too late to be of any use to it, and what its client got is not this one's to end */
      return US_E_INVALID_GRANT;
    return waste(cx, code.id, cx->err);
  }
  if (code.grant_id != 0)
    return end_grant(cx, code.id);
  enum us_code flaw = check(cx, in, &code, &account);
  if (flaw == US_E_INVALID_GRANT || flaw == US_E_INVALID_REQUEST)
    return waste(cx, code.id, cx->err);
  US_TRY(flaw);

  struct us_strs scopes = us_strs_intersect(cx->mem, code.scopes, in->client->scopes); /* it may have lost some */
  if (scopes.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (scopes.n == 0) {
    (void)refuse(cx, "its client is registered for none of its scopes any more");
    return waste(cx, code.id, cx->err);
  }
  struct us_token_issue issue = {
      .realm = in->realm,
      .client = in->client,
      .account = &account,
      .grant_type = GRANT_TYPE,
      .scopes = scopes,
      .auth_time_s = code.auth_time_s,
      .grant_id = us_next_id(cx),
  };
  US_TRY(us_codes_use(cx, code.id, issue.grant_id, &was_first));
  if (!was_first)
    return end_grant(cx, code.id);
  US_TRY(us_token_issue(cx, &issue, ret_issued));
  ret_issued->nonce = code.nonce;
  return US_OK;
}
