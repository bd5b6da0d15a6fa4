/* Labels of people (REST contract e): made, hung on what one sees, listed, deleted; SYSTEM labels stay the resource server's. */
#include "flow/crest.h"

#include "base/mem.h"
#include "domain/cascade.h"
#include "domain/label.h"
#include "store/sql.h"

#define LABELS_OF(user) ALPHA_JSON "users/" user "/oauth2/resources/labels"
#define LABELS LABELS_OF("alice")
#define TAGGED "{\"name\":\"album\",\"resource_scopes\":[\"view\"],\"labels\":[\"Holiday\",\"3/4\"]}"

struct people {
  struct us_world *w;
  const char *alice, *bob, *album;
};
static struct people setup(void **state) {
  struct us_world *w = *state;
  struct people p = {.w = w, .alice = us_sso(w, "alice"), .bob = us_sso(w, "bob")};
  p.album = us_register(w, us_pat(w, "alice", RS1), TAGGED);
  return p;
}
static struct us_reply make(struct people *p, const char *body) {
  return us_with_sso(p->w, "POST", LABELS "?_action=create", p->alice, NULL, body);
}
static struct us_reply list(struct people *p, const char *more) {
  return us_with_sso(p->w, "GET", us_text(p->w, LABELS "?_queryFilter=true%s", more), p->alice, NULL, NULL);
}
static struct us_reply delete_label(struct people *p, const char *id, const char *headers) {
  return us_with_sso(p->w, "DELETE", us_text(p->w, LABELS "/%s", us_enc(p->w, id)), p->alice, headers, NULL);
}
static const char *item(struct us_reply *r, size_t i, const char *member) {
  const char *text = json_string_value(json_object_get(json_array_get(json_object_get(r->json, "result"), i), member));
  return text ? text : "";
}
/* How many labels of this owner hang on something. */
static int64_t links_of(struct us_world *w, const char *name) {
  static const char SQL[] =
      "SELECT COUNT(*) FROM resource_label rl JOIN label l ON l.id = rl.label_id "
      "JOIN account a ON a.id = l.owner_id WHERE a.name = $1 AND l.kind > 1 AND rl.owner_id = a.id";
  struct us_cx cx = {.mem = us_mem_root_new(4096, 1 << 20), .svc = us_world_services(w)};
  struct us_rows rows;
  assert_int_equal(us_db_begin_read(&cx, us_world_db(w)), US_OK);
  assert_int_equal(us_sql_open(&cx, &rows, SQL, "c", name), US_OK);
  assert_true(us_sql_next(&rows));
  int64_t n = us_sql_i64(&rows, 0);
  assert_int_equal(us_sql_close(&rows), US_OK);
  us_db_end_read(&cx, us_world_db(w));
  us_mem_free(cx.mem);
  return n;
}
static void run_sql(struct us_world *w, us_db_step_fn step, void *self) {
  assert_int_equal(us_world_transact(w, step, self), US_OK);
}

static void a_label_is_made_listed_and_deleted(void **state) {
  struct people p = setup(state);
  struct us_reply r =
      make(&p, us_text(p.w, "{\"name\":\"2031/May/Lake\",\"type\":\"USER\",\"resourceSetIDs\":[\"%s\"]}", p.album));
  assert_status(r, 201);
  const char *id = us_reply_str(&r, "_id");
  assert_body(r, 201, us_text(p.w, "{\"_id\":\"%s\",\"_rev\":\"1\",\"name\":\"2031/May/Lake\",\"type\":\"USER\"}", id));
  assert_int_equal(strlen(id), 37);
  assert_string_equal(
      us_reply_header(&r, "Location"),
      us_text(p.w, WORLD_BASE "/json/realms/root/realms/alpha/users/alice/oauth2/resources/labels/%s", id));
  assert_string_equal(us_reply_header(&r, "ETag"), "\"1\"");
  assert_int_equal(links_of(p.w, "alice"), 1);
  r = list(&p, "");
  assert_status(r, 200);
  assert_int_equal(us_reply_int(&r, "resultCount"), 3);
  assert_string_equal(item(&r, 0, "_id"), id);
  assert_string_equal(item(&r, 0, "_rev"), "");
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), -1);
  assert_int_equal(us_reply_int(&r, "totalPagedResults"), -1);
  assert_body(delete_label(&p, id, NULL), 200,
              us_text(p.w, "{\"_id\":\"%s\",\"name\":\"2031/May/Lake\",\"type\":\"USER\"}", id));
  assert_int_equal(links_of(p.w, "alice"), 0);
  assert_rest(delete_label(&p, id, NULL), 404, us_text(p.w, "Label not found, %s", id));
  r = list(&p, "");
  assert_int_equal(us_reply_int(&r, "resultCount"), 2);
}

