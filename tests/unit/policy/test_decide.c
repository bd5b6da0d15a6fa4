/*
 * The decision (policy/decide.h): every cell of protocol contract 10.4 under every set of grantRptConditions, conditions
 * and their ends, permissions without scopes. The contract's stories are data: tests/policy/cases.
 */
#include <stdio.h>

#include "../unit.h"
#include "policy/decide.h"

#define NOW_S 1000

static struct us_strs strs(struct us_cx *cx, const char *words) {
  struct us_strs set;
  assert_true(us_str_split(cx->mem, us_str_c(words), ' ', 64, &set));
  return set;
}

static struct us_grant share(struct us_cx *cx, const char *scopes) {
  return (struct us_grant){.from = US_NODE_OWNER, .to = US_NODE_PARTY, .scopes = strs(cx, scopes)};
}

static struct us_facts facts(struct us_cx *cx, const char *available, const struct us_grant *shares, size_t count) {
  return (struct us_facts){.available_scopes = strs(cx, available),
                           .grants = shares,
                           .grant_count = count,
                           .now_s = NOW_S,
                           .client_id = US_STR("C1")};
}

static enum us_reason reason_of(struct us_cx *cx, const struct us_facts *f, struct us_str scope) {
  struct us_verdict verdict;
  assert_true(us_policy_scope(cx->mem, f, scope, &verdict));
  return verdict.reason;
}

/* The table of 10.4, written out again: what a cell needs. */
struct cell {
  enum us_match ticket, request;
  const char *needs; /* "" issue, "-" refuse, or the conditions: Tp, Rp, Rn */
};
static const struct cell cells[] = {
    {US_MATCH_ALL, US_MATCH_EMPTY, ""},
    {US_MATCH_ALL, US_MATCH_ALL, ""},
    {US_MATCH_ALL, US_MATCH_PARTIAL, "Rp"},
    {US_MATCH_ALL, US_MATCH_NONE, "Rn"},
    {US_MATCH_PARTIAL, US_MATCH_EMPTY, "Tp"},
    {US_MATCH_PARTIAL, US_MATCH_ALL, "Tp"},
    {US_MATCH_PARTIAL, US_MATCH_PARTIAL, "Tp Rp"},
    {US_MATCH_PARTIAL, US_MATCH_NONE, "Tp Rn"},
    {US_MATCH_NONE, US_MATCH_EMPTY, "-"},
    {US_MATCH_NONE, US_MATCH_ALL, "-"},
    {US_MATCH_NONE, US_MATCH_PARTIAL, "-"},
    {US_MATCH_NONE, US_MATCH_NONE, "-"},
    {US_MATCH_EMPTY, US_MATCH_ALL, ""},
    {US_MATCH_EMPTY, US_MATCH_PARTIAL, "Rp"},
    {US_MATCH_EMPTY, US_MATCH_NONE, "-"},
};

static bool expected(const char *needs, int conditions) {
  if (strcmp(needs, "-") == 0)
    return false;
  if (strstr(needs, "Tp") && !(conditions & US_RPT_TICKET_PARTIAL))
    return false;
  if (strstr(needs, "Rp") && !(conditions & US_RPT_REQUEST_PARTIAL))
    return false;
  return !strstr(needs, "Rn") || (conditions & US_RPT_REQUEST_NONE);
}

static const char *asked(enum us_match match, const char *both) {
  return match == US_MATCH_EMPTY ? "" : both;
}
static const char *shared(enum us_match match, const char *first, const char *both) {
  return match == US_MATCH_ALL ? both : match == US_MATCH_PARTIAL ? first : "";
}

