/* Access and refresh tokens: finding, issuing, refreshing. See token.h; their end is token_life.c. */
#include "domain/token.h"

#include "base/mem.h"
#include "domain/account.h"
#include "domain/client.h"
#include "domain/consent.h"
#include "domain/scope.h"
#include "store/accounts.h"
#include "store/clients.h"
#include "store/tokens.h"

/* RFC 8705 3: a token that is bound to a certificate is a token only for who holds the certificate's key. */
static bool is_in_right_hands(const struct us_cx *cx, const struct us_token *token) {
  return token->cnf.n == 0 || us_str_eq(token->cnf, cx->certificate);
}

static enum us_code find_live(struct us_cx *cx, int64_t realm_id, int kind, struct us_str text,
                              struct us_access *ret_access) {
  int64_t id = 0;
  uint16_t iteration = 0;
  char digest[US_SHA256_TEXT_BYTES];
  struct us_access_row row = {0};
  if (!us_handle_parse(text, &id, &iteration, digest))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  US_TRY(us_token_row_live(cx, id, kind, realm_id, &row));
  if (!us_handle_matches(digest, row.digest))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  if (!is_in_right_hands(cx, &row.access.token)) {
    us_fail_plain(cx, US_E_NOT_FOUND);
    return us_error_detail(cx, "the token is bound to another certificate than the request came with");
  }
  row.access.client_has_uma = us_strs_has(row.access.client_scopes, US_STR(US_SCOPE_UMA));
  *ret_access = row.access;
  return US_OK;
}

enum us_code us_access_find(struct us_cx *cx, const struct us_realm *realm, struct us_str text,
                            struct us_access *ret_access) {
  return find_live(cx, realm->id, US_TOKEN_ACCESS, text, ret_access);
}

bool us_bearer_of(struct us_str authorization, struct us_str *ret_token) {
  if (authorization.n < 7 || !us_str_eq_nocase((struct us_str){authorization.p, 7}, US_STR("Bearer ")))
    return false;
  struct us_str token = {authorization.p + 7, authorization.n - 7};
  while (token.n > 0 && token.p[0] == ' ')
    token = (struct us_str){token.p + 1, token.n - 1};
  while (token.n > 0 && token.p[token.n - 1] == ' ')
    token.n--;
  *ret_token = token;
  return true;
}

enum us_code us_bearer_check(struct us_cx *cx, const struct us_realm *realm, struct us_str authorization,
                             struct us_str scope, struct us_access *ret_access) {
  struct us_str token;
  struct us_access access = {0};
  if (!us_bearer_of(authorization, &token))
    return us_fail_plain(cx, US_E_NO_TOKEN);
  enum us_code code = us_access_find(cx, realm, token, &access);
  if (code == US_E_NOT_FOUND)
    return us_fail_plain(cx, US_E_INVALID_TOKEN);
  US_TRY(code);
  if (scope.p != NULL && !us_strs_has(access.token.scopes, scope))
    return us_fail(cx, US_E_INSUFFICIENT_SCOPE, "The resource requested requires scope: %.*s", US_STR_ARG(scope));
  *ret_access = access;
  return US_OK;
}

enum us_code us_pat_check(struct us_cx *cx, const struct us_realm *realm, struct us_str authorization,
                          struct us_access *ret_pat) {
  struct us_access pat = {0};
  US_TRY(us_bearer_check(cx, realm, authorization, US_STR(US_SCOPE_UMA), &pat));
  if (pat.token.account_id == 0) /* Q6 */
    return us_fail_plain(cx, US_E_INSUFFICIENT_SCOPE);
  if (!pat.client_has_uma) /* contract 1.6: the client is no resource server any more */
    return us_fail_plain(cx, US_E_INVALID_TOKEN);
  *ret_pat = pat;
  return US_OK;
}

static enum us_code insert(struct us_cx *cx, const struct us_token *token, struct us_handle *ret_handle) {
  us_handle_mint(token->id, 0, ret_handle);
  return us_token_row_insert(cx, token, ret_handle->digest);
}

/* Access tokens are bound where the client's registration says so; without a certificate there is then none to be had. */
static enum us_code bind(struct us_cx *cx, const struct us_client *client, struct us_str *ret_cnf) {
  *ret_cnf = client->binds_tokens ? cx->certificate : US_STR_ABSENT;
  if (client->binds_tokens && ret_cnf->n == 0)
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "A client certificate is needed: the tokens of this client are bound to it");
  return US_OK;
}

static int64_t access_life(const struct us_realm *realm, const struct us_client *client) {
  return client->access_token_s > 0 ? client->access_token_s : realm->settings.access_token_s;
}

static enum us_code insert_access(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                                  const struct us_token *family, struct us_strs scopes, struct us_issued *issued) {
  struct us_token token = *family;
  US_TRY(bind(cx, client, &token.cnf));
  token.kind = US_TOKEN_ACCESS;
  token.scopes = scopes;
  token.issued_s = us_cx_now_s(cx);
  token.expires_s = token.issued_s + access_life(realm, client);
  issued->scopes = scopes;
  issued->access_token_s = access_life(realm, client);
  issued->auth_time_s = token.auth_time_s;
  issued->access_id = token.id;
  return insert(cx, &token, &issued->access);
}

static enum us_code insert_refresh(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                                   const struct us_token *family, struct us_issued *issued) {
  struct us_token token = *family;
  int64_t life = client->refresh_token_s > 0 ? client->refresh_token_s : realm->settings.refresh_token_s;
  if (client->is_public) /* RFC 8705 4: nothing else shows who presents it; other clients authenticate */
    US_TRY(bind(cx, client, &token.cnf));
  token.id = us_next_id(cx);
  token.kind = US_TOKEN_REFRESH;
  token.issued_s = us_cx_now_s(cx);
  token.expires_s = token.issued_s + life;
  return insert(cx, &token, &issued->refresh);
}

