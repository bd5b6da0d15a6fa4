/* How a resource server finds the protection API and comes by a PAT (G 2, F 1.3, F 1.4, F 2; protocol contract 2.1, 3). */
#include "flow/uma.h"

#define FORM "Content-Type: application/x-www-form-urlencoded"

static struct us_reply metadata(struct us_world *w) {
  struct us_reply r = us_send(w, "GET", ALPHA_OAUTH ".well-known/uma2-configuration", NULL, NULL);
  assert_status(r, 200);
  return r;
}

/* The path of an absolute URL of this server. */
static const char *path_of(const char *url) {
  static const char origin[] = "http://127.0.0.1:8080";
  assert_memory_equal(url, origin, sizeof(origin) - 1);
  return url + sizeof(origin) - 1;
}

/* UG-01 UG-02 */
static void the_document_lies_at_the_issuer_and_names_it(void **state) {
  struct us_world *w = *state;
  struct us_reply r = metadata(w);
  const char *issuer = us_reply_str(&r, "issuer");
  struct us_reply again =
      us_send(w, "GET", us_text(w, "%s/.well-known/uma2-configuration", path_of(issuer)), NULL, NULL);
  assert_status(again, 200);
  assert_string_equal(again.body, r.body);
  again = us_send(w, "GET", ALPHA_UMA ".well-known/uma2-configuration", NULL, NULL); /* Q9: identical at both */
  assert_string_equal(again.body, r.body);
  assert_string_not_equal(us_reply_str(&r, "token_endpoint"), "");
  assert_true(json_is_array(json_object_get(r.json, "response_types_supported")));
}

/* UF-12 UF-13: what the document names answers there. */
static void the_endpoints_it_names_answer(void **state) {
  struct us_world *w = *state;
  struct us_reply r = metadata(w);
  const char *pat = us_pat(w, "alice", RS1);
  const char *sets = path_of(us_reply_str(&r, "resource_registration_endpoint"));
  const char *permission = path_of(us_reply_str(&r, "permission_endpoint"));
  const char *introspection = path_of(us_reply_str(&r, "introspection_endpoint"));
  struct us_reply made = us_with_pat(w, "POST", sets, pat, ALBUM);
  assert_status(made, 201);
  expect_status(
      us_with_pat(w, "POST", permission, pat,
                  us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", us_reply_str(&made, "_id"))),
      201);
  r = us_send(w, "POST", introspection, us_text(w, "Authorization: Bearer %s\n" FORM, pat), "token=x");
  assert_inactive(r);
}

/* UF-09 */
static void a_pat_belongs_to_a_person_never_to_a_client_alone(void **state) {
  struct us_world *w = *state;
  const char *client = "&client_id=" RS1 "&client_secret=mySecret";
  struct us_reply r =
      us_send(w, "POST", TOKEN, FORM, us_text(w, "grant_type=client_credentials&scope=uma_protection%s", client));
  assert_error(r, 400, "invalid_scope");
  const char *pat = us_pat(w, "alice", RS1);
  r = us_introspect(w, pat, pat);
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "sub"), "alice");
  assert_string_equal(us_reply_str(&r, "client_id"), RS1);
  assert_string_equal(us_reply_str(&r, "scope"), "uma_protection");
}

/* UF-11 */
static void a_resource_server_renews_its_pat_while_the_owner_is_away(void **state) {
  struct us_world *w = *state;
  const char *client = "&client_id=" RS1 "&client_secret=mySecret";
  struct us_reply r =
      us_send(w, "POST", TOKEN, FORM,
              us_text(w, "grant_type=password&username=alice&password=Ch4ng31t&scope=uma_protection%s", client));
  assert_status(r, 200);
  const char *id = us_register(w, us_reply_str(&r, "access_token"), ALBUM);
  us_world_advance_ms(w, 3600 * 1000);
  expect_error(us_with_pat(w, "GET", set_url(w, id), us_reply_str(&r, "access_token"), NULL), 401, "invalid_token");
  struct us_reply fresh =
      us_send(w, "POST", TOKEN, FORM,
              us_text(w, "grant_type=refresh_token&refresh_token=%s%s", us_reply_str(&r, "refresh_token"), client));
  assert_status(fresh, 200);
  const char *pat = us_reply_str(&fresh, "access_token");
  expect_status(us_with_pat(w, "GET", set_url(w, id), pat, NULL), 200);
  ask_for(w, pat, id, "[\"view\"]");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(the_document_lies_at_the_issuer_and_names_it),
      STORY(the_endpoints_it_names_answer),
      STORY(a_pat_belongs_to_a_person_never_to_a_client_alone),
      STORY(a_resource_server_renews_its_pat_while_the_owner_is_away),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
