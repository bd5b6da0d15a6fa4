/* /json/serverinfo: what a user interface must know before anybody logged in (REST contract b.7). */
#include "endpoint/crest/crest.h"

static enum us_code answer_all(struct us_call *call) {
  const struct us_services *svc = call->cx.svc;
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_name(&w, "domains"); /* none: the cookie is for this host only */
  us_json_open(&w, '[');
  us_json_close(&w, ']');
  us_json_member(&w, "cookieName", svc->cookie_name);
  us_json_name(&w, "secureCookie");
  us_json_bool(&w, svc->secure_cookies);
  us_json_member(&w, "lang", US_STR("en"));
  us_json_member(&w, "realm", call->realm->path);
  us_json_close(&w, '}');
  return US_OK;
}

static enum us_code answer_uma(struct us_call *call) {
  struct us_json_writer w;
  bool is_implicit = call->realm->settings.resharing == US_RESHARING_IMPLICIT;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_name(&w, "enabled");
  us_json_bool(&w, call->realm->has_uma);
  us_json_member(&w, "resharingMode", is_implicit ? US_STR("IMPLICIT") : US_STR("OFF"));
  us_json_close(&w, '}');
  return US_OK;
}

enum us_code us_ep_server_info(struct us_call *call) {
  if (us_str_eq(call->params[0], US_STR("*")))
    return answer_all(call);
  if (us_str_eq(call->params[0], US_STR("uma")))
    return answer_uma(call);
  return us_fail_plain(&call->cx, US_E_NOT_FOUND);
}
