/* Counting failures: see throttle.h. Sixteen shards, each with a lock, a hash and a list ordered by the age of windows. */
#include "domain/throttle.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/table.h"

#define SHARDS 16

struct entry {
  struct us_throttle_key key;
  int64_t until_ms; /* end of the window */
  int64_t count;
  struct entry *prev, *next; /* oldest first */
  UT_hash_handle hh;
};
struct shard {
  pthread_mutex_t lock;
  struct entry *by_key;
  struct entry *by_age;
  size_t n;
};
struct us_throttle {
  uint8_t secret[US_SHA256_BYTES];
  size_t max_per_shard;
  struct shard shards[SHARDS];
};

struct us_throttle *us_throttle_new(size_t max_entries) {
  struct us_throttle *t = calloc(1, sizeof(*t));
  if (t == NULL)
    return NULL;
  us_random(t->secret, sizeof(t->secret));
  t->max_per_shard = max_entries / SHARDS > 0 ? max_entries / SHARDS : 1;
  for (size_t i = 0; i < SHARDS; i++) {
    if (pthread_mutex_init(&t->shards[i].lock, NULL) == 0)
      continue;
    while (i-- > 0)
      pthread_mutex_destroy(&t->shards[i].lock);
    free(t);
    return NULL;
  }
  return t;
}

static void drop(struct shard *shard, struct entry *e) {
  HASH_DEL(shard->by_key, e);
  DL_DELETE(shard->by_age, e);
  shard->n--;
  free(e);
}

void us_throttle_free(struct us_throttle *t) {
  if (t == NULL)
    return;
  for (size_t i = 0; i < SHARDS; i++) {
    while (t->shards[i].by_age != NULL)
      drop(&t->shards[i], t->shards[i].by_age);
    pthread_mutex_destroy(&t->shards[i].lock);
  }
  free(t);
}

struct us_throttle_key us_throttle_key(struct us_throttle *t, enum us_throttle_kind kind, int64_t realm_id,
                                       struct us_str text) {
  /* Texts may be long (a user name of a hostile form), so they are hashed before they are put beside the rest. */
  struct {
    int64_t kind, realm_id;
    uint8_t text[US_SHA256_BYTES];
  } what = {.kind = kind, .realm_id = realm_id};
  struct us_throttle_key key;
  uint8_t mac[US_SHA256_BYTES];
  us_sha256(text, what.text);
  us_hmac_sha256((struct us_str){(const char *)t->secret, sizeof(t->secret)},
                 (struct us_str){(const char *)&what, sizeof(what)}, mac);
  memcpy(key.bytes, mac, sizeof(key.bytes));
  return key;
}

static struct shard *lock_shard(struct us_throttle *t, const struct us_throttle_key *key) {
  struct shard *shard = &t->shards[key->bytes[0] % SHARDS];
  pthread_mutex_lock(&shard->lock);
  return shard;
}

/* The entry when its window is still open; a closed one is dropped. */
static struct entry *find_open(struct shard *shard, const struct us_throttle_key *key, int64_t now_ms) {
  struct entry *e = NULL;
  HASH_FIND(hh, shard->by_key, key, sizeof(*key), e);
  if (e == NULL || e->until_ms > now_ms)
    return e;
  drop(shard, e);
  return NULL;
}

static int wait_of(const struct entry *e, int64_t limit, int64_t now_ms) {
  if (e == NULL || e->count < limit)
    return 0;
  int64_t wait_s = (e->until_ms - now_ms + 999) / 1000;
  return wait_s < 1 ? 1 : wait_s > INT32_MAX ? INT32_MAX : (int)wait_s;
}

int us_throttle_wait_s(struct us_throttle *t, const struct us_throttle_key *key, int64_t limit, int64_t now_ms) {
  if (limit <= 0)
    return 0;
  struct shard *shard = lock_shard(t, key);
  int wait_s = wait_of(find_open(shard, key, now_ms), limit, now_ms);
  pthread_mutex_unlock(&shard->lock);
  return wait_s;
}

static struct entry *add(struct us_throttle *t, struct shard *shard, const struct us_throttle_key *key,
                         int64_t until_ms) {
  while (shard->n >= t->max_per_shard)
    drop(shard, shard->by_age);
  struct entry *e = calloc(1, sizeof(*e));
  if (e == NULL)
    return NULL;
  e->key = *key;
  e->until_ms = until_ms;
  HASH_ADD(hh, shard->by_key, key, sizeof(e->key), e);
  if (e->hh.tbl == NULL) {
    free(e);
    return NULL;
  }
  DL_APPEND(shard->by_age, e);
  shard->n++;
  return e;
}

int us_throttle_take(struct us_throttle *t, const struct us_throttle_key *key, int64_t limit, int64_t window_s,
                     int64_t now_ms) {
  if (limit <= 0)
    return 0;
  struct shard *shard = lock_shard(t, key);
  struct entry *e = find_open(shard, key, now_ms);
  int wait_s = wait_of(e, limit, now_ms);
  if (wait_s == 0) {
    if (e == NULL)
      e = add(t, shard, key, now_ms + window_s * 1000);
    if (e != NULL)
      e->count++;
    else
      wait_s = 1; /* what cannot be counted is not allowed */
  }
  pthread_mutex_unlock(&shard->lock);
  return wait_s;
}

void us_throttle_give_back(struct us_throttle *t, const struct us_throttle_key *key) {
  struct shard *shard = lock_shard(t, key);
  struct entry *e = NULL;
  HASH_FIND(hh, shard->by_key, key, sizeof(*key), e);
  if (e != NULL && --e->count <= 0)
    drop(shard, e);
  pthread_mutex_unlock(&shard->lock);
}

void us_throttle_forget(struct us_throttle *t, const struct us_throttle_key *key) {
  struct shard *shard = lock_shard(t, key);
  struct entry *e = NULL;
  HASH_FIND(hh, shard->by_key, key, sizeof(*key), e);
  if (e != NULL)
    drop(shard, e);
  pthread_mutex_unlock(&shard->lock);
}

size_t us_throttle_count(struct us_throttle *t) {
  size_t n = 0;
  for (size_t i = 0; i < SHARDS; i++) {
    pthread_mutex_lock(&t->shards[i].lock);
    n += t->shards[i].n;
    pthread_mutex_unlock(&t->shards[i].lock);
  }
  return n;
}
