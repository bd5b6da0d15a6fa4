/*
 * /json/users/{user}/oauth2/resources/sets: the resources that a person sees, own and shared (REST contract d). What can be changed
 * here is the person's own: labels, and what the person shares.
 */
#include "domain/set.h"

#include <string.h>

#include "base/mem.h"
#include "domain/label.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/policy_view.h"
#include "endpoint/crest/query.h"
#include "endpoint/crest/request.h"
#include "json/json.h"

static void write_policy(struct us_json_writer *w, const struct us_set *set) {
  us_json_name(w, "policy");
  us_json_open(w, '{');
  us_json_name(w, "permissions");
  us_json_open(w, '[');
  for (size_t i = 0; i < set->share_count; i++) {
    us_json_open(w, '{');
    us_json_member(w, "subject", set->shares[i].subject);
    us_json_name(w, "scopes");
    us_json_raw(w, set->shares[i].scopes);
    us_json_close(w, '}');
  }
  us_json_close(w, ']');
  us_json_close(w, '}');
}

/* d.1 */
static void write_set(struct us_cx *cx, struct us_json_writer *w, const struct us_set *set, bool with_rev) {
  us_json_open(w, '{');
  us_json_member(w, "_id", set->uuid);
  if (with_rev)
    us_json_member(w, "_rev", us_rev_text(cx, set->rev));
  us_json_member(w, "name", set->name);
  us_json_name(w, "scopes");
  us_json_raw(w, set->scopes);
  us_json_member(w, "type", set->type);
  us_json_member(w, "icon_uri", set->icon_uri);
  us_json_member(w, "description", set->about);
  us_json_member(w, "resourceServer", set->resource_server);
  us_json_member(w, "resourceOwnerId", set->owner_name);
  us_json_name(w, "labels");
  us_json_strs(w, set->labels);
  if (set->has_policy)
    write_policy(w, set);
  us_json_close(w, '}');
}

static enum us_code answer_set(struct us_call *call, const struct us_set *set) {
  struct us_shape shape;
  struct us_shaping shaping;
  struct us_json_writer w;
  US_TRY(us_shape_read(call, &shape));
  us_answer_json(call, 200, &w);
  us_answer_etag(call, set->rev, false);
  write_set(&call->cx, us_shape_begin(&shaping, &shape, &w), set, true);
  US_TRY(us_shape_end(&call->cx, &shaping));
  return US_OK;
}

struct writing {
  struct us_json_writer w;
  const struct us_shape *shape;
  enum us_code code;
};

static bool write_item(struct us_cx *cx, void *self, const struct us_set *set) {
  struct writing *writing = self;
  struct us_shaping shaping;
  write_set(cx, us_shape_begin(&shaping, writing->shape, &writing->w), set, false);
  writing->code = us_shape_end(cx, &shaping);
  return writing->code == US_OK && us_query_has_room(&writing->w);
}

/* d.1: only when everything is shown, or something under /policy. */
static bool wants_policy(const struct us_shape *shape) {
  for (size_t i = 0; i < shape->fields.n; i++) {
    struct us_str field = shape->fields.v[i];
    if (field.n > 0 && field.p[0] == '/')
      field = (struct us_str){field.p + 1, field.n - 1};
    if (us_str_eq_c(field, "policy") || us_str_starts(field, US_STR("policy/")))
      return true;
  }
  return shape->fields.n == 0;
}

enum us_code us_ep_set_query(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_viewer viewer;
  struct us_query query;
  struct us_list_end end;
  US_TRY(us_query_read(call, us_str_fmt(cx->mem, "users/%.*s/oauth2/resources/sets", US_STR_ARG(call->params[0])),
                       &us_sets_list, &query));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(us_viewer_of(cx, call->realm, &call->user, &viewer));
  struct writing writing = {.shape = &query.shape, .code = US_OK};
  us_query_open(call, &writing.w);
  US_TRY(us_set_query(cx, &viewer, &query.list, wants_policy(&query.shape), write_item, &writing, &end));
  if (writing.code != US_OK)
    return us_fail_plain(cx, writing.code);
  return us_query_close(call, &writing.w, &query, &end);
}

