/* What is wrong with a policy, in the words of REST contract c.6, c.8 and a.7, and in which order (c.3, a.12). */
#include "flow/crest.h"

static const char *sso, *id;

static struct us_world *alice_with_album(void **state) {
  struct us_world *w = *state;
  sso = us_sso(w, "alice");
  id = us_register(w, us_pat(w, "alice", RS1), ALBUM);
  return w;
}
static struct us_reply put_text(struct us_world *w, const char *body) {
  return us_with_sso(w, "PUT", policy_url(w, id), sso, NULL, body);
}
static struct us_reply put(struct us_world *w, const char *permissions, const char *extra) {
  return put_text(w, policy_body(w, id, permissions, extra));
}

#define POLICY "Invalid UMA policy. "
#define PERMISSION "Invalid UMA policy permission. "
#define REQUEST "The request could not be processed because "

static void bodies_must_be_json_objects(void **state) {
  struct us_world *w = alice_with_album(state);
  assert_rest(put_text(w, NULL), 400, REQUEST "it did not contain any JSON content");
  assert_rest(put_text(w, " \r\n"), 400, REQUEST "it did not contain any JSON content");
  assert_rest(put_text(w, "[]"), 400, REQUEST "the provided content is not a JSON object");
  assert_rest(put_text(w, "\"x\""), 400, REQUEST "the provided content is not a JSON object");
  assert_rest(put_text(w, "{\"policyId\":}"), 400, REQUEST "the provided content is not valid JSON");
  assert_rest(put_text(w, "{\"policyId\":1,}"), 400, REQUEST "the provided content is not valid JSON");
  assert_rest(put_text(w, "{\"policyId\":1,\"policyId\":2}"), 400, REQUEST "the provided content is not valid JSON");
  assert_rest(put_text(w, "{} {}"), 400, REQUEST "there is trailing data after the JSON content");
}

static void a_content_type_must_be_there_and_may_be_any(void **state) {
  struct us_world *w = alice_with_album(state);
  const char *body = policy_body(w, id, TO_BOB("[\"view\"]"), NULL), *url = policy_url(w, id);
  assert_rest(us_send(w, "PUT", url, us_text(w, "iPlanetDirectoryPro: %s", sso), body), 400,
              REQUEST "the  content-type was not specified and is required");
  assert_reply(
      us_send(w, "PUT", url, us_text(w, "iPlanetDirectoryPro: %s\nContent-Type: multipart/form-data", sso), body), 415);
  assert_reply(us_send(w, "PUT", url,
                       us_text(w, "iPlanetDirectoryPro: %s\nContent-Type: application/x-www-form-urlencoded", sso),
                       body),
               201);
}

