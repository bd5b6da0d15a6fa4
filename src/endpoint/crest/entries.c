/*
 * /users/{user}/policies: the permissions that a user gives, one entry each (REST contract c.9). They come and go by the policies
 * of /users/{user}/uma/policies; here a condition is changed, or one of them removed. The revision is that of the policy, so
 * that either place detects what was changed through the other.
 */
#include "base/mem.h"
#include "domain/account.h"
#include "domain/entry.h"
#include "domain/resource.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/policy_view.h"
#include "endpoint/crest/query.h"
#include "endpoint/crest/request.h"
#include "json/json.h"

static enum us_code not_found(struct us_call *call) {
  return us_fail(&call->cx, US_E_NOT_FOUND, "UMA Policy not found, %.*s", US_STR_ARG(call->params[1]));
}

static enum us_code find(struct us_call *call, struct us_entry *ret_entry) {
  enum us_code code = us_entry_find(&call->cx, call->user.id, call->params[1], ret_entry);
  return code == US_E_NOT_FOUND ? not_found(call) : code;
}

static struct us_str universal_id(struct us_call *call) {
  return us_account_universal_id(&call->cx, call->realm->path, call->user.name);
}

static void write_date(struct us_json_writer *w, const char *name, int64_t ms) {
  char text[US_TIME_ISO_BYTES];
  us_time_iso_ms(ms, text);
  us_json_name(w, name);
  us_json_c(w, text);
}

/* The part that a PUT must not change: see `fixed` below. */
static void write_fixed(struct us_cx *cx, struct us_json_writer *w, const struct us_entry *entry) {
  us_json_member(w, "name", entry->name);
  us_json_name(w, "active");
  us_json_bool(w, entry->is_active);
  us_json_name(w, "description");
  us_json_c(w, "");
  us_json_member(w, "applicationName", entry->application);
  us_json_name(w, "resources");
  us_json_open(w, '[');
  us_json_str(w, us_str_fmt(cx->mem, "uma://%.*s", US_STR_ARG(entry->uuid)));
  us_json_close(w, ']');
  us_json_name(w, "actionValues");
  us_json_open(w, '{');
  for (size_t i = 0; i < entry->scopes.n; i++) {
    us_json_name_str(w, entry->scopes.v[i]);
    us_json_bool(w, true);
  }
  us_json_close(w, '}');
  us_json_name(w, "subject");
  us_json_open(w, '{');
  us_json_name(w, "type");
  us_json_c(w, "Uma");
  us_json_member(w, "claimValue", entry->subject);
  us_json_close(w, '}');
  us_json_member(w, "resourceTypeUuid", entry->uuid);
}

static void write_entry(struct us_cx *cx, struct us_json_writer *w, const struct us_entry *entry, struct us_str who,
                        bool has_rev) {
  us_json_open(w, '{');
  us_json_member(w, "_id", entry->name);
  us_json_member(w, "_rev", has_rev ? us_rev_text(cx, entry->rev) : US_STR_ABSENT);
  write_fixed(cx, w, entry);
  if (entry->conditions.n > 0) {
    us_json_name(w, "condition");
    us_json_raw(w, entry->conditions);
  }
  us_json_member(w, "createdBy", who);
  write_date(w, "creationDate", entry->created_ms);
  us_json_member(w, "lastModifiedBy", who);
  write_date(w, "lastModifiedDate", entry->modified_ms);
  us_json_close(w, '}');
}

static enum us_code answer_entry(struct us_call *call, const struct us_entry *entry) {
  struct us_shape shape;
  struct us_shaping shaping;
  struct us_json_writer w;
  US_TRY(us_shape_read(call, &shape));
  us_answer_json(call, 200, &w);
  us_answer_etag(call, entry->rev, false);
  write_entry(&call->cx, us_shape_begin(&shaping, &shape, &w), entry, universal_id(call), true);
  US_TRY(us_shape_end(&call->cx, &shaping));
  return US_OK;
}

enum us_code us_ep_entry_read(struct us_call *call) {
  struct us_entry entry;
  bool is_same = false;
  US_TRY(find(call, &entry));
  US_TRY(us_crest_check_read(call, entry.rev, &is_same));
  if (!is_same)
    return answer_entry(call, &entry);
  us_answer_empty(call, 304);
  us_answer_etag(call, entry.rev, false);
  return US_OK;
}

struct listing {
  const struct us_shape *shape;
  struct us_str who;
  struct us_json_writer w;
  enum us_code code;
};

static bool write_item(struct us_cx *cx, void *self, const struct us_entry *entry) {
  struct listing *listing = self;
  struct us_shaping shaping;
  write_entry(cx, us_shape_begin(&shaping, listing->shape, &listing->w), entry, listing->who, true);
  listing->code = us_shape_end(cx, &shaping);
  return listing->code == US_OK && us_query_has_room(&listing->w);
}

