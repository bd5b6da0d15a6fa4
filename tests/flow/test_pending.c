/* Pending requests: filed by the grant, seen, approved and denied by the owner (REST contract f). */
#include "flow/crest.h"

#include "domain/pending.h"

#define C1 "UMA-Client"

struct asked {
  struct us_world *w;
  const char *pat, *sso, *album;
};
static struct asked setup(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  return (struct asked){w, pat, us_sso(w, "alice"), us_register(w, pat, ALBUM)};
}
static const char *ticket_for(const struct asked *a, const char *resource, const char *scopes) {
  return us_ask(a->w, a->pat, us_text(a->w, "{\"resource_id\":\"%s\",\"resource_scopes\":%s}", resource, scopes));
}
static struct us_reply try(const struct asked *a, const char *user, const char *ticket) {
  return us_grant(a->w, C1, ticket, us_id_token(a->w, user, C1), NULL);
}
/* `user` asks and is told to wait: the successor ticket. */
static const char *submit(const struct asked *a, const char *user, const char *resource, const char *scopes) {
  struct us_reply r = try(a, user, ticket_for(a, resource, scopes));
  assert_error(r, 403, "request_submitted");
  assert_string_not_equal(us_reply_str(&r, "ticket"), "");
  return us_reply_str(&r, "ticket");
}
static struct us_reply query(const struct asked *a, const char *filter, const char *more) {
  struct us_reply r = us_with_sso(a->w, "GET", us_text(a->w, PENDING "?_queryFilter=%s%s", us_enc(a->w, filter), more),
                                  a->sso, NULL, NULL);
  return r;
}
static json_t *item(const struct us_reply *r, size_t i) {
  return json_array_get(json_object_get(r->json, "result"), i);
}
static const char *id_of(const struct asked *a, size_t i) {
  struct us_reply r = query(a, "true", "");
  const char *id = json_string_value(json_object_get(item(&r, i), "_id"));
  assert_non_null(id);
  return id;
}
static int64_t waiting(const struct asked *a) {
  struct us_reply r = query(a, "true", "");
  assert_status(r, 200);
  return us_reply_int(&r, "resultCount");
}
static struct us_reply act(const struct asked *a, const char *id, const char *action, const char *body) {
  return us_with_sso(a->w, "POST", us_text(a->w, PENDING "/%s?_action=%s", id, action), a->sso, NULL, body);
}
static const char *shared(const struct asked *a, const char *resource) {
  struct us_reply r = get_policy(a->w, a->sso, resource);
  if (r.status == 404)
    return "";
  char *text = json_dumps(json_object_get(r.json, "permissions"), JSON_COMPACT);
  const char *copy = us_text(a->w, "%s", text);
  free(text);
  return copy;
}

static void a_refused_grant_leaves_a_request(void **state) {
  struct asked a = setup(state);
  submit(&a, "bob", a.album, "[\"view\",\"edit\"]");
  struct us_reply r = query(&a, "true", "");
  const char *id = json_string_value(json_object_get(item(&r, 0), "_id"));
  assert_body(r, 200,
              us_text(a.w,
                      "{\"result\":[{\"_id\":\"%s\",\"user\":\"bob\",\"resource\":\"album\",\"when\":1935600000000,"
                      "\"permissions\":[\"view\",\"edit\"]}],\"resultCount\":1,\"pagedResultsCookie\":null,"
                      "\"totalPagedResultsPolicy\":\"NONE\",\"totalPagedResults\":-1,\"remainingPagedResults\":0}",
                      id));
  r = us_with_sso(a.w, "GET", us_text(a.w, PENDING "/%s", id), a.sso, NULL, NULL);
  assert_body(r, 200,
              us_text(a.w,
                      "{\"_id\":\"%s\",\"_rev\":\"1\",\"user\":\"bob\",\"resource\":\"album\",\"when\":1935600000000,"
                      "\"permissions\":[\"view\",\"edit\"]}",
                      id));
  assert_string_equal(us_reply_header(&r, "ETag"), "\"1\"");
}