/* k.2: the UI of the lineage asks so. */
static void a_star_is_made_as_the_pages_do(void **state) {
  struct people p = setup(state);
  struct us_reply r =
      as_pages(p.w, "POST", LABELS "?_action=create", p.alice, NULL, "{\"name\":\"starred\",\"type\":\"STAR\"}");
  assert_status(r, 201);
  r = as_pages(p.w, "GET", LABELS "?_queryFilter=true", p.alice, NULL, NULL);
  assert_status(r, 200);
  assert_null(json_object_get(r.json, "totalPagedResults"));
  assert_string_equal(item(&r, 0, "type"), "STAR");
  assert_string_equal(item(&r, 0, "name"), "starred");
}

static void system_labels_are_shown_by_the_client_and_stay(void **state) {
  struct people p = setup(state);
  struct us_reply r = list(&p, "");
  assert_int_equal(us_reply_int(&r, "resultCount"), 2);
  for (size_t i = 0; i < 2; i++) {
    assert_string_equal(item(&r, i, "type"), "SYSTEM");
    assert_rest(delete_label(&p, item(&r, i, "_id"), NULL), 403, "System labels cannot be deleted");
  }
  assert_string_equal(item(&r, 0, "_id"), RS1 "/Holiday");
  assert_string_equal(item(&r, 1, "_id"), RS1 "/3/4");
  assert_rest(delete_label(&p, RS1 "/holiday", NULL), 404, "Label not found, " RS1 "/holiday");
  assert_rest(delete_label(&p, RS2 "/Holiday", NULL), 404, "Label not found, " RS2 "/Holiday");
  /* Not bob's, who owns nothing here. */
  r = us_with_sso(p.w, "GET", LABELS_OF("bob") "?_queryFilter=true", p.bob, NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 0);
  r = us_with_sso(p.w, "DELETE", LABELS_OF("bob") "/" RS1 "%2FHoliday", p.bob, NULL, NULL);
  assert_status(r, 404);
}

static enum us_code name_client(struct us_cx *cx, void *self) {
  static const char SQL[] = "UPDATE client SET display_name = $1 WHERE client_id = $2";
  return us_sql_run(cx, NULL, SQL, "cc", self, RS1);
}
static void system_labels_are_named_after_the_client(void **state) {
  struct people p = setup(state);
  run_sql(p.w, name_client, (char[]){"Photo Vault"});
  struct us_reply r = list(&p, "");
  assert_string_equal(item(&r, 0, "name"), "Photo Vault/Holiday");
  assert_string_equal(item(&r, 0, "_id"), RS1 "/Holiday");
}

static void what_is_wrong_with_a_label_is_said(void **state) {
  struct people p = setup(state);
  assert_rest(make(&p, "{\"type\":\"USER\"}"), 400, "Invalid Json - Missing required attribute, 'name'.");
  assert_rest(make(&p, "{\"name\":\"a\"}"), 400, "Invalid Json - Missing required attribute, 'type'.");
  assert_rest(make(&p, "{\"name\":3,\"type\":\"USER\"}"), 400,
              "Invalid Json - Required attribute, 'name', must be a String.");
  assert_rest(make(&p, "{\"name\":\"  \",\"type\":\"USER\"}"), 400, "Invalid Json - 'name' cannot be a blank string");
  assert_rest(make(&p, "{\"name\":\"a\",\"type\":\"SYSTEM\"}"), 400, "Invalid Json - 'type' must be USER or STAR");
  assert_rest(make(&p, "{\"name\":\"a\",\"type\":\"user\"}"), 400, "Invalid Json - 'type' must be USER or STAR");
  assert_reply(make(&p, "{\"name\":\"a\\u0007\",\"type\":\"USER\"}"), 400);
  assert_reply(make(&p, "{\"name\":\"a\",\"type\":\"USER\",\"resourceSetIDs\":\"x\"}"), 400);
  assert_reply(make(&p, "{\"name\":\"a\",\"type\":\"USER\",\"resourceSetIds\":[1]}"), 400);
  assert_reply(make(&p, "[]"), 400);
  assert_reply(make(&p, "{\"name\":\"a\",\"type\":\"USER\"}"), 201);
  assert_rest(make(&p, "{\"name\":\"a\",\"type\":\"USER\"}"), 409, "A label with the name 'a' already exists");
  assert_reply(make(&p, "{\"name\":\"a\",\"type\":\"STAR\"}"), 201); /* another type is another label (e.2) */
  assert_reply(make(&p, "{\"name\":\"A\",\"type\":\"USER\"}"), 201);
  struct us_reply r = us_with_sso(p.w, "POST", LABELS, p.alice, "If-Match: *", "{\"name\":\"b\",\"type\":\"USER\"}");
  assert_status(r, 412);
  r = us_with_sso(p.w, "POST", LABELS, p.alice, "If-None-Match: *", "{\"name\":\"b\",\"type\":\"USER\"}");
  assert_status(r, 412);
}