static void members_are_checked_in_the_documented_words(void **state) {
  struct us_world *w = alice_with_album(state);
  const char *with_id = us_text(w, "{\"policyId\":\"%s\",\"permissions\":", id);
  const struct {
    const char *body, *message;
  } cases[] = {
      {"{}", POLICY "Missing required attribute, 'policyId'."},
      {"{\"policyId\":null}", POLICY "Missing required attribute, 'policyId'."},
      {"{\"policyId\":7}", POLICY "Required attribute, 'policyId', must be a String."},
      {"{\"policyId\":\"other\",\"permissions\":[]}", "Policy ID does not match policy ID in the body."},
      {us_text(w, "{\"policyId\":\"%s\"}", id), POLICY "Missing required attribute, 'permissions'."},
      {us_text(w, "%snull}", with_id), POLICY "Missing required attribute, 'permissions'."},
      {us_text(w, "%s{}}", with_id), POLICY "Required attribute, 'permissions', must be an array."},
      {us_text(w, "%s\"x\"}", with_id), POLICY "Required attribute, 'permissions', must be an array."},
      {us_text(w, "%s[{}]}", with_id), PERMISSION "Missing required attribute, 'subject'."},
      {us_text(w, "%s[{\"subject\":7}]}", with_id), PERMISSION "Required attribute, 'subject', must be a String."},
      {us_text(w, "%s[{\"subject\":\"\"}]}", with_id), "Subject cannot be a blank string"},
      {us_text(w, "%s[{\"subject\":\" \\t \"}]}", with_id), "Subject cannot be a blank string"},
      {us_text(w, "%s[{\"subject\":\"bob\"}]}", with_id), PERMISSION "Missing required attribute, 'scopes'."},
      {us_text(w, "%s[{\"subject\":\"bob\",\"scopes\":\"view\"}]}", with_id),
       PERMISSION "Required attribute, 'scopes', must be an array of Strings."},
      {us_text(w, "%s[{\"subject\":\"bob\",\"scopes\":[1]}]}", with_id),
       PERMISSION "Required attribute, 'scopes', must be an array of Strings."},
      {us_text(w, "%s[7]}", with_id), PERMISSION "Must be an Object."},
      {us_text(w, "%s[{\"subject\":\"bob\",\"scopes\":[\"view\",\"erase\",\"burn\"]}]}", with_id),
       "Defined Resource Set scopes, [view, edit, download], do not contain requested scopes, [erase, burn]"},
      {us_text(w, "%s[{\"subject\":\"bob\",\"scopes\":[\"View\"]}]}", with_id),
       "Defined Resource Set scopes, [view, edit, download], do not contain requested scopes, [View]"},
      {us_text(w, "%s[{\"subject\":\"bob\",\"scopes\":[\"view\"]},{\"subject\":\"BOB\",\"scopes\":[]}]}", with_id),
       "Duplicate subject, 'BOB'"},
      {us_text(w, "%s[]}", with_id), POLICY "Required attribute, 'permissions', must not be empty."},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    assert_rest(put_text(w, cases[i].body), 400, cases[i].message);
  assert_reply(put(w, TO_BOB("[\"view\"]"), ",\"_id\":\"x\",\"_rev\":7,\"name\":[],\"other\":{}"), 201); /* ignored */
  for (size_t i = 0; i + 1 < sizeof(cases) / sizeof(cases[0]); i++) /* updates speak the same words */
    assert_rest(put_text(w, cases[i].body), 400, cases[i].message);
}

static void conditions_are_checked_in_the_documented_words(void **state) {
  static const struct {
    const char *extra, *message;
  } cases[] = {
      {",\"type\":\"XOR\"", POLICY "'type' must be AND or OR."},
      {",\"type\":7", POLICY "'type' must be AND or OR."},
      {",\"type\":\"and\"", POLICY "'type' must be AND or OR."},
      {",\"conditions\":{}", POLICY "Optional attribute, 'conditions', must be an array."},
      {",\"conditions\":[7]", "Invalid UMA policy condition. Must be an Object."},
      {",\"conditions\":[{}]", "Invalid UMA policy condition. Missing required attribute, 'type'."},
      {",\"conditions\":[{\"type\":\"Moon\"}]", "Invalid UMA policy condition. Unknown type, 'Moon'."},
      {",\"conditions\":[{\"type\":\"AND\",\"conditions\":[]}]", "Invalid UMA policy condition. Unknown type, 'AND'."},
      {",\"conditions\":[{\"type\":\"Expiration\"}]",
       "Invalid UMA policy condition. 'expirationDate' must be a number of seconds."},
      {",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":\"soon\"}]",
       "Invalid UMA policy condition. 'expirationDate' must be a number of seconds."},
      {",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":1.5}]",
       "Invalid UMA policy condition. 'expirationDate' must be a number of seconds."},
      {",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":-1}]",
       "Invalid UMA policy condition. 'expirationDate' must be a number of seconds."},
      {",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":253402300800}]",
       "Invalid UMA policy condition. 'expirationDate' must be a number of seconds."},
      {",\"conditions\":[{\"type\":\"ClientId\"}]",
       "Invalid UMA policy condition. 'clientIds' must be an array of Strings."},
      {",\"conditions\":[{\"type\":\"ClientId\",\"clientIds\":\"app\"}]",
       "Invalid UMA policy condition. 'clientIds' must be an array of Strings."},
      {",\"conditions\":[{\"type\":\"ClientId\",\"clientIds\":[7]}]",
       "Invalid UMA policy condition. 'clientIds' must be an array of Strings."},
  };
  struct us_world *w = alice_with_album(state);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    assert_rest(put(w, TO_BOB("[\"view\"]"), cases[i].extra), 400, cases[i].message);
  assert_reply(
      put(w, TO_BOB("[\"view\"]"), ",\"conditions\":[{\"type\":\"Expiration\",\"expirationDate\":253402300799}]"), 201);
}

