/*
 * Plugins (REST contract j): each of the eleven methods over the requests that call it, with plugins that are asked at once and such
 * that are asked on threads. What may change, what persists, who may veto, and what the caller and the store then see.
 */
#include "domain/pool_share.h"
#include "flow/plugins.h"

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

#define PHOTO_BODY "{\"name\":\"photo\",\"resource_scopes\":[\"view\",\"print\"]}"
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

/* ---- Edits ---- */

static int rename_album(struct usher_resource *r, struct usher_error *e) {
  assert_string_equal(text_at(host->resource_get(r, "/owner")), "alice");
  assert_string_equal(text_at(host->resource_get(r, "/realm")), "/alpha");
  assert_string_equal(text_at(host->resource_get(r, "/client_id")), RS1);
  assert_int_equal(host->resource_set(r, "/_id", "\"other\""), USHER_FAIL);
  assert_int_equal(host->resource_set(r, "/owner", "\"bob\""), USHER_FAIL);
  assert_int_equal(host->resource_set(r, "/realm", "\"/\""), USHER_FAIL);
  assert_int_equal(host->resource_set(r, "/labels", "[\"x\"]"), USHER_FAIL);
  assert_int_equal(host->resource_set(r, "/name", "1"), USHER_FAIL);
  assert_int_equal(host->resource_set(r, "/name", "nonsense"), USHER_FAIL);
  assert_int_equal(host->resource_set(r, "", "{}"), USHER_FAIL);
  assert_int_equal(host->resource_set(r, "/resource_scopes", "null"), USHER_FAIL);
  assert_int_equal(host->resource_set(r, "/resource_scopes/-", "\"print\""), USHER_OK);
  assert_int_equal(host->resource_set(r, "/description", "\"of alice\""), USHER_OK);
  assert_int_equal(host->resource_set(r, "/icon_uri", "null"), USHER_OK);
  return host->resource_set(r, "/name", "\"Album 1\"");
}

static void edits_of_a_resource_are_stored(void **state) {
  for (enum way way = QUICK; way < WAYS; way++) {
    struct us_world *w = begin(state, way);
    const char *pat = us_pat(w, "alice", RS1);
    on_registration = rename_album;
    const char *id =
        us_register(w, pat,
                    "{\"name\":\"album\",\"owner\":\"mallory\",\"icon_uri\":\"http://a/i\",\"x\":{\"y\":1},"
                    "\"labels\":[\"l\"],\"resource_scopes\":[\"view\"]}");
    assert_string_equal(noted_now(w), "1;2 \"Album 1\";");
    struct us_reply r = us_with_pat(w, "GET", set_url(w, id), pat, NULL);
    assert_status(r, 200);
    assert_string_equal(us_reply_str(&r, "name"), "Album 1");
    assert_string_equal(us_reply_str(&r, "description"), "of alice");
    assert_string_equal(us_reply_str(&r, "owner"), "mallory"); /* the resource server's own member */
    assert_null(json_object_get(r.json, "icon_uri"));
    assert_non_null(json_object_get(r.json, "x"));
    assert_int_equal(json_array_size(json_object_get(r.json, "resource_scopes")), 2);
    assert_int_equal(json_array_size(json_object_get(r.json, "labels")), 1);
    expect_error(us_with_pat(w, "POST", SETS, pat, "{\"name\":\"other\",\"resource_scopes\":[\"view\"]}"), 400,
                 "invalid_request"); /* the edited name is taken now */
  }
}

static int two_names(struct usher_resource *r, struct usher_error *e) {
  assert_string_equal(text_at(host->resource_get(r, "/name")), "Album 1");
  return host->resource_set(r, "/name", "\"Album 2\"");
}
static int second_registration(void *self, struct usher_resource *r, struct usher_error *e) {
  note_call("second");
  return two_names(r, e);
}

/* REST contract j.3: ascending priority, then name; each sees the edits of those before. */
static void plugins_see_the_edits_of_those_before(void **state) {
  for (enum way way = QUICK; way < WAYS; way++) {
    struct us_world *w = begin(state, way);
    struct usher_plugin second = {
        .size = sizeof(second), .name = "second", .version = "1", .before_resource_registration = second_registration};
    load(w, second, 1);
    on_registration = rename_album;
    const char *pat = us_pat(w, "alice", RS1);
    us_register(w, pat, ALBUM);
    assert_string_equal(noted_now(w), "1;second;2 \"Album 2\";");
  }
}

