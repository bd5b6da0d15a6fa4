/*
 * Plugins (REST contract j): each of the eleven methods over the requests that call it, with plugins that are asked at once and such
 * that are asked on threads. What may change, what persists, who may veto, and what the caller and the store then see.
 */
#include "flow/plugins.h"

#define PARTY_CLIENT C1

/* ---- A plugin that notes everything, and does what the story says ---- */

static int (*on_registration)(struct usher_resource *r, struct usher_error *e);
static int (*on_permission)(const struct usher_resource *r, struct usher_error *e);
static int (*on_authorization)(const struct usher_ticket *t, const struct usher_party *party, struct usher_error *e);
static int (*on_shared)(struct usher_policy *p, struct usher_error *e);
static int (*on_modified)(const struct usher_policy *current, struct usher_policy *updated, struct usher_error *e);
static int (*on_deleted)(const struct usher_policy *p, struct usher_error *e);
static int (*on_query)(struct usher_str user, const struct usher_filter *in, struct usher_filter **out,
                       struct usher_error *e);

static int before_registration(void *self, struct usher_resource *r, struct usher_error *e) {
  note_call("1");
  return on_registration ? on_registration(r, e) : USHER_OK;
}
static void after_registration(void *self, const struct usher_resource *r) {
  char text[200];
  snprintf(text, sizeof(text), "2 %s", host->resource_get(r, "/name").p);
  note_call(text);
}
static int permission(void *self, const struct usher_resource *r, struct usher_strs requested,
                      struct usher_str client_id, struct usher_error *e) {
  char text[200];
  snprintf(text, sizeof(text), "3 %s %zu %s", client_id.p, requested.n, requested.n ? requested.v[0].p : "");
  note_call(text);
  return on_permission ? on_permission(r, e) : USHER_OK;
}
static int before_authorization(void *self, const struct usher_ticket *t, const struct usher_party *party,
                                const struct usher_party *owner, struct usher_strs requested, struct usher_error *e) {
  char text[300];
  snprintf(text, sizeof(text), "4 %s %s %zu", host->party_get(party, "/name").p, host->party_get(owner, "/name").p,
           requested.n);
  note_call(text);
  return on_authorization ? on_authorization(t, party, e) : USHER_OK;
}
static void after_success(void *self, const struct usher_ticket *t, const struct usher_party *party,
                          const struct usher_party *owner, struct usher_strs requested, struct usher_strs granted) {
  char text[200];
  snprintf(text, sizeof(text), "5 %zu %zu", requested.n, granted.n);
  note_call(text);
}
static void after_failure(void *self, const struct usher_ticket *t, const struct usher_party *party,
                          const struct usher_party *owner, struct usher_strs requested) {
  note_call("6");
}
static int before_shared(void *self, struct usher_policy *p, struct usher_error *e) {
  note_call("7");
  return on_shared ? on_shared(p, e) : USHER_OK;
}
static void after_shared(void *self, const struct usher_policy *p) {
  char text[300];
  snprintf(text, sizeof(text), "8 %s", host->policy_get(p, "/permissions").p);
  note_call(text);
}
static int before_modified(void *self, const struct usher_policy *current, struct usher_policy *updated,
                           struct usher_error *e) {
  note_call("9");
  return on_modified ? on_modified(current, updated, e) : USHER_OK;
}
static int deletion(void *self, const struct usher_policy *p, struct usher_error *e) {
  note_call("10");
  return on_deleted ? on_deleted(p, e) : USHER_OK;
}
static int before_query(void *self, struct usher_str user, const struct usher_filter *in, struct usher_filter **out,
                        struct usher_error *e) {
  char text[300];
  snprintf(text, sizeof(text), "11 %s %s", user.p, host->filter_text(in).p);
  note_call(text);
  return on_query ? on_query(user, in, out, e) : USHER_OK;
}

