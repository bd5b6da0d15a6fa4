/* Sending a browser back: see redirect.h. */
#include "endpoint/web/redirect.h"

#include <string.h>

/* The client's own query stays as it is (RFC 6749 3.1.2); what ends with '?' or '&' already waits for parameters. */
static const char *separator(struct us_str uri) {
  if (uri.n == 0 || memchr(uri.p, '?', uri.n) == NULL)
    return "?";
  return uri.p[uri.n - 1] == '?' || uri.p[uri.n - 1] == '&' ? "" : "&";
}

struct us_str us_redirect_uri(struct us_cx *cx, struct us_str uri, const struct us_redirect_param *params,
                              size_t count) {
  struct us_str text = us_str_dup(cx->mem, uri);
  const char *between = separator(uri);
  for (size_t i = 0; i < count && text.p != NULL; i++) {
    if (params[i].value.p == NULL)
      continue;
    struct us_str value = us_percent_encode(cx->mem, params[i].value);
    if (value.p == NULL)
      return US_STR_ABSENT;
    text = us_str_fmt(cx->mem, "%.*s%s%s=%.*s", US_STR_ARG(text), between, params[i].name, US_STR_ARG(value));
    between = "&";
  }
  return text;
}

/* Rows of pages are no-store by their flag (route/table.c). */
static enum us_code answer(struct us_call *call, int status, struct us_str location) {
  if (location.p == NULL)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  us_answer_empty(call, status);
  us_answer_header(call, "Location", location);
  us_answer_header(call, "Referrer-Policy", US_STR("no-referrer")); /* RFC 9700 4.2.4 */
  return US_OK;
}

enum us_code us_answer_redirect(struct us_call *call, struct us_str uri, const struct us_redirect_param *params,
                                size_t count) {
  return answer(call, 302, us_redirect_uri(&call->cx, uri, params, count));
}

/* RFC 9700 4.12: 303 makes a GET of a POST, so that what a form held is not sent on. */
enum us_code us_answer_after_form(struct us_call *call, struct us_str uri) {
  return answer(call, call->method == US_METHOD_POST ? 303 : 302, us_redirect_uri(&call->cx, uri, NULL, 0));
}
