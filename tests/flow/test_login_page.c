/* The browser's way in and out: the login page, the page of who is signed in, signing out (docs/adr/0020; SB-03, SB-07 to SB-10, SB-20). */
#include "flow/authorize.h"
#include "flow/totp.h"

#define XUI "/am/XUI/"
#define LOGIN XUI "?realm=/alpha"
#define PASSWORD "Ch4ng31t"
#define SSO_COOKIE "iPlanetDirectoryPro="

#define assert_answer(call, wanted)                                                                                    \
  do {                                                                                                                 \
    struct us_reply reply_ = (call);                                                                                   \
    assert_status(reply_, wanted);                                                                                     \
  } while (0)

/* What a browser has and sees. */
struct browser {
  struct us_world *w;
  const char *login_cookie, *session; /* "" without */
  const char *token, *step;           /* of the form that was shown last */
};

static struct browser new_browser(struct us_world *w) {
  return (struct browser){.w = w, .login_cookie = "", .session = "", .token = "", .step = ""};
}

/* The value of a hidden input; "" when there is none. */
static const char *hidden(struct us_world *w, const struct us_reply *r, const char *name) {
  const char *at = strstr(r->body, us_text(w, "name=\"%s\" value=\"", name));
  if (at == NULL)
    return "";
  at = strstr(at, "value=\"") + 7;
  return us_text(w, "%.*s", (int)strcspn(at, "\""), at);
}

static const char *cookie_in(const struct browser *b, const char *header, const char *name) {
  if (header == NULL || strncmp(header, name, strlen(name)) != 0)
    return NULL;
  header += strlen(name);
  return us_text(b->w, "%.*s", (int)strcspn(header, ";"), header);
}

static void see(struct browser *b, const struct us_reply *r) {
  const char *set = us_reply_header(r, "Set-Cookie");
  const char *login = cookie_in(b, set, "usher-login="), *session = cookie_in(b, set, SSO_COOKIE);
  b->login_cookie = login != NULL ? login : b->login_cookie;
  b->session = session != NULL ? session : b->session;
  b->token = hidden(b->w, r, "login_csrf");
  b->step = hidden(b->w, r, "step");
}

static const char *cookies(const struct browser *b) {
  return us_text(b->w, "Cookie: usher-login=%s; " SSO_COOKIE "%s", b->login_cookie, b->session);
}

static struct us_reply get(struct browser *b, const char *url) {
  struct us_reply r = us_send(b->w, "GET", url, cookies(b), NULL);
  see(b, &r);
  return r;
}

static struct us_reply post(struct browser *b, const char *url, const char *form) {
  struct us_reply r = us_send(b->w, "POST", url,
                              us_text(b->w, "%s\nContent-Type: application/x-www-form-urlencoded", cookies(b)), form);
  see(b, &r);
  return r;
}

static struct us_reply type_in(struct browser *b, const char *url, const char *user, const char *password) {
  return post(
      b, url,
      us_text(b->w, "login_csrf=%s&username=%s&password=%s", b->token, us_enc(b->w, user), us_enc(b->w, password)));
}

static struct us_reply log_in_at(struct browser *b, const char *url) {
  assert_answer(get(b, url), 200);
  return type_in(b, url, "alice", PASSWORD);
}

static void assert_page(const struct us_reply *r, int status) {
  static const char policy[] = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'";
  assert_status(*r, status);
  assert_string_equal(us_reply_header(r, "Content-Type"), "text/html;charset=UTF-8");
  assert_memory_equal(us_reply_header(r, "Content-Security-Policy"), policy, strlen(policy));
  assert_non_null(strstr(us_reply_header(r, "Content-Security-Policy"), "; base-uri 'none'; frame-ancestors 'none'"));
  assert_string_equal(us_reply_header(r, "X-Frame-Options"), "DENY");
  assert_string_equal(us_reply_header(r, "Referrer-Policy"), "no-referrer");
  assert_string_equal(us_reply_header(r, "X-Content-Type-Options"), "nosniff");
  assert_string_equal(us_reply_header(r, "Cache-Control"), "no-store");
  assert_null(us_reply_header(r, "Access-Control-Allow-Origin"));
  assert_null(strstr(r->body, "<script"));
  assert_null(strstr(r->body, "http://www.")); /* nothing from other sites */
  assert_null(strstr(r->body, "style=\""));
}

