/*
 * Who has failed how often: failed passwords and secrets, counted by key in windows of time (design 6, OA-26, SB-20).
 *
 * An attempt is counted before it is made, and uncounted when it succeeds, so that a hundred guesses at once cannot all pass
 * before the first is counted. Refused attempts are not counted: the window that began with the first failure ends when it was
 * due, and nobody is locked out for ever. Everything is bounded: past `max_entries` the oldest window is forgotten.
 *
 *   key = us_throttle_key(t, US_THROTTLE_ACCOUNT, realm->id, name_key);
 *   wait = us_throttle_take(t, &key, limit, window_s, now_ms);   0: go on
 *   ... it was right: us_throttle_forget(t, &key)  (or us_throttle_give_back for what many share)
 */
#ifndef USHER_DOMAIN_THROTTLE_H
#define USHER_DOMAIN_THROTTLE_H

#include "base/str.h"

enum us_throttle_kind {
  US_THROTTLE_ACCOUNT = 1,              /* passwords of one account, from everywhere */
  US_THROTTLE_ACCOUNT_AT_ADDRESS,       /* passwords of one account from one address */
  US_THROTTLE_ADDRESS,                  /* passwords from one address */
  US_THROTTLE_CODE,                     /* one-time codes of one account, from everywhere */
  US_THROTTLE_CLIENT_AT_ADDRESS,        /* secrets of one client from one address */
  US_THROTTLE_CLIENTS_OF_ADDRESS,       /* secrets of any client from one address */
  US_THROTTLE_ASSERTION_REPEATS,        /* used assertions of one client from one address */
  US_THROTTLE_CLIENT_KEYS,              /* fetches of one client's keys */
  US_THROTTLE_REGISTRATIONS_OF_ADDRESS, /* clients registered from one address */
  US_THROTTLE_REGISTRATIONS_OF_REALM,
  US_THROTTLE_REGISTRATION_CHANGES, /* by one client that registered itself */
  US_THROTTLE_POOL,                 /* not counted by time: domain/pool_share.h has its keys */
};
#define US_THROTTLE_KEY_BYTES 16
struct us_throttle_key {
  uint8_t bytes[US_THROTTLE_KEY_BYTES];
};
struct us_throttle;

struct us_throttle *us_throttle_new(size_t max_entries);
void us_throttle_free(struct us_throttle *throttle); /* accepts NULL */
/* Keys are MACs under a key of the process: nobody can aim two names at one entry. */
struct us_throttle_key us_throttle_key(struct us_throttle *throttle, enum us_throttle_kind kind, int64_t realm_id,
                                       struct us_str text);
/* Seconds until another attempt is allowed; 0 = now. A limit of 0 allows all. */
int us_throttle_wait_s(struct us_throttle *throttle, const struct us_throttle_key *key, int64_t limit, int64_t now_ms);
/* The same, and counts one attempt when it is allowed. */
int us_throttle_take(struct us_throttle *throttle, const struct us_throttle_key *key, int64_t limit, int64_t window_s,
                     int64_t now_ms);
void us_throttle_give_back(struct us_throttle *throttle, const struct us_throttle_key *key); /* one attempt */
void us_throttle_forget(struct us_throttle *throttle, const struct us_throttle_key *key);    /* all attempts */
size_t us_throttle_count(struct us_throttle *throttle);                                      /* entries in use */

#endif
