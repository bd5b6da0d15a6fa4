/* Small parts of logging in and out: the cookie, header values as RFC 2047 words, and where `goto` may go (REST contract b.1). */
#ifndef USHER_ENDPOINT_CREST_LOGIN_H
#define USHER_ENDPOINT_CREST_LOGIN_H

#include "endpoint/call.h"

#define US_LOGIN_GOTO_MAX_BYTES 2048

/* Set-Cookie with the session's token / that removes it. */
struct us_str us_login_cookie(struct us_cx *cx, struct us_str token);
struct us_str us_login_cookie_removal(struct us_cx *cx);
/* A header's text: plain, or RFC 2047 words "=?UTF-8?B?...?=". The copy is wiped with the request. What is no UTF-8 text is
 * returned empty: it is nobody's name and no password. */
enum us_code us_login_header_text(struct us_cx *cx, struct us_str value, struct us_str *ret_text) US_MUST_CHECK;
/* `wanted` when it stays on this server below the context path, else the default (SB-03). */
struct us_str us_login_goto(struct us_cx *cx, struct us_str wanted);

#endif
