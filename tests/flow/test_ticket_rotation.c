/* One authorization process and its tickets: single use, successors, polling, replay, expiry (protocol contract 6.9, 11.1). */
#include "crypto/handle.h"
#include "domain/sweep.h"
#include "domain/ticket.h"
#include "flow/uma.h"
#include "store/tickets.h"

struct process {
  const char *pat, *album, *bob, *ticket;
};
static struct process begin(struct us_world *w) {
  struct process p = {us_pat(w, "alice", RS1), NULL, us_id_token(w, "bob", C1), NULL};
  p.album = us_register(w, p.pat, ALBUM);
  p.ticket = ask_for(w, p.pat, p.album, "[\"view\"]");
  return p;
}

static void dead(struct us_world *w, const char *ticket, const struct process *p) {
  struct us_reply r = us_grant(w, C1, ticket, p->bob, NULL);
  assert_error(r, 400, "invalid_grant");
  assert_null(json_object_get(r.json, "ticket"));
}

static const char *pending_id(struct us_world *w, const char *sso) {
  struct us_reply r =
      us_with_sso(w, "GET", ALPHA_JSON "users/alice/uma/pendingrequests?_queryFilter=true", sso, NULL, NULL);
  assert_status(r, 200);
  json_t *list = json_object_get(r.json, "result");
  assert_int_equal(json_array_size(list), 1);
  return json_string_value(json_object_get(json_array_get(list, 0), "_id"));
}

/* The owner's answer to the one request that is open. */
static void answer(struct us_world *w, const char *verb) {
  const char *sso = us_sso(w, "alice");
  struct us_reply r = us_with_sso(
      w, "POST", us_text(w, ALPHA_JSON "users/alice/uma/pendingrequests/%s?_action=%s", pending_id(w, sso), verb), sso,
      NULL, "{}");
  assert_status(r, 200);
}

/* UG-44 */
static void the_ticket_of_need_info_is_new_and_continues(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  us_share(w, "alice", p.album, "bob", "[\"view\"]");
  const char *second = successor(us_grant(w, C1, p.ticket, NULL, NULL), 403, "need_info");
  assert_string_not_equal(second, p.ticket);
  const char *third = successor(us_grant(w, C1, second, NULL, NULL), 403, "need_info");
  assert_string_not_equal(third, second);
  dead(w, p.ticket, &p);
  dead(w, second, &p);
  assert_holds(w, p.pat, rpt_of(us_grant(w, C1, third, p.bob, NULL)), "%s:view", p.album);
  dead(w, third, &p);
}

/* UG-50 */
static void polling_sees_the_owners_yes(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  struct us_reply r = us_grant(w, C1, p.ticket, p.bob, NULL);
  int64_t interval = us_reply_int(&r, "interval");
  const char *ticket = successor(r, 403, "request_submitted");
  us_world_advance_ms(w, interval * 1000);
  ticket = successor(us_grant(w, C1, ticket, p.bob, NULL), 403, "request_submitted");
  answer(w, "approve");
  us_world_advance_ms(w, interval * 1000);
  assert_holds(w, p.pat, rpt_of(us_grant(w, C1, ticket, p.bob, NULL)), "%s:view", p.album);
}

/* UG-50 UG-48 */
static void polling_sees_the_owners_no_and_a_fresh_ticket_starts_over(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  const char *ticket = successor(us_grant(w, C1, p.ticket, p.bob, NULL), 403, "request_submitted");
  answer(w, "deny");
  us_world_advance_ms(w, 5000);
  struct us_reply r = us_grant(w, C1, ticket, p.bob, NULL);
  assert_error(r, 403, "request_denied");
  assert_null(json_object_get(r.json, "ticket"));
  dead(w, ticket, &p);
  successor(us_grant(w, C1, ask_for(w, p.pat, p.album, "[\"view\"]"), p.bob, NULL), 403, "request_submitted"); /* Q25 */
}

/* 6.5: after approval a fresh ticket of the resource server works as well as the returned one. */
static void after_approval_a_fresh_ticket_works_too(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  successor(us_grant(w, C1, p.ticket, p.bob, NULL), 403, "request_submitted");
  answer(w, "approve");
  rpt_of(us_grant(w, C1, ask_for(w, p.pat, p.album, "[\"view\"]"), p.bob, NULL));
}

static void a_denied_process_succeeds_when_the_owner_shares_after_all(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  const char *ticket = successor(us_grant(w, C1, p.ticket, p.bob, NULL), 403, "request_submitted");
  answer(w, "deny");
  us_share(w, "alice", p.album, "bob", "[\"view\"]");
  rpt_of(us_grant(w, C1, ticket, p.bob, NULL));
}

