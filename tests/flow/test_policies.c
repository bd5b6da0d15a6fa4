/* Sharing: create, read, update, delete a policy (REST contract c.1 to c.5, c.8, a.6). */
#include "flow/crest.h"

struct owner {
  struct us_world *w;
  const char *pat, *sso, *id;
};
static struct owner alice_with_album(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  return (struct owner){w, pat, us_sso(w, "alice"), us_register(w, pat, ALBUM)};
}
static struct us_reply put(const struct owner *o, const char *precondition, const char *permissions,
                           const char *extra) {
  return put_policy(o->w, o->sso, o->id, precondition, permissions, extra);
}
static struct us_reply get(const struct owner *o) {
  return get_policy(o->w, o->sso, o->id);
}
static const char *rev_of(struct us_reply r) {
  return us_reply_str(&r, "_rev");
}
static const char *compact(struct us_world *w, const json_t *value) {
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  const char *copy = us_text(w, "%s", text ? text : "(none)");
  free(text);
  return copy;
}
static const char *member(struct us_world *w, const struct us_reply *r, const char *name) {
  return compact(w, json_object_get(r->json, name));
}

static void create_answers_id_and_revision_only(void **state) {
  struct owner o = alice_with_album(state);
  struct us_reply r = put(&o, "If-None-Match: *", TO_BOB("[\"view\",\"edit\"]"), NULL);
  assert_status(r, 201);
  assert_string_equal(r.body, us_text(o.w, "{\"_id\":\"%s\",\"_rev\":\"%s\"}", o.id, rev_of(r)));
  assert_string_equal(us_reply_header(&r, "ETag"), us_text(o.w, "\"%s\"", rev_of(r)));
  assert_string_equal(us_reply_header(&r, "Location"),
                      us_text(o.w, WORLD_BASE "/json/realms/root/realms/alpha/users/alice/uma/policies/%s", o.id));
  assert_string_equal(us_reply_header(&r, "Content-API-Version"), "protocol=2.1,resource=1.0");
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-cache");
}

static void read_shows_the_whole_policy(void **state) {
  struct owner o = alice_with_album(state);
  const char *rev = rev_of(assert_reply(put(&o, "If-None-Match: *", TO_BOB("[\"view\",\"edit\"]"), NULL), 201));
  struct us_reply r = get(&o);
  assert_body(r, 200,
              us_text(o.w,
                      "{\"_id\":\"%s\",\"_rev\":\"%s\",\"policyId\":\"%s\",\"name\":\"album\",\"permissions\":"
                      "[{\"subject\":\"bob\",\"scopes\":[\"view\",\"edit\"]}]}",
                      o.id, rev, o.id));
  assert_string_equal(us_reply_header(&r, "ETag"), us_text(o.w, "\"%s\"", rev));
}