static int add_carol(struct usher_policy *p, struct usher_error *e) {
  const struct usher_str scopes[] = {{"view", 4}};
  assert_string_equal(text_at(host->policy_get(p, "/sharer")), "alice");
  /* a handle of another kind, or none, gives nothing and takes nothing */
  assert_int_equal(host->resource_get((struct usher_resource *)p, "/policyId").n, 0);
  assert_int_equal(host->ticket_get(NULL, "/id").n, 0);
  assert_int_equal(host->resource_set((struct usher_resource *)p, "/name", "\"x\""), USHER_FAIL);
  assert_int_equal(host->policy_get(p, "no pointer").n, 0);
  assert_int_equal(host->policy_get(p, NULL).n, 0);
  assert_string_equal(text_at(host->policy_get(p, "/resource/name")), "album");
  assert_int_equal(host->policy_set(p, "/policyId", "\"x\""), USHER_FAIL);
  assert_int_equal(host->policy_set(p, "/sharer", "\"bob\""), USHER_FAIL);
  assert_int_equal(host->policy_set(p, "/resource/name", "\"x\""), USHER_FAIL);
  assert_int_equal(host->policy_set(p, "/permissions", "{}"), USHER_FAIL);
  assert_int_equal(host->policy_set(p, "/permissions/0/scopes", "[1]"), USHER_FAIL);
  return host->policy_grant(p, (struct usher_str){"carol", 5}, (struct usher_strs){scopes, 1});
}
static int drop_bob(const struct usher_policy *current, struct usher_policy *updated, struct usher_error *e) {
  assert_string_equal(text_at(host->policy_get(current, "/permissions/1/subject")), "carol");
  assert_int_equal(host->policy_set((struct usher_policy *)current, "/permissions", "[]"), USHER_FAIL);
  return host->policy_grant(updated, (struct usher_str){"BOB", 3}, (struct usher_strs){0});
}

static void edits_of_a_policy_are_stored(void **state) {
  for (enum way way = QUICK; way < WAYS; way++) {
    struct us_world *w = begin(state, way);
    const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM), *sso = us_sso(w, "alice");
    on_shared = add_carol;
    on_modified = drop_bob;
    expect_status(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 201);
    struct us_reply r = get_policy(w, sso, id);
    assert_int_equal(json_array_size(json_object_get(r.json, "permissions")), 2);
    rpt_of(us_grant(w, C1, ask_for(w, pat, id, "[\"view\"]"), us_id_token(w, "carol", C1), NULL));
    expect_status(
        put_policy(w, sso, id, "If-Match: *",
                   "[{\"subject\":\"bob\",\"scopes\":[\"view\"]},{\"subject\":\"carol\",\"scopes\":[\"edit\"]}]", NULL),
        200);
    r = get_policy(w, sso, id);
    assert_int_equal(json_array_size(json_object_get(r.json, "permissions")), 1);
    assert_non_null(strstr(r.body, "\"carol\",\"scopes\":[\"edit\"]"));
  }
}

/* Conditions that nobody touched stay with their subjects; those that a plugin wrote hold for all. */
static int set_expiry(struct usher_policy *p, struct usher_error *e) {
  assert_int_equal(host->policy_set(p, "/type", "\"AND\""), USHER_OK);
  return host->policy_set(p, "/conditions", "[{\"type\":\"Expiration\",\"expirationDate\":4102444800}]");
}
static int touch_scopes(const struct usher_policy *current, struct usher_policy *updated, struct usher_error *e) {
  return host->policy_set(updated, "/permissions/0/scopes/-", "\"download\"");
}
static void conditions_follow_edits(void **state) {
  struct us_world *w = begin(state, QUICK);
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM), *sso = us_sso(w, "alice");
  on_shared = set_expiry;
  expect_status(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 201);
  struct us_reply r = get_policy(w, sso, id);
  assert_non_null(strstr(r.body, "4102444800"));
  on_modified = touch_scopes;
  expect_status(put_policy(w, sso, id, "If-Match: *", TO_BOB("[\"view\"]"), NULL), 200);
  r = get_policy(w, sso, id);
  assert_non_null(strstr(r.body, "4102444800"));
  assert_non_null(strstr(r.body, "download"));
}