enum us_code us_token_issue(struct us_cx *cx, const struct us_token_issue *in, struct us_issued *ret_issued) {
  struct us_issued issued = {0};
  bool is_current = false;
  US_TRY(us_client_row_is_current(cx, in->client->ref, in->client->rev, &is_current));
  if (!is_current)
    return us_fail_plain(cx, US_E_INVALID_CLIENT);
  if (in->account != NULL) {
    US_TRY(us_account_row_is_current(cx, in->account->id, in->account->rev, &is_current));
    if (!is_current)
      return us_fail_plain(cx, US_E_STALE);
    issued.account = *in->account;
  }
  struct us_token family = {
      .id = in->grant_id != 0 ? in->grant_id : us_next_id(cx),
      .realm_id = in->realm->id,
      .client_ref = in->client->ref,
      .account_id = in->account ? in->account->id : 0,
      .grant_type = us_str_c(in->grant_type),
      .scopes = in->scopes,
      .auth_time_s = in->auth_time_s,
  };
  family.grant_id = family.id; /* a grant has the id of its first token */
  US_TRY(insert_access(cx, in->realm, in->client, &family, in->scopes, &issued));
  if (in->account != NULL && in->realm->settings.issue_refresh_token &&
      us_client_may_use_grant(in->client, "refresh_token"))
    US_TRY(insert_refresh(cx, in->realm, in->client, &family, &issued));
  *ret_issued = issued;
  return US_OK;
}

/* Everything about the presented refresh token but whether it was used before. */
static bool may_refresh(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                        const struct us_token *token) {
  int64_t idle_s = realm->settings.refresh_idle_s;
  if (!is_in_right_hands(cx, token))
    return false;
  if (token->kind != US_TOKEN_REFRESH || token->realm_id != realm->id || token->client_ref != client->ref)
    return false;
  if (token->expires_s <= us_cx_now_s(cx))
    return false;
  return idle_s == 0 || us_cx_now_s(cx) - token->issued_s <= idle_s;
}

/* A used token comes back: either the client lost an answer or somebody else has it. Nobody can tell, so the family ends (RFC 9700
 * 4.14.2). */
static enum us_code end_family(struct us_cx *cx, int64_t grant_id) {
  US_TRY(us_token_row_delete_grant(cx, grant_id));
  enum us_code code = us_fail_plain(cx, US_E_INVALID_GRANT);
  us_error_detail(cx, "a used refresh token was presented again; its grant is ended");
  cx->err.keeps_writes = true;
  return code;
}

/* The scopes of the new access token: what is asked for, within the grant and what the client may still have. */
static enum us_code narrow(struct us_cx *cx, const struct us_client *client, struct us_strs agreed, struct us_str scope,
                           struct us_strs *ret_scopes) {
  struct us_strs asked;
  US_TRY(us_scope_parse(cx, scope, &asked));
  struct us_strs left = us_strs_intersect(cx->mem, agreed, client->scopes);
  if (left.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (!us_strs_contains_all(left, asked) || left.n == 0)
    return us_fail(cx, US_E_INVALID_SCOPE, "The requested scope exceeds the scope granted by the resource owner.");
  *ret_scopes = asked.n > 0 ? asked : left;
  return US_OK;
}

static enum us_code find_owner(struct us_cx *cx, const struct us_token *token, struct us_account *ret_account) {
  bool stands = false;
  enum us_code code = us_account_by_id(cx, token->account_id, ret_account);
  if (code == US_E_NOT_FOUND || (code == US_OK && (!ret_account->is_active || token->id < ret_account->valid_from)))
    return us_fail_plain(cx, US_E_INVALID_GRANT);
  US_TRY(code);
  US_TRY(us_consent_stands(cx, token->account_id, token->client_ref, token->id, &stands));
  return stands ? US_OK : us_fail_plain(cx, US_E_INVALID_GRANT);
}

enum us_code us_token_refresh(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                              struct us_str text, struct us_str scope, struct us_issued *ret_issued) {
  int64_t id = 0;
  uint16_t iteration = 0;
  char digest[US_SHA256_TEXT_BYTES];
  struct us_token_row row = {0};
  struct us_issued issued = {0};
  struct us_strs scopes = {NULL, 0};
  if (!us_handle_parse(text, &id, &iteration, digest))
    return us_fail_plain(cx, US_E_INVALID_GRANT);
  enum us_code code = us_token_row_by_id(cx, id, &row);
  if (code == US_E_NOT_FOUND)
    return us_fail_plain(cx, US_E_INVALID_GRANT);
  US_TRY(code);
  if (!us_handle_matches(digest, row.digest) || !may_refresh(cx, realm, client, &row.token))
    return us_fail_plain(cx, US_E_INVALID_GRANT);
  if (row.token.spent)
    return end_family(cx, row.token.grant_id);
  US_TRY(find_owner(cx, &row.token, &issued.account));
  US_TRY(narrow(cx, client, row.token.scopes, scope, &scopes));

  /* Public clients always rotate (SB-11). The new token keeps the scope of the old one (RFC 6749 6). */
  bool rotates = client->is_public || realm->settings.issue_refresh_token_on_refresh;
  struct us_token family = row.token;
  family.id = us_next_id(cx);
  if (rotates) {
    bool was_first = false;
    US_TRY(us_token_row_spend(cx, id, &was_first));
    if (!was_first)
      return end_family(cx, row.token.grant_id);
    US_TRY(insert_refresh(cx, realm, client, &family, &issued));
  }
  US_TRY(insert_access(cx, realm, client, &family, scopes, &issued));
  *ret_issued = issued;
  return US_OK;
}
