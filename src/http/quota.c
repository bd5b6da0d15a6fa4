/* Counting connections: see http/quota.h. */
#include "http/quota.h"
#include "crypto/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct us_quota_entry {
  struct us_address group;
  size_t n;
  _Atomic size_t h2_bytes;
  UT_hash_handle hh;
};

struct us_quota {
  pthread_mutex_t lock;
  size_t max;
  size_t max_per_address;
  size_t n;
  struct us_quota_entry *entries; /* only groups with a connection */
};

struct us_quota *us_quota_new(size_t connections, size_t connections_per_address) {
  struct us_quota *quota = calloc(1, sizeof *quota);
  if (!quota)
    return NULL;
  if (pthread_mutex_init(&quota->lock, NULL) != 0) {
    free(quota);
    return NULL;
  }
  quota->max = connections;
  quota->max_per_address = connections_per_address;
  return quota;
}

void us_quota_free(struct us_quota *quota) {
  if (!quota)
    return;
  struct us_quota_entry *entry, *next;
  HASH_ITER(hh, quota->entries, entry, next) {
    HASH_DEL(quota->entries, entry);
    free(entry);
  }
  pthread_mutex_destroy(&quota->lock);
  free(quota);
}

static struct us_quota_entry *us_quota_find(struct us_quota *quota, const struct us_address *group) {
  struct us_quota_entry *entry = NULL;
  HASH_FIND(hh, quota->entries, group, sizeof *group, entry);
  return entry;
}

static bool us_quota_take_locked(struct us_quota *quota, const struct us_address *address, bool is_exempt,
                                 _Atomic size_t **ret_h2_bytes) {
  if (quota->n >= quota->max)
    return false;
  if (!is_exempt) {
    struct us_address group = us_address_group(address);
    struct us_quota_entry *entry = us_quota_find(quota, &group);
    if (!entry) {
      if (quota->max_per_address == 0)
        return false;
      entry = calloc(1, sizeof *entry);
      if (!entry)
        return false;
      entry->group = group;
      HASH_ADD(hh, quota->entries, group, sizeof entry->group, entry);
      if (!entry->hh.tbl) {
        free(entry);
        return false;
      }
    }
    if (entry->n >= quota->max_per_address)
      return false;
    entry->n++;
    *ret_h2_bytes = &entry->h2_bytes;
  }
  quota->n++;
  return true;
}

bool us_quota_take(struct us_quota *quota, const struct us_address *address, bool is_exempt,
                   _Atomic size_t **ret_h2_bytes) {
  *ret_h2_bytes = NULL;
  pthread_mutex_lock(&quota->lock);
  bool has_room = us_quota_take_locked(quota, address, is_exempt, ret_h2_bytes);
  pthread_mutex_unlock(&quota->lock);
  return has_room;
}

void us_quota_give_back(struct us_quota *quota, const struct us_address *address, bool is_exempt) {
  pthread_mutex_lock(&quota->lock);
  quota->n--;
  if (!is_exempt) {
    struct us_address group = us_address_group(address);
    struct us_quota_entry *entry = us_quota_find(quota, &group);
    if (entry && --entry->n == 0) {
      HASH_DEL(quota->entries, entry);
      free(entry);
    }
  }
  pthread_mutex_unlock(&quota->lock);
}
