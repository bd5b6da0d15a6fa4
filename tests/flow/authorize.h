/* Words that the stories about the authorization endpoint share: a person's browser, a client, and where it is sent. */
#ifndef USHER_FLOW_AUTHORIZE_H
#define USHER_FLOW_AUTHORIZE_H

#include "crypto/digest.h"
#include "flow/oauth.h"
#include "json/field.h"

#define AUTHORIZE ALPHA_OAUTH "authorize"
#define AUTHORIZE_URL WORLD_BASE "/oauth2/realms/root/realms/alpha/authorize"
#define USERINFO ALPHA_OAUTH "userinfo"
#define APPLICATIONS(user) ALPHA_JSON "users/" user "/oauth2/applications"
#define C1_BACK "http://127.0.0.1:9/cb"
#define C2_BACK "http://127.0.0.1:9/cb2"
#define RS1_BACK "http://127.0.0.1:9/rs/cb"
#define P1_BACK "http://127.0.0.1:9/pub"
#define LOGIN_PAGE WORLD_BASE "/XUI/"
/* RFC 7636 appendix B (tests/vectors/rfc7636-b.json). */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define WITH_CHALLENGE "&code_challenge=" CHALLENGE "&code_challenge_method=S256"
#define CODE_GRANT "grant_type=authorization_code&code=%s"

/* A request that is fine: response type, client and redirection URI. */
#define REQUEST_C1 "response_type=code&client_id=" C1 "&redirect_uri=" C1_BACK "&scope=openid&state=s-1"
#define REQUEST_P1                                                                                                     \
  "response_type=code&client_id=" P1 "&redirect_uri=http://127.0.0.1:9/pub&scope=openid&state=s-1" WITH_CHALLENGE

/* A parameter of a URL's query, decoded; NULL when it is not there. */
static inline const char *param_of(struct us_world *w, const char *url, const char *name) {
  const char *question = url ? strchr(url, '?') : NULL, *found = NULL;
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20), .svc = us_world_services(w)};
  struct us_params params = {0};
  if (question != NULL)
    assert_int_equal(us_form_parse(&cx, us_str_c(question + 1), &params), US_OK);
  struct us_str value = us_params_get(&params, name);
  if (value.p != NULL)
    found = us_text(w, "%.*s", US_STR_ARG(value));
  us_mem_free(cx.mem);
  return found;
}

static inline const char *as_browser(struct us_world *w, const char *sso) {
  return sso == NULL ? "Accept: text/html" : us_text(w, "Accept: text/html\nCookie: iPlanetDirectoryPro=%s", sso);
}
/* `sso` NULL: nobody is logged in. `query` is text of a query string. */
static inline struct us_reply visit(struct us_world *w, const char *sso, const char *query) {
  return us_send(w, "GET", us_text(w, AUTHORIZE "?%s", query), as_browser(w, sso), NULL);
}
static inline struct us_reply visit_url(struct us_world *w, const char *sso, const char *url) {
  assert_true(strncmp(url, WORLD_BASE, strlen(WORLD_BASE)) == 0);
  return us_send(w, "GET", url + strlen("http://127.0.0.1:8080"), as_browser(w, sso), NULL);
}
/* Protocol contract 7.4. */
static inline const char *csrf_of(struct us_world *w, const char *sso) {
  char hex[65];
  us_sha256_hex(us_str_c(sso), hex);
  return us_text(w, "%s", hex);
}
static inline struct us_reply submit(struct us_world *w, const char *sso, const char *request, const char *more) {
  return us_send(w, "POST", AUTHORIZE, us_text(w, FORM_TYPE "\n%s", as_browser(w, sso)),
                 us_text(w, "%s%s", request, more));
}
static inline struct us_reply decide(struct us_world *w, const char *sso, const char *request, const char *decision) {
  return submit(w, sso, request, us_text(w, "&csrf=%s&decision=%s", csrf_of(w, sso), decision));
}