static void update_answers_the_policy_without_name(void **state) {
  struct owner o = alice_with_album(state);
  const char *rev = rev_of(assert_reply(put(&o, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 201));
  struct us_reply r =
      put(&o, "If-Match: *",
          "[{\"subject\":\"carol\",\"scopes\":[\"edit\"]},{\"subject\":\"bob\",\"scopes\":[\"edit\"]}]", NULL);
  assert_status(r, 200);
  assert_string_not_equal(rev_of(r), rev);
  assert_string_equal(
      r.body, us_text(o.w,
                      "{\"_id\":\"%s\",\"_rev\":\"%s\",\"policyId\":\"%s\",\"permissions\":"
                      "[{\"subject\":\"carol\",\"scopes\":[\"edit\"]},{\"subject\":\"bob\",\"scopes\":[\"edit\"]}]}",
                      o.id, rev_of(r), o.id));
  struct us_reply again = get(&o);
  assert_string_equal(member(o.w, &again, "permissions"), member(o.w, &r, "permissions"));
  assert_string_equal(rev_of(again), rev_of(r));
}

static void update_replaces_everything(void **state) {
  struct owner o = alice_with_album(state);
  put(&o, NULL, "[{\"subject\":\"bob\",\"scopes\":[\"view\"]},{\"subject\":\"carol\",\"scopes\":[\"view\"]}]", NULL);
  put(&o, "If-Match: *", "[{\"subject\":\"dave\",\"scopes\":[\"view\"]},{\"subject\":\"BOB\",\"scopes\":[\"edit\"]}]",
      NULL);
  struct us_reply r = get(&o);
  assert_string_equal(member(o.w, &r, "permissions"), "[{\"subject\":\"dave\",\"scopes\":[\"view\"]},"
                                                      "{\"subject\":\"BOB\",\"scopes\":[\"edit\"]}]");
}

static void delete_answers_an_empty_object(void **state) {
  struct owner o = alice_with_album(state);
  put(&o, NULL, TO_BOB("[\"view\"]"), NULL);
  assert_body(us_with_sso(o.w, "DELETE", policy_url(o.w, o.id), o.sso, NULL, NULL), 200, "{}");
  const char *gone = us_text(o.w, "UMA Policy not found, %s", o.id);
  assert_rest(get(&o), 404, gone);
  assert_rest(us_with_sso(o.w, "DELETE", policy_url(o.w, o.id), o.sso, NULL, NULL), 404, gone);
  assert_rest(put(&o, "If-Match: *", TO_BOB("[\"view\"]"), NULL), 404, gone);
}

static void an_empty_list_takes_everything_back(void **state) {
  struct owner o = alice_with_album(state);
  put(&o, NULL, TO_BOB("[\"view\"]"), NULL);
  struct us_reply r = put(&o, "If-Match: *", "[]", NULL);
  assert_status(r, 200);
  assert_string_equal(member(o.w, &r, "permissions"), "[]");
  assert_rest(get(&o), 404, us_text(o.w, "UMA Policy not found, %s", o.id));
}

static void a_permission_without_scopes_is_dropped(void **state) {
  struct owner o = alice_with_album(state);
  put(&o, NULL, "[{\"subject\":\"bob\",\"scopes\":[]},{\"subject\":\"carol\",\"scopes\":[\"view\",\"view\"]}]", NULL);
  struct us_reply r = get(&o);
  assert_string_equal(member(o.w, &r, "permissions"), "[{\"subject\":\"carol\",\"scopes\":[\"view\"]}]");
  assert_reply(put(&o, "If-Match: *", "[{\"subject\":\"carol\",\"scopes\":[]}]", NULL), 200);
  assert_reply(get(&o), 404);
}

static void post_creates_too(void **state) {
  struct owner o = alice_with_album(state);
  const char *body = policy_body(o.w, o.id, TO_BOB("[\"view\"]"), NULL);
  struct us_reply r = us_with_sso(o.w, "POST", POLICIES "?_action=create", o.sso, NULL, body);
  assert_status(r, 201);
  assert_string_equal(us_reply_str(&r, "_id"), o.id);
  assert_rest(us_with_sso(o.w, "POST", POLICIES, o.sso, NULL, body), 409,
              us_text(o.w, "Policy already exists for Resource Server, " RS1 ", Resource Set, %s", o.id));
  const char *other = us_register(o.w, o.pat, PHOTO);
  assert_reply(us_with_sso(o.w, "POST", POLICIES, o.sso, NULL, policy_body(o.w, other, TO_BOB("[\"print\"]"), NULL)),
               201);
}

static void what_put_does_follows_from_its_preconditions(void **state) {
  struct owner o = alice_with_album(state);
  const char *exists = us_text(o.w, "Policy already exists for Resource Server, " RS1 ", Resource Set, %s", o.id);
  const char *v1 = "Accept-API-Version: protocol=1.0,resource=1.0";
  const char *headers = us_text(o.w, "iPlanetDirectoryPro: %s\nContent-Type: application/json\n%s", o.sso, v1);
  const char *body = policy_body(o.w, o.id, TO_BOB("[\"view\"]"), NULL);
  const char *url = policy_url(o.w, o.id);
  assert_reply(put(&o, "If-Match: *", TO_BOB("[\"view\"]"), NULL), 404);                  /* update of nothing */
  assert_reply(us_send(o.w, "PUT", url, headers, body), 404);                             /* protocol 1: update */
  const char *rev = rev_of(assert_reply(put(&o, NULL, TO_BOB("[\"view\"]"), NULL), 201)); /* upsert */
  assert_rest(put(&o, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 412, exists);
  assert_rest(us_send(o.w, "PUT", url, us_text(o.w, "%s\nIf-None-Match: *", headers), body), 409, exists);
  assert_rest(put(&o, "If-None-Match: 5", TO_BOB("[\"view\"]"), NULL), 400,
              "\"5\" is not a supported value for If-None-Match on PUT");
  assert_reply(put(&o, "If-None-Match: *\nIf-Match: *", TO_BOB("[\"view\"]"), NULL), 412);
  rev = rev_of(assert_reply(put(&o, us_text(o.w, "If-Match: %s", rev), TO_BOB("[\"edit\"]"), NULL), 200));
  rev = rev_of(assert_reply(put(&o, us_text(o.w, "If-Match: \"%s\"", rev), TO_BOB("[\"view\"]"), NULL), 200));
  assert_reply(put(&o, NULL, TO_BOB("[\"edit\"]"), NULL), 200); /* upsert: update */
  assert_reply(us_send(o.w, "PUT", url, headers, body), 200);   /* protocol 1: update */
  assert_reply(put(&o, us_text(o.w, "If-Match: %s", rev), TO_BOB("[\"download\"]"), NULL), 412); /* stale by now */
  struct us_reply r = get(&o);
  assert_string_equal(member(o.w, &r, "permissions"), "[{\"subject\":\"bob\",\"scopes\":[\"view\"]}]");
}

static void a_revision_never_comes_back(void **state) {
  struct owner o = alice_with_album(state);
  const char *rev = rev_of(assert_reply(put(&o, NULL, TO_BOB("[\"view\"]"), NULL), 201));
  assert_reply(us_with_sso(o.w, "DELETE", policy_url(o.w, o.id), o.sso, NULL, NULL), 200);
  put(&o, NULL, "[{\"subject\":\"carol\",\"scopes\":[\"view\"]}]", NULL);
  assert_reply(put(&o, us_text(o.w, "If-Match: %s", rev), TO_BOB("[\"view\"]"), NULL), 412);
}

static void reads_and_deletes_honour_preconditions(void **state) {
  struct owner o = alice_with_album(state);
  const char *url = policy_url(o.w, o.id);
  const char *rev = rev_of(assert_reply(put(&o, NULL, TO_BOB("[\"view\"]"), NULL), 201));
  struct us_reply r = us_with_sso(o.w, "GET", url, o.sso, us_text(o.w, "If-None-Match: \"%s\"", rev), NULL);
  assert_body(r, 304, "");
  assert_string_equal(us_reply_header(&r, "ETag"), us_text(o.w, "\"%s\"", rev));
  assert_reply(us_with_sso(o.w, "GET", url, o.sso, "If-None-Match: \"0\"", NULL), 200);
  assert_reply(us_with_sso(o.w, "GET", url, o.sso, "If-None-Match: *", NULL), 412);
  assert_rest(us_with_sso(o.w, "GET", url, o.sso, "If-Match: *", NULL), 412, "If-Match not supported for GET requests");
  assert_rest(us_with_sso(o.w, "DELETE", url, o.sso, "If-None-Match: *", NULL), 412,
              "If-None-Match not supported for DELETE requests");
  assert_reply(us_with_sso(o.w, "DELETE", url, o.sso, "If-Match: 0", NULL), 412);
  assert_reply(get(&o), 200);
  assert_reply(us_with_sso(o.w, "DELETE", url, o.sso, us_text(o.w, "If-Match: %s", rev), NULL), 200);
  assert_reply(us_with_sso(o.w, "POST", POLICIES, o.sso, "If-Match: *", policy_body(o.w, o.id, "[]", NULL)), 412);
  assert_reply(us_with_sso(o.w, "POST", POLICIES, o.sso, "If-None-Match: *", policy_body(o.w, o.id, "[]", NULL)), 412);
}

static void a_failed_write_changes_nothing(void **state) {
  struct owner o = alice_with_album(state);
  const char *rev = rev_of(assert_reply(put(&o, NULL, TO_BOB("[\"view\"]"), NULL), 201));
  assert_reply(
      put(&o, NULL, "[{\"subject\":\"bob\",\"scopes\":[\"edit\"]},{\"subject\":\"x\",\"scopes\":[\"no\"]}]", NULL),
      400);
  struct us_reply r = get(&o);
  assert_string_equal(rev_of(r), rev);
  assert_string_equal(member(o.w, &r, "permissions"), "[{\"subject\":\"bob\",\"scopes\":[\"view\"]}]");
}

static void names_of_users_in_urls_compare_without_case(void **state) {
  struct owner o = alice_with_album(state);
  struct us_reply r = us_with_sso(o.w, "PUT", us_text(o.w, ALPHA_JSON "users/Alice/uma/policies/%s", o.id), o.sso, NULL,
                                  policy_body(o.w, o.id, TO_BOB("[\"view\"]"), NULL));
  assert_status(r, 201);
  assert_non_null(strstr(us_reply_header(&r, "Location"), "/users/alice/"));
}

static void subjects_may_be_unknown_and_the_owner(void **state) {
  struct owner o = alice_with_album(state);
  assert_reply(put(&o, NULL,
                   "[{\"subject\":\"Zo\\u00eb <later>\",\"scopes\":[\"view\"]},"
                   "{\"subject\":\"alice\",\"scopes\":[\"view\"]}]",
                   NULL),
               201);
  struct us_reply r = get(&o);
  assert_string_equal(
      json_string_value(json_object_get(json_array_get(json_object_get(r.json, "permissions"), 0), "subject")),
      "Zo\xC3\xAB <later>");
}

/* Conditions: c.8. */
#define EXPIRES "{\"type\":\"Expiration\",\"expirationDate\":1938263100}"
#define CLIENTS "{\"type\":\"ClientId\",\"clientIds\":[\"app1\",\"app2\"]}"

static void conditions_are_shown_in_one_spelling(void **state) {
  struct owner o = alice_with_album(state);
  put(&o, NULL, TO_BOB("[\"view\"]"),
      ",\"type\":\"OR\",\"conditions\":[{\"type\":\"expiration\",\"expirationDate\":\"1938263100\"},"
      "{\"type\":\"clientId\",\"clientId\":\"app1\"}]");
  struct us_reply r = get(&o);
  assert_string_equal(us_reply_str(&r, "type"), "OR");
  assert_string_equal(member(o.w, &r, "conditions"), "[" EXPIRES ",{\"type\":\"ClientId\",\"clientIds\":[\"app1\"]}]");
  r = put(&o, NULL, TO_BOB("[\"view\"]"), ",\"conditions\":[" CLIENTS "]");
  assert_string_equal(us_reply_str(&r, "type"), "AND");
  assert_string_equal(member(o.w, &r, "conditions"), "[" CLIENTS "]");
}

static void conditions_are_kept_unless_the_update_speaks_of_them(void **state) {
  struct owner o = alice_with_album(state);
  put(&o, NULL, TO_BOB("[\"view\"]"), ",\"conditions\":[" EXPIRES "]");
  struct us_reply r = put(&o, "If-Match: *", "[{\"subject\":\"Bob\",\"scopes\":[\"view\",\"edit\"]}]", NULL);
  assert_string_equal(member(o.w, &r, "conditions"), "[" EXPIRES "]");
  r = put(&o, "If-Match: *", TO_BOB("[\"view\"]"), ",\"type\":\"AND\",\"conditions\":null");
  assert_string_equal(member(o.w, &r, "conditions"), "[" EXPIRES "]");
  /* a newcomer gets none: then they are no longer equal for all, and not shown */
  const char *both = "[{\"subject\":\"bob\",\"scopes\":[\"view\"]},{\"subject\":\"carol\",\"scopes\":[\"view\"]}]";
  r = put(&o, "If-Match: *", both, NULL);
  assert_null(json_object_get(r.json, "conditions"));
  assert_null(json_object_get(r.json, "type"));
  r = put(&o, "If-Match: *", TO_BOB("[\"view\"]"), NULL); /* bob's is still there */
  assert_string_equal(member(o.w, &r, "conditions"), "[" EXPIRES "]");
  r = put(&o, "If-Match: *", TO_BOB("[\"view\"]"), ",\"conditions\":[]");
  assert_null(json_object_get(r.json, "conditions"));
}

static void a_date_in_the_past_is_accepted(void **state) {
  struct owner o = alice_with_album(state);
  assert_reply(put(&o, NULL, TO_BOB("[\"view\"]"), ",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":0}]"),
               201);
}

/* The documented page does this with a PAT (c.3). */
static struct us_reply with_pat(const struct owner *o, const char *pat, const char *method, const char *headers,
                                const char *body) {
  return us_send(o->w, method, policy_url(o->w, o->id),
                 us_text(o->w, "Authorization: Bearer %s\nContent-Type: application/json%s%s", pat, headers ? "\n" : "",
                         headers ? headers : ""),
                 body);
}

static void a_pat_of_owner_and_server_may_share(void **state) {
  struct owner o = alice_with_album(state);
  const char *body = policy_body(o.w, o.id, TO_BOB("[\"view\"]"), NULL);
  assert_reply(with_pat(&o, o.pat, "PUT", "If-None-Match: *", body), 201);
  assert_reply(with_pat(&o, o.pat, "GET", NULL, NULL), 200);
  assert_reply(with_pat(&o, o.pat, "PUT", "If-Match: *", body), 200);
  assert_reply(with_pat(&o, o.pat, "DELETE", NULL, NULL), 200);
}

static void any_other_pat_may_not(void **state) {
  struct owner o = alice_with_album(state);
  const char *body = policy_body(o.w, o.id, TO_BOB("[\"view\"]"), NULL);
  const char *other_server = us_pat(o.w, "alice", RS2), *other_owner = us_pat(o.w, "bob", RS1);
  assert_rest(with_pat(&o, other_server, "PUT", NULL, body), 400, us_text(o.w, "Invalid ResourceSet UID%s", o.id));
  assert_reply(with_pat(&o, other_owner, "PUT", NULL, body), 403);
  assert_rest(with_pat(&o, "made-up", "PUT", NULL, body), 401, "Access Denied");
  assert_reply(put(&o, NULL, TO_BOB("[\"view\"]"), NULL), 201);
  assert_reply(with_pat(&o, other_server, "GET", NULL, NULL), 404);
  assert_reply(with_pat(&o, other_server, "PUT", "If-Match: *", body), 404);
  assert_reply(with_pat(&o, other_server, "DELETE", NULL, NULL), 404);
  assert_reply(with_pat(&o, other_owner, "GET", NULL, NULL), 403);
  assert_reply(with_pat(&o, other_owner, "DELETE", NULL, NULL), 403);
  const char *above =
      us_text(o.w, "/am/json/realms/root/users/alice/uma/policies/%s", o.id); /* a PAT is good in its realm */
  assert_rest(us_send(o.w, "GET", above, us_text(o.w, "Authorization: Bearer %s", o.pat), NULL), 401, "Access Denied");
  assert_rest(us_send(o.w, "DELETE", above, us_text(o.w, "Authorization: Bearer %s", o.pat), NULL), 401,
              "Access Denied");
  assert_reply(with_pat(&o, o.pat, "GET", NULL, NULL), 200);
  us_world_advance_ms(o.w, 24 * 3600 * 1000);
  assert_rest(with_pat(&o, o.pat, "GET", NULL, NULL), 401, "Access Denied");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(create_answers_id_and_revision_only),
      STORY(read_shows_the_whole_policy),
      STORY(update_answers_the_policy_without_name),
      STORY(update_replaces_everything),
      STORY(delete_answers_an_empty_object),
      STORY(an_empty_list_takes_everything_back),
      STORY(a_permission_without_scopes_is_dropped),
      STORY(post_creates_too),
      STORY(what_put_does_follows_from_its_preconditions),
      STORY(a_revision_never_comes_back),
      STORY(reads_and_deletes_honour_preconditions),
      STORY(a_failed_write_changes_nothing),
      STORY(names_of_users_in_urls_compare_without_case),
      STORY(subjects_may_be_unknown_and_the_owner),
      STORY(conditions_are_shown_in_one_spelling),
      STORY(conditions_are_kept_unless_the_update_speaks_of_them),
      STORY(a_date_in_the_past_is_accepted),
      STORY(a_pat_of_owner_and_server_may_share),
      STORY(any_other_pat_may_not),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