static const struct usher_plugin noter = {
    .size = sizeof(noter),
    .abi_major = USHER_ABI_MAJOR,
    .name = "noter",
    .version = "1",
    .before_resource_registration = before_registration,
    .after_resource_registration = after_registration,
    .on_permission_request = permission,
    .before_authorization = before_authorization,
    .after_successful_authorization = after_success,
    .after_failed_authorization = after_failure,
    .before_resource_shared = before_shared,
    .after_resource_shared = after_shared,
    .before_resource_shared_modification = before_modified,
    .on_resource_shared_deletion = deletion,
    .before_query_resource_sets = before_query,
};

static void forget_all(void) {
  on_registration = NULL;
  on_permission = NULL;
  on_authorization = NULL;
  on_shared = NULL;
  on_modified = NULL;
  on_deleted = NULL;
  on_query = NULL;
}

/* The three ways in which a plugin is called. */
enum way { QUICK, AT_ONCE, ON_THREADS, WAYS };
static struct us_world *begin(void **state, enum way way) {
  struct us_world *w = *state;
  struct usher_plugin abi = noter;
  if (way > QUICK) { /* a world of its own */
    plugins_teardown(state);
    plugins_setup(state);
    w = *state;
  }
  abi.flags = way == QUICK ? USHER_QUICK : 0;
  forget_all();
  load(w, abi, 0);
  if (way == ON_THREADS)
    assert_non_null(plugins.runner = us_hook_runner_new(&plugins, 2, 0));
  return w;
}

/* What was noted since the last time; waits for deeds that are told on a thread. */
static const char *noted_now(struct us_world *w) {
  while (plugins.runner && us_hook_runner_counters(plugins.runner).telling > 0)
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
  const char *text = us_text(w, "%s", noted);
  noted[0] = '\0';
  return text;
}

#define SETS_OF_ALICE ALPHA_JSON "users/alice/oauth2/resources/sets"

/* The main job with a plugin that only watches: same answers, and every method at its moment. */
static void every_method_at_its_moment(void **state) {
  for (enum way way = QUICK; way < WAYS; way++) {
    struct us_world *w = begin(state, way);
    const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM), *sso = us_sso(w, "alice");
    assert_string_equal(noted_now(w), "1;2 \"album\";");
    expect_status(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 201);
    assert_string_equal(noted_now(w), "7;8 " TO_BOB("[\"view\"]") ";");
    const char *ticket = ask_for(w, pat, id, "[\"view\"]");
    assert_string_equal(noted_now(w), "3 " RS1 " 1 view;");
    rpt_of(us_grant(w, C1, ticket, us_id_token(w, "bob", C1), NULL));
    assert_string_equal(noted_now(w), "4 \"bob\" \"alice\" 1;5 1 1;");
    expect_error(us_grant(w, C1, ask_for(w, pat, id, "[\"edit\"]"), us_id_token(w, "bob", C1), NULL), 403,
                 "request_submitted");
    assert_string_equal(noted_now(w), "3 " RS1 " 1 edit;4 \"bob\" \"alice\" 1;6;");
    expect_status(put_policy(w, sso, id, "If-Match: *", TO_BOB("[\"edit\"]"), NULL), 200);
    assert_string_equal(noted_now(w), "9;");
    expect_status(us_with_sso(w, "GET", SETS_OF_ALICE "?_queryFilter=name+eq+%22album%22", sso, NULL, NULL), 200);
    assert_string_equal(noted_now(w), "11 alice name eq \"album\";");
    expect_status(us_with_sso(w, "GET", SETS_OF_ALICE "?_queryId=*", sso, NULL, NULL), 200);
    assert_string_equal(noted_now(w), "");
    expect_status(us_with_sso(w, "DELETE", policy_url(w, id), sso, NULL, NULL), 200);
    assert_string_equal(noted_now(w), "10;");
    expect_status(us_with_pat(w, "PUT", set_url(w, id), pat, ALBUM), 200);
    expect_status(us_with_pat(w, "DELETE", set_url(w, id), pat, NULL), 204);
    assert_string_equal(noted_now(w), "");
  }
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      PLUGIN_STORY(every_method_at_its_moment),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