/* ---- Edits that make it invalid ---- */

static int empty_scope(struct usher_resource *r, struct usher_error *e) {
  return host->resource_set(r, "/resource_scopes", "[\"\"]");
}
static int bad_uri(struct usher_resource *r, struct usher_error *e) {
  return host->resource_set(r, "/icon_uri", "\"no uri\"");
}
static int unknown_scope(struct usher_policy *p, struct usher_error *e) {
  return host->policy_set(p, "/permissions/0/scopes", "[\"fly\"]");
}
static int nobody(struct usher_policy *p, struct usher_error *e) {
  return host->policy_set(p, "/permissions", "[]");
}
static int twice(struct usher_policy *p, struct usher_error *e) {
  return host->policy_set(p, "/permissions/-", "{\"subject\":\"Bob\",\"scopes\":[\"view\"]}");
}
static int bad_field(struct usher_str user, const struct usher_filter *in, struct usher_filter **out,
                     struct usher_error *e) {
  assert_null(host->filter_parse((struct usher_str){"name eq", 7}));
  *out = host->filter_parse((struct usher_str){"nonsense eq \"x\"", 15});
  return *out ? USHER_OK : USHER_FAIL;
}

static void invalid_edits_are_a_500_and_nothing_is_stored(void **state) {
  for (enum way way = QUICK; way < WAYS; way++) {
    struct us_world *w = begin(state, way);
    const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM), *sso = us_sso(w, "alice");
    int64_t resources = us_count(w, "SELECT count(*) FROM resource"),
            events = us_count(w, "SELECT count(*) FROM audit_event");
    int (*const flaws[])(struct usher_resource *, struct usher_error *) = {empty_scope, bad_uri};
    noted_now(w);
    for (size_t i = 0; i < 2; i++) {
      on_registration = flaws[i];
      struct us_reply r = us_with_pat(w, "POST", SETS, pat, PHOTO_BODY);
      assert_error(r, 500, "server_error");
      assert_string_equal(us_reply_str(&r, "error_description"), "Extension produced an invalid resource");
    }
    assert_string_equal(noted_now(w), "1;1;");
    int (*const wrongs[])(struct usher_policy *, struct usher_error *) = {unknown_scope, nobody, twice};
    for (size_t i = 0; i < 3; i++) {
      on_shared = wrongs[i];
      assert_rest(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 500,
                  "Extension produced an invalid policy");
    }
    assert_string_equal(noted_now(w), "7;7;7;");
    on_query = bad_field;
    assert_rest(us_with_sso(w, "GET", SETS_OF_ALICE "?_queryFilter=true", sso, NULL, NULL), 500,
                "Extension produced an invalid filter");
    assert_int_equal(us_count(w, "SELECT count(*) FROM resource"), resources);
    assert_int_equal(us_count(w, "SELECT count(*) FROM policy"), 0);
    assert_int_equal(us_count(w, "SELECT count(*) FROM audit_event"), events);
  }
}

/* ---- Vetoes and failures ---- */

static enum usher_rc verdict;
static bool says_why;
static int veto_resource(struct usher_resource *r, struct usher_error *e) {
  if (says_why)
    host->error_set(e, 451, "not_here", "No \"quotes\" here", "{\"rule\":7,\"error\":\"mine\"}");
  return verdict;
}
static int veto_permission(const struct usher_resource *r, struct usher_error *e) {
  return veto_resource(NULL, e);
}
static int veto_authorization(const struct usher_ticket *t, const struct usher_party *party, struct usher_error *e) {
  return veto_resource(NULL, e);
}
static int veto_policy(struct usher_policy *p, struct usher_error *e) {
  return veto_resource(NULL, e);
}
static int veto_change(const struct usher_policy *current, struct usher_policy *updated, struct usher_error *e) {
  return veto_resource(NULL, e);
}
static int veto_deletion(const struct usher_policy *p, struct usher_error *e) {
  return veto_resource(NULL, e);
}
static int veto_query(struct usher_str user, const struct usher_filter *in, struct usher_filter **out,
                      struct usher_error *e) {
  return veto_resource(NULL, e);
}