static void fields_pick_what_is_shown(void **state) {
  struct asked a = setup(state);
  submit(&a, "bob", a.album, "[\"view\"]");
  const char *id = id_of(&a, 0);
  struct us_reply r = query(&a, "true", "&_fields=user");
  assert_non_null(strstr(r.body, us_text(a.w, "[{\"_id\":\"%s\",\"user\":\"bob\"}]", id)));
  r = us_with_sso(a.w, "GET", us_text(a.w, PENDING "/%s?_fields=user", id), a.sso, NULL, NULL);
  assert_body(r, 200, us_text(a.w, "{\"_id\":\"%s\",\"_rev\":\"1\",\"user\":\"bob\"}", id));
  r = us_with_sso(a.w, "GET", us_text(a.w, PENDING "/%s", id), a.sso, "If-None-Match: \"1\"", NULL);
  assert_body(r, 304, "");
}

static void asking_again_for_the_same_adds_nothing(void **state) {
  struct asked a = setup(state);
  submit(&a, "bob", a.album, "[\"view\",\"edit\"]");
  submit(&a, "bob", a.album, "[\"edit\"]");
  assert_int_equal(waiting(&a), 1);
  submit(&a, "bob", a.album, "[\"edit\",\"download\"]"); /* one more scope: a second request */
  assert_int_equal(waiting(&a), 2);
  submit(&a, "carol", a.album, "[\"view\"]");
  assert_int_equal(waiting(&a), 3);
}

static void approval_gives_what_was_asked_for(void **state) {
  struct asked a = setup(state);
  const char *ticket = submit(&a, "bob", a.album, "[\"view\",\"edit\"]");
  const char *id = id_of(&a, 0);
  assert_body(act(&a, id, "approve", NULL), 200, "{}");
  assert_string_equal(shared(&a, a.album), "[{\"subject\":\"bob\",\"scopes\":[\"view\",\"edit\"]}]");
  assert_int_equal(waiting(&a), 0);
  struct us_reply r = try(&a, "bob", ticket);
  assert_status(r, 200);
  r = us_introspect(a.w, a.pat, us_reply_str(&r, "access_token"));
  assert_true(json_is_true(json_object_get(r.json, "active")));
}

static void approval_gives_just_the_scopes_of_the_body(void **state) {
  struct asked a = setup(state);
  submit(&a, "bob", a.album, "[\"view\"]");
  assert_body(act(&a, id_of(&a, 0), "approve", "{\"scopes\":[\"download\",\"download\"]}"), 200, "{}");
  assert_string_equal(shared(&a, a.album), "[{\"subject\":\"bob\",\"scopes\":[\"download\"]}]");
}

static void approval_adds_to_what_is_shared_and_keeps_conditions(void **state) {
  struct asked a = setup(state);
  assert_reply(put_policy(a.w, a.sso, a.album, NULL,
                          "[{\"subject\":\"carol\",\"scopes\":[\"edit\"]},{\"subject\":\"BOB\",\"scopes\":[\"view\"]}]",
                          ",\"conditions\":[{\"type\":\"ClientId\",\"clientId\":\"" C1 "\"}]"),
               201);
  submit(&a, "bob", a.album, "[\"edit\"]");
  assert_body(act(&a, id_of(&a, 0), "approve", "{}"), 200, "{}");
  assert_string_equal(shared(&a, a.album), "[{\"subject\":\"carol\",\"scopes\":[\"edit\"]},"
                                           "{\"subject\":\"BOB\",\"scopes\":[\"view\",\"edit\"]}]");
  struct us_reply r = get_policy(a.w, a.sso, a.album);
  assert_int_equal(json_array_size(json_object_get(r.json, "conditions")), 1);
}

static void approval_moves_the_revision(void **state) {
  struct asked a = setup(state);
  us_share(a.w, "alice", a.album, "carol", "[\"view\"]");
  struct us_reply before = get_policy(a.w, a.sso, a.album);
  submit(&a, "bob", a.album, "[\"view\"]");
  assert_reply(act(&a, id_of(&a, 0), "approve", NULL), 200);
  struct us_reply after = get_policy(a.w, a.sso, a.album);
  assert_string_not_equal(us_reply_str(&before, "_rev"), us_reply_str(&after, "_rev"));
}

