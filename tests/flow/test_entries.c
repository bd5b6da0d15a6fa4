/* Permissions one by one at users/{user}/policies (REST contract c.9). */
#include "flow/crest.h"

#define ENTRIES ALPHA_JSON "users/alice/policies"
#define BOBS ALPHA_JSON "users/bob/policies"
#define LAKE "{\"name\":\"Lake Trip\",\"resource_scopes\":[\"view\",\"edit\",\"download\"]}"
#define EXPIRY "{\"type\":\"AND\",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":1938263100}]}"
#define ONLY_CONDITION "Only 'condition' may be changed on an UMA policy"

static const char *id, *alice, *bob, *admin;

/* Alice's lake trip, shared with bob (view, edit) and carol (view). */
static struct us_world *lake_trip(void **state) {
  struct us_world *w = *state;
  id = us_register(w, us_pat(w, "alice", RS1), LAKE);
  alice = us_sso(w, "alice");
  bob = us_sso(w, "bob");
  admin = us_sso(w, "amAdmin");
  assert_reply(put_policy(w, alice, id, NULL,
                          "[{\"subject\":\"bob\",\"scopes\":[\"view\",\"edit\"]},"
                          "{\"subject\":\"carol\",\"scopes\":[\"view\"]}]",
                          NULL),
               201);
  return w;
}

static const char *name_of(struct us_world *w, const char *hash) {
  return us_text(w, "Lake Trip - alice - %s-%s", id, hash);
}
#define OF_BOB "97717"
#define OF_CAROL "94431409"

/* application/x-www-form-urlencoded writes a blank as '+', which is a plus sign in a path. */
static const char *path_enc(struct us_world *w, const char *text) {
  const char *encoded = us_enc(w, text), *out = "";
  for (const char *p = encoded; *p; p++)
    out = *p == '+' ? us_text(w, "%s%%20", out) : us_text(w, "%s%c", out, *p);
  return out;
}
static const char *entry_url(struct us_world *w, const char *name) {
  return us_text(w, ENTRIES "/%s", path_enc(w, name));
}
static struct us_reply get(struct us_world *w, const char *hash) {
  return us_with_sso(w, "GET", entry_url(w, name_of(w, hash)), alice, NULL, NULL);
}
static struct us_reply put(struct us_world *w, const char *hash, const char *precondition, const char *body) {
  return us_with_sso(w, "PUT", entry_url(w, name_of(w, hash)), alice, precondition, body);
}
static struct us_reply drop(struct us_world *w, const char *hash, const char *precondition) {
  return us_with_sso(w, "DELETE", entry_url(w, name_of(w, hash)), alice, precondition, NULL);
}
static const char *compact(struct us_world *w, const json_t *value) {
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  const char *copy = us_text(w, "%s", text ? text : "(none)");
  free(text);
  return copy;
}
static const char *member(struct us_world *w, struct us_reply r, const char *name) {
  return compact(w, json_object_get(r.json, name));
}
static const char *rev_of(struct us_reply r) {
  return us_reply_str(&r, "_rev");
}

static void an_entry_shows_one_permission(void **state) {
  struct us_world *w = lake_trip(state);
  struct us_reply r = get(w, OF_BOB), policy = get_policy(w, alice, id);
  const char *when = us_reply_str(&r, "creationDate"), *name = name_of(w, OF_BOB);
  assert_int_equal(strlen(when), strlen("2031-05-04T10:20:30.123Z"));
  assert_int_equal(when[19], '.');
  assert_body(
      r, 200,
      us_text(w,
              "{\"_id\":\"%s\",\"_rev\":\"%s\",\"name\":\"%s\",\"active\":true,\"description\":\"\","
              "\"applicationName\":\"uma-resource-server\",\"resources\":[\"uma://%s\"],"
              "\"actionValues\":{\"view\":true,\"edit\":true},"
              "\"subject\":{\"type\":\"Uma\",\"claimValue\":\"bob\"},\"resourceTypeUuid\":\"%s\","
              "\"createdBy\":\"id=alice,ou=user,o=alpha,ou=services,dc=usher\",\"creationDate\":\"%s\","
              "\"lastModifiedBy\":\"id=alice,ou=user,o=alpha,ou=services,dc=usher\",\"lastModifiedDate\":\"%s\"}",
              name, rev_of(policy), name, id, id, when, when));
  assert_string_equal(us_reply_header(&r, "ETag"), us_text(w, "\"%s\"", rev_of(policy)));
  assert_string_equal(us_reply_header(&r, "Content-API-Version"), "protocol=2.1,resource=1.0");
}

