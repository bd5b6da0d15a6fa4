/*
 * Interactive claims gathering as its people live through it (protocol contract 6.9, 7, Q28, Q31 to Q34): a client sends the browser of
 * bob, bob sees who asks and says yes or no, and the client goes on. And whoever would like to have a part in it.
 */
#include "domain/ticket.h"
#include "flow/claims.h"

/* Presents the ticket at the token endpoint, where it must be worth nothing. */
static void is_dead(struct us_world *w, const char *client, const char *ticket) {
  struct us_reply r = us_grant(w, client, ticket, NULL, NULL);
  assert_error(r, 400, "invalid_grant");
  assert_null(json_object_get(r.json, "ticket"));
}
static int64_t parties(struct us_world *w) {
  static const char sql[] = "SELECT COUNT(*) FROM ticket WHERE party_id <> 0";
  return us_count(w, sql);
}
static const char *header_of(struct us_reply *r, const char *name) {
  const char *value = us_reply_header(r, name);
  return value ? value : "";
}

/* 7.6, step by step; and what the client was told to do in 6.5 (UG-47). */
static void the_walk_of_the_contract(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *id_token = us_id_token(w, "bob", C1);
  struct us_reply r = us_grant(w, C1, fresh_ticket(w, &g), id_token, NULL); /* not looked at (6.3) */
  const char *t1 = successor(r, 403, "need_info");
  assert_string_equal(us_reply_str(&r, "redirect_user"), CLAIMS_URL);
  assert_null(json_object_get(r.json, "required_claims"));
  assert_int_equal(json_object_size(r.json), 4);

  const char *query =
      c1_query(w, t1, "&claims_redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fclaims&state=q7" WITH_CHALLENGE);
  const char *login = location(visit(w, NULL, query));
  assert_int_equal(strncmp(login, WORLD_BASE "/XUI/?realm=/alpha", strlen(WORLD_BASE "/XUI/?realm=/alpha")), 0);
  const char *back = param_of(w, login, "goto"), *t2 = param_of(w, back, "ticket");
  assert_goes_to(back, CLAIMS_URL);
  assert_string_not_equal(t2, t1);
  assert_string_equal(param_of(w, back, "client_id"), C1);
  assert_string_equal(param_of(w, back, "claims_redirect_uri"), C1_BACK);
  assert_string_equal(param_of(w, back, "state"), "q7");
  is_dead(w, C1, t1);

  r = us_send(w, "GET", back + strlen("http://127.0.0.1:8080"), cookie(w, g.bob), NULL);
  assert_status(r, 200);
  r = post_form(w, g.bob,
                us_text(w,
                        "client_id=" C1 "&ticket=%s&claims_redirect_uri=%s&state=q7&csrf=%s&decision=allow"
                        "&save_consent=on" WITH_CHALLENGE,
                        us_enc(w, t2), us_enc(w, C1_BACK), csrf_of(w, g.bob)));
  const char *t3 = ticket_for_client(w, r);
  assert_string_not_equal(t3, t2);
  assert_string_equal(location(r),
                      us_text(w, C1_BACK "?ticket=%s&state=q7", us_enc(w, t3))); /* UG-69: and nothing else */

  r = us_grant(w, C1, t3, NULL, "&code_verifier=" VERIFIER);
  assert_holds(w, g.pat, rpt_of(r), "%s:view", g.album);
  assert_string_not_equal(us_reply_str(&r, "pct"), "");
  assert_null(json_object_get(r.json, "scope"));
  is_dead(w, C1, t3);
}

/* UG-72, UG-73: the page names who asks and as whom, and waits. */
static void whoever_looks_has_said_nothing(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g);
  struct us_reply r = visit(w, g.bob, c1_query(w, ticket, "&state=%22%3E%3Cscript%3E&decision=allow&save_consent=on"));
  assert_status(r, 200);
  assert_null(us_reply_header(&r, "Location"));
  assert_non_null(strstr(header_of(&r, "Content-Type"), "text/html"));
  assert_non_null(strstr(r.body, C1));
  assert_non_null(strstr(r.body, "bob"));
  assert_non_null(strstr(r.body, "save_consent"));
  assert_non_null(strstr(r.body, csrf_of(w, g.bob)));
  assert_non_null(strstr(r.body, ticket));
  assert_null(strstr(r.body, "<script"));
  assert_null(strstr(r.body, g.bob)); /* the session itself is nowhere */
  assert_string_equal(header_of(&r, "X-Frame-Options"), "DENY");
  assert_non_null(strstr(header_of(&r, "Content-Security-Policy"), "frame-ancestors 'none'"));
  assert_string_equal(header_of(&r, "Referrer-Policy"), "no-referrer");
  assert_string_equal(header_of(&r, "Cache-Control"), "no-store");
  assert_int_equal(parties(w), 0);
  is_dead(w, C1, ticket); /* from now on only this endpoint takes it (Q33) */
}