/* SB-08 SB-09 SB-10 */
static void the_page_is_whole_and_strict(void **state) {
  struct browser b = new_browser(*state);
  struct us_reply r = get(&b, LOGIN);
  assert_page(&r, 200);
  assert_string_not_equal(b.login_cookie, "");
  assert_non_null(strstr(r.body, "<html lang=\"en\">"));
  assert_non_null(strstr(r.body, "<label for=\"username\">"));
  assert_non_null(strstr(r.body, "autocomplete=\"username\""));
  assert_non_null(strstr(r.body, "autocomplete=\"current-password\""));
  assert_null(strstr(r.body, b.login_cookie)); /* the form has its digest */
  assert_non_null(strstr(us_reply_header(&r, "Set-Cookie"), "; Path=/; HttpOnly; SameSite=Lax"));
  r = us_send(b.w, "GET", LOGIN, "Origin: https://evil.example", NULL);
  assert_page(&r, 200);
}

/* SB-07 SB-20: 303, a new session id, the old session is over. */
static void a_right_password_opens_a_session(void **state) {
  struct browser b = new_browser(*state);
  struct us_reply r = log_in_at(&b, LOGIN);
  assert_status(r, 303);
  assert_string_equal(us_reply_header(&r, "Location"), "/am/XUI/?realm=/alpha");
  assert_non_null(strstr(us_reply_header(&r, "Set-Cookie"), "; Path=/; HttpOnly; SameSite=Lax"));
  const char *first = b.session;
  r = get(&b, LOGIN);
  assert_page(&r, 200);
  assert_non_null(strstr(r.body, "<bdi>alice</bdi>"));
  assert_null(strstr(r.body, b.session));
  r = log_in_at(&b, LOGIN "&ForceAuth=true");
  assert_status(r, 303);
  assert_string_not_equal(b.session, first);
  assert_answer(us_with_sso(b.w, "POST", ALPHA_JSON "sessions?_action=getSessionInfo", first, NULL, "{}"), 401);
  assert_answer(us_with_sso(b.w, "POST", ALPHA_JSON "sessions?_action=getSessionInfo", b.session, NULL, "{}"), 200);
}

/* A cookie that somebody planted before the login is worth nothing behind it. */
static void a_planted_session_is_replaced(void **state) {
  struct browser b = new_browser(*state);
  b.session = us_sso(b.w, "bob");
  const char *planted = b.session;
  assert_answer(log_in_at(&b, LOGIN "&ForceAuth=true"), 303);
  assert_string_not_equal(b.session, planted);
  struct us_reply r = get(&b, LOGIN);
  assert_non_null(strstr(r.body, "<bdi>alice</bdi>"));
}

static void wrong_is_wrong_and_no_more_is_told(void **state) {
  static const char *const wrong[][2] = {{"alice", "wrong"}, {"nobody", PASSWORD}, {"alice", ""}, {"", PASSWORD},
                                         {"", ""},           {"amAdmin", PASSWORD}};
  struct browser b = new_browser(*state);
  const char *told = NULL;
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    assert_answer(get(&b, LOGIN), 200);
    struct us_reply r = type_in(&b, LOGIN, wrong[i][0], wrong[i][1]);
    assert_page(&r, 401);
    assert_string_equal(b.session, "");
    const char *alert = strstr(r.body, "role=\"alert\"");
    alert = us_text(b.w, "%.*s", (int)strcspn(alert, "\n"), alert);
    assert_true(told == NULL || strcmp(told, alert) == 0);
    told = alert;
    assert_non_null(strstr(r.body, "aria-describedby=\"alert\""));
    assert_null(strstr(r.body, "type=\"password\" autocomplete=\"current-password\" value"));
    b.w = *state;
  }
}

/* SB-20: as many as for the other ways in, counted together with them. */
static void guessing_is_slowed_down(void **state) {
  struct browser b = new_browser(*state);
  us_world_set(b.w, "failedPasswordsPerAccount", "3");
  assert_answer(get(&b, LOGIN), 200);
  for (int i = 0; i < 3; i++)
    assert_answer(type_in(&b, LOGIN, "alice", "wrong"), 401);
  assert_answer(get(&b, LOGIN), 200);
  struct us_reply r = type_in(&b, LOGIN, "alice", PASSWORD);
  assert_page(&r, 429);
  assert_non_null(us_reply_header(&r, "Retry-After"));
  assert_string_equal(b.session, "");
}

