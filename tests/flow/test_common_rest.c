/*
 * What all of the owner's side has in common (REST contract a): verbs and actions, versions, preconditions, and the order in which
 * a request is looked at.
 */
#include "domain/snapshot.h"
#include "flow/crest.h"
#include "store/sql.h"

#define SSO_ONLY "iPlanetDirectoryPro: %s"

/* alice's policy on an album, shared with bob. */
struct shared {
  struct us_world *w;
  const char *sso, *id, *url;
};
static struct shared share(void **state) {
  struct us_world *w = *state;
  struct shared s = {.w = w, .id = us_register(w, us_pat(w, "alice", RS1), ALBUM), .sso = us_sso(w, "alice")};
  us_share(w, "alice", s.id, "bob", "[\"view\"]");
  s.url = policy_url(w, s.id);
  return s;
}

static struct us_reply with(const struct shared *s, const char *method, const char *target, const char *headers,
                            const char *body) {
  return us_send(s->w, method, target,
                 us_text(s->w, SSO_ONLY "%s%s", s->sso, headers ? "\n" : "", headers ? headers : ""), body);
}

/* Realms (a.1). */

static void a_host_may_stand_for_a_realm(void **state) {
  struct shared s = share(state);
  const char *bare = us_text(s.w, "/am/json/users/alice/uma/policies/%s", s.id);
  const char *host = "Host: ALPHA.example.net:8443\nAccept-API-Version: resource=1.0";
  assert_reply(with(&s, "GET", bare, host, NULL), 403); /* the top-level realm has another alice, or none */
  us_world_set(s.w, "dnsAliases", "other.example.net,alpha.example.net");
  assert_reply(with(&s, "GET", bare, host, NULL), 200);
  assert_reply(with(&s, "GET", bare, "Host: alpha.example.net", NULL), 200);
  assert_reply(with(&s, "GET", bare, "Host: beta.example.net", NULL), 403);
  assert_reply(with(&s, "GET", bare, "Host: alpha.example.net.", NULL), 403);
  assert_reply(with(&s, "GET", bare, NULL, NULL), 403);
  /* path and query win over the host */
  assert_reply(with(&s, "GET", us_text(s.w, "%s?realm=/", bare), host, NULL), 403);
  assert_reply(with(&s, "GET", us_text(s.w, "/am/json/realms/root/users/alice/uma/policies/%s", s.id), host, NULL),
               403);
  assert_reply(with(&s, "GET", s.url, "Host: beta.example.net", NULL), 200);
  /* the OAuth side too */
  struct us_reply r = us_send(s.w, "GET", "/am/oauth2/.well-known/openid-configuration", host, NULL);
  assert_non_null(strstr(us_reply_str(&r, "issuer"), "/alpha"));
}

/* Verbs and actions (a.2). */

static void a_post_can_stand_for_another_method(void **state) {
  struct shared s = share(state);
  struct us_reply r = with(&s, "POST", s.url, "X-HTTP-Method-Override: GET", NULL);
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "policyId"), s.id);
  r = with(&s, "POST", POLICIES "?_queryFilter=true", "X-HTTP-Method-Override: GET", NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
  r = with(&s, "POST", s.url, "X-HTTP-Method-Override: PUT\nContent-Type: application/json\nIf-Match: *",
           policy_body(s.w, s.id, TO_BOB("[\"edit\"]"), NULL));
  assert_status(r, 200);
  assert_reply(with(&s, "POST", s.url, "X-HTTP-Method-Override: DELETE", NULL), 200);
  assert_reply(get_policy(s.w, s.sso, s.id), 404);
}

static void only_a_post_can(void **state) {
  struct shared s = share(state);
  struct us_reply r = with(&s, "GET", s.url, "X-HTTP-Method-Override: DELETE", NULL);
  assert_string_equal(us_reply_str(&r, "policyId"), s.id);
  assert_reply(get_policy(s.w, s.sso, s.id), 200);
  r = with(&s, "PUT", s.url, "X-HTTP-Method-Override: DELETE\nContent-Type: application/json",
           policy_body(s.w, s.id, TO_BOB("[\"edit\"]"), NULL));
  assert_status(r, 200);
  assert_reply(get_policy(s.w, s.sso, s.id), 200);
}