/* UG-03: the client need not have asked the token endpoint before. UG-73: reloading goes on; going back after the answer does not. */
static void reload_and_back_button(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g), *query = c1_query(w, ticket, "&state=x");
  for (int i = 0; i < 3; i++)
    expect_status(visit(w, g.bob, query), 200);
  const char *next = ticket_for_client(w, press(w, g.bob, ticket, "allow", NULL));
  assert_sent_back(w, visit(w, g.bob, query), C1_BACK, "invalid_request");
  assert_sent_back(w, press(w, g.bob, ticket, "allow", NULL), C1_BACK, "invalid_request");
  assert_sent_back(w, press(w, g.bob, ticket, "deny", NULL), C1_BACK, "invalid_request");
  rpt_of(us_grant(w, C1, next, NULL, NULL)); /* none of that took anything away */
}

/* A form can be sent without looking at the page. */
static void the_form_alone_will_do(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  rpt_of(us_grant(w, C1, ticket_for_client(w, press(w, g.bob, fresh_ticket(w, &g), "allow", NULL)), NULL, NULL));
}

/* UG-70, 7.3 step 4 */
static void who_says_no_ends_it(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g);
  expect_status(visit(w, g.bob, c1_query(w, ticket, "")), 200);
  struct us_reply r = press(w, g.bob, ticket, "deny", "&state=s&save_consent=on");
  assert_sent_back(w, r, C1_BACK, "access_denied");
  assert_string_equal(location(r), C1_BACK "?error=access_denied&state=s");
  is_dead(w, C1, ticket);
  assert_sent_back(w, press(w, g.bob, ticket, "allow", NULL), C1_BACK, "invalid_request");
  assert_int_equal(parties(w), 0);
}

/* UG-71, 7.4, Q34 */
static void forged_forms_do_nothing(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g), *carol = us_sso(w, "carol");
  expect_status(visit(w, g.bob, c1_query(w, ticket, "")), 200);
  const char *good = csrf_of(w, g.bob);
  const char *const forged[] = {"",
                                us_text(w, "&csrf=%s", csrf_of(w, carol)),
                                us_text(w, "&csrf=%.63s", good),
                                us_text(w, "&csrf=%.63s%c", good, good[63] == '0' ? '1' : '0'),
                                us_text(w, "&csrf=%s0", good),
                                us_text(w, "&csrf=%s", carol),
                                "&csrf="};
  static const char *const decisions[] = {"allow", "deny"};
  for (size_t i = 0; i < 2 * sizeof(forged) / sizeof(forged[0]); i++)
    assert_error_page(post_form(w, g.bob,
                                us_text(w, "client_id=" C1 "&ticket=%s&decision=%s%s", us_enc(w, ticket),
                                        decisions[i % 2], forged[i / 2])),
                      400);
  assert_int_equal(parties(w), 0);
  expect_status(visit(w, g.bob, c1_query(w, ticket, "")), 200); /* untouched */
  /* The three spellings of the right one; the vector of 7.4 is that of us_csrf_token()'s own test. */
  char text[US_SHA256_TEXT_BYTES];
  us_sha256_text(us_str_c(g.bob), text);
  const char *const right[] = {good, us_text(w, "%s", text), g.bob};
  for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
    ticket_for_client(w, post_form(w, g.bob,
                                   us_text(w, "client_id=" C1 "&ticket=%s&decision=allow&csrf=%s",
                                           us_enc(w, fresh_ticket(w, &g)), us_enc(w, right[i]))));
}

static void without_a_session_nobody_decides(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g);
  assert_error_page(
      post_form(w, NULL, us_text(w, "client_id=" C1 "&ticket=%s&decision=allow&csrf=%s", ticket, csrf_of(w, g.bob))),
      401);
  const char *json = FORM_TYPE "\nAccept: application/json";
  struct us_reply r = us_send(w, "POST", CLAIMS, json, us_text(w, "client_id=" C1 "&ticket=%s&decision=allow", ticket));
  assert_status(r, 401);
  assert_string_not_equal(us_reply_str(&r, "error"), "");
  successor(us_grant(w, C1, ticket, NULL, NULL), 403, "need_info");
}

