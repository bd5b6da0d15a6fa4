/*
 * The pipeline: see pipeline.h. A call goes through the phases below in order; what may run where it is, runs.
 *
 *   MATCH -> ADMIT -> CREDENTIAL -> SPEND -> BODY -> PREPARE -> RUN -> FINISH -> DONE
 *
 * SPEND is a write step of its own, where a client showed an assertion: it counts once (docs/adr/0024), also where the rest only reads.
 * Order of checks on the OAuth side: realm, method, provider, media type, credential, body. On the /json side: REST contract
 * a.12. Reads of MATCH..RUN stand in one read transaction, which ends before the answer is handed on.
 */
#include "route/pipeline.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "domain/extension.h"
#include "domain/pool_share.h"
#include "domain/registration.h"
#include "domain/services.h"
#include "domain/token.h"
#include "endpoint/crest/shape.h"
#include "endpoint/web/page.h"
#include "route/credential.h"
#include "route/crest.h"
#include "route/match.h"
#include "route/render.h"
#include "route/version.h"
#include "store/db.h"
#include "json/json.h"

#define US_STALE_RUNS_MAX 3 /* how often `prepare` is run when what it read went stale (design 2, revisions) */

enum phase {
  PHASE_MATCH,
  PHASE_ADMIT,
  PHASE_CREDENTIAL,
  PHASE_SPEND,
  PHASE_BODY,
  PHASE_PREPARE,
  PHASE_RUN,
  PHASE_FINISH,
  PHASE_DONE
};

struct pipeline {
  struct us_call call; /* first: a call is the beginning of its pipeline */
  enum phase phase;
  struct us_matched matched;
  struct us_params form;
  struct us_str content_version;
  unsigned stale_runs;
  bool is_long_list; /* counted in services.long_lists */
  bool is_at_pool;   /* counted in services.pool_jobs */
  unsigned pool_slot;
  bool is_broken; /* mutation test: this route's handlers are replaced */
};

static const char *broken_route; /* us_routes_break() */

static struct pipeline *pipeline_of(struct us_call *call) {
  return (struct pipeline *)call;
}

static void drop_snapshot(void *snapshot) {
  us_snapshot_unref(snapshot);
}

struct us_call *us_call_new(void *mem, struct us_services *svc, const struct us_http_request *request,
                            struct us_http_response *response) {
  struct pipeline *p = US_NEW(mem, struct pipeline);
  if (p == NULL)
    return NULL;
  p->call.cx.mem = mem;
  p->call.cx.svc = svc;
  p->call.cx.now_ms = us_clock_now_ms(svc->clock);
  p->call.cx.certificate = request->client_cert;
  p->call.request = request;
  p->call.response = response;
  const struct us_snapshot *snapshot = us_snapshot_ref(svc->snapshots);
  if (us_mem_own(mem, (void *)snapshot, drop_snapshot) != 0)
    return NULL;
  p->call.snapshot = snapshot; /* goes with the memory of the exchange, answered or not */
  p->phase = PHASE_MATCH;
  return &p->call;
}

bool us_routes_break(const char *name) {
  for (size_t i = 0; i < us_route_count; i++) {
    if (strcmp(us_routes[i].name, name) == 0) {
      broken_route = us_routes[i].name;
      return true;
    }
  }
  return false;
}

static enum us_code refuse_method(struct pipeline *p) {
  struct us_cx *cx = &p->call.cx;
  const struct us_route *route = p->matched.route;
  enum us_code code = us_fail(cx, US_E_METHOD, "Required Method: %s found: %.*s", us_method_name(route->method),
                              US_STR_ARG(us_error_safe(cx, p->matched.method_text)));
  if (route->flags & US_ROUTE_UNSUPPORTED_METHOD) { /* F 3.2 */
    cx->err.oauth = US_STR("unsupported_method_type");
    cx->err.no_description = true;
  }
  return code;
}