static void a_name_outlives_that_of_the_resource(void **state) {
  struct us_world *w = lake_trip(state);
  const char *pat = us_pat(w, "alice", RS1);
  struct us_reply r = us_with_pat(w, "PUT", us_text(w, ALPHA_UMA "resource_set/%s", id), pat,
                                  "{\"name\":\"Sea Trip\",\"resource_scopes\":[\"view\",\"edit\",\"download\"]}");
  assert_status(r, 200);
  assert_reply(put_policy(w, alice, id, "If-Match: *",
                          "[{\"subject\":\"BOB\",\"scopes\":[\"view\"]},{\"subject\":\"dave\",\"scopes\":[\"view\"]}]",
                          NULL),
               200);
  r = assert_reply(get(w, OF_BOB), 200);
  assert_string_equal(member(w, r, "subject"), "{\"type\":\"Uma\",\"claimValue\":\"BOB\"}");
  assert_reply(get(w, OF_CAROL), 404);
  r = us_with_sso(w, "GET", entry_url(w, us_text(w, "Sea Trip - alice - %s-3076076", id)), alice, NULL, NULL);
  assert_string_equal(member(w, r, "subject"), "{\"type\":\"Uma\",\"claimValue\":\"dave\"}");
}

static void names_that_collide_are_told_apart(void **state) {
  struct us_world *w = lake_trip(state);
  assert_reply(put_policy(w, alice, id, NULL,
                          "[{\"subject\":\"Aa\",\"scopes\":[\"view\"]},{\"subject\":\"BB\",\"scopes\":[\"edit\"]},"
                          "{\"subject\":\"polygenelubricants\",\"scopes\":[\"view\"]}]",
                          NULL),
               200);
  assert_string_equal(member(w, get(w, "2112"), "actionValues"), "{\"view\":true}");
  assert_string_equal(member(w, get(w, "2112-2"), "actionValues"), "{\"edit\":true}");
  assert_reply(get(w, "-2147483648"), 200); /* a negative hash: two hyphens */
  assert_reply(put_policy(w, alice, id, NULL, "[{\"subject\":\"BB\",\"scopes\":[\"edit\"]}]", NULL), 200);
  assert_reply(get(w, "2112"), 404);
  assert_reply(get(w, "2112-2"), 200);
}

static void a_slash_in_the_name_is_percent_encoded(void **state) {
  struct us_world *w = lake_trip(state);
  const char *other = us_register(w, us_pat(w, "alice", RS1), "{\"name\":\"2031/May\",\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", other, "bob", "[\"view\"]");
  const char *name = us_text(w, "2031/May - alice - %s-97717", other);
  struct us_reply r = us_with_sso(w, "GET", entry_url(w, name), alice, NULL, NULL);
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "_id"), name);
}

