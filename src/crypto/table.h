/*
 * Hash tables: uthash, with a keyed hash (SipHash by libsodium) under a key of this process. What a stranger sends (user
 * names, addresses, tokens) cannot be chosen to fall into one bucket. Include this instead of <uthash.h>.
 */
#ifndef USHER_CRYPTO_TABLE_H
#define USHER_CRYPTO_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

uint32_t us_table_hash(const void *key, size_t n);

#define HASH_NONFATAL_OOM 1 /* no memory: the entry is not added, the server goes on */
#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = us_table_hash((keyptr), (keylen)))
#include <uthash.h>

#endif