/* Protocol contract 2.1 (dynamic_client_endpoint) and 7. */
static bool is_closed(const struct us_matched *matched) {
  if (matched->route == NULL || matched->realm == NULL)
    return false;
  unsigned flags = matched->route->flags;
  return ((flags & US_ROUTE_NEEDS_CLAIMS) && !matched->realm->settings.interactive_claims) ||
         ((flags & US_ROUTE_NEEDS_REGISTRATION) && !us_registration_is_on(matched->realm));
}

static enum us_code match(struct pipeline *p) {
  struct us_call *call = &p->call;
  struct us_cx *cx = &call->cx;
  enum us_code query = US_OK;
  if (call->request->query.n > 0)
    query = us_form_parse_repeats(cx, call->request->query, &call->query);
  struct us_error flaw = cx->err;
  US_TRY(us_route_match(cx, call->snapshot, call->request, &call->query, &p->matched));
  if (query == US_OK && p->matched.service != US_SERVICE_JSON) { /* on the /json side later (REST contract a.12) */
    query = us_params_unique(cx, &call->query);
    flaw = cx->err;
  }
  if (p->matched.result != US_MATCH_NO_PATH && is_closed(&p->matched))
    p->matched.result = US_MATCH_NO_PATH;
  call->route = p->matched.result == US_MATCH_NO_PATH ? NULL : p->matched.route;
  call->realm = p->matched.realm;
  call->method = p->matched.method;
  if (query != US_OK) { /* said only now that it is known in which style */
    cx->err = flaw;
    return query;
  }
  switch (p->matched.result) {
  case US_MATCH_NO_PATH:
    return us_fail(cx, US_E_NOT_FOUND, "Nothing is served at this path");
  case US_MATCH_NO_REALM:
    return us_fail(cx, US_E_NOT_FOUND, "Realm \"%.*s\" not found", US_STR_ARG(p->matched.realm_path));
  case US_MATCH_NO_METHOD:
  case US_MATCH_NO_ACTION: /* on the /json side said behind the credentials (REST contract a.12) */
    if (p->matched.service != US_SERVICE_JSON)
      return refuse_method(p);
    break;
  case US_MATCHED:
    break;
  }
  memcpy(call->params, p->matched.params, sizeof(call->params));
  p->is_broken =
      p->matched.result == US_MATCHED && broken_route != NULL && strcmp(broken_route, call->route->name) == 0;
  return us_extension_begin(cx, call->realm);
}

static bool media_type_is(struct us_str header, const char *type) {
  if (header.p == NULL)
    return false;
  const char *semicolon = memchr(header.p, ';', header.n);
  struct us_str bare = {header.p, semicolon ? (size_t)(semicolon - header.p) : header.n};
  while (bare.n > 0 && (bare.p[bare.n - 1] == ' ' || bare.p[bare.n - 1] == '\t'))
    bare.n--;
  return us_str_eq_nocase(bare, us_str_c(type));
}

/* Media types: design 6 (415), protocol contract 1.3. */
static enum us_code check_media_type(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  struct us_str type = us_http_header(call->request, "content-type");
  struct us_str coding = us_http_header(call->request, "content-encoding");
  if (coding.p != NULL && !us_str_eq_nocase(coding, US_STR("identity")))
    return us_fail(cx, US_E_MEDIA_TYPE, "A body with a content coding is not supported");
  if (type.n >= 10 && us_str_eq_nocase((struct us_str){type.p, 10}, US_STR("multipart/")))
    return us_fail(cx, US_E_MEDIA_TYPE, "multipart bodies are not supported");
  if (call->route->body_kind == US_BODY_FORM && !media_type_is(type, "application/x-www-form-urlencoded"))
    return us_fail(cx, US_E_INVALID_REQUEST, "Invalid Content Type");
  if ((call->route->flags & US_ROUTE_JSON_STRICT_TYPE) && !media_type_is(type, "application/json"))
    return us_fail(cx, US_E_MEDIA_TYPE, "The content type must be application/json");
  return US_OK;
}

static bool table_has(const struct us_field_table *table, struct us_str name) {
  for (size_t i = 0; table != NULL && i < table->n; i++) {
    if (us_str_eq_c(name, table->fields[i].name))
      return true;
  }
  return false;
}

