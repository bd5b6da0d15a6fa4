/* What stands in people's histories, and how it is asked for (REST contract g). */
#include "flow/crest.h"

#define C1 "UMA-Client"
#define C2 "UMA-Client-2"
#define HISTORY ALPHA_JSON "users/alice/uma/auditHistory"

struct told {
  struct us_world *w;
  const char *pat, *sso, *album;
};
static struct told setup(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  return (struct told){w, pat, us_sso(w, "alice"), us_register(w, pat, ALBUM)};
}
static const char *ticket_for(const struct told *t, const char *resource, const char *scopes) {
  return us_ask(t->w, t->pat, us_text(t->w, "{\"resource_id\":\"%s\",\"resource_scopes\":%s}", resource, scopes));
}
static struct us_reply ask(const struct told *t, const char *user, const char *ticket) {
  return us_grant(t->w, C1, ticket, us_id_token(t->w, user, C1), NULL);
}
#define refused(reply, status, error) us_refused((reply), (status), (error), __FILE__, __LINE__)
static struct us_reply us_refused(struct us_reply r, int status, const char *error, const char *file, int line) {
  us_assert_error(&r, status, error, file, line);
  return r;
}
static struct us_reply query_of(const struct told *t, const char *user, const char *sso, const char *filter,
                                const char *more) {
  return us_with_sso(
      t->w, "GET",
      us_text(t->w, ALPHA_JSON "users/%s/uma/auditHistory?_queryFilter=%s%s", user, us_enc(t->w, filter), more), sso,
      NULL, NULL);
}
static struct us_reply query(const struct told *t, const char *filter, const char *more) {
  return query_of(t, "alice", t->sso, filter, more);
}

/* "Requested bob album, Granted bob album": the lines of an answer in their order, types without what they all begin with. */
static const char *short_type(const char *type) {
  return strncmp(type, "Authorisation_", 14) == 0 ? type + 14 : type;
}
static const char *member(const json_t *line, const char *name) {
  const char *text = json_string_value(json_object_get(line, name));
  return text != NULL ? text : "-";
}
static const char *lines(struct us_world *w, const struct us_reply *r) {
  const char *text = "";
  size_t i;
  json_t *line;
  us_assert_status(r, 200, __FILE__, __LINE__);
  json_array_foreach(json_object_get(r->json, "result"), i, line) {
    text = us_text(w, "%s%s%s %s %s", text, i > 0 ? ", " : "", short_type(member(line, "type")),
                   member(line, "requestingPartyId"), member(line, "resourceSetName"));
  }
  return text;
}
/* Of somebody's own, oldest first. */
static const char *history_of(const struct told *t, const char *user) {
  struct us_reply r = query_of(t, user, us_sso(t->w, user), "true", "&_sortKeys=eventTime");
  return lines(t->w, &r);
}
static const char *found(const struct told *t, const char *filter, const char *more) {
  struct us_reply r = query(t, filter, more);
  return lines(t->w, &r);
}

/* ---- what is written ---- */

static void a_line_has_the_documented_members(void **state) {
  struct told t = setup(state);
  us_share(t.w, "alice", t.album, "bob", "[\"view\"]");
  struct us_reply r = query(&t, "true", "");
  assert_body(r, 200,
              us_text(t.w,
                      "{\"result\":[{\"_id\":\"1\",\"resourceSetId\":\"%s\",\"resourceSetName\":\"album\","
                      "\"requestingPartyId\":\"alice\",\"type\":\"Policy_Created\",\"eventTime\":1935600000000}],"
                      "\"resultCount\":1,\"pagedResultsCookie\":null,\"totalPagedResultsPolicy\":\"NONE\","
                      "\"totalPagedResults\":-1,\"remainingPagedResults\":0}",
                      t.album));
}

