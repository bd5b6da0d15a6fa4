/* users/{user}/uma/shares (design 6): everything shared in one list, whichever way it came about. */
#include "flow/sets.h"

#define SHARES_OF(user) ALPHA_JSON "users/" user "/uma/shares"
#define SHARES SHARES_OF("alice")

struct people {
  struct us_world *w;
  const char *lake, *photo, *boat;
};
/* alice owns lake (RS1) and photo (RS2), bob owns boat; a second passes before each share. */
static struct people setup(void **state) {
  struct us_world *w = *state;
  struct people p = {.w = w};
  p.lake =
      us_register(w, us_pat(w, "alice", RS1), "{\"name\":\"Lake Trip\",\"resource_scopes\":[\"see\",\"annotate\"]}");
  us_world_advance_ms(w, 1); /* ids are in the order of time */
  p.photo = us_register(w, us_pat(w, "alice", RS2), PHOTO);
  p.boat = us_register(w, us_pat(w, "bob", RS1), "{\"name\":\"boat\",\"resource_scopes\":[\"view\"]}");
  return p;
}
static void share(struct people *p, const char *sharer, const char *id, const char *subject, const char *scopes) {
  us_world_advance_ms(p->w, 1000);
  us_share(p->w, sharer, id, subject, scopes);
}
static struct us_reply ask(struct people *p, const char *user, const char *direction, const char *filter,
                           const char *more) {
  const char *query = filter == NULL ? "" : us_text(p->w, "&_queryFilter=%s", us_enc(p->w, filter));
  return us_with_sso(p->w, "GET",
                     us_text(p->w, ALPHA_JSON "users/%s/uma/shares?direction=%s%s%s", user, direction, query, more),
                     us_sso(p->w, user), NULL, NULL);
}
/* "resource>subject," of each item in order. */
static const char *found(struct people *p, const char *user, const char *direction, const char *filter,
                         const char *more) {
  struct us_reply r = ask(p, user, direction, filter, more);
  const char *text = "";
  assert_status(r, 200);
  for (size_t i = 0; i < json_array_size(json_object_get(r.json, "result")); i++)
    text = us_text(p->w, "%s%s>%s,", text, item_text(&r, i, "resourceName"), item_text(&r, i, "subject"));
  return text;
}
static void refuse_grant(struct people *p, const char *party, const char *pat_owner, const char *rs, const char *id,
                         const char *scope) {
  const char *ticket = us_ask(p->w, us_pat(p->w, pat_owner, rs),
                              us_text(p->w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"%s\"]}", id, scope));
  struct us_reply r = us_grant(p->w, "UMA-Client", ticket, us_id_token(p->w, party, "UMA-Client"), NULL);
  assert_error(r, 403, "request_submitted");
}

static void an_item_says_who_gave_what_to_whom_since_when(void **state) {
  struct people p = setup(state);
  us_world_advance_ms(p.w, 1000);
  long long since = us_world_now_ms(p.w);
  struct us_reply r =
      put_policy(p.w, us_sso(p.w, "alice"), p.lake, NULL, "[{\"subject\":\"Bob\",\"scopes\":[\"see\"]}]",
                 ",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":1999999999}]");
  assert_status(r, 201);
  const char *body =
      us_text(p.w,
              "\"resourceId\":\"%s\",\"resourceName\":\"Lake Trip\",\"resourceServer\":\"" RS1 "\",\"owner\":\"alice\","
              "\"sharer\":\"alice\",\"subject\":\"Bob\",\"scopes\":[\"see\"],\"type\":\"AND\",\"conditions\":[{"
              "\"type\":\"Expiration\","
              "\"expirationDate\":1999999999}],\"since\":%lld,\"until\":1999999999000,\"active\":true}",
              p.lake, since);
  const char *const directions[] = {"byMe", "withMe"}, *const users[] = {"alice", "bob"};
  for (size_t i = 0; i < 2; i++) {
    r = ask(&p, users[i], directions[i], NULL, "");
    assert_status(r, 200);
    assert_int_equal(us_reply_int(&r, "resultCount"), 1);
    char *shown = json_dumps(item_at(&r, 0), JSON_COMPACT);
    assert_string_equal(
        shown, us_text(p.w, "{\"_id\":\"%s\",\"direction\":\"%s\",%s", item_text(&r, 0, "_id"), directions[i], body));
    free(shown);
  }
}