static void a_method_that_stands_in_for_nothing_is_refused(void **state) {
  struct shared s = share(state);
  assert_rest(with(&s, "POST", s.url, "X-HTTP-Method-Override: PATCH", NULL), 501, "Not Implemented");
  assert_reply(with(&s, "POST", s.url, "X-HTTP-Method-Override: TRACE", NULL), 405);
  assert_reply(with(&s, "POST", s.url, "X-HTTP-Method-Override: delete", NULL), 405);
  assert_rest(with(&s, "POST", POLICIES, "X-HTTP-Method-Override: DELETE", NULL), 400,
              "The resource collection users/alice/uma/policies cannot be deleted");
  assert_reply(get_policy(s.w, s.sso, s.id), 200);
}

/* The marker of a.5 is asked for by what was sent: a form of a foreign page can post. */
static void another_method_does_not_get_around_the_csrf_rule(void **state) {
  struct shared s = share(state);
  static const char *const methods[] = {"GET", "DELETE", "OPTIONS", "HEAD"};
  for (size_t i = 0; i < 4; i++) {
    struct us_reply r =
        us_send(s.w, "POST", s.url,
                us_text(s.w, "Cookie: iPlanetDirectoryPro=%s\nX-HTTP-Method-Override: %s", s.sso, methods[i]), NULL);
    assert_rest(r, 403, "Forbidden");
  }
  assert_reply(get_policy(s.w, s.sso, s.id), 200);
}

/* Nor does it exist on the other side. */
static void oauth_endpoints_know_no_override(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  struct us_reply r = us_send(w, "POST", us_text(w, ALPHA_UMA "resource_set/%s", id),
                              us_text(w, "Authorization: Bearer %s\nX-HTTP-Method-Override: DELETE", pat), NULL);
  assert_status(r, 405);
}

static void a_post_without_action_creates_since_protocol_2_1(void **state) {
  struct shared s = share(state);
  const char *id = us_register(s.w, us_pat(s.w, "alice", RS1), PHOTO);
  const char *body = policy_body(s.w, id, TO_BOB("[\"view\"]"), NULL);
  const char *type = "Content-Type: application/json\nAccept-API-Version: protocol=";
  static const char none[] = "No values provided for the request parameter '_action'";
  assert_rest(with(&s, "POST", POLICIES, us_text(s.w, "%s1.0", type), body), 400, none);
  assert_rest(with(&s, "POST", POLICIES, us_text(s.w, "%s2.0", type), body), 400, none);
  assert_rest(with(&s, "POST", s.url, us_text(s.w, "%s1.0", type), body), 400, none);
  assert_reply(with(&s, "POST", POLICIES "?_action=CREATE", us_text(s.w, "%s1.0", type), body), 201);
  assert_reply(us_with_sso(s.w, "DELETE", policy_url(s.w, id), s.sso, NULL, NULL), 200);
  struct us_reply r = with(&s, "POST", POLICIES, us_text(s.w, "%s2.1", type), body);
  assert_status(r, 201);
  assert_string_equal(us_reply_header(&r, "Location"),
                      us_text(s.w, WORLD_BASE "/json/realms/root/realms/alpha/users/alice/uma/policies/%s", id));
}

static void an_unknown_action_is_named_everywhere(void **state) {
  struct shared s = share(state);
  static const char *const targets[] = {POLICIES,
                                        POLICIES "/x",
                                        PENDING,
                                        PENDING "/x",
                                        ALPHA_JSON "sessions",
                                        ALPHA_JSON "users",
                                        ALPHA_JSON "serverinfo/*",
                                        ALPHA_JSON "users/alice"};
  for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
    assert_rest(with(&s, "POST", us_text(s.w, "%s?_action=explode", targets[i]), NULL, "{}"), 501,
                "Action explode not supported");
  assert_rest(with(&s, "POST", ALPHA_JSON "sessions?_action=Logout", NULL, "{}"), 501, "Action Logout not supported");
  assert_rest(with(&s, "POST", POLICIES "/x", NULL, "{}"), 501, "Action create not supported");
  assert_rest(with(&s, "POST", PENDING, NULL, "{}"), 501, "Action create not supported");
  assert_reply(with(&s, "POST", ALPHA_JSON "sessions?_action=getSessionInfo", NULL, "{}"), 200);
}

