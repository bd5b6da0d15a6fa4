/* Methods: what a path does not support is 405 with a true Allow, in the body of its side (HT-01, REST contract a.2). */
#include "flow/flow.h"

#include "route/route.h"

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

/* HT-01: for every path of the OAuth side, each method that Allow does not name is 405, each that it names is not. */
static void allow_tells_the_truth_for_every_path(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "interactiveClaimsGatheringEnabled", "true"); /* or one of the paths is not there */
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *row = &us_routes[i];
    if (row->service != US_SERVICE_OAUTH && row->service != US_SERVICE_UMA)
      continue;
    const char *target = us_text(w, "/am/%s/realms/root/realms/alpha/%s",
                                 row->service == US_SERVICE_UMA ? "uma" : "oauth2", row->pattern);
    target = strstr(target, "{id}") ? us_text(w, "/am/uma/realms/root/realms/alpha/resource_set/some-id") : target;
    struct us_reply foo = us_send(w, "FOO", target, NULL, NULL);
    assert_status(foo, 405);
    const char *allow = us_reply_header(&foo, "Allow");
    assert_non_null(allow);
    for (size_t m = 0; m < METHODS; m++) {
      struct us_reply r = us_send(w, methods[m], target, NULL, NULL);
      bool is_allowed = strstr(us_text(w, ", %s,", allow), us_text(w, ", %s,", methods[m])) != NULL;
      if (is_allowed)
        assert_int_not_equal(r.status, 405);
      else
        assert_status(r, 405);
    }
  }
}

/* OA-01, UF-33, UF-36 */
static void bodies_of_405(void **state) {
  struct us_world *w = *state;
  (void)us_pat(w, "alice", "UMA-Resource-Server"); /* POST, which Allow names, works */
  struct us_reply r = us_send(w, "GET", ALPHA_OAUTH "access_token", NULL, NULL);
  assert_error(r, 405, "method_not_allowed");
  assert_string_equal(us_reply_str(&r, "error_description"), "Required Method: POST found: GET");
  assert_string_equal(us_reply_header(&r, "Allow"), "POST");
  r = us_send(w, "PATCH", ALPHA_UMA "resource_set/x", NULL, NULL);
  assert_error(r, 405, "unsupported_method_type");
  assert_string_equal(us_reply_header(&r, "Allow"), "GET, HEAD, PUT, DELETE");
  r = us_send(w, "DELETE", ALPHA_UMA "resource_set", NULL, NULL);
  assert_error(r, 405, "unsupported_method_type");
  assert_string_equal(us_reply_header(&r, "Allow"), "GET, HEAD, POST");
  r = us_send(w, "GET", ALPHA_UMA "permission_request", NULL, NULL);
  assert_error(r, 405, "unsupported_method_type");
  assert_string_equal(us_reply_header(&r, "Allow"), "POST");
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
}

/* More of it in test_common_rest.c. */
static void common_rest_answers_501_and_400(void **state) {
  struct us_world *w = *state;
  const char *sso = us_sso(w, "alice");
  struct us_reply r = us_with_sso(w, "PATCH", ALPHA_JSON "users/alice/uma/policies/x", sso, NULL, NULL);
  assert_status(r, 501);
  assert_string_equal(us_reply_str(&r, "reason"), "Not Implemented");
  r = us_with_sso(w, "PUT", ALPHA_JSON "users/alice/uma/policies", sso, NULL, NULL);
  assert_status(r, 400);
  assert_non_null(strstr(us_reply_str(&r, "message"), "cannot be updated"));
  r = us_with_sso(w, "TRACE", ALPHA_JSON "users/alice/uma/policies/x", sso, NULL, NULL);
  assert_status(r, 405);
  assert_string_equal(us_reply_header(&r, "Allow"), "GET, HEAD, PUT, DELETE");
  r = us_with_sso(w, "POST", ALPHA_JSON "users/alice/uma/pendingrequests/x?_action=explode", sso, NULL, NULL);
  assert_status(r, 501);
  assert_string_equal(us_reply_str(&r, "message"), "Action explode not supported");
  r = us_send(w, "GET", ALPHA_JSON "authenticate", NULL, NULL);
  assert_status(r, 405);
}

/* HT-02: the answer of HEAD is that of GET; the edge drops the body (tests/wire). */
static void head_follows_get(void **state) {
  struct us_world *w = *state;
  struct us_reply get = us_send(w, "GET", ALPHA_OAUTH "connect/jwk_uri", NULL, NULL);
  struct us_reply head = us_send(w, "HEAD", ALPHA_OAUTH "connect/jwk_uri", NULL, NULL);
  assert_status(get, 200);
  assert_status(head, 200);
  assert_string_equal(get.body, head.body);
}

/* HT-23 */
static void errors_are_json_in_the_style_of_their_path(void **state) {
  struct us_world *w = *state;
  static const char *const oauth_side[] = {"/am/uma/nothing", "/am/oauth2/realms/root/nothing",
                                           ALPHA_UMA "resource_set"};
  static const char *const rest_side[] = {"/am/json/nothing", "/am/nothing", "/",
                                          ALPHA_JSON "users/alice/uma/policies/x"};
  for (size_t i = 0; i < 3; i++) {
    struct us_reply r = us_send(w, "GET", oauth_side[i], NULL, NULL);
    assert_in_range(r.status, 401, 404);
    assert_string_not_equal(us_reply_str(&r, "error"), "");
    assert_string_equal(us_reply_header(&r, "Content-Type"), "application/json;charset=UTF-8");
    assert_string_equal(us_reply_header(&r, "X-Content-Type-Options"), "nosniff");
  }
  for (size_t i = 0; i < 4; i++) {
    struct us_reply r = us_send(w, "GET", rest_side[i], NULL, NULL);
    assert_in_range(r.status, 401, 404);
    assert_int_equal(us_reply_int(&r, "code"), r.status);
    assert_string_equal(us_reply_header(&r, "X-Content-Type-Options"), "nosniff");
  }
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(allow_tells_the_truth_for_every_path),
      STORY(bodies_of_405),
      STORY(common_rest_answers_501_and_400),
      STORY(head_follows_get),
      STORY(errors_are_json_in_the_style_of_their_path),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
