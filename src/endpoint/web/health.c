/* Health (design 4): `live` says that the process answers, `ready` that its store answers too. */
#include "endpoint/web/web.h"

#include "domain/health.h"

static enum us_code answer(struct us_call *call, const char *status) {
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "status", us_str_c(status));
  us_json_close(&w, '}');
  return US_OK;
}

enum us_code us_ep_health_live(struct us_call *call) {
  return answer(call, "live");
}

enum us_code us_ep_health_ready(struct us_call *call) {
  US_TRY(us_store_answers(&call->cx)); /* 503 when it does not */
  return answer(call, "ready");
}
