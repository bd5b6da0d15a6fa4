/* JSON bodies of the protection API: only the grammar, UTF-8, no repeats, bounded (HT-03, HT-16 to HT-20, UF-34, UF-35). */
#include "flow/flow.h"

struct bytes {
  const char *p;
  size_t n;
};
#define BYTES(literal)                                                                                                 \
  { literal, sizeof(literal) - 1 }

static size_t count(struct us_world *w, const char *pat) {
  struct us_reply r = us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL);
  assert_status(r, 200);
  return json_array_size(r.json);
}

static void refuse(struct us_world *w, const char *pat, const void *body, size_t n) {
  struct us_reply r =
      us_send_bytes(w, "POST", ALPHA_UMA "resource_set",
                    us_text(w, "Authorization: Bearer %s\nContent-Type: application/json", pat), body, n);
  assert_error(r, 400, "invalid_request");
  for (const char *c = us_reply_str(&r, "error_description"); *c; c++) /* OA-24 */
    assert_true(*c >= 0x20 && *c <= 0x7e && *c != '"' && *c != '\\');
}

/* HT-16, HT-17, HT-18, HT-20, UF-34, UF-35, OA-24 */
static void malformed_bodies_are_400_and_store_nothing(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", "UMA-Resource-Server");
  static const struct bytes bodies[] = {
      BYTES(""),
      BYTES("[]"),
      BYTES("\"x\""),
      BYTES("{\"resource_scopes\":[\"a\"]"),
      BYTES("{\"resource_scopes\":[\"a\"]}x"),
      BYTES("{\"resource_scopes\":[\"a\"]}{}"),
      BYTES("{\"resource_scopes\":[\"a\"],}"),
      BYTES("{\"resource_scopes\":['a']}"),
      BYTES("{\"resource_scopes\":[\"a\"],\"n\":NaN}"),
      BYTES("{\"resource_scopes\":[\"a\"],\"n\":01}"),
      BYTES("{\"resource_scopes\":[\"a\"],\"n\":1e999}"),
      BYTES("/*x*/{\"resource_scopes\":[\"a\"]}"),
      BYTES("{\"resource_scopes\":[\"a\nb\"]}"),
      BYTES("{\"resource_scopes\":[\"a\"],\"resource_scopes\":[\"b\"]}"),
      BYTES("{\"resource_scopes\":[\"a\"],\"resource\\u005fscopes\":[\"b\"]}"),
      BYTES("{\"resource_scopes\":[\"a\"],\"x\":{\"y\":1,\"y\":2}}"),
      BYTES("\xef\xbb\xbf{\"resource_scopes\":[\"a\"]}"),
      BYTES("{\"resource_scopes\":[\"\xc0\x80\"]}"),
      BYTES("{\"resource_scopes\":[\"\xed\xa0\x80\"]}"),
      BYTES("{\"resource_scopes\":[\"\xff\"]}"),
      BYTES("{\"resource_scopes\":[\"\xe2\x82\"]}"),
      BYTES("{\"resource_scopes\":[\"a\"],\"name\":\"\\uD800\"}"),
      BYTES("{\"resource_scopes\":[\"a\"],\"name\":\"a\\u0000b\"}"),
      BYTES("{\"resource_scopes\":[\"a\\u0000b\"]}"),
      BYTES("{\"resource_scopes\":[\"a\0b\"]}"),
  };
  for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
    refuse(w, pat, bodies[i].p, bodies[i].n);
  assert_int_equal(count(w, pat), 0);
}

/* HT-19 */
static void deep_long_and_crowded_bodies_are_400(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", "UMA-Resource-Server");
  char *deep = malloc(60001);
  memset(deep, '[', 60000);
  deep[60000] = '\0';
  refuse(w, pat, deep, 60000);
  memset(deep, '9', 60000); /* a number of 60,000 digits */
  memcpy(deep, "{\"n\":", 5);
  deep[59999] = '}';
  refuse(w, pat, deep, 60000);
  size_t n = (size_t)sprintf(deep, "{\"resource_scopes\":[\"a\"],\"x\":[0");
  for (int i = 0; i < 4200; i++)
    n += (size_t)sprintf(deep + n, ",%d", i % 10);
  n += (size_t)sprintf(deep + n, "]}");
  refuse(w, pat, deep, n);
  free(deep);
  assert_int_equal(count(w, pat), 0);
}

/* HT-03 */
static void codings_and_media_types(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", "UMA-Resource-Server"), *body = "{\"resource_scopes\":[\"a\"]}";
  struct {
    const char *header;
    int status;
  } cases[] = {
      {"Content-Encoding: gzip", 415},
      {"Content-Encoding: identity", 201},
      {"Content-Type: application/json;charset=utf-8", 201},
      {"Content-Type: application/x-www-form-urlencoded", 201} /* Q4: parsed as JSON whatever it is called */,
      {"Content-Type: multipart/form-data; boundary=x", 415},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct us_reply r = us_send(w, "POST", ALPHA_UMA "resource_set",
                                us_text(w, "Authorization: Bearer %s\n%s", pat, cases[i].header), body);
    assert_status(r, cases[i].status);
  }
  struct us_reply r =
      us_send(w, "POST", ALPHA_UMA "permission_request", us_text(w, "Authorization: Bearer %s", pat), "a=b&c=d");
  assert_error(r, 400, "invalid_request");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(malformed_bodies_are_400_and_store_nothing),
      STORY(deep_long_and_crowded_bodies_are_400),
      STORY(codings_and_media_types),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