/* Credentials and members of a form have no place in the request URI (OA-04, OA-08). */
static enum us_code check_query(struct us_call *call) {
  if (call->route->body_kind != US_BODY_FORM)
    return US_OK;
  for (size_t i = 0; i < call->query.n; i++) {
    if (table_has(call->route->body, call->query.v[i].name))
      return us_fail(&call->cx, US_E_INVALID_REQUEST, "The parameter %.*s belongs into the body",
                     US_STR_ARG(us_error_safe(&call->cx, call->query.v[i].name)));
  }
  return US_OK;
}

static enum us_code check_provider(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  bool is_json = call->route->service == US_SERVICE_JSON;
  struct us_str realm = call->realm->path;
  if ((call->route->flags & US_ROUTE_NEEDS_UMA) && !call->realm->has_uma)
    return is_json ? us_fail(cx, US_E_NOT_IMPLEMENTED, "UMA is not currently supported in this realm")
                   : us_fail(cx, US_E_NOT_FOUND, "No UMA provider for realm %.*s", US_STR_ARG(realm));
  if ((call->route->flags & US_ROUTE_NEEDS_OAUTH) && !call->realm->has_oauth)
    return us_fail(cx, US_E_NOT_FOUND, "No OpenID Connect provider for realm %.*s", US_STR_ARG(realm));
  return US_OK;
}

/* What may be said before anybody's credential is looked at. */
static enum us_code admit(struct pipeline *p) {
  struct us_call *call = &p->call;
  if (call->route->service == US_SERVICE_JSON) { /* REST contract a.12: CSRF, API version; all else after who may act */
    US_TRY(us_csrf_check(call));
    return us_version_check(call, &p->content_version);
  }
  US_TRY(check_provider(call));
  US_TRY(check_media_type(call));
  return check_query(call);
}

static enum us_code check_credential(struct pipeline *p) {
  struct us_call *call = &p->call;
  if (call->route->body_kind == US_BODY_FORM && p->form.v == NULL)
    US_TRY(us_form_parse(&call->cx, call->request->body, &p->form));
  US_TRY(us_credential_check(call, p->matched.auth, &p->form));
  if (call->route->service != US_SERVICE_JSON)
    return US_OK;
  US_TRY(check_provider(call)); /* REST contract a.12, 6 to 9 */
  US_TRY(us_crest_check_verb(call, &p->matched));
  US_TRY(us_crest_check_parameters(call, &p->matched));
  return check_media_type(call);
}

static enum us_code decode_body(struct us_call *call) {
  const struct us_route *route = call->route;
  if (route->body == NULL)
    return US_OK;
  call->input = us_mem_zalloc(call->cx.mem, route->body->size);
  if (call->input == NULL)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  if (route->body_kind != US_BODY_JSON) {
    struct us_str text = route->body_kind == US_BODY_FORM ? call->request->body : call->request->query;
    return us_field_from_form(&call->cx, route->body, text, call->input);
  }
  json_t *value = NULL;
  US_TRY(us_json_parse(&call->cx, call->request->body, US_E_INVALID_REQUEST, &value));
  enum us_code code = us_field_from_json(&call->cx, route->body, value, call->input);
  us_json_drop(&call->cx, value);
  return code;
}

static enum us_code run_step(struct pipeline *p, us_step_fn step) {
  if (p->is_broken) { /* mutation test: what a thoughtless handler would do */
    struct us_json_writer w;
    us_answer_json(&p->call, 200, &w);
    us_json_open(&w, '{');
    us_json_close(&w, '}');
    return US_OK;
  }
  if (step == NULL)
    return US_OK;
  us_extension_step(&p->call.cx);
  US_TRY(us_extension_outcome(&p->call.cx, step(&p->call)));
  if (us_mem_is_spent(p->call.cx.mem)) /* what could not be allocated must not read as "there is none" */
    return us_fail_plain(&p->call.cx, US_E_NO_MEMORY);
  return US_OK;
}

static enum us_style style_of(const struct pipeline *p) {
  if (p->matched.service == US_SERVICE_XUI)
    return US_STYLE_PAGE;
  if (p->matched.result == US_MATCH_NO_REALM) /* protocol contract 1.1: the realm router speaks Common REST */
    return US_STYLE_CREST;
  if (p->call.route != NULL)
    return p->call.route->style;
  return p->matched.service == US_SERVICE_OAUTH || p->matched.service == US_SERVICE_UMA ? US_STYLE_OAUTH
                                                                                        : US_STYLE_CREST;
}

