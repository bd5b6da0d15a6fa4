/* Client secrets that were right once: see secret.h. */
#include "domain/secret.h"

#include <pthread.h>
#include <stdlib.h>

#include <utlist.h>

#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/table.h"

struct entry {
  int64_t client_ref;
  int64_t rev;
  uint8_t mac[US_SHA256_BYTES];
  struct entry *prev, *next; /* longest unused first */
  UT_hash_handle hh;
};
struct us_secret_cache {
  pthread_mutex_t lock;
  uint8_t key[US_SHA256_BYTES];
  struct entry *by_client;
  struct entry *by_use;
  size_t n, max;
};

struct us_secret_cache *us_secret_cache_new(size_t max_entries) {
  struct us_secret_cache *cache = calloc(1, sizeof(*cache));
  if (cache == NULL)
    return NULL;
  us_random(cache->key, sizeof(cache->key));
  cache->max = max_entries > 0 ? max_entries : 1;
  if (pthread_mutex_init(&cache->lock, NULL) == 0)
    return cache;
  free(cache);
  return NULL;
}

static void drop(struct us_secret_cache *cache, struct entry *e) {
  HASH_DEL(cache->by_client, e);
  DL_DELETE(cache->by_use, e);
  cache->n--;
  free(e);
}

void us_secret_cache_free(struct us_secret_cache *cache) {
  if (cache == NULL)
    return;
  while (cache->by_use != NULL)
    drop(cache, cache->by_use);
  pthread_mutex_destroy(&cache->lock);
  explicit_bzero(cache->key, sizeof(cache->key));
  free(cache);
}

static void mac_of(const struct us_secret_cache *cache, struct us_str secret, uint8_t ret_mac[US_SHA256_BYTES]) {
  us_hmac_sha256((struct us_str){(const char *)cache->key, sizeof(cache->key)}, secret, ret_mac);
}

bool us_secret_is_known(struct us_secret_cache *cache, int64_t client_ref, int64_t rev, struct us_str secret) {
  struct entry *e = NULL;
  uint8_t mac[US_SHA256_BYTES];
  bool is_known = false;
  mac_of(cache, secret, mac);
  pthread_mutex_lock(&cache->lock);
  HASH_FIND(hh, cache->by_client, &client_ref, sizeof(client_ref), e);
  if (e != NULL && e->rev == rev && us_equal_ct(mac, e->mac, sizeof(mac))) {
    is_known = true;
    DL_DELETE(cache->by_use, e);
    DL_APPEND(cache->by_use, e);
  }
  pthread_mutex_unlock(&cache->lock);
  return is_known;
}

void us_secret_remember(struct us_secret_cache *cache, int64_t client_ref, int64_t rev, struct us_str secret) {
  struct entry *e = NULL, *fresh = calloc(1, sizeof(*fresh));
  if (fresh == NULL)
    return;
  fresh->client_ref = client_ref;
  fresh->rev = rev;
  mac_of(cache, secret, fresh->mac);
  pthread_mutex_lock(&cache->lock);
  HASH_FIND(hh, cache->by_client, &client_ref, sizeof(client_ref), e);
  if (e != NULL)
    drop(cache, e);
  while (cache->n >= cache->max)
    drop(cache, cache->by_use);
  HASH_ADD(hh, cache->by_client, client_ref, sizeof(fresh->client_ref), fresh);
  if (fresh->hh.tbl != NULL) {
    DL_APPEND(cache->by_use, fresh);
    cache->n++;
  } else {
    free(fresh);
  }
  pthread_mutex_unlock(&cache->lock);
}

size_t us_secret_count(struct us_secret_cache *cache) {
  pthread_mutex_lock(&cache->lock);
  size_t n = cache->n;
  pthread_mutex_unlock(&cache->lock);
  return n;
}