static void a_grant_is_asked_for_and_given(void **state) {
  struct told t = setup(state);
  us_share(t.w, "alice", t.album, "bob", "[\"view\"]");
  assert_reply(ask(&t, "bob", ticket_for(&t, t.album, "[\"view\"]")), 200);
  assert_string_equal(history_of(&t, "alice"), "Policy_Created alice album, Requested bob album, Granted bob album");
  assert_string_equal(history_of(&t, "bob"), ""); /* it is told to the owner */
}

static void a_pending_request_is_asked_for_twice_and_then_decided(void **state) {
  struct told t = setup(state);
  refused(ask(&t, "bob", ticket_for(&t, t.album, "[\"view\"]")), 403, "request_submitted");
  assert_string_equal(history_of(&t, "alice"), "Requested bob album, Requested bob album");
  /* the same again: a request stands already, none is stored */
  refused(ask(&t, "bob", ticket_for(&t, t.album, "[\"view\"]")), 403, "request_submitted");
  assert_string_equal(history_of(&t, "alice"), "Requested bob album, Requested bob album, Requested bob album");
}

static const char *only_pending(const struct told *t) {
  struct us_reply r = us_with_sso(t->w, "GET", PENDING "?_queryFilter=true", t->sso, NULL, NULL);
  return json_string_value(json_object_get(json_array_get(json_object_get(r.json, "result"), 0), "_id"));
}
static struct us_reply act(const struct told *t, const char *action) {
  return us_with_sso(t->w, "POST", us_text(t->w, PENDING "/%s?_action=%s", only_pending(t), action), t->sso, NULL,
                     "{}");
}

static void approval_and_denial_name_who_asked(void **state) {
  struct told t = setup(state);
  refused(ask(&t, "bob", ticket_for(&t, t.album, "[\"view\"]")), 403, "request_submitted");
  us_world_advance_ms(t.w, 1000);
  assert_reply(act(&t, "approve"), 200);
  assert_string_equal(found(&t, "eventTime gt 1935600000000", "&_sortKeys=eventTime,_id"),
                      "Policy_Created alice album, Request_Approved bob album");
  us_world_advance_ms(t.w, 1000);
  refused(ask(&t, "carol", ticket_for(&t, t.album, "[\"view\"]")), 403, "request_submitted");
  us_world_advance_ms(t.w, 1000);
  assert_reply(act(&t, "deny"), 200);
  assert_string_equal(found(&t, "eventTime gt 1935600002000", ""), "Request_Denied carol album");
}

static void a_refusal_without_a_pending_request_is_a_denial(void **state) {
  struct told t = setup(state);
  us_world_set(t.w, "pendingRequestsEnabled", "false");
  refused(ask(&t, "bob", ticket_for(&t, t.album, "[\"view\"]")), 403, "request_denied");
  assert_string_equal(history_of(&t, "alice"), "Requested bob album, Denied bob album");
}

static void a_poll_after_a_denial_and_a_full_list_are_denials_too(void **state) {
  struct told t = setup(state);
  struct us_reply r = ask(&t, "bob", ticket_for(&t, t.album, "[\"view\"]"));
  assert_error(r, 403, "request_submitted");
  const char *next = us_reply_str(&r, "ticket");
  assert_reply(act(&t, "deny"), 200);
  us_world_advance_ms(t.w, 6000);
  refused(ask(&t, "bob", next), 403, "request_denied");
  assert_string_equal(found(&t, "eventTime gt 1935600000000", "&_sortKeys=eventTime"),
                      "Requested bob album, Denied bob album");
  us_world_set(t.w, "pendingRequestsPerRequestingParty", "1");
  refused(ask(&t, "bob", ticket_for(&t, t.album, "[\"view\"]")), 403, "request_submitted");
  us_world_advance_ms(t.w, 6000);
  refused(ask(&t, "bob", ticket_for(&t, t.album, "[\"edit\"]")), 403, "request_denied");
  assert_string_equal(found(&t, "eventTime gt 1935600006000", "&_sortKeys=eventTime"),
                      "Requested bob album, Denied bob album");
}