/* Which scope a token lacks: what a challenge says (RFC 6750 3). */
static struct us_str scope_of(const struct us_call *call) {
  enum us_auth auth = call->route != NULL ? call->route->auth : US_AUTH_NONE;
  if (auth == US_AUTH_REGISTRAR && call->realm != NULL) /* there may be no such realm */
    return call->realm->settings.registration_token_scope;
  return us_str_c(auth == US_AUTH_USERINFO ? US_SCOPE_OPENID : US_SCOPE_UMA);
}

/* The page instead of the body that is there; what belongs to the error (Retry-After) stays. */
static void show_error_page(struct us_call *call) {
  struct us_error error = call->cx.err;
  us_page_error(call, us_error_status(&error), us_error_text(&error));
  us_render_common_headers(call->response, US_STYLE_PAGE, true);
  us_render_retry_after(&call->cx, &error, call->response);
}

static void answer_error(struct pipeline *p) {
  struct us_call *call = &p->call;
  struct us_render how = {
      .style = style_of(p),
      .realm_path = p->matched.realm_path.p ? p->matched.realm_path : US_STR("/"),
      .has_challenge = call->route != NULL && call->route->style == US_STYLE_OAUTH && call->route->auth != US_AUTH_NONE,
      .scope = scope_of(call),
  };
  bool is_page = how.style == US_STYLE_PAGE && !us_page_is_unwanted(call);
  if (how.style == US_STYLE_PAGE)
    how.style = US_STYLE_OAUTH; /* protocol contract 7.2: shape A where JSON is preferred */
  us_render_error(&call->cx, &call->cx.err, &how, call->response);
  if (is_page)
    show_error_page(call);
  if (call->cx.err.code == US_E_METHOD)
    us_http_response_header(call->response, "Allow", us_allow_text(&call->cx, p->matched.allow));
  if (p->content_version.p != NULL)
    us_http_response_header(call->response, "Content-API-Version", p->content_version);
  if (call->route != NULL && us_crest_is(call->route))
    us_shape_pretty(call);
  p->phase = PHASE_DONE;
}

static void answer_success(struct pipeline *p) {
  struct us_call *call = &p->call;
  if (!us_buf_ok(&call->response->body)) {
    (void)us_fail(&call->cx, US_E_INTERNAL, "the answer is larger than the limit");
    answer_error(p);
    return;
  }
  if (us_crest_is(call->route))
    us_shape_pretty(call);
  us_render_common_headers(call->response, call->route->style, (call->route->flags & US_ROUTE_NO_STORE) != 0);
  if (p->content_version.p != NULL)
    us_http_response_header(call->response, "Content-API-Version", p->content_version);
  if (us_crest_is(call->route) && call->realm->settings.api_version_warning &&
      us_http_header(call->request, "accept-api-version").p == NULL) /* REST contract a.3 */
    us_http_response_header(call->response, "Warning",
                            US_STR("100 CREST \"Accept-API-Version should be included in the request.\""));
  p->phase = PHASE_DONE;
}

/* One phase; on US_OK p->phase has moved on. */
static enum us_code run_phase(struct pipeline *p) {
  struct us_call *call = &p->call;
  switch (p->phase) {
  case PHASE_MATCH:
    US_TRY(match(p));
    break;
  case PHASE_ADMIT:
    US_TRY(admit(p));
    break;
  case PHASE_CREDENTIAL:
    US_TRY(check_credential(p));
    break;
  case PHASE_SPEND: /* nothing to spend: is_write_step() */
    break;
  case PHASE_BODY:
    US_TRY(decode_body(call));
    break;
  case PHASE_PREPARE:
    if (!p->is_broken)
      US_TRY(run_step(p, call->route->prepare));
    break;
  case PHASE_RUN:
    if (!call->needs_no_write)
      US_TRY(run_step(p, call->route->run));
    break;
  case PHASE_FINISH:
    if (!p->is_broken)
      US_TRY(run_step(p, call->route->finish));
    answer_success(p);
    return US_OK;
  case PHASE_DONE:
    return US_OK;
  }
  p->phase++;
  return US_OK;
}