static void each_direction_is_a_list_of_its_own(void **state) {
  struct people p = setup(state);
  share(&p, "alice", p.lake, "bob", "[\"see\",\"annotate\"]");
  share(&p, "bob", p.lake, "carol", "[\"see\"]"); /* shared on */
  share(&p, "bob", p.boat, "alice", "[\"view\"]");
  refuse_grant(&p, "bob", "alice", RS2, p.photo, "view");
  assert_string_equal(found(&p, "alice", "byMe", NULL, ""), "Lake Trip>bob,");
  assert_string_equal(found(&p, "alice", "withMe", NULL, ""), "boat>alice,");
  assert_string_equal(found(&p, "alice", "waiting", NULL, ""), "photo>bob,");
  assert_string_equal(found(&p, "bob", "byMe", NULL, ""), "boat>alice,Lake Trip>carol,"); /* newest first */
  assert_string_equal(found(&p, "bob", "withMe", NULL, ""), "Lake Trip>bob,");
  assert_string_equal(found(&p, "bob", "waiting", NULL, ""), ""); /* it waits for its owner, not for who asked */
  assert_string_equal(found(&p, "carol", "withMe", NULL, ""), "Lake Trip>carol,");
  struct us_reply r = ask(&p, "carol", "withMe", NULL, "");
  assert_string_equal(item_text(&r, 0, "sharer"), "bob");
  assert_string_equal(item_text(&r, 0, "owner"), "alice");
  r = ask(&p, "alice", "waiting", NULL, "");
  assert_string_equal(item_text(&r, 0, "sharer"), "alice");
  assert_true(json_is_false(json_object_get(item_at(&r, 0), "active")));
  assert_true(json_is_null(json_object_get(item_at(&r, 0), "until")));
  assert_int_equal(json_array_size(json_object_get(item_at(&r, 0), "conditions")), 0);
  /* Its id is that of the pending request; approved, it is a share like any other. */
  assert_reply(us_with_sso(p.w, "POST", us_text(p.w, PENDING "/%s?_action=approve", item_text(&r, 0, "_id")),
                           us_sso(p.w, "alice"), NULL, NULL),
               200);
  assert_string_equal(found(&p, "alice", "waiting", NULL, ""), "");
  assert_string_equal(found(&p, "alice", "byMe", NULL, ""), "photo>bob,Lake Trip>bob,");
}

static void what_was_lost_on_the_way_shows_to_its_sharer_only(void **state) {
  struct people p = setup(state);
  share(&p, "alice", p.lake, "bob", "[\"see\",\"annotate\"]");
  share(&p, "bob", p.lake, "carol", "[\"see\",\"annotate\"]");
  share(&p, "alice", p.lake, "bob", "[\"see\"]");
  struct us_reply r = ask(&p, "bob", "byMe", NULL, "");
  assert_int_equal(json_array_size(json_object_get(item_at(&r, 0), "scopes")), 2);
  assert_int_equal(json_array_size(json_object_get(item_at(&r, 0), "inactiveScopes")), 1);
  r = ask(&p, "carol", "withMe", NULL, "");
  assert_int_equal(json_array_size(json_object_get(item_at(&r, 0), "scopes")), 1);
  assert_null(json_object_get(item_at(&r, 0), "inactiveScopes"));
  assert_reply(us_with_sso(p.w, "DELETE", policy_url(p.w, p.lake), us_sso(p.w, "alice"), NULL, NULL), 200);
  r = ask(&p, "bob", "byMe", "active eq false", "");
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
  assert_null(json_object_get(item_at(&r, 0), "inactiveScopes"));
  assert_string_equal(found(&p, "bob", "byMe", "active eq true", ""), "");
  assert_string_equal(found(&p, "carol", "withMe", NULL, ""), "");
}

static void groups_reach_their_members(void **state) {
  struct people p = setup(state);
  join_group(p.w, "Crew", "carol");
  share(&p, "bob", p.boat, "group:Crew", "[\"view\"]");
  assert_string_equal(found(&p, "carol", "withMe", NULL, ""), "boat>group:Crew,");
  assert_string_equal(found(&p, "alice", "withMe", NULL, ""), "");
  join_group(p.w, "Crew", "bob"); /* what is one's own is not given to one */
  assert_string_equal(found(&p, "bob", "withMe", NULL, ""), "");
  join_group(p.w, "Crew", "alice");
  assert_string_equal(found(&p, "alice", "withMe", NULL, ""), "boat>group:Crew,");
}