/* UG-74, UG-81: what C1 was given back is C1's. */
static void the_ticket_belongs_to_the_client_that_began(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = gathered(w, g.bob, fresh_ticket(w, &g), NULL);
  is_dead(w, C2, ticket);
  is_dead(w, C1, ticket); /* a thief had it */
}

/* As at the token endpoint: a ticket in another client's hands takes what was obtained in the process along (G 5.5, UG-80), and only who
 * shows the whole of it does that. */
static struct us_reply visit_as_c2(struct us_world *w, const char *sso, const char *ticket) {
  return visit(w, sso, us_text(w, "client_id=" C2 "&ticket=%s&state=z", us_enc(w, ticket)));
}
static void another_clients_ticket_ends_the_process(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *first = fresh_ticket(w, &g), *second = gathered(w, g.bob, first, NULL);
  const char *rpt = rpt_of(us_grant(w, C1, second, NULL, NULL));
  const char *forged = us_text(w, "%.11s%s", second, us_sso(w, "bob") + 11);
  assert_sent_back(w, visit_as_c2(w, g.bob, forged), C2_BACK, "invalid_request");
  assert_holds(w, g.pat, rpt, "%s:view", g.album);
  struct us_reply r = visit_as_c2(w, g.bob, first);
  assert_sent_back(w, r, C2_BACK, "invalid_request");
  assert_string_equal(param_of(w, location(r), "state"), "z");
  assert_inactive(us_introspect(w, g.pat, rpt));
  static const char sql[] = "SELECT COUNT(*) FROM audit_event WHERE kind = 9";
  assert_int_equal(us_count(w, sql), 1);
  /* Without a session too; and it is over for its own client. */
  const char *open = successor(us_grant(w, C1, fresh_ticket(w, &g), NULL, NULL), 403, "need_info");
  assert_sent_back(w, visit_as_c2(w, NULL, open), C2_BACK, "invalid_request");
  assert_sent_back(w, visit(w, g.bob, c1_query(w, open, "")), C1_BACK, "invalid_request");
  /* A ticket that is on its way through C1's page is as much C1's. */
  const char *shown = fresh_ticket(w, &g);
  expect_status(visit(w, g.bob, c1_query(w, shown, "")), 200);
  assert_sent_back(w, visit_as_c2(w, g.bob, shown), C2_BACK, "invalid_request");
  assert_sent_back(w, press(w, g.bob, shown, "allow", NULL), C1_BACK, "invalid_request");
}

/* Whoever presses the button is the requesting party. */
static void another_person_at_the_browser_speaks_for_himself(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g), *carol = us_sso(w, "carol");
  expect_status(visit(w, g.bob, c1_query(w, ticket, "")), 200);
  struct us_reply r = visit(w, carol, c1_query(w, ticket, ""));
  assert_status(r, 200);
  assert_non_null(strstr(r.body, "carol"));
  ticket = ticket_for_client(w, press(w, carol, ticket, "allow", NULL));
  successor(us_grant(w, C1, ticket, NULL, NULL), 403, "request_submitted"); /* carol may not view it */
  static const char sql[] =
      "SELECT COUNT(*) FROM pending_request JOIN account ON account.id = party_id WHERE name = 'carol'";
  assert_int_equal(us_count(w, sql), 1);
  /* The one who comes last counts. */
  ticket = gathered(w, carol, fresh_ticket(w, &g), "&save_consent=on");
  ticket = gathered(w, g.bob, ticket, NULL);
  r = us_grant(w, C1, ticket, NULL, NULL);
  rpt_of(r);
  assert_null(json_object_get(r.json, "pct")); /* nor does carol's wish for a PCT count for him */
}

/* A session of another realm says nothing about people of this one, and would send the browser in a circle. */
static void somebody_of_another_realm_logs_in_anew(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *admin = us_sso(w, "amAdmin"), *ticket = fresh_ticket(w, &g);
  const char *login = location(visit(w, admin, c1_query(w, ticket, "")));
  assert_goes_to(login, WORLD_BASE "/XUI/");
  assert_error_page(press(w, admin, param_of(w, param_of(w, login, "goto"), "ticket"), "allow", NULL), 401);
  /* /alpha's tickets and clients mean nothing elsewhere; and there it is closed */
  struct us_reply r =
      us_send(w, "GET", us_text(w, "/am/uma/realms/root/claims_gathering?client_id=" C1 "&ticket=%s", ticket),
              cookie(w, admin), NULL);
  assert_error(r, 404, "not_found");
}