/* RFC 9700 4.7.1, SB-20: nobody is logged in by a form of another site. */
static void a_form_of_elsewhere_logs_nobody_in(void **state) {
  struct us_world *w = *state;
  struct browser b = new_browser(w), attacker = new_browser(w);
  assert_answer(get(&b, LOGIN), 200);
  assert_answer(get(&attacker, LOGIN), 200);
  assert_string_not_equal(b.token, attacker.token);
  const char *own = b.token;
  const char *const tokens[] = {"", attacker.token, b.login_cookie, "x", us_text(w, "%s0", own)};
  for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
    b.token = tokens[i];
    struct us_reply r = type_in(&b, LOGIN, "alice", PASSWORD);
    assert_page(&r, 403);
    assert_string_equal(b.session, "");
  }
  b.token = own; /* the attacker's cookie cannot be made to fit it, and without a cookie nothing does */
  const char *cookie = b.login_cookie;
  b.login_cookie = "";
  assert_answer(type_in(&b, LOGIN, "alice", PASSWORD), 403);
  b.login_cookie = cookie;
  b.token = own;
  assert_answer(type_in(&b, LOGIN, "alice", PASSWORD), 303);
}

/* Nothing of what it held is shown, so that nobody types his password behind somebody else's name; and one can go on from there. */
static void a_form_of_elsewhere_brings_a_new_one(void **state) {
  struct us_world *w = *state;
  struct browser b = new_browser(w);
  struct us_reply r = post(&b, LOGIN, "login_csrf=x&username=mallory&password=secret&step=x&code=1");
  assert_page(&r, 403);
  assert_null(strstr(r.body, "mallory"));
  assert_null(strstr(r.body, "secret"));
  assert_string_equal(b.step, "");
  assert_non_null(strstr(r.body, "role=\"alert\""));
  assert_answer(type_in(&b, LOGIN, "alice", PASSWORD), 303);
  r = us_send(w, "POST", LOGIN, FORM_TYPE "\nAccept: application/json",
              "login_csrf=x&username=alice&password=" PASSWORD);
  assert_error(r, 403, "access_denied");
  assert_null(us_reply_header(&r, "Set-Cookie"));
}

/* What the browser says itself counts too, whatever token was found out or planted. */
static void a_form_of_another_site_logs_nobody_in(void **state) {
  static const struct {
    const char *site;
    int status;
  } rows[] = {{"cross-site", 403}, {"same-site", 403}, {"same-origin", 303}, {"none", 303}};
  struct us_world *w = *state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct browser b = new_browser(w);
    assert_answer(get(&b, LOGIN), 200);
    assert_answer(us_send(w, "POST", LOGIN,
                          us_text(w, "%s\n" FORM_TYPE "\nSec-Fetch-Site: %s", cookies(&b), rows[i].site),
                          us_text(w, "login_csrf=%s&username=alice&password=" PASSWORD, b.token)),
                  rows[i].status);
  }
}

/* SB-03 */
static void goto_stays_at_home(void **state) {
  static const char *const bad[] = {"https://evil.example/",
                                    "//evil.example",
                                    "/\\evil.example",
                                    "https:/evil.example",
                                    "/am/../evil",
                                    "/am//evil.example",
                                    "javascript:alert(1)",
                                    "http://127.0.0.1:8080.evil",
                                    "/other",
                                    "",
                                    "http://x@127.0.0.1:8080/am"};
  struct us_world *w = *state;
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct browser b = new_browser(w);
    const char *url = us_text(w, LOGIN "&goto=%s", us_enc(w, bad[i]));
    struct us_reply r = log_in_at(&b, url);
    assert_status(r, 303);
    assert_string_equal(us_reply_header(&r, "Location"), "/am/XUI/?realm=/alpha");
    r = get(&b, url);
    assert_page(&r, 200);
  }
  struct browser b = new_browser(w);
  const char *url =
      LOGIN "&goto=http%3A%2F%2F127.0.0.1%3A8080%2Fam%2Foauth2%2Frealms%2Froot%2Frealms%2Falpha%2Fauthorize%3Fx%3D1";
  struct us_reply r = log_in_at(&b, url);
  assert_string_equal(us_reply_header(&r, "Location"), WORLD_BASE "/oauth2/realms/root/realms/alpha/authorize?x=1");
  r = get(&b, url); /* with a session straight on */
  assert_status(r, 302);
  assert_string_equal(us_reply_header(&r, "Location"), WORLD_BASE "/oauth2/realms/root/realms/alpha/authorize?x=1");
  r = get(&b, us_text(w, "%s&ForceAuth=true", url));
  assert_page(&r, 200);
}

