/* /json/users/{user}: the profile, for the user himself and for administrators (REST contract b.7). */
#include "endpoint/crest/crest.h"
#include "endpoint/crest/request.h"
#include "endpoint/crest/shape.h"

enum us_code us_ep_profile(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  const struct us_account *user = &call->user;
  struct us_shaping shaping;
  struct us_shape shape;
  struct us_json_writer w;
  US_TRY(us_shape_read(call, &shape));
  US_TRY(us_crest_refuse_if_match(call));
  us_answer_json(call, 200, &w);
  struct us_json_writer *item = us_shape_begin(&shaping, &shape, &w);
  us_json_open(item, '{');
  us_json_member(item, "_id", user->name);
  us_json_member(item, "username", user->name);
  us_json_member(item, "mail", user->mail);
  us_json_member(item, "givenName", user->given_name);
  us_json_member(item, "sn", user->family_name);
  us_json_close(item, '}');
  US_TRY(us_shape_end(cx, &shaping));
  return US_OK;
}