/* What each veto looks like from outside: REST contract j.3. */
static void assert_vetoed(struct us_reply r, const char *oauth_error) {
  if (verdict == USHER_FAIL) {
    assert_status(r, 500);
    assert_non_null(strstr(r.body, "Extension failed"));
    return;
  }
  assert_status(r, says_why ? 451 : 403);
  if (oauth_error)
    assert_string_equal(us_reply_str(&r, "error"), says_why ? "not_here" : oauth_error);
  else
    assert_int_equal(us_reply_int(&r, "code"), says_why ? 451 : 403);
  const json_t *more = oauth_error ? r.json : json_object_get(r.json, "detail");
  if (says_why)
    assert_int_equal(json_integer_value(json_object_get(more, "rule")), 7);
  if (says_why && !oauth_error)
    assert_string_equal(us_reply_str(&r, "message"), "No \"quotes\" here");
  if (!says_why && !oauth_error)
    assert_string_equal(us_reply_str(&r, "message"), "Forbidden");
}

static void try_vetoes(struct us_world *w) {
  const char *pat = us_pat(w, "alice", RS1), *sso = us_sso(w, "alice");
  forget_all();
  const char *id = us_register(w, pat, ALBUM), *shared = us_register(w, pat, PHOTO_BODY);
  expect_status(put_policy(w, sso, shared, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 201);
  int64_t resources = us_count(w, "SELECT count(*) FROM resource"),
          tickets = us_count(w, "SELECT count(*) FROM ticket");
  int64_t events = us_count(w, "SELECT count(*) FROM audit_event");
  on_registration = veto_resource;
  on_permission = veto_permission;
  on_shared = veto_policy;
  on_modified = veto_change;
  on_deleted = veto_deletion;
  on_query = veto_query;
  noted_now(w);
  assert_vetoed(us_with_pat(w, "POST", SETS, pat, "{\"resource_scopes\":[\"view\"]}"), "access_denied");
  assert_vetoed(us_with_pat(w, "POST", PERM, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[]}", id)),
                "access_denied");
  assert_vetoed(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), NULL);
  assert_vetoed(put_policy(w, sso, shared, "If-Match: *", TO_BOB("[\"print\"]"), NULL), NULL);
  assert_vetoed(us_with_sso(w, "DELETE", policy_url(w, shared), sso, NULL, NULL), NULL);
  assert_vetoed(us_with_sso(w, "GET", SETS_OF_ALICE "?_queryFilter=true", sso, NULL, NULL), NULL);
  noted_now(w);
  assert_int_equal(us_count(w, "SELECT count(*) FROM resource"), resources);
  assert_int_equal(us_count(w, "SELECT count(*) FROM ticket"), tickets);
  assert_int_equal(us_count(w, "SELECT count(*) FROM policy"), 1);
  assert_int_equal(us_count(w, "SELECT count(*) FROM audit_event"), events);
  struct us_reply r = get_policy(w, sso, shared);
  assert_non_null(strstr(r.body, "\"scopes\":[\"view\"]"));
}

static void a_veto_or_failure_stops_everything(void **state) {
  for (enum way way = QUICK; way < WAYS; way++) {
    for (int i = 0; i < 3; i++) {
      struct us_world *w = begin(state, way);
      if (i > 0 && way == QUICK) {
        plugins_teardown(state);
        plugins_setup(state);
        w = begin(state, way);
      }
      verdict = i < 2 ? USHER_VETO : USHER_FAIL;
      says_why = i == 1;
      try_vetoes(w);
    }
  }
}

