/*
 * Rules that hold for every row of the route table under /json, whatever is added to it: who is let in (REST contract b.6), and that
 * a cookie alone changes nothing (a.5). The stories of each endpoint tell the rest.
 */
#include "flow/people.h"

#include "route/route.h"
#include "store/sql.h"

#define NOT_BOB "User, id=bob,ou=user,o=alpha,ou=services,dc=usher, not authorized."
#define ROWS_MIN 25 /* so that a table which is not read does not pass */

/* A place that the row serves: of this user, and with ids that nothing has. */
static const char *target_of(struct us_world *w, const struct us_route *row, const char *user) {
  const char *text = ALPHA_JSON, *p = row->pattern;
  while (*p) {
    const char *end = strchrnul(p, '/');
    bool is_user = strncmp(p, "{user}", 6) == 0;
    if (*p == '{')
      text = us_text(w, "%s%s%s", text, is_user ? user : "nothing", *end ? "/" : "");
    else
      text = us_text(w, "%s%.*s%s", text, (int)(end - p), p, *end ? "/" : "");
    p = *end ? end + 1 : end;
  }
  if (row->action != NULL)
    return us_text(w, "%s?_action=%s", text, row->action);
  bool is_list = row->method == US_METHOD_GET && text[strlen(text) - 1] != 'g'; /* ".../nothing" is one thing */
  return is_list ? us_text(w, "%s?_queryFilter=true", text) : text;
}
static struct us_reply knock(struct us_world *w, const struct us_route *row, const char *user, const char *headers) {
  const char *all = us_text(w, "Content-Type: application/json%s%s", headers[0] ? "\n" : "", headers);
  return us_send(w, us_method_name(row->method), target_of(w, row, user), all,
                 row->method == US_METHOD_GET ? NULL : "{}");
}
static const char *session(struct us_world *w, const char *token) {
  return us_text(w, "iPlanetDirectoryPro: %s", token);
}

static bool is_of_a_user(const struct us_route *row) {
  switch (row->auth) {
  case US_AUTH_OWNER:
  case US_AUTH_OWNER_OR_ADMIN:
  case US_AUTH_OWNER_OR_PAT:
  case US_AUTH_OWNER_ADMIN_OR_PAT:
    return true;
  default:
    return false;
  }
}
static bool wants_session(const struct us_route *row) {
  return row->service == US_SERVICE_JSON &&
         (is_of_a_user(row) || row->auth == US_AUTH_SESSION || row->auth == US_AUTH_ADMIN_OR_PAT);
}
static void assert_row(const struct us_route *row, struct us_reply r, int status, const char *message) {
  if (r.status != status || (message != NULL && strcmp(us_reply_str(&r, "message"), message) != 0))
    fail_msg("%s: wanted %d %s, got %d %s", row->name, status, message ? message : "", r.status, r.body);
}

static void paths_of_people_have_a_rule_about_people(void **state) {
  size_t n = 0;
  (void)state;
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *row = &us_routes[i];
    bool names_user = strstr(row->pattern, "{user}") != NULL;
    if (names_user != is_of_a_user(row))
      fail_msg("%s: the rule does not fit the path %s", row->name, row->pattern);
    n += names_user;
  }
  assert_in_range(n, ROWS_MIN, us_route_count);
}

/* Protocol contract 1.1: whatever row it would be, there is no such realm; found by fuzz/fuzz_request.c, which met one that fell over. */
static void a_realm_that_is_not_there_has_no_rows(void **state) {
  static const char *const services[] = {
      [US_SERVICE_OAUTH] = "oauth2", [US_SERVICE_UMA] = "uma", [US_SERVICE_JSON] = "json"};
  static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH"};
  struct us_world *w = *state;
  const char *bearer = us_text(w, "Authorization: Bearer %s", us_pat(w, "alice", RS1));
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *row = &us_routes[i];
    bool is_xui = row->service == US_SERVICE_XUI;
    if (row->service == US_SERVICE_ORIGIN)
      continue;
    const char *tail = target_of(w, row, "alice") + strlen(ALPHA_JSON);
    const char *target = is_xui ? us_text(w, "/am/XUI/%s?realm=/nowhere", row->pattern)
                                : us_text(w, "/am/%s/realms/root/realms/nowhere/%s", services[row->service], tail);
    for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
      for (int with_token = 0; with_token < 2; with_token++) {
        struct us_reply r = us_send(w, methods[m], target, with_token ? bearer : NULL, "{}");
        if (r.status != 404)
          fail_msg("%s: %s %s answers %d %s", row->name, methods[m], target, r.status, r.body);
      }
    }
  }
}

static void nobody_gets_in_without_a_session(void **state) {
  struct us_world *w = *state;
  size_t n = 0;
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *row = &us_routes[i];
    if (!wants_session(row))
      continue;
    assert_row(row, knock(w, row, "alice", ""), 401, "Access Denied");
    assert_row(row, knock(w, row, "alice", session(w, "dead")), 401, "Access Denied");
    assert_row(row, knock(w, row, "alice", "Authorization: Bearer dead"), 401, "Access Denied");
    n++;
  }
  assert_in_range(n, ROWS_MIN, us_route_count);
}

