/* Keys of clients: see client_keys.h. */
#include "domain/client_keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/mem.h"
#include "crypto/table.h"
#include "domain/throttle.h"

/* A set that requests use while it may be replaced. */
struct shared {
  _Atomic unsigned holders;
  struct us_jwk_set *set;
};

struct entry {
  int64_t client_ref, rev;
  struct shared *shared; /* NULL: none yet */
  char *body;            /* fetched and not looked at yet; malloc */
  size_t body_n;
  int64_t body_ms;
  int64_t since_ms;          /* when the set was fetched */
  int64_t fetching_since_ms; /* a fetch runs; 0: none */
  size_t weight;             /* of it in `n` below */
  struct entry *prev, *next; /* longest unused first */
  UT_hash_handle hh;
};
struct us_client_keys {
  pthread_mutex_t lock;
  struct entry *by_client;
  struct entry *by_use;
  size_t n, max; /* keys; a body that waits counts as a full set */
};

struct us_client_keys *us_client_keys_new(size_t max_keys) {
  struct us_client_keys *keys = calloc(1, sizeof(*keys));
  if (keys == NULL)
    return NULL;
  keys->max = max_keys;
  if (pthread_mutex_init(&keys->lock, NULL) == 0)
    return keys;
  free(keys);
  return NULL;
}

static void let_go(void *self) {
  struct shared *shared = self;
  if (shared == NULL || atomic_fetch_sub(&shared->holders, 1) > 1)
    return;
  us_jwk_set_free(shared->set);
  free(shared);
}

static void drop(struct us_client_keys *keys, struct entry *e) {
  HASH_DEL(keys->by_client, e);
  DL_DELETE(keys->by_use, e);
  keys->n -= e->weight;
  let_go(e->shared);
  free(e->body);
  free(e);
}

void us_client_keys_free(struct us_client_keys *keys) {
  if (keys == NULL)
    return;
  while (keys->by_use != NULL)
    drop(keys, keys->by_use);
  pthread_mutex_destroy(&keys->lock);
  free(keys);
}

size_t us_client_keys_count(struct us_client_keys *keys) {
  pthread_mutex_lock(&keys->lock);
  size_t n = keys->n;
  pthread_mutex_unlock(&keys->lock);
  return n;
}

/* ---- Entries. All with the lock held. ---- */

/* Of this very revision: what was known of an older one is forgotten. */
static struct entry *find(struct us_client_keys *keys, int64_t client_ref, int64_t rev) {
  struct entry *e = NULL;
  HASH_FIND(hh, keys->by_client, &client_ref, sizeof(client_ref), e);
  if (e != NULL && e->rev < rev) {
    drop(keys, e);
    e = NULL;
  }
  if (e == NULL || e->rev != rev)
    return NULL;
  DL_DELETE(keys->by_use, e);
  DL_APPEND(keys->by_use, e);
  return e;
}

/* A newer revision may be there already: then NULL, as when out of memory. */
static struct entry *find_or_add(struct us_client_keys *keys, int64_t client_ref, int64_t rev) {
  struct entry *e = find(keys, client_ref, rev), *other = NULL;
  HASH_FIND(hh, keys->by_client, &client_ref, sizeof(client_ref), other);
  if (e != NULL || other != NULL)
    return e;
  e = calloc(1, sizeof(*e));
  if (e == NULL)
    return NULL;
  e->client_ref = client_ref;
  e->rev = rev;
  HASH_ADD(hh, keys->by_client, client_ref, sizeof(e->client_ref), e);
  if (e->hh.tbl == NULL) {
    free(e);
    return NULL;
  }
  DL_APPEND(keys->by_use, e);
  return e;
}

static void weigh(struct us_client_keys *keys, struct entry *e) {
  size_t n = e->shared != NULL ? us_jwk_set_count(e->shared->set) : 0;
  keys->n -= e->weight;
  e->weight = 1 + n + (e->body != NULL ? US_JWK_SET_MAX_KEYS : 0);
  keys->n += e->weight;
  while (keys->n > keys->max && keys->by_use != e)
    drop(keys, keys->by_use);
}

/* ---- Sets ---- */