static void bad_approvals_leave_everything_as_it_was(void **state) {
  struct asked a = setup(state);
  submit(&a, "bob", a.album, "[\"view\"]");
  const char *id = id_of(&a, 0);
  assert_rest(act(&a, id, "approve", "{\"scopes\":[\"view\",\"erase\"]}"), 400,
              "Defined Resource Set scopes, [view, edit, download], do not contain requested scopes, [erase]");
  assert_reply(act(&a, id, "approve", "{\"scopes\":[]}"), 400);
  assert_reply(act(&a, id, "approve", "{\"scopes\":\"view\"}"), 400);
  assert_reply(act(&a, id, "approve", "{\"scopes\":[7]}"), 400);
  assert_reply(act(&a, id, "approve", "[]"), 400);
  assert_reply(act(&a, id, "approve", "{"), 400);
  assert_rest(act(&a, id, "forget", "{}"), 501, "Action forget not supported");
  struct us_reply r =
      us_with_sso(a.w, "POST", us_text(a.w, PENDING "/%s?_action=approve", id), a.sso, "If-Match: 7", "{}");
  assert_status(r, 412);
  r = us_with_sso(a.w, "POST", us_text(a.w, PENDING "/%s?_action=deny", id), a.sso, "If-None-Match: *", "{}");
  assert_status(r, 412);
  assert_int_equal(waiting(&a), 1);
  assert_string_equal(shared(&a, a.album), "");
}

/* The lineage's own clients send a form's content type with JSON in it (a.4). */
static void an_approval_may_say_it_is_a_form(void **state) {
  struct asked a = setup(state);
  submit(&a, "bob", a.album, "[\"view\"]");
  struct us_reply r =
      us_send(a.w, "POST", us_text(a.w, PENDING "/%s?_action=approve", id_of(&a, 0)),
              us_text(a.w, "iPlanetDirectoryPro: %s\nContent-Type: application/x-www-form-urlencoded", a.sso),
              "{\"scopes\":[\"view\"]}");
  assert_body(r, 200, "{}");
}

static void a_request_is_decided_once(void **state) {
  struct asked a = setup(state);
  submit(&a, "bob", a.album, "[\"view\"]");
  const char *id = id_of(&a, 0), *gone = us_text(a.w, "Pending request, %s, not found", id);
  assert_reply(act(&a, id, "approve", NULL), 200);
  assert_rest(act(&a, id, "approve", NULL), 404, gone);
  assert_rest(act(&a, id, "deny", NULL), 404, gone);
  assert_rest(us_with_sso(a.w, "GET", us_text(a.w, PENDING "/%s", id), a.sso, NULL, NULL), 404, gone);
}

static void denial_ends_the_waiting(void **state) {
  struct asked a = setup(state);
  const char *ticket = submit(&a, "bob", a.album, "[\"view\"]");
  assert_body(act(&a, id_of(&a, 0), "deny", NULL), 200, "{}");
  assert_int_equal(waiting(&a), 0);
  assert_string_equal(shared(&a, a.album), "");
  us_world_advance_ms(a.w, 6000);
  struct us_reply r = try(&a, "bob", ticket);
  assert_error(r, 403, "request_denied");
  submit(&a, "bob", a.album, "[\"view\"]"); /* a fresh ticket starts over */
  assert_int_equal(waiting(&a), 1);
}

static enum us_code denied_step(struct us_cx *cx, void *self) {
  bool denied = false;
  /* many ids, the denied one in the last batch */
  static const char SQL[] = "SELECT pending_id FROM denial";
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  int64_t id = 0;
  US_TRY(us_sql_one(cx, columns, 1, &id, SQL, ""));
  struct us_str ids = US_STR("1");
  for (int i = 2; i < 40; i++)
    ids = us_str_fmt(cx->mem, "%.*s,%d", US_STR_ARG(ids), i);
  US_TRY(us_pending_any_denied(cx, us_str_fmt(cx->mem, "[%.*s]", US_STR_ARG(ids)), &denied));
  assert_false(denied);
  US_TRY(us_pending_any_denied(cx, us_str_fmt(cx->mem, "[%.*s,%lld]", US_STR_ARG(ids), (long long)id), &denied));
  *(bool *)self = denied;
  US_TRY(us_pending_any_denied(cx, US_STR("[]"), &denied));
  assert_false(denied);
  return US_OK;
}

