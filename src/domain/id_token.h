/*
 * ID tokens: issue (protocol contract 8.6), and take back as claim tokens (6.3). `sub` is the bare name, which somebody else may bear
 * one day; `jti` says which account of that name it was, and when, in the order of row ids (ADR 30).
 */
#ifndef USHER_DOMAIN_ID_TOKEN_H
#define USHER_DOMAIN_ID_TOKEN_H

#include "domain/services.h"

struct us_id_token_claims {
  const struct us_account *account;
  struct us_str client_id;
  struct us_str alg; /* the client's: RS256 signs on the pool only (US_E_TO_POOL when !may_block), ES256 anywhere */
  struct us_str nonce, access_token; /* at_hash of it */
  int64_t auth_time_s;
  int64_t issued_id; /* row of the access token it comes with: made when the account was looked at for the last time */
};
enum us_code us_id_token_issue(struct us_cx *cx, const struct us_realm *realm, const struct us_id_token_claims *claims,
                               bool may_block, struct us_str *ret_compact) US_MUST_CHECK;

/* What a claim token says of the requesting party. */
struct us_claim_token {
  struct us_str name; /* bare ("(usr!name)" unwrapped): to be looked up */
  int64_t issued_id;  /* does the account stand by what was issued then? us_account_stands_by() */
  uint64_t mark;      /* of the account: us_claim_token_is_of() */
};
/* Any flaw is US_E_NOT_FOUND without text, detail for the log: to the grant it is "no claims". Verified tokens are remembered by
 * SHA-256 until exp or a key change (bounded). */
enum us_code us_claim_token_verify(struct us_cx *cx, const struct us_realm *realm, struct us_str client_id,
                                   struct us_str compact, struct us_claim_token *ret_token) US_MUST_CHECK;
/* Was it issued for this very account, and not for one that bore its name before? */
bool us_claim_token_is_of(const struct us_claim_token *token, const struct us_account *account);
#define US_ID_TOKEN_JTI_BYTES 23
void us_id_token_jti(int64_t issued_id, int64_t account_id, char ret_text[US_ID_TOKEN_JTI_BYTES]);
/* The three spellings of protocol contract 6.1, then NULL. */
extern const char *const us_claim_token_formats[];
bool us_claim_token_format_ok(struct us_str format);
struct us_claim_cache *us_claim_cache_new(size_t max_entries);
void us_claim_cache_free(struct us_claim_cache *cache);

#endif