static void only_what_is_offered_is_served(void **state) {
  struct people p = setup(state);
  assert_rest(us_with_sso(p.w, "GET", LABELS "?_queryFilter=name+eq+'a'", p.alice, NULL, NULL), 400, "Invalid query");
  assert_rest(us_with_sso(p.w, "GET", LABELS "?_queryFilter=false", p.alice, NULL, NULL), 400, "Invalid query");
  assert_rest(us_with_sso(p.w, "GET", LABELS "?_queryId=*", p.alice, NULL, NULL), 400, "Invalid query");
  assert_rest(us_with_sso(p.w, "GET", LABELS, p.alice, NULL, NULL), 400,
              "The resource collection users/alice/oauth2/resources/labels cannot be read");
  assert_reply(us_with_sso(p.w, "GET", LABELS "?_queryFilter=true", p.alice, "If-Match: *", NULL), 412);
  struct us_reply r = make(&p, "{\"name\":\"a\",\"type\":\"USER\"}");
  const char *url = us_text(p.w, LABELS "/%s", us_reply_str(&r, "_id"));
  assert_reply(us_with_sso(p.w, "GET", url, p.alice, NULL, NULL), 501);
  assert_reply(us_with_sso(p.w, "PUT", url, p.alice, NULL, "{}"), 501);
  assert_reply(
      us_with_sso(p.w, "PUT", LABELS "/mine", p.alice, "If-None-Match: *", "{\"name\":\"b\",\"type\":\"USER\"}"), 501);
  assert_reply(us_with_sso(p.w, "PATCH", url, p.alice, NULL, "[]"), 501);
}

static void a_revision_that_moved_is_412(void **state) {
  struct people p = setup(state);
  struct us_reply r = make(&p, "{\"name\":\"a\",\"type\":\"USER\"}");
  const char *id = us_reply_str(&r, "_id");
  assert_reply(delete_label(&p, id, "If-Match: \"2\""), 412);
  assert_reply(delete_label(&p, id, "If-None-Match: *"), 412);
  assert_reply(delete_label(&p, id, "If-Match: \"1\""), 200);
}

