/*
 * /json/users/{user}/oauth2/resources/labels: the words by which a person finds resources again (REST contract e). Owner only;
 * an administrator may look.
 */
#include "domain/label.h"

#include "base/mem.h"
#include "domain/set.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/policy_view.h"
#include "endpoint/crest/query.h"
#include "endpoint/crest/request.h"
#include "json/json.h"

#define US_LABELS_ANSWER_MAX 100000 /* labels in one answer; its bytes are bounded too (US_QUERY_BYTES_MAX) */

struct body {
  struct us_str name, type;
  struct us_strs ids, ids_too; /* two spellings of one list (e.2) */
};
#define AT(member) offsetof(struct body, member)
#define ID_LIST                                                                                                        \
  .kind = US_FIELD_STRINGS, .flags = US_FIELD_OPTIONAL_WORD | US_FIELD_UNIQUE, .max = US_LABEL_RESOURCES_MAX,          \
  .item_max = 255

static enum us_code check_body(struct us_cx *cx, void *object) {
  const struct body *body = object;
  if (us_str_is_blank(body->name))
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid Json - 'name' cannot be a blank string");
  if (!us_str_eq_c(body->type, "USER") && !us_str_eq_c(body->type, "STAR"))
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid Json - 'type' must be USER or STAR");
  return US_OK;
}

static const struct us_field body_fields[] = {
    {.name = "name",
     .kind = US_FIELD_STRING,
     .offset = AT(name),
     .flags = US_FIELD_REQUIRED | US_FIELD_NO_CONTROLS,
     .max = US_LABEL_NAME_MAX_BYTES},
    {.name = "type", .kind = US_FIELD_STRING, .offset = AT(type), .flags = US_FIELD_REQUIRED, .max = 16},
    {.name = "resourceSetIDs", .offset = AT(ids), ID_LIST},
    {.name = "resourceSetIds", .offset = AT(ids_too), ID_LIST},
};
static const struct us_field_table body_table = {
    .what = "Invalid Json -", .size = sizeof(struct body), US_FIELDS(body_fields), .check = check_body};

static struct us_str collection_of(struct us_call *call) {
  return us_str_fmt(call->cx.mem, "users/%.*s/oauth2/resources/labels", US_STR_ARG(call->params[0]));
}

enum us_code us_ep_label_prepare(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct body body = {0};
  struct us_label_new *in = US_NEW(cx->mem, struct us_label_new);
  json_t *object;
  if (in == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_crest_content(call, &object));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  enum us_code code = us_field_from_json(cx, &body_table, object, &body);
  us_json_drop(cx, object); /* the request waits for the writer without it */
  US_TRY(code);
  in->is_star = us_str_eq_c(body.type, "STAR");
  in->name = body.name;
  in->resources = us_strs_union(cx->mem, body.ids, body.ids_too);
  if (in->resources.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (in->resources.n > US_LABEL_RESOURCES_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid Json - more than %d resource sets", US_LABEL_RESOURCES_MAX);
  call->state = in;
  return US_OK;
}

static void write_label(struct us_cx *cx, struct us_json_writer *w, const struct us_label *label, bool with_rev) {
  us_json_open(w, '{');
  us_json_member(w, "_id", label->id);
  if (with_rev)
    us_json_member(w, "_rev", us_rev_text(cx, label->rev));
  us_json_member(w, "name", label->name);
  us_json_name(w, "type");
  us_json_c(w, label->type);
  us_json_close(w, '}');
}

static enum us_code answer_label(struct us_call *call, int status, const struct us_label *label, bool with_rev) {
  struct us_shape shape;
  struct us_shaping shaping;
  struct us_json_writer w;
  US_TRY(us_shape_read(call, &shape));
  us_answer_json(call, status, &w);
  if (with_rev)
    us_answer_etag(call, label->rev, false);
  write_label(&call->cx, us_shape_begin(&shaping, &shape, &w), label, with_rev);
  US_TRY(us_shape_end(&call->cx, &shaping));
  return US_OK;
}

enum us_code us_ep_label_create(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_viewer viewer;
  struct us_label label;
  US_TRY(us_viewer_of(cx, call->realm, &call->user, &viewer));
  US_TRY(us_label_create(cx, &viewer, call->state, &label));
  US_TRY(answer_label(call, 201, &label, true));
  us_answer_header(call, "Location",
                   us_str_fmt(cx->mem, "%.*s/users/%.*s/oauth2/resources/labels/%.*s",
                              US_STR_ARG(call->realm->json_url),
                              US_STR_ARG(us_percent_encode(cx->mem, call->user.name)), US_STR_ARG(label.id)));
  return US_OK;
}

enum us_code us_ep_label_delete(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_viewer viewer;
  struct us_label label;
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_viewer_of(cx, call->realm, &call->user, &viewer));
  US_TRY(us_label_find(cx, &viewer, call->params[1], &label));
  US_TRY(us_crest_check_if_match(call, label.rev));
  US_TRY(us_label_delete(cx, &label));
  return answer_label(call, 200, &label, false); /* _id, name, type: as documented (e.3) */
}

struct writing {
  struct us_json_writer w;
  const struct us_shape *shape;
  enum us_code code;
};

static bool write_item(struct us_cx *cx, void *self, const struct us_label *label) {
  struct writing *writing = self;
  struct us_shaping shaping;
  write_label(cx, us_shape_begin(&shaping, writing->shape, &writing->w), label, false);
  writing->code = us_shape_end(cx, &shaping);
  return writing->code == US_OK && us_query_has_room(&writing->w);
}

/* No field is queried or sorted by: everything or nothing (e.3). */
static const struct us_list everything = {.fields = NULL, .field_count = 0, .refusal = US_LIST_REFUSE_400};

enum us_code us_ep_label_query(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_query query;
  struct us_list_end end;
  struct us_str filter = us_params_get_nocase(&call->query, "_queryFilter");
  struct us_str id = us_params_get_nocase(&call->query, "_queryId");
  if (id.p != NULL || (filter.p != NULL && !us_str_eq_nocase(filter, US_STR("true"))))
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid query");
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_query_read(call, collection_of(call), &everything, &query));
  if (us_params_get_nocase(&call->query, "_pageSize").n == 0)
    query.list.page_size = US_LABELS_ANSWER_MAX;
  query.offers_cookie =
      false; /* its mark would be of an order that callers cannot ask for: longer lists go on by offset */
  struct writing writing = {.shape = &query.shape, .code = US_OK};
  us_query_open(call, &writing.w);
  US_TRY(us_label_query(cx, call->user.id, &query.list, write_item, &writing, &end));
  US_TRY(writing.code);
  if (end.remaining == 0) /* [O]: never counted. An answer that had to be cut says so all the same */
    end.remaining = -1;
  end.total = -1;
  query.list.wants_total = false;
  return us_query_close(call, &writing.w, &query, &end);
}