/* UG-24 UG-25 */
static void every_cell_of_table_10_4(void **state) {
  struct us_cx *cx = *state;
  for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
    for (int conditions = 0; conditions < 8; conditions++) {
      const struct cell *cell = &cells[i];
      struct us_grant shares[] = {share(cx, shared(cell->ticket, "t1", "t1 t2")),
                                  share(cx, shared(cell->request, "r1", "r1 r2"))};
      struct us_wanted wanted = {.facts = facts(cx, "t1 t2 r1 r2", shares, 2),
                                 .ticket_scopes = strs(cx, asked(cell->ticket, "t1 t2")),
                                 .requested_scopes = strs(cx, asked(cell->request, "r1 r2"))};
      struct us_decision decision;
      assert_true(us_policy_decide(cx->mem, &wanted, 1, conditions, &decision));
      if (decision.ticket != cell->ticket || decision.request != cell->request ||
          decision.issue != expected(cell->needs, conditions))
        fail_msg("row %zu, conditions %d: ticket %d, request %d, issue %d", i, conditions, decision.ticket,
                 decision.request, decision.issue);
    }
  }
}

/* The last cell, EMPTY and EMPTY: 10.5. UG-27 */
static void bare_resources_are_judged_one_by_one(void **state) {
  struct us_cx *cx = *state;
  struct us_grant any = share(cx, "view");
  for (int granted = 0; granted <= 2; granted++) {
    for (int conditions = 0; conditions < 8; conditions++) {
      struct us_wanted wanted[2] = {{.facts = facts(cx, "view", &any, granted > 0)},
                                    {.facts = facts(cx, "view", &any, granted > 1)}};
      struct us_decision decision;
      assert_true(us_policy_decide(cx->mem, wanted, 2, conditions, &decision));
      assert_int_equal(decision.ticket, US_MATCH_EMPTY);
      assert_int_equal(decision.request, US_MATCH_EMPTY);
      bool some_is_enough = (conditions & US_RPT_TICKET_PARTIAL) != 0;
      assert_int_equal(decision.issue, granted == 2 || (granted == 1 && some_is_enough));
      assert_int_equal(wanted[0].is_granted, granted > 0);
      assert_int_equal(wanted[1].is_granted, granted > 1);
      assert_int_equal(wanted[0].granted.n, 0);
    }
  }
}

/* UG-26: no share, no access; an owner only with implicit consent. */
static void nothing_shared_is_nothing_granted(void **state) {
  struct us_cx *cx = *state;
  struct us_facts f = facts(cx, "view", NULL, 0);
  assert_int_equal(reason_of(cx, &f, US_STR("view")), US_REASON_NO_SHARE);
  assert_int_equal(reason_of(cx, &f, US_STR_ABSENT), US_REASON_NO_SHARE);
  f.party_is_owner = true;
  assert_int_equal(reason_of(cx, &f, US_STR("view")), US_REASON_NO_SHARE);
  f.owner_implicit_consent = true;
  assert_int_equal(reason_of(cx, &f, US_STR("view")), US_REASON_OWNER);
  assert_int_equal(reason_of(cx, &f, US_STR_ABSENT), US_REASON_OWNER);
  f.party_is_owner = false;
  assert_int_equal(reason_of(cx, &f, US_STR("view")), US_REASON_NO_SHARE);
}

static void scopes_compare_byte_for_byte(void **state) {
  struct us_cx *cx = *state;
  struct us_grant shares[] = {share(cx, "view")};
  struct us_facts f = facts(cx, "view View edit", shares, 1);
  assert_int_equal(reason_of(cx, &f, US_STR("view")), US_REASON_SHARED);
  assert_int_equal(reason_of(cx, &f, US_STR("View")), US_REASON_NO_SHARE);
  assert_int_equal(reason_of(cx, &f, US_STR("edit")), US_REASON_NO_SHARE);
  assert_int_equal(reason_of(cx, &f, US_STR("vie")), US_REASON_NOT_REGISTERED);
}

static void a_scope_that_is_gone_is_not_granted_even_to_the_owner(void **state) {
  struct us_cx *cx = *state;
  struct us_grant shares[] = {share(cx, "view print")};
  struct us_facts f = facts(cx, "view", shares, 1);
  f.party_is_owner = f.owner_implicit_consent = true;
  assert_int_equal(reason_of(cx, &f, US_STR("print")), US_REASON_NOT_REGISTERED);
}