/* A line for each resource of the ticket; of a partial RPT what it has and what it has not. */
static void every_resource_of_a_ticket_has_its_lines(void **state) {
  struct told t = setup(state);
  const char *photo = us_register(t.w, t.pat, PHOTO);
  us_share(t.w, "alice", t.album, "bob", "[\"view\"]");
  us_world_advance_ms(t.w, 1000);
  const char *both = us_ask(t.w, t.pat,
                            us_text(t.w,
                                    "[{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]},"
                                    "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}]",
                                    t.album, photo));
  assert_reply(ask(&t, "bob", both), 200);
  assert_string_equal(found(&t, "eventTime gt 1935600000000", "&_sortKeys=eventTime"),
                      "Requested bob album, Requested bob photo, Granted bob album, Denied bob photo");
  us_world_advance_ms(t.w, 1000);
  both = us_ask(t.w, t.pat,
                us_text(t.w,
                        "[{\"resource_id\":\"%s\",\"resource_scopes\":[\"edit\"]},"
                        "{\"resource_id\":\"%s\",\"resource_scopes\":[\"print\"]}]",
                        t.album, photo));
  refused(ask(&t, "carol", both), 403, "request_submitted");
  assert_string_equal(found(&t, "eventTime gt 1935600001000", "&_sortKeys=eventTime"),
                      "Requested carol album, Requested carol photo, Requested carol album, Requested carol photo");
}

/* Nobody is known on whose behalf it was, or nothing was decided. */
static void what_never_came_to_a_decision_is_not_told(void **state) {
  struct told t = setup(state);
  refused(us_grant(t.w, C1, ticket_for(&t, t.album, "[\"view\"]"), NULL, NULL), 403, "need_info");
  struct us_reply r =
      us_grant(t.w, C1, ticket_for(&t, t.album, "[\"view\"]"), us_id_token(t.w, "bob", C1), "&scope=none");
  assert_error(r, 400, "invalid_scope");
  refused(us_grant(t.w, C1, "nonsense", us_id_token(t.w, "bob", C1), NULL), 400, "invalid_grant");
  assert_string_equal(history_of(&t, "alice"), "");
}

/* Design 6, UG-80, UG-81: the owner is told which client it was, whether the ticket was spent or not. */
static void a_ticket_in_the_hands_of_another_client_is_told(void **state) {
  struct told t = setup(state);
  us_share(t.w, "alice", t.album, "bob", "[\"view\"]");
  const char *ticket = ticket_for(&t, t.album, "[\"view\"]");
  assert_reply(ask(&t, "bob", ticket), 200);
  us_world_advance_ms(t.w, 1000);
  refused(us_grant(t.w, C2, ticket, us_id_token(t.w, "carol", C2), NULL), 400, "invalid_grant");
  assert_string_equal(found(&t, "eventTime gt 1935600000000", ""), "Ticket_Replayed UMA-Client-2 album");
  struct us_reply r = us_grant(t.w, C1, ticket_for(&t, t.album, "[\"view\"]"), NULL, NULL);
  assert_error(r, 403, "need_info");
  us_world_advance_ms(t.w, 1000);
  refused(us_grant(t.w, C2, us_reply_str(&r, "ticket"), NULL, NULL), 400, "invalid_grant");
  assert_string_equal(found(&t, "eventTime gt 1935600001000", ""), "Ticket_Replayed UMA-Client-2 album");
  /* its own client's second try is no replay by another */
  us_world_advance_ms(t.w, 1000);
  refused(ask(&t, "bob", ticket), 400, "invalid_grant");
  assert_string_equal(found(&t, "eventTime gt 1935600002000", ""), "");
}

static void policies_stand_in_the_history_of_who_shares(void **state) {
  struct told t = setup(state);
  assert_reply(put_policy(t.w, t.sso, t.album, NULL, TO_BOB("[\"view\"]"), NULL), 201);
  us_world_advance_ms(t.w, 1);
  assert_reply(put_policy(t.w, t.sso, t.album, NULL, TO_BOB("[\"edit\"]"), NULL), 200);
  us_world_advance_ms(t.w, 1);
  assert_reply(us_with_sso(t.w, "DELETE", policy_url(t.w, t.album), t.sso, NULL, NULL), 200);
  assert_string_equal(history_of(&t, "alice"),
                      "Policy_Created alice album, Policy_Updated alice album, Policy_Deleted alice album");
  assert_string_equal(history_of(&t, "bob"), "");
}

