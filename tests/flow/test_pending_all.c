/* All requests of an owner at once: approveAll and denyAll (REST contract f.4), two who decide at once, and who is told. */
#include "flow/crest.h"

#include "base/mem.h"
#include "domain/pending.h"
#include "domain/snapshot.h"
#include "store/sql.h"

#define C1 "UMA-Client"

struct asked {
  struct us_world *w;
  const char *pat, *sso, *album, *photo;
};
static struct us_reply ask(const struct asked *a, const char *user, const char *resource, const char *scopes) {
  const char *ticket =
      us_ask(a->w, a->pat, us_text(a->w, "{\"resource_id\":\"%s\",\"resource_scopes\":%s}", resource, scopes));
  return us_grant(a->w, C1, ticket, us_id_token(a->w, user, C1), NULL);
}
/* Is told to wait: the successor ticket. */
static const char *submit(const struct asked *a, const char *user, const char *resource, const char *scopes) {
  struct us_reply r = ask(a, user, resource, scopes);
  assert_error(r, 403, "request_submitted");
  return us_reply_str(&r, "ticket");
}
static struct asked setup(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  return (struct asked){w, pat, us_sso(w, "alice"), us_register(w, pat, ALBUM), us_register(w, pat, PHOTO)};
}
/* bob: edit of the album; carol: view of the album, view and print of the photo. */
static struct asked three(void **state) {
  struct asked a = setup(state);
  submit(&a, "bob", a.album, "[\"edit\"]");
  submit(&a, "carol", a.album, "[\"view\"]");
  submit(&a, "carol", a.photo, "[\"view\",\"print\"]");
  return a;
}
static struct us_reply act(const struct asked *a, const char *action, const char *body) {
  return us_with_sso(a->w, "POST", us_text(a->w, PENDING "?_action=%s", action), a->sso, NULL, body);
}
static struct us_reply waiting(const struct asked *a) {
  return assert_reply(us_with_sso(a->w, "GET", PENDING "?_queryFilter=true&_pageSize=5", a->sso, NULL, NULL), 200);
}
static int64_t count(const struct asked *a) {
  struct us_reply r = waiting(a);
  return us_reply_int(&r, "resultCount") + us_reply_int(&r, "remainingPagedResults");
}
/* Of the one who asked for this resource by name; they are in order of age. */
static const char *id_of(const struct asked *a, size_t i) {
  struct us_reply r = waiting(a);
  const char *id = json_string_value(json_object_get(json_array_get(json_object_get(r.json, "result"), i), "_id"));
  assert_non_null(id);
  return id;
}
/* "bob:edit carol:view" */
static const char *shared(const struct asked *a, const char *resource) {
  struct us_reply r = get_policy(a->w, a->sso, resource);
  const char *text = "";
  size_t i, k;
  json_t *permission, *scope;
  if (r.status == 404)
    return "";
  json_array_foreach(json_object_get(r.json, "permissions"), i, permission) {
    text = us_text(a->w, "%s%s%s:", text, i > 0 ? " " : "", json_string_value(json_object_get(permission, "subject")));
    json_array_foreach(json_object_get(permission, "scopes"), k, scope) text =
        us_text(a->w, "%s%s%s", text, k > 0 ? "," : "", json_string_value(scope));
  }
  return text;
}
static const char *history(const struct asked *a, const char *type) {
  struct us_reply r = us_with_sso(a->w, "GET",
                                  us_text(a->w,
                                          ALPHA_JSON "users/alice/uma/auditHistory?_queryFilter=type+eq+%%22%s%%22"
                                                     "&_sortKeys=requestingPartyId,resourceSetName&_pageSize=5",
                                          type),
                                  a->sso, NULL, NULL);
  const char *text = "";
  size_t i;
  json_t *line;
  us_assert_status(&r, 200, __FILE__, __LINE__);
  json_array_foreach(json_object_get(r.json, "result"), i, line) {
    text = us_text(a->w, "%s%s%s %s", text, i > 0 ? ", " : "",
                   json_string_value(json_object_get(line, "requestingPartyId")),
                   json_string_value(json_object_get(line, "resourceSetName")));
  }
  return text;
}
#define APPROVED "Authorisation_Request_Approved"
#define DENIED "Authorisation_Request_Denied"

/* ---- approveAll ---- */

