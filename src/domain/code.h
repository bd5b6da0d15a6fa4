/*
 * Authorization codes (RFC 6749 4.1, protocol contract 3.1, 3.2): a person lets a client have tokens, the browser carries the code, the
 * client exchanges it. A code is a handle (crypto/handle.h) of which the store keeps the digest. It works once, shortly, for its
 * client, and for who knows the verifier of its challenge.
 */
#ifndef USHER_DOMAIN_CODE_H
#define USHER_DOMAIN_CODE_H

#include "crypto/handle.h"
#include "domain/token.h"

/* Write step: `in` without id, realm, client and times. US_E_STALE when client or account are not as they were read. */
struct us_code_issue {
  const struct us_realm *realm;
  const struct us_client *client;
  const struct us_account *account;
  struct us_code_grant grant; /* redirect_uri .. auth_time_s */
};
enum us_code us_code_issue(struct us_cx *cx, const struct us_code_issue *in,
                           struct us_handle *ret_handle) US_MUST_CHECK;

/* Write step: the grant authorization_code. US_E_INVALID_GRANT: unknown, of another realm or client, expired, used, for another
 * redirection URI, its account changed, its consent withdrawn, or the verifier is wrong (domain/pkce.h; US_E_INVALID_REQUEST: missing).
 * Whatever the reason, the code is used up by then and refusals keep that. A code that its own client presents again ends all that
 * came of it (OA-17); another client's presenting it ends nothing but the code (docs/adr/0021). */
struct us_code_exchange {
  const struct us_realm *realm;
  const struct us_client *client;
  struct us_str code, redirect_uri, code_verifier;
};
enum us_code us_code_exchange(struct us_cx *cx, const struct us_code_exchange *in,
                              struct us_issued *ret_issued) US_MUST_CHECK;

#endif