static struct us_condition expires(int64_t at_s) {
  return (struct us_condition){.kind = US_CONDITION_EXPIRATION, .date_s = at_s};
}
static struct us_condition only_for(struct us_cx *cx, const char *clients) {
  return (struct us_condition){.kind = US_CONDITION_CLIENT_ID, .client_ids = strs(cx, clients)};
}

/* One share of "view" with these conditions; returns the reason and until when it is granted. */
static enum us_reason decide_with(struct us_cx *cx, bool any, struct us_condition *v, size_t n, int64_t *ret_until) {
  struct us_grant shares[] = {share(cx, "view")};
  shares[0].conditions = (struct us_conditions){.any = any, .v = v, .n = n};
  struct us_wanted wanted = {.facts = facts(cx, "view", shares, 1), .ticket_scopes = strs(cx, "view")};
  struct us_decision decision;
  assert_true(us_policy_decide(cx->mem, &wanted, 1, 0, &decision));
  *ret_until = wanted.not_after_s;
  enum us_reason reason = reason_of(cx, &wanted.facts, US_STR("view"));
  assert_int_equal(decision.issue, us_reason_grants(reason));
  return reason;
}

static void an_expiration_ends_on_its_second(void **state) {
  struct us_cx *cx = *state;
  int64_t until;
  struct us_condition later[] = {expires(NOW_S + 1)}, now[] = {expires(NOW_S)}, past[] = {expires(NOW_S - 1)};
  assert_int_equal(decide_with(cx, false, later, 1, &until), US_REASON_SHARED);
  assert_int_equal(until, NOW_S + 1);
  assert_int_equal(decide_with(cx, false, now, 1, &until), US_REASON_CONDITION);
  assert_int_equal(decide_with(cx, false, past, 1, &until), US_REASON_CONDITION);
  assert_int_equal(decide_with(cx, true, past, 1, &until), US_REASON_CONDITION);
}

static void a_client_condition_names_clients_exactly(void **state) {
  struct us_cx *cx = *state;
  int64_t until;
  struct us_condition mine[] = {only_for(cx, "C0 C1")}, others[] = {only_for(cx, "c1 C10")},
                      none[] = {only_for(cx, "")};
  assert_int_equal(decide_with(cx, false, mine, 1, &until), US_REASON_SHARED);
  assert_int_equal(until, 0);
  assert_int_equal(decide_with(cx, false, others, 1, &until), US_REASON_CONDITION);
  assert_int_equal(decide_with(cx, false, none, 1, &until), US_REASON_CONDITION);
}

static void all_conditions_or_any_of_them(void **state) {
  struct us_cx *cx = *state;
  int64_t until;
  struct us_condition good_and_bad[] = {expires(NOW_S + 60), only_for(cx, "C2")};
  assert_int_equal(decide_with(cx, false, good_and_bad, 2, &until), US_REASON_CONDITION);
  assert_int_equal(decide_with(cx, true, good_and_bad, 2, &until), US_REASON_SHARED);
  assert_int_equal(until, NOW_S + 60);
  struct us_condition both[] = {expires(NOW_S + 60), only_for(cx, "C1"), expires(NOW_S + 90)};
  assert_int_equal(decide_with(cx, false, both, 3, &until), US_REASON_SHARED);
  assert_int_equal(until, NOW_S + 60);
  assert_int_equal(decide_with(cx, true, both, 3, &until), US_REASON_SHARED);
  assert_int_equal(until, 0);
  struct us_condition two_ends[] = {expires(NOW_S + 60), expires(NOW_S + 90)};
  assert_int_equal(decide_with(cx, true, two_ends, 2, &until), US_REASON_SHARED);
  assert_int_equal(until, NOW_S + 90);
}

/* UG-28 */
static void an_unknown_condition_denies(void **state) {
  struct us_cx *cx = *state;
  int64_t until;
  struct us_condition strange[] = {{.kind = 99, .date_s = INT64_MAX}};
  assert_int_equal(decide_with(cx, false, strange, 1, &until), US_REASON_CONDITION);
  assert_int_equal(decide_with(cx, true, strange, 1, &until), US_REASON_CONDITION);
}