static void everybody_gets_what_was_asked_for(void **state) {
  struct asked a = three(state);
  assert_body(act(&a, "approveAll", NULL), 200, "{}");
  assert_string_equal(shared(&a, a.album), "bob:edit carol:view");
  assert_string_equal(shared(&a, a.photo), "carol:view,print");
  assert_int_equal(count(&a), 0);
  assert_string_equal(history(&a, APPROVED), "bob album, carol album, carol photo");
  assert_reply(ask(&a, "bob", a.album, "[\"edit\"]"), 200);
}

static void what_is_shared_already_stays_with_its_conditions(void **state) {
  struct asked a = setup(state);
  assert_reply(put_policy(a.w, a.sso, a.album, NULL,
                          "[{\"subject\":\"BOB\",\"scopes\":[\"view\"]},{\"subject\":\"dave\",\"scopes\":[\"edit\"]}]",
                          ",\"conditions\":[{\"type\":\"ClientId\",\"clientId\":\"" C1 "\"}]"),
               201);
  submit(&a, "bob", a.album, "[\"edit\"]");
  submit(&a, "bob", a.album, "[\"edit\",\"download\"]"); /* two requests of one party: one share */
  assert_body(act(&a, "approveAll", "{}"), 200, "{}");
  assert_string_equal(shared(&a, a.album), "BOB:view,edit,download dave:edit");
  struct us_reply r = get_policy(a.w, a.sso, a.album);
  assert_int_equal(json_array_size(json_object_get(r.json, "conditions")), 1);
}

/* The documented form: the same scopes for every request, as far as its resource has them. */
static void one_list_holds_for_all(void **state) {
  struct asked a = three(state);
  assert_body(act(&a, "approveAll", "{\"scopes\":[\"view\",\"download\",\"nonsense\"]}"), 200, "{}");
  assert_string_equal(shared(&a, a.album), "bob:view,download carol:view,download");
  assert_string_equal(shared(&a, a.photo), "carol:view");
  assert_int_equal(count(&a), 0);
}

static void of_which_a_resource_has_none_its_requests_stay_open(void **state) {
  struct asked a = three(state);
  assert_body(act(&a, "approveAll", "{\"scopes\":[\"edit\"]}"), 200, "{}");
  assert_string_equal(shared(&a, a.album), "bob:edit carol:edit");
  assert_string_equal(shared(&a, a.photo), "");
  assert_int_equal(count(&a), 1);
  assert_string_equal(history(&a, APPROVED), "bob album, carol album");
  assert_body(act(&a, "approveAll", "{\"scopes\":[\"nonsense\"]}"), 200, "{}");
  assert_int_equal(count(&a), 1);
}

/* The lineage's form: for some requests; the others get what they asked for. */
static void a_map_says_it_request_by_request(void **state) {
  struct asked a = three(state);
  const char *body = us_text(a.w, "{\"%s\":{\"scopes\":[\"view\"]},\"%s\":{}}", id_of(&a, 2), id_of(&a, 0));
  assert_body(act(&a, "approveAll", body), 200, "{}");
  assert_string_equal(shared(&a, a.album), "bob:edit carol:view");
  assert_string_equal(shared(&a, a.photo), "carol:view");
  assert_int_equal(count(&a), 0);
}

static void assert_untouched(const struct asked *a) {
  assert_int_equal(count(a), 3);
  assert_string_equal(shared(a, a->album), "");
  assert_string_equal(shared(a, a->photo), "");
  assert_string_equal(history(a, APPROVED), "");
  assert_string_equal(history(a, "Policy_Created"), "");
}

static void every_id_of_a_map_must_be_the_owners(void **state) {
  struct asked a = three(state);
  const char *mine = id_of(&a, 0);
  struct us_reply r = act(&a, "approveAll", us_text(a.w, "{\"%s\":{},\"nobodys\":{}}", mine));
  assert_rest(r, 404, "Pending request, nobodys, not found");
  /* carol's own resource, which bob asked for */
  struct asked carol = {.w = a.w, .pat = us_pat(a.w, "carol", RS1), .sso = us_sso(a.w, "carol")};
  const char *lake = us_register(a.w, carol.pat, "{\"name\":\"lake\",\"resource_scopes\":[\"view\"]}");
  submit(&carol, "bob", lake, "[\"view\"]");
  struct us_reply hers =
      us_with_sso(a.w, "GET", ALPHA_JSON "users/carol/uma/pendingrequests?_queryFilter=true", carol.sso, NULL, NULL);
  const char *others =
      json_string_value(json_object_get(json_array_get(json_object_get(hers.json, "result"), 0), "_id"));
  assert_non_null(others);
  r = act(&a, "approveAll", us_text(a.w, "{\"%s\":{},\"%s\":{\"scopes\":[\"view\"]}}", mine, others));
  assert_rest(r, 404, us_text(a.w, "Pending request, %s, not found", others));
  assert_untouched(&a);
}