static bool needs_store(enum phase phase) {
  return phase < PHASE_FINISH;
}

static bool is_write_step(const struct pipeline *p) {
  const struct us_call *call = &p->call;
  if (p->phase == PHASE_SPEND)
    return call->caller.kind == US_CALLER_CLIENT && call->proof != NULL;
  return p->phase == PHASE_RUN && call->route->kind == US_WRITE && !call->needs_no_write;
}

/* What it was counted in for going to the pool. */
static void end_pool(struct pipeline *p) {
  struct us_services *svc = p->call.cx.svc;
  if (p->is_long_list)
    atomic_fetch_sub(&svc->long_lists, 1);
  if (p->is_at_pool)
    us_pool_share_give(svc, p->pool_slot);
  p->is_long_list = p->is_at_pool = false;
}

static enum us_code refuse_pool(struct pipeline *p) {
  end_pool(p);
  (void)us_fail_plain(&p->call.cx, US_E_UNAVAILABLE);
  p->call.cx.err.retry_after_s = 1;
  return US_E_UNAVAILABLE;
}

/* A step says that it may block. One address may have so many of these at a time; and a read that blocks is a list that takes long
 * (store/list.h): whoever asks for many of these must not keep those waiting who log in. */
static enum us_code leave_for_pool(struct pipeline *p) {
  struct us_cx *cx = &p->call.cx;
  us_error_clear(cx);
  p->is_at_pool = us_pool_share_take(cx->svc, p->call.request->peer_group, &p->pool_slot);
  if (!p->is_at_pool)
    return refuse_pool(p);
  if (p->phase != PHASE_RUN)
    return US_OK;
  p->is_long_list = true;
  return atomic_fetch_add(&cx->svc->long_lists, 1) < cx->svc->long_lists_max ? US_OK : refuse_pool(p);
}

enum us_place us_call_advance(struct us_call *call, enum us_place here, struct us_db *db) {
  struct pipeline *p = pipeline_of(call);
  struct us_cx *cx = &call->cx;
  enum us_place next = US_PLACE_ANSWER;
  bool is_reading = false;
  call->may_block = here == US_PLACE_POOL;
  cx->is_on_loop = here == US_PLACE_LOOP;
  while (p->phase != PHASE_DONE) {
    enum us_code code = US_OK;
    if (is_write_step(p)) {
      next = US_PLACE_WRITER;
      break;
    }
    if (needs_store(p->phase) && !is_reading) {
      code = us_db_begin_read(cx, db);
      is_reading = code == US_OK;
    } else if (!needs_store(p->phase) && is_reading) { /* the read transaction ends before the answer is queued */
      us_db_end_read(cx, db);
      is_reading = false;
    }
    if (code == US_OK)
      code = run_phase(p);
    if (code == US_E_TO_HOOKS) {
      next = US_PLACE_HOOKS;
      break;
    }
    if (code == US_E_TO_FETCH) {
      us_error_clear(cx);
      next = US_PLACE_FETCH;
      break;
    }
    if (code == US_E_TO_POOL && here != US_PLACE_POOL) {
      code = leave_for_pool(p);
      if (code == US_OK) {
        next = US_PLACE_POOL;
        break;
      }
    }
    if (code != US_OK)
      answer_error(p);
  }
  if (here == US_PLACE_POOL)
    end_pool(p);
  if (is_reading)
    us_db_end_read(cx, db);
  return next;
}

size_t us_call_used_sessions(const struct us_call *call, int64_t ret_ids[2]) {
  const struct us_session *used[] = {call->caller.kind == US_CALLER_SESSION ? &call->caller.login.session : NULL,
                                     call->used_session.id > 0 ? &call->used_session : NULL};
  size_t n = 0;
  for (size_t i = 0; i < 2; i++) {
    if (used[i] != NULL && us_session_wants_touch(used[i], call->cx.now_ms))
      ret_ids[n++] = used[i]->id;
  }
  return n;
}

