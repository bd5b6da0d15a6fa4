/*
 * By what a share may mean a person (REST contract c.6, design 6): by the person's own key, and by each group it is in.
 *
 *   alice                    her user name, without case
 *   alice@example.net        with the realm's setting usernameAttribute = mail; who has no mail is meant by no name then
 *   group:family             whoever is in that group now
 *
 * Neither a user name nor the value of an attribute that begins with "group:" is ever a person's own key.
 */
#ifndef USHER_DOMAIN_SUBJECT_H
#define USHER_DOMAIN_SUBJECT_H

#include "domain/services.h"

#define US_SUBJECT_GROUP "group:"

/* What a share is written with to mean an account: the text whose key us_subject_own_key() is. */
struct us_str us_subject_own_name(const struct us_settings *settings, const struct us_account *account);
/* An account's own key under the realm's settings; absent when it has none. */
enum us_code us_subject_own_key(struct us_cx *cx, const struct us_settings *settings, const struct us_account *account,
                                struct us_str *ret_key) US_MUST_CHECK;
/* The same for code that does not know the realm: by the configuration as it is now, the user name when the realm is gone. */
enum us_code us_subject_own_key_now(struct us_cx *cx, const struct us_account *account,
                                    struct us_str *ret_key) US_MUST_CHECK;
/* Its own key, when it has one, and those of the groups it is in now. */
enum us_code us_subject_keys(struct us_cx *cx, const struct us_settings *settings, const struct us_account *account,
                             struct us_strs *ret_keys) US_MUST_CHECK;
/* The key of a group by its name. */
struct us_str us_subject_group_key(void *mem, struct us_str name);

#endif