static void a_condition_is_set_and_cleared_here(void **state) {
  struct us_world *w = lake_trip(state);
  const char *rev = rev_of(get(w, OF_BOB));
  us_world_advance_ms(w, 1500);
  struct us_reply r = put(w, OF_BOB, us_text(w, "If-Match: \"%s\"", rev), "{\"condition\":" EXPIRY "}");
  assert_status(r, 200);
  assert_string_equal(member(w, r, "condition"), EXPIRY);
  assert_string_not_equal(rev_of(r), rev);
  assert_string_not_equal(us_reply_str(&r, "lastModifiedDate"), us_reply_str(&r, "creationDate"));
  assert_string_equal(r.body, get(w, OF_BOB).body);
  assert_string_equal(rev_of(get_policy(w, alice, id)), rev_of(r)); /* either place detects the other's changes */
  assert_string_equal(member(w, get(w, OF_CAROL), "condition"), "(none)"); /* one permission only */
  r = put(w, OF_BOB, "If-Match: *", "{\"active\":true}");
  assert_string_equal(member(w, r, "condition"), EXPIRY); /* not spoken of: kept */
  r = put(w, OF_BOB, NULL,
          "{\"condition\":{\"type\":\"OR\",\"conditions\":[{\"type\":\"clientId\",\"clientId\":\"app\"}]}}");
  assert_string_equal(member(w, r, "condition"),
                      "{\"type\":\"OR\",\"conditions\":[{\"type\":\"ClientId\",\"clientIds\":[\"app\"]}]}");
  r = put(w, OF_BOB, "If-Match: *", "{\"condition\":null}");
  assert_string_equal(member(w, r, "condition"), "(none)");
  put(w, OF_BOB, NULL, "{\"condition\":" EXPIRY "}");
  r = put(w, OF_BOB, "If-Match: *", "{\"condition\":{\"type\":\"AND\",\"conditions\":[]}}");
  assert_string_equal(member(w, r, "condition"), "(none)");
}

static void the_whole_object_may_be_sent_back(void **state) {
  struct us_world *w = lake_trip(state);
  struct us_reply r = get(w, OF_BOB);
  json_object_set_new(r.json, "condition", json_loads(EXPIRY, 0, NULL));
  json_object_set_new(r.json, "_rev", json_string("1"));               /* ignored, as _id is (a.7) */
  json_object_set_new(r.json, "lastModifiedDate", json_string("now")); /* so is who and when */
  r = put(w, OF_BOB, "If-Match: *", compact(w, r.json));
  assert_status(r, 200);
  assert_string_equal(member(w, r, "condition"), EXPIRY);
}

static void nothing_but_the_condition_may_change(void **state) {
  static const char *const changes[] = {
      "\"subject\":{\"type\":\"Uma\",\"claimValue\":\"dave\"}",
      "\"resources\":[\"uma://other\"]",
      "\"resources\":[]",
      "\"actionValues\":{\"view\":true}",
      "\"actionValues\":{\"view\":true,\"edit\":true,\"download\":true}",
      "\"actionValues\":{\"view\":true,\"edit\":false}",
      "\"name\":\"x\"",
      "\"applicationName\":\"UMA-Resource-Server\"",
      "\"active\":false",
      "\"description\":\"mine\"",
      "\"resourceTypeUuid\":\"x\"",
      "\"subject\":null",
  };
  struct us_world *w = lake_trip(state);
  for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
    assert_rest(put(w, OF_BOB, "If-Match: *", us_text(w, "{\"condition\":" EXPIRY ",%s}", changes[i])), 400,
                ONLY_CONDITION);
  assert_reply(put(w, OF_BOB, "If-Match: *", "{\"condition\":\"none\"}"), 400);
  assert_reply(put(w, OF_BOB, "If-Match: *", "{\"condition\":{\"type\":\"AND\"}}"), 400);
  assert_rest(put(w, OF_BOB, "If-Match: *", "{\"condition\":{\"type\":\"NOT\",\"conditions\":[]}}"), 400,
              "Invalid UMA policy. 'type' must be AND or OR.");
  assert_rest(put(w, OF_BOB, "If-Match: *", "{\"condition\":{\"type\":\"AND\",\"conditions\":[{\"type\":\"Moon\"}]}}"),
              400, "Invalid UMA policy condition. Unknown type, 'Moon'.");
  assert_string_equal(member(w, get(w, OF_BOB), "condition"), "(none)");
}

