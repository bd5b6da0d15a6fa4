/*
 * The authorization endpoint (protocol contract 3.2; RFC 6749 4.1, OpenID Connect Core 3.1.2; docs/adr/0021): a browser brings what a
 * client asks of a person. The order of the checks is the point:
 *
 *   1. client and redirection URI: what is wrong is said on a page of ours, and nobody is sent anywhere (OA-11)
 *   2. is somebody here? If not, to the login page; nothing goes to the client before (SB-19), but for prompt=none
 *   3. a decision comes from our form (SB-20), or it is none
 *   4. everything else that is wrong with the request goes back to the client (OA-13), with state and iss
 *   5. how fresh the login must be, what the person said or says
 *
 * GET and POST are the same request; a POST may hold a decision, and is looked at from the start all the same. Only what ends with a
 * code writes.
 */
#include "endpoint/oauth/authorize.h"

#include <string.h>

#include "base/mem.h"
#include "domain/client.h"
#include "domain/code.h"
#include "domain/consent.h"
#include "domain/id_token.h"
#include "domain/pkce.h"
#include "domain/redirect_uri.h"
#include "domain/scope.h"
#include "endpoint/crest/login.h"
#include "endpoint/web/page.h"
#include "endpoint/web/redirect.h"

#define AUTHORIZE_PARAMETER_MAX                                                                                        \
  (64 * 1024) /* as much as a body has: a longer state is told to the client, like all its mistakes */
#define AUTHORIZE_STATE_MAX 4096
#define AUTHORIZE_NONCE_MAX 1024 /* it is kept with the code */
#define AUTHORIZE_SCOPE_MAX (16 * 1024)
#define AUTHORIZE_PROMPT_MAX 8 /* words */

#define ROW(member, flag)                                                                                              \
  {                                                                                                                    \
    .name = #member, .kind = US_FIELD_STRING, .offset = offsetof(struct us_authorize_form, member), .flags = flag,     \
    .max = AUTHORIZE_PARAMETER_MAX                                                                                     \
  }
static const struct us_field fields[] = {
    ROW(client_id, 0),
    ROW(redirect_uri, 0),
    ROW(response_type, 0),
    ROW(response_mode, 0),
    ROW(scope, 0),
    ROW(state, 0),
    ROW(nonce, 0),
    ROW(prompt, 0),
    ROW(max_age, 0),
    ROW(code_challenge, 0),
    ROW(code_challenge_method, 0),
    ROW(request, 0),
    ROW(request_uri, 0),
    ROW(registration, 0),
    ROW(id_token_hint, US_FIELD_SECRET),
    ROW(login_hint, 0),
    ROW(ui_locales, 0),
    ROW(display, 0),
    ROW(acr_values, 0),
    ROW(claims, 0),
    ROW(service, 0),
    ROW(csrf, US_FIELD_SECRET),
    ROW(decision, 0),
    ROW(save_consent, 0),
};
const struct us_field_table us_authorize_table = {.size = sizeof(struct us_authorize_form), US_FIELDS(fields)};

/* Prompt: OIDC Core 3.1.2.1. */
enum { PROMPT_NONE = 1, PROMPT_LOGIN = 2, PROMPT_CONSENT = 4, PROMPT_SELECT_ACCOUNT = 8, PROMPT_UNKNOWN = 16 };
const char *const us_prompt_values[] = {"none", "login", "consent", "select_account", NULL};

static unsigned prompt_bit(struct us_str word) {
  for (unsigned i = 0; us_prompt_values[i] != NULL; i++) {
    if (us_str_eq_c(word, us_prompt_values[i]))
      return 1U << i;
  }
  return PROMPT_UNKNOWN;
}

static unsigned prompt_of(struct us_call *call) {
  const struct us_authorize_form *form = call->input;
  struct us_strs words = {NULL, 0};
  unsigned prompt = 0;
  if (form->prompt.n == 0)
    return 0;
  if (!us_str_split(call->cx.mem, form->prompt, ' ', AUTHORIZE_PROMPT_MAX, &words))
    return PROMPT_UNKNOWN;
  for (size_t i = 0; i < words.n; i++)
    prompt |= prompt_bit(words.v[i]);
  return prompt;
}

