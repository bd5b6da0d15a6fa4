/*
 * What the claims interaction endpoint refuses, and where the browser is then (protocol contract 7.1, 7.2, Q32): whatever is wrong with
 * the client or its URI is said here, all else is said to the client.
 */
#include "crypto/handle.h"
#include "domain/realm.h"
#include "flow/claims.h"
#include "http/message.h"

#define ENC_BACK "http%3A%2F%2F127.0.0.1%3A9%2Fclaims"

struct page {
  struct us_world *w;
  struct gallery g;
  const char *ticket;
};
static struct page begin(void **state) {
  struct page p = {.w = *state};
  p.g = open_gallery(p.w);
  p.ticket = fresh_ticket(p.w, &p.g);
  return p;
}
/* After whatever was refused: the ticket is as it was, alive and nobody's. */
static void is_untouched(const struct page *p) {
  static const char sql[] = "SELECT COUNT(*) FROM ticket WHERE state = 0 AND client_ref IS NULL AND iteration = 0";
  assert_int_equal(us_count(p->w, sql), 1);
}
/* GET with and without a session, and the form: an error page each time. */
static void is_refused_here(const struct page *p, const char *query) {
  struct us_world *w = p->w;
  assert_error_page(visit(w, p->g.bob, query), 400);
  assert_error_page(visit(w, NULL, query), 400);
  assert_error_page(post_form(w, p->g.bob, us_text(w, "%s&csrf=%s&decision=allow", query, csrf_of(w, p->g.bob))), 400);
  assert_error_page(post_form(w, p->g.bob, us_text(w, "%s&csrf=%s&decision=deny", query, csrf_of(w, p->g.bob))), 400);
}
static void uri_is_refused(const struct page *p, const char *uri) {
  is_refused_here(p, c1_query(p->w, p->ticket, us_text(p->w, "&claims_redirect_uri=%s", us_enc(p->w, uri))));
}

/* UG-56 */
static void a_client_must_be_known(void **state) {
  struct page p = begin(state);
  is_refused_here(&p, us_text(p.w, "ticket=%s&claims_redirect_uri=%s", p.ticket, ENC_BACK));
  is_refused_here(&p, us_text(p.w, "client_id=&ticket=%s&claims_redirect_uri=%s", p.ticket, ENC_BACK));
  is_refused_here(&p, us_text(p.w, "client_id=nobody&ticket=%s&claims_redirect_uri=%s", p.ticket, ENC_BACK));
  is_refused_here(&p, us_text(p.w, "client_id=uma-client&ticket=%s&claims_redirect_uri=%s", p.ticket, ENC_BACK));
  is_untouched(&p);
}
static void switch_client_off(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->is_active = false;
}
static void a_client_that_is_switched_off_is_not_known(void **state) {
  struct page p = begin(state);
  change_client(p.w, C1, switch_client_off);
  is_refused_here(&p, c1_query(p.w, p.ticket, ""));
  is_untouched(&p);
}

/* UG-57, Q32; 7.2 step 1 for the one that is not there at all. */
static void a_ticket_must_be_alive(void **state) {
  struct page p = begin(state);
  struct us_world *w = p.w;
  const char *spent = fresh_ticket(w, &p.g);
  successor(us_grant(w, C1, spent, NULL, NULL), 403, "need_info");
  const char *const bad[] = {"nonsense", spent, us_text(w, "%.37sA", spent), us_sso(w, "bob")};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct us_reply r = visit(w, p.g.bob, c1_query(w, bad[i], "&state=s1"));
    assert_sent_back(w, r, C1_BACK, "invalid_request");
    assert_string_equal(param_of(w, location(r), "state"), "s1");
    assert_sent_back(w, visit(w, NULL, c1_query(w, bad[i], "")), C1_BACK, "invalid_request");
    r = press(w, p.g.bob, bad[i], "allow", NULL);
    assert_sent_back(w, r, C1_BACK, "invalid_request");
    assert_null(param_of(w, location(r), "state"));
    assert_sent_back(w, press(w, p.g.bob, bad[i], "deny", NULL), C1_BACK, "invalid_request");
  }
  is_refused_here(&p, "client_id=" C1);
  is_refused_here(&p, "client_id=" C1 "&ticket=");
}