static void preconditions_are_those_of_the_policy(void **state) {
  struct us_world *w = lake_trip(state);
  const char *rev = rev_of(get(w, OF_BOB)), *tag = us_text(w, "If-Match: %s", rev);
  assert_reply(
      us_with_sso(w, "GET", entry_url(w, name_of(w, OF_BOB)), alice, us_text(w, "If-None-Match: %s", rev), NULL), 304);
  assert_reply(us_with_sso(w, "GET", entry_url(w, name_of(w, OF_BOB)), alice, "If-Match: *", NULL), 412);
  assert_reply(put_policy(w, alice, id, NULL,
                          "[{\"subject\":\"bob\",\"scopes\":[\"view\"]},{\"subject\":\"carol\",\"scopes\":[\"view\"]}]",
                          NULL),
               200);
  assert_reply(put(w, OF_BOB, tag, "{\"condition\":" EXPIRY "}"), 412);
  assert_reply(drop(w, OF_BOB, tag), 412);
  assert_reply(drop(w, OF_BOB, "If-None-Match: *"), 412);
  assert_reply(put(w, OF_BOB, "If-None-Match: *\nIf-Match: *", "{}"), 412);
  rev = rev_of(get(w, OF_BOB));
  assert_reply(put(w, OF_BOB, us_text(w, "If-Match: %s", rev), "{\"condition\":" EXPIRY "}"), 200);
  assert_reply(put_policy(w, alice, id, us_text(w, "If-Match: %s", rev), TO_BOB("[\"view\"]"), NULL), 412);
}

static void entries_are_not_made_here(void **state) {
  struct us_world *w = lake_trip(state);
  assert_reply(put(w, "1", "If-None-Match: *", "{\"condition\":null}"), 501);
  assert_reply(put(w, OF_BOB, "If-None-Match: *", "{\"condition\":null}"), 501);
  assert_reply(us_with_sso(w, "POST", ENTRIES, alice, NULL, "{}"), 501);
  assert_reply(us_with_sso(w, "POST", ENTRIES "?_action=create", alice, NULL, "{}"), 501);
  assert_reply(us_with_sso(w, "POST", ENTRIES "?_action=frob", alice, NULL, "{}"), 501);
  const char *gone = us_text(w, "UMA Policy not found, %s", name_of(w, "1"));
  assert_rest(put(w, "1", "If-Match: *", "{\"condition\":null}"), 404, gone);
  assert_rest(put(w, "1", NULL, "{\"condition\":null}"), 404, gone);
  assert_rest(get(w, "1"), 404, gone);
  assert_rest(drop(w, "1", NULL), 404, gone);
}

static void a_deleted_entry_takes_its_grant_along(void **state) {
  struct us_world *w = lake_trip(state);
  const char *before = rev_of(get(w, OF_CAROL));
  assert_body(drop(w, OF_BOB, NULL), 200, "{}");
  assert_reply(get(w, OF_BOB), 404);
  struct us_reply policy = get_policy(w, alice, id);
  assert_string_equal(member(w, policy, "permissions"), "[{\"subject\":\"carol\",\"scopes\":[\"view\"]}]");
  assert_string_not_equal(rev_of(policy), before);
  assert_reply(drop(w, OF_CAROL, us_text(w, "If-Match: %s", rev_of(policy))), 200);
  assert_reply(get_policy(w, alice, id), 404); /* the last one: the policy is gone */
  assert_reply(drop(w, OF_CAROL, NULL), 404);
}

static void rpts_lose_what_a_deleted_entry_gave(void **state) {
  struct us_world *w = lake_trip(state);
  const char *pat = us_pat(w, "alice", RS1);
  const char *ticket = us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", id));
  struct us_reply r = us_grant(w, "UMA-Client", ticket, us_id_token(w, "bob", "UMA-Client"), NULL);
  assert_status(r, 200);
  const char *rpt = us_reply_str(&r, "access_token");
  r = us_introspect(w, pat, rpt);
  assert_true(json_is_true(json_object_get(r.json, "active")));
  assert_reply(drop(w, OF_BOB, NULL), 200);
  assert_body(us_introspect(w, pat, rpt), 200, "{\"active\":false}");
}