/* Every element of the list is looked at, wherever it stands. */
static void a_label_hangs_on_nothing_that_is_not_seen(void **state) {
  struct people p = setup(state);
  const char *pat = us_pat(p.w, "bob", RS1);
  const char *bobs = us_register(p.w, pat, PHOTO);
  const char *ids = "";
  for (size_t i = 0; i < 11; i++)
    ids = us_text(p.w, "%s\"%s\",", ids,
                  us_register(p.w, us_pat(p.w, "alice", RS2), us_text(p.w, "{\"resource_scopes\":[\"%zu\"]}", i)));
  struct us_reply r =
      make(&p, us_text(p.w, "{\"name\":\"a\",\"type\":\"USER\",\"resourceSetIDs\":[%s\"%s\"]}", ids, bobs));
  assert_rest(r, 400, us_text(p.w, "Unknown resource set, %s", bobs));
  assert_rest(make(&p, "{\"name\":\"a\",\"type\":\"USER\",\"resourceSetIds\":[\"nothing\"]}"), 400,
              "Unknown resource set, nothing");
  assert_int_equal(links_of(p.w, "alice"), 0); /* and nothing was made of the rest */
  r = make(&p,
           us_text(p.w, "{\"name\":\"a\",\"type\":\"USER\",\"resourceSetIDs\":[%s\"%s\"],\"resourceSetIds\":[\"%s\"]}",
                   ids, p.album, p.album));
  assert_status(r, 201);
  assert_int_equal(links_of(p.w, "alice"), 12);
  /* Shared with alice it is seen; withdrawn it is not any more. */
  us_share(p.w, "bob", bobs, "Alice", "[\"view\"]");
  const char *body = us_text(p.w, "{\"name\":\"b\",\"type\":\"USER\",\"resourceSetIDs\":[\"%s\"]}", bobs);
  assert_reply(make(&p, body), 201);
  us_share(p.w, "bob", bobs, "carol", "[\"view\"]");
  assert_rest(make(&p, us_text(p.w, "{\"name\":\"c\",\"type\":\"USER\",\"resourceSetIDs\":[\"%s\"]}", bobs)), 400,
              us_text(p.w, "Unknown resource set, %s", bobs));
}

static enum us_code join_group(struct us_cx *cx, void *self) {
  static const char SQL[] = "INSERT INTO user_group (id, realm_id, name, name_key, created_ms) "
                            "SELECT 77, realm_id, 'Family', 'family', 1 FROM account WHERE name = 'alice'";
  static const char SQL_MEMBER[] =
      "INSERT INTO group_member (group_id, account_id) SELECT 77, id FROM account WHERE name = $1";
  US_TRY(us_sql_run(cx, NULL, SQL, ""));
  return us_sql_run(cx, NULL, SQL_MEMBER, "c", self);
}
static void a_group_brings_its_shares_into_sight(void **state) {
  struct people p = setup(state);
  const char *bobs = us_register(p.w, us_pat(p.w, "bob", RS1), PHOTO);
  us_share(p.w, "bob", bobs, "group:Family", "[\"view\"]");
  const char *body = us_text(p.w, "{\"name\":\"a\",\"type\":\"USER\",\"resourceSetIDs\":[\"%s\"]}", bobs);
  assert_reply(make(&p, body), 400);
  run_sql(p.w, join_group, (char[]){"alice"});
  assert_reply(make(&p, body), 201);
}

static void labels_are_their_makers_business(void **state) {
  struct people p = setup(state);
  struct us_reply r = make(&p, "{\"name\":\"a\",\"type\":\"USER\"}");
  const char *id = us_reply_str(&r, "_id");
  const char *admin = us_sso(p.w, "amAdmin");
  assert_reply(us_with_sso(p.w, "DELETE", us_text(p.w, LABELS_OF("bob") "/%s", id), p.bob, NULL, NULL), 404);
  assert_reply(us_with_sso(p.w, "DELETE", us_text(p.w, LABELS "/%s", id), p.bob, NULL, NULL), 403);
  assert_reply(us_with_sso(p.w, "GET", LABELS "?_queryFilter=true", p.bob, NULL, NULL), 403);
  assert_reply(us_with_sso(p.w, "POST", LABELS, p.bob, NULL, "{\"name\":\"b\",\"type\":\"USER\"}"), 403);
  assert_reply(us_send(p.w, "GET", LABELS "?_queryFilter=true", NULL, NULL), 401);
  /* An administrator looks and does not touch (b.6). */
  assert_reply(us_with_sso(p.w, "GET", LABELS "?_queryFilter=true", admin, NULL, NULL), 200);
  assert_reply(us_with_sso(p.w, "POST", LABELS, admin, NULL, "{\"name\":\"b\",\"type\":\"USER\"}"), 403);
  assert_reply(us_with_sso(p.w, "DELETE", us_text(p.w, LABELS "/%s", id), admin, NULL, NULL), 403);
  assert_reply(delete_label(&p, id, NULL), 200);
}

