/* The authorization endpoint (protocol contract 3.2): in which order a request is judged, and where a browser is sent, or not. */
#include "flow/authorize.h"
#include "flow/people.h"

static void replace_uris(struct us_cx *cx, struct us_client *client, const char *text) {
  client->redirect_uris = words(cx->mem, text);
}
static void two_uris(struct us_cx *cx, struct us_client *client) {
  replace_uris(cx, client, "http://127.0.0.1:9/cb https://c.test/cb");
}
static void https_uri(struct us_cx *cx, struct us_client *client) {
  replace_uris(cx, client, "https://c.test/cb");
}
static void loopback_uris(struct us_cx *cx, struct us_client *client) {
  replace_uris(cx, client, "http://127.0.0.1/cb http://[::1]:7/cb http://localhost:9/cb http://127.0.0.1/q?x=1");
}
static void no_uri(struct us_cx *cx, struct us_client *client) {
  replace_uris(cx, client, "");
}
static void uri_with_query(struct us_cx *cx, struct us_client *client) {
  replace_uris(cx, client, "https://c.test/cb?tenant=a%20b");
}
static void switch_off(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->is_active = false;
}
static void no_code_grant(struct us_cx *cx, struct us_client *client) {
  client->grants = words(cx->mem, "password");
}

/* OA-02: the endpoint authenticates the owner itself. */
static void nobody_is_sent_to_the_login_page(void **state) {
  struct us_world *w = *state;
  struct us_reply r = visit(w, NULL, REQUEST_C1 "&nonce=n%20%26&login_hint=alice&ui_locales=de");
  assert_int_equal(r.status, 302);
  const char *back = assert_login(w, r);
  assert_string_equal(param_of(w, back, "client_id"), C1);
  assert_string_equal(param_of(w, back, "redirect_uri"), C1_BACK);
  assert_string_equal(param_of(w, back, "state"), "s-1");
  assert_string_equal(param_of(w, back, "nonce"), "n &");
  assert_string_equal(param_of(w, back, "login_hint"), "alice");
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  assert_string_equal(us_reply_header(&r, "Referrer-Policy"), "no-referrer");
  r = visit_url(w, us_sso(w, "alice"), back); /* and comes back to what was asked */
  assert_status(r, 200);
  assert_non_null(strstr(r.body, "UMA-Client"));
}

static void a_posted_request_comes_back_as_a_get(void **state) {
  struct us_world *w = *state;
  struct us_reply r = submit(w, NULL, REQUEST_C1, "&decision=allow&csrf=x&save_consent=on");
  assert_int_equal(r.status, 302);
  const char *back = assert_login(w, r);
  assert_null(param_of(w, back, "decision"));
  assert_null(param_of(w, back, "csrf"));
  assert_null(param_of(w, back, "save_consent"));
  expect_status(visit_url(w, us_sso(w, "alice"), back), 200);
}

static void a_dead_session_is_none(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  expect_status(visit(w, alice, REQUEST_C1), 200);
  assert_login(w, visit(w, us_text(w, "%.20s%c%s", alice, alice[20] == 'A' ? 'B' : 'A', alice + 21), REQUEST_C1));
  us_world_advance_ms(w, 1800 * 1000);
  assert_login(w, visit(w, alice, REQUEST_C1));
}

/* Somebody of another realm, its administrator too, is nobody here; and is asked who else he is. */
static void people_of_another_realm_are_nobody(void **state) {
  struct us_world *w = *state;
  add_realm(w, "/beta");
  add_person(w, "/beta", "alice", false);
  const char *strangers[] = {sso_in(w, "/beta", "alice"), us_sso(w, "amAdmin")};
  for (size_t i = 0; i < 2; i++) {
    struct us_reply r = visit(w, strangers[i], REQUEST_C1);
    assert_login(w, r);
    assert_string_equal(param_of(w, us_reply_header(&r, "Location"), "ForceAuth"), "true");
    assert_sent_error(w, visit(w, strangers[i], REQUEST_C1 "&prompt=none"), C1_BACK, "login_required");
    assert_login(w, decide(w, strangers[i], REQUEST_C1, "allow"));
  }
}

