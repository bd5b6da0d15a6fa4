/* Does the store answer? See health.h. */
#include "domain/health.h"

#include "store/ping.h"

enum us_code us_store_answers(struct us_cx *cx) {
  enum us_code code = us_store_ping(cx);
  if (code != US_E_NOT_FOUND)
    return code;
  us_fail_plain(cx, US_E_STORE);
  return us_error_detail(cx, "the store has lost its meta rows");
}