/* Chromium follows a form's redirects only where form-action lets it: to the client that the page behind speaks of. */
static void the_form_may_lead_to_the_client(void **state) {
  static const struct {
    const char *wanted, *source;
  } rows[] = {
      {"oauth2/realms/root/realms/alpha/authorize?client_id=UMA-Client&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb",
       "form-action 'self' http://127.0.0.1:9; "},
      {"oauth2/realms/root/realms/alpha/authorize?client_id=UMA-Client", "form-action 'self' http://127.0.0.1:9; "},
      {"oauth2/realms/root/realms/alpha/authorize?client_id=nobody", "form-action 'self'; "},
      {"uma/realms/root/realms/alpha/claims_gathering?client_id=UMA-Client", "form-action 'self' http://127.0.0.1:9; "},
      {"oauth2/realms/root/realms/alpha/authorize?redirect_uri=https%3A%2F%2Fa.example%3B%20script-src%20*%2F",
       "form-action 'self'; "},
      {"oauth2/realms/root/realms/alpha/authorize?redirect_uri=com.example.app%3A%2Fcb",
       "form-action 'self' com.example.app:; "},
      {"oauth2/realms/root/realms/alpha/authorize?redirect_uri=http%3A%2F%2F%5B%3A%3A1%5D%3A8000%2Fcb",
       "form-action 'self' http:; "},
      {"oauth2/realms/root/realms/alpha/authorize?redirect_uri=https%3A%2F%2Fa.example%3Bframe-ancestors%2F",
       "form-action 'self'; "},
      {"XUI/", "form-action 'self'; "},
  };
  struct us_world *w = *state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct browser b = new_browser(w);
    struct us_reply r = get(&b, us_text(w, LOGIN "&goto=%s", us_enc(w, us_text(w, "/am/%s", rows[i].wanted))));
    assert_page(&r, 200);
    if (strstr(us_reply_header(&r, "Content-Security-Policy"), rows[i].source) == NULL)
      fail_msg("%s: %s", rows[i].wanted, us_reply_header(&r, "Content-Security-Policy"));
  }
}

/* So it may on the page that comes again. */
static void a_second_try_may_lead_there_too(void **state) {
  static const char source[] = "form-action 'self' http://127.0.0.1:9; ";
  struct us_world *w = strict_world(state);
  struct browser b = new_browser(w);
  const char *url = us_text(w, LOGIN "&goto=%s",
                            us_enc(w, "/am/oauth2/realms/root/realms/alpha/authorize?client_id=UMA-Client&state=x"));
  assert_answer(get(&b, url), 200);
  struct us_reply r = type_in(&b, url, "alice", "wrong");
  assert_page(&r, 401);
  assert_non_null(strstr(us_reply_header(&r, "Content-Security-Policy"), source));
  r = type_in(&b, url, "alice", PASSWORD);
  assert_page(&r, 200);
  assert_non_null(strstr(us_reply_header(&r, "Content-Security-Policy"), source));
  r = post(&b, url, us_text(w, "login_csrf=%s&step=%s&code=%s", b.token, b.step, code(w, 0)));
  assert_status(r, 303);
}

/* A realm's validGotoUrls: forms lead there, and to no others. */
static void forms_may_lead_to_what_the_realm_allows(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "validGotoUrls", "https://app.example.net:8443/*");
  static const char *const pages[] = {"", "logout"};
  static const char *const wanted[][2] = {
      {"https://app.example.net:8443/home?x#y", "form-action 'self' https://app.example.net:8443; "},
      {"https://evil.example/?https://app.example.net:8443/", "form-action 'self'; "},
      {WORLD_BASE "/XUI/", "form-action 'self'; "},
      {"/am/XUI/", "form-action 'self'; "}};
  struct browser b = new_browser(w);
  assert_answer(log_in_at(&b, LOGIN), 303);
  for (size_t i = 0; i < 4; i++) {
    for (size_t k = 0; k < 2; k++) {
      const char *url = us_text(w, XUI "%s?realm=/alpha&ForceAuth=true&goto=%s", pages[k], us_enc(w, wanted[i][0]));
      struct us_reply r = get(&b, url);
      assert_page(&r, 200);
      if (strstr(us_reply_header(&r, "Content-Security-Policy"), wanted[i][1]) == NULL)
        fail_msg("%s: %s", url, us_reply_header(&r, "Content-Security-Policy"));
    }
  }
  struct us_reply r = get(&b, XUI "logout?realm=/alpha");
  r = post(&b, us_text(w, XUI "logout?realm=/alpha&goto=%s", us_enc(w, wanted[0][0])),
           us_text(w, "csrf=%s", hidden(w, &r, "csrf")));
  assert_status(r, 303);
  assert_string_equal(us_reply_header(&r, "Location"), wanted[0][0]);
}