enum us_code us_ep_set_read(struct us_call *call) {
  struct us_viewer viewer;
  struct us_set set;
  bool is_same = false;
  US_TRY(us_viewer_of(&call->cx, call->realm, &call->user, &viewer));
  US_TRY(us_set_find(&call->cx, &viewer, call->params[1], &set));
  US_TRY(us_crest_check_read(call, set.rev, &is_same));
  if (!is_same)
    return answer_set(call, &set);
  us_answer_empty(call, 304);
  us_answer_etag(call, set.rev, false);
  return US_OK;
}

struct update {
  struct us_strs ids;
  struct us_set_labels labels;
};
#define AT(member) offsetof(struct update, member)
static const struct us_field update_fields[] = {
    {.name = "labels",
     .kind = US_FIELD_STRINGS,
     .offset = AT(ids),
     .flags = US_FIELD_UNIQUE,
     .max = 2 * US_SET_LABELS_MAX, /* SYSTEM ones come back along with the others */
     .item_max = US_LABEL_ID_MAX_BYTES},
};
static const struct us_field_table update_table = {.size = sizeof(struct update), US_FIELDS(update_fields)};

/* The page sends the whole object back; only its labels count (d.4). */
static enum us_code read_update(struct us_call *call, struct update *update) {
  struct us_cx *cx = &call->cx;
  json_t *object;
  enum us_put put;
  US_TRY(us_crest_content(call, &object));
  enum us_code code = us_field_from_json(cx, &update_table, object, update);
  us_json_drop(cx, object); /* the request waits for the writer without it */
  US_TRY(code);
  US_TRY(us_crest_put_kind(call, &put));
  if (put == US_PUT_CREATE) /* nobody registers resources here */
    return us_fail_plain(cx, US_E_NOT_IMPLEMENTED);
  return US_OK;
}

enum us_code us_ep_set_prepare(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_viewer viewer;
  struct us_set set;
  struct update *update = US_NEW(cx->mem, struct update);
  if (update == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(read_update(call, update));
  US_TRY(us_viewer_of(cx, call->realm, &call->user, &viewer));
  US_TRY(us_set_find(cx, &viewer, call->params[1], &set));
  US_TRY(us_crest_check_if_match(call, set.rev));
  if (update->ids.v == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "Missing required field: labels");
  US_TRY(us_set_labels_find(cx, &viewer, update->ids, &update->labels));
  call->state = update;
  return US_OK;
}

enum us_code us_ep_set_update(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  const struct update *update = call->state;
  struct us_viewer viewer;
  struct us_set set;
  US_TRY(us_label_lock(cx, call->user.id));
  US_TRY(us_viewer_of(cx, call->realm, &call->user, &viewer));
  US_TRY(us_set_find(cx, &viewer, call->params[1], &set));
  US_TRY(us_crest_check_if_match(call, set.rev));
  US_TRY(us_set_labels_put(cx, &viewer, set.id, &update->labels));
  US_TRY(us_set_find(cx, &viewer, call->params[1], &set));
  return answer_set(call, &set);
}

enum us_code us_ep_set_revoke_prepare(struct us_call *call) {
  json_t *object; /* nothing in it counts (d.5) */
  US_TRY(us_crest_action_body(call, &object));
  US_TRY(us_crest_refuse_if_match(call));
  return us_crest_refuse_if_none_match(call);
}

/* One portion a transaction: others write in between, and a person who shares much is served as well. */
enum us_code us_ep_set_revoke_all(struct us_call *call) {
  struct us_json_writer w;
  US_TRY(us_set_revoke_some(&call->cx, call->user.id, &call->runs_again));
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_close(&w, '}');
  return US_OK;
}