static void what_is_not_offered_is_501_and_what_has_no_meaning_405(void **state) {
  struct shared s = share(state);
  static const char *const targets[] = {POLICIES,
                                        POLICIES "/x",
                                        PENDING,
                                        PENDING "/x",
                                        ALPHA_JSON "sessions",
                                        ALPHA_JSON "users",
                                        ALPHA_JSON "users/alice",
                                        ALPHA_JSON "serverinfo/*"};
  for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
    assert_rest(with(&s, "PATCH", targets[i], NULL, "[]"), 501, "Not Implemented");
    struct us_reply r = with(&s, "TRACE", targets[i], NULL, NULL);
    assert_status(r, 405);
    assert_non_null(us_reply_header(&r, "Allow"));
    assert_reply(with(&s, "FOO", targets[i], NULL, NULL), 405);
  }
  assert_rest(with(&s, "PUT", PENDING "/x", NULL, "{}"), 501, "Not Implemented");
  assert_rest(with(&s, "DELETE", PENDING "/x", NULL, NULL), 501, "Not Implemented");
  assert_rest(with(&s, "DELETE", ALPHA_JSON "users/alice", NULL, NULL), 501, "Not Implemented");
  assert_rest(with(&s, "GET", ALPHA_JSON "users?_queryFilter=true", NULL, NULL), 501, "Not Implemented");
  assert_rest(with(&s, "GET", ALPHA_JSON "users", NULL, NULL), 400, "The resource collection users cannot be read");
  assert_rest(with(&s, "PUT", PENDING, NULL, "{}"), 400,
              "The resource collection users/alice/uma/pendingrequests cannot be updated");
  assert_rest(with(&s, "DELETE", PENDING, NULL, NULL), 400,
              "The resource collection users/alice/uma/pendingrequests cannot be deleted");
  assert_rest(with(&s, "GET", PENDING "/x?_queryFilter=true", NULL, NULL), 400,
              "The resource instance users/alice/uma/pendingrequests/x cannot be queried");
}

static void parameters_of_common_rest_are_given_once(void **state) {
  struct shared s = share(state);
  static const char text[] = "Multiple values provided for the single-valued request parameter '%s'";
  assert_rest(with(&s, "GET", us_text(s.w, "%s?_fields=name&_FIELDS=name", s.url), NULL, NULL), 400,
              us_text(s.w, text, "_FIELDS"));
  assert_rest(with(&s, "POST", ALPHA_JSON "sessions?_action=getSessionInfo&_action=logout", NULL, "{}"), 400,
              us_text(s.w, text, "_action"));
  assert_rest(with(&s, "DELETE", us_text(s.w, "%s?_prettyPrint=true&_prettyPrint=true", s.url), NULL, NULL), 400,
              us_text(s.w, text, "_prettyPrint"));
  assert_rest(with(&s, "GET", us_text(s.w, "%s?x=1&X=2", s.url), NULL, NULL), 400, us_text(s.w, text, "X"));
}

/* Versions (a.3). */

static struct us_reply get_version(const struct shared *s, const char *version) {
  return with(s, "GET", s->url, us_text(s->w, "Accept-API-Version: %s", version), NULL);
}

static void versions_are_negotiated(void **state) {
  struct shared s = share(state);
  static const struct {
    const char *sent, *content;
  } good[] = {
      {"resource=1.0", "protocol=2.1,resource=1.0"},
      {"resource=1.0,protocol=2.1", "protocol=2.1,resource=1.0"},
      {"protocol=2.0, resource=1.0", "protocol=2.0,resource=1.0"},
      {"protocol=1.0", "protocol=1.0,resource=1.0"},
      {"protocol=2.2", "protocol=2.2,resource=1.0"},
      {"resource=1", "protocol=2.1,resource=1.0"},
  };
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    struct us_reply r = get_version(&s, good[i].sent);
    assert_status(r, 200);
    assert_string_equal(us_reply_header(&r, "Content-API-Version"), good[i].content);
    assert_null(us_reply_header(&r, "Warning"));
  }
}

static void versions_that_are_not_served_are_refused(void **state) {
  struct shared s = share(state);
  assert_rest(get_version(&s, "protocol=3.0"), 400, "Unsupported major version: 3.0");
  assert_rest(get_version(&s, "protocol=2.9"), 400, "Unsupported minor version: 2.9");
  assert_rest(get_version(&s, "protocol=1.1"), 400, "Unsupported minor version: 1.1");
  static const char *const unserved[] = {"9.0", "2.0", "1.1"};
  for (size_t i = 0; i < 3; i++)
    assert_rest(get_version(&s, us_text(s.w, "resource=%s", unserved[i])), 404,
                us_text(s.w, "Accept-API-Version: Requested version \"%s\" does not match any routes.", unserved[i]));
  static const char *const malformed[] = {"",
                                          "1.0",
                                          "resource",
                                          "resource=",
                                          "resource=x",
                                          "resource=1.x",
                                          "resource=1.0.0",
                                          "version=1.0",
                                          "resource=1.0,resource=1.0",
                                          "protocol=2.1,protocol=2.0",
                                          "resource=1.0,protocol=2.1,x=1"};
  for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
    assert_rest(get_version(&s, malformed[i]), 400, "Accept-API-Version cannot be read");
  assert_rest(get_version(&s, "resource=1.0\nAccept-API-Version: resource=1.0"), 400,
              "Accept-API-Version cannot be read");
}

