/* One resource set: read, labelled, everything withdrawn (REST contract d.3 to d.5), as the pages of the lineage do it (k.2). */
#include "flow/sets.h"

#include "domain/set.h"

struct people {
  struct us_world *w;
  const char *alice, *bob, *lake, *photo;
};
static struct people setup(void **state) {
  struct us_world *w = *state;
  struct people p = {.w = w, .alice = us_sso(w, "alice"), .bob = us_sso(w, "bob")};
  p.lake = us_register(w, us_pat(w, "alice", RS1),
                       "{\"name\":\"Lake Trip\",\"resource_scopes\":[\"see\",\"annotate\"],\"labels\":[\"Holiday\"]}");
  p.photo = us_register(w, us_pat(w, "alice", RS2), PHOTO);
  us_share(w, "alice", p.lake, "bob", "[\"see\"]");
  return p;
}
static struct us_reply read_set(struct people *p, const char *user, const char *id) {
  return us_with_sso(p->w, "GET", us_text(p->w, ALPHA_JSON "users/%s/oauth2/resources/sets/%s", user, id),
                     us_sso(p->w, user), NULL, NULL);
}
static struct us_reply put_set(struct people *p, const char *user, const char *id, const char *headers,
                               const char *body) {
  return us_with_sso(p->w, "PUT", us_text(p->w, ALPHA_JSON "users/%s/oauth2/resources/sets/%s", user, id),
                     us_sso(p->w, user), headers, body);
}
static const char *labels_in(struct us_world *w, struct us_reply r) {
  const char *text = "";
  assert_status(r, 200);
  const json_t *labels = json_object_get(r.json, "labels");
  for (size_t i = 0; i < json_array_size(labels); i++)
    text = us_text(w, "%s%s,", text, json_string_value(json_array_get(labels, i)));
  return text;
}

static void an_invisible_set_is_not_there(void **state) {
  struct people p = setup(state);
  struct us_reply r = read_set(&p, "bob", p.lake);
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "resourceOwnerId"), "alice");
  assert_rest(read_set(&p, "bob", p.photo), 404, us_text(p.w, "No resource set with id, %s, found.", p.photo));
  assert_rest(read_set(&p, "carol", p.lake), 404, us_text(p.w, "No resource set with id, %s, found.", p.lake));
  assert_rest(read_set(&p, "alice", "nothing"), 404, "No resource set with id, nothing, found.");
  assert_rest(put_set(&p, "bob", p.photo, "If-Match: *", "{\"labels\":[]}"), 404,
              us_text(p.w, "No resource set with id, %s, found.", p.photo));
  assert_reply(us_with_sso(p.w, "GET", us_text(p.w, SETS "/%s", p.lake), p.bob, NULL, NULL), 403);
  assert_reply(us_with_sso(p.w, "GET", us_text(p.w, SETS "/%s", p.lake), us_sso(p.w, "amAdmin"), NULL, NULL), 200);
  /* in another realm it is not there either, for the administrator who may look everywhere */
  assert_reply(us_with_sso(p.w, "GET", us_text(p.w, "/am/json/users/amAdmin/oauth2/resources/sets/%s", p.lake),
                           us_sso(p.w, "amAdmin"), NULL, NULL),
               404);
  assert_reply(us_with_sso(p.w, "GET", us_text(p.w, SETS "/%s?_queryFilter=true", p.lake), p.alice, NULL, NULL), 400);
}

/* Star, unstar, edit labels: the whole object comes back, labels changed. */
static void the_pages_send_the_whole_object_back(void **state) {
  struct people p = setup(state);
  const char *star = label_of(p.w, "alice", "starred", "STAR", "");
  const char *url = us_text(p.w, SETS "/%s", p.lake);
  struct us_reply r = as_pages(p.w, "GET", url, p.alice, NULL, NULL);
  assert_status(r, 200);
  json_t *labels = json_object_get(r.json, "labels");
  assert_int_equal(json_array_append_new(labels, json_string(star)), 0);
  char *whole = json_dumps(r.json, 0);
  r = as_pages(p.w, "PUT", url, p.alice, NULL, whole); /* no precondition: protocol 1 updates (a.6) */
  assert_string_equal(labels_in(p.w, r), us_text(p.w, RS1 "/Holiday,%s,", star));
  assert_string_equal(us_reply_str(&r, "name"), "Lake Trip");
  assert_int_equal(json_array_size(json_object_get(json_object_get(r.json, "policy"), "permissions")), 1);
  r = as_pages(p.w, "PUT", url, p.alice, NULL, "{\"labels\":[]}");
  assert_string_equal(labels_in(p.w, r), RS1 "/Holiday,"); /* SYSTEM labels stay (d.4) */
  free(whole);
}

