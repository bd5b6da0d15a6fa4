/*
 * The head of an answer: status line, Date, the handler's headers, framing. And the refusals that the edge makes itself.
 */
#ifndef USHER_HTTP_ANSWER_H
#define USHER_HTTP_ANSWER_H

#include "http/server.h"

#define US_HTTP_HEAD_MAX (64 * 1024) /* an answer's head; a larger one is a mistake of the handler: 500 */
#define US_DATE_LINE_BYTES 48

/* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", made once a second. One a loop. */
struct us_date_line {
  int64_t second;
  size_t n;
  char text[US_DATE_LINE_BYTES];
};
struct us_str us_date_line_now(struct us_date_line *line);
struct us_str us_date_now(struct us_date_line *line); /* the date alone */

struct us_answer_facts {
  bool is_head;   /* the request was HEAD: Content-Length without the body */
  bool is_http10; /* keep-alive must be said */
  bool closes;
};
/* False when the head is too large; `head` is then of no use. */
bool us_answer_head(struct us_buf *head, const struct us_http_response *response, struct us_str date_line,
                    const struct us_answer_facts *facts);
/* Whether the body goes out behind the head (RFC 9110 6.4.1, 15.3.5, 15.4.5). */
bool us_answer_has_body(const struct us_http_response *response, bool is_head);

/* Makes `response` (initialised) the edge's own refusal, by the handler's renderer or in plain JSON. Closes. */
void us_answer_refuse(struct us_http_response *response, const struct us_http_options *options, int status,
                      const char *reason, struct us_str target);

#endif