/* Lists. */
static struct us_reply query(struct us_world *w, const char *user, const char *sso, const char *filter,
                             const char *more) {
  return us_with_sso(w, "GET",
                     us_text(w, ALPHA_JSON "users/%s/policies?_queryFilter=%s%s", user, us_enc(w, filter), more), sso,
                     NULL, NULL);
}
/* "bob:view edit|carol:view", an inactive one with a minus sign. */
static const char *listed(struct us_world *w, struct us_reply r) {
  const char *text = "", *scope;
  json_t *item, *value;
  size_t i;
  assert_status(r, 200);
  json_array_foreach(json_object_get(r.json, "result"), i, item) {
    const char *subject = json_string_value(json_object_get(json_object_get(item, "subject"), "claimValue"));
    bool is_active = json_is_true(json_object_get(item, "active"));
    text = us_text(w, "%s%s%s%s:", text, i ? "|" : "", is_active ? "" : "-", subject);
    json_object_foreach(json_object_get(item, "actionValues"), scope, value) text = us_text(w, "%s %s", text, scope);
  }
  return text;
}
static const char *found(struct us_world *w, const char *filter) {
  return listed(w, query(w, "alice", alice, filter, ""));
}

static void every_field_of_the_contract_is_queryable(void **state) {
  struct us_world *w = lake_trip(state);
  const char *photo = us_register(w, us_pat(w, "alice", RS2), PHOTO);
  us_share(w, "alice", photo, "bob", "[\"print\"]");
  assert_string_equal(found(w, "true"), "carol: view|bob: view edit|bob: print");
  assert_string_equal(found(w, us_text(w, "name eq \"%s\"", name_of(w, OF_CAROL))), "carol: view");
  assert_string_equal(found(w, "name sw 'Lake'"), "carol: view|bob: view edit");
  assert_string_equal(found(w, "applicationName eq 'uma-resource-server-2'"), "bob: print");
  assert_string_equal(found(w, "applicationName eq 'UMA-Resource-Server-2'"), "bob: print");
  assert_string_equal(found(w, "active eq true"), "carol: view|bob: view edit|bob: print");
  assert_string_equal(found(w, "active eq false"), "");
  assert_string_equal(found(w, us_text(w, "resourceTypeUuid eq '%s'", photo)), "bob: print");
  assert_string_equal(found(w, "subject/claimValue eq 'BOB'"), "bob: view edit|bob: print");
  assert_string_equal(found(w, "/subject/claimValue eq 'bob' and !(name co 'photo')"), "bob: view edit");
  assert_string_equal(found(w, "createdBy eq 'id=alice,ou=user,o=alpha,ou=services,dc=usher'"), found(w, "true"));
  assert_string_equal(found(w, "createdBy eq 'id=ALICE,ou=user,o=alpha,ou=services,dc=usher' and name co 'photo'"),
                      "bob: print");
  assert_string_equal(found(w, "createdBy eq 'id=bob,ou=user,o=alpha,ou=services,dc=usher'"), "");
  assert_rest(query(w, "alice", alice, "secret eq 'x'", ""), 400, "'/secret' not queryable");
  assert_rest(query(w, "alice", alice, "active co 'x'", ""), 400, "'co' not supported");
  assert_rest(us_with_sso(w, "GET", ENTRIES, alice, NULL, NULL), 400,
              "The resource collection users/alice/policies cannot be read");
}

static void lists_are_in_the_order_asked_for(void **state) {
  struct us_world *w = lake_trip(state);
  const char *photo = us_register(w, us_pat(w, "alice", RS2), PHOTO);
  us_world_advance_ms(w, 10);
  us_share(w, "alice", photo, "bob", "[\"print\"]");
  assert_string_equal(listed(w, query(w, "alice", alice, "true", "&_sortKeys=-name")),
                      "bob: print|bob: view edit|carol: view");
  assert_string_equal(listed(w, query(w, "alice", alice, "true", "&_sortKeys=subject/claimValue,-applicationName")),
                      "bob: print|bob: view edit|carol: view");
  assert_string_equal(listed(w, query(w, "alice", alice, "true", "&_sortKeys=-creationDate")),
                      "bob: print|carol: view|bob: view edit");
  assert_rest(query(w, "alice", alice, "true", "&_sortKeys=condition"), 400, "'condition' not sortable");
}