static void the_longest_share_counts_for_a_scope_and_the_shortest_scope_for_the_permission(void **state) {
  struct us_cx *cx = *state;
  struct us_condition short_end[] = {expires(NOW_S + 10)}, long_end[] = {expires(NOW_S + 50)};
  struct us_grant shares[] = {share(cx, "view edit"), share(cx, "view"), share(cx, "print")};
  shares[0].conditions = (struct us_conditions){.v = short_end, .n = 1};
  shares[1].conditions = (struct us_conditions){.v = long_end, .n = 1};
  struct us_wanted wanted = {.facts = facts(cx, "view edit print", shares, 3), .ticket_scopes = strs(cx, "view print")};
  struct us_decision decision;
  assert_true(us_policy_decide(cx->mem, &wanted, 1, 0, &decision));
  assert_int_equal(wanted.not_after_s, NOW_S + 50);
  wanted.requested_scopes = strs(cx, "edit");
  assert_true(us_policy_decide(cx->mem, &wanted, 1, 0, &decision));
  assert_int_equal(wanted.not_after_s, NOW_S + 10);
}

/* 10.4: "a scope in both counts as ticket scope"; repeats count once. */
static void a_scope_counts_once(void **state) {
  struct us_cx *cx = *state;
  struct us_grant shares[] = {share(cx, "view")};
  struct us_wanted wanted = {.facts = facts(cx, "view edit", shares, 1),
                             .ticket_scopes = strs(cx, "view view edit"),
                             .requested_scopes = strs(cx, "edit view edit none")};
  struct us_decision decision;
  assert_true(us_policy_decide(cx->mem, &wanted, 1, US_RPT_TICKET_PARTIAL, &decision));
  assert_int_equal(decision.ticket, US_MATCH_PARTIAL);
  assert_int_equal(decision.request, US_MATCH_EMPTY);
  assert_true(decision.issue);
  assert_int_equal(wanted.granted.n, 1);
  assert_int_equal(wanted.missing.n, 1);
  assert_str(wanted.missing.v[0], "edit");
}

static void without_memory_there_is_no_decision(void **state) {
  (void)state;
  struct us_cx *cx = unit_cx_new(64 * 1024);
  struct us_grant shares[] = {share(cx, "view")};
  struct us_wanted wanted = {.facts = facts(cx, "view", shares, 1), .ticket_scopes = strs(cx, "view")};
  struct us_decision decision = {.issue = false};
  while (us_mem_alloc(cx->mem, 64))
    ;
  assert_false(us_policy_decide(cx->mem, &wanted, 1, 7, &decision));
  assert_false(decision.issue);
  unit_cx_free(cx);
}

static void every_reason_has_a_text_of_its_own(void **state) {
  (void)state;
  for (int a = US_REASON_OWNER; a <= US_REASON_NOT_REGISTERED; a++) {
    assert_string_not_equal(us_reason_text((enum us_reason)a), "unknown");
    for (int b = US_REASON_OWNER; b < a; b++)
      assert_string_not_equal(us_reason_text((enum us_reason)a), us_reason_text((enum us_reason)b));
  }
  assert_string_equal(us_reason_text((enum us_reason)0), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT_WITH_CX(every_cell_of_table_10_4),
      UNIT_WITH_CX(bare_resources_are_judged_one_by_one),
      UNIT_WITH_CX(nothing_shared_is_nothing_granted),
      UNIT_WITH_CX(scopes_compare_byte_for_byte),
      UNIT_WITH_CX(a_scope_that_is_gone_is_not_granted_even_to_the_owner),
      UNIT_WITH_CX(an_expiration_ends_on_its_second),
      UNIT_WITH_CX(a_client_condition_names_clients_exactly),
      UNIT_WITH_CX(all_conditions_or_any_of_them),
      UNIT_WITH_CX(an_unknown_condition_denies),
      UNIT_WITH_CX(the_longest_share_counts_for_a_scope_and_the_shortest_scope_for_the_permission),
      UNIT_WITH_CX(a_scope_counts_once),
      cmocka_unit_test(without_memory_there_is_no_decision),
      cmocka_unit_test(every_reason_has_a_text_of_its_own),
  };
  return UNIT_RUN(tests);
}
