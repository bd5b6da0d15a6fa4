/* The outbox behind mails: one row an event, one sender a row, and what becomes of rows (REST l). Steps are run by hand here; threads and
 * mail servers are in tests/e2e/mail.test.mjs. */
#include "flow/oauth.h"

#include "base/mem.h"
#include "domain/account.h"
#include "domain/notice.h"
#include "domain/snapshot.h"
#include "domain/template.h"
#include "store/outbox.h"

#define NODE 1
#define OTHER_NODE 2
#define LEASE_MS 40000

/* What a step is to do; one struct for all of them. */
struct act {
  struct us_world *w;
  struct us_notice notice;
  bool fails; /* after it has written */
  int64_t node;
  struct us_notice_claim claim;
  struct us_notice_outcome outcome;
  int64_t number;
  const char *name;
  struct us_outbox_row *rows;
  size_t n;
};

static int mail_up(void **state) {
  int failed = world_up(state);
  us_world_services(*state)->sends_mail = true;
  return failed;
}
#define MAIL_STORY(name) cmocka_unit_test_setup_teardown(name, mail_up, world_down)

static enum us_code account_step(struct us_cx *cx, void *self) {
  struct act *a = self;
  struct us_account account;
  US_TRY(us_account_by_name(cx, alpha(a->w)->id, us_str_c(a->name), &account));
  a->number = account.id;
  return US_OK;
}
static int64_t account_of(struct us_world *w, const char *name) {
  struct act a = {.w = w, .name = name};
  assert_int_equal(us_world_transact(w, account_step, &a), US_OK);
  return a.number;
}

static struct us_notice about(struct us_world *w, enum us_notice_kind kind, const char *event) {
  static struct us_str scopes[] = {{"view", 4}, {"edit", 4}};
  return (struct us_notice){
      .kind = kind,
      .realm_id = alpha(w)->id,
      .account_id = account_of(w, "alice"),
      .event = us_str_c(event),
      .other_name = US_STR("bob"),
      .resource_name = US_STR("Album"),
      .scopes = {scopes, 2},
  };
}

static enum us_code add_step(struct us_cx *cx, void *self) {
  struct act *a = self;
  US_TRY(us_notice_add(cx, alpha(a->w), &a->notice));
  return a->fails ? us_fail_plain(cx, US_E_CONFLICT) : US_OK;
}
static void add_notice(struct us_world *w, struct us_notice notice) {
  struct act a = {.w = w, .notice = notice};
  assert_int_equal(us_world_transact(w, add_step, &a), US_OK);
}
static void add(struct us_world *w, const char *event) {
  add_notice(w, about(w, US_NOTICE_PENDING_CREATED, event));
}

static enum us_code page_step(struct us_cx *cx, void *self) {
  struct act *a = self;
  return us_outbox_page(cx, 0, 100, &a->rows, &a->n);
}
static struct act rows(struct us_world *w) {
  struct act a = {.w = w};
  assert_int_equal(us_world_transact(w, page_step, &a), US_OK);
  return a;
}
static size_t row_count(struct us_world *w) {
  return rows(w).n;
}

static enum us_code claim_step(struct us_cx *cx, void *self) {
  struct act *a = self;
  return us_notice_claim(cx, a->node, cx->now_ms + LEASE_MS, &a->claim);
}
static bool claim(struct us_world *w, int64_t node, struct us_notice_claim *ret_claim) {
  struct act a = {.w = w, .node = node};
  enum us_code code = us_world_transact(w, claim_step, &a);
  if (code != US_OK)
    assert_int_equal(code, US_E_NOT_FOUND);
  *ret_claim = a.claim;
  return code == US_OK;
}
static enum us_code settle_step(struct us_cx *cx, void *self) {
  struct act *a = self;
  return us_notice_settle(cx, a->node, &a->outcome);
}
static void settle(struct us_world *w, int64_t node, const struct us_notice_claim *c, enum us_notice_end end,
                   int64_t due_ms) {
  struct act a = {.w = w, .node = node, .outcome = {end, c->id, c->tries, due_ms, US_STR("450 later")}};
  assert_int_equal(us_world_transact(w, settle_step, &a), US_OK);
}
static bool is_event(const struct us_notice_claim *c, const char *event_key) {
  return us_str_eq_c(c->event_key, event_key);
}

/* ---- Writing down ---- */

static void nothing_is_written_without_a_mail_server(void **state) {
  struct us_world *w = *state;
  us_world_services(w)->sends_mail = false;
  add(w, "e1");
  assert_int_equal(row_count(w), 0);
  us_world_services(w)->sends_mail = true;
  add(w, "e1");
  assert_int_equal(row_count(w), 1);
}

