/* Introspection (protocol contract 8.1, RFC 7662). Whatever may not be seen is inactive, and inactive says nothing more. */
#include "endpoint/oauth/oauth.h"

#include "domain/rpt.h"
#include "domain/token.h"

struct introspect_request {
  struct us_str token, token_type_hint;
  struct us_str access_token, client_id, client_secret, client_assertion,
      client_assertion_type; /* see one_way_only() */
};
#define ROW(member, flag, most)                                                                                        \
  {                                                                                                                    \
    .name = #member, .kind = US_FIELD_STRING, .offset = offsetof(struct introspect_request, member), .flags = flag,    \
    .max = most                                                                                                        \
  }
static const struct us_field fields[] = {
    ROW(token, US_FIELD_SECRET, 16 * 1024),
    ROW(token_type_hint, 0, 255),
    ROW(access_token, US_FIELD_SECRET, 16 * 1024),
    ROW(client_id, 0, 1024),
    ROW(client_secret, US_FIELD_SECRET, 1024),
    ROW(client_assertion, US_FIELD_SECRET, 16 * 1024),
    ROW(client_assertion_type, 0, 255),
};
const struct us_field_table us_introspect_table = {.size = sizeof(struct introspect_request), US_FIELDS(fields)};

static enum us_code answer_inactive(struct us_call *call) {
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_name(&w, "active");
  us_json_bool(&w, false);
  us_json_close(&w, '}');
  return US_OK;
}

static void write_permissions(struct us_json_writer *w, const struct us_permissions *permissions) {
  us_json_name(w, "permissions");
  us_json_open(w, '[');
  for (size_t i = 0; i < permissions->n; i++) {
    us_json_open(w, '{');
    us_json_member(w, "resource_id", permissions->v[i].uuid);
    us_json_name(w, "resource_scopes");
    us_json_strs(w, permissions->v[i].scopes);
    us_json_member_i64(w, "exp", permissions->v[i].expires_s);
    us_json_close(w, '}');
  }
  us_json_close(w, ']');
}

/* RFC 8705 3.2. */
static void write_cnf(struct us_json_writer *w, struct us_str cnf) {
  if (cnf.n == 0)
    return;
  us_json_name(w, "cnf");
  us_json_open(w, '{');
  us_json_member(w, "x5t#S256", cnf);
  us_json_close(w, '}');
}

/* [F] 5.1.1: permissions and never scope. Who it is about, when the realm says so (design 6). */
static enum us_code answer_rpt(struct us_call *call, const struct us_rpt_view *view) {
  struct us_json_writer w;
  if (!view->active)
    return answer_inactive(call);
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_name(&w, "active");
  us_json_bool(&w, true);
  write_permissions(&w, &view->rpt.permissions);
  us_json_member(&w, "token_type", US_STR("access_token")); /* Q37 */
  us_json_member_i64(&w, "exp", view->rpt.expires_s);
  us_json_member(&w, "iss", call->realm->issuer);
  write_cnf(&w, view->rpt.cnf);
  if (call->realm->settings.introspect_rpt_identity) {
    us_json_member_i64(&w, "iat", view->rpt.issued_s);
    us_json_member(&w, "client_id", view->client_id);
    us_json_member(&w, "sub", view->party_name);
  }
  us_json_close(&w, '}');
  return US_OK;
}

/* The subject of a token without an owner is the client, in the product's form for agents, which no user name can have (SB-16). */
static struct us_str subject_of(struct us_call *call, const struct us_access *access) {
  return access->owner_name.p != NULL ? access->owner_name
                                      : us_str_fmt(call->cx.mem, "(age!%.*s)", US_STR_ARG(access->client_id));
}