static void a_second_factor_is_asked_for_on_a_page_of_its_own(void **state) {
  struct us_world *w = strict_world(state);
  struct browser b = new_browser(w);
  struct us_reply r = log_in_at(&b, LOGIN);
  assert_page(&r, 200);
  assert_non_null(strstr(r.body, "autocomplete=\"one-time-code\""));
  assert_null(strstr(r.body, "name=\"password\""));
  assert_string_equal(b.session, "");
  const char *step = b.step;
  r = post(&b, LOGIN, us_text(w, "login_csrf=%s&step=%s&code=%s", b.token, b.step, wrong_code(w)));
  assert_page(&r, 401);
  assert_string_equal(b.step, step);
  r = post(&b, LOGIN, us_text(w, "login_csrf=%s&step=%s&code=%s", b.token, b.step, code(w, 0)));
  assert_status(r, 303);
  assert_string_not_equal(b.session, "");
  /* Neither the step nor the code is good again. */
  struct browser second = b;
  second.session = "";
  assert_answer(get(&second, LOGIN), 200);
  const char *token = second.token;
  r = post(&second, LOGIN, us_text(w, "login_csrf=%s&step=%s&code=%s", token, step, code(w, 1)));
  assert_page(&r, 401);
  r = log_in_at(&second, LOGIN);
  r = post(&second, LOGIN, us_text(w, "login_csrf=%s&step=%s&code=%s", second.token, second.step, code(w, 0)));
  assert_page(&r, 401);
  assert_string_equal(second.session, "");
  /* Too late; and no step at all. */
  r = log_in_at(&second, LOGIN);
  step = second.step;
  us_world_advance_ms(w, 5 * 60 * 1000 + 1000);
  r = post(&second, LOGIN, us_text(w, "login_csrf=%s&step=%s&code=%s", second.token, step, code(w, 0)));
  assert_page(&r, 401);
  assert_non_null(strstr(r.body, "name=\"password\""));
  r = post(&second, LOGIN, us_text(w, "login_csrf=%s&step=x&code=%s", second.token, code(w, 0)));
  assert_page(&r, 401);
  assert_string_equal(second.session, "");
}

static void people_of_another_realm_are_strangers(void **state) {
  struct us_world *w = *state;
  struct browser b = new_browser(w);
  b.session = us_sso(w, "amAdmin"); /* of the top-level realm */
  struct us_reply r = get(&b, LOGIN);
  assert_page(&r, 200);
  assert_non_null(strstr(r.body, "name=\"password\""));
  r = get(&b, XUI);
  assert_non_null(strstr(r.body, "<bdi>amAdmin</bdi>"));
  r = get(&b, XUI "?realm=/nowhere");
  assert_page(&r, 404);
}

static void flows_have_names(void **state) {
  struct us_world *w = *state;
  struct browser b = new_browser(w);
  struct us_reply r = get(&b, LOGIN "&authIndexType=service&authIndexValue=ClaimsTree");
  assert_page(&r, 400);
  r = get(&b, LOGIN "&authIndexType=service");
  assert_page(&r, 400);
  assert_answer(get(&b, LOGIN "&authIndexType=service&authIndexValue=Login"), 200);
  us_world_set(w, "claimsGatheringService", "ClaimsTree");
  us_world_set(w, "interactiveClaimsGatheringEnabled", "true");
  assert_answer(log_in_at(&b, LOGIN "&authIndexType=service&authIndexValue=ClaimsTree"), 303);
}