/* e.4: what a resource server reads and writes never touches them. */
static void registration_keeps_private_labels_apart(void **state) {
  struct people p = setup(state);
  const char *pat = us_pat(p.w, "alice", RS1);
  const char *url = us_text(p.w, ALPHA_UMA "resource_set/%s", p.album);
  us_share(p.w, "alice", p.album, "bob", "[\"view\"]");
  const char *ids = us_text(p.w, "\"resourceSetIDs\":[\"%s\"]", p.album);
  assert_reply(make(&p, us_text(p.w, "{\"name\":\"Holiday\",\"type\":\"USER\",%s}", ids)), 201);
  struct us_reply r = us_with_sso(p.w, "POST", LABELS_OF("bob"), p.bob, NULL,
                                  us_text(p.w, "{\"name\":\"bobs\",\"type\":\"STAR\",%s}", ids));
  assert_status(r, 201);
  r = us_with_pat(p.w, "GET", url, pat, NULL);
  assert_int_equal(json_array_size(json_object_get(r.json, "labels")), 2);
  assert_reply(us_with_pat(p.w, "PUT", url, pat, "{\"name\":\"album\",\"resource_scopes\":[\"view\"]}"), 200);
  r = us_with_pat(p.w, "GET", url, pat, NULL);
  assert_int_equal(json_array_size(json_object_get(r.json, "labels")), 0);
  assert_int_equal(links_of(p.w, "alice"), 1);
  assert_int_equal(links_of(p.w, "bob"), 1);
  r = list(&p, "");
  assert_int_equal(us_reply_int(&r, "resultCount"), 1); /* SYSTEM labels went with their last resource */
  assert_reply(us_with_pat(p.w, "DELETE", url, pat, NULL), 204);
  assert_int_equal(links_of(p.w, "alice") + links_of(p.w, "bob"), 0);
  r = list(&p, "");
  assert_int_equal(us_reply_int(&r, "resultCount"), 1); /* the label itself stays (e.1) */
}

static enum us_code fill_labels(struct us_cx *cx, void *self) {
  static const char SQL[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
                            "INSERT INTO label (id, owner_id, kind, rs_ref, uuid, name, rev) "
                            "SELECT n.i, a.id, 2 + n.i % 2, 0, 'filler-' || n.i, 'filler-' || n.i, 1 FROM n, account a "
                            "WHERE a.name = 'alice'";
  return us_sql_run(cx, NULL, SQL, "i", *(int64_t *)self);
}
static void a_person_has_so_many_labels_and_no_more(void **state) {
  struct people p = setup(state);
  int64_t n = US_LABELS_PER_PERSON_MAX - 1;
  run_sql(p.w, fill_labels, &n);
  assert_reply(make(&p, "{\"name\":\"last\",\"type\":\"USER\"}"), 201);
  assert_rest(make(&p, "{\"name\":\"more\",\"type\":\"STAR\"}"), 400,
              "There are 1000 labels already, which is the most a user may have");
  /* All of them in one answer; a page of them when that is asked for. */
  struct us_reply r = list(&p, "");
  assert_int_equal(us_reply_int(&r, "resultCount"), 1002);
  assert_string_equal(item(&r, 1001, "type"), "SYSTEM");
  r = list(&p, "&_pageSize=10&_pagedResultsOffset=995");
  assert_int_equal(us_reply_int(&r, "resultCount"), 7);
  r = list(&p, "&_pageSize=10");
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 992); /* what was cut is said */
}

static void names_and_lists_end_somewhere(void **state) {
  struct people p = setup(state);
  char name[US_LABEL_NAME_MAX_BYTES + 2];
  memset(name, 'x', sizeof(name));
  name[US_LABEL_NAME_MAX_BYTES] = '\0';
  assert_reply(make(&p, us_text(p.w, "{\"name\":\"%s\",\"type\":\"USER\"}", name)), 201);
  name[US_LABEL_NAME_MAX_BYTES] = 'x';
  name[US_LABEL_NAME_MAX_BYTES + 1] = '\0';
  assert_reply(make(&p, us_text(p.w, "{\"name\":\"%s\",\"type\":\"USER\"}", name)), 400);
  for (size_t n = US_LABEL_RESOURCES_MAX; n <= US_LABEL_RESOURCES_MAX + 1; n++) {
    const char *ids = us_text(p.w, "\"%s\"", p.album), *too = "";
    for (size_t i = 1; i < n; i++) {
      const char **half = i % 2 ? &ids : &too;
      *half = us_text(p.w, "%s%s\"x%zu\"", *half, **half ? "," : "", i);
    }
    struct us_reply r =
        make(&p, us_text(p.w, "{\"name\":\"n\",\"type\":\"USER\",\"resourceSetIDs\":[%s],\"resourceSetIds\":[%s]}", ids,
                         too));
    assert_rest(r, 400,
                n == US_LABEL_RESOURCES_MAX ? "Unknown resource set, x1"
                                            : "Invalid Json - more than 256 resource sets");
  }
}

