/* What a person is asked, what is remembered of it, and how it is taken back (protocol contract 3.2; SB-19, SB-20, UF-10). */
#include "flow/authorize.h"
#include "flow/people.h"

#include "domain/cascade.h"
#include "domain/consent.h"

#define WIDE_C1                                                                                                        \
  "response_type=code&client_id=" C1 "&redirect_uri=" C1_BACK "&scope=openid%20profile%20email%20view&state=s"
#define PAT_RS1 "response_type=code&client_id=" RS1 "&redirect_uri=" RS1_BACK "&scope=uma_protection&state=s"

static bool page_has(struct us_reply r, const char *text) {
  return strstr(r.body, text) != NULL;
}

/* The page waits for the person, and says who, what, as whom and where to. */
static void the_page_names_what_is_asked(void **state) {
  struct us_world *w = *state;
  struct us_reply r = visit(w, us_sso(w, "alice"), WIDE_C1);
  assert_status(r, 200);
  assert_null(us_reply_header(&r, "Location"));
  assert_true(page_has(r, "UMA-Client"));
  assert_true(page_has(r, "alice"));
  assert_true(page_has(r, "your user name (openid)"));
  assert_true(page_has(r, "(profile)"));
  assert_true(page_has(r, "your e-mail address (email)"));
  assert_true(page_has(r, "<bdi>view</bdi>")); /* whose meaning we do not know */
  assert_true(page_has(r, "http://127.0.0.1:9"));
  assert_true(page_has(r, "save_consent"));
  assert_true(page_has(r, "ForceAuth=true")); /* another account */
  r = visit(w, us_sso(w, "alice"), PAT_RS1);
  assert_true(page_has(r, RS1));
  assert_true(page_has(r, "uma_protection"));
}

/* The fields of the page's form as a browser sends them: names and values, entities undone. */
static const char *form_of(struct us_world *w, struct us_reply page) {
  static const struct {
    const char *entity, *text;
  } entities[] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}};
  const char *form = "";
  for (const char *at = page.body; (at = strstr(at, "<input type=\"hidden\" name=\"")) != NULL;) {
    at += strlen("<input type=\"hidden\" name=\"");
    const char *name = us_text(w, "%.*s", (int)strcspn(at, "\""), at), *value = "";
    at = strstr(at, "value=\"") + strlen("value=\"");
    while (*at != '"') {
      const char *text = NULL;
      for (size_t i = 0; i < 5 && text == NULL; i++) {
        size_t n = strlen(entities[i].entity);
        if (strncmp(at, entities[i].entity, n) == 0) {
          text = entities[i].text;
          at += n;
        }
      }
      value = text ? us_text(w, "%s%s", value, text) : us_text(w, "%s%c", value, *at++);
    }
    form = us_text(w, "%s%s%s=%s", form, form[0] ? "&" : "", us_enc(w, name), us_enc(w, value));
  }
  return form;
}

/* What the page holds is all that a browser needs to send. */
static void the_form_of_the_page_does_it(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice"), *odd = "a+b \"<&'>\xc3\xa4";
  const char *request = us_text(w,
                                "response_type=code&client_id=" P1 "&redirect_uri=" P1_BACK
                                "&scope=openid%%20view&nonce=%s&state=%s" WITH_CHALLENGE,
                                us_enc(w, odd), us_enc(w, odd));
  struct us_reply r = visit(w, alice, request);
  assert_status(r, 200);
  assert_true(page_has(r, "<form method=\"post\" action=\"" AUTHORIZE "\""));
  assert_true(page_has(r, "name=\"decision\" value=\"allow\""));
  assert_non_null(strstr(us_reply_header(&r, "Content-Security-Policy"), "form-action 'self' http://127.0.0.1:9"));
  const char *form = form_of(w, r);
  r = submit(w, alice, form, "&decision=allow");
  const char *location = assert_sent(w, r, P1_BACK);
  assert_string_equal(param_of(w, location, "state"), odd);
  r = exchange_public(w, param_of(w, location, "code"), VERIFIER);
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "scope"), "openid view");
  assert_sent_error(w, submit(w, alice, form, "&decision=deny"), P1_BACK, "access_denied");
}