static void everybody_labels_for_oneself(void **state) {
  struct people p = setup(state);
  const char *mine = label_of(p.w, "alice", "mine", "USER", "");
  const char *more = label_of(p.w, "alice", "more", "USER", "");
  const char *bobs = label_of(p.w, "bob", "bobs", "STAR", "");
  struct us_reply before = read_set(&p, "alice", p.lake);
  assert_string_equal(labels_in(p.w, put_set(&p, "bob", p.lake, "If-Match: *",
                                             us_text(p.w, "{\"labels\":[\"%s\",\"%s\"]}", bobs, bobs))),
                      us_text(p.w, "%s,", bobs));
  /* nothing of it shows to alice, not even in the revision, nor to the resource server */
  struct us_reply after = read_set(&p, "alice", p.lake);
  assert_string_equal(us_reply_str(&before, "_rev"), us_reply_str(&after, "_rev"));
  assert_string_equal(labels_in(p.w, after), RS1 "/Holiday,");
  struct us_reply r =
      us_with_pat(p.w, "GET", us_text(p.w, ALPHA_UMA "resource_set/%s", p.lake), us_pat(p.w, "alice", RS1), NULL);
  assert_string_equal(us_reply_header(&r, "ETag"), "W/\"1\"");
  assert_string_equal(labels_in(p.w, r), "Holiday,");
  /* the list replaces, and other people's ids are unknown */
  r = put_set(&p, "alice", p.lake, "If-Match: *", us_text(p.w, "{\"labels\":[\"%s\",\"%s\"]}", mine, more));
  assert_string_equal(labels_in(p.w, r), us_text(p.w, RS1 "/Holiday,%s,%s,", mine, more));
  r = put_set(&p, "alice", p.lake, "If-Match: *", us_text(p.w, "{\"labels\":[\"%s\",\"" RS1 "/Holiday\"]}", more));
  assert_string_equal(labels_in(p.w, r), us_text(p.w, RS1 "/Holiday,%s,", more));
  r = put_set(&p, "alice", p.lake, "If-Match: *", us_text(p.w, "{\"labels\":[\"%s\",\"%s\"]}", mine, bobs));
  assert_rest(r, 404, us_text(p.w, "Label not found, %s", bobs));
  r = put_set(&p, "bob", p.lake, "If-Match: *", "{\"labels\":[\"" RS1 "/Holiday\"]}");
  assert_rest(r, 404, "Label not found, " RS1 "/Holiday"); /* bob owns nothing that carries it */
  assert_string_equal(labels_in(p.w, read_set(&p, "alice", p.lake)), us_text(p.w, RS1 "/Holiday,%s,", more));
}

static void what_is_wrong_with_an_update_is_said(void **state) {
  struct people p = setup(state);
  assert_rest(put_set(&p, "alice", p.lake, "If-Match: *", "{\"name\":\"x\"}"), 400, "Missing required field: labels");
  assert_rest(put_set(&p, "alice", p.lake, "If-Match: *", "{\"labels\":\"x\"}"), 400,
              "labels: must be an array of strings");
  assert_reply(put_set(&p, "alice", p.lake, "If-Match: *", "{\"labels\":[1]}"), 400);
  assert_reply(put_set(&p, "alice", p.lake, "If-Match: *", "[]"), 400);
  assert_reply(put_set(&p, "alice", p.lake, "If-None-Match: *", "{\"labels\":[]}"), 501);
  assert_reply(put_set(&p, "alice", "new", "If-None-Match: *", "{\"labels\":[]}"), 501);
  assert_reply(put_set(&p, "alice", "new", NULL, "{\"labels\":[]}"), 404);
  const char *url = us_text(p.w, SETS "/%s", p.lake);
  assert_reply(us_with_sso(p.w, "PUT", url, p.bob, "If-Match: *", "{\"labels\":[]}"), 403);
  assert_reply(us_with_sso(p.w, "PUT", url, us_sso(p.w, "amAdmin"), "If-Match: *", "{\"labels\":[]}"), 403);
  assert_reply(us_with_sso(p.w, "PATCH", url, p.alice, NULL, "[]"), 501);
}