/* All or nothing: the album comes before the photo, and its part is undone. */
static void one_that_cannot_be_approved_stops_all(void **state) {
  struct asked a = three(state);
  struct us_reply r = act(&a, "approveAll", us_text(a.w, "{\"%s\":{\"scopes\":[\"erase\"]}}", id_of(&a, 2)));
  assert_rest(r, 400, "Defined Resource Set scopes, [view, print], do not contain requested scopes, [erase]");
  assert_untouched(&a);
}

static enum us_code sql_step(struct us_cx *cx, void *self) {
  return us_sql_run(cx, NULL, self, "");
}
static void sql(const struct asked *a, const char *text) {
  assert_int_equal(us_world_transact(a->w, sql_step, (void *)text), US_OK);
}

static void what_nobody_can_help_is_the_documented_500(void **state) {
  struct asked a = three(state);
  const char *id = id_of(&a, 2);
  sql(&a, "UPDATE pending_request SET scopes = '[' WHERE id = (SELECT MAX(id) FROM pending_request)");
  const char *approved = us_text(a.w, "Failed to mark pending request, %s, as approved", id);
  const char *denied = us_text(a.w, "Failed to mark pending request, %s, as denied", id);
  assert_rest(act(&a, "approveAll", "{}"), 500, approved);
  assert_rest(act(&a, "denyAll", "{}"), 500, denied);
  const char *one = us_text(a.w, PENDING "/%s?_action=", id);
  assert_rest(us_with_sso(a.w, "POST", us_text(a.w, "%sapprove", one), a.sso, NULL, "{}"), 500, approved);
  assert_rest(us_with_sso(a.w, "POST", us_text(a.w, "%sdeny", one), a.sso, NULL, "{}"), 500, denied);
  sql(&a, "UPDATE pending_request SET scopes = '[\"view\"]' WHERE scopes = '['");
  assert_untouched(&a);
}

static void bad_bodies_change_nothing(void **state) {
  struct asked a = three(state);
  const char *const bodies[] = {"[]",
                                "{",
                                "{\"scopes\":[]}",
                                "{\"scopes\":[7]}",
                                "{\"scopes\":\"view\"}",
                                "{\"scopes\":[\"view\"]} x",
                                "{\"x\":7}",
                                "{\"x\":[\"view\"]}",
                                "{\"x\":{\"scopes\":[]}}",
                                "{\"x\":{\"scopes\":\"view\"}}",
                                "{\"x\":{},\"x\":{}}"};
  for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
    assert_reply(act(&a, "approveAll", bodies[i]), 400);
  assert_reply(act(&a, "denyAll", "["), 400);
  assert_reply(us_with_sso(a.w, "POST", PENDING "?_action=approveAll", a.sso, "If-None-Match: *", "{}"), 412);
  assert_reply(us_with_sso(a.w, "POST", PENDING "?_action=denyAll", a.sso, "If-None-Match: *", "{}"), 412);
  assert_rest(act(&a, "forgetAll", "{}"), 501, "Action forgetAll not supported");
  /* actions of one are none of all, and the other way round */
  assert_reply(act(&a, "approve", "{}"), 501);
  assert_reply(us_with_sso(a.w, "POST", us_text(a.w, PENDING "/%s?_action=denyAll", id_of(&a, 0)), a.sso, NULL, "{}"),
               501);
  assert_untouched(&a);
}

static void nothing_open_is_fine(void **state) {
  struct asked a = setup(state);
  assert_body(act(&a, "approveAll", NULL), 200, "{}");
  assert_body(act(&a, "approveAll", "{\"scopes\":[\"view\"]}"), 200, "{}");
  assert_body(act(&a, "denyAll", NULL), 200, "{}");
  assert_rest(act(&a, "approveAll", "{\"x\":{}}"), 404, "Pending request, x, not found");
}