enum us_code us_call_write(struct us_call *call) {
  us_error_clear(&call->cx); /* a step may run twice */
  call->cx.is_on_loop = false;
  call->runs_again = false;
  if (pipeline_of(call)->phase == PHASE_SPEND)
    return us_client_spend(&call->cx, call->realm, call->proof);
  return run_step(pipeline_of(call), call->route->run);
}

void us_call_give_up_fetch(struct us_call *call) {
  us_client_keys_given_up(call->cx.svc, &call->proof->wanted);
  us_call_refuse(call, US_E_UNAVAILABLE);
}

/* Plugins take their time, as the pool does: one share of an address for both. */
bool us_call_ask(struct us_call *call, void (*done)(void *self), void *self) {
  struct pipeline *p = pipeline_of(call);
  p->is_at_pool = us_pool_share_take(call->cx.svc, call->request->peer_group, &p->pool_slot);
  return p->is_at_pool && us_extension_ask(&call->cx, done, self);
}

void us_call_asked(struct us_call *call) {
  end_pool(pipeline_of(call));
  if (us_extension_asked(&call->cx) != US_OK)
    answer_error(pipeline_of(call));
}

enum us_place us_call_written(struct us_call *call, enum us_code code) {
  struct pipeline *p = pipeline_of(call);
  if (code == US_E_TO_HOOKS)
    return US_PLACE_HOOKS;
  if (code == US_OK || (call->cx.err.keeps_writes && call->cx.err.code == code))
    us_extension_committed(&call->cx);
  if (code == US_OK && p->phase == PHASE_SPEND) {
    p->phase++;
    return US_PLACE_LOOP;
  }
  if (code == US_OK &&
      call->runs_again) /* the phase stays, so the loop sends it to the writer again, behind all that wait there */
    return US_PLACE_LOOP;
  if (code == US_OK) {
    p->phase = PHASE_FINISH;
    if (call->route->finish != NULL && !p->is_broken)
      return US_PLACE_LOOP;
    answer_success(p);
    return US_PLACE_ANSWER;
  }
  if (code == US_E_STALE && ++p->stale_runs < US_STALE_RUNS_MAX) {
    us_error_clear(&call->cx);
    p->phase = PHASE_PREPARE;
    return US_PLACE_LOOP;
  }
  if (code == US_E_STALE && us_http_header(call->request, "if-match").p != NULL)
    (void)us_fail_plain(&call->cx, US_E_PRECONDITION);
  if (call->cx.err.code != code && code != US_E_STALE) /* the batch failed around a step that had succeeded */
    (void)us_fail_plain(&call->cx, code);
  answer_error(p);
  return US_PLACE_ANSWER;
}

void us_call_refuse(struct us_call *call, enum us_code code) {
  end_pool(pipeline_of(call));
  (void)us_fail_plain(&call->cx, code);
  answer_error(pipeline_of(call));
}

void us_render_refusal(struct us_services *svc, int status, const char *reason, struct us_str target,
                       struct us_http_response *response) {
  static const char *const crest_parts[] = {"/json/", "/json?"};
  bool is_crest_path = false;
  for (size_t i = 0; target.p != NULL && i < 2; i++)
    is_crest_path |= memmem(target.p, target.n, crest_parts[i], strlen(crest_parts[i])) != NULL;
  struct us_json_writer w;
  us_buf_reset(&response->body);
  us_json_writer_init(&w, &response->body);
  us_json_open(&w, '{');
  if (is_crest_path) {
    us_json_name(&w, "code");
    us_json_i64(&w, status);
    us_json_name(&w, "reason");
    us_json_c(&w, us_status_reason(status));
    us_json_name(&w, "message");
  } else {
    us_json_name(&w, "error");
    us_json_c(&w, status == 503 ? "temporarily_unavailable" : "invalid_request");
    us_json_name(&w, "error_description");
  }
  us_json_c(&w, reason);
  us_json_close(&w, '}');
  us_render_common_headers(response, is_crest_path ? US_STYLE_CREST : US_STYLE_OAUTH, true);
}
