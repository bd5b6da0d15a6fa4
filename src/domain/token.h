/* Access and refresh tokens: issue, find, refresh, revoke. RPTs live in domain/rpt.h. */
#ifndef USHER_DOMAIN_TOKEN_H
#define USHER_DOMAIN_TOKEN_H

#include "crypto/handle.h"
#include "domain/services.h"

/* A live access token of this realm by its text, in one statement with its client and owner. US_E_NOT_FOUND (no text) when
 * unknown, expired, of another realm, of a deleted or inactive client or owner, or bound to another certificate than cx->certificate
 * (RFC 8705 3): every bearer token comes in here. The caller decides what that means. */
enum us_code us_access_find(struct us_cx *cx, const struct us_realm *realm, struct us_str text,
                            struct us_access *ret_access) US_MUST_CHECK;
/* The token of an Authorization header of the scheme Bearer; false: there is none. */
bool us_bearer_of(struct us_str authorization, struct us_str *ret_token);
/* A live access token with this scope (absent: any) in an Authorization header (RFC 6750): US_E_NO_TOKEN, US_E_INVALID_TOKEN,
 * US_E_INSUFFICIENT_SCOPE. */
enum us_code us_bearer_check(struct us_cx *cx, const struct us_realm *realm, struct us_str authorization,
                             struct us_str scope, struct us_access *ret_access) US_MUST_CHECK;
/* The Bearer rules of protocol contract 1.6 for a PAT: US_E_NO_TOKEN, US_E_INVALID_TOKEN, US_E_INSUFFICIENT_SCOPE. */
enum us_code us_pat_check(struct us_cx *cx, const struct us_realm *realm, struct us_str authorization,
                          struct us_access *ret_pat) US_MUST_CHECK;
#define US_SCOPE_UMA "uma_protection"
#define US_SCOPE_OPENID "openid"

/* Issue. What one successful token request leads to. */
struct us_token_issue {
  const struct us_realm *realm;
  const struct us_client *client;
  const struct us_account *account; /* the resource owner; NULL: client credentials */
  const char *grant_type;
  struct us_strs scopes;
  int64_t auth_time_s; /* when the owner showed who he is */
  int64_t grant_id;    /* made before, where something else must name it; 0: a new one */
};
struct us_issued {
  struct us_handle access;
  struct us_handle refresh; /* n == 0: none */
  struct us_strs scopes;    /* of the access token */
  int64_t access_token_s;   /* expires_in */
  int64_t auth_time_s;
  int64_t access_id;         /* row of the access token */
  struct us_account account; /* id == 0: none */
  struct us_str nonce;       /* for the ID token; absent without */
};
/* Write step. A refresh token comes along when there is an owner, the realm issues them and the client may use them. What was
 * read before (client, account) is looked at again: US_E_INVALID_CLIENT when the client changed, US_E_STALE when the account did. */
enum us_code us_token_issue(struct us_cx *cx, const struct us_token_issue *in,
                            struct us_issued *ret_issued) US_MUST_CHECK;

/* Write step: the refresh grant (protocol contract 3.1, RFC 6749 6). `scope` is the parameter; it may narrow and never widen.
 * US_E_INVALID_GRANT for anything but a live refresh token of this client; a spent one ends its whole family, and that refusal
 * keeps its writes (SB-11). */
enum us_code us_token_refresh(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                              struct us_str text, struct us_str scope, struct us_issued *ret_issued) US_MUST_CHECK;

/* Introspection (protocol contract 8.1.2): a live access or refresh token as far as this client may see it. US_E_NOT_FOUND
 * (an answer): unknown, dead, or not for these eyes. `hint` only says where to look first. */
enum us_code us_token_introspect(struct us_cx *cx, const struct us_realm *realm, struct us_str text, struct us_str hint,
                                 int64_t client_ref, struct us_strs client_scopes,
                                 struct us_access *ret_access) US_MUST_CHECK;
#define US_SCOPE_SEES_ALL "am-introspect-all-tokens"
#define US_SCOPE_SEES_ALL_REALMS "am-introspect-all-tokens-any-realm"

/* Write step: revocation (RFC 7009). An access token dies; a refresh token takes everything of its grant along. US_E_NOT_FOUND (an
 * answer): no such token; US_E_INVALID_GRANT: another client's. */
enum us_code us_token_revoke(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                             struct us_str text) US_MUST_CHECK;

#endif
