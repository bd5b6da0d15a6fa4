/* The browser's way in and out (REST contract b, k; docs/adr/0020): pages at /XUI/. Steps of the rows in route/table.c. */
#ifndef USHER_ENDPOINT_WEB_LOGIN_H
#define USHER_ENDPOINT_WEB_LOGIN_H

#include "endpoint/call.h"

/* Does a `goto` that is allowed lead away from here? Then that is where the form ends (us_page_form()). */
static inline bool us_goto_leaves(const struct us_call *call, struct us_str wanted) {
  return wanted.n > 0 && wanted.p[0] != '/' && !us_str_starts(wanted, call->cx.svc->base_url);
}

/* A page of ours in the realm of the call, in the language that was asked for: "" or "logout". */
struct us_str us_web_url(struct us_call *call, const char *page);

extern const struct us_field_table us_login_page_table; /* login_csrf, username, password, step, code */
enum us_code us_ep_login_page(struct us_call *call);
enum us_code us_ep_login_page_prepare(struct us_call *call);
enum us_code us_ep_login_page_run(struct us_call *call);
enum us_code us_ep_login_page_finish(struct us_call *call);

extern const struct us_field_table us_account_form_table; /* csrf, client_id */
enum us_code us_ep_logout_page(struct us_call *call);
enum us_code us_ep_logout(struct us_call *call);
enum us_code us_ep_withdraw(struct us_call *call);
/* Who is signed in, and which applications have what of the person: what the login page is for somebody with a session. */
enum us_code us_account_page_show(struct us_call *call) US_MUST_CHECK;

#endif
