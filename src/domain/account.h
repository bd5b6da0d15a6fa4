/* User accounts of a realm: look-up, creation, passwords. Names compare without ASCII case (REST contract a.1). */
#ifndef USHER_DOMAIN_ACCOUNT_H
#define USHER_DOMAIN_ACCOUNT_H

#include "domain/services.h"

/* US_E_NOT_FOUND (an answer, without text) when there is none. */
enum us_code us_account_by_name(struct us_cx *cx, int64_t realm_id, struct us_str name,
                                struct us_account *ret_account) US_MUST_CHECK;
enum us_code us_account_by_id(struct us_cx *cx, int64_t id, struct us_account *ret_account) US_MUST_CHECK;

/* What is wrong with a name for an account (or a group), NULL when nothing is: "is empty". */
const char *us_account_flaw_of_name(struct us_str name);

/* One page of a realm's accounts by name_key behind `after` ("" = from the start), at most `limit`. */
enum us_code us_account_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                             struct us_account **ret_accounts, size_t *ret_count) US_MUST_CHECK;

/* A profile attribute by the name that directories give it, without case: uid, mail, givenName, sn, preferredLanguage (also
 * preferredLocale). Absent when the account has no value, and for any other name. For usernameAttribute,
 * userProfileLocaleAttribute and profiles. */
struct us_str us_account_attribute(const struct us_account *account, struct us_str name);
/* Is there an attribute of this name? */
bool us_account_has_attribute(struct us_str name);

struct us_account_new {
  struct us_str name, password_hash, mail, given_name, family_name, locale;
  bool is_admin;
};
/* Write step. US_E_CONFLICT when the name is taken. The hash comes from us_password_hash(), made before. */
enum us_code us_account_create(struct us_cx *cx, int64_t realm_id, const struct us_account_new *in,
                               int64_t *ret_id) US_MUST_CHECK;
enum us_code us_account_delete(struct us_cx *cx, const struct us_account *account)
    US_MUST_CHECK; /* cascade: protocol contract 11.3, REST i.3 */
/* Write steps that end all that speaks for the account: its sessions, and the tokens issued before. One that is on or off already
 * stays as it is. */
enum us_code us_account_set_password(struct us_cx *cx, int64_t id, struct us_str password_hash) US_MUST_CHECK;
enum us_code us_account_set_active(struct us_cx *cx, const struct us_account *account, bool is_active) US_MUST_CHECK;
/* Does the account stand by what was issued for it under this id? It is active, and its password was not changed since. */
bool us_account_stands_by(const struct us_account *account, int64_t issued_id);
/* Write step: mail, names and locale of `in`. What is absent stays, what is empty is taken away. */
enum us_code us_account_update(struct us_cx *cx, const struct us_account *account,
                               const struct us_account_new *in) US_MUST_CHECK;

/* Checks a password: blocks ~17 ms, so only on the pool (returns US_E_TO_POOL when !may_block). Throttled by account and by
 * address (design 6): US_E_SLOW_DOWN with retry_after_s. Unknown user, wrong password, inactive account and, where the realm asks
 * for a second factor, an account that has none all take the same time and end in US_E_NOT_FOUND without text; the caller
 * translates (invalid_grant, "Login failure"). */
enum us_code us_account_login(struct us_cx *cx, const struct us_realm *realm, struct us_str name,
                              struct us_str password, struct us_str address, bool may_block,
                              struct us_account *ret_account) US_MUST_CHECK;
/* The second factor (RFC 6238), after the password. Throttled by account, whoever guesses, for he has the password already, and by
 * address. US_E_NOT_FOUND (an answer) when the code is wrong or old, was used, or no secret is enrolled. Quick. */
enum us_code us_account_check_code(struct us_cx *cx, const struct us_realm *realm, const struct us_account *account,
                                   struct us_str code, struct us_str address, int64_t *ret_step) US_MUST_CHECK;
/* Write step: the code of this step counts no more. US_E_NOT_FOUND (an answer) when somebody was faster. */
enum us_code us_account_use_code(struct us_cx *cx, int64_t id, int64_t step) US_MUST_CHECK;
#define US_ACCOUNT_TOTP_PLACE "totp:" /* and the account's id: what its secret is sealed for (crypto/box.h) */
/* Write step: a secret in base32 (crypto/totp.h); absent takes it away. */
enum us_code us_account_enroll(struct us_cx *cx, int64_t id, struct us_str secret) US_MUST_CHECK;
/* Write step: US_E_STALE unless it is active and as it was when it was read. */
enum us_code us_account_still(struct us_cx *cx, const struct us_account *account) US_MUST_CHECK;
/* "id=alice,ou=user,o=alpha,ou=services,dc=usher" (REST contract b.5) */
struct us_str us_account_universal_id(struct us_cx *cx, struct us_str realm_path, struct us_str name);

#endif