static const char *version_of(const struct shared *s, const char *method, const char *target, const char *version) {
  struct us_reply r = with(s, method, target, version ? us_text(s->w, "Accept-API-Version: %s", version) : NULL,
                           strcmp(method, "POST") == 0 ? "{}" : NULL);
  const char *content = us_reply_header(&r, "Content-API-Version");
  return content ? content : us_text(s->w, "%d", r.status);
}

static void each_path_has_its_versions(void **state) {
  struct shared s = share(state);
  const char *session = SESSIONS "getSessionInfo", *user = ALPHA_JSON "users?_action=idFromSession";
  assert_string_equal(version_of(&s, "POST", session, NULL), "protocol=2.1,resource=5.1");
  assert_string_equal(version_of(&s, "POST", session, "resource=3.1"), "protocol=2.1,resource=3.1");
  assert_string_equal(version_of(&s, "POST", session, "resource=5.2"), "404");
  assert_string_equal(version_of(&s, "POST", session, "resource=6.0"), "404");
  assert_string_equal(version_of(&s, "POST", user, "resource=3.0"), "protocol=2.1,resource=3.0");
  assert_string_equal(version_of(&s, "GET", PENDING "?_queryFilter=true", "resource=2.0"), "404");
  assert_string_equal(version_of(&s, "GET", ALPHA_JSON "resourcetypes?_queryFilter=true", "resource=1.1"), "404");
  assert_string_equal(version_of(&s, "POST", AUTHENTICATE, "resource=2.0"), "protocol=2.1,resource=2.0");
  assert_string_equal(version_of(&s, "POST", AUTHENTICATE, "resource=1.2"), "protocol=2.1,resource=1.2");
  assert_string_equal(version_of(&s, "POST", AUTHENTICATE, "resource=2.2"), "404");
}

static void which_version_is_meant_is_a_setting(void **state) {
  struct shared s = share(state);
  const char *session = SESSIONS "getSessionInfo";
  us_world_set(s.w, "apiVersionDefault", "Oldest");
  assert_string_equal(version_of(&s, "POST", session, NULL), "protocol=2.1,resource=1.0");
  assert_string_equal(version_of(&s, "POST", AUTHENTICATE, NULL), "protocol=2.1,resource=1.2");
  us_world_set(s.w, "apiVersionDefault", "None");
  assert_rest(with(&s, "GET", s.url, NULL, NULL), 400, "No requested version specified and behavior set to NONE.");
  assert_rest(get_version(&s, "protocol=2.1"), 400, "No requested version specified and behavior set to NONE.");
  assert_reply(get_version(&s, "resource=1.0"), 200);
  us_world_set(s.w, "apiVersionDefault", "Latest");
  assert_string_equal(version_of(&s, "POST", session, NULL), "protocol=2.1,resource=5.1");
}

static void a_missing_header_is_warned_about(void **state) {
  struct shared s = share(state);
  struct us_reply r = with(&s, "GET", s.url, NULL, NULL);
  assert_string_equal(us_reply_header(&r, "Warning"),
                      "100 CREST \"Accept-API-Version should be included in the request.\"");
  us_world_set(s.w, "apiVersionWarning", "false");
  r = with(&s, "GET", s.url, NULL, NULL);
  assert_null(us_reply_header(&r, "Warning"));
}

/* Preconditions (a.6). */

static const char *rev_of(const struct shared *s) {
  struct us_reply r = assert_reply(get_policy(s->w, s->sso, s->id), 200);
  return us_reply_str(&r, "_rev");
}