static enum us_code delete_account(struct us_cx *cx, struct us_account *account) {
  return us_account_delete(cx, account);
}
static void a_ticket_goes_with_its_owner(void **state) {
  struct page p = begin(state);
  change_account(p.w, "alice", delete_account);
  assert_sent_back(p.w, visit(p.w, p.g.bob, c1_query(p.w, p.ticket, "")), C1_BACK, "invalid_request");
}

/* UG-60, UG-62, UG-65, UG-66, UG-67: character by character, and no other kind of URI. */
static void the_uri_is_compared_character_by_character(void **state) {
  struct page p = begin(state);
  static const char *const others[] = {
      "http://127.0.0.1:9/Claims",  "HTTP://127.0.0.1:9/claims",   "http://127.0.0.1:09/claims",
      "http://127.0.0.1:9/claims/", "http://127.0.0.1:9/claim%73", "http://127.0.0.1:9/claims?x",
      "http://127.0.0.1:9/claims?", "http://127.0.0.1:9/claims#x", "http://127.0.0.1:9/claims#",
      "http://127.0.0.1/claims",    "http://127.0.0.1:10/claims",  "http://u@127.0.0.1:9/claims",
      "http://localhost:9/claims",  "http://127.0.0.1:9/./claims", "/claims",
      "//evil.example/claims",      "https://evil.example/",       "javascript:alert(1)",
      " http://127.0.0.1:9/claims", "http://127.0.0.1:9/claims ",  "http://127.0.0.1:9/cb", /* its redirect_uri */
      "http://127.0.0.1:9/claims2",                                                         /* another client's */
  };
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    uri_is_refused(&p, others[i]);
  struct us_reply r =
      visit(p.w, p.g.bob, c1_query(p.w, p.ticket, "&claims_redirect_uri=javascript%3Aalert%28%22%3E%3Cb%3E%29"));
  assert_error_page(r, 400);
  assert_null(strstr(r.body, "\"><b>"));
  is_untouched(&p);
  expect_status(visit(p.w, p.g.bob, c1_query(p.w, p.ticket, "&claims_redirect_uri=" ENC_BACK)), 200);
}

static struct us_strs uris(struct us_cx *cx, const char *words) {
  struct us_strs list = {NULL, 0};
  assert_true(us_str_split(cx->mem, us_str_c(words), ' ', 8, &list));
  return list;
}
static void register_two(struct us_cx *cx, struct us_client *client) {
  client->claims_redirect_uris = uris(cx, "https://c1.example/a https://c1.example/b?q=1%26b&empty=");
}
static void register_none(struct us_cx *cx, struct us_client *client) {
  client->claims_redirect_uris = uris(cx, "");
}

/* UG-58, UG-59, UG-61 */
static void with_two_uris_the_client_says_which(void **state) {
  struct page p = begin(state);
  struct us_world *w = p.w;
  change_client(w, C1, register_two);
  is_refused_here(&p, c1_query(w, p.ticket, ""));
  uri_is_refused(&p, C1_BACK); /* no more */
  is_untouched(&p);
  /* The client's own query is kept byte for byte, for good news and bad. */
  const char *b = "https://c1.example/b?q=1%26b&empty=";
  struct us_reply r =
      visit(w, p.g.bob, c1_query(w, "nonsense", us_text(w, "&state=s&claims_redirect_uri=%s", us_enc(w, b))));
  assert_string_equal(location(r), us_text(w, "%s&error=invalid_request&state=s", b));
  r = press(w, p.g.bob, p.ticket, "allow", us_text(w, "&claims_redirect_uri=%s", us_enc(w, b)));
  const char *url = location(r);
  assert_int_equal(strncmp(url, us_text(w, "%s&ticket=", b), strlen(b) + 8), 0);
  rpt_of(us_grant(w, C1, param_of(w, url, "ticket"), NULL, NULL));
}

static void register_itself(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->registration_digest = US_STR("a digest");
}
/* SB-19: a client that nobody knows could send people anywhere through us by a request that fails. They are shown where, first. */
static void a_client_that_registered_itself_is_not_followed_blindly(void **state) {
  struct page p = begin(state);
  struct us_world *w = p.w;
  change_client(w, C1, register_itself);
  static const char *const flaws[] = {"nonsense&state=s", "nonsense&code_challenge=x"};
  for (size_t i = 0; i < 2; i++) {
    struct us_reply r = visit(w, i == 0 ? p.g.bob : NULL, us_text(w, "client_id=" C1 "&ticket=%s", flaws[i]));
    assert_error_page(r, 400);
    assert_non_null(strstr(r.body, C1_BACK "?error=invalid_request"));
  }
  struct us_reply r = visit(w, p.g.bob, c1_query(w, p.ticket, ""));
  assert_status(r, 200);
  assert_non_null(strstr(r.body, "registered itself"));
  assert_sent_back(w, press(w, p.g.bob, p.ticket, "deny", NULL), C1_BACK, "access_denied"); /* he has seen where */
}

