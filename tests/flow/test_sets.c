/* Queries of resource sets (REST contract d.2): what one owns and what is shared with one, by every field, page after page. */
#include "flow/sets.h"

/* alice: boat (RS2), lake, meadow (labels Holiday), a nameless one; bob: harbour, shared with alice, and inn, which is not. */
struct shelf {
  struct us_world *w;
  const char *boat, *lake, *meadow, *bare, *harbour, *inn;
};
static struct shelf setup(void **state) {
  struct us_world *w = *state;
  const char *a1 = us_pat(w, "alice", RS1), *a2 = us_pat(w, "alice", RS2), *b1 = us_pat(w, "bob", RS1);
  struct shelf s = {.w = w};
  s.boat = us_register(w, a2, "{\"name\":\"boat\",\"resource_scopes\":[\"view\"]}");
  s.lake = us_register(
      w, a1,
      "{\"name\":\"Lake Trip\",\"resource_scopes\":[\"see\",\"annotate\"],\"type\":\"https://t.example/album\","
      "\"icon_uri\":\"https://t.example/i.png\",\"description\":\"two days\",\"labels\":[\"Holiday\"],\"other\":1}");
  s.meadow = us_register(w, a1, "{\"name\":\"meadow\",\"resource_scopes\":[\"view\"],\"labels\":[\"Holiday\"]}");
  s.bare = us_register(w, a1, "{\"resource_scopes\":[\"view\"]}");
  s.harbour =
      us_register(w, b1, "{\"name\":\"harbour\",\"resource_scopes\":[\"view\",\"edit\"],\"labels\":[\"Bobs\"]}");
  s.inn = us_register(w, b1, "{\"name\":\"inn\",\"resource_scopes\":[\"view\"]}");
  us_share(w, "bob", s.harbour, "ALICE", "[\"view\"]");
  return s;
}

static void a_set_shows_what_was_registered_and_ones_own_part(void **state) {
  struct shelf s = setup(state);
  struct us_world *w = s.w;
  const char *star = label_of(w, "alice", "starred", "STAR", us_text(w, "\"%s\"", s.lake));
  us_share(w, "alice", s.lake, "bob", "[\"see\"]");
  struct us_reply r = sets_of(w, "alice", "name eq 'lake trip'", "");
  assert_status(r, 200);
  const char *whole = us_text(
      w,
      "{\"_id\":\"%s\",\"name\":\"Lake Trip\",\"scopes\":[\"see\",\"annotate\"],\"type\":\"https://t.example/album\","
      "\"icon_uri\":\"https://t.example/i.png\",\"description\":\"two days\",\"resourceServer\":\"" RS1 "\","
      "\"resourceOwnerId\":\"alice\",\"labels\":[\"" RS1 "/Holiday\",\"%s\"],"
      "\"policy\":{\"permissions\":[{\"subject\":\"bob\",\"scopes\":[\"see\"]}]}}",
      s.lake, star);
  char *shown = json_dumps(item_at(&r, 0), JSON_COMPACT);
  assert_string_equal(shown, whole);
  free(shown);
  /* bob sees neither alice's labels nor her policy. */
  r = sets_of(w, "bob", "name eq 'Lake Trip'", "");
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
  assert_int_equal(json_array_size(json_object_get(item_at(&r, 0), "labels")), 0);
  assert_null(json_object_get(item_at(&r, 0), "policy"));
  assert_string_equal(item_text(&r, 0, "resourceOwnerId"), "alice");
}