static void lines_of_if_match_are_one_list(void **state) {
  struct shared s = share(state);
  const char *body = policy_body(s.w, s.id, TO_BOB("[\"edit\"]"), NULL);
  const char *type = "Content-Type: application/json\n";
  assert_reply(with(&s, "PUT", s.url, us_text(s.w, "%sIf-Match: \"x\"\nIf-Match: \"y\"", type), body), 412);
  assert_reply(with(&s, "PUT", s.url, us_text(s.w, "%sIf-Match: \"x\"\nIf-Match: \"%s\"", type, rev_of(&s)), body),
               200);
  assert_reply(with(&s, "PUT", s.url, us_text(s.w, "%sIf-Match: \"x\", \"%s\"", type, rev_of(&s)), body), 200);
  assert_reply(with(&s, "GET", s.url, us_text(s.w, "If-None-Match: \"x\"\nIf-None-Match: %s", rev_of(&s)), NULL), 304);
  assert_reply(with(&s, "DELETE", s.url, "If-Match: 0\nIf-Match: 1\nIf-Match: *", NULL), 200);
}

static void what_is_known_is_not_sent_again(void **state) {
  struct shared s = share(state);
  struct us_reply r = with(&s, "GET", s.url, us_text(s.w, "If-None-Match: \"%s\"", rev_of(&s)), NULL);
  assert_status(r, 304);
  assert_int_equal(r.body_bytes, 0);
  assert_string_equal(us_reply_header(&r, "ETag"), us_text(s.w, "\"%s\"", rev_of(&s)));
  assert_reply(with(&s, "GET", s.url, "If-None-Match: \"x\"", NULL), 200);
  assert_reply(with(&s, "GET", s.url, "If-None-Match: *", NULL), 412);
  assert_rest(with(&s, "GET", s.url, "If-Match: *", NULL), 412, "If-Match not supported for GET requests");
  assert_rest(with(&s, "POST", s.url, "X-HTTP-Method-Override: GET\nIf-Match: *", NULL), 412,
              "If-Match not supported for GET requests");
}

/* Bodies (a.7) and answers (a.8). */

static void the_parsers_words_are_the_detail(void **state) {
  struct shared s = share(state);
  struct us_reply r = with(&s, "PUT", s.url, "Content-Type: application/json", "{\"policyId\":");
  assert_rest(r, 400, "The request could not be processed because the provided content is not valid JSON");
  assert_string_not_equal(us_reply_str(&r, "detail"), "");
}

static void every_answer_can_be_indented(void **state) {
  struct shared s = share(state);
  struct us_reply r = with(&s, "DELETE", us_text(s.w, "%s?_prettyPrint=true", POLICIES "/x"), NULL, NULL);
  assert_status(r, 404);
  assert_non_null(strstr(r.body, "{\n  \"code\": 404,\n  \"reason\": \"Not Found\","));
  r = with(&s, "POST", SESSIONS "getSessionInfo&_prettyPrint=TRUE", NULL, "{}");
  assert_non_null(strstr(r.body, "{\n  \"username\": \"alice\","));
  r = with(&s, "GET", POLICIES "?_queryFilter=false&_prettyPrint=false", NULL, NULL);
  assert_null(strchr(r.body, '\n'));
}

/* Order (a.12): each request is wrong in all that comes later, too. */