/* The ticket is spent by a veto, and not by a failure; no pending request, no decision, nobody is told. */
static void a_veto_of_the_grant_spends_the_ticket(void **state) {
  for (enum way way = QUICK; way < WAYS; way++) {
    struct us_world *w = begin(state, way);
    const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM), *bob = us_id_token(w, "bob", C1);
    const char *ticket = ask_for(w, pat, id, "[\"view\"]");
    on_authorization = veto_authorization;
    for (int i = 0; i < 3; i++) {
      verdict = i == 0 ? USHER_FAIL : USHER_VETO;
      says_why = i == 2;
      if (i == 2)
        ticket = ask_for(w, pat, id, "[\"view\"]");
      noted_now(w);
      struct us_reply r = us_grant(w, C1, ticket, bob, NULL);
      assert_vetoed(r, "request_denied");
      assert_null(json_object_get(r.json, "ticket"));
      assert_string_equal(noted_now(w), "4 \"bob\" \"alice\" 1;");
    }
    expect_error(us_grant(w, C1, ticket, bob, NULL), 400, "invalid_grant");
    assert_int_equal(us_count(w, "SELECT count(*) FROM pending_request"), 0);
    assert_int_equal(us_count(w, "SELECT count(*) FROM rpt"), 0);
    forget_all();
    ticket = ask_for(w, pat, id, "[\"view\"]");
    expect_error(us_grant(w, C2, ticket, us_id_token(w, "bob", C2), NULL), 403, "request_submitted");
  }
}

/* j.3: the same from `approve`; the request stays pending. */
static void a_veto_of_an_approval_leaves_it_pending(void **state) {
  for (enum way way = QUICK; way < WAYS; way++) {
    struct us_world *w = begin(state, way);
    const char *pat = us_pat(w, "alice", RS1), *sso = us_sso(w, "alice");
    const char *ids[3];
    for (int i = 0; i < 3; i++) {
      ids[i] = us_register(w, pat, us_text(w, "{\"name\":\"r%d\",\"resource_scopes\":[\"view\"]}", i));
      expect_error(us_grant(w, C1, ask_for(w, pat, ids[i], "[\"view\"]"), us_id_token(w, "bob", C1), NULL), 403,
                   "request_submitted");
    }
    on_shared = veto_policy;
    verdict = USHER_VETO;
    says_why = true;
    noted_now(w);
    struct us_reply r = us_with_sso(w, "POST", PENDING "?_action=approveAll", sso, NULL, "{}");
    assert_vetoed(r, NULL);
    assert_int_equal(us_count(w, "SELECT count(*) FROM pending_request"), 3);
    assert_int_equal(us_count(w, "SELECT count(*) FROM policy"), 0);
    forget_all();
    noted_now(w);
    expect_status(us_with_sso(w, "POST", PENDING "?_action=approveAll", sso, NULL, "{}"), 200);
    assert_string_equal(noted_now(w),
                        "7;7;7;8 " TO_BOB("[\"view\"]") ";8 " TO_BOB("[\"view\"]") ";8 " TO_BOB("[\"view\"]") ";");
    r = us_with_sso(w, "POST", POLICIES "?_action=stopSharingWith", sso, NULL, "{\"subject\":\"bob\"}");
    assert_status(r, 200);
    assert_int_equal(us_reply_int(&r, "stopped"), 3);
    assert_string_equal(noted_now(w), "10;10;10;");
  }
}

/* ---- Queries ---- */

static int only_albums(struct usher_str user, const struct usher_filter *in, struct usher_filter **out,
                       struct usher_error *e) {
  *out = host->filter_and(in, host->filter_parse((struct usher_str){"name sw \"a\"", 11}));
  return USHER_OK;
}
static int everything(struct usher_str user, const struct usher_filter *in, struct usher_filter **out,
                      struct usher_error *e) {
  *out = host->filter_parse((struct usher_str){"true", 4});
  return USHER_OK;
}

/* A plugin narrows or widens the filter; what it never does is show what the user may not see. */
static void filters_are_replaced_and_visibility_stays(void **state) {
  for (enum way way = QUICK; way < WAYS; way++) {
    struct us_world *w = begin(state, way);
    const char *pat = us_pat(w, "alice", RS1);
    us_register(w, pat, ALBUM);
    us_register(w, pat, PHOTO_BODY);
    us_register(w, us_pat(w, "bob", RS1), "{\"name\":\"of bob\",\"resource_scopes\":[\"view\"]}");
    const char *sso = us_sso(w, "alice");
    on_query = only_albums;
    struct us_reply r = us_with_sso(w, "GET", SETS_OF_ALICE "?_queryFilter=true&_fields=name", sso, NULL, NULL);
    assert_int_equal(us_reply_int(&r, "resultCount"), 1);
    assert_non_null(strstr(r.body, "album"));
    on_query = everything;
    r = us_with_sso(w, "GET", SETS_OF_ALICE "?_queryFilter=name+eq+%22none%22&_fields=name", sso, NULL, NULL);
    assert_int_equal(us_reply_int(&r, "resultCount"), 2);
    assert_null(strstr(r.body, "of bob"));
  }
}

