/* Rows of table pct: persisted claims tokens (protocol contract 7.5). Thin: no rules here (domain/pct.c has them). */
#ifndef USHER_STORE_PCTS_H
#define USHER_STORE_PCTS_H

#include "model/model.h"
#include "store/sql.h"

enum us_code us_pcts_insert(struct us_cx *cx, const struct us_pct *pct, const char *digest) US_MUST_CHECK;
/* Dead or alive. US_E_NOT_FOUND (an answer) when there is none. */
enum us_code us_pcts_find(struct us_cx *cx, int64_t id, const char *digest, int64_t realm_id,
                          struct us_pct *ret_pct) US_MUST_CHECK;
enum us_code us_pcts_delete(struct us_cx *cx, int64_t id) US_MUST_CHECK;
/* Of one person at one client: all but the newest `keep`. */
enum us_code us_pcts_delete_oldest(struct us_cx *cx, int64_t account_id, int64_t client_ref,
                                   int64_t keep) US_MUST_CHECK;

#endif
