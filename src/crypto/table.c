/* The keyed hash of tables: see table.h. */
#include "crypto/table.h"

#include <pthread.h>
#include <sodium.h>

#include "crypto/random.h"

static unsigned char table_key[crypto_shorthash_KEYBYTES];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void make_key(void) {
  us_random(table_key, sizeof(table_key));
}

uint32_t us_table_hash(const void *key, size_t n) {
  unsigned char hash[crypto_shorthash_BYTES];
  uint32_t folded;
  pthread_once(&table_once, make_key);
  crypto_shorthash(hash, key, n, table_key);
  memcpy(&folded, hash, sizeof(folded));
  return folded;
}