/* UG-76 UG-77 */
static void a_ticket_works_once_whatever_the_answer_is(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  us_share(w, "alice", p.album, "bob", "[\"view\"]");
  const char *carol = us_id_token(w, "carol", C1);
  const char *tickets[4];
  for (int i = 0; i < 4; i++)
    tickets[i] = ask_for(w, p.pat, p.album, "[\"view\"]");
  rpt_of(us_grant(w, C1, tickets[0], p.bob, NULL));
  expect_error(us_grant(w, C1, tickets[1], p.bob, "&scope=none"), 400, "invalid_scope");
  expect_error(us_grant(w, C1, tickets[2], NULL, NULL), 403, "need_info");
  expect_error(us_grant(w, C1, tickets[3], carol, NULL), 403, "request_submitted");
  for (int i = 0; i < 4; i++)
    dead(w, tickets[i], &p);
}

/* UG-81 UG-76: bound to the client that presented it first; a second one ends the process, RPTs included (UG-80). */
static void a_ticket_in_another_clients_hands_ends_the_process(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  us_share(w, "alice", p.album, "bob", "[\"view\"]");
  const char *second = successor(us_grant(w, C1, p.ticket, NULL, NULL), 403, "need_info");
  struct us_reply r = us_grant(w, C2, second, us_id_token(w, "bob", C2), NULL);
  assert_error(r, 400, "invalid_grant");
  assert_null(json_object_get(r.json, "ticket"));
  dead(w, second, &p); /* also for its own client now */
}

/* UG-80: a used ticket, replayed by another client, takes the RPT along. */
static void a_used_ticket_replayed_by_another_client_revokes_its_rpts(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  us_share(w, "alice", p.album, "bob", "[\"view\"]");
  const char *rpt = rpt_of(us_grant(w, C1, p.ticket, p.bob, NULL));
  const char *other = rpt_of(us_grant(w, C1, ask_for(w, p.pat, p.album, "[\"view\"]"), p.bob, NULL));
  dead(w, p.ticket, &p); /* its own client's mistake costs nothing */
  assert_holds(w, p.pat, rpt, "%s:view", p.album);
  expect_error(us_grant(w, C2, p.ticket, us_id_token(w, "bob", C2), NULL), 400, "invalid_grant");
  assert_inactive(us_introspect(w, p.pat, rpt));
  assert_holds(w, p.pat, other, "%s:view", p.album); /* another process is untouched */
}

/* UG-80: no matter which of its tickets leaked. The first one went through a header of the resource server. */
static void an_earlier_ticket_replayed_by_another_client_revokes_the_rpts_of_its_process(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  us_share(w, "alice", p.album, "bob", "[\"view\"]");
  const char *second = successor(us_grant(w, C1, p.ticket, NULL, NULL), 403, "need_info");
  const char *third = successor(us_grant(w, C1, second, NULL, NULL), 403, "need_info");
  const char *rpt = rpt_of(us_grant(w, C1, third, p.bob, NULL));
  dead(w, p.ticket, &p); /* its own client's mistake costs nothing */
  assert_holds(w, p.pat, rpt, "%s:view", p.album);
  expect_error(us_grant(w, C2, p.ticket, us_id_token(w, "bob", C2), NULL), 400, "invalid_grant");
  assert_inactive(us_introspect(w, p.pat, rpt));
}

/* Also while the process goes on: the ticket that its own client holds then is worth nothing any more. */
static void an_earlier_ticket_in_another_clients_hands_ends_the_process(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  us_share(w, "alice", p.album, "bob", "[\"view\"]");
  const char *second = successor(us_grant(w, C1, p.ticket, NULL, NULL), 403, "need_info");
  expect_error(us_grant(w, C2, p.ticket, us_id_token(w, "bob", C2), NULL), 400, "invalid_grant");
  dead(w, second, &p);
}