/* What the person has done by now is not asked for again. */
static struct us_str prompt_without_login(struct us_call *call) {
  const struct us_authorize_form *form = call->input;
  struct us_strs words = {NULL, 0};
  struct us_str login = US_STR("login");
  if (form->prompt.n == 0 || !us_str_split(call->cx.mem, form->prompt, ' ', AUTHORIZE_PROMPT_MAX, &words))
    return form->prompt;
  struct us_strs left = us_strs_minus(call->cx.mem, words, (struct us_strs){&login, 1});
  return left.n == 0 ? US_STR_ABSENT : us_strs_join(call->cx.mem, left, " ");
}

static bool is_of_our_form(const char *name) {
  return strcmp(name, "csrf") == 0 || strcmp(name, "decision") == 0 || strcmp(name, "save_consent") == 0;
}

static struct us_str member(const struct us_authorize_form *form, const struct us_field *field) {
  return *(const struct us_str *)(const void *)((const char *)form + field->offset);
}

void us_authorize_params(struct us_call *call, bool keeps_age,
                         struct us_redirect_param ret_params[US_AUTHORIZE_PARAMS_MAX], size_t *ret_count) {
  _Static_assert(sizeof(fields) / sizeof(fields[0]) <= US_AUTHORIZE_PARAMS_MAX, "room for every parameter");
  size_t n = 0;
  for (size_t i = 0; i < us_authorize_table.n; i++) {
    const struct us_field *field = &fields[i];
    struct us_str value = member(call->input, field);
    if (is_of_our_form(field->name))
      continue;
    if (strcmp(field->name, "prompt") == 0)
      value = prompt_without_login(call);
    if (strcmp(field->name, "max_age") == 0 && (!keeps_age || us_str_eq_c(value, "0"))) /* 0 is prompt=login */
      value = US_STR_ABSENT;
    ret_params[n++] = (struct us_redirect_param){field->name, value};
  }
  *ret_count = n;
}

struct us_str us_authorize_url(struct us_call *call, bool keeps_age) {
  struct us_redirect_param params[US_AUTHORIZE_PARAMS_MAX];
  size_t n = 0;
  us_authorize_params(call, keeps_age, params, &n);
  struct us_str here = us_str_fmt(call->cx.mem, "%.*s/authorize", US_STR_ARG(call->realm->oauth_url));
  return us_redirect_uri(&call->cx, here, params, n);
}

struct us_str us_authorize_client_name(struct us_cx *cx, const struct us_client *client) {
  return client->display_name.n == 0 || us_str_eq(client->display_name, client->client_id)
             ? client->client_id
             : us_str_fmt(cx->mem, "%.*s (%.*s)", US_STR_ARG(client->display_name), US_STR_ARG(client->client_id));
}

/* Errors that RFC 6749 does not know; how they are told is the same. */
static enum us_code say(struct us_cx *cx, const char *error, const char *text) {
  (void)us_fail(cx, US_E_INVALID_REQUEST, "%s", text);
  cx->err.oauth = us_str_c(error);
  return US_E_INVALID_REQUEST;
}

/* 1. */
static enum us_code find_client(struct us_call *call, struct us_authorize *a) {
  struct us_cx *cx = &call->cx;
  const struct us_authorize_form *form = call->input;
  if (form->client_id.n == 0)
    return us_fail(cx, US_E_INVALID_REQUEST, "Missing parameter, 'client_id'");
  enum us_code code = us_client_by_id(cx, call->realm->id, form->client_id, &a->client);
  if (code == US_E_NOT_FOUND || (code == US_OK && !a->client.is_active))
    return us_fail(cx, US_E_INVALID_REQUEST, "The client is not known");
  US_TRY(code);
  return us_redirect_uri_choose(cx, &a->client, form->redirect_uri, &a->redirect_uri);
}

/* 3. GET never decides anything. */
static bool has_decision(const struct us_call *call) {
  const struct us_authorize_form *form = call->input;
  return call->method == US_METHOD_POST && form->decision.n > 0;
}
static bool is_decision(const struct us_call *call, const char *word) {
  const struct us_authorize_form *form = call->input;
  return has_decision(call) && us_str_eq_c(form->decision, word);
}