static void checks_come_in_the_order_of_the_contract(void **state) {
  struct shared s = share(state);
  struct us_world *w = s.w;
  const char *bob = us_sso(w, "bob");
#define NOWHERE "/am/json/realms/root/realms/nowhere/users/alice/uma/policies?_action=explode&_fields=a&_fields=b"
#define HERE POLICIES "?_action=explode&_fields=a&_fields=b"
  const char *bad_version = "Accept-API-Version: protocol=9.0";
  /* 1 realm, before 2 CSRF */
  assert_rest(us_send(w, "POST", NOWHERE, "Cookie: iPlanetDirectoryPro=x", "{"), 404, "Realm \"/nowhere\" not found");
  /* 2 CSRF, before 4 session; the header that opens the way is that of 3 */
  assert_rest(us_send(w, "POST", HERE, "Cookie: iPlanetDirectoryPro=x", "{"), 403, "Forbidden");
  /* 3 version, before 4 session */
  assert_rest(us_send(w, "POST", HERE, bad_version, "{"), 400, "Unsupported major version: 9.0");
  /* 4 session, before 7 action and 8 parameters, and whatever the verb */
  assert_rest(us_send(w, "POST", HERE, NULL, "{"), 401, "Access Denied");
  assert_rest(us_send(w, "PATCH", HERE, NULL, "{"), 401, "Access Denied");
  assert_rest(us_send(w, "TRACE", HERE, NULL, NULL), 401, "Access Denied");
  assert_rest(us_send(w, "DELETE", HERE, NULL, NULL), 401, "Access Denied");
  assert_rest(us_send(w, "POST", ALPHA_JSON "sessions?_action=explode", NULL, "{"), 501,
              "Action explode not supported");
  /* 5 who may act, before 7 */
  struct us_reply r = us_send(w, "POST", HERE, us_text(w, SSO_ONLY, bob), "{");
  assert_status(r, 403);
  assert_non_null(strstr(us_reply_str(&r, "message"), "bob"));
  /* 7 action, before 8 parameters and the media type */
  assert_rest(with(&s, "POST", HERE, "Content-Type: multipart/form-data", "{"), 501, "Action explode not supported");
  /* 8 parameters, before 9 body */
  assert_reply(with(&s, "POST", POLICIES "?_fields=a&_fields=b", "Content-Type: multipart/form-data", "{"), 400);
  assert_reply(with(&s, "POST", POLICIES, "Content-Type: multipart/form-data", "{"), 415);
  /* 9 body, before 10 look-up */
  assert_reply(with(&s, "PUT", POLICIES "/x", "Content-Type: application/json", "{"), 400);
  /* 10 look-up, before 11 preconditions */
  assert_reply(with(&s, "DELETE", POLICIES "/x", "If-Match: \"7\"", NULL), 404);
  assert_reply(with(&s, "DELETE", s.url, "If-Match: \"x\"", NULL), 412);
}

/* The widest rule of a path decides who is told that it has no such verb. */
static void administrators_are_told_too(void **state) {
  struct shared s = share(state);
  const char *admin = us_text(s.w, SSO_ONLY, us_sso(s.w, "amAdmin"));
  assert_rest(us_send(s.w, "PATCH", s.url, admin, "[]"), 501, "Not Implemented");
  assert_rest(us_send(s.w, "POST", PENDING "/x?_action=explode", admin, "{}"), 501, "Action explode not supported");
  const char *pat = us_text(s.w, "Authorization: Bearer %s", us_pat(s.w, "alice", RS1));
  assert_rest(us_send(s.w, "PATCH", s.url, pat, "[]"), 501, "Not Implemented");
  assert_rest(us_send(s.w, "PATCH", PENDING "/x", pat, "[]"), 401, "Access Denied");
}

static enum us_code make_bare_realm(struct us_cx *cx, void *self) {
  (void)self;
  static const char SQL[] = "UPDATE realm SET has_uma = 0 WHERE path = '/alpha'";
  US_TRY(us_sql_run(cx, NULL, SQL, ""));
  return us_config_bump(cx);
}

/* 6 provider, behind 5 who may act and before 7 action. */
static void a_realm_without_uma_says_so_to_those_who_may_act(void **state) {
  struct shared s = share(state);
  const char *bob = us_sso(s.w, "bob");
  assert_int_equal(us_world_transact(s.w, make_bare_realm, NULL), US_OK);
  assert_reply(us_send(s.w, "POST", HERE, us_text(s.w, SSO_ONLY, bob), "{"), 403);
  assert_rest(with(&s, "POST", HERE, NULL, "{"), 501, "UMA is not currently supported in this realm");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_host_may_stand_for_a_realm),
      STORY(a_post_can_stand_for_another_method),
      STORY(only_a_post_can),
      STORY(a_method_that_stands_in_for_nothing_is_refused),
      STORY(another_method_does_not_get_around_the_csrf_rule),
      STORY(oauth_endpoints_know_no_override),
      STORY(a_post_without_action_creates_since_protocol_2_1),
      STORY(an_unknown_action_is_named_everywhere),
      STORY(what_is_not_offered_is_501_and_what_has_no_meaning_405),
      STORY(parameters_of_common_rest_are_given_once),
      STORY(versions_are_negotiated),
      STORY(versions_that_are_not_served_are_refused),
      STORY(each_path_has_its_versions),
      STORY(which_version_is_meant_is_a_setting),
      STORY(a_missing_header_is_warned_about),
      STORY(lines_of_if_match_are_one_list),
      STORY(what_is_known_is_not_sent_again),
      STORY(the_parsers_words_are_the_detail),
      STORY(every_answer_can_be_indented),
      STORY(checks_come_in_the_order_of_the_contract),
      STORY(administrators_are_told_too),
      STORY(a_realm_without_uma_says_so_to_those_who_may_act),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
