/*
 * The key for secrets at rest (crypto/box.h): a file of 32 bytes or their base64 that nobody but its owner may read. It is named by
 * `store_key_file` of the configuration, by USHER_STORE_KEY_FILE for commands; else it is `store.key` beside the file of an SQLite
 * store, when there is one. Without any, secrets are stored in the clear.
 */
#ifndef USHER_APP_STORE_KEY_H
#define USHER_APP_STORE_KEY_H

#include "domain/services.h"

/* US_E_INVALID_REQUEST with one sentence for the operator. */
enum us_code us_store_key_read(struct us_cx *cx, const char *file, struct us_box **ret_box) US_MUST_CHECK;
/* The key of a store: of `file`, or beside the store when that is NULL or empty. *ret_box: NULL when there is none. */
enum us_code us_store_key_of(struct us_cx *cx, const char *file, const char *store_url,
                             struct us_box **ret_box) US_MUST_CHECK;
/* Makes one beside the store where there is neither a key nor a store yet. */
enum us_code us_store_key_make(struct us_cx *cx, const char *store_url) US_MUST_CHECK;

#endif