/* Ties the set to the request. */
static enum us_code lend(struct us_cx *cx, struct shared *shared, const struct us_jwk_set **ret_set) {
  *ret_set = shared->set;
  return us_mem_own(cx->mem, shared, let_go) == 0 ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

static struct shared *hold(struct shared *shared) {
  if (shared != NULL)
    atomic_fetch_add(&shared->holders, 1);
  return shared;
}

static enum us_code none(struct us_cx *cx, const char *why) {
  us_fail_plain(cx, US_E_NOT_FOUND);
  us_error_detail(cx, "keys of the client: %s", why);
  return US_E_NOT_FOUND;
}

/* Without the lock: takes milliseconds. A text that is no set leaves *ret_shared NULL. */
static enum us_code parse(struct us_cx *cx, struct us_str text, struct shared **ret_shared) {
  struct us_jwk_set *set = NULL;
  *ret_shared = NULL;
  enum us_code code = us_jwk_set_load(cx, text, &set);
  if (code == US_E_INVALID_REQUEST) {
    us_error_clear(cx);
    return US_OK;
  }
  US_TRY(code);
  struct shared *shared = calloc(1, sizeof(*shared));
  if (shared == NULL) {
    us_jwk_set_free(set);
    return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  shared->holders = 1;
  shared->set = set;
  *ret_shared = shared;
  return US_OK;
}

/* The body of this moment was looked at: what came of it, or nothing (then what there was stays). */
static void keep(struct us_client_keys *keys, const struct us_client *client, struct shared *shared, int64_t since_ms) {
  pthread_mutex_lock(&keys->lock);
  struct entry *e = find_or_add(keys, client->ref, client->rev);
  if (e != NULL && e->body != NULL && e->body_ms == since_ms) {
    free(e->body);
    e->body = NULL;
  }
  if (e != NULL && shared != NULL) {
    let_go(e->shared);
    e->shared = hold(shared);
    e->since_ms = since_ms;
  }
  if (e != NULL)
    weigh(keys, e);
  pthread_mutex_unlock(&keys->lock);
}

static enum us_code parse_and_keep(struct us_cx *cx, const struct us_client *client, struct us_str text,
                                   int64_t since_ms, const struct us_jwk_set **ret_set) {
  struct shared *shared = NULL;
  US_TRY(parse(cx, text, &shared));
  keep(cx->svc->client_keys, client, shared, since_ms);
  return shared != NULL ? lend(cx, shared, ret_set) : none(cx, "they are no set of public keys");
}

/* ---- Registered with the client ---- */

static enum us_code get_registered(struct us_cx *cx, const struct us_client *client, bool may_block,
                                   const struct us_jwk_set **ret_set) {
  struct us_client_keys *keys = cx->svc->client_keys;
  pthread_mutex_lock(&keys->lock);
  struct entry *e = find(keys, client->ref, client->rev);
  struct shared *shared = e != NULL ? hold(e->shared) : NULL;
  pthread_mutex_unlock(&keys->lock);
  if (shared != NULL)
    return lend(cx, shared, ret_set);
  if (!may_block)
    return us_fail_plain(cx, US_E_TO_POOL);
  return parse_and_keep(cx, client, client->jwks, cx->now_ms, ret_set);
}

/* ---- From a jwks_uri ---- */

static struct us_throttle_key pause_of(struct us_services *svc, int64_t client_ref) {
  return us_throttle_key(svc->throttle, US_THROTTLE_CLIENT_KEYS, 0,
                         (struct us_str){(const char *)&client_ref, sizeof(client_ref)});
}

/* With the lock held. True: go to the fetcher, as *ret_wanted says. */
static bool wants_fetch(struct us_cx *cx, const struct us_client *client, struct us_keys_wanted *ret_wanted) {
  struct us_client_keys *keys = cx->svc->client_keys;
  struct entry *e = find_or_add(keys, client->ref, client->rev);
  struct us_throttle_key pause = pause_of(cx->svc, client->ref);
  if (e == NULL)
    return false;
  weigh(keys, e);
  bool runs = e->fetching_since_ms != 0 && cx->now_ms - e->fetching_since_ms < US_CLIENT_KEYS_FETCH_MS;
  *ret_wanted = (struct us_keys_wanted){.client_ref = client->ref, .rev = client->rev, .url = client->jwks_uri};
  if (runs)
    return true;
  ret_wanted->may_start = us_throttle_take(cx->svc->throttle, &pause, 1, US_CLIENT_KEYS_PAUSE_S, cx->now_ms) == 0;
  if (ret_wanted->may_start)
    e->fetching_since_ms = cx->now_ms;
  return ret_wanted->may_start;
}

struct looked_up {
  struct shared *shared;
  struct us_str body; /* a copy, on the pool */
  int64_t body_ms;
  bool has_body, wants_fetch;
};

static struct looked_up look_up(struct us_cx *cx, const struct us_client *client, bool may_block,
                                struct us_keys_wanted *ret_wanted) {
  struct us_client_keys *keys = cx->svc->client_keys;
  struct looked_up found = {0};
  pthread_mutex_lock(&keys->lock);
  struct entry *e = find(keys, client->ref, client->rev);
  if (e != NULL && e->body != NULL) {
    found.has_body = true;
    found.body_ms = e->body_ms;
    if (may_block)
      found.body = us_str_dup(cx->mem, (struct us_str){e->body, e->body_n});
  } else {
    bool is_fresh = e != NULL && e->shared != NULL && cx->now_ms - e->since_ms < US_CLIENT_KEYS_FRESH_S * 1000LL;
    bool is_running = e != NULL && e->fetching_since_ms != 0 && e->shared != NULL;
    found.wants_fetch = !is_fresh && !is_running && wants_fetch(cx, client, ret_wanted);
    e = find(keys, client->ref, client->rev);
    bool is_good = e != NULL && e->shared != NULL && cx->now_ms - e->since_ms < US_CLIENT_KEYS_MAX_AGE_S * 1000LL;
    if (!found.wants_fetch && is_good)
      found.shared = hold(e->shared);
  }
  pthread_mutex_unlock(&keys->lock);
  return found;
}

static enum us_code get_published(struct us_cx *cx, const struct us_client *client, bool may_block,
                                  const struct us_jwk_set **ret_set, struct us_keys_wanted *ret_wanted) {
  struct looked_up found = look_up(cx, client, may_block, ret_wanted);
  if (found.wants_fetch)
    return us_fail_plain(cx, US_E_TO_FETCH);
  if (found.shared != NULL)
    return lend(cx, found.shared, ret_set);
  if (!found.has_body)
    return none(cx, "its jwks_uri gave none, and it is too soon to ask again");
  if (!may_block)
    return us_fail_plain(cx, US_E_TO_POOL);
  if (found.body.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  enum us_code code = parse_and_keep(cx, client, found.body, found.body_ms, ret_set);
  if (code != US_E_NOT_FOUND)
    return code;
  found = look_up(cx, client, false, ret_wanted); /* nonsense came: what there was before is as good as it was */
  if (found.wants_fetch)
    return us_fail_plain(cx, US_E_TO_FETCH);
  if (found.shared == NULL)
    return US_E_NOT_FOUND;
  us_error_clear(cx);
  return lend(cx, found.shared, ret_set);
}

enum us_code us_client_keys_get(struct us_cx *cx, const struct us_client *client, bool may_block,
                                const struct us_jwk_set **ret_set, struct us_keys_wanted *ret_wanted) {
  if (client->jwks.n > 0)
    return get_registered(cx, client, may_block, ret_set);
  if (client->jwks_uri.n > 0)
    return get_published(cx, client, may_block, ret_set, ret_wanted);
  return none(cx, "it has none");
}

enum us_code us_client_keys_refresh(struct us_cx *cx, const struct us_client *client,
                                    struct us_keys_wanted *ret_wanted) {
  struct us_client_keys *keys = cx->svc->client_keys;
  if (client->jwks.n > 0 || client->jwks_uri.n == 0)
    return none(cx, "none of them fits");
  pthread_mutex_lock(&keys->lock);
  bool wants = wants_fetch(cx, client, ret_wanted);
  pthread_mutex_unlock(&keys->lock);
  return wants ? us_fail_plain(cx, US_E_TO_FETCH) : none(cx, "none of them fits, and it is too soon to fetch others");
}

void us_client_keys_fetched(struct us_services *svc, int64_t client_ref, int64_t rev, struct us_str body) {
  struct us_client_keys *keys = svc->client_keys;
  char *copy = body.n > 0 ? malloc(body.n) : NULL;
  if (copy != NULL)
    memcpy(copy, body.p, body.n);
  pthread_mutex_lock(&keys->lock);
  struct entry *e = find_or_add(keys, client_ref, rev);
  if (e != NULL)
    e->fetching_since_ms = 0;
  if (e != NULL && copy != NULL) {
    free(e->body);
    e->body = copy;
    e->body_n = body.n;
    e->body_ms = us_clock_now_ms(svc->clock);
    copy = NULL;
  }
  if (e != NULL)
    weigh(keys, e);
  pthread_mutex_unlock(&keys->lock);
  free(copy);
}

void us_client_keys_given_up(struct us_services *svc, const struct us_keys_wanted *wanted) {
  struct us_throttle_key pause = pause_of(svc, wanted->client_ref);
  if (!wanted->may_start)
    return;
  us_throttle_give_back(svc->throttle, &pause);
  us_client_keys_fetched(svc, wanted->client_ref, wanted->rev, US_STR_ABSENT);
}