/* ---- Deadlines and broken promises ---- */

static _Atomic bool is_held;
static _Atomic int held;
/* Holds the first who comes. */
static int hold(struct usher_resource *r, struct usher_error *e) {
  if (held++ > 0)
    return USHER_OK;
  while (is_held)
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  return host->resource_set(r, "/name", "\"too late\"");
}

/* Late is a failure (500, nothing stored), the thread comes back later and hurts nobody, and others are served meanwhile. */
static void who_is_late_is_given_up(void **state) {
  struct us_world *w = begin(state, ON_THREADS);
  const char *pat = us_pat(w, "alice", RS1);
  loaded[0].deadline_ms = 50;
  on_registration = hold;
  is_held = true;
  struct us_reply r = us_with_pat(w, "POST", SETS, pat, ALBUM);
  assert_error(r, 500, "server_error");
  assert_string_equal(us_reply_str(&r, "error_description"), "Extension did not answer in time");
  assert_int_equal(us_count(w, "SELECT count(*) FROM resource"), 0);
  assert_int_equal(loaded[0].counters[US_HOOK_BEFORE_RESOURCE_REGISTRATION].late, 1);
  us_register(w, pat, ALBUM);
  is_held = false;
}

static int dawdle(struct usher_resource *r, struct usher_error *e) {
  nanosleep(&(struct timespec){.tv_nsec = (US_HOOK_QUICK_US + 500) * 1000}, NULL);
  return USHER_OK;
}

/* A plugin that says it is quick and is not is called on threads after three times. */
static void a_broken_promise_of_being_quick_has_an_end(void **state) {
  struct us_world *w = begin(state, QUICK);
  const char *pat = us_pat(w, "alice", RS1);
  on_registration = dawdle;
  for (int i = 0; i < US_HOOK_QUICK_STRIKES; i++) {
    assert_int_equal(plugins.threaded, 0);
    us_register(w, pat, us_text(w, "{\"name\":\"r%d\",\"resource_scopes\":[\"view\"]}", i));
  }
  assert_true(plugins.threaded & (1u << US_HOOK_BEFORE_RESOURCE_REGISTRATION));
  us_register(w, pat, ALBUM);
}

/* A rule that looks for something and takes "nothing" for good news. */
static int look_until_there_is_nothing(struct usher_resource *r, struct usher_error *e) {
  (void)e;
  for (int i = 0; i < 2000000; i++)
    if (host->resource_get(r, "/description").n == 0)
      return USHER_OK;
  return USHER_VETO;
}

/* What the host has no memory left for must not pass for what is not there. */
static void whoever_uses_up_its_memory_has_failed(void **state) {
  for (enum way way = QUICK; way < WAYS; way++) {
    struct us_world *w = begin(state, way);
    const char *pat = us_pat(w, "alice", RS1);
    plugins.v[0].deadline_ms = 60000;
    on_registration = look_until_there_is_nothing;
    struct us_reply r =
        us_with_pat(w, "POST", SETS, pat,
                    us_text(w, "{\"name\":\"a\",\"resource_scopes\":[\"view\"],\"description\":\"%02000d\"}", 0));
    if (r.status != 500 && r.status != 503)
      fail_msg("%d %s", r.status, r.body);
    assert_int_equal(us_count(w, "SELECT count(*) FROM resource WHERE name = 'a'"), 0);
    on_registration = NULL;
    us_register(w, pat, ALBUM); /* it is of that call only */
  }
}

static int veto_registration(struct usher_resource *r, struct usher_error *e) {
  return USHER_VETO;
}