static void one_sees_what_one_owns_and_what_is_shared_with_one(void **state) {
  struct shelf s = setup(state);
  struct us_world *w = s.w;
  assert_string_equal(named(w, "alice", "true", "&_sortKeys=name"), ",Lake Trip,boat,harbour,meadow,");
  assert_string_equal(named(w, "alice", "true", ""), ",Lake Trip,boat,harbour,meadow,");
  assert_string_equal(named(w, "alice", "false", ""), "");
  assert_string_equal(named(w, "bob", "true", ""), "harbour,inn,");
  assert_string_equal(named(w, "carol", "true", ""), "");
  assert_string_equal(
      names_of(w, us_with_sso(w, "GET", SETS "?_queryId=*&_sortKeys=-name", us_sso(w, "alice"), NULL, NULL)),
      "meadow,harbour,boat,Lake Trip,,");
  /* the idioms of the pages */
  assert_string_equal(named(w, "alice", "resourceOwnerId eq \"alice\"", "&_sortKeys=name"), ",Lake Trip,boat,meadow,");
  assert_string_equal(named(w, "alice", "resourceOwnerId eq \"ALICE\" AND name co \"LAKE\"", ""), "Lake Trip,");
  assert_string_equal(named(w, "alice", "! resourceOwnerId eq \"alice\"", "&_sortKeys=name"), "harbour,");
  assert_string_equal(named(w, "alice", "! resourceOwnerId eq \"alice\" AND name co \"x\"", ""), "");
  assert_string_equal(named(w, "alice", "resourceOwnerId eq \"bob\"", ""), "harbour,");
  assert_string_equal(named(w, "alice", "resourceOwnerId eq \"alice\" or name eq \"harbour\"", ""),
                      ",Lake Trip,boat,harbour,meadow,");
  assert_string_equal(named(w, "alice", "! (resourceOwnerId eq \"alice\" and name eq \"boat\")", ""),
                      ",Lake Trip,harbour,meadow,");
}

static void sight_comes_and_goes_with_the_share(void **state) {
  struct shelf s = setup(state);
  struct us_world *w = s.w;
  const char *bob = us_sso(w, "bob");
  const char *url = us_text(w, ALPHA_JSON "users/bob/uma/policies/%s", s.harbour);
  assert_reply(us_with_sso(w, "DELETE", url, bob, NULL, NULL), 200);
  assert_string_equal(named(w, "alice", "! resourceOwnerId eq \"alice\"", ""), "");
  assert_string_equal(named(w, "alice", "name eq 'harbour'", ""), "");
  us_share(w, "bob", s.inn, "group:Family", "[\"view\"]");
  assert_string_equal(named(w, "alice", "! resourceOwnerId eq \"alice\"", ""), "");
  join_group(w, "Family", "alice"); /* counts at once, the session is the same */
  assert_string_equal(named(w, "alice", "! resourceOwnerId eq \"alice\"", ""), "inn,");
  assert_string_equal(named(w, "alice", "name sw 'i'", ""), "inn,");
  assert_string_equal(named(w, "carol", "true", ""), "");
}

static enum us_code orphan(struct us_cx *cx, void *self) {
  return us_sql_run(cx, NULL, "UPDATE permission SET is_active = 0, active_scopes = '[]'", "");
}
static void inactive_grants_show_nothing(void **state) {
  struct shelf s = setup(state);
  must(s.w, orphan, NULL);
  assert_string_equal(named(s.w, "alice", "name eq 'harbour'", ""), "");
  assert_string_equal(named(s.w, "alice", "! resourceOwnerId eq 'alice'", ""), "");
  /* but what one shared oneself is still found by whom it names */
  assert_string_equal(named(s.w, "bob", "sharedWith eq 'alice'", ""), "harbour,");
}

static enum us_code give_mail(struct us_cx *cx, void *self) {
  return us_sql_run(cx, NULL, "UPDATE account SET mail = 'alice@example.net' WHERE name = 'alice'", "");
}
static void the_attribute_that_shares_name_decides_who_sees(void **state) {
  struct shelf s = setup(state);
  us_world_set(s.w, "usernameAttribute", "mail");
  assert_string_equal(named(s.w, "alice", "! resourceOwnerId eq 'alice'", ""),
                      ""); /* without a mail she has no name for shares */
  must(s.w, give_mail, NULL);
  assert_string_equal(named(s.w, "alice", "! resourceOwnerId eq 'alice'", ""), "");
  us_share(s.w, "bob", s.inn, "Alice@Example.net", "[\"view\"]");
  assert_string_equal(named(s.w, "alice", "! resourceOwnerId eq 'alice'", ""), "inn,");
}