/* Parameters first, then the browser's list, then the realm. */
static void pages_speak_two_languages(void **state) {
  static const struct {
    const char *query, *accept, *realm, *lang;
  } rows[] = {{"", "de", "", "de"},
              {"", "de-CH, en;q=0.5", "", "de"},
              {"", "en;q=0.4, de;q=0.8", "", "de"},
              {"", "fr, de;q=0", "", "en"},
              {"", "fr", "de-AT", "de"},
              {"&locale=de", "en", "", "de"},
              {"&locale=fr", "de", "", "de"},
              {"&ui_locales=fr%20de_DE%20en", "en", "", "de"},
              {"&ui_locales=en", "de", "de", "en"},
              {"", "deutsch", "", "en"},
              {"", ",;,;q=,=;q=9, ;;;", "", "en"}};
  struct us_world *w = *state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    us_world_set(w, "defaultLocale", rows[i].realm);
    struct us_reply r = us_send(w, "GET", us_text(w, LOGIN "%s", rows[i].query),
                                us_text(w, "Accept-Language: %s", rows[i].accept), NULL);
    assert_page(&r, 200);
    assert_string_equal(us_reply_header(&r, "Content-Language"), rows[i].lang);
    assert_non_null(strstr(r.body, us_text(w, "<html lang=\"%s\">", rows[i].lang)));
    assert_non_null(strstr(r.body, strcmp(rows[i].lang, "de") == 0 ? "Passwort" : "Password"));
  }
}

/* A language that was asked for goes along, from page to page. */
static void the_language_goes_along(void **state) {
  struct us_world *w = *state;
  struct browser b = new_browser(w);
  struct us_reply r = log_in_at(&b, LOGIN "&locale=de-CH");
  assert_status(r, 303);
  assert_string_equal(us_reply_header(&r, "Location"), "/am/XUI/?realm=/alpha&locale=de");
  r = get(&b, us_reply_header(&r, "Location"));
  assert_non_null(strstr(r.body, "action=\"/am/XUI/logout?realm=/alpha&amp;locale=de\""));
  r = post(&b, XUI "logout?realm=/alpha&locale=de", us_text(w, "csrf=%s", hidden(w, &r, "csrf")));
  assert_string_equal(us_reply_header(&r, "Location"), "/am/XUI/?realm=/alpha&locale=de");
  r = type_in(&b, LOGIN "&locale=de", "alice", "wrong");
  assert_page(&r, 403); /* the page that was left had no such form */
  r = type_in(&b, LOGIN "&locale=de", "alice", "wrong");
  assert_page(&r, 401);
  assert_non_null(strstr(r.body, "Passwort stimmt nicht"));
}

/* Whatever stands in names and URLs comes out as text. */
static void hostile_texts_stay_texts(void **state) {
  struct us_world *w = *state;
  struct browser b = new_browser(w);
  assert_answer(get(&b, LOGIN), 200);
  struct us_reply r = type_in(&b, LOGIN, "\"><script>alert('1')</script>&amp;", "x");
  assert_page(&r, 401);
  assert_non_null(strstr(r.body, "value=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;\""));
  r = get(&b, LOGIN "&goto=%22%3E%3Cscript%3E&x='\"");
  assert_null(strstr(r.body, "'\""));
  assert_null(strstr(r.body, "<script"));
}

static void errors_are_pages_unless_json_is_preferred(void **state) {
  static const struct {
    const char *accept;
    bool is_json;
  } rows[] = {{"text/html", false},
              {"*/*", false},
              {"application/json", true},
              {"application/json, text/html", false},
              {"text/html;q=0.5, application/json", true},
              {"application/*;q=0.9, text/*;q=0.1", true},
              {"text/html, application/json;q=0.9", false},
              {"text/plain", false}};
  struct us_world *w = *state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct us_reply r = us_send(w, "GET", XUI "nothing?realm=/alpha", us_text(w, "Accept: %s", rows[i].accept), NULL);
    if (rows[i].is_json) {
      assert_error(r, 404, "not_found");
      continue;
    }
    assert_page(&r, 404);
  }
  struct us_reply r = us_send(w, "GET", XUI "nothing?realm=/alpha", NULL, NULL);
  assert_page(&r, 404);
  r = us_send(w, "PUT", LOGIN, NULL, NULL);
  assert_page(&r, 405);
  assert_string_equal(us_reply_header(&r, "Allow"), "GET, HEAD, POST");
}