/* A client of one realm is unknown in the other, and so is its redirection URI. */
static void clients_belong_to_their_realm(void **state) {
  struct us_world *w = *state;
  add_realm(w, "/beta");
  add_person(w, "/beta", "alice", false);
  const char *alice = sso_in(w, "/beta", "alice");
  assert_page_error(
      us_send(w, "GET", "/am/oauth2/realms/root/realms/beta/authorize?" REQUEST_C1, as_browser(w, alice), NULL), 400);
}

/* OA-11: an error page, never a redirect; with and without a session, by GET and POST. */
static void a_bad_client_is_sent_nowhere(void **state) {
  struct us_world *w = *state;
  static const char *const flaws[] = {
      "client_id=nobody&redirect_uri=http://127.0.0.1:9/cb",
      "redirect_uri=http://127.0.0.1:9/cb",
      "client_id=&redirect_uri=http://127.0.0.1:9/cb",
      "client_id=uma-client&redirect_uri=http://127.0.0.1:9/cb",
      "client_id=" C2 "&redirect_uri=http://127.0.0.1:9/cb",
      "client_id=" C1 "&client_id=" C1 "&redirect_uri=http://127.0.0.1:9/cb",
      "client_id=" C1 "&redirect_uri=http://127.0.0.1:9/cb&redirect_uri=http://127.0.0.1:9/cb",
  };
  const char *alice = us_sso(w, "alice"), *who[] = {NULL, alice};
  for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
    for (size_t k = 0; k < 2; k++) {
      const char *request = us_text(w, "response_type=code&scope=openid&state=x&%s", flaws[i]);
      assert_page_error(visit(w, who[k], request), 400);
      assert_page_error(visit(w, who[k], us_text(w, "%s&prompt=none", request)), 400);
      assert_page_error(submit(w, who[k], request, "&decision=allow"), 400);
    }
  }
  change_client(w, C1, switch_off);
  assert_page_error(visit(w, alice, REQUEST_C1), 400);
  delete_client(w, C1);
  assert_page_error(visit(w, alice, REQUEST_C1), 400);
}

/* SB-01 */
static void redirection_uris_are_compared_to_the_letter(void **state) {
  struct us_world *w = *state;
  static const char *const tricks[] = {
      "https://c.test/cb/",
      "https://c.test/cb?",
      "https://c.test/cb?x=1",
      "https://c.test/cb%2F",
      "https://c.test/CB",
      "https://C.test/cb",
      "HTTPS://c.test/cb",
      "https://c.test:443/cb",
      "https://c.test./cb",
      "https://u@c.test/cb",
      "https://c.test@evil/cb",
      "https://c.test.evil/cb",
      "https://evil/https://c.test/cb",
      "https://c.test/cb#",
      "https://c.test/cb#x",
      "https://c.test/./cb",
      "https://c.test//cb",
      "https://c.test\\cb",
      " https://c.test/cb",
      "https://c.test/cb ",
      "https://c.test/cb\n",
      "https://c.test/c",
      "https://c.test",
      "//c.test/cb",
      "/cb",
      "javascript:alert(1)",
      "http://c.test/cb",
      "https://c.test/%63b",
      "https://c.test/cb;x",
      "https://c.test/cb\xc3\xa4",
      "data:text/html,x",
      "https://c.test/cb/../cb",
  };
  change_client(w, C1, https_uri);
  const char *alice = us_sso(w, "alice");
  const char *request = "response_type=code&scope=openid&client_id=" C1;
  expect_status(visit(w, alice, us_text(w, "%s&redirect_uri=%s", request, us_enc(w, "https://c.test/cb"))), 200);
  for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
    assert_page_error(visit(w, alice, us_text(w, "%s&redirect_uri=%s", request, us_enc(w, tricks[i]))), 400);
    assert_page_error(visit(w, NULL, us_text(w, "%s&redirect_uri=%s", request, us_enc(w, tricks[i]))), 400);
  }
}