static void each_setting_switches_its_own_kind(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "emailResourceOwnerOnPendingRequestCreation", "false");
  add_notice(w, about(w, US_NOTICE_PENDING_CREATED, "e1"));
  assert_int_equal(row_count(w), 0);
  add_notice(w, about(w, US_NOTICE_PENDING_APPROVED, "e1"));
  assert_int_equal(row_count(w), 1);
  us_world_set(w, "emailResourceOwnerOnPendingRequestCreation", "true");
  us_world_set(w, "emailRequestingPartyOnPendingRequestApproval", "false");
  add_notice(w, about(w, US_NOTICE_PENDING_APPROVED, "e2"));
  assert_int_equal(row_count(w), 1);
  add_notice(w, about(w, US_NOTICE_PENDING_CREATED, "e2"));
  assert_int_equal(row_count(w), 2);
}

static void one_event_makes_one_row(void **state) {
  struct us_world *w = *state;
  add(w, "e1");
  add(w, "e1");
  assert_int_equal(row_count(w), 1);
  add_notice(w, about(w, US_NOTICE_PENDING_APPROVED, "e1")); /* of the same request, but another event */
  add(w, "e2");
  assert_int_equal(row_count(w), 3);
}

static void a_row_goes_with_the_transaction_of_its_event(void **state) {
  struct us_world *w = *state;
  struct act a = {.w = w, .notice = about(w, US_NOTICE_PENDING_CREATED, "e1"), .fails = true};
  assert_int_equal(us_world_transact(w, add_step, &a), US_E_CONFLICT);
  assert_int_equal(row_count(w), 0);
}

static void the_mailer_is_told_of_rows_only(void **state) {
  struct us_world *w = *state;
  struct us_services *svc = us_world_services(w);
  uint64_t before = svc->notices;
  us_world_set(w, "emailResourceOwnerOnPendingRequestCreation", "false");
  add(w, "e1");
  assert_true(svc->notices == before);
  us_world_set(w, "emailResourceOwnerOnPendingRequestCreation", "true");
  add(w, "e1");
  assert_false(svc->notices == before);
}

/* ---- Claims ---- */

static void a_row_is_claimed_once(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim first, second, none;
  assert_false(claim(w, NODE, &none));
  add(w, "e1");
  us_world_advance_ms(w, 1);
  add(w, "e2");
  assert_true(claim(w, NODE, &first));
  assert_true(is_event(&first, "1:e1"));
  assert_int_equal(first.tries, 1);
  assert_true(first.has_account);
  assert_true(us_str_eq_c(first.account.name, "alice"));
  assert_true(claim(w, OTHER_NODE, &second));
  assert_true(is_event(&second, "1:e2"));
  assert_false(claim(w, NODE, &none));
  assert_false(claim(w, OTHER_NODE, &none));
  settle(w, NODE, &first, US_NOTICE_GONE, 0);
  assert_int_equal(row_count(w), 1);
  settle(w, OTHER_NODE, &second, US_NOTICE_GONE, 0);
  assert_int_equal(row_count(w), 0);
}

static void a_claim_ends_by_itself(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim dead, next, none;
  add(w, "e1");
  assert_true(claim(w, NODE, &dead));
  us_world_advance_ms(w, LEASE_MS - 1);
  assert_false(claim(w, OTHER_NODE, &none));
  us_world_advance_ms(w, 1);
  assert_true(claim(w, OTHER_NODE, &next));
  assert_int_equal(next.id, dead.id);
  assert_int_equal(next.tries, 2);
}

static void who_lost_a_claim_changes_nothing_unless_the_mail_has_gone(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim late, next, none;
  add(w, "e1");
  assert_true(claim(w, NODE, &late));
  us_world_advance_ms(w, LEASE_MS);
  assert_true(claim(w, NODE, &next)); /* the same node, another claim */
  for (int end = US_NOTICE_LATER; end <= US_NOTICE_FAILED; end++) {
    settle(w, NODE, &late, (enum us_notice_end)end, us_world_now_ms(w));
    settle(w, OTHER_NODE, &next, (enum us_notice_end)end, us_world_now_ms(w));
    assert_false(claim(w, NODE, &none));
    assert_int_equal(rows(w).rows[0].claimed_by, NODE);
    assert_false(rows(w).rows[0].is_failed);
  }
  settle(w, NODE, &late, US_NOTICE_GONE, 0);
  assert_int_equal(row_count(w), 0);
}