static enum us_code answer_token(struct us_call *call, const struct us_access *access) {
  const struct us_token *token = &access->token;
  const struct us_realm *realm = us_snapshot_realm_by_id(call->snapshot, token->realm_id);
  struct us_json_writer w;
  if (realm == NULL) /* of a realm that is being deleted */
    return answer_inactive(call);
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_name(&w, "active");
  us_json_bool(&w, true);
  us_json_member(&w, "scope", us_strs_join(call->cx.mem, token->scopes, " "));
  us_json_member(&w, "realm", realm->path);
  us_json_member(&w, "client_id", access->client_id);
  us_json_member(&w, "user_id", access->owner_name); /* the deprecated twin of username */
  us_json_member(&w, "username", access->owner_name);
  us_json_member(&w, "token_type", token->kind == US_TOKEN_REFRESH ? US_STR("refresh_token") : US_STR("Bearer"));
  us_json_member_i64(&w, "exp", token->expires_s);
  us_json_member_i64(&w, "expires_in", token->expires_s - us_cx_now_s(&call->cx));
  us_json_member_i64(&w, "iat", token->issued_s);
  us_json_member(&w, "sub", subject_of(call, access));
  us_json_member(&w, "subname", access->owner_name.p ? access->owner_name : access->client_id);
  us_json_member(&w, "iss", realm->issuer);
  write_cnf(&w, token->cnf);
  us_json_close(&w, '}');
  return US_OK;
}

/* Each kind of token is tried until one is found: *ret_done says that the answer is written. */
static enum us_code try_rpt(struct us_call *call, struct us_str text, bool *ret_done) {
  bool by_pat = call->caller.kind == US_CALLER_PAT;
  struct us_rpt_view view = {0};
  enum us_code code = us_rpt_introspect(&call->cx, call->realm, text, by_pat ? &call->caller.pat : NULL,
                                        by_pat ? NULL : &call->caller.client, &view);
  *ret_done = code == US_OK;
  if (code != US_E_NOT_FOUND)
    return code == US_OK ? answer_rpt(call, &view) : code;
  us_error_clear(&call->cx);
  return US_OK;
}

static enum us_code try_token(struct us_call *call, struct us_str text, struct us_str hint, bool *ret_done) {
  bool by_pat = call->caller.kind == US_CALLER_PAT; /* a PAT counts as its client (Q39) */
  int64_t client_ref = by_pat ? call->caller.pat.token.client_ref : call->caller.client.ref;
  struct us_strs scopes = by_pat ? call->caller.pat.client_scopes : call->caller.client.scopes;
  struct us_access access = {0};
  enum us_code code = us_token_introspect(&call->cx, call->realm, text, hint, client_ref, scopes, &access);
  *ret_done = code == US_OK;
  if (code != US_E_NOT_FOUND)
    return code == US_OK ? answer_token(call, &access) : code;
  us_error_clear(&call->cx);
  return US_OK;
}

/* RFC 6750 2 (OA-25): who comes with a Bearer header brings no other credential. Rows of the table are refused in the query of a
 * form route by the pipeline (OA-08). */
static enum us_code one_way_only(struct us_call *call, const struct introspect_request *in) {
  bool has_other = in->access_token.n > 0 || in->client_secret.n > 0 || in->client_assertion.n > 0;
  if (call->caller.kind == US_CALLER_PAT && has_other)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "Credentials are sent in more than one way");
  return US_OK;
}

enum us_code us_ep_introspect(struct us_call *call) {
  const struct introspect_request *in = call->input;
  bool is_done = false;
  US_TRY(one_way_only(call, in));
  if (in->token.n == 0)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "Missing parameter: token");
  /* The hint only says where to begin (TI-06). RPTs are what resource servers ask about all day. */
  bool tokens_first = us_str_eq_c(in->token_type_hint, "refresh_token");
  if (tokens_first)
    US_TRY(try_token(call, in->token, in->token_type_hint, &is_done));
  if (!is_done)
    US_TRY(try_rpt(call, in->token, &is_done));
  if (!is_done && !tokens_first)
    US_TRY(try_token(call, in->token, in->token_type_hint, &is_done));
  return is_done ? US_OK : answer_inactive(call);
}
