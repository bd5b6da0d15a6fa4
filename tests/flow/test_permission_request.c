/* Permission tickets for a resource server (protocol contract 5). */
#include "flow/uma.h"

#define WHAT "Invalid Permission Request. "
#define NOT_ALLOWED "Requested scopes are not in allowed scopes for resource set."

static struct us_reply ask(struct us_world *w, const char *pat, const char *json) {
  return us_with_pat(w, "POST", PERM, pat, json);
}

static void refused(struct us_world *w, const char *pat, const char *json, const char *error, const char *description) {
  struct us_reply r = ask(w, pat, json);
  assert_error(r, 400, error);
  if (description)
    assert_string_equal(us_reply_str(&r, "error_description"), description);
  assert_string_not_equal(us_reply_str(&r, "error_description"), "");
  assert_null(json_object_get(r.json, "ticket"));
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
}

/* UF-37 UF-38 UG-13 */
static void one_ticket_for_an_object_or_an_array(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM), *photo = us_register(w, pat, PHOTO);
  const char *one = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"],\"x_foo\":{}}", album);
  const char *two = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"print\"]}", photo);
  const char *bodies[] = {one, us_text(w, "[%s]", one), us_text(w, "[%s,%s]", one, two),
                          us_text(w, "[%s,%s,%s]", one, two, one)};
  for (size_t i = 0; i < 4; i++) {
    struct us_reply r = ask(w, pat, bodies[i]);
    assert_status(r, 201);
    assert_int_equal(json_object_size(r.json), 1);
    assert_int_equal(strlen(us_reply_str(&r, "ticket")), 38);
    assert_string_equal(us_reply_header(&r, "Content-Type"), "application/json;charset=UTF-8");
    assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
    assert_string_equal(us_reply_header(&r, "Pragma"), "no-cache");
  }
}

/* UF-36 */
static void only_post_is_allowed(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  (void)us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[]}", id));
  static const char *const methods[] = {"GET", "PUT", "DELETE", "PATCH", "FOO"};
  for (size_t i = 0; i < 5; i++) {
    struct us_reply r = us_with_pat(w, methods[i], PERM, pat, NULL);
    assert_error(r, 405, "unsupported_method_type");
    assert_string_equal(us_reply_header(&r, "Allow"), "POST");
  }
}

/* UF-38 UF-39 UF-41 */
static void what_is_malformed_is_refused_by_member(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  refused(w, pat, NULL, "invalid_request", NULL);
  refused(w, pat, "{", "invalid_request", NULL);
  refused(w, pat, "[]", "invalid_request", "Invalid Permission Request.");
  refused(w, pat, "\"x\"", "invalid_request", "Invalid Permission Request.");
  refused(w, pat, "null", "invalid_request", "Invalid Permission Request.");
  refused(w, pat, "[\"x\"]", "invalid_request", "Invalid Permission Request.");
  refused(w, pat, us_text(w, "[[{\"resource_id\":\"%s\",\"resource_scopes\":[]}]]", id), "invalid_request",
          "Invalid Permission Request.");
  refused(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_id\":\"%s\",\"resource_scopes\":[]}", id, id),
          "invalid_request", NULL);

  refused(w, pat, "{}", "invalid_resource_id", WHAT "Missing required attribute, 'resource_id'.");
  refused(w, pat, "{\"resource_id\":null,\"resource_scopes\":[]}", "invalid_resource_id",
          WHAT "Missing required attribute, 'resource_id'.");
  refused(w, pat, us_text(w, "{\"resource_set_id\":\"%s\",\"scopes\":[]}", id), "invalid_resource_id",
          WHAT "Missing required attribute, 'resource_id'."); /* Q14 */
  refused(w, pat, "{\"resource_id\":7,\"resource_scopes\":[]}", "invalid_resource_id",
          WHAT "Required attribute, 'resource_id', must be a String.");
  refused(w, pat, "{\"resource_id\":\"nope\",\"resource_scopes\":[]}", "invalid_resource_id",
          "Could not find Resource Set, nope");

  refused(w, pat, us_text(w, "{\"resource_id\":\"%s\"}", id), "invalid_scope",
          WHAT "Missing required attribute, 'resource_scopes'.");
  refused(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":\"view\"}", id), "invalid_scope",
          WHAT "Required attribute, 'resource_scopes', must be an array of Strings.");
  refused(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[1]}", id), "invalid_scope",
          WHAT "Required attribute, 'resource_scopes', must be an array of Strings.");
  refused(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"fly\"]}", id), "invalid_scope",
          NOT_ALLOWED);
  refused(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\",\"View\"]}", id), "invalid_scope",
          NOT_ALLOWED);
  refused(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"\"]}", id), "invalid_scope", NULL);
}

