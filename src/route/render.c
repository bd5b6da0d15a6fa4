/*
 * Error bodies: see render.h. Server errors never show their text outside, but for those the product documents
 * (US_E_DOCUMENTED_500), failures of plugins (US_E_EXTENSION) and what tells the caller that something is not offered (501).
 */
#include "route/render.h"

#include <string.h>

/* What a code says when the finder gave no text. Texts of the contract, where it has one. */
static const char *standard_text(enum us_code code) {
  switch (code) {
  case US_E_NO_TOKEN:
  case US_E_INVALID_TOKEN:
    return "The access token provided is expired, revoked, malformed, or invalid for other reasons.";
  case US_E_INSUFFICIENT_SCOPE:
    return "The resource requested requires scope: uma_protection";
  case US_E_INVALID_CLIENT:
    return "Client authentication failed";
  case US_E_INVALID_GRANT:
    return "The provided access grant is invalid, expired, or revoked.";
  case US_E_INVALID_SCOPE:
    return "The requested scope is invalid, unknown, or malformed.";
  case US_E_NEED_INFO:
    return "Additional information is required to determine whether the client is authorized to access the requested "
           "resource.";
  case US_E_REQUEST_SUBMITTED:
    return "The client is not authorised to access the requested resource set. A request has been submitted to the "
           "resource owner requesting access to the resource";
  case US_E_REQUEST_DENIED:
    return "The client is not authorised to access the requested resource set";
  case US_E_UNAUTHORIZED_CLIENT:
    return "The client is not authorized to use this grant type.";
  case US_E_NO_SESSION:
    return "Access Denied";
  case US_E_SLOW_DOWN:
    return "Too many failed attempts. Try again later.";
  case US_E_TOO_LARGE:
    return "The request body is too large.";
  case US_E_UNAVAILABLE:
  case US_E_NO_MEMORY:
  case US_E_STORE:
  case US_E_STALE:
  case US_E_TO_POOL:
  case US_E_TO_HOOKS:
    return "The server is temporarily unable to handle the request.";
  case US_E_REVOKE_FAILED:
    return "Failed to revoke access token";
  case US_E_INTERNAL:
    return "The server met an unexpected condition.";
  default:
    return NULL;
  }
}

int us_error_status(const struct us_error *error) {
  return error->status ? error->status : us_code_status(error->code);
}

static bool may_show_text(enum us_code code) {
  return us_code_status(code) < 500 || code == US_E_DOCUMENTED_500 || code == US_E_EXTENSION ||
         code == US_E_NOT_IMPLEMENTED;
}

struct us_str us_error_text(const struct us_error *error) {
  if (error->text.p != NULL && error->text.n > 0 && may_show_text(error->code))
    return error->text;
  return us_str_c(standard_text(error->code));
}

void us_render_common_headers(struct us_http_response *response, enum us_style style, bool no_store) {
  if (response->body.n > 0 && style != US_STYLE_PAGE)
    us_http_response_header(response, "Content-Type", US_STR("application/json;charset=UTF-8"));
  us_http_response_header(response, "X-Content-Type-Options", US_STR("nosniff"));
  if (no_store) {
    us_http_response_header(response, "Cache-Control", US_STR("no-store"));
    us_http_response_header(response, "Pragma", US_STR("no-cache"));
  } else if (style == US_STYLE_CREST) {
    us_http_response_header(response, "Cache-Control", US_STR("no-cache"));
  }
}

/* RFC 6750 3 and RFC 6749 5.2: who may be asked for what. */
static void challenge(struct us_cx *cx, const struct us_error *error, const struct us_render *how, int status,
                      struct us_http_response *response) {
  if (!how->has_challenge || (status != 401 && error->code != US_E_INSUFFICIENT_SCOPE))
    return;
  if (error->code == US_E_INVALID_CLIENT) {
    us_http_response_header(response, "WWW-Authenticate",
                            us_str_fmt(cx->mem, "Basic realm=\"%.*s\"", US_STR_ARG(how->realm_path)));
    return;
  }
  struct us_str text = us_str_fmt(cx->mem, "Bearer realm=\"%.*s\"", US_STR_ARG(how->realm_path));
  if (error->code == US_E_INVALID_TOKEN)
    text = us_str_fmt(cx->mem, "%.*s, error=\"invalid_token\"", US_STR_ARG(text));
  if (error->code == US_E_INSUFFICIENT_SCOPE)
    text = us_str_fmt(cx->mem, "%.*s, error=\"insufficient_scope\", scope=\"%.*s\"", US_STR_ARG(text),
                      US_STR_ARG(how->scope));
  us_http_response_header(response, "WWW-Authenticate", text);
}

static void oauth_body(struct us_cx *cx, const struct us_error *error, struct us_json_writer *w) {
  us_json_open(w, '{');
  us_json_name(w, "error");
  if (error->oauth.p != NULL)
    us_json_str(w, error->oauth);
  else
    us_json_c(w, us_code_oauth(error->code));
  struct us_str text = us_error_text(error);
  if (text.p != NULL && !error->no_description) {
    us_json_name(w, "error_description");
    us_json_str(w, us_error_safe(cx, text));
  }
  us_json_close(w, '}');
}

/* Members that belong to the error: before the closing brace. */
static void add_extra(const struct us_error *error, struct us_buf *body) {
  if (error->extra.n == 0 || !us_buf_ok(body))
    return;
  body->n--;
  us_buf_add_char(body, ',');
  us_buf_add_str(body, error->extra);
  us_buf_add_char(body, '}');
}

static void crest_body(const struct us_error *error, int status, struct us_json_writer *w) {
  struct us_str text = us_error_text(error);
  us_json_open(w, '{');
  us_json_name(w, "code");
  us_json_i64(w, status);
  us_json_name(w, "reason");
  us_json_c(w, us_status_reason(status));
  us_json_name(w, "message"); /* with no specific message it is the reason */
  if (text.p != NULL)
    us_json_str(w, text);
  else
    us_json_c(w, us_status_reason(status));
  us_json_close(w, '}');
}

void us_render_retry_after(struct us_cx *cx, const struct us_error *error, struct us_http_response *response) {
  if (error->retry_after_s > 0 || us_error_status(error) == 503)
    us_http_response_header(response, "Retry-After",
                            us_str_fmt(cx->mem, "%d", error->retry_after_s > 0 ? error->retry_after_s : 1));
}

void us_render_error(struct us_cx *cx, const struct us_error *error, const struct us_render *how,
                     struct us_http_response *response) {
  struct us_json_writer w;
  int status = us_error_status(error);
  response->status = status;
  response->header_count = 0;
  us_buf_reset(&response->body);
  us_json_writer_init(&w, &response->body);
  if (how->style == US_STYLE_OAUTH)
    oauth_body(cx, error, &w);
  else
    crest_body(error, status, &w);
  add_extra(error, &response->body);
  us_render_common_headers(response, how->style, true);
  challenge(cx, error, how, status, response);
  us_render_retry_after(cx, error, response);
}
