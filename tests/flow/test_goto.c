/* Where a login may send a browser (REST contract b.1): goto and gotoOnFail. */
#include "flow/crest.h"

static const char *success_url(struct us_world *w, const char *wanted) {
  struct us_reply r = login_with(w, us_text(w, "?noSession=true&goto=%s", us_enc(w, wanted)),
                                 "X-OpenAM-Username: alice\nX-OpenAM-Password: Ch4ng31t", "");
  assert_status(r, 200);
  return us_reply_str(&r, "successUrl");
}
static struct us_reply fail_towards(struct us_world *w, const char *wanted) {
  struct us_reply r = login_with(w, us_text(w, "?gotoOnFail=%s", us_enc(w, wanted)),
                                 "X-OpenAM-Username: alice\nX-OpenAM-Password: wrong", "");
  assert_rest(r, 401, "Login failure");
  return r;
}

static const char *const ours[] = {
    "/am/XUI/?realm=/alpha#uma/share/1", "/am", "/am?x=//y", "/am/?x=a%2Fb", WORLD_BASE "/oauth2/x", WORLD_BASE};
static const char *const evil[] = {
    "https://evil.example/",
    "HTTPS://evil.example/am/",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "//evil.example/am",
    "///evil.example/am",
    "\\\\evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/am\\@evil.example",
    "/am/..//evil.example",
    "/am/../evil",
    "/am/./x",
    "/am//evil.example",
    "/am/%2e%2e/evil",
    "/am/%2E./evil",
    "/am/%252e%252e/evil",
    "/am/%2F%2Fevil",
    "/%2Fevil.example",
    "%2F%2Fevil.example",
    "/am/%5cevil",
    "/am/\\evil",
    "/am/a\nb",
    "/am/a\tb",
    "/am/\x7f",
    "/am/%0d%0aSet-Cookie:x=y",
    "/am/ b",
    " /am/",
    "/\t/evil.example",
    "/am/\xc3\xa4",
    "/am/?x=\\",
    "/amx/",
    "/am@evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://127.0.0.1:8080/am",
    WORLD_BASE ".evil.example/",
    WORLD_BASE "@evil.example/",
    "http://user@127.0.0.1:8080/am/",
    "http://evil.example@127.0.0.1:8080/am",
    "http://127.0.0.1:8080@evil.example/am",
    "http://127.0.0.1:8081/am",
    "http://127.0.0.1:8080",
    "https://127.0.0.1:8080/am",
    "am/x",
    "?x",
    "",
};

/* SB-03 */
static void goto_stays_on_the_server(void **state) {
  struct us_world *w = *state;
  for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
    assert_string_equal(success_url(w, ours[i]), ours[i]);
  for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++)
    assert_string_equal(success_url(w, evil[i]), "/am/console");
}

static void goto_has_a_longest_length(void **state) {
  struct us_world *w = *state;
  const char *longest = us_text(w, "/am/%0*d", 4096 - 4, 0);
  assert_string_equal(success_url(w, longest), longest);
  assert_string_equal(success_url(w, us_text(w, "%s0", longest)), "/am/console");
}

/* SB-03: nor does a failure lead elsewhere */
static void goto_on_fail_is_judged_alike(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "failedPasswordsPerAccount", "0");
  us_world_set(w, "failedPasswordsPerAddress", "0");
  struct us_reply r = fail_towards(w, "/am/XUI/?q=\"x\"#failed");
  assert_string_equal(us_reply_str(&r, "failureUrl"), "/am/XUI/?q=\"x\"#failed");
  assert_string_equal(r.body, "{\"code\":401,\"reason\":\"Unauthorized\",\"message\":\"Login failure\","
                              "\"failureUrl\":\"/am/XUI/?q=\\\"x\\\"#failed\"}");
  for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
    r = fail_towards(w, evil[i]);
    assert_null(json_object_get(r.json, "failureUrl"));
  }
}

static void a_realm_allows_other_places_by_name(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "validGotoUrls",
               "https://app.example.net/home,https://photos.example.net:8443/*,/photos/*,"
               "https://bare.example.net,//evil.example/*,https://u@evil.example/*");
  static const char *const allowed[] = {"https://app.example.net/home",
                                        "https://APP.example.net/home?x=1#y",
                                        "https://photos.example.net:8443/",
                                        "https://photos.example.net:8443/a/b?c",
                                        "https://photos.example.net:8443",
                                        "/photos/",
                                        "/photos/7",
                                        "https://bare.example.net",
                                        "https://bare.example.net/",
                                        "https://bare.example.net?x"};
  static const char *const refused[] = {"https://app.example.net/homes",
                                        "https://app.example.net/Home",
                                        "https://app.example.net/",
                                        "http://app.example.net/home",
                                        "https://app.example.net:444/home",
                                        "https://photos.example.net/",
                                        "https://photos.example.net:8443.evil.example/",
                                        "https://photos.example.net:8443@evil.example/",
                                        "https://photos.example.net:8443/../x",
                                        "https://photos.example.net:8443//evil.example",
                                        "https://photos.example.net:8443/%2e%2e/x",
                                        "https://photos.example.net:8443\\@evil.example/",
                                        "/photos",
                                        "//photos/x",
                                        "/photos/../am",
                                        "https://bare.example.net/x",
                                        "//evil.example/x",
                                        "https://u@evil.example/x",
                                        "https://evil.example/"};
  for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
    assert_string_equal(success_url(w, allowed[i]), allowed[i]);
  for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
    assert_string_equal(success_url(w, refused[i]), "/am/console");
}

static void what_one_realm_allows_another_does_not(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "validGotoUrls", "https://app.example.net/*");
  struct us_reply r =
      us_send(w, "POST", "/am/json/realms/root/authenticate?noSession=true&goto=https://app.example.net/x",
              "Content-Type: application/json\nX-OpenAM-Username: amAdmin\nX-OpenAM-Password: Ch4ng31t", "");
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "successUrl"), "/am/console");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(goto_stays_on_the_server),
      STORY(goto_has_a_longest_length),
      STORY(goto_on_fail_is_judged_alike),
      STORY(a_realm_allows_other_places_by_name),
      STORY(what_one_realm_allows_another_does_not),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
