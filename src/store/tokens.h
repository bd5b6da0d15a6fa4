/* Rows of `token`: access and refresh tokens. Rows keep the digest of a handle only; whoever reads one compares it. */
#ifndef USHER_STORE_TOKENS_H
#define USHER_STORE_TOKENS_H

#include "model/model.h"
#include "store/sql.h"

struct us_token_row {
  struct us_token token;
  struct us_str digest;
};
enum us_code us_token_row_insert(struct us_cx *cx, const struct us_token *token, const char *digest) US_MUST_CHECK;
/* Any row by its id, whatever its state. US_E_NOT_FOUND (an answer). */
enum us_code us_token_row_by_id(struct us_cx *cx, int64_t id, struct us_token_row *ret_row) US_MUST_CHECK;

/* A live token (not expired, not spent) of a kind with its client (active) and its owner (active, or none; the consent not withdrawn since), in one statement.
 * realm_id 0: of any realm. US_E_NOT_FOUND (an answer). */
struct us_access_row {
  struct us_access access;
  struct us_str digest;
};
enum us_code us_token_row_live(struct us_cx *cx, int64_t id, int kind, int64_t realm_id,
                               struct us_access_row *ret_row) US_MUST_CHECK;

/* Spends a refresh token: false when somebody was faster. */
enum us_code us_token_row_spend(struct us_cx *cx, int64_t id, bool *ret_spent) US_MUST_CHECK;
enum us_code us_token_row_delete(struct us_cx *cx, int64_t id) US_MUST_CHECK;
/* Everything that one authorization led to. */
enum us_code us_token_row_delete_grant(struct us_cx *cx, int64_t grant_id) US_MUST_CHECK;

#endif