static void of_a_long_process_the_first_and_the_latest_tickets_are_recognised(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  us_share(w, "alice", p.album, "bob", "[\"view\"]");
  const char *intruder = us_id_token(w, "bob", C2);
  for (int rotations = US_TICKETS_USED_MAX; rotations <= US_TICKETS_USED_MAX + 1; rotations++) {
    bool is_past = rotations > US_TICKETS_USED_MAX;
    for (int replayed = 0; replayed <= 2; replayed++) {
      const char *tickets[US_TICKETS_USED_MAX + 2] = {ask_for(w, p.pat, p.album, "[\"view\"]")};
      for (int i = 0; i < rotations; i++)
        tickets[i + 1] = successor(us_grant(w, C1, tickets[i], NULL, NULL), 403, "need_info");
      const char *rpt = rpt_of(us_grant(w, C1, tickets[rotations], p.bob, NULL));
      expect_error(us_grant(w, C2, tickets[replayed], intruder, NULL), 400, "invalid_grant");
      if (is_past && replayed == 1) /* the one that was forgotten */
        assert_holds(w, p.pat, rpt, "%s:view", p.album);
      else
        assert_inactive(us_introspect(w, p.pat, rpt));
    }
  }
}

static void half_a_ticket_revokes_nothing(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  us_share(w, "alice", p.album, "bob", "[\"view\"]");
  const char *rpt = rpt_of(us_grant(w, C1, p.ticket, p.bob, NULL));
  /* The id of the process is in the handle and can be guessed; the secret behind it cannot. */
  int64_t tid;
  uint16_t iteration;
  char digest[US_SHA256_TEXT_BYTES];
  struct us_handle forged;
  assert_true(us_handle_parse(us_str_c(p.ticket), &tid, &iteration, digest));
  us_handle_mint(tid, 0, &forged);
  expect_error(us_grant(w, C2, forged.text, us_id_token(w, "bob", C2), NULL), 400, "invalid_grant");
  assert_holds(w, p.pat, rpt, "%s:view", p.album);
}

/* UG-79 */
static void altered_tickets_are_unknown(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  us_share(w, "alice", p.album, "bob", "[\"view\"]");
  for (size_t i = 0; p.ticket[i]; i++) {
    char *copy = strdup(p.ticket);
    copy[i] = copy[i] == 'A' ? 'B' : 'A';
    if (strcmp(copy, p.ticket) != 0)
      dead(w, us_text(w, "%s", copy), &p);
    free(copy);
  }
  dead(w, us_text(w, "%sA", p.ticket), &p);
  dead(w, us_text(w, "%s=", p.ticket), &p);
  rpt_of(us_grant(w, C1, p.ticket, p.bob, NULL));
}

/* UG-79 */
static void tickets_are_different_and_random(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  enum { N = 500 };
  const char *tickets[N];
  for (int i = 0; i < N; i++) {
    tickets[i] = ask_for(w, p.pat, p.album, "[\"view\"]");
    assert_int_equal(strlen(tickets[i]), 38); /* 8 bytes of id, 20 random ones */
    for (int k = 0; k < i; k++)               /* no two share their random end */
      assert_string_not_equal(tickets[k] + 11, tickets[i] + 11);
  }
}

static enum us_code clean_up(struct us_cx *cx, void *self) {
  return us_sweep_expired(cx, 10, self);
}

/* UG-78 UG-87: lifetimes by setting; clean-up takes what has expired, in batches. */
static void unused_tickets_expire_and_are_cleaned_up(void **state) {
  static const char SQL_TICKETS[] = "SELECT COUNT(*) FROM ticket";
  struct us_world *w = *state;
  us_world_set(w, "permissionTicketLifetime", "2");
  struct process p = begin(w);
  us_share(w, "alice", p.album, "bob", "[\"view\"]");
  for (int i = 0; i < 10; i++)
    ask_for(w, p.pat, p.album, "[\"view\"]");
  us_world_advance_ms(w, 1999);
  const char *young = ask_for(w, p.pat, p.album, "[\"view\"]");
  us_world_advance_ms(w, 1001);
  dead(w, p.ticket, &p);
  int64_t gone = -1;
  assert_int_equal(us_count(w, SQL_TICKETS), 12);
  assert_int_equal(us_world_transact(w, clean_up, &gone), US_OK);
  assert_int_equal(gone, 10);
  assert_int_equal(us_world_transact(w, clean_up, &gone), US_OK);
  assert_int_equal(gone, 1);
  assert_int_equal(us_count(w, SQL_TICKETS), 1);
  assert_int_equal(us_world_transact(w, clean_up, &gone), US_OK);
  assert_int_equal(gone, 0);
  us_world_advance_ms(w, -1000);
  rpt_of(us_grant(w, C1, young, p.bob, NULL));
}