static void rename_client(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->display_name = US_STR("<b>Bank</b>");
}

static void nothing_from_outside_becomes_markup(void **state) {
  struct us_world *w = *state;
  change_client(w, C1, rename_client);
  struct us_reply r = visit(w, us_sso(w, "alice"),
                            us_text(w, "response_type=code&client_id=" C1 "&scope=openid&state=%s&nonce=%s",
                                    us_enc(w, "\"><script>x</script>"), us_enc(w, "'><img src=x>")));
  assert_status(r, 200);
  assert_false(page_has(r, "<script"));
  assert_false(page_has(r, "<img src=x"));
  assert_false(page_has(r, "<b>Bank"));
  assert_true(page_has(r, "&lt;b&gt;Bank&lt;/b&gt; (UMA-Client)"));
}

static void the_page_speaks_german(void **state) {
  struct us_world *w = *state;
  struct us_reply r = visit(w, us_sso(w, "alice"), WIDE_C1 "&ui_locales=de");
  assert_true(page_has(r, "Zugriff erlauben?"));
  assert_true(page_has(r, "name=\"ui_locales\" value=\"de\""));
}

/* SB-20: missing, wrong, another session's, that of before. */
static void only_our_own_form_decides(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice"), *other = us_sso(w, "alice"), *bob = us_sso(w, "bob");
  const char *wrong[] = {"",
                         "&csrf=",
                         "&csrf=x",
                         us_text(w, "&csrf=%s", csrf_of(w, bob)),
                         us_text(w, "&csrf=%s", csrf_of(w, other)),
                         us_text(w, "&csrf=%.63s", csrf_of(w, alice)),
                         us_text(w, "&csrf=%s0", csrf_of(w, alice)),
                         us_text(w, "&csrf=%s", bob)};
  static const char *const decisions[] = {"&decision=allow", "&decision=deny"};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    for (size_t k = 0; k < 2; k++)
      assert_page_error(submit(w, alice, REQUEST_C1, us_text(w, "%s%s", wrong[i], decisions[k])), 400);
  }
  assert_page_error(decide(w, alice, REQUEST_C1, "maybe"), 400);
  assert_page_error(decide(w, alice, REQUEST_C1, "Allow"), 400);
  expect_status(visit(w, alice, us_text(w, REQUEST_C1 "&decision=allow&csrf=%s", csrf_of(w, alice))), 200); /* no GET */
  expect_status(submit(w, alice, REQUEST_C1, ""), 200); /* no decision */
  assert_sent(w, decide(w, alice, REQUEST_C1, "allow"), C1_BACK);
}

/* What was on the page is judged again when the form comes. */
static void a_form_is_judged_anew(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  assert_sent_error(w, decide(w, alice, "response_type=code&client_id=" C1 "&scope=uma_protection", "allow"), C1_BACK,
                    "invalid_scope");
  assert_page_error(
      decide(w, alice, "response_type=code&client_id=" C1 "&scope=openid&redirect_uri=https://evil.test/", "allow"),
      400);
  assert_page_error(decide(w, alice, "response_type=code&client_id=" C2 "&scope=openid&redirect_uri=" C1_BACK, "allow"),
                    400);
  assert_sent_error(w, decide(w, alice, "response_type=token&client_id=" C1 "&scope=openid", "allow"), C1_BACK,
                    "unsupported_response_type");
}

static void no_is_no(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  struct us_reply r =
      submit(w, alice, REQUEST_C1, us_text(w, "&csrf=%s&decision=deny&save_consent=on", csrf_of(w, alice)));
  assert_int_equal(r.status, 302);
  const char *location = assert_sent_error(w, r, C1_BACK, "access_denied");
  assert_string_equal(param_of(w, location, "state"), "s-1");
  expect_status(visit(w, alice, REQUEST_C1), 200); /* and nothing of it is remembered */
  r = us_with_sso(w, "GET", APPLICATIONS("alice") "?_queryFilter=true", alice, NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 0);
}

static const char *remember(struct us_world *w, const char *sso, const char *request) {
  return code_of(w, submit(w, sso, request, us_text(w, "&csrf=%s&decision=allow&save_consent=on", csrf_of(w, sso))));
}

