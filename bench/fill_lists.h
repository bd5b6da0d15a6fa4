/*
 * What the rows about lists need in a store that fill.c has filled: people with 1,000 shares each, requests to approve, sessions, and
 * two resources that are hard cases. All of it has the same size whatever the store's, so that the same work is compared at 1,000
 * and at a million resources. Files in FOLDER, one line a sample:
 *
 *   sets.txt        SSO USER                    a person with 1,000 shares
 *   policies.txt    SSO OWNER SUBJECT           ten policies of the owner name the subject
 *   evaluate.txt    SSO OWNER RESOURCE PARTY
 *   approve.txt     SSO OWNER REQUEST           each is good once
 *   hard.txt        NAME SSO OWNER RESOURCE PARTY SSO_OF_PARTY     wide: 10,000 shares; chain: re-shared 1,000 deep
 */
#ifndef USHER_BENCH_FILL_LISTS_H
#define USHER_BENCH_FILL_LISTS_H

#include "model/model.h"
#include "store/db.h"

#define BENCH_LISTS_RESOURCES_MIN 1000 /* a smaller store gets none of it */

struct bench_lists {
  struct us_db *db;
  const struct us_realm *realm;
  struct us_str password_hash;
  int64_t rs_ref;
  const struct us_account *owners,
      *parties; /* as fill.c made them: resource i is of owner i % people, shared with party
                                              * i / people % people */
  int64_t people;
  int64_t resources;
  const char *folder;
};
enum us_code bench_fill_lists(struct us_cx *cx, const struct bench_lists *lists) US_MUST_CHECK;

#endif