/* 128 private labels go on one set, and not one more; SYSTEM ones do not count. */
static void a_set_bears_so_many_labels(void **state) {
  struct people p = setup(state);
  const char *ids = "\"" RS1 "/Holiday\"";
  for (size_t i = 0; i < US_SET_LABELS_MAX; i++)
    ids = us_text(p.w, "%s,\"%s\"", ids, label_of(p.w, "alice", us_text(p.w, "l%zu", i), "USER", ""));
  struct us_reply r = put_set(&p, "alice", p.lake, "If-Match: *", us_text(p.w, "{\"labels\":[%s]}", ids));
  assert_status(r, 200);
  assert_int_equal(json_array_size(json_object_get(r.json, "labels")), US_SET_LABELS_MAX + 1);
  ids = us_text(p.w, "%s,\"%s\"", ids, label_of(p.w, "alice", "one more", "USER", ""));
  assert_reply(put_set(&p, "alice", p.lake, "If-Match: *", us_text(p.w, "{\"labels\":[%s]}", ids)), 400);
}

static void the_revision_is_of_what_its_viewer_sees(void **state) {
  struct people p = setup(state);
  struct us_reply r = read_set(&p, "alice", p.lake);
  const char *rev = us_reply_str(&r, "_rev");
  const char *mine = label_of(p.w, "alice", "mine", "USER", "");
  assert_string_equal(us_reply_header(&r, "ETag"), us_text(p.w, "\"%s\"", rev));
  const char *url = us_text(p.w, SETS "/%s", p.lake);
  assert_reply(us_with_sso(p.w, "GET", url, p.alice, us_text(p.w, "If-None-Match: \"%s\"", rev), NULL), 304);
  assert_reply(us_with_sso(p.w, "GET", url, p.alice, "If-Match: *", NULL), 412);
  const char *body = us_text(p.w, "{\"labels\":[\"%s\"]}", mine), *match = us_text(p.w, "If-Match: \"%s\"", rev);
  assert_reply(put_set(&p, "alice", p.lake, "If-Match: \"1\"", body), 412);
  assert_reply(put_set(&p, "alice", p.lake, match, body), 200);
  assert_reply(put_set(&p, "alice", p.lake, match, "{\"labels\":[]}"), 412); /* labels moved it */
  assert_reply(us_with_sso(p.w, "GET", url, p.alice, us_text(p.w, "If-None-Match: \"%s\"", rev), NULL), 200);
  assert_reply(put_set(&p, "alice", p.lake, "If-Match: *", "{\"labels\":[]}"), 200);
  us_share(p.w, "alice", p.lake, "carol", "[\"see\"]");
  assert_reply(put_set(&p, "alice", p.lake, match, body), 412); /* the policy did too */
  r = read_set(&p, "alice", p.lake);
  rev = us_reply_str(&r, "_rev");
  assert_reply(us_with_pat(p.w, "PUT", us_text(p.w, ALPHA_UMA "resource_set/%s", p.lake), us_pat(p.w, "alice", RS1),
                           "{\"name\":\"Pond\",\"resource_scopes\":[\"see\"]}"),
               200);
  assert_reply(put_set(&p, "alice", p.lake, us_text(p.w, "If-Match: \"%s\"", rev), body), 412);
}

static struct us_reply revoke_all(struct people *p, const char *sso) {
  return as_pages(p->w, "POST", SETS "?_action=revokeAll", sso, NULL, NULL);
}
static bool is_shared(struct people *p, const char *user, const char *id) {
  struct us_reply r = us_with_sso(p->w, "GET", us_text(p->w, ALPHA_JSON "users/%s/uma/policies/%s", user, id),
                                  us_sso(p->w, user), NULL, NULL);
  return r.status == 200;
}