static const char *many(struct us_world *w, size_t n, const char *item) {
  size_t room = n * (strlen(item) + 8) + 3, at = 1;
  char *text = malloc(room);
  assert_non_null(text);
  strcpy(text, "[");
  for (size_t i = 0; i < n; i++) {
    at += (size_t)snprintf(text + at, room - at, "%s", i ? "," : "");
    const char *mark = strchr(item, '#');
    at += (size_t)snprintf(text + at, room - at, "%.*s%zu%s", (int)(mark - item), item, i, mark + 1);
  }
  strcpy(text + at, "]");
  const char *copy = us_text(w, "%s", text);
  free(text);
  return copy;
}

static void lists_have_limits(void **state) {
  struct us_world *w = alice_with_album(state);
  assert_reply(put(w, many(w, 257, "{\"subject\":\"u#\",\"scopes\":[\"view\"]}"), NULL), 400);
  assert_reply(put(w, many(w, 256, "{\"subject\":\"u#\",\"scopes\":[\"view\"]}"), NULL), 201);
  struct us_reply r = get_policy(w, sso, id);
  assert_int_equal(json_array_size(json_object_get(r.json, "permissions")), 256);
  const char *scopes = many(w, 256, "\"s#\"");
  const char *wide =
      us_register(w, us_pat(w, "alice", RS1), us_text(w, "{\"name\":\"wide\",\"resource_scopes\":%s}", scopes));
  r = put_policy(w, sso, wide, NULL, us_text(w, "[{\"subject\":\"bob\",\"scopes\":%s}]", scopes), NULL);
  assert_status(r, 201);
  r = put_policy(w, sso, wide, NULL, us_text(w, "[{\"subject\":\"bob\",\"scopes\":%s}]", many(w, 257, "\"s#\"")), NULL);
  assert_status(r, 400);
}

static void texts_have_limits(void **state) {
  struct us_world *w = alice_with_album(state);
  assert_reply(put(w, us_text(w, "[{\"subject\":\"%0256d\",\"scopes\":[\"view\"]}]", 0), NULL), 400);
  assert_reply(put(w, us_text(w, "[{\"subject\":\"%0255d\",\"scopes\":[\"view\"]}]", 0), NULL), 201);
  assert_reply(put(w, "[{\"subject\":\"a\\u0007\",\"scopes\":[\"view\"]}]", NULL), 400);
  assert_reply(put(w, "[{\"subject\":\"a\\u0000\",\"scopes\":[\"view\"]}]", NULL), 400);
}

static void conditions_have_limits(void **state) {
  struct us_world *w = alice_with_album(state);
  const char *date = "{\"type\":\"Expiration\",\"expirationDate\":19#}";
  assert_reply(put(w, TO_BOB("[\"view\"]"), us_text(w, ",\"conditions\":%s", many(w, 33, date))), 400);
  assert_reply(put(w, TO_BOB("[\"view\"]"), us_text(w, ",\"conditions\":%s", many(w, 32, date))), 201);
  assert_reply(put(w, TO_BOB("[\"view\"]"),
                   us_text(w, ",\"conditions\":[{\"type\":\"ClientId\",\"clientIds\":%s}]", many(w, 257, "\"c#\""))),
               400);
  assert_reply(put(w, TO_BOB("[\"view\"]"),
                   us_text(w, ",\"conditions\":[{\"type\":\"ClientId\",\"clientIds\":%s}]", many(w, 256, "\"c#\""))),
               200);
}

