/* ID tokens: issue (protocol contract 8.6), and take back as claim tokens (6.3). */
#ifndef USHER_DOMAIN_ID_TOKEN_H
#define USHER_DOMAIN_ID_TOKEN_H

#include "domain/services.h"

struct us_id_token_claims {
  const struct us_account *account;
  struct us_str client_id;
  struct us_str alg; /* the client's: RS256 signs on the pool only (US_E_TO_POOL when !may_block), ES256 anywhere */
  struct us_str nonce, access_token; /* at_hash of it */
  int64_t auth_time_s;
};
enum us_code us_id_token_issue(struct us_cx *cx, const struct us_realm *realm, const struct us_id_token_claims *claims,
                               bool may_block, struct us_str *ret_compact) US_MUST_CHECK;

/* The requesting party behind a claim token; *ret_name is the bare account name ("(usr!name)" unwrapped) to be resolved by the
 * caller, who asks the account whether it stands by what was issued at *ret_issued_s (us_account_stands_by()). Any flaw is US_E_NOT_FOUND without text, detail for the log: to the grant it is "no claims". Verified tokens are
 * remembered by SHA-256 until exp or a key change (bounded). */
enum us_code us_claim_token_verify(struct us_cx *cx, const struct us_realm *realm, struct us_str client_id,
                                   struct us_str compact, struct us_str *ret_name, int64_t *ret_issued_s) US_MUST_CHECK;
/* The three spellings of protocol contract 6.1. */
bool us_claim_token_format_ok(struct us_str format);
struct us_claim_cache *us_claim_cache_new(size_t max_entries);
void us_claim_cache_free(struct us_claim_cache *cache);

#endif