/* Lists go by a copy of the name in the grants: it moves along. */
static void what_is_shared_is_sorted_by_the_name_it_has_now(void **state) {
  struct shelf s = setup(state);
  const char *pat = us_pat(s.w, "bob", RS1);
  us_share(s.w, "bob", s.inn, "alice", "[\"view\"]");
  assert_string_equal(named(s.w, "alice", "! resourceOwnerId eq 'alice'", ""), "harbour,inn,");
  assert_reply(us_with_pat(s.w, "PUT", us_text(s.w, ALPHA_UMA "resource_set/%s", s.inn), pat,
                           "{\"name\":\"ark\",\"resource_scopes\":[\"view\"]}"),
               200);
  assert_string_equal(named(s.w, "alice", "! resourceOwnerId eq 'alice'", ""), "ark,harbour,");
  assert_string_equal(named(s.w, "alice", "true", "&_sortKeys=-name"), "meadow,harbour,boat,ark,Lake Trip,,");
  assert_reply(us_with_pat(s.w, "PUT", us_text(s.w, ALPHA_UMA "resource_set/%s", s.harbour), pat,
                           "{\"resource_scopes\":[\"view\"]}"),
               200);
  assert_string_equal(named(s.w, "alice", "! resourceOwnerId eq 'alice'", ""), ",ark,");
}

/* A resource that comes by several ways, by name and by groups, from several people, is one. */
static void a_set_is_listed_once_however_often_it_is_shared(void **state) {
  struct shelf s = setup(state);
  struct us_world *w = s.w;
  join_group(w, "Family", "alice");
  assert_reply(
      put_policy_of(
          w, "bob", s.harbour,
          "[{\"subject\":\"alice\",\"scopes\":[\"view\"]},{\"subject\":\"group:family\",\"scopes\":[\"edit\"]},"
          "{\"subject\":\"carol\",\"scopes\":[\"view\"]}]"),
      200);
  us_share(w, "carol", s.harbour, "alice", "[\"view\"]");
  struct us_reply r = sets_of(w, "alice", "! resourceOwnerId eq 'alice'", "&_totalPagedResultsPolicy=EXACT");
  assert_string_equal(names_of(w, r), "harbour,");
  assert_int_equal(us_reply_int(&r, "totalPagedResults"), 1);
  assert_string_equal(named(w, "alice", "name eq 'harbour'", ""), "harbour,");
}

static enum us_code drop_bob(struct us_cx *cx, void *self) {
  return us_sql_run(cx, NULL, "DELETE FROM account WHERE name = 'bob'", "");
}
/* Before anything was tidied away. */
static void what_a_deleted_account_owned_is_gone_at_once(void **state) {
  struct shelf s = setup(state);
  must(s.w, drop_bob, NULL);
  assert_string_equal(named(s.w, "alice", "! resourceOwnerId eq 'alice'", ""), "");
  assert_string_equal(named(s.w, "alice", "true", ""), ",Lake Trip,boat,meadow,");
  assert_reply(us_with_sso(s.w, "GET", us_text(s.w, SETS "/%s", s.harbour), us_sso(s.w, "alice"), NULL, NULL), 404);
}

