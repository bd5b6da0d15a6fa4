/* Columns that hold secrets which must be had back (crypto/box.h), for sealing them anew under another key of the configuration. */
#ifndef USHER_STORE_SECRETS_H
#define USHER_STORE_SECRETS_H

#include "store/sql.h"

enum us_secret_kind { US_SECRET_SIGNING_KEY, US_SECRET_TOTP, US_SECRET_CLIENT, US_SECRET_KINDS };
struct us_secret_row {
  int64_t id;
  struct us_str text;
};
/* Those of a kind with ids above `after`, in their order, at most `max`. */
enum us_code us_secret_rows(struct us_cx *cx, enum us_secret_kind kind, int64_t after, int64_t max,
                            struct us_secret_row *ret_rows, size_t *ret_n) US_MUST_CHECK;
/* Only if it is still `row->text`: who was changed meanwhile has been written by somebody else, under whose key is its affair. */
enum us_code us_secret_row_put(struct us_cx *cx, enum us_secret_kind kind, const struct us_secret_row *row,
                               struct us_str text) US_MUST_CHECK;
/* The store's own (meta). */
enum us_code us_store_key_row_replace(struct us_cx *cx, struct us_str key) US_MUST_CHECK;

#endif