static void conditions_say_how_long(void **state) {
  struct people p = setup(state);
  const struct {
    const char *type, *conditions;
    long long until;
  } cases[] = {
      {"AND",
       "[{\"type\":\"Expiration\",\"expirationDate\":300},{\"type\":\"ClientId\",\"clientIds\":[\"x\"]},{\"type\":"
       "\"Expiration\",\"expirationDate\":200}]",
       200000},
      {"OR", "[{\"type\":\"Expiration\",\"expirationDate\":300},{\"type\":\"Expiration\",\"expirationDate\":200}]",
       300000},
      {"OR", "[{\"type\":\"Expiration\",\"expirationDate\":300},{\"type\":\"ClientId\",\"clientIds\":[\"x\"]}]", 0},
      {"AND", "[{\"type\":\"ClientId\",\"clientIds\":[\"x\"]}]", 0},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct us_reply r =
        put_policy(p.w, us_sso(p.w, "alice"), p.lake, NULL, TO_BOB("[\"see\"]"),
                   us_text(p.w, ",\"type\":\"%s\",\"conditions\":%s", cases[i].type, cases[i].conditions));
    assert_true(r.status == 200 || r.status == 201);
    r = ask(&p, "alice", "byMe", NULL, "");
    assert_string_equal(item_text(&r, 0, "type"), cases[i].type);
    assert_int_equal(json_integer_value(json_object_get(item_at(&r, 0), "until")), cases[i].until);
    json_t *wanted = json_loads(cases[i].conditions, 0, NULL);
    assert_true(json_equal(json_object_get(item_at(&r, 0), "conditions"), wanted));
    json_decref(wanted);
  }
}

static void fields_can_be_asked_for_and_sorted_by(void **state) {
  struct people p = setup(state);
  share(&p, "alice", p.lake, "bob", "[\"see\",\"annotate\"]");
  long long middle = us_world_now_ms(p.w) + 1;
  share(&p, "alice", p.photo, "Carol", "[\"view\"]");
  const struct {
    const char *filter, *more, *found;
  } cases[] = {
      {"resourceName eq 'LAKE TRIP'", "", "Lake Trip>bob,"},
      {"resourceServer sw '" RS2 "'", "", "photo>Carol,"},
      {us_text(p.w, "resourceId eq '%s'", p.lake), "", "Lake Trip>bob,"},
      {"subject eq 'carol'", "", "photo>Carol,"},
      {"owner eq 'alice' and sharer co 'LIC'", "", "photo>Carol,Lake Trip>bob,"},
      {"scopes eq 'annotate'", "", "Lake Trip>bob,"},
      {"! scopes eq 'see'", "", "photo>Carol,"},
      {us_text(p.w, "since lt %lld", middle), "", "Lake Trip>bob,"},
      {us_text(p.w, "since ge %lld", middle), "", "photo>Carol,"},
      {"active eq true", "&_sortKeys=subject", "Lake Trip>bob,photo>Carol,"},
      {"true", "&_sortKeys=resourceName", "Lake Trip>bob,photo>Carol,"},
      {"true", "&_sortKeys=-resourceServer", "photo>Carol,Lake Trip>bob,"},
      {"true", "&_sortKeys=since", "Lake Trip>bob,photo>Carol,"},
      {"true", "&_sortKeys=owner,-sharer,active,-resourceId", "photo>Carol,Lake Trip>bob,"},
      {"false", "", ""},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const char *got = found(&p, "alice", "byMe", cases[i].filter, cases[i].more);
    if (strcmp(got, cases[i].found) != 0)
      fail_msg("%s %s gives %s", cases[i].filter, cases[i].more, got);
  }
  struct us_reply r = ask(&p, "alice", "byMe", "subject eq 'bob'", "");
  assert_string_equal(found(&p, "alice", "byMe", us_text(p.w, "_id eq '%s'", item_text(&r, 0, "_id")), ""),
                      "Lake Trip>bob,");
  assert_string_equal(found(&p, "bob", "withMe", "sharer eq 'Alice' and subject eq 'BOB'", ""), "Lake Trip>bob,");
  assert_rest(ask(&p, "alice", "byMe", "until gt 1", ""), 400, "'/until' not queryable");
  assert_rest(ask(&p, "alice", "byMe", "subject gt 'x'", ""), 400, "'gt' not supported");
  assert_rest(ask(&p, "alice", "byMe", "true", "&_sortKeys=scopes"), 400, "'scopes' not sortable");
  refuse_grant(&p, "dave", "alice", RS1, p.lake, "see");
  refuse_grant(&p, "bob", "alice", RS2, p.photo, "print");
  assert_string_equal(found(&p, "alice", "waiting", "subject eq 'DAVE' or scopes eq 'print'", "&_sortKeys=-subject"),
                      "Lake Trip>dave,photo>bob,");
  assert_string_equal(found(&p, "alice", "waiting", "resourceServer eq '" RS1 "'", ""), "Lake Trip>dave,");
}