/* A session of somebody who logged in by this journey. */
static const char *us_sso_by(struct us_world *w, const char *user, const char *journey) {
  struct us_reply r = us_send(
      w, "POST", us_text(w, ALPHA_JSON "authenticate?authIndexType=service&authIndexValue=%s", journey),
      us_text(w, "X-OpenAM-Username: %s\nX-OpenAM-Password: Ch4ng31t\nContent-Type: application/json", user), "{}");
  assert_status(r, 200);
  return us_reply_str(&r, "tokenId");
}
/* 9.2 claimsGatheringService, Q31 */
static void the_journey_can_be_prescribed(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  static const char sql[] = "SELECT COUNT(*) FROM session WHERE journey <> ''";
  assert_true(us_count(w, sql) > 0);
  us_world_set(w, "claimsGatheringService", "SomeOther");
  const char *ticket = fresh_ticket(w, &g);
  const char *login = location(visit(w, g.bob, c1_query(w, ticket, "")));
  assert_string_equal(param_of(w, login, "authIndexType"), "service");
  assert_string_equal(param_of(w, login, "authIndexValue"), "SomeOther");
  const char *next = param_of(w, param_of(w, login, "goto"), "ticket");
  assert_error_page(press(w, g.bob, next, "allow", NULL), 401);
  const char *by_it = us_sso_by(w, "bob", "SomeOther");
  expect_status(visit(w, by_it, c1_query(w, next, "")), 200);
  us_world_set(w, "claimsGatheringService", "ldapService"); /* that bob came by */
  expect_status(visit(w, g.bob, c1_query(w, next, "")), 200);
  ticket_for_client(w, press(w, g.bob, next, "allow", NULL));
  us_world_set(w, "claimsGatheringService", "");
  expect_status(visit(w, g.bob, c1_query(w, fresh_ticket(w, &g), "")), 200);
}

/* 6.9, Q53: what was gathered stays with the process until it ends. */
static void what_was_gathered_stays_with_the_process(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *edit = ask_for(w, g.pat, g.album, "[\"edit\"]");
  edit = gathered(w, g.bob, edit, "&save_consent=on");
  edit = successor(us_grant(w, C1, edit, NULL, NULL), 403, "request_submitted");
  edit = successor(us_grant(w, C1, edit, NULL, NULL), 403, "request_submitted");
  us_share(w, "alice", g.album, "bob", "[\"view\",\"edit\"]");
  struct us_reply r = us_grant(w, C1, edit, NULL, NULL);
  assert_holds(w, g.pat, rpt_of(r), "%s:edit", g.album);
  assert_string_not_equal(us_reply_str(&r, "pct"), "");
  /* Another ticket of the resource server begins with nobody. */
  successor(us_grant(w, C1, fresh_ticket(w, &g), NULL, NULL), 403, "need_info");
}

/* Switched off, or with another password since, nobody stands by what was said. */
static void what_was_gathered_ends_with_the_account(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = gathered(w, g.bob, fresh_ticket(w, &g), NULL);
  change_account(w, "bob", set_password_anew);
  struct us_reply r = us_grant(w, C1, ticket, NULL, NULL);
  ticket = successor(r, 403, "need_info");
  assert_string_equal(us_reply_str(&r, "redirect_user"), CLAIMS_URL);
  us_world_advance_ms(w, 1000);
  ticket = gathered(w, us_sso(w, "bob"), ticket, NULL); /* he says it again */
  change_account(w, "bob", switch_off);
  successor(us_grant(w, C1, ticket, NULL, NULL), 403, "need_info");
}

/* UG-78, 6.9: a ticket that expired a second ago; each round gives a whole life, up to a day (Q28). */
static void tickets_expire_here_too(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g);
  us_world_advance_ms(w, 119 * 1000);
  expect_status(visit(w, g.bob, c1_query(w, ticket, "")), 200);
  us_world_advance_ms(w, 1000); /* looking prolongs nothing */
  assert_sent_back(w, visit(w, g.bob, c1_query(w, ticket, "&state=s")), C1_BACK, "invalid_request");
  assert_sent_back(w, press(w, g.bob, ticket, "allow", NULL), C1_BACK, "invalid_request");
  ticket = fresh_ticket(w, &g);
  us_world_advance_ms(w, 119 * 1000);
  ticket = gathered(w, g.bob, ticket, NULL);
  us_world_advance_ms(w, 119 * 1000);
  rpt_of(us_grant(w, C1, ticket, NULL, NULL));
}
static void the_process_ends_after_a_day(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "permissionTicketLifetime", "80000");
  us_world_set(w, "sessionMaxTime", "200000");
  us_world_set(w, "sessionIdleTime", "200000");
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g);
  us_world_advance_ms(w, 79999 * 1000);
  const char *login = location(visit(w, NULL, c1_query(w, ticket, "")));
  ticket = param_of(w, param_of(w, login, "goto"), "ticket");
  us_world_advance_ms(w, (86400 - 79999 - 1) * 1000);
  ticket = gathered(w, g.bob, ticket, NULL);
  us_world_advance_ms(w, 1000);
  is_dead(w, C1, ticket);
}

