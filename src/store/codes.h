/* Rows of authorization codes. They keep the digest of a handle only; whoever reads one compares it. */
#ifndef USHER_STORE_CODES_H
#define USHER_STORE_CODES_H

#include "model/model.h"
#include "store/sql.h"

struct us_code_row {
  struct us_code_grant code;
  struct us_str digest;
};
enum us_code us_codes_insert(struct us_cx *cx, const struct us_code_grant *code, const char *digest) US_MUST_CHECK;
/* US_E_NOT_FOUND (an answer) when there is none. */
enum us_code us_codes_find(struct us_cx *cx, int64_t id, struct us_code_row *ret_row) US_MUST_CHECK;
/* Uses the code: from now on it says which grant it led to, or US_CODE_WASTED. *ret_first is false when somebody was faster. */
#define US_CODE_WASTED (-1) /* used in vain: no grant came of it */
enum us_code us_codes_use(struct us_cx *cx, int64_t id, int64_t grant_id, bool *ret_first) US_MUST_CHECK;

#endif