/* UG-63, UG-64 */
static void without_a_registered_uri_there_is_none(void **state) {
  struct page p = begin(state);
  change_client(p.w, C1, register_none);
  change_client(p.w, "Public-Client", register_none);
  is_refused_here(&p, c1_query(p.w, p.ticket, ""));
  uri_is_refused(&p, C1_BACK);
  is_refused_here(&p, us_text(p.w, "client_id=Public-Client&ticket=%s&claims_redirect_uri=%s" WITH_CHALLENGE, p.ticket,
                              us_enc(p.w, PUBLIC_BACK)));
  is_untouched(&p);
}

static enum us_code try_uri(struct us_cx *cx, void *self) {
  const char **uri = self;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  int64_t realm_id = us_snapshot_realm(snapshot, US_STR("/alpha"))->id;
  us_snapshot_unref(snapshot);
  struct us_client client;
  US_TRY(us_client_by_id(cx, realm_id, US_STR(C1), &client));
  struct us_str one = us_str_c(*uri);
  client.claims_redirect_uris = (struct us_strs){&one, 1};
  return us_client_update(cx, &client);
}
/* UG-60, SB-02: nor can such a URI be registered. */
static void a_uri_that_is_none_cannot_be_registered(void **state) {
  struct us_world *w = *state;
  static const char *const bad[] = {"/cb", "//evil", "https://c1.example/claims#x", "javascript:alert(1)",
                                    "http://c1.example/claims"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    const char *uri = bad[i];
    assert_int_not_equal(us_world_transact(w, try_uri, &uri), US_OK);
  }
  const char *good = "https://c1.example/claims?x";
  assert_int_equal(us_world_transact(w, try_uri, &good), US_OK);
}

/* UG-68: the same bytes come back, and only if there were any. */
static void state_comes_back_unchanged(void **state) {
  struct page p = begin(state);
  struct us_world *w = p.w;
  static const char *const states[] = {"a b&c=\xc3\xa9", "%41", "+", "a\nb", "=?#/\\\"'<>", "\xf0\x9f\x8e\x9f"};
  for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
    const char *sent = us_text(w, "&state=%s", us_enc(w, states[i])), *ticket = fresh_ticket(w, &p.g);
    struct us_reply good = press(w, p.g.bob, ticket, "allow", sent), bad = visit(w, p.g.bob, c1_query(w, ticket, sent));
    assert_string_equal(param_of(w, location(good), "state"), states[i]);
    assert_string_equal(param_of(w, location(bad), "state"), states[i]);
    const char *login = location(visit(w, NULL, c1_query(w, fresh_ticket(w, &p.g), sent)));
    assert_string_equal(param_of(w, param_of(w, login, "goto"), "state"), states[i]);
  }
  const char *ticket = fresh_ticket(w, &p.g);
  assert_null(param_of(w, location(press(w, p.g.bob, ticket, "allow", NULL)), "state"));
  assert_null(param_of(w, location(press(w, p.g.bob, ticket, "allow", NULL)), "state"));
}

/* 7.1: the decision is one of two words. */
static void a_form_says_allow_or_deny(void **state) {
  struct page p = begin(state);
  static const char *const none[] = {"", "&decision=", "&decision=Allow", "&decision=yes",
                                     "&decision=allow&decision=deny"};
  for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
    assert_error_page(
        post_form(p.w, p.g.bob,
                  us_text(p.w, "client_id=" C1 "&ticket=%s&csrf=%s%s", p.ticket, csrf_of(p.w, p.g.bob), none[i])),
        400);
  is_untouched(&p);
}