static void only_what_was_to_be_remembered_is(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  allowed_code(w, alice, WIDE_C1);
  expect_status(visit(w, alice, WIDE_C1), 200); /* allowed, once */
  remember(w, alice, REQUEST_C1);
  assert_sent(w, visit(w, alice, REQUEST_C1), C1_BACK);
  expect_status(visit(w, alice, WIDE_C1), 200); /* more than that */
  remember(w, alice, WIDE_C1);
  assert_sent(w, visit(w, alice, WIDE_C1), C1_BACK);
  assert_sent(w, visit(w, alice, REQUEST_C1), C1_BACK); /* less than that */
  assert_sent(w, submit(w, alice, REQUEST_C1, ""), C1_BACK);
  expect_status(visit(w, alice, REQUEST_C1 "&prompt=consent"), 200);
  expect_status(visit(w, alice, REQUEST_C1 "&prompt=select_account"), 200);
  us_world_advance_ms(w, 1000);
  assert_sent(w, visit(w, us_sso(w, "alice"), REQUEST_C1), C1_BACK); /* in another session too */
}

/* RFC 8252 8.6: who answers on the person's own device may be any program there, so a public client is asked for each time. A secret, or a
 * place that only its owner has, is enough to be known by. */
static void public_clients_of_the_device_are_always_asked_for(void **state) {
  struct us_world *w = *state;
  static const struct {
    const char *id, *secret, *uri;
    bool is_asked;
  } cases[] = {{"native-1", NULL, "http://127.0.0.1:9/n1", true},
               {"native-2", NULL, "com.example.app:/cb", true},
               {"page", NULL, "https://page.example/cb", false},
               {"server", "mySecret", "http://127.0.0.1:9/n2", false}};
  const char *alice = us_sso(w, "alice");
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    create_client(w, (struct new_client){.id = cases[i].id,
                                         .secret = cases[i].secret,
                                         .method = cases[i].secret ? "client_secret_post" : "none",
                                         .grants = "authorization_code",
                                         .scopes = "openid",
                                         .redirect_uris = cases[i].uri,
                                         .alg = "RS256"});
    const char *request =
        us_text(w, "response_type=code&client_id=%s&redirect_uri=%s&scope=openid&state=s-1" WITH_CHALLENGE, cases[i].id,
                cases[i].uri);
    remember(w, alice, request);
    if (cases[i].is_asked)
      expect_status(visit(w, alice, request), 200);
    else
      assert_sent(w, visit(w, alice, request), cases[i].uri);
  }
}

static void move_client(struct us_cx *cx, struct us_client *client) {
  client->redirect_uris = words(cx->mem, C1_BACK " http://127.0.0.1:9/elsewhere");
}

/* A client that is answered at other places is one to be asked for again; another change leaves what was remembered. */
static void a_client_that_moves_is_asked_for_again(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  remember(w, alice, REQUEST_C1);
  us_world_advance_ms(w, 1000);
  change_client(w, C1, rename_client);
  assert_sent(w, visit(w, alice, REQUEST_C1), C1_BACK);
  change_client(w, C1, move_client);
  expect_status(visit(w, alice, REQUEST_C1), 200);
  remember(w, alice, REQUEST_C1);
  assert_sent(w, visit(w, alice, REQUEST_C1), C1_BACK);
}

static void consent_is_one_persons_for_one_client(void **state) {
  struct us_world *w = *state;
  remember(w, us_sso(w, "alice"), REQUEST_C1);
  expect_status(visit(w, us_sso(w, "bob"), REQUEST_C1), 200);
  expect_status(visit(w, us_sso(w, "alice"), "response_type=code&scope=openid&client_id=" C2), 200);
  delete_client(w, C1);
  create_client(w, (struct new_client){.id = C1,
                                       .secret = "mySecret",
                                       .method = "client_secret_post",
                                       .grants = "authorization_code",
                                       .scopes = "openid",
                                       .redirect_uris = C1_BACK,
                                       .alg = "RS256"});
  expect_status(visit(w, us_sso(w, "alice"), REQUEST_C1), 200); /* another client of the same name */
}