static void only_the_owner_decides(void **state) {
  struct asked a = three(state);
  static const char *const actions[] = {PENDING "?_action=approveAll", PENDING "?_action=denyAll"};
  for (size_t i = 0; i < 2; i++) {
    assert_reply(us_with_sso(a.w, "POST", actions[i], us_sso(a.w, "bob"), NULL, "{}"), 403);
    assert_reply(us_with_sso(a.w, "POST", actions[i], us_sso(a.w, "amAdmin"), NULL, "{}"), 403);
    assert_reply(us_send(a.w, "POST", actions[i], NULL, "{}"), 401);
    assert_reply(us_with_pat(a.w, "POST", actions[i], a.pat, "{}"), 401);
    assert_reply(us_send(a.w, "POST", actions[i], us_text(a.w, "Cookie: iPlanetDirectoryPro=%s", a.sso), "{}"), 403);
  }
  /* what bob asked for is not his to decide */
  assert_reply(us_with_sso(a.w, "POST", ALPHA_JSON "users/bob/uma/pendingrequests?_action=approveAll",
                           us_sso(a.w, "bob"), NULL, "{}"),
               200);
  assert_reply(us_with_sso(a.w, "POST", ALPHA_JSON "users/bob/uma/pendingrequests?_action=denyAll", us_sso(a.w, "bob"),
                           NULL, "{}"),
               200);
  assert_untouched(&a);
}

/* ---- denyAll ---- */

static void a_denial_of_all_ends_all_waiting(void **state) {
  struct asked a = setup(state);
  const char *bobs = submit(&a, "bob", a.album, "[\"edit\"]");
  const char *carols = submit(&a, "carol", a.photo, "[\"view\"]");
  assert_body(act(&a, "denyAll", NULL), 200, "{}");
  assert_int_equal(count(&a), 0);
  assert_string_equal(shared(&a, a.album), "");
  assert_string_equal(history(&a, DENIED), "bob album, carol photo");
  us_world_advance_ms(a.w, 6000);
  struct us_reply r = us_grant(a.w, C1, bobs, us_id_token(a.w, "bob", C1), NULL);
  assert_error(r, 403, "request_denied");
  r = us_grant(a.w, C1, carols, us_id_token(a.w, "carol", C1), NULL);
  assert_error(r, 403, "request_denied");
  submit(&a, "bob", a.album, "[\"edit\"]"); /* a fresh ticket starts over */
  assert_int_equal(count(&a), 1);
}

static void others_requests_are_left_alone(void **state) {
  struct asked a = three(state);
  struct asked carol = {.w = a.w, .pat = us_pat(a.w, "carol", RS1), .sso = us_sso(a.w, "carol")};
  const char *lake = us_register(a.w, carol.pat, "{\"name\":\"lake\",\"resource_scopes\":[\"view\"]}");
  submit(&carol, "bob", lake, "[\"view\"]");
  const char *hers = ALPHA_JSON "users/carol/uma/pendingrequests?_queryFilter=true";
  assert_reply(act(&a, "approveAll", NULL), 200);
  submit(&a, "dave", a.album, "[\"view\"]");
  assert_reply(act(&a, "denyAll", NULL), 200);
  struct us_reply r = us_with_sso(a.w, "GET", hers, carol.sso, NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
}

/* ---- many ---- */

struct filling {
  int64_t count, first;
};
/* Requests of dave's, straight into the table, half for the album and half for the photo. */
static enum us_code fill_step(struct us_cx *cx, void *self) {
  static const char SQL[] =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)"
      " INSERT INTO pending_request (id, uuid, realm_id, owner_id, resource_id, party_id, scopes, created_ms, rev)"
      " SELECT $2 + n.i, 'filler-' || ($2 + n.i), r.realm_id, r.owner_id, r.id, a.id, '[\"view\"]', 1, 1"
      " FROM n JOIN resource r ON r.name = CASE WHEN n.i % 2 = 0 THEN 'album' ELSE 'photo' END"
      " JOIN account a ON a.name = 'dave'";
  const struct filling *f = self;
  return us_sql_run(cx, NULL, SQL, "ii", f->count, f->first);
}
static void fill(const struct asked *a, int64_t n, int64_t first) {
  struct filling f = {n, first};
  assert_int_equal(us_world_transact(a->w, fill_step, &f), US_OK);
}
static int64_t lines_of(const struct asked *a, const char *type) {
  struct us_reply r = us_with_sso(a->w, "GET",
                                  us_text(a->w,
                                          ALPHA_JSON "users/alice/uma/auditHistory?_pageSize=1&_queryFilter=type+eq+"
                                                     "%%22%s%%22&_totalPagedResultsPolicy=EXACT",
                                          type),
                                  a->sso, NULL, NULL);
  return us_reply_int(&r, "totalPagedResults");
}