/* 1.3, OA-08: given twice, in the wrong place, in the wrong form, too long. */
static void what_cannot_be_read_is_refused_here(void **state) {
  struct page p = begin(state);
  struct us_world *w = p.w;
  is_refused_here(&p, c1_query(w, p.ticket, "&state=1&state=2"));
  is_refused_here(&p, c1_query(w, p.ticket, "&client_id=" C1));
  is_refused_here(&p, c1_query(w, p.ticket, "&state=%00"));
  is_refused_here(&p, c1_query(w, p.ticket, "&state=%C3"));
  const char *most = us_text(w, "&state=%04096d", 0), *more = us_text(w, "&state=%04097d", 0);
  is_refused_here(&p, c1_query(w, p.ticket, more));
  const char *form = us_text(w, "client_id=" C1 "&csrf=%s&decision=allow&ticket=%s", csrf_of(w, p.g.bob), p.ticket);
  assert_error_page(us_send(w, "POST", us_text(w, CLAIMS "?ticket=%s", p.ticket),
                            us_text(w, FORM_TYPE "\n%s", cookie(w, p.g.bob)), form),
                    400);
  assert_error_page(
      us_send(w, "POST", CLAIMS, us_text(w, "Content-Type: application/json\n%s", cookie(w, p.g.bob)), form), 400);
  is_untouched(&p);
  expect_status(visit(w, p.g.bob, c1_query(w, p.ticket, most)), 200);
}

/* The login page leads back to URLs of 4096 bytes: what is longer is told to the client before the ticket is used. */
static void what_the_login_page_could_not_bring_back_goes_to_the_client(void **state) {
  struct page p = begin(state);
  struct us_world *w = p.w;
  size_t rest = strlen(CLAIMS_URL "?client_id=" C1 "&ticket=&state=") + US_HANDLE_TEXT_BYTES - 1;
  const char *fits = us_text(w, "&state=%0*d", (int)(4096 - rest), 0),
             *more = us_text(w, "&state=%0*d", (int)(4097 - rest), 0);
  assert_sent_back(w, visit(w, NULL, c1_query(w, p.ticket, more)), C1_BACK, "invalid_request");
  is_untouched(&p);
  assert_non_null(param_of(w, location(visit(w, NULL, c1_query(w, p.ticket, fits))), "goto"));
}

/* 7.2 step 1, 1.5: programs are told in their own language. */
static void who_prefers_json_gets_it(void **state) {
  struct page p = begin(state);
  struct us_reply r = us_send(p.w, "GET", CLAIMS "?client_id=nobody", "Accept: application/json", NULL);
  assert_error(r, 400, "invalid_request");
  assert_non_null(strstr(us_reply_header(&r, "Content-Type"), "application/json"));
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  assert_null(us_reply_header(&r, "Location"));
  /* That is for what is said here: what is said to the client goes to the client. */
  r = us_send(p.w, "GET", CLAIMS "?client_id=" C1 "&ticket=nonsense", "Accept: application/json", NULL);
  assert_sent_back(p.w, r, C1_BACK, "invalid_request");
}

/* 7: where the realm does not gather claims interactively there is nothing here, for any method. */
static void it_is_closed_unless_the_realm_opens_it(void **state) {
  struct page p = begin(state);
  struct us_world *w = p.w;
  us_world_set(w, "interactiveClaimsGatheringEnabled", "false");
  static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
    struct us_reply r =
        us_send(w, methods[i], us_text(w, CLAIMS "?%s", c1_query(w, p.ticket, "")), cookie(w, p.g.bob), NULL);
    assert_error(r, 404, "not_found");
  }
  struct us_reply r = us_send(w, "GET", ALPHA_UMA ".well-known/uma2-configuration", NULL, NULL);
  assert_null(json_object_get(r.json, "claims_interaction_endpoint"));
  us_world_set(w, "interactiveClaimsGatheringEnabled", "true"); /* 2.1, contract 13.1 */
  static const char *const places[] = {ALPHA_UMA, ALPHA_OAUTH};
  for (size_t i = 0; i < 2; i++) {
    r = us_send(w, "GET", us_text(w, "%s.well-known/uma2-configuration", places[i]), NULL, NULL);
    assert_string_equal(us_reply_str(&r, "claims_interaction_endpoint"), CLAIMS_URL);
  }
  r = us_send(w, "GET", "/am/uma/realms/root/.well-known/uma2-configuration", NULL, NULL);
  assert_null(json_object_get(r.json, "claims_interaction_endpoint")); /* another realm */
  is_untouched(&p);
}

