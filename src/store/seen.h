/*
 * Access tokens that a loop has seen live, so that the token of every request need not be read anew with its client and owner.
 *
 * They are remembered under rights_rev, a row of meta. The database counts it up in the very transaction that changes or deletes any
 * row of token, client or account, whoever writes it: the server, the command line, another process. A reader looks at it once in
 * each snapshot and believes only what it has read under the same number, so what is remembered is what the snapshot would
 * show; nothing can be newer or older than the rest of what a request reads. Time is not remembered: expiry is looked at each time.
 * New rows cannot end a token and do not count. Withdrawing a consent does, and so changes the row of its account (store/consents.c). See docs/adr/0012.
 *
 * One memory a connection of a loop (store/db.h, `commits`), of US_SEEN_TOKENS places; a place taken is taken over.
 */
#ifndef USHER_STORE_SEEN_H
#define USHER_STORE_SEEN_H

#include "store/tokens.h"

#define US_SEEN_TOKENS 1024      /* places */
#define US_SEEN_TOKEN_BYTES 4096 /* a longer row is not remembered */

struct us_seen;
struct us_seen_token;

/* The memory of cx->db; NULL when it has none, or when its snapshot cannot be asked for the number. */
struct us_seen *us_seen_of(struct us_cx *cx);
/* The token, as long as it is to be believed; NULL: read it. */
const struct us_access_row *us_seen_find(struct us_cx *cx, struct us_seen *seen, int64_t id);

/* One to be remembered: its row is read into `row` with memory `mem`, then kept or dropped. NULL: out of memory. */
struct us_seen_token *us_seen_token_new(void **ret_mem, struct us_access_row **ret_row);
void us_seen_token_drop(struct us_seen_token *token);
/* Takes it over. The row lives until cx->mem goes, remembered or not; NULL: out of memory. */
const struct us_access_row *us_seen_keep(struct us_cx *cx, struct us_seen *seen, int64_t id,
                                         struct us_seen_token *token);

struct us_seen *us_seen_new(void);
void us_seen_free(struct us_seen *seen); /* accepts NULL; requests that use a token keep it */

#endif