/* Where an answer sends the browser: to this URI, with these parameters. */
#define assert_sent(w, reply, uri) us_assert_sent((w), (reply), (uri), __FILE__, __LINE__)
static inline const char *us_assert_sent(struct us_world *w, struct us_reply r, const char *uri, const char *file,
                                         int line) {
  const char *location = us_reply_header(&r, "Location");
  size_t n = strlen(uri);
  (void)w;
  if (r.status != 302 || location == NULL || strncmp(location, uri, n) != 0 ||
      (location[n] != '?' && location[n] != '&')) {
    print_error("wanted to be sent to %s, got %d %s\n%s\n", uri, r.status, location ? location : "(nowhere)", r.body);
    _fail(file, line);
  }
  return location;
}
#define assert_sent_error(w, reply, uri, error) us_assert_sent_error((w), (reply), (uri), (error), __FILE__, __LINE__)
static inline const char *us_assert_sent_error(struct us_world *w, struct us_reply r, const char *uri,
                                               const char *error, const char *file, int line) {
  const char *location = us_assert_sent(w, r, uri, file, line);
  const char *told = param_of(w, location, "error");
  if (told == NULL || strcmp(told, error) != 0) {
    print_error("wanted error %s, got %s\n", error, location ? location : "");
    _fail(file, line);
  }
  assert_string_equal(param_of(w, location, "iss"), ALPHA_ISSUER); /* RFC 9207: errors too */
  assert_null(param_of(w, location, "code"));
  return location;
}
#define assert_login(w, reply) us_assert_login((w), (reply), __FILE__, __LINE__)
/* To the login page; returns where it leads back to. */
static inline const char *us_assert_login(struct us_world *w, struct us_reply r, const char *file, int line) {
  const char *location = us_assert_sent(w, r, LOGIN_PAGE, file, line);
  const char *back = param_of(w, location, "goto");
  if (back == NULL || strncmp(back, AUTHORIZE_URL, strlen(AUTHORIZE_URL)) != 0) {
    print_error("wanted to come back to the authorization endpoint, got %s\n", location);
    _fail(file, line);
  }
  assert_string_equal(param_of(w, location, "realm"), "/alpha");
  return back;
}
/* A page of ours, and no way on to anywhere. */
#define assert_page_error(reply, wanted) us_assert_page_error((reply), (wanted), __FILE__, __LINE__)
static inline void us_assert_page_error(struct us_reply r, int wanted, const char *file, int line) {
  us_assert_status(&r, wanted, file, line);
  assert_null(us_reply_header(&r, "Location"));
  const char *type = us_reply_header(&r, "Content-Type");
  if (type == NULL || strncmp(type, "text/html", 9) != 0) {
    print_error("wanted a page, got %s: %s\n", type ? type : "(nothing)", r.body);
    _fail(file, line);
  }
}

/* The code of a person who allows what is asked. */
static inline const char *code_of(struct us_world *w, struct us_reply r) {
  const char *location = us_reply_header(&r, "Location");
  const char *code = param_of(w, location, "code");
  if (code == NULL)
    fail_msg("no code: %d %s %s", r.status, location ? location : "", r.body);
  return code;
}
static inline const char *allowed_code(struct us_world *w, const char *sso, const char *request) {
  return code_of(w, decide(w, sso, request, "allow"));
}
/* `more` begins with '&', or is NULL. */
static inline struct us_reply exchange(struct us_world *w, const char *client, const char *code, const char *back,
                                       const char *more) {
  const char *uri = back ? us_text(w, "&redirect_uri=%s", us_enc(w, back)) : "";
  return token(w, client, us_text(w, CODE_GRANT "%s%s", code, uri, more ? more : ""));
}
static inline struct us_reply exchange_public(struct us_world *w, const char *code, const char *verifier) {
  return send_form(w, TOKEN, NULL,
                   us_text(w, CODE_GRANT "&client_id=" P1 "&redirect_uri=%s%s%s", code, us_enc(w, P1_BACK),
                           verifier ? "&code_verifier=" : "", verifier ? verifier : ""));
}
static inline struct us_reply user_info(struct us_world *w, const char *token_text) {
  return us_send(w, "GET", USERINFO, us_text(w, "Authorization: Bearer %s", token_text), NULL);
}
static inline bool token_is_live(struct us_world *w, const char *client, const char *token_text) {
  return is_active(look(w, client, token_text));
}

#endif