/* Neither the next user, nor one of the same name in another realm; and names are not probed. */
static void another_user_is_refused_everywhere(void **state) {
  struct us_world *w = *state;
  add_realm(w, "/beta");
  add_person(w, "/beta", "alice", false);
  add_person(w, "/beta", "keeper", true);
  const char *bob = session(w, us_sso(w, "bob")), *other = session(w, sso_in(w, "/beta", "alice"));
  const char *keeper = session(w, sso_in(w, "/beta", "keeper"));
  const char *bobs_pat = us_text(w, "Authorization: Bearer %s", us_pat(w, "bob", RS1));
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *row = &us_routes[i];
    if (!is_of_a_user(row))
      continue;
    bool takes_pat = row->auth == US_AUTH_OWNER_OR_PAT || row->auth == US_AUTH_OWNER_ADMIN_OR_PAT;
    assert_row(row, knock(w, row, "alice", bob), 403, NOT_BOB);
    assert_row(row, knock(w, row, "nobody", bob), 403, NOT_BOB);
    assert_row(row, knock(w, row, "alice", other), 403,
               "User, id=alice,ou=user,o=beta,ou=services,dc=usher, not authorized.");
    assert_row(row, knock(w, row, "alice", keeper), 403,
               "User, id=keeper,ou=user,o=beta,ou=services,dc=usher, not authorized.");
    assert_row(row, knock(w, row, "alice", bobs_pat), takes_pat ? 403 : 401, takes_pat ? NOT_BOB : "Access Denied");
  }
}

/* What administrators may is written in the table: looking, and ending shares and what clients may do. */
static void administrators_look_and_delete(void **state) {
  struct us_world *w = *state;
  const char *admin = session(w, us_sso(w, "amAdmin"));
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *row = &us_routes[i];
    if (!is_of_a_user(row))
      continue;
    bool may = row->auth == US_AUTH_OWNER_OR_ADMIN || row->auth == US_AUTH_OWNER_ADMIN_OR_PAT;
    struct us_reply r = knock(w, row, "alice", admin);
    if (!may)
      assert_row(row, r, 403, NULL);
    else if (r.status == 401 || r.status == 403)
      fail_msg("%s: got %d %s", row->name, r.status, r.body);
    if (may)
      assert_row(row, knock(w, row, "nobody", admin), 404, "Not Found");
    bool looks = row->kind == US_READ;
    bool ends = row->method == US_METHOD_DELETE &&
                (strstr(row->pattern, "policies") != NULL || strstr(row->pattern, "applications") != NULL);
    if (may != (looks || ends))
      fail_msg("%s: administrators %s", row->name, may ? "may change it" : "may not look at it");
  }
}

/* SB-20 */
static void a_cookie_alone_changes_nothing(void **state) {
  struct us_world *w = *state;
  const char *token = us_sso(w, "alice"), *cookie = us_text(w, "Cookie: iPlanetDirectoryPro=%s", token);
  size_t n = 0;
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *row = &us_routes[i];
    if (row->service != US_SERVICE_JSON || row->method == US_METHOD_GET)
      continue;
    assert_row(row, knock(w, row, "alice", cookie), 403, "Forbidden");
    assert_row(row, knock(w, row, "alice", "Cookie: iPlanetDirectoryPro=dead"), 403, "Forbidden");
    n++;
  }
  assert_in_range(n, ROWS_MIN, us_route_count);
  struct us_reply r = us_send(w, "POST", SESSIONS "validate", session(w, token), NULL);
  assert_true(json_is_true(json_object_get(r.json, "valid"))); /* the logouts among them did nothing */
}

static enum us_code take_uma_away(struct us_cx *cx, void *self) {
  (void)self;
  US_TRY(us_sql_run(cx, NULL, "UPDATE realm SET has_uma = 0 WHERE path = '/alpha'", ""));
  return us_config_bump(cx);
}

static void without_uma_everything_of_it_is_501(void **state) {
  struct us_world *w = *state;
  const char *alice = session(w, us_sso(w, "alice")), *admin = session(w, us_sso(w, "amAdmin"));
  assert_int_equal(us_world_transact(w, take_uma_away, NULL), US_OK);
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *row = &us_routes[i];
    if (row->service != US_SERVICE_JSON || strstr(row->pattern, "health") != NULL)
      continue;
    bool is_uma = strstr(row->pattern, "uma/") || strstr(row->pattern, "policies") ||
                  strstr(row->pattern, "oauth2/resources") || strstr(row->pattern, "resourcetypes");
    if (is_uma != ((row->flags & US_ROUTE_NEEDS_UMA) != 0))
      fail_msg("%s: the flag about UMA does not fit the path %s", row->name, row->pattern);
    if (is_uma)
      assert_row(row, knock(w, row, "alice", row->auth == US_AUTH_ADMIN_OR_PAT ? admin : alice), 501,
                 "UMA is not currently supported in this realm");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(paths_of_people_have_a_rule_about_people), STORY(a_realm_that_is_not_there_has_no_rows),
      STORY(nobody_gets_in_without_a_session),         STORY(another_user_is_refused_everywhere),
      STORY(administrators_look_and_delete),           STORY(a_cookie_alone_changes_nothing),
      STORY(without_uma_everything_of_it_is_501),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