static enum us_code check_form(struct us_call *call) {
  const struct us_authorize_form *form = call->input;
  if (!has_decision(call))
    return US_OK;
  if (!is_decision(call, "allow") && !is_decision(call, "deny"))
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "The decision must be allow or deny");
  if (!us_csrf_ok(call, form->csrf))
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "The form does not belong to this session");
  return US_OK;
}

/* 4. In this order; the first that fails is told to the client. */

static enum us_code check_grant(struct us_call *call, struct us_authorize *a) {
  if (!us_client_may_use_grant(&a->client, "authorization_code"))
    return us_fail(&call->cx, US_E_UNAUTHORIZED_CLIENT, "The client is not authorized to use this grant type.");
  return US_OK;
}

static enum us_code check_response(struct us_call *call, struct us_authorize *a) {
  struct us_cx *cx = &call->cx;
  const struct us_authorize_form *form = call->input;
  (void)a;
  if (form->response_type.n == 0)
    return us_fail(cx, US_E_INVALID_REQUEST, "Missing parameter, 'response_type'");
  if (!us_str_eq_c(form->response_type, "code")) /* SB-05 */
    return say(cx, "unsupported_response_type", "The response_type must be code");
  if (form->response_mode.n > 0 && !us_str_eq_c(form->response_mode, "query"))
    return us_fail(cx, US_E_INVALID_REQUEST, "The response_mode must be query");
  return US_OK;
}

/* OIDC Core 6, 7.2.1: what is not offered has errors of its own. `claims` is no reason to refuse (5.5). */
static enum us_code check_not_offered(struct us_call *call, struct us_authorize *a) {
  struct us_cx *cx = &call->cx;
  const struct us_authorize_form *form = call->input;
  (void)a;
  if (form->request.n > 0)
    return say(cx, "request_not_supported", "Request objects are not supported");
  if (form->request_uri.n > 0)
    return say(cx, "request_uri_not_supported", "Request objects are not supported");
  if (form->registration.n > 0)
    return say(cx, "registration_not_supported", "The parameter registration is not supported");
  return US_OK;
}

static enum us_code check_lengths(struct us_call *call, struct us_authorize *a) {
  const struct us_authorize_form *form = call->input;
  (void)a;
  const struct {
    const char *name;
    struct us_str value;
    size_t max;
  } limits[] = {{"state", form->state, AUTHORIZE_STATE_MAX},
                {"nonce", form->nonce, AUTHORIZE_NONCE_MAX},
                {"scope", form->scope, AUTHORIZE_SCOPE_MAX}};
  for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
    if (limits[i].value.n > limits[i].max)
      return us_fail(&call->cx, US_E_INVALID_REQUEST, "The parameter %s has more than %zu bytes", limits[i].name,
                     limits[i].max);
  }
  return US_OK;
}

static enum us_code check_prompt(struct us_call *call, struct us_authorize *a) {
  unsigned prompt = prompt_of(call);
  (void)a;
  if (prompt & PROMPT_UNKNOWN)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "The prompt is not known");
  if ((prompt & PROMPT_NONE) && prompt != PROMPT_NONE)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "The prompt none stands alone");
  return US_OK;
}

static enum us_code check_max_age(struct us_call *call, struct us_authorize *a) {
  const struct us_authorize_form *form = call->input;
  uint64_t max_age_s = 0;
  (void)a;
  if (form->max_age.n > 0 && !us_str_to_u64(form->max_age, INT32_MAX, &max_age_s))
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "The max_age must be a number of seconds");
  return US_OK;
}

static enum us_code check_scope(struct us_call *call, struct us_authorize *a) {
  const struct us_authorize_form *form = call->input;
  return us_scope_resolve(&call->cx, call->realm, &a->client, form->scope, &a->scopes);
}

static enum us_code check_challenge(struct us_call *call, struct us_authorize *a) {
  const struct us_authorize_form *form = call->input;
  return us_pkce_check_challenge(&call->cx, call->realm, &a->client, form->code_challenge, form->code_challenge_method,
                                 &a->challenge_method);
}