static void a_denial_is_remembered_for_a_day(void **state) {
  struct asked a = setup(state);
  bool denied = false;
  submit(&a, "bob", a.album, "[\"view\"]");
  assert_reply(act(&a, id_of(&a, 0), "deny", NULL), 200);
  us_world_advance_ms(a.w, (int64_t)US_DENIAL_S * 1000 - 1000);
  assert_int_equal(us_world_transact(a.w, denied_step, &denied), US_OK);
  assert_true(denied);
  us_world_advance_ms(a.w, 1000);
  assert_int_equal(us_world_transact(a.w, denied_step, &denied), US_OK);
  assert_false(denied);
}

static void others_requests_are_not_there(void **state) {
  struct asked a = setup(state);
  submit(&a, "bob", a.album, "[\"view\"]");
  const char *id = id_of(&a, 0), *gone = us_text(a.w, "Pending request, %s, not found", id);
  struct asked carol = a;
  carol.sso = us_sso(a.w, "carol");
  const char *url = us_text(a.w, ALPHA_JSON "users/carol/uma/pendingrequests/%s", id);
  assert_rest(us_with_sso(a.w, "GET", url, carol.sso, NULL, NULL), 404, gone);
  assert_rest(us_with_sso(a.w, "POST", us_text(a.w, "%s?_action=approve", url), carol.sso, NULL, "{}"), 404, gone);
  assert_rest(us_with_sso(a.w, "POST", us_text(a.w, "%s?_action=deny", url), carol.sso, NULL, "{}"), 404, gone);
  assert_reply(us_with_sso(a.w, "GET", us_text(a.w, PENDING "/%s", id), carol.sso, NULL, NULL), 403);
  assert_reply(us_with_sso(a.w, "POST", us_text(a.w, PENDING "/%s?_action=approve", id), carol.sso, NULL, "{}"), 403);
  struct us_reply r = us_with_sso(a.w, "GET", ALPHA_JSON "users/bob/uma/pendingrequests?_queryFilter=true",
                                  us_sso(a.w, "bob"), NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 0); /* the one who asks does not own it */
  assert_int_equal(waiting(&a), 1);
}

static void nothing_is_filed_when_requests_are_switched_off(void **state) {
  struct asked a = setup(state);
  us_world_set(a.w, "pendingRequestsEnabled", "false");
  struct us_reply r = try(&a, "bob", ticket_for(&a, a.album, "[\"view\"]"));
  assert_error(r, 403, "request_denied");
  assert_int_equal(waiting(&a), 0);
}

static void requests_go_with_their_resource(void **state) {
  struct asked a = setup(state);
  submit(&a, "bob", a.album, "[\"view\"]");
  assert_reply(us_with_pat(a.w, "DELETE", us_text(a.w, ALPHA_UMA "resource_set/%s", a.album), a.pat, NULL), 204);
  assert_int_equal(waiting(&a), 0);
}

/* Five requests: 0 bob album view, 1 carol album edit, 2 bob photo print, 3 dave photo view, 4 carol photo view+print; a second
 * apart. */
static struct asked five(void **state) {
  struct asked a = setup(state);
  const char *photo = us_register(a.w, a.pat, PHOTO);
  const struct {
    const char *user, *resource, *scopes;
  } asks[] = {{"bob", a.album, "[\"view\"]"},
              {"carol", a.album, "[\"edit\"]"},
              {"bob", photo, "[\"print\"]"},
              {"dave", photo, "[\"view\"]"},
              {"carol", photo, "[\"view\",\"print\"]"}};
  for (size_t i = 0; i < 5; i++) {
    submit(&a, asks[i].user, asks[i].resource, asks[i].scopes);
    us_world_advance_ms(a.w, 1000);
  }
  return a;
}
/* "024": which of the five, told by their second. */
static const char *found(const struct asked *a, const char *filter, const char *more) {
  struct us_reply r = query(a, filter, more);
  assert_status(r, 200);
  const char *text = "";
  for (size_t i = 0; i < json_array_size(json_object_get(r.json, "result")); i++) {
    int64_t when = json_integer_value(json_object_get(item(&r, i), "when"));
    text = us_text(a->w, "%s%d", text, (int)((when - INT64_C(1935600000000)) / 1000));
  }
  return text;
}

