/* What http/message.h and http/check.h promise of a request that was let through, whichever protocol brought it. */
#ifndef USHER_FUZZ_HTTP_PROMISES_H
#define USHER_FUZZ_HTTP_PROMISES_H

#include <string.h>

#include "fuzz.h"
#include "http/check.h"
#include "http/parse.h"

static inline bool fuzz_is_in(struct us_str part, struct us_str whole) {
  return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static inline void fuzz_check_http_request(const struct us_http_request *r, const struct us_http_limits *limits) {
  const char *reason = NULL;
  fuzz_must(us_http_check_target(r->target, &reason) == 0);
  fuzz_must(us_http_check_head(r, 1, r->is_http10 ? 0 : 1, limits, &reason) == 0);
  fuzz_must(us_http_header_count(r, "host") == 1 && us_str_eq(us_http_header(r, "host"), r->host));
  fuzz_must(us_http_header_count(r, "authorization") <= 1);
  fuzz_must(r->body.p && r->body.n <= limits->body_bytes && r->target.n <= limits->target_bytes);
  fuzz_must(fuzz_is_in(r->path, r->target) && (!r->query.p || fuzz_is_in(r->query, r->target)) && r->path.p[0] == '/');
  fuzz_must(r->method_text.n > 0 && r->method_text.n <= US_HTTP_METHOD_BYTES);
  for (size_t i = 0; i < r->header_count; i++) {
    struct us_str name = r->headers[i].name, value = r->headers[i].value;
    for (size_t at = 0; at < name.n; at++)
      fuzz_must(name.p[at] > ' ' && name.p[at] != ':' && !(name.p[at] >= 'A' && name.p[at] <= 'Z'));
    for (size_t at = 0; at < value.n; at++)
      fuzz_must((unsigned char)value.p[at] >= ' ' || value.p[at] == '\t');
    fuzz_must(value.n == 0 || (value.p[0] != ' ' && value.p[value.n - 1] != ' '));
  }
}

#endif