static void an_update_to_nothing_is_a_deletion(void **state) {
  struct told t = setup(state);
  us_share(t.w, "alice", t.album, "bob", "[\"view\"]");
  us_world_advance_ms(t.w, 1);
  assert_reply(put_policy(t.w, t.sso, t.album, NULL, "[]", NULL), 200);
  assert_string_equal(found(&t, "eventTime gt 1935600000000", ""), "Policy_Deleted alice album");
}

static void who_deleted_is_told_also_when_it_was_an_administrator(void **state) {
  struct told t = setup(state);
  us_share(t.w, "alice", t.album, "bob", "[\"view\"]");
  us_world_advance_ms(t.w, 1);
  assert_reply(us_with_sso(t.w, "DELETE", policy_url(t.w, t.album), us_sso(t.w, "amAdmin"), NULL, NULL), 200);
  assert_string_equal(found(&t, "eventTime gt 1935600000000", ""), "Policy_Deleted amAdmin album");
}

static void what_ends_many_shares_at_once_has_a_line_for_each(void **state) {
  struct told t = setup(state);
  const char *photo = us_register(t.w, t.pat, PHOTO);
  us_share(t.w, "alice", t.album, "bob", "[\"view\"]");
  assert_reply(put_policy(t.w, t.sso, photo, NULL,
                          "[{\"subject\":\"bob\",\"scopes\":[\"view\"]},{\"subject\":\"carol\",\"scopes\":[\"view\"]}]",
                          NULL),
               201);
  us_world_advance_ms(t.w, 1);
  assert_reply(us_with_sso(t.w, "POST", POLICIES "?_action=stopSharingWith", t.sso, NULL, "{\"subject\":\"bob\"}"),
               200);
  assert_string_equal(found(&t, "eventTime eq 1935600000001", "&_sortKeys=type"),
                      "Policy_Deleted alice album, Policy_Updated alice photo");
  us_world_advance_ms(t.w, 1);
  assert_reply(
      us_with_sso(t.w, "POST", ALPHA_JSON "users/alice/oauth2/resources/sets?_action=revokeAll", t.sso, NULL, NULL),
      200);
  assert_string_equal(found(&t, "eventTime eq 1935600000002", ""), "Policy_Deleted alice photo");
}

static void deletions_can_be_left_out(void **state) {
  struct told t = setup(state);
  us_share(t.w, "alice", t.album, "bob", "[\"view\"]");
  us_world_set(t.w, "auditDeletions", "false");
  assert_reply(us_with_sso(t.w, "DELETE", policy_url(t.w, t.album), t.sso, NULL, NULL), 200);
  assert_string_equal(history_of(&t, "alice"), "Policy_Created alice album");
}

static void what_is_refused_leaves_no_line(void **state) {
  struct told t = setup(state);
  assert_reply(put_policy(t.w, t.sso, t.album, NULL, TO_BOB("[\"erase\"]"), NULL), 400);
  us_share(t.w, "alice", t.album, "bob", "[\"view\"]");
  assert_reply(put_policy(t.w, t.sso, t.album, "If-Match: 77", TO_BOB("[\"edit\"]"), NULL), 412);
  assert_string_equal(history_of(&t, "alice"), "Policy_Created alice album");
}