static void any_field_can_be_asked_for(void **state) {
  struct asked a = five(state);
  assert_string_equal(found(&a, "true", ""), "01234");
  assert_string_equal(found(&a, "false", ""), "");
  assert_string_equal(found(&a, "user eq 'BOB'", ""), "02");
  assert_string_equal(found(&a, "user sw 'ca' or user co 'av'", ""), "134");
  assert_string_equal(found(&a, "resource eq 'Photo'", ""), "234");
  assert_string_equal(found(&a, "permissions eq 'view'", ""), "034");
  assert_string_equal(found(&a, "permissions eq 'View'", ""), "");
  assert_string_equal(found(&a, "!(permissions eq 'view')", ""), "12");
  assert_string_equal(found(&a, "when gt 1935600001000 and when le 1935600003000", ""), "23");
  assert_string_equal(found(&a, us_text(a.w, "/_id eq '%s'", id_of(&a, 3)), ""), "3");
  assert_string_equal(found(&a, "_id pr and user lt 'c'", ""), "02");
  assert_rest(query(&a, "owner eq 'x'", ""), 500, "'/owner' not queryable");
  assert_rest(query(&a, "user near 'x'", ""), 500, "'near' not supported");
}

static void any_field_can_be_sorted_by(void **state) {
  struct asked a = five(state);
  assert_string_equal(found(&a, "true", "&_sortKeys=user"), "02143");
  assert_string_equal(found(&a, "true", "&_sortKeys=-user"), "34120");
  assert_string_equal(found(&a, "true", "&_sortKeys=user,-when"), "20413");
  assert_string_equal(found(&a, "true", "&_sortKeys=-resource,user"), "24301");
  assert_string_equal(found(&a, "true", "&_sortKeys=-resource,user,when"), "24301");
  assert_string_equal(found(&a, "true", "&_sortKeys=-when"), "43210");
  assert_string_equal(found(&a, "true", "&_sortKeys=-_id"), "43210");
  assert_string_equal(found(&a, "true", "&_sortKeys=permissions"),
                      "12403"); /* ["edit"] ["print"] ["view","print"] ["view"] */
  assert_rest(query(&a, "true", "&_sortKeys=owner"), 400, "'owner' not sortable");
  assert_reply(query(&a, "true", "&_sortKeys=user,when,resource,_id"), 200);
  assert_reply(query(&a, "true", "&_sortKeys=user,when,resource,_id,permissions"), 400);
}

static void pages_say_what_remains(void **state) {
  struct asked a = five(state);
  assert_string_equal(found(&a, "true", "&_pageSize=2&_pagedResultsOffset=1"), "12");
  struct us_reply r = query(&a, "true", "&_pageSize=2&_pagedResultsOffset=1&_totalPagedResultsPolicy=EXACT");
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 2);
  assert_int_equal(us_reply_int(&r, "totalPagedResults"), 5);
  r = query(&a, "user eq 'carol'", "&_pageSize=1&_sortKeys=-when");
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 1);
  assert_rest(us_with_sso(a.w, "GET", PENDING "?_queryId=x", a.sso, NULL, NULL), 501,
              "Only query filter is supported.");
  assert_rest(us_with_sso(a.w, "GET", PENDING, a.sso, NULL, NULL), 400,
              "The resource collection users/alice/uma/pendingrequests cannot be read");
}