/* UF-41 */
static void scopes_may_be_none_and_must_be_the_resources_own(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM);
  us_register(w, pat, PHOTO);
  ask_for(w, pat, album, "[]");
  refused(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"print\"]}", album), "invalid_scope",
          NOT_ALLOWED);
}

static int64_t count_tickets(struct us_world *w) {
  static const char SQL_COUNT[] = "SELECT COUNT(*) FROM ticket";
  return us_count(w, SQL_COUNT);
}

/* UF-42: the first entry that does not hold decides; nothing is stored. */
static void one_bad_entry_spoils_all(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM), *photo = us_register(w, pat, PHOTO);
  const char *good = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", album);
  const char *good2 = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", photo);
  const char *unknown = "{\"resource_id\":\"nope\",\"resource_scopes\":[\"view\"]}";
  const char *fly = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"fly\"]}", album);
  refused(w, pat, us_text(w, "[%s,%s,%s]", good, good2, unknown), "invalid_resource_id",
          "Could not find Resource Set, nope");
  refused(w, pat, us_text(w, "[%s,%s,%s]", good, fly, unknown), "invalid_scope", NOT_ALLOWED);
  refused(w, pat, us_text(w, "[%s,%s,7]", good, unknown), "invalid_resource_id", "Could not find Resource Set, nope");
  refused(w, pat, us_text(w, "[%s,{},%s]", good, fly), "invalid_resource_id",
          WHAT "Missing required attribute, 'resource_id'.");
  assert_int_equal(count_tickets(w), 0);
  expect_status(ask(w, pat, us_text(w, "[%s,%s]", good, good2)), 201);
  assert_int_equal(count_tickets(w), 1);
}

/* UF-43 */
static void one_request_concerns_one_owner(void **state) {
  struct us_world *w = *state;
  const char *alice = us_pat(w, "alice", RS1), *bob = us_pat(w, "bob", RS1);
  const char *hers = us_register(w, alice, ALBUM), *his = us_register(w, bob, ALBUM);
  refused(w, alice,
          us_text(w,
                  "[{\"resource_id\":\"%s\",\"resource_scopes\":[]},{\"resource_id\":\"%s\",\"resource_scopes\":[]}]",
                  hers, his),
          "invalid_resource_id", us_text(w, "Could not find Resource Set, %s", his));
}

/* UF-44 */
static void the_ticket_stands_for_what_was_asked_and_repeats_are_joined(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *album = us_register(w, pat, ALBUM), *photo = us_register(w, pat, PHOTO);
  us_share(w, "alice", album, "bob", "[\"view\",\"edit\",\"download\"]");
  us_share(w, "alice", photo, "bob", "[\"view\",\"print\",\"download\"]");
  const char *ticket = us_ask(w, pat,
                              us_text(w,
                                      "[{\"resource_id\":\"%s\",\"resource_scopes\":[\"edit\"]},"
                                      "{\"resource_id\":\"%s\",\"resource_scopes\":[\"print\"]},"
                                      "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\",\"edit\"]}]",
                                      album, photo, album));
  const char *rpt = rpt_of(us_grant(w, C1, ticket, us_id_token(w, "bob", C1), NULL));
  assert_holds(w, pat, rpt, "%s:edit view|%s:print", album, photo);
}

static const char *entries(struct us_world *w, const char *id, int n) {
  const char *text = "";
  for (int i = 0; i < n; i++)
    text = us_text(w, "%s%s{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", text, i ? "," : "", id);
  return us_text(w, "[%s]", text);
}

static void a_hundred_entries_and_no_more(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  expect_status(ask(w, pat, entries(w, id, 100)), 201);
  refused(w, pat, entries(w, id, 101), "invalid_request", NULL);
}

static void a_ticket_of_a_hundred_resources_gives_all_of_them(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *body = "";
  for (int i = 0; i < 100; i++)
    body = us_text(w, "%s%s{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", body, i ? "," : "",
                   us_register(w, pat, "{\"resource_scopes\":[\"view\"]}"));
  const char *rpt =
      rpt_of(us_grant(w, C1, us_ask(w, pat, us_text(w, "[%s]", body)), us_id_token(w, "alice", C1), NULL));
  struct us_reply r = us_introspect(w, pat, rpt);
  assert_int_equal(json_array_size(json_object_get(r.json, "permissions")), 100);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(one_ticket_for_an_object_or_an_array),
      STORY(only_post_is_allowed),
      STORY(what_is_malformed_is_refused_by_member),
      STORY(scopes_may_be_none_and_must_be_the_resources_own),
      STORY(one_bad_entry_spoils_all),
      STORY(one_request_concerns_one_owner),
      STORY(the_ticket_stands_for_what_was_asked_and_repeats_are_joined),
      STORY(a_hundred_entries_and_no_more),
      STORY(a_ticket_of_a_hundred_resources_gives_all_of_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