static void everything_one_shares_is_withdrawn_at_once(void **state) {
  struct people p = setup(state);
  const char *bobs = us_register(p.w, us_pat(p.w, "bob", RS1), "{\"name\":\"bobs\",\"resource_scopes\":[\"view\"]}");
  us_share(p.w, "alice", p.photo, "carol", "[\"view\"]");
  us_share(p.w, "bob", bobs, "alice", "[\"view\"]");
  assert_reply(revoke_all(&p, p.bob), 403);
  assert_reply(revoke_all(&p, us_sso(p.w, "amAdmin")), 403);
  assert_reply(us_with_sso(p.w, "POST", SETS "?_action=revokeAll", p.alice, NULL, "{\"x\""), 400);
  assert_true(is_shared(&p, "alice", p.lake));
  assert_body(revoke_all(&p, p.alice), 200, "{}");
  assert_false(is_shared(&p, "alice", p.lake));
  assert_false(is_shared(&p, "alice", p.photo));
  assert_true(is_shared(&p, "bob", bobs)); /* others' shares are theirs */
  assert_reply(read_set(&p, "bob", p.lake), 404);
  assert_body(revoke_all(&p, p.alice), 200, "{}");
}

/* d.5: an orphaned re-share would come to life again, so it goes too, though its resource is not visible any more. */
static void re_shares_of_what_is_not_seen_any_more_go_too(void **state) {
  struct people p = setup(state);
  us_share(p.w, "bob", p.lake, "carol", "[\"see\"]");
  assert_reply(
      us_with_sso(p.w, "DELETE", us_text(p.w, ALPHA_JSON "users/alice/uma/policies/%s", p.lake), p.alice, NULL, NULL),
      200);
  assert_reply(read_set(&p, "bob", p.lake), 404);
  assert_true(is_shared(&p, "bob", p.lake));
  struct us_reply r = as_pages(p.w, "POST", SETS_OF("bob") "?_action=revokeAll", p.bob, NULL, NULL);
  assert_status(r, 200);
  assert_false(is_shared(&p, "bob", p.lake));
  us_share(p.w, "alice", p.lake, "bob", "[\"see\"]");
  assert_reply(read_set(&p, "carol", p.lake), 404);
}

static enum us_code share_many(struct us_cx *cx, void *self) {
  static const char SQL[] = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
                            "INSERT INTO resource (id, uuid, realm_id, owner_id, rs_ref, scopes, rev, access_rev, "
                            "created_ms, modified_ms, description) "
                            "SELECT 500 + n.i, 'many-' || n.i, a.realm_id, a.id, 1, '[\"x\"]', 1, 1, 1, 1, '{}' FROM "
                            "n, account a WHERE a.name = 'alice'";
  static const char SQL_POLICY[] =
      "INSERT INTO policy (id, realm_id, resource_id, sharer_id, rev, created_ms, modified_ms) "
      "SELECT id, realm_id, id, owner_id, 1, 1, 1 FROM resource WHERE uuid LIKE 'many-%'";
  static const char SQL_PERMISSION[] =
      "INSERT INTO permission (id, policy_id, resource_id, sharer_id, realm_id, position, subject, subject_key, "
      "scopes, "
      "active_scopes, is_active, conditions, created_ms, modified_ms) SELECT id, id, id, owner_id, realm_id, 0, 'bob', "
      "'bob', '[\"x\"]', '[\"x\"]', 1, '', 1, 1 FROM resource WHERE uuid LIKE 'many-%'";
  US_TRY(us_sql_run(cx, NULL, SQL, "i", *(int64_t *)self));
  US_TRY(us_sql_run(cx, NULL, SQL_POLICY, ""));
  return us_sql_run(cx, NULL, SQL_PERMISSION, "");
}
/* Several transactions, one answer. */
static void much_is_withdrawn_in_portions(void **state) {
  struct people p = setup(state);
  int64_t last = 3 * US_SET_REVOKE_MAX;
  must(p.w, share_many, &last);
  struct us_reply r = sets_of(p.w, "bob", "true", "&_pageSize=1");
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), last + 1);
  assert_body(revoke_all(&p, p.alice), 200, "{}");
  r = sets_of(p.w, "bob", "true", "");
  assert_int_equal(us_reply_int(&r, "resultCount"), 0);
  r = us_with_sso(p.w, "GET", POLICIES "?_queryFilter=true", p.alice, NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(an_invisible_set_is_not_there),
      STORY(the_pages_send_the_whole_object_back),
      STORY(everybody_labels_for_oneself),
      STORY(what_is_wrong_with_an_update_is_said),
      STORY(a_set_bears_so_many_labels),
      STORY(the_revision_is_of_what_its_viewer_sees),
      STORY(everything_one_shares_is_withdrawn_at_once),
      STORY(re_shares_of_what_is_not_seen_any_more_go_too),
      STORY(much_is_withdrawn_in_portions),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