/* SB-20: whoever sees a page, over a shoulder or in a screenshot, has no session. */
static void no_page_holds_a_token(void **state) {
  struct us_world *w = *state;
  struct browser b = new_browser(w);
  assert_answer(log_in_at(&b, LOGIN), 303);
  const struct {
    const char *url;
    int status;
  } pages[] = {{LOGIN, 200},
               {LOGIN "&ForceAuth=true", 200},
               {XUI "logout?realm=/alpha", 200},
               {AUTHORIZE "?" REQUEST_C1, 200},
               {AUTHORIZE "?client_id=nobody", 400},
               {XUI "nothing?realm=/alpha", 404}};
  for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
    struct us_reply r = get(&b, pages[i].url);
    assert_page(&r, pages[i].status);
    assert_null(strstr(r.body, b.session));
    if (b.login_cookie[0] != '\0')
      assert_null(strstr(r.body, b.login_cookie));
  }
}

static enum us_code lose_sessions(struct us_cx *cx, void *self) {
  static const char sql[] = "DROP TABLE session";
  (void)self;
  return us_sql_run(cx, NULL, sql, "");
}

/* HT-24: nobody is let in half, and is told when to come again. */
static void a_store_that_fails_is_an_error_page(void **state) {
  struct us_world *w = *state;
  struct us_cx cx = {.mem = NULL, .svc = us_world_services(w)};
  struct browser b = new_browser(w);
  assert_answer(get(&b, LOGIN), 200);
  const char *token = b.token;
  assert_int_equal(us_db_transact(&cx, us_world_db(w), lose_sessions, NULL), US_OK);
  for (int i = 0; i < 2; i++) {
    b.token = token;
    b.session = i == 0 ? "" : us_text(w, "AAAAAAAAAAA%032d", 0);
    struct us_reply r = type_in(&b, LOGIN, "alice", PASSWORD);
    assert_page(&r, 503);
    assert_string_equal(us_reply_header(&r, "Retry-After"), "1");
    assert_null(us_reply_header(&r, "Set-Cookie"));
    assert_null(strstr(r.body, "session")); /* nor what failed */
  }
}

/* Named by what they hold, so that they may be kept for ever. */
static void assets_may_be_kept(void **state) {
  static const struct {
    const char *link, *type, *has;
  } rows[] = {{"<link rel=\"stylesheet\" href=\"", "text/css;charset=UTF-8", ":focus-visible"},
              {"<link rel=\"icon\" type=\"image/svg+xml\" href=\"", "image/svg+xml", "<svg "}};
  struct us_world *w = *state;
  struct us_reply page = us_send(w, "GET", LOGIN, NULL, NULL);
  for (size_t i = 0; i < 2; i++) {
    const char *at = strstr(page.body, rows[i].link);
    assert_non_null(at);
    at += strlen(rows[i].link);
    const char *url = us_text(w, "%.*s", (int)strcspn(at, "\""), at);
    struct us_reply r = us_send(w, "GET", url, NULL, NULL);
    assert_status(r, 200);
    assert_string_equal(us_reply_header(&r, "Content-Type"), rows[i].type);
    assert_string_equal(us_reply_header(&r, "Cache-Control"), "public, max-age=31536000, immutable");
    assert_string_equal(us_reply_header(&r, "X-Content-Type-Options"), "nosniff");
    assert_non_null(strstr(r.body, rows[i].has));
    assert_null(strstr(r.body, "url("));
    assert_null(strstr(r.body, "<script"));
    const char *tag = us_text(w, "%s", us_reply_header(&r, "ETag"));
    r = us_send(w, "GET", url, us_text(w, "If-None-Match: \"x\", %s", tag), NULL);
    assert_status(r, 304);
    assert_int_equal(r.body_bytes, 0);
    assert_string_equal(us_reply_header(&r, "ETag"), tag);
    r = us_send(w, "GET", url, "If-None-Match: \"x\"", NULL);
    assert_status(r, 200);
    r = us_send(w, "GET", us_text(w, "%sx", url), NULL, NULL);
    assert_page(&r, 404);
  }
}