static enum us_code age(struct us_cx *cx, void *self) {
  static const char sql[] = "UPDATE ticket SET iteration = $1";
  return us_sql_run(cx, NULL, sql, "i", *(int64_t *)self);
}
static void the_process_does_not_go_on_for_ever(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = fresh_ticket(w, &g);
  int64_t last = US_TICKET_ITERATIONS_MAX - 1;
  assert_int_equal(us_world_transact(w, age, &last), US_OK);
  const char *login = location(visit(w, NULL, c1_query(w, ticket, "")));
  ticket = param_of(w, param_of(w, login, "goto"), "ticket");
  assert_sent_back(w, press(w, g.bob, ticket, "allow", NULL), C1_BACK, "invalid_request");
  is_dead(w, C1, ticket);
}

/* UG-77: the token endpoint against this one, in both orders. tests/race lets them run at once. */
static void one_of_the_two_endpoints_wins(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *ticket = gathered(w, g.bob, fresh_ticket(w, &g), NULL);
  rpt_of(us_grant(w, C1, ticket, NULL, NULL));
  assert_sent_back(w, visit(w, g.bob, c1_query(w, ticket, "")), C1_BACK, "invalid_request");
  assert_sent_back(w, visit(w, NULL, c1_query(w, ticket, "")), C1_BACK, "invalid_request");
  assert_sent_back(w, press(w, g.bob, ticket, "allow", NULL), C1_BACK, "invalid_request");
  ticket = gathered(w, g.bob, fresh_ticket(w, &g), NULL);
  expect_status(visit(w, g.bob, c1_query(w, ticket, "")), 200);
  is_dead(w, C1, ticket);
  ticket_for_client(w, press(w, g.bob, ticket, "allow", NULL)); /* its own client's mistake ends nothing */
}

/* Q30: as the product's sample sends it; what stands in the query wins. */
static void a_form_in_the_body_of_a_get_is_read(void **state) {
  struct us_world *w = *state;
  struct gallery g = open_gallery(w);
  const char *headers = us_text(w, FORM_TYPE "\n%s", cookie(w, g.bob)), *ticket = fresh_ticket(w, &g);
  expect_status(us_send(w, "GET", CLAIMS, headers, c1_query(w, ticket, "&state=x")), 200);
  expect_status(us_send(w, "GET", us_text(w, CLAIMS "?client_id=" C1), headers,
                        us_text(w, "client_id=nobody&ticket=%s", us_enc(w, ticket))),
                200);
  struct us_reply r =
      us_send(w, "GET", us_text(w, CLAIMS "?ticket=nonsense&state=q"), headers, c1_query(w, ticket, "&state=b"));
  assert_sent_back(w, r, C1_BACK, "invalid_request");
  assert_string_equal(param_of(w, location(r), "state"), "q");
  /* Other bodies say nothing. */
  assert_error_page(
      us_send(w, "GET", CLAIMS, us_text(w, "Content-Type: text/plain\n%s", cookie(w, g.bob)), c1_query(w, ticket, "")),
      400);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(the_walk_of_the_contract),
      STORY(whoever_looks_has_said_nothing),
      STORY(reload_and_back_button),
      STORY(the_form_alone_will_do),
      STORY(who_says_no_ends_it),
      STORY(forged_forms_do_nothing),
      STORY(without_a_session_nobody_decides),
      STORY(the_ticket_belongs_to_the_client_that_began),
      STORY(another_clients_ticket_ends_the_process),
      STORY(another_person_at_the_browser_speaks_for_himself),
      STORY(somebody_of_another_realm_logs_in_anew),
      STORY(the_journey_can_be_prescribed),
      STORY(what_was_gathered_stays_with_the_process),
      STORY(what_was_gathered_ends_with_the_account),
      STORY(tickets_expire_here_too),
      STORY(the_process_ends_after_a_day),
      STORY(the_process_does_not_go_on_for_ever),
      STORY(one_of_the_two_endpoints_wins),
      STORY(a_form_in_the_body_of_a_get_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