/* isConsentImplied, where the realm lets clients skip consent (contract 9.3, 9.4). */
static void imply_consent(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->implies_consent = true;
}
static void consent_is_implied_where_both_say_so(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  change_client(w, C1, imply_consent);
  expect_status(visit(w, alice, REQUEST_C1), 200);
  us_world_set(w, "clientsCanSkipConsent", "true");
  assert_sent(w, visit(w, alice, REQUEST_C1), C1_BACK);
  assert_sent(w, visit(w, alice, REQUEST_C1 "&prompt=none"), C1_BACK);
  expect_status(visit(w, alice, REQUEST_C1 "&prompt=consent"), 200);
  expect_status(visit(w, alice, "response_type=code&scope=openid&client_id=" C2), 200);
  struct us_reply r = us_with_sso(w, "GET", APPLICATIONS("alice") "?_queryFilter=true", alice, NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1); /* and the person sees it all the same */
}

/* SB-19: a client that registered itself is not followed blindly, but where the client asked for silence. */
static void register_itself(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->registration_digest = US_STR("x");
}
static void mistakes_of_clients_that_registered_themselves_are_shown_first(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  change_client(w, C1, register_itself);
  struct us_reply r = visit(w, alice, REQUEST_C1);
  assert_true(page_has(r, "registered itself"));
  r = visit(w, alice, "response_type=token&state=s&client_id=" C1);
  assert_page_error(r, 400);
  assert_true(page_has(r, "href=\"http://127.0.0.1:9/cb?error=unsupported_response_type"));
  assert_sent_error(w, visit(w, alice, "response_type=token&prompt=none&client_id=" C1), C1_BACK,
                    "unsupported_response_type");
  assert_sent_error(w, decide(w, alice, REQUEST_C1, "deny"), C1_BACK, "access_denied");
  assert_sent(w, decide(w, alice, REQUEST_C1, "allow"), C1_BACK);
}

/* UF-10 */

static struct us_reply applications(struct us_world *w, const char *sso, const char *user) {
  return us_with_sso(w, "GET", us_text(w, ALPHA_JSON "users/%s/oauth2/applications?_queryFilter=true", user), sso, NULL,
                     NULL);
}
static struct us_reply withdraw(struct us_world *w, const char *sso, const char *user, const char *client) {
  return us_with_sso(w, "DELETE", us_text(w, ALPHA_JSON "users/%s/oauth2/applications/%s", user, client), sso, NULL,
                     NULL);
}

static void people_see_what_they_allowed(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  allowed_code(w, alice, WIDE_C1);
  us_world_advance_ms(w, 5);
  allowed_code(w, alice, PAT_RS1);
  struct us_reply r = applications(w, alice, "alice");
  assert_status(r, 200);
  json_t *items = json_object_get(r.json, "result");
  assert_int_equal(json_array_size(items), 2);
  json_t *rs1 = json_array_get(items, 0), *c1 = json_array_get(items, 1);
  if (strcmp(json_string_value(json_object_get(rs1, "_id")), RS1) != 0) {
    c1 = rs1;
    rs1 = json_array_get(items, 1);
  }
  assert_string_equal(json_string_value(json_object_get(rs1, "_id")), RS1);
  assert_string_equal(json_string_value(json_object_get(c1, "_id")), C1);
  json_t *scopes = json_object_get(c1, "scopes");
  assert_int_equal(json_object_size(scopes), 4);
  assert_string_equal(json_string_value(json_object_get(scopes, "profile")), "profile");
  assert_true(json_is_null(json_object_get(c1, "expiryDateTime")));
  assert_non_null(json_object_get(c1, "name"));
  assert_int_equal(json_array_size(json_object_get(applications(w, us_sso(w, "bob"), "bob").json, "result")), 0);
  r = us_with_sso(w, "GET", APPLICATIONS("alice") "/" C1, alice, NULL, NULL);
  assert_string_equal(us_reply_str(&r, "_id"), C1);
  expect_status(us_with_sso(w, "GET", APPLICATIONS("alice") "/" C2, alice, NULL, NULL), 404);
}

