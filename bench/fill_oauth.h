/*
 * What the rows about OAuth and claims gathering need in a store that fill.c has filled: codes that wait for their exchange, refresh
 * tokens, and, in a realm of its own where claims are gathered, tickets whose requesting party was there. Each code and ticket is
 * good once, so there are many. Files in FOLDER, one handle a line:
 *
 *   codes.txt      authorization codes of Bench-Client, with PKCE
 *   refresh.txt    refresh tokens of Bench-Client
 *   gathered.txt   tickets of Bench-Client in realm /gather, with PKCE
 */
#ifndef USHER_BENCH_FILL_OAUTH_H
#define USHER_BENCH_FILL_OAUTH_H

#include "model/model.h"
#include "store/db.h"

struct bench_oauth {
  struct us_db *db;
  const struct us_realm *realm;
  const struct us_client *rs, *client;
  const struct us_account *people; /* whose codes and refresh tokens they are */
  int64_t people_count;
  int64_t count; /* codes, and tickets */
  const char *folder;
};
enum us_code bench_fill_oauth(struct us_cx *cx, const struct bench_oauth *oauth) US_MUST_CHECK;

#endif
