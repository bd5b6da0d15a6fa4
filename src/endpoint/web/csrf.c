/* Forms that only a page of ours can have sent, and the way to the login page: see page.h. */
#include <string.h>

#include "crypto/digest.h"
#include "endpoint/web/page.h"

struct us_str us_csrf_token(struct us_call *call) {
  char hex[2 * US_SHA256_BYTES + 1];
  if (call->caller.kind != US_CALLER_SESSION)
    return US_STR_ABSENT;
  us_sha256_hex(call->caller.session_token, hex);
  return us_str_dup(call->cx.mem, us_str_c(hex));
}

bool us_csrf_ok(struct us_call *call, struct us_str shown) {
  char hex[2 * US_SHA256_BYTES + 1], text[US_SHA256_TEXT_BYTES];
  if (call->caller.kind != US_CALLER_SESSION || shown.n == 0)
    return false;
  struct us_str token = call->caller.session_token;
  us_sha256_hex(token, hex);
  us_sha256_text(token, text);
  bool is_hex = us_str_equal_ct(shown, us_str_c(hex));
  bool is_text = us_str_equal_ct(shown, us_str_c(text));
  bool is_token = us_str_equal_ct(shown, token);
  return is_hex | is_text | is_token;
}

struct us_str us_login_page_url(struct us_call *call, struct us_str journey, bool force, struct us_str url) {
  struct us_cx *cx = &call->cx;
  struct us_str locale = us_page_asked_locale(call);
  struct us_str page = us_str_fmt(cx->mem, "%.*s/XUI/?realm=%.*s%s%.*s", US_STR_ARG(call->realm->base_url),
                                  US_STR_ARG(call->realm->path), locale.n > 0 ? "&locale=" : "", US_STR_ARG(locale));
  if (journey.n > 0)
    page = us_str_fmt(cx->mem, "%.*s&authIndexType=service&authIndexValue=%.*s", US_STR_ARG(page),
                      US_STR_ARG(us_percent_encode(cx->mem, journey)));
  struct us_str wanted = us_percent_encode(cx->mem, url);
  if (page.p == NULL || url.p == NULL || wanted.p == NULL)
    return US_STR_ABSENT;
  return us_str_fmt(cx->mem, "%.*s%s&goto=%.*s", US_STR_ARG(page), force ? "&ForceAuth=true" : "", US_STR_ARG(wanted));
}
