/* SSO sessions (REST contract b.3): issue at login, find, touch (as a note), end. */
#ifndef USHER_DOMAIN_SESSION_H
#define USHER_DOMAIN_SESSION_H

#include "crypto/handle.h"
#include "domain/services.h"

/* A live session by its text, with its account (active), in one statement. US_E_NOT_FOUND without text otherwise. */
struct us_login {
  struct us_session session;
  struct us_account account;
  struct us_str realm_path;
  bool is_super; /* administrator of the top-level realm */
};
enum us_code us_session_find(struct us_cx *cx, struct us_str text, struct us_login *ret_login) US_MUST_CHECK;
/* Write step: a new session; *ret_handle holds the token for the caller. */
enum us_code us_session_create(struct us_cx *cx, const struct us_realm *realm, const struct us_account *account,
                               struct us_handle *ret_handle) US_MUST_CHECK;
enum us_code us_session_end(struct us_cx *cx, int64_t session_id) US_MUST_CHECK;

#endif
