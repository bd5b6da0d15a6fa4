/* Who may act on /users/{user} (REST contract b.6), and that nobody reaches what is another's. */
#include "flow/crest.h"

#define NOT_BOB "User, id=bob,ou=user,o=alpha,ou=services,dc=usher, not authorized."

static const char *id, *alice, *bob, *admin;

static struct us_world *shared_album(void **state) {
  struct us_world *w = *state;
  id = us_register(w, us_pat(w, "alice", RS1), ALBUM);
  us_share(w, "alice", id, "bob", "[\"view\"]");
  alice = us_sso(w, "alice");
  bob = us_sso(w, "bob");
  admin = us_sso(w, "amAdmin");
  return w;
}

struct attempt {
  const char *method, *target;
  bool admin_may;
};
static const struct attempt attempts[] = {
    {"GET", POLICIES "?_queryFilter=true", true},
    {"GET", POLICIES "/ID", true},
    {"PUT", POLICIES "/ID", false},
    {"POST", POLICIES "?_action=create", false},
    {"GET", PENDING "?_queryFilter=true", true},
    {"GET", PENDING "/ID", true},
    {"POST", PENDING "/ID?_action=approve", false},
    {"POST", PENDING "/ID?_action=deny", false},
    {"DELETE", POLICIES "/ID", true},
};
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

/* The target with the resource's id for ID and another user for alice. */
static const char *target_of(struct us_world *w, const struct attempt *a, const char *user) {
  const char *mark = strstr(a->target, "/ID"), *name = strstr(a->target, "alice");
  const char *text = mark ? us_text(w, "%.*s/%s%s", (int)(mark - a->target), a->target, id, mark + 3) : a->target;
  return us_text(w, "%.*s%s%s", (int)(name - a->target), text, user, text + (name - a->target) + 5);
}
static struct us_reply make(struct us_world *w, const struct attempt *a, const char *user, const char *sso) {
  const char *body = strcmp(a->method, "GET") == 0 ? NULL : policy_body(w, id, TO_BOB("[\"view\"]"), NULL);
  return us_with_sso(w, a->method, target_of(w, a, user), sso, NULL, body);
}

static void nobody_gets_in_without_a_session(void **state) {
  struct us_world *w = shared_album(state);
  for (size_t i = 0; i < ATTEMPTS; i++) {
    assert_rest(
        us_send(w, attempts[i].method, target_of(w, &attempts[i], "alice"), "Content-Type: application/json", "{}"),
        401, "Access Denied");
    assert_rest(make(w, &attempts[i], "alice", "dead"), 401, "Access Denied");
  }
}

static void another_user_is_refused_everywhere(void **state) {
  struct us_world *w = shared_album(state);
  for (size_t i = 0; i < ATTEMPTS; i++)
    assert_rest(make(w, &attempts[i], "alice", bob), 403, NOT_BOB);
  assert_reply(get_policy(w, alice, id), 200);
}

static void user_names_cannot_be_probed(void **state) {
  struct us_world *w = shared_album(state);
  for (size_t i = 0; i < ATTEMPTS; i++) {
    assert_rest(make(w, &attempts[i], "nobody", bob), 403, NOT_BOB);
    struct us_reply r = make(w, &attempts[i], "nobody", admin);
    assert_int_equal(r.status, attempts[i].admin_may ? 404 : 403);
  }
}

static void administrators_read_and_delete_but_do_not_share(void **state) {
  struct us_world *w = shared_album(state);
  for (size_t i = 0; i < ATTEMPTS; i++) {
    struct us_reply r = make(w, &attempts[i], "alice", admin);
    bool is_pending_item = strstr(attempts[i].target, "pendingrequests/ID") != NULL;
    if (attempts[i].admin_may)
      assert_int_equal(r.status, is_pending_item ? 404 : 200);
    else if (strstr(attempts[i].target, "policies"))
      assert_rest(r, 403, "Only resource owner of resource set can create UMA policies for it.");
    else
      assert_status(r, 403);
  }
  assert_reply(get_policy(w, alice, id), 404); /* the delete at the end was carried out */
}

static void administrators_are_refused_before_the_resource_is_looked_up(void **state) {
  struct us_world *w = shared_album(state);
  assert_rest(us_with_sso(w, "PUT", POLICIES "/unknown", admin, NULL, "{\"policyId\":\"unknown\",\"permissions\":[]}"),
              403, "Only resource owner of resource set can create UMA policies for it.");
}

static void a_session_of_another_realm_is_another_user(void **state) {
  struct us_world *w = shared_album(state);
  assert_rest(
      us_with_sso(w, "GET", "/am/json/realms/root/users/alice/uma/policies?_queryFilter=true", alice, NULL, NULL), 403,
      "User, id=alice,ou=user,o=alpha,ou=services,dc=usher, not authorized.");
}

static void nobody_shares_what_is_anothers(void **state) {
  struct us_world *w = shared_album(state);
  const char *url = us_text(w, ALPHA_JSON "users/bob/uma/policies/%s", id);
  const char *body = policy_body(w, id, "[{\"subject\":\"carol\",\"scopes\":[\"edit\"]}]", NULL);
  assert_rest(us_with_sso(w, "PUT", url, bob, NULL, body), 403, "Forbidden");
  assert_rest(us_with_sso(w, "PUT", url, bob, "If-None-Match: *", body), 403, "Forbidden");
  assert_rest(us_with_sso(w, "PUT", url, bob, "If-Match: *", body), 404, us_text(w, "UMA Policy not found, %s", id));
  assert_rest(us_with_sso(w, "GET", url, bob, NULL, NULL), 404, us_text(w, "UMA Policy not found, %s", id));
  assert_rest(us_with_sso(w, "DELETE", url, bob, NULL, NULL), 404, us_text(w, "UMA Policy not found, %s", id));
  assert_reply(get_policy(w, alice, id), 200);
}

static void a_pat_opens_nothing_but_policies(void **state) {
  struct us_world *w = shared_album(state);
  const char *pat = us_pat(w, "alice", RS1);
  assert_reply(us_with_pat(w, "GET", policy_url(w, id), pat, NULL), 200);
  assert_rest(us_with_pat(w, "GET", POLICIES "?_queryFilter=true", pat, NULL), 401, "Access Denied");
  assert_rest(us_with_pat(w, "GET", PENDING "?_queryFilter=true", pat, NULL), 401, "Access Denied");
  assert_rest(us_with_pat(w, "POST", PENDING "/x?_action=approve", pat, "{}"), 401, "Access Denied");
  assert_rest(us_with_pat(w, "POST", SESSIONS "getSessionInfo", pat, "{}"), 401, "Access Denied");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(nobody_gets_in_without_a_session),
      STORY(another_user_is_refused_everywhere),
      STORY(user_names_cannot_be_probed),
      STORY(administrators_read_and_delete_but_do_not_share),
      STORY(administrators_are_refused_before_the_resource_is_looked_up),
      STORY(a_session_of_another_realm_is_another_user),
      STORY(nobody_shares_what_is_anothers),
      STORY(a_pat_opens_nothing_but_policies),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
