/* Rows of what people allowed clients. */
#ifndef USHER_STORE_CONSENTS_H
#define USHER_STORE_CONSENTS_H

#include "model/list.h"
#include "model/model.h"
#include "store/sql.h"

/* US_E_NOT_FOUND (an answer) when there never was one. */
enum us_code us_consents_find(struct us_cx *cx, int64_t account_id, int64_t client_ref,
                              struct us_consent *ret_consent) US_MUST_CHECK;
/* New, or over what there is; valid_from is not touched. */
enum us_code us_consents_put(struct us_cx *cx, const struct us_consent *consent) US_MUST_CHECK;
/* Nothing is allowed any more, and tokens and codes with ids below `valid_from` are dead. A row is made when there is none. */
enum us_code us_consents_withdraw(struct us_cx *cx, const struct us_consent *consent) US_MUST_CHECK;

/* Whoever allowed this client something is asked again. */
enum us_code us_consents_forget_remembered(struct us_cx *cx, int64_t client_ref) US_MUST_CHECK;

/* Those of one person that hold, of clients that are there, oldest client first. False ends the page. */
typedef bool (*us_consent_row_fn)(struct us_cx *cx, void *self, const struct us_consent *consent);
enum us_code us_consents_page(struct us_cx *cx, int64_t account_id, const struct us_list_query *query,
                              us_consent_row_fn each, void *self, struct us_list_end *ret_end) US_MUST_CHECK;

#endif
