/*
 * /json/sessions, what is done with sessions whose token the caller does not have (REST contract b.4): list them by user, end them
 * by handle or by user. For administrators, of their realm or of everything; a user may end all of his own.
 */
#include "domain/account.h"
#include "domain/session.h"
#include "domain/snapshot.h"
#include "endpoint/crest/crest.h"
#include "endpoint/crest/login.h"
#include "endpoint/crest/query.h"
#include "endpoint/crest/request.h"
#include "endpoint/crest/session_view.h"
#include "json/json.h"

#define HANDLES_MAX 256
#define HANDLE_MAX_BYTES 64
#define NAME_MAX_BYTES 255

struct handles_body {
  struct us_strs handles;
};
static const struct us_field handles_fields[] = {
    {.name = "sessionHandles",
     .kind = US_FIELD_STRINGS,
     .offset = offsetof(struct handles_body, handles),
     .flags = US_FIELD_REQUIRED | US_FIELD_UNIQUE,
     .max = HANDLES_MAX,
     .item_max = HANDLE_MAX_BYTES},
};
static const struct us_field_table handles_table = {.size = sizeof(struct handles_body), US_FIELDS(handles_fields)};

struct user_body {
  struct us_str username;
};
static const struct us_field user_fields[] = {
    {.name = "username",
     .kind = US_FIELD_STRING,
     .offset = offsetof(struct user_body, username),
     .flags = US_FIELD_REQUIRED,
     .max = NAME_MAX_BYTES},
};
static const struct us_field_table user_table = {.size = sizeof(struct user_body), US_FIELDS(user_fields)};

static enum us_code read_body(struct us_call *call, const struct us_field_table *table, void *ret_body) {
  json_t *object;
  US_TRY(us_crest_action_body(call, &object));
  return us_field_from_json(&call->cx, table, object, ret_body);
}

static enum us_code must_be_admin(struct us_call *call) {
  return call->caller.login.account.is_admin ? US_OK : us_fail_plain(&call->cx, US_E_FORBIDDEN);
}

/* Every handle is looked at by itself: one of another realm is unknown to its administrator. */
enum us_code us_ep_session_logout_handles(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  const struct us_login *own = &call->caller.login;
  struct handles_body body = {0};
  struct us_json_writer w;
  US_TRY(must_be_admin(call));
  US_TRY(read_body(call, &handles_table, &body));
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_name(&w, "result");
  us_json_open(&w, '{');
  for (size_t i = 0; i < body.handles.n; i++) {
    int64_t id = 0;
    bool was_there = false;
    if (us_session_name_parse(body.handles.v[i], &id))
      US_TRY(us_session_end_in(cx, id, own->is_super ? 0 : own->account.realm_id, &was_there));
    us_json_name_str(&w, body.handles.v[i]);
    us_json_bool(&w, was_there);
  }
  us_json_close(&w, '}');
  us_json_close(&w, '}');
  return US_OK;
}

/* The user of the URL's realm. Names are not probed: whoever may not is refused before the name is looked up. */
static enum us_code find_user(struct us_call *call, struct us_str name, struct us_account *ret_account,
                              bool *ret_self) {
  struct us_cx *cx = &call->cx;
  const struct us_account *own = &call->caller.login.account;
  *ret_self = own->realm_id == call->realm->id && us_str_eq_nocase(own->name, name);
  if (*ret_self) {
    *ret_account = *own;
    return US_OK;
  }
  if (!us_session_may_manage(call, call->realm->id))
    return us_fail_plain(cx, US_E_FORBIDDEN);
  enum us_code code = us_account_by_name(cx, call->realm->id, name, ret_account);
  return code == US_E_NOT_FOUND ? us_fail_plain(cx, US_E_NOT_FOUND) : code;
}

enum us_code us_ep_session_logout_user(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct user_body body = {0};
  struct us_account account;
  struct us_json_writer w;
  bool is_self = false;
  US_TRY(read_body(call, &user_table, &body));
  US_TRY(find_user(call, body.username, &account, &is_self));
  US_TRY(us_session_end_of(cx, account.id));
  us_answer_json(call, 200, &w);
  if (is_self && call->caller.by_cookie)
    us_answer_header(call, "Set-Cookie", us_login_cookie_removal(cx));
  us_json_open(&w, '{');
  us_json_name(&w, "result");
  us_json_bool(&w, true);
  us_json_close(&w, '}');
  return US_OK;
}

struct writing {
  struct us_cx *cx;
  const struct us_shape *shape;
  struct us_json_writer w;
  enum us_code code;
};

static bool write_item(struct us_cx *cx, void *self, const struct us_login *login) {
  struct writing *writing = self;
  struct us_shaping shaping;
  struct us_json_writer *w = us_shape_begin(&shaping, writing->shape, &writing->w);
  us_json_open(w, '{');
  us_json_member(w, "_id", us_session_name(cx, &login->session));
  us_session_write_who(cx, w, login);
  us_json_member(w, "sessionHandle", us_session_name(cx, &login->session));
  us_session_write_times(writing->cx, w, &login->session);
  us_json_close(w, '}');
  writing->code = us_shape_end(writing->cx, &shaping); /* its errors must outlive the row */
  return writing->code == US_OK && us_query_has_room(&writing->w);
}

/* Whose sessions the filter asks for: it must say so, because sessions are found by their user. False when there is nobody of this
 * name. */
static enum us_code find_asked(struct us_call *call, const struct us_list_query *query, struct us_account *ret_account,
                               bool *ret_found) {
  struct us_cx *cx = &call->cx;
  struct us_str user, path;
  *ret_found = false;
  if (!us_session_asks_for(query, &user, &path))
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "The filter must name a user and a realm: username eq \"...\" and realm "
                   "eq \"/...\"");
  const struct us_realm *realm = us_snapshot_realm(call->snapshot, path);
  if (!us_session_may_manage(call, realm != NULL ? realm->id : 0))
    return us_fail_plain(cx, US_E_FORBIDDEN);
  if (realm == NULL)
    return US_OK;
  enum us_code code = us_account_by_name(cx, realm->id, user, ret_account);
  *ret_found = code == US_OK;
  if (code == US_E_NOT_FOUND)
    us_error_clear(cx);
  return code == US_E_NOT_FOUND ? US_OK : code;
}

enum us_code us_ep_session_query(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_query query;
  struct us_list_end end = {.total = -1};
  struct us_account account;
  struct writing writing = {.cx = cx, .shape = &query.shape, .code = US_OK};
  bool is_found = false;
  US_TRY(must_be_admin(call));
  US_TRY(us_query_read(call, US_STR("sessions"), &us_sessions_list, &query));
  US_TRY(us_crest_refuse_if_match(call));
  US_TRY(us_crest_refuse_if_none_match(call));
  US_TRY(find_asked(call, &query.list, &account, &is_found));
  us_query_open(call, &writing.w);
  if (is_found)
    US_TRY(us_session_page(cx, &account, &query.list, write_item, &writing, &end));
  US_TRY(writing.code);
  if (end.remaining == 0) { /* b.4: not counted. A page that is not the last says so all the same */
    query.offers_cookie = false;
    end.remaining = -1;
  }
  return us_query_close(call, &writing.w, &query, &end);
}