static void every_field_is_asked_by_its_operators(void **state) {
  struct shelf s = setup(state);
  struct us_world *w = s.w;
  us_share(w, "alice", s.lake, "bob", "[\"see\"]");
  us_share(w, "alice", s.boat, "Bobby", "[\"view\"]");
  const struct {
    const char *filter, *names;
  } cases[] = {
      {"name eq 'BOAT'", "boat,"},
      {"name sw 'l'", "Lake Trip,"},
      {"/name co 'a'", "Lake Trip,boat,harbour,meadow,"},
      {"resourceServer eq '" RS2 "'", "boat,"},
      {"resourceServer eq 'uma-resource-server-2'", ""},
      {"resourceServer sw 'UMA-Resource-Server'", ",Lake Trip,boat,harbour,meadow,"},
      {"resourceServer co 'Server-2'", "boat,"},
      {"resourceOwnerId sw 'AL'", ",Lake Trip,boat,meadow,"},
      {"resourceOwnerId co 'o'", "harbour,"},
      {"policy/permissions/subject eq 'BOB'", "Lake Trip,"},
      {"policy/permissions/subject sw 'bob'", "Lake Trip,boat,"},
      {"/policy/permissions/subject co 'bby'", "boat,"},
      {"sharedWith eq 'bob'", "Lake Trip,"},
      {"! sharedWith eq 'bob' and resourceOwnerId eq 'alice'", ",boat,meadow,"},
      {"(sharedWith eq 'bob' or (name eq 'meadow' and ! sharedWith eq 'bob'))", "Lake Trip,meadow,"}, /* nested: d.2 */
      {"policy/permissions/subject eq 'alice'", ""}, /* bob's share of harbour is not hers */
      {"name eq 'x' or true", ",Lake Trip,boat,harbour,meadow,"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const char *found = named(w, "alice", cases[i].filter, "");
    if (strcmp(found, cases[i].names) != 0)
      fail_msg("%s finds %s", cases[i].filter, found);
  }
}

static void labels_are_asked_by_their_id(void **state) {
  struct shelf s = setup(state);
  struct us_world *w = s.w;
  const char *mine = label_of(w, "alice", "mine", "USER", us_text(w, "\"%s\",\"%s\"", s.harbour, s.boat));
  const char *bobs = label_of(w, "bob", "bobs", "USER", us_text(w, "\"%s\"", s.harbour));
  const char *eq = us_text(w, "labels eq '%s'", mine);
  assert_string_equal(named(w, "alice", eq, ""), "boat,harbour,");
  assert_string_equal(named(w, "alice", us_text(w, "resourceOwnerId eq 'alice' AND %s", eq), ""), "boat,");
  assert_string_equal(named(w, "alice", us_text(w, "! resourceOwnerId eq 'alice' AND %s", eq), ""), "harbour,");
  assert_string_equal(named(w, "alice", us_text(w, "! %s", eq), ""), ",Lake Trip,meadow,");
  assert_string_equal(named(w, "alice", us_text(w, "%s or name eq 'meadow'", eq), ""), "boat,harbour,meadow,");
  assert_string_equal(named(w, "alice", "labels eq '" RS1 "/Holiday'", ""), "Lake Trip,meadow,");
  assert_string_equal(named(w, "alice", us_text(w, "labels eq '" RS1 "/Holiday' and %s", eq), ""), "");
  const char *const unknown[] = {
      "labels eq 'none'", us_text(w, "labels eq '%s'", bobs), "labels eq '" RS1 "/Bobs'",
      "labels eq 1",      "! (name eq 'x' or labels eq '1')",
  };
  for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
    assert_rest(sets_of(w, "alice", unknown[i], ""), 400, "Unknown Label ID.");
  /* What is labelled and not seen any more is not found. */
  assert_reply(us_with_sso(w, "DELETE", us_text(w, ALPHA_JSON "users/bob/uma/policies/%s", s.harbour), us_sso(w, "bob"),
                           NULL, NULL),
               200);
  assert_string_equal(named(w, "alice", eq, ""), "boat,");
}

static void what_is_not_offered_is_refused_as_the_product_does(void **state) {
  struct shelf s = setup(state);
  const char *alice = us_sso(s.w, "alice");
  assert_rest(sets_of(s.w, "alice", "scopes eq 'x'", ""), 501, "'/scopes' not queryable");
  assert_rest(sets_of(s.w, "alice", "_id eq 'x'", ""), 501, "'/_id' not queryable");
  assert_rest(sets_of(s.w, "alice", "name gt 'x'", ""), 501, "'gt' not supported");
  assert_rest(sets_of(s.w, "alice", "labels co 'x'", ""), 501, "'co' not supported");
  assert_rest(sets_of(s.w, "alice", "name near 'x'", ""), 501, "'near' not supported");
  assert_rest(us_with_sso(s.w, "GET", SETS "?_queryId=mine", alice, NULL, NULL), 400, "Invalid query");
  assert_rest(us_with_sso(s.w, "GET", SETS, alice, NULL, NULL), 400,
              "The resource collection users/alice/oauth2/resources/sets cannot be read");
  assert_rest(us_with_sso(s.w, "GET", SETS "?_queryId=*&_queryFilter=true", alice, NULL, NULL), 400,
              "The parameters _queryId and _queryFilter are mutually exclusive");
  assert_rest(sets_of(s.w, "alice", "true", "&_sortKeys=scopes"), 400, "'scopes' not sortable");
  assert_reply(us_with_sso(s.w, "POST", SETS "?_action=create", alice, NULL, ALBUM), 501);
  assert_rest(us_with_sso(s.w, "POST", SETS "?_action=revokeall", alice, NULL, NULL), 501,
              "Action revokeall not supported");
  assert_reply(us_with_sso(s.w, "DELETE", us_text(s.w, SETS "/%s", s.boat), alice, NULL, NULL), 501);
  assert_reply(us_with_sso(s.w, "GET", SETS "?_queryFilter=true", alice, "If-Match: *", NULL), 412);
}

static void fields_decide_what_is_read(void **state) {
  struct shelf s = setup(state);
  us_share(s.w, "alice", s.lake, "bob", "[\"see\"]");
  struct us_reply r = sets_of(s.w, "alice", "name eq 'lake trip'", "&_fields=name,resourceServer");
  assert_string_equal(item_text(&r, 0, "resourceServer"), RS1);
  assert_null(json_object_get(item_at(&r, 0), "policy"));
  assert_null(json_object_get(item_at(&r, 0), "scopes"));
  r = sets_of(s.w, "alice", "name eq 'lake trip'", "&_fields=name,/policy/permissions");
  assert_int_equal(json_array_size(json_object_get(item_at(&r, 0), "permissions")), 1);
  r = sets_of(s.w, "alice", "name eq 'lake trip'", "&_fields=policy");
  assert_non_null(json_object_get(json_object_get(item_at(&r, 0), "policy"), "permissions"));
}

static enum us_code many(struct us_cx *cx, void *self) {
  static const char SQL[] =
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 119) "
      "INSERT INTO resource (id, uuid, realm_id, owner_id, rs_ref, name, name_sort, name_key, scopes, rev, access_rev, "
      "created_ms, "
      "modified_ms, description) SELECT 500 + n.i, 'many-' || n.i, a.realm_id, a.id, 1, 'n' || (100 + n.i / 3), 'n' || "
      "(100 + n.i / 3), "
      "'n' || (100 + n.i / 3), '[\"x\"]', 1, 1, 1, 1, '{}' FROM n, account a WHERE a.name = 'carol'";
  static const char SQL_NAMES[] =
      "UPDATE resource SET name = NULL WHERE uuid LIKE 'many-%' AND id % 3 > 0"; /* names are unique */
  (void)self;
  US_TRY(us_sql_run(cx, NULL, "DROP INDEX resource_name", ""));
  US_TRY(us_sql_run(cx, NULL, SQL, ""));
  return us_sql_run(cx, NULL, SQL_NAMES, "");
}