static void other_methods_are_not_allowed(void **state) {
  struct page p = begin(state);
  static const char *const methods[] = {"PUT", "DELETE", "PATCH"};
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
    struct us_reply r = us_send(p.w, methods[i], CLAIMS, cookie(p.w, p.g.bob), NULL);
    assert_status(r, 405);
    assert_string_equal(us_reply_header(&r, "Allow"), "GET, HEAD, POST");
  }
}

/* SB-10 */
static void other_sites_read_nothing(void **state) {
  struct page p = begin(state);
  struct us_reply r = us_send(p.w, "GET", us_text(p.w, CLAIMS "?%s", c1_query(p.w, p.ticket, "")),
                              us_text(p.w, "Origin: https://evil.example\n%s", cookie(p.w, p.g.bob)), NULL);
  assert_status(r, 200);
  for (size_t i = 0; i < r.response->header_count; i++)
    assert_int_not_equal(strncasecmp(r.response->headers[i].name.p, "Access-Control", 14), 0);
}

/* The top realm gathers claims too, and has a client of the same name. */
static enum us_code open_top(struct us_cx *cx, void *self) {
  (void)self;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *top = us_snapshot_realm(snapshot, US_STR("/"));
  struct us_client client = {
      .client_id = US_STR(C1), .is_public = true, .is_active = true, .auth_method = US_STR("none")};
  int64_t ref;
  client.claims_redirect_uris = uris(cx, C1_BACK);
  enum us_code code = us_setting_set(cx, top, US_STR("interactiveClaimsGatheringEnabled"), US_STR("true"));
  if (code == US_OK)
    code = us_client_create(cx, top->id, &client, &ref);
  us_snapshot_unref(snapshot);
  return code;
}
static void a_ticket_means_nothing_in_another_realm(void **state) {
  struct page p = begin(state);
  struct us_world *w = p.w;
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, open_top, NULL), US_OK);
  const char *rpt = rpt_of(us_grant(w, C1, gathered(w, p.g.bob, p.ticket, NULL), NULL, NULL));
  const char *const tickets[] = {p.ticket, fresh_ticket(w, &p.g)}, *admin = us_sso(w, "amAdmin");
  for (size_t i = 0; i < 2; i++) {
    const char *target = us_text(w, "/am/uma/realms/root/claims_gathering?%s", c1_query(w, tickets[i], WITH_CHALLENGE));
    assert_sent_back(w, us_send(w, "GET", target, cookie(w, admin), NULL), C1_BACK, "invalid_request");
    assert_sent_back(w, us_send(w, "GET", target, cookie(w, p.g.bob), NULL), C1_BACK, "invalid_request");
  }
  assert_holds(w, p.g.pat, rpt, "%s:view", p.g.album); /* that was no replay */
  expect_status(visit(w, p.g.bob, c1_query(w, tickets[1], "")), 200);
}

/* 1.1: every way to write the realm. */
static void the_realm_may_be_written_in_any_form(void **state) {
  struct page p = begin(state);
  static const char *const forms[] = {"/am/uma/alpha/claims_gathering?", "/am/uma/claims_gathering?realm=/alpha&",
                                      "/am/uma/realms/root/realms/alpha/claims_gathering/?"};
  for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
    expect_status(
        us_send(p.w, "GET", us_text(p.w, "%s%s", forms[i], c1_query(p.w, p.ticket, "")), cookie(p.w, p.g.bob), NULL),
        200);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_client_must_be_known),
      STORY(a_client_that_is_switched_off_is_not_known),
      STORY(a_ticket_must_be_alive),
      STORY(a_ticket_goes_with_its_owner),
      STORY(the_uri_is_compared_character_by_character),
      STORY(with_two_uris_the_client_says_which),
      STORY(a_client_that_registered_itself_is_not_followed_blindly),
      STORY(without_a_registered_uri_there_is_none),
      STORY(a_uri_that_is_none_cannot_be_registered),
      STORY(state_comes_back_unchanged),
      STORY(a_form_says_allow_or_deny),
      STORY(what_cannot_be_read_is_refused_here),
      STORY(what_the_login_page_could_not_bring_back_goes_to_the_client),
      STORY(who_prefers_json_gets_it),
      STORY(it_is_closed_unless_the_realm_opens_it),
      STORY(other_methods_are_not_allowed),
      STORY(other_sites_read_nothing),
      STORY(a_ticket_means_nothing_in_another_realm),
      STORY(the_realm_may_be_written_in_any_form),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