/* SB-01, RFC 8252 7.3, docs/adr/0021: the port of a loopback address, and nothing else of it. */
static void the_port_of_a_loopback_address_is_free(void **state) {
  struct us_world *w = *state;
  static const char *const good[] = {
      "http://127.0.0.1/cb",       "http://127.0.0.1:49152/cb", "http://127.0.0.1:1/cb",
      "http://127.0.0.1:65535/cb", "http://[::1]:7/cb",         "http://[::1]:49152/cb",
      "http://[::1]/cb",           "http://localhost:9/cb",     "http://127.0.0.1:8/q?x=1",
  };
  static const char *const bad[] = {
      "http://127.0.0.1:0/cb",      "http://127.0.0.1:65536/cb",
      "http://127.0.0.1:/cb",       "http://127.0.0.1:+1/cb",
      "http://127.0.0.1:123456/cb", "http://127.0.0.1:1/cb/",
      "http://127.0.0.1:1/CB",      "http://127.0.0.1:1/cb?x",
      "http://127.0.0.2:1/cb",      "http://127.0.0.11/cb",
      "http://127.0.0.1.evil:1/cb", "http://127.0.0.1:1@evil/cb",
      "http://127.0.0.1@evil/cb",   "http://u@127.0.0.1:1/cb",
      "http://127.0.0.1:1:2/cb",    "http://[::1]:1/q?x=1",
      "http://[::2]:1/cb",          "http://[0:0:0:0:0:0:0:1]/cb",
      "https://127.0.0.1:1/cb",     "HTTP://127.0.0.1:1/cb",
      "http://localhost:10/cb",     "http://localhost/cb",
      "http://LOCALHOST:9/cb",      "http://127.1:9/cb",
      "http://2130706433:9/cb",     "http://127.0.0.1:9\\@evil/cb",
      "http://127.0.0.1:1 /cb",     "http://[::1]",
  };
  change_client(w, C1, loopback_uris);
  const char *alice = us_sso(w, "alice");
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    const char *request =
        us_text(w, "response_type=code&scope=openid&state=s&client_id=" C1 "&redirect_uri=%s", us_enc(w, good[i]));
    struct us_reply r = decide(w, alice, request, "allow"); /* to the very URI that was asked for */
    const char *location = assert_sent(w, r, good[i]);
    struct us_reply tokens = exchange(w, C1, param_of(w, location, "code"), good[i], NULL);
    assert_status(tokens, 200);
  }
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_page_error(
        visit(w, alice,
              us_text(w, "response_type=code&scope=openid&client_id=" C1 "&redirect_uri=%s", us_enc(w, bad[i]))),
        400);
}

/* OA-12 */
static void several_registered_uris_must_be_told_apart(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  const char *bare = "response_type=code&scope=openid&client_id=" C1;
  assert_sent(w, decide(w, alice, bare, "allow"), C1_BACK);
  change_client(w, C1, two_uris);
  assert_page_error(visit(w, alice, bare), 400);
  assert_page_error(visit(w, alice, us_text(w, "%s&redirect_uri=", bare)), 400);
  assert_sent(w, decide(w, alice, us_text(w, "%s&redirect_uri=https://c.test/cb", bare), "allow"), "https://c.test/cb");
  change_client(w, C1, no_uri);
  assert_page_error(visit(w, alice, bare), 400);
}

static void the_clients_own_query_is_kept(void **state) {
  struct us_world *w = *state;
  change_client(w, C1, uri_with_query);
  struct us_reply r = decide(w, us_sso(w, "alice"), "response_type=code&scope=openid&state=s&client_id=" C1, "allow");
  const char *location = assert_sent(w, r, "https://c.test/cb?tenant=a%20b");
  assert_string_equal(param_of(w, location, "tenant"), "a b");
  assert_non_null(param_of(w, location, "code"));
}

