/*
 * What the parser lets through and an authorization server must not (design 1, HT rows): pure functions on a parsed head,
 * so that they can be tested and fuzzed without a socket. Each returns 0 or the HTTP status to refuse with; *ret_reason is
 * a short constant sentence.
 */
#ifndef USHER_HTTP_CHECK_H
#define USHER_HTTP_CHECK_H

#include "http/server.h"

/* no or two Host (or one with bad characters), two Authorization, an empty or folded header, Transfer-Encoding but one
 * "chunked" (none in HTTP/1.0), versions other than 1.0 and 1.1, more headers than the limit. */
int us_http_check_head(const struct us_http_request *request, unsigned major, unsigned minor,
                       const struct us_http_limits *limits, const char **ret_reason);
/* origin form; no fragment, no blanks or controls, no %00, no bad percent-encoding, valid once decoded as UTF-8 is left to the router */
int us_http_check_target(struct us_str target, const char **ret_reason);
/* One field of HTTP/2, where no grammar of lines has looked at it before: RFC 9113 8.2, 8.2.2. */
int us_http_check_h2_field(struct us_str name, struct us_str value, const char **ret_reason);
bool us_http_is_token_char(char c);

#endif