typedef enum us_code (*check_fn)(struct us_call *call, struct us_authorize *a);
/* Clients that send a request object leave out what stands in it, response_type first of all. */
static const check_fn checks[] = {check_lengths, check_grant,   check_not_offered, check_response,
                                  check_prompt,  check_max_age, check_scope,       check_challenge};

static enum us_code check_request(struct us_call *call, struct us_authorize *a) {
  for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
    US_TRY(checks[i](call, a));
  return US_OK;
}

/* 5. Must whoever is here log in again? max_age is the time since then (OIDC Core 3.1.2.1); 0 is the same as prompt=login. */
static bool must_log_in(struct us_call *call) {
  const struct us_authorize_form *form = call->input;
  uint64_t max_age_s = 0;
  if (prompt_of(call) & PROMPT_LOGIN)
    return true;
  if (form->max_age.n == 0 || !us_str_to_u64(form->max_age, INT32_MAX, &max_age_s))
    return false;
  int64_t age_s = us_cx_now_s(&call->cx) - call->caller.login.session.created_ms / 1000;
  return max_age_s == 0 || age_s > (int64_t)max_age_s;
}

/* The client means somebody else than who is here. A hint that says nothing to us, as an old one, is none. */
static enum us_code check_hint(struct us_call *call, const struct us_authorize *a) {
  struct us_cx *cx = &call->cx;
  const struct us_authorize_form *form = call->input;
  struct us_claim_token hint;
  if (form->id_token_hint.n == 0)
    return US_OK;
  enum us_code code = us_claim_token_verify(cx, call->realm, a->client.client_id, form->id_token_hint, &hint);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    return US_OK;
  }
  US_TRY(code);
  return us_str_eq_nocase(hint.name, a->account->name) && us_claim_token_is_of(&hint, a->account)
             ? US_OK
             : say(cx, "login_required", "Somebody else than the id_token_hint says is logged in");
}

static bool is_flaw(enum us_code code) {
  return code != US_OK && us_code_status(code) < 500;
}

static enum us_code refuse(struct us_call *call, struct us_authorize *a) {
  a->next = US_AUTHORIZE_REFUSE;
  a->flaw = call->cx.err;
  return US_OK;
}

static enum us_code refuse_with(struct us_call *call, struct us_authorize *a, const char *error, const char *text) {
  (void)say(&call->cx, error, text);
  return refuse(call, a);
}

/* Steps 4 and 5. */
static enum us_code decide(struct us_call *call, struct us_authorize *a) {
  unsigned prompt = prompt_of(call);
  bool is_silent = (prompt & PROMPT_NONE) != 0, is_given = false;
  enum us_code code = check_request(call, a);
  if (is_flaw(code))
    return refuse(call, a);
  US_TRY(code);
  if (a->account == NULL) /* silent, or we would be at the login page by now */
    return refuse_with(call, a, "login_required", "Nobody is logged in");
  code = check_hint(call, a);
  if (is_flaw(code))
    return refuse(call, a);
  US_TRY(code);
  if (must_log_in(call)) {
    a->next = US_AUTHORIZE_LOGIN;
    return is_silent ? refuse_with(call, a, "login_required", "The login is too old") : US_OK;
  }
  if (is_decision(call, "deny")) {
    a->is_own_decision = true;
    return refuse_with(call, a, "access_denied", "Resource Owner did not authorize the request");
  }
  a->next = US_AUTHORIZE_GIVE_CODE;
  if (is_decision(call, "allow"))
    return US_OK;
  US_TRY(
      us_consent_is_given(&call->cx, call->realm, &a->client, a->account->id, a->redirect_uri, a->scopes, &is_given));
  if (is_given && !(prompt & (PROMPT_CONSENT | PROMPT_SELECT_ACCOUNT)))
    return US_OK;
  a->next = US_AUTHORIZE_ASK;
  return is_silent ? refuse_with(call, a, "consent_required", "The resource owner has to be asked") : US_OK;
}