static void long_lists_are_decided_to_their_end(void **state) {
  struct asked a = setup(state);
  fill(&a, 600, 0); /* several portions for each resource */
  assert_body(act(&a, "approveAll", NULL), 200, "{}");
  assert_int_equal(count(&a), 0);
  assert_string_equal(shared(&a, a.album), "dave:view");
  assert_string_equal(shared(&a, a.photo), "dave:view");
  assert_int_equal(lines_of(&a, APPROVED), 600);
  fill(&a, 300, 1000);
  assert_body(act(&a, "denyAll", NULL), 200, "{}");
  assert_int_equal(count(&a), 0);
  assert_int_equal(lines_of(&a, DENIED), 300);
}

static void one_call_takes_as_many_as_an_owner_may_have(void **state) {
  struct asked a = setup(state);
  fill(&a, US_PENDING_ALL_MAX + 1, 0);
  assert_rest(act(&a, "approveAll", NULL), 400, "More than 10000 requests are open");
  assert_rest(act(&a, "denyAll", NULL), 400, "More than 10000 requests are open");
  assert_int_equal(count(&a), US_PENDING_ALL_MAX + 1);
  sql(&a, "DELETE FROM pending_request WHERE id = 1");
  assert_body(act(&a, "denyAll", NULL), 200, "{}");
  assert_int_equal(count(&a), 0);
  assert_int_equal(lines_of(&a, DENIED), US_PENDING_ALL_MAX);
  fill(&a, US_PENDING_ALL_MAX, 20000);
  assert_body(act(&a, "approveAll", NULL), 200, "{}");
  assert_int_equal(count(&a), 0);
  assert_int_equal(lines_of(&a, APPROVED), US_PENDING_ALL_MAX);
}

/* A request whose party is gone counts as gone: it leaves with the others, and nobody is told. */
static void what_is_left_of_people_who_are_gone_goes_quietly(void **state) {
  struct asked a = three(state);
  sql(&a, "DELETE FROM account WHERE name = 'bob'");
  assert_body(act(&a, "denyAll", NULL), 200, "{}");
  assert_string_equal(history(&a, DENIED), "carol album, carol photo");
  submit(&a, "carol", a.photo, "[\"view\"]");
  sql(&a, "DELETE FROM account WHERE name = 'carol'");
  assert_body(act(&a, "approveAll", NULL), 200, "{}");
  assert_string_equal(shared(&a, a.photo), "");
}

/* ---- two at once, notices ---- */

enum deed { APPROVE, DENY };
struct two {
  struct us_str uuid;
  enum deed first, second;
  enum us_code second_code;
};
/* Both have found the request before either of them acts. */
static enum us_code two_step(struct us_cx *cx, void *self) {
  static const char SQL[] = "SELECT uuid, owner_id, realm_id FROM pending_request";
  struct two *two = self;
  struct us_rows rows;
  struct us_pending one, other;
  US_TRY(us_sql_open(cx, &rows, SQL, ""));
  assert_true(us_sql_next(&rows));
  struct us_str uuid = us_sql_text(&rows, 0);
  struct us_account owner = {.id = us_sql_i64(&rows, 1), .realm_id = us_sql_i64(&rows, 2), .name = US_STR("alice")};
  US_TRY(us_sql_close(&rows));
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm(snapshot, US_STR("/alpha"));
  US_TRY(us_pending_find(cx, owner.id, uuid, &one));
  US_TRY(us_pending_find(cx, owner.id, uuid, &other));
  enum us_code code = two->first == APPROVE ? us_pending_approve(cx, realm, &owner, &one, (struct us_strs){0})
                                            : us_pending_deny(cx, &one);
  assert_int_equal(code, US_OK);
  two->second_code = two->second == APPROVE ? us_pending_approve(cx, realm, &owner, &other, (struct us_strs){0})
                                            : us_pending_deny(cx, &other);
  us_error_clear(cx);
  us_snapshot_unref(snapshot);
  return US_OK;
}

static void of_two_at_once_one_decides(void **state) {
  struct asked a = setup(state);
  static const enum deed pairs[][2] = {{APPROVE, APPROVE}, {DENY, APPROVE}, {DENY, DENY}, {APPROVE, DENY}};
  for (size_t i = 0; i < 4; i++) {
    struct two two = {.first = pairs[i][0], .second = pairs[i][1]};
    submit(&a, "bob", a.album, i < 3 ? "[\"view\"]" : "[\"edit\"]");
    assert_int_equal(us_world_transact(a.w, two_step, &two), US_OK);
    assert_int_equal(two.second_code, US_E_NOT_FOUND);
    assert_string_equal(shared(&a, a.album), pairs[i][0] == APPROVE ? i == 0 ? "bob:view" : "bob:edit" : "");
    assert_int_equal(count(&a), 0);
    if (i == 0)
      assert_reply(us_with_sso(a.w, "DELETE", policy_url(a.w, a.album), a.sso, NULL, NULL), 200);
  }
  assert_string_equal(history(&a, APPROVED), "bob album, bob album");
  assert_string_equal(history(&a, DENIED), "bob album, bob album");
}

