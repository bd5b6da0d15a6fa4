/* /json/serverinfo: what a user interface must know before anybody logged in (REST contract b.7). */
#include "endpoint/crest/crest.h"
#include "endpoint/crest/request.h"
#include "endpoint/crest/shape.h"

static void write_all(const struct us_call *call, struct us_json_writer *w) {
  const struct us_services *svc = call->cx.svc;
  us_json_open(w, '{');
  us_json_name(w, "domains"); /* none: the cookie is for this host only */
  us_json_open(w, '[');
  us_json_close(w, ']');
  us_json_member(w, "cookieName", svc->cookie_name);
  us_json_name(w, "secureCookie");
  us_json_bool(w, svc->secure_cookies);
  us_json_member(w, "lang", US_STR("en"));
  us_json_member(w, "realm", call->realm->path);
  us_json_close(w, '}');
}

static void write_uma(const struct us_call *call, struct us_json_writer *w) {
  bool is_implicit = call->realm->settings.resharing == US_RESHARING_IMPLICIT;
  us_json_open(w, '{');
  us_json_name(w, "enabled");
  us_json_bool(w, call->realm->has_uma);
  us_json_member(w, "resharingMode", is_implicit ? US_STR("IMPLICIT") : US_STR("OFF"));
  us_json_close(w, '}');
}

static const struct {
  const char *what;
  void (*write)(const struct us_call *call, struct us_json_writer *w);
} parts[] = {{"*", write_all}, {"uma", write_uma}};

enum us_code us_ep_server_info(struct us_call *call) {
  struct us_shape shape;
  struct us_shaping shaping;
  struct us_json_writer w;
  US_TRY(us_shape_read(call, &shape));
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
    if (!us_str_eq_c(call->params[0], parts[i].what))
      continue;
    US_TRY(us_crest_refuse_if_match(call));
    us_answer_json(call, 200, &w);
    parts[i].write(call, us_shape_begin(&shaping, &shape, &w));
    return us_shape_end(&call->cx, &shaping);
  }
  return us_fail_plain(&call->cx, US_E_NOT_FOUND);
}