enum us_code us_ep_authorize_prepare(struct us_call *call) {
  struct us_authorize *a = US_NEW(call->cx.mem, struct us_authorize);
  if (a == NULL)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  call->state = a;
  US_TRY(find_client(call, a));
  if (call->caller.kind == US_CALLER_SESSION && call->caller.login.account.realm_id == call->realm->id)
    a->account = &call->caller.login.account;
  if (a->account == NULL && !(prompt_of(call) & PROMPT_NONE)) {
    a->next = US_AUTHORIZE_LOGIN;
  } else {
    US_TRY(check_form(call));
    US_TRY(decide(call, a));
  }
  call->needs_no_write = a->next != US_AUTHORIZE_GIVE_CODE;
  return US_OK;
}

enum us_code us_ep_authorize_run(struct us_call *call) {
  struct us_authorize *a = call->state;
  const struct us_authorize_form *form = call->input;
  bool remember = is_decision(call, "allow") && us_str_eq_c(form->save_consent, "on");
  struct us_code_issue issue = {
      .realm = call->realm,
      .client = &a->client,
      .account = a->account,
      .grant =
          {
              .redirect_uri = a->redirect_uri,
              .uri_was_sent = form->redirect_uri.n > 0,
              .scopes = a->scopes,
              .challenge = form->code_challenge,
              .challenge_method = a->challenge_method,
              .nonce = form->nonce,
              .auth_time_s = call->caller.login.session.created_ms / 1000,
          },
  };
  US_TRY(us_consent_allow(&call->cx, &a->client, a->account->id, a->scopes, remember));
  return us_code_issue(&call->cx, &issue, &a->code);
}

/* A session of another realm, or one that is too old, would lead straight back here: the page asks all the same. */
static enum us_code send_to_login(struct us_call *call) {
  struct us_str back = us_authorize_url(call, true);
  struct us_str login = us_login_page_url(call, US_STR_ABSENT, call->caller.kind == US_CALLER_SESSION, back);
  if (back.p == NULL || login.p == NULL)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  if (back.n > US_LOGIN_GOTO_MAX_BYTES) /* nobody would come back here */
    return us_fail(&call->cx, US_E_INVALID_REQUEST,
                   "The request is too long to come back to when somebody has logged in");
  return us_answer_redirect(call, login, NULL, 0);
}

/* RFC 6749 4.1.2.1, RFC 9207. */
static enum us_code send_back(struct us_call *call, const struct us_authorize *a) {
  const struct us_authorize_form *form = call->input;
  const struct us_error *flaw = &a->flaw;
  const struct us_redirect_param params[] = {
      {"error", flaw->oauth.p != NULL ? flaw->oauth : us_str_c(us_code_oauth(flaw->code))},
      {"error_description", flaw->text.p != NULL ? us_error_safe(&call->cx, flaw->text) : US_STR_ABSENT},
      {"state", form->state},
      {"iss", call->realm->issuer},
  };
  const size_t n = sizeof(params) / sizeof(params[0]);
  bool is_blind = a->client.registration_digest.p != NULL && a->account != NULL && !a->is_own_decision &&
                  !(prompt_of(call) & PROMPT_NONE);
  if (!is_blind)
    return us_answer_redirect(call, a->redirect_uri, params, n);
  struct us_str url = us_redirect_uri(&call->cx, a->redirect_uri, params, n);
  return url.p == NULL ? us_fail_plain(&call->cx, US_E_NO_MEMORY) : us_authorize_warn(call, a, url);
}

static enum us_code send_code(struct us_call *call, const struct us_authorize *a) {
  const struct us_authorize_form *form = call->input;
  const struct us_redirect_param params[] = {
      {"code", {a->code.text, a->code.n}},
      {"state", form->state},
      {"iss", call->realm->issuer},
      {"client_id", a->client.client_id},
  };
  return us_answer_redirect(call, a->redirect_uri, params, sizeof(params) / sizeof(params[0]));
}

enum us_code us_ep_authorize_finish(struct us_call *call) {
  const struct us_authorize *a = call->state;
  switch (a->next) {
  case US_AUTHORIZE_LOGIN:
    return send_to_login(call);
  case US_AUTHORIZE_ASK:
    return us_authorize_ask(call, a);
  case US_AUTHORIZE_REFUSE:
    return send_back(call, a);
  case US_AUTHORIZE_GIVE_CODE:
    return send_code(call, a);
  }
  return us_fail(&call->cx, US_E_INTERNAL, "an authorization request without a result");
}
