/*
 * /json/users/{user}/oauth2/applications: which clients a person lets act in his name, and the end of that (UF-10; the product's
 * collection of this name). For the person himself and administrators.
 */
#include "domain/consent.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/query.h"
#include "endpoint/crest/request.h"

/* A map, as the product has it: the name of a scope and what people see of it. */
static void write_application(struct us_json_writer *w, const struct us_consent *consent) {
  us_json_open(w, '{');
  us_json_member(w, "_id", consent->client_id);
  us_json_name(w, "name");
  if (consent->client_name.n > 0)
    us_json_str(w, consent->client_name);
  else
    us_json_null(w);
  us_json_name(w, "scopes");
  us_json_open(w, '{');
  for (size_t i = 0; i < consent->scopes.n; i++) {
    us_json_name_str(w, consent->scopes.v[i]);
    us_json_str(w, consent->scopes.v[i]);
  }
  us_json_close(w, '}');
  us_json_name(w, "expiryDateTime"); /* until it is taken back */
  us_json_null(w);
  us_json_close(w, '}');
}

struct writing {
  struct us_cx *cx;
  struct us_json_writer w;
  const struct us_shape *shape;
  enum us_code code;
};

static bool write_item(struct us_cx *cx, void *self, const struct us_consent *consent) {
  struct writing *writing = self;
  struct us_shaping shaping;
  (void)cx;
  write_application(us_shape_begin(&shaping, writing->shape, &writing->w), consent);
  writing->code = us_shape_end(writing->cx, &shaping); /* its errors must outlive the row */
  return writing->code == US_OK && us_query_has_room(&writing->w);
}

/* No field is queried or sorted by: everything or nothing. */
static const struct us_list everything = {.fields = NULL, .field_count = 0, .refusal = US_LIST_REFUSE_400};

enum us_code us_ep_application_query(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_query query;
  struct us_list_end end;
  struct us_str path = us_str_fmt(cx->mem, "users/%.*s/oauth2/applications", US_STR_ARG(call->params[0]));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_query_read(call, path, &everything, &query));
  struct writing writing = {.cx = cx, .shape = &query.shape, .code = US_OK};
  us_query_open(call, &writing.w);
  US_TRY(us_consent_page(cx, call->user.id, &query.list, write_item, &writing, &end));
  US_TRY(writing.code);
  return us_query_close(call, &writing.w, &query, &end);
}

static enum us_code find(struct us_call *call, struct us_consent *ret_consent) {
  enum us_code code = us_consent_find(&call->cx, call->realm, call->user.id, call->params[1], ret_consent);
  return code == US_E_NOT_FOUND ? us_fail(&call->cx, US_E_NOT_FOUND, "Not Found") : code;
}

static enum us_code answer(struct us_call *call, const struct us_consent *consent) {
  struct us_shape shape;
  struct us_shaping shaping;
  struct us_json_writer w;
  US_TRY(us_shape_read(call, &shape));
  us_answer_json(call, 200, &w);
  write_application(us_shape_begin(&shaping, &shape, &w), consent);
  return us_shape_end(&call->cx, &shaping);
}

enum us_code us_ep_application_read(struct us_call *call) {
  struct us_consent consent;
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(find(call, &consent));
  return answer(call, &consent);
}

enum us_code us_ep_application_delete(struct us_call *call) {
  struct us_consent consent;
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(find(call, &consent));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_consent_withdraw(&call->cx, &consent));
  return answer(call, &consent);
}