static void expired_rpts_are_cleaned_up_after_a_day(void **state) {
  static const char SQL_RPTS[] = "SELECT COUNT(*) FROM rpt", SQL_PERMISSIONS[] = "SELECT COUNT(*) FROM rpt_permission";
  struct us_world *w = *state;
  us_world_set(w, "accessTokenLifetime", "172800");
  struct process p = begin(w);
  const char *alice = us_id_token(w, "alice", C1);
  /* For two resources each, as the second permission has a row of its own. */
  const char *photo = us_register(w, p.pat, PHOTO);
  const char *both = us_text(w,
                             "[{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]},"
                             "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}]",
                             photo, p.album);
  const char *kept = rpt_of(us_grant(w, C1, us_ask(w, p.pat, both), alice, NULL));
  us_world_set(w, "accessTokenLifetime", "60");
  for (int i = 0; i < 25; i++)
    rpt_of(us_grant(w, C1, us_ask(w, p.pat, both), alice, NULL));
  assert_int_equal(us_count(w, SQL_PERMISSIONS), 26);
  int64_t gone;
  us_world_advance_ms(w, 60 * 1000 + 86400 * 1000);
  for (int i = 0; i < 4; i++)
    assert_int_equal(us_world_transact(w, clean_up, &gone), US_OK);
  assert_int_equal(us_count(w, SQL_RPTS), 26); /* not before a day has passed: they may still be upgraded */
  us_world_advance_ms(w, 1000);
  for (int i = 0; i < 4; i++)
    assert_int_equal(us_world_transact(w, clean_up, &gone), US_OK);
  assert_int_equal(us_count(w, SQL_RPTS), 1);
  assert_int_equal(us_count(w, SQL_PERMISSIONS), 1);
  us_world_set(w, "accessTokenLifetime", "3600");
  assert_holds(w, us_pat(w, "alice", RS1), kept, "%s:view|%s:view", p.album, photo);
}

/* Q28: each successor has a whole life, but the process ends a day after it began. */
static void a_process_lasts_a_day_at_most(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "permissionTicketLifetime", "40000");
  struct process p = begin(w);
  const char *ticket = p.ticket;
  for (int i = 0; i < 2; i++) {
    us_world_advance_ms(w, 39999 * 1000);
    ticket = successor(us_grant(w, C1, ticket, NULL, NULL), 403, "need_info");
  }
  us_world_advance_ms(w, (86400 - 2 * 39999 - 1) * 1000);
  ticket = successor(us_grant(w, C1, ticket, NULL, NULL), 403, "need_info");
  us_world_advance_ms(w, 1000);
  expect_error(us_grant(w, C1, ticket, NULL, NULL), 400, "invalid_grant");
}

static enum us_code age(struct us_cx *cx, void *self) {
  static const char SQL_AGE[] = "UPDATE ticket SET iteration = $1";
  return us_sql_run(cx, NULL, SQL_AGE, "i", *(int64_t *)self);
}

static void a_process_does_not_go_on_for_ever(void **state) {
  struct us_world *w = *state;
  struct process p = begin(w);
  int64_t last = US_TICKET_ITERATIONS_MAX - 1;
  assert_int_equal(us_world_transact(w, age, &last), US_OK);
  const char *ticket = successor(us_grant(w, C1, p.ticket, NULL, NULL), 403, "need_info");
  expect_error(us_grant(w, C1, ticket, NULL, NULL), 403, "request_denied");
  dead(w, ticket, &p);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(the_ticket_of_need_info_is_new_and_continues),
      STORY(polling_sees_the_owners_yes),
      STORY(polling_sees_the_owners_no_and_a_fresh_ticket_starts_over),
      STORY(after_approval_a_fresh_ticket_works_too),
      STORY(a_denied_process_succeeds_when_the_owner_shares_after_all),
      STORY(a_ticket_works_once_whatever_the_answer_is),
      STORY(a_ticket_in_another_clients_hands_ends_the_process),
      STORY(a_used_ticket_replayed_by_another_client_revokes_its_rpts),
      STORY(an_earlier_ticket_replayed_by_another_client_revokes_the_rpts_of_its_process),
      STORY(an_earlier_ticket_in_another_clients_hands_ends_the_process),
      STORY(of_a_long_process_the_first_and_the_latest_tickets_are_recognised),
      STORY(half_a_ticket_revokes_nothing),
      STORY(altered_tickets_are_unknown),
      STORY(tickets_are_different_and_random),
      STORY(unused_tickets_expire_and_are_cleaned_up),
      STORY(expired_rpts_are_cleaned_up_after_a_day),
      STORY(a_process_lasts_a_day_at_most),
      STORY(a_process_does_not_go_on_for_ever),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