struct filling {
  struct us_world *w;
  const char *label;
  bool more;
};
static enum us_code hang_many(struct us_cx *cx, void *self) {
  static const char SQL[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
                            "INSERT INTO resource_label (resource_id, owner_id, label_id) "
                            "SELECT n.i, l.owner_id, l.id FROM n, label l WHERE l.uuid = $2";
  struct filling *f = self;
  return us_sql_run(cx, NULL, SQL, "ic", (int64_t)US_CASCADE_ROWS + 1, f->label);
}
static enum us_code go_on(struct us_cx *cx, void *self) {
  return us_cascade_continue(cx, &((struct filling *)self)->more);
}
static enum us_code count_links(struct us_cx *cx, void *self) {
  static const struct us_column column[] = {{US_COLUMN_I64, 0}};
  return us_sql_one(cx, column, 1, self, "SELECT COUNT(*) FROM resource_label WHERE resource_id < 100000", "");
}
/* What a label hangs on is untied in portions. */
static void a_label_on_very_much_is_tidied_later(void **state) {
  struct people p = setup(state);
  struct us_reply r = make(&p, "{\"name\":\"a\",\"type\":\"USER\"}");
  struct filling f = {p.w, us_reply_str(&r, "_id"), false};
  int64_t left = 0;
  run_sql(p.w, hang_many, &f);
  assert_reply(delete_label(&p, f.label, NULL), 200);
  run_sql(p.w, count_links, &left);
  assert_int_equal(left, 1);
  run_sql(p.w, go_on, &f);
  assert_true(f.more);
  run_sql(p.w, count_links, &left);
  assert_int_equal(left, 0);
  run_sql(p.w, go_on, &f);
  assert_false(f.more);
}

/* Design 6: an encoded slash is for label ids, and for nothing else. */
static void a_slash_is_encoded_in_label_ids_only(void **state) {
  struct people p = setup(state);
  const char *const tricks[] = {
      LABELS "%2Fx",
      "/am/json/realms/root/realms/alpha/users%2Falice/oauth2/resources/labels/x",
      "/am/json/realms/root%2Frealms/alpha/users/alice/oauth2/resources/labels/x",
      "/am/json/realms/root/realms/alpha%2Fx/users/alice/oauth2/resources/labels/x",
      ALPHA_JSON "users/alice%2Fx/oauth2/resources/labels/x",
      ALPHA_JSON "users/alice%2Fx/oauth2/resources/labels/y%2Fz",
      POLICIES "/x%2Fy",
  };
  for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
    struct us_reply r = us_with_sso(p.w, "DELETE", tricks[i], p.alice, NULL, NULL);
    if (r.status != 404 || strstr(us_reply_str(&r, "message"), "Label") != NULL)
      fail_msg("%s answers %d %s", tricks[i], r.status, r.body);
  }
  assert_rest(us_with_sso(p.w, "DELETE", LABELS "/a%2Fb", p.alice, NULL, NULL), 404, "Label not found, a/b");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_label_is_made_listed_and_deleted),
      STORY(a_star_is_made_as_the_pages_do),
      STORY(system_labels_are_shown_by_the_client_and_stay),
      STORY(system_labels_are_named_after_the_client),
      STORY(what_is_wrong_with_a_label_is_said),
      STORY(only_what_is_offered_is_served),
      STORY(a_revision_that_moved_is_412),
      STORY(a_label_hangs_on_nothing_that_is_not_seen),
      STORY(a_group_brings_its_shares_into_sight),
      STORY(labels_are_their_makers_business),
      STORY(registration_keeps_private_labels_apart),
      STORY(a_person_has_so_many_labels_and_no_more),
      STORY(names_and_lists_end_somewhere),
      STORY(a_label_on_very_much_is_tidied_later),
      STORY(a_slash_is_encoded_in_label_ids_only),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