static void a_row_waits_for_its_next_try(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim c, none;
  add(w, "e1");
  assert_true(claim(w, NODE, &c));
  settle(w, NODE, &c, US_NOTICE_LATER, us_world_now_ms(w) + 1000);
  struct act a = rows(w);
  assert_true(us_str_eq_c(a.rows[0].last_error, "450 later"));
  assert_int_equal(a.rows[0].claimed_by, 0);
  us_world_advance_ms(w, 999);
  assert_false(claim(w, NODE, &none));
  us_world_advance_ms(w, 1);
  assert_true(claim(w, NODE, &c));
  assert_int_equal(c.tries, 2);
  settle(w, NODE, &c, US_NOTICE_UNTOUCHED, 0); /* at once, and not counted */
  assert_true(claim(w, NODE, &c));
  assert_int_equal(c.tries, 2);
}

static enum us_code release_step(struct us_cx *cx, void *self) {
  struct act *a = self;
  return us_notice_release(cx, a->node);
}
static void release(struct us_world *w, int64_t node) {
  struct act a = {.w = w, .node = node};
  assert_int_equal(us_world_transact(w, release_step, &a), US_OK);
}

static void a_starting_node_takes_back_what_its_number_had_claimed_and_no_more(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim c, none;
  add(w, "e1");
  assert_true(claim(w, NODE, &c));
  release(w, OTHER_NODE);
  assert_false(claim(w, OTHER_NODE, &none));
  release(w, NODE);
  assert_true(claim(w, OTHER_NODE, &c));
  settle(w, OTHER_NODE, &c, US_NOTICE_FAILED, 0);
  release(w, OTHER_NODE);
  assert_false(claim(w, OTHER_NODE, &none)); /* what failed stays so */
}

static enum us_code next_due_step(struct us_cx *cx, void *self) {
  return us_notice_next_due(cx, &((struct act *)self)->number);
}
static int64_t next_due(struct us_world *w) {
  struct act a = {.w = w};
  assert_int_equal(us_world_transact(w, next_due_step, &a), US_OK);
  return a.number;
}

static void the_next_due_is_the_earliest_that_can_still_go(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim c;
  assert_true(next_due(w) == INT64_MAX);
  add(w, "e1");
  int64_t now = us_world_now_ms(w);
  assert_int_equal(next_due(w), now);
  assert_true(claim(w, NODE, &c));
  assert_int_equal(next_due(w), now + LEASE_MS);
  settle(w, NODE, &c, US_NOTICE_LATER, now + 7);
  assert_int_equal(next_due(w), now + 7);
  us_world_advance_ms(w, 7);
  assert_true(claim(w, NODE, &c));
  settle(w, NODE, &c, US_NOTICE_FAILED, 0);
  assert_true(next_due(w) == INT64_MAX);
}

/* ---- Failed ones ---- */

static enum us_code clean_step(struct us_cx *cx, void *self) {
  return us_notice_clean_up(cx, 100, &((struct act *)self)->number);
}
static enum us_code retry_step(struct us_cx *cx, void *self) {
  return us_outbox_retry(cx, ((struct act *)self)->number);
}
static enum us_code drop_step(struct us_cx *cx, void *self) {
  return us_outbox_drop(cx, ((struct act *)self)->number);
}

static void failed_ones_are_kept_for_thirty_days(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim c;
  struct act a = {.w = w};
  add(w, "e1");
  assert_true(claim(w, NODE, &c));
  settle(w, NODE, &c, US_NOTICE_FAILED, 0);
  add(w, "e2"); /* waits, however long */
  us_world_advance_ms(w, US_NOTICE_FAILED_KEPT_MS);
  assert_int_equal(us_world_transact(w, clean_step, &a), US_OK);
  assert_int_equal(row_count(w), 2);
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, clean_step, &a), US_OK);
  assert_int_equal(a.number, 1);
  assert_int_equal(row_count(w), 1);
  assert_true(claim(w, NODE, &c));
  assert_true(is_event(&c, "1:e2"));
}