/* OA-13, SB-04, SB-05: everything else goes to the client, with state and iss; but first there must be somebody (SB-19). */
static void other_mistakes_are_told_to_the_client(void **state) {
  struct us_world *w = *state;
  static const struct {
    const char *change; /* replaces or adds */
    const char *error;
  } flaws[] = {
      {"client_id=" C1 "&scope=openid", "invalid_request"}, /* no response_type */
      {"client_id=" C1 "&scope=openid&response_type=token", "unsupported_response_type"},
      {"client_id=" C1 "&scope=openid&response_type=id_token", "unsupported_response_type"},
      {"client_id=" C1 "&scope=openid&response_type=code%20id_token", "unsupported_response_type"},
      {"client_id=" C1 "&scope=openid&response_type=Code", "unsupported_response_type"},
      {"client_id=" C1 "&scope=openid&response_type=code&response_mode=fragment", "invalid_request"},
      {"client_id=" C1 "&scope=openid&response_type=code&response_mode=form_post", "invalid_request"},
      {"client_id=" C1 "&scope=fly&response_type=code", "invalid_scope"},
      {"client_id=" C1 "&scope=openid%20fly&response_type=code", "invalid_scope"},
      {"client_id=" C1 "&scope=a%22b&response_type=code", "invalid_scope"},
      {"client_id=" C1 "&scope=a%0Ab&response_type=code", "invalid_scope"},
      {"client_id=" C1 "&response_type=code", "invalid_scope"}, /* none asked for and no defaults */
      {"client_id=" C1 "&scope=openid&response_type=code&request=e30", "request_not_supported"},
      {"client_id=" C1 "&scope=openid&request=e30", "request_not_supported"}, /* where response_type would stand */
      {"client_id=" C1 "&scope=openid&response_type=code&request_uri=https%3A%2F%2Fc.test%2Fr",
       "request_uri_not_supported"},
      {"client_id=" C1 "&scope=openid&response_type=code&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax",
       "request_uri_not_supported"},
      {"client_id=" C1 "&scope=openid&response_type=code&registration=%7B%7D", "registration_not_supported"},
      {"client_id=" C1 "&scope=openid&response_type=code&prompt=none%20login", "invalid_request"},
      {"client_id=" C1 "&scope=openid&response_type=code&prompt=dance", "invalid_request"},
      {"client_id=" C1 "&scope=openid&response_type=code&max_age=-1", "invalid_request"},
      {"client_id=" C1 "&scope=openid&response_type=code&max_age=soon", "invalid_request"},
      {"client_id=" C1 "&scope=openid&response_type=code&max_age=99999999999999999999", "invalid_request"},
      {"client_id=" C1 "&scope=openid&response_type=code&code_challenge_method=S256", "invalid_request"},
      {"client_id=" C1 "&scope=openid&response_type=code&code_challenge=short&code_challenge_method=S256",
       "invalid_request"},
      {"client_id=" C1 "&scope=openid&response_type=code&code_challenge=" CHALLENGE, "invalid_request"},
  };
  const char *alice = us_sso(w, "alice");
  for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
    const char *request = us_text(w, "%s&redirect_uri=%s&state=s%%20%%26", flaws[i].change, us_enc(w, C1_BACK));
    const char *location = assert_sent_error(w, visit(w, alice, request), C1_BACK, flaws[i].error);
    assert_string_equal(param_of(w, location, "state"), "s &");
    const char *text = param_of(w, location, "error_description");
    assert_non_null(text);
    for (const char *c = text; *c; c++) /* OA-24 */
      assert_true(*c >= 0x20 && *c <= 0x7e && *c != '"' && *c != '\\');
    assert_sent_error(w, decide(w, alice, request, "allow"), C1_BACK, flaws[i].error); /* allowed is not asked for */
    if (strstr(request, "prompt=none") == NULL)
      assert_sent_error(w, visit_url(w, alice, assert_login(w, visit(w, NULL, request))), C1_BACK, flaws[i].error);
  }
  change_client(w, C1, no_code_grant);
  assert_sent_error(w, visit(w, alice, REQUEST_C1), C1_BACK, "unauthorized_client");
}