static enum us_code many_step(struct us_cx *cx, void *self) {
  static const char SQL[] =
      "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 399)"
      " INSERT INTO pending_request (id, uuid, realm_id, owner_id, resource_id, party_id, scopes,"
      " created_ms, rev) SELECT n.i, 'filler-' || n.i, r.realm_id, r.owner_id, r.id, a.id, '[\"view\"]',"
      " n.i, 1 FROM n, resource r, account a WHERE a.name = 'dave'";
  return us_sql_run(cx, NULL, SQL, "");
}

/* Longer than the scan's memory is kept, and longer than a page. */
static void long_lists_are_read_to_their_end(void **state) {
  struct asked a = setup(state);
  assert_int_equal(us_world_transact(a.w, many_step, NULL), US_OK);
  struct us_reply r = query(&a, "_id co 'filler'", "&_sortKeys=-when&_pageSize=100&_pagedResultsOffset=150");
  assert_status(r, 200);
  assert_int_equal(us_reply_int(&r, "resultCount"), 100);
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 50);
  for (size_t i = 0; i < 100; i++)
    assert_string_equal(json_string_value(json_object_get(item(&r, i), "_id")), us_text(a.w, "filler-%zu", 249 - i));
  r = query(&a, "true", "&_pageSize=10&_totalPagedResultsPolicy=EXACT");
  assert_int_equal(us_reply_int(&r, "totalPagedResults"), 300);
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 290);
}

/* Design 6: the limit itself is open, one more is refused with a word about whose limit it is, and nothing is stored. */
static void full(const struct asked *a, const char *user, const char *resource, const char *words) {
  int64_t before = waiting(a);
  struct us_reply r = try(a, user, ticket_for(a, resource, "[\"view\"]"));
  assert_error(r, 403, "request_denied");
  assert_string_equal(us_reply_str(&r, "error_description"), words);
  assert_int_equal(waiting(a), before);
}

static void a_party_has_so_many_open(void **state) {
  struct asked a = setup(state);
  const char *photo = us_register(a.w, a.pat, PHOTO);
  us_world_set(a.w, "pendingRequestsPerRequestingParty", "2");
  submit(&a, "bob", a.album, "[\"view\"]");
  submit(&a, "bob", a.album, "[\"edit\"]");
  full(&a, "bob", photo, "The requesting party has too many open requests");
  submit(&a, "bob", a.album, "[\"edit\"]"); /* what stands already needs no room */
  submit(&a, "carol", photo, "[\"view\"]"); /* another has room of her own */
  us_world_set(a.w, "pendingRequestsPerRequestingParty", "3");
  submit(&a, "bob", photo, "[\"view\"]");
  assert_int_equal(waiting(&a), 4);
}

static void an_owner_has_so_many_open(void **state) {
  struct asked a = setup(state);
  us_world_set(a.w, "pendingRequestsPerResourceOwner", "2");
  submit(&a, "bob", a.album, "[\"view\"]");
  submit(&a, "carol", a.album, "[\"view\"]");
  full(&a, "dave", a.album, "The resource owner has too many open requests");
  assert_reply(act(&a, id_of(&a, 0), "deny", NULL), 200);
  submit(&a, "dave", a.album, "[\"view\"]");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_refused_grant_leaves_a_request),
      STORY(fields_pick_what_is_shown),
      STORY(asking_again_for_the_same_adds_nothing),
      STORY(approval_gives_what_was_asked_for),
      STORY(approval_gives_just_the_scopes_of_the_body),
      STORY(approval_adds_to_what_is_shared_and_keeps_conditions),
      STORY(approval_moves_the_revision),
      STORY(bad_approvals_leave_everything_as_it_was),
      STORY(an_approval_may_say_it_is_a_form),
      STORY(a_request_is_decided_once),
      STORY(denial_ends_the_waiting),
      STORY(a_denial_is_remembered_for_a_day),
      STORY(others_requests_are_not_there),
      STORY(nothing_is_filed_when_requests_are_switched_off),
      STORY(requests_go_with_their_resource),
      STORY(any_field_can_be_asked_for),
      STORY(any_field_can_be_sorted_by),
      STORY(pages_say_what_remains),
      STORY(long_lists_are_read_to_their_end),
      STORY(a_party_has_so_many_open),
      STORY(an_owner_has_so_many_open),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
