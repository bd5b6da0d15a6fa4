/*
 * Bytes of a connection into one request at a time: llhttp for the grammar, http/check.c for what it lets through, and the
 * size limits. No sockets, no time: the connection (http/conn.c) feeds it, and so do unit tests and the fuzzer.
 *
 *   METHOD --token and blank--> HEAD --empty line, checks passed--> BODY --last byte--> complete
 *
 * Everything kept of the request is copied into the memory given at the start; nothing points into the fed bytes.
 */
#ifndef USHER_HTTP_PARSE_H
#define USHER_HTTP_PARSE_H

#include "http/server.h"

#define US_HTTP_METHOD_BYTES 32 /* a longer method is refused */

struct us_parser;
enum us_parse_result {
  US_PARSE_MORE,     /* all bytes are used, the request is not complete */
  US_PARSE_COMPLETE, /* *ret_used bytes are used, the rest belongs to the next request */
  US_PARSE_REFUSED,  /* us_parser_refusal() says why; the connection cannot go on */
};

/* Room for one of them; it can be used for any number of requests, one after the other, and holds no memory itself. */
struct us_parser *us_parser_new(void);
void us_parser_free(struct us_parser *parser);
/* Forgets what was and fills `request` from now on; memory comes from `mem`. Limits and request stay the caller's. */
void us_parser_begin(struct us_parser *parser, void *mem, struct us_http_request *request,
                     const struct us_http_limits *limits);
enum us_parse_result us_parser_feed(struct us_parser *parser, const char *bytes, size_t n, size_t *ret_used);

bool us_parser_head_is_done(const struct us_parser *parser); /* all checks of the head have passed */
/* Expect: 100-continue, a body is to come, and nothing of it has come yet. */
bool us_parser_wants_continue(const struct us_parser *parser);
bool us_parser_keeps_alive(const struct us_parser *parser); /* the client lets the connection stay open */
int us_parser_refusal(const struct us_parser *parser, const char **ret_reason); /* the HTTP status */

#endif