/* OA-14 */
static void state_comes_back_as_it_was(void **state) {
  struct us_world *w = *state;
  static const char *const states[] = {"a+b c&d=e%20", "\xc3\xa4\xe2\x82\xac", "<script>\"'", "{\"k\":[1]}",
                                       "\r\nX: y"};
  const char *alice = us_sso(w, "alice");
  for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
    const char *request = us_text(w, "response_type=code&scope=openid&client_id=" C1 "&state=%s", us_enc(w, states[i]));
    struct us_reply r = decide(w, alice, request, "allow");
    assert_string_equal(param_of(w, assert_sent(w, r, C1_BACK), "state"), states[i]);
    r = decide(w, alice, request, "deny");
    assert_string_equal(param_of(w, assert_sent_error(w, r, C1_BACK, "access_denied"), "state"), states[i]);
  }
  const char *bare = "response_type=code&scope=openid&client_id=" C1;
  assert_null(param_of(w, assert_sent(w, decide(w, alice, bare, "allow"), C1_BACK), "state"));
}

static void parameters_have_longest_lengths(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  const struct {
    const char *name;
    int max;
  } limits[] = {{"state", 4096}, {"nonce", 1024}};
  for (size_t i = 0; i < 2; i++) {
    const char *request =
        us_text(w, "response_type=code&scope=openid&client_id=" C1 "&%s=%0*d", limits[i].name, limits[i].max, 0);
    expect_status(submit(w, alice, request, ""), 200);
    assert_sent_error(w, submit(w, alice, us_text(w, "%s0", request), ""), C1_BACK, "invalid_request");
  }
  /* What does not fit into a goto cannot be come back to. */
  assert_page_error(visit(w, NULL, us_text(w, REQUEST_C1 "&ui_locales=%05000d", 0)), 400);
}

/* OA-04, OA-08: parameters of a form stand in the form. */
static void parameters_stand_in_one_place_once(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  static const char *const twice[] = {"scope=openid", "state=s-1", "response_type=code", "nonce=a&nonce=b", "x=1&x=1"};
  for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
    assert_page_error(visit(w, alice, us_text(w, REQUEST_C1 "&%s", twice[i])), 400);
    assert_page_error(submit(w, alice, REQUEST_C1, us_text(w, "&%s", twice[i])), 400);
  }
  struct us_reply r = us_send(w, "POST", AUTHORIZE "?state=s-1", us_text(w, FORM_TYPE "\n%s", as_browser(w, alice)),
                              us_text(w, REQUEST_C1 "&decision=allow&csrf=%s", csrf_of(w, alice)));
  assert_page_error(r, 400);
  assert_page_error(visit(w, alice, REQUEST_C1 "&nonce=%C3"), 400);
  assert_page_error(visit(w, alice, REQUEST_C1 "&nonce=%00"), 400);
}

/* PK-02, PK-05 */
static void public_clients_bring_a_challenge(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  const char *bare = "response_type=code&client_id=" P1 "&scope=openid&state=s";
  const char *location = assert_sent_error(w, visit(w, alice, bare), P1_BACK, "invalid_request");
  assert_string_equal(param_of(w, location, "error_description"), "Missing parameter, 'code_challenge'");
  assert_sent_error(w, decide(w, alice, bare, "allow"), P1_BACK, "invalid_request");
  assert_sent(w, decide(w, alice, REQUEST_P1, "allow"), P1_BACK);
  const char *plain = us_text(w, "%s&code_challenge=" VERIFIER, bare);
  assert_sent_error(w, visit(w, alice, plain), P1_BACK, "invalid_request");
  assert_sent_error(w, visit(w, alice, us_text(w, "%s&code_challenge_method=plain", plain)), P1_BACK,
                    "invalid_request");
  assert_sent_error(w, visit(w, alice, us_text(w, "%s&code_challenge_method=S512", plain)), P1_BACK, "invalid_request");
  us_world_set(w, "allowPlainPkce", "true");
  assert_sent(w, decide(w, alice, plain, "allow"), P1_BACK);
  us_world_set(w, "codeVerifierEnforced", "false");
  assert_sent(w, decide(w, alice, bare, "allow"), P1_BACK);
  us_world_set(w, "codeVerifierEnforced", "passwordless");
  assert_sent_error(w, visit(w, alice, bare), P1_BACK, "invalid_request");
  assert_sent(w, decide(w, alice, REQUEST_C1, "allow"), C1_BACK);
  us_world_set(w, "codeVerifierEnforced", "true");
  assert_sent_error(w, visit(w, alice, REQUEST_C1), C1_BACK, "invalid_request");
}