/* The rows of the table of the pages: an order by name, 20 a page, the number of pages computed from what remains. */
static void pages_by_offset_say_exactly_what_remains(void **state) {
  struct shelf s = setup(state);
  must(s.w, many, NULL);
  size_t seen = 0;
  for (size_t page = 0; page < 7; page++) {
    struct us_reply r =
        as_pages(s.w, "GET",
                 us_text(s.w,
                         SETS_OF("carol") "?_queryFilter=resourceOwnerId+eq+%%22carol%%22&_sortKeys=name&_pageSize=20"
                                          "&_pagedResultsOffset=%zu&_fields=name,resourceServer,type",
                         20 * page),
                 us_sso(s.w, "carol"), NULL, NULL);
    assert_status(r, 200);
    seen += json_array_size(json_object_get(r.json, "result"));
    assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 120 - seen);
    assert_true(json_is_null(json_object_get(r.json, "pagedResultsCookie")));
  }
  assert_int_equal(seen, 120);
}

/* Whatever the order and the place, each item comes once. */
static void cookies_walk_every_list_once(void **state) {
  struct shelf s = setup(state);
  struct us_world *w = s.w;
  us_share(w, "alice", s.boat, "bob", "[\"view\"]");
  must(w, many, NULL);
  const struct {
    const char *user, *filter, *sort;
    size_t count;
  } lists[] = {
      {"carol", "true", "name", 120},
      {"carol", "resourceOwnerId eq 'carol'", "-name", 120},
      {"carol", "resourceOwnerId eq 'carol' and name co '1'", "resourceServer,-_id", 120},
      {"carol", "! name eq 'n100'", "-resourceOwnerId,name", 117},
      {"bob", "true", "resourceOwnerId", 3},
      {"alice", "! resourceOwnerId eq 'alice'", "-name", 1},
  };
  for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
    const char *cookie = "", *seen = ",";
    size_t count = 0;
    do {
      struct us_reply r = sets_of(
          w, lists[i].user, lists[i].filter,
          us_text(w, "&_sortKeys=%s&_pageSize=7&_pagedResultsCookie=%s&_fields=_id", us_enc(w, lists[i].sort), cookie));
      assert_status(r, 200);
      size_t n = json_array_size(json_object_get(r.json, "result"));
      for (size_t k = 0; k < n; k++) {
        const char *id = us_text(w, ",%s,", item_text(&r, k, "_id"));
        if (strstr(seen, id) != NULL)
          fail_msg("list %zu gives %s twice", i, id);
        seen = us_text(w, "%s%s", seen, id + 1);
      }
      count += n;
      assert_int_equal(us_reply_int(&r, "remainingPagedResults"), lists[i].count - count);
      const char *next = json_string_value(json_object_get(r.json, "pagedResultsCookie"));
      cookie = next ? next : "";
    } while (cookie[0] != '\0');
    assert_int_equal(count, lists[i].count);
  }
}