/* Who waits for plugins counts as who waits for the pool: one address does not take all of it, and gives back what it had. */
static void an_address_has_a_share_of_those_who_wait(void **state) {
  for (enum way way = AT_ONCE; way < WAYS; way++) {
    struct us_world *w = begin(state, way);
    struct us_services *svc = us_world_services(w);
    const char *pat = us_pat(w, "alice", RS1);
    unsigned slot;
    us_world_come_from(w, "198.51.100.7", "198.51.100.7");
    svc->pool_per_address = 1;
    us_register(w, pat, ALBUM);
    on_registration = veto_registration;
    expect_error(us_with_pat(w, "POST", SETS, pat, PHOTO_BODY), 403, "access_denied");
    on_registration = NULL;
    assert_true(us_pool_share_take(svc, US_STR("198.51.100.7"), &slot));
    expect_status(us_with_pat(w, "POST", SETS, pat, PHOTO_BODY), 503);
    us_world_come_from(w, "198.51.100.8", "198.51.100.8");
    expect_status(us_with_pat(w, "POST", SETS, pat, PHOTO_BODY), 201);
    us_pool_share_give(svc, slot);
    for (size_t i = 0; i < US_POOL_SLOTS; i++)
      assert_int_equal(svc->pool_jobs[i], 0);
  }
}

/* ---- Events ---- */

static uint32_t wanted;
static uint32_t wanted_methods(void *self) {
  return wanted;
}
static int take_event(void *self, struct usher_str event) {
  note_call(event.p);
  return USHER_OK;
}

/* With deliver() a deed is written down in its own transaction, once for each plugin that wants such; what nobody wants is not, and what was
 * not committed neither. */
static void events_are_written_down_with_the_deed(void **state) {
  struct us_world *w = begin(state, QUICK);
  struct usher_plugin courier = {
      .size = sizeof(courier), .name = "courier", .version = "1", .deliver = take_event, .methods = wanted_methods};
  static const char events[] = "SELECT count(*) FROM outbox WHERE channel = 1";
  wanted = 1u << US_HOOK_AFTER_RESOURCE_SHARED | 1u << US_HOOK_AFTER_SUCCESSFUL_AUTHORIZATION;
  load(w, courier, 1);
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM), *sso = us_sso(w, "alice");
  assert_int_equal(us_count(w, events), 0);
  on_shared = nobody;
  expect_status(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 500);
  assert_int_equal(us_count(w, events), 0);
  on_shared = NULL;
  expect_status(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 201);
  assert_int_equal(us_count(w, events), 1);
  rpt_of(us_grant(w, C1, ask_for(w, pat, id, "[\"view\"]"), us_id_token(w, "bob", C1), NULL));
  assert_int_equal(us_count(w, events), 2);
  expect_error(us_grant(w, C1, ask_for(w, pat, id, "[\"edit\"]"), us_id_token(w, "bob", C1), NULL), 403,
               "request_submitted");
  assert_int_equal(us_count(w, events), 2);
  assert_int_equal(
      us_count(w, "SELECT count(*) FROM outbox WHERE event_key LIKE 'courier %' AND body LIKE '%\"event\":\"after%'"),
      2);
  assert_int_equal(us_count(w, "SELECT count(*) FROM outbox WHERE body LIKE '%\"grantedScope\":[\"view\"]%'"), 1);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      PLUGIN_STORY(every_method_at_its_moment),
      PLUGIN_STORY(edits_of_a_resource_are_stored),
      PLUGIN_STORY(plugins_see_the_edits_of_those_before),
      PLUGIN_STORY(edits_of_a_policy_are_stored),
      PLUGIN_STORY(conditions_follow_edits),
      PLUGIN_STORY(invalid_edits_are_a_500_and_nothing_is_stored),
      PLUGIN_STORY(a_veto_or_failure_stops_everything),
      PLUGIN_STORY(a_veto_of_the_grant_spends_the_ticket),
      PLUGIN_STORY(a_veto_of_an_approval_leaves_it_pending),
      PLUGIN_STORY(filters_are_replaced_and_visibility_stays),
      PLUGIN_STORY(who_is_late_is_given_up),
      PLUGIN_STORY(a_broken_promise_of_being_quick_has_an_end),
      PLUGIN_STORY(whoever_uses_up_its_memory_has_failed),
      PLUGIN_STORY(an_address_has_a_share_of_those_who_wait),
      PLUGIN_STORY(events_are_written_down_with_the_deed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
