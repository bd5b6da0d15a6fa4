/*
 * The one place that writes error bodies: the error value of a call as an OAuth body (protocol contract 1.5 shape A), a Common
 * REST envelope (REST contract a.11) or a page, as the route says; with challenge, cache and retry headers.
 */
#ifndef USHER_ROUTE_RENDER_H
#define USHER_ROUTE_RENDER_H

#include "route/route.h"

struct us_render {
  enum us_style style;
  struct us_str realm_path;
  bool has_challenge;  /* 401 and 403 of credentials name the scheme in WWW-Authenticate */
  struct us_str scope; /* insufficient_scope names it */
};
void us_render_error(struct us_cx *cx, const struct us_error *error, const struct us_render *how,
                     struct us_http_response *response);
int us_error_status(const struct us_error *error);
struct us_str us_error_text(const struct us_error *error); /* what may be told outside; absent: nothing */
/* When to come again, where the error says so, and with every 503 (HT-24). */
void us_render_retry_after(struct us_cx *cx, const struct us_error *error, struct us_http_response *response);
/* Headers that every answer of the style carries. */
void us_render_common_headers(struct us_http_response *response, enum us_style style, bool no_store);

#endif