static void an_operator_sends_again_or_drops_what_is_not_being_sent(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim c;
  add(w, "e1");
  assert_true(claim(w, NODE, &c));
  struct act a = {.w = w, .number = c.id};
  assert_int_equal(us_world_transact(w, retry_step, &a), US_E_NOT_FOUND);
  assert_int_equal(us_world_transact(w, drop_step, &a), US_E_NOT_FOUND);
  settle(w, NODE, &c, US_NOTICE_FAILED, 0);
  assert_int_equal(us_world_transact(w, retry_step, &a), US_OK);
  assert_true(claim(w, NODE, &c));
  assert_int_equal(c.tries, 1); /* all its tries are before it again */
  settle(w, NODE, &c, US_NOTICE_LATER, us_world_now_ms(w) + 1000000);
  assert_int_equal(us_world_transact(w, retry_step, &a), US_OK);
  assert_int_equal(next_due(w), us_world_now_ms(w));
  assert_int_equal(us_world_transact(w, drop_step, &a), US_OK);
  assert_int_equal(us_world_transact(w, drop_step, &a), US_E_NOT_FOUND);
  assert_int_equal(row_count(w), 0);
}

/* ---- Mails ---- */

struct composed {
  enum us_code code;
  struct us_notice_mail mail;
};
static struct composed compose(struct us_world *w, const struct us_notice_claim *c, const char *attribute) {
  static struct us_cx cx;
  struct us_templates *templates = us_templates_new();
  struct composed out = {0};
  assert_non_null(templates);
  cx = (struct us_cx){.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
  out.code = us_notice_mail(&cx, templates, us_str_c(attribute), c, &out.mail);
  if (out.code == US_OK) {
    out.mail.to = us_str_c(us_text(w, "%.*s", US_STR_ARG(out.mail.to)));
    out.mail.subject = us_str_c(us_text(w, "%.*s", US_STR_ARG(out.mail.subject)));
    out.mail.html = us_str_c(us_text(w, "%.*s", US_STR_ARG(out.mail.html)));
    out.mail.message_id = us_str_c(us_text(w, "%.*s", US_STR_ARG(out.mail.message_id)));
  }
  us_mem_free(cx.mem);
  us_templates_free(templates);
  return out;
}
/* A notice, claimed, with alice's address as given. */
static struct us_notice_claim claimed(struct us_world *w, struct us_notice notice, const char *mail) {
  struct us_notice_claim c;
  add_notice(w, notice);
  assert_true(claim(w, NODE, &c));
  c.account.mail = us_str_c(mail);
  return c;
}

static void a_mail_says_what_happened(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim c = claimed(w, about(w, US_NOTICE_PENDING_CREATED, "e 1"), "alice@example.com");
  struct composed m = compose(w, &c, "mail");
  assert_int_equal(m.code, US_OK);
  assert_true(us_str_eq_c(m.mail.to, "alice@example.com"));
  assert_true(us_str_eq_c(m.mail.subject, "New Pending Request"));
  assert_non_null(strstr(m.mail.html.p, "<b>bob</b> asks for access to <b>Album</b>"));
  assert_non_null(strstr(m.mail.html.p, "view, edit"));
  assert_non_null(strstr(m.mail.html.p, "\"" WORLD_BASE "/XUI/?realm=/alpha#uma/requests/e%201\""));
  assert_int_equal(m.mail.date_ms, c.created_ms);
}

static void a_mail_without_scopes_says_none(void **state) {
  struct us_world *w = *state;
  struct us_notice notice = about(w, US_NOTICE_PENDING_APPROVED, "e1");
  notice.scopes.n = 0;
  struct us_notice_claim c = claimed(w, notice, "alice@example.com");
  struct composed m = compose(w, &c, "mail");
  assert_int_equal(m.code, US_OK);
  assert_non_null(strstr(m.mail.html.p, "You may: NONE<"));
}

static void names_are_escaped_and_survive_the_row(void **state) {
  struct us_world *w = *state;
  struct us_str scope = US_STR("<s>\"&'");
  struct us_notice notice = about(w, US_NOTICE_PENDING_CREATED, "\"><e>");
  notice.other_name = US_STR("<b>{1}\r\n\"\\");
  notice.resource_name = US_STR("</p>\xe2\x82\xac");
  notice.scopes = (struct us_strs){&scope, 1};
  struct us_notice_claim c = claimed(w, notice, "alice@example.com");
  struct composed m = compose(w, &c, "mail");
  assert_int_equal(m.code, US_OK);
  assert_non_null(strstr(m.mail.html.p, "<b>&lt;b&gt;{1}\r\n&quot;\\</b>"));
  assert_non_null(strstr(m.mail.html.p, "<b>&lt;/p&gt;\xe2\x82\xac</b>"));
  assert_non_null(strstr(m.mail.html.p, "Asked for: &lt;s&gt;&quot;&amp;&#39;<"));
  assert_non_null(strstr(m.mail.html.p, "#uma/requests/%22%3E%3Ce%3E\""));
  assert_null(strstr(m.mail.html.p, "<e>"));
}

static void the_message_id_is_made_from_the_event(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim c = claimed(w, about(w, US_NOTICE_PENDING_CREATED, "e1"), "a@b");
  struct composed first = compose(w, &c, "mail");
  settle(w, NODE, &c, US_NOTICE_LATER, us_world_now_ms(w) + 5000);
  us_world_advance_ms(w, 5000);
  assert_true(claim(w, OTHER_NODE, &c));
  c.account.mail = US_STR("a@b");
  struct composed again = compose(w, &c, "mail");
  assert_true(us_str_eq(first.mail.message_id, again.mail.message_id));
  assert_int_equal(first.mail.date_ms, again.mail.date_ms);
  c = claimed(w, about(w, US_NOTICE_PENDING_APPROVED, "e1"), "a@b");
  assert_false(us_str_eq(first.mail.message_id, compose(w, &c, "mail").mail.message_id));
  c = claimed(w, about(w, US_NOTICE_PENDING_CREATED, "e2"), "a@b");
  assert_false(us_str_eq(first.mail.message_id, compose(w, &c, "mail").mail.message_id));
}

static void who_is_gone_inactive_or_without_address_gets_none(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim c = claimed(w, about(w, US_NOTICE_PENDING_CREATED, "e1"), "a@b");
  assert_int_equal(compose(w, &c, "mail").code, US_OK);
  assert_true(us_str_eq_c(compose(w, &c, "uid").mail.to, "alice"));
  assert_int_equal(compose(w, &c, "sn").code, US_E_NOT_FOUND);
  c.account.is_active = false;
  assert_int_equal(compose(w, &c, "mail").code, US_E_NOT_FOUND);
  c.account.is_active = true;
  c.account.mail = US_STR("");
  assert_int_equal(compose(w, &c, "mail").code, US_E_NOT_FOUND);
  struct us_notice nobody = about(w, US_NOTICE_PENDING_CREATED, "e2");
  nobody.account_id = 1;
  c = claimed(w, nobody, "a@b");
  assert_false(c.has_account);
  assert_int_equal(compose(w, &c, "mail").code, US_E_NOT_FOUND);
}

static void what_this_version_does_not_understand_is_an_error_and_no_mail(void **state) {
  struct us_world *w = *state;
  struct us_notice_claim c = claimed(w, about(w, US_NOTICE_PENDING_CREATED, "e1"), "a@b");
  struct us_notice_claim odd = c;
  odd.kind = 99;
  assert_int_equal(compose(w, &odd, "mail").code, US_E_INTERNAL);
  odd = c;
  odd.body = US_STR("{\"event\":");
  assert_int_equal(compose(w, &odd, "mail").code, US_E_INTERNAL);
  odd.body = US_STR("[]");
  assert_int_equal(compose(w, &odd, "mail").code, US_E_INTERNAL);
  odd = c;
  odd.realm_id = 1;
  assert_int_equal(compose(w, &odd, "mail").code, US_E_INTERNAL);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      MAIL_STORY(nothing_is_written_without_a_mail_server),
      MAIL_STORY(each_setting_switches_its_own_kind),
      MAIL_STORY(one_event_makes_one_row),
      MAIL_STORY(a_row_goes_with_the_transaction_of_its_event),
      MAIL_STORY(the_mailer_is_told_of_rows_only),
      MAIL_STORY(a_row_is_claimed_once),
      MAIL_STORY(a_claim_ends_by_itself),
      MAIL_STORY(who_lost_a_claim_changes_nothing_unless_the_mail_has_gone),
      MAIL_STORY(a_row_waits_for_its_next_try),
      MAIL_STORY(a_starting_node_takes_back_what_its_number_had_claimed_and_no_more),
      MAIL_STORY(the_next_due_is_the_earliest_that_can_still_go),
      MAIL_STORY(failed_ones_are_kept_for_thirty_days),
      MAIL_STORY(an_operator_sends_again_or_drops_what_is_not_being_sent),
      MAIL_STORY(a_mail_says_what_happened),
      MAIL_STORY(a_mail_without_scopes_says_none),
      MAIL_STORY(names_are_escaped_and_survive_the_row),
      MAIL_STORY(the_message_id_is_made_from_the_event),
      MAIL_STORY(who_is_gone_inactive_or_without_address_gets_none),
      MAIL_STORY(what_this_version_does_not_understand_is_an_error_and_no_mail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
