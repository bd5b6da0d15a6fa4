/* Every row of the table of REST contract b.6, and the profile of b.7 on the way. */
#include "flow/people.h"

/* Everybody who could knock at /users/alice of /alpha. */
struct caller {
  const char *realm, *name; /* NULL: nobody, or a dead session */
  bool is_admin;            /* made for this story */
  int read, write;          /* status of a read and of a write of a policy */
};
static const struct caller callers[] = {
    {NULL, NULL, false, 401, 401},
    {NULL, "dead", false, 401, 401},
    {"/alpha", "ALICE", false, 200, 400},       /* the owner, in whatever case; the body is bad */
    {"/alpha", "bob", false, 403, 403},         /* another user */
    {"/", "amAdmin", false, 200, 403},          /* the super user reads and does not share */
    {"/alpha", "keeper", true, 200, 403},       /* administrator of the realm */
    {"/beta", "keeper", true, 403, 403},        /* of another realm */
    {"/beta", "alice", false, 403, 403},        /* of the same name */
    {"/alpha/below", "keeper", true, 403, 403}, /* of a realm below */
    {"/", "user", false, 403, 403},             /* of the top-level realm, no administrator */
};
#define CALLERS (sizeof(callers) / sizeof(callers[0]))

static const char *session_of(struct us_world *w, const struct caller *c) {
  if (c->realm == NULL)
    return c->name;
  return sso_in(w, c->realm, c->name);
}
static struct us_reply send_as(struct us_world *w, const char *method, const char *url, const char *sso,
                               const char *body) {
  if (sso != NULL)
    return us_with_sso(w, method, url, sso, NULL, body);
  return us_send(w, method, url, "Content-Type: application/json", body);
}

static struct us_world *crowd(void **state) {
  struct us_world *w = *state;
  add_realm(w, "/beta");
  add_realm(w, "/alpha/below");
  add_person(w, "/", "user", false);
  add_person(w, "/beta", "alice", false);
  add_person(w, "/alpha/below", "alice", false);
  for (size_t i = 0; i < CALLERS; i++) {
    if (callers[i].is_admin)
      add_person(w, callers[i].realm, callers[i].name, true);
  }
  return w;
}

static void each_caller_may_what_the_table_says(void **state) {
  struct us_world *w = crowd(state);
  static const char *const reads[] = {ALPHA_JSON "users/alice", POLICIES "?_queryFilter=true",
                                      PENDING "?_queryFilter=true"};
  for (size_t i = 0; i < CALLERS; i++) {
    const char *sso = session_of(w, &callers[i]);
    for (size_t k = 0; k < sizeof(reads) / sizeof(reads[0]); k++)
      assert_reply(send_as(w, "GET", reads[k], sso, NULL), callers[i].read);
    assert_reply(send_as(w, "PUT", POLICIES "/x", sso, "{}"), callers[i].write);
  }
}

static void refusals_name_the_caller_and_not_the_user(void **state) {
  struct us_world *w = crowd(state);
  assert_rest(us_with_sso(w, "GET", ALPHA_JSON "users/alice", sso_in(w, "/beta", "keeper"), NULL, NULL), 403,
              "User, id=keeper,ou=user,o=beta,ou=services,dc=usher, not authorized.");
  assert_rest(us_with_sso(w, "GET", ALPHA_JSON "users/alice", sso_in(w, "/", "user"), NULL, NULL), 403,
              "User, id=user,ou=user,ou=services,dc=usher, not authorized.");
  assert_rest(us_with_sso(w, "GET", ALPHA_JSON "users/alice", sso_in(w, "/alpha/below", "keeper"), NULL, NULL), 403,
              "User, id=keeper,ou=user,o=below,ou=services,o=alpha,ou=services,dc=usher, not authorized.");
}

/* An administrator's realm is his own, not those below it; the super user's is everything. */
static void the_parents_administrator_does_not_reach_down(void **state) {
  struct us_world *w = crowd(state);
  const char *url = us_text(w, "%susers/alice", json_url(w, "/alpha/below"));
  assert_reply(us_with_sso(w, "GET", url, sso_in(w, "/alpha", "keeper"), NULL, NULL), 403);
  assert_reply(us_with_sso(w, "GET", url, sso_in(w, "/alpha/below", "keeper"), NULL, NULL), 200);
  assert_reply(us_with_sso(w, "GET", url, us_sso(w, "amAdmin"), NULL, NULL), 200);
}

static void unknown_users_are_404_for_administrators_only(void **state) {
  struct us_world *w = crowd(state);
  const char *url = ALPHA_JSON "users/nobody";
  assert_reply(us_with_sso(w, "GET", url, us_sso(w, "amAdmin"), NULL, NULL), 404);
  assert_reply(us_with_sso(w, "GET", url, sso_in(w, "/alpha", "keeper"), NULL, NULL), 404);
  assert_rest(us_with_sso(w, "GET", url, us_sso(w, "bob"), NULL, NULL), 403,
              "User, id=bob,ou=user,o=alpha,ou=services,dc=usher, not authorized.");
  assert_reply(us_with_sso(w, "GET", url, sso_in(w, "/beta", "keeper"), NULL, NULL), 403);
  assert_reply(us_send(w, "GET", url, NULL, NULL), 401);
}

static void a_profile_shows_what_there_is(void **state) {
  struct us_world *w = *state;
  const char *alice = us_sso(w, "alice");
  assert_body(us_with_sso(w, "GET", ALPHA_JSON "users/alice", alice, NULL, NULL), 200,
              "{\"_id\":\"alice\",\"username\":\"alice\",\"mail\":\"alice@usher.test\",\"givenName\":\"alice\"}");
  assert_body(us_with_sso(w, "GET", ALPHA_JSON "users/Alice?_fields=mail", alice, NULL, NULL), 200,
              "{\"_id\":\"alice\",\"mail\":\"alice@usher.test\"}");
  struct us_reply r = us_with_sso(w, "GET", "/am/json/realms/root/users/amadmin", us_sso(w, "amAdmin"), NULL, NULL);
  assert_body(r, 200, "{\"_id\":\"amAdmin\",\"username\":\"amAdmin\"}");
  assert_reply(us_with_sso(w, "PUT", ALPHA_JSON "users/alice", alice, NULL, "{}"), 501);
  assert_reply(us_with_sso(w, "GET", ALPHA_JSON "users/alice", alice, "If-Match: 1", NULL), 412);
}

static enum us_code become_inactive(struct us_cx *cx, struct us_account *account) {
  return us_account_set_active(cx, account, false);
}

static void an_administrator_who_is_switched_off_is_nobody(void **state) {
  struct us_world *w = *state;
  add_person(w, "/alpha", "keeper", true);
  const char *keeper = sso_in(w, "/alpha", "keeper");
  assert_reply(us_with_sso(w, "GET", ALPHA_JSON "users/alice", keeper, NULL, NULL), 200);
  change_person(w, "keeper", become_inactive);
  assert_reply(us_with_sso(w, "GET", ALPHA_JSON "users/alice", keeper, NULL, NULL), 401);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(each_caller_may_what_the_table_says),
      STORY(refusals_name_the_caller_and_not_the_user),
      STORY(the_parents_administrator_does_not_reach_down),
      STORY(unknown_users_are_404_for_administrators_only),
      STORY(a_profile_shows_what_there_is),
      STORY(an_administrator_who_is_switched_off_is_nobody),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