static void lines_outlive_their_resource_under_its_old_name(void **state) {
  struct told t = setup(state);
  us_share(t.w, "alice", t.album, "bob", "[\"view\"]");
  const char *set = us_text(t.w, ALPHA_UMA "resource_set/%s", t.album);
  assert_reply(us_with_pat(t.w, "PUT", set, t.pat, "{\"name\":\"lake\",\"resource_scopes\":[\"view\"]}"), 200);
  us_world_advance_ms(t.w, 1);
  assert_reply(ask(&t, "bob", ticket_for(&t, t.album, "[\"view\"]")), 200);
  assert_reply(us_with_pat(t.w, "DELETE", set, t.pat, NULL), 204);
  assert_string_equal(found(&t, us_text(t.w, "resourceSetId eq \"%s\"", t.album), "&_sortKeys=eventTime"),
                      "Policy_Created alice album, Requested bob lake, Granted bob lake");
}

/* ---- how it is asked for ---- */

/* Six lines of three kinds, three people and two resources, a second apart. */
static struct told six(void **state) {
  struct told t = setup(state);
  const char *photo = us_register(t.w, t.pat, PHOTO);
  us_world_set(t.w, "pendingRequestsEnabled", "false");
  us_share(t.w, "alice", t.album, "bob", "[\"view\"]");
  us_world_advance_ms(t.w, 1000);
  us_share(t.w, "alice", photo, "bob", "[\"view\"]");
  us_world_advance_ms(t.w, 1000);
  assert_reply(ask(&t, "bob", ticket_for(&t, t.album, "[\"view\"]")), 200);
  us_world_advance_ms(t.w, 1000);
  refused(ask(&t, "carol", ticket_for(&t, photo, "[\"view\"]")), 403, "request_denied");
  return t;
}
#define ALL                                                                                                            \
  "Policy_Created alice album, Policy_Created alice photo, Requested bob album, Granted bob album, "                   \
  "Requested carol photo, Denied carol photo"

static void the_newest_come_first_unless_asked_otherwise(void **state) {
  struct told t = six(state);
  assert_string_equal(found(&t, "true", "&_sortKeys=eventTime"), ALL);
  const char *newest = "Denied carol photo, Requested carol photo, Granted bob album, Requested bob album, "
                       "Policy_Created alice photo, Policy_Created alice album";
  assert_string_equal(found(&t, "true", ""), newest);
  assert_string_equal(found(&t, "true", "&_sortKeys=-eventTime"), newest);
}

static void any_field_filters(void **state) {
  struct told t = six(state);
  const char *asc = "&_sortKeys=eventTime";
  assert_string_equal(found(&t, "false", asc), "");
  assert_string_equal(found(&t, "requestingPartyId eq 'BOB'", asc), "Requested bob album, Granted bob album");
  assert_string_equal(found(&t, "requestingPartyId sw 'ca' AND type eq 'Authorisation_Denied'", asc),
                      "Denied carol photo");
  assert_string_equal(found(&t, "type eq 'authorisation_denied'", asc), ""); /* not a name */
  assert_string_equal(found(&t, "type sw 'Policy'", asc), "Policy_Created alice album, Policy_Created alice photo");
  assert_string_equal(found(&t, "resourceSetName eq 'Photo' and !(type co 'Requested')", asc),
                      "Policy_Created alice photo, Denied carol photo");
  assert_string_equal(found(&t, us_text(t.w, "resourceSetId eq '%s' or _id eq '6'", t.album), asc),
                      "Policy_Created alice album, Requested bob album, Granted bob album, Denied carol photo");
  assert_string_equal(found(&t, "eventTime ge 1935600001000 and eventTime lt 1935600002000", asc),
                      "Policy_Created alice photo");
  assert_string_equal(found(&t, "eventTime eq 1935600000000 or eventTime gt 1935600002000", asc),
                      "Policy_Created alice album, Requested carol photo, Denied carol photo");
  assert_string_equal(found(&t, "/type pr and eventTime le 1935600000000", asc), "Policy_Created alice album");
}