static enum us_code outbox_step(struct us_cx *cx, void *self) {
  static const char SQL[] =
      "SELECT o.kind, a.name, o.body FROM outbox o JOIN account a ON a.id = o.account_id ORDER BY o.id";
  struct asked *a = self;
  struct us_rows rows;
  const char *text = "";
  US_TRY(us_sql_open(cx, &rows, SQL, ""));
  while (us_sql_next(&rows)) {
    struct us_str name = us_sql_text(&rows, 1), body = us_sql_text(&rows, 2);
    json_t *json = json_loadb(body.p, body.n, 0, NULL);
    char *scopes = json_dumps(json_object_get(json, "scopes"), JSON_COMPACT);
    text = us_text(a->w, "%s%s to %.*s about %s, %s %s\n", text,
                   us_sql_i64(&rows, 0) == US_NOTICE_PENDING_CREATED ? "created" : "approved", US_STR_ARG(name),
                   json_string_value(json_object_get(json, "other")),
                   json_string_value(json_object_get(json, "resource")), scopes);
    free(scopes);
    json_decref(json);
  }
  a->pat = text;
  return us_sql_close(&rows);
}
static const char *notices(const struct asked *a) {
  struct asked copy = *a;
  assert_int_equal(us_world_transact(a->w, outbox_step, &copy), US_OK);
  sql(a, "DELETE FROM outbox");
  return copy.pat;
}

static void who_waits_and_who_owns_are_told(void **state) {
  struct asked a = setup(state);
  us_world_services(a.w)->sends_mail = true;
  submit(&a, "bob", a.album, "[\"view\",\"edit\"]");
  assert_string_equal(notices(&a), "created to alice about bob, album [\"view\",\"edit\"]\n");
  submit(&a, "bob", a.album, "[\"edit\"]"); /* covered by the one that stands */
  assert_string_equal(notices(&a), "");
  assert_reply(us_with_sso(a.w, "POST", us_text(a.w, PENDING "/%s?_action=approve", id_of(&a, 0)), a.sso, NULL,
                           "{\"scopes\":[\"view\"]}"),
               200);
  assert_string_equal(notices(&a), "approved to bob about alice, album [\"view\"]\n");
  submit(&a, "carol", a.photo, "[\"view\"]");
  submit(&a, "dave", a.photo, "[\"print\"]");
  notices(&a);
  assert_reply(act(&a, "approveAll", NULL), 200);
  assert_string_equal(notices(&a), "approved to carol about alice, photo [\"view\"]\n"
                                   "approved to dave about alice, photo [\"print\"]\n");
  submit(&a, "dave", a.album, "[\"view\"]");
  submit(&a, "carol", a.album, "[\"view\"]");
  notices(&a);
  assert_reply(us_with_sso(a.w, "POST", us_text(a.w, PENDING "/%s?_action=deny", id_of(&a, 0)), a.sso, NULL, NULL),
               200);
  assert_reply(act(&a, "denyAll", NULL), 200);
  assert_string_equal(notices(&a), ""); /* a denial is told to nobody (f.2) */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(everybody_gets_what_was_asked_for),
      STORY(what_is_shared_already_stays_with_its_conditions),
      STORY(one_list_holds_for_all),
      STORY(of_which_a_resource_has_none_its_requests_stay_open),
      STORY(a_map_says_it_request_by_request),
      STORY(every_id_of_a_map_must_be_the_owners),
      STORY(one_that_cannot_be_approved_stops_all),
      STORY(what_nobody_can_help_is_the_documented_500),
      STORY(bad_bodies_change_nothing),
      STORY(nothing_open_is_fine),
      STORY(only_the_owner_decides),
      STORY(a_denial_of_all_ends_all_waiting),
      STORY(others_requests_are_left_alone),
      STORY(long_lists_are_decided_to_their_end),
      STORY(one_call_takes_as_many_as_an_owner_may_have),
      STORY(what_is_left_of_people_who_are_gone_goes_quietly),
      STORY(of_two_at_once_one_decides),
      STORY(who_waits_and_who_owns_are_told),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
