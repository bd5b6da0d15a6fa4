/* Claim tokens that were verified once: see claim_cache.h. Sharded, because every UMA grant of every thread asks. */
#include "domain/claim_cache.h"
#include "crypto/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define SHARDS 16

struct kept {
  struct us_claim_key key;
  int64_t exp_s, key_id, issued_id;
  uint64_t mark;
  struct kept *prev, *next; /* longest unused first */
  UT_hash_handle hh;
  size_t name_n;
  char name[]; /* as long as the name is: most are short, and there may be many */
};
struct shard {
  pthread_mutex_t lock;
  struct kept *by_key;
  struct kept *by_use;
  size_t n;
};
struct us_claim_cache {
  size_t max_per_shard;
  struct shard shards[SHARDS];
};

struct us_claim_cache *us_claim_cache_new(size_t max_entries) {
  struct us_claim_cache *cache = calloc(1, sizeof(*cache));
  if (cache == NULL)
    return NULL;
  cache->max_per_shard = max_entries / SHARDS > 0 ? max_entries / SHARDS : 1;
  for (size_t i = 0; i < SHARDS; i++) {
    if (pthread_mutex_init(&cache->shards[i].lock, NULL) == 0)
      continue;
    while (i-- > 0)
      pthread_mutex_destroy(&cache->shards[i].lock);
    free(cache);
    return NULL;
  }
  return cache;
}

static void drop(struct shard *shard, struct kept *k) {
  HASH_DEL(shard->by_key, k);
  DL_DELETE(shard->by_use, k);
  shard->n--;
  free(k);
}

void us_claim_cache_free(struct us_claim_cache *cache) {
  if (cache == NULL)
    return;
  for (size_t i = 0; i < SHARDS; i++) {
    while (cache->shards[i].by_use != NULL)
      drop(&cache->shards[i], cache->shards[i].by_use);
    pthread_mutex_destroy(&cache->shards[i].lock);
  }
  free(cache);
}

void us_claim_key(int64_t realm_id, bool checks_audience, struct us_str issuer, struct us_str client_id,
                  struct us_str compact, struct us_claim_key *ret_key) {
  /* Each part by its own hash, so that no two sets of parts read as the same text. */
  struct {
    int64_t realm_id, checks_audience;
    uint8_t issuer[US_SHA256_BYTES], client_id[US_SHA256_BYTES], compact[US_SHA256_BYTES];
  } what = {.realm_id = realm_id, .checks_audience = checks_audience};
  us_sha256(issuer, what.issuer);
  us_sha256(client_id, what.client_id);
  us_sha256(compact, what.compact);
  us_sha256((struct us_str){(const char *)&what, sizeof(what)}, ret_key->bytes);
}

static struct shard *lock_shard(struct us_claim_cache *cache, const struct us_claim_key *key) {
  struct shard *shard = &cache->shards[key->bytes[0] % SHARDS];
  pthread_mutex_lock(&shard->lock);
  return shard;
}

bool us_claim_cache_find(struct us_claim_cache *cache, const struct us_claim_key *key,
                         struct us_claim_entry *ret_entry) {
  struct shard *shard = lock_shard(cache, key);
  struct kept *k = NULL;
  HASH_FIND(hh, shard->by_key, key, sizeof(*key), k);
  if (k != NULL) {
    *ret_entry = (struct us_claim_entry){
        .exp_s = k->exp_s, .key_id = k->key_id, .issued_id = k->issued_id, .mark = k->mark, .name_n = k->name_n};
    memcpy(ret_entry->name, k->name, k->name_n);
    DL_DELETE(shard->by_use, k);
    DL_APPEND(shard->by_use, k);
  }
  pthread_mutex_unlock(&shard->lock);
  return k != NULL;
}

void us_claim_cache_put(struct us_claim_cache *cache, const struct us_claim_key *key,
                        const struct us_claim_entry *entry) {
  struct kept *k = calloc(1, sizeof(*k) + entry->name_n), *old = NULL;
  if (k == NULL)
    return; /* it will be verified again */
  k->key = *key;
  k->exp_s = entry->exp_s;
  k->key_id = entry->key_id;
  k->issued_id = entry->issued_id;
  k->mark = entry->mark;
  k->name_n = entry->name_n;
  memcpy(k->name, entry->name, entry->name_n);
  struct shard *shard = lock_shard(cache, key);
  HASH_FIND(hh, shard->by_key, key, sizeof(*key), old);
  if (old != NULL)
    drop(shard, old);
  while (shard->n >= cache->max_per_shard)
    drop(shard, shard->by_use);
  HASH_ADD(hh, shard->by_key, key, sizeof(k->key), k);
  if (k->hh.tbl != NULL) {
    DL_APPEND(shard->by_use, k);
    shard->n++;
  } else {
    free(k);
  }
  pthread_mutex_unlock(&shard->lock);
}

size_t us_claim_cache_count(struct us_claim_cache *cache) {
  size_t n = 0;
  for (size_t i = 0; i < SHARDS; i++) {
    pthread_mutex_lock(&cache->shards[i].lock);
    n += cache->shards[i].n;
    pthread_mutex_unlock(&cache->shards[i].lock);
  }
  return n;
}