static void what_is_no_field_or_operator_is_the_documented_500(void **state) {
  struct told t = six(state);
  assert_rest(query(&t, "badField eq 'x'", ""), 500, "'/badField' not queryable");
  assert_rest(query(&t, "accountId eq 7", ""), 500, "'/accountId' not queryable");
  assert_rest(query(&t, "type near 'x'", ""), 500, "'near' not supported");
  assert_rest(query(&t, "true", "&_sortKeys=hash"), 400, "'hash' not sortable");
  us_world_set(t.w, "crestQueryErrors", "rfc");
  assert_rest(query(&t, "badField eq 'x'", ""), 400, "'/badField' not queryable");
  assert_reply(query(&t, "type eq", ""), 400);
  assert_rest(us_with_sso(t.w, "GET", HISTORY "?_queryId=x", t.sso, NULL, NULL), 501,
              "Only query filter is supported.");
}

static void any_field_sorts(void **state) {
  struct told t = six(state);
  assert_string_equal(found(&t, "true", "&_sortKeys=type,eventTime"),
                      "Denied carol photo, Granted bob album, Requested bob album, Requested carol photo, "
                      "Policy_Created alice album, Policy_Created alice photo");
  assert_string_equal(found(&t, "true", "&_sortKeys=-requestingPartyId,type"),
                      "Denied carol photo, Requested carol photo, Granted bob album, Requested bob album, "
                      "Policy_Created alice album, Policy_Created alice photo");
  assert_string_equal(found(&t, "type sw 'Policy'", "&_sortKeys=-resourceSetName"),
                      "Policy_Created alice photo, Policy_Created alice album");
  assert_string_equal(found(&t, "true", "&_sortKeys=_id"), ALL);
  const char *by_id = found(&t, "type sw 'Policy'", "&_sortKeys=resourceSetId");
  assert_string_not_equal(by_id, found(&t, "type sw 'Policy'", "&_sortKeys=-resourceSetId"));
}

static void pages_follow_each_other(void **state) {
  struct told t = six(state);
  struct us_reply r = query(&t, "true", "&_sortKeys=-eventTime&_pageSize=2&_totalPagedResultsPolicy=EXACT");
  assert_string_equal(lines(t.w, &r), "Denied carol photo, Requested carol photo");
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 4);
  assert_int_equal(us_reply_int(&r, "totalPagedResults"), 6);
  r = query(&t, "true", "&_sortKeys=-eventTime&_pageSize=2&_pagedResultsOffset=4");
  assert_string_equal(lines(t.w, &r), "Policy_Created alice photo, Policy_Created alice album");
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 0);
  /* by cookie, in the order of who says none: two lines of one moment stand on two pages */
  r = query(&t, "true", "&_pageSize=1");
  const char *all = lines(t.w, &r);
  for (int i = 0; i < 5; i++) {
    assert_string_not_equal(us_reply_str(&r, "pagedResultsCookie"), "");
    r = query(&t, "true",
              us_text(t.w, "&_pageSize=1&_pagedResultsCookie=%s", us_enc(t.w, us_reply_str(&r, "pagedResultsCookie"))));
    all = us_text(t.w, "%s, %s", all, lines(t.w, &r));
  }
  assert_string_equal(us_reply_str(&r, "pagedResultsCookie"), "");
  assert_string_equal(all, found(&t, "true", ""));
}

static void the_action_answers_as_the_query(void **state) {
  struct told t = six(state);
  const char *more = "_queryFilter=requestingPartyId+eq+%22bob%22&_sortKeys=-eventTime&_pageSize=1";
  struct us_reply asked = us_with_sso(t.w, "GET", us_text(t.w, HISTORY "?%s&_fields=type", more), t.sso, NULL, NULL);
  struct us_reply r =
      us_with_sso(t.w, "POST", us_text(t.w, HISTORY "?_action=getHistory&%s&_fields=type", more), t.sso, NULL, "{}");
  assert_string_equal(lines(t.w, &r), "Granted - -"); /* _fields holds for it too */
  assert_string_equal(lines(t.w, &asked), lines(t.w, &r));
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 1);
  r = us_with_sso(t.w, "POST", HISTORY "?_action=getHistory&_queryFilter=true", t.sso, NULL, NULL);
  assert_status(r, 200);
  assert_int_equal(us_reply_int(&r, "resultCount"), 6);
  assert_reply(us_with_sso(t.w, "POST", HISTORY "?_action=getHistory&_queryFilter=true", t.sso, NULL, "["), 400);
  assert_reply(us_with_sso(t.w, "POST", HISTORY "?_action=getHistory", t.sso, NULL, "{}"), 400);
}