static void the_direction_must_be_said(void **state) {
  struct people p = setup(state);
  const char *alice = us_sso(p.w, "alice"), *text = "The parameter 'direction' must be byMe, withMe or waiting";
  assert_rest(us_with_sso(p.w, "GET", SHARES, alice, NULL, NULL), 400, text);
  assert_rest(us_with_sso(p.w, "GET", SHARES "?_queryFilter=true", alice, NULL, NULL), 400, text);
  assert_rest(ask(&p, "alice", "byme", NULL, ""), 400, text);
  assert_rest(ask(&p, "alice", "", NULL, ""), 400, text);
  assert_reply(us_with_sso(p.w, "GET", SHARES "?direction=byMe&_queryId=*", alice, NULL, NULL), 200);
  assert_reply(us_with_sso(p.w, "GET", SHARES "?direction=byMe&_queryId=all", alice, NULL, NULL), 400);
  assert_reply(us_with_sso(p.w, "GET", SHARES "?direction=byMe", alice, "If-None-Match: *", NULL), 412);
  assert_reply(us_with_sso(p.w, "GET", SHARES "/1?direction=byMe", alice, NULL, NULL), 404);
}

static void only_the_user_and_administrators_look(void **state) {
  struct people p = setup(state);
  share(&p, "alice", p.lake, "bob", "[\"see\"]");
  assert_reply(us_with_sso(p.w, "GET", SHARES "?direction=byMe", us_sso(p.w, "bob"), NULL, NULL), 403);
  assert_reply(us_send(p.w, "GET", SHARES "?direction=byMe", NULL, NULL), 401);
  struct us_reply r = us_with_sso(p.w, "GET", SHARES "?direction=byMe", us_sso(p.w, "amAdmin"), NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
  assert_reply(
      us_with_sso(p.w, "GET", "/am/json/users/alice/uma/shares?direction=byMe", us_sso(p.w, "alice"), NULL, NULL), 403);
}

/* A cookie goes on where its page ended; it is good for its own direction only. */
static void pages_go_on_by_cookie(void **state) {
  struct people p = setup(state);
  for (size_t i = 0; i < 40; i++) {
    const char *id =
        us_register(p.w, us_pat(p.w, "bob", RS2), us_text(p.w, "{\"name\":\"r%zu\",\"resource_scopes\":[\"x\"]}", i));
    us_share(p.w, "bob", id, "alice", "[\"x\"]");
  }
  const char *const directions[] = {"byMe", "withMe"}, *const users[] = {"bob", "alice"};
  for (size_t d = 0; d < 2; d++) {
    const char *cookie = "", *seen = ",";
    size_t count = 0;
    do {
      struct us_reply r =
          ask(&p, users[d], directions[d], NULL, us_text(p.w, "&_pageSize=17&_pagedResultsCookie=%s", cookie));
      assert_status(r, 200);
      size_t n = json_array_size(json_object_get(r.json, "result"));
      for (size_t i = 0; i < n; i++) {
        const char *id = us_text(p.w, ",%s,", item_text(&r, i, "_id"));
        assert_null(strstr(seen, id));
        seen = us_text(p.w, "%s%s", seen, id + 1);
      }
      count += n;
      assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 40 - count);
      cookie = us_reply_str(&r, "pagedResultsCookie");
      if (cookie[0] != '\0')
        assert_reply(
            ask(&p, users[d], directions[1 - d], NULL, us_text(p.w, "&_pageSize=17&_pagedResultsCookie=%s", cookie)),
            400);
    } while (cookie[0] != '\0');
    assert_int_equal(count, 40);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(an_item_says_who_gave_what_to_whom_since_when),
      STORY(each_direction_is_a_list_of_its_own),
      STORY(what_was_lost_on_the_way_shows_to_its_sharer_only),
      STORY(groups_reach_their_members),
      STORY(conditions_say_how_long),
      STORY(fields_can_be_asked_for_and_sorted_by),
      STORY(the_direction_must_be_said),
      STORY(only_the_user_and_administrators_look),
      STORY(pages_go_on_by_cookie),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