/* Conditions go to every permission, so a small body could make a large policy. */
static void a_policy_has_a_largest_size(void **state) {
  struct us_world *w = alice_with_album(state);
  const char *people = many(w, 256, "{\"subject\":\"u#\",\"scopes\":[\"view\"]}");
  /* 256 times {"type":"AND","conditions":[{"type":"ClientId","clientIds":["..."]}]} (66 bytes and the id) and ["view"] (8) */
  int longest = 256 * 1024 / 256 - 66 - 8;
  assert_rest(
      put(w, people, us_text(w, ",\"conditions\":[{\"type\":\"ClientId\",\"clientId\":\"%0*d\"}]", longest + 1, 0)),
      400, POLICY "Scopes and conditions are larger than 262144 bytes.");
  assert_reply(
      put(w, people, us_text(w, ",\"conditions\":[{\"type\":\"ClientId\",\"clientId\":\"%0*d\"}]", longest, 0)), 201);
}

/* The order of c.3 and a.12: each request has two flaws, the earlier one is told. */
static void flaws_are_found_in_the_documented_order(void **state) {
  struct us_world *w = alice_with_album(state);
  const char *unknown = ALPHA_JSON "users/alice/uma/policies/unknown";
  const char *bob = us_sso(w, "bob");
  /* body syntax before preconditions, policyId before the resource */
  assert_rest(us_with_sso(w, "PUT", unknown, sso, "If-None-Match: 5", "{"), 400,
              REQUEST "the provided content is not valid JSON");
  assert_rest(us_with_sso(w, "PUT", unknown, sso, NULL, "{}"), 400, POLICY "Missing required attribute, 'policyId'.");
  /* the resource before the permissions; 400 on create, 404 on update */
  const char *no_subject = "{\"policyId\":\"unknown\",\"permissions\":[{}]}";
  assert_rest(us_with_sso(w, "PUT", unknown, sso, NULL, no_subject), 400, "Invalid ResourceSet UIDunknown");
  assert_rest(us_with_sso(w, "PUT", unknown, sso, "If-None-Match: *", no_subject), 400,
              "Invalid ResourceSet UIDunknown");
  assert_rest(us_with_sso(w, "POST", POLICIES, sso, NULL, no_subject), 400, "Invalid ResourceSet UIDunknown");
  assert_rest(us_with_sso(w, "PUT", unknown, sso, "If-Match: *", no_subject), 404, "UMA Policy not found, unknown");
  /* blank subjects before structure, structure before the right to share, that before scopes */
  assert_rest(put(w, "[{\"subject\":\"bob\"},{\"subject\":\" \"}]", NULL), 400, "Subject cannot be a blank string");
  const char *bobs = us_text(w, ALPHA_JSON "users/bob/uma/policies/%s", id);
  assert_rest(us_with_sso(w, "PUT", bobs, bob, NULL, policy_body(w, id, "[{}]", NULL)), 400,
              PERMISSION "Missing required attribute, 'subject'.");
  assert_rest(us_with_sso(w, "PUT", bobs, bob, NULL, policy_body(w, id, TO_BOB("[\"erase\"]"), NULL)), 403,
              "Forbidden");
  /* scopes before "exists already", the revision before the permissions */
  assert_reply(put(w, TO_BOB("[\"view\"]"), NULL), 201);
  assert_reply(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"erase\"]"), NULL), 400);
  assert_reply(put_policy(w, sso, id, "If-Match: 0", "[{}]", NULL), 412);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(bodies_must_be_json_objects),
      STORY(a_content_type_must_be_there_and_may_be_any),
      STORY(members_are_checked_in_the_documented_words),
      STORY(conditions_are_checked_in_the_documented_words),
      STORY(lists_have_limits),
      STORY(texts_have_limits),
      STORY(conditions_have_limits),
      STORY(a_policy_has_a_largest_size),
      STORY(flaws_are_found_in_the_documented_order),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