static void nobody_writes_or_removes_lines(void **state) {
  struct told t = six(state);
  assert_rest(us_with_sso(t.w, "POST", HISTORY "?_action=purge", t.sso, NULL, "{}"), 501, "Action purge not supported");
  assert_reply(us_with_sso(t.w, "POST", HISTORY "?_action=create", t.sso, NULL, "{}"), 501);
  assert_reply(us_with_sso(t.w, "POST", HISTORY, t.sso, NULL, "{}"), 501);
  assert_rest(us_with_sso(t.w, "DELETE", HISTORY, t.sso, NULL, NULL), 400,
              "The resource collection users/alice/uma/auditHistory cannot be deleted");
  assert_reply(us_with_sso(t.w, "DELETE", HISTORY "/1", t.sso, NULL, NULL), 404);
  assert_reply(us_with_sso(t.w, "PUT", HISTORY "/1", t.sso, "If-Match: *", "{}"), 404);
  assert_string_equal(found(&t, "true", "&_sortKeys=eventTime"), ALL);
}

static void a_history_is_its_owners_and_the_administrators(void **state) {
  struct told t = six(state);
  assert_reply(query_of(&t, "alice", us_sso(t.w, "bob"), "true", ""), 403);
  assert_reply(
      us_with_sso(t.w, "POST", HISTORY "?_action=getHistory&_queryFilter=true", us_sso(t.w, "bob"), NULL, "{}"), 403);
  assert_reply(us_send(t.w, "GET", HISTORY "?_queryFilter=true", NULL, NULL), 401);
  assert_reply(us_with_pat(t.w, "GET", HISTORY "?_queryFilter=true", t.pat, NULL), 401);
  struct us_reply r = query_of(&t, "alice", us_sso(t.w, "amAdmin"), "true", "&_sortKeys=eventTime");
  assert_string_equal(lines(t.w, &r), ALL);
  assert_reply(query_of(&t, "nobody", us_sso(t.w, "amAdmin"), "true", ""), 404);
  /* the same name in another realm is another person */
  r = us_with_sso(t.w, "GET", "/am/json/realms/root/users/amAdmin/uma/auditHistory?_queryFilter=true",
                  us_sso(t.w, "amAdmin"), NULL, NULL);
  assert_string_equal(lines(t.w, &r), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_line_has_the_documented_members),
      STORY(a_grant_is_asked_for_and_given),
      STORY(a_pending_request_is_asked_for_twice_and_then_decided),
      STORY(approval_and_denial_name_who_asked),
      STORY(a_refusal_without_a_pending_request_is_a_denial),
      STORY(a_poll_after_a_denial_and_a_full_list_are_denials_too),
      STORY(every_resource_of_a_ticket_has_its_lines),
      STORY(what_never_came_to_a_decision_is_not_told),
      STORY(a_ticket_in_the_hands_of_another_client_is_told),
      STORY(policies_stand_in_the_history_of_who_shares),
      STORY(an_update_to_nothing_is_a_deletion),
      STORY(who_deleted_is_told_also_when_it_was_an_administrator),
      STORY(what_ends_many_shares_at_once_has_a_line_for_each),
      STORY(deletions_can_be_left_out),
      STORY(what_is_refused_leaves_no_line),
      STORY(lines_outlive_their_resource_under_its_old_name),
      STORY(the_newest_come_first_unless_asked_otherwise),
      STORY(any_field_filters),
      STORY(what_is_no_field_or_operator_is_the_documented_500),
      STORY(any_field_sorts),
      STORY(pages_follow_each_other),
      STORY(the_action_answers_as_the_query),
      STORY(nobody_writes_or_removes_lines),
      STORY(a_history_is_its_owners_and_the_administrators),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