static void pages_follow_each_other_by_cookie(void **state) {
  struct us_world *w = lake_trip(state);
  const char *seen = "", *cookie = "", *page = "&_pageSize=2&_pagedResultsCookie=";
  const char *photo = us_register(w, us_pat(w, "alice", RS2), PHOTO);
  us_share(w, "alice", photo, "bob", "[\"print\"]");
  for (int i = 0; i < 2; i++) {
    struct us_reply r = query(w, "alice", alice, "true", us_text(w, "%s%s", page, us_enc(w, cookie)));
    seen = us_text(w, "%s%s/", seen, listed(w, r));
    assert_int_equal(us_reply_int(&r, "remainingPagedResults"), i == 0 ? 1 : 0);
    cookie = us_text(w, "%s", us_reply_str(&r, "pagedResultsCookie"));
    assert_int_equal(cookie[0] != '\0', i == 0);
  }
  assert_string_equal(seen, "carol: view|bob: view edit/bob: print/");
}

/* Who may. */
static void others_and_admins_are_kept_to_their_rights(void **state) {
  struct us_world *w = lake_trip(state);
  const char *url = entry_url(w, name_of(w, OF_BOB)), *body = "{\"condition\":" EXPIRY "}";
  const char *not_bob = "User, id=bob,ou=user,o=alpha,ou=services,dc=usher, not authorized.";
  assert_rest(us_with_sso(w, "GET", url, bob, NULL, NULL), 403, not_bob);
  assert_rest(us_with_sso(w, "PUT", url, bob, "If-Match: *", body), 403, not_bob);
  assert_rest(us_with_sso(w, "DELETE", url, bob, NULL, NULL), 403, not_bob);
  assert_rest(query(w, "alice", bob, "true", ""), 403, not_bob);
  assert_rest(query(w, "nobody", bob, "true", ""), 403, not_bob);
  assert_rest(us_with_sso(w, "GET", url, "dead", NULL, NULL), 401, "Access Denied");
  assert_rest(us_with_pat(w, "GET", url, us_pat(w, "alice", RS1), NULL), 401, "Access Denied");
  /* under one's own name, another's entry is not there */
  const char *mine = us_text(w, BOBS "/%s", path_enc(w, name_of(w, OF_BOB)));
  assert_reply(us_with_sso(w, "GET", mine, bob, NULL, NULL), 404);
  assert_reply(us_with_sso(w, "PUT", mine, bob, "If-Match: *", body), 404);
  assert_reply(us_with_sso(w, "DELETE", mine, bob, NULL, NULL), 404);
  assert_reply(us_with_sso(w, "GET", "/am/json/realms/root/users/alice/policies?_queryFilter=true", alice, NULL, NULL),
               403);
  assert_reply(query(w, "nobody", admin, "true", ""), 404);
  assert_string_equal(listed(w, query(w, "alice", admin, "true", "")), "carol: view|bob: view edit");
  assert_reply(us_with_sso(w, "GET", url, admin, NULL, NULL), 200);
  assert_reply(us_with_sso(w, "PUT", url, admin, "If-Match: *", body), 403);
  assert_string_equal(member(w, get(w, OF_BOB), "condition"), "(none)");
  assert_reply(us_with_sso(w, "DELETE", url, admin, NULL, NULL), 200);
  assert_reply(get(w, OF_BOB), 404);
}

/* Re-shares (i.3). */
#define SHARED_ON "Lake Trip - bob - %s-94431409"
static void bob_shares_on(struct us_world *w) {
  const char *url = us_text(w, ALPHA_JSON "users/bob/uma/policies/%s", id);
  const char *to_carol = "[{\"subject\":\"carol\",\"scopes\":[\"view\",\"edit\"]}]";
  assert_reply(us_with_sso(w, "PUT", url, bob, "If-None-Match: *", policy_body(w, id, to_carol, NULL)), 201);
}
static struct us_reply bobs(struct us_world *w, const char *method, const char *suffix, const char *body) {
  const char *name = us_text(w, SHARED_ON "%s", id, suffix);
  return us_with_sso(w, method, us_text(w, BOBS "/%s", path_enc(w, name)), bob, NULL, body);
}

