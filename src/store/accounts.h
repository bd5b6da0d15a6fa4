/* Rows of `account`. Thin: no rules here (domain/account.c has them). */
#ifndef USHER_STORE_ACCOUNTS_H
#define USHER_STORE_ACCOUNTS_H

#include "model/model.h"
#include "store/sql.h"

/* US_E_NOT_FOUND (an answer) when there is none. */
enum us_code us_account_row_by_name(struct us_cx *cx, int64_t realm_id, struct us_str name_key,
                                    struct us_account *ret_account) US_MUST_CHECK;
enum us_code us_account_row_by_id(struct us_cx *cx, int64_t id, struct us_account *ret_account) US_MUST_CHECK;
/* Those of a realm whose name_key is above `after`, in its order, at most `limit`. */
enum us_code us_account_rows_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                                  struct us_account **ret_accounts, size_t *ret_count) US_MUST_CHECK;
/* US_E_CONFLICT (an answer) when the name is taken. */
enum us_code us_account_row_insert(struct us_cx *cx, const struct us_account *account) US_MUST_CHECK;
/* US_E_NOT_FOUND (an answer) when there is no such row. */
enum us_code us_account_row_set_password(struct us_cx *cx, int64_t id, struct us_str password_hash,
                                         int64_t valid_from) US_MUST_CHECK;
enum us_code us_account_row_set_active(struct us_cx *cx, int64_t id, bool is_active, int64_t valid_from) US_MUST_CHECK;
/* mail, names and locale */
enum us_code us_account_row_update(struct us_cx *cx, const struct us_account *account) US_MUST_CHECK;

/* The second factor. An absent secret takes it away; a new one forgets which codes were used. */
struct us_totp_row {
  struct us_str secret; /* base32 */
  int64_t last_step;
};
enum us_code us_account_row_set_totp(struct us_cx *cx, int64_t id, struct us_str secret) US_MUST_CHECK;
/* US_E_NOT_FOUND (an answer) when none is enrolled. */
enum us_code us_account_row_totp(struct us_cx *cx, int64_t id, struct us_totp_row *ret_row) US_MUST_CHECK;
/* Uses the code of a step up: US_E_NOT_FOUND (an answer) when it or a later one was used before. */
enum us_code us_account_row_use_step(struct us_cx *cx, int64_t id, int64_t step) US_MUST_CHECK;

enum us_code us_account_row_delete(struct us_cx *cx, int64_t id) US_MUST_CHECK;
/* Is it as it was read: same revision, active? */
enum us_code us_account_row_is_current(struct us_cx *cx, int64_t id, int64_t rev, bool *ret_is_current) US_MUST_CHECK;

#endif