static void signing_out_is_asked_for_and_needs_the_form(void **state) {
  struct us_world *w = *state;
  struct browser b = new_browser(w);
  assert_answer(log_in_at(&b, LOGIN), 303);
  const char *session = b.session;
  struct us_reply r = get(&b, XUI "logout?realm=/alpha");
  assert_page(&r, 200);
  const char *csrf = hidden(w, &r, "csrf");
  r = post(&b, XUI "logout?realm=/alpha", "csrf=x");
  assert_page(&r, 403);
  r = post(&b, XUI "logout?realm=/alpha", "");
  assert_page(&r, 403);
  r = post(&b, XUI "logout?realm=/alpha", us_text(w, "csrf=%s", csrf_of(w, us_sso(w, "bob"))));
  assert_page(&r, 403);
  assert_answer(us_with_sso(w, "POST", ALPHA_JSON "sessions?_action=getSessionInfo", session, NULL, "{}"), 200);
  r = post(&b, XUI "logout?realm=/alpha&goto=https%3A%2F%2Fevil.example", us_text(w, "csrf=%s", csrf));
  assert_status(r, 303);
  assert_string_equal(us_reply_header(&r, "Location"), "/am/XUI/?realm=/alpha");
  assert_non_null(strstr(us_reply_header(&r, "Set-Cookie"), "Max-Age=0"));
  assert_answer(us_with_sso(w, "POST", ALPHA_JSON "sessions?_action=getSessionInfo", session, NULL, "{}"), 401);
  b.session = "";
  assert_answer(get(&b, XUI "logout?realm=/alpha"), 302); /* there is nobody to sign out */
}

#define REQUEST                                                                                                        \
  "response_type=code&client_id=UMA-Client&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb&scope=openid%20view"
static void what_was_allowed_can_be_taken_back(void **state) {
  struct us_world *w = *state;
  struct browser b = new_browser(w);
  assert_answer(log_in_at(&b, LOGIN), 303);
  const char *code_text = allowed_code(w, b.session, REQUEST);
  struct us_reply r = exchange(w, "UMA-Client", code_text, "http://127.0.0.1:9/cb", NULL);
  assert_status(r, 200);
  const char *access = us_text(w, "%s", us_reply_str(&r, "access_token"));
  r = get(&b, LOGIN);
  assert_page(&r, 200);
  assert_non_null(strstr(r.body, "<h2><bdi>UMA-Client</bdi></h2>"));
  assert_non_null(strstr(r.body, "<li><bdi>view</bdi></li>"));
  const char *csrf = hidden(w, &r, "csrf");
  r = post(&b, XUI "applications?realm=/alpha", "client_id=UMA-Client&csrf=0");
  assert_page(&r, 403);
  assert_true(token_is_live(w, "UMA-Client", access));
  const char *form = us_text(w, "client_id=UMA-Client&csrf=%s", csrf);
  for (int i = 0; i < 2; i++) { /* the second time nothing is left to do */
    r = post(&b, XUI "applications?realm=/alpha", form);
    assert_status(r, 303);
    assert_false(token_is_live(w, "UMA-Client", access));
  }
  r = get(&b, LOGIN);
  assert_null(strstr(r.body, "UMA-Client"));
  b.session = "";
  r = post(&b, XUI "applications?realm=/alpha", form);
  assert_status(r, 303);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(the_page_is_whole_and_strict),
      STORY(a_right_password_opens_a_session),
      STORY(a_planted_session_is_replaced),
      STORY(wrong_is_wrong_and_no_more_is_told),
      STORY(guessing_is_slowed_down),
      STORY(a_form_of_elsewhere_logs_nobody_in),
      STORY(a_form_of_elsewhere_brings_a_new_one),
      STORY(a_form_of_another_site_logs_nobody_in),
      STORY(goto_stays_at_home),
      STORY(the_form_may_lead_to_the_client),
      STORY(a_second_try_may_lead_there_too),
      STORY(forms_may_lead_to_what_the_realm_allows),
      STORY(a_second_factor_is_asked_for_on_a_page_of_its_own),
      STORY(people_of_another_realm_are_strangers),
      STORY(flows_have_names),
      STORY(pages_speak_two_languages),
      STORY(the_language_goes_along),
      STORY(hostile_texts_stay_texts),
      STORY(errors_are_pages_unless_json_is_preferred),
      STORY(no_page_holds_a_token),
      STORY(a_store_that_fails_is_an_error_page),
      STORY(assets_may_be_kept),
      STORY(signing_out_is_asked_for_and_needs_the_form),
      STORY(what_was_allowed_can_be_taken_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