static void a_permission_that_is_partly_active_shows_as_two(void **state) {
  struct us_world *w = lake_trip(state);
  bob_shares_on(w);
  assert_string_equal(listed(w, query(w, "bob", bob, "true", "")), "carol: view edit");
  assert_reply(bobs(w, "GET", " (inactive)", NULL), 404);
  us_share(w, "alice", id, "bob", "[\"view\"]");
  assert_string_equal(listed(w, query(w, "bob", bob, "true", "")), "carol: view|-carol: edit");
  assert_string_equal(listed(w, query(w, "bob", bob, "active eq false", "")), "-carol: edit");
  assert_string_equal(listed(w, query(w, "bob", bob, us_text(w, "name eq '" SHARED_ON " (inactive)'", id), "")),
                      "-carol: edit");
  struct us_reply r = query(w, "bob", bob, "true", "&_pageSize=1&_totalPagedResultsPolicy=EXACT");
  assert_string_equal(listed(w, r), "carol: view");
  assert_int_equal(us_reply_int(&r, "totalPagedResults"), 2);
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 1);
  r = query(w, "bob", bob, "true",
            us_text(w, "&_pageSize=1&_pagedResultsCookie=%s", us_enc(w, us_reply_str(&r, "pagedResultsCookie"))));
  assert_string_equal(listed(w, r), "-carol: edit");
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 0);
  r = bobs(w, "GET", " (inactive)", NULL);
  assert_string_equal(member(w, r, "actionValues"), "{\"edit\":true}");
  assert_string_equal(us_reply_str(&r, "_id"), us_text(w, SHARED_ON " (inactive)", id));
  /* one permission, one condition */
  assert_reply(bobs(w, "PUT", " (inactive)", "{\"condition\":" EXPIRY "}"), 200);
  assert_string_equal(member(w, bobs(w, "GET", "", NULL), "condition"), EXPIRY);
  us_share(w, "alice", id, "bob", "[\"view\",\"edit\"]");
  assert_string_equal(listed(w, query(w, "bob", bob, "true", "")), "carol: view edit");
}

static void either_part_is_removed_without_the_other(void **state) {
  struct us_world *w = lake_trip(state);
  bob_shares_on(w);
  us_share(w, "alice", id, "bob", "[\"view\"]");
  assert_reply(bobs(w, "DELETE", " (inactive)", NULL), 200);
  assert_string_equal(listed(w, query(w, "bob", bob, "true", "")), "carol: view");
  us_share(w, "alice", id, "bob", "[\"edit\"]");
  assert_string_equal(listed(w, query(w, "bob", bob, "true", "")), "-carol: view");
  assert_reply(bobs(w, "DELETE", " (inactive)", NULL), 404); /* wholly inactive: its own name */
  assert_reply(bobs(w, "DELETE", "", NULL), 200);
  assert_reply(us_with_sso(w, "GET", us_text(w, ALPHA_JSON "users/bob/uma/policies/%s", id), bob, NULL, NULL), 404);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(an_entry_shows_one_permission),
      STORY(a_name_outlives_that_of_the_resource),
      STORY(names_that_collide_are_told_apart),
      STORY(a_slash_in_the_name_is_percent_encoded),
      STORY(a_condition_is_set_and_cleared_here),
      STORY(the_whole_object_may_be_sent_back),
      STORY(nothing_but_the_condition_may_change),
      STORY(preconditions_are_those_of_the_policy),
      STORY(entries_are_not_made_here),
      STORY(a_deleted_entry_takes_its_grant_along),
      STORY(rpts_lose_what_a_deleted_entry_gave),
      STORY(every_field_of_the_contract_is_queryable),
      STORY(lists_are_in_the_order_asked_for),
      STORY(pages_follow_each_other_by_cookie),
      STORY(others_and_admins_are_kept_to_their_rights),
      STORY(a_permission_that_is_partly_active_shows_as_two),
      STORY(either_part_is_removed_without_the_other),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
