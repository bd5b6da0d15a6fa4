/* Sending a browser back to a client: its URI with our parameters behind its own (G 3.3.3, RFC 6749 4.1.2, RFC 9207). */
#ifndef USHER_ENDPOINT_WEB_REDIRECT_H
#define USHER_ENDPOINT_WEB_REDIRECT_H

#include "endpoint/call.h"

struct us_redirect_param {
  const char *name;
  struct us_str value; /* absent: left out */
};
/* `uri` byte for byte, then '?' or '&', then the parameters, form-encoded. Absent when there is no memory. */
struct us_str us_redirect_uri(struct us_cx *cx, struct us_str uri, const struct us_redirect_param *params,
                              size_t count);
/* The answer to a client, and on the way to the login page: 302 (contract 3.2, 7.3), no body, no-store, no referrer. `uri` was checked
 * before. */
enum us_code us_answer_redirect(struct us_call *call, struct us_str uri, const struct us_redirect_param *params,
                                size_t count) US_MUST_CHECK;
/* The same after a form that may have held a password, as all of the login and account pages: 303 (SB-07). After a GET 302. */
enum us_code us_answer_after_form(struct us_call *call, struct us_str uri) US_MUST_CHECK;

#endif