static void lists_of_applications_come_in_pages(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice"), *cookie = "";
  for (int i = 0; i < 7; i++) {
    const char *id = us_text(w, "app-%d", i);
    create_client(w, (struct new_client){.id = id,
                                         .secret = "mySecret",
                                         .method = "client_secret_post",
                                         .grants = "authorization_code",
                                         .scopes = "openid",
                                         .redirect_uris = "https://c.test/cb",
                                         .alg = "RS256"});
    allowed_code(w, alice, us_text(w, "response_type=code&scope=openid&client_id=%s", id));
  }
  int seen = 0;
  do {
    struct us_reply r = us_with_sso(
        w, "GET", us_text(w, APPLICATIONS("alice") "?_queryFilter=true&_pageSize=3%s", cookie), alice, NULL, NULL);
    assert_status(r, 200);
    json_t *items = json_object_get(r.json, "result");
    for (size_t i = 0; i < json_array_size(items); i++)
      assert_string_equal(json_string_value(json_object_get(json_array_get(items, i), "_id")),
                          us_text(w, "app-%d", seen++));
    const char *next = us_reply_str(&r, "pagedResultsCookie");
    cookie = next[0] ? us_text(w, "&_pagedResultsCookie=%s", us_enc(w, next)) : NULL;
  } while (cookie != NULL);
  assert_int_equal(seen, 7);
  expect_status(us_with_sso(w, "GET", APPLICATIONS("alice") "?_queryFilter=name+eq+%22x%22", alice, NULL, NULL), 400);
  expect_status(us_with_sso(w, "GET", APPLICATIONS("alice"), alice, NULL, NULL), 400);
}

/* REST contract b.6 */
static void applications_are_their_owners_and_administrators(void **state) {
  struct us_world *w = *state;
  add_person(w, "/alpha", "boss", true);
  add_realm(w, "/beta");
  add_person(w, "/beta", "alice", false);
  add_person(w, "/beta", "chief", true);
  const char *alice = us_sso(w, "alice");
  remember(w, alice, REQUEST_C1);
  const char *others[] = {us_sso(w, "bob"), sso_in(w, "/beta", "alice"), sso_in(w, "/beta", "chief")};
  for (size_t i = 0; i < 3; i++) {
    expect_status(applications(w, others[i], "alice"), 403);
    expect_status(withdraw(w, others[i], "alice", C1), 403);
  }
  expect_status(us_send(w, "GET", APPLICATIONS("alice") "?_queryFilter=true", NULL, NULL), 401);
  expect_status(us_send(w, "DELETE", APPLICATIONS("alice") "/" C1, NULL, NULL), 401);
  assert_sent(w, visit(w, alice, REQUEST_C1), C1_BACK);
  const char *boss = us_sso(w, "boss");
  expect_status(applications(w, boss, "alice"), 200);
  expect_status(withdraw(w, boss, "alice", C1), 200);
  expect_status(visit(w, alice, REQUEST_C1), 200);
}

/* "After withdrawal PAT 401, its refresh token invalid_grant." And codes; and whatever else the client has of this person. */
static void what_is_taken_back_ends_at_once(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice"), *bob = us_sso(w, "bob");
  struct us_reply r = exchange(w, RS1, allowed_code(w, alice, PAT_RS1), RS1_BACK, NULL);
  const char *pat = take(r, "access_token"), *refresh_text = take(r, "refresh_token");
  const char *by_password = us_pat(w, "alice", RS1), *of_rs2 = us_pat(w, "alice", RS2);
  const char *of_bob = take(exchange(w, RS1, allowed_code(w, bob, PAT_RS1), RS1_BACK, NULL), "access_token");
  const char *code = remember(w, alice, PAT_RS1);
  const char *resource = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  us_world_advance_ms(w, 1);
  r = withdraw(w, alice, "alice", RS1);
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "_id"), RS1);
  expect_error(us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL), 401, "invalid_token");
  expect_error(us_with_pat(w, "GET", ALPHA_UMA "resource_set", by_password, NULL), 401, "invalid_token");
  assert_false(token_is_live(w, RS1, pat));
  assert_false(token_is_live(w, RS1, refresh_text));
  expect_error(refresh(w, RS1, refresh_text, NULL), 400, "invalid_grant");
  expect_error(exchange(w, RS1, code, RS1_BACK, NULL), 400, "invalid_grant");
  expect_status(visit(w, alice, PAT_RS1), 200); /* asked again */
  assert_int_equal(json_array_size(json_object_get(applications(w, alice, "alice").json, "result")), 0);
  expect_status(withdraw(w, alice, "alice", RS1), 404);
  /* Nobody else's, and nothing of what was made. */
  expect_status(us_with_pat(w, "GET", ALPHA_UMA "resource_set", of_rs2, NULL), 200);
  expect_status(us_with_pat(w, "GET", ALPHA_UMA "resource_set", of_bob, NULL), 200);
  us_world_advance_ms(w, 1);
  r = exchange(w, RS1, allowed_code(w, alice, PAT_RS1), RS1_BACK, NULL); /* and it can be allowed anew */
  pat = take(r, "access_token");
  r = us_with_pat(w, "GET", us_text(w, ALPHA_UMA "resource_set/%s", resource), pat, NULL);
  assert_status(r, 200);
  expect_status(
      refresh(w, RS1, take(exchange(w, RS1, allowed_code(w, alice, PAT_RS1), RS1_BACK, NULL), "refresh_token"), NULL),
      200);
}

