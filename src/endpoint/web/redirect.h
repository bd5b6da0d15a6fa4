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
/* The answer: 303 after a form, 302 otherwise (SB-07), no body, no-store, no referrer. `uri` was checked before. */
enum us_code us_answer_redirect(struct us_call *call, struct us_str uri, const struct us_redirect_param *params,
                                size_t count) US_MUST_CHECK;

#endif