static enum us_code fat(struct us_cx *cx, void *self) {
  static const char SQL[] = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 59) "
                            "INSERT INTO resource (id, uuid, realm_id, owner_id, rs_ref, name_sort, scopes, rev, "
                            "access_rev, created_ms, modified_ms, description) "
                            "SELECT 900 + n.i, 'fat-' || n.i, a.realm_id, a.id, 1, '', '[\"' || $1 || '\"]', 1, 1, 1, "
                            "1, '{}' FROM n, account a WHERE a.name = 'dave'";
  char *scope = malloc(100001);
  (void)self;
  assert_non_null(scope);
  memset(scope, 'x', 100000);
  scope[100000] = '\0';
  enum us_code code = us_sql_run(cx, NULL, SQL, "c", scope);
  free(scope);
  return code;
}
/* An answer ends at 4 MiB, in the middle of a page; what follows is counted from there, and the cookie goes on from there. */
static void a_page_that_grew_too_large_ends_early_and_says_so(void **state) {
  struct shelf s = setup(state);
  must(s.w, fat, NULL);
  struct us_reply r = sets_of(s.w, "dave", "true", "&_pageSize=100");
  assert_status(r, 200);
  int64_t n = us_reply_int(&r, "resultCount");
  assert_true(n > 30 && n < 60);
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 60 - n);
  const char *cookie = json_string_value(json_object_get(r.json, "pagedResultsCookie"));
  assert_non_null(cookie);
  struct us_reply rest = sets_of(s.w, "dave", "true", us_text(s.w, "&_pageSize=100&_pagedResultsCookie=%s", cookie));
  assert_int_equal(us_reply_int(&rest, "resultCount"), 60 - n);
  assert_string_equal(item_text(&rest, 0, "_id"), us_text(s.w, "fat-%d", (int)n));
}

static void nobody_else_asks(void **state) {
  struct shelf s = setup(state);
  const char *bob = us_sso(s.w, "bob"), *admin = us_sso(s.w, "amAdmin");
  assert_reply(us_with_sso(s.w, "GET", SETS "?_queryFilter=true", bob, NULL, NULL), 403);
  assert_reply(us_send(s.w, "GET", SETS "?_queryFilter=true", NULL, NULL), 401);
  struct us_reply r = us_with_sso(s.w, "GET", SETS "?_queryFilter=true", admin, NULL, NULL);
  assert_status(r, 200);
  assert_int_equal(us_reply_int(&r, "resultCount"), 5); /* as alice sees it, not as the administrator would */
  assert_reply(us_with_sso(s.w, "GET", SETS_OF("nobody") "?_queryFilter=true", admin, NULL, NULL), 404);
  assert_reply(us_with_sso(s.w, "GET", "/am/json/users/alice/oauth2/resources/sets?_queryFilter=true",
                           us_sso(s.w, "alice"), NULL, NULL),
               403);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_set_shows_what_was_registered_and_ones_own_part),
      STORY(one_sees_what_one_owns_and_what_is_shared_with_one),
      STORY(sight_comes_and_goes_with_the_share),
      STORY(inactive_grants_show_nothing),
      STORY(the_attribute_that_shares_name_decides_who_sees),
      STORY(what_is_shared_is_sorted_by_the_name_it_has_now),
      STORY(a_set_is_listed_once_however_often_it_is_shared),
      STORY(what_a_deleted_account_owned_is_gone_at_once),
      STORY(every_field_is_asked_by_its_operators),
      STORY(labels_are_asked_by_their_id),
      STORY(what_is_not_offered_is_refused_as_the_product_does),
      STORY(fields_decide_what_is_read),
      STORY(pages_by_offset_say_exactly_what_remains),
      STORY(cookies_walk_every_list_once),
      STORY(a_page_that_grew_too_large_ends_early_and_says_so),
      STORY(nobody_else_asks),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