enum us_code us_ep_entry_query(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_query query;
  struct us_list_end end;
  struct listing listing = {.shape = &query.shape, .who = universal_id(call), .code = US_OK};
  US_TRY(us_query_read(call, us_str_fmt(cx->mem, "users/%.*s/policies", US_STR_ARG(call->params[0])), &us_entries_list,
                       &query));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  us_query_open(call, &listing.w);
  US_TRY(us_entry_page(cx, &call->user, listing.who, &query.list, write_item, &listing, &end));
  US_TRY(listing.code);
  return us_query_close(call, &listing.w, &query, &end);
}

/* Everything that changes a grant touches its resource before it reads: the lock, and the revision for everybody. */
static enum us_code find_to_change(struct us_call *call, struct us_entry *ret_entry) {
  US_TRY(find(call, ret_entry));
  US_TRY(us_resource_touch_access(&call->cx, ret_entry->resource_id));
  return find(call, ret_entry);
}

/* Members of the body that must be absent, or as they are (c.9). What else is fixed says who and when, which nobody sends to
 * change it; it is ignored, as _id and _rev are (a.7). */
static enum us_code check_fixed(struct us_call *call, const json_t *object, const struct us_entry *entry) {
  struct us_cx *cx = &call->cx;
  struct us_json_writer w;
  struct us_buf text;
  json_t *fixed = NULL;
  us_buf_init(&text, US_SHAPE_OBJECT_MAX_BYTES);
  us_json_writer_init(&w, &text);
  us_json_open(&w, '{');
  write_fixed(cx, &w, entry);
  us_json_close(&w, '}');
  enum us_code code = us_buf_ok(&text) ? us_json_parse(cx, us_buf_str(&text), US_E_INTERNAL, &fixed) : US_E_NO_MEMORY;
  us_buf_done(&text);
  if (code != US_OK)
    return us_fail_plain(cx, code);
  const char *name;
  json_t *value;
  json_object_foreach(fixed, name, value) {
    const json_t *sent = json_object_get(object, name);
    if (sent != NULL && !json_equal(sent, value))
      return us_fail(cx, US_E_INVALID_REQUEST, "Only 'condition' may be changed on an UMA policy");
  }
  return US_OK;
}

/* Without `condition` the stored one is kept, as at uma/policies: losing an expiry silently would widen access (c.8). null, or an
 * empty list, takes it away. */
static enum us_code read_condition(struct us_call *call, const json_t *object, bool *ret_is_given,
                                   struct us_conditions *ret_conditions) {
  struct us_cx *cx = &call->cx;
  const json_t *condition = json_object_get(object, "condition");
  *ret_is_given = condition != NULL;
  *ret_conditions = (struct us_conditions){0};
  if (condition == NULL || json_is_null(condition))
    return US_OK;
  if (!json_is_object(condition))
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid UMA policy. Optional attribute, 'condition', must be an Object.");
  if (!json_is_array(json_object_get(condition, "conditions")))
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "Invalid UMA policy condition. Required attribute, 'conditions', must be an array.");
  return us_conditions_from_json(cx, json_object_get(condition, "type"), json_object_get(condition, "conditions"),
                                 ret_conditions);
}

enum us_code us_ep_entry_put(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_entry entry;
  struct us_conditions conditions;
  enum us_put put;
  bool is_given;
  json_t *object;
  US_TRY(us_crest_put_kind(call, &put));
  if (put == US_PUT_CREATE) /* entries are made by sharing */
    return us_fail_plain(cx, US_E_NOT_IMPLEMENTED);
  US_TRY(us_crest_content(call, &object));
  US_TRY(find_to_change(call, &entry));
  US_TRY(us_crest_check_if_match(call, entry.rev));
  US_TRY(check_fixed(call, object, &entry));
  US_TRY(read_condition(call, object, &is_given, &conditions));
  if (is_given)
    US_TRY(us_entry_set_conditions(cx, call->user.id, &entry, &conditions));
  US_TRY(find(call, &entry));
  return answer_entry(call, &entry);
}

enum us_code us_ep_entry_delete(struct us_call *call) {
  struct us_entry entry;
  struct us_json_writer w;
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(find_to_change(call, &entry));
  US_TRY(us_crest_check_if_match(call, entry.rev));
  US_TRY(us_entry_remove(&call->cx, call->user.id, &entry));
  us_answer_json(call, 200, &w); /* as at uma/policies (c.2) */
  us_json_open(&w, '{');
  us_json_close(&w, '}');
  return US_OK;
}