/* What the product's clients do: the session in a header, its token as csrf (contract 3.2). */
static void clients_of_the_product_post_with_a_header(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  const char *headers = us_text(w, FORM_TYPE "\niPlanetDirectoryPro: %s\nAccept-API-Version: protocol=1.0", alice);
  struct us_reply r = us_send(w, "POST", AUTHORIZE, headers,
                              us_text(w, REQUEST_C1 "&decision=allow&csrf=%s&service=ldapService", alice));
  assert_int_equal(r.status, 302);
  const char *location = assert_sent(w, r, C1_BACK);
  assert_string_equal(param_of(w, location, "iss"), ALPHA_ISSUER);
  assert_string_equal(param_of(w, location, "client_id"), C1);
  assert_string_equal(param_of(w, location, "state"), "s-1");
  expect_status(exchange(w, C1, param_of(w, location, "code"), C1_BACK, NULL), 200);
}

/* Realm forms as everywhere (contract 1.1). */
static void realms_are_written_as_everywhere(void **state) {
  struct us_world *w = *state;
  static const char *const forms[] = {"/am/oauth2/alpha/authorize?", "/am/oauth2/authorize?realm=/alpha&",
                                      "/am/oauth2/realms/ROOT/realms/alpha/authorize/?"};
  const char *alice = us_sso(w, "alice");
  for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
    expect_status(us_send(w, "GET", us_text(w, "%s" REQUEST_C1, forms[i]), as_browser(w, alice), NULL), 200);
    assert_login(w, us_send(w, "GET", us_text(w, "%s" REQUEST_C1, forms[i]), NULL, NULL)); /* canonical by then */
  }
  struct us_reply r = us_send(w, "GET", "/am/oauth2/realms/root/realms/nope/authorize?" REQUEST_C1, NULL, NULL);
  assert_status(r, 404);
}

/* SB-10, RFC 9700 2.6 */
static void other_origins_learn_nothing(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  struct us_reply r = us_send(w, "GET", AUTHORIZE "?" REQUEST_C1,
                              us_text(w, "Origin: https://evil.test\n%s", as_browser(w, alice)), NULL);
  assert_status(r, 200);
  assert_null(us_reply_header(&r, "Access-Control-Allow-Origin"));
  assert_non_null(strstr(us_reply_header(&r, "Content-Security-Policy"), "frame-ancestors 'none'"));
  assert_string_equal(us_reply_header(&r, "X-Frame-Options"), "DENY");
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
}

/* What is not built is refused, and not half understood. */
static void what_is_not_built_is_refused(void **state) {
  struct us_world *w = *state;
  static const char *const places[] = {"par", "device/code", "device_authorization", "bc-authorize",
                                       "connect/checkSession"};
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
    expect_status(send_form(w, us_text(w, ALPHA_OAUTH "%s", places[i]), NULL, "client_id=" C1), 404);
  static const char *const grants[] = {"urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code",
                                       "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange",
                                       "urn%3Aopenid%3Aparams%3Agrant-type%3Aciba",
                                       "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer", "implicit"};
  for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++)
    expect_error(token(w, C1, us_text(w, "grant_type=%s", grants[i])), 400, "unsupported_grant_type");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(nobody_is_sent_to_the_login_page),
      STORY(a_posted_request_comes_back_as_a_get),
      STORY(a_dead_session_is_none),
      STORY(people_of_another_realm_are_nobody),
      STORY(clients_belong_to_their_realm),
      STORY(a_bad_client_is_sent_nowhere),
      STORY(redirection_uris_are_compared_to_the_letter),
      STORY(the_port_of_a_loopback_address_is_free),
      STORY(several_registered_uris_must_be_told_apart),
      STORY(the_clients_own_query_is_kept),
      STORY(other_mistakes_are_told_to_the_client),
      STORY(state_comes_back_as_it_was),
      STORY(parameters_have_longest_lengths),
      STORY(parameters_stand_in_one_place_once),
      STORY(public_clients_bring_a_challenge),
      STORY(clients_of_the_product_post_with_a_header),
      STORY(realms_are_written_as_everywhere),
      STORY(other_origins_learn_nothing),
      STORY(what_is_not_built_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