/* Nor does what the client was told of the person speak for her any more: an ID token of before is no claim token. */
static void claim_tokens_of_before_do_not_count(void **state) {
  struct us_world *w = *state;
  const char *bob = us_sso(w, "bob"), *pat = us_pat(w, "alice", RS1);
  const char *album = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  const char *permission = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album);
  us_share(w, "alice", album, "bob", "[\"view\"]");
  allowed_code(w, bob, REQUEST_C1);
  const char *old = us_id_token(w, "bob", C1), *of_c2 = us_id_token(w, "bob", C2);
  expect_status(us_grant(w, C1, us_ask(w, pat, permission), old, NULL), 200);
  us_world_advance_ms(w, 1000);
  expect_status(withdraw(w, bob, "bob", C1), 200);
  expect_error(us_grant(w, C1, us_ask(w, pat, permission), old, NULL), 403, "need_info");
  expect_status(us_grant(w, C2, us_ask(w, pat, permission), of_c2, NULL), 200);
  us_world_advance_ms(w, 1000);
  expect_status(us_grant(w, C1, us_ask(w, pat, permission), us_id_token(w, "bob", C1), NULL), 200);
}

static enum us_code count_consents(struct us_cx *cx, void *self) {
  static const char sql[] = "SELECT COUNT(*) FROM consent";
  static const struct us_column column[] = {{US_COLUMN_I64, 0}};
  return us_sql_one(cx, column, 1, self, sql, "");
}

/* Protocol contract 11.3 */
static void consent_goes_with_its_account(void **state) {
  struct us_world *w = *state;
  int64_t rows = -1;
  const char *code = remember(w, us_sso(w, "alice"), REQUEST_C1);
  remember(w, us_sso(w, "bob"), REQUEST_C1);
  delete_account(w, "alice");
  assert_int_equal(us_world_transact(w, count_consents, &rows), US_OK);
  assert_int_equal(rows, 1);
  expect_error(exchange(w, C1, code, C1_BACK, NULL), 400, "invalid_grant");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(the_page_names_what_is_asked),
      STORY(the_form_of_the_page_does_it),
      STORY(nothing_from_outside_becomes_markup),
      STORY(the_page_speaks_german),
      STORY(only_our_own_form_decides),
      STORY(a_form_is_judged_anew),
      STORY(no_is_no),
      STORY(only_what_was_to_be_remembered_is),
      STORY(public_clients_of_the_device_are_always_asked_for),
      STORY(a_client_that_moves_is_asked_for_again),
      STORY(consent_is_one_persons_for_one_client),
      STORY(consent_is_implied_where_both_say_so),
      STORY(mistakes_of_clients_that_registered_themselves_are_shown_first),
      STORY(people_see_what_they_allowed),
      STORY(lists_of_applications_come_in_pages),
      STORY(applications_are_their_owners_and_administrators),
      STORY(what_is_taken_back_ends_at_once),
      STORY(claim_tokens_of_before_do_not_count),
      STORY(consent_goes_with_its_account),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
